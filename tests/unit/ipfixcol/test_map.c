/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash map: against a plain array as witness, removals included. */

#include "map.h"

#include <check.h>
#include <stdlib.h>

START_TEST(empty_map_finds_nothing)
{
    struct map map = {0};
    ck_assert_ptr_null(map_find(&map, 1));
    ck_assert_ptr_null(map_remove(&map, 1));
    map_clear(&map);
}
END_TEST

START_TEST(agrees_with_an_array)
{
    enum { KEYS = 700 };
    static char values[KEYS];
    bool there[KEYS] = {false};
    struct map map = {0};
    unsigned seed = 7;

    for (int step = 0; step < 20000; step++) {
        seed = seed * 1103515245u + 12345u;
        unsigned key = (seed >> 8) % KEYS;
        if ((seed >> 24) % 3 == 0) {
            ck_assert_ptr_eq(map_remove(&map, (uint64_t)key << 20),
                             there[key] ? &values[key] : NULL);
            there[key] = false;
        } else {
            ck_assert(map_put(&map, (uint64_t)key << 20, &values[key]));
            there[key] = true;
        }
    }
    size_t count = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        ck_assert_ptr_eq(map_find(&map, (uint64_t)key << 20), there[key] ? &values[key] : NULL);
        count += there[key];
    }
    ck_assert_uint_eq(map.count, count);
    map_clear(&map);
    ck_assert_uint_eq(map.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *tcase = tcase_create("map");
    tcase_add_test(tcase, empty_map_finds_nothing);
    tcase_add_test(tcase, agrees_with_an_array);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
