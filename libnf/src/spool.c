/* SPDX-License-Identifier: BSD-3-Clause */
/** Copies of files in memory. */
#include "spool.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static bool write_all(int to, const uint8_t *octets, size_t size)
{
    while (size > 0) {
        ssize_t put = write(to, octets, size);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            octets += put;
            size -= (size_t)put;
        }
    }
    return true;
}

static bool copy_rest(int from, int to)
{
    uint8_t octets[65536];

    for (;;) {
        ssize_t got = read(from, octets, sizeof(octets));
        if (got == 0) {
            return true;
        }
        if (got < 0 ? errno != EINTR : !write_all(to, octets, (size_t)got)) {
            return false;
        }
    }
}

int lnf_spool(int from)
{
    int to = memfd_create("libnf", MFD_CLOEXEC);

    if (to >= 0 && !copy_rest(from, to)) {
        int reason = errno;
        close(to);
        errno = reason;
        return -1;
    }
    return to;
}
