"""The web page in a real browser: people with their certificates at one gateway, one of them on a phone."""

import http.server
import json
import os
import re
import shutil
import signal
import threading
import unittest

from harness import case, debuggee, process, tools, waiting
from harness.dap import Dap
from harness.extension import Workshop, node
from harness.launcher import Launcher
from harness.rpc import Rpc
from test_baton import TICK, BatonCase
from test_web_page import PageCase

HOSTILE = debuggee.line("use")


class Browser:
    """With whoever is at the gateway."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop = Workshop()  # has a playwright-core
        cls.chromium = shutil.which("chromium")
        if not cls.chromium:
            raise tools.Missing("no chromium; run ./scripts/install-deps editors")

    def commands(self, **functions):
        """An address at which the story has them called."""
        class Commands(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                try:
                    functions[self.path[1:]]()
                    status, text = 200, b""
                except Exception as error:  # the story's to tell
                    status, text = 500, repr(error).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Commands)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/"

    def ui(self, who):
        """As that person's, and the link to it."""
        person = self.person(who)
        ui = process.Process(self, "ui", [tools.delvegate(), "ui", "--no-browser", "--output", "json", "--gateway", f"localhost:{self.gateway.port}",
                                          "--certificate", person.certificate, "--key", person.key, "--ca", person.ca],
                             env=dict(os.environ, HOME=self.directory))
        return ui, json.loads(ui.wait_for("it prints its link", lambda: re.search(r"\{.*\}", ui.output()))[0])["url"]

    def tell(self, story, *people, **more):
        # Pictures of docs/images are made anew where that is asked for.
        self.shop.run(node(), os.path.join(tools.ROOT, "tests", "editors", "web_page.mjs"), story, GATEWAY=f"https://localhost:{self.gateway.port}/",
                      SHOTS=os.environ.get("DELVEGATE_TEST_SHOTS", ""), DEADLINE=str(waiting.DEADLINE), CHROMIUM=self.chromium, TICK=str(TICK),
                      **{who.upper(): f"{self.person(who).certificate}:{self.person(who).key}" for who in people}, **more)


class TwoPeople(Browser, BatonCase):
    roles = {"alice": "admin", "bob": "developer"}
    component_keys = {"park": "1h"}

    def component(self, **more):
        made = super().component(**more)
        # A checkout as it could be: what is shown of it is only ever text.
        checkout = os.path.join(self.directory, "checkout")
        shutil.copytree(os.path.dirname(debuggee.MAIN), checkout)
        main = os.path.join(checkout, "main.go")
        with open(main, encoding="utf-8") as file:
            lines = file.read().split("\n")
        lines[HOSTILE - 1] = "\t<script>alert(1)</script><img src=x onerror=alert(2)>"
        with open(main, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        before = os.stat(made["binary"]).st_mtime - 10
        os.utime(main, (before, before))
        return dict(made, sources=checkout)

    def run_to_the_hostile_line(self):
        self.alice.set_breakpoint(debuggee.MAIN, HOSTILE)
        self.alice.command("continue")

    def test_two_people(self):
        bob = Dap(self, self.addresses["bob"])
        bob.attach(stopOnEntry=True)
        self.to_tick()
        ui, link = self.ui("alice")

        def end_the_gateway():
            self.stands = not self.alice.state()["Running"]
            os.kill(self.gateway.pid, signal.SIGTERM)
            self.gateway.process.wait()
        self.tell("twoPeople", *self.roles, UI=link, COMMANDS=self.commands(run_to_the_hostile_line=self.run_to_the_hostile_line,
                                                                            end_the_gateway=end_the_gateway, end_the_ui=ui.end))
        self.assertIn("ended by alice", str(self.told(bob, "ended by alice")))
        # Another's session ended; the program is where it was.
        self.assertTrue(self.stands)


class Actions(Browser, BatonCase):
    can_revoke = True
    component_keys = {"park": "1h"}

    def test_actions(self):
        self.to_tick()

        def policy(**roles):
            path = os.path.join(self.directory, "policy.yaml")
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write("bindings:\n" + "".join(f"- {{role: {role}, users: [{one}], components: [app]}}\n" for one, role in roles.items()) +
                           "...\n")
            os.rename(path + ".new", path)
            os.kill(self.gateway.pid, signal.SIGHUP)
        self.tell("actions", *self.roles, COMMANDS=self.commands(
            olga_may_nothing=lambda: policy(alice="admin", bob="developer"), olga_may_look=lambda: policy(**self.roles),
            olga_rules=lambda: policy(**{**self.roles, "olga": "admin"}), revoke_olga=lambda: self.revoke("olga")))


class Tabs(Browser, BatonCase):
    def test_one_more_than_a_browser_has_connections(self):
        self.to_tick()
        self.tell("tabs", UI=self.ui("alice")[1])


class Life(Browser, case.Case):
    def test_started_stopped_and_put_back(self):
        launcher = Launcher(self, "app")
        policy = os.path.join(self.directory, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n- {role: admin, users: [alice], components: [app, web]}\n- {role: debugger, users: [bob], components: [app]}\n...\n")
        web = self.headless()
        self.gateway = self.serve({"name": "app", "kind": "launcher", "maxViewers": 4}, {"name": "web", "kind": "connect", "address": web.address}, policy=policy, launcherSocket=launcher.path)
        launcher.wait_for("status")
        launcher.refusal = ("refused", "not armed; root: delvegate arm app")
        launcher.steps = ["dlv is started", "the manifest is moved"]
        launcher.go_on.clear()
        dlv = self.headless()
        launcher.on_start = lambda _: launcher.runs(dlv.address)
        second = self.headless()

        def arm():
            launcher.refusal = None
        self.tell("life", "alice", "bob", COMMANDS=self.commands(arm=arm, go_on=launcher.go_on.set,
                                                                 start_at_the_node=lambda: launcher.runs(second.address)))
        self.assertEqual([len(launcher.requests(verb)) for verb in ("start", "stop", "restore")], [2, 1, 1])


class Reconnect(Browser, case.Case):
    def start(self, name, **more):
        return self.serve({"name": "app", "kind": "connect", "users": ["alice"], "address": self.dlv.address}, name=name,
                          stateDirectory=os.path.join(self.directory, "state"), limits={"followersPerUser": 4}, **more)

    def test_the_page_goes_on_by_itself(self):
        self.dlv = self.headless()
        self.gateway = self.start("serve")
        port = self.gateway.port

        def down():
            os.kill(self.gateway.pid, signal.SIGKILL)
            self.gateway.process.wait()

        def up():
            # Meanwhile it has moved on.
            client = Rpc(self, self.dlv.address)
            client.set_breakpoint(debuggee.MAIN, TICK)
            client.command("continue")
            client.close()
            self.gateway = self.start("serve-again", listen=[f"127.0.0.1:{port}"])
        self.tell("reconnect", "alice", COMMANDS=self.commands(down=down, up=up))


class Crowd(Browser, PageCase):
    def test_on_a_phone_and_by_keyboard(self):
        files = {}
        for path in ("/", "/page.js", "/page.css"):
            answer = self.ask("alice", "GET", path)
            kept = ("Content-Type", "Content-Security-Policy", "X-Content-Type-Options")
            files[path] = {"headers": {name: answer.headers[name] for name in kept}, "text": answer.read().decode()}
        with open(os.path.join(self.directory, "files.json"), "w", encoding="utf-8") as file:
            json.dump(files, file)
        self.tell("crowd", FILES=self.directory)


if __name__ == "__main__":
    unittest.main()
