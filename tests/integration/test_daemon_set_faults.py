"""A DaemonSet's pod that is out, when launcher, API server or kubelet go away: it comes back when they do."""

import json
import subprocess
import unittest

from harness import waiting
from harness.rig.cluster import LAUNCHERS_KUBECONFIG
from test_daemon_set import BINARY, NAME, DaemonSetCase


class WhileItIsOut(DaemonSetCase):
    def setUp(self):
        super().setUp()
        self.launcher.start()
        self.start()

    def test_the_api_server_is_away_at_stop(self):
        self.cluster.stop()
        self.delvegate("stop", NAME).failed(1)
        self.assertEqual(self.launcher.settled(NAME), "not_put_back")
        self.assertIn(NAME, self.delvegate("restore").failed(1).err + self.delvegate("status").out)
        self.launcher.kill()
        waiting.until("the launcher is back", lambda: self.delvegate("status").code == 0)
        self.cluster.start()
        self.assert_back()
        waiting.until("it is available", lambda: self.launcher.settled(NAME) == "available")

    def test_the_api_server_is_away_for_a_while(self):
        """kube-proxy goes on with what it knows, and nothing is put back for that."""
        self.cluster.stop()
        waiting.until("its absence is noticed", lambda: self.cluster.duty()["trouble"])
        self.cluster.wait_duty(synced=False)
        self.cluster.start()
        self.cluster.wait_duty()
        self.assertEqual(self.launcher.settled(NAME), "running")
        self.delvegate("stop", NAME).succeeded()
        self.assert_back()

    def test_the_kubelet_is_stopped(self):
        """The DaemonSet is put back, and the stop waits for the pod."""
        self.kubelet.stop()
        stopping = self.node.popen(["delvegate", "stop", NAME], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waiting.until("nothing of ours in the DaemonSet", lambda: "delvegate" not in json.dumps(self.cluster.set()["metadata"]))
        self.assertIsNone(stopping.poll(), "it is not there yet")
        self.kubelet.start()
        self.assertEqual(stopping.wait(waiting.DEADLINE), 0)
        self.assert_back()

    def test_reboot(self):
        self.node.reboot()
        self.assert_back()

    def test_restore_without_a_launcher(self):
        self.launcher.stop()
        self.delvegate("restore", NAME).succeeded()
        self.assert_back()

    def test_the_journal_is_gone(self):
        """What is out is written on the DaemonSet, too."""
        self.launcher.stop()
        self.node.run(["sh", "-c", "rm -f /var/lib/delvegate/launcher/journal.db*"], check=True)
        self.delvegate("restore", NAME).succeeded()
        self.assert_back()

    def test_what_another_has_taken_out_is_left_alone(self):
        """A launcher of another machine with this node's name, or of another component of the same DaemonSet."""
        self.launcher.stop()
        self.node.run(["sh", "-c", "rm -f /var/lib/delvegate/launcher/journal.db*"], check=True)
        ours = self.cluster.set()["metadata"]["annotations"]["delvegate.io/out.node1"]
        for name, value in (("machine", "0" * 32), ("component", "theirs")):
            self.record(json.dumps(dict(json.loads(ours), **{name: value})))
            now = self.cluster.set()
            self.delvegate("restore")
            self.assertEqual(self.cluster.set()["metadata"]["resourceVersion"], now["metadata"]["resourceVersion"], name)
        self.record(ours)
        self.delvegate("restore", NAME).succeeded()
        self.assert_back()

    def record(self, text):
        self.cluster.edit({"op": "replace", "path": "/metadata/annotations/delvegate.io~1out.node1", "value": text})

    def test_launcher_killed(self):
        before = self.cluster.wait_duty()
        self.launcher.kill()
        waiting.until("the launcher is back", lambda: self.delvegate("status").code == 0)
        self.assertEqual(self.cluster.wait_duty()["pid"], before["pid"])
        self.delvegate("stop", NAME).succeeded()
        self.assert_back()

    def test_guard_killed(self):
        before = self.cluster.wait_duty()
        self.node.run(["systemctl", "kill", "--signal=KILL", f"delvegate-guard-{NAME}.service"], check=True)
        self.assertEqual(self.cluster.wait_duty()["pid"], before["pid"])
        self.delvegate("stop", NAME).succeeded()
        self.assert_back()

    def test_dlv_killed(self):
        pid = self.node.run(["systemctl", "show", "-p", "MainPID", "--value", f"delvegate-debuggee-{NAME}.service"], check=True).stdout
        self.node.run(["kill", "-KILL", pid.strip()], check=True)
        self.assert_back()

    def test_the_program_killed(self):
        self.node.run(["kill", "-KILL", str(self.cluster.wait_duty()["pid"])], check=True)
        self.assert_back()


class BeforeItIsOut(DaemonSetCase):
    def refused(self, words, code=1):
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(code)
        self.assertIn(words, answer.err)
        self.assertFalse([argv for argv in self.node.processes().values() if argv[0] == BINARY])
        return answer

    def test_the_api_server_is_away(self):
        self.cluster.stop()
        self.refused("API server")
        self.cluster.start()
        self.assert_back()

    def test_malformed_kubeconfig(self):
        self.node.write(LAUNCHERS_KUBECONFIG, "apiVersion: v1\nclusters: [\n", 0o600)
        answer = self.refused(LAUNCHERS_KUBECONFIG)
        self.assertIn(LAUNCHERS_KUBECONFIG, answer.err.strip().splitlines()[-1])
        self.assert_back()

    def test_no_kubeconfig(self):
        self.node.run(["rm", LAUNCHERS_KUBECONFIG], check=True)
        self.refused(LAUNCHERS_KUBECONFIG)
        self.assert_back()

    def test_the_port_is_taken(self):
        """By whom it is not: the pod's own process has it until it ends."""
        self.node.spawn("holder", ["python3", "-c", "import socket,time\ns=socket.socket()\n"
                                   "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\ns.bind(('127.0.0.2', 10249))\n"
                                   "s.listen()\ntime.sleep(1e6)\n"])
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(1)
        self.assertIn("10249", answer.err)
        self.assert_back()


if __name__ == "__main__":
    unittest.main()
