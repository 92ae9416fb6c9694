"""`confine: on`: the gateway serves a session, reads its files again and writes its audit, and has given up the rest."""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import unittest

from harness import case, debuggee, process, tools, waiting
from harness.launcher import Launcher
from harness.rpc import Rpc
from harness.terminal import Terminal

NAME = "kube-scheduler"
TICK = debuggee.line("tick")
NOTHING = "0" * 16


def policy(*people):
    return f"bindings:\n- {{role: admin, users: [{', '.join(people)}], components: [{NAME}]}}\n...\n"


class Confinement(case.Case):
    def setUp(self):
        super().setUp()
        self.launcher = Launcher(self, NAME)
        # Not above the state directory: what the CA's key lies below is not opened.
        os.mkdir(os.path.join(self.directory, "etc"))
        self.policy = os.path.join(self.directory, "etc", "policy.yaml")
        self.write_policy("alice", "bob")

    def write_policy(self, *people):
        """As editors do: another file in its place."""
        with open(self.policy + ".new", "w", encoding="utf-8") as file:
            file.write(policy(*people))
        os.rename(self.policy + ".new", self.policy)

    def gateway(self, **more):
        gateway = self.serve({"name": NAME, "kind": "launcher", "maxViewers": 4}, policy=self.policy,
                             launcherSocket=self.launcher.path, confine="on", **more)
        gateway.process.wait_for("it is confined", lambda: "confined: no capabilities" in gateway.log())
        return gateway

    def get(self, gateway, who):
        """(status, body, serial of the gateway's certificate)"""
        person = self.person(who)
        context = ssl.create_default_context(cafile=person.ca)
        context.load_cert_chain(person.certificate, person.key)
        context.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection("localhost", gateway.port, context=context, timeout=waiting.DEADLINE)
        connection.request("GET", f"/v1/components/{NAME}")
        serial = connection.sock.getpeercert()["serialNumber"]
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body, serial

    def until_attached(self, gateway):
        waiting.until("it is attached", lambda: json.loads(self.get(gateway, "alice")[1]).get("state") in ("running", "stopped"))

    def audit(self, gateway):
        return debuggee.contents(os.path.join(gateway.directory, "state", "audit", "audit.jsonl")).decode()

    def test_every_thread_has_given_up_what_it_does_not_need(self):
        gateway = self.gateway()
        threads = os.listdir(f"/proc/{gateway.pid}/task")
        self.assertGreater(len(threads), 1, "the audit's are there")
        for thread in threads:
            status = dict(re.findall(r"^(\w+):\t(.*)$", debuggee.contents(f"/proc/{gateway.pid}/task/{thread}/status").decode(), re.M))
            self.assertEqual((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))
            self.assertEqual((status["CapPrm"], status["CapEff"], status["CapInh"], status["CapAmb"]), (NOTHING,) * 4)
            if os.geteuid() == 0:
                self.assertEqual(status["CapBnd"], NOTHING)
        signer = [pid for pid in process.descendants(gateway.pid) if "signer" in process.command_line(pid)]
        self.assertEqual(len(signer), 1)
        self.assertIn("Seccomp:\t0", debuggee.contents(f"/proc/{signer[0]}/status").decode(), "the signer is another process")

    def test_a_session_the_policy_the_certificate_and_the_audit(self):
        dlv = self.headless()
        self.launcher.runs(dlv.address)
        gateway = self.gateway()
        self.until_attached(gateway)
        address = self.connect(gateway, component=NAME).address
        terminal = Terminal(self, [self.delve.dlv, "connect", address]).prompt()
        terminal.run(f"break main.go:{TICK}")
        self.assertRegex(terminal.run("continue"), r"main\.tick\(\)")
        terminal.run("clearall")
        terminal.line("exit")
        terminal.expect(r"\[Y/n\] ")
        terminal.line("")
        self.assertEqual(terminal.finish(), 0, terminal.text)

        self.assertEqual(self.get(gateway, "bob")[0], 200)
        client = Rpc(self, address)
        self.write_policy("alice")
        waiting.until("bob is out", lambda: self.get(gateway, "bob")[0] != 200)
        self.assertTrue(client.call("ListGoroutines", {"Start": 0, "Count": 10})["Goroutines"])

        before = self.get(gateway, "alice")[2]
        with open(gateway.configuration_file, encoding="utf-8") as file:
            ours = json.load(file)
        renewed = self.authority().gateway([NAME])
        for new, old in ((renewed.key, ours["key"]), (renewed.certificate, ours["certificate"])):
            if new != old:
                os.replace(new, old)
        waiting.until("the new certificate is shown", lambda: self.get(gateway, "alice")[2] != before)
        waiting.until("all of it is in the audit", lambda: "the policy has changed" in self.audit(gateway) and
                      "certificates, CAs" in self.audit(gateway) and '"alice"' in self.audit(gateway))
        gateway.process.signal(signal.SIGTERM)
        self.assertEqual(gateway.process.wait(), 0, gateway.log())

    def test_without_its_signer_it_ends_to_be_started_anew(self):
        gateway = self.gateway()
        signer = [pid for pid in process.descendants(gateway.pid) if "signer" in process.command_line(pid)]
        os.kill(signer[0], signal.SIGKILL)
        self.assertEqual(gateway.process.wait(), 1, gateway.log())
        self.assertIn("ending, to be started anew", gateway.log())

    def test_with_a_component_of_kind_exec_it_says_why_not(self):
        file = os.path.join(self.directory, "gateway.yaml")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"confine": "on", "listen": ["127.0.0.1:0"], "stateDirectory": os.path.join(self.directory, "state"),
                       "runtimeDirectory": os.path.join(self.directory, "run"), "components": [self.component()]}, out)
        ended = subprocess.run([tools.delvegate(), "serve", "--config", file], capture_output=True, text=True,
                               timeout=waiting.DEADLINE, check=False)
        self.assertEqual(ended.returncode, 2, ended)
        self.assertRegex(ended.stderr, "confine: on, but component app is of kind exec")


if __name__ == "__main__":
    unittest.main()
