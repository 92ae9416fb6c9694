"""The extension in a real VS Code (code-server) in a real browser, with a real gateway and a real dlv."""

import datetime
import http.server
import json
import os
import shutil
import subprocess
import threading
import unittest

from harness import case, codeserver, debuggee, tools, waiting
from harness.enrolling import Gateway
from harness.extension import Workshop, node
from harness.launcher import Launcher
from harness.rpc import Rpc

TICK = debuggee.line("tick")


class VisualStudioCode(case.Case):
    @classmethod
    def setUpClass(cls):
        cls.shop = Workshop()
        cls.vsix = cls.shop.package()

    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.directory, "home")
        os.mkdir(self.home)
        # What is opened is a copy: an editor writes where it likes.
        self.folder = os.path.join(self.directory, "checkout")
        shutil.copytree(debuggee.SOURCE, self.folder)
        self.program = debuggee.build(self.delve, self.folder)

    def tell(self, story, folder=None, **more):
        editor = codeserver.CodeServer(self, self.home, self.vsix)
        shots = os.environ.get("DELVEGATE_TEST_SHOTS") or os.path.join(self.directory, "shots")
        os.makedirs(shots, exist_ok=True)
        try:
            self.shop.run(node(), os.path.join("test", "e2e", "stories.mjs"), story, URL=editor.url, FOLDER=folder or self.folder, SHOTS=shots,
                          TICK=str(TICK), DEADLINE=str(waiting.DEADLINE), **more)
        except AssertionError as error:
            raise AssertionError(f"{error}\npictures are in {shots} (DELVEGATE_TEST_KEEP=1 keeps them)") from None

    @staticmethod
    def launches(folder, configuration, **more):
        """A launch.json."""
        os.makedirs(os.path.join(folder, ".vscode"))
        with open(os.path.join(folder, ".vscode", "launch.json"), "w", encoding="utf-8") as file:
            json.dump({"version": "0.2.0", "configurations": [{"name": "app", "type": "delvegate", "request": "attach", **configuration}], **more}, file)

    def test_breakpoint_step_restart_reload_disconnect(self):
        gateway = self.serve(self.component())
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", self.person("alice"))
        waiting.until("the program is there", lambda: gateway.program_pid(self.program))
        before = gateway.program_pid(self.program), gateway.dlv_pid()
        # What is opened is another checkout than the program was built from, and nobody gives a rule.
        checkout = os.path.join(self.directory, "another-checkout")
        shutil.copytree(debuggee.SOURCE, checkout)
        self.tell("breakpointStepRestartDisconnect", checkout)
        # Stop, Restart and the reload ended sessions of the editor's; program and dlv are the same, and others can go on.
        self.assertEqual((gateway.program_pid(self.program), gateway.dlv_pid()), before)
        bob = Rpc(self, self.connect(gateway, "bob").address)
        self.assertFalse(bob.state()["exited"])

    def test_two_people(self):
        gateway = self.serve(self.component(users=["alice", "bob"], stopBudget="10m"))
        for name in ("alice", "bob"):
            codeserver.store_context(self.home, name, f"localhost:{gateway.port}", self.person(name))
        # Windows are told apart by their folders. Bob's checkout is not the one that the program was built from.
        other = os.path.join(self.directory, "checkout-of-bob")
        shutil.copytree(debuggee.SOURCE, other)
        self.launches(other, {
            "component": "${input:component}", "substitutePath": [{"from": other, "to": self.folder}],
            # Nobody speaks there: VS Code is not to try.
            "debugServer": 1, "linux": {"debugServer": 1}},
            inputs=[{"id": "component", "type": "pickString", "description": "Which?", "options": ["other", "app"]}])
        waiting.until("the program is there", lambda: gateway.program_pid(self.program))
        self.tell("twoPeople", OTHER_FOLDER=other)

    def test_starts_and_puts_back_a_component_of_the_launcher(self):
        launcher = Launcher(self, "app")
        policy = os.path.join(self.directory, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n- {role: admin, users: [alice], components: [app]}\n...\n")
        gateway = self.serve({"name": "app", "kind": "launcher", "maxViewers": 4}, policy=policy, launcherSocket=launcher.path)
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", self.person("alice"))
        launcher.wait_for("status")
        launcher.refusal = ("refused", "not armed; root: delvegate arm app")
        launcher.steps = ["dlv is started", "the manifest is moved"]
        dlv = self.headless()
        launcher.on_start = lambda _: launcher.runs(dlv.address)
        self.tell("startsAndPutsBack", ARM=self.arming(launcher))
        self.assertEqual(launcher.requests("start")[-1]["plan"], "sha256:" + "0" * 64)
        self.assertEqual([len(launcher.requests(verb)) for verb in ("start", "stop")], [2, 1])

    def arming(self, launcher):
        """An address that arms the component when it is asked: root on the node, whom the story calls."""
        class Root(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                launcher.refusal = None
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Root)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/"

    def test_somebody_else_has_the_baton(self):
        gateway = self.serve(self.component())
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", self.person("alice"))
        bob = Rpc(self, self.connect(gateway, "bob").address)
        bob.set_breakpoint(os.path.join(self.folder, "main.go"), TICK)
        bob.command("continue")
        self.tell("somebodyElseHasTheBaton")
        said = bob.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "delvegate baton"})["Variable"]
        self.assertIn("alice", said["value"])

    def test_a_command_goes_to_the_gateway_of_the_session_whatever_the_view_shows(self):
        gateway = self.serve(self.component())
        codeserver.store_context(self.home, "there", "localhost:1", self.person("alice"))
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", self.person("alice"))
        bob = Rpc(self, self.connect(gateway, "bob").address)
        bob.set_breakpoint(os.path.join(self.folder, "main.go"), TICK)
        bob.command("continue")
        self.tell("theGatewayOfTheSession")
        said = bob.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "delvegate baton"})["Variable"]
        self.assertIn("alice", said["value"])

    def test_a_key_with_a_passphrase(self):
        gateway = self.serve(self.component())
        # In the last hour of some years: it cannot be renewed as long as its key is locked.
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        alice = self.person("alice", not_after=soon.strftime("%Y%m%d%H%M%SZ"))
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", alice.locked(self.directory, "open sesame"))
        self.tell("unlocks")
        for folder, _, names in os.walk(self.home):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.isfile(path):
                    self.assertNotIn(b"open sesame", debuggee.contents(path), path)

    def test_enrols(self):
        gateway = Gateway(self, self.component(users=["alice"]))
        line = gateway.line("alice")
        self.assertTrue(gateway.enroll_port)
        self.tell("enrols", INVITATION=line)
        stored = os.path.join(self.home, ".config", "delvegate", "contexts", "localhost")
        self.assertEqual(sorted(os.listdir(stored)), ["ca.crt", "client.pem", "context.json"])
        # `delvegate` finds what the extension has stored.
        environment = dict({name: value for name, value in os.environ.items() if not name.startswith("XDG_")}, HOME=self.home)
        listed = subprocess.run([tools.delvegate(), "context", "list"], capture_output=True, text=True, env=environment, check=True)
        self.assertIn("alice", listed.stdout)

    def test_a_certificate_that_is_revoked(self):
        revoked = os.path.join(self.directory, "revoked.yaml")
        with open(revoked, "w", encoding="utf-8") as file:
            file.write("users: [alice]\n")
        gateway = self.serve(self.component(), revocations=revoked)
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", self.person("alice"))
        self.launches(self.folder, {"component": "app"})
        self.tell("isRevoked")

    def test_enrols_with_a_second_gateway_on_a_host(self):
        codeserver.store_context(self.home, "localhost", "localhost:1", self.person("alice"))
        contexts = os.path.join(self.home, ".config", "delvegate", "contexts")
        before = debuggee.contents(os.path.join(contexts, "localhost", "client.pem"))
        gateway = Gateway(self, self.component(users=["alice"]))
        line = gateway.line("alice")
        self.assertTrue(gateway.enroll_port)
        self.tell("enrolsBesideAnother", INVITATION=line)
        self.assertEqual(sorted(os.listdir(contexts)), ["localhost", "localhost-2"])
        self.assertEqual(debuggee.contents(os.path.join(contexts, "localhost", "client.pem")), before)


if __name__ == "__main__":
    unittest.main()
