"""Enrolment with somebody else at the other end: the laptop sends nothing, stores nothing, and says why."""

import os
import socket
import ssl
import threading
import unittest

from harness import enrolling, pki, waiting
from harness.enrolling import EnrollCase

NOWHERE = "sha256:" + "0" * 64


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


if __name__ == "__main__":
    unittest.main()
