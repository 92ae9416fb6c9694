"""What is asked after each deed of a random session: whether everybody was told and shows what the model says and dlv
itself, which a direct connection asks."""

import json
import subprocess

from . import model, shared, tools, views
from .rpc import Failed


class CheckedSession(shared.SharedCase):
    """A session with a model, and dlv beside it. The deeds are the subclass's."""

    model = None
    window = None  # dlv's own DAP session
    starts = {}    # the addresses at which some lines begin

    # --- dlv's own word ------------------------------------------------------------------------------------

    def frames(self):
        """The main goroutine's; none before the program has begun."""
        try:
            stack = self.truth.call("Stacktrace", {"Id": 1, "Depth": 50})["Locations"]
        except Failed:
            return []
        return [((one.get("function") or {}).get("name", ""), one["line"], one["pc"]) for one in stack]

    def place(self):
        frames = self.frames()
        names = [name for name, _, _ in frames]
        if "main.main" not in names:
            return None, frames
        scope = {"GoroutineID": 1, "Frame": names.index("main.main")}
        try:
            n = int(self.truth.call("Eval", {"Scope": scope, "Expr": "n", "Cfg": views.LOAD})["Variable"]["value"])
        except Failed:
            return None, frames
        return model.passed(frames, n, self.starts), frames

    def true_lines(self):
        listed = self.truth.call("ListBreakpoints", {"All": False})["Breakpoints"]
        return {one["line"] for one in listed if one["id"] > 0}

    def session(self):
        """The component as `delvegate status` shows it."""
        done = subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file, "--output", "json"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)["components"][0]

    # --- what comes of a deed ---------------------------------------------------------------------------------

    def settle(self, pauser=None):
        """Waits for what the model says comes next, and takes it in. `pauser` may have paused it."""
        m = self.model
        outlook = m.outlook()
        if outlook == "maybe":
            def told():
                return any(member.has_been_told() for member in m.members)
            self.until("it runs or has stopped", lambda: told() or self.session()["state"] == "running")
            if not told():
                pauser = self.pick(m.members)
                self.note(f"{pauser.name} pauses, for it may run or not")
                pauser.pause()
            m.halted_by = pauser
            outlook = "stop"
        if outlook == "run":
            return self.until_running()
        pauser = m.halted_by
        for member in m.members:
            if member.dap:
                member.body = member.await_stop()
        for member in m.members:
            if not member.dap and member.waiting:
                member.states = member.take_answers()
        self.take_in_the_stop()
        if pauser and not pauser.dap:
            pauser.told = m.stop

    def take_in_the_stop(self):
        m = self.model
        state = self.until("dlv says that it stands", lambda: (lambda s: None if s["Running"] else s)(self.true_state()))
        self.assertFalse(state["exited"], state)
        thread = state["currentThread"]
        place, frames = self.place()
        point = thread.get("breakPoint")
        # Where the hub works out whom it stops, dlv has something that only traces.
        stops = point is not None and (not point["continue"] or (place is not None and m.hits(place, surely=False)))
        at_breakpoint = stops and state.get("stopReason") != "next finished"
        if at_breakpoint and m.stepping and not state.get("stopReason") and place is not None and not m.hits(place, surely=True):
            # Where a step ends, an old dlv names a breakpoint that is there, whatever it asks for.
            at_breakpoint = m.hits(place, surely=False) and self.session()["reason"] == "breakpoint"
        if m.halted_by and at_breakpoint and self.session()["reason"] != "pause":
            m.halted_by = None  # it stood there before the pause came
        wrong = m.stopped(place, at_breakpoint, thread["line"], state["NextInProgress"])
        if self.one_at_a_time and at_breakpoint and not m.sure_of_owners:
            m.control.first = set(self.session()["runControl"].get("first", []))
        self.note(f"  stop {m.stop} on line {thread['line']} ({place}): {m.reason}, {m.control}")
        self.assertIsNone(wrong, f"{wrong}\nnow {frames[:4]} … {[one for one in frames if one[0].startswith('main.')]}, {state.get('stopReason')}")
        for member in m.members:
            if member.dap:
                self.assert_logged(member)
                member.take_answers()
                self.assert_stop_told(member, member.body)
                member.told = m.stop
            elif getattr(member, "states", None):
                for told in member.states:
                    self.assert_same_place(told, state, member)
                member.states, member.told = None, m.stop

    def assert_logged(self, member):
        """Its log messages of the last run have come, each once, before the stop."""
        for wish in self.model.of(member):
            rounds = self.model.to_be_logged(wish) if wish.log else None
            if rounds is None:
                continue
            written = member.logged(wish.marker)
            self.assertEqual([n for n in written if n in rounds[0]], rounds[0], f"{member.name}'s log of {wish}")
            self.assertLessEqual(set(written), set(rounds[1]), f"{member.name}'s log of {wish}")
        member.forget_logs()

    def assert_same_place(self, told, true, member):
        # A breakpoint there may have been cleared or set since it stopped.
        told, true = ({**views.position(state), "breakpoint": None} for state in (told, true))
        self.assertEqual(told, true, member.name)

    def assert_stop_told(self, member, body):
        """What an IDE is told of the stop is what the model has, and names only its own breakpoints."""
        # A step that was interrupted ends as the `continue` that it went on with; an old dlv does not say why it stands.
        reasons = {"breakpoint": ("breakpoint", "pause"), "pause": ("pause",), "step": ("step", "breakpoint"), "entry": ("entry",)}
        self.assertIn(body["reason"], reasons[self.model.reason], f"{member.name}: {body}")
        own = {wish.id for wish in self.model.of(member)}
        self.assertLessEqual(set(body.get("hitBreakpointIds", [])), own, f"{member.name}: {body}")

    def look_of_an_earlier_stop(self, member):
        """Frames that a JSON-RPC client names are of the stop that it knows; it is told of this one instead."""
        value, refused = member.look_was(member.look(1))
        if member.knows_some:
            moved = "was restarted" if self.model.reason == "entry" else "has moved"
            self.assertIn(f"the program {moved} since you were told", str(refused))
            member.told = self.model.stop
        else:
            self.assertEqual(value, "hello", refused)

    def compare(self, member):
        """All that a member can see now, with what dlv shows of it."""
        if not member.dap and member.told != self.model.stop:
            self.look_of_an_earlier_stop(member)
        state = self.true_state()
        goroutine = (state.get("currentGoroutine") or {}).get("id", 1)
        true = type(member).see(self.window if member.dap else self.truth.client, goroutine)
        mine = member.see(member.client, goroutine)
        if not member.dap and not self.model.stands_at_a_breakpoint():
            # Where the hub judges for several people, dlv names a breakpoint that is nobody's in this round.
            true, mine = ([views.without_breakpoints(look) for look in one] for one in (true, mine))
        for one, other in zip(mine, true):
            self.assertEqual(one, other, f"{member.name} sees something else than there is")
        self.assertEqual(len(mine), len(true))

    def check(self):
        m = self.model
        state = self.true_state()
        if not m.running:
            self.assertFalse(state["Running"], "it runs, and should stand")
            wrong = m.saw(self.true_lines())
            self.assertIsNone(wrong)
        for member in m.members:
            pending = {(member.client, number) for number in member.waiting} if not member.dap else set()
            self.assert_each_answered_once([member.client], pending)
            self.assertFalse(member.client.closed, f"{member.name} was disconnected")
            if member.dap:
                self.assertEqual(member.further_stops(), [], f"{member.name} is told of a stop that is none")
            elif self.random.random() < 0.6:
                told = member.ask_state()
                self.assertEqual(told["Running"], m.running, member.name)
                if not m.running:
                    self.assert_same_place(told, state, member)
                    member.told = m.stop
                lines = member.breakpoint_lines()
                self.assertLessEqual({model.LINES[w.marker] for w in m.wishes if w.sure}, lines, member.name)
        if not m.running:
            for member in self.random.sample(m.members, min(2, len(m.members))):
                self.compare(member)
        else:
            self.until_running()
