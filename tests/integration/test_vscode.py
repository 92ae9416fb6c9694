"""VS Code's remote attach, spoken by the real DAP client library, through the gateway."""

import unittest

from harness import case, node


class Vscode(case.SessionCase):
    def scenario(self, name):
        node.run(name, self.address, self.delve, self.endpoint.plain)

    def test_breakpoint_and_looks(self):
        self.scenario("breakpointAndLooks")

    def test_looks_of_an_earlier_stop_are_refused(self):
        if not self.endpoint.plain:  # Delve answers them with what it cached
            self.scenario("looksOfAnEarlierStopAreRefused")

    def test_condition_hit_condition_and_log_message(self):
        self.scenario("conditionHitConditionAndLogMessage")

    def test_function_breakpoint(self):
        self.scenario("functionBreakpoint")

    def test_breakpoints_that_cannot_be_set(self):
        self.scenario("breakpointsThatCannotBeSet")

    def test_steps(self):
        self.scenario("steps")

    def test_pause_and_continue(self):
        self.scenario("pauseAndContinue")

    def test_breakpoint_while_running(self):
        self.scenario("breakpointWhileRunning")

    def test_joins_a_running_program(self):
        if not self.endpoint.plain:  # Delve halts it
            self.scenario("joinsARunningProgram")

    def test_asks_many_things_at_once(self):
        self.scenario("asksManyThingsAtOnce")

    def test_pauses_a_long_call(self):
        if not self.endpoint.plain:  # Delve answers a pause after the call only
            self.scenario("pausesALongCall")

    def test_changes_the_target(self):
        self.scenario("changesTheTarget")

    def test_stops_on_entry(self):
        self.scenario("stopsOnEntry")

    def test_commands_of_the_console(self):
        self.scenario("commandsOfTheConsole")

    def test_disassembles(self):
        self.scenario("disassembles")

    def test_reads_memory(self):
        if self.delve.version >= (1, 26, 0):  # earlier ones do not offer it
            self.scenario("readsAndWritesMemory")

    def test_data_breakpoint(self):
        if self.delve.version >= (1, 26, 2):  # earlier ones do not offer it
            self.scenario("dataBreakpoint")

    @unittest.skipIf(case.VIA == "guard", "the program's output is the gateway's only where it started dlv itself")
    def test_shows_the_output_of_the_program(self):
        if not self.endpoint.plain:  # a headless dlv does not
            self.scenario("showsTheOutputOfTheProgram")

    @unittest.skipIf(case.VIA == "guard", "the program's output is the gateway's only where it started dlv itself")
    def test_program_exits(self):
        self.scenario("programExits")

    def test_program_panics(self):
        self.scenario("programPanics")

    def test_two_goroutines_at_once(self):
        self.scenario("twoGoroutinesAtOnce")

    def test_ends_and_attaches_again(self):
        before = self.assert_debuggee_alive()
        self.scenario("endsAndAttachesAgain")
        self.assertEqual(self.assert_debuggee_alive(), before)

    def test_masks_what_would_end_the_target(self):
        if not self.endpoint.plain:
            self.scenario("masksWhatWouldEndTheTarget")


if __name__ == "__main__":
    unittest.main()
