"""Builds Kubernetes from Go modules and boots it on a node of its own, on this machine, as root.

    tests/e2e/kubernetes build [--version v1.35]     programs and images into the cache, nothing else
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


# Measured as each step says of itself; keep them true.
_TIMES = """On two cores otherwise idle: not measured yet (no run has come to its end). Needs root and scripts/install-deps kubernetes.
The tests: PYTHONPATH=tests/support:tests/e2e python3 -m unittest kubernetes.test_scheduler"""

if __name__ == "__main__":
    main()
