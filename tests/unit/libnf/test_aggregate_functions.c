/* SPDX-License-Identifier: BSD-3-Clause */
/** Aggregation functions a column names, against a plain computation; groups found by key. */
#include "table.h"

#include <check.h>
#include <libnf/bytes.h>
#include <stdlib.h>

#define KEYS 37u
#define ROWS 5000u

static uint64_t random_state = 1;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

/* A row: srcport is the key; the tos octet in every way; srcip and insrcmac in both. */
static const struct lnf_query_column columns[] = {
    {LNF_FLD_SRCPORT, LNF_COLUMN_KEY, 0, 0},   {LNF_FLD_TOS, LNF_COLUMN_SUM, 0, 0},
    {LNF_FLD_TOS, LNF_COLUMN_MIN, 0, 0},       {LNF_FLD_TOS, LNF_COLUMN_MAX, 0, 0},
    {LNF_FLD_TOS, LNF_COLUMN_OR, 0, 0},        {LNF_FLD_TOS, LNF_COLUMN_FIRST, 0, 0},
    {LNF_FLD_TOS, LNF_COLUMN_ANY, 0, 0},       {LNF_FLD_SRCADDR, LNF_COLUMN_FIRST, 0, 0},
    {LNF_FLD_SRCADDR, LNF_COLUMN_ANY, 0, 0},   {LNF_FLD_IN_SRC_MAC, LNF_COLUMN_FIRST, 0, 0},
    {LNF_FLD_DOCTETS, LNF_COLUMN_MAX, 0, 0},   {LNF_FLD_SRCAS, LNF_COLUMN_SUM, 0, 0},
    {LNF_FLD_DSTPORT, LNF_COLUMN_FIRST, 0, 0},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* The answer for one key, computed without the library. */
struct expected {
    bool seen;
    uint8_t sum, min, max, or, first, any;
    uint64_t first_address, any_address, first_mac, bytes;
    uint32_t as;
    uint16_t dstport;
};

struct flow {
    uint16_t key, dstport;
    uint8_t tos;
    uint32_t address, as;
    uint64_t mac, bytes;
};

static struct flow random_flow(void)
{
    return (struct flow){
        .key = (uint16_t)(random_u32() % KEYS),
        .tos = random_u32() % 4 == 0 ? 0 : (uint8_t)random_u32(),
        .address = random_u32() % 4 == 0 ? 0 : random_u32(),
        .mac = random_u32(),
        .bytes = ((uint64_t)random_u32() << 32) | random_u32(),
        .as = random_u32(),
        .dstport = (uint16_t)random_u32(),
    };
}

static void expect(struct expected *e, const struct flow *flow)
{
    if (!e->seen) {
        *e = (struct expected){.seen = true,
                               .min = 255,
                               .first = flow->tos,
                               .first_address = flow->address,
                               .first_mac = flow->mac,
                               .dstport = flow->dstport};
    }
    e->sum = (uint8_t)(e->sum + flow->tos);
    e->min = flow->tos < e->min ? flow->tos : e->min;
    e->max = flow->tos > e->max ? flow->tos : e->max;
    e->or |= flow->tos;
    e->any = flow->tos != 0 && (e->any == 0 || flow->tos < e->any) ? flow->tos : e->any;
    if (flow->address != 0 && (e->any_address == 0 || flow->address < e->any_address)) {
        e->any_address = flow->address;
    }
    e->bytes = flow->bytes > e->bytes ? flow->bytes : e->bytes;
    e->as += flow->as;
}

static void write_address(struct lnf_writer_bytes *w, uint32_t address)
{
    lnf_write_u64_be(w, 0);
    lnf_write_u64_be(w, address);
}

static void pack(const struct flow *flow, uint8_t *row, size_t size)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(row, size);

    lnf_write_u16_be(&w, flow->key);
    for (int i = 0; i < 6; i++) {
        lnf_write_u8(&w, flow->tos);
    }
    write_address(&w, flow->address);
    write_address(&w, flow->address);
    lnf_write_u16_be(&w, (uint16_t)(flow->mac >> 32));
    lnf_write_u32_be(&w, (uint32_t)flow->mac);
    lnf_write_u64_be(&w, flow->bytes);
    lnf_write_u32_be(&w, flow->as);
    lnf_write_u16_be(&w, flow->dstport);
    ck_assert(!w.failed);
    ck_assert_uint_eq(lnf_writer_bytes_used(&w), size);
}

static void check_row(const struct expected *e, uint16_t key, const uint8_t *row)
{
    struct lnf_reader r = lnf_reader_init(row, 200);

    ck_assert_uint_eq(lnf_read_u16_be(&r), key);
    ck_assert_uint_eq(lnf_read_u8(&r), e->sum);
    ck_assert_uint_eq(lnf_read_u8(&r), e->min);
    ck_assert_uint_eq(lnf_read_u8(&r), e->max);
    ck_assert_uint_eq(lnf_read_u8(&r), e->or);
    ck_assert_uint_eq(lnf_read_u8(&r), e->first);
    ck_assert_uint_eq(lnf_read_u8(&r), e->any);
    lnf_read_skip(&r, 8);
    ck_assert_uint_eq(lnf_read_u64_be(&r), e->first_address);
    lnf_read_skip(&r, 8);
    ck_assert_uint_eq(lnf_read_u64_be(&r), e->any_address);
    ck_assert_uint_eq(lnf_read_u16_be(&r), 0);
    ck_assert_uint_eq(lnf_read_u32_be(&r), e->first_mac);
    ck_assert_uint_eq(lnf_read_u64_be(&r), e->bytes);
    ck_assert_uint_eq(lnf_read_u32_be(&r), e->as);
    ck_assert_uint_eq(lnf_read_u16_be(&r), e->dstport);
}

static lnf_query_t *make_query(void)
{
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_AGGREGATE,
                                        .columns = columns,
                                        .column_count = COLUMNS,
                                        .sort_column = -1};
    struct lnf_error error = {.text = ""};
    lnf_query_t *query = NULL;

    ck_assert_msg(lnf_query_create(&spec, &query, &error) == LNF_OK, "%s", error.text);
    return query;
}

static void check_table(lnf_table_t *table, const struct expected *expected, size_t row_size)
{
    uint8_t *rows = malloc(KEYS * row_size + 200);
    size_t at = 0;

    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    size_t count = lnf_table_rows(table, 0, KEYS, rows);
    for (unsigned key = 0; key < KEYS; key++) {
        if (expected[key].seen) {
            check_row(&expected[key], (uint16_t)key, rows + at++ * row_size);
        }
    }
    ck_assert_uint_eq(at, count);
    free(rows);
}

/* The second half of the rows goes to a second table, which is merged into the first: values are
 * those of all rows in order, first ones as well, whichever table has more groups. */
static void run_functions(unsigned rows, unsigned first_half)
{
    struct expected expected[KEYS] = {0};
    lnf_query_t *query = make_query();
    size_t row_size = lnf_query_row_size(query);
    uint8_t *packed = malloc((size_t)rows * row_size);
    lnf_table_t *table = NULL, *other = NULL;

    for (unsigned i = 0; i < rows; i++) {
        struct flow flow = random_flow();
        expect(&expected[flow.key], &flow);
        pack(&flow, packed + i * row_size, row_size);
    }
    ck_assert_int_eq(lnf_table_create(query, &table), LNF_OK);
    ck_assert_int_eq(lnf_table_create(query, &other), LNF_OK);
    ck_assert_int_eq(lnf_table_add(table, packed, first_half), LNF_OK);
    ck_assert_int_eq(lnf_table_add(other, packed + first_half * row_size, rows - first_half),
                     LNF_OK);
    ck_assert_int_eq(lnf_table_merge(table, other), LNF_OK);
    check_table(table, expected, row_size);
    lnf_table_destroy(table);
    lnf_table_destroy(other);
    lnf_query_destroy(query);
    free(packed);
}

START_TEST(test_functions)
{
    random_state = 1000 + (uint64_t)_i;
    run_functions(ROWS, ROWS / 2);
    run_functions(ROWS, 3); /* the table merged into is the smaller one */
    run_functions(ROWS, 0);
    run_functions(ROWS, ROWS);
    run_functions(1, 0);
}
END_TEST

static int try_role(int field, enum lnf_column_role role)
{
    const struct lnf_query_column column = {field, role, 0, 0};
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = &column, .column_count = 1, .sort_column = -1};
    struct lnf_error error = {.text = ""};
    lnf_query_t *query = NULL;

    int status = lnf_query_create(&spec, &query, &error);
    ck_assert((status == LNF_OK) == (error.text[0] == '\0'));
    lnf_query_destroy(query);
    return status;
}

START_TEST(test_roles)
{
    for (int role = LNF_COLUMN_SUM; role <= LNF_COLUMN_OR; role++) {
        ck_assert_int_eq(try_role(LNF_FLD_DOCTETS, (enum lnf_column_role)role), LNF_OK);
        ck_assert_int_eq(try_role(LNF_FLD_SRCADDR, (enum lnf_column_role)role), LNF_ERR_UNKFLD);
        ck_assert_int_eq(try_role(LNF_FLD_IN_SRC_MAC, (enum lnf_column_role)role), LNF_ERR_UNKFLD);
    }
    for (int role = LNF_COLUMN_FIRST; role <= LNF_COLUMN_ANY; role++) {
        ck_assert_int_eq(try_role(LNF_FLD_DOCTETS, (enum lnf_column_role)role), LNF_OK);
        ck_assert_int_eq(try_role(LNF_FLD_SRCADDR, (enum lnf_column_role)role), LNF_OK);
        ck_assert_int_eq(try_role(LNF_FLD_IN_SRC_MAC, (enum lnf_column_role)role), LNF_OK);
        ck_assert_int_eq(try_role(LNF_FLD_USERNAME, (enum lnf_column_role)role), LNF_ERR_UNKFLD);
    }
    ck_assert_int_eq(try_role(LNF_FLD_CALC_BPS, LNF_COLUMN_SUM), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_role(LNF_FLD_CALC_DURATION, LNF_COLUMN_MAX), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_role(LNF_FLD_CALC_DURATION, LNF_COLUMN_VALUE), LNF_OK);
    ck_assert_int_eq(try_role(LNF_FLD_DOCTETS, (enum lnf_column_role)(LNF_COLUMN_ANY + 1)),
                     LNF_ERR_UNKFLD);
}
END_TEST

/* A calculated column uses the fields' own functions, whatever another column says. */
START_TEST(test_calculated_beside_named)
{
    const struct lnf_query_column named[] = {{LNF_FLD_FIRST, LNF_COLUMN_MAX, 0, 0},
                                             {LNF_FLD_CALC_DURATION, LNF_COLUMN_VALUE, 0, 0}};
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = named, .column_count = 2, .sort_column = -1};
    struct lnf_error error;
    struct lnf_value value;
    lnf_query_t *query;
    lnf_table_t *table;
    uint8_t row[24];

    ck_assert_int_eq(lnf_query_create(&spec, &query, &error), LNF_OK);
    ck_assert_uint_eq(lnf_query_row_size(query), sizeof(row)); /* hidden: first, last */
    ck_assert_int_eq(lnf_table_create(query, &table), LNF_OK);
    for (uint64_t start = 1000; start <= 3000; start += 1000) {
        lnf_store_u64(row, htobe64(start));
        lnf_store_u64(row + 8, htobe64(start));
        lnf_store_u64(row + 16, htobe64(start + 10));
        ck_assert_int_eq(lnf_table_add(table, row, 1), LNF_OK);
    }
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    ck_assert_uint_eq(lnf_table_rows(table, 0, 1, row), 1);
    lnf_query_row_value(query, row, 0, &value);
    ck_assert_uint_eq(value.u64, 3000);
    lnf_query_row_value(query, row, 1, &value);
    ck_assert_uint_eq(value.u64, 2010);
    lnf_table_destroy(table);
    lnf_query_destroy(query);
}
END_TEST

START_TEST(test_find)
{
    lnf_query_t *query = make_query();
    struct lnf_groups groups;
    size_t row_size = lnf_query_row_size(query), number;
    uint8_t row[200];
    uint64_t key = 0;

    lnf_groups_init(&groups, query);
    ck_assert_ptr_null(lnf_groups_find(&groups, &key));
    for (unsigned i = 0; i < 60000; i += 2) {
        struct flow flow = {.key = (uint16_t)i};
        pack(&flow, row, row_size);
        ck_assert_int_eq(lnf_groups_add_rows(&groups, row, 1), LNF_OK);
    }
    for (unsigned i = 0; i < 65536; i++) {
        key = 0;
        lnf_store_u16((uint8_t *)&key, htobe16((uint16_t)i));
        uint8_t *group = lnf_groups_find(&groups, &key);
        ck_assert_int_eq(group != NULL, i % 2 == 0 && i < 60000);
        if (group != NULL) {
            ck_assert(lnf_store_find(&groups.store, group, &number));
            ck_assert_uint_eq(number, i / 2);
            ck_assert(!lnf_store_find(&groups.store, group + 1, &number));
        }
    }
    ck_assert(!lnf_store_find(&groups.store, row, &number));
    ck_assert(!lnf_store_find(&groups.store, lnf_store_at(&groups.store, 29999) + query->group_size,
                              &number));
    lnf_groups_clear(&groups);
    lnf_query_destroy(query);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/aggregate_functions");
    TCase *tc = tcase_create("functions");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_functions, 0, 6);
    tcase_add_test(tc, test_roles);
    tcase_add_test(tc, test_calculated_beside_named);
    tcase_add_test(tc, test_find);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
