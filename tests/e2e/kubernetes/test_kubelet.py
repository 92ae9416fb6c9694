"""kubelet on a real node: stopped in its pod sync, and a pod that has been given to the node waits; everybody else's run on."""

import re
import unittest

from kubernetes import story
from kubernetes.kubelet import STATE
from kubernetes.manifests import DIRECTORY
from kubernetes.objects import pod
from kubernetes.systemd import Service


class Kubelet(Service, story.Story, story.TestCase):
    component = "kubelet"
    breakpoint = "k8s.io/kubernetes/pkg/kubelet.(*Kubelet).SyncPod"
    seen_in_ide = ("pod", "ObjectMeta", "Name")
    seen_in_dlv = "pod.ObjectMeta.Name"
    files = (DIRECTORY, f"{STATE}/kubeadm-flags.env", f"{STATE}/instance-config.yaml", f"{STATE}/config.yaml",
             "/etc/default/kubelet", "/etc/kubernetes/kubelet.conf")

    def setUp(self):
        super().setUp()
        self.boots = self.node.boots
        self.others = self.containers()

    def condition(self, name):
        """All of the node's pods pass there, again and again."""
        return f'pod.ObjectMeta.Name == "{name}"'

    def containers(self):
        """{container of the control plane and of kube-proxy: its process}, as containerd has them."""
        ids = [one["containerID"].rpartition("/")[2] for each in self.cluster.pods() for one in each["status"]["containerStatuses"]
               if each["spec"]["nodeName"] == self.node.name]
        tasks = dict(line.split()[:2] for line in self.cluster.containerd.ctr("tasks", "ls", check=True).stdout.splitlines()[1:])
        return {one: tasks.get(one) for one in ids}

    def renewed(self):
        lease = self.cluster.get("lease", "-n", "kube-node-lease", self.node.name)
        return lease and lease["spec"]["renewTime"]

    def wait_taken_out(self):
        """The cluster does not notice: the one under dlv speaks for the node."""
        before = self.renewed()
        self.assertIn("--headless", self.main_process())
        self.cluster.wait("the node's lease renewed", lambda: self.renewed() not in (None, before))
        self.assertTrue(self.cluster.node_ready())
        self.assertEqual(self.containers(), self.others)

    def gives_work(self, name):
        """A pod, that the scheduler gives to this node."""
        self.cluster.apply([pod(name)])
        self.addCleanup(self.cluster.kubectl, "delete", "pod", name, "--wait=false")
        self.cluster.wait(f"{name} given to the node", lambda: self.cluster.get("pod", name)["spec"].get("nodeName"))
        return name

    def assert_waits(self, work):
        self.assertRegex(self.cluster.kubectl("get", "pods", check=True).stdout, rf"(?m)^{re.escape(work)} +0/1 +Pending")
        made = self.cluster.containerd.ctr("containers", "ls", f'labels."io.kubernetes.pod.name"=={work}', check=True).stdout
        self.assertEqual(made.splitlines()[1:], [])
        self.assertEqual(self.containers(), self.others)

    def wait_done(self, work):
        """And the node recovers."""
        self.cluster.wait_running(work)
        self.cluster.wait("the node Ready", self.cluster.node_ready)

    def wait_back(self):
        super().wait_back()
        self.cluster.wait_ready()
        if self.node.boots == self.boots:
            self.assertEqual(self.containers(), self.others)


if __name__ == "__main__":
    unittest.main()
