# SPDX-License-Identifier: BSD-3-Clause
"""Programs as users of libnf write them, compiled against what is installed and nothing else.

usage: libnf_user.py COMPILER LIBDIR [SANITIZERS]
"""
import ipaddress
import os
import random
import subprocess
import sys
import tempfile

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libnf_user")
BUILD = os.environ["SC_BUILD_DIR"]


def install(prefix):
    subprocess.run(["cmake", f"-DCMAKE_INSTALL_PREFIX={prefix}", "-P",
                    os.path.join(BUILD, "libnf/cmake_install.cmake")],
                   check=True, stdout=subprocess.DEVNULL)


def compile_program(work, prefix, name):
    compiler, libdir = sys.argv[1:3]
    sanitizers = [f"-fsanitize={sys.argv[3]}"] if len(sys.argv) > 3 and sys.argv[3] else []
    library = os.path.join(prefix, libdir)
    program = os.path.join(work, name)
    subprocess.run([compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", *sanitizers,
                    "-I", os.path.join(prefix, "include"), os.path.join(SOURCES, name + ".c"),
                    "-L", library, f"-Wl,-rpath,{library}", "-lnf", "-o", program], check=True)
    return program


def check_cplusplus(prefix):
    """The header is valid C++, where a compiler is there to tell."""
    compiler = "c++"
    try:
        subprocess.run([compiler, "--version"], check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        print("no C++ compiler: not tried")
        return
    subprocess.run([compiler, "-x", "c++", "-fsyntax-only", "-Wall", "-Werror",
                    "-I", os.path.join(prefix, "include"), "-"],
                   input=b"#include <libnf.h>\nint main() { return lnf_fld_type(1) == 0; }\n",
                   check=True)


def make_flows(count):
    rng = random.Random(20)
    networks = ["10.0.%d.%d", "192.0.2.%d", "2001:db8:%x::%x"]

    def address():
        pattern = rng.choice(networks)
        numbers = tuple(rng.randrange(2, 12) for _ in range(pattern.count("%")))
        return pattern % numbers

    for _ in range(count):
        src, dst = address(), address()
        while (":" in src) != (":" in dst):
            dst = address()
        first = 1700000000000 + rng.randrange(300000)
        yield (src, dst, rng.choice([1, 6, 6, 17]), rng.randrange(1024, 65536),
               rng.choice([53, 80, 443]), rng.choice([40, 1500, rng.randrange(10 ** 9)]),
               rng.randrange(1, 1000), first, first + rng.randrange(60000))


def network_of(text):
    return ipaddress.ip_network((text, 64 if ":" in text else 24), strict=False).network_address


def answer(flows, chosen):
    groups = {}
    for flow in filter(chosen, flows):
        src, dst, first, last = ipaddress.ip_address(flow[0]), network_of(flow[1]), flow[7], flow[8]
        old = groups.get((src, dst), [first, last, 0, 0, 0])
        groups[src, dst] = [min(old[0], first), max(old[1], last), old[2] + flow[5],
                            old[3] + flow[6], old[4] + 1]
    rows = sorted(groups.items(), key=lambda g: (-g[1][2], int(g[0][0]), int(g[0][1])))
    return [" ".join(map(str, (*key, *values))) for key, values in rows]


def run(*args, text=None):
    return subprocess.run(args, input=text, capture_output=True, text=True, timeout=120)


def main():
    flows = list(make_flows(20000))
    filters = {
        "any": lambda f: True,
        "proto tcp and dst port 443": lambda f: f[2] == 6 and f[4] == 443,
        "src net 10.0.0.0/8 and bytes > 1000": lambda f: f[0].startswith("10.") and f[5] > 1000,
        "ipv6 and not proto udp": lambda f: ":" in f[0] and f[2] != 17,
        "src port 1": lambda f: False,
    }
    with tempfile.TemporaryDirectory() as work:
        prefix = os.path.join(work, "usr")
        install(prefix)
        check_cplusplus(prefix)
        api, write, top = (compile_program(work, prefix, n) for n in ("api", "write", "top"))
        result = run(api)
        assert result.stdout == "46 functions\n", (result.stdout, result.stderr)

        path = os.path.join(work, "flows")
        lines = "".join(" ".join(map(str, flow)) + "\n" for flow in flows)
        result = run(write, path, text=lines)
        assert result.returncode == 0, result.stderr
        for text, chosen in filters.items():
            result = run(top, path, text)
            assert result.returncode == 0, result.stderr
            expected = answer(flows, chosen)
            got = result.stdout.splitlines()
            assert got == expected, (text, len(got), len(expected),
                                     next(p for p in zip(got + [None], expected + [None])
                                          if p[0] != p[1]))
            print(f"{text}: {len(got)} rows")
        result = run(top, path, "proto tcp and (")
        assert result.returncode == 3 and "line 1" in result.stderr, result


if __name__ == "__main__":
    main()
