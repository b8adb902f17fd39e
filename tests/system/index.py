# SPDX-License-Identifier: BSD-3-Clause
"""Indexes as an operator meets them: the collector writes them, a crash leaves no wrong one,
libnf-index makes and verifies them, fdistdump answers the same with and without."""

import ipaddress
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

INDEX = "<index><enable>yes</enable><autosize>yes</autosize><estimatedItemCount>1000" \
        "</estimatedItemCount><falsePositiveProbability>{0}</falsePositiveProbability>{1}</index>"
WINDOW = "<compress>yes</compress><dumpInterval><timeWindow>{0}</timeWindow></dumpInterval>"


def run(name, *args, status=0):
    r = subprocess.run([sc.program(name), *args], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=120)
    assert r.returncode == status, f"{name} {args}: status {r.returncode}\n{r.stdout}{r.stderr}"
    return r.stdout + r.stderr


def collector(work, directory, port, window_s, index):
    xml = sc.startup(sc.listen("tcpCollector", port),
                     sc.lnfstore(directory, WINDOW.format(window_s) + index))
    return sc.Collector(work, "collector", xml, verbosity=3)


def send(port, count, seed, rate):
    subprocess.run([sc.program("flowgen"), f"--count={count}", f"--seed={seed}",
                    f"--tcp=127.0.0.1:{port}", f"--rate={rate}"], check=True, env=sc.environment(),
                   stdout=subprocess.DEVNULL, timeout=60)


def names(directory):
    """Flow files and indexes, each without prefix; nothing else may be there."""
    flows, indexes = set(), set()
    for folder, _, files in os.walk(directory):
        for file in files:
            path = os.path.join(folder, file)
            kind, _, suffix = file.partition(".")
            assert kind in ("lnf", "bfi"), f"what is {path}?"
            (flows if kind == "lnf" else indexes).add(os.path.join(folder, suffix))
    return flows, indexes


def rows(directory, condition, *options):
    out, err, _ = sc.fdistdump(["--output-format=csv", "--output-items=r", "-f", condition,
                                "--output-fields=first,srcip,dstip,srcport,dstport,bytes", *options,
                                directory])
    assert "damaged" not in err, err
    return out


def same_answers(directory):
    """Filters for addresses the files have, and do not have; how many flows were found."""
    csv = ["--output-format=csv", "--output-items=r", "--output-addr-conv=str"]
    out, _, _ = sc.fdistdump([*csv, "-a", "srcip",
                              "-s", "flows", "-l", "3", directory])
    addresses = [line.split(",")[0] for line in out.splitlines()[1:4]]
    out, _, _ = sc.fdistdump([*csv, "-l", "3",
                              "--output-fields=dstip", directory])
    addresses += [line.split(",")[0] for line in out.splitlines()[1:4]]
    assert len(addresses) == 6, addresses
    found = 0
    for condition in [f"host {a}" for a in addresses] + [
            f"net {addresses[0]}/28" if "." in addresses[0] else f"net {addresses[0]}/64",
            f"ip in [{' '.join(addresses)}]", "host 240.0.0.1", "net 240.0.0.0/24 or proto 200",
            f"not host {addresses[0]} and src port 53", f"host {addresses[1]} or dst port 443"]:
        with_index = rows(directory, condition)
        assert with_index == rows(directory, condition, "--no-bfindex"), condition
        found += len(with_index.splitlines()) - 1
    return found


def written_by_collector(work):
    directory = os.path.join(work, "windows")
    os.makedirs(directory)
    port = sc.free_ports(1)[0]
    c = collector(work, directory, port, 2, INDEX.format("0.001", ""))
    c.wait_ready()
    send(port, 20000, 3, 5000)
    c.stop()
    flows, indexes = names(directory)
    assert len(flows) >= 2 and flows == indexes, (flows, indexes)
    text = run("libnf-index", "--check", "-v", directory)
    assert text.count(": good") == len(flows), text
    found = same_answers(directory)
    print(f"{len(flows)} windows, {found} flows found both ways")
    assert found > 0
    return directory


def crash(work):
    """kill -9 while a file with an index is continued."""
    directory = os.path.join(work, "crash")
    os.makedirs(directory)
    port = sc.free_ports(1)[0]
    c = collector(work, directory, port, 86400, INDEX.format("0.01", ""))
    c.wait_ready()
    send(port, 30000, 4, 100000)
    c.stop()
    run("libnf-index", "--check", directory)
    c = collector(work, directory, port, 86400, INDEX.format("0.01", ""))
    c.wait_ready()
    send(port, 30000, 5, 100000)
    c.stop()
    flows, indexes = names(directory)
    assert flows == indexes, (flows, indexes)
    run("libnf-index", "--check", directory)
    assert same_answers(directory) > 0

    c = collector(work, directory, port, 86400, INDEX.format("0.01", ""))
    c.wait_ready()
    send(port, 60000, 6, 100000)
    end = time.monotonic() + 30
    while "writing " not in c.log():
        assert time.monotonic() < end, c.log()
        time.sleep(0.02)
    c.signal(signal.SIGKILL)
    c.process.wait()
    c.log_file.close()
    flows, indexes = names(directory)
    assert not indexes, indexes
    text = run("libnf-index", "-v", directory)
    assert "not finished, skipped" in text, text
    assert same_answers(directory) > 0
    print("a crash left no index behind")


def settings(work):
    directory = os.path.join(work, "settings")
    os.makedirs(directory)
    port = sc.free_ports(1)[0]
    for index, word in ((INDEX.format("2", ""), "falsePositiveProbability"),
                        (INDEX.format("0.01", "<prefix>lnf.</prefix>"), "prefix")):
        c = collector(work, directory, port, 300, index)
        status = c.process.wait(20)
        text = c.log()
        c.log_file.close()
        assert status != 0 and word in text, text
    c = collector(work, directory, port, 300, INDEX.format("0.01", "<prefix>xyz.</prefix>"))
    c.wait_ready()
    c.stop()
    assert "xyz. has no effect" in c.log_text(), c.log_text()


def tool(directory):
    flows, indexes = names(directory)
    one = sorted(indexes)[0]
    path = os.path.join(os.path.dirname(one), "bfi." + os.path.basename(one))
    assert f"{len(flows)} up to date" in run("libnf-index", "-v", directory)
    assert f"{len(flows)} made" in run("libnf-index", "-f", "-v", directory)
    os.unlink(path)
    assert "No such file" in run("libnf-index", "--check", directory, status=1)
    assert "1 made" in run("libnf-index", "-v", directory)
    with open(path, "r+b") as f:
        f.seek(-300, os.SEEK_END)
        octet = f.read(1)
        f.seek(-300, os.SEEK_END)
        f.write(bytes([octet[0] ^ 1]))
    assert "damaged" in run("libnf-index", "-c", directory, status=1)
    # A query tells it, too, of which index and of how many, and answers the same.
    os.truncate(path, os.path.getsize(path) - 1)
    ask = ["--output-format=csv", "-f", "host 240.0.0.1 or host 2001:db8::1", directory]
    expected, _, _ = sc.fdistdump(["--no-bfindex", *ask])
    out, err, status = sc.fdistdump(ask)
    assert (out, status) == (expected, 0), (out, err)
    assert f"Warning: bfindex: {path}: " in err, err
    assert "Warning: bfindex: 1 damaged indexes could not be used\t" in err, err
    assert "1 made" in run("libnf-index", "-v", directory)
    with open(path, "wb") as f:
        f.write(b"\x56\x34something else")
    assert "--force" in run("libnf-index", directory, status=1)
    assert "1 made" in run("libnf-index", "-v", "-f", path.replace("bfi.", "lnf."))
    run("libnf-index", "--check", directory)
    run("libnf-index", status=2)
    run("libnf-index", "-p", "0", directory, status=2)
    run("libnf-index", "--nope", status=2)
    assert "Usage" in run("libnf-index", "--help")
    version = run("libnf-index", "--version")
    assert version.split()[1] == run("libnf-info", "--version").split()[1], version
    assert "No such file" in run("libnf-index", directory + "/none", status=1)


def info(directory, work):
    flows, _ = names(directory)
    one = sorted(flows)[0]
    path = os.path.join(os.path.dirname(one), "lnf." + os.path.basename(one))
    text = run("libnf-info", path)
    for word in ("layout         2 (nfdump 1.7)", "compression    lz4", "state          finished",
                 "index          good", "health         good"):
        assert word in text, text
    records = int(re.search(r"flow records\s+(\d+)", text).group(1))
    blocks = run("libnf-info", "--blocks", path)
    assert sum(int(n) for n in re.findall(r"(\d+) flow records", blocks)) == records, blocks
    cut = os.path.join(work, "cut")
    with open(path, "rb") as f, open(cut, "wb") as out:
        out.write(f.read()[:-10])
    assert "problem" in run("libnf-info", cut, status=1)
    assert "cannot be read" in run("libnf-info", "/dev/null", status=1)

    fields = run("libnf-info").splitlines()
    ids = [line.split()[0] for line in fields[1:]]
    assert len(ids) == len(set(ids)) > 90, ids
    table = {line.split()[3]: line.split()[1:3] for line in fields[1:]}
    assert table["bytes"] == ["sum", "desc"] and table["first"] == ["min", "asc"], table
    assert "net" in table and "ip" in table, table  # aliases have rows of their own
    mapping = run("libnf-info", "-i")
    assert "octetDeltaCount (0:1)" in mapping
    assert "sourceIPv4Address (0:8)  sourceIPv6Address (0:27)" in mapping
    run("libnf-info", "--blocks", status=2)
    run("libnf-info", "--nope", status=2)
    assert "Usage" in run("libnf-info", "-h")
    assert re.match(r"libnf-info \d+\.\d+", run("libnf-info", "-V"))


# ---- a second reader, written from docs/index-format.md -------------------------------------------

MASK = (1 << 64) - 1
SALT = (0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31)


def mix(x):
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9 & MASK
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb & MASK
    return x ^ (x >> 31)


def key(network):
    level = network.prefixlen + (128 if network.version == 6 else 0)
    number = int(network.network_address)
    k = mix((number >> 64) + level * 0x9e3779b97f4a7c15 & MASK)
    return mix(k ^ number & MASK) or 1


class Book:
    """An index, every checksum compared."""

    def __init__(self, path, flow_path):
        with open(path, "rb") as f:
            self.octets = f.read()
        with open(flow_path, "rb") as f:
            flow = f.read()
        head = struct.unpack_from("<8sHHIQQQIIQQIIII", self.octets)
        assert head[:4] == (b"\x89bfi\r\n\x1a\n", 1, 96, 264), head
        assert head[4] == len(self.octets) and head[5] == len(flow), head
        end = head[6]
        assert head[7] == zlib.crc32(flow[:40] + flow[end:end + 4096]), head
        assert struct.unpack_from("<Q", flow, 24)[0] == end
        count, rows, segment_rows = head[8:11]
        segments = head[12]
        assert self.checksum(0, 92) == struct.unpack_from("<I", self.octets, 92)[0]
        assert self.checksum(rows, 264 * count) == head[11]
        assert self.checksum(segment_rows, 24 * segments) == head[13]
        assert head[14] == 0 and self.octets[80:92] == bytes(12)
        self.blocks = [struct.unpack_from("<QIIIIQ8Q4H32s128s", self.octets, rows + 264 * i)
                       for i in range(count)]
        self.segments = [struct.unpack_from("<IIIIQ", self.octets, segment_rows + 24 * i)
                         for i in range(segments)]
        for block in self.blocks:
            records, size = struct.unpack_from("<II", flow, block[0])
            assert (size, records, 0) == block[1:4], block

    def checksum(self, offset, size):
        return zlib.crc32(struct.pack("<Q", offset) + self.octets[offset:offset + size])

    def has(self, buckets, offset, k):
        bucket = (k >> 32) * buckets >> 32
        page = bucket // 128
        offset += page * (4 + 128 * 32)
        size = min(128, buckets - page * 128) * 32
        assert zlib.crc32(struct.pack("<Q", offset) + self.octets[offset + 4:offset + 4 + size]) == \
            struct.unpack_from("<I", self.octets, offset)[0]
        words = struct.unpack_from("<8I", self.octets, offset + 4 + bucket % 128 * 32)
        low = k & 0xffffffff
        return all(w >> ((low * s & 0xffffffff) >> 27) & 1 for w, s in zip(words, SALT))


def networks(address):
    """What the filters of blocks hold for an address, and only those of segments."""
    lengths = ((32, 24), (16,)) if address.version == 4 else ((128, 64), (48, 32))
    return [[ipaddress.ip_network((address, n), strict=False) for n in some] for some in lengths]


def by_the_book(directory):
    flows, _ = names(directory)
    asked = 0
    for one in sorted(flows):
        folder, suffix = os.path.split(one)
        flow = os.path.join(folder, "lnf." + suffix)
        book = Book(os.path.join(folder, "bfi." + suffix), flow)
        out, _, _ = sc.fdistdump(["--output-format=csv", "--output-items=r", "-l", "300",
                                  "--output-addr-conv=str", flow,
                                  "--output-fields=srcip,dstip,srcport,proto,bytes,first"])
        for line in out.splitlines()[1:]:
            values = line.split(",")
            for text in values[:2]:
                narrow, wide = networks(ipaddress.ip_address(text))
                for network in narrow + wide:
                    assert any(book.has(s[2], s[4], key(network)) for s in book.segments), network
                for network in narrow:
                    assert any(book.has(b[4], b[5], key(network)) for b in book.blocks), network
                asked += 1
            source, protocol, octets, first = (int(v) for v in values[2:6])
            assert any(b[6] <= first <= b[7] and b[12] <= octets <= b[13] and
                       b[14] <= source <= b[15] and b[18][protocol // 8] >> protocol % 8 & 1 and
                       (source > 1023 or b[19][source // 8] >> source % 8 & 1)
                       for b in book.blocks), line
        absent = [ipaddress.ip_network(f"240.{i >> 8}.{i & 255}.1") for i in range(1000)]
        hits = sum(any(book.has(s[2], s[4], key(n)) for s in book.segments) for n in absent)
        assert hits < 20, hits
    assert asked > 300, asked
    print(f"{asked} addresses found by the book")


def main():
    with sc.workspace() as work:
        directory = written_by_collector(work)
        by_the_book(directory)
        tool(directory)
        info(directory, work)
        settings(work)
        crash(work)


main()
