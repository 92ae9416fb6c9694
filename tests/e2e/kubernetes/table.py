"""What has been seen to work on a real cluster: noted by the tests themselves, and written into docs/kubernetes.md from that.

A test says with @fills which columns of its component's row it proves. The notes are kept in the cache, the newest of
each place; `python3 tests/e2e/kubernetes table` writes them into the documentation.
"""

import datetime
import functools
import json
import os
import re

from harness import tools

from . import build, cache

COLUMNS = ("detach", "launch", "breakpoint by JSON-RPC", "breakpoint by DAP", "stop budget", "restore", "restore after crash",
           "restore after reboot")
DOCUMENT = os.path.join(tools.ROOT, "docs", "kubernetes.md")
BEGIN, END = "<!-- written by the test run: begin -->", "<!-- end -->"


def _notes():
    return os.path.join(cache.folder(), "table.json")


def _read():
    try:
        with open(_notes(), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def note(version, component, columns, outcome):
    """version: Kubernetes's."""
    with cache.locked("table"):
        notes = _read()
        row = notes.setdefault(version, {}).setdefault(component, {})
        for column in columns:
            row[column] = {"outcome": outcome, "date": datetime.date.today().isoformat(), "dlv": str(tools.delve())}
        with open(_notes() + ".new", "w", encoding="utf-8") as file:
            json.dump(notes, file, indent=1, sort_keys=True)
        os.rename(_notes() + ".new", _notes())


def fills(*columns):
    """On a test of a Story: what it proves of its component when it passes, and does not when it fails."""
    assert set(columns) <= set(COLUMNS), columns

    def decorate(test):
        @functools.wraps(test)
        def noted(self):
            try:
                test(self)
            except BaseException:
                note(self.cluster.version, self.component, columns, "failed")
                raise
            # What fails in a subTest is not raised up to here.
            note(self.cluster.version, self.component, columns, "works" if self._outcome.success else "failed")
        return noted
    return decorate


def _cell(found):
    return "not run" if not found else f"{found['outcome']}, dlv {found['dlv']}, {found['date']}"


def text():
    """The tables, newest version first."""
    lines = []
    notes = _read()
    for version in sorted(notes, key=lambda name: [int(part) for part in name[1:].split(".")], reverse=True):
        lines += [f"Kubernetes {version}:", "", "| component | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
        for component in build.COMPONENTS:
            row = notes[version].get(component, {})
            lines.append(f"| {component} | " + " | ".join(_cell(row.get(column)) for column in COLUMNS) + " |")
        lines.append("")
    return "\n".join(lines)


def write():
    with open(DOCUMENT, encoding="utf-8") as file:
        document = file.read()
    place = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not place.search(document):
        raise AssertionError(f"{DOCUMENT} has no place for the table: {BEGIN}")
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(place.sub(lambda _: f"{BEGIN}\n{text()}{END}", document))
