"""Processes of a measurement: started, waited for, weighed and ended by their own ids."""

import ctypes
import os
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 30  # seconds until something that should happen counts as not happening


class Failure(Exception):
    """What failed, in one line for the person who runs this."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A child whose output goes to a file; its whole tree is what is weighed."""

    def __init__(self, name, argv, folder, env=None):
        self.name = name
        self.log = os.path.join(folder, name.replace(" ", "-") + ".log")
        try:
            with open(self.log, "ab") as log:
                self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                                              env=env, preexec_fn=_die_with_parent)
        except FileNotFoundError:
            raise Failure(f"{argv[0]} is not installed") from None

    def check(self):
        if self.child.poll() is not None:
            raise Failure(f"{self.name} ended with status {self.child.returncode}: {self.last_words()}")

    def last_words(self):
        with open(self.log, errors="replace") as f:
            return " | ".join(f.read().strip().splitlines()[-3:]) or "it said nothing"

    def wait_for_line(self, beginning):
        """The rest of the first line of its output that begins so."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with open(self.log, errors="replace") as f:
                for line in f:
                    if line.startswith(beginning) and line.endswith("\n"):
                        return line[len(beginning):].strip()
            self.check()
            time.sleep(0.01)
        raise Failure(f"{self.name} did not say “{beginning}”: {self.last_words()}")

    def wait_for_port(self, port):
        """Until it listens there."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
                return
            except OSError as e:
                self.check()
                if time.monotonic() > deadline:
                    raise Failure(f"{self.name} does not listen: {e}") from None
                time.sleep(0.02)

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def _stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()


def tree(roots):
    """The ids of these processes and of everything below them."""
    parent = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent[int(name)] = int(_stat(name)[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = set(roots)
    while True:
        more = {pid for pid, above in parent.items() if above in found} - found
        if not more:
            return found
        found |= more


def cpu_seconds(roots):
    """User and system time of the trees, of children that have ended too."""
    total = 0
    for pid in tree(roots):
        try:
            total += sum(int(x) for x in _stat(pid)[11:15])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / TICK


def memory(roots):
    """Proportional, resident and anonymous memory of the trees in KiB."""
    total = {"Pss": 0, "Rss": 0, "Anonymous": 0}
    for pid in tree(roots):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                for line in f:
                    key = line.split(":")[0]
                    if key in total:
                        total[key] += int(line.split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
