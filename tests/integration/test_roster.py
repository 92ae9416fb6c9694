"""What people of one session know of each other: joins, leaves and breakpoints of others, and what a late joiner is told."""

import re
import unittest

from harness import cutting, debuggee, forms, waiting
from harness.dap import Dap
from harness.terminal import Terminal
from test_baton import BatonCase

TICK, USE, SLEEP, FILL = (debuggee.line(marker) for marker in ("tick", "use", "sleep", "fill"))
SOURCE = {"name": "main.go", "path": debuggee.MAIN}
FLOOD = 4  # main.wish
SINCE = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


class RosterCase(BatonCase):
    roles = {"alice": "admin", "bob": "developer", "carol": "debugger", "rita": "reader", "olga": "observer"}

    def lines(self, viewer, start=0):
        """What its console shows, line by line."""
        with viewer.changed:
            return [line for m in viewer.messages[start:] if m.get("event") == "output" for line in m["body"]["output"].splitlines()]

    def points(self, viewer, *breakpoints):
        answer = viewer.call("setBreakpoints", {"source": SOURCE, "breakpoints": list(breakpoints)})["breakpoints"]
        self.assertTrue(all(one["verified"] for one in answer), answer)
        return answer

    def caught_up(self, viewer):
        """Everything that was said to it before now has arrived."""
        self.type(viewer, "delvegate who")


class Joins(RosterCase):
    def test_joins_and_leaves_are_told_to_everybody_else(self):
        bob = self.dap("bob")
        mark = bob.mark()
        olga = self.dap("olga")
        self.told(bob, r"(?m)^olga joined with Visual Studio Code \(observer\)$", mark)
        carol = Terminal(self, [self.delve.dlv, "connect", self.addresses["carol"]])
        self.told(bob, r"(?m)^carol joined with dlv \(debugger\)$", mark)
        self.told(olga, r"(?m)^carol joined with dlv \(debugger\)$")
        carol.end()
        self.told(bob, r"(?m)^carol left$", mark)
        olga.close()
        self.told(bob, r"(?m)^olga left$", mark)
        self.assertFalse([line for line in self.lines(bob) if re.search("bob (joined|left)", line)])
        self.assertFalse([line for line in self.lines(olga) if "olga" in line])

    def test_windows_of_one_person_are_told_once(self):
        bob = self.dap("bob")
        mark = bob.mark()
        windows = [self.dap("olga") for _ in range(3)]
        second = self.rpc("olga")
        second.state()
        self.told(bob, r"(?m)^olga is here with a JSON-RPC client, too$|^olga joined with Visual Studio Code, a JSON-RPC client ", mark)
        second.close()
        windows[0].close()
        windows[1].close()
        self.dap("rita")
        self.told(bob, r"(?m)^rita joined", mark)
        self.assertEqual(sum("olga joined" in line for line in self.lines(bob, mark)), 1)
        self.assertFalse([line for line in self.lines(bob, mark) if "olga left" in line])
        windows[2].close()
        self.told(bob, r"(?m)^olga left$", mark)

    def test_a_link_that_is_down_is_neither(self):
        bob = self.dap("bob")
        way = cutting.Way(self, self.gateway.port)
        olga = Dap(self, self.connect(way, "olga", name="through-way").address)
        olga.attach(stopOnEntry=True)
        self.told(bob, "(?m)^olga joined")
        mark = bob.mark()
        way.shut()
        waiting.until("its link is down", lambda: re.search(rf"(?m)^olga with .*, link down {SINCE}$", self.type(bob, "delvegate who")))
        way.reopen()
        waiting.until("it is back", lambda: "link down" not in self.type(bob, "delvegate who"))
        self.caught_up(olga)
        self.dap("rita")
        self.told(bob, "(?m)^rita joined", mark)
        self.assertFalse([line for line in self.lines(bob, mark) if line.startswith("olga")])

    def test_breakpoints_of_others(self):
        bob = self.dap("bob")
        carol = self.dap("carol")
        mark, other = bob.mark(), carol.mark()
        self.alice.set_breakpoint(debuggee.MAIN, TICK)
        self.told(bob, rf"(?m)^alice set a breakpoint at main\.go:{TICK}$", mark)
        self.points(carol, {"line": USE}, {"line": SLEEP}, {"line": FILL, "logMessage": "at {i}"})
        for line in (USE, SLEEP):  # in one, if dlv is as quick as that
            self.told(bob, rf"(?m)^carol set (a breakpoint|2 breakpoints) at (.*, )?main\.go:{line}(,|$)", mark)
        self.told(bob, rf"(?m)^carol set a logpoint at main\.go:{FILL}$", mark)
        self.points(carol, {"line": USE, "condition": "sum > 5"})
        self.told(bob, rf"(?m)^carol cleared a breakpoint at main\.go:{SLEEP}$", mark)
        self.caught_up(carol)
        self.assertFalse([line for line in self.lines(carol, other) if line.startswith("carol")])
        self.assertFalse([m for m in bob.messages if m.get("event") == "breakpoint"], "foreign ids are none of an IDE's business")
        # A JSON-RPC client sees whose is whose when it asks.
        self.assertIn("set by carol", str(self.alice.call("ListBreakpoints")["Breakpoints"]))


class LateJoiner(RosterCase):
    def at_a_stop_with_output(self):
        self.to_tick()
        self.alice.call("Set", {"Scope": forms.SCOPE, "Symbol": "main.wish", "Value": str(FLOOD)})
        self.alice.command("continue")
        self.printed = self.dap("rita")
        waiting.until("the gateway has the output", lambda: "flood 1999 " in self.type(self.printed, "delvegate output 3"))

    def test_learns_who_is_here_and_what_was_printed(self):
        self.at_a_stop_with_output()
        before = self.alice.state()
        carol = self.dap("carol")
        self.caught_up(carol)
        lines = self.lines(carol)
        here = lines.index("Here with you:")
        self.assertRegex(lines[here + 1], rf"^  alice with a JSON-RPC client \(admin\), {SINCE}$")
        self.assertRegex(lines[here + 2], rf"^  rita with Visual Studio Code \(reader\), {SINCE}$")
        self.assertRegex(lines[here + 3], rf"^alice has the baton of app {SINCE}")
        self.assertEqual(lines[here + 4], f"Breakpoints of others: alice's breakpoint at main.go:{TICK}.")
        self.assertEqual(lines[here + 5], "Earlier output of the program, its last 20 lines:")
        self.assertEqual([line.split(" x")[0] for line in lines[here + 6:here + 26]], [f"  | flood {n}" for n in range(1980, 2000)])
        # The stop came first, the others' news never again, and the program has not moved for it.
        kinds = [m.get("event") for m in carol.messages]
        self.assertLess(kinds.index("stopped"), next(i for i, m in enumerate(carol.messages)
                                                     if m.get("event") == "output" and "Here with you" in m["body"]["output"]))
        self.assertNotIn("continued", kinds)
        self.assertEqual(self.alice.state(), before)
        self.told(self.printed, "(?m)^carol joined")
        self.caught_up(carol)
        self.assertFalse([line for line in self.lines(carol) if re.search("(alice|rita) joined", line)])

    def test_output_is_for_who_may_read_values(self):
        self.at_a_stop_with_output()
        olga = self.dap("olga")
        self.caught_up(olga)
        self.assertIn("Here with you:", self.lines(olga))
        self.assertFalse([line for line in self.lines(olga) if "flood" in line or "Earlier output" in line])
        self.assertIn("olga may not do output on app: it needs read", olga.error("evaluate", {"expression": "delvegate output", "context": "repl"}))

    def test_a_running_program_is_not_halted_for_it(self):
        self.to_tick()
        running = self.run_on(self.alice)
        rita = self.dap("rita")
        self.told(rita, "Here with you:")
        self.told(rita, r"(?m)^  \| started with one two words$")
        self.assertTrue(self.alice.state()["Running"])
        self.assertNotIn("stopped", [m.get("event") for m in rita.messages])
        self.alice.command("halt")
        self.alice.result(running)

    def test_who_is_alone_is_told_nothing(self):
        self.alice.close()
        waiting.until("she has left", lambda: "alice" not in self.delvegate("sessions"))
        bob = self.dap("bob")
        self.caught_up(bob)
        self.assertFalse([line for line in self.lines(bob) if re.search("Here with you|baton|Breakpoints of others", line)])


class Words(RosterCase):
    def test_who(self):
        self.to_tick()
        bob = self.dap("bob")
        said = self.type(bob, "delvegate who")
        self.assertRegex(said, rf"(?m)^alice with a JSON-RPC client \(admin\), {SINCE}$")
        self.assertRegex(said, rf"(?m)^bob with Visual Studio Code \(developer\), {SINCE}$")
        self.assertRegex(said, rf"(?m)^alice has the baton of app {SINCE}")
        value = self.alice.call("Eval", {"Scope": forms.SCOPE, "Expr": "delvegate who", "Cfg": forms.LOAD})["Variable"]["value"]
        self.assertIn("bob with Visual Studio Code (developer)", value)
        terminal = Terminal(self, [self.delve.dlv, "connect", self.addresses["olga"]]).prompt()
        self.assertIn("olga with dlv (observer)", terminal.run("print delvegate who"))

    def test_output(self):
        self.to_tick()
        bob = self.dap("bob")
        waiting.until("it has printed", lambda: "said on stderr" in self.type(bob, "delvegate output"))
        self.assertRegex(self.type(bob, "delvegate output 1"), r"^Earlier output of the program, its last 1 line:\n  \| .*$")
        for wrong in ("0", "-1", "x", "5x", "10001"):
            self.assertIn("how many lines?", bob.error("evaluate", {"expression": "delvegate output " + wrong, "context": "repl"}))

    def test_a_name_that_an_ide_gives_itself_is_shown_as_text(self):
        bob = self.dap("bob")
        mark = bob.mark()
        evil = Dap(self, self.addresses["olga"])
        evil.call("initialize", {"adapterID": "go", "pathFormat": "path", "linesStartAt1": True, "columnsStartAt1": True, "clientName": "VS\n\u001b[31mCode\u202e" + "ä" * 100})
        evil.send("attach", {"mode": "remote", "request": "attach"})
        evil.event("initialized")
        evil.call("configurationDone")
        _, message = self.told(bob, "(?m)^olga joined with", mark)
        said = next(line for line in message["body"]["output"].splitlines() if line.startswith("olga"))
        self.assertRegex(said, r"^olga joined with VS  \[31mCode ä+… \(observer\)$")
        self.assertLess(len(said.encode()), 120)


class Followers(RosterCase):
    def test_what_a_logpoint_writes_goes_to_its_owner_and_to_who_follows(self):
        self.run_on(self.alice)
        bob, carol, rita, olga = (self.dap(who) for who in ("bob", "carol", "rita", "olga"))
        self.assertIn("olga may not do follow on app: it needs read", olga.error("evaluate", {"expression": "delvegate follow bob", "context": "repl"}))
        self.assertIn("whom? delvegate follow USER", rita.error("evaluate", {"expression": "delvegate follow", "context": "repl"}))
        self.assertIn("logpoints of bob write is shown here", self.type(rita, "delvegate follow bob"))
        # In JSON-RPC nothing could be shown.
        self.assertIn("follow in VS Code or another DAP client", self.alice.error("Eval", {"Expr": "delvegate follow bob"}))
        marks = {one: one.mark() for one in (bob, carol, rita, olga)}
        self.points(bob, {"line": TICK, "logMessage": "n is {n}"})
        self.told(bob, r"^> \[Go 1\]: n is \d+\n$", marks[bob])
        _, seen = self.told(rita, r"^> bob \[Go 1\]: n is \d+\n$", marks[rita])
        self.assertEqual((seen["body"]["line"], seen["body"]["source"]["path"]), (TICK, debuggee.MAIN))
        self.assertEqual(self.type(rita, "delvegate unfollow bob"), "you follow nobody any more")
        quiet = rita.mark()
        self.told(bob, r"^> \[Go 1\]: n is \d+\n$", bob.mark())
        self.told(bob, r"^> \[Go 1\]: n is \d+\n$", bob.mark())
        for one in (carol, olga, rita):
            self.caught_up(one)
            start = quiet if one is rita else marks[one]
            self.assertFalse([line for line in self.lines(one, start) if "n is" in line])
        self.assertNotIn("stopped", [m.get("event") for m in rita.messages[marks[rita]:]])


class Pins(RosterCase):
    def listed(self):
        return {b["line"]: " ".join(b.get("VerboseDescr") or []) for b in self.alice.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0}

    def test_a_pinned_breakpoint_stays_and_stops_for_who_is_here(self):
        bob = self.dap("bob")
        self.points(bob, {"line": TICK}, {"line": USE})
        self.assertIn("bob has no breakpoint at main.go:1 (FILE:LINE); there are main.go:",
                      bob.error("evaluate", {"expression": "delvegate pin main.go:1", "context": "repl"}))
        self.assertEqual(self.type(bob, f"delvegate pin main.go:{USE}"), f"main.go:{USE} stays when you leave")
        self.assertRegex(self.type(bob, "delvegate pin"), rf"^pinned at app: bob's main\.go:{USE} \(\d+\)$")
        bob.close()
        waiting.until("the other one has gone", lambda: list(self.listed()) == [USE])
        self.assertEqual(self.listed(), {USE: "set by bob pinned"})
        carol = self.rpc("carol")
        point, = (b["id"] for b in carol.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0)
        for method in ("ClearBreakpoint", "ToggleBreakpoint"):
            self.assertIn("is bob's and pinned", carol.error(method, {"Id": point}))
        # It is nobody's who is here, and stops the program all the same.
        self.assertEqual(self.alice.command("continue")["currentThread"]["line"], USE)
        # An IDE that does not know of it leaves it where it is; one that sets it has it.
        bob = self.dap("bob")
        self.points(bob)
        self.assertEqual(list(self.listed()), [USE])
        self.points(bob, {"line": USE})
        self.assertEqual(self.listed(), {USE: "set by bob pinned"})
        self.points(bob)
        self.assertEqual(self.listed(), {})

    def test_by_the_command_and_whose_it_is(self):
        bob = self.rpc("bob")
        bob.state()
        mine = bob.set_breakpoint(debuggee.MAIN, TICK)["id"]
        theirs = self.alice.set_breakpoint(debuggee.MAIN, USE)["id"]
        self.assertRegex(self.delvegate("pin", "app", f"main.go:{USE}", who="bob", code=1), rf"the breakpoint at main\.go:{USE} is alice's, and theirs to pin")
        self.assertRegex(self.delvegate("pin", "app", "--breakpoint", str(theirs), who="bob", code=1), f"breakpoint {theirs} is alice's, and theirs to pin")
        self.assertRegex(self.delvegate("pin", "app", "--breakpoint", "4711", who="bob", code=1), "app has no breakpoint 4711")
        self.assertRegex(self.delvegate("pin", "app", f"main.go:{TICK}", who="olga", code=1), "olga may not do pin on app: it needs breakpoint, control")
        self.assertRegex(self.delvegate("pin", "app", who="olga"), "no breakpoint of app is pinned")
        self.assertRegex(self.delvegate("unpin", "app", who="bob", code=2), "which?")
        self.assertEqual(self.delvegate("pin", "app", "--breakpoint", str(mine), who="bob"), f"main.go:{TICK} stays when you leave\n")
        self.assertIn('"at":"main.go:%d"' % TICK, self.delvegate("pin", "app", "--output", "json", who="olga"))
        self.assertRegex(self.delvegate("unpin", "app", f"main.go:{TICK}", who="carol", code=1), r"is bob's, and theirs to unpin")
        # Of others with lifecycle, or on the node.
        self.assertEqual(self.delvegate("unpin", "app", f"main.go:{TICK}", who="alice"), f"bob's main.go:{TICK} goes when its owner leaves\n")
        self.assertEqual(self.delvegate("pin", "app", f"main.go:{TICK}", who="bob"), f"main.go:{TICK} stays when you leave\n")
        self.assertEqual(self.delvegate("unpin", "app", f"main.go:{TICK}"), f"bob's main.go:{TICK} goes when its owner leaves\n")

    def test_a_pinned_logpoint_stops_nobody_and_is_told_to_who_follows(self):
        running = self.run_on(self.alice)
        bob = self.dap("bob")
        self.points(bob, {"line": TICK, "logMessage": "n is {n}"}, {"line": SLEEP, "logMessage": "slept"})
        self.type(bob, f"delvegate pin main.go:{TICK}")
        bob.close()
        waiting.until("the other one has gone", lambda: list(self.listed()) == [TICK])
        rita = self.dap("rita")
        self.type(rita, "delvegate follow all")
        mark = rita.mark()
        self.told(rita, r"^> bob \[Go 1\]: n is \d+\n$", mark)
        self.assertNotIn("stopped", [m.get("event") for m in rita.messages[mark:]])
        self.assertTrue(self.alice.state()["Running"])
        self.alice.command("halt")
        self.alice.result(running)


class FirstAtABreakpoint(RosterCase):
    component_keys = {"batonFirst": "2s"}

    def test_for_as_long_as_is_configured(self):
        self.to_tick()
        bob = self.rpc("bob")
        bob.state()
        bob.set_breakpoint(debuggee.MAIN, USE)
        self.assertEqual(self.alice.command("continue")["currentThread"]["line"], USE)
        refused = self.alice.reply(self.alice.send("Command", {"name": "next"}))["error"]
        self.assertTrue(refused is None or "breakpoint of bob, who may run it first until" in str(refused), refused)
        waiting.until("it is the holder's again", lambda: self.alice.reply(self.alice.send("Command", {"name": "next"}))["error"] is None)


if __name__ == "__main__":
    unittest.main()
