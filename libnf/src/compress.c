/* SPDX-License-Identifier: BSD-3-Clause */
/** Table of codecs: each row compresses and decompresses one whole block in memory. */
#include "compress.h"

#include "error.h"

#include <libnf.h>
#include <libnf/bytes.h>
#include <limits.h>
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifdef LNF_HAVE_LZO
#include <lzo/lzo1x.h>
#endif
#ifdef LNF_HAVE_BZ2
#include <bzlib.h>
#endif
#ifdef LNF_HAVE_ZSTD
#include <zstd.h>
#endif

struct codec {
    const char *name;
    int max_level; /* 0: the codec has no levels */
    size_t (*bound)(size_t size);
    /* Working memory for blocks of one level; NULL: the codec needs none. */
    void *(*create)(int level);
    void (*destroy)(void *work);
    size_t (*compress)(void *work, int level, const uint8_t *in, size_t in_size, uint8_t *out,
                       size_t out_size);
    size_t (*decompress)(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                         bool *exact);
};

static size_t none_bound(size_t size)
{
    return size;
}

static size_t none_copy(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    if (in_size > out_size) {
        return 0;
    }
    memcpy(out, in, in_size);
    return in_size;
}

static size_t none_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                              bool *exact)
{
    *exact = true;
    return none_copy(in, in_size, out, out_size);
}

static size_t none_compress(void *work, int level, const uint8_t *in, size_t in_size, uint8_t *out,
                            size_t out_size)
{
    (void)work;
    (void)level;
    return none_copy(in, in_size, out, out_size);
}

/** Sizes the codecs take as int or unsigned. */
static bool fits_int(size_t in_size, size_t out_size)
{
    return in_size <= INT_MAX && out_size <= INT_MAX;
}

static size_t lz4_bound(size_t size)
{
    return size + size / 255 + 16;
}

/** Level 1 is the fast compressor, which is also the default; the others are its HC variant. */
static bool lz4_is_hc(int level)
{
    return level > 1;
}

static void *lz4_create(int level)
{
    return malloc((size_t)(lz4_is_hc(level) ? LZ4_sizeofStateHC() : LZ4_sizeofState()));
}

static size_t lz4_compress(void *work, int level, const uint8_t *in, size_t in_size, uint8_t *out,
                           size_t out_size)
{
    if (!fits_int(in_size, out_size)) {
        return 0;
    }
    int size = lz4_is_hc(level) ? LZ4_compress_HC_extStateHC(work, (const char *)in, (char *)out,
                                                             (int)in_size, (int)out_size, level)
                                : LZ4_compress_fast_extState(work, (const char *)in, (char *)out,
                                                             (int)in_size, (int)out_size, 1);
    return size > 0 ? (size_t)size : 0;
}

static size_t lz4_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                             bool *exact)
{
    *exact = true; /* a block without an end mark: the last octet is its end */
    if (!fits_int(in_size, out_size)) {
        return 0;
    }
    int size = LZ4_decompress_safe((const char *)in, (char *)out, (int)in_size, (int)out_size);
    return size > 0 ? (size_t)size : 0;
}

#ifdef LNF_HAVE_LZO
static size_t lzo_bound(size_t size)
{
    return size + size / 16 + 67;
}

static void *lzo_create(int level)
{
    (void)level;
    return lzo_init() == LZO_E_OK ? malloc(LZO1X_1_MEM_COMPRESS) : NULL;
}

static size_t lzo_compress(void *work, int level, const uint8_t *in, size_t in_size, uint8_t *out,
                           size_t out_size)
{
    (void)level;
    /* The codec takes no limit of its output. */
    if (out_size < lzo_bound(in_size)) {
        return 0;
    }
    lzo_uint size = out_size;
    return lzo1x_1_compress(in, in_size, out, &size, work) == LZO_E_OK ? size : 0;
}

static size_t lzo_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                             bool *exact)
{
    *exact = true; /* octets behind the end mark are an error (LZO_E_INPUT_NOT_CONSUMED) */
    lzo_uint size = out_size;
    return lzo1x_decompress_safe(in, in_size, out, &size, NULL) == LZO_E_OK ? size : 0;
}
#endif

#ifdef LNF_HAVE_BZ2
static size_t bz2_bound(size_t size)
{
    return size + size / 100 + 600;
}

/** The level is the size of the codec's own blocks in 100 kB. */
static size_t bz2_compress(void *work, int level, const uint8_t *in, size_t in_size, uint8_t *out,
                           size_t out_size)
{
    enum { DEFAULT_LEVEL = 9 };
    (void)work;
    if (!fits_int(in_size, out_size)) {
        return 0;
    }
    unsigned size = (unsigned)out_size;
    /* The library's prototype lacks a const; the input is only read. */
    int status =
        BZ2_bzBuffToBuffCompress((char *)out, &size, (char *)(uintptr_t)in, (unsigned)in_size,
                                 level == LNF_LEVEL_DEFAULT ? DEFAULT_LEVEL : level, 0, 0);
    return status == BZ_OK ? size : 0;
}

/** Not with BZ2_bzBuffToBuffDecompress(), which passes over what is behind the stream. */
static size_t bz2_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                             bool *exact)
{
    bz_stream stream = {.next_in = (char *)(uintptr_t)in,
                        .avail_in = (unsigned)in_size,
                        .next_out = (char *)out,
                        .avail_out = (unsigned)out_size};

    if (!fits_int(in_size, out_size) || BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) {
        return 0;
    }
    int status = BZ2_bzDecompress(&stream);
    *exact = stream.avail_in == 0;
    (void)BZ2_bzDecompressEnd(&stream);
    return status == BZ_STREAM_END ? out_size - stream.avail_out : 0;
}
#endif

#ifdef LNF_HAVE_ZSTD
static size_t zstd_bound(size_t size)
{
    return ZSTD_compressBound(size);
}

static void *zstd_create(int level)
{
    (void)level;
    return ZSTD_createCCtx();
}

static void zstd_destroy(void *work)
{
    (void)ZSTD_freeCCtx(work);
}

static size_t zstd_compress(void *work, int level, const uint8_t *in, size_t in_size, uint8_t *out,
                            size_t out_size)
{
    size_t size = ZSTD_compressCCtx(work, out, out_size, in, in_size,
                                    level == LNF_LEVEL_DEFAULT ? ZSTD_CLEVEL_DEFAULT : level);
    return ZSTD_isError(size) ? 0 : size;
}

/** Several frames, and those that readers pass over, make one output, too. */
static bool zstd_is_one_frame(const uint8_t *in, size_t in_size)
{
    return in_size >= 4 && le32toh(lnf_load_u32(in)) == ZSTD_MAGICNUMBER &&
           ZSTD_findFrameCompressedSize(in, in_size) == in_size;
}

static size_t zstd_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size,
                              bool *exact)
{
    size_t size = ZSTD_decompress(out, out_size, in, in_size);
    *exact = zstd_is_one_frame(in, in_size);
    return ZSTD_isError(size) ? 0 : size;
}
#endif

/* Rows without functions: known codecs this build does not have. */
static const struct codec codec_table[] = {
    [LNF_CODEC_NONE] = {"none", 0, none_bound, NULL, NULL, none_compress, none_decompress},
#ifdef LNF_HAVE_LZO
    [LNF_CODEC_LZO] = {"lzo", 0, lzo_bound, lzo_create, free, lzo_compress, lzo_decompress},
#else
    [LNF_CODEC_LZO] = {.name = "lzo"},
#endif
#ifdef LNF_HAVE_BZ2
    [LNF_CODEC_BZ2] = {"bz2", 9, bz2_bound, NULL, NULL, bz2_compress, bz2_decompress},
#else
    [LNF_CODEC_BZ2] = {.name = "bz2", .max_level = 9},
#endif
    [LNF_CODEC_LZ4] = {"lz4", LZ4HC_CLEVEL_MAX, lz4_bound, lz4_create, free, lz4_compress,
                       lz4_decompress},
#ifdef LNF_HAVE_ZSTD
    [LNF_CODEC_ZSTD] = {"zstd", 22, zstd_bound, zstd_create, zstd_destroy, zstd_compress,
                        zstd_decompress},
#else
    [LNF_CODEC_ZSTD] = {.name = "zstd", .max_level = 22},
#endif
};

#define CODEC_COUNT (sizeof(codec_table) / sizeof(codec_table[0]))

/** Row of a codec, or NULL for numbers nobody gave a meaning. */
static const struct codec *codec_get(enum lnf_codec codec)
{
    size_t index = (size_t)codec;

    return index < CODEC_COUNT ? &codec_table[index] : NULL;
}

bool lnf_codec_available(enum lnf_codec codec)
{
    const struct codec *row = codec_get(codec);

    return row != NULL && row->compress != NULL;
}

const char *lnf_codec_name(enum lnf_codec codec)
{
    const struct codec *row = codec_get(codec);

    return row != NULL ? row->name : "unknown";
}

int lnf_codec_max_level(enum lnf_codec codec)
{
    const struct codec *row = codec_get(codec);

    return row != NULL ? row->max_level : 0;
}

int lnf_codec_check_level(enum lnf_codec codec, int level, struct lnf_error *error)
{
    int max = lnf_codec_max_level(codec);

    if (level == LNF_LEVEL_DEFAULT || (level >= 1 && level <= max)) {
        return LNF_OK;
    }
    if (max == 0) {
        lnf_error_set(error, 0, "compression %s has no levels", lnf_codec_name(codec));
    } else {
        lnf_error_set(error, 0, "compression %s has the levels 1 to %d", lnf_codec_name(codec),
                      max);
    }
    return LNF_ERR_OTHER;
}

/** Codec of the first `length` characters of a text; CODEC_COUNT when they name none. */
static size_t find_name(const char *text, size_t length)
{
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        const char *name = codec_table[i].name;
        if (strlen(name) == length && strncasecmp(name, text, length) == 0) {
            return i;
        }
    }
    return CODEC_COUNT;
}

/** Level of a text of digits; one that no codec has when it is none, or 0. */
static int parse_level(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    bool number = digits >= 1 && digits <= 4 && text[digits] == '\0';
    long level = number ? strtol(text, NULL, 10) : 0;

    return level > 0 ? (int)level : -1;
}

int lnf_codec_parse(const char *text, enum lnf_codec *codec, int *level, struct lnf_error *error)
{
    size_t length = strcspn(text, ":");
    size_t found = find_name(text, length);

    if (found == CODEC_COUNT) {
        lnf_error_set(error, 0, "unknown compression, there are none, lzo, bz2, lz4 and zstd");
        return LNF_ERR_OTHER;
    }
    int wanted = text[length] == ':' ? parse_level(text + length + 1) : LNF_LEVEL_DEFAULT;
    int status = lnf_codec_check_level((enum lnf_codec)found, wanted, error);
    if (status == LNF_OK) {
        *codec = (enum lnf_codec)found;
        *level = wanted;
    }
    return status;
}

size_t lnf_compress_bound(enum lnf_codec codec, size_t size)
{
    return lnf_codec_available(codec) ? codec_table[codec].bound(size) : 0;
}

size_t lnf_compress(struct lnf_compressor *c, const uint8_t *in, size_t in_size, uint8_t *out,
                    size_t out_size)
{
    if (!lnf_codec_available(c->codec)) {
        return 0;
    }
    const struct codec *row = &codec_table[c->codec];
    if (row->create != NULL && c->work == NULL) {
        c->work = row->create(c->level);
        if (c->work == NULL) {
            return 0;
        }
    }
    return row->compress(c->work, c->level, in, in_size, out, out_size);
}

void lnf_compressor_clear(struct lnf_compressor *c)
{
    if (c->work != NULL) {
        codec_table[c->codec].destroy(c->work);
        c->work = NULL;
    }
}

size_t lnf_decompress(enum lnf_codec codec, const uint8_t *in, size_t in_size, uint8_t *out,
                      size_t out_size, bool *exact)
{
    *exact = false;
    return lnf_codec_available(codec)
               ? codec_table[codec].decompress(in, in_size, out, out_size, exact)
               : 0;
}
