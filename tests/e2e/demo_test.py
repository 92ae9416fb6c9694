"""scripts/demo proves itself, may be run again, and leaves no process behind when stopped."""

import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Demo(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="delvegate-demo-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        # Fixed to what is there already; only the state is this test's own.
        self.environment = dict(os.environ, XDG_STATE_HOME=self.directory)
        self.addCleanup(self.demo, "stop")

    def demo(self, *arguments):
        # Its output goes to a file: the processes it leaves running must not hold a pipe of ours.
        with tempfile.TemporaryFile("w+") as out:
            code = subprocess.run([os.path.join(ROOT, "scripts", "demo"), *arguments], stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=subprocess.STDOUT, env=self.environment).returncode
            out.seek(0)
            text = out.read()
        self.assertEqual(code, 0, text)
        return text

    def processes(self):
        """Pids of everything that has this test's directory on its command line."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    line = file.read().decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if self.directory in line and int(pid) != os.getpid():
                found[int(pid)] = line.replace("\0", " ")
        return found

    def assert_proved(self, text):
        self.assertRegex(text, r"> \[demo\] main\.bind\(\) .*main\.go:\d+")
        self.assertRegex(text, r"=>\s+\d+:\s+func bind")
        self.assertRegex(text, r'Name: "(web|cache|batch)-\d+"')
        address = re.search(r"dlv connect (127\.0\.0\.1:\d+)", text)
        self.assertIsNotNone(address, text)
        return address[1]

    def test_proves_itself_twice_and_stops(self):
        address = self.assert_proved(self.demo())
        first = self.processes()
        self.assertTrue(first)
        # Again: the same processes at the same address, and the program, which runs by now, is stopped once more.
        self.assertEqual(self.assert_proved(self.demo()), address)
        self.assertEqual(self.processes().keys(), first.keys())
        self.demo("stop")
        self.assertEqual(self.processes(), {})
        self.demo("stop")


if __name__ == "__main__":
    unittest.main(verbosity=2)
