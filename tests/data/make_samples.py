#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Steps of make_samples.sh: traffic for an exporter, recording of its export, and what is in it.

    make_samples.py traffic FILE.pcap FLOWS START [v4]
                                                    writes packets of a small invented network
    make_samples.py record PORT FILE SECONDS        records datagrams until none comes for SECONDS;
                                                    .ipfix: messages back to back, .pcap: datagrams
    make_samples.py expect FILE OUT.json            decodes FILE with tshark and sums up
"""
import json
import random
import socket
import struct
import subprocess
import sys
from pathlib import Path

SNAPLEN = 96            # octets of a packet that are stored; lengths in headers stay true
SERVICES = [("tcp", 443, 46), ("tcp", 80, 9), ("udp", 53, 22), ("tcp", 22, 4), ("udp", 123, 4),
            ("tcp", 25, 3), ("udp", 443, 7), ("icmp", 0, 5)]


# ---- traffic ---------------------------------------------------------------------------------

def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(version, src, dst, protocol, transport, payload_size, tos):
    """IP header and transport header; the payload is only counted, as a snapshot length cuts it."""
    size = len(transport) + payload_size
    if version == 4:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + size, 0, 0x4000, 64, protocol, 0,
                             src, dst)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        return header + transport, 20 + size
    header = struct.pack("!IHBB16s16s", 6 << 28 | tos << 20, size, protocol, 64, src, dst)
    return header + transport, 40 + size


def transport_header(kind, version, sport, dport, flags, payload_size, answer):
    if kind == "tcp":
        return 6, struct.pack("!HHIIBBHHH", sport, dport, 1, 1, 0x50, flags, 65535, 0, 0)
    if kind == "udp":
        return 17, struct.pack("!HHHH", sport, dport, 8 + payload_size, 0)
    if version == 4:
        return 1, struct.pack("!BBHHH", 0 if answer else 8, 0, 0, sport, 1)
    return 58, struct.pack("!BBHHH", 129 if answer else 128, 0, 0, sport, 1)


def skewed(rng, count):
    """0 .. count-1, the first ones far more often."""
    return min(count - 1, int(count ** rng.random()) - 1)


def hosts(version, rng):
    client, server = skewed(rng, 120), skewed(rng, 80)
    if version == 4:
        return (bytes([10, 16, client // 40, 10 + client % 40]),
                bytes([198, 51, 100, 1 + server]))
    prefix = bytes.fromhex("20010db8")
    return (prefix + bytes([0, 16]) + bytes(8) + struct.pack("!H", 10 + client),
            prefix + bytes([255, 0]) + bytes(8) + struct.pack("!H", 1 + server))


def conversation(rng, version):
    """Yields (time, frame, length on the wire) of the packets both sides send."""
    kind, port, _ = rng.choices(SERVICES, weights=[s[2] for s in SERVICES])[0]
    client, server = hosts(version, rng)
    high = rng.randrange(32768, 61000)
    tos = rng.choice([0, 0, 0, 0, 0x28, 0xb8])
    at = rng.uniform(0, 240)
    exchanges = {"tcp": min(60, int(2 / (1 - rng.random()))), "udp": 1, "icmp": rng.randint(1, 4)}[kind]
    for number in range(exchanges):
        for answer in (False, True):
            flags = 0x18
            if number == 0:
                flags = 0x12 if answer else 0x02
            elif number == exchanges - 1:
                flags = 0x11
            small, big = (20, 300) if not answer else (60, 1400)
            size = 0 if kind == "tcp" and flags != 0x18 else rng.randint(small, big)
            src, dst = (server, client) if answer else (client, server)
            ports = (port, high) if answer else (high, port)
            if kind == "icmp":
                ports, size = (high, high), 56
            protocol, header = transport_header(kind, version, *ports, flags, size, answer)
            packet, length = ip_packet(version, src, dst, protocol, header, size, tos)
            mac = bytes([2, 0, 0, 0, 0, 1 + answer]) + bytes([2, 0, 0, 0, 0, 2 - answer])
            ether = mac + (b"\x08\x00" if version == 4 else b"\x86\xdd")
            yield at, (ether + packet + bytes(size))[:SNAPLEN], 14 + length
            at += rng.uniform(0.001, 0.4)


def write_traffic(path, flows, start, only_v4):
    rng = random.Random(2026)
    packets = []
    for _ in range(flows):
        version = 6 if not only_v4 and rng.random() < 0.2 else 4
        packets.extend(conversation(rng, version))
    packets.sort(key=lambda packet: packet[0])
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, 1))
        for at, frame, length in packets:
            out.write(struct.pack("<IIII", start + int(at), int(at % 1 * 1e6), len(frame), length))
            out.write(frame)


# ---- recording -------------------------------------------------------------------------------

def udp_frame(payload, source, target):
    """An Ethernet frame with the datagram, addresses as they were on loopback."""
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0)
    packet, _ = ip_packet(4, socket.inet_aton(source[0]), socket.inet_aton(target[0]), 17, udp,
                          len(payload), 0)
    return bytes(12) + b"\x08\x00" + packet + payload


def record(port, path, seconds):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    receiver.bind(("127.0.0.1", port))
    receiver.settimeout(seconds)
    print("ready", flush=True)
    received = []
    try:
        while True:
            received.append(receiver.recv(65536))
    except TimeoutError:
        pass
    with open(path, "wb") as out:
        if path.endswith(".ipfix"):
            out.write(b"".join(received))
            return
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, payload in enumerate(received):
            # Fixed ports and times: they carry nothing, and the file changes less when remade.
            frame = udp_frame(payload, ("127.0.0.1", 40000), ("127.0.0.1", 2055))
            out.write(struct.pack("<IIII", 0, number, len(frame), len(frame)) + frame)


# ---- what is in it ---------------------------------------------------------------------------

def tshark_numbers(path, field):
    port = ["-d", "udp.port==2055,cflow"]
    text = subprocess.run(["tshark", "-r", path, *port, "-T", "fields", "-e", field],
                          capture_output=True, text=True, check=True).stdout
    return [int(n) for line in text.split("\n") for n in line.split(",") if n]


def tshark_addresses(path, field):
    text = subprocess.run(["tshark", "-r", path, "-d", "udp.port==2055,cflow", "-T", "fields",
                           "-e", field], capture_output=True, text=True, check=True).stdout
    return [a for line in text.split("\n") for a in line.split(",") if a]


def expect(path, out):
    packets = tshark_numbers(path, "cflow.packets")
    octets = tshark_numbers(path, "cflow.octets")
    if not packets or len(packets) != len(octets):
        sys.exit(f"{path}: {len(packets)} packet counters, {len(octets)} octet counters")
    protocols = {}
    for number in tshark_numbers(path, "cflow.protocol"):
        protocols[str(number)] = protocols.get(str(number), 0) + 1
    result = {
        "decoded_by": "tshark " + subprocess.run(["tshark", "-v"], capture_output=True, text=True,
                                                 check=True).stdout.split()[2],
        "messages": len(tshark_numbers(path, "cflow.version")),
        "flow_records": len(packets),
        "ipv4_records": len(tshark_addresses(path, "cflow.srcaddr")),
        "ipv6_records": len(tshark_addresses(path, "cflow.srcaddrv6")),
        "packets": sum(packets),
        "bytes": sum(octets),
        "records_by_protocol": protocols,
    }
    Path(out).write_text(json.dumps(result, indent=2) + "\n")


def main():
    commands = {
        "traffic": lambda a: write_traffic(a[0], int(a[1]), int(a[2]), a[3:] == ["v4"]),
        "record": lambda a: record(int(a[0]), a[1], float(a[2])),
        "expect": lambda a: expect(a[0], a[1]),
    }
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    main()
