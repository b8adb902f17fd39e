# SPDX-License-Identifier: BSD-3-Clause
"""Bad messages between good ones, over UDP and TCP: nothing crashes, the good ones are stored, other
sessions are unaffected. Needs the sample messages beside the repository."""

import csv
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FOLDER = os.path.join(sc.SHARED, "export", "malformed")


def read(name):
    with open(os.path.join(FOLDER, name), "rb") as f:
        return f.read()


def store(directory):
    return sc.lnfstore(directory, "")


def over_udp(rows, before, after):
    """Every bad message from a source of its own, with a good message before and after it."""
    port = sc.free_ports(1)[0]
    with sc.workspace() as work:
        directory = os.path.join(work, "flows")
        os.makedirs(directory)
        c = sc.Collector(work, "udp", sc.startup(sc.listen("udpCollector", port), store(directory)),
                         args=["-S", "1"])
        c.wait_ready()
        good = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        good.connect(("127.0.0.1", port))
        for row in rows:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.connect(("127.0.0.1", port))
            for message in (before, read(row["file"]), after):
                s.send(message)
            good.send(before)
            s.close()
            time.sleep(0.002)
        time.sleep(1.5)
        assert c.process.poll() is None, f"the collector died:\n{c.log()[-4000:]}"
        c.stop()
        return sc.nfdump_totals(directory)[0], c.log_text()


def over_tcp(row, before, after, good, port):
    """One bad message in a session of its own; octets that could be sent before it was closed."""
    s = socket.create_connection(("127.0.0.1", port))
    try:
        s.sendall(before)
        s.sendall(read(row["file"]))
        s.sendall(after)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(10)
        while s.recv(4096):
            pass
    except socket.timeout:
        raise  # closed neither by the fault nor at the end
    except OSError:
        pass  # reset, or no longer connected: the session was closed
    finally:
        s.close()
    good.sendall(before)


def all_over_tcp(rows, before, after):
    port = sc.free_ports(1)[0]
    with sc.workspace() as work:
        directory = os.path.join(work, "flows")
        os.makedirs(directory)
        c = sc.Collector(work, "tcp", sc.startup(sc.listen("tcpCollector", port), store(directory)))
        c.wait_ready()
        good = socket.create_connection(("127.0.0.1", port))
        for row in rows:
            over_tcp(row, before, after, good, port)
        good.close()
        time.sleep(0.3)
        assert c.process.poll() is None, f"the collector died:\n{c.log()[-4000:]}"
        c.stop()
        return sc.nfdump_totals(directory)[0], c.log_text()


def main():
    if not os.path.isdir(FOLDER):
        sc.skip("no malformed sample messages beside the repository")
    if not sc.have_nfdump():
        sc.skip("nfdump is not installed")
    with open(os.path.join(FOLDER, "index.csv"), encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    before, after = read("good_before.bin"), read("good_after.bin")

    # Over UDP both good messages of every source count: 3 records each, and 3 of the other source.
    stored, log = over_udp(rows, before, after)
    least = len(rows) * 9
    print(f"UDP: {len(rows)} bad messages, {stored} records stored, at least {least} must be")
    assert stored >= least, log[-4000:]

    # Over TCP what came before the fault counts; after it the session may be closed, or not when
    # the message was only strange.
    stored, log = all_over_tcp(rows, before, after)
    harmless = sum(1 for r in rows if r["level"] == "T" and r["protocol"] == "ipfix")
    least = len(rows) * 6 + harmless * 3
    print(f"TCP: {len(rows)} bad messages, {stored} records stored, at least {least} must be")
    assert stored >= least, log[-4000:]


main()
