"""A component that nobody is in a session of comes back when its sessionTimeout is over, with a gateway and without one."""

import re
import tempfile
import time
import unittest

from harness import waiting
from harness.rig import Gateway
from test_static_pod import DEFINITION, MANIFEST, NAME, StaticPodCase

TIMEOUT = 10


class SessionTimeout(StaticPodCase):
    definition = dict(DEFINITION, sessionTimeout=f"{TIMEOUT}s")

    def status(self):
        answer = self.delvegate("status", "--output", "json").succeeded().json
        return next(one for one in answer["launcher"]["components"] if one["name"] == NAME)

    def start(self):
        began = time.monotonic()
        self.delvegate("start", NAME).succeeded()
        deadline = self.status()["deadline"]
        self.assertTrue(deadline)
        return began, deadline

    def gateway(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        return Gateway(self.node, self.directory, [NAME], {"alice": "admin"}).install()

    def assert_comes_back(self, began):
        waiting.until(lambda: f"the manifest back\n{self.launcher.log()}", lambda: self.node.exists(MANIFEST))
        self.assertGreaterEqual(time.monotonic() - began, TIMEOUT, "not before it is over")
        self.assert_as_before()

    def test_without_a_gateway(self):
        self.launcher.start()
        began, _deadline = self.start()
        self.assert_comes_back(began)

    def test_a_gateway_without_people_does_not_move_it(self):
        self.launcher.start()
        self.gateway().start()
        began, deadline = self.start()

        def over():
            one = self.status()
            if one["state"] == "running":
                self.assertEqual(one["deadline"], deadline)
            return one["state"] != "running"
        waiting.until(lambda: f"the session over\n{self.launcher.log()}", over)
        self.assert_comes_back(began)

    def test_people_move_it(self):
        self.launcher.start()
        self.node.delvegate("arm", NAME, "--for", "1h").succeeded()
        gateway = self.gateway().start()
        _began, deadline = self.start()
        waiting.until("the gateway knows that it runs",
                      lambda: re.search(rf"{NAME}.*running", gateway.laptop_run("alice", "status").stdout))
        ide = gateway.dap(self, gateway.connect(self, "alice", NAME))
        ide.attach(lambda: None)
        waiting.until(lambda: f"a later deadline\n{self.launcher.log()}{gateway.log()}", lambda: self.status()["deadline"] > deadline)
        self.assertEqual(self.status()["state"], "running")
        ide.close()
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
