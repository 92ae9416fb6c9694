"""Each process of a DaemonSet's session killed with SIGKILL at each step that the launcher has to write down."""

import tempfile
import unittest

from harness.rig import Gateway, KillsAtEachStep
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



class LauncherKilled(DaemonSetKills):
    def test_start(self):
        self.launcher_killed("start")

    def test_stop(self):
        self.launcher_killed("stop")


class OthersKilled(DaemonSetKills):
    def test_start(self):
        self.others_killed("start")

    def test_stop(self):
        self.others_killed("stop")


class GatewayKilled(DaemonSetKills):
    def test_verbs_on_the_node(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.gateway_killed(Gateway(self.node, directory, [NAME], {"alice": "admin"}).install().start())


class WithoutRoom(DaemonSetKills):
    def test_start(self):
        self.start_without_room()

    def test_stop(self):
        self.stop_without_room()


if __name__ == "__main__":
    unittest.main()
