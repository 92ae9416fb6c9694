"""The kubelet as kubeadm and its packages install it: unit, drop-in, the two environment files, config.yaml."""

from harness.rig import kubelet as packaged

from .form import yaml
from .images import PAUSE
from .manifests import DIRECTORY, PKI
from .runtime import SOCKET

STATE = "/var/lib/kubelet"
_DNS = "10.96.0.10"
# What kubeadm makes of its defaults, in KubeletConfiguration's own order of fields: the alphabet.
_CONFIGURATION = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"cacheTTL": "0s", "enabled": True},
                       "x509": {"clientCAFile": f"{PKI}/ca.crt"}},
    "authorization": {"mode": "Webhook", "webhook": {"cacheAuthorizedTTL": "0s", "cacheUnauthorizedTTL": "0s"}},
    "cgroupDriver": "systemd", "clusterDNS": [_DNS], "clusterDomain": "cluster.local",
    "containerRuntimeEndpoint": f"unix://{SOCKET}",
    "cpuManagerReconcilePeriod": "0s", "crashLoopBackOff": {}, "evictionPressureTransitionPeriod": "0s",
    "fileCheckFrequency": "0s", "healthzBindAddress": "127.0.0.1", "healthzPort": 10248, "httpCheckFrequency": "0s",
    "imageMaximumGCAge": "0s", "imageMinimumGCAge": "0s", "logging": {"flushFrequency": 0, "verbosity": 0},
    "memorySwap": {}, "nodeStatusReportFrequency": "0s", "nodeStatusUpdateFrequency": "0s", "rotateCertificates": True,
    "runtimeRequestTimeout": "0s", "shutdownGracePeriod": "0s", "shutdownGracePeriodCriticalPods": "0s",
    "staticPodPath": DIRECTORY, "streamingConnectionIdleTimeout": "0s", "syncFrequency": "0s", "volumeStatsAggPeriod": "0s"}


# Not known yet in 1.24.
_LATER = ("containerRuntimeEndpoint", "crashLoopBackOff", "imageMaximumGCAge")


class Kubelet:
    def __init__(self, node, minor):
        self.node = node
        self.minor = minor

    def install(self, address):
        """Since 1.34 the runtime's socket is in instance-config.yaml, and kubeadm-flags.env has only the administrator's
        kubeletExtraArgs."""
        node = self.node
        configuration, flags = dict(_CONFIGURATION), f"--node-ip={address}"
        if self.minor < 34:
            configuration = {key: value for key, value in configuration.items() if key not in _LATER}
            flags = (f"--container-runtime=remote --container-runtime-endpoint=unix://{SOCKET} "
                     f"--pod-infra-container-image={PAUSE} {flags}")
        else:
            # Not kubeadm's: for machines that have it; and for tests in a row, since what ends because the API server is away
            # is held back longer each time, up to five minutes. (The rig's own kubelet has the whole of that back-off.)
            configuration.update(failCgroupV1=False, crashLoopBackOff={"maxContainerRestartPeriod": "10s"})
            node.write(f"{STATE}/instance-config.yaml", f'containerRuntimeEndpoint: "unix://{SOCKET}"\n')
        node.write("/usr/lib/systemd/system/kubelet.service", packaged.UNIT)
        node.write("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", packaged.DROP_IN)
        node.write(f"{STATE}/kubeadm-flags.env", f'KUBELET_KUBEADM_ARGS="{flags}"\n')
        node.write("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=\n")
        node.write(f"{STATE}/config.yaml", yaml(configuration))
        node.run(["systemctl", "daemon-reload"], check=True)
        return self

    def start(self):
        self.node.run(["systemctl", "enable", "--now", "kubelet"], check=True)
        return self

    def log(self):
        return self.node.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-n", "150", "-u", "kubelet"]).stdout
