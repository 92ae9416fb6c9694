"""After each stop everybody sees the same, and it is what dlv itself says: positions, stacks, scopes, variables and
evaluations of every client are compared with those of a direct connection of the same protocol."""

import unittest

from harness import debuggee, shared, views

TICK = debuggee.line("tick")
USE = debuggee.line("use")
EXPRESSIONS = ["main.greeting", "main.ratio", "n", "p", "p.Labels[\"app\"]", "sum", "sum + 1", "nothing", "n >"]
# Each by another one. `pause` is a run without breakpoints that somebody else pauses.
MOVES = ["continue", "next", "continue", "stepIn", "stepOut", "next", "pause", "continue", "stepIn", "stepInstruction"] * 3
RPC_NAMES = {"stepIn": "step"}


class OneTruth(shared.SharedCase):
    def setUp(self):
        super().setUp()
        self.clients = [self.rpc("alice"), self.rpc("bob")]
        self.clients[0].state()
        self.clients[0].set_breakpoint(debuggee.MAIN, TICK)
        self.clients[0].command("continue")
        self.viewers = [self.dap("alice"), self.dap("carol")]
        for viewer in self.viewers:
            viewer.attach()
            viewer.stopped()
        self.window = shared.SharedDap(self, self.dlv.address, "nobody")
        self.window.attach_only()
        self.everybody = [self.clients[0], self.viewers[0], self.clients[1], self.viewers[1]]

    def run_by(self, one, move):
        """Sends it, in the client's protocol; a JSON-RPC client's request ends with the stop."""
        goroutine = (self.truth.state().get("currentGoroutine") or {}).get("id", 1)
        if isinstance(one, shared.SharedRpc):
            return one.resume(RPC_NAMES.get(move, move))
        arguments = {"threadId": goroutine}
        if move == "stepInstruction":
            move, arguments["granularity"] = "next", "instruction"
        return one.send(move, arguments)

    def pause_by(self, one):
        if isinstance(one, shared.SharedRpc):
            one.command("halt")
        else:
            one.call("pause", {"threadId": 1})

    def move(self, one, other, move):
        """`one` runs the target, to the next stop, which everybody is told of."""
        marks = {viewer: viewer.mark() for viewer in self.viewers}
        waiting = {client: client.send("State", {"NonBlocking": True}) for client in self.clients}
        for client, number in waiting.items():
            client.result(number)
        if move == "pause":
            point, = [b["id"] for b in self.clients[0].call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]
            self.clients[0].call("ClearBreakpoint", {"Id": point})
            number = self.run_by(one, "continue")
            self.until_running()
            held = {client: client.send("State", {"NonBlocking": False}) for client in self.clients}
            self.pause_by(other)
        else:
            number = self.run_by(one, move)
            held = {}
        if isinstance(one, shared.SharedRpc):
            one.result(number)
        else:
            self.assertTrue(one.response(number)["success"])
        for viewer, mark in marks.items():
            viewer.stopped(mark)
        for client in self.clients:
            state = client.result(held[client])["State"] if client in held else client.call("State")["State"]
            self.assertEqual(views.position(state), views.position(self.truth.state()))
        if move == "pause":
            self.clients[0].set_breakpoint(debuggee.MAIN, TICK)
        return {viewer: viewer.events(mark) for viewer, mark in marks.items()}

    def compare(self):
        """Everybody with dlv; returns what they saw."""
        state = self.truth.state()
        goroutine = (state.get("currentGoroutine") or {}).get("id", 1)
        looks = views.rpc_looks(goroutine, EXPRESSIONS)
        expected = views.rpc_view(self.truth.client, looks)
        self.assertIn("hello", [seen["Variable"]["value"] for method, _, seen in expected if method == "Eval" and "Variable" in seen])
        for client in self.clients:
            client.state()  # who has not asked since the target moved is told that first
            for mine, true in zip(views.rpc_view(client, looks), expected):
                self.assertEqual(mine, true, f"{client.who}, JSON-RPC")
        direct = views.DapView(self.window, goroutine, EXPRESSIONS)
        frames = expected[0][2]["Locations"]
        self.assertEqual([(line, path) for _, path, line in direct.stack],
                         [(frame["line"], frame["file"]) for frame in frames[:len(direct.stack)]])
        shown = {}
        for viewer in self.viewers:
            shown[viewer] = views.DapView(viewer, goroutine, EXPRESSIONS)
            for mine, true in zip(shown[viewer].seen, direct.seen):
                self.assertEqual(mine, true, f"{viewer.who}, DAP")
            self.assertEqual(len(shown[viewer].seen), len(direct.seen))
        return shown

    def assert_stale(self, viewer, old):
        """What an earlier stop gave out is refused, and never taken for something of this one."""
        for command, key, values in (("scopes", "frameId", old.frames[:2]), ("variables", "variablesReference", old.references[:3])):
            for value in values:
                self.assertRegex(viewer.error(command, {key: value}), "earlier stop")
        self.assertRegex(viewer.error("evaluate", {"expression": "main.greeting", "frameId": old.frames[0]}), "earlier stop")

    def test_every_stop(self):
        shown = self.compare()
        drivers = self.everybody if not self.one_at_a_time else [one for one in self.everybody if one.who == "alice"]
        for turn, move in enumerate(MOVES):
            one, other = drivers[turn % len(drivers)], self.everybody[(turn + 1) % 4]
            with self.subTest(turn=turn, move=move, by=one.who):
                told = self.move(one, other, move)
                for viewer, events in told.items():
                    self.assertEqual([name for name, _ in events if name == "stopped"], ["stopped"], events)
                    # A `continue` of one's own is told by its answer.
                    own_answer = viewer is one and move in ("continue", "pause")
                    self.assertEqual([name for name, _ in events].count("continued"), 0 if own_answer else 1, events)
                old, shown = shown, self.compare()
                for viewer in self.viewers:
                    self.assert_stale(viewer, old[viewer])
                self.assert_each_answered_once(self.everybody)

    def test_what_one_writes_all_see(self):
        writer = self.clients[1]
        writer.state()
        writer.call("Set", {"Scope": {"GoroutineID": 1, "Frame": 0}, "Symbol": "sum", "Value": "4711"})
        self.compare()
        viewer = self.viewers[1]
        frame = viewer.call("stackTrace", {"threadId": 1, "levels": 1})["stackFrames"][0]["id"]
        scope = viewer.call("scopes", {"frameId": frame})["scopes"][0]["variablesReference"]
        viewer.call("setVariable", {"variablesReference": scope, "name": "sum", "value": "4712"})
        self.compare()
        for client in self.clients:
            value = client.call("Eval", {"Scope": {"GoroutineID": 1, "Frame": 0}, "Expr": "sum", "Cfg": views.LOAD})
            self.assertEqual(value["Variable"]["value"], "4712")

    def test_after_a_restart(self):
        """At its entry the new process has no stack to show; that spoils nothing that is shown later."""
        self.compare()
        marks = {viewer: viewer.mark() for viewer in self.viewers}
        self.clients[1].call("Restart", {"Position": "", "ResetArgs": False, "NewArgs": [], "Rebuild": False, "NewRedirects": ["", "", ""]})
        for viewer, mark in marks.items():
            self.assertEqual(viewer.stopped(mark)[1]["reason"], "entry")
        self.assertRegex(self.viewers[0].error("stackTrace", {"threadId": 1}), "unknown goroutine")
        marks = {viewer: viewer.mark() for viewer in self.viewers}
        self.viewers[0].call("continue", {"threadId": 1})
        for viewer, mark in marks.items():
            self.assertEqual(viewer.stopped(mark)[1]["reason"], "breakpoint")
        self.compare()

    def test_while_it_runs_nobody_is_shown_anything_old(self):
        shown = self.compare()
        point, = [b["id"] for b in self.clients[0].call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]
        self.clients[0].call("ClearBreakpoint", {"Id": point})
        running = self.clients[0].resume()
        self.until_running()
        for client in self.clients:
            self.assertTrue(client.state()["Running"])
            for method, argument in views.rpc_looks(1, ["main.greeting"], 1):
                self.assertRegex(client.error(method, argument), "alice runs the program since")
        for viewer in self.viewers:
            self.assertEqual(viewer.call("threads")["threads"], [{"id": -1, "name": "Current"}])
            for command, arguments in (("stackTrace", {"threadId": 1}), ("scopes", {"frameId": shown[viewer].frames[0]}),
                                       ("variables", {"variablesReference": shown[viewer].references[0]}),
                                       ("evaluate", {"expression": "main.greeting", "frameId": shown[viewer].frames[0]})):
                self.assertIn("running", viewer.error(command, arguments))
        self.viewers[1].call("pause", {"threadId": 1})
        self.assertEqual(views.position(self.clients[0].result(running)["State"]), views.position(self.truth.state()))
        self.compare()


if __name__ == "__main__":
    unittest.main()
