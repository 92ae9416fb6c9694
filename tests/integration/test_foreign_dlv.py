"""Components of kind `connect`: a headless dlv that somebody else started."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import case, dap, debuggee, node, process, stock, tools, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class ForeignDlv(case.Case):
    def component_at(self, address):
        return self.serve({"name": "app", "kind": "connect", "users": ["alice"], "address": address})

    def through(self, address):
        gateway = self.component_at(address)
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

    @unittest.skipIf(os.geteuid() != 0 and "CI" not in os.environ, "another user's dlv needs root")
    def test_of_another_user_it_is_taken_only_when_that_user_is_named(self):
        nobody = pwd.getpwnam("nobody")
        theirs = tempfile.mkdtemp(prefix="delvegate-theirs-", dir="/tmp")
        self.addCleanup(shutil.rmtree, theirs)
        for name, file in (("dlv", self.delve.dlv), ("program", self.program)):
            shutil.copy(file, os.path.join(theirs, name))
        os.chown(theirs, nobody.pw_uid, nobody.pw_gid)
        address = "unix:" + os.path.join(theirs, "dlv.sock") if self.delve.unix_sockets else "127.0.0.1:0"
        dlv = process.Process(self, "dlv", [
            "setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", os.path.join(theirs, "dlv"), "exec",
            os.path.join(theirs, "program"), "--headless", "--api-version=2", "--accept-multiclient", "--listen=" + address],
            env=dict(os.environ, HOME=theirs, XDG_CONFIG_HOME=theirs), cwd=theirs)
        dlv.wait_for("it listens", lambda: "API server listening at: " in dlv.output())
        if not self.delve.unix_sockets:
            address = re.search(r"listening at: (\S+)", dlv.output())[1]
        gateway = self.component_at(address)
        waiting.until("the gateway refuses it", lambda: f"runs as uid {nobody.pw_uid}, not uid 0" in gateway.log())
        if not self.delve.unix_sockets:
            return  # over TCP it takes no caller of another user, named or not
        gateway.process.end()
        again = self.serve({"name": "app", "kind": "connect", "users": ["alice"], "address": address, "user": "nobody"}, name="again")
        named = self.connect(again, name="named")
        self.assertFalse(Rpc(self, named.address).state()["Running"])

    def test_a_running_program_is_joined_and_not_halted(self):
        dlv = self.headless()
        owner = Rpc(self, dlv.address)
        running = owner.resume()
        waiting.until("it runs", lambda: owner.state()["Running"])
        _, address = self.through(dlv.address)
        client = Rpc(self, address)
        waiting.until("the gateway has joined", lambda: client.state()["Running"])
        self.assertFalse(owner.answered(running))
        # Whoever asks for a halt gets it.
        self.assertFalse(client.command("halt")["Running"])
        self.assertFalse(owner.result(running)["State"]["exited"])

    def refused(self, address, reason):
        """`connect` says why at once; an IDE behind a stock tunnel is told in its own protocol."""
        gateway = self.component_at(address)
        person = self.person()
        told = subprocess.run([tools.delvegate(), "connect", "app", "--gateway", f"localhost:{gateway.port}", "--listen", "127.0.0.1:0",
                               "--certificate", person.certificate, "--key", person.key, "--ca", person.ca],
                              capture_output=True, text=True, timeout=waiting.DEADLINE)
        self.assertNotEqual(told.returncode, 0)
        self.assertRegex(told.stderr, reason)
        tunnel = stock.Socat(self, gateway, person, "app").address
        dlv = Terminal(self, [self.delve.dlv, "connect", tunnel])
        self.assertEqual(dlv.finish(), 1, dlv.text)
        self.assertRegex(dlv.text, "could not halt: .*" + reason)
        self.assertRegex(Dap(self, tunnel).error("initialize", dap.INITIALIZE), reason)

    def test_without_accept_multiclient_is_refused_untouched(self):
        dlv = self.headless(multiclient=False)
        program = dlv.process.wait_for("it started its program", lambda: [
            pid for pid in process.descendants(dlv.pid) if process.command_line(pid)[:1] == [self.program]])[0]
        self.refused(dlv.address, "--accept-multiclient")
        self.assertTrue(dlv.process.running())
        self.assertTrue(process.alive(program))
        # Such a dlv takes one connection in its life, even an empty one: it is still to be had.
        client = Rpc(self, dlv.address)
        self.assertEqual(client.state()["Pid"], program)

    def test_listening_on_all_addresses_is_refused_untouched(self):
        dlv = self.headless(listen="0.0.0.0:0")
        port = dlv.address.rpartition(":")[2]
        self.refused(f"127.0.0.1:{port}", "every address")
        self.assertTrue(process.alive(self.program_of(dlv)))

    def test_something_else_is_refused_untouched(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            self.refused(f"127.0.0.1:{listener.getsockname()[1]}", "is not dlv")
            listener.setblocking(False)
            self.assertRaises(BlockingIOError, listener.accept)

    def test_nobody_there_is_said(self):
        dlv = self.headless()
        address = dlv.address
        dlv.process.end()
        self.refused(address, "nobody|nothing|no process|not running")


if __name__ == "__main__":
    unittest.main()
