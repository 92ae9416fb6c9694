"""Components of kind `launcher`: a session through descriptors that the launcher hands over, and their life by the control API."""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import unittest

from harness import case, debuggee, tools, waiting
from harness.dap import INITIALIZE, Dap
from harness.launcher import SESSION, Launcher
from harness.rpc import Rpc
from harness.terminal import Terminal

NAME = "kube-scheduler"
TICK = debuggee.line("tick")

POLICY = """bindings:
- {role: admin, users: [alice], components: [kube-scheduler]}
- {role: debugger, users: [bob], components: [kube-scheduler]}
- {role: observer, users: [olga], components: [kube-scheduler]}
...
"""


def told(ide):
    """All that an IDE was told beside answers."""
    return "".join(m["body"]["output"] for m in list(ide.messages) if m["type"] == "event" and m["event"] == "output")


class LaunchedCase(case.Case):
    def setUp(self):
        super().setUp()
        self.launcher = Launcher(self, NAME)
        self.policy = os.path.join(self.directory, "policy.yaml")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(POLICY)

    def gateway(self, **more):
        return self.serve({"name": NAME, "kind": "launcher", "maxViewers": 4}, policy=self.policy,
                          launcherSocket=self.launcher.path, **more)

    def run_debuggee(self):
        dlv = self.headless()
        self.launcher.runs(dlv.address)
        return dlv

    def api(self, gateway, who, method, path, body=None, headers=None):
        """(status, headers, lines or the one body)"""
        person = self.person(who)
        context = ssl.create_default_context(cafile=person.ca)
        context.load_cert_chain(person.certificate, person.key)
        context.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection("localhost", gateway.port, context=context, timeout=waiting.DEADLINE)
        self.addCleanup(connection.close)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.headers["Content-Type"] == "application/x-ndjson":
            return answer.status, [json.loads(line) for line in text.splitlines() if line]
        return answer.status, json.loads(text) if answer.headers["Content-Type"] == "application/json" else text

    def state(self, gateway):
        return self.api(gateway, "alice", "GET", f"/v1/components/{NAME}")[1]

    def until_attached(self, gateway):
        waiting.until("it is attached", lambda: self.state(gateway)["state"] in ("running", "stopped"))


class Sessions(LaunchedCase):
    def test_while_it_only_could_run_the_refusal_says_how(self):
        gateway = self.gateway()
        waiting.until("the launcher is heard", lambda: self.state(gateway)["state"] == "available")
        down = lambda: re.search(rf'(?m)^delvegate_component_down{{component="{NAME}"}} (\d)$', self.api(gateway, "alice", "GET", "/v1/metrics")[1])[1]
        self.assertEqual(down(), "0")
        for who, words in (("alice", f"start it with: delvegate start {NAME}"), ("bob", "which needs lifecycle; ")):
            person = self.person(who)
            ended = subprocess.run([tools.delvegate(), "connect", NAME, "--gateway", f"localhost:{gateway.port}", "--certificate",
                                    person.certificate, "--key", person.key, "--ca", person.ca, "--listen", "127.0.0.1:0"],
                                   capture_output=True, text=True, timeout=waiting.DEADLINE, check=False,
                                   env=dict(os.environ, HOME=self.directory))
            self.assertEqual(ended.returncode, 7, ended)
            self.assertIn("runs where it belongs, not under dlv", ended.stderr)
            self.assertIn(words, ended.stderr)
        self.launcher.close()
        waiting.until("the launcher is missed", lambda: down() == "1")

    def test_dlv_connect_and_an_ide_through_the_descriptors(self):
        dlv = self.run_debuggee()
        gateway = self.gateway()
        self.until_attached(gateway)
        address = self.connect(gateway, component=NAME).address
        terminal = Terminal(self, [self.delve.dlv, "connect", address]).prompt()
        terminal.run(f"break main.go:{TICK}")
        self.assertRegex(terminal.run("continue"), r"main\.tick\(\)")
        terminal.run("clearall")
        terminal.line("exit")
        terminal.expect(r"\[Y/n\] ")
        terminal.line("")
        self.assertEqual(terminal.finish(), 0, terminal.text)
        ide = Dap(self, address)
        ide.attach(stopOnEntry=True)
        self.assertTrue(ide.call("threads")["threads"])
        ide.close()
        self.assertGreaterEqual(len(self.launcher.requests("dial")), 3)
        self.assertTrue(all(one["session"] == SESSION for one in self.launcher.requests("dial")))
        self.assertTrue(dlv.process.running())

    def test_a_gateway_that_was_killed_comes_back_to_a_program_that_runs(self):
        dlv = self.run_debuggee()
        gateway = self.gateway()
        self.until_attached(gateway)
        client = Rpc(self, self.connect(gateway, component=NAME).address)
        self.assertFalse(client.state()["Running"])
        client.resume()
        waiting.until("it runs", lambda: client.state()["Running"])
        os.kill(gateway.pid, signal.SIGKILL)
        gateway.process.wait()
        self.assertTrue(Rpc(self, dlv.address).state()["Running"])
        again = self.gateway(name="again")
        self.until_attached(again)
        self.assertEqual(self.state(again)["state"], "running")
        self.assertTrue(Rpc(self, dlv.address).state()["Running"], "attaching has halted it")
        self.launcher.wait_for("heartbeat", 2)
        late = Rpc(self, self.connect(again, component=NAME, name="late").address)
        self.assertTrue(late.state()["Running"])

    def test_a_launcher_that_was_killed_is_not_noticed_in_a_session(self):
        self.run_debuggee()
        gateway = self.gateway()
        self.until_attached(gateway)
        address = self.connect(gateway, component=NAME).address
        client = Rpc(self, address)
        self.assertFalse(client.state()["Running"])
        self.launcher.close()
        waiting.until("its end is noticed", lambda: "trouble" in self.state(gateway)["launcher"])
        self.assertTrue(client.call("ListThreads")["Threads"])
        client.set_breakpoint(debuggee.MAIN, TICK)
        self.assertTrue(client.command("continue")["currentThread"]["breakPoint"]["id"] > 0)
        ide = Dap(self, address)
        self.assertIn("the launcher does not answer", ide.error("initialize", INITIALIZE))
        self.assertFalse(client.state()["Running"])
        self.launcher.listen()
        waiting.until("it is back", lambda: "trouble" not in self.state(gateway)["launcher"])
        self.assertFalse(client.state()["Running"])

    def test_when_it_goes_back_its_people_are_told(self):
        self.run_debuggee()
        gateway = self.gateway()
        self.until_attached(gateway)
        ide = Dap(self, self.connect(gateway, component=NAME).address)
        ide.attach(stopOnEntry=True)
        self.launcher.goes_back("restoring")
        ide.event("terminated")
        self.assertIn("goes back to where it belongs", told(ide))
        self.launcher.goes_back()
        waiting.until("it is available", lambda: self.state(gateway)["state"] == "available")

    def test_its_budget_is_the_launchers(self):
        self.launcher.budget = {"disturbMs": 0, "damageMs": 2000, "dutyMs": 500}
        self.run_debuggee()
        gateway = self.gateway()
        self.until_attached(gateway)
        client = Rpc(self, self.connect(gateway, component=NAME).address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        waiting.until("it goes on by itself", lambda: client.state()["Running"])


class Lifecycle(LaunchedCase):
    def setUp(self):
        super().setUp()
        self.serving = self.gateway()
        waiting.until("the launcher is heard", lambda: self.state(self.serving)["state"] == "available")
        self.path = f"/v1/components/{NAME}"

    def order(self, who, verb, body=None):
        return self.api(self.serving, who, "POST", f"{self.path}/{verb}", body)

    def audit(self):
        return debuggee.contents(os.path.join(self.serving.directory, "state", "audit", "audit.jsonl")).decode() or "".join(
            debuggee.contents(os.path.join(folder, name)).decode(errors="replace")
            for folder, _, names in os.walk(os.path.join(self.serving.directory, "state")) for name in names if name.endswith(".jsonl"))

    def test_start_with_progress_and_stop(self):
        self.launcher.steps = ["dlv is started", "the manifest is moved"]
        self.launcher.on_start = lambda request: self.run_debuggee()
        status, lines = self.order("alice", "start", json.dumps({"plan": "sha256:" + "0" * 64, "stopOnEntry": True}))
        self.assertEqual(status, 200, lines)
        self.assertEqual([line["progress"]["text"] for line in lines[:-1]], self.launcher.steps)
        self.assertEqual(lines[-1]["result"]["state"], "running")
        request = self.launcher.requests("start")[0]
        self.assertEqual((request["by"], request["plan"], request["stopOnEntry"]), ("alice", "sha256:" + "0" * 64, True))
        self.assertRegex(request["session"], "^[0-9a-f]{32}$")
        self.until_attached(self.serving)
        ide = Dap(self, self.connect(self.serving, component=NAME).address)
        ide.attach(stopOnEntry=True)
        status, lines = self.order("alice", "stop")
        self.assertEqual((status, lines[-1]["result"]["state"]), (200, "available"))
        self.assertEqual(self.launcher.requests("stop")[0]["session"], SESSION)
        ide.event("terminated")
        self.assertIn("was stopped by alice", told(ide))
        self.assertRegex(self.api(self.serving, "alice", "GET", "/v1/metrics")[1],
                         r'(?m)^delvegate_operations_total\{component="kube-scheduler",protocol="api",class="lifecycle"\} 2$')
        for operation in ("start", "stop"):
            waiting.until(f"{operation} is recorded", lambda: re.search(
                f'"kind":"intent".*"operation":"{operation}"', self.audit()) and re.search(
                    f'"kind":"outcome".*"operation":"{operation}".*"result":"ok"', self.audit()))

    def test_who_may_not_is_told_who_can(self):
        for who in ("bob", "olga"):
            for verb in ("start", "stop", "restore"):
                status, answer = self.order(who, verb)
                self.assertEqual((status, answer["code"]), (403, "forbidden"))
                self.assertIn("lifecycle", answer["error"])
            self.assertEqual(self.api(self.serving, who, "GET", self.path + "/plan")[0], 403)
            self.assertEqual(self.api(self.serving, who, "GET", self.path)[1]["state"], "available")
        self.assertEqual(self.order("mallory", "start")[0], 403)
        counted = self.api(self.serving, "alice", "GET", "/v1/metrics")[1]
        self.assertRegex(counted, r'(?m)^delvegate_refusals_total\{component="kube-scheduler",protocol="api",class="lifecycle"\} 8$')
        self.assertRegex(counted, r'(?m)^delvegate_operations_total\{component="kube-scheduler",protocol="api",class="lifecycle"\} 0$')
        self.assertFalse(self.launcher.requests("start") + self.launcher.requests("stop") + self.launcher.requests("restore") +
                         self.launcher.requests("inspect"))
        waiting.until("the refusal is recorded", lambda: re.search('"kind":"refusal".*"operation":"start"', self.audit()))

    def test_the_plan_and_the_list(self):
        self.assertEqual(self.api(self.serving, "alice", "GET", self.path + "/plan")[1]["hash"], "sha256:" + "0" * 64)
        status, answer = self.api(self.serving, "olga", "GET", "/v1/components")
        self.assertEqual((status, answer["components"][0]["name"], answer["components"][0]["state"]), (200, NAME, "available"))
        self.assertFalse(answer["components"][0]["detached"])

    def command(self, who, *arguments):
        person = self.person(who)
        return subprocess.run([tools.delvegate(), *arguments, "--gateway", f"localhost:{self.serving.port}", "--certificate",
                               person.certificate, "--key", person.key, "--ca", person.ca], capture_output=True, text=True,
                              timeout=waiting.DEADLINE, check=False, env=dict(os.environ, HOME=self.directory))

    def test_the_laptops_commands(self):
        self.launcher.steps = ["dlv is started"]
        self.launcher.on_start = lambda request: self.run_debuggee()
        shown = self.command("alice", "inspect", NAME, "--output", "json")
        self.assertEqual((shown.returncode, json.loads(shown.stdout)["component"]), (0, NAME), shown)
        started = self.command("alice", "start", NAME, "--output", "json")
        self.assertEqual((started.returncode, json.loads(started.stdout)["state"]), (0, "running"), started)
        self.assertIn("dlv is started", started.stderr)
        self.assertEqual(self.launcher.requests("start")[0]["plan"], "sha256:" + "0" * 64)
        self.until_attached(self.serving)
        self.assertIn("taken out", self.command("olga", "status", NAME).stdout)
        self.assertEqual(json.loads(self.command("olga", "status", "--output", "json").stdout)["components"][0]["name"], NAME)
        stopped = self.command("alice", "stop", NAME)
        self.assertEqual(stopped.returncode, 0, stopped)
        self.assertEqual(self.command("alice", "restore", NAME).returncode, 0)
        for verb in ("start", "stop", "restore", "inspect"):
            refused = self.command("bob", verb, NAME)
            self.assertEqual((refused.returncode, len(refused.stderr.splitlines())), (1, 2), refused)
            self.assertIn(f"through the gateway localhost:{self.serving.port}", refused.stderr)
            self.assertIn("lifecycle", refused.stderr)
        forced = self.command("alice", "start", NAME, "--force-other-minor")
        self.assertEqual(forced.returncode, 1, forced)
        self.assertIn("root", forced.stderr)

    def test_exit_codes_of_a_start(self):
        self.launcher.refusal = ("failed", "its health did not answer")
        undone = self.command("alice", "start", NAME)
        self.assertEqual(undone.returncode, 1, undone)
        self.launcher.on_refusal = lambda: self.launcher.goes_back("not_put_back")
        broken = self.command("alice", "start", NAME)
        self.assertEqual(broken.returncode, 4, broken)
        self.assertRegex(broken.stderr, "did not answer; it is not as it was; see: delvegate status")
        self.launcher.goes_back()
        self.launcher.on_refusal = self.launcher.close
        lost = self.command("alice", "start", NAME)
        self.assertEqual(lost.returncode, 4, lost)
        person = self.person("alice")
        person.certificate = os.path.join(self.directory, "nowhere.crt")
        for verb in ("start", "stop", "restore", "inspect", "status"):
            wrong = self.command("alice", verb, NAME)
            self.assertEqual(wrong.returncode, 2, wrong)

    def waiting_start(self):
        """A start that waits for its turn at the launcher; its answer comes into the list."""
        self.launcher.queued = True
        self.launcher.go_on.clear()
        answer = []
        thread = threading.Thread(target=lambda: answer.append(self.order("alice", "start")), daemon=True)
        thread.start()
        self.addCleanup(thread.join, waiting.DEADLINE)
        self.launcher.wait_for("start")
        return answer

    def test_what_waits_is_taken_back_from_who_may_not_any_more(self):
        answer = self.waiting_start()
        # In its place: beside the state directory it is opened to a confined gateway alone.
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(POLICY.replace("alice", "carol"))
        os.kill(self.serving.pid, signal.SIGHUP)
        waiting.until(lambda: f"the launcher is told {self.serving.log()}", self.launcher.left.is_set)
        waiting.until("she is told", lambda: answer)
        status, lines = answer[0]
        self.assertEqual((status, lines[-1]["code"]), (200, "forbidden"), lines)
        self.assertIn("lifecycle", lines[-1]["error"])
        waiting.until("its outcome is recorded", lambda: re.search('"kind":"outcome".*"operation":"start".*lifecycle', self.audit()))

    def test_what_waits_is_taken_back_from_who_is_shown_out(self):
        answer = self.waiting_start()
        killed = subprocess.run([tools.delvegate(), "sessions", "kill", "--user", "alice", "--config", self.serving.configuration_file],
                                capture_output=True, text=True, timeout=waiting.DEADLINE, check=False)
        self.assertEqual(killed.returncode, 0, killed)
        waiting.until("the launcher is told", self.launcher.left.is_set)
        waiting.until("she is told", lambda: answer)
        self.assertIn("error", answer[0][1][-1])

    def test_who_stopped_it_last_time_is_not_told_of_this_time(self):
        self.assertEqual(self.order("alice", "restore")[0], 200)
        self.run_debuggee()
        self.until_attached(self.serving)
        ide = Dap(self, self.connect(self.serving, component=NAME).address)
        ide.attach(stopOnEntry=True)
        self.launcher.goes_back("restoring")
        ide.event("terminated")
        self.assertIn("was stopped and goes back", told(ide))
        self.assertNotIn("by alice", told(ide))

    def test_a_page_in_a_browser_starts_nothing(self):
        for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            status, answer = self.api(self.serving, "alice", "POST", self.path + "/start", None, header)
            self.assertEqual(status, 403, answer)
        self.assertFalse(self.launcher.requests("start"))

    def test_restore(self):
        self.assertEqual(self.order("alice", "restore")[1][-1]["result"]["reports"][0]["text"], "put back")

    def test_the_launchers_refusal_is_handed_on(self):
        self.launcher.refusal = ("refused", "not armed; root: delvegate arm kube-scheduler")
        status, answer = self.order("alice", "start")
        self.assertEqual((status, answer), (403, {"error": self.launcher.refusal[1], "code": "refused"}))
        self.launcher.steps = ["one"]
        self.launcher.refusal = None
        self.launcher.close()
        status, answer = self.order("alice", "start")
        self.assertEqual((status, answer["code"]), (502, "unreachable"))

    def test_what_is_not_an_order_is_refused(self):
        for body in ("[]", "{", '{"plan":"0"}', '{"argv":["sh"]}', '{"stopOnEntry":"yes"}', '{"force":["other-minor"]}'):
            self.assertEqual(self.order("alice", "start", body)[0], 400, body)
        self.assertEqual(self.order("alice", "stop", '{"plan":"sha256:%s"}' % ("0" * 64))[0], 400)
        self.assertEqual(self.order("alice", "arm")[0], 404)
        self.assertEqual(self.api(self.serving, "alice", "GET", self.path + "/start")[0], 405)
        self.assertEqual(self.api(self.serving, "alice", "POST", "/v1/components/other/start")[0], 404)
        self.assertEqual(len(self.launcher.requests("start")), 0)

    def test_a_start_goes_on_when_its_caller_is_gone(self):
        self.launcher.steps = ["one"]
        self.launcher.go_on.clear()
        self.launcher.on_start = lambda request: self.run_debuggee()
        person = self.person("alice")
        context = ssl.create_default_context(cafile=person.ca)
        context.load_cert_chain(person.certificate, person.key)
        context.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection("localhost", self.serving.port, context=context, timeout=waiting.DEADLINE)
        connection.request("POST", self.path + "/start")
        self.launcher.wait_for("start")
        connection.close()
        self.launcher.go_on.set()
        self.until_attached(self.serving)
        waiting.until("its outcome is recorded", lambda: re.search(
            '"kind":"outcome".*"operation":"start".*"result":"ok"', self.audit()))


if __name__ == "__main__":
    unittest.main()
