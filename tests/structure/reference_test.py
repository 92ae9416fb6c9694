#!/usr/bin/env python3
"""The tables of keys in the documentation are what the program prints: reference_test.py DELVEGATE."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else "delvegate"
PAGES = [os.path.join(ROOT, "docs", name) for name in ("configuration.md", "policy.md")]


class Reference(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="delvegate-reference-")
        self.addCleanup(shutil.rmtree, self.directory)

    def reference(self, *words):
        return subprocess.run([os.path.join(ROOT, "scripts", "reference"), "--binary", BINARY, *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)

    def changed(self, page, old, new):
        with open(page, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        copy = os.path.join(self.directory, os.path.basename(page))
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))
        return copy

    def test_the_documentation_is_what_is_printed(self):
        done = self.reference("--check")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        for page in PAGES:
            self.assertEqual(self.reference("--check", page).returncode, 0, page)

    def test_a_change_by_hand_is_found_and_undone(self):
        for page, key in zip(PAGES, ("| `limits.drainTime` |", "| `roles[].deny` |")):
            copy = self.changed(page, key, "| `other` |")
            found = self.reference("--check", copy)
            self.assertNotEqual(found.returncode, 0)
            self.assertIn("-| `other` |", found.stdout)
            self.assertEqual(self.reference(copy).returncode, 0)
            with open(copy, encoding="utf-8") as mended, open(page, encoding="utf-8") as original:
                self.assertEqual(mended.read(), original.read())

    def test_a_page_that_lost_a_mark_is_named(self):
        copy = self.changed(PAGES[1], "<!-- end of what is printed -->", "")
        found = self.reference("--check", copy)
        self.assertNotEqual(found.returncode, 0)
        self.assertIn(copy, found.stderr)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
