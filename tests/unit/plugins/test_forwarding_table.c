/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables and queues of the forwarding plugin, each against a plain array as witness. */

#include "item_queue.h"
#include "ipfix_build.h"
#include "table.h"

#include <check.h>

/* ---- table ----------------------------------------------------------------------------------- */

static unsigned freed;

static void count_freed(void *value)
{
    (void)value;
    freed++;
}

START_TEST(table_agrees_with_an_array)
{
    enum { KEYS = 500 };
    static char values[KEYS];
    bool there[KEYS] = {false};
    struct table table = {0};
    unsigned seed = 3;

    ck_assert_ptr_null(table_find(&table, 1, 2));
    ck_assert_ptr_null(table_remove(&table, 1, 2));
    for (int step = 0; step < 20000; step++) {
        seed = seed * 1103515245u + 12345u;
        unsigned key = (seed >> 8) % KEYS;
        /* Half of the keys differ only in their second part. */
        uint64_t first = key / 2;
        uint32_t part = key % 2;
        if ((seed >> 24) % 3 == 0) {
            ck_assert_ptr_eq(table_remove(&table, first, part), there[key] ? &values[key] : NULL);
            there[key] = false;
        } else {
            ck_assert(table_put(&table, first, part, &values[key]));
            there[key] = true;
        }
    }
    size_t count = 0, walked = 0, at = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        ck_assert_ptr_eq(table_find(&table, key / 2, key % 2), there[key] ? &values[key] : NULL);
        count += there[key];
    }
    while (table_next(&table, &at) != NULL) {
        walked++;
    }
    ck_assert_uint_eq(table.count, count);
    ck_assert_uint_eq(walked, count);
    table_clear(&table, count_freed);
    ck_assert_uint_eq(freed, count);
    ck_assert_uint_eq(table.count, 0);
}
END_TEST

/* Where keys go is different in every table: nobody can choose keys that go to one place. */
START_TEST(tables_do_not_place_keys_alike)
{
    enum { KEYS = 1000 };
    static char values[KEYS];
    struct table tables[2] = {{0}, {0}};
    size_t at[2] = {0, 0};
    unsigned alike = 0;

    for (unsigned i = 0; i < KEYS; i++) {
        ck_assert(table_put(&tables[0], i, _i == 0 ? 0 : i, &values[i]));
        ck_assert(table_put(&tables[1], i, _i == 0 ? 0 : i, &values[i]));
    }
    for (unsigned i = 0; i < KEYS; i++) {
        alike += table_next(&tables[0], &at[0]) == table_next(&tables[1], &at[1]);
    }
    ck_assert_uint_lt(alike, KEYS / 10);
    table_clear(&tables[0], NULL);
    table_clear(&tables[1], NULL);
}
END_TEST

/* Many keys that differ in some bits only are found with few steps, whatever the secret. */
START_TEST(keys_of_every_kind_are_spread)
{
    enum { KEYS = 20000 };
    static char value;
    struct table table = {0};
    size_t run = 0, longest = 0;

    for (uint64_t i = 0; i < KEYS; i++) {
        ck_assert(table_put(&table, _i == 64 ? 7 : i << _i, _i == 64 ? (uint32_t)i : 0, &value));
    }
    for (size_t i = 0; i < table.size; i++) {
        run = table.slots[i].value == NULL ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    ck_assert_uint_lt(longest, 300);
    table_clear(&table, NULL);
}
END_TEST

/* ---- item queue ------------------------------------------------------------------------------ */

START_TEST(queue_agrees_with_an_array)
{
    enum { MOST = 2000 };
    uint32_t wanted[2 * MOST + 1]; /* from `first` on */
    size_t first = MOST, count = 0;
    struct item_queue queue = {0};
    unsigned seed = 11;

    for (uint32_t step = 1; step < 30000; step++) {
        struct item item = {.records = step};
        seed = seed * 1103515245u + 12345u;
        switch ((seed >> 20) % 5) {
        case 0:
        case 1:
            if (first + count < 2 * MOST) {
                ck_assert(item_queue_push(&queue, &item));
                wanted[first + count++] = step;
            }
            break;
        case 2:
            if (first > 0) {
                ck_assert(item_queue_push_front(&queue, &item));
                wanted[--first] = step;
                count++;
            }
            break;
        case 3:
            if (count > 0) {
                ck_assert_uint_eq(item_queue_pop(&queue).records, wanted[first++]);
                count--;
            }
            break;
        default:
            if (count > 0) {
                ck_assert_uint_eq(item_queue_pop_back(&queue).records, wanted[first + --count]);
            }
        }
        ck_assert_uint_eq(queue.count, count);
        if (count == 0) {
            first = MOST;
        }
    }
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(item_queue_at(&queue, i)->records, wanted[first + i]);
    }
    while (queue.count > 0) {
        (void)item_queue_pop(&queue);
    }
    item_queue_clear(&queue);
}
END_TEST

START_TEST(records_of_what_is_left)
{
    static struct ipfix_build build;
    ipfix_decoder_t *decoder = build_decoder(IPFIX_TRANSPORT_TCP);
    struct item_queue queue = {0};

    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 0);
    build_data(&build, 256, 0, 10, 0);
    build_data(&build, 999, 0, 5, 0); /* no template: no records */
    build_data(&build, 256, 10, 4, 0);
    struct item item = {.message = build_decode(&build, decoder)};
    ck_assert_ptr_nonnull(item.message);

    ck_assert_uint_eq(item_records(&item), 14);
    item.from = (struct cursor){.set = 1, .record = 3, .offset = 12};
    ck_assert_uint_eq(item_records(&item), 11);
    item.from = (struct cursor){.set = 3};
    ck_assert_uint_eq(item_records(&item), 4);
    item.from = (struct cursor){.set = 4};
    ck_assert_uint_eq(item_records(&item), 0);
    ck_assert_uint_gt(item_cost(&item), item.message->length);

    ck_assert(item_queue_push(&queue, &item));
    item_queue_clear(&queue); /* drops the reference */
    ipfix_decoder_destroy(decoder);
    build_forget_dictionary();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("table");
    tcase_add_test(tests, table_agrees_with_an_array);
    tcase_add_loop_test(tests, tables_do_not_place_keys_alike, 0, 2);
    tcase_add_loop_test(tests, keys_of_every_kind_are_spread, 0, 48);
    tcase_add_loop_test(tests, keys_of_every_kind_are_spread, 64, 65);
    tcase_add_test(tests, queue_agrees_with_an_array);
    tcase_add_test(tests, records_of_what_is_left);
    Suite *suite = suite_create("forwarding_table");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
