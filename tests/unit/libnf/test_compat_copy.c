/* SPDX-License-Identifier: BSD-3-Clause */
/** Records copied from file to file: blocks that come through as they were keep their octets. */
#include "flowfile_check.h"
#include "record.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>

#define FLOWS 40000u /* four blocks */
#define EXPORTERS 3u

static char from[64], to[64];

static void make_name(char name[64])
{
    snprintf(name, 64, "/tmp/libnf-test-copy-XXXXXX");
    int fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void setup(void)
{
    make_name(from);
    make_name(to);
}

static void teardown(void)
{
    unlink(from);
    unlink(to);
}

static lnf_file_t *open_file(const char *path, unsigned flags)
{
    lnf_file_t *file = NULL;
    char text[LNF_MAX_STRING] = "";

    int status = lnf_open(&file, path, flags, NULL);
    lnf_error(text, sizeof(text));
    ck_assert_msg(status == LNF_OK, "%s", text);
    return file;
}

static lnf_rec_t *new_record(void)
{
    lnf_rec_t *rec = NULL;

    ck_assert_int_eq(lnf_rec_init(&rec), LNF_OK);
    return rec;
}

static struct lnf_exporter make_exporter(unsigned number)
{
    struct lnf_exporter exporter = {.version = 10, .domain_id = number};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(number + 1)};

    memcpy(&exporter.address, &address, sizeof(address));
    return exporter;
}

/** A flow whose octets tell its number; some IPv6, which makes records of two sizes. */
static void set_flow(lnf_rec_t *rec, unsigned number)
{
    struct lnf_exporter exporter = make_exporter(number % EXPORTERS);
    lnf_brec1_t brec;

    memset(&brec, 0, sizeof(brec));
    brec.first = 1700000000000 + number * 7919u % 300000;
    brec.last = brec.first + number % 1000;
    brec.srcaddr.data[3] = htonl(0x0a000000 + number * 2654435761u % 65536);
    brec.srcaddr.data[0] = number % 5 == 0 ? htonl(0x20010db8) : 0;
    brec.dstaddr.data[3] = htonl(0xc0000201);
    brec.prot = number % 2 == 0 ? 6 : 17;
    brec.srcport = (uint16_t)(number * 40503u);
    brec.bytes = number;
    brec.pkts = 1 + number % 9;
    lnf_rec_clear(rec);
    ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_BREC1, &brec), LNF_OK);
    lnf_rec_set_exporter(rec, &exporter);
}

/** The file to copy. Its level makes other octets than the default one. */
static void make_source(unsigned flags)
{
    lnf_rec_t *rec = new_record();
    lnf_file_t *file = open_file(from, LNF_WRITE | flags);

    for (unsigned i = 0; i < FLOWS; i++) {
        set_flow(rec, i);
        ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
    }
    lnf_close(file);
    lnf_rec_free(rec);
}

/** Octets of the blocks with their headers: what lies between file header and appendix. */
static struct octets blocks_of(const char *path)
{
    struct octets o = octets_read(path);
    size_t size = (size_t)lnf_load_u64(o.at + 24) - 40;

    memmove(o.at, o.at + 40, size);
    o.size = size;
    return o;
}

/** Of the blocks of both files those with the same octets, from the first on. */
static unsigned same_blocks(void)
{
    struct octets a = blocks_of(from), b = blocks_of(to);
    unsigned count = 0;

    for (size_t at = 0; at < a.size && at < b.size;) {
        size_t size = 12 + lnf_load_u32(a.at + at + 4);
        if (at + size > b.size || memcmp(a.at + at, b.at + at, size) != 0) {
            break;
        }
        at += size;
        count++;
    }
    octets_free(&a);
    octets_free(&b);
    return count;
}

/** Whether the last blocks are the same. */
static bool same_last_block(void)
{
    struct octets files[] = {blocks_of(from), blocks_of(to)};
    size_t last[2] = {0, 0};

    for (unsigned i = 0; i < 2; i++) {
        for (size_t at = 0; at < files[i].size; at += 12 + lnf_load_u32(files[i].at + at + 4)) {
            last[i] = at;
        }
    }
    size_t size = files[0].size - last[0];
    bool same = files[1].size - last[1] == size &&
                memcmp(files[0].at + last[0], files[1].at + last[1], size) == 0;
    octets_free(&files[0]);
    octets_free(&files[1]);
    return same;
}

static uint64_t block_count(const char *path)
{
    uint64_t blocks = 0;
    lnf_file_t *file = open_file(path, LNF_READ);

    ck_assert_int_eq(lnf_info(file, LNF_INFO_BLOCKS, &blocks, sizeof(blocks)), LNF_OK);
    lnf_close(file);
    return blocks;
}

/** The copy has the flows from `first` on, but for `missing`, with statistics and exporters. */
static void expect_copy(unsigned first, unsigned missing, unsigned changed)
{
    lnf_rec_t *rec = new_record(), *expected = new_record();
    lnf_file_t *file = open_file(to, LNF_READ);
    uint64_t flows = 0, sum = 0, bytes = 0, count = 0;
    size_t size, expected_size;

    for (unsigned i = first; i < FLOWS; i++) {
        if (i == missing) {
            continue;
        }
        set_flow(expected, i);
        bytes = i == changed ? 1000000 : i;
        ck_assert_int_eq(lnf_rec_fset(expected, LNF_FLD_DOCTETS, &bytes), LNF_OK);
        ck_assert_int_eq(lnf_read(file, rec), LNF_OK);
        const uint8_t *got = lnf_rec_raw(rec, &size);
        const uint8_t *wanted = lnf_rec_raw(expected, &expected_size);
        ck_assert_uint_eq(size, expected_size);
        ck_assert(memcmp(got, wanted, 8) == 0 && memcmp(got + 10, wanted + 10, size - 10) == 0);
        ck_assert_ptr_nonnull(lnf_rec_exporter(rec));
        ck_assert_uint_eq(lnf_rec_exporter(rec)->domain_id, i % EXPORTERS);
        count++;
        sum += bytes;
    }
    ck_assert_int_eq(lnf_read(file, rec), LNF_EOF);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_FLOWS, &flows, sizeof(flows)), LNF_OK);
    ck_assert_uint_eq(flows, count);
    ck_assert_int_eq(lnf_info(file, LNF_INFO_BYTES, &flows, sizeof(flows)), LNF_OK);
    ck_assert_uint_eq(flows, sum);
    lnf_close(file);
    lnf_rec_free(rec);
    lnf_rec_free(expected);
}

#define NONE UINT32_MAX

/** Copies the flows from `first` on without `missing`; the octets of `changed` become others. */
static void copy(unsigned flags, unsigned first, unsigned missing, unsigned changed)
{
    lnf_rec_t *rec = new_record();
    lnf_file_t *in = open_file(from, LNF_READ), *out = open_file(to, LNF_WRITE | flags);
    uint64_t bytes = 1000000;

    for (unsigned i = 0; i < FLOWS; i++) {
        ck_assert_int_eq(lnf_read(in, rec), LNF_OK);
        if (i == changed) {
            ck_assert_int_eq(lnf_rec_fset(rec, LNF_FLD_DOCTETS, &bytes), LNF_OK);
        }
        if (i >= first && i != missing) {
            ck_assert_int_eq(lnf_write(out, rec), LNF_OK);
        }
    }
    /* The last block is still to be written when the file it came from is gone. */
    ck_assert_int_eq(lnf_read(in, rec), LNF_EOF);
    lnf_close(in);
    lnf_rec_free(rec);
    lnf_close(out);
}

static const struct {
    unsigned flags, level;
    enum lnf_codec codec;
} rows[] = {{LNF_COMP_LZ4, 4, LNF_CODEC_LZ4},
            {LNF_COMP_ZSTD, 1, LNF_CODEC_ZSTD},
            {LNF_COMP_BZ2, 1, LNF_CODEC_BZ2}};

START_TEST(test_whole)
{
    if (!lnf_codec_available(rows[_i].codec)) {
        return;
    }
    make_source(rows[_i].flags | LNF_COMP_LEVEL(rows[_i].level));
    copy(rows[_i].flags, 0, NONE, NONE);
    expect_copy(0, NONE, NONE);
    ck_assert_uint_ge(block_count(from), 4);
    ck_assert_uint_eq(same_blocks(), block_count(from));
    ck_assert_uint_eq(block_count(to), block_count(from));
}
END_TEST

/* What readers pass over behind a bzip2 stream, and as a frame of zstd. */
static const uint8_t hidden[] = "\x50\x2a\x4d\x18\x22\0\0\0hidden octets, passed over by all";

/** Puts the octets behind, or in front of, the stream of each block of the file to copy. */
static void hide_octets(bool in_front)
{
    struct octets o = octets_read(from);
    size_t appendix = octets_appendix(&o), used = LNF_FILE_HEADER_SIZE;
    uint8_t *out = malloc(o.size + block_count(from) * sizeof(hidden));

    memcpy(out, o.at, used);
    for (size_t at = used, size; at < appendix; at += LNF_BLOCK_HEADER_SIZE + size) {
        uint8_t *stored = out + used + LNF_BLOCK_HEADER_SIZE;
        size = lnf_load_u32(o.at + at + 4);
        memcpy(out + used, o.at + at, LNF_BLOCK_HEADER_SIZE);
        lnf_store_u32(out + used + 4, (uint32_t)(size + sizeof(hidden)));
        memcpy(stored + (in_front ? sizeof(hidden) : 0), o.at + at + LNF_BLOCK_HEADER_SIZE, size);
        memcpy(stored + (in_front ? 0 : size), hidden, sizeof(hidden));
        used += LNF_BLOCK_HEADER_SIZE + size + sizeof(hidden);
    }
    lnf_store_u64(out + 24, used);
    memcpy(out + used, o.at + appendix, o.size - appendix);
    octets_write(from, out, used + o.size - appendix);
    octets_free(&o);
    free(out);
}

/** A copy has the records and nothing else: not what somebody put between them. */
START_TEST(test_hidden_octets)
{
    static const struct {
        unsigned row;
        bool in_front;
    } cases[] = {{1, false}, {1, true}, {2, false}};
    unsigned row = cases[_i].row;

    ck_assert_uint_eq(sizeof(hidden), 8 + 0x22);
    if (!lnf_codec_available(rows[row].codec)) {
        return;
    }
    make_source(rows[row].flags | LNF_COMP_LEVEL(rows[row].level));
    hide_octets(cases[_i].in_front);
    struct octets o = octets_read(from);
    ck_assert_ptr_nonnull(memmem(o.at, o.size, hidden, sizeof(hidden)));
    octets_free(&o);
    copy(rows[row].flags, 0, NONE, NONE);
    expect_copy(0, NONE, NONE);
    ck_assert_uint_eq(block_count(to), block_count(from));
    o = octets_read(to);
    ck_assert_ptr_null(memmem(o.at, o.size, hidden, sizeof(hidden)));
    octets_free(&o);
}
END_TEST

/** Another codec, or a level somebody asked for: everything is compressed anew. */
START_TEST(test_compressed_anew)
{
    const unsigned flags[] = {LNF_COMP_LZ4 | LNF_COMP_LEVEL(1), LNF_COMP_BZ2, 0};

    make_source(LNF_COMP_LZ4 | LNF_COMP_LEVEL(4));
    if (flags[_i] == LNF_COMP_BZ2 && !lnf_codec_available(LNF_CODEC_BZ2)) {
        return;
    }
    copy(flags[_i], 0, NONE, NONE);
    expect_copy(0, NONE, NONE);
    ck_assert_uint_eq(same_blocks(), 0);
}
END_TEST

/** One record changed, or left out: its block is another one, and the copy has what it should. */
START_TEST(test_not_whole)
{
    make_source(LNF_COMP_LZ4 | LNF_COMP_LEVEL(4));
    copy(LNF_COMP_LZ4, 0, NONE, FLOWS / 2);
    expect_copy(0, NONE, FLOWS / 2);
    unsigned before = same_blocks();
    ck_assert_uint_ge(before, 1);
    ck_assert_uint_lt(before, block_count(from));

    copy(LNF_COMP_LZ4, 0, FLOWS / 2, NONE);
    expect_copy(0, FLOWS / 2, NONE);
    ck_assert_uint_ge(same_blocks(), 1);
    ck_assert(same_last_block());

    copy(LNF_COMP_LZ4, 1, NONE, NONE);
    expect_copy(1, NONE, NONE);
    ck_assert_uint_eq(same_blocks(), 0);
    ck_assert_uint_eq(block_count(to), block_count(from));

    copy(LNF_COMP_LZ4, 0, FLOWS - 1, NONE);
    expect_copy(0, FLOWS - 1, NONE);
    ck_assert_uint_eq(same_blocks(), block_count(from) - 1);
}
END_TEST

/** A record kept from each block: none is in the way of the blocks, and each stays what it was. */
START_TEST(test_records_kept)
{
    lnf_rec_t *kept[FLOWS / 1000];
    uint64_t bytes;

    make_source(LNF_COMP_LZ4 | LNF_COMP_LEVEL(4));
    lnf_file_t *in = open_file(from, LNF_READ), *out = open_file(to, LNF_WRITE | LNF_COMP_LZ4);
    lnf_rec_t *rec = new_record();
    for (unsigned i = 0; i < FLOWS; i++) {
        lnf_rec_t *this = i % 1000 == 0 ? kept[i / 1000] = new_record() : rec;
        ck_assert_int_eq(lnf_read(in, this), LNF_OK);
        ck_assert_int_eq(lnf_write(out, this), LNF_OK);
    }
    lnf_close(in);
    lnf_close(out);
    expect_copy(0, NONE, NONE);
    ck_assert_uint_eq(same_blocks(), block_count(from));

    /* Records whose blocks are gone, the first of a block among them. */
    out = open_file(to, LNF_WRITE | LNF_COMP_LZ4);
    for (unsigned i = 0; i < FLOWS / 1000; i++) {
        ck_assert_int_eq(lnf_write(out, kept[i]), LNF_OK);
        ck_assert_int_eq(lnf_rec_fget(kept[i], LNF_FLD_DOCTETS, &bytes), LNF_OK);
        ck_assert_uint_eq(bytes, i * 1000);
        lnf_rec_free(kept[i]);
    }
    lnf_close(out);
    ck_assert_uint_eq(block_count(to), 1);
    lnf_rec_free(rec);
}
END_TEST

/** Small blocks are put together. */
START_TEST(test_small_blocks)
{
    enum { FILES = 20, SOME = 100 };
    lnf_rec_t *rec = new_record();
    uint64_t flows;

    for (unsigned i = 0; i < FILES; i++) {
        lnf_file_t *file = open_file(from, (i == 0 ? LNF_WRITE : LNF_APPEND) | LNF_COMP_LZ4);
        for (unsigned j = 0; j < SOME; j++) {
            set_flow(rec, i * SOME + j);
            ck_assert_int_eq(lnf_write(file, rec), LNF_OK);
        }
        lnf_close(file);
    }
    ck_assert_uint_eq(block_count(from), FILES);
    lnf_file_t *in = open_file(from, LNF_READ), *out = open_file(to, LNF_WRITE | LNF_COMP_LZ4);
    while (lnf_read(in, rec) == LNF_OK) {
        ck_assert_int_eq(lnf_write(out, rec), LNF_OK);
    }
    ck_assert_int_eq(lnf_info(out, LNF_INFO_FLOWS, &flows, sizeof(flows)), LNF_OK);
    ck_assert_uint_eq(flows, FILES * SOME);
    lnf_close(in);
    lnf_close(out);
    ck_assert_uint_eq(block_count(to), 1);
    lnf_rec_free(rec);
}
END_TEST

/* ---- reader and writer in two threads -------------------------------------------------------- */

#define PASSED 2048u /* records on their way at most */
#define WAKE 512u    /* records after which the other thread is woken */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    lnf_rec_t *records[PASSED];
    unsigned read, written;
} passing = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/** Waits until record number `i` may be written (`full`), or read into. */
static lnf_rec_t *wait_for_record(unsigned i, bool full)
{
    pthread_mutex_lock(&passing.lock);
    while (full ? passing.read <= i : passing.written + PASSED <= i) {
        pthread_cond_wait(&passing.changed, &passing.lock);
    }
    pthread_mutex_unlock(&passing.lock);
    return passing.records[i % PASSED];
}

static void pass_record(unsigned *count)
{
    pthread_mutex_lock(&passing.lock);
    (*count)++;
    if (*count % WAKE == 0 || *count == FLOWS) {
        pthread_cond_signal(&passing.changed);
    }
    pthread_mutex_unlock(&passing.lock);
}

static void *write_passed(void *context)
{
    for (unsigned i = 0; i < FLOWS; i++) {
        lnf_rec_t *rec = wait_for_record(i, true);
        if (lnf_write(context, rec) != LNF_OK) {
            abort();
        }
        pass_record(&passing.written);
    }
    return NULL;
}

START_TEST(test_threads)
{
    pthread_t thread;

    make_source(LNF_COMP_LZ4 | LNF_COMP_LEVEL(4));
    for (unsigned i = 0; i < PASSED; i++) {
        passing.records[i] = new_record();
    }
    lnf_file_t *in = open_file(from, LNF_READ), *out = open_file(to, LNF_WRITE | LNF_COMP_LZ4);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_passed, out), 0);
    for (unsigned i = 0; i < FLOWS; i++) {
        ck_assert_int_eq(lnf_read(in, wait_for_record(i, false)), LNF_OK);
        pass_record(&passing.read);
    }
    lnf_close(in);
    pthread_join(thread, NULL);
    lnf_close(out);
    expect_copy(0, NONE, NONE);
    for (unsigned i = 0; i < PASSED; i++) {
        lnf_rec_free(passing.records[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("libnf/compat_copy");
    TCase *tc = tcase_create("compat_copy");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_whole, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_loop_test(tc, test_hidden_octets, 0, 3);
    tcase_add_loop_test(tc, test_compressed_anew, 0, 3);
    tcase_add_test(tc, test_not_whole);
    tcase_add_test(tc, test_records_kept);
    tcase_add_test(tc, test_small_blocks);
    tcase_add_test(tc, test_threads);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
