/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Reads the files of one process with several threads: filters, aggregates, keeps order.
 *
 * Knows nothing of MPI: rows of lists, progress and the question whether to go on are hooks, all
 * called in the thread that called slave_run().
 */
#ifndef FDISTDUMP_SLAVE_H
#define FDISTDUMP_SLAVE_H

#include "query.h"
#include "report.h"

#include <libnf/common.h>
#include <libnf/scan.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAVE_PROBLEMS 6u /* kinds of enum lnf_problem_kind */

/** What rows are sent for; counted apart. */
enum slave_phase {
    SLAVE_ROWS,     /* lists, groups of gather, finished rows: to the master */
    SLAVE_DEALT,    /* shuffle: groups to the slave that finishes them */
    SLAVE_BEST,     /* TPUT: the first keys of every slave */
    SLAVE_REACHING, /* TPUT: keys that reach the threshold */
    SLAVE_COMPLETE, /* TPUT: groups of the keys that may be in the answer */
    SLAVE_PHASES
};

struct slave_job {
    const struct query *query;
    const lnf_query_t *compiled;
    char *const *paths;
    size_t path_count;
    size_t skipped; /* paths that led to no file; only counted */
    unsigned threads;
    lnf_memory_t *memory; /* of all tables; NULL = as much as they need */
    const struct report *report;
};

/** What happened, added up over processes. */
struct slave_counts {
    struct lnf_totals totals; /* of records not yet handed to the rows hook */
    struct lnf_stat stat;     /* of file headers, when asked for */
    uint64_t skipped;         /* paths that led to no file */
    uint64_t files, unreadable;
    uint64_t interrupted; /* processes that were told to end before they had read everything */
    uint64_t problems[SLAVE_PROBLEMS]; /* by kind */
    uint64_t damaged_indexes;          /* their files were read whole */
    /* Of the files that could be opened, those whose index was used and what it told. */
    uint64_t indexed, files_skipped;
    uint64_t indexed_blocks, blocks_skipped;
    /* For people who want to know why it takes so long. */
    uint64_t groups; /* rows in the table when all files are read */
    uint64_t held;   /* groups of all processes that this one finished */
    struct {
        uint64_t rows, octets;
    } sent[SLAVE_PHASES];
    uint64_t octets_sent, octets_received; /* by the transport, in messages of any kind */
    uint64_t memory_peak, spilled;         /* octets of tables; of temporary files */
    uint64_t scan_us, merge_us, exchange_us;
};

struct slave_hooks {
    void *context;
    /**
     * Rows of a list, in order, with the totals of the block they came from (0 when it was cut in
     * two before). Returns false to stop.
     */
    bool (*rows)(void *context, const uint8_t *rows, size_t count, const struct lnf_totals *totals);
    /** That many files are done. Returns false to stop. Called about ten times a second at least.
     */
    bool (*progress)(void *context, uint64_t files_done);
};

/**
 * Does the work.
 *
 * @param[out] table   sorted or aggregated rows, the caller's to destroy; NULL for lists and counts
 * @param[out] counts  what happened
 * @return REPORT_OK; REPORT_MEMORY; REPORT_INTERNAL, no thread could be started; REPORT_LIBNF, a
 *         temporary file cannot be written
 */
int slave_run(const struct slave_job *job, const struct slave_hooks *hooks, lnf_table_t **table,
              struct slave_counts *counts, struct failure *failure);

/** The monotonic clock in microseconds. */
uint64_t slave_now_us(void);

/** Adds the counts of another process. */
void slave_counts_add(struct slave_counts *counts, const struct slave_counts *from);

/** Threads to use when nobody says: OMP_NUM_THREADS, else processors this process may use. */
unsigned slave_default_threads(void);

#endif
