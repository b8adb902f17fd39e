# SPDX-License-Identifier: BSD-3-Clause
"""User names, whatever octets exporters put into them: in lists and sorted records, in every format, from
files of both layouts, on one rank and on several, and through temporary files. What Python's readers of csv
and JSON get is compared with what was written; nfdump is a second witness where it is installed."""

import csv
import io
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

LONGEST = 65  # libnf ends what it writes with a NUL; elements have 66 octets
LINE_BREAKS = "\n\r\t"
NAMES = [
    "alice", "DOMAIN\\bob", "Žofie Nováková", "漢字かな交じり文の長い名前", "\U0001f600", "a,b", 'say "hi"',
    '"', ",", "two\nlines", "carriage\rreturn", "tab\tulator", " blanks ", "=1+1", "\\x41", "null", "NaN",
    "\x1b[2J\x1b]0;title\x07", "\x9b2J", "\x01\x7f", "a\u202eb", "\ufeffmark", "\u2028",
    b"\xff\xfe", b"cut \xe2\x82", b"\xc0\xaf", b"\xed\xa0\x80", b"mixed \xc5\xbd \xc5, \"\x80\"",
    "x" * 10, "x" * 11, "x" * LONGEST, "Ž" * 32, "\x02" * LONGEST, b"\x80" * LONGEST, '"' * LONGEST, "\n" * LONGEST,
]
NAMES = [name if isinstance(name, bytes) else name.encode() for name in NAMES]


def unsafe(character):
    """Characters that are not printed as they are."""
    code = ord(character)
    return (code < 0x20 or 0x7f <= code < 0xa0 or character in "\u061c\u180e\ufeff" or
            0x200b <= code <= 0x200f or 0x2028 <= code <= 0x202e or 0x2060 <= code <= 0x206f or
            0xfff9 <= code <= 0xfffb or 0xe0000 <= code <= 0xe0fff)


def escaped(name, kept):
    """A name as text; octets of what is not UTF-8, and of unsafe characters but those in `kept`, as \\xNN."""
    return "".join("".join(f"\\x{octet:02x}" for octet in character.encode("utf-8", "surrogateescape"))
                   if "\udc80" <= character <= "\udcff" or (unsafe(character) and character not in kept)
                   else character for character in name.decode("utf-8", "surrogateescape"))


class Everything:
    """Contains all."""

    def __contains__(self, character):
        return True


def as_csv(name):
    return escaped(name, LINE_BREAKS)


def as_json(name):
    return escaped(name, Everything())


def as_cell(name):
    return escaped(name, "")


def ask(*args, ranks=1):
    """Standard output, octet for octet: no end of line is changed."""
    command = [chain.program("fdistdump"), "--output-items=r", *args]
    if ranks > 1:
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120,
                       env=chain.environment({**chain.NO_MPI_LEAKS}))
    return r.stdout.decode("utf-8", "strict")


def read_csv(text):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert all(len(row) == len(rows[0]) for row in rows), rows
    return rows


def read_json(text):
    assert text.isascii() and re.search(r"[^\n -~]", text) is None, text
    return [json.loads(line) for line in text.splitlines()]


def write(path, names):
    subprocess.run([chain.program("make_user_names"), path], input="".join(n.hex() + "\n" for n in names),
                   text=True, check=True, env=chain.environment())


# ---- one file -----------------------------------------------------------------------------------

def test_list(path, names):
    """Every record in file order; the name first, in the middle, last, and alone."""
    ports = [str(n % 65536) for n in range(len(names))]
    for fields in (["username", "srcport"], ["srcport", "username", "proto"], ["proto", "srcport", "username"],
                   ["username"], ["userName"]):
        columns = [field.lower() for field in fields]
        args = ["--output-fields=" + ",".join(fields), "--output-proto-conv=none", path]
        values = {"srcport": ports, "proto": ["6"] * len(names)}
        values["username"] = [as_csv(name) for name in names]
        rows = read_csv(ask("--output-format=csv", *args))
        assert rows[0] == columns
        assert rows[1:] == [list(row) for row in zip(*(values[c] for c in columns))], rows
        values["username"] = [as_json(name) for name in names]
        got = read_json(ask("--output-format=json", *args))
        assert [[str(row[c]) for c in columns] for row in got] == [
            list(row) for row in zip(*(values[c] for c in columns))], got
        assert all(isinstance(row["username"], str) for row in got)


def test_quotes(path, names):
    """Only values that need them are in quotes."""
    text = ask("--output-format=csv", "--output-fields=username,srcport", path)
    expected = "username,srcport\n"
    for number, name in enumerate(names):
        value = as_csv(name)
        if re.search('[,"\r\n]', value):
            value = '"' + value.replace('"', '""') + '"'
        expected += f"{value},{number}\n"
    assert text == expected, (text, expected)


def test_table(path, names):
    """A line for each record, whose characters are all safe; columns stay straight."""
    text = ask("--output-fields=username,srcport", path)
    lines = text.split("\n")
    assert lines[0] == "username      srcport" and lines[-1] == "" and len(lines) == len(names) + 2
    for number, (name, line) in enumerate(zip(names, lines[1:])):
        cell = as_cell(name)
        cell = cell[:7] + "..." if len(cell) > 10 else cell
        assert line == f"{cell:10}    {number:7}", (name, line)
    assert not any(unsafe(character) for line in lines for character in line)
    # The names are last, and whole.
    lines = ask("--output-no-ellipsize", "--output-fields=srcport,username", path).split("\n")
    for number, (name, line) in enumerate(zip(names, lines[1:])):
        assert line == f"{number:7}    {as_cell(name)}", (name, line)
    # Sorted, the column is as wide as the widest.
    width = max(len(as_cell(name)) for name in names)
    lines = ask("--output-no-ellipsize", "-o", "srcport#asc", "--output-fields=username,proto", path).split("\n")
    assert len(lines) == len(names) + 2
    for number, (name, line) in enumerate(zip(names, lines[1:])):
        assert line == f"{number:7}    {as_cell(name):{width}}    TCP", (name, line)


def test_filter(path, names):
    """The filter and the column speak of the same name."""
    text = ask("--output-format=csv", "--output-fields=username", "-f", 'username "DOMAIN\\bob"', path)
    wanted = [as_csv(name) for name in names if b"domain\\bob" in name.lower()]
    assert [row[0] for row in read_csv(text)[1:]] == wanted and wanted


# ---- several files, ranks, temporary files ------------------------------------------------------

def random_names(count):
    names = [random.choice(NAMES)[:random.randrange(LONGEST + 1)] for _ in range(count)]
    return [b"" if random.randrange(5) == 0 else name for name in names]


def test_ranks(work):
    """Records of two files, on one process and on two slaves: the same set in lists, the same octets in
    sorted records, of which many are equal but for their names."""
    random.seed(7)
    paths = [os.path.join(work, f"lnf.{i}") for i in (1, 2)]
    names = [random_names(6000) for _ in paths]
    for path, some in zip(paths, names):
        write(path, some)
    on_slaves = [f"%{i + 1}:{path}" for i, path in enumerate(paths)]
    pairs = [(str(n), as_csv(name)) for some in names for n, name in enumerate(some)]

    for ranks, where in ((1, paths), (3, on_slaves)):
        rows = read_csv(ask("--output-format=csv", "--output-fields=srcport,username", *where, ranks=ranks))
        assert sorted(tuple(row) for row in rows[1:]) == sorted(pairs), ranks
    for order in ("packets", "bytes#asc"):
        for form, limit in (("csv", "0"), ("csv", "500"), ("json", "0"), ("pretty", "0")):
            question = ["-o", order, "-l", limit, "--output-format=" + form,
                        "--output-fields=username,proto", "--output-volume-conv=none"]
            one = ask(*question, *paths)
            assert one == ask(*question, *on_slaves, ranks=3), question
            assert one == ask(*question, "--memory-limit=100k", *paths), question
            assert one == ask(*question, "--memory-limit=100k", *on_slaves, ranks=3), question
    # Where all else is equal, names decide, octet by octet.
    text = ask("-o", "packets", "--output-format=csv", "--output-fields=username", *paths)
    by_octets = sorted(name for some in names for name in some)
    assert [row[1] for row in read_csv(text)[1:]] == [as_csv(name) for name in by_octets]


# ---- layout 1 -----------------------------------------------------------------------------------

def write_layout1(path, extension, size, names):
    """A file as nfdump 1.6 wrote it, with one of its two extensions for user names."""
    records = struct.pack("<HHHHHH", 2, 12, 0, size, extension, 0)
    for number, name in enumerate(names):
        record = struct.pack("<BBHHHIIBBBBHHHBBIIII", 0, 0, 0, 0, 0, 1700000000, 1700000000, 0, 0, 6, 0,
                             number, 0, 1, 0, 0, 0x0a000001, 0x0a000002, 1, number)
        record += name.ljust(size, b"\0")
        records += struct.pack("<HH", 10, 4 + len(record)) + record
    with open(path, "wb") as f:
        f.write(struct.pack("<HHII128s", 0xa50c, 1, 0, 1, b"none") + bytes(136))
        f.write(struct.pack("<IIHH", len(names) + 1, len(records), 2, 0) + records)


def test_layout1(work):
    for extension, size, longest in ((42, 24, 24), (43, 72, 65)):
        path = os.path.join(work, f"nfcapd.{extension}")
        names = [name[:longest] for name in [b"", *NAMES, b"y" * longest]]
        write_layout1(path, extension, size, names)
        test_list(path, names)
        test_quotes(path, names)
        # nfdump 1.7.1 may read on behind a name that fills its extension.
        check_nfdump(path, [name if len(name) < longest else None for name in names])


# ---- nfdump -------------------------------------------------------------------------------------

def check_nfdump(path, names):
    """nfdump prints names as they are: those of letters have to be the same. None = not compared."""
    if shutil.which("nfdump") is None:
        return
    r = subprocess.run(["nfdump", "-q", "-r", path, "-o", "fmt:%sp|%uname|"], capture_output=True, check=True)
    found = {int(port): name for port, name in re.findall(rb"^ *(\d+)\| *([!-~]+)\|$", r.stdout, flags=re.M)}
    compared = 0
    for number, name in enumerate(names):
        if name is not None and re.fullmatch(rb"[!-~]+", name):
            assert found[number] == name, (number, name, found.get(number))
            compared += 1
    assert compared >= 8, compared


def test_samples():
    """Samples nfcapd wrote."""
    path = os.path.join(chain.SHARED, "nffile", "v2-nsel-none.nf")
    if os.path.exists(path):
        rows = read_csv(ask("--output-format=csv", "--output-fields=username,srcport", path))
        assert [row[0] for row in rows[1:]] == ["alice", ""], rows


def main():
    with chain.workspace() as work:
        path = os.path.join(work, "lnf.names")
        names = [b"", *NAMES]
        write(path, names)
        test_list(path, names)
        test_quotes(path, names)
        test_table(path, names)
        test_filter(path, names)
        check_nfdump(path, names)
        test_samples()
        test_ranks(work)
        test_layout1(work)
    print(f"{len(NAMES)} user names, in every format")


if __name__ == "__main__":
    main()
