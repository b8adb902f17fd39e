#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the Debian packages from the committed tree; as root also installs them, runs the
# quickstart's chain with the installed programs, and removes them again.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/source"
git -C "$top" archive HEAD | tar -x -C "$work/source"
echo "building packages"
if ! (cd "$work/source" && DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-parallel=$(nproc)}" \
        dpkg-buildpackage -us -uc -b) >"$work/log" 2>&1; then
    tail -n 60 "$work/log" >&2
    exit 1
fi
names=(libnf0 libnf-dev libnf-tools ipfixcol ipfixcol-plugins fdistdump)
debs=()
for name in "${names[@]}"; do
    deb=("$work/${name}"_*.deb)
    [ -f "${deb[0]}" ] || { echo "no package $name was built" >&2; exit 1; }
    debs+=("${deb[0]}")
    dpkg-deb -I "${deb[0]}" | grep -E '^ (Package|Version|Installed-Size):' | tr -s '\n ' ' '
    echo
done
# Into files, not through pipes: grep -q leaves at the first match, and pipefail would take the writer's
# SIGPIPE for a failure.
dpkg-deb -c "$work"/fdistdump_*.deb >"$work/contents"
grep -q ' ./usr/share/doc/fdistdump/filter.md' "$work/contents" || {
    echo "fdistdump's package lacks the description of filters" >&2
    exit 1
}

if [ "$(id -u)" != 0 ]; then
    echo "SKIPPED: installing the packages needs root"
    exit 0
fi
if dpkg-query -W -f '${Status}' libnf0 2>/dev/null | grep -q '^install ok installed'; then
    echo "SKIPPED: the packages are installed on this machine, and this test would remove them"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
remove() {
    dpkg --purge "${names[@]}" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap remove EXIT
apt-get install -y -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600 --no-install-recommends "${debs[@]}" \
    >"$work/install.log" 2>&1 || {
    tail -n 30 "$work/install.log" >&2
    exit 1
}
"$top/tests/quickstart.sh" --installed
echo "int main(void) { lnf_rec_t *r; return lnf_rec_init(&r) == LNF_OK ? (lnf_rec_free(r), 0) : 1; }" |
    cat <(echo '#include <libnf.h>') - >"$work/user.c"
# shellcheck disable=SC2046
cc -o "$work/user" "$work/user.c" $(pkg-config --cflags --libs libnf)
"$work/user"
libnf-info >"$work/fields"
grep -q '^0x004 .*bytes' "$work/fields" || { echo "libnf-info does not list the field bytes" >&2; exit 1; }
libnf-index --help >/dev/null
for name in fdistdump fdistdump-ha flow-data-manager; do
    bash --norc -c 'source "/usr/share/bash-completion/completions/$1" && complete -p "$1"' bash "$name" >/dev/null
done
getent passwd ipfixcol >/dev/null
dpkg --purge "${names[@]}" >"$work/purge.log" 2>&1 || { cat "$work/purge.log" >&2; exit 1; }
for path in /etc/ipfixcol /usr/bin/ipfixcol /usr/bin/fdistdump /usr/include/libnf.h; do
    [ ! -e "$path" ] || { echo "$path is left after the packages' removal" >&2; exit 1; }
done
echo "packages: built, installed, used, removed"
