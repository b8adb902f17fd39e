/* SPDX-License-Identifier: BSD-3-Clause */
/** The table of elements and which lengths are usable. */
#include "element.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_catalogue)
{
    for (unsigned id = 1; id <= 42; id++) {
        ck_assert_ptr_nonnull(lnf_element_get((uint16_t)id)->name);
    }
    ck_assert_ptr_null(lnf_element_get(0)->name);
    ck_assert_ptr_null(lnf_element_get(43)->name);
    ck_assert_ptr_null(lnf_element_get(LNF_ELEMENT_COUNT)->name);
    ck_assert_ptr_null(lnf_element_get(UINT16_MAX)->name);
}
END_TEST

START_TEST(test_usable_lengths)
{
    for (unsigned id = 1; id <= 42; id++) {
        size_t size = lnf_element_get((uint16_t)id)->size;
        ck_assert(lnf_element_usable((uint16_t)id, size));
        ck_assert(lnf_element_usable((uint16_t)id, size + 1));
        ck_assert(size == 0 || !lnf_element_usable((uint16_t)id, size - 1));
    }
    ck_assert(!lnf_element_usable(0, 100));
    ck_assert(!lnf_element_usable(63, 100));
    ck_assert(!lnf_element_usable(64, 100));
    /* NAT events of early 1.7 files: longer, other fields. */
    ck_assert(!lnf_element_usable(LNF_ELEMENT_NAT_EVENT, 24));
    ck_assert(lnf_element_usable(LNF_ELEMENT_NAT_EVENT, 16));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("element");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, test_catalogue);
    tcase_add_test(tc, test_usable_lengths);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
