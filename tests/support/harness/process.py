"""A child process whose output is kept, and which does not outlive its test."""

import os
import signal
import subprocess

from .child import Child


class Process(Child):
    def __init__(self, test, name, command, env=None, cwd=None, stdin=subprocess.DEVNULL, pass_fds=()):
        self.name = name
        self.command = command
        self.out_file = os.path.join(test.directory, f"{name}.out")
        self.err_file = os.path.join(test.directory, f"{name}.err")
        with open(self.out_file, "ab") as out, open(self.err_file, "ab") as err:
            self.child = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=err, cwd=cwd,
                                          env=env, start_new_session=True, pass_fds=pass_fds)
        test.addCleanup(self.end)

    @property
    def pid(self):
        return self.child.pid

    def signal(self, number):
        if self.running():
            self.child.send_signal(number)

    def end(self):
        if self.running():
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.child.wait()


def alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descendants(pid):
    """Pids of all children, their children and so on."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    parents.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def resident(pid):
    """Bytes of memory a process holds."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sanitized(pid):
    """Whether it is a build with AddressSanitizer, whose quarantine alone holds 256 MiB."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        return "libasan" in file.read()
