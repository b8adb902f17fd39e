/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages for a destination: whole ones copied, others put together and cut, numbers continuous.
 */

#include "ipfix_build.h"
#include "ipfix_wire.h"
#include "storage/forwarding/message_builder.h"

#include <check.h>

static struct octets out;
static struct mapper mapper;
static struct builder builder;
static struct wire wire;
static uint8_t *seen;
static struct ipfix_build build;
static ipfix_decoder_t *decoder;
static struct built built[4096];
static unsigned built_count;

static void completed(void *context, const struct built *message)
{
    ck_assert_ptr_eq(context, &built_count);
    ck_assert_uint_lt(built_count, 4096);
    built[built_count++] = *message;
}

static void setup(void)
{
    seen = calloc(1, WIRE_NUMBERS);
    decoder = build_decoder(IPFIX_TRANSPORT_TCP);
    builder = (struct builder){
        .out = &out, .packet_size = 512, .completed = completed, .context = &built_count};
}

static void teardown(void)
{
    octets_clear(&out);
    mapper_clear(&mapper);
    ipfix_decoder_destroy(decoder);
    build_forget_dictionary();
    free(seen);
}

/* Builds what a message becomes, from a position on; announces the templates it brings. */
static void forward(struct ipfix_message *message, const struct cursor *from)
{
    builder_begin(&builder, mapper_domain(&mapper, message->domain_id), message->export_time_s);
    for (uint32_t i = 0; i < message->change_count; i++) {
        struct mapped *m = mapper_use(builder.domain, message->changes[i].tmplt, 0);
        if (!m->announced) {
            builder_announce(&builder, m);
        }
    }
    builder_message(&builder, message, from);
    builder_finish(&builder);
    ck_assert(!builder.failed);
}

static struct ipfix_message *decode(void)
{
    struct ipfix_message *message = build_decode(&build, decoder);
    ck_assert_ptr_nonnull(message);
    return message;
}

/* Everything built so far, as a receiver sees it. */
static void receive(uint32_t records)
{
    wire_feed(&wire, out.start + out.head, octets_used(&out), seen);
    octets_take(&out, octets_used(&out));
    ck_assert_str_eq(wire.problem, "");
    ck_assert_uint_eq(wire.partial_length, 0);
    ck_assert_uint_eq(wire.records, records);
    for (uint32_t i = 0; i < records; i++) {
        ck_assert_uint_eq(seen[i], 1);
    }
}

static const struct cursor start = {0};

START_TEST(a_message_of_data_is_copied_whole)
{
    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 0);
    struct ipfix_message *first = decode();
    forward(first, &start);
    build_begin(&build, 1, 1001);
    build_data(&build, 256, 0, 50, 0);
    struct ipfix_message *second = decode();
    size_t at = octets_used(&out);
    forward(second, &start);

    ck_assert_uint_eq(octets_used(&out) - at, second->length);
    const uint8_t *copy = out.start + out.head + at;
    ck_assert_mem_eq(copy, second->octets, 8); /* version, length, Export Time */
    ck_assert_mem_eq(copy + 12, second->octets + 12, second->length - 12u);
    ck_assert_uint_eq(built[built_count - 1].records, 50);
    receive(50);
    ipfix_message_unref(first);
    ipfix_message_unref(second);
}
END_TEST

/* Sets of all sizes around the limit of a message. */
START_TEST(cut_between_sets_and_records)
{
    uint32_t number = 0, messages_before = 0;

    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 3);
    for (uint32_t count = 1; count < 90; count += 4) {
        build_data(&build, 256, number, count, 3);
        number += count;
    }
    struct ipfix_message *message = decode();
    forward(message, &start);
    for (unsigned i = messages_before; i < built_count; i++) {
        ck_assert_uint_le(built[i].length, 512);
    }
    ck_assert_uint_gt(built_count, 10);
    receive(number);
    ipfix_message_unref(message);
}
END_TEST

START_TEST(a_record_longer_than_a_message_travels_alone)
{
    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 2000);
    build_data(&build, 256, 0, 3, 2000);
    struct ipfix_message *message = decode();
    forward(message, &start);
    receive(3);
    ck_assert_uint_eq(wire.longest, 16 + 4 + 2004);
    ipfix_message_unref(message);
}
END_TEST

/* After a failed connection only the parts from a position on are built again. */
START_TEST(continued_from_every_part)
{
    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 0);
    build_data(&build, 256, 0, 300, 0);
    build_data(&build, 256, 300, 7, 0);
    build_data(&build, 256, 307, 500, 0);
    struct ipfix_message *message = decode();
    forward(message, &start);
    unsigned parts = built_count;
    struct built copy[64];
    ck_assert_uint_gt(parts, 4);
    ck_assert_uint_lt(parts, 64);
    memcpy(copy, built, parts * sizeof(*copy));

    uint32_t before = 0;
    for (unsigned part = 0; part < parts; part++) {
        if (copy[part].records == 0) {
            continue;
        }
        octets_take(&out, octets_used(&out));
        mapper_clear(&mapper);
        memset(&wire, 0, sizeof(wire));
        memset(seen, 0, WIRE_NUMBERS);
        forward(message, &copy[part].from);
        wire_feed(&wire, out.start + out.head, octets_used(&out), seen);
        ck_assert_str_eq(wire.problem, "");
        ck_assert_uint_eq(wire.records, 807 - before);
        for (uint32_t i = 0; i < 807; i++) {
            ck_assert_uint_eq(seen[i], i >= before);
        }
        before += copy[part].records;
    }
    ck_assert_uint_eq(before, 807);
    ipfix_message_unref(message);
}
END_TEST

START_TEST(sets_without_template_are_left_out)
{
    build_begin(&build, 1, 1000);
    build_data(&build, 999, 0, 5, 0);
    build_template(&build, 256, 1, 0);
    build_data(&build, 256, 0, 2, 0);
    struct ipfix_message *message = decode();
    forward(message, &start);
    ck_assert_uint_eq(builder.unknown_sets, 1);
    receive(2);
    ipfix_message_unref(message);
}
END_TEST

START_TEST(withdrawals)
{
    build_begin(&build, 1, 1000);
    build_template(&build, 256, 1, 0);
    struct ipfix_message *message = decode();
    forward(message, &start);
    builder_begin(&builder, mapper_domain(&mapper, 1), 1000);
    builder_withdraw(&builder, mapper_find(builder.domain, message->changes[0].tmplt));
    builder_finish(&builder);
    receive(0);
    ck_assert_uint_eq(wire.templates, 1);
    ck_assert_uint_eq(wire.withdrawals, 1);
    ipfix_message_unref(message);
}
END_TEST

START_TEST(nothing_to_send_builds_nothing)
{
    build_begin(&build, 1, 1000);
    build_data(&build, 999, 0, 5, 0);
    struct ipfix_message *message = decode();
    forward(message, &start);
    ck_assert_uint_eq(built_count, 0);
    ck_assert_uint_eq(octets_used(&out), 0);
    ipfix_message_unref(message);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("builder");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_message_of_data_is_copied_whole);
    tcase_add_test(tests, cut_between_sets_and_records);
    tcase_add_test(tests, a_record_longer_than_a_message_travels_alone);
    tcase_add_test(tests, continued_from_every_part);
    tcase_add_test(tests, sets_without_template_are_left_out);
    tcase_add_test(tests, withdrawals);
    tcase_add_test(tests, nothing_to_send_builds_nothing);
    Suite *suite = suite_create("forwarding_builder");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
