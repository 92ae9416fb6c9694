"""`delvegate ca` and `delvegate token` on a node, the files they leave, and the signer beside `serve`."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import process, tools, waiting  # noqa: E402


class CaCase(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="delvegate-test-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.state = os.path.join(self.directory, "state")

    def call(self, *arguments, **more):
        where = [] if "--state-directory" in arguments else ["--state-directory", self.state]
        return subprocess.run([tools.delvegate(), *arguments, *where], capture_output=True, text=True,
                              timeout=waiting.DEADLINE, cwd=self.directory, check=False, **more)

    def run_well(self, *arguments):
        ended = self.call(*arguments)
        self.assertEqual(ended.returncode, 0, ended)
        return ended.stdout

    def complaint(self, *arguments, code=1, **more):
        ended = self.call(*arguments, **more)
        self.assertEqual(ended.returncode, code, ended)
        self.assertEqual(ended.stdout, "")
        line, = ended.stderr.splitlines()
        self.assertTrue(line.startswith("delvegate: "), line)
        return line

    def openssl(self, *arguments):
        ended = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=waiting.DEADLINE, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def certificates(self):
        return json.loads(self.run_well("ca", "list", "--output", "json"))["certificates"]

    def tokens(self):
        return json.loads(self.run_well("token", "list", "--output", "json"))["tokens"]

    def in_store(self, needle):
        found = []
        for folder, _, names in os.walk(self.state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    if needle.encode() in file.read():
                        found.append(name)
        return found


class Authority(CaCase):
    def test_init_is_done_once(self):
        first = self.run_well("ca", "init", "--name", "node1 debugging", "--ttl", "30d")
        pin = re.search(r"sha256:[0-9a-f]{64}", first)[0]
        self.assertIn(pin, self.run_well("ca", "init"))
        for folder, _, names in os.walk(self.state):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in names:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o600, name)
        _, text = self.openssl("x509", "-in", os.path.join(self.state, "ca", "ca.crt"), "-noout", "-subject", "-text")
        self.assertIn("node1 debugging", text)
        self.assertIn("ASN1 OID: prime256v1", text)
        public = subprocess.run(f"openssl x509 -in {self.state}/ca/ca.crt -noout -pubkey | openssl pkey -pubin -outform DER"
                                " | openssl dgst -sha256", shell=True, capture_output=True, text=True, check=True)
        self.assertIn(pin.removeprefix("sha256:"), public.stdout)

    def test_ed25519(self):
        self.run_well("ca", "init", "--key-type", "ed25519")
        self.run_well("ca", "issue", "--user", "alice", "--out", "alice")
        code, text = self.openssl("verify", "-CAfile", os.path.join(self.state, "ca", "ca.crt"), self.path("alice", "client.crt"))
        self.assertEqual(code, 0, text)

    def test_without_a_ca(self):
        for command in (["ca", "list"], ["ca", "issue", "--user", "alice"], ["ca", "crl"], ["ca", "revoke", "--user", "alice"],
                        ["token", "create", "--user", "alice"], ["token", "list"]):
            self.assertIn("delvegate ca init", self.complaint(*command))
        self.assertFalse(os.path.exists(self.state))
        os.mkdir(self.state, 0o700)
        self.assertIn(f"there is no CA in {self.state}/ca; run: delvegate ca init", self.complaint("ca", "list"))
        # What is there but not whole is not to be made anew.
        os.mkdir(self.path("state", "ca"), 0o700)
        said = self.complaint("ca", "list")
        self.assertIn(f"{self.state}/ca has no ca.crt; take it from a backup", said)
        self.assertNotIn("ca init", said)

    def test_issue_writes_an_identity_for_connect(self):
        self.run_well("ca", "init")
        self.run_well("ca", "issue", "--user", "alice", "--group", "sig-scheduling", "--group", "on call", "--ttl", "2h")
        identity = self.path("delvegate-identity-alice")
        self.assertEqual(stat.S_IMODE(os.stat(identity).st_mode), 0o700)
        self.assertEqual(sorted(os.listdir(identity)), ["ca.crt", "client.crt", "client.key"])
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(identity, "client.key")).st_mode), 0o600)
        code, text = self.openssl("verify", "-purpose", "sslclient", "-CAfile", os.path.join(identity, "ca.crt"),
                                  os.path.join(identity, "client.crt"))
        self.assertEqual(code, 0, text)
        one, = self.certificates()
        self.assertEqual((one["user"], one["groups"], one["how"], one["state"]),
                         ("alice", ["sig-scheduling", "on call"], "admin", "valid"))
        self.assertEqual(one["notAfter"] - one["issuedAt"], 2 * 3600)
        self.assertIn("alice", self.run_well("ca", "list"))

    def test_an_identity_is_never_overwritten(self):
        self.run_well("ca", "init")
        self.run_well("ca", "issue", "--user", "alice", "--out", "here")
        with open(self.path("here", "client.key"), "rb") as file:
            key = file.read()
        self.assertIn("is there already", self.complaint("ca", "issue", "--user", "bob", "--out", "here"))
        with open(self.path("here", "client.key"), "rb") as file:
            self.assertEqual(file.read(), key)
        self.assertEqual(len(self.certificates()), 1)
        self.assertEqual(sorted(os.listdir(self.directory)), ["here", "state"])

    def test_names_that_cannot_be(self):
        self.run_well("ca", "init")
        for bad in ("", "a\nb", "a" * 65, "\u202eecila", " alice"):
            self.complaint("ca", "issue", "--user", bad, code=2)
            self.complaint("ca", "issue", "--user", "alice", "--group", bad, code=2)
            self.complaint("token", "create", "--user", bad, code=2)
        self.complaint("ca", "issue", "--user", "a/b", code=2)
        self.complaint("ca", "issue", "--user", "alice", "--ttl", "1s", code=2)
        self.complaint("ca", "issue", "--user", "alice", "--ttl", "soon", code=2)
        self.complaint("ca", "issue", code=2)
        self.assertEqual(self.certificates(), [])

    def test_revocation_by_serial_and_by_fingerprint_and_the_list_of_it(self):
        self.run_well("ca", "init")
        for user in ("alice", "bob", "carol"):
            self.run_well("ca", "issue", "--user", user, "--out", user)
        alice, bob, _ = self.certificates()
        self.run_well("ca", "revoke", "--serial", alice["serial"].lower(), "--reason", "keyCompromise")
        self.run_well("ca", "revoke", "--fingerprint", bob["fingerprint"])
        self.assertIn("already", self.complaint("ca", "revoke", "--serial", alice["serial"]))
        self.assertIn("no certificate", self.complaint("ca", "revoke", "--serial", "00"))
        self.complaint("ca", "revoke", code=2)
        self.complaint("ca", "revoke", "--serial", "00", "--user", "alice", code=2)
        self.assertEqual([c["state"] for c in self.certificates()], ["revoked", "revoked", "valid"])
        crl = self.path("list.crl")
        self.run_well("ca", "crl", "--out", crl)
        authority = os.path.join(self.state, "ca", "ca.crt")
        for user, wanted in (("alice", "certificate revoked"), ("bob", "certificate revoked"), ("carol", ": OK")):
            _, text = self.openssl("verify", "-crl_check", "-CRLfile", crl, "-CAfile", authority, self.path(user, "client.crt"))
            self.assertIn(wanted, text)
        _, text = self.openssl("crl", "-in", crl, "-noout", "-text")
        self.assertIn("Key Compromise", text)
        numbers = [re.search(r"CRL Number: *\n? *(\d+)", self.openssl("crl", "-in", crl, "-noout", "-text")[1])[1]]
        self.run_well("ca", "crl", "--out", crl)
        numbers.append(re.search(r"CRL Number: *\n? *(\d+)", self.openssl("crl", "-in", crl, "-noout", "-text")[1])[1])
        self.assertLess(int(numbers[0]), int(numbers[1]))

    def test_a_revoked_user_is_out_until_let_in_again(self):
        self.run_well("ca", "init")
        self.run_well("ca", "issue", "--user", "alice", "--out", "one")
        self.run_well("token", "create", "--user", "alice")
        self.run_well("ca", "revoke", "--user", "alice", "--reason", "left the team")
        self.assertEqual(self.certificates()[0]["state"], "revoked")
        self.assertEqual(self.tokens()[0]["state"], "withdrawn")
        self.assertIn("unrevoke-user", self.complaint("ca", "issue", "--user", "alice", "--out", "two"))
        self.assertIn("unrevoke-user", self.complaint("token", "create", "--user", "alice"))
        self.assertFalse(os.path.exists(self.path("two")))
        self.run_well("ca", "unrevoke-user", "alice")
        self.complaint("ca", "unrevoke-user", "alice")
        self.run_well("ca", "issue", "--user", "alice", "--out", "two")
        self.assertEqual([c["state"] for c in self.certificates()], ["revoked", "valid"])


class Tokens(CaCase):
    def test_one_line_to_paste_whose_argv_holds_no_secret(self):
        self.run_well("ca", "init")
        ended = self.call("token", "create", "--user", "alice", "--group", "sre", "--gateway", "node1:7444")
        self.assertEqual(ended.returncode, 0, ended)
        line, = ended.stdout.splitlines()
        found = re.fullmatch(r"delvegate enroll node1:7444 --ca-pin (sha256:[0-9a-f]{64}) <<< '(dvt1\.[A-Za-z0-9_-]{43})'", line)
        self.assertTrue(found, line)
        self.assertNotIn(found[2], ended.stderr)
        # What the shell makes of the line: the token is what `delvegate` reads, and not among its arguments.
        os.mkdir(self.path("bin"))
        with open(self.path("bin", "delvegate"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho \"$#: $*\"\ncat\n")
        os.chmod(self.path("bin", "delvegate"), 0o700)
        pasted = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True,
                                env=dict(os.environ, PATH=self.path("bin") + ":" + os.environ["PATH"]))
        self.assertEqual(pasted.stdout, f"4: enroll node1:7444 --ca-pin {found[1]}\n{found[2]}\n")
        self.assertEqual(self.in_store(found[2][5:]), [])
        one, = self.tokens()
        self.assertEqual((one["user"], one["groups"], one["state"]), ("alice", ["sre"], "live"))
        self.assertEqual(one["expires"] - one["created"], 600)

    def test_withdrawing(self):
        self.run_well("ca", "init")
        self.run_well("token", "create", "--user", "alice")
        token, = self.tokens()
        self.run_well("token", "withdraw", token["id"])
        self.assertEqual(self.tokens()[0]["state"], "withdrawn")
        self.complaint("token", "withdraw", token["id"])
        self.complaint("token", "withdraw", "nothing")

    def test_expiry(self):
        self.run_well("ca", "init")
        self.run_well("token", "create", "--user", "alice", "--ttl", "1s")
        waiting.until("it expires", lambda: self.tokens()[0]["state"] == "expired")
        self.assertIn("no live token", self.complaint("token", "withdraw", self.tokens()[0]["id"]))
        self.complaint("token", "create", "--user", "alice", "--ttl", "30d", code=2)

    def test_a_gateway_that_is_more_than_a_host(self):
        self.run_well("ca", "init")
        for bad in ("node1", "node1:0x", "$(touch x):7444", "a b:7444", "a;b:7444", "':7444"):
            self.complaint("token", "create", "--user", "alice", "--gateway", bad, code=2)
        self.assertEqual(self.tokens(), [])


class Faults(CaCase):
    def setUp(self):
        super().setUp()
        self.run_well("ca", "init")
        self.store = os.path.join(self.state, "ca", "ca.db")

    def test_a_damaged_store_is_one_line_and_nothing_is_issued(self):
        for name in ("ca.db-wal", "ca.db-shm"):
            if os.path.exists(os.path.join(self.state, "ca", name)):
                os.unlink(os.path.join(self.state, "ca", name))
        with open(self.store, "wb") as file:
            file.write(b"x" * 10000)
        for command in (["ca", "list"], ["ca", "issue", "--user", "alice", "--out", "alice"], ["ca", "crl"],
                        ["token", "create", "--user", "alice"]):
            self.assertIn("is damaged", self.complaint(*command))
        self.assertFalse(os.path.exists(self.path("alice")))

    def test_modes_that_let_others_read(self):
        os.chmod(self.store, 0o644)
        self.assertIn("chmod 600", self.complaint("ca", "list"))
        os.chmod(self.store, 0o600)
        os.chmod(os.path.join(self.state, "ca", "ca.key"), 0o640)
        if os.geteuid() != 0:
            self.assertIn("chmod 600", self.complaint("ca", "issue", "--user", "alice", "--out", "alice"))
        os.chmod(os.path.join(self.state, "ca", "ca.key"), 0o644)
        self.assertIn("chmod 600", self.complaint("ca", "issue", "--user", "alice", "--out", "alice"))
        self.assertFalse(os.path.exists(self.path("alice")))
        # What needs no key does not look at it.
        self.run_well("ca", "list")

    def test_a_disk_without_room_changes_nothing(self):
        def no_growth():
            import resource
            import signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        self.run_well("ca", "issue", "--user", "alice", "--out", "alice")
        ended = self.call("ca", "issue", "--user", "bob", "--out", "bob", preexec_fn=no_growth)
        self.assertEqual(ended.returncode, 1, ended)
        self.assertEqual([c["user"] for c in self.certificates()], ["alice"])
        self.assertFalse(os.path.exists(self.path("bob")))

    @unittest.skipUnless(os.geteuid() == 0 or "CI" in os.environ, "only root can become somebody else")
    def test_another_user_s_state_directory(self):
        os.chown(self.state, 65534, 65534)
        self.assertIn("run this as that user", self.complaint("ca", "list"))
        self.assertIn("run this as that user", self.complaint("ca", "init"))


class BesideServe(CaCase):
    def start(self, name="serve", *more):
        path = self.path("gateway.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"listen: [\"127.0.0.1:0\"]\nstateDirectory: {self.state}\nruntimeDirectory: {self.path('run')}\n"
                       "components:\n  - name: app\n    kind: connect\n    users: [alice]\n    address: 127.0.0.1:9\n")
        serve = process.Process(self, name, [tools.delvegate(), "serve", "--config", path, *more])
        return serve

    def children(self, serve):
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                    words = file.read().split("\0")
            except (OSError, ValueError):
                continue
            if parent == serve.pid:
                found[int(pid)] = words
        return found

    def signer(self, serve):
        found = [pid for pid, words in self.children(serve).items() if words[1:2] == ["signer"]]
        return found[0] if found else None

    def test_the_signer_is_there_and_is_started_again(self):
        serve = self.start()
        serve.wait_for("it listens", lambda: "listening on" in serve.output())
        first = self.signer(serve)
        self.assertIsNotNone(first)
        os.kill(first, 9)
        serve.wait_for("another one", lambda: self.signer(serve) not in (None, first))
        serve.wait_for("it says so", lambda: "the signer is back" in serve.errors())
        second = self.signer(serve)
        serve.signal(15)
        self.assertEqual(serve.wait(), 0, serve.errors())
        waiting.until("the signer ends", lambda: not os.path.exists(f"/proc/{second}"))

    def test_what_serve_issues_is_recorded_and_its_ca_is_taken_over(self):
        serve = self.start()
        serve.wait_for("it listens", lambda: "listening on" in serve.output())
        self.assertIn("took over", self.run_well("ca", "init"))
        known = {(c["user"], c["how"]) for c in self.certificates()}
        self.assertIn(("alice", "admin"), known)
        self.assertIn("gateway", {how for _, how in known})
        self.run_well("token", "create", "--user", "bob")
        serve.wait_for("it hears of it", lambda: "the CA's records have changed" in serve.errors())
        # An identity whose certificate was revoked is made again at the next start; a revoked user's is not.
        certificate = [c for c in self.certificates() if c["user"] == "alice"][0]
        self.run_well("ca", "revoke", "--serial", certificate["serial"])
        serve.signal(15)
        serve.wait()
        serve = self.start("again")
        serve.wait_for("it listens", lambda: "listening on" in serve.output())
        states = [c["state"] for c in self.certificates() if c["user"] == "alice"]
        self.assertEqual(states, ["revoked", "valid"])
        serve.signal(15)
        serve.wait()
        self.run_well("ca", "revoke", "--user", "alice")
        serve = self.start("revoked")
        serve.wait_for("it listens", lambda: "listening on" in serve.output())
        self.assertIn("the user alice is revoked", serve.errors())
        self.assertEqual({c["state"] for c in self.certificates() if c["user"] == "alice"}, {"revoked"})

    def test_the_gateway_never_has_the_ca_key_open(self):
        """As the kernel saw it, from the start to the end of the process that faces the network."""
        path = self.path("trace")
        serve = process.Process(self, "traced", ["strace", "-o", path, "-e", "trace=openat,open,openat2", tools.delvegate(),
                                                 "serve", "--exec", "/bin/true", "--state-directory", self.state,
                                                 "--listen", "127.0.0.1:0"])
        serve.wait_for("it listens", lambda: "listening on" in serve.output())
        # A supervisor of dlv has the same command line; the gateway came first.
        gateway = min(pid for pid in process.descendants(serve.pid)
                      if process.command_line(pid)[:2] == [tools.delvegate(), "serve"])
        os.kill(gateway, signal.SIGTERM)
        serve.wait()
        with open(path, encoding="utf-8") as file:
            trace = file.read()
        self.assertIn("gateway.key", trace)
        self.assertNotIn("ca.key", trace)

    def test_serve_refuses_to_start_with_a_damaged_store(self):
        self.run_well("ca", "init")
        for name in ("ca.db-wal", "ca.db-shm"):
            if os.path.exists(os.path.join(self.state, "ca", name)):
                os.unlink(os.path.join(self.state, "ca", name))
        with open(os.path.join(self.state, "ca", "ca.db"), "wb") as file:
            file.write(b"x" * 10000)
        serve = self.start()
        self.assertEqual(serve.wait(), 1)
        line, = serve.errors().splitlines()
        self.assertIn("is damaged", line)

    def test_the_signer_is_not_for_hands(self):
        ended = self.call("signer")
        self.assertEqual(ended.returncode, 2)
        self.assertNotIn("signer", subprocess.run([tools.delvegate(), "--help"], capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    unittest.main()
