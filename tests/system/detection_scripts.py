# SPDX-License-Identifier: BSD-3-Clause
"""Detection scripts that are installed: what they find in known traffic, the windows they cut, their
log, and what they say about bad arguments and failing queries. In every shell that is there."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

FOLDER = os.path.join(chain.SOURCE, "fdistdump", "detection")
SCRIPTS = ("syn-flood.sh", "amplification.sh")
RANGE = "01/15/2026 10:00#01/15/2026 10:30"
START = 1768471200
SHELLS = [command for command in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"])
          if shutil.which(command[0])]


def run(script, *arguments, shell=("sh",), fdistdump=None, cwd=None):
    """(stdout, stderr, status)."""
    env = chain.environment({**chain.NO_MPI_LEAKS,
                             "FDISTDUMP": fdistdump or chain.program("fdistdump")})
    r = subprocess.run([*shell, os.path.join(FOLDER, script), *arguments], capture_output=True,
                       text=True, stdin=subprocess.DEVNULL, timeout=300, env=env, cwd=cwd)
    return r.stdout, r.stderr, r.returncode


def make_files(work, attacks):
    directory = os.path.join(work, attacks)
    subprocess.run([chain.program("make_attack_files"), directory, attacks], check=True,
                   env=chain.environment())
    return os.path.join(directory, "border")


def parse(text):
    """Reports as (title, {name: value}, rows of the sample)."""
    reports = []
    for report in filter(None, text.split("\n\n")):
        lines = report.splitlines()
        values = dict(re.findall(r"^ {4}(\S.*?) {2,}(\S.*)$", report, flags=re.M))
        sample = lines.index("    sample of up to 100 flows:")
        reports.append((lines[0], values, lines[sample + 2:]))
    return reports


def finds(data, shell):
    out, err, status = run("syn-flood.sh", "-t", RANGE, data, shell=shell)
    assert (status, err) == (0, ""), (status, err)
    reports = parse(out)
    assert len(reports) == 1, out
    title, values, sample = reports[0]
    assert title == "2026-01-15 10:10 - 2026-01-15 10:20 UTC: SYN flood", title
    assert values["source"] == "203.0.113.66" and values["target"] == "10.20.0.80", values
    assert values["flows"] == "120000" and values["SYN+ACK packets"] == "0", values
    assert values["packets"] == values["SYN packets"] and len(sample) == 100, values
    for port, victim, amplifiers in (("53", "10.20.5.5", "198.51.100."), ("123", None, None)):
        out, err, status = run("amplification.sh", "-p", port, "-t", RANGE, data, shell=shell)
        assert (status, err) == (0, ""), (status, err)
        reports = parse(out)
        if victim is None:  # answers of NTP are never that large
            assert not reports, out
            continue
        assert len(reports) == 1, out
        title, values, sample = reports[0]
        assert title == ("2026-01-15 10:10 - 2026-01-15 10:20 UTC: amplification, source port "
                         + port), title
        assert values["target"] == victim and values["reliability"] == "100 %", values
        assert values["flows"] == "14000" and len(sample) == 100, values
        assert re.fullmatch(r"\d+ bits/second, \d+\.\d flows/second", values["rate"]), values
        assert out.count("        " + amplifiers) == 5, out
        assert all(amplifiers in row and victim in row for row in sample), sample


def reliability(data, work):
    """One alike amplifier of two is enough for a report, none is not; it takes 500 flows. One that is
    alone (its last is None) counts once."""
    answers = {"first": "10.0.0.1", "last": "10.0.0.2"}
    fake = os.path.join(work, "fake")
    for first, last, expected in ((0, 0, "100 %"), (9, 9, "100 %"), (10, 0, "50 %"),
                                  (0, 10, "50 %"), (10, 10, None), (-1, -1, None), (-1, 9, "50 %"),
                                  (0, None, "50 %"), (10, None, None)):
        rows = [f'{answers["first"]},10.9.9.9,100,600,1']
        if last is not None:
            rows.append(f'{answers["last"]},10.9.9.9,90,600,1')
        with open(fake, "w", encoding="utf-8") as f:
            f.write(f"""#!/bin/sh
sizes() {{ # number of changes; -1: a flow is missing
    awk -v changes=$1 'BEGIN {{ print "bytes"; n = changes < 0 ? 499 : 500
        for (i = 0; i < n; i++) print (i < changes ? i : changes) }}'
}}
case "$*" in
*'-a dstip '*) echo head; echo 10.9.9.9,100,100000,100,1300.0,1000000.0,60000 ;;
*'-a srcip,dstip '*) echo head
    printf '%s\\n' {" ".join(rows)} ;;
*'src ip {answers["first"]} '*) sizes {first} ;;
*'src ip {answers["last"]} '*) sizes {last or 0} ;;
*) echo flows ;;
esac
""")
        os.chmod(fake, 0o755)
        out, err, status = run("amplification.sh", "-t", f"{START}#{START + 600}", data,
                               fdistdump=fake)
        assert (status, err) == (0, ""), (status, err)
        got = re.findall(r"reliability +(.*)", out)
        assert got == ([expected] if expected else []), (first, last, got)


def thresholds(work):
    """Both conditions of a victim, and those of a SYN flood, on either side of their limits."""
    fake = os.path.join(work, "fake")
    script = """#!/bin/sh
case "$*" in
*'-a dstip '*) echo head; echo "10.9.9.9,$VICTIM" ;;
*'-a srcip,dstip -o flows'*) echo head; echo "10.1.1.1,10.9.9.9,$PAIR" ;;
*'-a srcip,dstip -o packets'*) echo head; echo 10.1.1.1,10.9.9.9,100,600,1 ;;
*--output-items=p*'flags SA and'*) echo flows,packets,bytes; echo "1,$SYNACK,1" ;;
*--output-items=p*'flags S and'*) echo flows,packets,bytes; echo "1,$SYN,1" ;;
*--output-fields=bytes*) yes 7 | head -n 501 ;;
*) echo flows ;;
esac
"""
    with open(fake, "w", encoding="utf-8") as f:
        f.write(script)
    os.chmod(fake, 0o755)
    for victim, found in (("10,1,1,1300.0,1000000.0,60000", True),
                          ("10,1,1,1300.0,999999.9,60000", False),
                          ("1000,1,1,1300.0,1.0,999", True), ("1000,1,1,1300.0,1.0,1000", False),
                          ("10,1,1,1300.0,NaN,0", True), ("0,1,1,1300.0,NaN,0", False)):
        os.environ["VICTIM"] = victim
        out, err, status = run("amplification.sh", "-t", "0#600", "x", fdistdump=fake)
        assert (status, err, bool(out)) == (0, "", found), (victim, out, err, status)
    for pair, syn, syn_ack, found in (("100000,199999", 3, 1, True), ("99999,99999", 3, 1, False),
                                      ("100000,200000", 3, 1, False),
                                      ("100000,100000", 2, 1, False),
                                      ("100000,100000", 1, 0, True),
                                      ("100000,100000", 0, 0, False)):
        os.environ.update(PAIR=pair, SYN=str(syn), SYNACK=str(syn_ack))
        out, err, status = run("syn-flood.sh", "-t", "0#600", "x", fdistdump=fake)
        assert (status, err, bool(out)) == (0, "", found), (pair, syn, syn_ack, out, err, status)


def windows(work):
    """Ranges of the queries, seen by a program in fdistdump's place."""
    seen = os.path.join(work, "seen")
    fake = os.path.join(work, "fake")
    with open(fake, "w", encoding="utf-8") as f:
        f.write(f"""#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -T ] && echo "$2" >>'{seen}'; shift; done
echo head
""")
    os.chmod(fake, 0o755)
    for width, text, expected in (
            (None, f"{START}#{START + 1800}", [(0, 600), (600, 1200), (1200, 1800)]),
            (None, f"{START}#{START + 1500}", [(0, 600), (600, 1500)]),
            (None, f"{START}#{START + 300}", [(0, 300)]),
            (None, f"{START + 299}#{START + 301}", [(0, 600)]),
            ("300", f"{START + 1}#{START + 900}", [(0, 300), (300, 600), (600, 900)]),
            ("86400", RANGE, [(0, 1800)]),
            ("900", "1/15/2026 9:45#01/15/2026 10:30", [(-900, 0), (0, 900), (900, 1800)]),
            ("172800", "02/28/2024 23:50#03/01/2024 00:05",  # across February 29
             [(1709164200 - START, 1709251500 - START)]),
            (None, "12/31/2099 23:50#01/01/2100 00:00",
             [(4102444200 - START, 4102444800 - START)])):
        if os.path.exists(seen):
            os.remove(seen)
        for shell in SHELLS:
            out, err, status = run("syn-flood.sh", *(["-w", width] if width else []), "-t", text,
                                   "path", shell=shell, fdistdump=fake)
            assert (out, err, status) == ("", "", 0), (text, out, err, status)
        with open(seen, encoding="utf-8") as f:
            got = f.read().split()
        wanted = [f"{START + a}#{START + b}" for a, b in expected]
        assert got == wanted * len(SHELLS), (text, got, wanted)


def log_file(data, work):
    """Reports are appended, to a name with blanks too; nothing is printed."""
    log = os.path.join(work, "a log")
    for count in (1, 2):
        assert run("syn-flood.sh", "-t", RANGE, "-l", log, data) == ("", "", 0)
        with open(log, encoding="utf-8") as f:
            assert len(parse(f.read())) == count
    out, err, status = run("syn-flood.sh", "-t", RANGE, "-l", "/nonexistent/log", data)
    assert out == "" and status == 1 and "cannot write /nonexistent/log" in err, (out, err, status)


BAD_ARGUMENTS = (
    ([], "no path given"), (["-t", RANGE], "no path given"), (["x"], "is not BEGIN#END"),
    (["-t", "01/15/2026 10:00", "x"], "is not BEGIN#END"),
    (["-t", "#", "x"], "'' is not MM/DD/YYYY HH:MM"),
    (["-t", "02/29/2026 10:00#1", "x"], "'02/29/2026 10:00' is not"),
    (["-t", "13/01/2026 10:00#1", "x"], "is not"), (["-t", "01/15/2026 24:00#1", "x"], "is not"),
    (["-t", "01/15/2026 10:00#never", "x"], "'never' is not"), (["-t", "-5#5", "x"], "is not"),
    (["-t", "600#300", "x"], "is empty"), (["-t", "600#600", "x"], "is empty"),
    (["-w", "0", "-t", RANGE, "x"], "-w: '0'"), (["-w", "450", "-t", RANGE, "x"], "-w: '450'"),
    (["-w", "-300", "-t", RANGE, "x"], "-w: '-300'"), (["-w", "0600", "-t", RANGE, "x"], "-w:"),
    (["-n", "0", "-t", RANGE, "x"], "-n: '0'"), (["-n", "x", "-t", RANGE, "x"], "-n: 'x'"),
    (["-n", "$(id)", "-t", RANGE, "x"], "-n: '$(id)'"),
)


def bad_arguments():
    for script in SCRIPTS:
        for shell in SHELLS:
            for arguments, text in BAD_ARGUMENTS:
                out, err, status = run(script, *arguments, shell=shell, fdistdump="/nonexistent")
                assert (out, status) == ("", 1) and err.startswith(script) and text in err, (
                    script, arguments, out, err, status)
            out, err, status = run(script, "-h", shell=shell)
            assert status == 0 and err == "" and out.startswith(f"Usage: {script}"), (out, err)
            assert ("-p PORT" in out) == (script == "amplification.sh"), out
            out, err, status = run(script, "-x", shell=shell)
            assert status == 1 and out == "" and "Usage: " in err, (out, err, status)
    for port in ("65536", "-1", "dns", "", "053"):
        out, err, status = run("amplification.sh", "-p", port, "-t", RANGE, "x")
        assert (out, status) == ("", 1) and f"-p: '{port}' is not a port" in err, (port, err)
    out, err, status = run("syn-flood.sh", "-p", "53", "-t", RANGE, "x")
    assert status == 1 and "Usage: " in err, err


def failing_queries(data, work):
    """Whichever query fails, the script ends with status 2 and says which."""
    fake = os.path.join(work, "fake")
    for script, count in (("syn-flood.sh", 4), ("amplification.sh", 5)):
        for failing in range(1, count + 1):
            counter = os.path.join(work, "counter")
            with open(counter, "w", encoding="utf-8") as f:
                f.write("0")
            with open(fake, "w", encoding="utf-8") as f:
                f.write(f"""#!/bin/sh
read -r n <'{counter}'
n=$((n + 1))
echo $n >'{counter}'
[ $n -lt {failing} ] || {{ echo 'Error: broken' >&2; exit 5; }}
exec '{chain.program("fdistdump")}' "$@"
""")
            os.chmod(fake, 0o755)
            for shell in SHELLS:
                with open(counter, "w", encoding="utf-8") as f:
                    f.write("0\n")
                out, err, status = run(script, "-w", "1800", "-t", RANGE, data, shell=shell,
                                       fdistdump=fake)
                assert status == 2 and err.count("Error: broken\n") == 1 and (
                    f"{script}: query failed: " in err), (script, failing, shell, out, err, status)
                with open(counter, encoding="utf-8") as f:
                    assert int(f.read()) == failing, "it went on after the failure"


def odd_paths(data, work):
    """Paths are passed as they are: blanks, asterisks, quotes, a hyphen first."""
    path = os.path.join(work, "it's * a $HOME")
    os.symlink(data, path)
    out, err, status = run("syn-flood.sh", "-t", RANGE, path)
    assert status == 0 and err == "" and len(parse(out)) == 1, (out, err, status)
    # Two channels are asked together.
    out, err, status = run("syn-flood.sh", "-t", RANGE, data, path)
    assert status == 0 and parse(out)[0][1]["flows"] == "240000", (out, err, status)
    # None becomes an option of fdistdump.
    os.symlink(data, os.path.join(work, "-l1"))
    for script in SCRIPTS:
        expected, got = (run(script, "-t", RANGE, "--", name, cwd=work) for name in (data, "-l1"))
        assert got == expected and got[0] and got[2] == 0, (script, got, expected)


def main():
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-x", "-P", chain.SOURCE,
                        *(os.path.join(FOLDER, s) for s in SCRIPTS)], check=True,
                       cwd=chain.SOURCE)
    with chain.workspace() as work:
        everything, nothing = make_files(work, "all"), make_files(work, "none")
        for shell in SHELLS:
            finds(everything, shell)
        out, err, status = run("syn-flood.sh", "-t", RANGE, everything,
                               fdistdump="mpiexec --oversubscribe -n 2 "
                               + chain.program("fdistdump"))
        assert status == 0 and len(parse(out)) == 1, (out, err, status)
        for script in SCRIPTS:
            assert run(script, "-t", RANGE, nothing) == ("", "", 0), script
        reliability(everything, work)
        thresholds(work)
        windows(work)
        log_file(everything, work)
        bad_arguments()
        failing_queries(everything, work)
        odd_paths(everything, work)
    print("detection scripts: ok in", ", ".join(" ".join(s) for s in SHELLS))


if __name__ == "__main__":
    main()
