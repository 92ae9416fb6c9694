"""A stop that is held on purpose: who says so, who is told, how it ends, and how a colleague finds it."""

import json
import os
import re
import signal
import unittest

from harness import debuggee, guard, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal
from test_baton import BatonCase
from test_launched import NAME, LaunchedCase

TICK = debuggee.line("tick")
NOTE = "look at the sum, Bob: why is it odd?"
UNTIL = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
PARKED = rf"stop (\d+-[0-9a-f]{{4}}) of app is parked by alice until {UNTIL}: " + re.escape(NOTE)


class ParkCase(BatonCase):
    def park(self, *more, who="alice", code=0):
        return self.delvegate("park", "app", "--note", NOTE, *more, who=who, code=code)

    def status(self):
        return json.loads(self.delvegate("status", "--output", "json"))["components"][0]

    def budget(self):
        return self.status()["stopBudget"]

    def over_budget(self):
        used = self.budget()["used"]
        return int(used[:-2]) > 5000 if used.endswith("ms") else used.endswith("s") and int(used[:-1]) > 5

    def recorded(self, what):
        return any(re.search(what, debuggee.contents(os.path.join(folder, name)).decode(errors="replace"))
                   for folder, _, names in os.walk(os.path.join(self.gateway.directory, "state"))
                   for name in names if name.endswith(".jsonl"))

    def come_for(self, stop, who="bob"):
        """What `delvegate connect --stop` says at its start."""
        self.come = getattr(self, "come", 0) + 1
        seen = self.connect(self.gateway, who, name=f"come-{self.come}", arguments=["--stop", stop])
        return seen.process.errors()


class Parked(ParkCase):
    component_keys = {"stopBudget": "5s", "duty": "1s", "park": "1m"}

    def test_it_stands_beyond_its_budget_and_a_colleague_who_comes_later_goes_on(self):
        watching = self.dap("bob")
        mark = watching.mark()
        self.to_tick()
        stop = re.fullmatch(PARKED + "\n", self.park())[1]
        self.told(watching, PARKED, mark)
        watching.close()
        self.alice.close()
        waiting.until("its budget is over", self.over_budget)
        self.assertEqual(self.status()["state"], "stopped")
        self.assertNotIn("is used up", self.gateway.log())
        self.assertRegex(self.come_for(stop), PARKED + "; it stands at .*main.tick")
        late = self.dap("bob")
        self.told(late, PARKED)
        _, stopped = late.stopped()
        late.call("next", {"threadId": stopped["threadId"]})
        self.told(late, rf"stop {stop}, parked by alice \({re.escape(NOTE)}\), is over: bob runs the program")
        self.assertRegex(self.delvegate("park", "app", who="bob"), "no stop of app is parked")
        self.assertRegex(self.come_for(stop), f"stop {stop} of app stands no more: app has moved on and stands at|[a-z]+ runs the program since")
        waiting.until("it is recorded", lambda: self.recorded('"kind":"intent".*"park"'))
        waiting.until("and told to the record", lambda: self.recorded('"kind":"administration".*is over: bob runs the program'))

    def test_it_ends_with_its_time(self):
        looks = self.dap("bob")
        mark = looks.mark()
        self.to_tick()
        self.park("--for", "7s")
        self.told(looks, r"kept from its duty for [\d.]+ s of 5 s; in [\d.]+ s its breakpoints are switched off", mark)
        self.told(looks, "the time is over for which alice has parked stop", mark)
        self.told(looks, "the stop budget of 5 s is used up", mark)
        self.told(looks, r"its breakpoints are on again \(meanwhile 1 breakpoint had no effect for [\d.]+ s, 1 stop was cut short, "
                         r"0 halts were refused\)", mark)
        status = self.budget()
        self.assertEqual((status["forcedResumes"] >= 1, status["haltsRefused"]), (True, 0), status)
        self.assertIn("stops cut short", self.delvegate("status"))


class WithoutBudget(ParkCase):
    component_keys = {"park": "1m"}

    def test_unpark_lets_it_go_on(self):
        self.to_tick()
        self.park()
        bob = self.rpc("bob")
        bob.state()
        self.assertRegex(self.delvegate("unpark", "app", who="bob", code=1), "alice has the baton of app")
        for point in self.alice.call("ListBreakpoints")["Breakpoints"]:
            if point["id"] > 0:
                self.alice.call("ClearBreakpoint", {"Id": point["id"]})
        self.assertRegex(self.delvegate("unpark", "app", who="alice"), "app goes on: stop .* is parked no more")
        waiting.until("it runs", lambda: bob.state()["Running"])
        self.assertRegex(self.delvegate("unpark", "app", who="alice", code=1), "no stop of app is parked")
        waiting.until("it is recorded", lambda: self.recorded('"kind":"intent".*"unpark"'))

    def test_who_may_not(self):
        self.to_tick()
        bob = self.dap("bob")
        mark, _ = bob.stopped()
        olga = self.dap("olga")
        self.assertIn("it needs control", olga.error("evaluate", {"expression": "delvegate park why", "context": "repl"}))
        self.assertRegex(self.park(who="olga", code=1), "olga may not do park on app: it needs control")
        self.assertIn("alice has the baton", bob.error("evaluate", {"expression": "delvegate park why", "context": "repl"}))
        self.assertRegex(self.park("--for", "2m", code=1), "that is too long; app may be parked for at most 1m")
        self.assertRegex(self.park("--for", "1500ms", code=2), "--for must be a time from 1s to 7d")
        self.assertRegex(self.delvegate("park", "app", "--for", "1m", who="alice", code=2), "say why it is parked")
        running = self.run_on(self.alice)
        self.assertRegex(self.park(code=1), "app runs: what is parked is a stop; halt it first")
        self.alice.command("halt")
        self.alice.result(running)

    def test_typed_into_a_debug_console_and_printed_by_dlv_connect(self):
        self.to_tick()
        mine = self.dap("alice")
        bob = Terminal(self, [self.delve.dlv, "connect", self.addresses["bob"]]).prompt()
        self.assertRegex(self.type(mine, f"delvegate park --for 30s {NOTE}"), PARKED)
        self.assertRegex(bob.run("print delvegate park"), PARKED)
        self.assertRegex(bob.run("print delvegate unpark"), "alice has the baton")
        self.assertIn("that is too long", mine.error("evaluate", {"expression": "delvegate park --for 61s no", "context": "repl"}))
        self.assertRegex(self.delvegate("connect", who="alice"), PARKED)

    def test_by_the_nodes_administrator(self):
        self.to_tick()
        self.assertRegex(self.park(who=None), "is parked by the node's administrator until")
        self.assertRegex(self.delvegate("status"), "stop .* is parked by the node's administrator until .*: look at the sum")
        self.alice.command("next")
        self.assertRegex(self.delvegate("unpark", "app", code=1), "no stop of app is parked")


class NotAllowed(ParkCase):
    component_keys = {"stopBudget": "1m"}

    def test_where_there_is_a_budget_and_nobody_has_said_so(self):
        self.to_tick()
        self.assertRegex(self.park(code=1), "stops of app may not be parked: the key `park` of the component in gateway.yaml")


class Skipped(ParkCase):
    component_keys = {"stopBudget": "1s", "duty": "6s", "park": "1m"}

    def test_what_was_skipped_is_counted(self):
        looks = self.dap("bob")
        mark = looks.mark()
        self.to_tick()
        waiting.until("it goes on by itself", lambda: self.alice.state()["Running"])
        self.assertIn("the stop budget of app is used up", self.alice.error("Command", {"name": "halt"}))
        self.assertRegex(self.park(code=1), "app runs|is used up")
        self.told(looks, r"\(meanwhile 1 breakpoint had no effect for [\d.]+ s, 1 stop was cut short, 1 halt was refused\)", mark)
        waiting.until("it is recorded", lambda: self.recorded("1 halt was refused"))


class ByTheGuard(LaunchedCase):
    """What a gateway says holds as long as the guard keeps it, and no longer."""

    def setUp(self):
        super().setUp()
        self.launcher.budget = {"disturbMs": 2000, "damageMs": 6000, "dutyMs": 1000}
        dlv = self.headless(listen="unix:" + os.path.join(self.directory, "dlv.sock") if self.delve.unix_sockets else None)
        self.launcher.guard = guard.Guard(self, dlv.address, disturb=2, damage=6, duty=1.0, silence=5.0, mercy=2.0, park=self.limit)
        self.launcher.runs(dlv.address)
        self.served = self.gateway()
        self.until_attached(self.served)
        self.client = Rpc(self, self.connect(self.served, component=NAME).address)
        self.client.state()
        self.point = self.client.set_breakpoint(debuggee.MAIN, TICK)["id"]
        self.launcher.guard.ask("counting")
        self.assertEqual(self.client.command("continue")["currentThread"]["line"], TICK)

    limit = 60

    def type(self, words):
        return self.client.call("Eval", {"Expr": words})["Variable"]["value"]

    def test_the_gateway_is_killed_and_the_guard_holds_it_until_its_end(self):
        self.assertRegex(self.type(f"delvegate park --for 20s {NOTE}"), f"stop .* of {NAME} is parked by alice until")
        watch = self.launcher.guard
        self.client.close()
        os.kill(self.served.pid, signal.SIGKILL)
        self.served.process.wait()
        status = watch.until("the gateway is gone, and the budget used up", lambda s: not s["gatewayAlive"] and s["spentMs"] > 8000)
        self.assertEqual((status["state"], status["forcedResumes"], status["parkedNote"]), ("stopped", 0, NOTE))
        # The next gateway knows of it.
        again = self.gateway(name="again")
        self.until_attached(again)
        late = Rpc(self, self.connect(again, component=NAME, name="late").address)
        waiting.until("it knows the note", lambda: NOTE in late.call("Eval", {"Expr": "delvegate park"})["Variable"]["value"])
        self.assertIn(status["parkedStop"], late.call("Eval", {"Expr": "delvegate park"})["Variable"]["value"])
        self.assertFalse(late.state()["Running"])
        late.close()
        os.kill(again.pid, signal.SIGKILL)
        again.process.wait()
        status = watch.until("its end", lambda s: s["forcedResumes"] == 1 and s["state"] == "running")
        self.assertNotIn("parkedMs", status)
        self.assertIn("is over", watch.log())

    def test_the_gateway_ends_it_in_time_and_the_guard_does_not(self):
        self.assertRegex(self.type(f"delvegate park --for 8s {NOTE}"), "is parked by alice until")
        waiting.until("it goes on", lambda: self.client.state()["Running"])
        self.client.call("ClearBreakpoint", {"Id": self.point})
        self.assertIn("is used up: its breakpoints are switched off", self.served.log())
        status = self.launcher.guard.until("its duty is done", lambda s: s["spentMs"] == 0 and s["state"] == "running")
        self.assertEqual(status["forcedResumes"], 0, self.launcher.guard.log())

    def test_the_guards_limit_is_the_one_that_counts(self):
        self.assertIn("may be parked for at most 60 s", self.client.error("Eval", {"Expr": "delvegate park --for 61s too long"}))
        self.type("delvegate park --for 50s first")
        self.assertIn("at most 60 s altogether", self.client.error("Eval", {"Expr": "delvegate park --for 60s once more"}))
        self.client.command("next")
        self.assertNotIn("parkedMs", self.launcher.guard.until("it has moved on", lambda s: "parkedMs" not in s))


class ByNoGuard(ByTheGuard):
    limit = 0

    def test_the_gateway_ends_it_in_time_and_the_guard_does_not(self):
        self.assertIn("may not be parked: root says for how long in launcher.yaml",
                      self.client.error("Eval", {"Expr": "delvegate park why"}))

    test_the_gateway_is_killed_and_the_guard_holds_it_until_its_end = None
    test_the_guards_limit_is_the_one_that_counts = None


if __name__ == "__main__":
    unittest.main()
