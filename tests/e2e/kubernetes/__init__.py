"""A real single-node cluster on one plain Debian machine: no registry, no Docker, no kubeadm.

    build.py       the components, kubectl and etcd from Go modules: with debug information, and stripped copies
    images.py      container images assembled from those copies
    pki.py         certificates and kubeconfigs, where kubeadm has them
    manifests.py   static pods as kubeadm writes them
    objects.py     what kubeadm creates through the API: kube-proxy and the rights it needs
    runtime.py     containerd, runc and the pod network
    kubelet.py     the kubelet as a service with kubeadm's drop-in and environment files
    cluster.py     all of it on a node of tests/support/harness/rig
    wrap.py        adds a version of Kubernetes to versions/
"""
