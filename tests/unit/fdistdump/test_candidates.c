/* SPDX-License-Identifier: BSD-3-Clause */
/** The set of keys: each once, found again, in order, whatever their size. */
#include "candidates.h"
#include "suite_main.h"

#include <stdlib.h>
#include <string.h>

#define KEYS 5000u

/** Keys of every size; exact, so that sanitizers see reads behind them. */
static uint8_t *make_key(size_t size, unsigned number)
{
    uint8_t *key = malloc(size);

    for (size_t i = 0; i < size; i++) {
        key[i] = (uint8_t)(number >> (8 * (i % 2)));
    }
    return key;
}

START_TEST(test_keys)
{
    static const size_t sizes[] = {2, 7, 8, 9, 16, 37};
    const size_t size = sizes[_i];
    candidates_t *candidates = candidates_create(size);

    ck_assert_ptr_nonnull(candidates);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < KEYS; i++) {
            uint8_t *key = make_key(size, i);
            if (round == 0) {
                ck_assert_ptr_null(candidates_find(candidates, key));
            }
            struct candidate *candidate = candidates_add(candidates, key);
            ck_assert_ptr_nonnull(candidate);
            ck_assert_uint_eq(candidate->sum, round == 0 ? 0 : i);
            candidate->sum = i;
            ck_assert_ptr_eq(candidates_find(candidates, key), candidate);
            free(key);
        }
        ck_assert_uint_eq(candidates_count(candidates), KEYS);
        ck_assert_uint_ge(candidates_octets(candidates), KEYS * (size + sizeof(struct candidate)));
    }
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t *key = make_key(size, i);
        ck_assert_uint_eq(candidates_at(candidates, i)->sum, i);
        ck_assert_int_eq(memcmp(candidates_key(candidates, i), key, size), 0);
        free(key);
    }
    candidates_destroy(candidates);
}
END_TEST

/** What they take is never more than what was said before. */
START_TEST(test_octets)
{
    static const size_t sizes[] = {2, 16, 37};
    const size_t size = sizes[_i];
    candidates_t *candidates = candidates_create(size);

    ck_assert_uint_eq(candidates_octets(candidates), 0);
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t *key = make_key(size, i);
        ck_assert_ptr_nonnull(candidates_add(candidates, key));
        free(key);
        if (i >= 32) { /* the first ones get room for some more */
            ck_assert_uint_le(candidates_octets(candidates), candidates_memory(size, i + 1));
        }
    }
    candidates_destroy(candidates);
}
END_TEST

START_TEST(test_memory)
{
    ck_assert_uint_eq(candidates_memory(16, 0), 0);
    ck_assert_uint_ge(candidates_memory(16, 1000), 1000 * (16 + sizeof(struct candidate)));
    ck_assert_uint_eq(candidates_memory(16, UINT64_MAX), UINT64_MAX);
    candidates_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/candidates");
    TCase *tc = tcase_create("candidates");

    tcase_add_loop_test(tc, test_keys, 0, 6);
    tcase_add_loop_test(tc, test_octets, 0, 3);
    tcase_add_test(tc, test_memory);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
