# SPDX-License-Identifier: BSD-3-Clause
"""What an operator waits for: wall time of one slave with two threads beside nfdump, of jobs started by
mpiexec, and how much work each process of a job has."""

import os
import shutil
import statistics
import subprocess
import sys
import time

import chain as sc

QUIET = "--progress-bar-type=none"
# Each process writes its CPU seconds and peak KiB to a file of its own when it ends.
WRAPPER = """
import os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
with open(os.path.join(sys.argv[1], os.environ["OMPI_COMM_WORLD_RANK"]), "w") as f:
    print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=f)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def wall(command, runs):
    """Median wall seconds of a command, after one run that warms the page cache."""
    times = []
    for _ in range(runs + 1):
        start = time.monotonic()
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=sc.environment(), check=True)
        times.append(time.monotonic() - start)
    return statistics.median(times[1:])


def verdict(ok):
    return "ok" if ok else "MISSED"


def beside_nfdump(title, ours, theirs, runs, at_least):
    """Both in turn, so that what slows the machine down slows both."""
    mine, other = [], []
    for _ in range(runs):
        mine.append(wall(ours, 1))
        other.append(wall(theirs, 1))
    a, b = statistics.median(mine), statistics.median(other)
    print(f"{title:34} {a:7.3f} s   nfdump {b:7.3f} s   {b / a:6.1f}x (at least {at_least}) "
          f"{verdict(b / a >= at_least)}", flush=True)
    return a


def questions(folder, indexed, rare, flows, runs):
    """One process, two threads: the launcher's own start is not in it."""
    tool = [sc.program("fdistdump"), QUIET, "--num-threads=2"]
    plain = ["nfdump", "-R", os.path.join(folder, "2026/01/01")]
    print(f"\nWall time, {flows} flows, LZ4, one process with two threads, beside nfdump")

    def row(title, args, theirs, at_least, where=folder):
        beside_nfdump(title, tool + [*args, where], plain + theirs, runs, at_least)

    text = "proto tcp and dst port 443"
    row("count and filter", ["-f", text, "--output-items=p"], ["-o", "null", text], 2.5)
    row("top 10 srcip by bytes", ["-s", "srcip#bytes"], ["-s", "srcip/bytes", "-n", "10"], 5)
    row("top 10 dstport by flows", ["-s", "dstport#flows"], ["-s", "dstport/flows", "-n", "10"], 5)
    row("top 10 5-tuples by bytes",
        ["-s", "srcip,dstip,srcport,dstport,proto#bytes", "--output-fields=flows,packets,bytes"],
        ["-s", "record/bytes", "-n", "10"], 5)
    row("top 10 srcip/24 by bytes", ["-s", "srcip/24#bytes"],
        ["-A", "srcip4/24", "-O", "bytes", "-n", "10"], 5)
    row("sort all by bytes, first 100", ["-o", "bytes", "-l", "100"], ["-O", "bytes", "-n", "100"], 5)
    row("one address in 3 flows, index", ["-f", f"host {rare}"], [f"host {rare}"], 30, indexed)
    seconds = wall(tool + ["--output-format=csv", folder], runs)
    print(f"{'all records as csv, default fields':34} {seconds:7.3f} s   {flows / seconds / 1e6:.1f} M "
          f"records/s (at least 5) {verdict(flows / seconds >= 5e6)}", flush=True)


def metadata(folder, one, runs):
    """Totals out of file headers: a file of 20 times the flows costs the same."""
    tool = [sc.program("fdistdump"), QUIET, "--num-threads=2", "--output-items=m"]
    many = sorted(f for f in sc.flow_files(folder) if "bfi." not in f)
    small, large = wall(tool + [many[0]], runs), wall(tool + [one], runs)
    print(f"metadata of a file: {small * 1e3:.1f} ms with a twentieth of the flows, {large * 1e3:.1f} ms with "
          f"all; of {len(many)} files {wall(tool + [folder], runs) * 1e3:.1f} ms")


def launch(one, runs):
    """A trivial question over three processes beside the launcher alone."""
    mpi = ["mpiexec", "--oversubscribe", "-n", "3"]
    bare = wall(mpi + ["hostname"], runs)
    ours = wall(mpi + [sc.program("fdistdump"), QUIET, "-l", "1", one], runs)
    print(f"\nmpiexec -n 3 hostname {bare:.3f} s, fdistdump -l 1 {ours:.3f} s: {ours - bare:.3f} s more (at "
          f"most 0.5) {verdict(ours - bare <= 0.5)}")


def job_usage(work, ranks, args):
    """CPU seconds and peak MiB of every process of a job, the master first."""
    folder = os.path.join(work, "usage")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    script = os.path.join(work, "usage.py")
    with open(script, "w", encoding="ascii") as f:
        f.write(WRAPPER)
    subprocess.run(["mpiexec", "--oversubscribe", "-n", str(ranks + 1), sys.executable, script, folder,
                    sc.program("fdistdump"), QUIET, "--num-threads=1", *args], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, env=sc.environment(), check=True)
    usage = []
    for rank in range(ranks + 1):
        with open(os.path.join(folder, str(rank)), encoding="ascii") as f:
            cpu, peak = f.read().split()
        usage.append((float(cpu), int(peak) / 1024))
    return usage


def median_usage(work, ranks, args, runs):
    """CPU seconds of the master and mean ones of the slaves: medians of several jobs."""
    jobs = [job_usage(work, ranks, args) for _ in range(runs)]
    return (statistics.median(job[0][0] for job in jobs),
            statistics.median(statistics.mean(u[0] for u in job[1:]) for job in jobs))


def alone_together(count, args, runs):
    """Mean CPU seconds of so many processes without MPI that do the same at once: what the machine itself
    makes of more processes than one. Median of several runs."""
    means = []
    for _ in range(runs):
        processes = [subprocess.Popen([sc.program("fdistdump"), QUIET, "--num-threads=1", *args],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=sc.environment()) for _ in range(count)]
        seconds = []
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            seconds.append(usage.ru_utime + usage.ru_stime)
        means.append(statistics.mean(seconds))
    return statistics.median(means)


def scaling(work, folder, one, runs):
    """Every slave reads all files, as if each node had as many: CPU seconds per slave must not grow. What a
    process of MPI needs to start and end, measured with a trivial question, is told apart, and as many processes
    that do not know of each other are measured beside."""
    print("\nWeak scaling: each slave has all the files, one thread; CPU seconds beyond the start of MPI")
    asked = [("top 10 srcip", ["-s", "srcip#bytes"]),
             ("top 10 5-tuples", ["-s", "srcip,dstip,srcport,dstport,proto#bytes"])]
    start = {ranks: median_usage(work, ranks, ["-l", "1", one], runs) for ranks in (1, 2, 4, 8)}
    for title, args in asked:
        base = base_alone = None
        for ranks, (master_start, slave_start) in start.items():
            master, slave = median_usage(work, ranks, [*args, folder], runs)
            master, slave = max(master - master_start, 0), slave - slave_start
            share = master / (master + slave * ranks)
            alone = alone_together(ranks, [*args, folder], runs)
            base, base_alone = base or slave, base_alone or alone
            print(f"{title:16} {ranks} slaves: {slave:.3f} each, {slave / base:.2f} of one (at most 1.1) "
                  f"{verdict(slave <= base * 1.1)}; master {share * 100:.1f} % (under 5) {verdict(share < 0.05)}; "
                  f"starts {master_start:.3f} and {slave_start:.3f}; as many processes without MPI: {alone:.3f} each, "
                  f"{alone / base_alone:.2f} of one", flush=True)


def large(work, folder, runs):
    """Ten times the flows, by copying files."""
    many = os.path.join(work, "flows-ten")
    shutil.rmtree(many, ignore_errors=True)
    os.makedirs(many)
    for i, path in enumerate(f for f in sc.flow_files(folder) if "bfi." not in f):
        for copy in range(10):
            os.link(path, os.path.join(many, f"lnf.{i:03}.{copy}"))
    args = ["-s", "srcip,dstip,srcport,dstport,proto#bytes"]
    start = time.monotonic()
    usage = job_usage(work, 1, ["--num-threads=2", *args, many])
    seconds = time.monotonic() - start
    start = time.monotonic()
    bound = job_usage(work, 1, ["--num-threads=2", "--memory-limit=200M", *args, many])
    print(f"\nTen times the flows, top 10 5-tuples: {seconds:.1f} s, slave {usage[1][1]:.0f} MiB, master "
          f"{usage[0][1]:.0f} MiB; --memory-limit=200M {time.monotonic() - start:.1f} s, slave "
          f"{bound[1][1]:.0f} MiB")


def measure(work, folder, indexed, one, rare, flows, runs):
    questions(folder, indexed, rare, flows, runs)
    metadata(folder, one, runs)
    launch(one, runs)
    scaling(work, folder, one, max(1, runs // 2 + 1))
    large(work, folder, runs)
