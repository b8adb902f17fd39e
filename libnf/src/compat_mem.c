/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Memories of libnf.h on the engine's groups. Every writing thread has a part of its own; parts are
 * merged two by two when their threads hand them in, and what is left goes into the first at
 * reading.
 */
#include "compat_mem.h"
#include "error.h"
#include "table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NO_ITEM UINT64_MAX

enum part_state {
    PART_FREE,    /* nothing was written */
    PART_WRITING, /* a thread's own */
    PART_READY,   /* handed in */
    PART_MERGING, /* in the hands of a thread that merges it */
};

/** What one thread has written. Groups, or in list mode items that look like groups. */
struct part {
    enum part_state state;   /* under the memory's lock */
    _Atomic uintptr_t owner; /* the thread, while it writes; else 0 */
    struct lnf_groups groups;
    struct lnf_store list;

    /* Rows that have not reached their groups yet: many at once find them faster. */
    uint64_t *keys;
    uint8_t *values;
    const void *columns[LNF_QUERY_COLUMNS];
    unsigned waiting;
};

struct lnf_mem {
    struct lnf_mem_plan plan;
    bool list_mode;
    bool equal_sides_once; /* LNF_OPT_COMP_STATSCMP */

    pthread_mutex_t lock;
    _Atomic(struct part *) parts[LNF_MAX_THREADS]; /* [0] is what readers see */
    atomic_uint part_count;

    /* Order of the items of parts[0]: the number of the next one for each. */
    atomic_bool ordered;
    uint64_t *next;
    uint64_t first;

    /* Of lnf_mem_read() and lnf_mem_read_raw(). */
    bool reading;
    lnf_mem_cursor_t *cursor; /* the record read last */
};

static int refuse(const char *text)
{
    lnf_error_remember(text);
    return LNF_ERR_OTHER;
}

static int no_memory(void)
{
    lnf_error_remember("no memory");
    return LNF_ERR_NOMEM;
}

/* ---- parts ----------------------------------------------------------------------------------- */

/** Frees what was written. */
static void part_clear(struct part *part)
{
    lnf_groups_clear(&part->groups);
    lnf_store_clear(&part->list);
    part->waiting = 0;
}

static void part_destroy(struct part *part)
{
    if (part != NULL) {
        part_clear(part);
        free(part->keys);
        free(part->values);
        free(part);
    }
}

static struct part *part_create(const struct lnf_mem_plan *plan)
{
    const lnf_query_t *query = plan->query;
    size_t size = 0;

    struct part *part = calloc(1, sizeof(*part));
    if (part == NULL) {
        return NULL;
    }
    lnf_groups_init(&part->groups, query);
    lnf_store_init(&part->list, query->group_size);
    for (unsigned c = 0; c < query->stored_count; c++) {
        size += LNF_CHUNK * sizeof(union lnf_native);
    }
    part->keys = malloc(((size_t)LNF_CHUNK * query->key_words + 1) * sizeof(uint64_t));
    part->values = malloc(size + 1);
    if (part->keys == NULL || part->values == NULL) {
        part_destroy(part);
        return NULL;
    }
    for (unsigned c = 0; c < query->stored_count; c++) {
        part->columns[c] = part->values + (size_t)c * LNF_CHUNK * sizeof(union lnf_native);
    }
    return part;
}

/** Brings waiting rows to their groups; LNF_ERR_NOMEM: they still wait. */
static int part_flush(struct part *part)
{
    if (part->waiting > 0) {
        int status =
            lnf_groups_add(&part->groups, part->keys, part->columns, NULL, 0, part->waiting);
        if (status != LNF_OK) {
            return no_memory();
        }
        part->waiting = 0;
    }
    return LNF_OK;
}

/** Room for some rows, so that adding them cannot fail. */
static int part_reserve(struct part *part, bool list_mode, unsigned rows)
{
    if (list_mode) {
        return lnf_store_reserve(&part->list, rows) == LNF_OK ? LNF_OK : no_memory();
    }
    return part->waiting + rows > LNF_CHUNK ? part_flush(part) : LNF_OK;
}

/** Adds a row; there is room. */
static void part_add(struct part *part, const struct lnf_mem_plan *plan, bool list_mode,
                     const struct lnf_mem_row *row)
{
    const lnf_query_t *query = plan->query;

    if (list_mode) {
        lnf_mem_group_of_row(plan, row, lnf_store_at(&part->list, part->list.count));
        part->list.count++;
        return;
    }
    uint64_t *key = part->keys + (size_t)part->waiting * query->key_words;
    for (unsigned i = 0; i < query->key_words; i++) {
        key[i] = row->key[i];
    }
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        size_t width = lnf_stored_native(stored);
        if (!stored->key) {
            uint8_t *column = part->values + (size_t)c * LNF_CHUNK * sizeof(union lnf_native);
            lnf_value_copy(column + part->waiting * width, row->values[c].octets, width);
        }
    }
    part->waiting++;
}

static int append_list(struct lnf_store *list, const struct lnf_store *from)
{
    int status = lnf_store_reserve(list, from->count);

    for (size_t i = 0; i < from->count && status == LNF_OK; i++) {
        memcpy(lnf_store_at(list, list->count++), lnf_store_at(from, i), list->stride);
    }
    return status;
}

/** Moves everything from one part into another; what cannot be moved is lost. */
static int part_absorb(struct part *part, struct part *from)
{
    int status = part_flush(part);

    if (status == LNF_OK) {
        status = part_flush(from);
    }
    if (status == LNF_OK && append_list(&part->list, &from->list) != LNF_OK) {
        status = no_memory();
    }
    if (status == LNF_OK && lnf_groups_merge(&part->groups, &from->groups) != LNF_OK) {
        status = no_memory();
    }
    part_clear(from);
    return status;
}

/* ---- threads and their parts ----------------------------------------------------------------- */

/** Different in all threads that live at the same time, and never 0. */
static uintptr_t this_thread(void)
{
    static _Thread_local char address;

    return (uintptr_t)&address;
}

static struct part *part_at(lnf_mem_t *mem, unsigned number)
{
    return atomic_load_explicit(&mem->parts[number], memory_order_acquire);
}

static unsigned part_count(lnf_mem_t *mem)
{
    return atomic_load_explicit(&mem->part_count, memory_order_acquire);
}

/** The part the calling thread writes to; NULL when it has none. Only a thread itself makes itself
 * an owner or stops it, so what it finds stays true. */
static struct part *own_part(lnf_mem_t *mem)
{
    uintptr_t thread = this_thread();
    unsigned count = part_count(mem);

    for (unsigned i = 0; i < count; i++) {
        struct part *part = part_at(mem, i);
        if (atomic_load_explicit(&part->owner, memory_order_acquire) == thread) {
            return part;
        }
    }
    return NULL;
}

static struct part *part_in_state(lnf_mem_t *mem, enum part_state state)
{
    unsigned count = part_count(mem);

    for (unsigned i = 0; i < count; i++) {
        if (part_at(mem, i)->state == state) {
            return part_at(mem, i);
        }
    }
    return NULL;
}

/** A new part; NULL when there are too many, or no memory. */
static int new_part(lnf_mem_t *mem, struct part **part)
{
    unsigned count = part_count(mem);

    if (count == LNF_MAX_THREADS) {
        return refuse("too many threads write to a memory");
    }
    *part = part_create(&mem->plan);
    if (*part == NULL) {
        return no_memory();
    }
    atomic_store_explicit(&mem->parts[count], *part, memory_order_release);
    atomic_store_explicit(&mem->part_count, count + 1, memory_order_release);
    return LNF_OK;
}

static void own(struct part *part)
{
    part->state = PART_WRITING;
    atomic_store_explicit(&part->owner, this_thread(), memory_order_release);
}

/** Finds the calling thread a part: one that was handed in, a free one, a new one. */
static int claim_part(lnf_mem_t *mem, struct part **part)
{
    int status = LNF_OK;

    pthread_mutex_lock(&mem->lock);
    if (mem->plan.query == NULL) {
        status = lnf_mem_plan_build(&mem->plan);
    }
    if (status == LNF_OK) {
        *part = part_in_state(mem, PART_READY);
        if (*part == NULL) {
            *part = part_in_state(mem, PART_FREE);
        }
        if (*part == NULL) {
            status = new_part(mem, part);
        }
    }
    if (status == LNF_OK) {
        own(*part);
    }
    pthread_mutex_unlock(&mem->lock);
    return status;
}

static void forget_order(lnf_mem_t *mem)
{
    pthread_mutex_lock(&mem->lock);
    free(mem->next);
    mem->next = NULL;
    atomic_store_explicit(&mem->ordered, false, memory_order_release);
    pthread_mutex_unlock(&mem->lock);
}

/** The part to write to, made and owned when need be. */
static int part_for_writing(lnf_mem_t *mem, struct part **part)
{
    if (atomic_load_explicit(&mem->ordered, memory_order_acquire)) {
        forget_order(mem);
    }
    *part = own_part(mem);
    return *part != NULL ? LNF_OK : claim_part(mem, part);
}

/** Merges two parts into the one that is nearer to what readers see. Called with the lock, which is
 * released meanwhile. */
static int merge_pair(lnf_mem_t *mem, struct part **mine, struct part *other)
{
    struct part *into = *mine, *from = other;

    for (unsigned i = 0; part_at(mem, i) != *mine; i++) {
        if (part_at(mem, i) == other) {
            into = other;
            from = *mine;
            break;
        }
    }
    into->state = PART_MERGING;
    from->state = PART_MERGING;
    pthread_mutex_unlock(&mem->lock);
    int status = part_absorb(into, from);
    pthread_mutex_lock(&mem->lock);
    from->state = PART_FREE;
    *mine = into;
    return status;
}

int lnf_mem_merge_threads(lnf_mem_t *mem)
{
    struct part *mine = own_part(mem), *other;
    int status = LNF_OK;

    if (mine == NULL) {
        return LNF_OK;
    }
    pthread_mutex_lock(&mem->lock);
    atomic_store_explicit(&mine->owner, 0, memory_order_release);
    while ((other = part_in_state(mem, PART_READY)) != NULL) {
        int merged = merge_pair(mem, &mine, other);
        status = merged == LNF_OK ? status : merged;
    }
    mine->state = PART_READY;
    pthread_mutex_unlock(&mem->lock);
    return status;
}

/* ---- declarations ---------------------------------------------------------------------------- */

int lnf_mem_init(lnf_mem_t **mem)
{
    lnf_mem_t *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        return no_memory();
    }
    if (pthread_mutex_init(&m->lock, NULL) != 0) {
        free(m);
        return refuse("cannot make a lock");
    }
    *mem = m;
    return LNF_OK;
}

static void destroy_parts(lnf_mem_t *mem)
{
    for (unsigned i = 0; i < part_count(mem); i++) {
        part_destroy(part_at(mem, i));
        atomic_store(&mem->parts[i], NULL);
    }
    atomic_store(&mem->part_count, 0);
}

/** Lets declarations change, which is fine as long as nothing was written. */
static int reopen_plan(lnf_mem_t *mem)
{
    for (unsigned i = 0; i < part_count(mem); i++) {
        if (part_at(mem, i)->state != PART_FREE) {
            return refuse("a memory with records cannot be changed");
        }
    }
    destroy_parts(mem);
    lnf_mem_plan_reset(&mem->plan);
    return LNF_OK;
}

int lnf_mem_setopt(lnf_mem_t *mem, int opt, void *data, size_t size)
{
    int buckets = 0;

    if (reopen_plan(mem) != LNF_OK) {
        return LNF_ERR_OTHER;
    }
    switch (opt) {
    case LNF_OPT_HASHBUCKETS:
        if (data != NULL && size == sizeof(buckets)) {
            memcpy(&buckets, data, sizeof(buckets));
        }
        return buckets > 0 ? LNF_OK : refuse("the number of hash buckets is wrong");
    case LNF_OPT_LISTMODE:
        mem->list_mode = true;
        return LNF_OK;
    case LNF_OPT_COMP_STATSCMP:
        mem->equal_sides_once = true;
        return LNF_OK;
    default:
        return refuse("unknown option of a memory");
    }
}

int lnf_mem_fadd(lnf_mem_t *mem, int field, int flags, int bits, int bits6)
{
    if (reopen_plan(mem) != LNF_OK) {
        return LNF_ERR_OTHER;
    }
    return lnf_mem_plan_add(&mem->plan, field, flags, bits, bits6);
}

int lnf_mem_fastaggr(lnf_mem_t *mem, int mode)
{
    static const struct {
        int field, flags;
    } basic[] = {
        {LNF_FLD_FIRST, LNF_AGGR_MIN},      {LNF_FLD_LAST, LNF_AGGR_MAX},
        {LNF_FLD_DOCTETS, LNF_AGGR_SUM},    {LNF_FLD_DPKTS, LNF_AGGR_SUM},
        {LNF_FLD_AGGR_FLOWS, LNF_AGGR_SUM},
    };

    if (mode < LNF_FASTAGGR_NONE || mode > LNF_FASTAGGR_ALL) {
        return refuse("unknown mode of fast aggregation");
    }
    if (reopen_plan(mem) != LNF_OK) {
        return LNF_ERR_OTHER;
    }
    if (mode == LNF_FASTAGGR_NONE) {
        return LNF_OK;
    }
    for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++) {
        if (lnf_mem_plan_find(&mem->plan, basic[i].field) == NULL) {
            int status = lnf_mem_plan_add(&mem->plan, basic[i].field, basic[i].flags, 0, 0);
            if (status != LNF_OK) {
                return status;
            }
        }
    }
    return LNF_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

int lnf_mem_write(lnf_mem_t *mem, lnf_rec_t *record)
{
    const struct lnf_mem_plan *plan = &mem->plan;
    uint64_t other[LNF_MEM_FIELDS * 2];
    struct lnf_mem_row row;
    struct part *part;

    int status = part_for_writing(mem, &part);
    if (status != LNF_OK) {
        return status;
    }
    status = part_reserve(part, mem->list_mode, 2);
    if (status != LNF_OK) {
        return status;
    }
    lnf_mem_key_of_record(plan, record, false, row.key);
    lnf_mem_values_of_record(plan, record, row.values);
    part_add(part, plan, mem->list_mode, &row);
    if (!plan->query->pairs) {
        return LNF_OK;
    }
    lnf_mem_key_of_record(plan, record, true, other);
    size_t size = (size_t)plan->query->key_words * 8;
    if (!mem->equal_sides_once || memcmp(row.key, other, size) != 0) {
        memcpy(row.key, other, size);
        part_add(part, plan, mem->list_mode, &row);
    }
    return LNF_OK;
}

int lnf_mem_write_raw(lnf_mem_t *mem, char *buf, int size)
{
    const struct lnf_mem_plan *plan = &mem->plan;
    struct lnf_mem_row row;
    struct part *part;

    int status = part_for_writing(mem, &part);
    if (status != LNF_OK) {
        return status;
    }
    if (size < 0 || (size_t)size != plan->raw_size) {
        return refuse("the raw record is not one of this memory");
    }
    status = part_reserve(part, mem->list_mode, 1);
    if (status != LNF_OK) {
        return status;
    }
    lnf_mem_key_of_raw(plan, buf, row.key);
    lnf_mem_values_of_raw(plan, buf, row.values);
    part_add(part, plan, mem->list_mode, &row);
    return LNF_OK;
}

/* ---- order ----------------------------------------------------------------------------------- */

/** Brings what was handed in to the part readers see; with the lock. */
static int gather(lnf_mem_t *mem)
{
    unsigned count = part_count(mem);

    if (count == 0) {
        return LNF_OK;
    }
    int status = part_flush(part_at(mem, 0));
    for (unsigned i = 1; i < count && status == LNF_OK; i++) {
        struct part *part = part_at(mem, i);
        if (part->state == PART_READY) {
            part->state = PART_FREE;
            status = part_absorb(part_at(mem, 0), part);
        }
    }
    return status;
}

/** Items readers see; NULL when nothing was written. */
static const struct lnf_store *items(lnf_mem_t *mem)
{
    struct part *part = part_count(mem) == 0 ? NULL : part_at(mem, 0);

    return part == NULL ? NULL : mem->list_mode ? &part->list : &part->groups.store;
}

/** Makes the chain of items from their order. */
static void link_items(lnf_mem_t *mem, const struct lnf_ranked *order, size_t count)
{
    mem->first = count == 0 ? NO_ITEM : order[0].number;
    for (size_t i = 0; i < count; i++) {
        mem->next[order[i].number] = i + 1 < count ? order[i + 1].number : NO_ITEM;
    }
}

static int sort_items(lnf_mem_t *mem, const struct lnf_store *store, struct lnf_ranked *order)
{
    const lnf_query_t *query = mem->plan.query;

    if (mem->list_mode) {
        /* The sort is stable: items with the same value stay as they are, the last one first. */
        return mem->plan.sort == NULL
                   ? LNF_OK
                   : lnf_sort_ranked(query, store, lnf_group_tie_sort, NULL, order, store->count);
    }
    lnf_rank_fn *second = lnf_group_has_second(query) ? lnf_group_second : NULL;
    return lnf_sort_ranked(query, store, lnf_group_tie, second, order, store->count);
}

static int make_order(lnf_mem_t *mem)
{
    const struct lnf_store *store = items(mem);
    size_t count = store == NULL ? 0 : store->count;
    int status = LNF_ERR_NOMEM;

    struct lnf_ranked *order = malloc((count + 1) * sizeof(*order));
    uint64_t *next = malloc((count + 1) * sizeof(*next));
    if (order == NULL || next == NULL) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        size_t number = mem->list_mode ? count - 1 - i : i;
        order[i].number = number;
        order[i].rank = lnf_mem_rank(&mem->plan, lnf_store_at(store, number));
    }
    status = count == 0 ? LNF_OK : sort_items(mem, store, order);
    if (status != LNF_OK) {
        goto out;
    }
    free(mem->next);
    mem->next = next;
    next = NULL;
    link_items(mem, order, count);

out:
    free(order);
    free(next);
    return status;
}

/** Gathers and sorts once; readers may come at the same time. */
static int need_order(lnf_mem_t *mem)
{
    if (atomic_load_explicit(&mem->ordered, memory_order_acquire)) {
        return LNF_OK;
    }
    pthread_mutex_lock(&mem->lock);
    int status = LNF_OK;
    if (!atomic_load_explicit(&mem->ordered, memory_order_relaxed)) {
        status = gather(mem);
        if (status == LNF_OK && make_order(mem) != LNF_OK) {
            status = no_memory();
        }
        if (status == LNF_OK) {
            atomic_store_explicit(&mem->ordered, true, memory_order_release);
        }
    }
    pthread_mutex_unlock(&mem->lock);
    return status;
}

/* ---- cursors: addresses of items, which never move ------------------------------------------- */

static lnf_mem_cursor_t *cursor_of(const uint8_t *item)
{
    return (lnf_mem_cursor_t *)(uintptr_t)item;
}

static const uint8_t *item_of(const lnf_mem_cursor_t *cursor)
{
    return (const uint8_t *)cursor;
}

/** Number of the item at a cursor; false when there is none. */
static bool cursor_number(lnf_mem_t *mem, const lnf_mem_cursor_t *cursor, size_t *number)
{
    const struct lnf_store *store = items(mem);

    return store != NULL && lnf_store_find(store, item_of(cursor), number);
}

static int give_cursor(lnf_mem_t *mem, uint64_t number, lnf_mem_cursor_t **cursor)
{
    *cursor = number == NO_ITEM ? NULL : cursor_of(lnf_store_at(items(mem), number));
    return *cursor == NULL ? LNF_EOF : LNF_OK;
}

int lnf_mem_first_c(lnf_mem_t *mem, lnf_mem_cursor_t **cursor)
{
    *cursor = NULL;
    int status = need_order(mem);
    return status == LNF_OK ? give_cursor(mem, mem->first, cursor) : status;
}

int lnf_mem_next_c(lnf_mem_t *mem, lnf_mem_cursor_t **cursor)
{
    size_t number;

    if (*cursor == NULL) {
        return LNF_EOF;
    }
    int status = need_order(mem);
    if (status != LNF_OK) {
        return status;
    }
    if (!cursor_number(mem, *cursor, &number)) {
        *cursor = NULL;
        return refuse("the cursor is not one of this memory");
    }
    return give_cursor(mem, mem->next[number], cursor);
}

/** Looks a key up among the groups readers see. */
static int find_key(lnf_mem_t *mem, const uint64_t *key, lnf_mem_cursor_t **cursor)
{
    uint8_t *group = NULL;

    pthread_mutex_lock(&mem->lock);
    int status = gather(mem);
    if (status == LNF_OK) {
        group = lnf_groups_find(&part_at(mem, 0)->groups, key);
    }
    pthread_mutex_unlock(&mem->lock);
    if (status != LNF_OK) {
        return status;
    }
    *cursor = cursor_of(group);
    return group == NULL ? LNF_EOF : LNF_OK;
}

/** LNF_OK when there may be something to find. */
static int check_lookup(lnf_mem_t *mem, lnf_mem_cursor_t **cursor)
{
    *cursor = NULL;
    if (mem->list_mode) {
        return refuse("a list has no keys to look up");
    }
    return part_count(mem) == 0 ? LNF_EOF : LNF_OK;
}

int lnf_mem_lookup_c(lnf_mem_t *mem, lnf_rec_t *record, lnf_mem_cursor_t **cursor)
{
    uint64_t key[LNF_MEM_FIELDS * 2];

    int status = check_lookup(mem, cursor);
    if (status != LNF_OK) {
        return status;
    }
    lnf_mem_key_of_record(&mem->plan, record, false, key);
    return find_key(mem, key, cursor);
}

int lnf_mem_lookup_raw_c(lnf_mem_t *mem, char *buf, int size, lnf_mem_cursor_t **cursor)
{
    uint64_t key[LNF_MEM_FIELDS * 2];

    int status = check_lookup(mem, cursor);
    if (status != LNF_OK) {
        return status;
    }
    if (size < 0 || (size_t)size < mem->plan.key_size) {
        return refuse("the raw record is shorter than its keys");
    }
    lnf_mem_key_of_raw(&mem->plan, buf, key);
    return find_key(mem, key, cursor);
}

/* ---- reading --------------------------------------------------------------------------------- */

int lnf_mem_read_c(lnf_mem_t *mem, lnf_mem_cursor_t *cursor, lnf_rec_t *record)
{
    size_t number;

    if (!cursor_number(mem, cursor, &number)) {
        return refuse("the cursor is not one of this memory");
    }
    int status = lnf_mem_record_of_group(&mem->plan, item_of(cursor), record);
    return status == LNF_OK ? status : no_memory();
}

int lnf_mem_read_raw_c(lnf_mem_t *mem, lnf_mem_cursor_t *cursor, char *buf, int *len, int size)
{
    size_t number;

    if (!cursor_number(mem, cursor, &number)) {
        return refuse("the cursor is not one of this memory");
    }
    *len = (int)mem->plan.raw_size;
    if (size < *len) {
        lnf_error_remember("the buffer is too small for the raw record");
        return LNF_ERR_NOMEM;
    }
    lnf_mem_raw_of_group(&mem->plan, item_of(cursor), buf);
    return LNF_OK;
}

/** Cursor to the record lnf_mem_read() gives next. */
static int next_to_read(lnf_mem_t *mem, lnf_mem_cursor_t **cursor)
{
    *cursor = mem->cursor;
    return mem->reading ? lnf_mem_next_c(mem, cursor) : lnf_mem_first_c(mem, cursor);
}

static void was_read(lnf_mem_t *mem, lnf_mem_cursor_t *cursor)
{
    mem->reading = true;
    mem->cursor = cursor;
}

int lnf_mem_read(lnf_mem_t *mem, lnf_rec_t *record)
{
    lnf_mem_cursor_t *cursor;

    int status = next_to_read(mem, &cursor);
    if (status == LNF_OK) {
        status = lnf_mem_read_c(mem, cursor, record);
    }
    if (status == LNF_OK) {
        was_read(mem, cursor);
    }
    return status;
}

int lnf_mem_read_raw(lnf_mem_t *mem, char *buf, int *len, int size)
{
    lnf_mem_cursor_t *cursor;

    int status = next_to_read(mem, &cursor);
    if (status == LNF_OK) {
        status = lnf_mem_read_raw_c(mem, cursor, buf, len, size);
    }
    if (status == LNF_OK) {
        was_read(mem, cursor);
    }
    return status;
}

void lnf_mem_read_reset(lnf_mem_t *mem)
{
    mem->reading = false;
    mem->cursor = NULL;
}

/* ---- the end --------------------------------------------------------------------------------- */

void lnf_mem_clean(lnf_mem_t *mem)
{
    for (unsigned i = 0; i < part_count(mem); i++) {
        struct part *part = part_at(mem, i);
        part_clear(part);
        part->state = PART_FREE;
        atomic_store(&part->owner, 0);
    }
    forget_order(mem);
    lnf_mem_read_reset(mem);
}

void lnf_mem_free(lnf_mem_t *mem)
{
    if (mem == NULL) {
        return;
    }
    destroy_parts(mem);
    lnf_mem_plan_reset(&mem->plan);
    free(mem->next);
    pthread_mutex_destroy(&mem->lock);
    free(mem);
}
