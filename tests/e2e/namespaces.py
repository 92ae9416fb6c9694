"""Two hosts on one machine: network namespaces called laptop and node, with a cable between them.

All of it lives in a mount and network namespace of this test's own, so nothing is left behind and tests can run side
by side. Root is not needed where the kernel lets users have namespaces of their own.
"""

import ctypes
import os
import subprocess
import sys

LAPTOP = "10.77.0.1"
NODE = "10.77.0.2"
NODE_V6 = "fd77::2"

_MARK = "DELVEGATE_TEST_NAMESPACES"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)}\n{result.stderr}(the two-host test needs root, or user namespaces)")


def enter():
    """Starts this program again inside fresh namespaces, lays the cable, and stands on the laptop."""
    if os.environ.get(_MARK) != "1":
        os.environ[_MARK] = "1"
        as_root = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        os.execvp("unshare", ["unshare", *as_root, "--mount", "--net", "--propagation", "private", "--",
                              sys.executable, *sys.argv])
    # ip netns keeps its names below /run; ours are for this test only.
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    for name in ("laptop", "node"):
        _run("ip", "netns", "add", name)
        _run("ip", "-n", name, "link", "set", "lo", "up")
    _run("ip", "-n", "laptop", "link", "add", "cable", "type", "veth", "peer", "name", "plug")
    _run("ip", "-n", "laptop", "link", "set", "plug", "netns", "node")
    for name, link, v4, v6 in (("laptop", "cable", LAPTOP, "fd77::1"), ("node", "plug", NODE, NODE_V6)):
        _run("ip", "-n", name, "address", "add", f"{v4}/24", "dev", link)
        _run("ip", "-n", name, "address", "add", f"{v6}/64", "dev", link, "nodad")
        _run("ip", "-n", name, "link", "set", link, "up")
    stand_on("laptop")


def stand_on(host):
    """From now on this thread's sockets, and programs it starts, belong to that host."""
    with open(f"/run/netns/{host}", encoding="ascii") as namespace:
        if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {host}")


def on_node(command):
    return ["ip", "netns", "exec", "node", *command]
