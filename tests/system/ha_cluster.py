# SPDX-License-Identifier: BSD-3-Clause
"""fdistdump-ha over a network: three nodes and a proxy in network namespaces, connected by a bridge in
one more, with host names, addresses and TCP between them. A node whose link is down, before or while
rows of the answer travel, costs nothing but time. Needs root."""

import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402
import cluster  # noqa: E402

NETWORK = "10.213.47"
FLOWS = 60000
# Runs a command on a node: in its network, with its host name and the names of the others.
ON_NODE = """#!/bin/sh
node=$1; shift
exec nsenter --net="/run/netns/{prefix}-$node" unshare --uts --mount sh -c '
mount --bind "{work}/hosts" /etc/hosts && hostname "$1" && shift && exec "$@"' sh "$node" "$@"
"""
# Like ssh HOST COMMAND..., run on any node: only what answers on its port can be used.
AGENT = """#!/bin/sh
host=$1; shift
"{python}" -c 'import socket, sys
socket.create_connection((sys.argv[1], 22), 5).close()' "$host" 2>/dev/null || exit 255
exec "{work}/on-node" "$host" sh -c "$*"
"""
DAEMON = """import socket
with socket.create_server(("", 22)) as server:
    print("ready", flush=True)
    while True:
        server.accept()[0].close()
"""


def ip(*words, check=True):
    r = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and r.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {r.stderr}")
    return r


class Namespaces(cluster.Cluster):
    def __init__(self, work):
        super().__init__(work, FLOWS)
        self.prefix = f"sc{os.getpid()}"
        self.daemons = []
        self.made = []
        self.on_node = self.script("on-node", ON_NODE)
        self.agent = self.script("agent", AGENT)
        # What is down is noticed by the connection: an answer may take long on a busy machine.
        self.file = self.write_file(f"{self.agent} %h true", 20)
        with open(os.path.join(work, "hosts"), "w", encoding="utf-8") as f:
            f.write("127.0.0.1 localhost\n")
            f.writelines(f"{NETWORK}.{number} {node}\n" for node, number in self.ids.items())

    def script(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.format(work=self.work, prefix=self.prefix, python=sys.executable))
        os.chmod(path, 0o755)
        return path

    def space(self, node):
        return f"{self.prefix}-{node}"

    def make(self):
        """Skips the test when a container has no right to."""
        for name in ("net", *self.ids):
            r = ip("netns", "add", self.space(name), check=False)
            if r.returncode != 0:
                sc.skip(f"no network namespace can be made here: {r.stderr.strip()}")
            self.made.append(name)
        r = ip("-n", self.space("net"), "link", "add", "bridge", "type", "bridge", check=False)
        if r.returncode != 0:
            sc.skip(f"no bridge can be made here: {r.stderr.strip()}")
        ip("-n", self.space("net"), "link", "set", "bridge", "up")
        for node, number in self.ids.items():
            ip("-n", self.space("net"), "link", "add", node, "type", "veth", "peer", "name", "eth0",
               "netns", self.space(node))
            ip("-n", self.space("net"), "link", "set", node, "master", "bridge", "up")
            ip("-n", self.space(node), "link", "set", "lo", "up")
            ip("-n", self.space(node), "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            ip("-n", self.space(node), "link", "set", "eth0", "up")
        for node in self.ids:
            daemon = subprocess.Popen([self.on_node, node, sys.executable, "-c", DAEMON],
                                      stdout=subprocess.PIPE, env=self.environment())
            self.daemons.append(daemon)
            assert daemon.stdout.readline() == b"ready\n"

    def clear(self):
        """Ends what runs in the namespaces, by number, then removes them."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        for daemon in self.daemons:
            daemon.kill()
            daemon.wait()
            daemon.stdout.close()
        for name in self.made:
            ip("netns", "del", self.space(name), check=False)

    def set_link(self, node, state):
        ip("-n", self.space("net"), "link", "set", node, state)

    def set_rate(self, node, rate):
        """Slows down what a node sends; None is as fast as can be."""
        verb = ["del"] if rate is None else ["add"]
        shape = [] if rate is None else ["tbf", "rate", rate, "burst", "16kbit", "latency", "100ms"]
        return subprocess.run(["tc", "-n", self.space(node), "qdisc", *verb, "dev", "eth0", "root", *shape],
                              capture_output=True, text=True, check=False)

    def sent(self, node):
        """Octets that left a node."""
        r = ip("-n", self.space(node), "-s", "-j", "link", "show", "eth0")
        return json.loads(r.stdout)[0]["stats64"]["tx"]["bytes"]

    def start(self, options, question, host="p"):
        mpi = ["--mca", "plm_rsh_agent", self.agent, "--mca", "btl", "self,tcp", "--mca",
               "btl_tcp_if_include", "eth0", "--mca", "oob_tcp_if_include", "eth0",
               # Open MPI keeps memory to the end of the process: no leak of ours.
               "-x", "ASAN_OPTIONS=detect_leaks=0"]
        command = [self.on_node, host, sc.program("fdistdump-ha"), "--cluster-file", self.file, *options,
                   "live", "mpiexec", *mpi, sc.program("fdistdump"), *cluster.CSV, *question]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=self.environment())

    def ask(self, options, question, host="p"):
        with self.start(options, question, host) as process:
            out, err = process.communicate(timeout=180)
        assert process.returncode == 0, (process.returncode, err)
        return out, err


def same(out, expected, err):
    assert cluster.question_rows(out) == cluster.question_rows(expected), (out[:2000], expected[:2000], err)


def test_whole(c, expected):
    for question, answer in zip(cluster.QUESTIONS, expected):
        out, err = c.ask([], question)
        same(out, answer, err)
        assert "offline" not in err, err
    # A subcollector as the master.
    out, err = c.ask([], cluster.QUESTIONS[0], "n2")
    same(out, expected[0], err)


def test_down_before(c, expected):
    for i, node in enumerate(c.successor):
        c.set_link(node, "down")
        for question, answer in list(zip(cluster.QUESTIONS, expected))[i::3]:
            out, err = c.ask([], question)
            same(out, answer, err)
            assert f"node {node} is offline: its data are read from the mirror" in err, err
        c.set_link(node, "up")


LIST = ["-l", "0", "--output-fields=first,last,srcip,dstip,srcport,dstport,proto,bytes,packets"]


def lose(c, node, how, after):
    """Loses a node when it has sent so much of its rows; returns (stdout, stderr)."""
    before = c.sent(node)
    r = c.set_rate(node, "800kbit")
    if r.returncode != 0:
        sc.skip(f"no network can be slowed down here: {r.stderr.strip()}")
    with c.start(["-i", "0.5", "-e", "1", "-t", "3"], LIST) as process:
        end = time.monotonic() + 120
        while c.sent(node) - before < after:
            assert time.monotonic() < end and process.poll() is None, process.communicate()
            time.sleep(0.02)
        how(node)
        out, err = process.communicate(timeout=180)
    assert process.returncode == 0, (process.returncode, err)
    return out, err


def test_down_meanwhile(c):
    """The link goes down, or all processes of a node and then its link, when rows are on their way."""
    expected = sorted(c.answer(LIST).splitlines())

    def cut(node):
        c.set_link(node, "down")

    def crash(node):
        c.set_link(node, "down")
        pids = ip("netns", "pids", c.space(node)).stdout.split()
        daemons = {d.pid for d in c.daemons}
        for pid in map(int, pids):
            if pid not in daemons:
                os.kill(pid, signal.SIGKILL)

    for node, how in (("n2", cut), ("n1", crash)):
        out, err = lose(c, node, how, 150000)
        assert sorted(out.splitlines()) == expected, (len(out.splitlines()), len(expected), err)
        assert f"node {node} went offline" in err and "it is started again" in err, err
        assert f"node {node} is offline: its data are read from the mirror" in err, err
        c.set_link(node, "up")
        c.set_rate(node, None)
    # The network is whole again.
    out, err = c.ask([], cluster.QUESTIONS[0])
    same(out, c.answer(cluster.QUESTIONS[0]), err)


def main():
    if os.geteuid() != 0:
        sc.skip("network namespaces need root")
    with sc.workspace() as work:
        c = Namespaces(work)
        try:
            c.make()
            expected = [c.answer(q) for q in cluster.QUESTIONS]
            for test in (lambda: test_whole(c, expected), lambda: test_down_before(c, expected),
                         lambda: test_down_meanwhile(c)):
                start = time.monotonic()
                test()
                print(f"{time.monotonic() - start:.1f} s")
        finally:
            c.clear()


main()
