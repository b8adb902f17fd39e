/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * One flow file at a time: which name, when, and the thread that compresses and writes its blocks.
 *
 * The instance's thread fills blocks; full ones go to a worker, so the instance never waits for the
 * compressor or the disk as long as blocks are free. Order is kept. What cannot be written is
 * counted and logged, and the next block is tried again: a disk that was full may have room later.
 */
#ifndef LNFSTORE_WINDOW_H
#define LNFSTORE_WINDOW_H

#include <ipfixcol/plugin.h>
#include <libnf/writer.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** Where files go and how they look; borrowed strings. */
struct window_settings {
    const char *storage_path; /* must exist; directories below it are made */
    const char *prefix;
    const char *suffix_mask; /* strftime(3), UTC */
    const char *ident;
    enum lnf_codec codec;
    int level; /* of compression */
    uint32_t length_s;
    bool align;
    bool index;             /* beside every file, when it is closed */
    double false_positives; /* of the index, see libnf/index.h */
};

typedef struct window window_t;

/** strftime(3) with a mask of the operator's; 0 = empty, or longer than the text may be. */
size_t window_format_time(char *text, size_t size, const char *mask, const struct tm *tm);

/** New windows writer; the settings must live as long. NULL when it fails, the reason is logged. */
window_t *window_create(col_instance_t *instance, const struct window_settings *settings);

/** Writes and finalises what is open, ends the worker, frees. NULL is fine. */
void window_destroy(window_t *window);

/**
 * Goes to the time slot `now` lies in: finalises the file before and begins a new one when needed.
 *
 * @param[out] began  a new file was begun: exporter records have to be written again
 * @return false without memory; no block may be flushed then
 */
bool window_enter(window_t *window, time_t now, bool *began);

/** Finalises the file when its time slot is over. */
void window_expire(window_t *window, time_t now);

/** A number for an exporter that no other one in the file has; in a slot that has been entered. */
uint32_t window_next_exporter(const window_t *window);

/** The block to fill. After window_flush() it is another, empty one. */
lnf_block_t *window_block(window_t *window);

/** Says how many flow records were put into the block, for the accounts. */
void window_count_records(window_t *window, uint64_t flow_records);

/** Hands the block to the worker; waits while all blocks are in work. */
void window_flush(window_t *window);

/** What the worker did since the last call. */
struct window_counts {
    uint64_t records_stored;
    uint64_t records_lost; /* could not be written */
};

/** Takes the counts. */
struct window_counts window_take_counts(window_t *window);

#endif
