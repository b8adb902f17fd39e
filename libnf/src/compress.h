/* SPDX-License-Identifier: BSD-3-Clause */
/** Table of codecs of data blocks: none, lzo, bz2, lz4, zstd; those this build has. */
#ifndef LNF_COMPRESS_H
#define LNF_COMPRESS_H

#include <libnf/writer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Octets of output room that always suffice for `size` octets of input. */
size_t lnf_compress_bound(enum lnf_codec codec, size_t size);

/** Compresses blocks, one thread at a time. */
struct lnf_compressor {
    enum lnf_codec codec;
    int level;  /* LNF_LEVEL_DEFAULT or a level of the codec */
    void *work; /* memory the codec works in, reused from block to block; NULL at first */
};

/** Compresses a block; octets written, or 0 on failure. */
size_t lnf_compress(struct lnf_compressor *c, const uint8_t *in, size_t in_size, uint8_t *out,
                    size_t out_size);

/** Frees the working memory, which is another one for another level. */
void lnf_compressor_clear(struct lnf_compressor *c);

/** LNF_OK, or LNF_ERR_OTHER with the levels there are in the error. */
int lnf_codec_check_level(enum lnf_codec codec, int level, struct lnf_error *error);

/**
 * Decompresses at most out_size octets.
 *
 * @param[out] exact  whether the input is one stream of the codec and nothing else, which some
 * codecs do not ask for
 * @return octets written, or 0 when the input is damaged
 */
size_t lnf_decompress(enum lnf_codec codec, const uint8_t *in, size_t in_size, uint8_t *out,
                      size_t out_size, bool *exact);

#endif
