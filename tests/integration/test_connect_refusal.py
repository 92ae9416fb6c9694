"""What a real `dlv connect` and a GoLand show when there is no session for them."""
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import tools  # noqa: E402

DEADLINE = 60  # seconds; generous, nothing is measured
REASON = "web is busy: bob has been there since 10:03; ask them, or wait"


def run_on_terminal(argv):
    """Runs argv with a terminal of its own; answers (exit code, all it printed)."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv)
    printed = b""
    end = time.monotonic() + DEADLINE
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], end - time.monotonic())
            if not ready:
                break
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # how Linux says that the other side of a terminal closed
                chunk = b""
            if not chunk:
                _, status = os.waitpid(pid, 0)
                return os.waitstatus_to_exitcode(status), printed.decode(errors="replace")
            printed += chunk
    finally:
        os.close(terminal)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError(f"{argv} did not end; it printed {printed!r}")


class ConnectRefusalTest(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([tools.find("DELVEGATE_REFUSING_PORT",
                                                  os.path.join(tools.ROOT, "build", "tests", "integration", "refusing_port")), REASON], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        self.port = int(self.server.stdout.readline())

    def stop(self):
        self.server.stdin.close()
        self.server.wait(DEADLINE)
        self.server.stdout.close()

    def test_dlv_connect_prints_the_reason_and_fails(self):
        for dlv in (tools.find("DELVEGATE_DLV_NEW", "dlv", "~/go/bin/dlv"), tools.find("DELVEGATE_DLV_OLD", "/usr/bin/dlv")):
            with self.subTest(dlv=dlv):
                code, printed = run_on_terminal([dlv, "connect", f"127.0.0.1:{self.port}"])
                self.assertEqual(code, 1, printed)
                self.assertIn("could not halt: " + REASON + "\r\n", printed)
                self.assertNotIn("(dlv)", printed)

    def test_goland_gets_the_reason_for_what_it_sends_first(self):
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as ide:
            ide.sendall(b'{"method":"RPCServer.CreateBreakpoint","params":[{"Breakpoint":'
                        b'{"file":"/src/main.go","line":7}}],"id":1}'
                        b'{"method":"RPCServer.Command","params":[{"Name":"continue"}],"id":2}')
            lines = ide.makefile("r").read().splitlines()
        self.assertEqual(lines, [f'{{"id":{i},"result":null,"error":"{REASON}"}}' for i in (1, 2)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
