"""The guard with a real dlv: the stop budget without a gateway, the ceiling, its own end and its sandbox."""

import json
import os
import signal
import threading
import unittest

from harness import case, debuggee, guard, process, waiting
from harness.rpc import Failed, Rpc

TICK = debuggee.line("tick")
USE = debuggee.line("use")


class GuardCase(case.Case):
    def start(self, **more):
        listen = "unix:" + os.path.join(self.directory, "dlv.sock") if self.delve.unix_sockets else None
        self.dlv = self.headless(listen=listen)
        self.guard = guard.Guard(self, self.dlv.address, **more)
        return self.guard

    def gateway(self):
        return Rpc(self, self.guard.address)

    def heartbeats(self):
        """The launcher's, until the returned event is set."""
        end = threading.Event()

        def beat():
            while not end.wait(0.1):
                try:
                    self.guard.ask("alive")
                except OSError:
                    return
        self.guard.ask("alive")
        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 10)
        self.addCleanup(end.set)
        return end

    def running(self):
        return Rpc(self, self.dlv.address).state()["Running"]

    def program_pid(self):
        return [pid for pid in process.descendants(self.dlv.pid) if process.command_line(pid)[:1] == [self.program]][0]

    def stop_at_a_hot_breakpoint(self, client):
        point = client.set_breakpoint(debuggee.MAIN, TICK)
        state = client.command("continue")
        self.assertEqual(state["currentThread"]["line"], TICK)
        return point


class Budget(GuardCase):
    def test_a_dead_gateway_leaves_nothing_standing(self):
        watch = self.start()
        end = self.heartbeats()
        gateway = self.gateway()
        point = self.stop_at_a_hot_breakpoint(gateway)
        other = gateway.set_breakpoint(debuggee.MAIN, USE, Cond="sum < 0")
        gateway.close()
        watch.ask("counting")
        end.set()
        status = watch.until("it is let go", lambda s: s["forcedResumes"] > 0 and s["state"] == "running")
        self.assertTrue(status["breakpointsOff"])
        self.assertEqual({one["id"] for one in status["taken"]}, {point["id"], other["id"]})
        self.assertTrue(self.running())
        # Nobody sets one before a duty has been done.
        early = self.gateway()
        if not status["dutyDone"]:
            with self.assertRaisesRegex(Failed, "are kept off until it has run freely|Breakpoint exists"):
                early.set_breakpoint(debuggee.MAIN, USE)
        early.close()
        status = watch.until("a duty is done", lambda s: s["dutyDone"])
        self.assertEqual((status["spentMs"], status["forcedResumes"], status["budget"]), (0, 1, "fine"))
        self.assertTrue(self.running())
        # A new gateway has them on again, and with them the stop.
        self.heartbeats()
        watch.until("no connection is left", lambda s: s["connections"] == 0)
        watch.ask("breakpoints_on")
        status = watch.until("it stops again", lambda s: s["state"] == "stopped")
        self.assertFalse(status["breakpointsOff"])
        again = self.gateway()
        listed = {one["id"]: one for one in again.call("ListBreakpoints", {"All": False})["Breakpoints"] if one["id"] > 0}
        self.assertEqual(set(listed), {point["id"], other["id"]})
        self.assertFalse(any(one.get("disabled") for one in listed.values()), listed)
        self.assertEqual(listed[other["id"]]["Cond"], "sum < 0")
        self.assertEqual(again.state()["currentThread"]["breakPoint"]["id"], point["id"])

    def test_a_living_gateway_is_left_to_keep_it(self):
        watch = self.start()
        self.heartbeats()
        gateway = self.gateway()
        self.stop_at_a_hot_breakpoint(gateway)
        watch.ask("counting")
        status = watch.until("the budget is used up", lambda s: s["budget"] == "used up")
        self.assertEqual((status["state"], status["leftMs"], status["forcedResumes"]), ("stopped", 0, 0))
        self.assertTrue(status["gatewayAlive"])

    def test_a_gateway_that_only_says_that_it_lives_is_not_believed_for_ever(self):
        watch = self.start(damage=1, mercy=1.0, duty=2.0)
        self.heartbeats()
        gateway = self.gateway()
        point = self.stop_at_a_hot_breakpoint(gateway)
        watch.ask("counting")
        status = watch.until("it is let go", lambda s: s["forcedResumes"] > 0 and s["state"] == "running")
        self.assertTrue(status["gatewayAlive"])
        self.assertEqual([one["id"] for one in status["taken"]], [point["id"]])
        self.assertIn("the gateway is there and has not acted", watch.log())
        # It cannot stop it again before one duty is done, by whatever means.
        again = self.gateway()
        for words in ({"name": "halt"}, {"name": "next"}, {"name": "stepOut"}):
            reply = again.reply(again.send("Command", words))
            if watch.status()["dutyDone"]:
                break
            self.assertRegex(reply["error"], "until it has run freely")
        again.close()
        self.assertTrue(self.running())
        watch.until("a duty is done", lambda s: s["dutyDone"])
        late = self.gateway()
        late.command("halt")
        self.assertFalse(late.state()["Running"])

    def test_nothing_stands_at_its_entry_for_ever(self):
        watch = self.start(damage=30, entry=1.0)
        self.heartbeats()
        watch.ask("counting", entry=True)
        status = watch.until("it is let go", lambda s: s["forcedResumes"] > 0 and s["state"] == "running")
        self.assertTrue(status["counting"] and status["gatewayAlive"])
        self.assertFalse(status["atEntry"])
        self.assertIn("stood at its entry for too long", watch.log())

    def test_what_leaves_its_entry_is_counted(self):
        watch = self.start(damage=30, entry=60.0, duty=60.0)
        self.heartbeats()
        watch.ask("counting", entry=True)
        status = watch.status()
        self.assertEqual((status["atEntry"], status["counting"]), (True, False))
        # A guard that follows knows it, and what the launcher says of it does not make it count.
        watch.until("it stands there", lambda s: s["entryForMs"] > 300)
        watch.process.child.kill()
        watch.process.wait()
        self.guard = watch = guard.Guard(self, self.dlv.address, watch.sockets, damage=30, duty=60.0, name="second")
        watch.ask("counting")
        status = watch.status()
        self.assertEqual((status["atEntry"], status["counting"]), (True, False))
        self.assertGreater(status["entryForMs"], 300)
        self.stop_at_a_hot_breakpoint(self.gateway())
        status = watch.until("it counts", lambda s: s["spentMs"] > 300)
        self.assertEqual((status["atEntry"], status["counting"]), (False, True))

    def test_the_entry_does_not_count(self):
        watch = self.start(damage=1)
        watch.until("the gateway is gone", lambda s: not s["gatewayAlive"] and s["stoppedForMs"] > 1500)
        status = watch.status()
        self.assertEqual((status["state"], status["spentMs"], status["counting"], status["forcedResumes"]), ("stopped", 0, False, 0))

    def test_steps_and_hot_breakpoints_use_it_up(self):
        watch = self.start(damage=2, duty=60.0)
        self.heartbeats()
        gateway = self.gateway()
        self.stop_at_a_hot_breakpoint(gateway)
        watch.ask("counting")

        def step():
            gateway.command("next")
            gateway.command("continue")
            return watch.status()["budget"] == "used up"
        waiting.until("the budget is used up", step)

    def test_beside_the_path_it_keeps_watch_too(self):
        watch = self.start(in_path=False)
        self.stop_at_a_hot_breakpoint(Rpc(self, self.dlv.address))
        watch.ask("counting")
        watch.until("it is let go", lambda s: s["forcedResumes"] == 1 and s["state"] == "running")
        self.assertTrue(self.running())

    def test_a_killed_guard_is_followed_by_one_that_knows(self):
        watch = self.start(damage=30, duty=60.0)
        self.heartbeats()
        self.stop_at_a_hot_breakpoint(self.gateway())
        watch.ask("counting")
        watch.until("some of it is spent", lambda s: s["spentMs"] > 1500)
        watch.ask("resume")
        before = watch.until("the breakpoint is off", lambda s: s["taken"])
        watch.process.child.kill()
        watch.process.wait()
        self.guard = watch = guard.Guard(self, self.dlv.address, watch.sockets, damage=30, duty=60.0, name="second")
        after = watch.status()
        self.assertTrue(after["counting"] and after["breakpointsOff"])
        self.assertEqual(after["taken"], before["taken"])
        self.assertGreaterEqual(after["spentMs"], 1500)
        self.assertTrue(self.running())


class Ceiling(GuardCase):
    def test_a_lower_ceiling_cuts_at_once_and_is_kept(self):
        watch = self.start(damage=1000)
        self.heartbeats()
        gateway = self.gateway()
        self.stop_at_a_hot_breakpoint(gateway)
        gateway.call("Eval", {"Scope": {"GoroutineID": -1, "Frame": 0}, "Expr": "1", "Cfg": {}})
        watch.ask("ceiling", classes=["observe", "control", "lifecycle"])
        self.assertEqual(watch.status()["ceiling"], ["observe", "control"], "never above what root fixed")
        with self.assertRaises((OSError, EOFError, AssertionError)):
            gateway.state()
        watch.process.child.kill()
        watch.process.wait()
        self.guard = watch = guard.Guard(self, self.dlv.address, watch.sockets, damage=1000, name="second")
        self.assertEqual(watch.status()["ceiling"], ["observe", "control"])
        with self.assertRaisesRegex(Failed, "the ceiling of app on this node does not allow Eval"):
            self.gateway().call("Eval", {"Scope": {"GoroutineID": -1, "Frame": 0}, "Expr": "1", "Cfg": {}})
        watch.ask("ceiling", classes=[])
        with self.assertRaisesRegex(Failed, "is not armed any more"):
            self.gateway().state()
        watch.process.child.kill()
        watch.process.wait()
        self.guard = watch = guard.Guard(self, self.dlv.address, watch.sockets, damage=1000, name="third")
        self.assertEqual(watch.status()["ceiling"], [])
        with self.assertRaisesRegex(Failed, "is not armed any more"):
            self.gateway().state()
        # Root arms it again.
        watch.ask("ceiling", classes=list(guard.ALL))
        self.assertEqual(watch.status()["ceiling"], list(guard.DEFAULT))
        self.assertFalse(self.gateway().state()["Running"])

    def test_values_need_read(self):
        watch = self.start(damage=1000)
        self.heartbeats()
        gateway = self.gateway()
        gateway.set_breakpoint(debuggee.MAIN, USE, LoadArgs={"MaxStringLen": 64}, LoadLocals={"MaxStringLen": 64})
        state = gateway.command("continue")
        self.assertIn("breakPointInfo", state["currentThread"])
        gateway.close()
        watch.ask("ceiling", classes=["observe", "control"])
        seen = self.gateway()
        text = json.dumps([seen.state(), seen.call("ListGoroutines", {"Start": 0, "Count": 0})])
        for key in ("breakPointInfo", "ReturnValues", "labels"):
            self.assertNotIn('"' + key + '"', text)
        self.assertEqual(seen.state()["currentThread"]["line"], USE)
        large = seen.call("ListFunctions", {"Filter": ""})["Funcs"]
        self.assertEqual(large, Rpc(self, self.dlv.address).call("ListFunctions", {"Filter": ""})["Funcs"])


class Verbs(GuardCase):
    def test_resume_keeps_takes_or_clears_breakpoints(self):
        watch = self.start(duty=0.1)
        self.heartbeats()
        gateway = self.gateway()
        self.stop_at_a_hot_breakpoint(gateway)
        hits = gateway.state()["currentThread"]["breakPoint"]["totalHitCount"]
        watch.ask("resume", breakpoints="keep")
        gateway.wait_closed()
        watch.until("it stops there again", lambda s: s["state"] == "stopped")
        again = Rpc(self, self.dlv.address)
        self.assertGreater(again.state()["currentThread"]["breakPoint"]["totalHitCount"], hits)
        self.assertEqual(watch.status()["taken"], [])
        watch.ask("resume", breakpoints="clear")
        watch.until("it runs", lambda s: s["state"] == "running")
        self.assertEqual(again.command("halt")["Running"], False)
        self.assertEqual([one for one in again.call("ListBreakpoints", {})["Breakpoints"] if one["id"] > 0], [])

    def test_a_running_program_is_resumed_without_its_breakpoints(self):
        watch = self.start()
        gateway = self.gateway()
        gateway.set_breakpoint(debuggee.MAIN, TICK, Cond="n == -1")
        gateway.resume()
        watch.until("it runs", lambda s: s["state"] == "running")
        watch.ask("resume")
        self.assertEqual([one["how"] for one in watch.status()["taken"]], ["off"])
        watch.until("it runs again", lambda s: s["state"] == "running")

    def test_end_leaves_it_running_without_breakpoints(self):
        watch = self.start()
        gateway = self.gateway()
        self.stop_at_a_hot_breakpoint(gateway)
        watch.ask("end")
        self.assertEqual(watch.process.wait(), 0)
        gateway.wait_closed()
        self.assertTrue(self.running())
        alone = Rpc(self, self.dlv.address)
        alone.command("halt")
        self.assertEqual([one for one in alone.call("ListBreakpoints", {})["Breakpoints"] if one["id"] > 0], [])

    def test_a_lower_ceiling_cuts_and_an_empty_one_refuses(self):
        watch = self.start()
        gateway = self.gateway()
        gateway.state()
        self.assertEqual(watch.ask("ceiling", classes=["observe", "control", "mutate"])["classes"], ["observe", "control"])
        gateway.wait_closed()
        with self.assertRaisesRegex(Failed, "ceiling of app .* needs read"):
            self.gateway().call("Eval", {"Expr": "1"})
        watch.ask("ceiling", classes=[])
        refused = self.gateway()
        with self.assertRaisesRegex(Failed, "not armed any more"):
            refused.state()
        refused.wait_closed()
        watch.ask("ceiling", classes=list(guard.ALL))
        self.assertFalse(self.gateway().state()["Running"])
        with self.assertRaisesRegex(guard.Refused, "unknown class"):
            watch.ask("ceiling", classes=["all"])
        with self.assertRaisesRegex(guard.Refused, "verb"):
            watch.ask("detach")

    def test_it_ends_with_dlv(self):
        watch = self.start()
        os.kill(self.dlv.pid, signal.SIGKILL)
        self.assertEqual(watch.process.wait(), 0)
        self.assertIn("dlv does not answer", watch.log())

    def test_an_exited_program_spends_nothing(self):
        watch = self.start(damage=1)
        self.heartbeats()
        gateway = self.gateway()
        watch.ask("counting")
        running = gateway.resume()
        watch.until("it runs", lambda s: s["state"] == "running")
        os.kill(self.program_pid(), signal.SIGKILL)
        self.assertTrue(gateway.result(running)["State"]["exited"])
        status = watch.until("it has exited", lambda s: s["state"] == "exited")
        self.assertEqual(status["spentMs"], 0)

    def test_a_program_killed_where_it_stands_is_found_gone(self):
        watch = self.start()
        self.stop_at_a_hot_breakpoint(self.gateway())
        os.kill(self.program_pid(), signal.SIGKILL)
        watch.ask("resume")
        watch.until("it is gone", lambda s: s["state"] == "exited")


class Confined(GuardCase):
    def test_it_has_given_up_what_it_does_not_need(self):
        watch = self.start()
        with open(f"/proc/{watch.pid}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines())
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        for held in ("CapInh", "CapPrm", "CapEff"):
            self.assertEqual(int(status[held], 16), 0, held)
        self.assertEqual(process.descendants(watch.pid), [])
        self.assertRegex(watch.log(), "confined: system calls by seccomp[;,] (files by Landlock [0-9]+|this kernel has no Landlock)")

    @unittest.skipIf(os.geteuid() != 0 and "CI" not in os.environ, "another user needs root")
    def test_it_hears_only_root_and_itself(self):
        watch = self.start()
        for path in (self.directory, watch.sockets.directory):
            os.chmod(path, 0o755)
        for path in (watch.sockets.path, watch.sockets.control):
            os.chmod(path, 0o777)
        ask = ("import socket,sys\n"
               "for kind, path in ((socket.SOCK_STREAM, sys.argv[1]), (socket.SOCK_SEQPACKET, sys.argv[2])):\n"
               "    s = socket.socket(socket.AF_UNIX, kind); s.connect(path)\n"
               "    try:\n"
               "        s.send(b'{\"verb\":\"status\",\"method\":\"RPCServer.State\",\"id\":1}'); print(len(s.recv(1)))\n"
               "    except OSError: print(0)\n")
        other = process.Process(self, "other", ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", ask,
                                                watch.sockets.path, watch.sockets.control])
        self.assertEqual(other.wait(), 0, other.errors())
        self.assertEqual(other.output().split(), ["0", "0"])


if __name__ == "__main__":
    unittest.main()
