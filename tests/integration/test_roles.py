"""What each role can do with real clients, what is said to those who may not, and a policy that changes
while they work."""

import json
import os
import signal
import subprocess
import unittest

from harness import case, debuggee, forms, node, tools, waiting
from harness.dap import Dap, INITIALIZE
from harness.rpc import Rpc
from harness.terminal import Terminal

SOURCE = {"name": "main.go", "path": debuggee.MAIN}
TICK = debuggee.line("tick")


class RolesCase(case.Case):
    def setUp(self):
        super().setUp()
        self.roles = {"alice": "admin", "olga": "observer", "rita": "reader", "tom": "tracer", "dora": "debugger", "dave": "developer"}
        self.policy = os.path.join(self.directory, "policy.yaml")
        self.write_policy()
        self.gateway = self.serve(self.component(users=[], runControl="open"), policy=self.policy)
        self.addresses = {}
        self.alice = Rpc(self, self.address("alice"))
        self.alice.state()

    def until(self, what, condition):
        return waiting.until(what, condition)

    def write_policy(self, text=None):
        bindings = "".join(f"  - {{role: {role}, users: [{who}], components: [app]}}\n" for who, role in self.roles.items())
        with open(self.policy + ".new", "w", encoding="utf-8") as file:
            file.write(text if text is not None else f"bindings:\n{bindings}...\n")
        os.rename(self.policy + ".new", self.policy)

    def hang_up_signal(self, text=None, **roles):
        """Another policy, by SIGHUP."""
        for who, role in roles.items():
            if role is None:
                del self.roles[who]
            else:
                self.roles[who] = role
        self.write_policy(text)
        os.kill(self.gateway.pid, signal.SIGHUP)

    def address(self, who):
        if who not in self.addresses:
            self.addresses[who] = self.connect(self.gateway, who, name="connect-" + who).address
        return self.addresses[who]

    def rpc(self, who):
        return Rpc(self, self.address(who))

    def dap(self, who):
        return Dap(self, self.address(who))

    def dlv(self, who):
        return Terminal(self, [self.delve.dlv, "connect", self.address(who)])

    def to_tick(self):
        """Stopped at the marker, without a breakpoint; returns the state."""
        point = self.alice.set_breakpoint(debuggee.MAIN, TICK)
        state = self.alice.command("continue")
        self.alice.call("ClearBreakpoint", {"Id": point["id"]})
        return state

    def run_on(self):
        number = self.alice.resume()
        self.until("it runs", lambda: self.alice.state()["Running"])
        return number

    def breakpoints(self):
        return [b for b in self.alice.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]


class DlvConnect(RolesCase):
    def test_observer_at_a_stopped_program(self):
        self.to_tick()
        dlv = self.dlv("olga").prompt()
        self.assertIn("main.tick", dlv.run("stack"))
        self.assertIn("main.tick", dlv.run("stack -full"))
        self.assertNotIn("sum = ", dlv.run("stack -full"))
        self.assertIn("Goroutine 1", dlv.run("goroutines"))
        self.assertIn("Thread", dlv.run("threads"))
        for command, operation, needs in (("print main.greeting", "Eval", "read"), ("locals", "ListLocalVars", "read"),
                                          ("regs", "ListRegisters", "read"), ("next", "Command next", "control"),
                                          ("continue", "Command continue", "control"), ("set main.wish = 1", "Set", "mutate"),
                                          ("call main.callsTick()", "Command call", "mutate"),
                                          ("break main.use", "CreateBreakpoint", "breakpoint"),
                                          ("restart", "Restart", "lifecycle")):
            self.assertRegex(dlv.run(command), f"olga may not do {operation} on app: it needs {needs}; role .* gives it; "
                                               "ask alice, admin there")
        self.assertIn("main.tick", dlv.run("stack"))
        dlv.line("exit")
        dlv.expect("kill the headless instance")
        dlv.line("y")
        dlv.finish()
        self.assertEqual(self.alice.state()["currentThread"]["line"], TICK)

    def test_observer_at_a_running_program(self):
        self.to_tick()
        running = self.run_on()
        dlv = self.dlv("olga")
        dlv.expect("Type 'help' for list of commands")
        # It waits for a stop as it would at dlv itself; when somebody stops it, the prompt is there.
        self.until("olga is here", lambda: "olga" in self.status())
        self.assertNotIn(running, self.alice.replies)
        self.alice.command("halt")
        dlv.prompt()
        self.assertIn("main.main", dlv.run("goroutines -t") + dlv.run("goroutine 1 stack"))

    def status(self):
        return subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file],
                              capture_output=True, text=True, check=True).stdout

    def test_reader(self):
        self.to_tick()
        dlv = self.dlv("rita").prompt()
        self.assertIn('"hello"', dlv.run("print main.greeting"))
        self.assertIn("sum = ", dlv.run("locals"))
        self.assertIn("sum = ", dlv.run("stack -full"))
        self.assertIn("it needs control", dlv.run("next"))
        self.assertIn("it needs breakpoint", dlv.run("break main.use"))

    def test_tracer(self):
        self.to_tick()
        dlv = self.dlv("tom").prompt()
        self.assertIn("Tracepoint", dlv.run("trace main.use"))
        self.assertIn("it needs breakpoint", dlv.run("break main.describe"))

    def test_debugger(self):
        self.to_tick()
        dlv = self.dlv("dora").prompt()
        self.assertIn("Breakpoint", dlv.run("break main.use"))
        self.assertIn("main.use", dlv.run("continue"))
        self.assertIn("main.tick", dlv.run("stepout"))
        self.assertIn("it needs mutate", dlv.run("set main.wish = 1"))
        self.assertIn("it needs mutate", dlv.run("call main.callsTick()"))

    def test_developer(self):
        self.to_tick()
        dlv = self.dlv("dave").prompt()
        self.assertEqual(dlv.run("set main.ratio = 7.5").strip(), "")
        self.assertIn("7.5", dlv.run("print main.ratio"))
        self.assertIn("it needs lifecycle", dlv.run("restart"))

    def test_an_observer_selects_for_themselves(self):
        self.to_tick()
        before = self.alice.state()
        other = next(g["id"] for g in self.alice.call("ListGoroutines")["Goroutines"] if g["id"] != before["currentGoroutine"]["id"])
        olga = self.rpc("olga")
        olga.state()
        chosen = olga.command("switchGoroutine", goroutineID=other)
        self.assertEqual(chosen["currentGoroutine"]["id"], other)
        mine = olga.call("Stacktrace", {"Id": -1, "Depth": 10})["Locations"]
        theirs = self.alice.call("Stacktrace", {"Id": other, "Depth": 10, "Cfg": None})["Locations"]
        self.assertEqual([f["pc"] for f in mine], [f["pc"] for f in theirs])
        self.assertEqual(self.alice.state(), before)

    def test_values_are_taken_out_of_what_an_observer_sees(self):
        self.alice.set_breakpoint(debuggee.MAIN, TICK, variables=["main.greeting"], LoadArgs=forms.LOAD, LoadLocals=forms.LOAD)
        self.assertIn('"hello"', json.dumps(self.alice.command("continue")["currentThread"]["breakPointInfo"]))
        for who, sees in (("rita", True), ("olga", False)):
            client = self.rpc(who)
            # The last one, at a stopped program, is its state.
            for method, arguments in (("State", {"NonBlocking": True}), ("State", {}), ("Command", {"name": "halt"})):
                state = client.call(method, arguments)["State"]
                self.assertEqual("hello" in json.dumps(state), sees, (who, method))
                self.assertEqual(state["currentThread"]["line"], TICK)
            full = client.call("Stacktrace", {"Id": -1, "Depth": 5, "Full": True, "Cfg": forms.LOAD})["Locations"]
            self.assertEqual(bool(full[0]["Locals"]), sees)
            self.assertEqual(full[0]["function"]["name"], "main.tick")


class Dialogs(RolesCase):
    def test_the_dap_client_library_as_observer(self):
        self.to_tick()
        node.run("observerLooksOnly", self.address("olga"), self.delve, False)

    def test_the_dap_client_library_as_debugger(self):
        node.run("debuggerStepsAndSetsNothing", self.address("dora"), self.delve, False)

    def test_a_whole_session_as_developer(self):
        node.run("changesTheTarget", self.address("dave"), self.delve, False)

    def test_an_observer_does_not_run_what_waits_at_its_entry(self):
        self.alice.close()
        viewer = self.dap("olga")
        viewer.attach()
        _, stopped = viewer.stopped()
        self.assertEqual(stopped["reason"], "entry")
        self.assertIn("it needs control", viewer.error("continue", {"threadId": 1}))

    def test_a_stranger_is_told(self):
        with self.assertRaisesRegex(AssertionError, "not authorized: mallory"):
            self.address("mallory")

    def test_log_messages_of_a_tracer(self):
        viewer = self.dap("tom")
        wanted = [{"line": debuggee.line("use"), "logMessage": "sum is {sum}"}, {"line": TICK}]
        shown = []
        viewer.attach(lambda: shown.extend(viewer.call("setBreakpoints", {"source": SOURCE, "breakpoints": wanted})["breakpoints"]),
                      stopOnEntry=True)
        self.assertEqual([one["verified"] for one in shown], [True, False])
        self.assertRegex(shown[1]["message"], "tom may not do setBreakpoints on app: it needs breakpoint; role debugger")
        self.alice.state()
        self.run_on()
        viewer.wait("the message", lambda m: m.get("event") == "output" and "sum is " in m["body"]["output"])


class LiveChanges(RolesCase):
    def test_a_person_who_loses_the_component_is_out_with_the_reason(self):
        self.to_tick()
        viewer = self.dap("dora")
        viewer.attach(stopOnEntry=True)
        at_prompt = self.rpc("rita")
        at_prompt.state()
        self.hang_up_signal(dora=None, rita=None)
        _, told = viewer.wait("the reason", lambda m: m.get("event") == "output" and "policy has changed" in m["body"]["output"])
        self.assertEqual(told["body"]["category"], "important")
        viewer.event("terminated")
        viewer.wait_closed()
        self.until("rita is forgotten", lambda: "rita" not in json.dumps(self.status()["components"][0]["viewers"]))
        self.assertIn("rita may no longer debug app", at_prompt.error("State", {"NonBlocking": True}))
        at_prompt.wait_closed()
        self.assertIn("not authorized", self.dap("dora").error("initialize", INITIALIZE))
        self.assertEqual(self.alice.state()["currentThread"]["line"], TICK)

    def status(self):
        done = subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file, "--output", "json"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def test_whoever_waits_for_a_stop_is_told_too(self):
        self.to_tick()
        self.run_on()
        olga = self.rpc("olga")
        self.assertTrue(olga.state()["Running"])
        waits = olga.send("State", {"NonBlocking": False})
        olga.call("IsMulticlient")
        self.hang_up_signal(olga=None)
        self.assertIn("olga may no longer debug app", olga.reply(waits)["error"])
        olga.wait_closed()

    def test_breakpoints_of_a_person_who_may_have_none_are_cleared_at_once(self):
        self.to_tick()
        viewer = self.dap("dora")
        shown = []
        viewer.attach(lambda: shown.extend(viewer.call("setBreakpoints", {
            "source": SOURCE, "breakpoints": [{"line": debuggee.line("arrive")}]})["breakpoints"]), stopOnEntry=True)
        gone = self.rpc("dave")
        gone.state()
        gone.set_breakpoint(debuggee.MAIN, debuggee.line("sleep"), Cond="n < 0")
        gone.close()  # within the grace
        self.assertEqual(len(self.breakpoints()), 2)
        running = self.run_on()
        mark = viewer.mark()
        self.hang_up_signal(dora="observer", dave=None)
        self.until("they are cleared", lambda: not self.breakpoints())
        self.assertNotIn(running, self.alice.replies)
        _, event = viewer.event("breakpoint", mark)
        self.assertEqual((event["body"]["breakpoint"]["id"], event["body"]["breakpoint"]["verified"]), (shown[0]["id"], False))
        _, event = viewer.event("capabilities", mark)
        self.assertFalse(event["body"]["capabilities"]["supportsSetVariable"])
        self.assertFalse(event["body"]["capabilities"]["supportsFunctionBreakpoints"])
        self.assertIn("it needs control", viewer.error("pause", {"threadId": 1}))
        # And back: everything is there again without a new session.
        mark = viewer.mark()
        self.hang_up_signal(dora="developer")
        _, event = viewer.event("capabilities", mark)
        self.assertTrue(event["body"]["capabilities"]["supportsSetVariable"])
        viewer.call("pause", {"threadId": 1})
        viewer.stopped(mark)

    def test_a_broken_file_changes_nothing(self):
        self.to_tick()
        rita = self.rpc("rita")
        rita.state()
        self.hang_up_signal(text="bindings:\n  - {role: admn, users: [alice], components: [app]}\n...\n")
        line = f'{self.policy}:2:12: unknown role "admn"'
        self.until("it is logged", lambda: line in self.gateway.log())
        self.assertIn(line, self.status()["policy"]["error"])
        self.assertTrue(rita.state())
        self.assertIn("Variable", rita.call("Eval", {"Scope": forms.SCOPE, "Expr": "main.wish", "Cfg": forms.LOAD}))
        self.hang_up_signal(rita="observer")
        self.until("the good one is in force", lambda: "error" not in self.status()["policy"])
        self.assertIn("it needs read", rita.error("Eval", {"Scope": forms.SCOPE, "Expr": "main.wish", "Cfg": forms.LOAD}))

    def test_a_gateway_does_not_start_with_a_broken_policy(self):
        broken = os.path.join(self.directory, "broken.yaml")
        with open(broken, "w", encoding="utf-8") as file:
            file.write("bindings: []\n")
        configuration = os.path.join(self.directory, "gateway.yaml")
        with open(configuration, "w", encoding="utf-8") as file:
            json.dump({"policy": "broken.yaml", "listen": ["127.0.0.1:0"], "stateDirectory": os.path.join(self.directory, "s"),
                       "runtimeDirectory": os.path.join(self.directory, "r")}, file)
        done = subprocess.run([tools.delvegate(), "serve", "--config", configuration], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("only half written", done.stderr)


if __name__ == "__main__":
    unittest.main()
