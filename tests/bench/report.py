"""Rounds of numbers → a table for people, in Markdown."""

import statistics

# key, what it is, unit, whether more is better, digits
ROWS = [
    ("p50", "small RPC, 1 connection: p50", "µs", False, 1),
    ("p99", "small RPC, 1 connection: p99", "µs", False, 1),
    ("cpu_rpc_1", "CPU per RPC, 1 connection", "µs", False, 1),
    ("rate", "small RPC, 16 connections", "RPC/s", True, 0),
    ("cpu_rpc", "CPU per RPC, 16 connections", "µs", False, 1),
    ("bulk", "replies of 8 MiB", "MB/s", True, 0),
    ("cpu_gb", "CPU per GB of such replies", "s", False, 2),
    ("connect_1", "new IDE connections, one by one", "1/s", True, 0),
    ("connect_8", "new IDE connections, 8 at a time", "1/s", True, 0),
    ("memory", "memory per idle connection, of 200", "KiB", False, 1),
]
# Not a matter of better or worse than a peer.
EXTRA = [("memory_base", "memory before the first connection", "MiB", False, 1)]


def medians(rounds):
    """way → row → median over its rounds."""
    return {way: {key: statistics.median(r[key] for r in rows) for key in rows[0]} for way, rows in rounds.items()}


def advantage(row, ours, other):
    """How many times better `ours` is than `other`; above 1 we are ahead."""
    more_is_better = row[3]
    if ours <= 0 or other <= 0:
        return None
    return ours / other if more_is_better else other / ours


def _median_advantage(row, ours, other):
    """Round by round, since both were then measured within seconds."""
    each = [advantage(row, a[row[0]], b[row[0]]) for a, b in zip(ours, other)]
    return None if None in each else statistics.median(each)


def _table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"]
    return "\n".join(out + ["| " + " | ".join(line) + " |" for line in lines])


def _ratio(value):
    return "–" if value is None else f"{value:.2f}"


def tables(ways, rounds):
    """ways: those that were measured, in order."""
    m = medians(rounds)
    absolute = [[f"{text} [{unit}]"] + [_number(m[w.key][key], digits, w) for w in ways]
                for key, text, unit, _, digits in ROWS + EXTRA]
    spread = []
    for key, text, unit, _, digits in ROWS:
        spread.append([f"{text} [{unit}]"] +
                      [f"{min(r[key] for r in rounds[w.key]):.{digits}f}–{max(r[key] for r in rounds[w.key]):.{digits}f}"
                       for w in ways])
    text = ["Medians of the rounds:\n", _table([""] + [w.title for w in ways], absolute)]
    ours = next((w for w in ways if w.key == "delvegate"), None)
    peers = [w for w in ways if w.peer]
    if ours and peers:
        lines = []
        for row in ROWS:
            each = [(_median_advantage(row, rounds[ours.key], rounds[w.key]), w) for w in ways if w is not ours]
            against = sorted(a for a, w in each if w.peer and a is not None)
            lines.append([row[1]] + [_ratio(a) if w.key != "bare" or not row[0].startswith(("cpu", "memory")) else "–"
                                     for a, w in each]
                         + ([f"**{against[0]:.2f}**", f"**{statistics.median(against):.2f}**"] if against else ["–"] * 2))
        text += ["\nHow many times better delvegate is than each (above 1: delvegate is ahead), median of the rounds' ratios:\n",
                 _table(["delvegate against"] + [w.title for w in ways if w is not ours] +
                        ["best peer", "median peer"], lines)]
    text += ["\nLeast and greatest round, to judge the noise by:\n", _table([""] + [w.title for w in ways], spread)]
    return "\n".join(text) + "\n"


def _number(value, digits, way):
    return "–" if way.key == "bare" and value == 0 else f"{value:,.{digits}f}"


BEGIN, END = "<!-- measured: begin (tests/bench/run writes from here) -->", "<!-- measured: end -->"


def put_between_markers(path, text):
    with open(path) as f:
        page = f.read()
    before, rest = page.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    with open(path, "w") as f:
        f.write(before + BEGIN + "\n" + text + END + after)
