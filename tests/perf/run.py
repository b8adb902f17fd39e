# SPDX-License-Identifier: BSD-3-Clause
"""Queries and ingest beside Debian's nfdump and nfcapd: the same flows, files, codec and cores, in one
run, alternating, medians. CPU time is that of the whole process with all threads, from wait4()."""

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402
import jobs  # noqa: E402

CODECS = {"uncompressed": ("no", []), "LZ4": ("lz4", ["-y"])}


def measure(command, output=None):
    """(CPU seconds, wall seconds, peak RSS in MiB) of one process, which makes the file `output` anew."""
    if output is not None and os.path.exists(output):
        os.unlink(output)
    start = time.monotonic()
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, env=sc.environment())
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        raise SystemExit(f"{command} ended with {p.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024


def medians(runs):
    """Of (CPU seconds, wall seconds, peak MiB) of several runs."""
    return [statistics.median(x[i] for x in runs) for i in range(3)]


def alternate(ours, theirs, runs, outputs=(None, None)):
    """Medians of both commands, run in turn; the first run of each only warms the page cache."""
    mine, other = [], []
    for command, output in zip((ours, theirs), outputs):
        measure(command, output)
    for _ in range(runs):
        mine.append(measure(ours, outputs[0]))
        other.append(measure(theirs, outputs[1]))
    return medians(mine), medians(other)


def verdict(ok):
    return "ok" if ok else "MISSED"


def compare(title, flows, ours, theirs, runs, at_least, memory=1.0, outputs=(None, None)):
    """Flows per CPU second beside nfdump's, and peak memory: at most so much of nfdump's."""
    a, b = alternate(ours, theirs, runs, outputs)
    speed = b[0] / a[0]
    # The interpreter of this script is the floor of what the kernel reports as peak.
    ok = speed >= at_least and (a[2] <= b[2] * memory or a[2] < 20)
    print(f"{title:34} {a[0] / flows * 1e9:6.0f} ns {a[2]:6.0f} MiB   nfdump {b[0] / flows * 1e9:6.0f} ns "
          f"{b[2]:6.0f} MiB   {speed:5.2f}x (at least {at_least}) {verdict(ok)}", flush=True)
    return a, b


def sockets_drained(port):
    """Whether no octet waits in a TCP socket of this port."""
    wanted = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            if fields[1].endswith(wanted) and fields[4].split(":")[1] != "00000000":
                return False
    return True


def ingest_ours(work, flows, codec):
    """Flow files by ipfixcol over TCP: (flows/s, CPU seconds, peak MiB)."""
    folder = os.path.join(work, "ours-" + codec)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    port = sc.free_ports(1)[0]
    writer = sc.lnfstore(folder, f"<compress>{codec}</compress><dumpInterval><timeWindow>86400"
                                 "</timeWindow></dumpInterval>")
    c = sc.Collector(work, "ours", sc.startup(sc.listen("tcpCollector", port), writer), verbosity=0)
    c.wait_ready()
    sender = subprocess.Popen([sc.program("flowgen"), f"--count={flows}", f"--tcp=127.0.0.1:{port}",
                               "--profile=compact", "--prebuild"], env=sc.environment(),
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
    return flows / total_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


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
            ours.append(ingest_ours(work, flows, codec))
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
              f"{verdict(ok)}", flush=True)


FILTER = "proto tcp and dst port 443"


def long_filter():
    """20 terms, one of them a list of 10,000 prefixes."""
    prefixes = " ".join(f"{20 + i // 2500}.{i // 10 % 250}.{i % 10 * 25}.0/24" for i in range(10000))
    terms = ["proto tcp", "dst port 443", "bytes > 100", "packets > 0", "flags S", "not flags U",
             "src port > 1023", "duration < 3600000", "not src net 192.0.2.0/24", "tos < 255",
             "not dst net 198.51.100.0/24", "src as < 4000000000", "dst as < 4000000000",
             "in if < 65535", "out if < 65535", "not src host 203.0.113.1", "bpp > 1",
             "not proto icmp", "not dst host 203.0.113.2", f"not src ip in [{prefixes}]"]
    assert len(terms) == 20
    return " and ".join(terms)


def queries(work, flows, runs):
    print(f"\nQueries over {flows} flows in 20 files, page cache warm, one thread of fdistdump; CPU time "
          "per flow, flows per CPU second as a multiple of nfdump's")
    folders = {}
    for title, (codec, _) in CODECS.items():
        folders[title] = os.path.join(work, "flows-" + codec)
        subprocess.run([sc.program("make_flow_files"), folders[title], str(flows),
                        "none" if codec == "no" else codec, "20"], check=True)
        size = sum(os.path.getsize(f) for f in sc.flow_files(folders[title]))
        print(f"{title}: {size / flows:.1f} octets per flow")
    tool = [sc.program("fdistdump"), "--progress-bar-type=none", "--num-threads=1"]

    def ours(title, *args):
        return tool + [*args, folders[title]]

    def theirs(title, *args):
        return ["nfdump", "-R", os.path.join(folders[title], "2026/01/01"), *args]

    count = ("-f", FILTER, "--output-items=p")
    _, bare_peer = compare("count, uncompressed", flows, ours("uncompressed", *count),
            theirs("uncompressed", "-o", "null", FILTER), runs, 4.5)
    plain, peer = compare("count, LZ4", flows, ours("LZ4", *count), theirs("LZ4", "-o", "null", FILTER),
                    runs, 2.7)
    path = os.path.join(work, "long-filter")
    with open(path, "w", encoding="ascii") as f:
        f.write(long_filter())
    long = medians([measure(ours("LZ4", "-f", f"@include {path}", "--output-items=p"))
                    for _ in range(runs)])
    print(f"{'20 terms, list of 10,000, LZ4':34} {long[0] / flows * 1e9:6.0f} ns   "
          f"{long[0] / plain[0]:.2f} of the two-term filter (at most 1.5) "
          f"{verdict(long[0] <= plain[0] * 1.5)}")
    compare("top 10 srcip by bytes, uncompressed", flows, ours("uncompressed", "-s", "srcip#bytes"),
            theirs("uncompressed", "-s", "srcip/bytes", "-n", "10"), runs, 2.5)
    compare("top 10 srcip by bytes, LZ4", flows, ours("LZ4", "-s", "srcip#bytes"),
            theirs("LZ4", "-s", "srcip/bytes", "-n", "10"), runs, 4.8)
    compare("top 10 dstport by flows, LZ4", flows, ours("LZ4", "-s", "dstport#flows"),
            theirs("LZ4", "-s", "dstport/flows", "-n", "10"), runs, 3.5)
    groups, _ = compare("top 10 5-tuples by bytes, LZ4", flows,
                     ours("LZ4", "-s", "srcip,dstip,srcport,dstport,proto#bytes",
                          "--output-fields=flows,packets,bytes"),
                     theirs("LZ4", "-s", "record/bytes", "-n", "10"), runs, 6)
    print(f"{'':34} {groups[2] * 2**20 / flows / 0.88:.0f} octets of memory per 5-tuple (at most 100)")
    compare("sort all by bytes, first 100, LZ4", flows, ours("LZ4", "-o", "bytes", "-l", "100"),
            theirs("LZ4", "-O", "bytes", "-n", "100"), runs, 6, memory=0.05)
    return {"uncompressed": bare_peer[0], "LZ4": peer[0]}


def stages(work, flows, peers):
    """What a question costs, stage by stage, and what no reader gets below: copying stored blocks out of
    the page cache, and liblz4."""
    for title, (codec, _) in CODECS.items():
        folder = os.path.join(work, "flows-" + codec)
        print(f"\nStages, {title}:", flush=True)
        text = subprocess.run([sc.program("bench_stages"), *sc.flow_files(folder)], check=True,
                              capture_output=True, text=True).stdout
        print(text, end="")
        floor = max(float(line.split()[-1]) for line in text.splitlines()
                    if line.startswith(("read from", "decompress")))
        peer = peers[title] / flows * 1e9
        print(f"reading and decompressing alone: {peer / floor:.2f}x nfdump's count of the run above "
              f"({peer:.0f} ns)", flush=True)


def threads(work, flows, runs):
    """Two threads on one file."""
    path = os.path.join(work, "one.flows")
    subprocess.run([sc.program("make_flow_files"), path, str(flows), "lz4"], check=True)
    print(f"\nTwo threads on one file of {flows} flows, LZ4, wall time")
    for title, args in (("count", ["-f", FILTER, "--output-items=p"]),
                        ("top 10 dstport by flows", ["-s", "dstport#flows"]),
                        ("top 10 srcip by bytes", ["-s", "srcip#bytes"])):
        commands = [[sc.program("fdistdump"), "--progress-bar-type=none", f"--num-threads={n}", *args, path]
                    for n in (1, 2)]
        one, two = (x[1] for x in alternate(*commands, runs))
        print(f"{title:34} {one:.3f} s -> {two:.3f} s, {one / two:.2f}x (at least 1.8) {verdict(one / two >= 1.8)}")


def rare_address(folder):
    """An address that occurs in three flows."""
    p = subprocess.Popen([sc.program("fdistdump"), "--progress-bar-type=none", "-a", "ip", "-o", "flows#asc",
                          "--output-format=csv", "--output-addr-conv=str", "--output-fields=", "--output-items=r",
                          folder], stdout=subprocess.PIPE, text=True, env=sc.environment())
    rows = (line.rstrip("\n").split(",") for line in p.stdout)
    address = next(row[0] for row in rows if row[1] == "3")
    p.kill()
    p.wait()
    return address


def needle(work, flows, runs):
    """One address in three flows, with the index beside each file."""
    plain = os.path.join(work, "flows-lz4")
    folder = os.path.join(work, "flows-indexed")
    index_copy(plain, folder)
    size = sum(os.path.getsize(f) for f in sc.flow_files(folder) if "bfi." in f)
    print(f"\nNeedles; the indexes have {size / flows:.1f} octets per flow")
    text = f"host {rare_address(plain)}"
    compare("one address, 3 flows, LZ4, index", flows,
            [sc.program("fdistdump"), "--progress-bar-type=none", "--num-threads=1", "-f", text, folder],
            ["nfdump", "-R", os.path.join(plain, "2026/01/01"), text], runs, 50)
    files = [f for f in sc.flow_files(folder) if "bfi." not in f]
    subprocess.run([sc.program("bench_index"), *files], check=True)


def jobs_section(work, flows, runs):
    """Questions as operators ask them, of files that other sections may have made."""
    folder, indexed = os.path.join(work, "flows-lz4"), os.path.join(work, "flows-indexed")
    one = os.path.join(work, "one.flows")
    if not os.path.isdir(folder):
        subprocess.run([sc.program("make_flow_files"), folder, str(flows), "lz4", "20"], check=True)
    if not os.path.isdir(indexed):
        index_copy(folder, indexed)
    if not os.path.isfile(one):
        subprocess.run([sc.program("make_flow_files"), one, str(flows), "lz4"], check=True)
    jobs.measure(work, folder, indexed, one, rare_address(folder), flows, runs)


def index_copy(plain, folder):
    """The same files with an index beside each; nfdump -R stops at index files."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(plain, folder, copy_function=os.link)
    subprocess.run([sc.program("libnf-index"), folder], check=True, stdout=subprocess.DEVNULL)


def spilling(work, flows, runs):
    """5-tuples within a tenth of the memory they need: the same answer."""
    command = [sc.program("fdistdump"), "--progress-bar-type=none", "--num-threads=1", "-s",
               "srcip,dstip,srcport,dstport,proto#bytes", "--output-items=r", os.path.join(work, "flows-lz4")]
    answers = [subprocess.run([*command, limit], stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
               for limit in ("--memory-limit=0", "--memory-limit=40M")]
    free = medians([measure([*command, "--memory-limit=0"]) for _ in range(runs)])
    bound = medians([measure([*command, "--memory-limit=40M"]) for _ in range(runs)])
    print(f"\nTop 10 5-tuples, LZ4: {free[0]:.2f} CPU-s in {free[2]:.0f} MiB; with --memory-limit=40M {bound[0]:.2f} "
          f"CPU-s in {bound[2]:.0f} MiB, {'the same answer' if answers[0] == answers[1] else 'ANOTHER ANSWER'}")


MPI = ["mpiexec", "--oversubscribe"]
SLAVES = 8


def explained(command):
    """(answer, exchange, what each process counted) of a job with --explain."""
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
                       env=sc.environment())
    processes = [{name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)}
                 for line in r.stderr.splitlines() if line.startswith("explain: process ")]
    return r.stdout, re.search(r"^explain: exchange: (\w+)", r.stderr, re.M).group(1), processes


def exchange(work, flows):
    """Octets between processes, files dealt over the slaves so that each has flows of its own."""
    folder = os.path.join(work, "flows-exchange")
    subprocess.run([sc.program("make_flow_files"), folder, str(flows), "lz4", "24"], check=True)
    paths = [f"%{i % SLAVES + 1}:{path}" for i, path in enumerate(sc.flow_files(folder))]
    question = [sc.program("fdistdump"), "--progress-bar-type=none", "--num-threads=1", "--output-format=csv",
                "-s", "srcip#bytes"]
    alone = subprocess.run([*question, folder], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           check=True, env=sc.environment()).stdout
    wire, name_of_auto = {}, ""
    print(f"\nExchanges, top 10 srcip by bytes of {flows} flows dealt over {SLAVES} slaves; octets in messages of all "
          "processes")
    for name in ("gather", "shuffle", "tput", "auto"):
        out, took, processes = explained([*MPI, "-n", str(SLAVES + 1), *question, "--explain",
                                          f"--exchange={name}", *paths])
        same = out == alone
        wire[name] = sum(p["octets_sent"] for p in processes)
        print(f"{name:14} {wire[name] / 1e6:9.3f} MB, {wire['gather'] / wire[name]:7.1f}x fewer than gather, "
              f"{sum(p.get('groups', 0) for p in processes):.0f} groups in slaves, {processes[0]['exchange_s']:.2f} s"
              f"{'' if same else '   ANOTHER ANSWER'} {verdict(same)}", flush=True)
        if name == "auto":
            name_of_auto = took
        if name == "shuffle":
            slaves = processes[1:]
            for what, loads in (("octets sent and received", [p["octets_sent"] + p["octets_received"] for p in slaves]),
                                ("groups held", [p["held"] for p in slaves])):
                uneven = max(loads) / statistics.mean(loads)
                print(f"{'':14} most {what} of a slave: {uneven:.3f} of the mean (at most 1.3) "
                      f"{verdict(uneven <= 1.3)}", flush=True)
    fewer = wire["gather"] / wire["tput"]
    print(f"{'':14} tput sends {fewer:.0f}x fewer octets than gather (at least 20) {verdict(fewer >= 20)}; auto takes "
          f"{name_of_auto} {verdict(name_of_auto == 'tput')}", flush=True)


def writing(work, flows, runs):
    """Writing records that are in memory, and copying files record by record, both through libnf.h, beside
    nfdump's copy. Blocks of LZ4 that come through a copy as they were are not compressed again, so there is a
    line from an uncompressed file, too."""
    print(f"\nWriting {flows} flows into one file; CPU time per flow; nfdump copies them")
    source = {}
    for title, (codec, _) in CODECS.items():
        source[title] = os.path.join(work, f"copy-{codec}.flows")
        subprocess.run([sc.program("make_flow_files"), source[title], str(flows),
                        "none" if codec == "no" else codec], check=True)
    outputs = os.path.join(work, "copy-ours"), os.path.join(work, "copy-theirs")
    for title, read, codec, options, at_least in (
            ("write, uncompressed", "uncompressed", "none", [], 2),
            ("write, LZ4", "LZ4", "lz4", ["-y"], 2),
            ("copy, uncompressed", "uncompressed", "none", [], 1),
            ("copy, LZ4", "LZ4", "lz4", ["-y"], 2),
            ("copy, uncompressed to LZ4", "uncompressed", "lz4", ["-y"], 1)):
        ours = ([sc.program("bench_copy"), source[read], outputs[0], codec] if title.startswith("copy") else
                [sc.program("bench_write"), source[read], outputs[0], str(flows), codec])
        compare(title, flows, ours, ["nfdump", "-q", "-r", source[read], "-w", outputs[1], *options], runs,
                at_least, outputs=outputs)
        written = [subprocess.run(["nfdump", "-I", "-r", path], capture_output=True, text=True, check=True).stdout
                   .split("Flows:")[1].split()[0] for path in outputs]
        assert written == [str(flows)] * 2, written


LEVELS = ("none", "lzo", "bz2:1", "bz2:9", "lz4:1", "lz4:2", "lz4:6", "lz4:9", "lz4:12", "zstd:1", "zstd:3", "zstd:9")


def levels(work, flows, runs):
    """What compression costs and saves: CPU time beside that of the same file without it."""
    flows //= 10
    source, path = os.path.join(work, "level-source"), os.path.join(work, "level")
    subprocess.run([sc.program("make_flow_files"), source, str(flows), "none"], check=True)
    print(f"\nLevels of compression, {flows} flows; CPU time to copy them from an uncompressed file, and to read them again")
    for codec in LEVELS:
        command = [sc.program("bench_copy"), source, path, codec]
        if subprocess.run(command).returncode != 0:
            print(f"{codec:8} is not in this build")
            continue
        write = medians([measure(command) for _ in range(runs)])
        size = os.path.getsize(path)
        read = medians([measure([sc.program("fdistdump"), "--progress-bar-type=none", "--num-threads=1", "-f", FILTER,
                                 "--output-items=p", path]) for _ in range(runs)])
        print(f"{codec:8} {size / flows:6.1f} octets per flow   write {write[0] / flows * 1e9:6.0f} ns   "
              f"count {read[0] / flows * 1e9:5.0f} ns", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=5000000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rate", type=int, default=1000000, help="flows/s to nfcapd")
    parser.add_argument("--only", choices=["queries", "exchange", "jobs", "writing", "ingest"])
    parser.add_argument("--keep", help="work in this folder and keep the files")
    args = parser.parse_args()
    if args.only != "exchange" and not shutil.which("nfcapd"):
        raise SystemExit("nfdump is not installed")
    work = args.keep or tempfile.mkdtemp(prefix="sc-perf-")
    os.makedirs(work, exist_ok=True)
    try:
        if args.only in (None, "queries"):
            peers = queries(work, args.flows, args.runs)
            stages(work, args.flows, peers)
            threads(work, args.flows, args.runs)
            needle(work, args.flows, args.runs)
            spilling(work, args.flows, args.runs)
        if args.only in (None, "jobs"):
            jobs_section(work, args.flows, args.runs)
        if args.only in (None, "writing"):
            writing(work, args.flows, args.runs)
            levels(work, args.flows, args.runs)
        if args.only in (None, "exchange"):
            exchange(work, args.flows)
        if args.only in (None, "ingest"):
            ingest(work, args.flows, args.runs, args.rate)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)


main()
