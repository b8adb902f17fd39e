/* SPDX-License-Identifier: BSD-3-Clause */
/** Jobs under supervision, with nodes that are files: there, they are online. */
#include "job.h"
#include "scripts.h"
#include "suite_main.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct events events;
static struct view view;
static struct ha_args args;
static struct failure failure;
static struct job_end end;
static bool has_another_try;
static const struct log quiet = {.verbose = false};
static char file[256];

static void set_online(const char *node, bool online)
{
    if (online) {
        scripts_write(node, "x");
    } else {
        (void)unlink(scripts_path(node));
    }
}

static void setup(void)
{
    char *argv[] = {(char *)"fdistdump-ha", (char *)"-i0.1", (char *)"-e0.3", (char *)"x"};
    char text[1024];

    scripts_open();
    (void)snprintf(text, sizeof(text),
                   "original-path /o\nmirror-path /m\nprobe test -e %s/%%h\nprobe-timeout 20\n"
                   "node a id=1 role=subcollector successor=2\n"
                   "node b id=2 role=subcollector successor=1\n",
                   scripts_folder);
    scripts_write("cluster.conf", text);
    set_online("a", true);
    set_online("b", true);
    strcpy(file, scripts_path("cluster.conf"));
    view = (struct view){.file = file};
    end = (struct job_end){.outcome = JOB_LOST};
    has_another_try = false;
    ck_assert_int_eq(events_open(&events, &failure), REPORT_OK);
    ck_assert_int_eq(ha_args_parse(4, argv, NULL, &args, &failure), REPORT_OK);
    ck_assert_msg(view_read(&view, &events, &failure) == REPORT_OK, "%s", failure.text);
    ck_assert(view.cluster.nodes[0].online && view.cluster.nodes[1].online);
}

static void teardown(void)
{
    view_clear(&view);
    ha_args_clear(&args);
    events_close(&events);
    scripts_close();
}

/** Runs a shell script in the folder as the job. */
static int64_t run(const char *script)
{
    char text[4096];

    (void)snprintf(text, sizeof(text), "cd %s\n%s", scripts_folder, script);
    scripts_add("job", text);
    char *command[] = {(char *)scripts_path("job"), NULL};
    struct job_task task = {
        .command = command, .has_another_try = has_another_try, .args = &args, .log = &quiet};
    int64_t start_ms = events_now_ms();
    ck_assert_msg(job_run(&events, &view, &task, &end, &failure) == REPORT_OK, "%s", failure.text);
    return events_now_ms() - start_ms;
}

static void check(enum job_outcome outcome, int status)
{
    ck_assert_int_eq(end.outcome, outcome);
    ck_assert_int_eq(end.status, status);
}

START_TEST(test_ends)
{
    (void)run("exit 0");
    check(JOB_ENDED, 0);
    (void)run("exit 7");
    check(JOB_ENDED, 7);
    (void)run("kill -9 $$");
    check(JOB_ENDED, 128 + SIGKILL);
    (void)run("sleep 1; exit 5"); /* looked after meanwhile */
    check(JOB_ENDED, 5);
}
END_TEST

START_TEST(test_cannot_run)
{
    char *command[] = {(char *)"/nonexistent", NULL};
    struct job_task task = {.command = command, .args = &args, .log = &quiet};

    ck_assert_int_eq(job_run(&events, &view, &task, &end, &failure), REPORT_PATH);
}
END_TEST

/* What happens after the end of a job is done by a thread: children would be killed with the job.
 */

static void *lose_node(void *unused)
{
    (void)sleep(1);
    set_online("b", false);
    return unused;
}

static void *send_signal(void *unused)
{
    (void)sleep(1);
    (void)kill(getpid(), SIGTERM);
    return unused;
}

static int64_t run_beside(const char *script, void *(*routine)(void *))
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, routine, NULL), 0);
    int64_t took_ms = run(script);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return took_ms;
}

/** A node goes down: the job is told to end; and it does, with all it started. */
START_TEST(test_denied)
{
    (void)run("trap 'echo told >told; exit 3' TERM\nsleep 60 & echo $! >child\nrm b\nwait");
    check(JOB_CHANGED, 3);
    ck_assert_str_eq(scripts_read("told"), "told\n");
    ck_assert(!view.cluster.nodes[1].online);
    pid_t child = (pid_t)strtol(scripts_read("child"), NULL, 10);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(kill(child, 0), -1);
}
END_TEST

START_TEST(test_more_denied)
{
    set_online("b", false);
    ck_assert_int_eq(view_read(&view, &events, &failure), REPORT_OK);
    (void)run("touch b; exec sleep 60");
    check(JOB_CHANGED, 128 + SIGTERM);
}
END_TEST

START_TEST(test_allowed)
{
    args.allowed = CLUSTER_FEWER;
    (void)run("rm b; sleep 2; touch b; sleep 1; exit 0");
    check(JOB_ENDED, 0);
    /* What is not allowed may be short. */
    args.allowed = CLUSTER_SAME;
    args.termination_timeout_ms = 60000;
    (void)run("rm b; sleep 1; touch b; sleep 1; exit 0");
    check(JOB_ENDED, 0);
}
END_TEST

/** A job that was as good as done when it was told to end has given its answer. */
START_TEST(test_done_anyway)
{
    (void)run("trap 'exit 0' TERM\nrm b; sleep 60 & wait");
    check(JOB_ENDED, 0);
}
END_TEST

/** One that does not listen is killed, and what it left behind, in whatever group, is as well. */
START_TEST(test_killed)
{
    int64_t took_ms = run("trap '' TERM\nsetsid sleep 60 & echo $! >child\nrm b\n"
                          "while :; do sleep 1; done");
    check(JOB_CHANGED, 128 + SIGKILL);
    ck_assert_int_ge(took_ms, 5300);
    pid_t child = (pid_t)strtol(scripts_read("child"), NULL, 10);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(kill(child, 0), -1);
}
END_TEST

/** What a probe left running, before the job or meanwhile, is not of the job. */
START_TEST(test_probe_left)
{
    const char *probe = scripts_path("probe");
    struct commands before = {.list = NULL};
    pid_t left[2];

    scripts_add("probe", "cd \"$(dirname \"$0\")\"\n"
                         "if [ -e leave ]; then\n"
                         "rm leave; setsid sleep 60 >/dev/null 2>&1 & echo $! >>left\n"
                         "fi\n"
                         "[ -e \"$1\" ]");
    words_clear(&view.probe.command);
    words_add(&view.probe.command, probe);
    words_add(&view.probe.command, "a");
    scripts_write("leave", "x");
    ck_assert_int_eq(view_look(&view, &before, &failure), REPORT_OK);
    ck_assert_int_eq(events_run(&events, &before, &failure), REPORT_OK);
    commands_clear(&before);
    (void)run("touch leave; while [ -e leave ]; do sleep 0.1; done; sleep 0.5\n"
              "setsid sleep 60 & echo $! >child; kill -9 $$");
    check(JOB_ENDED, 128 + SIGKILL);
    ck_assert_int_eq(kill((pid_t)strtol(scripts_read("child"), NULL, 10), 0), -1);
    ck_assert_int_eq(sscanf(scripts_read("left"), "%d %d", &left[0], &left[1]), 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_gt(left[i], 0);
        ck_assert_int_eq(waitpid(left[i], NULL, WNOHANG), 0); /* adopted, and runs */
        ck_assert_int_eq(kill(left[i], SIGKILL), 0);
    }
}
END_TEST

START_TEST(test_failed_without_node)
{
    (void)run("rm b; exit 1");
    check(JOB_NODE_LOST, 1);
    /* What is explained has nothing to do with nodes that are all there. */
    set_online("b", true);
    ck_assert_int_eq(view_read(&view, &events, &failure), REPORT_OK);
    has_another_try = true;
    args.termination_timeout_ms = 60000;
    ck_assert_int_lt(run("exit 7"), 30000);
    check(JOB_ENDED, 7);
    /* What is not may be a node the cluster has not missed yet. */
    int64_t took_ms = run_beside("exit 1", lose_node);
    ck_assert_int_ge(took_ms, 900);
    ck_assert_int_lt(took_ms, 30000);
    check(JOB_NODE_LOST, 1);
    args.termination_timeout_ms = 500;
    set_online("b", true);
    ck_assert_int_eq(view_read(&view, &events, &failure), REPORT_OK);
    ck_assert_int_ge(run("exit 1"), 300); /* the last look is within the time */
    check(JOB_ENDED, 1);
}
END_TEST

START_TEST(test_signal)
{
    (void)run("trap 'exit 9' INT\nkill -INT $PPID; sleep 60 & wait");
    check(JOB_INTERRUPTED, 9);
    ck_assert_int_eq(events.signal, SIGINT);
    (void)run("kill -TERM $PPID; exec sleep 60");
    check(JOB_INTERRUPTED, 128 + SIGTERM);
    /* Again and again is faster. */
    ck_assert_int_lt(
        run("trap '' TERM INT\nfor i in 1 2 3 4 5 6; do kill -INT $PPID; sleep 0.2; done"
            "; sleep 60"),
        20000);
    check(JOB_INTERRUPTED, 128 + SIGKILL);
}
END_TEST

/** A signal ends the wait for news of a node. */
START_TEST(test_signal_after_end)
{
    has_another_try = true;
    args.termination_timeout_ms = 60000;
    ck_assert_int_lt(run_beside("exit 1", send_signal), 30000);
    check(JOB_INTERRUPTED, 1);
}
END_TEST

START_TEST(test_blind)
{
    /* A probe that cannot be run says nothing about the nodes. */
    words_clear(&view.probe.command);
    words_add(&view.probe.command, "/nonexistent");
    (void)run("rm b; sleep 2; exit 0");
    check(JOB_ENDED, 0);
}
END_TEST

/** Runs the script `job' with its output held. */
static int run_held(struct hold *hold)
{
    char *command[] = {(char *)scripts_path("job"), NULL};
    struct job_task task = {.command = command,
                            .hold = hold,
                            .has_another_try = has_another_try,
                            .args = &args,
                            .log = &quiet};

    ck_assert_int_eq(hold_open(hold, &failure), REPORT_OK);
    return job_run(&events, &view, &task, &end, &failure);
}

START_TEST(test_output)
{
    enum { SIZE = 3000000 };
    static char text[SIZE + 10];
    struct hold hold;

    scripts_add("job", "head -c 3000000 /dev/zero; exec >&-; sleep 1; exit 3");
    ck_assert_int_eq(run_held(&hold), REPORT_OK);
    check(JOB_ENDED, 3);
    ck_assert_int_eq(pread(hold.file_fd, text, sizeof(text), 0), SIZE);
    hold_close(&hold);
    /* What still has the pipe open when the job has ended keeps nobody waiting. */
    scripts_add("job", "echo held; sleep 20 & echo $! >\"$(dirname \"$0\")/child\"");
    int64_t start_ms = events_now_ms();
    ck_assert_int_eq(run_held(&hold), REPORT_OK);
    ck_assert_int_lt(events_now_ms() - start_ms, 15000);
    check(JOB_ENDED, 0);
    ck_assert_int_eq(pread(hold.file_fd, text, sizeof(text), 0), 5);
    ck_assert_int_eq(memcmp(text, "held\n", 5), 0);
    ck_assert_int_eq(kill((pid_t)strtol(scripts_read("child"), NULL, 10), SIGKILL), 0);
    hold_close(&hold);
}
END_TEST

/** A job whose output cannot be kept is told to end, also one that would not notice itself. */
START_TEST(test_output_lost)
{
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
    struct hold hold;

    scripts_add("job", "cd \"$(dirname \"$0\")\"; trap 'echo told >told; exit 0' TERM\n"
                       "head -c 3000000 /dev/zero; echo written >written; sleep 60 & wait");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    has_another_try = true;
    args.termination_timeout_ms = 60000;
    int64_t start_ms = events_now_ms();
    ck_assert_int_eq(run_held(&hold), REPORT_INTERNAL);
    ck_assert_int_lt(events_now_ms() - start_ms, 30000);
    ck_assert_msg(strstr(failure.text, "temporary file in ") != NULL, "%s", failure.text);
    ck_assert_ptr_nonnull(strstr(failure.text, strerror(EFBIG)));
    ck_assert_str_eq(scripts_read("told"), "told\n");
    hold_close(&hold);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_job");
    TCase *tests = tcase_create("job");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_ends);
    tcase_add_test(tests, test_cannot_run);
    tcase_add_test(tests, test_denied);
    tcase_add_test(tests, test_more_denied);
    tcase_add_test(tests, test_allowed);
    tcase_add_test(tests, test_done_anyway);
    tcase_add_test(tests, test_killed);
    tcase_add_test(tests, test_probe_left);
    tcase_add_test(tests, test_failed_without_node);
    tcase_add_test(tests, test_signal);
    tcase_add_test(tests, test_signal_after_end);
    tcase_add_test(tests, test_blind);
    tcase_add_test(tests, test_output);
    tcase_add_test(tests, test_output_lost);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
