"""Where what is built is kept, outside of every tree: modules, compiled packages, programs, images."""

import contextlib
import fcntl
import os


def folder(*names):
    own = os.environ.get("DELVEGATE_KUBERNETES_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "delvegate", "kubernetes")
    path = os.path.join(os.path.abspath(own), *names)
    os.makedirs(path, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name):
    """Two runs at once do not build the same thing twice."""
    with open(os.path.join(folder(), name + ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
