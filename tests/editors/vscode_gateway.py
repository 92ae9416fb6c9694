"""The VS Code extension's own parts (link, adapter, control API, enrolment) against a real gateway and a real dlv."""

import fcntl
import os
import re
import shutil
import signal
import threading
import unittest

from harness import case, codeserver, debuggee, process, tools, waiting
from harness.cutting import Way
from harness.enrolling import Gateway
from harness.extension import Workshop, node
from harness.launcher import Launcher
from harness.pki import Authority, Certificate
from harness.rpc import Rpc

TICK = debuggee.line("tick")


class Extension(case.Case):
    @classmethod
    def setUpClass(cls):
        cls.shop = Workshop()

    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.directory, "home")
        os.mkdir(self.home)

    def store(self, name, port, person):
        codeserver.store_context(self.home, name, f"localhost:{port}", person)

    def scenario(self, name, **more):
        try:
            self.shop.run("timeout", str(4 * int(waiting.DEADLINE)), node(), "--import", "tsx", os.path.join("test", "gateway", "scenarios.ts"),
                          name, XDG_CONFIG_HOME=os.path.join(self.home, ".config"), MAIN=debuggee.MAIN, TICK=str(TICK), **more)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None

    def test_a_session(self):
        gateway = self.serve()
        self.store("here", gateway.port, self.person())
        self.scenario("session")
        # Of a configuration only what Delve shows by leaves the laptop.
        self.assertNotIn("of mine", gateway.log())

    def test_sources_that_lie_elsewhere_than_when_the_program_was_built(self):
        gateway = self.serve()
        self.store("here", gateway.port, self.person())
        folder = os.path.join(self.directory, "checkout")
        shutil.copytree(debuggee.SOURCE, folder)
        other = os.path.join(self.directory, "other")
        os.mkdir(other)
        with open(os.path.join(other, "go.mod"), "w", encoding="utf-8") as file:
            file.write("module example.com/other\n")
        self.scenario("elsewhere", FOLDER=folder, OTHER_FOLDER=other)

    def test_a_link_that_breaks_in_the_middle_of_everything(self):
        gateway = self.serve()
        way = Way(self, gateway.port)
        way.every = (3000, 20000)
        self.store("here", way.port, self.person())
        self.scenario("linkBreaks")
        self.assertGreaterEqual(way.breaks, 5)

    def test_the_baton_is_somebody_elses(self):
        gateway = self.serve(self.component(users=["alice", "bob"]))
        self.store("here", gateway.port, self.person())
        bob = Rpc(self, self.connect(gateway, "bob").address)
        bob.set_breakpoint(debuggee.MAIN, TICK)
        bob.command("continue")
        self.scenario("baton")

    def test_refusals(self):
        revoked = os.path.join(self.directory, "revoked.yaml")
        with open(revoked, "w", encoding="utf-8") as file:
            file.write("users: [dave]\n")
        gateway = self.serve(revocations=revoked)
        alice = self.person()
        self.store("here", gateway.port, alice)
        other = Authority(os.path.join(self.directory, "other"), "other CA")
        stranger = other.person("alice")
        self.store("stranger", gateway.port, Certificate(stranger.certificate, stranger.key, alice.ca))
        self.store("strange-gateway", gateway.port, Certificate(alice.certificate, alice.key, other.certificate))
        self.store("expired", gateway.port, self.person("carol", not_after="20210101000000Z"))
        self.store("revoked", gateway.port, self.person("dave"))
        self.store("locked", gateway.port, alice.locked(self.directory, "open sesame"))
        # Verification is not for the environment to switch off.
        self.scenario("refusals", NODE_TLS_REJECT_UNAUTHORIZED="0")

    def test_a_component_of_the_launcher(self):
        launcher = Launcher(self, "app")
        policy = os.path.join(self.directory, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n- {role: admin, users: [alice], components: [app]}\n...\n")
        gateway = self.serve({"name": "app", "kind": "launcher", "maxViewers": 4}, policy=policy, launcherSocket=launcher.path)
        self.store("here", gateway.port, self.person())
        launcher.wait_for("status")
        launcher.refusal = ("refused", "not armed; root: delvegate arm app")
        self.scenario("unarmed")
        launcher.refusal = None
        launcher.steps = ["dlv is started", "the manifest is moved"]
        dlv = self.headless()
        launcher.on_start = lambda _: launcher.runs(dlv.address)
        self.scenario("life")
        self.assertEqual(launcher.requests("start")[-1]["plan"], "sha256:" + "0" * 64)
        self.assertEqual([len(launcher.requests(verb)) for verb in ("stop", "restore")], [1, 1])

    def test_enrolment_and_renewal(self):
        gateway = Gateway(self, self.component(users=["alice"]))
        gateway.token("carol")  # keeps the port open when alice's is used
        self.assertTrue(gateway.enroll_port)
        self.scenario("enrolment", LINE=gateway.line("alice"))

    def test_two_gateways_on_one_host(self):
        for name, scenario in (("first", "enrols"), ("second", "secondGateway")):
            gateway = Gateway(self, self.component(users=["alice"]), name)
            gateway.token("carol")  # keeps the port open when alice's is used
            self.assertTrue(gateway.enroll_port)
            self.scenario(scenario, LINE=gateway.line("alice"))

    def test_renewal_at_the_same_time_as_connects(self):
        gateway = Gateway(self, self.component(users=["alice"]), certificateTtl="1m")
        self.assertTrue(gateway.token("alice") and gateway.enroll_port)
        self.scenario("enrols", LINE=gateway.line("alice"))
        place = os.path.join(self.home, ".config", "delvegate", "contexts", "localhost")
        old = debuggee.contents(os.path.join(place, "client.pem"))
        address = self.laptop("connect")
        self.assertFalse(Rpc(self, address).state()["Running"])
        go, asked = (os.path.join(self.directory, name) for name in ("go", "asked"))
        failed = []

        def renews():
            try:
                self.scenario("renewalByTwo", GO=go, ASKED=asked)
            except AssertionError as error:
                failed.append(str(error))
        window = threading.Thread(target=renews)
        # Both have asked before the gateway answers one of them.
        os.kill(gateway.pid, signal.SIGSTOP)
        try:
            window.start()
            waiting.until("connect renews", lambda: held(os.path.join(place, "lock")))
            with open(go, "w", encoding="ascii"):
                pass
            waiting.until("the extension has asked", lambda: os.path.exists(asked) or failed)
        finally:
            os.kill(gateway.pid, signal.SIGCONT)
        window.join()
        self.assertEqual(failed, [])
        waiting.until("connect has renewed", lambda: not held(os.path.join(place, "lock")))
        self.assertEqual(gateway.status()["totals"]["renewals"], 2)
        self.assertNotEqual(debuggee.contents(os.path.join(place, "client.pem")), old)
        self.assertEqual(sorted(os.listdir(place)), ["ca.crt", "client.pem", "context.json", "lock"])
        # The pair that stays is good for both.
        self.scenario("works")
        self.assertFalse(Rpc(self, self.laptop("again")).state()["Running"])

    def laptop(self, name):
        """Where a `delvegate connect` with the extension's contexts listens."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "DELVEGATE_GATEWAY"))}
        laptop = process.Process(self, name, [tools.laptop(), "connect", "app", "--listen", "127.0.0.1:0", "--output", "json"],
                                 env=dict(environment, HOME=self.home))
        return laptop.wait_for("it is ready", lambda: re.search(r"127\.0\.0\.1:\d+", laptop.output()))[0]


def held(lock):
    """Whether somebody has it."""
    try:
        with open(lock, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


if __name__ == "__main__":
    unittest.main()
