# SPDX-License-Identifier: BSD-3-Clause
"""No record is lost or doubled between a proxy and its collectors, whatever happens to them: every
record that was sent is stored exactly as often as there are destinations meant to have it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FLOWS = int(os.environ.get("SC_LOSS_FLOWS", "300000"))
FIELDS = ["first", "last", "srcip", "dstip", "srcport", "dstport", "proto", "packets", "bytes"]
COLUMNS = [0, 1, 2, 3, 4, 5, 6, 8, 9]  # of the truth
STORE = "<compress>yes</compress><dumpInterval><timeWindow>31536000</timeWindow></dumpInterval>"


def make_truth(work):
    path = os.path.join(work, "truth.csv")
    subprocess.run([sc.program("flowgen"), f"--count={FLOWS}", f"--truth={path}"], check=True,
                   stdout=subprocess.DEVNULL)
    truth = Counter()
    with open(path, encoding="ascii") as f:
        for line in f:
            row = line.rstrip("\n").split(",")
            if row[0].isdigit():
                truth[",".join(row[c] for c in COLUMNS)] += 1
    assert sum(truth.values()) == FLOWS
    return truth


def stored(*directories):
    out, _, _ = sc.fdistdump(["--output-format=csv", "--output-items=r", "--output-addr-conv=str",
                              f"--output-fields={','.join(FIELDS)}", *directories])
    return Counter(out.splitlines()[1:])


def expect(truth, what, logs, *directories, duplicates=0):
    got = stored(*directories)
    missing = sum((truth - got).values())
    more = sum((got - truth).values())
    print(f"  {what}: {sum(got.values())} records, {missing} missing, {more} too many", flush=True)
    assert missing == 0 and more <= duplicates, (what, missing, more, logs())


class Setup:
    """A proxy, its collectors' places, and a sender; collectors start when told to."""

    def __init__(self, work, nodes=2, distribution="RoundRobin", transport="tcp", reconnect=100):
        ports = sc.free_ports(nodes + 1)
        self.work = work
        self.ports = ports[1:]
        self.port = ports[0]
        self.transport = transport
        self.dirs = []
        self.nodes = [None] * nodes
        self.texts = []
        for i in range(nodes):
            self.dirs.append(os.path.join(work, f"node{i}"))
            os.makedirs(self.dirs[i])
        writer = sc.forwarding(self.ports, distribution,
                               f"<defaultProtocol>{transport}</defaultProtocol>")
        writer = writer.replace("<reconnectionPeriod>100<", f"<reconnectionPeriod>{reconnect}<")
        self.proxy = sc.Collector(work, "proxy", sc.startup(sc.listen("tcpCollector", self.port),
                                                            writer)).wait_ready()
        self.sender = None

    def start(self, i):
        kind = "udpCollector" if self.transport == "udp" else "tcpCollector"
        xml = sc.startup(sc.listen(kind, self.ports[i]), sc.lnfstore(self.dirs[i], STORE))
        self.nodes[i] = sc.Collector(self.work, f"node{i}-{len(self.texts)}", xml).wait_ready()
        self.texts.append(self.nodes[i])

    def stop(self, i):
        self.nodes[i].stop()
        self.nodes[i] = None

    def send(self, rate=0):
        self.sender = subprocess.Popen(
            [sc.program("flowgen"), f"--count={FLOWS}", f"--rate={int(rate)}",
             f"--tcp=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL)

    def wait_sent(self):
        assert self.sender.wait(240) == 0
        end = time.monotonic() + 60
        while not re.search("session .* closed", self.proxy.log()):
            assert time.monotonic() < end, self.proxy.log()
            time.sleep(0.05)

    def end(self):
        """As data flow: what is under way arrives."""
        self.wait_sent()
        self.proxy.stop()
        for i, node in enumerate(self.nodes):
            if node is not None:
                self.stop(i)

    def kill(self):
        if self.sender is not None and self.sender.poll() is None:
            self.sender.kill()
            self.sender.wait()
        for c in [self.proxy] + self.texts:
            c.kill()

    def logs(self):
        return "".join(f"--- {c.name}\n{c.log_text()}" for c in [self.proxy] + self.texts)


def late(s, truth):
    """Collectors start after the sender has begun."""
    s.send(rate=FLOWS / 3)
    time.sleep(0.7)
    s.start(0)
    time.sleep(0.7)
    s.start(1)
    s.end()
    expect(truth, "late", s.logs, *s.dirs)


def restarted(s, truth):
    """A collector is stopped cleanly and comes back, again and again; the other one takes over."""
    s.start(0)
    s.start(1)
    s.send(rate=FLOWS / 6)
    i = 0
    while s.sender.poll() is None:
        time.sleep(0.2)
        s.stop(i)
        time.sleep(0.2)
        s.start(i)
        i = 1 - i
    s.end()
    assert len(s.texts) > 3, s.logs()
    expect(truth, "restarted", s.logs, *s.dirs)


def only_one_restarted(s, truth):
    """The same without another one: the proxy keeps what comes meanwhile."""
    s.start(0)
    s.send(rate=FLOWS / 5)
    for _ in range(3):
        time.sleep(0.8)
        s.stop(0)
        time.sleep(0.4)
        s.start(0)
    s.end()
    expect(truth, "only one restarted", s.logs, *s.dirs)


def slow(s, truth):
    """A collector stands still for 2 s."""
    s.start(0)
    s.start(1)
    s.send()
    time.sleep(0.1)
    s.nodes[0].signal(signal.SIGSTOP)
    time.sleep(2)
    s.nodes[0].signal(signal.SIGCONT)
    s.end()
    expect(truth, "slow", s.logs, *s.dirs)


def given_up(s, truth):
    """A collector stands still for so long that its messages go to the other one."""
    s.start(0)
    s.start(1)
    s.nodes[0].signal(signal.SIGSTOP)
    s.send(rate=FLOWS / 4)
    end = time.monotonic() + 60
    while "it accepts nothing any more" not in s.proxy.log():
        assert time.monotonic() < end, s.logs()
        time.sleep(0.05)
    s.nodes[0].signal(signal.SIGCONT)
    s.end()
    # Which octets are acknowledged while a connection is given up is known to its peer only.
    expect(truth, "given up", s.logs, *s.dirs, duplicates=30 * 40)


def all_with_one_down(s, truth):
    """Everything to everyone: one is down for a while, then gets all of it, too."""
    s.start(0)
    s.send(rate=FLOWS / 3)
    s.wait_sent()
    s.start(1)
    s.end()
    expect(truth, "all, always up", s.logs, s.dirs[0])
    expect(truth, "all, down at first", s.logs, s.dirs[1])


def udp(s, truth):
    """Over UDP at a rate that receivers can take."""
    s.start(0)
    s.start(1)
    s.send(rate=FLOWS / 10)
    s.wait_sent()
    time.sleep(0.5)
    s.end()
    expect(truth, "udp", s.logs, *s.dirs)


def main():
    cases = ((late, {}), (restarted, {}), (only_one_restarted, {"nodes": 1}), (slow, {}),
             (given_up, {"reconnect": 1000}), (all_with_one_down, {"distribution": "all"}),
             (udp, {"transport": "udp"}))
    with sc.workspace() as work:
        truth = make_truth(work)
    for case, arguments in cases:
        if len(sys.argv) > 1 and case.__name__ not in sys.argv[1:]:
            continue
        with sc.workspace() as work:
            s = Setup(work, **arguments)
            try:
                case(s, truth)
            finally:
                s.kill()
        print(f"{case.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
