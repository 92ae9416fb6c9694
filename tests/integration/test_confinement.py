"""`confine: on`: the gateway serves a session, reads its files again and writes its audit, and has given up the rest."""

import http.client
import json
import os
import re
import shutil
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

    def gateway(self, sources=None, **more):
        component = {"name": NAME, "kind": "launcher", "maxViewers": 4, **({"sources": sources} if sources else {})}
        gateway = self.serve(component, policy=self.policy,
                             launcherSocket=self.launcher.path, confine="on", **more)
        gateway.process.wait_for("it is confined", lambda: "confined: no capabilities" in gateway.log())
        return gateway

    def get(self, gateway, who, path=f"/v1/components/{NAME}"):
        """(status, body, serial of the gateway's certificate)"""
        person = self.person(who)
        context = ssl.create_default_context(cafile=person.ca)
        context.load_cert_chain(person.certificate, person.key)
        context.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection("localhost", gateway.port, context=context, timeout=waiting.DEADLINE)
        connection.request("GET", path)
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

    def test_the_source_line_is_read_and_no_other_file(self):
        checkout = os.path.join(self.directory, "checkout")
        shutil.copytree(os.path.dirname(debuggee.MAIN), checkout)
        main = os.path.join(checkout, "main.go")
        before = os.stat(self.program).st_mtime - 10  # the program may be older than this test's own copy of its sources
        os.utime(main, (before, before))
        written = debuggee.contents(main).decode().split("\n")[TICK - 1].strip()
        dlv = self.headless()
        self.launcher.runs(dlv.address)
        gateway = self.gateway(sources=checkout)
        self.until_attached(gateway)
        client = Rpc(self, self.connect(gateway, component=NAME).address)

        def line_shown():
            told = json.loads(self.get(gateway, "alice", "/v1/sessions")[1])["components"][0]
            return told.get("position", "").endswith(f"main.go:{TICK}") and told.get("sourceLine")

        client.call("CreateBreakpoint", {"Breakpoint": {"file": debuggee.MAIN, "line": TICK}})
        client.call("Command", {"name": "continue"})
        waiting.until("the line is shown", lambda: line_shown() == written)
        # The same text beside the checkout, by a name within it.
        os.rename(main, os.path.join(self.directory, "outside.go"))
        os.symlink("../outside.go", main)
        client.call("Command", {"name": "continue"})
        self.assertFalse(line_shown())
        os.unlink(main)
        os.rename(os.path.join(self.directory, "outside.go"), main)
        client.call("Command", {"name": "continue"})
        self.assertEqual(line_shown(), written)

    def refused_configuration(self, **more):
        file = os.path.join(self.directory, "gateway.yaml")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"confine": "on", "listen": ["127.0.0.1:0"], "stateDirectory": os.path.join(self.directory, "state"),
                       "runtimeDirectory": os.path.join(self.directory, "run"), **more}, out)
        ended = subprocess.run([tools.delvegate(), "serve", "--config", file], capture_output=True, text=True,
                               timeout=waiting.DEADLINE, check=False)
        self.assertEqual(ended.returncode, 2, ended)
        return ended.stderr

    def test_sources_beside_the_authority_are_refused(self):
        for sources in (self.directory, os.path.join(self.directory, "state", "ca"), "/etc/kubernetes/manifests"):
            said = self.refused_configuration(launcherSocket=self.launcher.path,
                                              components=[{"name": NAME, "kind": "launcher", "sources": sources, "users": ["alice"]}])
            self.assertRegex(said, f"sources of {NAME}, .* are not apart from .*/(ca|kubernetes), which must stay closed to it. Give the directory")

    def test_with_a_component_of_kind_exec_it_says_why_not(self):
        self.assertRegex(self.refused_configuration(components=[self.component()]), "confine: on, but component app is of kind exec")


if __name__ == "__main__":
    unittest.main()
