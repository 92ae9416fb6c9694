"""The manifests come out as kubeadm's do: letter for letter those that the rig's stand-in kubelet runs. And the table says what was
seen."""

import os
import re
import types
import unittest
from unittest import mock

from harness import tools
from harness.rig import manifests as verbatim

from kubernetes import build, form, manifests, table
from kubernetes.cluster import CONTROL_PLANE

_ANY = build.Build("/nowhere", "v1.34.1", "v3.6.4")


def without_duty(text):
    """Less the stand-ins' own argument."""
    return re.sub(r"    - --lease=.*\n", "", text)


class FormTest(unittest.TestCase):
    def test_scheduler(self):
        self.assertEqual(manifests.scheduler(_ANY), without_duty(verbatim.scheduler()))

    def test_controller_manager(self):
        self.assertEqual(manifests.controller_manager(_ANY), without_duty(verbatim.controller_manager()))

    def test_all_of_the_control_plane(self):
        found = manifests.static_pods(_ANY, "node1", "10.77.0.2")
        self.assertEqual(sorted(found), [f"{name}.yaml" for name in CONTROL_PLANE])
        self.assertIn("    image: registry.k8s.io/etcd:3.6.4-0\n", found["etcd.yaml"])
        self.assertIn("\n    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 10.77.0.2:6443\n",
                      found["kube-apiserver.yaml"])

    def test_of_old(self):
        """As the launcher's own test has them, but for the registry, which later patches of 1.23 and 1.24 changed."""
        found = manifests.static_pods(build.Build("/nowhere", "v1.23.3", "v3.5.1"), "node1", "172.16.0.2")
        fixtures = os.path.join(tools.ROOT, "tests", "unit", "launcher", "manifests", "1.23")
        for name in os.listdir(fixtures):
            with open(os.path.join(fixtures, name), encoding="utf-8") as file:
                self.assertEqual(found[name], file.read().replace("image: k8s.gcr.io/", "image: registry.k8s.io/"), name)

    def test_what_would_be_read_as_something_else_is_quoted(self):
        for text in ("", "yes", "12", "1e3", "null", "a: b", "*x", "- a", "{}", "#", "a #b", "0x1f", "~", "end:"):
            self.assertEqual(form.yaml({"a": text}), f'a: "{text}"\n', text)
        for text in ("10.77.0.2:6443", "https://a:1/b", "system:node:node1", "0s", "--controllers=*,-x", "$(NODE_NAME)"):
            self.assertEqual(form.yaml({"a": text}), f"a: {text}\n", text)
        self.assertEqual(form.yaml({"b": [], "a": {}, "c": [{"v": 1, "x": ["z"]}], "d": "1\n2\n"}),
                         "a: {}\nb: []\nc:\n- v: 1\n  x:\n  - z\nd: |\n  1\n  2\n")


class TableTest(unittest.TestCase):
    def noted(self, body):
        """What a test of a story notes that does `body`."""
        class Told(unittest.TestCase):
            cluster, component = types.SimpleNamespace(version="v1.35.4"), "kubelet"

            @table.fills("detach")
            def test_it(self):
                body(self)
        with mock.patch.object(table, "note") as note:
            Told("test_it").run(unittest.TestResult())
        return note.call_args.args

    def test_what_passes_works(self):
        self.assertEqual(self.noted(lambda test: None), ("v1.35.4", "kubelet", ("detach",), "works"))

    def test_what_fails_does_not(self):
        def in_a_part(test):
            with test.subTest():
                test.fail()
        self.assertEqual(self.noted(lambda test: test.fail())[-1], "failed")
        self.assertEqual(self.noted(in_a_part)[-1], "failed")


if __name__ == "__main__":
    unittest.main()
