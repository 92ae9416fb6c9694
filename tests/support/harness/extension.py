"""The VS Code extension of editors/vscode, built beside the tree: its packages come from the lock file, once per build tree."""

import os
import re
import shutil
import subprocess
import sys

from . import codeserver, debuggee, npm, tools

SOURCE = os.path.join(tools.ROOT, "editors", "vscode")
OLDEST_NODE = (20, 19)  # of eslint and esbuild's own tools


def _runs_tools(node):
    found = re.match(r"v(\d+)\.(\d+)", subprocess.run([node, "--version"], capture_output=True, text=True).stdout)
    return bool(found) and (int(found[1]), int(found[2])) >= OLDEST_NODE


def node():
    """A Node that is new enough: the one at hand, or that of scripts/editor-tools."""
    for name in (os.environ.get("DELVEGATE_NODE") or "node", codeserver.NODE):
        path = shutil.which(name)
        if path and _runs_tools(path):
            return path
    raise tools.Missing(f"no Node from {'.'.join(map(str, OLDEST_NODE))} on; set DELVEGATE_NODE, or run ./scripts/install-deps test")


class Workshop:
    """A copy of the sources with node_modules beside them; the tree itself stays clean."""

    def __init__(self):
        self.directory = os.path.join(debuggee.cache_directory(), "vscode-extension")
        self.vsix = os.path.join(self.directory, "dist", "delvegate.vsix")
        with debuggee.locked("vscode-extension"):
            self._copy()
            self._install()

    def _copy(self):
        os.makedirs(self.directory, exist_ok=True)
        for name in os.listdir(self.directory):
            if name not in ("node_modules", "installed"):
                path = os.path.join(self.directory, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        shutil.copytree(SOURCE, self.directory, ignore=shutil.ignore_patterns("node_modules", "dist"), dirs_exist_ok=True)

    def _install(self):
        wanted = debuggee.contents(os.path.join(SOURCE, "package-lock.json"))
        stamp = os.path.join(self.directory, "installed")
        if debuggee.contents(stamp) == wanted:
            return
        # Nothing of it runs at installation: esbuild's program is in a package of its own.
        npm.install(self.directory, node())
        with open(stamp, "wb") as file:
            file.write(wanted)

    def run(self, *command, **more):
        """The output; a failure is the test's, with all that was said."""
        path = os.path.dirname(node()) + os.pathsep + os.environ["PATH"]
        result = subprocess.run(command, cwd=self.directory, capture_output=True, text=True,
                                env=dict(os.environ, PATH=path, **more))
        if result.returncode:
            raise AssertionError(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
        return result.stdout

    def tool(self, script, *arguments, **more):
        """A program of the packages."""
        return self.run(node(), os.path.join("node_modules", script), *arguments, **more)

    def package(self):
        """Path of the .vsix."""
        self.run(node(), "build.mjs")
        self.tool("@vscode/vsce/vsce", "package", "--no-dependencies", "--allow-missing-repository", "--skip-license", "-o", self.vsix)
        return self.vsix


if __name__ == "__main__":
    shutil.copyfile(Workshop().package(), sys.argv[1])
