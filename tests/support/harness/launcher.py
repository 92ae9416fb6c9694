"""A launcher with nothing behind its socket but a headless dlv that the test has started."""

import array
import json
import os
import select
import socket
import threading
import time

from . import rpc, waiting

SESSION = "0123456789abcdef" * 2


class Launcher:
    """Answers the launcher's verbs for one component, as the test wants it; keeps what it was asked."""

    def __init__(self, test, component, path=None, budget=None):
        self.component = component
        self.path = path or os.path.join(test.directory, "launcher.sock")
        self.address = None       # of dlv, while the component runs
        self.state = "available"
        self.by = ""
        self.budget = budget
        self.remote = "always"
        self.refusal = None       # (code, text): of start and stop
        self.steps = []           # of progress, before the result
        self.go_on = threading.Event()  # the result of start waits for it
        self.go_on.set()
        self.on_start = None
        self.queued = False       # a start waits for another verb to end, until go_on or until its caller leaves
        self.left = threading.Event()
        self.on_refusal = None
        self.guard = None         # of harness.guard: connections go through it, heartbeats are handed on
        self.asked = []
        self.lock = threading.Lock()
        self.listener = None
        self.listen()
        test.addCleanup(self.close)

    # What it tells.
    def runs(self, address, by="alice"):
        self.address = address
        self.by = by
        self.state = "running"

    def goes_back(self, state="available"):
        self.state = state
        self.by = ""
        if state == "available":
            self.address = None

    def requests(self, verb):
        with self.lock:
            return [one for one in self.asked if one["verb"] == verb]

    def wait_for(self, verb, count=1):
        return waiting.until(f"{count} {verb}", lambda: len(self.requests(verb)) >= count and self.requests(verb))

    # The socket.
    def listen(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen(32)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self):
        """As if it had been killed."""
        if self.listener:
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
            self.listener = None

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                while packet := connection.recv(65536):
                    request = json.loads(packet)
                    with self.lock:
                        self.asked.append(request)
                    self._answer(connection, request)
            except OSError:
                pass

    def _say(self, connection, descriptor=None, **what):
        more = [] if descriptor is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        connection.sendmsg([json.dumps(dict(v=1, **what)).encode()], more)

    def status(self):
        away = self.state not in ("available", "returned")
        one = {"name": self.component, "kind": "static-pod", "state": self.state, "detached": away, "since": int(time.time()),
               "by": self.by, "deadline": 0, "remoteStart": self.remote, "armedUntil": 0, "session": SESSION if away else "",
               "plan": "", "notes": [], "warnings": []}
        if self.budget:
            one["stopBudget"] = self.budget
        watched = self.guard.status() if self.guard and away else {}
        if watched.get("parkedMs"):
            one["park"] = {"until": int(time.time()) + watched["parkedMs"] // 1000, "by": watched["parkedBy"],
                           "note": watched["parkedNote"], "stop": watched["parkedStop"]}
        return one

    def _park(self, connection, request):
        """As launcher/engine_park.cpp has it."""
        try:
            held = self.guard.ask("park", **{key: request[key] for key in ("seconds", "by", "note", "stop") if key in request})
        except AssertionError as refused:
            return self._say(connection, error={"code": "failed", "text": str(refused)})
        return self._say(connection, result={"component": self.component, "until": int(time.time()) + held["parkedMs"] // 1000})

    def _give_breakpoints_back(self):
        """As launcher/guard_control.h has it."""
        status = self.guard.status()
        if status["breakpointsOff"] and status["dutyDone"] and not status["connections"]:
            self.guard.ask("breakpoints_on")

    def _answer(self, connection, request):
        verb = request["verb"]
        if verb == "status":
            return self._say(connection, result={"components": [self.status()]})
        if request.get("component") not in (None, self.component):
            return self._say(connection, error={"code": "unknown", "text": "no such component"})
        if verb == "heartbeat":
            if self.guard:
                self.guard.ask("alive")
            return self._say(connection, result={})
        if verb == "park":
            return self._park(connection, request)
        if verb == "inspect":
            return self._say(connection, result={"component": self.component, "hash": "sha256:" + "0" * 64, "refused": False})
        if verb == "dial":
            if self.address is None or request["session"] != SESSION:
                return self._say(connection, error={"code": "failed", "text": "it does not run"})
            if self.guard:
                self._give_breakpoints_back()
            with rpc.connect(self.guard.address if self.guard else self.address) as to:
                return self._say(connection, to.fileno(), result={})
        if self.refusal:
            if self.on_refusal:
                self.on_refusal()
            return self._say(connection, error={"code": self.refusal[0], "text": self.refusal[1]})
        if verb == "start" and self.queued:
            self._say(connection, progress={"component": self.component, "state": "waiting", "text": "waiting for stop by root to end"})
            while not self.go_on.is_set():
                if select.select([connection], [], [], 0.05)[0] and not connection.recv(1, socket.MSG_PEEK):
                    return self.left.set()
        for text in self.steps:
            self._say(connection, progress={"component": self.component, "state": "starting", "text": text})
        if verb == "start":
            self.go_on.wait(waiting.DEADLINE)
            if self.on_start:
                self.on_start(request)
        else:
            self.goes_back()
        result = {"reports": [{"name": self.component, "restored": True, "nothingToDo": False, "text": "put back", "decide": []}]}
        return self._say(connection, result=result if verb == "restore" else self.status())
