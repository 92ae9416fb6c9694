"""The gateway's log and the audit's heads in a real journal: a systemd-journald of the test's own, on a /run of its own."""

import ctypes
import json
import os
import signal
import subprocess
import unittest

from harness import case, process, tools, waiting
from harness.rpc import Rpc
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


class Log(case.Case):
    def setUp(self):
        super().setUp()
        self.journald = process.Process(self, "journald", ["/lib/systemd/systemd-journald"])
        waiting.until("the journal is there", lambda: os.path.exists("/run/systemd/journal/socket"))

    def entries(self, *match):
        subprocess.run(["journalctl", "--sync"], check=True, timeout=waiting.DEADLINE)
        done = subprocess.run(["journalctl", "--output=json", "--identifier=delvegate", *match], capture_output=True, text=True,
                              timeout=waiting.DEADLINE, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_a_session_in_log_and_audit(self):
        """One id: in the log's fields, its words, the list of sessions and the audit."""
        audit = os.path.join(self.directory, "audit.jsonl")
        serve = self.serve(logFormat="journal", auditFile=audit)
        alice = Rpc(self, self.connect(serve).address)
        alice.state()
        listed = subprocess.run([tools.delvegate(), "sessions", "--output", "json", "--config", serve.configuration_file], capture_output=True, text=True,
                                check=True, timeout=waiting.DEADLINE)
        session, = [one["session"] for one in json.loads(listed.stdout)["sessions"]]
        alice.close()
        both = waiting.until("its end is in the journal", lambda: (found := self.entries(f"DELVEGATE_SESSION={session}")) if len(
            self.entries(f"DELVEGATE_SESSION={session}")) == 2 else None)
        begun, ended = [one["MESSAGE"] for one in both]
        self.assertRegex(begun, rf"^alice at 127\.0\.0\.1:\d+: session {session} with app$")
        self.assertRegex(ended, rf"^alice at 127\.0\.0\.1:\d+: session {session} with app is over$")
        self.assertEqual({(one["DELVEGATE_COMPONENT"], one["PRIORITY"]) for one in both}, {("app", "6")})
        self.assertIn("drain", self.ended(serve))
        with open(audit, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        self.assertIn(session, {one.get("session") for one in records})
        self.assertNotIn("session ", serve.process.errors(), "it is in the journal alone")

    def ended(self, serve):
        serve.process.signal(signal.SIGTERM)
        self.assertEqual(serve.process.wait(), 0, serve.log())
        return " ".join(one["MESSAGE"] for one in self.entries())

    def test_by_itself(self):
        """Where standard error is the journal's, as JOURNAL_STREAM says, and only there."""
        serve = self.serve()
        self.assertIn("info: ", serve.process.errors())
        self.assertEqual(self.entries(), [])
        self.ended(serve)
        errors = os.path.join(self.directory, "stream")
        for right in (False, True):
            with open(errors, "w", encoding="utf-8") as file:
                stream = os.fstat(file.fileno())
                named = dict(os.environ, HOME=self.directory, JOURNAL_STREAM=f"{stream.st_dev}:{stream.st_ino + (not right)}")
                again = subprocess.Popen([tools.delvegate(), "serve", "--config", serve.configuration_file], stdout=subprocess.PIPE, stderr=file,
                                         env=named, text=True)
            with again:
                self.assertIn("listening on", again.stdout.readline())
                again.terminate()
            self.assertEqual(again.returncode, 0)
            with open(errors, encoding="utf-8") as file:
                self.assertEqual("drained" in file.read(), not right)
        self.assertIn("drained", {one["MESSAGE"] for one in self.entries()})


def load_tests(loader, _tests, _pattern):
    return unittest.TestSuite([Journal("test_the_journal_shows_what_was_cut_off"), *loader.loadTestsFromTestCase(Log)])


if __name__ == "__main__":
    unittest.main()
