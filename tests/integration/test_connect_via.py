"""`--via`: a gateway that is reached through a host with ssh (a real sshd) or through an HTTP proxy."""

import os
import re
import signal
import socket
import subprocess
import unittest

from test_connect import ConnectCase, receive
from harness import between, cutting, debuggee, process, tools, waiting
from harness.enrolling import EnrollCase
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class ViaCase(ConnectCase):
    """Each command with `self.more` in its environment."""

    def setUp(self):
        super().setUp()
        self.more = {}

    def run_to_end(self, *arguments, gateway, **more):
        done = subprocess.run(self.command(*arguments, gateway=gateway, **more), capture_output=True, text=True,
                              timeout=waiting.DEADLINE, env=dict(os.environ, HOME=self.directory, **self.more))
        return done.returncode, done.stdout, done.stderr

    def connect_via(self, via, gateway, *arguments):
        self.runs += 1
        running = process.Process(self, f"connect{self.runs}",
                                  self.command("echo", "--listen", "127.0.0.1:0", "--output", "json", "--via", via, *arguments,
                                               gateway=f"localhost:{gateway.port}"),
                                  env=dict(os.environ, HOME=self.directory, **self.more))
        line = running.wait_for("it is ready", lambda: re.search(r'"port":(\d+)', running.output()))
        running.port = int(line[1])
        return running

    def assert_echoes(self, ide, text=b"{hello}"):
        ide.sendall(text)
        self.assertEqual(receive(ide, len(text)), text)

    def assert_refused(self, pattern, via, gateway, code=5):
        self.assert_fails(code, pattern, "echo", "--listen", "127.0.0.1:0", "--via", via, gateway=gateway)


class ThroughSsh(ViaCase):
    def bastion(self, **settings):
        made = between.Bastion(self, **settings)
        self.more = {"PATH": made.path}
        return made

    def ssh_of(self, connect):
        return [pid for pid in process.descendants(connect.pid) if "BatchMode=yes" in process.command_line(pid)]

    def test_ides_are_carried_and_ssh_ends_with_connect(self):
        gateway, bastion = self.gateway(), self.bastion()
        connect = self.connect_via(bastion.via(), gateway)
        self.assert_echoes(self.ide(connect))
        [ssh] = self.ssh_of(connect)
        words = process.command_line(ssh)
        self.assertIn(f"localhost:{gateway.port}", words)
        connect.signal(signal.SIGINT)
        self.assertEqual(connect.wait(), 0)
        self.assertFalse(process.alive(ssh))

    def test_it_ends_with_one_that_is_killed(self):
        connect = self.connect_via(self.bastion().via(), self.gateway())
        [ssh] = self.ssh_of(connect)
        connect.signal(signal.SIGKILL)
        waiting.until("ssh ends", lambda: not process.alive(ssh))

    def test_the_link_breaks_and_comes_back(self):
        gateway, bastion = self.gateway(), self.bastion()
        way = cutting.Way(self, bastion.port)
        connect = self.connect_via(bastion.via(way.port), gateway)
        ide = self.ide(connect)
        self.assert_echoes(ide)
        [first] = self.ssh_of(connect)
        for text in (b"{one}", b"{two}"):
            self.assertEqual(way.break_now(), 1)
            self.assert_echoes(ide, text)
        connect.wait_for("it says so", lambda: "is back" in connect.errors())
        self.assertFalse(process.alive(first))

    def test_ssh_that_is_killed_is_started_again(self):
        connect = self.connect_via(self.bastion().via(), self.gateway())
        ide = self.ide(connect)
        self.assert_echoes(ide)
        for ssh in self.ssh_of(connect):
            os.kill(ssh, signal.SIGKILL)
        self.assert_echoes(ide, b"{again}")
        connect.wait_for("it says so", lambda: "ssh to 127.0.0.1 ended, by signal 9" in connect.errors())

    def test_the_gateways_name_is_verified_all_the_same(self):
        gateway, bastion = self.gateway(), self.bastion()
        self.assert_fails(6, "certificate", "echo", "--via", bastion.via(), "--server-name", "another.test",
                          gateway=f"localhost:{gateway.port}")

    def test_nobody_listens_at_the_gateway(self):
        bastion = self.bastion()
        self.assert_refused(r"ssh to 127\.0\.0\.1 works, but from there 127\.0\.0\.1:\d+ cannot be reached: .*Connection refused",
                            bastion.via(), f"127.0.0.1:{between.free_port()}")

    def test_forwarding_is_not_allowed(self):
        bastion = self.bastion(AllowTcpForwarding="no")
        self.assert_refused(r"forwards nothing to localhost:\d+ \(AllowTcpForwarding", bastion.via(), f"localhost:{self.gateway().port}")

    def test_a_key_that_is_not_let_in(self):
        bastion = self.bastion()
        bastion.configure(IdentityFile=bastion.file("stranger"))
        self.assert_refused(r"ssh to 127\.0\.0\.1 failed: .*Permission denied.*a key that works without a question", bastion.via(), "localhost:1")

    def test_a_host_that_is_not_known(self):
        bastion = self.bastion()
        bastion.configure(HostKeyAlias="somebody-else")
        self.assert_refused(r"Host key verification failed\. Run `ssh`", bastion.via(), "localhost:1")

    def test_no_ssh_there(self):
        self.bastion()
        self.assert_refused(r"ssh to 127\.0\.0\.1 failed: .*Connection refused", f"ssh://127.0.0.1:{between.free_port()}", "localhost:1")

    def test_no_ssh_here(self):
        self.more = {"PATH": self.directory}
        self.assert_refused(r"cannot start ssh .*is OpenSSH's client installed", "ssh://bastion.test", "localhost:1")


class ThroughAProxy(ViaCase):
    def test_ides_are_carried(self):
        gateway, proxy = self.gateway(), between.Proxy(self)
        connect = self.connect_via(proxy.via(), gateway)
        self.assert_echoes(self.ide(connect))
        self.assertEqual(proxy.asked, [f"localhost:{gateway.port}"])

    def test_with_a_password_that_nobody_sees(self):
        gateway, proxy = self.gateway(), between.Proxy(self, password="s3cret word")
        secret = os.path.join(self.directory, "secret")
        with open(secret, "w", encoding="ascii") as file:
            file.write("s3cret word\n")
        self.more = {"DELVEGATE_PROXY_PASSWORD_FILE": secret}
        os.chmod(secret, 0o644)
        where = f"localhost:{gateway.port}"
        self.assert_refused(r"can be read by others .*chmod 600", proxy.via("alice"), where)
        self.assertEqual(proxy.asked, [])
        os.chmod(secret, 0o600)
        connect = self.connect_via(proxy.via("alice"), gateway)
        self.assert_echoes(self.ide(connect))
        self.assertNotIn("s3cret", " ".join(process.command_line(connect.pid)))
        self.assertNotIn("s3cret", connect.output() + connect.errors())
        self.more = {"DELVEGATE_PROXY_PASSWORD": "wrong"}
        self.assert_refused(r"refused user and password \(407 Proxy Auth", proxy.via("alice"), where)
        self.assert_refused(r"wants to know who you are \(407 .*DELVEGATE_PROXY_PASSWORD_FILE", proxy.via(), where)

    def test_the_link_breaks_and_comes_back(self):
        gateway, proxy = self.gateway(), between.Proxy(self)
        way = cutting.Way(self, proxy.port)
        connect = self.connect_via(proxy.via(port=way.port), gateway)
        ide = self.ide(connect)
        self.assert_echoes(ide)
        self.assertEqual(way.break_now(), 1)
        self.assert_echoes(ide, b"{again}")
        self.assertEqual(len(proxy.asked), 2)

    def test_the_gateways_name_is_verified_all_the_same(self):
        gateway, proxy = self.gateway(), between.Proxy(self)
        self.assert_fails(6, "certificate", "echo", "--via", proxy.via(), "--server-name", "another.test",
                          gateway=f"localhost:{gateway.port}")

    def test_what_a_proxy_refuses(self):
        refused = between.Proxy(self, answers=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        self.assert_refused(r"the proxy http://127\.0\.0\.1:\d+ does not allow connections to localhost:7443 \(403 Forbidden\)",
                            refused.via(), "localhost:7443")
        dead = between.Proxy(self)
        self.assert_refused(r"made no connection to localhost:\d+ \(502 Bad Gateway\)", dead.via(), f"localhost:{between.free_port()}")

    def test_answers_of_every_form(self):
        gateway = self.gateway()
        for answer in (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200\n\n",
                       b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with self.subTest(answer=answer):
                connect = self.connect_via(between.Proxy(self, connected=answer).via("al@corp"), gateway)
                self.assert_echoes(self.ide(connect))

    def test_one_that_wants_what_there_is_not(self):
        proxy = between.Proxy(self, answers=b"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n")
        self.assert_refused(r"wants Negotiate, NTLM, and delvegate knows Basic only \(407 No\)", proxy.via("alice"), "localhost:7443")

    def test_what_is_no_proxy(self):
        for answer in (b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000):
            with self.subTest(answer=answer[:20]):
                self.assert_refused("is it an HTTP proxy", between.Proxy(self, answers=answer).via(), "localhost:7443")

    def test_no_proxy_there(self):
        self.assert_refused(r"the proxy of --via: .*refused the connection", f"http://127.0.0.1:{between.free_port()}", "localhost:7443")

    def test_one_that_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.assert_refused(r"the proxy \S+ does not answer for localhost:7443", f"http://127.0.0.1:{silent.getsockname()[1]}", "localhost:7443")


class WhatIsNoWay(ViaCase):
    def test_is_refused(self):
        for via in ("socks://a:1", "ssh://", "ssh://-oProxyCommand=x", "ssh://-l@h", "http://proxy", "http://p:0", "ssh://h:70000", "ssh://h x",
                    "http://p:1/path"):
            with self.subTest(via=via):
                self.assert_refused("--via (wants|has a user)", via, "localhost:7443", code=2)

    def test_a_password_is_not_repeated(self):
        for via in ("ssh://alice:s3cret@bastion", "http://alice:s3cret@proxy:1"):
            code, _, err = self.run_to_end("echo", "--via", via, gateway="localhost:7443")
            self.assertEqual(code, 2)
            self.assertIn("--via takes no password", err)
            self.assertNotIn("s3cret", err)


class OfAContext(EnrollCase):
    def test_everything_goes_that_way(self):
        gateway, proxy = self.gateway(), between.Proxy(self)
        self.enrolled(gateway, gateway.token("alice"), "--via", proxy.via())
        self.assertEqual(proxy.asked, [f"localhost:{gateway.enroll_port_to_be}"])
        self.assertEqual(self.contexts()[0]["via"], proxy.via())
        self.assertIn(f"via {proxy.via()}", self.delvegate("context", "list").stdout)
        _, address = self.connect("app")
        dlv = Terminal(self, [self.delve.dlv, "connect", address]).prompt()
        self.assertIn("Breakpoint 1 set", dlv.run(f"break main.go:{TICK}"))
        self.assertRegex(dlv.run("continue"), rf"main\.tick\(\).*main\.go:{TICK}")
        self.assertEqual(proxy.asked[1:], [f"localhost:{gateway.port}"])
        for command in (["sessions"], ["baton", "app"], ["connect"]):
            before = len(proxy.asked)
            ended = self.delvegate(*command)
            self.assertEqual(ended.returncode, 0, ended)
            self.assertEqual(len(proxy.asked), before + 1, command)
        before = len(proxy.asked)
        self.assertEqual(self.delvegate("sessions", "--via", "direct").returncode, 0)
        self.assertEqual(self.delvegate("context", "set", "localhost", "--via", "direct").returncode, 0)
        self.assertEqual(self.delvegate("sessions").returncode, 0)
        self.assertEqual(len(proxy.asked), before)
        self.assertEqual(self.contexts()[0]["via"], "")

    def test_it_may_be_set_later_and_ssh_too(self):
        gateway, bastion = self.gateway(), between.Bastion(self)
        self.environment["PATH"] = bastion.path
        self.enrolled(gateway, gateway.token("alice"))
        self.assertEqual(self.delvegate("context", "set", "localhost", "--via", bastion.via()).returncode, 0)
        self.assertIn('"app"', self.delvegate("connect", "--output", "json").stdout)
        self.assertEqual(self.delvegate("sessions").returncode, 0)
        bastion.process.end()
        self.assertRegex(self.complaint(self.delvegate("sessions")), r"ssh to 127\.0\.0\.1 failed: .*Connection refused")
        self.assertIn("--via wants", self.complaint(self.delvegate("context", "set", "localhost", "--via", "x"), 2))
        self.assertIn("there is no context", self.complaint(self.delvegate("context", "set", "third", "--via", "direct")))


if __name__ == "__main__":
    unittest.main()
