"""kube-proxy on a real node: stopped while it writes the rules of Services, and a new Service has none; the other node's goes on."""

import unittest

from harness.rig.node import ADDRESS

from kubernetes import daemon_set, objects, story
from kubernetes.daemon_set import DaemonSet

_SERVER = f"https://{ADDRESS}:6443"


class Proxy(DaemonSet, story.Story, story.TestCase):
    component = "kube-proxy"
    label = "k8s-app=kube-proxy"
    breakpoint = "k8s.io/kubernetes/pkg/proxy/iptables.(*Proxier).syncProxyRules"
    seen_in_ide = ("proxier", "serviceChanges", "items", "[key 0]", "Name")
    seen_in_dlv = "proxier.serviceChanges.items"

    @classmethod
    def setUpClass(cls):
        daemon_set.grant(story.cluster(), _SERVER)
        cls.addClassCleanup(daemon_set.remove_second_node, story.cluster(), cls.label)
        daemon_set.add_second_node(story.cluster(), cls.label)

    def condition(self, name):
        """It passes there each 30 s, and for the address family that the Service has not."""
        return "len(proxier.serviceChanges.items) > 0"

    def gives_work(self, name):
        """A Service. What it leads to would come by another watch: if it came first, the Service might be in time for what that
        has begun already, and not pass the breakpoint."""
        self.cluster.apply([objects.service(name)])
        self.addCleanup(self.cluster.kubectl, "delete", "service,endpointslice", name, "--ignore-not-found")
        return name

    def rules(self, work):
        return [line for line in self.node.run(["iptables-save"], check=True).stdout.splitlines() if f'"default/{work}' in line]

    def assert_waits(self, work):
        self.assertEqual(self.rules(work), [])
        self.assertTrue(self.rules("kubernetes"), "older Services keep theirs")
        self.assert_other_node_untouched()

    def wait_done(self, work):
        """Its rules are there, and once it leads to the API server, they do."""
        address = self.cluster.get("service", work)["spec"]["clusterIP"]
        asked = ["curl", "--silent", "--insecure", "--max-time", "5", f"https://{address}/readyz"]
        self.cluster.wait(f"rules for {work}", lambda: self.rules(work))
        self.cluster.apply([objects.endpoint(work, ADDRESS, 6443)])
        self.cluster.wait(f"an answer from {work}", lambda: self.node.run(asked).stdout == "ok")

    def wait_taken_out(self):
        """The node and its Events say it to whoever is on call, so both Roles that are shipped are enough."""
        super().wait_taken_out()
        self.assertIn(self.component, self.told())
        self.cluster.wait("an Event of it", lambda: self.cluster.get(
            "events", "--field-selector", f"reason=ComponentDetached,involvedObject.name={self.node.name}")["items"])
        argv = next(argv for argv in self.node.processes().values() if argv[0] == f"/opt/debug/{self.cluster.version}/kube-proxy")
        self.assertIn(f"--hostname-override={self.node.name}", argv)

    def told(self):
        return self.cluster.wait("an annotation of the node", lambda: self.cluster.get("node", self.node.name)["metadata"].get(
            "annotations", {}).get("delvegate.io/detached"))


if __name__ == "__main__":
    unittest.main()
