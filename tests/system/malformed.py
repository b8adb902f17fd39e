# SPDX-License-Identifier: BSD-3-Clause
"""Bad messages between good ones, over UDP and TCP: nothing crashes, the good ones are stored exactly
as the level of each fault requires, other sessions are unaffected, and the statistics file counts
what was refused. Needs the sample messages beside the repository.

Levels: F, framing or header; M, wrong inside; T, strange but legal or harmless.
"""

import collections
import csv
import glob
import os
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FOLDER = os.path.join(sc.SHARED, "export", "malformed")
# The good messages: records of 29 octets, the destination port at 10; sources 10.0.0.1 to 10.0.0.6.
RECORD_LENGTH, PORT_OFFSET = 29, 10
BEFORE_RECORDS, AFTER_RECORDS = 56, 20  # offset of the first of the three records
BEFORE = [f"10.0.0.{i}" for i in (1, 2, 3)]
AFTER = [f"10.0.0.{i}" for i in (4, 5, 6)]
FIRST_MARK = 20000  # no bad message has records to ports from here on
OTHER_MARK = 40000
# Faults of level M that are none to a collector: fewer octets behind a Set or record than one of them
# has are padding to it, and what is inside of lists is left to those who read them.
UNCOUNTED = ("045_hdr_tail_3", "111_tpl_var_chain_4000", "156_data_var_ff_cut0", "162_data_var_no_len",
             "213_bl_", "216_bl_", "219_bl_", "231_stl_", "234_stl_", "240_stml_")


def read(name):
    with open(os.path.join(FOLDER, name), "rb") as f:
        return f.read()


def marked(message, offset, mark):
    """The good message with the destination port of all its records replaced."""
    octets = bytearray(message)
    for i in range(3):
        struct.pack_into(">H", octets, offset + i * RECORD_LENGTH + PORT_OFFSET, mark)
    return bytes(octets)


class Messages:
    """The good messages, marked so that stored records tell who sent them."""

    def __init__(self):
        self.before, self.after = read("good_before.bin"), read("good_after.bin")

    def of(self, mark):
        return (marked(self.before, BEFORE_RECORDS, mark), marked(self.after, AFTER_RECORDS, mark))


def stored_records(directory):
    """How often each (source address, destination port) is in the files."""
    found = collections.Counter()
    for path in sc.flow_files(directory):
        r = subprocess.run(["nfdump", "-r", path, "-o", "csv", "-N"], capture_output=True, text=True,
                           env=sc.environment(), check=True)
        lines = r.stdout.split("\n")
        header = lines[0].split(",")
        address, port = header.index("sa"), header.index("dp")
        for line in lines[1:]:
            if line.startswith("Summary"):
                break
            fields = line.split(",")
            if len(fields) > max(address, port):
                found[(fields[address], fields[port])] += 1
    return found


def counts(found, addresses, mark):
    return [found[(a, str(mark))] for a in addresses]


class Run:
    """A collector with lnfstore and a statistics file."""

    def __init__(self, work, kind):
        self.directory = os.path.join(work, "flows")
        os.makedirs(self.directory)
        self.prefix = os.path.join(work, "statistics")
        self.port = sc.free_ports(1)[0]
        xml = sc.startup(sc.listen(kind, self.port), sc.lnfstore(self.directory, "")).replace(
            "</collectingProcess>",
            f"<statisticsFile>{self.prefix}</statisticsFile></collectingProcess>")
        self.collector = sc.Collector(work, kind, xml, args=["-S", "1"]).wait_ready()

    def statistics(self):
        """The file as a dictionary; empty until it was written."""
        for path in glob.glob(self.prefix + ".*"):
            if path.endswith(".tmp"):
                continue
            with open(path, encoding="utf-8") as f:
                return dict(line.rstrip("\n").split("=") for line in f)
        return {}

    def wait_statistics(self, ready, timeout=60):
        end = time.monotonic() + timeout
        while True:
            statistics = self.statistics()
            if statistics and ready({k: int(v) for k, v in statistics.items()}):
                return {k: int(v) for k, v in statistics.items()}
            assert self.collector.process.poll() is None, (
                f"the collector died:\n{self.collector.log()[-4000:]}")
            assert time.monotonic() < end, (statistics, self.collector.log()[-4000:])
            time.sleep(0.1)

    def stop(self):
        self.collector.stop()
        return stored_records(self.directory)


def level_of(row, transport):
    """The level here: a protocol this input does not take has no framing to it, and neither have
    random mutations of a message that changed the version, or the octets but not the length."""
    if row["protocol"] not in {"udp": ("ipfix", "netflow5", "netflow9"), "tcp": ("ipfix",)}[transport]:
        return "F"
    octets = read(row["file"])
    if row["file"].split("_")[1:3] == ["mut", "ipfix"] and (
            octets[:4] != struct.pack(">HH", 10, len(octets))):
        return "F"
    return row["level"]


def select(rows, level, transport):
    return [r for r in rows if level_of(r, transport) == level]


def uncounted(rows):
    return sum(1 for r in rows if r["file"].startswith(UNCOUNTED))


def refused_over_udp(s):
    return s["MALFORMED"] + s["COUNTER_udpCollector_datagrams_that_are_no_export"]


def over_udp(rows, messages):
    """Every bad message from a source of its own, with a good message before and after it."""
    with sc.workspace() as work:
        run = Run(work, "udpCollector")
        sockets = []  # open to the end, so that no port is used twice

        def source():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sockets.append(s)
            s.connect(("127.0.0.1", run.port))
            return s

        other = source()
        for i, row in enumerate(rows):
            before, after = messages.of(FIRST_MARK + i)
            s = source()
            for message in (before, read(row["file"]), after):
                s.send(message)
            other.send(messages.of(OTHER_MARK)[0])
            time.sleep(0.002)
        # Every datagram is accounted for exactly once.
        statistics = run.wait_statistics(
            lambda s: s["MESSAGES_udpCollector"] + refused_over_udp(s) >= 4 * len(rows) and
            s["MESSAGES_lnfstore"] >= s["MESSAGES_udpCollector"])
        for s in sockets:
            s.close()
        found = run.stop()
        assert statistics["MESSAGES_udpCollector"] + refused_over_udp(statistics) == 4 * len(rows)
        assert statistics["LOST_BY_KERNEL"] == 0 and statistics["FAILED_udpCollector"] == 0
        assert statistics["MESSAGES_lnfstore"] == statistics["MESSAGES_udpCollector"], statistics
        return found, statistics


def check_udp(rows, messages, level):
    """All good records are stored once, whatever came between them."""
    rows = select(rows, level, "udp")
    found, statistics = over_udp(rows, messages)
    for i, row in enumerate(rows):
        stored = counts(found, BEFORE + AFTER, FIRST_MARK + i)
        assert stored == [1] * 6, (row, stored)
    assert counts(found, BEFORE, OTHER_MARK) == [len(rows)] * 3
    refused, damaged = refused_over_udp(statistics), statistics["DAMAGED"]
    print(f"UDP, level {level}: {len(rows)} messages, {refused} refused, {damaged} taken in part")
    if level == "F":
        assert (refused, damaged) == (len(rows), 0), statistics
    elif level == "M":
        assert refused + damaged == len(rows) - uncounted(rows), statistics
    else:
        assert refused == 0, statistics


def send_over_tcp(port, octets):
    """One session; octets that could be sent before it was closed."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.settimeout(60)
        try:
            for part in octets:
                s.sendall(part)
            s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass
        except TimeoutError:
            raise  # closed neither because of the fault nor at the end
        except OSError:
            pass  # reset, or no longer connected: closed because of the fault


def over_tcp(rows, messages):
    with sc.workspace() as work:
        run = Run(work, "tcpCollector")
        with socket.create_connection(("127.0.0.1", run.port)) as other:
            for i, row in enumerate(rows):
                before, after = messages.of(FIRST_MARK + i)
                send_over_tcp(run.port, (before, read(row["file"]), after))
                other.sendall(messages.of(OTHER_MARK)[0])
            # The other session is still open: it sent its messages to the last one.
            statistics = run.wait_statistics(
                lambda s: s["SESSIONS"] == 1 and s.get("PACKETS_1234", 0) >= len(rows))
        return run.stop(), statistics


def check_tcp(rows, messages, level):
    """What came before the fault is stored. After a fault of framing nothing can be; after one inside
    a message all or nothing; after what is only strange everything."""
    rows = select(rows, level, "tcp")
    found, statistics = over_tcp(rows, messages)
    allowed = {"F": ([0] * 3,), "M": ([0] * 3, [1] * 3), "T": ([1] * 3,)}[level]
    for i, row in enumerate(rows):
        stored = counts(found, BEFORE, FIRST_MARK + i)
        assert stored == [1] * 3, (row, stored)
        stored = counts(found, AFTER, FIRST_MARK + i)
        assert stored in allowed, (row, stored)
    assert counts(found, BEFORE, OTHER_MARK) == [len(rows)] * 3
    malformed, damaged = statistics["MALFORMED"], statistics["DAMAGED"]
    closed = statistics["COUNTER_tcpCollector_connections_with_bad_framing"]
    print(f"TCP, level {level}: {len(rows)} messages, {malformed} malformed ({closed} connections "
          f"closed), {damaged} taken in part")
    assert statistics["COUNTER_tcpCollector_connections_accepted"] == len(rows) + 1
    if level == "F":
        assert malformed >= len(rows), statistics
    elif level == "M":
        assert malformed + damaged >= len(rows) - uncounted(rows), statistics
    else:
        assert malformed == closed == 0, statistics


def main():
    if not os.path.isdir(FOLDER):
        sc.skip("no malformed sample messages beside the repository")
    if not sc.have_nfdump():
        sc.skip("nfdump is not installed")
    with open(os.path.join(FOLDER, "index.csv"), encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert len(rows) >= 139 and {r["level"] for r in rows} == set("FMT"), "samples are missing"
    messages = Messages()
    for check in (check_udp, check_tcp):
        for level in "FMT":
            check(rows, messages, level)


main()
