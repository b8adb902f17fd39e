# SPDX-License-Identifier: BSD-3-Clause
"""Answers of the original fdistdump 0.5.0, reproduced from both layouts of flow files.

Every line of the reference's README.md is one question with its standard output and exit status. It
is asked of one process, and of 2, 3 and 5 processes with the flows in files of their own for every
slave, with 1 and with 4 threads; all of them must give the same octets.
"""

import concurrent.futures
import csv
import difflib
import os
import re
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

REFERENCE = os.path.join(chain.SHARED, "fdistdump-reference")
LAYOUT1, LAYOUT2 = LAYOUTS = ("flows-v1-lz4.nf", "flows-v2-lz4.nf")
THREADS = (1, 4)
ROW = re.compile(r"\| `([\w-]+\.out)` \| `(.*?)` \| (\d+) \| (\d+) \|")

# Flows of the parts that several slaves share; every flow has exactly one of these.
PARTS = ("src port < 50000", "src port > 49999 and src port < 55000",
         "src port > 54999 and src port < 60000", "src port > 59999")


def cases():
    """(name, arguments, exit status, lines of output) of every line of the table."""
    with open(os.path.join(REFERENCE, "README.md"), encoding="utf-8") as f:
        found = [ROW.match(line) for line in f if line.startswith("| `")]
    assert found and all(found), "README.md has a row of another form"
    return [(m[1], shlex.split(m[2]), int(m[3]), int(m[4])) for m in found]


def without_time(text):
    """The last summary line depends on the clock."""
    return re.sub(r"\d+\.\d{6} seconds, \d+\.\d( [kKMGT]i?)? flows/second$",
                  "SECONDS seconds, RATE flows/second", text, flags=re.M)


def corrected(text):
    """The one deviation from the reference that the specification asks for.

    A volume without unit keeps its place with blanks: "459.0   flows", "UDP:   920.0  ". They align
    columns of records, where they stay; in the summaries they are noise and are left out. Nothing
    but blanks after a number in these lines is touched.
    """
    lines = []
    for line in text.split("\n"):
        if line.startswith("\t") and " flows, " in line and line.endswith(" bytes"):
            line = re.sub(r"(\d\.\d) {3}(flows|packets|bytes)", r"\1 \2", line)
        elif re.match(r"\t\t(total:|TCP:  |UDP:  |ICMP: |other:) \d+\.\d  $", line):
            line = line[:-2]
        lines.append(line)
    return "\n".join(lines)


def statistics_of_layout2():
    """(name, ICMP, other) as layout 2 stores them: ICMPv6 belongs to ICMP, in layout 1 to other."""
    sums = {"flows": [0, 0], "packets": [0, 0], "bytes": [0, 0]}
    with open(os.path.join(REFERENCE, "flows.truth.csv"), encoding="utf-8") as f:
        for flow in csv.DictReader(f):
            if flow["proto"] not in ("6", "17"):
                other = flow["proto"] not in ("1", "58")
                sums["flows"][other] += 1
                sums["packets"][other] += int(flow["packets"])
                sums["bytes"][other] += int(flow["bytes"])
    return [(name, *pair) for name, pair in sums.items()]


def for_layout2(text):
    """The reference was made from layout 1; what is stored differently in the file of layout 2.

    The statistics in the header, see above; and the same flows were received at another time.
    """
    for name, icmp, other in statistics_of_layout2():
        text = re.sub(rf"^({name},\d+,\d+,\d+),\d+,\d+$", rf"\1,{icmp},{other}", text, flags=re.M)
        for label, value in (("ICMP:  ", icmp), ("other: ", other)):
            pretty = f"{value / 1000:.1f} k" if value >= 1000 else f"{value}.0"
            text = re.sub(rf"^(\t{name}:\n(?:\t\t.*\n)*?\t\t{label}).*$", rf"\g<1>{pretty}", text,
                          flags=re.M)
    return without_received(text)


def without_received(text):
    """The third column of the only question that has this one."""
    if text.startswith("first,last,received,"):
        return re.sub(r"^(\d{13},\d{13}),\d{13},", r"\1,RECEIVED,", text, flags=re.M)
    return text


def split(layout, work):
    """The flows of a file in four files, written by nfdump; the file itself without nfdump."""
    source = os.path.join(REFERENCE, layout)
    if not chain.have_nfdump():
        return [source]
    paths = []
    for i, part in enumerate(PARTS):
        paths.append(os.path.join(work, f"{layout}.{i}"))
        subprocess.run(["nfdump", "-q", "-r", source, "-w", paths[-1], part], check=True,
                       stdout=subprocess.DEVNULL, env=chain.environment())
    return paths


def paths_for(ranks, arguments, layout, parts):
    """Paths such that every flow is read once."""
    whole = os.path.join(REFERENCE, layout)
    if ranks == 1:
        return [whole]
    # The parts are of layout 2, which stores other statistics than the whole file of layout 1.
    statistics = any(a.startswith("--output-items") and "m" in a for a in arguments)
    if ranks == 2 or (statistics and layout == LAYOUT1):
        return [f"%{ranks - 1}:{whole}"]
    return [f"%{i % (ranks - 1) + 1}:{path}" for i, path in enumerate(parts)]


def check(case, ranks, threads, layout, parts):
    """An empty string, or what is wrong."""
    name, arguments, status, lines = case
    with open(os.path.join(REFERENCE, name), encoding="utf-8", newline="") as f:
        reference = f.read()
    assert reference.count("\n") == lines, f"{name} has not the {lines} lines of README.md"
    expected = corrected(reference)
    if layout == LAYOUT2:
        expected = for_layout2(expected)
    out, err, got = chain.fdistdump(
        [f"--num-threads={threads}", *arguments, *paths_for(ranks, arguments, layout, parts)],
        ranks=ranks, check=False)
    where = f"{name}: {layout}, {ranks} processes, {threads} threads"
    if got != status:
        return f"{where}: exit status {got} instead of {status}\n{err}"
    if status == 0 and err != "":
        return f"{where}: unexpected on standard error:\n{err}"
    if status != 0 and err.count("Error: command line arguments: ") != 1:
        return f"{where}: not exactly one error line:\n{err}"
    out = without_time(out)
    if layout == LAYOUT2:
        out = without_received(out)
    if out != expected:
        difference = difflib.unified_diff(expected.split("\n"), out.split("\n"),
                                          "expected", "got", lineterm="")
        return f"{where}:\n" + "\n".join(difference)
    return ""


def main():
    if not os.path.isdir(REFERENCE):
        chain.skip("the reference outputs are not there: " + REFERENCE)
    failures = []
    runs = 0
    with chain.workspace() as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        parts = {layout: split(layout, work) for layout in LAYOUTS}
        jobs = [pool.submit(check, case, ranks, threads, layout, parts[layout])
                for case in cases() for layout in LAYOUTS for ranks in (1, 2, 3, 5)
                for threads in THREADS]
        for job in jobs:
            runs += 1
            if job.result():
                failures.append(job.result())
    for failure in failures:
        print(failure)
    print(f"{runs} runs, {len(failures)} of them wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
