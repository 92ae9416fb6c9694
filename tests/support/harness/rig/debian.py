"""A clean Debian of this host's release, with the packages that one names and what they need, and nothing else: made once, kept in the
user's cache."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess

from .. import tools

# What a node needs to boot, and the rig to look at it.
_NODE = ("systemd", "systemd-sysv", "dbus", "iproute2", "procps", "attr")
_SOURCES = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")


def _cache():
    path = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "delvegate", "debian")
    os.makedirs(path, exist_ok=True)
    return path


def _release():
    with open("/etc/os-release", encoding="utf-8") as file:
        return re.search(r"^VERSION_CODENAME=(\w+)$", file.read(), re.M).group(1)


def dependencies(package):
    """The names that a .deb depends on; of alternatives the first."""
    said = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True).stdout
    return sorted({re.split(r"[ (|]", one.strip())[0] for one in said.split(",")})


@contextlib.contextmanager
def _locked(path):
    with open(path + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def root(packages, node=_NODE):
    """Path of the root, which must not be written to: begin a node on it (Node(base=…))."""
    wanted = sorted({*packages, *node})
    path = os.path.join(_cache(), hashlib.sha256(" ".join([_release(), *wanted]).encode()).hexdigest()[:16])
    with _locked(path):
        if not os.path.isdir(path):
            made = path + ".new"
            shutil.rmtree(made, ignore_errors=True)
            sources = [one for one in _SOURCES if os.path.exists(one)][:1]
            result = subprocess.run([tools.find("DELVEGATE_MMDEBSTRAP", "mmdebstrap"), "--mode=root", "--variant=minbase", "--quiet",
                                     f"--include={','.join(wanted)}", _release(), made, *sources], capture_output=True, text=True)
            if result.returncode:
                shutil.rmtree(made, ignore_errors=True)
                raise AssertionError(f"no clean Debian\n{result.stdout}{result.stderr}")
            os.rename(made, path)
    return path
