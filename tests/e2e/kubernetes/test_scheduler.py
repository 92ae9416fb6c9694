"""kube-scheduler on a real node: a developer on a laptop stops it in its scheduling cycle, and a pod waits."""

import re
import unittest

from kubernetes import story
from kubernetes.objects import deployment

CYCLE = "k8s.io/kubernetes/pkg/scheduler.(*Scheduler).schedulingCycle"


class SchedulerStory(story.Story):
    component = "kube-scheduler"

    def setUp(self):
        super().setUp()
        self.was, self.before = self.manifest(), self.wait_container()

    def schedules(self, name):
        self.cluster.apply([deployment(name)])
        self.addCleanup(self.cluster.kubectl, "delete", "deployment", name)
        return self.cluster.wait_running(name)

    def creates(self, name):
        """A deployment, and the pod that its controller makes of it."""
        self.cluster.apply([deployment(name)])
        self.addCleanup(self.cluster.kubectl, "delete", "deployment", name)
        return self.cluster.wait(f"a pod of {name}", lambda: next(iter(self.cluster.pods("default", f"app={name}")), None))

    def assert_pending(self, pod):
        name = pod["metadata"]["name"]
        self.assertRegex(self.cluster.kubectl("get", "pods", check=True).stdout, rf"(?m)^{re.escape(name)} +0/1 +Pending")
        self.assertNotIn("nodeName", self.cluster.get("pod", name)["spec"])

    def gives_back(self):
        self.alice("stop", self.component)
        self.assertEqual(self.manifest(), self.was)
        self.wait_container(other_than=self.before)
        self.assertEqual(self.node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "delvegate-debuggee-*",
                                        "delvegate-guard-*"]).stdout.strip(), "")

    def test_by_dap(self):
        self.schedules("before")
        self.start()
        self.wait_taken_out()

        ide = self.ide()
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": CYCLE}]}))
        pod = self.creates("waits")
        stop = ide.stopped()[1]
        self.assertEqual(stop["reason"], "function breakpoint", stop)
        self.assert_pending(pod)
        frame = ide.call("stackTrace", {"threadId": stop["threadId"], "levels": 1})["stackFrames"][0]
        self.assertTrue(CYCLE.endswith(frame["name"]), frame)
        scope = ide.call("scopes", {"frameId": frame["id"]})["scopes"][0]
        self.assertEqual(story.walk(ide, scope, "podInfo", "PodInfo", "Pod", "ObjectMeta", "Name"), pod["metadata"]["name"])
        self.assert_pending(pod)

        ide.call("setFunctionBreakpoints", {"breakpoints": []})
        ide.call("continue", {"threadId": stop["threadId"]})
        self.cluster.wait_running("waits")
        ide.call("disconnect", {"terminateDebuggee": False})
        self.gives_back()
        self.schedules("after")

    def test_by_dlv_connect(self):
        self.start()
        dlv = self.dlv_connect()
        self.assertIn("Breakpoint 1 set", dlv.run(f"break {CYCLE}"))
        start = len(dlv.text)
        dlv.line("continue")
        pod = self.creates("waits-too")
        dlv.expect(r"> .*schedulingCycle\(\)", start)
        dlv.prompt(start)
        self.assert_pending(pod)
        self.assertIn(f'"{pod["metadata"]["name"]}"', dlv.run("print podInfo.PodInfo.Pod.ObjectMeta.Name"))
        dlv.run("clearall")
        dlv.line("continue")
        self.cluster.wait_running("waits-too")
        dlv.interrupt()
        dlv.expect(r"\[p/q\]")
        dlv.line("q")
        dlv.finish()
        self.gives_back()
        self.schedules("after-too")


if __name__ == "__main__":
    unittest.main()
