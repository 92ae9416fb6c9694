"""Ways around a role that only show on the real thing: through a log message, through the time an audit record takes
to reach the disk, and through what dlv itself reports."""

import glob
import json
import os
import time
import unittest

from harness import debuggee, process, tools, waiting
from harness.rpc import Rpc
from test_roles import SOURCE, TICK, RolesCase


class LogMessages(RolesCase):
    def set(self, message):
        tom = self.dap("tom")
        wanted = {"source": SOURCE, "breakpoints": [{"line": debuggee.line("use"), "logMessage": message}]}
        shown = []
        tom.attach(lambda: shown.extend(tom.call("setBreakpoints", wanted)["breakpoints"]), stopOnEntry=True)
        return tom, shown[0]

    def test_a_tracer_reads(self):
        tom, shown = self.set("it is {main.greeting}")
        self.assertTrue(shown["verified"], shown)
        self.run_on()
        _, message = tom.wait("the message", lambda m: m.get("event") == "output" and "it is" in m["body"]["output"])
        self.assertIn('it is "hello"', message["body"]["output"])

    def test_a_tracer_does_not_call_or_command(self):
        for expression in ("call main.describe(\"owned\", 7)", "  call main.callsTick()", "dlv config followExec true", "dlv help"):
            tom, shown = self.set("it is {" + expression + "}")
            self.assertFalse(shown["verified"], expression)
            self.assertIn("a log message may only read values", shown["message"])
            tom.close()
        self.assertEqual(self.breakpoints(), [])


class WhileTheIntentIsWritten(RolesCase):
    def slow_disk(self):
        """From now on each intent takes a tenth of a second to the disk."""
        strace = process.Process(self, "strace", [
            tools.find("DELVEGATE_STRACE", "strace"), "--follow-forks", "--trace=fdatasync", "--inject=fdatasync:delay_enter=100ms",
            "--output", os.devnull, "--attach", str(self.gateway.pid)])
        strace.wait_for("it is attached", lambda: "attached" in strace.errors())

    def test_a_dap_observer_does_not_resume(self):
        self.to_tick()
        olga = self.dap("olga")
        olga.attach(stopOnEntry=True)
        self.nobody_but_alice_resumes(lambda: olga.send("continue", {"threadId": 1}))
        last = olga.send("threads")
        olga.wait("all are answered", lambda m: m.get("request_seq") == last)

    def test_a_json_rpc_observer_does_not_resume(self):
        self.to_tick()
        olga = self.rpc("olga")
        olga.state()
        self.nobody_but_alice_resumes(lambda: olga.send("Command", {"name": "continue"}))

    def nobody_but_alice_resumes(self, send_continue):
        dora = self.dap("dora")
        dora.attach(stopOnEntry=True)
        self.alice.set_breakpoint(debuggee.MAIN, TICK)
        self.slow_disk()
        for _ in range(4):
            number = self.alice.resume()
            while not self.alice.answered(number):
                # Refused while the program stands; the first after that joins, and is on its way to the disk when it stops.
                send_continue()
                time.sleep(0.002)
            self.alice.reply(number)
            self.assertFalse(self.alice.state()["Running"])
        said = [m["body"]["output"] for m in dora.messages if m.get("event") == "output"]
        self.assertIn("alice runs the program.\n", said)
        self.assertNotIn("olga runs the program.\n", said)


class Commands(RolesCase):
    def test_what_dlv_would_have_clients_run_stays_here(self):
        if not self.delve.unix_sockets:
            return  # Debian's dlv has no such commands
        [path] = glob.glob(os.path.join(self.gateway.directory, "**", "dlv.sock"), recursive=True)
        inside = Rpc(self, "unix:" + path)  # as the program itself could
        self.alice.close()
        wanted = {"file": debuggee.MAIN, "line": TICK, "customCommands": ["transcript -t " + os.path.join(self.directory, "owned")]}
        made = inside.call("CreateBreakpoint", {"Breakpoint": wanted})["Breakpoint"]
        self.assertIn("customCommands", made)
        dora = self.rpc("dora")
        state = dora.command("continue")
        self.assertIn("breakPoint", state["currentThread"])
        thread = {"Id": state["currentThread"]["id"]}
        for reply in (state, dora.state(), dora.call("ListBreakpoints"), dora.call("GetBreakpoint", {"Id": made["id"]}),
                      dora.call("ListThreads"), dora.call("GetThread", thread)):
            self.assertNotIn("transcript", json.dumps(reply))
        self.assertIn("transcript", json.dumps(inside.call("ListBreakpoints")))
        dora.close()
        inside.close()
        dlv = self.dlv("alice").prompt()
        dlv.run("continue")
        self.assertFalse(os.path.exists(os.path.join(self.directory, "owned")))


class Audited(RolesCase):
    def test_every_refusal_is_recorded(self):
        self.to_tick()
        olga = self.dap("olga")
        olga.attach(stopOnEntry=True)
        olga.error("evaluate", {"expression": "call main.describe(\"x\", 1)", "context": "repl"})
        olga.error("continue", {"threadId": 1})
        rita = self.rpc("rita")
        rita.state()  # a step of somebody who has not seen the stop only shows it
        rita.error("Command", {"name": "next"})
        looks = self.rpc("olga")
        looks.call("ListThreads")  # taken apart on its way, since she may not read values
        file = os.path.join(self.gateway.directory, "state", "audit", "audit.jsonl")

        def recorded():
            with open(file, encoding="utf-8") as lines:
                records = [json.loads(line) for line in lines]
            refused = {(r["user"], r["operation"]) for r in records if r["kind"] == "refusal"}
            looked = any(r["kind"] == "outcome" and r["user"] == "olga" and r["operation"] == "ListThreads" for r in records)
            return looked and {("olga", "evaluate call"), ("olga", "continue"), ("rita", "Command next")} <= refused
        waiting.until("all refusals and the look's outcome are recorded", recorded)


if __name__ == "__main__":
    unittest.main()
