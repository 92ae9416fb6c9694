"""The gateway of a node as the service that is shipped, and colleagues on the laptop with certificates for it."""

import os
import re

from .. import pki, process, tools, waiting
from ..dap import Dap
from .node import ADDRESS

PORT = 7443


class Gateway:
    """people: {name: role}, each for all components. The launcher is installed already."""

    def __init__(self, node, directory, components, people):
        self.node = node
        self.directory = directory
        self.components = list(components)
        authority = pki.Authority(os.path.join(directory, "pki"))
        self.own = authority.issue("gateway", "/CN=node1", "serverAuth", [f"IP:{ADDRESS}", "DNS:node1"])
        self.people = {who: authority.issue(who, f"/CN={who}", "clientAuth") for who in people}
        names = ", ".join(self.components)
        self.policy = "bindings:\n" + "".join(f"- {{role: {role}, users: [{who}], components: [{names}]}}\n"
                                              for who, role in people.items()) + "...\n"

    def install(self):
        for name, file in (("gateway.crt", self.own.certificate), ("gateway.key", self.own.key), ("clients-ca.crt", self.own.ca)):
            with open(file, encoding="ascii") as text:
                self.node.write(f"/etc/delvegate/{name}", text.read(), 0o640)
        self.node.write("/etc/delvegate/policy.yaml", self.policy)
        components = "".join(f"- {{name: {name}, kind: launcher}}\n" for name in self.components)
        self.node.write("/etc/delvegate/gateway.yaml", f"""listen: ["[::]:{PORT}"]
certificate: /etc/delvegate/gateway.crt
key: /etc/delvegate/gateway.key
clientCA: /etc/delvegate/clients-ca.crt
policy: /etc/delvegate/policy.yaml
auditFile: /var/lib/delvegate/gateway/audit/audit.jsonl
components:
{components}""")
        self.node.run(["sh", "-c", "chown delvegate: /etc/delvegate/gateway.key && chmod 0400 /etc/delvegate/gateway.key && "
                       "chown delvegate: /etc/delvegate/gateway.crt /etc/delvegate/clients-ca.crt"], check=True)
        return self

    def start(self):
        self.node.run(["systemctl", "start", "delvegate.service"], check=True)
        self.wait()
        return self

    def wait(self):
        waiting.until(lambda: f"the gateway listens\n{self.log()}", lambda: f":{PORT}" in self.node.run(["ss", "-ltn"]).stdout)

    def kill(self):
        """SIGKILL, if it is there; returns when it is gone. The unit starts it again."""
        pid = int(self.node.run(["systemctl", "show", "-p", "MainPID", "--value", "delvegate.service"], check=True).stdout)
        if not pid:
            return
        start = self.node.start_time(pid)
        self.node.run(["kill", "-KILL", str(pid)], check=True)
        waiting.until("the gateway gone", lambda: self.node.start_time(pid) != start)

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", "delvegate.service"]).stdout

    # On the laptop.

    def command(self, who, *words):
        person = self.people[who]
        return [tools.delvegate(), *words, "--gateway", f"{ADDRESS}:{PORT}", "--certificate", person.certificate, "--key",
                person.key, "--ca", person.ca]

    def laptop_run(self, who, *words):
        return self.node.laptop_run(self.command(who, *words))

    def connect(self, test, who, component):
        """Address on the laptop's loopback at which an IDE finds the component's dlv."""
        with self.node.laptop():
            connecting = process.Process(test, f"connect-{who}", [*self.command(who, "connect", component), "--listen",
                                                                 "127.0.0.1:0", "--output", "json"],
                                         env=dict(os.environ, HOME=self.directory))
            found = connecting.wait_for("it prints its address",
                                        lambda: re.search(r"(127\.0\.0\.1:\d+)\b(?!\d)", connecting.output()))
            return found[1]

    def dap(self, test, address):
        with self.node.laptop():
            return Dap(test, address)
