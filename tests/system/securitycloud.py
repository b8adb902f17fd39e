# SPDX-License-Identifier: BSD-3-Clause
"""The proxy and collector files of a SecurityCloud installation, only addresses, ports and paths
replaced, in one chain. Needs those files beside the repository."""

import glob
import json
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FOLDER = os.path.join(sc.SHARED, "ipfixcol-examples", "securitycloud")
FLOWS = os.path.join(sc.SHARED, "ipfixcol-examples", "flows", "example_flows.ipfix")
RECORDS, PACKETS, OCTETS = 3979, 56695, 49001404
TCP_RECORDS = 2067


def config(name, replacements):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        text = f.read()
    for old, new in replacements:
        assert old in text, f"{name}: {old!r} is not there"
        text = text.replace(old, new)
    return text


def destination(address, port):
    return (f"<ip>{address}</ip>", f"<ip>127.0.0.1</ip><port>{port}</port>")


def storage_chain(work):
    """proxyTCP.xml dealing to two subcollector-storage.xml."""
    ports = sc.free_ports(3)
    running = []
    directories = []
    for i in (0, 1):
        directory = os.path.join(work, f"storage{i}")
        os.makedirs(directory)
        directories.append(directory)
        xml = config("subcollector-storage.xml",
                     [("<localPort>4741<", f"<localPort>{ports[i]}<"), ("/storage/data/path/", directory)])
        running.append(sc.Collector(work, f"storage{i}", xml).wait_ready())
    xml = config("proxyTCP.xml", [("<localPort>4739<", f"<localPort>{ports[2]}<"),
                                  destination("192.168.0.1", ports[0]),
                                  destination("192.168.0.2", ports[1])])
    proxy = sc.Collector(work, "proxy", xml).wait_ready()
    try:
        sc.send_file(FLOWS, ports[2])
        proxy.stop()
        for c in running:
            c.stop()
        totals = sc.fdistdump_totals(*directories)
        print("storage:", totals)
        assert totals == (RECORDS, PACKETS, OCTETS), totals
        if sc.have_nfdump():
            assert sc.nfdump_totals(*directories) == totals
        names = [os.path.basename(f) for f in sc.flow_files(*directories)]
        assert all(re.fullmatch(r"nfcapd\.\d{14}", n) for n in names), names
    finally:
        for c in [proxy] + running:
            c.kill()


def records_of(lines):
    records = [json.loads(line) for line in lines]
    assert all(r["@type"] == "ipfix.entry" for r in records)
    return (len(records), sum(r.get("ipfix.packetDeltaCount", 0) for r in records),
            sum(r.get("ipfix.octetDeltaCount", 0) for r in records))


def json_files(work, name, element, transport):
    """udp2json.xml and tcp2json.xml write JSON files."""
    port = sc.free_ports(1)[0]
    directory = os.path.join(work, name)
    xml = config(name, [("<localPort>4739<", f"<localPort>{port}<"),
                        ("/tmp/ipfixcol/flow/", directory + "/")])
    assert element in xml
    c = sc.Collector(work, name, xml).wait_ready()
    try:
        sc.send_file(FLOWS, port, transport)
        time.sleep(0.5)
        c.stop()
        lines = []
        for path in glob.glob(directory + "/*/*/*/json.*"):
            with open(path, encoding="utf-8") as f:
                lines += f.readlines()
        totals = records_of(lines)
        print(name, totals)
        assert totals == (RECORDS, PACKETS, OCTETS), totals
        tcp = [r for r in map(json.loads, lines) if r["ipfix.protocolIdentifier"] == "TCP"]
        assert len(tcp) == TCP_RECORDS, len(tcp)
        for r in tcp:
            assert re.fullmatch(r"[U.][A.][P.][R.][S.][F.]", r["ipfix.tcpControlBits"]), r
            assert re.fullmatch(r"2015-08-03T\d\d:\d\d:\d\d\.\d{3}", r["ipfix.flowStartMilliseconds"]), r
    finally:
        c.kill()


def json_streams(work):
    """subcollector-json.xml sends datagrams and serves clients."""
    tcp = sc.free_ports(2)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    receiver.bind(("127.0.0.1", 0))
    xml = config("subcollector-json.xml",
                 [("<localPort>4741<", f"<localPort>{tcp[0]}<"),
                  ("<port>4444<", f"<port>{receiver.getsockname()[1]}<"),
                  ("<port>4800<", f"<port>{tcp[1]}<")])
    c = sc.Collector(work, "json", xml).wait_ready()
    try:
        client = socket.create_connection(("127.0.0.1", tcp[1]))
        time.sleep(0.5)
        sc.send_file(FLOWS, tcp[0])
        c.stop()
        data = b""
        client.settimeout(10)
        while chunk := client.recv(1 << 16):
            data += chunk
        served = data.decode().splitlines()
        json.loads(served[0])
        json.loads(served[-1])
        # A client that may skip lines gets whole ones; over loopback with room, most.
        assert len(served) > 100, len(served)
        receiver.setblocking(False)
        datagrams = []
        try:
            while True:
                datagrams.append(receiver.recv(65535).decode())
        except BlockingIOError:
            pass
        print("json: served", len(served), "datagrams", len(datagrams))
        assert datagrams and json.loads(datagrams[0])["@type"] == "ipfix.entry"
    finally:
        c.kill()


def main():
    if not os.path.isdir(FOLDER):
        sc.skip("no SecurityCloud files beside the repository")
    with sc.workspace() as work:
        storage_chain(work)
        json_files(work, "udp2json.xml", "udpCollector", "UDP")
        json_files(work, "tcp2json.xml", "tcpCollector", "TCP")
        json_streams(work)


main()
