# SPDX-License-Identifier: BSD-3-Clause
"""fdistdump built with MPICH: the answers and exit statuses it has with the MPI it was configured for."""

import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

QUIET = "--progress-bar-type=none"
COMPILER, LAUNCHER = "mpicc.mpich", "mpiexec.mpich"


def expect(condition, what, *details):
    if not condition:
        raise AssertionError("\n".join(map(str, (what, *details))))


def build(folder):
    """The program with MPICH, in a build folder of its own."""
    for command in (
            ["cmake", "-G", "Ninja", "-S", chain.SOURCE, "-B", folder, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
             "-DWERROR=ON", "-DBUILD_IPFIXCOL=OFF", "-DBUILD_TESTING=OFF",
             "-DMPI_C_COMPILER=" + shutil.which(COMPILER), "-DMPIEXEC_EXECUTABLE=" + shutil.which(LAUNCHER)],
            ["cmake", "--build", folder, "--parallel", "2", "--target", "fdistdump"]):
        r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           env=chain.environment())
        expect(r.returncode == 0, command, r.stdout[-4000:])
    program = os.path.join(folder, "fdistdump", "fdistdump")
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    expect("libmpich" in libraries, "not built with MPICH", libraries)
    return program


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          env=chain.environment(chain.NO_MPI_LEAKS))


def job(program, ranks, *args):
    return run([LAUNCHER, "-n", str(ranks), program, QUIET, *args])


def check_answers(program, folder):
    """Files dealt to the slaves by rank: the answer is that of one process with all of them."""
    files = sorted(os.path.join(folder, f) for f in os.listdir(folder))
    questions = [
        ["-s", "srcip#bytes"], ["-s", "dstport#flows#asc"], ["-a", "proto", "-o", "bps"], ["-a", "srcip/16/48"],
        ["-o", "bytes", "-l", "20"], ["-f", "proto tcp and dst port 443", "-s", "dstip"],
        ["--output-items=m"],
    ]
    for args in questions:
        args = [*args, "--output-format=csv"]
        wanted = run([chain.program("fdistdump"), QUIET, *args, *files])
        expect(wanted.returncode == 0, args, wanted.stderr)
        for slaves in (1, 2, 4):
            paths = [f"%{i % slaves + 1}:{path}" for i, path in enumerate(files)]
            r = job(program, slaves + 1, *args, *paths)
            expect(r.returncode == 0 and r.stdout == wanted.stdout, (args, slaves), r.stdout[:400],
                   wanted.stdout[:400], r.stderr)
            expect(r.stderr == "", (args, slaves), r.stderr)


def check_failures(program, folder):
    for args, status in ((["-f", "proto tcpx", folder], 7), (["-o", "nothing", folder], 7)):
        r = job(program, 3, *args)
        errors = [line for line in r.stderr.splitlines() if line.startswith("Error: ")]
        expect(r.returncode == status and len(errors) == 1, args, r.returncode, r.stderr)
    r = job(program, 2, "--version")
    expect(r.returncode == 0 and r.stdout.startswith("fdistdump "), "version", r.stdout, r.stderr)
    r = job(program, 1, "-l", "3", "--output-format=csv", folder)
    expect(r.returncode == 0 and r.stdout.count("\n") == 4, "one process", r.stdout, r.stderr)


def check_killed(program, folder):
    """A rank that dies ends the job."""
    fifo = os.path.join(folder, "..", "output")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with open(fifo, "wb") as output, subprocess.Popen(  # nobody reads: the job stays in its output
            [LAUNCHER, "-n", "3", program, QUIET, folder], stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.DEVNULL, env=chain.environment()) as p:
        deadline = time.monotonic() + 30
        ranks = []
        while len(ranks) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
            ranks = [pid for pid, name in chain.descendants(p.pid) if name == "fdistdump"]
        expect(len(ranks) == 3, "the job did not start", ranks)
        os.kill(ranks[-1], signal.SIGKILL)
        try:
            expect(p.wait(timeout=30) != 0, "a job without one of its ranks succeeded")
        finally:
            p.kill()
    os.close(reader)


def main():
    if not shutil.which(COMPILER) or not shutil.which(LAUNCHER):
        chain.skip("MPICH is not installed")
    with open(os.path.join(chain.BUILD, "CMakeCache.txt"), encoding="utf-8") as f:
        if any(line.startswith("SANITIZE:") and line.rstrip().partition("=")[2] for line in f):
            chain.skip("libnf is built with a sanitizer; MPICH is tested without")
    with chain.workspace() as work:
        program = build(os.path.join(work, "build"))
        folder = os.path.join(work, "flows")
        subprocess.run([chain.program("make_flow_files"), folder, "40000", "lz4", "8"], check=True,
                       env=chain.environment())
        flat = os.path.join(work, "flat")
        os.mkdir(flat)
        for i, path in enumerate(chain.flow_files(folder)):
            os.rename(path, os.path.join(flat, f"lnf.{i}"))
        check_answers(program, flat)
        check_failures(program, flat)
        check_killed(program, flat)


main()
