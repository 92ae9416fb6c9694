"""Replies of any size pass whole; nobody waits for a reader who does not read."""

import hashlib
import unittest

from harness import case, debuggee

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

    def test_48_mib_of_values(self):
        client = self.at_tick()
        variable = client.result(self.evaluate(client))["Variable"]
        self.assertEqual(len(variable["children"]), 48)
        digests = {hashlib.sha256(child["value"].encode()).hexdigest() for child in variable["children"]}
        self.assertEqual(digests, {hashlib.sha256(b"0123456789abcdef" * (64 << 10)).hexdigest()})

    def test_many_at_once(self):
        """Pipelined: each reply has its id, none is lost or mixed."""
        client = self.at_tick()
        numbers = [self.evaluate(client) for _ in range(4)]
        small = client.send("IsMulticlient")
        for number in numbers:
            self.assertEqual(len(client.result(number)["Variable"]["children"]), 48)
        self.assertTrue(client.result(small)["IsMulticlient"])
        self.assertEqual(client.command("next")["currentThread"]["line"], TICK + 1)

    def test_lists_of_everything(self):
        client = self.at_tick()
        for method, key in (("ListFunctions", "Funcs"), ("ListTypes", "Types"), ("ListSources", "Sources")):
            self.assertGreater(len(client.call(method, {"Filter": ""})[key]), 100)
        self.assertGreater(len(client.call("ListPackageVars", {"Filter": "", "Cfg": EVERYTHING})["Variables"]), 100)
        self.assertGreater(len(client.call("ListPackagesBuildInfo", {"IncludeFiles": True})["List"]), 10)


if __name__ == "__main__":
    unittest.main()
