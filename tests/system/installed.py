# SPDX-License-Identifier: BSD-3-Clause
"""An installed tree, moved to another place, works: every program starts and finds its libraries,
plugins and configuration, pkg-config points into the tree, and the quickstart's chain runs."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

PROGRAMS = (["ipfixcol", "-V"], ["ipfixcol", "--help-plugin", "lnfstore"], ["ipfixsend", "-h"],
            ["fdistdump", "--version"], ["fdistdump-ha", "--version"],
            ["flow-data-manager", "--version"],
            ["libnf-info"], ["libnf-index", "--help"])


def environment(tree):
    """Nothing of the build, only the tree."""
    env = {k: v for k, v in sc.environment(sc.NO_MPI_LEAKS).items()
           if k not in ("IPFIXCOL_PLUGIN_DIR", "LD_LIBRARY_PATH")}
    env["PATH"] = os.path.join(tree, "bin") + ":" + env["PATH"]
    return env


def consecutive_ports():
    """The first of three ports nobody uses."""
    while True:
        ports = sc.free_ports(3)
        if ports[2] == ports[0] + 2:
            return ports[0]


def main():
    with sc.workspace() as work:
        subprocess.run(["cmake", "--install", sc.BUILD, "--prefix", os.path.join(work, "first")], check=True,
                       stdout=subprocess.DEVNULL)
        tree = os.path.join(work, "moved")
        os.rename(os.path.join(work, "first"), tree)
        env = environment(tree)
        for command in PROGRAMS:
            r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env,
                               check=False)
            assert r.returncode == 0 and r.stdout, (command, r)
        for program in ("fdistdump", "fdistdump-ha", "flow-data-manager"):
            completion = os.path.join(tree, "share", "bash-completion", "completions", program)
            function = "_" + program.replace("-", "_")
            assert f"complete -F {function} {program}\n" in open(completion, encoding="utf-8").read(), program
        for script in ("syn-flood.sh", "amplification.sh"):
            r = subprocess.run([os.path.join(tree, "share/fdistdump/detection", script), "-h"], check=True,
                               capture_output=True, text=True, env=env)
            assert script in r.stdout, r
        if shutil.which("pkg-config"):
            folder = next(d for d, _, files in os.walk(tree) if "libnf.pc" in files)
            prefix = subprocess.run(["pkg-config", "--variable=includedir", "libnf"], check=True, text=True,
                                    capture_output=True, env=dict(env, PKG_CONFIG_PATH=folder)).stdout.strip()
            assert os.path.samefile(prefix, os.path.join(tree, "include")), prefix
        r = subprocess.run([os.path.join(sc.SOURCE, "tests/quickstart.sh"), "--installed"], text=True,
                           stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120,
                           env=dict(env, QUICKSTART_PORT=str(consecutive_ports())))
        print(r.stdout[-3000:])
        assert r.returncode == 0, r.stderr
        assert "1.2 k flows" in r.stdout and "processed records summary" in r.stdout


main()
