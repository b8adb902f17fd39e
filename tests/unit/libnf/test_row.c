/* SPDX-License-Identifier: BSD-3-Clause */
/** Packed rows: octets of every width, prefixes and buckets, ranks that agree with the order. */
#include "flow_record.h"
#include "table.h"

#include <check.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <math.h>

static lnf_query_t *make_query(enum lnf_query_mode mode, const struct lnf_query_column *columns,
                               unsigned count, int sort, bool descending)
{
    const struct lnf_query_spec spec = {.mode = mode,
                                        .columns = columns,
                                        .column_count = count,
                                        .sort_column = sort,
                                        .sort_descending = descending};
    struct lnf_error error = {.text = ""};
    lnf_query_t *query = NULL;

    ck_assert_msg(lnf_query_create(&spec, &query, &error) == LNF_OK, "%s", error.text);
    return query;
}

/* ---- packing --------------------------------------------------------------------------------- */

#define ROWS 5u
#define STRIDE 24u

/** Three rows of a column of `width` octets, packed from `start` or through a selection. */
static void check_pack(const struct lnf_stored *stored, const void *column,
                       const uint8_t expected[ROWS][16])
{
    static const uint16_t selection[] = {4, 0, 2, 3, 1};
    size_t size = stored->width;

    for (int selected = 0; selected < 2; selected++) {
        for (unsigned start = 0; start < 3; start++) {
            uint8_t out[3 * STRIDE];
            memset(out, 0xee, sizeof(out));
            lnf_row_pack(stored, column, selected ? selection : NULL, start, 3, out, STRIDE);
            for (unsigned i = 0; i < 3; i++) {
                unsigned row = selected ? selection[start + i] : start + i;
                ck_assert(memcmp(out + i * STRIDE, expected[row], size) == 0);
                for (size_t at = size; at < STRIDE; at++) {
                    ck_assert_uint_eq(out[i * STRIDE + at], 0xee); /* nothing beyond */
                }
            }
        }
    }
}

START_TEST(test_numbers)
{
    static const uint64_t values[ROWS] = {0, 1, 0x0102030405060708, UINT64_MAX, 0x8000000000000080};
    static const uint8_t widths[] = {1, 2, 4, 8};
    struct lnf_stored stored = {.width = widths[_i]};
    uint8_t column[ROWS * 8], expected[ROWS][16], back[ROWS * 8], packed[ROWS * STRIDE];

    for (unsigned i = 0; i < ROWS; i++) {
        memcpy(column + i * stored.width, &values[i], stored.width);
        for (unsigned octet = 0; octet < stored.width; octet++) {
            expected[i][octet] = (uint8_t)(values[i] >> (8 * (stored.width - 1 - octet)));
        }
    }
    check_pack(&stored, column, (const uint8_t(*)[16])expected);
    lnf_row_pack(&stored, column, NULL, 0, ROWS, packed, STRIDE);
    lnf_row_unpack(&stored, packed, STRIDE, ROWS, back);
    ck_assert(memcmp(back, column, ROWS * stored.width) == 0);
}
END_TEST

START_TEST(test_mac)
{
    static const uint64_t column[ROWS] = {0, 1, 0x010203040506, 0xffffffffffff, 0x800000000000};
    static const uint8_t expected[ROWS][16] = {
        {0}, {0, 0, 0, 0, 0, 1}, {1, 2, 3, 4, 5, 6}, {255, 255, 255, 255, 255, 255}, {0x80}};
    const struct lnf_stored stored = {.width = 6};
    uint8_t packed[ROWS * 6];
    uint64_t back[ROWS];

    check_pack(&stored, column, expected);
    lnf_row_pack(&stored, column, NULL, 0, ROWS, packed, 6);
    lnf_row_unpack(&stored, packed, 6, ROWS, back);
    ck_assert(memcmp(back, column, sizeof(back)) == 0);
}
END_TEST

START_TEST(test_addresses)
{
    static const struct lnf_addr column[ROWS] = {
        {0, 0}, {0, 1}, {0, 0xc0000201}, {0x20010db801020304, 0x05060708090a0b0c}, {0, UINT64_MAX}};
    static const uint8_t expected[ROWS][16] = {
        {0},
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 2, 1},
        {0x20, 1, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
        {0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}};
    const struct lnf_stored stored = {.width = 16};
    uint8_t packed[ROWS * 16];
    struct lnf_addr back[ROWS];

    check_pack(&stored, column, expected);
    lnf_row_pack(&stored, column, NULL, 0, ROWS, packed, 16);
    lnf_row_unpack(&stored, packed, 16, ROWS, back);
    ck_assert(memcmp(back, column, sizeof(back)) == 0);
}
END_TEST

/** Prefixes: ::0 and ::1 are no IPv4 addresses. */
START_TEST(test_prefix)
{
    static const struct lnf_addr column[ROWS] = {
        {0, 0}, {0, 1}, {0, 0xc0a80281}, {0x20010db8ffffffff, 0xffffffffffffffff}, {0, 2}};
    static const struct {
        int bits4, bits6;
        uint8_t expected[ROWS][16];
    } rows[] = {
        {24,
         32,
         {{0}, {0}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xa8, 2}, {0x20, 1, 0x0d, 0xb8}}},
        {0, 0, {{0}}},
        {25,
         68,
         {{0},
          {0},
          {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xa8, 2, 0x80},
          {0x20, 1, 0x0d, 0xb8, 255, 255, 255, 255, 0xf0}}},
        {31,
         127,
         {{0},
          {0},
          {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xa8, 2, 0x80},
          {0x20, 1, 0x0d, 0xb8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254},
          {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}},
        {32,
         64,
         {{0},
          {0},
          {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xa8, 2, 0x81},
          {0x20, 1, 0x0d, 0xb8, 255, 255, 255, 255},
          {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}},
    };
    const struct lnf_query_column key = {LNF_FLD_SRCADDR, LNF_COLUMN_KEY, rows[_i].bits4,
                                         rows[_i].bits6};
    lnf_query_t *query = make_query(LNF_QUERY_AGGREGATE, &key, 1, -1, false);

    check_pack(&query->stored[0], column, rows[_i].expected);
    lnf_query_destroy(query);
}
END_TEST

START_TEST(test_bucket)
{
    static const uint64_t column[ROWS] = {0, 299999, 300000, 1700000123456, UINT64_MAX};
    const struct lnf_query_column key = {LNF_FLD_FIRST, LNF_COLUMN_KEY, 300, 0};
    lnf_query_t *query = make_query(LNF_QUERY_AGGREGATE, &key, 1, -1, false);
    uint8_t packed[ROWS * 8];

    lnf_row_pack(&query->stored[0], column, NULL, 0, ROWS, packed, 8);
    for (unsigned i = 0; i < ROWS; i++) {
        ck_assert_uint_eq(be64toh(lnf_load_u64(packed + i * 8)), column[i] - column[i] % 300000);
    }
    lnf_query_destroy(query);
}
END_TEST

/* ---- values ---------------------------------------------------------------------------------- */

static const struct lnf_query_column value_columns[] = {
    {LNF_FLD_SRCADDR, LNF_COLUMN_VALUE, 0, 0},   {LNF_FLD_IN_SRC_MAC, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_PROT, LNF_COLUMN_VALUE, 0, 0},      {LNF_FLD_SRCPORT, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_SRCAS, LNF_COLUMN_VALUE, 0, 0},     {LNF_FLD_CALC_DURATION, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_CALC_BPS, LNF_COLUMN_VALUE, 0, 0},  {LNF_FLD_CALC_PPS, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_CALC_BPP, LNF_COLUMN_VALUE, 0, 0},  {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
    {LNF_FLD_TCP_FLAGS, LNF_COLUMN_VALUE, 0, 0},
};

#define VALUE_COLUMNS (sizeof(value_columns) / sizeof(value_columns[0]))

/** Packs one flow for a query of rows. */
static uint8_t *pack_flow(const lnf_query_t *query, const struct test_flow *flow)
{
    struct test_records records = {0};
    lnf_batch_t *batch = lnf_batch_create();
    uint8_t *row = calloc(1, query->row_size + 1);

    test_records_add(&records, flow);
    ck_assert_uint_eq(lnf_batch_single(batch, records.octets, records.size), 1);
    for (unsigned i = 0; i < query->stored_count; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        lnf_row_pack(stored, lnf_batch_column(batch, stored->field, NULL, 1), NULL, 0, 1,
                     row + stored->row_offset, 0);
    }
    lnf_batch_destroy(batch);
    test_records_clear(&records);
    return row;
}

START_TEST(test_values)
{
    struct test_flow flow = {.elements = TEST_MAC | TEST_AS,
                             .family = 6,
                             .src = {0x20010db800000000, 5},
                             .first = 1000,
                             .last = _i == 0 ? 3000 : 1000,
                             .packets = _i == 0 ? 3 : 0,
                             .bytes = 1001,
                             .proto = 17,
                             .srcport = 5353,
                             .srcas = 4200000000,
                             .in_src_mac = 0x010203040506,
                             .flags = 0x3f};
    static const uint8_t address[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
    static const uint8_t mac[6] = {1, 2, 3, 4, 5, 6};
    lnf_query_t *query = make_query(LNF_QUERY_LIST, value_columns, VALUE_COLUMNS, -1, false);
    uint8_t *row = pack_flow(query, &flow);
    struct lnf_value v[VALUE_COLUMNS];

    for (unsigned i = 0; i < VALUE_COLUMNS; i++) {
        lnf_query_row_value(query, row, i, &v[i]);
    }
    ck_assert_int_eq(v[0].kind, LNF_VALUE_ADDRESS);
    ck_assert(memcmp(v[0].octets, address, 16) == 0);
    ck_assert_int_eq(v[1].kind, LNF_VALUE_MAC);
    ck_assert(memcmp(v[1].octets, mac, 6) == 0);
    static const uint64_t numbers[] = {17, 5353, 4200000000};
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(v[2 + i].kind, LNF_VALUE_UINT);
        ck_assert_uint_eq(v[2 + i].u64, numbers[i]);
    }
    ck_assert_int_eq(v[5].kind, LNF_VALUE_UINT);
    ck_assert_uint_eq(v[5].u64, _i == 0 ? 2000 : 0);
    for (unsigned i = 6; i < 9; i++) {
        static const double expected[] = {4004, 1.5, 333};
        ck_assert_int_eq(v[i].kind, _i == 0 ? LNF_VALUE_DOUBLE : LNF_VALUE_NAN);
        ck_assert(_i == 0 ? v[i].real == expected[i - 6] : isnan(v[i].real));
    }
    ck_assert_uint_eq(v[9].u64, 1001);
    ck_assert_uint_eq(v[10].u64, 0x3f);
    free(row);
    lnf_query_destroy(query);
}
END_TEST

/* ---- order ----------------------------------------------------------------------------------- */

#define ORDERED 12u

/** Flows that ascend in the column tested, with a flow whose ratio is no number at the end. */
static struct test_flow ordered_flow(int field, unsigned i)
{
    static const struct lnf_addr addresses[ORDERED] = {{0, 0},
                                                       {0, 1},
                                                       {0, 0x0a000001},
                                                       {0, UINT32_MAX},
                                                       {0, (uint64_t)1 << 63},
                                                       {0, UINT64_MAX},
                                                       {1, 0},
                                                       {1, 1},
                                                       {2, 0},
                                                       {0x2001000000000000, 9},
                                                       {UINT64_MAX - 1, 0},
                                                       {UINT64_MAX, UINT64_MAX}};
    bool last = i == ORDERED - 1;
    struct test_flow flow = {.family = 6, .elements = TEST_MAC | TEST_AS, .first = 1000};

    flow.last = last && field != LNF_FLD_CALC_DURATION ? 1000 : 2000;
    flow.packets = last ? 0 : 1;
    flow.bytes = i * 10;
    switch (field) {
    case LNF_FLD_SRCADDR:
        flow.src = addresses[i];
        break;
    case LNF_FLD_IN_SRC_MAC:
        flow.in_src_mac = (uint64_t)i << 40;
        break;
    case LNF_FLD_PROT:
        flow.proto = (uint8_t)(i * 20);
        break;
    case LNF_FLD_SRCPORT:
        flow.srcport = (uint16_t)(i * 5000);
        break;
    case LNF_FLD_SRCAS:
        flow.srcas = i * 300000000;
        break;
    case LNF_FLD_CALC_DURATION:
        flow.last = flow.first + ((uint64_t)i << 40);
        break;
    case LNF_FLD_CALC_PPS:
        flow.packets = i + 1;
        break;
    default:
        break;
    }
    return flow;
}

static const int ordered_fields[] = {
    LNF_FLD_SRCADDR,       LNF_FLD_IN_SRC_MAC, LNF_FLD_PROT,     LNF_FLD_SRCPORT,  LNF_FLD_SRCAS,
    LNF_FLD_CALC_DURATION, LNF_FLD_CALC_BPS,   LNF_FLD_CALC_PPS, LNF_FLD_CALC_BPP, LNF_FLD_DOCTETS};

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/** Either direction; a ratio that is no number comes last in both. */
START_TEST(test_order)
{
    int field = ordered_fields[_i / 2];
    bool descending = _i % 2 == 1;
    bool ratio =
        field == LNF_FLD_CALC_BPS || field == LNF_FLD_CALC_PPS || field == LNF_FLD_CALC_BPP;
    unsigned column = 0;
    uint8_t *rows[ORDERED];

    while (value_columns[column].field != field) {
        column++;
    }
    lnf_query_t *query =
        make_query(LNF_QUERY_SORT, value_columns, VALUE_COLUMNS, (int)column, descending);
    for (unsigned i = 0; i < ORDERED; i++) {
        struct test_flow flow = ordered_flow(field, i);
        rows[i] = pack_flow(query, &flow);
    }
    for (unsigned i = 0; i < ORDERED; i++) {
        for (unsigned j = 0; j < ORDERED; j++) {
            bool last = ratio && (i == ORDERED - 1 || j == ORDERED - 1);
            int expected = (i > j) - (i < j);
            expected = descending && !last ? -expected : expected;
            ck_assert_int_eq(sign(lnf_query_row_compare(query, rows[i], rows[j])), expected);
            uint64_t a = lnf_row_rank(query, rows[i]), b = lnf_row_rank(query, rows[j]);
            ck_assert(a == b || (a < b) == (expected < 0));
        }
    }
    for (unsigned i = 0; i < ORDERED; i++) {
        free(rows[i]);
    }
    lnf_query_destroy(query);
}
END_TEST

/** Ranks of a batch are those of its packed rows, with and without a selection. */
START_TEST(test_batch_ranks)
{
    int field = ordered_fields[_i];
    static const uint16_t selection[] = {1, 4, 5, 11};
    struct test_records records = {0};
    uint64_t ranks[ORDERED];
    unsigned column = 0;

    while (value_columns[column].field != field) {
        column++;
    }
    for (unsigned i = 0; i < ORDERED; i++) {
        struct test_flow flow = ordered_flow(field, i);
        test_records_add(&records, &flow);
    }
    lnf_batch_t *batch = lnf_batch_create();
    lnf_query_t *query =
        make_query(LNF_QUERY_SORT, value_columns, VALUE_COLUMNS, (int)column, true);
    for (int selected = 0; selected < 2; selected++) {
        unsigned count = selected ? 4 : ORDERED;
        lnf_batch_open(batch, records.octets, records.size);
        ck_assert_uint_eq(lnf_batch_next(batch), ORDERED);
        lnf_batch_ranks(query, batch, selected ? selection : NULL, count, ranks);
        for (unsigned i = 0; i < count; i++) {
            struct test_flow flow = ordered_flow(field, selected ? selection[i] : i);
            uint8_t *row = pack_flow(query, &flow);
            ck_assert_uint_eq(ranks[i], lnf_row_rank(query, row));
            free(row);
        }
    }
    lnf_query_destroy(query);
    lnf_batch_destroy(batch);
    test_records_clear(&records);
}
END_TEST

/** Equal in the sort column: keys decide, then all columns from left to right, ascending. */
START_TEST(test_ties)
{
    static const struct lnf_query_column columns[] = {{LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
                                                      {LNF_FLD_SRCPORT, LNF_COLUMN_KEY, 0, 0},
                                                      {LNF_FLD_DSTPORT, LNF_COLUMN_KEY, 0, 0},
                                                      {LNF_FLD_DPKTS, LNF_COLUMN_VALUE, 0, 0}};
    lnf_query_t *query = make_query(LNF_QUERY_AGGREGATE, columns, 4, 0, true);
    struct test_flow small = {.bytes = 5, .srcport = 1, .dstport = 9, .packets = 9};
    struct test_flow middle = {.bytes = 5, .srcport = 2, .dstport = 1, .packets = 1};
    struct test_flow large = {.bytes = 5, .srcport = 2, .dstport = 1, .packets = 2};
    uint8_t *a = pack_flow(query, &small), *b = pack_flow(query, &middle),
            *c = pack_flow(query, &large);

    ck_assert_uint_eq(lnf_row_rank(query, a), lnf_row_rank(query, b));
    ck_assert_int_lt(lnf_query_row_compare(query, a, b), 0);
    ck_assert_int_lt(lnf_query_row_compare(query, b, c), 0);
    ck_assert_int_gt(lnf_query_row_compare(query, c, a), 0);
    ck_assert_int_eq(lnf_query_row_compare(query, c, c), 0);
    free(a);
    free(b);
    free(c);
    lnf_query_destroy(query);
}
END_TEST

/* ---- texts ----------------------------------------------------------------------------------- */

#define TEXT_WIDTH 66u

/** A record that has the octets of a user name, any, or no user name at all. */
static void add_user(struct test_records *records, const char *octets, size_t length)
{
    const struct test_flow flow = {.family = 4, .srcport = (uint16_t)length, .proto = 7};

    test_records_add(records, &flow);
    if (octets != NULL) {
        memcpy(test_records_element(records, 24, 68), octets, length);
    }
}

/** A row is what is before the first NUL, then zeros; nothing around it is touched. */
static void check_text(const lnf_query_t *query, const uint8_t *row, const char *text,
                       size_t length)
{
    uint8_t expected[2 + TEXT_WIDTH + 1] = {0, (uint8_t)length};
    struct lnf_value value;
    size_t shown = strnlen(text, length < TEXT_WIDTH ? length : TEXT_WIDTH);

    memcpy(expected + 2, text, shown);
    expected[2 + TEXT_WIDTH] = 7;
    ck_assert(memcmp(row, expected, sizeof(expected)) == 0);
    lnf_query_row_value(query, row, 1, &value);
    ck_assert_int_eq(value.kind, LNF_VALUE_STRING);
    ck_assert_ptr_eq(value.string.text, row + 2);
    ck_assert_uint_eq(value.string.length, shown);
    lnf_query_row_value(query, row, 2, &value);
    ck_assert_int_eq(value.kind, LNF_VALUE_UINT);
    ck_assert_uint_eq(value.u64, 7);
}

static const struct lnf_query_column text_columns[] = {{LNF_FLD_SRCPORT, LNF_COLUMN_VALUE, 0, 0},
                                                       {LNF_FLD_USERNAME, LNF_COLUMN_VALUE, 0, 0},
                                                       {LNF_FLD_PROT, LNF_COLUMN_VALUE, 0, 0}};

/** Every length up to all the element holds, with every octet, and a NUL in the middle. */
START_TEST(test_texts)
{
    lnf_query_t *query = make_query(LNF_QUERY_LIST, text_columns, 3, -1, false);
    size_t size = lnf_query_row_size(query);
    struct test_records records = {0};
    char texts[71][68];

    ck_assert_uint_eq(size, 2 + TEXT_WIDTH + 1);
    for (unsigned length = 0; length <= 68; length++) {
        for (unsigned i = 0; i < 68; i++) {
            texts[length][i] = (char)((length * 7 + i) % 255 + 1);
        }
        add_user(&records, texts[length], length);
    }
    memcpy(texts[69], "be\0hind", 7); /* what is behind a NUL is not shown, and not compared */
    add_user(&records, texts[69], 7);
    add_user(&records, NULL, 0);
    texts[70][0] = '\0';

    lnf_batch_t *batch = lnf_batch_create();
    lnf_batch_open(batch, records.octets, records.size);
    ck_assert_uint_eq(lnf_batch_next(batch), 71);
    uint8_t *rows = malloc(71 * size);
    memset(rows, 0xee, 71 * size);
    lnf_batch_pack(query, batch, NULL, 71, rows);
    for (unsigned i = 0; i < 71; i++) {
        check_text(query, rows + i * size, texts[i], i < 69 ? i : i == 69 ? 7 : 0);
    }
    const uint16_t selection[] = {1, 66, 67, 69, 70};
    memset(rows, 0xee, 71 * size);
    lnf_batch_pack(query, batch, selection, 5, rows);
    for (unsigned i = 0; i < 5; i++) {
        unsigned row = selection[i];
        check_text(query, rows + i * size, texts[row], row < 69 ? row : row == 69 ? 7 : 0);
    }
    for (size_t i = 5 * size; i < 71 * size; i++) {
        ck_assert_uint_eq(rows[i], 0xee);
    }
    free(rows);
    lnf_batch_destroy(batch);
    test_records_clear(&records);
    lnf_query_destroy(query);
}
END_TEST

/** Texts decide between rows that are otherwise equal, octet by octet. */
START_TEST(test_text_ties)
{
    enum { ASCENDING = 9 };
    static const char *const ascending[ASCENDING] = {"",  "A",    "a",    "aa",  "ab",
                                                     "b", "\x7f", "\x80", "\xff"};
    lnf_query_t *query = make_query(LNF_QUERY_SORT, text_columns, 3, 0, true);
    size_t size = lnf_query_row_size(query);
    uint8_t *rows = calloc(ASCENDING, size);

    for (unsigned i = 0; i < ASCENDING; i++) {
        memcpy(rows + i * size + 2, ascending[i], strlen(ascending[i]));
        for (unsigned j = 0; j < i; j++) {
            ck_assert_int_lt(lnf_query_row_compare(query, rows + j * size, rows + i * size), 0);
            ck_assert_int_gt(lnf_query_row_compare(query, rows + i * size, rows + j * size), 0);
        }
    }
    free(rows);
    lnf_query_destroy(query);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/row");
    TCase *tc = tcase_create("row");

    tcase_add_loop_test(tc, test_numbers, 0, 4);
    tcase_add_test(tc, test_mac);
    tcase_add_test(tc, test_addresses);
    tcase_add_loop_test(tc, test_prefix, 0, 5);
    tcase_add_test(tc, test_bucket);
    tcase_add_loop_test(tc, test_values, 0, 2);
    tcase_add_loop_test(tc, test_order, 0, 20);
    tcase_add_loop_test(tc, test_batch_ranks, 0, 10);
    tcase_add_test(tc, test_ties);
    tcase_add_test(tc, test_texts);
    tcase_add_test(tc, test_text_ties);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
