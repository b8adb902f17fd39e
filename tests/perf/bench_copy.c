/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Copies a flow file record by record with libnf.h, as `nfdump -r IN -w OUT` does.
 *   bench_copy IN OUT CODEC[:LEVEL]
 */
#include <libnf.h>
#include <libnf/writer.h>
#include <stdio.h>

static int fail(const char *what)
{
    char text[LNF_MAX_STRING] = "";

    lnf_error(text, sizeof(text));
    fprintf(stderr, "bench_copy: %s: %s\n", what, text);
    return 1;
}

/** Flags of lnf_open() for a codec and its level; false when the text is none. */
static int codec_flags(const char *text, unsigned *flags)
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
        fprintf(stderr, "bench_copy: %s: %s\n", text, error.text);
        return 0;
    }
    *flags = codecs[codec] | LNF_COMP_LEVEL(level);
    return 1;
}

static int copy(lnf_file_t *in, lnf_file_t *out, lnf_rec_t *record)
{
    int status;

    while ((status = lnf_read(in, record)) == LNF_OK) {
        if (lnf_write(out, record) != LNF_OK) {
            return fail("cannot write");
        }
    }
    return status == LNF_EOF ? 0 : fail("cannot read");
}

int main(int argc, char **argv)
{
    lnf_file_t *in, *out;
    lnf_rec_t *record;
    unsigned flags;

    if (argc != 4) {
        fprintf(stderr, "usage: bench_copy IN OUT CODEC[:LEVEL]\n");
        return 1;
    }
    if (!codec_flags(argv[3], &flags)) {
        return 1;
    }
    if (lnf_open(&in, argv[1], LNF_READ, NULL) != LNF_OK) {
        return fail(argv[1]);
    }
    if (lnf_open(&out, argv[2], LNF_WRITE | flags, "bench_copy") != LNF_OK) {
        return fail(argv[2]);
    }
    if (lnf_rec_init(&record) != LNF_OK) {
        return fail("no memory");
    }
    int result = copy(in, out, record);
    lnf_rec_free(record);
    lnf_close(in);
    lnf_close(out);
    return result;
}
