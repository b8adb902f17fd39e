#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# See it work: exporter -> proxy -> two collectors -> flow files -> one query over both.
#   tests/quickstart.sh [--installed] [FILE]
# FILE: an IPFIX File, or a capture (pcap) of IPFIX or NetFlow datagrams; default: a sample export
#       made by softflowd. --installed: use the programs of /usr instead of building.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
installed=no
if [ "${1:-}" = --installed ]; then
    installed=yes
    shift
fi
file=${1:-$top/tests/data/softflowd.ipfix}
[ -r "$file" ] && [ -s "$file" ] || { echo "quickstart: $file cannot be read or is empty" >&2; exit 1; }

work=$(mktemp -d)
pids=()
stop_all() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap stop_all EXIT

say() { printf '\n* %s\n' "$*"; }

# ---- programs -----------------------------------------------------------------------------------

if [ "$installed" = yes ]; then
    say "Using the installed programs of /usr"
    collector=(ipfixcol)
    send=ipfixsend
    query=fdistdump
else
    say "Installing what the build needs, and building (log: build/quickstart.log)"
    mkdir -p "$top/build"
    if ! { "$top/tests/support/install_deps.sh" build &&
           cmake -S "$top" -B "$top/build/quickstart" -G Ninja -DCMAKE_BUILD_TYPE=Release \
               -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX="$top/build/quickstart/tree" &&
           cmake --build "$top/build/quickstart" --target install; } >"$top/build/quickstart.log" 2>&1; then
        tail -n 30 "$top/build/quickstart.log" >&2
        exit 1
    fi
    tree=$top/build/quickstart/tree
    collector=("$tree/bin/ipfixcol")
    send=$tree/bin/ipfixsend
    query=$tree/bin/fdistdump
fi

# ---- configuration ------------------------------------------------------------------------------

proxy_port=${QUICKSTART_PORT:-24739}
ports=($((proxy_port + 1)) $((proxy_port + 2)))

process() { # NAME INPUT-ELEMENT PORT FILE-WRITER
    cat <<XML
<?xml version="1.0" encoding="UTF-8"?>
<ipfix xmlns="urn:ietf:params:xml:ns:yang:ietf-ipfix-psamp">
  <collectingProcess>
    <name>$1</name>
    <$2>
      <localPort>$3</localPort>
      <localIPAddress>127.0.0.1</localIPAddress>
    </$2>
    <exportingProcess>out</exportingProcess>
  </collectingProcess>
  <exportingProcess>
    <name>out</name>
    <destination>
      <fileWriter>$4</fileWriter>
    </destination>
    <singleManager>yes</singleManager>
  </exportingProcess>
</ipfix>
XML
}

start() { # NAME
    "${collector[@]}" -v 2 -c "$work/$1.xml" -p "$work/$1.pid" >"$work/$1.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 600); do
        [ -s "$work/$1.pid" ] && return
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    echo "quickstart: $1 did not start:" >&2
    cat "$work/$1.log" >&2
    exit 1
}

stop() { # index into pids
    kill -TERM "${pids[$1]}"
    wait "${pids[$1]}" || { echo "quickstart: process ${pids[$1]} failed" >&2; cat "$work"/*.log >&2; exit 1; }
}

say "Starting two collectors on 127.0.0.1:${ports[0]} and :${ports[1]} that write flow files"
destinations=""
for i in 0 1; do
    mkdir -p "$work/node$i"
    process "collector $i" tcpCollector "${ports[$i]}" "<fileFormat>lnfstore</fileFormat>
        <storagePath>$work/node$i</storagePath><compress>yes</compress>" >"$work/collector$i.xml"
    start "collector$i"
    destinations+="<destination><ip>127.0.0.1</ip><port>${ports[$i]}</port></destination>"
done

say "Starting a proxy on 127.0.0.1:$proxy_port that deals records to them round robin"
case $file in
*.pcap | *.cap | *.pcapng) input=udpCollector ;;
*) input=tcpCollector ;;
esac
process proxy $input "$proxy_port" "<fileFormat>forwarding</fileFormat>
    <distribution>RoundRobin</distribution>$destinations" >"$work/proxy.xml"
start proxy

# ---- flows --------------------------------------------------------------------------------------

say "Sending $(basename "$file") to the proxy"
if [ $input = udpCollector ]; then
    python3 "$top/tests/support/pcap_replay.py" --rate 2000 "$file" "127.0.0.1:$proxy_port"
    sleep 1
else
    "$send" -i "$file" -d 127.0.0.1 -p "$proxy_port" -t TCP -n 1
fi

say "Stopping the proxy, then the collectors: what is under way is stored first"
stop 2
stop 0
stop 1
pids=()

# ---- questions ----------------------------------------------------------------------------------

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
say "Top talkers of both nodes: mpiexec -n 3 fdistdump -s srcip#bytes"
mpiexec --oversubscribe -n 3 "$query" --progress-bar-type=none -s 'srcip#bytes' \
    "%1:$work/node0" "%2:$work/node1" </dev/null

say "Flow files written, as nfdump would find them:"
find "$work" -name 'lnf.*' -printf '  %P (%s octets)\n' | sort
say "Done; nothing is left running, $work is removed"
