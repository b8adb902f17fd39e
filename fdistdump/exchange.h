/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * How the tables of slaves become one answer at the master.
 *
 * An exchange is a pair of functions that talk to each other. Every slave says how many rows it
 * holds, the master chooses (or does as --exchange says) and tells all slaves; then both sides run
 * their functions. Whatever the exchange, the answer is the same, octet for octet. Lists do not use
 * it: their rows are sent as they are read.
 *
 * docs/fdistdump-exchanges.md has the messages of each and why their answers are exact.
 */
#ifndef FDISTDUMP_EXCHANGE_H
#define FDISTDUMP_EXCHANGE_H

#include "query.h"
#include "report.h"
#include "slave.h"
#include "transport.h"

#include <libnf/scan.h>
#include <stdbool.h>

/** Up to that many octets of groups in all slaves together are gathered: more is no gain. */
#define EXCHANGE_GATHER_OCTETS (1u << 20)
/** TPUT pays when the first rows of all slaves are at most this part of all groups. */
#define EXCHANGE_TPUT_PART 8u
/** Memory a process of TPUT uses for what it knows of keys, at most. */
#define EXCHANGE_CANDIDATES_MEMORY ((uint64_t)64 << 20)
/** Of a limit of memory that is given, buffers and candidates get this part. */
#define EXCHANGE_MEMORY_PART 4u

/** What the slave side works with. */
struct exchange_slave {
    transport_t *transport;
    const struct query *query;
    const lnf_query_t *compiled;
    const struct report *report;
    lnf_memory_t *memory;        /* of new tables; NULL = as much as they need */
    lnf_table_t *table;          /* this process's rows; owned, and may be replaced */
    struct slave_counts *counts; /* what is sent is counted here */
    uint8_t *octets;             /* MESSAGE_MAX, of a message on its way */
    size_t piece_size;           /* of sorted streams, as the master plans it */
};

/** What the master side works with. */
struct exchange_master {
    transport_t *transport;
    const struct query *query;
    const lnf_query_t *compiled;
    const struct report *report;
    lnf_memory_t *memory;
    unsigned slaves;

    /** Waits for the next message of an exchange from one slave or TRANSPORT_ANYBODY; everything
     * else is dealt with on the way. Its source is a slave. */
    int (*receive)(void *context, unsigned data_from, struct transport_message *message,
                   struct failure *failure);
    void *context;

    uint64_t *holds;   /* rows each slave says it has: it never sends more of them */
    size_t piece_size; /* of sorted streams */

    bool is_last_round; /* slaves that have sent their last rows may end */

    /* What came of it. */
    const char *name; /* of the exchange that gave the answer */
    uint64_t groups;  /* rows in all slaves together */
    uint64_t started_us;
    char why[384];
    lnf_table_t *table;  /* has the rows of the answer; to be finished with the query's limit */
    lnf_query_t *answer; /* of the table, when that is not `compiled` */
};

struct exchange {
    const char *name;
    int (*slave)(struct exchange_slave *slave, struct failure *failure);
    int (*master)(struct exchange_master *master, struct failure *failure);
};

/** Every slave sends all its groups to the master, which merges them; what is in order on a slave
 * already (sorted records, the only slave) goes as stream.h says. Suits every question. */
extern const struct exchange exchange_gather;

/** Three rounds that find the only keys the first rows can have (top_n.c). */
extern const struct exchange exchange_tput;

/** Groups are dealt out over the slaves by hash, and each finishes its own (shuffle.c). */
extern const struct exchange exchange_shuffle;

/**
 * Checks whether the exchange the question asks for can answer it.
 *
 * @return REPORT_OK; REPORT_ARGUMENTS, with what is missing
 */
int exchange_check(const struct query *query, struct failure *failure);

/**
 * The exchange for a question.
 *
 * @param groups  rows of all slaves together
 * @param room    octets TPUT may use, see exchange_tput_room()
 * @param[out] why  a few words
 */
const struct exchange *exchange_choose(const struct query *query, const lnf_query_t *compiled,
                                       unsigned slaves, uint64_t groups, uint64_t room, char *why,
                                       size_t why_size);

/** Octets a process may use for what TPUT knows of keys; `memory` may be NULL. */
uint64_t exchange_tput_room(const lnf_memory_t *memory);

/** Octets TPUT needs at most for that many entries: keys, sums, and what is sent of them. */
uint64_t exchange_tput_memory(const lnf_query_t *compiled, uint64_t entries);

/** The slave's side; afterwards `slave->table` is still the caller's to destroy. */
int exchange_slave_run(struct exchange_slave *slave, struct failure *failure);

/** The master's side. */
int exchange_master_run(struct exchange_master *master, struct failure *failure);

/** Frees what came of it. */
void exchange_master_clear(struct exchange_master *master);

/* ---- for exchanges -------------------------------------------------------------------------- */

/** Sends what is in `slave->octets` to the master and counts it. */
int exchange_say(struct exchange_slave *slave, int kind, size_t size, enum slave_phase phase,
                 size_t rows, struct failure *failure);

/** Waits for the master's next word. */
int exchange_hear(struct exchange_slave *slave, struct transport_message *message,
                  struct failure *failure);

/** Does what the master planned; the message is MESSAGE_PLAN. */
int exchange_follow(struct exchange_slave *slave, const struct transport_message *plan,
                    struct failure *failure);

/** The failure that a message does not belong here; also for the master outside of exchanges. */
int exchange_malformed(const struct transport_message *message, struct failure *failure);

/** Tells all slaves something; `size` octets. */
int exchange_tell(struct exchange_master *master, int kind, const uint8_t *octets, size_t size,
                  struct failure *failure);

/** Tells all slaves which exchange follows or goes on. */
int exchange_plan(struct exchange_master *master, const struct exchange *exchange,
                  struct failure *failure);

/** Takes another exchange instead and runs it. */
int exchange_change(struct exchange_master *master, const struct exchange *exchange,
                    struct failure *failure);

/** Waits for a message of that kind; of others it says that they do not belong here. */
int exchange_receive(struct exchange_master *master, unsigned data_from, int kind,
                     struct transport_message *message, struct failure *failure);

/** New table for groups of all slaves in `master->table`. */
int exchange_create_table(struct exchange_master *master, struct failure *failure);

/** Sum of counts that come from outside: stops at the largest number. */
uint64_t exchange_add(uint64_t a, uint64_t b);

#endif
