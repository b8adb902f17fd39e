/* SPDX-License-Identifier: BSD-3-Clause */
/** Blocks out of a queue come in order of files and blocks, whoever puts them and when. */
#include "block_queue.h"
#include "suite_main.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 4u
#define FILES 7u
#define SOON_MS 20u
#define LATE_MS 5000u

static block_queue_t *queue;

static enum block_queue_result put(uint64_t file, uint64_t block, size_t size)
{
    struct block_rows rows = {
        .file = file, .block = block, .rows = size > 0 ? malloc(size) : NULL, .size = size};

    return block_queue_put(queue, &rows);
}

/** Takes a block, which must be that one. */
static void expect(uint64_t file, uint64_t block)
{
    struct block_rows rows;

    ck_assert_int_eq(block_queue_take(queue, LATE_MS, &rows), BLOCK_QUEUE_OK);
    ck_assert_uint_eq(rows.file, file);
    ck_assert_uint_eq(rows.block, block);
    free(rows.rows);
}

static enum block_queue_result take_nothing(void)
{
    struct block_rows rows;

    return block_queue_take(queue, SOON_MS, &rows);
}

START_TEST(test_no_files)
{
    queue = block_queue_create(0, 100);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_END);
    block_queue_destroy(queue);
    block_queue_destroy(NULL);
}
END_TEST

START_TEST(test_order)
{
    queue = block_queue_create(3, 1000);
    ck_assert_int_eq(put(2, 0, 1), BLOCK_QUEUE_OK);
    ck_assert_int_eq(put(0, 1, 1), BLOCK_QUEUE_OK);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_EMPTY);
    ck_assert_int_eq(put(0, 0, 0), BLOCK_QUEUE_OK);
    expect(0, 0);
    expect(0, 1);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_EMPTY); /* file 0 may have more */
    block_queue_close_file(queue, 1, 0);
    block_queue_close_file(queue, 0, 2);
    expect(2, 0);
    block_queue_close_file(queue, 2, 1);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_END);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_END);
    block_queue_destroy(queue);
}
END_TEST

/** All files closed before the first block is taken. */
START_TEST(test_closed_first)
{
    queue = block_queue_create(3, 1000);
    ck_assert_int_eq(put(1, 0, 5), BLOCK_QUEUE_OK);
    block_queue_close_file(queue, 2, 0);
    block_queue_close_file(queue, 1, 1);
    block_queue_close_file(queue, 0, 0);
    expect(1, 0);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_END);
    block_queue_destroy(queue);
}
END_TEST

/** What is in the queue when it goes is freed with it (the sanitizer looks). */
START_TEST(test_destroy_full)
{
    queue = block_queue_create(1, 1000);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(put(0, i, 9), BLOCK_QUEUE_OK);
    }
    block_queue_destroy(queue);
}
END_TEST

START_TEST(test_stop)
{
    queue = block_queue_create(1, 1000);
    ck_assert_int_eq(put(0, 0, 1), BLOCK_QUEUE_OK);
    block_queue_stop(queue);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_END);
    ck_assert_int_eq(put(0, 1, 1), BLOCK_QUEUE_END);
    block_queue_destroy(queue);
}
END_TEST

START_TEST(test_wait)
{
    struct timespec before, after;

    queue = block_queue_create(1, 1000);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(take_nothing(), BLOCK_QUEUE_EMPTY);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t waited_ms =
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    ck_assert_int_ge(waited_ms, SOON_MS - 1);
    block_queue_destroy(queue);
}
END_TEST

/* ---- full queues ---------------------------------------------------------------------------- */

static atomic_int result;

static void *put_late(void *argument)
{
    uint64_t block = *(const uint64_t *)argument;

    atomic_store(&result, (int)put(0, block, 100));
    return NULL;
}

/** A full queue lets the next block in order pass at once and others when there is room again. */
START_TEST(test_full)
{
    const uint64_t second = 2;
    pthread_t thread;

    queue = block_queue_create(1, 100);
    atomic_store(&result, -1);
    ck_assert_int_eq(put(0, 1, 100), BLOCK_QUEUE_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, put_late, (void *)&second), 0);
    usleep(50000);
    ck_assert_int_eq(atomic_load(&result), -1); /* waits */
    ck_assert_int_eq(put(0, 0, 100), BLOCK_QUEUE_OK);
    expect(0, 0);
    expect(0, 1);
    expect(0, 2);
    pthread_join(thread, NULL);
    ck_assert_int_eq(atomic_load(&result), BLOCK_QUEUE_OK);
    block_queue_destroy(queue);
}
END_TEST

/** Blocks without rows take memory, too. */
START_TEST(test_full_of_empty)
{
    const uint64_t last = 4097;
    pthread_t thread;

    queue = block_queue_create(1, 1000000);
    atomic_store(&result, -1);
    for (uint64_t i = 1; i <= 4096; i++) {
        ck_assert_int_eq(put(0, i, 0), BLOCK_QUEUE_OK);
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, put_late, (void *)&last), 0);
    usleep(50000);
    ck_assert_int_eq(atomic_load(&result), -1);
    block_queue_stop(queue); /* whoever waits goes */
    pthread_join(thread, NULL);
    ck_assert_int_eq(atomic_load(&result), BLOCK_QUEUE_END);
    block_queue_destroy(queue);
}
END_TEST

/* ---- many threads --------------------------------------------------------------------------- */

static const uint64_t file_blocks[FILES] = {40, 0, 1, 200, 0, 3, 90};
static atomic_uint_fast64_t next_ticket;
static atomic_uint_fast64_t blocks_put[FILES];

/** File and block of a ticket; false after the last one. */
static bool locate(uint64_t ticket, uint64_t *file, uint64_t *block)
{
    for (*file = 0; *file < FILES; (*file)++) {
        if (ticket < file_blocks[*file]) {
            *block = ticket;
            return true;
        }
        ticket -= file_blocks[*file];
    }
    return false;
}

static void *work(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    uint64_t file, block;

    while (locate(atomic_fetch_add(&next_ticket, 1), &file, &block)) {
        if (rand_r(&seed) % 8 == 0) {
            usleep((useconds_t)(rand_r(&seed) % 300));
        }
        if (put(file, block, (size_t)(rand_r(&seed) % 500)) != BLOCK_QUEUE_OK) {
            break;
        }
        if (atomic_fetch_add(&blocks_put[file], 1) + 1 == file_blocks[file]) {
            block_queue_close_file(queue, file, file_blocks[file]);
        }
    }
    return NULL;
}

/** The queue holds little, so that workers wait for each other all the time. */
START_TEST(test_threads)
{
    pthread_t threads[WORKERS];
    struct block_rows rows;
    uint64_t ticket = 0, file, block;
    enum block_queue_result got;

    queue = block_queue_create(FILES, 600);
    atomic_store(&next_ticket, 0);
    for (unsigned i = 0; i < FILES; i++) {
        atomic_store(&blocks_put[i], 0);
        if (file_blocks[i] == 0) {
            block_queue_close_file(queue, i, 0);
        }
    }
    for (uintptr_t i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    }
    while ((got = block_queue_take(queue, LATE_MS, &rows)) == BLOCK_QUEUE_OK) {
        ck_assert(locate(ticket++, &file, &block));
        ck_assert_uint_eq(rows.file, file);
        ck_assert_uint_eq(rows.block, block);
        free(rows.rows);
    }
    ck_assert_int_eq(got, BLOCK_QUEUE_END);
    ck_assert(!locate(ticket, &file, &block));
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    block_queue_destroy(queue);
}
END_TEST

/** The consumer stops in the middle: nobody stays behind. */
START_TEST(test_threads_stopped)
{
    pthread_t threads[WORKERS];
    struct block_rows rows;

    queue = block_queue_create(FILES, 600);
    atomic_store(&next_ticket, 0);
    for (uintptr_t i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    }
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(block_queue_take(queue, LATE_MS, &rows), BLOCK_QUEUE_OK);
        free(rows.rows);
    }
    block_queue_stop(queue);
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    block_queue_destroy(queue);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/block_queue");
    TCase *tc = tcase_create("block_queue");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_no_files);
    tcase_add_test(tc, test_order);
    tcase_add_test(tc, test_closed_first);
    tcase_add_test(tc, test_destroy_full);
    tcase_add_test(tc, test_stop);
    tcase_add_test(tc, test_wait);
    tcase_add_test(tc, test_full);
    tcase_add_test(tc, test_full_of_empty);
    tcase_add_loop_test(tc, test_threads, 0, 5);
    tcase_add_test(tc, test_threads_stopped);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
