"""The ground a test stands on: a directory of its own, and a debuggee behind an address."""

import os
import shutil
import tempfile
import unittest

from . import debuggee, gateway, guard, headless, pki, process, tools, waiting
from .dap import Dap
from .rpc import Rpc
from .terminal import Terminal

# plain: the bodies against dlv itself, a check of the harness; guard: with a guard between gateway and dlv
VIA = os.environ.get("DELVEGATE_TEST_VIA", "gateway")


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="delvegate-test-")
        self.addCleanup(self._remove_directory)
        self.delve = tools.delve()
        self.program = debuggee.build(self.delve)

    def _remove_directory(self):
        outcome = getattr(self, "_outcome", None)
        failed = outcome is not None and not getattr(outcome, "success", True)
        if failed and os.environ.get("DELVEGATE_TEST_KEEP"):
            print(f"kept {self.directory} of {self.id()}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def authority(self):
        if not hasattr(self, "_authority"):
            self._authority = pki.Authority(os.path.join(self.directory, "pki"))
        return self._authority

    def person(self, name="alice", **more):
        people = self.__dict__.setdefault("_people", {})
        if name not in people:
            people[name] = self.authority().person(name, **more)
        return people[name]

    def component(self, name="app", **more):
        return dict({"name": name, "kind": "exec", "users": ["alice", "bob"], "binary": self.program,
                     "dlv": self.delve.dlv, "args": ["one", "two words"]}, **more)

    def headless(self, **more):
        return headless.Headless(self, self.delve, self.program, **more)

    def serve(self, *components, **more):
        return gateway.Serve(self, self.authority(), list(components) or [self.component()], **more)

    def connect(self, serve, who="alice", component="app", **more):
        return gateway.Connect(self, serve, self.person(who), component, **more)


class Endpoint:
    """A debuggee under dlv, stopped at its entry, and the address an IDE is given for it."""

    def __init__(self, case):
        self.case = case
        if VIA == "plain":
            self.dlv = case.headless(args=["one", "two words"])
            self.address = self.dlv.address
        elif VIA == "guard":
            # The gateway looks up who listens where it dials: dlv, since it holds the guard's socket too.
            sockets = guard.Sockets(case)
            self.dlv = case.headless(args=["one", "two words"], pass_fds=[sockets.listening.fileno()])
            self.guard = guard.Guard(case, self.dlv.address, sockets, ceiling=guard.ALL)
            self.serve = case.serve({"name": "app", "kind": "connect", "users": ["alice", "bob"], "address": self.guard.address})
            self.address = case.connect(self.serve).address
        else:
            self.serve = case.serve()
            self.address = case.connect(self.serve).address

    @property
    def plain(self):
        return VIA == "plain"

    def program_pid(self):
        if VIA != "gateway":
            for pid in process.descendants(self.dlv.pid):
                if process.command_line(pid)[:1] == [self.case.program]:
                    return pid
            return None
        return self.serve.program_pid(self.case.program)

    def output(self):
        """What dlv and the program wrote."""
        if VIA != "gateway":
            return self.dlv.process.output() + self.dlv.process.errors()
        directory = os.path.join(self.serve.directory, "state", "output")
        return "".join(debuggee.contents(os.path.join(directory, name)).decode(errors="replace")
                       for name in sorted(os.listdir(directory)))

    def dlv_pid(self):
        return self.serve.dlv_pid() if VIA == "gateway" else self.dlv.pid


class SessionCase(Case):
    """A test with one debuggee at self.endpoint.address."""

    def setUp(self):
        super().setUp()
        self.endpoint = Endpoint(self)
        self.address = self.endpoint.address

    def wait_for_a_place(self):
        """Until the viewer before is forgotten: a killed client's end takes a moment to arrive."""
        if self.endpoint.plain:
            return

        def free():
            client = Rpc(self, self.address)
            try:
                return client.reply(client.send("Recorded"))["error"] is None
            finally:
                client.close()
        waiting.until("a place for another viewer", free)

    def rpc(self):
        self.wait_for_a_place()
        return Rpc(self, self.address)

    def dap(self):
        self.wait_for_a_place()
        return Dap(self, self.address)

    def dlv(self, *arguments):
        """A real `dlv connect` at its prompt."""
        return self.terminal(*arguments).prompt()

    def terminal(self, *arguments):
        self.wait_for_a_place()
        return Terminal(self, [self.delve.dlv, "connect", self.address, *arguments])

    def assert_debuggee_alive(self):
        pid = self.endpoint.program_pid()
        self.assertIsNotNone(pid, "no debuggee")
        self.assertTrue(process.alive(pid))
        return pid

    def until(self, what, condition):
        return waiting.until(what, condition)
