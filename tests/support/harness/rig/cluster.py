"""A stand-in for the cluster that a node belongs to, on the laptop: an API server, the controller of DaemonSets, and other
nodes that have nothing but their names. With it, kube-proxy as kubeadm's DaemonSet."""

import json
import os
import re
import ssl
import subprocess
import urllib.error
import urllib.request

from .. import tools, waiting
from . import manifests, programs
from .kubelet import DEBUG_DIRECTORY

ADDRESS = "10.77.0.1:6443"
LAUNCHERS_KUBECONFIG = "/etc/delvegate/kube-proxy.conf"
SET = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
ROLE = os.path.join(tools.ROOT, "packaging", "kubernetes", "kube-proxy-role.yaml")

_CONFIG = """apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
healthzBindAddress: ""
hostnameOverride: ""
kind: KubeProxyConfiguration
metricsBindAddress: ""
mode: ""
"""
# kubeadm's, which finds the cluster by the pod's account.
PROXY_KUBECONFIG = """apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
    server: https://{address}
  name: default
contexts:
- context:
    cluster: default
    namespace: default
    user: default
  name: default
current-context: default
users:
- name: default
  user:
    tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
"""


def proxy():
    """kubeadm's DaemonSet of 1.34."""
    container = {"name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1.34.1", "imagePullPolicy": "IfNotPresent",
                 "command": ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf",
                             "--hostname-override=$(NODE_NAME)"],
                 "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}}],
                 "securityContext": {"privileged": True},
                 "volumeMounts": [{"mountPath": "/var/lib/kube-proxy", "name": "kube-proxy"},
                                  {"mountPath": "/run/xtables.lock", "name": "xtables-lock"}]}
    spec = {"containers": [container], "hostNetwork": True, "nodeSelector": {"kubernetes.io/os": "linux"},
            "priorityClassName": "system-node-critical", "serviceAccount": "kube-proxy", "serviceAccountName": "kube-proxy",
            "terminationGracePeriodSeconds": 30, "tolerations": [{"operator": "Exists"}],
            "volumes": [{"configMap": {"defaultMode": 420, "name": "kube-proxy"}, "name": "kube-proxy"},
                        {"hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}, "name": "xtables-lock"}]}
    labels = {"k8s-app": "kube-proxy"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"name": "kube-proxy", "namespace": "kube-system", "labels": labels,
                         "annotations": {"deprecated.daemonset.template.generation": "1"}},
            "spec": {"revisionHistoryLimit": 10, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": spec},
                     "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}}


def shipped_rules():
    """Of the Role that is shipped, which is all that the launcher may here."""
    with open(ROLE, encoding="utf-8") as file:
        text = re.sub(r"^\s*#.*\n", "", file.read(), flags=re.M).split("rules:\n")[1].split("---")[0]
    rules = []
    for part in text.split("- apiGroups:")[1:]:
        lists = {key: [word.strip() for word in words.split(",")] for key, words in re.findall(r"(\w+): \[(.*?)\]", part)}
        rules.append({"resources": lists["resources"], "names": lists.get("resourceNames", []), "verbs": lists["verbs"]})
    return rules


class Cluster:
    def __init__(self, node, others=("node2",)):
        self.node = node
        self.directory = os.path.join(node.directory, "cluster")
        self.nodes = ",".join([f"{node.name}=kubelet", *others])
        self.server = None
        os.mkdir(self.directory, 0o700)
        with open(os.path.join(self.directory, "roles.json"), "w", encoding="utf-8") as file:
            json.dump({"delvegate-launcher": shipped_rules()}, file)

    def start(self):
        """The API server; everything that one before it knew is still there."""
        path = os.path.join(self.directory, "server.log")
        with open(path, "wb") as log:
            self.server = subprocess.Popen(
                ["nsenter", "-t", str(self.node._first), "-n", "--", "setpriv", "--pdeathsig", "KILL", programs.build("cluster", False),
                 self.directory, ADDRESS, self.nodes,
                 f"kubernetes-admin,delvegate-launcher,system:node:{self.node.name}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            with open(path, encoding="utf-8") as log:
                said = log.read()
            if self.server.poll() is not None:
                raise AssertionError(f"the stand-in API server ended\n{said}")
            return "ready" in said
        waiting.until("the stand-in API server", ready)
        return self

    def stop(self):
        if self.server:
            self.server.kill()
            self.server.wait()
            self.server = None

    def join(self):
        """The node's kubelet and the launcher get their kubeconfigs, and the cluster its kube-proxy."""
        for name, target in ((f"system:node:{self.node.name}", "/etc/kubernetes/kubelet.conf"),
                             ("admin", "/etc/kubernetes/admin.conf"), ("delvegate-launcher", LAUNCHERS_KUBECONFIG)):
            self.node.install(os.path.join(self.directory, f"{name}.conf"), target, 0o600)
        self.node.install(programs.build("proxy", False), "/usr/local/bin/kube-proxy")
        self.node.install(programs.build("proxy", True), f"{DEBUG_DIRECTORY}/kube-proxy")
        if os.environ.get("DELVEGATE_KUBECTL"):
            self.node.install(os.environ["DELVEGATE_KUBECTL"], "/usr/local/bin/kubectl")
        with open(os.path.join(self.directory, "ca.crt"), encoding="ascii") as file:
            authority = file.read()
        core = "/api/v1/namespaces/kube-system"
        self.create(f"{core}/serviceaccounts", "ServiceAccount", "kube-proxy")
        self.create(f"{core}/configmaps", "ConfigMap", "kube-root-ca.crt", data={"ca.crt": authority})
        self.create(f"{core}/configmaps", "ConfigMap", "kube-proxy",
                    data={"config.conf": _CONFIG, "kubeconfig.conf": PROXY_KUBECONFIG.format(address=ADDRESS)})
        self.call("POST", SET.rpartition("/")[0], proxy())
        return self

    # As the cluster's administrator.

    def create(self, path, kind, name, **more):
        return self.call("POST", path, {"apiVersion": "v1", "kind": kind,
                                        "metadata": {"name": name, "namespace": "kube-system"}, **more})

    def call(self, method, path, body=None, kind="application/json"):
        with open(os.path.join(self.directory, "kubernetes-admin.conf"), encoding="ascii") as file:
            token = re.search(r"token: (\w+)", file.read())[1]
        trust = ssl.create_default_context(cafile=os.path.join(self.directory, "ca.crt"))
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
        request = urllib.request.Request(f"https://{ADDRESS}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"Bearer {token}", "Content-Type": kind})
        try:
            with self.node.laptop(), direct.open(request, timeout=waiting.DEADLINE) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(text) if text else None

    def edit(self, *operations, path=SET):
        return self.call("PATCH", path, list(operations), "application/json-patch+json")

    def surprise(self, edit=None, lose=False):
        """Of the launcher's next patch: before it somebody else edits the object; its answer is lost."""
        self.call("POST", "/rig/surprise", {"edit": edit, "lose": lose})

    def set(self):
        return self.call("GET", SET)

    def pods(self, node, ending=False):
        """Of the DaemonSet on a node; those that are ending are left out."""
        items = self.call("GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}&labelSelector=k8s-app%3Dkube-proxy")["items"]
        return [pod for pod in items if ending or "deletionTimestamp" not in pod["metadata"]]

    def ready(self, node):
        """The node's pod, if it is ready."""
        for pod in self.pods(node):
            if {"type": "Ready", "status": "True"} in pod.get("status", {}).get("conditions", []):
                return pod
        return None

    def wait_ready(self, node):
        return waiting.until(lambda: f"the pod of {node} ready\n{json.dumps(self.pods(node, True), indent=1)}", lambda: self.ready(node))

    def revisions(self):
        """{name: number}"""
        items = self.call("GET", "/apis/apps/v1/namespaces/kube-system/controllerrevisions")["items"]
        return {each["metadata"]["name"]: each["revision"] for each in items}

    def requests(self):
        """What has been asked of the API server, and by whom."""
        with open(os.path.join(self.directory, "requests.log"), encoding="utf-8") as log:
            return [json.loads(line) for line in log]

    def duty(self):
        return json.loads(self.node.read_or_nothing(manifests.lease("kube-proxy")) or "{}")

    def logs(self):
        """What kube-proxies of the node have said."""
        return self.node.run(["sh", "-c", "tail -n 5 /var/log/pods/*/kube-proxy/*.log; journalctl -b -o cat -n 20 -u kubelet"]).stdout

    def wait_duty(self, synced=True):
        """Until the node's kube-proxy has done its duty once more; synced: with an answer of the API server's."""
        before = self.duty()

        def done():
            now = self.duty()
            fresh = now.get("renewTime") != before.get("renewTime")
            return now if fresh and (not synced or now["trouble"] == "") else None
        return waiting.until(lambda: f"kube-proxy's duty done\n{self.duty()}\n{self.logs()}", done)
