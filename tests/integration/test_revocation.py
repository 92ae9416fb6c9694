"""Somebody who is in stops being good: they are told why and go, and nobody else notices."""

import datetime
import json
import os
import re
import signal
import ssl
import subprocess
import unittest

from harness import case, debuggee, pki, stock, tools, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


def replace(path, text):
    """As careful programs write files."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Revocation(case.Case):
    def setUp(self):
        super().setUp()
        self.cluster = pki.Authority(os.path.join(self.directory, "cluster"), "cluster CA")
        self.list = os.path.join(self.directory, "clients.crl")
        self.authority().revocation_list(self.list)
        self.revoked = os.path.join(self.directory, "revoked.yaml")
        replace(self.revoked, "")
        people = ["alice", "bob", "cluster:carol"]
        self.gateway = self.serve(self.component("app", users=people, maxViewers=3), self.component("other", users=people),
                                  clientCRLs=[self.list], revocations=self.revoked,
                                  clientCAs=[{"name": "cluster", "file": self.cluster.certificate}])
        # Somebody the matter does not concern, with a request outstanding all the time.
        self.bob = Rpc(self, self.connect(self.gateway, "bob", "other", name="connect-bob").address)
        self.outstanding = self.bob.resume()
        waiting.until("bob's program runs", lambda: self.bob.state()["Running"])

    def tearDown(self):
        # bob noticed nothing: the same connection, and the very request gets its answer.
        self.assertTrue(self.bob.state()["Running"])
        self.assertFalse(self.bob.answered(self.outstanding))
        self.bob.command("halt")
        self.assertFalse(self.bob.result(self.outstanding)["State"]["Running"])
        super().tearDown()

    def ask(self, *arguments):
        return subprocess.run([tools.delvegate(), *arguments, "--config", self.gateway.configuration_file],
                              capture_output=True, text=True)

    def status(self):
        result = self.ask("status", "--output", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def component_status(self, name="app"):
        return next(one for one in self.status()["components"] if one["name"] == name)

    def alice(self, who="alice"):
        """alice by both protocols: a JSON-RPC client whose `continue` is outstanding, and a DAP viewer."""
        self.laptop = self.connect(self.gateway, who, "app", name=f"connect-{who}")
        viewer = Dap(self, self.laptop.address)
        viewer.attach(stopOnEntry=True)
        viewer.stopped()
        client = Rpc(self, self.laptop.address)
        client.state()
        number = client.resume()
        waiting.until("the program runs", lambda: client.state()["Running"])
        return client, number, viewer

    def assert_shown_out(self, session, reason):
        client, number, viewer = session
        self.assertRegex(client.reply(number)["error"], reason)
        client.wait_closed()
        _, said = viewer.wait("the reason", lambda m: m.get("event") == "output" and m["body"].get("category") == "important")
        self.assertRegex(said["body"]["output"], reason)
        viewer.event("terminated")
        viewer.wait_closed()
        waiting.until("the laptop says why", lambda: re.search(reason, self.laptop.process.errors()))
        # The run goes on, nothing of theirs is left.
        waiting.until("their place is free", lambda: self.component_status()["viewers"] == [])
        self.assertEqual(self.component_status()["state"], "running")

    def assert_kept_out(self, person):
        def refused():
            try:
                with stock.tls(self.gateway, person) as connection:
                    # TLS 1.3 tells a client after its own handshake.
                    return connection.recv(1) == b""
            except (ssl.SSLError, ConnectionError) as error:
                return str(error)
        self.assertTrue(refused())

    def test_by_the_list_of_its_ca(self):
        session = self.alice()
        self.authority().revocation_list(self.list, self.person("alice"))
        self.assert_shown_out(session, "revoked by its CA")
        self.assert_kept_out(self.person("alice"))
        waiting.until("the log says it", lambda: "has been revoked" in self.gateway.log())

    def test_by_serial(self):
        session = self.alice()
        serial = self.authority().serial(self.person("alice").certificate)
        replace(self.revoked, f"serials:\n  - issuer: CN=test CA\n    serial: '{serial.lower()}'\n")
        self.assert_shown_out(session, f"serial {serial.lstrip('0')}.* revoked")
        self.assert_kept_out(self.person("alice"))

    def test_by_user(self):
        session = self.alice()
        replace(self.revoked, "users: [alice]\n")
        self.assert_shown_out(session, "access of alice has been revoked")
        self.assert_kept_out(self.person("alice"))
        # Taken back, the laptop comes in again when an IDE does.
        replace(self.revoked, "users: []\n")
        waiting.until("the list is read", lambda: self.status()["trust"]["revoked"] == 0)
        self.assertTrue(Rpc(self, self.laptop.address).state()["Running"])

    def test_when_the_certificate_ends(self):
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=30)
        self.person("alice", not_after=end.strftime("%Y%m%d%H%M%SZ"))
        session = self.alice()
        self.assert_shown_out(session, "your certificate expired at ")
        # A new certificate in the same place is used without a restart.
        person = self.person("alice")
        subject = self.authority().issue("renewed", "/CN=alice", "clientAuth")
        os.rename(subject.key, person.key)
        os.rename(subject.certificate, person.certificate)
        waiting.until("the link is back", lambda: "is back" in self.laptop.process.errors())
        self.assertTrue(Rpc(self, self.laptop.address).state()["Running"])

    def test_with_its_ca(self):
        person = self.cluster.person("carol")
        person.ca = self.authority().certificate
        self._people["carol"] = person
        session = self.alice("carol")
        self.assertEqual(self.component_status()["viewers"][0]["user"], "cluster:carol")
        another = pki.Authority(os.path.join(self.directory, "another"), "cluster CA")
        replace(self.cluster.certificate, read(another.certificate))
        self.assert_shown_out(session, r"the CA that issued your certificate \(cluster\) is not trusted any more")
        self.assert_kept_out(person)

    def test_broken_files_change_nothing_and_are_shown(self):
        client, number, viewer = self.alice()
        good = {path: read(path) for path in (self.revoked, self.list, self.authority().certificate,
                                              self.cluster.certificate)}
        gateway_certificate = json.loads(read(self.gateway.configuration_file))["certificate"]
        good[gateway_certificate] = read(gateway_certificate)
        replace(self.revoked, "users: [alice")
        replace(self.list, good[self.list][:200])
        replace(self.cluster.certificate, good[self.cluster.certificate][:300])
        replace(gateway_certificate, "")
        names = {"revocations", "clientCA", "clientCAs.cluster", "certificate"}

        def failing():
            files = self.status()["trust"]["files"]
            return {one["name"]: one for one in files if one.get("error")}
        waiting.until(lambda: f"all are noticed: {failing()}", lambda: failing().keys() == names)
        for one in failing().values():
            self.assertRegex(one["failingSince"], r"^\d{4}-\d\d-\d\d ")
            self.assertGreaterEqual(one["failures"], 1)
        text = self.ask("status").stdout
        self.assertRegex(text, r"warning: revocations cannot be reloaded since .* is in effect: .*revoked\.yaml:")
        self.assertIn("clientCA was not reloaded", self.gateway.log())
        # SIGHUP reads them again, and they are as broken as before.
        before = failing()["certificate"]["failures"]
        self.gateway.process.signal(signal.SIGHUP)
        waiting.until("they are read again", lambda: failing()["certificate"]["failures"] > before)
        self.assertTrue(client.state()["Running"])
        self.assertFalse(client.answered(number))
        # New people come in by what was good.
        self.assertTrue(Rpc(self, self.connect(self.gateway, "bob", "app", name="connect-bob-app").address).state()["Running"])
        for path, text in good.items():
            replace(path, text)
        waiting.until("all is well again", lambda: not failing())
        self.assertFalse(client.answered(number))
        replace(self.revoked, "users: [alice]\n")
        self.assertRegex(client.reply(number)["error"], "revoked")
        viewer.event("terminated")

    def test_a_new_certificate_of_the_gateway_is_for_new_connections(self):
        configuration = json.loads(read(self.gateway.configuration_file))

        def serial():
            with stock.tls(self.gateway, self.person("alice")) as connection:
                return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))
        before = serial()
        renewed = self.authority().issue("gateway-renewed", "/CN=gateway.test", "serverAuth", ["DNS:gateway.test", "DNS:localhost"])
        # Key first: for a moment the two do not fit.
        os.rename(renewed.key, configuration["key"])
        os.rename(renewed.certificate, configuration["certificate"])
        waiting.until("it is used", lambda: serial() != before)

    def test_a_stock_tls_client(self):
        socat = stock.Socat(self, self.gateway, self.person("alice"), "app")
        client = Rpc(self, socat.address)
        client.state()
        number = client.resume()
        waiting.until("the program runs", lambda: client.state()["Running"])
        replace(self.revoked, "users: [alice]\n")
        self.assertRegex(client.reply(number)["error"], "access of alice has been revoked")
        client.wait_closed()

    def test_dlv_connect_prints_why(self):
        laptop = self.connect(self.gateway, "alice", "app")
        dlv = Terminal(self, [self.delve.dlv, "connect", laptop.address]).prompt()
        dlv.line("continue")
        waiting.until("the program runs", lambda: self.component_status()["state"] == "running")
        replace(self.revoked, "users: [alice]\n")
        dlv.expect("access of alice has been revoked")

    def test_what_stood_for_them_goes_on(self):
        laptop = self.connect(self.gateway, "alice", "app", name="connect-alice")
        client = Rpc(self, laptop.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(client.command("continue")["currentThread"]["line"], TICK)
        ours = self.component_status()["breakpoints"]
        replace(self.revoked, "users: [alice]\n")
        client.wait_closed()
        waiting.until("it runs again", lambda: self.component_status()["state"] == "running")
        waiting.until("their breakpoint is gone", lambda: self.component_status()["breakpoints"] == ours - 1)
        self.assertEqual(self.component_status()["state"], "running")
        self.assertIn("it goes on", self.gateway.log())

    def test_what_they_set_does_not_stop_others(self):
        laptop = self.connect(self.gateway, "alice", "app", name="connect-alice")
        alice = Rpc(self, laptop.address)
        bob = Rpc(self, self.connect(self.gateway, "bob", "app", name="connect-bob-app").address)
        for one in (alice, bob):
            one.state()  # whoever was not told of the last stop cannot run it
        alice.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(alice.command("continue")["currentThread"]["line"], TICK)
        replace(self.revoked, "users: [alice]\n")
        alice.wait_closed()
        # It stays for who is here, without alice's breakpoint.
        self.assertEqual(bob.state()["currentThread"]["line"], TICK)
        waiting.until("her breakpoint is gone", lambda: not any(
            one["line"] == TICK for one in bob.call("ListBreakpoints", {})["Breakpoints"]))
        number = bob.resume()
        waiting.until("it runs", lambda: bob.state()["Running"])
        self.assertFalse(bob.answered(number))

    def pinned_and_away(self):
        """alice has pinned a breakpoint and left. What says whether it is there."""
        ours = self.component_status()["breakpoints"]
        laptop = self.connect(self.gateway, "alice", "app", name="connect-alice")
        alice = Rpc(self, laptop.address)
        alice.state()
        alice.set_breakpoint(debuggee.MAIN, TICK)
        alice.call("Eval", {"Expr": f"delvegate pin main.go:{TICK}"})
        alice.close()
        laptop.process.signal(signal.SIGTERM)
        waiting.until("she has left", lambda: self.component_status()["viewers"] == [])
        self.assertEqual(self.component_status()["breakpoints"], ours + 1)
        return lambda: self.component_status()["breakpoints"] == ours + 1

    def test_what_they_pinned_before_they_left(self):
        there = self.pinned_and_away()
        serial = self.authority().serial(self.person("alice").certificate)
        replace(self.revoked, "users: [carol]\n")
        waiting.until("the list is read", lambda: self.status()["trust"]["revoked"] == 1)
        self.assertTrue(there())  # it is not about her
        replace(self.revoked, f"serials:\n  - issuer: CN=test CA\n    serial: '{serial}'\n")
        waiting.until("it is gone", lambda: not there())

    def test_what_they_pinned_goes_when_they_are_ended(self):
        there = self.pinned_and_away()
        done = self.ask("sessions", "kill", "--user", "alice")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("1 breakpoints that they had left are cleared", done.stdout)
        waiting.until("it is gone", lambda: not there())

    def test_sessions_are_listed_and_killed(self):
        client, number, viewer = self.alice()
        listed = json.loads(self.ask("sessions", "--output", "json").stdout)["sessions"]
        self.assertEqual(sorted((one["user"], one["component"], one["protocol"]) for one in listed),
                         [("alice", "app", "DAP"), ("alice", "app", "JSON-RPC"), ("bob", "other", "JSON-RPC")])
        self.assertRegex(self.ask("sessions", "list").stdout, r"(?m)^[0-9a-f]+ +alice +app +DAP ")
        # One of them, the other stays.
        ident = next(one["session"] for one in listed if one["protocol"] == "DAP")
        done = self.ask("sessions", "kill", "--session", ident, "--reason", "lunch time")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        _, said = viewer.wait("the reason", lambda m: m.get("event") == "output" and m["body"].get("category") == "important")
        self.assertIn("administrator: lunch time", said["body"]["output"])
        viewer.wait_closed()
        self.assertFalse(client.answered(number))
        # Then all.
        done = self.ask("sessions", "kill", "--user", "alice")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^alice: 1 sessions on 1 connections are ended")
        self.assertIn("ended by the gateway's administrator", client.reply(number)["error"])
        client.wait_closed()
        for arguments, code, words in ((("--user", "alice"), 1, "is not connected"), (("--session", ident), 1, "no session"),
                                       ((), 2, "say whom")):
            result = self.ask("sessions", "kill", *arguments)
            self.assertEqual(result.returncode, code)
            self.assertRegex(result.stderr, f"^delvegate: .*{words}")


if __name__ == "__main__":
    unittest.main()
