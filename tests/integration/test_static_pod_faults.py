"""What can go wrong with a static pod that is out, or is to be: nothing is lost, and everybody is told."""

import subprocess
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
        said = answer.out + answer.err
        if "is not out" in said:  # the launcher has seen it first, and has ended the session by itself
            answer = self.delvegate("status")
            said = answer.out + answer.err
        self.assertIn("another file", said)
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


    def test_the_kubelets_configuration_cannot_be_read(self):
        self.node.write("/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\nstaticPodPath: [\n")
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(1)
        self.assertIn("/var/lib/kubelet/config.yaml", answer.err)
        self.assertEqual(len(answer.err.strip().splitlines()), 1)
        self.assertEqual(self.node.read(MANIFEST), self.was[2])

    def test_the_port_is_taken(self):
        """By somebody who shares it with the pod's own process, and stays when that has ended."""
        self.node.spawn("holder", ["python3", "-c", "import socket,time\ns=socket.socket()\ns.bind(('127.0.0.2', 10259))\n"
                                   "s.listen()\ntime.sleep(1e6)\n"])
        self.launcher.start()
        answer = self.delvegate("start", NAME).failed(1)
        self.assertIn("10259", answer.err)
        self.assert_as_before()


class TwoAtOnce(StaticPodCase):
    def test_a_second_launcher(self):
        self.launcher.start()
        second = self.node.run(["delvegate", "launcher"])
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"{self.launcher.pid()}", second.stderr)
        self.delvegate("start", NAME).succeeded()
        self.assertEqual(self.node.run(["delvegate", "launcher"]).returncode, 1)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_two_starts(self):
        self.launcher.start()
        commands = [self.node.popen(["delvegate", "start", NAME], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    for _ in range(2)]
        codes = sorted((command.wait(), command.communicate()[1][-300:]) for command in commands)
        self.assertEqual([code for code, _ in codes], [0, 1], codes)
        self.kubelet.wait_duty(NAME)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


class ByHand(StaticPodCase):
    """What `start` prints is done with delvegate gone."""
    def undo_by_hand(self):
        self.launcher.start()
        printed = self.delvegate("start", NAME).succeeded().err
        self.kubelet.wait_duty(NAME)
        commands = [line.strip() for line in printed.partition("To undo it by hand")[2].splitlines()[1:] if line.startswith("  ")]
        self.assertTrue(any(each.startswith("mv -n ") for each in commands), printed)
        kept = self.node.run(["sh", "-c", "cat /var/lib/delvegate/launcher/plans/*.undo"], check=True).stdout
        self.assertEqual(kept.splitlines()[1:], commands, "as they are printed they are kept")
        self.launcher.stop()
        self.node.run(["sh", "-ec", "\n".join(commands)], check=True)
        self.assert_as_before()
        self.launcher.start()
        waiting.until(lambda: f"nothing out\n{self.launcher.log()}", lambda: self.launcher.settled(NAME) == "available")
        self.assert_as_before()

    def test_as_printed(self):
        self.undo_by_hand()


class ThroughALinkedDirectory(ByHand):
    def furnish(self):
        self.node.run(["sh", "-c", f"d=/etc/kubernetes/elsewhere/manifests && mkdir -p $d && rm -rf {manifests.DIRECTORY}"
                       f" && ln -s $d {manifests.DIRECTORY}"], check=True)


class OnAFilesystemOfItsOwn(ByHand):
    """It cannot be renamed to beside the directory then."""
    def furnish(self):
        self.node.run(["sh", "-c", f"mkdir -p {manifests.DIRECTORY} && mount -t tmpfs -o mode=0755 tmpfs {manifests.DIRECTORY}"],
                      check=True)

    def test_out_and_back(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.assertFalse(self.node.exists(MANIFEST))
        self.kubelet.wait_duty(NAME)
        self.launcher.kill()
        self.launcher.settled(NAME)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


class WithoutRoom(StaticPodCase):
    """Manifests and state each on a small disk, which others fill."""
    disks = ("/etc/kubernetes", "/var/lib/delvegate")

    def furnish(self):
        for path in self.disks:
            self.node.run(["sh", "-c", f"mkdir -p {path} && mount -t tmpfs -o mode=0755,size=4m tmpfs {path}"], check=True)

    def fill(self, path):
        self.node.run(["sh", "-c", f"cat /dev/zero > {path}/filler"])
        self.assertIn("100%", self.node.run(["df", path]).stdout)

    def test_before(self):
        self.launcher.start()
        for path in self.disks:
            with self.subTest(path):
                self.fill(path)
                answer = self.delvegate("start", NAME).failed(1)
                self.assertRegex(answer.err, "No space left|no room")
                self.node.run(["rm", f"{path}/filler"], check=True)
                self.assert_as_before()

    def test_while_it_is_out(self):
        self.launcher.start()
        for how in ("stop", "killed", "restore"):
            with self.subTest(how):
                self.delvegate("start", NAME).succeeded()
                for path in self.disks:
                    self.fill(path)
                if how == "killed":
                    self.launcher.kill()
                    self.launcher.settled(NAME)
                    self.kubelet.wait_duty(NAME)
                if how == "restore":
                    self.launcher.stop()
                self.delvegate("restore" if how == "restore" else "stop", NAME)
                waiting.until(lambda: f"the manifest back\n{self.launcher.log()}", lambda: self.node.exists(MANIFEST))
                for path in self.disks:
                    self.node.run(["rm", f"{path}/filler"], check=True)
                self.launcher.start()
                self.delvegate("restore", NAME)
                self.assert_as_before()


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
