"""kube-scheduler on a real node: stopped in its scheduling cycle, and a pod waits."""

import re
import unittest

from kubernetes import build, story
from kubernetes.objects import deployment
from kubernetes.static_pod import StaticPod


class Scheduler(StaticPod, story.Story, story.TestCase):
    component = "kube-scheduler"
    breakpoint = "k8s.io/kubernetes/pkg/scheduler.(*Scheduler).schedulingCycle"
    seen_in_ide = ("podInfo", "PodInfo", "Pod", "ObjectMeta", "Name")
    seen_in_dlv = "podInfo.PodInfo.Pod.ObjectMeta.Name"
    if build.LINE == "v1.24":  # has all of it in one function, which is still to get its pod when it is entered
        breakpoint = "k8s.io/kubernetes/pkg/scheduler.(*Scheduler).schedulePod"
        seen_in_ide = ("pod", "ObjectMeta", "Name")
        seen_in_dlv = "pod.ObjectMeta.Name"

    def gives_work(self, name):
        """A Deployment; the pod that its controller makes of it wants a node."""
        self.cluster.apply([deployment(name)])
        self.addCleanup(self.cluster.kubectl, "delete", "deployment", name)
        pod = self.cluster.wait(f"a pod of {name}", lambda: next(iter(self.cluster.pods("default", f"app={name}")), None))
        return pod["metadata"]["name"]

    def assert_waits(self, work):
        self.assertRegex(self.cluster.kubectl("get", "pods", check=True).stdout, rf"(?m)^{re.escape(work)} +0/1 +Pending")
        self.assertNotIn("nodeName", self.cluster.get("pod", work)["spec"])

    def wait_done(self, work):
        self.cluster.wait_running(work.rsplit("-", 2)[0])


if __name__ == "__main__":
    unittest.main()
