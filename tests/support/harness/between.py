"""Hosts between laptop and gateway: a real sshd, and a proxy for HTTP CONNECT (RFC 9110, 9.3.6)."""

import base64
import getpass
import os
import re
import socket
import subprocess
import threading

from . import process, tools, waiting


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Bastion:
    """An sshd of this user's with throw-away keys, and an `ssh` first in `path` that reads a configuration of the test's
    instead of the user's."""

    def __init__(self, test, name="bastion", **settings):
        self.test = test
        self.directory = os.path.join(test.directory, name)
        os.makedirs(self.directory)
        self.ssh = tools.find("DELVEGATE_SSH", "ssh")
        for key in ("host", "user", "stranger"):
            subprocess.run([tools.find("DELVEGATE_SSH_KEYGEN", "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", self.file(key)], check=True)
        os.replace(self.file("user.pub"), self.file("authorized_keys"))
        self.user = getpass.getuser()
        self.port = free_port()
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # root's sshd insists on it
        settings = {"Port": self.port, "ListenAddress": "127.0.0.1", "HostKey": self.file("host"),
                    "AuthorizedKeysFile": self.file("authorized_keys"), "PidFile": "none", "StrictModes": "no", "UsePAM": "no",
                    "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "PermitRootLogin": "prohibit-password",
                    **settings}
        self.write("sshd_config", settings)
        self.process = process.Process(test, name, [tools.find("DELVEGATE_SSHD", "sshd", "/usr/sbin/sshd"), "-D", "-e", "-f",
                                                    self.file("sshd_config")])
        self.process.wait_for("it listens", lambda: re.search(r"Server listening", self.process.errors()))
        with open(self.file("host.pub"), encoding="ascii") as public, open(self.file("known_hosts"), "w", encoding="ascii") as known:
            known.write("bastion " + public.read())
        self.configure()
        os.mkdir(self.file("bin"))
        with open(self.file("bin/ssh"), "w", encoding="utf-8") as wrapper:
            wrapper.write(f'#!/bin/sh\nexec "{self.ssh}" -F "{self.file("ssh_config")}" "$@"\n')
        os.chmod(self.file("bin/ssh"), 0o755)
        self.path = self.file("bin") + os.pathsep + os.environ["PATH"]

    def file(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, settings):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.writelines(f"{key} {value}\n" for key, value in settings.items())

    def configure(self, **settings):
        """How the laptop's ssh knows it."""
        self.write("ssh_config", {"IdentityFile": self.file("user"), "IdentitiesOnly": "yes", "IdentityAgent": "none",
                                  "HostKeyAlias": "bastion", "StrictHostKeyChecking": "yes",
                                  "UserKnownHostsFile": self.file("known_hosts"), "GlobalKnownHostsFile": "/dev/null", **settings})

    def via(self, port=None):
        return f"ssh://{self.user}@127.0.0.1:{port or self.port}"


class Proxy:
    """`password`: of the user `alice`, who is asked for it. `answers`: said to everybody, instead of a connection. `connected`: said with one."""

    def __init__(self, test, password=None, answers=None,
                 connected=b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n"):
        self.password = password
        self.answers = answers
        self.connected = connected
        self.asked = []  # HOST:PORT
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()
        test.addCleanup(self.end)

    def via(self, user="", port=None):
        return f"http://{user}{'@' if user else ''}127.0.0.1:{port or self.port}"

    def end(self):
        self.listener.close()
        for one in list(self.open):
            one.close()

    def _accept(self):
        while True:
            try:
                laptop, _ = self.listener.accept()
            except OSError:
                return
            self.open.add(laptop)
            threading.Thread(target=self._serve, args=(laptop,), daemon=True).start()

    def _serve(self, laptop):
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            byte = laptop.recv(1)
            if not byte:
                return laptop.close()
            header += byte
        wanted = re.match(rb"CONNECT ((\S+):(\d+)) HTTP/1\.1\r\n", header)
        self.asked.append(wanted[1].decode())
        given = re.search(rb"(?m)^Proxy-Authorization: Basic (\S+)\r$", header)
        needed = base64.b64encode(f"alice:{self.password}".encode())
        answer = self.answers
        if answer is None and self.password is not None and (not given or given[1] != needed):
            answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"
        gateway = None
        if answer is None:
            try:
                gateway = socket.create_connection((wanted[2].decode(), int(wanted[3])), waiting.DEADLINE)
                answer = self.connected
            except OSError:
                answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
        laptop.sendall(answer)
        if not gateway:
            return laptop.close()
        gateway.settimeout(None)
        self.open.add(gateway)
        back = threading.Thread(target=self._carry, args=(gateway, laptop), daemon=True)
        back.start()
        self._carry(laptop, gateway)
        back.join()
        laptop.close()
        gateway.close()

    @staticmethod
    def _carry(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
