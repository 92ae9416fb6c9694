"""Whoever comes while somebody debugs is told who that is, in the form their IDE shows."""

import unittest

from harness import case, dap, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal


class SecondViewer(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(maxViewers=1))
        self.first = self.connect(self.gateway, "alice", name="connect-alice").address
        self.second = self.connect(self.gateway, "bob", name="connect-bob").address

    def check(self):
        """bob by both protocols, while alice is there."""
        dlv = Terminal(self, [self.delve.dlv, "connect", self.second])
        self.assertEqual(dlv.finish(), 1, dlv.text)
        self.assertRegex(dlv.text, r"could not halt: .*alice")
        viewer = Dap(self, self.second)
        self.assertIn("alice", viewer.error("initialize", dap.INITIALIZE))

    def test_while_dlv_connect_is_there(self):
        dlv = Terminal(self, [self.delve.dlv, "connect", self.first]).prompt()
        self.check()
        self.assertIn("hello", dlv.run("print main.greeting"))

    def test_while_vscode_is_there(self):
        viewer = Dap(self, self.first)
        viewer.attach(stopOnEntry=True)
        self.check()
        self.assertEqual(viewer.call("evaluate", {"expression": "main.greeting"})["result"], '"hello"')

    def test_comes_in_when_the_first_has_left(self):
        client = Rpc(self, self.first)
        client.state()
        self.check()
        client.close()

        def enters():
            viewer = Dap(self, self.second)
            try:
                return viewer.response(viewer.send("initialize", dap.INITIALIZE))["success"]
            finally:
                viewer.close()
        waiting.until("bob is let in", enters)


if __name__ == "__main__":
    unittest.main()
