/* SPDX-License-Identifier: BSD-3-Clause */
/* Behind an input: sessions, what becomes of messages, accounts, and the descriptor that wakes. */

#include "input.h"
#include "instance_support.h"
#include "log.h"

#include <poll.h>

static int hook_create(col_instance_t *instance, const void *options, void **state)
{
    (void)options;
    *state = instance;
    return COL_OK;
}

static void hook_destroy(void *state)
{
    (void)state;
}

static int hook_receive(void *state)
{
    (void)state;
    return COL_EOF;
}

static const struct col_plugin plugin = {.abi = COL_PLUGIN_ABI,
                                         .kind = COL_INPUT,
                                         .name = "unit",
                                         .create = hook_create,
                                         .destroy = hook_destroy,
                                         .receive = hook_receive};

static struct collector_context context;
static col_instance_t *instance;
static unsigned passed, closed;
static uint32_t last_domain;
static bool last_new;

static void take(void *unused, struct ipfix_message *message)
{
    (void)unused;
    passed += message->kind == IPFIX_MESSAGE_DATA;
    closed += message->kind == IPFIX_MESSAGE_SOURCE_CLOSED;
    last_domain = message->domain_id;
    last_new = message->source_new;
    ipfix_message_unref(message);
}

static void setup(void)
{
    support_make_folder();
    log_set_verbosity(-1);
    support_context(&context);
    struct instance_spec *spec = support_spec(&plugin);
    instance = instance_create(&context, spec, "");
    spec_unref(spec);
    ck_assert_ptr_nonnull(instance);
    instance->next.push = take;
}

static void teardown(void)
{
    instance_free(instance);
    (void)close(context.wake_fd);
    support_remove_folder();
}

static const struct ipfix_session *open_session(void)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    const struct ipfix_session *session = col_session_open(instance, &info);
    ck_assert_ptr_nonnull(session);
    return session;
}

static int send_message(const struct ipfix_session *session, uint32_t domain_id)
{
    uint8_t octets[256];
    return col_input_message(instance, session, octets,
                             support_octets(octets, domain_id, 4, false));
}

START_TEST(messages_go_on_and_are_accounted)
{
    const struct ipfix_session *session = open_session();
    size_t count;

    ck_assert_int_eq(send_message(session, 5), COL_OK);
    ck_assert(last_new);
    ck_assert_int_eq(send_message(session, 5), COL_OK);
    ck_assert(!last_new);
    ck_assert_int_eq(send_message(session, 6), COL_OK);
    ck_assert_uint_eq(passed, 3);
    ck_assert_uint_eq(last_domain, 6);

    struct input_source *sources = input_sources(instance->input, &count);
    ck_assert_uint_eq(count, 2);
    for (size_t i = 0; i < count; i++) {
        unsigned messages = sources[i].domain_id == 5 ? 2 : 1;
        ck_assert_uint_eq(sources[i].messages, messages);
        ck_assert_uint_eq(sources[i].data_records, 4 * messages);
        ck_assert_uint_eq(sources[i].session_id, session->id);
    }
    free(sources);
    struct input_totals totals = input_totals(instance->input);
    ck_assert_uint_eq(totals.sessions, 1);
    ck_assert_uint_eq(totals.messages, 3);
    ck_assert_uint_eq(totals.octets, 3 * (16 + 12 + 20));
    ck_assert_uint_eq(totals.malformed, 0);
}
END_TEST

START_TEST(malformed_messages_are_counted_and_dropped)
{
    const struct ipfix_session *session = open_session();
    uint8_t octets[256];
    size_t length = support_octets(octets, 1, 4, false);

    for (size_t cut = 0; cut < length; cut++) {
        ck_assert_int_eq(col_input_message(instance, session, octets, cut), COL_ERR_MALFORMED);
    }
    octets[1] = 9;
    ck_assert_int_eq(col_input_message(instance, session, octets, length), COL_ERR_MALFORMED);
    ck_assert_uint_eq(passed, 0);
    ck_assert_uint_eq(input_totals(instance->input).malformed, length + 1);
    ck_assert_int_eq(send_message(session, 1), COL_OK); /* the session goes on */
}
END_TEST

START_TEST(a_session_that_ends_tells_each_of_its_domains)
{
    const struct ipfix_session *a = open_session();
    const struct ipfix_session *b = open_session();

    ck_assert_int_eq(send_message(a, 1), COL_OK);
    ck_assert_int_eq(send_message(a, 2), COL_OK);
    ck_assert_int_eq(send_message(b, 1), COL_OK);
    col_session_close(instance, a);
    ck_assert_uint_eq(closed, 2);
    ck_assert_uint_eq(input_totals(instance->input).sessions, 1);
    input_close_sessions(instance->input);
    ck_assert_uint_eq(closed, 3);
    ck_assert_uint_eq(input_totals(instance->input).sessions, 0);
    col_session_close(instance, NULL);
}
END_TEST

/* Template 256 without the field it promises, then a set of an unknown kind; both are left out. */
START_TEST(faults_inside_are_counted_once_for_a_message)
{
    static const uint8_t octets[] = {0, 10, 0, 28, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                                     0, 1,  0, 2,  0, 8, 1, 0, 0, 1, 0, 5, 0, 4};
    const struct ipfix_session *session = open_session();

    ck_assert_int_eq(send_message(session, 1), COL_OK);
    ck_assert_uint_eq(input_totals(instance->input).damaged, 0);
    ck_assert_int_eq(col_input_message(instance, session, octets, sizeof(octets)), COL_OK);
    ck_assert_int_eq(send_message(session, 1), COL_OK);
    struct input_totals totals = input_totals(instance->input);
    ck_assert_uint_eq(totals.damaged, 1);
    ck_assert_uint_eq(totals.malformed, 0);
    ck_assert_uint_eq(totals.messages, 3);
}
END_TEST

START_TEST(a_session_without_messages_ends_silently)
{
    col_session_close(instance, open_session());
    ck_assert_uint_eq(closed, 0);
}
END_TEST

START_TEST(many_sessions_are_all_closed)
{
    for (int i = 0; i < 500; i++) {
        ck_assert_int_eq(send_message(open_session(), 1), COL_OK);
    }
    input_close_sessions(instance->input);
    ck_assert_uint_eq(closed, 500);
}
END_TEST

START_TEST(losses_before_the_input)
{
    col_input_lost(instance, 3);
    col_input_lost(instance, 4);
    ck_assert_uint_eq(input_totals(instance->input).lost, 7);
}
END_TEST

START_TEST(framing_errors_are_malformed)
{
    col_input_malformed(instance);
    col_input_malformed(instance);
    ck_assert_uint_eq(input_totals(instance->input).malformed, 2);
    ck_assert_uint_eq(input_totals(instance->input).messages, 0);
}
END_TEST

static bool readable(int timeout_ms)
{
    struct pollfd fd = {.fd = col_input_stop_fd(instance), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

START_TEST(the_descriptor_wakes)
{
    input_rearm(instance->input, 0);
    ck_assert(!readable(50));
    input_rearm(instance->input, 20); /* a tick is due then */
    ck_assert(readable(5000));
    input_rearm(instance->input, 0);
    ck_assert(!readable(20));
    input_interrupt(instance->input);
    ck_assert(readable(5000));
    instance_hurry(instance);
    input_interrupt(instance->input);
    input_rearm(instance->input, 0); /* not while stopping */
    ck_assert(readable(5000));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("input");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, messages_go_on_and_are_accounted);
    tcase_add_test(tcase, malformed_messages_are_counted_and_dropped);
    tcase_add_test(tcase, a_session_that_ends_tells_each_of_its_domains);
    tcase_add_test(tcase, a_session_without_messages_ends_silently);
    tcase_add_test(tcase, many_sessions_are_all_closed);
    tcase_add_test(tcase, losses_before_the_input);
    tcase_add_test(tcase, framing_errors_are_malformed);
    tcase_add_test(tcase, faults_inside_are_counted_once_for_a_message);
    tcase_add_test(tcase, the_descriptor_wakes);
    return support_run(tcase, "input");
}
