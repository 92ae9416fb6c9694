"""What is measured, and how much of it."""

import json
import socket
import subprocess
import time

from processes import Failure, PATIENCE, Process, cpu_seconds, memory


class Amount:
    """How much is done a round: enough for a number, or only enough to see that all of it works."""

    def __init__(self, quick):
        self.latency = 200 if quick else 20_000
        self.rate_seconds = 0.2 if quick else 3
        self.rate_connections = 16
        self.bulk = 2 if quick else 64
        self.bulk_bytes = 8 << 20
        self.one_by_one = 8 if quick else 300
        self.eight_at_a_time = 16 if quick else 800
        self.idle = 10 if quick else 200


def start_dlv(tools, folder):
    """The stand-in, and the address it announces."""
    dlv = Process("dlv", [tools.fake_dlv, "exec", "--headless", "--accept-multiclient", "--api-version=2",
                          "--listen=127.0.0.1:0", "./program"], folder)
    return dlv, dlv.wait_for_line("API server listening at: ")


def wait_until_answering(way):
    """Every address of the way answers a request."""
    deadline = time.monotonic() + PATIENCE
    request = b'{"method":"RPCServer.ListThreads","params":[{}],"id":1}\n'
    for address in way.addresses:
        host, port = address.rsplit(":", 1)
        said = ""
        while True:
            way.check()
            try:
                with socket.create_connection((host, int(port)), timeout=PATIENCE) as s:
                    s.sendall(request)
                    said = s.makefile().readline()
                    if said.startswith('{"id":1,"result":{'):
                        break
            except OSError as e:
                said = str(e)
            if time.monotonic() > deadline:
                raise Failure(f"{way.title} does not answer at {address}: {said.strip() or 'it closes'}; "
                              + "; ".join(p.name + ": " + p.last_words() for p in way.processes))
            time.sleep(0.05)


def load(tools, way, mode, **options):
    argv = [tools.load, mode]
    for name, value in options.items():
        argv += ["--" + name, str(value)]
    done = subprocess.run(argv + way.addresses, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{way.title}, {mode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


# The steps of a round, each for one way: row → number. Within a round every step is taken by all ways in
# turn before the next one, so that the numbers that are compared are seconds apart.

def memory_step(tools, way, amount):
    """Per connection in KiB, and both ends before the first one; the processes are fresh."""
    before = memory(way.roots)
    argv = [tools.load, "idle", "--connections", str(amount.idle)] + way.addresses
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    held = child.stdout.readline()
    after = memory(way.roots)
    _, said = child.communicate()
    if child.returncode != 0 or not held:
        raise Failure(f"{way.title}, idle: {said.strip()}")
    row = {"memory_base": before["Pss"] / 1024}
    for key, name in (("Pss", "memory"), ("Rss", "memory_rss"), ("Anonymous", "memory_anonymous")):
        row[name] = (after[key] - before[key]) / amount.idle
    return row


def latency_step(tools, way, amount):
    cpu = cpu_seconds(way.roots)
    got = load(tools, way, "latency", count=amount.latency, warmup=max(amount.latency // 10, 1))
    return {"p50": got["p50_us"], "p99": got["p99_us"],
            "cpu_rpc_1": (cpu_seconds(way.roots) - cpu) * 1e6 / got["requests"]}


def rate_step(tools, way, amount):
    cpu = cpu_seconds(way.roots)
    got = load(tools, way, "rate", connections=amount.rate_connections, seconds=amount.rate_seconds)
    return {"rate": got["per_second"], "cpu_rpc": (cpu_seconds(way.roots) - cpu) * 1e6 / got["requests"]}


def bulk_step(tools, way, amount):
    cpu = cpu_seconds(way.roots)
    got = load(tools, way, "bulk", count=amount.bulk, warmup=max(amount.bulk // 10, 1), bytes=amount.bulk_bytes)
    return {"bulk": got["mb_per_second"], "cpu_gb": (cpu_seconds(way.roots) - cpu) * 1e9 / got["bytes"]}


def connect_step(tools, way, amount):
    return {"connect_1": load(tools, way, "connect", count=amount.one_by_one)["per_second"]}


def connect_8_step(tools, way, amount):
    return {"connect_8": load(tools, way, "connect", count=amount.eight_at_a_time, connections=8)["per_second"]}


STEPS = [memory_step, latency_step, rate_step, bulk_step, connect_step, connect_8_step]
