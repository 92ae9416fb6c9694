#!/usr/bin/env python3
"""What the documentation tells people to type is what the program takes: commands_test.py DELVEGATE.

Each `delvegate …` in README*.md, docs/*.md and certs/README.md, in a block or within a line, has a subcommand and options that --help
knows. Values are not looked at.
"""

import functools
import glob
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else "delvegate"
PAGES = sorted(glob.glob(os.path.join(ROOT, "README*.md")) + glob.glob(os.path.join(ROOT, "docs", "*.md")) +
               [os.path.join(ROOT, "certs", "README.md")])
# A command ends where the shell's next one begins, or a comment.
END = re.compile(r"\s(?:\||&&|\|\||;|>|>>|2>|<|#|&)(?:\s|$).*|[;)].*$", re.S)

# Words of the debug console that are no subcommands (docs/together.md).
TYPED_INTO_AN_IDE = ("who", "output", "follow", "unfollow")


@functools.lru_cache(maxsize=None)
def helped(*words):
    """(subcommands, options, whether something else may stand in a subcommand's place) by --help; None where it is not known."""
    said = subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if said.returncode:
        return None
    lists, current = {}, None
    for line in said.stdout.splitlines():
        if line in ("Positionals:", "Options:", "Subcommands:"):
            current = lists.setdefault(line, [])
        elif current is not None and (entry := re.match(r"  (\S.*?)(?:  |$)", line)):
            current.append(entry[1])
        elif line.strip() and not line.startswith(" "):
            current = None
    terms = re.findall(r"(?m)^ +(-\S.*?)(?:  |$)", said.stdout)
    options = {word.split("=")[0] for term in terms for word in re.split(r"[ ,]+", term) if word.startswith("-")}
    return {term.split()[0] for term in lists.get("Subcommands:", [])}, options, "Positionals:" in lists


def fault(text):
    """Why the program would not take `delvegate TEXT`, or None."""
    words = END.sub("", " " + text.strip() + " ").replace("`", "").split()
    known, below, options, free = (), *helped()
    while words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
        if words[0] not in below:
            if known and (free or not below):
                break
            # Some are not listed: those of which it makes processes of its own.
            if not known and words[0] in TYPED_INTO_AN_IDE:
                return None
            if known or f"Usage: delvegate {words[0]}" not in usage(words[0]):
                return f"there is no {' '.join(['delvegate', *known, words[0]])}"
        known += (words.pop(0),)
        below, options, free = helped(*known)
    if words[:1] == ["…"]:  # any of its subcommands
        options = options.union(*(helped(*known, one)[1] for one in below))
    for word in words:
        if word == "--":
            break
        name = re.match(r"(--[a-z][a-z-]*|-[a-zA-Z])(?:[=\]…,.]|$)", word.lstrip("["))
        if name and name[1] not in options:
            return f"{' '.join(['delvegate', *known])} has no {name[1]}"
    return None


@functools.lru_cache(maxsize=None)
def usage(*words):
    return subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def commands(text):
    """(line, what follows `delvegate`) of what a page tells people to type."""
    inside, number = False, 0
    lines = text.split("\n")
    while number < len(lines):
        line = lines[number]
        start = number + 1
        if line.lstrip().startswith("```"):
            inside = not inside
        elif inside:
            while line.endswith("\\") and number + 1 < len(lines):
                number += 1
                line = line[:-1] + lines[number]
            line = re.sub(r"^\s*(?:\$ |# )?", "", line)
            # At the beginning of a command only: what a program prints may begin so in the middle of a line.
            found = re.match(r"(?:[A-Z_]+=\S+ |sudo |runuser -u \S+ -- |exec )*delvegate((?:\s+\S+)+)", line) or \
                re.search(r"(?:&& |\| |\$\()delvegate((?:\s+\S+)+)", line)
            if found and re.match(r"\s+[a-z-]", found[1]):
                yield start, found[1]
        else:
            for quoted in re.findall(r"`([^`]+)`", line):
                found = re.match(r"(?:sudo |runuser -u \S+ -- )?delvegate((?:\s+\S+)+)$", quoted)
                if found and re.match(r"\s+[a-z-]", found[1]):
                    yield start, found[1]
        number += 1


class Commands(unittest.TestCase):
    def test_the_program_takes_them(self):
        found, faults = 0, []
        for page in PAGES:
            with open(page, encoding="utf-8") as file:
                for line, text in commands(file.read()):
                    found += 1
                    if (wrong := fault(text)):
                        faults.append(f"{os.path.relpath(page, ROOT)}:{line}: {wrong}")
        self.assertEqual(faults, [])
        self.assertGreater(found, 150, "they are found")

    def test_what_it_does_not_take_is_seen(self):
        self.assertIn("has no --gatway", fault(" connect scheduler --gatway node1:7443"))
        self.assertIn("there is no delvegate conect", fault(" conect scheduler"))
        self.assertIn("there is no delvegate ca revok", fault(" ca revok --user alice"))
        self.assertIn("has no --fro", fault(" park scheduler --fro 30m   # a comment"))
        self.assertIsNone(fault(" serve --exec ./program -- --its-own"))
        self.assertIsNone(fault(" policy can-i alice call kube-scheduler --group interns | less --such"))
        said = list(commands("```sh\n$ delvegate connect a \\\n  --gatway b\n```\nor `delvegate conect`, or `delvegate`\n"))
        self.assertEqual([(line, text.split()) for line, text in said], [(2, ["connect", "a", "--gatway", "b"]), (5, ["conect"])])


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
