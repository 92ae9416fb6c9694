"""A node without systemd: its first process only waits, kubelet and launcher are plain processes, and cgroups are there to
be made. Beyond that it is as node.py's, but without a cable."""

import contextlib
import json
import os
import signal
import subprocess

from .. import process, waiting
from . import cgroups, delvegate, kubelet
from .node import Node

# First in the node's group of every hierarchy, which so becomes the root of what the node sees; then in one below it, since a
# group with processes gives no controller to others. Last it waits for nothing, and buries whoever is left to it.
_FIRST = """
set -e
n=$1; shift
while [ $n -gt 0 ]; do echo 0 > "$1"; shift; n=$((n-1)); done
exec unshare --cgroup --propagation private /bin/sh -c "$0" "$@"
"""
_SECOND = """
set -e
root=$0
hostname "$1"; shift
while [ $# -gt 0 ]; do
    mkdir -p "$(dirname "$root$2")"; touch "$root$2"; mount --bind "$1" "$root$2"; mount -o remount,bind,ro "$root$2"; shift 2
done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
groups="$root/sys/fs/cgroup"
if grep -q " /sys/fs/cgroup cgroup2 " /proc/self/mounts; then
    mount -t cgroup2 cgroup2 "$groups"
    own=$groups
else
    mount -t tmpfs -o mode=0755 tmpfs "$groups"
    mkdir "$groups/unified" "$groups/memory"
    mount -t cgroup2 cgroup2 "$groups/unified"
    mount -t cgroup -o memory memory "$groups/memory"
    own="$groups/unified"
fi
mkdir -p "$own/init.scope"
echo 0 > "$own/init.scope/cgroup.procs"
cd "$root"
mkdir -p .before
pivot_root . .before
umount -l /.before
ip link set lo up
trap '' CHLD
exec sleep infinity
"""


class PlainNode(Node):
    def boot(self):
        outside = cgroups.create(f"{self.id}/outside")
        words = [word for binding in self.bindings.items() for word in binding]
        first = ["/bin/sh", "-c", _FIRST, _SECOND, str(len(self._launch)), *self._launch, self.root, self.name, *words]
        command = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
                   "--propagation", "private", *first]
        with open(os.path.join(self.directory, "boot.log"), "ab") as log:
            self._machine = subprocess.Popen(cgroups.joining(outside, self.in_holder(command)), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, start_new_session=True)
        self.init = waiting.until(lambda: f"the node's first process\n{self.boot_log()}", self._find_init)
        self.boots += 1

    def _find_init(self):
        if self._machine.poll() is not None:
            raise AssertionError(f"the node ended with {self._machine.returncode}\n{self.boot_log()}")
        for pid in process.descendants(self._machine.pid):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                    if file.read() == "sleep\0infinity\0":
                        return pid
        return None

    def groups(self):
        """Of delvegate's own, by their units' names."""
        return self.run(["sh", "-c", "ls -d /sys/fs/cgroup/delvegate/*/ /sys/fs/cgroup/*/delvegate/*/ 2>/dev/null"]).stdout.split()

    def without_cgroups(self):
        self.run(["umount", "--recursive", "--lazy", "/sys/fs/cgroup"], check=True)


class PlainKubelet(kubelet.Kubelet):
    def _installed(self):
        pass

    def start(self):
        self.guest = self.node.spawn("kubelet", [
            "/usr/bin/kubelet", "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
            "--kubeconfig=/etc/kubernetes/kubelet.conf", "--config=/var/lib/kubelet/config.yaml", *self.flags])
        return self

    def stop(self):
        self.guest.signal(signal.SIGTERM)
        self.guest.wait()

    def restart(self):
        self.stop()
        self.start()

    def log(self):
        return self.guest.errors()


class PlainLauncher(delvegate.Launcher):
    """As whatever starts services on such a node starts it."""

    def install(self):
        self.node.run(["sh", "-c", "mkdir -p /etc/delvegate /run/delvegate /var/lib/delvegate /var/log/delvegate"], check=True)
        self.node.write(delvegate.CONFIG, json.dumps(self.configuration, indent=2) + "\n", 0o600)
        self.starts = 0
        return self

    def start(self):
        path = self.configuration.get("socket", "/run/delvegate/launcher.sock")
        self.node.run(["rm", "-f", path], check=True)
        self.starts += 1
        self.guest = self.node.spawn(f"launcher-{self.starts}", ["/usr/bin/delvegate", "launcher"], env=self.node.sanitizers())
        self.guest.wait_for(f"its socket {path}", lambda: self.node.exists(path))
        return self

    def stop(self):
        self.guest.signal(signal.SIGTERM)
        self.guest.wait()

    def pid(self):
        return self.guest.pid if self.guest.running() else None

    def kill(self):
        self.guest.signal(signal.SIGKILL)
        self.guest.wait()

    def log(self):
        return self.guest.output() + self.guest.errors()
