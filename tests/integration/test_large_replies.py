"""Replies of any size pass whole; nobody waits for a reader who does not read."""

import hashlib
import unittest

from harness import case, debuggee, process

TICK = debuggee.line("tick")
EVERYTHING = {"FollowPointers": True, "MaxVariableRecurse": 1, "MaxStringLen": 1 << 20, "MaxArrayValues": 64, "MaxStructFields": -1}


class LargeReplies(case.SessionCase):
    def at_tick(self):
        client = self.rpc()
        client.set_breakpoint(debuggee.MAIN, TICK)
        client.command("continue")
        return client

    def evaluate(self, client):
        return client.send("Eval", {"Scope": {"GoroutineID": -1}, "Expr": "main.texts", "Cfg": EVERYTHING})

    def test_33_mib_of_values(self):
        client = self.at_tick()
        variable = client.result(self.evaluate(client))["Variable"]
        self.assertEqual(len(variable["children"]), 33)
        digests = {hashlib.sha256(child["value"].encode()).hexdigest() for child in variable["children"]}
        self.assertEqual(digests, {hashlib.sha256(b"0123456789abcdef" * (64 << 10)).hexdigest()})

    def test_many_at_once(self):
        """Pipelined: each reply has its id, none is lost or mixed."""
        client = self.at_tick()
        numbers = [self.evaluate(client) for _ in range(2)]
        small = client.send("IsMulticlient")
        for number in numbers:
            self.assertEqual(len(client.result(number)["Variable"]["children"]), 33)
        self.assertTrue(client.result(small)["IsMulticlient"])
        self.assertEqual(client.command("next")["currentThread"]["line"], TICK + 1)

    def test_lists_of_everything(self):
        client = self.at_tick()
        for method, key in (("ListFunctions", "Funcs"), ("ListTypes", "Types"), ("ListSources", "Sources")):
            self.assertGreater(len(client.call(method, {"Filter": ""})[key]), 100)
        self.assertGreater(len(client.call("ListPackageVars", {"Filter": "", "Cfg": EVERYTHING})["Variables"]), 100)
        self.assertGreater(len(client.call("ListPackagesBuildInfo", {"IncludeFiles": True})["List"]), 10)

    def test_a_viewer_who_does_not_read(self):
        """What is asked for and not read: the gateway holds little of it, and a viewer who reads on misses nothing."""
        if self.endpoint.plain:
            return
        client = self.at_tick()
        before = process.resident(self.endpoint.serve.pid)
        client.reads.clear()
        client.send("IsMulticlient")  # the reader's last chance to read: it waits for bytes already
        numbers = [self.evaluate(client) for _ in range(2)]
        held = []

        def settled():
            held.append(process.resident(self.endpoint.serve.pid) - before)
            return len(held) > 30 and max(held[-20:]) == min(held[-20:])
        self.until("the gateway's memory to settle", settled)
        self.assertLess(max(held), 32 << 20, "bytes of memory held for a viewer who does not read")
        client.reads.set()
        for number in numbers:
            self.assertEqual(len(client.result(number)["Variable"]["children"]), 33)
        self.assertEqual(client.command("next")["currentThread"]["line"], TICK + 1)


if __name__ == "__main__":
    unittest.main()
