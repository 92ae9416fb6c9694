"""What a gateway has to know of an earlier one before it lets a view go on: which program it is, and which stop."""

import json
import os
import signal
import unittest

import test_gateway_reborn as reborn
import test_view_rebuilt as rebuilt
from harness import debuggee, stock
from harness.dap import Dap
from harness.rpc import Rpc

TICK = rebuilt.TICK
N = {"Scope": {"GoroutineID": -1}, "Expr": "n", "Cfg": rebuilt.SHORT}


class Programs(rebuilt.RebuiltCase):
    def test_another_one_that_runs(self):
        """dlv tells which one it is when it stands: it stands for a moment, and gets nothing of what was wanted of the other one."""
        client = self.ide(Dap)
        never = {"source": rebuilt.SOURCE, "breakpoints": [{"line": TICK, "condition": "n == 1000000"}]}
        client.attach(lambda: client.call("setBreakpoints", never))
        self.until("it runs", lambda: self.status()["state"] == "running")
        mark = client.mark()
        stranger = self.exchange_programs()
        output = client.wait("why", lambda m: m.get("event") == "output" and "another one" in m["body"]["output"], mark)[1]
        self.assertIn("start the session anew", output["body"]["output"])
        client.wait_closed()
        self.until("it goes on", lambda: (self.status()["state"], self.status()["breakpoints"]) == ("running", 0))
        self.until("so dlv says", lambda: stranger.state()["Running"])

    def exchange_programs(self):
        self.end()
        self.dlv.process.end()
        self.dlv = self.headless(name=f"another{self.gateways}")
        stranger = Rpc(self, self.dlv.address)
        stranger.resume()
        self.until("it runs", lambda: stranger.state()["Running"])
        self.start()
        self.way.target = self.gateway.port
        return stranger

    def test_another_one_than_a_gateway_found_running(self):
        """That gateway never saw it stand; which one the next one finds is known when it stands."""
        self.exchange_programs()
        client = self.ide(Rpc)
        client.call("ListBreakpoints", {"All": False})
        self.exchange_programs().command("halt")
        client.wait_closed()
        self.assertIn("is another one than before the gateway was restarted", self.told())


class Stops(rebuilt.RebuiltCase):
    def at_tick(self):
        client = self.ide(Rpc)
        client.call("SetApiVersion", {"APIVersion": 2})
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        return client

    def n(self, client):
        return int(client.call("Eval", N)["Variable"]["value"])

    def test_another_one_at_the_same_place(self):
        client = self.at_tick()
        for method, asked in (("Eval", N), ("Set", {"Scope": {"GoroutineID": -1}, "Symbol": "n", "Value": "1000"})):
            with self.subTest(method):
                n = self.n(client)
                self.end()
                stranger = Rpc(self, self.dlv.address)
                stranger.command("continue")
                stranger.close()
                self.follow()
                self.assertIn("look again", client.error(method, asked))
                self.assertEqual(self.n(client), n + 1, "it has been told now")

    def test_the_same_one(self):
        client = self.at_tick()
        n = self.n(client)
        for _ in range(2):
            self.another()
            self.assertEqual(self.n(client), n)

    def test_one_that_the_last_gateway_had_not_told(self):
        client = self.at_tick()
        other = self.ide(Rpc)
        other.state()
        other.command("continue")
        self.another()
        self.assertIn("look again", client.error("Eval", N))
        self.n(client)

    def test_a_goroutine_that_had_been_selected(self):
        client = self.at_tick()
        mine = client.state()["currentGoroutine"]["id"]
        other = next(g["id"] for g in client.call("ListGoroutines", {"Start": 0, "Count": 20})["Goroutines"] if g["id"] != mine)
        client.command("switchGoroutine", goroutineID=other)
        self.another()
        top = {"Id": -1, "Depth": 1}
        self.assertIn("look again", client.error("Stacktrace", top))
        self.assertTrue(client.call("Stacktrace", top)["Locations"])


class Waiting(rebuilt.RebuiltCase):
    limits = {"resumeTime": "2s"}
    signal = signal.SIGTERM

    def test_a_laptop_that_slept_for_too_long(self):
        client, _, _ = self.at_tick()
        self.end()
        self.until("it waits", lambda: "trying again" in self.told())
        os.kill(self.laptop.process.pid, signal.SIGSTOP)
        self.start()
        self.way.target = self.gateway.port
        self.until("its breakpoint is cleared", lambda: self.at_dlv() == [])
        os.kill(self.laptop.process.pid, signal.SIGCONT)
        client.wait_closed()
        self.assertIn("there was no way back to the gateway within 2 s", self.told())
        self.assertEqual(self.at_dlv(), [])


class Requests(rebuilt.RebuiltCase):
    signal = signal.SIGTERM

    def test_a_large_one_that_begins_while_there_is_no_gateway(self):
        """Its beginning is nowhere: no gateway is given the rest."""
        client = self.ide(Rpc)
        client.call("ListThreads")
        self.end()
        self.until("it is noticed", lambda: "trying again" in self.told())
        client.write(b'{"method":"RPCServer.ListThreads","params":[{"x":"' + 400_000 * b"x")
        self.start()
        self.way.target = self.gateway.port
        client.wait_closed()
        self.assertIn("a request was too large to be remembered", self.told())


class Draining(reborn.RebornCase):
    limits = {"drainTime": "1h"}

    def test_what_people_do_until_the_end_is_known_after_it(self):
        bob = Rpc(self, stock.Socat(self, self.gateway, self.person("bob")).address)
        before = bob.set_breakpoint(debuggee.MAIN, debuggee.line("use"))["id"]
        stays = bob.set_breakpoint(debuggee.MAIN, debuggee.line("sleep"))["id"]
        self.gateway.process.signal(signal.SIGTERM)
        self.until("it ends", lambda: "draining, " in self.gateway.log())
        made = bob.set_breakpoint(debuggee.MAIN, TICK)["id"]
        bob.call("ClearBreakpoint", {"Id": before})
        bob.close()
        self.gateway.process.child.wait()
        # Their time to come back is as long as if it had been killed.
        with open(self.journal(), encoding="utf-8") as file:
            wishes = {line["k"]: line["v"] for line in map(json.loads, file) if line["k"].startswith("wish/") and "v" in line}
        self.assertEqual([one["here"] for one in wishes.values()], [True] * len(wishes))
        self.start()
        self.assertEqual(sorted(self.listed(self.come("bob"))), sorted([stays, made]))
        self.assertEqual([b["VerboseDescr"] or [] for b in self.listed(self.come("alice")).values()], [["set by bob"]] * 2)
        self.assertEqual(len(self.at_dlv()), 2)


if __name__ == "__main__":
    unittest.main()
