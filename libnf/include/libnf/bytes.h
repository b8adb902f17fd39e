/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Bounded reader and writer over a range of bytes.
 *
 * Every parser of bytes from outside goes through these. A read past the end returns 0 and sets a
 * sticky error, so a parser reads a whole header and checks once. Network byte order (`_be`) is for
 * messages, little-endian (`_le`) for flow files.
 *
 *     struct lnf_reader r = lnf_reader_init(octets, length);
 *     uint16_t version = lnf_read_u16_be(&r);
 *     uint16_t size = lnf_read_u16_be(&r);
 *     if (r.failed) { ... too short ... }
 */
#ifndef LIBNF_BYTES_H
#define LIBNF_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A position in bytes that are only read. `failed` stays set once a read went past the end. */
struct lnf_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct lnf_reader lnf_reader_init(const void *bytes, size_t size)
{
    return (struct lnf_reader){(const uint8_t *) bytes, (const uint8_t *) bytes + size, false};
}

/** Octets not read yet. */
static inline size_t lnf_reader_left(const struct lnf_reader *r)
{
    return (size_t) (r->end - r->at);
}

/** Takes `size` octets: their start, or NULL and `failed` when fewer are left. */
static inline const uint8_t *lnf_read_bytes(struct lnf_reader *r, size_t size)
{
    if (r->failed || lnf_reader_left(r) < size) {
        r->failed = true;
        r->at = r->end;
        return NULL;
    }
    const uint8_t *start = r->at;
    r->at += size;
    return start;
}

static inline void lnf_read_skip(struct lnf_reader *r, size_t size)
{
    (void) lnf_read_bytes(r, size);
}

/* Unaligned loads and stores: nothing on the wire or in a block is aligned. */

static inline uint16_t lnf_load_u16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t lnf_load_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t lnf_load_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void lnf_store_u16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void lnf_store_u32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static inline void lnf_store_u64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

#define LNF_BYTES_DEFINE(type, name, size, convert, load)                                          \
    static inline type lnf_read_##name(struct lnf_reader *r)                                       \
    {                                                                                              \
        const uint8_t *p = lnf_read_bytes(r, size);                                                \
        return p == NULL ? 0 : convert(load(p));                                                   \
    }

static inline uint8_t lnf_read_u8(struct lnf_reader *r)
{
    const uint8_t *p = lnf_read_bytes(r, 1);
    return p == NULL ? 0 : *p;
}

LNF_BYTES_DEFINE(uint16_t, u16_be, 2, be16toh, lnf_load_u16)
LNF_BYTES_DEFINE(uint32_t, u32_be, 4, be32toh, lnf_load_u32)
LNF_BYTES_DEFINE(uint64_t, u64_be, 8, be64toh, lnf_load_u64)
LNF_BYTES_DEFINE(uint16_t, u16_le, 2, le16toh, lnf_load_u16)
LNF_BYTES_DEFINE(uint32_t, u32_le, 4, le32toh, lnf_load_u32)
LNF_BYTES_DEFINE(uint64_t, u64_le, 8, le64toh, lnf_load_u64)

#undef LNF_BYTES_DEFINE

/** A position in bytes that are written. `failed` stays set once a write did not fit. */
struct lnf_writer_bytes {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct lnf_writer_bytes lnf_writer_bytes_init(void *bytes, size_t size)
{
    uint8_t *p = (uint8_t *) bytes;
    return (struct lnf_writer_bytes){p, p, p + size, false};
}

/** Octets written so far. */
static inline size_t lnf_writer_bytes_used(const struct lnf_writer_bytes *w)
{
    return (size_t) (w->at - w->start);
}

/** Whether `size` octets fit; sets `failed` when they do not. */
static inline bool lnf_write_fits(struct lnf_writer_bytes *w, size_t size)
{
    w->failed = w->failed || (size_t) (w->end - w->at) < size;
    return !w->failed;
}

/** Room for `size` octets, or NULL and `failed`. */
static inline uint8_t *lnf_write_reserve(struct lnf_writer_bytes *w, size_t size)
{
    uint8_t *start = w->at;
    if (!lnf_write_fits(w, size)) {
        return NULL;
    }
    w->at += size;
    return start;
}

static inline void lnf_write_bytes(struct lnf_writer_bytes *w, const void *bytes, size_t size)
{
    if (lnf_write_fits(w, size) && size > 0) {
        memcpy(w->at, bytes, size);
        w->at += size;
    }
}

static inline void lnf_write_u8(struct lnf_writer_bytes *w, uint8_t v)
{
    lnf_write_bytes(w, &v, 1);
}

#define LNF_BYTES_DEFINE(type, name, convert)                                                      \
    static inline void lnf_write_##name(struct lnf_writer_bytes *w, type v)                        \
    {                                                                                              \
        type converted = convert(v);                                                               \
        lnf_write_bytes(w, &converted, sizeof(converted));                                         \
    }

LNF_BYTES_DEFINE(uint16_t, u16_be, htobe16)
LNF_BYTES_DEFINE(uint32_t, u32_be, htobe32)
LNF_BYTES_DEFINE(uint64_t, u64_be, htobe64)
LNF_BYTES_DEFINE(uint16_t, u16_le, htole16)
LNF_BYTES_DEFINE(uint32_t, u32_le, htole32)
LNF_BYTES_DEFINE(uint64_t, u64_le, htole64)

#undef LNF_BYTES_DEFINE

#endif
