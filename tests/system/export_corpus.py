# SPDX-License-Identifier: BSD-3-Clause
"""Real exports through proxy and two collectors: what nfdump and fdistdump then read is exactly what
an independent decoder finds in the exports. Needs the sample exports beside the repository."""

import glob
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402
from corpus_differences import DIFFERENT  # noqa: E402

# Records flow files cannot hold: no element of theirs has a place in one.
UNSTORABLE = {"ipfix_vermont_varlen": "strings only"}


def cases():
    """(name, file to send, transport, expectation) of every case with flows."""
    for path in sorted(glob.glob(os.path.join(sc.SHARED, "export", "*", "*.expect.json"))):
        with open(path, encoding="utf-8") as f:
            expect = json.load(f)
        name = expect["name"]
        expect.update(DIFFERENT.get(name, {}))
        if "data_records" not in expect or "sflow" in expect.get("protocols", []):
            continue
        base = path[: -len(".expect.json")]
        # The first of several domains in one file is no trouble; NetFlow comes over UDP only.
        if os.path.exists(base + ".ipfix") and "stream" not in path:
            yield name, base + ".ipfix", "tcpCollector", expect
        elif os.path.exists(base + ".pcap") and "stream" not in path:
            yield name, base + ".pcap", "udpCollector", expect


def run_case(name, path, transport, expect):
    wanted = (expect["data_records"], expect["sum_packets"], expect["sum_bytes"])
    with sc.chain(proxy_input=transport) as c:
        if path.endswith(".ipfix"):
            sc.send_file(path, c.port)
        else:
            sc.replay_pcap(path, c.port, rate=2000)
        c.stop()
        by_nfdump = sc.nfdump_totals(*c.dirs)
        by_fdistdump = sc.fdistdump_totals(*c.dirs)
        if name in UNSTORABLE:
            wanted = (0, 0, 0)
        ok = by_nfdump == wanted and by_fdistdump == wanted
        print(f"{'ok  ' if ok else 'FAIL'} {name}: expected {wanted}, nfdump {by_nfdump}, "
              f"fdistdump {by_fdistdump}", flush=True)
        if not ok:
            print(c.logs())
    return ok


def main():
    if not os.path.isdir(os.path.join(sc.SHARED, "export")):
        sc.skip("no sample exports beside the repository")
    if not sc.have_nfdump():
        sc.skip("nfdump is not installed")
    selected = sys.argv[1:]
    chosen = list(cases())
    with_records = sum(1 for case in chosen if case[3]["data_records"] > 0)
    assert with_records >= 30, f"only {with_records} samples with records were found"
    results = [run_case(*case) for case in chosen if not selected or case[0] in selected]
    print(f"{sum(results)} of {len(results)} exports are stored exactly")
    sys.exit(0 if results and all(results) else 1)


main()
