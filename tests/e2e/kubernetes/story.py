"""The ground of a story: one cluster for all tests of a run, and delvegate on its node as it is shipped."""

import atexit
import functools
import tempfile
import unittest

from harness import tools
from harness.rig import Gateway, Launcher, needs_root
from harness.terminal import Terminal

from .cluster import Cluster, debug_binary, is_ready
from .manifests import DIRECTORY


@functools.lru_cache(maxsize=None)
def cluster():
    one = Cluster().start()
    atexit.register(one.stop)
    return one


def walk(ide, variable, *names):
    """From a variable, as an IDE unfolds it, along the names of fields; pointers and embedded structs are unfolded, too."""
    for name in names:
        inside = ide.call("variables", {"variablesReference": variable["variablesReference"]})["variables"]
        while name not in [one["name"] for one in inside] and len(inside) == 1 and inside[0]["variablesReference"]:
            inside = ide.call("variables", {"variablesReference": inside[0]["variablesReference"]})["variables"]
        variable = next((one for one in inside if one["name"] == name), None)
        if variable is None:
            raise AssertionError(f"no {name} among {[one['name'] for one in inside]}")
    return variable["value"].strip('"')


@needs_root
class Story(unittest.TestCase):
    """component: its name; alice is a developer on a laptop."""

    component = None
    kind = "static-pod"

    def setUp(self):
        self.cluster = cluster()
        self.node = self.cluster.node
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        definition = {"name": self.component, "kind": self.kind,
                      "binary": debug_binary(self.cluster.version, self.component)}
        self.launcher = Launcher(self.node, [definition]).install().start()
        self.addCleanup(self.launcher.stop)
        self.gateway = Gateway(self.node, self.directory, [self.component], {"alice": "admin"}).install().start()
        self.addCleanup(self.node.run, ["systemctl", "stop", "delvegate.service"])
        self.addCleanup(self.put_back)

    def put_back(self):
        """A story that failed in its middle does not spoil the next one."""
        self.node.delvegate("stop", self.component)
        self.cluster.wait_ready()

    def alice(self, *words):
        result = self.gateway.laptop_run("alice", *words)
        self.assertEqual(result.returncode, 0, f"{words}\n{result.stdout}{result.stderr}"
                         f"{self.launcher.log()}{self.gateway.log()}")
        return result.stdout

    def start(self):
        self.node.delvegate("arm", self.component, "--for", "1h").succeeded()
        return self.alice("start", self.component)

    def ide(self):
        return self.gateway.dap(self, self.gateway.connect(self, "alice", self.component))

    def dlv_connect(self):
        address = self.gateway.connect(self, "alice", self.component)
        with self.node.laptop():
            return Terminal(self, [tools.delve().dlv, "connect", address]).prompt()

    # The node, as it was and as it is to be again.

    def manifest(self):
        """All that "byte for byte" means: inode, owner, mode, time and text."""
        path = f"{DIRECTORY}/{self.component}.yaml"
        return self.node.run(["stat", "-c", "%i %u %g %a %.9Y %s", path], check=True).stdout, self.node.read(path)

    def container(self):
        """Id of the component's container that the kubelet runs, once it is ready; else None."""
        for pod in self.cluster.pods(label=f"component={self.component}"):
            if is_ready(pod):
                return pod["status"]["containerStatuses"][0]["containerID"]
        return None

    def wait_taken_out(self):
        """The kubelet has ended the pod, and has told the API server."""
        def gone():
            found = self.cluster.get("pods", "-n", "kube-system", "-l", f"component={self.component}")
            return found is not None and not found["items"]
        self.cluster.wait(f"the pod of {self.component} gone", gone)

    def wait_container(self, other_than=None):
        # The kubelet may hold a container back that ended a moment ago: 10 s, then 20 s, up to 5 minutes.
        def another():
            found = self.container()
            return found if found != other_than else None
        return self.cluster.wait(f"a container of {self.component}", another)
