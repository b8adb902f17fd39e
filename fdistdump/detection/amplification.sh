#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Amplification: large answers of one protocol from several servers to an address, at a high rate, and so
# alike that all are answers to the same question.

name='amplification.sh'
summary='Reports targets of amplification, and the servers that are abused for it.'
top=5
port=53
bps_min=1000000         # a victim gets so many bits a second ...
flow_rate_min=1000      # ... or so many flows
checked_flows=500       # flows of an amplifier that are compared ...
changes_max=10          # ... whose octets change less often than this from one to the next
reliability_each=50     # per cent that the first and the last amplifier add each
reliability_min=50

# shellcheck source=fdistdump/detection/common.sh
. "$(dirname "$0")/common.sh"

large_answers() {
    echo "src port $port && bpp > 1200 && packets > 1 && packets < 1000"
}

# Whether an amplifier's flows to a victim are all alike: is_attacker AMPLIFIER VICTIM PATH...
is_attacker() {
    pair="src ip $1 && dst ip $2 && port $port"
    shift 2
    sizes=$(rows "-l $checked_flows --output-fields=bytes" "$pair" "$@") || exit
    printf '%s\n' "$sizes" | awk -v flows="$checked_flows" -v changes="$changes_max" '
        NF { if (n++ > 0 && $1 != before) changed++; before = $1 }
        END { exit !(n == flows && changed < changes) }'
}

check_victim() {
    victim=$1
    victim_flows=$2
    victim_bps=$3
    victim_rate=$4
    shift 4
    amplifiers=$(rows "-a srcip,dstip -o packets -l $top --output-fields=flows,bytes" \
        "$(large_answers) && ip $victim" "$@") || exit
    first=$(printf '%s\n' "$amplifiers" | awk 'NR == 1 { print $1 }')
    last=$(printf '%s\n' "$amplifiers" | awk 'END { print $1 }')
    [ "$last" != "$first" ] || last='' # an amplifier counts once
    reliability=0
    for amplifier in $first $last; do
        if is_attacker "$amplifier" "$victim" "$@"; then
            reliability=$((reliability + reliability_each))
        fi
    done
    [ "$reliability" -ge "$reliability_min" ] || return 0
    report_title "amplification, source port $port"
    report_line target "$victim"
    report_line reliability "$reliability %"
    report_line flows "$victim_flows"
    report_line rate "$victim_bps bits/second, $victim_rate flows/second"
    echo '    amplifiers (packets, flows, bytes):'
    printf '%s\n' "$amplifiers" | awk '{ print "        " $1, $3, $4, $5 }'
    sample "$(large_answers) && dst ip $victim" "$@"
}

detect_window() {
    # Columns: dstip, flows, bytes, packets, bpp, bps, duration. What has no duration has no rate.
    victims=$(rows "-a dstip -o flows -l $top --output-fields=bytes,packets,bpp,bps,duration" \
        "$(large_answers)" "$@") || exit
    printf '%s\n' "$victims" |
        awk -v bps="$bps_min" -v rate="$flow_rate_min" 'NF {
            speed = $6 == "NaN" ? 0 : $6; flow_rate = $2 * 1000 / ($7 + 0.2)
            if (speed >= bps || flow_rate >= rate) printf "%s %s %.0f %.1f\n", $1, $2, speed, flow_rate }' |
        while read -r a b c d; do
            check_victim "$a" "$b" "$c" "$d" "$@" || exit
        done
}

run_detection "$@"
