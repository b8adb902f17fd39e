/* SPDX-License-Identifier: BSD-3-Clause */
/** Lines on standard error: form, verbosity, sizes, what comes from outside. */
#include "report.h"
#include "suite_main.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
static struct report report;
static char line[4 * REPORT_LINE_SIZE];

static void setup(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    report_init(&report, ends[1], REPORT_DEBUG, 2, 5);
    snprintf(report.host, sizeof(report.host), "node");
}

static void teardown(void)
{
    close(ends[0]);
    if (ends[1] >= 0) {
        close(ends[1]);
    }
}

/** What was written so far. */
static const char *written(void)
{
    close(ends[1]);
    ends[1] = -1;
    ssize_t size = read(ends[0], line, sizeof(line) - 1);
    line[size < 0 ? 0 : size] = '\0';
    return line;
}

START_TEST(test_init)
{
    char host[REPORT_HOST_SIZE] = "";
    struct report own;

    report_init(&own, 7, 3, 1, 4);
    (void)gethostname(host, sizeof(host) - 1);
    ck_assert_str_eq(own.host, host);
    ck_assert_int_eq(own.fd, 7);
    ck_assert_int_eq(own.verbosity, 3);
    ck_assert_uint_eq(own.rank, 1);
    ck_assert_uint_eq(own.count, 4);
}
END_TEST

START_TEST(test_warning)
{
    report_warning(&report, REPORT_PATH, "%s `%s'", "no", "/x");
    ck_assert_str_eq(written(), "Warning: path: no `/x'\t[MPI: 3/5 node]\n");
}
END_TEST

/** A line is one write, so that those of several processes never mix, however long it is. */
START_TEST(test_one_write)
{
    static char text[2 * REPORT_LINE_SIZE];
    struct failure failure;
    int sockets[2];

    memset(text, 'x', sizeof(text) - 1);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
    report.fd = sockets[1];
    report_warning(&report, REPORT_PATH, "%s", _i == 0 ? "short" : text);
    report_info(&report, "%s", _i == 0 ? "short" : text);
    (void)failure_set(&failure, REPORT_LIBNF, "%s", _i == 0 ? "short" : text);
    report_failure(&report, &failure);
    for (unsigned i = 0; i < 3; i++) {
        ssize_t size = recv(sockets[0], line, sizeof(line) - 1, MSG_DONTWAIT);
        ck_assert_int_gt(size, 0);
        line[size] = '\0';
        ck_assert_ptr_eq(strchr(line, '\n'), line + size - 1);
        ck_assert_ptr_nonnull(strstr(line, "\t[MPI: 3/5 node]\n"));
    }
    ck_assert_int_lt(recv(sockets[0], line, sizeof(line), MSG_DONTWAIT), 0);
    close(sockets[0]);
    close(sockets[1]);
}
END_TEST

START_TEST(test_info)
{
    report_info(&report, "%d files", 3);
    ck_assert_str_eq(written(), "Info: 3 files\t[MPI: 3/5 node]\n");
}
END_TEST

START_TEST(test_debug)
{
    report_debug(&report, "%d blocks of `%s'", 3, "a\nb");
    ck_assert_str_eq(written(), "Debug: 3 blocks of `a?b'\t[MPI: 3/5 node]\n");
}
END_TEST

static const struct {
    int class;
    const char *text;
} classes[] = {
    {REPORT_OK, "no error"},
    {REPORT_MEMORY, "out of memory"},
    {REPORT_MPI, "MPI"},
    {REPORT_LIBNF, "libnf"},
    {REPORT_INTERNAL, "internal"},
    {REPORT_ARGUMENTS, "command line arguments"},
    {REPORT_PATH, "path"},
    {REPORT_INDEX, "bfindex"},
    {-1, "internal"},
    {1, "internal"},
    {10, "internal"},
    {1000, "internal"},
};

START_TEST(test_class)
{
    ck_assert_str_eq(report_class_text(classes[_i].class), classes[_i].text);
}
END_TEST

/** The values are the exit statuses scripts know. */
START_TEST(test_statuses)
{
    ck_assert_int_eq(REPORT_MEMORY, 3);
    ck_assert_int_eq(REPORT_MPI, 4);
    ck_assert_int_eq(REPORT_LIBNF, 5);
    ck_assert_int_eq(REPORT_INTERNAL, 6);
    ck_assert_int_eq(REPORT_ARGUMENTS, 7);
    ck_assert_int_eq(REPORT_PATH, 8);
    ck_assert_int_eq(REPORT_INDEX, 9);
}
END_TEST

/** Which verbosity shows what; failures are shown always. */
START_TEST(test_verbosity)
{
    struct failure failure;

    report.verbosity = _i;
    report_warning(&report, REPORT_LIBNF, "w");
    report_info(&report, "i");
    report_debug(&report, "d");
    failure_set(&failure, REPORT_LIBNF, "f");
    report_failure(&report, &failure);
    const char *text = written();
    ck_assert_int_eq(strstr(text, "Warning: ") != NULL, _i >= REPORT_WARNING);
    ck_assert_int_eq(strstr(text, "Info: ") != NULL, _i >= REPORT_INFO);
    ck_assert_int_eq(strstr(text, "Debug: ") != NULL, _i >= REPORT_DEBUG);
    ck_assert_ptr_nonnull(strstr(text, "Error: libnf: f\t[MPI: 3/5 node]\n"));
}
END_TEST

/** Of every length: one line, the tail whole, at most REPORT_LINE_SIZE octets. */
START_TEST(test_sizes)
{
    static char text[2 * REPORT_LINE_SIZE];

    for (size_t size = 900; size < 1200; size++) {
        char got[2 * REPORT_LINE_SIZE];
        struct failure failure;
        memset(text, 'x', size);
        text[size] = '\0';
        ck_assert_int_eq(failure_set(&failure, REPORT_LIBNF, "%s", text), REPORT_LIBNF);
        report_failure(&report, &failure);
        ssize_t length = read(ends[0], got, sizeof(got));
        ck_assert_int_gt(length, 0);
        ck_assert_int_le(length, REPORT_LINE_SIZE);
        ck_assert_int_eq(memcmp(got, "Error: libnf: xxx", 17), 0);
        ck_assert_int_eq(memcmp(got + length - 18, "x\t[MPI: 3/5 node]\n", 18), 0);
        report_warning(&report, REPORT_LIBNF, "%s", text);
        length = read(ends[0], got, sizeof(got));
        ck_assert_int_le(length, REPORT_LINE_SIZE);
        ck_assert_int_eq(got[length - 1], '\n');
    }
}
END_TEST

/** A long host and large numbers leave room for the text. */
START_TEST(test_long_host)
{
    struct failure failure;

    memset(report.host, 'h', REPORT_HOST_SIZE - 1);
    report.host[REPORT_HOST_SIZE - 1] = '\0';
    report.rank = 4294967294u;
    report.count = 4294967295u;
    memset(failure.text, 'y', sizeof(failure.text) - 1);
    failure.text[sizeof(failure.text) - 1] = '\0';
    failure.class = REPORT_PATH;
    report_failure(&report, &failure);
    const char *text = written();
    ck_assert_uint_eq(strlen(text), REPORT_LINE_SIZE);
    ck_assert_ptr_nonnull(strstr(text, "y\t[MPI: 4294967295/4294967295 hhh"));
    ck_assert_ptr_nonnull(strstr(text, "hhh]\n"));
}
END_TEST

/** Names of files may hold anything: a line stays one line and moves no cursor. */
START_TEST(test_controls)
{
    report_warning(&report, REPORT_PATH, "a\nb\rc\td\033[2Je\177f\001g\303\251");
    ck_assert_str_eq(written(), "Warning: path: a?b?c?d?[2Je?f?g\303\251\t[MPI: 3/5 node]\n");
}
END_TEST

START_TEST(test_no_memory)
{
    struct failure failure;

    ck_assert_int_eq(failure_no_memory(&failure), REPORT_MEMORY);
    ck_assert_int_eq(failure.class, REPORT_MEMORY);
    ck_assert_uint_gt(strlen(failure.text), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    Suite *suite = suite_create("fdistdump/report");
    TCase *tc = tcase_create("report");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_init);
    tcase_add_test(tc, test_warning);
    tcase_add_loop_test(tc, test_one_write, 0, 2);
    tcase_add_test(tc, test_info);
    tcase_add_test(tc, test_debug);
    tcase_add_loop_test(tc, test_class, 0, COUNT(classes));
    tcase_add_test(tc, test_statuses);
    tcase_add_loop_test(tc, test_verbosity, 0, 5);
    tcase_add_test(tc, test_sizes);
    tcase_add_test(tc, test_long_host);
    tcase_add_test(tc, test_controls);
    tcase_add_test(tc, test_no_memory);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
