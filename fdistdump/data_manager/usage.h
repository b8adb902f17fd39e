/* SPDX-License-Identifier: BSD-3-Clause */
/** How full a file system is, and how it is asked. */
#ifndef DATA_MANAGER_USAGE_H
#define DATA_MANAGER_USAGE_H

#include <stdint.h>

struct usage {
    uint64_t blocks;    /* in all; not 0 */
    uint64_t available; /* of these, to users */
    uint64_t unit;      /* octets of a block */
};

/** Where usage is read from; tests play a disk. */
struct usage_source {
    /** Fills `usage`; 0 or an errno. */
    int (*read)(void *context, struct usage *usage);
    /** Waits until what was deleted is counted as free: some file systems do that later. */
    void (*settle)(void *context);
    void *context;
};

/** The file system of an open directory; *fd stays the caller's and must outlive the source. */
struct usage_source usage_source_of(int *fd);

/** Percent in use, as if `freed` octets more were available. */
double usage_percent(const struct usage *usage, uint64_t freed);

#endif
