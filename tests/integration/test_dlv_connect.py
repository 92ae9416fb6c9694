"""The real `dlv connect` on a terminal, through the gateway: what a person types and sees."""

import unittest

from harness import case, debuggee, waiting

TICK = debuggee.line("tick")


class DlvConnect(case.SessionCase):
    def at_tick(self):
        dlv = self.dlv()
        self.assertIn("Breakpoint 1 set", dlv.run(f"break main.go:{TICK}"))
        self.assertRegex(dlv.run("continue"), rf"main\.tick\(\).*main\.go:{TICK}")
        return dlv

    def attach_again(self):
        """What must hold after any end of a session: the target is there and does as it is told."""
        self.assert_debuggee_alive()
        dlv = self.dlv()
        self.assertIn("hello", dlv.run("print main.greeting"))
        return dlv

    def leave(self, dlv, answer="n"):
        dlv.line("exit")
        dlv.expect(r"\[Y/n\] ")
        dlv.line(answer)
        self.assertEqual(dlv.finish(), 0, dlv.text)

    def test_breaks_and_shows_the_source(self):
        dlv = self.at_tick()
        self.assertRegex(dlv.text, rf"=> +{TICK}:\s+use\(p, sum\)")

    def test_steps(self):
        dlv = self.at_tick()
        self.assertRegex(dlv.run("next"), rf"main\.tick\(\).*main\.go:{TICK + 1}")
        self.assertRegex(dlv.run("stepout"), r"main\.main\(\)")
        dlv.run("continue")
        self.assertRegex(dlv.run("step"), r"main\.use\(\)")
        self.assertRegex(dlv.run("step-instruction"), r"main\.use\(\)")

    def test_looks(self):
        dlv = self.at_tick()
        self.assertIn('"web-0"', dlv.run("print p.Name"))
        self.assertRegex(dlv.run("locals"), r"sum = 0")
        self.assertRegex(dlv.run("args"), r"n = 0")
        self.assertRegex(dlv.run("goroutines"), r"\* Goroutine 1 - User: .*main\.tick")
        self.assertRegex(dlv.run("goroutines -group userloc"), r"main\.main|time\.Sleep")
        self.assertRegex(dlv.run("stack"), r"1  .*main\.main\n")
        self.assertRegex(dlv.run("frame 1 print n"), r"0")
        self.assertRegex(dlv.run("threads"), r"\* Thread \d+ at ")
        self.assertRegex(dlv.run("vars main.ratio"), r"main\.ratio = 2\.5")
        self.assertRegex(dlv.run("whatis p"), r"main\.pod")
        self.assertRegex(dlv.run("regs"), r"Rip = 0x")
        self.assertRegex(dlv.run("disassemble"), r"TEXT main\.tick")
        self.assertRegex(dlv.run("breakpoints"), rf"Breakpoint 1 .*main\.go:{TICK}")
        self.assertRegex(dlv.run(f"list main.go:{TICK}"), r"marker: tick")
        self.assertRegex(dlv.run("sources debuggee/main.go"), r"main\.go")
        self.assertRegex(dlv.run("examinemem -count 4 -size 1 -x &main.wish"), r"0x")

    def test_large_replies(self):
        dlv = self.at_tick()
        dlv.run("config max-array-values 1000")
        dlv.run("config max-string-len 1048576")
        self.assertGreater(len(dlv.run("print main.text")), 1 << 20)
        self.assertGreater(len(dlv.run("print main.pages")), 10000)
        self.assertIn("fmt.Println", dlv.run("funcs"))
        self.assertIn("main.pod", dlv.run("types"))

    def test_changes_the_target(self):
        dlv = self.at_tick()
        dlv.run("set n = 41")
        self.assertIn("41", dlv.run("print n"))
        self.assertIn('"x-7"', dlv.run('call describe("x", 7)'))
        dlv.run('call main.greeting = "changed"')
        self.assertIn('"changed"', dlv.run("print main.greeting"))

    def test_condition_and_trace(self):
        dlv = self.dlv()
        dlv.run(f"break here main.go:{TICK}")
        dlv.run("condition here n == 5")
        dlv.run("continue")
        self.assertIn("5", dlv.run("print n"))
        dlv.run("clear here")
        dlv.run("trace main.use")
        dlv.run(f"break there main.go:{TICK} if n == 8" if self.delve.version >= (1, 21, 0) else f"break there main.go:{TICK}")
        if self.delve.version < (1, 21, 0):
            dlv.run("condition there n == 8")
        self.assertRegex(dlv.run("continue"), r"(?s)> .*main\.use.*main\.tick\(\)")
        self.assertIn("8", dlv.run("print n"))

    def test_watchpoint(self):
        dlv = self.at_tick()
        self.assertRegex(dlv.run("watch -w main.wish"), r"Watchpoint main\.wish")
        dlv.run("clear 1")
        dlv.run("set main.wish = 6")
        self.assertRegex(dlv.run("continue"), r"watchpoint on \[main\.wish\]|main\.act")

    def test_interrupt_then_pause(self):
        dlv = self.dlv()
        dlv.line("continue")
        self.until_running()
        dlv.interrupt()
        start = dlv.expect(r"\[p/q\]\? ").end()
        dlv.line("p")
        dlv.prompt(start)
        self.assertRegex(dlv.run("goroutines"), r"Goroutine 1 ")
        self.assertRegex(dlv.run("print main.greeting"), "hello")

    def until_running(self):
        """The program writes as long as it runs."""
        pid = self.endpoint.program_pid()

        def busy():
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                state = [line for line in file if line.startswith("State:")][0]
            return "t (tracing stop)" not in state
        waiting.until("the target runs", busy)

    def test_interrupt_then_quit_leaves_it_running(self):
        dlv = self.dlv()
        dlv.line("continue")
        self.until_running()
        dlv.interrupt()
        dlv.expect(r"\[p/q\]\? ")
        dlv.line("q")
        self.assertEqual(dlv.finish(), 0, dlv.text)
        self.assert_debuggee_alive()
        self.until_running()

    def test_restart(self):
        dlv = self.at_tick()
        before = self.assert_debuggee_alive()
        self.assertRegex(dlv.run("restart"), r"Process restarted with PID \d+")
        self.assertNotEqual(self.assert_debuggee_alive(), before)
        self.assertRegex(dlv.run("continue"), rf"main\.tick\(\).*main\.go:{TICK}")

    def test_exit_answered_with_no(self):
        self.leave(self.at_tick(), "n")
        self.attach_again()

    def test_exit_answered_with_enter_kills_nothing(self):
        if self.endpoint.plain:
            return  # there it does kill
        self.leave(self.at_tick(), "")
        self.attach_again()

    def test_end_of_input_kills_nothing(self):
        dlv = self.dlv()
        dlv.type("\x04")
        dlv.expect(r"\[Y/n\] ")
        dlv.line("n")
        self.assertEqual(dlv.finish(), 0, dlv.text)
        self.attach_again()

    def test_exit_and_continue(self):
        """The last request is sent and the connection closed at once; it must arrive."""
        dlv = self.at_tick()
        dlv.run("clear 1")
        dlv.line("exit -c")
        self.assertEqual(dlv.finish(), 0, dlv.text)
        self.assert_debuggee_alive()
        self.until_running()

    def test_exit_with_a_flag_for_detaching(self):
        dlv = self.at_tick()
        dlv.line("exit -d")
        dlv.expect(r"\[Y/n\] ")
        dlv.line("n")
        self.assertEqual(dlv.finish(), 0, dlv.text)
        self.attach_again()

    def test_joins_a_running_target_without_halting_it(self):
        """Delve's client halts what it connects to; here it waits until its user pauses or something stops."""
        if self.endpoint.plain:
            return  # there it does halt
        first = self.dlv()
        first.line("exit -c")
        self.assertEqual(first.finish(), 0, first.text)
        self.until_running()
        dlv = self.terminal()
        dlv.expect(r"list of commands\.\n")
        self.until_running()
        dlv.interrupt()
        start = dlv.expect(r"\[p/q\]\? ").end()
        self.until_running()
        dlv.line("p")
        dlv.prompt(start)
        self.assertIn("hello", dlv.run("print main.greeting"))
        self.assertRegex(dlv.run(f"break main.go:{TICK}"), "Breakpoint 1 set")
        self.assertRegex(dlv.run("continue"), rf"main\.tick\(\).*main\.go:{TICK}")

    def test_joins_a_running_target_and_leaves_it_running(self):
        if self.endpoint.plain:
            return
        first = self.dlv()
        first.line("exit -c")
        first.finish()
        dlv = self.terminal()
        dlv.expect(r"list of commands\.\n")
        dlv.interrupt()
        start = dlv.expect(r"\[p/q\]\? ").end()
        dlv.line("q")
        dlv.prompt(start)  # Delve asks once more when it was interrupted before its first prompt
        dlv.line("exit")
        self.assertEqual(dlv.finish(), 0, dlv.text)
        self.until_running()

    def test_breakpoints_of_the_last_session_can_be_set_again(self):
        self.leave(self.at_tick())
        dlv = self.at_tick_again()
        self.assertIn("hello", dlv.run("print main.greeting"))

    def at_tick_again(self):
        dlv = self.dlv()
        self.assertRegex(dlv.run(f"break main.go:{TICK}"), r"Breakpoint \d+ set")
        self.assertRegex(dlv.run("continue"), rf"main\.tick\(\).*main\.go:{TICK}")
        return dlv

    def test_killed_client_leaves_the_target(self):
        dlv = self.at_tick()
        dlv.end()
        self.attach_again()

    def test_exit_of_the_target(self):
        dlv = self.at_tick()
        dlv.run("set main.wish = 1")
        dlv.run("clear 1")
        self.assertRegex(dlv.run("continue"), r"has exited with status 3")
        self.assertRegex(dlv.run("goroutines"), r"has exited with status 3")
        self.assertRegex(dlv.run("restart"), r"Process restarted with PID \d+")
        self.assertIn("hello", dlv.run("print main.greeting"))

    def test_panic_of_the_target(self):
        dlv = self.at_tick()
        dlv.run("set main.wish = 2")
        dlv.run("clear 1")
        self.assertRegex(dlv.run("continue"), r"(?s)unrecovered-panic.*told to panic")
        self.assertRegex(dlv.run("stack"), r"main\.act")


if __name__ == "__main__":
    unittest.main()
