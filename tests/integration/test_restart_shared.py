"""The program is restarted, or ends, under several people: everybody is told who did it, is in the new process, and has the
breakpoints they had."""

import os
import re
import shutil
import unittest

from harness import debuggee, headless, shared, views
from harness.forms import SCOPE
from harness.terminal import Terminal

TICK, USE, SLEEP = (debuggee.line(marker) for marker in ("tick", "use", "sleep"))
with open(debuggee.MAIN, encoding="utf-8") as text:
    DESCRIBE = 1 + next(number for number, line in enumerate(text, 1) if line.startswith("func describe("))
SOURCE = {"name": "main.go", "path": debuggee.MAIN}
RESTART = {"Position": "", "ResetArgs": False, "NewArgs": [], "Rebuild": False, "NewRedirects": ["", "", ""]}


class RestartShared(shared.SharedCase):
    """alice and carol by JSON-RPC, bob and dave by DAP."""

    def headless(self, **more):
        # A copy: one test puts another in its place.
        mine = os.path.join(self.directory, "program")
        shutil.copy(self.program, mine)
        return headless.Headless(self, self.delve, mine, **more)

    def setUp(self):
        super().setUp()
        self.alice, self.carol = self.rpc("alice"), self.rpc("carol")
        self.alice.state()
        self.points = {"alice": self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"],
                       "carol": self.carol.set_breakpoint(debuggee.MAIN, DESCRIBE)["id"]}
        self.bob, self.dave = self.attached("bob", {"line": USE, "condition": "sum >= 0"}), self.attached("dave", {"line": SLEEP, "logMessage": "slept {n}"})

    def attached(self, who, *breakpoints):
        viewer = self.dap(who)

        def configure():
            shown = viewer.call("setBreakpoints", {"source": SOURCE, "breakpoints": list(breakpoints)})["breakpoints"]
            self.assertEqual([one["verified"] for one in shown], [True] * len(shown), shown)
            self.points[who] = shown[0]["id"]
        viewer.attach(configure, stopOnEntry=True)
        viewer.stopped()
        return viewer

    def said(self, viewer, text, start=0):
        return viewer.wait(text, lambda m: m.get("event") == "output" and re.search(text, m["body"]["output"]), start)

    def go(self, mark=None):
        """alice continues: whose breakpoint it is that she comes to."""
        marks = [(viewer, viewer.mark()) for viewer in (self.bob, self.dave)]
        state = self.alice.command("continue")
        told = [viewer.stopped(mark)[1] for viewer, mark in marks]
        self.carol.state()
        return state, told

    def assert_as_before(self):
        """A round of the program's loop: alice's, bob's, and dave's message."""
        mark = self.dave.mark()
        state, told = self.go()
        self.assertEqual((state["currentThread"]["line"], state["currentThread"]["breakPoint"]["id"]), (TICK, self.points["alice"]))
        state, told = self.go()
        self.assertEqual((state["currentThread"]["line"], told[0]["hitBreakpointIds"]), (USE, [self.points["bob"]]))
        state, told = self.go()
        self.assertEqual(state["currentThread"]["line"], TICK)
        self.said(self.dave, r"slept \d+", mark)
        lines = sorted(b["line"] for b in self.truth.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0)
        self.assertEqual(len(lines), 4)
        self.assertEqual(views.position(self.carol.state()), views.position(self.truth.state()))
        self.alice.call("Set", {"Scope": SCOPE, "Symbol": "main.wish", "Value": "6"})
        while True:
            state, _ = self.go()
            if state["currentThread"]["function"]["name"] == "main.describe":
                break
        self.carol.state()
        self.assertEqual(state["currentThread"]["breakPoint"]["id"], self.points["carol"])

    def restarted_by(self, who, restart):
        before = self.truth.state()["Pid"]
        marks = [(viewer, viewer.mark()) for viewer in (self.bob, self.dave)]
        restart()
        for viewer, mark in marks:
            self.said(viewer, f"^{who} restarted the program", mark)
            self.assertEqual(viewer.stopped(mark)[1]["reason"], "entry")
        pid = self.truth.state()["Pid"]
        self.assertNotEqual(pid, before)
        return pid

    def test_by_one_of_them(self):
        self.go()
        pid = self.restarted_by("alice", lambda: self.assertEqual(self.alice.call("Restart", RESTART), {"DiscardedBreakpoints": []}))
        # Who is not told in their protocol is, as soon as they ask for what was there before.
        self.assertRegex(self.carol.error("Eval", {"Scope": SCOPE, "Expr": "main.wish"}), "the program was restarted since you were told: .* for alice")
        self.assertEqual((self.alice.state()["Pid"], self.carol.state()["Pid"]), (pid, pid))
        self.assert_as_before()

    def test_in_dlv_connect(self):
        self.go()
        dlv = Terminal(self, [self.delve.dlv, "connect", self.address("carol")]).prompt()
        self.restarted_by("carol", lambda: self.assertRegex(dlv.run("restart"), r"Process restarted with PID \d+"))
        self.alice.state()
        self.carol.state()
        self.assert_as_before()

    def test_of_an_ide_s_session(self):
        """VS Code's Restart: it ends its session and makes another, with what it had."""
        self.go()
        before = self.truth.state()["Pid"]
        self.bob.call("disconnect", {"restart": True, "terminateDebuggee": True})
        self.bob.wait_closed()
        self.bob = self.attached("bob", {"line": USE, "condition": "sum >= 0"})
        self.assertEqual(self.truth.state()["Pid"], before)
        state, told = self.go()
        self.assertEqual((state["currentThread"]["line"], told[0]["hitBreakpointIds"]), (USE, [self.points["bob"]]))
        self.assertEqual(len([b for b in self.truth.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]), 4)

    def test_it_ends_and_is_restarted(self):
        self.go()
        self.alice.call("Set", {"Scope": SCOPE, "Symbol": "main.wish", "Value": "1"})
        for viewer in (self.bob, self.dave):
            viewer.call("setBreakpoints", {"source": SOURCE, "breakpoints": []})
        self.alice.call("ClearBreakpoint", {"Id": self.points["alice"]})
        marks = [(viewer, viewer.mark()) for viewer in (self.bob, self.dave)]
        waits = self.alice.resume()
        self.assertTrue(self.alice.result(waits)["State"]["exited"])
        for viewer, mark in marks:
            self.assertEqual(viewer.event("exited", mark)[1]["body"]["exitCode"], 3)
            viewer.event("terminated", mark)
        self.assertRegex(self.carol.error("State"), r"Process \d+ has exited with status 3")
        self.carol.call("Restart", RESTART)
        self.assertFalse(self.alice.state()["exited"])
        self.assertEqual(self.alice.state()["Pid"], self.truth.state()["Pid"])
        # carol's breakpoint is there yet.
        self.assertIn(self.points["carol"], [b["id"] for b in self.alice.call("ListBreakpoints")["Breakpoints"]])

    def test_what_is_not_in_the_new_build_is_told_to_its_owner(self):
        elsewhere = os.path.join(self.directory, "elsewhere")
        shutil.copytree(debuggee.SOURCE, elsewhere)
        other = debuggee.build(self.delve, elsewhere)
        self.addCleanup(os.remove, other)
        os.replace(shutil.copy(other, os.path.join(self.directory, "new")), os.path.join(self.directory, "program"))
        marks = [(viewer, viewer.mark()) for viewer in (self.bob, self.dave)]
        discarded = self.alice.call("Restart", RESTART)["DiscardedBreakpoints"]
        self.assertEqual({one["Breakpoint"]["line"] for one in discarded}, {TICK, USE, SLEEP, DESCRIBE})
        for viewer, mark in marks:
            changed = viewer.event("breakpoint", mark)[1]["body"]
            self.assertFalse(changed["breakpoint"]["verified"])
            self.assertRegex(changed["breakpoint"]["message"], "could not be set again after the restart: .*")
        self.assertEqual([b for b in self.alice.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0], [])
        # What is set now is of the new build.
        there = self.alice.set_breakpoint(os.path.join(elsewhere, "main.go"), TICK)["id"]
        self.assertEqual(self.alice.command("continue")["currentThread"]["breakPoint"]["id"], there)


if __name__ == "__main__":
    unittest.main()
