/* SPDX-License-Identifier: BSD-3-Clause */
/** Output that is held back. */
#include "hold.h"
#include "suite_main.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct failure failure;

static int held(const char *text, size_t times)
{
    int fd;

    ck_assert_msg(hold_open(&fd, &failure) == REPORT_OK, "%s", failure.text);
    for (size_t i = 0; i < times; i++) {
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    }
    return fd;
}

START_TEST(test_copy)
{
    enum { LINES = 100000 };
    int from = held("a line\n", LINES), to = held("", 0);
    static char text[7 * LINES + 1];

    ck_assert_int_eq(hold_release(from, to, &failure), REPORT_OK);
    ck_assert_int_eq(lseek(to, 0, SEEK_SET), 0);
    ck_assert_int_eq(read(to, text, sizeof(text)), 7 * LINES);
    for (size_t i = 0; i < LINES; i++) {
        ck_assert_int_eq(memcmp(text + 7 * i, "a line\n", 7), 0);
    }
    (void)close(from);
    (void)close(to);
}
END_TEST

/** Whoever reads the first lines only is served. */
START_TEST(test_reader_gone)
{
    int from = held("a line\n", 1), ends[2];

    (void)signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(ends), 0);
    (void)close(ends[0]);
    ck_assert_int_eq(hold_release(from, ends[1], &failure), REPORT_OK);
    (void)close(ends[1]);
    (void)close(from);
}
END_TEST

START_TEST(test_failures)
{
    int from = held("a line\n", 1), fd;

    ck_assert_int_eq(hold_release(from, -1, &failure), REPORT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(failure.text, "cannot write the output"));
    (void)close(from);
    (void)setenv("TMPDIR", "/nonexistent", 1);
    ck_assert_int_eq(hold_open(&fd, &failure), REPORT_INTERNAL);
    ck_assert_ptr_nonnull(strstr(failure.text, "/nonexistent"));
    (void)setenv("TMPDIR", "/tmp", 1);
    ck_assert_int_eq(hold_open(&fd, &failure), REPORT_OK);
    (void)close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_hold");
    TCase *tests = tcase_create("hold");

    tcase_add_test(tests, test_copy);
    tcase_add_test(tests, test_reader_gone);
    tcase_add_test(tests, test_failures);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
