/* SPDX-License-Identifier: BSD-3-Clause */
/** The hash table of groups: keys of every length, growth, every way values combine, merging. */
#include "table.h"

#include "flow_record.h"

#include <check.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <stdio.h>

static lnf_query_t *make_query(const struct lnf_query_column *columns, unsigned count)
{
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE, .columns = columns, .column_count = count, .sort_column = -1};
    struct lnf_error error = {.text = ""};
    lnf_query_t *query = NULL;

    ck_assert_msg(lnf_query_create(&spec, &query, &error) == LNF_OK, "%s", error.text);
    return query;
}

/** Value of a stored column of a group. */
static uint64_t group_number(const struct lnf_groups *groups, size_t group, unsigned column)
{
    const lnf_query_t *query = groups->query;
    uint8_t row[512];
    struct lnf_value value;

    ck_assert_uint_le(query->row_size, sizeof(row));
    lnf_group_pack(query, lnf_store_at(&groups->store, group), row);
    lnf_query_row_value(query, row, column, &value);
    return value.u64;
}

static void add_flows(struct lnf_groups *groups, const struct test_flow *flows, unsigned count)
{
    struct test_records records = {0};
    lnf_batch_t *batch = lnf_batch_create();
    unsigned rows;

    for (unsigned i = 0; i < count; i++) {
        test_records_add(&records, &flows[i]);
    }
    lnf_batch_open(batch, records.octets, records.size);
    while ((rows = lnf_batch_next(batch)) > 0) {
        ck_assert_int_eq(lnf_groups_add_batch(groups, batch, NULL, rows), LNF_OK);
    }
    lnf_batch_destroy(batch);
    test_records_clear(&records);
}

/* ---- combining ------------------------------------------------------------------------------- */

/** Every way to combine, in every width, over three flows of one group. */
START_TEST(test_combine)
{
    static const struct lnf_query_column columns[] = {
        {LNF_FLD_PROT, LNF_COLUMN_KEY, 0, 0},         {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_FIRST, LNF_COLUMN_VALUE, 0, 0},      {LNF_FLD_LAST, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_TCP_FLAGS, LNF_COLUMN_VALUE, 0, 0},  {LNF_FLD_SRCPORT, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_SRCAS, LNF_COLUMN_VALUE, 0, 0},      {LNF_FLD_AGGR_FLOWS, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_IN_SRC_MAC, LNF_COLUMN_VALUE, 0, 0}, {LNF_FLD_SRCADDR, LNF_COLUMN_VALUE, 0, 0},
        {LNF_FLD_TOS, LNF_COLUMN_VALUE, 0, 0}};
    static const uint8_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
    struct test_flow flows[3];

    for (unsigned i = 0; i < 3; i++) {
        flows[orders[_i][i]] = (struct test_flow){
            .elements = TEST_AS | TEST_MAC | TEST_COUNTERS,
            .family = 4,
            .proto = 6,
            .src = {0, i == 0 ? 0 : 1000 - i},
            .first = 50 - i,
            .last = 60 + i,
            .bytes = 100 + i,
            .packets = 1,
            .flags = (uint8_t)(1u << i),
            .tos = (uint8_t)(9 - i),
            .srcport = (uint16_t)(500 - i),
            .srcas = 70000 - i,
            .flows = 10 + i,
            .in_src_mac = i == 0 ? 0 : 800 - i,
        };
    }
    struct lnf_groups groups;
    lnf_query_t *query = make_query(columns, 11);
    lnf_groups_init(&groups, query);
    add_flows(&groups, flows, 3);
    ck_assert_uint_eq(groups.store.count, 1);
    ck_assert_uint_eq(group_number(&groups, 0, 0), 6);
    ck_assert_uint_eq(group_number(&groups, 0, 1), 303);   /* sum */
    ck_assert_uint_eq(group_number(&groups, 0, 2), 48);    /* smallest */
    ck_assert_uint_eq(group_number(&groups, 0, 3), 62);    /* largest */
    ck_assert_uint_eq(group_number(&groups, 0, 4), 7);     /* or */
    ck_assert_uint_eq(group_number(&groups, 0, 5), 498);   /* smallest of 16 bits */
    ck_assert_uint_eq(group_number(&groups, 0, 6), 69998); /* and of 32 */
    ck_assert_uint_eq(group_number(&groups, 0, 7), 33);
    ck_assert_uint_eq(group_number(&groups, 0, 10), 7); /* and of 8 */

    uint8_t row[512];
    struct lnf_value value;
    lnf_group_pack(query, lnf_store_at(&groups.store, 0), row);
    lnf_query_row_value(query, row, 8, &value); /* the smallest that is not zero */
    ck_assert_int_eq(value.kind, LNF_VALUE_MAC);
    ck_assert_uint_eq(value.octets[4] * 256u + value.octets[5], 798);
    lnf_query_row_value(query, row, 9, &value);
    ck_assert_int_eq(value.kind, LNF_VALUE_ADDRESS);
    ck_assert_uint_eq(value.octets[14] * 256u + value.octets[15], 998);
    lnf_groups_clear(&groups);
    lnf_query_destroy(query);
}
END_TEST

/** Without keys everything is one group. */
START_TEST(test_no_keys)
{
    static const struct lnf_query_column column = {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0};
    struct test_flow flows[1000];
    struct lnf_groups groups;
    lnf_query_t *query = make_query(&column, 1);

    lnf_groups_init(&groups, query);
    ck_assert_uint_eq(groups.store.count, 0);
    for (unsigned i = 0; i < 1000; i++) {
        flows[i] = (struct test_flow){.bytes = i};
    }
    add_flows(&groups, flows, 1000);
    ck_assert_uint_eq(groups.store.count, 1);
    ck_assert_uint_eq(group_number(&groups, 0, 0), 999 * 500);
    lnf_groups_clear(&groups);
    lnf_query_destroy(query);
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */

#define KEYS_MAX 60u

/** `count` key columns, as many octets as that makes; the last ones tell flows apart. */
static lnf_query_t *key_query(unsigned count)
{
    struct lnf_query_column columns[KEYS_MAX + 1];

    for (unsigned i = 0; i < count; i++) {
        bool port = i == count - 1;
        columns[i] = (struct lnf_query_column){port ? LNF_FLD_SRCPORT : LNF_FLD_SRCADDR,
                                               LNF_COLUMN_KEY, 32, 128};
    }
    columns[count] = (struct lnf_query_column){LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0};
    return make_query(columns, count + 1);
}

static const unsigned key_counts[] = {1, 2, 3, 4, 5, 6, 10, 20, KEYS_MAX};

/** Keys from one word to more than the stack's buffer: groups in order of first appearance. */
START_TEST(test_key_lengths)
{
    enum { FLOWS = 3000, GROUPS = 700 };
    struct test_flow *flows = calloc(FLOWS, sizeof(*flows));
    struct lnf_groups groups;
    lnf_query_t *query = key_query(key_counts[_i]);

    for (unsigned i = 0; i < FLOWS; i++) {
        flows[i] = (struct test_flow){
            .family = 4, .src = {0, 77}, .srcport = (uint16_t)(i % GROUPS), .bytes = i};
    }
    lnf_groups_init(&groups, query);
    add_flows(&groups, flows, FLOWS);
    ck_assert_uint_eq(groups.store.count, GROUPS);
    for (unsigned i = 0; i < GROUPS; i++) {
        uint64_t sum = 0;
        for (unsigned j = i; j < FLOWS; j += GROUPS) {
            sum += j;
        }
        const uint8_t *group = lnf_store_at(&groups.store, i);
        size_t at = (size_t)(key_counts[_i] - 1) * 16;
        ck_assert_uint_eq(be16toh(lnf_load_u16(group + at)), i);
        ck_assert_uint_eq(lnf_load_u64(group + (size_t)query->key_words * 8), sum);
    }
    ck_assert_uint_ge(lnf_groups_memory(&groups), GROUPS * query->group_size);
    lnf_groups_clear(&groups);
    ck_assert_uint_eq(groups.store.count, 0);
    add_flows(&groups, flows, 5); /* it can be used again */
    ck_assert_uint_eq(groups.store.count, 5);
    lnf_groups_clear(&groups);
    lnf_query_destroy(query);
    free(flows);
}
END_TEST

/** Keys that differ in one bit, whichever it is, are different groups. */
START_TEST(test_every_bit)
{
    static const struct lnf_query_column columns[] = {{LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128},
                                                      {LNF_FLD_DSTADDR, LNF_COLUMN_KEY, 32, 128},
                                                      {LNF_FLD_SRCPORT, LNF_COLUMN_KEY, 0, 0},
                                                      {LNF_FLD_PROT, LNF_COLUMN_KEY, 0, 0},
                                                      {LNF_FLD_DPKTS, LNF_COLUMN_VALUE, 0, 0}};
    struct lnf_groups groups;
    lnf_query_t *query = make_query(columns, 5);
    size_t bits = (16 + 16 + 2 + 1) * 8, row_size = query->row_size;
    uint8_t *rows = calloc(bits + 1, row_size);

    for (size_t i = 0; i <= bits; i++) {
        lnf_store_u64(rows + i * row_size + 35, htobe64(1));
        if (i < bits) {
            rows[i * row_size + i / 8] = (uint8_t)(1u << i % 8);
        }
    }
    lnf_groups_init(&groups, query);
    for (unsigned round = 1; round <= 3; round++) {
        ck_assert_int_eq(lnf_groups_add_rows(&groups, rows, bits + 1), LNF_OK);
        ck_assert_uint_eq(groups.store.count, bits + 1);
        for (size_t i = 0; i <= bits; i++) {
            uint8_t row[64];
            lnf_group_pack(query, lnf_store_at(&groups.store, i), row);
            ck_assert(memcmp(row, rows + i * row_size, 35) == 0);
            ck_assert_uint_eq(be64toh(lnf_load_u64(row + 35)), round);
        }
    }
    lnf_groups_clear(&groups);
    lnf_query_destroy(query);
    free(rows);
}
END_TEST

/** Both sides of a flow count for pair fields. */
START_TEST(test_pairs)
{
    static const struct lnf_query_column columns[] = {{LNF_FLD_PAIR_PORT, LNF_COLUMN_KEY, 0, 0},
                                                      {LNF_FLD_DPKTS, LNF_COLUMN_VALUE, 0, 0}};
    static const struct test_flow flows[] = {{.srcport = 53, .dstport = 53, .packets = 1},
                                             {.srcport = 80, .dstport = 1222, .packets = 3}};
    struct lnf_groups groups;
    lnf_query_t *query = make_query(columns, 2);
    uint64_t sums[3] = {0};

    lnf_groups_init(&groups, query);
    add_flows(&groups, flows, 2);
    ck_assert_uint_eq(groups.store.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t port = group_number(&groups, i, 0);
        sums[port == 53 ? 0 : port == 80 ? 1 : 2] = group_number(&groups, i, 1);
    }
    ck_assert_uint_eq(sums[0], 2);
    ck_assert_uint_eq(sums[1], 3);
    ck_assert_uint_eq(sums[2], 3);
    lnf_groups_clear(&groups);
    lnf_query_destroy(query);
}
END_TEST

/* ---- merging --------------------------------------------------------------------------------- */

/** Two tables that overlap: the sums of both, over chunks and growth of the index. */
START_TEST(test_merge)
{
    static const struct lnf_query_column columns[] = {{LNF_FLD_SRCADDR, LNF_COLUMN_KEY, 32, 128},
                                                      {LNF_FLD_DOCTETS, LNF_COLUMN_VALUE, 0, 0}};
    static const unsigned counts[] = {0, 1, 255, 256, 257, 1000, 20000};
    unsigned count = counts[_i];
    struct lnf_groups groups, other;
    lnf_query_t *query = make_query(columns, 2);
    uint8_t *rows = calloc(count + 1, 24);

    for (unsigned i = 0; i < count; i++) {
        lnf_store_u32(rows + i * 24 + 12, htobe32(i + 1));
        lnf_store_u64(rows + i * 24 + 16, htobe64(i));
    }
    lnf_groups_init(&groups, query);
    lnf_groups_init(&other, query);
    unsigned half = count / 2;
    ck_assert_int_eq(lnf_groups_add_rows(&groups, rows, half), LNF_OK);
    ck_assert_int_eq(lnf_groups_add_rows(&other, rows, count), LNF_OK);
    ck_assert_int_eq(lnf_groups_merge(&groups, &other), LNF_OK);
    ck_assert_uint_eq(groups.store.count, count);
    ck_assert_uint_eq(other.store.count, count);
    for (unsigned i = 0; i < count; i++) {
        uint8_t row[24];
        lnf_group_pack(query, lnf_store_at(&groups.store, i), row);
        ck_assert(memcmp(row, rows + i * 24, 16) == 0);
        ck_assert_uint_eq(be64toh(lnf_load_u64(row + 16)), i < half ? 2 * i : i);
    }
    lnf_groups_clear(&groups);
    lnf_groups_clear(&other);
    lnf_query_destroy(query);
    free(rows);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/aggregate");
    TCase *tc = tcase_create("aggregate");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_combine, 0, 3);
    tcase_add_test(tc, test_no_keys);
    tcase_add_loop_test(tc, test_key_lengths, 0, 9);
    tcase_add_test(tc, test_every_bit);
    tcase_add_test(tc, test_pairs);
    tcase_add_loop_test(tc, test_merge, 0, 7);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
