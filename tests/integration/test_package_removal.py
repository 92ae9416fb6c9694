"""The package's maintainer scripts, as dpkg calls them, on a node of which a component is out."""

import os

from harness.rig import Launcher, manifests
from harness.rig.delvegate import CONFIG
from test_static_pod import MANIFEST, NAME, StaticPodCase

UNITS = ("delvegate.service", "delvegate-launcher.service", "delvegate-restore.service", "delvegate-restore-api.timer")


class Removal(StaticPodCase):
    def setUp(self):
        super().setUp()
        scripts = os.path.join(Launcher.packaging, "scripts")
        for name in os.listdir(scripts):
            self.node.install(os.path.join(scripts, name), f"/opt/package/{name}")
        self.script("postinst", "configure", "").check_returncode()
        self.launcher.start()
        self.node.run(["systemctl", "enable", *UNITS[2:]], check=True)
        self.delvegate("start", NAME).succeeded()

    def script(self, name, *words):
        return self.node.run([f"/opt/package/{name}", *words])

    def enabled(self):
        return [unit for unit in UNITS if self.node.run(["systemctl", "is-enabled", unit]).stdout.strip() == "enabled"]

    def test_what_is_out_comes_back_and_the_units_go(self):
        for words in (("upgrade", "2.0"), ("failed-upgrade", "1.0"), ("deconfigure", "in-favour", "other", "1")):
            self.assertEqual(self.script("prerm", *words).returncode, 0)
            self.assertFalse(self.node.exists(MANIFEST), f"prerm {words} leaves it as it is")
        self.script("postinst", "configure", "1.0").check_returncode()
        self.assertFalse(self.node.exists(MANIFEST), "and so does the new version")
        self.assertEqual(self.enabled(), list(UNITS[1:]))
        done = self.script("prerm", "remove")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assert_as_before()
        self.assertEqual(self.enabled(), [])
        self.assertIsNone(self.launcher.pid())
        self.script("postrm", "remove").check_returncode()
        self.assertTrue(self.node.exists("/var/lib/delvegate/launcher/journal.db"))
        self.script("postrm", "purge").check_returncode()
        self.assertFalse(self.node.exists("/var/lib/delvegate/launcher"))

    def test_what_cannot_come_back_keeps_the_package(self):
        held = f"{manifests.DIRECTORY}/../delvegate-held/{NAME}.yaml"
        self.node.write(held, self.was[2] + "# changed\n", 0o600)
        refused = self.script("prerm", "remove")
        self.assertEqual(refused.returncode, 1, refused.stdout + refused.stderr)
        for words in ("is not removed", "delvegate restore"):
            self.assertIn(words, refused.stderr)
        self.assertEqual(self.enabled(), list(UNITS[1:]))
        self.assertIsNotNone(self.launcher.pid())
        self.delvegate("restore", NAME, "--put-back-ours").succeeded()
        self.assertEqual(self.script("prerm", "remove").returncode, 0)
        self.assertEqual(self.enabled(), [])
        self.assertEqual(self.node.read(MANIFEST), self.was[2] + "# changed\n")

    def test_an_upgrade_whose_service_does_not_start_says_so(self):
        good = self.node.read(CONFIG)
        self.node.write(CONFIG, "components: [\n", 0o600)
        done = self.script("postinst", "configure", "1.0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("did not start again; see: systemctl status", done.stderr)
        self.node.write(CONFIG, good, 0o600)
        self.node.run(["systemctl", "restart", "delvegate-launcher"], check=True)
        self.delvegate("stop", NAME).succeeded()
        self.assert_as_before()

    def test_unknown_words(self):
        for name in ("prerm", "postinst", "postrm"):
            self.assertEqual(self.script(name, "reinstall").returncode, 1)
        self.delvegate("stop", NAME).succeeded()


if __name__ == "__main__":
    import unittest
    unittest.main()
