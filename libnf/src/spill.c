/* SPDX-License-Identifier: BSD-3-Clause */
/** Rows of tables out to files, and their way back into order. */
#include "spill.h"

#include "error.h"
#include "hash.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

/* Every level makes partitions 64 times smaller; random hashes make sure that they do. */
#define LEVEL_MAX 10u
/* Fewer rows are not worth a write, whatever the limit: they fit. */
#define ROWS_MIN LNF_CHUNK
#define ORDER_SIZE (2 * sizeof(struct lnf_ranked)) /* octets that ordering takes for a row */
#define SCATTER_BUFFER_MAX ((size_t)64 << 10)      /* for one partition */

/* ---- life ------------------------------------------------------------------------------------ */

int lnf_spill_create(lnf_table_t *table, lnf_memory_t *memory, unsigned level, bool orders)
{
    struct lnf_spill *spill = calloc(1, sizeof(*spill));
    if (spill == NULL) {
        return LNF_ERR_NOMEM;
    }
    spill->memory = memory;
    spill->level = level;
    spill->orders = orders;
    spill->status = LNF_OK;
    atomic_fetch_add_explicit(&memory->tables, 1, memory_order_relaxed);
    table->spill = spill;
    return LNF_OK;
}

void lnf_spill_forget(struct lnf_spill *spill)
{
    lnf_run_clear(&spill->answer);
    lnf_spill_file_destroy(spill->answer_file);
    spill->answer_file = NULL;
}

void lnf_spill_clear(struct lnf_spill *spill)
{
    lnf_spill_forget(spill);
    for (size_t i = 0; i < spill->run_count; i++) {
        lnf_run_clear(&spill->runs[i]);
    }
    free(spill->runs);
    for (size_t i = 0; i < spill->file_count; i++) {
        lnf_spill_file_destroy(spill->files[i]);
    }
    free(spill->files);
    spill->runs = NULL;
    spill->run_count = 0;
    spill->run_room = 0;
    spill->files = NULL;
    spill->file_count = 0;
    spill->file_room = 0;
}

void lnf_spill_destroy(struct lnf_spill *spill)
{
    if (spill == NULL) {
        return;
    }
    lnf_spill_clear(spill);
    lnf_memory_charge(spill->memory, &spill->charged, 0);
    atomic_fetch_sub_explicit(&spill->memory->tables, 1, memory_order_relaxed);
    free(spill);
}

uint64_t lnf_spill_rows(const struct lnf_spill *spill)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < spill->run_count; i++) {
        rows += spill->runs[i].rows;
    }
    return rows;
}

int lnf_spill_fail(struct lnf_spill *spill, int status)
{
    if (status == LNF_ERR_NOMEM) {
        lnf_error_set(&spill->error, 0, "no memory");
    }
    if (status != LNF_OK) {
        spill->status = status;
    }
    return status;
}

/* ---- room ------------------------------------------------------------------------------------ */

static bool is_aggregation(const lnf_table_t *table)
{
    return table->query->mode == LNF_QUERY_AGGREGATE;
}

void lnf_spill_charge(lnf_table_t *table)
{
    struct lnf_spill *spill = table->spill;
    size_t order = spill->orders && !table->finished ? lnf_table_stored(table) * ORDER_SIZE : 0;

    lnf_memory_charge(spill->memory, &spill->charged, lnf_table_memory(table) + order);
}

/**
 * Whether writing this table out helps. One with little leaves it to others that share the limit:
 * one of them has more than its part.
 */
static bool is_worth_it(const lnf_table_t *table, size_t more)
{
    const struct lnf_spill *spill = table->spill;

    return lnf_table_stored(table) >= ROWS_MIN && spill->level < LEVEL_MAX &&
           table->query->row_size > 0 && spill->charged + more >= lnf_memory_share(spill->memory);
}

/** Octets that `rows` new rows may take. */
static size_t growth(const lnf_table_t *table, size_t rows)
{
    const lnf_query_t *query = table->query;
    size_t order = table->spill->orders ? rows * ORDER_SIZE : 0;

    if (is_aggregation(table)) {
        return lnf_groups_growth(&table->groups, rows) + order;
    }
    return rows * (query->row_size + sizeof(struct lnf_ranked)) + order;
}

static int make_room(lnf_table_t *table, size_t more)
{
    if (!lnf_memory_exceeds(table->spill->memory, more) || !is_worth_it(table, more)) {
        return LNF_OK;
    }
    return lnf_spill_out(table);
}

int lnf_spill_make_room(lnf_table_t *table, size_t rows)
{
    bool full = table->query->mode == LNF_QUERY_SORT && table->top.count == table->top.limit;

    return full ? LNF_OK : make_room(table, growth(table, rows));
}

int lnf_spill_make_room_to_order(lnf_table_t *table, size_t octets)
{
    return table->spill->orders ? LNF_OK : make_room(table, octets);
}

/* ---- partitions ------------------------------------------------------------------------------ */

unsigned lnf_spill_partition(const lnf_query_t *query, const uint64_t *key, unsigned level)
{
    /* Whose partitions travel must agree; within this process nobody shall be able to foresee. */
    uint64_t seed =
        level == 0 ? query->partition_seed : query->seed ^ ((uint64_t)level * 0x9e3779b97f4a7c15u);

    return lnf_hash_range(lnf_hash_key(key, query->key_words, seed), LNF_SPILL_PARTITIONS);
}

/** Groups on their way to their partitions. */
struct scatter {
    const lnf_table_t *table;
    struct lnf_spill_file *file;
    uint8_t *buffers;
    size_t room;                           /* rows in a buffer */
    size_t used[LNF_SPILL_PARTITIONS];     /* rows in it now */
    uint64_t next[LNF_SPILL_PARTITIONS];   /* where it will be written */
    uint64_t counts[LNF_SPILL_PARTITIONS]; /* rows */
};

static unsigned group_partition(const lnf_table_t *table, const uint8_t *group)
{
    return lnf_spill_partition(table->query, (const uint64_t *)(const void *)group,
                               table->spill->level);
}

/** Counts groups by partition: each gets a place of its own at the end of the file. */
static void scatter_plan(struct scatter *scatter)
{
    const struct lnf_store *store = &scatter->table->groups.store;
    uint64_t at = scatter->file->size;

    for (size_t i = 0; i < store->count; i++) {
        scatter->counts[group_partition(scatter->table, lnf_store_at(store, i))]++;
    }
    for (unsigned p = 0; p < LNF_SPILL_PARTITIONS; p++) {
        scatter->next[p] = at;
        at += scatter->counts[p] * scatter->table->query->row_size;
    }
}

static int scatter_flush(struct scatter *scatter, unsigned p)
{
    size_t row_size = scatter->table->query->row_size;
    size_t size = scatter->used[p] * row_size;

    int status = lnf_spill_file_write(scatter->file, scatter->next[p],
                                      scatter->buffers + p * scatter->room * row_size, size,
                                      &scatter->table->spill->error);
    scatter->next[p] += size;
    scatter->used[p] = 0;
    return status;
}

static int scatter_write(struct scatter *scatter)
{
    const lnf_query_t *query = scatter->table->query;
    const struct lnf_store *store = &scatter->table->groups.store;
    int status = LNF_OK;

    for (size_t i = 0; i < store->count && status == LNF_OK; i++) {
        const uint8_t *group = lnf_store_at(store, i);
        unsigned p = group_partition(scatter->table, group);
        size_t place = p * scatter->room + scatter->used[p]++;
        lnf_group_pack(query, group, scatter->buffers + place * query->row_size);
        if (scatter->used[p] == scatter->room) {
            status = scatter_flush(scatter, p);
        }
    }
    for (unsigned p = 0; p < LNF_SPILL_PARTITIONS && status == LNF_OK; p++) {
        status = scatter_flush(scatter, p);
    }
    return status;
}

/** Appends what was written to the runs of the partitions, which have room. */
static void scatter_commit(struct scatter *scatter)
{
    size_t row_size = scatter->table->query->row_size;

    for (unsigned p = 0; p < LNF_SPILL_PARTITIONS; p++) {
        lnf_run_append(&scatter->table->spill->runs[p], scatter->file, scatter->file->size,
                       scatter->counts[p]);
        scatter->file->size += scatter->counts[p] * row_size;
    }
}

static int scatter_groups(lnf_table_t *table, struct lnf_spill_file *file)
{
    struct scatter scatter = {.table = table, .file = file};
    lnf_memory_t *memory = table->spill->memory;
    size_t row_size = table->query->row_size, charged = 0;
    size_t size = lnf_memory_buffers(memory) / LNF_SPILL_PARTITIONS;

    size = size > SCATTER_BUFFER_MAX ? SCATTER_BUFFER_MAX : size;
    scatter.room = size < row_size ? 1 : size / row_size;
    scatter.buffers = malloc(LNF_SPILL_PARTITIONS * scatter.room * row_size);
    if (scatter.buffers == NULL) {
        return LNF_ERR_NOMEM;
    }
    lnf_memory_charge(memory, &charged, LNF_SPILL_PARTITIONS * scatter.room * row_size);
    scatter_plan(&scatter);
    int status = scatter_write(&scatter);
    if (status == LNF_OK) {
        scatter_commit(&scatter);
    }
    lnf_memory_charge(memory, &charged, 0);
    free(scatter.buffers);
    return status;
}

/* ---- out ------------------------------------------------------------------------------------- */

/** Orders rows in memory and writes the first `count` as a run, which is empty before. */
static int write_run(lnf_table_t *table, size_t count, struct lnf_spill_file *file,
                     struct lnf_run *run, struct lnf_error *error)
{
    size_t size = lnf_memory_buffers(table->spill->memory) / 2;
    struct lnf_run_writer writer = {.buffer = NULL};

    int status = table->query->mode == LNF_QUERY_LIST ? LNF_OK : lnf_table_order(table, count);
    if (status == LNF_OK) {
        status = lnf_run_reserve(run, 1);
    }
    if (status == LNF_OK) {
        status = lnf_run_writer_init(&writer, file, table->query->row_size, size);
    }
    for (size_t i = 0; i < count && status == LNF_OK; i++) {
        uint8_t *place = lnf_run_writer_next(&writer, error);
        if (place == NULL) {
            status = LNF_ERR_WRITE;
        } else {
            lnf_table_pack(table, i, 1, place);
        }
    }
    if (status == LNF_OK) {
        status = lnf_run_writer_finish(&writer, run, error);
    }
    lnf_run_writer_clear(&writer);
    return status;
}

static int reserve_runs(struct lnf_spill *spill, size_t count)
{
    size_t room = spill->run_room;

    if (spill->run_room - spill->run_count >= count) {
        return LNF_OK;
    }
    while (room - spill->run_count < count) {
        room = room == 0 ? 1 : room * 2;
    }
    struct lnf_run *runs = realloc(spill->runs, room * sizeof(*runs));
    if (runs == NULL) {
        return LNF_ERR_NOMEM;
    }
    memset(runs + spill->run_room, 0, (room - spill->run_room) * sizeof(*runs));
    spill->runs = runs;
    spill->run_room = room;
    return LNF_OK;
}

static int reserve_files(struct lnf_spill *spill, size_t count)
{
    if (spill->file_room - spill->file_count >= count) {
        return LNF_OK;
    }
    size_t room = spill->file_count + count;
    struct lnf_spill_file **files = realloc(spill->files, room * sizeof(*files));
    if (files == NULL) {
        return LNF_ERR_NOMEM;
    }
    spill->files = files;
    spill->file_room = room;
    return LNF_OK;
}

/** The file to append to, and as many runs as the kind of question always has. */
static int prepare(const lnf_table_t *table, struct lnf_spill_file **file)
{
    struct lnf_spill *spill = table->spill;
    size_t fixed = is_aggregation(table)                  ? LNF_SPILL_PARTITIONS
                   : table->query->mode == LNF_QUERY_LIST ? 1
                                                          : 0;
    int status = LNF_OK;

    if (spill->run_count < fixed) {
        status = reserve_runs(spill, fixed);
        if (status != LNF_OK) {
            return status;
        }
        spill->run_count = fixed;
    }
    if (spill->file_count == 0) {
        status = reserve_files(spill, 1);
        if (status == LNF_OK) {
            status = lnf_spill_file_create(spill->memory, &spill->files[0], &spill->error);
        }
        if (status != LNF_OK) {
            return status;
        }
        spill->file_count = 1;
    }
    *file = spill->files[0];
    return LNF_OK;
}

static int out_groups(lnf_table_t *table, struct lnf_spill_file *file)
{
    for (unsigned p = 0; p < LNF_SPILL_PARTITIONS; p++) {
        int status = lnf_run_reserve(&table->spill->runs[p], 1);
        if (status != LNF_OK) {
            return status;
        }
    }
    return scatter_groups(table, file);
}

static int out_sorted(lnf_table_t *table, struct lnf_spill_file *file)
{
    struct lnf_spill *spill = table->spill;

    int status = reserve_runs(spill, 1);
    if (status == LNF_OK) {
        struct lnf_run *run = &spill->runs[spill->run_count];
        status = write_run(table, lnf_table_stored(table), file, run, &spill->error);
        if (status == LNF_OK) {
            spill->run_count++;
        } else {
            lnf_run_clear(run);
        }
    }
    return status;
}

int lnf_spill_out(lnf_table_t *table)
{
    struct lnf_spill *spill = table->spill;
    struct lnf_spill_file *file;
    int status;

    if (lnf_table_stored(table) == 0) {
        return LNF_OK;
    }
    status = prepare(table, &file);
    if (status == LNF_OK) {
        switch (table->query->mode) {
        case LNF_QUERY_AGGREGATE:
            status = out_groups(table, file);
            break;
        case LNF_QUERY_SORT:
            status = out_sorted(table, file);
            break;
        default:
            status =
                write_run(table, lnf_table_stored(table), file, &spill->runs[0], &spill->error);
            break;
        }
    }
    if (status == LNF_OK) {
        lnf_table_empty(table);
    }
    lnf_spill_charge(table);
    return lnf_spill_fail(spill, status);
}

/* ---- merging --------------------------------------------------------------------------------- */

/** Room for everything `from` has in files, so that taking it over cannot fail half way. */
static int adopt_prepare(lnf_table_t *table, const struct lnf_spill *from)
{
    struct lnf_spill *spill = table->spill;
    struct lnf_spill_file *file;

    int status = prepare(table, &file);
    if (status == LNF_OK) {
        status = reserve_files(spill, from->file_count);
    }
    if (status == LNF_OK && table->query->mode == LNF_QUERY_SORT) {
        return reserve_runs(spill, from->run_count);
    }
    for (size_t i = 0; i < from->run_count && status == LNF_OK; i++) {
        status = lnf_run_reserve(&spill->runs[i], from->runs[i].extent_count);
    }
    return status;
}

int lnf_spill_adopt(lnf_table_t *table, lnf_table_t *from)
{
    struct lnf_spill *spill = table->spill;
    struct lnf_spill *other = from->spill;
    int status = LNF_OK;

    /* Rows in memory come before the other's: lists keep their order, and groups what came first.
     */
    if (table->query->mode != LNF_QUERY_SORT) {
        status = lnf_spill_out(table);
    }
    if (status == LNF_OK) {
        status = lnf_spill_fail(spill, adopt_prepare(table, other));
    }
    if (status != LNF_OK) {
        return status;
    }
    for (size_t i = 0; i < other->run_count; i++) {
        if (table->query->mode == LNF_QUERY_SORT) {
            spill->runs[spill->run_count++] = other->runs[i];
            other->runs[i] = (struct lnf_run){0};
        } else {
            lnf_run_join(&spill->runs[i], &other->runs[i]);
        }
    }
    for (size_t i = 0; i < other->file_count; i++) {
        spill->files[spill->file_count++] = other->files[i];
    }
    other->file_count = 0;
    lnf_spill_clear(other);
    return LNF_OK;
}

/* ---- back ------------------------------------------------------------------------------------ */

struct visit {
    bool orders;
    lnf_spill_take_fn *take;
    void *context;
};

static int visit_groups(lnf_table_t *table, unsigned first, unsigned end,
                        const struct visit *visit);

static int add_run(lnf_table_t *part, const struct lnf_run *run, struct lnf_error *error)
{
    lnf_memory_t *memory = part->spill->memory;
    size_t size = lnf_memory_buffers(memory) / 4, charged = 0, count;
    struct lnf_run_reader reader;

    int status = lnf_run_reader_init(&reader, run, part->query->row_size, size);
    lnf_memory_charge(memory, &charged, size);
    while (status == LNF_OK) {
        status = lnf_run_reader_next(&reader, &count, error);
        if (status != LNF_OK || count == 0) {
            break;
        }
        status = lnf_table_add(part, reader.buffer, count);
        if (status != LNF_OK) {
            *error = part->spill->error;
        }
    }
    lnf_memory_charge(memory, &charged, 0);
    lnf_run_reader_clear(&reader);
    return status;
}

/** Aggregates a partition in a table of the next level. */
static int visit_partition(lnf_table_t *table, const struct lnf_run *run, const struct visit *visit)
{
    struct lnf_spill *spill = table->spill;
    lnf_table_t *part = NULL;

    if (run->rows == 0) {
        return LNF_OK;
    }
    int status =
        lnf_table_create_part(table->query, spill->memory, spill->level + 1, visit->orders, &part);
    if (status == LNF_OK) {
        status = add_run(part, run, &spill->error);
    }
    if (status == LNF_OK) {
        status = visit_groups(part, 0, LNF_SPILL_PARTITIONS, visit);
        if (status != LNF_OK && part->spill->status != LNF_OK) {
            spill->error = part->spill->error;
        }
    }
    lnf_table_destroy(part);
    return lnf_spill_fail(spill, status);
}

static int visit_groups(lnf_table_t *table, unsigned first, unsigned end, const struct visit *visit)
{
    if (lnf_spill_rows(table->spill) == 0) {
        return visit->take(visit->context, table);
    }
    int status = lnf_spill_out(table);
    for (unsigned p = first; p < end && status == LNF_OK; p++) {
        status = visit_partition(table, &table->spill->runs[p], visit);
    }
    return status;
}

int lnf_spill_visit(lnf_table_t *table, unsigned first, unsigned end, bool orders,
                    lnf_spill_take_fn *take, void *context)
{
    const struct visit visit = {orders, take, context};

    return visit_groups(table, first, end, &visit);
}

/* ---- order ----------------------------------------------------------------------------------- */

/** The best groups of a part into the heap of the whole. */
static int take_best(void *context, lnf_table_t *part)
{
    lnf_table_t *table = context;
    const struct lnf_store *store = &part->groups.store;
    int status = LNF_OK;

    for (size_t i = 0; i < store->count && status == LNF_OK; i++) {
        const uint8_t *group = lnf_store_at(store, i);
        uint64_t rank = lnf_group_rank(table->query, group);
        if (table->top.count < table->top.limit || rank <= table->top.heap[0].rank) {
            lnf_group_pack(table->query, group, table->scratch);
            status = lnf_table_offer(table, rank, table->scratch);
        }
    }
    lnf_spill_charge(table);
    return status;
}

/** Sorted parts of an aggregation. */
struct parts {
    lnf_table_t *table;
    struct lnf_spill_file *file;
    struct lnf_run *runs;
    size_t count, room;
    uint64_t limit;
};

static int take_sorted(void *context, lnf_table_t *part)
{
    struct parts *parts = context;
    size_t count = part->groups.store.count;

    if (parts->count == parts->room) {
        size_t room = parts->room == 0 ? LNF_SPILL_PARTITIONS : parts->room * 2;
        struct lnf_run *runs = realloc(parts->runs, room * sizeof(*runs));
        if (runs == NULL) {
            return LNF_ERR_NOMEM;
        }
        parts->runs = runs;
        parts->room = room;
    }
    struct lnf_run *run = &parts->runs[parts->count++];
    *run = (struct lnf_run){0};
    count = count < parts->limit ? count : (size_t)parts->limit;
    int status = write_run(part, count, parts->file, run, &parts->table->spill->error);
    if (status != LNF_OK) {
        part->spill->error = parts->table->spill->error;
    }
    return lnf_spill_fail(part->spill, status);
}

static int order_best(lnf_table_t *table, uint64_t limit)
{
    table->top.limit = limit;
    int status = lnf_spill_visit(table, 0, LNF_SPILL_PARTITIONS, false, take_best, table);
    return status == LNF_OK ? lnf_table_order_top(table) : status;
}

static int order_all(lnf_table_t *table, uint64_t limit)
{
    struct lnf_spill *spill = table->spill;
    struct parts parts = {.table = table, .limit = limit};

    int status = lnf_spill_file_create(spill->memory, &parts.file, &spill->error);
    if (status == LNF_OK) {
        status = lnf_spill_visit(table, 0, LNF_SPILL_PARTITIONS, true, take_sorted, &parts);
    }
    if (status == LNF_OK) {
        status = lnf_spill_merge(table->query, spill->memory, parts.runs, parts.count, limit,
                                 &spill->answer_file, &spill->answer, &spill->error);
        parts.count = 0;
    }
    for (size_t i = 0; i < parts.count; i++) {
        lnf_run_clear(&parts.runs[i]);
    }
    free(parts.runs);
    lnf_spill_file_destroy(parts.file);
    table->ordered = (size_t)spill->answer.rows;
    return status;
}

/** A heap of the best groups is no burden when it takes a quarter of the memory at most. */
static bool heap_fits(const lnf_table_t *table, uint64_t limit)
{
    size_t each = table->query->row_size + ORDER_SIZE + sizeof(struct lnf_ranked);

    return limit <= ROWS_MIN || limit < table->spill->memory->limit / 4 / each;
}

static int finish_groups(lnf_table_t *table, uint64_t limit)
{
    int status = lnf_spill_out(table);
    if (status != LNF_OK) {
        return status;
    }
    return heap_fits(table, limit) ? order_best(table, limit) : order_all(table, limit);
}

/** Sorted runs become one, which takes their place. */
static int finish_sorted(lnf_table_t *table, uint64_t limit)
{
    struct lnf_spill *spill = table->spill;
    struct lnf_spill_file *file;
    struct lnf_run merged;

    int status = lnf_spill_out(table);
    if (status == LNF_OK && spill->run_count > 1) {
        /* What merges is this table's to free; whatever happens its runs are used up. */
        size_t count = spill->run_count;
        spill->run_count = 0;
        status = lnf_spill_merge(table->query, spill->memory, spill->runs, count,
                                 table->query->limit, &file, &merged, &spill->error);
        if (status == LNF_OK) {
            for (size_t i = 0; i < spill->file_count; i++) {
                lnf_spill_file_destroy(spill->files[i]);
            }
            spill->files[0] = file;
            spill->file_count = 1;
            spill->runs[0] = merged;
            spill->run_count = 1;
        }
    }
    uint64_t rows = lnf_spill_rows(spill);
    table->ordered = (size_t)(rows < limit ? rows : limit);
    return status;
}

int lnf_spill_finish(lnf_table_t *table, uint64_t limit)
{
    uint64_t rows;
    int status = LNF_OK;

    switch (table->query->mode) {
    case LNF_QUERY_AGGREGATE:
        status = finish_groups(table, limit);
        break;
    case LNF_QUERY_SORT:
        status = finish_sorted(table, limit);
        break;
    default:
        rows = lnf_spill_rows(table->spill) + lnf_table_stored(table);
        table->ordered = (size_t)(rows < limit ? rows : limit);
        break;
    }
    return lnf_spill_fail(table->spill, status);
}

/* ---- reading --------------------------------------------------------------------------------- */

/** All rows in files, one run after the other, then those in memory. */
static int read_runs(const lnf_table_t *table, uint64_t start, size_t count, uint8_t *rows)
{
    struct lnf_spill *spill = table->spill;
    size_t row_size = table->query->row_size;
    int status = LNF_OK;

    for (size_t i = 0; i < spill->run_count && count > 0 && status == LNF_OK; i++) {
        const struct lnf_run *run = &spill->runs[i];
        if (start >= run->rows) {
            start -= run->rows;
            continue;
        }
        size_t now = count < run->rows - start ? count : (size_t)(run->rows - start);
        status = lnf_run_rows(run, row_size, start, now, rows, &spill->error);
        rows += now * row_size;
        count -= now;
        start = 0;
    }
    if (status == LNF_OK && count > 0) {
        lnf_table_pack(table, (size_t)start, count, rows);
    }
    return status;
}

size_t lnf_spill_read(const lnf_table_t *table, uint64_t start, size_t count, uint8_t *rows)
{
    struct lnf_spill *spill = table->spill;
    int status = LNF_OK;

    if (spill->answer_file != NULL) {
        status =
            lnf_run_rows(&spill->answer, table->query->row_size, start, count, rows, &spill->error);
    } else if (is_aggregation(table) && table->finished) {
        lnf_table_pack(table, (size_t)start, count, rows);
    } else {
        status = read_runs(table, start, count, rows);
    }
    return lnf_spill_fail(spill, status) == LNF_OK ? count : 0;
}
