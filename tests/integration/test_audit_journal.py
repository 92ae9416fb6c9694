"""The audit's heads in a real journal: a systemd-journald of the test's own, on a /run of its own."""

import ctypes
import os
import subprocess
import unittest

from harness import process, waiting
from test_audit import Audit as AuditCase

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000


def setUpModule():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "a /run of the test's own needs root")
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    for directory in ("/run/systemd/journal", "/run/log/journal"):
        os.makedirs(directory)


class Journal(AuditCase):
    def setUp(self):
        super().setUp()
        process.Process(self, "journald", ["/lib/systemd/systemd-journald"])
        waiting.until("the journal is there", lambda: os.path.exists("/run/systemd/journal/socket"))

    def test_the_journal_shows_what_was_cut_off(self):
        self.work(self.start(auditAnchors="journal"))
        self.stop()
        whole = self.delvegate("verify", "--anchor", "journal", self.file)
        self.assertEqual(whole.returncode, 0, whole)
        heads = subprocess.run(["journalctl", "--output=cat", "--identifier=delvegate"], capture_output=True, text=True,
                               timeout=waiting.DEADLINE, check=True).stdout
        last = self.records()[-1]["sequence"]
        self.assertIn(f"head of {self.file} is record", heads)
        with open(self.file, encoding="utf-8") as file:
            lines = file.readlines()
        with open(self.file, "w", encoding="utf-8") as file:
            file.writelines(lines[:-3])
        cut = self.delvegate("verify", "--anchor", "journal", self.file)
        self.assertEqual(cut.returncode, 1, cut)
        self.assertIn("the end was cut off", cut.stdout)
        self.assertIn(str(last - 1), cut.stdout)


def load_tests(loader, _tests, _pattern):
    return unittest.TestSuite([Journal("test_the_journal_shows_what_was_cut_off")])


if __name__ == "__main__":
    unittest.main()
