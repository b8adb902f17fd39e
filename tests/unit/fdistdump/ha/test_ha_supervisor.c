/* SPDX-License-Identifier: BSD-3-Clause */
/** When a job is ended, against a clock that only the test turns. */
#include "cluster.h"
#include "suite_main.h"
#include "supervisor.h"

#define TIMEOUT 10000
#define GRACE SUPERVISOR_GRACE_MS

static struct supervisor supervisor;

static void start(unsigned allowed)
{
    supervisor_start(&supervisor, allowed, TIMEOUT);
}

#define TICK(now, action) ck_assert_int_eq(supervisor_tick(&supervisor, (now)), (action))
#define INTERRUPT(now, action) ck_assert_int_eq(supervisor_interrupt(&supervisor, (now)), (action))
#define PHASE(expected) ck_assert_int_eq(supervisor.phase, (expected))

START_TEST(test_quiet)
{
    start(CLUSTER_SAME);
    for (int64_t now = 0; now < 1000000; now += 1000) {
        supervisor_observe(&supervisor, CLUSTER_SAME, now);
        TICK(now, SUPERVISOR_NOTHING);
        PHASE(SUPERVISOR_RUNNING);
    }
    ck_assert_int_eq(supervisor.deadline_ms, INT64_MAX);
    ck_assert(!supervisor_ended_by_change(&supervisor));
}
END_TEST

/** Every set of allowed changes against every change. */
START_TEST(test_allowed)
{
    for (unsigned allowed = 0; allowed < 4; allowed++) {
        for (unsigned change = 0; change < 4; change++) {
            bool denied = ((change & CLUSTER_MORE) != 0 && (allowed & CLUSTER_MORE) == 0) ||
                          ((change & CLUSTER_FEWER) != 0 && (allowed & CLUSTER_FEWER) == 0);
            start(allowed);
            supervisor_observe(&supervisor, change, 100);
            PHASE(denied ? SUPERVISOR_DENIED : SUPERVISOR_RUNNING);
            TICK(100 + TIMEOUT, denied ? SUPERVISOR_TERMINATE : SUPERVISOR_NOTHING);
        }
    }
}
END_TEST

START_TEST(test_timer_stops)
{
    start(CLUSTER_MORE);
    supervisor_observe(&supervisor, CLUSTER_FEWER, 1000);
    ck_assert_int_eq(supervisor.deadline_ms, 1000 + TIMEOUT);
    /* Another denied look does not start it again. */
    supervisor_observe(&supervisor, CLUSTER_FEWER | CLUSTER_MORE, 5000);
    ck_assert_int_eq(supervisor.deadline_ms, 1000 + TIMEOUT);
    TICK(1000 + TIMEOUT - 1, SUPERVISOR_NOTHING);
    supervisor_observe(&supervisor, CLUSTER_MORE, 1000 + TIMEOUT - 1);
    PHASE(SUPERVISOR_RUNNING);
    TICK(1000 + TIMEOUT, SUPERVISOR_NOTHING);
    /* A new denial has the whole time again. */
    supervisor_observe(&supervisor, CLUSTER_FEWER, 50000);
    TICK(50000 + TIMEOUT - 1, SUPERVISOR_NOTHING);
    TICK(50000 + TIMEOUT, SUPERVISOR_TERMINATE);
}
END_TEST

START_TEST(test_kill_sequence)
{
    start(CLUSTER_SAME);
    supervisor_observe(&supervisor, CLUSTER_FEWER, 0);
    TICK(TIMEOUT, SUPERVISOR_TERMINATE);
    ck_assert(supervisor_ended_by_change(&supervisor));
    /* What the cluster does now changes nothing. */
    supervisor_observe(&supervisor, CLUSTER_SAME, TIMEOUT + 1);
    PHASE(SUPERVISOR_TERMINATING);
    TICK(TIMEOUT + GRACE - 1, SUPERVISOR_NOTHING);
    TICK(TIMEOUT + GRACE, SUPERVISOR_KILL);
    TICK(TIMEOUT + 2 * GRACE - 1, SUPERVISOR_NOTHING);
    TICK(TIMEOUT + 2 * GRACE, SUPERVISOR_GIVE_UP);
    PHASE(SUPERVISOR_LOST);
    TICK(INT64_MAX, SUPERVISOR_NOTHING);
    INTERRUPT(TIMEOUT + 3 * GRACE, SUPERVISOR_NOTHING);
}
END_TEST

START_TEST(test_no_timeout)
{
    supervisor_start(&supervisor, CLUSTER_SAME, 0);
    supervisor_observe(&supervisor, CLUSTER_MORE, 77);
    TICK(77, SUPERVISOR_TERMINATE);
}
END_TEST

START_TEST(test_interrupt)
{
    start(CLUSTER_SAME);
    INTERRUPT(100, SUPERVISOR_PASS_ON);
    ck_assert(!supervisor_ended_by_change(&supervisor));
    /* The job has its time, whatever the cluster does. */
    supervisor_observe(&supervisor, CLUSTER_FEWER, 200);
    PHASE(SUPERVISOR_INTERRUPTED);
    TICK(100 + GRACE - 1, SUPERVISOR_NOTHING);
    TICK(100 + GRACE, SUPERVISOR_TERMINATE);
    TICK(100 + 2 * GRACE, SUPERVISOR_KILL);
    TICK(100 + 3 * GRACE, SUPERVISOR_GIVE_UP);
    ck_assert(!supervisor_ended_by_change(&supervisor));
}
END_TEST

START_TEST(test_impatient)
{
    start(CLUSTER_SAME);
    INTERRUPT(100, SUPERVISOR_PASS_ON);
    INTERRUPT(101, SUPERVISOR_TERMINATE);
    INTERRUPT(102, SUPERVISOR_KILL);
    INTERRUPT(103, SUPERVISOR_NOTHING);
    TICK(102 + GRACE - 1, SUPERVISOR_NOTHING);
    TICK(102 + GRACE, SUPERVISOR_GIVE_UP);
}
END_TEST

START_TEST(test_interrupt_while_ending)
{
    start(CLUSTER_SAME);
    supervisor_observe(&supervisor, CLUSTER_FEWER, 0);
    TICK(TIMEOUT, SUPERVISOR_TERMINATE);
    INTERRUPT(TIMEOUT + 1, SUPERVISOR_NOTHING);          /* it is on its way */
    ck_assert(!supervisor_ended_by_change(&supervisor)); /* no further try */
    INTERRUPT(TIMEOUT + 2, SUPERVISOR_KILL);
}
END_TEST

START_TEST(test_interrupt_while_denied)
{
    start(CLUSTER_SAME);
    supervisor_observe(&supervisor, CLUSTER_FEWER, 0);
    INTERRUPT(TIMEOUT - 1, SUPERVISOR_PASS_ON);
    TICK(TIMEOUT, SUPERVISOR_NOTHING); /* the kill timer is off */
    TICK(TIMEOUT - 1 + GRACE, SUPERVISOR_TERMINATE);
}
END_TEST

/** A job of no use is ended at once, whatever the cluster does, unless that is under way. */
START_TEST(test_end)
{
    start(CLUSTER_SAME);
    ck_assert_int_eq(supervisor_end(&supervisor, 100), SUPERVISOR_TERMINATE);
    supervisor_observe(&supervisor, CLUSTER_FEWER, 200);
    ck_assert_int_eq(supervisor_end(&supervisor, 300), SUPERVISOR_NOTHING);
    TICK(100 + GRACE - 1, SUPERVISOR_NOTHING);
    TICK(100 + GRACE, SUPERVISOR_KILL);
    ck_assert_int_eq(supervisor_end(&supervisor, 100 + GRACE), SUPERVISOR_NOTHING);
    start(CLUSTER_SAME);
    INTERRUPT(100, SUPERVISOR_PASS_ON);
    ck_assert_int_eq(supervisor_end(&supervisor, 101), SUPERVISOR_TERMINATE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump_ha_supervisor");
    TCase *tests = tcase_create("supervisor");

    tcase_add_test(tests, test_quiet);
    tcase_add_test(tests, test_allowed);
    tcase_add_test(tests, test_timer_stops);
    tcase_add_test(tests, test_kill_sequence);
    tcase_add_test(tests, test_no_timeout);
    tcase_add_test(tests, test_interrupt);
    tcase_add_test(tests, test_impatient);
    tcase_add_test(tests, test_interrupt_while_ending);
    tcase_add_test(tests, test_interrupt_while_denied);
    tcase_add_test(tests, test_end);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
