"""The cluster itself: a real control plane that runs what it is given."""

import unittest

from harness.rig import needs_root

from kubernetes import story
from kubernetes.cluster import CONTROL_PLANE, is_ready
from kubernetes.objects import deployment


@needs_root
class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.cluster = story.cluster()

    def test_it_is_a_cluster(self):
        cluster = self.cluster
        self.assertTrue(cluster.node_ready())
        node = cluster.get("node", "node1")
        self.assertEqual(node["status"]["nodeInfo"]["kubeletVersion"], cluster.version)
        pods = {pod["metadata"]["name"]: pod for pod in cluster.pods()}
        for name in CONTROL_PLANE:
            self.assertTrue(is_ready(pods[f"{name}-node1"]), name)
            self.assertEqual(pods[f"{name}-node1"]["metadata"]["ownerReferences"][0]["kind"], "Node", "a static pod")
        self.assertTrue([name for name in pods if name.startswith("kube-proxy-")], pods)

    def test_it_runs_a_deployment(self):
        self.cluster.apply([deployment("runs")])
        pod = self.cluster.wait_running("runs")
        self.assertTrue(pod["status"]["podIP"].startswith("10.244."), pod["status"])
        self.cluster.kubectl("delete", "deployment", "runs", check=True)
        self.cluster.wait("its pods gone", lambda: not self.cluster.pods("default", "app=runs"))


if __name__ == "__main__":
    unittest.main()
