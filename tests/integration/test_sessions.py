"""`delvegate sessions` and the control API's list of sessions: who is where, live, by the policy of now."""

import json
import os
import re
import socket
import ssl
import unittest

from harness import debuggee, process, tools, waiting
from test_baton import BatonCase

TICK = debuggee.line("tick")


class SessionsCase(BatonCase):
    roles = {"alice": "admin", "bob": "developer", "olga": "observer"}

    def command(self, who, *arguments):
        person = self.person(who)
        return [tools.delvegate(), *arguments, "--gateway", f"localhost:{self.gateway.port}", "--certificate", person.certificate,
                "--key", person.key, "--ca", person.ca]

    def follow(self, who, *arguments, name="follow"):
        command = self.command(who, "sessions", "--follow", "--output", "json", *arguments)
        return process.Process(self, name, command, env=dict(os.environ, HOME=self.directory))

    def seen(self, follower):
        return [json.loads(line) for line in follower.output().splitlines()]

    def last(self, follower):
        seen = self.seen(follower)
        return seen[-1] if seen else {"components": [], "sessions": []}

    def people(self, answer):
        return {one["user"]: one for one in answer["sessions"]}

    def state(self, answer):
        return answer["components"][0]["state"] if answer["components"] else None

    def raw(self, who, path, method="GET"):
        """A request of somebody's, whose answer the test reads as it likes."""
        person = self.person(who)
        context = ssl.create_default_context(cafile=person.ca)
        context.load_cert_chain(person.certificate, person.key)
        context.set_alpn_protocols(["http/1.1"])
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", self.gateway.port)), server_hostname="localhost")
        self.addCleanup(connection.close)
        connection.settimeout(waiting.DEADLINE)
        length = "" if method == "GET" else "Content-Length: 0\r\n"
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode())
        return connection

    def policy(self, roles):
        path = os.path.join(self.directory, "policy.yaml")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("bindings:\n" + "".join(f"  - {{role: {role}, users: [{who}], components: [app]}}\n" for who, role in roles.items()) +
                       "...\n")
        os.rename(path + ".new", path)


class Listed(SessionsCase):
    def test_on_a_laptop_and_on_the_node(self):
        self.to_tick()
        self.dap("bob")
        answer = json.loads(self.delvegate("sessions", "--output", "json", who="olga"))
        people = self.people(answer)
        self.assertEqual({who: (one["role"], one["ide"], one["protocol"], one["component"]) for who, one in people.items()},
                         {"alice": ("admin", "a JSON-RPC client", "JSON-RPC", "app"), "bob": ("developer", "Visual Studio Code", "DAP", "app")})
        component, = answer["components"]
        self.assertEqual((component["component"], component["state"], component["reason"], component["by"]), ("app", "stopped", "breakpoint", "alice"))
        self.assertEqual((component["runControl"]["mode"], component["runControl"]["holder"]), ("baton", "alice"))
        self.assertRegex(component["stop"], r"^\d+-[0-9a-f]{4}$")
        self.assertFalse({"address", "certificateEnds", "groups"} & set(people["bob"]), "that is the administrator's to know")
        text = self.delvegate("sessions", "app", who="olga")
        self.assertRegex(text, r"(?m)^app: stopped since .* UTC at \S*main\.tick.* \(breakpoint\), by alice; alice has the baton since .* UTC; stop \d+-")
        self.assertRegex(text, r"(?m)^SESSION +USER +COMPONENT +PROTOCOL +IDE +ROLE +SINCE$")
        self.assertRegex(text, r"(?m)^[0-9a-f]+ +bob +app +DAP +Visual Studio Code +developer +\d{4}-")
        on_node = self.people(json.loads(self.delvegate("sessions", "--output", "json")))["bob"]
        self.assertLessEqual({"address", "certificateEnds", "groups", "role", "ide"}, set(on_node))
        self.assertRegex(self.delvegate("sessions", "nothing", who="olga", code=1), "there is no component nothing for you here")
        self.assertRegex(self.delvegate("sessions", "No Name", who="olga", code=2), "no component's name")

    def test_nothing_for_who_may_see_nothing(self):
        self.assertRegex(self.delvegate("sessions", who="mallory", code=1), "no component of this gateway lists you: mallory")
        self.assertRegex(self.delvegate("sessions", "--follow", who="mallory", code=1), "no component of this gateway lists you: mallory")


class Followed(SessionsCase):
    def test_live(self):
        follower = self.follow("olga", "app")
        waiting.until("it is told at once", lambda: set(self.people(self.last(follower))) == {"alice"})
        bob = self.dap("bob")
        waiting.until("who comes", lambda: self.people(self.last(follower)).get("bob", {}).get("ide") == "Visual Studio Code")
        self.to_tick()
        waiting.until("where it stands", lambda: "main.tick" in self.last(follower)["components"][0].get("position", ""))
        running = self.run_on(self.alice)
        waiting.until("that it runs", lambda: self.state(self.last(follower)) == "running")
        self.alice.command("halt")
        self.alice.result(running)
        waiting.until("that it stands", lambda: self.state(self.last(follower)) == "stopped")
        bob.close()
        waiting.until("who leaves", lambda: set(self.people(self.last(follower))) == {"alice"})
        seen = self.seen(follower)
        self.assertTrue(all(one != other for one, other in zip(seen, seen[1:])), "nothing is told twice")

    def test_on_the_node(self):
        follower = process.Process(self, "follow", [tools.delvegate(), "sessions", "--follow", "--config", self.gateway.configuration_file])
        waiting.until("it is told at once", lambda: "alice" in follower.output())
        self.dap("bob")
        waiting.until("who comes", lambda: re.search("(?m)^[0-9a-f]+ +bob ", follower.output()))

    def test_the_policy_of_now(self):
        follower = self.follow("olga")
        waiting.until("it is told", lambda: self.people(self.last(follower)))
        self.policy({"alice": "admin", "bob": "developer"})
        waiting.until("it ends", lambda: not follower.running())
        self.assertIn("no component of this gateway is for olga to observe any more", follower.errors())
        self.assertEqual(follower.wait(), 1)

    def test_who_is_shown_out(self):
        follower = self.follow("olga")
        waiting.until("it is told", lambda: self.people(self.last(follower)))
        self.delvegate("sessions", "kill", "--user", "olga")
        waiting.until("it ends", lambda: not follower.running())

    def test_a_gateway_that_ends_does_not_wait_for_them(self):
        follower = self.follow("olga")
        waiting.until("it is told", lambda: self.people(self.last(follower)))
        self.alice.close()
        self.gateway.process.signal(15)
        waiting.until("it ends", lambda: not follower.running())
        self.assertIn("shutting down", follower.errors())
        self.gateway.process.wait()

    def test_lines_and_signs_of_life(self):
        connection = self.raw("olga", "/v1/sessions/follow")
        text = b""
        while not text.endswith(b"1\r\n\n\r\n"):
            more = connection.recv(65536)
            self.assertTrue(more, text)
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        self.assertIn(b"HTTP/1.1 200 OK", head)
        self.assertIn(b"application/x-ndjson", head)
        self.assertEqual(json.loads(body.split(b"\r\n")[1])["components"][0]["component"], "app")


class Few(SessionsCase):
    gateway_keys = {"limits": {"followersPerUser": 3}}

    def test_they_are_few(self):
        followers = [self.follow("olga", name=f"follow-{n}") for n in range(3)]
        waiting.until("they are told", lambda: all(self.people(self.last(one)) for one in followers))
        self.assertRegex(self.delvegate("sessions", "--follow", who="olga", code=1), "you follow them 3 times already")
        status = json.loads(self.delvegate("status", "--output", "json"))
        self.assertGreaterEqual(status["limitsHit"]["followers"], 1)
        followers.pop().end()

        def has_a_place():
            tries.append(self.follow("olga", name=f"try-{len(tries)}"))
            waiting.until("it is told or refused", lambda: not tries[-1].running() or self.people(self.last(tries[-1])))
            return tries[-1].running()
        tries = []
        waiting.until("there is a place again", has_a_place)
        other = self.follow("bob", name="bobs")
        waiting.until("others have their own", lambda: self.people(self.last(other)))


if __name__ == "__main__":
    unittest.main()
