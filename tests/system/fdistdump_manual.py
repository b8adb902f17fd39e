# SPDX-License-Identifier: BSD-3-Clause
"""Every example of fdistdump's manual page, run as it stands there.

The commands are taken from the page when the test runs. Around them only the machine is made to fit:
/data is a folder of this test, and mpiexec has one host with as many slots as anybody wants."""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

MANUAL = os.path.join(chain.SOURCE, "docs", "man", "fdistdump.1")
SLOT_S = 300

# Hosts of examples do not exist here; everything else reaches the real mpiexec.
MPIEXEC = """#!/bin/bash
arguments=()
while (($# > 0)); do
    case $1 in
    -host) shift ;;
    fdistdump) arguments+=("$FDISTDUMP") ;;
    *) arguments+=("$1") ;;
    esac
    shift
done
exec "$MPIEXEC" --oversubscribe "${arguments[@]}"
"""


def plain(text):
    """The characters troff would print."""
    text = text.replace("\\e", "\0").replace("\\-", "-")
    assert "\\" not in text, text
    return text.replace("\0", "\\")


def examples():
    """(what it says it does, command) of every example."""
    with open(MANUAL, encoding="utf-8") as f:
        page = f.read()
    section = re.search(r"^\.SH EXAMPLES\n(.*?)^\.SH ", page, flags=re.M | re.S)[1]
    found = re.findall(r"^([A-Z][^\n]*:)\n\.PP\n\.nf\n(.*?)^\.fi\n", section, flags=re.M | re.S)
    # Nothing of the section is left out.
    rest = re.sub(r"^[A-Z][^\n]*:\n\.PP\n\.nf\n.*?^\.fi\n", "", section, flags=re.M | re.S)
    assert set(rest.split("\n")) <= {".PP", ""}, rest
    return [(text, plain(command)) for text, command in found]


def make_flows(path, slot=None):
    directory = path
    if slot is not None:
        directory = os.path.join(path, time.strftime("%Y/%m/%d", time.gmtime(slot)))
        path = os.path.join(directory, time.strftime("lnf.%Y%m%d%H%M%S", time.gmtime(slot)))
    else:
        path = os.path.join(directory, "lnf.1")
    os.makedirs(directory, exist_ok=True)
    subprocess.run([chain.program("make_flow_files"), path, "2000", "lz4"], check=True,
                   stdout=subprocess.DEVNULL, env=chain.environment())


def make_machine(work):
    """What the examples speak of."""
    for node in ("node1", "node2"):
        make_flows(os.path.join(work, "data", node))
    start = 1767225600  # 2026-01-01 00:00 UTC
    for slot in range(3):
        make_flows(os.path.join(work, "data/live/channels/ch1"), start + slot * SLOT_S)
    now = int(time.time()) // SLOT_S * SLOT_S
    for slot in range(-14, 3):  # the last hour, and while this runs
        make_flows(os.path.join(work, "data/live/channels/ch2"), now + slot * SLOT_S)
    tools = os.path.join(work, "tools")
    os.mkdir(tools)
    os.symlink(chain.program("fdistdump"), os.path.join(tools, "fdistdump"))
    with open(os.path.join(tools, "mpiexec"), "w", encoding="ascii") as f:
        f.write(MPIEXEC)
    os.chmod(f.name, 0o755)
    return tools


def run(command, work, tools):
    """(standard output, standard error, exit status) of a command of the page."""
    real = subprocess.run(["sh", "-c", "command -v mpiexec"], capture_output=True, text=True,
                          check=True, env=chain.environment()).stdout.strip()
    command = command.replace("/data/", os.path.join(work, "data") + "/")
    env = chain.environment({**chain.NO_MPI_LEAKS, "MPIEXEC": real,
                             "FDISTDUMP": chain.program("fdistdump"),
                             "PATH": tools + ":" + os.environ["PATH"]})
    r = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, env=env, cwd=work, timeout=120)
    return r.stdout, r.stderr, r.returncode


def check(text, command, work, tools):
    """An empty string, or what is wrong with the example."""
    out, err, status = run(command, work, tools)
    problems = [line for line in err.splitlines() if line.startswith(("Warning:", "Error:"))]
    if status != 0 or problems:
        return f"{text}\n{command}ends with {status}:\n{err}"
    if not re.search(r"[1-9]", re.sub(r".* seconds, .*", "", out)):
        return f"{text}\n{command}finds nothing:\n{out}"
    return ""


def main():
    found = examples()
    assert len(found) >= 9, found
    for word in ("mpiexec", " : ", "json", "csv", "--strict", "-T ", "%1:"):
        assert any(word in command for _, command in found), word
    with chain.workspace() as work:
        tools = make_machine(work)
        failures = list(filter(None, (check(*example, work, tools) for example in found)))
        # Were an example wrong, it would be seen.
        for wrong in ("fdistdump --nosuch /data/node1\n", "fdistdump /data/nosuch\n",
                      "mpiexec -n 2 fdistdump -s nosuch /data/node1\n", "fdistdump -l 1 /data/node1 | false\n",
                      "fdistdump --output-items= /data/node1\n",
                      "fdistdump -f 'packets = 0' /data/node1\n"):
            assert check("wrong", wrong, work, tools) != "", wrong
    for failure in failures:
        print(failure)
    print(f"{len(found)} examples, {len(failures)} of them wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
