"""What `delvegate ide` writes into a project, and takes out again: files only, read by VS Code's own parser."""

import difflib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from harness import node, tools, waiting

LAUNCH, TASKS = ".vscode/launch.json", ".vscode/tasks.json"

# As people have them.
PROJECTS = {
    "new": None,
    "comments": '// Use IntelliSense\n{\n  "version": "0.2.0", // as ever\n  /* mine */ "configurations": [\n    {\n      "name": "Launch", "type": "go",\n'
                '    }, // the first\n    // { "name": "old" },\n  ],\n  "compounds": []\n}\n',
    "crlf": '\ufeff{\r\n\t"version": "0.2.0",\r\n\t"configurations": [\r\n\t\t{\r\n\t\t\t"name": "Läuft"\r\n\t\t}\r\n\t]\r\n}',
    "empty list": '{ "configurations": [ ] , "version": "0.2.0" }',
    "empty lines": '{\n  "configurations": [\n\n  ]\n}',
    "no list": '{\n    "inputs": []\n}\n',
    "nothing": "",
    "one line": '{"configurations":[{"name":"a"},{"name":"b"}]}',
}


class Project(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="delvegate-ide-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.folder = os.path.join(self.home, "my app")
        os.mkdir(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return file.read()

    def tree(self):
        """Every file and directory of the project, with what is in it."""
        found = {}
        for directory, folders, files in os.walk(self.folder):
            found.update({os.path.relpath(os.path.join(directory, name), self.folder): None for name in folders})
            for name in files:
                relative = os.path.relpath(os.path.join(directory, name), self.folder)
                found[relative] = self.read(relative)
        return found

    def run_ide(self, *arguments, environment=None):
        environment = dict({k: v for k, v in os.environ.items() if k not in ("XDG_CONFIG_HOME", "DELVEGATE_GATEWAY")},
                           HOME=self.home, **(environment or {}))
        return subprocess.run([tools.delvegate(), "ide", *arguments], cwd=self.folder, env=environment, capture_output=True,
                              text=True, timeout=waiting.DEADLINE)

    def ide(self, *arguments, **more):
        done = self.run_ide(*arguments, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def refused(self, pattern, *arguments, code=1):
        done = self.run_ide(*arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertRegex(done.stderr, pattern)


class VsCode(Project):
    def configurations(self):
        launch, tasks = node.settings(self.path(LAUNCH), self.path(TASKS))
        return ({one["name"]: one for one in launch["configurations"]}, {one["label"]: one for one in tasks["tasks"]})

    def test_what_is_written(self):
        self.write("go.mod", "module example.com/app\n")
        said = self.ide("vscode", "app", "--gateway", "node1.example:7443", "--identity", "keys", "--map", "./gen=/build/gen",
                        "--map", "/usr/lib/go=/go")
        self.assertIn(f"{self.path(LAUNCH)}: written\n", said)
        self.assertIn('choose "delvegate: app"', said)
        launch, tasks = self.configurations()
        self.assertEqual(launch, {"delvegate: app": {
            "name": "delvegate: app", "type": "go", "request": "attach", "debugAdapter": "dlv-dap", "mode": "remote",
            "host": "127.0.0.1", "port": 2345, "preLaunchTask": "delvegate: connect app", "substitutePath": [
                {"from": "${workspaceFolder}/gen", "to": "/build/gen"}, {"from": "/usr/lib/go", "to": "/go"}]}})
        task = tasks["delvegate: connect app"]
        self.assertEqual(os.path.realpath(tools.delvegate()), task["command"])
        self.assertEqual(task["args"], ["connect", "app", "--listen", "127.0.0.1:2345", "--gateway", "node1.example:7443",
                                        "--identity", "${workspaceFolder}/keys", "--source", "${workspaceFolder}"])
        self.assertEqual((task["type"], task["isBackground"]), ("process", True))
        self.assertEqual(self.ide("vscode", "app", "--gateway", "node1.example:7443", "--identity", "keys", "--map", "./gen=/build/gen",
                                  "--map", "/usr/lib/go=/go").count(": unchanged\n"), 2)

    def test_what_connect_would_refuse_is_not_written(self):
        for words, pattern in ((("--via", "ssh://-oX"), "ssh"), (("--gateway", "http://x"), "--gateway wants HOST"), (("--gateway", "a:b"), "--gateway wants HOST"),
                               (("--context", "nosuch"), "there is no context"), (("--kube-context", "x"), "--kubeconfig")):
            self.refused(pattern, "vscode", "app", *words, code=2)
            self.refused(pattern, "goland", "app", "--print", *words, code=2)
        self.assertEqual(self.tree(), {})

    def test_what_is_missing_yet_is_said(self):
        self.assertRegex(self.ide("vscode", "app"), r"first: no gateway is known here: enrol with .*\n.*press F5")
        words = ("--gateway", "node1", "--identity", "keys")
        self.assertRegex(self.ide("goland", "app", *words), r"first: there is no keys/ca\.crt: copy the identity there")
        os.mkdir(self.path("keys"))
        for name in ("ca.crt", "client.crt", "client.key"):
            self.write(f"keys/{name}", "")
        self.assertNotIn("first: ", self.ide("goland", "app", *words))

    def test_another_folder_by_now(self):
        """What knows that these files were made by delvegate is by the folder's name."""
        for kind in ("vscode", "goland"):
            self.ide(kind, "app", "--gateway", "node1")
        moved = self.folder + "-moved"
        os.rename(self.folder, moved)
        self.folder = moved
        for kind in ("vscode", "goland"):
            self.ide(kind, "app", "--remove")
        self.assertEqual([name for name, text in self.tree().items() if text is not None], [])

    def test_the_name_is_enough_where_path_finds_it(self):
        os.symlink(os.path.realpath(tools.delvegate()), os.path.join(self.home, "delvegate"))
        self.ide("vscode", "app", environment={"PATH": f"{self.home}:/usr/bin"})
        self.assertEqual(self.configurations()[1]["delvegate: connect app"]["command"], "delvegate")

    def test_all_else_stays_and_comes_back_byte_for_byte(self):
        for name, text in PROJECTS.items():
            with self.subTest(name):
                shutil.rmtree(self.path(".vscode"), ignore_errors=True)
                if text is not None:
                    self.write(LAUNCH, text)
                before = self.tree()
                theirs = []
                if text:
                    theirs = node.settings(self.path(LAUNCH))[0].get("configurations", [])
                self.ide("vscode", "app")
                self.ide("vscode", "web")
                launch = node.settings(self.path(LAUNCH))[0]
                self.assertEqual(launch["configurations"][:len(theirs)], theirs)
                self.assertEqual([one["name"] for one in launch["configurations"][len(theirs):]], ["delvegate: app", "delvegate: web"])
                # Nothing but white space of theirs has gone.
                changes = difflib.SequenceMatcher(None, text or "", self.read(LAUNCH), autojunk=False).get_opcodes()
                self.assertEqual([text[i:j] for tag, i, j, _, _ in changes if tag in ("delete", "replace") and text[i:j].strip()], [])
                if text and "\r\n" in text:
                    self.assertNotIn("\n", self.read(LAUNCH).replace("\r\n", ""))
                self.ide("vscode", "app", "--remove")
                self.assertEqual([one["name"] for one in node.settings(self.path(LAUNCH))[0]["configurations"][len(theirs):]], ["delvegate: web"])
                self.ide("vscode", "--remove")
                self.assertEqual(self.tree(), before)
                self.assertIn("there is nothing of delvegate's", self.ide("vscode", "--remove"))

    def test_what_others_write_meanwhile_stays(self):
        self.write(LAUNCH, PROJECTS["comments"])
        self.ide("vscode", "app")
        mine = self.read(LAUNCH).replace('"host": "127.0.0.1",', '"host": "127.0.0.1", "stopOnEntry": true, // wait').replace('"Launch"', '"Renamed"')
        self.write(LAUNCH, mine)
        self.ide("vscode", "app", "--port", "4000")
        launch, tasks = self.configurations()
        self.assertEqual((launch["delvegate: app"]["port"], launch["delvegate: app"]["stopOnEntry"]), (4000, True))
        self.assertIn("127.0.0.1:4000", tasks["delvegate: connect app"]["args"])
        self.assertEqual(self.read(LAUNCH), mine.replace("2345", "4000"))
        self.ide("vscode", "app", "--remove")
        self.assertEqual(self.read(LAUNCH), PROJECTS["comments"].replace('"Launch"', '"Renamed"'))
        self.assertFalse(os.path.exists(self.path(TASKS)))

    def test_without_its_memory_it_takes_out_the_entry_all_the_same(self):
        self.write(LAUNCH, PROJECTS["comments"])
        self.ide("vscode", "app")
        shutil.rmtree(os.path.join(self.home, ".config"))
        self.ide("vscode", "--remove")
        self.assertEqual(self.read(LAUNCH), PROJECTS["comments"])
        self.assertFalse(os.path.exists(self.path(TASKS)))

    def test_what_it_does_not_understand_it_leaves_alone(self):
        for file, text, pattern in (
                (LAUNCH, '{\n  "configurations": [\n', "launch.json: line 3: an array has no end; delvegate leaves it alone"),
                (LAUNCH, '{"configurations": {}}', '"configurations" is no list'),
                (LAUNCH, "[]", "it is no object"),
                (LAUNCH, '{"configurations": [], "configurations": []}', "is there twice"),
                (LAUNCH, '{"version": "0.1.0", "configurations": []}', "its version is not 0.2.0"),
                (TASKS, '{"version": "0.1.0", "tasks": []}', "its version is not 2.0.0"),
                (LAUNCH, '{"configurations": [{"name": "delvegate: app", "type": "node"}]}', "that is not delvegate's; give it another name"),
                (TASKS, '{"tasks": [{"label": "delvegate: connect app", "type": "shell"}]}', "that is not delvegate's; give it another name")):
            with self.subTest(text):
                shutil.rmtree(self.path(".vscode"), ignore_errors=True)
                self.write(file, text)
                before = self.tree()
                self.refused(pattern, "vscode", "app")
                self.assertEqual(self.tree(), before)

    def test_print_writes_nothing(self):
        before = self.tree()
        launch, tasks = self.ide("vscode", "app", "--print").split("// in .vscode/tasks.json\n")
        for name, text, entries in (("l.json", launch, "configurations"), ("t.json", tasks, "tasks")):
            with open(os.path.join(self.home, name), "w", encoding="utf-8") as file:
                file.write(text)
            self.assertEqual(len(node.settings(os.path.join(self.home, name))[0][entries]), 1)
        self.assertEqual(self.tree(), before)
        self.assertFalse(os.path.exists(os.path.join(self.home, ".config")))

    def test_each_component_has_a_port_of_its_own(self):
        self.write(LAUNCH, '{"configurations": [{"name": "x", "port": 2346}]}')
        self.ide("vscode", "app")
        self.ide("vscode", "web")
        self.ide("goland", "web")
        self.ide("goland", "db")
        launch, _ = self.configurations()
        self.assertEqual((launch["delvegate: app"]["port"], launch["delvegate: web"]["port"]), (2345, 2347))
        self.assertIn('port="2347"', self.read(".run/web.run.xml"))
        self.assertIn('port="2348"', self.read(".run/db.run.xml"))

    def test_another_project_has_other_ports(self):
        self.ide("vscode", "app")
        first, self.folder = self.folder, os.path.join(self.home, "another")
        os.mkdir(self.folder)
        self.ide("goland", "web")
        self.assertIn('port="2346"', self.read(".run/web.run.xml"))
        self.ide("vscode", "web")
        self.assertEqual(self.configurations()[0]["delvegate: web"]["port"], 2346)
        shutil.rmtree(first)
        self.ide("vscode", "db")
        self.assertEqual(self.configurations()[0]["delvegate: db"]["port"], 2345)

    def test_what_is_told_for_scripts_without_writing(self):
        said = json.loads(self.ide("vscode", "app", "--print", "--output", "json"))
        self.assertEqual([one["file"] for one in said["files"]], [self.path(LAUNCH), self.path(TASKS)])
        self.assertEqual(json.loads(said["files"][0]["text"])["configurations"][0]["name"], "delvegate: app")
        self.assertEqual(self.tree(), {})

    def test_paths_that_are_known_stay(self):
        self.ide("vscode", "app", "--map", "src=/build")
        rules = self.configurations()[0]["delvegate: app"]["substitutePath"]
        self.assertEqual(len(rules), 1)
        self.ide("vscode", "app", "--port", "4000")
        entry = self.configurations()[0]["delvegate: app"]
        self.assertEqual((entry["port"], entry["substitutePath"]), (4000, rules))

    def test_an_entry_that_its_user_has_changed_goes_with_its_file(self):
        self.ide("vscode", "app")
        self.write(LAUNCH, self.read(LAUNCH).replace("2345", "4000"))
        self.ide("vscode", "--remove")
        self.assertEqual(self.tree(), {})

    def test_a_link_stays_a_link(self):
        os.makedirs(self.path(".vscode"))
        os.mkdir(os.path.join(self.home, "dotfiles"))
        target = os.path.join(self.home, "dotfiles", "launch.json")
        with open(target, "w", encoding="utf-8") as file:
            file.write(PROJECTS["comments"])
        os.symlink(target, self.path(LAUNCH))
        self.ide("vscode", "app")
        self.assertTrue(os.path.islink(self.path(LAUNCH)))
        self.assertIn("delvegate: app", self.configurations()[0])
        self.ide("vscode", "app", "--remove")
        self.assertEqual((os.path.islink(self.path(LAUNCH)), self.read(LAUNCH)), (True, PROJECTS["comments"]))
        os.unlink(target)
        self.refused("is a link that leads nowhere", "vscode", "app")

    def test_a_command_line_that_makes_no_sense(self):
        self.refused("no component's name", "vscode", "No_Name", code=2)
        self.refused("--map nonsense is no rule", "vscode", "app", "--map", "nonsense", code=2)
        self.refused("no go.mod", "vscode", "app", "--source", self.folder, code=2)
        self.refused("is not a directory", "vscode", "app", "--folder", self.path("none"), code=2)
        self.refused("--port", "neovim", "app", "--port", "1", code=2)
        self.refused("--print", "vscode", "app", "--print", "--remove", code=2)
        self.refused("which gateway?", "vscode", code=2)

    def test_it_writes_where_the_sources_are(self):
        os.mkdir(self.path("sub"))
        self.write("sub/go.mod", "module example.com/sub\n")
        self.ide("vscode", "app", "--source", "sub")
        self.assertEqual(sorted(os.listdir(self.path("sub/.vscode"))), ["launch.json", "tasks.json"])
        self.ide("vscode", "app", "--source", "sub", "--folder", ".")
        self.assertEqual(self.configurations()[1]["delvegate: connect app"]["args"][-2:], ["--source", "${workspaceFolder}/sub"])

    def test_for_scripts(self):
        said = json.loads(self.ide("vscode", "app", "--output", "json"))
        self.assertEqual(said, {"files": [{"file": self.path(LAUNCH), "change": "written"}, {"file": self.path(TASKS), "change": "written"}]})
        said = json.loads(self.ide("vscode", "--remove", "--output", "json"))
        self.assertEqual({one["change"] for one in said["files"]}, {"deleted"})


class GoLand(Project):
    REMOTE, SCRIPT = ".run/app.run.xml", ".run/app.connect.run.xml"

    def configuration(self, name):
        root = xml.etree.ElementTree.fromstring(self.read(name))
        self.assertEqual((root.tag, root.get("name")), ("component", "ProjectRunConfigurationManager"))
        return root.find("configuration")

    def test_what_is_written_and_taken_out(self):
        before = self.tree()
        given = ("--gateway", "node1.example", "--identity", "keys", "--map", '/a "b&<=/c')
        self.assertIn('choose "delvegate: app" in GoLand and press Debug', self.ide("goland", "app", *given))
        remote, script = self.configuration(self.REMOTE), self.configuration(self.SCRIPT)
        self.assertEqual({name: remote.get(name) for name in ("name", "type", "factoryName", "port", "host")},
                         {"name": "delvegate: app", "type": "GoRemoteDebugConfigurationType", "factoryName": "Go Remote", "port": "2345", "host": None})
        self.assertEqual(remote.find("disconnect").get("value"), "LEAVE")
        (first,) = remote.find("method")
        self.assertEqual(first.attrib, {"name": "RunConfigurationTask", "enabled": "true", "run_configuration_name": script.get("name"),
                                        "run_configuration_type": script.get("type")})
        self.assertEqual(script.get("type"), "ShConfigurationType")
        options = {one.get("name"): one.get("value") for one in script.findall("option")}
        self.assertEqual((options["EXECUTE_SCRIPT_FILE"], options["EXECUTE_IN_TERMINAL"], options["SCRIPT_WORKING_DIRECTORY"]),
                         ("false", "false", "$PROJECT_DIR$"))
        self.assertEqual(shlex.split(options["SCRIPT_TEXT"])[1:],
                         ["connect", "app", "--background", "--listen", "127.0.0.1:2345", "--gateway", "node1.example", "--identity", "./keys",
                          "--map", '/a "b&<=/c'])
        printed = self.ide("goland", "app", *given, "--print")
        self.assertEqual(printed, "".join(f"<!-- {name} -->\n" + self.read(name) for name in (self.REMOTE, self.SCRIPT)))
        self.assertEqual(self.ide("goland", "app", *given).count(": unchanged\n"), 2)
        self.ide("goland", "app", "--port", "4000")
        self.assertIn('port="4000"', self.read(self.REMOTE))
        self.assertIn("127.0.0.1:4000", self.read(self.SCRIPT))
        self.ide("goland", "--remove")
        self.assertEqual(self.tree(), before)

    def test_a_script_that_somebody_has_changed_stays(self):
        self.ide("goland", "app")
        self.write(self.SCRIPT, self.read(self.SCRIPT).replace("--background", "--background --idle 2h"))
        before = self.tree()
        self.refused("is not as delvegate wrote it", "goland", "app", "--port", "4000")
        self.refused("has been changed since delvegate wrote it", "goland", "app", "--remove")
        self.assertEqual(self.tree(), before)

    def test_what_goland_has_saved_anew_keeps_all_but_its_port(self):
        self.ide("goland", "app")
        saved = self.read(self.REMOTE).replace('port="2345"', 'host="localhost" port="2345"').replace("LEAVE", "ASK")
        self.write(self.REMOTE, saved)
        self.ide("goland", "app", "--port", "4000")
        self.assertEqual(self.read(self.REMOTE), saved.replace("2345", "4000"))
        self.assertIn("127.0.0.1:4000", self.read(self.SCRIPT))
        before = self.tree()
        for component in (["app"], []):
            self.refused("has been changed since delvegate wrote it", "goland", *component, "--remove")
        self.assertEqual(self.tree(), before)

    def test_a_project_of_before_connect_was_started(self):
        self.ide("goland", "app", "--port", "4000")
        text = self.read(self.REMOTE)
        start = text.index('<method v="2">')
        os.unlink(self.path(self.SCRIPT))
        self.write(self.REMOTE, text[:start] + '<method v="2" />' + text[text.index("</method>") + len("</method>"):])
        self.ide("goland", "--remove")
        self.assertFalse(os.path.exists(self.path(self.REMOTE)))


class Neovim(Project):
    def test_what_is_written_and_taken_out(self):
        self.write("go.mod", "module example.com/app\n")
        before = self.tree()
        self.ide("neovim", "app", "--map", 'gen"\\=/build')
        text = self.read(".nvim/delvegate-app.lua")
        self.assertIn('"--source", folder }', text)
        self.assertIn('{ from = "gen\\"\\\\", to = "/build" }', text)
        self.assertEqual(self.ide("neovim", "app", "--print", "--map", 'gen"\\=/build'), text)
        self.write(".nvim/delvegate-app.lua", text + "-- mine\n")
        self.refused("has been changed since", "neovim", "app", "--remove")
        self.write(".nvim/delvegate-app.lua", text)
        self.ide("neovim", "--remove")
        self.assertEqual(self.tree(), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
