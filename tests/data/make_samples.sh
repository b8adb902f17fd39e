#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Makes the samples of this folder anew: softflowd exports invented traffic to a loopback socket.
# Needs softflowd and tshark (Debian packages of these names). Usage: make_samples.sh [PORT]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
port=${1:-2055}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# sample VERSION FLOWS FILE SHIFT [v4]: conversations give two flows each; v5 knows IPv4 only. The
# capture begins SHIFT seconds from now: times since the exporter's start cannot be negative.
sample() {
    python3 "$here/make_samples.py" traffic "$work/traffic.pcap" "$2" "$(($(date +%s) + $4))" ${5:+"$5"}
    mkfifo "$work/ready"
    python3 "$here/make_samples.py" record "$port" "$here/$3" 3 >"$work/ready" &
    recorder=$!
    read -r _ <"$work/ready"
    # -m holds all flows, so that none is expired early; -A gives IPFIX absolute times.
    # Run in its folder: with longer names softflowd 1.1 waits for its control socket forever.
    (cd "$work" && timeout 60 softflowd -d -r traffic.pcap -n "127.0.0.1:$port" -v "$1" -A milli \
        -m 100000 -p pid -c ctl >log 2>&1)
    wait "$recorder"
    rm "$work/ready"
    python3 "$here/make_samples.py" expect "$here/$3" "$here/${3%.*}.expect.json"
}

sample 10 600 softflowd.ipfix -300
sample 9 260 softflowd-netflow9.pcap 2
sample 5 300 softflowd-netflow5.pcap 2 v4
