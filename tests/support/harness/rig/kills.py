"""SIGKILL to each process of a session, at each thing that a verb has the launcher write down."""

import os

from .. import waiting

STEPS = 40  # more than any verb has
ORDER = ("dlv", "debuggee", "guard")  # the first is there for as long as any of them


class KillsAtEachStep:
    """For a TestCase that has `node` and `launcher`, with the launcher started, and:

    component   its name; `binary` is the debuggee's
    start_it()  a start that succeeds, until the debuggee works
    assert_start_state(victim)
                the node is as it was before the start, whatever was killed

    A verb is repeated with another step each time, until it comes through without the step: then each has been its last.
    Whatever state it leaves, either the session goes on as if nothing had been, and ends with a stop, or the node is as before.
    """

    component = None
    binary = None
    least = {"start": 5, "stop": 2}  # there are more steps than that
    order = ORDER
    up = "running"  # the state of a session that goes on

    def living(self):
        """{who of ORDER: pid}, as far as they are there; `order` has those that a session has."""
        found = {}
        for pid, argv in self.node.processes().items():
            name = os.path.basename(argv[0])
            if name == "dlv":
                found["dlv"] = pid
            elif argv[0] == self.binary:
                found["debuggee"] = pid
            elif name == "delvegate" and argv[1:2] == ["guard"]:
                found["guard"] = pid
        return found

    def assert_settles(self, step, victim, answer):
        # What has just been killed may be seen a moment later only.
        state = waiting.until(lambda: f"a state that is true; {self.living()} live\n{self.launcher.log()}", self._true_state)
        with self.subTest(step=step, killed=victim, state=state, said=answer.err[-300:]):
            if state == self.up:
                stopped = self.node.delvegate("stop", self.component)
                # Without dlv or debuggee it may be given up in this very moment.
                if victim not in ("dlv", "debuggee") or "is not out" not in stopped.err:
                    stopped.succeeded()
            self.assert_start_state(victim)

    def _true_state(self):
        state = self.launcher.settled(self.component, self.up)
        return state if state != self.up or len(self.living()) == len(self.order) else None

    def each_step(self, verb, at_step):
        """`at_step(step)`: the verb's answer, and whether it came to that step."""
        for step in range(1, STEPS):
            if verb == "stop":
                self.start_it()
            answer, reached = at_step(step)
            yield step, answer
            if not reached:
                self.assertEqual(answer.code, 0, answer)
                self.assertGreater(step, self.least[verb], "there are more steps than that")
                return
        self.fail(f"a {verb} never came to its end")

    def launcher_killed(self, verb):
        def killed(step):
            answer = self.launcher.at_step(step, "signal=KILL", verb, self.component)
            return answer, answer.code != 0
        for step, answer in self.each_step(verb, killed):
            self.assert_settles(step, "launcher", answer)

    def start_without_room(self):
        """From one step on nothing can be written down any more: it takes nothing out, or puts it back."""
        def full(step):
            answer = self.launcher.at_step(f"{step}+", "error=ENOSPC", "start", self.component)
            return answer, answer.code != 0
        for step, answer in self.each_step("start", full):
            self.assert_settles(step, "room", answer)

    def stop_without_room(self):
        """It is put back, whether that can be written down or not."""
        for step in (1, 2, 3):
            self.start_it()
            answer = self.launcher.at_step(f"{step}+", "error=ENOSPC", "stop", self.component)
            self.assert_start_state("room")
            self.node.delvegate("restore", self.component)
            self.assert_settles(step, "room", answer)

    def others_killed(self, verb):
        lived = self._kill_first(verb)
        for victim in self.order[1:]:
            self.assertTrue(lived[victim], f"{victim} was never there")
            for step in lived[victim]:
                if verb == "stop":
                    self.start_it()
                answer = self.launcher.paused_at_step(step, lambda who=victim: self._kill(who), verb, self.component)[0]
                self.assert_settles(step, victim, answer)

    def _kill_first(self, verb):
        """{victim: the steps at which it was there}"""
        lived = {victim: [] for victim in self.order}

        def killed(step):
            def look_and_kill():
                for victim in self.living():
                    lived[victim].append(step)
                self._kill(self.order[0])
            return self.launcher.paused_at_step(step, look_and_kill, verb, self.component)
        for step, answer in self.each_step(verb, killed):
            self.assert_settles(step, self.order[0], answer)
        return lived

    def _kill(self, victim):
        pid = self.living().get(victim)
        if pid:
            self.node.run(["kill", "-KILL", str(pid)])
            waiting.until(f"{victim} gone", lambda: pid not in self.node.processes())

    def gateway_killed(self, gateway):
        """At every step of a start and of a stop, several times in one: the verbs come through, for it has no part in them."""
        for verb in ("start", "stop"):
            answer, reached = self.launcher.paused_at_step("1+", gateway.kill, verb, self.component)
            self.assertTrue(reached)
            answer.succeeded()
            gateway.wait()
        self.assert_start_state("gateway")


class LauncherKilled:
    """Before a TestCase with the above: its launcher, at each step."""

    def test_start(self):
        self.launcher_killed("start")

    def test_stop(self):
        self.launcher_killed("stop")


class OthersKilled:
    """Each of the others."""

    def test_start(self):
        self.others_killed("start")

    def test_stop(self):
        self.others_killed("stop")


class WithoutRoom:
    """A full disk, from each step on."""

    def test_start(self):
        self.start_without_room()

    def test_stop(self):
        self.stop_without_room()
