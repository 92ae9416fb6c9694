"""A JSON-RPC client of Delve's API with nothing clever in it: tests may send any bytes."""

import json
import socket
import threading

from . import waiting


def connect(address):
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address[len("unix:"):])
        return connection
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), timeout=waiting.DEADLINE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(None)
    return connection


def hang_up(connection, reader):
    # Where the gateway has gone, `delvegate connect` holds what was only half closed.
    for how, patience in ((socket.SHUT_WR, 5), (socket.SHUT_RDWR, waiting.DEADLINE)):
        try:
            connection.shutdown(how)
        except OSError:
            pass
        reader.join(patience)
        if not reader.is_alive():
            break
    connection.close()


class Failed(AssertionError):
    """The answer was an error; `text` is dlv's (or the gateway's) sentence."""

    def __init__(self, method, text):
        super().__init__(f"{method}: {text}")
        self.text = text


class Rpc:
    def __init__(self, test, address):
        self.socket = connect(address)
        self.last_id = 0
        self.replies = {}
        self.lines = []
        self.closed = False
        self.changed = threading.Condition()
        self.reads = threading.Event()
        self.reads.set()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        test.addCleanup(self.close)

    def _read(self):
        rest = b""
        while True:
            self.reads.wait()
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                with self.changed:
                    self.closed = True
                    self.changed.notify_all()
                return
            parts = (rest + data).split(b"\n") if b"\n" in data else None
            if parts is None:
                rest += data
                continue
            rest = parts.pop()
            with self.changed:
                for line in parts:
                    self.lines.append(line)
                    value = json.loads(line)
                    self.replies[json.dumps(value["id"])] = value
                self.changed.notify_all()

    def write(self, data):
        self.socket.sendall(data)

    def send(self, method, params=None, newline=True):
        """Sends a request and returns its id without waiting."""
        self.last_id += 1
        request = {"method": "RPCServer." + method, "params": [{} if params is None else params], "id": self.last_id}
        self.write(json.dumps(request, separators=(",", ":")).encode() + (b"\n" if newline else b""))
        return self.last_id

    def answered(self, number):
        with self.changed:
            return json.dumps(number) in self.replies

    def reply(self, number, deadline=waiting.DEADLINE):
        """The whole reply to a request already sent."""
        key = json.dumps(number)
        with self.changed:
            if not self.changed.wait_for(lambda: key in self.replies or self.closed, deadline):
                raise AssertionError(f"no reply to request {number} within {deadline:.0f} s")
            if key not in self.replies:
                raise AssertionError(f"connection closed before the reply to request {number}")
            return self.replies[key]

    def refusal(self, number):
        """The error reply to hostile input: with its id, or null where the id could not be told for certain."""
        keys = (json.dumps(number), "null")
        with self.changed:
            if not self.changed.wait_for(lambda: any(k in self.replies for k in keys) or self.closed, waiting.DEADLINE):
                raise AssertionError("hostile input got no reply")
            found = [self.replies.pop(key) for key in keys if key in self.replies]
        if not found:
            raise AssertionError("connection closed without an error reply")
        if found[0]["error"] is None or found[0]["result"] is not None:
            raise AssertionError(f"hostile input was not refused: {json.dumps(found[0])[:400]}")
        return found[0]["error"]

    def result(self, number, method="request"):
        reply = self.reply(number)
        if reply["error"] is not None:
            raise Failed(method, reply["error"])
        return reply["result"]

    def call(self, method, params=None):
        return self.result(self.send(method, params), method)

    def error(self, method, params=None):
        """Sends a request that must be refused; returns the reason."""
        reply = self.reply(self.send(method, params))
        if reply["error"] is None:
            raise AssertionError(f"{method} was not refused: {json.dumps(reply)[:400]}")
        return reply["error"]

    def wait_closed(self):
        with self.changed:
            if not self.changed.wait_for(lambda: self.closed, waiting.DEADLINE):
                raise AssertionError("connection was not closed")

    def close(self):
        """Ends our side and waits for the other to end its own: then it has forgotten us."""
        self.reads.set()
        hang_up(self.socket, self.reader)

    # What most tests do.
    def state(self):
        return self.call("State", {"NonBlocking": True})["State"]

    def resume(self, name="continue", **more):
        """Sends a Command; the id is for result(), which comes when the target stops."""
        return self.send("Command", dict(name=name, **more))

    def command(self, name, **more):
        return self.call("Command", dict(name=name, **more))["State"]

    def set_breakpoint(self, file, line, **more):
        return self.call("CreateBreakpoint", {"Breakpoint": dict(file=file, line=line, **more)})["Breakpoint"]
