"""A static pod taken out, run under dlv, and put back, on a node where there is no systemd: dlv, debuggee and guard are in
cgroups of their own, and are found there by whatever launcher there is."""

import unittest

from harness import waiting
from harness.rig import PlainKubelet, PlainLauncher, PlainNode, needs_root
from test_static_pod import DEFINITION, MANIFEST, NAME, StaticPodCase, stamp

UNIT = f"delvegate-debuggee-{NAME}.service"
LIMIT = 2 << 30


@needs_root
class WithoutSystemd(StaticPodCase):
    definition = dict(DEFINITION, memoryLimit="2GiB")

    def setUp(self):
        self.node = self.enterContext(PlainNode())
        self.kubelet = PlainKubelet(self.node, list_every="2s", backoff="500ms", backoff_max="2s").install()
        self.kubelet.put(f"{NAME}.yaml", self.manifest())
        self.kubelet.start()
        self.before = self.kubelet.wait_running(NAME)
        self.kubelet.wait_duty(NAME)
        self.was = stamp(self.node, MANIFEST)
        self.launcher = PlainLauncher(self.node, [self.definition], **self.settings).install()

    def assert_nothing_runs(self):
        waiting.until(lambda: f"its groups gone: {self.node.groups()}\n{self.launcher.log()}", lambda: not self.node.groups())
        self.assertEqual(self.node.pids("dlv"), [])

    def test_out_and_back(self):
        """And the launcher's death in between is noticed by nobody."""
        self.launcher.start()
        plan = self.delvegate("inspect", NAME, "--output", "json").succeeded().json
        self.assertIn("there is no systemd", str(plan["needed"]))
        self.assertIn("cgroup.procs", plan["undoByHand"][0])
        self.assertEqual(self.node.groups(), [], "inspect changes nothing")
        self.delvegate("start", NAME).succeeded()
        self.assertFalse(self.node.exists(MANIFEST))
        self.assertIsNone(self.kubelet.running(NAME))
        out = self.kubelet.wait_duty(NAME)
        self.assertEqual(self.node.processes()[out["pid"]][0], DEFINITION["binary"])
        groups = self.node.read(f"/proc/{out['pid']}/cgroup")
        self.assertIn(f"/delvegate/{UNIT}\n", groups)
        limits = self.node.run(["sh", "-c", f"cat /sys/fs/cgroup/*/delvegate/{UNIT}/memory.limit_in_bytes "
                                f"/sys/fs/cgroup/delvegate/{UNIT}/memory.max 2>/dev/null"]).stdout
        self.assertEqual(limits.split(), [str(LIMIT)])
        self.launcher.kill()
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], out["pid"])
        self.launcher.start()
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], out["pid"])
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_restore_without_a_launcher(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.launcher.kill()
        self.delvegate("restore", NAME).succeeded()
        self.assert_as_before()

    def test_killed_dlv(self):
        """Nobody ends what it leaves behind but the launcher, which puts the component back."""
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.node.run(["kill", "-KILL", *map(str, self.node.pids("dlv"))], check=True)
        self.assert_as_before()

    def test_where_there_are_no_cgroups_nothing_is_taken_out(self):
        self.node.without_cgroups()
        self.launcher.start()
        refused = self.delvegate("start", NAME).failed(3)
        self.assertIn("refusal: there is neither systemd nor cgroup v2", refused.out + refused.err)
        self.assertEqual(stamp(self.node, MANIFEST), self.was)
        self.delvegate("restore", NAME).succeeded()
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
