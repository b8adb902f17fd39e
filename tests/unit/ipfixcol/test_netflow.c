/* SPDX-License-Identifier: BSD-3-Clause */
/* NetFlow v5 and v9 become IPFIX. The builder's headers say: up 100000 ms at second 1000. */
#include "decoder_fixture.h"

#include <ipfixcol/record.h>
#include <check.h>

static struct decoder_fixture udp;
static struct message_builder b;

static void setup(void)
{
    fixture_init(&udp, IPFIX_TRANSPORT_UDP,
                 &(struct ipfix_template_lifetimes){.template_s = 10, .template_messages = 5});
}

static void teardown(void)
{
    fixture_clear(&udp);
}

/* A field of the first record of a Data Set. */
static uint64_t field_of(const struct ipfix_set *set, uint16_t id)
{
    struct ipfix_record_iter iter;
    struct ipfix_record record;
    struct ipfix_field field;
    ipfix_record_iter_init(&iter, set);
    ck_assert(ipfix_record_next(&iter, &record));
    ck_assert_msg(ipfix_record_find(&record, 0, id, &field), "no element %u", id);
    return ipfix_field_uint(field.octets, field.length);
}

/* First record of the last Data Set, and a field of it. */
static uint64_t first_field(const struct ipfix_message *m, uint16_t id)
{
    uint32_t last = m->set_count - 1;
    while (last > 0 && m->sets[last].id < IPFIX_SET_DATA_MIN) {
        last--;
    }
    return field_of(&m->sets[last], id);
}

/* ---- v5 -------------------------------------------------------------------------------------- */

static void v5_record(uint32_t first_ms, uint32_t last_ms)
{
    message_u32(&b, 0xC0000201);
    message_u32(&b, 0xC0000202);
    message_u32(&b, 0xC0000203);
    message_u16s(&b, 2, 11, 12);
    message_u32(&b, 1000);
    message_u32(&b, 64000);
    message_u32(&b, first_ms);
    message_u32(&b, last_ms);
    message_u16s(&b, 2, 4711, 53);
    message_u8(&b, 0);
    message_u8(&b, 0x1B);
    message_u8(&b, 17);
    message_u8(&b, 0x20);
    message_u16s(&b, 2, 64500, 64501);
    message_u8(&b, 24);
    message_u8(&b, 25);
    message_u16s(&b, 1, 0);
}

START_TEST(v5_fields)
{
    static const struct {
        uint16_t id;
        uint64_t value;
    } expected[] = {
        {8, 0xC0000201}, {12, 0xC0000202}, {15, 0xC0000203}, {10, 11},      {14, 12},
        {2, 1000},       {1, 64000},       {7, 4711},        {11, 53},      {6, 0x1B},
        {4, 17},         {5, 0x20},        {16, 64500},      {17, 64501},   {9, 24},
        {13, 25},        {34, 100},        {35, 1},          {152, 990500}, {153, 1000500},
    };
    message_start_v5(&b, 1, 77);
    v5_record(90000, 100000);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->original_version, 5);
    ck_assert_uint_eq(m->domain_id, 0x0102);
    ck_assert_uint_eq(m->sequence, 77);
    ck_assert_uint_eq(m->export_time_s, 1000);
    ck_assert_uint_eq(m->data_record_count, 1);
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        ck_assert_uint_eq(first_field(m, expected[i].id), expected[i].value);
    }
    ipfix_message_unref(m);
}
END_TEST

START_TEST(v5_times_wrap)
{
    message_start_v5(&b, 1, 0);
    v5_record(0xFFFFFFFF, 100001); /* before the counter wrapped; and a little in the future */
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(first_field(m, 152), 1000500 - 100001);
    ck_assert_uint_eq(first_field(m, 153), 1000501);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(v5_counts_that_lie)
{
    for (unsigned count = 0; count < 5; count++) {
        message_start_v5(&b, (uint16_t)count, 0);
        v5_record(1, 1);
        v5_record(1, 1);
        struct ipfix_message *m = fixture_decode(&udp, &b);
        if (count == 0) {
            ck_assert_ptr_null(m);
        } else {
            ck_assert_uint_eq(m->data_record_count, count < 2 ? count : 2);
        }
        ipfix_message_unref(m);
    }
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_CONVERSION], 3); /* 0, 3 and 4 */
}
END_TEST

START_TEST(v5_every_cut)
{
    message_start_v5(&b, 2, 0);
    v5_record(1, 1);
    v5_record(1, 1);
    for (size_t length = 2; length < b.length; length++) {
        struct ipfix_message *m = fixture_decode_octets(&udp, b.octets, length);
        ck_assert_uint_eq(m == NULL ? 0 : m->data_record_count, length >= 72 ? 1 : 0);
        ipfix_message_unref(m);
    }
}
END_TEST

START_TEST(v5_too_many_records)
{
    message_start_v5(&b, 1300, 0);
    for (unsigned i = 0; i < 1300; i++) {
        v5_record(1, 1);
    }
    ck_assert_ptr_null(fixture_decode(&udp, &b));
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_CONVERSION], 1);
}
END_TEST

START_TEST(v5_template_is_sent_again_before_it_expires)
{
    unsigned templates = 0;
    for (unsigned i = 0; i < 20; i++) {
        message_start_v5(&b, 1, i);
        v5_record(1, 1);
        struct ipfix_message *m = fixture_decode(&udp, &b);
        ck_assert_uint_eq(m->data_record_count, 1);
        templates += m->change_count;
        ipfix_message_unref(m);
    }
    ck_assert_uint_eq(templates, 4); /* every 5 messages */
    for (unsigned i = 0; i < 4; i++) {
        udp.now_ms += 10000;
        message_start_v5(&b, 1, 20 + i);
        v5_record(1, 1);
        struct ipfix_message *m = fixture_decode(&udp, &b);
        ck_assert_uint_eq(m->data_record_count, 1);
        ck_assert_uint_eq(m->change_count, 1);
        ipfix_message_unref(m);
    }
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_TEMPLATE_EXPIRED], 0);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_SEQUENCE], 0);
}
END_TEST

START_TEST(v5_loss)
{
    size_t count;
    message_start_v5(&b, 1, 100);
    v5_record(1, 1);
    ipfix_message_unref(fixture_decode(&udp, &b));
    message_start_v5(&b, 1, 111);
    v5_record(1, 1);
    ipfix_message_unref(fixture_decode(&udp, &b));
    ck_assert_uint_eq(ipfix_decoder_accounts(udp.decoder, &count)[0].lost_records, 10);
}
END_TEST

/* ---- v9 -------------------------------------------------------------------------------------- */

START_TEST(v9_times_become_absolute)
{
    /* Not adjacent, not in order, one of them twice as long as usual. */
    message_start_v9(&b, 9, 5);
    message_set(&b, 0);
    message_u16s(&b, 12, 300, 5, 21, 4, 8, 4, 22, 4, 2, 4, 22, 8);
    message_set(&b, 300);
    for (unsigned i = 0; i < 2; i++) {
        message_u32(&b, 99000);
        message_u32(&b, 0xC0000201);
        message_u32(&b, 0xFFFFFFFF);
        message_u32(&b, 5);
        message_fill(&b, 0, 8);
    }
    message_fill(&b, 0, 2);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->original_version, 9);
    ck_assert_uint_eq(m->domain_id, 9);
    ck_assert_uint_eq(m->sequence, 0);
    ck_assert_uint_eq(m->data_record_count, 2);
    ck_assert_uint_eq(first_field(m, 153), 999000);
    ck_assert_uint_eq(first_field(m, 152), 1000000 - 100001);
    ck_assert_uint_eq(first_field(m, 8), 0xC0000201);
    ck_assert_uint_eq(first_field(m, 2), 5);
    ck_assert_uint_eq(m->changes[0].tmplt->fields[4].id, 22);
    ck_assert_uint_eq(m->changes[0].tmplt->record_length, 32);
    ipfix_message_unref(m);

    message_start_v9(&b, 9, 6); /* the template is remembered, and the records are counted */
    message_set(&b, 300);
    message_u32(&b, 100000);
    message_fill(&b, 1, 20);
    m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->sequence, 2);
    ck_assert_uint_eq(first_field(m, 153), 1000000);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_SEQUENCE], 0);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(v9_sources_are_apart)
{
    message_start_v9(&b, 1, 0);
    message_set(&b, 0);
    message_u16s(&b, 4, 300, 1, 21, 4);
    ipfix_message_unref(fixture_decode(&udp, &b));
    message_start_v9(&b, 2, 0);
    message_set(&b, 0);
    message_u16s(&b, 4, 300, 1, 8, 4);
    message_set(&b, 300);
    message_u32(&b, 77);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->data_record_count, 1);
    ck_assert_uint_eq(first_field(m, 8), 77);
    ipfix_message_unref(m);
    message_start_v9(&b, 1, 1); /* a definition without times replaces one with times */
    message_set(&b, 0);
    message_u16s(&b, 4, 300, 1, 12, 4);
    message_set(&b, 300);
    message_u32(&b, 78);
    m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(first_field(m, 12), 78);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(v9_data_before_its_template)
{
    message_start_v9(&b, 1, 0);
    message_set(&b, 300);
    message_u32(&b, 100000);
    message_set(&b, 0);
    message_u16s(&b, 4, 300, 1, 21, 4);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->data_record_count, 1);
    ck_assert_uint_eq(first_field(m, 153), 1000000);
    ipfix_message_unref(m);
}
END_TEST

/* Records before a template that replaces theirs are still of the old one. */
START_TEST(v9_template_replaced_between_data)
{
    message_start_v9(&b, 1, 0);
    message_set(&b, 0);
    message_u16s(&b, 6, 300, 2, 21, 4, 1, 4);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ipfix_message_unref(m);

    message_start_v9(&b, 1, 1);
    message_set(&b, 300);
    message_u32(&b, 99000);
    message_u32(&b, 7);
    message_set(&b, 0);
    message_u16s(&b, 4, 300, 1, 1, 4);
    message_set(&b, 300);
    message_u32(&b, 8);
    message_set(&b, 0);
    message_u16s(&b, 6, 300, 2, 1, 4, 22, 4);
    message_set(&b, 300);
    message_u32(&b, 9);
    message_u32(&b, 98000);
    m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->set_count, 5);
    ck_assert_uint_eq(m->data_record_count, 3);
    ck_assert_uint_eq(field_of(&m->sets[0], 153), 999000);
    ck_assert_uint_eq(field_of(&m->sets[0], 1), 7);
    ck_assert_uint_eq(field_of(&m->sets[2], 1), 8);
    ck_assert_uint_eq(field_of(&m->sets[4], 1), 9);
    ck_assert_uint_eq(field_of(&m->sets[4], 152), 998000);
    ipfix_message_unref(m);
}
END_TEST

/* The template that follows such records first is theirs, whatever replaces it still. */
START_TEST(v9_early_data_before_two_templates)
{
    message_start_v9(&b, 1, 0);
    message_set(&b, 300);
    message_u32(&b, 99000);
    message_u32(&b, 7);
    message_set(&b, 0);
    message_u16s(&b, 6, 300, 2, 21, 4, 1, 4);
    message_set(&b, 0);
    message_u16s(&b, 4, 300, 1, 1, 4);
    message_set(&b, 300);
    message_u32(&b, 8);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->set_count, 4);
    ck_assert_uint_eq(m->data_record_count, 2);
    ck_assert_uint_eq(field_of(&m->sets[0], 153), 999000);
    ck_assert_uint_eq(field_of(&m->sets[0], 1), 7);
    ck_assert_uint_eq(field_of(&m->sets[3], 1), 8);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(v9_options)
{
    message_start_v9(&b, 1, 0);
    message_set(&b, 1);
    message_u16s(&b, 3, 400, 20, 8);
    message_u16s(&b, 10, 1, 4, 2, 4, 3, 4, 5, 2, 4, 2);
    message_u16s(&b, 4, 34, 4, 0x8001, 1);
    message_u16s(&b, 1, 0); /* padding */
    message_set(&b, 400);
    message_fill(&b, 7, 21);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->change_count, 1);
    const struct ipfix_template *t = m->changes[0].tmplt;
    static const uint16_t ids[] = {144, 10, 141, 145, 4, 34, 1};
    static const uint32_t pens[] = {0, 0, 0, 0, 0xFFFFFFFF, 0, 0xFFFFFFFF};
    ck_assert_uint_eq(t->set_id, 3);
    ck_assert_uint_eq(t->scope_field_count, 5);
    ck_assert_uint_eq(t->field_count, 7);
    for (unsigned i = 0; i < 7; i++) {
        ck_assert_uint_eq(t->fields[i].id, ids[i]);
        ck_assert_uint_eq(t->fields[i].pen, pens[i]);
    }
    ck_assert_uint_eq(m->data_record_count, 1);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(v9_bad_templates)
{
    static const int bad[][8] = {
        {0, 255, 1, 8, 4},          /* reserved id */
        {0, 300, 0, 8, 4},          /* no fields */
        {0, 300, 9, 8, 4},          /* more fields than there are */
        {0, 300, 1, 8, 65535},      /* longer than a message */
        {1, 300, 3, 4, 1, 4, 8, 4}, /* lengths that are no multiples of 4 */
        {1, 300, 8, 65532, 1, 4, 8, 4},
    };
    for (unsigned i = 0; i < 6; i++) {
        message_start_v9(&b, 1, i);
        message_set(&b, (uint16_t)bad[i][0]);
        for (unsigned v = 1; v < 8; v++) {
            message_u16s(&b, 1, bad[i][v]);
        }
        struct ipfix_message *m = fixture_decode(&udp, &b);
        ck_assert_uint_eq(m->change_count, 0);
        ck_assert_uint_ge(udp.events[IPFIX_EVENT_BAD_TEMPLATE], i + 1);
        ipfix_message_unref(m);
    }
}
END_TEST

START_TEST(v9_every_cut_and_every_set_length)
{
    message_start_v9(&b, 1, 0);
    message_set(&b, 0);
    message_u16s(&b, 6, 300, 2, 21, 4, 8, 4);
    message_set(&b, 1);
    message_u16s(&b, 7, 400, 4, 4, 1, 4, 34, 4);
    message_set(&b, 300);
    message_fill(&b, 1, 16);
    message_end(&b);
    for (size_t length = 2; length <= b.length; length++) {
        struct ipfix_message *m = fixture_decode_octets(&udp, b.octets, length);
        ck_assert((m != NULL) == (length >= 20));
        ipfix_message_unref(m);
    }
    for (unsigned length = 0; length < 100; length++) {
        message_patch_u16(&b, 22, (uint16_t)length);
        struct ipfix_message *m = fixture_decode_octets(&udp, b.octets, b.length);
        ck_assert_ptr_nonnull(m);
        ipfix_message_unref(m);
    }
}
END_TEST

START_TEST(v9_too_long_after_conversion)
{
    message_start_v9(&b, 1, 0);
    message_set(&b, 0);
    message_u16s(&b, 4, 300, 1, 21, 4);
    message_set(&b, 300);
    message_fill(&b, 1, 40000);
    ck_assert_ptr_null(fixture_decode(&udp, &b));
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_CONVERSION], 1);
}
END_TEST

START_TEST(v9_loss_is_in_messages)
{
    size_t count;
    message_start_v9(&b, 1, 10);
    ipfix_message_unref(fixture_decode(&udp, &b));
    message_start_v9(&b, 1, 14);
    ipfix_message_unref(fixture_decode(&udp, &b));
    const struct ipfix_domain_account *account = ipfix_decoder_accounts(udp.decoder, &count);
    ck_assert_uint_eq(account->lost_messages, 3);
    ck_assert_uint_eq(account->lost_records, 0);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_SEQUENCE], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netflow");
    TCase *tcase = tcase_create("netflow");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, v5_fields);
    tcase_add_test(tcase, v5_times_wrap);
    tcase_add_test(tcase, v5_counts_that_lie);
    tcase_add_test(tcase, v5_every_cut);
    tcase_add_test(tcase, v5_too_many_records);
    tcase_add_test(tcase, v5_template_is_sent_again_before_it_expires);
    tcase_add_test(tcase, v5_loss);
    tcase_add_test(tcase, v9_times_become_absolute);
    tcase_add_test(tcase, v9_sources_are_apart);
    tcase_add_test(tcase, v9_data_before_its_template);
    tcase_add_test(tcase, v9_template_replaced_between_data);
    tcase_add_test(tcase, v9_early_data_before_two_templates);
    tcase_add_test(tcase, v9_options);
    tcase_add_test(tcase, v9_bad_templates);
    tcase_add_test(tcase, v9_every_cut_and_every_set_length);
    tcase_add_test(tcase, v9_too_long_after_conversion);
    tcase_add_test(tcase, v9_loss_is_in_messages);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
