"""Any TLS client with a client certificate can be the laptop's side."""

import json
import unittest

from harness import case, debuggee, node, stock
from harness.dap import Dap
from harness.rpc import Rpc
from harness.terminal import Terminal

TICK = debuggee.line("tick")


class StockTlsClients(case.Case):
    def setUp(self):
        super().setUp()
        # Two components, so that the name in the TLS handshake has to choose.
        self.gateway = self.serve(self.component("app"), self.component("other", args=["other"]))

    def debug(self, address, arguments="one two words"):
        """A session of each protocol through the tunnel."""
        dlv = Terminal(self, [self.delve.dlv, "connect", address]).prompt()
        self.assertRegex(dlv.run(f"break main.go:{TICK}"), r"Breakpoint \d+ set")
        self.assertRegex(dlv.run("continue"), r"main\.tick\(\)")
        dlv.run("clearall")
        self.assertIn(arguments.split()[0], dlv.run("print os.Args"))
        dlv.line("exit")
        dlv.expect(r"\[Y/n\] ")
        dlv.line("")
        self.assertEqual(dlv.finish(), 0, dlv.text)
        node.run("breakpointAndLooks", address, self.delve, plain=False)

    def test_socat(self):
        self.debug(stock.Socat(self, self.gateway, self.person(), "app").address)

    def test_socat_chooses_the_other(self):
        self.debug(stock.Socat(self, self.gateway, self.person(), "other").address, "other")

    def test_stunnel(self):
        self.debug(stock.Stunnel(self, self.gateway, self.person(), "app").address)

    def raw(self, **more):
        return stock.tls(self.gateway, self.person(), "app.gateway.test", **more)

    def ask(self, connection, **request):
        connection.sendall(json.dumps(dict({"params": [{}], "id": 7}, **request)).encode())
        return json.loads(connection.makefile("rb").readline())

    def test_alpn_delve(self):
        with self.raw(alpn=["delve"]) as connection:
            self.assertEqual(connection.selected_alpn_protocol(), "delve")
            self.assertTrue(self.ask(connection, method="RPCServer.IsMulticlient")["result"]["IsMulticlient"])

    def test_no_alpn(self):
        with self.raw() as connection:
            self.assertIsNone(connection.selected_alpn_protocol())
            self.assertTrue(self.ask(connection, method="RPCServer.IsMulticlient")["result"]["IsMulticlient"])

    def test_unknown_component_is_told_so(self):
        with stock.tls(self.gateway, self.person(), "gateway.test") as connection:
            reply = self.ask(connection, method="RPCServer.Command", params=[{"name": "halt"}])
            self.assertRegex(reply["error"], r"app.*other|other.*app")


class OnlyComponent(case.Case):
    def test_needs_no_name(self):
        gateway = self.serve()
        tunnel = stock.Socat(self, gateway, self.person())
        client = Rpc(self, tunnel.address)
        self.assertFalse(client.state()["Running"])
        client.close()
        viewer = Dap(self, tunnel.address)
        viewer.attach(stopOnEntry=True)
        self.assertEqual(viewer.stopped()[1]["reason"], "entry")


if __name__ == "__main__":
    unittest.main()
