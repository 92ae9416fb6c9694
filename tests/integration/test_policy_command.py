"""`delvegate policy`: what it prints, and its exit codes."""

import json
import os
import subprocess
import tempfile
import unittest

POLICY = """roles:
  - {name: no-calls, deny: ["* call"]}
bindings:
  - {role: debugger, users: [alice], groups: [sre], components: ["kube-*"]}
  - {role: developer, users: [bob], components: [etcd]}
  - {role: no-calls, groups: [interns], components: ["*"]}
...
"""


class Policy(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="delvegate-test-")
        self.addCleanup(holder.cleanup)
        self.directory = holder.name
        self.policy = self.write("policy.yaml", POLICY)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_it(self, *arguments, code=0):
        environment = {key: value for key, value in os.environ.items() if key != "XDG_CONFIG_HOME"}
        done = subprocess.run([os.environ["DELVEGATE_BINARY"], "policy", *arguments], capture_output=True, text=True,
                              env=dict(environment, HOME=self.directory))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 or not done.stderr else done.stderr

    def can_i(self, *arguments, code=0):
        return self.run_it("can-i", *arguments, "--policy", self.policy, code=code)

    def test_check(self):
        self.assertEqual(self.run_it("check", self.policy), f"{self.policy}: good; roles of its own: 1, bindings: 3\n")
        broken = self.write("broken.yaml", "bindings:\n  - {role: admn, users: [a], components: [x]}\n...\n")
        error = self.run_it("check", broken, code=1)
        self.assertEqual(error.count("\n"), 1)
        self.assertIn(f'{broken}:2:12: unknown role "admn"', error)
        self.assertIn("cannot be read", self.run_it("check", broken + ".not", code=1))
        self.run_it("check", code=2)

    def test_yes_and_the_rule(self):
        self.assertEqual(self.can_i("alice", "Command next", "kube-scheduler"),
                         "yes: alice may do Command next (control) on kube-scheduler\n"
                         f"    {self.policy}:4:5, binding 1: role debugger for user alice\n")
        self.assertIn("role debugger for group sre", self.can_i("dan", "pause", "kube-proxy", "--group", "x", "--group", "sre"))

    def test_no_and_what_is_missing(self):
        answer = self.can_i("alice", "setVariable", "kube-scheduler", code=1)
        self.assertTrue(answer.startswith("no: alice may not do setVariable (mutate) on kube-scheduler\n"), answer)
        self.assertIn("missing: mutate; role developer or a higher one gives it", answer)
        self.assertIn("no binding names mallory", self.can_i("mallory", "State", "etcd", code=1))
        self.can_i("alice", "State", "etcd", code=1)

    def test_one_name_for_several_operations(self):
        answer = self.can_i("bob", "call", "etcd")
        self.assertIn("yes: bob may do Command call (mutate) on etcd\n", answer)
        self.assertIn("yes: bob may do evaluate call (mutate) on etcd\n", answer)
        denied = self.can_i("bob", "call", "etcd", "--group", "interns", code=1)
        self.assertEqual(denied.count("binding 3: role no-calls for group interns denies"), 2)

    def test_a_class(self):
        self.assertIn("yes: alice may do class control on kube-x", self.can_i("alice", "control", "kube-x"))
        self.assertIn("missing: files", self.can_i("alice", "files", "kube-x", code=1))

    def test_unknown_operation(self):
        self.assertIn("is it one of", self.can_i("alice", "watchpoint", "kube-x", code=2))
        self.assertIn("delvegate policy operations", self.can_i("alice", "qqq", "kube-x", code=2))

    def test_json(self):
        answer = json.loads(self.can_i("bob", "call", "etcd", "--output", "json"))
        self.assertTrue(answer["allowed"])
        self.assertEqual([d["operation"] for d in answer["decisions"]], ["Command call", "evaluate call"])
        answer = json.loads(self.can_i("alice", "setVariable", "kube-x", "--output", "json", code=1))
        self.assertEqual(answer["decisions"][0]["missing"], "mutate")

    def test_the_lists_of_a_configuration_count(self):
        configuration = self.write("gateway.yaml", json.dumps({
            "policy": "policy.yaml", "components": [{"name": "etcd", "binary": "/bin/x", "users": ["dan"]}]}))
        answer = self.run_it("can-i", "dan", "Restart", "etcd", "--config", configuration)
        self.assertIn("gateway.yaml component etcd: role admin for user dan", answer)
        self.run_it("can-i", "bob", "Set", "etcd", "--config", configuration)
        self.run_it("can-i", "dan", "Restart", "kube-x", "--config", configuration, code=1)

    def test_a_file_that_cannot_be_used(self):
        self.policy = self.write("policy.yaml", "bindings: []\n")
        self.assertIn("only half written", self.can_i("alice", "State", "etcd", code=2))
        self.run_it("can-i", "alice", "State", "etcd", "--config", self.policy + ".not", code=2)

    def test_operations(self):
        lines = self.run_it("operations").splitlines()
        self.assertIn("evaluate call", "\n".join(lines))
        everything = json.loads(self.run_it("operations", "--output", "json"))
        self.assertEqual(len(everything), len(lines))
        self.assertIn({"operation": "Restart", "protocol": "JSON-RPC", "classes": "lifecycle"}, everything)


if __name__ == "__main__":
    unittest.main()
