"""The web page as a browser gets it: its files, what it is told by /v1/events, and what it may have done."""

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import time
import unittest

from harness import debuggee, waiting
from test_baton import TICK, BatonCase


class PageCase(BatonCase):
    def ask(self, who, method, path, body=None, headers=None):
        person = self.person(who)
        context = ssl.create_default_context(cafile=person.ca)
        context.load_cert_chain(person.certificate, person.key)
        context.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection("localhost", self.gateway.port, context=context, timeout=waiting.DEADLINE)
        self.addCleanup(connection.close)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        self.addCleanup(answer.close)
        return answer

    def of_the_page(self):
        return {"Origin": f"https://localhost:{self.gateway.port}", "Sec-Fetch-Site": "same-origin", "X-Delvegate": "1"}

    def event(self, answer, fits):
        """The first that fits."""
        while True:
            line = answer.readline().decode()
            self.assertTrue(line, "the events ended")
            if line.startswith("data: ") and fits(told := json.loads(line[6:])):
                return told


class WebPage(PageCase):
    gateway_keys = {"auditRedact": [r"secret=\S+"]}

    def session_of(self, who):
        sessions = json.loads(self.ask("alice", "GET", "/v1/sessions").read())["sessions"]
        return next((one["session"] for one in sessions if one["user"] == who), None)

    def gateway_certificate_ends(self):
        context = ssl.create_default_context(cafile=self.person("alice").ca)
        context.load_cert_chain(self.person("alice").certificate, self.person("alice").key)
        with socket.create_connection(("localhost", self.gateway.port), timeout=waiting.DEADLINE) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as secure:
            ends = ssl.cert_time_to_seconds(secure.getpeercert()["notAfter"])
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ends))

    def test_files(self):
        for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
            answer = self.ask("olga", "GET", path)
            self.assertEqual(answer.status, 200, path)
            self.assertIn(kind, answer.headers["Content-Type"])
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
            self.assertNotIn("unsafe", answer.headers["Content-Security-Policy"])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(self.ask("mallory", "GET", "/").status, 403)

    def test_events_are_what_each_may_see(self):
        of_alice, of_olga = self.ask("alice", "GET", "/v1/events"), self.ask("olga", "GET", "/v1/events")
        self.assertEqual(of_alice.headers["Content-Type"], "text/event-stream")
        told = self.event(of_alice, lambda one: "components" in one)
        self.assertEqual(told["you"]["user"], "alice")
        self.assertEqual(told["gateway"], {"certificateEnds": self.gateway_certificate_ends(), "certificateWarning": False})
        self.assertIn("kill", told["components"][0]["may"])
        # A day, of which most is left.
        self.assertEqual([one["certificateWarning"] for one in told["sessions"]], [False])
        self.assertTrue(all("certificateEnds" in one for one in told["sessions"]))
        told = self.event(of_olga, lambda one: "components" in one)
        self.assertEqual(told["components"][0]["may"], [])
        self.assertFalse(any({"certificateEnds", "certificateWarning"} & set(one) for one in told["sessions"]))
        self.to_tick()
        told = self.event(of_alice, lambda one: any(r.get("operation") and r["user"] == "alice" for r in one.get("audit", [])))
        # Who has no lifecycle there sees the stop and the breakpoint's owner, and nothing of the audit before it.
        seen = []
        told = self.event(of_olga, lambda one: seen.append(one) or (one.get("components") and one["components"][0]["state"] == "stopped"
                                                                  and one["components"][0]["breakpoints"]))
        self.assertEqual(told["components"][0]["breakpoints"][0]["user"], "alice")
        self.assertFalse([one for one in seen if "audit" in one])

    def test_the_audit_is_shown_cut_and_redacted(self):
        of_alice = self.ask("alice", "GET", "/v1/events")
        bob = self.dap("bob")
        session = self.session_of("bob")
        bob.send("secret=hunter2 " + "x" * 100000, {})
        told = self.event(of_alice, lambda one: any(r["kind"] == "refusal" and r["user"] == "bob" for r in one.get("audit", [])))
        refusal = next(r for r in told["audit"] if r["kind"] == "refusal" and r["user"] == "bob")
        self.assertLess(len(json.dumps(refusal)), 4000)
        self.delvegate("sessions", "kill", "--session", session, "--reason", "secret=hunter2")
        told = self.event(of_alice, lambda one: any(r["kind"] == "administration" for r in one.get("audit", [])))
        self.assertNotIn("hunter2", json.dumps(told))
        self.assertIn("[redacted]", json.dumps(told))

    def test_a_session_is_ended_by_the_page_of_who_may(self):
        bob = self.dap("bob")
        session = self.session_of("bob")
        path = f"/v1/sessions/{session}/kill"
        for headers in ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "X-Delvegate": "1"},
                        {"Origin": f"https://localhost:{self.gateway.port}", "Sec-Fetch-Site": "same-origin"}):
            self.assertEqual(self.ask("alice", "POST", path, "", headers).status, 403)
        refused = self.ask("olga", "POST", path, "", self.of_the_page())
        self.assertEqual((refused.status, json.loads(refused.read())["code"]), (403, "forbidden"))
        self.assertEqual(self.session_of("bob"), session)
        done = self.ask("alice", "POST", path, json.dumps({"reason": "lunch"}), self.of_the_page())
        self.assertEqual((done.status, json.loads(done.read())["text"]), (200, "bob's session at app was ended"))
        self.told(bob, "ended by alice: lunch")
        waiting.until("bob's session is over", lambda: self.session_of("bob") is None)
        self.assertEqual(self.ask("alice", "POST", path, "", self.of_the_page()).status, 404)
        self.assertTrue(self.alice.state())


class Certificates(PageCase):
    roles = {"alice": "admin", "dora": "observer"}
    # From 2020 on, so that its last tenth is more than half a year.
    ends = time.gmtime(time.time() + 20 * 24 * 3600)

    def person(self, name="alice", **more):
        return super().person(name, **({"not_after": time.strftime("%Y%m%d%H%M%SZ", self.ends)} if name == "dora" else {}), **more)

    def test_it_is_soon_when_its_last_tenth_has_begun(self):
        of_alice = self.ask("alice", "GET", "/v1/events")
        self.dap("dora")
        told = self.event(of_alice, lambda one: any(s["user"] == "dora" for s in one.get("sessions", [])))
        people = {one["user"]: one for one in told["sessions"]}
        self.assertEqual({who: one["certificateWarning"] for who, one in people.items()}, {"alice": False, "dora": True})
        self.assertRegex(people["dora"]["certificateEnds"], time.strftime("^%Y-%m-%d %H:%M:%S UTC$", self.ends))


class ShownOut(PageCase):
    """Who is revoked is told so in a way that the page understands, and by no other's stream."""
    roles = {"alice": "admin", "carol": "admin"}
    can_revoke = True

    def test_the_last_event_is_that_there_is_nothing_to_be_seen(self):
        streams = {who: self.ask(who, "GET", "/v1/events") for who in ("alice", "carol")}
        for who, one in streams.items():
            self.assertEqual(self.event(one, lambda told: "you" in told)["you"]["user"], who)
        self.revoke("carol")
        self.assertEqual(self.event(streams["carol"], lambda told: "error" in told), {"error": "access of carol has been revoked", "code": "forbidden"})
        self.assertEqual(streams["carol"].read().strip(), b"")
        self.to_tick()
        self.event(streams["alice"], lambda told: "components" in told and told["components"][0]["state"] == "stopped")


class Stops(PageCase):
    component_keys = {"stopBudget": "1h", "park": "1h"}

    def used(self):
        text = json.loads(self.delvegate("status", "--output", "json"))["components"][0]["stopBudget"]["used"]
        number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
        return int(number) * {"ms": 1, "s": 1000, "m": 60000}[unit]

    def test_that_a_stop_budget_counts_is_no_news(self):
        of_alice = self.ask("alice", "GET", "/v1/events")
        self.to_tick()
        seen = []
        self.event(of_alice, lambda one: "components" in one and (seen.append(one) or one["components"][0]["stopBudget"]["counts"]))
        first = self.used()
        waiting.until("more than a few looks are over", lambda: self.used() > first + 1500)
        self.assertEqual(self.ask("alice", "POST", "/v1/components/app/baton", '{"do":"drop"}', self.of_the_page()).status, 200)
        self.event(of_alice, lambda one: "components" in one and (seen.append(one) or "holder" not in one["components"][0]["runControl"]))
        self.assertGreater(int(re.match(r"\d+", seen[-1]["components"][0]["stopBudget"]["used"])[0]), 0)
        for one in seen:
            del one["components"][0]["stopBudget"]["used"]
        for before, after in zip(seen, seen[1:]):
            self.assertNotEqual(before, after)

    def test_another_stop_than_the_one_that_was_meant_is_left_alone(self):
        def order(verb, **body):
            answer = self.ask("alice", "POST", f"/v1/components/app/{verb}", json.dumps(body), self.of_the_page())
            return answer.status, json.loads(answer.read())

        def stop():
            one, = json.loads(self.ask("alice", "GET", "/v1/sessions").read())["components"]
            return one["stop"], one.get("park", {}).get("note")
        self.to_tick()
        first = stop()[0]
        gone = r"^stop {} of app stands no more: app has moved on and stands at .*main.go"
        status, said = order("park", note="of another", stop="999-ffff")
        self.assertEqual((status, said["code"]), (409, "refused"))
        self.assertRegex(said["error"], gone.format("999-ffff"))
        self.assertEqual(stop(), (first, None))
        self.assertEqual(order("park", note="here", stop=first)[0], 200)
        self.assertEqual(stop(), (first, "here"))
        self.alice.command("continue")
        second = stop()[0]
        self.assertNotEqual(first, second)
        self.assertEqual(order("park", note="and here", stop=second)[0], 200)
        status, said = order("unpark", stop=first)
        self.assertEqual((status, said["code"]), (409, "refused"))
        self.assertRegex(said["error"], gone.format(first))
        self.assertEqual(stop(), (second, "and here"))
        self.assertEqual(order("unpark", stop=second)[0], 200)


class SourceLine(PageCase):
    """The line's text, out of a checkout that is elsewhere than the program was built."""

    def component(self, **more):
        made = super().component(**more)
        self.checkout = os.path.join(self.directory, "checkout")
        shutil.copytree(os.path.dirname(debuggee.MAIN), self.checkout)
        # The program may be older than this test's own copy of its sources.
        self.before = os.stat(made["binary"]).st_mtime - 10
        os.utime(os.path.join(self.checkout, "main.go"), (self.before, self.before))
        return dict(made, sources=self.checkout)

    def line_at_next_stop(self, of):
        """Of main.go as it is now."""
        before = self.stop
        self.alice.command("continue")
        told = self.event(of, lambda one: "components" in one and one["components"][0].get("stop", before) != before)
        self.stop = told["components"][0]["stop"]
        return told["components"][0].get("sourceLine")

    def test_it_is_shown_to_who_may_read_and_never_another_one(self):
        main = os.path.join(self.checkout, "main.go")
        of_alice, of_olga = self.ask("alice", "GET", "/v1/events"), self.ask("olga", "GET", "/v1/events")
        with open(main, encoding="utf-8") as file:
            lines = file.read().split("\n")
        written = lines[TICK - 1].strip()
        self.to_tick()
        at_tick = lambda one: "components" in one and one["components"][0].get("position", "").endswith(f"main.go:{TICK}")
        told = self.event(of_alice, at_tick)["components"][0]
        self.stop = told["stop"]
        self.assertEqual(told["sourceLine"], written)
        self.assertNotIn("sourceLine", self.event(of_olga, at_tick)["components"][0])
        one, = json.loads(self.ask("alice", "GET", "/v1/sessions").read())["components"]
        self.assertEqual(one["sourceLine"], written)
        one, = json.loads(self.ask("olga", "GET", "/v1/sessions").read())["components"]
        self.assertNotIn("sourceLine", one)

        def put(text, newer=0):
            os.unlink(main)
            with open(main, "wb") as file:
                file.write(b"\n" * (TICK - 1) + text + b"\n")
            os.utime(main, (self.before, self.before + newer))

        put(b'\t<script>alert(1)</script>\x1b[2J\xe2\x80\xae"&')
        self.assertEqual(self.line_at_next_stop(of_alice), '<script>alert(1)</script> [2J "&')
        put(b"\xff" + b"x" * 100000)
        self.assertEqual(self.line_at_next_stop(of_alice), "?" + "x" * 199 + "…")
        put(b"newer than the program", 10 * 365 * 24 * 3600)
        self.assertIsNone(self.line_at_next_stop(of_alice))
        os.unlink(main)
        self.assertIsNone(self.line_at_next_stop(of_alice))
        outside = os.path.join(self.directory, "outside.go")
        shutil.copy(debuggee.MAIN, outside)
        os.utime(outside, (self.before, self.before))
        os.symlink("../outside.go", main)
        self.assertIsNone(self.line_at_next_stop(of_alice))
        os.unlink(main)
        os.mkfifo(main)
        self.assertIsNone(self.line_at_next_stop(of_alice))
        put(b"as it was")
        self.assertEqual(self.line_at_next_stop(of_alice), "as it was")


if __name__ == "__main__":
    unittest.main()
