/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole pipeline of plugins in this file: order of stages, their end, another plan. */

#include "instance_support.h"
#include "log.h"
#include "pipeline.h"

static atomic_uint sent, limit, stored, passed[2], destroyed;
static atomic_bool input_fails, refuse_storage, storage_waits, storage_hangs;
static const struct ipfix_session *session;

static int create(col_instance_t *instance, const void *options, void **state)
{
    (void)options;
    *state = instance;
    return COL_OK;
}

static void destroy(void *state)
{
    (void)state;
    atomic_fetch_add(&destroyed, 1);
}

static int input_create_hook(col_instance_t *instance, const void *options, void **state)
{
    struct ipfix_session_info info = {.transport = IPFIX_TRANSPORT_TCP};
    session = col_session_open(instance, &info);
    return create(instance, options, state);
}

static int receive(void *state)
{
    uint8_t octets[64];

    if (atomic_load(&sent) >= atomic_load(&limit)) {
        struct pollfd fd = {.fd = col_input_stop_fd(state), .events = POLLIN};
        if (atomic_load(&input_fails)) {
            return COL_ERR;
        }
        (void)poll(&fd, 1, 10);
        return COL_OK;
    }
    atomic_fetch_add(&sent, 1);
    size_t length = support_octets(octets, 1, 1, false);
    return col_input_message(state, session, octets, length) == COL_OK ? COL_OK : COL_ERR;
}

static int pass_0(void *state, struct ipfix_message *message)
{
    atomic_fetch_add(&passed[0], message->kind == IPFIX_MESSAGE_DATA);
    col_pass(state, message);
    return COL_OK;
}

static int pass_1(void *state, struct ipfix_message *message)
{
    /* Behind the first one: it never has seen more. */
    ck_assert_uint_lt(atomic_load(&passed[1]), atomic_load(&passed[0]) + 1);
    atomic_fetch_add(&passed[1], message->kind == IPFIX_MESSAGE_DATA);
    col_pass(state, message);
    return COL_OK;
}

static int store(void *state, struct ipfix_message *message)
{
    /* As with a destination that is down: it waits, unless it shall give up. */
    while (atomic_load(&storage_waits) && !col_stopping(state)) {
        support_nap(2);
    }
    while (atomic_load(&storage_hangs)) {
        support_nap(2);
    }
    atomic_fetch_add(&stored, message->kind == IPFIX_MESSAGE_DATA);
    return COL_OK;
}

static int storage_create(col_instance_t *instance, const void *options, void **state)
{
    return atomic_load(&refuse_storage) ? COL_ERR : create(instance, options, state);
}

static const struct col_plugin input_plugin = {.abi = COL_PLUGIN_ABI,
                                               .kind = COL_INPUT,
                                               .name = "in",
                                               .create = input_create_hook,
                                               .destroy = destroy,
                                               .receive = receive};
static const struct col_plugin inter_plugins[2] = {{.abi = COL_PLUGIN_ABI,
                                                    .kind = COL_INTERMEDIATE,
                                                    .name = "first",
                                                    .create = create,
                                                    .destroy = destroy,
                                                    .process = pass_0},
                                                   {.abi = COL_PLUGIN_ABI,
                                                    .kind = COL_INTERMEDIATE,
                                                    .name = "second",
                                                    .create = create,
                                                    .destroy = destroy,
                                                    .process = pass_1}};
static const struct col_plugin storage_plugin = {.abi = COL_PLUGIN_ABI,
                                                 .kind = COL_STORAGE,
                                                 .name = "out",
                                                 .create = storage_create,
                                                 .destroy = destroy,
                                                 .process = store};

static struct collector_context context;
static struct instance_spec *inters[2], *storages[1];
static struct pipeline_plan plan = {.name = (char *)(uintptr_t) "unit"};

static void setup(void)
{
    support_make_folder();
    log_set_verbosity(-1);
    support_context(&context);
    plan.input = support_spec(&input_plugin);
    inters[0] = support_spec(&inter_plugins[0]);
    inters[1] = support_spec(&inter_plugins[1]);
    storages[0] = support_spec(&storage_plugin);
    plan.intermediates = inters;
    plan.intermediate_count = 2;
    plan.storages = storages;
    plan.storage_count = 1;
    plan.single_manager = true;
    atomic_store(&limit, 1000);
}

static void teardown(void)
{
    spec_unref(plan.input);
    spec_unref(inters[0]);
    spec_unref(inters[1]);
    spec_unref(storages[0]);
    (void)close(context.wake_fd);
    support_remove_folder();
}

static struct pipeline *start(void)
{
    struct pipeline *pipeline = pipeline_create(&context, &plan);
    ck_assert_ptr_nonnull(pipeline);
    ck_assert(pipeline_start(pipeline));
    return pipeline;
}

static void wait_for(atomic_uint *value, unsigned at_least)
{
    for (int i = 0; i < 4000 && atomic_load(value) < at_least; i++) {
        support_nap(5);
    }
    ck_assert_uint_ge(atomic_load(value), at_least);
}

static void join(struct pipeline *pipeline)
{
    bool ended;
    ck_assert_uint_eq(pipeline_join(pipeline, col_clock_ms() + 20000, &ended), 0);
    ck_assert(ended);
    ck_assert(pipeline_finished(pipeline));
}

static bool always(void)
{
    return true;
}

START_TEST(everything_passes_every_stage_before_the_end)
{
    struct pipeline *pipeline = start();

    wait_for(&sent, 1000);
    pipeline_stop(pipeline);
    join(pipeline);
    ck_assert(!pipeline->failed);
    pipeline_destroy(pipeline);
    ck_assert_uint_eq(atomic_load(&stored), 1000);
    ck_assert_uint_eq(atomic_load(&passed[1]), 1000);
    ck_assert_uint_eq(atomic_load(&destroyed), 4);
}
END_TEST

START_TEST(an_input_that_fails_ends_its_pipeline)
{
    struct pipeline *pipeline;

    atomic_store(&input_fails, true);
    pipeline = start();
    join(pipeline);
    ck_assert(pipeline->failed);
    pipeline_destroy(pipeline);
    ck_assert_uint_eq(atomic_load(&stored), 1000);
}
END_TEST

START_TEST(without_a_storage_it_does_not_start)
{
    atomic_store(&refuse_storage, true);
    ck_assert_ptr_null(pipeline_create(&context, &plan));
    ck_assert_uint_eq(atomic_load(&sent), 0);
    pipeline_destroy(NULL);
}
END_TEST

START_TEST(never_started_it_ends_all_the_same)
{
    struct pipeline *pipeline = pipeline_create(&context, &plan);
    ck_assert_ptr_nonnull(pipeline);
    pipeline_stop(pipeline);
    join(pipeline);
    pipeline_destroy(pipeline);
    ck_assert_uint_eq(atomic_load(&destroyed), 4);
}
END_TEST

START_TEST(another_plan_while_messages_pass)
{
    struct pipeline *pipeline;
    struct pipeline_plan shorter = plan;

    atomic_store(&limit, 20000);
    pipeline = start();
    wait_for(&stored, 2000);
    shorter.intermediate_count = 1;
    ck_assert(pipeline_reload(pipeline, &shorter, NULL));
    wait_for(&stored, 6000);
    ck_assert(pipeline_reload(pipeline, &plan, NULL));
    ck_assert(pipeline_reload(pipeline, &plan, NULL)); /* nothing changes */
    wait_for(&sent, 20000);
    pipeline_stop(pipeline);
    join(pipeline);
    pipeline_destroy(pipeline);
    ck_assert_uint_eq(atomic_load(&stored), 20000);
    ck_assert_uint_eq(atomic_load(&passed[0]), 20000);
    ck_assert_uint_lt(atomic_load(&passed[1]), 20000); /* it was out for a while */
}
END_TEST

/* The operator's way out of a wrong destination: a reload that replaces it. */
START_TEST(a_storage_that_waits_for_ever_can_be_replaced)
{
    struct instance_spec *other = support_spec(&storage_plugin);
    struct instance_spec *others[1] = {other};
    struct pipeline_plan changed = plan;

    free(other->canonical);
    other->canonical = strdup("other settings");
    changed.storages = others;
    changed.single_manager = _i == 0;
    atomic_store(&storage_waits, true);
    struct pipeline *pipeline = start();
    wait_for(&sent, 100);
    support_nap(200); /* all queues are full now, the input waits */
    ck_assert_uint_lt(atomic_load(&stored), 2);
    ck_assert(pipeline_reload(pipeline, &changed, NULL));
    atomic_store(&storage_waits, false);
    wait_for(&sent, 1000);
    pipeline_stop(pipeline);
    join(pipeline);
    pipeline_destroy(pipeline);
    ck_assert_uint_eq(atomic_load(&stored), 1000);
    spec_unref(other);
}
END_TEST

START_TEST(a_storage_that_waits_for_ever_is_not_cut_short_without_need)
{
    struct pipeline_plan shorter = plan;

    shorter.intermediate_count = 1;
    atomic_store(&storage_waits, true);
    struct pipeline *pipeline = start();
    wait_for(&sent, 100);
    support_nap(200);
    /* It stays: whatever else changes has to wait for it, here until somebody gives up. */
    ck_assert(!pipeline_reload(pipeline, &shorter, always));
    ck_assert_uint_lt(atomic_load(&stored), 2);
    atomic_store(&storage_waits, false);
    wait_for(&sent, 1000);
    pipeline_stop(pipeline);
    join(pipeline);
    pipeline_destroy(pipeline);
    ck_assert_uint_eq(atomic_load(&stored), 1000);
}
END_TEST

/* Even one that never gives up does not keep a stop from being noticed. */
START_TEST(a_storage_that_hangs_while_it_is_replaced)
{
    struct instance_spec *other = support_spec(&storage_plugin);
    struct instance_spec *others[1] = {other};
    struct pipeline_plan changed = plan;

    free(other->canonical);
    other->canonical = strdup("other settings");
    changed.storages = others;
    changed.single_manager = _i == 0;
    atomic_store(&limit, 10); /* nothing before the storage is stuck */
    atomic_store(&storage_hangs, true);
    struct pipeline *pipeline = start();
    wait_for(&passed[1], 10);
    uint64_t began_ms = col_clock_ms();
    (void)pipeline_reload(pipeline, &changed, always);
    ck_assert_uint_lt(col_clock_ms() - began_ms, 15000);
    bool ended;
    pipeline_stop(pipeline);
    atomic_store(&storage_hangs, false);
    ck_assert_uint_eq(pipeline_join(pipeline, col_clock_ms() + 20000, &ended), 0);
    ck_assert(ended);
    ck_assert_uint_eq(atomic_load(&stored), 10);
    pipeline_destroy(pipeline);
    spec_unref(other);
}
END_TEST

/* The end of the input has ended all behind it: nothing of it can go on with another input. */
START_TEST(another_input_after_the_end)
{
    struct pipeline_plan changed = plan;

    atomic_store(&limit, 10);
    atomic_store(&input_fails, true);
    struct pipeline *pipeline = start();
    join(pipeline);
    ck_assert(!pipeline_is_over(pipeline, &plan));
    ck_assert(pipeline_reload(pipeline, &plan, NULL));
    changed.input = support_spec(&input_plugin);
    free(changed.input->canonical);
    changed.input->canonical = strdup("other settings");
    ck_assert(!pipeline_reload(pipeline, &changed, NULL));
    ck_assert(pipeline_is_over(pipeline, &changed));
    pipeline_destroy(pipeline);
    spec_unref(changed.input);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("pipeline");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, everything_passes_every_stage_before_the_end);
    tcase_add_test(tcase, an_input_that_fails_ends_its_pipeline);
    tcase_add_test(tcase, without_a_storage_it_does_not_start);
    tcase_add_test(tcase, never_started_it_ends_all_the_same);
    tcase_add_test(tcase, another_plan_while_messages_pass);
    tcase_add_loop_test(tcase, a_storage_that_waits_for_ever_can_be_replaced, 0, 2);
    tcase_add_test(tcase, a_storage_that_waits_for_ever_is_not_cut_short_without_need);
    tcase_add_loop_test(tcase, a_storage_that_hangs_while_it_is_replaced, 0, 2);
    tcase_add_test(tcase, another_input_after_the_end);
    return support_run(tcase, "pipeline");
}
