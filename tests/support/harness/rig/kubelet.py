"""The stand-in kubelet as a service of the node, installed as kubeadm and its packages install the real one."""

import json

from .. import waiting
from . import manifests, programs

DEBUG_DIRECTORY = f"/opt/debug/{programs.VERSION}"
IMAGES = "/opt/rig/images"
STATE = "/run/rig-kubelet"
LEASE = f"{manifests.LEASES}/kubelet"
COMPONENTS = ("kube-scheduler", "kube-controller-manager")

UNIT = """[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
"""
DROP_IN = """# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
# This is a file that "kubeadm init" and "kubeadm join" generates at runtime, populating the KUBELET_KUBEADM_ARGS variable dynamically
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
# This is a file that the user can use for overrides of the kubelet args as a last resort.
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""
_FILES = {f"/etc/kubernetes/pki/{name}": f"{name}, of the rig\n"
          for name in ("ca.crt", "ca.key", "front-proxy-ca.crt", "sa.key", "sa.pub")}
_FILES.update({f"/etc/kubernetes/{name}.conf": f"apiVersion: v1\nkind: Config\ncurrent-context: {name}\n"
               for name in ("admin", "scheduler", "controller-manager", "kubelet")})
_FILES["/srv/kubernetes/scheduler/scheduler.conf"] = "apiVersion: v1\nkind: Config\ncurrent-context: elsewhere\n"


class Kubelet:
    def __init__(self, node, list_every="20s", backoff="10s", backoff_max="5m", flags=(), directory=manifests.DIRECTORY):
        """directory: what the configuration file says; flags: more of them, in /etc/default/kubelet."""
        self.node = node
        self.directory = directory
        self.flags = [f"--rig-backoff={backoff}", f"--rig-backoff-max={backoff_max}", f"--rig-lease={LEASE}", *flags]
        self.list_every = list_every

    def install(self):
        """Puts everything in place: programs, unit, configuration, a cluster's files; starts nothing."""
        node = self.node
        node.install(programs.build("kubelet", False), "/usr/bin/kubelet")
        node.install(programs.build("kubelet", True), f"{DEBUG_DIRECTORY}/kubelet")
        for name in COMPONENTS:
            node.install(programs.build("component", False), f"{IMAGES}/{name}")
            node.install(programs.build("component", True), f"{DEBUG_DIRECTORY}/{name}")
        for path, text in _FILES.items():
            node.write(path, text, 0o600)
        node.run(["mkdir", "-p", self.directory, manifests.DIRECTORY, manifests.LEASES], check=True)
        node.write("/usr/lib/systemd/system/kubelet.service", UNIT)
        node.write("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", DROP_IN)
        node.write("/var/lib/kubelet/kubeadm-flags.env",
                   'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///var/run/containerd/containerd.sock '
                   '--pod-infra-container-image=registry.k8s.io/pause:3.10"\n')
        node.write("/etc/default/kubelet", f'KUBELET_EXTRA_ARGS="{" ".join(self.flags)}"\n')
        node.write("/var/lib/kubelet/config.yaml",
                   "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthentication:\n"
                   f"  anonymous:\n    enabled: false\nfileCheckFrequency: {self.list_every}\nhealthzPort: 10248\n"
                   f"staticPodPath: {self.directory}\n")
        self._installed()
        return self

    def _installed(self):
        self.node.run(["systemctl", "daemon-reload"], check=True)

    def start(self):
        self.node.run(["systemctl", "enable", "--now", "kubelet"], check=True)
        return self

    def stop(self):
        self.node.run(["systemctl", "stop", "kubelet"], check=True)

    def restart(self):
        self.node.run(["systemctl", "restart", "kubelet"], check=True)

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", "kubelet"]).stdout

    def pods(self):
        """As the kubelet's state file has them; [] before there is one."""
        return json.loads(self.node.read_or_nothing(f"{STATE}/pods.json") or "[]")

    def pod(self, name, wanted=True):
        """The pod of a manifest of this name, wanted (its manifest is there) or not."""
        full = f"{name}-{self.node.name}"
        return next((pod for pod in self.pods() if pod["name"] == full and pod["wanted"] == wanted), None)

    def running(self, name, container=None):
        """The running container of a wanted pod: its dictionary, with pid as the node sees it."""
        for one in (self.pod(name) or {}).get("containers") or []:
            if one["name"] == (container or name) and one["finishedAt"].startswith("0001") and not one["killing"]:
                if self.node.start_time(one["pid"]) == int(one["startTime"] or 0):
                    return one
        return None

    def wait_running(self, name, container=None, other_than=None, deadline=waiting.DEADLINE):
        """Until it runs as a program (not its set-up); other_than: a container before, which must be another one."""
        def check():
            one = self.running(name, container)
            if one and (not other_than or one["id"] != other_than["id"]):
                argv = self.node.processes().get(one["pid"], [""])
                return one if argv[0] != "rig-container" else None
            return None
        return waiting.until(lambda: f"{name} running\n{self.pods()}\n{self.log()}", check, deadline)

    def wait_gone(self, one, deadline=waiting.DEADLINE):
        """Until the process of this container has ended."""
        waiting.until(lambda: f"{one['name']} gone\n{self.log()}",
                      lambda: self.node.start_time(one["pid"]) != int(one["startTime"]), deadline)

    def put(self, name, text, mode=0o600):
        """A manifest into the directory, complete at once."""
        self.node.write(f"{self.directory}/{name}", text, mode)

    def duty(self, name):
        """What the component last wrote into its lease; {} when it never did."""
        return json.loads(self.node.read_or_nothing(manifests.lease(name)) or "{}")

    def wait_duty(self, name, deadline=waiting.DEADLINE):
        """Until one full duty more is done than when asked."""
        before = self.duty(name)

        def done():
            now = self.duty(name)
            return now if now.get("renewTime") != before.get("renewTime") and not now.get("released") else None
        return waiting.until(lambda: f"duty of {name} done\n{self.duty(name)}", done, deadline)
