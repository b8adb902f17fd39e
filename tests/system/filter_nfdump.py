# SPDX-License-Identifier: BSD-3-Clause
"""Random flows and random filters of nfdump's grammar: what nfdump accepts compiles, and both select
the same records. Terms and meanings where nfdump 1.7.1 is known to be wrong are left out.

FILTER_SEED       start of the random numbers; printed, a new one each time when not given
FILTER_SECONDS    how long to go on, 10 s when not given
"""

import hashlib
import ipaddress
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FLOWS = 150
FIRST = 1700000000000

# Few values, so that terms hit; the flows take theirs from the same ones.
NUMBERS = [0, 1, 2, 3, 5, 6, 7, 8, 10, 16, 17, 24, 32, 53, 58, 63, 64, 80, 100, 128, 255]
LARGE = NUMBERS + [256, 443, 769, 771, 1000, 2000, 2048, 2049, 5000, 65535]
HUGE = LARGE + [65536, 100000, 1000000, 3000000, 4294967295]
IPV4 = ["0.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.255", "10.1.0.1", "10.255.0.1", "172.16.5.4",
        "172.31.0.1", "192.168.1.1", "128.0.0.0", "127.255.255.255", "255.255.255.255"]
IPV6 = ["2001:db8::1", "2001:db8::2", "2001:db8:1::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "fe80::1234", "::1:0:0", "8000::", "0:0:0:1::", "2001:db8::8000:0:0:0"]
MACS = [1, 0x001122334455, 0x001122334456, 0xFFFFFFFFFFFF]
PROTOCOLS = [6, 6, 6, 17, 17, 1, 58, 47]
LABELS = [0, 1, 16, 100, 1000, 0xFFFFF]
IDENTS = ["none", "router-1", "Router_1", "edge"]
LABELS_STORED = ["web", "Web", "dns", "16-characters_ok"]


def client_hello(version, ciphers, extensions):
    """A record with a ClientHello, and the text of its JA3."""
    def numbers(values):
        return b"".join(struct.pack(">H", value) for value in values)

    def join(values):
        return "-".join(str(value) for value in values)
    groups = [29, 23, 24]
    data = {10: struct.pack(">H", 2 * len(groups)) + numbers(groups), 11: b"\x02\x00\x01",
            0: b"\x00\x05\x00\x00\x02ab"}
    encoded = b"".join(struct.pack(">HH", e, len(data.get(e, b"x"))) + data.get(e, b"x")
                       for e in extensions)
    body = (struct.pack(">H", version) + bytes(32) + b"\x00" + struct.pack(">H", 2 * len(ciphers)) +
            numbers(ciphers) + b"\x01\x00" + struct.pack(">H", len(encoded)) + encoded)
    hello = b"\x01" + struct.pack(">I", len(body))[1:] + body
    # Values of GREASE are no part of the JA3.
    text = ",".join([str(version), join(c for c in ciphers if c & 0x0F0F != 0x0A0A),
                     join(e for e in extensions if e & 0x0F0F != 0x0A0A), join(groups), "0-1"])
    return b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello, text


HELLOS = [client_hello(0x303, [0x1301, 0xC02F], [0, 10, 11, 13]),
          client_hello(0x302, [0x0A0A, 0x35], [0x1A1A, 11, 10])]
JA3 = [hashlib.md5(text.encode()).hexdigest() for _, text in HELLOS]
WORDS = [b"GET / HTTP/1.1", b"\x16\x03\x01", b"abc", b"ssh-2.0", b"GET /abc\r\nhost: abc\n",
         b"a\x00bc", b"a\nb\nc", b"aaab", b"ABC", HELLOS[0][0], HELLOS[1][0] + b"more",
         HELLOS[0][0][:-1]]


def ipv6_number(text):
    return int(ipaddress.IPv6Address(text))


def ipv4_number(text):
    return int(ipaddress.IPv4Address(text))


def element(number, data):
    return struct.pack("<HH", number, len(data) + 4) + data


def address_pair(rng, family, id4, id6, tail4=b"", tail6=b""):
    if family == 4:
        return element(id4, struct.pack("<II", *(ipv4_number(rng.choice(IPV4)) for _ in "sd")) + tail4)
    data = b""
    for _ in "sd":
        number = ipv6_number(rng.choice(IPV6))
        data += struct.pack("<QQ", number >> 64, number & (2 ** 64 - 1))
    return element(id6, data + tail6)


def one_address(rng, id4, id6):
    if rng.random() < 0.6:
        return element(id4, struct.pack("<I", ipv4_number(rng.choice(IPV4))))
    number = ipv6_number(rng.choice(IPV6))
    return element(id6, struct.pack("<QQ", number >> 64, number & (2 ** 64 - 1)))


def mpls(rng):
    depth = rng.randrange(1, 11)
    # Labels other than 0: nfdump looks for the end of the stack in its own way.
    words = [rng.choice(LABELS[1:]) << 4 | rng.randrange(8) << 1 | (i == depth - 1)
             for i in range(depth)]
    return element(14, struct.pack("<10I", *(words + [0] * (10 - depth))))


def event(rng, first, nat):
    """Of a translation or a firewall: nfdump keeps both in one place, so a file has one kind."""
    if nat:
        return element(25, struct.pack("<QIBBH", first, rng.choice(HUGE), rng.randrange(6), 0, 0))
    return element(19, struct.pack("<QIHBB", first, rng.choice(HUGE),
                                   rng.choice([0, 1001, 1002, 1003, 1004]), rng.randrange(6), 0))


def flow(rng, number, nat):
    """A record with some of the elements that filters can ask for."""
    family = 4 if rng.random() < 0.6 else 6
    protocol = rng.choice(PROTOCOLS)
    flags = rng.randrange(64) if rng.random() < 0.6 else rng.randrange(256)
    first = FIRST + number
    last = first + (rng.choice(HUGE[:-1]) if rng.random() < 0.8 else 0)
    word = struct.Struct("<I").pack
    pick = rng.choice
    parts = [
        element(1, struct.pack("<QQQQQHHBBBB", first, last, first, pick(HUGE[1:]), pick(HUGE),
                               pick(LARGE), pick(LARGE), protocol, flags,
                               pick([0, 64, 65, 128, 129, 140, 192, 195]), pick(NUMBERS))),
        address_pair(rng, family, 2, 3)]
    optional = [
        lambda: element(4, struct.pack("<IIBBBBBBH", pick(HUGE), pick(HUGE), pick(NUMBERS[:16]),
                                       pick(NUMBERS[:16]), rng.randrange(2), pick(NUMBERS), 0, 0, 0)),
        lambda: element(5, struct.pack("<QQQ", pick(LARGE), pick(HUGE), pick(HUGE))),
        lambda: element(6, word(pick(LARGE)) + word(pick(LARGE))),
        lambda: element(7, word(pick(HUGE)) + word(pick(HUGE))),
        lambda: one_address(rng, 8, 9),
        lambda: one_address(rng, 10, 11),
        lambda: one_address(rng, 12, 13),
        lambda: mpls(rng),
        lambda: element(15, struct.pack("<QQQQ", *(pick(MACS) for _ in range(4)))),
        lambda: element(16, word(pick(HUGE)) + word(pick(HUGE))),
        lambda: element(17, struct.pack("<QQQ", pick(HUGE), pick(HUGE), pick(HUGE))),
        lambda: event(rng, first, nat),
        lambda: address_pair(rng, family, 20, 21),
        lambda: element(22, struct.pack("<HH", pick(LARGE), pick(LARGE))),
        lambda: element(23, struct.pack(">6I", *(pick(HUGE) for _ in range(6)))),
        lambda: element(26, struct.pack("<HHHH", pick(LARGE), pick(LARGE), pick(LARGE), pick(LARGE))),
        lambda: element(28, pick(LABELS_STORED).encode() + b"\0"),
        lambda: element(29, pick(WORDS)),
        lambda: element(30, pick(WORDS)),
        lambda: address_pair(rng, family, 31, 32, word(pick(PROTOCOLS)), word(pick(PROTOCOLS)) + word(0)),
        lambda: element(33, struct.pack("<QII", pick(HUGE), pick(HUGE), 0)),
        lambda: element(36, word(pick(HUGE)) + word(pick(HUGE))),
    ]
    parts += [make() for make in optional if rng.random() < 0.5]
    body = b"".join(parts)
    return struct.pack("<HHHBBHBB", 11, 12 + len(body), len(parts), pick(NUMBERS), pick(NUMBERS),
                       pick(NUMBERS), 0, pick([1, 5, 7, 9, 10])) + body


def block(records):
    body = b"".join(records)
    return struct.pack("<IIHH", len(records), len(body), 3, 0) + body


def write_file(path, rng, nat):
    flows = [flow(rng, n, nat) for n in range(FLOWS)]
    half = rng.randrange(1, FLOWS)
    data = block(flows[:half]) + block(flows[half:])
    ident = rng.choice(IDENTS).encode() + b"\0"
    appendix = block([struct.pack("<HH", 0x8001, 4 + len(ident)) + ident,
                      struct.pack("<HH18Q", 0x8002, 148, *([0] * 18))])
    header = struct.pack("<HHIQBBHIQII", 0xA50C, 2, 0x01070100, FIRST // 1000, 0, 0, 1, 0,
                         40 + len(data), 0, 2)
    with open(path, "wb") as f:
        f.write(header + data + appendix)


# ---- filters ------------------------------------------------------------------------------------

COMPARISONS = ["", "= ", "== ", "eq ", "EQ ", "> ", "gt ", "< ", "lt ", ">= ", "ge ", "<= ", "le ", ">"]
SIDES = ["", "src ", "dst ", "src or dst ", "dst or src ", "src and dst ", "dst and src ", "SRC ", "Dst "]


class Maker:
    """Texts of nfdump's grammar. `plain`: inside of a negated group, where nfdump treats flags in
    its own way."""

    def __init__(self, rng, folder, nat):
        self.nat = nat
        self.rng = rng
        self.folder = folder
        self.files = 0
        self.compared = True  # nfdump can be asked which records match, not only for the syntax
        self.included = ""
        self.payload_used = False

    def number(self, values):
        value = self.rng.choice(values)
        if value % 1000 == 0 and value > 0 and self.rng.random() < 0.7:
            return f"{value // 1000}{self.rng.choice('kK')}"
        form = self.rng.choice(["%d", "%d", "%d", "0x%x", "00%d"])
        return form % value

    def sides(self):
        return self.rng.choice(SIDES)

    def comparison(self):
        return self.rng.choice(COMPARISONS)

    def items(self, values):
        texts = [values() for _ in range(self.rng.choice([1, 1, 2, 3, 4, 20]))]
        return self.rng.choice(["[", "[ "]) + self.rng.choice([" ", ", ", ","]).join(texts) + "]"

    def address(self):
        return self.rng.choice(IPV4 if self.rng.random() < 0.6 else IPV6)

    def item(self):
        """Of a list joined by blanks or commas; nfdump takes no length after a comma."""
        return self.address()

    def list_of_nets(self):
        """Apart from one another: of networks inside others nfdump loses some."""
        networks = []
        for _ in range(self.rng.choice([1, 2, 3, 8])):
            network = ipaddress.ip_network(self.prefix(), strict=False)
            if all(network.version != other.version or not network.overlaps(other)
                   for other in networks):
                networks.append(network)
        return "[" + " ".join(str(network) for network in networks) + "]"

    def prefix(self):
        if self.rng.random() < 0.6:
            return f"{self.rng.choice(IPV4)}/{self.rng.randrange(1, 33)}"
        text = self.rng.choice(IPV6)
        # For nfdump a network that begins with zeros only contains IPv4 addresses.
        shortest = 129 - ipv6_number(text).bit_length()
        return f"{text}/{self.rng.randrange(shortest, 129)}"

    def net(self):
        if self.rng.random() < 0.6:
            return self.prefix()
        octets = self.rng.choice(IPV4).split(".")[:self.rng.choice([2, 3])]
        return f"{'.'.join(octets)}/{self.rng.randrange(1, 8 * len(octets) + 1)}"

    def masked(self):
        mask = self.rng.choice(["255.0.0.0", "255.255.0.0", "255.255.255.255", "128.0.0.0",
                                "255.0.255.0", "0.0.0.255"])
        return f"{self.rng.choice(IPV4)} {mask}"

    def mac(self):
        value = self.rng.choice(MACS)
        form = self.rng.choice(["%02x", "%x", "%02X"])
        return ":".join(form % (value >> shift & 255) for shift in range(40, -1, -8))

    def flags(self):
        letters = self.rng.sample("ASFRPU", self.rng.randrange(1, 7))
        return self.rng.choice(["flags ", "Flags "]) + (
            "".join(letters) if self.rng.random() < 0.95 else "X")

    def term(self, plain):
        rng = self.rng
        kinds = [
            lambda: "any",
            lambda: rng.choice(["inet", "ipv4", "inet6", "ipv6", "IPv4"]),
            lambda: "proto " + rng.choice(["tcp", "udp", "icmp", "icmp6", "gre", "TCP", "6", "17",
                                           "1", "0x2f", "esp", "ah", "ospf", "sctp", "igmp", "ipip",
                                           "IPXIP", "Frag6", "0hop"]),
            lambda: "tun proto " + rng.choice(["tcp", "udp", "6", "17", "1", "0"]),
            lambda: self.sides() + rng.choice(["ip ", "host ", "IP "]) + self.address(),
            lambda: self.sides() + rng.choice(["ip in ", "host in ", "ip in"]) + (
                self.items(self.item) if rng.random() < 0.5 else self.list_of_nets()),
            lambda: self.sides() + "net " + self.net(),
            # For nfdump a network with a mask may contain IPv6 addresses.
            lambda: f"(inet and {self.sides()}net {self.masked()})",
            lambda: self.sides() + "port " + self.comparison() + self.number(LARGE),
            lambda: self.sides() + "port in " + self.items(lambda: self.number(LARGE)),
            lambda: rng.choice(["icmp-type ", "icmp-code "]) + self.number(NUMBERS),
            lambda: "flags " + self.comparison() + self.number([n for n in NUMBERS if n < 64]),
            lambda: rng.choice(["", "in ", "out "]) + rng.choice(["packets ", "bytes "]) +
            self.comparison() + self.number(HUGE),
            lambda: "flows " + self.comparison() + self.number(LARGE),
            lambda: rng.choice(["pps ", "bps ", "bpp "]) + self.comparison() + self.number(HUGE),
            lambda: "duration " + self.comparison() + self.number(HUGE),
            lambda: self.sides() + "tos " + self.comparison() + self.number(NUMBERS),
            lambda: rng.choice(["", "in ", "out "]) + "if " + self.number(HUGE),
            lambda: self.sides() + "mask " + self.number(NUMBERS[:16]),
            lambda: self.sides() + "vlan " + self.number(LARGE),
            lambda: rng.choice(["", "in ", "out ", "src ", "dst ", "in src ", "in dst ", "out src ",
                                "out dst "]) + "mac " + self.mac(),
            lambda: f"mpls label{rng.randrange(1, 11)} " + self.comparison() + self.number(LABELS),
            lambda: f"mpls exp{rng.randrange(1, 11)} " + self.comparison() + str(rng.randrange(8)),
            # Without a stack nfdump's label at the bottom is larger than any.
            lambda: "mpls eos " + rng.choice(["", "= ", "eq "]) + self.number(LABELS[1:]),
            lambda: "next ip " + self.address(),
            lambda: "next ip in " + self.items(self.item),
            lambda: "bgpnext ip " + self.address(),
            lambda: "router ip " + self.address(),
            lambda: rng.choice(["engine-type ", "engine-id "]) + self.comparison() +
            self.number(NUMBERS),
            lambda: "sysid " + self.number(NUMBERS[1:]),
            lambda: rng.choice(["dir ", "flowdir "]) + rng.choice(["0", "1", "ingress", "egress"]),
            lambda: "fwdstat " + rng.choice(["0", "64", "65", "128", "192", "0x81"]),
            lambda: self.syntax_only("fwdstat " + rng.choice(
                ["Ukwn", "Forw", "Frag", "Drop", "DaclD", "Daclp", "Noroute", "Dadj", "Dfrag", "Dbadh",
                 "Dbadtlen", "Dbadhlen", "DbadTTL", "Dpolicy", "Dwred", "Drpf", "Dforus", "DbadOf",
                 "Dhw", "Tadj", "TincAdj", "Tforus"])),
            lambda: "nfversion " + self.comparison() + rng.choice(["1", "5", "7", "9", "10"]),
            lambda: rng.choice(["client ", "server ", "app "]) + "latency " + self.comparison() +
            self.number(HUGE),
            lambda: rng.choice(["observation domain id ", "observation point id "]) +
            self.number(HUGE),
            lambda: self.sides() + "tunip " + self.address(),
            lambda: self.sides() + rng.choice(["xip ", "nip "]) + self.address(),
            lambda: self.sides() + rng.choice(["xip in ", "nip in "]) + self.items(self.item),
            lambda: self.sides() + "xnet " + self.prefix(),
            lambda: self.sides() + rng.choice(["xport ", "nport "]) + self.comparison() +
            self.number(LARGE),
            lambda: "asa event " + rng.choice(["create", "delete", "term", "deny", "ignore"]),
            lambda: "asa event " + self.comparison() + str(rng.randrange(6)),
            lambda: "asa event denied " + rng.choice(["ingress", "egress", "interface", "nosyn"]),
            lambda: "asa xevent " + self.comparison() + rng.choice(["1001", "1002", "1004", "0"]),
            lambda: "ingress " + rng.choice(["acl ", "ace ", "xace "]) + self.comparison() +
            self.number(HUGE),
            lambda: self.nat_event(rng.choice(["add", "create", "delete", "invalid"])),
            lambda: self.nat_event(self.comparison() + str(rng.randrange(6))),
            lambda: rng.choice(["ingress ", "egress "]) + "vrf " + self.comparison() +
            self.number(HUGE),
            lambda: "pblock " + rng.choice(["start ", "end ", "step ", "size "]) +
            self.comparison() + self.number(LARGE),
            lambda: self.system_number(),
            lambda: rng.choice(["", "src ", "dst ", "src or dst "]) + "port in pblock",
            self.payload,
            self.payload,
            lambda: rng.choice(["ident ", "IDENT "]) + rng.choice(IDENTS + ["tcp", "x"]),
            lambda: "count " + self.comparison() + self.number([n for n in LARGE if n < 300]),
            lambda: "flowlabel " + rng.choice(LABELS_STORED + ["we", "WEB"]),
        ]
        if not plain:
            kinds += [self.flags, lambda: "not " + self.flags(), lambda: f"not ({self.flags()})"] * 2
        return rng.choice(kinds)()

    def syntax_only(self, text):
        self.compared = False
        return text

    def payload(self):
        """Of several in one filter nfdump finds none."""
        if self.payload_used:
            return "any"
        self.payload_used = True
        kind = self.rng.random()
        if kind < 0.3:
            return "payload content " + self.rng.choice(["abc", "'ssh'", "'GET /'", '"ssh-2"', "http",
                                                         "'.1'"])
        if kind < 0.5:
            return "payload ja3 " + self.rng.choice(
                ["defined", "Defined", "a" * 32] + JA3 + [text.upper() for text in JA3])
        return self.regex()

    def regex(self):
        """What nfdump gets right: it ends itself over some alternatives, does not go back into
        repeated groups or groups of groups, does not find an end behind what may be nothing, and escapes of
        control characters are other letters for it."""
        atoms = ["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S",
                 r"\.", "/", "-", "G", "[^ab]", r"[\d.]", "[]a]", "[c-]", "ss", "abc", "(a|b)", "(abc|ssh)"]
        repetitions = ["*", "+", "?", "{1}", "{2}", "{1,}", "{0,2}", "*?", "+?", "??"]
        rng = self.rng
        pattern = rng.choice(["", "", "^"])
        for _ in range(rng.choice([1, 1, 2, 3])):
            atom = rng.choice(atoms)
            repetition = rng.choice(repetitions) if atom[0] != "(" and rng.random() < 0.25 else ""
            pattern += atom + repetition
        if repetition == "" and rng.random() < 0.2:
            pattern += "$"
        elif "(" not in pattern and rng.random() < 0.2:
            pattern = f"({pattern})"
        quote = rng.choice("'\"")
        return f"payload regex {quote}{pattern}{quote}" + rng.choice(["", "", " i", " m", " s", " im",
                                                                     " ims"])

    def nat_event(self, text):
        return "nat event " + text if self.nat else self.syntax_only("nat event " + text)

    def system_number(self):
        """nfdump answers this with a database of places only."""
        self.compared = False
        direction = self.rng.choice(["", "src ", "dst ", "src or dst ", "src and dst ", "prev ",
                                     "next ", "previous "])
        if direction not in ("prev ", "next ", "previous ") and self.rng.random() < 0.4:
            return direction + "as in " + self.items(lambda: self.number(HUGE))
        return direction + "as " + self.comparison() + self.number(HUGE)

    def include(self, text):
        self.files += 1
        path = os.path.join(self.folder, f"include{self.files % 50}")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + self.rng.choice(["", "\n", "\n# a comment\n"]))
        self.included += f"\n   {path}: {text}"
        return f"@include {path}"

    def expression(self, depth, plain=False):
        rng = self.rng
        choice = rng.random()
        if depth == 0 or choice < 0.15:
            return self.term(plain)
        if choice < 0.25:
            return rng.choice(["not ", "! ", "!", "NOT "]) + self.group(depth - 1, True)
        if choice < 0.35:
            return rng.choice(["not ", "!"]) + self.term(True)
        if choice < 0.40:
            return self.include(self.expression(depth - 1, plain)) + " "
        operators = [" and ", " or ", " AND ", " Or ", " && ", " || "]
        text = self.operand(depth, plain)
        for _ in range(rng.choice([1, 1, 2, 3])):
            text += rng.choice(operators) + self.operand(depth, plain)
        return text

    def operand(self, depth, plain):
        if self.rng.random() < 0.5:
            return self.term(plain)
        return self.group(depth - 1, plain)

    def group(self, depth, plain):
        text = f"({self.expression(depth, plain)})"
        choice = self.rng.random()
        if choice < 0.05:
            return text + self.rng.choice([" %", "%", "% "]) + self.rng.choice(LABELS_STORED) + " "
        if choice < 0.1:
            return f"%{self.rng.choice(LABELS_STORED)} {text}"
        return text


CRASHED = "aborted"


def by_nfdump(path, text, compared):
    """Start times of records, or None and why not: nfdump's message, or that it crashed."""
    arguments = ["-q", "-r", path, "-o", "fmt:%tsr"] if compared else ["-Z"]
    r = subprocess.run(["nfdump", *arguments, text], capture_output=True, text=True, timeout=60,
                       env=sc.environment(), errors="replace")
    if r.returncode == 254:
        return None, r.stderr.strip()
    if r.returncode == -signal.SIGABRT:  # 1.7.1 frees some included files twice
        return None, CRASHED
    assert r.returncode == 0, (r.returncode, r.stderr, text)
    if not compared:
        return [], ""
    lines = [line.strip() for line in r.stdout.splitlines()]
    # A flow with counters of both directions takes two lines.
    return list(dict.fromkeys(int(line.replace(".", "")) for line in lines if line[:1].isdigit())), ""


def compare(select, path, maker, counts):
    text = maker.expression(maker.rng.randrange(4))
    select.stdin.write(text + "\n")
    select.stdin.flush()
    own = select.stdout.readline()
    assert own.endswith("\n"), f"'{text}': filter_select ended"
    nfdump, message = by_nfdump(path, text, maker.compared)
    if message == CRASHED:
        counts["nfdump aborted"] += 1
        return True
    if nfdump is None:
        counts["refused"] += 1
        counts["accepted here only"] += not own.startswith("!")
        counts.setdefault("messages", {}).setdefault(message.split(" at ")[0], text)
        return True
    if own.startswith("!"):
        print(f"nfdump accepts, not compiled: {text}{maker.included}\n   {own.strip()}")
        return False
    if not maker.compared:
        counts["syntax"] += 1
        return True
    counts["records"] += len(nfdump)
    counts["compared"] += 1
    counts["some, not all"] += 0 < len(nfdump) < FLOWS
    records = [int(word) for word in own.split()]
    if records != nfdump:
        print(f"differs: {text}{maker.included}\n   nfdump only: {sorted(set(nfdump) - set(records))}\n"
              f"   here only: {sorted(set(records) - set(nfdump))}")
    return records == nfdump


def main():
    if not sc.have_nfdump():
        sc.skip("nfdump is not installed")
    seed = int(os.environ.get("FILTER_SEED", random.SystemRandom().randrange(10 ** 9)))
    seconds = float(os.environ.get("FILTER_SECONDS", "10"))
    limit = int(os.environ.get("FILTER_FAILURES", "1"))
    print(f"FILTER_SEED={seed} FILTER_SECONDS={seconds:g}", flush=True)
    rng = random.Random(seed)
    counts = dict.fromkeys(["compared", "some, not all", "records", "syntax", "refused",
                            "accepted here only", "nfdump aborted", "filters", "files"], 0)
    failures = 0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "flows")
        while time.monotonic() < end and failures < limit:
            nat = rng.random() < 0.4
            write_file(path, rng, nat)
            counts["files"] += 1
            with subprocess.Popen([sc.program("filter_select"), path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, env=sc.environment()) as select:
                for _ in range(300):
                    if time.monotonic() > end or failures >= limit:
                        break
                    counts["filters"] += 1
                    failures += not compare(select, path, Maker(rng, folder, nat), counts)
                select.stdin.close()
                assert select.wait(60) == 0
    messages = counts.pop("messages", {})
    print(counts)
    for message, text in sorted(messages.items()):
        print(f"   nfdump: {message}: {text}"[:300])
    assert failures == 0, f"{failures} filters differ"
    assert counts["nfdump aborted"] <= counts["filters"] / 100 + 2, "nfdump aborts too often"
    assert counts["some, not all"] > counts["compared"] / 10, "the filters hardly select anything"


main()
