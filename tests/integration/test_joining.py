"""Who joins only joins: whatever a client's IDE sends at its start, and however that falls together with what others do,
the target stays as it was."""

import time
import unittest

from harness import dap, debuggee, shared

TICK = debuggee.line("tick")
RACES = 80


class Joining(shared.SharedCase):
    def setUp(self):
        super().setUp()
        self.driver = self.rpc("alice")
        self.driver.state()

    def test_attaches_in_the_moment_of_a_resume(self):
        """dlv's own attach halts a running target: one that was begun while it stood must not reach dlv when it runs."""
        for race in range(RACES // 4):
            joiners = [self.dap("bob") for _ in range(8)]
            for joiner in joiners:
                joiner.call("initialize", dap.INITIALIZE)
            attaches = [joiner.send("attach", {"mode": "remote", "request": "attach", "type": "go"}) for joiner in joiners]
            time.sleep(race % 10 / 2000)  # dlv does one after the other
            running = self.driver.resume()
            for joiner, attaching in zip(joiners, attaches):
                self.assertTrue(joiner.response(attaching)["success"])
                joiner.call("configurationDone")
            self.until_running()
            self.assert_heartbeat()
            self.assertFalse(self.driver.answered(running), f"race {race}: the run has ended by itself")
            self.driver.command("halt")
            self.driver.result(running)
            for joiner in joiners:
                joiner.stopped()
                self.assertLessEqual([name for name, _ in joiner.events()].count("stopped"), 2)
            self.assert_each_answered_once([self.driver, *joiners])
            for joiner in joiners:
                joiner.close()

    def test_a_window_opens_in_the_moment_of_a_resume(self):
        """Who joined while it ran looks for the first time as the next run begins."""
        for race in range(RACES):
            running = self.driver.resume()
            self.until_running()
            joiner = self.dap("bob")
            joiner.attach()
            self.driver.command("halt")
            self.driver.result(running)
            joiner.stopped()
            if race % 2:
                number = joiner.send("threads")
                running = self.driver.resume()
            else:
                running = self.driver.resume()
                number = joiner.send("threads")
            self.assertTrue(joiner.response(number)["success"])
            self.until_running()
            if race % 20 == 0:
                self.assert_heartbeat()
            self.assertFalse(self.driver.answered(running), f"race {race}: the run has ended by itself")
            self.driver.command("halt")
            self.driver.result(running)
            joiner.close()

    def test_the_first_continue_only_joins(self):
        """GoLand's first two: its breakpoints and `continue` in one write. The target stands, for somebody else."""
        self.driver.set_breakpoint(debuggee.MAIN, TICK)
        stop = self.driver.command("continue")
        for who in ("bob", "alice"):
            joiner = self.rpc(who)
            resumed = joiner.resume()
            self.assertEqual(joiner.result(resumed)["State"]["currentThread"]["pc"], stop["currentThread"]["pc"])
            self.assertFalse(self.true_state()["Running"])
            self.assertEqual(self.round(self.driver), self.round(joiner))
            joiner.close()
        # While it runs it joins the run, and is answered when that ends.
        point, = [b["id"] for b in self.driver.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]
        self.driver.call("ClearBreakpoint", {"Id": point})
        running = self.driver.resume()
        self.until_running()
        joiner = self.rpc("bob")
        resumed = joiner.resume()
        joiner.call("GetVersion")
        self.assertFalse(joiner.answered(resumed))
        self.assert_heartbeat()
        self.driver.command("halt")
        for client, number in ((joiner, resumed), (self.driver, running)):
            self.assertFalse(client.result(number)["State"]["Running"])

    def test_joiners_and_leavers_while_somebody_steps(self):
        """Steps end where they should, whoever comes and goes meanwhile."""
        self.driver.set_breakpoint(debuggee.MAIN, TICK)
        last = -1
        for turn in range(12):
            state = self.driver.command("continue")
            self.assertEqual(state["currentThread"]["line"], TICK)
            now = self.round(self.driver)
            self.assertEqual(now, last + 1 if last >= 0 else now)
            last = now
            for step, place in enumerate(("main.tick", "main.main")):
                stepping = self.driver.resume("next")
                joiner = self.dap("bob") if (turn + step) % 2 else self.rpc("carol")
                if isinstance(joiner, shared.SharedDap):
                    joiner.attach()
                else:
                    joiner.state()
                state = self.driver.result(stepping)["State"]
                self.assertFalse(state.get("NextInProgress"))
                self.assertEqual(state["currentThread"]["function"]["name"], place)
                if turn % 3:
                    joiner.close()
                else:
                    joiner.kill()

    def round(self, client):
        """The n of the debuggee's loop, asked by this client at a stop in main.tick."""
        variable = client.call("Eval", {"Scope": {"GoroutineID": -1, "Frame": 0}, "Expr": "n", "Cfg": {
            "FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 64, "MaxArrayValues": 16, "MaxStructFields": -1}})
        return int(variable["Variable"]["value"])


if __name__ == "__main__":
    unittest.main()
