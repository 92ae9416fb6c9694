"""docs/operations.md: each block of commands, as it stands there, on a clean Debian; and what it promises, seen from a laptop."""

import os
import re
import tempfile
import time

from harness import tools, waiting
from harness.rig import Node, RigCase, debian, package
from harness.rig.node import ADDRESS

DOCUMENT = os.path.join(tools.ROOT, "docs", "operations.md")
AUDIT = ("audit", "verify", "--config", "/etc/delvegate/gateway.yaml", "--anchor", "journal")
NAME = "kube-scheduler"


def blocks():
    """{name: commands} of what is to be run."""
    with open(DOCUMENT, encoding="utf-8") as file:
        return dict(re.findall(r"^```sh (\w+)\n(.*?)^```$", file.read(), re.M | re.S))


class Operations(RigCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        made = package.make(self.directory)
        newer = package.as_version(made, "0.1.0-2~test")
        self.node = self.new_node(base=debian.root(debian.dependencies(made)), binary=False, dlv=False)
        self.node.install(made, "/root/delvegate_0.1.0-1_amd64.deb", 0o644)
        self.node.install(newer, "/root/delvegate_0.1.0-2_amd64.deb", 0o644)
        self.node.write("/etc/apt/apt.conf.d/90yes", 'APT::Get::Assume-Yes "true";\n')  # nobody is there to be asked
        self.blocks = blocks()
        self.done = set()

    def do(self, name):
        self.done.add(name)
        script = self.blocks[name].replace("NODE", ADDRESS)
        run = self.node.run(["sh", "-e", "-c", script], cwd="/root", env={"DEBIAN_FRONTEND": "noninteractive"},
                            timeout=4 * waiting.DEADLINE)
        self.assertEqual(run.returncode, 0, f"{name}\n{run.stdout}{run.stderr}{self.log()}")
        return run.stdout

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", "delvegate*"]).stdout

    # On the laptop.

    def laptop(self, *words):
        return self.node.laptop_run([tools.delvegate(), *words], env=dict(os.environ, HOME=self.home), timeout=waiting.DEADLINE)

    def enroll(self, who="alice"):
        """By the line that the token's block prints, as somebody at another laptop."""
        self.home = os.path.join(self.directory, who)
        os.makedirs(self.home, exist_ok=True)
        line = next(line.strip() for line in self.do("token").splitlines() if "delvegate enroll" in line)
        waiting.until(lambda: f"the enrolment's port\n{self.log()}", lambda: ":7444" in self.node.run(["ss", "-ltn"]).stdout)
        run = self.node.laptop_run(["bash", "-c", line.replace("delvegate", tools.delvegate(), 1)], env=dict(os.environ, HOME=self.home),
                                   timeout=waiting.DEADLINE)
        self.assertEqual(run.returncode, 0, line + run.stdout + run.stderr + self.log())

    def is_in(self):
        said = self.laptop("status")
        return said.returncode == 0 and NAME in said.stdout

    def active(self, unit="delvegate.service"):
        return self.node.run(["systemctl", "is-active", unit]).stdout.strip() == "active"

    def test_each_block_in_turn(self):
        self.do("install")
        self.assertFalse(self.active())
        self.do("configure")
        self.assertTrue(self.active(), self.log())
        self.assertTrue(self.active("delvegate-launcher.service"), self.log())
        self.enroll()
        said = self.laptop("status")
        self.assertTrue(self.is_in(), said.stdout + said.stderr + self.log())

        self.do("upgrade")
        self.assertTrue(self.active())
        self.assertTrue(self.is_in(), "nobody needs to do anything")

        self.do("revoke")
        time.sleep(1)  # what is promised
        self.assertFalse(self.is_in())
        refused = self.node.run(["sh", "-c", self.blocks["token"].replace("NODE", ADDRESS)])
        self.assertNotEqual(refused.returncode, 0, "nothing is issued for that name any more")
        self.node.run(["runuser", "-u", "delvegate", "--", "delvegate", "ca", "unrevoke-user", "alice", "--state-directory",
                       "/var/lib/delvegate/gateway"], check=True)
        self.assertFalse(self.is_in(), "what was revoked stays so")
        self.enroll()
        self.assertTrue(self.is_in())

        signer = self.node.read("/var/lib/delvegate/gateway/ca/audit.pub")
        self.do("rotate")
        self.assertTrue(self.active(), self.log())
        self.assertFalse(self.is_in(), "certificates of the old CA are nobody's")
        self.enroll()
        self.assertTrue(self.is_in(), self.log())
        self.assertEqual(self.node.read("/var/lib/delvegate/gateway/ca/audit.pub"), signer)
        self.node.delvegate(*AUDIT, "--public-key", "/var/lib/delvegate/gateway/ca/audit.pub").succeeded()

        self.do("backup")
        self.assertTrue(self.is_in())
        self.assertEqual(self.node.run(["stat", "-c", "%a", "/root/delvegate-backup.tar.gz"]).stdout.strip(), "600")
        self.lose_the_machine()
        self.do("install")
        self.do("restore")
        self.assertTrue(self.is_in(), "the laptop needs nothing new\n" + self.log())
        self.assertTrue(self.active("delvegate-launcher.service"), self.log())
        self.node.delvegate("audit", "verify", "--config", "/etc/delvegate/gateway.yaml").succeeded()

        self.do("close")
        self.assertFalse(self.active() or self.active("delvegate.socket"))
        self.assertNotIn(":7443", self.node.run(["ss", "-ltn"]).stdout)
        self.do("remove")
        self.assertFalse(self.node.exists("/usr/bin/delvegate"))
        self.assertEqual(self.done, set(self.blocks), "every block was run")

    def lose_the_machine(self):
        """All that is left is the backup, and another number for the user."""
        backup = self.node.run(["cat", "/root/delvegate-backup.tar.gz"], text=False).stdout
        self.node.run(["apt-get", "purge", "delvegate"], check=True, env={"DEBIAN_FRONTEND": "noninteractive"})
        self.node.run(["rm", "-rf", "/etc/delvegate", "/var/lib/delvegate", "/var/log/delvegate"], check=True)
        self.node.run(["userdel", "delvegate"], check=True)
        self.node.run(["useradd", "--system", "other"], check=True)  # takes the number
        self.node.write("/root/delvegate-backup.tar.gz", backup, 0o600)



if __name__ == "__main__":
    import unittest
    unittest.main()
