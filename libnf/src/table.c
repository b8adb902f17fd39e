/* SPDX-License-Identifier: BSD-3-Clause */
/** Tables of rows: lists, the best N, groups; and the store they keep them in. */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SEGMENT_SIZE ((size_t)16 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

struct lnf_table {
    const lnf_query_t *query;
    struct lnf_groups groups; /* LNF_QUERY_AGGREGATE */
    struct lnf_store rows;    /* the others: packed rows */
    struct lnf_top top;       /* LNF_QUERY_SORT with a limit: which rows of `rows` are where */
    uint8_t *scratch;         /* packed rows of a chunk */

    /* After lnf_table_finish(): numbers of groups or rows in order; NULL = as they are stored. */
    uint64_t *order;
    size_t ordered;
    bool finished;
};

/* ---- store
 * ---------------------------------------------------------------------------------------- */

void lnf_store_init(struct lnf_store *store, size_t stride)
{
    memset(store, 0, sizeof(*store));
    store->stride = stride;
    while ((stride << store->shift) < SEGMENT_SIZE) {
        store->shift++;
    }
}

void lnf_store_clear(struct lnf_store *store)
{
    for (size_t i = 0; i < store->segment_count; i++) {
        free(store->segments[i]);
    }
    free(store->segments);
    store->segments = NULL;
    store->segment_count = 0;
    store->segment_room = 0;
    store->count = 0;
}

static int add_segment(struct lnf_store *store)
{
    size_t size = store->stride << store->shift;

    if (store->segment_count == store->segment_room) {
        size_t room = store->segment_room == 0 ? 16 : store->segment_room * 2;
        uint8_t **segments = realloc(store->segments, room * sizeof(*segments));
        if (segments == NULL) {
            return LNF_ERR_NOMEM;
        }
        store->segments = segments;
        store->segment_room = room;
    }
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uint8_t *segment = aligned_alloc(HUGE_PAGE, size);
    if (segment == NULL) {
        return LNF_ERR_NOMEM;
    }
    /* The start of a small table stays on small pages, so that it touches no more than it needs. */
    size_t small = store->segment_count == 0 ? HUGE_PAGE : 0;
    (void)madvise(segment + small, size - small, MADV_HUGEPAGE);
    store->segments[store->segment_count++] = segment;
    return LNF_OK;
}

int lnf_store_reserve(struct lnf_store *store, size_t count)
{
    while ((store->segment_count << store->shift) < store->count + count) {
        int status = add_segment(store);
        if (status != LNF_OK) {
            return status;
        }
    }
    return LNF_OK;
}

bool lnf_store_find(const struct lnf_store *store, const uint8_t *item, size_t *number)
{
    size_t size = store->stride << store->shift;

    for (size_t i = 0; i < store->segment_count; i++) {
        uintptr_t offset = (uintptr_t)item - (uintptr_t)store->segments[i];
        if (offset < size) {
            *number = (i << store->shift) + offset / store->stride;
            return offset % store->stride == 0 && *number < store->count;
        }
    }
    return false;
}

size_t lnf_store_memory(const struct lnf_store *store)
{
    return store->count * store->stride + store->segment_room * sizeof(*store->segments);
}

/* ---- table
 * ---------------------------------------------------------------------------------------- */

static bool is_aggregation(const lnf_table_t *table)
{
    return table->query->mode == LNF_QUERY_AGGREGATE;
}

/** The table keeps the best rows only. */
static bool is_top(const lnf_table_t *table)
{
    return table->query->mode == LNF_QUERY_SORT && table->query->limit != UINT64_MAX;
}

int lnf_table_create(const lnf_query_t *query, lnf_table_t **table)
{
    lnf_table_t *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return LNF_ERR_NOMEM;
    }
    t->query = query;
    lnf_groups_init(&t->groups, query);
    lnf_store_init(&t->rows, query->row_size == 0 ? 1 : query->row_size);
    t->top.query = query;
    t->top.store = &t->rows;
    t->top.tie = lnf_row_tie;
    t->top.limit = query->limit;
    t->scratch = malloc(LNF_BATCH_ROWS * query->row_size + 1);
    if (t->scratch == NULL) {
        free(t);
        return LNF_ERR_NOMEM;
    }
    *table = t;
    return LNF_OK;
}

static void forget_order(lnf_table_t *table)
{
    free(table->order);
    table->order = NULL;
    table->finished = false;
}

static void table_clear(lnf_table_t *table)
{
    forget_order(table);
    lnf_groups_clear(&table->groups);
    lnf_store_clear(&table->rows);
    free(table->top.heap);
    table->top.heap = NULL;
    table->top.count = 0;
    table->top.room = 0;
}

void lnf_table_destroy(lnf_table_t *table)
{
    if (table == NULL) {
        return;
    }
    table_clear(table);
    free(table->scratch);
    free(table);
}

static size_t stored_count(const lnf_table_t *table)
{
    return is_aggregation(table) ? table->groups.store.count : table->rows.count;
}

size_t lnf_table_count(const lnf_table_t *table)
{
    return table->finished ? table->ordered : stored_count(table);
}

size_t lnf_table_memory(const lnf_table_t *table)
{
    size_t order = table->order == NULL ? 0 : table->ordered * sizeof(*table->order);

    return sizeof(*table) + lnf_groups_memory(&table->groups) + lnf_store_memory(&table->rows) +
           table->top.room * sizeof(*table->top.heap) + order;
}

/* ---- adding
 * --------------------------------------------------------------------------------------- */

static int append_rows(lnf_table_t *table, const uint8_t *rows, size_t count)
{
    int status = lnf_store_reserve(&table->rows, count);
    if (status != LNF_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(lnf_store_at(&table->rows, table->rows.count++), rows + i * table->query->row_size,
               table->query->row_size);
    }
    return LNF_OK;
}

/** Keeps a row if it is among the best so far. */
static int offer_row(lnf_table_t *table, uint64_t rank, const uint8_t *row)
{
    if (!lnf_top_wants(&table->top, rank, row)) {
        return LNF_OK;
    }
    if (table->top.count == table->top.limit) {
        uint64_t worst = lnf_top_worst(&table->top);
        memcpy(lnf_store_at(&table->rows, worst), row, table->query->row_size);
        lnf_top_replace(&table->top, rank, worst);
        return LNF_OK;
    }
    int status = append_rows(table, row, 1);
    if (status == LNF_OK) {
        status = lnf_top_push(&table->top, rank, table->rows.count - 1);
        if (status != LNF_OK) {
            table->rows.count--;
        }
    }
    return status;
}

int lnf_table_add(lnf_table_t *table, const uint8_t *rows, size_t count)
{
    int status = LNF_OK;

    forget_order(table);
    if (is_aggregation(table)) {
        return lnf_groups_add_rows(&table->groups, rows, count);
    }
    if (!is_top(table)) {
        return append_rows(table, rows, count);
    }
    for (size_t i = 0; i < count && status == LNF_OK; i++) {
        const uint8_t *row = rows + i * table->query->row_size;
        status = offer_row(table, lnf_row_rank(table->query, row), row);
    }
    return status;
}

void lnf_batch_pack(const lnf_query_t *query, lnf_batch_t *batch, const uint16_t *selection,
                    unsigned count, uint8_t *rows)
{
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        const void *column = lnf_batch_column(batch, stored->field, selection, count);
        lnf_row_pack(stored, column, selection, 0, count, rows + stored->row_offset,
                     query->row_size);
    }
}

/** Rows that may be among the best, by rank alone; their ranks move with them. */
static unsigned drop_hopeless(const lnf_table_t *table, const uint16_t *selection, unsigned count,
                              uint64_t *ranks, uint16_t *kept)
{
    bool full = table->top.count >= table->top.limit;
    uint64_t worst = full ? table->top.heap[0].rank : UINT64_MAX;
    unsigned kept_count = 0;

    for (unsigned i = 0; i < count; i++) {
        kept[kept_count] = selection == NULL ? (uint16_t)i : selection[i];
        ranks[kept_count] = ranks[i];
        kept_count += ranks[i] <= worst;
    }
    return kept_count;
}

static int add_best(lnf_table_t *table, lnf_batch_t *batch, const uint16_t *selection,
                    unsigned count)
{
    const lnf_query_t *query = table->query;
    uint64_t ranks[LNF_BATCH_ROWS];
    uint16_t kept[LNF_BATCH_ROWS];
    int status = LNF_OK;

    lnf_batch_ranks(query, batch, selection, count, ranks);
    unsigned kept_count = drop_hopeless(table, selection, count, ranks, kept);
    if (kept_count == 0) {
        return LNF_OK;
    }
    lnf_batch_pack(query, batch, kept, kept_count, table->scratch);
    for (unsigned i = 0; i < kept_count && status == LNF_OK; i++) {
        status = offer_row(table, ranks[i], table->scratch + i * query->row_size);
    }
    return status;
}

int lnf_table_add_batch(lnf_table_t *table, lnf_batch_t *batch, const uint16_t *selection,
                        unsigned count)
{
    if (count == 0) {
        return LNF_OK;
    }
    forget_order(table);
    if (is_aggregation(table)) {
        return lnf_groups_add_batch(&table->groups, batch, selection, count);
    }
    if (is_top(table)) {
        return add_best(table, batch, selection, count);
    }
    lnf_batch_pack(table->query, batch, selection, count, table->scratch);
    return append_rows(table, table->scratch, count);
}

/* ---- merging
 * -------------------------------------------------------------------------------------- */

/** Exchanges the contents; the heaps keep pointing to the stores they are beside. */
static void swap_contents(lnf_table_t *a, lnf_table_t *b)
{
    lnf_table_t copy = *a;
    *a = *b;
    *b = copy;

    uint8_t *scratch = a->scratch;
    a->scratch = b->scratch;
    b->scratch = scratch;
    a->top.store = &a->rows;
    b->top.store = &b->rows;
}

/** Rows of `from` one by one: each is a row, or the best so far. */
static int merge_rows(lnf_table_t *table, lnf_table_t *from)
{
    int status = LNF_OK;

    for (size_t i = 0; i < from->rows.count && status == LNF_OK; i++) {
        status = lnf_table_add(table, lnf_store_at(&from->rows, i), 1);
    }
    return status;
}

int lnf_table_merge(lnf_table_t *table, lnf_table_t *from)
{
    int status;

    forget_order(table);
    forget_order(from);
    /* A list keeps its order, and so do first values; everything else is the same either way, and
     * fewer rows move. */
    bool ordered = table->query->mode == LNF_QUERY_LIST || table->query->first;
    if (stored_count(table) == 0 || (!ordered && stored_count(table) < stored_count(from))) {
        swap_contents(table, from);
    }
    status = is_aggregation(table) ? lnf_groups_merge(&table->groups, &from->groups)
                                   : merge_rows(table, from);
    if (status == LNF_OK) {
        table_clear(from);
    }
    return status;
}

/* ---- order
 * ---------------------------------------------------------------------------------------- */

/** Makes `order` of ranked items, which it frees. */
static int take_order(lnf_table_t *table, struct lnf_ranked *items, size_t count)
{
    uint64_t *order = malloc((count + 1) * sizeof(*order));
    if (order == NULL) {
        free(items);
        return LNF_ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = items[i].number;
    }
    free(items);
    table->order = order;
    table->ordered = count;
    return LNF_OK;
}

static int order_all(lnf_table_t *table, const struct lnf_store *store, size_t limit)
{
    const lnf_query_t *query = table->query;
    bool groups = is_aggregation(table);

    struct lnf_ranked *items = malloc((store->count + 1) * sizeof(*items));
    if (items == NULL) {
        return LNF_ERR_NOMEM;
    }
    for (size_t i = 0; i < store->count; i++) {
        const uint8_t *row = lnf_store_at(store, i);
        items[i].number = i;
        items[i].rank = groups ? lnf_group_rank(query, row) : lnf_row_rank(query, row);
    }
    lnf_tie_fn *tie = groups ? lnf_group_tie : lnf_row_tie;
    lnf_rank_fn *second = groups && lnf_group_has_second(query) ? lnf_group_second : NULL;
    int status = lnf_sort_ranked(query, store, tie, second, items, store->count);
    if (status != LNF_OK) {
        free(items);
        return status;
    }
    return take_order(table, items, limit);
}

/** The heap's items in order. */
static int order_top(lnf_table_t *table, const struct lnf_top *top)
{
    struct lnf_ranked *items = malloc((top->count + 1) * sizeof(*items));
    if (items == NULL) {
        return LNF_ERR_NOMEM;
    }
    if (top->count > 0) {
        memcpy(items, top->heap, top->count * sizeof(*items));
    }
    int status = lnf_sort_ranked(table->query, top->store, top->tie, NULL, items, top->count);
    if (status != LNF_OK) {
        free(items);
        return status;
    }
    return take_order(table, items, top->count);
}

/** Chooses the best groups without ordering the others. */
static int order_best_groups(lnf_table_t *table, size_t limit)
{
    const struct lnf_store *store = &table->groups.store;
    struct lnf_top top = {
        .query = table->query,
        .store = store,
        .tie = lnf_group_tie,
        .limit = limit,
    };
    int status = LNF_OK;

    for (size_t i = 0; i < store->count && status == LNF_OK; i++) {
        const uint8_t *group = lnf_store_at(store, i);
        uint64_t rank = lnf_group_rank(table->query, group);
        if (top.count < limit) {
            status = lnf_top_push(&top, rank, i);
        } else if (lnf_top_wants(&top, rank, group)) {
            lnf_top_replace(&top, rank, i);
        }
    }
    if (status == LNF_OK) {
        status = order_top(table, &top);
    }
    free(top.heap);
    return status;
}

int lnf_table_finish(lnf_table_t *table, bool limit)
{
    const lnf_query_t *query = table->query;
    size_t count = stored_count(table);
    size_t kept = limit && query->limit < count ? (size_t)query->limit : count;
    int status = LNF_OK;

    forget_order(table);
    table->ordered = kept;
    if (is_aggregation(table)) {
        status = kept < count / 8 ? order_best_groups(table, kept)
                                  : order_all(table, &table->groups.store, kept);
    } else if (is_top(table)) {
        status = order_top(table, &table->top);
    } else if (query->mode == LNF_QUERY_SORT) {
        status = order_all(table, &table->rows, kept);
    }
    table->finished = status == LNF_OK;
    return status;
}

size_t lnf_table_rows(const lnf_table_t *table, size_t start, size_t count, uint8_t *rows)
{
    size_t all = lnf_table_count(table);
    size_t left = start < all ? all - start : 0;

    count = count < left ? count : left;
    for (size_t i = 0; i < count; i++) {
        size_t number = table->order == NULL ? start + i : (size_t)table->order[start + i];
        uint8_t *row = rows + i * table->query->row_size;
        if (is_aggregation(table)) {
            lnf_group_pack(table->query, lnf_store_at(&table->groups.store, number), row);
        } else {
            memcpy(row, lnf_store_at(&table->rows, number), table->query->row_size);
        }
    }
    return count;
}
