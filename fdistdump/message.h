/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What processes tell each other, as octets in network byte order.
 *
 * A length that arrives is as little trusted as one in a file: every message is checked whole
 * before it is used.
 */
#ifndef FDISTDUMP_MESSAGE_H
#define FDISTDUMP_MESSAGE_H

#include "report.h"
#include "slave.h"

#include <libnf/scan.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The largest message: about a mebibyte of rows and what is said about them. */
#define MESSAGE_ROWS_SIZE (1u << 20)
#define MESSAGE_MAX (MESSAGE_ROWS_SIZE + 4096u)
/** A message that is a number. */
#define MESSAGE_NUMBER_SIZE 8u
#define MESSAGE_PLAN_SIZE 16u

enum message_kind {
    MESSAGE_GOAL = 1, /* slave: number of its files */
    MESSAGE_PROGRESS, /* slave: how many are done */
    MESSAGE_ROWS,     /* slave: packed rows; none = there are no more of them */
    MESSAGE_END,      /* slave: its counts, and that it sends nothing more */
    MESSAGE_FAILED,   /* slave: why the job must end */
    MESSAGE_STOP,     /* master: no more rows are wanted */
    MESSAGE_BYE,      /* master: everything is printed */
    /* Of exchanges, see there. */
    MESSAGE_HOLDS,     /* slave: number of the rows it has after reading its files */
    MESSAGE_PLAN,      /* master: the exchange that follows or goes on */
    MESSAGE_DEAL,      /* slave to slave: packed rows; none = there are no more of them */
    MESSAGE_KEYS,      /* packed entries, a key and perhaps a value each; none = no more */
    MESSAGE_THRESHOLD, /* master: least value of interest */
    MESSAGE_COUNT,     /* slave: number of its entries that reach it */
};

/** Rows as they arrive; `rows` point into the message. */
struct message_rows {
    struct lnf_totals totals; /* of the block the rows are from; lists only */
    const uint8_t *rows;
    size_t count;
};

/** Entries of the same size as they arrive; `entries` point into the message. */
struct message_entries {
    const uint8_t *entries;
    size_t count;
};

/** What the master plans. */
struct message_plan {
    uint64_t exchange;   /* number */
    uint64_t piece_size; /* octets of the pieces of sorted streams */
};

/** Why a process failed, and on which host. */
struct message_failure {
    struct failure failure;
    char host[REPORT_HOST_SIZE];
};

/* Each function packs into `octets` and returns the size; MESSAGE_MAX octets are always enough. */

/** MESSAGE_NUMBER_SIZE octets. */
size_t message_pack_number(uint64_t number, uint8_t *octets);
/** MESSAGE_PLAN_SIZE octets. */
size_t message_pack_plan(const struct message_plan *plan, uint8_t *octets);
/** At most MESSAGE_ROWS_SIZE octets of rows, see message_rows_per_message(). */
size_t message_pack_rows(const struct lnf_totals *totals, const uint8_t *rows, size_t count,
                         size_t row_size, uint8_t *octets);
/** At most MESSAGE_ROWS_SIZE octets of entries, see message_rows_per_message(). */
size_t message_pack_entries(const uint8_t *entries, size_t count, size_t entry_size,
                            uint8_t *octets);
size_t message_pack_counts(const struct slave_counts *counts, uint8_t *octets);
size_t message_pack_failure(const struct failure *failure, const char *host, uint8_t *octets);

/* Each function returns whether the octets are such a message, whole and nothing more. */

bool message_unpack_number(const uint8_t *octets, size_t size, uint64_t *number);
/** The exchange may be any number; the pieces are 1 to MESSAGE_ROWS_SIZE octets. */
bool message_unpack_plan(const uint8_t *octets, size_t size, struct message_plan *plan);
bool message_unpack_rows(const uint8_t *octets, size_t size, size_t row_size,
                         struct message_rows *rows);
bool message_unpack_entries(const uint8_t *octets, size_t size, size_t entry_size,
                            struct message_entries *entries);
bool message_unpack_counts(const uint8_t *octets, size_t size, struct slave_counts *counts);
bool message_unpack_failure(const uint8_t *octets, size_t size, struct message_failure *failure);

/** Rows of that size that fit into one message, at least 1. */
size_t message_rows_per_message(size_t row_size);

#endif
