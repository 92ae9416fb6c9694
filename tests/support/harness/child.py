"""What processes beside a test have in common, wherever they run: their output is kept, and their end does not go unnoticed."""

import subprocess

from . import waiting


class Child:
    """For who sets name, command, child (a Popen), out_file and err_file."""

    def output(self):
        with open(self.out_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def errors(self):
        with open(self.err_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self.child.poll() is None

    def wait(self, deadline=waiting.DEADLINE):
        """Its exit code; negative or 128 + N after signal N (as nsenter tells it)."""
        try:
            return self.child.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end\n{self.output()}{self.errors()}") from None

    def wait_for(self, what, condition):
        """Like waiting.until, but gives up as soon as the process ended."""
        def check():
            value = condition()
            if not value and not self.running():
                raise AssertionError(f"{self.name} ended with {self.child.returncode} before {what}\n"
                                     f"{' '.join(self.command)}\n{self.output()}{self.errors()}")
            return value
        return waiting.until(lambda: f"{self.name}: {what}\n{self.output()}{self.errors()}", check)
