"""Links that break between `delvegate connect` and the gateway: the IDE notices nothing but the pause."""

import hashlib
import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import case, cutting, debuggee, stock, tools, waiting
from harness.dap import Dap, Raw
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")
SOURCE = {"name": "main.go", "path": debuggee.MAIN}
EVERYTHING = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 1 << 20, "MaxArrayValues": 64, "MaxStructFields": -1}
SHORT = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 64, "MaxArrayValues": 64, "MaxStructFields": -1}
# More than a TLS handshake needs, or nobody would ever get through.
OFTEN = (8_000, 25_000)


class BreakingCase(case.Case):
    limits = {}

    def setUp(self):
        super().setUp()
        self.policy = os.path.join(self.directory, "policy.yaml")
        self.write_policy("alice", "bob")
        self.gateway = self.serve(self.component(users=[], maxViewers=2), policy=self.policy, limits=self.limits)
        self.way = cutting.Way(self, self.gateway.port)
        self.laptop = self.connect(self.way)
        self.address = self.laptop.address

    def write_policy(self, *people):
        with open(self.policy + ".new", "w", encoding="utf-8") as file:
            file.write("bindings:\n" + "".join(f"  - {{role: admin, users: [{who}], components: [app]}}\n" for who in people) + "...\n")
        os.rename(self.policy + ".new", self.policy)

    def until(self, what, condition):
        return waiting.until(what, condition)

    def status(self):
        done = subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file, "--output", "json"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def kept(self):
        return self.status()["brokenLinks"]["kept"]

    def viewers(self):
        return len(self.status()["components"][0]["viewers"])

    def cut(self):
        """Breaks the link, and waits until it goes on."""
        before = self.status()["totals"]["resumedLinks"]
        self.assertEqual(self.way.break_now(), 1)
        self.until("the link to go on", lambda: self.status()["totals"]["resumedLinks"] > before)

    def at_tick(self):
        client = Rpc(self, self.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        return client


class WhatIsCarried(BreakingCase):
    def test_a_large_reply(self):
        """33 MiB, the link broken at a dozen random places in the middle: the very bytes of an unbroken one."""
        client = self.at_tick()
        evaluation = {"Scope": {"GoroutineID": -1}, "Expr": "main.texts", "Cfg": EVERYTHING}

        def reply():
            client.result(client.send("Eval", evaluation))
            line = client.lines.pop()
            return hashlib.sha256(line.partition(b",")[2]).hexdigest(), len(line)
        unbroken = reply()
        self.assertGreater(unbroken[1], 33 << 20)
        self.way.every = (500_000, 4_000_000)
        self.cut()
        broken = reply()
        self.assertGreater(self.way.breaks, 8)
        self.assertEqual(broken, unbroken)
        self.way.every = None
        self.assertEqual(client.command("next")["currentThread"]["line"], TICK + 1)

    def looks(self, client):
        """What a DAP client hears of a stop, asked for all at once and again and again."""
        mark = client.mark()
        frames = client.call("stackTrace", {"threadId": self.thread, "startFrame": 0, "levels": 20})["stackFrames"]
        asked = []
        for _ in range(20):
            asked.append(client.send("threads"))
            asked.append(client.send("stackTrace", {"threadId": self.thread, "startFrame": 0, "levels": 20}))
            asked.append(client.send("scopes", {"frameId": frames[0]["id"]}))
            asked.append(client.send("evaluate", {"expression": "p", "frameId": frames[0]["id"], "context": "watch"}))
        for number in asked:
            client.response(number)
        answers = [m for m in client.messages[mark:] if m["type"] == "response"]
        self.assertEqual([m["request_seq"] for m in answers[1:]], asked)
        return [re.sub(r'"(seq|request_seq|id|frameId|variablesReference)": \d+', r'"\1"', json.dumps(m)) for m in answers]

    def test_a_dialogue_in_dap(self):
        client = Dap(self, self.address)
        client.attach(lambda: client.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK}]}))
        self.thread = client.stopped()[1]["threadId"]
        unbroken = self.looks(client)
        self.way.every = OFTEN
        self.cut()
        broken = self.looks(client)
        self.assertGreater(self.way.breaks, 2)
        self.assertEqual(len(broken), len(unbroken))
        for one, other in zip(broken, unbroken):
            self.assertTrue(one == other, f"{one[:300]} … {other[:300]}")

    def steps(self, client):
        lines = []
        for _ in range(40):
            mark = client.mark()
            client.call("next", {"threadId": self.thread})
            _, stop = client.stopped(mark)
            self.thread = stop["threadId"]
            frame = client.call("stackTrace", {"threadId": self.thread, "levels": 1})["stackFrames"][0]
            lines.append(frame["line"])
        return lines

    def test_steps_in_dap(self):
        client = Dap(self, self.address)
        client.attach(lambda: client.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK}]}))
        self.thread = client.stopped()[1]["threadId"]
        unbroken = self.steps(client)
        mark = client.mark()
        client.call("continue", {"threadId": self.thread})  # to the same line again
        self.thread = client.stopped(mark)[1]["threadId"]
        self.way.every = OFTEN
        self.cut()
        self.assertEqual(self.steps(client)[:2], unbroken[:2])
        self.assertGreater(self.way.breaks, 2)
        self.assertEqual(sum(m.get("event") == "stopped" for m in client.messages), 82)
        steps = [m for m in client.messages if m.get("command") == "next"]
        self.assertEqual(len(steps), 80)
        numbers = [m["seq"] for m in client.messages]
        self.assertEqual(numbers, sorted(set(numbers)), "an answer or event twice, or out of order")

    def test_steps_in_json_rpc(self):
        """Each request is done once: the program's own counter says how often the loop went round."""
        client = self.at_tick()
        self.way.every = OFTEN
        self.cut()

        def count():
            return int(client.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "n", "Cfg": SHORT})["Variable"]["value"])
        first = count()
        for step in range(1, 61):
            self.assertEqual(client.command("continue")["currentThread"]["line"], TICK)
            self.assertEqual(count(), first + step)
        self.assertGreater(self.way.breaks, 2)
        self.assertEqual(len(client.lines), client.last_id, "one answer each")

    def test_idle(self):
        client = self.at_tick()
        for _ in range(6):
            self.cut()
        self.assertEqual(client.state()["currentThread"]["line"], TICK)
        self.assertEqual(client.command("next")["currentThread"]["line"], TICK + 1)

    def test_what_is_said_while_it_is_down(self):
        client = self.at_tick()
        self.way.shut()
        self.until("it is down", lambda: self.kept() == 1)
        stepped = client.resume("next")
        unread = client.send("IsMulticlient")
        self.assertFalse(client.closed)
        self.way.reopen()
        self.assertEqual(client.result(stepped)["State"]["currentThread"]["line"], TICK + 1)
        self.assertTrue(client.result(unread)["IsMulticlient"])
        self.assertIn("trying again, for at most 10m while 1 debug connection waits", self.laptop.process.errors())
        self.until("it says that it is back", lambda: "is back" in self.laptop.process.errors())

    def test_a_breakpoint_is_hit_while_it_is_down(self):
        client = Dap(self, self.address)
        client.attach(stopOnEntry=True)
        client.stopped()
        client.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": TICK}]})
        self.way.shut()
        self.until("it is down", lambda: self.kept() == 1)
        mark = client.mark()
        client.send("continue", {"threadId": 1})
        # Another looks on: it is for her that the program goes on, and stops there.
        eve = Rpc(self, self.connect(self.gateway, who="bob", name="straight").address)
        eve.state()
        eve.command("continue")
        self.way.reopen()
        _, stop = client.stopped(mark)
        self.assertEqual(stop["reason"], "breakpoint")
        self.assertFalse(client.closed)

    def test_dlv_connect(self):
        commands = ["break main.tick", "continue", "args", "print main.greeting", "next", "next", "stack", "goroutines",
                    "clearall", "print len(main.texts)", "list", "locals"]

        def session():
            terminal = Terminal(self, [self.delve.dlv, "connect", self.address]).prompt()
            # Whether one that sleeps has just woken is not the same twice.
            said = [re.sub(r" (\(thread #\)|\[\w+\])", "", re.sub(r"0x[0-9a-f]+|\d+", "#", terminal.run(command))) for command in commands]
            terminal.line("exit")
            terminal.expect(r"(?i)kill the process|would you like")
            terminal.line("n")
            self.assertEqual(terminal.finish(), 0)
            self.until("it is forgotten", lambda: self.viewers() == 0)
            return said
        first = session()
        self.way.every = OFTEN
        self.way.break_now()
        self.assertEqual(session(), first)
        self.assertGreater(self.way.breaks, 1)

    def test_many_ides_over_one_link(self):
        client = self.at_tick()
        second = Rpc(self, self.address)
        self.way.every = OFTEN
        self.cut()
        for _ in range(40):
            numbers = [(who, who.send("Stacktrace", {"Id": -1, "Depth": 20})) for who in (client, second)]
            answers = [who.result(number) for who, number in numbers]
            self.assertEqual(answers[0], answers[1])
        self.assertGreater(self.way.breaks, 3)


class WhatDoesNotFit(BreakingCase):
    limits = {"viewerBuffer": "4MiB"}

    def test_a_reply_that_is_larger_than_what_may_wait(self):
        """33 MiB, and the link is away in the middle of it: what did not pass waits in dlv."""
        client = self.at_tick()
        self.way.every = (3_000_000, 3_000_001)
        self.cut()
        number = client.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.texts", "Cfg": EVERYTHING})
        self.until("it breaks", lambda: self.way.breaks > 1)
        self.way.every = None
        self.way.shut()
        self.until("it is down", lambda: self.kept() == 1)
        time.sleep(2)  # time enough for dlv to say all of it
        self.assertEqual(self.kept(), 1)
        self.way.reopen()
        self.assertEqual(len(client.result(number)["Variable"]["children"]), 33)


class TheLaptopSleeps(BreakingCase):
    def test_in_the_middle_of_a_step(self):
        """Stopped with SIGSTOP while a step runs, its link cut meanwhile; the step ends, and it wakes."""
        client = Dap(self, self.address)
        client.attach(lambda: client.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": debuggee.line("sleep")}]}))
        thread = client.stopped()[1]["threadId"]
        frame = client.call("stackTrace", {"threadId": thread, "levels": 1})["stackFrames"][0]
        # A call of three seconds is a step that takes its time.
        step = client.send("evaluate", {"expression": "call main.slow(3)", "frameId": frame["id"], "context": "repl"})
        self.until("it runs", lambda: self.status()["components"][0]["state"] == "running")
        self.laptop.process.signal(signal.SIGSTOP)
        self.way.shut()
        self.until("the gateway knows", lambda: self.kept() == 1)
        self.until("the step's end", lambda: self.status()["components"][0]["state"] == "stopped")
        self.way.reopen()
        self.assertFalse(client.closed)
        self.laptop.process.signal(signal.SIGCONT)
        self.assertTrue(client.response(step)["success"])
        mark = client.mark()
        client.call("next", {"threadId": thread})
        client.stopped(mark)
        self.assertEqual(self.kept(), 0)

    def test_without_the_gateway_having_noticed(self):
        """The old connection hangs there; the new one takes over."""
        client = self.at_tick()
        self.way.hang()
        step = client.resume("next")
        self.assertEqual(client.result(step)["State"]["currentThread"]["line"], TICK + 1)
        self.assertEqual(self.status()["totals"]["resumedLinks"], 1)


class WhoIsNotWaitedFor(BreakingCase):
    limits = {"resumeTime": "2s"}

    def test_a_link_that_does_not_come_back(self):
        client = self.at_tick()
        self.way.shut()
        client.wait_closed()
        self.until("the gateway has cleaned up", lambda: self.viewers() == 0 and self.kept() == 0)
        self.until("the person is told", lambda: "broken off: " in self.laptop.process.errors())
        self.assertEqual(self.status()["totals"]["givenUpLinks"], 1)
        self.way.reopen()
        again = Rpc(self, self.address)
        self.assertEqual(again.state()["currentThread"]["line"], TICK)


class WhoElseIsThere(BreakingCase):
    def test_a_connect_that_ends_takes_its_sessions_with_it(self):
        self.at_tick()
        self.laptop.process.signal(signal.SIGTERM)
        self.until("they are gone", lambda: self.viewers() == 0)
        self.assertEqual(self.kept(), 0)

    def test_a_connect_that_was_killed_keeps_nobody_of_its_person_out(self):
        first = self.at_tick()
        Rpc(self, self.address).state()
        self.laptop.process.signal(signal.SIGKILL)
        first.wait_closed()
        self.until("the gateway waits", lambda: self.kept() == 1)
        self.assertEqual(self.viewers(), 2)
        straight = Rpc(self, self.connect(self.gateway, name="anew").address)
        self.assertEqual(straight.state()["currentThread"]["line"], TICK)
        # Others wait until they are told that nobody comes.
        bob = Rpc(self, self.connect(self.gateway, who="bob", name="bobs").address)
        self.assertIn("link down since", bob.error("Recorded"))

    def test_a_person_who_loses_the_component_meanwhile(self):
        client = self.at_tick()
        self.way.shut()
        self.until("it is down", lambda: self.kept() == 1)
        self.write_policy("bob")
        self.gateway.process.signal(signal.SIGHUP)
        self.until("the session is over", lambda: self.viewers() == 0)
        asked = client.send("State", {"NonBlocking": True})
        self.way.reopen()
        self.until("it is told", lambda: client.closed or client.answered(asked))
        if client.answered(asked):
            self.assertIn("may no longer debug app", client.reply(asked)["error"])
        client.wait_closed()

    def test_a_stock_tls_client_is_not_waited_for(self):
        socat = stock.Socat(self, self.way, self.person(), "app")
        client = Rpc(self, socat.address)
        client.state()
        self.assertEqual(self.viewers(), 1)
        self.way.break_now()
        client.wait_closed()
        self.until("it is forgotten", lambda: self.viewers() == 0)
        self.assertEqual(self.kept(), 0)

    def test_bytes_that_are_no_tls_break_nothing(self):
        client = self.at_tick()
        stranger = Raw(self, f"127.0.0.1:{self.gateway.port}")
        stranger.write(b"\x0d" * 200)
        stranger.wait_closed()
        self.assertEqual(client.state()["currentThread"]["line"], TICK)


if __name__ == "__main__":
    unittest.main()
