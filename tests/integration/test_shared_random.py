"""Random sessions of many clients (harness/random_session.py). After each deed, what every client is told and shows is compared
with the model (harness/model.py) and with dlv itself.

The seed is in the failure, with the last steps. DELVEGATE_TEST_SEED runs it again, DELVEGATE_TEST_STEPS says how many steps
(thousands for a long run); those of seeds/ are run each time."""

import json
import os
import random
import unittest

from harness import shared, tools
from harness.random_session import RandomSession

STEPS = int(os.environ.get("DELVEGATE_TEST_STEPS", "60"))
SEEDS = os.path.join(tools.ROOT, "tests", "integration", "seeds")


def kept():
    """[(name, {"seed": …, "steps": …, "found": …})]: sessions that found something once."""
    for name in sorted(os.listdir(SEEDS)):
        with open(os.path.join(SEEDS, name), encoding="utf-8") as file:
            yield name.partition(".")[0], json.load(file)


class SharedRandom(RandomSession):
    def test_a_new_one(self):
        self.play(int(os.environ.get("DELVEGATE_TEST_SEED", random.randrange(1 << 30))), STEPS)


class SharedRandomWithTheBaton(RandomSession):
    """The same, where one at a time runs it."""

    run_control = "baton"

    def test_a_new_one(self):
        self.play(int(os.environ.get("DELVEGATE_TEST_SEED", random.randrange(1 << 30))), STEPS)


for _name, _one in kept():
    _case = SharedRandomWithTheBaton if _one.get("runControl") == "baton" else SharedRandom
    setattr(_case, f"test_{_name}", lambda self, one=_one: self.play(one["seed"], one["steps"]))


if __name__ == "__main__":
    unittest.main()
