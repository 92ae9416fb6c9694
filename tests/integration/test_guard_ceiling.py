"""A compromised gateway behind a guard: every operation of both protocols, in every form, under a low ceiling, and
bytes that are no request. dlv and the program stay as they were."""

import json
import os
import random
import socket
import unittest

from harness import case, debuggee, forms, guard, process, waiting
from harness.dap import INITIALIZE, Dap, frame
from harness.rpc import Rpc, connect
from test_roles_change_nothing import memory


class Compromised(case.Case):
    def setUp(self):
        super().setUp()
        listen = "unix:" + os.path.join(self.directory, "dlv.sock") if self.delve.unix_sockets else None
        self.dlv = self.headless(listen=listen)
        self.owner = Rpc(self, self.dlv.address)
        point = self.owner.set_breakpoint(debuggee.MAIN, debuggee.line("tick"))
        self.state = self.owner.command("continue")
        self.owner.call("ClearBreakpoint", {"Id": point["id"]})
        self.point = self.owner.set_breakpoint(debuggee.MAIN, debuggee.line("arrive"), Cond="id == 77")["id"]
        self.evil = os.path.join(self.directory, "made-by-dlv")
        self.program_pid = [pid for pid in process.descendants(self.dlv.pid) if process.command_line(pid)[:1] == [self.program]][0]

    def points(self):
        return sorted(json.dumps(one, sort_keys=True) for one in self.owner.call("ListBreakpoints", {"All": True})["Breakpoints"])

    def everything(self):
        self.assertTrue(self.dlv.process.running())
        self.assertTrue(process.alive(self.program_pid))
        self.assertFalse(os.path.exists(self.evil))
        seen = {"breakpoints": self.points(), "memory": memory(self.program_pid)}
        state = self.owner.state()
        self.assertFalse(state["Running"])
        seen["threads"] = sorted(state["Threads"], key=lambda thread: thread["id"])
        return seen

    def compare(self, before, what):
        after = self.everything()
        for key, value in before.items():
            self.assertEqual(after[key], value, f"{what} changed: {key}")

    def requests(self):
        """(operation, protocol, classes, bytes) of every form."""
        goroutine = self.state["currentGoroutine"]["id"]
        thread = self.state["currentThread"]["id"]
        for operation, protocol, classes in forms.operations():
            if protocol == "JSON-RPC":
                method = "Command" if operation.startswith("Command ") else operation
                for form in forms.rpc(operation, self.point, self.evil, thread, goroutine, goroutine):
                    yield operation, protocol, classes, (method, form)
            else:
                for command, arguments in forms.dap(operation, goroutine, 1000, 1001):
                    yield operation, protocol, classes, (command, arguments)

    def send(self, address, protocol, request, attached):
        """Each on a connection of its own, as the very first message or after an attach; the reply is its error or None."""
        if protocol == "JSON-RPC":
            client = Rpc(self, address)
            reply = client.reply(client.send(*request))
            client.close()
            return reply["error"]
        client = Dap(self, address)
        if attached:
            client.call("initialize", INITIALIZE)
            client.response(client.send("attach", {"mode": "remote", "stopOnEntry": True}))
        reply = client.response(client.send(*request))
        client.close()
        return None if reply["success"] else reply["body"]["error"]["format"]

    def play(self, ceiling):
        watch = guard.Guard(self, self.dlv.address, ceiling=ceiling, damage=1000)
        before = self.everything()
        refused = passed = 0
        for operation, protocol, classes, request in self.requests():
            # A selection is dlv's, not the program's; it is put right by whoever resumes.
            for attached in (False, True) if protocol == "DAP" else (False,):
                error = self.send(watch.address, protocol, request, attached)
                if not classes <= set(ceiling):
                    self.assertIsNotNone(error, f"{operation} {request} was not refused under {ceiling}")
                    refused += 1
                passed += error is None
            self.compare(before, f"{protocol} {operation} {request}")
        self.assertGreater(refused, 100)
        self.assertGreater(passed, 20)
        self.assertGreater(watch.status()["refusals"], 100)

    def test_observe_only(self):
        self.play(("observe",))

    def test_observe_and_read(self):
        self.play(("observe", "read"))

    def test_disarmed(self):
        """No operation of the table passes, in whatever form, once root has disarmed it."""
        watch = guard.Guard(self, self.dlv.address, ceiling=guard.ALL, damage=1000)
        before = self.everything()
        watch.ask("ceiling", classes=[])
        for operation, protocol, _classes, request in self.requests():
            error = self.send(watch.address, protocol, request, False)
            self.assertIsNotNone(error, f"{operation} {request} was not refused")
        self.compare(before, "something")

    def test_a_running_program_runs_on(self):
        watch = guard.Guard(self, self.dlv.address, ceiling=("observe",), damage=1000)
        self.owner.resume()
        watch.until("it runs", lambda s: s["state"] == "running")
        seen = Rpc(self, self.dlv.address)
        for operation, protocol, classes, request in self.requests():
            if protocol == "JSON-RPC" and classes <= {"observe"} and operation not in ("Detach", "GetVersion", "IsMulticlient"):
                continue  # dlv answers those when it stops
            if protocol == "JSON-RPC":
                client = Rpc(self, watch.address)
                client.send(*request)
                client.call("IsMulticlient")
            else:
                client = Dap(self, watch.address)
                client.response(client.send(*request))
            # All of it at once: dlv ends a DAP session that has only half gone when the program stops.
            client.socket.shutdown(socket.SHUT_RDWR)
            client.close()
            self.assertTrue(seen.state()["Running"], f"{operation} {request} halted it")
        self.assertTrue(process.alive(self.program_pid))

    def test_what_is_no_request_ends_one_connection(self):
        watch = guard.Guard(self, self.dlv.address, ceiling=("observe",), damage=1000)
        seed = int(os.environ.get("DELVEGATE_TEST_SEED", random.randrange(1 << 30)))
        chance = random.Random(seed)
        before = self.everything()
        samples = [b'{"method":"RPCServer.Detach","params":[{"Kill":true}],"id":1}\n', frame({"seq": 1, "type": "request", "command": "disconnect"}),
                   b'{"method":"RPCServer.Command","params":[{"name":"continue"}],"id":1}\n']
        for _ in range(300):
            data = bytearray(chance.choice(samples))
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            connection = connect(watch.address)
            self.addCleanup(connection.close)
            connection.settimeout(waiting.DEADLINE)
            try:
                connection.sendall(bytes(data))
                connection.shutdown(1)
                while connection.recv(1 << 16):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
            connection.close()
        try:
            self.compare(before, f"DELVEGATE_TEST_SEED={seed}")
        except AssertionError as error:
            raise AssertionError(f"DELVEGATE_TEST_SEED={seed}: {error}") from error
        self.assertTrue(watch.process.running())

    def test_who_does_not_read_holds_up_nobody(self):
        watch = guard.Guard(self, self.dlv.address, ceiling=guard.ALL, damage=1000)
        deaf = connect(watch.address)
        self.addCleanup(deaf.close)
        deaf.setblocking(False)
        request = b'{"method":"RPCServer.ListFunctions","params":[{"Filter":""}],"id":1}\n'
        sent = 0
        try:
            for _ in range(200000):
                sent += deaf.send(request)
        except BlockingIOError:
            pass
        self.assertGreater(sent, len(request))
        other = Rpc(self, watch.address)
        whole = other.call("ListFunctions", {"Filter": ""})["Funcs"]
        self.assertEqual(whole, self.owner.call("ListFunctions", {"Filter": ""})["Funcs"])
        self.assertLess(process.resident(watch.pid), (512 if process.sanitized(watch.pid) else 64) << 20)


if __name__ == "__main__":
    unittest.main()
