# SPDX-License-Identifier: BSD-3-Clause
"""What people do wrong with fdistdump, and what happens to it: every case ends soon, with one clear
line and the documented exit status."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

QUIET = "--progress-bar-type=none"
MPI = ["mpiexec", "--oversubscribe"]


def run(command, timeout=120, **kwargs):
    """(stdout, stderr, exit status) of a command."""
    r = subprocess.run(command, stdin=kwargs.pop("stdin", subprocess.DEVNULL),
                       stdout=kwargs.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
                       text=True, errors="replace", env=chain.environment(chain.NO_MPI_LEAKS),
                       timeout=timeout, **kwargs)
    return r.stdout, r.stderr, r.returncode


def alone(*args, **kwargs):
    return run([chain.program("fdistdump"), QUIET, *args], **kwargs)


def job(ranks, *args, **kwargs):
    return run([*MPI, "-n", str(ranks), chain.program("fdistdump"), QUIET, *args], **kwargs)


def errors(text):
    """Lines of fdistdump itself; mpiexec adds its own about exit statuses."""
    return [line for line in text.splitlines() if line.startswith("Error: ")]


def warnings(text):
    return [line for line in text.splitlines() if line.startswith("Warning: ")]


def expect(condition, what, *details):
    if not condition:
        raise AssertionError("\n".join(map(str, (what, *details))))


def make_flows(work, name="lnf.1", count=20000, compression="lz4"):
    path = os.path.join(work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    subprocess.run([chain.program("make_flow_files"), path, str(count), compression], check=True,
                   stdout=subprocess.DEVNULL, env=chain.environment())
    return path


def count_flows(*args):
    """(flows of the summary, standard error); the exit status must be 0."""
    out, err, status = alone("--output-items=p", "--output-format=csv", *args)
    expect(status == 0, "exit status", status, err)
    return int(out.split("\n")[1].split(",")[0]), err


# ---- arguments ----------------------------------------------------------------------------------

BAD_ARGUMENTS = [
    (["--nosuch"], "unknown option `--nosuch'"),
    (["-x"], "unknown option `-x'"),
    (["-l"], "option `-l' needs an argument"),
    (["--output-f=csv"], "ambiguous option `--output-f'"),
    (["--help=yes"], "takes no argument"),
    (["-l", "-3"], "record limit `-3': negative value"),
    (["-l", "many"], "record limit `many': not a number"),
    (["-o", "nosuch"], "unknown libnf field `nosuch'"),
    (["-o", "bytes#up"], "invalid sort direction `up'"),
    (["-o", ""], "empty field name"),
    (["-s", "srcip#"], "empty field name"),
    (["-a", ""], "no aggregation key given"),
    (["-a", "bps"], "bps"),
    (["-o", "mpls"], "mpls"),
    (["-a", "srcip/33"], "netmask"),
    (["-v", "5"], "must be 0 to 4"),
    (["--num-threads=0"], "must be 1 to"),
    (["--output-items=x"], "unknown output item `x'"),
    (["--output-format=xml"], "unknown value `xml' of --output-format"),
    (["--output-ts-conv=maybe"], "unknown value `maybe' of --output-ts-conv"),
    (["-t", "never"], "invalid time specifier `never'"),
    (["-t", "1", "-T", "1#600"], "exclude each other"),
    (["-T", "600#300"], "zero or negative time range duration"),
    (["-f", "src prot 5"], "line 1, column 5"),
    (["-f", "proto tcp and\n  nosuch 5"], "line 2, column 3"),
]


def test_bad_arguments(path):
    """One line, status 7, nothing on standard output; with several processes still one line."""
    for arguments, text in BAD_ARGUMENTS:
        out, err, status = alone(path, *arguments)
        expect((out, status) == ("", 7) and err.count("\n") == 1, arguments, out, err, status)
        expect(err.startswith("Error: command line arguments: ") and text in err, arguments, err)
    for arguments, text in (BAD_ARGUMENTS[0], BAD_ARGUMENTS[7], BAD_ARGUMENTS[-2]):
        out, err, status = job(3, *arguments, path)
        expect(out == "" and status == 7 and len(errors(err)) == 1, arguments, out, err, status)
        expect(text in errors(err)[0] and "[MPI: 1/3 " in errors(err)[0], arguments, err)
    # Quiet means quiet, except for what ends the job.
    _, err, status = alone("-v", "0", "-o", "nosuch", path)
    expect(status == 7 and len(errors(err)) == 1, "verbosity 0", err, status)


def test_missing_path(path):
    for out, err, status in (alone(), alone("-l", "1"), job(2), job(3, "-s", "srcip")):
        expect(out == "" and status == 7 and len(errors(err)) == 1 and "missing path" in err,
               "missing path", out, err, status)
    # The master needs none, and a dummy one does no harm.
    program = chain.program("fdistdump")
    for master_paths in ([], ["/nonexistent/dummy"]):
        out, err, status = run([*MPI, "-n", "1", program, QUIET, "-l", "1", *master_paths,
                                ":", "-n", "1", program, QUIET, "-l", "1", path])
        expect(status == 0 and err == "" and out.count("\n") == 6, "MPMD", out, err, status)


def test_different_options(path):
    program = chain.program("fdistdump")
    for one, other, word in ((["-l", "1"], ["-l", "2"], "limit"),
                             (["-s", "srcip"], ["-s", "dstip"], "fields"),
                             (["-f", "proto tcp"], ["-f", "proto udp"], "filter")):
        out, err, status = run([*MPI, "-n", "1", program, QUIET, *one, path,
                                ":", "-n", "2", program, QUIET, *other, path])
        expect(out == "" and status == 7 and len(errors(err)) == 1 and word in errors(err)[0],
               "different options", out, err, status)
    # Whoever asks for help gets it, and nobody waits for the others.
    for one, other in ((["--help"], ["-l", "1"]), (["-l", "1"], ["--help"])):
        out, err, status = run([*MPI, "-n", "1", program, *one, path,
                                ":", "-n", "1", program, *other, path])
        expect(status == 0 and out.startswith("Usage: fdistdump"), "help", out, err, status)


def test_help(path):
    for runner in (alone, lambda *a: job(3, *a)):
        out, err, status = runner("--help")
        expect(status == 0 and err == "" and out.count("Usage: ") == 1, "--help", out, err, status)
        for option in ("--aggregation", "--filter", "--time-range", "--no-bfindex"):
            expect(option in out, "--help lacks " + option)
        out, err, status = runner("--version", path)
        expect(status == 0 and err == "" and re.fullmatch(r"fdistdump \d+\.\d+\.\d+\n", out),
               "--version", out, err, status)


def test_empty_filter(path):
    everything, _ = count_flows(path)
    expect(everything == 20000, "flows", everything)
    for text in ("", "  ", "\n\t", "# nothing", "any"):
        flows, err = count_flows("-f", text, path)
        expect(flows == everything and err == "", "filter " + repr(text), flows, err)


def test_old_spellings(path):
    new = alone("-s", "srcip,dstip#flows", "--output-fields=packets,bytes,proto",
                "--output-format=csv", path)
    old = alone("-s", "srcip,dstip/flows", "--fields=pkts,bytes,proto", "--progress-bar=none",
                "--output-format=csv", path)
    expect(new[2] == 0 and new == old, "old spellings", new, old)
    first = alone("-l", "5", "-s", "srcip", "--output-items=r", path)
    last = alone("-s", "srcip", "-l", "5", "--output-items=r", path)
    expect(first[0].count("\n") == 6 and first == last, "-l and -s", first, last)


# ---- paths --------------------------------------------------------------------------------------

def test_bad_paths(work, path):
    """Whatever cannot be used is a warning that names it; the rest is answered."""
    everything, _ = count_flows(path)
    for bad, text in (("/nonexistent/file", "No such file or directory `/nonexistent/file'"),
                      (path + "/x", "Not a directory `"), ("%x", "unknown conversion specifier `%x'"),
                      ("%1", "invalid conversion specifier in `%1'"),
                      ("/dev/null", "neither a file nor a directory, skipped `/dev/null'")):
        flows, err = count_flows(bad, path)
        expect(flows == everything and len(warnings(err)) == 2, bad, flows, err)
        expect(text in err and "1 paths could not be used" in err, bad, err)
    out, err, status = alone("-v", "1", "/nonexistent/file")
    expect(status == 0 and err == "", "quiet", out, err, status)
    out, err, status = job(3, "--output-items=p", "--output-format=csv", "/nonexistent/file",
                           f"%2:{path}")
    expect(status == 0 and out.split("\n")[1].startswith(f"{everything},"), "job", out, err)
    expect(len(warnings(err)) == 3 and "2 paths could not be used" in err, "job", err)
    os.mkfifo(os.path.join(work, "fifo"))
    flows, err = count_flows(os.path.join(work, "fifo"), path)
    expect(flows == everything and "skipped" in err, "FIFO", flows, err)
    host, _, _ = run(["hostname"])
    os.symlink(path, os.path.join(work, "of-" + host.strip()))
    flows, err = count_flows(os.path.join(work, "of-%h"))
    expect(flows == everything and err == "", "%h", flows, err)


def test_bad_files(work, path):
    everything, _ = count_flows(path)
    directory = os.path.join(work, "mixed")
    os.mkdir(directory)
    os.symlink(path, os.path.join(directory, "lnf.good"))
    with open(path, "rb") as f:
        good = f.read()
    for name, content, text in (("empty", b"", "empty"), ("short", b"hello\n", "too short"),
                                ("text", b"Once upon a time there was a file. " * 10, "not a flow"),
                                ("zeros", bytes(1000), ""), ("header", good[:40], "")):
        with open(os.path.join(directory, name), "wb") as f:
            f.write(content)
        out, err, status = alone("--output-items=p", "--output-format=csv", directory)
        expect(status == 0 and out.split("\n")[1].startswith(f"{everything},"), name, out, err)
        expect(os.path.join(directory, name) in err and text in err, name, err)
        expect(name == "header" or "1 of 2 files could not be read" in err, name, err)
        os.remove(os.path.join(directory, name))
    if os.geteuid() != 0:
        os.mkdir(os.path.join(directory, "secret"), 0)
        flows, err = count_flows(directory)
        expect(flows == everything and "Permission denied" in err, "secret", flows, err)


def test_cut_files(work, path):
    """Every complete block of a cut file is used; the warning names the file and the offset."""
    with open(path, "rb") as f:
        good = f.read()
    cut_path = os.path.join(work, "cut")
    before = None
    for part in (1.0, 0.999, 0.9, 0.6, 0.3, 0.1):
        with open(cut_path, "wb") as f:
            f.write(good[:int(len(good) * part)])
        for threads in (1, 4):
            flows, err = count_flows(f"--num-threads={threads}", cut_path)
            expect(before is None or flows <= before, f"cut to {part}", flows, before)
            if part < 1:
                expect(re.search(re.escape(cut_path) + r": offset \d+: ", err), "cut", part, err)
                expect("problems of files: " in err, "cut", part, err)
            else:
                expect(flows == 20000 and err == "", "whole", flows, err)
        before = flows
    expect(before < 20000, "the smallest part has everything", before)
    # A block in the middle is damaged: it is lost, the others are not.
    place = len(good) // 2
    with open(cut_path, "wb") as f:
        f.write(good[:place] + b"\xff" * 64 + good[place + 64:])
    one, err = count_flows("--num-threads=1", cut_path)
    four, _ = count_flows("--num-threads=4", cut_path)
    expect(0 < one < 20000 and one == four, "damaged block", one, four)
    expect(re.search(re.escape(cut_path) + r": offset \d+: ", err), "damaged block", err)
    out, err, status = job(3, "--output-items=p", "--output-format=csv", f"%1:{cut_path}",
                           f"%2:{path}")
    expect(status == 0 and out.split("\n")[1].startswith(f"{one + 20000},"), "damaged", out, err)


def test_wrong_statistics(work):
    """Counters of a file that do not add up are a warning, and counted as they are."""
    path = make_flows(work, "statistics", count=50, compression="none")
    columns = ("total", "TCP", "UDP", "ICMP", "other")

    def flows_of():
        out, err, status = alone("--output-items=m", "--output-format=csv", path)
        expect(status == 0, "metadata", err)
        lines = [line.split(",") for line in out.splitlines()]
        expect(tuple(lines[0]) == ("field", *columns), "header", out)
        return dict(zip(columns, map(int, lines[1][1:]))), err

    right, err = flows_of()
    expect(err == "" and right["total"] == 50 == sum(right.values()) - 50, "statistics", right, err)
    with open(path, "r+b") as f:
        place = f.read().rindex(struct.pack("<Q", 50))
        f.seek(place)
        f.write(struct.pack("<Q", 53))
    wrong, err = flows_of()
    expect(wrong == {**right, "total": 53}, "wrong statistics", wrong)
    expect(len(warnings(err)) == 2 and f"Warning: libnf: {path}: offset " in err and
           "do not add up" in err and "problems of files: 1 wrong statistics" in err, "warnings", err)
    flows, _ = count_flows(path)
    expect(flows == 50, "records are counted on their own", flows)


def test_times(work, path):
    channel = os.path.join(work, "ch")
    day = os.path.join(channel, "2016/01/01")
    os.makedirs(day)
    for name in ("20160101000000", "20160101000500", "20160101001500"):
        os.symlink(path, os.path.join(day, "lnf." + name))
    for arguments, files, bad in ((["-t", "2016-01-01 00:07"], 1, 0),
                                  (["-T", "2016-01-01#2016-01-01 00:10"], 2, 0),
                                  (["-T", "2016-01-01#2016-01-01 00:20"], 3, 1),
                                  (["-t", "1451606400"], 1, 0),
                                  (["-t", "2016-01-01 01:00", "--time-zone=XXX-1"], 1, 0),
                                  (["-t", "01/01/2016 00:00#01/01/2016 00:10"], 2, 0),
                                  (["-t", "2015-01-01"], 0, 1)):
        flows, err = count_flows(*arguments, channel)
        expect(flows == 20000 * files, arguments, flows, err)
        expect(len(warnings(err)) == bad + (bad > 0), arguments, err)
    flows, err = count_flows(channel)
    expect(flows == 60000 and err == "", "whole directory", flows, err)


def test_front_end(work, path):
    """The lines a web front end runs: a job of two, an answer to show as it is, and progress to poll."""
    channels = []
    for channel in ("ch1", "ch2"):
        channels.append(os.path.join(work, "data/live/channels", channel))
        day = os.path.join(channels[-1], "2026/01/01")
        os.makedirs(day)
        os.symlink(path, os.path.join(day, "lnf.20260101000500"))
    progress = os.path.join(work, "front-end-progress")
    fixed = ["--num-threads", "8", "--output-rich-header", "-f", "(proto tcp) and (bytes > 10)",
             "--time-zone=Europe/Prague"]
    polled = ["--progress-bar-type=json", f"--progress-bar-dest={progress}"]
    point, span = ["-t", "1767226000"], ["-T", "1767225900#1767226200"]
    tables = {}
    for form, conversions in (("pretty", ["--output-volume-conv=binary-prefix", "--output-no-ellipsize"]),
                              ("csv", ["--output-volume-conv=none"]),
                              ("csv", [f"--output-{name}-conv=str" for name in
                                       ("tcpflags", "addr", "proto", "duration")])):
        for times in (point, span):
            out, err, status = run([*MPI, "-n", "2", chain.program("fdistdump"), *fixed, *times, "-l", "10",
                                    "-a", "srcip,dstport", "-o", "bytes#desc", "--output-format=" + form,
                                    *conversions, "--output-items=r", "--output-fields=flows,flags,proto",
                                    *polled, *channels])
            expect(status == 0 and err == "" and out.count("\n") == 11, form, out, err, status)
            tables.setdefault((form, *conversions), set()).add(out)
            header = re.split(r" {2,}|,", out.split("\n")[0].strip())
            expect(header == ["srcip (key)", "dstport (key)", "bytes {desc}", "flows [sum]", "flags [or]",
                              "proto [min]"], form, header)
            with open(progress, encoding="ascii") as f:
                expect(json.load(f)["total"] == 100, "progress")
    expect(all(len(answers) == 1 for answers in tables.values()), "a point and its range differ", tables)
    expect(re.search(r"\n\d+\.\d+\.\d+\.\d+,\d+,[\d.]+,[\d.]+,[A-Z.]{8},TCP\n", tables.popitem()[1].pop()),
           "for people")
    # The other menus: lists, a sort key alone, and the summary with it.
    for words, lines in ((["-l", "100", "--output-items=r,p"], 105), (["-o", "duration#asc", "-l", "10"], 15),
                         (["-o", "pkts", "-l", "10000", "--output-items=r"], None)):
        out, err, status = run([*MPI, "-n", "2", chain.program("fdistdump"), *fixed, *point, *words,
                                *polled, *channels])
        expect(status == 0 and err == "" and lines in (None, out.count("\n")), words, out[:1000], err, status)


# ---- input and output ---------------------------------------------------------------------------

def test_stdin(path):
    """A loop of a shell script that reads its own input keeps it."""
    read_end, write_end = os.pipe()
    os.write(write_end, b"not for fdistdump\n")
    os.close(write_end)
    _, err, status = alone("-l", "1", path, stdin=read_end)
    expect(status == 0, "stdin", err)
    expect(os.read(read_end, 100) == b"not for fdistdump\n", "standard input was read")
    os.close(read_end)


def test_closed_pipe(path):
    """A reader that goes away ends the work, in good order."""
    for prefix in ([], [*MPI, "-n", "3"]):
        with subprocess.Popen([*prefix, chain.program("fdistdump"), QUIET, path, path, path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              env=chain.environment(chain.NO_MPI_LEAKS)) as p:
            expect(p.stdout.readline().startswith(b"first"), "header")
            p.stdout.close()
            err = p.stderr.read()
            status = p.wait(60)
            expect(prefix or (status == 0 and err == b""), "closed pipe", status, err)


def test_full_disk(path):
    if not os.path.exists("/dev/full"):
        return
    for arguments in ([path], ["-s", "srcip", path], ["--output-items=p", path], ["--help"]):
        with open("/dev/full", "wb") as full:
            _, err, status = alone(*arguments, stdout=full)
        expect(status == 6 and len(errors(err)) == 1 and "No space left on device" in err,
               arguments, err, status)
    script = f"exec '{chain.program('fdistdump')}' {QUIET} -l 1 '{path}' >&-"
    _, err, status = run(["sh", "-c", script])
    expect(status == 6 and "cannot write the output: Bad file descriptor" in err, "closed", err)


def test_closed_descriptors(work, path):
    """The progress file does not become the standard output that is missing."""
    progress = os.path.join(work, "progress")
    script = (f"exec '{chain.program('fdistdump')}' --progress-bar-type=json "
              f"--progress-bar-dest='{progress}' -l 1 '{path}' <&- >&-")
    _, _, status = run(["sh", "-c", script])
    expect(status == 6, "status", status)
    with open(progress, encoding="ascii") as f:
        expect(f.read() == '{"total":100,"slave1":100}\n', "progress file")


def test_progress(work, path):
    progress = os.path.join(work, "progress2")
    program = chain.program("fdistdump")
    arguments = ["--progress-bar-type=json", f"--progress-bar-dest={progress}", "-s", "srcip", "-l",
                 "1", f"%1:{path}", f"%2:{path}", f"%2:{path}"]
    for _ in range(5):
        out, err, status = run([*MPI, "-n", "3", program, *arguments])
        expect(status == 0 and err == "", "progress", out, err, status)
        with open(progress, encoding="ascii") as f:
            text = f.read()
        expect(text == '{"total":100,"slave1":100,"slave2":100}\n', "progress file", text)
    out, err, status = run([program, "-l", "1", "--progress-bar-type=total", path])
    expect(status == 0 and err.endswith("\nreading files: 1/1 (100 %) DONE\n"), "stderr", err)
    out, err, status = run([program, "-l", "1", path])
    expect(status == 0 and err == "", "no terminal", err)
    out, err, status = run([program, "--progress-bar-dest=/nonexistent/x", "-l", "1", path])
    expect(status == 0 and len(warnings(err)) == 1 and "no progress" in err, "bad file", err)


def test_progress_readers(work, path):
    """Whoever reads the file while a job works finds one whole line, and no line of the last job."""
    progress = os.path.join(work, "progress3")
    with open(progress, "w", encoding="ascii") as f:
        f.write('{"total":100,"slave1":100,"slave2":100,"slave3":100}\n' * 3)
    with subprocess.Popen([*MPI, "-n", "3", chain.program("fdistdump"), "--progress-bar-type=json",
                           f"--progress-bar-dest={progress}", "-a", "srcip,dstip", "-l", "1",
                           *[f"%1:{path}", f"%2:{path}"] * 150], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=chain.environment(chain.NO_MPI_LEAKS)) as p:
        seen = set()
        while p.poll() is None:
            with open(progress, encoding="ascii") as f:
                seen.add(f.read())
    expect(p.returncode == 0, "exit status", p.returncode)
    seen = {text for text in seen if "slave3" not in text}
    expect(len(seen) >= 3, "lines", seen)
    for text in seen:
        expect(text.count("\n") == 1 and text.endswith("\n"), "lines", text)
        expect(set(json.loads(text)) == {"total", "slave1", "slave2"}, "members", text)
    expect([name for name in os.listdir(work) if name.startswith("progress3")] == ["progress3"],
           "files left behind", os.listdir(work))


# ---- terminals ----------------------------------------------------------------------------------

BOLD, PLAIN = "\033[1m", "\033[0m"


def on_terminal(command, env=None, columns=200):
    """(what a terminal shows, exit status) of a command whose output and errors go to it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = chain.environment(chain.NO_MPI_LEAKS)
    environment.pop("NO_COLOR", None)
    environment.update({"TERM": "xterm", **(env or {})})
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                          env=environment) as p:
        os.close(slave)
        text = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # how the end looks on Linux
                break
            if part == b"":
                break
            text += part
    os.close(master)
    return text.decode().replace("\r\n", "\n"), p.returncode


def test_terminal(path):
    program = chain.program("fdistdump")
    words = [program, "-s", "srcip", "--output-items=r,p,m", path]
    text, status = on_terminal(words)
    expect(status == 0 and text.count(BOLD) == 3 and text.count(PLAIN) == 3, "headings", text)
    for heading in ("srcip ", "processed records summary:", "metadata summary:"):
        expect(BOLD + heading in text, heading, text)
    expect("reading files: 1/1 (100 %) DONE\n" in text, "progress", text)

    def without_time(answer):
        return re.sub(r"\t.* seconds, .*", "", re.sub(r"reading files: .*[\r\n]", "", answer))

    # But for the emphasis it is what a pipe gets, conversions included.
    piped, err, _ = run(words)
    expect(err == "" and "\033" not in piped, "pipe", piped, err)
    expect(without_time(text.replace(BOLD, "").replace(PLAIN, "")) == without_time(piped),
           "terminal and pipe differ", text, piped)
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
        text, status = on_terminal(words, env)
        expect(status == 0 and "\033" not in text, env, text)
    text, _ = on_terminal(words, {"NO_COLOR": ""})
    expect(BOLD in text, "empty NO_COLOR", text)
    for form in ("csv", "json"):
        text, _ = on_terminal([*words, "--output-format=" + form])
        expect("\033" not in text and "reading files: " in text, form, text)
    text, _ = on_terminal([*words, QUIET])
    expect("reading files" not in text, QUIET, text)
    # Standard output elsewhere: the bar is still seen, and nothing is bold.
    text, _ = on_terminal(["sh", "-c", f"'{program}' -s srcip '{path}' | cat"])
    expect("\033" not in text and "DONE\n" in text, "pipe behind", text)
    # A launcher gives its processes a terminal of its own.
    out, err, status = run([*MPI, "-n", "2", *words])
    expect(status == 0 and "\033" not in out + err, "mpiexec", out, err)
    text, _ = on_terminal([program, "--progress-bar-type=perslave", "-l", "1", path], columns=30)
    expect(text.startswith("reading files: total: 0/1 ...\r"), "narrow", repr(text))
    # Rows that are shorter than the bar leave nothing of it.
    text, _ = on_terminal([program, "-l", "2", "--output-format=csv", "--output-fields=proto", path])
    before = text[:text.index("proto\n")]
    expect(re.fullmatch(r"reading files: 0/1 \(0 %\) \.\.\.\r +\r", before), "bar", repr(text))


# ---- strict -------------------------------------------------------------------------------------

def test_strict(work, path):
    """What is a warning is an error then, after the answer and after saying which."""
    cut = os.path.join(work, "strict-cut")
    with open(path, "rb") as f:
        content = f.read()
    with open(cut, "wb") as f:
        f.write(content[:-len(content) // 3])
    text = os.path.join(work, "strict-text")
    with open(text, "wb") as f:
        f.write(b"no flows here\n" * 100)
    for bad, expected in (("/nonexistent/file", 8), ("%x", 8), ("/dev/null", 8), (text, 5), (cut, 5)):
        plain, err, status = alone("-l", "0", "--output-format=csv", path, bad)
        expect(status == 0 and len(warnings(err)) >= 2, bad, err)
        named = warnings(err)[0]
        expect(bad in named, bad, named)
        for verbosity in ("0", "2"):
            out, err, status = alone("--strict", "-v", verbosity, "--output-format=csv", path, bad)
            expect(status == expected and out == plain, bad, err, status)
            expect(named in warnings(err) and len(errors(err)) == 1, bad, err)
            expect(err.splitlines()[-1] == errors(err)[0] and "--strict: " in errors(err)[0], err)
        for items in ("r", "p", "m"):
            if bad != cut or items != "m":  # headers are all there is to read
                _, err, status = alone("--strict", "--output-items=" + items, path, bad)
                expect(status == expected, bad, items, err, status)
        _, err, status = job(3, "--strict", "--output-format=csv", f"%1:{path}",
                             bad if bad.startswith("%") else f"%2:{bad}")
        expect(status == expected and len(errors(err)) == 1 and "MPI: 1/3 " in errors(err)[0],
               bad, err, status)
    for runner in (alone, lambda *a: job(2, *a)):
        out, err, status = runner("--strict", "-s", "srcip", path)
        expect(status == 0 and err == "", "nothing is wrong", out, err, status)
    # Neither the progress nor a command line that is wrong have to do with it.
    _, err, status = run([chain.program("fdistdump"), "--strict", "--progress-bar-dest=/nonexistent/x",
                          "-l", "1", path])
    expect(status == 0 and len(warnings(err)) == 1, "progress", err, status)


# ---- ends ---------------------------------------------------------------------------------------

def long_job(path):
    """A job of three processes that has much to do, and its fdistdump processes by id."""
    keys = "srcip,dstip,srcport,dstport,first,last"
    p = subprocess.Popen([*MPI, "-n", "3", chain.program("fdistdump"), QUIET, "-a", keys,
                          "--num-threads=1", *[path] * 3000], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         env=chain.environment(chain.NO_MPI_LEAKS))
    deadline = time.monotonic() + 60
    ranks = []
    while len(ranks) < 3 and time.monotonic() < deadline and p.poll() is None:
        time.sleep(0.05)
        ranks = chain.ranks_of(p)
    expect(len(ranks) == 3, "the job did not start", p.poll())
    time.sleep(1)
    expect(p.poll() is None, "the job was over too soon")
    return p, ranks


def test_killed_rank(path):
    """A process that dies ends the job soon, whoever it is; so does the signal of a user."""
    for victim in (0, 1, 2, None):
        p, ranks = long_job(path)
        if victim is None:
            p.send_signal(signal.SIGTERM)
        else:
            os.kill(ranks[victim], signal.SIGKILL)
        end = time.monotonic() + 60
        while any(chain.lives(pid) for pid in ranks) and time.monotonic() < end:
            time.sleep(0.05)
        left = [pid for pid in ranks if chain.lives(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        try:
            p.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            # Open MPI 4.1's mpiexec can lock itself up in its own end, all processes being gone.
            print("mpiexec did not end after its job", flush=True)
            p.kill()
            p.communicate()
        expect(p.returncode != 0, "exit status", victim, p.returncode)
        expect(not left, "processes are left", victim, left)


def main():
    with chain.workspace() as work:
        path = make_flows(work)
        test_bad_arguments(path)
        test_missing_path(path)
        test_different_options(path)
        test_help(path)
        test_empty_filter(path)
        test_old_spellings(path)
        test_bad_paths(work, path)
        test_bad_files(work, path)
        test_cut_files(work, make_flows(work, "many", compression="none"))
        test_wrong_statistics(work)
        test_times(work, path)
        test_front_end(work, path)
        test_stdin(path)
        test_closed_pipe(path)
        test_full_disk(path)
        test_closed_descriptors(work, path)
        test_progress(work, path)
        test_progress_readers(work, path)
        test_terminal(path)
        test_strict(work, path)
        test_killed_rank(path)
    print("all cases end as documented")


if __name__ == "__main__":
    main()
