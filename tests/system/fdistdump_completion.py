# SPDX-License-Identifier: BSD-3-Clause
"""Completion of fdistdump's command line in Bash, as Bash calls it; what it offers is what the program
takes."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402
import completion  # noqa: E402

FDISTDUMP = completion.Completion("fdistdump", "_fdistdump", "fdistdump/fdistdump.bash")
complete = FDISTDUMP.complete


def accepts(*arguments):
    """Whether the program knows the option's value; the path does not exist, which is no error."""
    _, _, status = chain.fdistdump([*arguments, "/nonexistent/path"], check=False)
    return status == 0


CASES = [
    ("--out", ["--output-fields=", "--output-items=", "--output-format=", "--output-rich-header",
               "--output-no-ellipsize", "--output-ts-conv=", "--output-volume-conv=",
               "--output-tcpflags-conv=", "--output-addr-conv=", "--output-proto-conv=",
               "--output-duration-conv="]),
    ("--strict", ["--strict"]),
    ("--nosuch", []),
    ("--output-format=", ["pretty", "csv", "json"]),
    ("--output-format=j", ["json"]),
    ("--output-format j", ["json"]),
    ("--output-form c", ["csv"]),           # shortened as the program allows
    ("--output-f c", []),                   # which of two?
    ("--output-volume-conv=", ["none", "metric-prefix", "binary-prefix"]),
    ("--progress-bar-type=per", ["perslave"]),
    ("--progress-bar per", ["perslave"]),
    ("--verbosity=", ["0", "1", "2", "3", "4"]),
    ("-v ", ["0", "1", "2", "3", "4"]),
    ("-l ", []),
    ("--num-threads=", []),
    ("--time-zone=s", ["system"]),
    ("-f src", []),
    ("-a dstp", ["dstport"]),
    ("-adstp", ["-adstport"]),
    ("-a srcip,dst", ["srcip,dstip", "srcip,dstport", "srcip,dstmask", "srcip,dsttos", "srcip,dstas",
                      "srcip,dstvlan"]),
    ("--aggregation=srcip/24,proto,first/300,ou", [f"srcip/24,proto,first/300,{name}" for name in
                                                  ("outbytes", "outpackets", "outsrcmac",
                                                   "outdstmac", "outif")]),
    ("-a bp", []),                          # cannot be keys
    ("-a mpls", []),
    ("-o bp", ["bps", "bpp"]),
    ("-o byt", ["bytes"]),
    ("-o bytes#", ["bytes#asc", "bytes#desc"]),
    ("-o bytes#d", ["bytes#desc"]),
    ("--order=bytes#a", ["bytes#asc"]),
    ("-o vlan", []),                        # pairs have no order
    ("-s srcip,prot", ["srcip,proto"]),
    ("-s srcip,proto#byt", ["srcip,proto#bytes"]),
    ("-s srcip,proto#bytes#", ["srcip,proto#bytes#asc", "srcip,proto#bytes#desc"]),
    ("--statistic=srcip#pk", []),           # another name of packets is understood, not offered
    ("--output-fields=brec", ["brec1"]),
    ("--output-fields=bytes,bp", ["bytes,bps", "bytes,bpp"]),
    ("--fields bytes,bp", ["bytes,bps", "bytes,bpp"]),
    ("--output-items=", ["records", "processed-records-summary", "metadata-summary"]),
    ("--output-items=records,m", ["records,metadata-summary"]),
    # Where options take no argument, and after "--", files are wanted.
    ("", ["lnf.1", "lnf.2 with blank", "other"]),
    ("lnf.2", ["lnf.2 with blank"]),
    ("--strict lnf", ["lnf.1", "lnf.2 with blank"]),
    ("-a srcip lnf.1 oth", ["other"]),
    ("-- --out", []),
    ("-- lnf", ["lnf.1", "lnf.2 with blank"]),
    ("%1:oth", ["other"]),
    ("%1:", ["lnf.1", "lnf.2 with blank", "other"]),
    ("--progress-bar-dest=", ["stderr", "stdout", "lnf.1", "lnf.2 with blank", "other"]),
    ("--progress-bar-dest=std", ["stderr", "stdout"]),
    ("--progress-bar-dest o", ["other"]),
    ("--geo-database=lnf", ["lnf.1", "lnf.2 with blank"]),
    ("--geo-database o", ["other"]),
]


def test_cases(work):
    for name in ("lnf.1", "lnf.2 with blank", "other"):
        with open(os.path.join(work, name), "wb"):
            pass
    FDISTDUMP.check_cases(CASES, work)
    # Where Bash was told not to cut words at "=", the whole word is offered.
    got = complete("", work, ["fdistdump", "--output-format=c"])
    assert got == ["--output-format=csv"], got
    got = complete("", work, ["fdistdump", "--output-fields=bytes,first"])
    assert got == ["--output-fields=bytes,first"], got


def test_options():
    FDISTDUMP.check_options(chain.fdistdump(["--help"])[0])


def test_offers_are_accepted():
    """Whatever is offered, the program takes."""
    count = 0
    for _, name, value in completion.help_options(chain.fdistdump(["--help"])[0]):
        if value and name not in ("geo-database", "progress-bar-dest"):
            for word in complete(f"--{name}="):
                if not word.startswith(("lnf.", "/")):
                    count += 1
                    # Not every exchange can answer every question.
                    question = ["--statistic=srcip"] if name == "exchange" else []
                    assert accepts(f"--{name}={word}", *question), (name, word)
    assert count > 250, count


def main():
    if shutil.which("bash") is None:
        chain.skip("there is no bash")
    with chain.workspace() as work:
        test_cases(work)
    test_options()
    test_offers_are_accepted()
    print(f"{len(CASES)} lines are completed")


if __name__ == "__main__":
    main()
