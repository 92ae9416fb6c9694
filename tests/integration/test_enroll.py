"""A laptop that has nothing but a token: enrolment, contexts, renewal; real gateway, real dlv."""

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
import unittest

from harness import case, debuggee, enrolling, pki, process, tools, waiting
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")
NOWHERE = "sha256:" + "0" * 64


class EnrollCase(case.Case):
    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.directory, "home")
        os.mkdir(self.home)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("XDG_", "DELVEGATE_GATEWAY"))}
        self.environment["HOME"] = self.home

    def gateway(self, **more):
        return enrolling.Gateway(self, self.component(users=["alice", "carol"]), **more)

    def delvegate(self, *arguments, token=None, environment=None):
        return subprocess.run([tools.delvegate(), *arguments], input=token, capture_output=True, text=True,
                              timeout=waiting.DEADLINE, env=environment or self.environment, check=False)

    def enroll(self, gateway, token, *more, pin=None, port=None):
        return self.delvegate("enroll", f"localhost:{port or gateway.enroll_port}", "--ca-pin", pin or gateway.pin, *more,
                              token=token + "\n")

    def enrolled(self, gateway, token, *more):
        ended = self.enroll(gateway, token, *more)
        self.assertEqual(ended.returncode, 0, ended.stderr + gateway.log())
        return ended

    def complaint(self, ended, code=1):
        self.assertEqual(ended.returncode, code, ended)
        lines = ended.stderr.splitlines()
        self.assertEqual(len(lines), 1, ended.stderr)
        self.assertTrue(lines[0].startswith("delvegate: "), lines)
        return lines[0]

    def assert_nothing_stored(self):
        self.assertEqual(list(os.walk(self.home))[0][1:], ([], []))

    def connect(self, *arguments, name="connect"):
        laptop = process.Process(self, name, [tools.delvegate(), "connect", *arguments, "--listen", "127.0.0.1:0", "--output", "json"],
                                 env=self.environment)
        found = laptop.wait_for("it is ready", lambda: re.search(r"127\.0\.0\.1:\d+", laptop.output()))
        return laptop, found[0]

    def contexts(self):
        return json.loads(self.delvegate("context", "list", "--output", "json").stdout)["contexts"]

    def identity(self, name="localhost"):
        return os.path.join(self.home, ".config", "delvegate", "contexts", name, "client.pem")


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
        [context] = self.contexts()
        self.assertEqual((context["name"], context["user"], context["current"]), ("localhost", "alice", True))
        self.assertEqual(context["gateway"], f"localhost:{gateway.port}")

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
        terminal = Terminal(self, [tools.delvegate(), "enroll", f"localhost:{gateway.enroll_port}", "--ca-pin", gateway.pin])
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
        for token in (withdrawn, expired, "never-made"):
            self.assertIn("unknown, used, withdrawn or expired", self.complaint(self.enroll(gateway, token)))
        self.assert_nothing_stored()

    def test_nothing_listens_without_a_token(self):
        gateway = self.gateway()
        self.assertIn("only while a token is live", self.complaint(self.enroll(gateway, "some-token", port=gateway.enroll_port_to_be)))
        token = gateway.token("alice")
        port = gateway.enroll_port
        self.enrolled(gateway, token)

        def closed():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) != 0
        waiting.until("the port closes", closed)


class Capture:
    """A TLS server that keeps every byte of application data it is sent."""

    def __init__(self, test, certificate, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = b""
        self.raw_error = None
        self.served = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(context,), daemon=True)
        self.thread.start()
        test.addCleanup(self.listener.close)

    def _serve(self, context):
        connection, _ = self.listener.accept()
        connection.settimeout(waiting.DEADLINE)
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                while data := secured.recv(65536):
                    self.received += data
        except OSError as error:
            self.raw_error = error
        self.served.set()


class SomebodyInBetween(EnrollCase):
    def chain(self, authority, *names):
        """A server's certificate file with the CA's certificate behind it, and the key."""
        leaf = authority.issue("middle", "/CN=middle", "serverAuth", names)
        path = os.path.join(self.directory, "chain.pem")
        with open(path, "wb") as out:
            for one in (leaf.certificate, authority.certificate):
                with open(one, "rb") as file:
                    out.write(file.read())
        return path, leaf.key

    def assert_sends_nothing(self, capture, pin, words, host="localhost"):
        ended = self.delvegate("enroll", f"{host}:{capture.port}", "--ca-pin", pin, token="the-secret-token\n")
        line = self.complaint(ended)
        for word in words:
            self.assertIn(word, line)
        self.assertTrue(capture.served.wait(waiting.DEADLINE))
        self.assertEqual(capture.received, b"")
        self.assert_nothing_stored()

    def test_the_capturing_server_would_see_a_token(self):
        authority = self.authority()
        capture = Capture(self, *self.chain(authority, "DNS:localhost"))
        self.delvegate("enroll", f"localhost:{capture.port}", "--ca-pin", authority_pin(authority), token="the-secret-token\n")
        self.assertTrue(capture.served.wait(waiting.DEADLINE))
        self.assertIn(b"the-secret-token", capture.received)

    def test_a_wrong_pin_sends_nothing(self):
        authority = self.authority()
        capture = Capture(self, *self.chain(authority, "DNS:localhost"))
        self.assert_sends_nothing(capture, NOWHERE, [NOWHERE, authority_pin(authority), "nothing was sent"])

    def test_the_right_ca_shown_by_somebody_else_sends_nothing(self):
        real, liar = self.authority(), pki.Authority(os.path.join(self.directory, "liar"), "liar CA")
        leaf = liar.issue("middle", "/CN=middle", "serverAuth", ["DNS:localhost"])
        path = os.path.join(self.directory, "lie.pem")
        with open(path, "wb") as out:
            for one in (leaf.certificate, liar.certificate, real.certificate):
                with open(one, "rb") as file:
                    out.write(file.read())
        self.assert_sends_nothing(Capture(self, path, leaf.key), authority_pin(real), ["was not issued by it"])

    def test_another_hosts_certificate_sends_nothing(self):
        authority = self.authority()
        capture = Capture(self, *self.chain(authority, "DNS:other.example"))
        self.assert_sends_nothing(capture, authority_pin(authority), ["not for host localhost", "other.example"])

    def test_an_expired_certificate_sends_nothing_and_names_the_clock(self):
        authority = self.authority()
        leaf = authority.issue("middle", "/CN=middle", "serverAuth", ["DNS:localhost"], not_after="20210101000000Z")
        path = os.path.join(self.directory, "chain.pem")
        with open(path, "wb") as out:
            for one in (leaf.certificate, authority.certificate):
                with open(one, "rb") as file:
                    out.write(file.read())
        self.assert_sends_nothing(Capture(self, path, leaf.key), authority_pin(authority), ["expired on", "clock"])

    def test_a_clients_certificate_is_no_servers(self):
        authority = self.authority()
        leaf = authority.issue("middle", "/CN=middle", "clientAuth", ["DNS:localhost"])
        path = os.path.join(self.directory, "chain.pem")
        with open(path, "wb") as out:
            for one in (leaf.certificate, authority.certificate):
                with open(one, "rb") as file:
                    out.write(file.read())
        self.assert_sends_nothing(Capture(self, path, leaf.key), authority_pin(authority), ["not for a server"])

    def test_no_tls_and_no_server(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def answer():
            connection, _ = listener.accept()
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()
        threading.Thread(target=answer, daemon=True).start()
        line = self.complaint(self.delvegate("enroll", f"localhost:{listener.getsockname()[1]}", "--ca-pin", NOWHERE, token="t\n"))
        self.assertIn("does not speak TLS", line)
        line = self.complaint(self.delvegate("enroll", "name.invalid:7444", "--ca-pin", NOWHERE, token="t\n"))
        self.assertIn("cannot resolve name.invalid", line)
        line = self.complaint(self.delvegate("enroll", "localhost", "--ca-pin", "sha256:abc", token="t\n"), 2)
        self.assertIn("64 hex digits", line)
        self.assertIn("no token in standard input", self.complaint(self.delvegate("enroll", "localhost", "--ca-pin", NOWHERE, token="\n")))
        self.assert_nothing_stored()


def authority_pin(authority):
    return enrolling.pin_of(authority.certificate)


class Renewal(EnrollCase):
    def certificate(self, name="localhost"):
        with open(self.identity(name), "rb") as file:
            return file.read()

    def test_a_session_outlives_its_first_certificate(self):
        gateway = self.gateway(certificate_seconds=9)
        self.enrolled(gateway, gateway.token("alice"))
        first = self.contexts()[0]["notAfter"]
        old = self.certificate()
        laptop, address = self.connect("app")
        client = Rpc(self, address)
        self.assertFalse(client.state()["Running"])
        waiting.until("two renewals", lambda: self.contexts()[0]["notAfter"] >= first + 12 or self.fail_if_over(laptop))
        self.assertGreater(time.time(), first)
        # The very connection of before answers still, and nothing was said.
        self.assertFalse(client.state()["Running"])
        self.assertEqual(laptop.errors(), "")
        self.assertNotEqual(self.certificate(), old)
        # The gateway knows the live link by its new certificate.
        waiting.until("the link is re-bound", lambda: any(
            person["user"] == "alice" and person["notAfter"] > first for person in gateway.status()["people"]))
        self.assertGreaterEqual(gateway.status()["totals"]["renewals"], 2)
        self.assertRegex(gateway.status_text(), r"alice at \S+: certificate for another \d+ s")
        # Keys do not repeat, and only one is kept.
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.identity()))), ["ca.crt", "client.pem", "context.json", "lock"])
        # A new link is made with it.
        client.close()
        _, other = self.connect("app", name="again")
        self.assertFalse(Rpc(self, other).state()["Running"])

    def fail_if_over(self, laptop):
        if not laptop.running():
            raise AssertionError(laptop.errors())
        return False

    def test_ends_when_the_time_for_it_is_over(self):
        gateway = self.gateway(certificate_seconds=6, renewable_seconds=1)
        self.enrolled(gateway, gateway.token("alice"))
        laptop, _ = self.connect("app")
        laptop.wait_for("it says so", lambda: "cannot be renewed any more; enrol again" in laptop.errors())
        waiting.until("it has expired", lambda: self.contexts()[0]["notAfter"] < time.time())
        self.assertIn("has expired; enrol again", self.complaint(self.delvegate("connect", "app"), 6))

    def test_is_tried_again_until_the_gateway_is_there(self):
        gateway = self.gateway(certificate_seconds=15)
        self.enrolled(gateway, gateway.token("alice"))
        first = self.contexts()[0]["notAfter"]
        laptop, _ = self.connect("app")
        os.kill(gateway.pid, signal.SIGSTOP)
        self.addCleanup(lambda: os.kill(gateway.pid, signal.SIGCONT))
        waiting.until("renewal is due", lambda: time.time() > first - 4)
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
