"""Those who take part in a random session, one class a protocol: the same deeds, and the same questions about what they saw."""

import re

from . import debuggee, views
from .model import LINES
from .shared import SharedDap, SharedRpc

SOURCE = {"name": "main.go", "path": debuggee.MAIN}
STEPS = {"next": "next", "step": "stepIn", "stepOut": "stepOut"}
CALL = "main.describe(\"x\", 1)"
EXPRESSIONS = ["main.greeting", "n", "sum"]


class RpcMember:
    dap = False

    def __init__(self, case, name, who):
        self.name, self.who = name, who
        self.client = SharedRpc(case, case.address(who), who)
        self.told = 0      # the last stop it knows of
        self.knows_some = False  # or has known
        self.waiting = []  # requests that end with the next stop
        self.case = case

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name == "told" and value:
            self.knows_some = True

    def ask_state(self):
        return self.client.call("State", {"NonBlocking": True})["State"]

    def resume(self, command="continue", goroutine=None):
        self.waiting.append(self.client.resume(command))

    def refused(self, command):
        """Sends a resume that is refused; returns why."""
        return self.client.error("Command", {"name": command})

    def hold(self):
        """`dlv connect`'s way of waiting for a stop."""
        self.waiting.append(self.client.send("State", {"NonBlocking": False}))

    def take_answers(self):
        """The states that what waited was answered with."""
        answers = [self.client.result(number, "Command")["State"] for number in self.waiting]
        self.waiting = []
        return answers

    def open_ones(self):
        """What has come of those that wait for a stop, in words."""
        with self.client.changed:
            found = [self.client.replies.get(str(number)) for number in self.waiting]
        return [one and (one["error"] or "answered") for one in found]

    def pause(self):
        return self.client.command("halt")

    def call_function(self):
        """Returns the state that answers it."""
        return self.client.command("call", expr=CALL, goroutineID=1, ReturnInfoLoadConfig=views.LOAD)

    def restart(self):
        self.client.call("Restart", {"Position": "", "ResetArgs": False, "NewArgs": [], "Rebuild": False, "NewRedirects": ["", "", ""]})

    def set(self, marker, condition, log=False):
        return self.client.set_breakpoint(debuggee.MAIN, LINES[marker], Cond=condition)["id"]

    def clear(self, marker, wish):
        self.client.call("ClearBreakpoint", {"Id": wish.id})

    def breakpoint_lines(self):
        return set(self.breakpoint_list().values())

    def breakpoint_list(self):
        """{id: line}"""
        listed = self.client.call("ListBreakpoints", {"All": False})["Breakpoints"]
        return {one["id"]: one["line"] for one in listed if one["id"] > 0}

    def look(self, goroutine):
        """A look without waiting for its answer."""
        return self.client.send("Eval", {"Scope": {"GoroutineID": goroutine, "Frame": 0}, "Expr": "main.greeting", "Cfg": views.LOAD})

    def look_was(self, number):
        reply = self.client.reply(number)
        return (reply["result"]["Variable"]["value"], None) if reply["error"] is None else (None, reply["error"])

    @staticmethod
    def see(client, goroutine):
        """What such a client shows of a stop; of dlv's own, what there is to be shown."""
        return views.rpc_view(client, views.rpc_looks(goroutine, EXPRESSIONS, 1))

    def sync(self):
        """What was sent before has been taken up."""
        self.client.call("GetVersion")

    def has_been_told(self):
        return any(self.client.answered(number) for number in self.waiting)

    def shows_running(self):
        wrong = self.client.reply(self.client.send("Stacktrace", {"Id": 1, "Depth": 3}))["error"]
        return self.ask_state()["Running"] and wrong is not None and "runs the program since" in wrong

    def farewell(self):
        self.client.call("Detach", {"Kill": True})
        self.client.wait_closed()
        self.client.close()


class DapMember:
    dap = True

    def __init__(self, case, name, who, wanted=()):
        """`wanted`: {marker: (condition, whether it only logs)}, set before configurationDone, as VS Code does."""
        self.name, self.who = name, who
        self.client = SharedDap(case, case.address(who), who)
        self.told = 0
        self.wanted = dict(wanted)
        self.waiting = []
        self.seen = 0       # messages taken into account
        self.case = case
        self.ids = {}
        self.logs_seen = 0
        self.client.attach(lambda: self._send_breakpoints())

    def _send_breakpoints(self):
        wanted = []
        for marker, (condition, log) in self.wanted.items():
            one = {"line": LINES[marker]}
            if condition:
                one["condition"] = condition
            if log:
                one["logMessage"] = f"passed {marker} {{{'sum' if marker == 'use' else 'n'}}}"
            wanted.append(one)
        shown = self.client.call("setBreakpoints", {"source": SOURCE, "breakpoints": wanted})["breakpoints"]
        for (marker, _), one in zip(self.wanted.items(), shown):
            if not one["verified"]:
                raise AssertionError(f"{self.name}'s breakpoint at {marker} is not verified: {one}")
            self.ids[marker] = one["id"]

    def call_function(self):
        self.client.call("evaluate", {"expression": "call " + CALL, "context": "repl"})

    def logged(self, marker):
        """The rounds in which its log message was written since it was asked last, or since `forget_logs`."""
        with self.client.changed:
            texts = [m["body"].get("output", "") for m in self.client.messages[self.logs_seen:]
                     if m["type"] == "event" and m["event"] == "output"]
        found = [int(one[1]) for one in (re.search(rf"passed {marker} (\d+)$", text.strip()) for text in texts) if one]
        return [number // 3 for number in found] if marker == "use" else found

    def forget_logs(self):
        self.logs_seen = self.client.mark()

    def set(self, marker, condition, log=False):
        self.wanted[marker] = (condition, log)
        self._send_breakpoints()
        return self.ids[marker]

    def clear(self, marker, wish):
        del self.wanted[marker]
        self._send_breakpoints()

    def resume(self, command="continue", goroutine=1):
        number = self.client.send(STEPS.get(command, command), {"threadId": goroutine})
        self.waiting.append(number)

    def refused(self, command):
        return self.client.error(STEPS.get(command, command), {"threadId": 1})

    def hold(self):
        pass  # it is told by itself

    def take_answers(self):
        for number in self.waiting:
            response = self.client.response(number)
            if not response["success"]:
                raise AssertionError(f"{self.name}: {response}")
        self.waiting = []
        return []

    def open_ones(self):
        with self.client.changed:
            found = {m["request_seq"]: m["success"] for m in self.client.messages if m["type"] == "response"}
        return [found.get(number) for number in self.waiting]

    def pause(self):
        self.client.call("pause", {"threadId": 1})

    def await_stop(self):
        """Its next `stopped` event's body."""
        index, message = self.client.event("stopped", self.seen)
        self.seen = index + 1
        return message["body"]

    def further_stops(self):
        return [body for name, body in self.client.events(self.seen) if name == "stopped"]

    def look(self, goroutine):
        return self.client.send("evaluate", {"expression": "main.greeting", "context": "hover"})

    def look_was(self, number):
        response = self.client.response(number)
        return (response["body"]["result"].strip('"'), None) if response["success"] else (None, response["body"]["error"]["format"])

    @staticmethod
    def see(client, goroutine):
        return views.DapView(client, goroutine, EXPRESSIONS, 1).seen

    def sync(self):
        for number in self.waiting:
            self.client.response(number)

    def has_been_told(self):
        return self.further_stops() != []

    def shows_running(self):
        return self.client.call("threads")["threads"] == [{"id": -1, "name": "Current"}] and \
            "running" in self.client.error("stackTrace", {"threadId": 1})

    def farewell(self):
        self.client.call("disconnect", {})
        self.client.event("terminated")
        self.client.close()
