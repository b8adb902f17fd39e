/* SPDX-License-Identifier: BSD-3-Clause */
/** Every codec of this build: round trips, limits of room, damaged input. */
#include "compress.h"

#include <check.h>
#include <libnf.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 100000 };

/** Decompresses what is one stream if anything can be made of it. */
static size_t decompress(enum lnf_codec codec, const uint8_t *in, size_t in_size, uint8_t *out,
                         size_t out_size)
{
    bool exact;

    return lnf_decompress(codec, in, in_size, out, out_size, &exact);
}

/** Half repetitive, half noise: so that both ways through the codecs are taken. */
static void fill(uint8_t *octets, size_t size)
{
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        octets[i] = i < size / 2 ? (uint8_t)(i % 13) : (uint8_t)(state >> 24);
    }
}

START_TEST(test_round_trip)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    struct lnf_compressor compressor = {.codec = codec};
    if (!lnf_codec_available(codec)) {
        return;
    }
    size_t sizes[] = {1, 2, 17, 1000, SIZE};
    uint8_t *in = malloc(SIZE), *back = malloc(SIZE);
    fill(in, SIZE);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t bound = lnf_compress_bound(codec, sizes[i]);
        uint8_t *out = malloc(bound);
        size_t size = lnf_compress(&compressor, in + SIZE - sizes[i], sizes[i], out, bound);
        ck_assert_uint_gt(size, 0);
        ck_assert_uint_le(size, bound);
        ck_assert_uint_eq(decompress(codec, out, size, back, SIZE), sizes[i]);
        ck_assert_mem_eq(back, in + SIZE - sizes[i], sizes[i]);
        /* Exactly enough room is enough; one octet less is an error. */
        ck_assert_uint_eq(decompress(codec, out, size, back, sizes[i]), sizes[i]);
        ck_assert_uint_eq(decompress(codec, out, size, back, sizes[i] - 1), 0);
        free(out);
    }
    lnf_compressor_clear(&compressor);
    free(in);
    free(back);
}
END_TEST

/** Every level gives octets that are read back, one block after the other. */
START_TEST(test_levels)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    if (!lnf_codec_available(codec)) {
        return;
    }
    size_t bound = lnf_compress_bound(codec, SIZE);
    uint8_t *in = malloc(SIZE), *back = malloc(SIZE), *out = malloc(bound);
    fill(in, SIZE);

    for (int level = 1; level <= lnf_codec_max_level(codec); level++) {
        struct lnf_compressor compressor = {.codec = codec, .level = level};
        for (int block = 0; block < 2; block++) {
            size_t size = lnf_compress(&compressor, in, SIZE, out, bound);
            ck_assert_uint_gt(size, 0);
            memset(back, 0, SIZE);
            ck_assert_uint_eq(decompress(codec, out, size, back, SIZE), SIZE);
            ck_assert_mem_eq(back, in, SIZE);
            /* Octets that do not fit are an error, and no harm to the next block. */
            ck_assert_uint_eq(lnf_compress(&compressor, in, SIZE, out, size / 2), 0);
        }
        lnf_compressor_clear(&compressor);
    }
    free(in);
    free(back);
    free(out);
}
END_TEST

START_TEST(test_parse)
{
    static const struct {
        const char *text;
        enum lnf_codec codec;
        int level;
        const char *reason; /* NULL: the text is good */
    } rows[] = {
        {"none", LNF_CODEC_NONE, 0, NULL},
        {"lzo", LNF_CODEC_LZO, 0, NULL},
        {"BZ2:1", LNF_CODEC_BZ2, 1, NULL},
        {"bz2:9", LNF_CODEC_BZ2, 9, NULL},
        {"lz4", LNF_CODEC_LZ4, 0, NULL},
        {"lz4:1", LNF_CODEC_LZ4, 1, NULL},
        {"Lz4:12", LNF_CODEC_LZ4, 12, NULL},
        {"zstd:22", LNF_CODEC_ZSTD, 22, NULL},
        {"none:1", 0, 0, "compression none has no levels"},
        {"lzo:9", 0, 0, "compression lzo has no levels"},
        {"lzo:", 0, 0, "compression lzo has no levels"},
        {"bz2:10", 0, 0, "compression bz2 has the levels 1 to 9"},
        {"lz4:13", 0, 0, "compression lz4 has the levels 1 to 12"},
        {"lz4:0", 0, 0, "compression lz4 has the levels 1 to 12"},
        {"lz4:", 0, 0, "compression lz4 has the levels 1 to 12"},
        {"lz4:+1", 0, 0, "compression lz4 has the levels 1 to 12"},
        {"lz4:1 ", 0, 0, "compression lz4 has the levels 1 to 12"},
        {"zstd:18446744073709551617", 0, 0, "compression zstd has the levels 1 to 22"},
        {"", 0, 0, "unknown compression, there are none, lzo, bz2, lz4 and zstd"},
        {":1", 0, 0, "unknown compression, there are none, lzo, bz2, lz4 and zstd"},
        {"lz", 0, 0, "unknown compression, there are none, lzo, bz2, lz4 and zstd"},
        {"lz44", 0, 0, "unknown compression, there are none, lzo, bz2, lz4 and zstd"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum lnf_codec codec = (enum lnf_codec)77;
        struct lnf_error error = {0};
        int level = 77;
        int status = lnf_codec_parse(rows[i].text, &codec, &level, &error);
        if (rows[i].reason == NULL) {
            ck_assert_int_eq(status, LNF_OK);
            ck_assert_int_eq(codec, rows[i].codec);
            ck_assert_int_eq(level, rows[i].level);
        } else {
            ck_assert_int_eq(status, LNF_ERR_OTHER);
            ck_assert_str_eq(error.text, rows[i].reason);
            ck_assert_int_eq((int)codec, 77);
            ck_assert_int_eq(level, 77);
        }
    }
}
END_TEST

START_TEST(test_damaged_input)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    if (!lnf_codec_available(codec) || codec == LNF_CODEC_NONE) {
        return;
    }
    enum { SMALL = 300 };
    uint8_t in[SMALL], back[SMALL * 2];
    size_t bound = lnf_compress_bound(codec, SMALL);
    uint8_t *out = malloc(bound);
    fill(in, SMALL);
    struct lnf_compressor compressor = {.codec = codec};
    size_t size = lnf_compress(&compressor, in, SMALL, out, bound);
    lnf_compressor_clear(&compressor);
    ck_assert_uint_gt(size, 0);

    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, out, cut);
        size_t got = decompress(codec, exact, cut, back, sizeof(back));
        /* LZ4 blocks carry no end mark: a cut can look like a shorter block, never like the whole.
         */
        ck_assert_uint_lt(got, SMALL);
        free(exact);
    }
    for (size_t bit = 0; bit < size * 8; bit++) {
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_le(decompress(codec, out, size, back, sizeof(back)), sizeof(back));
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(out);
}
END_TEST

/** Streams with something behind or before them, whose records can be read nevertheless, or not. */
START_TEST(test_exact)
{
    static const uint8_t skipped[] = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
    enum lnf_codec codec = (enum lnf_codec)_i;
    enum { SMALL = 300, AROUND = sizeof(skipped) };
    uint8_t in[SMALL], back[SMALL * 2], out[AROUND + 2000];
    struct lnf_compressor compressor = {.codec = codec};
    bool exact = false, passed_over = codec == LNF_CODEC_BZ2 || codec == LNF_CODEC_ZSTD;

    if (!lnf_codec_available(codec)) {
        return;
    }
    ck_assert_uint_le(lnf_compress_bound(codec, SMALL), sizeof(out) - 2 * AROUND);
    fill(in, SMALL);
    size_t size =
        lnf_compress(&compressor, in, SMALL, out + AROUND, lnf_compress_bound(codec, SMALL));
    lnf_compressor_clear(&compressor);
    ck_assert_uint_eq(lnf_decompress(codec, out + AROUND, size, back, sizeof(back), &exact), SMALL);
    ck_assert(exact);
    ck_assert_int_eq(memcmp(in, back, SMALL), 0);
    if (codec == LNF_CODEC_NONE) {
        return; /* everything is what was meant */
    }

    memcpy(out + AROUND + size, skipped, AROUND);
    size_t got = lnf_decompress(codec, out + AROUND, size + AROUND, back, sizeof(back), &exact);
    ck_assert_uint_eq(got == SMALL, passed_over);
    ck_assert(got != SMALL || !exact);
    memcpy(out, skipped, AROUND);
    got = lnf_decompress(codec, out, AROUND + size, back, sizeof(back), &exact);
    ck_assert_uint_eq(got == SMALL, codec == LNF_CODEC_ZSTD);
    ck_assert(got != SMALL || !exact);
    /* Twice the same stream, in zstd's case one output of both. */
    memmove(out, out + AROUND, size);
    memcpy(out + size, out, size);
    got = lnf_decompress(codec, out, 2 * size, back, sizeof(back), &exact);
    ck_assert_uint_eq(got >= SMALL && !exact, passed_over);
}
END_TEST

START_TEST(test_names_and_unknown_codecs)
{
    static const char *const names[] = {"none", "lzo", "bz2", "lz4", "zstd"};
    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(lnf_codec_name((enum lnf_codec)i), names[i]);
    }
    ck_assert(lnf_codec_available(LNF_CODEC_NONE));
    ck_assert(lnf_codec_available(LNF_CODEC_LZ4));

    enum lnf_codec unknown = (enum lnf_codec)5;
    uint8_t octets[8] = {0};
    ck_assert(!lnf_codec_available(unknown));
    ck_assert_str_eq(lnf_codec_name(unknown), "unknown");
    ck_assert_str_eq(lnf_codec_name((enum lnf_codec)255), "unknown");
    ck_assert_uint_eq(lnf_compress_bound(unknown, 8), 0);
    struct lnf_compressor compressor = {.codec = unknown};
    ck_assert_uint_eq(lnf_compress(&compressor, octets, 8, octets, 8), 0);
    lnf_compressor_clear(&compressor);
    ck_assert_int_eq(lnf_codec_max_level(unknown), 0);
    ck_assert_uint_eq(decompress(unknown, octets, 8, octets, 8), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compress");
    TCase *tc = tcase_create("codecs");
    tcase_add_loop_test(tc, test_round_trip, LNF_CODEC_NONE, LNF_CODEC_ZSTD + 1);
    tcase_add_loop_test(tc, test_levels, LNF_CODEC_NONE, LNF_CODEC_ZSTD + 1);
    tcase_add_test(tc, test_parse);
    tcase_add_loop_test(tc, test_damaged_input, LNF_CODEC_NONE, LNF_CODEC_ZSTD + 1);
    tcase_add_loop_test(tc, test_exact, LNF_CODEC_NONE, LNF_CODEC_ZSTD + 1);
    tcase_add_test(tc, test_names_and_unknown_codecs);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
