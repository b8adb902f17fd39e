# SPDX-License-Identifier: BSD-3-Clause
"""The commands of docs/detection.md: what the page shows is what they print, they name the parties
of the attacks that are in the traffic, and nobody when there is none.

With --write the output in the page is replaced by what the commands print now.
"""

import difflib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import chain  # noqa: E402

PAGE = os.path.join(chain.SOURCE, "docs", "detection.md")
SCRIPTS = os.path.join(chain.SOURCE, "fdistdump", "detection")

# What each attack makes which recipe say, without the counts.
VICTIMS = {"10.20.5.5 53", "10.20.5.6 123", "10.20.5.7 11211"}
TRUTH = {
    "syn-flood": {"SYN flood": {"10.20.0.80 443", "10.20.0.25 25"}},
    "amplification": {"Amplification": VICTIMS,
                      "Sudden changes": {v.split()[0] for v in VICTIMS}},
    "horizontal-scan": {"Horizontal scan": {"203.0.113.77 23"}},
    "vertical-scan": {"Vertical scan": {"203.0.113.88 10.20.0.22"}},
    "brute-force": {"Brute force": {"203.0.113.99 10.20.0.22"}},
    "exfiltration": {"DNS exfiltration": {"10.20.18.76 198.51.100.53"},
                     "Rare destinations": {"198.51.100.53 10.20.18.76"}},
    "beacon": {"Beacons": {"10.20.17.18 203.0.113.44"},
               "Rare destinations": {"203.0.113.44 10.20.17.18"}},
    "silence": {"Silent exporters": {"192.0.2.2 1002", "192.0.2.3 1003"},
                "Silent channels": {"branch has"}},
    "change": {"Sudden changes": {"10.20.17.20", "10.20.0.26"}},
}
ONE_WORD = ("Sudden changes",)


SEEDS = ("1", "2", "3")  # of other ordinary traffic than the page's


def make_files(work, attacks, *seed):
    directory = os.path.join(work, attacks + "-".join(seed))
    subprocess.run([chain.program("make_attack_files"), directory, attacks, *seed], check=True,
                   env=chain.environment())
    return directory


class Block:
    """Commands of one fenced block, each with the output shown below it."""

    def __init__(self, heading, info, lines):
        self.heading, self.detects, self.commands = heading, "detect" in info, []
        for line in lines:
            if line.startswith("$ "):
                self.commands.append([[line], []])
            elif line.startswith("> "):
                assert self.commands and not self.commands[-1][1], (heading, line)
                self.commands[-1][0].append(line)
            else:
                assert self.commands, (heading, "output without a command", line)
                self.commands[-1][1].append(line)

    @staticmethod
    def script(prompted):
        return "\n".join(line[2:] for line in prompted)


def read_page(text):
    """(shell lines all commands share, pieces of the page: text or Block)."""
    shared, pieces, heading = "", [], ""
    parts = re.split(r"^```(.*)\n((?:.*\n)*?)```\n", text, flags=re.M)
    for i in range(0, len(parts), 3):
        pieces.append(parts[i])
        headings = re.findall(r"^#+ (.*)$", parts[i], flags=re.M)
        heading = headings[-1] if headings else heading
        if i + 1 == len(parts):
            break
        info, body = parts[i + 1], parts[i + 2]
        if info.split()[:1] == ["console"]:
            pieces.append(Block(heading, info, body.splitlines()))
        else:
            if info == "sh":
                shared += body
            pieces.append(f"```{info}\n{body}```\n")
    return shared, pieces


def print_page(pieces):
    text = ""
    for piece in pieces:
        if isinstance(piece, Block):
            lines = [line for command, output in piece.commands for line in command + output]
            text += "\n".join(["```console" + " detect" * piece.detects, *lines, "```", ""])
        else:
            text += piece
    return text


def run(shared, command, data, launcher=""):
    """Lines the command prints, as somebody gets them who pasted both into a shell."""
    assert "DATA=/data/live/channels\n" in shared, shared
    shared = shared.replace("DATA=/data/live/channels\n", f"DATA='{data}'\n")
    if launcher:
        shared = shared.replace("    fdistdump ", f"    {launcher} fdistdump ")
        assert launcher in shared
    path = os.pathsep.join([os.path.dirname(chain.program("fdistdump")), SCRIPTS,
                            os.environ["PATH"]])
    r = subprocess.run(["sh", "-c", f"{shared}\n{command}"], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=300,
                       env=chain.environment({**chain.NO_MPI_LEAKS, "PATH": path}))
    # Only files that are not there may be warned about.
    wrong = [line for line in r.stderr.splitlines()
             if "No such file or directory" not in line and "could not be used" not in line]
    assert r.returncode == 0 and not wrong, (command, r.returncode, r.stderr)
    return [line.rstrip() for line in r.stdout.splitlines()]


def named(heading, lines):
    words = 1 if heading in ONE_WORD else 2
    return {" ".join(line.split()[:words]) for line in lines}


def check_names(shared, blocks, data, attacks, launcher=""):
    """Every recipe names the parties of its attacks, and nobody else."""
    for block in blocks:
        expected = set().union(*(TRUTH[attack].get(block.heading, set()) for attack in attacks))
        for command, _ in block.commands:
            got = named(block.heading, run(shared, block.script(command), data, launcher))
            assert got == expected, (block.heading, attacks, "named", got, "expected", expected)


def check_output(shared, pieces, data):
    for block in (p for p in pieces if isinstance(p, Block)):
        for entry in block.commands:
            entry[1] = run(shared, block.script(entry[0]), data)


def check_filters(text):
    """Filters in the text, between the commands, are filters."""
    prose = re.sub(r"^```.*?^```\n", "", text, flags=re.M | re.S)
    found = 0
    for span in re.findall(r"`([^`]+)`", prose):
        span = re.sub(r"^and ", "", " ".join(span.split()))
        if re.match(r"(not |src |dst |proto |ip |port |flags [A-Z])", span):
            chain.fdistdump(["-f", span, "%0:none"])
            found += 1
    assert found > 5, found


def main():
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    shared, pieces = read_page(text)
    assert print_page(pieces) == text, "the page is not read as it stands"
    blocks = [p for p in pieces if isinstance(p, Block) and p.detects]
    recipes = {recipe for recipes in TRUTH.values() for recipe in recipes}
    assert {b.heading for b in blocks} == recipes, ({b.heading for b in blocks}, recipes)
    check_filters(text)
    with chain.workspace() as work:
        everything = make_files(work, "all")
        check_output(shared, pieces, everything)
        now = print_page(pieces)
        if "--write" in sys.argv:
            with open(PAGE, "w", encoding="utf-8") as f:
                f.write(now)
        elif now != text:
            sys.stdout.writelines(difflib.unified_diff(text.splitlines(True), now.splitlines(True),
                                                       "page", "commands"))
            raise AssertionError("docs/detection.md shows other output; see detection.py --write")
        check_names(shared, blocks, everything, TRUTH)
        check_names(shared, blocks, everything, TRUTH, "mpiexec --oversubscribe -n 2")
        print("all attacks: ok", flush=True)
        check_names(shared, blocks, make_files(work, "none"), [])
        print("no attack: ok", flush=True)
        for seed in SEEDS:
            check_names(shared, blocks, make_files(work, "all", seed), TRUTH)
            check_names(shared, blocks, make_files(work, "none", seed), [])
            print(f"other traffic, seed {seed}: ok", flush=True)
        names = subprocess.run([chain.program("make_attack_files")], check=True, text=True,
                               capture_output=True).stdout.split()
        assert sorted(names) == sorted(TRUTH), names
        for attack in names:
            check_names(shared, blocks, make_files(work, attack), [attack])
            print(f"{attack}: ok", flush=True)


if __name__ == "__main__":
    main()
