"""The laptop at the other end of the node's cable: the network namespace of the node's holder."""

import contextlib
import ctypes
import os
import subprocess

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _stand_on(namespace):
    if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot change the network namespace")


class Laptop:
    """Part of a Node; _first is a process on the laptop."""

    def in_holder(self, command):
        return ["nsenter", "-t", str(self._first), "-m", "-n", "-p", "--", *command]

    def as_laptop(self, command):
        result = subprocess.run(self.in_holder(command), capture_output=True, text=True)
        if result.returncode:
            raise AssertionError(f"{' '.join(command)} failed\n{result.stdout}{result.stderr}")
        return result.stdout

    def laptop_run(self, command, **more):
        """A program on the laptop, which sees the host's files."""
        return subprocess.run(["nsenter", "-t", str(self._first), "-n", "--", *command],
                              **{"capture_output": True, "text": True, **more})

    @contextlib.contextmanager
    def laptop(self):
        """This thread's sockets, and programs it starts, belong to the laptop."""
        with open("/proc/thread-self/ns/net", encoding="ascii") as here, \
                open(f"/proc/{self._first}/ns/net", encoding="ascii") as there:
            _stand_on(there)
            try:
                yield
            finally:
                _stand_on(here)

    @staticmethod
    def sanitizers():
        return {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
