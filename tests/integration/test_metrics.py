"""Metrics: what the gateway tells Prometheus, to whom, and that alerts, dashboard and docs name what there is."""

import json
import os
import re
import shutil
import socket
import subprocess
import textwrap
import time
import unittest

from harness import debuggee, forms, tools, waiting
from test_sessions import SessionsCase

TICK = debuggee.line("tick")
PROMETHEUS = os.path.join(tools.ROOT, "packaging", "prometheus")
SERIES = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")


def names_in(text):
    return set(re.findall(r"\bdelvegate_[a-z_]+", text))


def read(*path):
    with open(os.path.join(tools.ROOT, *path), encoding="utf-8") as file:
        return file.read()


class Metrics:
    def __init__(self, text):
        self.text = text
        self.types = dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text))
        self.values = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SERIES.fullmatch(line).groups()
                self.values[name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels or ""))] = float(value)

    def get(self, name, **labels):
        return self.values[name, frozenset(labels.items())]

    def labels(self, name):
        return {key: value for one, labels in self.values if one.startswith(name) for key, value in labels}


class MetricsCase(SessionsCase):
    def until(self, what, condition):
        return waiting.until(what, condition)

    def http(self, connection):
        answer = b""
        while part := connection.recv(65536):
            answer += part
        head, _, body = answer.decode().partition("\r\n\r\n")
        return head, body

    def metrics(self, who="olga"):
        head, body = self.http(self.raw(who, "/v1/metrics"))
        self.assertTrue(head.startswith("HTTP/1.1 200"), head + body)
        self.assertIn("Content-Type: text/plain; version=0.0.4", head)
        return Metrics(body)

    def until_metric(self, expected, name, **labels):
        self.until(f"{name} is {expected}", lambda: self.metrics().get(name, **labels) == expected)

    def promtool(self, *arguments, text=None, directory=None):
        done = subprocess.run([shutil.which("promtool"), *arguments], input=text, cwd=directory, text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout


class Exported(MetricsCase):
    def test_names(self):
        """Prometheus reads it; docs, alerts and dashboard name what is there, and the docs all of it."""
        metrics = self.metrics()
        self.promtool("check", "metrics", text=metrics.text)
        # One that has a stop budget has more.
        more = self.serve(self.component("budgeted", stopBudget="1h"), name="budgeted", metricsListen=["127.0.0.1:0"])
        exported = set(metrics.types) | set(self.of_port(more).types)
        documented = set(re.findall(r"(?m)^\| `(delvegate_[a-z_]+)` ", read("docs", "metrics.md")))
        self.assertEqual(documented, exported)
        series = {re.sub(r"_(bucket|sum|count)$", "", one) if re.sub(r"_(bucket|sum|count)$", "", one) in exported else one
                  for file in ("delvegate.rules.yml", "grafana-dashboard.json") for one in names_in(read("packaging", "prometheus", file))}
        self.assertGreater(len(series), 25)
        self.assertEqual(series - exported, set())
        for name, kind in metrics.types.items():
            self.assertEqual(name.endswith("_total"), kind == "counter", name)
        states = re.search(r"`state`: ([a-z, ]+) \|", read("docs", "metrics.md"))[1].split(", ")
        self.assertEqual({dict(labels)["state"] for one, labels in metrics.values if one == "delvegate_component_state"}, set(states))
        row = re.compile(r"(?m)^\| `(delvegate_[a-z_]+)` \| ([^|]*)\|")
        for name, labels in row.findall(read("docs", "metrics.md").split("## Each component")[0]):
            told = {one for one in re.findall(r"`(\w+)`", labels)}
            if name in metrics.types:
                self.assertEqual(set(metrics.labels(name)), told, name)

    def of_port(self, serve):
        where = json.loads(subprocess.run([tools.delvegate(), "status", "--output", "json", "--config", serve.configuration_file], capture_output=True, text=True,
                                          check=True, timeout=60).stdout)["metrics"]["listen"][0]
        host, port = where.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=waiting.DEADLINE) as connection:
            connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
            head, body = self.http(connection)
        self.assertTrue(head.startswith("HTTP/1.1 200"), head)
        return Metrics(body)

    def test_alerts(self):
        directory = os.path.join(self.directory, "rules")
        shutil.copytree(PROMETHEUS, directory)
        self.promtool("check", "rules", "delvegate.rules.yml", directory=directory)
        self.promtool("check", "config", "prometheus.yml", directory=directory)
        shutil.copy(os.path.join(tools.ROOT, "tests", "integration", "metrics_rules.yml"), directory)
        self.promtool("test", "rules", "metrics_rules.yml", directory=directory)
        rules = set(re.findall(r"alert: (\w+)", read("packaging", "prometheus", "delvegate.rules.yml")))
        tested = set(re.findall(r"alertname: (\w+)\n", read("tests", "integration", "metrics_rules.yml")))
        self.assertEqual(rules, tested)

    def test_dashboard(self):
        """Every expression of the dashboard is one that Prometheus reads."""
        dashboard = json.loads(read("packaging", "prometheus", "grafana-dashboard.json"))
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
        self.assertGreater(len(expressions), 20)
        rules = {"groups": [{"name": "dashboard", "rules": [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(expressions)]}]}
        path = os.path.join(self.directory, "dashboard.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(rules, file)
        self.promtool("check", "rules", path)


class Counted(MetricsCase):
    def test_a_session(self):
        """What people do shows."""
        before = self.metrics()
        self.to_tick()
        self.dap("bob")
        after = self.metrics()
        app = {"component": "app"}
        self.assertEqual(after.get("delvegate_component_state", state="stopped", **app), 1)
        self.assertEqual(sum(after.get("delvegate_component_state", state=one, **app) for one in ("unavailable", "starting", "running", "exited")), 0)
        self.assertEqual(after.get("delvegate_viewers", **app), 2)
        self.assertEqual(after.get("delvegate_baton_held", **app), 1)
        self.assertEqual(after.get("delvegate_dlv_attached_total", **app), 1)
        self.assertGreater(after.get("delvegate_stops_total", **app), before.get("delvegate_stops_total", **app))
        for kind in ("control", "breakpoint"):
            labels = {"protocol": "json-rpc", "class": kind, **app}
            self.assertGreater(after.get("delvegate_operations_total", **labels), before.get("delvegate_operations_total", **labels), kind)
        self.assertGreaterEqual(after.get("delvegate_request_handover_seconds_count", protocol="json-rpc", kind="run", **app), 1)
        self.assertGreaterEqual(after.get("delvegate_stop_told_seconds_count", **app), 1)
        self.assertNotIn("alice", after.text)
        self.assertNotIn("bob", after.text)

    def test_a_look_is_measured_both_ways(self):
        self.to_tick()
        bob = self.dap("bob")
        bob.stopped()
        before = self.metrics()
        self.alice.call("ListThreads", {})
        bob.call("threads")
        after = self.metrics()
        for protocol in ("json-rpc", "dap"):
            for name, labels in (("delvegate_request_handover_seconds", {"kind": "look"}), ("delvegate_reply_handover_seconds", {})):
                labels = {"component": "app", "protocol": protocol, **labels}
                self.assertEqual(after.get(name + "_count", **labels) - before.get(name + "_count", **labels), 1, f"{protocol} {name}")
                added = after.get(name + "_sum", **labels) - before.get(name + "_sum", **labels)
                self.assertGreater(added, 0)
                self.assertLess(added, 5, "the clock began when the request was whole")
                buckets = sorted((float(dict(of)["le"]), value) for (one, of), value in after.values.items()
                                 if one == name + "_bucket" and labels.items() <= dict(of).items())
                self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))
                self.assertEqual(buckets[-1], (float("inf"), after.get(name + "_count", **labels)))

    def test_time_stopped(self):
        self.to_tick()
        first = self.metrics().get("delvegate_stopped_seconds_total", component="app")
        begun = time.monotonic()
        self.until("it counts", lambda: self.metrics().get("delvegate_stopped_seconds_total", component="app") > first + 0.2)
        self.assertLess(self.metrics().get("delvegate_stopped_seconds_total", component="app") - first, time.monotonic() - begun + 1)

    def test_refusals(self):
        """By the policy and by the baton, each for itself."""
        olga = self.rpc("olga")
        olga.state()
        labels = {"component": "app", "protocol": "json-rpc", "class": "control"}
        before = self.metrics()
        self.assertIsNotNone(olga.reply(olga.send("Command", {"name": "continue"}))["error"])
        self.until("a refusal", lambda: self.metrics().get("delvegate_refusals_total", **labels) == before.get("delvegate_refusals_total", **labels) + 1)
        self.assertEqual(self.metrics().get("delvegate_operations_total", **labels), before.get("delvegate_operations_total", **labels))
        self.to_tick()
        bob = self.rpc("bob")
        bob.state()
        self.assertIn("baton", bob.reply(bob.send("Command", {"name": "next"}))["error"])
        self.until_metric(1, "delvegate_baton_refusals_total", component="app")
        self.assertIn("baton", bob.error("Set", {"Scope": forms.SCOPE, "Symbol": "main.wish", "Value": "1"}))
        self.until_metric(2, "delvegate_baton_refusals_total", component="app")
        bobs = self.dap("bob")
        _, stopped = bobs.stopped()
        for refused, command in enumerate(("continue", "next"), start=3):
            self.assertFalse(bobs.response(bobs.send(command, {"threadId": stopped["threadId"]}))["success"])
            self.until_metric(refused, "delvegate_baton_refusals_total", component="app")
        self.assertIn("baton", bobs.error("evaluate", {"expression": "call main.callsTick()", "context": "repl"}))
        self.until_metric(5, "delvegate_baton_refusals_total", component="app")
        self.delvegate("baton", "ask", "app", who="bob")
        self.until_metric(1, "delvegate_baton_waiting", component="app")
        self.delvegate("baton", "give", "app", "bob", who="alice")
        self.until_metric(1, "delvegate_baton_waits_total", component="app")
        after = self.metrics()
        self.assertEqual(after.get("delvegate_baton_waiting", component="app"), 0)
        self.assertGreater(after.get("delvegate_baton_wait_seconds_total", component="app"), 0)

    def of_api(self, name, kind, metrics=None):
        return (metrics or self.metrics()).get(f"delvegate_{name}_total", component="app", protocol="api", **{"class": kind})

    def test_the_control_api(self):
        """What is asked for by it, and by the node's administrator, is there as what IDEs ask for is."""
        def counted(begun, refused, kind, deed):
            before = self.metrics()
            deed()
            after = self.metrics()
            moved = [self.of_api(name, kind, after) - self.of_api(name, kind, before) for name in ("operations", "refusals")]
            self.assertEqual(moved, [begun, refused])
            for other in ("json-rpc", "dap"):
                labels = {"component": "app", "protocol": other, "class": kind}
                self.assertEqual(after.get("delvegate_operations_total", **labels), before.get("delvegate_operations_total", **labels))
        self.to_tick()
        counted(1, 0, "observe", lambda: self.delvegate("baton", "app", who="olga"))
        counted(1, 0, "control", lambda: self.delvegate("baton", "ask", "app", who="bob"))
        counted(1, 0, "lifecycle", lambda: self.delvegate("baton", "take", "app", who="alice"))
        counted(0, 1, "lifecycle", lambda: self.delvegate("baton", "take", "app", who="bob", code=1))
        counted(0, 1, "control", lambda: self.delvegate("park", "app", "--note", "why", who="olga", code=1))
        counted(1, 0, "control", lambda: self.delvegate("baton", "drop", "app"))
        viewer = self.dap("bob")

        def session():
            return next(one["session"] for one in json.loads(self.delvegate("sessions", "--output", "json"))["sessions"] if one["protocol"] == "DAP")
        counted(1, 0, "lifecycle", lambda: self.delvegate("sessions", "kill", "--session", session()))
        viewer.wait_closed()

    def test_handshakes_that_fail(self):
        def failures(cause):
            return self.metrics().get("delvegate_handshake_failures_total", cause=cause)
        before = failures("tls")
        none = failures("certificate")
        with socket.create_connection(("127.0.0.1", self.gateway.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.settimeout(waiting.DEADLINE)
            while connection.recv(4096):
                pass
        self.until("no TLS", lambda: failures("tls") == before + 1)
        # It may have ended before it heard why.
        subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.gateway.port}", "-alpn", "http/1.1"], input="", text=True,
                       capture_output=True, timeout=60, check=False)
        self.until("no certificate", lambda: failures("certificate") == none + 1)
        self.assertEqual(failures("tls"), before + 1)

    def test_files_and_certificates(self):
        metrics = self.metrics()
        for certificate in ("gateway", "clientCA"):
            self.assertGreater(metrics.get("delvegate_certificate_expiry_timestamp_seconds", certificate=certificate), time.time())
        self.policy(dict(self.roles))
        self.until("the policy is read", lambda: self.metrics().get("delvegate_reloads_total", item="policy") >= 1)
        with open(os.path.join(self.directory, "policy.yaml"), "w", encoding="utf-8") as file:
            file.write("bindings: nonsense\n")
        self.until_metric(1, "delvegate_reload_failing", item="policy")
        self.assertGreaterEqual(self.metrics().get("delvegate_reload_failures_total", item="policy"), 1)
        self.assertEqual(metrics.get("delvegate_audit_ok"), 1)
        self.assertGreater(self.metrics().get("delvegate_audit_records_total"), 0)


class Logged(MetricsCase):
    """Of each line which component and which session it is about, for who looks for that in a journal or a collector of JSON."""
    gateway_keys = {"logFormat": "json"}
    component_keys = {"stopBudget": "1s", "duty": "1s"}

    def lines(self):
        return [json.loads(line) for line in self.gateway.process.errors().splitlines() if line.endswith("}")]

    def line(self, text):
        found = waiting.until(f"a line: {text}", lambda: [one for one in self.lines() if re.search(text, one["message"])])
        return found[-1].get("component"), found[-1].get("session")

    def test_lines_of_a_component(self):
        def session(user, protocol="JSON-RPC"):
            listed = lambda: json.loads(self.delvegate("sessions", "--output", "json"))["sessions"]
            return waiting.until("a session", lambda: [one["session"] for one in listed() if (one["user"], one["protocol"]) == (user, protocol)])[0]

        self.to_tick()
        self.assertEqual(self.line("^app: dlv .* started"), ("app", None))
        self.assertEqual(self.line("^app: dlv .* answers"), ("app", None))
        self.assertEqual(self.line("^app: kept from its duty"), ("app", None))
        self.assertEqual(self.line("^app: the stop budget of 1 s is used up"), ("app", None))
        self.delvegate("baton", "take", "app", who="alice")
        self.assertEqual(self.line("^app: baton take by alice"), ("app", session("alice")))
        bob = self.dap("bob")
        bobs = session("bob", "DAP")
        self.delvegate("baton", "give", "app", "bob", who="alice")
        self.assertEqual(self.line("^app: baton give by alice"), ("app", bobs))
        self.delvegate("sessions", "kill", "--session", bobs, "--reason", "lunch")
        bob.wait_closed()
        self.assertEqual(self.line("^app: session .* of bob was ended by the gateway's administrator: lunch"), ("app", bobs))
        mine = session("alice")
        connection = self.raw("alice", f"/v1/sessions/{mine}/kill", "POST")
        self.assertIn("alice's session at app was ended", self.http(connection)[1])
        self.assertEqual(self.line("^app: kill session by alice"), ("app", mine))
        of_app = [one for one in self.lines() if one["message"].startswith("app: ")]
        self.assertGreater(len(of_app), 6)
        self.assertEqual({one.get("component") for one in of_app}, {"app"})


class ToWhom(MetricsCase):
    def test_by_the_policy(self):
        """Whoever may observe all sees all; of some, those; of none, nothing."""
        program = self.headless(args=["two"])
        policy = os.path.join(self.directory, "two.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n  - {role: observer, users: [olga], components: ['*']}\n"
                       "  - {role: admin, users: [alice], components: [app]}\n...\n")
        self.gateway = self.serve({"name": "app", "kind": "connect", "address": program.address},
                                  {"name": "other", "kind": "connect", "address": "127.0.0.1:1"}, name="two", policy=policy)
        whole = self.metrics("olga")
        self.assertEqual({dict(labels)["component"] for name, labels in whole.values if name == "delvegate_viewers"}, {"app", "other"})
        self.assertIn("delvegate_connections", whole.types)
        part = self.metrics("alice")
        self.assertEqual({dict(labels)["component"] for name, labels in part.values if name == "delvegate_viewers"}, {"app"})
        self.assertNotIn('"other"', part.text)
        for name in ("delvegate_connections", "delvegate_audit_ok", "delvegate_reloads_total"):
            self.assertNotIn(name, part.types)
        head, body = self.http(self.raw("mallory", "/v1/metrics"))
        self.assertTrue(head.startswith("HTTP/1.1 403"), head)
        self.assertNotIn("delvegate_", body)

    def test_in_kubernetes(self):
        """What packaging/kubernetes/gateway.yaml has for whoever collects: Prometheus is an observer of all, and the log is JSON."""
        manifest = read("packaging", "kubernetes", "gateway.yaml")
        configuration, policy = (textwrap.dedent(re.search(rf"(?m)^  {name}: \|\n((?:    .*\n)+)", manifest)[1]) for name in ("gateway.yaml", "policy.yaml"))
        path = os.path.join(self.directory, "pod.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(policy)
        log_format, = re.findall(r"(?m)^logFormat: (\w+)$", configuration)
        self.gateway = self.serve({"name": "app", "kind": "connect", "address": "127.0.0.1:1"}, {"name": "other", "kind": "connect", "address": "127.0.0.1:1"},
                                  name="pod", policy=path, logFormat=log_format)
        metrics = self.metrics("prometheus")
        self.assertEqual({dict(labels)["component"] for name, labels in metrics.values if name == "delvegate_viewers"}, {"app", "other"})
        self.assertIn("delvegate_connections", metrics.types)
        self.assertIn("may not", self.delvegate("park", "app", "--note", "why", who="prometheus", code=1))
        for line in self.gateway.process.errors().splitlines():
            self.assertIn("message", json.loads(line))

    def test_the_port(self):
        program = self.headless(args=["two"])
        serve = self.serve({"name": "app", "kind": "connect", "address": program.address, "users": ["alice"]}, name="port", metricsListen=["127.0.0.1:0"])
        where = json.loads(subprocess.run([tools.delvegate(), "status", "--output", "json", "--config", serve.configuration_file], capture_output=True,
                                          text=True, check=True, timeout=60).stdout)["metrics"]["listen"][0]
        port = int(where.rsplit(":", 1)[1])

        def ask(request):
            with socket.create_connection(("127.0.0.1", port), timeout=waiting.DEADLINE) as connection:
                connection.sendall(request.encode())
                return self.http(connection)

        head, body = ask(f"GET /metrics HTTP/1.1\r\nHost: {where}\r\n\r\n")
        self.assertTrue(head.startswith("HTTP/1.1 200"), head)
        self.assertEqual(Metrics(body).get("delvegate_viewers", component="app"), 0)
        for request, status in ((f"GET /v1/status HTTP/1.1\r\nHost: {where}\r\n\r\n", 404), (f"POST /metrics HTTP/1.1\r\nHost: {where}\r\nContent-Length: 0\r\n\r\n", 405),
                                (f"GET /metrics HTTP/1.1\r\nHost: rebound.example:{port}\r\n\r\n", 403), ("GET /metrics HTTP/1.1\r\n\r\n", 403),
                                (f"GET /metrics HTTP/1.1\r\nHost: {where}\r\nA: {'a' * 9000}\r\n\r\n", 431), ("nonsense\r\n\r\n", 400)):
            head, body = ask(request)
            self.assertTrue(head.startswith(f"HTTP/1.1 {status}"), f"{request[:60]!r}: {head}")
            self.assertNotIn("delvegate_", body)
        # Those that say nothing take places, but for a time only, and never the gateway's.
        silent = [socket.create_connection(("127.0.0.1", port), timeout=waiting.DEADLINE) for _ in range(20)]
        for one in silent:
            self.addCleanup(one.close)
        self.until("those beyond the limit are closed", lambda: sum(self.is_closed(one) for one in silent) >= 4)
        self.until("the others are closed in their time", lambda: all(self.is_closed(one) for one in silent))
        self.assertTrue(ask(f"GET /metrics HTTP/1.1\r\nHost: {where}\r\n\r\n")[0].startswith("HTTP/1.1 200"))

    def is_closed(self, connection):
        connection.setblocking(False)
        try:
            return connection.recv(1) == b""
        except BlockingIOError:
            return False

    def test_loopback_only(self):
        path = os.path.join(self.directory, "open.yaml")
        for address in ("0.0.0.0:9743", "[::]:9743", "192.0.2.7:9743", "node1.example:9743", "localhost:9743"):
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"metricsListen": [address], "stateDirectory": self.directory, "components": []}, file)
            os.chmod(path, 0o600)
            done = subprocess.run([tools.delvegate(), "serve", "--config", path], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("`metricsListen` is for this host alone", done.stderr)


if __name__ == "__main__":
    unittest.main()
