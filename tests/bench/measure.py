"""What is measured, and how much of it."""

import json
import socket
import statistics
import subprocess
import time

from processes import Failure, PATIENCE, Process, cpu_seconds, memory


class Amount:
    """How much is done a round: enough for a number, or only enough to see that all of it works.

    Of each row a way does a slice, then the next way, and so on until all slices are done: what is
    compared is then less than a second apart.
    """

    def __init__(self, quick):
        self.idle = 10 if quick else 200
        self.slices = 2 if quick else 8
        self.latency = 100 if quick else 2_500
        self.rate_connections = 16
        self.rate_seconds = 0.1 if quick else 0.5
        self.bulk = 1 if quick else 8
        self.bulk_bytes = 8 << 20
        self.one_by_one = 4 if quick else 60
        self.eight_at_a_time = 8 if quick else 160


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


# Steps, each for one slice of one way: what is added up (CPU seconds, requests, bytes), and values of
# which the round's is the median.

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
    return {}, row


def latency_step(tools, way, amount):
    cpu = cpu_seconds(way.roots)
    got = load(tools, way, "latency", count=amount.latency, warmup=max(amount.latency // 10, 1))
    return ({"cpu_1": cpu_seconds(way.roots) - cpu, "requests_1": got["requests"]},
            {"p50": got["p50_us"], "p99": got["p99_us"]})


def rate_step(tools, way, amount):
    cpu = cpu_seconds(way.roots)
    got = load(tools, way, "rate", connections=amount.rate_connections, seconds=amount.rate_seconds)
    return ({"cpu_16": cpu_seconds(way.roots) - cpu, "requests_16": got["requests"]}, {"rate": got["per_second"]})


def bulk_step(tools, way, amount):
    cpu = cpu_seconds(way.roots)
    got = load(tools, way, "bulk", count=amount.bulk, warmup=1, bytes=amount.bulk_bytes)
    return ({"cpu_bulk": cpu_seconds(way.roots) - cpu, "bytes": got["bytes"]}, {"bulk": got["mb_per_second"]})


def connect_step(tools, way, amount):
    return {}, {"connect_1": load(tools, way, "connect", count=amount.one_by_one)["per_second"]}


def connect_8_step(tools, way, amount):
    return {}, {"connect_8": load(tools, way, "connect", count=amount.eight_at_a_time, connections=8)["per_second"]}


def round_of(tools, ways, amount):
    """way → row → number. The ways are started and answer."""
    sums = {w.key: {} for w in ways}
    values = {w.key: {} for w in ways}
    for step, slices in ((memory_step, 1), (latency_step, amount.slices), (rate_step, amount.slices),
                         (bulk_step, amount.slices), (connect_step, amount.slices), (connect_8_step, amount.slices)):
        for n in range(slices):
            for way in ways[n % len(ways):] + ways[:n % len(ways)]:  # nobody is always first
                way.check()
                added, measured = step(tools, way, amount)
                for key, value in added.items():
                    sums[way.key][key] = sums[way.key].get(key, 0) + value
                for key, value in measured.items():
                    values[way.key].setdefault(key, []).append(value)
    rows = {}
    for key, s in sums.items():
        rows[key] = {name: statistics.median(all_of) for name, all_of in values[key].items()}
        rows[key]["cpu_rpc_1"] = s["cpu_1"] * 1e6 / s["requests_1"]
        rows[key]["cpu_rpc"] = s["cpu_16"] * 1e6 / s["requests_16"]
        rows[key]["cpu_gb"] = s["cpu_bulk"] * 1e9 / s["bytes"]
    return rows
