/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes records that are in memory into a flow file with libnf.h.
 *   bench_write IN OUT COUNT CODEC[:LEVEL]
 *
 * The records are the first ones of IN, as many as are written and no more than HELD: those are
 * written in turn.
 */
#include "bench_codec.h"

#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>

#define HELD 4096u /* many more than the window of LZ4 sees at once */

static int fail(const char *what)
{
    char text[LNF_MAX_STRING] = "";

    lnf_error(text, sizeof(text));
    fprintf(stderr, "bench_write: %s: %s\n", what, text);
    return 1;
}

/** Reads the first records of a file; their number. */
static unsigned read_records(lnf_file_t *in, lnf_rec_t **records)
{
    unsigned count = 0;

    while (count < HELD && lnf_rec_init(&records[count]) == LNF_OK) {
        if (lnf_read(in, records[count]) != LNF_OK) {
            lnf_rec_free(records[count]);
            break;
        }
        count++;
    }
    return count;
}

static int write_records(lnf_file_t *out, lnf_rec_t **records, unsigned held, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        if (lnf_write(out, records[i % held]) != LNF_OK) {
            return fail("cannot write");
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static lnf_rec_t *records[HELD];
    unsigned long count = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    lnf_file_t *in, *out;
    unsigned flags;

    if (count == 0) {
        fprintf(stderr, "usage: bench_write IN OUT COUNT CODEC[:LEVEL]\n");
        return 1;
    }
    if (!bench_codec_flags(argv[4], &flags)) {
        return 1;
    }
    if (lnf_open(&in, argv[1], LNF_READ, NULL) != LNF_OK) {
        return fail(argv[1]);
    }
    unsigned held = read_records(in, records);
    lnf_close(in);
    if (held == 0 || lnf_open(&out, argv[2], LNF_WRITE | flags, "bench_write") != LNF_OK) {
        return fail(held == 0 ? argv[1] : argv[2]);
    }
    int result = write_records(out, records, held, count);
    lnf_close(out);
    for (unsigned i = 0; i < held; i++) {
        lnf_rec_free(records[i]);
    }
    return result;
}
