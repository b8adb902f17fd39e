#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# SYN floods from single sources: very many flows of hardly more than one packet between two addresses, and
# far more SYN than SYN and ACK.

name='syn-flood.sh'
summary='Reports pairs of addresses whose TCP flows are a SYN flood.'
top=10
port=''
flows_min=100000 # flows of a suspect in one window ...
packets_max=2    # ... with fewer packets than this in an average one
syn_ratio=2      # packets of attempts for each of a session, more of which are an attack

# shellcheck source=fdistdump/detection/common.sh
. "$(dirname "$0")/common.sh"

check_suspect() {
    source=$1
    target=$2
    suspect_flows=$3
    suspect_packets=$4
    shift 4
    pair="(src ip $source and dst ip $target)"
    syn=$(packets "proto TCP and (flags S and not flags AF) and $pair" "$@") || exit
    syn_ack=$(packets "proto TCP and (flags SA and not flags F) and $pair" "$@") || exit
    [ "$syn" -gt $((syn_ratio * syn_ack)) ] || return 0
    report_title 'SYN flood'
    report_line source "$source"
    report_line target "$target"
    report_line flows "$suspect_flows"
    report_line packets "$suspect_packets"
    report_line 'SYN packets' "$syn"
    report_line 'SYN+ACK packets' "$syn_ack"
    sample "proto TCP and (flags S and not flags AF) and $pair" "$@"
}

detect_window() {
    suspects=$(rows "-a srcip,dstip -o flows -l $top --output-fields=packets" 'proto TCP' "$@") || exit
    printf '%s\n' "$suspects" |
        awk -v flows="$flows_min" -v packets="$packets_max" 'NF && $3 >= flows && $4 < packets * $3' |
        while read -r a b c d; do
            check_suspect "$a" "$b" "$c" "$d" "$@" || exit
        done
}

run_detection "$@"
