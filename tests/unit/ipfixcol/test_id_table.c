/* SPDX-License-Identifier: BSD-3-Clause */
/* Items by Template ID, and the accounts of what they occupy. */

#include "ipfix/id_table.h"

#include <check.h>
#include <stdlib.h>

static struct template_budget shared, budget;
static struct id_table table;

static void setup(void)
{
    shared = (struct template_budget){.limit = 1u << 20};
    budget = (struct template_budget){.limit = 1u << 20, .shared = &shared};
    id_table_init(&table, &budget, sizeof(uint64_t));
}

static void teardown(void)
{
    id_table_clear(&table);
    ck_assert_uint_eq(budget.used, 0);
    ck_assert_uint_eq(shared.used, 0);
}

static void put(uint16_t id, uint64_t value)
{
    void *item = NULL;
    ck_assert_int_eq(id_table_make(&table, id, &item), COL_OK);
    *(uint64_t *)item = value;
}

static uint64_t get(uint16_t id)
{
    const uint64_t *item = id_table_find(&table, id);
    return item == NULL ? 0 : *item;
}

START_TEST(first_and_last_id)
{
    ck_assert_ptr_null(id_table_find(&table, 0));
    ck_assert_ptr_null(id_table_find(&table, 65535));
    put(0, 1);
    put(65535, 2);
    put(256, 3);
    ck_assert_uint_eq(get(0), 1);
    ck_assert_uint_eq(get(65535), 2);
    ck_assert_uint_eq(get(256), 3);
    ck_assert_uint_eq(get(257), 0);
    put(256, 4);
    ck_assert_uint_eq(get(256), 4);
}
END_TEST

START_TEST(every_id_has_its_own_item)
{
    for (uint32_t id = 0; id < 65536; id++) {
        put((uint16_t)id, id + 1);
    }
    for (uint32_t id = 0; id < 65536; id++) {
        ck_assert_uint_eq(get((uint16_t)id), id + 1);
    }
}
END_TEST

START_TEST(walk_is_ascending_and_complete)
{
    static const uint16_t ids[] = {0, 15, 16, 1023, 1024, 40000, 65535};
    uint64_t *item;
    uint32_t id = 0, found = 0;

    ck_assert_ptr_null(id_table_next(&table, &id));
    for (size_t i = sizeof(ids) / sizeof(ids[0]); i > 0; i--) {
        put(ids[i - 1], ids[i - 1] + 1u);
    }
    while ((item = id_table_next(&table, &id)) != NULL) {
        if (*item != 0) {
            ck_assert_uint_eq(id, *item);
            ck_assert_uint_eq(id - 1, ids[found]);
            found++;
        }
    }
    ck_assert_uint_eq(found, sizeof(ids) / sizeof(ids[0]));
}
END_TEST

START_TEST(spread_ids_stay_cheap)
{
    for (uint32_t id = 256; id < 65536; id += 256) {
        put((uint16_t)id, id);
    }
    ck_assert_uint_lt(budget.used, 255 * 512);
}
END_TEST

START_TEST(either_budget_refuses)
{
    void *item;

    ck_assert(template_budget_take(&budget, (1u << 20) - 8));
    ck_assert_int_eq(id_table_make(&table, 256, &item), COL_ERR_MALFORMED);
    ck_assert(template_budget_take(&budget, 8));
    ck_assert(!template_budget_take(&budget, 1));
    ck_assert_uint_eq(shared.used, 1u << 20);

    /* A session that has taken nothing finds the input's account used up. */
    struct template_budget other = {.limit = 1u << 20, .shared = &shared};
    ck_assert(!template_budget_take(&other, 1));
    ck_assert_uint_eq(other.used, 0);
    template_budget_give(&budget, 1u << 20);
    ck_assert(template_budget_take(&other, 1));
    template_budget_give(&other, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("id_table");
    TCase *tcase = tcase_create("id_table");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, first_and_last_id);
    tcase_add_test(tcase, every_id_has_its_own_item);
    tcase_add_test(tcase, walk_is_ascending_and_complete);
    tcase_add_test(tcase, spread_ids_stay_cheap);
    tcase_add_test(tcase, either_budget_refuses);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
