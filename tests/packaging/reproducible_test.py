#!/usr/bin/env python3
"""The same source makes the same package, byte for byte, in another directory, and compiled by a compiler instead of taken from ccache:
tests/packaging/reproducible_test.py. Two whole builds."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from packaged import ROOT, run


class Reproducible(unittest.TestCase):
    def build(self, root, **environment):
        """The package of a copy of this source, made there."""
        names = run("git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
        for name in filter(None, names.split("\0")):
            if os.path.isfile(os.path.join(ROOT, name)):
                os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                shutil.copy(os.path.join(ROOT, name), os.path.join(root, name))
        made = subprocess.run([os.path.join(root, "scripts", "package")], capture_output=True, text=True,
                              env=dict(os.environ, **environment))
        self.assertEqual(made.returncode, 0, made.stdout[-4000:] + made.stderr[-4000:])
        return made.stdout.split()[-1]

    def test_two_builds(self):
        with tempfile.TemporaryDirectory(prefix="delvegate-one-") as one, tempfile.TemporaryDirectory(prefix="other-") as other:
            first = self.build(one)
            second = self.build(os.path.join(other, "deeper", "down"), CCACHE_DISABLE="1", TZ="Asia/Kathmandu", USER="somebody")
            with open(first, "rb") as a, open(second, "rb") as b:
                if a.read() == b.read():
                    return
            listed = [run("dpkg-deb", "--contents", path).stdout for path in (first, second)]
            self.assertEqual(*listed)
            for name, path in (("one", first), ("other", second)):
                run("dpkg-deb", "--raw-extract", path, os.path.join(one, name))
            # Which object it came from is what one wants to know.
            objects = run("find", ".", "-name", "*.o", cwd=os.path.join(one, "build")).stdout.split()
            differ = [name for name in objects
                      if run("cmp", "-s", os.path.join(one, "build", name), os.path.join(other, "deeper", "down", "build", name), check=False).returncode]
            self.fail("\n".join(differ) + "\n" + run("diff", "-r", "-q", os.path.join(one, "one"), os.path.join(one, "other"), check=False).stdout)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
