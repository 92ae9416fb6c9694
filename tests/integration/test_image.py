"""The container image of packaging/container: what is in it, and that its program runs as its user. As a pod: tests/e2e/kubernetes."""

import json
import os
import subprocess
import unittest

from harness import tools
from harness.rig import image, needs_root

TAG = "delvegate:test"


@needs_root
class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = image.Store()
        cls.addClassCleanup(cls.store.remove)
        cls.store.build(TAG)
        cls.container = cls.store.buildah("from", "--pull-never", TAG)

    def run_inside(self, *command):
        return self.store.buildah("run", "--isolation", "chroot", self.container, "--", *command)

    def test_how_it_is_started(self):
        configuration = json.loads(self.store.buildah("inspect", "--type", "image", TAG))["OCIv1"]["config"]
        self.assertEqual(configuration["User"], "64100:64100")
        self.assertEqual(list(configuration["ExposedPorts"]), ["7443/tcp"])
        self.assertEqual(configuration["Entrypoint"], ["/usr/bin/delvegate"])
        self.assertEqual(configuration["Cmd"][:3], ["serve", "--config", "/etc/delvegate/gateway.yaml"])

    def test_the_program_runs_as_its_user(self):
        said = subprocess.run([tools.delvegate(), "version"], capture_output=True, text=True, check=True).stdout.strip()
        self.assertEqual(self.run_inside("delvegate", "version"), said)
        self.assertEqual(self.run_inside("id", "-un"), "delvegate")

    def test_nothing_of_the_build_is_left(self):
        mounted = self.store.buildah("mount", self.container)
        self.addCleanup(self.store.buildah, "umount", self.container)
        for folder in ("tmp", "var/lib/apt/lists", "run/systemd"):
            path = os.path.join(mounted, folder)
            self.assertEqual(os.listdir(path) if os.path.isdir(path) else [], [], folder)
        self.assertFalse(os.path.exists(os.path.join(mounted, "usr/lib/systemd/systemd")), "no systemd in a container")


if __name__ == "__main__":
    unittest.main()
