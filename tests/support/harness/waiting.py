"""Waiting for what must come true. Nothing here is a measurement: deadlines are generous."""

import os
import time

DEADLINE = float(os.environ.get("DELVEGATE_TEST_DEADLINE", "120"))


def until(what, condition, deadline=DEADLINE):
    """Returns the first true value of condition(); `what` says in the failure what was waited for."""
    end = time.monotonic() + deadline
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:.0f} s in vain: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
