"""`delvegate serve` and `delvegate connect` as people start them."""

import json
import os
import re

from . import process, tools


class Serve:
    """A gateway with its own directories, on a port of its own."""

    def __init__(self, test, authority, components, name="serve", **more):
        self.test = test
        self.authority = authority
        self.directory = os.path.join(test.directory, name)
        os.makedirs(self.directory, exist_ok=True)
        certificate = authority.gateway([component["name"] for component in components])
        # JSON is YAML.
        configuration = {"listen": ["127.0.0.1:0"], "certificate": certificate.certificate, "key": certificate.key,
                         "clientCA": authority.certificate, "stateDirectory": os.path.join(self.directory, "state"),
                         "runtimeDirectory": os.path.join(self.directory, "run"), "components": components, **more}
        self.configuration_file = os.path.join(self.directory, "gateway.yaml")
        with open(self.configuration_file, "w", encoding="utf-8") as file:
            json.dump(configuration, file, indent=1)
        self.process = process.Process(test, name, [tools.delvegate(), "serve", "--config", self.configuration_file],
                                       env=dict(os.environ, HOME=test.directory))
        found = self.process.wait_for("it listens", lambda: re.search(
            r"listening on \S*?(127\.0\.0\.1:(\d+))", self.process.output() + self.process.errors()))
        self.address = found[1]
        self.port = int(found[2])

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.process.errors() + self.process.output()

    def find_process(self, match):
        for pid in process.descendants(self.pid):
            line = process.command_line(pid)
            if line and match(line):
                return pid
        return None

    def dlv_pid(self, component=None):
        return self.find_process(lambda line: "--headless" in line and (component is None or any(component in part for part in line)))

    def program_pid(self, program):
        return self.find_process(lambda line: line[0] == program)


class Connect:
    """The laptop's side: a loopback port whose connections come out at a component's dlv."""

    def __init__(self, test, serve, person, component, name="connect", arguments=()):
        command = [tools.laptop(), "connect", component, "--gateway", f"localhost:{serve.port}",
                   "--listen", "127.0.0.1:0", "--certificate", person.certificate, "--key", person.key, "--ca", person.ca,
                   "--output", "json", *arguments]
        self.process = process.Process(test, name, command, env=dict(os.environ, HOME=test.directory))
        found = self.process.wait_for("it prints its address", lambda: re.search(
            r"(127\.0\.0\.1:\d+)\b(?!\d)", self.process.output()))
        self.address = found[1]
