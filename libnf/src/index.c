/* SPDX-License-Identifier: BSD-3-Clause */
/** An index in octets: where it lies, its rows, and reading it with every length doubted. */
#include "index.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <libnf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FLOW_PREFIX "lnf."
#define FLAG_OPAQUE 1u
#define ROWS_SIZE_MAX (1u << 30)

const uint32_t lnf_index_salt[8] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                    0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

struct lnf_index {
    int fd;
    char path[PATH_MAX];
    uint64_t octets; /* read */
    struct lnf_index_header header;
    struct lnf_index_segment *segments;
    struct lnf_index_block *blocks; /* NULL = not loaded */
    uint8_t *all;                   /* the whole index; NULL = not loaded */
    uint64_t page_offset;           /* of the page below; 0 = none */
    uint8_t page[LNF_INDEX_PAGE_SIZE];
};

/* ---- names ----------------------------------------------------------------------------------- */

bool lnf_index_is_name(const char *name)
{
    return strncmp(name, LNF_INDEX_PREFIX, sizeof(LNF_INDEX_PREFIX) - 1) == 0;
}

bool lnf_index_path(const char *flow_path, char *path, size_t size)
{
    const char *slash = strrchr(flow_path, '/');
    const char *name = slash == NULL ? flow_path : slash + 1;
    int directory = (int)(name - flow_path);

    if (strncmp(name, FLOW_PREFIX, sizeof(FLOW_PREFIX) - 1) == 0) {
        name += sizeof(FLOW_PREFIX) - 1;
    }
    int length = snprintf(path, size, "%.*s" LNF_INDEX_PREFIX "%s", directory, flow_path, name);
    return length >= 0 && (size_t)length < size;
}

const char *lnf_index_state_text(enum lnf_index_state state)
{
    static const char *const texts[] = {
        [LNF_INDEX_GOOD] = "good",           [LNF_INDEX_MISSING] = "missing",
        [LNF_INDEX_FOREIGN] = "foreign",     [LNF_INDEX_STALE] = "stale",
        [LNF_INDEX_DAMAGED] = "damaged",     [LNF_INDEX_UNFINISHED] = "flow file unfinished",
        [LNF_INDEX_NOT_ASKED] = "not asked", [LNF_INDEX_UNREADABLE] = "unreadable",
    };

    return (unsigned)state <= LNF_INDEX_UNREADABLE ? texts[state] : "unknown";
}

/* ---- rows ------------------------------------------------------------------------------------ */

uint32_t lnf_index_checksum(uint64_t offset, const void *octets, size_t size)
{
    uint64_t place = htole64(offset);
    uLong checksum = crc32(0, (const Bytef *)&place, sizeof(place));

    return (uint32_t)crc32_z(checksum, octets, size);
}

uint64_t lnf_index_filter_size(uint32_t buckets)
{
    uint64_t pages = ((uint64_t)buckets + LNF_INDEX_PAGE_BUCKETS - 1) / LNF_INDEX_PAGE_BUCKETS;

    return pages * 4 + (uint64_t)buckets * LNF_INDEX_BUCKET_SIZE;
}

void lnf_index_write_header(struct lnf_writer_bytes *w, const struct lnf_index_header *header)
{
    uint8_t *start = w->at;

    lnf_write_bytes(w, LNF_INDEX_MAGIC, LNF_INDEX_MAGIC_SIZE);
    lnf_write_u16_le(w, LNF_INDEX_VERSION);
    lnf_write_u16_le(w, LNF_INDEX_HEADER_SIZE);
    lnf_write_u32_le(w, LNF_INDEX_BLOCK_SIZE);
    lnf_write_u64_le(w, header->index_size);
    lnf_write_u64_le(w, header->flow.size);
    lnf_write_u64_le(w, header->flow.data_end);
    lnf_write_u32_le(w, header->flow.checksum);
    lnf_write_u32_le(w, header->block_count);
    lnf_write_u64_le(w, header->directory);
    lnf_write_u64_le(w, header->segments);
    lnf_write_u32_le(w, header->directory_checksum);
    lnf_write_u32_le(w, header->segment_count);
    lnf_write_u32_le(w, header->segments_checksum);
    lnf_write_u32_le(w, header->opaque_count);
    while (lnf_writer_bytes_used(w) - (size_t)(start - w->start) < LNF_INDEX_HEADER_SIZE - 4) {
        lnf_write_u8(w, 0);
    }
    lnf_write_u32_le(w, lnf_index_checksum(0, start, LNF_INDEX_HEADER_SIZE - 4));
}

void lnf_index_write_segment(struct lnf_writer_bytes *w, const struct lnf_index_segment *segment)
{
    lnf_write_u32_le(w, segment->first);
    lnf_write_u32_le(w, segment->count);
    lnf_write_u32_le(w, segment->filter.buckets);
    lnf_write_u32_le(w, 0);
    lnf_write_u64_le(w, segment->filter.offset);
}

void lnf_index_write_block(struct lnf_writer_bytes *w, const struct lnf_index_block *block)
{
    lnf_write_u64_le(w, block->offset);
    lnf_write_u32_le(w, block->stored_size);
    lnf_write_u32_le(w, block->records);
    lnf_write_u32_le(w, block->opaque ? FLAG_OPAQUE : 0);
    lnf_write_u32_le(w, block->filter.buckets);
    lnf_write_u64_le(w, block->filter.offset);
    for (unsigned zone = 0; zone < LNF_ZONE_SRCPORT; zone++) {
        lnf_write_u64_le(w, block->zones[zone].min);
        lnf_write_u64_le(w, block->zones[zone].max);
    }
    for (unsigned zone = LNF_ZONE_SRCPORT; zone < LNF_ZONES; zone++) {
        lnf_write_u16_le(w, (uint16_t)block->zones[zone].min);
        lnf_write_u16_le(w, (uint16_t)block->zones[zone].max);
    }
    lnf_write_bytes(w, block->protocols, sizeof(block->protocols));
    lnf_write_bytes(w, block->ports, sizeof(block->ports));
}

static void read_block(struct lnf_reader *r, struct lnf_index_block *block)
{
    block->offset = lnf_read_u64_le(r);
    block->stored_size = lnf_read_u32_le(r);
    block->records = lnf_read_u32_le(r);
    block->opaque = (lnf_read_u32_le(r) & FLAG_OPAQUE) != 0;
    block->filter.buckets = lnf_read_u32_le(r);
    block->filter.offset = lnf_read_u64_le(r);
    for (unsigned zone = 0; zone < LNF_ZONES; zone++) {
        bool wide = zone < LNF_ZONE_SRCPORT;
        block->zones[zone].min = wide ? lnf_read_u64_le(r) : lnf_read_u16_le(r);
        block->zones[zone].max = wide ? lnf_read_u64_le(r) : lnf_read_u16_le(r);
    }
    for (unsigned i = 0; i < sizeof(block->protocols); i++) {
        block->protocols[i] = lnf_read_u8(r);
    }
    for (unsigned i = 0; i < sizeof(block->ports); i++) {
        block->ports[i] = lnf_read_u8(r);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

/** Reads exactly `size` octets. */
static bool read_at(lnf_index_t *index, uint64_t offset, uint8_t *to, size_t size)
{
    index->octets += size;
    while (size > 0) {
        ssize_t got = pread(index->fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        to += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

/** Whether `size` octets from `offset` on lie behind the header and in the index. */
static bool inside(const lnf_index_t *index, uint64_t offset, uint64_t size)
{
    return offset >= LNF_INDEX_HEADER_SIZE && offset <= index->header.index_size &&
           size <= index->header.index_size - offset;
}

static bool filter_inside(const lnf_index_t *index, const struct lnf_index_filter *filter)
{
    return filter->buckets == 0 ||
           (filter->buckets <= LNF_INDEX_BUCKETS_MAX &&
            inside(index, filter->offset, lnf_index_filter_size(filter->buckets)));
}

/** Reads rows and compares their checksum; malloc'ed, or NULL. */
static uint8_t *read_rows(lnf_index_t *index, uint64_t offset, uint64_t size, uint32_t checksum)
{
    if (size > ROWS_SIZE_MAX || !inside(index, offset, size)) {
        return NULL;
    }
    uint8_t *octets = malloc((size_t)size + 1);
    if (octets == NULL) {
        return NULL;
    }
    if (!read_at(index, offset, octets, (size_t)size) ||
        lnf_index_checksum(offset, octets, (size_t)size) != checksum) {
        free(octets);
        return NULL;
    }
    return octets;
}

/** The rows of segments: together they are all blocks, in order. */
static bool load_segments(lnf_index_t *index)
{
    const struct lnf_index_header *header = &index->header;
    uint64_t size = (uint64_t)header->segment_count * LNF_INDEX_SEGMENT_SIZE;
    uint8_t *octets = read_rows(index, header->segments, size, header->segments_checksum);
    uint32_t next = 0;

    if (octets == NULL) {
        return false;
    }
    index->segments = calloc((size_t)header->segment_count + 1, sizeof(*index->segments));
    bool good = index->segments != NULL;
    struct lnf_reader r = lnf_reader_init(octets, (size_t)size);
    for (uint32_t i = 0; good && i < header->segment_count; i++) {
        struct lnf_index_segment *segment = &index->segments[i];
        segment->first = lnf_read_u32_le(&r);
        segment->count = lnf_read_u32_le(&r);
        segment->filter.buckets = lnf_read_u32_le(&r);
        lnf_read_skip(&r, 4);
        segment->filter.offset = lnf_read_u64_le(&r);
        good = segment->first == next && segment->count > 0 &&
               segment->count <= header->block_count - next &&
               filter_inside(index, &segment->filter);
        next += segment->count;
    }
    free(octets);
    return good && next == header->block_count;
}

bool lnf_index_load_blocks(lnf_index_t *index)
{
    const struct lnf_index_header *header = &index->header;
    uint64_t size = (uint64_t)header->block_count * LNF_INDEX_BLOCK_SIZE;
    uint64_t end = 0; /* of the block before */

    if (index->blocks != NULL) {
        return true;
    }
    uint8_t *octets = read_rows(index, header->directory, size, header->directory_checksum);
    struct lnf_index_block *blocks = calloc((size_t)header->block_count + 1, sizeof(*blocks));
    bool good = octets != NULL && blocks != NULL;
    struct lnf_reader r = lnf_reader_init(octets == NULL ? (const uint8_t *)"" : octets,
                                          octets == NULL ? 0 : (size_t)size);
    for (uint32_t i = 0; good && i < header->block_count; i++) {
        struct lnf_index_block *block = &blocks[i];
        read_block(&r, block);
        good = block->offset >= end && block->offset <= header->flow.data_end &&
               header->flow.data_end - block->offset >=
                   (uint64_t)LNF_BLOCK_HEADER_SIZE + block->stored_size &&
               filter_inside(index, &block->filter);
        end = block->offset + LNF_BLOCK_HEADER_SIZE + block->stored_size;
    }
    free(octets);
    if (!good) {
        free(blocks);
        return false;
    }
    index->blocks = blocks;
    return true;
}

/** Brings the page with a bucket into memory: where its buckets begin, or NULL. */
static const uint8_t *load_page(lnf_index_t *index, const struct lnf_index_filter *filter,
                                uint32_t bucket)
{
    uint32_t first = bucket / LNF_INDEX_PAGE_BUCKETS * LNF_INDEX_PAGE_BUCKETS;
    uint32_t left = filter->buckets - first;
    size_t size = (left < LNF_INDEX_PAGE_BUCKETS ? left : LNF_INDEX_PAGE_BUCKETS) *
                  (size_t)LNF_INDEX_BUCKET_SIZE;
    uint64_t offset =
        filter->offset + (uint64_t)(first / LNF_INDEX_PAGE_BUCKETS) * LNF_INDEX_PAGE_SIZE;

    if (index->all != NULL) {
        return index->all + offset + 4;
    }
    if (index->page_offset == offset) {
        return index->page + 4;
    }
    index->page_offset = 0;
    if (!read_at(index, offset, index->page, 4 + size) ||
        lnf_index_checksum(offset, index->page + 4, size) != le32toh(lnf_load_u32(index->page))) {
        return NULL;
    }
    index->page_offset = offset;
    return index->page + 4;
}

bool lnf_index_maybe(lnf_index_t *index, const struct lnf_index_filter *filter, uint64_t key,
                     bool *damaged)
{
    if (filter->buckets == 0) {
        return true;
    }
    uint32_t bucket = lnf_index_bucket(key, filter->buckets);
    const uint8_t *page = load_page(index, filter, bucket);
    if (page == NULL) {
        *damaged = true;
        return true;
    }
    const uint8_t *words = page + (size_t)(bucket % LNF_INDEX_PAGE_BUCKETS) * LNF_INDEX_BUCKET_SIZE;
    uint32_t missing = 0;
    for (unsigned i = 0; i < 8; i++) {
        missing |= lnf_index_bit(key, i) & ~le32toh(lnf_load_u32(words + (size_t)4 * i));
    }
    return missing == 0;
}

bool lnf_index_load_all(lnf_index_t *index)
{
    size_t size = (size_t)index->header.index_size;
    uint8_t *all = malloc(size);

    if (all == NULL || !read_at(index, 0, all, size)) {
        free(all);
        return false;
    }
    index->all = all;
    return true;
}

bool lnf_index_check_filter(lnf_index_t *index, const struct lnf_index_filter *filter)
{
    for (uint32_t bucket = 0; bucket < filter->buckets; bucket += LNF_INDEX_PAGE_BUCKETS) {
        if (load_page(index, filter, bucket) == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- opening --------------------------------------------------------------------------------- */

static enum lnf_index_state bad(const lnf_index_t *index, enum lnf_index_state state,
                                struct lnf_error *why, const char *text)
{
    lnf_error_set(why, 0, "%s: %s", index->path, text);
    return state;
}

static enum lnf_index_state read_header(lnf_index_t *index, uint64_t size, struct lnf_error *why)
{
    uint8_t octets[LNF_INDEX_HEADER_SIZE];
    struct lnf_index_header *header = &index->header;

    if (size < LNF_INDEX_MAGIC_SIZE || !read_at(index, 0, octets, LNF_INDEX_MAGIC_SIZE) ||
        memcmp(octets, LNF_INDEX_MAGIC, LNF_INDEX_MAGIC_SIZE) != 0) {
        return bad(index, LNF_INDEX_FOREIGN, why, "not an index of this library");
    }
    if (size < sizeof(octets) ||
        !read_at(index, LNF_INDEX_MAGIC_SIZE, octets + LNF_INDEX_MAGIC_SIZE,
                 sizeof(octets) - LNF_INDEX_MAGIC_SIZE)) {
        return bad(index, LNF_INDEX_DAMAGED, why, "the header is cut short");
    }
    struct lnf_reader r = lnf_reader_init(octets, sizeof(octets));
    lnf_read_skip(&r, LNF_INDEX_MAGIC_SIZE);
    unsigned version = lnf_read_u16_le(&r);
    unsigned header_size = lnf_read_u16_le(&r);
    unsigned block_size = lnf_read_u32_le(&r);
    if (lnf_index_checksum(0, octets, sizeof(octets) - 4) !=
        le32toh(lnf_load_u32(octets + sizeof(octets) - 4))) {
        return bad(index, LNF_INDEX_DAMAGED, why, "the header's checksum is wrong");
    }
    if (version != LNF_INDEX_VERSION || header_size != LNF_INDEX_HEADER_SIZE ||
        block_size != LNF_INDEX_BLOCK_SIZE) {
        return bad(index, LNF_INDEX_FOREIGN, why, "an index of another version");
    }
    header->index_size = lnf_read_u64_le(&r);
    header->flow.size = lnf_read_u64_le(&r);
    header->flow.data_end = lnf_read_u64_le(&r);
    header->flow.checksum = lnf_read_u32_le(&r);
    header->block_count = lnf_read_u32_le(&r);
    header->directory = lnf_read_u64_le(&r);
    header->segments = lnf_read_u64_le(&r);
    header->directory_checksum = lnf_read_u32_le(&r);
    header->segment_count = lnf_read_u32_le(&r);
    header->segments_checksum = lnf_read_u32_le(&r);
    header->opaque_count = lnf_read_u32_le(&r);
    if (header->index_size != size) {
        return bad(index, LNF_INDEX_DAMAGED, why, "the index is cut short or too long");
    }
    return LNF_INDEX_GOOD;
}

static enum lnf_index_state open_file(lnf_index_t *index, struct lnf_error *why)
{
    struct stat st;

    /* Not blocking: somebody may have put a FIFO there. */
    index->fd = open(index->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (index->fd < 0 || fstat(index->fd, &st) != 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return bad(index, missing ? LNF_INDEX_MISSING : LNF_INDEX_UNREADABLE, why, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return bad(index, LNF_INDEX_FOREIGN, why, "not a file");
    }
    return read_header(index, (uint64_t)st.st_size, why);
}

enum lnf_index_state lnf_index_open_path(const char *path, lnf_index_t **index,
                                         struct lnf_error *why)
{
    lnf_index_t *x = calloc(1, sizeof(*x));

    if (x == NULL) {
        lnf_error_set(why, 0, "%s: no memory", path);
        return LNF_INDEX_UNREADABLE;
    }
    x->fd = -1;
    (void)snprintf(x->path, sizeof(x->path), "%s", path);
    enum lnf_index_state state = open_file(x, why);
    if (state == LNF_INDEX_GOOD && !load_segments(x)) {
        state = bad(x, LNF_INDEX_DAMAGED, why, "the rows of segments are damaged");
    }
    if (state != LNF_INDEX_GOOD) {
        lnf_index_close(x);
        return state;
    }
    *index = x;
    return LNF_INDEX_GOOD;
}

enum lnf_index_state lnf_index_open(lnf_input_t *input, lnf_index_t **index, struct lnf_error *why)
{
    const char *flow_path = lnf_input_path(input);
    struct lnf_identity identity;
    lnf_index_t *x = NULL;
    char path[PATH_MAX];

    if (!lnf_index_path(flow_path, path, sizeof(path))) {
        lnf_error_set(why, 0, "%s: no room for the name of an index", flow_path);
        return LNF_INDEX_MISSING;
    }
    enum lnf_index_state state = lnf_index_open_path(path, &x, why);
    if (state != LNF_INDEX_GOOD) {
        return state;
    }
    int status = lnf_input_identity(input, &identity);
    if (status != LNF_OK) {
        state = bad(x, LNF_INDEX_UNFINISHED, why, "its flow file is not finished");
    } else if (identity.size != x->header.flow.size ||
               identity.data_end != x->header.flow.data_end ||
               identity.checksum != x->header.flow.checksum) {
        state = bad(x, LNF_INDEX_STALE, why, "the flow file has changed since the index was made");
    }
    if (state != LNF_INDEX_GOOD) {
        lnf_index_close(x);
        return state;
    }
    *index = x;
    return LNF_INDEX_GOOD;
}

void lnf_index_close(lnf_index_t *index)
{
    if (index == NULL) {
        return;
    }
    if (index->fd >= 0) {
        close(index->fd);
    }
    free(index->all);
    free(index->segments);
    free(index->blocks);
    free(index);
}

const struct lnf_index_header *lnf_index_header(const lnf_index_t *index)
{
    return &index->header;
}

uint64_t lnf_index_octets(const lnf_index_t *index)
{
    return index->octets;
}

const struct lnf_index_segment *lnf_index_segment(const lnf_index_t *index, uint32_t number)
{
    return &index->segments[number];
}

const struct lnf_index_block *lnf_index_block(const lnf_index_t *index, uint32_t number)
{
    return &index->blocks[number];
}
