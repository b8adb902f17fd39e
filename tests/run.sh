#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs what is needed, builds, and runs all tests; ends with ctest's summary.
#   tests/run.sh [PRESET [CTEST ARGUMENTS]]     PRESET: dev (default), asan, tsan, release
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
preset=${1:-dev}
[ $# -gt 0 ] && shift

"$top/tests/support/install_deps.sh" test
cd "$top"
cmake -G Ninja --preset "$preset"
cmake --build "build/$preset"
exec ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)" -LE perf "$@"
