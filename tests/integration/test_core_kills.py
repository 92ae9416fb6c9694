"""Launcher, guard and dlv of a core file's session killed with SIGKILL at each step that the launcher has to write down."""

import unittest

import test_attach
from harness import waiting
from harness.rig import KillsAtEachStep, kills

NAME = "app"


class CoreKills(KillsAtEachStep, test_attach.Core):
    component = NAME
    least = {"start": 3, "stop": 1}
    order = ("dlv", "guard")  # the program is dead already
    up = "stopped"

    def setUp(self):
        super().setUp()
        self.node.run(["chmod", "644", "/var/lib/cores/app.core"], check=True)
        self.core = self.node.run(["sha256sum", "/var/lib/cores/app.core"], check=True).stdout

    def start_it(self):
        self.node.delvegate("start", NAME).succeeded()

    def assert_start_state(self, _):
        waiting.until(lambda: f"its units gone\n{self.units()}\n{self.launcher.log()}", lambda: self.units() == "")
        self.assertFalse(test_attach.NodeCase.component(self, NAME)["detached"])
        self.assertEqual(self.living(), {})
        self.assertEqual(self.node.run(["sha256sum", "/var/lib/cores/app.core"], check=True).stdout, self.core)


# The stories of its base are told there.
for told in [name for name in dir(test_attach.Core) if name.startswith("test_")]:
    setattr(CoreKills, told, None)


class LauncherKilled(kills.LauncherKilled, CoreKills):
    pass


class OthersKilled(kills.OthersKilled, CoreKills):
    pass


class WithoutRoom(kills.WithoutRoom, CoreKills):
    pass


if __name__ == "__main__":
    unittest.main()
