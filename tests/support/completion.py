# SPDX-License-Identifier: BSD-3-Clause
"""Completion of command lines in Bash, as Bash calls it."""

import os
import re
import subprocess

import chain

# Bash cuts the line into words at these, too, and completes the last one.
BREAKS = re.compile(r"([=:])")

SCRIPT = r"""
source "$1" || exit 1
function=$2
shift 2
complete -p "$1" | grep -q -- "-F $function $1\$" || exit 1
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
"""


def words_of(line):
    words = []
    for word in line.split(" "):
        words += [part for part in BREAKS.split(word) if part] or [""]
    return words


def help_options(text):
    """[(letter, name, takes an argument)] of what --help prints."""
    return re.findall(r"^  (?:-(\w), |    )--([\w-]+)(=?)", text, flags=re.M)


class Completion:
    def __init__(self, program, function, script):
        self.program = program
        self.function = function
        self.script = os.path.join(chain.BUILD, script)

    def complete(self, line, work=None, words=None):
        """What is offered at the end of the line, which begins after the program's name."""
        r = subprocess.run(["bash", "--norc", "-c", SCRIPT, "bash", self.script, self.function,
                            *(words or words_of(f"{self.program} {line}"))], capture_output=True, text=True,
                           cwd=work, env=chain.environment())
        assert r.returncode == 0 and r.stderr == "", (line, r.stdout, r.stderr)
        return r.stdout.splitlines()

    def check_options(self, help_text):
        """All options the help shows are offered, and no others; a letter is its long option."""
        options = help_options(help_text)
        offered = self.complete("--")
        assert sorted(offered) == sorted(f"--{name}{value}" for _, name, value in options), offered
        assert self.complete("-") == offered
        for letter, name, _ in options:
            if letter:
                assert self.complete(f"-{letter} ") == self.complete(f"--{name}="), letter

    def check_cases(self, cases, work):
        """[(line, what is offered)]"""
        for line, offered in cases:
            got = self.complete(line, work)
            assert sorted(got) == sorted(offered), (self.program, line, got, offered)
