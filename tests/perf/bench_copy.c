/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Copies a flow file record by record with libnf.h, as `nfdump -r IN -w OUT` does.
 *   bench_copy IN OUT CODEC[:LEVEL]
 */
#include "bench_codec.h"

#include <libnf.h>
#include <stdio.h>

static int fail(const char *what)
{
    char text[LNF_MAX_STRING] = "";

    lnf_error(text, sizeof(text));
    fprintf(stderr, "bench_copy: %s: %s\n", what, text);
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
    if (!bench_codec_flags(argv[3], &flags)) {
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
