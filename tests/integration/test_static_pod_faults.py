"""What can go wrong with a static pod that is out, or is to be: nothing is lost, and everybody is told."""

import unittest

from harness import waiting
from harness.rig import manifests
from test_static_pod import DEFINITION, MANIFEST, NAME, StaticPodCase, stamp


class WhileItIsOut(StaticPodCase):
    def setUp(self):
        super().setUp()
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.kubelet.wait_duty(NAME)

    def unit_pid(self, unit):
        return int(self.node.run(["systemctl", "show", "-p", "MainPID", "--value", unit], check=True).stdout)

    def kill(self, pid):
        self.node.run(["kill", "-KILL", str(pid)], check=True)

    def test_the_guard_dies(self):
        unit = f"delvegate-guard-{NAME}.service"
        first = self.unit_pid(unit)
        duty = self.kubelet.wait_duty(NAME)
        self.kill(first)
        waiting.until("another guard", lambda: self.unit_pid(unit) not in (0, first))
        self.assertEqual(self.kubelet.wait_duty(NAME)["pid"], duty["pid"])
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_dlv_dies(self):
        self.kill(self.unit_pid(f"delvegate-debuggee-{NAME}.service"))
        self.assert_as_before()

    def test_the_program_dies(self):
        self.kill(self.kubelet.wait_duty(NAME)["pid"])
        self.assert_as_before()

    def test_somebody_puts_another_manifest_there(self):
        theirs = manifests.scheduler(extra=["--say=theirs"])
        self.kubelet.put(f"{NAME}.yaml", theirs)
        answer = self.delvegate("stop", NAME)
        self.assertIn("another file", answer.out + answer.err)
        self.assertEqual(self.node.read(MANIFEST), theirs)
        kept = self.node.run(["sh", "-c", f"cat {manifests.DIRECTORY}/../delvegate-held/*superseded*"], check=True).stdout
        self.assertTrue(kept.startswith(self.was[2]), "ours is kept beside it, with its record")

    def test_somebody_puts_the_same_manifest_there(self):
        self.kubelet.put(f"{NAME}.yaml", self.was[2])
        self.delvegate("stop", NAME).succeeded()
        self.assertEqual(self.node.read(MANIFEST), self.was[2])
        self.kubelet.wait_running(NAME)

    def decide(self, option):
        """Root's word, where no launcher has seen the other file yet."""
        self.launcher.stop()
        self.kubelet.put(f"{NAME}.yaml", manifests.scheduler(extra=["--say=theirs"]))
        theirs = self.node.read(MANIFEST)
        self.delvegate("restore", NAME, option).succeeded()
        self.kubelet.wait_running(NAME)
        return theirs

    def test_root_has_ours_put_back(self):
        theirs = self.decide("--put-back-ours")
        self.assertEqual(stamp(self.node, MANIFEST), self.was)
        kept = self.node.run(["sh", "-c", f"cat {manifests.DIRECTORY}/../delvegate-held/*superseded*"], check=True).stdout
        self.assertEqual(kept, theirs)

    def test_root_keeps_theirs(self):
        theirs = self.decide("--keep-theirs")
        self.assertEqual(self.node.read(MANIFEST), theirs)
        kept = self.node.run(["sh", "-c", f"cat {manifests.DIRECTORY}/../delvegate-held/*superseded*"], check=True).stdout
        self.assertTrue(kept.startswith(self.was[2]))
        self.delvegate("restore", NAME).succeeded()

    def test_the_kubelet_is_stopped(self):
        """It cannot come back without one, and is put back all the same."""
        self.kubelet.stop()
        self.delvegate("restore", NAME)
        self.assertEqual(self.node.read(MANIFEST), self.was[2])
        self.kubelet.start()
        self.assert_as_before()

    def test_a_second_start(self):
        answer = self.delvegate("start", NAME).failed(1)
        self.assertIn("is out since", answer.err)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


class Refusing(StaticPodCase):
    def refused(self, words, code):
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(code)
        self.assertIn(words, answer.err)
        self.assert_as_before()


class BeforeItIsOut(StaticPodCase):
    def test_the_kubelet_is_stopped(self):
        self.kubelet.stop()
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(1)
        self.assertIn("kubelet", answer.err)
        self.assertEqual(self.node.read(MANIFEST), self.was[2])

    def test_the_manifest_cannot_be_read(self):
        self.kubelet.put(f"{NAME}.yaml", "apiVersion: v1\nkind: Pod\nmetadata: [\n")
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(1)
        self.assertIn(MANIFEST, answer.err)
        self.assertEqual(self.node.read(MANIFEST), "apiVersion: v1\nkind: Pod\nmetadata: [\n")


class StrippedBinary(Refusing):
    definition = dict(DEFINITION, binary=f"/opt/rig/images/{NAME}")

    def test_no_debug_information(self):
        self.refused("-s -w", 3)


class ExitsAtOnce(Refusing):
    definition = dict(DEFINITION, extraArgs=["--exit-at-once=3"])

    def test_it_is_rolled_back(self):
        self.refused("ended at once", 1)


class NeverHealthy(Refusing):
    definition = dict(DEFINITION, extraArgs=["--unhealthy"], startTimeout="5s")

    def test_it_is_rolled_back(self):
        self.refused("did not answer", 1)


class IgnoresSigterm(StaticPodCase):
    definition = dict(DEFINITION, extraArgs=["--ignore-sigterm"])

    @staticmethod
    def manifest():
        return manifests.scheduler(grace=3)

    def test_it_is_ended_after_its_grace(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
