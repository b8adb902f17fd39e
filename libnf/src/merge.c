/* SPDX-License-Identifier: BSD-3-Clause */
/** A heap of sorted inputs. */
#include "merge.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

int lnf_merge_init(struct lnf_merge *merge, const lnf_query_t *query, size_t inputs,
                   lnf_merge_fill_fn *fill, void *context)
{
    *merge = (struct lnf_merge){.query = query, .fill = fill, .context = context};
    merge->inputs = calloc(inputs, sizeof(*merge->inputs));
    merge->heap = calloc(inputs, sizeof(struct lnf_merge_input *));
    return merge->inputs == NULL || merge->heap == NULL ? LNF_ERR_NOMEM : LNF_OK;
}

void lnf_merge_clear(struct lnf_merge *merge)
{
    free(merge->inputs);
    free(merge->heap);
}

static int compare(const struct lnf_merge *merge, const struct lnf_merge_input *a,
                   const struct lnf_merge_input *b)
{
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return lnf_row_tie(merge->query, a->row, b->row);
}

/** Moves the input at a place of the heap down to where it belongs. */
static void sift_down(struct lnf_merge *merge, size_t at)
{
    struct lnf_merge_input *item = merge->heap[at];

    for (size_t child; (child = 2 * at + 1) < merge->count; at = child) {
        if (child + 1 < merge->count &&
            compare(merge, merge->heap[child + 1], merge->heap[child]) < 0) {
            child++;
        }
        if (compare(merge, item, merge->heap[child]) <= 0) {
            break;
        }
        merge->heap[at] = merge->heap[child];
    }
    merge->heap[at] = item;
}

/** The next row of an input; left = 0 when there is none. */
static int advance(struct lnf_merge *merge, struct lnf_merge_input *input)
{
    if (input->left > 1) {
        input->left--;
        input->row += merge->query->row_size;
    } else {
        int status = merge->fill(merge->context, input->number, &input->row, &input->left);
        if (status != LNF_OK) {
            return status;
        }
    }
    if (input->left > 0) {
        input->rank = lnf_row_rank(merge->query, input->row);
    }
    return LNF_OK;
}

int lnf_merge_open(struct lnf_merge *merge, size_t count)
{
    merge->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct lnf_merge_input *input = &merge->inputs[i];
        *input = (struct lnf_merge_input){.number = (unsigned)i};
        int status = advance(merge, input);
        if (status != LNF_OK) {
            return status;
        }
        if (input->left > 0) {
            merge->heap[merge->count++] = input;
        }
    }
    for (size_t i = merge->count / 2; i > 0; i--) {
        sift_down(merge, i - 1);
    }
    return LNF_OK;
}

int lnf_merge_next(struct lnf_merge *merge)
{
    struct lnf_merge_input *first = merge->heap[0];

    int status = advance(merge, first);
    if (status != LNF_OK) {
        return status;
    }
    if (first->left == 0) {
        merge->heap[0] = merge->heap[--merge->count];
    }
    if (merge->count > 0) {
        sift_down(merge, 0);
    }
    return LNF_OK;
}
