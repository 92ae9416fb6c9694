"""`delvegate doctor` beside real gateways, real dlvs and what is wrong with them."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

from harness import between, case, process, tools, waiting


class Doctor(case.Case):
    def doctor(self, *arguments, code=None, text=False):
        """{check: its entry} of what it says."""
        done = subprocess.run([tools.delvegate(), "doctor", *arguments, "--output", "text" if text else "json"], capture_output=True, text=True,
                              timeout=waiting.DEADLINE, env=dict(os.environ, HOME=self.directory, XDG_CONFIG_HOME=self.directory))
        self.assertEqual(done.stderr, "")
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout)
        if text:
            return done.stdout
        said = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if said["failed"] else 0)
        return {one["check"]: one for one in said["checks"]}

    def is_found(self, checks, check, verdict, words=""):
        self.assertEqual(checks[check]["verdict"], verdict, checks[check])
        self.assertIn(words, checks[check]["text"])

    def test_a_dlv_that_other_hosts_reach(self):
        """The very thing that delvegate replaces: found by its sockets, with whatever name it runs."""
        renamed = os.path.join(self.directory, "debugger")
        os.symlink(self.delve.dlv, renamed)
        for dlv in (self.delve.dlv, renamed):
            command = [dlv, "exec", self.program, "--headless", "--accept-multiclient", "--api-version=2", "--listen=0.0.0.0:0"]
            child = process.Process(self, "open-" + os.path.basename(dlv), command, env=dict(os.environ, HOME=self.directory), cwd=self.directory)
            port = child.wait_for("it listens", lambda: re.search(r"API server listening at: \S+:(\d+)", child.output()))[1]
            found = self.doctor(code=1)["exposed dlv"]
            self.assertEqual(found["verdict"], "fail")
            self.assertRegex(found["text"], rf"\(pid {child.pid}, uid {os.geteuid()}\) listens at (0\.0\.0\.0|\[::\]):{port}\b")
            self.assertRegex(found["mend"], rf"^kill\b.* {child.pid}\b")
            self.assertIn("mend: kill", self.doctor(code=1, text=True))
            child.signal(signal.SIGKILL)
            child.wait()
            self.assertNotIn(f"pid {child.pid},", self.doctor()["exposed dlv"]["text"])

    def test_as_people_write_it(self):
        """In the words that dlv takes, by the Go module that the program names, also when its file has gone."""
        copy = os.path.join(self.directory, "delve")
        shutil.copy(self.delve.dlv, copy)
        os.chmod(copy, 0o755)
        running = []
        for number, (dlv, words) in enumerate(((self.delve.dlv, ["exec", "--headless=1", "-l", ":0", self.program]),
                                               (copy, ["exec", self.program, "--headless=True", "-l=0.0.0.0:0"]),
                                               (copy, ["dap", "--listen=0.0.0.0:0"]))):
            child = process.Process(self, f"open-{number}", [dlv, *words], env=dict(os.environ, HOME=self.directory), cwd=self.directory)
            port = child.wait_for("it listens", lambda: re.search(r"server listening at: \S+:(\d+)", child.output()))[1]
            running.append((child.pid, port))
        os.unlink(copy)
        found = self.doctor(code=1)["exposed dlv"]
        for pid, port in running:
            self.assertRegex(found["text"], rf"\(pid {pid}, uid {os.geteuid()}\) listens at (0\.0\.0\.0|\[::\]):{port}\b")
            self.assertRegex(found["mend"], rf"that ends what dlv .*\b{pid}\b.* has started, too")
        self.assertNotIn("(deleted)", found["text"])

    def test_one_that_has_attached_leaves_its_program(self):
        program = process.Process(self, "program", [self.program])
        command = [self.delve.dlv, "attach", str(program.pid), "--headless", "--listen=0.0.0.0:0"]
        child = process.Process(self, "attached", command, env=dict(os.environ, HOME=self.directory), cwd=self.directory)
        child.wait_for("it listens", lambda: re.search(r"server listening at: \S+:(\d+)", child.output()))
        found = self.doctor(code=1)["exposed dlv"]
        self.assertRegex(found["mend"], rf"^kill\b.* {child.pid}\b")
        self.assertNotRegex(found["mend"], rf"ends what dlv [^)]*\b{child.pid}\b")

    def test_one_on_loopback_is_none(self):
        dlv = self.headless()
        self.assertNotIn(f"pid {dlv.pid},", self.doctor()["exposed dlv"]["text"])

    def test_a_node(self):
        gateway = self.serve(self.component(), self.component("web", users=[]))
        checks = self.doctor("--config", gateway.configuration_file, "--node")
        self.is_found(checks, "gateway", "ok")
        self.is_found(checks, "gateway.yaml", "ok", "components: 2")
        self.is_found(checks, "certificate", "ok")
        self.is_found(checks, "CA clientCA", "ok")
        self.is_found(checks, "dlv of app", "ok", "made by go1.")
        self.is_found(checks, "policy", "warn", "web")
        self.is_found(checks, "ptrace", "ok")
        self.is_found(checks, "component app", "ok", "the gateway says: ")
        self.is_found(checks, "audit", "ok", os.path.join(gateway.directory, "state", "audit"))
        self.assertNotIn("contexts", checks)

    def test_a_gateway_on_which_everything_is_down(self):
        """It answers and its files are good, and nobody can debug anything there."""
        nobody = {"users": ["alice"]}
        gateway = self.serve({"name": "web", "kind": "connect", "address": f"127.0.0.1:{between.free_port()}", **nobody},
                             {"name": "proxy", "kind": "launcher", **nobody}, launcherSocket=os.path.join(self.directory, "no.sock"))
        here = ["--config", gateway.configuration_file, "--node"]
        waiting.until("both are down", lambda: {self.doctor(*here)[f"component {name}"]["verdict"] for name in ("web", "proxy")} == {"fail"})
        checks = self.doctor(*here, code=1)
        self.is_found(checks, "gateway", "ok")
        self.is_found(checks, "component web", "fail", "the gateway says: unavailable: ")
        self.is_found(checks, "component proxy", "fail", "the gateway says: unknown; it does not hear the launcher: ")
        # By its directory alone it is the same.
        self.is_found(self.doctor("--node", "--runtime-directory", os.path.join(gateway.directory, "run"), code=1), "component proxy", "fail")
        # What its components need of this host is missing, too; and what was named must be there.
        self.is_found(checks, "launcher.yaml", "fail", "components of the launcher's: proxy")
        self.assertIn("left behind", checks)
        nowhere = os.path.join(self.directory, "nowhere.yaml")
        self.is_found(self.doctor(*here, "--launcher-config", nowhere, code=1), "launcher.yaml", "fail", nowhere)
        self.is_found(self.doctor("--config", nowhere, "--node", code=1), "gateway.yaml", "fail", nowhere)

    def test_what_is_wrong_with_a_node(self):
        gateway = self.serve(self.component())
        with open(gateway.configuration_file, encoding="utf-8") as file:
            configuration = json.load(file)
        broken = os.path.join(self.directory, "broken.yaml")

        def changed(**keys):
            with open(broken, "w", encoding="utf-8") as file:
                json.dump({**configuration, **keys}, file)
            return self.doctor("--config", broken, "--node")
        nobody = changed(components=[self.component(users=[])])
        self.is_found(nobody, "policy", "fail", "nobody")
        self.is_found(changed(components=[self.component(dlv="/nonexistent/dlv")]), "dlv of app", "fail", "there is no dlv at")
        self.is_found(changed(components=[self.component(binary="/bin/true")]), "dlv of app", "fail")
        self.is_found(changed(sertificate="x"), "gateway.yaml", "fail", "unknown key")
        # A policy: none, others', and one that cannot be read as such.
        policy = os.path.join(self.directory, "doctors-policy.yaml")
        self.is_found(missing := changed(policy=policy), "policy", "fail", "is it there")
        self.assertIn(f"write {policy} (docs/policy.md)", missing["policy"]["mend"])
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings: []\n")
        self.is_found(half := changed(policy=policy), "policy", "fail", "only half written")
        self.assertIn("delvegate policy check", half["policy"]["mend"])
        os.chmod(policy, 0o666)
        self.is_found(changed(policy=policy), "policy", "fail", "run: chmod go-w")
        # Somebody else's port, and the gateway's own.
        other = self.headless(listen="127.0.0.1:0")
        port = int(other.address.rpartition(":")[2])
        taken = changed(listen=[f"127.0.0.1:{port}"], runtimeDirectory=os.path.join(self.directory, "no-run"))
        self.is_found(taken, f"port {port}", "fail", f"(pid {other.pid}, uid {os.geteuid()})")
        self.is_found(taken, "gateway", "warn", "does not run")
        # Of another address, and held by a gateway that is not this one.
        self.is_found(changed(listen=[f"127.0.0.2:{port}"]), f"port {port}", "warn", "nothing listens at 127.0.0.2")
        self.is_found(changed(listen=[f"127.0.0.2:{port}"], runtimeDirectory=os.path.join(self.directory, "no-run")), f"port {port}", "ok", "is free")
        self.is_found(changed(listen=[gateway.address]), f"port {gateway.port}", "ok", f"(pid {gateway.pid},")
        self.is_found(changed(listen=[gateway.address], runtimeDirectory=os.path.join(self.directory, "no-run")), f"port {gateway.port}", "fail",
                      f"(pid {gateway.pid},")
        os.chmod(configuration["key"], 0o644)
        open_key = self.doctor("--config", gateway.configuration_file, "--node", code=1)
        self.is_found(open_key, "certificate", "fail")
        self.assertIn(f"chmod go= {configuration['key']}", open_key["certificate"]["mend"])
        os.chmod(configuration["key"], 0o600)
        # A gateway that hangs is not waited for.
        os.kill(gateway.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, gateway.pid, signal.SIGCONT)
        self.is_found(self.doctor("--config", gateway.configuration_file, "--node", code=1), "gateway", "fail", "does not answer within")

    def test_a_gateway_that_is_known_by_its_directory(self):
        """As `serve --exec` runs, which has no configuration: what the gateway tells itself, and no silence about the rest."""
        gateway = self.serve(self.component())
        here = ["--node", "--runtime-directory", os.path.join(gateway.directory, "run")]
        waiting.until("the component is there", lambda: "stopped" in self.doctor(*here)["component app"]["text"])
        checks = self.doctor(*here)
        self.is_found(checks, "gateway.yaml", "skipped")
        self.is_found(checks, "gateway", "ok")
        self.is_found(checks, f"port {gateway.port}", "ok", f"(pid {gateway.pid},")
        self.is_found(checks, "component app", "ok", "the gateway says: stopped")
        for check in ("certificate", "policy", "dlv"):
            self.is_found(checks, check, "skipped", "gateway.yaml, which was not read")
        nothing = self.doctor("--node", "--runtime-directory", self.directory, code=1)
        self.is_found(nothing, "gateway", "fail", "no gateway answers at")
        self.is_found(nothing, "port", "skipped")

    def test_who_asks_a_gateway_that_hangs_is_told(self):
        """None of the commands that ask it waits for ever, neither for an answer nor for a place in its queue."""
        gateway = self.serve(self.component())
        run = ["--runtime-directory", os.path.join(gateway.directory, "run")]
        os.kill(gateway.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, gateway.pid, signal.SIGCONT)
        queue = []
        for _ in range(100):
            waiter = socket.socket(socket.AF_UNIX)
            self.addCleanup(waiter.close)
            waiter.setblocking(False)
            queue.append(waiter.connect_ex(os.path.join(gateway.directory, "run", "status.sock")))
            if len(queue) == 2:  # one that is taken, and is told nothing
                asking = [subprocess.Popen([tools.delvegate(), *command, *run], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                          for command in (["status"], ["sessions"], ["sessions", "kill", "--user", "alice"], ["baton", "ask", "app"])]
                for one in asking:
                    waiting.until("it asks", lambda pid=one.pid: any(os.path.realpath(f"/proc/{pid}/fd/{fd}").find("socket:") >= 0
                                                                     for fd in os.listdir(f"/proc/{pid}/fd")))
            if queue[-1] == errno.EAGAIN:
                break
        self.assertEqual(queue[-1], errno.EAGAIN)
        asking.append(subprocess.Popen([tools.delvegate(), "status", *run], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        for one in asking:
            _, said = one.communicate(timeout=waiting.DEADLINE)
            self.assertEqual(one.returncode, 1)
            self.assertRegex(said, r"^delvegate: the gateway at \S+/status\.sock does not answer within 15 s: .*journalctl -u delvegate.*\n$")

    def test_a_laptop(self):
        gateway = self.serve(self.component(), self.component("web", users=["bob"]))
        person = self.person()
        identity = ["--certificate", person.certificate, "--key", person.key, "--ca", person.ca]
        here = ["--laptop", "--gateway", f"localhost:{gateway.port}", *identity, "--folder", self.directory]
        checks = self.doctor(*here)
        self.is_found(checks, "gateway", "ok", "components for you: 1")
        self.is_found(checks, "clocks", "ok")
        self.is_found(checks, "contexts", "skipped")
        self.is_found(checks, "IDE", "ok", "configurations of delvegate's: 0")
        self.assertNotIn("ptrace", checks)
        # Of a component that is not shown any more.
        for name in ("app", "gone"):
            subprocess.run([tools.delvegate(), "ide", "goland", name, "--folder", self.directory, "--gateway", f"localhost:{gateway.port}", *identity],
                           check=True, capture_output=True, env=dict(os.environ, HOME=self.directory, XDG_CONFIG_HOME=self.directory))
        left = self.doctor(*here)
        self.is_found(left, "IDE goland", "warn", "gone")
        self.assertIn("delvegate ide goland gone --remove", left["IDE goland"]["mend"])
        stranger = self.person("mallory")
        shut_out = self.doctor("--laptop", "--gateway", f"localhost:{gateway.port}", "--certificate", stranger.certificate, "--key", stranger.key,
                               "--ca", stranger.ca, code=1)
        self.is_found(shut_out, "gateway", "fail", "mallory")
        self.assertIn("policy.yaml", shut_out["gateway"]["mend"])
        gateway.process.signal(signal.SIGKILL)
        gateway.process.wait()
        away = self.doctor(*here, code=1)
        self.is_found(away, "gateway", "fail", "refused the connection")
        self.assertNotIn("clocks", away)

    def test_what_does_not_let_a_laptop_in(self):
        """The mend is of the cause: a certificate, the way, or the gateway."""
        revocations = os.path.join(self.directory, "revoked.crl")
        authority, person = self.authority(), self.person()
        authority.revocation_list(revocations, person)
        gateway = self.serve(self.component(), clientCRLs=[revocations])

        def found(one, *more, port=gateway.port):
            return self.doctor("--laptop", "--gateway", f"localhost:{port}", "--certificate", one.certificate, "--key", one.key, "--ca", one.ca,
                               *more, code=1)["gateway"]
        revoked = found(person)
        self.assertIn("revoked", revoked["text"])
        self.assertRegex(revoked["mend"], r"^ask the gateway's administrator for a token, and: delvegate enroll localhost ")
        self.assertNotIn("firewall", revoked["mend"])
        bob = self.person("bob")
        theirs = found(bob, "--server-name", "another.test")
        self.assertIn("not for host another.test", theirs["text"])
        self.assertRegex(theirs["mend"], "^ask the gateway's administrator, and do not go on")
        closed = between.free_port()
        self.assertIn("firewall", found(bob, port=closed)["mend"])
        ssh = found(bob, "--via", f"ssh://me@127.0.0.1:{closed}")
        self.assertRegex(ssh["mend"], rf"^the way is ssh: `ssh -p {closed} me@127\.0\.0\.1` must work")
        proxy = found(bob, "--via", f"http://127.0.0.1:{closed}")
        self.assertRegex(proxy["mend"], rf"^the way is the proxy 127\.0\.0\.1:{closed}: ")

    def test_nothing_that_is_secret(self):
        gateway = self.serve(self.component(args=["--password=hunter2"], env={"TOKEN": "hunter2"}))
        self.assertNotIn("hunter2", self.doctor("--config", gateway.configuration_file, text=True))

    def test_the_command_line(self):
        both = subprocess.run([tools.delvegate(), "doctor", "--node", "--laptop"], capture_output=True, text=True)
        self.assertEqual((both.returncode, both.stderr.count("\n")), (2, 1))


if __name__ == "__main__":
    unittest.main()
