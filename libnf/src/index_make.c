/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Makes an index: keys of every block in a hash set, sets into filters, filters into memory, and
 * all of it into a file that appears at once under its name.
 *
 * The columns are those the filter evaluator reads, so that a record without an address, or a
 * damaged one, means the same to both.
 */
#include "error.h"
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libnf.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define FALSE_POSITIVES 0.01
#define FALSE_POSITIVES_MIN 0.000001
#define SET_SLOTS_MIN 4096u
#define FETCH_AHEAD 12u
#define NETS16 65536u

/** Distinct keys: open addressing, at most half full, 0 = free; and the same keys as a list. */
struct key_set {
    uint64_t *slots;
    uint64_t *list;
    size_t size; /* of slots: a power of two */
    size_t count;
};

/** Octets that grow. */
struct octets {
    uint8_t *data;
    size_t size, room;
};

struct lnf_index_maker {
    double block_bits, segment_bits; /* of filters, for each key */
    lnf_batch_t *batch;
    const struct lnf_field *src, *dst, *protocol;
    const struct lnf_field *zones[LNF_ZONES];

    struct key_set block_keys, segment_keys;
    uint64_t nets16[NETS16 / 64]; /* of the segment: a bit for each */
    uint32_t segment_first;       /* number of its first block */

    struct octets file; /* room for the header, then filters */
    struct octets blocks, segments;
    uint32_t block_count, segment_count, opaque_count;
    uint64_t last_end; /* in the flow file, behind the last block */
};

/* ---- octets ---------------------------------------------------------------------------------- */

/** Room for `size` more octets at the end, zeroed, or NULL. */
static uint8_t *octets_add(struct octets *octets, size_t size)
{
    if (octets->room - octets->size < size) {
        size_t room = (octets->size + size) * 3 / 2 + 4096;
        uint8_t *data = realloc(octets->data, room);
        if (data == NULL) {
            return NULL;
        }
        octets->data = data;
        octets->room = room;
    }
    uint8_t *start = octets->data + octets->size;
    octets->size += size;
    return memset(start, 0, size);
}

/* ---- sets of keys ---------------------------------------------------------------------------- */

static void set_free(struct key_set *set)
{
    free(set->slots);
    free(set->list);
    *set = (struct key_set){0};
}

static bool set_init(struct key_set *set, size_t size)
{
    *set = (struct key_set){.size = size};
    set->slots = calloc(size, sizeof(*set->slots));
    set->list = malloc(size / 2 * sizeof(*set->list));
    return set->slots != NULL && set->list != NULL;
}

static void set_clear(struct key_set *set)
{
    memset(set->slots, 0, set->size * sizeof(*set->slots));
    set->count = 0;
}

/** Whether the key was not there before. There is room for it. */
static inline bool set_add(struct key_set *set, uint64_t key)
{
    size_t slot = (size_t)key & (set->size - 1);

    while (set->slots[slot] != 0) {
        if (set->slots[slot] == key) {
            return false;
        }
        slot = (slot + 1) & (set->size - 1);
    }
    set->slots[slot] = key;
    set->list[set->count++] = key;
    return true;
}

/** Has the place of a later key fetched while others are looked at. */
static inline void set_fetch(const struct key_set *set, const uint64_t *keys, size_t at,
                             size_t count)
{
    if (at + FETCH_AHEAD < count) {
        __builtin_prefetch(&set->slots[(size_t)keys[at + FETCH_AHEAD] & (set->size - 1)], 1);
    }
}

static void set_add_list(struct key_set *set, const uint64_t *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        set_fetch(set, keys, i, count);
        (void)set_add(set, keys[i]);
    }
}

/** Makes room for `more` keys. */
static bool set_reserve(struct key_set *set, size_t more)
{
    struct key_set larger;
    size_t size = set->size;

    while ((set->count + more) * 2 > size) {
        size *= 2;
    }
    if (size == set->size) {
        return true;
    }
    if (!set_init(&larger, size)) {
        set_free(&larger);
        return false;
    }
    set_add_list(&larger, set->list, set->count);
    set_free(set);
    *set = larger;
    return true;
}

/* ---- filters --------------------------------------------------------------------------------- */

/** Bits for each key so that `share` of absent keys seem to be there. Source: Apache Parquet. */
static double bits_per_key(double share)
{
    share = isnan(share) || share < FALSE_POSITIVES_MIN ? FALSE_POSITIVES_MIN
            : share > 0.9                               ? 0.9
                                                        : share;
    return -8.0 / log(1.0 - pow(share, 1.0 / 8.0));
}

static void add_to_bucket(uint8_t *bucket, uint64_t key)
{
    uint32_t words[8];

    memcpy(words, bucket, sizeof(words));
    for (unsigned i = 0; i < 8; i++) {
        words[i] |= htole32(lnf_index_bit(key, i));
    }
    memcpy(bucket, words, sizeof(words));
}

/** Where a bucket is, seen from the begin of its filter. */
static size_t bucket_place(uint32_t bucket)
{
    return (size_t)(bucket / LNF_INDEX_PAGE_BUCKETS) * LNF_INDEX_PAGE_SIZE + 4 +
           (size_t)(bucket % LNF_INDEX_PAGE_BUCKETS) * LNF_INDEX_BUCKET_SIZE;
}

static void seal_pages(uint8_t *filter, uint64_t offset, size_t size)
{
    for (size_t at = 0; at < size; at += LNF_INDEX_PAGE_SIZE) {
        size_t page = size - at < LNF_INDEX_PAGE_SIZE ? size - at : LNF_INDEX_PAGE_SIZE;
        uint32_t checksum = lnf_index_checksum(offset + at, filter + at + 4, page - 4);
        lnf_store_u32(filter + at, htole32(checksum));
    }
}

/** Appends the filter of a set of keys; false without memory. */
static bool add_filter(lnf_index_maker_t *maker, const struct key_set *set, double bits,
                       struct lnf_index_filter *filter)
{
    double buckets = ceil((double)set->count * bits / (LNF_INDEX_BUCKET_SIZE * 8.0));
    uint64_t offset = maker->file.size;

    *filter = (struct lnf_index_filter){0, 0};
    if (set->count == 0 || buckets > LNF_INDEX_BUCKETS_MAX) {
        return true;
    }
    size_t size = (size_t)lnf_index_filter_size((uint32_t)buckets);
    uint8_t *start = octets_add(&maker->file, size);
    if (start == NULL) {
        return false;
    }
    *filter = (struct lnf_index_filter){offset, (uint32_t)buckets};
    for (size_t i = 0; i < set->count; i++) {
        uint32_t bucket = lnf_index_bucket(set->list[i], filter->buckets);
        add_to_bucket(start + bucket_place(bucket), set->list[i]);
    }
    seal_pages(start, offset, size);
    return true;
}

/* ---- segments -------------------------------------------------------------------------------- */

static bool add_nets16(lnf_index_maker_t *maker)
{
    for (uint32_t net = 0; net < NETS16; net++) {
        if ((maker->nets16[net / 64] >> (net % 64) & 1) == 0) {
            continue;
        }
        struct lnf_addr network = {0, (uint64_t)net << 16};
        if (!set_reserve(&maker->segment_keys, 1)) {
            return false;
        }
        (void)set_add(&maker->segment_keys, lnf_index_key(LNF_LEVEL_IPV4_16, network));
    }
    memset(maker->nets16, 0, sizeof(maker->nets16));
    return true;
}

/** Ends the segment: its filter and its row. */
static bool end_segment(lnf_index_maker_t *maker)
{
    struct lnf_index_segment segment = {.first = maker->segment_first,
                                        .count = maker->block_count - maker->segment_first};

    if (segment.count == 0) {
        return true;
    }
    uint8_t *row = octets_add(&maker->segments, LNF_INDEX_SEGMENT_SIZE);
    if (row == NULL || !add_nets16(maker) ||
        !add_filter(maker, &maker->segment_keys, maker->segment_bits, &segment.filter)) {
        return false;
    }
    struct lnf_writer_bytes w = lnf_writer_bytes_init(row, LNF_INDEX_SEGMENT_SIZE);
    lnf_index_write_segment(&w, &segment);
    set_clear(&maker->segment_keys);
    maker->segment_first = maker->block_count;
    maker->segment_count++;
    return true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/** Networks around an address not seen in the block before. There is room for its keys. */
static void add_networks(lnf_index_maker_t *maker, struct lnf_addr a)
{
    if (lnf_index_is_ipv4(a)) {
        uint64_t net16 = a.lo >> 16;
        maker->nets16[net16 / 64] |= UINT64_C(1) << (net16 % 64);
        a.lo &= ~UINT64_C(0xff);
        (void)set_add(&maker->block_keys, lnf_index_key(LNF_LEVEL_IPV4_24, a));
        return;
    }
    a.lo = 0;
    if (set_add(&maker->block_keys, lnf_index_key(LNF_LEVEL_IPV6_64, a))) {
        a.hi &= ~UINT64_C(0xffff);
        (void)set_add(&maker->segment_keys, lnf_index_key(LNF_LEVEL_IPV6_48, a));
        a.hi &= ~UINT64_C(0xffffffff);
        (void)set_add(&maker->segment_keys, lnf_index_key(LNF_LEVEL_IPV6_32, a));
    }
}

static bool add_addresses(lnf_index_maker_t *maker, const struct lnf_field *field, unsigned rows)
{
    const struct lnf_addr *column = lnf_batch_column(maker->batch, field, NULL, rows);
    uint64_t keys[LNF_BATCH_ROWS];

    if (!set_reserve(&maker->block_keys, (size_t)rows * 2) ||
        !set_reserve(&maker->segment_keys, (size_t)rows * 2)) {
        return false;
    }
    for (unsigned i = 0; i < rows; i++) {
        enum lnf_index_level level = lnf_index_is_ipv4(column[i]) ? LNF_LEVEL_IPV4 : LNF_LEVEL_IPV6;
        keys[i] = lnf_index_key(level, column[i]);
    }
    for (unsigned i = 0; i < rows; i++) {
        set_fetch(&maker->block_keys, keys, i, rows);
        if (set_add(&maker->block_keys, keys[i])) {
            add_networks(maker, column[i]);
        }
    }
    return true;
}

static void widen(struct lnf_index_block *block, enum lnf_index_zone zone, uint64_t min,
                  uint64_t max)
{
    block->zones[zone].min = min < block->zones[zone].min ? min : block->zones[zone].min;
    block->zones[zone].max = max > block->zones[zone].max ? max : block->zones[zone].max;
}

static void add_zones(lnf_index_maker_t *maker, struct lnf_index_block *block, unsigned rows)
{
    for (unsigned zone = 0; zone < LNF_ZONE_SRCPORT; zone++) {
        const uint64_t *column = lnf_batch_column(maker->batch, maker->zones[zone], NULL, rows);
        uint64_t min = UINT64_MAX, max = 0;
        for (unsigned i = 0; i < rows; i++) {
            min = column[i] < min ? column[i] : min;
            max = column[i] > max ? column[i] : max;
        }
        widen(block, zone, min, max);
    }
    for (unsigned zone = LNF_ZONE_SRCPORT; zone < LNF_ZONES; zone++) {
        const uint16_t *column = lnf_batch_column(maker->batch, maker->zones[zone], NULL, rows);
        uint16_t min = UINT16_MAX, max = 0;
        for (unsigned i = 0; i < rows; i++) {
            min = column[i] < min ? column[i] : min;
            max = column[i] > max ? column[i] : max;
            if (column[i] < LNF_INDEX_LOW_PORTS) {
                block->ports[column[i] / 8] |= (uint8_t)(1u << (column[i] % 8));
            }
        }
        widen(block, zone, min, max);
    }
}

static void add_protocols(lnf_index_maker_t *maker, struct lnf_index_block *block, unsigned rows)
{
    const uint8_t *column = lnf_batch_column(maker->batch, maker->protocol, NULL, rows);

    for (unsigned i = 0; i < rows; i++) {
        block->protocols[column[i] / 8] |= (uint8_t)(1u << (column[i] % 8));
    }
}

/** Takes the records of a block into the sets and the row. */
static bool add_records(lnf_index_maker_t *maker, const struct lnf_block_ref *ref,
                        const uint8_t *records, size_t size, struct lnf_index_block *block)
{
    unsigned rows;
    size_t at;

    lnf_batch_open(maker->batch, records, size);
    while ((rows = lnf_batch_next(maker->batch)) > 0) {
        if (!add_addresses(maker, maker->src, rows) || !add_addresses(maker, maker->dst, rows)) {
            return false;
        }
        add_zones(maker, block, rows);
        add_protocols(maker, block, rows);
    }
    /* What a query would report must be reported with an index, too. */
    block->opaque = lnf_batch_damaged(maker->batch, &at) > 0 ||
                    (ref->type == LNF_BLOCK_FLOWS && lnf_batch_seen(maker->batch) != ref->records);
    return true;
}

static bool keys_to_segment(lnf_index_maker_t *maker)
{
    if (!set_reserve(&maker->segment_keys, maker->block_keys.count)) {
        return false;
    }
    set_add_list(&maker->segment_keys, maker->block_keys.list, maker->block_keys.count);
    return true;
}

bool lnf_index_maker_add(lnf_index_maker_t *maker, const struct lnf_block_ref *ref,
                         const uint8_t *records, size_t size)
{
    struct lnf_index_block block = {.offset = ref->offset,
                                    .stored_size = ref->stored_size,
                                    .records = ref->records,
                                    .opaque = records == NULL};

    for (unsigned zone = 0; zone < LNF_ZONES; zone++) {
        block.zones[zone].min = zone < LNF_ZONE_SRCPORT ? UINT64_MAX : UINT16_MAX;
    }
    set_clear(&maker->block_keys);
    if (records != NULL && !add_records(maker, ref, records, size, &block)) {
        return false;
    }
    uint8_t *row = octets_add(&maker->blocks, LNF_INDEX_BLOCK_SIZE);
    if (row == NULL || !keys_to_segment(maker) ||
        !add_filter(maker, &maker->block_keys, maker->block_bits, &block.filter)) {
        return false;
    }
    struct lnf_writer_bytes w = lnf_writer_bytes_init(row, LNF_INDEX_BLOCK_SIZE);
    lnf_index_write_block(&w, &block);
    maker->block_count++;
    maker->opaque_count += block.opaque;
    maker->last_end = ref->offset + LNF_BLOCK_HEADER_SIZE + ref->stored_size;
    return maker->block_count - maker->segment_first < LNF_INDEX_SEGMENT_BLOCKS ||
           end_segment(maker);
}

/* ---- life ------------------------------------------------------------------------------------ */

lnf_index_maker_t *lnf_index_maker_create(const struct lnf_index_options *options)
{
    static const int zone_fields[LNF_ZONES] = {LNF_FLD_FIRST,   LNF_FLD_LAST,    LNF_FLD_DPKTS,
                                               LNF_FLD_DOCTETS, LNF_FLD_SRCPORT, LNF_FLD_DSTPORT};
    lnf_index_maker_t *maker = calloc(1, sizeof(*maker));

    if (maker == NULL) {
        return NULL;
    }
    double share = options == NULL || options->false_positives == 0 ? FALSE_POSITIVES
                                                                    : options->false_positives;
    maker->segment_bits = bits_per_key(share);
    maker->block_bits = bits_per_key(share * 2); /* asked only when the segment's says maybe */
    maker->src = lnf_field_get(LNF_FLD_SRCADDR);
    maker->dst = lnf_field_get(LNF_FLD_DSTADDR);
    maker->protocol = lnf_field_get(LNF_FLD_PROT);
    for (unsigned zone = 0; zone < LNF_ZONES; zone++) {
        maker->zones[zone] = lnf_field_get(zone_fields[zone]);
    }
    maker->last_end = LNF_FILE_HEADER_SIZE;
    maker->batch = lnf_batch_create();
    if (maker->batch == NULL || !set_init(&maker->block_keys, SET_SLOTS_MIN) ||
        !set_init(&maker->segment_keys, SET_SLOTS_MIN) ||
        octets_add(&maker->file, LNF_INDEX_HEADER_SIZE) == NULL) {
        lnf_index_maker_destroy(maker);
        return NULL;
    }
    return maker;
}

void lnf_index_maker_destroy(lnf_index_maker_t *maker)
{
    if (maker == NULL) {
        return;
    }
    lnf_batch_destroy(maker->batch);
    set_free(&maker->block_keys);
    set_free(&maker->segment_keys);
    free(maker->file.data);
    free(maker->blocks.data);
    free(maker->segments.data);
    free(maker);
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *octets, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, octets, size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            errno = put < 0 ? errno : EIO;
            return false;
        }
        octets += put;
        size -= (size_t)put;
    }
    return true;
}

/** Name nobody else uses, in the directory of `path`; hidden, so that no walk takes it for data. */
static bool temporary_path(const char *path, char *temporary, size_t size)
{
    const char *slash = strrchr(path, '/');
    int directory = slash == NULL ? 0 : (int)(slash + 1 - path);
    uint32_t number = 0;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number)) {
        number = (uint32_t)getpid();
    }
    int length =
        snprintf(temporary, size, "%.*s.%s.%08" PRIx32, directory, path, path + directory, number);
    return length >= 0 && (size_t)length < size;
}

/** Writes the octets under a temporary name and renames it. */
static int replace_file(const char *path, const struct octets *octets, struct lnf_error *error)
{
    char temporary[PATH_MAX];

    if (!temporary_path(path, temporary, sizeof(temporary))) {
        lnf_error_set(error, 0, "%s: path is too long", path);
        return LNF_ERR_OTHER;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0664);
    if (fd < 0) {
        lnf_error_set(error, 0, "%s: %s", temporary, strerror(errno));
        return LNF_ERR_WRITE;
    }
    bool written = write_all(fd, octets->data, octets->size);
    int reason = errno;
    if (close(fd) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && rename(temporary, path) != 0) {
        written = false;
        reason = errno;
    }
    if (!written) {
        (void)unlink(temporary);
        lnf_error_set(error, 0, "%s: %s", path, strerror(reason));
        return LNF_ERR_WRITE;
    }
    return LNF_OK;
}

/** Appends rows to the file; their offset and checksum. */
static bool add_rows(lnf_index_maker_t *maker, const struct octets *rows, uint64_t *offset,
                     uint32_t *checksum)
{
    *offset = maker->file.size;
    uint8_t *start = octets_add(&maker->file, rows->size);
    if (start == NULL) {
        return false;
    }
    if (rows->size > 0) {
        memcpy(start, rows->data, rows->size);
    }
    *checksum = lnf_index_checksum(*offset, start, rows->size);
    return true;
}

/** Whether the flow file as it is now is the one all blocks came from. */
static bool is_described(const lnf_index_maker_t *maker, const struct lnf_identity *read,
                         const struct lnf_identity *now)
{
    if (read == NULL) {
        return now->data_end == maker->last_end;
    }
    return now->size == read->size && now->data_end == read->data_end &&
           now->checksum == read->checksum;
}

static int identify(const lnf_index_maker_t *maker, const char *flow_path,
                    const struct lnf_identity *read, struct lnf_identity *identity,
                    struct lnf_error *error)
{
    lnf_input_t *input = NULL;

    int status = lnf_input_open_regular(flow_path, NULL, NULL, &input, error);
    if (status != LNF_OK) {
        return status;
    }
    status = lnf_input_identity(input, identity);
    lnf_input_close(input);
    if (status == LNF_ERR_READ) {
        lnf_error_set(error, 0, "%s: %s", flow_path, strerror(errno));
        return status;
    }
    if (status != LNF_OK || !is_described(maker, read, identity)) {
        lnf_error_set(error, 0, "%s: %s", flow_path,
                      status != LNF_OK ? "not finished" : "changed while its index was made");
        return LNF_ERR_OTHER;
    }
    return LNF_OK;
}

int lnf_index_maker_finish(lnf_index_maker_t *maker, const char *flow_path,
                           const struct lnf_identity *read, struct lnf_error *error)
{
    struct lnf_index_header header = {.index_size = 0};
    char path[PATH_MAX];

    if (!lnf_index_path(flow_path, path, sizeof(path))) {
        lnf_error_set(error, 0, "%s: no room for the name of an index", flow_path);
        return LNF_ERR_OTHER;
    }
    int status = identify(maker, flow_path, read, &header.flow, error);
    if (status != LNF_OK) {
        return status;
    }
    if (!end_segment(maker) ||
        !add_rows(maker, &maker->blocks, &header.directory, &header.directory_checksum) ||
        !add_rows(maker, &maker->segments, &header.segments, &header.segments_checksum)) {
        lnf_error_set(error, 0, "%s: no memory", path);
        return LNF_ERR_NOMEM;
    }
    header.index_size = maker->file.size;
    header.block_count = maker->block_count;
    header.segment_count = maker->segment_count;
    header.opaque_count = maker->opaque_count;
    struct lnf_writer_bytes w = lnf_writer_bytes_init(maker->file.data, LNF_INDEX_HEADER_SIZE);
    lnf_index_write_header(&w, &header);
    return replace_file(path, &maker->file, error);
}

void lnf_index_drop(const char *flow_path)
{
    lnf_index_t *index = NULL;
    char path[PATH_MAX];

    if (!lnf_index_path(flow_path, path, sizeof(path))) {
        return;
    }
    enum lnf_index_state state = lnf_index_open_path(path, &index, NULL);
    lnf_index_close(index);
    if (state == LNF_INDEX_GOOD || state == LNF_INDEX_DAMAGED) {
        (void)unlink(path);
    }
}

/** Describes all blocks of a flow file. */
static int add_all_blocks(lnf_index_maker_t *maker, lnf_input_t *input, struct lnf_error *error)
{
    struct lnf_block_buffer buffer = {0};
    struct lnf_block_ref ref;
    int status;

    while ((status = lnf_input_claim(input, &ref, error)) == LNF_OK) {
        const uint8_t *records = NULL;
        size_t size = 0;
        status = lnf_input_load(input, &ref, &buffer, &records, &size, error);
        if (status == LNF_ERR_CORRUPT) {
            records = NULL; /* reported to whoever opened the file */
            status = LNF_OK;
        }
        if (status == LNF_OK && !lnf_index_maker_add(maker, &ref, records, size)) {
            lnf_error_set(error, ref.offset, "%s: no memory", lnf_input_path(input));
            status = LNF_ERR_NOMEM;
        }
        if (status != LNF_OK) {
            break;
        }
    }
    lnf_block_buffer_clear(&buffer);
    return status == LNF_EOF ? LNF_OK : status;
}

int lnf_index_make(const char *flow_path, const struct lnf_index_options *options,
                   struct lnf_error *error)
{
    struct lnf_identity before;
    lnf_input_t *input = NULL;
    lnf_index_maker_t *maker = NULL;

    int status = lnf_input_open_regular(flow_path, NULL, NULL, &input, error);
    if (status == LNF_OK && lnf_input_identity(input, &before) != LNF_OK) {
        lnf_error_set(error, 0, "%s: not finished: it gets an index when it is closed", flow_path);
        status = LNF_ERR_OTHER;
    }
    if (status == LNF_OK) {
        maker = lnf_index_maker_create(options);
        if (maker == NULL) {
            lnf_error_set(error, 0, "%s: no memory", flow_path);
            status = LNF_ERR_NOMEM;
        }
    }
    if (status == LNF_OK) {
        status = add_all_blocks(maker, input, error);
    }
    if (status == LNF_OK) {
        status = lnf_index_maker_finish(maker, flow_path, &before, error);
    }
    lnf_index_maker_destroy(maker);
    lnf_input_close(input);
    return status;
}
