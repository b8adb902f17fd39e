# SPDX-License-Identifier: BSD-3-Clause
"""Startup files of the original collector's regression tests, as they are: what needs a plugin this
build has not says so, and runs with a storage put beside it. Needs those files beside the repository."""

import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

FOLDER = os.path.join(sc.SHARED, "ipfixcol-examples")
ELEMENTS = os.path.join(FOLDER, "collector-config", "ipfix-elements.xml")
REGISTRY = os.path.join(sc.SOURCE, "config/internalcfg.xml")
# Formats and elements this build has no plugin for; when one comes, its cases have to be told here.
MISSING_FORMATS = ("ipfix", "view")
DUMMY = ("<destination><name>beside</name><fileWriter><fileFormat>dummy</fileFormat></fileWriter>"
         "</destination>\n</exportingProcess>")


def cases():
    return sorted(os.listdir(os.path.join(FOLDER, "tests")))


def read(*path):
    with open(os.path.join(FOLDER, *path), encoding="utf-8") as f:
        return f.read()


def prepare(work, case, name="startup.xml", edit=lambda text: text):
    """The case's folder with its startup file beside the flow files, as the files expect."""
    folder = os.path.join(work, case)
    os.makedirs(folder, exist_ok=True)
    link = os.path.join(work, "ipfix_data")
    if not os.path.exists(link):
        os.symlink(os.path.abspath(os.path.join(FOLDER, "flows")), link)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write(edit(read("tests", case, name)))
    shutil.copy(os.path.join(FOLDER, "flows", "example_flows.ipfix"),
                os.path.join(folder, "input.ipfix"))
    return folder


def command(startup, verbosity=2, registry=REGISTRY):
    return [sc.program("ipfixcol"), "-v", str(verbosity), "-c", startup, "-i", registry,
            "-e", os.path.abspath(ELEMENTS)]


def run(folder, verbosity=2, name="startup.xml"):
    r = subprocess.run(command(name, verbosity), cwd=folder, capture_output=True, text=True,
                       env=sc.environment(), timeout=60)
    return r.returncode, r.stdout + r.stderr


def beside(text):
    """The same file with a dummy as another destination; ODID-bound ones stay as they are."""
    return re.sub(r"</destination>\s*</exportingProcess>", "</destination>\n" + DUMMY, text)


def missing(text):
    found = re.findall(r"<fileFormat>(\w+)</fileFormat>", text)
    return [f for f in found if f in MISSING_FORMATS]


def as_they_are(work):
    """Every file: runs, or one line names file, line and what is missing, and status 1."""
    for case in cases():
        for name in ("startup.xml", "listen.xml"):
            if not os.path.exists(os.path.join(FOLDER, "tests", case, name)):
                continue
            text = read("tests", case, name)
            folder = prepare(work, case, name)
            r = subprocess.run(command(name) + ["--check"], cwd=folder, capture_output=True,
                               text=True, env=sc.environment(), timeout=60)
            log = r.stdout + r.stderr
            if "sctpCollector" in text:
                assert r.returncode == 1 and re.search(
                    rf"ERROR: config: {name}:\d+: <collectingProcess>: No valid collecting process",
                    log), (case, log)
                continue
            for line_format in set(missing(text)):
                assert re.search(rf"ERROR: config: {name}:\d+: <fileFormat>: specification for "
                                 rf"fileFormat '{line_format}' could not be found", log), (case, log)
            # Some other destination is left only in the forwarding case.
            wanted = 0 if len(missing(text)) < text.count("<fileWriter>") else 1
            assert r.returncode == wanted, (case, r.returncode, log)
            assert wanted == 0 or "no valid storage plugin" in log, (case, log)


def logs_of_files(work):
    """What is wrong in a file is told as ever, with a storage of this build beside the missing one."""
    for case in ("bad-template-field-count", "missing-template", "no-templates", "file-one",
                 "default"):
        folder = prepare(work, case, edit=beside)
        status, log = run(folder)
        assert status == 0, (case, status, log)
        assert "closed after" in log, (case, log)
        if case in ("file-one", "default"):
            # The sequence numbers of example_flows.ipfix begin anew in it.
            assert log.count("WARNING") == log.count("expected 59, got 0") == (case == "default"), log
            continue
        patterns = read("tests", case, "patterns").split("\n")
        wanted = [x for x in read("tests", case, "expected").split("\n") if x]
        got = [x for x in log.split("\n") if any(p and p in x for p in patterns)]
        assert got == wanted, (case, got, wanted)
        if case == "missing-template":
            assert " [0] Received" not in log


def counts(work):
    """All records of the files reach the storage."""
    for case, files in (("file-one", ["01-odid0"]), ("same-odid", ["03-odid0-a"]),
                        ("joinflows", ["02-odid0", "02-odid4"])):
        folder = prepare(work, case, edit=beside)
        status, log = run(folder)
        assert status == 0, (case, log)
        stored = [int(n) for n in re.findall(r"closed after \d+ messages, (\d+) data records", log)]
        sent = 0
        for file in files:
            r = subprocess.run(
                [sys.executable, "-c", COUNT, os.path.join(FOLDER, "flows", file + ".ipfix")],
                capture_output=True, text=True, check=True)
            sent += int(r.stdout)
        messages = [int(n) for n in re.findall(r"closed after (\d+) messages", log)]
        if case == "joinflows":
            assert re.search(r"startup.xml:\d+: <joinflows_ip>: internalcfg.xml has no .*; skipped",
                             log), log
        assert sum(messages) == sent and sum(stored) > 0, (case, messages, sent, log)


# Messages in an IPFIX File, by their lengths alone.
COUNT = """
import sys
data = open(sys.argv[1], 'rb').read()
at = count = 0
while at < len(data):
    at += int.from_bytes(data[at + 2:at + 4], 'big')
    count += 1
print(count)
"""


def wait_for(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.02)


def forwarding(work):
    """startup.xml reads a file and forwards it to listen.xml."""
    port = sc.free_ports(1)[0]
    folder = prepare(work, "forwarding",
                     edit=lambda t: beside(t).replace("<port>4568<", f"<port>{port}<"))
    prepare(work, "forwarding", "listen.xml",
            lambda t: beside(t).replace("<localPort>4568<", f"<localPort>{port}<"))
    with open(os.path.join(folder, "listen.xml"), encoding="utf-8") as f:
        listener = sc.Collector(folder, "listener", f.read()).wait_ready()
    try:
        status, log = run(folder)
        assert status == 0, log
        wait_for(lambda: re.search("session .* closed", listener.log()), listener.log)
        listener.stop()
    finally:
        listener.kill()
    records = re.search(r"closed after \d+ messages, (\d+) data records", log)
    there = re.search(r"closed after \d+ messages, (\d+) data records", listener.log_text())
    assert records and there and records.group(1) == there.group(1) != "0", (log, listener.log_text())
    assert "WARNING" not in listener.log_text().replace("WARNING: config", ""), listener.log_text()


def two_odids(work):
    """Two Observation Domains over one connection, their messages apart and in order."""
    port = sc.free_ports(1)[0]
    text = beside(read("tests", "send-tcp-two-odids", "startup.xml")).replace(
        "<localPort>4739<", f"<localPort>{port}<")
    collector = sc.Collector(work, "odids", text, verbosity=3).wait_ready()
    try:
        sc.send_file(os.path.join(FOLDER, "flows", "04-odid256,512.ipfix"), port)
        wait_for(lambda: re.search("session .* closed", collector.log()), collector.log)
        collector.stop()
    finally:
        collector.kill()
    log = collector.log_text()
    got = [x for x in log.split("\n") if "Received IPFIX message" in x]
    wanted = read("tests", "send-tcp-two-odids", "expected").split("\n")[:3]
    assert got == wanted, (got, wanted)
    assert len(re.findall("closed after", log)) == 2, log  # a Data Manager for each


def two_inputs(work):
    """Destinations bound to domains: two senders at once, each domain at its own destination."""
    port = sc.free_ports(1)[0]
    text = read("tests", "send-tcp-two-inputs", "startup.xml").replace(
        "<localPort>4739<", f"<localPort>{port}<")
    for number in (0, 4):
        os.mkdir(f"{work}/{number}")
        text = re.sub(rf"<fileFormat>ipfix</fileFormat>\s*<file>file:./out{number}.ipfix</file>",
                      "<fileFormat>lnfstore</fileFormat>"
                      f"<storagePath>{work}/{number}</storagePath>", text)
    collector = sc.Collector(work, "inputs", text).wait_ready()
    try:
        senders = [subprocess.Popen([sc.program("ipfixsend"), "-i", os.path.join(
            FOLDER, "flows", f"02-odid{n}.ipfix"), "-t", "TCP", "-p", str(port), "-n", "1"])
            for n in (0, 4)]
        for sender in senders:
            assert sender.wait(60) == 0
        wait_for(lambda: len(re.findall("session .* closed", collector.log())) == 2, collector.log)
        collector.stop()
    finally:
        collector.kill()
    # Both files hold the same flows, under two domains.
    first, second = (sc.fdistdump_totals(f"{work}/{n}") for n in (0, 4))
    assert first[0] > 0 and second[0] > 0, (first, second, collector.log_text())
    assert "dropped" not in collector.log_text(), collector.log_text()


def registry(work):
    """The original plugin registry: plugins of the same names are found, others are named."""
    path = os.path.join(work, "internalcfg.xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(read("collector-config", "internalcfg.xml.template").replace("@pkgdatadir@", "/none"))
    folder = prepare(work, "default", edit=lambda t: t.replace(
        "<fileFormat>view</fileFormat>", "<fileFormat>dummy</fileFormat>"))
    for case, wanted in ((folder, 0), (prepare(work, "file-one"), 1)):
        r = subprocess.run(command("startup.xml", registry=path), cwd=case, capture_output=True,
                           text=True, env=sc.environment(), timeout=60)
        log = r.stdout + r.stderr
        assert r.returncode == wanted, log
        if wanted == 1:
            assert re.search(r"ERROR: config: startup.xml:\d+: <ipfix>: plugin "
                             r"/none/plugins/ipfixcol-ipfix-output.so: not found", log), log


def main():
    if not os.path.isdir(FOLDER):
        sc.skip(f"no {FOLDER}")
    for test in (as_they_are, logs_of_files, counts, forwarding, two_odids, two_inputs, registry):
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        with sc.workspace() as work:
            test(work)
        print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
