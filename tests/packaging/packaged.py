"""Makes the Debian package of a build, for the tests of it."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(*command, **more):
    return subprocess.run(command, **{"capture_output": True, "text": True, "check": True, **more})


def make(build, output, **more):
    """The package's path; beside it is delvegate.spdx.json."""
    made = run(os.path.join(ROOT, "scripts", "package"), "--build", build, "--output", output, check=False, **more)
    if made.returncode:
        raise AssertionError(f"scripts/package failed\n{made.stdout}{made.stderr}")
    return made.stdout.split()[-1]


def cached(build, key):
    """What CMake has noted of a build."""
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        for line in file:
            if line.startswith(f"{key}:"):
                return line.rstrip("\n").partition("=")[2]
    return ""
