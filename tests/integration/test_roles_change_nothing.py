"""An observer and a reader change nothing: every operation of both protocols, in every form, is sent as each
of them, and the debuggee's and dlv's whole observable state is compared before and after."""

import hashlib
import json
import os
import re
import subprocess
import unittest

from harness import case, debuggee, forms, process, tools, waiting
from harness.dap import Dap
from harness.rpc import Rpc

ROLES = {"olga": "observer", "rita": "reader"}
CLASSES = {"observer": {"observe"}, "reader": {"observe", "read"}}
# What any of them may send, whatever its class: it ends or clears only what is theirs.
ALWAYS = {"Detach", "disconnect", "terminate", "configurationDone"}
# And what does nothing at a program that stands.
HALTS = {"Command halt", "pause"}


def memory(pid):
    """A digest of all that the process can write, and of its code, with the breakpoints in it."""
    digest = hashlib.sha256()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r...) ", line)
            if not found or "[v" in line:
                continue
            start, end = int(found[1], 16), int(found[2], 16)
            digest.update(line.encode())
            mem.seek(start)
            while start < end:
                try:
                    piece = mem.read(min(end - start, 1 << 20))
                except OSError as error:  # a file's mapping beyond the file's end
                    digest.update(str(error.errno).encode())
                    break
                if not piece:
                    break
                digest.update(piece)
                start += len(piece)
    return digest.hexdigest()


class ChangeNothing(case.Case):
    def setUp(self):
        super().setUp()
        policy = os.path.join(self.directory, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n  - {role: admin, users: [alice], components: [app]}\n" +
                       "".join(f"  - {{role: {role}, users: [{who}], components: [app]}}\n" for who, role in ROLES.items()) +
                       "...\n")
        self.gateway = self.serve(self.component(users=[], runControl="open"), policy=policy)
        self.alice = Rpc(self, self.connect(self.gateway, "alice", name="connect-alice").address)
        self.addresses = {who: self.connect(self.gateway, who, name="connect-" + who).address for who in ROLES}
        self.program_pid = self.gateway.program_pid(self.program)
        self.dlv_pid = self.gateway.dlv_pid()
        self.evil = os.path.join(self.directory, "made-by-dlv")
        # At the marker, with a breakpoint of alice's that is never hit.
        self.alice.state()
        point = self.alice.set_breakpoint(debuggee.MAIN, debuggee.line("tick"))
        self.state = self.alice.command("continue")
        self.alice.call("ClearBreakpoint", {"Id": point["id"]})
        self.point = self.alice.set_breakpoint(debuggee.MAIN, debuggee.line("arrive"), Cond="id == 77")["id"]

    # --- what there is to see -----------------------------------------------------------------------------

    def breakpoints(self):
        listed = self.alice.call("ListBreakpoints", {"All": True})["Breakpoints"]
        return sorted(json.dumps(one, sort_keys=True) for one in listed)

    def status(self):
        done = subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file, "--output", "json"],
                              capture_output=True, text=True, check=True)
        component = json.loads(done.stdout)["components"][0]
        return {key: component.get(key) for key in ("state", "since", "reason", "position", "by", "pid", "breakpoints")}

    def everything(self, stopped):
        self.assertEqual(self.gateway.program_pid(self.program), self.program_pid)
        self.assertEqual(self.gateway.dlv_pid(), self.dlv_pid)
        self.assertFalse(os.path.exists(self.evil))
        seen = {"status": self.status(), "breakpoints": self.breakpoints(),
                "command line": process.command_line(self.program_pid)}
        if stopped:
            seen["state"] = self.alice.state()
            seen["registers"] = [self.alice.call("ListRegisters", {"ThreadID": thread["id"], "IncludeFp": True})["Regs"]
                                 for thread in sorted(seen["state"]["Threads"], key=lambda t: t["id"])]
            seen["goroutines"] = self.alice.call("ListGoroutines", {"Start": 0, "Count": 0})["Goroutines"]
            seen["targets"] = self.alice.call("FollowExecEnabled") if self.delve.version >= (1, 21, 0) else None
            seen["memory"] = memory(self.program_pid)
            seen["debug info"] = self.alice.call("DebugInfoDirectories") if self.delve.version >= (1, 21, 0) else None
        return seen

    def compare(self, before, what, stopped):
        after = self.everything(stopped)
        for key, value in before.items():
            self.assertEqual(after[key], value, f"{what} changed: {key}")

    # --- the two protocols ----------------------------------------------------------------------------------

    def send_rpc(self, who, operation, classes, form, stopped):
        client = Rpc(self, self.addresses[who])
        client.state()  # from here on it is told of the stop: a resume would count
        method = "Command" if operation.startswith("Command ") else operation
        number = client.send(method, form)
        if operation == "Detach":
            client.wait_closed()
            return
        client.call("IsMulticlient")  # taken in order: now the one before is dealt with, or held
        # At a stopped program nothing is held back.
        reply = client.reply(number) if stopped else None
        if not classes <= CLASSES[ROLES[who]] and stopped:
            self.assertIsNotNone(reply["error"], f"{who}: {operation} {form} was not refused: {reply}")
        if reply and "breakPointInfo" in json.dumps(reply["result"]) and who == "olga":
            self.fail(f"{operation} {form} shows values to an observer")
        client.close()

    def send_dap(self, who, command, arguments, classes, stopped):
        client = Dap(self, self.addresses[who])
        client.attach(stopOnEntry=True)
        response = client.response(client.send(command, arguments))
        if command not in ("disconnect", "terminate"):
            client.response(client.send("threads"))
        if not classes <= CLASSES[ROLES[who]] and stopped:
            body = response.get("body") or {}
            if command.startswith("set") and command.endswith("Breakpoints"):
                self.assertTrue(response["success"], response)
                for one in body.get("breakpoints", []):
                    self.assertFalse(one["verified"], one)
                    self.assertRegex(one["message"], "may not do .* ask alice")
            elif command != "initialize":
                self.assertFalse(response["success"], f"{who}: {command} {arguments} was not refused: {response}")
        client.close()

    def all_of(self, who, stopped):
        before = self.everything(stopped)
        thread = self.state["currentThread"]["id"]
        goroutine = self.state["currentGoroutine"]["id"]
        other = next(g["id"] for g in self.all_goroutines if g["id"] != goroutine)
        for operation, protocol, classes in forms.operations():
            if operation in ALWAYS or (stopped and operation in HALTS):
                classes = set()
            if protocol == "DAP":
                for command, arguments in forms.dap(operation, goroutine, 1000, 1001):
                    self.send_dap(who, command, arguments, classes, stopped)
            else:
                for form in forms.rpc(operation, self.point, self.evil, thread, goroutine, other):
                    self.send_rpc(who, operation, classes, form, stopped)
            self.compare(before, f"{who}: {operation}", stopped)

    def run_all(self, who):
        self.all_goroutines = self.alice.call("ListGoroutines", {"Start": 0, "Count": 0})["Goroutines"]
        with self.subTest("stopped"):
            self.all_of(who, True)
        with self.subTest("running"):
            running = self.alice.resume()
            waiting.until("it runs", lambda: self.alice.state()["Running"])
            self.all_of(who, False)
            # Nobody's halt or breakpoint ended alice's run, and what she finds is what she left.
            self.assertNotIn(running, self.alice.replies)
            self.alice.command("halt")
            value = self.alice.call("Eval", {"Scope": {"GoroutineID": 1}, "Expr": "main.wish", "Cfg": forms.LOAD})
            self.assertEqual(value["Variable"]["value"], "0")

    def test_observer(self):
        self.run_all("olga")

    def test_reader(self):
        self.run_all("rita")


if __name__ == "__main__":
    unittest.main()
