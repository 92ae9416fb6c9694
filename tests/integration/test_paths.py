"""Each viewer in the paths of its own checkout: rules of `connect --map` and of a DAP attach, guesses from a checkout."""

import json
import os
import re
import subprocess
import unittest

from harness import case, dap, debuggee, waiting
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")
THERE = debuggee.SOURCE
ANN = "/home/ann/src/app"
BOB = "C:\\Users\\bob\\app"
HERE = {"Scope": {"GoroutineID": -1}}


class Paths(case.Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(maxViewers=8))

    def laptop(self, *arguments, who="alice", name="connect", gateway=None):
        return self.connect(gateway or self.gateway, who, name=name, arguments=arguments)

    def ann(self):
        return self.laptop("--map", f"{ANN}={THERE}", name="connect-ann")

    def stop_in_tick(self, client, file):
        client.set_breakpoint(file, TICK)
        state = client.command("continue")
        self.assertEqual(state["currentThread"]["line"], TICK)
        return state

    def no_leak(self, received, what):
        for one in received:
            self.assertNotIn(THERE, one if isinstance(one, str) else one.decode(), f"a path of the node's: {what}")


class JsonRpc(Paths):
    def test_every_reply_is_in_the_clients_paths(self):
        client = Rpc(self, self.ann().address)
        main = ANN + "/main.go"
        state = self.stop_in_tick(client, main)
        self.assertEqual(state["currentThread"]["file"], main)
        self.assertEqual(state["currentThread"]["breakPoint"]["file"], main)
        thread, goroutine = state["currentThread"]["id"], state["currentGoroutine"]["id"]
        self.assertEqual(client.state()["currentGoroutine"]["userCurrentLoc"]["file"], main)
        self.assertEqual(client.call("GetThread", {"Id": thread})["Thread"]["file"], main)
        self.assertIn(main, [t["file"] for t in client.call("ListThreads")["Threads"]])
        self.assertEqual(client.call("Stacktrace", {"Id": goroutine, "Depth": 10})["Locations"][0]["file"], main)
        goroutines = client.call("ListGoroutines", {"GroupBy": 2, "MaxGroupMembers": 5, "MaxGroups": 20,
                                                    "Filters": [{"Kind": 2, "Arg": main}]})
        self.assertEqual({g["userCurrentLoc"]["file"] for g in goroutines["Goroutines"]}, {main})
        self.assertIn(f"{main}:{TICK} in main.tick", [g["Name"] for g in goroutines["Groups"]])
        code = client.call("Disassemble", dict(HERE, StartPC=state["currentThread"]["pc"], EndPC=0, Flavour=1))["Disassemble"]
        self.assertIn(main, {line["Loc"]["file"] for line in code})
        found = client.call("FindLocation", dict(HERE, Loc=f"{main}:{TICK}"))
        self.assertEqual([(l["file"], l["line"]) for l in found["Locations"]], [(main, TICK)])
        self.assertEqual(client.call("ListSources", {"Filter": f"^{ANN}/.*"})["Sources"], [main])
        packages = client.call("ListPackagesBuildInfo", {"IncludeFiles": True})["List"]
        self.assertIn(main, [f for p in packages for f in p["Files"] or []])
        mine = [b for b in client.call("ListBreakpoints")["Breakpoints"] if b["line"] == TICK]
        self.assertEqual([b["file"] for b in mine], [main])
        self.assertEqual(client.call("GetBreakpoint", {"Id": mine[0]["id"]})["Breakpoint"]["file"], main)
        self.assertEqual(client.error("CreateBreakpoint", {"Breakpoint": {"file": ANN + "/none.go", "line": 1}}),
                         f"could not find file {ANN}/none.go")
        by_location = client.call("CreateBreakpoint", {"LocExpr": f"{main}:{debuggee.line('use')}", "Breakpoint": {}})
        self.assertEqual(by_location["Breakpoint"]["file"], main)
        again = client.send("CreateBreakpoint", {"Breakpoint": {"file": main, "line": TICK}})
        self.assertIn(f"{main}:{TICK}", json.dumps(client.reply(again)))
        client.call("AmendBreakpoint", {"Breakpoint": dict(mine[0], Cond="n > 0")})
        if self.delve.version >= (1, 21):
            client.call("ListTargets")
        client.call("Restart", {"Position": ""})
        self.stop_again(client, main)
        self.no_leak(client.lines, "JSON-RPC")

    def stop_again(self, client, file):
        self.assertEqual(client.command("continue")["currentThread"]["file"], file)

    def test_what_is_no_path_of_delves_stays(self):
        client = Rpc(self, self.ann().address)
        self.stop_in_tick(client, ANN + "/main.go")
        for text in (THERE + "/main.go", ANN + "/main.go"):
            shown = client.call("Eval", dict(HERE, Expr=json.dumps(text), Cfg={"MaxStringLen": 1000}))["Variable"]
            self.assertEqual(shown["value"], text)
        # A file elsewhere, and a function.
        sources = client.call("ListSources", {"Filter": "fmt/print.go$"})["Sources"]
        self.assertEqual(len(sources), 1)
        self.assertTrue(os.path.isfile(sources[0]), sources)
        self.assertEqual(client.call("FindLocation", dict(HERE, Loc="main.tick"))["Locations"][0]["file"], ANN + "/main.go")

    def test_while_the_program_runs(self):
        client = Rpc(self, self.ann().address)
        where = dict(HERE, Loc=f"{ANN}/main.go:{TICK}")
        before = client.call("FindLocation", where)
        running = client.resume()
        waiting.until("it runs", lambda: client.state()["Running"])
        self.assertEqual(client.call("FindLocation", where), before)  # kept, in the node's paths, for everybody
        self.assertEqual(client.set_breakpoint(ANN + "/main.go", TICK)["file"], ANN + "/main.go")
        self.assertEqual(client.result(running)["State"]["currentThread"]["file"], ANN + "/main.go")
        self.no_leak(client.lines, "while it runs")

    def test_dlv_connect(self):
        dlv = Terminal(self, [self.delve.dlv, "connect", self.ann().address]).prompt()
        self.assertIn(f"{ANN}/main.go:{TICK}", dlv.run(f"break {ANN}/main.go:{TICK}"))
        self.assertRegex(dlv.run("continue"), r"main\.tick\(\)")
        self.assertIn(f"{ANN}/main.go:{TICK}", dlv.run("stack"))
        self.assertIn(f"{ANN}/main.go:{TICK}", dlv.run("breakpoints"))
        self.assertEqual(re.findall(r"^/.*main\.go$", dlv.run("sources ann/src"), re.MULTILINE), [])  # no literal path of the client's
        self.assertIn(ANN + "/main.go", dlv.run(f"sources {ANN}"))
        self.no_leak([dlv.text], "dlv connect")

    def test_without_rules_the_paths_are_the_programs(self):
        client = Rpc(self, self.laptop().address)
        self.assertEqual(self.stop_in_tick(client, THERE + "/main.go")["currentThread"]["file"], THERE + "/main.go")


class VsCode(Paths):
    BOBS = [{"from": BOB, "to": THERE}]

    def bob(self, configure=None, rules=None, address=None, **more):
        viewer = Dap(self, address or self.laptop(who="bob", name="connect-bob").address)
        viewer.attach(lambda: configure and configure(viewer), stopOnEntry=True,
                      substitutePath=self.BOBS if rules is None else rules, **more)
        return viewer

    def breakpoints(self, viewer, path, *lines):
        return viewer.call("setBreakpoints", {"source": {"path": path}, "breakpoints": [{"line": line} for line in lines]})["breakpoints"]

    def top(self, viewer, start=0):
        _, stop = viewer.stopped(start)
        return stop["threadId"], viewer.call("stackTrace", {"threadId": stop["threadId"], "levels": 5})["stackFrames"][0]

    def test_every_message_is_in_the_clients_paths(self):
        viewer = self.bob()
        main = BOB + "\\main.go"
        self.assertEqual(self.breakpoints(viewer, "c:\\users\\BOB\\app/main.go", TICK)[0]["source"], {"name": "main.go", "path": main})
        named = viewer.call("setFunctionBreakpoints", {"breakpoints": [{"name": f"{main}:{debuggee.line('use')}"}]})["breakpoints"][0]
        self.assertTrue(named["verified"], named)
        self.assertEqual(named["source"]["path"], main)
        self.assertEqual(self.breakpoints(viewer, BOB + "\\none.go", 1)[0]["message"], f"could not find file {BOB}\\none.go")
        start = viewer.mark()
        viewer.call("continue", {"threadId": 1})
        thread, frame = self.top(viewer, start)
        self.assertEqual(frame["source"], {"name": "main.go", "path": main})
        code = viewer.call("disassemble", {"memoryReference": frame["instructionPointerReference"], "instructionCount": 3})["instructions"]
        self.assertIn(main, [line.get("location", {}).get("path") for line in code])
        sources = viewer.call("evaluate", {"expression": "dlv sources", "context": "repl"})["result"].splitlines()
        self.assertIn(main, sources)
        filtered = viewer.call("evaluate", {"expression": f"dlv sources {BOB}", "context": "repl"})["result"]
        self.assertEqual(filtered, main)
        # A log message is of its file, too.
        mark = viewer.mark()
        viewer.call("setBreakpoints", {"source": {"path": main}, "breakpoints": [{"line": TICK, "logMessage": "n is {n}"}]})
        viewer.call("setFunctionBreakpoints", {"breakpoints": []})
        viewer.call("continue", {"threadId": thread})
        logged = viewer.wait("a log message", lambda m: m.get("event") == "output" and "n is" in m["body"]["output"], mark)[1]
        self.assertEqual(logged["body"]["source"]["path"], main)
        self.no_leak([json.dumps(m) for m in viewer.messages], "DAP")

    def test_values_are_the_programs(self):
        viewer = self.bob()
        shown = viewer.call("evaluate", {"expression": json.dumps(THERE + "/main.go"), "context": "clipboard"})["result"]
        self.assertIn(THERE, shown)

    def test_rules_can_be_changed_at_any_time(self):
        viewer = self.bob(rules=[])
        def configured(rest):
            return viewer.call("evaluate", {"expression": "dlv config " + rest, "context": "repl"})["result"]
        self.breakpoints(viewer, THERE + "/main.go", TICK)
        start = viewer.mark()
        viewer.call("continue", {"threadId": 1})
        thread, frame = self.top(viewer, start)
        self.assertEqual(frame["source"]["path"], THERE + "/main.go")
        self.assertEqual(configured(f"substitutePath {ANN} {THERE}"), f"substitutePath\t[[{ANN} {THERE}]]\n\nUpdated")
        again = viewer.call("stackTrace", {"threadId": thread, "levels": 5})["stackFrames"][0]
        self.assertEqual(again["source"]["path"], ANN + "/main.go")
        self.assertIn(f"substitutePath\t[[{ANN} {THERE}]]\n", configured("-list"))
        self.assertEqual(configured("-list substitutePath"), f"substitutePath\t[[{ANN} {THERE}]]\n")
        self.assertIn("could not find rule", viewer.error("evaluate", {"expression": "dlv config substitutePath /nowhere"}))
        self.assertTrue(self.breakpoints(viewer, ANN + "/main.go", debuggee.line("use"))[0]["verified"])
        self.assertEqual(configured(f"substitutePath {ANN}"), "substitutePath\t[]\n\nUpdated")
        again = viewer.call("stackTrace", {"threadId": thread, "levels": 5})["stackFrames"][0]
        self.assertEqual(again["source"]["path"], THERE + "/main.go")

    def test_rules_of_the_ide_come_before_those_of_connect(self):
        laptop = self.laptop("--map", f"{ANN}={THERE}", "--map", f"/home/bob={os.path.dirname(THERE)}", who="bob")
        viewer = self.bob(address=laptop.address, rules=[{"from": "/ide", "to": THERE}])
        placed = self.breakpoints(viewer, ANN + "/main.go", TICK)[0]  # each of them leads there
        self.assertEqual(placed["source"]["path"], "/ide/main.go")
        plain = self.bob(address=laptop.address, rules=[])
        self.assertEqual(self.breakpoints(plain, ANN + "/main.go", debuggee.line("use"))[0]["source"]["path"], ANN + "/main.go")

    def test_more_rules_than_there_may_be(self):
        viewer = Dap(self, self.laptop(who="bob").address)
        viewer.call("initialize", dap.INITIALIZE)
        many = [{"from": f"/a{i}", "to": "/b"} for i in range(257)]
        self.assertIn("more than 256 rules", viewer.error("attach", {"mode": "remote", "substitutePath": many}))

    def test_a_guess_of_the_ides(self):
        """As golang.go sends it when its user gave no rules; dlv's own guess is of ≥ 1.24."""
        guess = {"clientGOROOT": "D:\\go", "importPathOfMainPackage": "delvegate.example/debuggee",
                 "clientModuleDirectories": {"delvegate.example/debuggee": BOB, "example.com/other": "E:\\other"}}
        viewer = self.bob(rules=[], guessSubstitutePath=guess)
        self.assertTrue(self.breakpoints(viewer, BOB + "\\main.go", TICK)[0]["verified"])
        start = viewer.mark()
        viewer.call("continue", {"threadId": 1})
        thread, frame = self.top(viewer, start)
        self.assertEqual(frame["source"]["path"], BOB + "\\main.go")
        frames = viewer.call("stackTrace", {"threadId": thread, "levels": 20})["stackFrames"]
        self.assertTrue(frames[-1]["source"]["path"].startswith("D:\\go\\src\\runtime\\"), frames[-1])

    def test_two_checkouts_share_one_breakpoint(self):
        ann = Rpc(self, self.ann().address)
        carl = Rpc(self, self.laptop("--map", f"/opt/carl={THERE}", name="connect-carl").address)
        bob = self.bob()
        set_by_ann = ann.set_breakpoint(ANN + "/main.go", TICK)
        # bob wants the same: he has it, or is told that it is there, as his file.
        answer = self.breakpoints(bob, BOB + "\\main.go", TICK)[0]
        self.assertIn(BOB + "\\main.go", answer["source"]["path"] if answer["verified"] else answer["message"])
        seen = [b for b in carl.call("ListBreakpoints")["Breakpoints"] if b["line"] == TICK]
        self.assertIn((set_by_ann["id"], "/opt/carl/main.go"), [(b["id"], b["file"]) for b in seen])
        start = bob.mark()
        ann.state()  # who was not told where it stands does not let it go on
        self.assertEqual(ann.command("continue")["currentThread"]["file"], ANN + "/main.go")
        self.assertEqual(carl.state()["currentThread"]["file"], "/opt/carl/main.go")
        self.assertEqual(self.top(bob, start)[1]["source"]["path"], BOB + "\\main.go")
        self.no_leak(ann.lines + carl.lines + [json.dumps(m) for m in bob.messages], "of three")


class Checkout(case.Case):
    """A program that was built from a repository elsewhere, vendored modules of Kubernetes' kind included."""

    MAIN = 'package main\n\nimport (\n\t"time"\n\n\t"k8s.io/demo/work"\n)\n\nfunc main() {\n\tfor {\n\t\twork.Do(1)\n\t\ttime.Sleep(20 * time.Millisecond)\n\t}\n}\n'
    WORK = "package work\n\nvar sum int\n\n//go:noinline\nfunc Do(n int) {\n\tsum += n\n}\n"
    STAGED = "staging/src/k8s.io/demo"

    def write(self, root, name, text):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def git(self, root, *words):
        run = subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "safe.directory=*", "-C", root, *words],
                             env=dict(os.environ, HOME=self.directory), capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def sources(self, name, vendor=True):
        root = os.path.join(self.directory, name)
        self.write(root, "go.mod", "module k8s.io/kubernetes\n\ngo 1.19\n\nrequire k8s.io/demo v0.0.0\n\nreplace k8s.io/demo => ./" + self.STAGED + "\n")
        self.write(root, "cmd/app/main.go", self.MAIN)
        self.write(root, self.STAGED + "/go.mod", "module k8s.io/demo\n\ngo 1.19\n")
        self.write(root, self.STAGED + "/work/work.go", self.WORK)
        if vendor:
            self.write(root, "vendor/k8s.io/demo/work/work.go", self.WORK)
            self.write(root, "vendor/modules.txt", "# k8s.io/demo v0.0.0 => ./" + self.STAGED + "\n## explicit; go 1.19\nk8s.io/demo/work\n"
                       "# k8s.io/demo => ./" + self.STAGED + "\n")
        return root

    def setUp(self):
        super().setUp()
        self.there = self.sources("build")
        self.git(self.there, "init", "-q")
        self.git(self.there, "add", "-A")
        self.git(self.there, "commit", "-qm", "one")
        self.revision = self.git(self.there, "rev-parse", "HEAD")
        self.program = os.path.join(self.directory, "app")
        env = dict(os.environ, GOFLAGS="", GOWORK="off", CGO_ENABLED="0", GOTOOLCHAIN="local", HOME=self.directory,
                   GOCACHE=os.path.join(debuggee.cache_directory(), "go-build"))
        built = subprocess.run([self.delve.go, "build", "-buildvcs=true", "-gcflags", "all=-N -l", "-o", self.program, "./cmd/app"],
                               cwd=self.there, env=env, capture_output=True, text=True)
        self.assertEqual(built.returncode, 0, built.stderr)
        policy = os.path.join(self.directory, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write("bindings:\n  - {role: admin, users: [alice], components: [app]}\n  - {role: observer, users: [bob], components: [app]}\n...\n")
        self.gateway = self.serve(self.component(users=[], maxViewers=8, binary=self.program), policy=policy)
        self.here = self.sources("laptop", vendor=False)

    def laptop(self, *arguments, who="alice", name="connect"):
        return self.connect(self.gateway, who, name=name, arguments=arguments)

    def warnings(self, laptop):
        return [line for line in laptop.process.errors().splitlines() if "warning" in line]

    def commit(self, root, revision):
        self.write(root, ".git/HEAD", revision + "\n")

    def work(self):
        return os.path.join(self.here, self.STAGED, "work/work.go")

    def test_the_checkout_tells_the_rules(self):
        self.commit(self.here, self.revision)
        laptop = self.laptop("--source", self.here)
        client = Rpc(self, laptop.address)
        self.assertEqual(client.state()["Running"], False)
        client.set_breakpoint(self.work(), 7)
        state = client.command("continue")
        self.assertEqual(state["currentThread"]["file"], self.work())
        frames = client.call("Stacktrace", {"Id": -1, "Depth": 5})["Locations"]
        self.assertEqual(frames[1]["file"], os.path.join(self.here, "cmd/app/main.go"))
        self.assertEqual(self.warnings(laptop), [])
        viewer = Dap(self, laptop.address)
        viewer.attach(stopOnEntry=True)
        _, stop = viewer.stopped()
        self.assertEqual(viewer.call("stackTrace", {"threadId": stop["threadId"]})["stackFrames"][0]["source"]["path"], self.work())

    def test_a_checkout_of_another_revision(self):
        other = "0123456789" * 4
        self.commit(self.here, other)
        laptop = self.laptop("--source", self.here)
        for _ in range(2):
            client = Rpc(self, laptop.address)
            client.state()
        waiting.until("it is said", lambda: self.warnings(laptop))
        viewer = Dap(self, laptop.address)
        viewer.attach(stopOnEntry=True)
        told = viewer.wait("a warning", lambda m: m.get("event") == "output" and "lines may be off" in m["body"]["output"])[1]
        self.assertIn(self.revision[:12], told["body"]["output"])
        self.assertEqual(len(self.warnings(laptop)), 1)  # once
        self.assertIn(f"built from revision {self.revision[:12]}, and the checkout is at {other[:12]}", self.warnings(laptop)[0])

    def test_a_checkout_of_something_else(self):
        self.write(self.here, "go.mod", "module example.com/else\n")
        laptop = self.laptop("--source", self.here)
        Rpc(self, laptop.address).state()
        waiting.until("it is said", lambda: any("nothing of app's program" in w for w in self.warnings(laptop)))

    def test_a_program_that_runs_is_asked_at_its_next_stop(self):
        driver = Rpc(self, self.laptop(name="driver").address)
        running = driver.resume()
        waiting.until("it runs", lambda: driver.state()["Running"])
        client = Rpc(self, self.laptop("--source", self.here).address)
        self.assertTrue(client.state()["Running"])  # joining has not halted it
        self.assertFalse(driver.answered(running))
        waiting_for_it = client.send("State", {"NonBlocking": False})
        client.call("CreateBreakpoint", {"Breakpoint": {"file": self.work(), "line": 7}})  # halts it anyway
        self.assertEqual(client.result(waiting_for_it)["State"]["currentThread"]["file"], self.work())
        self.assertEqual(driver.result(running)["State"]["currentThread"]["file"], os.path.join(self.there, "vendor/k8s.io/demo/work/work.go"))

    def test_nobody_halts_it_to_learn_who_sets_nothing(self):
        self.commit(self.here, "0123456789" * 4)  # that it is known shows by a warning
        driver = Rpc(self, self.laptop(name="driver").address)
        running = driver.resume()
        waiting.until("it runs", lambda: driver.state()["Running"])
        bobs = self.laptop("--source", self.here, who="bob", name="bob")
        watcher = Rpc(self, bobs.address)
        self.assertIn("may not", watcher.error("CreateBreakpoint", {"Breakpoint": {"file": self.work(), "line": 7}}))
        ide = Dap(self, bobs.address)
        ide.attach()
        refused = ide.call("setBreakpoints", {"source": {"path": self.work()}, "breakpoints": [{"line": 7}]})["breakpoints"][0]
        self.assertIn("may not", refused["message"])
        alices = self.laptop("--source", self.here, name="alice")
        joining = Dap(self, alices.address)
        joining.attach(lambda: joining.call("setFunctionBreakpoints", {"breakpoints": []}))
        self.assertEqual(self.warnings(bobs) + self.warnings(alices), [])
        self.assertFalse(driver.answered(running))
        joining.call("setBreakpoints", {"source": {"path": self.work()}, "breakpoints": [{"line": 7}]})
        waiting.until("it is known", lambda: self.warnings(alices))
        driver.result(running)
        watcher.state()
        waiting.until("it is known to him, too", lambda: self.warnings(bobs))

    def test_the_other_name_of_a_vendored_file(self):
        """What the person opens is under staging, what was compiled under vendor; both ways, and by every request."""
        rule = ("--map", f"{self.here}={self.there}")
        client = Rpc(self, self.laptop(*rule).address)
        made = client.set_breakpoint(self.work(), 7)
        self.assertEqual(made["file"], self.work())
        self.assertEqual(client.command("continue")["currentThread"]["file"], self.work())
        asking = Rpc(self, self.laptop(*rule, name="asking").address)
        found = asking.call("FindLocation", dict(HERE, Loc=f"{self.work()}:7"))["Locations"]
        self.assertEqual([l["file"] for l in found], [self.work()])
        self.assertEqual(asking.state()["currentThread"]["file"], self.work())
        none = os.path.join(self.here, self.STAGED, "work/none.go")
        self.assertEqual(asking.error("CreateBreakpoint", {"Breakpoint": {"file": none, "line": 7}}), f"could not find file {none}")
        asking.error("FindLocation", dict(HERE, Loc=f"{none}:7"))
        viewer = Dap(self, self.laptop(name="bob").address)
        viewer.attach(stopOnEntry=True, substitutePath=[{"from": "C:\\k", "to": self.there}])
        client.call("ClearBreakpoint", {"Id": made["id"]})
        bobs = "C:\\k\\staging\\src\\k8s.io\\demo\\work\\work.go"
        placed = viewer.call("setBreakpoints", {"source": {"path": bobs}, "breakpoints": [{"line": 7}]})["breakpoints"][0]
        self.assertTrue(placed["verified"], placed)
        self.assertEqual(placed["source"]["path"], bobs)
        named = Dap(self, self.laptop(name="carl").address)
        named.attach(stopOnEntry=True, substitutePath=[{"from": "C:\\k", "to": self.there}])
        by_location = named.call("setFunctionBreakpoints", {"breakpoints": [{"name": bobs + ":7"}]})["breakpoints"][0]
        self.assertTrue(by_location["verified"], by_location)
        self.assertEqual(by_location["source"]["path"], bobs)
        _, stop = viewer.stopped()
        self.assertEqual(viewer.call("stackTrace", {"threadId": stop["threadId"]})["stackFrames"][0]["source"]["path"], bobs)


if __name__ == "__main__":
    unittest.main()
