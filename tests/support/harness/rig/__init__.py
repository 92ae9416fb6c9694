"""A node of a cluster without the cluster: a real systemd, a stand-in kubelet, stand-in components."""

from . import debian, image, package
from .case import RigCase
from .cluster import Cluster
from .delvegate import Launcher
from .gateway import Gateway
from .kills import KillsAtEachStep
from .kubelet import Kubelet
from .node import Node, needs_root
from .plain import PlainKubelet, PlainLauncher, PlainNode

__all__ = ["Cluster", "Gateway", "KillsAtEachStep", "Kubelet", "Launcher", "Node", "PlainKubelet", "PlainLauncher", "PlainNode",
           "RigCase", "debian", "image", "needs_root", "package"]
