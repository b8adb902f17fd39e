# SPDX-License-Identifier: BSD-3-Clause
"""fdistdump-ha with three nodes on one machine, which differ in their host names only: the answer is
that of all files whichever node is down, before or in the middle of a query; what is missing is said;
and nothing stays behind."""

import os
import resource
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402
import cluster  # noqa: E402

ALONE = "true" if os.geteuid() == 0 else "false"
# Like ssh HOST COMMAND...: a node is a host name. What is down does not answer.
AGENT = """#!/bin/sh
host=$1; shift
[ ! -e "{work}/down.$host" ] || exit 255
user=
{root} || user='--user --map-root-user'
exec unshare $user --uts sh -c 'hostname "$1"; shift; exec sh -c "$*"' sh "$host" "$@"
"""
# fdistdump as the nodes have it; with the file `armed' one of them does something bad, once.
NODE_PROGRAM = """#!/bin/sh
if [ -e "{work}/armed.$(hostname)" ]; then
    . "{work}/armed.$(hostname)"
fi
exec "{program}" "$@"
"""
CRM_NODE = """#!/bin/sh
case "$*" in
--list) printf '11 n1 member\\n12 n2 member\\n13 n3 member\\n5 p member\\n';;
--name) echo n2;;
*) exit 64;;
esac
"""
CRM_MON = """#!/bin/sh
[ "$*" = "--one-shot --output-as=xml" ] || exit 64
cat "{work}/status.xml"
"""
CRM_ATTRIBUTE = """#!/bin/sh
case "$*" in
"--type crm_config --name flow-original-path --query --quiet") echo "{work}/%h/original";;
"--type crm_config --name flow-mirror-path --query --quiet") echo "{work}/%h/mirror";;
"--type nodes --node n"[123]" --name role --query --quiet") echo subcollector;;
"--type nodes --node p --name role --query --quiet") echo proxy;;
"--type nodes --node n1 --name successor-id --query --quiet") echo 12;;
"--type nodes --node n2 --name successor-id --query --quiet") echo 13;;
"--type nodes --node n3 --name successor-id --query --quiet") echo 11;;
*) echo "Error performing operation: No such device or address" >&2; exit 6;;
esac
"""


class Local(cluster.Cluster):
    def __init__(self, work):
        super().__init__(work)
        self.agent = self.script("agent", AGENT, root=ALONE)
        self.fdistdump = self.script("fdistdump-of-nodes", NODE_PROGRAM, program=sc.program("fdistdump"))
        self.file = self.write_file(f"{self.agent} %h true")
        self.pacemaker = os.path.join(work, "pacemaker")
        os.makedirs(self.pacemaker)
        self.script("pacemaker/crm_node", CRM_NODE)
        self.script("pacemaker/crm_mon", CRM_MON)
        self.script("pacemaker/crm_attribute", CRM_ATTRIBUTE)
        self.mpi = ["--mca", "plm_rsh_agent", self.agent, "--mca", "btl", "self,tcp", "--mca",
                    "btl_tcp_if_include", "lo", "--mca", "oob_tcp_if_include", "lo",
                    # Open MPI keeps memory to the end of the process: no leak of ours.
                    "-x", "ASAN_OPTIONS=detect_leaks=0"]

    def script(self, name, text, **places):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.format(work=self.work, **places))
        os.chmod(path, 0o755)
        return path

    def set_down(self, *nodes):
        for node in self.ids:
            path = os.path.join(self.work, "down." + node)
            if node in nodes:
                with open(path, "w", encoding="utf-8"):
                    pass
            elif os.path.exists(path):
                os.unlink(path)
        with open(os.path.join(self.work, "status.xml"), "w", encoding="utf-8") as f:
            f.write(cluster.status_xml({n: (i, n not in nodes) for n, i in self.ids.items()}))

    def arm(self, node, commands):
        """Commands of the shell that fdistdump runs first on a node, the next time only."""
        with open(os.path.join(self.work, "armed." + node), "w", encoding="utf-8") as f:
            f.write(f'rm "{self.work}/armed.{node}"\n{commands}\n')

    def command(self, options, question):
        """As web front ends call it."""
        return [sc.program("fdistdump-ha"), *options, "live", "mpiexec", *self.mpi, self.fdistdump,
                *cluster.CSV, *question]

    def start(self, options, question, host=None, path=None, **kwargs):
        command = self.command(options, question)
        if host is not None:
            user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
            command = ["unshare", *user, "--uts", "sh", "-c", 'hostname "$1"; shift; exec "$@"', "sh",
                       host, *command]
        env = self.environment()
        if path is not None:
            env["PATH"] = path + ":" + env["PATH"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=env, **kwargs)

    def ask(self, options, question, **kwargs):
        """(stdout, stderr, status)"""
        with self.start(options, question, **kwargs) as process:
            out, err = process.communicate(timeout=120)
        return out, err, process.returncode

    def with_file(self, options=()):
        return ["--cluster-file", self.file, *options]

    def wait_gone(self):
        end = time.monotonic() + 20
        while self.processes():
            assert time.monotonic() < end, subprocess.run(["ps", "-ef"], capture_output=True, text=True).stdout
            time.sleep(0.05)


def expect_answer(result, expected, *warnings):
    out, err, status = result
    assert status == 0, (status, err)
    assert cluster.question_rows(out) == cluster.question_rows(expected), (out[:2000], expected[:2000], err)
    for text in warnings:
        assert text in err, (text, err)
    if not warnings:  # Open MPI has warnings of its own
        assert not any(line.startswith("Warning: ") for line in err.splitlines()), err


def test_answers(c):
    """One node down, any, gives the same answer to every question as all files."""
    expected = [c.answer(q) for q in cluster.QUESTIONS]
    assert all(len(e.splitlines()) >= 2 for e in expected), expected
    for question, answer in zip(cluster.QUESTIONS, expected):
        c.set_down()
        expect_answer(c.ask(c.with_file(), question), answer)
    for i, (question, answer) in enumerate(zip(cluster.QUESTIONS, expected)):
        node = f"n{i % 3 + 1}"
        c.set_down(node)
        expect_answer(c.ask(c.with_file(), question), answer,
                      f"node {node} is offline: its data are read from the mirror on {c.successor[node]}")
    # The master is this node, a subcollector, while another one is down; the proxy is down, too.
    for host, down in (("n3", "n1"), ("n1", "n2")):
        c.set_down(down, "p")
        expect_answer(c.ask(c.with_file(), cluster.QUESTIONS[1], host=host), expected[1],
                      f"node {down} is offline")
        c.set_down()
        expect_answer(c.ask(c.with_file(), cluster.QUESTIONS[1], host=host), expected[1])
    # No master but an online subcollector.
    c.set_down("p", "n1")
    expect_answer(c.ask(c.with_file(), cluster.QUESTIONS[0]), expected[0], "no proxy is online",
                  "subcollector n2 also merges and prints")


def test_pacemaker(c):
    question = cluster.QUESTIONS[1]
    expected = c.answer(question)
    for down in ((), ("n1",), ("n3",), ("p", "n2")):
        c.set_down(*down)
        warnings = [f"node {n} is offline" for n in down if n != "p"]
        expect_answer(c.ask([], question, path=c.pacemaker), expected, *warnings)
    # A file that was named wins.
    c.set_down()
    c.script("pacemaker/crm_mon", "#!/bin/sh\nexit 1\n")
    expect_answer(c.ask(c.with_file(), question, path=c.pacemaker), expected)
    out, err, status = c.ask([], question, path=c.pacemaker)
    assert (out, status) == ("", 6) and "`crm_mon --one-shot --output-as=xml' failed" in err, (out, err, status)
    c.script("pacemaker/crm_mon", CRM_MON)


def test_missing(c):
    """A node and its successor are down: the rest is answered, or nothing, and it is said."""
    for first, second, left in (("n1", "n2", "n3"), ("n3", "n1", "n2")):
        c.set_down(first, second)
        question = cluster.QUESTIONS[1]
        expected = c.answer(question, (second, left))
        expect_answer(c.ask(c.with_file(), question), expected,
                      f"data of node {first} are missing, it and {second}",
                      f"the answer is incomplete: data of node {first} are missing",
                      f"node {second} is offline: its data are read from the mirror on {left}")
        out, err, status = c.ask(c.with_file(["--complete-only"]), question)
        assert (out, status) == ("", 8) and f"data of node {first} are missing" in err, (out, err, status)
    c.set_down("n1", "n2", "n3")
    out, err, status = c.ask(c.with_file(), cluster.QUESTIONS[0])
    assert (out, status) == ("", 6) and "no subcollector is online" in err, (out, err, status)


def test_lost(c):
    """A node goes down when the job runs: the next try gives the whole answer, once."""
    question = ["-l", "0", "--output-fields=first,srcip,dstip,srcport,dstport,bytes"]
    expected = sorted(c.answer(question).splitlines())
    fast = ["-i", "0.2", "-e", "1"]
    for node, then in (("n2", "exec sleep 100"), ("n1", "exit 1"), ("n3", "kill -9 $$")):
        c.set_down()
        c.arm("p", "echo a part of the answer")
        c.arm(node, f'touch "{c.work}/down.{node}"\n{then}')
        out, err, status = c.ask(c.with_file([*fast, "-t", "3"]), question, host="p")
        assert status == 0, (node, status, err)
        assert sorted(out.splitlines()) == expected, (node, out[:1000], err)
        assert f"node {node} went offline" in err and "it is started again" in err, err
        c.wait_gone()
    # Without another try: the status of the wrapper when it ended the job, else that of the job.
    for then, wanted, timeout in (("exec sleep 100", 255, "1"), ("exit 3", 3, "60")):
        c.set_down()
        c.arm("n2", f'touch "{c.work}/down.n2"\n{then}')
        _, err, status = c.ask(c.with_file(["-i", "0.2", "-e", timeout]), question)
        assert status == wanted and "no try is left" in err, (status, err)
        c.wait_gone()
    # What is allowed ends nothing.
    c.set_down()
    c.arm("n2", f'touch "{c.work}/down.n2"\nsleep 3')
    out, err, status = c.ask(c.with_file([*fast, "-a", "offline", "online"]), question)
    assert status == 0 and sorted(out.splitlines()) == expected, (status, err)
    assert "node n2 went offline" in err, err


def await_condition(process, is_met):
    end = time.monotonic() + 60
    while not is_met():
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_held(c):
    """Output that is held comes whole or not at all, and a reader that has stopped keeps nobody."""
    rows = ["-l", "0", "--output-fields=first,last,srcip,dstip,srcport,dstport,proto,bytes,packets"]
    started, go = os.path.join(c.work, "started"), os.path.join(c.work, "go")
    c.set_down()
    c.arm("n3", f'touch "{started}"\nwhile [ ! -e "{go}" ]; do sleep 0.05; done')
    with c.start(c.with_file(["-t", "2"]), rows) as process:
        await_condition(process, lambda: os.path.exists(started))
        # The job, which runs, has files as large as it likes.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (10000, 10000))
        with open(go, "w", encoding="utf-8"):
            pass
        out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("", 6), (out[:1000], err, process.returncode)
    assert f"temporary file in {c.temporary}: File too large" in err, err
    c.wait_gone()
    with c.start(c.with_file(["-t", "2"]), rows) as process:
        await_condition(process, lambda: len(c.processes()) > 1)
        await_condition(process, lambda: select.select([process.stdout], [], [], 0)[0])
        process.terminate()
        status = process.wait(timeout=30)
        out, err = process.communicate()
    assert status == -signal.SIGTERM and out, (status, err)
    c.wait_gone()


def test_errors(c):
    """What is wrong is said in one line, with fdistdump's status."""
    c.set_down()
    ha = sc.program("fdistdump-ha")
    bad = os.path.join(c.work, "bad.conf")
    with open(bad, "w", encoding="utf-8") as f:
        f.write("original-path /a\nmirror-path /b\nnode n1 id=1 role=collector\n")
    unasked = os.path.join(c.work, "unasked.conf")
    with open(c.file, encoding="utf-8") as f, open(unasked, "w", encoding="utf-8") as g:
        g.write(f.read().replace("\nprobe ", "\nprobe /nonexistent/"))
    other = c.script("other-mpiexec", "#!/bin/sh\necho 'HYDRA build details:'\n")
    flood = c.script("flood-mpiexec", "#!/bin/sh\nexec cat /dev/zero\n")
    broken = c.script("broken-mpiexec", "#!/bin/sh\necho no libopen-rte >&2\nexit 127\n")
    for options, wanted, text in (
            (["--cluster-file", bad], 7, f"{bad}:3: `role=collector'; expected role=proxy or"),
            (["--cluster-file", bad + "x"], 8, "cannot read the cluster file"),
            (["--cluster-file", unasked], 8, "cannot run /nonexistent/"),
            (["--mpiexec=nosuch-mpiexec", "--cluster-file", c.file], 8, "no program nosuch-mpiexec"),
            (["--mpiexec=" + other, "--cluster-file", c.file], 8, "is not Open MPI's"),
            (["--mpiexec=" + flood, "--cluster-file", c.file], 6, "--version' writes more than"),
            (["--mpiexec=" + broken, "--cluster-file", c.file], 6,
             "--version' failed with status 127: no libopen-rte"),
            (["--mpiexec-argument=-pernode", "--cluster-file", c.file], 7, "option `-pernode' of mpiexec"),
            (["-t", "x"], 7, "expected a whole number")):
        r = subprocess.run([ha, *options, "live"], capture_output=True, text=True, env=c.environment(),
                           timeout=60)
        assert r.returncode == wanted and text in r.stderr, (options, r)
        assert r.stderr.count("\n") == 1 or "no program" in r.stderr, r
        assert r.stderr.startswith(("Error: fdistdump-ha: ", "Warning: fdistdump-ha: no program")), r
    for paths in ([], ["/absolute"], [""]):
        r = subprocess.run([ha, *paths], capture_output=True, text=True, env=c.environment(), timeout=60)
        assert r.returncode == 7 and "missing path" in r.stderr, r
        assert ("is skipped" in r.stderr) == bool(paths), r
    # Variables of mpiexec contradict as its options do; asked for help, nobody cares.
    for options, wanted in (([*c.with_file([]), "live"], 7), (["--help"], 0)):
        r = subprocess.run([ha, *options], capture_output=True, text=True, timeout=60,
                           env={**c.environment(), "OMPI_MCA_rmaps_rank_file_path": "/nowhere"})
        assert r.returncode == wanted, r
        assert (r.stderr == "") == (wanted == 0), r
        assert wanted == 0 or "Error: fdistdump-ha: variable OMPI_MCA_rmaps_rank_file_path in the" in r.stderr, r
    # Neither Pacemaker, of which one tool is there, nor a file.
    os.makedirs(os.path.join(c.work, "one-tool"))
    c.script("one-tool/crm_mon", CRM_MON)
    r = subprocess.run([ha, "live"], capture_output=True, text=True, timeout=60,
                       env={**c.environment(), "PATH": os.path.join(c.work, "one-tool")})
    assert r.returncode == 8, r
    if "no program mpiexec" not in r.stderr:  # this machine has the file
        assert "(crm_node, crm_attribute missing)" in r.stderr and "fdistdump/cluster.conf" in r.stderr, r
    # Errors of fdistdump are not started again.
    out, err, status = c.ask(c.with_file(["-t", "0"]), ["-o", "nosuch"])
    assert status == 7 and err.count("Error: command line arguments: ") == 1, (out, err, status)
    for option, start in (("--help", "Usage: fdistdump-ha"), ("--version", "fdistdump-ha ")):
        r = subprocess.run([ha, option], capture_output=True, text=True, timeout=60)
        assert r.returncode == 0 and r.stdout.startswith(start), r
    out, _, status = c.ask(c.with_file(["-v"]), cluster.QUESTIONS[0])
    assert status == 0 and "FDISTDUMP-HA VERBOSE: try 1, master p: mpiexec" in out, out


def test_signals(c):
    """A query that is given up ends soon, with everything that belongs to it."""
    for number in (signal.SIGTERM, signal.SIGINT):
        c.set_down()
        started = os.path.join(c.work, "started")
        c.arm("n3", f'touch "{started}"\nsleep 100')
        with c.start(c.with_file(["-t", "0"]), cluster.QUESTIONS[0]) as process:
            end = time.monotonic() + 60
            while not os.path.exists(started):
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.02)
            sent = time.monotonic()
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        assert process.returncode != 0 and "started again" not in err, (process.returncode, err)
        assert time.monotonic() - sent < 20, time.monotonic() - sent
        c.wait_gone()
        os.unlink(started)
    # In the middle of probes that take long.
    slow = c.write_file("sleep 100", 100)
    process = subprocess.Popen([sc.program("fdistdump-ha"), "--cluster-file", slow,
                                "--fdistdump=" + c.fdistdump, "live"],
                               env=c.environment(), stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while len(c.processes()) < 4:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM and err == "", (process.returncode, err)
    c.wait_gone()
    # When it is killed itself, its job does not stay.
    c.file = c.write_file(f"{c.agent} %h true")
    c.arm("n3", f'touch "{started}"\nsleep 100')
    with c.start(c.with_file(), cluster.QUESTIONS[0]) as process:
        while not os.path.exists(started):
            time.sleep(0.02)
        process.kill()
        process.communicate(timeout=60)
    c.wait_gone()


def main():
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    r = subprocess.run(["unshare", *user, "--uts", "hostname", "n1"], capture_output=True, text=True)
    if r.returncode != 0:
        sc.skip(f"no host name of one's own here: {r.stderr.strip()}")
    with sc.workspace() as work:
        c = Local(work)
        try:
            for test in (test_answers, test_pacemaker, test_missing, test_lost, test_held, test_errors, test_signals):
                start = time.monotonic()
                test(c)
                print(f"{test.__name__}: {time.monotonic() - start:.1f} s")
        finally:
            for pid in c.processes():
                os.kill(pid, signal.SIGKILL)


main()
