"""`delvegate serve` as a service of systemd's: told when it is there, alive and ending; sockets that systemd has opened."""

import os
import signal
import socket
import ssl
import unittest

from harness import process, tools, waiting
from test_serve import ServeCase


class ServiceCase(ServeCase):
    def setUp(self):
        super().setUp()
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.told.close)
        self.told.bind(os.path.join(self.directory, "notify"))
        self.told.settimeout(waiting.DEADLINE)

    def configuration(self, *listen):
        return self.write("".join(f"{key}: {self.directory}/{value}\n" for key, value in
                                  (("stateDirectory", "state"), ("runtimeDirectory", "run"))) +
                          f"listen: [{', '.join(listen)}]\nlimits: {{drainTime: 1s}}\n")

    def service(self, path, passed=(), code=None, **environment):
        """As systemd starts it: the sockets from 3 on, and the environment says whose they are. With `code` it must end with it."""
        # By way of higher ones: a socket of ours may be number 3 itself.
        high = [os.dup2(one.fileno(), 60 + index) for index, one in enumerate(passed)]
        numbers = " ".join(f"{3 + index}<&{fd} {fd}<&-" for index, fd in enumerate(high))
        variables = f"LISTEN_PID=$$ LISTEN_FDS={len(passed)}" if passed else ""
        script = f'exec env WATCHDOG_PID=$$ {variables} "$@" {numbers}'
        started = process.Process(self, "serve", ["bash", "-c", script, "bash", tools.delvegate(), "serve", "--config", path],
                                  env=dict(self.environment(), NOTIFY_SOCKET=os.path.join(self.directory, "notify"), **environment),
                                  pass_fds=high)
        for fd in high:
            os.close(fd)
        if code is not None:
            self.assertEqual(started.wait(), code, started.errors())
        return started

    def hear(self, word):
        """The message with that assignment, and those before it."""
        before = []
        while True:
            message = self.told.recv(4096).decode().split("\n")
            if word in message:
                return message, before
            before.append(message)

    @staticmethod
    def listener(address="127.0.0.1", family=socket.AF_INET):
        one = socket.socket(family)
        one.bind((address, 0))
        one.listen()
        return one

    def answers(self, port):
        """Whether TLS is spoken there, by delvegate: it wants a certificate and says so in the handshake of TLS 1.3."""
        anyone = ssl.create_default_context()
        anyone.check_hostname = False
        anyone.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", port), waiting.DEADLINE) as plain, anyone.wrap_socket(plain) as secure:
            return secure.version() == "TLSv1.3"


class Told(ServiceCase):
    def test_there_alive_and_ending(self):
        serve = self.service(self.configuration('"127.0.0.1:0"'), WATCHDOG_USEC="400000")
        message, before = self.hear("READY=1")
        self.assertEqual(before, [], "nothing before it listens")
        self.assertRegex("\n".join(message), r"STATUS=listening on 127\.0\.0\.1:\d+")
        for _ in range(3):
            self.assertEqual(self.hear("WATCHDOG=1")[1], [])
        serve.signal(signal.SIGTERM)
        message, _ = self.hear("STOPPING=1")
        self.assertTrue(any(line.startswith("EXTEND_TIMEOUT_USEC=") and int(line.partition("=")[2]) > 1000000 for line in message), message)
        self.assertEqual(serve.wait(), 0)

    def test_one_whose_loop_does_not_turn_is_not_alive(self):
        serve = self.service(self.configuration('"127.0.0.1:0"'), WATCHDOG_USEC="400000")
        self.hear("WATCHDOG=1")
        serve.signal(signal.SIGSTOP)
        self.told.settimeout(0.05)
        with self.assertRaises(TimeoutError):  # what was on its way
            while True:
                self.told.recv(4096)
        self.told.settimeout(1)
        with self.assertRaises(TimeoutError):
            self.told.recv(4096)
        serve.signal(signal.SIGCONT)
        self.told.settimeout(waiting.DEADLINE)
        self.hear("WATCHDOG=1")

    def test_no_watchdog_where_none_was_asked_for(self):
        serve = self.service(self.configuration('"127.0.0.1:0"'))
        self.hear("READY=1")
        serve.signal(signal.SIGTERM)
        self.assertEqual(self.hear("STOPPING=1")[1], [])


class Sockets(ServiceCase):
    def test_of_those_that_it_has_none_is_bound(self):
        with self.listener() as one, self.listener() as other:
            ports = [each.getsockname()[1] for each in (one, other)]
            serve = self.service(self.configuration(*(f'"127.0.0.1:{port}"' for port in ports)), [other, one])
            self.hear("READY=1")
            for port in ports:
                self.assertTrue(self.answers(port))
            # Whoever calls while it is down waits in the socket, and is answered by the next.
            serve.signal(signal.SIGTERM)
            self.assertEqual(serve.wait(), 0)
            waits = socket.create_connection(("127.0.0.1", ports[0]))
            self.addCleanup(waits.close)
            self.service(self.configuration(*(f'"127.0.0.1:{port}"' for port in ports)), [one, other])
            self.hear("READY=1")
            anyone = ssl.create_default_context()
            anyone.check_hostname = False
            anyone.verify_mode = ssl.CERT_NONE
            with anyone.wrap_socket(waits) as secure:
                self.assertEqual(secure.version(), "TLSv1.3")

    def test_beside_one_that_it_binds(self):
        with self.listener() as one:
            port = one.getsockname()[1]
            self.service(self.configuration(f'"127.0.0.1:{port}"', '"127.0.0.1:0"'), [one])
            message, _ = self.hear("READY=1")
            bound = [int(text.rpartition(":")[2]) for line in message for text in line.split(", ") if "127.0.0.1" in text]
            self.assertEqual(len(set(bound)), 2, message)
            for each in bound:
                self.assertTrue(self.answers(each))

    def test_both_families(self):
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as one:
            port = one.getsockname()[1]
            self.service(self.configuration(f'"[::]:{port}"'), [one])
            self.hear("READY=1")
            self.assertTrue(self.answers(port))

    def test_one_that_the_configuration_does_not_name(self):
        with self.listener() as one:
            port = one.getsockname()[1]
            ended = self.service(self.configuration('"127.0.0.1:0"'), [one], code=1)
            self.assertIn(f"systemd has opened 127.0.0.1:{port} for the gateway (delvegate.socket), which `listen` does not name",
                          ended.errors())
            ended = self.service(self.configuration(f'"0.0.0.0:{port}"'), [one], code=1)
            self.assertIn("`listen` does not name", ended.errors().splitlines()[-1], "not that another gateway is there")

    def test_another_kind_of_socket(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
            one.bind(os.path.join(self.directory, "unix"))
            one.listen()
            self.assertIn("needs ListenStream= with a port", self.service(self.configuration('"127.0.0.1:0"'), [one], code=1).errors())
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.assertIn("needs ListenStream= with a port", self.service(self.configuration('"127.0.0.1:0"'), [one], code=1).errors())

    def test_those_of_another_process_are_not_taken(self):
        with self.listener() as one:
            port = one.getsockname()[1]
            ended = process.Process(self, "other", [tools.delvegate(), "serve", "--config", self.configuration(f'"127.0.0.1:{port}"')],
                                    env=dict(self.environment(), LISTEN_PID="1", LISTEN_FDS="1"), pass_fds=[one.fileno()])
            self.assertEqual(ended.wait(), 1)
            self.assertIn("another gateway may be running here", ended.errors())


if __name__ == "__main__":
    unittest.main()
