/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread that runs jobs of a storage in the order they were given. */

#include "instance.h"

#include <ipfixcol/plugin.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    void (*run)(void *job);
    void *argument;
};

struct col_worker {
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    struct job *ring;
    unsigned size, head, used;
    bool ending;
    char name[16];
};

/* Waits for a job; false when there will be none any more. */
static bool take_job(col_worker_t *worker, struct job *job)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->used == 0 && !worker->ending) {
        pthread_cond_wait(&worker->not_empty, &worker->lock);
    }
    bool taken = worker->used > 0;
    if (taken) {
        *job = worker->ring[worker->head];
        worker->head = (worker->head + 1) % worker->size;
        worker->used--;
        pthread_cond_signal(&worker->not_full);
    }
    pthread_mutex_unlock(&worker->lock);
    return taken;
}

static void *worker_run(void *argument)
{
    col_worker_t *worker = argument;
    struct job job;

    (void)pthread_setname_np(pthread_self(), worker->name);
    while (take_job(worker, &job)) {
        job.run(job.argument);
    }
    return NULL;
}

static void worker_free(col_worker_t *worker)
{
    pthread_cond_destroy(&worker->not_empty);
    pthread_cond_destroy(&worker->not_full);
    pthread_mutex_destroy(&worker->lock);
    free(worker->ring);
    free(worker);
}

col_worker_t *col_worker_create(col_instance_t *instance, const char *name, unsigned queue_size)
{
    col_worker_t *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return NULL;
    }
    worker->size = queue_size > 0 ? queue_size : 1;
    worker->ring = calloc(worker->size, sizeof(struct job));
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->not_empty, NULL);
    pthread_cond_init(&worker->not_full, NULL);
    (void)snprintf(worker->name, sizeof(worker->name), "%s", name);
    if (worker->ring == NULL || pthread_create(&worker->thread, NULL, worker_run, worker) != 0) {
        col_log(instance, COL_LOG_ERROR, "cannot start the thread '%s'", name);
        worker_free(worker);
        return NULL;
    }
    return worker;
}

void col_worker_submit(col_worker_t *worker, void (*run)(void *job), void *job)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->used == worker->size) {
        pthread_cond_wait(&worker->not_full, &worker->lock);
    }
    worker->ring[(worker->head + worker->used) % worker->size] = (struct job){run, job};
    worker->used++;
    pthread_cond_signal(&worker->not_empty);
    pthread_mutex_unlock(&worker->lock);
}

void col_worker_destroy(col_worker_t *worker)
{
    if (worker == NULL) {
        return;
    }
    pthread_mutex_lock(&worker->lock);
    worker->ending = true;
    pthread_cond_signal(&worker->not_empty);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    worker_free(worker);
}
