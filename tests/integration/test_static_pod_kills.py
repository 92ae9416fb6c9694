"""The launcher killed with SIGKILL after each step that it has written down: whatever it was at, the node is as it was
before once a launcher has started again, or the session goes on as if nothing had been."""

import signal
import unittest

from harness import waiting
from test_static_pod import NAME, StaticPodCase


class KilledAtEachStep(StaticPodCase):
    def kill_at(self, step):
        """The launcher dies when it is about to write down the step'th thing of the next verb: strace counts for each
        thread by itself, and each verb has its own."""
        pid = self.launcher.pid()
        tracer = self.node.spawn(f"strace-{step}", ["strace", "-f", "-p", str(pid), "-o", "/run/strace.log", "-e",
                                 "trace=fdatasync", "-e", f"inject=fdatasync:signal=KILL:when={step}"])
        waiting.until("strace attached", lambda: "TracerPid:\t0\n" not in self.node.read(f"/proc/{pid}/status"))
        return tracer

    def test_start(self):
        """Until a start comes through alive: then every step of it has been its last."""
        self.launcher.start()
        for step in range(1, 40):
            pid = self.launcher.pid()
            tracer = self.kill_at(step)
            answer = self.delvegate("start", NAME, "--output", "json")
            lived = answer.code == 0
            if lived:
                tracer.signal(signal.SIGINT)
            tracer.wait()
            if not lived:
                waiting.until("another launcher", lambda: self.launcher.pid() not in (None, pid))
            state = self.state()
            with self.subTest(step=step, state=state, said=answer.err[-300:]):
                if state == "running":
                    self.delvegate("stop", NAME).succeeded()
                self.assert_as_before()
            if lived:
                self.assertGreater(step, 5, "a start has more steps than that")
                return
        self.fail("a start never came to its end")

    def test_stop(self):
        self.launcher.start()
        for step in range(1, 40):
            self.delvegate("start", NAME).succeeded()
            pid = self.launcher.pid()
            tracer = self.kill_at(step)
            answer = self.delvegate("stop", NAME)
            lived = answer.code == 0
            if lived:
                tracer.signal(signal.SIGINT)
            tracer.wait()
            if not lived:
                waiting.until("another launcher", lambda: self.launcher.pid() not in (None, pid))
            state = self.state()
            with self.subTest(step=step, state=state, said=answer.err[-300:]):
                if state == "running":
                    self.delvegate("stop", NAME).succeeded()
                self.assert_as_before()
            if lived:
                self.assertGreater(step, 2, "a stop has more steps than that")
                return
        self.fail("a stop never came to its end")

    def state(self):
        def settled():
            answer = self.delvegate("status", "--output", "json")
            if answer.code:
                return None  # it is being started again
            one = next(each for each in answer.json["launcher"]["components"] if each["name"] == NAME)
            return one["state"] if one["state"] in ("available", "running", "not_put_back", "returned", "failed") else None
        return waiting.until(lambda: f"settled\n{self.launcher.log()}", settled)


if __name__ == "__main__":
    unittest.main()
