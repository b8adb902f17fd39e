/* SPDX-License-Identifier: BSD-3-Clause */
/** What questions are accepted, and the form of their rows. */
#include "query.h"

#include <check.h>
#include <libnf.h>
#include <string.h>

static int try_column(enum lnf_query_mode mode, struct lnf_query_column column, int sort)
{
    const struct lnf_query_spec spec = {
        .mode = mode, .columns = &column, .column_count = 1, .sort_column = sort};
    struct lnf_error error = {0};
    lnf_query_t *query = NULL;

    int status = lnf_query_create(&spec, &query, &error);
    if (status == LNF_OK) {
        ck_assert_ptr_nonnull(query);
    } else {
        ck_assert_ptr_null(query);
        ck_assert(error.text[0] != '\0');
    }
    lnf_query_destroy(query);
    return status;
}

static int try_key(int field, int bits4, int bits6)
{
    return try_column(LNF_QUERY_AGGREGATE,
                      (struct lnf_query_column){field, LNF_COLUMN_KEY, bits4, bits6}, -1);
}

START_TEST(test_keys)
{
    ck_assert_int_eq(try_key(LNF_FLD_SRCADDR, 32, 128), LNF_OK);
    ck_assert_int_eq(try_key(LNF_FLD_SRCADDR, 0, 0), LNF_OK);
    ck_assert_int_eq(try_key(LNF_FLD_SRCADDR, 33, 128), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_SRCADDR, 32, 129), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_SRCADDR, -1, 128), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_SRCADDR, 32, -1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_FIRST, 300, 0), LNF_OK);
    ck_assert_int_eq(try_key(LNF_FLD_FIRST, -1, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_SRCPORT, 99, 999), LNF_OK); /* ignored */
    ck_assert_int_eq(try_key(LNF_FLD_PAIR_PORT, 0, 0), LNF_OK);
    ck_assert_int_eq(try_key(LNF_FLD_CALC_DURATION, 0, 0), LNF_OK);
    ck_assert_int_eq(try_key(LNF_FLD_CALC_BPS, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_USERNAME, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_MPLS_LABEL, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(LNF_FLD_BREC1, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(0, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_key(12345, 0, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_column(LNF_QUERY_LIST,
                                (struct lnf_query_column){LNF_FLD_SRCPORT, LNF_COLUMN_KEY, 0, 0},
                                -1),
                     LNF_ERR_UNKFLD);
}
END_TEST

static int try_sort(enum lnf_query_mode mode, int field, int sort)
{
    return try_column(mode, (struct lnf_query_column){field, LNF_COLUMN_VALUE, 0, 0}, sort);
}

START_TEST(test_sort_columns)
{
    ck_assert_int_eq(try_sort(LNF_QUERY_SORT, LNF_FLD_DOCTETS, 0), LNF_OK);
    ck_assert_int_eq(try_sort(LNF_QUERY_SORT, LNF_FLD_CALC_BPP, 0), LNF_OK);
    ck_assert_int_eq(try_sort(LNF_QUERY_SORT, LNF_FLD_DOCTETS, -1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_SORT, LNF_FLD_DOCTETS, 1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_SORT, LNF_FLD_PAIR_PORT, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_LIST, LNF_FLD_PAIR_PORT, -1), LNF_OK);
    ck_assert_int_eq(try_sort(LNF_QUERY_LIST, LNF_FLD_USERNAME, -1), LNF_OK);
    ck_assert_int_eq(try_sort(LNF_QUERY_SORT, LNF_FLD_USERNAME, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_AGGREGATE, LNF_FLD_USERNAME, -1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_AGGREGATE, LNF_FLD_USERNAME, 0), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_LIST, LNF_FLD_MPLS_LABEL, -1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_LIST, LNF_FLD_INGRESS_ACL, -1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_LIST, LNF_FLD_EGRESS_ACL, -1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort((enum lnf_query_mode)4, LNF_FLD_DOCTETS, -1), LNF_ERR_UNKFLD);
    ck_assert_int_eq(try_sort(LNF_QUERY_COUNT, 12345, -1), LNF_OK); /* columns are not looked at */
}
END_TEST

START_TEST(test_limits)
{
    static struct lnf_query_column columns[LNF_QUERY_COLUMNS];
    struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = columns, .sort_column = -1};
    struct lnf_error error;
    lnf_query_t *query;

    for (unsigned i = 0; i < LNF_QUERY_COLUMNS; i++) {
        columns[i] = (struct lnf_query_column){LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128};
    }
    spec.column_count = LNF_QUERY_COLUMNS - 4;
    ck_assert_int_eq(lnf_query_create(&spec, &query, &error), LNF_OK);
    ck_assert_uint_eq(lnf_query_row_size(query), 16 * (LNF_QUERY_COLUMNS - 4));
    lnf_query_destroy(query);
    spec.column_count++;
    ck_assert_int_eq(lnf_query_create(&spec, &query, &error), LNF_ERR_UNKFLD);
    lnf_query_destroy(NULL);
}
END_TEST

START_TEST(test_filter_error)
{
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_COUNT, .filter = "proto tcp and (", .sort_column = -1};
    struct lnf_error error = {0};
    lnf_query_t *query;

    ck_assert_int_eq(lnf_query_create(&spec, &query, &error), LNF_ERR_FILTER);
    ck_assert_uint_eq(error.line, 1);
    ck_assert_uint_gt(error.column, 0);
}
END_TEST

/** The row form is part of the protocol between machines. */
START_TEST(test_row_form)
{
    const struct lnf_query_column columns[] = {
        {LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128}, {LNF_FLD_SRCPORT, LNF_COLUMN_KEY, 0, 0},
        {LNF_FLD_PROT, LNF_COLUMN_KEY, 0, 0},       {LNF_FLD_IN_SRC_MAC, LNF_COLUMN_KEY, 0, 0},
        {LNF_FLD_CALC_BPS, LNF_COLUMN_VALUE, 0, 0}, {LNF_FLD_SRCAS, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
    };
    static const uint8_t row[] = {
        0,    0,    0, 0, 0, 0, 0, 0,    0, 0, 0, 0, 10, 1, 2, 3, /* srcip */
        0x01, 0xbb,                                               /* srcport */
        6,                                                        /* proto */
        1,    2,    3, 4, 5, 6,                                   /* insrcmac */
        0,    1,    0, 0,                                         /* srcas */
        0,    0,    0, 0, 0, 0, 3, 0xe8,                          /* bytes */
        0,    0,    0, 0, 0, 0, 0, 10,                            /* hidden: first, last */
        0,    0,    0, 0, 0, 0, 7, 0xda,
    };
    const struct lnf_query_spec spec = {.mode = LNF_QUERY_AGGREGATE,
                                        .columns = columns,
                                        .column_count = 7,
                                        .sort_column = 4,
                                        .sort_descending = true};
    struct lnf_error error;
    struct lnf_value value;
    lnf_query_t *query;
    lnf_table_t *table;
    uint8_t out[sizeof(row) * 2];

    ck_assert_int_eq(lnf_query_create(&spec, &query, &error), LNF_OK);
    ck_assert_uint_eq(lnf_query_row_size(query), sizeof(row));
    lnf_query_row_value(query, row, 0, &value);
    ck_assert_int_eq(value.kind, LNF_VALUE_ADDRESS);
    ck_assert_mem_eq(value.octets, row, 16);
    lnf_query_row_value(query, row, 1, &value);
    ck_assert(value.kind == LNF_VALUE_UINT && value.u64 == 443);
    lnf_query_row_value(query, row, 3, &value);
    ck_assert(value.kind == LNF_VALUE_MAC && value.octets[5] == 6);
    lnf_query_row_value(query, row, 4, &value);
    ck_assert(value.kind == LNF_VALUE_DOUBLE && value.real == 4000.0);
    lnf_query_row_value(query, row, 5, &value);
    ck_assert(value.kind == LNF_VALUE_UINT && value.u64 == 65536);
    ck_assert_uint_eq(lnf_query_key_size(query), 16 + 2 + 1 + 6);
    memset(out, 0xaa, sizeof(out));
    lnf_query_row_key(query, row, out);
    ck_assert_mem_eq(out, row, 25); /* keys stand first here */
    ck_assert_uint_eq(out[25], 0xaa);

    ck_assert_int_eq(lnf_table_create(query, &table), LNF_OK);
    ck_assert_int_eq(lnf_table_add(table, row, 1), LNF_OK);
    ck_assert_int_eq(lnf_table_finish(table, true), LNF_OK);
    ck_assert_uint_eq(lnf_table_rows(table, 0, 2, out), 1);
    ck_assert_mem_eq(out, row, sizeof(row));
    lnf_table_destroy(table);

    /* The same with first = last: not a number, after every number in both directions. */
    memcpy(out, row, sizeof(row));
    memcpy(out + sizeof(row) - 16, row + sizeof(row) - 8, 8);
    lnf_query_row_value(query, out, 4, &value);
    ck_assert_int_eq(value.kind, LNF_VALUE_NAN);
    ck_assert_int_lt(lnf_query_row_compare(query, row, out), 0);
    ck_assert_int_gt(lnf_query_row_compare(query, out, row), 0);
    ck_assert_int_eq(lnf_query_row_compare(query, out, out), 0);
    lnf_query_destroy(query);
}
END_TEST

/** Keys in query order, wherever they are. */
START_TEST(test_row_key)
{
    const struct lnf_query_column columns[] = {
        {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_SRCPORT, LNF_COLUMN_KEY, 0, 0},
        {LNF_FLD_SRCAS, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_PROT, LNF_COLUMN_KEY, 0, 0},
    };
    static const uint8_t row[] = {1,    2,    3, 4, 5, 6, 7, 8, /* bytes */
                                  0x01, 0xbb, 9, 9, 9, 9, 17};
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = columns, .column_count = 4, .sort_column = -1};
    lnf_query_t *query;
    uint8_t key[4] = {0, 0, 0, 0xaa};

    ck_assert_int_eq(lnf_query_create(&spec, &query, NULL), LNF_OK);
    ck_assert_uint_eq(lnf_query_row_size(query), sizeof(row));
    ck_assert_uint_eq(lnf_query_key_size(query), 3);
    lnf_query_row_key(query, row, key);
    ck_assert_mem_eq(key, ((const uint8_t[]){0x01, 0xbb, 17, 0xaa}), 4);
    lnf_query_destroy(query);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/query");
    TCase *tc = tcase_create("query");

    tcase_add_test(tc, test_keys);
    tcase_add_test(tc, test_sort_columns);
    tcase_add_test(tc, test_limits);
    tcase_add_test(tc, test_filter_error);
    tcase_add_test(tc, test_row_form);
    tcase_add_test(tc, test_row_key);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
