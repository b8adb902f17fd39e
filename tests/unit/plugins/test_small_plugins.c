/* SPDX-License-Identifier: BSD-3-Clause */
/* Plugins of a page: one build of this file per plugin, with its name in PLUGIN. */

#include "col_double.h"
#include "ipfix_build.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

extern const struct col_plugin col_plugin;

static struct col_instance instance;
static struct ipfix_message *passed[16];
static unsigned passed_count;

void col_pass(col_instance_t *who, struct ipfix_message *message)
{
    ck_assert_ptr_eq((void *)who, (void *)&instance);
    passed[passed_count++] = ipfix_message_ref(message);
}

static ipfix_decoder_t *decoder;
static struct ipfix_build build;

static struct ipfix_message *make_message(uint32_t records)
{
    build_begin(&build, 7, 1000);
    build_template(&build, 256, 1, 0);
    build_data(&build, 256, 1000, records, 0); /* octets 1000, 1001, ... */
    struct ipfix_message *message = build_decode(&build, decoder);
    ck_assert_ptr_nonnull(message);
    return message;
}

static void setup(void)
{
    decoder = build_decoder(IPFIX_TRANSPORT_TCP);
}

static void teardown(void)
{
    while (passed_count > 0) {
        ipfix_message_unref(passed[--passed_count]);
    }
    ipfix_decoder_destroy(decoder);
    build_forget_dictionary();
}

/* Data, then the notices of the end of the source. */
static void process_all(void *state, unsigned messages)
{
    struct ipfix_message *notice;

    for (unsigned i = 0; i < messages; i++) {
        struct ipfix_message *message = make_message(3);
        ck_assert_int_eq(col_plugin.process(state, message), COL_OK);
        ipfix_message_unref(message);
    }
    while ((notice = ipfix_decoder_close_next(decoder)) != NULL) {
        ck_assert_int_eq(col_plugin.process(state, notice), COL_OK);
        ipfix_message_unref(notice);
    }
}

START_TEST(describes_itself)
{
    ck_assert_uint_eq(col_plugin.abi, COL_PLUGIN_ABI);
    ck_assert_ptr_nonnull(col_plugin.summary);
    col_plugin.destroy(NULL);
}
END_TEST

#if PLUGIN_dummy_output
START_TEST(dummy_storage_counts_and_waits)
{
    uint32_t delay_us = 20000; /* its only option */
    struct timespec before, after;
    void *state = NULL;

    ck_assert_uint_eq(col_plugin.options_size, sizeof(delay_us));
    ck_assert_int_eq(col_plugin.create((col_instance_t *)&instance, &delay_us, &state), COL_OK);
    clock_gettime(CLOCK_MONOTONIC, &before);
    process_all(state, 5);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double waited =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    ck_assert(waited >= 0.1); /* for data only */
    col_plugin.destroy(state);
    ck_assert_uint_eq(instance.counters[0], 15);
    ck_assert_uint_eq(col_double_logged(&instance, "closed after 5 messages, 15 data records"), 1);
    ck_assert_uint_eq(col_double_logged(&instance, "DEBUG: [7] dropped a message"), 5);
}
END_TEST
#define PLUGIN_TEST dummy_storage_counts_and_waits
#elif PLUGIN_dummy_inter
START_TEST(dummy_intermediate_passes_everything_on)
{
    void *state = NULL;

    ck_assert_int_eq(col_plugin.create((col_instance_t *)&instance, NULL, &state), COL_OK);
    process_all(state, 5);
    ck_assert_uint_eq(passed_count, 6); /* the notice, too */
    ck_assert_int_eq(passed[5]->kind, IPFIX_MESSAGE_SOURCE_CLOSED);
    ck_assert_uint_eq(col_double_logged(&instance, "DEBUG: [7] Received IPFIX message"), 5);
    ck_assert_str_eq(col_plugin.module, "dummy intermediate process");
    col_plugin.destroy(state);
}
END_TEST
#define PLUGIN_TEST dummy_intermediate_passes_everything_on
#else
START_TEST(example_adds_up_octets)
{
    char path[] = "/tmp/sc-example-XXXXXX";
    struct {
        char *file;
        uint32_t interval_s;
    } options = {path, 60};
    char text[200] = "";
    void *state = NULL;

    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(col_plugin.options_size, sizeof(options));
    ck_assert_int_eq(col_plugin.create((col_instance_t *)&instance, &options, &state), COL_OK);
    process_all(state, 2);
    ck_assert_int_eq(col_plugin.tick(state, col_clock_ms()), COL_OK); /* not due */
    ck_assert_int_eq(col_plugin.tick(state, col_clock_ms() + 61000), COL_OK);
    process_all(state, 1);
    col_plugin.destroy(state);
    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    ck_assert_str_eq(text, "6 6006\n9 9009\n");
    close(fd);
    unlink(path);
    options.file = (char *)(uintptr_t) "/nonexistent/folder/file";
    ck_assert_int_eq(col_plugin.create((col_instance_t *)&instance, &options, &state), COL_OK);
    ck_assert_int_lt(col_plugin.tick(state, col_clock_ms() + 61000), 0);
    col_plugin.destroy(state);
    ck_assert_uint_eq(col_double_logged(&instance, "ERROR: /nonexistent/folder/file: No such"), 2);
}
END_TEST
#define PLUGIN_TEST example_adds_up_octets
#endif

int main(void)
{
    TCase *tests = tcase_create("plugin");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, describes_itself);
    tcase_add_test(tests, PLUGIN_TEST);
    Suite *suite = suite_create("small_plugins");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
