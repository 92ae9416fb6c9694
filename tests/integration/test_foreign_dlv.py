"""Components of kind `connect`: a headless dlv that somebody else started."""

import os
import socket
import unittest

from harness import case, dap, debuggee, node, process
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class ForeignDlv(case.Case):
    def through(self, address):
        gateway = self.serve({"name": "app", "kind": "connect", "users": ["alice"], "address": address})
        return gateway, self.connect(gateway).address

    def debug(self, address):
        dlv = Terminal(self, [self.delve.dlv, "connect", address]).prompt()
        dlv.run(f"break main.go:{TICK}")
        self.assertRegex(dlv.run("continue"), r"main\.tick\(\)")
        dlv.run("clearall")
        dlv.line("exit")
        dlv.expect(r"\[Y/n\] ")
        dlv.line("")
        self.assertEqual(dlv.finish(), 0, dlv.text)
        node.run("breakpointAndLooks", address, self.delve, plain=False)

    def program_of(self, dlv):
        return [pid for pid in process.descendants(dlv.pid) if process.command_line(pid)[:1] == [self.program]][0]

    def test_on_loopback(self):
        dlv = self.headless()
        gateway, address = self.through(dlv.address)
        self.debug(address)
        # It was not ours to start, and is not ours to end.
        gateway.process.end()
        self.assertTrue(dlv.process.running())
        self.assertFalse(Rpc(self, dlv.address).state()["exited"])

    def test_on_a_unix_socket(self):
        if self.delve.unix_sockets:
            path = os.path.join(self.directory, "dlv.sock")
            self.debug(self.through(self.headless(listen="unix:" + path).address)[1])

    def refused(self, address, reason):
        """A viewer is told why, whichever protocol it speaks."""
        dlv = Terminal(self, [self.delve.dlv, "connect", address])
        self.assertEqual(dlv.finish(), 1, dlv.text)
        self.assertRegex(dlv.text, "could not halt: .*" + reason)
        self.assertRegex(Dap(self, address).error("initialize", dap.INITIALIZE), reason)

    def test_without_accept_multiclient_is_refused_untouched(self):
        dlv = self.headless(multiclient=False)
        program = dlv.process.wait_for("it started its program", lambda: [
            pid for pid in process.descendants(dlv.pid) if process.command_line(pid)[:1] == [self.program]])[0]
        _, address = self.through(dlv.address)
        self.refused(address, "--accept-multiclient")
        self.assertTrue(dlv.process.running())
        self.assertTrue(process.alive(program))
        # Such a dlv takes one connection in its life, even an empty one: it is still to be had.
        client = Rpc(self, dlv.address)
        self.assertEqual(client.state()["Pid"], program)

    def test_listening_on_all_addresses_is_refused_untouched(self):
        dlv = self.headless(listen="0.0.0.0:0")
        port = dlv.address.rpartition(":")[2]
        _, address = self.through(f"127.0.0.1:{port}")
        self.refused(address, "loopback|other hosts|0\\.0\\.0\\.0")
        self.assertTrue(process.alive(self.program_of(dlv)))

    def test_something_else_is_refused_untouched(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            _, address = self.through(f"127.0.0.1:{listener.getsockname()[1]}")
            self.refused(address, "dlv")
            listener.setblocking(False)
            self.assertRaises(BlockingIOError, listener.accept)

    def test_nobody_there_is_said(self):
        dlv = self.headless()
        address = dlv.address
        dlv.process.end()
        self.refused(self.through(address)[1], "dlv|listen")


if __name__ == "__main__":
    unittest.main()
