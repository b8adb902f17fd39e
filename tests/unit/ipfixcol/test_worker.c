/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs in order, a bounded queue, and everything done at the end. */

#include "collector_support.h"

#include <ipfixcol/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static unsigned done[1000];
static unsigned done_count;
static atomic_uint started;
static atomic_bool hold;

static void nap(long ms)
{
    struct timespec time = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&time, NULL);
}

static void run(void *job)
{
    atomic_fetch_add(&started, 1);
    while (atomic_load(&hold)) {
        nap(1);
    }
    done[done_count++] = *(unsigned *)job;
}

START_TEST(in_order_and_complete)
{
    unsigned jobs[1000];
    col_worker_t *worker = col_worker_create(NULL, "worker", 3);

    ck_assert_ptr_nonnull(worker);
    for (unsigned i = 0; i < 1000; i++) {
        jobs[i] = i;
        col_worker_submit(worker, run, &jobs[i]);
    }
    col_worker_destroy(worker); /* waits for what is queued */
    ck_assert_uint_eq(done_count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_uint_eq(done[i], i);
    }
    col_worker_destroy(NULL);
}
END_TEST

struct submitter {
    col_worker_t *worker;
    unsigned jobs[10];
    atomic_uint submitted;
};

static void *submit_all(void *argument)
{
    struct submitter *s = argument;
    for (unsigned i = 0; i < 10; i++) {
        s->jobs[i] = i;
        col_worker_submit(s->worker, run, &s->jobs[i]);
        atomic_fetch_add(&s->submitted, 1);
    }
    return NULL;
}

START_TEST(submitting_waits_while_the_queue_is_full)
{
    struct submitter s = {.worker = col_worker_create(NULL, "a name longer than 15", 2)};
    pthread_t thread;

    atomic_store(&hold, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, submit_all, &s), 0);
    for (int i = 0; i < 2000 && atomic_load(&s.submitted) < 3; i++) {
        nap(1);
    }
    nap(100);
    ck_assert_uint_eq(atomic_load(&s.submitted), 3); /* one in work, two queued */
    ck_assert_uint_eq(atomic_load(&started), 1);
    atomic_store(&hold, false);
    (void)pthread_join(thread, NULL);
    col_worker_destroy(s.worker);
    ck_assert_uint_eq(done_count, 10);
}
END_TEST

START_TEST(a_queue_of_nothing_still_works)
{
    unsigned job = 7;
    col_worker_t *worker = col_worker_create(NULL, "w", 0);
    col_worker_submit(worker, run, &job);
    col_worker_destroy(worker);
    ck_assert_uint_eq(done_count, 1);
    ck_assert_uint_eq(done[0], 7);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("worker");
    tcase_add_test(tcase, in_order_and_complete);
    tcase_add_test(tcase, submitting_waits_while_the_queue_is_full);
    tcase_add_test(tcase, a_queue_of_nothing_still_works);
    return support_run(tcase, "worker");
}
