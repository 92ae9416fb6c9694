"""The Debian package of the build under test, and others like it."""

import os
import subprocess

from .. import tools


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def make(directory):
    """Its path."""
    build = os.path.dirname(os.path.dirname(os.path.realpath(tools.delvegate())))
    return _run(os.path.join(tools.ROOT, "scripts", "package"), "--build", build, "--output", directory).split()[-1]


def as_version(package, version):
    """The same package under another version; its path."""
    folder = os.path.join(os.path.dirname(package), version)
    _run("dpkg-deb", "--raw-extract", package, folder)
    control = os.path.join(folder, "DEBIAN", "control")
    with open(control, encoding="utf-8") as file:
        lines = [f"Version: {version}\n" if line.startswith("Version:") else line for line in file]
    with open(control, "w", encoding="utf-8") as file:
        file.writelines(lines)
    _run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", folder, folder + ".deb")
    return folder + ".deb"
