/* SPDX-License-Identifier: BSD-3-Clause */
/** Bounded queue that gives blocks out in order. */
#include "block_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define OPEN_FILE UINT64_MAX

struct block_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* waits with CLOCK_MONOTONIC */
    bool stopped;

    uint64_t file_count;
    uint64_t *file_blocks; /* blocks of each file; OPEN_FILE = not known yet */
    uint64_t next_file, next_block;

    struct block_rows *held; /* not ordered: a few blocks, one per thread and those waiting */
    size_t held_count, held_capacity;
    size_t used, size; /* octets of rows */
};

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    if (pthread_condattr_init(&attributes) != 0) {
        return -1;
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int status = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return status == 0 ? 0 : -1;
}

block_queue_t *block_queue_create(uint64_t files, size_t size)
{
    block_queue_t *queue = calloc(1, sizeof(*queue));

    if (queue == NULL) {
        return NULL;
    }
    queue->file_blocks = malloc((files + 1) * sizeof(*queue->file_blocks)); /* at least one */
    if (queue->file_blocks == NULL) {
        free(queue);
        return NULL;
    }
    for (uint64_t i = 0; i < files; i++) {
        queue->file_blocks[i] = OPEN_FILE;
    }
    queue->file_count = files;
    queue->size = size;
    pthread_mutex_init(&queue->lock, NULL);
    if (init_condition(&queue->changed) != 0) {
        pthread_mutex_destroy(&queue->lock);
        free(queue->file_blocks);
        free(queue);
        return NULL;
    }
    return queue;
}

void block_queue_destroy(block_queue_t *queue)
{
    if (queue == NULL) {
        return;
    }
    for (size_t i = 0; i < queue->held_count; i++) {
        free(queue->held[i].rows);
    }
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue->held);
    free(queue->file_blocks);
    free(queue);
}

/* ---- order (the lock is held) --------------------------------------------------------------- */

/** Steps over files that are through. */
static void skip_finished(block_queue_t *queue)
{
    while (queue->next_file < queue->file_count &&
           queue->file_blocks[queue->next_file] <= queue->next_block) {
        queue->next_file++;
        queue->next_block = 0;
    }
}

static bool is_next(const block_queue_t *queue, const struct block_rows *block)
{
    return block->file == queue->next_file && block->block == queue->next_block;
}

static bool hold(block_queue_t *queue, const struct block_rows *block)
{
    if (queue->held_count == queue->held_capacity) {
        size_t capacity = queue->held_capacity == 0 ? 32 : queue->held_capacity * 2;
        struct block_rows *held = realloc(queue->held, capacity * sizeof(*held));
        if (held == NULL) {
            return false;
        }
        queue->held = held;
        queue->held_capacity = capacity;
    }
    queue->held[queue->held_count++] = *block;
    queue->used += block->size;
    return true;
}

static bool take_next(block_queue_t *queue, struct block_rows *block)
{
    for (size_t i = 0; i < queue->held_count; i++) {
        if (is_next(queue, &queue->held[i])) {
            *block = queue->held[i];
            queue->held[i] = queue->held[--queue->held_count];
            queue->used -= block->size;
            queue->next_block++;
            skip_finished(queue);
            return true;
        }
    }
    return false;
}

/* ---- door ----------------------------------------------------------------------------------- */

/** Blocks without rows count too, or a selective filter could pile up any number of them. */
static bool is_full(const block_queue_t *queue)
{
    return queue->used >= queue->size || queue->held_count >= 4096;
}

enum block_queue_result block_queue_put(block_queue_t *queue, const struct block_rows *block)
{
    enum block_queue_result result = BLOCK_QUEUE_OK;

    pthread_mutex_lock(&queue->lock);
    while (!queue->stopped && is_full(queue) && !is_next(queue, block)) {
        pthread_cond_wait(&queue->changed, &queue->lock);
    }
    if (queue->stopped) {
        result = BLOCK_QUEUE_END;
    } else if (!hold(queue, block)) {
        result = BLOCK_QUEUE_NOMEM;
    }
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    if (result != BLOCK_QUEUE_OK) {
        free(block->rows);
    }
    return result;
}

void block_queue_close_file(block_queue_t *queue, uint64_t file, uint64_t blocks)
{
    pthread_mutex_lock(&queue->lock);
    queue->file_blocks[file] = blocks;
    skip_finished(queue);
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

static struct timespec deadline_after(unsigned wait_ms)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += wait_ms / 1000;
    deadline.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

enum block_queue_result block_queue_take(block_queue_t *queue, unsigned wait_ms,
                                         struct block_rows *block)
{
    struct timespec deadline = deadline_after(wait_ms);
    enum block_queue_result result = BLOCK_QUEUE_EMPTY;
    bool waited = false;

    pthread_mutex_lock(&queue->lock);
    skip_finished(queue);
    for (;;) {
        if (queue->stopped || queue->next_file >= queue->file_count) {
            result = BLOCK_QUEUE_END;
        } else if (take_next(queue, block)) {
            result = BLOCK_QUEUE_OK;
        }
        if (result != BLOCK_QUEUE_EMPTY || waited) {
            break;
        }
        waited = pthread_cond_timedwait(&queue->changed, &queue->lock, &deadline) == ETIMEDOUT;
    }
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return result;
}

void block_queue_stop(block_queue_t *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopped = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}
