"""Certificates, keys and kubeconfigs of a control plane, with the names and the owners that `kubeadm init` gives them.

Keys are ECDSA P-256, which kubeadm writes for `encryptionAlgorithm: ECDSA-P256`: they are made at once, RSA's are not.
"""

import base64
import os
import subprocess

from harness import tools
from harness.pki import Authority

from .form import yaml

DIRECTORY = "/etc/kubernetes"
KUBELET_CERTIFICATE = "/var/lib/kubelet/pki/kubelet-client-current.pem"
SERVICES = "10.96.0.0/12"
FIRST_SERVICE = "10.96.0.1"
ADMINISTRATORS = "kubeadm:cluster-admins"
_BOTH = "serverAuth,clientAuth"


def _text(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def _encoded(text):
    return base64.b64encode(text.encode()).decode()


class Pki:
    """{path on the node: text} in `files`; every file is for root alone but the certificates."""

    def __init__(self, scratch, node, address, minor):
        self.node, self.address = node, address
        # Since 1.29 what needs no rights to be granted first is a file of its own.
        self.administrators = ADMINISTRATORS if minor >= 29 else "system:masters"
        self.files = {}
        self.scratch = scratch
        kubernetes = self._authority("ca", "kubernetes")
        etcd = self._authority("etcd/ca", "etcd-ca")
        front = self._authority("front-proxy-ca", "front-proxy-ca")
        inside = ["DNS:" + "kubernetes.default.svc.cluster.local".rsplit(".", left)[0] for left in (4, 3, 2)]
        self._issue(kubernetes, "apiserver", "/CN=kube-apiserver", "serverAuth",
                    [f"DNS:{node}", *inside, "DNS:kubernetes.default.svc.cluster.local", f"IP:{FIRST_SERVICE}", f"IP:{address}"])
        self._issue(kubernetes, "apiserver-kubelet-client", f"/O={self.administrators}/CN=kube-apiserver-kubelet-client", "clientAuth")
        self._issue(front, "front-proxy-client", "/CN=front-proxy-client", "clientAuth")
        here = [f"DNS:{node}", "DNS:localhost", f"IP:{address}", "IP:127.0.0.1", "IP:::1"]
        for name in ("server", "peer"):
            self._issue(etcd, f"etcd/{name}", f"/CN={node}", _BOTH, here)
        self._issue(etcd, "etcd/healthcheck-client", "/CN=kube-etcd-healthcheck-client", "clientAuth")
        self._issue(etcd, "apiserver-etcd-client", "/CN=kube-apiserver-etcd-client", "clientAuth")
        self._service_account_key()
        self._kubeconfigs(kubernetes)

    def _authority(self, name, common_name):
        authority = Authority(os.path.join(self.scratch, common_name), common_name)
        self.files[f"{DIRECTORY}/pki/{name}.crt"] = _text(authority.certificate)
        self.files[f"{DIRECTORY}/pki/{name}.key"] = _text(authority.key)
        return authority

    def _issue(self, authority, name, subject, purpose, names=()):
        one = authority.issue(os.path.basename(name), subject, purpose, names)
        self.files[f"{DIRECTORY}/pki/{name}.crt"] = _text(one.certificate)
        self.files[f"{DIRECTORY}/pki/{name}.key"] = _text(one.key)

    def _service_account_key(self):
        openssl = tools.find("DELVEGATE_OPENSSL", "openssl")
        private = subprocess.run([openssl, "ecparam", "-name", "prime256v1", "-genkey", "-noout"], check=True,
                                 capture_output=True, text=True).stdout
        public = subprocess.run([openssl, "ec", "-pubout"], input=private, check=True, capture_output=True, text=True).stdout
        self.files[f"{DIRECTORY}/pki/sa.key"], self.files[f"{DIRECTORY}/pki/sa.pub"] = private, public

    def _kubeconfigs(self, authority):
        users = {"admin": ("kubernetes-admin", self.administrators),
                 "controller-manager": ("system:kube-controller-manager", None), "scheduler": ("system:kube-scheduler", None),
                 "kubelet": (f"system:node:{self.node}", "system:nodes")}
        if self.administrators == ADMINISTRATORS:
            users["super-admin"] = ("kubernetes-super-admin", "system:masters")
        for name, (user, group) in users.items():
            one = authority.issue(f"conf-{name}", (f"/O={group}" if group else "") + f"/CN={user}", "clientAuth")
            certificate, key = _text(one.certificate), _text(one.key)
            if name == "kubelet":
                self.files[KUBELET_CERTIFICATE] = certificate + key
                credentials = {"client-certificate": KUBELET_CERTIFICATE, "client-key": KUBELET_CERTIFICATE}
            else:
                credentials = {"client-certificate-data": _encoded(certificate), "client-key-data": _encoded(key)}
            self.files[f"{DIRECTORY}/{name}.conf"] = self._kubeconfig(user, credentials, _text(authority.certificate))

    def _kubeconfig(self, user, credentials, authority):
        context = f"{user}@kubernetes"
        return yaml({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": context,
            "clusters": [{"name": "kubernetes", "cluster": {"certificate-authority-data": _encoded(authority),
                                                            "server": f"https://{self.address}:6443"}}],
            "contexts": [{"name": context, "context": {"cluster": "kubernetes", "user": user}}],
            "users": [{"name": user, "user": credentials}]})
