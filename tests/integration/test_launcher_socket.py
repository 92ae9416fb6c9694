"""The launcher's socket: who may ask it for what. Everything but the engine is real (tests/support/fake_launcher.cpp)."""

import itertools
import json
import os
import pwd
import signal
import socket
import subprocess
import threading
import unittest

from harness import waiting
from harness.launcher_socket import GATEWAY, HASH, LAUNCHER, LauncherSocketCase, Peer, SESSION, STRANGER, as_user, code_of


class LauncherSocket(LauncherSocketCase):
    def test_a_stranger_is_refused(self):
        self.start()

        def knock():
            try:
                Peer(self.path("s/launcher.sock"))
            except PermissionError:
                return "no permission"
            return "connected"
        self.assertEqual(as_user(STRANGER, knock), "no permission")
        # Even where the file's mode were wrong, the kernel's word on the peer decides.
        os.chmod(self.path("s/launcher.sock"), 0o666)

        def ask():
            peer = Peer(self.path("s/launcher.sock"))
            text, _fds = peer.receive()
            return [json.loads(text), peer.receive()[0].decode()]
        reply, after = as_user(STRANGER, ask)
        self.assertEqual(code_of(reply), "refused")
        self.assertEqual(after, "", "the connection must be closed")

    def test_modes(self):
        self.start()
        info = os.stat(self.path("s/launcher.sock"))
        self.assertEqual((info.st_uid, info.st_gid, info.st_mode & 0o777), (0, pwd.getpwnam(GATEWAY).pw_gid, 0o660))
        self.assertEqual(os.stat(self.path("state")).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(self.path("log/launcher.jsonl")).st_mode & 0o777, 0o600)

    # What the gateway may ask for at all. A verb that the launcher has and that is not here fails the test below.
    GATEWAYS = {"inspect": True, "start": True, "stop": True, "restore": True, "status": True, "dial": True, "heartbeat": True,
                "park": True, "arm": False, "disarm": False}
    # Of every member that a request can have, values that are read; and one that is none.
    MEMBERS = {"component": ["kube-scheduler", "kubelet", "etcd", "refused", "sshd"], "plan": [HASH], "session": [SESSION],
               "by": ["root"], "stopOnEntry": [True], "force": [["other-minor"], ["not-together", "two-leaders"]],
               "decide": ["keep-theirs", "put-back-ours"], "seconds": [60], "sessions": [True],
               "stop": ["17-3f9c"], "note": ["look at it"]}
    NONE = {"component": "../kubelet", "plan": "sha256:aa", "session": "", "by": "a\nb", "stopOnEntry": "yes", "force": ["everything"],
            "decide": "mine", "seconds": -1, "sessions": 1, "stop": "17", "note": "a\nb"}
    # Never a member, whatever the verb.
    ALIEN = {"argv": ["sh"], "binary": "/tmp/x", "environment": {"LD_PRELOAD": "/tmp/x.so"}, "pid": 1, "address": "127.0.0.1:1",
             "path": "/etc/shadow", "dlv": "/tmp/dlv", "ceiling": ["mutate"], "uid": 0, "armed": True}

    def every_request(self):
        """(verb, members) of every verb of the launcher's own table with every choice of members that it takes."""
        table = json.loads(self.run_table().stdout)
        self.assertEqual({row["verb"] for row in table}, set(self.GATEWAYS), "a verb that this test has no word on")
        for row in table:
            self.assertEqual(set(row["needs"] + row["may"]) - set(self.MEMBERS), set(), "a member that this test has no word on")
            for count in range(len(row["may"]) + 1):
                for chosen in itertools.combinations(row["may"], count):
                    names = [*row["needs"], *chosen]
                    for values in itertools.product(*(self.MEMBERS[name] for name in names)):
                        yield row, dict(zip(names, values))

    def run_table(self):
        return subprocess.run([LAUNCHER, "verbs"], capture_output=True, text=True, timeout=waiting.DEADLINE, check=True)

    def judged(self, verb, more):
        """Whether the engine may hear of it from the gateway while nothing is armed."""
        return self.GATEWAYS[verb] and "force" not in more and "decide" not in more and (verb != "start" or more["component"] == "kubelet")

    def play_gateway(self, requests):
        """The codes of the answers, on as few connections as it takes; slower than the gateway is let ask."""
        def play():
            codes = []
            peer = None
            for verb, more in requests:
                peer = peer or Peer(self.path("s/launcher.sock"))
                code = code_of(peer.ask(verb, **more)[0])
                if code in ("malformed", "closed"):
                    peer = None
                codes.append(code)
            return codes
        return as_user(GATEWAY, play)

    def test_a_compromised_gateway_against_every_verb(self):
        requests = [(row["verb"], more) for row, more in self.every_request()]
        self.assertGreater(len(requests), 150)
        heard = []
        for at in range(0, len(requests), 500):  # of 600 a minute
            part = requests[at:at + 500]
            self.configure(remoteStarts=10000, stateDirectory=self.path(f"state{at}"))
            launcher = self.start()
            codes = self.play_gateway(part)
            for (verb, more), code in zip(part, codes):
                words = f"{verb} {more}"
                if self.judged(verb, more):
                    # What the engine says of it, a plan that is another one by now among it, is not the gateway's doing.
                    self.assertIn(code, ("ok", "failed", "unknown"), words)
                    if verb in ("start", "stop", "restore"):
                        heard.append(verb)
                else:
                    self.assertEqual(code, "refused", words)
            # Whatever was heard was heard as the gateway's: by its uid, remotely, without force and without a decision.
            uid = pwd.getpwnam(GATEWAY).pw_uid
            for line in self.asks():
                self.assertRegex(line, rf"^(start kubelet|stop [a-z-]+|restore [a-z-]*) by (root|the gateway) uid {uid} remote$")
            self.assertEqual(code_of(Peer(self.path("s/launcher.sock")).ask("status")[0]), "ok", "root is still served")
            launcher.signal(signal.SIGTERM)
            self.assertEqual(launcher.wait(), 0, launcher.errors())
        self.assertEqual(set(heard), {"start", "stop", "restore"})

    def test_a_compromised_gateway_with_members_that_are_none(self):
        requests = []
        for row in json.loads(self.run_table().stdout):
            fine = {name: self.MEMBERS[name][0] for name in row["needs"]}
            for name in row["needs"]:
                requests.append((row["verb"], {key: value for key, value in fine.items() if key != name}))
            for name, value in self.NONE.items():
                requests.append((row["verb"], {**fine, name: value}))
            for name in set(self.MEMBERS) - set(row["needs"]) - set(row["may"]):
                requests.append((row["verb"], {**fine, name: self.MEMBERS[name][0]}))
            for name, value in self.ALIEN.items():
                requests.append((row["verb"], {**fine, name: value}))
        requests += [(verb, {"component": "kubelet"}) for verb in ("exec", "", "Start", "start ", "ceiling", "resume", "end", "counting")]
        self.start()
        self.assertEqual(set(self.play_gateway(requests)), {"malformed"})
        self.assertEqual(self.asks(), [], "nothing of it may have reached the engine")

    def test_what_root_arms_is_all_that_it_opens(self):
        self.start()
        self.assertEqual(self.run_command("arm", "kube-scheduler", "--for", "1h").returncode, 0)
        scheduler = {"component": "kube-scheduler"}
        self.assertEqual(self.as_gateway(("start", {**scheduler, "force": ["other-minor"]}), ("arm", {**scheduler, "seconds": 60}),
                                         ("disarm", scheduler), ("start", {"component": "etcd"}), ("start", scheduler)),
                         ["refused", "refused", "refused", "refused", "ok"])

    def test_who_sends_rubbish_is_cut_off(self):
        self.start()
        for rubbish in (b"\x00", b"{", b'{"v":1,"verb":"status"}{}', b'{"v":2,"verb":"status"}', b"x" * 70000):
            peer = Peer(self.path("s/launcher.sock"))
            peer.send(rubbish)
            self.assertEqual(code_of(json.loads(peer.receive()[0])), "malformed")
            self.assertEqual(peer.receive()[0], b"")
        peer = Peer(self.path("s/launcher.sock"))
        socket.send_fds(peer.socket, [b'{"v":1,"verb":"status"}'], [0])
        self.assertEqual(code_of(json.loads(peer.receive()[0])), "malformed")

    def test_a_dial_brings_one_descriptor(self):
        self.start()
        self.assertEqual(self.run_command("start", "kube-scheduler").returncode, 0)

        def dial():
            reply, fds = Peer(self.path("s/launcher.sock")).ask("dial", component="kube-scheduler", session=SESSION)
            with socket.socket(fileno=fds[0]) as guard:
                return [code_of(reply), len(fds), guard.recv(100).decode()]
        self.assertEqual(as_user(GATEWAY, dial), ["ok", 1, "guard of kube-scheduler\n"])
        reply, fds = Peer(self.path("s/launcher.sock")).ask("status")
        self.assertEqual((code_of(reply), fds), ("ok", []))

    def test_secrets_are_roots(self):
        self.start()
        plan = as_user(GATEWAY, lambda: Peer(self.path("s/launcher.sock")).ask("inspect", component="kubelet")[0])
        self.assertNotIn("hunter2", json.dumps(plan))
        self.assertNotIn("t0psecret", json.dumps(plan))
        self.assertIn("hunter2", self.run_command("inspect", "kubelet", "--output", "json").stdout)

    def test_the_second_launcher_refuses(self):
        first = self.start()
        second = self.run_command("launcher")
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"pid {first.pid}", second.stderr)
        self.assertEqual(code_of(Peer(self.path("s/launcher.sock")).ask("status")[0]), "ok")

    def test_starts_through_the_gateway_are_counted(self):
        self.configure(remoteStarts=2)
        self.start()
        start, stop = ("start", {"component": "kubelet"}), ("stop", {"component": "kubelet"})
        self.assertEqual(self.as_gateway(start, stop, start, stop, start, stop), ["ok", "ok", "ok", "ok", "limited", "limited"])
        self.assertEqual(self.run_command("start", "kubelet").returncode, 0)

    def test_the_gateway_cannot_shut_root_out(self):
        self.configure(connections=3)
        self.start()

        def crowd():
            peers = [Peer(self.path("s/launcher.sock")) for _ in range(3)]
            for peer in peers:
                peer.ask("status")
            last = Peer(self.path("s/launcher.sock"))
            refused = code_of(json.loads(last.receive()[0]))
            os.write(ready[1], b"x")  # with the three still open
            os.read(end[0], 1)
            return refused
        ready, end = os.pipe(), os.pipe()
        answers = []
        crowding = threading.Thread(target=lambda: answers.append(as_user(GATEWAY, crowd)))
        crowding.start()
        os.read(ready[0], 1)
        self.assertEqual(code_of(Peer(self.path("s/launcher.sock")).ask("status")[0]), "ok")
        os.write(end[1], b"x")
        crowding.join()
        self.assertEqual(answers, ["busy"])

    def test_a_restart_keeps_what_is_armed(self):
        first = self.start()
        self.assertEqual(self.run_command("arm", "kube-scheduler", "--for", "2h").returncode, 0)
        self.assertEqual(self.as_gateway(("start", {"component": "kube-scheduler"})), ["ok"])
        first.signal(signal.SIGKILL)
        first.wait()
        second = self.start()
        self.assertEqual(self.as_gateway(("start", {"component": "kube-scheduler"})), ["ok"])
        self.assertEqual(self.run_command("disarm", "kube-scheduler").returncode, 0)
        second.signal(signal.SIGTERM)
        self.assertEqual(second.wait(), 0, second.errors())
        self.start()
        self.assertEqual(self.as_gateway(("start", {"component": "kube-scheduler"})), ["refused"])

    def test_an_end_waits_for_the_verb_under_way(self):
        launcher = self.start()
        with open(self.held, "w", encoding="utf-8"):
            pass
        peer = Peer(self.path("s/launcher.sock"))
        peer.send({"v": 1, "verb": "start", "component": "kube-scheduler"})
        self.assertIn("progress", json.loads(peer.receive()[0]))
        launcher.signal(signal.SIGTERM)
        waiting.until("nobody new is taken", lambda: self.run_command("stop", "kube-scheduler").returncode == 1)
        self.assertTrue(launcher.running())
        os.unlink(self.held)
        self.assertEqual(code_of(self.last(peer)), "ok")
        self.assertEqual(launcher.wait(), 0, launcher.errors())

    def last(self, peer):
        while True:
            reply = json.loads(peer.receive()[0])
            if "progress" not in reply:
                return reply

    def test_the_log_has_every_verb(self):
        self.start()
        self.as_gateway(("start", {"component": "kube-scheduler", "by": "alice"}), ("start", {"component": "kubelet", "by": "alice"}))
        self.assertEqual(self.run_command("arm", "kube-scheduler").returncode, 0)

        def lines(name):
            with open(self.path(name), encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        uid = pwd.getpwnam(GATEWAY).pw_uid
        main = lines("log/launcher.jsonl")
        self.assertEqual([(line["event"], line["verb"], line["uid"]) for line in main],
                         [("asked", "start", uid), ("done", "start", uid), ("asked", "arm", 0), ("done", "arm", 0)])
        self.assertEqual((main[0]["component"], main[0]["by"], main[3]["outcome"]), ("kubelet", "alice", "ok"))
        # What the gateway is refused pushes nothing out of it.
        aside = lines("log/launcher.jsonl.gateway")
        self.assertEqual([(line["event"], line["component"]) for line in aside], [("asked", "kube-scheduler"), ("done", "kube-scheduler")])
        self.assertTrue(aside[1]["outcome"].startswith("refused: "))


if __name__ == "__main__":
    unittest.main()
