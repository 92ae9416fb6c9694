"""Builds Kubernetes from Go modules and boots it on a node of its own, on this machine, as root.

    tests/e2e/kubernetes build [--version v1.35]     programs into the cache, nothing else
    tests/e2e/kubernetes boot [--version v1.35]      a cluster with a shell in it; gone when the shell ends
    tests/e2e/kubernetes table                       writes what the tests have seen to work into docs/kubernetes.md
"""

import argparse
import os
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(_HERE), os.path.join(os.path.dirname(os.path.dirname(_HERE)), "support")]


def main():
    from kubernetes import build, cluster, table
    parser = argparse.ArgumentParser(prog="python3 tests/e2e/kubernetes", description=__doc__, epilog=_TIMES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("build", "boot", "table"))
    parser.add_argument("--version", choices=build.versions(), default=build.LINE, help="default: %(default)s")
    options = parser.parse_args()
    if options.command == "table":
        table.write()
        return
    made = build.build(options.version)
    print(f"Kubernetes {made.version}, etcd {made.etcd_version}: {made.folder}")
    if options.command == "boot":
        with cluster.Cluster(options.version, binary=False, dlv=False) as one:
            print("kubectl works in this shell; leave it to end the cluster", flush=True)
            subprocess.run(one.node.interactive(["bash"], {"KUBECONFIG": cluster.ADMIN}), check=False)


# Measured as each step says of itself, on 2026-11-26 with Kubernetes 1.35.4 and nothing else running; keep them true.
_TIMES = """On two cores: fetching the modules 68 s (155 MB, 820 MB unpacked), building the programs 296 s, both once
a version; booting a cluster 31 s; the five tests of a component 5 to 9 minutes. So the first component's tests
take 12 to 15 minutes from nothing. Everything is kept in ~/.cache/delvegate/kubernetes (DELVEGATE_KUBERNETES_CACHE).
Needs root (not for build and table) and scripts/install-deps kubernetes.
The tests: scripts/test --all --filter e2e.kubernetes; DELVEGATE_KUBERNETES_LINE=v1.24 has another version."""

if __name__ == "__main__":
    main()
