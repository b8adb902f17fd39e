# SPDX-License-Identifier: BSD-3-Clause
"""fdistdump with hardly any memory answers the same, byte for byte, alone and on three ranks; its
memory stays bounded; and temporary files that cannot be written end the job with the reason."""

import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FLOWS = 200000
TUPLE = "--aggregation=srcip,dstip,srcport,dstport,proto"
QUESTIONS = [
    [TUPLE, "--order=bytes", "--limit=10"],
    [TUPLE, "--order=bytes#asc", "--limit=0"],
    [TUPLE, "--limit=100000"],
    ["--statistic=srcip/16,dstport#bps", "--limit=0"],
    ["--order=bps", "--limit=0", "--output-fields=srcip,dstip,bytes,packets"],
    ["--order=bytes#asc", "--limit=100000", "--output-fields=first,srcip,dstip"],
    ["--limit=0", "--output-fields=first,srcip"],
]


def ask(question, paths, limit, ranks, before=None, wrapper=()):
    """(stdout, stderr, status); `before` runs in the new process, `wrapper` the program."""
    command = [*wrapper, sc.program("fdistdump"), "--progress-bar-type=none", "--output-format=csv", "-v3",
               f"--memory-limit={limit}", *question, *paths]
    extra = {}
    if ranks > 1:
        # Open MPI keeps memory to the end of the process: no leak of ours.
        extra = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                       env=sc.environment(extra), preexec_fn=before)
    return r.stdout, r.stderr.decode(), r.returncode


def check_answers(paths, ranks, questions):
    for question in questions:
        expected, log, status = ask(question, paths, 0, ranks)
        assert status == 0, log
        assert "temporary files" not in log, log
        assert expected.count(b"\n") > 10, expected[:1000]
        for limit in ("1", "3M"):
            out, log, status = ask(question, paths, limit, ranks)
            assert status == 0, log
            assert out == expected, f"{question} with {limit} on {ranks} ranks is another answer"
            # Lists pass through as they are read; no process says it twice.
            told = log.count("rows exceed the limit of memory")
            assert told <= ranks, log
            if question[0] == TUPLE and limit == "1":
                assert told >= 1, log


MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


def resident(limit, path):
    """Largest resident memory of a process that answers, in KiB. A child counts its parent's until it
    runs its own program: so a small process measures, not this one."""
    r = subprocess.run([sys.executable, "-c", MEASURE, sc.program("fdistdump"),
                        "--progress-bar-type=none", "--output-format=csv",
                        f"--memory-limit={limit}", TUPLE, "--order=bytes", path],
                       capture_output=True, text=True, env=sc.environment(), timeout=300)
    assert r.returncode == 0, r.stderr
    return int(r.stdout)


def check_memory(path):
    small, large = resident("8M", path), resident(0, path)
    print(f"largest resident memory: {small} KiB with 8M, {large} KiB without a limit")
    if sc.is_sanitized():
        print("not judged: sanitizers need memory of their own")
    else:
        assert small + 10000 < large, (small, large)


def check_failures(paths):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, resource.RLIM_INFINITY))

    out, log, status = ask(QUESTIONS[1], paths, "700k", 1, before=small_files)
    assert status == 5, (status, log)
    assert log.count("cannot write a temporary file: File too large") == 1, log
    assert out == b"", out[:100]
    # The launcher itself would miss its folder: only the program is told of this one.
    for ranks in (1, 3):
        out, log, status = ask(QUESTIONS[1], paths, "700k", ranks,
                               wrapper=["env", "TMPDIR=/nowhere/at/all"])
        assert status == 5, (status, log)
        assert log.count("/nowhere/at/all: cannot create a temporary file: No such file") == 1, log
        assert out == b"", out[:100]
    out, log, status = ask(QUESTIONS[0], paths, "10X", 1)
    assert status == 7 and "--memory-limit `10X': not a size" in log, (status, log)


def main():
    with sc.workspace() as folder:
        paths = [os.path.join(folder, f"lnf.{i}") for i in range(2)]
        for path in paths:
            subprocess.run([sc.program("make_flow_files"), path, str(FLOWS // 2), "lz4"], check=True,
                           stdout=subprocess.DEVNULL)
        check_answers(paths, 1, QUESTIONS)
        check_answers(paths, 3, QUESTIONS[1:5:3])
        big = os.path.join(folder, "big")
        subprocess.run([sc.program("make_flow_files"), big, str(FLOWS * 5 // 2), "lz4"], check=True,
                       stdout=subprocess.DEVNULL)
        check_memory(big)
        check_failures(paths)
        assert sorted(os.listdir(folder)) == ["big", "lnf.0", "lnf.1"], os.listdir(folder)


if __name__ == "__main__":
    main()
