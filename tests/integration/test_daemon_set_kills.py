"""Each process of a DaemonSet's session killed with SIGKILL at each step that the launcher has to write down."""

import tempfile
import unittest

from harness.rig import Gateway, KillsAtEachStep, kills
from test_daemon_set import BINARY, NAME, DaemonSetCase


class DaemonSetKills(KillsAtEachStep, DaemonSetCase):
    component = NAME
    binary = BINARY

    def setUp(self):
        super().setUp()
        self.launcher.start()

    def start_it(self):
        self.start()

    def assert_start_state(self, _):
        self.assert_back()



class LauncherKilled(kills.LauncherKilled, DaemonSetKills):
    pass


class OthersKilled(kills.OthersKilled, DaemonSetKills):
    pass


class GatewayKilled(DaemonSetKills):
    def test_verbs_on_the_node(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.gateway_killed(Gateway(self.node, directory, [NAME], {"alice": "admin"}).install().start())


class WithoutRoom(kills.WithoutRoom, DaemonSetKills):
    pass


if __name__ == "__main__":
    unittest.main()
