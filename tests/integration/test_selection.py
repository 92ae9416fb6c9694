"""The selected goroutine or thread is each client's own: what one selects is what that one sees and steps."""

import unittest

from harness import case, debuggee
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class Selection(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(runControl="open"))
        self.addresses = {who: self.connect(self.gateway, who, name="connect-" + who).address for who in ("alice", "bob")}
        self.alice, self.bob = (Rpc(self, self.addresses[who]) for who in ("alice", "bob"))
        self.alice.state()
        self.point = self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"]
        self.state = self.alice.command("continue")
        self.mine = self.state["currentGoroutine"]["id"]
        self.bobs = self.bob.state()
        self.other = next(g["id"] for g in self.alice.call("ListGoroutines")["Goroutines"] if g["id"] != self.mine)

    def top(self, client, which=-1):
        return [f["pc"] for f in client.call("Stacktrace", {"Id": which, "Depth": 10})["Locations"]]

    def test_of_two_who_may_both_step(self):
        chosen = self.alice.command("switchGoroutine", goroutineID=self.other)
        self.assertEqual(chosen["currentGoroutine"]["id"], self.other)
        self.assertEqual(self.alice.state()["currentGoroutine"]["id"], self.other)
        self.assertEqual(self.alice.command("halt")["currentGoroutine"]["id"], self.other)
        self.assertEqual(self.bob.state(), self.bobs)
        self.assertEqual(self.top(self.alice), self.top(self.bob, self.other))
        self.assertEqual(self.top(self.bob), self.top(self.alice, self.mine))
        third = next(g["id"] for g in self.bob.call("ListGoroutines")["Goroutines"] if g["id"] not in (self.mine, self.other))
        self.bob.command("switchGoroutine", goroutineID=third)
        self.assertEqual((self.alice.state()["currentGoroutine"]["id"], self.bob.state()["currentGoroutine"]["id"]), (self.other, third))
        # With the next stop it is where the stop is.
        self.alice.command("switchGoroutine", goroutineID=self.mine)
        self.assertEqual(self.alice.command("next")["currentGoroutine"]["id"], self.mine)
        self.assertEqual(self.bob.state()["currentGoroutine"]["id"], self.mine)
        self.assertEqual(self.top(self.bob), self.top(self.alice))

    def test_of_a_thread_that_runs_no_goroutine(self):
        idle = next(t for t in self.state["Threads"] if t["goroutineID"] == 0)
        chosen = self.alice.command("switchThread", threadID=idle["id"])
        self.assertEqual(chosen["currentThread"]["id"], idle["id"])
        self.assertEqual(self.alice.state()["currentThread"]["id"], idle["id"])
        self.assertEqual(self.top(self.alice)[0], idle["pc"])
        self.assertEqual(self.bob.state(), self.bobs)
        self.assertEqual(self.top(self.bob), self.top(self.alice, self.mine))

    def test_a_step_steps_what_was_selected(self):
        """Not the goroutine at the breakpoint, but the loop, which sleeps."""
        self.alice.call("ClearBreakpoint", {"Id": self.point})
        arrive = self.alice.set_breakpoint(debuggee.MAIN, debuggee.line("arrive"))["id"]
        self.alice.call("Set", {"Scope": {"GoroutineID": -1}, "Symbol": "main.wish", "Value": "5"})
        self.alice.command("continue")
        first = self.alice.state()["currentGoroutine"]["id"]
        self.alice.call("ClearBreakpoint", {"Id": arrive})
        self.alice.command("switchGoroutine", goroutineID=self.mine)
        frames = self.alice.call("Stacktrace", {"Id": self.mine, "Depth": 20})["Locations"]
        self.assertTrue(any(f["function"]["name"] == "main.main" for f in frames))
        stepped = self.alice.command("stepInstruction")
        self.assertEqual(stepped["currentGoroutine"]["id"], self.mine)
        self.assertNotEqual(first, self.mine)

    def test_in_two_terminals(self):
        alice, bob = (Terminal(self, [self.delve.dlv, "connect", self.addresses[who]]).prompt() for who in ("alice", "bob"))
        self.assertIn(f"to {self.other}", alice.run(f"goroutine {self.other}"))
        self.assertNotIn("main.tick", alice.run("stack"))
        self.assertIn("main.tick", bob.run("stack"))
        self.assertIn("main.tick", bob.run("next"))


if __name__ == "__main__":
    unittest.main()
