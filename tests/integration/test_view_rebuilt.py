"""An IDE's view survives the gateway: killed or ended in order, another one goes on where it was."""

import os
import shutil
import signal
import threading
import unittest

import test_gateway_reborn as reborn
from harness import cutting, debuggee, gateway, pki, stock
from harness.dap import Dap, frame
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = reborn.TICK
SOURCE = reborn.SOURCE
SHORT = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 64, "MaxArrayValues": 64, "MaxStructFields": -1}
AT_TICK = {"source": SOURCE, "breakpoints": [{"line": TICK}]}


class RebuiltCase(reborn.RebornCase):
    """One laptop, whose gateways come and go."""

    signal = signal.SIGKILL
    users = ["alice", "bob"]

    def setUp(self):
        super().setUp()
        self.way = cutting.Way(self, self.gateway.port)
        self.laptop = self.connect(self.way)
        self.ides = []

    def start(self):
        self.gateways += 1
        self.gateway = self.serve(
            {"name": "app", "kind": "connect", "users": self.users, "address": self.dlv.address},
            name=f"serve{self.gateways}", stateDirectory=os.path.join(self.directory, "state"), limits=self.limits)
        self.until("it is attached", lambda: self.status()["state"] in ("stopped", "running"))

    def tearDown(self):
        """No IDE ever saw a message's number twice, or one left out."""
        for ide in self.ides:
            if isinstance(ide, Dap):
                self.assertEqual([m["seq"] for m in ide.messages], list(range(1, len(ide.messages) + 1)))
        super().tearDown()

    def ide(self, kind):
        self.ides.append(kind(self, self.laptop.address))
        return self.ides[-1]

    def end(self):
        self.gateway.process.signal(self.signal)
        self.gateway.process.child.wait()

    def follow(self):
        """Another gateway, at which the laptop arrives."""
        before = self.told().count("view rebuilt")
        self.start()
        self.way.target = self.gateway.port
        self.until("the view is rebuilt", lambda: self.told().count("gateway restarted; view rebuilt") > before)

    def told(self):
        return self.laptop.process.errors()

    def another(self):
        self.end()
        self.follow()

    def freeze(self):
        """What is asked from now on, no gateway hears."""
        os.kill(self.gateway.pid, signal.SIGSTOP)

    def at_tick(self):
        """VS Code, standing at a breakpoint: (client, thread, its breakpoint's id)."""
        client = self.ide(Dap)
        ids = []
        client.attach(lambda: ids.append(client.call("setBreakpoints", AT_TICK)["breakpoints"][0]["id"]))
        return client, client.stopped()[1]["threadId"], ids[0]

    def local(self, client, thread, name="n"):
        frames = client.call("stackTrace", {"threadId": thread, "startFrame": 0, "levels": 20})["stackFrames"]
        return frames, client.call("evaluate", {"expression": name, "frameId": frames[0]["id"], "context": "watch"})["result"]

    def events(self, client, mark):
        return [m["event"] for m in client.messages[mark:] if m["type"] == "event" and m["event"] != "output"]


class Views:
    """Whatever way the gateway goes."""

    def test_vscode_at_a_stop(self):
        client, thread, point = self.at_tick()
        frames, n = self.local(client, thread)
        before = self.at_dlv()
        mark = client.mark()
        self.another()
        _, stop = client.stopped(mark)
        self.assertEqual(self.events(client, mark), ["stopped"])
        self.assertTrue(stop["allThreadsStopped"])
        self.assertEqual([(b["id"], b["addrs"], b["totalHitCount"]) for b in self.at_dlv()],
                         [(b["id"], b["addrs"], b["totalHitCount"]) for b in before])
        # What it had of the stop before has no meaning, until it has asked for the stack.
        self.assertIn("before the gateway was restarted", client.error("scopes", {"frameId": frames[0]["id"]}))
        again, same = self.local(client, stop["threadId"])
        self.assertEqual((same, again[0]["line"]), (n, TICK))
        client.call("scopes", {"frameId": again[0]["id"]})
        mark = client.mark()
        client.call("continue", {"threadId": thread})
        _, stop = client.stopped(mark)
        self.assertEqual(stop["hitBreakpointIds"], [point], "the one that it knows")
        self.assertEqual(int(self.local(client, stop["threadId"])[1]), int(n) + 1)

    def test_vscode_while_it_runs(self):
        client = self.ide(Dap)
        ids = []
        never = {"source": SOURCE, "breakpoints": [{"line": TICK, "condition": "n == 1000000"}]}
        client.attach(lambda: ids.append(client.call("setBreakpoints", never)["breakpoints"][0]["id"]))
        self.until("it runs", lambda: self.status()["state"] == "running")
        mark = client.mark()
        self.another()
        self.assertEqual(self.events(client, mark), [], "it runs, as before")
        self.assertEqual(self.status()["state"], "running")
        self.assertEqual(client.call("setBreakpoints", AT_TICK)["breakpoints"][0]["id"], ids[0])
        _, stop = client.stopped(mark)
        self.assertEqual(stop["hitBreakpointIds"], ids)

    def test_dlv_connect_at_its_prompt(self):
        terminal = Terminal(self, [self.delve.dlv, "connect", self.laptop.address]).prompt()
        terminal.run(f"break {debuggee.MAIN}:{TICK}")
        terminal.run("continue")
        n = terminal.run("print n").strip()
        before = self.at_dlv()
        self.another()
        self.assertEqual(terminal.run("print n").strip(), n)
        self.assertEqual([b["id"] for b in self.at_dlv()], [b["id"] for b in before])
        self.assertIn("tick", terminal.run("continue"), "where it stands, which this gateway had not told it")
        self.assertEqual(terminal.run("print n").strip(), n)
        terminal.run("continue")
        self.assertEqual(int(terminal.run("print n")), int(n) + 1)

    def test_dlv_connect_while_it_runs(self):
        terminal = Terminal(self, [self.delve.dlv, "connect", self.laptop.address]).prompt()
        terminal.line("continue")
        self.until("it runs", lambda: self.status()["state"] == "running")
        self.another()
        terminal.interrupt()
        start = terminal.expect(r"\[p/q\]\? ").end()
        self.assertEqual(self.status()["state"], "running")
        terminal.line("p")
        terminal.prompt(start)
        self.assertRegex(terminal.run("print main.greeting"), "hello")

    def test_goland_waiting_for_a_breakpoint(self):
        client = self.ide(Rpc)
        created = client.send("CreateBreakpoint", {"Breakpoint": {"file": debuggee.MAIN, "line": TICK, "Cond": "n == 1000000"}}, newline=False)
        waits = client.send("Command", {"Name": "continue"}, newline=False)
        self.until("it runs", lambda: self.status()["state"] == "running")
        self.another()
        self.assertFalse(client.answered(waits))
        self.ide(Rpc).command("halt")
        self.assertFalse(client.result(waits)["State"]["Running"])
        point, = self.listed(client).values()
        self.assertEqual((point["id"], point["Cond"], "set by" in str(point)), (client.result(created)["Breakpoint"]["id"], "n == 1000000", False))


class Ended(Views, RebuiltCase):
    signal = signal.SIGTERM
    # Nobody whose view can be rebuilt is waited for.
    limits = {"drainTime": "1h"}


class Killed(Views, RebuiltCase):
    def test_twice(self):
        client, thread, _ = self.at_tick()
        _, n = self.local(client, thread)
        for _ in range(2):
            mark = client.mark()
            self.another()
            client.stopped(mark)
        self.assertEqual(self.local(client, thread)[1], n)

    def test_again_and_again(self):
        """Whenever the gateway dies, each `continue` is answered, and runs the program once at most."""
        client = self.ide(Rpc)
        client.call("SetApiVersion", {"APIVersion": 2})
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")

        def n():
            return int(client.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "n", "Cfg": SHORT})["Variable"]["value"])
        before, asked = n(), 0
        for _ in range(3):
            dying = threading.Thread(target=self.another)
            dying.start()
            while dying.is_alive():
                self.assertEqual(client.command("continue")["currentThread"]["line"], TICK)
                asked += 1
        self.assertEqual(self.told().count("view rebuilt"), 3)
        self.assertLessEqual(n(), before + asked)
        self.assertGreater(n(), before)

    def test_a_run_that_no_gateway_heard_of(self):
        """It is answered, and not said again: the IDE is shown where the program stands."""
        for command in ("continue", "next"):
            with self.subTest(command):
                client, thread, _ = self.at_tick()
                _, n = self.local(client, thread)
                self.freeze()
                mark = client.mark()
                asked = client.send(command, {"threadId": thread})
                self.another()
                self.assertTrue(client.response(asked)["success"])
                client.stopped(mark)
                frames, same = self.local(client, thread)
                self.assertEqual((same, frames[0]["line"]), (n, TICK))
                client.call("disconnect", {})

    def test_a_command_that_no_gateway_heard_of(self):
        client = self.ide(Rpc)
        client.call("SetApiVersion", {"APIVersion": 2})
        client.set_breakpoint(debuggee.MAIN, TICK)
        before = client.command("continue")["currentThread"]
        self.freeze()
        asked = client.send("Command", {"name": "next"})
        look = client.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "n", "Cfg": SHORT})
        write = client.send("Set", {"Scope": {"GoroutineID": -1}, "Symbol": "n", "Value": "77"})
        self.another()
        now = client.result(asked)["State"]["currentThread"]
        self.assertEqual((now["pc"], now["line"]), (before["pc"], TICK))
        self.assertNotEqual(client.result(look)["Variable"]["value"], "77")
        self.assertIn("whether it was done is not known", client.reply(write)["error"])
        # It has been told now, and goes on from there.
        self.assertEqual(client.command("next")["currentThread"]["line"], TICK + 1)

    def test_a_step_under_way(self):
        """As a step over something that waits: the program runs on, and so does the request."""
        client = self.ide(Dap)
        slow = debuggee.line("sleep")
        client.attach(lambda: client.call("setBreakpoints", {"source": SOURCE, "breakpoints": [{"line": slow}]}))
        thread = client.stopped()[1]["threadId"]
        mark = client.mark()
        client.call("next", {"threadId": thread})
        self.another()
        client.stopped(mark)

    def test_half_a_request(self):
        client, thread, _ = self.at_tick()
        client.seq += 1
        whole = frame({"seq": client.seq, "type": "request", "command": "stackTrace", "arguments": {"threadId": thread}})
        client.write(whole[:50])
        rpc = self.ide(Rpc)
        rpc.call("ListThreads")
        rpc.write(b'{"method":"RPCServer.ListTh')
        mark = client.mark()
        before = self.told().count("view rebuilt")
        self.another()
        self.until("both are rebuilt", lambda: self.told().count("view rebuilt") == before + 2)
        client.stopped(mark)
        client.write(whole[50:])
        self.assertTrue(client.response(client.seq)["success"])
        rpc.write(b'reads","params":[{}],"id":99}\n')
        self.assertTrue(rpc.result(99)["Threads"])

    def half_an_answer(self, ask):
        """The link breaks with half of the answer on its way, and the gateway dies before there is another link."""
        self.way.open = False
        with self.way.lock:
            pair, = self.way.pairs
            pair.left = 40_000
        breaks = self.way.breaks
        asked = ask()
        self.until("the link broke", lambda: self.way.breaks > breaks)
        self.end()
        self.way.open = True
        self.follow()
        return asked

    def test_half_an_answer(self):
        client = self.ide(Rpc)
        client.call("SetApiVersion", {"APIVersion": 2})
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        look = {"Scope": {"GoroutineID": -1}, "Expr": "main.texts[0]", "Cfg": dict(SHORT, MaxStringLen=120_000)}
        whole = client.call("Eval", look)
        self.assertGreater(len(str(whole)), 100_000)
        asked = self.half_an_answer(lambda: client.send("Eval", look))
        self.assertEqual(client.result(asked)["Variable"]["value"], whole["Variable"]["value"])

    def test_half_an_answer_in_dap(self):
        client, thread, _ = self.at_tick()

        def instructions():
            frame = self.local(client, thread)[0][0]
            return {"memoryReference": frame["instructionPointerReference"], "instructionOffset": 0, "instructionCount": 1000}
        many = instructions()
        self.assertGreater(len(str(client.call("disassemble", many))), 60_000)
        mark = client.mark()
        asked = self.half_an_answer(lambda: client.send("disassemble", many))
        answer = client.response(asked)
        self.assertIn("the gateway was restarted before this was answered", answer["body"]["error"]["format"])
        client.stopped(mark)
        self.assertGreater(len(str(client.call("disassemble", instructions()))), 60_000)

    def test_who_may_not_any_more(self):
        client, _, _ = self.at_tick()
        mark = client.mark()
        self.end()
        self.users = ["bob"]
        self.start()
        self.way.target = self.gateway.port
        client.event("terminated", mark)
        client.wait_closed()
        self.assertIn("a debug session was broken off", self.told())

    def test_who_is_somebody_else_now(self):
        """The laptop's certificate is another person's by then: the session was not theirs."""
        mine = pki.Certificate(*(os.path.join(self.directory, name) for name in ("mine.crt", "mine.key")), self.person("alice").ca)
        self.be(mine, "alice")
        laptop = gateway.Connect(self, self.way, mine, "app", name="another")
        client = Rpc(self, laptop.address)
        client.call("ListThreads")
        self.end()
        self.be(mine, "bob")
        self.start()
        self.way.target = self.gateway.port
        client.wait_closed()
        self.assertIn("takes you for bob now; the session is alice's", laptop.process.errors())

    def be(self, certificate, who):
        shutil.copy(self.person(who).certificate, certificate.certificate)
        shutil.copy(self.person(who).key, certificate.key)

    def test_a_stock_client_sees_the_end(self):
        socat = stock.Socat(self, self.gateway, self.person("alice"))
        client = Rpc(self, socat.address)
        client.call("ListThreads")
        self.end()
        client.wait_closed()

    def test_another_program(self):
        client, _, _ = self.at_tick()
        idle = self.ide(Rpc)
        idle.call("ListThreads")
        mark = client.mark()
        self.end()
        self.dlv.process.end()
        self.dlv = self.headless(name="another")
        self.start()
        self.way.target = self.gateway.port
        output = client.wait("why", lambda m: m.get("event") == "output" and "another one" in m["body"]["output"], mark)[1]
        self.assertIn("start the session anew", output["body"]["output"])
        client.wait_closed()
        idle.wait_closed()

    def test_who_leaves_meanwhile(self):
        client, _, _ = self.at_tick()
        self.end()
        self.until("it is noticed", lambda: "trying again" in self.told())
        client.close()
        self.follow_without_a_view()
        self.until("nobody is here", lambda: self.status()["viewers"] == [])

    def follow_without_a_view(self):
        self.start()
        self.way.target = self.gateway.port
        self.until("the link is back", lambda: "is back" in self.told())


class TooLate(RebuiltCase):
    limits = {"resumeTime": "2s"}

    def test_a_gateway_that_stays_away(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number.name):
                self.signal = number
                client, _, _ = self.at_tick()
                rpc = self.ide(Rpc)
                rpc.call("ListThreads")
                self.end()
                client.wait_closed()
                rpc.wait_closed()
                self.assertIn("there was no way back to the gateway within 2 s", self.told())
                self.start()
                self.way.target = self.gateway.port
                self.until("what nobody came back for is cleared", lambda: self.at_dlv() == [])


if __name__ == "__main__":
    unittest.main()
