/* SPDX-License-Identifier: BSD-3-Clause */
/** Programs that are started, looked for, and left behind by others. */
#include "scripts.h"
#include "spawn.h"
#include "suite_main.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct failure failure;

static int wait_for(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/** Its group is its own, its signals and standard input as if started afresh. */
START_TEST(test_state)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)scripts_path("state"), NULL};
    sigset_t set;
    pid_t pid;

    /* Signals 32 and 33 are the C library's own: nobody can change what it inherited of them. */
    scripts_add("state", "readlink /proc/self/fd/0; grep SigBlk /proc/self/status\n"
                         "ignored=$(sed -n 's/SigIgn:\t*//p' /proc/self/status)\n"
                         "echo $((0x$ignored & ~0x180000000))\n"
                         "cut -d' ' -f5 /proc/$$/stat; echo $PPID; exit 3");
    (void)sigfillset(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    for (int number = 1; number <= SIGRTMAX; number++) {
        (void)signal(number, SIG_DFL); /* who runs tests in the background has some ignored */
    }
    (void)signal(SIGPIPE, SIG_IGN);
    int out = open(scripts_path("out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_msg(spawn(argv, out, -1, SIGTERM, &pid, &failure) == REPORT_OK, "%s", failure.text);
    ck_assert_int_eq(WEXITSTATUS(wait_for(pid)), 3);
    char expected[256];
    (void)snprintf(expected, sizeof(expected), "/dev/null\nSigBlk:\t0000000000000000\n0\n%d\n",
                   pid);
    ck_assert_msg(strncmp(scripts_read("out"), expected, strlen(expected)) == 0, "%s",
                  scripts_read("out"));
    (void)close(out);
}
END_TEST

START_TEST(test_failures)
{
    char *argv[] = {(char *)"/nonexistent/program", NULL};
    pid_t pid = 0;

    ck_assert_int_eq(spawn(argv, -1, -1, SIGTERM, &pid, &failure), REPORT_PATH);
    ck_assert_str_eq(failure.text, "cannot run /nonexistent/program: No such file or directory");
    argv[0] = (char *)"/etc/passwd";
    ck_assert_int_eq(spawn(argv, -1, -1, SIGTERM, &pid, &failure), REPORT_PATH);
    ck_assert_ptr_nonnull(strstr(failure.text, "Permission denied"));
    ck_assert_int_eq(pid, 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}
END_TEST

START_TEST(test_programs)
{
    scripts_add("tool", "");
    scripts_write("text", "");
    ck_assert(spawn_is_program("sh"));
    ck_assert(spawn_is_program("/bin/sh"));
    ck_assert(spawn_is_program(scripts_path("tool")));
    ck_assert(!spawn_is_program(scripts_path("text")));
    ck_assert(!spawn_is_program("/"));
    ck_assert(!spawn_is_program(""));
    ck_assert(!spawn_is_program("tool"));
    ck_assert_int_eq(setenv("PATH", scripts_folder, 1), 0);
    ck_assert(spawn_is_program("tool"));
    ck_assert(!spawn_is_program("text"));
    ck_assert(!spawn_is_program("sh"));
    ck_assert_int_eq(chdir(scripts_folder), 0);
    ck_assert_int_eq(setenv("PATH", "/nonexistent:", 1), 0); /* and the current folder */
    ck_assert(spawn_is_program("tool"));
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert(!spawn_is_program("tool"));
}
END_TEST

/** What a program that was killed leaves behind is adopted and killed, whatever group it is in.
 * Other children stay. */
START_TEST(test_orphans)
{
    char *launcher[] = {(char *)scripts_path("launcher"), NULL};
    char *spared[] = {(char *)"sleep", (char *)"60", NULL};
    pid_t pid, known;
    int status;

    scripts_add("launcher", "setsid sleep 60 & echo $! >\"$(dirname \"$0\")/orphan\"; wait");
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    ck_assert_int_eq(setenv("MARK", "yes", 1), 0);
    ck_assert_int_eq(spawn(launcher, -1, -1, SIGTERM, &pid, &failure), REPORT_OK);
    ck_assert_int_eq(setenv("MARK", "yes, another", 1), 0);
    ck_assert_int_eq(spawn(spared, -1, -1, SIGTERM, &known, &failure), REPORT_OK);
    ck_assert_int_eq(unsetenv("MARK"), 0);
    pid_t orphan = (pid_t)strtol(scripts_await("orphan"), NULL, 10);
    ck_assert_int_gt(orphan, 0);
    ck_assert_int_eq(kill(-pid, SIGKILL), 0);
    ck_assert_int_eq(WTERMSIG(wait_for(pid)), SIGKILL);
    /* The shell may still have been starting it. */
    for (int i = 0; i < 100 && waitpid(orphan, &status, WNOHANG) != orphan; i++) {
        ck_assert_uint_gt(spawn_kill_orphans("MARK", "yes"), 0);
        (void)usleep(10000);
    }
    ck_assert_uint_eq(spawn_kill_orphans("MARK", "yes"), 0);
    ck_assert_int_eq(kill(orphan, 0), -1);
    ck_assert_int_eq(waitpid(known, &status, WNOHANG), 0);
    ck_assert_int_eq(kill(known, SIGKILL), 0);
    (void)wait_for(known);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_spawn");
    TCase *tests = tcase_create("spawn");

    tcase_add_checked_fixture(tests, scripts_open, scripts_close);
    tcase_add_test(tests, test_state);
    tcase_add_test(tests, test_failures);
    tcase_add_test(tests, test_programs);
    tcase_add_test(tests, test_orphans);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
