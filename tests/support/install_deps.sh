#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs Debian packages that are not installed yet, as root or through sudo:
#   install_deps.sh build|test
set -eu

packages="gcc g++ cmake ninja-build pkg-config flex bison libxml2-dev liblz4-dev libopenmpi-dev
openmpi-bin libbz2-dev liblzo2-dev libmaxminddb-dev libmd-dev libzstd-dev zlib1g-dev libsystemd-dev
python3 ca-certificates"
if [ "${1:-build}" = test ]; then
    packages="$packages check nfdump clang libclang-rt-14-dev debhelper dpkg-dev fakeroot git
    iproute2 procps mpich libmpich-dev mmdb-bin"
fi

missing=""
for package in $packages; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed'; then
        missing="$missing $package"
    fi
done
[ -z "$missing" ] && exit 0

run=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "missing packages:$missing" >&2
        echo "run this as root, install sudo, or install them yourself" >&2
        exit 1
    }
    run=sudo
fi
# Another apt-get, as of unattended upgrades on a new machine, is waited for.
apt_get="$run env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=600"
echo "installing:$missing"
log=$(mktemp)
# Lists that cannot be renewed may do.
# shellcheck disable=SC2086
if ! { $apt_get update || true; $apt_get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    echo "could not install:$missing" >&2
    exit 1
fi
rm -f "$log"
