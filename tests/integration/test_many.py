"""Many people in one session, in both protocols and with Delve's own client: whoever comes or asks hinders nobody,
and every request has one answer."""

import unittest

from harness import debuggee, forms, shared

TICK = debuggee.line("tick")
# Would end the asker's session, or move the target, for which it would have to be halted.
RPC_LEAVES_OUT = {"Detach", "Restart", "Command halt", "CreateBreakpoint", "AmendBreakpoint", "ClearBreakpoint", "ToggleBreakpoint",
                  "CreateWatchpoint"}
DAP_LEAVES_OUT = {"initialize", "attach", "launch", "configurationDone", "disconnect", "terminate", "restart", "pause",
                  "setBreakpoints", "setFunctionBreakpoints", "setInstructionBreakpoints", "setDataBreakpoints",
                  "setExceptionBreakpoints"}
LOOKS = {"observe", "read"}


def requests(protocol, looks_only):
    """[(method or command, argument)]: every operation in every form, as far as it leaves the target where it is."""
    found = []
    for operation, spoken, classes in forms.operations():
        if spoken != protocol or operation in (RPC_LEAVES_OUT | DAP_LEAVES_OUT) or (looks_only and not classes <= LOOKS):
            continue
        if protocol == "DAP":
            found += forms.dap(operation, 1, 1000, 1001)
            continue
        for form in forms.rpc(operation, 1, "/nonexistent/evil", 1, 1, 1):
            if looks_only and (form.get("Set") or form.get("FollowCalls")):
                continue
            found.append((operation.split()[0], form))
    return found


class Many(shared.SharedCase):
    def setUp(self):
        super().setUp()
        # One who runs the program, and is the first here.
        self.driver = self.rpc("alice")
        self.driver.state()

    def crowd(self):
        """15 JSON-RPC clients, 14 of DAP, of four people; with the driver and two at a terminal they are 32."""
        people = shared.PEOPLE
        clients = [self.rpc(people[i % 4]) for i in range(15)]
        viewers = [self.dap(people[i % 4]) for i in range(14)]
        return clients, viewers

    def send_all(self, clients, viewers, looks_only):
        for client in clients:
            for method, argument in requests("JSON-RPC", looks_only):
                client.send(method, argument)
        for viewer in viewers:
            for command, argument in requests("DAP", looks_only):
                viewer.send(command, argument)

    def until_answered(self, everybody, pending=()):
        def all_answered():
            return not any((one, number) not in pending for one in everybody for number in one.open_requests())
        self.until(lambda: "an answer to " + "; ".join(
            f"{one.who}'s {[n for n in one.open_requests() if (one, n) not in pending]}" for one in everybody), all_answered)
        self.assert_each_answered_once(everybody, pending)

    def test_a_running_target_is_joined_by_many(self):
        running = self.driver.resume()
        self.until_running()
        self.assert_heartbeat()
        halts = self.halts()

        clients, viewers = self.crowd()
        terminals = [self.terminal("carol"), self.terminal("dave")]
        for viewer in viewers:
            viewer.attach()
        for terminal in terminals:
            terminal.expect(r"list of commands\.\n")
        # GoLand's first words after its breakpoints; it only joins.
        first = {client: client.resume() for client in clients[:4]}
        held = {client: client.send("State", {"NonBlocking": False}) for client in clients[4:8]}
        self.send_all(clients, viewers, looks_only=False)
        everybody = [self.driver, *clients, *viewers]
        last = {client: client.send("GetVersion") for client in clients}
        for client, number in last.items():
            client.result(number)
        # What is left are resumes, which have joined, and those that asked to be told of the stop.
        pending = {(client, number) for client in [self.driver, *clients] for number in client.open_requests()}
        self.until_answered(everybody, pending)
        self.assertLessEqual({(self.driver, running), *first.items(), *held.items()}, pending)
        self.assert_heartbeat()
        self.assertEqual(self.halts(), halts, "joining or asking has halted the target")
        for viewer in viewers:
            self.assertNotIn("stopped", [name for name, _ in viewer.events()])

        # The one halt that somebody means ends all waiting.
        self.driver.command("halt")
        self.assertGreater(self.halts(), halts)
        self.until_answered(everybody)
        position = self.true_state()["currentThread"]
        for client, number in [*first.items(), *held.items(), (self.driver, running)]:
            state = client.result(number)["State"]
            self.assertEqual(state["currentThread"]["pc"], position["pc"])
        for viewer in viewers:
            viewer.stopped()
            self.assertEqual([name for name, _ in viewer.events()].count("stopped"), 1)
        for terminal in terminals:
            terminal.prompt()
            self.assertIn("hello", terminal.run("print main.greeting"))
        self.until_answered(everybody)

    def test_a_stopped_target_is_joined_by_many(self):
        self.driver.set_breakpoint(debuggee.MAIN, TICK)
        self.driver.command("continue")
        before = self.true_state()

        clients, viewers = self.crowd()
        terminals = [self.terminal("carol"), self.terminal("dave")]
        for viewer in viewers:
            viewer.attach()
            self.assertEqual(viewer.stopped()[1]["reason"], "breakpoint")
        for terminal in terminals:
            self.assertIn("hello", terminal.prompt().run("print main.greeting"))
        # A first `continue` is answered with the stop; it runs nothing.
        for client in clients[:4]:
            self.assertEqual(client.command("continue")["currentThread"]["line"], TICK)
        self.send_all(clients, viewers, looks_only=True)
        everybody = [self.driver, *clients, *viewers]
        self.until_answered(everybody)
        after = self.true_state()
        self.assertEqual(after["currentThread"]["pc"], before["currentThread"]["pc"])
        self.assertEqual(after["currentGoroutine"]["id"], before["currentGoroutine"]["id"])

        # And none of them hinders who drives: the next stop is one round later.
        marks = [viewer.mark() for viewer in viewers]
        state = self.driver.command("continue")
        self.assertEqual(state["currentThread"]["line"], TICK)
        for viewer, mark in zip(viewers, marks):
            self.assertEqual(viewer.stopped(mark)[1]["reason"], "breakpoint")
            self.assertEqual([name for name, _ in viewer.events(mark)], ["continued", "stopped"])
        for client in clients:
            self.assertEqual(client.state()["currentThread"]["pc"], self.true_state()["currentThread"]["pc"])
        self.until_answered(everybody)

    def test_whoever_drops_out_hinders_nobody(self):
        """Half of them vanish without a word while the target runs, and while they wait."""
        running = self.driver.resume()
        self.until_running()
        clients, viewers = self.crowd()
        for viewer in viewers:
            viewer.attach()
        for client in clients:
            client.resume()
            client.send("Stacktrace", {"Id": -1, "Depth": 5})
        for one in [*clients[::2], *viewers[::2]]:
            one.kill()
        self.assert_heartbeat()
        self.assertFalse(self.driver.answered(running))
        self.driver.command("halt")
        self.until_answered([self.driver, *clients[1::2], *viewers[1::2]])
        for viewer in viewers[1::2]:
            viewer.stopped()
            viewer.call("threads")


if __name__ == "__main__":
    unittest.main()
