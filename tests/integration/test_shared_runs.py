"""Several people at one program: nobody's coming, calling or not reading stops, runs or delays it for the others."""

import socket
import unittest

from harness import case, debuggee, forms, waiting
from harness.dap import Dap, INITIALIZE
from harness.rpc import Rpc

TICK = debuggee.line("tick")
EVERYTHING = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 1 << 20, "MaxArrayValues": 64, "MaxStructFields": -1}


class SharedRuns(case.Case):
    limits = {}

    def setUp(self):
        super().setUp()
        self.gateway = self.serve(**({"limits": self.limits} if self.limits else {}))
        self.addresses = {who: self.connect(self.gateway, who, name="connect-" + who).address for who in ("alice", "bob")}
        self.alice = self.rpc("alice")
        self.bob = self.rpc("bob")
        self.alice.state()
        self.bob.state()

    def rpc(self, who):
        return Rpc(self, self.addresses[who])

    def dap(self, who):
        return Dap(self, self.addresses[who])

    def to_tick(self):
        point = self.alice.set_breakpoint(debuggee.MAIN, TICK)
        state = self.alice.command("continue")
        self.alice.call("ClearBreakpoint", {"Id": point["id"]})
        return state

    def evaluate_all(self, client):
        """33 MiB of an answer, which is not read."""
        client.reads.clear()
        client.send("IsMulticlient")  # the reader's last chance to read: it waits for bytes already
        return client.send("Eval", {"Scope": {"GoroutineID": 1}, "Expr": "main.texts", "Cfg": EVERYTHING})

    @staticmethod
    def begun(client):
        """The first of its answer is there, and nobody reads it. (Before it there may be the small one to IsMulticlient.)"""
        client.socket.recv(1 << 13, socket.MSG_PEEK | socket.MSG_WAITALL)


class Joining(SharedRuns):
    def test_an_attach_at_the_moment_of_a_continue_does_not_halt(self):
        """dlv halts for an attach; between a stop and a resume there is no moment at which that could be."""
        self.to_tick()
        for turn in range(60):
            viewer = self.dap("bob")
            viewer.call("initialize", INITIALIZE)
            attaching = viewer.send("attach", {"mode": "remote", "request": "attach", "type": "go"})
            running = self.alice.resume()
            self.assertTrue(viewer.response(attaching)["success"])
            viewer.call("configurationDone")
            self.assertTrue(self.alice.state()["Running"], f"turn {turn}")
            self.assertFalse(self.alice.answered(running), f"turn {turn}")
            self.alice.command("halt")
            self.alice.result(running)
            viewer.close()


class Calls(SharedRuns):
    def call(self, client):
        return client.send("Command", {"name": "call", "expr": "main.callsTick()", "goroutineID": 1, "ReturnInfoLoadConfig": forms.LOAD})

    def test_is_not_taken_for_one_who_only_waits(self):
        self.to_tick()
        running = self.alice.resume()
        waiting.until("it runs", lambda: self.alice.state()["Running"])
        self.assertRegex(self.bob.reply(self.call(self.bob))["error"] or "", "alice runs the program since")
        self.alice.command("halt")
        self.alice.result(running)

    def test_by_somebody_who_means_an_earlier_stop(self):
        self.to_tick()
        mine = self.rpc("alice")
        mine.state()
        self.alice.command("next")
        self.assertRegex(mine.reply(self.call(mine))["error"] or "", "the program has moved since you were told: it stands at main.tick.* for alice")
        # Now it is told, and may.
        self.assertIsNone(mine.reply(self.call(mine))["error"])


class Steps(SharedRuns):
    def interrupted(self):
        """alice's `next`, stopped within by another goroutine at her breakpoint: it goes on with the next continue."""
        self.to_tick()
        self.alice.set_breakpoint(debuggee.MAIN, debuggee.line("arrive"))
        self.alice.call("Set", {"Scope": {"GoroutineID": -1}, "Symbol": "main.wish", "Value": "5"})
        for _ in range(20):
            if self.alice.command("next")["NextInProgress"]:
                return
        self.fail("no step was interrupted")

    def test_nobody_takes_anothers_step_away(self):
        self.interrupted()
        self.bob.state()
        self.assertRegex(self.bob.error("CancelNext"), "alice has the baton of app since")
        self.assertTrue(self.alice.state()["NextInProgress"])
        self.alice.call("CancelNext")
        self.assertFalse(self.alice.state()["NextInProgress"])


class LeftBehind(SharedRuns):
    def test_a_breakpoint_goes_in_its_time_whoever_comes_and_goes(self):
        self.bob.set_breakpoint(debuggee.MAIN, debuggee.line("arrive"))
        self.alice.state()
        running = self.alice.resume()
        self.bob.close()

        def gone():
            """Somebody comes, sets one and leaves, all the time."""
            passing = self.rpc("alice")
            passing.state()
            point = passing.set_breakpoint(debuggee.MAIN, debuggee.line("sleep"), Cond="n < 0")
            passing.close()
            left = [b["line"] for b in self.alice.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]
            self.assertIn(point["line"], left)
            return debuggee.line("arrive") not in left
        waiting.until("bob's first is gone", gone)
        self.assertFalse(self.alice.answered(running))


class WhoDoesNotRead(SharedRuns):
    def test_delays_nobody_and_misses_nothing(self):
        self.to_tick()
        self.bob.state()
        number = self.evaluate_all(self.bob)
        self.begun(self.bob)
        for _ in range(3):
            self.alice.command("next")
        self.bob.reads.set()
        self.assertEqual(len(self.bob.result(number)["Variable"]["children"]), 33)


class WhoDoesNotReadAndHasNoRoom(SharedRuns):
    limits = {"viewerBuffer": "4MiB"}

    def test_is_cut_off(self):
        self.to_tick()
        self.bob.state()
        self.evaluate_all(self.bob)
        self.begun(self.bob)
        self.assertEqual(self.alice.command("next")["currentThread"]["line"], TICK + 1)
        self.bob.reads.set()
        self.bob.wait_closed()


if __name__ == "__main__":
    unittest.main()
