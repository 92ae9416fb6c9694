"""What somebody calls or writes in the program is everybody's: told, limited in time, for who has the baton, and nobody's
view is left untrue by it."""

import re
import unittest

from harness import debuggee, shared, views
from harness.dap import INITIALIZE
from harness.forms import LOAD, SCOPE

TICK = debuggee.line("tick")
EXPRESSIONS = ["main.greeting", "n", "p", "sum"]
OUTSIDE = (1, 27, 1)  # the last Delve that sets variables in the topmost frame, whatever frame they are shown in


class Calls(shared.SharedCase):
    run_control = "baton"
    limits = {}

    def serve(self, *components, **more):
        return super().serve(*components, **(dict(more, limits=self.limits) if self.limits else more))

    def setUp(self):
        super().setUp()
        self.alice = self.rpc("alice")
        self.alice.state()
        self.point = self.alice.set_breakpoint(debuggee.MAIN, TICK)["id"]
        self.bob = self.dap("bob")
        self.bob.attach(stopOnEntry=True)
        self.mine = self.dap("alice")
        self.mine.attach(stopOnEntry=True)
        mark = self.bob.mark()
        self.alice.command("continue")
        self.bob.stopped(mark)
        self.mine.stopped(mark)

    def called(self, client, expression, goroutine=1):
        return client.send("Command", {"name": "call", "expr": expression, "goroutineID": goroutine, "ReturnInfoLoadConfig": LOAD})

    def typed(self, viewer, expression):
        return viewer.send("evaluate", {"expression": "call " + expression, "context": "repl"})

    def said(self, viewer, text, start=0):
        return viewer.wait(text, lambda m: m.get("event") == "output" and re.search(text, m["body"]["output"]), start)

    def variables(self, viewer, goroutine=1, frame=0):
        stack = viewer.call("stackTrace", {"threadId": goroutine, "startFrame": 0, "levels": 20})["stackFrames"]
        found = {}
        for scope in viewer.call("scopes", {"frameId": stack[frame]["id"]})["scopes"]:
            for one in viewer.call("variables", {"variablesReference": scope["variablesReference"]})["variables"]:
                found[one["name"]] = dict(one, scope=scope["variablesReference"])
        return found

    def assert_all_true(self):
        """Everybody sees what dlv itself says."""
        state = self.truth.state()
        goroutine = (state.get("currentGoroutine") or {}).get("id", 1)
        looks = views.rpc_looks(goroutine, EXPRESSIONS)
        self.assertEqual(views.position(self.alice.state()), views.position(state))
        self.assertEqual(views.rpc_view(self.alice, looks), views.rpc_view(self.truth.client, looks))
        window = shared.SharedDap(self, self.dlv.address, "nobody")
        window.attach_only()
        expected = views.DapView(window, goroutine, EXPRESSIONS).seen
        window.close()
        for viewer in (self.bob, self.mine):
            self.assertEqual(views.DapView(viewer, goroutine, EXPRESSIONS).seen, expected, viewer.who)

    def told_of_a_run(self, viewer, by, mark):
        viewer.event("continued", mark)
        self.said(viewer, f"^{by} runs the program", mark)
        return viewer.stopped(mark)[1]


class Shared(Calls):
    def test_they_need_the_baton_and_are_told_to_everybody(self):
        carol = self.rpc("carol")
        carol.state()
        self.assertIn("alice has the baton", carol.reply(self.called(carol, "main.callsTick()"))["error"])
        for command, arguments in (("evaluate", {"expression": "call main.callsTick()", "context": "repl"}),
                                   ("setVariable", {"variablesReference": self.variables(self.bob)["sum"]["scope"], "name": "sum", "value": "1"})):
            self.assertIn("alice has the baton", self.bob.error(command, arguments))
        mark = self.bob.mark()
        state = self.alice.result(self.called(self.alice, 'main.describe("called", 7)'))["State"]
        self.assertEqual(state["currentThread"]["ReturnValues"][0]["value"], "called-7")
        self.told_of_a_run(self.bob, "alice", mark)
        self.assert_all_true()
        mark = self.bob.mark()
        self.assertIn("typed-8", self.mine.response(self.typed(self.mine, 'main.describe("typed", 8)'))["body"]["result"])
        self.told_of_a_run(self.bob, "alice", mark)
        self.assert_all_true()
        # Of what it stood at before, carol was told; where it stands now, not.
        self.assertIn("the program has moved since you were told", carol.error("Eval", {"Scope": SCOPE, "Expr": "sum", "Cfg": LOAD}))

    def test_paused_by_somebody_else(self):
        mark, mine = self.bob.mark(), self.mine.mark()
        calling = self.called(self.alice, "main.slow(600)")
        self.bob.event("continued", mark)
        self.until_running()
        self.bob.call("pause", {"threadId": 1})
        self.assertEqual(self.bob.stopped(mark)[1]["reason"], "pause")
        self.assertFalse(self.alice.result(calling)["State"]["Running"])
        self.said(self.mine, "Stopped for bob", mine)
        self.assert_all_true()

    def test_what_is_set_is_shown_again(self):
        plain = self.dap("dave")  # an IDE that does not know the event
        plain.call("initialize", dict(INITIALIZE, supportsInvalidatedEvent=False))
        plain.call("attach", {"mode": "remote", "request": "attach"})
        plain.call("configurationDone")
        plain.stopped()
        before, marks = self.variables(self.bob), {one: one.mark() for one in (self.bob, self.mine, plain)}
        reference = before["p"]["variablesReference"]
        self.alice.call("Set", {"Scope": {"GoroutineID": 1, "Frame": 0}, "Symbol": "sum", "Value": "4711"})
        for viewer in (self.bob, self.mine):
            self.assertEqual(viewer.event("invalidated", marks[viewer])[1]["body"], {"areas": ["variables"]})
        again = plain.stopped(marks[plain])[1]
        self.assertEqual((again["reason"], again.get("preserveFocusHint")), ("breakpoint", True))
        # dlv would answer with what it has kept.
        self.assertRegex(self.bob.error("variables", {"variablesReference": before["sum"]["scope"]}), "earlier stop")
        self.assertRegex(self.bob.error("variables", {"variablesReference": reference}), "earlier stop")
        for viewer in (self.bob, plain):
            self.assertEqual(self.variables(viewer)["sum"]["value"], "4711")
        self.assert_all_true()

    def test_a_string_is_set_where_it_is_shown(self):
        mark = self.bob.mark()
        shown = self.variables(self.mine)["p"]["variablesReference"]
        self.mine.call("setVariable", {"variablesReference": shown, "name": "Name", "value": '"changed"'})
        self.told_of_a_run(self.bob, "alice", mark)
        value = self.truth.call("Eval", {"Scope": {"GoroutineID": 1, "Frame": 0}, "Expr": "p.Name", "Cfg": LOAD})
        self.assertEqual(value["Variable"]["value"], "changed")
        self.assert_all_true()
        # `n` is in main, too; up to 1.27.1 dlv takes the one of the topmost frame.
        outer = self.variables(self.mine, frame=1)["n"]

        def values():
            return [self.truth.call("Eval", {"Scope": {"GoroutineID": 1, "Frame": frame}, "Expr": "n", "Cfg": LOAD})["Variable"]["value"] for frame in (0, 1)]
        expected = values()
        arguments = {"variablesReference": outer["scope"], "name": "n", "value": "4712"}
        if self.delve.version <= OUTSIDE:
            self.assertRegex(self.mine.error("setVariable", arguments), "in the topmost frame")
        else:
            self.mine.call("setVariable", arguments)
            expected[1] = "4712"
        self.assertEqual(values(), expected)


class Limited(Calls):
    limits = {"callTime": "2s"}
    WHY = "the call by alice was halted after 2s"

    def assert_stopped_within(self):
        """dlv has it on a goroutine of its own."""
        frames = []
        for one in self.truth.call("ListGoroutines", {"Start": 0, "Count": 0})["Goroutines"]:
            frames += self.truth.call("Stacktrace", {"Id": one["id"], "Depth": 10})["Locations"]
        self.assertIn("main.slow", [(one.get("function") or {}).get("name") for one in frames])

    def test_json_rpc(self):
        mark = self.bob.mark()
        calling = self.called(self.alice, "main.slow(600)")
        self.assertRegex(self.alice.reply(calling)["error"], self.WHY)
        stopped = self.told_of_a_run(self.bob, "alice", mark)
        self.assertEqual(stopped["reason"], "pause")
        self.assertRegex(stopped["description"], self.WHY)
        self.said(self.bob, self.WHY, mark)
        self.said(self.mine, self.WHY, mark)
        self.assert_stopped_within()
        self.assert_all_true()

    def test_dap(self):
        mark, mine = self.bob.mark(), self.mine.mark()
        self.variables(self.mine)
        calling = self.typed(self.mine, "main.slow(600)")
        self.assertFalse(self.mine.response(calling)["success"])
        self.assertEqual(self.told_of_a_run(self.bob, "alice", mark)["reason"], "pause")
        self.mine.stopped(mine)
        self.said(self.mine, self.WHY, mine)
        self.said(self.bob, self.WHY, mark)
        self.assert_stopped_within()
        # Its window goes on to look, with the references that dlv counts from the beginning again.
        self.assert_all_true()


if __name__ == "__main__":
    unittest.main()
