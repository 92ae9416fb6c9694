"""A service that cannot be run under dlv in its own unit: its program runs beside it, and the unit stands still meanwhile."""

import json
import unittest

import test_systemd_faults as service
import test_systemd_kills as kills
from harness import waiting
from test_systemd_faults import BINARY, NAME, PROGRAM, UNIT

DEBUGGEE = f"delvegate-debuggee-{NAME}.service"
RECORD = f"/var/lib/delvegate/launcher/stopped/{UNIT}"


class Beside:
    """The unit does not see its debug binary."""
    unit = service.ServiceCase.unit + "InaccessiblePaths=/opt/debug\n[Install]\nWantedBy=multi-user.target\n"

    def assert_as_before(self):
        super().assert_as_before()
        self.assertFalse(self.node.exists(RECORD))


class OutAndBack(Beside, service.ServiceCase):
    def start(self):
        plan = self.delvegate("inspect", NAME, "--output", "json").succeeded().json
        self.assertIn("runs beside the stopped unit", json.dumps(plan["findings"]))
        self.delvegate("start", NAME).succeeded()
        self.assertEqual(self.main_pid(), 0)
        self.assertEqual(self.node.processes()[self.program()], [BINARY, "a", "b"])
        return plan

    def test_out_and_back(self):
        self.start()
        self.assertIn(UNIT, self.node.read(RECORD))
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_by_hand(self):
        plan = self.start()
        self.launcher.stop()
        self.node.run(["sh", "-ec", "\n".join(plan["undoByHand"])], check=True)
        self.launcher.start()
        self.assert_as_before()

    def test_the_program_dies(self):
        self.start()
        self.node.run(["kill", "-KILL", str(self.program())], check=True)
        self.assert_as_before()

    def test_dlv_dies(self):
        self.start()
        self.node.run(["kill", "-KILL", str(self.main_pid(DEBUGGEE))], check=True)
        self.assert_as_before()

    def test_launcher_restart_leaves_it_running(self):
        self.start()
        before = self.program()
        self.launcher.kill()
        self.launcher.settled(NAME)
        self.assertEqual(self.program(), before)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_a_reboot(self):
        self.node.run(["systemctl", "enable", UNIT], check=True)
        self.was = self.show("ExecStart,DropInPaths,Type,Restart,Environment,EnvironmentFiles,FragmentPath")
        self.start()
        self.node.reboot()
        waiting.until("the program runs", lambda: self.node.processes().get(self.main_pid(), [""])[0] == PROGRAM)
        waiting.until(lambda: f"no record\n{self.launcher.log()}", lambda: not self.node.exists(RECORD))
        self.assert_as_before()

    def lose_the_journal(self):
        self.launcher.stop()
        for unit in (f"delvegate-guard-{NAME}.service", DEBUGGEE):
            self.node.run(["systemctl", "kill", "--signal=KILL", unit], check=True)
        waiting.until("nothing runs", lambda: not self.program() and not self.main_pid(DEBUGGEE))
        self.node.run(["sh", "-c", "rm /var/lib/delvegate/launcher/journal.db*"], check=True)
        self.assertEqual(self.main_pid(), 0)

    def test_without_the_journal(self):
        self.start()
        self.lose_the_journal()
        self.delvegate("restore", NAME).succeeded()
        self.assert_as_before()

    def test_with_neither_journal_nor_definition(self):
        self.start()
        self.lose_the_journal()
        self.node.write("/etc/delvegate/launcher.yaml", "components: []\n", 0o600)
        answer = self.delvegate("restore", "--output", "json").succeeded()
        self.assertEqual([one["name"] for one in answer.json["reports"]], [NAME], answer)
        self.assert_as_before()


class LauncherKilled(Beside, kills.LauncherKilled):
    pass


class OthersKilled(Beside, kills.OthersKilled):
    pass


class WithoutRoom(Beside, kills.WithoutRoom):
    pass


if __name__ == "__main__":
    unittest.main()
