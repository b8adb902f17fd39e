/* SPDX-License-Identifier: BSD-3-Clause */
/** Usage by statvfs(). */
#include "usage.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int read_statvfs(void *context, struct usage *usage)
{
    struct statvfs status;

    if (fstatvfs(*(int *)context, &status) != 0) {
        return errno;
    }
    if (status.f_blocks == 0) {
        return ENOTSUP; /* no disk: /proc and the like */
    }
    *usage = (struct usage){.blocks = status.f_blocks,
                            .available = status.f_bavail,
                            .unit = status.f_frsize != 0 ? status.f_frsize : status.f_bsize};
    return 0;
}

static void settle_syncfs(void *context)
{
    (void)syncfs(*(int *)context); /* were it to fail, usage is read as it is */
}

struct usage_source usage_source_of(int *fd)
{
    return (struct usage_source){.read = read_statvfs, .settle = settle_syncfs, .context = fd};
}

double usage_percent(const struct usage *usage, uint64_t freed)
{
    uint64_t used = usage->available < usage->blocks ? usage->blocks - usage->available : 0;
    double octets = (double)used * (double)usage->unit - (double)freed;

    return octets <= 0 ? 0 : 100 * octets / ((double)usage->blocks * (double)usage->unit);
}
