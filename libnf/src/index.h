/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Inside of the index: what making (index_make.c), reading (index.c) and asking (index_ask.c)
 * share.
 *
 * The filters are split block Bloom filters: buckets of 256 bits; a key selects one bucket and one
 * bit in each of its eight words. Pages of 128 buckets carry their own checksum, so that a look-up
 * reads one page.
 *
 * Source: docs/index-format.md.
 */
#ifndef LNF_INDEX_H
#define LNF_INDEX_H

#include "batch.h"
#include "file.h"
#include "filter.h"

#include <libnf/bytes.h>
#include <libnf/index.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LNF_INDEX_MAGIC                                                                            \
    "\x89"                                                                                         \
    "bfi\r\n\x1a\n"
#define LNF_INDEX_MAGIC_SIZE 8u
#define LNF_INDEX_VERSION 1u
#define LNF_INDEX_HEADER_SIZE 96u
#define LNF_INDEX_SEGMENT_SIZE 24u
#define LNF_INDEX_BLOCK_SIZE 264u
/** Blocks that share a filter. Bounds the memory for making it. */
#define LNF_INDEX_SEGMENT_BLOCKS 64u

#define LNF_INDEX_BUCKET_SIZE 32u
#define LNF_INDEX_PAGE_BUCKETS 128u
#define LNF_INDEX_PAGE_SIZE (4u + LNF_INDEX_PAGE_BUCKETS * LNF_INDEX_BUCKET_SIZE)
#define LNF_INDEX_BUCKETS_MAX (1u << 24)

/** Numbers whose smallest and largest value in a block are stored. */
enum lnf_index_zone {
    LNF_ZONE_FIRST,
    LNF_ZONE_LAST,
    LNF_ZONE_PACKETS,
    LNF_ZONE_BYTES,
    LNF_ZONE_SRCPORT, /* from here on 16 bits each */
    LNF_ZONE_DSTPORT,
    LNF_ZONES
};

#define LNF_INDEX_LOW_PORTS 1024u

/** A Bloom filter in the file. */
struct lnf_index_filter {
    uint64_t offset;
    uint32_t buckets; /* 0 = none: nothing can be ruled out */
};

/** What is known of one data block. */
struct lnf_index_block {
    uint64_t offset; /* of the block header in the flow file */
    uint32_t stored_size;
    uint32_t records;
    bool opaque; /* damaged: it has to be read, so that whoever asks hears of it */
    struct lnf_index_filter filter;
    struct {
        uint64_t min, max; /* min > max: no flow */
    } zones[LNF_ZONES];
    uint8_t protocols[32];                   /* a bit for each that occurs */
    uint8_t ports[LNF_INDEX_LOW_PORTS / 8u]; /* likewise, either side */
};

struct lnf_index_segment {
    uint32_t first, count; /* blocks */
    struct lnf_index_filter filter;
};

/* ---- keys ------------------------------------------------------------------------------------ */

/** Prefix lengths that are keys; those behind LNF_INDEX_WIDE only in filters of segments. */
enum lnf_index_level {
    LNF_LEVEL_IPV4 = 32,
    LNF_LEVEL_IPV4_24 = 24,
    LNF_LEVEL_IPV4_16 = 16, /* segments only */
    LNF_LEVEL_IPV6 = 128 + 128,
    LNF_LEVEL_IPV6_64 = 128 + 64,
    LNF_LEVEL_IPV6_48 = 128 + 48, /* segments only */
    LNF_LEVEL_IPV6_32 = 128 + 32, /* segments only */
};

static inline bool lnf_index_is_ipv4(struct lnf_addr address)
{
    return address.hi == 0 && address.lo >> 32 == 0;
}

/* The finaliser of splitmix64: every bit of the number moves half of the bits. */
static inline uint64_t lnf_index_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** Key of a network that was cut to the level's length. Never 0. */
static inline uint64_t lnf_index_key(enum lnf_index_level level, struct lnf_addr network)
{
    uint64_t key = lnf_index_mix(network.hi + (uint64_t)level * UINT64_C(0x9e3779b97f4a7c15));

    key = lnf_index_mix(key ^ network.lo);
    return key == 0 ? 1 : key;
}

static inline uint32_t lnf_index_bucket(uint64_t key, uint32_t buckets)
{
    return (uint32_t)((key >> 32) * buckets >> 32);
}

/** Odd numbers that pick the bit of each word. Source: Apache Parquet, split block Bloom filter. */
extern const uint32_t lnf_index_salt[8];

static inline uint32_t lnf_index_bit(uint64_t key, unsigned word)
{
    return UINT32_C(1) << ((uint32_t)key * lnf_index_salt[word] >> 27);
}

/* ---- octets ---------------------------------------------------------------------------------- */

/** CRC-32 (zlib) of octets that begin at `offset` of the index, so that none can pass elsewhere. */
uint32_t lnf_index_checksum(uint64_t offset, const void *octets, size_t size);

/** Octets a filter takes in the file. */
uint64_t lnf_index_filter_size(uint32_t buckets);

/** Fields of the header but magic, version and checksum. */
struct lnf_index_header {
    uint64_t index_size;
    struct lnf_identity flow;
    uint64_t directory; /* offset of the rows of blocks */
    uint32_t block_count;
    uint32_t directory_checksum;
    uint64_t segments; /* offset of the rows of segments */
    uint32_t segment_count;
    uint32_t segments_checksum;
    uint32_t opaque_count; /* blocks that have to be read always */
};

void lnf_index_write_header(struct lnf_writer_bytes *w, const struct lnf_index_header *header);
void lnf_index_write_block(struct lnf_writer_bytes *w, const struct lnf_index_block *block);
void lnf_index_write_segment(struct lnf_writer_bytes *w, const struct lnf_index_segment *segment);

/* ---- making (index_make.c) ------------------------------------------------------------------- */

typedef struct lnf_index_maker lnf_index_maker_t;

/** New maker of an index, or NULL without memory. */
lnf_index_maker_t *lnf_index_maker_create(const struct lnf_index_options *options);

/** Frees the maker; NULL is fine. */
void lnf_index_maker_destroy(lnf_index_maker_t *maker);

/**
 * Describes the next data block.
 *
 * @param ref      where it is in the flow file, and how many records its header promises
 * @param records  decompressed, layout 2; NULL = cannot be read: the block is opaque
 * @return false without memory; the maker is of no use then
 */
bool lnf_index_maker_add(lnf_index_maker_t *maker, const struct lnf_block_ref *ref,
                         const uint8_t *records, size_t size);

/**
 * Writes the index of the flow file, which is complete now.
 *
 * @param read  identity of the file when its blocks were read; NULL: all of its data blocks were
 *              added, so that they have to end where its data does
 * @return as lnf_index_make()
 */
int lnf_index_maker_finish(lnf_index_maker_t *maker, const char *flow_path,
                           const struct lnf_identity *read, struct lnf_error *error);

/** Removes the index of a flow file that is going to change, if there is one of ours. */
void lnf_index_drop(const char *flow_path);

/* ---- reading (index.c) ----------------------------------------------------------------------- */

typedef struct lnf_index lnf_index_t;

/**
 * Opens the index of an open flow file.
 *
 * @param[out] index  the caller's to close; only when the state is LNF_INDEX_GOOD
 * @return the state; `why` (may be NULL) says what is wrong
 */
enum lnf_index_state lnf_index_open(lnf_input_t *input, lnf_index_t **index, struct lnf_error *why);

/** Opens an index without asking whether it belongs to a flow file. */
enum lnf_index_state lnf_index_open_path(const char *path, lnf_index_t **index,
                                         struct lnf_error *why);

/** Closes it; NULL is fine. */
void lnf_index_close(lnf_index_t *index);

const struct lnf_index_header *lnf_index_header(const lnf_index_t *index);

/** Octets read so far. */
uint64_t lnf_index_octets(const lnf_index_t *index);

/** Row of a segment, from 0. They were read and checked when the index was opened. */
const struct lnf_index_segment *lnf_index_segment(const lnf_index_t *index, uint32_t number);

/** Reads the rows of blocks; false when they are damaged, or without memory. */
bool lnf_index_load_blocks(lnf_index_t *index);

/** Row of a block, from 0, after lnf_index_load_blocks(). */
const struct lnf_index_block *lnf_index_block(const lnf_index_t *index, uint32_t number);

/** Whether a filter may hold the key; sets *damaged when it cannot be read. */
bool lnf_index_maybe(lnf_index_t *index, const struct lnf_index_filter *filter, uint64_t key,
                     bool *damaged);

/** Reads all pages of a filter; false when one is damaged. */
bool lnf_index_check_filter(lnf_index_t *index, const struct lnf_index_filter *filter);

/** Brings the whole index into memory for many look-ups, which verify no checksums any more. */
bool lnf_index_load_all(lnf_index_t *index);

/* ---- asking (index_ask.c) -------------------------------------------------------------------- */

/** What a filter asks an index, compiled once. Immutable, shared by threads. */
typedef struct lnf_index_plan lnf_index_plan_t;

/**
 * Reduces a program to what an index can answer.
 *
 * @param[out] plan  NULL when nothing of the filter can be answered; valid as long as the program
 * @return false without memory
 */
bool lnf_index_plan_create(const lnf_program_t *program, lnf_index_plan_t **plan);

/** Frees the plan; NULL is fine. */
void lnf_index_plan_destroy(lnf_index_plan_t *plan);

/**
 * Finds the blocks that may hold matching records.
 *
 * @param[out] picks  the blocks in order, malloc'ed; NULL only on failure
 * @return LNF_INDEX_GOOD; LNF_INDEX_DAMAGED; LNF_INDEX_MISSING, no memory
 */
enum lnf_index_state lnf_index_ask(lnf_index_t *index, const lnf_index_plan_t *plan,
                                   struct lnf_block_pick **picks, size_t *count);

#endif
