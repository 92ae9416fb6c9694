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
        self.node = self.enterContext(self.new_node())
        self.furnish()
        self.kubelet = Kubelet(self.node, list_every="2s", backoff="500ms", backoff_max="2s").install()
        self.kubelet.put(f"{NAME}.yaml", self.manifest())
        self.kubelet.start()
        self.before = self.kubelet.wait_running(NAME)
        self.kubelet.wait_duty(NAME)
        self.was = stamp(self.node, MANIFEST)
        self.launcher = self.new_launcher()

    def new_node(self):
        return Node()

    def new_launcher(self):
        return Launcher(self.node, [self.definition], **self.settings).install()

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
        self.assert_nothing_runs()
        self.assertEqual(self.node.run(["ls", "-A", f"{manifests.DIRECTORY}/../delvegate-held"]).stdout.strip(), "")
        self.assertEqual(self.node.run(["ls", "-A", manifests.DIRECTORY]).stdout.split(), [f"{NAME}.yaml"])
        return running

    def assert_nothing_runs(self):
        units = self.node.run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "delvegate-debuggee-*",
                               "delvegate-guard-*"]).stdout
        self.assertEqual(units.strip(), "")


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
        self.assert_not_hardened(out["pid"])
        status = self.delvegate("status", "--output", "json").succeeded()
        self.assertIn(NAME, status.out)
        self.delvegate("stop", NAME, "--output", "json").succeeded()
        self.assert_as_before()

    def assert_not_hardened(self, pid):
        """What the launcher's unit takes from the launcher is not taken from what it runs."""
        def status(of):
            lines = self.node.read(f"/proc/{of}/status").splitlines()
            return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}
        theirs, launchers, init = status(pid), status(self.launcher.pid()), status(1)
        self.assertEqual((launchers["NoNewPrivs"], theirs["NoNewPrivs"]), ("1", "0"))
        self.assertEqual((launchers["Seccomp"], theirs["Seccomp"]), ("2", "0"))
        self.assertEqual(theirs["CapBnd"], init["CapBnd"])
        self.assertNotEqual(launchers["CapBnd"], init["CapBnd"])
        self.assertEqual(theirs["CapEff"], init["CapBnd"], "root's program has what root has")

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

    def test_reboot_without_a_launcher(self):
        """The early unit alone, as a package enables it: before the kubelet looks for its manifests."""
        self.launcher.start()
        self.node.run(["systemctl", "enable", "delvegate-restore.service", "delvegate-restore-api.timer"], check=True)
        self.delvegate("start", NAME).succeeded()
        self.node.run(["systemctl", "disable", "delvegate-launcher.service"], check=True)
        self.node.reboot()
        self.assert_as_before()
        self.assertEqual(self.show("delvegate-restore.service", "Result", "ExecMainStatus"), ["success", "0"])
        restored, began = map(int, self.show("delvegate-restore.service", "ExecMainExitTimestampMonotonic") +
                              self.show("kubelet.service", "ExecMainStartTimestampMonotonic"))
        self.assertLess(restored, began)
        self.assertEqual(self.show("delvegate-restore-api.timer", "ActiveState"), ["active"])
        self.node.run(["systemctl", "start", "delvegate-restore-api.service"], check=True)

    def show(self, unit, *properties):
        return self.node.run(["systemctl", "show", "--value", *(f"-p{one}" for one in properties), unit], check=True).stdout.split()

    def test_an_unusable_launcher_yaml(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.launcher.stop()
        good = self.node.read("/etc/delvegate/launcher.yaml")
        self.node.write("/etc/delvegate/launcher.yaml", "components: [\n", 0o600)
        answer = self.delvegate("restore").failed(1)
        self.assertIn("/etc/delvegate/launcher.yaml:", answer.err)
        self.node.write("/etc/delvegate/launcher.yaml", good, 0o600)
        self.assert_as_before()

    def test_neither_launcher_yaml_nor_journal(self):
        """What is held says itself where it belongs, and what runs in its place."""
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        self.launcher.stop()
        self.node.run(["sh", "-c", "rm -r /var/lib/delvegate/launcher; echo 'components: []' > /etc/delvegate/launcher.yaml"], check=True)
        answer = self.delvegate("restore", "--output", "json").succeeded()
        self.assertEqual([one["name"] for one in answer.json["reports"]], [NAME], answer)
        self.assert_as_before()

    def test_the_node_says_so(self):
        """An annotation and Events, by kubectl with the node's admin.conf; they are cleared at the return."""
        self.node.write("/usr/local/bin/kubectl", "#!/bin/sh\n{ printf '%s ' \"$@\"; cat; echo; } >> /run/kubectl.log\necho '{}'\n", 0o755)
        self.node.write("/etc/kubernetes/admin.conf", "", 0o600)
        self.launcher.start()

        def said(*words):
            return self.node.exists("/run/kubectl.log") and all(word in self.node.read("/run/kubectl.log") for word in words)
        self.delvegate("start", NAME).succeeded()
        waiting.until(lambda: f"the annotation\n{self.launcher.log()}",
                      lambda: said(f'"delvegate.io/detached":"{NAME} since ', "ComponentDetached"))
        self.delvegate("stop", NAME).succeeded()
        waiting.until("it cleared", lambda: said('"delvegate.io/detached":null', "ComponentReturned"))
        self.node.run(["rm", "/etc/kubernetes/admin.conf"], check=True)
        self.assert_as_before()


class RunsAgain(StaticPodCase):
    definition = dict(DEFINITION, onExit="restart")

    def test_what_ends_by_itself_is_started_again(self):
        self.launcher.start()
        self.delvegate("start", NAME).succeeded()
        first = self.kubelet.wait_duty(NAME)
        self.node.run(["kill", "-KILL", str(first["pid"])], check=True)

        def another():
            duty = self.kubelet.wait_duty(NAME)
            return duty if duty["pid"] != first["pid"] else None
        waiting.until(lambda: f"another one\n{self.launcher.log()}", another)
        waiting.until("running", lambda: '"state":"running"' in self.delvegate("status", "--output", "json").out.replace(" ", ""))
        self.assertFalse(self.node.exists(MANIFEST))
        self.assertIsNone(self.kubelet.running(NAME))
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


class WithoutElection(StaticPodCase):
    """Our arguments switch its leader election off: who else there is is asked of the API, before and while it is out."""
    definition = dict(DEFINITION, extraArgs=["--leader-elect=false"])

    def tearDown(self):
        self.node.run(["rm", "-f", "/etc/kubernetes/admin.conf"])

    def answers(self, *nodes):
        """A kubectl that knows no Lease, and a pod on each of these nodes."""
        pods = ",".join(f'{{"metadata":{{"name":"{NAME}-{one}"}},"spec":{{"nodeName":"{one}"}}}}' for one in nodes)
        missing = 'Error from server (NotFound): leases.coordination.k8s.io "x" not found'
        self.node.write("/usr/local/bin/kubectl.new", "#!/bin/sh\ncase \"$*\" in\n"
                        f"*/leases/*) echo '{missing}' >&2; exit 1;;\n*) echo '{{\"items\":[{pods}]}}';;\nesac\n", 0o755)
        self.node.run(["mv", "/usr/local/bin/kubectl.new", "/usr/local/bin/kubectl"], check=True)

    def said(self):
        plan = self.delvegate("inspect", NAME, "--output", "json").succeeded().json
        return [(one["severity"], one["text"]) for one in plan["findings"] if "leader election" in one["text"]]

    def test_another_one_is_seen_before_and_while_it_is_out(self):
        self.launcher.start()
        (how, text), = self.said()
        self.assertEqual(how, "warning", text)
        self.assertIn("is not known", text)
        self.node.write("/etc/kubernetes/admin.conf", "", 0o600)
        own = self.node.run(["hostname"], check=True).stdout.strip().lower()
        self.answers(own, "n2")
        (how, text), = self.said()
        self.assertEqual((how, f"pod {NAME}-n2 on node n2" in text), ("warning", True), text)
        self.answers(own)
        (how, text), = self.said()
        self.assertEqual((how, "the only instance" in text), ("note", True), text)
        self.delvegate("start", NAME).succeeded()

        def warned():
            return "there is another instance" in self.delvegate("status", "--output", "json").out
        self.assertFalse(warned())
        self.answers("n2")
        waiting.until(lambda: f"a warning\n{self.launcher.log()}", warned)
        self.assertFalse(self.node.exists(MANIFEST), "a scheduler is only told of")
        self.delvegate("stop", NAME).succeeded()
        self.node.run(["rm", "/etc/kubernetes/admin.conf"], check=True)
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
