/* SPDX-License-Identifier: BSD-3-Clause */
/** What --explain prints: how the question was answered, and what each process had to do for it. */
#ifndef FDISTDUMP_EXPLAIN_H
#define FDISTDUMP_EXPLAIN_H

#include "query.h"
#include "slave.h"

#include <libnf/scan.h>
#include <stdint.h>

/** The master's part. */
struct explain_master {
    const char *exchange; /* NULL = there was none */
    char why[384];
    unsigned slaves;                         /* 0 = alone: one process that reads and prints */
    const struct slave_counts *slave_counts; /* by slave */
    uint64_t octets_sent, octets_received;
    uint64_t memory_peak, spilled;
    uint64_t wait_us, exchange_us, output_us;
};

/**
 * Prints lines that start with "explain: ", one for the question, one for the exchange, and one for
 * each process with what it counted as NAME=NUMBER.
 *
 * @param fd  where to
 */
void explain_print(int fd, const struct query *query, const lnf_query_t *compiled,
                   const struct explain_master *master);

#endif
