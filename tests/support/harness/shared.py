"""One debuggee and many people: clients that keep count of their answers, and a direct connection to dlv,
which looks only and says what is true."""

import json
import os
import re
import socket
import struct

from . import case, tools, waiting
from .dap import INITIALIZE, Dap
from .rpc import Rpc
from .terminal import Terminal

PEOPLE = ("alice", "bob", "carol", "dave")


def knows(key):
    """Whether this tree's gateway has a key of the configuration."""
    with open(os.path.join(tools.ROOT, "docs", "configuration.md"), encoding="utf-8") as file:
        return f"`{key}`" in file.read()


class SharedRpc(Rpc):
    def __init__(self, test, address, who):
        super().__init__(test, address)
        self.who = who

    def open_requests(self):
        with self.changed:
            return [number for number in range(1, self.last_id + 1) if json.dumps(number) not in self.replies]

    def doubled(self):
        """How many answers there are beyond one a request."""
        with self.changed:
            return len(self.lines) - len(self.replies)

    def kill(self):
        abort(self)


class SharedDap(Dap):
    def __init__(self, test, address, who):
        self.sent = {}
        super().__init__(test, address)
        self.who = who

    def send(self, command, arguments=None):
        self.sent[self.seq + 1] = self.mark()
        return super().send(command, arguments)

    def response(self, seq):
        return self.wait(f"response to request {seq}", lambda m: m["type"] == "response" and m["request_seq"] == seq,
                         self.sent[seq])[1]

    def _answers(self):
        with self.changed:
            return [m["request_seq"] for m in self.messages if m["type"] == "response"]

    def open_requests(self):
        return sorted(set(range(1, self.seq + 1)) - set(self._answers()))

    def doubled(self):
        answers = self._answers()
        return len(answers) - len(set(answers))

    def events(self, start=0):
        """[(name, body)] of what moves the target, as this client was told."""
        with self.changed:
            return [(m["event"], m.get("body", {})) for m in self.messages[start:]
                    if m["type"] == "event" and m["event"] in ("stopped", "continued", "exited", "terminated")]

    def attach_only(self):
        """A window that looks: dlv's own session, of which it never becomes the one that runs."""
        self.call("initialize", INITIALIZE)
        self.call("attach", {"mode": "remote", "request": "attach", "type": "go", "stopOnEntry": True})

    def kill(self):
        abort(self)


def abort(client):
    """The machine of the IDE is gone: no farewell, a reset."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        client.socket.shutdown(socket.SHUT_RD)  # wakes the reader
    except OSError:
        pass
    client.reader.join(waiting.DEADLINE)
    client.socket.close()


class Truth:
    """A connection to dlv itself that only looks. Asked for the state in the very moment of a resume, dlv answers at
    the next stop (State finds it not running yet, and waits for the lock): then another connection is asked."""

    def __init__(self, test, address):
        self.test = test
        self.address = address
        self.client = Rpc(test, address)

    def state(self):
        while True:
            number = self.client.send("State", {"NonBlocking": True})
            try:
                return self.client.reply(number, 1)["result"]["State"]
            except AssertionError:
                if self.client.closed:
                    raise
            self.client = Rpc(self.test, self.address)

    def call(self, method, params=None):
        """Only while the target stands."""
        return self.client.call(method, params)


class SharedCase(case.Case):
    """dlv started by the test, a gateway in front of it, and a `connect` for everybody."""

    run_control = "open"  # who may run: everybody, or one at a time ("baton")
    one_at_a_time = property(lambda self: self.run_control == "baton" and knows("components[].runControl"))

    def setUp(self):
        super().setUp()
        self.dlv = self.headless(args=["one", "two words"], log="debugger")
        more = {"runControl": self.run_control} if knows("components[].runControl") else {}
        self.gateway = self.serve({"name": "app", "kind": "connect", "users": list(PEOPLE), "address": self.dlv.address,
                                   "maxViewers": 64, **more})
        self.addresses = {}
        self.truth = Truth(self, self.dlv.address)

    def address(self, who):
        if who not in self.addresses:
            self.addresses[who] = self.connect(self.gateway, who, name="connect-" + who).address
        return self.addresses[who]

    def rpc(self, who="alice"):
        return SharedRpc(self, self.address(who), who)

    def dap(self, who="alice"):
        return SharedDap(self, self.address(who), who)

    def terminal(self, who="alice"):
        return Terminal(self, [self.delve.dlv, "connect", self.address(who)])

    def until(self, what, condition):
        return waiting.until(what, condition)

    def true_state(self):
        """dlv's own word, which it gives while the target runs, too."""
        return self.truth.state()

    def until_running(self):
        return self.until("the target runs", lambda: self.true_state()["Running"])

    def halts(self):
        """How often dlv was told to halt, by anybody."""
        return len(re.findall(r"layer=debugger.* halting", self.dlv.process.errors()))

    def ticks(self):
        """Lines the debuggee has printed: it prints one for each 50 rounds."""
        return self.dlv.process.output().count("\ntick ")

    def assert_heartbeat(self):
        before = self.ticks()
        self.until("the program's next line", lambda: self.ticks() > before)

    def assert_each_answered_once(self, clients, pending=()):
        """Every request of every client has one answer, but those that wait for a stop."""
        for client in clients:
            open_ones = [number for number in client.open_requests() if (client, number) not in pending]
            self.assertEqual(open_ones, [], f"{client.who}'s requests without an answer")
            self.assertEqual(client.doubled(), 0, f"{client.who} got two answers to one request")

