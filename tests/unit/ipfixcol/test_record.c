/* SPDX-License-Identifier: BSD-3-Clause */
/* Data Records: iteration, variable length, values. */
#include "decoder_fixture.h"

#include <ipfixcol/record.h>
#include <check.h>

static struct decoder_fixture tcp;
static struct message_builder b;

static void setup(void)
{
    fixture_init(&tcp, IPFIX_TRANSPORT_TCP, NULL);
}

static void teardown(void)
{
    fixture_clear(&tcp);
}

/* Template 256: port, name (variable), packets, text (variable). */
static void start_data(void)
{
    message_start(&b, 1, 0);
    message_set(&b, 2);
    message_u16s(&b, 10, 256, 4, 7, 2, 96, 65535, 2, 4, 82, 65535);
    message_set(&b, 256);
}

static void add_record(uint16_t port, unsigned name_length, unsigned text_length)
{
    message_u16s(&b, 1, port);
    message_u8(&b, (uint8_t)name_length);
    message_fill(&b, 'n', name_length);
    message_u32(&b, 99);
    message_u8(&b, 255);
    message_u16s(&b, 1, text_length);
    message_fill(&b, 't', text_length);
}

START_TEST(variable_length_records)
{
    struct ipfix_record_iter iter;
    struct ipfix_record record;
    struct ipfix_field field;

    start_data();
    add_record(1, 0, 0);
    add_record(2, 254, 3);
    add_record(3, 5, 60000);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(m->data_record_count, 3);

    ipfix_record_iter_init(&iter, &m->sets[1]);
    ck_assert(ipfix_record_next(&iter, &record));
    ck_assert_uint_eq(record.length, 10);
    ck_assert(ipfix_record_next(&iter, &record));
    ck_assert_uint_eq(record.length, 2 + 1 + 254 + 4 + 3 + 3);
    ck_assert(ipfix_record_find(&record, 0, 82, &field));
    ck_assert_uint_eq(field.length, 3);
    ck_assert_int_eq(memcmp(field.octets, "ttt", 3), 0);
    ck_assert(ipfix_record_next(&iter, &record));
    ck_assert(ipfix_record_find(&record, 0, 2, &field));
    ck_assert_uint_eq(ipfix_field_uint(field.octets, field.length), 99);
    ck_assert(ipfix_record_find(&record, 0, 7, &field));
    ck_assert_uint_eq(ipfix_field_uint(field.octets, field.length), 3);
    ck_assert(ipfix_record_find(&record, 0, 82, &field));
    ck_assert_uint_eq(field.length, 60000);
    ck_assert(!ipfix_record_find(&record, 1, 82, &field));
    ck_assert(!ipfix_record_next(&iter, &record));
    ck_assert(!ipfix_record_next(&iter, &record));
    ipfix_message_unref(m);
}
END_TEST

START_TEST(every_cut_of_the_last_record)
{
    for (unsigned cut = 1; cut < 30; cut++) {
        start_data();
        add_record(1, 3, 3);
        add_record(2, 7, 13);
        b.length -= cut;
        struct ipfix_message *m = fixture_decode(&tcp, &b);
        ck_assert_uint_eq(m->data_record_count, 1);
        ck_assert_uint_eq(m->sets[1].record_count, 1);
        struct ipfix_record_iter iter;
        struct ipfix_record record;
        ipfix_record_iter_init(&iter, &m->sets[1]);
        ck_assert(ipfix_record_next(&iter, &record));
        ck_assert_uint_eq(record.length, 16);
        ck_assert(!ipfix_record_next(&iter, &record));
        ipfix_message_unref(m);
    }
    /* 30 octets are missing down to 8: what is shorter than any record is padding. */
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_DATA_SET], 30 - 8);
}
END_TEST

START_TEST(fields_in_order)
{
    struct ipfix_record_iter records;
    struct ipfix_record record;
    struct ipfix_field_iter fields;
    struct ipfix_field field;
    static const unsigned lengths[] = {2, 3, 4, 5};

    start_data();
    add_record(1, 3, 5);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ipfix_record_iter_init(&records, &m->sets[1]);
    ck_assert(ipfix_record_next(&records, &record));
    ipfix_field_iter_init(&fields, &record);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(ipfix_field_next(&fields, &field));
        ck_assert_ptr_eq(field.spec, &record.tmplt->fields[i]);
        ck_assert_uint_eq(field.length, lengths[i]);
    }
    ck_assert(!ipfix_field_next(&fields, &field));
    ipfix_message_unref(m);
}
END_TEST

START_TEST(numbers_of_every_length)
{
    static const uint8_t octets[] = {0xF1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    ck_assert_uint_eq(ipfix_field_uint(octets, 0), 0);
    ck_assert_uint_eq(ipfix_field_uint(octets, 1), 0xF1);
    ck_assert_uint_eq(ipfix_field_uint(octets, 2), 0xF102);
    ck_assert_uint_eq(ipfix_field_uint(octets, 3), 0xF10203);
    ck_assert_uint_eq(ipfix_field_uint(octets, 4), 0xF1020304);
    ck_assert_uint_eq(ipfix_field_uint(octets, 5), 0xF102030405);
    ck_assert_uint_eq(ipfix_field_uint(octets, 7), 0xF1020304050607);
    ck_assert_uint_eq(ipfix_field_uint(octets, 8), 0xF102030405060708);
    ck_assert_uint_eq(ipfix_field_uint(octets, 10), 0x030405060708090A);
    ck_assert_int_eq(ipfix_field_int(octets, 0), 0);
    ck_assert_int_eq(ipfix_field_int(octets, 1), -15);
    ck_assert_int_eq(ipfix_field_int(octets, 3), (int64_t)0xFFFFFFFFFFF10203);
    ck_assert_int_eq(ipfix_field_int(octets, 8), (int64_t)0xF102030405060708);
    ck_assert_int_eq(ipfix_field_int(octets + 1, 3), 0x020304);
}
END_TEST

START_TEST(times)
{
    uint64_t ms = 0;
    static const uint8_t seconds[] = {0x60, 0, 0, 0};
    static const uint8_t milliseconds[] = {0, 0, 1, 0x80, 0, 0, 0, 1};
    /* 2208988800 s after 1900 is 1970; half a second more. */
    static const uint8_t ntp[] = {0x83, 0xAA, 0x7E, 0x80, 0x80, 0, 0x07, 0xFF};
    static const uint8_t era1[] = {0, 0, 0, 0, 0, 0, 0, 0};

    ck_assert(ipfix_field_time_ms(IPFIX_TYPE_DATETIME_SECONDS, seconds, 4, &ms));
    ck_assert_uint_eq(ms, UINT64_C(0x60000000) * 1000);
    ck_assert(ipfix_field_time_ms(IPFIX_TYPE_DATETIME_MILLISECONDS, milliseconds, 8, &ms));
    ck_assert_uint_eq(ms, 0x18000000001);
    ck_assert(ipfix_field_time_ms(IPFIX_TYPE_DATETIME_MICROSECONDS, ntp, 8, &ms));
    ck_assert_uint_eq(ms, 500);
    ck_assert(ipfix_field_time_ms(IPFIX_TYPE_DATETIME_NANOSECONDS, ntp, 8, &ms));
    ck_assert_uint_eq(ms, 500);
    ck_assert(ipfix_field_time_ms(IPFIX_TYPE_DATETIME_NANOSECONDS, era1, 8, &ms));
    ck_assert_uint_eq(ms, UINT64_C(2085978496) * 1000); /* 2036-02-07 */
    ck_assert(!ipfix_field_time_ms(IPFIX_TYPE_DATETIME_SECONDS, milliseconds, 8, &ms));
    ck_assert(!ipfix_field_time_ms(IPFIX_TYPE_DATETIME_MICROSECONDS, ntp, 4, &ms));
    ck_assert(!ipfix_field_time_ms(IPFIX_TYPE_UNSIGNED64, ntp, 8, &ms));
    ck_assert(!ipfix_field_time_ms(IPFIX_TYPE_DATETIME_MILLISECONDS, ntp, 0, &ms));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tcase = tcase_create("record");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, variable_length_records);
    tcase_add_test(tcase, every_cut_of_the_last_record);
    tcase_add_test(tcase, fields_in_order);
    tcase_add_test(tcase, numbers_of_every_length);
    tcase_add_test(tcase, times);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
