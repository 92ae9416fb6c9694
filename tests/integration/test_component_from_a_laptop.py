"""The story: a colleague on a laptop takes kube-scheduler out of the node, stops it in its scheduling cycle by DAP, looks,
lets it go on, and gives it back. Gateway, launcher and guard are the services that are shipped."""

import os
import re
import subprocess
import tempfile
import unittest

from harness import pki, process, tools, waiting
from harness.dap import Dap
from harness.rig import Launcher
from test_static_pod import DEFINITION, MANIFEST, NAME, StaticPodCase

NODE = "10.77.0.2"
PORT = 7443
CYCLE = "k8s.io/kubernetes/pkg/scheduler.(*Scheduler).scheduleOne"
POLICY = f"""bindings:
- {{role: admin, users: [alice], components: [{NAME}]}}
- {{role: observer, users: [olga], components: [{NAME}]}}
...
"""


class FromALaptop(StaticPodCase):
    def setUp(self):
        super().setUp()
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        authority = pki.Authority(os.path.join(self.directory, "pki"))
        own = authority.issue("gateway", "/CN=node1", "serverAuth", [f"IP:{NODE}", "DNS:node1"])
        self.people = {who: authority.issue(who, f"/CN={who}", "clientAuth") for who in ("alice", "olga")}
        self.launcher.start()
        for name, file in (("gateway.crt", own.certificate), ("gateway.key", own.key), ("clients-ca.crt", own.ca)):
            with open(file, encoding="ascii") as text:
                self.node.write(f"/etc/delvegate/{name}", text.read(), 0o640)
        self.node.write("/etc/delvegate/policy.yaml", POLICY, 0o644)
        self.node.write("/etc/delvegate/gateway.yaml", f"""listen: ["[::]:{PORT}"]
certificate: /etc/delvegate/gateway.crt
key: /etc/delvegate/gateway.key
clientCA: /etc/delvegate/clients-ca.crt
policy: /etc/delvegate/policy.yaml
auditFile: /var/lib/delvegate/gateway/audit/audit.jsonl
components:
- {{name: {NAME}, kind: launcher}}
""", 0o644)
        self.node.run(["sh", "-c", "chown delvegate: /etc/delvegate/gateway.key && chmod 0400 /etc/delvegate/gateway.key && "
                       "chown delvegate: /etc/delvegate/gateway.crt /etc/delvegate/clients-ca.crt"], check=True)
        self.node.run(["systemctl", "start", "delvegate.service"], check=True)
        waiting.until(lambda: f"the gateway listens\n{self.gateway_log()}",
                      lambda: f":{PORT}" in self.node.run(["ss", "-ltn"]).stdout)

    def gateway_log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", "delvegate.service"]).stdout

    def command(self, who, *words):
        person = self.people[who]
        return [tools.delvegate(), *words, "--gateway", f"{NODE}:{PORT}", "--certificate", person.certificate, "--key",
                person.key, "--ca", person.ca]

    def laptop_run(self, who, *words):
        return self.node.laptop_run(self.command(who, *words))

    def connect(self, who):
        with self.node.laptop():
            connecting = process.Process(self, f"connect-{who}", [*self.command(who, "connect", NAME), "--listen", "127.0.0.1:0",
                                                                 "--output", "json"],
                                         env=dict(os.environ, HOME=self.directory))
            found = connecting.wait_for("it prints its address",
                                        lambda: re.search(r"(127\.0\.0\.1:\d+)\b(?!\d)", connecting.output()))
            return found[1]

    def dap(self, address):
        with self.node.laptop():
            return Dap(self, address)

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
        self.assertEqual(started.returncode, 0, started.stderr + self.launcher.log() + self.gateway_log())
        duty = self.kubelet.wait_duty(NAME)

        ide = self.dap(self.connect("alice"))
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
        pid = int(self.node.run(["systemctl", "show", "-p", "MainPID", "--value", "delvegate.service"], check=True).stdout)
        self.node.run(["kill", "-KILL", str(pid)], check=True)
        waiting.until("the gateway is back", lambda: f":{PORT}" in self.node.run(["ss", "-ltn"]).stdout)
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], duty["pid"])
        ide = self.dap(self.connect("alice"))
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [{"name": CYCLE}]}))
        self.assertEqual(ide.stopped()[1]["reason"], "function breakpoint")
        ide.close()
        self.node.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
