"""The shared session as it must be: who is here and was told of which stop, whose breakpoints there are, where the target
stands and where it must stop next, who may run it. Fed with what clients do; compared with what they see and dlv says.

The debuggee is a loop, so the model knows it: each round passes the marked lines in one order, and from a known place and the
breakpoints follows the next stop. Nothing here asks or waits."""

import dataclasses
import os
import time

from . import debuggee, tools

ORDER = ("tick", "use", "sleep")
LINES = {marker: debuggee.line(marker) for marker in ORDER}
with open(debuggee.MAIN, encoding="utf-8") as _source:
    CALL = next(number for number, text in enumerate(_source, 1) if "sum := tick(n)" in text)
MARKERS = {line: marker for marker, line in LINES.items()}
# By marker, what a breakpoint may wait for, and whether it holds in round n.
CONDITIONS = {
    "tick": {"": lambda n: True, "n % 2 == 0": lambda n: n % 2 == 0, "n % 7 == 3": lambda n: n % 7 == 3, "n < 0": lambda n: False},
    "use": {"": lambda n: True, "sum % 2 == 0": lambda n: n % 2 == 0, "sum < 0": lambda n: False},
    "sleep": {"": lambda n: True, "n % 3 == 1": lambda n: n % 3 == 1, "n < 0": lambda n: False},
}
# Whether breakpoints of several people at one place each work for their owner, or the first one's keeps others out.
MERGED = os.path.exists(os.path.join(tools.ROOT, "gateway", "breakpoint_board.h"))
GRACE = 30  # seconds that a breakpoint outlives its owner's connection (hub_settings::breakpoint_grace)


def event(n, marker):
    """Passing a marked line, as a number that grows as the program goes on."""
    return n * len(ORDER) + ORDER.index(marker)


def passed(frames, n, starts):
    """The last marked line that the program has reached, from its main goroutine's frames [(function, line, pc)] and the n of
    main.main; None where that cannot be told. `starts` has the address at which a line begins."""
    names = [name for name, _, _ in frames]
    if "main.main" not in names or "runtime.sighandler" in names:  # below a signal's frames dlv may read what is stale
        return None
    _, line, pc = frames[names.index("main.main")]
    inner = {name: (line, pc, depth == 0) for depth, (name, line, pc) in enumerate(frames)}
    before = event(n, "tick") - 1
    if "main.use" in names:
        return event(n, "use") if inner["main.use"][0] >= LINES["use"] else event(n, "tick")
    if "main.tick" in names:
        line, pc, top = inner["main.tick"]
        if line != LINES["tick"]:
            return before if line < LINES["tick"] else event(n, "use")
        # Called from this line is what has been left already, or something of the runtime's.
        return event(n, "tick") if pc == starts[line] else event(n, "use") if top else None
    if line < CALL:
        return event(n, "sleep")
    if line == CALL:
        return before if pc == starts[line] else event(n, "use")
    return event(n, "sleep") if line >= LINES["sleep"] else event(n, "use")


@dataclasses.dataclass
class Wish:
    """A breakpoint as one person wants it."""
    owner: object  # the member; None when they have left
    who: str
    dap: bool
    marker: str
    condition: str
    id: int = 0
    log: bool = False  # a log message: it stops nobody
    left_at: float = 0
    sure: bool = True  # else it may have been taken away by now

    def holds(self, n):
        return CONDITIONS[self.marker][self.condition](n)

    def ever(self):
        return not self.log and any(self.holds(n) for n in range(42))


class Baton:
    """Run control by one at a time (docs/together.md). What depends on the moment is None: either may be."""

    FIRST_RIGHT = 30  # seconds

    def __init__(self):
        self.holder = None
        self.first = set()
        self.first_since = 0

    def __str__(self):
        return f"the baton is {self.holder}'s, first are {sorted(self.first)}"

    def may_run(self, who):
        passed_since = time.monotonic() - self.first_since
        free = self.holder in (None, who)
        if not self.first or passed_since > self.FIRST_RIGHT + 10:
            return free
        if passed_since > self.FIRST_RIGHT - 10:
            return True if free and who in self.first else None
        return who in self.first

    def runs(self, who):
        self.holder, self.first = who, set()

    def pauses(self, who):
        self.holder = self.holder or who

    def stops(self, owners):
        self.first = set() if self.holder in owners else set(owners)
        self.first_since = time.monotonic()

    def left(self, who):
        """Their last connection."""
        self.first.discard(who)
        if self.holder == who:
            self.holder = None


class Open:
    """Whoever may control the target runs it."""
    holder = None

    def __str__(self):
        return "open"

    def may_run(self, who):
        return True

    def runs(self, who):
        pass

    pauses = stops = left = runs


class Model:
    def __init__(self, place, run_control="open"):
        self.members = []
        self.wishes = []
        self.running = False
        self.stop = 1            # number of the last stop
        self.place = place       # an event, or None
        self.lowest = place or 0  # it has at least come so far
        self.reason = "entry"
        self.stepping = False
        self.halted_by = None    # who has paused it
        self.start = None        # where the run began, if that is known
        self.last_run = (None, None)
        self.step_open = False   # a step was interrupted, and goes on with the next continue
        self.sure_of_owners = True  # of the last stop
        self.surely_hit = []     # whose place it came to, where they hold for sure, log messages too
        self.control = Baton() if run_control == "baton" else Open()

    # --- who is here -------------------------------------------------------------------------------------

    def join(self, member):
        self.members.append(member)
        for wish in self.wishes:
            if wish.owner or wish.who != member.who or wish.dap != member.dap:
                continue
            if member.dap:
                wish.sure = False  # it goes unless it is asked for again
            else:
                wish.owner = member

    def adopted(self, member, ids):
        """What a JSON-RPC client finds of its person's: what is not in the list had gone before."""
        gone = [wish for wish in self.of(member) if not wish.sure and wish.id not in ids]
        self.wishes = [wish for wish in self.wishes if wish not in gone]
        for wish in self.of(member):
            wish.sure = True

    def leave(self, member):
        self.members.remove(member)
        for wish in self.wishes:
            if wish.owner is member:
                wish.owner, wish.left_at = None, time.monotonic()
        if not any(other.who == member.who for other in self.members):
            self.control.left(member.who)

    # --- breakpoints -------------------------------------------------------------------------------------

    def of(self, member):
        return [wish for wish in self.wishes if wish.owner is member]

    def free_markers(self, member):
        """Lines where this member can have a breakpoint."""
        if MERGED:
            return list(ORDER)
        taken = {wish.marker for wish in self.wishes if wish.owner not in (None, member)}
        return [marker for marker in ORDER if marker not in taken]

    def set(self, member, marker, condition, number, log=False):
        self.wishes = [w for w in self.wishes if not (w.marker == marker and w.owner is member)]
        for wish in self.wishes:
            if wish.marker == marker and wish.owner is None:
                wish.sure = False  # who has left makes way
        if not MERGED:
            self.wishes = [w for w in self.wishes if w.marker != marker]
        self.wishes.append(Wish(member, member.who, member.dap, marker, condition, number, log))

    def clear(self, member, wish):
        # A JSON-RPC client may have two there, of two earlier sessions of that person.
        self.wishes = [w for w in self.wishes if w is not wish and not (member.dap and w.owner is member and w.marker == wish.marker)]

    def stands_at_a_breakpoint(self):
        """Of somebody's who has it yet; a cleared one is shown to nobody."""
        return any(wish in self.wishes for wish in self.surely_hit)

    def age(self):
        for wish in self.wishes:
            if wish.owner is None and time.monotonic() > wish.left_at + GRACE - 5:
                wish.sure = False

    def saw(self, lines):
        """dlv has breakpoints on these lines, and on no others. Returns what is wrong with that."""
        self.age()
        self.wishes = [w for w in self.wishes if w.sure or LINES[w.marker] in lines]
        wanted = {LINES[w.marker] for w in self.wishes}
        if wanted == lines:
            return None
        return f"breakpoints are on lines {sorted(lines)}, and should be on {sorted(wanted)}"

    def hits(self, at, surely):
        """Whether somebody's breakpoint stops the program there."""
        return any(self.stops_at(wish, at) and (wish.sure or not surely) for wish in self.wishes)

    @staticmethod
    def stops_at(wish, at):
        return wish.marker == ORDER[at % len(ORDER)] and not wish.log and wish.holds(at // len(ORDER))

    def to_be_logged(self, wish):
        """The rounds that the last run must have written of this log message, and those that it may; None when that is not known."""
        start, place = self.last_run
        if start is None or place is None:
            return None
        def of(events):
            return [at // 3 for at in events if ORDER[at % 3] == wish.marker and wish.holds(at // 3)]
        # Where it stands now, or has stood, it may have been brought by a step.
        return of(range(start + 1, place)), of(range(start, place + 1))

    # --- runs --------------------------------------------------------------------------------------------

    def answer_to_resume(self, member):
        """What comes of a resume of this member's now: it "runs" or "joins", they are "told" of the stop instead or "refused",
        or, in the moment in which a right ends, "either"."""
        if self.running:
            return "joins"
        if member.told != self.stop:
            return "told"
        return {True: "runs", False: "refused", None: "either"}[self.control.may_run(member.who)]

    def resumed(self, member, step=False):
        self.control.runs(member.who)
        self.running, self.stepping = True, step or self.step_open
        self.halted_by = None
        self.start = self.place

    def outlook(self):
        """Whether the run ends by itself: "stop", "run", or "maybe"."""
        self.age()
        if self.stepping or self.halted_by:
            return "stop"
        if any(w.ever() and w.sure for w in self.wishes):
            return "stop"
        return "maybe" if any(w.ever() for w in self.wishes) else "run"

    def restarted(self):
        """A new process stands at its entry, with the breakpoints of the old one."""
        self.running, self.step_open, self.place, self.lowest = False, False, None, 0
        self.stop += 1
        self.reason = "entry"

    def called(self, member):
        """A function of the program has been called, which is a run for everybody."""
        self.control.runs(member.who)
        self.control.stops(set())
        self.stop += 1
        self.reason = "step"

    def changed_while_running(self):
        """Breakpoints have: where it was when they did is not known."""
        self.lowest = max(self.lowest, self.start or 0)
        self.start = None

    def stopped(self, place, at_breakpoint, line, step_open):
        """The target has stopped; returns what is wrong with where."""
        self.running = False
        self.stop += 1
        if self.halted_by:
            self.control.pauses(self.halted_by.who)
        hit = [w for w in self.wishes if w.owner and not w.log and LINES[w.marker] == line and
               (place is None or self.stops_at(w, place))]
        owners = {w.who for w in hit}
        self.surely_hit = [w for w in self.wishes if place is not None and w.sure and w.marker == ORDER[place % 3] and w.holds(place // 3)]
        self.sure_of_owners = place is not None and all(w.sure for w in hit)
        self.control.stops(owners if at_breakpoint and not self.halted_by else set())
        self.last_run = (self.start, place)
        start, self.place, self.step_open = self.start, place, step_open
        wrong = []
        # An old dlv names the breakpoint where a step has ended, also if its condition does not hold.
        at_breakpoint = at_breakpoint and not (self.stepping and not step_open and place is not None and
                                               not self.hits(place, surely=False))
        self.reason = "breakpoint" if at_breakpoint else "pause" if self.halted_by else "step"
        if place is not None:
            if place < self.lowest:
                wrong.append(f"the program has gone back, from event {self.lowest} to {place}")
            self.lowest = max(self.lowest, place)
        if at_breakpoint:
            if line not in MARKERS:
                wrong.append(f"it stopped at a breakpoint on line {line}, which nobody has")
            elif place is not None and not self.halted_by and not self.hits(place, surely=False):
                wrong.append(f"it stopped on line {line} in round {place // 3}, where nobody's condition holds")
        elif not self.halted_by and not self.stepping:
            wrong.append(f"it stopped at line {line}, and nobody wanted it to")
        if start is not None and place is not None:
            skipped = [at for at in range(start + 1, place) if self.hits(at, surely=True)]
            if skipped:
                wrong.append(f"between event {start} and {place} it ran over the breakpoints of {skipped}")
        return "; ".join(wrong) or None
