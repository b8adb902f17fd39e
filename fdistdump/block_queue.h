/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Rows of blocks on their way from the threads that read them to the one that sends them, brought
 * into the order of files and blocks.
 *
 * Threads: put and close_file by workers; take by one consumer; stop by anybody. A worker waits
 * while the queue is full, except with the block that is next in order, so that the wait always
 * ends.
 */
#ifndef FDISTDUMP_BLOCK_QUEUE_H
#define FDISTDUMP_BLOCK_QUEUE_H

#include <libnf/scan.h>
#include <stddef.h>
#include <stdint.h>

/** Rows of one block. */
struct block_rows {
    uint64_t file, block; /* numbers, both from 0 without gaps */
    uint8_t *rows;        /* malloc'ed, may be NULL; goes to whoever takes it */
    size_t count;
    size_t size; /* octets of rows */
    struct lnf_totals totals;
};

enum block_queue_result { BLOCK_QUEUE_OK, BLOCK_QUEUE_EMPTY, BLOCK_QUEUE_END, BLOCK_QUEUE_NOMEM };

typedef struct block_queue block_queue_t;

/** New queue for blocks of `files` files that holds about `size` octets; NULL without memory. */
block_queue_t *block_queue_create(uint64_t files, size_t size);

/** Frees the queue and what it holds; NULL is fine. */
void block_queue_destroy(block_queue_t *queue);

/**
 * Hands over a block. The rows are taken, whatever the result.
 *
 * @return BLOCK_QUEUE_OK; BLOCK_QUEUE_END, the queue was stopped; BLOCK_QUEUE_NOMEM
 */
enum block_queue_result block_queue_put(block_queue_t *queue, const struct block_rows *block);

/** All blocks of a file were put: `blocks` of them. Each file is closed once. */
void block_queue_close_file(block_queue_t *queue, uint64_t file, uint64_t blocks);

/**
 * Takes the next block in order, waiting up to `wait_ms` for it.
 *
 * @return BLOCK_QUEUE_OK; BLOCK_QUEUE_EMPTY, not yet there; BLOCK_QUEUE_END, all files are through
 * or the queue was stopped
 */
enum block_queue_result block_queue_take(block_queue_t *queue, unsigned wait_ms,
                                         struct block_rows *block);

/** Lets everybody go: nothing is put or taken any more. */
void block_queue_stop(block_queue_t *queue);

#endif
