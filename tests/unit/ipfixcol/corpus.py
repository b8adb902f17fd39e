# SPDX-License-Identifier: BSD-3-Clause
"""Decodes real exports and compares counts, sums and fields with what other decoders found.

usage: corpus.py DECODE_DUMP CORPUS_DIRECTORY [DICTIONARY]; exit status 77 = no corpus here
"""
import collections
import csv
import json
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "support"))
from corpus_differences import DIFFERENT  # noqa: E402


def read_pcap(path):
    """Yields (source address and port, datagram) of a capture with Ethernet, IPv4 and UDP."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        packet = data[at + 16:at + 16 + size]
        at += 16 + size
        if packet[12:14] != b"\x08\x00" or packet[23] != 17:
            continue
        ip = packet[14:]
        header = (ip[0] & 15) * 4
        length = struct.unpack(">H", ip[header + 4:header + 6])[0]
        yield ip[12:16] + ip[header:header + 2], ip[header + 8:header + length]


def read_ipfix(path):
    """Yields ("", message) of an IPFIX File."""
    data = path.read_bytes()
    at = 0
    while at + 4 <= len(data):
        length = struct.unpack(">H", data[at + 2:at + 4])[0]
        yield "", data[at:at + length]
        at += max(length, 16)


def decode(tool, transport, messages):
    """Runs the decoder: its lines."""
    sources = {}
    out = [transport]
    for source, message in messages:
        number = sources.setdefault(source, len(sources))
        out.append(struct.pack(">II", number, len(message)) + message)
    done = subprocess.run(tool, input=b"".join(out), stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"decoder ended with {done.returncode}")
    return done.stdout.decode().splitlines()


class Counts:
    """What the decoder found, in the words of the expectation."""

    def __init__(self, lines):
        self.values = collections.Counter()
        self.by_template = collections.Counter()
        self.records = []
        self.fields = []
        self.events = [line for line in lines if line.startswith("event ")]
        self.bugs = [line for line in lines if line.startswith("BUG")]
        v5 = False
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == "message":
                self.values["messages"] += 1
                v5 = rest.endswith(" 5")
            elif kind == "template" and not v5:
                _, change, set_id, _, _ = rest.split()
                if change != "withdrawn":
                    self.values["templates" if set_id == "2" else "options_templates"] += 1
            elif kind == "record":
                row = rest.split(",")
                if v5:
                    row[2] = "0"
                self.records.append(row)
                self.by_template[f"{row[1]}/{row[2]}"] += 1
                self.values["data_records" if row[3] == "tpl" else "options_records"] += 1
                if row[3] == "tpl":
                    self.values["sum_packets"] += int(row[9] or 0)
                    self.values["sum_bytes"] += int(row[10] or 0)
            elif kind == "fields":
                self.fields.append(rest)
            elif kind == "event" and " NO_TEMPLATE " in line:
                self.values["sets_without_template"] += 1


COMPARED = ("messages", "templates", "options_templates", "data_records", "options_records",
            "sets_without_template", "sum_packets", "sum_bytes")


def compare_counts(expected, counts):
    for key in COMPARED:
        if expected[key] != counts.values[key]:
            yield f"{key}: expected {expected[key]}, got {counts.values[key]}"
    if expected["records_by_template"] != dict(counts.by_template):
        yield f"by template: expected {expected['records_by_template']}, got {dict(counts.by_template)}"
    yield from counts.bugs


def compare_flows(path, counts):
    """Key fields of the first records, times included."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    flows = [row for row in counts.records if row[3] == "tpl" and (row[4] or row[5])]
    for number, (want, have) in enumerate(zip(rows, flows)):
        got = dict(zip(("msg", "domain", "template", "kind", "src", "dst", "sport", "dport", "proto",
                        "packets", "bytes", "first_ms", "last_ms"), have))
        for key in ("msg", "domain", "template", "src", "dst", "sport", "dport", "proto",
                    "packets", "bytes"):
            if want[key] != got[key]:
                yield f"flow {number}: {key} expected {want[key]}, got {got[key]}"
        for key in ("first_ms", "last_ms"):
            if got[key] != "" and want[key] != got[key]:
                yield f"flow {number}: {key} expected {want[key]}, got {got[key]}"


def compare_fields(path, counts):
    """Every field of the first records of each template, as raw octets; IPFIX only."""
    if not path.exists():
        return
    seen = collections.Counter()
    have = collections.defaultdict(list)
    for row, fields in zip(counts.records, counts.fields):
        have[(row[0], row[1], row[2])].append(fields.rstrip(";"))
    with path.open(encoding="utf-8", newline="") as stream:
        for want in csv.DictReader(stream):
            key = (want["msg"], want["domain"], want["template"])
            if want["fields_hex"] not in have[key]:
                yield f"record of {key}: {want['fields_hex']} not among {have[key][:2]}"
                return
            seen[key] += 1


def check_case(tool, path):
    expected = json.loads(path.read_text(encoding="utf-8"))
    if "sflow" in expected["protocols"]:
        return
    expected.update(DIFFERENT.get(expected["name"], {}))
    stem = str(path)[:-len(".expect.json")]
    variants = []
    if pathlib.Path(stem + ".pcap").exists() and path.parent.name != "stream":
        variants.append(("pcap", b"u", read_pcap(pathlib.Path(stem + ".pcap"))))
    if pathlib.Path(stem + ".ipfix").exists():
        variants.append(("ipfix", b"t", read_ipfix(pathlib.Path(stem + ".ipfix"))))
    for name, transport, messages in variants:
        counts = Counts(decode(tool, transport, messages))
        for problem in compare_counts(expected, counts):
            yield f"{name}: {problem}"
        if expected["name"] in DIFFERENT:
            continue
        for problem in compare_flows(pathlib.Path(stem + ".flows.csv"), counts):
            yield f"{name}: {problem}"
        if expected["protocols"] == ["ipfix"]:
            for problem in compare_fields(pathlib.Path(stem + ".records.csv"), counts):
                yield f"{name}: {problem}"


def check_malformed(tool, corpus):
    """Each bad message between two good ones: the second good one has to be decoded."""
    before = (corpus / "good_before.bin")
    after = (corpus / "good_after.bin")
    if not before.exists():
        before, after = None, None
    with (corpus / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        bad = (corpus / row["file"]).read_bytes()
        good = [p.read_bytes() for p in (before, after) if p is not None]
        messages = [("a", m) for m in good[:1]] + [("a", bad)] + [("a", m) for m in good[1:]]
        messages += [("b", m) for m in good]
        for transport in (b"u", b"t"):
            counts = Counts(decode(tool, transport, messages))
            yield from (f"{row['file']}: {bug}" for bug in counts.bugs)
            if not good:
                continue
            last = {record[0] for record in counts.records}
            if "0" not in last or not {"3", "4"} <= last:
                yield f"{row['file']}: good messages of another session not decoded"
            if "2" not in last and row["protocol"] == "ipfix":
                yield f"{row['file']}: message after the bad one not decoded ({transport})"
            dropped = not any(line.startswith("event 1 ") for line in counts.events) \
                and "1" not in last
            if row["level"] == "F" and "1" in last:
                yield f"{row['file']}: level F, but decoded"
            if row["level"] == "F" and dropped:
                yield f"{row['file']}: level F, but nobody was told"


def main():
    tool = [sys.argv[1]] + sys.argv[3:]
    corpus = pathlib.Path(sys.argv[2])
    if not corpus.is_dir():
        print(f"no corpus at {corpus}")
        return 77
    failures = 0
    cases = 0
    for path in sorted(corpus.glob("*/*.expect.json")):
        cases += 1
        for problem in check_case(tool, path):
            print(f"{path.parent.name}/{path.name[:-len('.expect.json')]}: {problem}")
            failures += 1
    for problem in check_malformed(tool, corpus / "malformed"):
        print(f"malformed: {problem}")
        failures += 1
    print(f"{cases} cases, {failures} differences")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
