"""What root takes back on the node from a gateway that was taken over: by disarming, by time, and by the guard's own limits."""

import json
import unittest

from harness import waiting
from harness.rig import needs_root
from test_static_pod import NAME, StaticPodCase

# The gateway's user, with nothing of the gateway's: argv is one request after the other; a dial is asked for the program's state
# over the descriptor that comes with it. `beat` sends heartbeats for ever, whatever becomes of them.
GATEWAY = r"""
import array, json, os, socket, sys, time
def ask(request):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(300)
    peer.connect("/run/delvegate/launcher.sock")
    peer.send(json.dumps({"v": 1, **request}).encode())
    text = ""
    while True:
        packet, extra, _flags, _where = peer.recvmsg(65536, socket.CMSG_SPACE(16))
        reply = json.loads(packet)
        text += reply.get("part", "")
        if "progress" in reply or "part" in reply:
            continue
        fds = array.array("i")
        for _level, _kind, data in extra:
            fds.frombytes(data[:len(data) - len(data) % 4])
        if "parts" in reply:
            reply = {"result": json.loads(text)}
        return reply, list(fds)
if sys.argv[1] == "beat":
    while True:
        ask(json.loads(sys.argv[2]))
        time.sleep(0.5)
for words in sys.argv[1:]:
    reply, fds = ask(json.loads(words))
    if fds:
        with socket.socket(fileno=fds[0]) as guard:
            guard.settimeout(60)
            try:
                guard.sendall(b'{"method":"RPCServer.State","params":[{"NonBlocking":true}],"id":1}\n')
                reply["said"] = json.loads(guard.makefile().readline() or "null")
            except OSError as error:
                reply["said"] = str(error)
    print(json.dumps(reply))
"""


@needs_root
class TakenBack(StaticPodCase):
    def command(self, *words):
        return ["setpriv", "--reuid=delvegate", "--regid=delvegate", "--clear-groups", "/usr/bin/python3", "-c", GATEWAY, *words]

    def gateway(self, **request):
        done = self.node.run(self.command(json.dumps(request)), timeout=waiting.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def let_in(self, session):
        """Whether the gateway gets an answer of dlv's; else why not."""
        reply = self.gateway(verb="dial", component=NAME, session=session)
        if "error" in reply:
            return reply["error"]["text"]
        return True if reply["said"]["error"] is None else reply["said"]["error"]

    def show(self, unit, *properties):
        said = self.node.run(["systemctl", "show", unit, *(f"-p{one}" for one in properties)], check=True).stdout
        return dict(line.split("=", 1) for line in said.splitlines())

    def test_disarming_and_the_end_of_an_arming_reach_what_runs(self):
        self.launcher.start()
        plan = self.delvegate("inspect", NAME, "--output", "json").succeeded().json
        self.assertTrue(any("are killed first: OOMScoreAdjust=" in one["text"] for one in plan["findings"]), plan["findings"])
        self.assertEqual(self.gateway(verb="start", component=NAME)["error"]["code"], "refused")
        self.delvegate("arm", NAME, "--for", "1h").succeeded()
        session = self.gateway(verb="start", component=NAME)["result"]["session"]
        self.assertIs(self.let_in(session), True)
        own = self.show(f"delvegate-debuggee-{NAME}.service", "OOMScoreAdjust", "MemoryMax")
        self.assertGreaterEqual(int(own["OOMScoreAdjust"]), 100)
        self.assertNotEqual(own["MemoryMax"], "infinity")
        guard = f"delvegate-guard-{NAME}.service"
        self.assertEqual(self.show(guard, "NoNewPrivileges", "ProtectSystem", "MemoryDenyWriteExecute", "OOMScoreAdjust", "PrivateDevices"),
                         {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "MemoryDenyWriteExecute": "yes", "OOMScoreAdjust": "-900",
                          "PrivateDevices": "yes"})

        self.delvegate("disarm", NAME).succeeded()
        self.assertIn("not armed any more", self.let_in(session))
        beat = self.gateway(verb="heartbeat", component=NAME, session=session, sessions=True)
        self.assertIn("not armed any more", beat["error"]["text"], "it keeps the component out no longer")
        # Neither a new guard nor a new launcher forgets it.
        pid = self.show(guard, "MainPID")["MainPID"]
        self.node.run(["kill", "-KILL", pid], check=True)
        waiting.until(lambda: f"another guard\n{self.launcher.log()}", lambda: self.show(guard, "MainPID")["MainPID"] not in ("0", pid))
        self.assertIn("not armed any more", self.let_in(session))
        self.launcher.kill()
        self.launcher.start()
        self.assertIn("not armed any more", self.let_in(session))

        # Root arms it again, for a while.
        self.delvegate("arm", NAME, "--for", "1h").succeeded()
        self.assertIs(self.let_in(session), True)
        self.delvegate("arm", NAME, "--for", "1s").succeeded()
        waiting.until(lambda: f"the arming is over\n{self.launcher.log()}", lambda: self.let_in(session) is not True)
        # The watch tells the guard within a second, and the guard keeps it.
        kept = ["sh", "-c", f"cat $(find /run/delvegate -name guard.json -path '*{NAME}*' | head -n 1)"]
        waiting.until(lambda: f"the guard keeps it\n{self.launcher.log()}",
                      lambda: json.loads(self.node.run(kept).stdout or "{}").get("ceiling") == [])
        # The component never noticed, and comes back.
        self.kubelet.wait_duty(NAME)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_what_root_started_is_open_until_root_disarms_it(self):
        self.launcher.start()
        session = self.delvegate("start", NAME, "--output", "json").succeeded().json["session"]
        self.assertIs(self.let_in(session), True)
        self.delvegate("disarm", NAME).succeeded()
        self.assertIn("not armed any more", self.let_in(session))
        self.delvegate("stop", NAME).succeeded()
        session = self.delvegate("start", NAME, "--output", "json").succeeded().json["session"]
        self.assertIs(self.let_in(session), True)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


@needs_root
class StandsForEver(TakenBack):
    definition = {**TakenBack.definition, "sessionTimeout": "20s"}
    test_disarming_and_the_end_of_an_arming_reach_what_runs = None
    test_what_root_started_is_open_until_root_disarms_it = None

    def test_no_heartbeat_keeps_it_at_its_entry(self):
        self.launcher.start()
        session = self.delvegate("start", NAME, "--stop-on-entry", "--output", "json").succeeded().json["session"]
        beat = {"verb": "heartbeat", "component": NAME, "session": session, "sessions": True}
        beating = self.node.spawn("beating", self.command("beat", json.dumps(beat)))
        # It is still out, and does its duty: nobody put it back, and nobody else let it go.
        self.kubelet.wait_duty(NAME)
        self.assertTrue(beating.running(), beating.errors())
        self.assertFalse(self.node.exists("/etc/kubernetes/manifests/kube-scheduler.yaml"))
        self.assertIn("stood at its entry for too long", self.node.run(
            ["sh", "-c", "cat $(find /run/delvegate /var/log/delvegate /var/lib/delvegate -name '*.guard')"]).stdout)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()


if __name__ == "__main__":
    unittest.main()
