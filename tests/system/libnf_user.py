# SPDX-License-Identifier: BSD-3-Clause
"""Programs as users of libnf write them, compiled against what is installed and nothing else.

usage: libnf_user.py COMPILER LIBDIR [SANITIZERS]
"""
import ipaddress
import os
import random
import shutil
import subprocess
import sys
import tempfile

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libnf_user")
BUILD = os.environ["SC_BUILD_DIR"]


def install(prefix):
    subprocess.run(["cmake", f"-DCMAKE_INSTALL_PREFIX={prefix}", "-P",
                    os.path.join(BUILD, "libnf/cmake_install.cmake")],
                   check=True, stdout=subprocess.DEVNULL)


STANDARDS = ("c89", "gnu89", "c99", "gnu99", "c11", "gnu11", "gnu17")
CPP_STANDARDS = ("c++98", "c++11", "c++17")


def flags(prefix, static=False):
    """How to compile and link against what is installed, as pkg-config tells it."""
    library = os.path.join(prefix, sys.argv[2])
    if shutil.which("pkg-config"):
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(library, "pkgconfig"))
        told = subprocess.run(["pkg-config", "--cflags", "--libs", *(["--static"] if static else []), "libnf"],
                              check=True, env=env, capture_output=True, text=True).stdout.split()
        assert "-lnf" in told, told
    else:
        assert not static
        told = ["-I", os.path.join(prefix, "include"), "-L", library, "-lnf"]
    if static:  # this library only: others may be there as shared ones only
        told[told.index("-lnf")] = "-l:libnf.a"
    return [*told, f"-Wl,-rpath,{library}"]


def cpp_compiler():
    """The C++ compiler beside the C compiler."""
    folder, name = os.path.split(sys.argv[1])
    for c, cpp in (("clang", "clang++"), ("gcc", "g++"), ("cc", "c++")):
        if name.startswith(c):
            return os.path.join(folder, cpp + name[len(c):])
    return "c++"


def compile_program(work, prefix, name, standard="gnu11", static=False):
    compiler = cpp_compiler() if "++" in standard else sys.argv[1]
    language = ["-x", "c++"] if "++" in standard else []
    sanitizers = [f"-fsanitize={sys.argv[3]}"] if len(sys.argv) > 3 and sys.argv[3] else []
    program = os.path.join(work, name)
    subprocess.run([compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *sanitizers,
                    *language, os.path.join(SOURCES, name + ".c"), "-x", "none", *flags(prefix, static),
                    "-o", program], check=True)
    return program


def check_api(work, prefix):
    """Every name, in every version of C and of C++ the compilers know, with either library."""
    standards = list(STANDARDS)
    try:
        subprocess.run([cpp_compiler(), "--version"], check=True, stdout=subprocess.DEVNULL)
        standards += CPP_STANDARDS
    except (OSError, subprocess.CalledProcessError):
        print("no C++ compiler: not tried")
    static = shutil.which("pkg-config") is not None
    for standard, library in [(s, False) for s in standards] + [("c89", True)] * static:
        result = run(compile_program(work, prefix, "api", standard, library))
        assert result.stdout == "46 functions\n", (standard, library, result.stdout, result.stderr)


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
        check_api(work, prefix)
        write = compile_program(work, prefix, "write", static=shutil.which("pkg-config") is not None)
        top = compile_program(work, prefix, "top")

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
