"""Container images without a registry: an archive as `docker save` writes it, with one layer of files of this machine."""

import hashlib
import io
import json
import os
import subprocess
import tarfile

from harness import tools

REGISTRY = "registry.k8s.io"
PAUSE = f"{REGISTRY}/pause:3.10.1"
# What kube-proxy calls; kubeadm's image has them from Debian, too.
_OF_PROXY = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore", "conntrack",
             "nft")
_EXTENSIONS = "/usr/lib/x86_64-linux-gnu/xtables"


def name(component, build):
    """As kubeadm names it."""
    return f"{REGISTRY}/{component}:{build.etcd_version[1:] + '-0' if component == 'etcd' else build.version}"


class _Layer:
    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w")
        self.has = set()

    def folder(self, path):
        parts = path.strip("/").split("/")
        for count in range(1, len(parts) + 1):
            above = "/".join(parts[:count])
            if above and above not in self.has:
                self.has.add(above)
                entry = tarfile.TarInfo(above)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if above == "tmp" else 0o755
                self.tar.addfile(entry)

    def file(self, source, path):
        """A file of this machine as PATH of the image: its bytes, whatever links lead to it."""
        path = path.strip("/")
        if path in self.has:
            return
        self.folder(os.path.dirname(path))
        self.has.add(path)
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = os.path.getsize(source), 0o755
        with open(source, "rb") as file:
            self.tar.addfile(entry, file)

    def with_libraries(self, source, path):
        """The same of a program or library with all that it is linked with."""
        self.file(source, path)
        said = subprocess.run(["ldd", source], capture_output=True, text=True).stdout
        for line in said.splitlines():
            library = next((word for word in line.split() if word.startswith("/")), None)
            if library:
                self.file(library, library)

    def done(self):
        self.tar.close()
        return self.bytes.getvalue()


def _archive(path, tag, layer, entrypoint):
    digest = hashlib.sha256(layer).hexdigest()
    configuration = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": entrypoint, "WorkingDir": "/"},
                                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
                                "history": [{"created_by": "delvegate's tests"}]}).encode()
    named = hashlib.sha256(configuration).hexdigest() + ".json"
    manifest = json.dumps([{"Config": named, "RepoTags": [tag], "Layers": [f"{digest}/layer.tar"]}]).encode()
    with tarfile.open(path + ".new", "w") as archive:
        for entry, data in ((named, configuration), (f"{digest}/layer.tar", layer), ("manifest.json", manifest)):
            header = tarfile.TarInfo(entry)
            header.size, header.mode = len(data), 0o644
            archive.addfile(header, io.BytesIO(data))
    os.rename(path + ".new", path)
    return path


def _program(build, component):
    layer = _Layer()
    layer.folder("tmp")
    layer.file(build.stripped(component), f"/usr/local/bin/{component}")
    return layer


def _proxy(build):
    layer = _program(build, "kube-proxy")
    for command in _OF_PROXY:
        layer.with_libraries(tools.find("", command, f"/usr/sbin/{command}"), f"/usr/sbin/{command}")
    for extension in sorted(os.listdir(_EXTENSIONS)):
        if extension.endswith(".so"):
            layer.file(os.path.join(_EXTENSIONS, extension), f"{_EXTENSIONS}/{extension}")
    for file in ("/etc/protocols", "/etc/services"):
        if os.path.exists(file):
            layer.file(file, file)
    layer.folder("run")
    return layer


def assemble(build, folder):
    """Writes the archives of all images of a cluster into a folder: their paths."""
    made = []
    for component in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kube-proxy", "pause"):
        layer = _proxy(build) if component == "kube-proxy" else _program(build, component)
        tag = PAUSE if component == "pause" else name(component, build)
        made.append(_archive(os.path.join(folder, f"{component}.tar"), tag, layer.done(), [f"/usr/local/bin/{component}"]))
    return made
