/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Fuzz target: an index beside a small flow file. The first octet of the input decides:
 *
 *   even  the rest are changes to the file's own index (u16 place, u8 mask; the last one cuts the
 *         index there when the octet has bit 1): answers must stay what they are without it
 *   odd   the rest is an index of which all checksums and the identity are made right, so that the
 *         code behind them is reached: nothing may be read out of bounds, and the blocks picked
 * must be blocks
 */
#include "index.h"
#include "query.h"
#include "sample_flows.h"

#include <fcntl.h>
#include <libnf.h>
#include <libnf/scan.h>
#include <libnf/writer.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 3u
#define QUERIES 4u
#define PATCHED_PAGES_MAX 64u

static const char *const filters[QUERIES] = {"host 10.0.0.1", "net 2001:db8::/64 or port 53",
                                             "ip in [192.0.2.1 10.0.0.9 8.8.0.0/16] and bytes > 5",
                                             "not proto tcp and src net 240.0.0.0/20"};

/** The flow file, its index, and the answers. */
static struct {
    bool ready;
    char directory[64], flow[96], index[96];
    uint8_t *octets;
    size_t size;
    struct lnf_identity identity;
    lnf_query_t *queries[QUERIES];
    bool matches[QUERIES][BLOCKS]; /* whether a block holds what the filter asks for */
} world;

static void require(bool what)
{
    if (!what) {
        abort();
    }
}

static void remove_world(void)
{
    unlink(world.flow);
    unlink(world.index);
    rmdir(world.directory);
    for (unsigned i = 0; i < QUERIES; i++) {
        lnf_query_destroy(world.queries[i]);
    }
    free(world.octets);
}

static void write_flows(void)
{
    lnf_writer_t *writer;
    lnf_block_t *block = lnf_block_create();

    require(lnf_writer_open(world.flow, LNF_CODEC_NONE, NULL, false, &writer, NULL) == LNF_OK);
    require(lnf_writer_use_index(writer, NULL) == LNF_OK);
    for (unsigned b = 0; b < BLOCKS; b++) {
        struct test_records records = {0};
        for (unsigned i = b * 3; i < b * 3 + 3; i++) {
            test_records_add(&records, &sample_flows[i]);
        }
        for (size_t at = 0; at < records.size;) {
            size_t length = lnf_load_u16(records.octets + at + 2);
            memcpy(lnf_block_reserve(block, length), records.octets + at, length);
            lnf_block_commit(block);
            at += length;
        }
        require(lnf_writer_put(writer, block, NULL) == LNF_OK);
        lnf_block_clear(block);
        test_records_clear(&records);
    }
    require(lnf_writer_close(writer, NULL) == LNF_OK);
    lnf_block_destroy(block);
}

static void store(const uint8_t *octets, size_t size)
{
    int fd = open(world.index, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    require(fd >= 0 && write(fd, octets, size) == (ssize_t)size);
    close(fd);
}

/** Finds out without the index which blocks match. */
static void find_matches(const lnf_query_t *query, bool *matches)
{
    lnf_scan_t *scan;
    lnf_task_t *task;
    uint64_t before = 0, number;

    require(lnf_scan_open(world.flow, NULL, NULL, &scan, NULL) == LNF_OK);
    require(lnf_task_create(query, &task) == LNF_OK);
    while (lnf_task_run(task, scan, NULL, &number, NULL) == LNF_OK) {
        require(number < BLOCKS);
        matches[number] = lnf_task_totals(task)->flows > before;
        before = lnf_task_totals(task)->flows;
    }
    lnf_task_destroy(task);
    lnf_scan_close(scan);
}

/** Asks the index; `right`: what it leaves out must not match. */
static void ask(unsigned query, bool right)
{
    lnf_input_t *input;
    lnf_index_t *index;
    struct lnf_block_pick *picks;
    size_t count;
    bool picked[BLOCKS] = {false};

    require(lnf_input_open(world.flow, NULL, NULL, &input, NULL) == LNF_OK);
    if (lnf_index_open(input, &index, NULL) == LNF_INDEX_GOOD) {
        if (lnf_index_ask(index, world.queries[query]->plan, &picks, &count) == LNF_INDEX_GOOD) {
            for (size_t i = 0; i < count; i++) {
                require(i == 0 || picks[i - 1].number < picks[i].number);
                require(picks[i].offset < world.identity.data_end);
                if (picks[i].number < BLOCKS) {
                    picked[picks[i].number] = true;
                }
            }
            for (unsigned i = 0; i < BLOCKS && right; i++) {
                require(picked[i] || !world.matches[query][i]);
            }
            free(picks);
        }
        lnf_index_close(index);
    }
    lnf_input_close(input);
}

/** The whole way, for some inputs only since it takes longer. */
static void scan(unsigned query)
{
    struct lnf_index_info info;
    struct lnf_scan_index use;
    lnf_scan_t *scan;
    lnf_task_t *task;
    int status;

    require(lnf_scan_open(world.flow, NULL, NULL, &scan, NULL) == LNF_OK);
    (void)lnf_scan_use_index(scan, world.queries[query], &use);
    require(use.skipped <= use.blocks);
    require(lnf_task_create(world.queries[query], &task) == LNF_OK);
    while ((status = lnf_task_run(task, scan, NULL, NULL, NULL)) == LNF_OK) {
    }
    require(status == LNF_EOF);
    lnf_task_destroy(task);
    lnf_scan_close(scan);
    require(lnf_index_check(world.flow, true, &info, NULL) == LNF_OK);
}

static void make_world(void)
{
    lnf_input_t *input;
    struct stat st;

    strcpy(world.directory, "/tmp/libnf-fuzz-index-XXXXXX");
    require(mkdtemp(world.directory) != NULL);
    snprintf(world.flow, sizeof(world.flow), "%s/lnf.1", world.directory);
    snprintf(world.index, sizeof(world.index), "%s/bfi.1", world.directory);
    write_flows();
    int fd = open(world.index, O_RDONLY);
    require(fd >= 0 && fstat(fd, &st) == 0);
    world.size = (size_t)st.st_size;
    world.octets = malloc(world.size);
    require(read(fd, world.octets, world.size) == st.st_size);
    close(fd);
    require(lnf_input_open(world.flow, NULL, NULL, &input, NULL) == LNF_OK);
    require(lnf_input_identity(input, &world.identity) == LNF_OK);
    lnf_input_close(input);
    for (unsigned i = 0; i < QUERIES; i++) {
        struct lnf_query_spec spec = {.mode = LNF_QUERY_COUNT, .filter = filters[i]};
        require(lnf_query_create(&spec, &world.queries[i], NULL) == LNF_OK);
        find_matches(world.queries[i], world.matches[i]);
    }
    world.ready = true;
    atexit(remove_world);
}

/* ---- changes to the right index -------------------------------------------------------------- */

static void changed_index(const uint8_t *data, size_t size, bool cut)
{
    uint8_t *octets = malloc(world.size);
    struct lnf_reader r = lnf_reader_init(data, size);
    size_t length = world.size;

    memcpy(octets, world.octets, world.size);
    while (lnf_reader_left(&r) >= 3) {
        size_t place = lnf_read_u16_le(&r) % world.size;
        uint8_t mask = lnf_read_u8(&r);
        if (cut && lnf_reader_left(&r) < 3) {
            length = place;
        }
        octets[place] ^= mask;
    }
    store(octets, length);
    free(octets);
    for (unsigned i = 0; i < QUERIES; i++) {
        ask(i, true);
    }
    if (size % 16 == 0) {
        scan(size / 16 % QUERIES);
    }
}

/* ---- any index, made to look right ----------------------------------------------------------- */

static void put_u32(uint8_t *octets, uint32_t value)
{
    lnf_store_u32(octets, htole32(value));
}

/** Checksum of rows named in the header, when they are inside. */
static void patch_rows(uint8_t *octets, size_t size, unsigned offset_at, unsigned count_at,
                       size_t row, unsigned checksum_at)
{
    uint64_t offset = le64toh(lnf_load_u64(octets + offset_at));
    uint64_t length = (uint64_t)le32toh(lnf_load_u32(octets + count_at)) * row;

    if (offset <= size && length <= size - offset) {
        put_u32(octets + checksum_at, lnf_index_checksum(offset, octets + offset, (size_t)length));
    }
}

static void patch_filter(uint8_t *octets, size_t size, uint32_t buckets, uint64_t offset)
{
    for (unsigned page = 0; page < PATCHED_PAGES_MAX && buckets > 0; page++) {
        uint32_t count = buckets < LNF_INDEX_PAGE_BUCKETS ? buckets : LNF_INDEX_PAGE_BUCKETS;
        size_t length = (size_t)count * LNF_INDEX_BUCKET_SIZE;
        if (offset < LNF_INDEX_HEADER_SIZE || offset > size || length + 4 > size - offset) {
            return;
        }
        put_u32(octets + offset, lnf_index_checksum(offset, octets + offset + 4, length));
        offset += length + 4;
        buckets -= count;
    }
}

/** Checksums of the filters that rows tell of. */
static void patch_filters(uint8_t *octets, size_t size, unsigned offset_at, unsigned count_at,
                          size_t row, unsigned buckets_at, unsigned filter_at)
{
    uint64_t offset = le64toh(lnf_load_u64(octets + offset_at));
    uint32_t count = le32toh(lnf_load_u32(octets + count_at));

    for (uint32_t i = 0; i < count && i < 64 && offset <= size && size - offset >= row; i++) {
        patch_filter(octets, size, le32toh(lnf_load_u32(octets + offset + buckets_at)),
                     le64toh(lnf_load_u64(octets + offset + filter_at)));
        offset += row;
    }
}

/** Places as in docs/index-format.md. */
static void any_index(const uint8_t *data, size_t size)
{
    size_t given = size;

    size = size < LNF_INDEX_HEADER_SIZE ? LNF_INDEX_HEADER_SIZE : size;
    uint8_t *octets = calloc(1, size);
    memcpy(octets, data, given);
    memcpy(octets, world.octets, 16);
    lnf_store_u64(octets + 16, htole64(size));
    lnf_store_u64(octets + 24, htole64(world.identity.size));
    lnf_store_u64(octets + 32, htole64(world.identity.data_end));
    put_u32(octets + 40, world.identity.checksum);
    patch_filters(octets, size, 48, 44, LNF_INDEX_BLOCK_SIZE, 20, 24);
    patch_filters(octets, size, 56, 68, LNF_INDEX_SEGMENT_SIZE, 8, 16);
    patch_rows(octets, size, 48, 44, LNF_INDEX_BLOCK_SIZE, 64);
    patch_rows(octets, size, 56, 68, LNF_INDEX_SEGMENT_SIZE, 72);
    put_u32(octets + LNF_INDEX_HEADER_SIZE - 4,
            lnf_index_checksum(0, octets, LNF_INDEX_HEADER_SIZE - 4));
    store(octets, size);
    free(octets);
    for (unsigned i = 0; i < QUERIES; i++) {
        ask(i, false);
    }
    if (size % 16 == 0) {
        scan(size / 16 % QUERIES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!world.ready) {
        make_world();
    }
    if (size == 0) {
        return 0;
    }
    if ((data[0] & 1) == 0) {
        changed_index(data + 1, size - 1, (data[0] & 2) != 0);
    } else {
        /* A buffer of its own size, so that reading past the end is noticed. */
        size_t rest = size - 1 < (1u << 16) ? size - 1 : 1u << 16;
        uint8_t *copy = malloc(rest + 1);
        memcpy(copy, data + 1, rest);
        any_index(copy, rest);
        free(copy);
    }
    return 0;
}
