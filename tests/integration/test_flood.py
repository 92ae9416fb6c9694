"""A crowd of silent, garbled or unknown callers does not disturb a session in progress."""

import socket
import ssl
import threading
import unittest

from harness import case, debuggee, stock
from harness.rpc import Rpc

TICK = debuggee.line("tick")


class Crowd:
    """Threads that open connections of one kind until they are told to stop."""

    def __init__(self, test, action, threads=4):
        self.stop = threading.Event()
        self.count = 0
        self.lock = threading.Lock()
        self.action = action
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()
        test.addCleanup(self.end)

    def _run(self):
        held = []
        while not self.stop.is_set():
            try:
                held.append(self.action())
            except OSError:
                pass
            with self.lock:
                self.count += 1
            if len(held) > 100:
                for connection in held:
                    if connection:
                        connection.close()
                held.clear()
        for connection in held:
            if connection:
                connection.close()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


class Flood(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve()
        self.client = Rpc(self, self.connect(self.gateway).address)
        self.client.set_breakpoint(debuggee.MAIN, TICK)

    def dial(self):
        return socket.create_connection(("127.0.0.1", self.gateway.port), timeout=10)

    def silent(self):
        return self.dial()

    def garbage(self):
        connection = self.dial()
        connection.sendall(b"\x16\x03\x01\xff\xff" + b"GET / HTTP/1.1\r\n\r\n" * 50)
        return connection

    def without_certificate(self):
        connection = stock.tls(self.gateway, None)
        connection.settimeout(10)
        try:
            connection.sendall(b'{"method":"RPCServer.IsMulticlient","params":[{}],"id":1}')
            if connection.recv(100):
                self.answered = True
        except ssl.SSLError:
            pass
        connection.close()
        return None

    def flood(self, action):
        self.answered = False
        crowd = Crowd(self, action)
        stops = 0
        while crowd.count < 300 or stops < 30:
            state = self.client.command("continue")
            self.assertEqual(state["currentThread"]["line"], TICK)
            self.client.call("Stacktrace", {"Id": -1, "Depth": 20})
            stops += 1
        crowd.end()
        self.assertFalse(self.answered, "somebody without a certificate got an answer")
        self.assertTrue(self.gateway.process.running())

    def test_silent_connections(self):
        self.flood(self.silent)

    def test_garbage(self):
        self.flood(self.garbage)

    def test_connections_without_a_certificate(self):
        self.flood(self.without_certificate)


if __name__ == "__main__":
    unittest.main()
