"""The launcher killed with SIGKILL, or without room on its disk, at each step that it has to write down: whatever it was at, the
node is as it was before once a launcher has started again, or the session goes on as if nothing had been."""

import unittest

from test_static_pod import NAME, StaticPodCase


class AtEachStep(StaticPodCase):
    def setUp(self):
        super().setUp()
        self.launcher.start()

    def assert_settles(self, step, answer):
        state = self.launcher.settled(NAME)
        with self.subTest(step=step, state=state, said=answer.err[-300:]):
            if state == "running":
                self.kubelet.wait_duty(NAME)
                self.delvegate("stop", NAME).succeeded()
            self.assert_as_before()

    def each_step(self, what, verb, least):
        """Until the verb comes through alive: then every step of it has been its last."""
        for step in range(1, 40):
            if verb == "stop":
                self.delvegate("start", NAME).succeeded()
            answer = self.launcher.at_step(step, what, verb, NAME)
            self.assert_settles(step, answer)
            if answer.code == 0:
                return self.assertGreater(step, least, "there are more steps than that")
        return self.fail(f"a {verb} never came to its end")

    def test_start_killed(self):
        self.each_step("signal=KILL", "start", 5)

    def test_stop_killed(self):
        self.each_step("signal=KILL", "stop", 2)

    def test_start_without_room(self):
        """From one step on nothing can be written down any more: then it is not taken out, or is put back."""
        for step in range(1, 40):
            answer = self.launcher.at_step(f"{step}+", "error=ENOSPC", "start", NAME)
            self.assert_settles(step, answer)
            if answer.code == 0:
                return self.assertGreater(step, 5)
        return self.fail("a start never came to its end")

    def test_stop_without_room(self):
        """It is put back, whether that can be written down or not."""
        for step in (1, 2, 3):
            self.delvegate("start", NAME).succeeded()
            answer = self.launcher.at_step(f"{step}+", "error=ENOSPC", "stop", NAME)
            self.assert_as_before()
            self.delvegate("restore", NAME)
            self.assert_settles(step, answer)


if __name__ == "__main__":
    unittest.main()
