/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates: what is accepted, replaced, withdrawn, and how long it lives. */
#include "decoder_fixture.h"
#include "template_manager.h"

#include <check.h>

static struct decoder_fixture tcp, udp;
static struct message_builder b;

static void setup(void)
{
    fixture_init(&tcp, IPFIX_TRANSPORT_TCP, NULL);
    fixture_init(&udp, IPFIX_TRANSPORT_UDP,
                 &(struct ipfix_template_lifetimes){.template_s = 10,
                                                    .options_template_s = 20,
                                                    .template_messages = 50,
                                                    .options_template_messages = 3});
}

static void teardown(void)
{
    fixture_clear(&tcp);
    fixture_clear(&udp);
}

static void start_set(uint16_t set_id)
{
    message_start(&b, 1, 0);
    message_set(&b, set_id);
}

/* Sends what is built; how many changes it made. */
static unsigned changes(struct decoder_fixture *fixture)
{
    struct ipfix_message *m = fixture_decode(fixture, &b);
    unsigned count = m == NULL ? 0 : m->change_count;
    ipfix_message_unref(m);
    return count;
}

/* Whether data of a template can be decoded. */
static bool known(struct decoder_fixture *fixture, uint16_t id)
{
    start_set(id);
    message_fill(&b, 0, 8);
    struct ipfix_message *m = fixture_decode(fixture, &b);
    bool found = m->sets[0].tmplt != NULL;
    ipfix_message_unref(m);
    return found;
}

START_TEST(fields_are_laid_out)
{
    start_set(2);
    message_u16s(&b, 2, 300, 5);
    message_u16s(&b, 4, 8, 4, 0x8000 | 5, 2);
    message_u32(&b, 8057);
    message_u16s(&b, 6, 96, 65535, 8, 4, 5, 1);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    const struct ipfix_template *t = m->changes[0].tmplt;
    ck_assert_uint_eq(t->id, 300);
    ck_assert_uint_eq(t->field_count, 5);
    ck_assert_uint_eq(t->scope_field_count, 0);
    ck_assert(t->variable_length);
    ck_assert_uint_eq(t->record_length, 4 + 2 + 1 + 4 + 1);
    ck_assert_uint_eq(t->definition_length, 24);
    ck_assert_int_eq(memcmp(t->definition, b.octets + 24, 24), 0);
    ck_assert_uint_eq(t->fields[1].pen, 8057);
    ck_assert_uint_eq(t->fields[1].id, 5);
    ck_assert_uint_eq(t->fields[1].offset, 4);
    ck_assert_uint_eq(t->fields[2].offset, 6);
    ck_assert_uint_eq(t->fields[3].offset, IPFIX_OFFSET_UNKNOWN);
    ck_assert(t->fields[3].repeated);
    ck_assert(!t->fields[0].repeated);
    ck_assert(!t->fields[4].repeated); /* the same id in another enterprise */
    ck_assert_ptr_eq(ipfix_template_find(t, 0, 8), &t->fields[0]);
    ck_assert_ptr_eq(ipfix_template_find(t, 8057, 5), &t->fields[1]);
    ck_assert_ptr_null(ipfix_template_find(t, 8057, 8));
    ipfix_message_unref(m);
}
END_TEST

START_TEST(options_template_has_scopes)
{
    start_set(3);
    message_u16s(&b, 9, 300, 3, 2, 144, 4, 10, 4, 34, 4);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    const struct ipfix_template *t = m->changes[0].tmplt;
    ck_assert_uint_eq(t->set_id, 3);
    ck_assert_uint_eq(t->scope_field_count, 2);
    ck_assert(t->fields[1].scope);
    ck_assert(!t->fields[2].scope);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(every_cut_of_a_set)
{
    /* One template, then one of which more and more is missing. */
    for (unsigned cut = 1; cut <= 12; cut++) {
        start_set(2);
        message_u16s(&b, 4, 256 + cut, 1, 8, 4);
        message_u16s(&b, 6, 400, 2, 8, 4, 0x8000 | 5, 2);
        message_u32(&b, 8057);
        b.length -= cut;
        ck_assert_uint_eq(changes(&tcp), 1);
        ck_assert(!known(&tcp, 400));
        ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_TEMPLATE], cut);
        ck_assert(known(&tcp, (uint16_t)(256 + cut)));
    }
}
END_TEST

START_TEST(bad_definitions)
{
    static const struct {
        uint16_t set_id;
        unsigned count;
        int values[8];
    } bad[] = {
        {2, 4, {255, 1, 8, 4}}, /* reserved id */
        {2, 4, {0, 1, 8, 4}},
        {2, 4, {300, 2, 8, 4}}, /* more fields than there are */
        {2, 4, {300, 65535, 8, 4}},
        {2, 6, {300, 2, 8, 65534, 1, 6}}, /* records longer than a message */
        {3, 5, {300, 1, 0, 8, 4}},        /* no scope */
        {3, 5, {300, 1, 2, 8, 4}},        /* more scopes than fields */
        {3, 5, {300, 1, 65535, 8, 4}},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start_set(bad[i].set_id);
        for (unsigned v = 0; v < bad[i].count; v++) {
            message_u16s(&b, 1, bad[i].values[v]);
        }
        ck_assert_uint_eq(changes(&tcp), 0);
        ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_TEMPLATE], i + 1);
        ck_assert_ptr_nonnull(tcp.last.text);
        ck_assert(!known(&tcp, 300));
    }
}
END_TEST

START_TEST(many_fields_without_octets)
{
    start_set(2);
    message_u16s(&b, 2, 300, 66);
    for (unsigned i = 0; i < 65; i++) {
        message_u16s(&b, 2, 8, 0);
    }
    message_u16s(&b, 2, 8, 4);
    ck_assert_uint_eq(changes(&tcp), 0);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_BAD_TEMPLATE], 1);
}
END_TEST

START_TEST(largest_template)
{
    start_set(2);
    message_u16s(&b, 2, 300, 16000);
    for (unsigned i = 0; i < 16000; i++) {
        message_u16s(&b, 2, i, 1);
    }
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(m->change_count, 1);
    ck_assert_uint_eq(m->changes[0].tmplt->record_length, 16000);
    ck_assert_uint_eq(m->changes[0].tmplt->fields[15999].offset, 15999);
    ck_assert(!m->changes[0].tmplt->fields[15999].repeated);
    ipfix_message_unref(m);
}
END_TEST

START_TEST(redefinition_is_accepted)
{
    start_set(2);
    message_u16s(&b, 4, 300, 1, 8, 4);
    struct ipfix_message *first = fixture_decode(&tcp, &b);
    start_set(2);
    message_u16s(&b, 4, 300, 1, 12, 4);
    struct ipfix_message *second = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_TEMPLATE_REDEFINED], 1);
    ck_assert_int_eq(second->changes[0].kind, IPFIX_TEMPLATE_ADDED);
    ck_assert(!ipfix_template_equal(first->changes[0].tmplt, second->changes[0].tmplt));
    ck_assert_uint_ne(first->changes[0].tmplt->serial, second->changes[0].tmplt->serial);
    ipfix_message_unref(second);
    ck_assert_uint_eq(first->changes[0].tmplt->fields[0].id, 8); /* lives with its message */
    ipfix_message_unref(first);
}
END_TEST

START_TEST(withdrawal)
{
    start_set(2);
    message_u16s(&b, 8, 300, 1, 8, 4, 301, 1, 8, 4);
    ck_assert_uint_eq(changes(&tcp), 2);
    start_set(2);
    message_u16s(&b, 2, 300, 0);
    struct ipfix_message *m = fixture_decode(&tcp, &b);
    ck_assert_uint_eq(m->change_count, 1);
    ck_assert_int_eq(m->changes[0].kind, IPFIX_TEMPLATE_WITHDRAWN);
    ck_assert_uint_eq(m->changes[0].tmplt->id, 300);
    ipfix_message_unref(m);
    ck_assert(!known(&tcp, 300));
    ck_assert(known(&tcp, 301));
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_WITHDRAWAL], 1);

    start_set(2);
    message_u16s(&b, 2, 300, 0);
    ck_assert_uint_eq(changes(&tcp), 0);
    start_set(3); /* 301 is no Options Template */
    message_u16s(&b, 2, 301, 0);
    ck_assert_uint_eq(changes(&tcp), 0);
    ck_assert_uint_eq(tcp.events[IPFIX_EVENT_UNKNOWN_WITHDRAWAL], 2);
}
END_TEST

START_TEST(withdrawal_of_all)
{
    start_set(2);
    message_u16s(&b, 8, 300, 1, 8, 4, 65535, 1, 8, 4);
    message_set(&b, 3);
    message_u16s(&b, 5, 400, 1, 1, 8, 4);
    ck_assert_uint_eq(changes(&tcp), 3);
    start_set(2);
    message_u16s(&b, 2, 2, 0);
    ck_assert_uint_eq(changes(&tcp), 2);
    ck_assert(!known(&tcp, 300));
    ck_assert(!known(&tcp, 65535));
    ck_assert(known(&tcp, 400));
    start_set(3);
    message_u16s(&b, 2, 3, 0);
    ck_assert_uint_eq(changes(&tcp), 1);
    ck_assert(!known(&tcp, 400));
}
END_TEST

START_TEST(udp_ignores_withdrawals)
{
    start_set(2);
    message_u16s(&b, 4, 300, 1, 8, 4);
    ck_assert_uint_eq(changes(&udp), 1);
    start_set(2);
    message_u16s(&b, 4, 300, 0, 2, 0);
    ck_assert_uint_eq(changes(&udp), 0);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_REFUSED_WITHDRAWAL], 2);
    ck_assert(known(&udp, 300));
}
END_TEST

START_TEST(lifetime_in_seconds)
{
    start_set(2);
    message_u16s(&b, 4, 300, 1, 8, 4);
    (void)changes(&udp);
    udp.now_ms += 10000;
    ck_assert(known(&udp, 300));
    start_set(2);
    message_u16s(&b, 4, 300, 1, 8, 4);
    (void)changes(&udp); /* refreshed */
    udp.now_ms += 10000;
    ck_assert(known(&udp, 300));
    udp.now_ms += 1;
    ck_assert(!known(&udp, 300));
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_TEMPLATE_EXPIRED], 1);
    ck_assert(!known(&udp, 300));
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_TEMPLATE_EXPIRED], 1);
    ck_assert_uint_eq(udp.events[IPFIX_EVENT_NO_TEMPLATE], 2);
}
END_TEST

START_TEST(lifetime_in_messages)
{
    start_set(3);
    message_u16s(&b, 5, 300, 1, 1, 8, 4);
    (void)changes(&udp);
    ck_assert(known(&udp, 300));
    ck_assert(known(&udp, 300));
    ck_assert(known(&udp, 300));
    ck_assert(!known(&udp, 300));
    start_set(2);
    message_u16s(&b, 4, 301, 1, 8, 4);
    (void)changes(&udp);
    for (unsigned i = 0; i < 50; i++) {
        ck_assert(known(&udp, 301));
    }
    ck_assert(!known(&udp, 301));
}
END_TEST

START_TEST(streams_have_no_lifetime)
{
    start_set(2);
    message_u16s(&b, 4, 300, 1, 8, 4);
    (void)changes(&tcp);
    tcp.now_ms += 1000000000;
    ck_assert(known(&tcp, 300));
}
END_TEST

START_TEST(memory_is_bounded)
{
    /* As many different templates as a sender can think of: later ones are refused. */
    for (unsigned domain = 0; domain < 4000; domain++) {
        message_start(&b, domain, 0);
        message_set(&b, 2);
        for (unsigned id = 256; id < 65536; id += 256) {
            message_u16s(&b, 4, id, 1, 8, 4);
        }
        (void)changes(&udp);
    }
    ck_assert_uint_gt(udp.events[IPFIX_EVENT_LIMIT], 0);
}
END_TEST

START_TEST(budget_is_given_back)
{
    struct template_budget budget = {.used = 0, .limit = 1u << 20};
    struct template_table table;
    struct event_sink sink = {NULL, NULL};
    struct template_context context = {.sink = &sink, .withdrawals = true};
    struct change_list list = {0};
    start_set(2);
    for (unsigned id = 256; id < 5256; id++) {
        message_u16s(&b, 4, id, 1, 8, 4);
    }
    message_end(&b);
    struct ipfix_set set = {.id = 2, .length = (uint16_t)(b.length - 16), .octets = b.octets + 16};
    template_table_init(&table, 1, &budget);
    ck_assert_int_eq(template_table_apply(&table, &context, &set, 0, &list), COL_OK);
    ck_assert_uint_eq(list.count, 5000);
    ck_assert_uint_gt(budget.used, 5000 * sizeof(struct ipfix_template));
    change_list_clear(&list);
    template_table_clear(&table);
    ck_assert_uint_eq(budget.used, 0);
    free(list.items);
}
END_TEST

/* Many sessions that each keep within their own bound still have one in common; what was known
 * before goes on, and memory comes back with the sessions. */
START_TEST(sessions_share_a_bound)
{
    struct template_budget shared = {.limit = 1u << 20};
    struct decoder_fixture honest, hostile[64];

    fixture_init(&honest, IPFIX_TRANSPORT_UDP, NULL);
    ipfix_decoder_share_budget(honest.decoder, &shared);
    message_start(&b, 1, 0);
    message_set(&b, 2);
    message_u16s(&b, 4, 256, 1, 8, 4);
    ipfix_message_unref(fixture_decode(&honest, &b));
    for (unsigned i = 0; i < 64; i++) {
        fixture_init(&hostile[i], IPFIX_TRANSPORT_UDP, NULL);
        ipfix_decoder_share_budget(hostile[i].decoder, &shared);
        message_start(&b, 1, 0);
        message_set(&b, 2);
        for (unsigned id = 256; id < 65536; id += 256) {
            message_u16s(&b, 4, id, 1, 8, 4);
        }
        ipfix_message_unref(fixture_decode(&hostile[i], &b));
    }
    ck_assert_uint_le(shared.used, shared.limit);
    ck_assert_uint_gt(hostile[63].events[IPFIX_EVENT_LIMIT], 0);
    ck_assert_uint_eq(hostile[0].events[IPFIX_EVENT_LIMIT], 0);

    message_start(&b, 1, 0);
    message_set(&b, 2);
    message_u16s(&b, 4, 256, 1, 8, 4);
    message_set(&b, 256);
    message_u16s(&b, 2, 1, 2);
    struct ipfix_message *message = fixture_decode(&honest, &b);
    ck_assert_ptr_nonnull(message);
    ck_assert_uint_eq(message->data_record_count, 1);
    ipfix_message_unref(message);
    ck_assert_uint_eq(honest.events[IPFIX_EVENT_LIMIT], 0);
    fixture_clear(&honest);
    for (unsigned i = 0; i < 64; i++) {
        fixture_clear(&hostile[i]);
    }
    ck_assert_uint_eq(shared.used, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template_manager");
    TCase *tcase = tcase_create("template_manager");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, fields_are_laid_out);
    tcase_add_test(tcase, options_template_has_scopes);
    tcase_add_test(tcase, every_cut_of_a_set);
    tcase_add_test(tcase, bad_definitions);
    tcase_add_test(tcase, many_fields_without_octets);
    tcase_add_test(tcase, largest_template);
    tcase_add_test(tcase, redefinition_is_accepted);
    tcase_add_test(tcase, withdrawal);
    tcase_add_test(tcase, withdrawal_of_all);
    tcase_add_test(tcase, udp_ignores_withdrawals);
    tcase_add_test(tcase, lifetime_in_seconds);
    tcase_add_test(tcase, lifetime_in_messages);
    tcase_add_test(tcase, streams_have_no_lifetime);
    tcase_add_test(tcase, memory_is_bounded);
    tcase_add_test(tcase, budget_is_given_back);
    tcase_add_test(tcase, sessions_share_a_bound);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
