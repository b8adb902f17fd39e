/* SPDX-License-Identifier: BSD-3-Clause */
/* Data Records as lines of JSON: every type of value, odd lengths, hostile strings. */

#include "decoder.h"
#include "message_builder.h"
#include "record_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEMPLATE 300

static struct message_builder builder;
static ipfix_dictionary_t *dictionary;
static struct text line;

static void ignore_event(void *context, const struct ipfix_event *event)
{
    (void)context;
    (void)event;
}

static void setup(void)
{
    char error[512];

    dictionary =
        ipfix_dictionary_load(TEST_SOURCE_DIR "/config/ipfix-elements.xml", error, sizeof(error));
    ck_assert_msg(dictionary != NULL, "%s", error);
    setenv("TZ", "UTC", 1);
}

static void teardown(void)
{
    text_clear(&line);
    ipfix_dictionary_destroy(dictionary);
}

/** The line of the first record of the built message. */
static const char *print(const struct text_style *style)
{
    static const struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    ipfix_decoder_t *decoder =
        ipfix_decoder_create(ipfix_session_create(&info), dictionary, ignore_event, NULL);
    struct ipfix_message *message = NULL;
    struct ipfix_record_iter iter;
    struct ipfix_record record;

    const uint8_t *octets = message_end(&builder);
    ck_assert_int_eq(ipfix_decoder_decode(decoder, octets, builder.length, 0, &message), COL_OK);
    const struct ipfix_set *set = &message->sets[message->set_count - 1];
    ck_assert_ptr_nonnull(set->tmplt);
    text_plan_t *plan = text_plan_create(set->tmplt, style);
    ck_assert_ptr_nonnull(plan);
    ipfix_record_iter_init(&iter, set);
    ck_assert(ipfix_record_next(&iter, &record));
    text_record(plan, style, message, &record, &line);
    ck_assert(!line.failed);
    text_plan_destroy(plan);
    ipfix_message_unref(message);
    ipfix_decoder_destroy(decoder);
    ck_assert_int_eq(line.data[line.length - 1], '\n');
    line.data[line.length - 1] = '\0';
    return line.data;
}

/** A message whose only template has one field of `element` with `length` octets. */
static void one_field(uint16_t element, uint16_t length)
{
    message_start(&builder, 7, 5);
    message_set(&builder, 2);
    message_u16s(&builder, 4, TEMPLATE, 1, element, length);
    message_set(&builder, TEMPLATE);
}

static void octets(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        message_u8(&builder, ((const uint8_t *)bytes)[i]);
    }
}

static void string_field(const char *value, size_t length)
{
    one_field(82, 65535);
    message_u8(&builder, (uint8_t)length);
    octets(value, length);
}

START_TEST(addresses_numbers_and_macs)
{
    struct text_style style = {.prefix = "ipfix."};

    message_start(&builder, 7, 5);
    message_set(&builder, 2);
    message_u16s(&builder, 14, TEMPLATE, 6, 8, 4, 27, 16, 56, 6, 7, 2, 1, 8, 1, 3);
    message_set(&builder, TEMPLATE);
    message_u32(&builder, 0xC0000201);
    octets("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    octets("\x00\x11\x22\xaa\xbb\xcc", 6);
    octets("\x01\xbb", 2);
    octets("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    octets("\x01\x00\x00", 3);
    ck_assert_str_eq(print(&style),
                     "{\"@type\": \"ipfix.entry\", \"ipfix.sourceIPv4Address\": \"192.0.2.1\", "
                     "\"ipfix.sourceIPv6Address\": \"2001:db8::1\", "
                     "\"ipfix.sourceMacAddress\": \"00:11:22:aa:bb:cc\", "
                     "\"ipfix.sourceTransportPort\": 443, "
                     "\"ipfix.octetDeltaCount\": [18446744073709551615, 65536]}");
}
END_TEST

START_TEST(flags_and_protocol)
{
    struct text_style style = {.prefix = "", .tcp_flags_letters = true, .protocol_name = true};

    text_style_load_protocols(&style);
    message_start(&builder, 7, 5);
    message_set(&builder, 2);
    message_u16s(&builder, 6, TEMPLATE, 2, 6, 2, 4, 1);
    message_set(&builder, TEMPLATE);
    octets("\x00\x1b\xff", 3);
    ck_assert_str_eq(print(&style), "{\"@type\": \"ipfix.entry\", \"tcpControlBits\": \".AP.SF\", "
                                    "\"protocolIdentifier\": \"255\"}");
    one_field(4, 1);
    message_u8(&builder, 6);
    ck_assert_str_eq(print(&style),
                     style.protocols[6] == NULL
                         ? "{\"@type\": \"ipfix.entry\", \"protocolIdentifier\": \"6\"}"
                         : "{\"@type\": \"ipfix.entry\", \"protocolIdentifier\": \"TCP\"}");
    text_style_clear(&style);
}
END_TEST

START_TEST(times)
{
    struct text_style style = {.prefix = "", .time_text = true};

    one_field(152, 8);
    octets("\0\0\x01\x8b\xcf\xe4\x7d\xa0", 8); /* 1699999940000 */
    ck_assert_str_eq(print(&style), "{\"@type\": \"ipfix.entry\", \"flowStartMilliseconds\": "
                                    "\"2023-11-14T22:12:20.000\"}");
    style.time_text = false;
    ck_assert_str_eq(print(&style),
                     "{\"@type\": \"ipfix.entry\", \"flowStartMilliseconds\": 1699999940000}");
    one_field(150, 4);
    message_u32(&builder, 1700000000);
    ck_assert_str_eq(print(&style),
                     "{\"@type\": \"ipfix.entry\", \"flowStartSeconds\": 1700000000}");
    one_field(152, 9); /* no time has 9 octets */
    octets("\1\2\3\4\5\6\7\x08\x09", 9);
    ck_assert_str_eq(
        print(&style),
        "{\"@type\": \"ipfix.entry\", \"flowStartMilliseconds\": \"0x010203040506070809\"}");
}
END_TEST

START_TEST(strings_stay_json)
{
    struct text_style style = {.prefix = "", .escape_controls = true};

    string_field("a\"b\\c\n\x01\x7f", 8);
    ck_assert_str_eq(
        print(&style),
        "{\"@type\": \"ipfix.entry\", \"interfaceName\": \"a\\\"b\\\\c\\n\\u0001\\u007f\"}");
    style.escape_controls = false;
    ck_assert_str_eq(print(&style),
                     "{\"@type\": \"ipfix.entry\", \"interfaceName\": \"a\\\"b\\\\c\"}");
    string_field("\xc5\x99\xf0\x9f\x98\x80", 6); /* valid UTF-8 */
    ck_assert_str_eq(
        print(&style),
        "{\"@type\": \"ipfix.entry\", \"interfaceName\": \"\xc5\x99\xf0\x9f\x98\x80\"}");
    /* Overlong, a surrogate, a lone continuation, a cut sequence at the end. */
    string_field("\xc0\xaf\xed\xa0\x80\x80\xe2\x82", 8);
    ck_assert_str_eq(print(&style),
                     "{\"@type\": \"ipfix.entry\", \"interfaceName\": "
                     "\"\\u00c0\\u00af\\u00ed\\u00a0\\u0080\\u0080\\u00e2\\u0082\"}");
    string_field("", 0);
    ck_assert_str_eq(print(&style), "{\"@type\": \"ipfix.entry\", \"interfaceName\": \"\"}");
}
END_TEST

START_TEST(unknown_elements)
{
    struct text_style style = {.prefix = "ipfix."};

    one_field(0x7FF0, 3);
    octets("\x0a\x0b\x0c", 3);
    ck_assert_str_eq(print(&style),
                     "{\"@type\": \"ipfix.entry\", \"ipfix.e0id32752\": \"0x0a0b0c\"}");
    one_field(0x7FF0, 2);
    octets("\x01\x00", 2);
    ck_assert_str_eq(print(&style), "{\"@type\": \"ipfix.entry\", \"ipfix.e0id32752\": \"256\"}");
    style.ignore_unknown = true;
    ck_assert_str_eq(print(&style), "{\"@type\": \"ipfix.entry\"}");
}
END_TEST

/* CPU time of making `rounds` plans of a template of so many different elements. */
static double plan_seconds(unsigned fields, unsigned rounds)
{
    static const struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    struct text_style style = {.prefix = ""};
    struct timespec start, end;
    struct ipfix_message *message = NULL;
    ipfix_decoder_t *decoder =
        ipfix_decoder_create(ipfix_session_create(&info), dictionary, ignore_event, NULL);

    message_start(&builder, 7, 5);
    message_set(&builder, 2);
    message_u16s(&builder, 2, TEMPLATE, fields);
    for (unsigned i = 0; i < fields; i++) {
        message_u16s(&builder, 2, 10000 + i, 1);
    }
    const uint8_t *sent = message_end(&builder);
    ck_assert_int_eq(ipfix_decoder_decode(decoder, sent, builder.length, 0, &message), COL_OK);
    ck_assert_uint_eq(message->change_count, 1);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (unsigned i = 0; i < rounds; i++) {
        text_plan_t *plan = text_plan_create(message->changes[0].tmplt, &style);
        ck_assert_ptr_nonnull(plan);
        text_plan_destroy(plan);
    }
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    ipfix_message_unref(message);
    ipfix_decoder_destroy(decoder);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* As many different elements as a message holds: time grows with them, not with their square. */
START_TEST(very_many_unknown_elements)
{
    double many_s = plan_seconds(16000, 4);
    double few_s = plan_seconds(1000, 64);

    printf("json: 64 000 fields: %.3f s of CPU in large plans, %.3f s in small ones\n", many_s,
           few_s);
    ck_assert_double_lt(many_s, few_s * 4 + 0.05);
}
END_TEST

/* Elements that occur several times, mixed with others, keep the order of the record. */
START_TEST(repeated_elements_in_between)
{
    struct text_style style = {.prefix = ""};

    message_start(&builder, 7, 5);
    message_set(&builder, 2);
    message_u16s(&builder, 12, TEMPLATE, 5, 7, 2, 1, 1, 7, 2, 2, 1, 1, 1);
    message_set(&builder, TEMPLATE);
    octets("\x00\x50\x01\x00\x51\x02\x03", 7);
    ck_assert_str_eq(print(&style), "{\"@type\": \"ipfix.entry\", "
                                    "\"sourceTransportPort\": [80, 81], "
                                    "\"octetDeltaCount\": [1, 3], \"packetDeltaCount\": 2}");
}
END_TEST

START_TEST(about_the_message)
{
    struct text_style style = {.prefix = "ipfix.", .odid = true, .detailed = true};

    one_field(7, 2);
    octets("\0\x50", 2);
    ck_assert_str_eq(print(&style),
                     "{\"@type\": \"ipfix.entry\", \"ipfix.sourceTransportPort\": 80, "
                     "\"ipfix.odid\": 7, \"ipfixcol.packet_length\": 34, "
                     "\"ipfixcol.export_time\": 1000, \"ipfixcol.sequence_number\": 5, "
                     "\"ipfixcol.template_id\": 300}");
}
END_TEST

START_TEST(floats)
{
    struct text_style style = {.prefix = ""};

    one_field(311, 8); /* samplingProbability */
    octets("\x3f\xe0\0\0\0\0\0\0", 8);
    const char *text = print(&style);
    ck_assert_ptr_nonnull(strstr(text, "0.500000"));
    one_field(311, 8);
    octets("\x7f\xf0\0\0\0\0\0\0", 8);
    ck_assert_ptr_nonnull(strstr(print(&style), ": null}"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json record");
    TCase *tc = tcase_create("record");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, addresses_numbers_and_macs);
    tcase_add_test(tc, flags_and_protocol);
    tcase_add_test(tc, times);
    tcase_add_test(tc, strings_stay_json);
    tcase_add_test(tc, unknown_elements);
    tcase_add_test(tc, very_many_unknown_elements);
    tcase_add_test(tc, repeated_elements_in_between);
    tcase_add_test(tc, about_the_message);
    tcase_add_test(tc, floats);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
