"""What kubeadm creates through the API once the control plane runs: who may do what, and kube-proxy."""

import json

from harness.rig.cluster import PROXY_KUBECONFIG

from . import images
from .manifests import PODS
from .pki import ADMINISTRATORS

_RBAC = "rbac.authorization.k8s.io"


def _grant(kind, name, role, subjects, namespace=None):
    return {"apiVersion": f"{_RBAC}/v1", "kind": f"{kind}Binding",
            "metadata": dict({"name": name}, **({"namespace": namespace} if namespace else {})),
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": role}, "subjects": subjects}


def administrators():
    """The group of admin.conf: without it only super-admin.conf may do anything."""
    return _grant("ClusterRole", ADMINISTRATORS, "cluster-admin", [{"apiGroup": _RBAC, "kind": "Group", "name": ADMINISTRATORS}])


_PROXY_CONFIGURATION = f"""apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: {PODS}
configSyncPeriod: 0s
conntrack:
  maxPerCore: 0
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: 0s
  tcpEstablishedTimeout: 0s
  udpStreamTimeout: 0s
  udpTimeout: 0s
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  strictARP: false
  syncPeriod: 0s
  tcpFinTimeout: 0s
  tcpTimeout: 0s
  udpTimeout: 0s
kind: KubeProxyConfiguration
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
    text:
      infoBufferSize: "0"
  verbosity: 0
metricsBindAddress: ""
mode: ""
nftables:
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel:
  enableDSR: false
  forwardHealthCheckVip: false
  networkName: ""
  rootHnsEndpointName: ""
  sourceVip: ""
"""
# nf_conntrack's settings belong to the first network namespace, and a node of ours has another: hence the zeros above.

# Not known yet in 1.24.
_LATER = ("  tcpBeLiberal: false\n", "  udpStreamTimeout: 0s\n", "  udpTimeout: 0s\n", "  localhostNodePorts: null\n",
          _PROXY_CONFIGURATION[_PROXY_CONFIGURATION.index("logging:\n"):_PROXY_CONFIGURATION.index("metricsBindAddress:")],
          _PROXY_CONFIGURATION[_PROXY_CONFIGURATION.index("nftables:\n"):_PROXY_CONFIGURATION.index("nodePortAddresses:")])


def _proxy_configuration(build):
    text = _PROXY_CONFIGURATION
    if build.minor < 34:
        text = text.replace("winkernel:\n", "udpIdleTimeout: 0s\nwinkernel:\n")
        # ipvs has a udpTimeout, too, and keeps it.
        for part in _LATER:
            text = text.replace(part, "", 1)
    return text


def _proxy_daemon_set(build):
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"labels": {"k8s-app": "kube-proxy"}, "name": "kube-proxy", "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": {"k8s-app": "kube-proxy"}}, "updateStrategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"k8s-app": "kube-proxy"}},
                "spec": {
                    "priorityClassName": "system-node-critical",
                    "containers": [{
                        "name": "kube-proxy", "image": images.name("kube-proxy", build), "imagePullPolicy": "IfNotPresent",
                        "command": ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf",
                                    "--hostname-override=$(NODE_NAME)"],
                        "securityContext": {"privileged": True},
                        "volumeMounts": [{"mountPath": "/var/lib/kube-proxy", "name": "kube-proxy"},
                                         {"mountPath": "/run/xtables.lock", "name": "xtables-lock", "readOnly": False},
                                         {"mountPath": "/lib/modules", "name": "lib-modules", "readOnly": True}],
                        "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}],
                    "hostNetwork": True, "serviceAccountName": "kube-proxy",
                    "volumes": [{"name": "kube-proxy", "configMap": {"name": "kube-proxy"}},
                                {"name": "xtables-lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
                                {"name": "lib-modules", "hostPath": {"path": "/lib/modules"}}],
                    "tolerations": [{"operator": "Exists"}], "nodeSelector": {"kubernetes.io/os": "linux"}}}}}


def proxy(build, address):
    """ServiceAccount, its rights, ConfigMap and DaemonSet."""
    account = {"kind": "ServiceAccount", "name": "kube-proxy", "namespace": "kube-system"}
    nodes = {"apiGroup": _RBAC, "kind": "Group", "name": "system:bootstrappers:kubeadm:default-node-token"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "kube-proxy", "namespace": "kube-system"}},
        _grant("ClusterRole", "kubeadm:node-proxier", "system:node-proxier", [account]),
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": {"name": "kube-proxy", "namespace": "kube-system"},
         "rules": [{"apiGroups": [""], "resourceNames": ["kube-proxy"], "resources": ["configmaps"], "verbs": ["get"]}]},
        _grant("Role", "kube-proxy", "kube-proxy", [nodes], "kube-system"),
        {"apiVersion": "v1", "kind": "ConfigMap",
         "metadata": {"labels": {"app": "kube-proxy"}, "name": "kube-proxy", "namespace": "kube-system"},
         "data": {"config.conf": _proxy_configuration(build), "kubeconfig.conf": PROXY_KUBECONFIG.format(address=f"{address}:6443")}},
        _proxy_daemon_set(build)]


def _idle(name):
    """Of a pod that does nothing."""
    return {"terminationGracePeriodSeconds": 1,
            "containers": [{"name": name, "image": images.PAUSE, "imagePullPolicy": "IfNotPresent"}]}


def pod(name):
    """Nobody's."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": _idle(name)}


def _pods(kind, name, replicas):
    """Something that makes pods that do nothing."""
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}}, "spec": _idle(name)}}}


def service(name):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 443}]}}


def endpoint(service_name, address, port):
    """The one address that a Service leads to."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": service_name, "labels": {"kubernetes.io/service-name": service_name}},
            "endpoints": [{"addresses": [address]}], "ports": [{"name": "", "port": port}]}


def node(name):
    """One that is there by its name only, and that is for the pods of DaemonSets alone."""
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux", "kubernetes.io/hostname": name}},
            "spec": {"unschedulable": True}}


def deployment(name, replicas=1):
    return _pods("Deployment", name, replicas)


def replica_set(name, replicas=1):
    return _pods("ReplicaSet", name, replicas)


def listed(objects):
    """For `kubectl apply -f -`."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
