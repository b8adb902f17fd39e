/* SPDX-License-Identifier: BSD-3-Clause */
/** Ordering of ranked rows, and the best N of them. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define RADIX_BITS 11u
#define RADIX_SIZE (1u << RADIX_BITS)
#define RADIX_PASSES 6u /* of 11 bits for 64 */
#define RADIX_MIN 256u  /* fewer items are merged right away */

/** What a sort works with. */
struct order {
    const lnf_query_t *query;
    const struct lnf_store *store;
    lnf_tie_fn *tie;
};

static int compare(const struct order *order, const struct lnf_ranked *a,
                   const struct lnf_ranked *b)
{
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return order->tie(order->query, lnf_store_at(order->store, a->number),
                      lnf_store_at(order->store, b->number));
}

/* ---- full order ------------------------------------------------------------------------------ */

static void insertion_sort(const struct order *order, struct lnf_ranked *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct lnf_ranked item = items[i];
        size_t at = i;
        while (at > 0 && compare(order, &item, &items[at - 1]) < 0) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = item;
    }
}

static void merge(const struct order *order, const struct lnf_ranked *a, size_t a_count,
                  const struct lnf_ranked *b, size_t b_count, struct lnf_ranked *out)
{
    while (a_count > 0 && b_count > 0) {
        if (compare(order, b, a) < 0) {
            *out++ = *b++;
            b_count--;
        } else {
            *out++ = *a++;
            a_count--;
        }
    }
    memcpy(out, a, a_count * sizeof(*out));
    memcpy(out + a_count, b, b_count * sizeof(*out));
}

/** Stable; `spare` has room for as many items. Depth is the logarithm of the count. */
static void merge_sort(const struct order *order, struct lnf_ranked *items, size_t count,
                       struct lnf_ranked *spare)
{
    if (count <= 12) {
        insertion_sort(order, items, count);
        return;
    }
    size_t half = count / 2;
    merge_sort(order, items, half, spare);
    merge_sort(order, items + half, count - half, spare);
    if (compare(order, &items[half], &items[half - 1]) >= 0) {
        return;
    }
    memcpy(spare, items, count * sizeof(*items));
    merge(order, spare, half, spare + half, count - half, items);
}

/** Sorts by rank alone, least significant digits first; digits all items share are skipped. */
static void radix_sort(struct lnf_ranked *items, size_t count, struct lnf_ranked *spare)
{
    struct lnf_ranked *from = items;
    struct lnf_ranked *to = spare;

    for (unsigned pass = 0; pass < RADIX_PASSES; pass++) {
        unsigned shift = pass * RADIX_BITS;
        size_t places[RADIX_SIZE] = {0};
        for (size_t i = 0; i < count; i++) {
            places[(from[i].rank >> shift) & (RADIX_SIZE - 1)]++;
        }
        if (places[(from[0].rank >> shift) & (RADIX_SIZE - 1)] == count) {
            continue;
        }
        size_t sum = 0;
        for (unsigned digit = 0; digit < RADIX_SIZE; digit++) {
            size_t digit_count = places[digit];
            places[digit] = sum;
            sum += digit_count;
        }
        for (size_t i = 0; i < count; i++) {
            to[places[(from[i].rank >> shift) & (RADIX_SIZE - 1)]++] = from[i];
        }
        struct lnf_ranked *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) {
        memcpy(items, from, count * sizeof(*items));
    }
}

static void sort_by_rank(const struct order *order, lnf_rank_fn *second, struct lnf_ranked *items,
                         size_t count, struct lnf_ranked *spare);

/** Sorts items of equal rank. Many are first ranked anew, by what decides between them. */
static void sort_equal(const struct order *order, lnf_rank_fn *second, struct lnf_ranked *items,
                       size_t count, struct lnf_ranked *spare)
{
    if (second == NULL || count < 8) {
        merge_sort(order, items, count, spare);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        items[i].rank = second(order->query, lnf_store_at(order->store, items[i].number));
    }
    sort_by_rank(order, NULL, items, count, spare);
}

static void sort_by_rank(const struct order *order, lnf_rank_fn *second, struct lnf_ranked *items,
                         size_t count, struct lnf_ranked *spare)
{
    if (count < RADIX_MIN) {
        merge_sort(order, items, count, spare);
        return;
    }
    radix_sort(items, count, spare);
    for (size_t start = 0, end; start < count; start = end) {
        end = start + 1;
        while (end < count && items[end].rank == items[start].rank) {
            end++;
        }
        sort_equal(order, second, items + start, end - start, spare);
    }
}

int lnf_sort_ranked(const lnf_query_t *query, const struct lnf_store *store, lnf_tie_fn *tie,
                    lnf_rank_fn *second, struct lnf_ranked *items, size_t count)
{
    const struct order order = {query, store, tie};

    if (count < 2) {
        return LNF_OK;
    }
    struct lnf_ranked *spare = malloc(count * sizeof(*spare));
    if (spare == NULL) {
        return LNF_ERR_NOMEM;
    }
    sort_by_rank(&order, second, items, count, spare);
    free(spare);
    return LNF_OK;
}

/* ---- best N ---------------------------------------------------------------------------------- */

static int compare_top(const struct lnf_top *top, const struct lnf_ranked *a,
                       const struct lnf_ranked *b)
{
    return compare(&(struct order){top->query, top->store, top->tie}, a, b);
}

bool lnf_top_wants(const struct lnf_top *top, uint64_t rank, const uint8_t *row)
{
    if (top->count < top->limit) {
        return true;
    }
    if (rank != top->heap[0].rank) {
        return rank < top->heap[0].rank;
    }
    return top->tie(top->query, row, lnf_store_at(top->store, top->heap[0].number)) < 0;
}

int lnf_top_push(struct lnf_top *top, uint64_t rank, uint64_t number)
{
    if (top->count == top->room) {
        size_t room = top->room == 0 ? 64 : top->room * 2;
        struct lnf_ranked *heap = realloc(top->heap, room * sizeof(*heap));
        if (heap == NULL) {
            return LNF_ERR_NOMEM;
        }
        top->heap = heap;
        top->room = room;
    }
    struct lnf_ranked item = {rank, number};
    size_t at = top->count++;
    while (at > 0 && compare_top(top, &item, &top->heap[(at - 1) / 2]) > 0) {
        top->heap[at] = top->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    top->heap[at] = item;
    return LNF_OK;
}

uint64_t lnf_top_worst(const struct lnf_top *top)
{
    return top->heap[0].number;
}

void lnf_top_replace(struct lnf_top *top, uint64_t rank, uint64_t number)
{
    struct lnf_ranked item = {rank, number};
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= top->count) {
            break;
        }
        if (child + 1 < top->count &&
            compare_top(top, &top->heap[child + 1], &top->heap[child]) > 0) {
            child++;
        }
        if (compare_top(top, &item, &top->heap[child]) >= 0) {
            break;
        }
        top->heap[at] = top->heap[child];
        at = child;
    }
    top->heap[at] = item;
}
