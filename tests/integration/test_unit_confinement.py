"""The gateway's shipped unit on a real systemd: what the gateway gives up by itself is not refused to it by the unit."""

import json
import unittest

from harness import waiting
from harness.rig import Launcher, Node, needs_root

UNIT = "delvegate.service"
RUN = "/run/delvegate/gateway"
# What the unit said once: systemd 252 does not count Landlock among a service's usual calls.
LESS = "[Service]\nSystemCallFilter=\nSystemCallFilter=@system-service\n"


@needs_root
class UnitConfinement(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node(dlv=False))
        Launcher(self.node, []).install()
        self.configure(confine="on")

    def configure(self, **more):
        self.node.write("/etc/delvegate/gateway.yaml", json.dumps(dict(
            {"listen": ["127.0.0.1:7443"], "components": [{"name": "kube-scheduler", "kind": "launcher", "users": ["alice"]}]}, **more)), 0o644)

    def start(self):
        return self.node.run(["systemctl", "start", UNIT]).returncode

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", UNIT]).stdout

    def until_logged(self, text):
        waiting.until(lambda: f"{text}\n{self.log()}", lambda: text in self.log())

    def status(self, *words):
        result = self.node.run(["delvegate", "status", "--runtime-directory", RUN, *words])
        self.assertEqual(result.returncode, 0, result)
        return result.stdout

    def test_it_closes_files_by_landlock(self):
        self.assertEqual(self.start(), 0, self.log())
        self.until_logged("files by Landlock")
        self.until_logged("listening on")
        self.assertEqual(json.loads(self.status("--output", "json"))["confinement"], {"systemCalls": True, "files": True})
        self.assertNotIn("confined", self.status())
        self.node.run(["systemctl", "stop", UNIT], check=True)
        self.assertNotIn("code=dumped", self.log())

    def test_a_unit_that_refuses_it_is_not_taken_for_an_old_kernel(self):
        self.node.write(f"/etc/systemd/system/{UNIT}.d/less.conf", LESS, 0o644)
        self.node.write(f"/etc/systemd/system/{UNIT}.d/once.conf", "[Service]\nRestart=no\n", 0o644)
        self.node.run(["systemctl", "daemon-reload"], check=True)
        self.start()
        self.until_logged("Landlock is refused to it")
        waiting.until("it has ended", lambda: self.node.run(["systemctl", "is-failed", UNIT]).stdout.strip() == "failed")
        self.configure(confine="auto")
        self.assertEqual(self.start(), 0, self.log())
        self.until_logged("listening on")
        told = json.loads(self.status("--output", "json"))["confinement"]
        self.assertEqual((told["systemCalls"], told["files"]), (True, False))
        self.assertIn("Landlock is refused to it", told["why"])
        self.assertIn("confined, but files are open to it as before", self.status())


if __name__ == "__main__":
    unittest.main()
