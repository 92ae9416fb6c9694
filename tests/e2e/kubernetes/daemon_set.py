"""What the stories of DaemonSets' pods share: a user of the API for the launcher who may do what is shipped, and a second node."""

import json
import os

from harness import tools

from . import objects
from .cluster import is_ready

USER = "delvegate-launcher"
KUBECONFIG = "/etc/delvegate/launcher.conf"
SECOND = "node2"
_SECOND_ADDRESS = "10.77.0.3"
_ROLES = os.path.join(tools.ROOT, "packaging", "kubernetes")
# kubeadm's way for a user of one's own, without kubeadm: a certificate by the cluster's authority.
_NEW_USER = """set -e
umask 077
cd "$(mktemp -d)"
pki=/etc/kubernetes/pki
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -subj "/CN=$1" -out request
openssl x509 -req -in request -CA $pki/ca.crt -CAkey $pki/ca.key -set_serial 0x$(openssl rand -hex 8) -days 2 -out crt
rm -f "$2"
config="kubectl config --kubeconfig=$2"
$config set-cluster kubernetes --server="$3" --certificate-authority=$pki/ca.crt --embed-certs
$config set-credentials "$1" --client-certificate=crt --client-key=key --embed-certs
$config set-context it --cluster=kubernetes --user="$1"
$config use-context it
"""
# The API server counts the template's changes there, there and back again, and nobody can set it.
_COUNTER = "deprecated.daemonset.template.generation"


def grant(cluster, server):
    """The launcher's user with the Roles as they are shipped, and its kubeconfig on the node."""
    for name in ("kube-proxy-role.yaml", "node-notice-role.yaml"):
        with open(os.path.join(_ROLES, name), encoding="utf-8") as file:
            cluster.kubectl("apply", "-f", "-", input=file.read().replace("NODE", cluster.node.name), check=True)
    cluster.node.run(["sh", "-c", _NEW_USER, "sh", USER, KUBECONFIG, server], check=True)


def add_second_node(cluster, label):
    """A Node that has nothing but its name and its status. The scheduler gives it the pod; that it runs is said here."""
    ready = [{"type": "Ready", "status": "True", "reason": "Said", "message": "by the test"}]
    cluster.apply([objects.node(SECOND)])
    _say(cluster, "node", SECOND, {
        "conditions": ready, "addresses": [{"type": "InternalIP", "address": _SECOND_ADDRESS}],
        **{what: {"cpu": "2", "memory": "4Gi", "pods": "10"} for what in ("capacity", "allocatable")}})
    pod = cluster.wait(f"a pod for {SECOND}", lambda: pod_of(cluster, SECOND, label))
    _say(cluster, "pod", pod["metadata"]["name"], {
        "phase": "Running", "hostIP": _SECOND_ADDRESS, "podIP": _SECOND_ADDRESS, "podIPs": [{"ip": _SECOND_ADDRESS}],
        "conditions": ready}, "-n", "kube-system")


def remove_second_node(cluster, label):
    cluster.kubectl("delete", "node", SECOND)
    cluster.kubectl("delete", "pod", "-n", "kube-system", "-l", label, "--field-selector", f"spec.nodeName={SECOND}", "--force")


def _say(cluster, kind, name, status, *where):
    cluster.kubectl("patch", kind, name, *where, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}),
                    check=True)


def pod_of(cluster, node, label):
    return next((pod for pod in cluster.pods(label=label) if pod["spec"].get("nodeName") == node
                 and "deletionTimestamp" not in pod["metadata"]), None)


class DaemonSet:
    """Mixed into a Story. label: of its pods."""

    definition = {"kind": "daemon-set", "kubeconfig": KUBECONFIG}
    label = None

    def setUp(self):
        super().setUp()
        self.revision = self.hash_of(self.wait_pod())
        self.second = pod_of(self.cluster, SECOND, self.label)["metadata"]["uid"]

    def hash_of(self, pod):
        return pod["metadata"]["labels"]["controller-revision-hash"]

    def snapshot(self):
        found = self.cluster.get("daemonset", "-n", "kube-system", self.component)
        notes = {key: text for key, text in found["metadata"]["annotations"].items() if key != _COUNTER}
        return found["spec"], found["metadata"]["labels"], notes

    def wait_pod(self):
        """This node's, ready."""
        def ready():
            pod = pod_of(self.cluster, self.node.name, self.label)
            return pod if pod and is_ready(pod) else None
        return self.cluster.wait(f"the pod of {self.component} ready", ready)

    def assert_other_node_untouched(self):
        pod = pod_of(self.cluster, SECOND, self.label)
        self.assertEqual((pod["metadata"]["uid"], pod["status"]["phase"]), (self.second, "Running"))

    def wait_taken_out(self):
        def gone():
            found = self.cluster.get("pods", "-n", "kube-system", "-l", self.label)
            return found is not None and self.node.name not in [pod["spec"].get("nodeName") for pod in found["items"]]
        self.cluster.wait(f"the pod of {self.component} gone", gone)
        self.assert_other_node_untouched()

    def wait_back(self):
        def clean():
            found = self.cluster.get("daemonset", "-n", "kube-system", self.component)
            return found and "delvegate" not in json.dumps(found["metadata"].get("annotations"))
        self.cluster.wait("nothing of ours in the DaemonSet", clean)
        self.assertEqual(self.hash_of(self.wait_pod()), self.revision)
        self.assert_other_node_untouched()
        newest = max(self.cluster.get("controllerrevisions", "-n", "kube-system", "-l", self.label)["items"],
                     key=lambda one: one["revision"])
        self.assertEqual(newest["metadata"]["name"], f"{self.component}-{self.revision}")
        self.assertFalse(self.node.exists(f"/run/delvegate/launcher/.files/{self.component}"))
