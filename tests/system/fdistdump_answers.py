# SPDX-License-Identifier: BSD-3-Clause
"""Answers of fdistdump computed a second time, from the list of flows beside the reference files.

The flows of flows.truth.csv are aggregated, sorted and limited here in the plainest way; fdistdump
must give the same rows in the same order, from both layouts.
"""

import csv
import itertools
import ipaddress
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

REFERENCE = os.path.join(chain.SHARED, "fdistdump-reference")
LAYOUTS = ("flows-v1-lz4.nf", "flows-v2-lz4.nf")

COLUMNS = {"first": "first_ms", "last": "last_ms", "inif": "in", "outif": "out"}
SAME = ("srcip", "dstip", "srcport", "dstport", "proto", "flags", "packets", "bytes", "srcas",
        "dstas", "tos")
ADDRESSES = ("srcip", "dstip", "ip")
PAIRS = {"ip": ("srcip", "dstip"), "port": ("srcport", "dstport"), "as": ("srcas", "dstas"),
         "if": ("inif", "outif")}
NEEDS = {"duration": ("first", "last"), "bps": ("first", "last", "bytes"),
         "pps": ("first", "last", "packets"), "bpp": ("bytes", "packets")}
CALCULATED = tuple(NEEDS)
DESCENDING = ("bytes", "packets", "flows", "bps", "pps")
SUMS, MAXIMA = ("bytes", "packets", "flows"), ("last",)


def read_flows():
    flows = []
    with open(os.path.join(REFERENCE, "flows.truth.csv"), encoding="utf-8") as f:
        for row in csv.DictReader(f):
            flow = {name: row[column] for name, column in COLUMNS.items()}
            flow.update({name: row[name] for name in SAME})
            flow = {name: int(ipaddress.ip_address(value)) if name in ADDRESSES else int(value)
                    for name, value in flow.items()}
            flows.append(calculate({**flow, "flows": 1}))
    return flows


def calculate(row):
    """Adds the calculated fields; what cannot be calculated is not a number."""
    duration = row["last"] - row["first"]
    row["duration"] = duration
    row["bps"] = row["bytes"] * 8000 / duration if duration else math.nan
    row["pps"] = row["packets"] * 1000 / duration if duration else math.nan
    row["bpp"] = float(row["bytes"] // row["packets"]) if row["packets"] else math.nan
    return row


def parse_key(text):
    name, *numbers = text.split("/")
    return name, [int(n) for n in numbers]


def key_value(key, flow, side):
    name, numbers = key
    value = flow[PAIRS[name][side]] if name in PAIRS else flow[name]
    if name in ADDRESSES:
        is_ipv4 = 1 < value < 2 ** 32
        default = (32, 128)
        prefix = (numbers + list(default[len(numbers):]))[0 if is_ipv4 else 1]
        shift = (32 if is_ipv4 else 128) - prefix
        return value >> shift << shift
    if numbers:
        return value - value % (numbers[0] * 1000)
    return value


def combine(name, values):
    if name in SUMS:
        return sum(values)
    if name == "flags":
        result = 0
        for value in values:
            result |= value
        return result
    if name in ADDRESSES:  # the smallest that is not 0
        return min((value for value in values if value), default=0)
    return max(values) if name in MAXIMA else min(values)


def aggregate(keys, flows):
    """Of pair fields both sides count."""
    keys = [parse_key(key) for key in keys]
    sides = (0, 1) if any(name in PAIRS for name, _ in keys) else (0,)
    groups = {}
    for flow in flows:
        for side in sides:
            place = tuple(key_value(key, flow, side) for key in keys)
            groups.setdefault(place, []).append(flow)
    rows = []
    for place, members in groups.items():
        row = calculate({name: combine(name, [m[name] for m in members])
                         for name in members[0] if name not in CALCULATED})
        row.update({name: value for (name, _), value in zip(keys, place)})
        rows.append(row)
    return rows


def answer(flows, keys, order, fields, limit):
    """(arguments, rows as csv has them)."""
    names = [parse_key(key)[0] for key in keys]
    columns = list(names)
    arguments = ["-l", str(limit), "--output-fields=" + ",".join(fields)]
    rows = aggregate(keys, flows) if keys else [dict(flow) for flow in flows]
    if keys:
        arguments += ["-a", ",".join(keys)]
    for name in ([order.partition("#")[0]] if order else []) + list(fields):
        if name not in columns:
            columns.append(name)

    def rest(row):
        """What orders equal rows: the columns that are not calculated, from left to right, then what
        the others are calculated from."""
        left = [row[name] for name in columns if name in names or name not in CALCULATED]
        return left + [row[need] for name in columns if name not in names for need in NEEDS.get(name, ())]

    if order:
        arguments += ["-o", order]
        name, _, direction = order.partition("#")
        sign = -1 if (direction or ("desc" if name in DESCENDING else "asc")) == "desc" else 1

        def place(row):
            missing = isinstance(row[name], float) and math.isnan(row[name])
            return missing, 0 if missing else sign * row[name], rest(row)
        rows.sort(key=place)
    elif keys:
        rows.sort(key=rest)
    rows = rows[:limit or None]
    return arguments, [columns] + [[text(name, row[name]) for name in columns] for row in rows]


def text(name, value):
    if name in ADDRESSES:
        return ":".join(str(value >> shift & 0xffffffff) for shift in (96, 64, 32, 0))
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.1f}"
    return str(value)


IDENTITY = ("srcip", "dstip", "srcport", "dstport", "first", "last", "bytes", "packets")
QUESTIONS = [
    # keys, order, output fields, limit
    (("srcip",), "bytes", ("flows", "packets", "flags"), 10),
    (("srcip",), "bytes#asc", ("flows",), 0),
    (("srcip/16/48",), "packets", ("flows", "bps", "pps", "bpp", "duration"), 20),
    (("srcip/0/0",), "flows", ("bytes",), 0),
    (("srcip/24", "dstip/24/48"), None, ("flows", "bytes"), 0),
    (("ip",), "flows", ("bytes", "packets"), 25),
    (("ip/8/16",), "bytes#asc", ("flows",), 0),
    (("port",), "flows", ("bytes", "srcip", "dstip"), 30),
    (("ip", "port"), "packets", ("flows",), 50),
    (("ip", "proto"), None, ("flows", "bytes"), 0),
    (("as", "if"), None, ("flows", "bytes", "first", "last"), 0),
    (("if",), "flows#asc", ("bps",), 0),
    (("proto", "flags"), "flows", ("duration", "bps", "pps", "bpp"), 0),
    (("proto",), "bps", ("flows", "bytes"), 0),
    (("proto",), "bps#asc", ("flows", "bytes"), 0),
    (("srcip", "dstip", "srcport", "dstport", "proto"), "bps", ("duration",), 0),
    (("srcip", "dstip", "srcport", "dstport", "proto"), "pps#asc", ("duration",), 700),
    (("srcip", "dstip", "srcport", "dstport", "proto"), "bpp#desc", ("duration",), 333),
    (("first/60",), "first", ("flows", "bytes"), 0),
    (("last/300", "proto"), None, ("flows",), 0),
    (("duration",), "flows", ("bytes",), 40),
    (("duration/10",), "duration#desc", ("flows", "first", "last"), 0),
    (("bytes", "packets"), "flows", (), 15),
    (("tos",), None, ("srcip", "dstip", "srcport", "dstas", "inif"), 0),
    ((), "bytes", IDENTITY, 100),
    ((), "bytes#asc", IDENTITY, 1),
    ((), "bps", IDENTITY, 0),
    ((), "bps#asc", IDENTITY, 0),
    ((), "pps#desc", IDENTITY, 2999),
    ((), "bpp", IDENTITY, 3000),
    ((), "duration#desc", IDENTITY, 3001),
    ((), "srcip", IDENTITY, 0),
    ((), "dstip#desc", IDENTITY, 0),
    ((), "proto#desc", IDENTITY, 17),
    ((), "last", IDENTITY, 0),
    ((), "proto", ("bpp", "duration", "tos", "bps"), 0),
    ((), "duration", ("pps", "flags", "bytes"), 0),
]


def check(flows, question, layout, ranks):
    arguments, expected = answer(flows, *question)
    path = os.path.join(REFERENCE, layout)
    paths = [path] if ranks == 1 else [f"%2:{path}"]
    out, err, _ = chain.fdistdump(["--output-format=csv", *arguments, *paths], ranks=ranks)
    assert err == "", err
    got = [line.split(",") for line in out.splitlines()]
    for i, (a, b) in enumerate(itertools.zip_longest(got, expected)):
        if a != b:
            return f"{arguments} of {layout}: line {i + 1} is {a}, not {b}"
    return ""


def main():
    if not os.path.isdir(REFERENCE):
        chain.skip("the reference files are not there: " + REFERENCE)
    flows = read_flows()
    failures = []
    for question in QUESTIONS:
        for layout, ranks in ((LAYOUTS[0], 1), (LAYOUTS[1], 1), (LAYOUTS[1], 3)):
            failures += filter(None, [check(flows, question, layout, ranks)])
    for failure in failures:
        print(failure)
    print(f"{len(QUESTIONS)} questions, {len(failures)} wrong answers")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
