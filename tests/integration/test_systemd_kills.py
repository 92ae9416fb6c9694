"""Each process of a service's session killed with SIGKILL at each step that the launcher has to write down."""

import tempfile
import unittest

from harness.rig import Gateway, KillsAtEachStep, kills
from test_systemd_faults import BINARY, NAME, ServiceCase


class ServiceKills(KillsAtEachStep, ServiceCase):
    component = NAME
    binary = BINARY

    def setUp(self):
        super().setUp()
        del self.first  # the process is another one after each

    def start_it(self):
        self.delvegate("start", NAME).succeeded()

    def assert_start_state(self, _):
        self.assert_as_before()



class LauncherKilled(kills.LauncherKilled, ServiceKills):
    pass


class OthersKilled(kills.OthersKilled, ServiceKills):
    pass


class GatewayKilled(ServiceKills):
    def test_verbs_on_the_node(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.gateway_killed(Gateway(self.node, directory, [NAME], {"alice": "admin"}).install().start())


class WithoutRoom(kills.WithoutRoom, ServiceKills):
    pass


if __name__ == "__main__":
    unittest.main()
