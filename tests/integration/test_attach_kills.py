"""Each process of an attach's session killed with SIGKILL at each step that the launcher has to write down."""

import tempfile
import unittest

from harness import waiting
from harness.rig import Gateway, KillsAtEachStep, kills
from test_attach import PROGRAM, AttachCase

NAME = "app"


class AttachKills(KillsAtEachStep, AttachCase):
    component = NAME
    binary = PROGRAM
    least = {"start": 3, "stop": 1}

    def start_it(self):
        self.node.delvegate("start", NAME).succeeded()

    def assert_start_state(self, victim):
        if victim == "debuggee":  # its unit starts it again
            waiting.until("the service again", lambda: self.main_pid() not in (0, self.pid))
            self.pid = self.main_pid()
        waiting.until("its units gone", lambda: self.units() == "")
        self.assert_goes_on()


class LauncherKilled(kills.LauncherKilled, AttachKills):
    pass


class OthersKilled(kills.OthersKilled, AttachKills):
    pass


class GatewayKilled(AttachKills):
    def test_verbs_on_the_node(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.gateway_killed(Gateway(self.node, directory, [NAME], {"alice": "admin"}).install().start())


class WithoutRoom(kills.WithoutRoom, AttachKills):
    pass


if __name__ == "__main__":
    unittest.main()
