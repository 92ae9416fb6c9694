"""The ways that are ours: `delvegate connect` + `serve`, and a stock tunnel on the laptop.

Beyond the defaults the gateway is told to admit as many as a measurement brings: several IDEs to one
component, over one link and from one address.
"""

from peers import Way
from processes import free_port

COMPONENT = "shop"


class _Gateway(Way):
    peer = False
    audit = "{}/state/audit/audit.jsonl"

    def serve(self):
        certs, port = self.tools.certs, free_port()
        serve = self.run("delvegate serve", self.tools.delvegate, "serve", "--config", self.write("gateway.yaml", f"""
listen: ["127.0.0.1:{port}"]
certificate: {certs}/gateway.crt
key: {certs}/gateway.key
clientCA: {certs}/ca.crt
stateDirectory: {self.folder}/state
runtimeDirectory: {self.folder}/runtime
logLevel: warn
auditFile: {self.audit.format(self.folder)}
limits:
  handshakeRatePerSource: 100000
  handshakesPerSource: 64
  connectionsPerIdentity: 1000
  streamsPerLink: 1000
components:
  - name: {COMPONENT}
    kind: connect
    address: {self.dlv}
    users: [dev]
    maxViewers: 1000
"""))
        serve.wait_for_port(port)  # connect gives up at once when nobody is there
        return port


class Delvegate(_Gateway):
    key, title = "delvegate", "delvegate connect + serve"

    def start(self):
        gateway, laptop, certs = self.serve(), free_port(), self.tools.certs
        self.run("delvegate connect", self.tools.delvegate, "connect", COMPONENT, "--gateway", f"localhost:{gateway}",
                 "--certificate", f"{certs}/dev.crt", "--key", f"{certs}/dev.key", "--ca", f"{certs}/ca.crt",
                 "--listen", f"127.0.0.1:{laptop}")
        self.addresses = [f"127.0.0.1:{laptop}"]


class DelvegateWithoutAudit(Delvegate):
    key, title = "delvegate-unaudited", "the same, audit off"
    audit = "off"


class StunnelToGateway(_Gateway):
    key, title = "stunnel-serve", "stunnel + delvegate serve"

    def start(self):
        gateway, laptop, certs = self.serve(), free_port(), self.tools.certs
        self.run("stunnel laptop", "stunnel", self.write("laptop.conf", f"""
foreground = yes
pid =
debug = warning
sslVersionMin = TLSv1.3
[dlv]
client = yes
accept = 127.0.0.1:{laptop}
connect = 127.0.0.1:{gateway}
sni = {COMPONENT}.localhost
cert = {certs}/dev.crt
key = {certs}/dev.key
CAfile = {certs}/ca.crt
verifyChain = yes
checkHost = {COMPONENT}.localhost
"""))
        self.addresses = [f"127.0.0.1:{laptop}"]


WAYS = [Delvegate, DelvegateWithoutAudit, StunnelToGateway]
