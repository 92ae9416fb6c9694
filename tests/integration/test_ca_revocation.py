"""`delvegate ca revoke` beside a running gateway: whoever is in by the certificate is out, and stays out."""

import json
import subprocess
import unittest

from harness import tools, waiting
from harness.enrolling import EnrollCase, Gateway
from harness.rpc import Rpc


class CaRevocation(EnrollCase):
    def ca(self, *arguments):
        ended = subprocess.run([tools.delvegate(), "ca", *arguments, "--state-directory", self.state],
                               capture_output=True, text=True, timeout=waiting.DEADLINE, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def serial(self, user):
        issued = json.loads(self.ca("list", "--output", "json"))["certificates"]
        return next(one["serial"] for one in issued if one["user"] == user and one["how"] == "token")

    def running(self, name="connect"):
        """A client whose `continue` is outstanding."""
        _, address = self.connect("app", name=name)
        client = Rpc(self, address)
        client.state()
        number = client.resume()
        waiting.until("the program runs", lambda: client.state()["Running"])
        return client, number

    def start(self):
        gateway = self.gateway()
        self.state = gateway.state
        self.enrolled(gateway, gateway.token("alice"))
        return gateway

    def assert_kept_out(self):
        ended = self.delvegate("connect", "app")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("revoked", ended.stderr)

    def test_by_serial(self):
        gateway = self.start()
        client, number = self.running()
        self.ca("revoke", "--serial", self.serial("alice"))
        self.assertRegex(client.reply(number)["error"], r"your certificate \(serial [0-9A-F]+\) has been revoked")
        client.wait_closed()
        self.assert_kept_out()
        self.assertIn("alice is shown out", gateway.log())

    def test_by_user_and_others_go_on(self):
        gateway = self.start()
        client, number = self.running()
        self.ca("revoke", "--user", "carol")
        waiting.until("the gateway has heard", lambda: gateway.status()["trust"]["revoked"] > 0)
        self.assertTrue(client.state()["Running"])
        self.assertFalse(client.answered(number))
        self.ca("revoke", "--user", "alice")
        self.assertIn("access of alice has been revoked", client.reply(number)["error"])
        client.wait_closed()
        self.assert_kept_out()

    def test_while_no_gateway_runs(self):
        gateway = self.start()
        gateway.process.end()
        self.ca("revoke", "--serial", self.serial("alice"))
        Gateway(self, self.component(users=["alice", "carol"]), name="again", stateDirectory=self.state,
                listen=[f"127.0.0.1:{gateway.port}"])  # where alice's context says it is
        self.assert_kept_out()


if __name__ == "__main__":
    unittest.main()
