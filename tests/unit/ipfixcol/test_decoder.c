/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole messages through a decoder: headers, sets, domains, accounts. */
#include "decoder_fixture.h"
#include "id_table.h"

#include <check.h>
#include <malloc.h>

static struct decoder_fixture tcp, udp;
static struct message_builder b;

static void setup(void)
{
    fixture_init(&tcp, IPFIX_TRANSPORT_TCP, NULL);
    fixture_init(&udp, IPFIX_TRANSPORT_UDP, NULL);
}

static void teardown(void)
{
    fixture_clear(&tcp);
    fixture_clear(&udp);
}

/* Template 256 (address, packets) and two records. */
static void template_and_data(uint32_t domain_id, uint32_t sequence)
{
    message_start(&b, domain_id, sequence);
    message_set(&b, 2);
    message_u16s(&b, 6, 256, 2, 8, 4, 2, 4);
    message_set(&b, 256);
    message_fill(&b, 1, 16);
}

START_TEST(good_message)
{
    template_and_data(7, 0);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->kind, IPFIX_MESSAGE_DATA);
    ck_assert(m->source_new);
    ck_assert_uint_eq(m->domain_id, 7);
    ck_assert_uint_eq(m->export_time_s, 1000);
    ck_assert_uint_eq(m->set_count, 2);
    ck_assert_uint_eq(m->change_count, 1);
    ck_assert_uint_eq(m->data_record_count, 2);
    ck_assert_uint_eq(m->sets[0].record_count, 1);
    ck_assert_uint_eq(m->sets[1].record_count, 2);
    ck_assert_ptr_eq(m->sets[1].tmplt, m->changes[0].tmplt);
    ck_assert_int_eq(m->changes[0].kind, IPFIX_TEMPLATE_ADDED);
    ck_assert_uint_eq(m->original_version, 10);
    ck_assert_int_eq(memcmp(m->octets, b.octets, b.length), 0);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_NEW_TEMPLATE], 1);
    ipfix_message_unref(m);

    template_and_data(7, 2);
    m = fixture_decode(&tcp, &b);
    ck_assert(!m->source_new);
    ck_assert_int_eq(m->changes[0].kind, IPFIX_TEMPLATE_REFRESHED);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_SEQUENCE], 0);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(message_outlives_decoder)
{
    struct decoder_fixture fixture;
    fixture_init(&fixture, IPFIX_TRANSPORT_TCP, NULL);
    template_and_data(7, 0);
    struct ipfix_message *m = fixture_decode(&fixture, &b);
    fixture_clear(&fixture);
    ck_assert_uint_eq(m->sets[1].tmplt->record_length, 8);
    ck_assert_uint_eq(m->session->id, m->session->id);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    template_and_data(7, 0);
    message_end(&b);
    for (size_t length = 0; length < b.length; length++) {
        ck_assert_ptr_null(fixture_decode_octets(&tcp, b.octets, length));
        ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_LENGTH], length + 1);
    }
}
END_TEST

START_TEST(every_length_in_the_header)
{
    template_and_data(7, 0);
    message_end(&b);
    for (unsigned length = 0; length < b.length; length++) {
        message_patch_u16(&b, 2, (uint16_t)length);
        struct ipfix_message *m = fixture_decode_octets(&tcp, b.octets, b.length);
        ck_assert(m == NULL || (length >= 16 && m->length == length));
        ipfix_message_unref(m);
    }
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_LENGTH], 16);
}
END_TEST

START_TEST(longer_datagram_is_cut)
{
    template_and_data(7, 0);
    message_end(&b);
    size_t length = b.length;
    message_fill(&b, 0xFF, 100);
    struct ipfix_message *m = fixture_decode_octets(&udp, b.octets, b.length);
    ck_assert_uint_eq(m->length, length);
    ck_assert_uint_eq(m->data_record_count, 2);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(other_versions)
{
    template_and_data(7, 0);
    message_end(&b);
    for (unsigned version = 0; version < 12; version++) {
        if (version != 10) {
            message_patch_u16(&b, 0, (uint16_t)version);
            ck_assert_ptr_null(fixture_decode_octets(&tcp, b.octets, b.length));
        }
    }
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_VERSION], 11); /* NetFlow over TCP, too */
}
END_TEST

START_TEST(data_before_its_template)
{
    message_start(&b, 7, 0);
    message_set(&b, 256);
    message_fill(&b, 1, 8);
    message_set(&b, 2);
    message_u16s(&b, 6, 256, 2, 8, 4, 2, 4);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(m->data_record_count, 1);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_NO_TEMPLATE], 0);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(redefinition_between_data_sets)
{
    message_start(&b, 7, 0);
    message_set(&b, 2);
    message_u16s(&b, 4, 256, 1, 8, 4);
    message_set(&b, 256);
    message_fill(&b, 1, 8);
    message_set(&b, 2);
    message_u16s(&b, 4, 256, 1, 1, 8);
    message_set(&b, 256);
    message_fill(&b, 1, 8);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(m->sets[1].record_count, 2);
    ck_assert_uint_eq(m->sets[3].record_count, 1);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_TEMPLATE_REDEFINED], 1);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(unknown_sets_and_templates)
{
    message_start(&b, 7, 0);
    message_set(&b, 0);
    message_set(&b, 4);
    message_set(&b, 255);
    message_set(&b, 999);
    message_u32(&b, 1);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(m->set_count, 4);
    ck_assert_ptr_null(m->sets[3].tmplt);
    ck_assert_uint_eq(m->data_record_count, 0);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_UNKNOWN_SET], 3);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_NO_TEMPLATE], 1);
    ck_assert_uint_eq(tcp.last.value, 999);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(padding_is_no_record)
{
    for (unsigned padding = 0; padding < 8; padding++) {
        template_and_data(7, 2 * padding);
        message_fill(&b, 0, padding);
        struct ipfix_message *m = fixture_decode(&tcp, &b);
        ck_assert_uint_eq(m->data_record_count, 2);
        ipfix_message_unref(m);
    }
}
END_TEST

START_TEST(records_without_octets_end)
{
    message_start(&b, 7, 0);
    message_set(&b, 2);
    message_u16s(&b, 4, 256, 1, 8, 0);
    message_set(&b, 256);
    message_fill(&b, 0, 100);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(m->data_record_count, 0);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_DATA_SET], 1);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(domains_are_apart)
{
    template_and_data(1, 0);
    ipfix_message_unref(fixture_decode(&tcp, &b));
    message_start(&b, 2, 500);
    message_set(&b, 256);
    message_fill(&b, 1, 8);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert(m->source_new);
    ck_assert_ptr_null(m->sets[0].tmplt);
    ipfix_message_unref(m);
    message_start(&b, 1, 5); /* two were sent: three are missing */
    ipfix_message_unref(fixture_decode(&tcp, &b));

    size_t count;
    const struct ipfix_domain_account *accounts = ipfix_decoder_accounts(tcp.decoder, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(accounts[0].domain_id, 1);
    ck_assert_uint_eq(accounts[0].messages, 2);
    ck_assert_uint_eq(accounts[0].data_records, 2);
    ck_assert_uint_eq(accounts[0].lost_records, 3);
    ck_assert_uint_eq(accounts[1].domain_id, 2);
    ck_assert_uint_eq(accounts[1].lost_records, 0);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_SEQUENCE], 1);
    ck_assert_uint_eq(tcp.last.value, 5);
    ck_assert_uint_eq(tcp.last.other, 2);
}
END_TEST

START_TEST(close_tells_every_domain_once)
{
    static const uint32_t ids[] = {30, 10, 20};
    for (unsigned i = 0; i < 3; i++) {
        message_start(&b, ids[i], 0);
        ipfix_message_unref(fixture_decode(&tcp, &b));
    }
    for (unsigned i = 0; i < 3; i++) {
        struct ipfix_message *m = ipfix_decoder_close_next(tcp.decoder);
        ck_assert_int_eq(m->kind, IPFIX_MESSAGE_SOURCE_CLOSED);
        ck_assert_uint_eq(m->domain_id, (i + 1) * 10);
        ck_assert_ptr_null(m->octets);
        ck_assert_uint_eq(m->set_count, 0);
        ipfix_message_unref(m);
    }
    ck_assert_ptr_null(ipfix_decoder_close_next(tcp.decoder));
}
END_TEST

START_TEST(domains_are_bounded)
{
    unsigned decoded = 0;
    for (uint32_t id = 0; id < 5000; id++) {
        message_start(&b, id * 7919, 0);
        struct ipfix_message *m = fixture_decode(&udp, &b);
        decoded += m != NULL;
        ipfix_message_unref(m);
    }
    ck_assert_uint_eq(decoded, 4096);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_LIMIT], 5000 - 4096);
    message_start(&b, 7919, 0); /* those that are known go on */
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_ptr_nonnull(m);
    ipfix_message_unref(m);
}
END_TEST

/* When others have used up the memory a template is still replaced; one that does not fit into the
 * place of the old one leaves none: its data must not be read by the old one. */
START_TEST(templates_are_replaced_without_memory)
{
    struct template_budget shared = {.limit = 1 << 20};

    ipfix_decoder_share_budget(udp.decoder, &shared);
    message_start(&b, 7, 0);
    message_set(&b, 2);
    message_u16s(&b, 6, 256, 2, 8, 4, 2, 4);
    ipfix_message_unref(fixture_decode(&udp, &b));
    message_start_v9(&b, 8, 0);
    message_set(&b, 0);
    message_u16s(&b, 6, 300, 2, 21, 4, 1, 4);
    ipfix_message_unref(fixture_decode(&udp, &b));
    shared.limit = shared.used;

    message_start(&b, 7, 0);
    message_set(&b, 2);
    message_u16s(&b, 6, 256, 2, 1, 4, 2, 2);
    message_set(&b, 256);
    message_fill(&b, 1, 18);
    struct ipfix_message *m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->data_record_count, 3);
    ipfix_message_unref(m);
    message_start_v9(&b, 8, 1);
    message_set(&b, 0);
    message_u16s(&b, 6, 300, 2, 1, 2, 21, 4);
    message_set(&b, 300);
    message_fill(&b, 1, 18);
    m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->data_record_count, 3);
    ipfix_message_unref(m);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_LIMIT], 0);

    message_start(&b, 7, 3);
    message_set(&b, 2);
    message_u16s(&b, 10, 256, 4, 1, 4, 2, 4, 7, 4, 11, 4);
    message_set(&b, 256);
    message_fill(&b, 1, 48);
    m = fixture_decode(&udp, &b);
    ck_assert_uint_eq(m->data_record_count, 0);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_LIMIT], 1);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_NO_TEMPLATE], 1);
    ipfix_message_unref(m);
    shared.limit = 1 << 20;
    fixture_clear(&udp);
    fixture_init(&udp, IPFIX_TRANSPORT_UDP, NULL);
    ck_assert_uint_eq(shared.used, 0);
}
END_TEST

/* The largest number of sets a message can have, behind a header that has been begun. */
static void many_sets(uint16_t id)
{
    while (b.length + 8 <= IPFIX_MESSAGE_MAX_LENGTH) {
        message_set(&b, id);
    }
}

/* Everyone can open sessions over UDP; what one message needed must not stay with each of them. */
START_TEST(large_messages_leave_little_behind)
{
    enum { SESSIONS = 50 };
    struct decoder_fixture sessions[SESSIONS];

    for (unsigned i = 0; i < SESSIONS; i++) {
        fixture_init(&sessions[i], IPFIX_TRANSPORT_UDP, NULL);
    }
    struct mallinfo2 before = mallinfo2();
    for (unsigned i = 0; i < SESSIONS; i++) {
        message_start(&b, 1, 0);
        many_sets(999);
        ipfix_message_unref(fixture_decode(&sessions[i], &b));
        message_start(&b, 1, 0);
        many_sets(999);
        message_end(&b);
        message_patch_u16(&b, b.length - 2, 3); /* the last one is wrong */
        ck_assert_ptr_null(fixture_decode_octets(&sessions[i], b.octets, b.length));
        message_start_v9(&b, 1, 0);
        message_set(&b, 999);
        message_fill(&b, 1, 60000);
        ipfix_message_unref(fixture_decode(&sessions[i], &b));
    }
    struct mallinfo2 after = mallinfo2();
    ck_assert_uint_lt(after.uordblks + after.hblkhd,
                      before.uordblks + before.hblkhd + SESSIONS * 16384);
    for (unsigned i = 0; i < SESSIONS; i++) {
        fixture_clear(&sessions[i]);
    }
}
END_TEST

/* Nor what a NetFlow datagram needed that was refused. */
START_TEST(refused_datagrams_leave_little_behind)
{
    enum { SESSIONS = 50 };
    struct decoder_fixture sessions[SESSIONS];
    struct template_budget nothing = {.limit = 0};

    for (unsigned i = 0; i < SESSIONS; i++) {
        fixture_init(&sessions[i], IPFIX_TRANSPORT_UDP, NULL);
        ipfix_decoder_share_budget(sessions[i].decoder, &nothing);
    }
    struct mallinfo2 before = mallinfo2();
    for (unsigned i = 0; i < SESSIONS; i++) {
        message_start_v9(&b, 1, 0);
        message_set(&b, 999);
        message_fill(&b, 1, 16);
        ck_assert_ptr_null(fixture_decode(&sessions[i], &b));
        ck_assert_uint_eq(sessions[i].events[IPFIX_EVENT_LIMIT], 1);
    }
    struct mallinfo2 after = mallinfo2();
    ck_assert_uint_lt(after.uordblks + after.hblkhd,
                      before.uordblks + before.hblkhd + SESSIONS * 16384);
    for (unsigned i = 0; i < SESSIONS; i++) {
        fixture_clear(&sessions[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decoder");
    TCase *tcase = tcase_create("decoder");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, good_message);
    tcase_add_test(tcase, message_outlives_decoder);
    tcase_add_test(tcase, every_cut_is_refused);
    tcase_add_test(tcase, every_length_in_the_header);
    tcase_add_test(tcase, longer_datagram_is_cut);
    tcase_add_test(tcase, other_versions);
    tcase_add_test(tcase, data_before_its_template);
    tcase_add_test(tcase, redefinition_between_data_sets);
    tcase_add_test(tcase, unknown_sets_and_templates);
    tcase_add_test(tcase, padding_is_no_record);
    tcase_add_test(tcase, records_without_octets_end);
    tcase_add_test(tcase, domains_are_apart);
    tcase_add_test(tcase, close_tells_every_domain_once);
    tcase_add_test(tcase, domains_are_bounded);
    tcase_add_test(tcase, templates_are_replaced_without_memory);
    tcase_add_test(tcase, large_messages_leave_little_behind);
    tcase_add_test(tcase, refused_datagrams_leave_little_behind);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
