"""The launcher's systemd in a node with a real one: boots it, and runs systemd_integration_test inside as root."""

import os
import sys
import unittest

from harness import debuggee, tools
from harness.rig import node


@node.needs_root
class Systemd(unittest.TestCase):
    def test_inside_a_node(self):
        delve = tools.delve()
        programs = {
            "/usr/local/libexec/systemd_integration_test": tools.find("DELVEGATE_SYSTEMD_TEST"),
            "/usr/local/libexec/print_words": tools.find("DELVEGATE_PRINT_WORDS"),
            "/usr/local/libexec/debuggee": debuggee.build(delve),
        }
        environment = {
            "DELVEGATE_TEST_PRINT_WORDS": "/usr/local/libexec/print_words",
            "DELVEGATE_TEST_DEBUGGEE": "/usr/local/libexec/debuggee",
            "DELVEGATE_TEST_DLV": node.DLV,
            "GTEST_FILTER": os.environ.get("GTEST_FILTER", "*"),
        }
        with node.Node(binary=False) as machine:
            for path, program in programs.items():
                machine.install(program, path)
            result = machine.run(["/usr/local/libexec/systemd_integration_test"], env=environment, timeout=600)
            sys.stdout.write(result.stdout)
            if result.returncode:
                journal = machine.run(["journalctl", "--no-pager", "-n", "200"]).stdout
                self.fail(f"{result.stdout[-8000:]}{result.stderr}\n{journal}")


if __name__ == "__main__":
    unittest.main()
