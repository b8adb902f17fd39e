/* SPDX-License-Identifier: BSD-3-Clause */
/** Messages between processes: what was packed comes back, every other size is refused. */
#include "message.h"
#include "suite_main.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *octets; /* MESSAGE_MAX */

static void setup(void)
{
    octets = malloc(MESSAGE_MAX);
    ck_assert_ptr_nonnull(octets);
}

static void teardown(void)
{
    free(octets);
}

/** A copy of exactly that size, so that sanitizers see reads behind it. */
static uint8_t *exact(size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    memcpy(copy, octets, size);
    return copy;
}

/* ---- numbers -------------------------------------------------------------------------------- */

START_TEST(test_number)
{
    static const uint64_t numbers[] = {0, 1, 255, 256, UINT32_MAX, UINT64_MAX};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint64_t number = ~numbers[i];
        size_t size = message_pack_number(numbers[i], octets);
        ck_assert(message_unpack_number(octets, size, &number));
        ck_assert_uint_eq(number, numbers[i]);
        for (size_t cut = 0; cut <= size + 1; cut++) {
            uint8_t *copy = exact(cut);
            ck_assert_int_eq(message_unpack_number(copy, cut, &number), cut == size);
            free(copy);
        }
    }
}
END_TEST

/** Octets are the same on every machine: nodes need not be alike. */
START_TEST(test_byte_order)
{
    static const uint8_t one[8] = {1, 2, 3, 4, 5, 6, 7, 8}, two[8] = {8, 7, 6, 5, 4, 3, 2, 1};
    static const uint8_t count_of_3[4] = {0, 0, 0, 3};
    const uint64_t first = UINT64_C(0x0102030405060708), second = UINT64_C(0x0807060504030201);
    const struct message_plan plan = {first, second};
    const struct lnf_totals sums = {first, second, first, second};
    const struct slave_counts counts = {.totals = sums};

    ck_assert_uint_eq(message_pack_number(first, octets), 8);
    ck_assert_int_eq(memcmp(octets, one, 8), 0);
    ck_assert_uint_eq(message_pack_plan(&plan, octets), 16);
    ck_assert_int_eq(memcmp(octets, one, 8), 0);
    ck_assert_int_eq(memcmp(octets + 8, two, 8), 0);
    ck_assert_uint_eq(message_pack_rows(&sums, one, 3, 2, octets), 32 + 4 + 6);
    ck_assert_int_eq(memcmp(octets, one, 8), 0);
    ck_assert_int_eq(memcmp(octets + 24, two, 8), 0);
    ck_assert_int_eq(memcmp(octets + 32, count_of_3, 4), 0);
    ck_assert_int_eq(memcmp(octets + 36, one, 6), 0);
    ck_assert_uint_eq(message_pack_entries(one, 3, 2, octets), 4 + 6);
    ck_assert_int_eq(memcmp(octets, count_of_3, 4), 0);
    ck_assert_uint_gt(message_pack_counts(&counts, octets), 100);
    ck_assert_int_eq(memcmp(octets, one, 8), 0);
    ck_assert_int_eq(memcmp(octets + 8, two, 8), 0);
}
END_TEST

START_TEST(test_plan)
{
    const struct message_plan plans[] = {{0, 1}, {3, 4096}, {UINT64_MAX, MESSAGE_ROWS_SIZE}};

    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        struct message_plan plan = {0, 0};
        size_t size = message_pack_plan(&plans[i], octets);
        ck_assert_uint_eq(size, MESSAGE_PLAN_SIZE);
        ck_assert(message_unpack_plan(octets, size, &plan));
        ck_assert_uint_eq(plan.exchange, plans[i].exchange);
        ck_assert_uint_eq(plan.piece_size, plans[i].piece_size);
        for (size_t cut = 0; cut <= size + 1; cut++) {
            uint8_t *copy = exact(cut);
            ck_assert_int_eq(message_unpack_plan(copy, cut, &plan), cut == size);
            free(copy);
        }
    }
    /* Nobody needs room for pieces of any size because the master says so. */
    static const uint64_t sizes[] = {0, MESSAGE_ROWS_SIZE + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct message_plan plan = {1, sizes[i]};
        size_t size = message_pack_plan(&plan, octets);
        ck_assert(!message_unpack_plan(octets, size, &plan));
    }
}
END_TEST

/* ---- rows ----------------------------------------------------------------------------------- */

static const struct lnf_totals totals = {1, UINT64_C(1) << 40, UINT64_MAX, 4};

START_TEST(test_rows)
{
    static const size_t row_sizes[] = {0, 1, 7, 100};
    const size_t row_size = row_sizes[_i];
    uint8_t rows[300];

    for (size_t i = 0; i < sizeof(rows); i++) {
        rows[i] = (uint8_t)(i * 7);
    }
    for (size_t count = 0; count <= 3; count++) {
        struct message_rows got;
        size_t size = message_pack_rows(&totals, rows, count, row_size, octets);
        ck_assert(message_unpack_rows(octets, size, row_size, &got));
        ck_assert_uint_eq(got.count, count);
        ck_assert_uint_eq(got.totals.records, totals.records);
        ck_assert_uint_eq(got.totals.flows, totals.flows);
        ck_assert_uint_eq(got.totals.packets, totals.packets);
        ck_assert_uint_eq(got.totals.bytes, totals.bytes);
        ck_assert_int_eq(memcmp(got.rows, rows, count * row_size), 0);
        for (size_t cut = 0; cut <= size + 1; cut++) {
            uint8_t *copy = exact(cut);
            ck_assert_int_eq(message_unpack_rows(copy, cut, row_size, &got), cut == size);
            free(copy);
        }
    }
}
END_TEST

/** The count of rows, set to everything but the truth. */
START_TEST(test_rows_count)
{
    static const uint32_t counts[] = {
        0,     1,          3,          255,        65535,     65536,
        65537, 0x7fffffff, 0x80000000, UINT32_MAX, 0x24924925 /* times 7: 3 more than 2^32 */};
    uint8_t rows[14] = {0};
    struct message_rows got;
    size_t size = message_pack_rows(&totals, rows, 2, 7, octets);

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (unsigned octet = 0; octet < 4; octet++) {
            octets[32 + octet] = (uint8_t)(counts[i] >> (24 - 8 * octet));
        }
        uint8_t *copy = exact(size);
        ck_assert(!message_unpack_rows(copy, size, 7, &got));
        free(copy);
    }
}
END_TEST

/** Rows without columns have no octets to check their number by: it is limited. */
START_TEST(test_rows_without_size)
{
    size_t most = message_rows_per_message(0);
    struct message_rows got;
    size_t size = message_pack_rows(&totals, octets, most, 0, octets);

    ck_assert(message_unpack_rows(octets, size, 0, &got));
    ck_assert_uint_eq(got.count, most);
    size = message_pack_rows(&totals, octets, most + 1, 0, octets);
    ck_assert(!message_unpack_rows(octets, size, 0, &got));
}
END_TEST

/** As many rows as the sender may put into a message fit, of every size. */
START_TEST(test_rows_per_message)
{
    static uint8_t rows[MESSAGE_ROWS_SIZE];
    struct message_rows got;

    for (size_t row_size = 1; row_size < 2000; row_size += row_size < 100 ? 1 : 97) {
        size_t count = message_rows_per_message(row_size);
        ck_assert_uint_ge(count, 1);
        ck_assert_uint_le(count * row_size, MESSAGE_ROWS_SIZE);
        size_t size = message_pack_rows(&totals, rows, count, row_size, octets);
        ck_assert_uint_le(size, MESSAGE_MAX);
        ck_assert(message_unpack_rows(octets, size, row_size, &got));
    }
    ck_assert_uint_eq(message_rows_per_message(MESSAGE_ROWS_SIZE + 1), 1);
}
END_TEST

/* ---- entries -------------------------------------------------------------------------------- */

START_TEST(test_entries)
{
    static const size_t sizes[] = {1, 8, 24, 41};
    const size_t entry_size = sizes[_i];
    uint8_t entries[3 * 41];

    for (size_t i = 0; i < sizeof(entries); i++) {
        entries[i] = (uint8_t)(i * 11);
    }
    for (size_t count = 0; count <= 3; count++) {
        struct message_entries got;
        size_t size = message_pack_entries(entries, count, entry_size, octets);
        for (size_t cut = 0; cut <= size + entry_size; cut++) {
            uint8_t *copy = exact(cut);
            bool ok = message_unpack_entries(copy, cut, entry_size, &got);
            ck_assert_int_eq(ok, cut == size);
            if (ok) {
                ck_assert_uint_eq(got.count, count);
                ck_assert_int_eq(memcmp(got.entries, entries, count * entry_size), 0);
            }
            free(copy);
        }
    }
}
END_TEST

/** A count that is too large does not become a small one by multiplication. */
START_TEST(test_entries_count)
{
    static const uint32_t counts[] = {0, 1, 3, 0x0aaaaaab, 0x20000002, 0x80000002, UINT32_MAX};
    struct message_entries got;
    uint8_t entries[48] = {0};
    size_t size = message_pack_entries(entries, 2, 24, octets);

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (unsigned octet = 0; octet < 4; octet++) {
            octets[octet] = (uint8_t)(counts[i] >> (24 - 8 * octet));
        }
        uint8_t *copy = exact(size);
        ck_assert(!message_unpack_entries(copy, size, 24, &got));
        free(copy);
    }
}
END_TEST

/* ---- counts --------------------------------------------------------------------------------- */

/** Counts of which no two members are equal. */
static struct slave_counts make_counts(void)
{
    struct slave_counts counts;
    uint64_t next = 1;

    memset(&counts, 0, sizeof(counts));
    for (size_t at = 0; at < sizeof(counts); at += sizeof(next), next += UINT64_C(0x0101010101)) {
        memcpy((uint8_t *)&counts + at, &next, sizeof(next));
    }
    return counts;
}

START_TEST(test_counts)
{
    struct slave_counts counts = make_counts(), got;

    memset(&got, 0, sizeof(got));
    size_t size = message_pack_counts(&counts, octets);
    ck_assert_uint_eq(size, sizeof(counts)); /* every member is there */
    ck_assert(message_unpack_counts(octets, size, &got));
    ck_assert_int_eq(memcmp(&counts, &got, sizeof(counts)), 0);
    for (size_t cut = 0; cut <= size + 1; cut++) {
        uint8_t *copy = exact(cut);
        ck_assert_int_eq(message_unpack_counts(copy, cut, &got), cut == size);
        free(copy);
    }
}
END_TEST

/* ---- failures ------------------------------------------------------------------------------- */

START_TEST(test_failure)
{
    static const size_t sizes[] = {0, 1, 500, REPORT_LINE_SIZE - 1};
    struct failure failure = {.class = REPORT_LIBNF};
    struct message_failure got;

    memset(failure.text, 'x', sizes[_i]);
    failure.text[sizes[_i]] = '\0';
    size_t size = message_pack_failure(&failure, "node7", octets);
    ck_assert(message_unpack_failure(octets, size, &got));
    ck_assert_int_eq(got.failure.class, REPORT_LIBNF);
    ck_assert_str_eq(got.failure.text, failure.text);
    ck_assert_str_eq(got.host, "node7");
}
END_TEST

/** The text ends with the message, so shorter ones are whole down to the host; longer ones are not.
 */
START_TEST(test_failure_cut)
{
    struct failure failure;
    struct message_failure got;

    failure_set(&failure, REPORT_MEMORY, "text");
    size_t size = message_pack_failure(&failure, "node7", octets);
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *copy = exact(cut);
        ck_assert_int_eq(message_unpack_failure(copy, cut, &got), cut >= 2 + strlen("node7"));
        free(copy);
    }
    memset(octets + size, 'x', 2 * REPORT_LINE_SIZE);
    for (size_t total = size; total < size + 2 * REPORT_LINE_SIZE; total++) {
        bool fits = total - 2 - strlen("node7") < REPORT_LINE_SIZE;
        ck_assert_int_eq(message_unpack_failure(octets, total, &got), fits);
    }
}
END_TEST

START_TEST(test_failure_hostile)
{
    struct failure failure;
    struct message_failure got;

    failure_set(&failure, REPORT_PATH, "text");
    size_t size = message_pack_failure(&failure, "node7", octets);
    for (unsigned class = 0; class < 256; class ++) {
        octets[0] = (uint8_t) class;
        ck_assert_int_eq(message_unpack_failure(octets, size, &got),
                         class >= REPORT_MEMORY && class <= REPORT_PATH);
    }
    octets[0] = REPORT_PATH;
    memset(octets + size, 'h', 300);
    for (unsigned host = 0; host < 256; host++) {
        octets[1] = (uint8_t)host;
        ck_assert_int_eq(message_unpack_failure(octets, 2 + 255, &got), host < REPORT_HOST_SIZE);
    }
}
END_TEST

/** A host that is longer than any line shows is cut, not refused by the receiver. */
START_TEST(test_failure_long_host)
{
    char host[2 * REPORT_HOST_SIZE];
    struct failure failure;
    struct message_failure got;

    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    failure_set(&failure, REPORT_PATH, "text");
    size_t size = message_pack_failure(&failure, host, octets);
    ck_assert(message_unpack_failure(octets, size, &got));
    ck_assert_uint_eq(strlen(got.host), REPORT_HOST_SIZE - 1);
    ck_assert_str_eq(got.failure.text, "text");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/message");
    TCase *tc = tcase_create("message");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_number);
    tcase_add_test(tc, test_byte_order);
    tcase_add_test(tc, test_plan);
    tcase_add_loop_test(tc, test_rows, 0, 4);
    tcase_add_test(tc, test_rows_count);
    tcase_add_test(tc, test_rows_without_size);
    tcase_add_test(tc, test_rows_per_message);
    tcase_add_loop_test(tc, test_entries, 0, 4);
    tcase_add_test(tc, test_entries_count);
    tcase_add_test(tc, test_counts);
    tcase_add_loop_test(tc, test_failure, 0, 4);
    tcase_add_test(tc, test_failure_cut);
    tcase_add_test(tc, test_failure_hostile);
    tcase_add_test(tc, test_failure_long_host);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
