/* SPDX-License-Identifier: BSD-3-Clause */
/** Statistics: what counts, exactly, and records and blocks cut at every length. */
#include "stat.h"

#include "flow_record.h"

#include <check.h>
#include <libnf/bytes.h>
#include <stdlib.h>

static struct lnf_stat count_one(const uint8_t *record, size_t size)
{
    struct lnf_stat stat;
    uint8_t *copy = malloc(size + (size == 0)); /* its end is watched */

    memcpy(copy, record, size);
    lnf_stat_init(&stat);
    lnf_stat_count_record(&stat, copy, size);
    free(copy);
    return stat;
}

static bool is_empty(const struct lnf_stat *stat)
{
    struct lnf_stat empty;

    lnf_stat_init(&empty);
    return memcmp(stat, &empty, sizeof(empty)) == 0;
}

/** A flow with counters of its own in every place. */
static struct test_flow make_flow(uint8_t proto, unsigned elements)
{
    return (struct test_flow){.proto = proto,
                              .family = 4,
                              .src = {0, 1},
                              .dst = {0, 2},
                              .first = 1000,
                              .last = 2500,
                              .packets = 10,
                              .bytes = 1500,
                              .elements = elements,
                              .flows = 3,
                              .outpackets = 7,
                              .outbytes = 800};
}

/** Every protocol goes to one class, with all its counters. */
START_TEST(test_classes)
{
    struct test_records records = {0};
    struct test_flow flow = make_flow((uint8_t)_i, _i % 2 ? TEST_COUNTERS : 0);
    unsigned class = _i == 6 ? 0 : _i == 17 ? 1 : _i == 1 || _i == 58 ? 2 : 3;

    test_records_add(&records, &flow);
    struct lnf_stat stat = count_one(records.octets, records.size);
    ck_assert_uint_eq(stat.flows, _i % 2 ? 3 : 1);
    ck_assert_uint_eq(stat.packets, _i % 2 ? 17 : 10);
    ck_assert_uint_eq(stat.bytes, _i % 2 ? 2300 : 1500);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(stat.class_flows[i], i == class ? stat.flows : 0);
        ck_assert_uint_eq(stat.class_packets[i], i == class ? stat.packets : 0);
        ck_assert_uint_eq(stat.class_bytes[i], i == class ? stat.bytes : 0);
    }
    ck_assert_uint_eq(stat.first_ms, 1000);
    ck_assert_uint_eq(stat.last_ms, 2500);
    ck_assert_uint_eq(stat.sequence_failures, 0);
    test_records_clear(&records);
}
END_TEST

/** An element with a count of 0 flows stands for one. */
START_TEST(test_no_count)
{
    struct test_records records = {0};
    struct test_flow flow = make_flow(6, TEST_COUNTERS);

    flow.flows = 0;
    test_records_add(&records, &flow);
    struct lnf_stat stat = count_one(records.octets, records.size);
    ck_assert_uint_eq(stat.flows, 1);
    ck_assert_uint_eq(stat.packets, 17);
    test_records_clear(&records);
}
END_TEST

/** First and last are the extremes, whatever order flows come in. */
START_TEST(test_times)
{
    static const uint64_t times[][2] = {{500, 900}, {400, 600}, {700, 2000}, {450, 451}};
    struct lnf_stat stat;

    lnf_stat_init(&stat);
    for (unsigned i = 0; i < 4; i++) {
        struct test_records records = {0};
        struct test_flow flow = make_flow(6, 0);
        flow.first = times[i][0];
        flow.last = times[i][1];
        test_records_add(&records, &flow);
        lnf_stat_count_record(&stat, records.octets, records.size);
        test_records_clear(&records);
    }
    ck_assert_uint_eq(stat.first_ms, 400);
    ck_assert_uint_eq(stat.last_ms, 2000);
    ck_assert_uint_eq(stat.flows, 4);
}
END_TEST

/** A record cut at any length counts nothing, nor does one with octets behind its elements. */
START_TEST(test_cut_record)
{
    struct test_records records = {0};
    struct test_flow flow = make_flow(17, TEST_COUNTERS | TEST_AS);

    test_records_add(&records, &flow);
    for (size_t size = 0; size < records.size; size++) {
        struct lnf_stat stat = count_one(records.octets, size);
        ck_assert_msg(is_empty(&stat), "cut at %zu", size);
    }
    size_t whole = records.size;
    memset(test_records_reserve(&records, 9), 0xff, 9);
    for (size_t more = 1; more < 9; more++) {
        struct lnf_stat stat = count_one(records.octets, whole + more);
        ck_assert_msg(is_empty(&stat), "%zu octets more", more);
    }
    struct lnf_stat stat = count_one(records.octets, whole);
    ck_assert_uint_eq(stat.flows, 3);
    test_records_clear(&records);
}
END_TEST

/** Wrong lengths and counts of elements, other records, no generic element: nothing is counted. */
START_TEST(test_no_flow)
{
    struct test_records records = {0};
    struct test_flow flow = make_flow(17, 0);
    struct lnf_stat stat;

    test_records_add(&records, &flow);
    for (unsigned length = 0; length < 256; length++) {
        uint8_t before = records.octets[14];
        if (length == before) {
            continue;
        }
        records.octets[14] = (uint8_t)length;
        stat = count_one(records.octets, records.size);
        ck_assert_msg(is_empty(&stat), "length %u", length);
        records.octets[14] = before;
    }
    for (int count = 0; count < 256; count++) {
        records.octets[4] = (uint8_t)count;
        stat = count_one(records.octets, records.size);
        ck_assert_msg(is_empty(&stat) == (count != 2), "%d elements", count);
    }
    records.octets[4] = 2;
    for (unsigned type = 0; type < 256; type++) {
        records.octets[0] = (uint8_t)type;
        stat = count_one(records.octets, records.size);
        ck_assert_msg(is_empty(&stat) == (type != 11), "type %u", type);
    }
    test_records_clear(&records);

    test_records_header(&records, &flow);
    test_records_addresses(&records, &flow);
    stat = count_one(records.octets, records.size);
    ck_assert(is_empty(&stat));
    test_records_clear(&records);
}
END_TEST

/** Elements that are too short do not count; of two the first does; unknown ones do not matter. */
START_TEST(test_odd_elements)
{
    struct test_records records = {0};
    struct test_flow flow = make_flow(6, 0), second = make_flow(17, 0);

    test_records_header(&records, &flow);
    (void)test_records_element(&records, 0, 0);
    (void)test_records_element(&records, 1, 47);
    (void)test_records_element(&records, 60000, 3);
    test_records_generic(&records, &flow);
    second.packets = 999;
    test_records_generic(&records, &second);
    test_records_words(&records, 5, (const uint64_t[]){2, 0, 0}, 3);
    test_records_words(&records, 5, (const uint64_t[]){9, 9, 9}, 3);
    struct lnf_stat stat = count_one(records.octets, records.size);
    ck_assert_uint_eq(stat.class_flows[LNF_STAT_TCP], 2);
    ck_assert_uint_eq(stat.flows, 2);
    ck_assert_uint_eq(stat.packets, 10);
    test_records_clear(&records);
}
END_TEST

/* ---- blocks ---------------------------------------------------------------------------------- */

START_TEST(test_block)
{
    struct test_records records = {0};
    struct lnf_stat stat;
    size_t ends[5] = {0};

    for (unsigned i = 0; i < 4; i++) {
        struct test_flow flow = make_flow(6, 0);
        test_records_add(&records, &flow);
        ends[i + 1] = records.size;
    }
    for (uint32_t count = 0; count < 8; count++) {
        lnf_stat_init(&stat);
        ck_assert(lnf_stat_count_block(&stat, records.octets, records.size, count) == (count == 4));
        ck_assert_uint_eq(stat.flows, 4);
    }
    /* Cut anywhere: the whole records count, and the chain is whole at their ends only. */
    for (size_t size = 0; size <= records.size; size++) {
        uint8_t *copy = malloc(size + (size == 0));
        uint32_t whole = 0;
        memcpy(copy, records.octets, size);
        while (whole < 4 && ends[whole + 1] <= size) {
            whole++;
        }
        lnf_stat_init(&stat);
        ck_assert(lnf_stat_count_block(&stat, copy, size, whole) == (size == ends[whole]));
        ck_assert_uint_eq(stat.flows, whole);
        free(copy);
    }
    test_records_clear(&records);
}
END_TEST

/** A record of its header only, the smallest there is, does not end the block. */
START_TEST(test_smallest_record)
{
    struct test_records records = {0};
    struct test_flow flow = make_flow(6, 0);
    struct lnf_stat stat;

    test_records_add(&records, &flow);
    size_t filler = records.size;
    (void)test_records_reserve(&records, 4);
    lnf_store_u16(records.octets + filler, 256);
    lnf_store_u16(records.octets + filler + 2, 4);
    test_records_add(&records, &flow);
    lnf_stat_init(&stat);
    ck_assert(lnf_stat_count_block(&stat, records.octets, records.size, 3));
    ck_assert_uint_eq(stat.flows, 2);
    test_records_clear(&records);
}
END_TEST

/** Sizes below that of a header end the block. */
START_TEST(test_record_size)
{
    struct test_records records = {0};
    struct test_flow flow = make_flow(6, 0);
    struct lnf_stat stat;

    for (unsigned i = 0; i < 3; i++) {
        test_records_add(&records, &flow);
    }
    size_t second = records.size / 3;
    for (unsigned size = 0; size < 4; size++) {
        lnf_store_u16(records.octets + second + 2, (uint16_t)size);
        lnf_stat_init(&stat);
        ck_assert(!lnf_stat_count_block(&stat, records.octets, records.size, 3));
        ck_assert_uint_eq(stat.flows, 1);
    }
    lnf_store_u16(records.octets + second + 2, 0xffff);
    lnf_stat_init(&stat);
    ck_assert(!lnf_stat_count_block(&stat, records.octets, records.size, 3));
    ck_assert_uint_eq(stat.flows, 1);
    test_records_clear(&records);
}
END_TEST

START_TEST(test_add)
{
    struct lnf_stat sum, one, other, empty;

    lnf_stat_init(&sum);
    lnf_stat_init(&one);
    lnf_stat_init(&other);
    lnf_stat_init(&empty);
    lnf_stat_count(&one, 6, 1, 2, 3, 100, 200);
    lnf_stat_count(&one, 17, 10, 20, 30, 90, 150);
    lnf_stat_count(&other, 6, 100, 200, 300, 95, 999);
    one.sequence_failures = 4;
    other.sequence_failures = 5;

    lnf_stat_add(&sum, &one);
    ck_assert(memcmp(&sum, &one, sizeof(sum)) == 0);
    lnf_stat_add(&sum, &empty);
    ck_assert(memcmp(&sum, &one, sizeof(sum)) == 0);
    lnf_stat_add(&sum, &other);
    ck_assert_uint_eq(sum.flows, 111);
    ck_assert_uint_eq(sum.packets, 222);
    ck_assert_uint_eq(sum.bytes, 333);
    ck_assert_uint_eq(sum.class_flows[LNF_STAT_TCP], 101);
    ck_assert_uint_eq(sum.class_packets[LNF_STAT_UDP], 20);
    ck_assert_uint_eq(sum.class_bytes[LNF_STAT_TCP], 303);
    ck_assert_uint_eq(sum.first_ms, 90);
    ck_assert_uint_eq(sum.last_ms, 999);
    ck_assert_uint_eq(sum.sequence_failures, 9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/stat");
    TCase *tc = tcase_create("stat");

    tcase_add_loop_test(tc, test_classes, 0, 256);
    tcase_add_test(tc, test_no_count);
    tcase_add_test(tc, test_times);
    tcase_add_test(tc, test_cut_record);
    tcase_add_test(tc, test_no_flow);
    tcase_add_test(tc, test_odd_elements);
    tcase_add_test(tc, test_block);
    tcase_add_test(tc, test_smallest_record);
    tcase_add_test(tc, test_record_size);
    tcase_add_test(tc, test_add);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
