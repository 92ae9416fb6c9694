"""A node of a cluster without the cluster: a real systemd, a stand-in kubelet, stand-in components."""

from .case import RigCase
from .delvegate import Launcher
from .gateway import Gateway
from .kubelet import Kubelet
from .node import Node, needs_root

__all__ = ["Gateway", "Kubelet", "Launcher", "Node", "RigCase", "needs_root"]
