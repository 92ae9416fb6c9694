"""A gateway with a CA of its own, whose administrator is the test."""

import hashlib
import json
import os
import re
import socket
import subprocess

from . import case, process, tools, waiting


def pin_of(certificate):
    """As `openssl x509 -pubkey | openssl pkey -pubin -outform der | sha256sum` has it."""
    openssl = tools.find("DELVEGATE_OPENSSL", "openssl")
    public = subprocess.run([openssl, "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True).stdout
    der = subprocess.run([openssl, "pkey", "-pubin", "-outform", "der"], input=public, capture_output=True, check=True).stdout
    return "sha256:" + hashlib.sha256(der).hexdigest()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Gateway:
    def __init__(self, test, component, name="gateway", **more):
        self.directory = os.path.join(test.directory, name)
        os.makedirs(self.directory)
        self.state = more.get("stateDirectory", os.path.join(self.directory, "state"))
        self.enroll_port_to_be = free_port()
        configuration = {"listen": ["127.0.0.1:0"], "enrollListen": [f"127.0.0.1:{self.enroll_port_to_be}"],
                         "stateDirectory": self.state, "runtimeDirectory": os.path.join(self.directory, "run"),
                         "components": [component], **more}
        path = os.path.join(self.directory, "gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(configuration, file)
        self.process = process.Process(test, name, [tools.delvegate(), "serve", "--config", path],
                                       env=dict(os.environ, HOME=test.directory))
        found = self.process.wait_for("it listens", lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", self.process.output()))
        self.port = int(found[1])
        self.pin = pin_of(os.path.join(self.state, "ca", "ca.crt"))
        self.made = {}

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.process.errors() + self.process.output()

    def _run(self, *arguments):
        ended = subprocess.run([tools.delvegate(), *arguments], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise AssertionError(f"delvegate {' '.join(arguments)}: {ended.stderr}")
        return ended.stdout

    def token(self, user, seconds=600):
        made = json.loads(self._run("token", "create", "--user", user, "--group", "developers", "--ttl", f"{seconds}s",
                                    "--gateway", f"localhost:{self.enroll_port_to_be}", "--state-directory", self.state,
                                    "--output", "json"))
        if made["caPin"] != self.pin:
            raise AssertionError(f"{made['caPin']} is not the pin {self.pin}")
        self.made[made["token"]] = made
        return made["token"]

    def line(self, user):
        """What the administrator sends to the laptop's owner."""
        return self._run("token", "create", "--user", user, "--gateway", f"localhost:{self.enroll_port_to_be}",
                         "--state-directory", self.state).strip()

    def expires(self, token):
        return self.made[token]["expires"]

    def withdraw(self, token):
        self._run("token", "withdraw", self.made[token]["id"], "--state-directory", self.state)

    @property
    def enroll_port(self):
        waiting.until("the enrolment port opens", lambda: self.status().get("enrollment", {}).get("listen"))
        return self.enroll_port_to_be

    def _status(self, *arguments):
        return self._run("status", "--runtime-directory", os.path.join(self.directory, "run"), *arguments)

    def status(self):
        return json.loads(self._status("--output", "json"))

    def status_text(self):
        return self._status()


class EnrollCase(case.Case):
    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.directory, "home")
        os.mkdir(self.home)
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("XDG_", "DELVEGATE_GATEWAY"))}
        self.environment["HOME"] = self.home

    def gateway(self, **more):
        return Gateway(self, self.component(users=["alice", "carol"]), **more)

    def delvegate(self, *arguments, token=None, environment=None):
        return subprocess.run([tools.laptop(), *arguments], input=token, capture_output=True, text=True,
                              timeout=waiting.DEADLINE, env=environment or self.environment, check=False)

    def enroll(self, gateway, token, *more, pin=None, port=None):
        return self.delvegate("enroll", f"localhost:{port or gateway.enroll_port}", "--ca-pin", pin or gateway.pin, *more,
                              token=token + "\n")

    def enrolled(self, gateway, token, *more):
        ended = self.enroll(gateway, token, *more)
        self.assertEqual(ended.returncode, 0, ended.stderr + gateway.log())
        return ended

    def complaint(self, ended, code=1):
        self.assertEqual(ended.returncode, code, ended)
        lines = ended.stderr.splitlines()
        self.assertEqual(len(lines), 1, ended.stderr)
        self.assertTrue(lines[0].startswith("delvegate: "), lines)
        return lines[0]

    def assert_nothing_stored(self):
        self.assertEqual(list(os.walk(self.home))[0][1:], ([], []))

    def connect(self, *arguments, name="connect"):
        laptop = process.Process(self, name, [tools.laptop(), "connect", *arguments, "--listen", "127.0.0.1:0", "--output", "json"],
                                 env=self.environment)
        found = laptop.wait_for("it is ready", lambda: re.search(r"127\.0\.0\.1:\d+", laptop.output()))
        return laptop, found[0]

    def contexts(self):
        return json.loads(self.delvegate("context", "list", "--output", "json").stdout)["contexts"]

    def identity(self, name="localhost"):
        return os.path.join(self.home, ".config", "delvegate", "contexts", name, "client.pem")
