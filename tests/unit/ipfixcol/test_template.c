/* SPDX-License-Identifier: BSD-3-Clause */
/* Template Records: every length cut, the limits, and the walk over records. */

#include "collector_support.h"
#include "ipfix/decoder.h"
#include "ipfix/template.h"

#include <ipfixcol/message.h>

/* Two fixed fields, one of an enterprise between them, a variable one, a fixed one. */
static const uint8_t mixed[] = {0x01, 0x00, 0, 4,    0,    8,   0, 4, 0x80, 1, 0xff, 0xff,
                                0,    0,    0, 0x09, 0x00, 210, 0, 2, 0,    4, 0,    1};

static const char *read_spec(const uint8_t *octets, size_t length, uint16_t set_id,
                             struct template_spec *spec)
{
    struct lnf_reader r = lnf_reader_init(octets, length);
    return template_spec_read(&r, set_id, spec);
}

static struct ipfix_template *make(const uint8_t *octets, size_t length, uint16_t set_id)
{
    struct template_spec spec;
    const char *why;

    ck_assert_ptr_null(read_spec(octets, length, set_id, &spec));
    struct ipfix_template *tmplt = template_create(&spec, NULL, &why);
    ck_assert_msg(tmplt != NULL, "%s", why);
    return tmplt;
}

START_TEST(each_length_cut_short)
{
    struct template_spec spec;

    ck_assert_ptr_null(read_spec(mixed, sizeof(mixed), IPFIX_SET_TEMPLATE, &spec));
    ck_assert_uint_eq(spec.id, 256);
    ck_assert_uint_eq(spec.definition_length, sizeof(mixed) - 4);
    for (size_t length = 0; length < sizeof(mixed); length++) {
        uint8_t *copy = malloc(length + 1); /* sanitizers see a read behind it */
        memcpy(copy, mixed, length);
        uint8_t *exact = realloc(copy, length > 0 ? length : 1);
        ck_assert_ptr_nonnull(read_spec(exact, length, IPFIX_SET_TEMPLATE, &spec));
        free(exact);
    }
}
END_TEST

START_TEST(fields_and_offsets)
{
    struct ipfix_template *t = make(mixed, sizeof(mixed), IPFIX_SET_TEMPLATE);

    ck_assert(t->variable_length);
    ck_assert_uint_eq(t->field_count, 4);
    ck_assert_uint_eq(t->record_length, 4 + 1 + 2 + 1);
    ck_assert_uint_eq(t->fields[0].offset, 0);
    ck_assert_uint_eq(t->fields[1].pen, 9);
    ck_assert_uint_eq(t->fields[1].id, 1);
    ck_assert_uint_eq(t->fields[1].offset, 4);
    ck_assert_uint_eq(t->fields[2].offset, IPFIX_OFFSET_UNKNOWN);
    ck_assert_ptr_eq(ipfix_template_find(t, 9, 1), &t->fields[1]);
    ck_assert_ptr_null(ipfix_template_find(t, 0, 1));
    ipfix_template_unref(t);
}
END_TEST

START_TEST(records_are_measured_and_never_run_past_the_end)
{
    struct ipfix_template *t = make(mixed, sizeof(mixed), IPFIX_SET_TEMPLATE);
    uint8_t record[4 + 3 + 300 + 3] = {0};

    record[4] = 5;
    ck_assert_uint_eq(template_record_length(t, record, record + sizeof(record)), 4 + 1 + 5 + 3);
    for (size_t room = 0; room < 13; room++) {
        ck_assert_uint_eq(template_record_length(t, record, record + room), 0);
    }
    ck_assert_uint_eq(template_record_length(t, record, record + 13), 13);

    record[4] = 255;
    record[5] = 300 >> 8;
    record[6] = 300 & 255;
    ck_assert_uint_eq(template_record_length(t, record, record + sizeof(record)), sizeof(record));
    ck_assert_uint_eq(template_record_length(t, record, record + sizeof(record) - 1), 0);
    ck_assert_uint_eq(template_record_length(t, record, record + 6), 0);
    ipfix_template_unref(t);
}
END_TEST

static const struct refusal {
    const char *why;
    uint16_t set_id;
    uint8_t octets[12];
} refusals[] = {
    {"reserved template id", 2, {0, 255, 0, 1, 0, 8, 0, 4}},
    {"no scope field", 3, {1, 0, 0, 1, 0, 0, 0, 8, 0, 4}},
    {"more scope fields than fields", 3, {1, 0, 0, 1, 0, 2, 0, 8, 0, 4}},
    {"bad template count", 2, {1, 0, 0, 3, 0, 8, 0, 4, 0, 12, 0, 4}},
};

START_TEST(refused_definitions)
{
    const struct refusal *r = &refusals[_i];
    struct template_spec spec;
    const char *why = read_spec(r->octets, sizeof(r->octets), r->set_id, &spec);

    ck_assert_ptr_nonnull(why);
    ck_assert_str_eq(why, r->why);
    ck_assert_uint_eq(spec.id, _i == 0 ? 255 : 256);
}
END_TEST

START_TEST(withdrawals_end_after_the_count)
{
    static const uint8_t octets[] = {1, 4, 0, 0, 0xff};
    struct template_spec spec;
    struct lnf_reader r = lnf_reader_init(octets, sizeof(octets));

    ck_assert_ptr_null(template_spec_read(&r, IPFIX_SET_OPTIONS_TEMPLATE, &spec));
    ck_assert_uint_eq(spec.id, 260);
    ck_assert_uint_eq(spec.field_count, 0);
    ck_assert_uint_eq(lnf_reader_left(&r), 1);
}
END_TEST

START_TEST(records_longer_than_a_message_are_refused)
{
    static const uint8_t octets[] = {1, 0, 0, 2, 0, 210, 0xff, 0xfe, 0, 210, 0xff, 0xfe};
    struct template_spec spec;
    const char *why = NULL;

    ck_assert_ptr_null(read_spec(octets, sizeof(octets), IPFIX_SET_TEMPLATE, &spec));
    ck_assert_ptr_null(template_create(&spec, NULL, &why));
    ck_assert_str_eq(why, "records longer than a message");
}
END_TEST

START_TEST(many_empty_fields_are_refused)
{
    uint8_t octets[4 + 4 * (TEMPLATE_EMPTY_FIELD_MAX + 1)] = {1, 0, 0, TEMPLATE_EMPTY_FIELD_MAX};
    struct template_spec spec;
    const char *why = NULL;

    ck_assert_ptr_null(read_spec(octets, sizeof(octets), IPFIX_SET_TEMPLATE, &spec));
    struct ipfix_template *t = template_create(&spec, NULL, &why);
    ck_assert_ptr_nonnull(t);
    ipfix_template_unref(t);
    octets[3]++;
    ck_assert_ptr_null(read_spec(octets, sizeof(octets), IPFIX_SET_TEMPLATE, &spec));
    ck_assert_ptr_null(template_create(&spec, NULL, &why));
    ck_assert_str_eq(why, "too many fields without octets");
}
END_TEST

START_TEST(repeated_elements_are_marked)
{
    static const uint8_t octets[] = {1, 0, 0, 4, 0,    8, 0, 4, 0, 12, 0, 4,
                                     0, 8, 0, 4, 0x80, 8, 0, 4, 0, 0,  0, 7};
    struct ipfix_template *t = make(octets, sizeof(octets), IPFIX_SET_TEMPLATE);

    ck_assert(!t->fields[0].repeated);
    ck_assert(!t->fields[1].repeated);
    ck_assert(t->fields[2].repeated);
    ck_assert(!t->fields[3].repeated); /* same number, another enterprise */
    ipfix_template_unref(t);
}
END_TEST

START_TEST(equality_ignores_ids)
{
    uint8_t other[sizeof(mixed)];
    struct template_spec spec;

    memcpy(other, mixed, sizeof(other));
    other[1] = 9;
    struct ipfix_template *a = make(mixed, sizeof(mixed), IPFIX_SET_TEMPLATE);
    struct ipfix_template *b = make(other, sizeof(other), IPFIX_SET_TEMPLATE);
    ck_assert(ipfix_template_equal(a, b));
    ck_assert_uint_ne(a->serial, b->serial);
    ck_assert_ptr_null(read_spec(other, sizeof(other), IPFIX_SET_TEMPLATE, &spec));
    ck_assert(template_matches(b, &spec));
    ck_assert(!template_matches(a, &spec)); /* another id */

    other[7] = 8; /* another length */
    struct ipfix_template *c = make(other, sizeof(other), IPFIX_SET_TEMPLATE);
    ck_assert(!ipfix_template_equal(a, c));
    ipfix_template_unref(a);
    ipfix_template_unref(b);
    ipfix_template_unref(c);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("template");
    tcase_add_test(tcase, each_length_cut_short);
    tcase_add_test(tcase, fields_and_offsets);
    tcase_add_test(tcase, records_are_measured_and_never_run_past_the_end);
    tcase_add_loop_test(tcase, refused_definitions, 0, sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(tcase, withdrawals_end_after_the_count);
    tcase_add_test(tcase, records_longer_than_a_message_are_refused);
    tcase_add_test(tcase, many_empty_fields_are_refused);
    tcase_add_test(tcase, repeated_elements_are_marked);
    tcase_add_test(tcase, equality_ignores_ids);
    return support_run(tcase, "template");
}
