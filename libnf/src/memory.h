/* SPDX-License-Identifier: BSD-3-Clause */
/** What tables that share a limit of memory have in common: the account, and where files go. */
#ifndef LNF_MEMORY_H
#define LNF_MEMORY_H

#include <libnf/scan.h>
#include <stdatomic.h>

/*
 * The counters are read to decide when to write something out, a little earlier or later is fine:
 * nothing else is published through them, so relaxed order is enough.
 */
struct lnf_memory {
    uint64_t limit;
    char *directory;
    lnf_spilling_fn *spilling;
    void *context;
    _Atomic uint64_t used;    /* octets tables hold now */
    _Atomic uint64_t peak;    /* the most they ever held */
    _Atomic uint64_t spilled; /* octets written to temporary files */
    atomic_uint tables;       /* that share it now */
    atomic_flag told;         /* that files are being written */
};

/** Changes what somebody holds from `*charged` octets to `now`. */
void lnf_memory_charge(lnf_memory_t *memory, size_t *charged, size_t now);

/** Whether `more` octets would be too many. Part of the limit is kept for buffers of files. */
bool lnf_memory_exceeds(const lnf_memory_t *memory, size_t more);

/** Octets below which a table leaves it to others to make room. */
size_t lnf_memory_share(const lnf_memory_t *memory);

/** Octets that buffers of a table's files may take together. */
size_t lnf_memory_buffers(const lnf_memory_t *memory);

/** Counts octets written to a temporary file; the first ones are made known. */
void lnf_memory_spill(lnf_memory_t *memory, uint64_t octets);

#endif
