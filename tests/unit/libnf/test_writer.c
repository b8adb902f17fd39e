/* SPDX-License-Identifier: BSD-3-Clause */
/** Flow files for writing: every octet, appending to whatever a crash left, full disks, nfdump. */
#include "flowfile_check.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#define PER_BLOCK 3u
#define STAT_SIZE 148u

static char path[64];

/* Before so many calls of flock() the file is removed, as another program might do it then. */
static unsigned removals;

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

int __wrap_flock(int fd, int operation)
{
    if (removals > 0) {
        removals--;
        ck_assert_int_eq(unlink(path), 0);
    }
    return __real_flock(fd, operation);
}

static void setup(void)
{
    removals = 0;
    snprintf(path, sizeof(path), "/tmp/libnf-test-writer-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    unlink(path);
}

static lnf_writer_t *open_writer(enum lnf_codec codec, const char *ident, bool append)
{
    struct lnf_error error = {.text = ""};
    lnf_writer_t *writer = NULL;

    ck_assert_msg(lnf_writer_open(path, codec, ident, append, &writer, &error) == LNF_OK, "%s",
                  error.text);
    return writer;
}

static void fill_block(lnf_block_t *block, unsigned first, unsigned count)
{
    lnf_block_clear(block);
    for (unsigned i = first; i < first + count; i++) {
        struct test_flow flow = test_flow_number(i);
        ck_assert(test_block_add(block, &flow));
    }
}

/* ---- every octet ----------------------------------------------------------------------------- */

static void expect_u64(const struct octets *o, size_t at, uint64_t value)
{
    ck_assert_msg(lnf_load_u64(o->at + at) == value, "at %zu: %llu, not %llu", at,
                  (unsigned long long)lnf_load_u64(o->at + at), (unsigned long long)value);
}

static void expect_header(const struct octets *o, enum lnf_codec codec, uint64_t appendix,
                          uint32_t blocks)
{
    static const uint8_t start[] = {0x0C, 0xA5, 2, 0, 0, 1, 7, 1};

    ck_assert_uint_ge(o->size, 40);
    ck_assert(memcmp(o->at, start, sizeof(start)) == 0);
    ck_assert_uint_eq(o->at[16], codec);
    ck_assert_uint_eq(o->at[17], 0);
    ck_assert_uint_eq(lnf_load_u16(o->at + 18), appendix != 0);
    ck_assert_uint_eq(lnf_load_u32(o->at + 20), 0);
    expect_u64(o, 24, appendix);
    ck_assert_uint_eq(lnf_load_u32(o->at + 32), 0);
    ck_assert_uint_eq(lnf_load_u32(o->at + 36), blocks);
}

/** The appendix of a file without compression. */
static void expect_appendix(const struct octets *o, size_t at, const char *ident,
                            const struct lnf_stat *stat)
{
    size_t ident_size = strlen(ident) + 1;
    uint64_t numbers[18] = {stat->flows, stat->bytes, stat->packets};

    memcpy(numbers + 3, stat->class_flows, 32);
    memcpy(numbers + 7, stat->class_bytes, 32);
    memcpy(numbers + 11, stat->class_packets, 32);
    numbers[15] = stat->first_ms == UINT64_MAX ? 0 : stat->first_ms;
    numbers[16] = stat->last_ms;
    numbers[17] = stat->sequence_failures;

    ck_assert_uint_eq(o->size, at + 12 + 4 + ident_size + STAT_SIZE);
    ck_assert_uint_eq(lnf_load_u32(o->at + at), 2);
    ck_assert_uint_eq(lnf_load_u32(o->at + at + 4), 4 + ident_size + STAT_SIZE);
    ck_assert_uint_eq(lnf_load_u16(o->at + at + 8), 3);
    ck_assert_uint_eq(lnf_load_u16(o->at + at + 10), 0);
    at += 12;
    ck_assert_uint_eq(lnf_load_u16(o->at + at), 0x8001);
    ck_assert_uint_eq(lnf_load_u16(o->at + at + 2), 4 + ident_size);
    ck_assert(memcmp(o->at + at + 4, ident, ident_size) == 0);
    at += 4 + ident_size;
    ck_assert_uint_eq(lnf_load_u16(o->at + at), 0x8002);
    ck_assert_uint_eq(lnf_load_u16(o->at + at + 2), STAT_SIZE);
    for (unsigned i = 0; i < 18; i++) {
        expect_u64(o, at + 4 + i * 8, numbers[i]);
    }
}

/* A file that is removed between opening and locking is made anew, not written without a name. */
START_TEST(test_removed_meanwhile)
{
    for (int append = 0; append < 2; append++) {
        removals = 3;
        lnf_writer_t *writer = open_writer(LNF_CODEC_NONE, "made anew", append == 1);
        ck_assert_uint_eq(removals, 0);
        ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
        struct octets o = octets_read(path);
        expect_header(&o, LNF_CODEC_NONE, 40, 0);
        octets_free(&o);
    }
}
END_TEST

START_TEST(test_always_removed)
{
    struct lnf_error error = {.text = ""};
    lnf_writer_t *writer = NULL;

    removals = UINT_MAX;
    ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_NONE, NULL, false, &writer, &error),
                     LNF_ERR_WRITE);
    ck_assert_ptr_null(writer);
    ck_assert_msg(strstr(error.text, path) != NULL && strstr(error.text, "removed") != NULL, "%s",
                  error.text);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(test_empty_file)
{
    struct lnf_stat stat;
    uint64_t before = (uint64_t)time(NULL);

    lnf_stat_init(&stat);
    lnf_writer_t *writer = open_writer(LNF_CODEC_NONE, NULL, false);
    struct octets o = octets_read(path);
    ck_assert_uint_eq(o.size, 40);
    expect_header(&o, LNF_CODEC_NONE, 0, 0);
    ck_assert_uint_ge(lnf_load_u64(o.at + 8), before);
    ck_assert_uint_le(lnf_load_u64(o.at + 8), (uint64_t)time(NULL));
    octets_free(&o);

    ck_assert_str_eq(lnf_writer_ident(writer), "none");
    ck_assert_uint_eq(lnf_writer_blocks(writer), 0);
    ck_assert_uint_eq(lnf_writer_codec(writer), LNF_CODEC_NONE);
    ck_assert(same_stat(lnf_writer_stat(writer), &stat));
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    o = octets_read(path);
    expect_header(&o, LNF_CODEC_NONE, 40, 0);
    expect_appendix(&o, 40, "none", &stat);
    octets_free(&o);
    ck_assert_int_eq(lnf_writer_close(NULL, NULL), LNF_OK);
}
END_TEST

START_TEST(test_blocks)
{
    struct lnf_stat stat;
    size_t at = 40;
    lnf_block_t *block = lnf_block_create();
    lnf_writer_t *writer = open_writer(LNF_CODEC_NONE, "a name", false);

    lnf_stat_init(&stat);
    stat_of_flows(&stat, 0, 3 * PER_BLOCK);
    stat.sequence_failures = 12;
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK); /* nothing to write */
    for (unsigned i = 0; i < 3; i++) {
        fill_block(block, i * PER_BLOCK, PER_BLOCK);
        ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
        ck_assert_uint_eq(lnf_writer_blocks(writer), i + 1);
        struct octets o = octets_read(path);
        expect_header(&o, LNF_CODEC_NONE, 0, 0); /* as long as it is open */
        ck_assert_uint_eq(lnf_load_u32(o.at + at), PER_BLOCK);
        ck_assert_uint_eq(lnf_load_u32(o.at + at + 4), o.size - at - 12);
        ck_assert_uint_eq(lnf_load_u16(o.at + at + 8), 3);
        ck_assert_uint_eq(lnf_load_u16(o.at + at + 10), 0);
        at = o.size;
        octets_free(&o);
    }
    lnf_writer_count_failures(writer, 5);
    lnf_writer_count_failures(writer, 7);
    ck_assert(same_stat(lnf_writer_stat(writer), &stat));
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    struct octets o = octets_read(path);
    expect_header(&o, LNF_CODEC_NONE, at, 3);
    expect_appendix(&o, at, "a name", &stat);
    octets_free(&o);
    lnf_block_destroy(block);
}
END_TEST

/** Blocks filled to their last octet, with every codec. */
START_TEST(test_full_block)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    static struct reading r;
    unsigned count = 0;

    if (!lnf_codec_available(codec)) {
        return;
    }
    lnf_block_t *block = lnf_block_create();
    lnf_writer_t *writer = open_writer(codec, NULL, false);
    for (struct test_flow flow = test_flow_number(0); test_block_add(block, &flow);) {
        flow = test_flow_number(++count);
    }
    /* A filler record takes the octets that are left. */
    for (size_t size = 200; size >= 4; size--) {
        uint8_t *filler = lnf_block_reserve(block, size);
        if (filler != NULL) {
            memset(filler, 0, size);
            lnf_store_u16(filler, 256);
            lnf_store_u16(filler + 2, (uint16_t)size);
            lnf_block_commit(block);
            break;
        }
    }
    ck_assert_ptr_null(lnf_block_reserve(block, 1));
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    reading_take(&r, path);
    ck_assert_uint_eq(r.problems.all, 0);
    ck_assert_uint_eq(r.flows, 2 * count);
    ck_assert_uint_eq(r.blocks, 2);
    lnf_block_destroy(block);
}
END_TEST

/** Octets that do not compress make a block larger, and it is stored so. */
START_TEST(test_incompressible)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    static struct reading r;
    uint64_t state = 1;

    if (!lnf_codec_available(codec)) {
        return;
    }
    lnf_block_t *block = lnf_block_create();
    lnf_writer_t *writer = open_writer(codec, NULL, false);
    for (unsigned i = 0; i < 16; i++) {
        uint8_t *filler = lnf_block_reserve(block, 65535);
        for (unsigned at = 4; at < 65535; at++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            filler[at] = (uint8_t)(state >> 56);
        }
        lnf_store_u16(filler, 256);
        lnf_store_u16(filler + 2, 65535);
        lnf_block_commit(block);
    }
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    struct octets o = octets_read(path);
    ck_assert_uint_ge(lnf_load_u32(o.at + 44), 16 * 65535);
    octets_free(&o);
    reading_take(&r, path);
    ck_assert_uint_eq(r.problems.all, 0);
    ck_assert_uint_eq(r.blocks, 1);
    lnf_block_destroy(block);
}
END_TEST

/* ---- arguments ------------------------------------------------------------------------------- */

START_TEST(test_ident)
{
    static struct reading r;
    char text[LNF_IDENT_MAX + 2];
    struct lnf_error error;
    lnf_writer_t *writer = NULL;

    memset(text, 'i', sizeof(text));
    text[LNF_IDENT_MAX + 1] = '\0';
    ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_NONE, text, false, &writer, &error),
                     LNF_ERR_OTHER);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(error.text, "122"));

    text[LNF_IDENT_MAX] = '\0';
    ck_assert_int_eq(test_file_write(path, LNF_CODEC_LZ4, text, 0, 0, 4, 4), LNF_OK);
    reading_take(&r, path);
    ck_assert_str_eq(r.ident, text);
    ck_assert_uint_eq(strlen(r.ident), 121);

    static const char *const bad[] = {"tab\t", "\n", "caf\xc3\xa9", "\x7f", "\x1f"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_NONE, bad[i], false, &writer, &error),
                         LNF_ERR_OTHER);
        ck_assert_ptr_nonnull(strstr(error.text, "cannot be printed"));
    }
    /* What was refused left the file alone. */
    reading_take(&r, path);
    ck_assert_str_eq(r.ident, text);

    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, "", 0, 0, 0, 1), LNF_OK);
    reading_take(&r, path);
    ck_assert_str_eq(r.ident, "none");
}
END_TEST

START_TEST(test_codec)
{
    struct lnf_error error;
    lnf_writer_t *writer = NULL;

    ck_assert_int_eq(lnf_writer_open(path, (enum lnf_codec)5, NULL, false, &writer, &error),
                     LNF_ERR_OTHER);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(error.text, "5"));
}
END_TEST

/** Opening what cannot be written names the file and the system's reason. */
START_TEST(test_cannot_open)
{
    const char *const paths[] = {"/nonexistent/flows", "/tmp"};
    const int reasons[] = {ENOENT, EISDIR};

    for (int append = 0; append < 2; append++) {
        struct lnf_error error = {.text = ""};
        lnf_writer_t *writer = NULL;
        int status = lnf_writer_open(paths[_i], LNF_CODEC_LZ4, NULL, append != 0, &writer, &error);
        ck_assert_int_eq(status, LNF_ERR_WRITE);
        ck_assert_ptr_null(writer);
        ck_assert_ptr_nonnull(strstr(error.text, paths[_i]));
        ck_assert_ptr_nonnull(strstr(error.text, strerror(reasons[_i])));
    }
}
END_TEST

START_TEST(test_replace)
{
    static struct reading r;

    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, "old", 0, 0, 1000, 10), LNF_OK);
    ck_assert_int_eq(test_file_write(path, LNF_CODEC_LZ4, "new", 0, 5, 10, 10), LNF_OK);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 5, 10));
    ck_assert_str_eq(r.ident, "new");
    ck_assert_uint_eq(r.problems.all, 0);
}
END_TEST

/* ---- appending ------------------------------------------------------------------------------- */

/** Appends flows behind `count` that are there and checks the whole. */
static void append_and_check(unsigned count, const char *ident, enum lnf_codec codec)
{
    static struct reading r;
    struct lnf_stat stat;
    struct octets before = octets_read(path);
    size_t data = octets_block(&before, (count + PER_BLOCK - 1) / PER_BLOCK);

    ck_assert_int_eq(
        test_file_write(path, LNF_CODEC_NONE, "given", 1, count, 2 * PER_BLOCK, PER_BLOCK), LNF_OK);
    reading_take(&r, path);
    ck_assert_int_eq(r.opened, LNF_OK);
    ck_assert_uint_eq(r.problems.all, 0);
    ck_assert(reading_is(&r, 0, count + 2 * PER_BLOCK));
    ck_assert_uint_eq(r.codec, codec);
    ck_assert_str_eq(r.ident, ident);
    lnf_stat_init(&stat);
    stat_of_flows(&stat, 0, count + 2 * PER_BLOCK);
    ck_assert(same_stat(&r.stat, &stat));

    /* Only the header's counters differ from what was there. */
    struct octets after = octets_read(path);
    ck_assert(memcmp(before.at, after.at, 18) == 0);
    ck_assert(memcmp(before.at + 40, after.at + 40, data - 40) == 0);
    octets_free(&before);
    octets_free(&after);
}

START_TEST(test_append)
{
    enum lnf_codec codec = (enum lnf_codec)_i;

    if (!lnf_codec_available(codec)) {
        return;
    }
    ck_assert_int_eq(test_file_write(path, codec, "kept", 0, 0, 4 * PER_BLOCK, PER_BLOCK), LNF_OK);
    struct octets o = octets_read(path);
    lnf_store_u64(o.at + 8, 1234567890); /* created long ago */
    octets_write(path, o.at, o.size);
    append_and_check(4 * PER_BLOCK, "kept", codec);
    append_and_check(6 * PER_BLOCK, "kept", codec);
    octets_free(&o);
}
END_TEST

/** Whatever a crash left is continued behind its last complete block; a lost ident is given anew.
 */
START_TEST(test_append_unfinished)
{
    enum lnf_codec codec = _i == 0 ? LNF_CODEC_NONE : LNF_CODEC_LZ4;

    ck_assert_int_eq(test_file_write(path, codec, "kept", 0, 0, 3 * PER_BLOCK, PER_BLOCK), LNF_OK);
    struct octets o = octets_read(path);
    octets_unfinish(&o);
    for (size_t size = 40; size <= o.size; size++) {
        unsigned blocks = 0;
        while (blocks < 3 && octets_block(&o, blocks + 1) <= size) {
            blocks++;
        }
        octets_write(path, o.at, size);
        append_and_check(blocks * PER_BLOCK, size == o.size ? "kept" : "given", codec);
    }
    octets_free(&o);
}
END_TEST

/** The ident given names a file that had none yet. */
START_TEST(test_append_new)
{
    static struct reading r;

    if (_i == 1) {
        unlink(path);
    }
    ck_assert_int_eq(test_file_write(path, LNF_CODEC_LZ4, "given", 1, 0, 9, 3), LNF_OK);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, 9));
    ck_assert_str_eq(r.ident, "given");
    ck_assert_uint_eq(r.codec, LNF_CODEC_LZ4);
    ck_assert_uint_eq(r.problems.all, 0);
}
END_TEST

/** An ident that nfdump refuses does not stay. */
START_TEST(test_append_bad_ident)
{
    static struct reading r;

    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, "strange", 0, 0, 3, 3), LNF_OK);
    struct octets o = octets_read(path);
    o.at[octets_appendix(&o) + 16 + 2] = '\t';
    octets_write(path, o.at, o.size);
    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, NULL, 1, 3, 3, 3), LNF_OK);
    reading_take(&r, path);
    ck_assert_str_eq(r.ident, "none");
    ck_assert(reading_is(&r, 0, 6));
    octets_free(&o);
}
END_TEST

static void expect_refused(const struct octets *o, int expected)
{
    struct lnf_error error = {.text = ""};
    lnf_writer_t *writer = NULL;

    octets_write(path, o->at, o->size);
    ck_assert_int_eq(lnf_writer_open(path, LNF_CODEC_NONE, NULL, true, &writer, &error), expected);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(error.text, path));
    struct octets after = octets_read(path);
    ck_assert_uint_eq(after.size, o->size);
    ck_assert(memcmp(after.at, o->at, o->size) == 0);
    octets_free(&after);
}

/** Files that cannot be continued are left as they are. */
START_TEST(test_append_refused)
{
    ck_assert_int_eq(test_file_write(path, LNF_CODEC_NONE, NULL, 0, 0, 9, 3), LNF_OK);
    struct octets o = octets_read(path);

    uint8_t text[100];
    memset(text, 'x', sizeof(text));
    expect_refused(&(struct octets){text, sizeof(text)}, LNF_ERR_CORRUPT);
    expect_refused(&(struct octets){o.at, 39}, LNF_ERR_CORRUPT);

    uint8_t layout1[276] = {0x0C, 0xA5, 1};
    expect_refused(&(struct octets){layout1, sizeof(layout1)}, LNF_ERR_CORRUPT);

    o.at[2] = 3;
    expect_refused(&o, LNF_ERR_CORRUPT);
    o.at[2] = 2;
    o.at[17] = 1;
    expect_refused(&o, LNF_ERR_CORRUPT);
    o.at[17] = 0;

    /* Blocks that do not lead to the appendix. */
    o.at[octets_block(&o, 1) + 4]++;
    expect_refused(&o, LNF_ERR_CORRUPT);
    octets_free(&o);
}
END_TEST

/* ---- write errors ---------------------------------------------------------------------------- */

START_TEST(test_dev_full)
{
    struct lnf_error error = {.text = ""};
    lnf_writer_t *writer = NULL;

    ck_assert_int_eq(lnf_writer_open("/dev/full", LNF_CODEC_NONE, NULL, _i == 1, &writer, &error),
                     LNF_ERR_WRITE);
    ck_assert_ptr_null(writer);
    ck_assert_ptr_nonnull(strstr(error.text, "/dev/full"));
    if (_i == 0) {
        ck_assert_ptr_nonnull(strstr(error.text, strerror(ENOSPC)));
    }
}
END_TEST

/** A block that does not fit leaves nothing behind and may be offered again. */
START_TEST(test_full_disk)
{
    static struct reading r;
    struct lnf_error error = {.text = ""};
    enum lnf_codec codec = _i == 0 ? LNF_CODEC_NONE : LNF_CODEC_LZ4;
    lnf_block_t *block = lnf_block_create();
    lnf_writer_t *writer = open_writer(codec, "full", false);

    fill_block(block, 0, PER_BLOCK);
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    struct octets o = octets_read(path);
    struct lnf_stat stat = *lnf_writer_stat(writer);

    fill_block(block, PER_BLOCK, PER_BLOCK);
    for (size_t room = 0; room < 60; room++) {
        limit_file_size(o.size + room);
        int status = lnf_writer_put(writer, block, &error);
        limit_file_size(RLIM_INFINITY);
        ck_assert_int_eq(status, LNF_ERR_WRITE);
        ck_assert_ptr_nonnull(strstr(error.text, strerror(EFBIG)));
        ck_assert_ptr_nonnull(strstr(error.text, path));
        struct octets after = octets_read(path);
        ck_assert_uint_eq(after.size, o.size);
        ck_assert(memcmp(after.at, o.at, o.size) == 0);
        octets_free(&after);
        ck_assert_uint_eq(lnf_writer_blocks(writer), 1);
        ck_assert(same_stat(lnf_writer_stat(writer), &stat));
    }
    ck_assert_int_eq(lnf_writer_put(writer, block, &error), LNF_OK);
    ck_assert_int_eq(lnf_writer_close(writer, &error), LNF_OK);
    reading_take(&r, path);
    ck_assert(reading_is(&r, 0, 2 * PER_BLOCK));
    ck_assert_uint_eq(r.problems.all, 0);
    octets_free(&o);
    lnf_block_destroy(block);
}
END_TEST

/** No room for the appendix: closing tells, and a reader finds all blocks. */
START_TEST(test_full_disk_at_close)
{
    static struct reading r;
    struct lnf_error error;
    lnf_block_t *block = lnf_block_create();

    fill_block(block, 0, PER_BLOCK);
    for (size_t room = 0; room < 12 + 4 + 5 + STAT_SIZE; room++) {
        lnf_writer_t *writer = open_writer(LNF_CODEC_NONE, "full", false);
        ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
        struct octets o = octets_read(path);
        limit_file_size(o.size + room);
        int status = lnf_writer_close(writer, &error);
        limit_file_size(RLIM_INFINITY);
        ck_assert_int_eq(status, LNF_ERR_WRITE);
        ck_assert_ptr_nonnull(strstr(error.text, strerror(EFBIG)));
        reading_take(&r, path);
        ck_assert(reading_is(&r, 0, PER_BLOCK));
        ck_assert(!r.finished);
        octets_free(&o);
    }
    lnf_block_destroy(block);
}
END_TEST

/* ---- nfdump ---------------------------------------------------------------------------------- */

/** Runs a command and returns what it prints on both streams. */
static char *run(const char *command, int *status)
{
    enum { ROOM = 16 << 20 };
    char *text = malloc(ROOM);
    FILE *pipe = popen(command, "r");

    ck_assert_ptr_nonnull(pipe);
    size_t size = fread(text, 1, ROOM - 1, pipe);
    text[size] = '\0';
    *status = pclose(pipe);
    return text;
}

/** `nfdump -v`: nothing on standard error, no line after "Records". */
static void check_nfdump_verify(void)
{
    char command[200];
    int status;

    snprintf(command, sizeof(command), "nfdump -v %s 2>&1 >/dev/null", path);
    char *errors = run(command, &status);
    ck_assert_str_eq(errors, "");
    ck_assert_int_eq(status, 0);
    free(errors);

    snprintf(command, sizeof(command), "nfdump -v %s", path);
    char *text = run(command, &status);
    char *records = strstr(text, "\nRecords ");
    ck_assert_ptr_nonnull(records);
    char *end = strchr(records + 1, '\n');
    ck_assert_msg(end != NULL && end[1] == '\0', "%s", text);
    free(text);
}

/** `nfdump -o csv`: one line for every flow, with its numbers. */
static void check_nfdump_csv(unsigned first, unsigned count)
{
    char command[200];
    int status;
    unsigned lines = 0;

    snprintf(command, sizeof(command), "TZ=UTC nfdump -r %s -o csv 2>&1", path);
    char *text = run(command, &status);
    ck_assert_int_eq(status, 0);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] < '0' || line[0] > '9') {
            if (strcmp(line, "Summary") == 0) {
                break;
            }
            continue;
        }
        struct test_flow flow = test_flow_number(first + lines);
        char expected[200];
        snprintf(expected, sizeof(expected), ",%llu,%llu,0,0,", (unsigned long long)flow.packets,
                 (unsigned long long)flow.bytes);
        ck_assert_msg(strstr(line, expected) != NULL, "flow %u: %s", first + lines, line);
        if (flow.proto != 1) {
            snprintf(expected, sizeof(expected), ",%u,%u,", flow.srcport, flow.dstport);
            ck_assert_msg(strstr(line, expected) != NULL, "flow %u: %s", first + lines, line);
        }
        lines++;
    }
    ck_assert_uint_eq(lines, count);
    free(text);
}

static void expect_line(const char *text, const char *name, uint64_t value)
{
    char line[100];

    snprintf(line, sizeof(line), "\n%s: %llu\n", name, (unsigned long long)value);
    ck_assert_msg(strstr(text, line) != NULL, "no '%s: %llu' in %s", name,
                  (unsigned long long)value, text);
}

/** `nfdump -I`: the sums are ours. */
static void check_nfdump_sums(const char *ident, const struct lnf_stat *stat)
{
    static const char *const classes[] = {"tcp", "udp", "icmp", "other"};
    char command[200], name[40];
    int status;

    snprintf(command, sizeof(command), "echo; nfdump -I -r %s 2>&1", path);
    char *text = run(command, &status);
    ck_assert_int_eq(status, 0);
    snprintf(name, sizeof(name), "\nIdent: %.30s\n", ident);
    ck_assert_ptr_nonnull(strstr(text, name));
    expect_line(text, "Flows", stat->flows);
    expect_line(text, "Packets", stat->packets);
    expect_line(text, "Bytes", stat->bytes);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "Flows_%s", classes[i]);
        expect_line(text, name, stat->class_flows[i]);
        snprintf(name, sizeof(name), "Packets_%s", classes[i]);
        expect_line(text, name, stat->class_packets[i]);
        snprintf(name, sizeof(name), "Bytes_%s", classes[i]);
        expect_line(text, name, stat->class_bytes[i]);
    }
    if (stat->flows > 0) {
        expect_line(text, "First", stat->first_ms / 1000);
        expect_line(text, "msec_first", stat->first_ms % 1000);
        expect_line(text, "Last", stat->last_ms / 1000);
        expect_line(text, "msec_last", stat->last_ms % 1000);
    }
    expect_line(text, "Sequence failures", stat->sequence_failures);
    free(text);
}

/** Flows and blocks of the files nfdump gets; the last one is appended to. */
static const struct {
    unsigned count, per_block, append;
} nfdump_rows[] = {{0, 1, 0}, {1, 1, 0}, {30, 7, 0}, {15000, 20000, 0}, {30, 7, 20}};

START_TEST(test_nfdump)
{
    enum lnf_codec codec = (enum lnf_codec)(_i % 4); /* zstd is too new for nfdump 1.7.1 */
    unsigned row = (unsigned)_i / 4;
    unsigned count = nfdump_rows[row].count, append = nfdump_rows[row].append;
    struct lnf_stat stat;

    if (!lnf_codec_available(codec) || system("nfdump -V >/dev/null 2>&1") != 0) {
        return;
    }
    ck_assert_int_eq(
        test_file_write(path, codec, "an-ident", 0, 0, count, nfdump_rows[row].per_block), LNF_OK);
    if (append > 0) {
        ck_assert_int_eq(test_file_write(path, codec, NULL, 1, count, append, 7), LNF_OK);
    }
    lnf_stat_init(&stat);
    stat_of_flows(&stat, 0, count + append);
    check_nfdump_verify();
    check_nfdump_csv(0, count + append < 1000 ? count + append : 15000);
    check_nfdump_sums("an-ident", &stat);
}
END_TEST

/** Writes flows with a level of compression; octets of the file. */
static off_t write_with_level(enum lnf_codec codec, int level, unsigned count)
{
    struct stat st;
    lnf_block_t *block = lnf_block_create();
    lnf_writer_t *writer = open_writer(codec, NULL, false);

    ck_assert_int_eq(lnf_writer_set_level(writer, level, NULL), LNF_OK);
    fill_block(block, 0, count / 2);
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    fill_block(block, count / 2, count - count / 2);
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    lnf_block_destroy(block);
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

/** Every level is read back, by nfdump, too; the highest one makes a smaller file than the first.
 */
START_TEST(test_levels)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    enum { COUNT = 4000 };
    static struct reading r;
    off_t first = 0, last = 0;
    /* zstd is too new for nfdump 1.7.1. */
    bool nfdump = codec != LNF_CODEC_ZSTD && system("nfdump -V >/dev/null 2>&1") == 0;

    if (!lnf_codec_available(codec)) {
        return;
    }
    off_t preset = write_with_level(codec, LNF_LEVEL_DEFAULT, COUNT);
    for (int level = 1; level <= lnf_codec_max_level(codec); level++) {
        last = write_with_level(codec, level, COUNT);
        first = level == 1 ? last : first;
        reading_take(&r, path);
        ck_assert_uint_eq(r.problems.all, 0);
        ck_assert_uint_eq(r.flows, COUNT);
        ck_assert_uint_eq(r.codec, codec);
        if (nfdump) {
            check_nfdump_verify();
            check_nfdump_csv(0, COUNT);
        }
    }
    if (lnf_codec_max_level(codec) > 0) {
        ck_assert_int_lt(last, first);
    }
    if (codec == LNF_CODEC_LZ4) {
        ck_assert_int_eq(preset, first);
    }
}
END_TEST

START_TEST(test_wrong_level)
{
    enum lnf_codec codec = (enum lnf_codec)_i;
    const char *const reasons[] = {
        "compression none has no levels", "compression lzo has no levels",
        "compression bz2 has the levels 1 to 9", "compression lz4 has the levels 1 to 12",
        "compression zstd has the levels 1 to 22"};
    const int levels[] = {-1, lnf_codec_max_level(codec) + 1, 1000000};
    struct lnf_error error;
    char text[200];

    if (!lnf_codec_available(codec)) {
        return;
    }
    lnf_writer_t *writer = open_writer(codec, NULL, false);
    snprintf(text, sizeof(text), "%s: %s", path, reasons[_i]);
    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        ck_assert_int_eq(lnf_writer_set_level(writer, levels[i], &error), LNF_ERR_OTHER);
        ck_assert_str_eq(error.text, text);
    }
    ck_assert_int_eq(lnf_writer_set_level(writer, LNF_LEVEL_DEFAULT, &error), LNF_OK);
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
}
END_TEST

/** The longest ident, exporters of both families, and an ident of one character. */
START_TEST(test_nfdump_exporters)
{
    struct lnf_exporter exporter = {.sysid = 1, .version = 10, .domain_id = 77};
    struct sockaddr_storage v4 = {.ss_family = 2}, v6 = {.ss_family = 10};
    char ident[LNF_IDENT_MAX + 1], command[200];
    int status;

    if (system("nfdump -V >/dev/null 2>&1") != 0) {
        return;
    }
    memset(ident, 'i', LNF_IDENT_MAX);
    ident[LNF_IDENT_MAX] = '\0';
    memcpy((uint8_t *)&v4 + 4, "\xc0\x00\x02\x01", 4);
    memcpy((uint8_t *)&v6 + 8, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05", 16);

    lnf_block_t *block = lnf_block_create();
    lnf_writer_t *writer = open_writer(LNF_CODEC_LZ4, _i == 0 ? ident : "i", false);
    exporter.address = v4;
    ck_assert(lnf_block_add_exporter(block, &exporter));
    exporter.address = v6;
    exporter.sysid = 2;
    exporter.domain_id = 4000000000;
    ck_assert(lnf_block_add_exporter(block, &exporter));
    struct test_flow flow = test_flow_number(0);
    ck_assert(test_block_add(block, &flow));
    ck_assert_int_eq(lnf_writer_put(writer, block, NULL), LNF_OK);
    struct lnf_stat stat = *lnf_writer_stat(writer);
    ck_assert_int_eq(lnf_writer_close(writer, NULL), LNF_OK);
    lnf_block_destroy(block);

    check_nfdump_verify();
    check_nfdump_csv(0, 1);
    if (_i == 1) {
        check_nfdump_sums("i", &stat);
    }
    snprintf(command, sizeof(command), "nfdump -E %s 2>&1", path);
    char *text = run(command, &status);
    ck_assert_msg(strstr(text, "SysID: 1, IP:        192.0.2.1, version: 10, ID: 77 ") != NULL,
                  "%s", text);
    ck_assert_msg(strstr(text, "2001:db8::5, version: 10, ID: 4000000000") != NULL, "%s", text);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/writer");
    TCase *tc = tcase_create("writer");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_removed_meanwhile);
    tcase_add_test(tc, test_always_removed);
    tcase_add_test(tc, test_empty_file);
    tcase_add_test(tc, test_blocks);
    tcase_add_loop_test(tc, test_full_block, 0, 5);
    tcase_add_loop_test(tc, test_incompressible, 0, 5);
    tcase_add_test(tc, test_ident);
    tcase_add_test(tc, test_codec);
    tcase_add_loop_test(tc, test_levels, 0, 5);
    tcase_add_loop_test(tc, test_wrong_level, 0, 5);
    tcase_add_loop_test(tc, test_cannot_open, 0, 2);
    tcase_add_test(tc, test_replace);
    tcase_add_loop_test(tc, test_append, 0, 5);
    tcase_add_loop_test(tc, test_append_unfinished, 0, 2);
    tcase_add_loop_test(tc, test_append_new, 0, 2);
    tcase_add_test(tc, test_append_bad_ident);
    tcase_add_test(tc, test_append_refused);
    tcase_add_loop_test(tc, test_dev_full, 0, 2);
    tcase_add_loop_test(tc, test_full_disk, 0, 2);
    tcase_add_test(tc, test_full_disk_at_close);
    tcase_add_loop_test(tc, test_nfdump, 0, 4 * sizeof(nfdump_rows) / sizeof(nfdump_rows[0]));
    tcase_add_loop_test(tc, test_nfdump_exporters, 0, 2);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
