/* SPDX-License-Identifier: BSD-3-Clause */
/** Output that is held back. */
#include "hold.h"
#include "suite_main.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct failure failure;

/** Holds a text as a job writes it. */
static struct hold held(const char *text, size_t times)
{
    struct hold hold;

    ck_assert_msg(hold_open(&hold, &failure) == REPORT_OK, "%s", failure.text);
    for (size_t i = 0; i < times; i++) {
        ck_assert_int_eq(write(hold.write_fd, text, strlen(text)), (ssize_t)strlen(text));
        if (i % 1000 == 0) {
            ck_assert_int_eq(hold_take(&hold, &failure), REPORT_OK);
        }
    }
    hold_close_writer(&hold);
    ck_assert_int_eq(hold_take(&hold, &failure), REPORT_OK);
    ck_assert_int_eq(hold.read_fd, -1);
    return hold;
}

static void check_lines(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(memcmp(text + 7 * i, "a line\n", 7), 0);
    }
}

START_TEST(test_copy)
{
    enum { LINES = 100000 };
    struct hold from = held("a line\n", LINES), to = held("", 0);
    static char text[7 * LINES + 1];

    ck_assert_int_eq(hold_release(&from, to.file_fd, &failure), REPORT_OK);
    ck_assert_int_eq(lseek(to.file_fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(read(to.file_fd, text, sizeof(text)), 7 * LINES);
    check_lines(text, LINES);
    hold_close(&from);
    hold_close(&to);
}
END_TEST

/** Nobody waits for a job that writes nothing. */
START_TEST(test_quiet)
{
    struct hold hold;

    ck_assert_int_eq(hold_open(&hold, &failure), REPORT_OK);
    ck_assert_int_eq(hold_take(&hold, &failure), REPORT_OK);
    ck_assert_int_ne(hold.read_fd, -1);
    hold_close(&hold);
    ck_assert_int_eq(hold.file_fd, -1);
    hold_close(&hold);
}
END_TEST

/** A file that cannot grow is an error once; the job can write on. */
START_TEST(test_full)
{
    struct rlimit limit = {.rlim_cur = 10, .rlim_max = RLIM_INFINITY};
    struct hold hold;

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(hold_open(&hold, &failure), REPORT_OK);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(write(hold.write_fd, "a line\na line\n", 14), 14);
    ck_assert_int_eq(hold_take(&hold, &failure), REPORT_INTERNAL);
    ck_assert_msg(strstr(failure.text, "temporary file in ") != NULL, "%s", failure.text);
    ck_assert_ptr_nonnull(strstr(failure.text, strerror(EFBIG)));
    ck_assert(hold.failed);
    ck_assert_int_eq(write(hold.write_fd, "a line\n", 7), 7);
    ck_assert_int_eq(hold_take(&hold, &failure), REPORT_OK);
    char octet;
    ck_assert_int_eq(read(hold.read_fd, &octet, 1), -1); /* it was taken */
    hold_close(&hold);
}
END_TEST

/** Whoever reads the first lines only is served. */
START_TEST(test_reader_gone)
{
    struct hold from = held("a line\n", 1);
    int ends[2];

    (void)signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(ends), 0);
    (void)close(ends[0]);
    ck_assert_int_eq(hold_release(&from, ends[1], &failure), REPORT_OK);
    (void)close(ends[1]);
    hold_close(&from);
}
END_TEST

enum { SLOW_LINES = 50000 };

static void *read_slowly(void *fd)
{
    static char text[7 * SLOW_LINES];
    size_t size = 0;
    ssize_t length;

    do {
        (void)usleep(1000);
        length = read(*(const int *)fd, text + size, sizeof(text) - size);
        size += length > 0 ? (size_t)length : 0;
    } while (length > 0 && size < sizeof(text));
    return size == sizeof(text) ? text : NULL;
}

/** Output that does not wait itself is waited for. */
START_TEST(test_slow_reader)
{
    struct hold from = held("a line\n", SLOW_LINES);
    pthread_t thread;
    void *text;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_slowly, &ends[0]), 0);
    ck_assert_msg(hold_release(&from, ends[1], &failure) == REPORT_OK, "%s", failure.text);
    (void)close(ends[1]);
    ck_assert_int_eq(pthread_join(thread, &text), 0);
    ck_assert_ptr_nonnull(text);
    check_lines(text, SLOW_LINES);
    (void)close(ends[0]);
    hold_close(&from);
}
END_TEST

START_TEST(test_failures)
{
    struct hold from = held("a line\n", 1), hold;

    ck_assert_int_eq(hold_release(&from, -1, &failure), REPORT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(failure.text, "cannot write the output"));
    hold_close(&from);
    (void)setenv("TMPDIR", "/nonexistent", 1);
    ck_assert_int_eq(hold_open(&hold, &failure), REPORT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(failure.text, "/nonexistent"));
    hold_close(&hold);
    (void)setenv("TMPDIR", "/tmp", 1);
    ck_assert_int_eq(hold_open(&hold, &failure), REPORT_OK);
    hold_close(&hold);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_hold");
    TCase *tests = tcase_create("hold");

    tcase_add_test(tests, test_copy);
    tcase_add_test(tests, test_quiet);
    tcase_add_test(tests, test_full);
    tcase_add_test(tests, test_slow_reader);
    tcase_add_test(tests, test_reader_gone);
    tcase_add_test(tests, test_failures);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
