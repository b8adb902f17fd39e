# SPDX-License-Identifier: BSD-3-Clause
"""What every option of fdistdump promises, as rows of a table: what to ask, and what must come out.

Rows are one process each; those that matter are asked of three processes, too. The table is complete:
every option of --help has rows."""

import concurrent.futures
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

COUNT = 3000
LIST = "first,packets,bytes,srcip,dstip,srcport,dstport,proto,flags"
GROUPS = "duration,flows,packets,bytes,flags,bps,pps,bpp"
CSV = "--output-format=csv"
JSON = "--output-format=json"


class Answer:
    """What came out of a run."""

    def __init__(self, out, err, status):
        self.out, self.err, self.status = out, err, status

    def lines(self):
        return self.out.splitlines()

    def rows(self):
        """Rows of csv without the header."""
        return list(csv.reader(io.StringIO(self.out, newline=""), strict=True))[1:]

    def column(self, i=0):
        return [row[i] for row in self.rows()]

    def levels(self):
        return {line.split(":")[0] for line in self.err.splitlines()}


def ask(*args, ranks=1, env=None):
    command = [chain.program("fdistdump"), *args]
    if ranks > 1:
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       env=chain.environment({**chain.NO_MPI_LEAKS, **(env or {})}), timeout=120)
    return Answer(r.stdout, r.stderr, r.returncode)


# ---- what to expect -----------------------------------------------------------------------------

def refused(*words):
    """Status 7, one line, which has the words."""
    def check(a):
        return (a.status == 7 and a.out == "" and a.err.count("\n") == 1 and
                a.err.startswith("Error: command line arguments: ") and all(w in a.err for w in words))
    return check


def header(text):
    return lambda a: a.status == 0 and a.lines()[0] == text


def rows(count):
    return lambda a: a.status == 0 and len(a.rows()) == count


def prints(pattern):
    return lambda a: a.status == 0 and re.fullmatch(pattern, a.out, re.S) is not None


def descending(column=0):
    return lambda a: (lambda v: len(v) > 1 and v == sorted(v, reverse=True))(
        [int(x) for x in a.column(column)])


def ascending(column=0):
    return lambda a: (lambda v: len(v) > 1 and v == sorted(v))([int(x) for x in a.column(column)])


def same_as(*args):
    """The same output as another question."""
    def check(a, path):
        other = ask(*args, "--progress-bar-type=none", path)
        return a.status == 0 and other.status == 0 and a.out == other.out and a.out != ""
    check.needs_path = True
    return check


def steps(*patterns):
    """Lines of verbosity 4, in this order, and no others than Debug."""
    whole = "".join(rf"(?:.*\n)*Debug: {pattern}\t\[MPI: 1/1 \S+\]\n" for pattern in patterns)
    return lambda a: a.status == 0 and a.levels() == {"Debug"} and re.match(whole, a.err) is not None


def both(*checks):
    return lambda a: all(check(a) for check in checks)


PRETTY_TIME = r"2026-01-01 0[0-9]:\d\d:\d\d\.\d\d\d|2025-12-31 23:\d\d:\d\d\.\d\d\d"
PROCESSED = (r"processed records summary:\n\t\S+( [kM])? flows, \S+( [kM])? packets, \S+( [kM])? bytes\n"
             r"\t\d+\.\d{6} seconds, \d+\.\d( [kMG])? flows/second\n")
PROCESSED_CSV = r"flows,packets,bytes,seconds,flows/second\n\d+,\d+,\d+,\d+\.\d{6},\d+\.\d\n"
METADATA = r"metadata summary:\n(\t\w+:\n(\t\t(total: |TCP:   |UDP:   |ICMP:  |other: )\S+( [kM])?\n){5}){3}"
METADATA_CSV = r"field,total,TCP,UDP,ICMP,other\n(flows|packets|bytes)(,\d+){5}\n" + \
    r"(?:(?:packets|bytes)(?:,\d+){5}\n){2}"
TABLE = r"first +packets .*\n(.*\n){2}"
KEYS_11 = "srcip,dstip,srcport,dstport,proto,flags,tos,srcas,dstas,inif,outif"
FIELDS_31 = KEYS_11 + ",first,last,received,bytes,packets,outbytes,outpackets,flows,nextip,srcmask," \
    "dstmask,dsttos,nextas,prevas,bgpnexthop,srcvlan,dstvlan,dir,fwd,event"

# (option the row is about, arguments, check of the answer[, number of processes])
ROWS = [
    # keys
    ("aggregation", ["-a", "proto", CSV], header("proto," + GROUPS)),
    ("aggregation", ["--aggregation=proto,dstport", CSV, "-l", "3"],
     header("proto,dstport," + GROUPS)),
    ("aggregation", ["-a", "proto,proto,tcpflags", CSV], header("proto,flags,duration,flows,packets,"
                                                              "bytes,bps,pps,bpp")),
    ("aggregation", ["-a", KEYS_11.rpartition(",")[0], CSV, "-l", "1"], rows(1)),
    ("aggregation", ["-a", KEYS_11, CSV], refused("more than 10 aggregation keys")),
    ("aggregation", ["-a", ""], refused("no aggregation key given")),
    ("aggregation", ["-a", "nosuch"], refused("unknown libnf field `nosuch'")),
    ("aggregation", ["-a", "bps"], refused("bps")),
    ("aggregation", ["-a", "srcip/33"], refused("srcip/33")),
    # filter
    ("filter", ["-f", "proto tcp", "-a", "proto", CSV, "--output-fields="],
     lambda a: a.column() == ["6"]),
    ("filter", ["--filter=src prot 5"], refused("cannot initialize filter", "line 1, column 5")),
    ("filter", ["-f", "", CSV], same_as(CSV)),
    # limit
    ("limit", ["-l", "5", CSV], rows(5), 3),
    ("limit", ["-l", "0", CSV], rows(COUNT)),
    ("limit", [CSV], rows(COUNT)),
    ("limit", ["-l", " +7", CSV], rows(7)),
    ("limit", ["-l", "5x"], refused("record limit `5x': trailing characters")),
    ("limit", ["-l", "-5"], refused("record limit `-5': negative value")),
    ("limit", ["-l", " -5"], refused("negative value")),
    ("limit", ["-l", ""], refused("record limit `': not a number")),
    ("limit", ["-l", "18446744073709551616"], refused("value too large")),
    ("limit", ["-l", "18446744073709551615", CSV], rows(COUNT)),
    # order
    ("order", ["-o", "bytes", CSV], both(descending(), header("bytes,first,packets,srcip,dstip,"
                                                            "srcport,dstport,proto,flags")), 3),
    ("order", ["-o", "bytes#asc", CSV], ascending(), 3),
    ("order", ["-o", "srcport", CSV], ascending()),
    ("order", ["--order=srcport#desc", CSV], descending()),
    ("order", ["-o", "bytes#up"], refused("invalid sort direction `up'")),
    ("order", ["-o", "bytes#"], refused("invalid sort direction")),
    ("order", ["-o", ""], refused("empty field name")),
    ("order", ["-o", "nosuch"], refused("unknown libnf field `nosuch'")),
    ("order", ["-o", "ip"], refused("cannot be a sort key")),
    ("order", ["-a", "proto", "-o", "bytes", CSV], both(
        descending(1), header("proto,bytes,duration,flows,packets,flags,bps,pps,bpp"))),
    # statistic
    ("statistic", ["-s", "srcip", CSV], both(rows(10), descending(1), header(
        "srcip,flows,duration,packets,bytes,flags,bps,pps,bpp")), 3),
    ("statistic", ["-s", "srcip#bytes", CSV], both(rows(10), descending(1))),
    ("statistic", ["-s", "srcip,dstip#bytes#asc", CSV], both(rows(10), ascending(2))),
    ("statistic", ["-s", "srcip", "-l", "5", CSV], rows(5)),
    ("statistic", ["-l", "5", "-s", "srcip", CSV], rows(5)),
    ("statistic", ["-s", "dstport", "-l", "0", CSV], same_as("-a", "dstport", "-o", "flows", CSV)),
    ("statistic", ["-o", "packets#asc", "-s", "srcip", CSV], both(rows(10), ascending(1))),
    ("statistic", ["-s", "srcip#"], refused("empty field name in order")),
    ("statistic", ["-s", "srcip#up"], refused("unknown libnf field `up'")),
    # times; everything else about them needs a hierarchy, see fdistdump_cli.py
    ("time-point", ["-t", "never"], refused("invalid time specifier `never'")),
    ("time-point", ["-t", "1700000000000"], refused("time specifier `1700000000000' is after the year 9999")),
    ("time-point", ["-t", "1", "-T", "1#600"], refused("exclude each other")),
    ("time-point", ["-t", "1", CSV], rows(COUNT)),  # of a file all is read
    ("time-range", ["-T", "600#600"], refused("zero or negative time range duration")),
    ("time-range", ["--time-range=2015-03-29 02:00#2015-03-29 03:00", "--time-zone=Europe/Prague"],
     refused("zero or negative time range duration")),
    ("time-range", ["-T", "1#600", CSV], rows(COUNT)),
    # verbosity
    ("verbosity", ["-v", "0", "/nonexistent"], lambda a: a.status == 0 and a.levels() == set()),
    ("verbosity", ["-v", "1", "/nonexistent"], lambda a: a.status == 0 and a.levels() == set()),
    ("verbosity", ["-v", "2", "/nonexistent"], lambda a: a.status == 0 and a.levels() == {"Warning"}),
    ("verbosity", ["/nonexistent"], lambda a: a.status == 0 and a.levels() == {"Warning"}),
    ("verbosity", ["-v", "2", "/nonexistent", "-o", "bytes", "--memory-limit=1k"],
     lambda a: a.status == 0 and a.levels() == {"Warning"}),
    ("verbosity", ["-v", "3", "/nonexistent", "-o", "bytes", "--memory-limit=1k"],
     lambda a: a.status == 0 and a.levels() == {"Warning", "Info"}),
    ("verbosity", ["-v", "3", CSV], lambda a: a.status == 0 and a.err == ""),
    ("verbosity", ["--verbosity=4", CSV], both(rows(COUNT), steps(
        r"path `\S+lnf\.1': 1 files to read",
        r"opened `\S+lnf\.1': 3000 flows in its statistics; index: not asked",
        r"read `\S+lnf\.1': [1-9]\d* blocks, 3000 records in \d\.\d{6} s",
        r"1 files done by \d+ threads in \d\.\d{6} s; 0 rows after \d\.\d{6} s of merging"))),
    ("verbosity", ["-v", "4", "-f", "src ip 192.0.2.1", "-a", "proto", CSV], steps(
        r"opened `\S+lnf\.1': 3000 flows in its statistics; index: missing")),
    ("verbosity", ["-v", "4", "-f", "src ip 192.0.2.1", "-a", "proto", CSV, "--no-bfindex"], steps(
        r"opened `\S+lnf\.1': 3000 flows in its statistics; index: not used")),
    ("verbosity", ["-v", "4", "-a", "proto", CSV, "--output-items=m"], steps(
        r"read `\S+lnf\.1': 0 blocks, 0 records in \d\.\d{6} s")),
    ("verbosity", ["-v", "0", "-o", "nosuch"], refused("nosuch")),
    ("verbosity", ["-v", "5"], refused("must be 0 to 4")),
    ("verbosity", ["-v", "-1"], refused("must be 0 to 4")),
    ("verbosity", ["-v", "high"], refused("not a number")),
    # output fields
    ("output-fields", [CSV], header(LIST)),
    ("output-fields", ["--output-fields=bytes,srcip,bytes", CSV], header("bytes,srcip"), 3),
    ("output-fields", ["--output-fields=", "-l", "3", CSV], prints("\n\n\n\n")),
    ("output-fields", ["--output-fields=", "-s", "proto", CSV, "-l", "1"], prints(r"proto,flows\n6,\d+\n")),
    ("output-fields", ["--output-fields=" + FIELDS_31.rpartition(",")[0], CSV], rows(COUNT)),
    ("output-fields", ["--output-fields=" + FIELDS_31], refused("more than 30 output fields")),
    ("output-fields", ["--output-fields=nosuch"], refused("unknown libnf field `nosuch'")),
    ("output-fields", ["--output-fields=bytes,,srcip"], refused("empty field name in output fields `bytes,,srcip'")),
    ("output-fields", ["--output-fields=username", "-l", "2", CSV], prints('username\n""\n""\n'), 3),
    ("output-fields", ["--output-fields=username,proto", "-o", "bytes", CSV], rows(COUNT), 3),
    ("output-fields", ["--output-fields=mpls"], refused("mpls", "cannot be a column")),
    ("output-fields", ["--output-fields=username", "-a", "srcip"],
     refused("username", "cannot be aggregated")),
    # items; blocks are apart by one empty line, in JSON by none
    ("output-items", ["-l", "2"], prints(TABLE + "\n" + PROCESSED), 3),
    ("output-items", ["-l", "2", CSV], lambda a: len(a.lines()) == 3),
    ("output-items", ["-l", "2", JSON], lambda a: len(a.lines()) == 2 and all(
        "first" in json.loads(line) for line in a.lines())),
    ("output-items", ["-l", "2", "--output-items=r"], prints(TABLE)),
    ("output-items", ["--output-items=p"], prints(PROCESSED), 3),
    ("output-items", ["--output-items=m"], prints(METADATA), 3),
    ("output-items", ["--output-items=m,p,r", "-l", "2"],
     prints(TABLE + "\n" + PROCESSED + "\n" + METADATA), 3),
    ("output-items", ["--output-items=records,processed-records-summary,metadata-summary", "-l", "2"],
     prints(TABLE + "\n" + PROCESSED + "\n" + METADATA)),
    ("output-items", ["--output-items=p", CSV], prints(PROCESSED_CSV)),
    ("output-items", ["--output-items=m", CSV], prints(METADATA_CSV)),
    ("output-items", ["--output-items=r,p,m", "-l", "1", "--output-fields=proto", CSV],
     prints(r"proto\n\d+\n\n" + PROCESSED_CSV + "\n" + METADATA_CSV), 3),
    ("output-items", ["--output-items=r,p,m", "-l", "1", "--output-fields=proto", JSON],
     lambda a: [list(json.loads(line)) for line in a.lines()] == [
         ["proto"], ["processed-records-summary"], ["metadata-summary"]], 3),
    ("output-items", ["--output-items="], prints("")),
    ("output-items", ["--output-items=", "-s", "srcip", JSON], prints("")),
    ("output-items", ["--output-items=m", "-s", "srcip", "-f", "proto udp"], same_as("--output-items=m")),
    ("output-items", ["--output-items=x"], refused("unknown output item `x'")),
    # formats
    ("output-format", ["-l", "2"], prints(r"first .*")),
    ("output-format", ["--output-format=pretty", "-l", "1"], prints(r"first  .*")),
    ("output-format", [CSV, "-f", "packets = 0"], prints(LIST + "\n")),
    ("output-format", ["-f", "packets = 0", "--output-items=r"],
     prints("first  +packets .*\n")),
    ("output-format", [JSON, "-f", "packets = 0"], prints("")),
    ("output-format", [JSON, "-f", "packets = 0", "-s", "srcip"], prints("")),
    ("output-format", [JSON, "-l", "1"], lambda a: list(json.loads(a.out)) == LIST.split(","), 3),
    ("output-format", ["--output-format=xml"], refused("unknown value `xml' of --output-format")),
    ("output-format", ["--output-format="], refused("--output-format")),
    # rich header
    ("output-rich-header", ["-s", "srcip,proto#bytes", "--output-rich-header", CSV,
                            "--output-fields=flags,first,last,flows,bps"],
     header("srcip (key),proto (key),bytes {desc},flags [or],first [min],last [max],flows [sum],"
            "bps [calc]"), 3),
    ("output-rich-header", ["-a", "srcip", "-o", "srcip", "--output-rich-header", CSV,
                            "--output-fields="], header("srcip (key){asc}")),
    ("output-rich-header", ["-o", "bytes#asc", "--output-rich-header", CSV, "--output-fields=srcip"],
     header("bytes {asc},srcip")),
    ("output-rich-header", ["--output-rich-header", CSV], same_as(CSV)),
    ("output-rich-header", ["--output-rich-header", "-l", "1", "-s", "proto#bytes",
                            "--output-fields="],
     lambda a: a.lines()[0] == "proto (key)    bytes {desc}"),
    ("output-rich-header", ["--output-rich-header", "-l", "1", JSON, "--output-fields=proto"],
     prints(r'\{"header":\[\{"field":"proto"\}\]\}\n\{"proto":\d+\}\n')),
    # tables
    ("output-no-ellipsize", ["-f", "ipv6", "--output-fields=srcip,proto", "--output-items=r"],
     lambda a: "..." in a.out),
    ("output-no-ellipsize", ["-f", "ipv6", "--output-fields=srcip,proto", "--output-no-ellipsize",
                             "--output-items=r"],
     lambda a: "..." not in a.out and re.search(r"^2001:[0-9a-f:]{12,} \w", a.out, re.M)),
    ("output-no-ellipsize", ["-f", "ipv6", "-o", "bytes", "--output-fields=srcip,proto",
                             "--output-no-ellipsize", "--output-items=r"],
     lambda a: "..." not in a.out and len({line.rstrip().rfind("    ") for line in a.lines()}) == 1),
    ("output-no-ellipsize", ["-f", "ipv6", CSV, "--output-addr-conv=str", "--output-no-ellipsize"],
     same_as("-f", "ipv6", CSV, "--output-addr-conv=str")),
]

# Conversions: (name, value, field, what the field's values look like then), and the presets below.
FLAGS = r"[C.][E.][U.][A.][P.][R.][S.][F.]"
CONVERSIONS = [
    ("ts", "none", "first", r"\d{13}"),
    ("ts", "pretty", "first", PRETTY_TIME),
    ("volume", "none", "bytes", r"\d+"),
    ("volume", "metric-prefix", "bytes", r"\d{1,3}\.\d( [kMGT])?"),
    ("volume", "binary-prefix", "bytes", r"\d{1,4}\.\d( [KMGT]i)?"),
    ("volume", "none", "bps", r"\d+\.\d|NaN"),
    ("volume", "metric-prefix", "bps", r"\d{1,3}\.\d( [kMGT])?|NaN"),
    ("tcpflags", "none", "flags", r"\d+"),
    ("tcpflags", "str", "flags", FLAGS),
    ("addr", "none", "srcip", r"\d+:\d+:\d+:\d+"),
    ("addr", "str", "srcip", r"\d+\.\d+\.\d+\.\d+|[0-9a-f:]+"),
    ("proto", "none", "proto", r"\d+"),
    ("proto", "str", "proto", r"TCP|UDP|ICMP|IPv6-ICMP|[A-Z][\w-]+"),
    ("duration", "none", "duration", r"\d+"),
    ("duration", "str", "duration", r"\d\d:\d\d:\d\d\.\d\d\d"),
]
PRESETS = {
    "csv": {"ts": "none", "volume": "none", "tcpflags": "none", "addr": "none", "proto": "none",
            "duration": "none"},
    "json": {"ts": "none", "volume": "none", "tcpflags": "none", "addr": "str", "proto": "none",
             "duration": "none"},
    "pretty": {"ts": "pretty", "volume": "metric-prefix", "tcpflags": "str", "addr": "str",
               "proto": "str", "duration": "str"},
}
SHOWN = "first,bytes,bps,flags,srcip,proto,duration"


def conversion_rows():
    for name, value, field, pattern in CONVERSIONS:
        option = f"output-{name}-conv"
        yield (option, [f"--{option}={value}", CSV, "--output-fields=" + field],
               lambda a, p=pattern: a.rows() and all(re.fullmatch(p, v) for v in a.column()))
    for form, presets in PRESETS.items():
        explicit = [f"--output-{name}-conv={value}" for name, value in presets.items()]
        for name in presets:
            yield (f"output-{name}-conv", ["--output-format=" + form, "--output-items=r",
                                           "--output-fields=" + SHOWN],
                   same_as("--output-format=" + form, "--output-items=r", "--output-fields=" + SHOWN,
                           *explicit))
    for name in PRESETS["csv"]:
        yield (f"output-{name}-conv", [f"--output-{name}-conv=maybe"],
               refused(f"unknown value `maybe' of --output-{name}-conv"))


def stderr(pattern):
    return lambda a: a.status == 0 and re.fullmatch(pattern, a.err) is not None


TOTAL = r"reading files: 0/1 \(0 %\) \.\.\.\n(reading files: 1/1 \(100 %\) \.\.\.\n)?" \
    r"reading files: 1/1 \(100 %\) DONE\n"
PERSLAVE = r"reading files: total: 0/1 \(0 %\) \| 1: 0/1 \(0 %\) \.\.\.\n(.*\.\.\.\n)?" \
    r"reading files: total: 1/1 \(100 %\) \| 1: 1/1 \(100 %\) DONE\n"

# Rows whose progress is not switched off. A pipe shows carriage returns as ends of lines here.
PROGRESS = [
    ("progress-bar-type", [], stderr("")),  # no terminal, nobody asked for it
    ("progress-bar-type", ["--progress-bar-type=none"], stderr("")),
    ("progress-bar-type", ["--progress-bar-type=total"], stderr(TOTAL)),
    ("progress-bar-type", ["--progress-bar=total"], stderr(TOTAL)),
    ("progress-bar-type", ["--progress-bar-type=perslave"], stderr(PERSLAVE)),
    ("progress-bar-type", ["--progress-bar-type=json"],
     stderr(r'\{"total":0,"slave1":0\} \.\.\.\n(.*\.\.\.\n)?\{"total":100,"slave1":100\} DONE\n')),
    ("progress-bar-type", ["--progress-bar-type=bar"], refused("unknown value `bar'")),
    ("progress-bar-type", [], stderr(TOTAL.replace("0/1", "0/2").replace("1/1", r"(1|2)/2")
                                     .replace(r"\(100 %\)", r"\((50|100) %\)")
                                     .replace(")?", ")*")), 3),  # a launcher may have a terminal
    ("progress-bar-dest", ["--progress-bar-dest=stderr"], stderr(TOTAL)),
    ("progress-bar-dest", ["--progress-bar-dest=stdout", JSON, "-f", "packets = 0"], lambda a: re.fullmatch(
        TOTAL, a.out) and a.err == ""),
    ("progress-bar-dest", ["--progress-bar-dest=/nonexistent/x"], lambda a: a.status == 0 and
     a.err.startswith("Warning: path: no progress: ")),
]

OTHERS = [
    ("num-threads", ["--num-threads=1", CSV], same_as("--num-threads=8", CSV)),
    ("num-threads", ["--num-threads=0"], refused("must be 1 to")),
    ("num-threads", ["--num-threads=-1"], refused("must be 1 to")),
    ("num-threads", ["--num-threads=two"], refused("not a number")),
    ("memory-limit", ["--memory-limit=1M", "-a", "srcip,srcport", CSV], same_as("-a", "srcip,srcport", CSV)),
    ("memory-limit", ["--memory-limit=much"], refused("much")),
    ("geo-database", ["--geo-database=/nonexistent", "-f", "geo US"], refused("`geo US'", "column 5")),
    ("geo-database", ["--geo-database=/nonexistent", CSV], same_as(CSV), 3),
    ("exchange", ["--exchange=gather", "-s", "srcip", CSV], same_as("-s", "srcip", CSV), 3),
    ("exchange", ["--exchange=tput", "-s", "srcip", CSV], same_as("-s", "srcip", CSV), 3),
    ("exchange", ["--exchange=shuffle", "-s", "srcip", CSV], same_as("-s", "srcip", CSV), 3),
    ("exchange", ["--exchange=auto", "-o", "bytes", CSV], same_as("-o", "bytes", CSV), 3),
    ("exchange", ["--exchange=tput", "-a", "srcip", "-o", "bytes"], refused("it needs a limit")),
    ("exchange", ["--exchange=best"], refused("unknown value `best' of --exchange")),
    ("explain", ["--explain", "-s", "srcip", CSV], lambda a: a.status == 0 and
     "\nexplain: exchange: " in a.err and len(a.lines()) == 11, 3),
    ("no-tput", ["--no-tput", "-s", "srcip", CSV], same_as("-s", "srcip", CSV), 3),
    ("no-bfindex", ["--no-bfindex", "-f", "ip 10.16.0.7", CSV], same_as("-f", "ip 10.16.0.7", CSV)),
    ("strict", ["--strict", CSV], same_as(CSV)),
    ("strict", ["--strict", "/nonexistent", "-l", "1", CSV], lambda a: a.status == 8 and
     len(a.lines()) == 2 and a.levels() == {"Warning", "Error"}),
    ("strict", ["--strict", "/etc/passwd", "-v", "0"], lambda a: a.status == 5 and
     "Warning: libnf: /etc/passwd: " in a.err and "1 of 2 files" in a.err.splitlines()[-1]),
    ("time-zone", ["--output-ts-conv=pretty", CSV, "--time-zone=Europe/Prague"],
     same_as("--output-ts-conv=pretty", CSV, "--time-zone=CET-1CEST,M3.5.0,M10.5.0/3")),
    ("time-zone", ["--output-ts-conv=pretty", CSV], same_as("--output-ts-conv=pretty", CSV,
                                                           "--time-zone=UTC")),
    ("time-zone", ["--output-ts-conv=pretty", CSV, "--time-zone="],
     same_as("--output-ts-conv=pretty", CSV)),
    ("time-zone", ["--output-ts-conv=pretty", CSV, "--time-zone=No/Such"],
     same_as("--output-ts-conv=pretty", CSV)),
    ("time-zone", ["--output-ts-conv=pretty", CSV, "--time-zone=Asia/Tokyo", "-l", "1",
                   "--output-fields=first"], prints(r"first\n2026-01-01 0[89]:.*\n")),
    ("time-zone", ["--output-ts-localtime", "--output-ts-conv=pretty", CSV],
     same_as("--time-zone=system", "--output-ts-conv=pretty", CSV)),
    ("help", ["--help"], prints(r"Usage: .*--output-format=FORMAT\n.*")),
    ("help", ["--help=1"], refused("takes no argument")),
    ("version", ["--version"], prints(r"fdistdump \d+\.\d+\.\d+\n")),
    # older spellings
    ("output-fields", ["--fields=pkts,bytes,proto", CSV], both(header("packets,bytes,proto"), rows(COUNT))),
    ("output-fields", ["--fields", "pkts,bytes,proto", CSV, "--output-volume-conv=none"],
     same_as("--output-fields=packets,bytes,proto", CSV)),
    ("statistic", ["-s", "srcip,dstip/flows", CSV], same_as("-s", "srcip,dstip#flows", CSV)),
    ("statistic", ["-s", "srcip/24/bytes", CSV], same_as("-s", "srcip/24#bytes", CSV)),
    ("statistic", ["-s", "srcip/24", CSV], same_as("-s", "srcip/24#flows", CSV)),
    ("aggregation", ["-a", "srcnet,nexthop", CSV, "--output-fields=outpkts"],
     header("srcip,nextip,outpackets")),
    ("order", ["-o", "pkts", CSV, "--output-fields=tcpflags"], header("packets,flags")),
    # forms of options
    ("limit", ["--lim", "3", CSV], rows(3)),
    ("limit", ["--limit=4", "-l3", CSV], rows(3)),
    ("output-format", ["--output-f=csv"], refused("ambiguous option")),
    ("limit", ["-l"], refused("option `-l' needs an argument")),
]


def check(row, path):
    option, arguments, condition, *ranks = row
    # After the path: options may stand there, too; but nothing may follow an option without argument.
    last = arguments == ["-l"]
    quiet = [] if row in PROGRESS else ["--progress-bar-type=none"]
    for processes in {1, *ranks} if row not in PROGRESS else (ranks or [1]):
        paths = [path] if processes == 1 else ([path] if row in PROGRESS else [f"%1:{path}"])
        line = [*quiet, *paths, *arguments] if last else [*quiet, *arguments, *paths]
        answer = ask(*line, ranks=processes)
        fine = (condition(answer, path) if hasattr(condition, "needs_path") else condition(answer))
        if not fine:
            return (f"{option}: {arguments} with {processes} processes: status {answer.status}\n"
                    f"{answer.out[:1000]}{answer.err[:1000]}")
    return ""


UNFINISHED = [
    ("verbosity", ["-v", "4", CSV], both(rows(COUNT), lambda a: re.search(
        r"^Debug: opened `\S+lnf\.2': no statistics, it is unfinished; index: not asked\t", a.err, re.M))),
]


def main():
    table = [*ROWS, *conversion_rows(), *OTHERS, *PROGRESS]
    options = re.findall(r"^  (?:-\w, |    )--([\w-]+)", ask("--help").out, flags=re.M)
    assert len(options) > 25, options
    for option in options:
        assert any(row[0] == option for row in table), f"no row is about --{option}"
    with chain.workspace() as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        path = os.path.join(work, "lnf.1")
        subprocess.run([chain.program("make_flow_files"), path, str(COUNT), "lz4"], check=True,
                       stdout=subprocess.DEVNULL, env=chain.environment())
        unfinished = os.path.join(work, "lnf.2")
        shutil.copy(path, unfinished)
        chain.leave_unfinished(unfinished)
        failures = list(filter(None, [*pool.map(lambda row: check(row, path), table),
                                      *(check(row, unfinished) for row in UNFINISHED)]))
    for failure in failures:
        print(failure)
    print(f"{len(table)} rows, {len(failures)} of them wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
