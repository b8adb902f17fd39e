/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * How the tables of slaves become one answer at the master.
 *
 * An exchange is a pair of functions that talk to each other; the table of exchanges is asked in
 * order which one suits the question. Lists do not use it: their rows are sent as they are read.
 */
#ifndef FDISTDUMP_EXCHANGE_H
#define FDISTDUMP_EXCHANGE_H

#include "query.h"
#include "report.h"
#include "transport.h"

#include <libnf/scan.h>
#include <stdbool.h>

/** What the slave side works with. */
struct exchange_slave {
    transport_t *transport;
    const lnf_query_t *compiled;
    lnf_table_t *table; /* this process's rows */
};

/** What the master side works with. */
struct exchange_master {
    transport_t *transport;
    const lnf_query_t *compiled;
    unsigned slaves;
    lnf_table_t *table; /* receives the answer, not yet ordered and limited */

    /** Waits for the next data message; progress and failures are dealt with on the way. */
    int (*receive)(void *context, struct transport_message *message, struct failure *failure);
    void *context;
};

struct exchange {
    const char *name;
    bool (*suits)(const struct query *query);
    int (*slave)(const struct exchange_slave *slave, struct failure *failure);
    int (*master)(const struct exchange_master *master, struct failure *failure);
};

/** The exchange for a question; there always is one. */
const struct exchange *exchange_choose(const struct query *query);

/** Every slave sends all its rows to the master, which merges them. Suits every question. */
extern const struct exchange exchange_gather;

#endif
