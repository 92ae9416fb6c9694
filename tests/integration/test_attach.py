"""Kinds `attach` and `core`: dlv in a process that stays where it is, and with a dead one's core file."""

import json
import re
import subprocess
import unittest

from harness import debuggee, tools, waiting
from harness.rig import Launcher, Node, needs_root
from harness.rig.node import DLV

PROGRAM = "/opt/app/app"
UNIT = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/opt/app/app\nRestart=always\nRestartSec=0\n"

# The real one, but for what it does when it attaches.
HUNG_DLV = """#!/bin/sh
[ "$1" = attach ] || exec /usr/local/bin/dlv "$@"
for word; do case $word in *[!0-9]*) ;; *) pid=$word ;; esac; done
exec /usr/bin/python3 -c 'import ctypes, sys, time; ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), None, None); time.sleep(1e6)' "$pid"
"""

# Through the guard, as the gateway would: each line of standard input is a call, each answer a line.
CALLS = r"""
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
reader = connection.makefile("r")
for number, line in enumerate(sys.stdin):
    method, params = json.loads(line)
    connection.sendall(json.dumps({"method": "RPCServer." + method, "params": [params], "id": number}).encode() + b"\n")
    print(reader.readline().strip(), flush=True)
"""


class NodeCase(unittest.TestCase):
    definitions = []

    def setUp(self):
        self.node = self.enterContext(Node())
        self.node.install(debuggee.build(tools.delve()), PROGRAM)
        self.node.write("/usr/lib/app-calls.py", CALLS)
        self.launcher = Launcher(self.node, self.definitions)

    def calls(self, name, *calls):
        """Answers of dlv, through the component's guard."""
        said = self.node.run(["python3", "/usr/lib/app-calls.py", f"/run/delvegate/launcher/{name}/gateway.sock"], check=True,
                             input="".join(json.dumps(call) + "\n" for call in calls)).stdout
        answers = [json.loads(line) for line in said.splitlines()]
        self.assertEqual(len(answers), len(calls), said)
        return answers

    def component(self, name):
        said = self.node.delvegate("status", "--output", "json").succeeded().json
        return next(each for each in said["launcher"]["components"] if each["name"] == name)

    def units(self):
        return self.node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "delvegate-debuggee-*",
                              "delvegate-guard-*"]).stdout.strip()


@needs_root
class AttachCase(NodeCase):
    definitions = [{"name": "app", "kind": "attach", "stopBudget": "20s"}]

    def setUp(self):
        super().setUp()
        self.node.write("/etc/systemd/system/app.service", UNIT)
        self.node.run(["systemctl", "daemon-reload"], check=True)
        self.node.run(["systemctl", "start", "app"], check=True)
        self.pid = self.main_pid()
        self.launcher.install().start()

    def main_pid(self, unit="app"):
        return int(self.node.run(["systemctl", "show", "-p", "MainPID", "--value", unit], check=True).stdout)

    def status(self, word):
        said = self.node.run(["cat", f"/proc/{self.pid}/status"], check=True).stdout
        return re.search(rf"^{word}:\s*(\S+)", said, re.M)[1]

    def switches(self):
        """Of all of its threads: the loop is not always in the first."""
        said = self.node.run(["sh", "-c", f"cat /proc/{self.pid}/task/*/status"]).stdout
        return sum(map(int, re.findall(r"^voluntary_ctxt_switches:\s*(\d+)", said, re.M)))

    def assert_goes_on(self):
        """The same process, traced by nobody, still at its work: it sleeps and wakes fifty times a second, each time through
        the line that had the breakpoint."""
        self.assertEqual(self.main_pid(), self.pid)
        self.assertEqual(self.status("TracerPid"), "0")
        since = self.switches()
        waiting.until("it works", lambda: self.switches() != since)
        # Many rounds of its loop: an int3 that was left would have ended it in the first.
        waiting.until("it works on", lambda: self.switches() > since + 50)
        self.assertEqual(self.main_pid(), self.pid)

    def stop_at_a_breakpoint(self):
        made, hit = self.calls("app", ["Command", {"name": "halt"}],
                               ["CreateBreakpoint", {"Breakpoint": {"functionName": "main.tick", "line": -1}}],
                               ["Command", {"name": "continue"}])[-2:]
        self.assertIsNone(made["error"], made)
        self.assertIsNone(hit["error"], hit)


class Attach(AttachCase):
    def test_inspect_says_what_it_cannot_promise(self):
        plan = self.node.delvegate("inspect", "app", "--output", "json").succeeded().json
        self.assertFalse(plan["refused"], plan["findings"])
        self.assertEqual(plan["process"]["attachTo"]["pid"], self.pid)
        self.assertTrue(plan["moved"].startswith("nothing"), plan["moved"])
        self.assertIn("breakpoints that are set stay in the program", json.dumps(plan["findings"]))
        self.assert_goes_on()

    def test_attached_and_let_go_of(self):
        self.node.delvegate("start", "app").succeeded()
        self.assertNotEqual(self.status("TracerPid"), "0")
        status = self.component("app")
        self.assertEqual((status["state"], status["detached"]), ("running", False))
        self.node.delvegate("inspect", "app").failed(1)
        self.stop_at_a_breakpoint()
        self.node.delvegate("stop", "app").succeeded()
        self.assert_goes_on()
        self.assertEqual(self.units(), "")
        self.assertEqual(self.component("app")["state"], "available")

    def test_what_stood_when_dlv_came_goes_on(self):
        self.node.delvegate("start", "app", "--stop-on-entry").succeeded()
        waiting.until("it is seen standing", lambda: self.component("app")["state"] == "stopped")
        self.node.delvegate("stop", "app").succeeded()
        self.assert_goes_on()

    def test_without_launcher_and_guard_dlv_still_lets_go(self):
        self.node.delvegate("start", "app").succeeded()
        self.stop_at_a_breakpoint()
        self.launcher.stop()
        self.node.run(["systemctl", "kill", "--signal=KILL", "delvegate-guard-app.service"], check=True)
        self.node.delvegate("restore", "app").succeeded()
        self.assert_goes_on()
        self.assertEqual(self.units(), "")

    def test_a_killed_launcher_leaves_the_session(self):
        self.node.delvegate("start", "app").succeeded()
        tracer = self.status("TracerPid")
        self.launcher.kill()
        waiting.until("the launcher back", lambda: self.node.delvegate("status", "--output", "json").code == 0)
        self.assertEqual(self.status("TracerPid"), tracer)
        self.node.delvegate("stop", "app").succeeded()
        self.assert_goes_on()

    def test_what_is_traced_already_is_refused(self):
        self.node.delvegate("start", "app").succeeded()
        self.node.write("/etc/delvegate/launcher.yaml", json.dumps({"components": self.definitions + [
            {"name": "again", "kind": "attach", "process": "app", "executable": PROGRAM}]}), 0o600)
        self.launcher.kill()
        waiting.until("the launcher back", lambda: "again" in self.node.delvegate("status", "--output", "json").out)
        answer = self.node.delvegate("start", "again").failed(3)
        self.assertRegex(answer.out + answer.err, "is traced already")
        self.node.delvegate("stop", "app").succeeded()
        self.node.delvegate("start", "again").succeeded()
        self.node.delvegate("stop", "again").succeeded()
        self.assert_goes_on()

    def test_a_killed_guard_is_started_again(self):
        self.node.delvegate("start", "app").succeeded()
        tracer, guard = self.status("TracerPid"), self.main_pid("delvegate-guard-app")
        self.node.run(["kill", "-KILL", str(guard)], check=True)
        waiting.until("another guard", lambda: self.main_pid("delvegate-guard-app") not in (0, guard))
        self.assertEqual(self.status("TracerPid"), tracer)
        self.stop_at_a_breakpoint()
        self.node.delvegate("stop", "app").succeeded()
        self.assert_goes_on()

    def test_the_stop_budget_ends(self):
        """Nobody lets it go on: the guard does, and takes the breakpoints off."""
        self.node.delvegate("start", "app").succeeded()
        self.stop_at_a_breakpoint()
        waiting.until(lambda: f"it goes on\n{self.component('app')}", lambda: self.component("app")["state"] == "running")
        since = self.switches()
        waiting.until("it works on", lambda: self.switches() > since + 50)
        self.node.delvegate("stop", "app").succeeded()
        self.assert_goes_on()

    def test_its_end_ends_the_session(self):
        self.node.delvegate("start", "app").succeeded()
        self.node.run(["kill", "-KILL", str(self.pid)], check=True)
        waiting.until("the session over", lambda: self.component("app")["state"] == "available")
        waiting.until("its units gone", lambda: self.units() == "")
        waiting.until("the service again", lambda: self.main_pid() not in (0, self.pid))

    def starting(self):
        """A start under way, at the first sight of its dlv in the program."""
        under_way = self.node.popen(["delvegate", "start", "app"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        waiting.until("dlv has it", lambda: self.status("TracerPid") != "0")
        return under_way, self.status("TracerPid")

    def assert_given_up(self, under_way):
        said = under_way.communicate(timeout=waiting.DEADLINE)[1]
        self.assertNotEqual(under_way.returncode, 0)
        self.assertNotIn(self.status("State"), ("T", "t"), said)
        self.assertEqual(self.units(), "")
        self.assert_goes_on()

    def test_a_dlv_killed_while_it_attaches_does_not_leave_it_standing(self):
        in_time = 0
        for _ in range(10):
            under_way, dlv = self.starting()
            self.node.run(["kill", "-KILL", dlv], check=True)
            if under_way.wait(waiting.DEADLINE) == 0:
                # It was through with it before it died.
                waiting.until("the session over", lambda: self.component("app")["state"] == "available" and self.units() == "")
                self.assert_goes_on()
                continue
            self.assert_given_up(under_way)
            in_time += 1
            if in_time == 3:
                return
        self.fail("it was never killed in time")

    def test_what_a_killed_dlv_left_is_told_while_it_lives(self):
        self.node.delvegate("start", "app").succeeded()
        dlv = self.main_pid("delvegate-debuggee-app")
        # A container's systemd may ask for it only.
        asked = self.node.run(["systemctl", "show", "-p", "OOMScoreAdjust", "--value", "delvegate-debuggee-app"], check=True).stdout
        self.assertEqual(asked.strip(), "-900")
        self.node.run(["kill", "-KILL", str(dlv)], check=True)
        waiting.until("the session over", lambda: self.component("app")["state"] == "available")
        self.assertIn("may still be in it", json.dumps(self.component("app")["warnings"]))
        self.launcher.kill()
        waiting.until("the launcher back", lambda: self.node.delvegate("status", "--output", "json").code == 0)
        self.assertIn("may still be in it", json.dumps(self.component("app")["warnings"]))
        self.node.run(["systemctl", "restart", "app"], check=True)
        self.assertEqual(self.component("app").get("warnings", []), [])

    def test_a_dlv_that_others_may_write_is_not_run(self):
        self.node.write("/opt/loose/dlv", "#!/bin/sh\ntouch /run/loose-was-run\n", 0o777)
        self.node.write("/etc/delvegate/launcher.yaml", json.dumps({"components": [
            {"name": "app", "kind": "attach", "dlv": "/opt/loose/dlv"}]}), 0o600)
        self.launcher.kill()
        waiting.until("the launcher back", lambda: self.node.delvegate("status", "--output", "json").code == 0)
        plan = self.node.delvegate("inspect", "app", "--output", "json").failed(3).json
        self.assertIn("can be written by others", json.dumps(plan["findings"]))
        self.assertFalse(self.node.exists("/run/loose-was-run"))

    def test_a_dlv_that_hangs_is_given_up(self):
        """It stops the program and does nothing more: at the end of the stop budget it is taken off, and the program goes on."""
        self.node.write("/opt/hung/dlv", HUNG_DLV, 0o755)
        self.node.write("/etc/delvegate/launcher.yaml", json.dumps({"components": [
            {"name": "app", "kind": "attach", "dlv": "/opt/hung/dlv", "stopBudget": "5s"}]}), 0o600)
        self.launcher.kill()
        waiting.until("the launcher back", lambda: self.node.delvegate("status", "--output", "json").code == 0)
        under_way = self.starting()[0]
        waiting.until("it stands still", lambda: self.status("State") in ("T", "t"))
        self.assert_given_up(under_way)

    def test_a_killed_dlv_ends_the_session(self):
        self.node.delvegate("start", "app").succeeded()
        self.node.run(["systemctl", "kill", "--signal=KILL", "delvegate-debuggee-app.service"], check=True)
        waiting.until("the session over", lambda: self.component("app")["state"] == "available")
        waiting.until("its units gone", lambda: self.units() == "")
        self.assertEqual(self.node.run(["systemctl", "is-active", "app"]).stdout.strip(), "active")


@needs_root
class Core(NodeCase):
    definitions = [{"name": "app", "kind": "core", "binary": PROGRAM, "coreDir": "/var/lib/cores"}]

    def setUp(self):
        super().setUp()
        self.node.run(["mkdir", "-p", "/var/lib/cores"], check=True)
        self.node.write("/var/lib/cores/notes", "no core file\n")
        self.node.write("/root/dump", "break main.tick\ncontinue\ndump /var/lib/cores/app.core\nexit -c\n")

        def dumped():
            self.node.run([DLV, "exec", PROGRAM, "--allow-non-terminal-interactive=true", "--init", "/root/dump"], check=False)
            return self.node.exists("/var/lib/cores/app.core")
        waiting.until("dlv has dumped it", dumped)
        self.node.run(["pkill", "-x", "app"])
        self.launcher.install().start()

    def assert_sealed(self):
        """dlv is by itself: no privilege to win, no network, no home, nothing of /tmp, nothing to write but its socket."""
        self.node.run(["sh", "-c", "mkdir -p /home/eve; touch /home/eve/secret /tmp/of-others; chmod -R a+rX /home/eve"], check=True)
        pid = self.node.run(["systemctl", "show", "-p", "MainPID", "--value", "delvegate-debuggee-app"]).stdout.strip()
        status = self.node.read(f"/proc/{pid}/status")
        for line in (r"NoNewPrivs:\s*1", r"CapBnd:\s*0+", r"CapPrm:\s*0+", r"CapInh:\s*0+"):
            self.assertRegex(status, f"(?m)^{line}$")
        for space in ("net", "mnt"):
            self.assertNotEqual(*(self.node.run(["readlink", f"/proc/{of}/ns/{space}"], check=True).stdout for of in (pid, 1)))
        for hidden in ("/home/eve/secret", "/tmp/of-others"):
            self.assertTrue(self.node.exists(hidden))
            self.assertFalse(self.node.exists(f"/proc/{pid}/root{hidden}"))
        mounts = self.node.read(f"/proc/{pid}/mounts")
        self.assertRegex(mounts, r"(?m)^\S+ / \S+ ro,")
        self.assertRegex(mounts, r"(?m)^\S+ /run/delvegate/\S*app\S* \S+ rw,")

    def test_read_by_nobody_and_no_more(self):
        self.node.run(["chmod", "600", "/var/lib/cores/app.core"], check=True)
        plan = self.node.delvegate("inspect", "app", "--output", "json").failed(3).json
        self.assertTrue(plan["refused"])
        self.assertIn("cannot be read by nobody", json.dumps(plan["findings"]))
        self.node.run(["chmod", "644", "/var/lib/cores/app.core"], check=True)
        plan = self.node.delvegate("inspect", "app", "--output", "json").succeeded().json
        self.assertFalse(plan["refused"], plan["findings"])
        self.assertEqual(plan["process"]["core"], "/var/lib/cores/app.core")
        self.node.delvegate("start", "app").succeeded()
        # The guard says so, a moment after the start.
        waiting.until("it is seen standing", lambda: self.component("app")["state"] == "stopped")
        self.assertFalse(self.component("app")["detached"])
        state, stack, breakpoint, resume = self.calls(
            "app", ["State", {"NonBlocking": True}], ["ListGoroutines", {"Start": 0, "Count": 10}],
            ["CreateBreakpoint", {"Breakpoint": {"functionName": "main.tick", "line": -1}}], ["Command", {"name": "continue"}])
        self.assertIsNone(state["error"], state)
        self.assertTrue(stack["result"]["Goroutines"], stack)
        self.assertTrue(breakpoint["error"], breakpoint)
        self.assertTrue(resume["error"], resume)
        uid = self.node.run(["sh", "-c", "stat -c %u /proc/$(systemctl show -p MainPID --value delvegate-debuggee-app)"]).stdout
        self.assertEqual(uid.strip(), self.node.run(["id", "-u", "nobody"]).stdout.strip())
        self.assert_sealed()
        self.node.delvegate("stop", "app").succeeded()
        self.assertEqual(self.units(), "")

    def test_of_half_a_file_it_says_so(self):
        self.node.write("/var/lib/cores/later.core", "")
        self.node.run(["sh", "-c", "head -c 64 /var/lib/cores/app.core > /var/lib/cores/later.core"], check=True)
        answer = self.node.delvegate("start", "app").failed()
        self.assertRegex(answer.err, "dlv of app ended with exit code 1, its last words")
        self.assertEqual(self.units(), "")
        self.assertEqual(self.component("app")["detached"], False)


if __name__ == "__main__":
    unittest.main()
