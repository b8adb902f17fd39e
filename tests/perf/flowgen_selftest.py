#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the flow generator: same seed, same octets; the text and the IPFIX Messages tell the same.

Usage: flowgen_selftest.py FLOWGEN
The decoder below reads IPFIX from the templates in the data, knowing nothing of the generator.
"""
import csv
import ipaddress
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

FLOWGEN = None

# Column of the truth -> Information Elements that may hold it.
COLUMNS = {
    "first_ms": (152,), "last_ms": (153,), "srcip": (8, 27), "dstip": (12, 28), "srcport": (7,),
    "dstport": (11,), "proto": (4,), "flags": (6,), "packets": (2,), "bytes": (1,), "tos": (5,),
    "srcas": (16,), "dstas": (17,), "inif": (10,), "outif": (14,), "srcmask": (9, 29),
    "dstmask": (13, 30),
}
ADDRESSES = (8, 12, 27, 28)


class Decoder:
    """Decodes IPFIX Messages of one Transport Session; raises ValueError for anything odd."""

    def __init__(self):
        self.templates = {}
        self.records = []          # of Templates, as {element: value}
        self.options = []          # of Options Templates
        self.sequence = 0          # expected in the next message
        self.export_times = []
        self.template_messages = []

    def stream(self, octets):
        while octets:
            if len(octets) < 16:
                raise ValueError("message header cut")
            length = struct.unpack_from("!H", octets, 2)[0]
            self.message(octets[:length])
            octets = octets[length:]

    def message(self, octets):
        version, length, export_time, sequence, self.domain = struct.unpack_from("!HHIII", octets)
        if version != 10 or length != len(octets):
            raise ValueError("not an IPFIX Message of its length")
        if sequence != self.sequence:
            raise ValueError(f"sequence number {sequence}, expected {self.sequence}")
        at = 16
        while at < length:
            set_id, size = struct.unpack_from("!HH", octets, at)
            if size < 4 or at + size > length:
                raise ValueError("set leaves its message")
            body = octets[at + 4:at + size]
            if set_id in (2, 3):
                self.template_set(body, set_id == 3)
            else:
                self.data_set(set_id, body)
            at += size
        self.export_times.append(export_time)

    def template_set(self, body, options):
        at = 0
        self.template_messages.append(len(self.export_times))
        while at < len(body):
            template_id, count = struct.unpack_from("!HH", body, at)
            at += 4
            if options:
                if struct.unpack_from("!H", body, at)[0] not in range(1, count + 1):
                    raise ValueError("scope field count")
                at += 2
            fields = [struct.unpack_from("!HH", body, at + 4 * i) for i in range(count)]
            if any(element & 0x8000 for element, _ in fields):
                raise ValueError("unexpected enterprise element")
            at += 4 * count
            if self.templates.setdefault(template_id, (fields, options)) != (fields, options):
                raise ValueError("template changed")

    def data_set(self, set_id, body):
        fields, options = self.templates[set_id]
        size = sum(length for _, length in fields)
        if len(body) == 0 or len(body) % size:
            raise ValueError("records do not fill their set")
        for start in range(0, len(body), size):
            record, at = {}, start
            for element, length in fields:
                raw = body[at:at + length]
                record[element] = (str(ipaddress.ip_address(raw)) if element in ADDRESSES
                                   else int.from_bytes(raw, "big"))
                at += length
            (self.options if options else self.records).append(record)
            self.sequence += 1


def run(*arguments, status=0):
    done = subprocess.run([FLOWGEN, *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}, expected {status}: "
                             f"{done.stderr}")
    return done.stderr if status else done.stdout


def summary(text):
    return {name: float(value) for name, value in
            (pair.split("=") for pair in text.split())}


def read_truth(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def as_truth(record):
    """A decoded record as a line of the truth; what was not exported is 0."""
    return {name: str(next((record[e] for e in elements if e in record), 0))
            for name, elements in COLUMNS.items()}


class FlowgenTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def path(self, name):
        return str(self.folder / name)

    def make(self, name, *arguments):
        """Runs the generator into a file; returns the file's octets, the truth, the summary."""
        text = run(f"--file={self.path(name)}", f"--truth={self.path(name + '.csv')}", *arguments)
        return Path(self.path(name)).read_bytes(), read_truth(self.path(name + ".csv")), \
            summary(text)

    def test_same_seed_same_octets(self):
        first = self.make("a", "--count=20011", "--seed=7")
        again = self.make("b", "--count=20011", "--seed=7", "--prebuild")
        self.assertEqual(first[0], again[0])
        self.assertEqual(first[1], again[1])

    def test_other_seed_other_traffic(self):
        first = self.make("a", "--count=5000", "--seed=1")
        other = self.make("b", "--count=5000", "--seed=2")
        self.assertNotEqual(first[0], other[0])
        same = sum(1 for x, y in zip(first[1], other[1])
                   if (x["srcip"], x["dstip"]) == (y["srcip"], y["dstip"]))
        self.assertLess(same, 50)

    def test_messages_tell_the_truth(self):
        cases = [(["--count=30011"], 65, 0),
                 (["--count=10000", "--profile=compact", "--records=7", "--odid=4294967295"], 47, 0),
                 (["--count=10000", "--records=700", "--options", "--template-interval=3"], 65, 5),
                 (["--count=1", "--options"], None, 1)]
        for arguments, ipv4_size, options in cases:
            with self.subTest(arguments=arguments):
                octets, truth, total = self.make("c", *arguments)
                decoder = Decoder()
                decoder.stream(octets)
                self.assertEqual([as_truth(r) for r in decoder.records], truth)
                self.assertEqual(len(decoder.options), options)
                self.assertEqual(total["flows"], len(truth))
                self.assertEqual(total["packets"], sum(int(t["packets"]) for t in truth))
                self.assertEqual(total["octets"], sum(int(t["bytes"]) for t in truth))
                self.assertEqual(total["messages"], len(decoder.export_times))
                self.assertEqual(total["message_octets"], len(octets))
                if ipv4_size:
                    self.assertEqual(sum(n for _, n in decoder.templates[256][0]), ipv4_size)
                    self.assertEqual(sum(n for _, n in decoder.templates[257][0]), ipv4_size + 24)

    def test_times(self):
        octets, truth, _ = self.make("a", "--count=20000", "--start=1000000000", "--span=900")
        decoder = Decoder()
        decoder.stream(octets)
        self.assertEqual(decoder.export_times, sorted(decoder.export_times))
        # A message leaves with its last flow, so the first one a little after the start.
        self.assertIn(decoder.export_times[0], range(1000000000, 1000000006))
        self.assertIn(decoder.export_times[-1], (1000000899, 1000000900))
        for flow in truth:
            first, last = int(flow["first_ms"]), int(flow["last_ms"])
            self.assertLessEqual(0, last - first)
            self.assertLessEqual(last - first, 300000)
            self.assertLessEqual(last, 1000000900000)
            self.assertGreater(last, 999999985000 - 1)

    def test_templates_are_repeated(self):
        octets, _, _ = self.make("a", "--count=3000", "--records=10", "--template-interval=100")
        decoder = Decoder()
        decoder.stream(octets)
        self.assertEqual(decoder.template_messages, [0, 100, 200])
        octets, _, _ = self.make("a", "--count=3000", "--records=10")
        decoder = Decoder()
        decoder.stream(octets)
        self.assertEqual(decoder.template_messages, [0])

    def test_mix(self):
        _, truth, _ = self.make("a", "--count=100000")
        share = {name: sum(1 for t in truth if t["proto"] in protos) / len(truth)
                 for name, protos in (("tcp", "6"), ("udp", ("17",)), ("icmp", ("1", "58")))}
        self.assertAlmostEqual(share["tcp"], 0.70, delta=0.03)
        self.assertAlmostEqual(share["udp"], 0.26, delta=0.03)
        self.assertAlmostEqual(share["icmp"], 0.03, delta=0.01)
        self.assertAlmostEqual(sum(":" in t["srcip"] for t in truth) / len(truth), 0.15, delta=0.02)
        for t in truth:
            packets, size = int(t["packets"]), int(t["bytes"])
            self.assertGreaterEqual(packets, 1)
            self.assertLessEqual(40 * packets, size)
            self.assertLessEqual(size, 1500 * packets)
        sources = {}
        for t in truth:
            sources[t["srcip"]] = sources.get(t["srcip"], 0) + 1
        # Few are popular, many are seen once.
        self.assertGreater(max(sources.values()), 1000)
        self.assertGreater(sum(1 for n in sources.values() if n == 1), len(sources) // 2)

    def test_episodes(self):
        count = 50000
        _, truth, _ = self.make("a", f"--count={count}", "--records=1")
        rows = {}
        for line in run(f"--count={count}", "--list-episodes").splitlines()[1:]:
            name, first, last = line.split()[:3]
            rows[name] = (int(first), int(last))
        is_part = {
            "syn-flood": lambda t: t["dstip"] == "10.16.1.80" and t["flags"] == "2",
            "dns-amplification": lambda t: t["dstip"] == "10.17.2.25" and t["srcport"] == "53",
            "horizontal-scan": lambda t: t["srcip"] == "185.220.7.13" and t["dstport"] == "445",
            "vertical-scan": lambda t: t["srcip"] == "91.240.118.77",
        }
        self.assertEqual(set(rows), set(is_part))
        for name, (first, last) in rows.items():
            inside = sum(map(is_part[name], truth[first:last + 1]))
            outside = sum(map(is_part[name], truth)) - inside
            self.assertGreater(inside, (last - first) / 2, name)
            self.assertLessEqual(outside, 10, name)

    def receive_datagrams(self, receiver, octets):
        while True:
            datagram = receiver.recv(65536)
            if datagram == b"end":
                return
            octets.append(datagram)

    def test_udp(self):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        octets = []
        thread = threading.Thread(target=self.receive_datagrams, args=(receiver, octets))
        thread.start()
        try:
            out = run(f"--udp=127.0.0.1:{port}", "--count=3000", "--rate=10000",
                      f"--truth={self.path('t')}", "--template-interval=10")
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closer:
                closer.sendto(b"end", ("127.0.0.1", port))
            thread.join()
        decoder = Decoder()
        for datagram in octets:
            decoder.message(datagram)
        self.assertEqual([as_truth(r) for r in decoder.records], read_truth(self.path("t")))
        self.assertEqual(len(decoder.template_messages), 10)
        self.assertGreater(summary(out)["send_s"], 0.25)  # the rate holds

    def test_tcp(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        parts = []

        def accept():
            connection, _ = listener.accept()
            with connection:
                while part := connection.recv(1 << 20):
                    parts.append(part)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            run(f"--tcp=127.0.0.1:{listener.getsockname()[1]}", "--count=50000", "--prebuild")
        finally:
            thread.join(20)
        octets, _, _ = self.make("a", "--count=50000")
        self.assertEqual(b"".join(parts), octets)

    def test_wrong_options(self):
        for arguments, word in [
                ((), "nothing to do"), (("--count=0", "--truth=/dev/null"), "--count=0"),
                (("--count=5x", "--truth=/dev/null"), "--count=5x"), (("--what",), "what"),
                (("--records=701", "--file=x"), "700"), (("--file=x", "--udp=a:1"), "only one"),
                (("--profile=big", "--file=x"), "full or compact"), (("--file",), "argument"),
                (("--truth=/dev/null", "--rate=5"), "--rate"), (("word",), "word"),
                (("--seed=18446744073709551616", "--truth=/dev/null"), "seed"),
                (("--start=4294967295", "--truth=/dev/null"), "start")]:
            with self.subTest(arguments=arguments):
                self.assertIn(word, run(*arguments, status=1))

    def test_what_cannot_be_written(self):
        for arguments, word in [
                ((f"--file={self.path('no/such')}",), "cannot create"),
                ((f"--truth={self.path('no/such')}",), "cannot create"),
                (("--file=/dev/full", "--count=100"), "cannot write"),
                (("--truth=/dev/full", "--count=100"), "cannot write"),
                (("--udp=127.0.0.1",), "HOST:PORT"), (("--tcp=::1:5",), "HOST:PORT")]:
            with self.subTest(arguments=arguments):
                self.assertIn(word, run(*arguments, status=2))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        self.assertIn("nobody listens", run(f"--udp=127.0.0.1:{port}", "--count=300", status=2))
        self.assertIn("cannot connect", run(f"--tcp=127.0.0.1:{port}", "--count=300", status=2))

    def test_help(self):
        text = run("--help")
        for option in ("file", "udp", "tcp", "truth", "count", "seed", "start", "span", "profile",
                       "records", "odid", "template-interval", "options", "rate", "bind",
                       "prebuild", "list-episodes"):
            self.assertIn("--" + option, text)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    FLOWGEN = sys.argv.pop(1)
    unittest.main()
