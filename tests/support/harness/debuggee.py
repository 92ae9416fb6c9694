"""The Go program under test: built once per Go version, shared by all tests of a build tree."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile

from . import tools

SOURCE = os.path.join(tools.ROOT, "tests", "support", "debuggee")
MAIN = os.path.join(SOURCE, "main.go")


def cache_directory():
    path = os.environ.get("DELVEGATE_TEST_CACHE") or os.path.join(tempfile.gettempdir(),
                                                                   f"delvegate-tests-{os.getuid()}")
    os.makedirs(path, exist_ok=True)
    return path


def contents(path):
    """What is in a file, or nothing where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


@contextlib.contextmanager
def locked(name):
    with open(os.path.join(cache_directory(), name + ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(delve, source=SOURCE):
    """Path of the program built without optimisation by the Go that fits this dlv."""
    digest = hashlib.sha256(subprocess.run([delve.go, "version"], capture_output=True, check=True).stdout)
    for name in sorted(os.listdir(source)):
        with open(os.path.join(source, name), "rb") as file:
            digest.update(name.encode() + b"\0" + file.read())
    digest.update(source.encode())
    target = os.path.join(cache_directory(), f"{os.path.basename(source)}-{digest.hexdigest()[:16]}")
    with locked(os.path.basename(target)):
        if not os.path.exists(target):
            env = dict(os.environ, GOFLAGS="", GOWORK="off", CGO_ENABLED="0", GOTOOLCHAIN="local")
            env.setdefault("GOCACHE", os.path.join(cache_directory(), "go-build"))
            result = subprocess.run([delve.go, "build", "-gcflags", "all=-N -l", "-o", target + ".new", "."],
                                    cwd=source, env=env, capture_output=True, text=True)
            if result.returncode:
                raise AssertionError(f"go build failed\n{result.stderr}")
            os.rename(target + ".new", target)
    return target


def line(marker, file=MAIN):
    """Number of the line that carries `// marker: NAME`."""
    with open(file, encoding="utf-8") as text:
        numbers = [number for number, content in enumerate(text, 1) if content.rstrip().endswith("// marker: " + marker)]
    if len(numbers) != 1:
        raise AssertionError(f"marker {marker} occurs {len(numbers)} times in {file}")
    return numbers[0]
