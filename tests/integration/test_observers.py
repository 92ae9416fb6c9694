"""Many who look while one drives: each is answered, with the truth, dlv is asked for the same thing once, and neither who reads
nothing nor who asks without end keeps anybody else."""

import re
import unittest

from harness import case, debuggee, shared, views, waiting
from test_limits import unread

TICK = debuggee.line("tick")
EVERYTHING = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 1 << 20, "MaxArrayValues": 64, "MaxStructFields": -1}
OBSERVERS = 24
STEPS = 20


class Observers(case.Case):
    def setUp(self):
        super().setUp()
        self.dlv = self.headless(args=["one", "two words"], log="rpc,dap")
        self.gateway = self.serve({"name": "app", "kind": "connect", "users": ["alice", "bob", "carol"], "address": self.dlv.address,
                                   "runControl": "baton"}, limits={"viewerBuffer": "4MiB"})
        self.addresses = {}

    def address(self, who):
        if who not in self.addresses:
            self.addresses[who] = self.connect(self.gateway, who, name="connect-" + who)
        return self.addresses[who].address

    def rpc(self, who):
        return shared.SharedRpc(self, self.address(who), who)

    def dap(self, who):
        return shared.SharedDap(self, self.address(who), who)

    def log_of_dlv(self):
        return self.dlv.process.errors() + self.dlv.process.output()

    def asked(self, start=0):
        """How often dlv was asked for a stack, in either protocol, and to attach."""
        log = self.log_of_dlv()[start:]
        return (len(re.findall(r"<- RPCServer\.Stacktrace\(", log)), len(re.findall(r'from client\]\{[^\n]*"command":"stackTrace"', log)),
                len(re.findall(r'from client\]\{[^\n]*"command":"attach"', log)))

    def driver_at_tick(self):
        driver = self.dap("alice")
        driver.attach(configure=lambda: driver.call("setBreakpoints", {
            "source": {"path": debuggee.MAIN}, "breakpoints": [{"line": TICK}]}), stopOnEntry=True)
        mark = driver.stopped()[0]
        driver.call("continue", {"threadId": 1})
        driver.goroutine = driver.stopped(mark)[1]["threadId"]
        return driver

    def step(self, driver):
        """A step as an IDE makes it; the frames it shows."""
        mark = driver.mark()
        driver.call("next", {"threadId": driver.goroutine})
        driver.goroutine = driver.stopped(mark)[1]["threadId"]
        return self.look(driver, driver.goroutine)

    def look(self, viewer, goroutine):
        frames = viewer.call("stackTrace", {"threadId": goroutine, "startFrame": 0, "levels": 20})["stackFrames"]
        scopes = viewer.call("scopes", {"frameId": frames[0]["id"]})["scopes"]
        return views.without_handles([frames, [viewer.call("variables", {"variablesReference": one["variablesReference"]})
                                               for one in scopes]])

    def rpc_look(self, client, goroutine):
        scope = {"GoroutineID": goroutine, "Frame": 0}
        return [client.call("Stacktrace", {"Id": goroutine, "Depth": 20}), client.call("ListLocalVars", {"Scope": scope, "Cfg": views.LOAD})]

    def test_they_see_the_truth_and_dlv_is_asked_once(self):
        driver = self.driver_at_tick()
        clients = [self.rpc(who) for who in ("bob", "carol") * (OBSERVERS // 4)]
        viewers = [self.dap(who) for who in ("bob", "carol") * (OBSERVERS // 4)]
        for viewer in viewers:
            viewer.attach(stopOnEntry=True)
            viewer.stopped()
        direct = shared.SharedRpc(self, self.dlv.address, "dlv")
        for _ in range(3):
            marks = [viewer.mark() for viewer in viewers]
            mine = self.step(driver)
            for viewer, mark in zip(viewers, marks):
                viewer.stopped(mark)
                self.assertEqual([name for name, _ in viewer.events(mark)], ["continued", "stopped"])
            start = len(self.log_of_dlv())
            # All at once, as after a stop.
            stacks = [viewer.send("stackTrace", {"threadId": driver.goroutine, "startFrame": 0, "levels": 20}) for viewer in viewers]
            traces = [client.send("Stacktrace", {"Id": driver.goroutine, "Depth": 20}) for client in clients]
            for viewer, number in zip(viewers, stacks):
                frames = viewer.response(number)["body"]["stackFrames"]
                self.assertEqual(views.without_handles(frames), mine[0])
            found = [client.result(number) for client, number in zip(clients, traces)]
            rpc, dap, _ = self.asked(start)
            self.assertLessEqual(rpc, 1, "the same look was asked again")
            # The driver has asked for it before.
            self.assertEqual(dap, 0, "the same look was asked again")
            true = direct.call("Stacktrace", {"Id": driver.goroutine, "Depth": 20})
            for one in found:
                self.assertEqual(one, true)
            for viewer in viewers[:3]:
                self.assertEqual(self.look(viewer, driver.goroutine), mine)
            true = self.rpc_look(direct, driver.goroutine)
            for client in clients[:3]:
                self.assertEqual(self.rpc_look(client, driver.goroutine), true)
        # The gateway's own session, which keeps steps, and one for all who have attached alike.
        self.assertLessEqual(self.asked()[2], 2)
        for one in [driver, *clients, *viewers]:
            self.assertEqual((one.open_requests(), one.doubled()), ([], 0))

    def test_the_driver_goes_on_beside_floods_and_who_reads_nothing(self):
        driver = self.driver_at_tick()
        clients = [self.rpc("bob") for _ in range(OBSERVERS // 2)]
        viewers = [self.dap("carol") for _ in range(OBSERVERS // 2 - 2)]
        for viewer in viewers:
            viewer.attach(stopOnEntry=True)
        deaf = [self.rpc("bob"), self.rpc("carol")]
        for one in deaf:
            one.reads.clear()
            one.send("IsMulticlient")  # the reader's last chance to read: it waits for bytes already
            one.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.texts", "Cfg": EVERYTHING})
        for one in deaf:
            waiting.until("the reply to begin", lambda one=one: unread(one.socket) > 64 << 10)
        flood = clients[0]
        asked = [flood.send("ListThreads") for _ in range(3000)]
        for number in range(STEPS):
            self.step(driver)
            for client in clients[1:]:
                client.send("Stacktrace", {"Id": driver.goroutine, "Depth": 5})
            for viewer in viewers:
                viewer.send("stackTrace", {"threadId": driver.goroutine, "startFrame": 0, "levels": 5})
        # A reply of 33 MiB does not fit; nobody waited for it to be read.
        for who in ("bob", "carol"):
            self.addresses[who].process.wait_for("they are told", lambda who=who: "the IDE does not read" in self.addresses[who].process.errors())
        for number in asked:
            flood.reply(number)
        last = {one: one.send("GetVersion") for one in clients}
        for client, number in last.items():
            client.result(number)
        for viewer in viewers:
            viewer.call("threads")
        for one in [driver, *clients, *viewers]:
            self.assertEqual((one.open_requests(), one.doubled()), ([], 0))

    def test_one_persons_settings_and_calls_are_not_the_others(self):
        driver = self.driver_at_tick()
        viewers = [self.dap(who) for who in ("bob", "carol")]
        for viewer in viewers:
            viewer.attach(stopOnEntry=True)
            viewer.stopped()
        for viewer in viewers:
            self.look(viewer, driver.goroutine)
        bob, carol = viewers
        frame = carol.call("stackTrace", {"threadId": driver.goroutine})["stackFrames"][0]["id"]
        mark = bob.mark()
        bob.call("evaluate", {"expression": "dlv config showGlobalVariables true", "context": "repl"})
        # Its numbers are another session's now, so it is told to ask again, and what it had is refused.
        bob.stopped(mark)
        self.assertIn("earlier stop", bob.error("scopes", {"frameId": frame}))
        own = bob.call("stackTrace", {"threadId": driver.goroutine})["stackFrames"][0]["id"]
        self.assertIn("Globals", " ".join(one["name"] for one in bob.call("scopes", {"frameId": own})["scopes"]))
        self.assertNotIn("Globals", " ".join(one["name"] for one in carol.call("scopes", {"frameId": frame})["scopes"]))

        # A call makes its caller's session their own; what others had of it is of an earlier stop.
        mark = carol.mark()
        called = driver.call("stackTrace", {"threadId": driver.goroutine})["stackFrames"][0]["id"]
        driver.call("setVariable", {"variablesReference": self.locals_of(driver, called), "name": "sum", "value": "77"})
        carol.stopped(mark)
        self.assertIn("earlier stop", carol.error("scopes", {"frameId": frame}))
        top = carol.call("stackTrace", {"threadId": driver.goroutine})["stackFrames"][0]["id"]
        shown = carol.call("variables", {"variablesReference": self.locals_of(carol, top)})["variables"]
        self.assertEqual({one["name"]: one["value"] for one in shown}["sum"], "77")

    def locals_of(self, viewer, frame):
        return [one["variablesReference"] for one in viewer.call("scopes", {"frameId": frame})["scopes"] if one["name"] == "Locals"][0]


if __name__ == "__main__":
    unittest.main()
