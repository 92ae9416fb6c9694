"""A real single-node cluster on one plain Debian machine: no registry, no Docker, no kubeadm.

    cache.py       where what is built is kept
    build.py       the components, kubectl and etcd from Go modules: with debug information, and stripped copies
    images.py      container images assembled from those copies
    pki.py         certificates and kubeconfigs, where kubeadm has them
    form.py        YAML as Kubernetes' library writes it
    manifests.py   static pods as kubeadm writes them
    objects.py     what kubeadm creates through the API: kube-proxy and the rights it needs
    kernel.py      settings of the kernel that the kubelet insists on, and that are not ours to make
    runtime.py     containerd, runc and the pod network
    kubelet.py     the kubelet as a service with kubeadm's drop-in and environment files
    cluster.py     all of it on a node of tests/support/harness/rig
    story.py       what the tests of components stand on; static_pod.py, systemd.py, daemon_set.py: what those of a kind share
    wrap.py        adds a version of Kubernetes to versions/
"""
