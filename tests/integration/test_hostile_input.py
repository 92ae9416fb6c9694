"""Input that would crash, wedge or fool dlv is refused with an error reply, and dlv goes on as before."""

import json
import unittest

from harness import case, dap, debuggee

TICK = debuggee.line("tick")

# Two readers could take these differently, or dlv would not survive them; what is asked is harmless or not
# does not matter. Each must get an error reply: never a result, never silence.
REFUSED_REQUESTS = {
    "the same key twice": b'{"method":"RPCServer.IsMulticlient","method":"RPCServer.Detach","params":[{}],"id":7}',
    "keys equal but for their case": b'{"method":"RPCServer.IsMulticlient","Method":"RPCServer.Detach","params":[{}],"id":7}',
    "keys equal but for Unicode's long s":
        '{"method":"RPCServer.IsMulticlient","params":[{}],"param\u017f":[{"Kill":true}],"id":7}'.encode(),
    "the same argument twice": b'{"method":"RPCServer.Detach","params":[{"Kill":false,"kill":true}],"id":7}',
    "the same key twice deep inside":
        b'{"method":"RPCServer.CreateBreakpoint","params":[{"Breakpoint":{"line":1,"Line":2,"file":"/x.go"}}],"id":7}',
    "invalid UTF-8": b'{"method":"RPCServer.Eval","params":[{"Scope":{"GoroutineID":-1},"Expr":"\xff"}],"id":7}',
    "an unknown method": b'{"method":"RPCServer.Nope","params":[{}],"id":7}',
    "a method in another case": b'{"method":"RPCServer.isMulticlient","params":[{}],"id":7}',
    "no method": b'{"params":[{}],"id":7}',
    "params of a wrong type": b'{"method":"RPCServer.GetBreakpoint","params":{"Id":1},"id":7}',
    "an argument of a wrong type": b'{"method":"RPCServer.GetBreakpoint","params":[{"Id":"one"}],"id":7}',
    "a number beyond 64 bits": b'{"method":"RPCServer.GetBreakpoint","params":[{"Id":99999999999999999999}],"id":7}',
    "arrays a hundred deep": b'{"method":"RPCServer.IsMulticlient","params":[' + b"[" * 100 + b"]" * 100 + b'],"id":7}',
    "arrays a hundred thousand deep":
        b'{"method":"RPCServer.IsMulticlient","params":[' + b"[" * 100000 + b"]" * 100000 + b'],"id":7}',
    "an unknown command": b'{"method":"RPCServer.Command","params":[{"name":"frobnicate"}],"id":7}',
    "a memory read of negative length": b'{"method":"RPCServer.ExamineMemory","params":[{"Address":4194304,"Length":-1}],"id":7}',
    "a download, which crashes dlv": b'{"method":"RPCServer.DownloadLibraryDebugInfo","params":[{"N":0}],"id":7}',
    "a core dump": b'{"method":"RPCServer.DumpStart","params":[{"Destination":"DIRECTORY/core"}],"id":7}',
    "a rebuild, which kills the program": b'{"method":"RPCServer.Restart","params":[{"Rebuild":true}],"id":7}',
    "a restart that writes files":
        b'{"method":"RPCServer.Restart","params":[{"ResetArgs":true,"NewRedirects":["","DIRECTORY/out",""]}],"id":7}',
    "an old API version for everybody": b'{"method":"RPCServer.SetApiVersion","params":[{"APIVersion":1}],"id":7}',
    "following what the program starts": b'{"method":"RPCServer.FollowExec","params":[{"Enable":true}],"id":7}',
    "directories to read from": b'{"method":"RPCServer.DebugInfoDirectories","params":[{"Set":true,"List":["/etc"]}],"id":7}',
    "hidden tracepoints": b'{"method":"RPCServer.ListFunctions","params":[{"Filter":"main.tick","FollowCalls":3}],"id":7}',
    "a probe in the kernel": b'{"method":"RPCServer.CreateEBPFTracepoint","params":[{"FunctionName":"main.tick"}],"id":7}',
    "the events that dlv has but once": b'{"method":"RPCServer.GetEvents","params":[{}],"id":7}',
}

# What is no JSON-RPC request at all: the connection ends, with or without a last word.
BROKEN_STREAMS = {
    "a syntax error": b'{"method":"RPCServer.IsMulticlient",,}',
    "an array": b'[{"method":"RPCServer.IsMulticlient","params":[{}],"id":7}]',
    "a word": b'nonsense',
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS inside TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a DAP header with a sign": b"Content-Length: +2\r\n\r\n{}",
    "a DAP header with a leading zero": b"Content-Length: 002\r\n\r\n{}",
    "two DAP lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "a DAP length beyond every limit": b"Content-Length: 99999999999999999999\r\n\r\n",
    "a DAP header without an end": b"C" * 100000,
}


class HostileInput(case.SessionCase):
    def prove_alive(self):
        """The program and dlv are those there were, and do as they are told."""
        self.assertEqual((self.endpoint.program_pid(), self.endpoint.dlv_pid()), self.before)
        client = self.rpc()
        self.assertFalse(client.state()["exited"])
        self.assertEqual(client.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "1+1"})["Variable"]["value"], "2")
        client.close()

    def setUp(self):
        super().setUp()
        self.before = (self.endpoint.program_pid(), self.endpoint.dlv_pid())

    def test_requests_are_refused_one_by_one(self):
        for name, request in REFUSED_REQUESTS.items():
            with self.subTest(name):
                client = self.rpc()
                client.write(request.replace(b"DIRECTORY", self.directory.encode()))
                client.refusal(7)
                client.close()
                self.prove_alive()

    def test_a_refused_request_ends_nothing(self):
        """All of them on one connection, legitimate ones in between."""
        client = self.rpc()
        for number, request in enumerate(REFUSED_REQUESTS.values(), 100):
            request = request.replace(b"DIRECTORY", self.directory.encode()).replace(b'"id":7', b'"id":%d' % number)
            client.write(request)
            client.refusal(number)
            client.call("IsMulticlient")
        client.close()
        self.prove_alive()

    def test_streams_that_are_broken_end(self):
        for name, data in BROKEN_STREAMS.items():
            with self.subTest(name):
                client = self.rpc_or_dap()
                try:
                    client.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                client.wait_closed()
                client.close()
                self.prove_alive()

    def rpc_or_dap(self):
        """A connection whose answers nobody parses."""
        self.wait_for_a_place()
        return dap.Raw(self, self.address)

    def test_a_large_request_within_the_limit(self):
        client = self.rpc()
        text = "x" * (3 << 20)
        reply = client.reply(client.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": f'"{text}"'}))
        self.assertTrue(reply["error"] or reply["result"])
        client.close()
        self.prove_alive()

    def test_a_request_beyond_the_limit(self):
        client = self.rpc_or_dap()
        try:
            client.write(b'{"method":"RPCServer.Eval","params":[{"Expr":"' + b"x" * (6 << 20) + b'"}],"id":7}')
        except (BrokenPipeError, ConnectionResetError):
            pass
        client.wait_closed()
        client.close()
        self.prove_alive()

    def test_custom_commands_reach_nobody(self):
        """Every `dlv connect` that stops there would execute them on its own host."""
        client = self.rpc()
        reply = client.reply(client.send("CreateBreakpoint", {
            "Breakpoint": {"file": debuggee.MAIN, "line": TICK, "customCommands": ["source /tmp/evil", "exit"]}}))
        points = client.call("ListBreakpoints")["Breakpoints"]
        self.assertNotIn("evil", json.dumps(points))
        self.assertTrue(reply["error"] or "evil" not in json.dumps(reply))

    def test_load_sizes_are_clamped(self):
        client = self.rpc()
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        greedy = {"FollowPointers": True, "MaxVariableRecurse": 50, "MaxStringLen": 1 << 30, "MaxArrayValues": 1 << 30, "MaxStructFields": -1}
        client.reply(client.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.large", "Cfg": greedy}))
        client.call("Stacktrace", {"Id": -1, "Depth": 1 << 30})
        self.assertEqual(client.command("next")["currentThread"]["line"], TICK + 1)

    def test_64_bit_numbers_and_ids_survive(self):
        client = self.rpc()
        value = client.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "uint64(18446744073709551615)"})["Variable"]["value"]
        self.assertEqual(value, "18446744073709551615")
        for number in (b"18446744073709551615", b'"text \\u00e9"', b"null", b"-3"):
            client.lines.clear()
            client.write(b'{"method":"RPCServer.IsMulticlient","params":[{}],"id":' + number + b"}\n")
            self.until("reply", lambda: client.lines)
            self.assertEqual(json.loads(client.lines[0])["id"], json.loads(number))


class HostileDap(case.SessionCase):
    def test_requests_are_refused_one_by_one(self):
        before = self.assert_debuggee_alive()
        viewer = self.dap()
        viewer.attach(stopOnEntry=True)
        refused = [
            ("launch", {"mode": "exec", "program": "/bin/true"}),
            ("restart", {"arguments": {"request": "launch", "rebuild": True}}),
            ("nonsense", {}),
            ("setExpression", {"expression": "main.wish", "value": "1"}),
            ("stackTrace", {"threadId": "one"}),
            ("setBreakpoints", {"source": "main.go"}),
        ]
        for command, arguments in refused:
            with self.subTest(command):
                response = viewer.response(viewer.send(command, arguments))
                if command == "restart" and response["success"]:
                    continue  # it may be answered here; what counts is that the target lives
                self.assertFalse(response["success"], response)
        for expression in ("dlv target follow-exec -on", "dlv config followExec true"):
            viewer.response(viewer.send("evaluate", {"expression": expression, "context": "repl"}))
        self.assertEqual(viewer.call("evaluate", {"expression": "1+1"})["result"], "2")
        self.assertEqual(self.assert_debuggee_alive(), before)

    def test_a_message_that_is_no_object(self):
        viewer = self.dap()
        viewer.write(dap.frame(b"[]"))
        _, reply = viewer.wait("an error", lambda m: m["type"] == "response")
        self.assertFalse(reply["success"])
        self.assertTrue(viewer.call("initialize", dap.INITIALIZE))

    def test_terminate_ends_the_view_only(self):
        before = self.assert_debuggee_alive()
        viewer = self.dap()
        viewer.attach(stopOnEntry=True)
        viewer.response(viewer.send("terminate", {}))
        viewer.close()
        self.assertEqual(self.assert_debuggee_alive(), before)
        self.assertEqual(self.rpc().state()["Pid"], before)

    def test_a_kill_as_the_first_message(self):
        before = self.assert_debuggee_alive()
        viewer = self.dap()
        viewer.send("disconnect", {"terminateDebuggee": True})
        viewer.wait_closed()
        self.assertEqual(self.assert_debuggee_alive(), before)

    def test_the_same_key_twice(self):
        before = self.assert_debuggee_alive()
        viewer = self.dap()
        viewer.write(dap.frame(b'{"seq":1,"type":"request","command":"threads","Command":"disconnect",'
                               b'"arguments":{"terminateDebuggee":true}}'))
        self.until("an error or the end", lambda: viewer.closed or viewer.messages)
        self.assertFalse([m for m in viewer.messages if m.get("success")])
        self.assertEqual(self.assert_debuggee_alive(), before)

    def test_an_extra_header_is_taken(self):
        viewer = self.dap()
        body = json.dumps({"seq": 1, "type": "request", "command": "initialize", "arguments": dap.INITIALIZE}).encode()
        viewer.write(b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%s"
                     % (len(body), body))
        self.assertTrue(viewer.response(1)["success"])


if __name__ == "__main__":
    unittest.main()
