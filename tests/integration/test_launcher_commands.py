"""The commands that ask the launcher, and the one that does without it; the engine is tests/support/fake_launcher.cpp."""

import fcntl
import glob
import json
import os
import signal
import unittest

from harness.launcher_socket import HASH, LauncherSocketCase


class LauncherCommands(LauncherSocketCase):
    def test_the_command_line(self):
        self.start()
        inspected = self.run_command("inspect", "kube-scheduler")
        self.assertEqual(inspected.returncode, 0, inspected.stderr)
        for words in ("What is moved: ", "--leader-elect=false    # delvegate: this is the only instance", "Plan: sha256:"):
            self.assertIn(words, inspected.stdout)
        self.assertEqual(self.run_command("start", "kube-scheduler", "--dry-run").stdout, inspected.stdout)
        refused = self.run_command("start", "refused")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("the binary has no debug information", refused.stderr)
        self.assertEqual(self.run_command("start", "kube-scheduler", "--plan", HASH).returncode, 1)
        plan = inspected.stdout.rsplit("Plan: ", 1)[1].strip()
        started = self.run_command("start", "kube-scheduler", "--plan", plan, "--force-two-leaders", "--output", "json")
        self.assertEqual(started.returncode, 0, started.stderr)
        self.assertIn("To undo it by hand", started.stderr)
        self.assertIn("waiting for the pod to end", started.stderr)
        self.assertTrue(json.loads(started.stdout)["detached"])
        self.assertTrue(json.loads(started.stdout)["undoByHand"])
        self.assertEqual(self.asks(), ["start kube-scheduler by root uid 0 force two-leaders"])
        self.assertEqual(self.run_command("stop", "kube-scheduler").returncode, 0)
        self.assertEqual(self.run_command("stop", "No Component").returncode, 2)
        self.assertEqual(self.run_command("arm", "kube-scheduler", "--for", "soon").returncode, 2)
        self.assertEqual(self.run_command("arm", "kube-scheduler", "--for", "25h").returncode, 1)

    def test_restore_works_without_a_launcher(self):
        launcher = self.start()
        self.assertEqual(self.run_command("start", "kube-scheduler").returncode, 0)
        by_launcher = self.run_command("restore", "kube-scheduler")
        self.assertEqual((by_launcher.returncode, by_launcher.stdout), (0, "kube-scheduler: is back\n"))
        launcher.signal(signal.SIGKILL)
        launcher.wait()
        alone = self.run_command("restore", "kube-scheduler", "--output", "json")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertEqual(json.loads(alone.stdout)["reports"][0]["nothingToDo"], True)
        self.assertEqual(self.run_command("restore", "--keep-theirs").returncode, 2)
        # A launcher that has the lock and does not answer is named, and nothing is done beside it.
        second = self.start()
        os.unlink(self.path("s/launcher.sock"))
        beside = self.run_command("restore")
        self.assertEqual(beside.returncode, 1)
        self.assertIn(f"pid {second.pid}", beside.stderr)

    def test_what_is_left_behind_is_a_launchers_that_is_being_started(self):
        """Both units are begun together: it has the lock, and answers nobody yet."""
        launcher = self.start()
        os.unlink(self.path("s/launcher.sock"))
        left = self.run_command("restore", "--left-behind")
        self.assertEqual((left.returncode, left.stderr), (0, "the launcher runs, and sees to it itself\n"))
        launcher.signal(signal.SIGKILL)
        launcher.wait()
        lock, = glob.glob(self.path("**/lock"), recursive=True)
        with open(lock, "w", encoding="utf-8") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            held.write(f"{os.getpid()} restore\n")
            held.flush()
            left = self.run_command("restore", "--left-behind")
            self.assertEqual(left.returncode, 1)
            self.assertIn("wait until it is done", left.stderr)
        self.assertEqual(self.run_command("restore", "--left-behind").returncode, 0)

    def test_only_roots_own_configuration(self):
        os.chmod(self.path("launcher.yaml"), 0o666)
        refused = self.run_command("launcher")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("launcher.yaml", refused.stderr)


if __name__ == "__main__":
    unittest.main()
