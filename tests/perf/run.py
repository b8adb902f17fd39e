# SPDX-License-Identifier: BSD-3-Clause
"""Queries and ingest beside Debian's nfdump and nfcapd: the same flows, files, codec and cores, in one
run, alternating, medians. CPU time is that of the whole process with all threads, from wait4()."""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

CODECS = {"uncompressed": ("no", []), "LZ4": ("lz4", ["-y"])}


def measure(command):
    """(CPU seconds, wall seconds, peak RSS in MiB) of one process."""
    start = time.monotonic()
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, env=sc.environment())
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        raise SystemExit(f"{command} ended with {p.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024


def compare(title, flows, ours, theirs, runs, bound):
    """Alternating runs of two commands; prints medians and the ratio of CPU times."""
    mine, other = [], []
    for command in (ours, theirs):
        measure(command)  # page cache
    for _ in range(runs):
        mine.append(measure(ours))
        other.append(measure(theirs))
    a = [statistics.median(x[i] for x in mine) for i in range(3)]
    b = [statistics.median(x[i] for x in other) for i in range(3)]
    ratio = a[0] / b[0]
    print(f"{title:46} {a[0] / flows * 1e9:6.0f} ns {a[2]:6.0f} MiB   nfdump {b[0] / flows * 1e9:6.0f} ns "
          f"{b[2]:6.0f} MiB   CPU ratio {ratio:.2f} (at most {bound}) {'ok' if ratio <= bound else 'MISSED'}",
          flush=True)


def sockets_drained(port):
    """Whether no octet waits in a TCP socket of this port."""
    wanted = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            if fields[1].endswith(wanted) and fields[4].split(":")[1] != "00000000":
                return False
    return True


def ingest_ours(work, flows, codec, profile="compact"):
    """Flow files by ipfixcol over TCP: (flows/s, CPU seconds, peak MiB, folder)."""
    folder = os.path.join(work, "ours-" + codec)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    port = sc.free_ports(1)[0]
    writer = sc.lnfstore(folder, f"<compress>{codec}</compress><dumpInterval><timeWindow>86400"
                                 "</timeWindow></dumpInterval>")
    c = sc.Collector(work, "ours", sc.startup(sc.listen("tcpCollector", port), writer), verbosity=0)
    c.wait_ready()
    sender = subprocess.Popen([sc.program("flowgen"), f"--count={flows}", f"--tcp=127.0.0.1:{port}",
                               f"--profile={profile}", "--prebuild"], env=sc.environment(),
                              stdout=subprocess.PIPE, text=True)
    out = sender.communicate()[0]
    finished_sending = time.monotonic()
    sending_s = float(dict(x.split("=") for x in out.split() if "=" in x)["send_s"])
    while not sockets_drained(port):
        time.sleep(0.01)
    c.process.terminate()
    _, status, usage = os.wait4(c.process.pid, 0)
    total_s = sending_s + time.monotonic() - finished_sending
    c.process.returncode = os.waitstatus_to_exitcode(status)
    assert c.process.returncode == 0, c.log_text()
    return flows / total_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, folder


def ingest_nfcapd(work, flows, options, rate):
    """The same flows by nfcapd over UDP at a rate it takes without loss."""
    folder = os.path.join(work, "nfcapd")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    port = sc.free_ports(1)[0]
    p = subprocess.Popen(["nfcapd", "-p", str(port), "-b", "127.0.0.1", "-l", folder, "-t", "86400",
                          "-B", str(256 << 20), *options], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    time.sleep(1)
    subprocess.run([sc.program("flowgen"), f"--count={flows}", f"--udp=127.0.0.1:{port}",
                    "--profile=compact", "--prebuild", f"--rate={rate}"], check=True,
                   env=sc.environment(), stdout=subprocess.DEVNULL)
    time.sleep(1)
    p.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    stored = 0
    for path in sc.flow_files(folder):
        out = subprocess.run(["nfdump", "-I", "-r", path], capture_output=True, text=True,
                             check=True).stdout
        stored += int([line for line in out.splitlines() if line.startswith("Flows:")][0].split()[1])
    return stored, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def ingest(work, flows, runs, rate):
    print(f"\nIngest of {flows} flows, 30 records of 47 octets a message; CPU seconds per million flows")
    for title, (codec, options) in CODECS.items():
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(ingest_ours(work, flows, codec)[:3])
            theirs.append(ingest_nfcapd(work, flows, options, rate))
        speed = statistics.median(x[0] for x in ours)
        cpu = statistics.median(x[1] for x in ours) / flows * 1e6
        rss = statistics.median(x[2] for x in ours)
        # What nfcapd lost cost it nothing: per flow stored.
        other = statistics.median(x[1] / x[0] for x in theirs) * 1e6
        lost = max(flows - x[0] for x in theirs)
        ok = speed >= 3e6 and cpu <= other
        print(f"{title:14} {speed / 1e6:5.2f} M flows/s (at least 3)  {cpu:.3f} CPU-s {rss:4.0f} MiB   "
              f"nfcapd {other:.3f} CPU-s (lost {lost})   ratio {cpu / other:.2f} (at most 1) "
              f"{'ok' if ok else 'MISSED'}", flush=True)


def queries(work, flows, runs):
    print(f"\nQueries over {flows} flows, one thread, page cache warm; CPU time per flow")
    for title, (codec, _) in CODECS.items():
        folder = ingest_ours(work, flows, codec, "full")[3]
        files = sc.flow_files(folder)
        assert len(files) == 1, files
        print(f"{title}: {os.path.getsize(files[0]) / flows:.1f} octets per flow")
        mine = [sc.program("fdistdump"), "--progress-bar-type=none", "--num-threads=1"]
        theirs = ["nfdump", "-r", files[0]]
        text = "proto tcp and dst port 443"
        compare(f"{title}: count '{text}'", flows, mine + ["-f", text, "--output-items=p", files[0]],
                theirs + ["-o", "null", text], runs, 0.4)
        compare(f"{title}: top 10 srcip by bytes", flows, mine + ["-s", "srcip#bytes", files[0]],
                theirs + ["-s", "srcip/bytes", "-n", "10"], runs, 0.4)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=5000000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rate", type=int, default=1000000, help="flows/s to nfcapd")
    parser.add_argument("--only", choices=["queries", "ingest"])
    parser.add_argument("--keep", help="work in this folder and keep the files")
    args = parser.parse_args()
    if not shutil.which("nfcapd"):
        raise SystemExit("nfdump is not installed")
    work = args.keep or tempfile.mkdtemp(prefix="sc-perf-")
    os.makedirs(work, exist_ok=True)
    try:
        if args.only != "ingest":
            queries(work, args.flows, args.runs)
        if args.only != "queries":
            ingest(work, args.flows, args.runs, args.rate)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)


main()
