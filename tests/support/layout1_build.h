/* SPDX-License-Identifier: BSD-3-Clause */
/** Builds files of layout 1 (nfdump 1.6), record by record. */
#ifndef LAYOUT1_BUILD_H
#define LAYOUT1_BUILD_H

#include "file.h"
#include "layout1.h"

#include <libnf/bytes.h>
#include <stdlib.h>
#include <string.h>

/** Octets that grow: a file, or the records of a block. */
struct build {
    uint8_t *at;
    size_t size;
    uint32_t records; /* of a block */
};

static inline uint8_t *build_room(struct build *b, size_t size)
{
    b->at = realloc(b->at, b->size + size);
    if (b->at == NULL) {
        abort();
    }
    b->size += size;
    return memset(b->at + b->size - size, 0, size);
}

static inline void build_clear(struct build *b)
{
    free(b->at);
    *b = (struct build){0};
}

/** Adds a number of `width` octets. */
static inline void build_number(struct build *b, uint64_t number, unsigned width)
{
    memcpy(build_room(b, width), &number, width); /* little endian, as flow files are */
}

static inline void build_octets(struct build *b, const void *octets, size_t size)
{
    if (size > 0) {
        memcpy(build_room(b, size), octets, size);
    }
}

/** Begins a file; `blocks` and statistics are as of a file written to a pipe. */
static inline void build_file(struct build *file, uint32_t flags, uint32_t blocks,
                              const char *ident)
{
    uint8_t *header = build_room(file, LNF_LAYOUT1_HEADER_SIZE + LNF_LAYOUT1_STAT_SIZE);

    lnf_store_u16(header, LNF_FILE_MAGIC);
    lnf_store_u16(header + 2, 1);
    lnf_store_u32(header + 4, flags);
    lnf_store_u32(header + 8, blocks);
    memcpy(header + 12, ident, strlen(ident) + 1);
}

/** Adds a block of type 2 without compression. */
static inline void build_block(struct build *file, const struct build *records)
{
    build_number(file, records->records, 4);
    build_number(file, records->size, 4);
    build_number(file, LNF_BLOCK_LAYOUT1, 2);
    build_number(file, 0, 2);
    build_octets(file, records->at, records->size);
}

/** Adds an extension map of `count` extensions. */
static inline void build_map(struct build *records, uint16_t id, const uint16_t *extensions,
                             unsigned count)
{
    size_t padding = count % 2 == 0 ? 1 : 0; /* after the final 0, to a multiple of four */

    build_number(records, 2, 2);
    build_number(records, 8 + 2 * (count + 1 + padding), 2);
    build_number(records, id, 2);
    build_number(records, 0, 2);
    build_octets(records, extensions, 2 * (size_t)count);
    (void)build_room(records, 2 * (1 + padding));
    records->records++;
}

struct layout1_flow {
    uint8_t flags;
    uint8_t tag; /* nfVersion, or exporter of type 1 */
    bool old;    /* record type 1 */
    uint16_t map;
    uint32_t first, last;
    uint16_t first_ms, last_ms;
    uint8_t fwd, tcp_flags, proto, tos;
    uint16_t srcport, dstport, sysid;
    uint8_t biflow, reason;
    uint32_t src, dst; /* IPv4 */
    uint64_t src6[2], dst6[2];
    uint64_t packets, bytes;
};

/** Adds a flow record with the octets of its extensions. */
static inline void build_flow(struct build *records, const struct layout1_flow *f,
                              const void *extensions, size_t size)
{
    size_t start = records->size;

    build_number(records, f->old ? 1 : 10, 2);
    build_number(records, 0, 2);
    build_number(records, f->flags, 1);
    build_number(records, f->tag, 1);
    build_number(records, f->map, 2);
    build_number(records, f->first_ms, 2);
    build_number(records, f->last_ms, 2);
    build_number(records, f->first, 4);
    build_number(records, f->last, 4);
    build_number(records, f->fwd, 1);
    build_number(records, f->tcp_flags, 1);
    build_number(records, f->proto, 1);
    build_number(records, f->tos, 1);
    build_number(records, f->srcport, 2);
    build_number(records, f->dstport, 2);
    if (!f->old) {
        build_number(records, f->sysid, 2);
        build_number(records, f->biflow, 1);
        build_number(records, f->reason, 1);
    }
    if (f->flags & 1) {
        build_octets(records, f->src6, 16);
        build_octets(records, f->dst6, 16);
    } else {
        build_number(records, f->src, 4);
        build_number(records, f->dst, 4);
    }
    build_number(records, f->packets, f->flags & 2 ? 8 : 4);
    build_number(records, f->bytes, f->flags & 4 ? 8 : 4);
    if (size > 0) {
        build_octets(records, extensions, size);
    }
    lnf_store_u16(records->at + start + 2, (uint16_t)(records->size - start));
    records->records++;
}

#endif
