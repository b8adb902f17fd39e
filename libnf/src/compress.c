/* SPDX-License-Identifier: BSD-3-Clause */
/** Table of codecs: each row compresses and decompresses one whole block in memory. */
#include "compress.h"

#include <limits.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

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
    size_t (*bound)(size_t size);
    size_t (*compress)(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);
    size_t (*decompress)(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);
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

/** Sizes the codecs take as int or unsigned. */
static bool fits_int(size_t in_size, size_t out_size)
{
    return in_size <= INT_MAX && out_size <= INT_MAX;
}

static size_t lz4_bound(size_t size)
{
    return size + size / 255 + 16;
}

static size_t lz4_compress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    if (!fits_int(in_size, out_size)) {
        return 0;
    }
    int size = LZ4_compress_default((const char *)in, (char *)out, (int)in_size, (int)out_size);
    return size > 0 ? (size_t)size : 0;
}

static size_t lz4_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
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

static size_t lzo_compress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    /* The codec takes no limit of its output. */
    if (out_size < lzo_bound(in_size) || lzo_init() != LZO_E_OK) {
        return 0;
    }
    void *work = malloc(LZO1X_1_MEM_COMPRESS);
    if (work == NULL) {
        return 0;
    }
    lzo_uint size = out_size;
    int status = lzo1x_1_compress(in, in_size, out, &size, work);
    free(work);
    return status == LZO_E_OK ? size : 0;
}

static size_t lzo_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    lzo_uint size = out_size;
    return lzo1x_decompress_safe(in, in_size, out, &size, NULL) == LZO_E_OK ? size : 0;
}
#endif

#ifdef LNF_HAVE_BZ2
static size_t bz2_bound(size_t size)
{
    return size + size / 100 + 600;
}

static size_t bz2_compress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    enum { BLOCK_SIZE_100K = 9 };
    if (!fits_int(in_size, out_size)) {
        return 0;
    }
    unsigned size = (unsigned)out_size;
    /* The library's prototype lacks a const; the input is only read. */
    int status = BZ2_bzBuffToBuffCompress((char *)out, &size, (char *)(uintptr_t)in,
                                          (unsigned)in_size, BLOCK_SIZE_100K, 0, 0);
    return status == BZ_OK ? size : 0;
}

static size_t bz2_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    if (!fits_int(in_size, out_size)) {
        return 0;
    }
    unsigned size = (unsigned)out_size;
    int status = BZ2_bzBuffToBuffDecompress((char *)out, &size, (char *)(uintptr_t)in,
                                            (unsigned)in_size, 0, 0);
    return status == BZ_OK ? size : 0;
}
#endif

#ifdef LNF_HAVE_ZSTD
static size_t zstd_bound(size_t size)
{
    return ZSTD_compressBound(size);
}

static size_t zstd_compress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    size_t size = ZSTD_compress(out, out_size, in, in_size, ZSTD_CLEVEL_DEFAULT);
    return ZSTD_isError(size) ? 0 : size;
}

static size_t zstd_decompress(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    size_t size = ZSTD_decompress(out, out_size, in, in_size);
    return ZSTD_isError(size) ? 0 : size;
}
#endif

/* Rows without functions: known codecs this build does not have. */
static const struct codec codec_table[] = {
    [LNF_CODEC_NONE] = {"none", none_bound, none_copy, none_copy},
#ifdef LNF_HAVE_LZO
    [LNF_CODEC_LZO] = {"lzo", lzo_bound, lzo_compress, lzo_decompress},
#else
    [LNF_CODEC_LZO] = {"lzo", NULL, NULL, NULL},
#endif
#ifdef LNF_HAVE_BZ2
    [LNF_CODEC_BZ2] = {"bz2", bz2_bound, bz2_compress, bz2_decompress},
#else
    [LNF_CODEC_BZ2] = {"bz2", NULL, NULL, NULL},
#endif
    [LNF_CODEC_LZ4] = {"lz4", lz4_bound, lz4_compress, lz4_decompress},
#ifdef LNF_HAVE_ZSTD
    [LNF_CODEC_ZSTD] = {"zstd", zstd_bound, zstd_compress, zstd_decompress},
#else
    [LNF_CODEC_ZSTD] = {"zstd", NULL, NULL, NULL},
#endif
};

/** Row of a codec, or NULL for numbers nobody gave a meaning. */
static const struct codec *codec_get(enum lnf_codec codec)
{
    size_t index = (size_t)codec;

    return index < sizeof(codec_table) / sizeof(codec_table[0]) ? &codec_table[index] : NULL;
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

size_t lnf_compress_bound(enum lnf_codec codec, size_t size)
{
    return lnf_codec_available(codec) ? codec_table[codec].bound(size) : 0;
}

size_t lnf_compress(enum lnf_codec codec, const uint8_t *in, size_t in_size, uint8_t *out,
                    size_t out_size)
{
    return lnf_codec_available(codec) ? codec_table[codec].compress(in, in_size, out, out_size) : 0;
}

size_t lnf_decompress(enum lnf_codec codec, const uint8_t *in, size_t in_size, uint8_t *out,
                      size_t out_size)
{
    return lnf_codec_available(codec) ? codec_table[codec].decompress(in, in_size, out, out_size)
                                      : 0;
}
