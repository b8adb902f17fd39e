# SPDX-License-Identifier: BSD-3-Clause
"""lnfstore in a running collector: every setting, rotation, restart, kill, several domains."""

import calendar
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

CODECS = {"no": 0, "none": 0, "yes": 3, "lz4": 3, "lzo": 1, "bz2": 2, "zstd": 4, "lz4:9": 3, "bz2:1": 2,
          "zstd:19": 4}


def send(port, count, seed=1, odid=1, *extra):
    subprocess.run([sc.program("flowgen"), f"--count={count}", f"--seed={seed}", f"--odid={odid}",
                    f"--tcp=127.0.0.1:{port}", *extra], check=True, stdout=subprocess.DEVNULL,
                   timeout=200)


def wait_for(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.02)


def collect(work, name, store, sends, manager="yes", then=None):
    """Runs a collector over some sends; its log."""
    port = sc.free_ports(1)[0]
    collector = sc.Collector(work, name, sc.startup(sc.listen("tcpCollector", port), store,
                                                    manager=manager)).wait_ready()
    try:
        for arguments in sends:
            send(port, *arguments)
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == len(sends),
                 collector.log)
        if then is not None:
            then(collector, port)
        collector.stop()
    finally:
        collector.kill()
    return collector.log_text()


def records(*directories):
    return sc.fdistdump_totals(*directories)[0]


def ident_of(path):
    if not sc.have_nfdump():
        return None
    r = subprocess.run(["nfdump", "-I", "-r", path], capture_output=True, text=True, check=True)
    return re.search(r"(?m)^Ident:\s*(.*)$", r.stdout).group(1)


def settings(work):
    host = socket.gethostname()
    for i, (word, number) in enumerate(CODECS.items()):
        os.makedirs(f"{work}/{i}/{host}")
        log = collect(work, f"codec{i}",
                      f"<fileFormat>lnfstore</fileFormat><storagePath>{work}/{i}/%h</storagePath>"
                      f"<prefix>flows-</prefix><suffixMask>%H_%j</suffixMask><compress>{word}"
                      "</compress><identificatorField>node one</identificatorField>", [(5000,)])
        files = sc.flow_files(f"{work}/{i}")
        assert len(files) in (1, 2), (files, log)
        for path in files:
            day = time.strptime(path[len(f"{work}/{i}/{host}/"):].rsplit("/", 1)[0], "%Y/%m/%d")
            assert re.fullmatch(rf"flows-\d\d_{day.tm_yday:03}", os.path.basename(path)), path
            with open(path, "rb") as f:
                header = f.read(40)
            assert header[16] == number, (word, header)
            # Not every nfdump can read zstd.
            assert number == 4 or ident_of(path) in (None, "node one"), ident_of(path)
        assert sum(records(f) for f in files) == 5000, word
        if sc.have_nfdump() and number != 4:
            assert sc.nfdump_totals(f"{work}/{i}")[0] == 5000, word


def rotation(work):
    """Slots of a second, aligned and not: names are UTC times, and every record is there."""
    for align in ("yes", "no"):
        directory = f"{work}/{align}"
        os.mkdir(directory)
        interval = f"<dumpInterval><timeWindow>2</timeWindow><align>{align}</align></dumpInterval>"
        before = time.time()
        collect(work, align, sc.lnfstore(directory, interval + "<compress>yes</compress>"),
                [(60000, 1, 1, "--rate=10000")])
        files = sc.flow_files(directory)
        # 6 s at least; what comes late comes into later slots.
        assert 2 <= len(files) <= (time.time() - before) / 2 + 2, files
        starts = []
        for path in files:
            match = re.fullmatch(r"(\d{4})/(\d\d)/(\d\d)/lnf\.(\1\2\3\d{6})",
                                 path[len(directory) + 1:])
            assert match, path
            starts.append(calendar.timegm(time.strptime(match.group(4), "%Y%m%d%H%M%S")))
            assert records(path) > 0, path
        assert all(b - a >= 2 for a, b in zip(starts, starts[1:])), starts
        assert before - 3 < starts[0] and starts[-1] <= time.time(), (before, starts)
        if align == "yes":
            assert all(s % 2 == 0 for s in starts), starts
        assert records(directory) == 60000


def is_finished(path):
    with open(path, "rb") as f:
        return f.read(40)[18] == 1


def idle_rotation(work):
    """Without further traffic a file is finalised when its slot is over, not with the next record."""
    def check(collector, port):
        def finished():
            return records(work + "/d") == 100 and all(map(is_finished, sc.flow_files(work + "/d")))
        wait_for(finished, collector.log)

    os.mkdir(work + "/d")
    collect(work, "idle", sc.lnfstore(
        work + "/d", "<dumpInterval><timeWindow>1</timeWindow><align>no</align></dumpInterval>"),
        [(100,)], then=check)


DAY = "<compress>yes</compress><dumpInterval><timeWindow>31536000</timeWindow></dumpInterval>"


def restart(work):
    """Started again within a slot it goes on with the file."""
    os.mkdir(work + "/d")
    for i in range(3):
        collect(work, f"restart{i}", sc.lnfstore(work + "/d", DAY), [(20000, i)])
    files = sc.flow_files(work + "/d")
    assert len(files) == 1, files
    assert records(work + "/d") == 60000
    if sc.have_nfdump():
        assert sc.nfdump_totals(work + "/d")[0] == 60000
        summary = subprocess.run(["nfdump", "-I", "-r", files[0]], capture_output=True, text=True,
                                 check=True).stdout
        assert re.search(r"(?m)^Flows:\s*60000$", summary), summary


def kill(work):
    """kill -9: whole blocks are there; the next start goes on behind them."""
    os.mkdir(work + "/d")
    port = sc.free_ports(1)[0]
    xml = sc.startup(sc.listen("tcpCollector", port), sc.lnfstore(work + "/d", DAY))
    collector = sc.Collector(work, "kill", xml).wait_ready()
    try:
        send(port, 100000)
        wait_for(lambda: "closed" in collector.log(), collector.log)
        path, = sc.flow_files(work + "/d")
        # A block holds at most 1 MiB of records; those of the last one are lost, all others are not.
        wait_for(lambda: records(work + "/d") >= 100000 - 16000, collector.log)
        collector.signal(signal.SIGKILL)
        collector.process.wait()
    finally:
        collector.kill()
    left = records(work + "/d")
    assert 100000 - 16000 <= left < 100000, left
    with open(path, "ab") as f:
        f.write(b"half a block")
    assert records(work + "/d") == left
    collect(work, "after", sc.lnfstore(work + "/d", DAY), [(10000, 2)])
    assert records(work + "/d") == left + 10000
    if sc.have_nfdump():
        assert sc.nfdump_totals(work + "/d")[0] == left + 10000


def domains(work):
    """A Data Manager per domain: all of them write the same file, and nothing is damaged."""
    os.mkdir(work + "/d")
    port = sc.free_ports(1)[0]
    xml = sc.startup(sc.listen("tcpCollector", port), sc.lnfstore(work + "/d", DAY), manager="no")
    collector = sc.Collector(work, "domains", xml).wait_ready()
    try:
        senders = [subprocess.Popen([sc.program("flowgen"), "--count=50000", f"--seed={odid}",
                                     f"--odid={odid}", f"--tcp=127.0.0.1:{port}"],
                                    stdout=subprocess.DEVNULL) for odid in range(1, 5)]
        for sender in senders:
            assert sender.wait(200) == 0
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == 4, collector.log)
        send(port, 1000, 9, 2)  # a domain that comes back
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == 5, collector.log)
        collector.stop()
    finally:
        collector.kill()
    files = sc.flow_files(work + "/d")
    assert len(files) == 1, (files, collector.log_text())
    assert "ERROR" not in collector.log_text(), collector.log_text()

    wanted = [0, 0, 0]
    for odid, count, seed in ((1, 50000, 1), (2, 50000, 2), (3, 50000, 3), (4, 50000, 4),
                              (2, 1000, 9)):
        truth = os.path.join(work, "truth.csv")
        subprocess.run([sc.program("flowgen"), f"--count={count}", f"--seed={seed}",
                        f"--odid={odid}", f"--truth={truth}"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(truth, encoding="ascii") as f:
            for line in f:
                fields = line.split(",")
                if fields[0].isdigit():
                    wanted = [wanted[0] + 1, wanted[1] + int(fields[8]), wanted[2] + int(fields[9])]
    assert list(sc.fdistdump_totals(work + "/d")) == wanted, (sc.fdistdump_totals(work + "/d"), wanted)
    if sc.have_nfdump():
        assert list(sc.nfdump_totals(work + "/d")) == wanted


def two_collectors(work):
    """Two collectors with the same storagePath by mistake: the second one says so and uses another
    name; nobody's records are lost."""
    os.mkdir(work + "/d")
    ports = sc.free_ports(2)
    collectors = [sc.Collector(work, f"two{i}", sc.startup(sc.listen("tcpCollector", port),
                                                           sc.lnfstore(work + "/d", DAY)))
                  for i, port in enumerate(ports)]
    try:
        for i, collector in enumerate(collectors):
            collector.wait_ready()
            send(ports[i], 60000, i)  # more than a block: the first one has the file now
            wait_for(lambda c=collector: "writing " in c.log(), collector.log)
        for collector in collectors:
            collector.stop()
    finally:
        for collector in collectors:
            collector.kill()
    assert "another program is writing it" in collectors[1].log_text(), collectors[1].log_text()
    assert len(sc.flow_files(work + "/d")) == 2
    assert sum(records(f) for f in sc.flow_files(work + "/d")) == 120000


def main():
    for test in (settings, rotation, idle_rotation, restart, kill, domains, two_collectors):
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        with sc.workspace() as work:
            test(work)
        print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
