"""A headless dlv as somebody starts it by hand."""

import os
import re

from . import process
from .rpc import Rpc


class Headless:
    def __init__(self, test, delve, program, args=(), multiclient=True, listen=None, name="dlv", pass_fds=(), log=None):
        if listen is None:
            listen = "127.0.0.1:0"
        command = [delve.dlv, "exec", program, "--headless", "--api-version=2", f"--listen={listen}"]
        if multiclient:
            command.append("--accept-multiclient")
        if log:
            command += ["--log", "--log-output=" + log]
        if args:
            command += ["--", *args]
        environment = dict(os.environ, HOME=test.directory, XDG_CONFIG_HOME=test.directory)
        self.process = process.Process(test, name, command, env=environment, cwd=test.directory,
                                       pass_fds=pass_fds)
        found = self.process.wait_for("it listens", lambda: re.search(r"API server listening at: (\S+)", self.process.output()))
        self.address = "unix:" + found[1] if found[1].startswith("/") else found[1]
        if multiclient:
            # The line comes before the program is launched; the first answer comes after.
            client = Rpc(test, self.address)
            client.state()
            client.close()

    @property
    def pid(self):
        return self.process.pid
