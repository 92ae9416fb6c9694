"""Scripted stories of people who debug one program together, each with the IDE that they have."""

import json
import re
import signal
import subprocess
import threading
import unittest

from harness import case, cutting, debuggee, forms, node, tools, waiting
from harness.rpc import Rpc
from harness.shared import SharedDap

TICK = debuggee.line("tick")
SOURCE = {"name": "main.go", "path": debuggee.MAIN}


class StoryCase(case.Case):
    component_keys = {}

    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(maxViewers=8, **self.component_keys))
        self.addresses = {who: self.connect(self.gateway, who, name="connect-" + who).address for who in ("alice", "bob")}

    def until(self, what, condition):
        return waiting.until(what, condition)


class InVsCode(StoryCase):
    def test_two_people(self):
        node.tell("twoInVsCode", [self.addresses["alice"], self.addresses["bob"]], self.delve)

    def test_a_mentor_hands_the_baton_over(self):
        node.tell("aMentorHandsTheBatonOver", [self.addresses["alice"], self.addresses["bob"]], self.delve)


class Goland(StoryCase):
    """alice, with the bytes that GoLand sends (test_goland)."""

    def setUp(self):
        super().setUp()
        self.alice = Rpc(self, self.addresses["alice"])

    def send(self, *requests):
        """In one piece, with nothing in between."""
        numbers, text = [], ""
        for method, argument in requests:
            self.alice.last_id += 1
            numbers.append(self.alice.last_id)
            text += json.dumps({"method": "RPCServer." + method, "params": [argument], "id": numbers[-1]}, separators=(",", ":"))
        self.alice.write(text.encode())
        return numbers

    def ask(self, method, argument):
        return self.alice.result(self.send((method, argument))[0], method)

    def evaluate(self, expression):
        scope = {"GoroutineID": -1, "Frame": 0}
        return self.ask("Eval", {"Scope": scope, "Expr": expression, "Cfg": forms.LOAD})["Variable"]["value"]

    def state(self):
        return self.ask("State", {"NonBlocking": True})["State"]

    def test_and_vs_code(self):
        created, resumed = self.send(("CreateBreakpoint", {"Breakpoint": {"file": debuggee.MAIN, "line": TICK}}), ("Command", {"Name": "continue"}))
        mine = self.alice.result(created)["Breakpoint"]["id"]
        self.assertEqual(self.alice.result(resumed)["State"]["currentThread"]["line"], TICK)
        failed = []

        def bob():
            try:
                node.tell("besideGoland", [self.addresses["bob"]], self.delve)
            except AssertionError as error:
                failed.append(error)
        other = threading.Thread(target=bob)
        other.start()
        self.addCleanup(other.join)

        def until(what, condition):
            def check():
                if failed:
                    raise failed[0]
                return condition()
            return self.until(what, check)
        # He joins, sets his breakpoint and asks; nothing has moved.
        until("bob asks", lambda: "asked for by bob" in self.evaluate("delvegate baton"))
        self.assertEqual(self.state()["currentThread"]["line"], TICK)
        n = self.evaluate("n")
        self.assertEqual(self.evaluate("delvegate baton give"), "bob has the baton of app now")
        until("bob drops it", lambda: "nobody has" in self.evaluate("delvegate baton"))
        # Her IDE asks for the state, and sees where he has left it.
        state = self.state()
        self.assertEqual(state["currentThread"]["function"]["name"], "main.main")
        self.assertEqual(self.evaluate("n"), n)
        resumed, = self.send(("Command", {"Name": "continue"}))
        state = self.alice.result(resumed)["State"]
        self.assertEqual((state["currentThread"]["line"], state["currentThread"]["breakPoint"]["id"]), (TICK, mine))
        self.assertEqual(self.evaluate("n"), str(int(n) + 1))
        self.ask("ClearBreakpoint", {"Id": mine})
        resumed, = self.send(("Command", {"Name": "continue"}))
        self.assertEqual(self.alice.result(resumed)["State"]["currentThread"]["line"], debuggee.line("use"))
        other.join()
        if failed:
            raise failed[0]
        # He has gone in the middle of it: she has it to herself.
        self.assertEqual(self.ask("Command", {"Name": "stepOut"})["State"]["currentThread"]["function"]["name"], "main.tick")


class Asleep(StoryCase):
    def setUp(self):
        super().setUp()
        self.way = cutting.Way(self, self.gateway.port)
        self.laptop = self.connect(self.way, "bob", name="laptop")

    def status(self):
        done = subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file, "--output", "json"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def test_a_laptop_goes_to_sleep_in_the_middle_of_a_step(self):
        """bob's, in VS Code, out of a function that takes three seconds. alice sees the step end, and moves nothing."""
        alice = Rpc(self, self.addresses["alice"])
        alice.state()
        point = alice.call("CreateBreakpoint", {"Breakpoint": {"functionName": "main.slow", "line": -1}})["Breakpoint"]["id"]
        alice.call("Set", {"Scope": forms.SCOPE, "Symbol": "main.wish", "Value": "6"})  # callHelpers
        self.assertEqual(alice.command("continue")["currentThread"]["function"]["name"], "main.slow")
        alice.call("Set", {"Scope": forms.SCOPE, "Symbol": "seconds", "Value": "3"})
        alice.call("ClearBreakpoint", {"Id": point})
        alice.call("Eval", {"Expr": "delvegate baton drop"})

        bob = SharedDap(self, self.laptop.address, "bob")
        bob.attach(lambda: bob.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK}]}))
        mark, stopped = bob.stopped()
        bob.call("stepOut", {"threadId": stopped["threadId"]})
        self.until("the step is under way", lambda: alice.state()["Running"])
        self.laptop.process.signal(signal.SIGSTOP)
        self.way.shut()
        self.until("the gateway knows", lambda: self.status()["brokenLinks"]["kept"] == 1)
        self.assertTrue(alice.state()["Running"], "the step went by before the laptop slept")

        # The step's end: alice, who waits, is told, and looks around. It is bob's still.
        state = alice.call("State", {"NonBlocking": False})["State"]
        self.assertEqual(state["currentThread"]["function"]["name"], "main.act")
        self.assertFalse(state["NextInProgress"])
        self.assertIn("bob has the baton of app since", alice.error("Command", {"name": "continue"}))
        self.assertEqual(alice.call("Eval", {"Scope": forms.SCOPE, "Expr": "main.greeting", "Cfg": forms.LOAD})["Variable"]["value"], "hello")

        self.way.reopen()
        self.laptop.process.signal(signal.SIGCONT)
        mark, stopped = bob.stopped(mark)
        self.assertEqual(stopped["reason"], "step")
        frame = bob.call("stackTrace", {"threadId": stopped["threadId"], "levels": 1})["stackFrames"][0]
        self.assertEqual((frame["name"], frame["line"]), ("main.act", state["currentThread"]["line"]))
        # Nothing lost and nothing doubled: each request was answered once, all is in order, and there were two stops.
        bob.call("continue", {"threadId": stopped["threadId"]})
        _, stopped = bob.stopped(mark)
        self.assertEqual(stopped["reason"], "breakpoint")
        bob.call("threads")
        self.assertEqual((bob.open_requests(), bob.doubled()), ([], 0))
        numbers = [message["seq"] for message in bob.messages]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertEqual([name for name, _ in bob.events()], ["stopped", "continued", "stopped", "stopped"])
        self.assertEqual(alice.state()["currentThread"]["line"], TICK)


class FromAnotherTimeZone(StoryCase):
    """alice parks a stop in her evening, and her laptop sleeps; bob comes to that stop in his morning."""
    component_keys = {"batonFirst": "1s"}

    def lines(self, viewer):
        return [line for m in viewer.messages if m.get("event") == "output" for line in m["body"]["output"].splitlines()]

    def test_a_colleague_joins_a_parked_stop(self):
        way = cutting.Way(self, self.gateway.port)
        alice = SharedDap(self, self.connect(way, "alice", name="asleep").address, "alice")
        point = {"line": TICK, "condition": "n == 60"}
        alice.attach(lambda: alice.call("setBreakpoints", {"source": SOURCE, "breakpoints": [point]}), stopOnEntry=True)
        mark, stopped = alice.stopped()
        alice.call("continue", {"threadId": stopped["threadId"]})
        mark, stopped = alice.stopped(mark)
        self.assertEqual(stopped["reason"], "breakpoint")

        def type_to_delvegate(viewer, words):
            return viewer.call("evaluate", {"expression": words, "context": "repl"})["result"]
        self.until("what it printed is here", lambda: "| tick 50 " in type_to_delvegate(alice, "delvegate output"))
        parked = type_to_delvegate(alice, "delvegate park --for 30m Bob: why is sum 180 here?")
        stop = re.match(r"stop (\d+-[0-9a-f]{4}) of app is parked by alice until ", parked)[1]
        type_to_delvegate(alice, "delvegate baton drop")
        way.shut()

        comes = self.connect(self.gateway, "bob", name="in-the-morning", arguments=["--stop", stop])
        self.assertIn("Bob: why is sum 180 here?; it stands at", comes.process.errors())
        bob = SharedDap(self, comes.address, "bob")
        bob.attach(stopOnEntry=True)
        mark, stopped = bob.stopped()
        said = "\n".join(self.lines(bob))
        self.until("he is told all of it", lambda: "| tick 50 " in "\n".join(self.lines(bob)))
        said = "\n".join(self.lines(bob))
        self.assertIn(f"delvegate: stop {stop} of app is parked by alice until", said)
        self.assertRegex(said, r"Here with you:\n  alice with Visual Studio Code \(admin\), since [^,]* UTC, link down since ")
        self.assertIn(f"Breakpoints of others: alice's breakpoint at main.go:{TICK}.", said)
        self.assertRegex(said, r"Earlier output of the program, its last \d+ lines:\n(  \| .*\n)*  \| tick 50 150 hello$")
        # The very stop, and what she asks about.
        frame = bob.call("stackTrace", {"threadId": stopped["threadId"], "levels": 1})["stackFrames"][0]
        self.assertEqual((frame["name"], frame["line"]), ("main.tick", TICK))
        self.assertEqual(bob.call("evaluate", {"expression": "sum", "frameId": frame["id"]})["result"], "180")
        self.assertNotIn("continued", [m.get("event") for m in bob.messages])

        def steps():
            return bob.response(bob.send("next", {"threadId": stopped["threadId"]}))["success"]
        self.until("her first right has passed", steps)
        self.assertEqual(bob.stopped(mark)[1]["reason"], "step")
        self.assertIn(f"stop {stop}, parked by alice (Bob: why is sum 180 here?), is over: bob runs the program", "\n".join(self.lines(bob)))
        way.reopen()
        self.until("she wakes, and is told", lambda: "bob runs the program" in "\n".join(self.lines(alice)))


if __name__ == "__main__":
    unittest.main()
