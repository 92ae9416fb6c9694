"""A node with the service that is shipped, and what its administrator types on it as root: nothing of it is in the service's way."""

import json
import re
import unittest

from harness import debuggee, tools, waiting
from harness.rig import Launcher, Node, needs_root

UNIT = "delvegate.service"
STATE, RUN = "/var/lib/delvegate/gateway", "/run/delvegate/gateway"
CONFIG = "/etc/delvegate/gateway.yaml"
SHARED = ("/var/lib/delvegate", "/run/delvegate")


@needs_root
class PackagedLayout(unittest.TestCase):
    def setUp(self):
        self.node = self.enterContext(Node())
        self.launcher = Launcher(self.node, []).install()

    def configure(self, **more):
        """As packaging/examples has it: a CA of its own, and directories below those that stay root's. None: without that key."""
        keys = dict({"listen": ["127.0.0.1:7443"], "stateDirectory": STATE, "runtimeDirectory": RUN,
                     "components": [{"name": "kube-scheduler", "kind": "launcher", "users": ["alice"]}]}, **more)
        self.node.write(CONFIG, json.dumps({key: value for key, value in keys.items() if value is not None}), 0o644)

    def start(self):
        self.node.run(["systemctl", "restart", UNIT], check=True)
        waiting.until(lambda: f"it listens\n{self.log()}", lambda: ":7443" in self.node.run(["ss", "-ltn"]).stdout)

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", UNIT]).stdout

    def modes(self, *paths):
        return self.node.run(["stat", "-c", "%U %a", *paths], check=True).stdout.split("\n")[:-1]

    def serve(self, *words, name="exec"):
        """`serve --exec` as root, beside the service."""
        self.node.install(debuggee.build(tools.delve()), "/root/app")
        guest = self.node.spawn(name, ["delvegate", "serve", "--exec", "/root/app", "--dlv", "/usr/local/bin/dlv", "--listen", "127.0.0.1:17443", *words])
        guest.wait_for("it says what to type", lambda: re.search(r"^  delvegate connect app ", guest.output(), re.M))
        return guest

    def test_a_program_of_roots_beside_the_service(self):
        self.configure()
        self.start()
        before = self.modes(*SHARED, STATE, RUN)
        self.assertEqual(before, ["root 755", "root 755", "delvegate 700", "delvegate 700"])
        guest = self.serve()
        self.assertEqual(self.modes(*SHARED, STATE, RUN), before)
        self.assertEqual(self.modes("/var/lib/delvegate/exec", "/run/delvegate/exec"), ["root 700", "root 700"])
        self.assertIn("--identity /var/lib/delvegate/exec/identities/admin", guest.output())
        # The service has all that it needs, and is the one that is meant where nothing else is said.
        service = self.node.delvegate("status", "--output", "json").succeeded().json
        self.assertEqual([one["name"] for one in service["components"]], ["kube-scheduler"])
        own = self.node.delvegate("status", "--runtime-directory", "/run/delvegate/exec", "--output", "json").succeeded().json
        self.assertEqual([one["name"] for one in own["components"]], ["app"])
        self.start()
        self.node.run(["runuser", "-u", "delvegate", "--", "delvegate", "token", "create", "--user", "alice", "--state-directory", STATE], check=True)
        # Without a service it is the one that answers.
        self.node.run(["systemctl", "stop", UNIT], check=True)
        alone = self.node.delvegate("status", "--output", "json").succeeded().json
        self.assertEqual(alone["pid"], own["pid"])

    def test_what_was_kept_in_the_old_place(self):
        """Before, `serve --exec` of root had its CA in /var/lib/delvegate itself."""
        guest = self.serve("--state-directory", SHARED[0])
        self.assertEqual(self.modes(SHARED[0]), ["root 755"])
        self.assertIn("--identity /var/lib/delvegate/identities/admin", guest.output())
        guest.signal(15)
        guest.wait()
        self.assertNotIn("has a CA", guest.errors())
        self.assertIn("admin", self.node.delvegate("ca", "list").succeeded().out)
        again = self.serve(name="again")
        line, = [one for one in again.errors().splitlines() if "has a CA" in one]
        self.assertEqual(line, "delvegate: `serve --exec` has a CA and identities of its own in /var/lib/delvegate/exec now; "
                               "for laptops that have one from /var/lib/delvegate: --state-directory /var/lib/delvegate")
        again.signal(15)
        again.wait()
        self.assertNotIn("has a CA", self.serve(name="once").errors())
        # Which of the two is nobody's to guess.
        said = self.node.delvegate("ca", "revoke", "--user", "admin").failed(1).err
        self.assertIn("there is a CA in /var/lib/delvegate and one in /var/lib/delvegate/exec, and no /etc/delvegate/gateway.yaml says which", said)
        self.node.delvegate("ca", "revoke", "--user", "admin", "--state-directory", "/var/lib/delvegate/exec").succeeded()

    def test_directories_that_others_use_stay_as_they_are(self):
        self.node.run(["mkdir", "-m", "0755", "/var/lib/shared"], check=True)
        self.serve("--state-directory", "/var/lib/shared")
        self.assertEqual(self.modes("/var/lib/shared", "/var/lib/shared/ca", "/var/lib/shared/identities"), ["root 755", "root 700", "root 700"])
        for mode, words in (("1777", "choose another directory$"), ("0775", "run: chmod go-w /var/lib/open$")):
            self.node.run(["sh", "-c", f"mkdir -p /var/lib/open && chmod {mode} /var/lib/open"], check=True)
            said = self.node.delvegate("serve", "--exec", "/root/app", "--listen", "127.0.0.1:0", "--state-directory", "/var/lib/open").failed(1)
            self.assertRegex(said.err.strip(), rf"^delvegate: /var/lib/open can be written by others \(mode {mode}\), .*{words}")
            self.assertEqual(self.modes("/var/lib/open"), [f"root {mode.lstrip('0')}"])

    def as_service(self, *words):
        return self.node.run(["runuser", "-u", "delvegate", "--", "delvegate", *words])

    def test_commands_find_the_state_of_the_service(self):
        """Without --state-directory, as root and as the user that the service runs as."""
        of = f"{STATE} (stateDirectory of {CONFIG})"
        for more in ({}, {"stateDirectory": None}):  # the unit says it, too
            with self.subTest(**more):
                self.configure(**more)
                if not more:
                    self.assertIn(f"there is no state directory {of}; run: delvegate ca init", self.node.delvegate("ca", "list").failed(1).err)
                self.start()
                for command in (["ca", "list"], ["ca", "init"], ["token", "create", "--user", "alice"]):
                    said = self.node.delvegate(*command).failed(1).err
                    self.assertEqual(said, f"delvegate: {of} belongs to the user delvegate; run this as that user: runuser -u delvegate -- delvegate …\n")
                made = self.as_service("token", "create", "--user", "alice", "--output", "json")
                self.assertEqual(made.returncode, 0, made.stderr)
                listed = self.as_service("token", "list", "--state-directory", STATE, "--output", "json")
                self.assertIn(json.loads(made.stdout)["id"], [one["id"] for one in json.loads(listed.stdout)["tokens"]])
                self.assertIn("starts", self.node.delvegate("audit", "show").succeeded().out)
        for other in ("ca", "exec"):
            self.assertFalse(self.node.exists(f"/var/lib/delvegate/{other}"), "a second one is good for nothing")
        # A CA that is closed to who asks is not said not to be there.
        closed = "/var/lib/delvegate/launcher/gateway"
        said = self.node.run(["runuser", "-u", "nobody", "--", "delvegate", "ca", "list", "--state-directory", closed])
        self.assertEqual((said.returncode, said.stderr), (1, f"delvegate: cannot look at {closed}: Permission denied, since /var/lib/delvegate/launcher is of "
                                                             "the user root; run this as that user: sudo -u root -- delvegate …\n"))
        # What is not whole is no reason for a new one.
        self.node.run(["sh", "-c", f"mv {STATE}/ca/ca.crt {STATE}/ca/ca.db /root"], check=True)
        said = self.as_service("token", "list")
        self.assertIn("has no ca.crt; take it from a backup", said.stderr)
        self.assertNotIn("ca init", said.stderr)
        # Nor is one of somebody else's, whose certificates the gateway takes.
        self.node.run(["sh", "-c", f"rm -r {STATE}/ca && touch /etc/delvegate/own.crt /etc/delvegate/own.key"], check=True)
        self.configure(certificate="own.crt", key="own.key", clientCA="own.crt")
        said = self.as_service("token", "list")
        self.assertIn(f"the gateway of {CONFIG} takes certificates of /etc/delvegate/own.crt", said.stderr)
        self.assertNotIn("ca init", said.stderr)
        # And a configuration that cannot be read may mean another place.
        self.configure(stateDirektory="/var/lib/elsewhere")
        said = self.node.delvegate("token", "list").failed(1).err
        self.assertIn("unknown key `stateDirektory`", said)
        self.assertIn("that file says where the gateway's state is", said)

    def test_doctor_looks_for_what_a_launcher_has_left(self):
        """Also where launcher.yaml is gone; and says that components need it."""
        self.configure()
        self.launcher.start()
        self.start()
        self.launcher.stop()
        self.assertTrue(self.node.exists("/run/delvegate/launcher.sock"), "as it leaves it")
        self.node.run(["rm", "/etc/delvegate/launcher.yaml"], check=True)

        def found():
            return {one["check"]: one for one in self.node.delvegate("doctor", "--node", "--output", "json").failed(1).json["checks"]}
        waiting.until("the gateway knows", lambda: found()["component kube-scheduler"]["verdict"] == "fail")
        checks = found()
        self.assertEqual((checks["left behind"]["verdict"], checks["left behind"]["text"]), ("ok", "nothing is taken out, by the launcher's journal"))
        self.assertEqual(checks["launcher.yaml"]["verdict"], "fail")
        self.assertIn("components of the launcher's: kube-scheduler", checks["launcher.yaml"]["text"])

    def test_doctor_sees_what_shuts_the_service_out(self):
        self.configure()
        self.start()

        def found():
            return {one["check"]: one for one in self.node.delvegate("doctor", "--node", "--output", "json").json["checks"]}
        self.assertEqual({found()[f"directory {path}"]["verdict"] for path in SHARED}, {"ok"})
        for path in SHARED:
            self.node.run(["chmod", "0700", path], check=True)
            one = found()[f"directory {path}"]
            self.assertEqual((one["verdict"], one["mend"]), ("warn", f"chmod 755 {path}"))
            self.node.run(["sh", "-c", one["mend"]], check=True)
        self.assertEqual({found()[f"directory {path}"]["verdict"] for path in SHARED}, {"ok"})


if __name__ == "__main__":
    unittest.main()
