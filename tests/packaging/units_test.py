#!/usr/bin/env python3
"""The systemd units, as systemd itself reads them: tests/packaging/units_test.py DELVEGATE_BINARY."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = os.path.join(ROOT, "packaging", "systemd")
BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else "/bin/true"


def read(name):
    with open(os.path.join(UNITS, name), encoding="utf-8") as file:
        return file.read()


class Units(unittest.TestCase):
    def verify(self, change=lambda name, text: text):
        """What systemd-analyze complains about, with the binary of this build in the place of the installed one."""
        with tempfile.TemporaryDirectory() as directory:
            for name in os.listdir(UNITS):
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write(change(name, read(name).replace("/usr/bin/delvegate", BINARY)))
            units = sorted(os.path.join(directory, name) for name in os.listdir(UNITS))
            # Its units are what is asked about: those of this host need not be whole.
            run = subprocess.run(["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", *units],
                                 capture_output=True, text=True, env={**os.environ, "SYSTEMD_UNIT_PATH": directory + ":"})
            return [line for line in (run.stdout + run.stderr).splitlines() if "delvegate" in line], run.returncode

    def test_systemd_finds_no_fault(self):
        complaints, code = self.verify()
        self.assertEqual(complaints, [])
        self.assertEqual(code, 0)

    def test_systemd_would_find_one(self):
        complaints, _code = self.verify(lambda name, text: text.replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
        self.assertIn("NoNewPrivilege", "\n".join(complaints))

    def test_no_hardening_is_forgotten(self):
        for name in os.listdir(UNITS):
            if not name.endswith(".service"):
                continue
            for key in ("ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "SystemCallFilter=@system-service",
                        "RestrictAddressFamilies=", "UMask=0077", "LockPersonality=yes"):
                self.assertIn(key, read(name), name)

    def exposure(self, name, change=lambda text: text):
        """By systemd's own reckoning, in tenths."""
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(change(read(name)))
            run = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", path], capture_output=True, text=True)
        found = re.search(r"Overall exposure level for \S+: (\d+)\.(\d)", run.stdout)
        self.assertIsNotNone(found, run.stdout + run.stderr)
        return int(found[1] + found[2])

    def test_no_unit_is_more_exposed_than_it_was(self):
        with open(os.path.join(ROOT, "tests", "packaging", "security_scores.txt"), encoding="utf-8") as file:
            recorded = dict(line.split() for line in file if not line.startswith("#"))
        self.assertEqual(sorted(recorded), sorted(name for name in os.listdir(UNITS) if name.endswith(".service")))
        for name, score in recorded.items():
            most = int(score.replace(".", ""))
            self.assertLessEqual(self.exposure(name), most, name)
            self.assertGreater(self.exposure(name, lambda text: re.sub(
                r"(?m)^(Protect|Private|SystemCall|RestrictAdd).*$", "", text)), most, f"{name}: a worse one would be seen")

    def test_the_socket_is_the_gateways_default(self):
        self.assertRegex(read("delvegate.socket"), r"(?m)^ListenStream=7443$")
        printed = subprocess.run([BINARY, "serve", "--print-default-config"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(printed, r"(?m)^# ?listen:.*\[::\]:7443|^listen:.*\[::\]:7443")
        self.assertEqual(re.findall(r"(?m)^Condition.*", read("delvegate.socket")), re.findall(r"(?m)^Condition.*", read("delvegate.service")),
                         "a socket whose service does not start would be started over and over")

    def test_the_gateway_has_no_privilege(self):
        text = read("delvegate.service")
        self.assertRegex(text, r"(?m)^CapabilityBoundingSet=$")
        self.assertRegex(text, r"(?m)^User=delvegate$")
        hidden = re.search(r"(?m)^InaccessiblePaths=(.*)$", text).group(1)
        for path in ("/etc/kubernetes", "/var/lib/delvegate/launcher"):
            self.assertIn(path, hidden)

    def test_files_come_back_before_the_kubelet_looks(self):
        early = read("delvegate-restore.service")
        self.assertRegex(early, r"(?m)^Before=.*\bkubelet\.service\b")
        self.assertNotRegex(early, r"(?m)^(After|Wants|Requires)=.*network")
        self.assertNotRegex(early, r"(?m)^(RequiredBy|Requires)=")  # its failure must not keep the kubelet away

    def test_a_guard_outlives_the_launcher(self):
        self.assertRegex(read("delvegate-launcher.service"), r"(?m)^KillMode=process$")

    @unittest.skipUnless(shutil.which("systemd-tmpfiles"), "no systemd-tmpfiles")
    def test_directories_that_must_be_roots_are(self):
        with open(os.path.join(ROOT, "packaging", "tmpfiles.d", "delvegate.conf"), encoding="utf-8") as file:
            lines = [line.split() for line in file if line.startswith("d ")]
        self.assertTrue(lines)
        for _kind, path, mode, user, group, _age in lines:
            self.assertEqual((user, group), ("root", "root"), path)
            self.assertIn(mode, ("0755", "0700"), path)
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "etc"))
            with open(os.path.join(root, "etc", "passwd"), "w", encoding="utf-8") as file:
                file.write("root:x:0:0::/root:/bin/sh\n")
            with open(os.path.join(root, "etc", "group"), "w", encoding="utf-8") as file:
                file.write("root:x:0:\n")
            run = subprocess.run(["systemd-tmpfiles", "--create", f"--root={root}",
                                  os.path.join(ROOT, "packaging", "tmpfiles.d", "delvegate.conf")], capture_output=True, text=True)
            self.assertEqual(run.stderr, "")
            for _kind, path, mode, *_rest in lines:
                self.assertEqual(oct(os.stat(root + path).st_mode & 0o7777), oct(int(mode, 8)), path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
