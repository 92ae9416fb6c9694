"""What shells complete: real ones at a terminal, with the script that is printed for them, beside a real gateway."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest

from harness import case, tools, waiting
from harness.rpc import Rpc
from harness.terminal import Terminal


class Words(unittest.TestCase):
    """What the scripts call, as they call it; neither gateway nor context is there."""

    def words(self, *line, **environment):
        done = subprocess.run([tools.delvegate(), "complete-words", *line], capture_output=True, text=True, timeout=waiting.DEADLINE,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [one.split("\t")[0] for one in done.stdout.splitlines()]

    def test_every_command_of_the_help(self):
        said = subprocess.run([tools.delvegate(), "--help"], capture_output=True, text=True, check=True).stdout
        commands = re.findall(r"^  (\S+)", said.partition("Subcommands:\n")[2].partition("\n\n")[0], re.MULTILINE)
        self.assertGreater(len(commands), 20)
        self.assertEqual(self.words("--words", "delvegate", ""), commands)
        self.assertNotIn("complete-words", commands)

    def test_bash_replaces_what_follows_its_word_breaks(self):
        self.assertEqual(self.words("--line", " \t\n\"'><=;|&(:", "delvegate sessions --output=j"), ["json"])
        self.assertEqual(self.words("--line", " ", "delvegate sessions --output=j"), ["--output=json"])
        self.assertEqual(self.words("--line", "=:", "delvegate serve --config=/etc"), [":files"])

    def test_nonsense_is_silent(self):
        for line in ([], ["--words"], ["--words", "delvegate"], ["--line", "x"], ["--nonsense", "a", "b"], ["--line", "", ""],
                     ["--words", "delvegate", "no-such", "--no-such", ""]):
            self.assertEqual(self.words(*line), [], line)

    def test_a_gateway_that_says_nothing_is_not_waited_for(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        begun = time.monotonic()
        words = self.words("--words", "delvegate", "sessions", "--gateway", f"127.0.0.1:{silent.getsockname()[1]}", "")
        self.assertEqual(words, ["list", "kill"])
        self.assertLess(time.monotonic() - begun, waiting.DEADLINE / 2)

    def test_people_that_the_ca_knows(self):
        """Those who came in by a certificate or a token need not be in any policy."""
        with tempfile.TemporaryDirectory() as directory:
            state = ["--state-directory", directory]

            def run(*command):
                subprocess.run([tools.delvegate(), *command, *state], check=True, capture_output=True, timeout=waiting.DEADLINE)

            def people(*line):
                return self.words("--words", "delvegate", *line)
            self.assertEqual(people("ca", "revoke", *state, "--user", ""), [])
            self.assertEqual(os.listdir(directory), [])
            run("ca", "init")
            run("ca", "issue", "--user", "ada", "--out", os.path.join(directory, "ada"))
            run("ca", "issue", "--user", "eve", "--out", os.path.join(directory, "eve"))
            run("token", "create", "--user", "tom", "--gateway", "localhost:7444")
            self.assertEqual(people("ca", "revoke", *state, "--user", ""), ["ada", "eve", "tom"])
            self.assertEqual(people("ca", "unrevoke-user", *state, ""), [])
            run("ca", "revoke", "--user", "eve")
            self.assertEqual(people("ca", "unrevoke-user", *state, ""), ["eve"])
            self.assertEqual(people("token", "create", *state, "--user", ""), ["ada", "tom"])
            self.assertEqual(people("token", "create", *state, "--user=a"), ["--user=ada"])
        # Of the state directory that a gateway's configuration names.
        with tempfile.TemporaryDirectory() as directory:
            configuration = os.path.join(directory, "gateway.yaml")
            with open(configuration, "w", encoding="utf-8") as file:
                json.dump({"stateDirectory": os.path.join(directory, "state"), "components": []}, file)
            os.mkdir(os.path.join(directory, "state"), 0o700)
            state = ["--state-directory", os.path.join(directory, "state", "gateway")]
            os.mkdir(state[1], 0o700)
            run("ca", "init")
            run("ca", "issue", "--user", "ada", "--out", os.path.join(directory, "ada"))
            for line in (["sessions", "kill", "--config", configuration, "--user", ""], ["policy", "can-i", "--config", configuration, "a"]):
                self.assertIn("ada", people(*line), line)

    def test_where_a_script_belongs(self):
        for shell in ("bash", "zsh", "fish"):
            text = subprocess.run([tools.delvegate(), "completion", shell], capture_output=True, text=True, check=True).stdout
            said = subprocess.run([tools.delvegate(), "completion", shell, "--output", "json"], capture_output=True, text=True, check=True)
            self.assertEqual(json.loads(said.stdout)["script"], text)


class Shells(case.Case):
    """The gateway has `app` and `web`; alice is in a session."""

    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(), self.component("web", users=["bob"]))
        rpc = Rpc(self, self.connect(self.gateway, "alice").address)
        rpc.state()
        self.folder = os.path.join(self.directory, "bin")
        os.mkdir(self.folder)
        os.symlink(tools.delvegate(), os.path.join(self.folder, "delvegate"))
        self.environment = {"PATH": f"{self.folder}:{os.environ['PATH']}", "TERM": "xterm", "PS1": "ready> ",
                            "XDG_CONFIG_HOME": self.directory, "HOME": self.directory}
        person = self.person("alice")
        self.elsewhere = (f"--gateway localhost:{self.gateway.port} --certificate {person.certificate} --key {person.key} "
                          f"--ca {person.ca}")
        self.here = f"--runtime-directory {os.path.join(self.gateway.directory, 'run')}"

    def completes(self, shell, typed, whole):
        """Typed, and <Tab>: the line ends with `whole` then."""
        start = len(shell.text)
        shell.type(typed + "\t")
        shell.expect(re.escape(whole), start)
        shell.type("\x15")  # the line is thrown away

    def everything(self, shell):
        self.completes(shell, "delvegate sess", "delvegate sessions ")
        self.completes(shell, "delvegate sessions --foll", "sessions --follow ")
        self.completes(shell, "delvegate sessions list --output js", "list --output json ")
        self.completes(shell, "delvegate audit show --output=js", "show --output=json ")
        self.completes(shell, f"delvegate baton ask {self.here} w", f"{self.here} web ")
        self.completes(shell, f"delvegate sessions kill {self.here} --user al", "--user alice ")
        self.completes(shell, f"delvegate park {self.elsewhere} ap", f"{self.elsewhere} app ")
        self.completes(shell, f"delvegate policy check {self.directory}/bi", f"check {self.directory}/bin/")

    def test_bash(self):
        shell = Terminal(self, ["bash", "--norc", "--noprofile", "-i"], self.environment)
        shell.line("bind 'set enable-bracketed-paste off' 'set horizontal-scroll-mode off'; stty cols 2000; PS1='ready''> '")
        shell.expect("ready> ")
        shell.line("source <(delvegate completion bash) && echo sour''ced")
        shell.expect("sourced\n")
        self.everything(shell)

    def test_zsh(self):
        shell = Terminal(self, ["zsh", "-f", "-i"], dict(self.environment, TERM="dumb"))
        shell.line("unset zle_bracketed_paste; zle_highlight=(none); unsetopt prompt_sp; stty cols 2000; autoload -U compinit; compinit -u -D; PS1='ready''> '")
        shell.line("source <(delvegate completion zsh) && echo sour''ced")
        shell.expect("sourced\n")
        self.everything(shell)

    def test_fish(self):
        def words(line):
            done = subprocess.run(["fish", "--no-config", "-c", "delvegate completion fish | source; complete -C $argv[1]", line],
                                  capture_output=True, text=True, timeout=waiting.DEADLINE, env=dict(os.environ, **self.environment))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return [one.split("\t")[0] for one in done.stdout.splitlines()]
        self.assertEqual(words("delvegate sess"), ["sessions"])
        self.assertEqual(words("delvegate sessions --foll"), ["--follow"])
        self.assertEqual(words("delvegate sessions list --output js"), ["json"])
        self.assertEqual(words("delvegate audit show --output=js"), ["--output=json"])
        self.assertEqual(sorted(words(f"delvegate baton ask {self.here} ")), ["app", "web"])
        self.assertEqual(words(f"delvegate sessions kill {self.here} --user al"), ["alice"])
        self.assertEqual(words(f"delvegate park {self.elsewhere} "), ["app"])
        self.assertEqual(words(f"delvegate policy check {self.directory}/bi"), [f"{self.directory}/bin/"])
        self.assertIn("delvegate", [os.path.basename(one) for one in words(f"delvegate policy check {self.folder}/")])


if __name__ == "__main__":
    unittest.main()
