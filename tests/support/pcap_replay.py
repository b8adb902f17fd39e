#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Replays recorded flow export to a collector, as the exporters once sent it.

A capture (pcap or pcapng with Ethernet, Linux cooked, loopback or raw IP frames; IPv4 or IPv6) gives the
payload of each UDP datagram, sent from one local socket per original source address and port,
so that a collector tells the exporters apart as it did then; original sources in 127.0.0.0/8 are bound.
An IPFIX File (RFC 5655) gives its messages, over UDP or TCP.

As a module: `for source, payload in datagrams(path)`, `messages(octets)`, `replay(...)`.
"""
import argparse
import ipaddress
import socket
import struct
import sys
import time
from pathlib import Path

PCAP_MAGIC = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">",   # microseconds
              b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}   # nanoseconds
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
LINK_NULL, LINK_ETHERNET, LINK_RAW, LINK_COOKED, LINK_IPV4, LINK_IPV6 = 0, 1, 101, 113, 228, 229
IPV4, IPV6, VLAN = 0x0800, 0x86DD, (0x8100, 0x88A8)
UDP = 17
EXTENSION_HEADERS = (0, 43, 60)     # of IPv6: hop-by-hop, routing, destination options


class FormatError(ValueError):
    """The file is not what it claims to be."""


# ---- frames of a capture -------------------------------------------------------------------

def _pcap_frames(octets, order):
    if len(octets) < 24:
        raise FormatError("capture header cut short")
    link = struct.unpack_from(order + "I", octets, 20)[0] & 0xFFFF
    at = 24
    while at < len(octets):
        if at + 16 > len(octets):
            raise FormatError(f"packet header cut short at {at}")
        size = struct.unpack_from(order + "I", octets, at + 8)[0]
        if at + 16 + size > len(octets):
            raise FormatError(f"packet cut short at {at}")
        yield link, octets[at + 16:at + 16 + size]
        at += 16 + size


def _pcapng_frames(octets):
    order, links, at = "<", [], 0
    while at < len(octets):
        if at + 12 > len(octets):
            raise FormatError(f"block header cut short at {at}")
        if octets[at:at + 4] == PCAPNG_MAGIC:
            order = "<" if octets[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack_from(order + "II", octets, at)
        if size < 12 or size % 4 or at + size > len(octets):
            raise FormatError(f"block of {size} octets at {at}")
        body = octets[at + 8:at + size - 4]
        if kind == 1 and len(body) >= 2:
            links.append(struct.unpack_from(order + "H", body)[0])
        elif kind == 6 and len(body) >= 20:
            interface, _, _, captured = struct.unpack_from(order + "IIII", body)
            if interface >= len(links) or 20 + captured > len(body):
                raise FormatError(f"bad packet block at {at}")
            yield links[interface], body[20:20 + captured]
        at += size


def frames(octets):
    """Yields (link type, frame) of a capture; FormatError when it is none."""
    if octets[:4] == PCAPNG_MAGIC:
        return _pcapng_frames(octets)
    if octets[:4] in PCAP_MAGIC:
        return _pcap_frames(octets, PCAP_MAGIC[octets[:4]])
    raise FormatError("neither pcap nor pcapng")


# ---- datagrams of a frame ------------------------------------------------------------------

def _network_packet(link, frame):
    """The IP packet in a frame, or None."""
    if link in (LINK_RAW, LINK_IPV4, LINK_IPV6):
        return frame
    if link == LINK_NULL:
        return frame[4:]
    if link == LINK_COOKED:
        at = 14
    elif link == LINK_ETHERNET:
        at = 12
    else:
        raise FormatError(f"link type {link} is not supported")
    while len(frame) >= at + 2:
        kind = struct.unpack_from("!H", frame, at)[0]
        if kind in VLAN:
            at += 4
            continue
        return frame[at + 2:] if kind in (IPV4, IPV6) else None
    return None


def _ipv4_datagram(packet):
    header = (packet[0] & 15) * 4
    total = struct.unpack_from("!H", packet, 2)[0]
    if header < 20 or total > len(packet) or total < header or packet[9] != UDP:
        return None
    if struct.unpack_from("!H", packet, 6)[0] & 0x3FFF:
        raise FormatError("fragmented datagrams are not supported")
    return packet[12:16], packet[header:total]


def _ipv6_datagram(packet):
    total = 40 + struct.unpack_from("!H", packet, 4)[0]
    kind, at = packet[6], 40
    while kind in EXTENSION_HEADERS and at + 8 <= len(packet):
        kind, at = packet[at], at + (packet[at + 1] + 1) * 8
    if kind == 44:
        raise FormatError("fragmented datagrams are not supported")
    if kind != UDP or total > len(packet):
        return None
    return packet[8:24], packet[at:total]


def _udp_payload(packet):
    """((source address, source port), payload) of an IP packet that carries UDP, else None."""
    if packet is None or len(packet) < 20:
        return None
    found = None
    if packet[0] >> 4 == 4:
        found = _ipv4_datagram(packet)
    elif packet[0] >> 4 == 6 and len(packet) >= 40:
        found = _ipv6_datagram(packet)
    if found is None or len(found[1]) < 8:
        return None
    address, datagram = found
    port, _, length = struct.unpack_from("!HHH", datagram)
    if length < 8 or length > len(datagram):
        return None
    return (str(ipaddress.ip_address(address)), port), datagram[8:length]


def datagrams(path):
    """Yields ((source address, source port), payload) of every complete UDP datagram of a capture."""
    for link, frame in frames(Path(path).read_bytes()):
        found = _udp_payload(_network_packet(link, frame))
        if found is not None:
            yield found


def messages(octets):
    """Yields the IPFIX Messages that lie back to back in `octets`, cut by their header's length."""
    at = 0
    while at < len(octets):
        if len(octets) - at < 16:
            raise FormatError(f"message header cut short at {at}")
        version, length = struct.unpack_from("!HH", octets, at)
        if version != 10 or length < 16 or at + length > len(octets):
            raise FormatError(f"no IPFIX Message at {at}: version {version}, length {length}")
        yield octets[at:at + length]
        at += length


def recorded(path):
    """Yields (source or None, payload) of a capture or an IPFIX File, told apart by their start."""
    octets = Path(path).read_bytes()
    if octets[:2] == b"\x00\x0a":
        return ((None, message) for message in messages(octets))
    return datagrams(path)


# ---- sending -------------------------------------------------------------------------------

def parse_target(text):
    """'HOST:PORT' or '[IPV6]:PORT' as (host, port)."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"'{text}': expected HOST:PORT or [IPV6]:PORT")
    return host, int(port)


class _UdpSender:
    """One socket per original source."""

    def __init__(self, host, port):
        self.family, _, _, _, self.target = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM)[0]
        self.sockets = {}

    def _open(self, source):
        sock = socket.socket(self.family, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        if source is not None and self.family == socket.AF_INET and \
                source[0].startswith("127.") and self.target[0].startswith("127."):
            sock.bind((source[0], 0))
        return sock

    def send(self, source, payload):
        if source not in self.sockets:
            self.sockets[source] = self._open(source)
        self.sockets[source].sendto(payload, self.target)

    def close(self):
        for sock in self.sockets.values():
            sock.close()


class _TcpSender:
    """One connection per original source."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.sockets = {}

    def send(self, source, payload):
        if source not in self.sockets:
            self.sockets[source] = socket.create_connection(self.target, timeout=30)
        self.sockets[source].sendall(payload)

    def close(self):
        for sock in self.sockets.values():
            sock.close()


def replay(path, host, port, transport="udp", rate=0, loops=1):
    """Sends what `path` holds; returns (messages, octets, sources). `rate`: messages/s, 0 = all at once."""
    sender = _TcpSender(host, port) if transport == "tcp" else _UdpSender(host, port)
    count = size = 0
    begin = time.monotonic()
    try:
        for _ in range(loops):
            for source, payload in recorded(path):
                if rate:
                    time.sleep(max(0.0, begin + count / rate - time.monotonic()))
                sender.send(source, payload)
                count += 1
                size += len(payload)
        return count, size, len(sender.sockets)
    finally:
        sender.close()


def _positive(kind):
    def convert(text):
        value = kind(text)
        if not 0 < value < 1e9:
            raise ValueError
        return value
    convert.__name__ = "positive number"
    return convert


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", help="capture (pcap, pcapng) or IPFIX File")
    parser.add_argument("target", metavar="HOST:PORT", help="collector; IPv6 as [::1]:4739")
    parser.add_argument("--tcp", action="store_true", help="send over TCP (IPFIX only)")
    parser.add_argument("--rate", type=_positive(float), default=0, metavar="N",
                        help="messages per second [as fast as possible]")
    parser.add_argument("--loops", type=_positive(int), default=1, metavar="N",
                        help="send everything N times [1]")
    args = parser.parse_args(argv)
    try:
        host, port = parse_target(args.target)
        count, size, sources = replay(args.file, host, port, "tcp" if args.tcp else "udp",
                                      args.rate, args.loops)
    except (OSError, ValueError) as error:
        print(f"pcap_replay: {args.file}: {error}", file=sys.stderr)
        return 1
    print(f"messages={count} octets={size} sources={sources}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
