/* SPDX-License-Identifier: BSD-3-Clause */
/* PID file, and a start whose result the invoking process reports. */

#include "collector_support.h"
#include "daemon.h"
#include "log.h"

#include <sys/types.h>
#include <sys/wait.h>

START_TEST(pid_file)
{
    struct daemon daemon = {0};
    const char *path = support_write("pid", "999999\n888888\n");
    char expected[32];

    daemon_write_pid(&daemon, path);
    char *text = support_read(path);
    (void)snprintf(expected, sizeof(expected), "%ld\n", (long)getpid());
    ck_assert_str_eq(text, expected); /* one line: an older file is replaced */
    free(text);
    daemon_end(&daemon);
    ck_assert_int_ne(access(path, F_OK), 0);
    daemon_end(&daemon);
}
END_TEST

START_TEST(pid_file_that_cannot_be_written)
{
    struct daemon daemon = {0};

    support_capture();
    daemon_write_pid(&daemon, support_path("no/such/folder"));
    char *text = support_captured();
    ck_assert_contains(text, "ERROR: ipfixcol: cannot write the PID file ");
    ck_assert_contains(text, "no/such/folder: No such file or directory");
    free(text);
    daemon_end(&daemon);
}
END_TEST

START_TEST(ready_without_a_fork_leaves_the_streams_alone)
{
    struct daemon daemon = {0};

    support_capture();
    daemon_ready(&daemon);
    log_line("m", COL_LOG_ERROR, "still here");
    char *text = support_captured();
    ck_assert_str_eq(text, "ERROR: m: still here\n");
    free(text);
}
END_TEST

/* A process that becomes a daemon; 'p' starts well, 'f' fails. Exit status of the invoking one. */
static int invoke(bool succeed)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct daemon daemon = {0};
        if (daemon_fork(&daemon)) {
            if (succeed) {
                FILE *file = fopen(support_path("session"), "w");
                (void)fprintf(file, "%d\n", getsid(0) == getpid());
                (void)fclose(file);
                daemon_ready(&daemon);
                file = fopen(support_path("stdout"), "w");
                char target[64] = "";
                (void)!readlink("/proc/self/fd/1", target, sizeof(target) - 1);
                (void)fprintf(file, "%s\n", target);
                (void)fclose(file);
            }
            daemon_end(&daemon);
        }
        _exit(3); /* seen by nobody: the invoking process has its own status */
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(start_that_succeeds)
{
    ck_assert_int_eq(invoke(true), 0);
    char *text = support_read(support_path("session"));
    ck_assert_str_eq(text, "1\n");
    free(text);
    for (int i = 0; i < 500; i++) {
        text = support_read(support_path("stdout"));
        if (strlen(text) > 1) {
            break;
        }
        free(text);
        (void)usleep(10000);
    }
    ck_assert_str_eq(text, "/dev/null\n");
    free(text);
}
END_TEST

START_TEST(start_that_fails)
{
    ck_assert_int_eq(invoke(false), 1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("daemon");
    tcase_add_checked_fixture(tcase, support_make_folder, support_remove_folder);
    tcase_add_test(tcase, pid_file);
    tcase_add_test(tcase, pid_file_that_cannot_be_written);
    tcase_add_test(tcase, ready_without_a_fork_leaves_the_streams_alone);
    tcase_add_test(tcase, start_that_succeeds);
    tcase_add_test(tcase, start_that_fails);
    return support_run(tcase, "daemon");
}
