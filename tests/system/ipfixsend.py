# SPDX-License-Identifier: BSD-3-Clause
"""ipfixsend against plain sockets: what arrives, how fast, and what a wrong file or option says."""
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import ipfix_wire as wire

BINARY = os.environ.get("IPFIXSEND") or os.path.join(os.environ["SC_BUILD_DIR"],
                                                     "ipfixcol/tools/ipfixsend")
FIELDS = [(8, 4), (12, 4), (1, 8)]


def make_file(path, count, times=None, odid=7, records=20):
    messages = []
    for i in range(count):
        record = [struct.pack("!IIQ", i, j, i * j) for j in range(records)]
        sets = [wire.template_set((256, FIELDS))] if i == 0 else []
        sets.append(wire.data_set(256, record))
        messages.append(wire.message(sets, odid, i * records, times[i] if times else 1000))
    with open(path, "wb") as f:
        f.write(b"".join(messages))
    return messages


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.01)


def unread_octets(sock):
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]


class Receiver(threading.Thread):
    """Takes one TCP connection, or datagrams until it is quiet; notes when octets came. `waiting`: reads
    nothing before go() is called."""

    def __init__(self, kind, family=socket.AF_INET, waiting=False):
        super().__init__(daemon=True)
        self.sock = socket.socket(family, socket.SOCK_STREAM if kind == "TCP" else socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.kind = kind
        self.connection = None
        self.may_read = threading.Event()
        if not waiting:
            self.may_read.set()
        self.parts = []
        self.times = []
        self.stop = False
        if kind == "TCP":
            self.sock.listen(1)
        self.start()

    def run(self):
        if self.kind == "TCP":
            sock, _ = self.sock.accept()
        else:
            sock = self.sock
        self.connection = sock
        self.may_read.wait()
        sock.settimeout(0.2)
        while True:
            try:
                data = sock.recv(65536)
            except socket.timeout:
                if self.stop and self.kind == "UDP":
                    break
                continue
            if not data and self.kind == "TCP":
                break
            self.times.append(time.monotonic())
            self.parts.append(data)
        sock.close()

    def wait_full(self):
        """Until the sender has sent all that can be on its way while nobody reads."""
        wait_for(lambda: self.connection is not None)
        octets, since = 0, time.monotonic()

        def is_full():
            nonlocal octets, since
            before, octets = octets, unread_octets(self.connection)
            if octets != before:
                since = time.monotonic()
            return octets > 0 and time.monotonic() - since > 1

        wait_for(is_full)

    def go(self):
        self.may_read.set()

    def finish(self):
        self.stop = True
        self.join(60)
        assert not self.is_alive(), "receiver did not see the end"
        self.sock.close()
        return b"".join(self.parts)


def run(*args, timeout=60):
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=timeout)


def check(condition, text):
    if not condition:
        sys.exit(f"FAILED: {text}")
    print(f"ok: {text}")


def test_arguments(path):
    check(run().returncode == 0 and "Usage" in run().stdout, "no argument prints help, exit 0")
    check(run("-h").stdout == run("--help").stdout == run().stdout, "-h and --help print it, too")
    check(re.fullmatch(r"ipfixsend \d+\.\d+\.\d+\n", run("--version").stdout) is not None and
          run("-V").stdout == run("--version").stdout, "the version")
    check(run("-h").returncode == 0 and "-R x" in run("-h").stdout, "-h")
    for args, text in [(["-n", 1], "no file to send"),
                       (["-i", path, "-R", 1, "-s", 5], "-R cannot be combined"),
                       (["-i", path, "-R", 1, "-S", 5], "-R cannot be combined"),
                       (["-i", path, "-n", -2], "bad value of -n"),
                       (["-i", path, "-s", "5X"], "bad value of -s"),
                       (["-i", path, "-s", "99999999999G"], "bad value of -s"),
                       (["-i", path, "-p", 0], "bad value of -p"),
                       (["-i", path, "-p", 65536], "bad value of -p"),
                       (["-i", path, "-t", "DCCP"], "bad value of -t"),
                       (["-i", path, "-R", 0], "bad value of -R"),
                       (["-i", path, "-O", 1 << 32], "bad value of -O"),
                       (["-i", path, "-x"], "invalid option"),
                       (["-i", path, "more"], "unexpected argument"),
                       (["-i", path + ".missing", "-n", 1], "No such file")]:
        r = run(*args)
        check(r.returncode == 1 and text in r.stderr, f"{args[-2:]}: {text}")
    r = run("-i", path, "-n", 1, "-t", "tcp", "-p", 1)
    check(r.returncode == 1 and "cannot connect" in r.stderr, "nobody listens: exit 1")
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132).close()
    except OSError:
        r = run("-i", path, "-n", 1, "-t", "sctp")
        check(r.returncode == 1 and "SCTP" in r.stderr, "no SCTP here: exit 1 and says so")


def test_same_octets(path, messages):
    whole = b"".join(messages)
    for extra in ([], ["-c"]):
        receiver = Receiver("TCP")
        r = run("-i", path, "-t", "TCP", "-p", receiver.port, "-n", 3, *extra)
        check(r.returncode == 0 and r.stderr == "", f"TCP {extra} exits 0")
        check(receiver.finish() == whole * 3, f"TCP {extra}: the file three times, octet by octet")
    receiver = Receiver("TCP", socket.AF_INET6)
    r = run("-i", path, "-t", "tcp", "-d", "::1", "-p", receiver.port, "-n", 1)
    check(r.returncode == 0 and receiver.finish() == whole, "TCP over IPv6")
    receiver = Receiver("UDP")
    r = run("-i", path, "-d", "localhost" if socket.gethostbyname("localhost") == "127.0.0.1" and
            not has_ipv6_localhost() else "127.0.0.1", "-p", receiver.port, "-n", 1, "-S", 1000)
    receiver.finish()
    check(r.returncode == 0 and receiver.parts == messages, "UDP: one datagram per message")
    receiver = Receiver("TCP")
    r = run("-i", path, "-t", "tcp", "-p", receiver.port, "-n", 2, "-O", 4294967295)
    got, rest = wire.split(receiver.finish())
    want = [m[:12] + b"\xff\xff\xff\xff" + m[16:] for m in messages] * 2
    check(r.returncode == 0 and got == want and rest == b"", "-O rewrites only the ODID")
    receiver = Receiver("TCP")
    with subprocess.Popen([BINARY, "-i", "/dev/stdin", "-t", "tcp", "-p", str(receiver.port), "-n", "2"],
                          stdin=subprocess.PIPE) as p:
        p.communicate(whole)
    check(p.returncode == 0 and receiver.finish() == whole * 2, "from a pipe, twice")


def has_ipv6_localhost():
    return any(a[0] == socket.AF_INET6 for a in socket.getaddrinfo("localhost", 1))


def test_bad_files(folder, messages):
    path = os.path.join(folder, "bad.ipfix")
    good = b"".join(messages[:3])
    big = wire.message([wire.data_set(256, [bytes(65400)])])
    cases = [(b"", "empty", []),
             (b"hello world, this is no IPFIX file", "offset 0: not an IPFIX Message", []),
             (good + b"\x00\x09" + messages[3][2:], f"offset {len(good)}: not an IPFIX Message", []),
             (good + b"\x00", f"offset {len(good)}: the file ends inside a message (1 octets", []),
             (good[:-1], f"offset {len(good) - len(messages[2])}: the file ends inside", []),
             (good + messages[3][:15], f"offset {len(good)}: the file ends inside", []),
             (good + b"\x00\x0a\x00\x0f" + bytes(12), f"offset {len(good)}: bad length", []),
             (good + b"\x00\x0a\x00\x00" + bytes(12), f"offset {len(good)}: bad length", []),
             (good + big, f"offset {len(good)}: a message of {len(big)} octets does not fit", [])]
    for octets, text, extra in cases:
        with open(path, "wb") as f:
            f.write(octets)
        for mode in ([], ["-c"], ["-R", "1000"]):
            sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sink.bind(("127.0.0.1", 0))
            r = run("-i", path, "-p", sink.getsockname()[1], "-n", 1, *mode, *extra)
            sink.close()
            check(r.returncode == 1 and text in r.stderr and path in r.stderr, f"{mode} bad file: {text}")


def on_time(attempt):
    """A loaded machine delays messages now and then; a wrong pace is wrong every time."""
    for _ in range(30):
        ok, text = attempt()
        if ok:
            break
    check(ok, text)


def test_speed(path, messages):
    size = sum(map(len, messages))

    def attempt(args, seconds):
        receiver = Receiver("TCP")
        r = run("-i", path, "-t", "TCP", "-p", receiver.port, "-n", 1, *args)
        receiver.finish()
        check(r.returncode == 0, f"{args}: exit {r.returncode}")
        took = receiver.times[-1] - receiver.times[0]
        return (abs(took - seconds) < 0.08 + seconds * 0.05,
                f"{args}: {took:.3f} s, expected {seconds:.3f} s")

    for args, seconds in [(["-S", 1000], (len(messages) - 1) / 1000),
                          (["-s", "256K"], (size - len(messages[-1])) / (256 * 1024)),
                          (["-s", "1M", "-S", 400], (len(messages) - 1) / 400)]:
        on_time(lambda args=args, seconds=seconds: attempt(args, seconds))


def test_real_time(folder):
    path = os.path.join(folder, "times.ipfix")
    # Groups: 4 messages at 100 (one of them late), 2 at 101, then a gap of 3 s.
    messages = make_file(path, 8, [100, 100, 99, 100, 101, 101, 104, 104], records=1)
    expected = [0, 0.125, 0.25, 0.375, 0.5, 0.75, 2.0, 2.25]

    def attempt():
        receiver = Receiver("UDP")
        r = run("-i", path, "-p", receiver.port, "-n", 1, "-R", "2.0")
        receiver.finish()
        got = [t - receiver.times[0] for t in receiver.times]
        check(r.returncode == 0 and receiver.parts == messages, "-R sends everything")
        return (all(abs(a - b) < 0.06 for a, b in zip(got, expected)),
                f"-R 2.0: messages at {[round(t, 2) for t in got]}")

    on_time(attempt)


def test_signal(path, messages):
    receiver = Receiver("TCP")
    start = time.monotonic()
    p = subprocess.Popen([BINARY, "-i", path, "-t", "TCP", "-p", str(receiver.port), "-S", "500"])
    wait_for(lambda: len(receiver.times) > 10)
    p.send_signal(signal.SIGINT)
    check(p.wait(30) == 0, "SIGINT during an endless run: exit 0")
    most = 500 * (time.monotonic() - start) + 1
    got, rest = wire.split(receiver.finish())
    check(0 < len(got) <= most and rest == b"", f"whole messages until SIGINT ({len(got)})")
    receiver = Receiver("TCP", waiting=True)
    p = subprocess.Popen([BINARY, "-i", path, "-t", "TCP", "-p", str(receiver.port)])
    receiver.wait_full()  # the sender is blocked inside a message
    p.send_signal(signal.SIGINT)
    time.sleep(0.5)
    check(p.poll() is None, "SIGINT waits for the receiver")
    receiver.go()
    check(p.wait(30) == 0, "which reads on: exit 0")
    got, rest = wire.split(receiver.finish())
    check(rest == b"" and len(got) > 1000, f"and the current message is finished ({len(got)})")
    receiver = Receiver("TCP", waiting=True)
    p = subprocess.Popen([BINARY, "-i", path, "-t", "TCP", "-p", str(receiver.port)],
                         stderr=subprocess.PIPE)
    receiver.wait_full()
    p.send_signal(signal.SIGINT)
    time.sleep(0.3)
    p.send_signal(signal.SIGTERM)
    check(p.wait(30) == 1, "a second signal ends at once, exit 1")
    p.stderr.close()
    receiver.go()
    receiver.finish()


def test_network_error(path):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    p = subprocess.Popen([BINARY, "-i", path, "-t", "TCP", "-p", str(listener.getsockname()[1])],
                         stderr=subprocess.PIPE, text=True)
    peer, _ = listener.accept()
    peer.recv(1000)
    peer.close()  # with unread octets: a reset
    _, err = p.communicate(timeout=60)
    check(p.returncode == 1 and "Network error: " in err, f"connection reset: exit 1, {err.strip()}")
    listener.close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "flows.ipfix")
        messages = make_file(path, 1500)
        test_arguments(path)
        test_same_octets(path, messages)
        test_bad_files(folder, messages)
        test_speed(path, messages)
        test_real_time(folder)
        test_signal(path, messages)
        test_network_error(path)


if __name__ == "__main__":
    main()
