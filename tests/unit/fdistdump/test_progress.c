/* SPDX-License-Identifier: BSD-3-Clause */
/** Progress lines of every type to every destination. */
#include "progress.h"
#include "suite_main.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/progress-XXXXXX", path[64], warnings[64];
static struct report report;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/progress", folder);
    snprintf(warnings, sizeof(warnings), "%s/warnings", folder);
    report_init(&report, open(warnings, O_RDWR | O_CREAT | O_APPEND, 0600), REPORT_WARNING, 0, 1);
}

static void teardown(void)
{
    close(report.fd);
    unlink(path);
    unlink(warnings);
    rmdir(folder);
}

/** What a file holds. */
static const char *content(const char *name)
{
    static char text[4096];
    FILE *file = fopen(name, "rb");

    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

static progress_t *create(enum progress_type type, const char *destination, unsigned slaves)
{
    progress_t *progress = progress_create(type, destination, slaves, &report);

    ck_assert_ptr_nonnull(progress);
    return progress;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static const struct {
    enum progress_type type;
    const char *first, *middle, *last;
} lines[] = {
    {PROGRESS_TOTAL, "reading files: 0/7 (0 %)\n", "reading files: 3/7 (42 %)\n",
     "reading files: 7/7 (100 %)\n"},
    {PROGRESS_SLAVES,
     "reading files: total: 0/7 (0 %) | 1: 0/4 (0 %) | 2: 0/0 (100 %) | "
     "3: 0/3 (0 %)\n",
     "reading files: total: 3/7 (42 %) | 1: 1/4 (25 %) | 2: 0/0 (100 %) | 3: 2/3 (66 %)\n",
     "reading files: total: 7/7 (100 %) | 1: 4/4 (100 %) | 2: 0/0 (100 %) | 3: 3/3 (100 %)\n"},
    {PROGRESS_JSON, "{\"total\":0,\"slave1\":0,\"slave2\":100,\"slave3\":0}\n",
     "{\"total\":42,\"slave1\":25,\"slave2\":100,\"slave3\":66}\n",
     "{\"total\":100,\"slave1\":100,\"slave2\":100,\"slave3\":100}\n"},
};

/** In a file the newest line is the only one. */
START_TEST(test_file)
{
    progress_t *progress = create(lines[_i].type, path, 3);

    progress_goal(progress, 0, 4);
    progress_goal(progress, 1, 0);
    progress_goal(progress, 2, 3);
    progress_show(progress);
    ck_assert_str_eq(content(path), lines[_i].first);
    progress_done(progress, 0, 1);
    progress_done(progress, 2, 2);
    progress_show(progress);
    ck_assert_str_eq(content(path), lines[_i].middle);
    progress_done(progress, 0, 4);
    progress_done(progress, 2, 3);
    progress_finish(progress);
    ck_assert_str_eq(content(path), lines[_i].last);
    progress_destroy(progress);
    ck_assert_str_eq(content(path), lines[_i].last);
    ck_assert_str_eq(content(warnings), "");
}
END_TEST

/** A longer line of an earlier run, or of this one, leaves nothing behind. */
START_TEST(test_shrinks)
{
    FILE *file = fopen(path, "w");
    fprintf(file, "%0200d\n", 0);
    fclose(file);

    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    ck_assert_str_eq(content(path), "");
    progress_goal(progress, 0, 1000000);
    progress_show(progress);
    ck_assert_str_eq(content(path), "reading files: 0/1000000 (0 %)\n");
    progress_goal(progress, 0, 1);
    progress_show(progress);
    ck_assert_str_eq(content(path), "reading files: 0/1 (0 %)\n");
    progress_destroy(progress);
}
END_TEST

/** Runs with standard output or error going to the file `path`. */
static void run_standard(enum progress_type type, const char *destination, int fd)
{
    int saved = dup(fd), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    fflush(NULL);
    dup2(file, fd);
    progress_t *progress = create(type, destination, 1);
    progress_goal(progress, 0, 2);
    progress_show(progress);
    progress_done(progress, 0, 1);
    progress_show(progress);
    progress_done(progress, 0, 2);
    progress_finish(progress);
    progress_destroy(progress);
    dup2(saved, fd);
    close(saved);
    close(file);
}

#define TOTAL                                                                                      \
    "reading files: 0/2 (0 %) ...\rreading files: 1/2 (50 %) ...\r"                                \
    "reading files: 2/2 (100 %) DONE\n"
#define JSON                                                                                       \
    "{\"total\":0,\"slave1\":0} ...\r{\"total\":50,\"slave1\":50} ...\r"                           \
    "{\"total\":100,\"slave1\":100} DONE\n"

START_TEST(test_standard)
{
    run_standard(PROGRESS_TOTAL, NULL, STDERR_FILENO);
    ck_assert_str_eq(content(path), TOTAL);
    run_standard(PROGRESS_TOTAL, "stderr", STDERR_FILENO);
    ck_assert_str_eq(content(path), TOTAL);
    run_standard(PROGRESS_JSON, "stdout", STDOUT_FILENO);
    ck_assert_str_eq(content(path), JSON);
    run_standard(PROGRESS_NONE, "stdout", STDOUT_FILENO);
    ck_assert_str_eq(content(path), "");
    ck_assert_int_ge(write(STDOUT_FILENO, "", 0), 0); /* still open */
}
END_TEST

/* ---- percentages ---------------------------------------------------------------------------- */

static void expect_percent(uint64_t done, uint64_t goal, unsigned percent)
{
    char line[64];
    progress_t *progress = create(PROGRESS_JSON, path, 1);

    progress_goal(progress, 0, goal);
    progress_done(progress, 0, done);
    progress_show(progress);
    snprintf(line, sizeof(line), "{\"total\":%u,\"slave1\":%u}\n", percent, percent);
    ck_assert_str_eq(content(path), line);
    progress_destroy(progress);
}

/** The floor, of exact arithmetic: in floating point 29 of 100 are 28.999... per cent. */
START_TEST(test_percent)
{
    for (unsigned goal = 1; goal <= 120; goal++) {
        for (unsigned done = 0; done <= goal; done++) {
            expect_percent(done, goal, done * 100 / goal);
        }
    }
    expect_percent(0, 0, 100);
    expect_percent(5, 3, 100); /* what a peer says is not trusted */
    expect_percent(1, 1000000, 0);
    expect_percent(999999, 1000000, 99);
    expect_percent(UINT64_MAX - 1, UINT64_MAX, 99);
    expect_percent(UINT64_MAX / 2, UINT64_MAX, 49);
}
END_TEST

/** Numbers of any size, of many slaves, fit into the line. */
START_TEST(test_large)
{
    progress_t *progress = create(PROGRESS_SLAVES, path, 300);

    for (unsigned i = 0; i < 300; i++) {
        progress_goal(progress, i, UINT64_MAX / 300);
        progress_done(progress, i, UINT64_MAX / 300 - 1);
    }
    progress_show(progress);
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ck_assert_int_gt(getline(&line, &room, file), 300 * 40);
    ck_assert_ptr_nonnull(strstr(line, " | 300: 61489146912365171/61489146912365172 (99 %)\n"));
    fclose(file);
    free(line);
    progress_destroy(progress);
}
END_TEST

/* ---- destinations --------------------------------------------------------------------------- */

START_TEST(test_unusable)
{
    progress_t *progress = create(PROGRESS_TOTAL, "/nonexistent/progress", 1);

    progress_goal(progress, 0, 1);
    progress_show(progress);
    progress_finish(progress);
    progress_destroy(progress);
    ck_assert_ptr_nonnull(strstr(content(warnings), "Warning: path: no progress: No such file or "
                                                    "directory `/nonexistent/progress'"));
}
END_TEST

/** Without progress the destination is not touched. */
START_TEST(test_none)
{
    progress_t *progress = create(PROGRESS_NONE, path, 1);

    progress_show(progress);
    progress_finish(progress);
    progress_destroy(progress);
    ck_assert_int_ne(access(path, F_OK), 0);
    progress_destroy(NULL);
}
END_TEST

/** A FIFO nobody reads: a warning instead of a query that waits. */
START_TEST(test_fifo)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    progress_show(progress);
    progress_destroy(progress);
    ck_assert_ptr_nonnull(strstr(content(warnings), "no progress: "));
}
END_TEST

/** A FIFO somebody reads, who does not keep up: lines are lost, nothing waits. */
START_TEST(test_slow_reader)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    for (unsigned i = 0; i < 20000; i++) {
        progress_show(progress);
    }
    char line[64];
    ssize_t size = read(reader, line, strlen("reading files: 0/0 (100 %)\n"));
    ck_assert_int_eq(size, (ssize_t)strlen("reading files: 0/0 (100 %)\n"));
    ck_assert_int_eq(memcmp(line, "reading files: 0/0 (100 %)\n", (size_t)size), 0);
    close(reader);
    progress_destroy(progress);
}
END_TEST

/** A full disk ends the progress, not the query. */
START_TEST(test_full_disk)
{
    if (access("/dev/full", W_OK) != 0) {
        return;
    }
    progress_t *progress = create(PROGRESS_TOTAL, "/dev/full", 1);
    progress_show(progress);
    progress_finish(progress);
    progress_destroy(progress);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/progress");
    TCase *tc = tcase_create("progress");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_file, 0, sizeof(lines) / sizeof(lines[0]));
    tcase_add_test(tc, test_shrinks);
    tcase_add_test(tc, test_standard);
    tcase_add_test(tc, test_percent);
    tcase_add_test(tc, test_large);
    tcase_add_test(tc, test_unusable);
    tcase_add_test(tc, test_none);
    tcase_add_test(tc, test_fifo);
    tcase_add_test(tc, test_slow_reader);
    tcase_add_test(tc, test_full_disk);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
