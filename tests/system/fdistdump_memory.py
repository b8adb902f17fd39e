# SPDX-License-Identifier: BSD-3-Clause
"""fdistdump without memory: whichever allocation fails, the answer is the usual one, or the job ends with
status 3 and one line that says so. Never a crash, a hang, or a part of the answer as if it were all."""

import concurrent.futures
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

UNFINISHED = "lnf.2"
QUIET = "--progress-bar-type=none"
QUESTIONS = [
    ["--output-format=csv"],
    ["-l", "50", "--output-items=r,m", "--output-format=json"],
    ["-o", "bytes", "-l", "100", "--output-format=csv"],
    ["-s", "srcip#bytes", "--num-threads=1", "--output-format=csv"],
    ["-a", "srcip,dstip", "-o", "bps", "--memory-limit=100k", "--output-format=csv"],
    ["-o", "bytes", "--memory-limit=100k", "--num-threads=1", "--output-format=csv"],
    ["-f", "proto tcp and (dst port in [80 443] or ip 10.1.2.3)", "-a", "dstip", "--output-format=json"],
    ["-a", "proto", "-T", "2026-01-01 10:00#2026-01-01 11:00", "--output-items=m"],
    ["-s", "srcip,dstip", "--output-items=p,m", "--output-format=json"],
]
RANKED = [
    ["-s", "srcip#bytes", "--exchange=gather", "--output-format=csv"],
    ["-s", "srcip#bytes", "--exchange=tput", "--output-format=csv"],
    ["-a", "srcip,dstip", "-o", "bps", "-l", "20", "--exchange=shuffle", "--output-format=csv"],
    ["-o", "bytes", "--output-format=csv"],
]


def expect(condition, what, *details):
    if not condition:
        raise AssertionError("\n".join(map(str, (what, *details))))


def run(question, paths, failing=0, forever=False, rank=None):
    """`rank`: the one of three processes whose allocation fails; None = there is one process."""
    words = [chain.program("fdistdump"), QUIET, *question, *paths]
    env = ["env", "LD_PRELOAD=" + os.path.join(chain.BUILD, "tests", "system", "fail_allocation.so"),
           f"FAIL_ALLOCATION={failing}", *(["FAIL_FOREVER=1"] if forever else [])]
    command = [*env, *words]
    if rank is not None:
        command = ["mpiexec", "--oversubscribe"]
        for i in range(3):
            command += [*([":"] if i > 0 else []), "-n", "1", *(env if i == rank else []), *words]
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                       env=chain.environment())
    return r.returncode, r.stdout, r.stderr.decode()


def without_times(output):
    """The summary of processed records tells how long it took."""
    return re.sub(rb'"seconds":.*', b"", output)


def judge(wanted, question, result, *details):
    """Whether the allocation was one without which there is no answer."""
    status, out, log = result
    errors = [line for line in log.splitlines() if line.startswith("Error: ")]
    if status == 0:
        # Fewer threads do, and so does a file without its index: both are told. So is the unfinished file.
        others = [line for line in log.splitlines()
                  if ": bfindex: " not in line and not re.search("only [0-9]+ threads instead of", line)
                  and UNFINISHED + ": offset " not in line and ": problems of files: 1 unfinished" not in line]
        expect(without_times(out) == wanted and not others, "another answer", question, details, log)
        return False
    expect(status == 3 and len(errors) == 1 and re.match("Error: out of memory: .*\t\\[MPI: [0-9]/", errors[0]),
           "no clear end", question, details, status, log)
    expect(wanted.startswith(without_times(out)), "not the beginning of the answer", question, details)
    return True


def check_alone(question, paths):
    """Every allocation up to the last, then every fourth and all after it."""
    status, out, log = run(question, paths)
    expect(status == 0 and out != b"" and "could not be read" not in log, question, status, log)
    wanted, failed, number, since = without_times(out), 0, 0, 0
    while since < 20 and number < 400:  # threads share them: their number is not always the same
        number += 1
        ended = judge(wanted, question, run(question, paths, number), number)
        failed += ended
        since = 0 if ended else since + 1
    for first in range(1, number, 4):
        failed += judge(wanted, question, run(question, paths, first, forever=True), first, "and all later")
    expect(failed > 20, "allocations did not fail", question, failed)
    return f"{question}: {number} allocations"


def check_ranks(paths):
    def one(job):
        question, rank, number = job
        return judge(answers[tuple(question)], question,
                     run(question, [f"%1:{paths[0]}", f"%2:{paths[1]}"], number, rank=rank), rank, number)

    answers = {}
    for question in RANKED:
        status, out, log = run(question, paths)
        expect(status == 0 and log == "", question, log)
        answers[tuple(question)] = out
    jobs = [(question, rank, 3 + 17 * i + rank) for i in range(5) for rank in range(3) for question in RANKED]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        failed = sum(pool.map(one, jobs))
    print(f"{failed} of {len(jobs)} jobs ended for an allocation of one process")
    expect(failed >= len(jobs) // 2, "too few jobs were hit", failed)


def check_info(path):
    """libnf-info reads an unfinished file for its statistics: all of them, or none and a clear end."""
    def run_info(failing):
        r = subprocess.run([chain.program("libnf-info"), path], stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=120, env=chain.environment({
                               "LD_PRELOAD": os.path.join(chain.BUILD, "tests", "system", "fail_allocation.so"),
                               "FAIL_ALLOCATION": str(failing)}))
        # A stale index, or one there is no memory to look at, says nothing about the file.
        return re.sub(rb"  index .*\n", b"", r.stdout), r.stderr.decode()

    wanted, log = run_info(0)
    expect(b"  statistics " in wanted and b"  flow records " in wanted and log == "", "no answer", wanted, log)
    failed = 0
    for number in range(1, 40):
        out, log = run_info(number)
        if re.fullmatch("libnf-info: .*(no memory|Cannot allocate memory).*\n", log):
            failed += 1
            expect(wanted.startswith(out.split(b"  health ")[0]), "not the beginning of the answer", number, out)
        else:
            expect(out == wanted and log == "", "another answer", number, out, log)
    print(f"libnf-info: {failed} allocations failed")
    expect(failed > 3, "allocations did not fail", failed)


def main():
    if chain.is_sanitized():
        chain.skip("sanitizers have allocators of their own")
    with chain.workspace() as work:
        paths = [os.path.join(work, f"lnf.{i}") for i in range(2)]
        unfinished = os.path.join(work, UNFINISHED)
        for path in [*paths, unfinished]:
            subprocess.run([chain.program("make_flow_files"), path, "6000", "lz4"], check=True,
                           stdout=subprocess.DEVNULL)
        subprocess.run([chain.program("libnf-index"), work], check=True, stdout=subprocess.DEVNULL)
        chain.leave_unfinished(unfinished)
        check_info(unfinished)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for line in pool.map(lambda question: check_alone(question, [*paths, unfinished]), QUESTIONS):
                print(line, flush=True)
        check_ranks(paths)


main()
