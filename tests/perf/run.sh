#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Prints the figures of docs/performance.md: queries, writing and ingest beside nfdump and nfcapd, in one
# run.
#   tests/perf/run.sh [--flows N] [--runs N] [--only queries|jobs|writing|exchange|ingest] [--keep DIRECTORY]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
"$top/tests/support/install_deps.sh" test
build=$top/build/perf
mkdir -p "$build"
if ! { cmake -S "$top" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release && cmake --build "$build"; } \
    >"$build.log" 2>&1; then
    tail -n 30 "$build.log" >&2
    exit 1
fi
SC_BUILD_DIR=$build SC_SOURCE_DIR=$top exec python3 "$top/tests/perf/run.py" "$@"
