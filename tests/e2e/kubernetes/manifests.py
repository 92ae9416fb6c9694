"""Static pods as kubeadm writes them into /etc/kubernetes/manifests: phases/controlplane and phases/etcd of its source,
as they are since version 1.34, and as they were in 1.24."""

from . import images
from .form import yaml
from .pki import SERVICES

DIRECTORY = "/etc/kubernetes/manifests"
PODS = "10.244.0.0/16"
PKI = "/etc/kubernetes/pki"
_AUTHORITIES = [("ca-certs", "/etc/ssl/certs"), ("etc-ca-certificates", "/etc/ca-certificates"),
                ("usr-local-share-ca-certificates", "/usr/local/share/ca-certificates"),
                ("usr-share-ca-certificates", "/usr/share/ca-certificates")]


def _probe(host, path, port, failures, scheme, often=False):
    probe = {"failureThreshold": failures, "httpGet": {"host": host, "path": path, "port": port, "scheme": scheme},
             "periodSeconds": 1 if often else 10, "timeoutSeconds": 15}
    return probe if often else dict(probe, initialDelaySeconds=10)


def _pod(build, name, arguments, port, requests, volumes, probes, annotations=None):
    """volumes: (name, path, type, read-only); probes: host, scheme, and the paths of livez, readyz (or none), startup."""
    host, scheme, live, ready, startup = probes
    old = _old(build)
    at = port if old else "probe-port"
    container = {
        "name": name, "image": images.name(name, build), "imagePullPolicy": "IfNotPresent",
        "command": [name, *(f"--{key}={arguments[key]}" for key in sorted(arguments))],
        "livenessProbe": _probe(host, live, at, 8, scheme), "startupProbe": _probe(host, startup, at, 24, scheme),
        "resources": {"requests": requests},
        "volumeMounts": [dict({"mountPath": path, "name": volume}, **({"readOnly": True} if read_only else {}))
                         for volume, path, _, read_only in sorted(volumes)]}
    if ready:
        container["readinessProbe"] = _probe(host, ready, at, 3, scheme, often=True)
    if not old:
        container["ports"] = [{"containerPort": port, "name": "probe-port", "protocol": "TCP"}]
    return yaml({
        "apiVersion": "v1", "kind": "Pod", "status": {},
        "metadata": dict({"labels": {"component": name, "tier": "control-plane"}, "name": name, "namespace": "kube-system"},
                         **({"annotations": annotations} if annotations else {}), **({"creationTimestamp": None} if old else {})),
        "spec": dict({"containers": [container], "hostNetwork": True, "priorityClassName": "system-node-critical",
                      "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                      "volumes": [{"hostPath": {"path": path, "type": kind}, "name": volume}
                                  for volume, path, kind, _ in sorted(volumes)]},
                     **({} if old else {"priority": 2000001000}))})


def _old(build):
    return build.minor < 34


def _certificates():
    return [("k8s-certs", PKI, "DirectoryOrCreate", True),
            *((name, path, "DirectoryOrCreate", True) for name, path in _AUTHORITIES)]


def etcd(build, node, address):
    urls = f"https://{address}:2379"
    feature = {"experimental-initial-corrupt-check": "true"} if _old(build) else {
        "feature-gates": "InitialCorruptCheck=true", "watch-progress-notify-interval": "5s"}
    return _pod(build, "etcd", {
        **feature,
        "advertise-client-urls": urls, "cert-file": f"{PKI}/etcd/server.crt", "client-cert-auth": "true",
        "data-dir": "/var/lib/etcd",
        "initial-advertise-peer-urls": f"https://{address}:2380", "initial-cluster": f"{node}=https://{address}:2380",
        "key-file": f"{PKI}/etcd/server.key", "listen-client-urls": f"https://127.0.0.1:2379,{urls}",
        "listen-metrics-urls": "http://127.0.0.1:2381", "listen-peer-urls": f"https://{address}:2380", "name": node,
        "peer-cert-file": f"{PKI}/etcd/peer.crt", "peer-client-cert-auth": "true", "peer-key-file": f"{PKI}/etcd/peer.key",
        "peer-trusted-ca-file": f"{PKI}/etcd/ca.crt", "snapshot-count": "10000", "trusted-ca-file": f"{PKI}/etcd/ca.crt"},
        2381, {"cpu": "100m", "memory": "100Mi"},
        [("etcd-certs", f"{PKI}/etcd", "DirectoryOrCreate", False), ("etcd-data", "/var/lib/etcd", "DirectoryOrCreate", False)],
        ("127.0.0.1", "HTTP", *(("/health", None, "/health") if _old(build) else ("/livez", "/readyz", "/readyz"))),
        {"kubeadm.kubernetes.io/etcd.advertise-client-urls": urls})


def apiserver(build, address):
    return _pod(build, "kube-apiserver", {
        "advertise-address": address, "allow-privileged": "true", "authorization-mode": "Node,RBAC",
        "client-ca-file": f"{PKI}/ca.crt", "enable-admission-plugins": "NodeRestriction", "enable-bootstrap-token-auth": "true",
        "etcd-cafile": f"{PKI}/etcd/ca.crt", "etcd-certfile": f"{PKI}/apiserver-etcd-client.crt",
        "etcd-keyfile": f"{PKI}/apiserver-etcd-client.key", "etcd-servers": "https://127.0.0.1:2379",
        "kubelet-client-certificate": f"{PKI}/apiserver-kubelet-client.crt",
        "kubelet-client-key": f"{PKI}/apiserver-kubelet-client.key",
        "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
        "proxy-client-cert-file": f"{PKI}/front-proxy-client.crt", "proxy-client-key-file": f"{PKI}/front-proxy-client.key",
        "requestheader-allowed-names": "front-proxy-client", "requestheader-client-ca-file": f"{PKI}/front-proxy-ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-", "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User", "secure-port": "6443",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local", "service-account-key-file": f"{PKI}/sa.pub",
        "service-account-signing-key-file": f"{PKI}/sa.key", "service-cluster-ip-range": SERVICES,
        "tls-cert-file": f"{PKI}/apiserver.crt", "tls-private-key-file": f"{PKI}/apiserver.key"},
        6443, {"cpu": "250m"}, _certificates(), (address, "HTTPS", "/livez", "/readyz", "/livez"),
        {"kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": f"{address}:6443"})


def controller_manager(build):
    configuration = "/etc/kubernetes/controller-manager.conf"
    return _pod(build, "kube-controller-manager", {
        "allocate-node-cidrs": "true", "authentication-kubeconfig": configuration, "authorization-kubeconfig": configuration,
        "bind-address": "127.0.0.1", "client-ca-file": f"{PKI}/ca.crt", "cluster-cidr": PODS, "cluster-name": "kubernetes",
        "cluster-signing-cert-file": f"{PKI}/ca.crt", "cluster-signing-key-file": f"{PKI}/ca.key",
        "controllers": "*,bootstrapsigner,tokencleaner", "kubeconfig": configuration, "leader-elect": "true",
        "requestheader-client-ca-file": f"{PKI}/front-proxy-ca.crt", "root-ca-file": f"{PKI}/ca.crt",
        "service-account-private-key-file": f"{PKI}/sa.key", "service-cluster-ip-range": SERVICES,
        "use-service-account-credentials": "true"},
        10257, {"cpu": "200m"},
        [*_certificates(), ("kubeconfig", configuration, "FileOrCreate", True),
         ("flexvolume-dir", "/usr/libexec/kubernetes/kubelet-plugins/volume/exec", "DirectoryOrCreate", False)],
        ("127.0.0.1", "HTTPS", "/healthz", None, "/healthz"))


def scheduler(build):
    configuration = "/etc/kubernetes/scheduler.conf"
    return _pod(build, "kube-scheduler", {
        "authentication-kubeconfig": configuration, "authorization-kubeconfig": configuration, "bind-address": "127.0.0.1",
        "kubeconfig": configuration, "leader-elect": "true"},
        10259, {"cpu": "100m"}, [("kubeconfig", configuration, "FileOrCreate", True)],
        ("127.0.0.1", "HTTPS", *(("/healthz", None, "/healthz") if _old(build) else ("/livez", "/readyz", "/livez"))))


def static_pods(build, node, address):
    """{file name: text}"""
    return {"etcd.yaml": etcd(build, node, address), "kube-apiserver.yaml": apiserver(build, address),
            "kube-controller-manager.yaml": controller_manager(build), "kube-scheduler.yaml": scheduler(build)}
