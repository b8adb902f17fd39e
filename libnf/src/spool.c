/* SPDX-License-Identifier: BSD-3-Clause */
/** Copies of files in memory. */
#include "spool.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

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

/** A file in memory that nobody can run: kernels may be set to refuse others (vm.memfd_noexec). */
static int create_file(void)
{
    int fd = memfd_create("libnf", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

    /* Before Linux 6.3. */
    return fd < 0 && errno == EINVAL ? memfd_create("libnf", MFD_CLOEXEC) : fd;
}

int lnf_spool(int from)
{
    int to = create_file();

    if (to >= 0 && !copy_rest(from, to)) {
        int reason = errno;
        close(to);
        errno = reason;
        return -1;
    }
    return to;
}
