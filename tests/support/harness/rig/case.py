"""The ground of a test with a node of its own."""

import unittest

from .kubelet import Kubelet
from .node import Node, needs_root


@needs_root
class RigCase(unittest.TestCase):
    def new_node(self, **more):
        node = Node(**more)
        self.addCleanup(node.stop)
        return node.start()

    def new_kubelet(self, manifests=(), node=None, **more):
        """A node whose kubelet runs these manifests: {file name: text}."""
        kubelet = Kubelet(node or self.new_node(), **more).install()
        for name, text in dict(manifests).items():
            kubelet.put(name, text)
        return kubelet.start()
