"""One at a time runs the program: who has the baton, how it changes hands, and what the others are told."""

import json
import os
import re
import subprocess
import unittest

from harness import case, debuggee, forms, tools, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")
USE = debuggee.line("use")
SOURCE = {"name": "main.go", "path": debuggee.MAIN}
HAS = r"{} has the baton of app since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC, and with it runs and steps it; ask for it: delvegate baton ask app"


class BatonCase(case.Case):
    component_keys, gateway_keys = {}, {}
    can_revoke = False
    roles = {"alice": "admin", "bob": "developer", "olga": "observer"}

    def setUp(self):
        super().setUp()
        policy = os.path.join(self.directory, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n" + "".join(f"  - {{role: {role}, users: [{who}], components: [app]}}\n" for who, role in self.roles.items()) +
                       "...\n")
        keys = dict(self.gateway_keys)
        if self.can_revoke:
            self.revoke()
            keys["revocations"] = os.path.join(self.directory, "revoked.yaml")
        self.gateway = self.serve(self.component(users=[], **self.component_keys), policy=policy, **keys)
        self.addresses = {who: self.connect(self.gateway, who, name="connect-" + who).address for who in self.roles}
        self.alice = self.rpc("alice")
        self.alice.state()

    def revoke(self, *users):
        """These, and nobody else."""
        path = os.path.join(self.directory, "revoked.yaml")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump({"users": users}, file)
        os.rename(path + ".new", path)

    def rpc(self, who):
        return Rpc(self, self.addresses[who])

    def dap(self, who):
        viewer = Dap(self, self.addresses[who])
        viewer.attach(stopOnEntry=True)
        return viewer

    def to_tick(self):
        """Run by alice, who has the baton from then on, to the marker."""
        self.alice.set_breakpoint(debuggee.MAIN, TICK)
        return self.alice.command("continue")

    def run_on(self, client):
        for point in client.call("ListBreakpoints")["Breakpoints"]:
            if point["id"] > 0:
                client.call("ClearBreakpoint", {"Id": point["id"]})
        number = client.resume()
        waiting.until("it runs", lambda: client.state()["Running"])
        return number

    def told(self, viewer, text, start=0):
        return viewer.wait(text, lambda m: m.get("event") == "output" and re.search(text, m["body"]["output"]), start)

    def type(self, viewer, text):
        return viewer.call("evaluate", {"expression": text, "context": "repl"})["result"]

    def baton(self, *arguments, **more):
        return self.delvegate("baton", *arguments, **more)

    def delvegate(self, *arguments, who=None, code=0):
        """As somebody on a laptop, or of the node's own gateway."""
        command = [tools.delvegate(), *arguments]
        if who:
            person = self.person(who)
            command += ["--gateway", f"localhost:{self.gateway.port}", "--certificate", person.certificate, "--key", person.key, "--ca", person.ca]
        else:
            command += ["--config", self.gateway.configuration_file]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, HOME=self.directory), check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr


class Steps(BatonCase):
    def test_json_rpc_by_somebody_else(self):
        self.to_tick()
        bob = self.rpc("bob")
        bob.state()
        before = self.alice.state()
        for name in ("next", "step", "stepOut", "stepInstruction", "continue", "directionCongruentContinue"):
            self.assertRegex(bob.error("Command", {"name": name}), HAS.format("alice"))
        self.assertRegex(bob.error("Command", {"name": "call", "expr": "main.callsTick()", "goroutineID": 1}), HAS.format("alice"))
        self.assertRegex(bob.error("Set", {"Scope": forms.SCOPE, "Symbol": "main.wish", "Value": "1"}), HAS.format("alice"))
        self.assertEqual(self.alice.state(), before)
        self.assertEqual(self.alice.command("next")["currentThread"]["line"], TICK + 1)

    def test_dap_by_somebody_else(self):
        self.to_tick()
        bob = self.dap("bob")
        mark, stopped = bob.stopped()
        for command in ("next", "stepIn", "stepOut", "continue"):
            response = bob.response(bob.send(command, {"threadId": stopped["threadId"]}))
            self.assertFalse(response["success"])
            self.assertRegex(response["body"]["error"]["format"], "Not your turn: " + HAS.format("alice"))
            self.assertTrue(response["body"]["error"]["showUser"])
        self.assertIn("alice has the baton", bob.error("evaluate", {"expression": "call main.callsTick()", "context": "repl"}))
        # It still looks, and was not told that it runs.
        frames = bob.call("stackTrace", {"threadId": stopped["threadId"], "levels": 1})["stackFrames"]
        self.assertEqual(frames[0]["line"], TICK)
        self.assertEqual([m["event"] for m in bob.messages[mark:] if m["type"] == "event" and m["event"] in ("continued", "stopped")], [])

    def test_all_connections_of_one_person_share_it(self):
        self.to_tick()
        mine = self.dap("alice")
        mark, stopped = mine.stopped()
        mine.call("next", {"threadId": stopped["threadId"]})
        self.assertEqual(mine.stopped(mark)[1]["reason"], "step")

    def test_pause_is_everybodys_who_has_control(self):
        self.to_tick()
        bob = self.dap("bob")
        mark, _ = bob.stopped()
        running = self.run_on(self.alice)
        bob.event("continued", mark)
        bob.call("pause", {"threadId": 1})
        mark, stopped = bob.stopped(mark)
        self.assertEqual(stopped["reason"], "pause")
        self.alice.result(running)
        # It stays whose it was.
        self.assertIn("alice has the baton", bob.error("continue", {"threadId": 1}))
        self.run_on(self.alice)
        olga = self.dap("olga")
        self.assertIn("it needs control", olga.error("pause", {"threadId": 1}))

    def test_joining_a_run_needs_none(self):
        self.to_tick()
        running = self.run_on(self.alice)
        bob = self.rpc("bob")
        self.assertTrue(bob.state()["Running"])
        joined = bob.resume()
        self.alice.command("halt")
        self.alice.result(running)
        self.assertFalse(bob.result(joined)["State"]["Running"])

    def test_the_person_whose_breakpoint_it_is_comes_first(self):
        self.to_tick()
        bob = self.rpc("bob")
        bob.state()
        bob.set_breakpoint(debuggee.MAIN, USE)
        looks = self.dap("alice")
        mark = looks.mark()
        self.assertEqual(self.alice.command("continue")["currentThread"]["line"], USE)
        self.assertRegex(self.alice.error("Command", {"name": "next"}), r"it stands at a breakpoint of bob, who may run it first until .* UTC")
        self.told(looks, "It stands at a breakpoint of bob", mark)
        bob.state()
        bob.command("next")
        self.alice.state()
        self.assertRegex(self.alice.error("Command", {"name": "next"}), HAS.format("bob"))

    def test_who_has_left_has_it_no_more(self):
        self.to_tick()
        bob = self.rpc("bob")
        bob.state()
        second = self.rpc("alice")
        second.state()
        self.alice.close()
        self.assertRegex(bob.error("Command", {"name": "next"}), HAS.format("alice"))
        second.close()

        def free():
            return bob.reply(bob.send("Command", {"name": "next"}))["error"] is None
        waiting.until("nobody has it", free)


class ByHand(BatonCase):
    def test_asked_for_and_given_in_the_debug_console(self):
        self.to_tick()
        mentor = self.dap("alice")
        bob = self.dap("bob")
        mark, stopped = bob.stopped()
        self.assertRegex(self.type(bob, "delvegate baton"), "alice has the baton of app since")
        self.assertRegex(self.type(bob, "delvegate baton ask"), "alice is asked for the baton of app")
        self.told(mentor, "bob asks for the baton; hand it over by typing here: delvegate baton give bob")
        self.assertIn("alice has the baton", bob.error("next", {"threadId": stopped["threadId"]}))
        self.assertRegex(self.type(mentor, " delvegate  baton give app bob "), "bob has the baton of app now")
        self.told(bob, "alice gave you the baton", mark)
        bob.call("next", {"threadId": stopped["threadId"]})
        self.assertEqual(bob.stopped(mark)[1]["reason"], "step")
        self.alice.state()
        self.assertRegex(self.alice.error("Command", {"name": "next"}), HAS.format("bob"))
        self.assertRegex(self.type(bob, "delvegate baton drop"), "nobody has the baton of app")
        self.told(mentor, "bob has dropped the baton")
        self.alice.command("next")

    def test_not_by_a_watch_which_would_repeat_it(self):
        self.to_tick()
        bob = self.dap("bob")
        for context in ("watch", "hover"):
            self.assertIn("it would be repeated", bob.error("evaluate", {"expression": "delvegate baton ask", "context": context}))
        self.assertNotIn("asked for", self.type(bob, "delvegate baton"))
        self.assertIn("delvegate knows here", bob.error("evaluate", {"expression": "delvegate fly", "context": "repl"}))

    def test_printed_by_dlv_connect_and_evaluated_by_goland(self):
        self.to_tick()
        bob = Terminal(self, [self.delve.dlv, "connect", self.addresses["bob"]]).prompt()
        self.assertRegex(bob.run("next"), "alice has the baton of app since")
        self.assertIn("alice is asked for the baton of app", bob.run("print delvegate baton ask"))
        self.assertIn("asked for by bob", bob.run("print delvegate baton"))
        variable = self.alice.call("Eval", {"Scope": forms.SCOPE, "Expr": "delvegate baton give", "Cfg": forms.LOAD})["Variable"]
        self.assertEqual((variable["kind"], variable["value"]), (24, "bob has the baton of app now"))
        self.assertIn("main.tick", bob.run("next"))
        self.assertIn("it needs lifecycle", bob.run("print delvegate baton take"))

    def test_taken_with_lifecycle_only(self):
        work = self.rpc("bob")
        work.state()
        work.set_breakpoint(debuggee.MAIN, TICK)
        work.command("continue")
        bob = self.dap("bob")
        mark = bob.mark()
        self.assertIn("bob may not do baton take on app: it needs lifecycle", bob.error("evaluate", {"expression": "delvegate baton take", "context": "repl"}))
        olga = self.dap("olga")
        self.assertIn("it needs control", olga.error("evaluate", {"expression": "delvegate baton ask", "context": "repl"}))
        self.assertRegex(self.type(olga, "delvegate baton"), "bob has the baton")
        said = self.alice.call("Eval", {"Expr": "delvegate baton take"})["Variable"]["value"]
        self.assertEqual(said, "the baton of app is yours, taken from bob")
        self.told(bob, "alice has the baton now; bob had it", mark)

    def test_not_by_a_step_that_never_began(self):
        """At the program's entry there is no goroutine yet."""
        bob = self.dap("bob")
        mark, stopped = bob.stopped()
        bob.call("next", {"threadId": stopped["threadId"]})
        self.assertEqual(bob.stopped(mark)[1]["reason"], "error")
        self.assertIn("nobody has the baton", self.type(bob, "delvegate baton"))

    def test_by_the_command_on_a_laptop(self):
        self.to_tick()
        looks = self.dap("alice")
        bob = self.rpc("bob")
        bob.state()
        self.assertRegex(self.baton("app", who="bob"), "alice has the baton of app since")
        self.assertRegex(self.baton("ask", "app", who="bob"), "alice is asked for the baton")
        self.told(looks, "bob asks for the baton")
        self.assertRegex(self.baton("take", "app", who="bob", code=1), "delvegate: bob may not do baton take on app: it needs lifecycle")
        self.assertRegex(self.baton("give", "app", "carol", who="alice", code=1), "nobody of the name carol who may run app is here")
        self.assertEqual(self.baton("give", "app", who="alice"), "bob has the baton of app now\n")
        bob.command("next")
        shown = json.loads(self.baton("show", "app", "--output", "json", who="alice"))
        self.assertEqual((shown["baton"]["mode"], shown["baton"]["holder"]), ("baton", "bob"))
        self.assertRegex(self.baton("drop", "app", who="alice"), "nobody has the baton")
        self.assertRegex(self.baton("ask", "nothing", who="bob", code=1), "no component of that name for bob")
        self.assertRegex(self.baton("ask", who="bob", code=2), "COMPONENT")

    def test_by_the_command_on_the_node(self):
        self.to_tick()
        bob = self.dap("bob")
        mark, _ = bob.stopped()
        self.assertRegex(self.baton("app"), "alice has the baton of app since")
        self.assertEqual(self.baton("give", "app", "bob"), "bob has the baton of app now\n")
        self.told(bob, "the node's administrator gave you the baton", mark)
        self.assertRegex(self.baton("take", "app"), "the baton of app is yours, taken from bob")
        self.assertIn("the node's administrator has the baton", bob.error("continue", {"threadId": 1}))
        self.assertRegex(self.baton("drop", "app"), "nobody has the baton")
        self.alice.command("next")

        def recorded(what):
            return any(re.search(what, debuggee.contents(os.path.join(folder, name)).decode(errors="replace"))
                       for folder, _, names in os.walk(os.path.join(self.gateway.directory, "state"))
                       for name in names if name.endswith(".jsonl"))
        waiting.until("it is recorded", lambda: recorded('"kind":"administration".*baton give app bob'))
        self.baton("ask", "app", who="bob")
        waiting.until("a person's, too", lambda: recorded('"kind":"intent".*"baton ask"'))

    def test_passes_to_who_asked_when_its_holder_leaves(self):
        self.to_tick()
        bob = self.dap("bob")
        mark, stopped = bob.stopped()
        self.type(bob, "delvegate baton ask")
        self.alice.close()
        self.told(bob, "alice has left: the baton is yours", mark)
        bob.call("next", {"threadId": stopped["threadId"]})


class Open(BatonCase):
    component_keys = {"runControl": "open"}

    def test_everybody_with_control_steps(self):
        self.to_tick()
        bob = self.rpc("bob")
        bob.state()
        self.assertEqual(bob.command("next")["currentThread"]["line"], TICK + 1)
        self.alice.state()
        self.alice.command("next")
        self.assertRegex(bob.error("Eval", {"Expr": "delvegate baton ask"}), r"runControl: open")
        self.assertRegex(self.baton("app"), r"runControl: open")


class Idle(BatonCase):
    component_keys = {"batonIdle": "2s"}

    def test_is_anybodys_after_a_while(self):
        self.to_tick()
        bob = self.dap("bob")
        mark, _ = bob.stopped()
        self.type(bob, "delvegate baton ask")
        self.told(bob, "alice has done nothing for a while: the baton is yours", mark)
        self.assertIn("bob has the baton", self.alice.error("Command", {"name": "next"}))


if __name__ == "__main__":
    unittest.main()
