"""Components of kind `launcher` behind a guard: who keeps the stop budget, and what becomes of breakpoints meanwhile."""

import os
import re
import signal
import unittest

from harness import debuggee, guard, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from test_launched import NAME, TICK, LaunchedCase


class Guarded(LaunchedCase):
    """With a guard in the path, as the launcher puts it there."""

    def run_guarded(self, **more):
        dlv = self.headless(listen="unix:" + os.path.join(self.directory, "dlv.sock") if self.delve.unix_sockets else None)
        self.launcher.guard = guard.Guard(self, dlv.address, **more)
        self.launcher.runs(dlv.address)
        return dlv

    def stopped_at_tick(self, gateway):
        client = Rpc(self, self.connect(gateway, component=NAME).address)
        client.state()  # who has not seen the stop does not resume it
        point = client.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(client.command("continue")["currentThread"]["line"], TICK)
        return client, point["id"]

    def test_a_living_gateway_acts_once_and_the_guard_does_not(self):
        self.launcher.budget = {"disturbMs": 1000, "damageMs": 3000, "dutyMs": 1000}
        self.run_guarded(disturb=1, damage=3, duty=1.0, silence=5.0)
        gateway = self.gateway()
        self.until_attached(gateway)
        client, point = self.stopped_at_tick(gateway)
        watch = self.launcher.guard
        watch.ask("counting")
        waiting.until("it goes on", lambda: client.state()["Running"])
        client.call("ClearBreakpoint", {"Id": point})
        status = watch.until("its duty is done", lambda s: s["state"] == "running" and s["spentMs"] == 0)
        self.assertEqual((status["forcedResumes"], status["breakpointsOff"], status["gatewayAlive"]), (0, False, True))
        self.assertNotIn("is used up", watch.log())
        waiting.until("its breakpoints are on again", lambda: "its breakpoints are on again" in gateway.log())
        self.assertEqual(gateway.log().count("is used up: its breakpoints are switched off"), 1, gateway.log())
        warned = re.findall("kept from its duty for .* of 3 s", gateway.log())
        self.assertTrue(1 <= len(warned) <= 3, gateway.log())  # others notice, half, most of it

    def die(self, gateway):
        os.kill(gateway.pid, signal.SIGKILL)
        gateway.process.wait()

    def test_a_new_gateway_finds_breakpoints_on_again(self):
        self.run_guarded(silence=4.0)
        gateway = self.gateway()
        self.until_attached(gateway)
        _, point = self.stopped_at_tick(gateway)
        watch = self.launcher.guard
        watch.ask("counting")
        self.die(gateway)
        watch.until("it is let go, and its duty is done", lambda s: s["breakpointsOff"] and s["dutyDone"])
        again = self.gateway(name="again")
        self.until_attached(again)
        late = Rpc(self, self.connect(again, component=NAME, name="late").address)
        waiting.until("it stands there again", lambda: not late.state()["Running"])
        self.assertEqual(late.state()["currentThread"]["breakPoint"]["id"], point)
        status = watch.status()
        self.assertEqual((status["breakpointsOff"], status["taken"]), (False, []))
        # Whoever sets one there now takes its place.
        self.assertNotEqual(late.set_breakpoint(debuggee.MAIN, TICK)["id"], point)
        ids = [one["id"] for one in late.call("ListBreakpoints", {"All": False})["Breakpoints"]]
        self.assertNotIn(point, ids)

    def test_an_ide_sets_again_what_it_had_set_by_an_earlier_gateway(self):
        """It does not know that it is there. The program runs: nobody has seen dlv's breakpoints yet."""
        self.run_guarded(silence=4.0)
        gateway = self.gateway()
        self.until_attached(gateway)
        client, point = self.stopped_at_tick(gateway)
        client.set_breakpoint(debuggee.MAIN, debuggee.line("use"), Cond="sum < 0")
        client.call("ClearBreakpoint", {"Id": point})
        client.resume()
        self.launcher.guard.until("it runs", lambda s: s["state"] == "running")
        self.die(gateway)
        again = self.gateway(name="again")
        self.until_attached(again)
        ide = Dap(self, self.connect(again, component=NAME, name="late").address)
        made = []
        ide.attach(lambda: made.append(ide.call("setBreakpoints", {
            "source": {"path": debuggee.MAIN}, "breakpoints": [{"line": debuggee.line("use")}]})["breakpoints"][0]))
        self.assertTrue(made[0]["verified"], made)
        ide.stopped()

    def test_one_that_comes_before_the_duty_has_them_at_the_next_stop_after_it(self):
        self.run_guarded(silence=4.0, duty=15.0)
        gateway = self.gateway()
        self.until_attached(gateway)
        client, point = self.stopped_at_tick(gateway)
        other = client.set_breakpoint(debuggee.MAIN, debuggee.line("use"), Cond="sum < 0")["id"]
        client.call("ClearBreakpoint", {"Id": point})
        watch = self.launcher.guard
        watch.ask("counting")
        self.die(gateway)
        watch.until("it is let go", lambda s: s["breakpointsOff"] and s["state"] == "running")
        again = self.gateway(name="again")
        self.until_attached(again)
        self.assertFalse(watch.status()["dutyDone"], "too slow to be a test")
        late = Rpc(self, self.connect(again, component=NAME, name="late").address)
        status = watch.until("its duty is done", lambda s: s["dutyDone"])
        self.assertTrue(status["breakpointsOff"], "the program was halted under its gateway")
        self.assertTrue(late.state()["Running"])
        self.assertFalse(late.command("halt")["Running"])
        watch.until("they are on again", lambda s: not s["breakpointsOff"])

        def enabled():
            listed = late.call("ListBreakpoints", {"All": False})["Breakpoints"]
            return {one["id"] for one in listed if one["id"] > 0 and not one.get("disabled")}
        self.assertEqual(enabled(), {other})
        late.resume()
        waiting.until("it runs", lambda: late.state()["Running"])
        self.assertEqual(enabled(), {other}, "what the hub remembers is from before")


if __name__ == "__main__":
    unittest.main()
