# SPDX-License-Identifier: BSD-3-Clause
"""Runs the real programs on loopback: collectors, a proxy, senders, queries.

Every process is started by a context manager, waited for, and ended by its id.
"""

import contextlib
import csv
import glob
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("SC_BUILD_DIR", "")
SOURCE = os.environ.get("SC_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "..", ".."))
SHARED = os.path.join(SOURCE, "..", "shared", "data")
SKIP = 77

MPI_ENV = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    # One machine: no search for network cards.
    "OMPI_MCA_btl": "self,vader",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
}
# Open MPI keeps memory to the end of the process: with AddressSanitizer that is no finding of ours.
NO_MPI_LEAKS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(SKIP)


def program(name):
    """Path of a built program."""
    for root in ("ipfixcol/collector", "ipfixcol/tools", "ipfixcol", "fdistdump", "libnf", "libnf/tools", "tests/perf",
                 "tests/system", ""):
        path = os.path.join(BUILD, root, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise SystemExit(f"{name} is not in the build folder {BUILD!r}")


def is_sanitized():
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as cache:
        return any(line.startswith("SANITIZE:") and line.strip().split("=", 1)[1] for line in cache)


def environment(extra=None):
    env = dict(os.environ)
    env["IPFIXCOL_PLUGIN_DIR"] = os.path.join(BUILD, "plugins")
    env["TZ"] = "UTC"
    env.update(MPI_ENV)
    env.update(extra or {})
    return env


# Held until this process ends, so that tests that run at the same time never share a port.
_port_locks = []


def free_ports(count):
    """Ports nobody uses, for TCP and UDP, all different and out of the range the kernel picks from."""
    ports = []
    for port in range(10000 + os.getpid() * 7 % 20000, 32000):
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0securitycloud-test-port-{port}")
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _port_locks.append(lock)
        ports.append(port)
        if len(ports) == count:
            return ports
    raise SystemExit("no free ports")


def startup(input_element, writer, *, manager="yes", intermediate=""):
    """A startup.xml with one collecting process."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ipfix xmlns="urn:ietf:params:xml:ns:yang:ietf-ipfix-psamp">
  <collectingProcess>
    <name>test</name>
    {input_element}
    <exportingProcess>out</exportingProcess>
  </collectingProcess>
  <exportingProcess>
    <name>out</name>
    <destination><fileWriter>{writer}</fileWriter></destination>
    <singleManager>{manager}</singleManager>
  </exportingProcess>
  {intermediate}
</ipfix>
"""


def listen(kind, port, extra=""):
    return (f"<{kind}><localPort>{port}</localPort><localIPAddress>127.0.0.1</localIPAddress>"
            f"{extra}</{kind}>")


def lnfstore(path, extra="<compress>yes</compress>"):
    return f"<fileFormat>lnfstore</fileFormat><storagePath>{path}</storagePath>{extra}"


def forwarding(ports, distribution="RoundRobin", extra=""):
    destinations = "".join(
        f"<destination><ip>127.0.0.1</ip><port>{p}</port></destination>" for p in ports)
    return (f"<fileFormat>forwarding</fileFormat><distribution>{distribution}</distribution>"
            f"<reconnectionPeriod>100</reconnectionPeriod>{extra}{destinations}")


class Collector:
    """A running ipfixcol."""

    def __init__(self, work, name, xml, *, verbosity=2, args=()):
        self.name = name
        self.config = os.path.join(work, name + ".xml")
        self.log_path = os.path.join(work, name + ".log")
        self.pid_path = os.path.join(work, name + ".pid")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(xml)
        self.log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [program("ipfixcol"), "-v", str(verbosity), "-c", self.config, "-p", self.pid_path,
             "-i", os.path.join(SOURCE, "config/internalcfg.xml"),
             "-e", os.path.join(SOURCE, "config/ipfix-elements.xml"), *args],
            stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=subprocess.STDOUT,
            env=environment())

    def wait_ready(self, timeout=120):
        """Waits for the PID file, which is written once everything listens."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if os.path.exists(self.pid_path) and os.path.getsize(self.pid_path) > 0:
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"{self.name} did not start:\n{self.log()}")

    def log(self):
        self.log_file.flush()
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=120):
        """Clean stop; the exit status must be 0."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(timeout)
        self.log_file.close()
        assert status == 0, f"{self.name} ended with {status}:\n{self.log_text()}"

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log_file.close()


@contextlib.contextmanager
def workspace():
    path = tempfile.mkdtemp(prefix="sc-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Chain:
    """A proxy and `nodes` collectors with lnfstore behind it."""

    def __init__(self, work, proxy_input="tcpCollector", nodes=2, store=None, verbosity=2):
        ports = free_ports(nodes + 1)
        self.port = ports[0]
        self.work = work
        self.dirs = []
        self.collectors = []
        for i in range(nodes):
            directory = os.path.join(work, f"node{i}")
            os.makedirs(directory)
            self.dirs.append(directory)
            xml = startup(listen("tcpCollector", ports[i + 1]),
                          lnfstore(directory, *([store] if store is not None else [])))
            self.collectors.append(Collector(work, f"collector{i}", xml, verbosity=verbosity))
        self.proxy = Collector(work, "proxy",
                               startup(listen(proxy_input, self.port), forwarding(ports[1:])),
                               verbosity=verbosity)
        for c in self.collectors + [self.proxy]:
            c.wait_ready()
        if verbosity >= 1:
            self.wait_connected()

    def wait_connected(self):
        """A destination that listened too late for the first attempt is tried again a little later;
        until then everything goes to the others."""
        end = time.monotonic() + 120
        while len(re.findall(r"Connection to '[^']*' established", self.proxy.log())) < len(self.dirs):
            assert time.monotonic() < end, self.proxy.log()
            time.sleep(0.02)

    def stop(self):
        """From the left to the right, as data flows."""
        self.proxy.stop()
        for c in self.collectors:
            c.stop()

    def kill(self):
        for c in [self.proxy] + self.collectors:
            c.kill()

    def logs(self):
        return "".join(f"--- {c.name}\n{c.log_text()}" for c in [self.proxy] + self.collectors)


@contextlib.contextmanager
def chain(**kwargs):
    with workspace() as work:
        c = Chain(work, **kwargs)
        try:
            yield c
        finally:
            c.kill()


def send_file(path, port, transport="TCP"):
    subprocess.run([program("ipfixsend"), "-i", path, "-d", "127.0.0.1", "-p", str(port),
                    "-t", transport, "-n", "1"], check=True, env=environment(), timeout=120)


def replay_pcap(path, port, rate=3000):
    subprocess.run([sys.executable, os.path.join(SOURCE, "tests/support/pcap_replay.py"),
                    "--rate", str(rate), path, f"127.0.0.1:{port}"], check=True, timeout=120)


def descendants(pid):
    """Processes below one, as (pid, name)."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            children = [int(word) for word in f.read().split()]
        for child in children:
            with open(f"/proc/{child}/comm", encoding="ascii") as f:
                found.append((child, f.read().strip()))
            found += descendants(child)
    except OSError:  # ended meanwhile
        pass
    return found


def lives(pid):
    """Whether a process exists that is more than an entry nobody has collected yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def ranks_of(launcher):
    """Processes of a job that live, by id."""
    return sorted(pid for pid, name in descendants(launcher.pid) if name == "fdistdump" and lives(pid))


def run_job(command, timeout=120, **kwargs):
    """(CompletedProcess, seconds) of a job that may fail. Open MPI 4.1's mpiexec can lock itself up in its own end
    when it ends the processes of a job: when none of them is left that is told, and the job runs again."""
    for _ in range(3):
        begin = time.monotonic()
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              **kwargs) as p:
            try:
                out, err = p.communicate(timeout=timeout)
                return subprocess.CompletedProcess(command, p.returncode, out, err), time.monotonic() - begin
            except subprocess.TimeoutExpired:
                left = ranks_of(p)
                p.kill()
                if left:
                    raise
                print("mpiexec did not end after its job", command, flush=True)
    raise AssertionError("mpiexec never ends after its job")


def flow_files(*directories):
    found = []
    for d in directories:
        found += [f for f in glob.glob(os.path.join(d, "**", "*"), recursive=True) if os.path.isfile(f)]
    return sorted(found)


def fdistdump(args, ranks=1, check=True, timeout=120):
    """Runs a query; (stdout, stderr, status)."""
    command = [program("fdistdump"), "--progress-bar-type=none", *args]
    if ranks > 1:
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       env=environment(NO_MPI_LEAKS), timeout=timeout)
    if check and r.returncode != 0:
        raise AssertionError(f"{command} ended with {r.returncode}:\n{r.stderr}")
    return r.stdout, r.stderr, r.returncode


def fdistdump_totals(*directories):
    """(records, packets, bytes) as fdistdump lists them over all ranks."""
    paths = [f"%{i + 1}:{d}" for i, d in enumerate(directories)]
    out, _, _ = fdistdump(["--output-format=csv", "--output-items=r",
                           "--output-fields=packets,bytes", *paths], ranks=len(directories) + 1)
    rows = list(csv.DictReader(io.StringIO(out)))
    return len(rows), sum(int(r["packets"]) for r in rows), sum(int(r["bytes"]) for r in rows)


def nfdump_totals(*directories):
    """The same as Debian's nfdump reads the files."""
    records = packets = octets = 0
    for path in flow_files(*directories):
        r = subprocess.run(["nfdump", "-r", path, "-o", "csv", "-N"], capture_output=True, text=True,
                           env=environment(), check=True)
        lines = r.stdout.split("\n")
        header = lines[0].split(",")
        ipkt, ibyt = header.index("ipkt"), header.index("ibyt")
        for line in lines[1:]:
            if line.startswith("Summary") or not line.strip():
                break
            fields = line.split(",")
            if len(fields) <= ibyt:
                continue
            records += 1
            packets += int(fields[ipkt])
            octets += int(fields[ibyt])
    return records, packets, octets


def have_nfdump():
    return shutil.which("nfdump") is not None


def leave_unfinished(path):
    """As if its writer had died: without an appendix, and statistics with it. Its index is stale."""
    with open(path, "r+b") as f:
        header = f.read(40)
        appendix = int.from_bytes(header[24:32], "little")
        f.seek(18)
        f.write(bytes(2))
        f.seek(24)
        f.write(bytes(8))
        f.truncate(appendix)
