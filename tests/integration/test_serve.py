"""`delvegate serve` and `delvegate status` on the command line."""

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import unittest

from harness import between, case, process, tools, waiting
from harness.rpc import Rpc


class ServeCase(case.Case):
    def run_delvegate(self, *arguments):
        return subprocess.run([tools.delvegate(), *arguments], capture_output=True, text=True, timeout=waiting.DEADLINE,
                              env=self.environment(), check=False)

    def environment(self):
        return dict(os.environ, HOME=self.directory)

    def complaint(self, *arguments, code):
        """What one line says when it fails."""
        ended = self.run_delvegate(*arguments)
        self.assertEqual(ended.returncode, code, ended)
        self.assertEqual(ended.stdout, "")
        lines = ended.stderr.splitlines()
        self.assertEqual(len(lines), 1, ended.stderr)
        self.assertTrue(lines[0].startswith("delvegate: "), lines)
        return lines[0]

    def write(self, text, name="gateway.yaml"):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def status(self, runtime):
        ended = self.run_delvegate("status", "--runtime-directory", runtime, "--output", "json")
        self.assertEqual(ended.returncode, 0, ended)
        return json.loads(ended.stdout)


class WithoutConfiguration(ServeCase):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.directory, "state")

    def start(self, name="serve", arguments=()):
        serve = process.Process(self, name, [
            tools.delvegate(), "serve", "--exec", self.program, "--name", "app", "--dlv", self.delve.dlv,
            "--listen", "127.0.0.1:0", "--state-directory", self.state, *arguments, "--", "one", "--flag"],
            env=self.environment())
        found = serve.wait_for("it listens", lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", serve.output()))
        # The line it prints is the line that works.
        line = serve.wait_for("it says what to type", lambda: re.search(r"^  delvegate (connect .*)$", serve.output(), re.M))
        return serve, int(found[1]), line[1].split()

    def connect(self, line, name="connect"):
        laptop = process.Process(self, name, [tools.delvegate(), *line, "--listen", "127.0.0.1:0", "--output", "json"],
                                 env=self.environment())
        found = laptop.wait_for("it is ready", lambda: re.search(r"127\.0\.0\.1:\d+", laptop.output()))
        return found[0]

    def test_the_printed_line_debugs_the_program(self):
        serve, _, line = self.start()
        client = Rpc(self, self.connect(line))
        self.assertFalse(client.state()["Running"])
        client.close()
        serve.signal(signal.SIGTERM)
        self.assertEqual(serve.wait(), 0, serve.errors())

    def test_keys_are_their_owners_alone_and_are_kept(self):
        serve, _, line = self.start()
        files = {}
        for folder, _, names in os.walk(self.state):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode) & 0o077, 0, folder)
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith(".key"):
                    self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
                if name.endswith((".key", ".crt")):
                    with open(path, "rb") as file:
                        files[path] = file.read()
        self.assertIn(os.path.join(self.state, "identities", "admin", "client.key"), files)
        for path, content in files.items():
            if path.endswith(".key"):
                self.assertNotIn(content.splitlines()[1].decode(), serve.output() + serve.errors())
        serve.signal(signal.SIGTERM)
        serve.wait()
        self.start("again")
        for path, content in files.items():
            with open(path, "rb") as file:
                self.assertEqual(file.read(), content, path)

    def test_a_second_gateway_on_the_same_state_is_refused(self):
        serve, _, _ = self.start()
        self.assertIn(f"(pid {serve.pid})", self.complaint(
            "serve", "--exec", self.program, "--listen", "127.0.0.1:0", "--state-directory", self.state, code=1))
        self.assertTrue(serve.running())

    def test_people_are_named(self):
        _, _, line = self.start(arguments=["--user", "alice", "--user", "bob"])
        self.assertEqual(line[-1], os.path.join(self.state, "identities", "alice"))
        line[-1] = os.path.join(self.state, "identities", "bob")
        client = Rpc(self, self.connect(line))
        self.assertFalse(client.state()["Running"])

    def test_a_program_that_is_not_there(self):
        self.assertIn("/nowhere/program", self.complaint("serve", "--exec", "/nowhere/program", code=2))


class ManyComponents(ServeCase):
    COUNT = 64

    def test_a_gateway_with_its_own_ca_and_many_components(self):
        """Its certificate has names of each, which is more than a person's may have."""
        dlv = self.headless()
        state = os.path.join(self.directory, "state")
        components = [{"name": f"c{number}", "kind": "connect", "users": ["alice"], "address": f"127.0.0.1:{between.free_port()}"}
                      for number in range(1, self.COUNT)]
        components.append({"name": f"c{self.COUNT}", "kind": "connect", "users": ["alice"], "address": dlv.address})
        path = self.write(json.dumps({"listen": ["127.0.0.1:0"], "stateDirectory": state, "runtimeDirectory": os.path.join(self.directory, "run"),
                                      "components": components}))
        last = f"c{self.COUNT}"
        identity = os.path.join(state, "identities", "alice")
        for name in ("serve", "again"):  # made, and found to be good still
            serve = process.Process(self, name, [tools.delvegate(), "serve", "--config", path], env=self.environment())
            port = int(serve.wait_for("it listens", lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", serve.output() + serve.errors()))[1])
            waiting.until("the last one is there", lambda: {one["name"]: one["state"] for one in self.status(
                os.path.join(self.directory, "run"))["components"]}[last] == "stopped")
            laptop = process.Process(self, f"connect-{name}", [tools.delvegate(), "connect", last, "--gateway", f"localhost:{port}", "--identity", identity,
                                                               "--listen", "127.0.0.1:0", "--output", "json"], env=self.environment())
            client = Rpc(self, laptop.wait_for("it is ready", lambda: re.search(r"127\.0\.0\.1:\d+", laptop.output()))[0])
            self.assertFalse(client.state()["Running"])
            client.close()
            # A stock client, which names the component in the server name.
            context = ssl.create_default_context(cafile=os.path.join(identity, "ca.crt"))
            context.load_cert_chain(os.path.join(identity, "client.crt"), os.path.join(identity, "client.key"))
            with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname=f"{last}.localhost") as stock:
                names = {value for kind, value in stock.getpeercert()["subjectAltName"] if kind == "DNS"}
                self.assertLessEqual({f"c{number}.localhost" for number in range(1, self.COUNT + 1)}, names)
                stock.sendall(b'{"method":"RPCServer.State","params":[{"NonBlocking":true}],"id":1}')
                self.assertIn(b'"id":1', stock.recv(65536))
            serve.signal(signal.SIGTERM)
            self.assertEqual(serve.wait(), 0, serve.errors())


class CommandLine(ServeCase):
    def test_an_unknown_key_has_its_place(self):
        path = self.write("listen: [\"127.0.0.1:0\"]\ncomponets: []\n")
        self.assertIn(f"{path}:2:1: unknown key `componets`; did you mean `components`?",
                      self.complaint("serve", "--config", path, code=2))

    def test_no_such_file(self):
        self.assertIn("/nowhere/gateway.yaml", self.complaint("serve", "--config", "/nowhere/gateway.yaml", code=2))

    def test_config_and_exec_exclude_each_other(self):
        path = self.write("")
        self.complaint("serve", "--config", path, "--exec", self.program, code=2)

    def test_an_unknown_option(self):
        self.assertIn("--frobnicate", self.complaint("serve", "--frobnicate", code=2))

    def test_no_subcommand(self):
        self.complaint(code=2)

    def test_certificates_that_are_not_there(self):
        path = self.write("certificate: no.crt\nkey: no.key\nclientCA: no-ca.crt\n"
                          f"stateDirectory: {self.directory}/state\nruntimeDirectory: {self.directory}/run\n")
        self.assertRegex(self.complaint("serve", "--config", path, code=1), r"no(-ca)?\.crt")

    def test_a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            path = self.write(f"listen: [\"127.0.0.1:{taken.getsockname()[1]}\"]\n"
                              f"stateDirectory: {self.directory}/state\nruntimeDirectory: {self.directory}/run\n")
            self.assertIn("cannot listen on 127.0.0.1", self.complaint("serve", "--config", path, code=1))

    def test_the_default_configuration_is_accepted(self):
        printed = self.run_delvegate("serve", "--print-default-config")
        self.assertEqual(printed.returncode, 0)
        path = self.write(printed.stdout)
        serve = process.Process(self, "serve", [
            tools.delvegate(), "serve", "--config", path, "--listen", "127.0.0.1:0",
            "--state-directory", os.path.join(self.directory, "state"),
            "--runtime-directory", os.path.join(self.directory, "run")], env=self.environment())
        serve.wait_for("it listens", lambda: "listening on" in serve.output())

    def test_help_has_an_example_and_exit_codes(self):
        for subcommand in ("serve", "connect", "status"):
            ended = self.run_delvegate(subcommand, "--help")
            self.assertEqual(ended.returncode, 0)
            self.assertRegex(ended.stdout, rf"Examples?:\n  delvegate {subcommand}")
            self.assertIn("Exit codes:", ended.stdout)

    def test_version(self):
        self.assertRegex(self.run_delvegate("version").stdout, r"^delvegate \d+\.\d+\.\d+\n$")

    def test_status_without_a_gateway(self):
        self.assertIn("no gateway answers", self.complaint("status", "--runtime-directory", self.directory, code=1))


class Running(ServeCase):
    def gateway(self, **more):
        serve = self.serve(**more)
        self.runtime = os.path.join(serve.directory, "run")
        return serve

    def control(self, serve, who, request):
        person = self.person(who)
        context = ssl.create_default_context(cafile=person.ca)
        context.load_cert_chain(person.certificate, person.key)
        context.set_alpn_protocols(["http/1.1"])
        with socket.create_connection(("127.0.0.1", serve.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(request)
                answer = b""
                while part := connection.recv(65536):
                    answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def test_status_shows_components_and_people(self):
        serve = self.gateway()
        client = Rpc(self, self.connect(serve).address)
        self.assertFalse(client.state()["Running"])
        report = self.status(self.runtime)
        self.assertEqual(report["pid"], serve.pid)
        self.assertEqual(report["listen"], [serve.address])
        component, = report["components"]
        self.assertEqual((component["name"], component["state"], component["dlvVersion"]),
                         ("app", "stopped", str(self.delve)))
        self.assertEqual(component["dlvPid"], serve.dlv_pid())
        self.assertTrue(os.path.exists(component["output"]))
        person, = component["viewers"]
        self.assertEqual((person["user"], person["protocol"]), ("alice", "JSON-RPC"))
        self.assertEqual(report["connections"]["streams"], 1)
        text = self.run_delvegate("status", "--config", serve.configuration_file)
        self.assertEqual(text.returncode, 0, text)
        self.assertIn("app (exec): stopped since", text.stdout)
        self.assertIn("alice from 127.0.0.1", text.stdout)

    def test_status_socket_is_its_owners_alone(self):
        self.gateway()
        path = os.path.join(self.runtime, "status.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.runtime).st_mode), 0o700)

    def test_status_says_why_a_component_is_down(self):
        serve = self.serve(self.component(binary="/nowhere/program"))
        self.runtime = os.path.join(serve.directory, "run")
        component, = self.status(self.runtime)["components"]
        self.assertIn("/nowhere/program", component["reason"])

    def test_control_api(self):
        serve = self.gateway()
        code, body = self.control(serve, "alice", b"GET /v1/components HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual((code, [c["name"] for c in body["components"]]), (200, ["app"]))
        code, body = self.control(serve, "alice", b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual((code, body["components"][0]["name"]), (200, "app"))
        code, body = self.control(serve, "mallory", b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual((code, list(body), body["code"]), (403, ["error", "code"], "forbidden"))

    def test_sigterm_drains_within_its_time(self):
        serve = self.gateway(limits={"drainTime": "1s"})
        client = Rpc(self, self.connect(serve).address)
        self.assertFalse(client.state()["Running"])
        program = serve.program_pid(self.program)
        serve.process.signal(signal.SIGTERM)
        self.assertEqual(serve.process.wait(), 0, serve.log())
        self.assertIn("drained", serve.log())
        self.assertFalse(process.alive(program))
        self.assertFalse(os.path.exists(os.path.join(self.runtime, "status.sock")))

    def test_a_second_signal_ends_at_once(self):
        serve = self.gateway(limits={"drainTime": "1d"})
        client = Rpc(self, self.connect(serve).address)
        self.assertFalse(client.state()["Running"])
        serve.process.signal(signal.SIGINT)
        serve.process.wait_for("it drains", lambda: "draining" in serve.log())
        self.assertTrue(self.status(self.runtime)["draining"])
        serve.process.signal(signal.SIGINT)
        self.assertEqual(serve.process.wait(), 1, serve.log())

    def test_json_log(self):
        serve = self.gateway(logFormat="json")
        Rpc(self, self.connect(serve).address).state()
        lines = serve.process.errors().splitlines()
        self.assertTrue(lines)
        for line in lines:
            self.assertLessEqual({"time", "level", "message"}, set(json.loads(line)), line)


if __name__ == "__main__":
    unittest.main()
