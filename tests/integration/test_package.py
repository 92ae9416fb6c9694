"""The Debian package on a clean Debian that it is installed on, upgraded with sessions open, removed and purged; by dpkg, with a real
systemd. docs/operations.md says of each what is true afterwards."""

import atexit
import functools
import json
import tempfile

from harness import waiting
from harness.rig import Gateway, Launcher, Node, debian, manifests, package
from harness.rig.delvegate import CONFIG
from test_component_from_a_laptop import CYCLE
from test_static_pod import MANIFEST, NAME, StaticPodCase

UNITS = ("delvegate.socket", "delvegate.service", "delvegate-launcher.service", "delvegate-restore.service", "delvegate-restore-api.timer")


@functools.lru_cache(maxsize=None)
def packages():
    """One, the same as a newer version, and the root of a node on which what they need is there."""
    directory = tempfile.TemporaryDirectory()
    atexit.register(directory.cleanup)
    made = package.make(directory.name)
    return made, package.as_version(made, "0.1.0-2~test"), debian.root(debian.dependencies(made))


class Configured(Launcher):
    """The launcher that the package has installed, with a configuration."""

    def install(self):
        self.node.write(CONFIG, json.dumps(self.configuration) + "\n", 0o600)
        return self


class PackageCase(StaticPodCase):
    @classmethod
    def setUpClass(cls):
        cls.package, cls.newer, cls.base = packages()
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())

    def new_node(self):
        return Node(base=self.base, binary=False)

    def new_launcher(self):
        self.node.install(self.package, "/root/delvegate.deb", 0o644)
        self.dpkg("--install", "/root/delvegate.deb").check_returncode()
        return Configured(self.node, [self.definition])

    def dpkg(self, *words):
        return self.node.run(["dpkg", *words], env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=4 * waiting.DEADLINE)

    def state(self):
        return self.node.run(["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${Version}", "delvegate"]).stdout.strip()

    def active(self):
        return [unit for unit in UNITS if self.node.run(["systemctl", "is-active", unit]).stdout.strip() == "active"]

    def enabled(self):
        return [unit for unit in UNITS if self.node.run(["systemctl", "is-enabled", unit]).stdout.strip() == "enabled"]

    def pid(self, unit):
        return int(self.node.run(["systemctl", "show", "-p", "MainPID", "--value", unit], check=True).stdout)


class Package(PackageCase):
    def test_from_install_to_purge(self):
        self.assert_installed_and_at_rest()
        self.configure_and_start()
        ide, duty = self.debugged()
        self.upgrade_with_the_session_open(ide, duty)
        self.remove()
        self.purge()

    def assert_installed_and_at_rest(self):
        self.assertEqual(self.state(), "ii 0.1.0-1")
        self.assertEqual((self.active(), self.enabled()), ([], []))
        self.assertEqual(self.node.run(["id", "-u", "delvegate"]).returncode, 0)
        for path, owner in (("/var/lib/delvegate/launcher", "root 700"), ("/etc/delvegate", "root 755"), ("/run/delvegate", "root 755")):
            self.assertEqual(self.node.run(["stat", "-c", "%U %a", path], check=True).stdout.strip(), owner, path)
        # Without a configuration nothing starts, and nothing fails either.
        self.node.run(["systemctl", "start", *UNITS[:3]], check=True)
        self.assertEqual(self.active(), [])
        self.assertEqual(self.node.run(["systemctl", "--failed", "--plain", "--no-legend", "delvegate*"]).stdout, "")

    def configure_and_start(self):
        self.launcher.install()
        self.gateway = Gateway(self.node, self.directory, [NAME], {"alice": "admin"}).install()
        self.node.delvegate("launcher", "--check").succeeded()
        self.node.run(["systemctl", "enable", "--now", *UNITS], check=True)
        self.assertEqual(self.active(), list(UNITS[:3]) + [UNITS[4]], self.gateway.log())
        shown = self.node.run(["systemctl", "show", "-p", "StatusText", "--value", UNITS[1]], check=True).stdout
        self.assertRegex(shown, r"^listening on \[::\]:7443$")

    def debugged(self):
        """An IDE that stands at a breakpoint, and who does the duty."""
        self.node.delvegate("arm", NAME, "--for", "1h").succeeded()
        started = self.gateway.laptop_run("alice", "start", NAME)
        self.assertEqual(started.returncode, 0, started.stderr + self.launcher.log() + self.gateway.log() + self.kubelet.log())
        duty = self.kubelet.wait_duty(NAME)
        ide = self.gateway.dap(self, self.gateway.connect(self, "alice", NAME))
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": CYCLE}]}))
        self.assertEqual(ide.stopped()[1]["reason"], "function breakpoint")
        return ide, duty

    def upgrade_with_the_session_open(self, ide, duty):
        before = {unit: self.pid(unit) for unit in UNITS[1:3]}
        self.node.install(self.newer, "/root/newer.deb", 0o644)
        upgraded = self.dpkg("--install", "/root/newer.deb")
        self.assertEqual(upgraded.returncode, 0, upgraded.stdout + upgraded.stderr)
        self.assertEqual(self.state(), "ii 0.1.0-2~test")
        for unit, pid in before.items():
            self.assertNotIn(self.pid(unit), (0, pid), f"{unit} is the new version's")
        self.assertEqual(self.active(), list(UNITS[:3]) + [UNITS[4]])
        self.assertFalse(self.node.exists(MANIFEST), "what is out stays out")
        self.assertIn(duty["pid"], self.node.processes(), "and its program is the same process")
        ide.close()
        ide = self.gateway.dap(self, self.gateway.connect(self, "alice", NAME))
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": CYCLE}]}))
        _, stop = ide.stopped()
        ide.call("setFunctionBreakpoints", {"breakpoints": []})
        ide.call("continue", {"threadId": stop["threadId"]})
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], duty["pid"])
        ide.close()

    def remove(self):
        removed = self.dpkg("--remove", "delvegate")
        self.assertEqual(removed.returncode, 0, removed.stdout + removed.stderr)
        self.assert_as_before()
        self.assertEqual((self.active(), self.enabled()), ([], []))
        self.assertFalse(self.node.exists("/usr/bin/delvegate"))
        self.assertEqual(self.node.pids("delvegate"), [])
        self.assertNotIn(":7443", self.node.run(["ss", "-ltn"]).stdout)
        self.assertTrue(self.node.exists("/etc/delvegate/gateway.yaml"), "what root has written is root's")

    def purge(self):
        audit = "/var/lib/delvegate/gateway/audit/audit.jsonl"
        self.assertTrue(self.node.exists(audit))
        self.dpkg("--purge", "delvegate").check_returncode()
        self.assertEqual(self.state(), "")
        for path in ("/var/lib/delvegate/launcher", "/run/delvegate"):
            self.assertFalse(self.node.exists(path), path)
        self.assertTrue(self.node.exists(audit), "what was done is not forgotten")
        self.assertEqual(self.node.run(["systemctl", "list-unit-files", "--no-legend", "delvegate*"]).stdout.strip(), "")


class NotPutBack(PackageCase):
    def test_the_package_stays_until_it_is(self):
        self.launcher.install()
        self.node.run(["systemctl", "enable", "--now", *UNITS[2:]], check=True)
        self.node.delvegate("start", NAME).succeeded()
        held = f"{manifests.DIRECTORY}/../delvegate-held/{NAME}.yaml"
        self.node.write(held, self.was[2] + "# changed\n", 0o600)
        refused = self.dpkg("--remove", "delvegate")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("delvegate is not removed", refused.stderr)
        self.assertEqual(self.state(), "ri 0.1.0-1", "to be removed, and installed with all of it")
        self.assertEqual(self.enabled(), list(UNITS[2:]))
        self.node.delvegate("restore", NAME, "--put-back-ours").succeeded()
        removed = self.dpkg("--purge", "delvegate")
        self.assertEqual(removed.returncode, 0, removed.stdout + removed.stderr)
        self.assertEqual(self.node.read(MANIFEST), self.was[2] + "# changed\n")


if __name__ == "__main__":
    import unittest
    unittest.main()
