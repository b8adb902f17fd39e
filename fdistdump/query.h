/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The question as plain data: which records, which columns in which order, how many.
 *
 * Every process makes it from its own command line; they are compared in packed form, so that a job
 * whose processes ask different questions stops before it answers.
 */
#ifndef FDISTDUMP_QUERY_H
#define FDISTDUMP_QUERY_H

#include "report.h"

#include <libnf/scan.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_KEYS 10u
#define QUERY_FIELDS 30u
#define QUERY_BREC_PARTS 10u
/* Keys, sort key, output fields, and the parts of brec1. */
#define QUERY_COLUMNS (QUERY_KEYS + 1u + QUERY_FIELDS + QUERY_BREC_PARTS)
#define QUERY_PACKED_MAX (1u << 20)

enum query_mode {
    QUERY_LIST,
    QUERY_SORT,
    QUERY_AGGREGATE,
    QUERY_METADATA, /* neither records nor their totals: headers of files at most */
};

/** Blocks of the output. */
enum query_item {
    QUERY_RECORDS = 1,
    QUERY_PROCESSED = 2,
    QUERY_FILES = 4,
};

/** How rows of slaves become one answer; see exchange.h. In the order of the words of --exchange.
 */
enum query_exchange {
    QUERY_EXCHANGE_AUTO,
    QUERY_EXCHANGE_GATHER,
    QUERY_EXCHANGE_TPUT,
    QUERY_EXCHANGE_SHUFFLE,
};

/** A column people see. */
struct query_shown {
    int field;
    bool key;
    bool order;                      /* sorted by it */
    uint8_t parts[QUERY_BREC_PARTS]; /* indices into columns; all but brec1 have one part */
};

/** Words of the command line the question is made of; NULL = option not given. */
struct query_words {
    const char *aggregation; /* keys */
    const char *order;
    const char *statistic;
    const char *limit;
    const char *filter;
    const char *fields;
};

struct query {
    enum query_mode mode;
    unsigned items; /* enum query_item */
    char *filter;   /* NULL = every record */

    struct lnf_query_column columns[QUERY_COLUMNS];
    unsigned column_count;
    struct query_shown shown[QUERY_COLUMNS];
    unsigned shown_count;

    int sort_column; /* index into columns; -1 = none */
    bool sort_descending;
    uint64_t limit; /* 0 = none */

    enum query_exchange exchange;
    bool no_tput;  /* --no-tput: the exchange chosen is another one */
    bool no_index; /* --no-bfindex: no file is skipped unread */

    /* Where this process finds countries, NULL = what libnf finds; not the query's. Like paths it
     * is every process's own matter, and not packed. */
    const char *geo_database;
};

/**
 * Makes the question; `query` is the caller's to clear also after a failure.
 *
 * @param items  QUERY_RECORDS ... wanted blocks of the output
 * @return REPORT_OK; REPORT_ARGUMENTS, words that make no question; REPORT_MEMORY
 */
int query_build(const struct query_words *words, unsigned items, struct query *query,
                struct failure *failure);

/** Frees what the question owns. */
void query_clear(struct query *query);

/**
 * Compiles the question for libnf.
 *
 * @return REPORT_OK; REPORT_ARGUMENTS, filter or field that libnf refuses; REPORT_MEMORY
 */
int query_compile(const struct query *query, lnf_query_t **compiled, struct failure *failure);

/** Octets of the packed form. */
size_t query_packed_size(const struct query *query);

/** Packs into query_packed_size() octets. */
void query_pack(const struct query *query, uint8_t *octets);

/**
 * Reads a packed question that came from another process; numbers are checked, nothing is trusted.
 *
 * @return REPORT_OK; REPORT_MPI, malformed; REPORT_MEMORY
 */
int query_unpack(const uint8_t *octets, size_t size, struct query *query, struct failure *failure);

/** What differs between two questions ("filter", "columns" ...), or NULL. */
const char *query_difference(const struct query *a, const struct query *b);

/** Canonical name of a field into `name`; "?" when unknown. */
void query_field_name(int field, char *name, size_t size);

#endif
