"""packaging/kubernetes/gateway.yaml on a real node: the gateway as a pod of a DaemonSet, with the image of packaging/container, beside the
launcher, which is the node's own."""

import json
import os
import re
import tempfile
import unittest

from harness import pki, process, tools
from harness.rig import Launcher, image, needs_root
from harness.rig.node import ADDRESS
from harness.dap import Dap

from kubernetes import story, test_scheduler
from kubernetes.cluster import debug_binary, is_ready
from kubernetes.objects import deployment

MANIFEST = os.path.join(tools.ROOT, "packaging", "kubernetes", "gateway.yaml")
NAMESPACE = "delvegate"
NAME = "kube-scheduler"
USER = "64100"


@needs_root
class GatewayPod(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.cluster = story.cluster()
        self.node = self.cluster.node
        # As docs/kubernetes.md says, before the package, which would give it another number.
        self.node.run(["groupadd", "--system", "--gid", USER, "delvegate"], check=True)
        self.node.run(["useradd", "--system", "--uid", USER, "--gid", "delvegate", "--no-create-home", "delvegate"], check=True)
        definition = {"name": NAME, "binary": debug_binary(self.cluster.version, NAME)}
        self.launcher = Launcher(self.node, [definition]).install().start()
        store = image.Store()
        self.addCleanup(store.remove)
        self.cluster.containerd.load([store.export(store.build("delvegate:0.1.0"), os.path.join(self.directory, "image.tar"))])
        self.addCleanup(lambda: self.node.delvegate("stop", NAME))

    def kubectl(self, *words, **more):
        return self.cluster.kubectl(*words, **{"check": True, **more}).stdout

    @staticmethod
    def manifest():
        with open(MANIFEST, encoding="utf-8") as file:
            return file.read()

    def deploy(self):
        self.kubectl("apply", "-f", "-", input=self.manifest())
        authority = pki.Authority(os.path.join(self.directory, "pki"))
        own = authority.issue("gateway", "/CN=node1", "serverAuth", [f"IP:{ADDRESS}", "DNS:node1"])
        self.alice = authority.issue("alice", "/O=sre/CN=alice", "clientAuth")
        data = {}
        for name, path in (("tls.crt", own.certificate), ("tls.key", own.key), ("ca.crt", own.ca)):
            with open(path, encoding="ascii") as file:
                data[name] = file.read()
        self.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "Secret", "stringData": data,
                                                           "metadata": {"name": "delvegate-tls", "namespace": NAMESPACE}}))
        self.assertEqual(self.cluster.pods(NAMESPACE), [], "only nodes that are labelled have one")
        self.kubectl("label", "node", self.node.name, "delvegate.io/launcher=true")
        return self.ready()

    def ready(self, other_than=None):
        def found():
            return next((pod for pod in self.cluster.pods(NAMESPACE) if is_ready(pod) and pod["metadata"]["uid"] != other_than), None)
        return self.cluster.wait("the gateway's pod", found)

    def ide(self, name):
        """An IDE of alice's at a breakpoint of the scheduler."""
        with self.node.laptop():
            connecting = process.Process(self, f"connect-{name}", [
                tools.delvegate(), "connect", NAME, "--gateway", f"{ADDRESS}:7443", "--certificate", self.alice.certificate, "--key",
                self.alice.key, "--ca", self.alice.ca, "--listen", "127.0.0.1:0", "--output", "json"],
                env=dict(os.environ, HOME=self.directory))
            found = connecting.wait_for("its address", lambda: re.search(r"(127\.0\.0\.1:\d+)\b(?!\d)", connecting.output()))
            ide = Dap(self, found[1])
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": test_scheduler.Scheduler.breakpoint}]}))
        return ide

    def stops_and_goes_on(self, name):
        ide = self.ide(name)
        self.cluster.apply([deployment(name)])
        stop = ide.stopped()[1]
        self.assertEqual(stop["reason"], "function breakpoint", stop)
        ide.call("setFunctionBreakpoints", {"breakpoints": []})
        ide.call("continue", {"threadId": stop["threadId"]})
        self.cluster.wait_running(name)
        ide.call("disconnect", {"terminateDebuggee": False})

    def test_it_is_debugged_by_way_of_the_pod(self):
        pod = self.deploy()
        self.assert_without_privilege()
        self.node.delvegate("start", NAME).succeeded()
        self.cluster.apply([deployment("before")])
        self.cluster.wait_running("before")
        self.stops_and_goes_on("first")
        # Another pod finds the component as it is.
        self.kubectl("-n", NAMESPACE, "delete", "pod", pod["metadata"]["name"])
        self.ready(other_than=pod["metadata"]["uid"])
        self.stops_and_goes_on("second")
        self.kubectl("delete", "-f", "-", input=self.manifest(), timeout=300)
        self.node.delvegate("stop", NAME).succeeded()
        self.cluster.wait_ready()

    def assert_without_privilege(self):
        inside = self.kubectl("-n", NAMESPACE, "exec", "daemonset/delvegate-gateway", "--", "cat", "/proc/1/status")
        status = {line.split(":")[0]: line.split(":")[1].split() for line in inside.splitlines()}
        self.assertEqual(set(status["Uid"]), {USER})
        self.assertEqual((status["CapEff"], status["CapBnd"], status["NoNewPrivs"], status["Seccomp"]),
                         (["0" * 16], ["0" * 16], ["1"], ["2"]))
        may = self.kubectl("auth", "can-i", "--list", "-n", NAMESPACE, "--as", f"system:serviceaccount:{NAMESPACE}:delvegate-gateway")
        for line in may.splitlines()[1:]:
            self.assertTrue(line.startswith(("selfsubject", " ")), f"nothing but what everybody may: {line}")
        there = self.cluster.kubectl("-n", NAMESPACE, "exec", "daemonset/delvegate-gateway", "--", "ls", "/var/run/secrets")
        self.assertNotEqual(there.returncode, 0, "no token of the API's")


if __name__ == "__main__":
    unittest.main()
