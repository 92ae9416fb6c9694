"""limits.rpcReply and limits.dapReply: who asks for more is told so, and nobody else notices."""

import json
import subprocess
import unittest

from harness import case, debuggee, process, tools
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")
LIMIT = "256KiB"
EVERYTHING = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 1 << 20, "MaxArrayValues": 64, "MaxStructFields": -1}
TOO_LARGE = r"dlv's answer( to Eval)? is larger than 256KiB \(limits\.{} of the gateway\); ask for less at once"


class ReplyLimits(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(), limits={"rpcReply": LIMIT, "dapReply": LIMIT})
        self.alice = self.connect(self.gateway, "alice", name="connect-alice")
        self.bob = self.connect(self.gateway, "bob", name="connect-bob")

    def at_tick(self, connect):
        client = Rpc(self, connect.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        return client

    def evaluate(self, client, expression, **more):
        return client.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": expression, "Cfg": dict(EVERYTHING, **more)})

    def hits(self):
        answer = subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file, "--output", "json"],
                                capture_output=True, text=True, check=True).stdout
        return json.loads(answer)["limitsHit"]["reply"]

    def check_goes_on(self, client, line):
        """One who looks and steps, on the connections that a reply beyond the limit came through."""
        self.assertEqual(client.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.greeting"})["Variable"]["value"], "hello")
        self.assertEqual(client.command("next")["currentThread"]["line"], line)

    def test_half_a_reply_by_json_rpc(self):
        """dlv writes no length in front: who has a part of the reply is cut off, and told why by `connect`."""
        bob = self.at_tick(self.bob)
        alice = Rpc(self, self.alice.address)
        fits = alice.result(self.evaluate(alice, "main.text", MaxStringLen=200 << 10))["Variable"]
        self.assertEqual(len(fits["value"]), 200 << 10)
        number = self.evaluate(alice, "main.texts")
        alice.wait_closed()
        self.assertFalse(alice.answered(number))
        self.alice.process.wait_for("it says why", lambda: "debug session was broken off" in self.alice.process.errors())
        self.assertRegex(self.alice.process.errors(), TOO_LARGE.format("rpcReply"))
        self.check_goes_on(bob, TICK + 1)
        self.assertEqual(self.hits(), 1)
        # She comes back by the same port, and all shared connections to dlv are of use as before.
        again = Rpc(self, self.alice.address)
        numbers = [self.evaluate(again, "main.text", MaxStringLen=100 << 10) for _ in range(8)]
        for number in numbers:
            self.assertEqual(len(again.result(number)["Variable"]["value"]), 100 << 10)
        self.assertTrue(process.alive(self.gateway.program_pid(self.program)))

    def test_more_than_once_at_a_time(self):
        """As many as there are shared connections, while somebody steps."""
        bob = self.at_tick(self.bob)
        for step in range(1, 6):
            alice = Rpc(self, self.alice.address)
            self.evaluate(alice, "main.texts")
            alice.wait_closed()
            bob.command("next")
            self.assertEqual(self.hits(), step)

    def test_dlv_connect(self):
        bob = self.at_tick(self.bob)
        dlv = Terminal(self, [self.delve.dlv, "connect", self.alice.address]).prompt()
        for command in ("config max-string-len 1048576", "config max-array-values 64"):
            dlv.run(command)
        start = len(dlv.text)
        dlv.line("print main.texts")
        dlv.expect(r"(?i)unexpected EOF|shut down|connection|EOF", start)
        self.alice.process.wait_for("it says why", lambda: "debug session was broken off" in self.alice.process.errors())
        self.check_goes_on(bob, TICK + 1)

    def test_what_a_call_returned(self):
        client = self.at_tick(self.alice)
        reason = client.error("Command", {"name": "call", "expr": "main.describe(main.text, 1)", "ReturnInfoLoadConfig": EVERYTHING})
        self.assertRegex(reason, TOO_LARGE.format("rpcReply"))
        self.assertEqual(self.hits(), 1)
        self.check_goes_on(client, TICK + 1)

    def test_dap(self):
        """DAP says the length first: the request fails, before anything was passed on, and the session goes on."""
        viewer = Dap(self, self.alice.address)
        viewer.attach(lambda: viewer.call("setBreakpoints", {"source": {"path": debuggee.MAIN}, "breakpoints": [{"line": TICK}]}))
        _, stop = viewer.stopped()
        thread = {"threadId": stop["threadId"]}
        bob = Rpc(self, self.bob.address)
        large = {"variablesReference": viewer.call("evaluate", {"expression": "main.large"})["variablesReference"]}
        for hit in range(1, 4):
            words = viewer.error("variables", dict(large, filter="indexed", start=0, count=20000))
            self.assertRegex(words, "^Unable to process `variables`: " + TOO_LARGE.format("dapReply"))
            some = viewer.call("variables", dict(large, filter="indexed", start=0, count=100))["variables"]
            self.assertEqual([v["name"] for v in some[-2:]], ["[98]", "[99]"])
            self.assertEqual(viewer.call("evaluate", {"expression": "main.greeting"})["result"], '"hello"')
            self.assertEqual(self.hits(), hit)
        self.assertEqual(bob.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.greeting"})["Variable"]["value"], "hello")
        frames = viewer.call("stackTrace", thread)["stackFrames"]
        self.assertEqual(frames[0]["line"], TICK)
        mark = viewer.mark()
        viewer.call("next", thread)
        viewer.stopped(mark)
        self.assertEqual(viewer.call("stackTrace", thread)["stackFrames"][0]["line"], TICK + 1)

    def test_what_a_dap_call_returned(self):
        viewer = Dap(self, self.alice.address)
        viewer.attach(lambda: viewer.call("setBreakpoints", {"source": {"path": debuggee.MAIN}, "breakpoints": [{"line": TICK}]}))
        _, stop = viewer.stopped()
        frame = viewer.call("stackTrace", {"threadId": stop["threadId"]})["stackFrames"][0]["id"]
        response = viewer.response(viewer.send("evaluate", {"expression": "call main.describe(main.text, 1)", "frameId": frame, "context": "repl"}))
        # dlv shortens what a call returned by itself; then there is nothing to refuse.
        if not response["success"]:
            self.assertRegex(response["body"]["error"]["format"], TOO_LARGE.format("dapReply"))
        self.assertEqual(viewer.call("evaluate", {"expression": "main.greeting"})["result"], '"hello"')


class FirstBytes(case.Case):
    def test_a_reply_of_which_nothing_was_passed_on_is_an_error(self):
        """What comes with the first bytes is beyond the limit already: the session goes on."""
        gateway = self.serve(limits={"rpcReply": "7KiB"})
        connect = self.connect(gateway)
        client = Rpc(self, connect.address)
        for _ in range(6):
            self.assertEqual(client.error("ListFunctions", {"Filter": ""}),
                             "dlv's answer to ListFunctions is larger than 7KiB (limits.rpcReply of the gateway); ask for less at once")
            self.assertEqual(client.call("ListFunctions", {"Filter": "^main.tick$"})["Funcs"], ["main.tick"])
        self.assertNotIn("broken off", connect.process.errors())


if __name__ == "__main__":
    unittest.main()
