"""Runs a scenario of tests/integration/node with the real DAP client library."""

import json
import os
import shutil
import subprocess

from . import debuggee, npm, tools, waiting

SOURCE = os.path.join(tools.ROOT, "tests", "integration", "node")


def packages():
    """The folder with node_modules, installed from the lock file once per build tree."""
    target = os.path.join(debuggee.cache_directory(), "node")
    with debuggee.locked("node"):
        os.makedirs(target, exist_ok=True)
        with open(os.path.join(SOURCE, "package-lock.json"), "rb") as file:
            wanted = file.read()
        stamp = os.path.join(target, "installed")
        if debuggee.contents(stamp) != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(SOURCE, name), target)
            npm.install(target)
            with open(stamp, "wb") as file:
                file.write(wanted)
    return target


def run(scenario, address, delve, plain):
    """Its own deadline is a single one for the whole of it: it says what it saw last when that passes."""
    _run("scenarios.js", scenario, [address], delve, plain)


def tell(story, addresses, delve):
    """A story of stories.js, of as many people as there are addresses."""
    _run("stories.js", story, addresses, delve, False)


def _run(file, scenario, addresses, delve, plain):
    lines = {marker: debuggee.line(marker) for marker in ("tick", "use", "arrive", "sleep")}
    ports = [address.rpartition(":")[2] for address in addresses]
    environment = dict(os.environ, PORT=ports[0], PORTS=",".join(ports), SOURCE=debuggee.MAIN, LINES=json.dumps(lines),
                       PLAIN="1" if plain else "0", VERSION=str(delve), DEADLINE=str(waiting.DEADLINE), NODE_PACKAGES=packages())
    command = [tools.find("DELVEGATE_NODE", "node"), os.path.join(SOURCE, file), scenario]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=4 * waiting.DEADLINE)
    if result.returncode:
        raise AssertionError(f"{scenario} failed\n{result.stdout}{result.stderr}")


def _script(name, arguments, text=None):
    result = subprocess.run([tools.find("DELVEGATE_NODE", "node"), os.path.join(SOURCE, name), *arguments], input=text,
                            env=dict(os.environ, NODE_PACKAGES=packages()), capture_output=True, text=True, timeout=waiting.DEADLINE)
    if result.returncode:
        raise AssertionError(f"{name} {' '.join(arguments)} failed\n{result.stdout}{result.stderr}")
    return json.loads(result.stdout)


def settings(*files):
    """What VS Code's own parser reads in each; it has nothing to say against them."""
    return _script("jsonc.js", files)


def fitting(begins, ends, lines):
    """Which lines fit the patterns, as JavaScript understands them: two lists of numbers."""
    found = _script("jsonc.js", ["--patterns"], json.dumps({"begins": begins, "ends": ends, "lines": lines}))
    return found["begins"], found["ends"]
