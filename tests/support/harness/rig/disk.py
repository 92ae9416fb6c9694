"""Makes a copy of the host's root (an overlay) that of a node nobody has used: run once, as a program, before the first
boot, inside the namespace that has it mounted.

    disk.py ROOT NAME MACHINE-ID ADDRESS
"""

import os
import shutil
import sys

INIT = "/usr/local/sbin/rig-init"

# The host's enabled units and System V scripts are not the node's; nor is what administers the host's kernel.
_FORGOTTEN = ["etc/rc0.d", "etc/rc1.d", "etc/rc2.d", "etc/rc3.d", "etc/rc4.d", "etc/rc5.d", "etc/rc6.d", "etc/rcS.d",
              "etc/delvegate", "etc/kubernetes", "etc/default/kubelet", "var/lib/delvegate", "var/lib/kubelet",
              "var/log/delvegate", "var/log/journal", "var/log/pods", "var/log/containers",
              # The stand-in kubelet has no container runtime: whoever asks one would wait for it in vain.
              *(f"{folder}/{tool}" for folder in ("usr/bin", "usr/local/bin", "usr/sbin", "usr/local/sbin", "opt/bin")
                for tool in ("crictl", "ctr"))]
_MASKED = ["console-getty.service", "getty.target", "proc-sys-fs-binfmt_misc.automount", "systemd-binfmt.service",
           "systemd-logind.service", "systemd-modules-load.service", "systemd-networkd.service",
           "systemd-resolved.service", "systemd-sysctl.service", "systemd-timesyncd.service",
           "systemd-udev-trigger.service", "systemd-udevd.service", "systemd-udevd-control.socket",
           "systemd-udevd-kernel.socket", "systemd-firstboot.service", "ldconfig.service"]

# nspawn leaves v1 controllers read-only, with which no unit has a limit; and the node's address is to be there before
# anything that listens on it.
_INIT = """#!/bin/sh
for group in /sys/fs/cgroup/*/; do mount -o remount,rw,bind "$group" 2>/dev/null; done
ip link set lo up
ip address add {address}/24 dev host0
ip link set host0 up
exec /lib/systemd/systemd "$@"
"""


def remove(path):
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)


def write(path, text, mode=0o644):
    remove(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def prepare(root, name, machine, address):
    units = os.path.join(root, "etc/systemd/system")
    for entry in os.listdir(units):
        path = os.path.join(units, entry)
        if entry.endswith((".wants", ".requires", ".d")) or not os.path.isdir(path):
            remove(path)
    for path in _FORGOTTEN:
        remove(os.path.join(root, path))
    for unit in _MASKED:
        os.symlink("/dev/null", os.path.join(units, unit))
    os.makedirs(os.path.join(root, "var/log/journal"))  # so that the journal outlives a reboot
    write(os.path.join(root, "etc/fstab"), "")
    write(os.path.join(root, "etc/machine-id"), machine + "\n", 0o444)
    write(os.path.join(root, "etc/hostname"), name + "\n")
    write(os.path.join(root, "etc/hosts"), f"127.0.0.1 localhost\n{address} {name}\n")
    write(os.path.join(root, INIT.lstrip("/")), _INIT.format(address=address), 0o755)


if __name__ == "__main__":
    prepare(*sys.argv[1:])
