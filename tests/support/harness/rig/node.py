"""A node: a real systemd as PID 1 of a namespace container on top of the host's own root, with a cable to a laptop.

Everything of it lives in a PID, mount and network namespace whose first process (the holder, which is also the laptop)
waits for the end of a pipe from this test. So however the test ends, the kernel ends the node and unmounts its disk.
What can remain is empty cgroups and folders, which the next start sweeps away.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

from .. import process, tools, waiting
from . import cgroups, delvegate, disk
from .guest import Guest
from .laptop import Laptop

LAPTOP = "10.77.0.1"
ADDRESS = "10.77.0.2"
DELVEGATE = "/usr/bin/delvegate"
DLV = "/usr/local/bin/dlv"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The disk outlives a boot of the node; it is a tmpfs, since an overlay's upper layer cannot be on every root there is.
# systemd-nspawn keeps locks and folders by machine name in /run, which is therefore not the host's.
_HOLDER = """
set -e
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755,size="$2" tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root" "$1/own"
mount -t overlay overlay -o "lowerdir=$3,upperdir=$1/upper,workdir=$1/work" "$1/root"
ip link set lo up
trap '' CHLD
echo ready
exec cat
"""

needs_root = unittest.skipUnless(os.geteuid() == 0 or "CI" in os.environ, "a node of its own needs root")


class Node(Laptop):
    def __init__(self, name="node1", bind=None, binary=True, dlv=True, size="4g", seccomp=False, unified=None, own=(), base="/"):
        """bind: {host path: path inside}, read-only. binary, dlv: whether delvegate and dlv are bound to DELVEGATE and
        DLV. seccomp: whether systemd-nspawn's own filter stays on (it forbids things a host allows).
        unified: whether it sees cgroups as v2 alone; by default as the host does. own: folders that begin empty and are
        no part of the overlay, since there can be no second one on it: what containers are unpacked into. base: the root that
        it has its own changes on; the host's, or one of debian.root()."""
        self.name = name
        self.bindings = dict(bind or {})
        if binary:
            self.bindings[os.path.abspath(tools.delvegate())] = DELVEGATE
        if dlv:
            self.bindings[os.path.abspath(tools.delve().dlv)] = DLV
        self.size = size
        self.own = list(own)
        self.base = base
        self.settings = {"SYSTEMD_SECCOMP": "1" if seccomp else "0"}
        if unified is not None:
            self.settings["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "1" if unified else "0"
        self.boots = 0
        self.init = None
        self._machine = None
        self._holder = None
        self._children = []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        if os.geteuid() != 0:
            raise AssertionError("a node needs root")
        cgroups.sweep()
        tools.find("DELVEGATE_NSPAWN", "systemd-nspawn")
        self.id = cgroups.new_name()
        self.directory = os.path.join(tempfile.gettempdir(), self.id)
        self._disk = os.path.join(self.directory, "disk")
        self.root = os.path.join(self._disk, "root")
        os.makedirs(self._disk)
        try:
            self._hold()
            self.as_laptop([sys.executable, disk.__file__, self.root, self.name, uuid.uuid4().hex, ADDRESS])
            self.boot()
        except BaseException:
            self.stop()
            raise
        return self

    def _own(self, path):
        return os.path.join(self._disk, "own", path.strip("/").replace("/", "-"))

    def _hold(self):
        self._launch = cgroups.create(self.id)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
             "/bin/sh", "-c", _HOLDER, "sh", self._disk, self.size, self.base],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        if self._holder.stdout.readline() != b"ready\n":
            raise AssertionError(f"no disk for a node: {self._holder.communicate()[1].decode()}")
        self._first = process.descendants(self._holder.pid)[0]
        for path in self.own:
            self.as_laptop(["mkdir", "-p", self._own(path)])

    def bind(self, source, target):
        """From the next boot on, `source` of the host is to be seen at `target`."""
        self.bindings[os.path.abspath(source)] = target

    def boot(self):
        """Switches the node on; returns when systemd says that it has booted."""
        started = time.monotonic()
        command = ["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.name}", "--register=no",
                   "--keep-unit", "--capability=all", "--kill-signal=SIGRTMIN+3", "--network-veth", "--bind=/dev/kmsg",
                   "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe"]
        command += [f"--bind-ro={source}:{target}" for source, target in self.bindings.items()]
        command += [f"--bind={self._own(path)}:{path}" for path in self.own]
        with open(os.path.join(self.directory, "boot.log"), "ab") as log:
            self._machine = subprocess.Popen(
                cgroups.joining(self._launch, self.in_holder([*command, disk.INIT])), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                env=dict(os.environ, **self.settings))
        self.init = waiting.until(lambda: f"systemd in the node\n{self.boot_log()}", self._find_init)
        waiting.until(lambda: f"the node up\n{self.boot_log()}", self._is_up)
        self.as_laptop(["ip", "address", "replace", f"{LAPTOP}/24", "dev", f"ve-{self.name}"])
        self.as_laptop(["ip", "link", "set", f"ve-{self.name}", "up"])
        self.boots += 1
        print(f"{self.name}: boot {self.boots} took {time.monotonic() - started:.1f} s", flush=True)

    def _find_init(self):
        if self._machine.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended with {self._machine.returncode}\n{self.boot_log()}")
        for pid in process.descendants(self._machine.pid):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/exe").endswith("/systemd/systemd"):
                    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                        for line in file:
                            if line.startswith("NSpid:") and line.split()[-1] == "1":
                                return pid
        return None

    def _is_up(self):
        if self._machine.poll() is not None:
            raise AssertionError(f"the node went down while booting\n{self.boot_log()}")
        # From outside of its cgroups: systemd removes those it does not know while it starts.
        asked = subprocess.run(self._enter(["systemctl", "is-system-running"]), capture_output=True, text=True)
        return asked.stdout.strip() in ("running", "degraded")

    def boot_log(self):
        with open(os.path.join(self.directory, "boot.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def power_off(self, clean=False):
        """Pulls the plug; clean: shuts systemd down as an administrator does. The disk stays. What the test itself
        runs inside is killed first: systemd would wait in vain to be told of the end of processes from outside."""
        if clean:
            cgroups.kill(cgroups.beside_init(self.init), all_of_them=False)
            self.run(["systemctl", "poweroff", "--no-block"], check=True)
        else:
            os.kill(self.init, signal.SIGKILL)
        self._machine.wait(waiting.DEADLINE)
        self.init = None

    def reboot(self, clean=False):
        self.power_off(clean)
        self.boot()

    def stop(self):
        """Ends the node and forgets its disk."""
        if self._holder:
            self._holder.kill()  # unshare's, and by --kill-child the holder's, which is PID 1 for all of the node
            self._holder.communicate()
            self._holder = None
            # The node's cgroups empty only when the last process of it is gone.
            if self._machine:
                self._machine.wait(waiting.DEADLINE)
            for child in self._children:
                child.wait(waiting.DEADLINE)
        cgroups.remove(self.id)
        shutil.rmtree(self.directory, ignore_errors=True)

    # What is done inside.

    def _enter(self, command):
        return ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "--", *command]

    def _inside(self, command, env, cwd):
        variables = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
        variables.update(self.sanitizers())
        variables.update(env or {})
        place = ["env", "-i", *([f"--chdir={cwd}"] if cwd else []), *(f"{name}={value}" for name, value in variables.items())]
        return cgroups.joining(cgroups.beside_init(self.init), self._enter([*place, *command]))

    def run(self, command, check=False, env=None, cwd=None, input=None, stdin=None, timeout=waiting.DEADLINE, text=True):
        """Runs a command as root inside; the environment is a clean one."""
        source = {"input": input} if input is not None else {"stdin": stdin or subprocess.DEVNULL}
        result = subprocess.run(self._inside(command, env, cwd), capture_output=True, text=text, timeout=timeout, **source)
        if check and result.returncode:
            raise AssertionError(f"in the node: {' '.join(command)} failed with {result.returncode}\n"
                                 f"{result.stdout}{result.stderr}")
        return result

    def interactive(self, command, env=None):
        """The command line with which a person gets to run it inside."""
        return self._inside(command, dict({"TERM": os.environ.get("TERM", "dumb")}, **(env or {})), "/root")

    def popen(self, command, env=None, cwd=None, **more):
        """Its pid is that of nsenter outside: use spawn() for what is to be signalled."""
        child = subprocess.Popen(self._inside(command, env, cwd), start_new_session=True, **more)
        self._children.append(child)
        return child

    def spawn(self, name, command, **more):
        return Guest(self, name, command, **more)

    def delvegate(self, *words, **more):
        """`delvegate WORDS` as root: an Answer."""
        return delvegate.run(self, *words, **more)

    def write(self, path, text, mode=0o644):
        """Makes the folders above, and puts the whole file in place by a rename within its folder, from a dot-name."""
        self._place(path, mode, input=text if isinstance(text, bytes) else text.encode())

    def install(self, source, path, mode=0o755):
        """Copies a file of the host in."""
        with open(source, "rb") as file:
            self._place(path, mode, stdin=file)

    def _place(self, path, mode, **source):
        script = ('d=$(dirname "$1"); mkdir -p "$d" && t="$d/.rig-$(basename "$1")" && cat > "$t" && '
                  'chmod "$2" "$t" && mv "$t" "$1"')
        self.run(["/bin/sh", "-c", script, "sh", path, f"{mode:04o}"], check=True, text=False, **source)

    def read(self, path, binary=False):
        result = self.run(["cat", path], text=False)
        if result.returncode:
            raise FileNotFoundError(f"in the node: {result.stderr.decode(errors='replace')}")
        return result.stdout if binary else result.stdout.decode()

    def read_or_nothing(self, path):
        try:
            return self.read(path)
        except FileNotFoundError:
            return ""

    def exists(self, path):
        return self.run(["test", "-e", path]).returncode == 0

    # Who is inside.

    @property
    def proc(self):
        """The node's /proc, as a path on this side."""
        return f"/proc/{self.init}/root/proc"

    def processes(self):
        """{pid inside: argv}, without zombies and kernel threads."""
        found = {}
        for entry in os.listdir(self.proc):
            if entry.isdigit():
                with contextlib.suppress(OSError), open(f"{self.proc}/{entry}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")[:-1]
                    if words:
                        found[int(entry)] = words
        return found

    def pids(self, name):
        """Of the processes whose argv[0] has this basename."""
        return sorted(pid for pid, argv in self.processes().items() if os.path.basename(argv[0]) == name)

    def start_time(self, pid):
        """With the pid, what names a process for good; None when it is gone."""
        try:
            with open(f"{self.proc}/{pid}/stat", encoding="utf-8", errors="replace") as file:
                return int(file.read().rpartition(")")[2].split()[19])
        except (FileNotFoundError, ProcessLookupError):
            return None

    def boot_id(self):
        return self.read("/proc/sys/kernel/random/boot_id").strip()

    def until(self, what, condition):
        return waiting.until(what, condition)
