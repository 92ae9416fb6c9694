"""`delvegate connect --background`: once, found again, ended, and what is left after a crash; its gateway gives every answer at will."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import unittest

from harness import background, process, waiting
from harness.enrolling import free_port
from test_connect import ConnectCase, receive


class Background(ConnectCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(background.end_all, self.directory)
        self.behind = self.gateway()
        self.listen = f"127.0.0.1:{free_port()}"
        self.state = os.path.join(self.directory, ".local", "state", "delvegate", "connect")

    def words(self, *arguments, component="echo", listen=None, gateway=None):
        return self.command(component, *(("--listen", listen or self.listen) if listen != "" else ()), *arguments,
                            gateway=gateway or f"localhost:{self.behind.port}")

    def run_one(self, *arguments, **more):
        environment = {name: value for name, value in os.environ.items() if name != "XDG_STATE_HOME"}
        return subprocess.run(self.words(*arguments, **more), capture_output=True, text=True, timeout=waiting.DEADLINE,
                              env=dict(environment, HOME=self.directory))

    def start(self, *arguments, **more):
        done = self.run_one("--background", "--output", "json", *arguments, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(done.stdout.count("\n"), 1)
        return json.loads(done.stdout)

    def end(self, *arguments, **more):
        done = self.run_one("--end", "--output", "json", *arguments, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return json.loads(done.stdout)["ended"]

    def refused(self, pattern, *arguments, code=1, **more):
        done = self.run_one("--background", *arguments, **more)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertRegex(done.stderr, pattern)

    def one(self):
        (pid,) = background.running(self.directory)
        return pid

    def carries(self, port):
        with socket.create_connection(("127.0.0.1", port), waiting.DEADLINE) as ide:
            ide.sendall(b"{hello")
            self.assertEqual(receive(ide, 6), b"{hello")

    def files(self):
        return sorted(name.rpartition(".")[2] for name in os.listdir(self.state)) if os.path.isdir(self.state) else []

    def test_it_stays_is_found_again_and_ends(self):
        said = self.run_one("--background")
        self.assertEqual((said.returncode, said.stderr), (0, ""), said.stdout)
        self.assertRegex(said.stdout, rf"^echo is on {self.listen}, in the background; end it with: delvegate connect echo --end --gateway \S+ .*"
                                      r"after 30m without an IDE it ends by itself\n$")
        pid = self.one()
        self.carries(int(self.listen.rpartition(":")[2]))
        # Detached: no terminal, session or folder of who has started it, and the files are this user's alone.
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
        descriptors = {number: os.readlink(f"/proc/{pid}/fd/{number}") for number in ("0", "1", "2")}
        self.assertEqual((descriptors["0"], descriptors["1"]), ("/dev/null", "/dev/null"))
        self.assertTrue(descriptors["2"].endswith(".log"), descriptors)
        self.assertEqual(stat.S_IMODE(os.stat(self.state).st_mode), 0o700)
        for name in os.listdir(self.state):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.state, name)).st_mode), 0o600, name)
        again = self.run_one("--background")
        self.assertRegex(again.stdout, rf"^echo is on {self.listen}, in the background already; end it with: ")
        record = self.start()
        self.assertEqual({name: record[name] for name in ("event", "component", "address", "started")},
                         {"event": "ready", "component": "echo", "address": self.listen, "started": False})
        with open(record["log"], encoding="utf-8") as file:
            self.assertIn(f"ready on {self.listen}, for echo", file.read())
        self.assertEqual(self.one(), pid)
        # Wherever it listens: the address need not be said.
        self.assertEqual(self.end(listen=""), 1)
        self.assertFalse(process.alive(pid))
        self.assertEqual(self.files(), ["log"])
        self.assertEqual(self.end(), 0)
        said = self.run_one("--end")
        self.assertEqual(said.stdout, "no connect of echo runs in the background\n")

    def test_what_it_is_started_with_is_no_secret(self):
        self.start()
        words = process.command_line(self.one())
        self.assertEqual(words[:5], ["delvegate", "connect", "echo", "--in-background", "--listen"])
        self.assertEqual([word for word in words if "PRIVATE" in word], [])

    def test_with_other_options_it_is_refused(self):
        self.start()
        pid = self.one()
        self.refused(rf"echo is carried in the background already on {self.listen}, with other options; end that with `delvegate connect echo --end ",
                     "--map", "/a=/b")
        self.refused("with other options", "--idle", "5m")
        self.assertEqual(self.one(), pid)
        # At another address it is another one, and --end takes both.
        other = self.start(listen=f"127.0.0.1:{free_port()}")
        self.assertTrue(other["started"])
        self.assertEqual(len(background.running(self.directory)), 2)
        self.assertEqual(self.end(), 1)
        self.assertEqual(len(background.running(self.directory)), 1)
        self.start()
        self.assertEqual(self.end(listen=""), 2)
        self.assertEqual(background.running(self.directory), [])

    def test_a_start_that_fails_leaves_nothing(self):
        self.refused("no-such|no component", component="nosuch", code=4)
        self.assertEqual((self.files(), background.running(self.directory)), ([], []))
        self.refused("refused", gateway=f"localhost:{free_port()}", code=5)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.refused("the port is taken", listen=f"127.0.0.1:{taken.getsockname()[1]}")
        self.assertEqual((self.files(), background.running(self.directory)), ([], []))

    def test_a_key_with_a_passphrase_is_not_asked_for(self):
        locked = os.path.join(self.directory, "locked.key")
        subprocess.run(["openssl", "pkey", "-in", self.alice.key, "-aes256", "-passout", "pass:secret", "-out", locked], check=True)
        os.chmod(locked, 0o600)
        self.alice.key = locked
        self.refused(r"locked\.key is encrypted; decrypt it \(openssl pkey\)", code=6)
        self.assertEqual((self.files(), background.running(self.directory)), ([], []))

    def test_a_command_line_that_makes_no_sense(self):
        self.refused("needs the component's name", component="No_Name", code=2)
        self.refused("--idle soon is no time", "--idle", "soon", code=2)
        self.refused("--stop is told on a terminal", "--stop", "17-3f9c", code=2)
        for arguments, pattern in ((("--idle", "1m"), "--idle belongs to --background"), (("--in-background",), "is delvegate's own option"),
                                   (("--end", "--background"), "--end")):
            done = self.run_one(*arguments)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertRegex(done.stderr, pattern)

    def test_two_at_once_are_one(self):
        environment = dict(os.environ, HOME=self.directory)
        environment.pop("XDG_STATE_HOME", None)
        both = [subprocess.Popen(self.words("--background", "--output", "json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, env=environment) for _ in range(4)]
        said = [one.communicate(timeout=waiting.DEADLINE) for one in both]
        self.assertEqual([one.returncode for one in both], [0] * 4, said)
        self.assertEqual(sorted(json.loads(out)["started"] for out, _ in said), [False, False, False, True])
        self.one()

    def test_after_a_kill_it_starts_again(self):
        self.start()
        first = self.one()
        os.kill(first, signal.SIGKILL)
        waiting.until("it is gone", lambda: not process.alive(first))
        # The record names an address and, perhaps, a process that is somebody else's by now.
        self.assertIn("json", self.files())
        self.assertTrue(self.start()["started"])
        self.assertNotEqual(self.one(), first)
        self.carries(int(self.listen.rpartition(":")[2]))
        os.kill(self.one(), signal.SIGKILL)
        waiting.until("it is gone", lambda: not background.running(self.directory))
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.files(), ["log"])

    def test_sigterm_ends_it(self):
        self.start()
        os.kill(self.one(), signal.SIGTERM)
        waiting.until("it is gone", lambda: not background.running(self.directory))
        self.assertEqual(self.files(), ["log"])

    def test_without_an_ide_it_ends_by_itself(self):
        log = self.start("--idle", "2s")["log"]
        # While one is connected, it stays.
        with socket.create_connection(("127.0.0.1", int(self.listen.rpartition(":")[2])), waiting.DEADLINE) as ide:
            ide.sendall(b"{")
            self.assertEqual(receive(ide, 1), b"{")
            with self.assertRaises(socket.timeout):
                ide.settimeout(4)
                ide.recv(1)
            self.one()
        waiting.until("it has ended", lambda: not background.running(self.directory))
        with open(log, encoding="utf-8") as file:
            self.assertTrue(re.search("no IDE for 2s; ended\n$", file.read()))
        self.assertEqual(self.files(), ["log"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
