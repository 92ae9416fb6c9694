"""A systemd service, the node's kubelet, taken out, run under dlv in its own unit, and put back."""

import unittest

from harness import waiting
from harness.rig import Kubelet, Launcher, Node, manifests, needs_root

NAME = "kubelet"
UNIT = "kubelet.service"
DROP_IN = f"/run/systemd/system/{UNIT}.d/90-delvegate.conf"
DEFINITION = {"name": NAME, "kind": "systemd", "binary": f"/opt/debug/v1.34.1/{NAME}"}


@needs_root
class KubeletUnderDlv(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())
        self.kubelet = Kubelet(self.node, list_every="2s", backoff="500ms", backoff_max="2s").install()
        self.kubelet.put("kube-scheduler.yaml", manifests.scheduler())
        self.kubelet.start()
        self.pod = self.kubelet.wait_running("kube-scheduler")
        self.was = self.effective()
        self.launcher = Launcher(self.node, [DEFINITION]).install().start()

    def effective(self):
        said = self.node.run(["systemctl", "show", "-p", "ExecStart,DropInPaths,Type,Restart,Environment", UNIT], check=True).stdout
        return [line for line in said.replace(" ; ", "\n").splitlines()
                if not line.startswith(("start_time", "stop_time", "pid", "code", "status"))]

    def assert_as_before(self):
        waiting.until(lambda: f"no drop-in\n{self.launcher.log()}", lambda: not self.node.exists(DROP_IN))
        waiting.until("the unit active", lambda: self.node.run(["systemctl", "is-active", UNIT]).stdout.strip() == "active")
        self.assertEqual(self.effective(), self.was)
        one = self.kubelet.wait_running("kube-scheduler")
        self.assertEqual(one["pid"], self.pod["pid"], "the pods never noticed")

    def test_out_and_back(self):
        plan = self.node.delvegate("inspect", NAME, "--output", "json").succeeded().json
        self.assertIn("kubelet.service", plan["foundIn"])
        self.assertEqual(self.effective(), self.was)
        self.node.delvegate("start", NAME).succeeded()
        self.assertTrue(self.node.exists(DROP_IN))
        argv = [words for words in self.node.processes().values() if words and words[0] == DEFINITION["binary"]]
        self.assertTrue(argv, self.node.processes())
        self.assertIn("--config=/var/lib/kubelet/config.yaml", argv[0])
        self.node.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_what_depends_on_it_runs_again(self):
        """systemd stops it together with the unit, and starts it again with nobody."""
        active = lambda: self.node.run(["systemctl", "is-active", "dependent.service"]).stdout.strip()
        self.node.write("/etc/systemd/system/dependent.service", f"[Unit]\nRequires={UNIT}\nAfter={UNIT}\n"
                        "[Service]\nExecStart=/usr/bin/sleep infinity\n")
        self.node.run(["systemctl", "daemon-reload"], check=True)
        self.node.run(["systemctl", "start", "dependent.service"], check=True)
        plan = self.node.delvegate("inspect", NAME, "--output", "json").succeeded()
        self.assertIn("dependent.service", plan.out)
        self.node.delvegate("start", NAME).succeeded()
        self.assertEqual(active(), "active")
        self.node.delvegate("stop", NAME).succeeded()
        self.assertEqual(active(), "active")
        self.assert_as_before()

    def test_restore_without_a_launcher(self):
        self.node.delvegate("start", NAME).succeeded()
        self.launcher.stop()
        self.node.delvegate("restore", NAME).succeeded()
        self.assert_as_before()

    def test_by_hand(self):
        """What `start` prints is done with delvegate gone; whoever finds the drop-in finds it there, too."""
        printed = self.node.delvegate("start", NAME).succeeded().err
        commands = [line.strip() for line in printed.partition("To undo it by hand")[2].splitlines()[1:] if line.startswith("  ")]
        self.assertIn(f"rm {DROP_IN}", commands)
        said = self.node.read(DROP_IN)
        for each in commands:
            self.assertIn(f"\n#   {each}\n", said)
        limit = self.node.run(["systemctl", "show", "-p", "MemoryMax", "--value", UNIT], check=True).stdout.strip()
        self.assertEqual(limit, str(8 << 30), "memoryLimit")
        self.launcher.stop()
        self.node.run(["sh", "-ec", "\n".join(commands)], check=True)
        self.assert_as_before()
        self.launcher.start()
        self.launcher.settled(NAME)
        self.assert_as_before()

    def test_launcher_restart_leaves_it_running(self):
        self.node.delvegate("start", NAME).succeeded()
        before = self.node.run(["systemctl", "show", "-p", "MainPID", UNIT], check=True).stdout
        self.launcher.kill()
        waiting.until("the launcher back", lambda: self.node.delvegate("status", "--output", "json").code == 0)
        self.assertEqual(self.node.run(["systemctl", "show", "-p", "MainPID", UNIT], check=True).stdout, before)
        self.node.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_a_reboot_forgets_it(self):
        self.node.delvegate("start", NAME).succeeded()
        self.node.reboot()
        waiting.until("the unit active", lambda: self.node.run(["systemctl", "is-active", UNIT]).stdout.strip() == "active")
        self.assertEqual(self.effective(), self.was)
        waiting.until("nothing out", lambda: '"detached":true' not in self.node.delvegate("status", "--output", "json").out)


if __name__ == "__main__":
    unittest.main()
