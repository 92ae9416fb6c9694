"""A node of a cluster without the cluster: a real systemd, a stand-in kubelet, stand-in components."""

from .node import Node, needs_root

__all__ = ["Node", "needs_root"]
