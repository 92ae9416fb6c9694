"""The gateway in a container as packaging/kubernetes/gateway.yaml has it, by containerd and without a cluster: its user, its mounts and what
it must not have are read from there. The launcher is the node's own. In a cluster: tests/e2e/kubernetes/test_gateway_pod.py."""

import os
import re
import sys
import tempfile

from harness import pki, process, tools, waiting
from harness.dap import Dap
from harness.rig import Launcher, Node, image
from harness.rig.node import ADDRESS
from test_component_from_a_laptop import CYCLE
from test_static_pod import NAME, StaticPodCase

sys.path.append(os.path.join(tools.ROOT, "tests", "e2e"))
from kubernetes.runtime import STORE, Containerd  # noqa: E402

TAG = "docker.io/library/delvegate:0.1.0"
CTR = "/opt/rig/ctr"
MANIFEST = os.path.join(tools.ROOT, "packaging", "kubernetes", "gateway.yaml")
USER = "64100"


def block(name):
    """A file of the ConfigMap, as it stands in the manifest."""
    with open(MANIFEST, encoding="utf-8") as file:
        found = re.search(rf"^  {re.escape(name)}: \|\n((?:    .*\n)+)", file.read(), re.M)
    return re.sub(r"(?m)^    ", "", found.group(1))


class Runtime(Containerd):
    """Where the launcher does not look for one: its stand-in kubelet has none."""

    def ctr(self, *words, check=False, **more):
        return self.node.run([CTR, "--namespace", "delvegate", *words], check=check, **{"timeout": 4 * waiting.DEADLINE, **more})


class InAContainer(StaticPodCase):
    def new_node(self):
        node = Node(own=[STORE])
        node.bind(tools.find("CTR", "ctr"), CTR)
        return node

    def new_launcher(self):
        self.node.run(["groupadd", "--system", "--gid", USER, "delvegate"], check=True)
        self.node.run(["useradd", "--system", "--uid", USER, "--gid", "delvegate", "--no-create-home", "delvegate"], check=True)
        return Launcher(self.node, [self.definition]).install().start()

    def setUp(self):
        super().setUp()
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        store = image.Store()
        self.addCleanup(store.remove)
        self.runtime = Runtime(self.node).install().start()
        self.runtime.load([store.export(store.build("delvegate:0.1.0"), os.path.join(self.directory, "image.tar"))])
        authority = pki.Authority(os.path.join(self.directory, "pki"))
        own = authority.issue("gateway", "/CN=node1", "serverAuth", [f"IP:{ADDRESS}", "DNS:node1"])
        self.alice = authority.issue("alice", "/O=sre/CN=alice", "clientAuth")
        for name, path in (("tls.crt", own.certificate), ("tls.key", own.key), ("ca.crt", own.ca)):
            with open(path, encoding="ascii") as file:
                self.node.write(f"/opt/pod/tls/{name}", file.read(), 0o440)
        self.node.run(["chgrp", "-R", USER, "/opt/pod/tls"], check=True)
        for name in ("gateway.yaml", "policy.yaml"):
            self.node.write(f"/opt/pod/configuration/{name}", block(name))
        # What the first container of the pod does.
        self.node.run(["install", "--directory", "--mode=0700", f"--owner={USER}", f"--group={USER}", "/var/lib/delvegate-pod/gateway"], check=True)

    def start(self, name):
        mounts = {"/opt/pod/configuration": "/etc/delvegate:ro", "/opt/pod/tls": "/etc/delvegate-tls:ro",
                  "/var/lib/delvegate-pod": "/var/lib/delvegate:rw", "/run/delvegate": "/run/delvegate:ro"}
        words = []
        for source, target in mounts.items():
            path, _, how = target.partition(":")
            words += ["--mount", f"type=bind,src={source},dst={path},options=rbind:{how}"]
        dropped = [f"--cap-drop=CAP_{one}" for one in ("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID",
                                                       "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE")]
        self.runtime.ctr("run", "--detach", "--net-host", "--read-only", "--seccomp", *dropped, *words, TAG, name,
                         check=True)
        waiting.until(lambda: f"the gateway listens\n{self.log(name)}", lambda: ":7443" in self.node.run(["ss", "-ltn"]).stdout)

        # As the kubelet asks whether it is there.
        with open(MANIFEST, encoding="utf-8") as file:
            probes = set(re.findall(r"command: \[(delvegate, .*)\]", file.read()))
        for probe in probes:
            self.runtime.ctr("tasks", "exec", "--exec-id", f"probe-of-{name}", name, *probe.split(", "), check=True)

    def log(self, name):
        return self.runtime.ctr("tasks", "ls").stdout + self.runtime.ctr("containers", "info", name).stderr + self.runtime.log()[-3000:]

    def end(self, name):
        self.runtime.ctr("tasks", "kill", "--signal", "SIGTERM", name, check=True)
        waiting.until("its end", lambda: "RUNNING" not in self.runtime.ctr("tasks", "ls").stdout)
        self.runtime.ctr("tasks", "delete", name)
        self.runtime.ctr("containers", "delete", name)

    def command(self, *words):
        return [tools.delvegate(), *words, "--gateway", f"{ADDRESS}:7443", "--certificate", self.alice.certificate, "--key", self.alice.key,
                "--ca", self.alice.ca]

    def stops_and_goes_on(self, name):
        asked = {}

        def known():
            """The gateway asks the launcher once a second."""
            asked["last"] = self.node.laptop_run(self.command("status", "--output", "json"))
            return re.search(r'"state":\s*"running"', asked["last"].stdout)
        waiting.until(lambda: f"the gateway knows that it runs: {asked['last']}", known)
        with self.node.laptop():
            connecting = process.Process(self, f"connect-{name}", [*self.command("connect", NAME), "--listen", "127.0.0.1:0", "--output", "json"],
                                         env=dict(os.environ, HOME=self.directory))
            found = connecting.wait_for("its address", lambda: re.findall(r"(127\.0\.0\.1:\d+)\b(?!\d)", connecting.output()))
            ide = Dap(self, found[0])
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": CYCLE}]}))
        stop = ide.stopped()[1]
        self.assertEqual(stop["reason"], "function breakpoint", stop)
        ide.call("setFunctionBreakpoints", {"breakpoints": []})
        ide.call("continue", {"threadId": stop["threadId"]})
        duty = self.kubelet.wait_duty(NAME)
        ide.call("disconnect", {"terminateDebuggee": False})
        connecting.end()
        return duty["pid"]

    def test_it_serves_what_the_launcher_has_taken_out(self):
        self.start("first")
        status = self.of_the_gateway()
        self.assertEqual(set(status["Uid"]), {USER})
        self.assertEqual((status["CapEff"], status["NoNewPrivs"], status["Seccomp"]), (["0" * 16], ["1"], ["2"]))
        self.node.delvegate("start", NAME).succeeded()
        pid = self.stops_and_goes_on("first")
        self.end("first")
        self.start("second")
        self.assertEqual(self.stops_and_goes_on("second"), pid, "another one finds the component as it is")
        self.end("second")
        self.node.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def of_the_gateway(self):
        for pid, argv in self.node.processes().items():
            if argv[1:2] == ["serve"]:
                lines = self.node.read(f"/proc/{pid}/status").splitlines()
                return {line.split(":")[0]: line.split(":")[1].split() for line in lines}
        raise AssertionError("no gateway runs")


if __name__ == "__main__":
    import unittest
    unittest.main()
