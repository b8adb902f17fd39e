/* SPDX-License-Identifier: BSD-3-Clause */
/** Table of codecs of data blocks: none, lzo, bz2, lz4, zstd; those this build has. */
#ifndef LNF_COMPRESS_H
#define LNF_COMPRESS_H

#include <libnf/writer.h>
#include <stddef.h>
#include <stdint.h>

/** Octets of output room that always suffice for `size` octets of input. */
size_t lnf_compress_bound(enum lnf_codec codec, size_t size);

/** Compresses; octets written, or 0 on failure. */
size_t lnf_compress(enum lnf_codec codec, const uint8_t *in, size_t in_size, uint8_t *out,
                    size_t out_size);

/** Decompresses at most out_size octets; octets written, or 0 when the input is damaged. */
size_t lnf_decompress(enum lnf_codec codec, const uint8_t *in, size_t in_size, uint8_t *out,
                      size_t out_size);

#endif
