"""The launcher's socket as root, the gateway's user and strangers see it; the engine behind it takes nothing out
(tests/support/fake_launcher.cpp)."""

import array
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import unittest

from . import process, waiting

LAUNCHER = os.environ.get("DELVEGATE_FAKE_LAUNCHER", "")
GATEWAY = "daemon"  # a user that every Debian has
STRANGER = "nobody"
HASH = "sha256:" + "a" * 64
SESSION = "0" * 32


def as_user(name, work):
    """What `work` returns in a process of that user's."""
    entry = pwd.getpwnam(name)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            with os.fdopen(write, "w", encoding="utf-8") as out:
                json.dump(work(), out)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text)


class Peer:
    """One connection to the launcher."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(waiting.DEADLINE)
        self.socket.connect(path)

    def __del__(self):
        self.socket.close()

    def send(self, packet):
        self.socket.sendall(packet if isinstance(packet, bytes) else json.dumps(packet).encode())

    def receive(self):
        """One packet and the descriptors with it."""
        text, extra, _flags, _address = self.socket.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
        fds = array.array("i")
        for _level, _kind, data in extra:
            fds.frombytes(data[:len(data) - len(data) % 4])
        return text, list(fds)

    def ask(self, verb, **more):
        """The last reply and its descriptors; {} when the launcher closed without one."""
        self.send({"v": 1, "verb": verb, **more})
        while True:
            text, fds = self.receive()
            reply = json.loads(text) if text else {}
            if "progress" not in reply and "part" not in reply:
                return reply, fds


def code_of(reply):
    return reply.get("error", {}).get("code", "ok" if "result" in reply else "closed")


@unittest.skipIf(os.geteuid() != 0 and "CI" not in os.environ, "becoming other users needs root")
class LauncherSocketCase(unittest.TestCase):
    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "this test needs root to act as other users")
        # Not below /tmp: the launcher believes only what lies in directories that nobody else can write to.
        self.directory = tempfile.mkdtemp(prefix="delvegate-test-", dir="/run")
        self.addCleanup(shutil.rmtree, self.directory, True)
        os.chmod(self.directory, 0o755)
        self.seen = os.path.join(self.directory, "seen")
        self.held = os.path.join(self.directory, "held")
        self.starts = 0
        self.configure()

    def path(self, name):
        return os.path.join(self.directory, name)

    def configure(self, **more):
        settings = {"socket": self.path("s/launcher.sock"), "stateDirectory": self.path("state"), "runtimeDirectory": self.path("run"),
                    "logFile": self.path("log/launcher.jsonl"), "gatewayUser": GATEWAY, **more}
        components = [{"name": "kube-scheduler", "binary": "/opt/debug/x"},
                      {"name": "kubelet", "kind": "systemd", "binary": "/opt/debug/x", "remoteStart": "always"},
                      {"name": "etcd", "binary": "/opt/debug/x", "remoteStart": "never"},
                      {"name": "refused", "binary": "/opt/debug/x"}]
        with open(self.path("launcher.yaml"), "w", encoding="utf-8") as file:
            file.write(json.dumps({**settings, "components": components}))  # JSON is YAML
        os.chmod(self.path("launcher.yaml"), 0o644)

    def start(self):
        self.starts += 1
        launcher = process.Process(self, f"launcher{self.starts}", [LAUNCHER, "launcher", "--config", self.path("launcher.yaml")],
                                   env={**os.environ, "FAKE_LAUNCHER_SEEN": self.seen, "FAKE_LAUNCHER_HOLD": self.held})
        launcher.wait_for("it listens", lambda: "listening at" in launcher.errors())
        return launcher

    def run_command(self, *words):
        return subprocess.run([LAUNCHER, *words, "--config", self.path("launcher.yaml")], capture_output=True, text=True,
                              timeout=waiting.DEADLINE)

    def asks(self):
        with open(self.seen, encoding="utf-8") as file:
            return [line for line in file.read().splitlines() if not line.startswith(("inspect", "recover"))]

    def as_gateway(self, *requests):
        """The codes of the answers, each on a connection of its own."""
        return as_user(GATEWAY, lambda: [code_of(Peer(self.path("s/launcher.sock")).ask(verb, **more)[0]) for verb, more in requests])
