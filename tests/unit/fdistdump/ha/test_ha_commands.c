/* SPDX-License-Identifier: BSD-3-Clause */
/** Short commands side by side: output, limits, ends. */
#include "events.h"
#include "scripts.h"
#include "suite_main.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static struct commands commands;
static struct events events;
static struct failure failure;

static void setup(void)
{
    commands = (struct commands){.list = NULL};
    failure = (struct failure){.class = REPORT_OK};
    ck_assert_int_eq(events_open(&events, &failure), REPORT_OK);
    scripts_open();
}

static void teardown(void)
{
    commands_clear(&commands);
    events_close(&events);
    scripts_close();
}

static void add(const char *script, unsigned limit_ms)
{
    struct command *command = commands_add(&commands, limit_ms);

    ck_assert_ptr_nonnull(command);
    words_add(&command->argv, "sh");
    words_add(&command->argv, "-c");
    words_add(&command->argv, script);
}

static void run(void)
{
    ck_assert_msg(events_run(&events, &commands, &failure) == REPORT_OK, "%s", failure.text);
    ck_assert(commands_done(&commands));
}

START_TEST(test_output)
{
    add("echo out; echo err >&2; exit 7", 60000);
    add("true", 60000);
    add("kill -TERM $$", 60000);
    add("head -c 1000000 /dev/zero | tr '\\0' x", 60000);
    run();
    ck_assert_int_eq(commands.list[0].end, COMMAND_ENDED);
    ck_assert_int_eq(WEXITSTATUS(commands.list[0].status), 7);
    ck_assert_str_eq(commands.list[0].out.text, "out\n");
    ck_assert_str_eq(commands.list[0].err.text, "err\n");
    ck_assert_int_eq(command_judge(&commands.list[0], &failure), REPORT_INTERNAL);
    ck_assert_int_eq(command_judge(&commands.list[1], &failure), REPORT_OK);
    ck_assert_ptr_null(commands.list[1].out.text);
    ck_assert_int_eq(WTERMSIG(commands.list[2].status), SIGTERM);
    ck_assert_uint_eq(commands.list[3].out.size, 1000000);
    ck_assert_uint_eq(strspn(commands.list[3].out.text, "x"), 1000000);
}
END_TEST

/** Each is killed on its own limit, with what it started; the others go on. */
START_TEST(test_limits)
{
    char script[256];

    (void)snprintf(script, sizeof(script), "(sleep 2; echo alive >%s) & sleep 60",
                   scripts_path("alive"));
    add(script, 200);
    add("trap '' TERM INT HUP; sleep 60 & wait", 300);
    add("sleep 1; echo done", 60000);
    int64_t start_ms = events_now_ms();
    run();
    ck_assert_int_lt(events_now_ms() - start_ms, 30000);
    ck_assert_int_eq(commands.list[0].end, COMMAND_TIMED_OUT);
    ck_assert_int_eq(commands.list[1].end, COMMAND_TIMED_OUT);
    ck_assert_int_eq(commands.list[2].end, COMMAND_ENDED);
    ck_assert_str_eq(commands.list[2].out.text, "done\n");
    (void)sleep(2);
    ck_assert_str_eq(scripts_read("alive"), "");
}
END_TEST

/** Whoever inherited its descriptors, as persistent connections of ssh, keeps nobody waiting. */
START_TEST(test_heir)
{
    add("setsid sleep 20 & echo out", 60000);
    int64_t start_ms = events_now_ms();
    run();
    ck_assert_int_lt(events_now_ms() - start_ms, 15000);
    ck_assert_int_eq(commands.list[0].end, COMMAND_ENDED);
    ck_assert_str_eq(commands.list[0].out.text, "out\n");
}
END_TEST

START_TEST(test_flood)
{
    add("exec cat /dev/zero", 60000);
    add("exec cat /dev/zero >&2", 60000);
    run();
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(commands.list[i].end, COMMAND_FLOODED);
        ck_assert_int_eq(command_judge(&commands.list[i], &failure), REPORT_INTERNAL);
        ck_assert_ptr_nonnull(strstr(failure.text, "writes more than"));
    }
}
END_TEST

START_TEST(test_no_start)
{
    struct command *command = commands_add(&commands, 1000);

    words_add(&command->argv, "/nonexistent");
    run();
    ck_assert_int_eq(commands.list[0].end, COMMAND_NO_START);
    ck_assert_int_eq(command_judge(&commands.list[0], &failure), REPORT_PATH);
}
END_TEST

/** More than may run at once all run. */
START_TEST(test_many)
{
    enum { MANY = 3 * COMMANDS_PARALLEL_MAX };

    for (int i = 0; i < MANY; i++) {
        char script[32];
        (void)snprintf(script, sizeof(script), "exit %d", i % 256);
        add(script, 60000);
    }
    run();
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(commands.list[i].end, COMMAND_ENDED);
        ck_assert_int_eq(WEXITSTATUS(commands.list[i].status), i % 256);
    }
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
}
END_TEST

START_TEST(test_signal)
{
    add("sleep 60", 60000);
    add("kill -INT $PPID; sleep 60", 60000);
    int64_t start_ms = events_now_ms();
    ck_assert_int_eq(events_run(&events, &commands, &failure), REPORT_INTERNAL);
    ck_assert_int_lt(events_now_ms() - start_ms, 30000);
    ck_assert_int_eq(events.signal, SIGINT);
    ck_assert_uint_eq(events.signals, 1);
    pid_t pid = commands.list[0].pid;
    ck_assert_int_gt(pid, 0);
    commands_clear(&commands);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid); /* it was killed */
}
END_TEST

/** nohup keeps a query alive when the terminal is closed. */
START_TEST(test_ignored_signal)
{
    events_close(&events);
    ck_assert(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(events_open(&events, &failure), REPORT_OK);
    ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
    ck_assert_int_eq(events_wait(&events, NULL, 0, &failure), REPORT_OK);
    ck_assert_uint_eq(events.signals, 0);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    ck_assert_int_eq(events_wait(&events, NULL, 0, &failure), REPORT_OK);
    ck_assert_int_eq(events.signal, SIGTERM);
    /* What it starts ignores it as well. */
    add("kill -HUP $$; exit 7", 60000);
    run();
    ck_assert(WIFEXITED(commands.list[0].status));
    ck_assert_int_eq(WEXITSTATUS(commands.list[0].status), 7);
}
END_TEST

/** Waiting for time takes that time, and no processor. */
START_TEST(test_deadline)
{
    int64_t start_ms = events_now_ms();
    clock_t start = clock();

    ck_assert_int_eq(events_wait(&events, NULL, start_ms + 300, &failure), REPORT_OK);
    ck_assert_int_ge(events_now_ms() - start_ms, 300);
    ck_assert_int_lt((int)((clock() - start) * 1000 / CLOCKS_PER_SEC), 100);
    ck_assert_int_eq(events_wait(&events, NULL, 0, &failure), REPORT_OK); /* long ago */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_commands");
    TCase *tests = tcase_create("commands");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_output);
    tcase_add_test(tests, test_limits);
    tcase_add_test(tests, test_heir);
    tcase_add_test(tests, test_flood);
    tcase_add_test(tests, test_no_start);
    tcase_add_test(tests, test_many);
    tcase_add_test(tests, test_signal);
    tcase_add_test(tests, test_ignored_signal);
    tcase_add_test(tests, test_deadline);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
