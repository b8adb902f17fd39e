/* SPDX-License-Identifier: BSD-3-Clause */
/** Open data blocks: reserving, committing, their end, exporter records octet by octet. */
#include "block.h"

#include <arpa/inet.h>
#include <check.h>
#include <libnf/bytes.h>
#include <netinet/in.h>
#include <string.h>

static lnf_block_t *block;

static void setup(void)
{
    block = lnf_block_create();
    ck_assert_ptr_nonnull(block);
}

static void teardown(void)
{
    lnf_block_destroy(block);
}

START_TEST(test_new)
{
    struct lnf_stat stat;

    lnf_stat_init(&stat);
    ck_assert_uint_eq(lnf_block_records(block), 0);
    ck_assert_uint_eq(block->used, 0);
    ck_assert(memcmp(lnf_block_stat(block), &stat, sizeof(stat)) == 0);
    lnf_block_destroy(NULL);
}
END_TEST

/** Committed records follow each other; others leave no trace. */
START_TEST(test_commit)
{
    uint8_t *first = lnf_block_reserve(block, 10);

    ck_assert_ptr_eq(first, block->data);
    memset(first, 'a', 10);
    lnf_block_commit(block);
    ck_assert_uint_eq(lnf_block_records(block), 1);
    lnf_block_commit(block); /* nothing is reserved */
    ck_assert_uint_eq(lnf_block_records(block), 1);
    ck_assert_uint_eq(block->used, 10);

    uint8_t *second = lnf_block_reserve(block, 500);
    ck_assert_ptr_eq(second, first + 10);
    memset(second, 'b', 500);
    ck_assert_ptr_eq(lnf_block_reserve(block, 20), second); /* forgets the 500 */
    memset(second, 'c', 20);
    lnf_block_commit(block);
    ck_assert_uint_eq(lnf_block_records(block), 2);
    ck_assert_uint_eq(block->used, 30);
    ck_assert_uint_eq(block->data[9], 'a');
    ck_assert_uint_eq(block->data[29], 'c');
}
END_TEST

START_TEST(test_clear)
{
    struct lnf_stat stat;

    lnf_stat_init(&stat);
    (void)lnf_block_reserve(block, 10);
    lnf_block_commit(block);
    (void)lnf_block_reserve(block, 10);
    lnf_stat_count(lnf_block_stat(block), 6, 1, 2, 3, 4, 5);
    lnf_block_clear(block);
    ck_assert_uint_eq(lnf_block_records(block), 0);
    ck_assert(memcmp(lnf_block_stat(block), &stat, sizeof(stat)) == 0);
    lnf_block_commit(block); /* the reservation is gone */
    ck_assert_uint_eq(lnf_block_records(block), 0);
    ck_assert_ptr_eq(lnf_block_reserve(block, 1), block->data);
}
END_TEST

/** A block takes its capacity, to the octet. */
START_TEST(test_full)
{
    enum { RECORD = 1000 };

    ck_assert_ptr_null(lnf_block_reserve(block, LNF_BLOCK_CAPACITY + 1));
    ck_assert_ptr_null(lnf_block_reserve(block, SIZE_MAX));
    ck_assert_ptr_nonnull(lnf_block_reserve(block, LNF_BLOCK_CAPACITY));
    for (size_t left = LNF_BLOCK_CAPACITY; left >= RECORD; left -= RECORD) {
        uint8_t *record = lnf_block_reserve(block, RECORD);
        ck_assert_ptr_nonnull(record);
        memset(record, 1, RECORD);
        lnf_block_commit(block);
    }
    size_t left = LNF_BLOCK_CAPACITY % RECORD;
    ck_assert_ptr_null(lnf_block_reserve(block, left + 1));
    ck_assert_ptr_nonnull(lnf_block_reserve(block, left));
    lnf_block_commit(block);
    ck_assert_ptr_null(lnf_block_reserve(block, 1));
    ck_assert_uint_eq(block->used, LNF_BLOCK_CAPACITY);
    ck_assert_uint_eq(lnf_block_records(block), LNF_BLOCK_CAPACITY / RECORD + 1);
}
END_TEST

/** A record that does not fit forgets the reservation before it, too: no record is kept twice. */
START_TEST(test_refused_reservation)
{
    (void)lnf_block_reserve(block, 100);
    ck_assert_ptr_null(lnf_block_reserve(block, LNF_BLOCK_CAPACITY + 1));
    lnf_block_commit(block);
    ck_assert_uint_eq(lnf_block_records(block), 0);
    ck_assert_uint_eq(block->used, 0);
}
END_TEST

/* ---- exporters ------------------------------------------------------------------------------- */

static struct lnf_exporter make_exporter(const char *address)
{
    struct lnf_exporter exporter = {.sysid = 0x0102, .version = 10, .domain_id = 0x11223344};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(4739)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(4739)};

    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(&exporter.address, &v4, sizeof(v4));
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
        memcpy(&exporter.address, &v6, sizeof(v6));
    }
    return exporter;
}

START_TEST(test_exporter_ipv4)
{
    static const uint8_t expected[32] = {7,    0,    32,   0,    10, 0, 0, 0, /* header */
                                         0,    0,    0,    0,    0,  0, 0, 0, /* */
                                         1,    2,    0,    0xC0, 0,  0, 0, 0, /* address */
                                         2,    0,    0x02, 0x01,              /* family, number */
                                         0x44, 0x33, 0x22, 0x11};
    struct lnf_exporter exporter = make_exporter("192.0.2.1");

    ck_assert(lnf_block_add_exporter(block, &exporter));
    ck_assert_uint_eq(lnf_block_records(block), 1);
    ck_assert_uint_eq(block->used, 32);
    ck_assert(memcmp(block->data, expected, 32) == 0);
    ck_assert_uint_eq(lnf_block_stat(block)->flows, 0);
}
END_TEST

START_TEST(test_exporter_ipv6)
{
    static const uint8_t expected[32] = {7,  0, 32,   0,    10,   0,    0,    0,    /* header */
                                         2,  0, 1,    0,    0xB8, 0x0D, 0x01, 0x20, /* high half */
                                         6,  0, 5,    0,    4,    0,    3,    0,    /* low half */
                                         10, 0, 0x02, 0x01, 0x44, 0x33, 0x22, 0x11};
    struct lnf_exporter exporter = make_exporter("2001:db8:1:2:3:4:5:6");

    ck_assert(lnf_block_add_exporter(block, &exporter));
    ck_assert(memcmp(block->data, expected, 32) == 0);
}
END_TEST

/** Exporters fill a block like other records and are refused when it is full. */
START_TEST(test_exporter_full)
{
    struct lnf_exporter exporter = make_exporter("192.0.2.1");
    unsigned count = 0;

    while (lnf_block_add_exporter(block, &exporter)) {
        count++;
    }
    ck_assert_uint_eq(count, LNF_BLOCK_CAPACITY / 32);
    ck_assert_uint_eq(lnf_block_records(block), count);
    lnf_block_commit(block);
    ck_assert_uint_eq(lnf_block_records(block), count);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/block");
    TCase *tc = tcase_create("block");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_new);
    tcase_add_test(tc, test_commit);
    tcase_add_test(tc, test_clear);
    tcase_add_test(tc, test_full);
    tcase_add_test(tc, test_refused_reservation);
    tcase_add_test(tc, test_exporter_ipv4);
    tcase_add_test(tc, test_exporter_ipv6);
    tcase_add_test(tc, test_exporter_full);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
