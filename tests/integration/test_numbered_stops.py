"""A resume counts only if its sender knew of this very stop, and what is asked of an earlier stop is not answered from another."""

import socket
import threading
import types
import unittest

from harness import case, debuggee, forms, waiting
from harness.dap import Dap
from harness.rpc import Rpc

TICK = debuggee.line("tick")
SOURCE = {"name": "main.go", "path": debuggee.MAIN}


class Wire:
    """A way to the gateway on which, while it is held, nothing comes back."""

    def __init__(self, test, port):
        self.port_behind = port
        self.comes = threading.Event()
        self.comes.set()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.sockets = [self.listening]
        test.addCleanup(self.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                near, _ = self.listening.accept()
                far = socket.create_connection(("127.0.0.1", self.port_behind))
            except OSError:
                return
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets += [near, far]
            threading.Thread(target=self.carry, args=(near, far, None), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, self.comes), daemon=True).start()

    @staticmethod
    def carry(source, target, gate):
        try:
            while data := source.recv(1 << 16):
                if gate:
                    gate.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.comes.set()
        for one in self.sockets:
            one.close()


class NumberedStops(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(runControl="open"))
        self.alice = Rpc(self, self.connect(self.gateway, "alice", name="connect-alice").address)
        self.alice.state()
        self.alice.set_breakpoint(debuggee.MAIN, TICK)
        self.alice.command("continue")

    def held(self, who, name):
        """A DAP client at the stop, and its wire."""
        wire = Wire(self, self.gateway.port)
        there = types.SimpleNamespace(port=wire.port)
        viewer = Dap(self, self.connect(there, who, name=name).address)
        viewer.attach(stopOnEntry=True)
        return viewer, wire, viewer.stopped()

    def n(self):
        """How often the loop has been through; without being told of anything new."""
        looks = Rpc(self, self.alice_address())
        try:
            return int(looks.call("Eval", {"Scope": {"GoroutineID": 1}, "Expr": "n", "Cfg": forms.LOAD})["Variable"]["value"])
        finally:
            looks.close()

    def alice_address(self):
        host, port = self.alice.socket.getpeername()[:2]
        return f"{host}:{port}"

    def taken(self, viewer, line):
        """Sends a breakpoint behind what was sent before; returns when the gateway has dealt with both."""
        viewer.send("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": line, "condition": "1 == 2"}]})
        waiting.until("it is dealt with", lambda: any(b["line"] == line for b in self.alice.call("ListBreakpoints")["Breakpoints"]))

    def test_a_continue_that_crosses_the_next_stop_on_its_way(self):
        bob, wire, (mark, stopped) = self.held("bob", "connect-bob")
        wire.comes.clear()
        self.alice.command("continue")  # to the next round
        before = self.n()
        answer = bob.send("continue", {"threadId": stopped["threadId"]})
        self.taken(bob, debuggee.line("use"))
        self.assertEqual(self.n(), before)
        self.alice.call("Stacktrace", {"Id": -1, "Depth": 3})  # it was told of no other stop
        wire.comes.set()
        self.assertTrue(bob.response(answer)["success"])
        # The run and the stop it did not know of, and the stop again as the answer to its continue.
        mark, _ = bob.event("continued", mark)
        mark, _ = bob.stopped(mark)
        mark, _ = bob.stopped(mark)
        bob.call("continue", {"threadId": stopped["threadId"]})
        bob.stopped(mark)
        self.assertEqual(self.n(), before + 1)

    def test_two_at_once_resume_once(self):
        bob, bobs, (_, stopped) = self.held("bob", "connect-bob")
        twin, twins, _ = self.held("alice", "connect-twin")
        before = self.n()
        for wire in (bobs, twins):
            wire.comes.clear()
        answers = [(one, one.send("continue", {"threadId": stopped["threadId"]})) for one in (bob, twin)]
        self.taken(bob, debuggee.line("use"))
        self.taken(twin, debuggee.line("arrive"))
        waiting.until("it stands", lambda: not self.alice.state()["Running"])
        for wire in (bobs, twins):
            wire.comes.set()
        for one, answer in answers:
            self.assertTrue(one.response(answer)["success"])
        self.assertEqual(self.n(), before + 1)

    def test_looks_at_an_earlier_stop(self):
        bob = Rpc(self, self.connect(self.gateway, "bob", name="connect-bob").address)
        goroutine = bob.state()["currentGoroutine"]["id"]
        self.alice.command("next")
        for method, arguments in (("Eval", {"Scope": {"GoroutineID": goroutine, "Frame": 0}, "Expr": "n", "Cfg": forms.LOAD}),
                                  ("Stacktrace", {"Id": goroutine, "Depth": 3}),
                                  ("Set", {"Scope": {"GoroutineID": goroutine}, "Symbol": "main.wish", "Value": "0"}),
                                  ("Command", {"name": "switchGoroutine", "goroutineID": goroutine})):
            self.assertRegex(bob.error(method, arguments), r"the program has moved since you were told: it stands at main\.tick.* for alice")
            self.assertIsNone(bob.reply(bob.send(method, arguments))["error"], method)
            self.alice.command("stepInstruction")
        # Who was told of none has seen none.
        new = Rpc(self, self.alice_address())
        self.assertTrue(new.call("Stacktrace", {"Id": goroutine, "Depth": 3})["Locations"])


if __name__ == "__main__":
    unittest.main()
