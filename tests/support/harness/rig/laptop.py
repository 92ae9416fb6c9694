"""The laptop at the other end of the node's cable: the network namespace of the node's holder."""

import contextlib
import ctypes
import os
import ssl
import subprocess
import urllib.error
import urllib.request

from .. import waiting

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _stand_on(namespace):
    if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot change the network namespace")


@contextlib.contextmanager
def _network_of(pid):
    with open("/proc/thread-self/ns/net", encoding="ascii") as here, open(f"/proc/{pid}/ns/net", encoding="ascii") as there:
        _stand_on(there)
        try:
            yield
        finally:
            _stand_on(here)


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

    def laptop_popen(self, command, **more):
        return subprocess.Popen(["nsenter", "-t", str(self._first), "-n", "--", *command], **more)

    def laptop(self):
        """A context: this thread's sockets, and programs it starts, belong to the laptop."""
        return _network_of(self._first)

    def network(self):
        """A context: this thread's sockets, and programs it starts, belong to the node: its 127.0.0.1 is ours."""
        return _network_of(self.init)

    def fetch(self, url, laptop=False):
        """(status, body) as the node, or the laptop, gets it; any certificate will do. (None, reason) without an answer."""
        anyone = ssl.create_default_context()
        anyone.check_hostname = False
        anyone.verify_mode = ssl.CERT_NONE
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anyone))
        with self.laptop() if laptop else self.network():
            try:
                with direct.open(url, timeout=waiting.DEADLINE) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()
            except OSError as error:
                return None, str(error)

    @staticmethod
    def sanitizers():
        return {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
