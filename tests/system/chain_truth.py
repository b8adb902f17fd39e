# SPDX-License-Identifier: BSD-3-Clause
"""Generated flows through proxy and two collectors over TCP and UDP: files and queries equal the
generator's truth; the answer is the same on 1, 2, 3 and 5 processes."""

import csv
import os
import re
import subprocess
import sys
import time
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FLOWS = 30000


def generate(work):
    """IPFIX File and the rows of its truth."""
    path = os.path.join(work, "flows.ipfix")
    truth = os.path.join(work, "truth.csv")
    subprocess.run([sc.program("flowgen"), f"--count={FLOWS}", "--seed=3", f"--file={path}"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sc.program("flowgen"), f"--count={FLOWS}", "--seed=3", f"--truth={truth}"],
                   check=True, stdout=subprocess.DEVNULL)
    names = ("first last srcip dstip srcport dstport proto flags packets bytes tos srcas dstas inif "
             "outif srcmask dstmask").split()
    with open(truth, encoding="ascii", newline="") as f:
        rows = [dict(zip(names, r)) for r in csv.reader(f) if r and r[0].isdigit()]
    assert len(rows) == FLOWS, len(rows)
    return path, rows


def top(rows, key, value, count=10):
    sums = Counter()
    for r in rows:
        sums[r[key]] += int(r[value])
    return sorted(sums.items(), key=lambda x: (-x[1], x[0]))[:count]


def check_store(c, rows):
    wanted = (FLOWS, sum(int(r["packets"]) for r in rows), sum(int(r["bytes"]) for r in rows))
    assert sc.fdistdump_totals(*c.dirs) == wanted, (sc.fdistdump_totals(*c.dirs), wanted)
    if sc.have_nfdump():
        assert sc.nfdump_totals(*c.dirs) == wanted
        for path in sc.flow_files(*c.dirs):
            r = subprocess.run(["nfdump", "-v", path], capture_output=True, text=True, check=False)
            assert r.returncode == 0 and not r.stderr.strip(), (path, r.stdout, r.stderr)
    shares = [sc.fdistdump_totals(d)[0] for d in c.dirs]
    # A collector that is busy is passed over, so on a loaded machine shares differ; none is left out.
    assert all(s > FLOWS * 0.1 for s in shares), shares


def check_fields(c, rows):
    """Every field of every record, not only sums."""
    fields = "first,last,srcip,dstip,srcport,dstport,proto,flags,packets,bytes,tos,srcas,dstas,inif,outif,srcmask,dstmask"
    out, _, _ = sc.fdistdump(["--output-format=csv", "--output-items=r", "--output-addr-conv=str",
                              f"--output-fields={fields}", *c.dirs])
    stored = Counter(out.splitlines()[1:])
    truth = Counter(",".join(r[f] for f in fields.split(",")) for r in rows)
    difference = (truth - stored) + (stored - truth)
    assert not difference, list(difference.items())[:5]


def without_time(text):
    """The wall time and rate of the summary differ from run to run."""
    return re.sub(r"\t[\d.]+ seconds, .*", "\tSECONDS", text)


def check_ranks(c):
    """The same answer however many processes share the work."""
    files = sc.flow_files(*c.dirs)
    assert len(files) == 2, files
    spread = {
        1: files,
        2: files,
        3: [f"%{i + 1}:{f}" for i, f in enumerate(files)],
        5: [f"%{2 * i + 1}:{f}" for i, f in enumerate(files)],
    }
    queries = [
        ["-s", "srcip#bytes"],
        ["-s", "dstport,proto#flows", "-l", "25"],
        ["-a", "srcip/24/48", "-o", "packets#asc", "-l", "40"],
        ["-a", "first/300", "-o", "first", "--output-fields=flows,bytes,bps"],
        ["-o", "bytes", "-l", "30"],
        ["-o", "duration#asc", "-l", "30", "--output-format=csv"],
        ["-f", "proto udp and src port 53", "-s", "dstip#bytes"],
        ["-a", "ip", "-o", "flows", "-l", "15"],
        ["--output-items=m"],
    ]
    for query in queries:
        answers = {}
        for ranks, paths in spread.items():
            for threads in ("1", "3"):
                out, _, _ = sc.fdistdump([f"--num-threads={threads}", *query, *paths], ranks=ranks)
                answers[ranks, threads] = without_time(out)
        first = answers[1, "1"]
        assert first.strip(), query
        for key, answer in answers.items():
            assert answer == first, f"{query}: {key} differs:\n{answer}\n---\n{first}"


def check_top(c, rows):
    out, _, _ = sc.fdistdump(["-s", "srcip#bytes", "--output-format=csv", "--output-addr-conv=str",
                              "--output-fields=", "--output-items=r", *c.dirs])
    got = [(r["srcip"], int(r["bytes"])) for r in csv.DictReader(out.splitlines())]
    assert [v for _, v in got] == [v for _, v in top(rows, "srcip", "bytes")], got
    assert dict(got).items() <= dict(top(rows, "srcip", "bytes", 10**9)).items()


def main():
    with sc.workspace() as work:
        path, rows = generate(work)
        for store in ("<compress>no</compress>", "<compress>lz4</compress>"):
            with sc.chain(store=store) as c:
                sc.send_file(path, c.port)
                c.stop()
                check_store(c, rows)
                check_fields(c, rows)
                check_top(c, rows)
                if "lz4" in store:
                    check_ranks(c)
        with sc.chain(proxy_input="udpCollector") as c:
            subprocess.run([sc.program("ipfixsend"), "-i", path, "-d", "127.0.0.1", "-p", str(c.port),
                            "-t", "UDP", "-n", "1", "-S", "3000"], check=True)
            time.sleep(0.5)
            c.stop()
            check_store(c, rows)
        print("files and answers equal the truth")


main()
