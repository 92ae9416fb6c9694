"""Requests in an order and at moments nobody would choose: nothing hangs, and the target ends where it was sent.
The order is random; the seed is in the failure and can be given in DELVEGATE_TEST_SEED.

A step is never halted here: dlv alone, without a gateway, gets into trouble when steps are halted and breakpoints
change in between (300 steps, 8 runs each: 1.27.1 crashed its program in 4, 1.20.2 ended every run with an internal
error)."""

import os
import random
import unittest

from harness import case, debuggee
from harness.rpc import Failed

TICK = debuggee.line("tick")
USE = debuggee.line("use")
CONDITIONS = {TICK: "n % 2 == 0", USE: "sum >= 0"}
ROUNDS = 150


class InAnyOrder(case.SessionCase):
    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("DELVEGATE_TEST_SEED", random.randrange(1 << 30)))
        self.random = random.Random(seed)
        self.steps = [f"DELVEGATE_TEST_SEED={seed}"]

    def note(self, step):
        self.steps.append(step)

    def explain(self, error):
        text = "\n".join([str(error), *self.steps[:1], *self.steps[-25:]])
        raise AssertionError(f"{text}\nthe program and dlv said:\n{self.endpoint.output()[:3000]}") from error

    def test_json_rpc(self):
        client = self.rpc()
        running = []     # ids of outstanding commands
        points = {}      # line -> id

        def settle():
            """Everything outstanding has its reply once the target stands."""
            self.note("halt")
            client.result(client.send("Command", {"name": "halt"}))
            for number in running:
                client.reply(number)
            running.clear()
            state = client.state()
            self.assertFalse(state["Running"], state)

        def toggle():
            toggle_line(self.random.choice([TICK, USE]))

        def toggle_line(line):
            if line in points:
                self.note(f"clear {line}")
                client.call("ClearBreakpoint", {"Id": points.pop(line)})
            else:
                self.note(f"break {line}")
                points[line] = client.set_breakpoint(debuggee.MAIN, line, Cond=self.random.choice(["", CONDITIONS[line]]))["id"]

        def resume():
            if running:
                return
            self.note("continue")
            running.append(client.resume("continue"))

        def step():
            """From a breakpoint, to its end."""
            settle()
            if TICK not in points:
                toggle_line(TICK)
            self.note("continue to a breakpoint")
            client.command("continue")
            name = self.random.choice(["next", "step", "stepOut"])
            self.note(name)
            state = client.command(name)
            self.assertFalse(state["Running"] or state.get("NextInProgress"), state)

        def resume_and_halt():
            settle()
            self.note("continue, halt in one write")
            running.append(client.resume("continue"))
            running.append(client.send("Command", {"name": "halt"}))
            for number in running:
                client.reply(number)
            running.clear()

        def look():
            self.note("look")
            for method, argument in (("State", {"NonBlocking": True}), ("ListBreakpoints", {}), ("GetVersion", {})):
                client.call(method, argument)
            for method, argument in (("Stacktrace", {"Id": -1, "Depth": 5}), ("ListGoroutines", {"Count": 10})):
                client.reply(client.send(method, argument))  # refused while it runs

        try:
            for _ in range(ROUNDS):
                self.random.choice([toggle, resume, resume, step, resume_and_halt, look, settle])()
            settle()
            for number in points.values():
                client.call("ClearBreakpoint", {"Id": number})
            client.set_breakpoint(debuggee.MAIN, TICK)
            state = client.command("continue")
            self.assertEqual(state.get("currentThread", {}).get("line"), TICK, state)
        except (AssertionError, Failed) as error:
            self.explain(error)

    def test_dap(self):
        viewer = self.dap()
        viewer.attach(stopOnEntry=True)
        viewer.stopped()
        source = {"name": "main.go", "path": debuggee.MAIN}
        stopped = True   # by what we were told last
        reason = "entry"

        def listen():
            """Whether the target stands, by the events so far."""
            nonlocal stopped, reason
            with viewer.changed:
                for message in viewer.messages:
                    if message["type"] == "event" and message["event"] in ("stopped", "continued"):
                        stopped = message["event"] == "stopped"
                        reason = message["body"].get("reason", reason)
                    if message["type"] == "response" and message["command"] == "continue" and message["success"]:
                        stopped = False

        def breakpoints():
            wanted = [{"line": line} for line in (TICK, USE) if self.random.random() < 0.5]
            for one in wanted:
                if self.random.random() < 0.5:
                    one["condition"] = CONDITIONS[one["line"]]
            self.note(f"setBreakpoints {wanted}")
            body = viewer.call("setBreakpoints", {"source": source, "breakpoints": wanted})
            self.assertEqual([b["verified"] for b in body["breakpoints"]], [True] * len(wanted))

        def resume():
            listen()
            if not stopped:
                return
            self.note("continue")
            viewer.response(viewer.send("continue", {"threadId": 1}))

        def step():
            """From where the program, not a pause, has brought it; to its end."""
            listen()
            if not stopped or reason not in ("breakpoint", "step"):
                return
            frames = viewer.call("stackTrace", {"threadId": 1, "levels": 1})["stackFrames"]
            # main.main never returns: to step out of it is to continue.
            ends = ["next", "stepIn"] if frames[0]["name"] == "main.main" else ["next", "stepIn", "stepOut"]
            command = self.random.choice(ends)
            self.note(f"{command} in {frames[0]['name']}")
            mark = viewer.mark()
            viewer.response(viewer.send(command, {"threadId": 1}))
            look()
            viewer.stopped(mark)

        def pause():
            listen()
            if stopped:
                return
            mark = viewer.mark()
            self.note("pause")
            viewer.call("pause", {"threadId": 1})
            listen()
            if not stopped:
                viewer.stopped(mark)

        def look():
            self.note("look")
            viewer.response(viewer.send("threads"))
            response = viewer.response(viewer.send("stackTrace", {"threadId": 1, "levels": 3}))
            if response["success"]:
                frame = response["body"]["stackFrames"][0]["id"]
                viewer.response(viewer.send("scopes", {"frameId": frame}))
                viewer.response(viewer.send("evaluate", {"expression": "main.greeting", "frameId": frame, "context": "hover"}))

        try:
            for _ in range(ROUNDS):
                self.random.choice([breakpoints, resume, resume, step, pause, look])()
            viewer.call("setBreakpoints", {"source": source, "breakpoints": []})
            listen()
            if not stopped:
                pause()
            viewer.call("setBreakpoints", {"source": source, "breakpoints": [{"line": TICK}]})
            mark = viewer.mark()
            viewer.call("continue", {"threadId": 1})
            self.assertEqual(viewer.stopped(mark)[1]["reason"], "breakpoint")
        except AssertionError as error:
            self.explain(error)


if __name__ == "__main__":
    unittest.main()
