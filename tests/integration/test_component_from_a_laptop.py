"""The story: a colleague on a laptop takes kube-scheduler out of the node, stops it in its scheduling cycle by DAP, looks,
lets it go on, and gives it back. Gateway, launcher and guard are the services that are shipped."""

import tempfile
import unittest

from harness.rig import Gateway
from test_static_pod import MANIFEST, NAME, StaticPodCase

CYCLE = "k8s.io/kubernetes/pkg/scheduler.(*Scheduler).scheduleOne"


class FromALaptop(StaticPodCase):
    def setUp(self):
        super().setUp()
        self.launcher.start()
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.gateway = Gateway(self.node, self.directory, [NAME], {"alice": "admin", "olga": "observer"}).install().start()

    def laptop_run(self, *words):
        return self.gateway.laptop_run(*words)

    def ide(self):
        return self.gateway.dap(self, self.gateway.connect(self, "alice", NAME))

    def test_the_story(self):
        refused = self.laptop_run("alice", "start", NAME)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("delvegate arm", refused.stderr, "root has not armed it")
        self.assertTrue(self.node.exists(MANIFEST))
        self.node.delvegate("arm", NAME, "--for", "1h").succeeded()
        refused = self.laptop_run("olga", "start", NAME)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("lifecycle", refused.stderr)

        started = self.laptop_run("alice", "start", NAME)
        self.assertEqual(started.returncode, 0, started.stderr + self.launcher.log() + self.gateway.log())
        duty = self.kubelet.wait_duty(NAME)
        seen = self.node.delvegate("status").succeeded()
        self.assertEqual(seen.err, "", "the gateway is found where its unit has it")
        self.assertIn("listening on", seen.out)

        ide = self.ide()
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": CYCLE}]}))
        mark, stop = ide.stopped()
        self.assertEqual(stop["reason"], "function breakpoint", stop)
        standing = self.kubelet.duty(NAME)
        stack = ide.call("stackTrace", {"threadId": stop["threadId"], "levels": 5})["stackFrames"]
        self.assertTrue(CYCLE.endswith(stack[0]["name"]), stack)
        self.assertEqual(self.kubelet.duty(NAME), standing, "nothing is done while it stands")
        ide.call("setFunctionBreakpoints", {"breakpoints": []})
        ide.call("continue", {"threadId": stop["threadId"]})
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], duty["pid"])
        ide.call("disconnect", {"terminateDebuggee": True})
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], duty["pid"], "no IDE ends it")

        stopped = self.laptop_run("alice", "stop", NAME)
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.assert_as_before()

    def test_the_gateway_is_killed(self):
        self.node.delvegate("arm", NAME, "--for", "1h").succeeded()
        started = self.laptop_run("alice", "start", NAME)
        self.assertEqual(started.returncode, 0, started.stderr)
        duty = self.kubelet.wait_duty(NAME)
        self.gateway.kill()
        self.gateway.wait()
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], duty["pid"])
        ide = self.ide()
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": CYCLE}]}))
        self.assertEqual(ide.stopped()[1]["reason"], "function breakpoint")
        ide.close()
        self.node.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
