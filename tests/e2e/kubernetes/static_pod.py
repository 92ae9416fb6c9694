"""What the stories of static pods share."""

from .cluster import is_ready
from .manifests import DIRECTORY


class StaticPod:
    """Mixed into a Story."""

    definition = {"kind": "static-pod"}

    def setUp(self):
        super().setUp()
        self.before = self.wait_container()

    def snapshot(self):
        """Inode, owner, mode, time and text of the manifest."""
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

    def wait_back(self):
        self.cluster.wait("the manifest back", lambda: self.node.exists(f"{DIRECTORY}/{self.component}.yaml"))
        self.wait_container()
