"""`delvegate` inside the node: one command's answer, and the launcher as a service."""

import contextlib
import json
import os
import signal
import subprocess
import time

from .. import tools, waiting

CONFIG = "/etc/delvegate/launcher.yaml"
UNIT = "delvegate-launcher.service"


class Answer:
    """What a command said. With `--output json`, `json` is the one object, `objects` those of several lines."""

    def __init__(self, command, result):
        self.command = command
        self.code = result.returncode
        self.out = result.stdout
        self.err = result.stderr

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"not JSON ({error}): {self}") from None

    @property
    def objects(self):
        try:
            return [json.loads(line) for line in self.out.splitlines() if line.strip()]
        except ValueError as error:
            raise AssertionError(f"not JSON lines ({error}): {self}") from None

    def succeeded(self):
        if self.code:
            raise AssertionError(f"failed: {self}")
        return self

    def failed(self, code=1):
        if self.code != code:
            raise AssertionError(f"expected exit code {code}: {self}")
        return self

    def __str__(self):
        return f"{' '.join(self.command)} -> {self.code}\n{self.out}{self.err}"


def run(node, *words, **more):
    command = ["delvegate", *map(str, words)]
    return Answer(command, node.run(command, **more))


class Launcher:
    """The launcher as the service that is shipped, with a configuration that is root's."""

    packaging = os.path.join(tools.ROOT, "packaging")

    def __init__(self, node, components, restart=True, **settings):
        """restart: whether systemd starts it again when it was killed, as the shipped unit says."""
        self.node = node
        self.configuration = dict(settings, components=list(components))
        self.restart = restart

    def install(self):
        """What a package puts onto a node: all units, the gateway's user, directories. And launcher.yaml: JSON is YAML."""
        for folder, target in (("systemd", "/usr/lib/systemd/system"), ("sysusers.d", "/usr/lib/sysusers.d"),
                               ("tmpfiles.d", "/usr/lib/tmpfiles.d")):
            for name in sorted(os.listdir(os.path.join(self.packaging, folder))):
                self.node.install(os.path.join(self.packaging, folder, name), f"{target}/{name}", 0o644)
        self.node.run(["systemd-sysusers"], check=True)
        self.node.run(["systemd-tmpfiles", "--create", "--prefix=/run/delvegate", "--prefix=/var/lib/delvegate",
                       "--prefix=/var/log/delvegate", "--prefix=/etc/delvegate"], check=True)
        self.node.write(CONFIG, json.dumps(self.configuration, indent=2) + "\n", 0o600)
        more = "".join(f'Environment="{name}={value}"\n' for name, value in self.node.sanitizers().items())
        self.node.write(f"/etc/systemd/system/{UNIT}.d/rig.conf",
                        f"[Service]\n{more}{'' if self.restart else 'Restart=no' + chr(10)}")
        self.node.run(["systemctl", "daemon-reload"], check=True)
        return self

    def start(self):
        """Returns when its socket is there."""
        result = self.node.run(["systemctl", "enable", "--now", UNIT])
        if result.returncode:
            raise AssertionError(f"the launcher did not start\n{result.stderr}{self.log()}")
        path = self.configuration.get("socket", "/run/delvegate/launcher.sock")
        waiting.until(lambda: f"the launcher's socket {path}\n{self.log()}", lambda: self.node.exists(path))
        return self

    def stop(self):
        self.node.run(["systemctl", "stop", UNIT], check=True)

    def pid(self):
        text = self.node.run(["systemctl", "show", "-p", "MainPID", "--value", UNIT], check=True).stdout
        return int(text) or None

    def kill(self):
        """SIGKILL; returns when it is gone. Whatever it started stays."""
        pid = self.pid()
        start = self.node.start_time(pid)
        self.node.run(["kill", "-KILL", str(pid)], check=True)
        waiting.until("the launcher gone", lambda: self.node.start_time(pid) != start)

    @contextlib.contextmanager
    def _at_step(self, step, what):
        """Something happens to the launcher with the step'th fdatasync of each of its threads (strace counts for each by itself,
        and each verb has its own): `what` is an injection of strace's. `step` may end with "+", for each one from there on."""
        pid = self.pid()
        tracer = self.node.spawn(f"strace-{step}", ["strace", "-f", "-p", str(pid), "-o", "/run/strace.log", "-e", "trace=fdatasync",
                                                    "-e", f"inject=fdatasync:{what}:when={step}"])
        waiting.until("strace attached", lambda: "TracerPid:\t0\n" not in self.node.read(f"/proc/{pid}/status"))
        yield pid, tracer
        # It detaches from nobody who stands still, and another thread may have come to its own step'th; and it overlooks a signal
        # that comes just before it waits, or all of them: the kernel lets go of what a killed one had traced.
        patient_until = time.monotonic() + waiting.DEADLINE / 8

        def ended():
            if not tracer.running():
                return True
            tracer.signal(signal.SIGINT if time.monotonic() < patient_until else signal.SIGKILL)
            self.node.run(["kill", "-CONT", str(pid)])
            return False
        waiting.until("strace's end", ended)
        tracer.wait()
        self.node.run(["kill", "-CONT", str(pid)])  # what it had stopped last stays so

    def at_step(self, step, what, *words):
        """A verb, and "signal=KILL" or "error=ENOSPC" when the launcher is about to write down the step'th thing of it. The answer."""
        with self._at_step(step, what) as (pid, tracer):
            answer = self.node.delvegate(*words)
            if answer.code and "KILL" in what:
                with contextlib.suppress(AssertionError):  # the verb may have failed for another reason
                    waiting.until("the launcher's end", lambda: not tracer.running(), waiting.DEADLINE / 4)
                    waiting.until("another launcher", lambda: self.pid() not in (None, pid))
        return answer

    def paused_at_step(self, step, meanwhile, *words, laptop=False):
        """A verb, and `meanwhile()` while all of the launcher stands still with the step'th thing of it written down. The answer,
        and whether it came to that step. From the laptop, `words` are the whole command."""
        reached = False
        words = [*words] if laptop else ["delvegate", *words]
        with self._at_step(step, "signal=STOP") as (pid, _):
            def state():
                return self.node.read(f"/proc/{pid}/status").partition("State:")[2].split()[0]
            popen = self.node.laptop_popen if laptop else self.node.popen
            verb = popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while verb.poll() is None:
                if state() in "Tt":
                    # Once, but with a "+": then also where another thread has come to its own step'th, and stands.
                    if not reached or str(step).endswith("+"):
                        reached = True
                        meanwhile()
                    self.node.run(["kill", "-CONT", str(pid)], check=True)
                time.sleep(0.005)
        out, err = verb.communicate()
        return Answer(words, subprocess.CompletedProcess(words, verb.returncode, out, err)), reached

    def settled(self, name, up="running"):
        """The component's state, `up` while its session goes on, once it is none on the way and the launcher answers."""
        def state():
            answer = self.node.delvegate("status", "--output", "json")
            if answer.code or "launcher" not in answer.json:
                return None  # it is being started again
            one = next(each for each in answer.json["launcher"]["components"] if each["name"] == name)
            return one["state"] if one["state"] in ("available", up, "not_put_back", "failed") else None
        return waiting.until(lambda: f"{name} settled\n{self.log()}", state)

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u", UNIT]).stdout
