/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Blocks of layout 1 (nfdump 1.6 and the first SecurityCloud) turned into records of layout 2, so
 * that everything behind file.h sees one form.
 *
 * Flow records of layout 1 can only be read with the extension maps before them, in their block or
 * an earlier one. Blocks may be converted in any order and by several threads: the maps of earlier
 * blocks nobody converted yet are fetched then.
 */
#ifndef LNF_LAYOUT1_H
#define LNF_LAYOUT1_H

#include "file.h"

#define LNF_LAYOUT1_HEADER_SIZE 140u
#define LNF_LAYOUT1_STAT_SIZE 136u  /* directly behind the header */
#define LNF_LAYOUT1_RECORD_FLOW 10u /* type of flow records */
#define LNF_LAYOUT1_FLAG_ANONYMISED 0x02u
/** First seen of statistics nobody filled in: the last second of 32 bits, and 999 ms. */
#define LNF_LAYOUT1_FIRST_UNKNOWN (INT32_MAX * (uint64_t)1000 + 999)

/** Extension maps of one file and where its blocks are. */
typedef struct lnf_layout1 lnf_layout1_t;

/** Reads and decompresses a block again; LNF_OK or an error. Called under the object's lock. */
typedef int lnf_layout1_load_fn(void *context, uint64_t offset, uint32_t stored_size,
                                struct lnf_block_buffer *buffer, const uint8_t **records,
                                size_t *size);

/** New object without maps, or NULL without memory. */
lnf_layout1_t *lnf_layout1_create(lnf_layout1_load_fn *load, void *context);

/** Frees it; NULL is fine. */
void lnf_layout1_destroy(lnf_layout1_t *layout1);

/** Whether converted records are marked as anonymised. Before the first conversion. */
void lnf_layout1_anonymised(lnf_layout1_t *layout1, bool anonymised);

/** Codec of a file by its header's flags; false when they name several. */
bool lnf_layout1_codec(uint32_t flags, unsigned *codec);

/**
 * Tells where block `number` is. Numbers ascend, but not every one has to come: blocks of other
 * types hold no maps. Known ones are ignored. Any thread.
 *
 * @return false without memory
 */
bool lnf_layout1_add_block(lnf_layout1_t *layout1, uint64_t number, uint64_t offset,
                           uint32_t stored_size);

/**
 * Converts a decompressed block that was told before. Any thread. The number of records stays: what
 * is no flow is copied, a flow that cannot be read becomes a damaged record of layout 2.
 *
 * @param records,size       the block; not in buffer->converted
 * @param[out] out,out_size  records of layout 2 in buffer->converted
 * @return LNF_OK; LNF_ERR_NOMEM; LNF_ERR_CORRUPT with *reason
 */
int lnf_layout1_convert(lnf_layout1_t *layout1, uint64_t number, const uint8_t *records,
                        size_t size, struct lnf_block_buffer *buffer, const uint8_t **out,
                        size_t *out_size, const char **reason);

/** Whether maps were left out because the file has too many, which makes the flows behind them
 * damaged. Says so once. Any thread. */
bool lnf_layout1_overflowed(lnf_layout1_t *layout1);

#endif
