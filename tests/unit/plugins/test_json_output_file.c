/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON into files: names, time slots, restart within a slot, folders that cannot be made. */

#include "col_double.h"
#include "output.h"

#include <check.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char folder[64];
static struct col_instance instance;
static char path[PATH_MAX];
static struct output_options options;

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/sc-json-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&instance, 0, sizeof(instance));
    (void)snprintf(path, sizeof(path), "%s/%%Y/%%m", folder);
    options = (struct output_options){.type = OUTPUT_FILE,
                                      .path = path,
                                      .prefix = (char *)(uintptr_t) "json.",
                                      .window_s = 3600,
                                      .align = true};
}

static void teardown(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_line(struct output *o, const char *line)
{
    ck_assert(o->write(o, line, strlen(line)));
}

/* The one file below the folder; its content. */
static char *read_only_file(char *name, size_t size)
{
    char pattern[PATH_MAX];
    glob_t found;
    char *text = calloc(1, 4096);

    (void)snprintf(pattern, sizeof(pattern), "%s/*/*/*", folder);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    (void)snprintf(name, size, "%s", found.gl_pathv[0]);
    FILE *file = fopen(name, "r");
    ck_assert_ptr_nonnull(file);
    (void)!fread(text, 1, 4095, file);
    (void)fclose(file);
    globfree(&found);
    return text;
}

START_TEST(named_by_the_start_of_the_slot_in_utc)
{
    char name[PATH_MAX], expected[PATH_MAX + 100], date[64];
    struct tm tm;

    setenv("TZ", "America/New_York", 1);
    tzset();
    time_t before = time(NULL), slot;
    struct output *o = output_create((col_instance_t *)&instance, &options);
    ck_assert_ptr_nonnull(o);
    write_line(o, "{\"a\":1}\n");
    slot = time(NULL);
    o->destroy(o);
    char *text = read_only_file(name, sizeof(name));
    ck_assert_str_eq(text, "{\"a\":1}\n");
    free(text);
    if (before / 3600 == slot / 3600) {
        slot -= slot % 3600;
        gmtime_r(&slot, &tm);
        (void)strftime(date, sizeof(date), "%Y/%m/json.%Y%m%d%H%M", &tm);
        (void)snprintf(expected, sizeof(expected), "%s/%s", folder, date);
        ck_assert_str_eq(name, expected);
    }
}
END_TEST

START_TEST(started_again_within_a_slot_it_goes_on)
{
    char name[PATH_MAX];

    options.window_s = 31536000; /* a year: the slot does not end in between */
    for (int i = 0; i < 2; i++) {
        struct output *o = output_create((col_instance_t *)&instance, &options);
        write_line(o, i == 0 ? "first\n" : "second\n");
        o->destroy(o);
    }
    char *text = read_only_file(name, sizeof(name));
    ck_assert_str_eq(text, "first\nsecond\n");
    free(text);
}
END_TEST

START_TEST(readers_see_lines_after_a_tick)
{
    char name[PATH_MAX];
    struct output *o = output_create((col_instance_t *)&instance, &options);

    write_line(o, "line\n");
    o->tick(o, 1);
    char *text = read_only_file(name, sizeof(name));
    ck_assert_str_eq(text, "line\n");
    free(text);
    o->destroy(o);
}
END_TEST

START_TEST(a_slot_that_is_over_is_closed)
{
    options.window_s = 1;
    options.align = false;
    time_t before = time(NULL);
    struct output *o = output_create((col_instance_t *)&instance, &options);
    write_line(o, "line\n");
    (void)sleep(2);
    o->tick(o, 1);
    /* Named to the minute: lines of the next slot of the same minute are appended. */
    write_line(o, "line\n");
    o->destroy(o);
    char name[PATH_MAX];
    if (before / 60 == time(NULL) / 60) {
        char *text = read_only_file(name, sizeof(name));
        ck_assert_str_eq(text, "line\nline\n");
        free(text);
    }
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_costs_lines_not_the_collector)
{
    char blocked[PATH_MAX];

    (void)snprintf(blocked, sizeof(blocked), "%s/file", folder);
    FILE *file = fopen(blocked, "w");
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "%s/file/below", folder);
    struct output *o = output_create((col_instance_t *)&instance, &options);
    ck_assert_ptr_nonnull(o);
    for (int i = 0; i < 100; i++) {
        ck_assert(!o->write(o, "x\n", 2));
    }
    ck_assert_uint_eq(col_double_logged(&instance, "ERROR: cannot write "), 1);
    o->destroy(o);
}
END_TEST

START_TEST(no_path_is_an_error)
{
    options.path = NULL;
    ck_assert(!output_check((col_instance_t *)&instance, &options));
    options.path = (char *)(uintptr_t) "";
    ck_assert(!output_check((col_instance_t *)&instance, &options));
    ck_assert_uint_eq(col_double_logged(&instance, "needs a path"), 2);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("output_file");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, named_by_the_start_of_the_slot_in_utc);
    tcase_add_test(tests, started_again_within_a_slot_it_goes_on);
    tcase_add_test(tests, readers_see_lines_after_a_tick);
    tcase_add_test(tests, a_slot_that_is_over_is_closed);
    tcase_add_test(tests, a_folder_that_cannot_be_made_costs_lines_not_the_collector);
    tcase_add_test(tests, no_path_is_an_error);
    Suite *suite = suite_create("json_output_file");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
