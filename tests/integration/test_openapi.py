"""docs/openapi.json and the running gateway are of one mind: each operation called, each answer held against its schema, by the Python in
which scripts/install-deps has put the judges."""

import base64
import copy
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import types
import unittest
import unittest.mock

import jsonschema
import openapi_spec_validator

from harness import case, debuggee, openapi, tools, waiting
from harness.enrolling import EnrollCase
from harness.launcher_socket import GATEWAY, LauncherSocketCase
from test_baton import BatonCase
from test_launched import LaunchedCase
from test_launched import NAME as LAUNCHED

TICK = debuggee.line("tick")
# Not provoked here: a gateway that is stopping or full, an audit that cannot be written (test_limits, test_audit and others do).
ELSEWHERE = {"503"}
# By which class here the operations of a tag are called.
STORIES = {"components": "Together", "together": "Together", "lifecycle": "Orders", "certificates": "Certificates", "page": "Together"}


def objects(schema, where=()):
    """Every schema of an object with named members, and where it stands."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield where, schema
        for key, value in schema.items():
            yield from objects(value, (*where, key))
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from objects(value, (*where, str(number)))


class Described(unittest.TestCase):
    def test_it_is_openapi(self):
        openapi_spec_validator.validate(openapi.DOCUMENT)
        spoilt = copy.deepcopy(openapi.DOCUMENT)
        del spoilt["paths"]["/v1/status"]["get"]["responses"]["200"]["description"]
        with self.assertRaises(Exception):
            openapi_spec_validator.validate(spoilt)

    def test_objects_have_no_other_members(self):
        for where, schema in objects(openapi.DOCUMENT):
            if "openapi.json" not in "".join(where):
                self.assertIs(schema.get("additionalProperties"), False, where)

    def test_each_operation_has_a_story_that_calls_it(self):
        for path, method in openapi.operations():
            tag, = openapi.operation(path, method)["tags"]
            self.assertIn(STORIES[tag], globals(), (path, method))

    def test_prose_has_each_path(self):
        with open(os.path.join(tools.ROOT, "docs", "api.md"), encoding="utf-8") as file:
            prose = file.read()
        for path, method in openapi.operations():
            written = path.replace("{name}", "NAME").replace("{session}", "ID")
            # The page's files are in one row.
            self.assertIn(f"`{written}`" if path.startswith("/page.") else f"`{method} {written}`", prose)


class ApiCase(unittest.TestCase):
    """What holds for every operation, whatever it does. Those who come after have self.seen and self.api(WHO)."""

    session = "none"

    def path(self, template):
        return template.replace("{name}", self.component_name).replace("{session}", self.session)

    def refused_alike(self, who, *tags, stranger=None):
        """Everything that is refused before it is looked at."""
        api = self.api(who)
        for template, method in sorted(openapi.operations(*tags)):
            path = self.path(template)
            described = openapi.operation(template, method)["responses"]
            self.assertEqual(api(method, path, headers={"X": "x" * 10000}).status, 431)
            if method == "GET":
                self.assertEqual(api(method, path, body="{}").status, 400)
            else:
                self.assertEqual(api(method, path, body="x" * 20000).status, 413)
                self.assertEqual(api(method, path, body=iter([b"{}"]), headers={"Transfer-Encoding": "chunked"}).status, 411)
                self.assertEqual(api(method, path, body="{").status, 400)
                self.assertEqual(api(method, path, body="{}", headers={"Origin": "https://evil.example"}).status, 403)
            if stranger:
                self.assertEqual(self.api(stranger)(method, path).status, 403)
            if "404" in described:
                self.assertEqual(api(method, template.replace("{name}", "nothing"), body=None if method == "GET" else "{}").status, 404)
            self.wrong_methods(api, template, path)

    def wrong_methods(self, api, template, path):
        served = {one.upper() for one in openapi.METHODS if one in openapi.DOCUMENT["paths"][template]}
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - served:
            # Described with any method that is served.
            with api.connection() as made:
                made.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
                answer = http.client.HTTPResponse(made, method=method)
                answer.begin()
                got = openapi.Answer(answer.status, answer.headers, answer.read().decode())
            self.assertEqual(got.status, 405, (method, path, got.text))
            self.assertEqual(set(re.split(", *", got.headers["Allow"])), served, path)
            for one in served:
                api.check(one, path, got)

    def bodies(self, api, template, bodies):
        """What the document takes for a body is none to the gateway, and the other way round."""
        schema = openapi.validator("paths", template, "post", "requestBody", "content", "application/json", "schema")
        for body in bodies:
            got = api("POST", self.path(template), body=body)
            self.assertEqual(schema.is_valid(body), got.status != 400, (template, body, got.text))

    def all_was_seen(self, *tags):
        described = {(path, method, status) for path, method in openapi.operations(*tags)
                     for status in openapi.operation(path, method)["responses"] if status not in ELSEWHERE}
        self.assertEqual({one for one in described if one not in self.seen}, set(), "described, and never answered")


class Together(BatonCase, ApiCase):
    """A program under a real dlv, and people at it."""
    component_name = "app"
    component_keys = {"stopBudget": "10m", "park": "1h"}

    def setUp(self):
        super().setUp()
        self.seen = set()

    def api(self, who):
        return openapi.Api(self.gateway.port, self.person(who), self.seen)

    def test_each_operation(self):
        alice, olga = self.api("alice"), self.api("olga")
        app = "/v1/components/app"
        self.assertEqual(olga("GET", "/v1/openapi.json").text, openapi.TEXT)
        self.to_tick()
        self.dap("bob")
        self.assertEqual(alice("POST", app + "/park", {"note": "look, Bob", "for": "10m"}).status, 200)
        self.assertEqual(alice("POST", app + "/pin", {"at": [f"main.go:{TICK}"]}).status, 200)
        self.assertEqual(self.api("bob")("POST", app + "/baton", {"do": "ask"}).status, 200)
        for path in ("/v1/status", "/v1/metrics", "/v1/components", "/v1/sessions", app, app + "/baton", app + "/park", app + "/pin"):
            self.assertEqual(olga("GET", path).status, 200, path)
        status = olga("GET", "/v1/status").parts()[0]["components"][0]
        self.assertLessEqual({"stopBudget", "runControl", "stop", "park", "position", "reason", "by", "dlvPid", "output"}, set(status))
        self.assertEqual(olga("GET", app + "/pin").parts()[0]["pinned"][0]["user"], "alice")
        line, made = olga.first_line("/v1/sessions/follow")
        with made:
            self.assertEqual({one["user"] for one in line.parts()[0]["sessions"]}, {"alice", "bob"})
        self.assertEqual(alice("POST", app + "/unpin", {"breakpoints": [olga("GET", app + "/pin").parts()[0]["pinned"][0]["id"]]}).status, 200)
        self.assertEqual(alice("POST", app + "/unpark").status, 200)
        waiting.until("it runs", lambda: olga("GET", app).parts()[0]["state"] in ("running", "stopped"))
        self.assertEqual(alice("POST", app + "/unpark").status, 409)
        for verb, body in (("baton", {"do": "drop"}), ("park", {"note": "no"}), ("unpark", None), ("pin", {"breakpoints": [1]}), ("unpin", {"breakpoints": [1]})):
            self.assertEqual(olga("POST", f"{app}/{verb}", body).status, 403)
        self.assertEqual(self.api("bob")("POST", app + "/baton", {"do": "give", "to": "nobody"}).status, 409)
        self.assertEqual(alice("POST", app + "/pin", {"breakpoints": [999]}).status, 409)
        self.assertEqual(alice("POST", app + "/unpin", {"breakpoints": [999]}).status, 409)
        self.run_free()
        self.assertEqual(alice("POST", app + "/park", {"note": "it runs"}).status, 409)
        self.assertEqual(olga("GET", app).parts()[0]["state"], "running")
        self.refused_alike("alice", "components", "together", stranger="mallory")
        followers = [olga.first_line("/v1/sessions/follow")[1] for _ in range(8)]
        self.assertEqual(olga("GET", "/v1/sessions/follow").status, 429)
        for one in followers:
            one.close()
        self.all_was_seen("components", "together")

    def test_the_page(self):
        alice, olga = self.api("alice"), self.api("olga")
        for path in ("/", "/page.js", "/page.css"):
            self.assertEqual(olga("GET", path).status, 200)
        followers = [olga.first_line("/v1/events") for _ in range(8)]
        self.assertTrue(json.loads(followers[0][0].text.removeprefix("data: "))["components"])
        self.assertEqual(olga("GET", "/v1/events").status, 429)
        event = openapi.validator("paths", "/v1/events", "get", "responses", "200", "content", "text/event-stream", "x-events", "message")
        self.to_tick()
        with alice.connection() as made:
            made.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = http.client.HTTPResponse(made, method="GET")
            answer.begin()
            seen = set()
            while not {"components", "audit"} <= seen:
                line = answer.readline().decode()
                self.assertTrue(line, "the events ended")
                if line.startswith("data: "):
                    told = json.loads(line.removeprefix("data: "))
                    event.validate(told)
                    seen |= set(told)
                elif line.strip() and not line.startswith(":"):
                    self.assertEqual(line.partition(":")[0], "data", "an event has a name that is not described")
            told["secret"] = 1
            self.assertFalse(event.is_valid(told))
        for _, made in followers:
            made.close()
        self.dap("bob")
        sessions = olga("GET", "/v1/sessions").parts()[0]["sessions"]
        self.session, = [one["session"] for one in sessions if one["user"] == "bob"]
        kill = f"/v1/sessions/{self.session}/kill"
        self.refused_alike("alice", "page", stranger="mallory")
        self.assertEqual(olga("POST", kill).status, 403)
        for wrong in ({"reason": "x" * 513}, {"why": "x"}, {"reason": 1}, []):
            self.assertEqual(alice("POST", kill, wrong).status, 400)
        self.assertEqual(alice("POST", kill, {"reason": "lunch"}).parts(), [{"text": "bob's session at app was ended"}])
        self.assertEqual(alice("POST", kill).status, 404)
        self.all_was_seen("page")

    def run_free(self):
        """Whatever has become of it, it runs afterwards."""
        if self.alice.state()["Running"]:
            self.alice.command("halt")
        self.run_on(self.alice)

    def test_bodies(self):
        alice = self.api("alice")
        self.to_tick()
        pins = [{"at": [f"main.go:{TICK}"]}, {"breakpoints": [1]}, {"at": []}, {}, {"at": "main.go:1"}, {"at": [""]}, {"at": [1]}, {"breakpoints": [0]},
                {"breakpoints": ["1"]}, {"which": []}, {"at": ["main.go:1"], "breakpoints": [1]}, {"at": ["x:1"] * 65}, []]
        self.bodies(alice, "/v1/components/{name}/pin", pins)
        self.bodies(alice, "/v1/components/{name}/unpin", pins)
        self.bodies(alice, "/v1/components/{name}/baton",
                    [{"do": "ask"}, {"do": "drop"}, {"do": "take"}, {"do": "give"}, {"do": "give", "to": "bob"}, {"do": "ask", "to": "bob"}, {"do": "dance"}, {},
                     {"to": "bob"}, {"do": True}, {"do": "ask", "by": "bob"}, "ask"])
        self.bodies(alice, "/v1/components/{name}/park",
                    [{"note": "x"}, {"note": "x", "for": "1m"}, {"note": "x", "for": "90s"}, {"note": ""}, {}, {"note": "x" * 513}, {"note": "x", "for": "soon"},
                     {"note": "x", "for": 60}, {"note": 1}, {"note": "x", "until": "1m"}, {"note": "x", "stop": "999-ffff"}, {"note": "x", "stop": "first"}, {"note": "x", "stop": ""}, []])
        self.bodies(alice, "/v1/components/{name}/unpark", [{}, {"note": "x"}, {"stop": "999-ffff"}, {"stop": ""}, {"stop": 1}, []])

    def test_what_is_not_described_would_be_seen(self):
        api = self.api("alice")
        good = api("GET", "/v1/components/app")
        for spoil in (lambda one: one.update(secret=1), lambda one: one["runControl"].update(holders=[]), lambda one: one["stopBudget"].pop("used"),
                      lambda one: one.update(state="asleep")):
            spoilt = good.parts()[0]
            spoil(spoilt)
            with self.assertRaises(AssertionError):
                api.check("GET", "/v1/components/app", openapi.Answer(200, good.headers, json.dumps(spoilt)))
        with self.assertRaises(AssertionError):
            api.check("GET", "/v1/components/app", openapi.Answer(418, good.headers, good.text))
        with self.assertRaises(AssertionError):
            api("GET", "/v1/nothing")


class Orders(LaunchedCase, ApiCase):
    """Life and refusals of a component of the launcher's, with a real dlv behind it."""
    component_name = LAUNCHED

    def setUp(self):
        super().setUp()
        self.seen = set()
        self.serving = self.gateway()
        self.at = f"/v1/components/{LAUNCHED}/"

    def api(self, who, *request):
        """As here; with a request, as the cases of test_launched have it."""
        if request:
            return super().api(who, *request)
        return openapi.Api(self.serving.port, self.person(who), self.seen)

    def state(self, gateway):
        return openapi.Api(gateway.port, self.person("olga"), self.seen)("GET", f"/v1/components/{LAUNCHED}").parts()[0]

    def test_each_operation(self):
        alice, bob = self.api("alice"), self.api("bob")
        waiting.until("the launcher is heard", lambda: self.state(self.serving)["state"] == "available")
        self.launcher.steps = ["dlv is started"]
        self.launcher.on_start = lambda request: self.run_debuggee()
        self.assertEqual(alice("POST", self.at + "start", {"stopOnEntry": True}).parts()[0]["progress"]["text"], "dlv is started")
        self.until_attached(self.serving)
        self.assertTrue(alice("GET", "/v1/components").parts()[0]["components"][0]["detached"])
        self.assertEqual(self.state(self.serving)["launcher"]["kind"], "static-pod")
        for verb in ("stop", "restore"):
            self.assertIn("result", alice("POST", self.at + verb).parts()[-1])
        for method, verb in (("GET", "plan"), ("POST", "start"), ("POST", "stop"), ("POST", "restore")):
            self.assertEqual(bob(method, self.at + verb).status, 403)
        self.launcher.steps = []
        for code, status in (("refused", 403), ("unknown", 404), ("busy", 409), ("failed", 409), ("limited", 429)):
            self.launcher.refusal = (code, "because")
            for verb in ("start", "stop", "restore"):
                self.assertEqual(alice("POST", self.at + verb).status, status)
        self.launcher.steps = ["begun"]
        self.assertEqual(alice("POST", self.at + "start").parts()[-1], {"error": "because", "code": "limited"})
        self.launcher.refusal = None
        self.refused_alike("alice", "lifecycle", stranger="mallory")
        self.launcher.close()
        for method, verb in (("GET", "plan"), ("POST", "start"), ("POST", "stop"), ("POST", "restore")):
            self.assertEqual(alice(method, self.at + verb).status, 502)
        # Plans are test_plans', and so is what a launcher refuses to plan.
        self.seen |= {("/v1/components/{name}/plan", "GET", status) for status in ("200", "409", "429")}
        self.all_was_seen("lifecycle")

    def test_bodies(self):
        nothing = [{}, {"plan": "sha256:" + "0" * 64}, {"force": []}, []]
        self.bodies(self.api("alice"), "/v1/components/{name}/start",
                    [{"plan": "sha256:" + "0" * 64}, {"stopOnEntry": False}, {}, {"plan": "0"}, {"plan": "sha256:" + "X" * 64}, {"stopOnEntry": "yes"},
                     {"argv": ["sh"]}, []])
        self.bodies(self.api("alice"), "/v1/components/{name}/stop", nothing)
        self.bodies(self.api("alice"), "/v1/components/{name}/restore", nothing)


class Plans(LauncherSocketCase, case.Case):
    """What a real launcher says (its engine takes nothing out)."""

    def setUp(self):
        super().setUp()
        self.start()
        self.policy = os.path.join(self.directory, "policy.yaml")
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n- {role: admin, users: [alice], components: ['*']}\n...\n")
        components = [{"name": name, "kind": "launcher"} for name in ("kubelet", "refused", "missing")]
        with unittest.mock.patch.dict(os.environ, DELVEGATE_BINARY=self.as_gateway()):
            self.serving = self.serve(*components, policy=self.policy, launcherSocket=self.path("s/launcher.sock"))
        self.seen = set()
        self.alice = openapi.Api(self.serving.port, self.person("alice"), self.seen)

    def as_gateway(self):
        """A delvegate that runs as the launcher's gatewayUser: a gateway of root's would be told more."""
        own = tempfile.mkdtemp(prefix="delvegate-test-")
        self.addCleanup(shutil.rmtree, own, True)
        os.chmod(own, 0o755)
        shutil.copy(tools.delvegate(), os.path.join(own, "delvegate"))
        wrapper = os.path.join(own, "as-gateway")
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nchown -R {GATEWAY} '{self.directory}/pki' '{self.directory}/serve' || exit\n"
                       f"exec setpriv --reuid={GATEWAY} --regid={GATEWAY} --clear-groups '{own}/delvegate' \"$@\"\n")
        os.chmod(wrapper, 0o755)
        return wrapper

    def test_plans_and_orders(self):
        at = "/v1/components/kubelet/"
        waiting.until("the launcher is heard", lambda: self.alice("GET", "/v1/components/kubelet").parts()[0]["state"] == "available")
        plan = self.alice("GET", at + "plan").parts()[0]
        self.assertEqual({one.get("hidden") for one in plan["process"]["argv"]}, {None, True})
        self.assertTrue(self.alice("GET", "/v1/components/refused/plan").parts()[0]["findings"])
        self.assertEqual(self.alice("GET", "/v1/components/missing/plan").status, 404)
        lines = self.alice("POST", at + "start", {"plan": plan["hash"]}).parts()
        self.assertIn("waiting for the pod to end", [one.get("progress", {}).get("text") for one in lines])
        self.assertEqual(lines[-1]["result"]["state"], "running")
        self.alice("GET", "/v1/status")
        self.assertEqual(self.alice("POST", at + "start", {"plan": "sha256:" + "0" * 64}).parts()[-1]["code"], "failed")
        self.assertEqual(self.alice("POST", at + "stop").parts()[-1]["result"]["state"], "available")
        self.assertTrue(self.alice("POST", at + "restore").parts()[-1]["result"]["reports"][0]["nothingToDo"])


class Certificates(EnrollCase, ApiCase):
    """Of a gateway's own CA: one who has enrolled renews."""
    component_name = "app"

    def test_renewal(self):
        self.seen = set()
        gateway = self.gateway()
        self.enrolled(gateway, gateway.token("alice"), "--context", "alice")
        self.enrolled(gateway, gateway.token("carol"), "--context", "carol")
        folder, carols = (os.path.join(self.home, ".config", "delvegate", "contexts", name) for name in ("alice", "carol"))
        owner = self.owner(folder)
        self.api = lambda who: openapi.Api(gateway.port, owner, self.seen)
        self.refused_alike("alice", "certificates")
        api = self.api("alice")
        self.assertEqual(api("POST", "/v1/renew", self.order(folder, by=self.owner(carols).key)).parts()[0]["code"], "not-renewable")
        self.assertEqual(api("POST", "/v1/renew", self.order(folder, key=self.owner(carols).key)).parts()[0]["code"], "weak-key")
        renewed = api("POST", "/v1/renew", self.order(folder)).parts()[0]
        self.assertEqual((renewed["user"], renewed["groups"], renewed["port"]), ("alice", ["developers"], gateway.port))
        waiting.until("it is renewed too often", lambda: api("POST", "/v1/renew", self.order(folder)).status == 429)
        self.all_was_seen("certificates")

    def owner(self, folder):
        both = os.path.join(folder, "client.pem")
        return types.SimpleNamespace(certificate=both, key=both, ca=os.path.join(folder, "ca.crt"))

    def openssl(self, *words, **more):
        return subprocess.run([tools.find("DELVEGATE_OPENSSL", "openssl"), *words], capture_output=True, check=True, **more).stdout

    def order(self, folder, key=None, by=None):
        """As docs/certificates.md has it: for this key or a new one, signed by the old key or by another."""
        if not key:
            key = os.path.join(folder, "new.key")
            self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        public = self.openssl("pkey", "-in", key, "-pubout", "-outform", "der")
        proof = self.openssl("dgst", "-sha256", "-sign", by or self.owner(folder).key, input=b"delvegate-renew-v1\0" + public)
        csr = self.openssl("req", "-new", "-key", key, "-subj", "/CN=x")
        return {"csr": csr.decode(), "proof": base64.b64encode(proof).decode()}


if __name__ == "__main__":
    unittest.main()
