# SPDX-License-Identifier: BSD-3-Clause
"""Jobs that are ended from outside: Ctrl-C leaves what was found, marked; a process that dies at any
moment ends the whole job soon, and nothing of it stays."""

import concurrent.futures
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

QUIET = "--progress-bar-type=none"
MPI = ["mpiexec", "--oversubscribe"]
KILLS = int(os.environ.get("ENDED_KILLS", "100"))
SOON_S = 60  # sanitizers and other tests included
MPIEXEC_S = 30  # of mpiexec, when the processes of its job are gone


def expect(condition, what, *details):
    if not condition:
        raise AssertionError("\n".join(map(str, (what, *details))))


def start(command, **kwargs):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=kwargs.pop("stdout", subprocess.PIPE),
                            stderr=subprocess.PIPE, text=True, env=chain.environment(chain.NO_MPI_LEAKS), **kwargs)


def make_many(work, name, links):
    """A folder whose files take a while: the same one over and over."""
    path = os.path.join(work, "flows")
    if not os.path.exists(path):
        subprocess.run([chain.program("make_flow_files"), path, "200000", "lz4"], check=True, stdout=subprocess.DEVNULL)
    folder = os.path.join(work, name)
    os.mkdir(folder)
    for i in range(links):
        os.link(path, os.path.join(folder, f"lnf.{i:04}"))
    return folder


def errors(log):
    return [line for line in log.splitlines() if line.startswith("Error: ")]


def open_files(pid, folder):
    """Names of the files of a folder that a process has open now."""
    found = set()
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            head, _, name = os.readlink(entry.path).rpartition("/")
            if head == folder:
                found.add(name)
    except OSError:  # ended meanwhile, or the file is closed
        pass
    return found


def wait_until_read(job, pids, folder):
    """Until processes are in the midst of a folder: some of its files have been read."""
    deadline, seen = time.monotonic() + SOON_S, set()
    while len(seen) < 6:
        expect(time.monotonic() < deadline and job.poll() is None, "the files are not read", seen, job.poll())
        for pid in pids:
            seen |= open_files(pid, folder)
        time.sleep(0.002)


# ---- interrupted ----------------------------------------------------------------------------------

def interrupt(command, number, folder):
    p = start([*command, folder])
    wait_until_read(p, [p.pid], folder)
    p.send_signal(number)
    out, log = p.communicate(timeout=SOON_S)
    return out, log, p.returncode


def check_interrupted(folder):
    """Alone: an answer of what has been read, with its mark, and status 130."""
    program = [chain.program("fdistdump"), QUIET, "--num-threads=2"]
    for number in (signal.SIGINT, signal.SIGTERM):
        out, log, status = interrupt([*program, "-s", "proto", "--output-items=r,p"], number, folder)
        expect(status == 130 and len(errors(log)) == 1, number, status, log)
        expect("Error: interrupted: the answer is not complete" in log, number, log)
        expect(out.endswith("\nincomplete: interrupted\n") and "\nTCP " in out, number, out)
    out, log, status = interrupt([*program, "-s", "proto", "--output-format=json"], signal.SIGINT, folder)
    lines = [json.loads(line) for line in out.splitlines()]
    expect(status == 130 and lines[-1] == {"incomplete": "interrupted"} and len(lines) > 2, "json", out, log)
    out, log, status = interrupt([*program, "-s", "proto", "--output-format=csv"], signal.SIGINT, folder)
    expect(status == 130 and "incomplete" not in out and len(errors(log)) == 1, "csv", out, log)


def check_list(folder):
    """Rows that are printed while files are read: whole lines, then the mark."""
    p = start([chain.program("fdistdump"), QUIET, "--output-format=json", folder])
    first = [p.stdout.readline() for _ in range(1000)]
    p.send_signal(signal.SIGINT)
    out, log = p.stdout.read(), p.stderr.read()
    p.wait(timeout=SOON_S)
    lines = [json.loads(line) for line in [*first, *out.splitlines()]]
    expect(p.returncode == 130 and lines[-1] == {"incomplete": "interrupted"}, "list", out[-200:], log)
    expect(len(lines) < 200000 * len(os.listdir(folder)), "everything was printed")


def check_finished(folder):
    """A signal that comes when all is read and printed changes nothing, nor does none."""
    one = os.path.join(folder, "lnf.0000")
    for command in ([chain.program("fdistdump"), QUIET, "-s", "proto", "--output-format=json", one],
                    [*MPI, "-n", "3", chain.program("fdistdump"), QUIET, "-s", "proto", "--output-format=json", one]):
        p = start(command)
        out, log = p.communicate(timeout=SOON_S)
        expect(p.returncode == 0 and "incomplete" not in out and log == "", command, out, log)


def check_ignored(folder):
    """A job in the background of a script, which has SIGINT ignored, goes on."""
    p = start([chain.program("fdistdump"), QUIET, "-s", "proto", "--output-format=json", folder],
              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    time.sleep(0.1)
    p.send_signal(signal.SIGINT)
    out, log = p.communicate(timeout=SOON_S)
    expect(p.returncode == 0 and "incomplete" not in out and log == "", "ignored", out, log)


def check_uneven(folder):
    """A slave that is through already waits for the others, signal or not: what they found is printed."""
    words = [chain.program("fdistdump"), QUIET, "-s", "proto"]
    # mpiexec kills what has not ended after a second, a slow machine or not.
    for _ in range(5):
        out = interrupt_launcher([*MPI, "-n", "2", *words, os.path.join(folder, "lnf.0000"), ":", "-n", "1", *words,
                                  folder], folder)
        if "TCP " in out:
            return
    raise AssertionError("what was found is never printed")


def check_launcher(folder):
    """mpiexec is interrupted: all of the job ends, and what is printed, if anything is, has its mark."""
    interrupt_launcher([*MPI, "-n", "3", chain.program("fdistdump"), QUIET, "-s", "proto", folder], folder)


def interrupt_launcher(command, folder):
    """What a job has printed whose mpiexec was interrupted in the midst of a folder."""
    p = start(command)
    try:
        ranks = wait_for_ranks(p, 3)
        wait_until_read(p, ranks, folder)
        time.sleep(0.5)  # who has one file only is through
        p.send_signal(signal.SIGINT)
        wait_until_gone(ranks)
        out, log = end_of(p)
        expect(p.returncode != 0, "interrupted mpiexec", out, log)
        expect("TCP " not in out or out.endswith("\nincomplete: interrupted\n"), "no mark", out)
        return out
    finally:
        p.kill()
        p.wait()


def end_of(job):
    """(standard output, standard error) of a job whose processes are gone. Open MPI 4.1's mpiexec can lock itself
    up in its own end; then it is killed."""
    try:
        return job.communicate(timeout=MPIEXEC_S)
    except subprocess.TimeoutExpired:
        print("mpiexec did not end after its job", job.args, flush=True)
        job.kill()
        return job.communicate()


# ---- killed ---------------------------------------------------------------------------------------

def wait_for_ranks(job, count):
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline and job.poll() is None:
        ranks = chain.ranks_of(job)
        if len(ranks) == count:
            return ranks
        time.sleep(0.005)
    return []


def wait_until_gone(pids):
    deadline = time.monotonic() + SOON_S
    while any(map(chain.lives, pids)):
        expect(time.monotonic() < deadline, "processes of the job stay", pids)
        time.sleep(0.05)


QUESTIONS = [
    ["-s", "srcip#bytes", "--exchange=gather"], ["-s", "srcip#bytes", "--exchange=tput"],
    ["-a", "srcip,dstip", "-o", "bps", "-l", "10", "--exchange=shuffle"], ["-o", "bytes", "-l", "1000"],
    ["--output-format=csv"], ["-a", "dstip", "--memory-limit=1M"],
]


def kill_once(folder, number, chance):
    """Kills a process of a job at some moment; how the job ended, and how long it took."""
    question = QUESTIONS[number % len(QUESTIONS)]
    job = start([*MPI, "-n", "3", chain.program("fdistdump"), QUIET, *question, folder], stdout=subprocess.DEVNULL)
    try:
        ranks = wait_for_ranks(job, 3)
        if not ranks:
            return None, 0
        time.sleep(chance.uniform(0, 0.4))
        victim = ranks[number % 3]
        killed_s = time.monotonic()
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:  # it was faster
            killed_s = None
        if killed_s is not None:
            wait_until_gone(ranks)
        seconds = time.monotonic() - (killed_s or 0)
        try:
            _, log = job.communicate(timeout=MPIEXEC_S)
        except subprocess.TimeoutExpired:  # see end_of()
            print("mpiexec did not end after its job", question, flush=True)
            return None, 0
        if killed_s is None:
            return None, 0
        return (job.returncode, log, question, ranks.index(victim)), seconds
    finally:
        job.kill()
        job.wait()


def check_killed(folder):
    seed = int(os.environ.get("ENDED_SEED", str(random.randrange(1 << 30))))
    print(f"ENDED_SEED={seed}, {KILLS} kills", flush=True)
    ended, slowest = 0, 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:  # mpiexec mostly waits
        results = list(pool.map(lambda number: kill_once(folder, number, random.Random(seed + number)),
                                range(KILLS)))
    for result, seconds in results:
        if result is None:
            continue
        status, log, question, rank = result
        # Killed in its last moments, a process may have done all it had to.
        expect(status != 0 or errors(log) == [], question, rank, status, log)
        expect(status == 0 or log != "", question, rank, status, log)
        ended += status != 0
        slowest = max(slowest, seconds)
    print(f"{ended} jobs lost a process in their midst, the slowest ended after {slowest:.2f} s")
    expect(ended >= KILLS // 3, "too few jobs were hit", ended)


def main():
    with chain.workspace() as work:
        long, short = make_many(work, "long", 3000), make_many(work, "short", 60)
        for check, folder in ((check_finished, short), (check_interrupted, long), (check_list, long),
                              (check_ignored, short), (check_uneven, long), (check_launcher, long), (check_killed, short)):
            begin = time.monotonic()
            check(folder)
            print(f"{check.__name__}: {time.monotonic() - begin:.1f} s", flush=True)


main()
