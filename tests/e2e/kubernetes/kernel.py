"""Settings of the kernel that a kubelet makes, or dies for want of.

They are the whole machine's (kernel.panic among them), which stays as it is: the node's own view of them is covered
with files that say what the kubelet wants to read, and then it changes nothing. What belongs to the node's network
namespace is real; and it has a default route, as hosts have, without which nobody on it gets to a Service's address.
"""

from harness.rig.node import LAPTOP

WANTED = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
          "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}
_FOLDER = "/etc/kernel-settings"
_UNIT = "kernel-settings.service"


def _file(setting):
    return f"{_FOLDER}/{setting.replace('/', '.')}"


def install(node):
    """For this boot and all later ones, before the kubelet."""
    for setting, value in WANTED.items():
        node.write(_file(setting), f"{value}\n")
    covers = "".join(f"ExecStart=/bin/mount --bind {_file(setting)} /proc/sys/{setting}\n" for setting in WANTED)
    node.write(f"/etc/systemd/system/{_UNIT}",
               f"[Unit]\nBefore=kubelet.service\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n{covers}"
               f"ExecStart=/sbin/ip route replace default via {LAPTOP} dev host0\n\n"
               "[Install]\nWantedBy=multi-user.target\n")
    node.run(["mkdir", "-p", "/lib/modules"], check=True)  # kube-proxy's pod has it, whether the kernel has modules or not
    node.run(["systemctl", "daemon-reload"], check=True)
    node.run(["systemctl", "enable", "--now", _UNIT], check=True)
