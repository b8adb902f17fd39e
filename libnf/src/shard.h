/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Groups of a table that several threads fill: dealt by hash over shards, each an ordinary table
 * with a lock of its own.
 *
 * A thread aggregates into a small local table, which stays in its cache; when that is full, its
 * groups go to their shards. So no group is kept once per thread, and nothing is left to merge in
 * the end.
 */
#ifndef LNF_SHARD_H
#define LNF_SHARD_H

#include "table.h"

#include <pthread.h>

#define LNF_SHARDS 16u

struct lnf_shard {
    pthread_mutex_t lock; /* of the table while threads add */
    lnf_table_t *table;
};

struct lnf_shards {
    pthread_mutex_t lock; /* of the order, which the first who adds drops */
    struct lnf_shard items[LNF_SHARDS];
    lnf_memory_t *memory; /* NULL = not limited */
    int status;           /* of the last failure to give rows in order */

    /* After lnf_shards_finish(): which shard each row of the answer is in, and for every so many
     * rows how many of each shard come before. */
    uint8_t *sequence;
    size_t (*marks)[LNF_SHARDS];
    size_t charged; /* octets of both in the account */
};

/** New empty shards; LNF_OK or LNF_ERR_NOMEM. */
int lnf_shards_create(const lnf_query_t *query, lnf_memory_t *memory, struct lnf_shards **shards);

/** Frees them; NULL is fine. */
void lnf_shards_destroy(struct lnf_shards *shards);

/** Drops all rows of a shared table. */
void lnf_shards_clear(lnf_table_t *shared);

/** Drops the order, also that of each shard. */
void lnf_shards_forget(struct lnf_shards *shards);

/** Shard that a key belongs to. */
unsigned lnf_shards_of(const lnf_query_t *query, const uint64_t *key);

/** Groups that a local table should have before it passes them on; last time `rows` made `groups`.
 */
size_t lnf_shards_local_room(const lnf_table_t *shared, size_t groups, uint64_t rows);

size_t lnf_shards_stored(const struct lnf_shards *shards);
size_t lnf_shards_memory(const struct lnf_shards *shards);

/** lnf_table_error() of a shared table. */
int lnf_shards_error(struct lnf_shards *shards, struct lnf_error *error);

/** Adds packed rows. */
int lnf_shards_add(lnf_table_t *shared, const uint8_t *rows, size_t count);

/** Moves the groups of a table that has them in memory; in any number of threads at once. */
int lnf_shards_take(lnf_table_t *shared, lnf_table_t *from);

/** lnf_table_merge() when one of them is shared. */
int lnf_shards_merge(lnf_table_t *table, lnf_table_t *from);

/** Puts the shards' rows into one order. */
int lnf_shards_finish(lnf_table_t *shared, bool limit);

/** lnf_table_rows() of a shared table; `start` + `count` are within its rows. */
size_t lnf_shards_rows(const lnf_table_t *shared, size_t start, size_t count, uint8_t *rows);

#endif
