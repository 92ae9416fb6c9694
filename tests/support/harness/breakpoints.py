"""One program, and several people who debug it."""

from . import case, debuggee, waiting
from .dap import Dap
from .forms import LOAD, SCOPE
from .rpc import Rpc

SOURCE = {"name": "main.go", "path": debuggee.MAIN}
TICK, USE, SLEEP, FILL = (debuggee.line(marker) for marker in ("tick", "use", "sleep", "fill"))


class SharedCase(case.Case):
    """alice and carol by JSON-RPC, bob and dan by DAP, at the program's entry."""

    def setUp(self):
        super().setUp()
        self.gateway = self.serve(self.component(users=["alice", "bob", "carol", "dan"], maxViewers=8, runControl="open"))
        self.addresses = {}
        self.alice = self.rpc("alice")
        self.alice.state()

    def address(self, who):
        if who not in self.addresses:
            self.addresses[who] = self.connect(self.gateway, who, name="connect-" + who).address
        return self.addresses[who]

    def rpc(self, who):
        return Rpc(self, self.address(who))

    def dap(self, who, configure=None):
        viewer = Dap(self, self.address(who))
        viewer.attach((lambda: configure(viewer)) if configure else None, stopOnEntry=True)
        return viewer

    def points(self, viewer, *breakpoints, verified=True):
        shown = viewer.call("setBreakpoints", {"source": SOURCE, "breakpoints": list(breakpoints)})["breakpoints"]
        self.assertEqual([one["verified"] for one in shown], [verified] * len(shown), shown)
        return [one["id"] for one in shown]

    def listed(self, client=None):
        return {b["id"]: b for b in (client or self.alice).call("ListBreakpoints")["Breakpoints"] if b["id"] > 0}

    def value(self, expression, client=None):
        reply = (client or self.alice).call("Eval", {"Scope": SCOPE, "Expr": expression, "Cfg": LOAD})
        return int(reply["Variable"]["value"])

    def wish(self, number):
        self.alice.call("Set", {"Scope": SCOPE, "Symbol": "main.wish", "Value": str(number)})

    def go(self):
        """alice continues to the next stop; what she is told of it."""
        return self.alice.command("continue")

    def hit(self, state):
        return state["currentThread"].get("breakPoint", {})

    def run_on(self):
        number = self.alice.resume()
        waiting.until("it runs", lambda: self.alice.state()["Running"])
        return number

    def pause(self, number):
        self.alice.call("Command", {"name": "halt"})
        self.alice.reply(number)

    def outputs(self, viewer, words, start=0):
        return [m["body"]["output"] for m in viewer.messages[start:] if m.get("event") == "output" and words in m["body"]["output"]]
