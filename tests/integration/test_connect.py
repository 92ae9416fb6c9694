"""`delvegate connect` against a gateway that gives every answer at will (tests/support/fake_gateway.cpp)."""

import json
import os
import re
import signal
import socket
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import pki, process, tools, waiting  # noqa: E402
from harness.dap import Dap  # noqa: E402


def say_hello_as_another_user(port):
    """Exit code: 0 when nothing was carried for that user. Forked: an interpreter of root's may be out of its reach."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 4
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        with socket.socket() as ide:
            ide.settimeout(waiting.DEADLINE)
            ide.connect(("127.0.0.1", port))
            try:
                ide.sendall(b"{}")
                code = 3 if ide.recv(100) else 0
            except ConnectionError:
                code = 0
    finally:
        os._exit(code)


class FakeGateway:
    def __init__(self, test, certificate, ca, port=0, name="gateway"):
        binary = tools.find("DELVEGATE_FAKE_GATEWAY",
                            os.path.join(tools.ROOT, "build", "tests", "integration", "fake_gateway"))
        self.process = process.Process(test, name, [binary, certificate.certificate, certificate.key, ca, str(port)],
                                       stdin=subprocess.PIPE)
        test.addCleanup(self.process.child.stdin.close)
        self.port = int(self.process.wait_for("its port", lambda: re.search(r"^(\d+)$", self.process.output(), re.M))[1])

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.wait()


class ConnectCase(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="delvegate-connect-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.authority = pki.Authority(os.path.join(self.directory, "pki"))
        self.alice = self.authority.person("alice")
        self.runs = 0

    def gateway(self, **more):
        return FakeGateway(self, self.authority.gateway(), self.authority.certificate, **more)

    def command(self, *arguments, gateway, person=None, ca=None):
        person = person or self.alice
        return [tools.laptop(), "connect", *arguments, "--gateway", gateway, "--certificate", person.certificate,
                "--key", person.key, "--ca", ca or person.ca]

    def run_to_end(self, *arguments, gateway, **more):
        """(exit code, standard output, standard error)"""
        done = subprocess.run(self.command(*arguments, gateway=gateway, **more), capture_output=True, text=True,
                              timeout=waiting.DEADLINE, env=dict(os.environ, HOME=self.directory))
        return done.returncode, done.stdout, done.stderr

    def assert_fails(self, code, pattern, *arguments, gateway, **more):
        got, out, err = self.run_to_end(*arguments, gateway=gateway, **more)
        self.assertEqual(got, code, err + out)
        self.assertEqual(err.count("\n"), 1, f"not one line: {err}")
        self.assertRegex(err, pattern)
        self.assertEqual(out, "")

    def connect(self, component, *arguments, gateway, listen="127.0.0.1:0", **more):
        self.runs += 1
        running = process.Process(self, f"connect{self.runs}",
                                  self.command(component, "--listen", listen, "--output", "json", *arguments,
                                               gateway=f"localhost:{gateway.port}", **more),
                                  env=dict(os.environ, HOME=self.directory))
        line = running.wait_for("it is ready", lambda: re.search(r"^(\{.*\})$", running.output(), re.M))
        running.ready = json.loads(line[1])
        running.port = running.ready["port"]
        return running

    def ide(self, connect):
        ide = socket.create_connection(("127.0.0.1", connect.port), waiting.DEADLINE)
        self.addCleanup(ide.close)
        return ide


def receive(ide, size=None):
    """`size` bytes, or all until the other end closes."""
    got = bytearray()
    while size is None or len(got) < size:
        chunk = ide.recv(1 << 20)
        if not chunk:
            break
        got += chunk
    return bytes(got)


class WhyThereIsNoConnection(ConnectCase):
    def test_a_name_that_nobody_knows(self):
        self.assert_fails(5, r"cannot resolve nosuchhost\.invalid: ", "echo", "--listen", "127.0.0.1:0",
                          gateway="nosuchhost.invalid:7443")

    def test_a_port_where_nothing_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets it meanwhile
            port = unused.getsockname()[1]
            self.assert_fails(5, rf"127\.0\.0\.1:{port} refused the connection: nothing listens there", "echo",
                              "--listen", "127.0.0.1:0", gateway=f"127.0.0.1:{port}")

    def test_something_that_is_no_gateway(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            running = process.Process(self, "stranger", self.command(
                "echo", "--listen", "127.0.0.1:0", gateway=f"localhost:{server.getsockname()[1]}"))
            peer, _ = server.accept()
            with peer:
                peer.recv(100)
                peer.sendall(b"220 mail.example ESMTP\r\n")
                self.assertEqual(running.wait(), 6)
        self.assertRegex(running.errors(), "localhost does not speak TLS")

    def test_a_gateway_of_another_ca(self):
        stranger = pki.Authority(os.path.join(self.directory, "other"), "another CA")
        gateway = self.gateway()
        self.assert_fails(6, r"the gateway's certificate was not issued by the CA in \S+another-CA", "echo", "--listen",
                          "127.0.0.1:0", gateway=f"localhost:{gateway.port}", ca=stranger.certificate)

    def test_a_gateway_certificate_for_another_host(self):
        certificate = self.authority.issue("elsewhere", "/CN=x", "serverAuth", ["DNS:node7.example"])
        gateway = FakeGateway(self, certificate, self.authority.certificate)
        self.assert_fails(6, r"the gateway's certificate is not for host localhost; it is for node7\.example", "echo",
                          "--listen", "127.0.0.1:0", gateway=f"localhost:{gateway.port}")
        code, out, err = self.run_to_end("--server-name", "node7.example", gateway=f"localhost:{gateway.port}")
        self.assertEqual(code, 0, err)
        self.assertIn("echo", out)

    def test_a_gateway_certificate_that_has_expired(self):
        # `serve` would not start with it: whoever answers here is not ours.
        expired = self.authority.issue("old", "/CN=gateway.test", "serverAuth", ["DNS:localhost"],
                                       not_after="20210101000000Z")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(expired.certificate, expired.key)
        context.set_alpn_protocols(["delvegate/1"])
        with socket.create_server(("127.0.0.1", 0)) as server:
            running = process.Process(self, "late", self.command(
                "echo", "--listen", "127.0.0.1:0", gateway=f"localhost:{server.getsockname()[1]}"))
            peer, _ = server.accept()
            with peer:
                peer.settimeout(waiting.DEADLINE)
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    with context.wrap_socket(peer, server_side=True) as channel:
                        channel.recv(100)
                self.assertEqual(running.wait(), 6)
        self.assertRegex(running.errors(), r"the gateway's certificate expired on 2021-01-01")
        self.assertEqual(running.errors().count("\n"), 1)

    def test_its_own_certificate_has_expired(self):
        expired = self.authority.person("late", not_after="20210101000000Z")
        gateway = self.gateway()
        self.assert_fails(6, r"late\.crt expired on ", "echo", "--listen", "127.0.0.1:0",
                          gateway=f"localhost:{gateway.port}", person=expired)

    def test_its_own_certificate_is_of_a_ca_the_gateway_does_not_trust(self):
        stranger = pki.Authority(os.path.join(self.directory, "other"), "another CA").person("mallory")
        gateway = self.gateway()
        self.assert_fails(6, r"the gateway refused this certificate \(.*mallory\.crt\)", "echo", "--listen",
                          "127.0.0.1:0", gateway=f"localhost:{gateway.port}", person=stranger,
                          ca=self.authority.certificate)

    def test_there_is_no_identity(self):
        done = subprocess.run([tools.delvegate(), "connect", "echo", "--gateway", "localhost:1", "--identity",
                               os.path.join(self.directory, "nothing")], capture_output=True, text=True,
                              timeout=waiting.DEADLINE)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertRegex(done.stderr, r"nothing/client\.(crt|key)")

    def test_not_authorised(self):
        self.assert_fails(3, "alice may not debug secret; ask an administrator", "secret", "--listen", "127.0.0.1:0",
                          gateway=f"localhost:{self.gateway().port}")

    def test_no_such_component_names_those_there_are(self):
        self.assert_fails(4, "there is no component ecko here; .*busy, count, echo, flood and sleeping", "ecko",
                          "--listen", "127.0.0.1:0", gateway=f"localhost:{self.gateway().port}")

    def test_dlv_is_not_running(self):
        self.assert_fails(7, "dlv is not running for sleeping: its program is not an executable", "sleeping",
                          "--listen", "127.0.0.1:0", gateway=f"localhost:{self.gateway().port}")

    def test_the_port_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.assert_fails(1, "the port is taken.*--listen", "echo", "--listen",
                              f"127.0.0.1:{taken.getsockname()[1]}", gateway="localhost:1")

    def test_an_address_other_hosts_can_reach_wants_a_flag_named_for_the_danger(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
            self.assert_fails(2, "other hosts.*--dangerously-let-other-hosts-debug", "echo", "--listen", address,
                              gateway="localhost:1")
        gateway = self.gateway()
        connect = self.connect("echo", "--dangerously-let-other-hosts-debug", gateway=gateway, listen="0.0.0.0:0")
        self.assertRegex(connect.errors(), "warning: other hosts can reach")
        ide = self.ide(connect)
        ide.sendall(b"{}")
        self.assertEqual(receive(ide, 2), b"{}")

    def test_a_command_line_that_makes_no_sense(self):
        for arguments in (["connect"], ["connect", "x", "--gateway", "host:port"], ["connect", "--gateway", ":7443"],
                          ["connect", "x", "--gateway", "localhost:1", "--output", "xml"]):
            done = subprocess.run([tools.delvegate(), *arguments], capture_output=True, text=True,
                                  timeout=waiting.DEADLINE)
            self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
        self.assert_fails(2, "--listen wants ADDRESS:PORT", "x", "--listen", "nonsense", gateway="localhost:1")

    def test_paths_that_make_no_sense(self):
        many = [word for i in range(16) for word in ("--map", f"/{i}=/" + 4000 * "b")]
        for words, arguments in (("LOCAL=REMOTE", ["--map", "nonsense"]),
                                 ("--map: a path of more than 4096 bytes", ["--map", "/a=/" + 4096 * "b"]),
                                 ("--map: the rules and directories are [0-9]+ bytes together", many),
                                 ("is not a directory", ["--source", os.path.join(self.directory, "nowhere")]),
                                 ("no go.mod", ["--source", self.directory])):
            self.assert_fails(2, words, "x", *arguments, gateway="localhost:1")


class WhatItPrints(ConnectCase):
    def test_the_list_of_components(self):
        gateway = f"localhost:{self.gateway().port}"
        code, out, err = self.run_to_end(gateway=gateway)
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^NAME +STATE +DETAIL$")
        self.assertRegex(out, r"(?m)^busy +stopped +bob is there$")
        code, out, err = self.run_to_end("--output", "json", gateway=gateway)
        self.assertEqual((code, err), (0, ""))
        self.assertIn({"name": "sleeping", "state": "unavailable", "detail": "its program is not an executable"},
                      json.loads(out)["components"])

    def test_what_to_type_into_each_ide(self):
        running = process.Process(self, "connect", self.command("busy", "--listen", "127.0.0.1:0",
                                                                gateway=f"localhost:{self.gateway().port}"))
        running.wait_for("it is ready", lambda: "Ctrl-C" in running.output())
        out = running.output()
        port = re.search(r"dlv connect 127\.0\.0\.1:(\d+)", out)[1]
        self.assertNotEqual(port, "0")
        self.assertIn(f"Host 127.0.0.1, Port {port}", out)
        self.assertRegex(out, "busy on localhost:\\d+ is stopped: bob is there")
        snippet = json.loads(out[out.index("{"):out.rindex("}") + 1])
        self.assertEqual(snippet, {"name": "Go: busy", "type": "go", "request": "attach", "debugAdapter": "dlv-dap",
                                   "mode": "remote", "host": "127.0.0.1", "port": int(port)})
        running.signal(signal.SIGINT)
        self.assertEqual(running.wait(), 0)

    def test_one_line_for_scripts(self):
        connect = self.connect("echo", gateway=self.gateway())
        self.assertEqual(connect.output().count("\n"), 1)
        self.assertEqual(connect.ready["address"], f"127.0.0.1:{connect.port}")
        self.assertEqual(connect.ready["component"], "echo")

    def test_quiet_prints_only_what_goes_wrong(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        running = process.Process(self, "connect", self.command("echo", "--quiet", "--listen", f"127.0.0.1:{port}",
                                                                gateway=f"localhost:{self.gateway().port}"))
        def carried():
            try:
                with socket.create_connection(("127.0.0.1", port), waiting.DEADLINE) as ide:
                    ide.sendall(b"{}")
                    return receive(ide, 2) == b"{}"
            except ConnectionRefusedError:
                return False
        running.wait_for("it carries", carried)
        self.assertEqual(running.output() + running.errors(), "")


class WhatItCarries(ConnectCase):
    def setUp(self):
        super().setUp()
        self.gw = self.gateway()

    def test_bytes_both_ways_and_the_end_of_either_side(self):
        connect = self.connect("echo", gateway=self.gw)
        for _ in range(3):  # one link, one stream after the other
            ide = self.ide(connect)
            ide.sendall(b"Content-Length: 2\r\n\r\n{}")
            self.assertEqual(receive(ide, 23), b"Content-Length: 2\r\n\r\n{}")
            ide.shutdown(socket.SHUT_WR)
            self.assertEqual(receive(ide), b"")

    def test_what_was_sent_just_before_closing(self):
        connect = self.connect("count", gateway=self.gw)
        ide = self.ide(connect)
        sent = 5 * 1024 * 1024 + 7
        ide.sendall(b"{" * sent)
        ide.shutdown(socket.SHUT_WR)
        self.assertEqual(receive(ide), str(sent).encode())

    def test_a_large_answer_to_a_slow_reader(self):
        connect = self.connect("flood", gateway=self.gw)
        slow, quick = self.ide(connect), self.ide(connect)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        slow.sendall(b"{")
        quick.sendall(b"{")
        pattern = bytes(range(251)) * (32 * 1024 * 1024 // 251 + 1)
        # The quick one gets all of it although the slow one has taken nothing yet.
        for ide in (quick, slow):
            got = receive(ide)
            self.assertEqual(len(got), 32 * 1024 * 1024)
            self.assertTrue(got == pattern[:len(got)])

    def test_sixty_at_once(self):
        connect = self.connect("echo", gateway=self.gw)
        ides = [self.ide(connect) for _ in range(60)]
        for number, ide in enumerate(ides):
            ide.sendall(b"{%d}" % number)
        for number, ide in enumerate(ides):
            self.assertEqual(receive(ide, len(b"{%d}" % number)), b"{%d}" % number)

    def test_a_probe_of_the_port_reaches_nobody(self):
        connect = self.connect("busy", gateway=self.gw)
        probe = self.ide(connect)
        probe.shutdown(socket.SHUT_WR)
        self.assertEqual(receive(probe), b"")
        ide = self.ide(connect)
        ide.sendall(b"Content-Length: 1\r\n\r\n")
        connect.wait_for("the refusal of the second", lambda: "no debug session" in connect.errors())
        self.assertEqual(connect.errors().count("no debug session"), 1)

    def test_another_users_process_is_refused(self):
        self.assertEqual(os.geteuid(), 0, "this test needs root to act as another user")
        connect = self.connect("echo", gateway=self.gw)
        self.assertEqual(say_hello_as_another_user(connect.port), 0, "another user's bytes were carried")
        connect.wait_for("the line that says so", lambda: re.search(
            r"refused a connection from 127\.0\.0\.1:\d+: it belongs to .*uid 65534", connect.errors()))

    def test_an_ide_is_told_in_dap(self):
        connect = self.connect("busy", gateway=self.gw)
        dap = Dap(self, connect.ready["address"])
        answer = dap.error("initialize", {"adapterID": "go", "pathFormat": "path"})
        self.assertEqual(answer, "busy is taken: bob has been there since 10:03")
        dap.call("disconnect", {"restart": False})
        dap.event("terminated")
        dap.wait_closed()
        connect.wait_for("the line", lambda: "no debug session: busy is taken" in connect.errors())

    def test_it_ends_at_once_on_sigterm_and_lets_go_of_the_ides(self):
        connect = self.connect("echo", gateway=self.gw)
        ide = self.ide(connect)
        ide.sendall(b"{}")
        receive(ide, 2)
        connect.signal(signal.SIGTERM)
        self.assertEqual(receive(ide), b"")
        self.assertEqual(connect.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
