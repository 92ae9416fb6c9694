"""A breakpoint that one sets while another's step is under way: the step ends first, or is given up in words; the
program comes to no harm. dlv crashed it when a step was halted for the change and then gone on with (1.27.1), or
answered with internal errors (1.20.2)."""

import os
import threading
import unittest

from harness import debuggee, shared

TICK = debuggee.line("tick")
# Where alice's steps go, and what they call.
LINES = [TICK - 6, TICK - 5, TICK - 4, TICK - 2, TICK - 1, TICK + 1, debuggee.line("use"), debuggee.line("sleep")]
STEPS = int(os.environ.get("DELVEGATE_TEST_STEPS", "60"))


class ChangesDuringSteps(shared.SharedCase):
    def setUp(self):
        super().setUp()
        self.alice = self.rpc("alice")
        self.bob = self.rpc("bob")
        self.alice.state()
        self.point = self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"]
        self.alice.command("continue")

    def test_many_steps_and_many_changes(self):
        over = threading.Event()
        changes = [0]

        def change():
            try:
                while not over.is_set():
                    for line in LINES:
                        point = self.bob.set_breakpoint(debuggee.MAIN, line, Cond="main.wish == 99")
                        self.bob.call("ClearBreakpoint", {"Id": point["id"]})
                        changes[0] += 1
            finally:
                over.set()
        thread = threading.Thread(target=change, daemon=True)
        thread.start()
        try:
            names = ("next", "next", "step", "next", "stepOut", "stepInstruction")
            for number in range(STEPS):
                reply = self.alice.reply(self.alice.resume(names[number % len(names)]))
                if reply["error"] is not None:  # on a slow machine
                    self.assertIn("was given up, because bob changes breakpoints", reply["error"])
                state = self.alice.state()
                self.assertFalse(state["exited"], f"step {number}: the program has ended; it said\n{self.dlv.process.output()[-3000:]}")
                self.assertFalse(state["Running"])
                # Out of the program's own code nothing is left to step in.
                if not (state["currentThread"] or {}).get("file", "").endswith("main.go"):
                    state = self.alice.command("continue")
                    self.assertFalse(state["exited"], f"step {number}: the program has ended; it said\n{self.dlv.process.output()[-3000:]}")
        finally:
            over.set()
        thread.join(60)
        self.assertGreater(changes[0], 0)

    def test_a_long_step_is_given_up_in_words(self):
        viewer = self.dap("carol")
        viewer.attach(stopOnEntry=True)
        self.alice.call("ClearBreakpoint", {"Id": self.point})
        point = self.alice.set_breakpoint(debuggee.MAIN, debuggee.line("sleep"))["id"]
        mark = viewer.mark()
        self.alice.command("continue")
        viewer.stopped(mark)  # alice may hear of it before
        self.alice.call("ClearBreakpoint", {"Id": point})
        mark = viewer.mark()
        stepping = self.alice.resume("stepOut")  # main.main never returns
        self.until_running()
        self.bob.set_breakpoint(debuggee.MAIN, debuggee.line("use"), Cond="main.wish == 99")
        why = "the step of alice was given up, because bob changes breakpoints and it lasts longer than 1s"
        self.assertEqual(self.alice.reply(stepping)["error"], why)
        stopped = viewer.stopped(mark)[1]
        self.assertEqual((stopped["reason"], stopped["description"]), ("pause", why))
        self.assertFalse(self.alice.state()["NextInProgress"])
        self.alice.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(self.alice.command("continue")["currentThread"]["line"], TICK)

    def test_a_run_is_not_given_up(self):
        self.alice.call("ClearBreakpoint", {"Id": self.point})
        running = self.alice.resume()
        self.until_running()
        for _ in range(5):
            point = self.bob.set_breakpoint(debuggee.MAIN, debuggee.line("use"), Cond="main.wish == 99")["id"]
            self.bob.call("ClearBreakpoint", {"Id": point})
        self.assertFalse(self.alice.answered(running))
        self.bob.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(self.alice.result(running)["State"]["currentThread"]["line"], TICK)


if __name__ == "__main__":
    unittest.main()
