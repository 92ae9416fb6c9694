"""Every command has --output json: one object or a line each on standard output, and one line on standard error when it fails."""

import json
import os
import re
import subprocess
import unittest

from harness import case, process, tools, waiting
from harness.enrolling import free_port


def helped(*words):
    return subprocess.run([tools.delvegate(), *words, "--help"], capture_output=True, text=True, check=True).stdout


def subcommands(text):
    return re.findall(r"^  (\S+)", text.partition("\nSubcommands:\n")[2].partition("\n\n")[0], re.MULTILINE)


def commands(words=()):
    """Each command that does something: those without subcommands, and those that may be called without one."""
    text = helped(*words)
    below = subcommands(text)
    if words and (not below or "\nPositionals:\n" in text):
        yield words
    for one in below:
        yield from commands((*words, one))


class EveryCommand(unittest.TestCase):
    def test_has_it(self):
        found = list(commands())
        self.assertGreater(len(found), 40)
        for words in found:
            self.assertIn("--output FORMAT:{text,json}=text", helped(*words), words)

    def test_a_wrong_command_line_is_one_line(self):
        for words in commands():
            done = subprocess.run([tools.delvegate(), *words, "--output", "json", "--no-such-option"], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=waiting.DEADLINE)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), (words, done.stderr))


class Answers(case.Case):
    def run_it(self, *arguments, code=0):
        done = subprocess.run([tools.delvegate(), *arguments, "--output", "json"], capture_output=True, text=True, timeout=waiting.DEADLINE,
                              stdin=subprocess.DEVNULL, env=dict(os.environ, HOME=self.directory, XDG_CONFIG_HOME=self.directory))
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        if code:
            self.assertLessEqual(done.stderr.count("\n"), 1, done.stderr)
            return done.stderr
        return json.loads(done.stdout)

    def test_of_certificates(self):
        state = ["--state-directory", os.path.join(self.directory, "ca-state")]
        made = self.run_it("ca", "init", *state)
        self.assertTrue(made["made"])
        self.assertFalse(self.run_it("ca", "init", *state)["made"])
        out = os.path.join(self.directory, "alice")
        issued = self.run_it("ca", "issue", *state, "--user", "alice", "--group", "sre", "--out", out)
        self.assertEqual((issued["directory"], issued["user"], issued["groups"]), (out, "alice", ["sre"]))
        serial = self.run_it("ca", "list", *state)["certificates"][0]["serial"]
        self.assertEqual(self.run_it("ca", "revoke", *state, "--serial", serial), {"serial": serial, "user": "alice", "certificates": 1})
        self.assertIn("revoked already", self.run_it("ca", "revoke", *state, "--serial", serial, code=1))
        self.assertEqual(self.run_it("ca", "revoke", *state, "--user", "bob"), {"user": "bob", "certificates": 0, "tokens": 0})
        self.assertEqual(self.run_it("ca", "unrevoke-user", *state, "bob"), {"user": "bob", "revoked": False})
        self.assertIn("BEGIN X509 CRL", self.run_it("ca", "crl", *state)["crl"])
        file = os.path.join(self.directory, "list.crl")
        self.assertEqual(self.run_it("ca", "crl", *state, "--out", file)["file"], file)
        token = self.run_it("token", "create", *state, "--user", "alice")
        self.assertTrue(token)
        waiting_token = self.run_it("token", "list", *state)
        name = re.search(r'"id": ?"([^"]+)"', json.dumps(waiting_token))[1]
        self.assertEqual(self.run_it("token", "withdraw", *state, name), {"withdrawn": name})

    def test_of_files(self):
        policy = os.path.join(self.directory, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n  - {role: admin, users: [alice], components: ['*']}\n...\n")
        self.assertEqual(self.run_it("policy", "check", policy), {"file": policy, "good": True, "roles": 0, "bindings": 1})
        self.assertTrue(self.run_it("policy", "can-i", "alice", "observe", "app", "--policy", policy)["allowed"])
        self.assertTrue(self.run_it("policy", "operations"))
        self.assertEqual(self.run_it("version")["name"], "delvegate")
        self.assertEqual(self.run_it("context", "list"), {"contexts": []})
        self.run_it("context", "use", "none", code=1)
        self.run_it("context", "delete", "none", code=1)
        self.assertIn("components", self.run_it("launcher", "--print-default-config")["yaml"])
        self.assertIn("listen", self.run_it("serve", "--print-default-config")["yaml"])
        for words in (["serve", "--print-reference"], ["launcher", "--print-reference"], ["policy", "keys"]):
            self.assertIn("| key | value |", self.run_it(*words)["markdown"])
        self.run_it("launcher", "--check", "--config", os.path.join(self.directory, "none"), code=2)

    def test_of_a_gateway(self):
        state = os.path.join(self.directory, "gateway")
        child = process.Process(self, "serve", [tools.delvegate(), "serve", "--exec", self.program, "--name", "app", "--dlv", self.delve.dlv,
                                                "--listen", f"127.0.0.1:{free_port()}", "--state-directory", state, "--output", "json"],
                                env=dict(os.environ, HOME=self.directory))
        ready = json.loads(child.wait_for("it is ready", lambda: re.search(r"^(\{.*\})\n", child.output()))[1])
        self.assertEqual((ready["event"], ready["identities"]), ("ready", [os.path.join(state, "identities", "admin")]))
        at = ["--gateway", ready["listen"][0].replace("127.0.0.1", "localhost"), "--identity", ready["identities"][0]]
        here = ["--runtime-directory", os.path.join(state, "run")]
        for words in (["sessions", *at], ["sessions", "list", *here], ["baton", "app", *at], ["baton", "show", "app", *here],
                      ["park", "app", *at], ["pin", "app", *at], ["connect", *at], ["status", *here],
                      ["doctor", "--laptop", *at]):
            self.assertIsInstance(self.run_it(*words), dict, words)
        for words in (["baton", "give", "app", *at], ["baton", "drop", "app", *at], ["unpark", "app", *at], ["unpin", "app", *at],
                      ["pin", "no-such", *at], ["connect", "no-such", *at, "--listen", "127.0.0.1:0"], ["start", "app", *at], ["stop", "no-such", *at],
                      ["inspect", "no-such", *at], ["restore", "no-such", *at], ["sessions", "kill", "--user", "bob", *here]):
            done = subprocess.run([tools.delvegate(), *words, "--output", "json"], capture_output=True, text=True, timeout=waiting.DEADLINE,
                                  env=dict(os.environ, HOME=self.directory, XDG_CONFIG_HOME=self.directory))
            self.assertNotEqual(done.returncode, 0, words)
            said = [line for line in done.stderr.splitlines() if not line.startswith("through the gateway ")]
            self.assertEqual(len(said), 1, (words, done.stderr))
            self.assertTrue(said[0].startswith("delvegate: "), said)
        audit = self.run_it("audit", "verify", os.path.join(state, "audit"))
        self.assertTrue(audit["unbroken"])


if __name__ == "__main__":
    unittest.main()
