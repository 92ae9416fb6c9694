"""npm, for what a lock file names."""

import os
import subprocess

from . import tools

ATTEMPTS = 3  # a network is not always there


def install(directory, node=None):
    """Packages beside the package-lock.json of a folder. What `scripts/install-deps test` has fetched comes from npm's cache. npm runs
    by the Node that it came with, whatever its version: nothing of the packages runs at installation. `node` is for where there is none."""
    command = [tools.find("DELVEGATE_NPM", "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=5"]
    path = os.environ["PATH"] + (os.pathsep + os.path.dirname(node) if node else "")
    said = []
    for _ in range(ATTEMPTS):
        result = subprocess.run(command, cwd=directory, env=dict(os.environ, PATH=path), capture_output=True, text=True)
        if result.returncode == 0:
            return
        said.append(result.stdout + result.stderr)
    raise AssertionError(f"npm ci failed {ATTEMPTS} times in {directory}\n" + "\n".join(said))
