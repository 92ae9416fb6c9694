"""The programs the tests need. A missing one fails the test that needs it."""

import os
import re
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


class Missing(AssertionError):
    pass


def find(variable, *candidates):
    """The program named by an environment variable, else the first candidate there is."""
    names = [os.environ[variable]] if os.environ.get(variable) else candidates
    for name in names:
        path = shutil.which(os.path.expanduser(name))
        if path:
            return path
    raise Missing(f"{' or '.join(names) or variable} not found; set {variable}, or run ./scripts/install-deps")


def delvegate():
    return find("DELVEGATE_BINARY", os.path.join(ROOT, "build", "gateway", "delvegate"))


def laptop():
    """The same, or the build of the laptop's commands alone."""
    return find("DELVEGATE_TEST_LAPTOP", delvegate())


class Delve:
    """A dlv and the Go that builds programs for it."""

    def __init__(self, dlv, go):
        self.dlv = dlv
        self.go = go
        text = subprocess.run([dlv, "version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"Version: (\d+)\.(\d+)\.(\d+)", text)
        if not found:
            raise Missing(f"{dlv} does not say its version: {text!r}")
        self.version = tuple(int(part) for part in found.groups())

    @property
    def unix_sockets(self):
        return self.version >= (1, 22, 1)

    def __str__(self):
        return ".".join(map(str, self.version))


def delve():
    """The dlv this run is about: DELVEGATE_TEST_DLV is `new` (default) or `old`."""
    which = os.environ.get("DELVEGATE_TEST_DLV", "new")
    if which == "new":
        return Delve(find("DELVEGATE_DLV_NEW", "dlv", "~/go/bin/dlv"), find("DELVEGATE_GO", "go", "/usr/local/go/bin/go"))
    if which == "old":
        return Delve(find("DELVEGATE_DLV_OLD", "/usr/bin/dlv"), find("DELVEGATE_GO_OLD", "/usr/lib/go-1.19/bin/go"))
    raise Missing(f"DELVEGATE_TEST_DLV is {which!r}; it can be new or old")
