/* SPDX-License-Identifier: BSD-3-Clause */
/** Groups handed from table to table partition by partition. */
#include "hash.h"
#include "shard.h"
#include "spill.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_ROWS 1024u /* handed out at once, at most */

static unsigned key_partition(const lnf_query_t *query, const uint64_t *key, unsigned partitions)
{
    return lnf_hash_range(lnf_hash_key(key, query->key_words, query->partition_seed), partitions);
}

unsigned lnf_query_row_partition(const lnf_query_t *query, const uint8_t *row, unsigned partitions)
{
    uint64_t key[LNF_QUERY_KEY_WORDS];

    lnf_row_key(query, row, key);
    return key_partition(query, key, partitions);
}

/* ---- out ------------------------------------------------------------------------------------- */

struct handing {
    const lnf_query_t *query;
    unsigned partition, partitions;
    lnf_rows_fn *fn;
    void *context;
    uint8_t *rows;
    size_t count; /* rows not yet handed out */
    int stopped;  /* what fn returned */
};

static int hand_out(struct handing *handing)
{
    if (handing->count > 0) {
        handing->stopped = handing->fn(handing->context, handing->rows, handing->count);
        handing->count = 0;
    }
    return handing->stopped;
}

static int take_part(void *context, lnf_table_t *part)
{
    struct handing *handing = context;
    const lnf_query_t *query = handing->query;
    const struct lnf_store *store = &part->groups.store;
    int status = LNF_OK;

    for (size_t i = 0; i < store->count && status == LNF_OK; i++) {
        const uint8_t *group = lnf_store_at(store, i);
        if (key_partition(query, (const uint64_t *)(const void *)group, handing->partitions) !=
            handing->partition) {
            continue;
        }
        lnf_group_pack(query, group, handing->rows + handing->count++ * query->row_size);
        if (handing->count == PIECE_ROWS) {
            status = hand_out(handing);
        }
    }
    return status;
}

/** Partitions of files that overlap the one wanted: both are ranges of the same hash. */
static int visit_overlap(lnf_table_t *table, struct handing *handing)
{
    uint64_t first = (uint64_t)handing->partition * LNF_SPILL_PARTITIONS / handing->partitions;
    uint64_t end =
        (((uint64_t)handing->partition + 1) * LNF_SPILL_PARTITIONS + handing->partitions - 1) /
        handing->partitions;

    return lnf_spill_visit(table, (unsigned)first, (unsigned)end, false, take_part, handing);
}

static int shared_partition_rows(const lnf_table_t *shared, unsigned partition, unsigned partitions,
                                 lnf_rows_fn *fn, void *context)
{
    int status = LNF_OK;

    for (unsigned i = 0; i < LNF_SHARDS && status == LNF_OK; i++) {
        status = lnf_table_partition_rows(shared->shards->items[i].table, partition, partitions, fn,
                                          context);
    }
    return status;
}

int lnf_table_partition_rows(lnf_table_t *table, unsigned partition, unsigned partitions,
                             lnf_rows_fn *fn, void *context)
{
    struct handing handing = {
        .query = table->query,
        .partition = partition,
        .partitions = partitions,
        .fn = fn,
        .context = context,
        .stopped = LNF_OK,
    };

    if (table->query->mode != LNF_QUERY_AGGREGATE || partition >= partitions) {
        return LNF_ERR_OTHER;
    }
    if (table->shards != NULL) {
        return shared_partition_rows(table, partition, partitions, fn, context);
    }
    handing.rows = malloc(PIECE_ROWS * table->query->row_size + 1);
    if (handing.rows == NULL) {
        return LNF_ERR_NOMEM;
    }
    int before = lnf_table_error(table, NULL);
    int status = table->spill == NULL ? take_part(&handing, table) : visit_overlap(table, &handing);
    if (status == LNF_OK) {
        status = hand_out(&handing);
    }
    if (table->spill != NULL && handing.stopped != LNF_OK) {
        table->spill->status = before; /* the caller's own decision is no failure of the table */
    }
    free(handing.rows);
    return status;
}

static bool is_in_memory(const lnf_table_t *table)
{
    return table->spill == NULL || lnf_spill_rows(table->spill) == 0;
}

/** The shard that would have a key: all keys of a table can be found, or none. */
static const lnf_table_t *find_shard(const lnf_table_t *shared, const uint64_t *key)
{
    const struct lnf_shard *items = shared->shards->items;

    for (unsigned i = 0; i < LNF_SHARDS; i++) {
        if (!is_in_memory(items[i].table)) {
            return NULL;
        }
    }
    return items[lnf_shards_of(shared->query, key)].table;
}

int lnf_table_find(const lnf_table_t *table, const uint8_t *key, uint8_t *row)
{
    const lnf_query_t *query = table->query;
    uint64_t words[LNF_QUERY_KEY_WORDS];

    if (query->mode != LNF_QUERY_AGGREGATE) {
        return LNF_ERR_OTHER;
    }
    if (query->key_words > 0) {
        words[query->key_words - 1] = 0; /* the octets that fill the last word */
        memcpy(words, key, lnf_query_key_size(query));
    }
    const lnf_table_t *part = table->shards == NULL ? table : find_shard(table, words);
    if (part == NULL || !is_in_memory(part)) {
        return LNF_ERR_OTHER;
    }
    const uint8_t *group = lnf_groups_find(&part->groups, words);
    if (group == NULL) {
        return LNF_EOF;
    }
    lnf_group_pack(query, group, row);
    return LNF_OK;
}

/* ---- all groups ------------------------------------------------------------------------------ */

/** What fn() makes of all groups; `stopped` is where it keeps what the caller's function returned.
 */
static int visit_groups(lnf_table_t *table, lnf_spill_take_fn *fn, void *context,
                        const int *stopped)
{
    int status = LNF_OK;

    if (table->shards != NULL) {
        for (unsigned i = 0; i < LNF_SHARDS && status == LNF_OK; i++) {
            status = visit_groups(table->shards->items[i].table, fn, context, stopped);
        }
        return status;
    }
    if (table->spill == NULL) {
        return fn(context, table);
    }
    int before = lnf_table_error(table, NULL);
    status = lnf_spill_visit(table, 0, LNF_SPILL_PARTITIONS, false, fn, context);
    if (*stopped != LNF_OK) {
        table->spill->status = before; /* the caller's own decision is no failure of the table */
    }
    return status;
}

struct dealing {
    const lnf_query_t *query;
    unsigned partitions;
    lnf_deal_fn *fn;
    void *context;
    uint8_t *row;
    int stopped; /* what fn returned */
};

static int deal_part(void *context, lnf_table_t *part)
{
    struct dealing *dealing = context;
    const struct lnf_store *store = &part->groups.store;

    for (size_t i = 0; i < store->count && dealing->stopped == LNF_OK; i++) {
        const uint8_t *group = lnf_store_at(store, i);
        unsigned partition = key_partition(dealing->query, (const uint64_t *)(const void *)group,
                                           dealing->partitions);
        lnf_group_pack(dealing->query, group, dealing->row);
        dealing->stopped = dealing->fn(dealing->context, partition, dealing->row);
    }
    return dealing->stopped;
}

int lnf_table_deal_rows(lnf_table_t *table, unsigned partitions, lnf_deal_fn *fn, void *context)
{
    struct dealing dealing = {
        .query = table->query,
        .partitions = partitions,
        .fn = fn,
        .context = context,
        .stopped = LNF_OK,
    };

    if (table->query->mode != LNF_QUERY_AGGREGATE || partitions == 0) {
        return LNF_ERR_OTHER;
    }
    dealing.row = malloc(table->query->row_size + 1);
    if (dealing.row == NULL) {
        return LNF_ERR_NOMEM;
    }
    int status = visit_groups(table, deal_part, &dealing, &dealing.stopped);
    free(dealing.row);
    return status;
}

struct reaching {
    const lnf_query_t *query;
    uint64_t rank; /* of the least value */
    lnf_rows_fn *fn;
    void *context;
    uint8_t *row;
    int stopped; /* what fn returned */
};

static int reaching_part(void *context, lnf_table_t *part)
{
    struct reaching *reaching = context;
    const struct lnf_store *store = &part->groups.store;

    for (size_t i = 0; i < store->count && reaching->stopped == LNF_OK; i++) {
        const uint8_t *group = lnf_store_at(store, i);
        if (lnf_group_rank(reaching->query, group) <= reaching->rank) {
            lnf_group_pack(reaching->query, group, reaching->row);
            reaching->stopped = reaching->fn(reaching->context, reaching->row, 1);
        }
    }
    return reaching->stopped;
}

int lnf_table_reaching_rows(lnf_table_t *table, uint64_t least, lnf_rows_fn *fn, void *context)
{
    struct reaching reaching = {
        .query = table->query,
        .fn = fn,
        .context = context,
        .stopped = LNF_OK,
    };

    if (table->query->mode != LNF_QUERY_AGGREGATE ||
        !lnf_query_number_rank(table->query, least, &reaching.rank)) {
        return LNF_ERR_OTHER;
    }
    reaching.row = malloc(table->query->row_size + 1);
    if (reaching.row == NULL) {
        return LNF_ERR_NOMEM;
    }
    int status = visit_groups(table, reaching_part, &reaching, &reaching.stopped);
    free(reaching.row);
    return status;
}

/* ---- in -------------------------------------------------------------------------------------- */

int lnf_table_add_partition(lnf_table_t *table, unsigned partition, unsigned partitions,
                            const uint8_t *octets, size_t size, uint64_t count)
{
    const lnf_query_t *query = table->query;

    if (query->mode != LNF_QUERY_AGGREGATE || partition >= partitions) {
        return LNF_ERR_OTHER;
    }
    /* Rows without columns have no octets to count them by, but there is only one group of them. */
    if (query->row_size == 0 ? size != 0 || count > 1
                             : size % query->row_size != 0 || size / query->row_size != count) {
        return LNF_ERR_CORRUPT;
    }
    for (size_t i = 0; i < count; i++) {
        if (lnf_query_row_partition(query, octets + i * query->row_size, partitions) != partition) {
            return LNF_ERR_CORRUPT;
        }
    }
    return lnf_table_add(table, octets, (size_t)count);
}
