/* SPDX-License-Identifier: BSD-3-Clause */
/** Aggregation, order and merging against a slow model, on random flows and random questions. */
#include "flow_record.h"
#include "table.h"

#include <libnf/bytes.h>

#include <check.h>
#include <libnf.h>
#include <math.h>
#include <stdio.h>

#define FLOWS 2500u
#define COLUMNS 16u

/* ---- random flows ---------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state += 0x9e3779b97f4a7c15u;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t limit)
{
    return next_random() % limit;
}

static struct lnf_addr random_address(unsigned family, unsigned variety)
{
    if (family == 4) {
        return (struct lnf_addr){0, below(8) == 0 ? below(3) : 0x0a000000 + below(variety)};
    }
    return (struct lnf_addr){0x20010db800000000u + below(3), below(variety)};
}

#define TEXT_WIDTH 66u /* octets flow files have for a user name */
#define X16 "xxxxxxxxxxxxxxxx"

/** Texts of all lengths, one longer than fits, and octets beyond ASCII. */
static const char *random_text(void)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "aa",
                                        "ab",
                                        "EXAMPLE\\alice",
                                        "\"q\", \n",
                                        "\x7f",
                                        "\x80",
                                        "\xff\xfe",
                                        X16 X16 X16 X16 "x",
                                        X16 X16 X16 X16 "xx",
                                        X16 X16 X16 X16 "xxyz",
                                        X16 X16 X16 X16 "xa"};

    return texts[below(sizeof(texts) / sizeof(texts[0]))];
}

/** Few different values, so that groups meet and ties happen. */
static void random_flow(struct test_flow *flow, unsigned variety)
{
    *flow = (struct test_flow){0};
    flow->family = below(3) == 0 ? 6 : 4;
    flow->elements = below(4) == 0 ? (unsigned)below(1 << 9) & ~(unsigned)TEST_MPLS : 0;
    flow->src = random_address(flow->family, variety);
    flow->dst = random_address(flow->family, variety);
    flow->first = 1600000000000u + below(5000);
    flow->last = flow->first + (below(3) == 0 ? 0 : below(4000));
    flow->packets = below(5) == 0 ? 0 : below(20);
    flow->bytes = flow->packets * below(1500);
    flow->srcport = (uint16_t)below(variety);
    flow->dstport = (uint16_t)below(variety);
    flow->proto = below(2) == 0 ? 6 : 17;
    flow->flags = (uint8_t)below(256);
    flow->flows = below(4);
    flow->outbytes = below(100);
    flow->inif = (uint32_t)below(4);
    flow->outif = (uint32_t)below(4);
    flow->srcas = (uint32_t)below(variety);
    flow->dstas = (uint32_t)below(variety);
    flow->srcvlan = (uint32_t)below(3);
    flow->dstvlan = (uint32_t)below(3);
    flow->next_hop = random_address(flow->family, 5);
    flow->in_src_mac = below(4) * 0x10000000001u;
    flow->elements |= below(3) == 0 ? 0 : TEST_USER;
    flow->user = random_text();
}

/* ---- the model ------------------------------------------------------------------------------- */

/** A value: addresses need both halves, calculated ratios are reals. */
struct value {
    struct lnf_addr number;
    const char *text; /* NULL = it is none */
    double real;
    bool nan;
};

/** A row of the model: one value by column, and what calculated columns are made of. */
struct row {
    struct value values[COLUMNS];
    uint64_t first, last, bytes, packets;
};

struct model {
    struct lnf_query_spec spec;
    struct lnf_query_column columns[COLUMNS];
    struct row *rows;
    size_t count;
};

static bool is_ratio(int field)
{
    return field == LNF_FLD_CALC_BPS || field == LNF_FLD_CALC_PPS || field == LNF_FLD_CALC_BPP;
}

static bool is_calculated(const struct lnf_query_column *column)
{
    return is_ratio(column->field) ||
           (column->field == LNF_FLD_CALC_DURATION && column->role == LNF_COLUMN_VALUE);
}

static struct lnf_addr number(uint64_t lo)
{
    return (struct lnf_addr){0, lo};
}

static struct lnf_addr flow_value(const struct test_flow *f, int field, bool destination)
{
    switch (field) {
    case LNF_FLD_PAIR_ADDR:
        return destination ? f->dst : f->src;
    case LNF_FLD_PAIR_PORT:
        return number(destination ? f->dstport : f->srcport);
    case LNF_FLD_PAIR_AS:
        return number(!(f->elements & TEST_AS) ? 0 : destination ? f->dstas : f->srcas);
    case LNF_FLD_PAIR_IF:
        return number(!(f->elements & TEST_MISC) ? 0 : destination ? f->outif : f->inif);
    case LNF_FLD_PAIR_VLAN:
        return number(!(f->elements & TEST_VLAN) ? 0 : destination ? f->dstvlan : f->srcvlan);
    case LNF_FLD_SRCADDR:
        return f->src;
    case LNF_FLD_DSTADDR:
        return f->dst;
    case LNF_FLD_IP_NEXTHOP:
        return f->elements & TEST_NEXT_HOP ? f->next_hop : number(0);
    case LNF_FLD_IN_SRC_MAC:
        return number(f->elements & TEST_MAC ? f->in_src_mac : 0);
    case LNF_FLD_SRCPORT:
        return number(f->srcport);
    case LNF_FLD_DSTPORT:
        return number(f->dstport);
    case LNF_FLD_PROT:
        return number(f->proto);
    case LNF_FLD_TCP_FLAGS:
        return number(f->flags);
    case LNF_FLD_FIRST:
        return number(f->first);
    case LNF_FLD_LAST:
        return number(f->last);
    case LNF_FLD_DPKTS:
        return number(f->packets);
    case LNF_FLD_DOCTETS:
        return number(f->bytes);
    case LNF_FLD_OUT_BYTES:
        return number(f->elements & TEST_COUNTERS ? f->outbytes : 0);
    case LNF_FLD_AGGR_FLOWS:
        return number(f->elements & TEST_COUNTERS && f->flows != 0 ? f->flows : 1);
    case LNF_FLD_INPUT:
        return number(f->elements & TEST_MISC ? f->inif : 0);
    case LNF_FLD_SRCAS:
        return number(f->elements & TEST_AS ? f->srcas : 0);
    case LNF_FLD_CALC_DURATION:
        return number(f->last - f->first);
    default:
        ck_abort_msg("the model does not know field %d", field);
    }
}

static const int key_fields[] = {
    LNF_FLD_SRCADDR,   LNF_FLD_DSTADDR,    LNF_FLD_SRCPORT,   LNF_FLD_DSTPORT,
    LNF_FLD_PROT,      LNF_FLD_FIRST,      LNF_FLD_INPUT,     LNF_FLD_CALC_DURATION,
    LNF_FLD_TCP_FLAGS, LNF_FLD_IN_SRC_MAC, LNF_FLD_PAIR_IF,   LNF_FLD_PAIR_AS,
    LNF_FLD_PAIR_VLAN, LNF_FLD_PAIR_ADDR,  LNF_FLD_PAIR_PORT, LNF_FLD_IP_NEXTHOP};

static const int value_fields[] = {LNF_FLD_DPKTS,         LNF_FLD_DOCTETS,    LNF_FLD_AGGR_FLOWS,
                                   LNF_FLD_TCP_FLAGS,     LNF_FLD_FIRST,      LNF_FLD_LAST,
                                   LNF_FLD_SRCPORT,       LNF_FLD_PROT,       LNF_FLD_SRCAS,
                                   LNF_FLD_OUT_BYTES,     LNF_FLD_DSTADDR,    LNF_FLD_IP_NEXTHOP,
                                   LNF_FLD_CALC_DURATION, LNF_FLD_CALC_BPS,   LNF_FLD_CALC_PPS,
                                   LNF_FLD_CALC_BPP,      LNF_FLD_IN_SRC_MAC, LNF_FLD_PAIR_PORT};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t prefix64(int bits)
{
    return bits <= 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
}

static struct lnf_addr cut_key(const struct lnf_query_column *column, struct lnf_addr value)
{
    const struct lnf_field *field = lnf_field_get(column->field);

    if (field->type == LNF_ADDR && value.hi == 0 && value.lo > 1 && value.lo <= UINT32_MAX) {
        value.lo &= prefix64(column->bits4) >> 32;
    } else if (field->type == LNF_ADDR) {
        value.hi &= prefix64(column->bits6);
        value.lo &= prefix64(column->bits6 - 64);
    } else if (field->time && column->bits4 > 0) {
        value.lo -= value.lo % ((uint64_t)column->bits4 * 1000);
    }
    return value;
}

static bool less(struct lnf_addr a, struct lnf_addr b)
{
    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

static bool equal(struct lnf_addr a, struct lnf_addr b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

static struct lnf_addr combine(int field, struct lnf_addr a, struct lnf_addr b)
{
    bool zero_a = a.hi == 0 && a.lo == 0;
    bool zero_b = b.hi == 0 && b.lo == 0;

    switch (lnf_field_get(field)->aggr) {
    case LNF_AGGR_SUM:
        return number(a.lo + b.lo);
    case LNF_AGGR_MAX:
        return a.lo > b.lo ? a : b;
    case LNF_AGGR_MIN:
        return a.lo < b.lo ? a : b;
    case LNF_AGGR_OR:
        return number(a.lo | b.lo);
    default:
        return zero_a ? b : zero_b ? a : less(a, b) ? a : b;
    }
}

static struct row *find_row(struct model *m, const struct row *row)
{
    for (size_t i = 0; i < m->count; i++) {
        bool same = true;
        for (unsigned c = 0; c < m->spec.column_count && same; c++) {
            same = m->columns[c].role != LNF_COLUMN_KEY ||
                   equal(m->rows[i].values[c].number, row->values[c].number);
        }
        if (same) {
            return &m->rows[i];
        }
    }
    return NULL;
}

static void model_add_side(struct model *m, const struct test_flow *flow, bool destination)
{
    struct row row = {
        .first = flow->first, .last = flow->last, .bytes = flow->bytes, .packets = flow->packets};

    for (unsigned c = 0; c < m->spec.column_count; c++) {
        const struct lnf_query_column *column = &m->columns[c];
        if (column->role == LNF_COLUMN_KEY) {
            row.values[c].number = cut_key(column, flow_value(flow, column->field, destination));
        } else if (column->field == LNF_FLD_USERNAME) {
            row.values[c].text = flow->elements & TEST_USER ? flow->user : "";
        } else if (!is_calculated(column)) {
            row.values[c].number = flow_value(flow, column->field, false);
        }
    }
    struct row *old = m->spec.mode == LNF_QUERY_AGGREGATE ? find_row(m, &row) : NULL;
    if (old == NULL) {
        m->rows[m->count++] = row;
        return;
    }
    old->first = row.first < old->first ? row.first : old->first;
    old->last = row.last > old->last ? row.last : old->last;
    old->bytes += row.bytes;
    old->packets += row.packets;
    for (unsigned c = 0; c < m->spec.column_count; c++) {
        if (m->columns[c].role == LNF_COLUMN_VALUE && !is_calculated(&m->columns[c])) {
            old->values[c].number =
                combine(m->columns[c].field, old->values[c].number, row.values[c].number);
        }
    }
}

static void model_add(struct model *m, const struct test_flow *flow)
{
    bool pair = false;

    for (unsigned c = 0; c < m->spec.column_count; c++) {
        pair = pair || (m->columns[c].role == LNF_COLUMN_KEY &&
                        lnf_field_get(m->columns[c].field)->source == LNF_SOURCE_PAIR);
    }
    model_add_side(m, flow, false);
    if (pair) {
        model_add_side(m, flow, true);
    }
}

static void model_calculate(struct model *m, struct row *row)
{
    uint64_t duration = row->last - row->first;

    for (unsigned c = 0; c < m->spec.column_count; c++) {
        struct value *value = &row->values[c];
        if (!is_calculated(&m->columns[c])) {
            continue;
        }
        switch (m->columns[c].field) {
        case LNF_FLD_CALC_DURATION:
            value->number = number(duration);
            break;
        case LNF_FLD_CALC_BPS:
            value->nan = duration == 0;
            value->real = value->nan ? 0 : (double)row->bytes * 8000 / (double)duration;
            break;
        case LNF_FLD_CALC_PPS:
            value->nan = duration == 0;
            value->real = value->nan ? 0 : (double)row->packets * 1000 / (double)duration;
            break;
        default:
            value->nan = row->packets == 0;
            value->real = value->nan ? 0 : (double)(row->bytes / row->packets);
            break;
        }
    }
}

static const struct model *sorted_model;

static int compare_values(const struct value *a, const struct value *b, bool ratio)
{
    if (ratio && (a->nan || b->nan)) {
        return 0;
    }
    if (ratio) {
        return (a->real > b->real) - (a->real < b->real);
    }
    if (a->text != NULL) {
        return strncmp(a->text, b->text, TEXT_WIDTH);
    }
    return equal(a->number, b->number) ? 0 : less(a->number, b->number) ? -1 : 1;
}

static int compare_columns(const struct row *a, const struct row *b, enum lnf_column_role role)
{
    int order = 0;

    for (unsigned c = 0; c < sorted_model->spec.column_count && order == 0; c++) {
        const struct lnf_query_column *column = &sorted_model->columns[c];
        if (column->role == role && !is_calculated(column)) {
            order = compare_values(&a->values[c], &b->values[c], false);
        }
    }
    return order;
}

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    int c = sorted_model->spec.sort_column;
    int order = 0;

    if (c >= 0) {
        bool ratio = is_ratio(sorted_model->columns[c].field);
        if (ratio && a->values[c].nan != b->values[c].nan) {
            return a->values[c].nan ? 1 : -1;
        }
        order = compare_values(&a->values[c], &b->values[c], ratio);
        order = sorted_model->spec.sort_descending ? -order : order;
    }
    order = order != 0 ? order : compare_columns(a, b, LNF_COLUMN_KEY);
    return order != 0 ? order : compare_columns(a, b, LNF_COLUMN_VALUE);
}

static void model_run(struct model *m, const struct test_flow *flows, unsigned count)
{
    m->rows = calloc(2 * (size_t)count, sizeof(*m->rows));
    ck_assert_ptr_nonnull(m->rows);
    for (unsigned i = 0; i < count; i++) {
        model_add(m, &flows[i]);
    }
    for (size_t i = 0; i < m->count; i++) {
        model_calculate(m, &m->rows[i]);
    }
    if (m->spec.mode != LNF_QUERY_LIST) {
        sorted_model = m;
        qsort(m->rows, m->count, sizeof(*m->rows), compare_rows);
    }
    if (m->spec.limit != 0 && m->spec.limit < m->count) {
        m->count = (size_t)m->spec.limit;
    }
}

/* ---- random questions ------------------------------------------------------------------------ */

static void random_columns(struct model *m)
{
    bool aggregate = m->spec.mode == LNF_QUERY_AGGREGATE;
    unsigned keys = aggregate ? (unsigned)below(5) : 0;
    unsigned values = 1 + (unsigned)below(COLUMNS - keys - 5);

    for (unsigned c = 0; c < keys + values; c++) {
        struct lnf_query_column *column = &m->columns[c];
        bool key = c < keys;
        column->role = key ? LNF_COLUMN_KEY : LNF_COLUMN_VALUE;
        column->field =
            key ? key_fields[below(LENGTH(key_fields))] : value_fields[below(LENGTH(value_fields))];
        if (!aggregate && below(8) == 0) {
            column->field = LNF_FLD_USERNAME;
        }
        bool address = lnf_field_get(column->field)->type == LNF_ADDR;
        column->bits4 = !key ? 7 : address ? (int)below(2) * 8 + 24 : (int)below(3);
        column->bits6 = !key ? 7 : below(2) == 0 ? 128 : (int)below(129);
    }
    m->spec.column_count = keys + values;
    if (m->spec.mode == LNF_QUERY_SORT) {
        /* Then no column is hidden, and the columns alone decide the order. */
        static const int needed[] = {LNF_FLD_FIRST, LNF_FLD_LAST, LNF_FLD_DOCTETS, LNF_FLD_DPKTS};
        for (unsigned i = 0; i < LENGTH(needed); i++) {
            m->columns[m->spec.column_count++] =
                (struct lnf_query_column){needed[i], LNF_COLUMN_VALUE, 0, 0};
        }
    }
    m->spec.columns = m->columns;
}

static void random_question(struct model *m, enum lnf_query_mode mode)
{
    *m = (struct model){.spec = {.mode = mode, .sort_column = -1}};
    random_columns(m);
    m->spec.sort_descending = below(2) == 0;
    m->spec.limit = below(3) == 0 ? 0 : 1 + below(below(2) == 0 ? 20 : 2000);
    if (mode == LNF_QUERY_SORT || (mode == LNF_QUERY_AGGREGATE && below(4) != 0)) {
        m->spec.sort_column = (int)below(m->spec.column_count);
        struct lnf_query_column *column = &m->columns[m->spec.sort_column];
        if (lnf_field_get(column->field)->source == LNF_SOURCE_PAIR ||
            column->field == LNF_FLD_USERNAME) {
            column->field = LNF_FLD_DOCTETS;
            column->bits4 = 0;
        }
    }
}

/* ---- the engine ------------------------------------------------------------------------------ */

static void add_flows(lnf_table_t *table, const struct test_flow *flows, unsigned count,
                      bool select_all)
{
    struct test_records records = {0};
    lnf_batch_t *batch = lnf_batch_create();
    uint16_t selection[LNF_BATCH_ROWS];

    for (unsigned i = 0; i < count; i++) {
        test_records_add(&records, &flows[i]);
    }
    lnf_batch_open(batch, records.octets, records.size);
    for (unsigned rows; (rows = lnf_batch_next(batch)) > 0;) {
        for (unsigned i = 0; i < rows; i++) {
            selection[i] = (uint16_t)i;
        }
        ck_assert_int_eq(lnf_table_add_batch(table, batch, select_all ? NULL : selection, rows),
                         LNF_OK);
    }
    lnf_batch_destroy(batch);
    test_records_clear(&records);
}

static lnf_table_t *new_limited(const lnf_query_t *query, lnf_memory_t *memory)
{
    lnf_table_t *table;
    ck_assert_int_eq(lnf_table_create_limited(query, memory, &table), LNF_OK);
    return table;
}

static lnf_table_t *new_table(const lnf_query_t *query)
{
    return new_limited(query, NULL);
}

/** All packed rows of a finished table. */
static uint8_t *all_rows(const lnf_query_t *query, const lnf_table_t *table)
{
    size_t count = lnf_table_count(table);
    uint8_t *rows = malloc(count * lnf_query_row_size(query) + 1);
    /* In two steps; there is nothing behind the end. */
    size_t half = lnf_table_rows(table, 0, count / 2, rows);
    ck_assert_uint_eq(half, count / 2);
    ck_assert_uint_eq(
        lnf_table_rows(table, half, count - half, rows + half * lnf_query_row_size(query)),
        count - half);
    ck_assert_uint_eq(lnf_table_rows(table, count, 5, NULL), 0);
    return rows;
}

static void check_value(const struct model *m, const lnf_query_t *query, const uint8_t *row,
                        unsigned c, const struct value *expected)
{
    struct lnf_value value;
    uint8_t octets[16] = {0};

    lnf_query_row_value(query, row, c, &value);
    ck_assert((value.kind == LNF_VALUE_STRING) == (expected->text != NULL));
    switch (value.kind) {
    case LNF_VALUE_UINT:
        ck_assert_uint_eq(value.u64, expected->number.lo);
        ck_assert(!is_ratio(m->columns[c].field));
        break;
    case LNF_VALUE_ADDRESS:
        for (unsigned i = 0; i < 8; i++) {
            octets[i] = (uint8_t)(expected->number.hi >> (56 - 8 * i));
            octets[8 + i] = (uint8_t)(expected->number.lo >> (56 - 8 * i));
        }
        ck_assert_mem_eq(value.octets, octets, 16);
        break;
    case LNF_VALUE_MAC:
        for (unsigned i = 0; i < 6; i++) {
            octets[i] = (uint8_t)(expected->number.lo >> (40 - 8 * i));
        }
        ck_assert_mem_eq(value.octets, octets, 6);
        break;
    case LNF_VALUE_DOUBLE:
        ck_assert(!expected->nan);
        ck_assert_double_eq(value.real, expected->real);
        break;
    case LNF_VALUE_NAN:
        ck_assert(expected->nan && isnan(value.real));
        break;
    case LNF_VALUE_STRING:
        ck_assert_uint_eq(value.string.length, strnlen(expected->text, TEXT_WIDTH));
        ck_assert(memcmp(value.string.text, expected->text, value.string.length) == 0);
        break;
    }
}

static void check_rows(const struct model *m, const lnf_query_t *query, const lnf_table_t *table)
{
    uint8_t *rows = all_rows(query, table);
    size_t size = lnf_query_row_size(query);

    ck_assert_uint_eq(lnf_table_count(table), m->count);
    for (size_t i = 0; i < m->count; i++) {
        for (unsigned c = 0; c < m->spec.column_count; c++) {
            check_value(m, query, rows + i * size, c, &m->rows[i].values[c]);
        }
        if (i > 0 && m->spec.mode != LNF_QUERY_LIST) {
            ck_assert_int_le(lnf_query_row_compare(query, rows + (i - 1) * size, rows + i * size),
                             0);
        }
    }
    free(rows);
}

/** Parts in tables of their own, joined by merging or as packed rows, give the same octets. */
static void check_parts(const lnf_query_t *query, const struct test_flow *flows, unsigned count,
                        const lnf_table_t *whole, lnf_memory_t *memory)
{
    lnf_table_t *joined = new_limited(query, memory);
    unsigned parts = 1 + (unsigned)below(5);

    for (unsigned start = 0; start < count;) {
        unsigned some = 1 + (unsigned)below(2 * count / parts);
        some = some < count - start ? some : count - start;
        lnf_table_t *part = new_limited(query, memory);
        add_flows(part, flows + start, some, true);
        if (below(2) == 0) {
            ck_assert_int_eq(lnf_table_finish(part, false), LNF_OK);
            uint8_t *rows = all_rows(query, part);
            ck_assert_int_eq(lnf_table_add(joined, rows, lnf_table_count(part)), LNF_OK);
            free(rows);
        } else {
            ck_assert_int_eq(lnf_table_merge(joined, part), LNF_OK);
            ck_assert_uint_eq(lnf_table_count(part), 0);
        }
        lnf_table_destroy(part);
        start += some;
    }
    ck_assert_int_eq(lnf_table_finish(joined, true), LNF_OK);
    ck_assert_uint_eq(lnf_table_count(joined), lnf_table_count(whole));
    uint8_t *a = all_rows(query, joined);
    uint8_t *b = all_rows(query, whole);
    if (lnf_table_count(whole) > 0) {
        ck_assert(memcmp(a, b, lnf_table_count(whole) * lnf_query_row_size(query)) == 0);
    }
    free(a);
    free(b);
    lnf_table_destroy(joined);
}

/** The same with hardly any memory: rows go to files and come back. */
static void check_limited(const lnf_query_t *query, const struct test_flow *flows, unsigned count,
                          const lnf_table_t *whole)
{
    const struct lnf_memory_spec spec = {.limit = 1 + below(below(2) == 0 ? 20000 : 200000)};
    lnf_memory_t *memory;

    ck_assert_int_eq(lnf_memory_create(&spec, &memory), LNF_OK);
    check_parts(query, flows, count, whole, memory);
    ck_assert_uint_eq(lnf_memory_used(memory), 0);
    lnf_memory_destroy(memory);
}

static void check_question(enum lnf_query_mode mode, unsigned variety)
{
    static struct test_flow flows[FLOWS];
    struct model m;
    struct lnf_error error;
    lnf_query_t *query;
    unsigned count = (unsigned)below(FLOWS + 1);

    for (unsigned i = 0; i < count; i++) {
        random_flow(&flows[i], variety);
    }
    random_question(&m, mode);
    ck_assert_msg(lnf_query_create(&m.spec, &query, &error) == LNF_OK, "%s", error.text);
    model_run(&m, flows, count);

    lnf_table_t *table = new_table(query);
    add_flows(table, flows, count / 2, true);
    ck_assert_int_eq(lnf_table_finish(table, false), LNF_OK); /* more may come afterwards */
    add_flows(table, flows + count / 2, count - count / 2, false);
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    check_rows(&m, query, table);
    check_parts(query, flows, count, table, NULL);
    check_limited(query, flows, count, table);

    lnf_table_destroy(table);
    lnf_query_destroy(query);
    free(m.rows);
}

START_TEST(test_aggregate)
{
    for (unsigned seed = 0; seed < 10; seed++) {
        random_state = (uint64_t)_i * 100 + seed;
        check_question(LNF_QUERY_AGGREGATE, _i % 2 == 0 ? 6 : 40);
    }
}
END_TEST

START_TEST(test_sort)
{
    for (unsigned seed = 0; seed < 10; seed++) {
        random_state = 50000 + (uint64_t)_i * 100 + seed;
        check_question(LNF_QUERY_SORT, _i % 2 == 0 ? 3 : 4000);
    }
}
END_TEST

START_TEST(test_list)
{
    random_state = 90000 + (uint64_t)_i;
    check_question(LNF_QUERY_LIST, 10);
}
END_TEST

/** Many groups: the index grows several times, the store gets several segments. */
START_TEST(test_many_groups)
{
    const struct lnf_query_column columns[] = {{LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128},
                                               {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0}};
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_AGGREGATE,
                                        .columns = columns,
                                        .column_count = 2,
                                        .sort_column = 1,
                                        .sort_descending = true,
                                        .limit = 3};
    const uint32_t count = 1000000;
    lnf_query_t *query;
    struct lnf_error error;

    ck_assert_int_eq(lnf_query_create(&spec, &query, &error), LNF_OK);
    lnf_table_t *table = new_table(query);
    uint8_t *rows = calloc(count, 24);
    for (int twice = 0; twice < 2; twice++) {
        for (uint32_t i = 0; i < count; i++) {
            lnf_store_u32(rows + (size_t)i * 24 + 12, htobe32(i * 2654435761u));
            lnf_store_u64(rows + (size_t)i * 24 + 16, htobe64(i));
        }
        ck_assert_int_eq(lnf_table_add(table, rows, count), LNF_OK);
    }
    ck_assert_uint_eq(lnf_table_count(table), count);
    ck_assert_uint_lt(lnf_table_memory(table), (size_t)count * 60);
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    ck_assert_uint_eq(lnf_table_rows(table, 0, 9, rows), 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(be64toh(lnf_load_u64(rows + i * 24 + 16)), 2 * (count - 1 - i));
    }
    free(rows);
    lnf_table_destroy(table);
    lnf_query_destroy(query);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/table");
    TCase *tc = tcase_create("random");

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, test_aggregate, 0, 12);
    tcase_add_loop_test(tc, test_sort, 0, 8);
    tcase_add_loop_test(tc, test_list, 0, 8);
    tcase_add_test(tc, test_many_groups);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
