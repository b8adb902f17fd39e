/* SPDX-License-Identifier: BSD-3-Clause */
/** The codec of benchmarks that write flow files, as their command line names it. */
#ifndef BENCH_CODEC_H
#define BENCH_CODEC_H

#include <libnf.h>
#include <libnf/writer.h>
#include <stdbool.h>
#include <stdio.h>

/** Flags of lnf_open() for CODEC[:LEVEL]; false, and said so, when the text is none. */
static inline bool bench_codec_flags(const char *text, unsigned *flags)
{
    static const unsigned codecs[] = {[LNF_CODEC_NONE] = 0,
                                      [LNF_CODEC_LZO] = LNF_COMP_LZO,
                                      [LNF_CODEC_BZ2] = LNF_COMP_BZ2,
                                      [LNF_CODEC_LZ4] = LNF_COMP_LZ4,
                                      [LNF_CODEC_ZSTD] = LNF_COMP_ZSTD};
    struct lnf_error error = {0};
    enum lnf_codec codec;
    int level;

    if (lnf_codec_parse(text, &codec, &level, &error) != LNF_OK) {
        fprintf(stderr, "%s: %s\n", text, error.text);
        return false;
    }
    *flags = codecs[codec] | LNF_COMP_LEVEL(level);
    return true;
}

#endif
