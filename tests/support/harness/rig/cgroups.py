"""Cgroups of the rig: one of the same name in every hierarchy the host has mounted, v1, v2 or both."""

import contextlib
import itertools
import os
import signal
import tempfile

from .. import waiting

ROOT = "/sys/fs/cgroup"
PREFIX = "delvegate-rig-"
_numbers = itertools.count(1)


def hierarchies():
    """Mount points of the host's hierarchies."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        fields = [line.split() for line in mounts]
    return sorted({field[1] for field in fields if field[2] in ("cgroup", "cgroup2") and field[1].startswith(ROOT)})


def start_time(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def new_name():
    """A name that tells whose it is, so that what a killed test left can be swept."""
    return f"{PREFIX}{os.getpid()}-{start_time(os.getpid())}-{next(_numbers)}"


def stale(name):
    parts = name[len(PREFIX):].split("-")
    return name.startswith(PREFIX) and len(parts) == 3 and start_time(parts[0]) != parts[1]


def make(path):
    os.makedirs(path, exist_ok=True)
    for setting in ("cpuset.cpus", "cpuset.mems"):  # empty in a new v1 group, which then takes no process
        mine, above = os.path.join(path, setting), os.path.join(os.path.dirname(path), setting)
        if os.path.exists(mine) and os.path.exists(above):
            with open(mine, encoding="ascii") as file:
                unset = not file.read().strip()
            if unset:
                with open(above, encoding="ascii") as file:
                    value = file.read().strip()
                if value:
                    with open(mine, "w", encoding="ascii") as file:
                        file.write(value)
    return path


def create(name):
    """The `cgroup.procs` to write to, one per hierarchy."""
    with contextlib.suppress(OSError):  # v2 alone: what is not enabled above cannot be used below
        with open(os.path.join(ROOT, "cgroup.controllers"), encoding="ascii") as file:
            wanted = " ".join("+" + controller for controller in file.read().split())
        with open(os.path.join(ROOT, "cgroup.subtree_control"), "w", encoding="ascii") as file:
            file.write(wanted)
    return [os.path.join(make(os.path.join(mount, name)), "cgroup.procs") for mount in hierarchies()]


def beside_init(init):
    """The `cgroup.procs` of a group next to the one in which a node's systemd is."""
    mounts = {}
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, path, kind, options = line.split()[:4]
            if kind == "cgroup2":
                mounts.setdefault("", path)
            elif kind == "cgroup":
                for option in options.split(","):
                    mounts.setdefault(option, path)
    files = []
    with open(f"/proc/{init}/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            mount = mounts.get(controllers) or mounts.get(controllers.split(",")[0])
            if mount and path.startswith("/" + PREFIX):
                above = path[:-len("/init.scope")] if path.endswith("/init.scope") else path
                files.append(os.path.join(make(f"{mount}{above}/rig.test"), "cgroup.procs"))
    return files


def joining(files, command):
    """The command, as run by a process that has gone into these groups before."""
    script = 'n=$1; shift; while [ $n -gt 0 ]; do echo 0 > "$1" || exit 125; shift; n=$((n-1)); done; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", str(len(files)), *files, *command]


def members(file):
    """Pids that a `cgroup.procs` lists; 0 is somebody in another PID namespace."""
    with contextlib.suppress(OSError), open(file, encoding="ascii") as lines:
        return {int(line) for line in lines.read().split()} - {0, os.getpid()}
    return set()


def elsewhere(pid):
    """Whether a process is in another PID namespace than this test."""
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    return False


def kill(files, all_of_them=True):
    """Ends whoever is in these groups, or those in other PID namespaces: the nsenter that waits for one goes by itself,
    and must not go before, since its child would then be the host's to bury."""
    def gone():
        left = set().union(*map(members, files))
        for pid in left:
            if all_of_them or elsewhere(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return not left
    waiting.until("the processes of a cgroup gone", gone)


def remove(name):
    """Kills whoever is still in the groups, and removes them."""
    def gone():
        for mount in hierarchies():
            for folder, _, _ in os.walk(os.path.join(mount, name), topdown=False):
                kill([os.path.join(folder, "cgroup.procs")])
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        return not any(os.path.exists(os.path.join(mount, name)) for mount in hierarchies())
    waiting.until(f"the cgroups {name} empty", gone)


def sweep():
    """Removes what test runs that no longer live have left: cgroups and empty folders. Their processes and mounts
    ended with them (node.py)."""
    for mount in hierarchies():
        for name in os.listdir(mount):
            if stale(name):
                remove(name)
    for name in os.listdir(tempfile.gettempdir()):
        if stale(name):
            folder = os.path.join(tempfile.gettempdir(), name)
            for path, folders, files in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    for entry in files:
                        os.unlink(os.path.join(path, entry))
                    for entry in folders:
                        os.rmdir(os.path.join(path, entry))
            with contextlib.suppress(OSError):
                os.rmdir(folder)
