#!/usr/bin/env python3
"""Keeps the house in order: tests/structure/check.py rooms | headers COMPILER | secrets | length | messages | links.

Each check prints every fault it finds, and exits with 1 when there is one.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("protocol", "storage", "auth", "launcher", "gateway")

# What a room may include of the house, and of the world: "never" wins over the rest.
MAY_ENTER = {"protocol": (), "storage": (), "auth": ("protocol", "storage"), "launcher": ("protocol", "storage"),
             "gateway": ("protocol", "storage", "auth", "launcher")}
# protocol is bytes to values: no sockets, no files, no clocks, so it lists what it may have.
PROTOCOL_WORLD = re.compile(r"^(rapidjson/.*|boost/system/.*|[a-z_]+)$")
NEVER = {
    "protocol": re.compile(r"^(fstream|iostream|filesystem|chrono|ctime|thread|mutex|cstdio|csignal)$"),
    "storage": re.compile(r"^(boost/(asio|beast)|spdlog|sys/socket\.h|netdb\.h|netinet|rapidjson|CLI|yaml-cpp)"),
    "auth": re.compile(r"^(boost/(asio|beast)|spdlog|sys/socket\.h|netdb\.h|netinet|rapidjson|CLI)"),
    "launcher": re.compile(r"^(boost/(asio|beast)|spdlog|openssl|rapidjson|CLI)"),
    "gateway": re.compile(r"^rapidjson"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)

# Above 400 lines a file is more than one idea. The few that may be longer, up to how much, and why.
MAX_LINES = 400
LONGER = {
    "gateway/hub.h": (460, "one class: the session"),
    "gateway/hub_runs.cpp": (550, "one state machine: how the target is resumed, halted and found standing"),
    "gateway/tls_channel.cpp": (650, "one state machine: bytes, TLS records and both ways of closing"),
    "tests/integration/node/scenarios.js": (450, "a list of cases"),
    "tests/unit/gateway/link_resume_test.cpp": (550, "a list of cases"),
    "tests/unit/gateway/link_streams_test.cpp": (550, "a list of cases"),
    "tests/unit/gateway/tls_server_test.cpp": (600, "a list of cases"),
}
MEASURED = (".cpp", ".h", ".py", ".go", ".js", ".mjs", ".ts", ".sh")
GENERATED = ("package-lock.json",)

PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=\s]{40,}")
KEY_NAME = re.compile(r"\.(key|p12|pfx|jks)$")


def files():
    """What git tracks or would track; without git, what is there."""
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], capture_output=True)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return sorted(name for name in set(names) if os.path.isfile(os.path.join(ROOT, name)))
    found = []
    for directory, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".git", "build")) and f != "node_modules"]
        found += [os.path.relpath(os.path.join(directory, name), ROOT) for name in names]
    return sorted(found)


def text(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def sources(*endings):
    return [name for name in files() if name.split("/")[0] in ROOMS and name.endswith(endings)]


def check_rooms():
    for name in sources(".h", ".cpp"):
        room = name.split("/")[0]
        for quote, header in INCLUDE.findall(text(name)):
            if quote == '"':
                other = header.split("/")[0]
                if other not in ROOMS or "/" not in header:
                    yield f'{name}: "{header}" is not included from the root of the house'
                elif other != room and other not in MAY_ENTER[room]:
                    yield f"{name}: {room} may not include {header}"
                elif not os.path.isfile(os.path.join(ROOT, header)):
                    yield f"{name}: {header} does not exist"
            elif NEVER[room].match(header) or (room == "protocol" and not PROTOCOL_WORLD.match(header)):
                yield f"{name}: {room} may not include <{header}>"


def check_headers(compiler):
    """Every header compiles alone: a .cpp that includes its own header first shows it; for the rest the
    compiler is asked."""
    there = set(files())
    alone = []
    for header in sources(".h"):
        if "#pragma once" not in text(header):
            yield f"{header}: no #pragma once"
        body = header[:-2] + ".cpp"
        if body not in there:
            alone.append(header)
            continue
        first = INCLUDE.search(text(body))
        if not first or first.group(2) != header:
            yield f"{body}: must include {header} first, to show that it compiles alone"
    for header in alone:
        result = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-O0", f"-I{ROOT}", "-x", "c++", "-"],
                                input=f'#include "{header}"\n', capture_output=True, text=True)
        if result.returncode:
            yield f"{header}: does not compile alone:\n{result.stderr[:2000]}"


def check_secrets():
    for name in files():
        if KEY_NAME.search(name):
            yield f"{name}: looks like a private key; none is ever committed"
            continue
        with open(os.path.join(ROOT, name), "rb") as file:
            if PRIVATE_KEY.search(file.read()):
                yield f"{name}: contains a private key"


def check_length():
    there = files()
    for name in there:
        if not name.endswith(MEASURED) or os.path.basename(name) in GENERATED:
            continue
        lines = text(name).count("\n")
        limit, _why = LONGER.get(name, (MAX_LINES, ""))
        if lines > limit:
            yield f"{name}: {lines} lines, more than {limit}: what is its second idea?"
        elif name in LONGER and lines <= MAX_LINES:
            yield f"{name}: has become short; take it off the list in tests/structure/check.py"
    for name in LONGER:
        if name not in there:
            yield f"{name}: is gone; take it off the list in tests/structure/check.py"


# A page for people who look up what they have read, and how each message is told there: `first words … last words`.
MESSAGES = "docs/troubleshooting.md"
QUOTED = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)
LITERALS = re.compile(r"'(?:[^'\\\n]|\\.)'"  # a character may be a quote
                      r'|"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')


def said(fragment, literals, pieces=4):
    """Whether it is in one of them, or is put together of a few of them: "the gateway" + " refused this certificate"."""
    if any(fragment in literal for literal in literals):
        return True
    if pieces == 1:
        return False
    for end in range(len(fragment) - 2, 1, -1):
        begin = fragment[:end]
        if any(literal.endswith(begin) for literal in literals) and said(fragment[end:], literals, pieces - 1):
            return True
    return False


def check_messages():
    """Every message of the page is in one source file."""
    everything = []
    for name in sources(".cpp"):
        found = [re.sub(r'(?<!\\)"\s*"', "", one)[1:-1].replace('\\"', '"') for one in LITERALS.findall(text(name)) if one[0] == '"']
        everything.append([literal for literal in found if len(literal) > 1])
    messages = QUOTED.findall(text(MESSAGES)) if os.path.isfile(os.path.join(ROOT, MESSAGES)) else []
    if not messages:
        yield f"{MESSAGES}: no message is quoted there"
    for message in messages:
        fragments = [part.strip() for part in message.split("…")]
        fragments = [part for part in fragments if len(part) > 5]
        if max(map(len, fragments), default=0) < 10:
            yield f"{MESSAGES}: `{message}` says too little to be looked up"
        elif not any(all(said(part, literals) for part in fragments) for literals in everything):
            yield f"{MESSAGES}: nobody says `{message}`"


LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def anchors(page):
    """What a heading is called in an address, as GitHub has it."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", page), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", shown).strip().lower().replace(" ", "-"))
    return found


def check_links():
    """Every link from one page to another, or to a heading, leads there; every table has a head, without which it is shown as text."""
    there = files()
    for name in there:
        if not name.endswith(".md"):
            continue
        page = text(name)
        for target in LINK.findall(FENCED.sub("", page)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, heading = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            if path not in there and not os.path.isdir(os.path.join(ROOT, path)):
                yield f"{name}: there is no {path}, which it links to"
            elif heading and heading not in anchors(text(path)):
                yield f"{name}: {path} has no heading for #{heading}"
        for rows in re.findall(r"(?m)(?:^\|.*\n)+", FENCED.sub("", page)):
            first, _, second = rows.partition("\n")
            if not re.match(r"\|[-:| ]+\|(\n|$)", second):
                yield f"{name}: a table without a head: {first[:60]}"


def main(arguments):
    checks = {"rooms": check_rooms, "headers": check_headers, "secrets": check_secrets, "length": check_length,
              "messages": check_messages, "links": check_links}
    if not arguments or arguments[0] not in checks:
        print(__doc__, file=sys.stderr)
        return 2
    if not sources(".h", ".cpp"):
        print(f"no sources below {ROOT}", file=sys.stderr)
        return 2
    faults = list(checks[arguments[0]](*arguments[1:]))
    for fault in faults:
        print(fault)
    print(f"{arguments[0]}: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
