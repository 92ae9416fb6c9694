"""What GoLand's debugger sends (docs of its ancestor): no newlines, `Name` for `name`, requests pipelined."""

import json
import unittest

from harness import case, debuggee

TICK = debuggee.line("tick")
LOAD = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 1000, "MaxArrayValues": 1000, "MaxStructFields": -1}


class Goland(case.SessionCase):
    def setUp(self):
        super().setUp()
        self.client = self.rpc()

    def send(self, *requests):
        """Writes the requests in one piece, without anything between them; returns their ids."""
        ids, text = [], ""
        for method, argument in requests:
            self.client.last_id += 1
            ids.append(self.client.last_id)
            text += json.dumps({"method": "RPCServer." + method, "params": [argument], "id": ids[-1]}, separators=(",", ":"))
        self.client.write(text.encode())
        return ids

    def ask(self, method, argument):
        return self.client.result(self.send((method, argument))[0], method)

    def breakpoint(self, line, **more):
        return ("CreateBreakpoint", {"Breakpoint": dict(file=debuggee.MAIN, line=line, **more)})

    def start(self):
        """The beginning of every session: all breakpoints and `continue` at once."""
        created, resumed = self.send(self.breakpoint(TICK), ("Command", {"Name": "continue"}))
        point = self.client.result(created)["Breakpoint"]
        return point, self.client.result(resumed)["State"]

    def test_start_to_first_stop(self):
        point, state = self.start()
        self.assertEqual(state["currentThread"]["line"], TICK)
        self.assertEqual(state["currentThread"]["breakPoint"]["id"], point["id"])
        self.assertFalse(state["exited"])

    def test_requests_in_single_bytes(self):
        request = json.dumps({"method": "RPCServer.Eval", "params": [{"Scope": {"GoroutineID": -1}, "Expr": "main.greeting", "Cfg": LOAD}], "id": 1000})
        self.start()
        for byte in request.encode():
            self.client.write(bytes([byte]))
        self.assertEqual(self.client.result(1000)["Variable"]["value"], "hello")

    def test_looks_at_a_stop(self):
        self.start()
        scope = {"GoroutineID": -1, "Frame": 0}
        stack, local, arguments, value, goroutines = self.send(
            ("Stacktrace", {"Id": -1, "Depth": 100, "Full": False, "Cfg": LOAD}),
            ("ListLocalVars", {"Scope": scope, "Cfg": LOAD}), ("ListFunctionArgs", {"Scope": scope, "Cfg": LOAD}),
            ("Eval", {"Scope": scope, "Expr": "p.Name", "Cfg": LOAD}), ("ListGoroutines", {"Start": 0, "Count": 0}))
        self.assertEqual([f["function"]["name"] for f in self.client.result(stack)["Locations"]][:2], ["main.tick", "main.main"])
        self.assertIn("sum", [v["name"] for v in self.client.result(local)["Variables"]])
        self.assertIn("n", [v["name"] for v in self.client.result(arguments)["Args"]])
        self.assertEqual(self.client.result(value)["Variable"]["value"], "web-0")
        self.assertIn(1, [g["id"] for g in self.client.result(goroutines)["Goroutines"]])
        self.ask("Set", {"Scope": scope, "Symbol": "sum", "Value": "12"})
        self.assertEqual(self.ask("Eval", {"Scope": scope, "Expr": "sum", "Cfg": LOAD})["Variable"]["value"], "12")

    def test_steps(self):
        self.start()
        state = self.ask("Command", {"Name": "next"})["State"]
        self.assertEqual(state["currentThread"]["line"], TICK + 1)
        state = self.ask("Command", {"Name": "stepOut"})["State"]
        self.assertEqual(state["currentThread"]["function"]["name"], "main.main")

    def test_breakpoint_while_the_target_runs(self):
        """Plain Delve answers it only after the next stop; here it has its answer at once, and works."""
        point, _ = self.start()
        self.ask("ClearBreakpoint", {"Id": point["id"]})
        running, = self.send(("Command", {"Name": "continue"}))
        created, = self.send(self.breakpoint(TICK))
        if self.endpoint.plain:
            other = self.rpc()
            self.until("it runs", lambda: other.state()["Running"])
            other.command("halt")
            self.client.result(running)
            return
        again = self.client.result(created)["Breakpoint"]
        state = self.client.result(running)["State"]
        self.assertEqual(state["currentThread"]["breakPoint"]["id"], again["id"])

    def test_pause_while_the_target_runs(self):
        point, _ = self.start()
        self.ask("ClearBreakpoint", {"Id": point["id"]})
        running, halted = self.send(("Command", {"Name": "continue"}), ("Command", {"Name": "halt"}))
        self.client.result(halted)
        state = self.client.result(running)["State"]
        self.assertFalse(state["Running"])

    def test_stop_kills_nothing(self):
        if self.endpoint.plain:
            return  # there it does
        before = self.assert_debuggee_alive()
        self.start()
        self.ask("Detach", {"Kill": True})
        self.client.close()
        self.assertEqual(self.assert_debuggee_alive(), before)
        self.client = self.rpc()
        self.assertEqual(self.start()[1]["currentThread"]["line"], TICK)

    def test_leaves_it_running(self):
        point, _ = self.start()
        cleared, _ = self.send(("ClearBreakpoint", {"Id": point["id"]}), ("Command", {"Name": "continue"}))
        self.client.result(cleared)
        self.client.close()
        self.assert_debuggee_alive()
        client = self.client = self.rpc()
        self.until("the target runs on its own", lambda: client.state()["Running"])


if __name__ == "__main__":
    unittest.main()
