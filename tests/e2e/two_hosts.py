"""A laptop and a node with a cable between them: what the laptop can reach, and what a stranger cannot."""

import errno
import json
import os
import re
import socket
import ssl
import subprocess
import unittest

import namespaces
from harness import debuggee, pki, process, rpc, tools, waiting
from harness.case import Case

GATEWAY_PORT = 7443
STRANGERS = ("nobody", "other_ca", "expired", "mallory")
HARM = [{"method": "RPCServer.SetApiVersion", "params": [{"APIVersion": 2}], "id": 1},
        {"method": "RPCServer.State", "params": [{"NonBlocking": True}], "id": 2},
        {"method": "RPCServer.ListSources", "params": [{"Filter": ""}], "id": 3},
        {"method": "RPCServer.Command", "params": [{"name": "continue"}], "id": 4},
        {"method": "RPCServer.Detach", "params": [{"Kill": True}], "id": 5}]


def listening_sockets():
    """(family, address, port) of every TCP socket that listens on the node, by ss."""
    text = subprocess.run(namespaces.on_node(["ss", "-Hltn"]), capture_output=True, text=True, check=True).stdout
    found = []
    for line in text.splitlines():
        address, _, port = line.split()[3].rpartition(":")
        found.append((address.strip("[]"), int(port)))
    return found


def answers(family, host, port):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(waiting.DEADLINE)
        try:
            s.connect((host, port))
        except ConnectionRefusedError:
            return False
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:  # out of local ports for a moment
                return answers(family, host, port)
            raise
        return True


class TwoHosts(Case):
    def setUp(self):
        super().setUp()
        authority = self.authority()
        certificate = authority.issue("gateway", "/CN=node1", "serverAuth",
                                      ["DNS:node1", "DNS:turbine.node1", f"IP:{namespaces.NODE}", f"IP:{namespaces.NODE_V6}"])
        other = pki.Authority(os.path.join(self.directory, "other"), "test CA")
        self.people = {
            "alice": authority.person("alice"),
            # Listed by its name, but not issued by our CA; ours, but of the past; ours and valid, but not listed.
            "other_ca": other.issue("alice", "/CN=alice", "clientAuth"),
            "expired": authority.issue("expired", "/CN=alice", "clientAuth", not_after="20200201000000Z"),
            "mallory": authority.issue("mallory", "/CN=mallory/O=strangers", "clientAuth"),
        }
        self.state_directory = os.path.join(self.directory, "state")
        configuration = {"listen": [f"[::]:{GATEWAY_PORT}"], "certificate": certificate.certificate,
                         "key": certificate.key, "clientCA": authority.certificate,
                         "stateDirectory": self.state_directory, "runtimeDirectory": os.path.join(self.directory, "run"),
                         "components": [self.component("turbine", users=["alice"])]}
        file = os.path.join(self.directory, "gateway.yaml")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(configuration, out)
        self.serve = process.Process(self, "serve", namespaces.on_node([tools.delvegate(), "serve", "--config", file]))
        self.serve.wait_for("it listens", lambda: f":{GATEWAY_PORT}" in self.serve.output() + self.serve.errors())
        self.serve.wait_for("the component is stopped at its entry", lambda: '"state":"stopped"' in self.listing("alice"))

    def connect_command(self, who, *arguments):
        person = self.people[who]
        return [tools.delvegate(), "connect", *arguments, "--gateway", f"{namespaces.NODE}:{GATEWAY_PORT}",
                "--certificate", person.certificate, "--key", person.key, "--ca", self.people["alice"].ca]

    def listing(self, who):
        return subprocess.run(self.connect_command(who, "--output", "json"), capture_output=True, text=True,
                              timeout=waiting.DEADLINE).stdout

    def connect(self, who="alice"):
        laptop_end = process.Process(self, "connect", self.connect_command(
            who, "turbine", "--listen", "127.0.0.1:0", "--output", "json"))
        found = laptop_end.wait_for("it is ready", lambda: re.search(r'"address":"(127\.0\.0\.1:\d+)"', laptop_end.output()))
        return found[1]

    def dlv_pid(self):
        found = [pid for pid in process.descendants(self.serve.pid) if "--headless" in process.command_line(pid)]
        dlvs = [pid for pid in found if os.path.basename(process.command_line(pid)[0]).startswith("dlv")]
        self.assertTrue(dlvs, [process.command_line(pid) for pid in found])
        return dlvs[-1]

    def program_pid(self):
        for pid in process.descendants(self.serve.pid):
            if process.command_line(pid)[:1] == [self.program]:
                return pid
        return None

    def kept_output(self):
        """What the gateway kept of dlv's and the debuggee's output."""
        found = {}
        for directory, _, names in os.walk(os.path.join(self.state_directory, "output")):
            for name in names:
                with open(os.path.join(directory, name), "rb") as file:
                    found[os.path.join(directory, name)] = file.read()
        return found

    def forwarded(self):
        """What the audit says was done: its intents."""
        with open(os.path.join(self.state_directory, "audit", "audit.jsonl"), encoding="utf-8") as file:
            return [line for line in file if json.loads(line)["kind"] == "intent"]

    def component_as_it_is(self):
        """Everything a forwarded request would change."""
        dlv = self.dlv_pid()
        return {"listing": json.loads(self.listing("alice")), "dlv": dlv, "program": self.program_pid(),
                "sockets": sum(os.readlink(f"/proc/{dlv}/fd/{fd}").startswith("socket:")
                               for fd in os.listdir(f"/proc/{dlv}/fd")),
                "output": self.kept_output(), "forwarded": self.forwarded()}

    def stock_client(self, who, alpn, server_name="turbine.node1"):
        """What a stock TLS client gets to read when it sends the worst it can: its bytes, and how it ended."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.people["alice"].ca)
        context.check_hostname = False  # which name is asked for is not the point here
        if who != "nobody":
            context.load_cert_chain(self.people[who].certificate, self.people[who].key)
        if alpn:
            context.set_alpn_protocols([alpn])
        heard = b""
        with socket.create_connection((namespaces.NODE, GATEWAY_PORT), timeout=waiting.DEADLINE) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=server_name) as tls:
                    if alpn == "http/1.1":
                        tls.sendall(b"GET /v1/status HTTP/1.1\r\nHost: node1\r\nConnection: close\r\n\r\n")
                    elif alpn == "delvegate/1":
                        tls.sendall(bytes(64))  # no frame that could come first
                    else:
                        for request in HARM:
                            tls.sendall(json.dumps(request).encode() + b"\n")
                    tls.settimeout(waiting.DEADLINE)
                    while True:
                        data = tls.recv(65536)
                        if not data:
                            return heard, "closed"
                        heard += data
            except ssl.SSLError as error:
                return heard, error.reason or str(error)
            except (ConnectionResetError, BrokenPipeError):
                return heard, "reset"

    def test_only_the_gateways_port_answers(self):
        listening = listening_sockets()
        # Every port by IPv4; by IPv6 the well-known ones, and whatever the node itself says is open.
        some = sorted({GATEWAY_PORT, *range(1, 4096), *(port for _, port in listening)})
        for family, host, ports in ((socket.AF_INET, namespaces.NODE, range(1, 65536)),
                                    (socket.AF_INET6, namespaces.NODE_V6, some)):
            with self.subTest(host):
                self.assertEqual([port for port in ports if answers(family, host, port)], [GATEWAY_PORT])
        # What else listens there does so on loopback only; the scan could not have seen it.
        for address, port in listening:
            if port != GATEWAY_PORT:
                self.assertIn(address, ("127.0.0.1", "::1"), f"port {port}")

    def test_a_listed_person_debugs_from_the_laptop(self):
        address = self.connect()
        client = rpc.Rpc(self, address)
        line = debuggee.line("tick")
        client.set_breakpoint(debuggee.MAIN, line)
        state = client.command("continue")
        self.assertEqual(state["currentThread"]["line"], line)
        self.assertIsNotNone(self.program_pid())
        # The laptop's own port is for the laptop only.
        port = address.rpartition(":")[2]
        seen = subprocess.run(namespaces.on_node(["socat", "-u", "OPEN:/dev/null", f"TCP:{namespaces.LAPTOP}:{port}"]),
                              capture_output=True, text=True)
        self.assertIn("refused", seen.stderr)
        client.close()

    def test_dlv_never_warns_about_other_hosts(self):
        client = rpc.Rpc(self, self.connect())
        client.state()
        output = b"\n".join(self.kept_output().values())
        self.assertIn(b"API server listening at", output)
        self.assertNotIn(b"not authenticated nor encrypted", output)
        client.close()

    def test_strangers_learn_nothing_and_reach_nothing(self):
        before = self.component_as_it_is()
        self.assertEqual(before["listing"]["components"][0]["state"], "stopped")
        secrets = (b"turbine", b"main.go", self.program.encode(), b"delvegate-test", b"stopped", b"running", b"alice")
        for who in STRANGERS:
            for alpn in ("delve", None, "http/1.1", "delvegate/1"):
                with self.subTest(f"{who} with {alpn}"):
                    heard, ending = self.stock_client(who, alpn)
                    if who != "mallory":
                        # Not a byte of application data; TLS itself says no.
                        self.assertEqual(heard, b"")
                        self.assertRegex(ending, "(?i)alert|certificate|reset")
                        continue
                    # Verified, but not listed: told that much, and the same for a component that does not exist.
                    again, _ = self.stock_client(who, alpn, "nothing.node1")
                    self.assertEqual(*(re.sub(rb"\d+", b"0", re.sub(rb'"link":"[0-9a-f]+"', b"", said)) for said in (heard, again)))
                    for secret in secrets:
                        self.assertNotIn(secret, heard)
        self.assertEqual(self.component_as_it_is(), before)

    def test_delvegate_connect_says_no_more_to_strangers(self):
        before = self.component_as_it_is()
        for who in ("other_ca", "expired", "mallory"):
            for wanted in ([], ["turbine"], ["nothing"]):
                with self.subTest(f"{who} {wanted}"):
                    done = subprocess.run([*self.connect_command(who, *wanted), "--listen", "127.0.0.1:0"],
                                          capture_output=True, text=True, timeout=waiting.DEADLINE)
                    told = done.stdout + done.stderr
                    if wanted or who != "mallory":
                        self.assertNotEqual(done.returncode, 0, told)
                    for secret in ("stopped", "running", "main.go", self.program):
                        self.assertNotIn(secret, told)
                    if wanted != ["turbine"]:
                        self.assertNotRegex(told, "turbine")
        self.assertEqual(self.component_as_it_is(), before)

    def test_bytes_that_are_not_tls_get_no_answer(self):
        before = self.component_as_it_is()
        for words in (json.dumps(HARM[1]).encode() + b"\n", b'Content-Length: 2\r\n\r\n{}', b"GET / HTTP/1.1\r\n\r\n",
                      b"SSH-2.0-x\r\n", b"\x00" * 64):
            with self.subTest(words), socket.create_connection((namespaces.NODE, GATEWAY_PORT), waiting.DEADLINE) as s:
                s.sendall(words)
                s.shutdown(socket.SHUT_WR)
                heard = b""
                try:
                    while data := s.recv(4096):
                        heard += data
                except ConnectionResetError:
                    pass
                # At most a TLS alert record: 5 bytes of header and 2 of alert.
                self.assertLessEqual(len(heard), 7, heard)
                self.assertTrue(heard in (b"",) or heard[0] == 21, heard)
        self.assertEqual(self.component_as_it_is(), before)


if __name__ == "__main__":
    namespaces.enter()
    unittest.main(verbosity=2)
