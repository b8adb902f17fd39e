# SPDX-License-Identifier: BSD-3-Clause
"""The samples of tests/data through proxy and two collectors: what is stored is what tshark counted in
the exports. Real exporter software made them, so this needs nothing beside the repository."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

DATA = os.path.join(sc.SOURCE, "tests", "data")
SAMPLES = ("softflowd.ipfix", "softflowd-netflow9.pcap", "softflowd-netflow5.pcap")


def main():
    for name in SAMPLES:
        path = os.path.join(DATA, name)
        with open(os.path.splitext(path)[0] + ".expect.json", encoding="utf-8") as f:
            expect = json.load(f)
        wanted = (expect["flow_records"], expect["packets"], expect["bytes"])
        assert all(wanted), wanted
        over_tcp = name.endswith(".ipfix")
        with sc.chain(proxy_input="tcpCollector" if over_tcp else "udpCollector") as c:
            if over_tcp:
                sc.send_file(path, c.port)
            else:
                sc.replay_pcap(path, c.port, rate=1000)
            c.stop()
            stored = sc.fdistdump_totals(*c.dirs)
            print(f"{name}: {wanted} expected, {stored} stored")
            assert stored == wanted, c.logs()
            if sc.have_nfdump():
                assert sc.nfdump_totals(*c.dirs) == wanted


main()
