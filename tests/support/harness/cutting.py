"""A way between laptop and gateway that breaks where a test wants it: a TCP proxy."""

import random
import socket
import struct
import threading


class Way:
    """Listens on `port`, and carries to the gateway's port. With `every`, a range of bytes, each connection breaks after
    as many as `seed` makes of it, in the middle of whatever it carries; now with a FIN, now with a reset."""

    def __init__(self, test, target, seed=1):
        self.target = target
        self.random = random.Random(seed)
        self.every = None
        self.open = True
        self.breaks = 0
        self.carried = 0
        self.lock = threading.Lock()
        self.pairs = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        test.addCleanup(self.end)

    def break_now(self):
        """Every connection there is; how many there were."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self._break(pair)
        return len(pairs)

    def hang(self):
        """The laptop's ends break; the gateway's stay, and say nothing, as behind a NAT that forgot."""
        with self.lock:
            for pair in self.pairs:
                pair.hangs = True
                pair.laptop.shutdown(socket.SHUT_RDWR)

    def shut(self):
        """No way any more: what is there breaks, and whoever comes is refused."""
        self.open = False
        self.break_now()

    def reopen(self):
        self.open = True

    def end(self):
        self.open = False
        self.every = None
        self.listener.close()
        self.break_now()

    def _accept(self):
        while True:
            try:
                laptop, _ = self.listener.accept()
            except OSError:
                return
            gateway = None
            if self.open:
                try:
                    gateway = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    pass
            if gateway is None:
                laptop.close()
                continue
            for end in (laptop, gateway):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                left = self.random.randrange(*self.every) if self.every else None
                pair = _Pair(laptop, gateway, left)
                self.pairs.add(pair)
            for source, sink in ((laptop, gateway), (gateway, laptop)):
                threading.Thread(target=self._carry, args=(pair, source, sink), daemon=True).start()

    def _carry(self, pair, source, sink):
        while True:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            if not data and pair.hangs:
                return
            if not data:
                # A goodbye goes on, and the way back stays: that is for TLS to decide, not for us.
                try:
                    sink.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                with self.lock:
                    pair.halves -= 1
                    over = pair.halves == 0
                if over:
                    self._break(pair, count=False)
                return
            with self.lock:
                if pair.left is not None:
                    data = data[:pair.left]
                    pair.left -= len(data)
                breaks = pair.left == 0
                self.carried += len(data)
            try:
                if not pair.hangs:
                    sink.sendall(data)
            except OSError:
                pass
            if breaks:
                self._break(pair)
                return

    def _break(self, pair, count=True):
        with self.lock:
            if pair not in self.pairs:
                return
            self.pairs.remove(pair)
            self.breaks += count
            resets = count and self.random.random() < 0.5
        for end in (pair.laptop, pair.gateway):
            try:
                if resets:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RD)
            except OSError:
                pass
            end.close()


class _Pair:
    def __init__(self, laptop, gateway, left):
        self.laptop = laptop
        self.gateway = gateway
        self.left = left
        self.halves = 2
        self.hangs = False
