/* SPDX-License-Identifier: BSD-3-Clause */
/** Packed rows of several sorted inputs in one order. */
#ifndef LNF_MERGE_H
#define LNF_MERGE_H

#include "query.h"

/** An input, and its first row that has not been taken. */
struct lnf_merge_input {
    unsigned number;
    const uint8_t *row;
    size_t left; /* rows at hand, this one included; 0 = the input is at its end */
    uint64_t rank;
};

/**
 * Gives the next rows of an input, valid until it is asked again; none = there are no more.
 *
 * @return LNF_OK, or what ends the merge
 */
typedef int lnf_merge_fill_fn(void *context, unsigned number, const uint8_t **rows, size_t *count);

/** Inputs with rows left: a heap with the first row on top. */
struct lnf_merge {
    const lnf_query_t *query;
    lnf_merge_fill_fn *fill;
    void *context;
    struct lnf_merge_input *inputs;
    struct lnf_merge_input **heap;
    size_t count; /* inputs in the heap; 0 = everything is taken */
};

/** Room for `inputs` inputs; LNF_OK or LNF_ERR_NOMEM. */
int lnf_merge_init(struct lnf_merge *merge, const lnf_query_t *query, size_t inputs,
                   lnf_merge_fill_fn *fill, void *context);

void lnf_merge_clear(struct lnf_merge *merge);

/** Asks inputs 0 .. count - 1 for their first rows; LNF_OK, or what `fill` returned. */
int lnf_merge_open(struct lnf_merge *merge, size_t count);

/** The input whose row is next; there is one. */
static inline const struct lnf_merge_input *lnf_merge_first(const struct lnf_merge *merge)
{
    return merge->heap[0];
}

/** Takes that row; LNF_OK, or what `fill` returned. */
int lnf_merge_next(struct lnf_merge *merge);

#endif
