/* SPDX-License-Identifier: BSD-3-Clause */
/** The table of fields: complete, consistent with the table of elements, found by every name. */
#include "element.h"
#include "field.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static unsigned type_octets(const struct lnf_field *field)
{
    switch (field->type) {
    case LNF_UINT8:
        return 1;
    case LNF_UINT16:
        return 2;
    case LNF_UINT32:
        return 4;
    default:
        return 8;
    }
}

START_TEST(test_ascending_and_found)
{
    int previous = 0;
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        ck_assert_int_gt(field->id, previous);
        previous = field->id;
        ck_assert_ptr_eq(lnf_field_get(field->id), field);
        ck_assert_ptr_eq(lnf_field_find(field->name, strlen(field->name)), field);
        ck_assert(strlen(field->description) > 0);
        if (field->alias != NULL) {
            ck_assert_ptr_eq(lnf_field_find(field->alias, strlen(field->alias)), field);
        }
        if (field->alias_id != 0) {
            ck_assert_ptr_eq(lnf_field_get(field->alias_id), field);
        }
        if (field->ipfix_name != NULL) {
            ck_assert_ptr_eq(lnf_field_find(field->ipfix_name, strlen(field->ipfix_name)), field);
            ck_assert_uint_gt(field->ipfix_id, 0);
        }
        ck_assert_int_eq(field->ipfix_name6 != NULL, field->ipfix_id6 != 0);
    }
}
END_TEST

START_TEST(test_every_public_field)
{
    for (int id = LNF_FLD_FIRST; id <= LNF_FLD_SAMPLER_ID; id++) {
        ck_assert_msg(lnf_field_get(id) != NULL, "field 0x%x", (unsigned)id);
    }
    for (int id = LNF_FLD_CALC_DURATION; id <= LNF_FLD_CALC_BPP; id++) {
        ck_assert_ptr_nonnull(lnf_field_get(id));
    }
    for (int id = LNF_FLD_PAIR_PORT; id <= LNF_FLD_PAIR_VLAN; id++) {
        const struct lnf_field *field = lnf_field_get(id);
        ck_assert_ptr_nonnull(field);
        ck_assert_int_eq(field->source, LNF_SOURCE_PAIR);
        const struct lnf_field *src = lnf_field_get(field->pair_src);
        const struct lnf_field *dst = lnf_field_get(field->pair_dst);
        ck_assert_int_eq(src->type, field->type);
        ck_assert_int_eq(dst->type, field->type);
    }
    ck_assert_ptr_nonnull(lnf_field_get(LNF_FLD_BREC1));
    ck_assert_ptr_null(lnf_field_get(LNF_FLD_ZERO_));
    ck_assert_ptr_null(lnf_field_get(-1));
    ck_assert_ptr_null(lnf_field_get(LNF_FLD_TERM_));
    ck_assert_ptr_null(lnf_field_get(0x62));
    ck_assert_ptr_null(lnf_field_get(0x10000));
}
END_TEST

START_TEST(test_places_inside_elements)
{
    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        if (field->source == LNF_SOURCE_HEADER) {
            ck_assert_uint_le(field->offset + field->width, LNF_RECORD_HEADER_SIZE);
        }
        if (field->source != LNF_SOURCE_ELEMENT || field->element == 0) {
            ck_assert_uint_eq(field->element, 0);
            continue;
        }
        const struct lnf_element *element = lnf_element_get(field->element);
        ck_assert_ptr_nonnull(element->name);
        ck_assert_msg(field->offset + field->width <= element->size, "%s", field->name);
        if (field->element6 != 0) {
            unsigned width6 = field->type == LNF_ADDR ? 16 : field->width;
            ck_assert_msg(field->offset6 + width6 <= lnf_element_get(field->element6)->size, "%s",
                          field->name);
        }
        if (field->type == LNF_UINT8 || field->type == LNF_UINT64) {
            ck_assert_msg(field->width == type_octets(field), "%s", field->name);
        }
    }
}
END_TEST

START_TEST(test_no_two_fields_share_octets)
{
    /* Names for the same octets on purpose: exporter and router, domain, event, ACL structs. */
    static const int twins[] = {LNF_FLD_EXPORTER_IP,         LNF_FLD_INGRESS_ACL,
                                LNF_FLD_EGRESS_ACL,          LNF_FLD_NFVERSION_,
                                LNF_FLD_OBSERVATION_DOMAIN_, 0};
    uint8_t used[LNF_ELEMENT_COUNT][128] = {{0}};

    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        bool twin = false;
        for (unsigned t = 0; twins[t] != 0; t++) {
            twin = twin || twins[t] == field->id;
        }
        if (field->element == 0 || twin) {
            continue;
        }
        for (unsigned o = field->offset; o < field->offset + field->width; o++) {
            ck_assert_msg(used[field->element][o]++ == 0, "%s at %u", field->name, o);
        }
    }
}
END_TEST

START_TEST(test_corrected_slips)
{
    ck_assert_int_eq(lnf_field_find("exporterip", 10)->id, LNF_FLD_EXPORTER_IP);
    ck_assert_int_eq(lnf_field_find("exporterid", 10)->id, LNF_FLD_EXPORTER_ID);
    ck_assert_int_eq(lnf_field_find("sequencefailures", 16)->id, LNF_FLD_SEQUENCE_FAILURES);
    ck_assert_int_eq(lnf_field_find("samplerinterval", 15)->id, LNF_FLD_SAMPLER_INTERVAL);
    ck_assert_int_eq(lnf_field_get(LNF_FLD_PAIR_IF)->pair_src, LNF_FLD_INPUT);
    ck_assert_int_eq(lnf_field_get(LNF_FLD_PAIR_IF)->type, LNF_UINT32);
    ck_assert_int_eq(lnf_field_get(LNF_FLD_ICMP_TYPE)->source, LNF_SOURCE_COMPUTED);
}
END_TEST

START_TEST(test_names_are_exact)
{
    ck_assert_ptr_null(lnf_field_find("srci", 4));
    ck_assert_ptr_null(lnf_field_find("SrcIP", 5));
    ck_assert_ptr_null(lnf_field_find("", 0));
    ck_assert_int_eq(lnf_field_find("srcip/24", 5)->id, LNF_FLD_SRCADDR);
    ck_assert_int_eq(lnf_field_find("sourceIPv6Address", 17)->id, LNF_FLD_SRCADDR);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("field");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, test_ascending_and_found);
    tcase_add_test(tc, test_every_public_field);
    tcase_add_test(tc, test_places_inside_elements);
    tcase_add_test(tc, test_no_two_fields_share_octets);
    tcase_add_test(tc, test_corrected_slips);
    tcase_add_test(tc, test_names_are_exact);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
