#!/usr/bin/env python3
"""packaging/kubernetes, by the API's own schemas, and what it must not ask for. Run by the Python in which scripts/install-deps has put
kubernetes-validate."""

import copy
import os
import re
import unittest

import kubernetes_validate
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "packaging", "kubernetes")
VERSIONS = ("1.25", "1.35")


def objects(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return [one for one in yaml.safe_load_all(file) if one]


def of_kind(kind):
    return [one for name in sorted(os.listdir(FOLDER)) for one in objects(name) if one["kind"] == kind]


class Manifests(unittest.TestCase):
    def test_the_api_knows_every_field(self):
        for name in sorted(os.listdir(FOLDER)):
            for one in objects(name):
                for version in VERSIONS:
                    kubernetes_validate.validate(one, version, strict=True)

    def test_one_that_it_does_not_know_would_be_seen(self):
        spoilt = copy.deepcopy(of_kind("DaemonSet")[0])
        spoilt["spec"]["template"]["spec"]["containers"][0]["securityContext"]["runAsNobody"] = True
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(spoilt, VERSIONS[-1], strict=True)

    def test_the_gateway_has_no_privilege(self):
        daemon, = of_kind("DaemonSet")
        pod = daemon["spec"]["template"]["spec"]
        for key in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
            self.assertNotIn(key, pod)
        self.assertIs(pod["automountServiceAccountToken"], False)
        gateway, = pod["containers"]
        context = gateway["securityContext"]
        self.assertEqual((context["runAsNonRoot"], context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]), (True, False, True))
        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
        self.assertEqual([one["hostPort"] for one in gateway["ports"]], [7443])
        paths = {volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
        self.assertEqual(paths, {"/run/delvegate", "/var/lib/delvegate-pod"})
        first, = pod["initContainers"]
        self.assertEqual([mount["name"] for mount in first["volumeMounts"]], ["state"], "root's container sees the one directory that it makes")

    def test_the_api_gives_it_nothing(self):
        """No role is bound to a ServiceAccount; those that are bound name the launcher's user, their objects, and no wildcard."""
        for binding in of_kind("RoleBinding") + of_kind("ClusterRoleBinding"):
            self.assertEqual([(one["kind"], one["name"]) for one in binding["subjects"]], [("User", "delvegate-launcher")])
        for role in of_kind("Role") + of_kind("ClusterRole"):
            for rule in role["rules"]:
                self.assertNotIn("*", rule["verbs"] + rule["resources"] + rule["apiGroups"])
                if set(rule["verbs"]) & {"patch", "update", "delete"}:
                    self.assertTrue(rule["resourceNames"], rule)

    def test_the_network_lets_one_port_in_and_nothing_out(self):
        policy, = of_kind("NetworkPolicy")
        daemon, = of_kind("DaemonSet")
        self.assertEqual(policy["spec"]["podSelector"], daemon["spec"]["selector"])
        self.assertEqual(sorted(policy["spec"]["policyTypes"]), ["Egress", "Ingress"])
        self.assertEqual(policy["spec"]["egress"], [])
        self.assertEqual([rule["ports"] for rule in policy["spec"]["ingress"]], [[{"protocol": "TCP", "port": 7443}]])

    def test_the_image_and_the_pods_agree(self):
        with open(os.path.join(ROOT, "packaging", "container", "Containerfile"), encoding="utf-8") as file:
            text = file.read()
        daemon, = of_kind("DaemonSet")
        pod = daemon["spec"]["template"]["spec"]
        user = pod["containers"][0]["securityContext"]
        self.assertIn(f"USER {user['runAsUser']}:{user['runAsGroup']}\n", text)
        self.assertIn(f"--owner={user['runAsUser']}", pod["initContainers"][0]["command"])
        self.assertEqual(pod["securityContext"]["fsGroup"], user["runAsGroup"], "whose the Secret's files are to read")
        runtime = re.search(r'"--runtime-directory", "([^"]+)"', text).group(1)
        for probe in ("readinessProbe", "livenessProbe"):
            command = pod["containers"][0][probe]["exec"]["command"]
            self.assertEqual(command[:2], ["delvegate", "sessions"], "which nobody but the gateway answers")
            self.assertIn(runtime, command)
        with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
            version = re.search(r"project\(delvegate VERSION ([0-9.]+)", file.read()).group(1)
        for one in pod["containers"] + pod["initContainers"]:
            self.assertEqual(one["image"], f"delvegate:{version}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
