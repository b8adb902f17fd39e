# SPDX-License-Identifier: BSD-3-Clause
"""Completion of the command lines of fdistdump-ha and flow-data-manager in Bash; what is offered is what
the programs take."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402
import completion  # noqa: E402

HA = completion.Completion("fdistdump-ha", "_fdistdump_ha", "fdistdump/ha/fdistdump-ha.bash")
MANAGER = completion.Completion("flow-data-manager", "_flow_data_manager",
                                "fdistdump/data_manager/flow-data-manager.bash")
FORMATS = ["pretty", "csv", "json"]

HA_CASES = [
    ("--mpi", ["--mpiexec=", "--mpiexec-argument="]),
    ("-p ", ["low", "normal", "high"]),
    ("--prio h", ["high"]),
    ("-plo", ["-plow"]),
    ("-a off", ["offline"]),
    ("-a online,", ["online,online", "online,offline"]),
    ("-t ", []),
    ("-v ", ["mpiexec", "fdistdump"]),      # no argument: a path follows, or a program
    ("--cluster-file=cl", ["cluster.conf"]),
    ("--cluster-file ", ["cluster.conf", "data", "deep"]),
    ("--mpiexec=", ["mpiexec"]),
    ("--fdistdump ", ["fdistdump"]),
    ("--mpiexec ./data/ru", ["./data/runner"]),
    ("live/ch", []),                        # of other machines
    ("live/channels/ch1 mpi", ["mpiexec"]),
    ("live/channels/ch1 --tri", ["--tries="]),
    ("--mpiexec=/bin/mpiexec ", []),        # a path follows, whatever it is called
    ("--mpiexec=/bin/mpiexec fdistdump/x --complete", ["--complete-only"]),
    ("live mpiexec -q --mca x", []),
    ("live mpiexec -q f", ["fdistdump"]),
    # What fdistdump is given is completed as fdistdump completes it.
    ("live -- --output-format=", FORMATS),
    ("live -- -a dstp", ["dstport"]),
    ("live -- -p", []),
    ("live -- ", []),                       # paths stand before
    ("live -- -f -- --output-form c", []),  # ends the options of fdistdump, too
    ("live mpiexec -q /opt/fdistdump --output-format j", ["json"]),
    ("live fdistdump -s srcip#byt", ["srcip#bytes"]),
    ("-t 3 --cluster-file=/etc/fdistdump/cluster.conf --prio", ["--priority="]),
    ("--cluster-file /etc/fdistdump/cluster.conf live -- --output-it", ["--output-items="]),
]

MANAGER_CASES = [
    ("--du", ["--du-boundary=", "--du-lower-by=", "--du-lower-to="]),
    ("--align-to=", ["none", "second", "minute", "hour", "day", "month", "year"]),
    ("--al m", ["minute", "month"]),
    ("-u ", []),
    ("", ["data", "deep"]),                 # first a directory
    ("dat", ["data"]),
    ("data ", ["scan", "delete", "data", "deep"]),
    ("data s", ["scan"]),
    ("data de", ["delete", "deep"]),
    ("-c 3 ", ["data", "deep"]),            # 3 is no directory
    ("--columns=3 ", ["data", "deep"]),
    ("-n data d", ["delete", "data", "deep"]),
    ("data delete ", []),
    ("data delete --c", ["--columns=", "--cleanup"]),
    ("data scan --", ["--dry-run", "--verbose", "--help", "--version"]),
    ("data scan ", []),
    ("--columns scan -- dat", ["data"]),    # an argument, not the mode
    ("-- data sc", ["scan"]),
]


def run(program, *arguments):
    return subprocess.run([chain.program(program), *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, env=chain.environment(), check=False)


def test_offers_are_accepted(work):
    """Whatever is offered, the programs take: of fdistdump-ha it is a missing file that ends it."""
    for option in ("priority", "allowed-cluster-state"):
        words = HA.complete(f"--{option}=")
        assert len(words) > 1, words
        for word in words:
            r = run("fdistdump-ha", f"--{option}={word}", "--cluster-file=/nonexistent/file", "live")
            assert r.returncode == 8 and "/nonexistent/file" in r.stderr, (word, r)
    os.makedirs(os.path.join(work, "data/channels"))
    for word in MANAGER.complete("--align-to="):
        r = run("flow-data-manager", "-n", f"--align-to={word}", os.path.join(work, "data"), "delete", "-c", "1")
        assert r.returncode == 0, (word, r)


def main():
    if shutil.which("bash") is None:
        chain.skip("there is no bash")
    for c in (HA, MANAGER):
        c.check_options(run(c.program, "--help").stdout)
    with chain.workspace() as work:
        for folder in ("data", "deep"):
            os.mkdir(os.path.join(work, folder))
        for path, mode in (("cluster.conf", 0o644), ("data/runner", 0o755)):
            with open(os.path.join(work, path), "wb") as f:
                os.fchmod(f.fileno(), mode)
        HA.check_cases(HA_CASES, work)
        os.unlink(os.path.join(work, "cluster.conf"))
        MANAGER.check_cases(MANAGER_CASES, work)
        # Where Bash was told not to cut words at "=", the whole word is offered.
        got = HA.complete("", work, ["fdistdump-ha", "live", "--", "--output-format=c"])
        assert got == ["--output-format=csv"], got
        got = MANAGER.complete("", work, ["flow-data-manager", "--align-to=d"])
        assert got == ["--align-to=day"], got
        test_offers_are_accepted(work)
    print(f"{len(HA_CASES) + len(MANAGER_CASES)} lines are completed")


if __name__ == "__main__":
    main()
