# SPDX-License-Identifier: BSD-3-Clause
"""Every field as the manual page describes it: as output in every kind of question and every format, as
key, as sort key, under all its names. csv is read by Python's reader, JSON by Python's parser, and the
three formats must say the same."""

import concurrent.futures
import csv
import io
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

MANUAL = os.path.join(chain.SOURCE, "docs", "man", "fdistdump.1")
CONVERSIONS = ("ts", "volume", "tcpflags", "addr", "proto", "duration")
PLAIN = [f"--output-{name}-conv=none" for name in CONVERSIONS]
PEOPLE = ["--output-ts-conv=pretty", "--output-volume-conv=metric-prefix",
          *[f"--output-{name}-conv=str" for name in CONVERSIONS[2:]]]
# Fields libnf knows, whose values are no numbers, addresses or texts.
NO_COLUMNS = {"mpls", "ingressacl", "egressacl"}
# Columns of records that are none of groups; fdistdump_user_names.py asks for their values.
TEXTS = {"username"}
PAIRS = {"port", "ip", "as", "if", "vlan"}
AT_ONCE = 30

# What the original says of fields, apart from the manual page: names of IPFIX Information Elements, one
# as the original misspells it, ...
ELEMENTS = """
    first flowStartSysUpTime
    last flowEndSysUpTime
    received collectionTimeMillisecondse
    bytes octetDeltaCount
    packets packetDeltaCount
    outbytes postOctetDeltaCount
    outpackets postPacketDeltaCount
    flows deltaFlowCount
    srcport sourceTransportPort
    dstport destinationTransportPort
    flags tcpControlBits
    srcip sourceIPv4Address sourceIPv6Address
    dstip destinationIPv4Address destinationIPv6Address
    nextip ipNextHopIPv4Address ipNextHopIPv6Address
    srcmask sourceIPv4PrefixLength sourceIPv6PrefixLength
    dstmask destinationIPv4PrefixLength destinationIPv6PrefixLength
    tos ipClassOfService
    dsttos postIpClassOfService
    srcas bgpSourceAsNumber
    dstas bgpDestinationAsNumber
    nextas bgpNextAdjacentAsNumber
    prevas bgpPrevAdjacentAsNumber
    bgpnexthop bgpNextHopIPv4Address bgpNextHopIPv6Address
    proto protocolIdentifier
    srcvlan vlanId
    dstvlan postVlanId
    insrcmac sourceMacAddress
    outsrcmac destinationMacAddress
    indstmac postSourceMacAddress
    outdstmac postDestinationMacAddress
    inif ingressInterface
    outif egressInterface
    dir flowDirection
    fwd forwardingStatus
    routerip exporterIPv4Address exporterIPv6Address
    engine-type engineType
    engine-id engineId
    connid flowId
    icmp-code icmpCodeIPv4 icmpCodeIPv6
    icmp-type icmpTypeIPv4 icmpTypeIPv6
    xevent firewallEvent
    xsrcip postNATSourceIPv4Address postNATSourceIPv6Address
    xdstip postNATDestinationIPv4Address postNATDestinationIPv6Address
    xsrcport postNAPTSourceTransportPort
    xdstport postNAPTDestinationTransportPort
    ingressvrfid ingressVRFID
    egressvrfid egressVRFID
    blockstart portRangeStart
    blockend portRangeEnd
    blockstep portRangeStepSize
    blocksize portRangeNumPorts
    inetfamily ipVersion
    received collectionTimeMilliseconds
"""
# ... directions, use as key, and how values are combined when they are no keys.
DESCENDING = {"bytes", "packets", "outbytes", "outpackets", "flows", "bps", "pps"}
NO_KEYS = {"bps", "pps", "bpp", "brec1", "username"}
COMBINED = {"max": {"last", "received"}, "or": {"flags"}, "calc": {"duration", "bps", "pps", "bpp"},
            "sum": {"bytes", "packets", "outbytes", "outpackets", "flows", "sequencefailures"}}


def manual_fields():
    """{name: (key, order, value)} of the table in the manual page."""
    with open(MANUAL, encoding="utf-8") as f:
        text = f.read().replace("\\-", "-")
    table = text[text.index("\nfield\tkey\torder\tvalue\tmeaning\n"):]
    rows = re.findall(r"^(\S+)\t(yes|no)\t(asc|desc|no)\t(\S+)\tT\{$", table, flags=re.M)
    return {name: (key == "yes", order, value) for name, key, order, value in rows}


def manual_aliases():
    """{alias: name} of the same table."""
    with open(MANUAL, encoding="utf-8") as f:
        text = f.read().replace("\\-", "-")
    rows = re.findall(r"^(\S+)\t\S+\t\S+\t\S+\tT\{\n.*?\(also \\fB(\S+)\\fR\)", text, flags=re.M)
    return {alias: name for name, alias in rows}


def libnf_names():
    """{other name: canonical name} as libnf has them: aliases and IPFIX Information Elements."""
    r = subprocess.run([chain.program("libnf-info"), "-i"], capture_output=True, text=True,
                       check=True, env=chain.environment())
    canonical, elements = {}, {}
    for line in r.stdout.splitlines()[1:]:
        number, _, _, name, rest = line.split(None, 4)
        canonical[int(number, 16)] = name
        for element in re.findall(r"  (\w+) \(\d+:\d+\)", rest):
            elements.setdefault(element, name)
    return set(canonical.values()), elements


def ask(*args, ranks=1, check=True):
    return chain.fdistdump(list(args), ranks=ranks, check=check)


def read_csv(text):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    for row in rows:
        assert len(row) == len(rows[0]), (rows[0], row)
    return rows


def text_of(value):
    """A value of JSON as csv has it."""
    if value is None:
        return "NaN"
    if isinstance(value, dict):
        return ",".join(text_of(part) for part in value.values())
    assert isinstance(value, str), value
    return value


def not_json(word):
    raise AssertionError(f"{word} is no JSON")


def read_json(text):
    """The same form; numbers stay as they are written."""
    rows = [json.loads(line, parse_int=str, parse_float=str,
                       parse_constant=not_json)
            for line in text.splitlines()]
    assert text == "" or text.endswith("\n")
    return [list(rows[0])] + [[text_of(v) for v in row.values()] for row in rows]


def read_table(text):
    """The same of a table whose values have no blanks."""
    return [line.split() for line in text.splitlines()]


def formats_agree(arguments, path, conversions=(), table=True):
    """csv's rows, when the other formats have the same."""
    arguments = [*arguments, "--output-items=r", "--output-addr-conv=str", *conversions, path]
    rows = read_csv(ask("--output-format=csv", *arguments)[0])
    assert len(rows) > 1, arguments
    got = read_json(ask("--output-format=json", *PLAIN, *arguments)[0])
    assert got == rows, (arguments, rows[:2], got[:2])
    if table:
        got = read_table(ask(*PLAIN, "--output-no-ellipsize", *arguments)[0])
        assert got == rows, (arguments, rows[:2], got[:2])
    return rows


def refused(arguments, path, *words):
    out, err, status = ask(*arguments, path, check=False)
    assert status == 7 and out == "" and err.count("\n") == 1, (arguments, out, err, status)
    assert all(word in err for word in words), (arguments, err, words)


# ---- output -------------------------------------------------------------------------------------

def number(text):
    return float("inf") if text == "NaN" else float(text)


def place(text):
    """Where a value sorts; addresses by their words, IPv4 before IPv6."""
    if re.fullmatch(r"\d+:\d+:\d+:\d+", text):
        return [int(word) for word in text.split(":")]
    if re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", text):
        return [int(octet, 16) for octet in text.split(":")]
    return [number(text)]


def test_outputs(path, fields):
    """Every field in lists, sorted lists and aggregations; converted and not."""
    names = [name for name in fields if name != "brec1" and name not in TEXTS]
    for start in range(0, len(names), AT_ONCE):
        part = names[start:start + AT_ONCE]
        columns = "--output-fields=" + ",".join(part)
        for question in (["-l", "200"], ["-o", "bytes", "-l", "200"], ["-a", "dstport", "-l", "50"],
                         ["-s", "srcip#flows"]):
            rows = formats_agree([*question, columns], path)
            expected = {"-l": [], "-o": ["bytes"], "-a": ["dstport"], "-s": ["srcip", "flows"]}
            shown = expected[question[0]]
            assert rows[0] == shown + [name for name in part if name not in shown], rows[0]
            several = read_csv(ask("--output-format=csv", "--output-addr-conv=str", *question, columns,
                                   f"%2:{path}", ranks=3)[0])
            assert several == rows, (question, columns)
            # What people read has blanks; these two formats still say the same.
            args = [*question, columns, *PEOPLE, path]
            assert (read_csv(ask("--output-format=csv", *args)[0]) ==
                    read_json(ask("--output-format=json", *args)[0])), args


def test_brec(path):
    parts = "first,last,proto,srcip,srcport,dstip,dstport,bytes,packets,flows"
    for question in (["-l", "100"], ["-o", "packets", "-l", "100"]):
        rows = formats_agree([*question, "--output-fields=brec1,tos"], path, table=False)
        whole = read_csv(ask("--output-format=csv", "--output-addr-conv=str", *question,
                             "--output-fields=" + parts, path)[0])
        brec, names = rows[0].index("brec1"), whole[0]
        for row, separate in zip(rows[1:], whole[1:], strict=True):
            by_name = dict(zip(names, separate))
            assert row[brec] == ",".join(by_name[name] for name in parts.split(",")), row
    refused(["-a", "srcip", "--output-fields=brec1"], path, "brec1")


def test_refused(path):
    """Stacks of labels are no columns, texts none of groups, and it is said so."""
    for name in sorted(NO_COLUMNS):
        for arguments in (["--output-fields=" + name], ["-a", name], ["-o", name]):
            refused(arguments, path, name, "cannot be")
    for name in sorted(TEXTS):
        for arguments, why in ((["-a", "srcip", "--output-fields=" + name], "cannot be aggregated"),
                               (["-s", "srcip", "--output-fields=" + name], "cannot be aggregated"),
                               (["-a", name], "cannot be an aggregation key"),
                               (["-a", "srcip", "-o", name], "cannot be a sort key"),
                               (["-o", name], "cannot be a sort key"),
                               (["-o", name + "#asc"], "cannot be a sort key")):
            refused(arguments, path, name, why)
            refused([*arguments, "--output-items=p"], path, name, why)


# ---- keys and order -----------------------------------------------------------------------------

def test_key(path, name, is_key, totals):
    if not is_key:
        return refused(["-a", name], path, name)
    rows = formats_agree(["-a", name, "--output-fields=flows,bytes"], path)
    expected = [name] + [other for other in ("flows", "bytes") if other != name]
    assert rows[0] == expected, rows[0]
    keys = [row[0] for row in rows[1:]]
    assert len(set(keys)) == len(keys), name
    for column, total in zip(("flows", "bytes"), totals):
        if column != name:
            got = sum(int(row[rows[0].index(column)]) for row in rows[1:])
            assert got == total * (2 if name in PAIRS else 1), (name, column, got, total)


def test_order(path, name, order):
    if order == "no":
        return refused(["-o", name], path, name, "cannot be a sort key")
    for given in ("", "#asc", "#desc"):
        out, _, _ = ask("--output-format=csv", "-o", name + given, "--output-fields=srcport", path)
        rows = read_csv(out)
        assert rows[0] == ([name] if name == "srcport" else [name, "srcport"]), rows[0]
        values = [place(row[0]) for row in rows[1:]]
        down = (given or "#" + order) == "#desc"
        real = [v for v in values if v != [float("inf")]]
        assert real == sorted(real, reverse=down), (name, given)
        assert values[len(real):] == [[float("inf")]] * (len(values) - len(real)), (name, given)


def test_prefixes(path):
    """On keys they cut; elsewhere they are understood and do nothing."""
    for key, pattern in (("srcip/24", r"\d+\.\d+\.\d+\.0"), ("srcip4/8", r"\d+\.0\.0\.0"),
                         ("srcip/24/64", r"\d+\.\d+\.\d+\.0"), ("ip/16", r"\d+\.\d+\.0\.0"),
                         ("first/300", r"\d+00000"), ("last/60", r"\d+000"),
                         ("duration/10", r"0|\d+0000"), ("srcport/5", r"\d+"), ("bytes/5", r"\d+"),
                         ("proto,first/3600", r"\d+")):
        rows = formats_agree(["-a", key, "--output-fields=flows"], path)
        assert all(re.fullmatch(pattern, row[0]) for row in rows[1:] if ":" not in row[0]), (key, rows)
    for cut, whole in ((["-o", "first/300"], ["-o", "first"]),
                       (["--output-fields=first/300,srcip/8"], ["--output-fields=first,srcip"]),
                       (["-a", "proto/5"], ["-a", "proto"]),
                       (["-a", "srcip/32/128"], ["-a", "srcip"])):
        for form in ("csv", "json", "pretty"):
            answers = [ask("--output-format=" + form, "--output-items=r", *question, path)[0]
                       for question in (cut, whole)]
            assert answers[0] == answers[1], (cut, form)
    for bad in ("srcip/33", "srcip/24/129", "srcip/", "srcip/a", "srcip/24/", "srcip/1/2/3",
                "srcip/-1", "srcip4/33", "srcip6/129", "srcip6/64/24", "srcip//64"):
        refused(["-a", bad], path, bad)


# ---- names --------------------------------------------------------------------------------------

def test_names(path, fields):
    """Whatever name is given, the header has the canonical one."""
    known, elements = libnf_names()
    aliases = {**manual_aliases(), "net": "ip"}
    assert len(aliases) >= 12 and len(elements) > 50, (aliases, elements)
    assert known - set(aliases) == set(fields) | NO_COLUMNS, known ^ (set(fields) | NO_COLUMNS)
    for other, name in {**aliases, **elements}.items():
        if name in NO_COLUMNS:
            continue
        out, _, _ = ask("--output-format=csv", "-l", "1", "--output-fields=" + other, path)
        assert read_csv(out)[0] == [aliases.get(name, name)], (other, name, out)
    for line in ELEMENTS.split("\n")[1:-1]:
        name, *others = line.split()
        out, _, _ = ask("--output-format=csv", "-l", "1", "--output-fields=" + ",".join(others), path)
        assert read_csv(out)[0] == [name], (name, others, out)
    for wrong in ("Bytes", "SRCIP", " bytes", "octetdeltacount", "bytess", "byte"):
        refused(["--output-fields=" + wrong], path, "unknown libnf field")


def test_table(fields):
    """The manual page has the original's table, but for what the original gets wrong."""
    directions = {name: order for name, (_, order, _) in fields.items()}
    assert {name for name, order in directions.items() if order == "desc"} == DESCENDING, directions
    assert {name for name, order in directions.items() if order == "no"} == PAIRS | {"brec1", "username"}, directions
    assert {name for name, (key, _, _) in fields.items() if not key} == NO_KEYS
    for name, (_, _, value) in fields.items():
        expected = [how for how, names in COMBINED.items() if name in names] or ["min"]
        assert name in ("brec1", "username") or [value] == expected, (name, value)


def test_pairs(path):
    """As columns they show the source; as keys they count records twice, but once in the summary."""
    csv_of = lambda *args: read_csv(ask("--output-format=csv", *args, path)[0])[1:]  # noqa: E731
    assert (csv_of("--output-fields=port,ip,as,if,vlan") ==
            csv_of("--output-fields=srcport,srcip,srcas,inif,srcvlan"))
    whole = csv_of("--output-items=p")[0][:3]
    for keys in ("ip", "ip,port", "if,as,vlan"):
        assert csv_of("--output-items=p", "-a", keys)[0][:3] == whole, keys
        rows, _, summary = ask("--output-format=csv", "--output-items=r,p", "-a", keys, "--output-fields=flows",
                               "-l", "0", path)[0].partition("\n\n")
        assert read_csv(summary)[1][:3] == whole, (keys, summary)
        assert sum(int(row[-1]) for row in read_csv(rows)[1:]) == 2 * int(whole[0]), keys


def test_rich_header(path, fields):
    """The manual says how values are combined, and so does the header."""
    names = [name for name in fields if fields[name][2] != "-"]
    assert set(fields) - set(names) == TEXTS | {"brec1"}
    for start in range(0, len(names), AT_ONCE):
        part = names[start:start + AT_ONCE]
        arguments = ["-a", "eacl", "-l", "1", "--output-rich-header",
                     "--output-fields=" + ",".join(part), path]
        part = [name for name in part if name != "eacl"]
        header = read_csv(ask("--output-format=csv", *arguments)[0])[0]
        assert header == ["eacl (key)"] + [f"{name} [{fields[name][2]}]" for name in part], header
        line = ask("--output-format=json", *arguments)[0].split("\n")[0]
        assert json.loads(line) == {"header": [{"field": "eacl", "key": True}] + [
            {"field": name, "value": fields[name][2]} for name in part]}, line


def main():
    fields = manual_fields()
    assert len(fields) > 75, sorted(fields)
    with chain.workspace() as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        path = os.path.join(work, "lnf.1")
        subprocess.run([chain.program("make_flow_files"), path, "3000", "lz4"], check=True,
                       stdout=subprocess.DEVNULL, env=chain.environment())
        out, _, _ = ask("--output-items=p", "--output-format=csv", path)
        totals = [int(read_csv(out)[1][i]) for i in (0, 2)]
        assert totals[0] == 3000
        jobs = [pool.submit(test_outputs, path, fields), pool.submit(test_brec, path),
                pool.submit(test_refused, path), pool.submit(test_prefixes, path),
                pool.submit(test_table, fields), pool.submit(test_pairs, path),
                pool.submit(test_names, path, fields), pool.submit(test_rich_header, path, fields)]
        for name, (key, order, _) in fields.items():
            jobs.append(pool.submit(test_key, path, name, key, totals))
            jobs.append(pool.submit(test_order, path, name, order))
        for job in jobs:
            job.result()
    print(f"{len(fields)} fields are as the manual page says")


if __name__ == "__main__":
    main()
