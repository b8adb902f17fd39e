/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What tables are made of: a store of equal-sized items that never moves them, groups found by key,
 * and the order of rows.
 */
#ifndef LNF_TABLE_H
#define LNF_TABLE_H

#include "query.h"

/** Rows that are worked on together: what they touch stays in the first-level cache. */
#define LNF_CHUNK 256u

/* ---- store (table.c) ------------------------------------------------------------------------- */

/** Items of `stride` octets in segments; growing moves nothing. */
struct lnf_store {
    size_t stride;
    unsigned shift; /* a segment has 1 << shift items */
    size_t small;   /* octets at the start that are on small pages */
    size_t count;
    uint8_t **segments;
    size_t segment_count;
    size_t segment_room;
};

/** An empty store of items of `stride` > 0 octets. */
void lnf_store_init(struct lnf_store *store, size_t stride);

/** Frees the items. */
void lnf_store_clear(struct lnf_store *store);

/** Number of an item of the store; false when the address is that of none. */
bool lnf_store_find(const struct lnf_store *store, const uint8_t *item, size_t *number);

/** Makes room for `count` more items; LNF_OK or LNF_ERR_NOMEM. */
int lnf_store_reserve(struct lnf_store *store, size_t count);

/** Octets of memory in use. */
size_t lnf_store_memory(const struct lnf_store *store);

static inline uint8_t *lnf_store_at(const struct lnf_store *store, size_t number)
{
    size_t in_segment = number & (((size_t)1 << store->shift) - 1);
    return store->segments[number >> store->shift] + in_segment * store->stride;
}

/* ---- groups (aggregate.c) -------------------------------------------------------------------- */

/**
 * Groups in order of first appearance, and an index to find them: 8-octet slots of 32 bits of hash
 * and 32 bits of group number + 1, so that growing it never touches a group.
 */
struct lnf_groups {
    const lnf_query_t *query;
    struct lnf_store store;
    uint64_t *index;
    unsigned index_bits; /* the index has 1 << index_bits slots; 0 = none yet */
    bool direct; /* each possible key has the slot of its value; set before the first group */
};

/** No groups yet; the index is direct if keys of the query are small enough. */
void lnf_groups_init(struct lnf_groups *groups, const lnf_query_t *query);

void lnf_groups_clear(struct lnf_groups *groups);

/** Drops the groups and keeps their memory. */
void lnf_groups_reset(struct lnf_groups *groups);

/**
 * Adds rows to their groups.
 *
 * @param keys     `count` packed keys of query->key_words words each
 * @param columns  by stored column, values in native form; those of keys are not read
 * @param selection,start  row i has its values at selection[start + i], or at start + i
 * @param count    at most LNF_CHUNK
 * @return LNF_OK; LNF_ERR_NOMEM, nothing was added
 */
int lnf_groups_add(struct lnf_groups *groups, const uint64_t *keys, const void *const *columns,
                   const uint16_t *selection, unsigned start, unsigned count);

/** The group of a packed key (query->key_words words), or NULL. */
uint8_t *lnf_groups_find(const struct lnf_groups *groups, const uint64_t *key);

/** Adds the matching rows of a batch; LNF_OK or LNF_ERR_NOMEM. */
int lnf_groups_add_batch(struct lnf_groups *groups, lnf_batch_t *batch, const uint16_t *selection,
                         unsigned count);

/** Adds `count` packed rows; LNF_OK or LNF_ERR_NOMEM. */
int lnf_groups_add_rows(struct lnf_groups *groups, const uint8_t *rows, size_t count);

/** Adds all groups of `from`; LNF_OK or LNF_ERR_NOMEM, then some may have been added. */
int lnf_groups_merge(struct lnf_groups *groups, const struct lnf_groups *from);

/** The same with groups numbers[start] .. numbers[start + count - 1]; NULL = numbers as they are.
 */
int lnf_groups_merge_some(struct lnf_groups *groups, const struct lnf_groups *from,
                          const uint32_t *numbers, size_t start, size_t count);

size_t lnf_groups_memory(const struct lnf_groups *groups);

/** Octets that `count` new groups would take, those of a larger index beside the old included. */
size_t lnf_groups_growth(const struct lnf_groups *groups, size_t count);

/* ---- order (sort.c) -------------------------------------------------------------------------- */

/** A row of a store and its rank. */
struct lnf_ranked {
    uint64_t rank;
    uint64_t number;
};

/** Compares rows of equal rank. */
typedef int lnf_tie_fn(const lnf_query_t *query, const uint8_t *a, const uint8_t *b);

/** Rank of a row of a store. */
typedef uint64_t lnf_rank_fn(const lnf_query_t *query, const uint8_t *row);

/**
 * Sorts by rank, equal ones by `tie`. Ranks are scratch afterwards.
 *
 * @param second  ranks rows of equal rank in agreement with `tie`, which is slower; may be NULL
 * @return LNF_OK or LNF_ERR_NOMEM
 */
int lnf_sort_ranked(const lnf_query_t *query, const struct lnf_store *store, lnf_tie_fn *tie,
                    lnf_rank_fn *second, struct lnf_ranked *items, size_t count);

/** The best rows seen so far: a heap with the worst of them on top. */
struct lnf_top {
    const lnf_query_t *query;
    const struct lnf_store *store;
    lnf_tie_fn *tie;
    uint64_t limit;
    struct lnf_ranked *heap;
    size_t count;
    size_t room;
};

/** Whether a row would be kept. */
bool lnf_top_wants(const struct lnf_top *top, uint64_t rank, const uint8_t *row);

/** Keeps a row the heap has room for; LNF_OK or LNF_ERR_NOMEM. */
int lnf_top_push(struct lnf_top *top, uint64_t rank, uint64_t number);

/** Replaces the worst row; its number. Whoever stores the rows may overwrite it with the new one.
 */
uint64_t lnf_top_worst(const struct lnf_top *top);
void lnf_top_replace(struct lnf_top *top, uint64_t rank, uint64_t number);

/* ---- table (table.c) ------------------------------------------------------------------------- */

struct lnf_spill;
struct lnf_shards;

struct lnf_table {
    const lnf_query_t *query;
    struct lnf_shards *shards; /* shared table: its groups are there, nothing in the next members */
    struct lnf_groups groups;  /* LNF_QUERY_AGGREGATE */
    struct lnf_store rows;     /* the others: packed rows; the best groups of parts, see spill.c */
    struct lnf_top top;        /* of the best rows only: which rows of `rows` are where */
    uint8_t *scratch;          /* packed rows of a batch */
    struct lnf_spill *spill;   /* NULL = memory is not limited */
    lnf_table_t *shared;       /* local table: where its groups go */
    size_t local_room;         /* when it has so many */
    uint64_t local_rows;       /* rows added since they went there last */

    /* After lnf_table_finish(): numbers of groups or rows in order; NULL = as they are stored. */
    uint64_t *order;
    size_t ordered;
    bool finished;
};

/** New table for groups of a part of a table, see struct lnf_spill. */
int lnf_table_create_part(const lnf_query_t *query, lnf_memory_t *memory, unsigned level,
                          bool orders, lnf_table_t **table);

/** Groups or rows in memory. */
size_t lnf_table_stored(const lnf_table_t *table);

/** Orders what is in memory, so that the first `count` are right; LNF_OK or LNF_ERR_NOMEM. */
int lnf_table_order(lnf_table_t *table, size_t count);

/** Orders the best rows; LNF_OK or LNF_ERR_NOMEM. */
int lnf_table_order_top(lnf_table_t *table);

/** Packs `count` rows in memory from number `start` of their order; there are that many. */
void lnf_table_pack(const lnf_table_t *table, size_t start, size_t count, uint8_t *rows);

/** Drops what is in memory. */
void lnf_table_empty(lnf_table_t *table);

/** Back to rows as they were added. */
void lnf_table_forget_order(lnf_table_t *table);

/** Drops all rows. */
void lnf_table_clear(lnf_table_t *table);

/** Some rows are in files. */
bool lnf_table_is_spilled(const lnf_table_t *table);

/** Adds groups numbers[0] .. numbers[count - 1] of `from`; NULL = all of them, `count` in number.
 */
int lnf_table_take_groups(lnf_table_t *table, const struct lnf_groups *from,
                          const uint32_t *numbers, size_t count);

/** Keeps a row if it is among the best so far; LNF_OK or LNF_ERR_NOMEM. */
int lnf_table_offer(lnf_table_t *table, uint64_t rank, const uint8_t *row);

/** Adds the matching rows of a batch; LNF_OK or LNF_ERR_NOMEM. */
int lnf_table_add_batch(lnf_table_t *table, lnf_batch_t *batch, const uint16_t *selection,
                        unsigned count);

/** Packs rows of a batch, `query->row_size` octets each. */
void lnf_batch_pack(const lnf_query_t *query, lnf_batch_t *batch, const uint16_t *selection,
                    unsigned count, uint8_t *rows);

#endif
