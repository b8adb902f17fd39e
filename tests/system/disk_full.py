# SPDX-License-Identifier: BSD-3-Clause
"""A disk that fills up under lnfstore: the collector goes on, says so once, loses only what it says
it lost, and writes again when there is room."""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

SIZE_MIB = 12
FLOWS = 150000  # about 15 MiB stored without compression


def mount(path):
    if os.getuid() != 0:
        sc.skip("a small tmpfs can be mounted by root only")
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", path],
                       capture_output=True, text=True, check=False)
    if r.returncode != 0:
        sc.skip(f"no tmpfs can be mounted here: {r.stderr.strip()}")


def send(port, count, seed):
    subprocess.run([sc.program("flowgen"), f"--count={count}", f"--seed={seed}",
                    f"--tcp=127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL, timeout=120)


def wait_for(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.05)


def records(*directories):
    return sc.fdistdump_totals(*directories)[0]


def fill_up(work, disk):
    port = sc.free_ports(1)[0]
    xml = sc.startup(sc.listen("tcpCollector", port), sc.lnfstore(
        disk, "<compress>no</compress><dumpInterval><timeWindow>86400</timeWindow></dumpInterval>"))
    filler = os.path.join(disk, "filler")
    with open(filler, "wb") as f:
        f.write(bytes(8 << 20))
    collector = sc.Collector(work, "full", xml).wait_ready()
    try:
        send(port, FLOWS, 1)
        wait_for(lambda: "No space left" in collector.log(), collector.log)
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == 1, collector.log)
        time.sleep(1)  # what is queued is tried, and lost
        os.unlink(filler)
        readable = records(disk)
        assert 0 < readable < FLOWS, readable
        send(port, 10000, 2)
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == 2, collector.log)
        collector.stop()
    finally:
        collector.kill()
    text = collector.log_text()
    assert len(re.findall(r"ERROR: lnfstore: cannot write: .*No space left", text)) == 1, text
    lost = [int(n) for n in re.findall(r"(\d+) records could not be written", text)]
    assert len(lost) == 1 and lost[0] > 0, text
    stored = records(disk)
    assert stored + lost[0] == FLOWS + 10000, (stored, lost, text)
    assert stored >= readable + 10000, (stored, readable)
    if sc.have_nfdump():
        assert sc.nfdump_totals(disk)[0] == stored


def full_from_the_start(work, disk):
    """Not even the file's header fits at first."""
    for name in os.listdir(disk):
        subprocess.run(["rm", "-rf", os.path.join(disk, name)], check=True)
    port = sc.free_ports(1)[0]
    xml = sc.startup(sc.listen("tcpCollector", port), sc.lnfstore(
        disk, "<compress>yes</compress><dumpInterval><timeWindow>86400</timeWindow></dumpInterval>"))
    filler = os.path.join(disk, "filler")
    with open(filler, "wb") as f:
        try:
            while f.write(bytes(65536)):
                f.flush()
        except OSError:
            pass
    collector = sc.Collector(work, "start", xml).wait_ready()
    try:
        send(port, 30000, 1)
        wait_for(lambda: "No space left" in collector.log(), collector.log)
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == 1, collector.log)
        time.sleep(0.5)
        os.unlink(filler)
        send(port, 30000, 2)
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == 2, collector.log)
        collector.stop()
    finally:
        collector.kill()
    text = collector.log_text()
    lost = sum(int(n) for n in re.findall(r"(\d+) records could not be written", text))
    files = sc.flow_files(disk)
    assert len(files) == 1 and re.fullmatch(r"lnf\.\d{14}", os.path.basename(files[0])), files
    stored = records(disk)
    assert stored + lost == 60000 and stored >= 30000 and lost > 0, (stored, lost, text)


def main():
    with sc.workspace() as work:
        disk = os.path.join(work, "disk")
        os.mkdir(disk)
        mount(disk)
        try:
            for test in (fill_up, full_from_the_start):
                test(work, disk)
                print(f"{test.__name__}: ok", flush=True)
        finally:
            subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    main()
