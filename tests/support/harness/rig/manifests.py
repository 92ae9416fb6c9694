"""Static pods in the form in which kubeadm 1.34 writes them, and others that people write.

Each is for a stand-in component: `lease` is the file in which it shows its duty. `extra` is more arguments.
"""

import json

DIRECTORY = "/etc/kubernetes/manifests"
LEASES = "/var/lib/rig/leases"
PORTS = {"kube-scheduler": 10259, "kube-controller-manager": 10257}


def lease(name):
    return f"{LEASES}/{name}"


def _probe(path, failures, port="probe-port", delay=True):
    lines = [f"failureThreshold: {failures}", "httpGet:", "  host: 127.0.0.1", f"  path: {path}", f"  port: {port}",
             "  scheme: HTTPS", *(["initialDelaySeconds: 10"] if delay else []),
             f"periodSeconds: {10 if delay else 1}", "timeoutSeconds: 15"]
    return "".join(f"      {line}\n" for line in lines)


def _list(words, indent):
    """As kubeadm's library quotes: only what would be something else without."""
    def quoted(word):
        plain = word and word[0] not in "*&!|>%@`'\"{[#-? " or word.startswith("--")
        return word if plain and ": " not in word and " #" not in word and "\n" not in word else json.dumps(word)
    return "".join(f"{' ' * indent}- {quoted(word)}\n" for word in words)


def scheduler(extra=(), grace=None, command=None, env="", name="kube-scheduler"):
    """/etc/kubernetes/manifests/kube-scheduler.yaml of kubeadm 1.34."""
    words = command or ["kube-scheduler", *sorted([
        "--authentication-kubeconfig=/etc/kubernetes/scheduler.conf",
        "--authorization-kubeconfig=/etc/kubernetes/scheduler.conf", "--bind-address=127.0.0.1",
        "--kubeconfig=/etc/kubernetes/scheduler.conf", "--leader-elect=true", f"--lease={lease('kube-scheduler')}",
        *extra])]
    return f"""apiVersion: v1
kind: Pod
metadata:
  labels:
    component: {name}
    tier: control-plane
  name: {name}
  namespace: kube-system
spec:
  containers:
  - command:
{_list(words, 4)}{env}    image: registry.k8s.io/kube-scheduler:v1.34.1
    imagePullPolicy: IfNotPresent
    livenessProbe:
{_probe("/livez", 8)}    name: kube-scheduler
    ports:
    - containerPort: 10259
      name: probe-port
      protocol: TCP
    readinessProbe:
{_probe("/readyz", 3, delay=False)}    resources:
      requests:
        cpu: 100m
    startupProbe:
{_probe("/livez", 24)}    volumeMounts:
    - mountPath: /etc/kubernetes/scheduler.conf
      name: kubeconfig
      readOnly: true
  hostNetwork: true
  priority: 2000001000
  priorityClassName: system-node-critical
  securityContext:
    seccompProfile:
      type: RuntimeDefault
{f"  terminationGracePeriodSeconds: {grace}" + chr(10) if grace is not None else ""}  volumes:
  - hostPath:
      path: /etc/kubernetes/scheduler.conf
      type: FileOrCreate
    name: kubeconfig
status: {{}}
"""


_MANAGER_VOLUMES = [("/etc/ssl/certs", "ca-certs", "DirectoryOrCreate", True),
                    ("/etc/ca-certificates", "etc-ca-certificates", "DirectoryOrCreate", True),
                    ("/usr/libexec/kubernetes/kubelet-plugins/volume/exec", "flexvolume-dir", "DirectoryOrCreate", False),
                    ("/etc/kubernetes/pki", "k8s-certs", "DirectoryOrCreate", True),
                    ("/etc/kubernetes/controller-manager.conf", "kubeconfig", "FileOrCreate", True),
                    ("/usr/local/share/ca-certificates", "usr-local-share-ca-certificates", "DirectoryOrCreate", True),
                    ("/usr/share/ca-certificates", "usr-share-ca-certificates", "DirectoryOrCreate", True)]


def controller_manager(extra=()):
    """/etc/kubernetes/manifests/kube-controller-manager.yaml of kubeadm 1.34."""
    pki = "/etc/kubernetes/pki"
    words = ["kube-controller-manager", *sorted([
        "--allocate-node-cidrs=true", "--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf",
        "--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf", "--bind-address=127.0.0.1",
        f"--client-ca-file={pki}/ca.crt", "--cluster-cidr=10.244.0.0/16", "--cluster-name=kubernetes",
        f"--cluster-signing-cert-file={pki}/ca.crt", f"--cluster-signing-key-file={pki}/ca.key",
        "--controllers=*,bootstrapsigner,tokencleaner", "--kubeconfig=/etc/kubernetes/controller-manager.conf",
        "--leader-elect=true", f"--lease={lease('kube-controller-manager')}",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt", f"--root-ca-file={pki}/ca.crt",
        f"--service-account-private-key-file={pki}/sa.key", "--service-cluster-ip-range=10.96.0.0/12",
        "--use-service-account-credentials=true", *extra])]
    mounts = "".join(f"    - mountPath: {path}\n      name: {name}\n" + ("      readOnly: true\n" if read_only else "")
                     for path, name, _, read_only in _MANAGER_VOLUMES)
    volumes = "".join(f"  - hostPath:\n      path: {path}\n      type: {kind}\n    name: {name}\n"
                      for path, name, kind, _ in _MANAGER_VOLUMES)
    return f"""apiVersion: v1
kind: Pod
metadata:
  labels:
    component: kube-controller-manager
    tier: control-plane
  name: kube-controller-manager
  namespace: kube-system
spec:
  containers:
  - command:
{_list(words, 4)}    image: registry.k8s.io/kube-controller-manager:v1.34.1
    imagePullPolicy: IfNotPresent
    livenessProbe:
{_probe("/healthz", 8)}    name: kube-controller-manager
    ports:
    - containerPort: 10257
      name: probe-port
      protocol: TCP
    resources:
      requests:
        cpu: 200m
    startupProbe:
{_probe("/healthz", 24)}    volumeMounts:
{mounts}  hostNetwork: true
  priority: 2000001000
  priorityClassName: system-node-critical
  securityContext:
    seccompProfile:
      type: RuntimeDefault
  volumes:
{volumes}status: {{}}
"""


def _pod(name, containers, volumes, **more):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {"containers": containers, "hostNetwork": True, "volumes": volumes, **more}}


def _scheduler_container(config, command, **more):
    return {"name": "kube-scheduler", "image": "registry.k8s.io/kube-scheduler:v1.34.1", "command": ["kube-scheduler"],
            "args": command, "volumeMounts": [{"name": "config", "mountPath": config, "readOnly": True}],
            "livenessProbe": {"httpGet": {"host": "127.0.0.1", "path": "/livez", "port": 10259, "scheme": "HTTPS"}}, **more}


def scheduler_json(extra=()):
    """JSON is as legal as YAML; with `args`, an environment and `$(NAME)`."""
    config = "/etc/kubernetes/scheduler.conf"
    container = _scheduler_container(
        config, ["--kubeconfig=$(CONFIG)", "--bind-address=127.0.0.1", f"--lease={lease('kube-scheduler')}",
                 "--say=$$(CONFIG) is $(CONFIG)", *extra],
        env=[{"name": "DIRECTORY", "value": "/etc/kubernetes"}, {"name": "CONFIG", "value": "$(DIRECTORY)/scheduler.conf"}])
    return json.dumps(_pod("kube-scheduler", [container],
                           [{"name": "config", "hostPath": {"path": config, "type": "File"}}]), indent=2) + "\n"


def scheduler_elsewhere(extra=()):
    """The container sees its files at another path than the node has them at."""
    container = _scheduler_container(
        "/config", ["--kubeconfig=/config/scheduler.conf", "--read=scheduler.conf", "--bind-address=127.0.0.1",
                    f"--lease={lease('kube-scheduler')}", *extra], workingDir="/config")
    return json.dumps(_pod("kube-scheduler", [container],
                           [{"name": "config", "hostPath": {"path": "/srv/kubernetes/scheduler", "type": "Directory"}}]),
                      indent=2) + "\n"


def scheduler_with_sidecar(extra=()):
    """Two containers in one pod: the second is another component, on a port of its own."""
    config = "/etc/kubernetes/scheduler.conf"
    first = _scheduler_container(config, [f"--kubeconfig={config}", "--bind-address=127.0.0.1",
                                          f"--lease={lease('kube-scheduler')}", *extra])
    second = {"name": "sidecar", "image": "registry.k8s.io/sidecar:v1",
              "command": ["kube-controller-manager", "--plain-http", "--secure-port=18080", "--bind-address=127.0.0.1",
                          f"--lease={lease('sidecar')}"]}
    return json.dumps(_pod("kube-scheduler", [first, second],
                           [{"name": "config", "hostPath": {"path": config, "type": "File"}}]), indent=2) + "\n"
