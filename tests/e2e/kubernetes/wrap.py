"""Writes the module of a version of Kubernetes (versions/vX.Y): `python3 wrap.py v1.35.4 v3.6.6`, when one is added.

k8s.io/kubernetes says of its own staging modules only v0.0.0 and a folder that its zip does not have: each is replaced
by what is published. Everything else is required, and in older versions pinned, as it says itself, so that the programs
are those that are released.
"""

import os
import re
import subprocess
import sys
import tempfile

COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet")
HERE = os.path.dirname(os.path.abspath(__file__))


def go(*words, cwd):
    return subprocess.run(["go", *words], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True,
                          env=dict(os.environ, GOTOOLCHAIN="local", GOWORK="off", GOFLAGS="")).stdout


def original(version):
    with tempfile.TemporaryDirectory() as scratch:
        with open(os.path.join(scratch, "go.mod"), "w", encoding="ascii") as file:
            file.write("module scratch\n")
        said = go("mod", "download", "-json", f"k8s.io/kubernetes@{version}", cwd=scratch)
        with open(re.search(r'"GoMod": "([^"]+)"', said)[1], encoding="utf-8") as file:
            return file.read()


def kubernetes(version):
    text = original(version)
    staging = re.sub(r"^v1", "v0", version)
    names = re.findall(r"^\s*(k8s\.io/\S+) => \./staging/", text, re.MULTILINE)
    tools = "".join(f"\tk8s.io/kubernetes/cmd/{name}\n" for name in COMPONENTS)
    required = "".join(block for block in re.findall(r"^require \(\n.*?^\)\n", text, re.MULTILINE | re.DOTALL))
    required = re.sub(r"^(\s*k8s\.io/\S+) v0\.0\.0(?= |$)", rf"\1 {staging}", required, flags=re.MULTILINE)
    settings = "".join(line + "\n" for line in text.splitlines() if re.match(r"(go|godebug) ", line))
    pinned = re.findall(r"^\s*(\S+) => (\S+ v\S+)$", text, re.MULTILINE)
    replaced = "".join(f"\t{name} => {by}\n" for name, by in [*((name, f"{name} {staging}") for name in names), *pinned])
    return (f"module delvegate.test/kubernetes\n\n{settings}\ntool (\n{tools})\n\n"
            f"require k8s.io/kubernetes {version}\n\n{required}\nreplace (\n{replaced})\n")


def etcd(version):
    return (f"module delvegate.test/etcd\n\ngo 1.24.0\n\ntool go.etcd.io/etcd/server/v3\n\n"
            f"require go.etcd.io/etcd/server/v3 {version}\n")


def write(folder, text):
    folder = os.path.join(HERE, "versions", folder)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "go.mod"), "w", encoding="utf-8") as file:
        file.write(text)
    go("list", "-mod=mod", "-deps", "tool", cwd=folder)  # go.sum: what building needs, and no test of anybody's


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    minor = re.match(r"v1\.\d+", sys.argv[1])[0]
    write(minor, kubernetes(sys.argv[1]))
    write(os.path.join(minor, "etcd"), etcd(sys.argv[2]))
