"""A process inside the node that runs beside the test."""

import os
import subprocess

from .. import waiting


class Guest:
    def __init__(self, node, name, command, env=None, cwd=None, stdin=subprocess.DEVNULL):
        self.node = node
        self.name = name
        self.out_file = os.path.join(node.directory, f"{name}.out")
        self.err_file = os.path.join(node.directory, f"{name}.err")
        self._pid_file = f"/run/rig/{name}.pid"
        node.run(["rm", "-f", self._pid_file], check=True)
        script = f'mkdir -p /run/rig && echo $$ > {self._pid_file}.new && mv {self._pid_file}.new {self._pid_file} && exec "$@"'
        with open(self.out_file, "ab") as out, open(self.err_file, "ab") as err:
            self.child = node.popen(["/bin/sh", "-c", script, "sh", *command], env=env, cwd=cwd,
                                    stdin=stdin, stdout=out, stderr=err)
        self.pid = int(self.wait_for("its start", lambda: node.read_or_nothing(self._pid_file)))

    def output(self):
        with open(self.out_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def errors(self):
        with open(self.err_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self.child.poll() is None

    def signal(self, number):
        self.node.run(["kill", f"-{int(number)}", str(self.pid)])

    def wait(self, deadline=waiting.DEADLINE):
        """Its exit code; negative or 128 + N after signal N, as nsenter tells it."""
        try:
            return self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end\n{self.output()}{self.errors()}") from None

    def wait_for(self, what, condition):
        def check():
            value = condition()
            if not value and not self.running():
                raise AssertionError(f"{self.name} ended with {self.child.returncode} before {what}\n"
                                     f"{self.output()}{self.errors()}")
            return value
        return waiting.until(lambda: f"{self.name}: {what}\n{self.output()}{self.errors()}", check)
