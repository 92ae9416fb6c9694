"""Breakpoints that do harm are switched off, and their owner is told; and who stops at a panic."""

import unittest

from harness import debuggee, waiting
from harness.dap import Dap, INITIALIZE
from harness.breakpoints import FILL, SLEEP, SOURCE, TICK, USE, SharedCase

PANIC = 2  # a wish of the debuggee


class SwitchedOff(SharedCase):
    def test_a_condition_that_errs_stops_nobody(self):
        bob = self.dap("bob")
        bobs, = self.points(bob, {"line": TICK, "condition": "nosuch > 1"})
        mark = bob.mark()
        running = self.run_on()
        _, told = bob.wait("bob is told", lambda m: m.get("event") == "breakpoint", mark)
        self.assertEqual((told["body"]["reason"], told["body"]["breakpoint"]["id"], told["body"]["breakpoint"]["verified"]),
                         ("changed", bobs, False))
        self.assertRegex(told["body"]["breakpoint"]["message"], "condition could not be evaluated: .*nosuch")
        self.assertEqual([m for m in bob.messages[mark:] if m.get("event") == "stopped"], [])
        self.assertFalse(self.alice.answered(running))
        # It stays off when the IDE sets the file's again, and is on with another condition.
        shown = bob.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK, "condition": "nosuch > 1"},
                                                                              {"line": SLEEP, "condition": "n < 0"}]})["breakpoints"]
        self.assertEqual([one["verified"] for one in shown], [False, True])
        self.assertTrue(self.listed()[bobs]["disabled"])
        self.assertIn("switched off", "".join(self.listed()[bobs]["VerboseDescr"]))
        self.points(bob, {"line": TICK, "condition": "n > 1"})
        self.assertEqual(self.hit(self.alice.result(running)["State"])["id"], bobs)

    def test_and_leaves_the_others_at_the_line_alone(self):
        bob = self.dap("bob")
        self.points(bob, {"line": TICK, "condition": "nosuch > 1"})
        carol = self.rpc("carol")
        carol.state()
        theirs = carol.set_breakpoint(debuggee.MAIN, TICK, Cond="n == 4")["id"]
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n / (n - 1) > 0 && n == 7")["id"]
        mark = bob.mark()
        self.assertEqual(self.hit(self.go())["id"], theirs)
        self.assertEqual(self.value("n"), 4)
        bob.wait("bob is told", lambda m: m.get("event") == "breakpoint", mark)
        # alice's divided by zero when n was 1: she sees so in her list, and can switch it on again.
        self.assertIn("switched off: its condition could not be evaluated", "".join(self.listed()[mine]["VerboseDescr"]))
        self.assertTrue(self.listed()[mine]["disabled"])
        self.alice.call("ToggleBreakpoint", {"Id": mine})
        self.assertEqual(self.hit(self.go())["id"], mine)
        self.assertEqual(self.value("n"), 7)

    def test_what_is_hit_too_often(self):
        bob = self.dap("bob")
        bobs, = self.points(bob, {"line": FILL, "logMessage": "at {i}"})
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"]
        mark = bob.mark()
        self.assertEqual(self.hit(self.go())["id"], mine)
        _, told = bob.wait("bob is told", lambda m: m.get("event") == "breakpoint", mark)
        self.assertEqual((told["body"]["breakpoint"]["id"], told["body"]["breakpoint"]["verified"]), (bobs, False))
        self.assertIn("too often", told["body"]["breakpoint"]["message"])
        self.assertLess(len(self.outputs(bob, "at ")), 65536)


class Exceptions(SharedCase):
    def filters(self, viewer, *names):
        viewer.call("setExceptionBreakpoints", {"filters": list(names)})

    def panicking(self):
        self.wish(PANIC)
        return self.alice.reply(self.alice.resume())

    def offered(self):
        viewer = Dap(self, self.address("bob"))
        return "exceptionBreakpointFilters" in viewer.call("initialize", INITIALIZE)

    def to_sleep(self):
        point = self.alice.set_breakpoint(debuggee.MAIN, SLEEP)["id"]
        self.go()
        self.alice.call("ClearBreakpoint", {"Id": point})

    def test_one_who_wants_none_takes_nothing_from_the_others(self):
        bob = self.dap("bob", lambda viewer: self.filters(viewer))
        mark = bob.mark()
        self.to_sleep()
        mark, _ = bob.stopped(mark)  # who does not drive is told a moment later
        self.panicking()
        self.assertEqual(bob.stopped(mark)[1]["reason"], "exception")

    def test_nobody_wants_any(self):
        if not self.offered():
            self.skipTest("this dlv offers no filters")
        self.to_sleep()
        self.alice.call("ToggleBreakpoint", {"Id": -1})
        bob = self.dap("bob", lambda viewer: self.filters(viewer, "unrecovered-panic", "runtime-fatal-throw"))
        dan = self.dap("dan", lambda viewer: self.filters(viewer))
        self.assertFalse(self.disabled())
        bob.close()
        waiting.until("bob has left", lambda: self.points(dan, {"line": USE, "condition": "n < 0"}) and self.disabled())
        self.panicking()
        dan.event("exited")

    def disabled(self):
        return next(b for b in self.alice.call("ListBreakpoints")["Breakpoints"] if b["id"] == -1)["disabled"]


if __name__ == "__main__":
    unittest.main()
