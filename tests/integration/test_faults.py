"""What is killed, and what that leaves behind."""

import ctypes
import os
import signal
import socket
import subprocess
import unittest

from harness import case, dap, debuggee, process, tools, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class Faults(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve()
        self.address = self.connect(self.gateway).address
        self.program_pid = waiting.until("the program", lambda: self.gateway.program_pid(self.program))
        self.dlv_pid = self.gateway.dlv_pid()

    def gone(self):
        for pid in (self.dlv_pid, self.program_pid):
            waiting.until(f"end of {process.command_line(pid)}", lambda: not process.alive(pid))

    def running_client(self):
        """A client whose `continue` is outstanding."""
        client = Rpc(self, self.address)
        number = client.resume()
        waiting.until("the target runs", lambda: client.state()["Running"])
        return client, number

    def test_the_last_output_comes_before_the_end(self):
        """More of it than is read at one go, and the gateway hears of both at the same moment."""
        client = Rpc(self, self.address)
        client.call("Set", {"Scope": {"GoroutineID": -1, "Frame": 0}, "Symbol": "main.wish", "Value": "7"})  # floodAndLeave
        client.close()
        viewer = Dap(self, self.address)
        viewer.attach()
        mark = viewer.mark()
        waiting.until("it is about to flood", lambda: self.said(viewer, "about to flood"))
        self.gateway.process.signal(signal.SIGSTOP)
        waiting.until("the program's end", lambda: not process.alive(self.program_pid))
        self.gateway.process.signal(signal.SIGCONT)
        end, _ = viewer.event("terminated", mark)
        self.assertTrue(self.said(viewer, "last words", end), "they were not told before the end")

    @staticmethod
    def said(viewer, text, end=None):
        with viewer.changed:
            return any(text in m["body"]["output"] for m in viewer.messages[:end] if m.get("event") == "output")

    def test_gateway_killed_while_the_target_is_stopped(self):
        Rpc(self, self.address).state()
        self.gateway.process.signal(signal.SIGKILL)
        self.gone()

    def test_gateway_killed_while_the_target_runs(self):
        self.running_client()
        self.gateway.process.signal(signal.SIGKILL)
        self.gone()

    def test_terminated_gateway_leaves_nothing(self):
        client, _ = self.running_client()
        self.gateway.process.signal(signal.SIGTERM)
        client.close()
        self.assertEqual(self.gateway.process.wait(), 0, self.gateway.log())
        self.gone()

    def test_terminated_gateway_ends_even_if_a_viewer_stays(self):
        client, _ = self.running_client()
        self.gateway.process.signal(signal.SIGTERM)
        self.assertEqual(self.gateway.process.wait(), 0, self.gateway.log())
        client.wait_closed()
        self.gone()

    def dlv_address(self):
        """What getpeername() says of a connection to it."""
        words = process.command_line(self.dlv_pid)
        listen = next(word.partition("=")[2] for word in words if word.startswith("--listen="))
        if listen.startswith("unix:"):
            return listen.removeprefix("unix:")
        inodes = {os.readlink(f"/proc/{self.dlv_pid}/fd/{fd}") for fd in os.listdir(f"/proc/{self.dlv_pid}/fd")}
        with open("/proc/net/tcp", encoding="ascii") as table:
            for row in list(table)[1:]:
                cells = row.split()
                if cells[3] == "0A" and f"socket:[{cells[9]}]" in inodes:
                    return ("127.0.0.1", int(cells[1].rpartition(":")[2], 16))
        raise AssertionError("dlv listens nowhere in /proc/net/tcp")

    def sever(self):
        """Ends the gateway's connections to dlv, and nothing else: through copies of its descriptors."""
        libc = ctypes.CDLL(None, use_errno=True)
        gateway = os.pidfd_open(self.gateway.pid)
        address = self.dlv_address()
        cut = 0
        for fd in os.listdir(f"/proc/{self.gateway.pid}/fd"):
            try:
                link = os.readlink(f"/proc/{self.gateway.pid}/fd/{fd}")
            except FileNotFoundError:
                continue
            if not link.startswith("socket:"):
                continue
            copy = libc.syscall(438, gateway, int(fd), 0)  # pidfd_getfd
            if copy < 0:
                continue
            with socket.socket(fileno=copy) as connection:
                try:
                    peer = connection.getpeername()
                except OSError:
                    continue
                if peer == address:
                    connection.shutdown(socket.SHUT_RDWR)
                    cut += 1
        os.close(gateway)
        return cut

    def test_the_connection_to_dlv_breaks(self):
        client = Rpc(self, self.address)
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        self.assertGreater(self.sever(), 0)
        client.wait_closed()
        self.assertTrue(process.alive(self.dlv_pid))

        def back():
            again = Rpc(self, self.address)
            try:
                again.call("ListBreakpoints")
            except AssertionError:  # refused, or closed: not yet
                again.close()
                return None
            return again
        again = waiting.until("the component is back", back)
        self.assertEqual(again.state()["currentThread"]["line"], TICK)
        self.assertEqual(again.command("continue")["currentThread"]["line"], TICK)
        def lines():
            return [b["line"] for b in again.call("ListBreakpoints")["Breakpoints"] if b["id"] > 0]
        self.assertEqual(lines(), [TICK])
        # It is known whose it is: set again it is the same one, and not a second beside nobody's.
        again.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(lines(), [TICK])

    def test_dlv_killed(self):
        client, number = self.running_client()
        os.kill(self.dlv_pid, signal.SIGKILL)
        # The viewer is told, by an answer or by the end of its connection; it never waits for ever.
        waiting.until("the viewer is told", lambda: client.answered(number) or client.closed)
        waiting.until("end of the program", lambda: not process.alive(self.program_pid))
        client.close()
        self.assertTrue(self.gateway.process.running())
        dlv = Terminal(self, [self.delve.dlv, "connect", self.address])
        self.assertEqual(dlv.finish(), 1, dlv.text)
        self.assertRegex(dlv.text, r"could not halt: .*dlv")
        viewer = Dap(self, self.address)
        self.assertRegex(viewer.error("initialize", dap.INITIALIZE), "dlv")
        status = subprocess.run([tools.delvegate(), "status", "--config", self.gateway.configuration_file],
                                capture_output=True, text=True, check=True).stdout
        self.assertRegex(status, r"(?i)app .*dlv.*(signal 9|SIGKILL|killed)")

    def test_dlv_killed_under_a_dap_viewer(self):
        viewer = Dap(self, self.address)
        viewer.attach()
        os.kill(self.dlv_pid, signal.SIGKILL)
        viewer.event("terminated")

    def test_program_killed_while_it_runs(self):
        client, number = self.running_client()
        os.kill(self.program_pid, signal.SIGKILL)
        state = client.result(number)["State"]
        self.assertTrue(state["exited"])
        self.assertEqual(state["exitStatus"], -9)
        self.assertIn("exited with status -9", client.error("Stacktrace", {"Id": -1, "Depth": 5}))
        # And can be started again by who is there.
        client.call("Restart", {})
        client.set_breakpoint(debuggee.MAIN, TICK)
        self.assertEqual(client.command("continue")["currentThread"]["line"], TICK)

    def test_program_killed_under_a_dap_viewer(self):
        viewer = Dap(self, self.address)
        viewer.attach()
        os.kill(self.program_pid, signal.SIGKILL)
        viewer.event("terminated")

    def test_no_descriptor_leaks_into_the_program(self):
        targets = []
        for fd in os.listdir(f"/proc/{self.program_pid}/fd"):
            targets.append((int(fd), os.readlink(f"/proc/{self.program_pid}/fd/{fd}")))
        self.assertEqual([t for t in targets if t[0] > 2], [])

    def test_dlv_is_reachable_by_its_owner_only(self):
        """A private socket where dlv can, loopback where it cannot; and dlv never warned of remote listeners."""
        line = process.command_line(self.dlv_pid)
        listen = [part for part in line if part.startswith("--listen=")] or [line[line.index("--listen") + 1]]
        address = listen[0].partition("=")[2] or listen[0]
        if self.delve.unix_sockets:
            path = address.removeprefix("unix:")
            self.assertEqual(os.stat(os.path.dirname(path)).st_mode & 0o777, 0o700, path)
        else:
            self.assertRegex(address, r"^127\.0\.0\.1:")
        for root, _, files in os.walk(self.directory):
            for path in (os.path.join(root, name) for name in files):
                if os.path.isfile(path):
                    self.assertNotIn(b"not authenticated nor encrypted", debuggee.contents(path), path)


if __name__ == "__main__":
    unittest.main()
