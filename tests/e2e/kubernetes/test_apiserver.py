"""kube-apiserver on a real node: stopped in admission, and a request hangs; the gateway does not need it."""

import base64
import http.client
import json
import os
import re
import ssl
import unittest

from harness.rig.node import ADDRESS

from kubernetes import story
from kubernetes.cluster import ADMIN, DEADLINE
from kubernetes.static_pod import StaticPod

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"


class ApiServer(StaticPod, story.Story, story.TestCase):
    """Its work is a request to create a PriorityClass: nobody else's comes to that place in admission."""

    component = "kube-apiserver"
    breakpoint = "k8s.io/kubernetes/plugin/pkg/admission/priority.(*Plugin).validatePriorityClass"
    seen_in_ide = ("a", "name")
    seen_in_dlv = "a.(data).name"

    def setUp(self):
        super().setUp()
        self.requests = {}
        self.context = self.administrator()

    def administrator(self):
        """For TLS, what kubectl takes from admin.conf."""
        configuration = self.node.read(ADMIN)
        for name in ("certificate-authority", "client-certificate", "client-key"):
            with open(os.path.join(self.directory, name), "wb") as file:
                file.write(base64.b64decode(re.search(rf"{name}-data: (\S+)", configuration)[1]))
        context = ssl.create_default_context(cafile=os.path.join(self.directory, "certificate-authority"))
        context.load_cert_chain(os.path.join(self.directory, "client-certificate"), os.path.join(self.directory, "client-key"))
        return context

    def gives_work(self, name):
        """Sent, and not waited for."""
        request = http.client.HTTPSConnection(ADDRESS, 6443, timeout=DEADLINE, context=self.context)
        self.addCleanup(request.close)
        with self.node.network():
            request.connect()
        request.request("POST", CLASSES, json.dumps({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
                                                     "metadata": {"name": name}, "value": 1}),
                        {"Content-Type": "application/json"})
        self.requests[name] = request
        return name

    def assert_waits(self, work):
        """The connection is there, and no byte of an answer (what TLS itself has sent is not one)."""
        socket = self.requests[work].sock
        socket.setblocking(False)
        try:
            with self.assertRaises(ssl.SSLWantReadError):
                socket.recv(1)
        finally:
            socket.settimeout(DEADLINE)
        # Whoever debugs it is not debugging by it.
        self.assertRegex(self.alice("status"), rf"(?m)^{self.component} .*: stopped.*\n +.*validatePriorityClass\(\) in ")

    def wait_done(self, work):
        answer = self.requests.pop(work).getresponse()
        body = answer.read().decode()
        self.assertEqual(answer.status, 201, body)
        self.assertEqual(json.loads(body)["metadata"]["name"], work)
        self.cluster.wait("what was created", lambda: self.cluster.get("priorityclass", work))

    def wait_back(self):
        """And those again that have ended without it: kube-controller-manager and kube-scheduler lose their leases."""
        super().wait_back()
        self.cluster.wait_ready()

    def test_gateway_without_it(self):
        """An IDE's connection breaks while it stands. Another comes by a new one, sees where it is, and lets it go on."""
        self.takes_it_out()
        name = self.new_name()
        ide = self.ide_with_breakpoint(name)
        work = self.gives_work(name)
        self.stops_at_breakpoint(ide)
        ide.close()

        again = self.ide()
        again.attach()
        stop = again.stopped()[1]
        frame = again.call("stackTrace", {"threadId": stop["threadId"], "levels": 1})["stackFrames"][0]
        scope = again.call("scopes", {"frameId": frame["id"]})["scopes"][0]
        self.assertEqual(story.walk(again, scope, *self.seen_in_ide), work)
        self.assert_waits(work)
        self.goes_on(again, stop)
        self.wait_done(work)
        again.call("disconnect", {"terminateDebuggee": False})
        self.gives_it_back()


if __name__ == "__main__":
    unittest.main()
