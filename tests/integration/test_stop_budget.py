"""The stop budget: who keeps a program from its duty for too long is warned, and then it goes on."""

import os
import re
import unittest

from harness import case, debuggee, waiting
from harness.dap import Dap
from harness.rpc import Rpc

TICK = debuggee.line("tick")
SOURCE = {"name": "main.go", "path": debuggee.MAIN}


WARNING = r"kept from its duty for [\d.]+ s of 4 s; in [\d.]+ s its breakpoints are switched off"


class BudgetCase(case.Case):
    budget = {"stopBudget": "4s", "duty": "1s"}

    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(**self.budget))
        self.address = self.connect(self.gateway).address

    def told(self, ide):
        return "".join(m["body"]["output"] for m in list(ide.messages) if m["type"] == "event" and m["event"] == "output" and
                       m["body"]["category"] == "important")

    def disabled(self, client):
        return [b["disabled"] for b in client.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]


class StopBudget(BudgetCase):
    def test_at_its_entry_nothing_is_counted_and_a_hot_breakpoint_is_off_until_a_duty_was_done(self):
        client = Rpc(self, self.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        self.assertFalse(client.state()["Running"])
        self.assertNotIn("kept from its duty", self.gateway.log())
        client.command("continue")
        waiting.until("it goes on by itself", lambda: client.state()["Running"])
        self.assertEqual(len(re.findall(WARNING, self.gateway.log())), 2, self.gateway.log())
        self.assertIn("the stop budget of 4 s is used up", self.gateway.log())
        # Breakpoints are on again after a duty, and stop it again.
        number = client.resume()
        self.assertTrue(client.result(number)["State"]["currentThread"]["breakPoint"]["id"] > 0)
        self.assertIn("its breakpoints are on again", self.gateway.log())
        self.assertEqual(self.disabled(client), [False])

    def test_an_ide_is_warned_twice_and_sees_it_go_on(self):
        ide = Dap(self, self.address)
        ide.attach(lambda: ide.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK}]}))
        after, _ = ide.stopped()
        ide.event("continued", after)
        waiting.until("it is told all", lambda: "are on again" in self.told(ide))
        self.assertEqual(len(re.findall(WARNING, self.told(ide))), 2, self.told(ide))
        self.assertIn("the stop budget of 4 s is used up", self.told(ide))

    def test_stepping_does_not_renew_it(self):
        client = Rpc(self, self.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")

        def step():
            try:
                client.command("next")
            except AssertionError:
                pass
            return "is used up" in self.gateway.log()
        waiting.until("stepping has used it up", step)

    def test_breakpoints_that_change_all_the_time_use_it_up(self):
        # Each change halts the program for a moment.
        client, other = Rpc(self, self.address), Rpc(self, self.address)
        # Past what is changed below, which it never comes to again.
        tick = client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        client.call("ClearBreakpoint", {"Id": tick["id"]})
        number = client.resume()
        waiting.until("it runs", lambda: other.state()["Running"])

        def change():
            point = other.set_breakpoint(debuggee.MAIN, debuggee.line("fill"))
            other.call("ClearBreakpoint", {"Id": point["id"]})
            return "is used up" in self.gateway.log()
        waiting.until("changing has used it up", change)
        self.assertFalse(client.answered(number))  # nobody was told of a stop

    def test_it_is_recorded(self):
        client = Rpc(self, self.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        waiting.until("it goes on by itself", lambda: client.state()["Running"])

        def records():
            return "".join(debuggee.contents(os.path.join(folder, name)).decode(errors="replace")
                           for folder, _, names in os.walk(os.path.join(self.gateway.directory, "state"))
                           for name in names if name.endswith(".jsonl"))
        waiting.until("a record", lambda: re.search('"kind":"administration".*is used up', records()))


class UsedUp(BudgetCase):
    budget = {"stopBudget": "1s", "duty": "1h"}

    def test_nobody_halts_it_and_what_is_set_meanwhile_is_off(self):
        client = Rpc(self, self.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        waiting.until("it goes on by itself", lambda: client.state()["Running"])
        self.assertIn("the stop budget of app is used up", client.error("Command", {"name": "halt"}))
        client.set_breakpoint(debuggee.MAIN, debuggee.line("use"))
        waiting.until("both are off", lambda: self.disabled(client) == [True, True])
        self.assertTrue(client.state()["Running"])
        ide = Dap(self, self.address)
        ide.attach(lambda: ide.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK}]}))
        self.assertTrue(client.state()["Running"])
        self.assertIn("stop budget", ide.error("pause", {"threadId": 1}))


if __name__ == "__main__":
    unittest.main()
