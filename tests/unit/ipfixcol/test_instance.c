/* SPDX-License-Identifier: BSD-3-Clause */
/* The thread of one instance: order, ticks, holding, failures, its end. */

#include "collector_support.h"
#include "instance.h"
#include "instance_support.h"
#include "log.h"

static void *created_state;
static atomic_uint processed, ticked, destroyed;
static atomic_bool fail_create, fail_process, slow;

static int hook_create(col_instance_t *instance, const void *options, void **state)
{
    (void)options;
    if (atomic_load(&fail_create)) {
        return COL_ERR;
    }
    created_state = *state = instance;
    return COL_OK;
}

static void hook_destroy(void *state)
{
    ck_assert_ptr_eq(state, created_state);
    atomic_fetch_add(&destroyed, 1);
}

static int hook_process(void *state, struct ipfix_message *message)
{
    ck_assert_ptr_eq(state, created_state);
    col_count(state, 1, message->data_record_count);
    atomic_fetch_add(&processed, 1);
    if (atomic_load(&slow)) {
        support_nap(20);
    }
    return atomic_load(&fail_process) ? COL_ERR : COL_OK;
}

static int hook_tick(void *state, uint64_t now_ms)
{
    ck_assert_ptr_eq(state, created_state);
    ck_assert_uint_le(now_ms, col_clock_ms());
    atomic_fetch_add(&ticked, 1);
    return COL_OK;
}

static const struct col_plugin plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_STORAGE,
    .name = "unit",
    .create = hook_create,
    .destroy = hook_destroy,
    .process = hook_process,
    .tick = hook_tick,
    .tick_ms = 20,
};

static struct collector_context context;
static col_instance_t *instance;

static void setup(void)
{
    support_make_folder();
    log_set_verbosity(-1);
    support_context(&context);
    struct instance_spec *spec = support_spec(&plugin);
    instance = instance_create(&context, spec, "42");
    spec_unref(spec);
    ck_assert_ptr_nonnull(instance);
}

static void teardown(void)
{
    instance_free(instance);
    (void)close(context.wake_fd);
    support_remove_folder();
}

static void push(unsigned count)
{
    struct stage stage = instance_stage(instance);
    for (unsigned i = 0; i < count; i++) {
        stage.push(stage.context, support_message(1, 5));
    }
}

static void end(void)
{
    instance_close(instance);
    ck_assert(instance_join(instance, col_clock_ms() + 20000));
    ck_assert(instance_finished(instance));
}

START_TEST(names_in_logs_and_of_threads)
{
    ck_assert_str_eq(instance_module(instance), "unit 42");
    ck_assert_str_eq(instance_module(NULL), "collector");
    ck_assert_str_eq(instance->thread_name, "out:unit 42");
}
END_TEST

START_TEST(everything_queued_is_processed_before_the_end)
{
    atomic_store(&slow, true);
    ck_assert(instance_start(instance));
    push(50);
    end();
    ck_assert_uint_eq(atomic_load(&processed), 50);
    ck_assert_uint_eq(atomic_load(&destroyed), 1);
    ck_assert_uint_eq(atomic_load(&instance->message_count), 50);
    ck_assert_uint_eq(atomic_load(&instance->record_count), 250);
    ck_assert_uint_eq(atomic_load(&instance->counters[1]), 250);
    ck_assert_uint_eq(atomic_load(&instance->failed_count), 0);
}
END_TEST

START_TEST(a_message_that_fails_is_counted_and_the_rest_goes_on)
{
    char *text;

    log_set_verbosity(1);
    atomic_store(&fail_process, true);
    support_capture();
    ck_assert(instance_start(instance));
    push(30);
    end();
    text = support_captured();
    ck_assert_uint_eq(atomic_load(&processed), 30);
    ck_assert_uint_eq(atomic_load(&instance->failed_count), 30);
    ck_assert_contains(text, "WARNING: unit 42: [1] a message of 5 data records");
    ck_assert_ptr_null(strstr(strstr(text, "WARNING") + 1, "WARNING")); /* once a minute */
    free(text);
}
END_TEST

START_TEST(ticks_come_without_messages)
{
    ck_assert(instance_start(instance));
    for (int i = 0; i < 1000 && atomic_load(&ticked) < 5; i++) {
        support_nap(10);
    }
    ck_assert_uint_ge(atomic_load(&ticked), 5);
    end();
}
END_TEST

START_TEST(held_with_an_empty_queue)
{
    ck_assert(instance_pause(instance, 0)); /* not started: nothing to hold */
    ck_assert(instance_start(instance));
    push(20);
    ck_assert(instance_pause(instance, col_clock_ms() + 20000));
    ck_assert_uint_eq(atomic_load(&processed), 20);
    push(1);
    support_nap(100);
    ck_assert_uint_eq(atomic_load(&processed), 20); /* it does nothing now */
    instance_resume(instance);
    end();
    ck_assert_uint_eq(atomic_load(&processed), 21);
    ck_assert(instance_pause(instance, 0)); /* ended */
}
END_TEST

/* What came while it was held is done before it is held again, even without a moment between. */
START_TEST(held_again_at_once)
{
    ck_assert(instance_start(instance));
    for (unsigned i = 1; i <= 50; i++) {
        ck_assert(instance_pause(instance, col_clock_ms() + 20000));
        push(1);
        instance_resume(instance);
        ck_assert(instance_pause(instance, col_clock_ms() + 20000));
        ck_assert_uint_eq(atomic_load(&processed), i);
        instance_resume(instance);
    }
    end();
}
END_TEST

START_TEST(holding_that_takes_too_long_lets_it_run_on)
{
    atomic_store(&slow, true);
    ck_assert(instance_start(instance));
    push(60);
    ck_assert(!instance_pause(instance, col_clock_ms() + 30));
    end();
    ck_assert_uint_eq(atomic_load(&processed), 60);
}
END_TEST

START_TEST(stopping_is_seen_by_waiting_loops)
{
    ck_assert(!col_stopping(instance));
    instance_hurry(instance);
    ck_assert(col_stopping(instance));
}
END_TEST

START_TEST(a_plugin_that_cannot_start)
{
    struct instance_spec *spec = support_spec(&plugin);

    log_set_verbosity(0);
    atomic_store(&fail_create, true);
    support_capture();
    ck_assert_ptr_null(instance_create(&context, spec, ""));
    char *text = support_captured();
    ck_assert_str_eq(text, "ERROR: unit: initialization of 'unit-label' failed\n");
    free(text);
    ck_assert_uint_eq(atomic_load(&destroyed), 0);
    spec_unref(spec);
    instance_free(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("instance");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, names_in_logs_and_of_threads);
    tcase_add_test(tcase, everything_queued_is_processed_before_the_end);
    tcase_add_test(tcase, a_message_that_fails_is_counted_and_the_rest_goes_on);
    tcase_add_test(tcase, ticks_come_without_messages);
    tcase_add_test(tcase, held_with_an_empty_queue);
    tcase_add_test(tcase, held_again_at_once);
    tcase_add_test(tcase, holding_that_takes_too_long_lets_it_run_on);
    tcase_add_test(tcase, stopping_is_seen_by_waiting_loops);
    tcase_add_test(tcase, a_plugin_that_cannot_start);
    return support_run(tcase, "instance");
}
