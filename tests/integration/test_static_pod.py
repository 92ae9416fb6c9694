"""A static pod taken out, run under dlv, and put back, on a node with a real systemd and a kubelet that behaves as the
real one was measured to."""

import os
import unittest

from harness import waiting
from harness.rig import Kubelet, Launcher, Node, manifests, needs_root

NAME = "kube-scheduler"
MANIFEST = f"{manifests.DIRECTORY}/{NAME}.yaml"
DEFINITION = {"name": NAME, "kind": "static-pod", "binary": f"/opt/debug/v1.34.1/{NAME}"}


def stamp(node, path):
    """All that "byte for byte" means for a manifest."""
    said = node.run(["stat", "-c", "%i %u %g %a %.9Y %s", path], check=True).stdout
    attributes = node.run(["getfattr", "-d", "-m", "-", "--absolute-names", path]).stdout
    return said, attributes, node.read(path)


@needs_root
class StaticPodCase(unittest.TestCase):
    manifest = staticmethod(manifests.scheduler)
    definition = DEFINITION
    settings = {}

    def setUp(self):
        self.node = self.enterContext(Node())
        self.furnish()
        self.kubelet = Kubelet(self.node, list_every="2s", backoff="500ms", backoff_max="2s").install()
        self.kubelet.put(f"{NAME}.yaml", self.manifest())
        self.kubelet.start()
        self.before = self.kubelet.wait_running(NAME)
        self.kubelet.wait_duty(NAME)
        self.was = stamp(self.node, MANIFEST)
        self.launcher = Launcher(self.node, [self.definition], **self.settings).install()

    def furnish(self):
        """What is done to the node before its kubelet comes."""

    def delvegate(self, *words, **more):
        return self.node.delvegate(*words, **more)

    def debuggee(self):
        """Who does the component's duty, and that dlv holds it."""
        lease = self.kubelet.wait_duty(NAME)
        return lease

    def assert_as_before(self):
        """The start state: the same file, a container of the kubelet's, nothing of ours."""
        waiting.until(lambda: f"the manifest back\n{self.launcher.log()}", lambda: self.node.exists(MANIFEST))
        self.assertEqual(stamp(self.node, MANIFEST), self.was)
        running = self.kubelet.wait_running(NAME)
        self.kubelet.wait_duty(NAME)
        units = self.node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "delvegate-debuggee-*",
                               "delvegate-guard-*"]).stdout
        self.assertEqual(units.strip(), "")
        self.assertEqual(self.node.run(["ls", "-A", f"{manifests.DIRECTORY}/../delvegate-held"]).stdout.strip(), "")
        self.assertEqual(self.node.run(["ls", "-A", manifests.DIRECTORY]).stdout.split(), [f"{NAME}.yaml"])
        return running


class OutAndBack(StaticPodCase):
    def test_out_and_back(self):
        self.launcher.start()
        plan = self.delvegate("inspect", NAME, "--output", "json").succeeded().json
        self.assertEqual(plan["foundIn"], MANIFEST)
        self.assertEqual(stamp(self.node, MANIFEST), self.was, "inspect changes nothing")
        self.delvegate("start", NAME, "--output", "json").succeeded()
        self.assertFalse(self.node.exists(MANIFEST))
        self.assertIsNone(self.kubelet.running(NAME))
        out = self.kubelet.wait_duty(NAME)
        argv = self.node.processes()[out["pid"]] if "pid" in out else None
        if argv:
            self.assertEqual(argv[0], DEFINITION["binary"])
        status = self.delvegate("status", "--output", "json").succeeded()
        self.assertIn(NAME, status.out)
        self.delvegate("stop", NAME, "--output", "json").succeeded()
        self.assert_as_before()

    def test_launcher_restart_leaves_it_running(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        before = self.kubelet.wait_duty(NAME)
        self.launcher.kill()
        self.launcher.start()
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], before["pid"])
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_restore_without_a_launcher(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.launcher.kill()
        self.delvegate("restore", NAME).succeeded()
        self.assert_as_before()

    def test_reboot(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.node.reboot()
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
