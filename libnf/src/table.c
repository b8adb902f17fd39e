/* SPDX-License-Identifier: BSD-3-Clause */
/** Tables of rows: lists, the best N, groups; and the store they keep them in. */
#include "table.h"

#include "pages.h"
#include "shard.h"
#include "spill.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_SIZE ((size_t)16 << 20)
/* Octets of a store on small pages: few groups, as in each of many shards, touch few pages. */
#define SMALL_PAGES ((size_t)256 << 10)
/* The same where memory is scarce: half a huge page of each shard may be more than the limit. */
#define SMALL_PAGES_LIMITED ((size_t)8 << 20)
#define LIMIT_FOR_HUGE_PAGES ((uint64_t)1 << 30)
/* Rows added between two looks at the limit of memory. */
#define PIECE_ROWS LNF_BATCH_ROWS

/* ---- store ----------------------------------------------------------------------------------- */

void lnf_store_init(struct lnf_store *store, size_t stride)
{
    memset(store, 0, sizeof(*store));
    store->stride = stride;
    store->small = SMALL_PAGES;
    while ((stride << store->shift) < SEGMENT_SIZE) {
        store->shift++;
    }
}

static size_t segment_size(const struct lnf_store *store)
{
    return store->stride << store->shift;
}

/** Octets at the start of a segment that stay on small pages. */
static size_t segment_small(const struct lnf_store *store, size_t number)
{
    return number == 0 ? store->small : 0;
}

void lnf_store_clear(struct lnf_store *store)
{
    for (size_t i = 0; i < store->segment_count; i++) {
        lnf_pages_destroy(store->segments[i], segment_size(store), segment_small(store, i));
    }
    free(store->segments);
    store->segments = NULL;
    store->segment_count = 0;
    store->segment_room = 0;
    store->count = 0;
}

static int add_segment(struct lnf_store *store)
{
    if (store->segment_count == store->segment_room) {
        size_t room = store->segment_room == 0 ? 16 : store->segment_room * 2;
        uint8_t **segments = realloc(store->segments, room * sizeof(*segments));
        if (segments == NULL) {
            return LNF_ERR_NOMEM;
        }
        store->segments = segments;
        store->segment_room = room;
    }
    uint8_t *segment =
        lnf_pages_create(segment_size(store), segment_small(store, store->segment_count));
    if (segment == NULL) {
        return LNF_ERR_NOMEM;
    }
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

/* ---- table ----------------------------------------------------------------------------------- */

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

/** Whether so little memory is allowed that fixed sizes count: of pages, of an index for all keys. */
static bool is_tight(const lnf_memory_t *memory)
{
    return memory != NULL && lnf_memory_limit(memory) != 0 &&
           lnf_memory_limit(memory) < LIMIT_FOR_HUGE_PAGES;
}

int lnf_table_create_part(const lnf_query_t *query, lnf_memory_t *memory, unsigned level,
                          bool orders, lnf_table_t **table)
{
    lnf_table_t *t;

    int status = lnf_table_create(query, &t);
    if (status != LNF_OK) {
        return status;
    }
    if (is_tight(memory)) {
        t->groups.store.small = t->rows.small = SMALL_PAGES_LIMITED;
        t->groups.direct = false;
    }
    status = lnf_spill_create(t, memory, level, orders);
    if (status != LNF_OK) {
        lnf_table_destroy(t);
        return status;
    }
    *table = t;
    return LNF_OK;
}

int lnf_table_create_shared(const lnf_query_t *query, lnf_memory_t *memory, lnf_table_t **table)
{
    lnf_table_t *t;

    if (query->mode != LNF_QUERY_AGGREGATE) {
        return LNF_ERR_OTHER;
    }
    int status = lnf_table_create(query, &t);
    if (status != LNF_OK) {
        return status;
    }
    status = lnf_shards_create(query, memory, &t->shards);
    if (status != LNF_OK) {
        lnf_table_destroy(t);
        return status;
    }
    *table = t;
    return LNF_OK;
}

int lnf_table_create_local(lnf_table_t *shared, lnf_table_t **table)
{
    if (shared->shards == NULL) {
        return LNF_ERR_OTHER;
    }
    int status = lnf_table_create(shared->query, table);
    if (status == LNF_OK) {
        (*table)->shared = shared;
        (*table)->local_room = lnf_shards_local_room(shared, 0, 0);
        (*table)->groups.direct = (*table)->groups.direct && !is_tight(shared->shards->memory);
    }
    return status;
}

int lnf_table_create_limited(const lnf_query_t *query, lnf_memory_t *memory, lnf_table_t **table)
{
    bool orders = query->mode == LNF_QUERY_SORT ||
                  (query->mode == LNF_QUERY_AGGREGATE && query->limit == UINT64_MAX);

    if (memory == NULL) {
        return lnf_table_create(query, table);
    }
    return lnf_table_create_part(query, memory, 0, orders, table);
}

static void clear_rows(lnf_table_t *table)
{
    lnf_store_clear(&table->rows);
    free(table->top.heap);
    table->top.heap = NULL;
    table->top.count = 0;
    table->top.room = 0;
}

void lnf_table_forget_order(lnf_table_t *table)
{
    if (table->shards != NULL && table->finished) {
        lnf_shards_forget(table->shards);
    }
    free(table->order);
    table->order = NULL;
    table->finished = false;
    if (table->spill != NULL) {
        lnf_spill_forget(table->spill);
        if (is_aggregation(table)) {
            clear_rows(table);
        }
    }
}

void lnf_table_empty(lnf_table_t *table)
{
    lnf_table_forget_order(table);
    lnf_groups_clear(&table->groups);
    clear_rows(table);
}

void lnf_table_clear(lnf_table_t *table)
{
    if (table->shards != NULL) {
        lnf_shards_clear(table);
    }
    lnf_table_empty(table);
    if (table->spill != NULL) {
        lnf_spill_clear(table->spill);
        lnf_spill_charge(table);
    }
}

void lnf_table_destroy(lnf_table_t *table)
{
    if (table == NULL) {
        return;
    }
    lnf_table_clear(table);
    lnf_shards_destroy(table->shards);
    lnf_spill_destroy(table->spill);
    free(table->scratch);
    free(table);
}

size_t lnf_table_stored(const lnf_table_t *table)
{
    return is_aggregation(table) ? table->groups.store.count : table->rows.count;
}

bool lnf_table_is_spilled(const lnf_table_t *table)
{
    return table->spill != NULL && lnf_spill_rows(table->spill) > 0;
}

/** Rows in memory and in files. */
static size_t stored_count(const lnf_table_t *table)
{
    if (table->shards != NULL) {
        return lnf_shards_stored(table->shards);
    }
    size_t count = lnf_table_stored(table);

    return table->spill == NULL ? count : count + (size_t)lnf_spill_rows(table->spill);
}

size_t lnf_table_count(const lnf_table_t *table)
{
    return table->finished ? table->ordered : stored_count(table);
}

int lnf_table_error(const lnf_table_t *table, struct lnf_error *error)
{
    if (table->shards != NULL) {
        return lnf_shards_error(table->shards, error);
    }
    if (table->shared != NULL) {
        return lnf_table_error(table->shared, error);
    }
    if (table->spill == NULL || table->spill->status == LNF_OK) {
        return LNF_OK;
    }
    if (error != NULL) {
        *error = table->spill->error;
    }
    return table->spill->status;
}

size_t lnf_table_memory(const lnf_table_t *table)
{
    size_t order = table->order == NULL ? 0 : table->ordered * sizeof(*table->order);

    order += table->shards == NULL ? 0 : lnf_shards_memory(table->shards);
    return sizeof(*table) + lnf_groups_memory(&table->groups) + lnf_store_memory(&table->rows) +
           table->top.room * sizeof(*table->top.heap) + order;
}

/* ---- adding ---------------------------------------------------------------------------------- */

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

int lnf_table_offer(lnf_table_t *table, uint64_t rank, const uint8_t *row)
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

/** Before rows are added: what was in order is not any more, and what is too much goes out. */
static int begin_adding(lnf_table_t *table, size_t rows)
{
    lnf_table_forget_order(table);
    table->local_rows += rows;
    return table->spill == NULL ? LNF_OK : lnf_spill_make_room(table, rows);
}

/** A full local table passes its groups on. */
static int pass_on(lnf_table_t *table)
{
    table->local_room =
        lnf_shards_local_room(table->shared, table->groups.store.count, table->local_rows);
    table->local_rows = 0;
    return lnf_shards_take(table->shared, table);
}

/** After rows were added, with the status of that; a local table that is full passes them on. */
static int end_adding(lnf_table_t *table, int status)
{
    if (table->spill != NULL) {
        lnf_spill_charge(table);
        return lnf_spill_fail(table->spill, status);
    }
    if (status == LNF_OK && table->shared != NULL &&
        table->groups.store.count >= table->local_room) {
        return pass_on(table);
    }
    return status;
}

/** Adds packed rows that memory has been looked at for. */
static int add_rows(lnf_table_t *table, const uint8_t *rows, size_t count)
{
    int status = LNF_OK;

    if (is_aggregation(table)) {
        return lnf_groups_add_rows(&table->groups, rows, count);
    }
    if (!is_top(table)) {
        return append_rows(table, rows, count);
    }
    for (size_t i = 0; i < count && status == LNF_OK; i++) {
        const uint8_t *row = rows + i * table->query->row_size;
        status = lnf_table_offer(table, lnf_row_rank(table->query, row), row);
    }
    return status;
}

int lnf_table_add(lnf_table_t *table, const uint8_t *rows, size_t count)
{
    int status = LNF_OK;

    if (table->shards != NULL) {
        lnf_table_forget_order(table);
        return lnf_shards_add(table, rows, count);
    }
    if (table->spill == NULL && table->shared == NULL) {
        lnf_table_forget_order(table);
        return add_rows(table, rows, count);
    }
    while (count > 0 && status == LNF_OK) {
        size_t some = count < PIECE_ROWS ? count : PIECE_ROWS;
        status = begin_adding(table, some);
        if (status == LNF_OK) {
            status = end_adding(table, add_rows(table, rows, some));
        }
        rows += some * table->query->row_size;
        count -= some;
    }
    return status;
}

void lnf_batch_pack(const lnf_query_t *query, lnf_batch_t *batch, const uint16_t *selection,
                    unsigned count, uint8_t *rows)
{
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        uint8_t *out = rows + stored->row_offset;
        if (stored->text) {
            lnf_row_pack_text(stored, batch, selection, count, out, query->row_size);
            continue;
        }
        const void *column = lnf_batch_column(batch, stored->field, selection, count);
        lnf_row_pack(stored, column, selection, 0, count, out, query->row_size);
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
        status = lnf_table_offer(table, ranks[i], table->scratch + i * query->row_size);
    }
    return status;
}

int lnf_table_add_batch(lnf_table_t *table, lnf_batch_t *batch, const uint16_t *selection,
                        unsigned count)
{
    if (count == 0) {
        return LNF_OK;
    }
    if (table->shards != NULL) {
        return LNF_ERR_OTHER;
    }
    int status = begin_adding(table, table->query->pairs ? 2 * (size_t)count : count);
    if (status != LNF_OK) {
        return status;
    }
    if (is_aggregation(table)) {
        status = lnf_groups_add_batch(&table->groups, batch, selection, count);
    } else if (is_top(table)) {
        status = add_best(table, batch, selection, count);
    } else {
        lnf_batch_pack(table->query, batch, selection, count, table->scratch);
        status = append_rows(table, table->scratch, count);
    }
    return end_adding(table, status);
}

/* ---- merging --------------------------------------------------------------------------------- */

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

int lnf_table_take_groups(lnf_table_t *table, const struct lnf_groups *from,
                          const uint32_t *numbers, size_t count)
{
    int status = LNF_OK;

    for (size_t start = 0; start < count && status == LNF_OK; start += PIECE_ROWS) {
        size_t some = count - start < PIECE_ROWS ? count - start : PIECE_ROWS;
        status = begin_adding(table, some);
        if (status == LNF_OK) {
            status = lnf_groups_merge_some(&table->groups, from, numbers, start, some);
            status = end_adding(table, status);
        }
    }
    return status;
}

static bool share_memory(const lnf_table_t *a, const lnf_table_t *b)
{
    if (a->spill == NULL || b->spill == NULL) {
        return a->spill == b->spill;
    }
    return a->spill->memory == b->spill->memory;
}

int lnf_table_merge(lnf_table_t *table, lnf_table_t *from)
{
    int status = LNF_OK;

    if (table->shards != NULL || from->shards != NULL) {
        return lnf_shards_merge(table, from);
    }
    if (!share_memory(table, from)) {
        return LNF_ERR_OTHER;
    }
    lnf_table_forget_order(table);
    lnf_table_forget_order(from);
    /* A list keeps its order, and so do first values; everything else is the same either way, and
     * fewer rows move. */
    bool ordered = table->query->mode == LNF_QUERY_LIST || table->query->first;
    if (stored_count(table) == 0 || (!ordered && stored_count(table) < stored_count(from))) {
        swap_contents(table, from);
    }
    if (lnf_table_is_spilled(from)) {
        status = lnf_spill_adopt(table, from);
    }
    if (status == LNF_OK) {
        status = is_aggregation(table)
                     ? lnf_table_take_groups(table, &from->groups, NULL, from->groups.store.count)
                     : merge_rows(table, from);
    }
    if (status == LNF_OK) {
        lnf_table_clear(from);
    }
    return status;
}

/* ---- order ----------------------------------------------------------------------------------- */

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

int lnf_table_order_top(lnf_table_t *table)
{
    return order_top(table, &table->top);
}

int lnf_table_order(lnf_table_t *table, size_t count)
{
    size_t stored = lnf_table_stored(table);

    free(table->order);
    table->order = NULL;
    table->ordered = count;
    if (is_aggregation(table)) {
        return count < stored / 8 ? order_best_groups(table, count)
                                  : order_all(table, &table->groups.store, count);
    }
    if (is_top(table)) {
        return order_top(table, &table->top);
    }
    return table->query->mode == LNF_QUERY_SORT ? order_all(table, &table->rows, count) : LNF_OK;
}

static int finish_limited(lnf_table_t *table, uint64_t limit)
{
    size_t count = lnf_table_stored(table);
    size_t kept = limit < count ? (size_t)limit : count;
    size_t ordered = kept < count / 8 ? kept : count;

    int status = lnf_table_is_spilled(table) || table->query->mode == LNF_QUERY_LIST
                     ? LNF_OK
                     : lnf_spill_make_room_to_order(table, ordered * 2 * sizeof(struct lnf_ranked));
    if (status != LNF_OK) {
        return status;
    }
    return lnf_table_is_spilled(table) ? lnf_spill_finish(table, limit)
                                       : lnf_spill_fail(table->spill, lnf_table_order(table, kept));
}

int lnf_table_finish(lnf_table_t *table, bool limit)
{
    uint64_t wanted = limit ? table->query->limit : UINT64_MAX;
    size_t count = lnf_table_stored(table);
    int status;

    lnf_table_forget_order(table);
    if (table->shards != NULL) {
        status = lnf_shards_finish(table, limit);
        table->finished = status == LNF_OK;
        return status;
    }
    if (table->spill == NULL) {
        status = lnf_table_order(table, wanted < count ? (size_t)wanted : count);
        table->finished = status == LNF_OK;
        return status;
    }
    status = finish_limited(table, wanted);
    table->finished = status == LNF_OK;
    lnf_spill_charge(table);
    return status;
}

void lnf_table_pack(const lnf_table_t *table, size_t start, size_t count, uint8_t *rows)
{
    /* An aggregation has packed rows in memory only when they are the answer. */
    bool groups = is_aggregation(table) && table->rows.count == 0;

    for (size_t i = 0; i < count; i++) {
        size_t number = table->order == NULL ? start + i : (size_t)table->order[start + i];
        uint8_t *row = rows + i * table->query->row_size;
        if (groups) {
            lnf_group_pack(table->query, lnf_store_at(&table->groups.store, number), row);
        } else {
            memcpy(row, lnf_store_at(&table->rows, number), table->query->row_size);
        }
    }
}

size_t lnf_table_rows(const lnf_table_t *table, size_t start, size_t count, uint8_t *rows)
{
    size_t all = lnf_table_count(table);
    size_t left = start < all ? all - start : 0;

    count = count < left ? count : left;
    if (table->shards != NULL) {
        return lnf_shards_rows(table, start, count, rows);
    }
    if (lnf_table_is_spilled(table)) {
        return lnf_spill_read(table, start, count, rows);
    }
    lnf_table_pack(table, start, count, rows);
    return count;
}
