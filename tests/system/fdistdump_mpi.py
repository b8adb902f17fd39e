# SPDX-License-Identifier: BSD-3-Clause
"""Calls of MPI that fail in one process: the job ends soon, with status 4 and one line that says so."""

import concurrent.futures
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

LIMIT_S = 120  # a job that hangs; a slave that cannot tell the master waits 10 s for its end
CALLS = [("MPI_Comm_dup", 1), ("MPI_Comm_dup", 2), ("MPI_Allreduce", 1), ("MPI_Allreduce", 2), ("MPI_Allreduce", 3),
         ("MPI_Allreduce", 4), ("MPI_Bcast", 1), ("MPI_Bcast", 2), ("MPI_Isend", 1), ("MPI_Test", 1),
         ("MPI_Iprobe", 1), ("MPI_Recv", 1), ("MPI_Alltoall", 1), ("MPI_Alltoall", 2)]


def run(path, call, number, rank):
    words = [chain.program("fdistdump"), "--progress-bar-type=none", "-s", "proto", "--output-format=csv", path]
    preload = ["env", "LD_PRELOAD=" + os.path.join(chain.BUILD, "tests", "system", "fail_mpi.so"),
               f"FAIL_MPI={call}:{number}"]
    command = ["mpiexec", "--oversubscribe"]
    for i in range(3):
        command += [*([":"] if i > 0 else []), "-n", "1", *(preload if i == rank else []), *words]
    r, seconds = chain.run_job(command, LIMIT_S, text=True, env=chain.environment())
    errors = [line for line in r.stderr.splitlines() if line.startswith("Error: ")]
    assert r.returncode == 4 and len(errors) == 1, (call, number, rank, r.returncode, r.stderr)
    assert errors[0].startswith("Error: MPI: ") and "/3 " in errors[0], (call, number, rank, errors)
    return seconds


def main():
    if chain.is_sanitized():
        chain.skip("a sanitizer wants to be the first library")
    with chain.workspace() as work:
        path = os.path.join(work, "lnf.1")
        subprocess.run([chain.program("make_flow_files"), path, "2000", "lz4"], check=True, stdout=subprocess.DEVNULL)
        jobs = [(call, number, rank) for call, number in CALLS for rank in (0, 2)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            seconds = list(pool.map(lambda job: run(path, *job), jobs))
        print(f"{len(jobs)} jobs, the slowest ended after {max(seconds):.1f} s")


main()
