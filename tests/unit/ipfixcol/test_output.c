/* SPDX-License-Identifier: BSD-3-Clause */
/* The output manager: which storages see which domain, how long they live, how they are replaced.
 */

#include "instance_support.h"
#include "log.h"
#include "output.h"

struct seen {
    atomic_uint creates, destroys, messages, closed;
    atomic_bool refuse;
};
static struct seen seen[3]; /* by plugin */

/* Three plugins that differ only in which accounts they keep. */
#define PLUGIN(n)                                                                                  \
    static int create_##n(col_instance_t *instance, const void *options, void **state)             \
    {                                                                                              \
        (void)instance;                                                                            \
        (void)options;                                                                             \
        *state = &seen[n];                                                                         \
        if (atomic_load(&seen[n].refuse)) {                                                        \
            return COL_ERR;                                                                        \
        }                                                                                          \
        atomic_fetch_add(&seen[n].creates, 1);                                                     \
        return COL_OK;                                                                             \
    }                                                                                              \
    static const struct col_plugin plugin_##n = {.abi = COL_PLUGIN_ABI,                            \
                                                 .kind = COL_STORAGE,                              \
                                                 .name = "plugin" #n,                              \
                                                 .create = create_##n,                             \
                                                 .destroy = hook_destroy,                          \
                                                 .process = hook_process};

static void hook_destroy(void *state)
{
    atomic_fetch_add(&((struct seen *)state)->destroys, 1);
}

static int hook_process(void *state, struct ipfix_message *message)
{
    struct seen *s = state;
    atomic_fetch_add(message->kind == IPFIX_MESSAGE_DATA ? &s->messages : &s->closed, 1);
    return COL_OK;
}

PLUGIN(0)
PLUGIN(1)
PLUGIN(2)

static struct collector_context context;
static struct output output;
static struct instance_spec *specs[3];
static ipfix_decoder_t *decoder;

static void setup(void)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};

    support_make_folder();
    log_set_verbosity(-1);
    support_context(&context);
    specs[0] = support_spec(&plugin_0);
    specs[1] = support_spec(&plugin_1);
    specs[2] = support_spec(&plugin_2);
    decoder = ipfix_decoder_create(ipfix_session_create(&info), NULL, NULL, NULL);
}

static void drain(void)
{
    ck_assert(output_drain(&output, col_clock_ms() + 20000));
}

static void teardown(void)
{
    output_clear(&output);
    for (int i = 0; i < 3; i++) {
        spec_unref(specs[i]);
    }
    ipfix_decoder_destroy(decoder);
    (void)close(context.wake_fd);
    support_remove_folder();
}

static void begin(size_t count, bool single)
{
    ck_assert(output_init(&output, &context, specs, count, single));
    ck_assert(output_prepare(&output));
}

static void push(uint32_t domain_id)
{
    struct stage stage = output_stage(&output);
    uint8_t octets[256];
    struct ipfix_message *message = NULL;

    size_t length = support_octets(octets, domain_id, 3, false);
    ck_assert_int_eq(ipfix_decoder_decode(decoder, octets, length, 0, &message), COL_OK);
    stage.push(stage.context, message);
}

/* The session ends: a notice for each of its domains. */
static void push_closed(void)
{
    struct stage stage = output_stage(&output);
    struct ipfix_message *notice;
    while ((notice = ipfix_decoder_close_next(decoder)) != NULL) {
        stage.push(stage.context, notice);
    }
}

static void expect(unsigned plugin, unsigned creates, unsigned messages)
{
    ck_assert_uint_eq(atomic_load(&seen[plugin].creates), creates);
    ck_assert_uint_eq(atomic_load(&seen[plugin].destroys), creates);
    ck_assert_uint_eq(atomic_load(&seen[plugin].messages), messages);
}

START_TEST(single_manager_takes_all_domains)
{
    begin(2, true);
    ck_assert_uint_eq(atomic_load(&seen[0].creates), 1); /* ahead of messages */
    push(1);
    push(2);
    push(1);
    push_closed();
    ck_assert(!output_finished(&output)); /* the end of a source does not end a single manager */
    drain();
    ck_assert(output_finished(&output));
    expect(0, 1, 3);
    expect(1, 1, 3);
    ck_assert_uint_eq(atomic_load(&seen[0].closed), 2);
}
END_TEST

START_TEST(a_manager_for_each_domain_ends_with_its_last_source)
{
    begin(1, false);
    ck_assert_uint_eq(atomic_load(&seen[0].creates), 0);
    push(1);
    push(2);
    push(2);
    push_closed();
    for (int i = 0; i < 2000 && atomic_load(&seen[0].destroys) < 2; i++) {
        support_nap(5);
    }
    expect(0, 2, 3); /* both ended without the collector being stopped */
    ck_assert_uint_eq(atomic_load(&seen[0].closed), 2);
    push(1); /* it comes back: a new manager */
    drain();
    expect(0, 3, 4);
}
END_TEST

START_TEST(bound_destinations_come_first)
{
    specs[1]->has_domain = true;
    specs[1]->domain_id = 7;
    specs[2]->has_domain = true;
    specs[2]->domain_id = 8;
    begin(3, false);
    push(7);
    push(1);
    push(7);
    drain();
    expect(0, 1, 1); /* bound to none: all domains nobody is bound to */
    expect(1, 1, 2);
    expect(2, 0, 0);
}
END_TEST

START_TEST(bound_destinations_are_never_used_by_a_single_manager)
{
    specs[1]->has_domain = true;
    specs[1]->domain_id = 7;
    begin(2, true);
    push(7);
    drain();
    expect(0, 1, 1);
    expect(1, 0, 0);
}
END_TEST

START_TEST(a_domain_without_storage_is_counted)
{
    specs[0]->has_domain = true;
    specs[0]->domain_id = 7;
    begin(1, false);
    push(1);
    push(7);
    push(1);
    ck_assert_uint_eq(atomic_load(&output.unstored_count), 2);
    drain();
    expect(0, 1, 1);
}
END_TEST

START_TEST(no_storage_for_a_single_manager_is_an_error)
{
    atomic_store(&seen[0].refuse, true);
    ck_assert(output_init(&output, &context, specs, 1, true));
    ck_assert(!output_prepare(&output));
    drain();
}
END_TEST

START_TEST(one_that_refuses_is_left_out)
{
    atomic_store(&seen[0].refuse, true);
    begin(2, true);
    push(1);
    drain();
    expect(0, 0, 0);
    expect(1, 1, 1);
}
END_TEST

START_TEST(replacing_keeps_what_is_equal)
{
    struct instance_spec *next[2] = {specs[1], specs[2]};

    begin(2, true);
    push(1);
    output_replace(&output, next, 2, true, &(struct output_patience){0});
    ck_assert_uint_eq(atomic_load(&seen[0].destroys), 1); /* after its message */
    ck_assert_uint_eq(atomic_load(&seen[0].messages), 1);
    push(1);
    drain();
    expect(0, 1, 1);
    expect(1, 1, 2); /* never restarted */
    expect(2, 1, 1);
}
END_TEST

START_TEST(storages_that_cannot_start_again)
{
    struct instance_spec *changed = support_spec(&plugin_0);

    free(changed->canonical);
    changed->canonical = strdup("other settings");
    begin(1, true);
    push(1);
    struct instance_spec *next[1] = {changed};
    atomic_store(&seen[0].refuse, true);
    output_replace(&output, next, 1, true, &(struct output_patience){0});
    /* Neither the new nor the old one could start: messages are counted, a reload brings it back.
     */
    push(1);
    ck_assert_uint_eq(atomic_load(&output.unstored_count), 1);
    atomic_store(&seen[0].refuse, false);
    output_replace(&output, next, 1, true, &(struct output_patience){0});
    push(1);
    drain();
    expect(0, 2, 2);
    spec_unref(changed);
}
END_TEST

static uint64_t dropped;

static void add_dropped(void *unused, uint32_t domain_id, col_instance_t *storage)
{
    (void)unused;
    (void)domain_id;
    dropped += atomic_load(&storage->dropped_count);
}

START_TEST(full_queues_drop_only_where_asked_for)
{
    enum { COUNT = 20000 };
    uint8_t octets[256];
    struct ipfix_message *message = NULL;

    specs[0]->drop_when_full = true;
    context.queue_slots = 8;
    begin(2, true);
    struct stage stage = output_stage(&output);
    push(1); /* with the template: always delivered */
    size_t length = support_octets(octets, 1, 3, true);
    for (int i = 1; i < COUNT; i++) {
        ck_assert_int_eq(ipfix_decoder_decode(decoder, octets, length, 0, &message), COL_OK);
        stage.push(stage.context, message);
    }
    output_each(&output, add_dropped, NULL);
    drain();
    /* What is not processed is counted: no message is lost without a trace. */
    ck_assert_uint_eq(atomic_load(&seen[0].messages) + dropped, COUNT);
    ck_assert_uint_eq(atomic_load(&seen[1].messages), COUNT);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("output");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, single_manager_takes_all_domains);
    tcase_add_test(tcase, a_manager_for_each_domain_ends_with_its_last_source);
    tcase_add_test(tcase, bound_destinations_come_first);
    tcase_add_test(tcase, bound_destinations_are_never_used_by_a_single_manager);
    tcase_add_test(tcase, a_domain_without_storage_is_counted);
    tcase_add_test(tcase, no_storage_for_a_single_manager_is_an_error);
    tcase_add_test(tcase, one_that_refuses_is_left_out);
    tcase_add_test(tcase, replacing_keeps_what_is_equal);
    tcase_add_test(tcase, storages_that_cannot_start_again);
    tcase_add_test(tcase, full_queues_drop_only_where_asked_for);
    return support_run(tcase, "output");
}
