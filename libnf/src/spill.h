/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Tables that outgrow their limit of memory: what they hold goes to temporary files and comes back
 * in pieces that fit.
 *
 * Aggregations scatter their groups over partitions by hash, so that every key is in one of them
 * only, if perhaps several times; each partition is then aggregated alone, by a table of the next
 * level that may scatter its groups again. Sorted rows are written as sorted runs and merged. Lists
 * are written as they come.
 */
#ifndef LNF_SPILL_H
#define LNF_SPILL_H

#include "spill_file.h"
#include "table.h"

#include <libnf/common.h>

#define LNF_SPILL_PARTITIONS 64u

/** What is not in memory of a table that has a limit. */
struct lnf_spill {
    lnf_memory_t *memory;
    unsigned level; /* 0: a table of whoever asks; n + 1: of a partition of a table of level n */
    bool orders;    /* all rows will be ordered, for which there must be room, too */
    size_t charged; /* octets of this table in the account */
    int status;     /* of the last failure */
    struct lnf_error error;

    struct lnf_spill_file **files; /* what runs are in; written to is the first */
    size_t file_count;
    size_t file_room;
    struct lnf_run *runs; /* partitions; sorted runs; one run of a list */
    size_t run_count;
    size_t run_room;

    struct lnf_run answer; /* LNF_QUERY_AGGREGATE, finished: rows in order, if they are in a file */
    struct lnf_spill_file *answer_file;
};

/** New one for a table; LNF_OK or LNF_ERR_NOMEM. */
int lnf_spill_create(lnf_table_t *table, lnf_memory_t *memory, unsigned level, bool orders);

void lnf_spill_destroy(struct lnf_spill *spill);

/** Drops all rows in files. */
void lnf_spill_clear(struct lnf_spill *spill);

/** Drops the answer, which more rows would change; what it was made of stays. */
void lnf_spill_forget(struct lnf_spill *spill);

/** Rows in files. */
uint64_t lnf_spill_rows(const struct lnf_spill *spill);

/** Remembers a failure, and returns the status. */
int lnf_spill_fail(struct lnf_spill *spill, int status);

/** Brings the account up to date with what the table holds. */
void lnf_spill_charge(lnf_table_t *table);

/** Writes out all rows in memory. */
int lnf_spill_out(lnf_table_t *table);

/** Before `rows` rows are added: writes out what is there, if it would be too much with them. */
int lnf_spill_make_room(lnf_table_t *table, size_t rows);

/** Before rows in memory are ordered, which takes `octets` more: the same. */
int lnf_spill_make_room_to_order(lnf_table_t *table, size_t octets);

/** Takes over the rows in files of `from`, whose memory is left alone. */
int lnf_spill_adopt(lnf_table_t *table, lnf_table_t *from);

/** Orders the rows of a table that has some in files, the first `limit` of them at least. */
int lnf_spill_finish(lnf_table_t *table, uint64_t limit);

/** lnf_table_rows() of a table with rows in files; `start` + `count` are within its rows. */
size_t lnf_spill_read(const lnf_table_t *table, uint64_t start, size_t count, uint8_t *rows);

/** Called with tables that have all their groups in memory; another status than LNF_OK stops. */
typedef int lnf_spill_take_fn(void *context, lnf_table_t *part);

/**
 * All groups of a table, in parts; every group is in one part.
 *
 * @param first,end  only partitions first .. end - 1, when the table has groups in files
 * @param orders     the parts will be ordered
 */
int lnf_spill_visit(lnf_table_t *table, unsigned first, unsigned end, bool orders,
                    lnf_spill_take_fn *take, void *context);

/** Partition of a table of some level that a key belongs to. */
unsigned lnf_spill_partition(const lnf_query_t *query, const uint64_t *key, unsigned level);

/**
 * Merges sorted runs (spill_merge.c).
 *
 * @param runs       consumed, also after a failure; their files are not needed afterwards
 * @param limit      rows wanted
 * @param[out] file,answer  one run in a file of its own, both the caller's; after a failure nothing
 * @return LNF_OK; LNF_ERR_NOMEM, LNF_ERR_WRITE, LNF_ERR_READ with the reason in error
 */
int lnf_spill_merge(const lnf_query_t *query, lnf_memory_t *memory, struct lnf_run *runs,
                    size_t count, uint64_t limit, struct lnf_spill_file **file,
                    struct lnf_run *answer, struct lnf_error *error);

#endif
