/* SPDX-License-Identifier: BSD-3-Clause */
/** Groups dealt over shards, and their way back into one order. */
#include "shard.h"

#include "error.h"
#include "hash.h"
#include "memory.h"
#include "merge.h"
#include "spill.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

/* Octets of groups in a local table: with its index they fit into most second-level caches. */
#define LOCAL_SIZE ((size_t)2 << 20)
/* The same of one whose groups come again: what it saves the shards is worth slower memory. */
#define LOCAL_SIZE_BUSY ((size_t)8 << 20)
#define INDEX_OCTETS 16u /* of a group, about */
#define BUSY_ROWS 3u     /* rows of two groups that are worth it */
#define LOCAL_GROUPS_MIN ((size_t)LNF_CHUNK * 4)
#define MARK_ROWS 8192u  /* between two marks */
#define MERGE_ROWS 1024u /* read from a shard at once */

/* ---- life ------------------------------------------------------------------------------------ */

int lnf_shards_create(const lnf_query_t *query, lnf_memory_t *memory, struct lnf_shards **shards)
{
    struct lnf_shards *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return LNF_ERR_NOMEM;
    }
    s->memory = memory;
    s->status = LNF_OK;
    pthread_mutex_init(&s->lock, NULL);
    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        pthread_mutex_init(&s->items[i].lock, NULL);
    }
    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        int status = lnf_table_create_limited(query, memory, &s->items[i].table);
        if (status != LNF_OK) {
            lnf_shards_destroy(s);
            return status;
        }
    }
    *shards = s;
    return LNF_OK;
}

/**
 * Places in an index come from the other half of the same hash. Small keys next to each other go
 * together: a direct index of a shard is then touched at one place only.
 */
unsigned lnf_shards_of(const lnf_query_t *query, const uint64_t *key)
{
    if (query->key_bits != 0) {
        return (unsigned)(((uint64_t)lnf_key_value(key, query->key_bits) * LNF_SHARDS) >> 32);
    }
    return (unsigned)lnf_hash_key(key, query->key_words, query->seed) % LNF_SHARDS;
}

static void charge(struct lnf_shards *shards, size_t now)
{
    if (shards->memory != NULL) {
        lnf_memory_charge(shards->memory, &shards->charged, now);
    }
    shards->charged = now;
}

static void drop_order(struct lnf_shards *shards)
{
    free(shards->sequence);
    free(shards->marks);
    shards->sequence = NULL;
    shards->marks = NULL;
    charge(shards, 0);
}

void lnf_shards_forget(struct lnf_shards *shards)
{
    drop_order(shards);
    shards->status = LNF_OK;
    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        pthread_mutex_lock(&shards->items[i].lock);
        lnf_table_forget_order(shards->items[i].table);
        pthread_mutex_unlock(&shards->items[i].lock);
    }
}

void lnf_shards_destroy(struct lnf_shards *shards)
{
    if (shards == NULL) {
        return;
    }
    drop_order(shards);
    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        lnf_table_destroy(shards->items[i].table);
        pthread_mutex_destroy(&shards->items[i].lock);
    }
    pthread_mutex_destroy(&shards->lock);
    free(shards);
}

void lnf_shards_clear(lnf_table_t *shared)
{
    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        lnf_table_clear(shared->shards->items[i].table);
    }
}

size_t lnf_shards_local_room(const lnf_table_t *shared, size_t groups, uint64_t rows)
{
    const lnf_memory_t *memory = shared->shards->memory;
    size_t size = rows * 2 > (uint64_t)groups * BUSY_ROWS ? LOCAL_SIZE_BUSY : LOCAL_SIZE;

    if (memory != NULL && lnf_memory_share(memory) < size) {
        size = lnf_memory_share(memory);
    }
    size /= shared->query->group_size + INDEX_OCTETS;
    return size < LOCAL_GROUPS_MIN ? LOCAL_GROUPS_MIN : size;
}

size_t lnf_shards_stored(const struct lnf_shards *shards)
{
    size_t count = 0;

    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        count += lnf_table_count(shards->items[i].table);
    }
    return count;
}

size_t lnf_shards_memory(const struct lnf_shards *shards)
{
    size_t size = sizeof(*shards) + shards->charged;

    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        size += lnf_table_memory(shards->items[i].table);
    }
    return size;
}

int lnf_shards_error(struct lnf_shards *shards, struct lnf_error *error)
{
    int status = shards->status;

    if (status != LNF_OK) {
        lnf_error_set(error, 0, "no memory");
    }
    for (unsigned i = 0; i < LNF_SHARDS && status == LNF_OK; i++) {
        struct lnf_shard *shard = &shards->items[i];
        pthread_mutex_lock(&shard->lock);
        status = lnf_table_error(shard->table, error);
        pthread_mutex_unlock(&shard->lock);
    }
    return status;
}

/* ---- dealing --------------------------------------------------------------------------------- */

/** Numbers of items by shard: those of shard s are numbers[starts[s]] .. numbers[starts[s + 1] -
 * 1]. */
struct deal {
    uint32_t *numbers;
    size_t starts[LNF_SHARDS + 1];
};

/** @param shards  by item, as is `deal->numbers` */
static void deal_items(struct deal *deal, const uint8_t *shards, size_t count)
{
    size_t next[LNF_SHARDS] = {0};

    for (size_t i = 0; i < count; i++) {
        next[shards[i]]++;
    }
    deal->starts[0] = 0;
    for (unsigned s = 0; s < LNF_SHARDS; s++) {
        deal->starts[s + 1] = deal->starts[s] + next[s];
        next[s] = deal->starts[s];
    }
    for (size_t i = 0; i < count; i++) {
        deal->numbers[next[shards[i]]++] = (uint32_t)i;
    }
}

static int deal_groups(struct deal *deal, const lnf_table_t *from)
{
    const struct lnf_store *store = &from->groups.store;
    uint8_t *shards = malloc(store->count + 1);

    deal->numbers = malloc((store->count + 1) * sizeof(*deal->numbers));
    if (shards == NULL || deal->numbers == NULL) {
        free(shards);
        return LNF_ERR_NOMEM;
    }
    for (size_t i = 0; i < store->count; i++) {
        const uint8_t *group = lnf_store_at(store, i);
        shards[i] = (uint8_t)lnf_shards_of(from->query, (const uint64_t *)(const void *)group);
    }
    deal_items(deal, shards, store->count);
    free(shards);
    return LNF_OK;
}

/** Adds what was dealt to a locked shard. */
static int add_to_shard(struct lnf_shard *shard, const struct deal *deal, unsigned number,
                        const lnf_table_t *from)
{
    size_t start = deal->starts[number];

    return lnf_table_take_groups(shard->table, &from->groups, deal->numbers + start,
                                 deal->starts[number + 1] - start);
}

/** Adds to all shards, to those first that no other thread is at. */
static int add_dealt(struct lnf_shards *shards, const struct deal *deal, const lnf_table_t *from)
{
    bool done[LNF_SHARDS] = {false};
    unsigned left = LNF_SHARDS;
    bool wait = false;

    while (left > 0) {
        unsigned before = left;
        for (unsigned s = 0; s < LNF_SHARDS; s++) {
            struct lnf_shard *shard = &shards->items[s];
            if (done[s] || (wait ? pthread_mutex_lock(&shard->lock)
                                 : pthread_mutex_trylock(&shard->lock)) != 0) {
                continue;
            }
            int status = add_to_shard(shard, deal, s, from);
            pthread_mutex_unlock(&shard->lock);
            if (status != LNF_OK) {
                return status;
            }
            done[s] = true;
            left--;
            wait = false;
        }
        wait = left == before;
    }
    return LNF_OK;
}

int lnf_shards_take(lnf_table_t *shared, lnf_table_t *from)
{
    struct deal deal = {.numbers = NULL};

    pthread_mutex_lock(&shared->shards->lock);
    if (shared->finished) {
        lnf_table_forget_order(shared);
    }
    pthread_mutex_unlock(&shared->shards->lock);
    int status = deal_groups(&deal, from);
    if (status == LNF_OK) {
        status = add_dealt(shared->shards, &deal, from);
    }
    free(deal.numbers);
    lnf_groups_reset(&from->groups);
    return status;
}

/** Adds rows of a piece that were dealt. */
static int add_rows(lnf_table_t *shared, const struct deal *deal, const uint8_t *rows)
{
    size_t row_size = shared->query->row_size;
    int status = LNF_OK;

    for (unsigned s = 0; s < LNF_SHARDS && status == LNF_OK; s++) {
        size_t count = deal->starts[s + 1] - deal->starts[s];
        for (size_t i = 0; i < count; i++) {
            memcpy(shared->scratch + i * row_size,
                   rows + deal->numbers[deal->starts[s] + i] * row_size, row_size);
        }
        status = lnf_table_add(shared->shards->items[s].table, shared->scratch, count);
    }
    return status;
}

int lnf_shards_add(lnf_table_t *shared, const uint8_t *rows, size_t count)
{
    uint32_t numbers[LNF_BATCH_ROWS];
    uint8_t shards[LNF_BATCH_ROWS];
    struct deal deal = {.numbers = numbers};
    uint64_t key[LNF_QUERY_KEY_WORDS];
    int status = LNF_OK;

    for (size_t some; count > 0 && status == LNF_OK; count -= some) {
        some = count < LNF_BATCH_ROWS ? count : LNF_BATCH_ROWS;
        for (size_t i = 0; i < some; i++) {
            lnf_row_key(shared->query, rows + i * shared->query->row_size, key);
            shards[i] = (uint8_t)lnf_shards_of(shared->query, key);
        }
        deal_items(&deal, shards, some);
        status = add_rows(shared, &deal, rows);
        rows += some * shared->query->row_size;
    }
    return status;
}

/* ---- merging --------------------------------------------------------------------------------- */

static int take_part(void *context, lnf_table_t *part)
{
    lnf_table_t *shared = context;

    return lnf_shards_take(shared, part);
}

static int merge_into_shared(lnf_table_t *shared, lnf_table_t *from)
{
    if (!lnf_table_is_spilled(from)) {
        return lnf_shards_take(shared, from);
    }
    return lnf_spill_visit(from, 0, LNF_SPILL_PARTITIONS, false, take_part, shared);
}

int lnf_shards_merge(lnf_table_t *table, lnf_table_t *from)
{
    int status = LNF_OK;

    if (from->shards == NULL) {
        status = merge_into_shared(table, from);
        if (status == LNF_OK && from->shared == NULL) {
            lnf_table_clear(from);
        }
        return status;
    }
    lnf_table_forget_order(table);
    lnf_table_forget_order(from);
    for (unsigned i = 0; i < LNF_SHARDS && status == LNF_OK; i++) {
        lnf_table_t *to = table->shards == NULL ? table : table->shards->items[i].table;
        status = lnf_table_merge(to, from->shards->items[i].table);
    }
    return status;
}

/* ---- order ----------------------------------------------------------------------------------- */

/** Reads the shards' answers. */
struct reading {
    const struct lnf_shards *shards;
    uint8_t *rows; /* MERGE_ROWS for each shard */
    size_t next[LNF_SHARDS];
};

static int read_shard(void *context, unsigned number, const uint8_t **rows, size_t *count)
{
    struct reading *reading = context;
    const lnf_table_t *table = reading->shards->items[number].table;
    uint8_t *buffer = reading->rows + number * MERGE_ROWS * table->query->row_size;
    size_t left = lnf_table_count(table) - reading->next[number];
    size_t wanted = left < MERGE_ROWS ? left : MERGE_ROWS;

    *rows = buffer;
    *count = wanted == 0 ? 0 : lnf_table_rows(table, reading->next[number], wanted, buffer);
    reading->next[number] += *count;
    return *count == wanted ? LNF_OK : LNF_ERR_READ;
}

/** Room for the order of so many rows. */
static int reserve_order(struct lnf_shards *shards, size_t count)
{
    size_t marks = count / MARK_ROWS + 1;

    shards->sequence = malloc(count + 1);
    shards->marks = malloc(marks * sizeof(*shards->marks));
    if (shards->sequence == NULL || shards->marks == NULL) {
        return LNF_ERR_NOMEM;
    }
    charge(shards, count + marks * sizeof(*shards->marks));
    return LNF_OK;
}

/** Notes which shard the first `count` rows of all come from. */
static int note_order(struct lnf_shards *shards, struct lnf_merge *merge, size_t count)
{
    size_t taken[LNF_SHARDS] = {0};
    int status = LNF_OK;

    for (size_t i = 0; i < count && status == LNF_OK; i++) {
        unsigned number = lnf_merge_first(merge)->number;
        if (i % MARK_ROWS == 0) {
            memcpy(shards->marks[i / MARK_ROWS], taken, sizeof(taken));
        }
        shards->sequence[i] = (uint8_t)number;
        taken[number]++;
        status = lnf_merge_next(merge);
    }
    return status;
}

static int merge_order(lnf_table_t *shared)
{
    struct reading reading = {.shards = shared->shards};
    struct lnf_merge merge;

    reading.rows = malloc(LNF_SHARDS * MERGE_ROWS * shared->query->row_size + 1);
    int status = lnf_merge_init(&merge, shared->query, LNF_SHARDS, read_shard, &reading);
    if (reading.rows == NULL) {
        status = LNF_ERR_NOMEM;
    }
    if (status == LNF_OK) {
        status = reserve_order(shared->shards, shared->ordered);
    }
    if (status == LNF_OK) {
        status = lnf_merge_open(&merge, LNF_SHARDS);
    }
    if (status == LNF_OK) {
        status = note_order(shared->shards, &merge, shared->ordered);
    }
    lnf_merge_clear(&merge);
    free(reading.rows);
    return status;
}

int lnf_shards_finish(lnf_table_t *shared, bool limit)
{
    struct lnf_shards *shards = shared->shards;
    uint64_t wanted = limit ? shared->query->limit : UINT64_MAX;
    int status = LNF_OK;

    for (unsigned i = 0; i < LNF_SHARDS && status == LNF_OK; i++) {
        status = lnf_table_finish(shards->items[i].table, limit);
    }
    if (status == LNF_OK) {
        size_t count = lnf_shards_stored(shards);
        shared->ordered = wanted < count ? (size_t)wanted : count;
        status = merge_order(shared);
    }
    if (status != LNF_OK) {
        drop_order(shards);
    }
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

/** Rows of shards one after the other. */
static size_t read_unordered(const struct lnf_shards *shards, size_t row_size, size_t start,
                             size_t count, uint8_t *rows)
{
    size_t done = 0;

    for (unsigned i = 0; i < LNF_SHARDS && done < count; i++) {
        const lnf_table_t *table = shards->items[i].table;
        size_t stored = lnf_table_count(table);
        if (start >= stored) {
            start -= stored;
            continue;
        }
        size_t wanted = count - done < stored - start ? count - done : stored - start;
        size_t got = lnf_table_rows(table, start, wanted, rows + done * row_size);
        done += got;
        start = 0;
        if (got < wanted) {
            break;
        }
    }
    return done;
}

/** How many rows of each shard come before row `end`, if `counts` has how many come before `start`.
 */
static void count_rows(const struct lnf_shards *shards, size_t start, size_t end, size_t *counts)
{
    for (size_t i = start; i < end; i++) {
        counts[shards->sequence[i]]++;
    }
}

/** Each shard's rows from number from[s] to to[s] - 1, shard after shard; false = unreadable. */
static bool read_shards(const struct lnf_shards *shards, size_t row_size, const size_t *from,
                        const size_t *to, uint8_t *rows)
{
    for (unsigned s = 0; s < LNF_SHARDS; s++) {
        size_t wanted = to[s] - from[s];
        if (wanted > 0 && lnf_table_rows(shards->items[s].table, from[s], wanted, rows) < wanted) {
            return false;
        }
        rows += wanted * row_size;
    }
    return true;
}

static size_t read_ordered(struct lnf_shards *shards, size_t row_size, size_t start, size_t count,
                           uint8_t *rows)
{
    size_t from[LNF_SHARDS], to[LNF_SHARDS];
    uint8_t *next[LNF_SHARDS];
    uint8_t *buffer = malloc(count * row_size + 1);

    if (buffer == NULL) {
        shards->status = LNF_ERR_NOMEM;
        return 0;
    }
    memcpy(from, shards->marks[start / MARK_ROWS], sizeof(from));
    count_rows(shards, start / MARK_ROWS * MARK_ROWS, start, from);
    memcpy(to, from, sizeof(to));
    count_rows(shards, start, start + count, to);
    if (!read_shards(shards, row_size, from, to, buffer)) {
        count = 0;
    }
    uint8_t *place = buffer;
    for (unsigned s = 0; s < LNF_SHARDS; s++) {
        next[s] = place;
        place += (to[s] - from[s]) * row_size;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned s = shards->sequence[start + i];
        memcpy(rows + i * row_size, next[s], row_size);
        next[s] += row_size;
    }
    free(buffer);
    return count;
}

size_t lnf_shards_rows(const lnf_table_t *shared, size_t start, size_t count, uint8_t *rows)
{
    struct lnf_shards *shards = shared->shards;
    size_t row_size = shared->query->row_size;

    if (count == 0) {
        return 0;
    }
    return shared->finished ? read_ordered(shards, row_size, start, count, rows)
                            : read_unordered(shards, row_size, start, count, rows);
}
