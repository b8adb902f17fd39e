# SPDX-License-Identifier: BSD-3-Clause
"""The collector as a program: command line, signals, PID file, daemon, reload, example plugin."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain


ELEMENTS = os.path.join(chain.SOURCE, "config/ipfix-elements.xml")
REGISTRY = os.path.join(chain.SOURCE, "config/internalcfg.xml")


def run(*args, timeout=120):
    result = subprocess.run([chain.program("ipfixcol"), *args], capture_output=True, text=True,
                            env=chain.environment(), timeout=timeout)
    return result.returncode, result.stdout + result.stderr


def expect(args, status, *words):
    code, text = run(*args)
    assert code == status, f"{args}: status {code}, not {status}\n{text}"
    for word in words:
        assert word in text, f"{args}: '{word}' is not in\n{text}"


def message(domain, sequence, records, template):
    """Template 256 = octetDeltaCount; records of 100 octets each."""
    sets = struct.pack("!6H", 2, 12, 256, 1, 1, 4) if template else b""
    sets += struct.pack("!2H", 256, 4 + 4 * records) + struct.pack("!I", 100) * records
    return struct.pack("!2H3I", 10, 16 + len(sets), 1700000000, sequence, domain) + sets


def command_line(work):
    expect(["-h"], 0, "Usage: ipfixcol")
    expect(["--help"], 0, "-S seconds")
    expect(["-V"], 0, "ipfixcol ")
    expect(["--version"], 0, "ipfixcol ")
    for bad in (["-v", "x"], ["-r", "x"], ["-S", "1x"], ["-r", "0"], ["-r", "65536"], ["-v", ""]):
        expect(bad, 1, "ERROR: ", "Usage: ")
    for bad in (["-x"], ["--nope"], ["-c"], ["word"]):
        expect(bad, 1, "Usage: ")
    files = ["-i", REGISTRY, "-e", ELEMENTS]
    expect(["-c", work + "/none.xml", *files], 1, "ERROR: config: ", "none.xml")
    good = work + "/good.xml"
    xml = chain.startup(chain.listen("udpCollector", chain.free_ports(1)[0]),
                        "<fileFormat>dummy</fileFormat>")
    with open(good, "w", encoding="utf-8") as f:
        f.write(xml)
    expect(["--check", "-c", good, *files], 0)
    expect(["--check", "-c", good, "-i", REGISTRY, "-e", "/none.xml"], 1, "/none.xml")
    expect(["--check", "-c", good, "-i", "/none.xml", "-e", ELEMENTS], 1, "/none.xml")
    bad = work + "/bad.xml"
    with open(bad, "w", encoding="utf-8") as f:
        f.write(xml.replace("dummy</fileFormat>", "dummy</fileFormat>\n<delay>x</delay>"))
    expect(["-c", bad, *files], 1, "bad.xml:", "<delay>: 'x'")
    code, text = run("-v", "-1", "-c", bad, *files)
    assert code == 1 and text == "", text
    expect(["--help-plugin", "dummy", *files], 0, "| `delay` |")
    expect(["--help-plugin", "nope", *files], 1, "no plugin 'nope'")
    for name in ("startup.xml", "startup-proxy.xml", "startup-collector.xml"):
        with open(os.path.join(chain.SOURCE, "config", name), encoding="utf-8") as f:
            example = f.read()
        copy = os.path.join(work, name)
        with open(copy, "w", encoding="utf-8") as f:
            f.write(example.replace("/var/lib/ipfixcol", work))  # exists where it is installed
        expect(["--check", "-c", copy, *files], 0)


def signals(work):
    xml = chain.startup(chain.listen("udpCollector", chain.free_ports(1)[0]),
                        "<fileFormat>dummy</fileFormat>")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        collector = chain.Collector(work, f"signal{number}", xml).wait_ready()
        with open(collector.pid_path, encoding="ascii") as f:
            assert f.read() == f"{collector.process.pid}\n"
        with open(f"/proc/{collector.process.pid}/comm", encoding="ascii") as f:
            assert f.read() == "ipfixcol:UDP\n"
        collector.signal(signal.SIGPIPE)
        collector.signal(number)
        assert collector.process.wait(20) == 0
        assert not os.path.exists(collector.pid_path)
        text = f"Signal detected ({int(number)}); exiting as soon as possible...\n"
        assert text in collector.log_text(), collector.log_text()
        collector.log_file.close()


def send_tcp(port, first, count, template):
    with socket.create_connection(("127.0.0.1", port)) as s:
        for i in range(count):
            s.sendall(message(1, (first + i) * 10, 10, template and i == 0))


def wait_for(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def repeated_term(work):
    """A slow storage, and SIGTERM several times: everything is stored all the same."""
    port = chain.free_ports(1)[0]
    xml = chain.startup(chain.listen("tcpCollector", port),
                        "<fileFormat>dummy</fileFormat><delay>10000</delay>")
    collector = chain.Collector(work, "slow", xml, verbosity=3).wait_ready()
    send_tcp(port, 0, 400, True)
    wait_for(lambda: "session" in collector.log() and "closed" in collector.log(), "no session")
    for _ in range(3):
        collector.signal(signal.SIGTERM)
        time.sleep(0.2)
    collector.stop()
    assert "data are still being written" in collector.log_text()
    assert "closed after 400 messages, 4000 data records" in collector.log_text()


def daemon(work):
    port = chain.free_ports(1)[0]
    good, pid = work + "/daemon.xml", work + "/daemon.pid"
    with open(good, "w", encoding="utf-8") as f:
        f.write(chain.startup(chain.listen("udpCollector", port), "<fileFormat>dummy</fileFormat>"))
    args = ["-d", "-p", pid, "-i", REGISTRY, "-e", ELEMENTS, "-c"]
    expect([*args, work + "/none.xml"], 1, "none.xml")
    assert not os.path.exists(pid)
    expect([*args, good], 0)
    with open(pid, encoding="ascii") as f:
        number = int(f.read())
    assert os.readlink(f"/proc/{number}/fd/1") == "/dev/null"
    os.kill(number, signal.SIGTERM)
    wait_for(lambda: not os.path.exists(pid), "the daemon does not end")
    # The same, started without any standard descriptor.
    status = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", chain.program("ipfixcol"), *args, good],
                            env=chain.environment(), timeout=120, check=False).returncode
    with open(pid, encoding="ascii") as f:
        number = int(f.read())
    os.kill(number, signal.SIGTERM)
    try:
        wait_for(lambda: not os.path.exists(pid), "the daemon without descriptors does not end")
    finally:
        if os.path.exists(pid):
            os.kill(number, signal.SIGKILL)
    assert status == 0, status


def reload(work):
    """Messages on one TCP session while the configuration changes: none is lost."""
    port = chain.free_ports(1)[0]

    def xml(writer, intermediate=""):
        return chain.startup(chain.listen("tcpCollector", port), writer, intermediate=intermediate)

    first = "<fileFormat>dummy</fileFormat>"
    collector = chain.Collector(work, "reload", xml(first)).wait_ready()
    done = lambda: collector.log().count("the configuration has been read again")
    kept = lambda: collector.log().count("the configuration stays as it was")

    def change(text, count, number, counter):
        with open(collector.config, "w", encoding="utf-8") as f:
            f.write(text)
        collector.signal(number)
        wait_for(lambda: counter() == count, "no reload\n" + collector.log())

    with socket.create_connection(("127.0.0.1", port)) as s:
        for i in range(300):
            s.sendall(message(1, i * 10, 10, i == 0))
            if i == 50:
                change(xml(first, "<intermediatePlugins><dummy/></intermediatePlugins>"), 1,
                       signal.SIGUSR1, done)
            elif i == 100:
                change("<broken", 1, signal.SIGUSR1, kept)
            elif i == 150:
                change(xml(first + "<delay>1</delay>"), 2, signal.SIGHUP, done)
            elif i == 200:
                change(xml(first + "<delay>1</delay>"), 3, signal.SIGHUP, done)
    wait_for(lambda: "closed" in collector.log().rsplit("read again", 1)[1], "not closed")
    collector.stop()
    counts = [int(line.split("closed after ")[1].split()[0])
              for line in collector.log_text().splitlines() if "closed after" in line]
    assert len(counts) == 2 and sum(counts) == 300, (counts, collector.log_text())
    assert collector.log_text().count("opened") == 1, "the session did not survive"


def example(work):
    """The plugin of docs/plugin-guide.md: 500 records of 100 octets."""
    port, result = chain.free_ports(1)[0], work + "/octets"
    with open(os.path.join(chain.SOURCE, "plugins/storage/example/example.c"), encoding="ascii") as f:
        assert len(f.readlines()) <= 100, "the example has to stay a page to read"
    registry = work + "/registry.xml"
    with open(REGISTRY, encoding="utf-8") as f:
        text = f.read()
    with open(registry, "w", encoding="utf-8") as f:
        f.write(text.replace("</ipfixcol>", "<storagePlugin><fileFormat>example</fileFormat>"
                             "<file>ipfixcol-example-output.so</file></storagePlugin></ipfixcol>"))
    xml = chain.startup(chain.listen("tcpCollector", port),
                        f"<fileFormat>example</fileFormat><file>{result}</file>")
    collector = chain.Collector(work, "example", xml, args=["-i", registry]).wait_ready()
    send_tcp(port, 0, 50, True)
    wait_for(lambda: "closed" in collector.log(), "no session")
    collector.stop()
    with open(result, encoding="ascii") as f:
        assert f.read() == "500 50000\n"


def reference(_work):
    """docs/configuration.md has exactly the tables the plugins print."""
    with open(REGISTRY, encoding="utf-8") as f:
        names = re.findall(r"<(?:name|fileFormat)>([\w-]+)</",
                           f.read().split("</supportedCollectors>")[1])
    with open(os.path.join(chain.SOURCE, "docs/configuration.md"), encoding="utf-8") as f:
        text = f.read()
    for name in names:
        code, printed = run("--help-plugin", name, "-i", REGISTRY)
        assert code == 0, printed
        section = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
        rows = [line for line in printed.splitlines() if line.startswith("|")]
        assert [line for line in section.splitlines() if line.startswith("|")] == rows, (name, printed)
        assert rows or "It has no settings." in section, name


def main():
    tests = (command_line, signals, repeated_term, daemon, reload, example,
             reference)
    for test in tests:
        with chain.workspace() as work:
            test(work)
        print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
