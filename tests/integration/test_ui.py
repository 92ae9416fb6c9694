"""`delvegate ui`: the gateway's page at a loopback port, for one browser of this user, by a link that works once."""

import http.client
import json
import os
import re
import signal
import subprocess
import unittest

from harness import process, tools, waiting
from test_baton import BatonCase
from test_connect import say_hello_as_another_user


class Ui(BatonCase):
    can_revoke = True

    def setUp(self):
        super().setUp()
        self.ui = self.start("alice")

    def start(self, who, *more, env=None):
        person = self.person(who)
        command = [tools.delvegate(), "ui", "--gateway", f"localhost:{self.gateway.port}", "--certificate", person.certificate, "--key", person.key,
                   "--ca", person.ca, "--output", "json", *(more or ["--no-browser"])]
        ui = process.Process(self, f"ui-{who}-{len(more)}", command, env=dict(os.environ, HOME=self.directory, **(env or {})))
        ui.url = json.loads(ui.wait_for("it prints its link", lambda: re.search(r"\{.*\}", ui.output()))[0])["url"]
        self.origin, self.token = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/\?token=([0-9a-f]{32})", ui.url).groups()
        ui.port = int(self.origin.rpartition(":")[2])
        return ui

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.ui.port, timeout=waiting.DEADLINE)
        self.addCleanup(connection.close)
        named = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        connection.request(method, path, body=body, headers=named)
        answer = connection.getresponse()
        self.addCleanup(answer.close)
        return answer

    def enter(self):
        answer = self.ask("GET", f"/?token={self.token}", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
        self.assertEqual(answer.status, 200)
        said = answer.headers["Set-Cookie"]
        self.assertRegex(said, rf"^delvegate-ui-{self.ui.port}=[0-9a-f]{{32}}; Path=/; HttpOnly; SameSite=Strict$")
        return said.split(";")[0]

    def of_the_page(self, cookie, **other):
        return {"Cookie": cookie, "Origin": self.origin, "Sec_Fetch_Site": "same-origin", "X_Delvegate": "1", **other}

    def test_the_link_works_once_and_the_page_is_the_gateways(self):
        self.assertEqual(self.ask("GET", "/").status, 403)
        self.assertEqual(self.ask("GET", "/?token=" + "0" * 32).status, 403)
        cookie = self.enter()
        again = self.ask("GET", f"/?token={self.token}")
        self.assertEqual(again.status, 403)
        self.assertIn("was for one time", json.loads(again.read())["error"])
        page = self.ask("GET", "/", Cookie=cookie, Sec_Fetch_Site="same-origin")
        self.assertEqual(page.status, 200)
        self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
        self.assertEqual([answer.headers["X-Delvegate-Ui"] for answer in (page, again)], ["1", "1"])
        self.assertIn(b"page.js", page.read())
        events = self.ask("GET", "/v1/events", Cookie=cookie, Sec_Fetch_Site="same-origin")
        self.assertEqual((events.headers["Content-Type"], events.headers["X-Delvegate-Ui"]), ("text/event-stream", "1"))
        line = events.readline().decode()
        self.assertEqual(json.loads(line.removeprefix("data: "))["you"]["user"], "alice")

    def test_a_page_that_is_left_is_not_followed_any_more(self):
        cookie = self.enter()
        # More than one person may follow at once, one after the other.
        for _ in range(12):
            events = self.ask("GET", "/v1/events", Cookie=cookie)
            if events.status == 429:
                waiting.until("the gateway has noticed", lambda: self.ask("GET", "/v1/events", Cookie=cookie).status == 200)
                continue
            self.assertEqual(events.status, 200)
            events.readline()
            events.close()

    def test_what_is_changed_is_changed_as_this_user(self):
        self.to_tick()
        cookie = self.enter()
        park, body = "/v1/components/app/park", json.dumps({"note": "lunch"})
        for wrong in (self.of_the_page(cookie, Origin="https://evil.example"), self.of_the_page(cookie, Origin=None), self.of_the_page(cookie, X_Delvegate=None),
                      self.of_the_page(cookie, Sec_Fetch_Site="cross-site"), self.of_the_page(cookie, Sec_Fetch_Site="same-site"),
                      self.of_the_page("delvegate-ui=1"), self.of_the_page(cookie, Host=f"localhost:{self.ui.port}"),
                      self.of_the_page(cookie, Host="evil.example")):
            self.assertEqual(self.ask("POST", "/v1/components/app/baton", '{"do":"drop"}', **wrong).status, 403, wrong)
        done = self.ask("POST", "/v1/components/app/baton", '{"do":"drop"}', **self.of_the_page(cookie))
        self.assertEqual(done.status, 200)
        self.assertIn("text", json.loads(done.read()))
        # What the gateway refuses is refused.
        self.assertEqual(self.ask("POST", park, '{"note":1}', **self.of_the_page(cookie)).status, 400)

    def test_only_the_page_and_what_it_asks_for_is_there(self):
        cookie = self.enter()
        self.assertEqual(self.ask("GET", "/v1/nothing", Cookie=cookie).status, 404)
        self.assertEqual(self.ask("POST", "/v1/renew", "{}", **self.of_the_page(cookie)).status, 404)
        self.assertEqual(self.ask("GET", "/v1/status", Cookie=cookie, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status, 403)
        self.assertEqual(self.ask("PUT", "/v1/status", "{}", **self.of_the_page(cookie)).status, 405)
        self.assertEqual(self.ask("POST", "/v1/components/app/baton", "x" * 20000, **self.of_the_page(cookie)).status, 413)

    def test_what_the_gateway_does_not_say_is_said_here(self):
        cookie = self.enter()
        self.revoke("alice")
        def refused():
            answer = self.ask("GET", "/v1/events", Cookie=cookie)
            return answer.status == 403 and json.loads(answer.read())
        said = waiting.until("the gateway refuses the certificate", refused)
        self.assertEqual(said["code"], "forbidden")
        self.assertRegex(said["error"], r"^the gateway refused this certificate .*: revoked$")
        self.gateway.process.end()
        answer = self.ask("GET", "/v1/events", Cookie=cookie)
        self.assertEqual(answer.status, 502)
        self.assertEqual(json.loads(answer.read())["code"], "unreachable")

    def test_another_user_gets_nothing(self):
        self.assertEqual(os.geteuid(), 0, "this test needs root to act as another user")
        self.assertEqual(say_hello_as_another_user(self.ui.port), 0, "another user was answered")
        waiting.until("it says so", lambda: "uid 65534" in self.ui.errors())

    def test_a_browser_is_sent_there_by_a_file_of_this_users(self):
        tools_of_mine = os.path.join(self.directory, "bin")
        runtime = os.path.join(self.directory, "run")
        os.makedirs(runtime)
        os.makedirs(tools_of_mine)
        seen = os.path.join(self.directory, "seen")
        with open(os.path.join(tools_of_mine, "xdg-open"), "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nstat -c "%a %n" "$1" > {seen}.new\ncat "$1" >> {seen}.new\nmv {seen}.new {seen}\n')
        os.chmod(file.name, 0o755)
        ui = self.start("bob", "--port", "0", env={"PATH": tools_of_mine + os.pathsep + os.environ["PATH"], "XDG_RUNTIME_DIR": runtime})
        waiting.until("the browser is asked", lambda: os.path.exists(seen))
        with open(seen, encoding="utf-8") as file:
            text = file.read()
        self.assertRegex(text, rf"^600 {runtime}/delvegate-ui-\w+\.html\n")
        self.assertIn(ui.url, text)
        ui.signal(signal.SIGTERM)
        ui.child.wait(waiting.DEADLINE)
        self.assertEqual(ui.child.returncode, 0)
        self.assertEqual(os.listdir(runtime), [])

    def test_without_a_gateway_it_says_so(self):
        person = self.person("alice")
        done = subprocess.run([tools.delvegate(), "ui", "--no-browser", "--gateway", "localhost:1", "--certificate", person.certificate, "--key", person.key,
                               "--ca", person.ca], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^delvegate: .*localhost:1.*\n$")


if __name__ == "__main__":
    unittest.main()
