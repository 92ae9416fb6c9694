"""Several people's breakpoints in one program: each works for its owner, by both protocols."""

import re
import unittest

from harness import debuggee, waiting
from harness.forms import SCOPE
from harness.breakpoints import SLEEP, SOURCE, TICK, USE, SharedCase

CALL_HELPERS = 6  # a wish of the debuggee, which it sets back


class SameLine(SharedCase):
    def test_different_conditions(self):
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n % 10 == 3")["id"]
        bob = self.dap("bob")
        theirs, = self.points(bob, {"line": TICK, "condition": "n % 10 == 6"})
        self.assertNotEqual(mine, theirs)
        mark = bob.mark()
        state = self.go()
        self.assertEqual((self.hit(state)["id"], self.hit(state)["Cond"]), (mine, "n % 10 == 3"))
        self.assertEqual(self.value("n") % 10, 3)
        mark, told = bob.stopped(mark)
        self.assertEqual((told["reason"], told.get("hitBreakpointIds")), ("breakpoint", None))
        self.assertTrue(bob.wait("whose", lambda m: m.get("event") == "output" and "a breakpoint of alice" in m["body"]["output"]))
        state = self.go()
        self.assertEqual(self.value("n") % 10, 6)
        self.assertEqual((self.hit(state)["id"], self.hit(state)["VerboseDescr"], self.hit(state)["continue"]),
                         (theirs, ["set by bob"], False))
        mark, told = bob.stopped(mark)
        self.assertEqual((told["reason"], told["hitBreakpointIds"]), ("breakpoint", [theirs]))
        # Both are listed, each to its own person as theirs.
        self.assertEqual({id: (b["Cond"], b.get("VerboseDescr")) for id, b in self.listed().items()},
                         {mine: ("n % 10 == 3", None), theirs: ("n % 10 == 6", ["set by bob"])})
        self.assertEqual(self.alice.call("GetBreakpoint", {"Id": theirs})["Breakpoint"]["Cond"], "n % 10 == 6")
        self.assertIn("no breakpoint with id", self.alice.error("GetBreakpoint", {"Id": theirs + 1}))
        # Removing mine leaves yours.
        self.assertEqual(self.alice.call("ClearBreakpoint", {"Id": mine})["Breakpoint"]["id"], mine)
        for _ in range(2):
            self.assertEqual(self.hit(self.go())["id"], theirs)
            self.assertEqual(self.value("n") % 10, 6)
        self.points(bob)
        self.assertEqual(self.listed(), {})
        running = self.run_on()
        self.assertFalse(self.alice.answered(running))
        self.pause(running)

    def test_equal_ones_are_one_to_dlv_and_two_to_people(self):
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"]
        bob, dan = self.dap("bob"), self.dap("dan")
        bobs, = self.points(bob, {"line": TICK})
        dans, = self.points(dan, {"line": TICK})
        self.assertEqual(len({mine, bobs, dans}), 3)
        marks = bob.mark(), dan.mark()
        self.assertEqual(self.hit(self.go())["id"], mine)
        self.assertEqual(bob.stopped(marks[0])[1]["hitBreakpointIds"], [bobs])
        self.assertEqual(dan.stopped(marks[1])[1]["hitBreakpointIds"], [dans])
        self.points(bob)
        self.alice.call("ClearBreakpoint", {"Id": mine})
        state = self.go()
        self.assertEqual((self.hit(state)["id"], state["currentThread"]["line"]), (dans, TICK))

    def test_hit_counts_are_each_owners_own(self):
        self.alice.set_breakpoint(debuggee.MAIN, SLEEP)
        for _ in range(3):
            self.go()
        self.alice.call("ClearBreakpoint", {"Id": next(iter(self.listed()))})
        at = self.value("n")  # tick(at) has been
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK, HitCond="== 7")["id"]
        carol = self.rpc("carol")
        carol.state()
        theirs = carol.set_breakpoint(debuggee.MAIN, TICK, HitCond="== 2", Cond="n % 2 == 0")["id"]
        state = self.go()
        hits = {self.hit(state)["id"]: self.value("n")}
        state = self.go()
        hits[self.hit(state)["id"]] = self.value("n")
        even = at + 1 + (at + 1) % 2
        self.assertEqual(hits, {mine: at + 7, theirs: even + 2})
        counts = {id: b["totalHitCount"] for id, b in self.listed().items()}
        self.assertEqual(counts[mine], max(hits.values()) - at)

    def test_logs_traces_and_stops(self):
        bob = self.dap("bob", lambda viewer: self.points(viewer, {"line": TICK, "logMessage": "n is {n}"}))
        dan = self.dap("dan", lambda viewer: self.points(viewer, {"line": TICK, "logMessage": "sum is {sum}", "condition": "n % 2 == 1"}))
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n == 5", variables=["sum"])["id"]
        carol = self.rpc("carol")
        carol.state()
        traced = carol.set_breakpoint(debuggee.MAIN, TICK, Cond="n == 2", variables=["n"], **{"continue": True})["id"]
        number = self.alice.resume()
        waiting.until("it runs", lambda: self.alice.state()["Running"] or self.alice.answered(number))
        waits = carol.resume()  # joins the run
        passed = carol.result(waits)["State"]
        self.assertEqual((self.hit(passed)["id"], self.hit(passed)["continue"]), (traced, True))
        state = self.alice.result(number)["State"]
        self.assertEqual((self.hit(state)["id"], self.hit(state)["continue"]), (mine, False))
        self.assertEqual(self.value("n"), 5)
        bob.stopped()
        dan.stopped()
        for viewer, last in ((bob, "n is 5"), (dan, "sum is 15")):
            viewer.wait("the last", lambda m: m.get("event") == "output" and last in m["body"]["output"])
        self.assertEqual([int(re.search(r"n is (\d+)", text)[1]) for text in self.outputs(bob, "n is")], [0, 1, 2, 3, 4, 5])
        self.assertEqual([int(re.search(r"sum is (\d+)", text)[1]) for text in self.outputs(dan, "sum is")], [3, 9, 15])
        self.assertEqual(self.outputs(bob, "sum is") + self.outputs(dan, "n is"), [])
        # The loggers leave, and stop nobody: by what they left the program is not even halted for long.
        for viewer in (bob, dan):
            viewer.close()
        self.alice.call("ClearBreakpoint", {"Id": mine})
        running = self.run_on()
        self.pause(running)

    def test_where_a_step_ends_a_condition_counts(self):
        # dlv names the breakpoint there whatever it asks for.
        bob = self.dap("bob", lambda viewer: self.points(viewer, {"line": USE, "logMessage": "never true", "condition": "sum < 0"}))
        tick = self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"]
        self.go()
        self.alice.call("ClearBreakpoint", {"Id": tick})
        mark = bob.mark()
        state = self.alice.command("step")
        while state["currentThread"]["line"] != USE:
            state = self.alice.command("next")
        bob.stopped(mark)
        self.assertNotIn("breakPoint", state["currentThread"])
        bob.call("threads")  # whatever was said before has come
        self.assertEqual(self.outputs(bob, "never true"), [])

    def test_a_step_is_not_lost_to_what_is_nobodys_hit(self):
        self.alice.set_breakpoint(debuggee.MAIN, SLEEP)
        self.go()
        self.alice.call("ClearBreakpoint", {"Id": next(iter(self.listed()))})
        bob = self.dap("bob")
        self.points(bob, {"line": TICK, "condition": "n < 0"})
        dan = self.dap("dan")
        self.points(dan, {"line": TICK, "condition": "n < -1"})
        # Round the loop and over tick(), in which they lie.
        lines = [self.alice.command("next")["currentThread"]["line"] for _ in range(12)]
        self.assertNotIn(TICK, lines)
        self.assertIn(SLEEP, lines)
        # One that is meant ends it.
        hit, = self.points(dan, {"line": TICK, "condition": "n > 0"})
        for _ in range(12):
            state = self.alice.command("next")
            if state["currentThread"]["line"] == TICK:
                break
        self.assertEqual((state["currentThread"]["line"], self.hit(state)["id"]), (TICK, hit))
        self.assertFalse(state["NextInProgress"])


class Owners(SharedCase):
    def test_one_function_by_name_and_by_line(self):
        bob = self.dap("bob")
        bobs, = (one["id"] for one in bob.call("setFunctionBreakpoints", {"breakpoints": [{"name": "main.use"}]})["breakpoints"])
        mine = self.alice.set_breakpoint(debuggee.MAIN, USE - 1)["id"]
        dan = self.dap("dan")
        dans, = self.points(dan, {"line": USE - 1, "hitCondition": "== 3"})
        self.assertEqual(len({bobs, mine, dans}), 3)
        mark, seen = bob.mark(), dan.mark()
        self.assertEqual(self.hit(self.go())["id"], mine)
        mark, told = bob.stopped(mark)
        self.assertEqual((told["reason"], told["hitBreakpointIds"]), ("function breakpoint", [bobs]))
        self.alice.call("ClearBreakpoint", {"Id": mine})
        self.assertEqual(self.hit(self.go())["id"], bobs)
        bob.call("setFunctionBreakpoints", {"breakpoints": []})
        seen = dan.stopped(dan.stopped(seen)[0])[0]
        self.go()
        self.assertEqual(dan.stopped(seen)[1]["hitBreakpointIds"], [dans])
        self.assertEqual(self.value("sum") // 3, 2)

    def test_some_of_the_addresses_are_somebody_elses(self):
        """An instruction of a line, and a place of two addresses."""
        here = self.alice.set_breakpoint(debuggee.MAIN, TICK)
        there = self.alice.call("FindLocation", {"Scope": SCOPE, "Loc": f"{debuggee.MAIN}:{USE}"})["Locations"][0]["pc"]
        self.alice.call("ClearBreakpoint", {"Id": here["id"]})
        both = self.alice.call("CreateBreakpoint", {"Breakpoint": {"addrs": [here["addr"], there]}})["Breakpoint"]
        bob = self.dap("bob")
        bobs, = (one["id"] for one in bob.call("setInstructionBreakpoints", {
            "breakpoints": [{"instructionReference": hex(there)}]})["breakpoints"])
        self.assertEqual(sorted(self.listed()[both["id"]]["addrs"]), sorted([here["addr"], there]))
        seen = []
        for _ in range(4):
            state = self.go()
            self.assertEqual(self.hit(state)["id"], both["id"])
            seen.append(state["currentThread"]["line"])
        self.assertEqual(seen, [TICK, USE] * 2)
        self.alice.call("ClearBreakpoint", {"Id": both["id"]})
        self.assertEqual([(b["id"], b["addrs"]) for b in self.listed().values()], [(bobs, [there])])
        for _ in range(2):
            self.assertEqual(self.go()["currentThread"]["line"], USE)
        # And the other way round: what covers more than is there.
        again = self.alice.call("CreateBreakpoint", {"Breakpoint": {"addrs": [here["addr"], there]}})["Breakpoint"]["id"]
        self.assertEqual([self.go()["currentThread"]["line"] for _ in range(4)], [TICK, USE] * 2)
        bob.call("setInstructionBreakpoints", {"breakpoints": []})
        self.assertEqual([self.go()["currentThread"]["line"] for _ in range(4)], [TICK, USE] * 2)
        self.alice.call("ClearBreakpoint", {"Id": again})
        self.assertEqual(self.listed(), {})

    def test_data(self):
        self.alice.set_breakpoint(debuggee.MAIN, SLEEP)
        self.go()
        self.alice.call("ClearBreakpoint", {"Id": next(iter(self.listed()))})
        carol = self.rpc("carol")
        carol.state()
        watch = {"Scope": SCOPE, "Expr": "main.wish", "Type": 2}
        mine = self.alice.call("CreateWatchpoint", watch)["id"]
        theirs = carol.call("CreateWatchpoint", watch)["id"]
        self.assertNotEqual(mine, theirs)
        self.assertIn("Breakpoint exists", carol.error("CreateWatchpoint", dict(watch, Type=3)))
        self.wish(CALL_HELPERS)  # which sets it back
        self.assertEqual(self.hit(self.go())["id"], mine)
        self.alice.call("ClearBreakpoint", {"Id": mine})
        self.wish(CALL_HELPERS)
        self.assertEqual((self.hit(self.go())["id"], self.value("main.wish")), (theirs, 0))
        carol.call("ClearBreakpoint", {"Id": theirs})
        self.assertEqual(self.listed(), {})

    def test_nobody_clears_or_changes_anothers(self):
        bob = self.dap("bob")
        bobs, = self.points(bob, {"line": TICK})
        before = self.listed()
        for method, arguments in (("ClearBreakpoint", {"Id": bobs}), ("ToggleBreakpoint", {"Id": bobs}),
                                  ("AmendBreakpoint", {"Breakpoint": dict(before[bobs], Cond="n == 99")})):
            self.assertRegex(self.alice.error(method, arguments), f"breakpoint {bobs} is bob's")
        self.assertEqual(self.listed(), before)
        self.assertEqual(self.hit(self.go())["id"], bobs)

    def test_amended_and_toggled_by_its_owner_alone(self):
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK)
        bob = self.dap("bob")
        self.points(bob, {"line": TICK, "condition": "n == 7"})
        self.alice.call("AmendBreakpoint", {"Breakpoint": dict(mine, Cond="n == 4")})
        self.assertIn("", self.alice.error("AmendBreakpoint", {"Breakpoint": dict(mine, Cond="n ==")}))
        self.assertEqual(self.listed()[mine["id"]]["Cond"], "n == 4")
        self.go()
        self.assertEqual(self.value("n"), 4)
        self.assertTrue(self.alice.call("ToggleBreakpoint", {"Id": mine["id"]})["Breakpoint"]["disabled"])
        self.alice.call("AmendBreakpoint", {"Breakpoint": dict(mine, Cond="", disabled=True)})
        self.go()
        self.assertEqual(self.value("n"), 7)
        self.assertFalse(self.alice.call("ToggleBreakpoint", {"Id": mine["id"]})["Breakpoint"]["disabled"])
        self.go()
        self.assertEqual(self.value("n"), 8)
        bad = bob.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK, "condition": "n =="}]})["breakpoints"]
        self.assertFalse(bad[0]["verified"])
        self.assertEqual(self.hit(self.go())["id"], mine["id"])

    def test_whoever_comes_again_has_theirs_and_nobody_elses(self):
        self.alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n % 10 == 3")
        bob = self.dap("bob")
        self.points(bob, {"line": TICK, "condition": "n % 10 == 6"})
        bob.close()
        waiting.until("bob has left", lambda: len(self.listed()) == 2)
        bob = self.dap("bob", lambda viewer: self.points(viewer, {"line": TICK, "condition": "n % 10 == 6"}))
        self.assertEqual(len(self.listed()), 2)
        mark = bob.mark()
        self.go()
        self.go()
        self.assertEqual(self.value("n") % 10, 6)
        _, told = bob.stopped(bob.stopped(mark)[0])
        self.assertEqual(len(told["hitBreakpointIds"]), 1)
        # And by JSON-RPC, which asks for everything anew.
        self.alice.close()
        self.alice = self.rpc("alice")
        self.alice.state()
        again = self.alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n % 10 == 9")["id"]
        self.assertEqual(sorted(b["Cond"] for b in self.listed().values()), ["n % 10 == 6", "n % 10 == 9"])
        self.assertEqual(self.hit(self.go())["id"], again)

    def test_a_restart_sets_everybodys_again(self):
        bob = self.dap("bob", lambda viewer: viewer.call("setFunctionBreakpoints", {"breakpoints": [{"name": "main.use"}]}))
        self.dap("dan", lambda viewer: self.points(viewer, {"line": TICK, "condition": "n == 1"}))
        mine = self.alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n == 0")["id"]
        self.go()
        watched = self.alice.call("CreateWatchpoint", {"Scope": SCOPE, "Expr": "main.wish", "Type": 2})["id"]
        before = self.listed()
        self.assertIn(watched, before)
        self.alice.call("Restart")
        self.alice.state()
        after = self.listed()
        self.assertEqual(set(after), set(before) - {watched})
        mark = bob.mark()
        self.assertEqual(self.hit(self.go())["id"], mine)
        state = self.go()
        self.assertEqual(state["currentThread"]["function"]["name"], "main.use")
        mark, stopped = bob.stopped(bob.stopped(mark)[0])
        self.assertEqual(stopped["reason"], "function breakpoint")
        bob.call("continue", {"threadId": stopped["threadId"]})  # it is bob's turn, whose breakpoint it is
        bob.stopped(mark)
        self.alice.state()
        self.assertEqual(self.value("n"), 1)


if __name__ == "__main__":
    unittest.main()
