"""A service that is out, when launcher, guard, dlv or program are killed; and units and environment files that are none."""

import unittest

from harness import debuggee, tools, waiting
from harness.rig import Launcher, Node, needs_root

NAME = "app"
UNIT = f"{NAME}.service"
PROGRAM = "/opt/app/app"
BINARY = "/opt/debug/app"
VARIABLES = "/etc/default/app"
DROP_IN = f"/run/systemd/system/{UNIT}.d/90-delvegate.conf"
DEFINITION = {"name": NAME, "kind": "systemd", "binary": BINARY}


@needs_root
class ServiceCase(unittest.TestCase):
    unit = f"[Service]\nEnvironmentFile={VARIABLES}\nExecStart={PROGRAM} $WORDS\nRestart=always\nRestartSec=1\n"

    def setUp(self):
        self.node = self.enterContext(Node())
        for path in (PROGRAM, BINARY):
            self.node.install(debuggee.build(tools.delve()), path)
        self.node.write(VARIABLES, "WORDS='a b'\n")
        self.write_unit(self.unit)
        self.node.run(["systemctl", "start", NAME], check=True)
        self.was = self.show("ExecStart,DropInPaths,Type,Restart,Environment,EnvironmentFiles,FragmentPath")
        self.first = self.main_pid()
        self.launcher = Launcher(self.node, [DEFINITION]).install().start()

    def write_unit(self, text):
        self.node.write(f"/etc/systemd/system/{UNIT}", text)
        self.node.run(["systemctl", "daemon-reload"], check=True)

    def show(self, properties, unit=UNIT):
        said = self.node.run(["systemctl", "show", "-p", properties, unit], check=True).stdout
        return [line for line in said.replace(" ; ", "\n").splitlines()
                if not line.startswith(("start_time", "stop_time", "pid", "code", "status"))]

    def main_pid(self, unit=UNIT):
        return int(self.node.run(["systemctl", "show", "-p", "MainPID", "--value", unit], check=True).stdout)

    def delvegate(self, *words):
        return self.node.delvegate(*words)

    def program(self):
        """The debuggee's pid, while it runs."""
        return next((pid for pid, argv in self.node.processes().items() if argv[0] == BINARY), None)

    def assert_as_before(self):
        waiting.until(lambda: f"no drop-in\n{self.launcher.log()}", lambda: not self.node.exists(DROP_IN))
        waiting.until(lambda: f"the program runs\n{self.launcher.log()}",
                      lambda: self.node.processes().get(self.main_pid(), [""])[0] == PROGRAM)
        self.assertEqual(self.show("ExecStart,DropInPaths,Type,Restart,Environment,EnvironmentFiles,FragmentPath"), self.was)
        self.assertEqual(self.node.processes()[self.main_pid()], [PROGRAM, "a", "b"])
        units = self.node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "delvegate-debuggee-*",
                               "delvegate-guard-*"]).stdout
        self.assertEqual(units.strip(), "")
        self.assertIsNone(self.program())


class WhileItIsOut(ServiceCase):
    def setUp(self):
        super().setUp()
        self.delvegate("start", NAME).succeeded()
        self.assertTrue(self.program(), self.node.processes())

    def test_the_guard_dies(self):
        """After somebody's daemon-reload, which has systemd 252 forget what a transient service is to run."""
        before = self.program()
        self.node.run(["systemctl", "daemon-reload"], check=True)
        self.node.run(["systemctl", "kill", "--signal=KILL", f"delvegate-guard-{NAME}.service"], check=True)
        waiting.until("another guard", lambda: self.main_pid(f"delvegate-guard-{NAME}.service"))
        self.assertEqual(self.program(), before)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_dlv_dies(self):
        self.node.run(["kill", "-KILL", str(self.main_pid())], check=True)
        self.assert_as_before()

    def test_the_program_dies(self):
        self.node.run(["kill", "-KILL", str(self.program())], check=True)
        self.assert_as_before()

    def test_somebody_changes_the_unit(self):
        """Their edit is what the service comes back with."""
        self.write_unit(self.unit + "Nice=5\n")
        self.delvegate("stop", NAME)
        waiting.until("the program runs", lambda: self.node.processes().get(self.main_pid(), [""])[0] == PROGRAM)
        self.assertEqual(self.show("Nice"), ["Nice=5"])
        self.assertFalse(self.node.exists(DROP_IN))

    def test_somebody_stops_the_unit(self):
        self.node.run(["systemctl", "stop", NAME], check=True)
        waiting.until(lambda: f"no drop-in\n{self.launcher.log()}", lambda: not self.node.exists(DROP_IN))
        self.assertIsNone(self.program())


class BeforeItIsOut(ServiceCase):
    def assert_untouched(self, *words):
        answer = self.delvegate("start", NAME)
        self.assertNotEqual(answer.code, 0, answer)
        for word in words:
            self.assertIn(word, answer.err)
        self.assertEqual(self.main_pid(), self.first, "the same process")
        self.assertFalse(self.node.exists(DROP_IN))
        self.assertIsNone(self.program())

    def test_environment_file_is_gone(self):
        self.node.run(["rm", VARIABLES], check=True)
        self.assert_untouched(VARIABLES)

    def test_environment_file_is_none(self):
        self.node.write(VARIABLES, b"WORDS=a\0b\n")
        self.assert_untouched(VARIABLES)

    def test_unit_is_malformed(self):
        self.write_unit("[Service]\nExecStart=./app\n")
        self.assert_untouched(UNIT)

    def test_unit_is_gone(self):
        self.node.run(["rm", f"/etc/systemd/system/{UNIT}"], check=True)
        self.node.run(["systemctl", "daemon-reload"], check=True)
        self.assert_untouched(UNIT)

    def test_unit_is_masked(self):
        self.node.run(["sh", "-c", f"rm /etc/systemd/system/{UNIT}; systemctl mask --runtime {UNIT}"], check=True)
        self.assert_untouched(UNIT)

    def test_launcher_yaml_is_malformed(self):
        """What runs is told of, and nothing is done."""
        self.node.write("/etc/delvegate/launcher.yaml", "components: [\n", 0o600)
        answer = self.node.run(["delvegate", "launcher"])
        self.assertEqual(answer.returncode, 2, answer.stderr)
        self.assertIn("/etc/delvegate/launcher.yaml", answer.stderr)
        self.assertEqual(self.main_pid(), self.first)


if __name__ == "__main__":
    unittest.main()
