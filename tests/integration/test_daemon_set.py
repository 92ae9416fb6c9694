"""kube-proxy taken out of one node of a cluster by the real kubectl, with the rights of the Role that is shipped and no more."""

import json
import unittest

from harness import waiting
from harness.rig import Cluster, Kubelet, Launcher, Node, needs_root, programs
from harness.rig.cluster import LAUNCHERS_KUBECONFIG
from test_attach import CALLS

NAME = "kube-proxy"
BINARY = f"/opt/debug/{programs.VERSION}/{NAME}"
DEFINITION = {"name": NAME, "kind": "daemon-set", "binary": BINARY, "kubeconfig": LAUNCHERS_KUBECONFIG}
FILES = f"/run/delvegate/launcher/.files/{NAME}"
NOT_NODE2 = {"key": "metadata.name", "operator": "NotIn", "values": ["node2"]}

# The node's iptables, of one backend, with the kubelet's chains in it.
_IPTABLES = {"iptables": "echo 'iptables v1.8.9 (nf_tables)'", "iptables-nft-save": "echo ':KUBE-KUBELET-CANARY - [0:0]'"}


@needs_root
class DaemonSetCase(unittest.TestCase):
    definition = DEFINITION
    settings = {}

    def setUp(self):
        self.node = self.enterContext(Node())
        self.kubelet = Kubelet(self.node, list_every="2s", backoff="500ms", backoff_max="2s").install()
        self.cluster = Cluster(self.node).start()
        self.addCleanup(self.cluster.stop)
        self.cluster.join()
        for name, line in _IPTABLES.items():
            self.node.write(f"/usr/sbin/{name}", f"#!/bin/sh\n{line}\n", 0o755)
        self.node.write("/usr/lib/app-calls.py", CALLS)
        self.kubelet.start()
        self.pod = self.cluster.wait_ready("node1")
        self.other = self.cluster.wait_ready("node2")
        self.cluster.wait_duty()
        self.set = self.cluster.set()
        self.launcher = Launcher(self.node, [self.definition], **self.settings).install()

    def delvegate(self, *words, **more):
        return self.node.delvegate(*words, **more)

    def start(self, *flags):
        self.delvegate("start", NAME, *flags).succeeded()
        self.assertEqual(self.cluster.pods("node1", ending=True), [])
        return self.cluster.wait_duty()

    def revision(self, pod):
        return pod["metadata"]["labels"]["controller-revision-hash"]

    def assert_back(self, template=None):
        """The pod of the same ControllerRevision, ready and at work, and nothing of ours anywhere."""
        waiting.until(lambda: f"nothing of ours in the DaemonSet\n{self.launcher.log()}",
                      lambda: "delvegate" not in json.dumps(self.cluster.set()["metadata"]))
        now = self.cluster.set()
        self.assertEqual(now["spec"]["updateStrategy"], self.set["spec"]["updateStrategy"])
        self.assertEqual(now["spec"]["template"], template or self.set["spec"]["template"])
        self.assertEqual(now["metadata"]["annotations"], self.set["metadata"]["annotations"])
        pod = self.cluster.wait_ready("node1")
        if not template:
            self.assertEqual(self.revision(pod), self.revision(self.pod))
            current = max(self.cluster.revisions().items(), key=lambda each: each[1])[0]
            self.assertEqual(current, f"{NAME}-{self.revision(pod)}")
            self.assertEqual(self.cluster.wait_ready("node2")["metadata"]["uid"], self.other["metadata"]["uid"])
        units = self.node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "delvegate-debuggee-*",
                               "delvegate-guard-*"]).stdout
        self.assertEqual(units.strip(), "")
        self.assertFalse(self.node.exists(FILES))
        self.assertFalse(self.node.exists(f"{FILES}.tokens"), "no token stays")
        return pod

    def calls(self, *calls):
        """Answers of dlv, through the component's guard."""
        said = self.node.run(["python3", "/usr/lib/app-calls.py", f"/run/delvegate/launcher/{NAME}/gateway.sock"], check=True,
                             input="".join(json.dumps(call) + "\n" for call in calls)).stdout
        return [json.loads(line) for line in said.splitlines()]


class OutAndBack(DaemonSetCase):
    def test_the_story(self):
        self.launcher.start()
        plan = self.delvegate("inspect", NAME, "--output", "json").succeeded().json
        self.assertFalse(plan["refused"], plan["findings"])
        self.assertEqual(self.cluster.set()["metadata"]["resourceVersion"], self.set["metadata"]["resourceVersion"])
        duty = self.start()
        self.assertEqual(duty["node"], "node1", "$(NODE_NAME) is the pod's")
        noted = json.loads(self.cluster.set()["metadata"]["annotations"]["delvegate.io/out.node1"])
        self.assertEqual(self.node.read(noted["undo"]).splitlines()[1:], plan["undoByHand"])
        argv = next(argv for argv in self.node.processes().values() if argv[0] == BINARY)
        self.assertIn("--hostname-override=node1", argv)
        config = next(word for word in argv if word.startswith("--config=")).partition("=")[2]
        self.assertTrue(config.startswith(FILES), config)
        rewritten = self.node.read(config)
        self.assertIn(f"kubeconfig: {FILES}", rewritten)
        self.assertIn("clusterCIDR: 10.244.0.0/16", rewritten)
        self.assertEqual(self.cluster.wait_ready("node2")["metadata"]["uid"], self.other["metadata"]["uid"])

        _, made, hit = self.calls(
            ["Command", {"name": "halt"}],
            ["CreateBreakpoint", {"Breakpoint": {"functionName": programs.BREAKPOINTS[NAME], "line": -1}}],
            ["Command", {"name": "continue"}])
        self.assertIsNone(made["error"], made)
        self.assertIn("syncProxyRules", json.dumps(hit["result"]))
        standing = self.cluster.duty()
        self.assertEqual(self.cluster.duty(), standing)
        self.delvegate("stop", NAME).succeeded()
        self.assert_back()
        # The node's annotation and Events have a Role of their own, node-notice-role.yaml, which is not bound here.
        refused = [each for each in self.cluster.requests() if each["user"] == "delvegate-launcher" and not each["allowed"]
                   and each["resource"] not in ("nodes", "events")]
        self.assertEqual(refused, [], "the Role that is shipped is enough")

    def test_others_edit_and_answers_get_lost(self):
        self.launcher.start()
        self.cluster.surprise(edit=[{"op": "add", "path": "/metadata/labels/theirs", "value": "yes"},
                                    {"op": "replace", "path": "/spec/revisionHistoryLimit", "value": 9}])
        self.start()
        self.assertEqual(self.cluster.set()["spec"]["revisionHistoryLimit"], 9)
        self.cluster.surprise(lose=True)
        self.delvegate("stop", NAME).succeeded()
        self.assert_back()
        self.cluster.surprise(lose=True)
        self.start()
        self.delvegate("stop", NAME).succeeded()
        self.assert_back()
        self.assertEqual(self.cluster.set()["metadata"]["labels"]["theirs"], "yes")

    def test_somebody_changes_the_template_while_it_is_out(self):
        """Their image stays; the node comes back with it, and other nodes are rolled to it then as always."""
        self.launcher.start()
        self.start()
        image = "registry.k8s.io/kube-proxy:v1.34.2"
        self.cluster.edit({"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image})
        self.delvegate("stop", NAME).succeeded()
        template = json.loads(json.dumps(self.set["spec"]["template"]))
        template["spec"]["containers"][0]["image"] = image
        self.assert_back(template)
        self.assertEqual(self.cluster.wait_ready("node1")["spec"]["containers"][0]["image"], image)

    def test_somebody_puts_it_back_by_hand(self):
        self.launcher.start()
        self.start()
        self.cluster.edit({"op": "remove", "path": "/spec/template/spec/affinity"})
        waiting.until(lambda: f"the debuggee makes room\n{self.launcher.log()}", lambda: not any(
            argv[0] == BINARY for argv in self.node.processes().values()))
        self.assertIn(self.launcher.settled(NAME), ("available", "failed", "not_put_back"))
        self.delvegate("restore", NAME)
        self.assert_back()

    def test_somebody_removes_it(self):
        self.launcher.start()
        self.start()
        self.cluster.call("DELETE", "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy")
        self.delvegate("stop", NAME).succeeded()
        self.assertFalse(self.node.exists(f"{FILES}.tokens"), "no token stays")
        self.assertEqual(self.launcher.settled(NAME), "available")


class SecondNode(DaemonSetCase):
    def record(self, first=None):
        own = {"node": "node2", "session": "f" * 32, "by": "bob", "since": "2026-01-01T00:00:00Z",
               "strategy": self.set["spec"]["updateStrategy"], "made": "affinity", "others": []}
        return json.dumps({**own, **(first or {})})

    def bring_back_node2(self):
        terms = "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields"
        now = self.cluster.set()
        fields = now["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
            "nodeSelectorTerms"][0]["matchFields"]
        self.assertEqual(fields, [NOT_NODE2])
        self.assertTrue(terms)
        self.cluster.edit({"op": "remove", "path": "/metadata/annotations/delvegate.io~1out.node2"},
                          {"op": "remove", "path": "/spec/template/spec/affinity"},
                          {"op": "replace", "path": "/spec/updateStrategy", "value": self.set["spec"]["updateStrategy"]})
        self.other = self.cluster.wait_ready("node2")
        # This node's pod came back beside a node2 that was out: the controller makes it anew without that mark.
        waiting.until("node1's pod is of the revision as before",
                      lambda: self.revision(self.cluster.wait_ready("node1")) == self.revision(self.pod))

    def test_out_before_us(self):
        self.cluster.edit(
            {"op": "add", "path": "/metadata/annotations/delvegate.io~1out.node2", "value": self.record()},
            {"op": "replace", "path": "/spec/updateStrategy", "value": {"type": "OnDelete"}},
            {"op": "add", "path": "/spec/template/spec/affinity", "value": {"nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [NOT_NODE2]}]}}}})
        waiting.until("node2 is out", lambda: not self.cluster.pods("node2", ending=True))
        self.assertEqual(self.cluster.wait_ready("node1")["metadata"]["uid"], self.pod["metadata"]["uid"])
        self.launcher.start()
        # This node's pod would be another one again when node2 comes back.
        answer = self.delvegate("start", NAME).failed(3)
        self.assertIn("node2 is out of it as well", answer.err + answer.out)
        self.start("--force-not-together")
        self.delvegate("stop", NAME).succeeded()
        self.cluster.wait_ready("node1")
        self.assertEqual(self.cluster.set()["spec"]["updateStrategy"], {"type": "OnDelete"}, "the last one back sets it")
        self.assertEqual(self.cluster.pods("node2", ending=True), [], "node2 is still out")
        self.assertIn("delvegate.io/out.node2", self.cluster.set()["metadata"]["annotations"])
        self.bring_back_node2()
        self.assert_back()

    def test_out_after_us(self):
        self.launcher.start()
        self.start()
        term = ("/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/"
                "matchFields/-")
        self.cluster.edit({"op": "add", "path": "/metadata/annotations/delvegate.io~1out.node2", "value": self.record()},
                          {"op": "add", "path": term, "value": NOT_NODE2})
        waiting.until("node2 is out", lambda: not self.cluster.pods("node2", ending=True))
        self.delvegate("stop", NAME).succeeded()
        self.cluster.wait_ready("node1")
        self.assertEqual(self.cluster.set()["spec"]["updateStrategy"], {"type": "OnDelete"})
        self.assertEqual(self.cluster.pods("node2", ending=True), [])
        self.bring_back_node2()
        self.assert_back()


class AnotherNodesName(DaemonSetCase):
    """A launcher.yaml that was written for node2."""

    definition = {**DaemonSetCase.definition, "nodeName": "node2"}

    def test_its_pod_is_not_taken_from_here(self):
        self.launcher.start()
        answer = self.delvegate("start", NAME)
        self.assertNotEqual(answer.code, 0)
        self.assertIn("runs on a host of another address", answer.err)
        self.assertEqual(self.cluster.wait_ready("node2")["metadata"]["uid"], self.other["metadata"]["uid"])
        self.assert_back()


class NoIptables(DaemonSetCase):
    def test_it_is_refused(self):
        self.node.run(["rm", "-f", "/usr/sbin/iptables"], check=True)
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(3)
        self.assertIn("iptables", answer.err)
        self.assert_back()


class ExitsAtOnce(DaemonSetCase):
    definition = dict(DEFINITION, extraArgs=["--exit-at-once=3"])

    def test_it_is_rolled_back(self):
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(1)
        self.assertIn("ended at once", answer.err)
        self.assert_back()


if __name__ == "__main__":
    unittest.main()
