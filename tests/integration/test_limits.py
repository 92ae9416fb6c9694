"""Limits of one viewer, each with a small value, through a real session."""

import array
import fcntl
import ssl
import termios
import unittest

from harness import case, dap, debuggee, stock, waiting
from harness.dap import Dap
from harness.rpc import Rpc

TICK = debuggee.line("tick")


def unread(connection):
    """Bytes that have arrived and nobody has read."""
    count = array.array("i", [0])
    fcntl.ioctl(connection, termios.FIONREAD, count)
    return count[0]


class Requests(case.Case):
    def setUp(self):
        super().setUp()
        gateway = self.serve(limits={"rpcRequest": "64KiB", "dapRequest": "32KiB", "depth": 12})
        self.address = self.connect(gateway).address

    def eval_of(self, size, number):
        """An Eval request of exactly that many bytes."""
        frame = '{"method":"RPCServer.Eval","params":[{"Scope":{"GoroutineID":-1},"Expr":"\\"%s\\""}],"id":' + str(number) + "}"
        text = frame % ("x" * (size - len(frame) + 2))
        self.assertEqual(len(text), size)
        return text.encode()

    def test_size_by_json_rpc(self):
        client = Rpc(self, self.address)
        for number in (1001, 1002):
            client.write(self.eval_of(64 << 10, number))
            self.assertIsNone(client.reply(number)["error"])
        # Where the next request would begin is not known without reading this one: the session ends, with the reason.
        client.write(self.eval_of((64 << 10) + 1, 1003))
        self.assertRegex(client.refusal(1003), "malformed request: .*(large|limit)")
        client.wait_closed()

    def test_depth_by_json_rpc(self):
        def nested(depth, number):
            inner = depth - 3  # the request, params and the argument are three
            return b'{"method":"RPCServer.IsMulticlient","params":[{"X":%s%s}],"id":%d}' % (b"[" * inner, b"]" * inner, number)
        client = Rpc(self, self.address)
        client.write(nested(12, 1001))
        self.assertTrue(client.result(1001)["IsMulticlient"])
        client.write(nested(13, 1002))
        self.assertRegex(client.refusal(1002), "malformed request: .*(deep|nest)")
        self.assertTrue(client.call("IsMulticlient")["IsMulticlient"])

    def test_size_by_dap(self):
        def evaluate(size, seq):
            head = '{"seq":%d,"type":"request","command":"evaluate","arguments":{"expression":"\\"' % seq
            tail = '\\"","context":"repl"}}'
            return (head + "x" * (size - len(head) - len(tail)) + tail).encode()
        viewer = Dap(self, self.address)
        viewer.attach(stopOnEntry=True)
        viewer.write(dap.frame(evaluate(32 << 10, 1001)))
        self.assertTrue(viewer.response(1001)["success"])
        viewer.write(dap.frame(evaluate((32 << 10) + 1, 1002)))
        _, words = viewer.wait("the reason", lambda m: m.get("event") == "output" and "malformed" in m["body"]["output"])
        self.assertRegex(words["body"]["output"], "large|limit")
        viewer.wait_closed()

    def test_depth_by_dap(self):
        def nested(depth, seq):
            inner = depth - 2
            return b'{"seq":%d,"type":"request","command":"threads","arguments":{"x":%s%s}}' % (seq, b"[" * inner, b"]" * inner)
        viewer = Dap(self, self.address)
        viewer.attach(stopOnEntry=True)
        viewer.write(dap.frame(nested(12, 1001)))
        self.assertTrue(viewer.response(1001)["success"])
        viewer.write(dap.frame(nested(13, 1002)))
        _, refused = viewer.wait("a refusal", lambda m: m["type"] == "response" and not m["success"])
        self.assertRegex(refused["body"]["error"]["format"], "malformed request: .*(deep|nest)")
        self.assertTrue(viewer.call("threads")["threads"])


class Silence(case.Case):
    def test_an_ide_that_says_nothing_gives_its_place_away(self):
        """limits.handshakeTime; `connect` opens a stream with the IDE's first byte, so this is a stock client."""
        gateway = self.serve(limits={"handshakeTime": "4s"})
        silent = stock.tls(gateway, self.person("bob"))
        self.addCleanup(silent.close)
        silent.settimeout(120)
        try:
            self.assertEqual(silent.recv(100), b"")
        except (ssl.SSLError, ConnectionResetError):
            pass
        waiting.until("the log to say so", lambda: "the IDE said nothing for 4s" in gateway.log())
        client = Rpc(self, self.connect(gateway).address)
        self.assertTrue(client.call("IsMulticlient")["IsMulticlient"])


class SlowReader(case.Case):
    def test_one_who_does_not_read_does_not_keep_another_from_running_it(self):
        gateway = self.serve(limits={"viewerBuffer": "4MiB"})
        slow = self.connect(gateway, "alice", name="connect-alice")
        bob = Rpc(self, self.connect(gateway, "bob", name="connect-bob").address)
        bob.set_breakpoint(debuggee.MAIN, TICK)
        bob.command("continue")
        alice = Rpc(self, slow.address)
        alice.reads.clear()
        alice.send("IsMulticlient")  # the reader's last chance to read: it waits for bytes already
        alice.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.texts", "Cfg": {
            "FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 1 << 20, "MaxArrayValues": 64, "MaxStructFields": -1}})
        # It has begun, and cannot have ended: 33 MiB are more than the way here holds.
        waiting.until("her reply to arrive", lambda: unread(alice.socket) > 64 << 10)
        self.assertEqual(bob.command("next")["currentThread"]["line"], TICK + 1)
        slow.process.wait_for("alice is told", lambda: "the IDE does not read what it is sent" in slow.process.errors())
        self.assertFalse(bob.command("stepOut")["exited"])


if __name__ == "__main__":
    unittest.main()
