/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON into files: names, time slots, restart within a slot, files that several write, and files
 * and folders that cannot be written. */

#include "col_double.h"
#include "output.h"

#include <check.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

START_TEST(a_folder_is_tried_again_within_the_slot)
{
    char blocked[PATH_MAX];

    options.window_s = 31536000;
    (void)snprintf(blocked, sizeof(blocked), "%s/2", folder);
    FILE *file = fopen(blocked, "w");
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "%s/2/below", folder);
    struct output *o = output_create((col_instance_t *)&instance, &options);
    ck_assert(!o->write(o, "x\n", 2));
    ck_assert_int_eq(unlink(blocked), 0);
    (void)sleep(2);
    write_line(o, "line\n");
    o->destroy(o);
    char name[PATH_MAX];
    char *text = read_only_file(name, sizeof(name));
    ck_assert_str_eq(text, "line\n");
    free(text);
}
END_TEST

enum { WRITER_COUNT = 3, LINE_COUNT = 20000, LINE_LENGTH = 301 };

/* An instance; each has a thread. */
static void *run_writer(void *context)
{
    const int *letter = context;
    struct output *o = output_create((col_instance_t *)&instance, &options);
    char line[LINE_LENGTH + 1];

    memset(line, *letter, LINE_LENGTH - 1);
    line[LINE_LENGTH - 1] = '\n';
    line[LINE_LENGTH] = '\0';
    for (int n = 0; n < LINE_COUNT; n++) {
        write_line(o, line);
        if (n % 100 == 0) {
            o->tick(o, 1);
        }
    }
    o->destroy(o);
    return NULL;
}

/* One instance for each Observation Domain, all with the same settings. */
START_TEST(several_that_write_one_file_keep_their_lines_whole)
{
    pthread_t threads[WRITER_COUNT];
    int letters[WRITER_COUNT];
    char line[LINE_LENGTH + 1], name[PATH_MAX];
    unsigned counts[WRITER_COUNT] = {0};

    options.window_s = 31536000;
    for (int i = 0; i < WRITER_COUNT; i++) {
        letters[i] = 'a' + i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_writer, &letters[i]), 0);
    }
    for (int i = 0; i < WRITER_COUNT; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    free(read_only_file(name, sizeof(name)));
    FILE *file = fopen(name, "r");
    while (fgets(line, sizeof(line), file) != NULL) {
        ck_assert_uint_eq(strlen(line), LINE_LENGTH);
        ck_assert_uint_eq(strspn(line, (char[]){line[0], '\0'}), LINE_LENGTH - 1);
        counts[line[0] - 'a']++;
    }
    (void)fclose(file);
    for (int i = 0; i < WRITER_COUNT; i++) {
        ck_assert_uint_eq(counts[i], LINE_COUNT);
    }
}
END_TEST

START_TEST(a_line_longer_than_the_buffer_is_written)
{
    enum { LENGTH = 1000000 };
    char *line = malloc(LENGTH + 1), name[PATH_MAX];
    struct stat st;

    memset(line, 'x', LENGTH - 1);
    line[LENGTH - 1] = '\n';
    line[LENGTH] = '\0';
    options.window_s = 31536000;
    struct output *o = output_create((col_instance_t *)&instance, &options);
    write_line(o, "first\n");
    write_line(o, line);
    write_line(o, "last\n");
    o->destroy(o);
    free(line);
    free(read_only_file(name, sizeof(name)));
    ck_assert_int_eq(stat(name, &st), 0);
    ck_assert_int_eq(st.st_size, LENGTH + 11);
}
END_TEST

START_TEST(lines_a_full_disk_does_not_take_are_counted)
{
    char name[PATH_MAX];

    options.window_s = 31536000;
    struct output *o = output_create((col_instance_t *)&instance, &options);
    write_line(o, "x\n");
    o->destroy(o);
    free(read_only_file(name, sizeof(name)));
    ck_assert_int_eq(unlink(name), 0);
    ck_assert_int_eq(symlink("/dev/full", name), 0);
    o = output_create((col_instance_t *)&instance, &options);
    for (int i = 0; i < 7; i++) {
        write_line(o, "x\n");
    }
    o->tick(o, 1);
    ck_assert_uint_eq(o->lost, 7);
    ck_assert_uint_eq(col_double_logged(&instance, "No space left on device"), 1);
    o->destroy(o);
}
END_TEST

/* The disk is full in the middle of a line, and has room again later. */
START_TEST(a_line_that_is_cut_spoils_no_other)
{
    struct rlimit limit = {.rlim_cur = 8, .rlim_max = RLIM_INFINITY};
    char name[PATH_MAX];

    options.window_s = 31536000;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct output *o = output_create((col_instance_t *)&instance, &options);
    write_line(o, "first\n");
    write_line(o, "second\n");
    write_line(o, "third\n");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    o->tick(o, 1);
    ck_assert_uint_eq(o->lost, 2);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    write_line(o, "fourth\n");
    o->destroy(o);
    char *text = read_only_file(name, sizeof(name));
    ck_assert_str_eq(text, "first\nse\nfourth\n");
    free(text);
}
END_TEST

/* Others that write the file, and the one that goes on after a restart, did not cut that line. */
START_TEST(a_line_another_one_cut_spoils_none)
{
    struct rlimit limit = {.rlim_cur = 8, .rlim_max = RLIM_INFINITY};
    struct output *outputs[3];
    char name[PATH_MAX];

    options.window_s = 31536000;
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 2; i++) {
        outputs[i] = output_create((col_instance_t *)&instance, &options);
    }
    write_line(outputs[0], "first\n");
    write_line(outputs[0], "second\n");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    outputs[0]->tick(outputs[0], 1);
    ck_assert_uint_eq(outputs[0]->lost, 1);
    limit.rlim_cur = 20;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    write_line(outputs[1], "third\n");
    outputs[1]->tick(outputs[1], 1);
    write_line(outputs[0], "fourth\n");
    outputs[0]->tick(outputs[0], 1);
    ck_assert_uint_eq(outputs[0]->lost, 2);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    outputs[0]->destroy(outputs[0]);
    outputs[1]->destroy(outputs[1]);
    outputs[2] = output_create((col_instance_t *)&instance, &options);
    write_line(outputs[2], "fifth\n");
    outputs[2]->destroy(outputs[2]);
    char *text = read_only_file(name, sizeof(name));
    ck_assert_str_eq(text, "first\nse\nthird\nfourt\nfifth\n");
    free(text);
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
    tcase_add_test(tests, a_folder_is_tried_again_within_the_slot);
    tcase_add_test(tests, several_that_write_one_file_keep_their_lines_whole);
    tcase_add_test(tests, a_line_longer_than_the_buffer_is_written);
    tcase_add_test(tests, lines_a_full_disk_does_not_take_are_counted);
    tcase_add_test(tests, a_line_that_is_cut_spoils_no_other);
    tcase_add_test(tests, a_line_another_one_cut_spoils_none);
    tcase_add_test(tests, no_path_is_an_error);
    Suite *suite = suite_create("json_output_file");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
