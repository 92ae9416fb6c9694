"""Connects in the background: those whose home is a test's own, so that none outlives it."""

import os
import signal

from . import process, waiting


def running(home):
    """Pids of the background connects started with that home."""
    mark = f"\0HOME={home}\0".encode()
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        if "--in-background" not in process.command_line(entry):
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if mark in b"\0" + file.read() + b"\0" and process.alive(entry):
                    found.append(int(entry))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def end_all(home):
    for pid in running(home):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    waiting.until("no background connect is left", lambda: not running(home))
