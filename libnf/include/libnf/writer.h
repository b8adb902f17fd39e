/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Bulk door for writing flow files (layout 2, readable by nfdump 1.7).
 *
 * Three pieces, so that a collector can convert, compress and write in different threads:
 *
 *   lnf_layout  how a flow record with a given set of fields looks: a prototype with every header
 *               in place, and where each field goes. Built once per exporter template.
 *   lnf_block   an open data block in memory: room for whole records is reserved, filled, kept.
 *   lnf_writer  a flow file: takes full blocks, compresses and appends them, and finalises the file
 *               with exact header, ident and statistics.
 *
 * Threads: every object in one thread at a time; different objects are independent.
 * Source: docs/flow-file-format.md.
 */
#ifndef LIBNF_WRITER_H
#define LIBNF_WRITER_H

#include <libnf/common.h>
#include <libnf/index.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/** Octets of records a block takes at most; every nfdump can read blocks of this size. */
#define LNF_BLOCK_CAPACITY 1048576u
/** Octets the largest record prototype can have. */
#define LNF_LAYOUT_MAX_SIZE 1024u
/** Characters of an ident that every nfdump accepts. */
#define LNF_IDENT_MAX 121u

/** Codecs of a flow file, numbered as in its header. */
enum lnf_codec {
    LNF_CODEC_NONE = 0,
    LNF_CODEC_LZO = 1,
    LNF_CODEC_BZ2 = 2,
    LNF_CODEC_LZ4 = 3,
    LNF_CODEC_ZSTD = 4,
};

/** Whether this build can compress and decompress with the codec. */
LNF_API bool lnf_codec_available(enum lnf_codec codec);

/** Name as used on command lines: "none", "lzo", "bz2", "lz4", "zstd"; "unknown" for other numbers. */
LNF_API const char *lnf_codec_name(enum lnf_codec codec);

/** Level of compression that stands for the codec's own default: LZ4 1, bzip2 9, zstd 3. */
#define LNF_LEVEL_DEFAULT 0

/** Highest level of a codec, 1 being the lowest: LZ4 12, bzip2 9, zstd 22; 0 = it has no levels. */
LNF_API int lnf_codec_max_level(enum lnf_codec codec);

/**
 * Reads a codec as operators write it, and as nfdump does behind -z=: NAME or NAME:LEVEL, names in
 * any case. Without a level it is LNF_LEVEL_DEFAULT.
 *
 * @param[out] codec,level  untouched on failure; the codec may not be available in this build
 * @return LNF_OK; LNF_ERR_OTHER, no codec or none of its levels, what there is in error
 */
LNF_API int lnf_codec_parse(const char *text, enum lnf_codec *codec, int *level,
                            struct lnf_error *error);

/* ---- layout ----------------------------------------------------------------------------------- */

/** How the octets of a field are stored in a record. Numbers are little-endian. */
enum lnf_slot_kind {
    LNF_SLOT_UINT,  /* `width` octets */
    LNF_SLOT_IPV4,  /* u32: the address as a number */
    LNF_SLOT_IPV6,  /* two u64: high half first, each as a number */
    LNF_SLOT_MAC,   /* u64: the address as a number in the low 48 bits */
};

/** Place of one field in the records of a layout. */
struct lnf_slot {
    enum lnf_slot_kind kind;
    uint16_t offset; /* octets from the start of the record */
    uint8_t width;   /* octets stored */
};

/** A field a layout shall hold. For addresses and tunnels `ipv6` picks the IPv6 element. */
struct lnf_layout_field {
    int field; /* LNF_FLD_* of libnf.h */
    bool ipv6;
};

/** Record prototype: copy `size` octets of `prototype` and store values at the slots. */
struct lnf_layout {
    uint16_t size;
    uint8_t prototype[LNF_LAYOUT_MAX_SIZE];
};

/**
 * Builds the layout of records with the given fields; elements ascend by id, the generic element
 * is always present. Fields of an absent element read as 0.
 *
 * @param fields,count   wanted fields; two fields of one element share it
 * @param[out] layout    prototype with headers in place, all values 0
 * @param[out] slots     `count` places, in the order of `fields`
 * @return LNF_OK; LNF_ERR_UNKFLD, a field (its index in *bad) that flow files cannot hold or that
 *         has no fixed place; LNF_ERR_NOMEM, larger than LNF_LAYOUT_MAX_SIZE
 */
LNF_API int lnf_layout_build(const struct lnf_layout_field *fields, unsigned count,
                             struct lnf_layout *layout, struct lnf_slot *slots, unsigned *bad);

/* Octets in the fixed header of every flow record (type 11). Source: nfdump 1.7 record header V3. */
#define LNF_RECORD_OFFSET_ENGINE_TYPE 6u
#define LNF_RECORD_OFFSET_ENGINE_ID 7u
#define LNF_RECORD_OFFSET_EXPORTER 8u /* u16: sysid of the exporter record */
#define LNF_RECORD_OFFSET_FLAGS 10u
#define LNF_RECORD_OFFSET_VERSION 11u /* 5, 9 or 10 */

/* ---- block ------------------------------------------------------------------------------------ */

typedef struct lnf_block lnf_block_t;

/** Source of flows as stored in an exporter record (type 7). */
struct lnf_exporter {
    uint16_t sysid;                  /* flow records refer to it; from 1 */
    uint32_t version;                /* 5, 9, 10 */
    uint32_t domain_id;              /* Observation Domain ID or NetFlow v9 Source ID */
    struct sockaddr_storage address; /* family AF_INET or AF_INET6; the port is not stored */
};

/** New empty block, or NULL without memory. */
LNF_API lnf_block_t *lnf_block_create(void);

/** Frees the block; NULL is fine. */
LNF_API void lnf_block_destroy(lnf_block_t *block);

/** Makes the block empty again. */
LNF_API void lnf_block_clear(lnf_block_t *block);

/** Records in the block. */
LNF_API uint32_t lnf_block_records(const lnf_block_t *block);

/**
 * Room for one record of `size` octets. It becomes part of the block with lnf_block_commit(); a
 * reservation that is not committed is forgotten by the next one.
 *
 * @return where to write, or NULL when the block is too full for it
 */
LNF_API uint8_t *lnf_block_reserve(lnf_block_t *block, size_t size);

/** Keeps the record reserved last. */
LNF_API void lnf_block_commit(lnf_block_t *block);

/** Statistics of the flow records in the block; whoever commits a flow counts it here. */
LNF_API struct lnf_stat *lnf_block_stat(lnf_block_t *block);

/** Adds an exporter record; false when the block is too full. */
LNF_API bool lnf_block_add_exporter(lnf_block_t *block, const struct lnf_exporter *exporter);

/* ---- writer ----------------------------------------------------------------------------------- */

typedef struct lnf_writer lnf_writer_t;

/**
 * Creates a flow file, or opens an existing one to append to it with the codec it already has.
 *
 * @param path    file; created with mode 0664, parent directories must exist
 * @param codec   for a new file
 * @param ident   up to LNF_IDENT_MAX printable characters; NULL or empty = "none"
 * @param append  true: continue an existing file (its blocks, ident and statistics are kept; a file
 *                left unfinished by a crash is continued after its last complete block);
 *                false: replace it. An index of the file is removed either way
 * @param[out] writer  new handle; untouched on failure
 * @param[out] error   why; may be NULL
 * @return LNF_OK; LNF_ERR_WRITE, the system's reason in error; LNF_ERR_OTHER, codec not available,
 *         bad ident, or another writer has the file open; LNF_ERR_CORRUPT, the file to append to is
 *         none; LNF_ERR_NOMEM
 */
LNF_API int lnf_writer_open(const char *path, enum lnf_codec codec, const char *ident, bool append,
                            lnf_writer_t **writer, struct lnf_error *error);

/**
 * Chooses the level of compression of the blocks written from now on. Files do not tell it, and
 * every level is read alike.
 *
 * @param level  LNF_LEVEL_DEFAULT, or 1 to lnf_codec_max_level() of the file's codec
 * @return LNF_OK; LNF_ERR_OTHER, the codec has no such level: the level stays as it was
 */
LNF_API int lnf_writer_set_level(lnf_writer_t *writer, int level, struct lnf_error *error);

/**
 * Makes an index beside the file (libnf/index.h) when it is closed. Before the first block. A file
 * that is appended to is read once at the end for it.
 *
 * @param options  copied; NULL = defaults
 * @return LNF_OK; LNF_ERR_NOMEM, there will be no index
 */
LNF_API int lnf_writer_use_index(lnf_writer_t *writer, const struct lnf_index_options *options);

/**
 * Compresses and appends one block with a single write. An empty block is a no-op. After a failure
 * the file is cut back to its last complete block, and the block may be offered again.
 *
 * @return LNF_OK; LNF_ERR_WRITE (disk full ...), the reason in error; LNF_ERR_NOMEM
 */
LNF_API int lnf_writer_put(lnf_writer_t *writer, const lnf_block_t *block, struct lnf_error *error);

/** Adds sequence failures to the statistics written at close. */
LNF_API void lnf_writer_count_failures(lnf_writer_t *writer, uint64_t sequence_failures);

/** Statistics of all blocks written so far, appended-to file included. */
LNF_API const struct lnf_stat *lnf_writer_stat(const lnf_writer_t *writer);

/** Data blocks in the file, those of an appended-to file included. */
LNF_API uint64_t lnf_writer_blocks(const lnf_writer_t *writer);

/** Codec of the file: the one given, or that of the file appended to. */
LNF_API enum lnf_codec lnf_writer_codec(const lnf_writer_t *writer);

/** Ident the file gets at close: the one given, or that of the file appended to. */
LNF_API const char *lnf_writer_ident(const lnf_writer_t *writer);

/**
 * Writes the appendix (ident, statistics), finalises the header, closes and frees the writer; also
 * after a failure, then the file stays readable by a recovery scan. NULL is fine.
 *
 * @return LNF_OK; LNF_ERR_WRITE, the reason in error
 */
LNF_API int lnf_writer_close(lnf_writer_t *writer, struct lnf_error *error);

#endif
