"""containerd with Debian's runc and network plugins, as a service of the node."""

import json
import os

from harness import waiting

from .images import PAUSE

SOCKET = "/run/containerd/containerd.sock"
STORE = "/var/lib/containerd"
_NETWORK = "10.244.0.0/24"  # of the first node that the controller manager gives one
_CONFIGURATION = f"""version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true
"""
_PODS_NETWORK = {
    "cniVersion": "0.4.0", "name": "pods",
    "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
                 "ipam": {"type": "host-local", "ranges": [[{"subnet": _NETWORK}]], "routes": [{"dst": "0.0.0.0/0"}]}},
                {"type": "portmap", "capabilities": {"portMappings": True}}]}


class Containerd:
    def __init__(self, node):
        self.node = node

    def install(self):
        self.node.write("/etc/containerd/config.toml", _CONFIGURATION)
        self.node.write("/etc/cni/net.d/10-pods.conflist", json.dumps(_PODS_NETWORK, indent=2) + "\n")
        return self

    def start(self):
        self.node.run(["systemctl", "enable", "--now", "containerd"], check=True)
        waiting.until(lambda: f"containerd answers\n{self.log()}", lambda: self.ctr("version").returncode == 0)
        return self

    def ctr(self, *words, check=False, **more):
        return self.node.run(["ctr", "--address", SOCKET, "--namespace", "k8s.io", *words], check=check, **more)

    def load(self, archives):
        """Archives of images, by their path on this side."""
        for archive in archives:
            with open(archive, "rb") as file:
                result = self.ctr("images", "import", "-", stdin=file, timeout=4 * waiting.DEADLINE)
            if result.returncode:
                raise AssertionError(f"{os.path.basename(archive)} was not imported\n{result.stdout}{result.stderr}")

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-n", "100", "-u", "containerd"]).stdout
