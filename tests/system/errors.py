# SPDX-License-Identifier: BSD-3-Clause
"""What operators do wrong: each mistake gives one clear message, and exit status 1 at the start; a
reload with a mistake changes nothing. Reloads under load lose no message."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain as sc  # noqa: E402

ELEMENTS = os.path.join(sc.SOURCE, "config/ipfix-elements.xml")
REGISTRY = os.path.join(sc.SOURCE, "config/internalcfg.xml")
NOBODY = 65534
NAMESPACE = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-ipfix-psamp"'
DUMMY = "<fileFormat>dummy</fileFormat>"


def run(args, user=None, timeout=120):
    result = subprocess.run([sc.program("ipfixcol"), *args], capture_output=True, text=True,
                            env=sc.environment(), timeout=timeout, user=user)
    return result.returncode, result.stdout + result.stderr


def errors_of(text):
    return [line for line in text.splitlines() if line.startswith("ERROR: ")]


def start_fails(work, xml, *words, errors=1, registry=REGISTRY, elements=ELEMENTS, user=None,
                check_fails=True):
    """The collector does not start: status 1, so many error lines, the words in one of them. --check
    says the same, unless only opening a socket shows it."""
    path = os.path.join(work, "startup.xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(xml)
    status, text = run(["-v", "0", "-c", path, "-i", registry, "-e", elements], user)
    lines = errors_of(text)
    assert status == 1, (status, text, xml)
    assert len(lines) == errors, (errors, text, xml)
    assert any(all(w in line for w in words) for line in lines), (words, text)
    status, text = check(path, registry, elements, user)
    lines = errors_of(text)
    assert status == (1 if check_fails else 0), (status, text, xml)
    if check_fails:
        assert any(all(w in line for w in words) for line in lines), (words, text)
    else:
        assert not lines, text


def check(path, registry=REGISTRY, elements=ELEMENTS, user=None):
    return run(["--check", "-v", "0", "-c", path, "-i", registry, "-e", elements], user)


def line_of(xml, part):
    return xml[:xml.index(part)].count("\n") + 1


def udp(extra=""):
    return f"<udpCollector>\n<localPort>{PORT}</localPort>\n{extra}\n</udpCollector>"


def tcp(extra="", address="127.0.0.1"):
    return (f"<tcpCollector>\n<localPort>{PORT}</localPort>\n<localIPAddress>{address}"
            f"</localIPAddress>{extra}\n</tcpCollector>")


PORT = sc.free_ports(1)[0]


def broken_documents(work):
    good = sc.startup(udp(), DUMMY)
    start_fails(work, "", "startup.xml:1: not a well-formed XML document")
    start_fails(work, "<ipfix", "startup.xml:1: not a well-formed XML document")
    broken = good.replace("</destination>", "</destinations>")
    start_fails(work, broken, f"startup.xml:{line_of(broken, '</destinations>')}: not a well-formed")
    start_fails(work, f"<ipfix {NAMESPACE}/>", "startup.xml: no <collectingProcess> found")
    start_fails(work, good.replace(NAMESPACE, ""), "startup.xml: no <collectingProcess> found",
                NAMESPACE.split('"')[1])
    start_fails(work, good.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
                                   '<!DOCTYPE ipfix [<!ENTITY a "b">]>'), "entity declarations")
    for args, word in ((["-c", work + "/none.xml"], "none.xml: No such file or directory"),
                       (["-c", work], work), (["-i", work + "/none.xml"], "none.xml: No such file"),
                       (["-e", work + "/none.xml"], "none.xml")):
        path = os.path.join(work, "good.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(good)
        options = {"-c": path, "-i": REGISTRY, "-e": ELEMENTS}
        options.update({args[0]: args[1]})
        status, text = run([x for pair in options.items() for x in pair])
        assert status == 1 and len(errors_of(text)) == 1 and word in text, (args, text)


def incomplete(work):
    good = sc.startup(udp(), DUMMY)
    for old, new, *words in (
            ("<name>test</name>", "", "<collectingProcess>", "it has no <name>"),
            ("<exportingProcess>out</exportingProcess>", "", "it has no <exportingProcess>"),
            ("<exportingProcess>out</exportingProcess>", "<exportingProcess>x</exportingProcess>",
             "no <exportingProcess> has this name"),
            ("<exportingProcess>out</exportingProcess>",
             "<exportingProcess>out</exportingProcess><exportingProcess>b</exportingProcess>",
             "only one is possible"),
            ("udpCollector", "quicCollector", "No valid collecting process description found"),
    ):
        start_fails(work, good.replace(old, new), "startup.xml:", *words)
    # The format is unknown, and nothing else is left: both are said.
    start_fails(work, good.replace("dummy", "parquet"), "<fileFormat>", "fileFormat 'parquet'", errors=2)
    start_fails(work, good.replace("<exportingProcess>out</exportingProcess>",
                                   "<exportingProcess>out</exportingProcess><statisticsFile/>"),
                "<statisticsFile>", "is empty")


def wrong_values(work):
    """One wrong value for each kind of setting; the line is that of the setting."""
    def store(setting):
        return f"<fileFormat>lnfstore</fileFormat><storagePath>{work}</storagePath>\n{setting}"

    def forward(setting):
        return ("<fileFormat>forwarding</fileFormat><destination><ip>127.0.0.1</ip></destination>\n"
                + setting)

    for xml, element, value in (
            (sc.startup(udp("<localPort>http</localPort>"), DUMMY), "localPort", "'http'"),
            (sc.startup(udp("<localPort>65536</localPort>"), DUMMY), "localPort", "'65536'"),
            (sc.startup(udp("<localPort>-1</localPort>"), DUMMY), "localPort", "'-1'"),
            (sc.startup(udp("<localPort/>"), DUMMY), "localPort", "''"),
            (sc.startup(udp("<templateLifeTime>5 min</templateLifeTime>"), DUMMY),
             "templateLifeTime", "'5 min'"),
            (sc.startup(udp("<templateLifeTime>4294967296</templateLifeTime>"), DUMMY),
             "templateLifeTime", "'4294967296'"),
            (sc.startup(udp(), store("<compress>rar</compress>")), "compress", "'rar'"),
            (sc.startup(udp(), store("<compress>lz4:13</compress>")), "compress",
             "'lz4:13' is not possible: compression lz4 has the levels 1 to 12"),
            (sc.startup(udp(), store("<dumpInterval><timeWindow>0</timeWindow></dumpInterval>")),
             "timeWindow", "'0'"),
            (sc.startup(udp(), store("<dumpInterval><align>maybe</align></dumpInterval>")),
             "align", "'maybe'"),
            (sc.startup(udp(), store("<storagePat>x</storagePat>")), "storagePat", "not known here"),
            (sc.startup(udp(), forward("<distribution>any</distribution>")), "distribution", "'any'"),
            (sc.startup(udp(), forward("<packetSize>255</packetSize>")), "packetSize", "'255'"),
            (sc.startup(udp(), forward("<reconnectionPeriod>0</reconnectionPeriod>")),
             "reconnectionPeriod", "'0'"),
            (sc.startup(udp(), forward("<destination><port>0</port></destination>")), "port", "'0'"),
            (sc.startup(udp(), DUMMY + "\n<delay>1.5</delay>"), "delay", "'1.5'"),
            (sc.startup(udp(), "\n<fileFormat>lnfstore</fileFormat>"), "fileWriter", "<storagePath>"),
            (sc.startup(udp(), "\n<fileFormat>forwarding</fileFormat>"), "fileWriter",
             "<destination>"),
            (sc.startup(udp(), "\n<fileFormat>json</fileFormat><output><type>fax</type></output>"),
             "type", "'fax'"),
    ):
        # The last one of the element: earlier ones are good.
        line = xml[:xml.rindex(f"<{element}")].count("\n") + 1
        start_fails(work, xml, f"startup.xml:{line}: <{element}>: ", value)
    bad = sc.startup(udp(), DUMMY).replace(
        "</fileWriter>", "</fileWriter>\n<whenFull>maybe</whenFull>")
    start_fails(work, bad, f"startup.xml:{line_of(bad, '<whenFull>')}: <whenFull>: ")


def nobody_can_run():
    """Whether there is a user without rights here who reaches the build folder."""
    if os.getuid() != 0:
        print("permissions are tested by root only", flush=True)
        return False
    try:
        return run(["--help-plugin", "lnfstore", "-i", REGISTRY], NOBODY)[0] == 0
    except PermissionError:
        print("the build folder is not open to all users: permissions are not tested", flush=True)
        return False


def wrong_places(work):
    """What only the system knows: ports, addresses, folders."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            s.bind(("127.0.0.1", PORT))
            if kind == socket.SOCK_STREAM:
                s.listen(1)
            element = tcp() if kind == socket.SOCK_STREAM else udp(
                "<localIPAddress>127.0.0.1</localIPAddress>")
            # The reason, and the element it belongs to.
            start_fails(work, sc.startup(element, DUMMY), f"{PORT}", "Address already in use", errors=2,
                        check_fails=False)
            start_fails(work, sc.startup(element, DUMMY), "startup.xml:5: ", errors=2,
                        check_fails=False)
    for element in (tcp(address="192.0.2.77"), udp("<localIPAddress>192.0.2.77</localIPAddress>")):
        start_fails(work, sc.startup(element, DUMMY), "192.0.2.77", "Cannot assign", errors=2,
                    check_fails=False)
    for element in (tcp(address="here"), udp("<localIPAddress>here</localIPAddress>")):
        start_fails(work, sc.startup(element, DUMMY), "'here'", "no IP address", errors=2)
    start_fails(work, sc.startup(tcp("<transportLayerSecurity/>"), DUMMY), "TLS is not available",
                errors=2)
    for path, reason in (("/none", "No such file"), ("/startup.xml", "no directory"),
                         ("/%Y", "only %h is replaced")):
        start_fails(work, sc.startup(udp(), sc.lnfstore(work + path)), "storagePath", reason, errors=3)
    start_fails(work, sc.startup("<fileReader><file>file:/none/*</file></fileReader>", DUMMY),
                "/none/*", errors=2)
    start_fails(work, sc.startup("<fileReader><file>/none</file></fileReader>", DUMMY), "file:",
                errors=2)
    if nobody_can_run():
        os.chmod(work, 0o755)
        locked = os.path.join(work, "locked")
        os.mkdir(locked, 0o755)
        start_fails(work, sc.startup(udp(), sc.lnfstore(locked)), "locked", "Permission denied",
                    errors=3, user=NOBODY)
        path = os.path.join(work, "secret.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(sc.startup(udp(), DUMMY))
        os.chmod(path, 0o600)
        status, text = run(["-c", path, "-i", REGISTRY, "-e", ELEMENTS], NOBODY)
        assert status == 1 and "secret.xml: Permission denied" in text, text


def wrong_settings(work):
    """Settings that are well-formed and refused by their plugin: told with the element's place."""
    too_many = "".join(f"<localIPAddress>127.0.0.{i}</localIPAddress>" for i in range(1, 18))
    forward = "<fileFormat>forwarding</fileFormat>"
    json = "<fileFormat>json</fileFormat>"
    printed = "<output><type>print</type></output>"
    for xml, *words in (
            (sc.startup(tcp("<transportLayerSecurity/>"), DUMMY), "TLS is not available"),
            (sc.startup(udp(too_many), DUMMY), "more than 16 localIPAddress"),
            (sc.startup(udp("<localIPAddress>127.0.0.1</localIPAddress>"
                            "<localIPAddress>::g</localIPAddress>"), DUMMY), "'::g' is no IP address"),
            (sc.startup(udp(), sc.lnfstore(work, "<profiles>yes</profiles>")), "profiles"),
            (sc.startup(udp(), sc.lnfstore(work, "<identificatorField>caf\u00e9</identificatorField>")),
             "identificatorField", "cannot be printed"),
            (sc.startup(udp(), sc.lnfstore(work, f"<identificatorField>{'i' * 128}"
                                           "</identificatorField>")), "identificatorField", "128"),
            (sc.startup(udp(), sc.lnfstore(work, "<index><falsePositiveProbability>2"
                                           "</falsePositiveProbability></index>")), "0.000001"),
            (sc.startup(udp(), forward + "<destination><port>1</port></destination>"),
             "no usable <destination>"),
            (sc.startup(udp(), json + "<metadata>yes</metadata>" + printed), "metadata"),
            (sc.startup(udp(), json + "<output><type>file</type></output>"), "needs a path"),
            (sc.startup(udp(), json + printed + "<output><type>server</type></output>"),
             "needs blocking"),
    ):
        # The reason and the place; with the only storage gone, that there is none.
        start_fails(work, xml, *words, errors=2 if DUMMY in xml else 3)
        _, text = check(os.path.join(work, "startup.xml"))
        assert re.search(r"ERROR: \w+: \S*startup\.xml:\d+: check of '\w+' failed", text), text


def check_touches_nothing(work):
    """--check of a good configuration opens no port and writes no file, and tells all mistakes at once
    of one that has several."""
    flows = os.path.join(work, "flows")
    os.mkdir(flows)
    path = os.path.join(work, "good.xml")
    for writer in (sc.lnfstore(flows), sc.forwarding([PORT]),
                   f"<fileFormat>json</fileFormat><output><type>file</type><path>{flows}/json</path>"
                   f"</output><output><type>server</type><port>{PORT}</port><blocking>no</blocking>"
                   "</output>"):
        for element in (tcp(), udp("<localIPAddress>127.0.0.1</localIPAddress>")):
            with socket.socket() as s, socket.socket(type=socket.SOCK_DGRAM) as d:
                for used in (s, d):
                    used.bind(("127.0.0.1", PORT))
                s.listen(1)
                s.setblocking(False)
                write(work, "good.xml", sc.startup(element, writer))
                status, text = check(path)
                assert status == 0 and text == "", (status, text)
                try:
                    s.accept()
                    raise AssertionError("--check connected to a destination")
                except BlockingIOError:
                    pass
    assert os.listdir(flows) == []
    xml = sc.startup(tcp(address="here"), sc.lnfstore(work + "/none"))
    status, text = check(write(work, "bad.xml", xml))
    assert status == 1 and "'here'" in text and "/none" in text, text
    assert len(errors_of(text)) == 4, text


def wrong_plugins(work):
    with open(REGISTRY, encoding="utf-8") as f:
        good = f.read()

    def registry(file):
        path = os.path.join(work, "registry.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(good.replace("ipfixcol-dummy-output.so", file))
        return path

    text_file = os.path.join(work, "text.so")
    with open(text_file, "w", encoding="utf-8") as f:
        f.write("no plugin\n")
    xml = sc.startup(udp(), DUMMY)
    plugins = os.path.join(sc.BUILD, "test-plugins")
    for file, reason in (("none.so", "plugin none.so: not found"),
                         (text_file, "plugin cannot be loaded"),
                         (os.path.join(sc.BUILD, "libnf", "libnf.so"), "no symbol col_plugin"),
                         (os.path.join(plugins, "test_old.so"), "built for plugin interface"),
                         (os.path.join(plugins, "test_inter.so"), "intermediate")):
        start_fails(work, xml, "startup.xml:", "<dummy>", reason, registry=registry(file))
    start_fails(work, sc.startup(udp(), DUMMY, intermediate="<intermediatePlugins><dummy/>"
                                 "</intermediatePlugins>"), "<dummy_ip>", "not found",
                registry=write(work, "r.xml", good.replace("ipfixcol-dummy-inter.so", "none.so")))
    for broken, word in (("<ipfixcol/>", "the root is not <ipfixcol"), ("<a", "not a well-formed"),
                         (re.sub(r"(?s)<storagePlugin>.*</storagePlugin>", "", good),
                          "no usable <storagePlugin>"),
                         (good.replace("<name>udpCollector</name>\n\t\t<name>", "<name>"),
                          "No valid collecting process")):
        start_fails(work, xml, word, registry=write(work, "r.xml", broken))
    with open(ELEMENTS, encoding="utf-8") as f:
        elements = f.read()
    for broken, word in (("<x/>", "<ipfix-elements>"), ("<a", "e.xml:1"),
                         (elements.replace("unsigned64", "unsigned65", 1), "'unsigned65'")):
        start_fails(work, xml, "e.xml", word, elements=write(work, "e.xml", broken))


def write(work, name, text):
    path = os.path.join(work, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def warnings(work):
    """What is not known is named and ignored; the collector runs."""
    xml = sc.startup(
        udp("<maxConnections>5</maxConnections>"),
        DUMMY + "\n<colour>red</colour>", intermediate="<intermediatePlugins><nothing/>"
        "</intermediatePlugins><observationPoint/>")
    xml = xml.replace("<destination>", "<destination><fileWriters/>").replace(
        "<name>test</name>", "<name>test</name><place/>").replace(
        "</exportingProcess>\n  <inter", "<destination><fileWriter><fileFormat>parquet</fileFormat>"
        "</fileWriter></destination></exportingProcess>\n  <inter")
    collector = sc.Collector(work, "warnings", xml, verbosity=1)
    try:
        collector.wait_ready()
        collector.stop()
    finally:
        collector.kill()
    text = collector.log_text()
    for name in ("maxConnections", "colour", "observationPoint", "fileWriters", "place"):
        lines = [x for x in text.splitlines() if f"<{name}>: is not known here; ignored" in x]
        assert len(lines) == 1 and re.match(r"WARNING: \w+: \S*warnings\.xml:\d+: <", lines[0]), (
            name, text)
    assert "<nothing>: internalcfg.xml has no <intermediatePlugin> of this name; skipped" in text
    assert "fileFormat 'parquet' could not be found" in text


def wait_for(condition, what, timeout=60):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.02)


def message(sequence, template):
    sets = bytes.fromhex("0002000c0100000100010004") if template else b""
    sets += bytes.fromhex("01000008") + sequence.to_bytes(4, "big")
    head = bytes.fromhex("000a") + (16 + len(sets)).to_bytes(2, "big")
    return head + (1700000000).to_bytes(4, "big") + sequence.to_bytes(4, "big") + bytes(4) + sets


def reload_under_load(work):
    """Destinations come and go while a sender sends: those that stay miss nothing, those that come
    have everything from then on, those that go have everything until then."""
    port = sc.free_ports(1)[0]

    def xml(*names, input_extra=""):
        text = sc.startup(sc.listen("tcpCollector", port, input_extra), "@")
        one = "<destination><fileWriter>@</fileWriter></destination>"
        return text.replace(one, "".join(
            f"<destination><name>{n}</name><fileWriter>{DUMMY}<delay>{len(n)}</delay></fileWriter>"
            "</destination>" for n in names))

    collector = sc.Collector(work, "reload", xml("a")).wait_ready()
    try:
        states = [xml("a", "bb"), xml("a"), xml("a", "bb", "ccc"), "<broken", xml("a", "ccc"),
                  xml("a", "none").replace("dummy</fileFormat><delay>4", "lnfstore</fileFormat><delay>4"),
                  xml("a"), xml("a")]
        done = 0
        with socket.create_connection(("127.0.0.1", port)) as s:
            sent = 0
            for state in states:
                for _ in range(500):
                    s.sendall(message(sent, sent == 0))
                    sent += 1
                with open(collector.config, "w", encoding="utf-8") as f:
                    f.write(state)
                collector.signal(signal.SIGUSR1)
                done += 1
                while True:
                    log = collector.log()
                    if (log.count("the configuration has been read again")
                            + log.count("the configuration stays as it was")) >= done:
                        break
                    s.sendall(message(sent, False))
                    sent += 1
        wait_for(lambda: "closed" in collector.log().rsplit("read again", 1)[1], collector.log)
        collector.stop()
    finally:
        collector.kill()
    text = collector.log_text()
    assert text.count("the configuration stays as it was") == 2, text  # broken, unknown setting
    closed = [int(x) for x in re.findall(r"closed after (\d+) messages", text)]
    assert closed[-1] == sent and closed.count(sent) == 1, (closed, sent, text)
    assert len(closed) == 4 and all(0 < c < sent for c in closed[:-1]), (closed, sent)
    assert "Sequence number error" not in text


def second_signal(work):
    """SIGTERM again within the grace period changes nothing; SIGINT again ends at once, status 1."""
    port = sc.free_ports(1)[0]
    xml = sc.startup(sc.listen("tcpCollector", port), DUMMY + "<delay>50000</delay>")
    # What is left takes 3 s, or too long to be through before the second signal.
    for first, second, count in ((signal.SIGTERM, signal.SIGTERM, 60), (signal.SIGTERM, signal.SIGINT, 1000)):
        collector = sc.Collector(work, f"second{int(second)}", xml, verbosity=2).wait_ready()
        try:
            with socket.create_connection(("127.0.0.1", port)) as s:
                for i in range(count):
                    s.sendall(message(i, i == 0))
            wait_for(lambda: re.search("session .* closed", collector.log()), collector.log)
            collector.signal(first)
            wait_for(lambda: "Signal detected" in collector.log(), collector.log)
            collector.signal(second)
            status = collector.process.wait(60)
            text = collector.log()
        finally:
            collector.kill()
        if second == signal.SIGTERM:
            assert status == 0 and "closed after 60 messages" in text, (status, text)
        else:
            assert status == 1 and "quiting without cleanup" in text, (status, text)


def main():
    tests = (broken_documents, incomplete, wrong_values, wrong_places, wrong_settings,
             check_touches_nothing, wrong_plugins, warnings,
             reload_under_load, second_signal)
    for test in tests:
        if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
            continue
        with sc.workspace() as work:
            test(work)
        print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
