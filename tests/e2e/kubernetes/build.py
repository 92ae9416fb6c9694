"""The programs of a cluster, from Go modules: once with what a debugger needs, and stripped copies for the containers.

One compilation makes all of Kubernetes, and `strip` the copies, so that both are the same program. What is built is
kept in the cache (cache.py), by the digest of all that decides how it comes out.
"""

import hashlib
import os
import re
import shutil
import subprocess
import time

from harness import debuggee, tools

from . import cache

COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet")
PROGRAMS = (*COMPONENTS, "kubectl")
CURRENT = "v1.35"
LINE = os.environ.get("DELVEGATE_KUBERNETES_LINE") or CURRENT
VERSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "versions")
GCFLAGS = "all=-N -l"
_PAUSE = """#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int number) { (void)number; _exit(0); }
static void reap(int number) { (void)number; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) { signal(SIGTERM, end); signal(SIGINT, end); signal(SIGCHLD, reap); for (;;) pause(); }
"""


class Build:
    """Where a version's programs are: debug(NAME) and stripped(NAME), for PROGRAMS, `etcd` and `pause`."""

    def __init__(self, folder, version, etcd_version):
        self.folder = folder
        self.version = version
        self.etcd_version = etcd_version
        self.minor = int(version.split(".")[1])

    def debug(self, name):
        return os.path.join(self.folder, "debug", name)

    def stripped(self, name):
        return os.path.join(self.folder, "stripped", name)


def versions():
    """Those that versions/ has, oldest first."""
    return sorted((name for name in os.listdir(VERSIONS) if name.startswith("v")),
                  key=lambda name: [int(part) for part in name[1:].split(".")])


def _required(module, name):
    with open(os.path.join(module, "go.mod"), encoding="utf-8") as file:
        return re.search(rf"^\s*(?:require )?{re.escape(name)} (v\S+)", file.read(), re.MULTILINE)[1]


def stamp(version):
    """What the release's own build stamps into its programs: kubelet, kubeadm and kubectl compare such versions."""
    major, minor = version.lstrip("v").split(".")[:2]
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {package}.{name}={value}" for package in packages for name, value in values.items())


def _environment():
    """Nothing that a user or a machine sets for Go changes what is built. The proxy they chose stays."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO_"))}
    kept.update({name: os.environ[name] for name in ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOMAXPROCS")
                 if name in os.environ})
    return dict(kept, GOPATH=cache.folder("gopath"), GOCACHE=cache.folder("go-build"), GOTOOLCHAIN="local", GOWORK="off",
                CGO_ENABLED="0", GOFLAGS="-mod=readonly -modcacherw -buildvcs=false")


def _go(module, *words):
    result = subprocess.run([tools.delve().go, *words], cwd=module, env=_environment(), capture_output=True, text=True)
    if result.returncode:
        raise AssertionError(f"go {' '.join(words)} failed in {module}\n{result.stdout}{result.stderr}")


def _digest(modules, version):
    digest = hashlib.sha256(subprocess.run([tools.delve().go, "version"], capture_output=True, check=True).stdout)
    digest.update(f"{GCFLAGS}\0{stamp(version)}\0{_PAUSE}".encode())
    for module in modules:
        for name in ("go.mod", "go.sum"):
            digest.update(debuggee.contents(os.path.join(module, name)))
    return digest.hexdigest()[:16]


def _compile(target, kubernetes, etcd, version):
    debug, stripped = os.path.join(target, "debug"), os.path.join(target, "stripped")
    os.makedirs(debug)
    os.makedirs(stripped)
    _go(kubernetes, "build", "-gcflags", GCFLAGS, "-ldflags", stamp(version), "-o", debug + os.sep,
        *(f"k8s.io/kubernetes/cmd/{name}" for name in PROGRAMS))
    # With the same flags: the standard library is compiled already.
    _go(etcd, "build", "-gcflags", GCFLAGS, "-ldflags", "-s -w", "-o", os.path.join(stripped, "etcd"),
        "go.etcd.io/etcd/server/v3")
    for name in PROGRAMS:
        subprocess.run([tools.find("STRIP", "strip"), "-o", os.path.join(stripped, name), os.path.join(debug, name)], check=True)
    os.unlink(os.path.join(debug, "kubectl"))
    subprocess.run([tools.find("CC", "gcc"), "-O1", "-static", "-x", "c", "-", "-o", os.path.join(stripped, "pause")],
                   input=_PAUSE, text=True, check=True)


def build(line=CURRENT):
    """The programs of a line of versions/, `v1.35`: at once when they are in the cache, else in many minutes."""
    kubernetes = os.path.join(VERSIONS, line)
    etcd = os.path.join(kubernetes, "etcd")
    version, etcd_version = _required(kubernetes, "k8s.io/kubernetes"), _required(etcd, "go.etcd.io/etcd/server/v3")
    name = f"{version}-{_digest((kubernetes, etcd), version)}"
    target = os.path.join(cache.folder(), name)
    with cache.locked(name):
        if not os.path.isdir(target):
            started = time.monotonic()
            print(f"building Kubernetes {version} and etcd {etcd_version}: once; __main__.py --help says how long", flush=True)
            shutil.rmtree(target + ".new", ignore_errors=True)
            _compile(target + ".new", kubernetes, etcd, version)
            os.rename(target + ".new", target)
            print(f"built in {time.monotonic() - started:.0f} s", flush=True)
    return Build(target, version, etcd_version)
