"""The cluster: a node of the rig that becomes what `kubeadm init` leaves behind, step by step as it does it."""

import contextlib
import io
import json
import os
import tarfile
import tempfile
import time

from harness import tools, waiting
from harness.rig import Node
from harness.rig.node import ADDRESS

from . import build, cache, images, kernel, kubelet, manifests, objects, pki, runtime

# A whole control plane comes up while the disk is busy; nothing here is a measurement.
DEADLINE = 4 * waiting.DEADLINE
ADMIN = "/etc/kubernetes/admin.conf"
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def debug_binary(version, name):
    """Where a node has the copy for the debugger."""
    return f"/opt/debug/{version}/{name}"


class Cluster:
    def __init__(self, line=build.LINE, name="node1", **more):
        """line: one of versions/. more: for the rig's Node."""
        self.build = build.build(line)
        self.version = self.build.version
        bindings = {self.build.stripped("kubelet"): "/usr/bin/kubelet", self.build.stripped("kubectl"): "/usr/bin/kubectl",
                    # The rig's disk leaves it out, for its stand-in kubelet has no runtime.
                    tools.find("CTR", "ctr"): "/usr/bin/ctr",
                    os.path.join(self.build.folder, "debug"): os.path.dirname(debug_binary(self.version, "x"))}
        self.node = Node(name=name, size="12g", bind=bindings, own=[runtime.STORE, kubelet.STATE], **more)
        self.containerd = runtime.Containerd(self.node)
        self.kubelet = kubelet.Kubelet(self.node, self.build.minor)
        self.took = {}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.node.stop()

    def start(self):
        """Returns when the node is Ready and all that runs on it is, too."""
        begun = time.monotonic()
        with self._timed("images"):
            archives = self._images()
        try:
            with self._timed("boot"):
                self.node.start()
            with self._timed("containerd"):
                self.containerd.install().start().load(archives)
            self._certificates()
            kernel.install(self.node)
            self.kubelet.install(ADDRESS)
            for name, text in manifests.static_pods(self.build, self.node.name, ADDRESS).items():
                self.node.write(f"{manifests.DIRECTORY}/{name}", text, 0o600)
            with self._timed("control plane"):
                self.kubelet.start()
                self.wait("the API server", lambda: self.kubectl("get", "--raw", "/readyz", as_root=True).returncode == 0)
            with self._timed("node ready"):
                self._after_the_api()
                self.wait_ready()
        except BaseException as error:
            print(self.state(), flush=True)
            self.stop()
            raise error
        self.took["all"] = time.monotonic() - begun
        print("cluster: " + ", ".join(f"{what} {seconds:.0f} s" for what, seconds in self.took.items()), flush=True)
        return self

    @contextlib.contextmanager
    def _timed(self, what):
        begun = time.monotonic()
        yield
        self.took[what] = time.monotonic() - begun

    def _images(self):
        folder = os.path.join(self.build.folder, "images")
        with cache.locked(os.path.basename(self.build.folder) + "-images"):
            if not os.path.isdir(folder):
                os.makedirs(folder + ".new", exist_ok=True)
                images.assemble(self.build, folder + ".new")
                os.rename(folder + ".new", folder)
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]

    def _certificates(self):
        with tempfile.TemporaryDirectory() as scratch:
            files = pki.Pki(scratch, self.node.name, ADDRESS, self.build.minor).files
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, text in files.items():
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode = len(text), 0o644 if path.endswith((".crt", ".pub")) else 0o600
                tar.addfile(entry, io.BytesIO(text.encode()))
        self.node.run(["tar", "-x", "-C", "/"], input=archive.getvalue(), text=False, check=True)

    def _after_the_api(self):
        if self.build.minor >= 29:
            self.apply([objects.administrators()], as_root=True)
        self.wait("the node's own object", lambda: self.kubectl("get", "node", self.node.name).returncode == 0)
        self.kubectl("label", "node", self.node.name, "node-role.kubernetes.io/control-plane=", "--overwrite", check=True)
        self.apply(objects.proxy(self.build, ADDRESS))

    # What a test asks.

    def kubectl(self, *words, as_root=False, check=False, **more):
        """As an administrator on the node; as_root: with what needs no rights to be granted first."""
        configuration = "/etc/kubernetes/super-admin.conf" if as_root and self.build.minor >= 29 else ADMIN
        return self.node.run(["kubectl", "--kubeconfig", configuration, "--request-timeout=20s", *words], check=check, **more)

    def get(self, *words):
        """Objects as dictionaries; None when there is no answer."""
        result = self.kubectl("get", *words, "--output=json")
        return json.loads(result.stdout) if result.returncode == 0 else None

    def apply(self, what, as_root=False):
        """Until it was taken: the API server refuses for a moment what it does not know yet."""
        said = {}

        def taken():
            said["last"] = self.kubectl("apply", "--server-side", "-f", "-", input=objects.listed(what), as_root=as_root)
            return said["last"].returncode == 0
        waiting.until(lambda: f"objects taken\n{said['last'].stderr}", taken, DEADLINE)

    def pods(self, namespace="kube-system", label=None):
        """[] when there is no answer."""
        found = self.get("pods", "-n", namespace, *(["-l", label] if label else []))
        return found["items"] if found else []

    def wait(self, what, condition, deadline=DEADLINE):
        return waiting.until(lambda: f"{what}\n{self.state()}", condition, deadline)

    def node_ready(self):
        node = self.get("node", self.node.name)
        return bool(node) and _says_ready(node)

    def wait_ready(self):
        self.wait("the node Ready", self.node_ready)
        self.wait("all pods of the control plane, and kube-proxy, ready", lambda: all(
            any(pod["metadata"]["name"].startswith(name) and is_ready(pod) for pod in self.pods())
            for name in (*CONTROL_PLANE, "kube-proxy")))

    def wait_running(self, app):
        """A pod of a deployment that runs and is ready."""
        return self.wait(f"a pod of {app} running", lambda: next(filter(is_ready, self.pods("default", f"app={app}")), None))

    def state(self):
        """For the message of a failure."""
        if not self.node.init:
            return ""
        try:
            return "\n".join([
                self.kubectl("get", "nodes,pods", "-A", "-o", "wide").stdout, self.containerd.ctr("tasks", "ls").stdout,
                "--- kubelet", self.kubelet.log(), "--- containerd", self.containerd.log()[-6000:]])
        except Exception as error:  # the node may be gone by now; what failed before is what matters
            return f"(no state: {error})"


def _says_ready(what):
    return any(one["type"] == "Ready" and one["status"] == "True" for one in what["status"].get("conditions", []))


def is_ready(pod):
    return pod["status"].get("phase") == "Running" and _says_ready(pod)
