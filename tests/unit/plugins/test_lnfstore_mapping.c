/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of Information Elements: complete, in order, IANA's only. */

#include "mapping.h"

#include <check.h>
#include <libnf.h>
#include <stdlib.h>

/* Every element version 1 stored. */
static const uint16_t required[] = {
    1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,
    18,  23,  24,  27,  28,  29,  30,  38,  39,  55,  56,  57,  58,  59,  61,  62,  63,
    80,  81,  89,  128, 129, 130, 131, 148, 150, 151, 152, 153, 154, 155, 156, 157, 176,
    177, 178, 179, 225, 226, 227, 228, 230, 233, 234, 235, 258, 281, 282};

START_TEST(everything_version_1_stored)
{
    const struct mapping *m = mapping_find(0, required[_i]);
    ck_assert_msg(m != NULL, "element %u", required[_i]);
    ck_assert_uint_eq(m->element, required[_i]);
}
END_TEST

START_TEST(every_row_is_found_and_storable)
{
    unsigned rows = 0;

    for (unsigned element = 0; element <= 32767; element++) {
        const struct mapping *m = mapping_find(0, (uint16_t)element);
        if (m == NULL) {
            continue;
        }
        rows++;
        ck_assert_uint_eq(m->element, element);
        ck_assert_ptr_null(mapping_find(29305, (uint16_t)element));
        ck_assert_ptr_null(mapping_find(1, (uint16_t)element));
    }
    ck_assert_uint_ge(rows, sizeof(required) / sizeof(required[0]));
    /* A row out of order would hide others from the search. */
    ck_assert_ptr_null(mapping_find(0, 210)); /* padding */
    ck_assert_ptr_null(mapping_find(0, 0));
    ck_assert_ptr_null(mapping_find(0, 32767));
}
END_TEST

START_TEST(fields)
{
    static const struct {
        uint16_t element;
        int field;
        enum mapping_kind kind;
    } rows[] = {
        {1, LNF_FLD_DOCTETS, MAPPING_UINT},    {2, LNF_FLD_DPKTS, MAPPING_UINT},
        {4, LNF_FLD_PROT, MAPPING_UINT},       {6, LNF_FLD_TCP_FLAGS, MAPPING_UINT},
        {7, LNF_FLD_SRCPORT, MAPPING_UINT},    {8, LNF_FLD_SRCADDR, MAPPING_IPV4},
        {11, LNF_FLD_DSTPORT, MAPPING_UINT},   {28, LNF_FLD_DSTADDR, MAPPING_IPV6},
        {56, LNF_FLD_IN_SRC_MAC, MAPPING_MAC}, {152, LNF_FLD_FIRST, MAPPING_UINT},
        {150, LNF_FLD_FIRST, MAPPING_SECONDS}, {155, LNF_FLD_LAST, MAPPING_NTP},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct mapping *m = mapping_find(0, rows[i].element);
        ck_assert_ptr_nonnull(m);
        ck_assert_int_eq(m->field, rows[i].field);
        ck_assert_int_eq(m->kind, rows[i].kind);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("mapping");
    tcase_add_loop_test(tests, everything_version_1_stored, 0,
                        sizeof(required) / sizeof(required[0]));
    tcase_add_test(tests, every_row_is_found_and_storable);
    tcase_add_test(tests, fields);
    Suite *suite = suite_create("lnfstore_mapping");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
