"""The node that later tests stand on: a real systemd, reboots, nothing left behind, a debugger that works in it."""

import glob
import os
import signal
import subprocess
import sys
import tempfile

from harness import process, tools, waiting
from harness.rig import RigCase, cgroups, programs
from harness.rig.kubelet import DEBUG_DIRECTORY
from harness.rig.node import ADDRESS

_RUN_THAT_DIES = """
import sys
import tempfile
from harness.rig import Node
node = Node(name="killed").start()
print(node.id, node.init, node._first, flush=True)
sys.stdin.read()
"""


def mounts_with(text):
    """Of any process that can be seen: a mount lives as long as its namespace."""
    for path in glob.glob("/proc/[0-9]*/mounts"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                if text in file.read():
                    yield path
        except OSError:
            continue


class NodeTest(RigCase):
    def setUp(self):
        self.node = self.new_node()

    def units(self, *words):
        return self.node.run(["systemctl", "list-units", "--plain", "--no-legend", *words], check=True).stdout

    def test_it_is_a_machine_of_its_own(self):
        node = self.node
        self.assertEqual(node.run(["systemctl", "is-system-running"]).stdout.strip(), "running",
                         self.units("--failed"))
        self.assertEqual(node.read("/proc/1/comm").strip(), "systemd")
        self.assertEqual(node.run(["hostname"]).stdout.strip(), "node1")
        self.assertNotIn(os.getpid(), node.processes())
        services = {line.split()[0] for line in self.units("--type=service", "--state=running").splitlines()}
        self.assertLessEqual(services, {"dbus.service", "systemd-journald.service"}, "services of the host run in it")
        self.assertFalse(node.exists(node.directory), "/tmp is the host's")
        version = node.delvegate("--version").succeeded()
        self.assertRegex(version.out, r"^delvegate \d")
        self.assertIn(str(tools.delve()), node.run(["dlv", "version"], check=True).stdout)

    def test_what_it_writes_is_not_the_hosts(self):
        self.node.write("/etc/rig-was-here", "yes\n", 0o640)
        self.assertEqual(self.node.read("/etc/rig-was-here"), "yes\n")
        self.assertEqual(self.node.run(["stat", "-c", "%a %U", "/etc/rig-was-here"]).stdout.split(), ["640", "root"])
        self.assertFalse(os.path.exists("/etc/rig-was-here"))
        with self.assertRaises(FileNotFoundError):
            self.node.read("/etc/there/is/no/such/file")

    def test_a_unit_has_limits_and_a_cgroup(self):
        script = ('set -e; path=$(sed -n "s/^[0-9]*:memory://p" /proc/self/cgroup); '
                  'if [ -n "$path" ]; then cat "/sys/fs/cgroup/memory$path/memory.limit_in_bytes"; '
                  'else cat "/sys/fs/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)/memory.max"; fi')
        result = self.node.run(["systemd-run", "--quiet", "--wait", "--pipe", "-p", "MemoryMax=64M", "/bin/sh", "-c", script],
                               check=True)
        self.assertEqual(result.stdout.strip(), str(64 << 20))

    def test_environment_and_place_of_a_command(self):
        result = self.node.run(["/bin/sh", "-c", 'pwd; echo "$GREETING"; env | cut -d= -f1'], cwd="/etc",
                               env={"GREETING": "two  words"})
        lines = result.stdout.splitlines()
        self.assertEqual(lines[:2], ["/etc", "two  words"])
        self.assertLessEqual(set(lines[2:]), {"PATH", "HOME", "LANG", "GREETING", "PWD", *self.node.sanitizers()})
        self.assertEqual(self.node.run(["/bin/sh", "-c", "exit 7"]).returncode, 7)

    def test_a_guest_is_signalled_by_its_own_pid(self):
        guest = self.node.spawn("guest", ["sleep", "infinity"])
        self.node.until("it sleeps", lambda: self.node.pids("sleep") == [guest.pid])
        guest.signal(signal.SIGKILL)
        self.assertNotEqual(guest.wait(), 0)
        self.assertEqual(self.node.pids("sleep"), [])

    def test_a_reboot_keeps_the_disk_and_nothing_else(self):
        node = self.node
        seen = [node.boot_id()]
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            seen.append(file.read().strip())
        node.write("/etc/systemd/system/at-boot.service",
                   "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo booted >> /var/lib/at-boot'\n"
                   "[Install]\nWantedBy=multi-user.target\n")
        node.run(["systemctl", "enable", "at-boot.service"], check=True)
        machine = node.read("/etc/machine-id")
        for boots, clean in ((1, True), (2, False)):
            node.write("/run/volatile", "")
            node.write("/tmp/volatile", "")
            guest = node.spawn("left-running", ["sleep", "infinity"])
            node.reboot(clean)
            guest.wait()
            self.assertNotIn(node.boot_id(), seen)
            seen.append(node.boot_id())
            self.assertEqual(node.read("/etc/machine-id"), machine)
            self.assertEqual(node.read("/var/lib/at-boot").splitlines(), ["booted"] * boots)
            self.assertFalse(node.exists("/run/volatile"))
            self.assertFalse(node.exists("/tmp/volatile"))
            self.assertEqual(node.pids("sleep"), [])

    def test_the_laptop_reaches_the_node_but_not_its_loopback(self):
        node = self.node
        node.install(programs.build("component", False), "/opt/rig/server")
        for name, address in (("public", ADDRESS), ("private", "127.0.0.1")):
            server = node.spawn(name, ["/opt/rig/server", f"--bind-address={address}", "--secure-port=8080", "--plain-http"])
            server.wait_for("its port", lambda: node.fetch(f"http://{address}:8080/healthz") == (200, "ok"))
        self.assertEqual(node.fetch(f"http://{ADDRESS}:8080/healthz", laptop=True), (200, "ok"))
        self.assertIsNone(node.fetch("http://127.0.0.1:8080/healthz", laptop=True)[0])

    def test_cgroups_as_a_newer_node_has_them(self):
        newer = self.new_node(name="node2", unified=True)
        self.assertEqual(newer.run(["stat", "-f", "-c", "%T", "/sys/fs/cgroup"], check=True).stdout.strip(), "cgroup2fs")
        result = newer.run(["systemd-run", "--quiet", "--wait", "--pipe", "cat", "/proc/self/cgroup"], check=True)
        self.assertRegex(result.stdout, r"(?m)^0::/system.slice/run-u\d+.service$")

    def test_dlv_debugs_a_component_under_a_unit(self):
        node = self.node
        node.install(programs.build("component", True), f"{DEBUG_DIRECTORY}/kube-scheduler")
        node.write("/etc/kubernetes/scheduler.conf", "here\n", 0o600)
        node.write("/root/script", f"break {programs.BREAKPOINTS['kube-scheduler']}\ncontinue\nargs\nexit\n")
        result = node.run(["systemd-run", "--quiet", "--wait", "--pipe", "dlv", "exec", "--allow-non-terminal-interactive",
                           "--init", "/root/script", f"{DEBUG_DIRECTORY}/kube-scheduler", "--",
                           "--kubeconfig=/etc/kubernetes/scheduler.conf"], env={"HOME": "/root"})
        self.assertRegex(result.stdout, r"scheduleOne\(\)? ?.*scheduler\.go:\d+", f"{result.stdout}{result.stderr}")
        self.assertIn("cycle = 0", result.stdout)


class NothingIsLeftTest(RigCase):
    def assert_nothing_left(self, identity, name):
        self.assertEqual(glob.glob(f"/run/systemd/nspawn/**/*{name}*", recursive=True), [])
        self.assertEqual(list(mounts_with(identity)), [])
        self.assertEqual([path for path in cgroups.hierarchies() if os.path.exists(os.path.join(path, identity))], [])
        self.assertFalse(os.path.exists(os.path.join(tempfile.gettempdir(), identity)))

    def test_after_a_stop(self):
        node = self.new_node(name="ends")
        guest = node.spawn("guest", ["sleep", "infinity"])
        init, directory = node.init, node.directory
        node.stop()
        self.assertFalse(process.alive(init))
        guest.wait()
        self.assertFalse(os.path.exists(directory))
        self.assert_nothing_left(node.id, "ends")

    def test_after_a_run_that_was_killed(self):
        run = subprocess.Popen([sys.executable, "-c", _RUN_THAT_DIES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        while True:
            line = run.stdout.readline()
            self.assertTrue(line, "no node")
            if line.startswith(cgroups.PREFIX):
                break
        identity, init, first = line.split()
        self.assertTrue(process.alive(int(init)))
        self.assertTrue(list(mounts_with(identity)))
        run.kill()
        run.wait()
        waiting.until("the node ends with it", lambda: not process.alive(int(init)) and not process.alive(int(first)))
        self.assertTrue(cgroups.stale(identity))
        self.new_node()
        self.assert_nothing_left(identity, "killed")

    def test_another_living_run_is_not_swept(self):
        node = self.new_node()
        other = self.new_node(name="node2")
        self.assertFalse(cgroups.stale(node.id))
        self.assertEqual(node.run(["hostname"]).stdout.strip(), "node1")
        self.assertEqual(other.run(["hostname"]).stdout.strip(), "node2")
