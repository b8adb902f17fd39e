/* SPDX-License-Identifier: BSD-3-Clause */
/** Blocks as they were read, shared by readers and writers. */
#include "origin.h"

#include <stdatomic.h>
#include <stdlib.h>

struct lnf_origin {
    /* The contents live as long as there are owners; a count of 0 never rises again. */
    atomic_uint owners;
    /* This struct lives as long as there are holders; all owners together are one of them. */
    atomic_uint holders;
    struct lnf_origin_block block;
};

bool lnf_origin_is_free(const lnf_origin_t *origin)
{
    return atomic_load_explicit(&origin->owners, memory_order_relaxed) == 1;
}

void lnf_origin_hold(lnf_origin_t *origin)
{
    /* Whoever gives it away has it: nothing to wait for. */
    atomic_fetch_add_explicit(&origin->holders, 1, memory_order_relaxed);
}

void lnf_origin_drop(lnf_origin_t *origin)
{
    if (origin != NULL &&
        atomic_fetch_sub_explicit(&origin->holders, 1, memory_order_acq_rel) == 1) {
        free(origin);
    }
}

const struct lnf_origin_block *lnf_origin_own(lnf_origin_t *origin)
{
    unsigned owners = atomic_load_explicit(&origin->owners, memory_order_relaxed);

    while (owners > 0) {
        if (atomic_compare_exchange_weak_explicit(&origin->owners, &owners, owners + 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return &origin->block;
        }
    }
    return NULL;
}

void lnf_origin_disown(lnf_origin_t *origin)
{
    if (origin != NULL &&
        atomic_fetch_sub_explicit(&origin->owners, 1, memory_order_acq_rel) == 1) {
        lnf_block_buffer_clear(&origin->block.buffer);
        lnf_origin_drop(origin);
    }
}

/** Ends the only ownership, so that nobody can own it any more; false when there are others. */
static bool end_ownership(lnf_origin_t *origin)
{
    unsigned mine = 1;

    return atomic_compare_exchange_strong_explicit(&origin->owners, &mine, 0, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

struct lnf_origin_block *lnf_origin_renew(lnf_origin_t **origin)
{
    lnf_origin_t *fresh = calloc(1, sizeof(*fresh));

    if (fresh == NULL) {
        return NULL;
    }
    atomic_init(&fresh->owners, 1);
    atomic_init(&fresh->holders, 1);
    if (*origin != NULL && end_ownership(*origin)) {
        fresh->block.buffer = (*origin)->block.buffer;
        lnf_origin_drop(*origin);
    } else {
        lnf_origin_disown(*origin);
    }
    *origin = fresh;
    return &fresh->block;
}
