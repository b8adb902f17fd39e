/* SPDX-License-Identifier: BSD-3-Clause */
/* Splitting messages into sets. */
#include "message.h"
#include "message_builder.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct message_builder builder;

static unsigned told;
static enum ipfix_event_kind told_kind;

static void on_event(void *context, const struct ipfix_event *event)
{
    (void)context;
    told++;
    told_kind = event->kind;
}

static const struct event_sink sink = {on_event, NULL};

/* Splits what the builder has, from a block of exactly its size. */
static int split(struct set_list *sets)
{
    struct message_header header;
    uint8_t *copy = malloc(builder.length);
    memcpy(copy, builder.octets, builder.length);
    ck_assert(message_header_read(copy, builder.length, &header));
    header.length = (uint16_t)builder.length;
    told = 0;
    int status = message_split(copy, &header, &sink, sets);
    free(copy);
    return status;
}

START_TEST(header_is_read)
{
    struct message_header header;
    message_start(&builder, 1234, 77);
    message_end(&builder);
    ck_assert(message_header_read(builder.octets, 16, &header));
    ck_assert_uint_eq(header.version, 10);
    ck_assert_uint_eq(header.length, 16);
    ck_assert_uint_eq(header.export_time_s, 1000);
    ck_assert_uint_eq(header.sequence, 77);
    ck_assert_uint_eq(header.domain_id, 1234);
    for (size_t length = 0; length < 16; length++) {
        ck_assert(!message_header_read(builder.octets, length, &header));
    }
}
END_TEST

START_TEST(sets_are_found_in_order)
{
    struct set_list sets = {0};
    message_start(&builder, 1, 0);
    message_set(&builder, 2);
    message_u32(&builder, 0);
    message_set(&builder, 300);
    message_set(&builder, 65535);
    message_u8(&builder, 1);
    message_end(&builder);

    ck_assert_int_eq(split(&sets), COL_OK);
    ck_assert_uint_eq(sets.count, 3);
    ck_assert_uint_eq(sets.items[0].id, 2);
    ck_assert_uint_eq(sets.items[0].length, 8);
    ck_assert_uint_eq(sets.items[1].id, 300);
    ck_assert_uint_eq(sets.items[1].length, 4);
    ck_assert_uint_eq(sets.items[2].id, 65535);
    ck_assert_uint_eq(sets.items[2].length, 5);
    ck_assert_uint_eq(told, 0);
    free(sets.items);
}
END_TEST

START_TEST(no_set_is_fine)
{
    struct set_list sets = {0};
    message_start(&builder, 1, 0);
    for (unsigned tail = 0; tail < 4; tail++) { /* fewer octets than a Set Header are padding */
        ck_assert_int_eq(split(&sets), COL_OK);
        ck_assert_uint_eq(sets.count, 0);
        message_u8(&builder, 7);
    }
    free(sets.items);
}
END_TEST

START_TEST(every_wrong_length_drops_the_message)
{
    struct set_list sets = {0};
    message_start(&builder, 1, 0);
    message_set(&builder, 300);
    message_u32(&builder, 1);
    message_end(&builder);
    for (unsigned length = 1; length < 20; length++) {
        message_patch_u16(&builder, 18, (uint16_t)length);
        int status = split(&sets);
        if (length >= 4 && length <= 8 && 8 - length < 4) {
            ck_assert_int_eq(status, COL_OK);
        } else if (length == 4) { /* what follows is a set of length 1 */
            ck_assert_int_eq(status, COL_ERR_MALFORMED);
        } else {
            ck_assert_int_eq(status, COL_ERR_MALFORMED);
            ck_assert_uint_eq(told, 1);
            ck_assert_int_eq(told_kind, IPFIX_EVENT_BAD_SET);
        }
    }
    message_patch_u16(&builder, 18, 65535);
    ck_assert_int_eq(split(&sets), COL_ERR_MALFORMED);
    free(sets.items);
}
END_TEST

START_TEST(length_zero_ends_the_walk)
{
    struct set_list sets = {0};
    message_start(&builder, 1, 0);
    message_set(&builder, 300);
    message_u32(&builder, 1);
    message_set(&builder, 301);
    message_u32(&builder, 1);
    message_end(&builder);
    message_patch_u16(&builder, 16 + 8 + 2, 0);
    ck_assert_int_eq(split(&sets), COL_OK);
    ck_assert_uint_eq(sets.count, 1);
    ck_assert_uint_eq(told, 1);

    /* Zeros up to the end are padding and no reason to complain. */
    message_patch_u16(&builder, 16 + 8, 0);
    message_patch_u16(&builder, 16 + 8 + 6, 0);
    ck_assert_int_eq(split(&sets), COL_OK);
    ck_assert_uint_eq(sets.count, 1);
    ck_assert_uint_eq(told, 0);
    free(sets.items);
}
END_TEST

START_TEST(message_owns_its_octets)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_FILE, .file = "x.ipfix"};
    const struct ipfix_session *session = ipfix_session_create(&info);
    struct set_list sets = {0};
    struct change_list changes = {0};
    struct message_header header;
    message_start(&builder, 1, 0);
    message_set(&builder, 300);
    message_u32(&builder, 0xAABBCCDD);
    message_end(&builder);
    ck_assert(message_header_read(builder.octets, builder.length, &header));
    ck_assert_int_eq(message_split(builder.octets, &header, &sink, &sets), COL_OK);

    struct ipfix_message model = {
        .session = session, .octets = builder.octets, .length = (uint16_t)builder.length};
    struct ipfix_message *message = message_create(&model, &sets, &changes);
    ipfix_session_unref(session);
    memset(builder.octets, 0, sizeof(builder.octets));

    ck_assert_ptr_eq(message->sets[0].octets, message->octets + 16);
    ck_assert_uint_eq(message->sets[0].octets[4], 0xAA);
    ck_assert_str_eq(message->session->name, "x.ipfix");
    ck_assert_ptr_eq(ipfix_message_ref(message), message);
    ipfix_message_unref(message);
    ck_assert_uint_eq(message->octets[23], 0xDD);
    ipfix_message_unref(message);
    ipfix_message_unref(NULL);
    free(sets.items);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("message");
    TCase *tcase = tcase_create("message");
    tcase_add_test(tcase, header_is_read);
    tcase_add_test(tcase, sets_are_found_in_order);
    tcase_add_test(tcase, no_set_is_fine);
    tcase_add_test(tcase, every_wrong_length_drops_the_message);
    tcase_add_test(tcase, length_zero_ends_the_walk);
    tcase_add_test(tcase, message_owns_its_octets);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
