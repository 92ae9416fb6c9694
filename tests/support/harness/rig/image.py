"""The container image of packaging/container, of the build under test, on a base made here: no registry is asked."""

import os
import subprocess
import tempfile

from .. import tools
from . import debian, package

CONTAINERFILE = os.path.join(tools.ROOT, "packaging", "container", "Containerfile")
# The root of a container: no init, but what installs packages.
_BASE = ("apt",)


def _run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} failed\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


class Store:
    """Where buildah keeps images: a folder, gone at the end."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="delvegate-images-")
        self._common = [tools.find("BUILDAH", "buildah"), "--root", os.path.join(self.directory, "root"), "--runroot",
                        os.path.join(self.directory, "run"), "--storage-driver", "vfs"]

    def buildah(self, *words, **more):
        return _run(*self._common, *words, **more)

    def remove(self):
        _run("rm", "-rf", self.directory)

    def base(self):
        """A clean Debian as an image; its name."""
        container = self.buildah("from", "scratch")
        self.buildah("copy", container, debian.root(_BASE, node=()), "/")
        self.buildah("commit", "--rm", container, "localhost/debian-clean")
        return "localhost/debian-clean"

    def build(self, tag):
        """The image, with the package of this build."""
        context = os.path.join(self.directory, "context")
        os.makedirs(context)
        package.make(context)
        self.buildah("build", "--isolation", "chroot", "--network", "host", "--pull-never", "--build-arg", f"BASE={self.base()}",
                     "--file", CONTAINERFILE, "--tag", tag, context)
        return tag

    def export(self, tag, path):
        """As an archive that containerd takes."""
        self.buildah("push", tag, f"docker-archive:{path}:{tag}")
        return path
