/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A block as it was read: its records, and the octets the file has them as. When a program copies
 * records from file to file, and all of a block come through as they were, the writer puts the
 * octets of the file into its own instead of compressing the same records again.
 *
 * Reader and writer *own* a block: its octets stay. The record that was read first from it *holds*
 * it, which is how the writer hears of it: a record kept for long must not keep a block in memory.
 *
 * Threads: owners and holders may be in different ones.
 */
#ifndef LNF_ORIGIN_H
#define LNF_ORIGIN_H

#include "file.h"

typedef struct lnf_origin lnf_origin_t;

/** What an owner may read; written by the reader before anybody else knows of the block. */
struct lnf_origin_block {
    struct lnf_block_buffer buffer;
    enum lnf_codec codec;
    const uint8_t *records; /* decompressed */
    size_t size;
    size_t stored_size; /* octets of buffer.stored; 0: not the records, which were converted, or not
                           only those */
};

/**
 * Makes *origin a block nobody else knows of, with the buffers it had if they are free.
 *
 * @param[in,out] origin  one the caller owns, or NULL; the caller's to disown
 * @return its contents, or NULL without memory
 */
struct lnf_origin_block *lnf_origin_renew(lnf_origin_t **origin);

/** Whether only the caller owns it. */
bool lnf_origin_is_free(const lnf_origin_t *origin);

/** Makes a holder an owner, too: its contents, or NULL when they are gone. */
const struct lnf_origin_block *lnf_origin_own(lnf_origin_t *origin);

/** Ends ownership; NULL is fine. */
void lnf_origin_disown(lnf_origin_t *origin);

/** Adds a holder. */
void lnf_origin_hold(lnf_origin_t *origin);

/** Ends holding; NULL is fine. */
void lnf_origin_drop(lnf_origin_t *origin);

#endif
