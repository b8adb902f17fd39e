# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What the detection scripts share: options, the windows a range of time is cut into, queries, the log.
# A script sets `name`, `summary`, `top` and `port` (empty: it has none), defines detect_window, and calls
# run_detection "$@".

set -fu # words of options are split, but never patterns
LC_ALL=C
export LC_ALL
: "${name:?}" "${summary:?}" "${top:?}" "${port?}"

FDISTDUMP=${FDISTDUMP:-fdistdump}
rotation_s=300 # length of one flow file
window_s=600
log=''
sample_size=100

usage() {
    cat <<END
Usage: $name [OPTION]... -t BEGIN#END PATH...
$summary

  -t BEGIN#END  range of time in UTC: MM/DD/YYYY HH:MM, or seconds since 1970
  -w SECONDS    length of a window, a multiple of $rotation_s (default $window_s); the last window also gets
                what is left over
  -n COUNT      suspects to look at in every window (default $top)
END
    if [ -n "$port" ]; then
        echo "  -p PORT       source port of the amplified protocol (default $port)"
    fi
    cat <<END
  -l FILE       append reports to this file instead of printing them
  -h            print this text

PATH is the directory of a channel. The environment variable FDISTDUMP is the command that is run
(default fdistdump), for example 'mpiexec -n 3 fdistdump'.
Exit status: 0 done, whether something was found or not; 1 bad arguments; 2 a query failed.
END
}

fail() {
    echo "$name: $2" >&2
    exit "$1"
}

is_number() {
    case $1 in
        '' | 0?* | *[!0-9]* | ????????????*) return 1 ;;
    esac
}

# Seconds since 1970 of a time as -t takes it; nothing when it is none.
to_seconds() {
    printf '%s\n' "$1" | awk '
        function days(y, m, d) { # since 1970-01-01; a year starts in March, its last day is the odd one
            if (m <= 2) { y--; m += 12 }
            return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 719469
        }
        /^[0-9]+$/ && length($0) <= 11 { printf "%.0f", $0 }
        /^[0-9][0-9]?\/[0-9][0-9]?\/[0-9][0-9][0-9][0-9] [0-9][0-9]?:[0-9][0-9]$/ {
            split($0, part, /[\/ :]/)
            split("31 28 31 30 31 30 31 31 30 31 30 31", length_of, " ")
            m = part[1] + 0; d = part[2] + 0; y = part[3] + 0
            if (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)) length_of[2] = 29
            if (y >= 1970 && m >= 1 && m <= 12 && d >= 1 && d <= length_of[m] && part[4] < 24 && part[5] < 60)
                printf "%.0f", days(y, m, d) * 86400 + part[4] * 3600 + part[5] * 60
        }'
}

# YYYY-MM-DD HH:MM of seconds since 1970.
to_text() {
    awk -v s="$1" 'BEGIN {
        z = int(s / 86400) + 719468; era = int(z / 146097); n = z - era * 146097
        y = int((n - int(n / 1460) + int(n / 36524) - int(n / 146096)) / 365)
        n -= 365 * y + int(y / 4) - int(y / 100)
        m = int((5 * n + 2) / 153); d = n - int((153 * m + 2) / 5) + 1
        m += m < 10 ? 3 : -9; y += era * 400 + (m <= 2)
        printf "%04d-%02d-%02d %02d:%02d", y, m, d, int(s / 3600) % 24, int(s / 60) % 60 }'
}

# Prints the answer of fdistdump about the window: query 'OPTIONS' 'FILTER' PATH...
query() {
    options=$1
    filter=$2
    shift 2
    # shellcheck disable=SC2086 # both are several words
    $FDISTDUMP --progress-bar-type=none --output-addr-conv=str $options -T "$begin_s#$end_s" -f "$filter" \
        -- "$@" </dev/null || fail 2 "query failed: $options -f '$filter'"
}

# The rows of an answer, without the header and blanks between the columns: rows 'OPTIONS' 'FILTER' PATH...
rows() {
    options="--output-format=csv --output-items=r $1"
    shift
    answer=$(query "$options" "$@") || exit
    printf '%s\n' "$answer" | awk -F, 'NR > 1 { $1 = $1; print }'
}

# Packets of the flows that match: packets 'FILTER' PATH...
packets() {
    answer=$(query '--output-format=csv --output-items=p' "$@") || exit
    printf '%s\n' "$answer" | awk -F, 'NR == 2 { print $2 }'
}

# Flows for people to look at: sample 'FILTER' PATH...
sample() {
    answer=$(query "--output-items=r --output-no-ellipsize -l $sample_size" "$@") || exit
    echo "    sample of up to $sample_size flows:"
    printf '%s\n' "$answer" | sed 's/^/        /'
}

# First line of every report.
report_title() {
    echo "$(to_text "$begin_s") - $(to_text "$end_s") UTC: $1"
}

report_line() {
    printf '    %-18s %s\n' "$1" "$2"
}

# Cuts begin_s .. end_s into windows and looks at each.
run_windows() {
    last_s=$end_s
    while [ "$begin_s" -lt "$last_s" ]; do
        end_s=$((begin_s + window_s))
        if [ $((end_s + window_s)) -gt "$last_s" ]; then
            end_s=$last_s
        fi
        report=$(detect_window "$@") || exit
        if [ -n "$report" ]; then
            if [ -n "$log" ]; then
                printf '%s\n\n' "$report" >>"$log" || fail 1 "cannot write $log"
            else
                printf '%s\n\n' "$report"
            fi
        fi
        begin_s=$end_s
    done
}

run_detection() {
    range=''
    while getopts "t:w:n:l:h${port:+p:}" option; do
        case $option in
            t) range=$OPTARG ;;
            w) window_s=$OPTARG ;;
            n) top=$OPTARG ;;
            l) log=$OPTARG ;;
            p)
                port=$OPTARG
                if ! is_number "$port" || [ "$port" -gt 65535 ]; then
                    fail 1 "-p: '$port' is not a port"
                fi
                ;;
            h)
                usage
                exit 0
                ;;
            *)
                usage >&2
                exit 1
                ;;
        esac
    done
    shift $((OPTIND - 1))
    if ! is_number "$window_s" || [ "$window_s" -eq 0 ] || [ $((window_s % rotation_s)) -ne 0 ]; then
        fail 1 "-w: '$window_s' is not a multiple of $rotation_s"
    fi
    if ! is_number "$top" || [ "$top" -eq 0 ]; then
        fail 1 "-n: '$top' is not a number of suspects"
    fi
    [ $# -gt 0 ] || fail 1 'no path given; see -h'
    case $range in
        *'#'*) ;;
        *) fail 1 "-t: '$range' is not BEGIN#END" ;;
    esac
    begin_s=$(to_seconds "${range%%#*}")
    end_s=$(to_seconds "${range#*#}")
    [ -n "$begin_s" ] || fail 1 "-t: '${range%%#*}' is not MM/DD/YYYY HH:MM"
    [ -n "$end_s" ] || fail 1 "-t: '${range#*#}' is not MM/DD/YYYY HH:MM"
    # Windows end where files do, so that no flow is looked at twice.
    begin_s=$((begin_s / rotation_s * rotation_s))
    end_s=$(((end_s + rotation_s - 1) / rotation_s * rotation_s))
    [ "$begin_s" -lt "$end_s" ] || fail 1 "-t: the range '$range' is empty"
    run_windows "$@"
}
