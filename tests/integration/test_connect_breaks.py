"""`delvegate connect` when its link breaks, against the real link with toys behind it (tests/support/fake_gateway.cpp)."""

import signal
import socket
import unittest

from test_connect import ConnectCase, FakeGateway, receive
from harness import cutting


class WhenTheLinkBreaks(ConnectCase):
    def setUp(self):
        super().setUp()
        self.certificate = self.authority.gateway()
        self.gw = FakeGateway(self, self.certificate, self.authority.certificate)
        self.way = cutting.Way(self, self.gw.port)

    def test_ides_notice_nothing(self):
        connect = self.connect("echo", gateway=self.way)
        ides = [self.ide(connect) for _ in range(3)]
        for round in range(5):
            for number, ide in enumerate(ides):
                ide.sendall(b"{%d %d}" % (round, number))
            self.way.break_now()
            for number, ide in enumerate(ides):
                self.assertEqual(receive(ide, 5), b"{%d %d}" % (round, number))
        connect.wait_for("it says so", lambda: "while 3 debug connections wait" in connect.errors())
        connect.wait_for("it says that too", lambda: "is back" in connect.errors())

    def test_a_large_answer_comes_whole(self):
        connect = self.connect("flood", gateway=self.way)
        self.way.every = (100_000, 3_000_000)
        self.way.break_now()
        ide = self.ide(connect)
        ide.sendall(b"{")
        got = receive(ide)
        self.assertEqual(len(got), 32 * 1024 * 1024)
        self.assertTrue(got == (bytes(range(251)) * (32 * 1024 * 1024 // 251 + 1))[:len(got)])
        self.assertGreater(self.way.breaks, 10)

    def test_what_was_sent_just_before_closing(self):
        connect = self.connect("count", gateway=self.way)
        self.way.every = (50_000, 1_000_000)
        self.way.break_now()
        ide = self.ide(connect)
        sent = 5 * 1024 * 1024 + 7
        ide.sendall(b"{" * sent)
        ide.shutdown(socket.SHUT_WR)
        self.assertEqual(receive(ide), str(sent).encode())
        self.assertGreater(self.way.breaks, 5)

    def test_wherever_it_breaks_a_session_begins(self):
        """Each connection breaks a little later than the one before: before OPEN, before the verdict, behind it."""
        connect = self.connect("echo", gateway=self.way)
        for left in range(2_500, 6_500, 97):
            self.way.every = (left, left + 1)
            self.way.break_now()
            ide = self.ide(connect)
            ide.sendall(b"{%d}" % left)
            self.way.every = None  # for those after it
            self.assertEqual(receive(ide, len(b"{%d}" % left)), b"{%d}" % left)
            ide.shutdown(socket.SHUT_WR)
            self.assertEqual(receive(ide), b"")

    def test_it_ends_at_once_while_the_link_is_down(self):
        connect = self.connect("echo", gateway=self.way)
        ide = self.ide(connect)
        ide.sendall(b"{}")
        receive(ide, 2)
        self.way.shut()
        connect.wait_for("it says so", lambda: "trying again" in connect.errors())
        connect.signal(signal.SIGTERM)
        self.assertEqual(receive(ide), b"")
        self.assertEqual(connect.wait(), 0)

    def test_of_a_gateway_that_died_ides_are_let_go_and_the_next_one_comes_through_again(self):
        connect = self.connect("echo", gateway=self.gw)
        ide = self.ide(connect)
        ide.sendall(b"{}")
        receive(ide, 2)
        self.gw.kill()
        connect.wait_for("it says so", lambda: "while 1 debug connection waits" in connect.errors())

        # While the gateway is gone an IDE that comes is told why.
        told = self.ide(connect)
        told.sendall(b'{"method":"RPCServer.ListThreads","params":[{}],"id":1}')
        self.assertRegex(receive(told, 20).decode() + told.recv(1000).decode(), "refused the connection|broke|closed")

        # The new one knows nothing of it.
        FakeGateway(self, self.certificate, self.authority.certificate, port=self.gw.port, name="gateway-again")
        self.assertEqual(receive(ide), b"")
        connect.wait_for("the reason", lambda: "broken off: the gateway keeps nothing of that link" in connect.errors())
        back = self.ide(connect)
        back.sendall(b"{}")
        self.assertEqual(receive(back, 2), b"{}")
        connect.wait_for("it says that too", lambda: "is back" in connect.errors())


if __name__ == "__main__":
    unittest.main(verbosity=2)
