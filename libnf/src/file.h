/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A flow file opened for reading: header, appendix, sequence of data blocks, recovery.
 *
 * Knows where blocks are and brings them into memory; what is in a block is batch.h's business.
 * Source: docs/flow-file-format.md.
 */
#ifndef LNF_FILE_H
#define LNF_FILE_H

#include <libnf/common.h>
#include <libnf/scan.h>
#include <libnf/writer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/** Octets a block may have, stored or decompressed; larger ones are corrupt. */
#define LNF_BLOCK_LIMIT 5242868u

#define LNF_FILE_MAGIC 0xA50Cu
#define LNF_FILE_MAGIC_SWAPPED 0x0CA5u /* written with the other byte order */
#define LNF_FILE_LAYOUT 2u             /* version in the header of files we write */
#define LNF_FILE_HEADER_SIZE 40u
#define LNF_BLOCK_HEADER_SIZE 12u

/** Records of the appendix: u16 type and size, no record header beyond. */
#define LNF_RECORD_IDENT 0x8001u /* text with its NUL */
#define LNF_RECORD_STAT 0x8002u  /* 18 counters of 64 bits */
#define LNF_RECORD_STAT_SIZE 148u

/** First seen of a file without flows, as some versions of nfdump write it. */
#define LNF_STAT_FIRST_UNKNOWN INT64_MAX

/** Types of blocks (u16 in the block header). */
enum lnf_block_type {
    LNF_BLOCK_NFDUMP15 = 1, /* nfdump 1.5; skipped and reported with LNF_TEXT_NFDUMP15 */
    LNF_BLOCK_LAYOUT1 = 2,  /* records of nfdump 1.6; lnf_input_load() turns them into layout 2 */
    LNF_BLOCK_FLOWS = 3,
    LNF_BLOCK_ARRAY = 4, /* no flows; skipped silently */
};

/** Text of the problem with a block of nfdump 1.5. */
#define LNF_TEXT_NFDUMP15 "block of nfdump 1.5, which is not supported"

/** A data block as found in the file, not read yet. */
struct lnf_block_ref {
    uint64_t number;      /* from 0, data blocks of flows only */
    uint64_t order;       /* from 0, blocks handed out */
    uint64_t offset;      /* of the block header in the file */
    uint32_t records;     /* as the header says */
    uint32_t stored_size; /* octets after the header */
    uint16_t type;
};

/** Buffers of one thread for reading blocks. Zero it before first use. */
struct lnf_block_buffer {
    uint8_t *stored;
    bool exact; /* `stored` has the records in one compressed stream and nothing else */
    uint8_t *records;
    uint8_t *converted; /* records of layout 1 turned into layout 2 */
};

typedef struct lnf_input lnf_input_t;

/**
 * Opens a flow file; see lnf_scan_open() for statuses. `path` NULL reads standard input.
 *
 * A named pipe is waited for: until somebody opens it for writing, and to its end.
 */
int lnf_input_open(const char *path, lnf_problem_fn *problem, void *context, lnf_input_t **input,
                   struct lnf_error *error);

/** The same for regular files only (others: LNF_ERR_READ), so that nothing is waited for. */
int lnf_input_open_regular(const char *path, lnf_problem_fn *problem, void *context,
                           lnf_input_t **input, struct lnf_error *error);

/** Closes it; NULL is fine. */
void lnf_input_close(lnf_input_t *input);

/**
 * Claims the next data block. Any thread; each block is handed out once, in file order.
 *
 * @return LNF_OK; LNF_EOF, no block left (ignored octets and an unfinished file were reported);
 *         LNF_ERR_READ
 */
int lnf_input_claim(lnf_input_t *input, struct lnf_block_ref *block, struct lnf_error *error);

/**
 * Reads and decompresses a claimed block. Any thread with its own buffer.
 *
 * @param[out] records,size  the decompressed records; they live in `buffer` until its next use
 * @return LNF_OK; LNF_ERR_CORRUPT, the block was reported and is to be skipped; LNF_ERR_READ;
 *         LNF_ERR_NOMEM
 */
int lnf_input_load(lnf_input_t *input, const struct lnf_block_ref *block,
                   struct lnf_block_buffer *buffer, const uint8_t **records, size_t *size,
                   struct lnf_error *error);

/** What a finished flow file is recognised by: changes with its contents, not with its place or
 * time. */
struct lnf_identity {
    uint64_t size;
    uint64_t data_end; /* offset behind the last data block */
    uint32_t checksum; /* CRC-32 of the file header and of what follows the data */
};

/**
 * Identity of the file. Any thread.
 *
 * @return LNF_OK; LNF_EOF, the file is not finished or a part is missing; LNF_ERR_READ
 */
int lnf_input_identity(const lnf_input_t *input, struct lnf_identity *identity);

/** A data block somebody wants. */
struct lnf_block_pick {
    uint64_t number; /* from 0, data blocks of flows only */
    uint64_t offset; /* of its header */
};

/**
 * Makes lnf_input_claim() hand out these blocks only. Before the first claim.
 *
 * @param picks  ascending, inside the data; taken (malloc'ed)
 */
void lnf_input_pick(lnf_input_t *input, struct lnf_block_pick *picks, size_t count);

/** Path as given; "-" for standard input. */
const char *lnf_input_path(const lnf_input_t *input);

/** Ident of the file; as long as it is open. Other than lnf_input_info() it costs nothing. */
const char *lnf_input_ident(const lnf_input_t *input);

/** Frees what the buffer holds. */
void lnf_block_buffer_clear(struct lnf_block_buffer *buffer);

/** Reports a problem of this file to whoever opened it. Any thread. */
void lnf_input_report(lnf_input_t *input, enum lnf_problem_kind kind, uint64_t offset,
                      uint64_t count, const char *text);

/** Codec of the file's blocks. */
enum lnf_codec lnf_input_codec(const lnf_input_t *input);

/** fstat() of the open file: 0, or -1 with errno. */
int lnf_input_fstat(const lnf_input_t *input, struct stat *st);

/** Octets the file had when it was opened. */
uint64_t lnf_input_size(const lnf_input_t *input);

/** Facts of the header and appendix. */
struct lnf_input_info {
    const char *path; /* "-" for standard input */
    unsigned layout;
    enum lnf_codec codec;
    uint64_t blocks;   /* data blocks; of an unfinished file those found so far */
    bool finished;     /* the writer closed the file */
    bool anonymised;   /* layout 1: the header says so */
    uint64_t data_end; /* offset behind the last complete data block */
    const char *ident;
    struct lnf_stat stat; /* stored, or computed when the file is unfinished */
    bool stat_starved;    /* computed without those blocks for which there was no memory */
};

/**
 * Facts about the file; valid until it is closed. Any thread. The first call on an unfinished file
 * reads all of its blocks to compute the statistics.
 */
const struct lnf_input_info *lnf_input_info(const lnf_input_t *input);

/** Whether the statistics are stored in the file: nothing is computed. */
bool lnf_input_has_stat(const lnf_input_t *input);

#endif
