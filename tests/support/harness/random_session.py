"""The deeds of a random session: two to eight clients of both protocols come and go, set breakpoints, run, step and pause a
real program, one deed after the other and now and then two at once."""

import json
import os
import random

from . import debuggee, model, shared, views
from .checked_session import CheckedSession
from .members import DapMember, RpcMember
from .rpc import Failed

MOST = 8
# Whether a resume of a DAP client that was on its way when the next stop was told is known to mean the stop before.
CROSSING = os.environ.get("DELVEGATE_TEST_CROSSING", "") != ""


class RandomSession(CheckedSession):
    def setUp(self):
        super().setUp()
        self.window = None
        self.steps = []
        self.names = 0

    # --- the session ----------------------------------------------------------------------------------------

    def begin(self, seed):
        self.random = random.Random(seed)
        self.steps = [f"DELVEGATE_TEST_SEED={seed}"]
        first = RpcMember(self, "rpc1", "alice")
        first.ask_state()
        point = first.client.set_breakpoint(debuggee.MAIN, model.LINES["tick"])
        first.client.command("continue")
        first.client.call("ClearBreakpoint", {"Id": point["id"]})
        self.starts = {line: self.truth.call("FindLocation", {"Scope": {"GoroutineID": -1}, "Loc": f"{debuggee.MAIN}:{line}"})[
            "Locations"][0]["pc"] for line in (model.LINES["tick"], model.CALL)}
        self.model = model.Model(self.place()[0], "baton" if self.one_at_a_time else "open")
        self.model.reason = "breakpoint"
        self.model.control.runs(first.who)
        first.told = self.model.stop
        self.model.members.append(first)
        self.window = shared.SharedDap(self, self.dlv.address, "nobody")
        self.window.attach_only()
        self.names = 1
        self.join()

    def play(self, seed, steps):
        self.begin(seed)
        try:
            for _ in range(steps):
                deeds = self.possible()
                deed, = self.random.choices(list(deeds), list(deeds.values()))
                deed()
                self.check()
            self.end_session()
        except (AssertionError, Failed) as error:
            known = [f"{one.name} of {one.who} knows stop {one.told} of {self.model.stop}, {one.open_ones()}" for one in self.model.members]
            text = "\n".join([str(error)[:3000], *self.steps[:1], *self.steps[-25:], f"{len(self.steps)} steps", *known, *map(repr, self.model.wishes),
                              *self.listed(),
                              str(self.model.control), json.dumps(self.session())])
            said = self.dlv.process.output()[-500:] + self.dlv.process.errors()[-1500:]
            raise AssertionError(f"{text}\nthe program and dlv said:\n{said}") from error

    def listed(self):
        """dlv's breakpoints, and whose the gateway says they are, a line each."""
        asked = {"dlv": self.truth.client}
        if rpcs := [member for member in self.model.members if not member.dap]:
            asked[rpcs[0].name] = rpcs[0].client
        for name, client in asked.items():
            try:
                for one in client.call("ListBreakpoints", {"All": False})["Breakpoints"]:
                    if one["id"] > 0:
                        kept = ("id", "line", "Cond", "HitCond", "continue", "disabled", "totalHitCount", "VerboseDescr", "name")
                        yield f"{name} lists {[one.get(key) for key in kept]}"
            except (AssertionError, Failed) as error:
                yield f"{name} lists nothing: {error}"

    def note(self, text):
        self.steps.append(text)
        if os.environ.get("DELVEGATE_TEST_VERBOSE"):
            print(len(self.steps), text, flush=True)

    def pick(self, members):
        return self.random.choice(members)

    def told_ones(self):
        return [m for m in self.model.members if m.told == self.model.stop]

    def runners(self):
        """Those whose resume runs the target now."""
        return [m for m in self.model.members if self.model.answer_to_resume(m) == "runs"]

    def at_once_ones(self):
        """Those whose resume counts once at most, also when it crosses the next stop on its way; of one person, where
        there is a baton."""
        able = [m for m in self.runners() if CROSSING or not m.dap]
        return able if not self.one_at_a_time else [m for m in able if m.who == able[0].who]

    def possible(self):
        """{deed: weight}, of what can be done now."""
        m = self.model
        deeds = {self.join: 2 if len(m.members) < MOST else 0, self.leave: 1 if len(m.members) > 2 else 0,
                 self.drop: 1 if len(m.members) > 2 else 0, self.look: 2}
        if m.running:
            deeds.update({self.pause: 4, self.resume_while_running: 1, self.hold: 1, self.breakpoints: 3})
            return deeds
        told, able = self.told_ones(), self.runners()
        deeds.update({self.untold_resume: 1 if len(told) < len(m.members) else 0, self.pause_at_a_stop: 1})
        deeds[self.refused_resume] = 2 if any(m.answer_to_resume(one) == "refused" for one in m.members) else 0
        if able:
            deeds.update({self.resume: 6, self.two_resumes: 2 if len(self.at_once_ones()) > 1 else 0, self.look_and_resume: 2,
                          self.resume_and_pause: 1})
            deeds[self.restart] = 0.3 if any(not one.dap for one in m.members) and not self.one_at_a_time else 0
        if not m.step_open:
            deeds[self.breakpoints] = 4
            # Out of a pause's depths, or of main.main, steps have no end one could wait for.
            if able and m.reason in ("breakpoint", "step") and m.place is not None and self.frames()[0][0].startswith("main."):
                deeds.update({self.step: 5, self.call: 1 if m.reason == "breakpoint" else 0})  # a step may end where dlv cannot call
        return deeds

    # --- deeds ------------------------------------------------------------------------------------------------

    def some_condition(self, marker):
        return self.random.choice(list(model.CONDITIONS[marker]))

    def join(self):
        who = self.random.choice(shared.PEOPLE)
        self.names += 1
        if self.random.random() < 0.5:
            self.note(f"rpc{self.names} of {who} joins")
            member = RpcMember(self, f"rpc{self.names}", who)
            self.assertEqual(member.ask_state()["Running"], self.model.running)
            self.model.join(member)
            self.model.adopted(member, member.breakpoint_list())
        else:
            wanted = {marker: (self.some_condition(marker), self.random.random() < 0.3) for marker in self.model.free_markers(None)
                      if self.random.random() < 0.3} if not self.model.step_open else {}
            self.note(f"dap{self.names} of {who} joins with {wanted}")
            member = DapMember(self, f"dap{self.names}", who, wanted)
            self.model.join(member)
            for marker, (condition, log) in wanted.items():
                self.model.set(member, marker, condition, member.ids[marker], log)
            if self.model.running and wanted:
                self.model.changed_while_running()
                member.told = 0
                return self.settle()
            if not self.model.running:
                self.assert_stop_told(member, member.await_stop())
        member.told = 0 if self.model.running else self.model.stop

    def leave(self):
        member = self.pick(self.model.members)
        self.note(f"{member.name} leaves")
        self.model.leave(member)
        member.farewell()

    def drop(self):
        member = self.pick(self.model.members)
        self.note(f"{member.name} is gone")
        if self.random.random() < 0.5:
            member.look(1)
        member.client.kill()
        self.until_forgotten(member)

    def until_forgotten(self, member):
        self.model.leave(member)
        here = len(self.model.members)
        self.until(f"{here} are left", lambda: len(self.session()["viewers"]) == here)

    def breakpoints(self):
        """Somebody sets or clears one; the target, if it runs, goes on, and nobody is told of a stop."""
        member = self.pick(self.model.members)
        mine = self.model.of(member)
        if mine and self.random.random() < 0.5:
            wish = self.pick(mine)
            self.note(f"{member.name} clears {wish.marker}")
            member.clear(wish.marker, wish)
            self.model.clear(member, wish)
        else:
            markers = [marker for marker in self.model.free_markers(member) if member.dap or marker not in [w.marker for w in mine]]
            if not markers:
                return
            marker = self.pick(markers)
            condition = self.some_condition(marker)
            log = member.dap and self.random.random() < 0.3
            self.note(f"{member.name} {'logs' if log else 'sets'} {marker} if {condition!r}")
            self.model.set(member, marker, condition, member.set(marker, condition, log), log)
        if self.model.running:
            self.model.changed_while_running()
            self.settle()

    def resume(self):
        member = self.pick(self.runners())
        self.note(f"{member.name} continues")
        self.go(member)

    def go(self, member, command="continue"):
        expected = self.model.answer_to_resume(member)
        self.assertEqual(expected, "runs")
        self.model.resumed(member, command != "continue")
        member.resume(command)
        self.settle()
        if member.dap and self.model.running:
            member.take_answers()  # dlv may be seen to run a moment before they have come

    def step(self):
        member = self.pick(self.runners())
        top = self.frames()[0][0]
        command = self.pick(["next", "step"] if top == "main.main" else ["next", "step", "stepOut"])
        self.note(f"{member.name}: {command} in {top}")
        self.go(member, command)

    def call(self):
        """Runs code in the program: a run and a stop for everybody else, an answer for who calls."""
        member = self.pick(self.runners())
        self.note(f"{member.name} calls a function")
        before = self.place()
        state = member.call_function()
        self.model.called(member)
        self.assertEqual(self.place(), before)
        if state:
            self.assert_same_place(state, self.true_state(), member)
            member.told = self.model.stop
        for one in self.model.members:
            if one.dap:
                if one is not member:
                    self.assert_stop_told(one, one.await_stop())
                one.told = self.model.stop

    def restart(self):
        member = self.pick([one for one in self.model.members if not one.dap])
        self.note(f"{member.name} restarts the program")
        pid = self.true_state()["Pid"]
        member.restart()
        self.model.restarted()
        member.told = self.model.stop  # whose answer it was
        self.assertNotEqual(self.true_state()["Pid"], pid)
        for one in self.model.members:
            if one.dap:
                self.assert_stop_told(one, one.await_stop())
                one.told = self.model.stop

    def two_resumes(self):
        """Two press F5 at once; the target is resumed once."""
        one, other = self.random.sample(self.at_once_ones(), 2)
        self.note(f"{one.name} and {other.name} continue at once")
        self.model.resumed(one)
        one.resume()
        other.resume()
        self.settle()

    def untold_resume(self):
        """Who has not been told of this stop is told of it, and runs nothing."""
        member = self.pick([m for m in self.model.members if m.told != self.model.stop])
        self.note(f"{member.name}, who does not know of this stop, continues")
        self.assertEqual(self.model.answer_to_resume(member), "told")
        member.resume()
        state, = member.take_answers()
        self.assert_same_place(state, self.true_state(), member)
        member.told = self.model.stop

    def refused_resume(self):
        """Who does not have the baton is told who has, and runs nothing."""
        member = self.pick([one for one in self.model.members if self.model.answer_to_resume(one) == "refused"])
        command = self.pick(["continue", "next"])
        self.note(f"{member.name}, who does not have the baton, sends {command}")
        stopped = self.true_state()
        self.assertRegex(member.refused(command), "the baton of app|at a breakpoint of")
        self.assert_same_place(self.true_state(), stopped, member)

    def resume_while_running(self):
        member = self.pick(self.model.members)
        self.note(f"{member.name} joins the run")
        member.resume()
        member.sync()

    def hold(self):
        member = self.pick(self.model.members)
        self.note(f"{member.name} waits for a stop")
        member.hold()

    def pause(self):
        member = self.pick(self.model.members)
        self.note(f"{member.name} pauses")
        self.model.halted_by = member
        member.pause()
        self.settle()

    def learn(self, member):
        """Whoever paused was told of some stop; now it knows of this one."""
        if not member.dap:
            self.assertEqual(member.ask_state()["Running"], self.model.running)
            member.told = 0 if self.model.running else self.model.stop

    def pause_at_a_stop(self):
        member = self.pick(self.model.members)
        self.note(f"{member.name} pauses what stands")
        member.pause()
        member.told = self.model.stop

    def look_and_resume(self):
        """A look in the moment of a resume is of one stop or refused; it never keeps the answer for later."""
        looker, member = self.pick(self.model.members), self.pick(self.runners())
        self.note(f"{looker.name} looks and {member.name} continues at once")
        number = looker.look(1)
        self.model.resumed(member)
        member.resume()
        value, refused = looker.look_was(number)
        if refused is None:
            self.assertEqual(value, "hello")
        self.settle()

    def resume_and_pause(self):
        """Whichever comes first, the target stands in the end, or runs because the pause came before."""
        member, other = self.pick(self.runners()), self.pick(self.model.members)
        self.note(f"{member.name} continues and {other.name} pauses at once")
        self.model.resumed(member)
        member.resume()
        other.pause()
        member.sync()
        if self.model.outlook() == "run":
            # A pause of what runs is answered by its stop, so it has been of a target that stood, or has done its deed.
            self.until("it runs or has stopped", lambda: self.true_state()["Running"] or member.has_been_told())
        if member.has_been_told() or self.model.outlook() == "stop":
            self.model.halted_by = other
        self.settle(other)
        self.learn(other)

    def look(self):
        member = self.pick(self.model.members)
        self.note(f"{member.name} looks around")
        if self.model.running:
            self.assertTrue(member.shows_running(), f"{member.name} does not show that it runs")
        else:
            self.compare(member)

    def end_session(self):
        """The target is still in good order: a breakpoint is reached, and everybody is told."""
        if self.model.running:
            self.pause()
            self.check()
        for member in list(self.model.members):
            for wish in self.model.of(member):
                member.clear(wish.marker, wish)
                self.model.clear(member, wish)
        member = next(one for one in self.model.members if self.model.control.may_run(one.who))
        if "tick" in self.model.free_markers(member):
            self.model.set(member, "tick", "", member.set("tick", ""))
        if member.told != self.model.stop:
            member.ask_state()
            member.told = self.model.stop
        self.note("the end")
        self.go(member)
        self.check()
