# SPDX-License-Identifier: BSD-3-Clause
"""Filters that ask for countries, answered a second time here by the longest network of each address.

The database is written by make_mmdb; mmdblookup, where it is installed, says what is in it, too."""

import csv
import io
import ipaddress
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

COUNT = 3000
FIELDS = ("srcip", "dstip", "proto", "bytes")
COUNTRIES = ("CZ", "US", "DE", "IN", "")  # "": a record that names no country


def make_flows(work):
    """A folder of two files with an index each."""
    folder = os.path.join(work, "flows")
    os.makedirs(folder)
    subprocess.run([chain.program("make_flow_files"), folder, str(COUNT), "lz4", "2", "index"],
                   check=True, stdout=subprocess.DEVNULL, env=chain.environment())
    return folder


def flow_files(folder):
    files = [path for path in chain.flow_files(folder) if os.path.basename(path).startswith("lnf.")]
    assert len(files) == 2
    return files


def run(*arguments, ranks=1, env=None):
    """(rows, standard error, status) of a question."""
    command = [chain.program("fdistdump"), "--output-format=csv", "--output-addr-conv=str",
               "--progress-bar-type=none", *arguments]
    if ranks > 1:
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                       env=chain.environment({**chain.NO_MPI_LEAKS, "LNF_GEO_DATABASE": "",
                                              **(env or {})}))
    return list(csv.DictReader(io.StringIO(r.stdout))), r.stderr, r.returncode


def listed(*arguments, **kwargs):
    """Rows of a list as sorted tuples."""
    rows, err, status = run(f"--output-fields={','.join(FIELDS)}", *arguments, **kwargs)
    assert status == 0 and err == "", (arguments, status, err)
    return sorted(tuple(row[name] for name in FIELDS) for row in rows)


# ---- the same, plainly --------------------------------------------------------------------------

def networks_for(flows):
    """{network: country}: some around addresses of the flows, and some inside of those."""
    addresses = sorted({ip for flow in flows for ip in flow[:2]}, key=lambda ip: (len(ip), ip))
    networks = {}
    for i, ip in enumerate(addresses):
        is_ipv4 = "." in ip
        for step, length in ((3, 16 if is_ipv4 else 52), (5, 24 if is_ipv4 else 64),
                             (7, 32 if is_ipv4 else 128)):
            if i % step == 0:
                network = ipaddress.ip_network(f"{ip}/{length}", strict=False)
                networks.setdefault(network, COUNTRIES[(i // step) % len(COUNTRIES)])
    assert len(networks) > 100
    return networks


class Database:
    def __init__(self, path, networks):
        self.path = path
        self.networks = networks
        self.lengths = sorted({n.prefixlen for n in networks}, reverse=True)
        self.known = {}
        rows = [f"{n}={country}" for n, country in
                sorted(networks.items(), key=lambda item: item[0].prefixlen)]
        subprocess.run([chain.program("make_mmdb"), path, *rows], check=True, env=chain.environment())

    def country(self, ip):
        if ip not in self.known:
            address = ipaddress.ip_address(ip)
            found = (self.networks.get(ipaddress.ip_network((address, length), strict=False))
                     for length in self.lengths if length <= address.max_prefixlen)
            self.known[ip] = next((country for country in found if country is not None), "") or ".."
        return self.known[ip]


def check_witness(database, flows):
    """mmdblookup finds the same country for every address."""
    if shutil.which("mmdblookup") is None:
        return 0
    addresses = sorted({ip for flow in flows for ip in flow[:2]})[::25]
    for ip in addresses:
        r = subprocess.run(["mmdblookup", "--file", database.path, "--ip", ip, "country", "iso_code"],
                           capture_output=True, text=True)
        found = re.search(r'"(.*)" <utf8_string>', r.stdout)
        assert (found[1] if found else "..") == database.country(ip), (ip, r.stdout, r.stderr)
    return len(addresses)


def is_tcp(flow):
    return flow[2] == "6"


# What to ask, and whether a flow with these countries of its source and destination is wanted.
QUESTIONS = [
    ("geo CZ", lambda s, d, f: "CZ" in (s, d)),
    ("src geo us", lambda s, d, f: s == "US"),
    ("dst geo DE", lambda s, d, f: d == "DE"),
    ("src or dst geo IN", lambda s, d, f: "IN" in (s, d)),
    ("src and dst geo CZ", lambda s, d, f: s == d == "CZ"),
    ("geo in", lambda s, d, f: "IN" in (s, d)),
    ("geo ..", lambda s, d, f: ".." in (s, d)),
    ("src and dst geo ..", lambda s, d, f: s == d == ".."),
    ("not geo CZ", lambda s, d, f: "CZ" not in (s, d)),
    ("geo != CZ", lambda s, d, f: "CZ" not in (s, d)),
    ("not src geo in [CZ US]", lambda s, d, f: s not in ("CZ", "US")),
    ("geo CZ or geo DE", lambda s, d, f: bool({"CZ", "DE"} & {s, d})),
    ("src geo CZ and not dst geo ..", lambda s, d, f: s == "CZ" and d != ".."),
    ("geo DE and proto tcp", lambda s, d, f: "DE" in (s, d) and is_tcp(f)),
    ("not (geo DE or proto tcp)", lambda s, d, f: not ("DE" in (s, d) or is_tcp(f))),
    ("inet6 and geo US", lambda s, d, f: "US" in (s, d) and ":" in f[0]),
    ("geo FR", lambda s, d, f: False),
]


def check_questions(folder, database, flows):
    option = f"--geo-database={database.path}"
    shares = {}
    for text, wanted in QUESTIONS:
        expected = [f for f in flows if wanted(database.country(f[0]), database.country(f[1]), f)]
        shares[text] = len(expected)
        assert listed(option, "-f", text, folder) == expected, text
        assert listed(option, "--no-bfindex", "-f", text, folder) == expected, text
    assert all(0 < count < len(flows) for text, count in shares.items() if text != "geo FR"), shares
    # A master with one slave, and with two of which each has a file; all open the database.
    files = flow_files(folder)
    for paths in ([folder], [f"%1:{files[0]}", f"%2:{files[1]}"]):
        for text, wanted in QUESTIONS[::4]:
            expected = [f for f in flows if wanted(database.country(f[0]), database.country(f[1]), f)]
            assert listed(option, "-f", text, *paths, ranks=1 + len(paths)) == expected, (text, paths)


def check_index(folder, database, flows):
    """An address beside the country still lets the index leave blocks out, and the answer is right."""
    ip = next(f[0] for f in flows if database.country(f[0]) == "CZ")
    expected = [f for f in flows if f[0] == ip]
    option = f"--geo-database={database.path}"
    assert listed(option, "-f", f"src geo CZ and src ip {ip}", folder) == expected
    assert listed(option, "-f", f"not src geo CZ and src ip {ip}", folder) == []


# ---- which database -----------------------------------------------------------------------------

def refused(*arguments, ranks=1, env=None):
    rows, err, status = run(*arguments, ranks=ranks, env=env)
    lines = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert status == 7 and rows == [] and len(lines) == 1, (arguments, status, err)
    return lines[0]


def check_databases(work, folder, database, other, flows):
    czech = [f for f in flows if "CZ" in (database.country(f[0]), database.country(f[1]))]
    env = {"LNF_GEO_DATABASE": database.path}
    question = ["-f", "geo CZ", folder]
    assert listed(*question, env=env) == czech
    assert listed(*question, env=env, ranks=2) == czech
    # The option wins.
    assert listed(f"--geo-database={other.path}", *question, env=env) == flows
    missing = os.path.join(work, "missing.mmdb")
    for ranks in (1, 2):
        line = refused(f"--geo-database={missing}", *question, env=env, ranks=ranks)
        assert missing in line and "No such file" in line and "line 1, column 5" in line, line
    assert missing in refused(*question, env={"LNF_GEO_DATABASE": missing})
    # What needs no database opens none.
    assert listed(f"--geo-database={missing}", folder, env={"LNF_GEO_DATABASE": missing}) == flows
    damaged = os.path.join(work, "damaged.mmdb")
    with open(database.path, "rb") as f:
        octets = f.read()
    for size in (0, 1, 1000, len(octets) // 2, len(octets) - 1):
        with open(damaged, "wb") as f:
            f.write(octets[:size])
        assert damaged in refused(f"--geo-database={damaged}", *question), size
    assert "'USA' is no country" in refused("-f", "geo USA", folder, env=env)
    if not any(os.path.exists(f"{p}/GeoLite2-Country.mmdb") for p in ("/var/lib/GeoIP", "/usr/share/GeoIP")):
        line = refused(*question)
        assert "LNF_GEO_DATABASE" in line and "/var/lib/GeoIP/GeoLite2-Country.mmdb" in line, line


def check_nodes(folder, database, other, flows):
    """Processes may have databases of their own: each one answers for its files."""
    program = [chain.program("fdistdump"), "--output-format=csv", "--output-addr-conv=str",
               "--progress-bar-type=none", f"--output-fields={','.join(FIELDS)}", "-f", "geo CZ"]
    files = flow_files(folder)
    r = subprocess.run(["mpiexec", "--oversubscribe",
                        "-n", "1", *program, f"--geo-database={database.path}", ":",
                        "-n", "1", *program, f"--geo-database={database.path}", files[0], ":",
                        "-n", "1", *program, f"--geo-database={other.path}", files[1]],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                       env=chain.environment(chain.NO_MPI_LEAKS))
    assert r.returncode == 0, r.stderr
    got = sorted(tuple(row[name] for name in FIELDS) for row in csv.DictReader(io.StringIO(r.stdout)))
    first = [f for f in listed(files[0])
             if "CZ" in (database.country(f[0]), database.country(f[1]))]
    assert got == sorted(first + listed(files[1])) and 0 < len(first) < len(listed(files[0]))


def check_damage(work, folder):
    """Records that are damaged are told of; the flows they are about are in no country."""
    path = os.path.join(work, "later.mmdb")
    Database(path, {ipaddress.ip_network("0.0.0.0/1"): "CZ", ipaddress.ip_network("128.0.0.0/1"): "US"})
    with open(path, "rb") as f:
        octets = f.read()
    assert octets.count(b"BUS") == 1  # a text of two octets
    with open(path, "wb") as f:
        f.write(octets.replace(b"BUS", b"\x3f\xff\xff"))  # a pointer to nowhere
    option = f"--geo-database={path}"
    rows, err, status = run(option, "-f", "geo US", folder)
    assert status == 0 and rows == [], (status, err)
    assert f"addresses could not be looked up: the database of countries '{path}' is damaged" in err, err
    assert re.search(r"problems of files: \d+ addresses not looked up", err), err
    _, err, status = run(option, "--strict", "-f", "geo US", folder)
    assert status == 5, (status, err)


def main():
    with chain.workspace() as work:
        folder = make_flows(work)
        flows = listed(folder)
        assert len(flows) == COUNT
        database = Database(os.path.join(work, "Country.mmdb"), networks_for(flows))
        line = run(f"--geo-database={database.path}", "-f", "geo CZ", folder)[1]
        if "built without libmaxminddb" in line:
            chain.skip("libnf was built without libmaxminddb")
        other = Database(os.path.join(work, "all.mmdb"), {ipaddress.ip_network(n): "CZ" for n in ("::/1", "8000::/1")})
        witnessed = check_witness(database, flows)
        check_questions(folder, database, flows)
        check_index(folder, database, flows)
        check_databases(work, folder, database, other, flows)
        check_nodes(folder, database, other, flows)
        check_damage(work, folder)
    print(f"{len(QUESTIONS)} questions, {len(database.networks)} networks, {witnessed} addresses "
          "asked of mmdblookup")


if __name__ == "__main__":
    main()
