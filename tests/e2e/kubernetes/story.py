"""The story that is told of each component: alice, a developer on a laptop, takes it out of a real node, stops it in the middle of
its duty, looks, lets it go on and gives it back. And what the node is like when something is killed, or it reboots, meanwhile.

One cluster serves all tests of a run; delvegate is on its node as it is shipped.
"""

import atexit
import functools
import re
import tempfile
import unittest

from harness import tools
from harness.rig import Gateway, Launcher, needs_root
from harness.terminal import Terminal

from .cluster import Cluster, debug_binary
from .table import fills

LOST = "/run/systemd/system/delvegate.service.d/rig-lost.conf"


@functools.lru_cache(maxsize=None)
def cluster():
    one = Cluster().start()
    atexit.register(one.stop)
    return one


def walk(ide, variable, *names):
    """From a variable, as an IDE unfolds it, along the names of fields; pointers and embedded structs are unfolded, too."""
    for name in names:
        inside = ide.call("variables", {"variablesReference": variable["variablesReference"]})["variables"]
        while name not in [one["name"] for one in inside] and len(inside) == 1 and inside[0]["variablesReference"]:
            inside = ide.call("variables", {"variablesReference": inside[0]["variablesReference"]})["variables"]
        variable = next((one for one in inside if one["name"] == name), None)
        if variable is None:
            raise AssertionError(f"no {name} among {[one['name'] for one in inside]}")
    return variable["value"].strip('"')


class Story:
    """Mixed into a TestCase of each component, which says what is its own:

    component, definition   its name, and what launcher.yaml says of it besides name and binary
    breakpoint              a function in the middle of its duty
    condition(name)         the breakpoint's, where the function is called for more than the work of this name; else ""
    gives_work(name)        asks the cluster for something that only this component does: what it will be known by
    assert_waits(work)      it has not been done
    wait_done(work)         returns when it has been done
    seen_in_ide(ide, scope) and seen_in_dlv
                            (names from a scope's variables) and (an expression): where the debuggee has the work's name
    snapshot()              all that is to be the same again, byte for byte
    wait_taken_out()        returns when the cluster has noticed
    wait_back()             returns when the component is the cluster's own again and at work
    """

    component = None
    definition = {}
    breakpoint = None
    line = -1

    def setUp(self):
        self.cluster = cluster()
        self.node = self.cluster.node
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        definition = {"name": self.component, "binary": debug_binary(self.cluster.version, self.component), **self.definition}
        self.launcher = Launcher(self.node, [definition]).install().start()
        self.addCleanup(self.launcher.stop)
        self.gateway = Gateway(self.node, self.directory, [self.component], {"alice": "admin"}).install().start()
        self.addCleanup(self.node.run, ["systemctl", "stop", "delvegate.service"])
        self.addCleanup(self.clean_up)
        self.was = self.snapshot()
        self.names = 0

    def clean_up(self):
        """A story that failed in its middle does not spoil the next one."""
        self.node.run(["rm", "-f", LOST])
        self.node.run(["systemctl", "daemon-reload"])
        self.node.delvegate("stop", self.component)
        self.cluster.wait_ready()

    def new_name(self):
        self.names += 1
        return f"{re.sub('[^a-z]', '-', self._testMethodName.removeprefix('test_').lower())}-{self.names}"

    # What alice does.

    def alice(self, *words):
        result = self.gateway.laptop_run("alice", *words)
        self.assertEqual(result.returncode, 0, f"{words}\n{result.stdout}{result.stderr}"
                         f"{self.launcher.log()}{self.gateway.log()}")
        return result.stdout

    def takes_it_out(self):
        self.node.delvegate("arm", self.component, "--for", "1h").succeeded()
        self.alice("start", self.component)
        self.wait_taken_out()

    def ide(self):
        return self.gateway.dap(self, self.gateway.connect(self, "alice", self.component))

    def dlv_connect(self):
        address = self.gateway.connect(self, "alice", self.component)
        with self.node.laptop():
            dlv = Terminal(self, [tools.delve().dlv, "connect", address])
        dlv.expect("Type 'help'")
        # It runs, and who joins does not halt it: Ctrl-C, then p, does.
        dlv.interrupt()
        dlv.expect(r"\[p/q\]")
        dlv.line("p")
        return dlv.prompt()

    def condition(self, name):
        return ""

    def ide_with_breakpoint(self, name):
        """name: of the work that is to stop there."""
        ide = self.ide()
        wanted = {"name": self.breakpoint, "condition": self.condition(name)}
        ide.attach(lambda: ide.call("setFunctionBreakpoints", {"breakpoints": [wanted]}))
        return ide

    def stops_at_breakpoint(self, ide):
        """The `stopped` event, and the frame it stopped in."""
        stop = ide.stopped()[1]
        self.assertEqual(stop["reason"], "function breakpoint", stop)
        frame = ide.call("stackTrace", {"threadId": stop["threadId"], "levels": 1})["stackFrames"][0]
        self.assertTrue(self.breakpoint.endswith(frame["name"]), frame)
        return stop, frame

    def goes_on(self, ide, stop):
        ide.call("setFunctionBreakpoints", {"breakpoints": []})
        ide.call("continue", {"threadId": stop["threadId"]})

    def gives_it_back(self):
        self.alice("stop", self.component)
        self.assert_back()

    def assert_back(self):
        """What was there is there, nothing of ours is, and the component does its duty."""
        self.wait_back()
        self.assertEqual(self.snapshot(), self.was)
        units = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "delvegate-debuggee-*", "delvegate-guard-*"]
        self.assertEqual(self.node.run(units).stdout.strip(), "")
        self.does_its_duty()

    def does_its_duty(self):
        self.wait_done(self.gives_work(self.new_name()))

    # The story, by both protocols.

    @fills("detach", "launch", "breakpoint by DAP", "restore")
    def test_by_dap(self):
        self.does_its_duty()
        self.takes_it_out()

        name = self.new_name()
        ide = self.ide_with_breakpoint(name)
        work = self.gives_work(name)
        stop, frame = self.stops_at_breakpoint(ide)
        self.assert_waits(work)
        scope = ide.call("scopes", {"frameId": frame["id"]})["scopes"][0]
        self.assertEqual(walk(ide, scope, *self.seen_in_ide), work)
        self.assert_waits(work)

        self.goes_on(ide, stop)
        self.wait_done(work)
        ide.call("disconnect", {"terminateDebuggee": False})
        self.gives_it_back()

    @fills("breakpoint by JSON-RPC")
    def test_by_dlv_connect(self):
        self.takes_it_out()
        dlv = self.dlv_connect()
        self.assertIn("Breakpoint 1 set", dlv.run(f"break {self.breakpoint}"))
        name = self.new_name()
        if self.condition(name):
            self.assertNotIn("Command failed", dlv.run(f"condition 1 {self.condition(name)}"))
        start = len(dlv.text)
        dlv.line("continue")
        work = self.gives_work(name)
        dlv.expect(rf"> .*{self.breakpoint.rpartition('.')[2]}\(\)", start)
        dlv.prompt(start)
        self.assert_waits(work)
        self.assertIn(f'"{work}"', dlv.run(f"print {self.seen_in_dlv}"))
        dlv.run("clearall")
        dlv.line("continue")
        self.wait_done(work)
        dlv.interrupt()
        dlv.expect(r"\[p/q\]")
        dlv.line("q")
        dlv.finish()
        self.gives_it_back()

    # What goes wrong meanwhile.

    @fills("stop budget")
    def test_gateway_killed_at_a_breakpoint(self):
        """Nobody is there to let it go on: its guard does, at the end of the stop budget. Then alice comes again."""
        self.takes_it_out()
        name = self.new_name()
        ide = self.ide_with_breakpoint(name)
        work = self.gives_work(name)
        self.stops_at_breakpoint(ide)
        self.assert_waits(work)
        self.node.write(LOST, "[Service]\nRestart=no\n")
        self.node.run(["systemctl", "daemon-reload"], check=True)
        self.gateway.kill()
        ide.close()
        self.wait_done(work)

        self.gateway.start()
        name = self.new_name()
        again = self.ide_with_breakpoint(name)
        work = self.gives_work(name)
        stop = self.stops_at_breakpoint(again)[0]
        self.goes_on(again, stop)
        self.wait_done(work)
        again.call("disconnect", {"terminateDebuggee": False})
        self.gives_it_back()

    def killed_at(self, step, verb):
        answer = self.launcher.at_step(step, "signal=KILL", verb, self.component)
        self.assertNotEqual(answer.code, 0, f"a {verb} has a step {step}")
        return self.launcher.settled(self.component)

    @fills("restore after crash")
    def test_launcher_killed(self):
        """Before it is taken out, in the middle of that, when it is out, and while it is put back."""
        for step in self.steps_of_start:
            with self.subTest(step=step, verb="start"):
                if self.killed_at(step, "start") == "running":
                    self.alice("stop", self.component)
                self.assert_back()
        self.takes_it_out()
        self.launcher.kill()
        self.launcher.settled(self.component)
        self.does_its_duty()
        with self.subTest(verb="stop"):
            self.killed_at(1, "stop")
            self.assert_back()

    # Of ten or so things that a start writes down: the plan, dlv, "detaching", and the last before it runs.
    steps_of_start = (2, 4, 6)

    @fills("restore after reboot")
    def test_reboot_while_it_is_out(self):
        self.takes_it_out()
        self.node.reboot()
        self.cluster.wait_ready()
        self.assert_back()


@needs_root
class TestCase(unittest.TestCase):
    pass
