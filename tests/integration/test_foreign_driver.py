"""Somebody speaks with a dlv of kind `connect` directly, behind the gateway's back: it is noticed, everybody is told, and
the session goes on with what is true then."""

import re
import unittest

from harness import debuggee, shared, views
from harness.forms import LOAD, SCOPE
from harness.rpc import Rpc

TICK = debuggee.line("tick")
USE = debuggee.line("use")
OUTSIDER = "somebody outside delvegate"
RESTART = {"Position": "", "ResetArgs": False, "NewArgs": [], "Rebuild": False, "NewRedirects": ["", "", ""]}


class ForeignDriver(shared.SharedCase):
    def setUp(self):
        super().setUp()
        self.alice = self.rpc("alice")
        self.alice.state()
        self.point = self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"]
        self.bob = self.dap("bob")
        self.bob.attach(stopOnEntry=True)
        mark = self.bob.mark()
        self.alice.command("continue")
        self.bob.stopped(mark)
        self.stranger = Rpc(self, self.dlv.address)

    def said(self, text, start=0):
        return self.bob.wait(text, lambda m: m.get("event") == "output" and re.search(text, m["body"]["output"]), start)

    def clear_all(self, client):
        for point in client.call("ListBreakpoints")["Breakpoints"]:
            if point["id"] > 0:
                client.call("ClearBreakpoint", {"Id": point["id"]})

    def assert_all_true(self):
        self.until("alice sees it as it is", lambda: views.position(self.alice.state()) == views.position(self.truth.state()))
        goroutine = (self.truth.state().get("currentGoroutine") or {}).get("id", 1)
        looks = views.rpc_looks(goroutine, ["main.greeting", "n"])
        self.assertEqual(views.rpc_view(self.alice, looks), views.rpc_view(self.truth.client, looks))
        lines = [line for _, _, line in views.DapView(self.bob, goroutine, ["n"]).stack]
        self.assertEqual(lines[:2], [one["line"] for one in self.truth.call("Stacktrace", {"Id": goroutine, "Depth": 2})["Locations"]][:2])

    def test_moved_to_where_it_stood_or_elsewhere(self):
        for name in ("continue", "next"):
            with self.subTest(name):
                # The hub has looked once since the stop: then it knows how often dlv has come here.
                mark = self.bob.mark()
                self.until("it stands quietly", lambda: self.alice.state()["currentThread"]["line"] == TICK)
                self.watched()
                self.stranger.command(name)
                self.bob.event("continued", mark)
                self.said(OUTSIDER + " runs the program", mark)
                self.bob.stopped(mark)
                self.said("Stopped for " + OUTSIDER, mark)
                self.assertRegex(self.alice.error("Eval", {"Scope": SCOPE, "Expr": "n", "Cfg": LOAD}), "has moved since you were told: .* for " + OUTSIDER)
                self.assert_all_true()

    def watched(self):
        """Until the gateway has asked dlv twice more."""
        asked = self.questions()
        self.until("the gateway looks at dlv", lambda: self.questions() >= asked + 2)

    def questions(self):
        return len(re.findall(r"RPCServer\.State", self.dlv.process.errors()))

    def headless(self, **more):
        more["log"] = "debugger,rpc"
        return super().headless(**more)

    def test_run_on_and_halted(self):
        self.clear_all(self.alice)
        mark = self.bob.mark()
        running = self.stranger.resume()
        self.bob.event("continued", mark)
        self.said(OUTSIDER + " runs the program", mark)
        self.assertTrue(self.alice.state()["Running"])
        self.assertIn(OUTSIDER + " runs the program since", self.alice.error("Eval", {"Scope": SCOPE, "Expr": "n", "Cfg": LOAD}))
        self.bob.call("pause", {"threadId": 1})
        mark, stopped = self.bob.stopped(mark)
        self.assertEqual(stopped["reason"], "pause")
        self.stranger.result(running)
        self.assert_all_true()
        # And the other way round: what alice runs, a stranger halts.
        running = self.alice.resume()
        self.until_running()
        self.stranger.command("halt")
        self.assertFalse(self.alice.result(running)["State"]["Running"])
        self.assertEqual(self.bob.stopped(mark)[1]["reason"], "pause")
        self.said("Stopped for " + OUTSIDER, mark)
        self.assert_all_true()

    def test_breakpoints(self):
        mark = self.bob.mark()
        self.clear_all(self.stranger)
        self.said(f"{OUTSIDER} cleared what is set again: .*main.go:{TICK} of alice", mark)
        self.assertEqual([b["line"] for b in self.truth.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0], [TICK])
        self.assertEqual(self.alice.command("continue")["currentThread"]["breakPoint"]["id"], self.point)
        strange = self.stranger.set_breakpoint(debuggee.MAIN, USE)["id"]
        self.said(f"{OUTSIDER} set .*main.go:{USE}; it is nobody's here", mark)
        self.assertEqual({b["line"] for b in self.alice.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0}, {TICK, USE})
        self.assertEqual(self.alice.command("continue")["currentThread"]["line"], USE)
        self.stranger.call("ClearBreakpoint", {"Id": strange})
        self.until("it is gone for alice, too", lambda: [b["line"] for b in self.alice.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0] == [TICK])

    exited = False

    def restarted(self, mark):
        before = None if self.exited else self.truth.state()["Pid"]
        self.stranger.call("Restart", RESTART)
        self.until("alice sees the new process", lambda: self.alice.reply(self.alice.send("State", {"NonBlocking": True}))["error"] is None and
                   self.alice.state()["Pid"] not in (0, before))
        if not self.exited:
            self.said(OUTSIDER + " restarted the program", mark)
            self.assertEqual(self.bob.stopped(mark)[1]["reason"], "entry")
        self.assertEqual(self.alice.state()["Pid"], self.truth.state()["Pid"])
        state = self.alice.command("continue")
        self.assertEqual((state["currentThread"]["line"], state["currentThread"]["breakPoint"]["id"]), (TICK, self.point))

    def test_restarted(self):
        self.restarted(self.bob.mark())
        self.assert_all_true()

    def test_ended_and_restarted(self):
        mark = self.bob.mark()
        self.stranger.call("Set", {"Scope": SCOPE, "Symbol": "main.wish", "Value": "1"})
        while True:  # the gateway may set it again in between
            self.clear_all(self.stranger)
            if self.stranger.command("continue")["exited"]:
                break
        self.assertEqual(self.bob.event("exited", mark)[1]["body"]["exitCode"], 3)
        self.bob.event("terminated", mark)
        self.assertIn("has exited with status 3", self.alice.error("State", {"NonBlocking": True}))
        self.exited = True
        self.restarted(mark)


if __name__ == "__main__":
    unittest.main()
