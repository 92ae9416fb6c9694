"""A DAP client with nothing clever in it: tests may send any bytes."""

import json
import threading

from . import waiting
from .rpc import connect, hang_up

INITIALIZE = {"clientID": "vscode", "clientName": "Visual Studio Code", "adapterID": "go", "pathFormat": "path",
              "linesStartAt1": True, "columnsStartAt1": True, "supportsVariableType": True,
              "supportsVariablePaging": True, "supportsRunInTerminalRequest": True, "locale": "en",
              "supportsProgressReporting": True, "supportsInvalidatedEvent": True,
              "supportsMemoryReferences": True, "supportsArgsCanBeInterpretedByShell": True,
              "supportsMemoryEvent": True, "supportsStartDebuggingRequest": True, "supportsANSIStyling": True}


def frame(value):
    body = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Dap:
    def __init__(self, test, address):
        self.socket = connect(address)
        self.seq = 0
        self.messages = []
        self.closed = False
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        test.addCleanup(self.close)

    def _read(self):
        file = self.socket.makefile("rb")
        while True:
            try:
                length = None
                while True:
                    header = file.readline()
                    if header in (b"\r\n", b""):
                        break
                    name, _, value = header.partition(b":")
                    if name == b"Content-Length":
                        length = int(value)
                body = file.read(length) if length is not None else b""
            except (OSError, ValueError):
                body = b""
            with self.changed:
                if not body:
                    self.closed = True
                else:
                    self.messages.append(json.loads(body))
                self.changed.notify_all()
            if not body:
                return

    def write(self, data):
        self.socket.sendall(data)

    def send(self, command, arguments=None):
        self.seq += 1
        request = {"seq": self.seq, "type": "request", "command": command}
        if arguments is not None:
            request["arguments"] = arguments
        self.write(frame(request))
        return self.seq

    def wait(self, what, match, start=0, deadline=waiting.DEADLINE):
        """(index, message) of the first message from `start` on for which match() holds."""
        def find():
            for index in range(start, len(self.messages)):
                if match(self.messages[index]):
                    return index, self.messages[index]
            return None
        with self.changed:
            if not self.changed.wait_for(lambda: find() or self.closed, deadline):
                raise AssertionError(f"no {what} within {deadline:.0f} s; last messages: {self.messages[-4:]}")
            found = find()
            if not found:
                raise AssertionError(f"connection closed before {what}; last messages: {self.messages[-4:]}")
            return found

    def response(self, seq):
        return self.wait(f"response to request {seq}",
                         lambda m: m["type"] == "response" and m["request_seq"] == seq)[1]

    def event(self, name, start=0):
        return self.wait(f"event {name}", lambda m: m["type"] == "event" and m["event"] == name, start)

    def mark(self):
        """Where the messages received from now on begin."""
        with self.changed:
            return len(self.messages)

    def call(self, command, arguments=None):
        response = self.response(self.send(command, arguments))
        if not response["success"]:
            raise AssertionError(f"{command}: {response}")
        return response.get("body")

    def error(self, command, arguments=None):
        response = self.response(self.send(command, arguments))
        if response["success"]:
            raise AssertionError(f"{command} was not refused: {response}")
        return response["body"]["error"]["format"]

    def attach(self, configure=None, **arguments):
        """initialize … configurationDone as VS Code does it; configure() sets breakpoints in between."""
        self.call("initialize", INITIALIZE)
        attaching = self.send("attach", {"mode": "remote", "request": "attach", "type": "go", **arguments})
        self.event("initialized")
        if configure:
            configure()
        self.call("configurationDone")
        if not self.response(attaching)["success"]:
            raise AssertionError(f"attach: {self.response(attaching)}")

    def stopped(self, start=0):
        index, message = self.event("stopped", start)
        return index + 1, message["body"]

    def wait_closed(self):
        with self.changed:
            if not self.changed.wait_for(lambda: self.closed, waiting.DEADLINE):
                raise AssertionError("connection was not closed")

    def close(self):
        hang_up(self.socket, self.reader)


class Raw:
    """A connection whose answers are kept as they come, for input that is no protocol at all."""

    def __init__(self, test, address):
        self.socket = connect(address)
        self.received = b""
        self.closed = False
        test.addCleanup(self.close)

    def write(self, data):
        self.socket.sendall(data)

    def wait_closed(self):
        self.socket.settimeout(waiting.DEADLINE)
        try:
            while True:
                data = self.socket.recv(1 << 16)
                if not data:
                    return
                self.received += data
        except ConnectionError:
            return
        except TimeoutError:
            raise AssertionError(f"connection was not closed; received {self.received[-400:]!r}") from None

    def close(self):
        self.socket.close()
