"""F5: what `delvegate ide` has written is done as the IDE does it, up to a breakpoint in the person's own checkout."""

import json
import os
import shutil
import signal
import subprocess
import unittest
import xml.etree.ElementTree

from harness import background, case, debuggee, node, process, tools, waiting
from harness.dap import Dap
from harness.enrolling import free_port
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class Sessions(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(), self.component("web", users=["bob"]), self.component("db", users=["alice"]))
        # Somewhere else than where the program was built.
        self.folder = os.path.join(self.directory, "checkout")
        shutil.copytree(debuggee.SOURCE, self.folder)

    def command(self, kind, *arguments, who="alice"):
        person = self.person(who)
        return [tools.delvegate(), "ide", kind, *arguments, "--source", self.folder, "--gateway", f"localhost:{self.gateway.port}",
                "--certificate", person.certificate, "--key", person.key, "--ca", person.ca]

    def ide(self, kind, *arguments, **more):
        done = subprocess.run(self.command(kind, *arguments, **more), capture_output=True, text=True, timeout=waiting.DEADLINE,
                              env=dict(os.environ, HOME=self.directory, XDG_CONFIG_HOME=self.directory))
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def settings(self):
        launch, tasks = node.settings(*(os.path.join(self.folder, ".vscode", name) for name in ("launch.json", "tasks.json")))
        return launch["configurations"], tasks["tasks"]

    def stop_in_my_checkout(self, viewer, **attach):
        main = os.path.join(self.folder, "main.go")
        viewer.attach(lambda: viewer.call("setBreakpoints", {"source": {"path": main}, "breakpoints": [{"line": TICK}]}), **attach)
        _, stop = viewer.stopped()
        frame = viewer.call("stackTrace", {"threadId": stop["threadId"], "levels": 1})["stackFrames"][0]
        self.assertEqual((frame["source"]["path"], frame["line"]), (main, TICK))


class VsCode(Sessions):
    def task(self, task):
        """Started as VS Code does: on a terminal, with its variables filled in."""
        return Terminal(self, [word.replace("${workspaceFolder}", self.folder) for word in (task["command"], *task["args"])])

    def test_f5(self):
        self.ide("vscode", "app", "--port", str(free_port()))
        (launch,), (task,) = self.settings()
        self.assertEqual(launch["preLaunchTask"], task["label"])
        terminal = self.task(task)
        terminal.expect("end with Ctrl-C\n")
        lines = terminal.text.splitlines()
        background = task["problemMatcher"]["background"]
        begins, ends = node.fitting(background["beginsPattern"], background["endsPattern"], lines)
        self.assertEqual((begins, ends), ([0], [1]), lines)
        # No line is taken for a problem in a file.
        self.assertEqual(node.fitting(task["problemMatcher"]["pattern"]["regexp"], "x", lines)[0], [])
        viewer = Dap(self, f"{launch['host']}:{launch['port']}")
        self.stop_in_my_checkout(viewer, **{name: value for name, value in launch.items() if name not in ("host", "port", "preLaunchTask")})

    def test_f5_with_rules(self):
        self.ide("vscode", "app", "--port", str(free_port()), "--map", f"{self.folder}={debuggee.SOURCE}")
        (launch,), (task,) = self.settings()
        rules = json.loads(json.dumps(launch["substitutePath"]).replace("${workspaceFolder}", self.folder))
        self.assertEqual(rules, [{"from": self.folder, "to": debuggee.SOURCE}])
        task["args"] = task["args"][:task["args"].index("--source")]
        terminal = self.task(task)
        terminal.expect(task["problemMatcher"]["background"]["endsPattern"].replace("^", "\n"))
        self.stop_in_my_checkout(Dap(self, f"127.0.0.1:{launch['port']}"), substitutePath=rules)

    def test_a_connect_that_cannot_be_ends_with_its_reason(self):
        self.ide("vscode", "nosuch", "--port", str(free_port()))
        terminal = self.task(self.settings()[1][0])
        self.assertEqual(terminal.finish(), 4)
        background = self.settings()[1][0]["problemMatcher"]["background"]
        self.assertEqual(node.fitting(background["beginsPattern"], background["endsPattern"], terminal.text.splitlines()), ([], []))

    def test_without_a_name_all_that_the_gateway_shows(self):
        self.ide("vscode")
        self.assertEqual([one["name"] for one in self.settings()[0]], ["delvegate: app", "delvegate: db"])
        self.assertEqual(len({one["port"] for one in self.settings()[0]}), 2)
        self.ide("goland", who="bob")
        self.assertEqual(sorted(os.listdir(os.path.join(self.folder, ".run"))),
                         ["app.connect.run.xml", "app.run.xml", "web.connect.run.xml", "web.run.xml"])


class GoLand(Sessions):
    """The Debug button: the step before launch, and then what GoLand's debugger says."""

    def setUp(self):
        super().setUp()
        self.addCleanup(background.end_all, self.directory)
        self.ide("goland", "app", "--port", str(free_port()))

    def configuration(self, name):
        return xml.etree.ElementTree.parse(os.path.join(self.folder, ".run", f"{name}.run.xml")).getroot().find("configuration")

    def on_a_terminal(self, text, shell="/bin/bash"):
        """As GoLand runs a shell script before a launch: by the person's shell, on a terminal, in the project's folder."""
        return Terminal(self, ["env", "-u", "XDG_STATE_HOME", "-C", self.folder, f"HOME={self.directory}", shell, "-c", text])

    def script(self):
        step, = self.configuration("app").find("method")
        self.assertEqual(step.get("run_configuration_name"), self.configuration("app.connect").get("name"))
        return {one.get("name"): one.get("value") for one in self.configuration("app.connect").findall("option")}["SCRIPT_TEXT"]

    def debug(self):
        before = self.on_a_terminal(self.script())
        self.assertEqual(before.finish(), 0, before.text)
        client = Rpc(self, f"127.0.0.1:{self.configuration('app').get('port')}")
        ids = []
        text = ""
        for method, argument in (("CreateBreakpoint", {"Breakpoint": {"file": os.path.join(self.folder, "main.go"), "line": TICK}}),
                                 ("Command", {"Name": "continue"})):
            client.last_id += 1
            ids.append(client.last_id)
            text += json.dumps({"method": "RPCServer." + method, "params": [argument], "id": ids[-1]})
        client.write(text.encode())
        created, resumed = (client.result(one) for one in ids)
        thread = resumed["State"]["currentThread"]
        self.assertEqual((thread["file"], thread["line"]), (os.path.join(self.folder, "main.go"), TICK))
        client.result(client.send("ClearBreakpoint", {"Id": created["Breakpoint"]["id"]}))
        client.close()
        return before.text

    def test_debug_twice_and_after_a_kill(self):
        self.assertIn("in the background; end it with", self.debug())
        (first,) = background.running(self.directory)
        self.assertIn("in the background already", self.debug())
        self.assertEqual(background.running(self.directory), [first])
        os.kill(first, signal.SIGKILL)
        waiting.until("it is gone", lambda: not process.alive(first))
        self.assertIn("in the background; end it with", self.debug())
        # Its line says how it is ended.
        end = self.on_a_terminal(self.script().replace("--background", "--end"))
        self.assertEqual(end.finish(), 0, end.text)
        self.assertEqual(background.running(self.directory), [])

    def test_a_start_that_fails_is_seen(self):
        self.ide("goland", "nosuch", "--port", str(free_port()))
        step = self.on_a_terminal({one.get("name"): one.get("value") for one in self.configuration("nosuch.connect").findall("option")}["SCRIPT_TEXT"])
        self.assertEqual(step.finish(), 4)
        self.assertEqual(background.running(self.directory), [])


class Neovim(Sessions):
    def test_the_adapter_starts_connect(self):
        """Without nvim-dap: the file says so, and its adapter does what nvim-dap would ask of it."""
        self.ide("neovim", "app")
        file = os.path.join(self.folder, ".nvim", "delvegate-app.lua")
        script, enough = (os.path.join(self.directory, name) for name in ("test.lua", "enough"))
        with open(script, "w", encoding="utf-8") as out:
            out.write('local said = {}\n'
                      'vim.notify = function(line) table.insert(said, line) end\n'
                      f'local loaded = dofile("{file}")\n'
                      'local got = {}\n'
                      'for _ = 1, 2 do loaded.adapter(function(where) table.insert(got, where) end) end\n'
                      'vim.wait(100000, function() return #got == 2 end)\n'
                      'loaded.adapter(function(where) table.insert(got, where) end)\n'
                      'io.stdout:write(vim.json.encode({ got = got, said = said }) .. "\\n")\n'
                      'io.stdout:flush()\n'
                      f'vim.wait(1000000, function() return vim.loop.fs_stat("{enough}") end)\n'
                      'vim.cmd("qall!")\n')
        terminal = Terminal(self, [tools.find("DELVEGATE_NVIM", "nvim"), "--headless", "--clean", "-c", f"luafile {script}"])
        told = json.loads(terminal.expect(r"\{.*\}\n")[0])
        self.assertEqual(told["said"], ["delvegate: app: nvim-dap is not there; install it, and load this file again"])
        self.assertEqual([one["type"] for one in told["got"]], ["server"] * 3)
        self.assertEqual(len({one["port"] for one in told["got"]}), 1)
        (connect,) = [pid for pid in process.descendants(terminal.pid) if "connect" in process.command_line(pid)]
        self.addCleanup(lambda: process.alive(connect) and os.kill(connect, signal.SIGKILL))  # Neovim killed by a failure cannot
        self.stop_in_my_checkout(Dap(self, f"{told['got'][0]['host']}:{told['got'][0]['port']}"))
        with open(enough, "w", encoding="ascii"):
            pass
        self.assertEqual(terminal.finish(), 0, terminal.text)
        waiting.until("connect has ended with Neovim", lambda: not process.alive(connect))


if __name__ == "__main__":
    unittest.main(verbosity=2)
