"""Scripted stories of people who debug one program together, each with the IDE that they have."""

import json
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
    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(maxViewers=8))
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


if __name__ == "__main__":
    unittest.main()
