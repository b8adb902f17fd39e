# SPDX-License-Identifier: BSD-3-Clause
"""Exchanges between real processes: 2, 3, 5 and 9 of them answer what one does, octet for octet,
whichever way rows travel; --explain tells the way; what cannot be done is refused; and a slave that
fails ends the job with one line."""

import itertools
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

FLOWS, FILES = 200000, 7  # of eight slaves one has nothing
COMMON = ["--progress-bar-type=none", "--output-format=csv", "--num-threads=2"]
TUPLE = "srcip,dstip,srcport,dstport,proto"

# (arguments, exchanges that can answer)
QUESTIONS = [
    (["-s", "srcip#bytes"], "gather tput shuffle"),
    (["-s", "srcip#flows", "-l", "3", "--output-fields=packets"], "gather tput shuffle"),
    (["-s", "srcip/24/64,proto#packets", "-l", "100"], "gather tput shuffle"),
    (["-s", "ip#bytes"], "gather tput shuffle"),
    (["-s", f"{TUPLE}#bytes", "--output-fields=flows"], "gather tput shuffle"),
    (["-s", "dstport#bytes#asc", "-l", "500"], "gather shuffle"),
    (["-s", "srcip,dstip#bps", "-l", "1000"], "gather shuffle"),
    (["-s", "proto#bpp#asc"], "gather shuffle"),
    (["-a", TUPLE, "-f", "proto udp"], "gather shuffle"),
    (["-a", "srcip,dstport", "-o", "pps", "-l", "5000"], "gather shuffle"),
    (["-a", "srcip", "-f", "src ip 192.0.2.255"], "gather shuffle"),  # no group anywhere
    (["-o", "bytes", "-l", "100"], "gather"),
    (["-o", "bps#asc", "--output-fields=srcip,bytes"], "gather"),
    (["-l", "1000", "--output-fields=srcip,bytes"], ""),  # a list: the first slaves' files only
]


def run(command, extra=None):
    """(standard output, standard error, status)."""
    environment = chain.environment(chain.NO_MPI_LEAKS)
    environment.update(extra or {})
    r, _ = chain.run_job(command, env=environment)
    return r.stdout, r.stderr.decode(errors="replace"), r.returncode


def deal(paths, slaves):
    """Paths so that every file is read by one slave, in blocks: lists keep their order."""
    share = -(-len(paths) // slaves)
    return [f"%{i // share + 1}:{path}" for i, path in enumerate(paths)]


def ask(paths, ranks, arguments):
    command = [chain.program("fdistdump"), *COMMON, *arguments]
    if ranks == 1:
        return run([*command, *paths])
    return run(["mpiexec", "--oversubscribe", "-n", str(ranks), *command,
                *deal(paths, ranks - 1)])


def expect(condition, *details):
    if not condition:
        raise AssertionError("\n".join(map(str, details)))


def check_answers(paths, limit):
    ways = set()
    for i, (question, names) in enumerate(QUESTIONS):
        question = [*question, *limit]
        expected, err, status = ask(paths, 1, question)
        expect((err, status) == ("", 0), question, err, status)
        forced = ["auto", *names.split()]
        # Each number of processes with one of the exchanges, another one each time.
        jobs = [(n, forced[(i + place) % len(forced)]) for place, n in enumerate((9, 2, 5, 3))]
        for ranks, name in jobs if not limit else jobs[::2]:
            out, err, status = ask(paths, ranks, [*question, f"--exchange={name}", "--explain"])
            expect(status == 0, question, ranks, name, err, status)
            expect(out == expected, f"{question} on {ranks} processes with {name} is another answer")
            said = re.search(r"^explain: exchange: (\w+)", err, re.M)
            expect(said, err)
            expect(names == "" or name == "auto" or said.group(1) == name
                   or (name == "tput" and "; but too many keys" in err) or ranks == 2, name, err)
            ways.add(said.group(1))
            expect(err.count("\n") == 2 + ranks, err)
    return ways


def counts(err):
    """By process what --explain counts."""
    lines = [line for line in err.splitlines() if line.startswith("explain: process ")]
    return [{name: float(number) for name, number in re.findall(r"(\w+)=([\d.]+)", line)}
            for line in lines]


def check_explain(paths):
    sent = {}
    for name in ("gather", "tput", "shuffle"):
        _, err, status = ask(paths, 5, [*QUESTIONS[0][0], f"--exchange={name}", "--explain"])
        expect(status == 0, err)
        processes = counts(err)
        expect(len(processes) == 5, err)
        expect(sum(p.get("records", 0) for p in processes) == FLOWS, err)
        expect(sum(p.get("files", 0) for p in processes) == FILES, err)
        groups = sum(p.get("groups", 0) for p in processes)
        expect(groups > 10000, err)
        # What is sent is received, but for the ends of slaves, which count themselves before.
        gap = processes[0]["octets_received"] + sum(p["octets_received"] for p in processes[1:])
        gap -= sum(p["octets_sent"] for p in processes)
        expect(0 <= gap < 5000, name, gap, err)
        sent[name] = sum(p["octets_sent"] for p in processes)
        if name == "gather":
            expect(sum(p.get("rows", 0) for p in processes) == groups, err)
        elif name == "shuffle":
            expect(sum(p.get("held", 0) for p in processes) < groups, err)
            expect(min(p["held"] for p in processes[1:]) > 100, err)
    expect(sent["tput"] * 20 < sent["gather"], sent)
    # Alone there is no exchange, and the output is the same with and without.
    plain, _, _ = ask(paths, 1, QUESTIONS[0][0])
    out, err, _ = ask(paths, 1, [*QUESTIONS[0][0], "--explain"])
    expect(out == plain and "explain: exchange: none" in err, err)
    expect(counts(err)[0]["records"] == FLOWS, err)


def check_choice(paths):
    for arguments, name in ((["-s", TUPLE + "#bytes"], "tput"),
                            (["-s", TUPLE + "#bytes", "--no-tput"], "shuffle"),
                            (["-s", TUPLE + "#bytes#asc"], "shuffle"),
                            (["-s", "proto#bytes"], "gather"),
                            (["-o", "bytes", "-l", "10"], "gather")):
        _, err, status = ask(paths, 5, [*arguments, "--explain"])
        expect(status == 0 and f"explain: exchange: {name}: " in err, arguments, name, err)
    _, err, _ = ask(paths, 2, ["-a", TUPLE, "-o", "bytes#asc", "-l", "7", "--explain"])
    expect("explain: exchange: gather: one slave" in err and " rows=7 " in err, err)


def check_steps(paths):
    """Verbosity 4 tells the steps of every exchange, level 3 only which one it was."""
    steps = {
        "gather": {1: [r"process 2 holds \d+ rows", r"process 4 holds \d+ rows",
                       "exchange gather begins: asked for"]},
        "tput": {1: [r"tput, round 1: \d+ keys known, the threshold is \d+",
                     r"tput, round 2: \d+ more keys reach the threshold",
                     r"tput, round 3: \d+ of \d+ keys asked for"],
                 3: ["tput, round 1: 10 keys sent",
                     r"tput, round 2: \d+ more keys reach the threshold of \d+",
                     r"tput, round 3: \d+ keys asked for, \d+ groups of them sent"]},
        "shuffle": {4: [r"shuffle: \d+ rows dealt to other slaves, \d+ rows to finish"]},
    }
    for name, by_process in steps.items():
        question = [*QUESTIONS[0][0], f"--exchange={name}", "-v"]
        out, err, status = ask(paths, 4, [*question, "3"])
        expect(status == 0 and err.count("\n") == 1 and err.startswith(f"Info: exchange {name}: "), err)
        same, err, status = ask(paths, 4, [*question, "4"])
        expect(status == 0 and same == out, err)
        expected = [(process, step) for process, wanted in by_process.items() for step in wanted]
        for process in range(2, 5):
            expected += [(process, f"exchange {name} begins"),
                         (process, r"all is sent after \d+\.\d{6} s: \d+ octets sent, \d+ received"),
                         (1, rf"process {process} is done: \d+ files in \d+\.\d{{6}} s")]
        for process, step in expected:
            line = rf"^Debug: {step}\t\[MPI: {process}/4 "
            expect(re.search(line, err, re.M), line, err)
        read = re.findall(r"^Debug: read `.*': \d+ blocks, (\d+) records in ", err, re.M)
        expect(len(read) == FILES and sum(map(int, read)) == FLOWS, err)


def check_refused(paths):
    for arguments, text in (
            (["-s", "proto#bytes#asc", "--exchange=tput"], "it needs a descending order by a sum"),
            (["-s", "proto#bps", "--exchange=tput"], "it needs a descending order by a sum"),
            (["-a", "srcip", "-o", "bytes", "--exchange=tput"], "it needs a limit"),
            (["-a", "bytes", "-o", "bytes", "-l", "3", "--exchange=tput"], "it needs a descending"),
            (["-l", "3", "--exchange=tput"], "it needs groups"),
            (["-o", "bytes", "--exchange=shuffle"], "it needs groups"),
            (["-s", "srcip", "--output-items=m", "--exchange=tput"], "among --output-items"),
            (["-s", "srcip", "--output-items=m", "--exchange=shuffle"], "among --output-items"),
            (["-s", "srcip", "--exchange=tput", "--no-tput"], "exclude each other"),
            (["-s", "srcip", "--exchange=best"], "unknown value `best' of --exchange")):
        for ranks in (1, 3) if "srcip" in arguments else (1,):
            out, err, status = ask(paths, ranks, arguments)
            errors = [line for line in err.splitlines() if line.startswith("Error: ")]
            expect((out, status, len(errors)) == (b"", 7, 1), arguments, out, err, status)
            expect(errors[0].startswith("Error: command line arguments: ") and text in errors[0],
                   arguments, err)


def check_failing_slave(paths):
    """One of three slaves cannot write its temporary files, while it reads or while others deal to it."""
    program = [chain.program("fdistdump"), *COMMON, "-a", TUPLE, "-o", "bytes", "-l", "5"]
    for name, limit in itertools.product(("gather", "tput", "shuffle"), ("300k", "4M")):
        arguments = [*program, f"--exchange={name}", f"--memory-limit={limit}"]
        mine = deal(paths, 3)
        r, seconds = chain.run_job(["mpiexec", "--oversubscribe", "-n", "2", *arguments, *mine,
                                    ":", "-n", "1", "env", "TMPDIR=/nowhere", *arguments, *mine,
                                    ":", "-n", "1", *arguments, *mine],
                                   env=chain.environment(chain.NO_MPI_LEAKS))
        err = r.stderr.decode(errors="replace")
        errors = [line for line in err.splitlines() if line.startswith("Error: ")]
        if limit == "4M" and r.returncode == 0:
            continue  # it was enough
        expect((r.stdout, r.returncode, len(errors)) == (b"", 5, 1), name, limit, r.stdout[:100], err, r.returncode)
        expect("process 3 on " in errors[0] and "/nowhere: cannot create a temporary file"
               in errors[0], err)
        expect(seconds < 30, name, limit, seconds)


def main():
    with chain.workspace() as work:
        folder = os.path.join(work, "flows")
        subprocess.run([chain.program("make_flow_files"), folder, str(FLOWS), "lz4", str(FILES)],
                       check=True, stdout=subprocess.DEVNULL, env=chain.environment())
        paths = sorted(chain.flow_files(folder))
        expect(len(paths) == FILES, paths)
        ways = check_answers(paths, [])
        expect(ways == {"gather", "tput", "shuffle", "none"}, ways)
        check_explain(paths)
        check_choice(paths)
        check_steps(paths)
        check_refused(paths)
        check_failing_slave(paths)
        QUESTIONS[:] = QUESTIONS[0:1] + QUESTIONS[4:5] + QUESTIONS[6:7] + QUESTIONS[8:9]
        check_answers(paths, ["--memory-limit=200k"])
    print("all exchanges give the same answers")


if __name__ == "__main__":
    main()
