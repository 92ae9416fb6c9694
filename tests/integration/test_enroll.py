"""A laptop that has nothing but a token: enrolment, contexts, renewal; real gateway, real dlv."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest

from harness import debuggee, process, tools, waiting
from harness.enrolling import EnrollCase
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class TheWholeStory(EnrollCase):
    def test_a_token_becomes_a_debug_session(self):
        gateway = self.gateway()
        token = gateway.token("alice")
        ended = self.enrolled(gateway, token)
        self.assertIn("enrolled as alice", ended.stdout)
        # Nothing but the component's name is needed from here on.
        _, address = self.connect("app")
        dlv = Terminal(self, [self.delve.dlv, "connect", address]).prompt()
        self.assertIn("Breakpoint 1 set", dlv.run(f"break main.go:{TICK}"))
        self.assertRegex(dlv.run("continue"), rf"main\.tick\(\).*main\.go:{TICK}")
        for folder, _, names in os.walk(self.home):
            if ".config/delvegate" in folder:
                self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in names:
                path = os.path.join(folder, name)
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
        # The token is told to nobody.
        with open(f"/proc/{gateway.pid}/cmdline", "rb") as file:
            self.assertNotIn(token.encode(), file.read())
        self.assertNotIn(token, gateway.log() + ended.stdout + ended.stderr)
        with open(os.path.join(gateway.state, "audit", "audit.jsonl"), encoding="utf-8") as file:
            given = [r for r in map(json.loads, file) if r["kind"] == "administration"]
        self.assertEqual([(r["address"], r["result"]) for r in given], [("127.0.0.1", "alice has enrolled")])
        [context] = self.contexts()
        self.assertEqual((context["name"], context["user"], context["current"]), ("localhost", "alice", True))
        self.assertEqual(context["gateway"], f"localhost:{gateway.port}")

    def test_the_printed_line_is_all_there_is_to_paste(self):
        gateway = self.gateway()
        line = gateway.line("alice")
        self.assertTrue(gateway.enroll_port)
        self.assertTrue(line.startswith("delvegate "), line)
        directory = os.path.dirname(tools.delvegate())
        ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=waiting.DEADLINE, check=False,
                               env=dict(self.environment, PATH=directory + ":" + os.environ["PATH"]))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual([context["user"] for context in self.contexts()], ["alice"])

    def test_contexts_are_listed_chosen_and_deleted(self):
        gateway = self.gateway()
        self.enrolled(gateway, gateway.token("alice"), "--context", "first")
        self.enrolled(gateway, gateway.token("carol"), "--context", "second")
        text = self.delvegate("context", "list").stdout
        self.assertRegex(text, r"(?m)^\*  second +\S+ +carol +\S+ \S+ left, renewable for")
        self.assertEqual(self.delvegate("context", "use", "first").returncode, 0)
        self.assertEqual([c["current"] for c in self.contexts()], [True, False])
        self.assertIn('"app"', self.delvegate("connect", "--context", "second", "--output", "json").stdout)
        self.assertIn("there is no context \"third\"", self.complaint(self.delvegate("connect", "--context", "third"), 2))
        self.assertEqual(self.delvegate("context", "delete", "first").returncode, 0)
        self.assertIn("which gateway?", self.complaint(self.delvegate("connect", "app"), 2))
        self.assertEqual([c["name"] for c in self.contexts()], ["second"])

    def test_the_token_may_come_from_a_file_or_a_terminal(self):
        gateway = self.gateway()
        path = os.path.join(self.directory, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write(gateway.token("alice") + "\n")
        os.chmod(path, 0o644)
        self.assertIn("chmod 600", self.complaint(self.enroll(gateway, "", "--token-file", path)))
        os.chmod(path, 0o600)
        self.enrolled(gateway, "", "--token-file", path)
        token = gateway.token("alice")
        terminal = Terminal(self, [tools.delvegate(), "enroll", f"localhost:{gateway.enroll_port}", "--ca-pin", gateway.pin],
                            env={"HOME": self.home, "XDG_CONFIG_HOME": os.path.join(self.home, ".config")})
        terminal.expect("Token: ")
        terminal.line(token)
        self.assertEqual(terminal.finish(), 0, terminal.text)
        self.assertNotIn(token, terminal.text)
        terminal = Terminal(self, [tools.delvegate(), "enroll", f"localhost:{gateway.enroll_port_to_be}", "--ca-pin", gateway.pin])
        terminal.expect("Token: ")
        terminal.interrupt()
        self.assertEqual(terminal.finish(), 1, terminal.text)
        self.assertIn("nothing was sent", terminal.text)


class Tokens(EnrollCase):
    def test_works_once(self):
        gateway = self.gateway()
        token = gateway.token("alice")
        gateway.token("carol")  # keeps the port open
        self.enrolled(gateway, token)
        before = self.contexts()
        self.assertIn("unknown, used, withdrawn or expired", self.complaint(self.enroll(gateway, token, "--context", "again")))
        self.assertEqual(self.contexts(), before)

    def test_of_two_enrolments_at_once_one_wins(self):
        gateway = self.gateway()
        token = gateway.token("alice")
        gateway.token("carol")
        both = [subprocess.Popen([tools.delvegate(), "enroll", f"localhost:{gateway.enroll_port}", "--ca-pin", gateway.pin,
                                  "--context", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, env=self.environment) for name in ("one", "two")]
        said = [None, None]

        def run(index):
            said[index] = both[index].communicate(token, timeout=waiting.DEADLINE)
        threads = [threading.Thread(target=run, args=(index,)) for index in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(child.returncode for child in both), [0, 1], said)
        self.assertIn("unknown, used, withdrawn or expired", said[[child.returncode for child in both].index(1)][1])
        self.assertEqual(len(self.contexts()), 1)

    def test_withdrawn_and_expired(self):
        gateway = self.gateway()
        gateway.token("carol")
        withdrawn, expired = gateway.token("alice"), gateway.token("alice", seconds=1)
        gateway.withdraw(withdrawn)
        waiting.until("the token expires", lambda: time.time() > gateway.expires(expired))
        for token in (withdrawn, expired, "dvt1.never-made"):
            self.assertIn("unknown, used, withdrawn or expired", self.complaint(self.enroll(gateway, token)))
        self.assert_nothing_stored()

    def test_the_line_may_be_pasted_at_once(self):
        """Before the gateway has noticed the token, and opened its port."""
        gateway = self.gateway()
        [signer] = [pid for pid in process.descendants(gateway.pid) if "signer" in " ".join(process.command_line(pid))]
        os.kill(signer, signal.SIGSTOP)
        self.addCleanup(lambda: process.alive(signer) and os.kill(signer, signal.SIGCONT))
        token = gateway.token("alice")
        enrolling = process.Process(self, "enrolling", [tools.laptop(), "enroll", f"localhost:{gateway.enroll_port_to_be}", "--ca-pin", gateway.pin,
                                                        "--token-file", self.secret(token)], env=self.environment)
        enrolling.wait_for("it has found the port closed", lambda: "enrolment is not open yet" in enrolling.errors())
        os.kill(signer, signal.SIGCONT)
        enrolling.wait_for("it has enrolled", lambda: "enrolled as alice" in enrolling.output())
        self.assertEqual([context["user"] for context in self.contexts()], ["alice"])

    def secret(self, text):
        path = os.path.join(self.directory, "secret")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(text + "\n")
        return path

    def test_nothing_listens_without_a_token(self):
        gateway = self.gateway()
        ended = self.enroll(gateway, "some-token", port=gateway.enroll_port_to_be)
        self.assertEqual(ended.returncode, 1)
        trying, failed = ended.stderr.splitlines()
        self.assertIn("enrolment is not open yet", trying)
        self.assertIn("only while a token is live", failed)
        self.assert_nothing_stored()
        token = gateway.token("alice")
        port = gateway.enroll_port
        self.enrolled(gateway, token)

        def closed():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) != 0
        waiting.until("the port closes", closed)


class Renewal(EnrollCase):
    def certificate(self, name="localhost"):
        with open(self.identity(name), "rb") as file:
            return file.read()

    def test_a_session_outlives_its_first_certificate(self):
        gateway = self.gateway(certificateTtl="1m")
        self.enrolled(gateway, gateway.token("alice"))
        first = self.contexts()[0]["notAfter"]
        old = self.certificate()
        laptop, address = self.connect("app")
        client = Rpc(self, address)
        self.assertFalse(client.state()["Running"])
        waiting.until("it is renewed", lambda: self.contexts()[0]["notAfter"] > first or self.fail_if_over(laptop))
        # Certificate and key changed together, and the old ones are gone.
        self.assertNotEqual(self.certificate(), old)
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.identity()))), ["ca.crt", "client.pem", "context.json", "lock"])
        # The gateway knows the live link by its new certificate.
        self.assertTrue(all(person["notAfter"] > first for person in gateway.status()["people"] if person["user"] == "alice"))
        self.assertEqual(gateway.status()["totals"]["renewals"], 1)
        self.assertRegex(gateway.status_text(), r"alice at \S+: certificate for another \d+ s")
        # Beyond the end of the first certificate the very connection of before answers, and nothing was said.
        waiting.until("the first certificate is over", lambda: time.time() > first + 1)
        self.assertFalse(client.state()["Running"])
        self.assertEqual(laptop.errors(), "")
        # A new link is made with the new one.
        client.close()
        _, other = self.connect("app", name="again")
        self.assertFalse(Rpc(self, other).state()["Running"])

    def fail_if_over(self, laptop):
        if not laptop.running():
            raise AssertionError(laptop.errors())
        return False

    def test_ends_when_the_time_for_it_is_over(self):
        gateway = self.gateway(certificateTtl="1m", renewWindow="1m")
        self.enrolled(gateway, gateway.token("alice"))
        laptop, _ = self.connect("app")
        laptop.wait_for("it says so", lambda: "cannot be renewed any more; enrol again" in laptop.errors())
        self.assertIn("warning", self.until_warned())
        waiting.until("it has expired", lambda: self.contexts()[0]["notAfter"] < time.time())
        self.assertIn("has expired; enrol again", self.complaint(self.delvegate("connect", "app"), 6))

    def until_warned(self):
        """The list in the last tenth of a certificate's life; the signer dates it back a little."""
        return waiting.until("it warns", lambda: re.search(r".*warning.*", self.delvegate("context", "list").stdout))[0]

    def test_is_tried_again_until_the_gateway_is_there(self):
        gateway = self.gateway(certificateTtl="1m")
        self.enrolled(gateway, gateway.token("alice"))
        first = self.contexts()[0]["notAfter"]
        laptop, _ = self.connect("app")
        os.kill(gateway.pid, signal.SIGSTOP)
        try:
            laptop.wait_for("it fails", lambda: "cannot renew the certificate of context localhost" in laptop.errors())
        finally:
            os.kill(gateway.pid, signal.SIGCONT)
        waiting.until("renewed", lambda: self.contexts()[0]["notAfter"] > first or self.fail_if_over(laptop))


class Kubeconfig(EnrollCase):
    def kubeconfig(self, user):
        path = os.path.join(self.directory, "kubeconfig")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "here",
                       "contexts": [{"name": "here", "context": {"cluster": "c", "user": "me"}}],
                       "users": [{"name": "me", "user": user}]}, file)
        return path

    def test_its_client_certificate_opens_a_session_and_is_written_nowhere(self):
        import base64
        serve = self.serve()
        person = self.person("alice")

        def data(path):
            with open(path, "rb") as file:
                return base64.b64encode(file.read()).decode()
        where = ["--gateway", f"localhost:{serve.port}", "--ca", person.ca]
        for user in ({"client-certificate-data": data(person.certificate), "client-key-data": data(person.key)},
                     {"client-certificate": os.path.relpath(person.certificate, self.directory), "client-key": person.key}):
            laptop, address = self.connect("app", "--kubeconfig", self.kubeconfig(user), *where,
                                           name="connect-" + str(len(user["client-key" if "client-key" in user else "client-key-data"])))
            client = Rpc(self, address)
            self.assertFalse(client.state()["Running"])
            client.close()
            laptop.signal(signal.SIGTERM)
            laptop.wait()
        self.assert_nothing_stored()
        line = self.complaint(self.delvegate("connect", "app", "--kubeconfig", self.kubeconfig({"exec": {"command": "aws"}}), *where), 6)
        self.assertIn("client certificates only", line)


if __name__ == "__main__":
    unittest.main()
