"""A process inside the node that runs beside the test."""

import os
import subprocess

from ..child import Child


class Guest(Child):
    def __init__(self, node, name, command, env=None, cwd=None, stdin=subprocess.DEVNULL):
        self.node = node
        self.name = name
        self.command = command
        self.out_file = os.path.join(node.directory, f"{name}.out")
        self.err_file = os.path.join(node.directory, f"{name}.err")
        self._pid_file = f"/run/rig/{name}.pid"
        node.run(["rm", "-f", self._pid_file], check=True)
        script = f'mkdir -p /run/rig && echo $$ > {self._pid_file}.new && mv {self._pid_file}.new {self._pid_file} && exec "$@"'
        with open(self.out_file, "ab") as out, open(self.err_file, "ab") as err:
            self.child = node.popen(["/bin/sh", "-c", script, "sh", *command], env=env, cwd=cwd,
                                    stdin=stdin, stdout=out, stderr=err)
        self.pid = int(self.wait_for("its start", lambda: node.read_or_nothing(self._pid_file)))

    def signal(self, number):
        self.node.run(["kill", f"-{int(number)}", str(self.pid)])
