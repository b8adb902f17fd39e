# SPDX-License-Identifier: BSD-3-Clause
"""From paths of the command line to files that are read: rank prefixes, conversions, walks over
directories of every kind, and the hierarchy of days.

File number i of a test holds 2^i flows, so that the number of flows in the answer says which files
were read.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
NAME_MAX, PATH_MAX = 255, 4096
NEW_YEAR = 1451606400  # 2016-01-01 00:00 UTC


class Files:
    """Flow files below a directory, numbered in the order they are made."""

    def __init__(self, directory):
        self.directory, self.count = directory, 0
        os.makedirs(directory)

    def path(self, name=""):
        return os.path.join(self.directory, name)

    def add(self, name):
        """A new file; its share of the sum."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        share = 2 ** self.count
        self.count += 1
        plain = os.path.join(os.path.dirname(self.directory), "new-file")  # the tool prints names
        subprocess.run([chain.program("make_flow_files"), plain, str(share), "lz4"], check=True,
                       stdout=subprocess.DEVNULL, env=chain.environment())
        os.rename(plain, path)
        return share

    def interval(self, channel, time_s):
        name = time.strftime("%Y/%m/%d/lnf.%Y%m%d%H%M%S", time.gmtime(time_s))
        return self.add(os.path.join(channel, name))


def ask(*arguments, ranks=1, prefix=(), cwd=None, timeout=60):
    """(flows read, warnings without those that only count) of a job, which has to succeed."""
    command = [*prefix, chain.program("fdistdump"), "--progress-bar-type=none", "--output-items=p",
               "--output-format=csv", *arguments]
    if ranks > 1:
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd,
                       errors="surrogateescape", env=chain.environment(chain.NO_MPI_LEAKS),
                       timeout=timeout)
    assert r.returncode == 0, (command, r.returncode, r.stdout, r.stderr)
    lines = r.stderr.splitlines()
    assert all(re.match(r"Warning: \w+: .*\t\[MPI: \d/\d \S+\]$", line) for line in lines), r.stderr
    told = [line.split("\t")[0] for line in lines]
    paths = [line for line in told if line.startswith("Warning: path: ")]
    counted = re.search(r"Warning: path: (\d+) paths could not be used", r.stderr)
    if counted:
        paths = [line for line in paths if line != counted.group(0)]
    assert int(counted.group(1) if counted else 0) == len(paths), r.stderr
    others = [line for line in told if not line.startswith("Warning: path: ")]
    return int(r.stdout.split("\n")[1].split(",")[0]), paths + others


def expect(answer, flows, *warnings):
    """Exactly these files were read, and each warning names one of these texts, in any order."""
    got, told = answer
    assert got == flows, ("flows", bin(got), "expected", bin(flows), told)
    left = list(told)
    for text in warnings:
        found = next((line for line in left if text in line), None)
        assert found is not None, ("no warning about", text, told)
        left.remove(found)
    assert not left, ("unexpected warnings", left)


# ---- prefixes and conversions -------------------------------------------------------------------

def rank_prefixes(work):
    """Digits and a colon choose the process; other digits are a warning of that path."""
    files = Files(os.path.join(work, "ranks"))
    a, b, c = (files.add(name) for name in "abc")
    path = files.path
    expect(ask(path("a")), a)
    expect(ask("%1:" + path("a"), "%2:" + path("b"), "%0:" + path("c")), a)
    expect(ask("%0001:" + path("a")), a)
    expect(ask("%1:" + path("a"), "%2:" + path("b"), "%0:" + path("c"), ranks=3), a + b)
    expect(ask("%1:" + path("a"), path("c"), ranks=3), a + 2 * c)
    expect(ask("%9:" + path("a"), "%4294967297:" + path("b"),
               "%18446744073709551617:" + path("c")), 0)
    expect(ask("%2:/nonexistent", path("a")), a)  # not looked at by others
    expect(ask("%1" + path("a"), path("b")), b,
           f"invalid conversion specifier in `%1{path('a')}'")
    expect(ask("%1:", path("b")), b, "empty path `%1:'")
    expect(ask("%1:%1:" + path("a")), 0, "unknown conversion specifier `%1:%1:")
    # A process of its own command line.
    program = [chain.program("fdistdump"), "--progress-bar-type=none", "--output-items=p",
               "--output-format=csv"]
    r = subprocess.run(["mpiexec", "--oversubscribe", "-n", "1", *program, ":", "-n", "1", *program,
                        path("a"), ":", "-n", "1", *program, path("b"), path("c")],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                       env=chain.environment(chain.NO_MPI_LEAKS), check=False)
    assert r.returncode == 0 and r.stdout.split("\n")[1].startswith(f"{a + b + c},"), r


def conversions(work):
    """%h is the name of the host, anywhere and repeatedly; everything else with % is refused."""
    files = Files(os.path.join(work, "hosts"))
    host = socket.gethostname()
    a, b, c = (files.add(name) for name in (f"{host}/x", f"{host}-{host}/y", f"ch/{host}/z"))
    expect(ask(files.path("%h")), a)
    expect(ask(files.path("%h-%h")), b)
    expect(ask("%1:" + files.path("ch/%h"), ranks=2), c)
    expect(ask("%1:%h/x", cwd=files.directory), a)
    for bad in ("%%", "%x", "%H", "%", "%:", "a%1:", "%h%"):
        expect(ask(bad, files.path("%h"), cwd=files.directory), a,
               f"unknown conversion specifier `{bad}'")
    # What a directory holds is not converted.
    d = files.add("plain/%1:%h%")
    expect(ask(files.path("plain")), d)


def long_paths(work):
    """Up to the limit of the system a path is read; longer ones are warnings, also by conversion and
    in a walk."""
    files = Files(os.path.join(work, "long"))
    a = files.add("a")
    for length, warning in ((PATH_MAX - 1, None), (PATH_MAX, "path is too long"),
                            (PATH_MAX + 1000, "path is too long")):
        path = files.path() + "/" * (length - len(files.path()) - 1) + "a"
        assert len(path) == length
        expect(ask(path), 0 if warning else a, *([warning] if warning else []))
    host = socket.gethostname()
    for length, warning in ((PATH_MAX - 1, "No such file"), (PATH_MAX, "path is too long")):
        padding = "/" * (length - len(files.path()) - 2 * len(host))
        expect(ask(files.path() + padding + "%h%h"), 0, warning)
    expect(ask("n" * (NAME_MAX + 1), files.path("a")), a, "File name too long")
    # A tree deeper than any path.
    here = os.open(files.path(), os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("unreachable", os.O_CREAT, dir_fd=here))
    os.close(here)
    expect(ask(files.path()), a, "path is too long")


# ---- walks --------------------------------------------------------------------------------------

def walks(work):
    """Whatever the name is, except hidden files and indexes; in the order of names."""
    files = Files(os.path.join(work, "walk"))
    names = ["lnf.20160101000000", "a", "b/c/d/e", "Z", "b/x.tar", "bfi", "nfcapd.1", "ü", "-l",
             "two words", "new\nline", "tab\tbell\a", "\udcff\udcfe", "$HOME'\"*"]
    shares = sum(files.add(name) for name in names)
    for name in (".hidden", ".dir/x", "bfi.20160101000000", "b/bfi.a", "bfi.dir/x"):
        files.add(name)
    expect(ask(files.path()), shares)
    expect(ask(files.path() + "///"), shares)
    expect(ask(".", cwd=files.path()), shares)
    expect(ask("--", "-l", cwd=files.path()), 2 ** names.index("-l"))
    hidden, below_index = 2 ** len(names), 2 ** (len(names) + 4)
    expect(ask(files.path(".hidden"), files.path("bfi.dir")), hidden + below_index)
    # A list shows the order, which is that of octets.
    ordered = sorted(names, key=os.fsencode)
    out, _, _ = chain.fdistdump(["--output-format=csv", "--output-fields=first,last,srcport",
                                 files.path()])
    parts = [chain.fdistdump(["--output-format=csv", "--output-fields=first,last,srcport",
                              files.path(name)])[0].split("\n", 1)[1] for name in ordered]
    assert out.split("\n", 1)[1] == "".join(parts), "order of files"
    again, _, _ = chain.fdistdump(["--output-format=csv", "--output-fields=first,last,srcport",
                                   files.path()])
    assert out == again


def empty_lists(work):
    """No files are an answer."""
    os.makedirs(os.path.join(work, "nothing/below/.hidden"))
    for ranks in (1, 3):
        expect(ask(os.path.join(work, "nothing"), ranks=ranks), 0)
    expect(ask("%7:x"), 0)
    out, err, _ = chain.fdistdump(["-s", "srcip", "--output-format=csv", "--output-fields=flows",
                                   os.path.join(work, "nothing")])
    assert (out, err) == ("srcip,flows\n", ""), (out, err)


def links(work):
    """Links are followed, loops end, and no directory is read twice."""
    files = Files(os.path.join(work, "links"))
    a, b, c, d = (files.add(n) for n in ("d/a", "d/sub/b", "outside/c", "alone"))
    for target, name in (("../outside", "d/out"), ("../alone", "d/file"), ("../..", "d/sub/up"),
                         (".", "d/self"), ("nothing", "d/broken"), ("circle2", "d/circle1"),
                         ("circle1", "d/circle2"), ("sub", "d/twin"), ("/", "d/sub/.root")):
        os.symlink(target, files.path(name))
    # `up' leads to the directory that also holds `outside' and `alone'.
    expect(ask(files.path("d")), a + b + c + 2 * d,
           "leads back to a directory above it `" + files.path("d/self'"),
           "leads back to a directory above it `" + files.path("d/sub/up/d'"),
           "No such file or directory `" + files.path("d/broken'"),
           "Too many levels of symbolic links `" + files.path("d/circle1'"),
           "Too many levels of symbolic links `" + files.path("d/circle2'"))
    os.symlink("d", files.path("channel"))
    expect(ask(files.path("channel/sub/b")), b)
    # What has been read already is no failure, but an information for those who want it.
    latest = files.add("days/2016/x")
    os.symlink("2016", files.path("days/current"))
    expect(ask("--strict", files.path("days")), latest)
    _, err, _ = chain.fdistdump(["--strict", "-v", "3", "--output-items=p", files.path("days")])
    assert f"another name `{files.path('days/current')}'" in err and "Warning" not in err, err
    # Links that multiply: thirty levels of two are 2^30 paths.
    for i in range(30):
        os.makedirs(files.path(f"many/{i}"))
        if i < 29:
            os.symlink(f"../{i + 1}", files.path(f"many/{i}/a"))
            os.symlink(f"../{i + 1}", files.path(f"many/{i}/b"))
    e = files.add("many/29/x")
    start = time.monotonic()
    expect(ask(files.path("many")), e)
    assert time.monotonic() - start < 30


def special_files(work):
    """What is no file is named and left alone; nothing waits for a writer."""
    files = Files(os.path.join(work, "special"))
    a = files.add("a")
    os.mkfifo(files.path("fifo"))
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        old = os.getcwd()
        os.chdir(files.path())
        listener.bind("socket")
        os.chdir(old)
    os.symlink("/dev/zero", files.path("zero"))
    os.symlink("/dev/tty", files.path("tty"))
    names = ["fifo", "socket", "zero", "tty"]
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # not in every container
            os.mknod(files.path("node"), 0o600 | 0o020000, os.makedev(1, 5))
            names.append("node")
    texts = [f"neither a file nor a directory, skipped `{files.path(n)}'" for n in names]
    expect(ask(files.path()), a, *texts)
    expect(ask(*map(files.path, names), files.path("a")), a, *texts)
    expect(ask(files.path(), ranks=3), 2 * a, *texts, *texts)
    # With a time, a path that is no directory is looked at as without.
    expect(ask("-t", "2016-01-01", files.path("fifo"), files.path("a")), a, texts[0])


def other_files(work):
    """Files that are no flow files: one warning each that names the file; the rest is read."""
    files = Files(os.path.join(work, "others"))
    a = files.add("lnf.1")
    contents = {"README": b"Once upon a time there was a file.\n" * 9,
                "core": b"\x7fELF" + bytes(4000), "empty": b"", "one": b"x",
                "zeros": bytes(4096), "random": bytes(range(256)) * 16,
                "new\nline": b"hello, world" * 9, "\udcff": b"hello, world" * 9}
    for name, content in contents.items():
        with open(files.path(name), "wb") as f:
            f.write(content)
    got, told = ask(files.path())
    assert got == a, (got, told)
    for name in contents:
        shown = name.replace("\n", "?")
        assert len([line for line in told if files.path(shown) + ":" in line]) == 1, (name, told)
    count = f"Warning: libnf: {len(contents)} of {len(contents) + 1} files could not be read"
    assert count in told, told
    assert len(told) == len(contents) + 1, told
    expect(ask("-f", "proto tcp", "-v", "1", files.path("README")), 0)


def unreadable(work):
    """Directories and files without permission, as somebody who is not root."""
    prefix = []
    if os.geteuid() == 0:
        prefix = NOBODY
        usable = shutil.which("setpriv") and subprocess.run(
            [*NOBODY, chain.program("fdistdump"), "--version"], capture_output=True, check=False,
            env=chain.environment(chain.NO_MPI_LEAKS), timeout=60).returncode == 0
        if not usable:
            print("unreadable: left out, the program cannot be started as another user")
            return
    os.chmod(work, 0o755)
    files = Files(os.path.join(work, "secrets"))
    a, b = files.add("a"), files.add("open/b")
    for name in ("closed/x", "listed/x", "passable/x", "file"):
        files.add(name)
    passable = 2 ** (files.count - 2)
    modes = {"closed": 0o000, "listed": 0o444, "passable": 0o111, "file": 0o000}
    for name, mode in modes.items():
        os.chmod(files.path(name), mode)
    try:
        got, told = ask(files.path(), prefix=prefix)
        assert got == a + b, (got, told)
        for text in (f"Permission denied `{files.path('closed')}'",
                     f"Permission denied `{files.path('listed/x')}'",
                     f"Permission denied `{files.path('passable')}'"):
            assert len([line for line in told if text in line]) == 1, (text, told)
        assert [line for line in told if f"{files.path('file')}: " in line], told
        assert "Warning: libnf: 1 of 3 files could not be read" in told, told
        assert len(told) == 5, told
        expect(ask(files.path("passable/x"), prefix=prefix), passable)
        expect(ask(files.path("closed/x"), prefix=prefix), 0, "Permission denied")
        # Days without permission are one warning each.
        day = "channel/2016/01/01"
        c = files.add("channel/2016/01/02/lnf.20160102000000")
        files.add(day + "/lnf.20160101235500")
        os.chmod(files.path(day), 0)
        expect(ask("-T", f"{NEW_YEAR + 86100}#{NEW_YEAR + 86700}", files.path("channel"),
                   prefix=prefix), c,
               f"Permission denied `{files.path(day)}/lnf.20160101235500'")
    finally:
        for name in (*modes, "channel/2016/01/01"):
            if os.path.exists(files.path(name)):
                os.chmod(files.path(name), 0o755)


# ---- hierarchy of days --------------------------------------------------------------------------

def intervals(work):
    """-t and -T choose files by the start of their five minutes, in UTC; the end does not belong to
    the range."""
    files = Files(os.path.join(work, "intervals"))
    times = [NEW_YEAR - 600, NEW_YEAR - 300, NEW_YEAR, NEW_YEAR + 300, NEW_YEAR + 600]
    shares = [files.interval("ch", t) for t in times]
    for name in ("ch/2016/01/01/lnf.201601010005", "ch/2016/01/01/lnf.20160101000501",
                 "ch/2016/01/01/nfcapd.20160101000500", "ch/2016/01/01/bfi.20160101000500",
                 "ch/lnf.20160101000000", "ch/2016/1/1/lnf.20160101000000"):
        files.add(name)
    channel = files.path("ch")
    for arguments, chosen in (
            (("-t", "2016-01-01"), [2]), (("-t", "2016-01-01 00:04"), [2]),
            (("-t", str(NEW_YEAR + 299)), [2]), (("-t", str(NEW_YEAR + 300)), [3]),
            (("-t", "2015-12-31 23:59"), [1]),
            (("-T", f"{NEW_YEAR}#{NEW_YEAR + 300}"), [2]),
            (("-T", f"{NEW_YEAR}#{NEW_YEAR + 301}"), [2, 3]),
            (("-T", f"{NEW_YEAR - 1}#{NEW_YEAR + 1}"), [1, 2]),
            (("-T", "12/31/2015 23:50#01/01/2016 00:15"), [0, 1, 2, 3, 4]),
            (("-t", "2016-01-01 01:00", "--time-zone=XXX-1"), [2]),
            (("-T", "2016-01-01 00:50#2016-01-01 01:10", "--time-zone=XXX-1"), [0, 1, 2, 3])):
        expect(ask(*arguments, channel), sum(shares[i] for i in chosen))
        expect(ask(*arguments, channel + "/"), sum(shares[i] for i in chosen))
    # A missing file is a warning with its path; so is a missing day, once.
    expect(ask("-T", f"{NEW_YEAR + 600}#{NEW_YEAR + 1200}", channel), shares[4],
           f"No such file or directory `{channel}/2016/01/01/lnf.20160101001500'")
    expect(ask("-T", "2016-01-02#2016-01-04", channel), 0, f"`{channel}/2016/01/02'",
           f"`{channel}/2016/01/03'")
    days = [time.strftime("%m/%d", time.gmtime(NEW_YEAR - 86400 * d)) for d in range(2, 366)]
    clocks = [f"{minute // 60:02}{minute % 60:02}00" for minute in range(0, 1430, 5)]
    expect(ask("-T", "2013-06-01#2016-01-01 00:05", channel), sum(shares[:3]),
           f"`{channel}/2013'", f"`{channel}/2014'",
           *[f"`{channel}/2015/{day}'" for day in days],
           *[f"`{channel}/2015/12/31/lnf.20151231{clock}'" for clock in clocks])
    # Files are used as they are, others of the same command line as well.
    single = os.path.join(channel, "lnf.20160101000000")
    expect(ask("-t", "2016-01-01 00:05", single, channel), shares[3] + 2 ** 9)
    expect(ask("-t", "2016-01-01", os.path.join(channel, "missing"), channel), shares[2],
           "No such file or directory")


def leap_days(work):
    """Days are those of the calendar."""
    files = Files(os.path.join(work, "leap"))
    leap, next_day = files.interval("ch", 1456704000), files.interval("ch", 1456790400)
    century = files.interval("ch", 4107542400)  # 2100-03-01; 2100 has no February 29
    expect(ask("-t", "2016-02-29", files.path("ch")), leap)
    expect(ask("-T", "2016-02-29 23:55#2016-03-01 00:05", files.path("ch")), next_day,
           "lnf.20160229235500'")
    expect(ask("-T", "2100-02-28 23:55#2100-03-01 00:05", files.path("ch")), century,
           "`" + files.path("ch/2100/02/28'"))


def names_of_the_locale(work):
    """Days and months are also called as the locale does; Czech months have two forms."""
    locale = os.path.join(work, "locales", "cs_CZ.UTF-8")
    os.makedirs(os.path.dirname(locale))
    if not shutil.which("localedef") or subprocess.run(
            ["localedef", "-i", "cs_CZ", "-f", "UTF-8", locale], capture_output=True,
            check=False).returncode != 0:
        print("names_of_the_locale: left out, no source of a Czech locale")
        return
    files = Files(os.path.join(work, "locale"))
    january, march = (files.interval("ch", NEW_YEAR + 86400 * day) for day in (0, 60))
    czech = ["env", f"LOCPATH={os.path.dirname(locale)}", "LC_ALL=cs_CZ.UTF-8"]
    for text, chosen in (("2016-05-01 leden", january), ("2016-05-01 ledna", january),
                         ("2016-05-01 LED", january), ("2016-05-01 January", january),
                         ("2016-05-01 březen", march), ("2016-05-01 března", march),
                         ("pondělí 2016-01-01", january), ("po 2016-01-01", january)):
        expect(ask("-t", text, files.path("ch"), prefix=czech), chosen)


def profiles(work):
    """With a time the path is that of a channel; a profile or its channels are not searched."""
    files = Files(os.path.join(work, "profiles"))
    one = files.interval("live/channels/ch1", NEW_YEAR)
    two = files.interval("live/channels/ch2", NEW_YEAR)
    sub = files.interval("live/sub/channels/ch1", NEW_YEAR)
    files.add("live/rrd/ch1.rrd")
    point = ("-t", "2016-01-01")
    expect(ask(*point, files.path("live/channels/ch1")), one)
    expect(ask(*point, files.path("live/channels/ch1"), files.path("live/channels/ch2")), one + two)
    expect(ask(*point, files.path("live/sub/channels/ch1")), sub)
    for above in ("live", "live/channels", ""):
        expect(ask(*point, files.path(above)), 0, f"No such file or directory `{files.path(above)}")
    expect(ask(files.path("live/channels")), one + two)
    expect(ask(files.path("live/sub")), sub)
    host = socket.gethostname()
    os.symlink("live", files.path(host))
    expect(ask(*point, "%1:" + files.path("%h/channels/ch1"),
               "%2:" + files.path("%h/channels/ch2"), ranks=3), one + two)


def odd_hierarchies(work):
    """Directories, FIFOs, loops and files where the hierarchy has something else."""
    files = Files(os.path.join(work, "odd"))
    a = files.interval("ch", NEW_YEAR + 1200)
    day = files.path("ch/2016/01/01")
    os.mkdir(f"{day}/lnf.20160101000000")
    os.mkfifo(f"{day}/lnf.20160101000500")
    os.symlink("lnf.20160101001000", f"{day}/lnf.20160101001000")
    os.symlink("lnf.20160101002000", f"{day}/lnf.20160101001500")
    with open(files.path("ch/2016/01/02"), "wb"):
        pass
    os.symlink("2016", files.path("ch/2017"))
    os.symlink("2018", files.path("ch/2018"))
    expect(ask("-T", f"{NEW_YEAR}#{NEW_YEAR + 1500}", files.path("ch")), 2 * a,
           f"not a file, skipped `{day}/lnf.20160101000000'",
           f"not a file, skipped `{day}/lnf.20160101000500'",
           f"Too many levels of symbolic links `{day}/lnf.20160101001000'")
    expect(ask("-t", "2016-01-02", files.path("ch")), 0,
           f"Not a directory `{files.path('ch/2016/01/02')}'")
    expect(ask("-t", "2018-01-01", files.path("ch")), 0, "Too many levels of symbolic links")
    expect(ask("-t", "2017-01-01 00:20", files.path("ch")), 0, "lnf.20170101002000'")


def long_hierarchies(work):
    """A directory whose intervals do not fit any path is a warning, and the search ends."""
    files = Files(os.path.join(work, "limits"))
    a = files.interval("ch", NEW_YEAR)
    interval = len("/2016/01/01/lnf.20160101000000")
    for length in range(PATH_MAX - interval - 2, PATH_MAX):
        channel = files.path() + "/" * (length - len(files.path()) - 2) + "ch"
        fits = length + interval < PATH_MAX
        got, told = ask("-T", f"{NEW_YEAR}#{NEW_YEAR + 300}", channel)
        assert (got, len(told)) == ((a, 0) if fits else (0, 1)), (length, got, told)
        assert fits or "path is too long" in told[0], told
    # The whole time there is, and the longest name: it takes no more than it has to.
    start = time.monotonic()
    got, told = ask("-T", "0#9999-12-31 23:59", "/" * (PATH_MAX - 1), timeout=60)
    assert got == 0 and told and all("path is too long" in line for line in told), told[:3]
    got, told = ask("-T", "0#253402300800", files.path("ch"), timeout=60)
    assert got == a and time.monotonic() - start < 60, (got, time.monotonic() - start)
    assert len(told) == (9999 - 1970) + 365 + 287, len(told)


def main():
    with chain.workspace() as work:
        for test in (rank_prefixes, conversions, long_paths, walks, empty_lists, links,
                     special_files, other_files, unreadable, intervals, leap_days,
                     names_of_the_locale, profiles, odd_hierarchies, long_hierarchies):
            if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:]:
                continue
            test(work)
            print(f"{test.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
