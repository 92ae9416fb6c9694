"""A gateway whose tokens, and the lives of what it issues, are the test's to choose."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import time

from . import process, tools, waiting


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
    def __init__(self, test, component, certificate_seconds=3600, renewable_seconds=30 * 86400, name="gateway"):
        self.test = test
        authority = test.authority()
        self.directory = os.path.join(test.directory, name)
        ca = os.path.join(self.directory, "ca")
        os.makedirs(ca, mode=0o700)
        shutil.copy(authority.certificate, os.path.join(ca, "ca.crt"))
        shutil.copy(authority.key, os.path.join(ca, "ca.key"))
        os.chmod(os.path.join(ca, "ca.key"), 0o600)
        own = authority.gateway([component["name"]])
        self.enroll_port_to_be = free_port()
        configuration = {"listen": ["127.0.0.1:0"], "enrollListen": [f"127.0.0.1:{self.enroll_port_to_be}"],
                         "certificate": own.certificate, "key": own.key, "clientCA": authority.certificate,
                         "stateDirectory": os.path.join(self.directory, "state"),
                         "runtimeDirectory": os.path.join(self.directory, "run"), "components": [component]}
        path = os.path.join(self.directory, "gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(configuration, file)
        self.process = process.Process(test, name, [tools.find("DELVEGATE_ENROLLING_GATEWAY"), path, ca],
                                       env=dict(os.environ, HOME=test.directory), stdin=subprocess.PIPE)
        test.addCleanup(self.process.child.stdin.close)
        found = self.process.wait_for("it listens", lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", self.process.output()))
        self.port = int(found[1])
        self.pin = pin_of(authority.certificate)
        self.expiry = {}
        self.told = 0
        self._tell(f"lifetime {certificate_seconds}")
        self._tell(f"renewable {renewable_seconds}")

    def _tell(self, line):
        self.process.child.stdin.write(line.encode() + b"\n")
        self.process.child.stdin.flush()
        self.told += 1
        self.process.wait_for("it does as it is told", lambda: self.process.errors().count("admin: done") >= self.told)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.process.errors() + self.process.output()

    def token(self, user, seconds=600):
        token = f"token-{len(self.expiry)}-{os.urandom(12).hex()}"
        self.expiry[token] = time.time() + seconds
        self._tell(f"token {token} {user} {seconds}")
        return token

    def expires(self, token):
        return self.expiry[token]

    def withdraw(self, token):
        self._tell(f"withdraw {token}")

    @property
    def enroll_port(self):
        waiting.until("the enrolment port opens", lambda: self.status().get("enrollment", {}).get("listen"))
        return self.enroll_port_to_be

    def _status(self, *arguments):
        return subprocess.run([tools.delvegate(), "status", "--runtime-directory", os.path.join(self.directory, "run"), *arguments],
                              capture_output=True, text=True, check=True).stdout

    def status(self):
        return json.loads(self._status("--output", "json"))

    def status_text(self):
        return self._status()
