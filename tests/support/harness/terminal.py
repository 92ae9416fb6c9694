"""A person at a terminal: runs a program on a pty, types, and waits for what appears."""

import os
import pty
import re
import select
import signal
import time

from . import waiting

PROMPT = r"\(dlv\) $"


class Terminal:
    def __init__(self, test, command, env=None):
        self.command_line = command
        self.text = ""
        self.code = None
        environment = dict(os.environ, TERM="dumb", HOME=test.directory, XDG_CONFIG_HOME=test.directory)
        environment.update(env or {})
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(command[0], command, environment)
            finally:
                os._exit(127)
        test.addCleanup(self.end)

    def _read(self, seconds):
        """Reads what is there, at most `seconds`; false at the end of the program's output."""
        if self.code is not None:
            return False
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            return False
        self.text += data.decode(errors="replace").replace("\r", "")
        return True

    def expect(self, pattern, start=0, deadline=waiting.DEADLINE):
        """Waits until the screen from `start` on matches; returns the match."""
        end = time.monotonic() + deadline
        while True:
            found = re.compile(pattern).search(self.text, start)
            if found:
                return found
            if not self._read(0.1) or time.monotonic() > end:
                found = re.compile(pattern).search(self.text, start)
                if found:
                    return found
                raise AssertionError(f"{pattern!r} did not appear (exit code {self.code}) on the screen:\n"
                                     f"{self.text[-3000:]}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def line(self, text):
        self.type(text + "\n")

    def interrupt(self):
        self.type("\x03")

    def prompt(self, start=0):
        self.expect(PROMPT, start)
        return self

    def run(self, command):
        """Types a command of dlv and returns what it printed before the next prompt."""
        start = len(self.text)
        self.line(command)
        echo = self.expect(re.escape(command) + "\n", start)
        self.expect(PROMPT, echo.end())
        return self.text[echo.end():].rpartition("(dlv) ")[0]

    def finish(self, deadline=waiting.DEADLINE):
        """Waits for the program to end; returns its exit code."""
        end = time.monotonic() + deadline
        while self._read(0.1):
            if time.monotonic() > end:
                raise AssertionError(f"{self.command_line[0]} did not end; its screen:\n{self.text[-3000:]}")
        return self.code

    def end(self):
        if self.fd is None:
            return
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.finish()
        os.close(self.fd)
        self.fd = None
