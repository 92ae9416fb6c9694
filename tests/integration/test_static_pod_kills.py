"""Each process of a session killed with SIGKILL, or the launcher left without room on its disk, at each step that it has to write
down: whatever it was at, the node is as it was before, or the session goes on as if nothing had been."""

import tempfile
import unittest

from harness.rig import Gateway, KillsAtEachStep, kills
from test_static_pod import DEFINITION, NAME, StaticPodCase


class StaticPodKills(KillsAtEachStep, StaticPodCase):
    component = NAME
    binary = DEFINITION["binary"]

    def setUp(self):
        super().setUp()
        self.launcher.start()

    def start_it(self):
        self.delvegate("start", NAME).succeeded()
        self.kubelet.wait_duty(NAME)

    def assert_start_state(self, _):
        self.assert_as_before()


class LauncherKilled(kills.LauncherKilled, StaticPodKills):
    pass


class OthersKilled(kills.OthersKilled, StaticPodKills):
    pass


class GatewayKilled(StaticPodKills):
    settings = {"remoteStarts": 100}

    def setUp(self):
        super().setUp()
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.gateway = Gateway(self.node, directory, [NAME], {"alice": "admin"}).install().start()

    def test_verbs_on_the_node(self):
        self.gateway_killed(self.gateway)

    def test_verbs_through_it(self):
        """Who asked loses the answer; what was asked for is done, or undone."""
        self.delvegate("arm", NAME, "--for", "1h").succeeded()
        for verb in ("start", "stop"):
            command = self.gateway.command("alice", verb, NAME)

            def killed(step, command=command):
                answer, reached = self.launcher.paused_at_step(step, self.gateway.kill, *command, laptop=True)
                self.gateway.wait()
                return answer, reached
            for step, answer in self.each_step(verb, killed):
                self.assert_settles(step, "gateway", answer)


class WithoutRoom(kills.WithoutRoom, StaticPodKills):
    pass


if __name__ == "__main__":
    unittest.main()
