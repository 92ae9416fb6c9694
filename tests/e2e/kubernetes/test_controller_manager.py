"""kube-controller-manager on a real node: stopped in the sync of a ReplicaSet, which gets no pods meanwhile."""

import unittest

from kubernetes import story
from kubernetes.objects import replica_set
from kubernetes.static_pod import StaticPod


class ControllerManager(StaticPod, story.Story, story.TestCase):
    component = "kube-controller-manager"
    breakpoint = "k8s.io/kubernetes/pkg/controller/replicaset.(*ReplicaSetController).syncReplicaSet"
    seen_in_ide = ("key",)
    seen_in_dlv = "key"

    def condition(self, name):
        """Each change of a pod brings its ReplicaSet here, and the start of the controller all there are."""
        return f'key == "{self.key(name)}"'

    @staticmethod
    def key(name):
        return f"default/{name}"

    def gives_work(self, name):
        self.cluster.apply([replica_set(name)])
        self.addCleanup(self.cluster.kubectl, "delete", "replicaset", name)
        return self.key(name)

    def assert_waits(self, work):
        name = work.rpartition("/")[2]
        self.assertRegex(self.cluster.kubectl("get", "replicasets", check=True).stdout, rf"(?m)^{name} +1 +0 +0 ")
        self.assertNotIn("observedGeneration", self.cluster.get("replicaset", name)["status"])
        self.assertEqual(self.cluster.get("pods", "-l", f"app={name}")["items"], [])

    def wait_done(self, work):
        self.cluster.wait_running(work.rpartition("/")[2])


if __name__ == "__main__":
    unittest.main()
