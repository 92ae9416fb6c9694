"""`delvegate guard` between whoever connects and a headless dlv, as the launcher starts it."""

import json
import os
import socket

from . import process, tools, waiting

DEFAULT = ("observe", "read", "trace", "breakpoint", "control")
ALL = DEFAULT + ("mutate", "files", "lifecycle")


class Refused(AssertionError):
    """The guard said no; its words."""


class Sockets:
    """What the launcher binds: also to be inherited by a dlv, whom the gateway then takes for the listener."""

    def __init__(self, test, name="guard"):
        self.directory = os.path.join(test.directory, name)
        os.makedirs(self.directory, mode=0o700)
        self.path = os.path.join(self.directory, "dlv.sock")
        self.control = os.path.join(self.directory, "control.sock")
        self.listening = self._bind(socket.SOCK_STREAM, self.path)
        self.controlling = self._bind(socket.SOCK_SEQPACKET, self.control)
        test.addCleanup(self.listening.close)
        test.addCleanup(self.controlling.close)

    @staticmethod
    def _bind(kind, path):
        bound = socket.socket(socket.AF_UNIX, kind)
        bound.bind(path)
        bound.listen(16)
        return bound


class Guard:
    def __init__(self, test, dlv, sockets=None, ceiling=DEFAULT, in_path=True, disturb=1, damage=2, duty=1.0, silence=1.0,
                 name="guard", mercy=60.0, entry=60.0, park=0):
        self.sockets = sockets or Sockets(test, name)
        self.address = "unix:" + self.sockets.path
        self.state_file = os.path.join(self.sockets.directory, "state.json")
        self.log_file = os.path.join(self.sockets.directory, "log")
        settings = {"address": dlv, "ceiling": list(ceiling), "inPath": in_path, "disturbMs": disturb * 1000,
                    "damageMs": damage * 1000, "derivation": "test", "dutyMs": int(duty * 1000),
                    "gatewaySilenceMs": int(silence * 1000), "component": "app", "stateFile": self.state_file,
                    "mercyMs": int(mercy * 1000), "entryLimitMs": int(entry * 1000), "parkLimitMs": int(park * 1000)}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs, open(self.log_file, "ab") as log:
            self.process = process.Process(test, name, [tools.delvegate(), "guard", "--settings-fd", str(theirs.fileno())],
                                           pass_fds=[theirs.fileno()])
            socket.send_fds(ours, [json.dumps(settings).encode()],
                            [self.sockets.controlling.fileno(), self.sockets.listening.fileno(), log.fileno()])
        self.process.wait_for("it says what dlv does", lambda: self.log() and self.status()["state"] != "unknown")

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_file, encoding="utf-8") as file:
            return file.read()

    def ask(self, verb, **more):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            asking.settimeout(waiting.DEADLINE)
            asking.connect(self.sockets.control)
            asking.send(json.dumps(dict(verb=verb, **more)).encode())
            answer = json.loads(asking.recv(4 << 20))
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer

    def status(self):
        return self.ask("status")

    def until(self, what, condition):
        """Waits until a status fulfils the condition; returns it."""
        def check():
            status = self.status()
            return status if condition(status) else None
        return waiting.until(lambda: f"{what}\n{self.log()}", check)
