"""The stand-ins, built as Kubernetes is: a stripped, optimised copy for the containers, one for the debugger, both
stamped with a version."""

import functools
import hashlib
import os
import subprocess

from .. import debuggee, tools

SOURCE = os.path.join(tools.ROOT, "tests", "support", "debuggees", "kubernetes")
VERSION = "v1.34.1"
MARKERS = {"kube-scheduler": os.path.join(SOURCE, "pkg", "scheduler", "scheduler.go"),
           "kubelet": os.path.join(SOURCE, "pkg", "kubelet", "kubelet.go")}
BREAKPOINTS = {"kube-scheduler": "k8s.io/kubernetes/pkg/scheduler.(*Scheduler).scheduleOne",
               "kube-controller-manager": "k8s.io/kubernetes/pkg/scheduler.(*Scheduler).scheduleOne",
               "kube-proxy": "k8s.io/kubernetes/pkg/proxy/iptables.(*Proxier).syncProxyRules",
               "kubelet": "k8s.io/kubernetes/pkg/kubelet.(*Kubelet).syncLoopIteration"}


@functools.lru_cache(maxsize=None)
def _digest(go, *words):
    digest = hashlib.sha256(subprocess.run([go, "version"], capture_output=True, check=True).stdout)
    digest.update("\0".join(words).encode())
    for folder, folders, files in os.walk(SOURCE):
        folders.sort()
        for name in sorted(files):
            digest.update(os.path.join(folder, name).encode() + b"\0" + debuggee.contents(os.path.join(folder, name)))
    return digest.hexdigest()[:16]


def build(command, debug, version=VERSION, gcflags="all=-N -l"):
    """Path of a program below cmd; debug: with what a debugger needs, or as it is released."""
    go = tools.delve().go
    stamp = f"-X k8s.io/component-base/version.gitVersion={version}"
    options = ["-gcflags", gcflags, "-ldflags", stamp] if debug else ["-trimpath", "-ldflags", f"-s -w {stamp}"]
    name = f"{command}-{'debug' if debug else 'release'}-{_digest(go, *options)}"
    target = os.path.join(debuggee.cache_directory(), name)
    with debuggee.locked(name):
        if not os.path.exists(target):
            env = dict(os.environ, GOFLAGS="", GOWORK="off", CGO_ENABLED="0", GOTOOLCHAIN="local")
            env.setdefault("GOCACHE", os.path.join(debuggee.cache_directory(), "go-build"))
            result = subprocess.run([go, "build", "-buildvcs=false", *options, "-o", target + ".new", f"./cmd/{command}"],
                                    cwd=SOURCE, env=env, capture_output=True, text=True)
            if result.returncode:
                raise AssertionError(f"go build of {command} failed\n{result.stderr}")
            os.rename(target + ".new", target)
    return target
