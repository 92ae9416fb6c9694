"""The audit of a real gateway: what people did is there, in a chain that can be checked, and a full disk stops only
what changes something."""

import json
import os
import re
import signal
import subprocess
import unittest

from harness import case, debuggee, tools, waiting
from harness.dap import Dap
from harness.rpc import Failed, Rpc

TICK = debuggee.line("tick")


class Audit(case.Case):
    def start(self, **more):
        self.gateway = self.serve(**more)
        self.file = more.get("auditFile", os.path.join(self.gateway.directory, "state", "audit", "audit.jsonl"))
        return self.connect(self.gateway).address

    def stop(self):
        self.gateway.process.signal(signal.SIGTERM)
        self.assertEqual(self.gateway.process.wait(), 0, self.gateway.log())

    def delvegate(self, *arguments):
        return subprocess.run([tools.delvegate(), "audit", *arguments], capture_output=True, text=True,
                              timeout=waiting.DEADLINE, check=False)

    def records(self):
        with open(self.file, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def recorded(self, kind, operation):
        return [r for r in self.records() if r["kind"] == kind and r.get("operation") == operation]

    def until_recorded(self, kind, operation):
        return waiting.until(f"{kind} of {operation} in the audit", lambda: self.recorded(kind, operation))

    def work(self, address):
        client = Rpc(self, address)
        client.set_breakpoint(debuggee.MAIN, TICK, Cond="n % 2 == 0")
        client.command("continue")
        value = client.call("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.greeting", "Cfg": {"MaxStringLen": 64}})
        self.assertEqual(value["Variable"]["value"], "hello")
        client.reply(client.send("Restart", {"Rebuild": True}))
        client.close()

    def test_off_means_that_nothing_is_recorded(self):
        self.work(self.start(auditFile="off"))
        shown = subprocess.run([tools.delvegate(), "status", "--runtime-directory", os.path.join(self.gateway.directory, "run"),
                                "--output", "json"], capture_output=True, text=True, timeout=waiting.DEADLINE, check=True)
        self.assertEqual(json.loads(shown.stdout)["audit"], {"file": "off"})
        self.stop()
        self.assertFalse(os.path.exists(os.path.join(self.gateway.directory, "state", "audit")))
        self.assertIn("not recorded", self.gateway.log())

    def test_what_was_done_is_there(self):
        self.work(self.start())
        self.stop()
        records = self.records()
        self.assertEqual([r["sequence"] for r in records], list(range(records[0]["sequence"], records[0]["sequence"] + len(records))))
        outcomes = {r["ref"]: r for r in records if r["kind"] == "outcome"}
        intents = [r for r in records if r["kind"] == "intent"]
        for intent in intents:
            self.assertIn(intent["sequence"], outcomes, intent)
            self.assertEqual((intent["user"], intent["component"], intent["protocol"], intent["decision"]),
                             ("alice", "app", "json-rpc", "allow"), intent)
            self.assertTrue(intent["rule"], intent)
        done = {r["operation"]: r for r in intents}
        self.assertIn("breakpoint", done["CreateBreakpoint"]["classes"])
        self.assertIn("n % 2 == 0", json.dumps(done["CreateBreakpoint"]))
        self.assertEqual(done["Command continue"]["classes"], ["control"])
        self.assertIn("main.greeting", json.dumps(done["Eval"]))
        # What was seen is nobody's business but the viewer's.
        self.assertNotIn('"hello"', json.dumps(records))
        refused = [r for r in records if r["kind"] == "refusal"]
        self.assertEqual([r["operation"] for r in refused], ["Restart"])
        self.assertTrue([r for r in records if r["kind"] == "connect" and r["user"] == "alice"])
        self.assertTrue([r for r in records if r["kind"] == "disconnect"])

    def test_it_can_be_checked(self):
        anchors = os.path.join(self.directory, "anchors")
        os.mkdir(anchors, 0o700)
        anchors = os.path.join(anchors, "heads.jsonl")
        self.work(self.start(auditAnchors=anchors))
        self.stop()
        with open(anchors, encoding="utf-8") as file:
            heads = [json.loads(line) for line in file]
        self.assertTrue(heads[-1]["signature"], heads)
        fine = self.delvegate("verify", "--anchor", anchors, self.file)
        self.assertEqual(fine.returncode, 0, fine)
        key = os.path.join(self.gateway.directory, "state", "ca", "audit.pub")
        signed = self.delvegate("verify", "--anchor", anchors, "--public-key", key, self.file)
        self.assertEqual(signed.returncode, 0, signed)
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key + ".other"], check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", key + ".other", "-pubout", "-out", key + ".other.pub"], check=True)
        forged = self.delvegate("verify", "--anchor", anchors, "--public-key", key + ".other.pub", self.file)
        self.assertEqual(forged.returncode, 1, forged)
        shown = self.delvegate("show", "--user", "alice", "--kind", "intent", self.file)
        self.assertEqual(shown.returncode, 0, shown)
        self.assertIn("CreateBreakpoint", shown.stdout)
        with open(self.file, encoding="utf-8") as file:
            lines = file.readlines()
        damages = {"changed": [line.replace("Command continue", "Command next    ", 1) for line in lines],
                   "removed": lines[:3] + lines[4:],
                   "reordered": lines[:3] + [lines[4], lines[3]] + lines[5:],
                   "cut off": lines[:-3]}
        for what, damaged in damages.items():
            with self.subTest(what):
                path = os.path.join(self.directory, "damaged.jsonl")
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(damaged)
                os.chmod(path, 0o600)
                ended = self.delvegate("verify", "--anchor", anchors, path)
                self.assertEqual(ended.returncode, 1, ended)

    def test_a_dap_viewer_too(self):
        address = self.start()
        viewer = Dap(self, address)
        viewer.attach(stopOnEntry=True)
        viewer.stopped()
        viewer.call("setBreakpoints", {"source": {"path": debuggee.MAIN}, "breakpoints": [{"line": TICK}]})
        viewer.call("continue", {"threadId": 1})
        self.until_recorded("outcome", "continue")
        intent, = self.recorded("intent", "setBreakpoints")
        self.assertEqual(intent["protocol"], "dap")
        self.assertIn(str(TICK), json.dumps(intent))

    @unittest.skipIf(os.geteuid() != 0 and "CI" not in os.environ, "a file system of its own needs root")
    def test_a_full_disk_stops_what_changes_something(self):
        disk = os.path.join(self.directory, "disk")
        os.mkdir(disk, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        client = Rpc(self, self.start(auditFile=os.path.join(disk, "audit.jsonl"), auditReserve="256KiB"))
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        ballast = os.path.join(disk, "ballast")
        filler = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            while True:
                os.write(filler, b"x" * 4096)
        except OSError:
            pass
        finally:
            os.close(filler)

        # What looks goes on; sooner or later there is no room left for the record of a change.
        def refused():
            try:
                made = client.set_breakpoint(debuggee.MAIN, debuggee.line("use"))
                client.call("ClearBreakpoint", {"Id": made["id"]})
                return None
            except Failed as error:
                return str(error)
        words = waiting.until("a change to be refused", refused)
        self.assertRegex(words, "audit")
        # Those who are sent to `status` by the alert, or ask `doctor`, are told.
        def told(*command):
            refused()
            return subprocess.run([tools.delvegate(), *command, "--config", self.gateway.configuration_file], capture_output=True, text=True,
                                  timeout=waiting.DEADLINE).stdout
        warning = re.compile(f"^warning: the audit {disk}/audit.jsonl cannot be written since .*: No space left on device;", re.M)
        waiting.until(lambda: "status to say so\n" + told("status"), lambda: warning.search(told("status")))
        failed = re.compile(f"^fail +audit +{disk}/audit.jsonl cannot be written: No space left on device;", re.M)
        waiting.until(lambda: "doctor to say so\n" + told("doctor", "--node"), lambda: failed.search(told("doctor", "--node")))
        self.assertFalse(client.state()["Running"])
        # What only releases goes on from the reserve.
        self.assertEqual(client.command("continue")["currentThread"]["line"], TICK)
        os.unlink(ballast)
        waiting.until("changes to be possible again", lambda: refused() is None)
        client.close()
        self.stop()
        ended = self.delvegate("verify", self.file)
        self.assertEqual(ended.returncode, 0, ended)


if __name__ == "__main__":
    unittest.main()
