/* SPDX-License-Identifier: BSD-3-Clause */
/** Ordering of ranked rows at the sizes where the method changes, and the best N of them. */
#include "table.h"

#include <check.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 11;
}

/** Rows of two numbers: what ties are decided by, and the position they were added at. */
struct row {
    uint64_t second, position;
};

static struct lnf_store store;

static void setup(void)
{
    lnf_store_init(&store, sizeof(struct row));
    random_state = 1;
}

static void teardown(void)
{
    lnf_store_clear(&store);
}

static const struct row *row_at(uint64_t number)
{
    return (const void *)lnf_store_at(&store, number);
}

static void add_row(uint64_t second)
{
    ck_assert_int_eq(lnf_store_reserve(&store, 1), LNF_OK);
    struct row row = {second, store.count};
    memcpy(lnf_store_at(&store, store.count), &row, sizeof(row));
    store.count++;
}

static int tie(const lnf_query_t *query, const uint8_t *a, const uint8_t *b)
{
    uint64_t left = lnf_load_u64(a), right = lnf_load_u64(b);

    (void)query;
    return (left > right) - (left < right);
}

static uint64_t second(const lnf_query_t *query, const uint8_t *row)
{
    (void)query;
    return lnf_load_u64(row);
}

struct expected {
    uint64_t rank, second, number;
};

static int compare_expected(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;

    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if (x->second != y->second) {
        return x->second < y->second ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number); /* stable */
}

static const size_t sizes[] = {0,  1,   2,   3,   11,  12,  13,   24,
                               25, 100, 255, 256, 257, 300, 5000, 70000};

/** How ranks are made: all different, few, one, of few high bits, ascending, descending. */
static uint64_t make_rank(unsigned kind, size_t i, size_t count)
{
    switch (kind) {
    case 0:
        return next_random() * next_random();
    case 1:
        return next_random() % 3;
    case 2:
        return 7;
    case 3:
        return next_random() << 60;
    case 4:
        return i;
    case 5:
        return UINT64_MAX - i;
    default:
        return i < count / 2 ? 0 : next_random();
    }
}

#define KINDS 7

START_TEST(test_order)
{
    unsigned kind = (unsigned)_i % KINDS;
    size_t count = sizes[_i / KINDS];
    struct lnf_ranked *items = calloc(count + 1, sizeof(*items));
    struct expected *expected = calloc(count + 1, sizeof(*expected));

    for (int with_second = 0; with_second < 2; with_second++) {
        lnf_store_clear(&store);
        for (size_t i = 0; i < count; i++) {
            add_row(next_random() % (1 + count / 2));
            items[i] = (struct lnf_ranked){make_rank(kind, i, count), i};
            expected[i] = (struct expected){items[i].rank, row_at(i)->second, i};
        }
        qsort(expected, count, sizeof(*expected), compare_expected);
        ck_assert_int_eq(
            lnf_sort_ranked(NULL, &store, tie, with_second ? second : NULL, items, count), LNF_OK);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(items[i].number, expected[i].number);
        }
    }
    free(items);
    free(expected);
}
END_TEST

/** The best N as a table keeps them: pushed until full, then the worst is replaced. */
START_TEST(test_top)
{
    static const uint64_t limits[] = {1, 2, 3, 10, 64, 65, 500, 4000};
    uint64_t limit = limits[_i / KINDS];
    unsigned kind = (unsigned)_i % KINDS;
    size_t count = _i % 2 == 0 ? 3000 : 40, kept = limit < count ? (size_t)limit : count;
    struct expected *expected = calloc(count, sizeof(*expected));
    struct lnf_top top = {.store = &store, .tie = tie, .limit = limit};

    for (size_t i = 0; i < count; i++) {
        uint64_t rank = make_rank(kind, i, count);
        struct row row = {next_random() % (1 + count / 2), i};
        expected[i] = (struct expected){rank, row.second, 0};
        bool wanted = lnf_top_wants(&top, rank, (const uint8_t *)&row);
        if (top.count < limit) {
            ck_assert(wanted);
            add_row(row.second);
            ck_assert_int_eq(lnf_top_push(&top, rank, store.count - 1), LNF_OK);
        } else if (wanted) {
            uint64_t place = lnf_top_worst(&top);
            memcpy(lnf_store_at(&store, place), &row, sizeof(row));
            lnf_top_replace(&top, rank, place);
        }
        ck_assert_uint_le(top.count, limit);
    }
    ck_assert_uint_eq(top.count, kept);
    qsort(expected, count, sizeof(*expected), compare_expected);
    ck_assert_int_eq(lnf_sort_ranked(NULL, &store, tie, NULL, top.heap, top.count), LNF_OK);
    for (size_t i = 0; i < kept; i++) {
        ck_assert_uint_eq(row_at(top.heap[i].number)->second, expected[i].second);
    }
    free(top.heap);
    free(expected);
}
END_TEST

/** What is as good as the worst is not wanted: the first one stays. */
START_TEST(test_equal_is_not_wanted)
{
    struct lnf_top top = {.store = &store, .tie = tie, .limit = 2};
    struct row row = {5, 0};

    add_row(5);
    add_row(5);
    ck_assert_int_eq(lnf_top_push(&top, 9, 0), LNF_OK);
    ck_assert_int_eq(lnf_top_push(&top, 9, 1), LNF_OK);
    ck_assert(!lnf_top_wants(&top, 9, (const uint8_t *)&row));
    ck_assert(!lnf_top_wants(&top, 10, (const uint8_t *)&row));
    ck_assert(lnf_top_wants(&top, 8, (const uint8_t *)&row));
    row.second = 4;
    ck_assert(lnf_top_wants(&top, 9, (const uint8_t *)&row));
    free(top.heap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/sort");
    TCase *tc = tcase_create("sort");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_order, 0, KINDS * sizeof(sizes) / sizeof(sizes[0]));
    tcase_add_loop_test(tc, test_top, 0, 8 * KINDS);
    tcase_add_test(tc, test_equal_is_not_wanted);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
