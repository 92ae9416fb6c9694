"""A gateway that is killed and started again: what people had at a dlv that outlives it is theirs as before."""

import json
import os
import signal
import subprocess

from harness import case, debuggee, tools, waiting
from harness.dap import Dap
from harness.rpc import Rpc

TICK = debuggee.line("tick")
SOURCE = {"name": "main.go", "path": debuggee.MAIN}


class RebornCase(case.Case):
    limits = {}

    def setUp(self):
        super().setUp()
        self.dlv = self.headless()
        self.gateways = 0
        self.laptops = []
        self.start()

    def start(self):
        self.gateways += 1
        self.gateway = self.serve(
            {"name": "app", "kind": "connect", "users": ["alice", "bob"], "address": self.dlv.address},
            name=f"serve{self.gateways}", stateDirectory=os.path.join(self.directory, "state"), limits=self.limits)
        self.until("it is attached", lambda: self.status()["state"] in ("stopped", "running"))

    def kill(self):
        os.kill(self.gateway.pid, signal.SIGKILL)
        self.gateway.process.wait()
        # These have nothing to come back to: the next gateway has another port.
        for laptop in self.laptops:
            laptop.process.end()
        self.laptops.clear()

    def until(self, what, condition):
        return waiting.until(what, condition)

    def command(self, *arguments):
        return subprocess.run([tools.delvegate(), *arguments, "--config", self.gateway.configuration_file],
                              capture_output=True, text=True, check=True).stdout

    def status(self):
        return json.loads(self.command("status", "--output", "json"))["components"][0]

    def come(self, who, kind=Rpc):
        laptop = self.connect(self.gateway, who=who, name=f"{who}{kind.__name__}{self.gateways}")
        self.laptops.append(laptop)
        return kind(self, laptop.address)

    def at_dlv(self):
        """What dlv itself has, told by a connection of its own."""
        client = Rpc(self, self.dlv.address)
        found = [b for b in client.call("ListBreakpoints", {"All": False})["Breakpoints"] if b["id"] > 0]
        client.close()
        return found

    def journal(self):
        return os.path.join(self.directory, "state", "sessions", "app.journal")

    def listed(self, client):
        return {b["id"]: b for b in client.call("ListBreakpoints", {"All": False})["Breakpoints"] if b["id"] > 0}


class Breakpoints(RebornCase):
    def test_they_and_their_owners_are_as_before(self):
        alice, bob = self.come("alice"), self.come("bob", Dap)
        mine = alice.call("CreateBreakpoint", {"Breakpoint": {"file": debuggee.MAIN, "line": TICK, "Cond": "n == 5"}})["Breakpoint"]["id"]
        asked = {"source": SOURCE, "breakpoints": [{"line": TICK, "condition": "n == 7"}]}
        theirs = []
        bob.attach(lambda: theirs.append(bob.call("setBreakpoints", asked)["breakpoints"][0]["id"]), stopOnEntry=True)
        before = self.at_dlv()
        self.assertEqual(len(before), 1, "one place")
        self.assertEqual(os.stat(self.journal()).st_mode & 0o777, 0o600)
        self.kill()
        self.start()
        alice = self.come("alice")
        seen = self.listed(alice)
        self.assertEqual(sorted(seen), sorted([mine, theirs[0]]))
        self.assertEqual((seen[mine]["Cond"], seen[theirs[0]]["Cond"]), ("n == 5", "n == 7"))
        self.assertIn("set by bob", json.dumps(seen[theirs[0]]))
        self.assertNotIn("set by", json.dumps(seen[mine]))
        # Whose condition holds is told for each, by the gateway that never saw them being set.
        alice.state()
        self.assertEqual(int(self.value_at_stop(alice)), 5)
        bob = self.come("bob", Dap)
        again = []
        bob.attach(lambda: again.append(bob.call("setBreakpoints", asked)["breakpoints"][0]["id"]))
        self.assertEqual(again, theirs, "the same one")
        self.assertEqual(int(self.value_at_stop(alice)), 7)
        # Removing mine leaves yours.
        alice.call("ClearBreakpoint", {"Id": mine})
        self.assertEqual([b["addrs"] for b in self.at_dlv()], [before[0]["addrs"]])
        bob.call("setBreakpoints", {"source": SOURCE, "breakpoints": []})
        self.assertEqual(self.at_dlv(), [])

    def test_what_was_switched_off_meanwhile_is_on_when_its_owner_is_back(self):
        """As a guard does, who lets the program go on while the gateway is gone."""
        asked = {"source": SOURCE, "breakpoints": [{"line": TICK}]}
        bob = self.come("bob", Dap)
        bob.attach(lambda: bob.call("setBreakpoints", asked), stopOnEntry=True)
        point, = self.at_dlv()
        self.kill()
        stranger = Rpc(self, self.dlv.address)
        stranger.call("ToggleBreakpoint", {"Id": point["id"], "Name": ""})
        stranger.close()
        self.assertEqual([b["disabled"] for b in self.at_dlv()], [True])
        self.start()
        bob = self.come("bob", Dap)
        bob.attach(lambda: bob.call("setBreakpoints", asked), stopOnEntry=True)
        self.assertEqual([b["disabled"] for b in self.at_dlv()], [False])

    def value_at_stop(self, client):
        state = client.command("continue")
        self.assertEqual(state["currentThread"]["line"], TICK)
        return client.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "n", "Cfg": {"MaxStringLen": 64}})["Variable"]["value"]

    def test_another_program_has_none_of_them(self):
        self.come("alice").set_breakpoint(debuggee.MAIN, TICK)
        self.kill()
        self.dlv.process.end()
        self.dlv = self.headless(name="another")
        stranger = Rpc(self, self.dlv.address)
        stranger.set_breakpoint(debuggee.MAIN, TICK)
        stranger.close()
        self.start()
        seen = self.listed(self.come("alice"))
        self.assertEqual(len(seen), 1)
        # It is a stranger's, who is not asked whether it stays.
        self.assertIn("another one than the earlier gateway's", self.gateway.log())

    def test_the_baton_is_who_had_it(self):
        alice = self.come("alice")
        alice.set_breakpoint(debuggee.MAIN, TICK)
        alice.command("continue")
        had = self.status()["runControl"]
        self.assertEqual(had["holder"], "alice")
        self.kill()
        self.start()
        self.assertEqual({key: self.status()["runControl"][key] for key in ("holder", "since")},
                         {key: had[key] for key in ("holder", "since")})
        bob = self.come("bob")
        bob.state()
        self.assertIn("alice has the baton", bob.error("Command", {"name": "next"}))


class Cleaning(RebornCase):
    limits = {"resumeTime": "1s"}

    def test_what_nobody_comes_back_for_goes(self):
        alice = self.come("alice")
        alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n < 0")
        running = alice.resume()
        self.until("it runs", lambda: alice.state()["Running"])
        self.assertFalse(alice.answered(running))
        self.kill()
        self.start()
        self.until("it is cleared", lambda: self.status()["breakpoints"] == 0)
        self.until("the program runs on", lambda: self.status()["state"] == "running")
        late = self.come("alice")
        late.command("halt")
        self.assertEqual(self.at_dlv(), [])

    def test_what_is_pinned_stays_until_somebody_unpins_it(self):
        alice, bob = self.come("alice"), self.come("bob")
        alice.set_breakpoint(debuggee.MAIN, TICK, Cond="n < 0")
        bob.set_breakpoint(debuggee.MAIN, debuggee.line("use"), Cond="sum < -5")
        alice.call("Eval", {"Expr": f"delvegate pin main.go:{TICK}"})
        self.kill()
        self.start()
        self.until("the other one is cleared", lambda: self.status()["breakpoints"] == 1)
        self.assertEqual([b["line"] for b in self.at_dlv()], [TICK])
        bob = self.come("bob")
        self.assertEqual([b["VerboseDescr"] for b in self.listed(bob).values()], [["set by alice", "pinned"]])
        bob.call("Eval", {"Expr": f"delvegate unpin main.go:{TICK}"})
        self.until("it goes, for its owner is not here", lambda: self.at_dlv() == [])

    def unfinished(self):
        """As if the gateway had been killed when dlv had set one and nobody had written that down."""
        self.kill()
        with open(self.journal(), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        wishes = [line for line in lines if line["k"].startswith("wish/") and "v" in line]
        self.assertTrue(wishes)
        kept = [line for line in lines if not line["k"].startswith(("wish/", "site/"))]
        kept.append({"k": "setting", "v": {"user": wishes[-1]["v"]["user"], "who": wishes[-1]["v"]["who"]}})
        with open(self.journal(), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in kept)

    def test_one_that_was_just_being_set_goes_too(self):
        self.come("alice").set_breakpoint(debuggee.MAIN, TICK)
        self.unfinished()
        self.assertEqual(len(self.at_dlv()), 1)
        self.start()
        self.until("it is cleared", lambda: self.at_dlv() == [])

    def test_one_that_was_just_being_set_can_be_set_again(self):
        self.come("alice").set_breakpoint(debuggee.MAIN, TICK)
        self.unfinished()
        self.limits = {}
        self.start()
        alice = self.come("alice")
        made = alice.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(len(self.at_dlv()), 1, "not twice")
        self.assertEqual(list(self.listed(alice)), [made["id"]])
