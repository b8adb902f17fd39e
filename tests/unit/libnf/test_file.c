/* SPDX-License-Identifier: BSD-3-Clause */
/** Flow files for reading: sound, cut at every length, with every bit flipped, lying, growing. */
#include "flowfile_check.h"

#include "compress.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define BLOCKS 4u
#define PER_BLOCK 3u
#define FLOWS (BLOCKS * PER_BLOCK)
#define CODEC_OFFSET 16u

static char path[64];

static void setup(void)
{
    snprintf(path, sizeof(path), "/tmp/libnf-test-file-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    unlink(path);
}

/** A closed file of FLOWS flows in BLOCKS blocks. */
static struct octets make_file(enum lnf_codec codec)
{
    ck_assert_int_eq(test_file_write(path, codec, "a name", 0, 0, FLOWS, PER_BLOCK), LNF_OK);
    return octets_read(path);
}

static void put_file(const struct octets *o)
{
    octets_write(path, o->at, o->size);
}

static struct lnf_stat stat_of_first(unsigned count)
{
    struct lnf_stat stat;

    lnf_stat_init(&stat);
    stat_of_flows(&stat, 0, count);
    return stat;
}

/** Blocks that end at or before `size`. */
static unsigned blocks_within(const struct octets *o, size_t size)
{
    unsigned count = 0;

    while (count < BLOCKS && octets_block(o, count + 1) <= size) {
        count++;
    }
    return count;
}

/** Whether all flows of the blocks other than `block` were read. */
static bool others_read(const struct reading *r, unsigned block)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        if (i / PER_BLOCK != block && !r->seen[i]) {
            return false;
        }
    }
    return true;
}

/* ---- sound files ----------------------------------------------------------------------------- */

START_TEST(test_sound)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    static struct reading r;

    if (!lnf_codec_available(codec)) {
        return;
    }
    struct octets o = make_file(codec);
    struct lnf_stat stat = stat_of_first(FLOWS);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_uint_eq(r.problems.all, 0);
    ck_assert(reading_is(&r, 0, FLOWS));
    ck_assert_uint_eq(r.blocks, BLOCKS);
    ck_assert_uint_eq(r.info_blocks, BLOCKS);
    ck_assert(r.finished);
    ck_assert_uint_eq(r.layout, 2);
    ck_assert_uint_eq(r.codec, codec);
    ck_assert_str_eq(r.ident, "a name");
    ck_assert(same_stat(&r.stat, &stat));
    octets_free(&o);
}
END_TEST

START_TEST(test_without_flows)
{
    static struct reading r;
    struct lnf_stat stat;

    lnf_stat_init(&stat);
    ck_assert_int_eq(test_file_write(path, (enum lnf_codec)_i, NULL, 0, 0, 0, 1), LNF_OK);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_uint_eq(r.problems.all, 0);
    ck_assert_uint_eq(r.blocks, 0);
    ck_assert(same_stat(&r.stat, &stat));
    ck_assert_str_eq(r.ident, "none");
}
END_TEST

/** Claimed blocks know where they are and what their header says. */
START_TEST(test_claim)
{
    struct octets o = make_file(LNF_CODEC_NONE);
    struct lnf_block_ref block;
    lnf_input_t *input;

    ck_assert_int_eq(lnf_input_open(path, NULL, NULL, &input, NULL), LNF_OK);
    ck_assert_uint_eq(lnf_input_size(input), o.size);
    for (unsigned i = 0; i < BLOCKS; i++) {
        ck_assert_int_eq(lnf_input_claim(input, &block, NULL), LNF_OK);
        ck_assert_uint_eq(block.number, i);
        ck_assert_uint_eq(block.offset, octets_block(&o, i));
        ck_assert_uint_eq(block.records, PER_BLOCK);
        ck_assert_uint_eq(block.stored_size, octets_block(&o, i + 1) - block.offset - 12);
        ck_assert_uint_eq(block.type, LNF_BLOCK_FLOWS);
    }
    ck_assert_int_eq(lnf_input_claim(input, &block, NULL), LNF_EOF);
    ck_assert_uint_eq(lnf_input_info(input)->data_end, octets_appendix(&o));
    lnf_input_close(input);
    lnf_input_close(NULL);
    octets_free(&o);
}
END_TEST

/* ---- unfinished and cut files ---------------------------------------------------------------- */

/** What a reader must make of the first `size` octets of a file. */
static void check_cut(const struct octets *o, size_t size, size_t appendix, bool finished)
{
    static struct reading r;
    unsigned blocks = size < LNF_FILE_HEADER_SIZE ? 0 : blocks_within(o, size);
    bool has_appendix = size == o->size;

    octets_write(path, o->at, size);
    reading_take(&r, path);
    if (size < LNF_FILE_HEADER_SIZE) {
        ck_assert_int_eq(r.opened, LNF_ERR_CORRUPT);
        return;
    }
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_msg(reading_is(&r, 0, blocks * PER_BLOCK), "cut at %zu: %u flows", size, r.flows);
    ck_assert_uint_eq(r.bad_blocks, 0);
    ck_assert_uint_eq(r.blocks, blocks);
    struct lnf_stat stat = stat_of_first(blocks * PER_BLOCK);
    ck_assert_msg(same_stat(&r.stat, &stat), "cut at %zu: other statistics", size);
    ck_assert_str_eq(r.ident, has_appendix ? "a name" : "");

    size_t end = octets_block(o, blocks);
    ck_assert_uint_le(end, appendix);
    bool rest = size > end && !has_appendix;
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_TRUNCATED], rest);
    if (rest) {
        ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_TRUNCATED].count, size - end);
        ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_TRUNCATED].offset, end);
    }
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_UNFINISHED], !finished);
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_BLOCK], 0);
    if (finished) {
        ck_assert_uint_ge(r.problems.count[LNF_PROBLEM_STATISTICS], !has_appendix);
    }
}

/** A closed file cut at every length: all complete blocks, and their statistics. */
START_TEST(test_cut)
{
    enum lnf_codec codec = (enum lnf_codec)_i;

    if (!lnf_codec_available(codec)) {
        return;
    }
    struct octets o = make_file(codec);
    for (size_t size = 0; size < o.size; size++) {
        check_cut(&o, size, octets_appendix(&o), true);
    }
    octets_free(&o);
}
END_TEST

/** The same of a file whose writer died. */
START_TEST(test_unfinished)
{
    enum lnf_codec codec = (enum lnf_codec)_i;

    if (!lnf_codec_available(codec)) {
        return;
    }
    struct octets o = make_file(codec);
    size_t appendix = octets_appendix(&o);
    octets_unfinish(&o);
    for (size_t size = 0; size <= o.size; size++) {
        check_cut(&o, size, appendix, false);
    }
    octets_free(&o);
}
END_TEST

/** Octets behind the last block that are no block, as a file system leaves them after a crash. */
START_TEST(test_unfinished_tail)
{
    static const uint8_t zeros[500];
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);
    size_t end = octets_appendix(&o);

    octets_unfinish(&o);
    o.at = realloc(o.at, end + sizeof(zeros));
    for (unsigned fill = 0; fill < 3; fill++) {
        memset(o.at + end, fill == 0 ? 0 : fill == 1 ? 0xff : 'x', sizeof(zeros));
        octets_write(path, o.at, end + sizeof(zeros));
        reading_take(&r, path);
        ck_assert(reading_is(&r, 0, FLOWS));
        ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_TRUNCATED].count, sizeof(zeros));
    }
    octets_free(&o);
}
END_TEST

/** A hole where the last block's payload was to be: that block is lost, nothing else. */
START_TEST(test_unfinished_hole)
{
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);
    size_t last = octets_block(&o, BLOCKS - 1), end = octets_appendix(&o);

    octets_unfinish(&o);
    memset(o.at + last + LNF_BLOCK_HEADER_SIZE, 0, end - last - LNF_BLOCK_HEADER_SIZE);
    octets_write(path, o.at, end);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, FLOWS - PER_BLOCK));
    ck_assert_uint_eq(r.bad_blocks, 1);
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_BLOCK], 1);
    ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_BLOCK].offset, last);
    struct lnf_stat stat = stat_of_first(FLOWS - PER_BLOCK);
    ck_assert(same_stat(&r.stat, &stat));
    octets_free(&o);
}
END_TEST

/** What a block's header may say, to its limits, and where a search for blocks stops. */
static const struct header_limit {
    size_t at; /* in the header of a block */
    unsigned width;
    uint32_t value;
    bool block; /* it can be one */
} header_limits[] = {
    {0, 4, 0, false},
    {0, 4, 1, true},
    {0, 4, LNF_BLOCK_LIMIT / 4, true},
    {0, 4, LNF_BLOCK_LIMIT / 4 + 1, false},
    {0, 4, UINT32_MAX, false},
    {4, 4, 0, false},
    {8, 2, 0, false},
    {8, 2, 1, true},
    {8, 2, 4, true},
    {8, 2, 5, false},
    {8, 2, 0xffff, false},
    {10, 2, 7, true},
    {10, 2, 8, false},
    {10, 2, 0x8000, false},
};

/** A file whose writer died, with this in the header of its second block. */
START_TEST(test_search_limits)
{
    const struct header_limit *limit = &header_limits[_i];
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);
    size_t block = octets_block(&o, 1), end = octets_appendix(&o);

    octets_unfinish(&o);
    memcpy(o.at + block + limit->at, &limit->value, limit->width);
    octets_write(path, o.at, end);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert(others_read(&r, limit->block ? 1 : BLOCKS) == limit->block);
    ck_assert(r.seen[PER_BLOCK - 1]);
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_TRUNCATED], !limit->block);
    if (!limit->block) {
        ck_assert_uint_eq(r.flows, PER_BLOCK);
        ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_TRUNCATED].offset, block);
        ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_TRUNCATED].count, end - block);
    }
    octets_free(&o);
}
END_TEST

/* ---- flipped bits ---------------------------------------------------------------------------- */

static void check_flip(const struct octets *o, size_t at, size_t appendix)
{
    static struct reading r;

    reading_take(&r, path);
    if (at == CODEC_OFFSET && r.opened == LNF_OK) {
        ck_assert_uint_ge(r.blocks + r.bad_blocks,
                          BLOCKS); /* the appendix cannot be told, either */
        ck_assert_uint_gt(r.problems.all, 0);
        return;
    }
    if (at < LNF_FILE_HEADER_SIZE) {
        ck_assert(r.opened == LNF_ERR_CORRUPT || reading_is(&r, 0, FLOWS));
        return;
    }
    ck_assert_int_eq(r.opened, LNF_OK);
    if (at >= appendix) {
        ck_assert_msg(reading_is(&r, 0, FLOWS), "octet %zu: %u flows", at, r.flows);
        return;
    }
    unsigned block = 0;
    while (at >= octets_block(o, block + 1)) {
        block++;
    }
    size_t in_block = at - octets_block(o, block);
    if (in_block < 4 || in_block >= 8) {
        ck_assert_msg(others_read(&r, block), "octet %zu of block %u", in_block, block);
    } else {
        /* The size: the blocks behind may be lost, and then that is told. */
        ck_assert(r.flows >= block * PER_BLOCK);
        ck_assert_uint_gt(r.problems.all, 0);
    }
}

/** One flipped bit costs at most its block: every bit, or one of each octet of compressed files. */
START_TEST(test_flip)
{
    enum lnf_codec codec = (enum lnf_codec)_i;

    if (!lnf_codec_available(codec)) {
        return;
    }
    struct octets o = make_file(codec);
    size_t appendix = octets_appendix(&o);
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    size_t step = codec == LNF_CODEC_NONE ? 1 : 9; /* 9: another bit in each octet */
    for (size_t bit = 0; bit < o.size * 8; bit += step) {
        uint8_t flipped = o.at[bit / 8] ^ (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
        check_flip(&o, bit / 8, appendix);
        ck_assert_int_eq(pwrite(fd, &o.at[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    close(fd);
    octets_free(&o);
}
END_TEST

/* ---- files that are refused ------------------------------------------------------------------ */

struct refusal {
    size_t at;
    unsigned width;
    uint64_t value;
    const char *text;
};

static const struct refusal refusals[] = {
    {0, 2, 0x0CA5, "the other byte order"},
    {0, 2, 0xA50D, "not a flow file"},
    {0, 2, 0, "not a flow file"},
    {2, 2, 0, "unknown file layout 0"},
    {2, 2, 3, "file layout 3 (nfdump 1.8) is not supported"},
    {2, 2, 4, "unknown file layout 4"},
    {2, 2, 0xffff, "unknown file layout 65535"},
    {16, 1, 5, "unknown compression 5"},
    {16, 1, 255, "unknown compression 255"},
    {17, 1, 1, "encrypted"},
    {17, 1, 255, "encrypted"},
};

START_TEST(test_refused)
{
    const struct refusal *refusal = &refusals[_i];
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);

    memcpy(o.at + refusal->at, &refusal->value, refusal->width);
    put_file(&o);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_ERR_CORRUPT);
    ck_assert_msg(strstr(r.error.text, refusal->text) != NULL, "%s", r.error.text);
    ck_assert_ptr_nonnull(strstr(r.error.text, path));
    ck_assert_uint_eq(r.error.offset, refusal->at);
    octets_free(&o);
}
END_TEST

/** A file written on a machine with the other byte order: its first octets are exchanged. */
START_TEST(test_big_endian)
{
    static const uint8_t start[64] = {0xA5, 0x0C, 0x00, 0x02};
    static struct reading r;

    octets_write(path, start, sizeof(start));
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(r.error.text, "byte order"));
}
END_TEST

START_TEST(test_no_regular_file)
{
    static struct reading r;

    reading_take(&r, "/nonexistent/file");
    ck_assert_int_eq(r.opened, LNF_ERR_READ);
    ck_assert_ptr_nonnull(strstr(r.error.text, "/nonexistent/file"));
    reading_take(&r, "/tmp");
    ck_assert_int_eq(r.opened, LNF_ERR_READ);
    reading_take(&r, "/dev/null");
    ck_assert_int_eq(r.opened, LNF_ERR_READ);
    octets_write(path, (const uint8_t *)"", 0);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(r.error.text, "empty"));
}
END_TEST

/* ---- lies ------------------------------------------------------------------------------------ */

/** Another number of blocks in the header than there are: all are read, and it is told. */
START_TEST(test_block_count_lies)
{
    static const uint32_t counts[] = {0, 1, BLOCKS - 1, BLOCKS + 1, UINT32_MAX};
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);

    lnf_store_u32(o.at + 36, counts[_i]);
    put_file(&o);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, FLOWS));
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_STATISTICS], 1);
    ck_assert_uint_eq(r.problems.all, 1);
    octets_free(&o);
}
END_TEST

/** An appendix that is not where the header says: blocks are searched. */
START_TEST(test_appendix_lies)
{
    static struct reading r;
    struct octets o = make_file(_i % 2 == 0 ? LNF_CODEC_NONE : LNF_CODEC_LZ4);
    const uint64_t offsets[] = {0,
                                1,
                                39,
                                40,
                                41,
                                octets_block(&o, 1),
                                octets_block(&o, 1) + 5,
                                octets_block(&o, BLOCKS - 1),
                                octets_appendix(&o) - 1,
                                octets_appendix(&o) + 1,
                                o.size - 1,
                                o.size,
                                o.size + 1,
                                INT64_MAX,
                                (uint64_t)INT64_MAX + 1,
                                UINT64_MAX};

    ck_assert_uint_lt((unsigned)_i / 2, sizeof(offsets) / sizeof(offsets[0]));
    lnf_store_u64(o.at + 24, offsets[_i / 2]);
    put_file(&o);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert(reading_is(&r, 0, FLOWS));
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_STATISTICS], 1);
    ck_assert_uint_eq(r.problems.all, 1);
    /* The search finds the appendix. */
    struct lnf_stat stat = stat_of_first(FLOWS);
    ck_assert(same_stat(&r.stat, &stat));
    ck_assert_str_eq(r.ident, "a name");
    octets_free(&o);
}
END_TEST

/** Sizes of a block that nothing can be found behind. */
START_TEST(test_block_size_lies)
{
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);
    size_t block = octets_block(&o, 2);
    const uint32_t sizes[] = {0, LNF_BLOCK_LIMIT + 1, INT32_MAX, UINT32_MAX,
                              (uint32_t)(octets_appendix(&o) - block - 12 + 1)};
    bool finished = _i % 2 == 0;

    lnf_store_u32(o.at + block + 4, sizes[_i / 2]);
    if (!finished) {
        octets_unfinish(&o);
    }
    put_file(&o);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_TRUNCATED] > 0 || r.bad_blocks > 0, 1);
    if (finished || _i / 2 < 4) {
        ck_assert(reading_is(&r, 0, 2 * PER_BLOCK));
        ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_TRUNCATED].offset, block);
    }
    octets_free(&o);
}
END_TEST

/** Another number of records in a block header: all are read. */
START_TEST(test_record_count_lies)
{
    static const uint32_t counts[] = {0, 1, PER_BLOCK + 1, UINT32_MAX};
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);

    lnf_store_u32(o.at + octets_block(&o, 1), counts[_i]);
    put_file(&o);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, FLOWS));
    octets_free(&o);
}
END_TEST

/* ---- types of blocks ------------------------------------------------------------------------- */

START_TEST(test_block_types)
{
    static const struct {
        uint16_t type;
        bool reported;
    } rows[] = {{4, false}, {1, true}, {0, true}, {5, true}, {0xffff, true}};
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);
    size_t block = octets_block(&o, 1);

    lnf_store_u16(o.at + block + 8, rows[_i].type);
    put_file(&o);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_uint_eq(r.flows, FLOWS - PER_BLOCK);
    ck_assert(others_read(&r, 1));
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_BLOCK], rows[_i].reported);
    ck_assert_uint_eq(r.problems.all, rows[_i].reported);
    if (rows[_i].reported) {
        ck_assert_uint_eq(r.problems.last[LNF_PROBLEM_BLOCK].offset, block);
    }
    octets_free(&o);
}
END_TEST

/* ---- the appendix ---------------------------------------------------------------------------- */

/** Appends a record to a block under construction. */
static void add_record(struct octets *o, uint16_t type, const void *data, uint16_t size)
{
    o->at = realloc(o->at, o->size + 4 + size);
    lnf_store_u16(o->at + o->size, type);
    lnf_store_u16(o->at + o->size + 2, (uint16_t)(4 + size));
    if (size > 0) {
        memcpy(o->at + o->size + 4, data, size);
    }
    o->size += 4u + size;
}

/** The file without compression, with another appendix; records are counted by the caller. */
static void put_appendix(const struct octets *file, const struct octets *records, uint32_t count)
{
    size_t appendix = octets_appendix(file);
    uint8_t *octets = calloc(1, appendix + 12 + records->size);

    memcpy(octets, file->at, appendix);
    lnf_store_u32(octets + appendix, count);
    lnf_store_u32(octets + appendix + 4, (uint32_t)records->size);
    lnf_store_u16(octets + appendix + 8, 3);
    memcpy(octets + appendix + 12, records->at, records->size);
    octets_write(path, octets, appendix + 12 + records->size);
    free(octets);
}

START_TEST(test_appendix_without_stat)
{
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_NONE), records = {NULL, 0};
    struct lnf_stat stat = stat_of_first(FLOWS);

    add_record(&records, 0x8001, "other", 6);
    if (_i == 1) {
        uint8_t short_stat[100] = {1};
        add_record(&records, 0x8002, short_stat, sizeof(short_stat)); /* of a wrong size */
    }
    put_appendix(&o, &records, 1 + (uint32_t)_i);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, FLOWS));
    ck_assert_str_eq(r.ident, "other");
    ck_assert(same_stat(&r.stat, &stat));
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_STATISTICS], 1);
    ck_assert_uint_eq(r.problems.all, 1);
    octets_free(&records);
    octets_free(&o);
}
END_TEST

/** Texts without their NUL, with two, too long: never more than 127 octets. */
START_TEST(test_ident)
{
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_NONE);
    char text[300];

    memset(text, 'x', sizeof(text));
    for (uint16_t size = 0; size < sizeof(text); size++) {
        for (unsigned nul = 0; nul < 3 && nul <= size; nul++) {
            struct octets records = {NULL, 0};
            size_t length = size - nul < 127 ? size - nul : 127;
            memset(text, 'x', sizeof(text));
            memset(text + size - nul, 0, nul);
            add_record(&records, 0x8001, text, size);
            put_appendix(&o, &records, 1);
            reading_take(&r, path);
            ck_assert_int_eq(r.opened, LNF_OK);
            ck_assert_uint_eq(strlen(r.ident), length);
            ck_assert_uint_eq(strspn(r.ident, "x"), length);
            octets_free(&records);
        }
    }
    octets_free(&o);
}
END_TEST

/** Records that later versions may add do not matter, records of flows make it another block. */
START_TEST(test_appendix_records)
{
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_NONE), records = {NULL, 0};
    size_t appendix = octets_appendix(&o);
    uint8_t junk[20] = {0};

    add_record(&records, 0x8003, junk, sizeof(junk));
    add_record(&records, 0x8001, "first", 6);
    records.at = realloc(records.at, records.size + 148);
    memcpy(records.at + records.size, o.at + o.size - 148, 148);
    records.size += 148;
    add_record(&records, 0xffff, junk, 1);
    put_appendix(&o, &records, 4);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, FLOWS));
    ck_assert_str_eq(r.ident, "first");
    ck_assert_uint_eq(r.problems.all, 0);

    /* One record of flows behind them: all of it is data, and nothing of it counts. */
    size_t block = octets_block(&o, 0) + 12;
    records.at = realloc(records.at, records.size + 200);
    size_t size = lnf_load_u16(o.at + block + 2);
    memcpy(records.at + records.size, o.at + block, size);
    records.size += size;
    put_appendix(&o, &records, 5);
    reading_take(&r, path);
    ck_assert_uint_eq(r.flows, FLOWS + 1);
    ck_assert_uint_eq(r.blocks, BLOCKS + 1);
    ck_assert_str_eq(r.ident, "");
    ck_assert_uint_eq(r.stat.flows, FLOWS + 1);
    ck_assert_uint_gt(appendix, block);
    octets_free(&records);
    octets_free(&o);
}
END_TEST

/** Ident and statistics cut at every length, the block's header agrees: what is whole counts. */
START_TEST(test_cut_appendix)
{
    enum { IDENT_SIZE = 4 + 6, WHOLE = IDENT_SIZE + 148 };
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_NONE), records = {NULL, 0};
    struct lnf_stat stat = stat_of_first(FLOWS);

    add_record(&records, 0x8001, "cutid", 6);
    records.at = realloc(records.at, WHOLE);
    memcpy(records.at + IDENT_SIZE, o.at + o.size - 148, 148);
    for (size_t size = 1; size <= WHOLE; size++) {
        bool whole = size == IDENT_SIZE || size == WHOLE;
        records.size = size;
        put_appendix(&o, &records, 2);
        reading_take(&r, path);
        ck_assert_int_eq(r.opened, LNF_OK);
        ck_assert_msg(reading_is(&r, 0, FLOWS), "cut at %zu: %u flows", size, r.flows);
        ck_assert_str_eq(r.ident, whole ? "cutid" : "");
        ck_assert_msg(same_stat(&r.stat, &stat), "cut at %zu: other statistics", size);
        ck_assert_int_eq(r.problems.all == 0, size == WHOLE);
    }
    octets_free(&records);
    octets_free(&o);
}
END_TEST

START_TEST(test_stat_does_not_add_up)
{
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_NONE);

    o.at[o.size - 148 + 4]++; /* all flows */
    put_file(&o);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, FLOWS));
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_STATISTICS], 1);
    ck_assert_uint_eq(r.stat.flows, FLOWS + 1); /* as stored */
    octets_free(&o);
}
END_TEST

/** The first start that nfdump 1.7.1 stores without flows, and zero, mean unknown. */
START_TEST(test_first_unknown)
{
    static struct reading r;
    const uint64_t values[] = {INT64_MAX, 0, UINT64_MAX};

    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, NULL, 0, 0, 0, 1), LNF_OK);
    struct octets o = octets_read(path);
    lnf_store_u64(o.at + o.size - 148 + 124, values[_i]);
    put_file(&o);
    reading_take(&r, path);
    ck_assert_uint_eq(r.stat.first_ms, UINT64_MAX);
    octets_free(&o);
}
END_TEST

/* ---- bombs and limits ------------------------------------------------------------------------ */

/** A file of one block with these octets, compressed. */
static void put_block(enum lnf_codec codec, const uint8_t *octets, size_t size, uint32_t records)
{
    struct octets o;
    size_t room = lnf_compress_bound(codec, size);
    uint8_t *packed = malloc(room + 1);
    struct lnf_compressor compressor = {.codec = codec};
    size_t stored = lnf_compress(&compressor, octets, size, packed, room);
    lnf_compressor_clear(&compressor);

    ck_assert_uint_gt(stored, 0);
    ck_assert_int_eq(test_file_write(path, codec, NULL, 0, 0, 0, 1), LNF_OK);
    o = octets_read(path);
    octets_unfinish(&o);
    o.at = realloc(o.at, 40 + 12 + stored);
    lnf_store_u32(o.at + 40, records);
    lnf_store_u32(o.at + 44, (uint32_t)stored);
    lnf_store_u16(o.at + 48, 3);
    lnf_store_u16(o.at + 50, 0);
    memcpy(o.at + 52, packed, stored);
    octets_write(path, o.at, 52 + stored);
    octets_free(&o);
    free(packed);
}

/** A small block that would become 64 MiB is damaged, whatever the codec. */
START_TEST(test_bomb)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    static struct reading r;
    enum { SIZE = 64 << 20 };

    if (!lnf_codec_available(codec)) {
        return;
    }
    uint8_t *zeros = calloc(1, SIZE);
    put_block(codec, zeros, SIZE, 1);
    free(zeros);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_uint_eq(r.bad_blocks, 1);
    ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_BLOCK], 1);
}
END_TEST

/** Filler records of exactly `size` octets together. */
static uint32_t fill(uint8_t *octets, size_t size)
{
    uint32_t count = 0;

    memset(octets, 0, size);
    for (size_t at = 0; at < size; count++) {
        size_t left = size - at;
        size_t some = left <= 65535 ? left : left < 65535 + 4 ? left - 4 : 65535;
        lnf_store_u16(octets + at, 256);
        lnf_store_u16(octets + at + 2, (uint16_t)some);
        at += some;
    }
    return count;
}

/** The largest block that is read, and one octet more. */
START_TEST(test_largest_block)
{
    enum lnf_codec codec = (enum lnf_codec)(_i / 2);
    bool fits = _i % 2 == 0;
    size_t size = LNF_BLOCK_LIMIT + (fits ? 0 : 1);
    static struct reading r;

    if (!lnf_codec_available(codec)) {
        return;
    }
    uint8_t *octets = malloc(size);
    put_block(codec, octets, size, fill(octets, size));
    free(octets);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_uint_eq(r.blocks, fits);
    ck_assert_uint_eq(r.damaged, 0);
    if (codec == LNF_CODEC_NONE && !fits) {
        ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_TRUNCATED], 1);
    } else {
        ck_assert_uint_eq(r.bad_blocks, !fits);
    }
}
END_TEST

/* ---- pipes ----------------------------------------------------------------------------------- */

static void *feed_pipe(void *context)
{
    const char *fifo = context;
    struct octets o = octets_read(path);
    FILE *file = fopen(fifo, "wb");

    ck_assert_ptr_nonnull(file);
    for (size_t at = 0; at < o.size; at += 1000) {
        fwrite(o.at + at, 1, o.size - at < 1000 ? o.size - at : 1000, file);
        fflush(file);
    }
    fclose(file);
    octets_free(&o);
    return NULL;
}

/** A named pipe, and the same as standard input: larger than a pipe holds at once. */
START_TEST(test_pipe)
{
    static struct reading r;
    char fifo[80];
    pthread_t feeder;

    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, "p", 0, 0, FLOWS_MAX / 4, 500), LNF_OK);
    snprintf(fifo, sizeof(fifo), "%s.fifo", path);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(pthread_create(&feeder, NULL, feed_pipe, fifo), 0);
    if (_i == 1) {
        int fd = open(fifo, O_RDONLY);
        ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
        close(fd);
    }
    reading_take(&r, _i == 1 ? NULL : fifo);
    pthread_join(feeder, NULL);
    unlink(fifo);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert(reading_is(&r, 0, FLOWS_MAX / 4));
    ck_assert_uint_eq(r.problems.all, 0);
}
END_TEST

/** Standard input that is a file is read from its start. */
START_TEST(test_stdin_file)
{
    static struct reading r;
    struct octets o = make_file(LNF_CODEC_LZ4);
    int fd = open(path, O_RDONLY);

    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    reading_take(&r, NULL);
    ck_assert(reading_is(&r, 0, FLOWS));
    octets_free(&o);
}
END_TEST

/* ---- files that change ----------------------------------------------------------------------- */

/** A file cut while it is read costs the blocks that are gone. */
START_TEST(test_cut_while_open)
{
    struct octets o = make_file(LNF_CODEC_LZ4);
    lnf_input_t *input;
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref first, second;
    struct problems problems = {0};
    const uint8_t *records;
    size_t size;

    ck_assert_int_eq(lnf_input_open(path, problems_note, &problems, &input, NULL), LNF_OK);
    ck_assert_int_eq(lnf_input_claim(input, &first, NULL), LNF_OK);
    ck_assert_int_eq(lnf_input_claim(input, &second, NULL), LNF_OK);
    ck_assert_int_eq(truncate(path, (off_t)second.offset + 20), 0);
    ck_assert_int_eq(lnf_input_load(input, &first, &buffer, &records, &size, NULL), LNF_OK);
    ck_assert_int_eq(lnf_input_load(input, &second, &buffer, &records, &size, NULL),
                     LNF_ERR_CORRUPT);
    ck_assert_uint_eq(problems.count[LNF_PROBLEM_BLOCK], 1);
    ck_assert_int_eq(lnf_input_claim(input, &second, NULL), LNF_EOF);
    ck_assert_uint_eq(problems.count[LNF_PROBLEM_TRUNCATED], 1);
    lnf_block_buffer_clear(&buffer);
    lnf_input_close(input);
    octets_free(&o);
}
END_TEST

static void put_flows(lnf_writer_t *writer, unsigned first, unsigned count)
{
    lnf_block_t *block = lnf_block_create();

    for (unsigned i = first; i < first + count; i++) {
        struct test_flow flow = test_flow_number(i);
        ck_assert(test_block_add(block, &flow));
    }
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    lnf_block_destroy(block);
}

/** Between any two steps of a writer its file holds exactly the blocks put so far. */
START_TEST(test_growing)
{
    static struct reading r;
    lnf_writer_t *writer;

    ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_LZ4, "g", false, &writer, NULL), LNF_OK);
    for (unsigned i = 0; i <= BLOCKS; i++) {
        reading_take(&r, path);
        ck_assert_int_eq(r.opened, LNF_OK);
        ck_assert(reading_is(&r, 0, i * PER_BLOCK));
        ck_assert(!r.finished);
        ck_assert_uint_eq(r.problems.count[LNF_PROBLEM_UNFINISHED], 1);
        ck_assert_uint_eq(r.problems.all, 1);
        struct lnf_stat stat = stat_of_first(i * PER_BLOCK);
        ck_assert(same_stat(&r.stat, &stat));
        if (i < BLOCKS) {
            put_flows(writer, i * PER_BLOCK, PER_BLOCK);
        }
    }
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, FLOWS));
    ck_assert_uint_eq(r.problems.all, 0);
}
END_TEST

static atomic_bool writing;

static void *write_on(void *context)
{
    lnf_writer_t *writer = context;

    for (unsigned i = 0; i < FLOWS_MAX / 100; i++) {
        put_flows(writer, i * 100, 100);
    }
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    atomic_store(&writing, false);
    return NULL;
}

/** Reading again and again while another thread writes: always whole blocks from the first one. */
START_TEST(test_concurrent)
{
    static struct reading r;
    lnf_writer_t *writer;
    pthread_t thread;
    unsigned before = 0, rounds = 0;

    ck_assert_int_eq(lnf_writer_open(path,
                                     (enum lnf_codec)(_i == 0 ? LNF_CODEC_NONE : LNF_CODEC_LZ4),
                                     "c", false, &writer, NULL),
                     LNF_OK);
    atomic_store(&writing, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_on, writer), 0);
    for (bool last = false; !last; rounds++) {
        last = !atomic_load(&writing);
        reading_take(&r, path);
        ck_assert_int_eq(r.opened, LNF_OK);
        ck_assert_uint_ge(r.flows, before);
        ck_assert_uint_eq(r.flows % 100, 0);
        ck_assert(reading_is(&r, 0, r.flows));
        ck_assert_uint_eq(r.bad_blocks, 0);
        before = r.flows;
    }
    pthread_join(thread, NULL);
    ck_assert_uint_eq(r.flows, FLOWS_MAX);
    ck_assert_uint_eq(r.problems.all, 0);
    ck_assert_uint_gt(rounds, 0);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------- */

#define THREADS 4

struct worker {
    lnf_input_t *input;
    unsigned blocks;
    uint64_t numbers; /* sum of the numbers of its blocks */
    size_t octets;
};

static void *claim_all(void *context)
{
    struct worker *w = context;
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref block;
    const uint8_t *records;
    size_t size;

    while (lnf_input_claim(w->input, &block, NULL) == LNF_OK) {
        ck_assert_int_eq(lnf_input_load(w->input, &block, &buffer, &records, &size, NULL), LNF_OK);
        w->blocks++;
        w->numbers += block.number;
        w->octets += size;
    }
    lnf_block_buffer_clear(&buffer);
    return NULL;
}

/** Each block goes to one thread; the statistics may be asked for meanwhile. */
START_TEST(test_threads)
{
    enum { COUNT = 200 };
    struct worker workers[THREADS] = {0};
    pthread_t threads[THREADS];
    lnf_input_t *input;
    unsigned blocks = 0;
    uint64_t numbers = 0;

    ck_assert_int_eq(test_file_write(path, LNF_CODEC_LZ4, NULL, 0, 0, COUNT * 5, 5), LNF_OK);
    struct octets o = octets_read(path);
    octets_unfinish(&o);
    octets_write(path, o.at, octets_block(&o, COUNT));
    ck_assert_int_eq(lnf_input_open(path, NULL, NULL, &input, NULL), LNF_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].input = input;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, claim_all, &workers[i]), 0);
    }
    struct lnf_stat stat = stat_of_first(COUNT * 5);
    ck_assert(same_stat(&lnf_input_info(input)->stat, &stat));
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        blocks += workers[i].blocks;
        numbers += workers[i].numbers;
    }
    ck_assert_uint_eq(blocks, COUNT);
    ck_assert_uint_eq(numbers, (uint64_t)COUNT * (COUNT - 1) / 2);
    lnf_input_close(input);
    octets_free(&o);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/file");
    TCase *tc = tcase_create("file");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_sound, 0, 5);
    tcase_add_loop_test(tc, test_without_flows, 0, 1);
    tcase_add_test(tc, test_claim);
    tcase_add_loop_test(tc, test_cut, 0, 5);
    tcase_add_loop_test(tc, test_unfinished, 0, 5);
    tcase_add_test(tc, test_unfinished_tail);
    tcase_add_test(tc, test_unfinished_hole);
    tcase_add_loop_test(tc, test_search_limits, 0,
                        sizeof(header_limits) / sizeof(header_limits[0]));
    tcase_add_loop_test(tc, test_flip, 0, 5);
    tcase_add_loop_test(tc, test_refused, 0, sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(tc, test_big_endian);
    tcase_add_test(tc, test_no_regular_file);
    tcase_add_loop_test(tc, test_block_count_lies, 0, 5);
    tcase_add_loop_test(tc, test_appendix_lies, 0, 32);
    tcase_add_loop_test(tc, test_block_size_lies, 0, 10);
    tcase_add_loop_test(tc, test_record_count_lies, 0, 4);
    tcase_add_loop_test(tc, test_block_types, 0, 5);
    tcase_add_loop_test(tc, test_appendix_without_stat, 0, 2);
    tcase_add_test(tc, test_ident);
    tcase_add_test(tc, test_appendix_records);
    tcase_add_test(tc, test_cut_appendix);
    tcase_add_test(tc, test_stat_does_not_add_up);
    tcase_add_loop_test(tc, test_first_unknown, 0, 3);
    tcase_add_loop_test(tc, test_bomb, 1, 5);
    tcase_add_loop_test(tc, test_largest_block, 0, 10);
    tcase_add_loop_test(tc, test_pipe, 0, 2);
    tcase_add_test(tc, test_stdin_file);
    tcase_add_test(tc, test_cut_while_open);
    tcase_add_test(tc, test_growing);
    tcase_add_loop_test(tc, test_concurrent, 0, 2);
    tcase_add_test(tc, test_threads);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
