/* SPDX-License-Identifier: BSD-3-Clause */
/** Random questions with random rows, and the answers of tables. */
#ifndef TEST_RANDOM_TABLE_H
#define TEST_RANDOM_TABLE_H

#include "table.h"

#include <check.h>
#include <libnf.h>
#include <stdlib.h>
#include <string.h>

#define KEY(field)                                                                                 \
    {                                                                                              \
        field, LNF_COLUMN_KEY, 32, 128                                                             \
    }
#define VALUE(field)                                                                               \
    {                                                                                              \
        field, LNF_COLUMN_VALUE, 0, 0                                                              \
    }
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ---- random rows of random questions --------------------------------------------------------- */

static uint64_t random_state;

static inline uint64_t next_random(void)
{
    random_state += 0x9e3779b97f4a7c15u;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t below(uint64_t limit)
{
    return next_random() % limit;
}

static const int key_fields[] = {LNF_FLD_SRCADDR,   LNF_FLD_DSTADDR,       LNF_FLD_SRCPORT,
                                 LNF_FLD_DSTPORT,   LNF_FLD_PROT,          LNF_FLD_FIRST,
                                 LNF_FLD_INPUT,     LNF_FLD_IN_SRC_MAC,    LNF_FLD_PAIR_ADDR,
                                 LNF_FLD_PAIR_PORT, LNF_FLD_CALC_DURATION, LNF_FLD_TCP_FLAGS};

static const int value_fields[] = {
    LNF_FLD_DPKTS, LNF_FLD_DOCTETS,  LNF_FLD_AGGR_FLOWS, LNF_FLD_TCP_FLAGS,     LNF_FLD_FIRST,
    LNF_FLD_LAST,  LNF_FLD_SRCPORT,  LNF_FLD_IP_NEXTHOP, LNF_FLD_CALC_DURATION, LNF_FLD_CALC_BPS,
    LNF_FLD_PROT,  LNF_FLD_CALC_BPP, LNF_FLD_IN_SRC_MAC, LNF_FLD_CALC_PPS};

static inline lnf_query_t *create_query(const struct lnf_query_spec *spec)
{
    struct lnf_error error = {.text = ""};
    lnf_query_t *query = NULL;

    ck_assert_msg(lnf_query_create(spec, &query, &error) == LNF_OK, "%s", error.text);
    return query;
}

static inline lnf_query_t *random_query(enum lnf_query_mode mode)
{
    struct lnf_query_column columns[12];
    struct lnf_query_spec spec = {.mode = mode, .columns = columns, .sort_column = -1};
    unsigned keys = mode == LNF_QUERY_AGGREGATE ? (unsigned)below(5) : 0;
    unsigned values = 1 + (unsigned)below(6);

    for (unsigned i = 0; i < keys; i++) {
        columns[i] = (struct lnf_query_column){key_fields[below(LENGTH(key_fields))],
                                               LNF_COLUMN_KEY, (int)below(33), (int)below(129)};
    }
    for (unsigned i = keys; i < keys + values; i++) {
        columns[i] = (struct lnf_query_column)VALUE(value_fields[below(LENGTH(value_fields))]);
        if (mode != LNF_QUERY_AGGREGATE && below(5) == 0) {
            columns[i].field = LNF_FLD_USERNAME;
        }
    }
    spec.column_count = keys + values;
    spec.sort_descending = below(2) == 0;
    spec.limit = below(2) == 0 ? 0 : 1 + below(below(2) == 0 ? 20 : 3000);
    if (mode == LNF_QUERY_SORT || below(4) != 0) {
        spec.sort_column = (int)(keys + below(values));
        if (columns[spec.sort_column].field == LNF_FLD_USERNAME) {
            columns[spec.sort_column].field = LNF_FLD_DPKTS;
        }
    }
    return create_query(&spec);
}

/** Rows with few different values at the ends of their columns: groups meet, ties happen. */
static inline uint8_t *random_rows(const lnf_query_t *query, size_t count, unsigned variety)
{
    uint8_t *rows = calloc(count, query->row_size + 1);

    ck_assert_ptr_nonnull(rows);
    for (size_t i = 0; i < count; i++) {
        for (unsigned c = 0; c < query->stored_count; c++) {
            const struct lnf_stored *stored = &query->stored[c];
            uint8_t *end = rows + i * query->row_size + stored->row_offset + stored->width;
            end[-1] = (uint8_t)below(variety);
            if (stored->width > 1 && below(4) == 0) {
                end[-2] = (uint8_t)below(variety);
            }
            if (stored->width == 16 && below(8) == 0) {
                end[-16] = (uint8_t)below(256);
            }
        }
    }
    return rows;
}

/* ---- answers --------------------------------------------------------------------------------- */

static inline lnf_table_t *create_table(const lnf_query_t *query, lnf_memory_t *memory)
{
    lnf_table_t *table = NULL;

    ck_assert_int_eq(lnf_table_create_limited(query, memory, &table), LNF_OK);
    return table;
}

static inline void check_ok(int status, const lnf_table_t *table)
{
    struct lnf_error error = {.text = "?"};

    (void)lnf_table_error(table, &error);
    ck_assert_msg(status == LNF_OK, "status %d: %s", status, error.text);
}

static inline void add(lnf_table_t *table, const uint8_t *rows, size_t count)
{
    check_ok(lnf_table_add(table, rows, count), table);
}

struct answer {
    uint8_t *rows;
    size_t count;
};

/** All rows, in pieces as people read them. */
static inline struct answer read_answer(const lnf_query_t *query, const lnf_table_t *table)
{
    struct answer answer = {.count = lnf_table_count(table)};
    size_t size = lnf_query_row_size(query), start = 0, count;

    answer.rows = malloc(answer.count * size + 1);
    ck_assert_ptr_nonnull(answer.rows);
    while ((count = lnf_table_rows(table, start, 1 + below(1000), answer.rows + start * size)) >
           0) {
        start += count;
    }
    ck_assert_uint_eq(start, answer.count);
    ck_assert_int_eq(lnf_table_error(table, NULL), LNF_OK);
    return answer;
}

static inline struct answer finish(const lnf_query_t *query, lnf_table_t *table, bool limit)
{
    check_ok(lnf_table_finish(table, limit), table);
    return read_answer(query, table);
}

/** The answer without a limit of memory. */
static inline struct answer expect(const lnf_query_t *query, const uint8_t *rows, size_t count,
                                   bool limit)
{
    lnf_table_t *table = create_table(query, NULL);

    add(table, rows, count);
    struct answer answer = finish(query, table, limit);
    lnf_table_destroy(table);
    return answer;
}

static inline void check_same(const lnf_query_t *query, struct answer answer,
                              const struct answer *wanted)
{
    ck_assert_uint_eq(answer.count, wanted->count);
    ck_assert(memcmp(answer.rows, wanted->rows, wanted->count * lnf_query_row_size(query)) == 0);
    free(answer.rows);
}

/** Rows from anywhere are the same as in the whole answer. */
static inline void check_places(const lnf_query_t *query, const lnf_table_t *table,
                                const struct answer *wanted)
{
    size_t size = lnf_query_row_size(query);
    uint8_t *row = malloc(3 * size + 1);

    for (unsigned i = 0; i < 20 && wanted->count > 3; i++) {
        size_t place = below(wanted->count - 3);
        ck_assert_uint_eq(lnf_table_rows(table, place, 3, row), 3);
        ck_assert(memcmp(row, wanted->rows + place * size, 3 * size) == 0);
    }
    ck_assert_uint_eq(lnf_table_rows(table, wanted->count, 3, row), 0);
    free(row);
}

#endif
