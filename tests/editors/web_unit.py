"""What the web page decides and says, without a browser: by node's own test runner."""

import os
import unittest

from harness import tools
from harness.extension import Workshop, node


class Page(unittest.TestCase):
    def test_units(self):
        folder = os.path.join(tools.ROOT, "web", "test")
        names = sorted(name for name in os.listdir(folder) if name.endswith(".test.ts"))
        self.assertIn("model.test.ts", names)
        # tsx is one of the extension's packages.
        Workshop().run(node(), "--import", "tsx", "--test", *(os.path.join(folder, name) for name in names))


if __name__ == "__main__":
    unittest.main()
