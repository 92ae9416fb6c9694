"""The extension in a real VS Code (code-server) in a real browser, with a real gateway and a real dlv."""

import os
import shutil
import unittest

from harness import case, codeserver, debuggee, tools, waiting
from harness.enrolling import Gateway
from harness.extension import SOURCE, Workshop, node
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

    def tell(self, story, **more):
        editor = codeserver.CodeServer(self, self.home, self.vsix)
        shots = os.environ.get("DELVEGATE_TEST_SHOTS") or os.path.join(self.directory, "shots")
        os.makedirs(shots, exist_ok=True)
        try:
            self.shop.run(node(), os.path.join("test", "e2e", "stories.mjs"), story, URL=editor.url, FOLDER=self.folder, SHOTS=shots,
                          TICK=str(TICK), DEADLINE=str(waiting.DEADLINE), **more)
        except AssertionError as error:
            raise AssertionError(f"{error}\npictures are in {shots} (DELVEGATE_TEST_KEEP=1 keeps them)") from None

    def status_of(self, gateway):
        return Rpc(self, self.connect(gateway, "bob", name="look").address).state()

    def test_breakpoint_step_restart_reload_disconnect(self):
        gateway = self.serve(self.component())
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", self.person("alice"))
        before = waiting.until("the program is there", lambda: gateway.program_pid(self.program))
        self.tell("breakpointStepRestartDisconnect")
        # Stop and Restart ended sessions of the editor's; the program is the same one, and can go on.
        self.assertEqual(gateway.program_pid(self.program), before)
        bob = Rpc(self, self.connect(gateway, "bob").address)
        self.assertFalse(bob.state()["exited"])
        for point in bob.call("ListBreakpoints")["Breakpoints"]:
            self.assertNotEqual(point.get("userData"), "alice")
        log = gateway.log()
        self.assertIn("alice", log)

    def test_somebody_else_has_the_baton(self):
        gateway = self.serve(self.component())
        codeserver.store_context(self.home, "here", f"localhost:{gateway.port}", self.person("alice"))
        bob = Rpc(self, self.connect(gateway, "bob").address)
        bob.set_breakpoint(os.path.join(self.folder, "main.go"), TICK)
        bob.command("continue")
        self.tell("somebodyElseHasTheBaton")
        said = bob.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "delvegate baton"})["Variable"]
        self.assertIn("alice", said["value"])

    def test_enrols(self):
        gateway = Gateway(self, self.component(users=["alice"]))
        self.assertTrue(gateway.line("carol") and gateway.enroll_port)
        line = gateway.line("alice")
        self.tell("enrols", INVITATION=line)
        stored = os.path.join(self.home, ".config", "delvegate", "contexts", "localhost")
        self.assertEqual(sorted(os.listdir(stored)), ["ca.crt", "client.pem", "context.json"])
        # `delvegate` finds what the extension has stored.
        ended = self._run_delvegate("context", "list")
        self.assertIn("alice", ended)

    def _run_delvegate(self, *arguments):
        import subprocess
        environment = dict({k: v for k, v in os.environ.items() if not k.startswith("XDG_")}, HOME=self.home)
        return subprocess.run([tools.delvegate(), *arguments], capture_output=True, text=True, env=environment, check=True).stdout


if __name__ == "__main__":
    unittest.main()
