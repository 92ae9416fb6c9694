"""The web page in a real browser: two people with their certificates at one gateway, one of them on a phone."""

import json
import os
import re
import shutil
import unittest

from harness import process, tools, waiting
from harness.dap import Dap
from harness.extension import Workshop, node
from test_baton import BatonCase


class WebPage(BatonCase):
    roles = {"alice": "admin", "bob": "developer"}
    component_keys = {"park": "1h"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop = Workshop()  # has a playwright-core
        cls.chromium = shutil.which("chromium")
        if not cls.chromium:
            raise tools.Missing("no chromium; run ./scripts/install-deps editors")

    def test_two_people(self):
        bob = Dap(self, self.addresses["bob"])
        bob.attach(stopOnEntry=True)
        self.to_tick()
        people = {who.upper(): f"{self.person(who).certificate}:{self.person(who).key}" for who in self.roles}
        alice = self.person("alice")
        ui = process.Process(self, "ui", [tools.delvegate(), "ui", "--no-browser", "--output", "json", "--gateway", f"localhost:{self.gateway.port}",
                                          "--certificate", alice.certificate, "--key", alice.key, "--ca", alice.ca],
                             env=dict(os.environ, HOME=self.directory))
        link = json.loads(ui.wait_for("it prints its link", lambda: re.search(r"\{.*\}", ui.output()))[0])["url"]
        # Pictures of docs/images are made anew where that is asked for.
        self.shop.run(node(), os.path.join(tools.ROOT, "tests", "editors", "web_page.mjs"), GATEWAY=f"https://localhost:{self.gateway.port}/",
                      SHOTS=os.environ.get("DELVEGATE_TEST_SHOTS", ""), DEADLINE=str(waiting.DEADLINE), CHROMIUM=self.chromium, UI=link, **people)
        self.assertIn("ended by alice", str(self.told(bob, "ended by alice")))
        # Another's session ended; the program is where it was.
        self.assertFalse(self.alice.state()["Running"])


if __name__ == "__main__":
    unittest.main()
