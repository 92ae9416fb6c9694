#!/usr/bin/env python3
"""Writes the man pages from what the program itself says with --help: manual.py DELVEGATE DIRECTORY.

One page for `delvegate` and one for each subcommand with the subcommands below it, in man1/; one for each file that people write, from
what it prints of its keys, in man5/. Always the same bytes.
"""

import gzip
import os
import re
import subprocess
import sys

# Of each file: its page, what it is, and the words that print its keys.
FILES = (("delvegate-gateway.yaml", "configuration of the gateway", ["serve", "--print-reference"], ["serve"]),
         ("delvegate-launcher.yaml", "configuration of the launcher", ["launcher", "--print-reference"], ["launcher"]),
         ("delvegate-policy.yaml", "who may do what through the gateway", ["policy", "keys"], ["policy"]))
LISTS = ("Positionals:", "Options:", "Subcommands:")


# Defaults depend on who asks; a node's are root's.
AS_ROOT = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]


def printed(delvegate, *words):
    said = subprocess.run([*AS_ROOT, delvegate, *words], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"})
    return said.stdout.rstrip("\n").split("\n")


def helped(delvegate, *words):
    return printed(delvegate, *words, "--help")


def escaped(text):
    """Text of which troff shows each character."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga").replace("'", "\\(aq")
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def read(lines):
    """(summary, usage, {list: [(term, text)]}, the rest)."""
    summary, usage, lists, rest, current = lines[0], "", {}, [], None
    for line in lines[1:]:
        if line.startswith("Usage: ") and not usage:
            usage = line.removeprefix("Usage: ")
        elif line in LISTS and not rest:
            current = lists.setdefault(line.rstrip(":"), [])
        elif current is not None and (entry := re.match(r"  (\S.*?)(?:  +(\S.*))?$", line)):
            current.append([entry[1], entry[2] or ""])
        elif current and re.match(r" {3,}\S", line):
            current[-1][1] = f"{current[-1][1]} {line.strip()}".strip()
        elif line.strip() or rest:
            rest.append(line)
            current = None
    return summary, usage, lists, rest


def entries(lists):
    for name, items in lists.items():
        if name != "Subcommands":
            for term, text in items:
                yield from (".TP", f"\\fB{escaped(term)}\\fR", escaped(text) or "\\&")


def verbatim(lines):
    """Examples stay as they are, and so does what stands beside them: the terminal is what both were written for."""
    return [".nf", *(escaped(line) for line in lines), ".fi"] if lines else []


def page(delvegate, name, words, date, version):
    summary, usage, lists, rest = read(helped(delvegate, *words))
    subcommands = lists.get("Subcommands", [])
    out = [f'.TH {name.upper().replace("-", chr(92) + "-")} 1 "{date}" "delvegate {version}" "User Commands"',
           ".SH NAME", f"{escaped(name)} \\- {escaped(summary[0].lower() + summary[1:].rstrip('.'))}",
           ".SH SYNOPSIS", f"\\fB{escaped(usage)}\\fR", ".SH OPTIONS", *entries(lists)]
    if subcommands:
        out.append(".SH SUBCOMMANDS")
        for term, text in subcommands:
            out += [".TP", f"\\fB{escaped(term)}\\fR", escaped(text)]
    if rest:
        out += [".SH DESCRIPTION", *verbatim(rest)]
    if words:
        for term, text in subcommands:
            _summary, below_usage, below, more = read(helped(delvegate, *words, term))
            out += [f'.SH "{escaped(" ".join([*words, term])).upper()}"', escaped(text) + ".", ".PP", f"\\fB{escaped(below_usage)}\\fR",
                    *entries(below), ".PP", *verbatim(more)]
        others = ["delvegate"]
    else:
        others = [f"delvegate-{term}" for term, _text in subcommands]
    out += [".SH SEE ALSO", ", ".join(f"\\fB{escaped(other)}\\fR(1)" for other in others), ""]
    return "\n".join(out), [term for term, _text in subcommands]


def plain(text):
    return escaped(text.replace("`", ""))


def file_page(name, summary, lines, others, date, version):
    """Of Markdown: headings, and tables of key, form, default and meaning."""
    out = [f'.TH {escaped(name.upper())} 5 "{date}" "delvegate {version}" "File Formats"', ".SH NAME", f"{escaped(name)} \\- {escaped(summary)}",
           ".SH DESCRIPTION", f"The file is YAML. Where it is, and what may be left out, \\fB{escaped(others[0])}\\fR(1) says.", ".SH KEYS"]
    third = ""
    for line in lines:
        if line.startswith("#"):
            out.append(f'.SS "{escaped(line.lstrip("# "))}"')
        elif line.startswith("| "):
            key, form, value, meaning = line.removeprefix("| ").removesuffix(" |").split(" | ")
            if key == "key":
                third = value
            else:
                extra = "" if value == "–" else f", {third}: {value}" if third == "default" else f", {third}"
                out += [".TP", f"\\fB{plain(key)}\\fR ({plain(form + extra)})", plain(meaning)]
        elif line and not line.startswith("|-"):
            out += [".PP", plain(line)]
    out += [".SH SEE ALSO", ", ".join(f"\\fB{escaped(other)}\\fR(1)" for other in others), ""]
    return "\n".join(out)


def write(directory, name, section, text):
    with open(os.path.join(directory, f"man{section}", f"{name}.{section}.gz"), "wb") as file:
        file.write(gzip.compress(text.encode(), 9, mtime=0))


def main():
    delvegate, directory = sys.argv[1:]
    version = subprocess.run([delvegate, "version"], check=True, capture_output=True, text=True).stdout.split()[1]
    changelog = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debian", "changelog")
    date = subprocess.run(["dpkg-parsechangelog", "-l", changelog, "-S", "Date"], check=True, capture_output=True, text=True).stdout
    date = " ".join(date.split()[1:4])
    for section in (1, 5):
        folder = os.path.join(directory, f"man{section}")
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
    text, subcommands = page(delvegate, "delvegate", [], date, version)
    write(directory, "delvegate", 1, text)
    for one in subcommands:
        write(directory, f"delvegate-{one}", 1, page(delvegate, f"delvegate-{one}", [one], date, version)[0])
    for name, summary, words, about in FILES:
        others = [f"delvegate-{word}" for word in about]
        write(directory, name, 5, file_page(name, summary, printed(delvegate, *words), others, date, version))


if __name__ == "__main__":
    main()
