# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of a collector in mid-window: every block it had completed is readable, the other collector
and the proxy go on, and a restarted collector continues the file: what was complete and all that is
new is readable by fdistdump and nfdump."""

import os
import re
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FLOWS = 200000
MORE = 30000
# One file for all of it, whenever this runs.
STORE = "<compress>no</compress><dumpInterval><timeWindow>31536000</timeWindow></dumpInterval>"
FILE_HEADER, BLOCK_HEADER = 40, 12


def flowgen(port, count, seed, *args):
    return [sc.program("flowgen"), f"--count={count}", f"--seed={seed}", f"--tcp=127.0.0.1:{port}",
            *args]


def block_ends(path):
    """Where each complete block of a file ends, as the block headers say: records, then size."""
    with open(path, "rb") as f:
        octets = f.read()
    at, ends = FILE_HEADER, []
    while at + BLOCK_HEADER <= len(octets):
        at += BLOCK_HEADER + struct.unpack_from("<I", octets, at + 4)[0]
        if at <= len(octets):
            ends.append(at)
    return ends


def wait_for_blocks(directory, count, collector, timeout=60):
    end = time.monotonic() + timeout
    while sum(len(block_ends(path)) for path in sc.flow_files(directory)) < count:
        assert time.monotonic() < end, collector.log()
        time.sleep(0.02)


def flow_records_of_blocks(path):
    """Flow records in each complete block, by libnf-info. It ends with 1 for a file without an end."""
    result = subprocess.run([sc.program("libnf-info"), "--blocks", path], capture_output=True,
                            text=True, env=sc.environment())
    assert result.returncode in (0, 1), result.stderr
    return [int(n) for n in re.findall(r"(?m)^  block .* (\d+) flow records$", result.stdout)]


def check_killed_file(path):
    """All complete blocks are readable, and nothing else; returns their flow records."""
    blocks = flow_records_of_blocks(path)
    ends = block_ends(path)
    left = sc.fdistdump_totals(os.path.dirname(path))[0]
    print(f"after kill -9: {left} records readable in {len(blocks)} blocks, "
          f"{os.path.getsize(path) - ends[-1] if ends else 0} octets behind them")
    assert blocks and len(blocks) == len(ends), (blocks, ends)
    assert min(blocks) > 0 and left == sum(blocks), (left, blocks)
    return left


def tear(path):
    """As if the end had come in the middle of writing a block: the begin of the first one again."""
    with open(path, "r+b") as f:
        f.seek(FILE_HEADER)
        torn = f.read(1000)
        f.seek(0, os.SEEK_END)
        f.write(torn)


def restart(work, victim):
    """The same configuration again; takes MORE flows of its own and stops."""
    with open(victim.config, encoding="utf-8") as f:
        xml = f.read()
    port = int(re.search(r"<localPort>(\d+)</localPort>", xml).group(1))
    again = sc.Collector(work, "restarted", xml).wait_ready()
    try:
        subprocess.run(flowgen(port, MORE, 8), check=True, env=sc.environment(), timeout=120,
                       stdout=subprocess.DEVNULL)
        again.stop()
    finally:
        again.kill()


def main():
    with sc.chain(store=STORE) as c:
        sender = subprocess.Popen(flowgen(c.port, FLOWS, 7, "--rate=40000"), env=sc.environment(),
                                  stdout=subprocess.DEVNULL)
        victim = c.collectors[0]
        wait_for_blocks(c.dirs[0], 4, victim)
        victim.process.send_signal(signal.SIGKILL)
        victim.process.wait()
        files = sc.flow_files(c.dirs[0])
        assert len(files) == 1, f"the killed collector has written {files}"
        assert sender.poll() is None, "everything was sent before the collector was killed"
        left = check_killed_file(files[0])

        sender.wait(timeout=240)
        assert sender.returncode == 0, "the exporter was disturbed"
        assert c.proxy.process.poll() is None, c.proxy.log()
        c.proxy.stop()
        c.collectors[1].stop()
        other = sc.fdistdump_totals(c.dirs[1])[0]
        print(f"the other collector holds {other}, together {left + other} of {FLOWS}")
        # What the killed collector had received but not written as a block is lost with it; nothing else.
        assert other > FLOWS // 2
        assert left + other <= FLOWS

        tear(files[0])
        assert check_killed_file(files[0]) == left
        restart(c.work, victim)
        assert sc.flow_files(c.dirs[0]) == files, "the restarted collector began another file"
        totals = sc.fdistdump_totals(c.dirs[0])
        print(f"after the restart: {totals[0]} records, {left} of before and {MORE} new ones expected")
        assert totals[0] == left + MORE
        assert sum(flow_records_of_blocks(files[0])) == left + MORE
        if sc.have_nfdump():
            assert sc.nfdump_totals(c.dirs[0]) == totals
        else:
            print("nfdump is not installed: not compared")


main()
