# SPDX-License-Identifier: BSD-3-Clause
"""flow-data-manager on real folders, and as root on a small disk that is full: what it deletes, what it
leaves alone, what it tells, and its exit status."""

import fcntl
import glob
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

MANUAL = os.path.join(sc.SOURCE, "docs", "man", "flow-data-manager.8")
SLOT_S = 300
MIB = 1 << 20
NUMBERS = r"(\d+) files, (\d+) columns, (\d+) indexes, (\d+) bytes"
SUMMARY = re.compile(rf"delete: {NUMBERS}\nalignment: {NUMBERS}\ncleanup: (\d+) directories, (\d+) indexes, "
                     r"(\d+) bytes\ndisk usage: ([\d.]+) % before, ([\d.]+) % after( \(dry run\))?\n\Z")


def run(*arguments, status=0, **options):
    r = subprocess.run([sc.program("flow-data-manager"), *map(str, arguments)], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, check=False, timeout=120, **options)
    assert r.returncode == status, (arguments, r)
    return r


def summary(r):
    """Numbers of the four lines."""
    match = SUMMARY.search(r.stdout)
    assert match, r
    return [float(n) if "." in n else int(n) for n in match.groups()[:13]]


def flow_files(folder):
    return sorted(glob.glob(folder + "/**/lnf.*", recursive=True))


def slot_path(channel, slot, prefix="lnf."):
    return os.path.join(channel, time.strftime(f"%Y/%m/%d/{prefix}%Y%m%d%H%M%S", time.gmtime(slot)))


def make(channel, slot, size=1000, index=0):
    path = slot_path(channel, slot)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for name, octets in ((path, size), (slot_path(channel, slot, "bfi."), index)):
        if octets:
            with open(name, "wb") as f:
                f.write(bytes(octets))
    return path


def names(folder):
    return sorted(os.path.relpath(p, folder) for p in glob.glob(folder + "/**", recursive=True))


DAY = 1767225600  # 2026-01-01 00:00 UTC


def folder_of(work, name):
    """Two profiles, three channels, four slots a day on two days."""
    root = os.path.join(work, name)
    for channel in ("channels/a", "channels/b", "sub/channels/c"):
        for slot in [DAY + d * 86400 + s * SLOT_S for d in range(2) for s in range(4)]:
            make(os.path.join(root, channel), slot, 1000, 100)
    os.makedirs(os.path.join(root, "rrd/channels"))
    return root


def scan_and_dry_run(work):
    root = folder_of(work, "dry")
    before = names(root)
    r = run(root, "scan")
    assert r.stdout == "" and r.stderr == "", r
    r = run(root, "scan", "-v")
    assert "found: 24 files in 8 columns, 3 channels, 2 profiles" in r.stdout, r
    assert "2026-01-01 00:00:00 to 2026-01-02 00:15:00 UTC" in r.stdout, r
    r = run("-n", root, "delete", "-u", "0", "-c", "1", "--align-to", "day")
    assert summary(r)[:9] == [3, 1, 3, 3300, 9, 3, 9, 9900, 3], r
    assert "(dry run)" in r.stdout and r.stdout.count("would delete") == 15, r
    assert names(root) == before
    told = re.findall("would delete (.*)\n", r.stdout)
    # What it says it would do is what it does.
    r = run(root, "delete", "-v", "-u", "0", "-c", "1", "--align-to", "day")
    assert summary(r)[:9] == [3, 1, 3, 3300, 9, 3, 9, 9900, 3], r
    assert sorted(re.findall("deleted (.*)\n", r.stdout)) == sorted(told), r
    left = names(root)
    assert [n for n in left if "20260101" in n] == [], left
    assert len([n for n in left if "20260102" in n]) == 24, left
    assert r.stderr == "", r


def stops(work):
    for options, columns in ((["-f", "4"], 2), (["-c", "3"], 3), (["-b", "6600"], 2), (["-b", "6601"], 3),
                             (["-f", "100", "-b", "1K"], 1), (["--du-lower-to", "100"], 0),
                             (["-c", "100"], 8)):
        root = folder_of(work, "stop" + "".join(options))
        r = run(root, "delete", "-u", "0", *options)
        assert summary(r)[:2] == [3 * columns, columns], (options, r)
        assert len(flow_files(root)) == 24 - 3 * columns, options
    # Channels and profiles stay without files.
    assert os.path.isdir(os.path.join(root, "channels/a")) and os.path.isdir(os.path.join(root, "sub/channels/c"))


def boundary(work):
    root = folder_of(work, "boundary")
    r = run(root, "delete", "-u", "100", "-c", "1")
    if summary(r)[-2] < 100:
        assert len(flow_files(root)) == 24, r
    # Not reached though everything is deleted: usage of this disk is more than nothing.
    r = run(root, "delete", "-u", "0", "--du-lower-to", "0", status=1)
    assert "no more files to delete" in r.stderr and flow_files(root) == [], r


def errors(work):
    root = folder_of(work, "errors")
    other = folder_of(work, "other")
    for status, arguments, text in (
            (7, [root, "delete"], "stop condition"),
            (7, [root], "neither scan nor delete"),
            (7, [root, "scan", "-c", "1"], "for delete"),
            (8, [root + "/none", "scan"], "No such file"),
            (8, [root + "/rrd/channels", "scan"], "no profile directory"),
            (8, [root, root + "/.", "scan"], "same"),
            (8, [other, root + "/sub", root, "delete", "-c", "1"], "inside")):
        r = run(*arguments, status=status)
        assert text in r.stderr and r.stderr.startswith("Error: flow-data-manager: ") and r.stdout == "", r
    r = run(root, other, "scan", "-v")
    assert "found: 48 files in 8 columns, 6 channels, 4 profiles" in r.stdout, r
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w", encoding="ascii") as full:
            r = subprocess.run([sc.program("flow-data-manager"), "--help"], stdout=full, check=False,
                               stderr=subprocess.PIPE, text=True)
        assert r.returncode == 6 and "cannot be written" in r.stderr, r


def two_runs(work):
    root = folder_of(work, "locked")
    for locked in (root, root + "/sub"):
        fd = os.open(locked, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        r = run(root, "delete", "-u", "0", "-c", "1", status=2)
        assert f"{locked}: another run" in r.stderr and len(flow_files(root)) == 24, r
        assert run(root, "scan").stderr == ""
        os.close(fd)
    run(root, "delete", "-u", "0", "-c", "1")
    assert len(flow_files(root)) == 21


def collector_writes(work):
    """The file a real collector has open stays; it is deleted when the collector has ended."""
    storage = os.path.join(work, "live", "channels", "c")
    os.makedirs(storage)
    port = sc.free_ports(1)[0]
    xml = sc.startup(sc.listen("tcpCollector", port), sc.lnfstore(
        storage, "<compress>no</compress><dumpInterval><timeWindow>86400</timeWindow></dumpInterval>"))
    collector = sc.Collector(work, "writer", xml).wait_ready()
    try:
        subprocess.run([sc.program("flowgen"), "--count=30000", "--seed=1", f"--tcp=127.0.0.1:{port}"],
                       check=True, stdout=subprocess.DEVNULL, timeout=120)
        end = time.monotonic() + 60
        while not flow_files(storage):
            assert time.monotonic() < end, collector.log()
            time.sleep(0.05)
        r = run(os.path.join(work, "live"), "delete", "-u", "0", "-c", "1")
        assert "is being written, skipped" in r.stderr and summary(r)[0] == 0, r
        assert len(flow_files(storage)) == 1
        collector.stop()
    finally:
        collector.kill()
    r = run(os.path.join(work, "live"), "delete", "-u", "0", "-c", "1")
    assert summary(r)[0] == 1 and flow_files(storage) == [], r


def manual(_):
    """The page has every option the program has, and no others."""
    page = open(MANUAL, encoding="utf-8").read().replace("\\-", "-")
    options = page[page.index(".SH OPTIONS"):page.index(".SH OUTPUT")]
    described = set(re.findall(r"--[a-z-]+", "\n".join(re.findall(r"^\.TP\n(.*)$", options, flags=re.M))))
    known = set(re.findall(r"^ .*(--[a-z-]+)", run("--help").stdout, flags=re.M))
    assert described == known, described ^ known


def full_disk(work):
    """A disk that collectors fill stays below the limit, run after run."""
    if os.getuid() != 0:
        print("full_disk: SKIPPED, a small tmpfs can be mounted by root only")
        return
    disk = os.path.join(work, "disk")
    os.mkdir(disk)
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk], capture_output=True, text=True,
                       check=False)
    if r.returncode != 0:
        print("full_disk: SKIPPED, no tmpfs can be mounted here:", r.stderr.strip())
        return
    try:
        fill_and_expire(disk)
    finally:
        subprocess.run(["umount", disk], check=True)


def fill_and_expire(disk):
    channels = [os.path.join(disk, "channels", name) for name in ("a", "b")]
    slot = DAY
    for _ in range(3):
        while True:  # half a MiB a channel and slot
            for channel in channels:
                make(channel, slot, MIB // 2)
            slot += SLOT_S
            r = run(disk, "delete", "--du-lower-by", "20", "--du-lower-to", "50")
            files, columns, *_, before, after = summary(r)
            if files:
                break
            assert before < 90 and before == after, r
        # The milder one: by 20. A column is 5 %, and no more columns go than it takes.
        assert 90 <= before < 96 and before - 25.5 < after <= before - 20, r
        assert columns in (4, 5) and files == 2 * columns, r
        left = [sorted(os.listdir(os.path.dirname(slot_path(c, slot)))) for c in channels]
        assert left[0] == left[1], left
        assert left[0][-1] == os.path.basename(slot_path(channels[0], slot - SLOT_S)), left
    # By nothing: only here, as others write to other disks meanwhile.
    assert summary(run(disk, "delete", "-u", "0", "--du-lower-by", "0"))[0] == 0
    # Read-only now: everything fails, all of it is counted, the status says so.
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    r = run(disk, "delete", "-u", "0", "-c", "1", status=1)
    assert f"{2 * len(left[0])} files could not be deleted" in r.stderr and summary(r)[0] == 0, r
    assert "Read-only file system" in r.stderr, r
    # Nor does a dry run promise anything.
    r = run("-n", disk, "delete", "-u", "0", "-c", "1", status=1)
    assert f"{2 * len(left[0])} files could not be deleted" in r.stderr and summary(r)[0] == 0, r
    assert "would delete" not in r.stdout, r
    # A mount inside a channel is not entered.
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    inside = os.path.join(channels[0], "2025")
    os.mkdir(inside)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", inside], check=True)
    try:
        path = os.path.join(inside, "lnf.20250101000000")
        with open(path, "wb") as f:
            f.write(b"x")
        r = run(disk, "delete", "-u", "0", "-c", "1")
        assert "2025 is on another device, skipped" in r.stderr and os.path.exists(path), r
    finally:
        subprocess.run(["umount", inside], check=True)
    # Nor is a folder of the same disk that is mounted there, a whole channel or below one.
    elsewhere = os.path.join(disk, ".elsewhere")
    path = make(elsewhere, DAY - 86400)
    for inside in (inside, os.path.join(disk, "channels", "bound")):
        os.makedirs(inside, exist_ok=True)
        subprocess.run(["mount", "--bind", elsewhere, inside], check=True)
        try:
            r = run(disk, "delete", "-u", "0", "-c", "1")
            assert f"{inside} is a mount point, skipped" in r.stderr and os.path.exists(path), r
        finally:
            subprocess.run(["umount", inside], check=True)


def main():
    with sc.workspace() as work:
        tests = [scan_and_dry_run, stops, boundary, errors, two_runs, manual, full_disk]
        if os.path.isdir(os.path.join(sc.BUILD, "ipfixcol")):  # else this build has no collector
            tests.append(collector_writes)
        for test in tests:
            test(work)
            print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
