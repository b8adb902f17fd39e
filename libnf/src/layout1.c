/* SPDX-License-Identifier: BSD-3-Clause */
/** Records of layout 1 read with their extension maps and written again as records of layout 2. */
#include "layout1.h"

#include "element.h"

#include <libnf.h>
#include <libnf/bytes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Records in blocks of layout 1. */
#define RECORD_FLOW_OLD 1u /* without exporter id of 16 bits */
#define RECORD_MAP 2u

/* Flags of flow records. */
#define FLAG_IPV6 0x01u
#define FLAG_PACKETS_64 0x02u
#define FLAG_BYTES_64 0x04u
#define FLAG_EVENT 0x40u
#define FLAG_SAMPLED 0x80u

/* Flags of flow records of layout 2. */
#define LAYOUT2_EVENT 0x01u
#define LAYOUT2_SAMPLED 0x02u
#define LAYOUT2_ANONYMISED 0x04u

#define MAP_COUNT 65536u
#define MAP_UNASSIGNED 0xFFFFu /* means map 0 */
/** Definitions of one id a file may have; flows behind more of them are damaged. */
#define MAP_REDEFINITIONS_MAX 256u
/** Definitions of all ids together, as many as there are ids; see add_map(). */
#define MAP_DEFINITIONS_MAX MAP_COUNT
/** Places that are not needed any more may be this many before they are given up. */
#define PLACES_KEPT 1024u
#define EXTENSION_COUNT 49u
#define EXTENSION_NSEL 37u
#define EXTENSION_ACL 41u
#define EXTENSION_USER_LONG 43u
#define EXTENSION_PORT_BLOCK 48u

#define ELEMENT_ACL 23u
#define ELEMENT_USER 24u
#define ELEMENT_PORT_BLOCK 26u
/** Octets of data the largest element a conversion makes can have. */
#define ELEMENT_DATA_MAX 72u
/** Records of layout 2 are larger; no set of extensions grows beyond this factor. */
#define GROWTH 4u

/** Octets of each extension; 0 = reserved, ends what can be read of a record. */
static const uint8_t extension_size[EXTENSION_COUNT] = {
    [4] = 4,   [5] = 8,   [6] = 4,   [7] = 8,   [8] = 4,   [9] = 4,  [10] = 16,
    [11] = 4,  [12] = 16, [13] = 4,  [14] = 4,  [15] = 8,  [16] = 4, [17] = 8,
    [18] = 4,  [19] = 8,  [20] = 16, [21] = 16, [22] = 40, [23] = 4, [24] = 16,
    [25] = 4,  [26] = 8,  [27] = 8,  [37] = 20, [38] = 4,  [39] = 8, [40] = 32,
    [41] = 24, [42] = 24, [43] = 72, [45] = 24, [46] = 12, [47] = 8, [48] = 8};

/** Octets of an extension that go into an element; wider there when the number grew. */
struct move {
    uint8_t extension;
    uint8_t from;
    uint8_t width;
    uint8_t element; /* 0 = the record header */
    uint8_t to;
    uint8_t to_width;
};

/* Ascending by extension. */
static const struct move move_table[] = {
    {4, 0, 2, 4, 0, 4},     {4, 2, 2, 4, 4, 4},     {5, 0, 8, 4, 0, 8},      {6, 0, 2, 7, 0, 4},
    {6, 2, 2, 7, 4, 4},     {7, 0, 8, 7, 0, 8},     {8, 0, 1, 4, 11, 1},     {8, 1, 1, 4, 10, 1},
    {8, 2, 2, 4, 8, 2},     {9, 0, 4, 10, 0, 4},    {10, 0, 16, 11, 0, 16},  {11, 0, 4, 8, 0, 4},
    {12, 0, 16, 9, 0, 16},  {13, 0, 2, 6, 0, 4},    {13, 2, 2, 6, 4, 4},     {14, 0, 4, 5, 8, 8},
    {15, 0, 8, 5, 8, 8},    {16, 0, 4, 5, 16, 8},   {17, 0, 8, 5, 16, 8},    {18, 0, 4, 5, 0, 8},
    {19, 0, 8, 5, 0, 8},    {20, 0, 16, 15, 0, 16}, {21, 0, 16, 15, 16, 16}, {22, 0, 40, 14, 0, 40},
    {23, 0, 4, 12, 0, 4},   {24, 0, 16, 13, 0, 16}, {25, 2, 2, 0, 6, 2},     {26, 0, 8, 16, 0, 8},
    {27, 0, 8, 1, 16, 8},   {37, 0, 12, 19, 0, 12}, {37, 14, 1, 19, 14, 1},  {37, 16, 2, 19, 12, 2},
    {38, 0, 4, 22, 0, 4},   {39, 0, 8, 20, 0, 8},   {40, 0, 32, 21, 0, 32},  {41, 0, 24, 23, 0, 24},
    {42, 0, 24, 24, 0, 24}, {43, 0, 66, 24, 0, 66}, {45, 0, 24, 17, 0, 24},  {46, 0, 1, 25, 12, 1},
    {46, 4, 8, 36, 0, 8},   {47, 0, 8, 20, 0, 8},   {48, 0, 8, 26, 0, 8}};

/** A definition of an extension map, valid from its place in the file on. */
struct map {
    struct map *older; /* definition of the same id before this one */
    uint64_t block;
    size_t offset; /* octets into the block */
    unsigned age;  /* definitions of the id before this one */
    bool unknown;  /* one too many: flows with it are damaged, and no later definition counts */
    uint8_t count;
    uint8_t ids[EXTENSION_COUNT]; /* extensions in order, up to the first that cannot be read */
};

/** Where a block is; a stored size of 0 stands for one of another type, without maps. */
struct place {
    uint64_t offset;
    uint32_t stored_size;
};

struct lnf_layout1 {
    lnf_layout1_load_fn *load;
    void *context;
    bool anonymised;

    pthread_mutex_t lock; /* guards what follows; maps themselves never change */
    struct map **maps;    /* newest definition by id; NULL before the first */
    unsigned map_count;   /* definitions that are known */
    bool overflow;        /* there was an unknown one, and nobody was told yet */
    bool overflow_told;
    struct place *blocks; /* of blocks from number place_first to block_count - 1 */
    uint64_t place_first, block_count, block_room;
    uint64_t mapped; /* blocks from the first on whose maps are in the table */
};

/** A flow record of layout 2 in pieces. */
struct flow {
    uint8_t header[LNF_RECORD_HEADER_SIZE];
    uint64_t present; /* bit n: element n */
    uint8_t data[LNF_ELEMENT_COUNT][ELEMENT_DATA_MAX];
};

lnf_layout1_t *lnf_layout1_create(lnf_layout1_load_fn *load, void *context)
{
    lnf_layout1_t *layout1 = calloc(1, sizeof(*layout1));

    if (layout1 != NULL) {
        layout1->load = load;
        layout1->context = context;
        pthread_mutex_init(&layout1->lock, NULL);
    }
    return layout1;
}

void lnf_layout1_destroy(lnf_layout1_t *layout1)
{
    if (layout1 == NULL) {
        return;
    }
    for (unsigned id = 0; layout1->maps != NULL && id < MAP_COUNT; id++) {
        for (struct map *map = layout1->maps[id]; map != NULL;) {
            struct map *older = map->older;
            free(map);
            map = older;
        }
    }
    free(layout1->maps);
    free(layout1->blocks);
    pthread_mutex_destroy(&layout1->lock);
    free(layout1);
}

void lnf_layout1_anonymised(lnf_layout1_t *layout1, bool anonymised)
{
    layout1->anonymised = anonymised;
}

bool lnf_layout1_codec(uint32_t flags, unsigned *codec)
{
    switch (flags & 0x19u) {
    case 0x00:
        *codec = LNF_CODEC_NONE;
        return true;
    case 0x01:
        *codec = LNF_CODEC_LZO;
        return true;
    case 0x08:
        *codec = LNF_CODEC_BZ2;
        return true;
    case 0x10:
        *codec = LNF_CODEC_LZ4;
        return true;
    default:
        return false;
    }
}

static bool add_place(lnf_layout1_t *layout1, struct place place)
{
    if (layout1->block_count - layout1->place_first == layout1->block_room) {
        uint64_t room = layout1->block_room == 0 ? 64 : layout1->block_room * 2;
        struct place *blocks = realloc(layout1->blocks, room * sizeof(*blocks));
        if (blocks == NULL) {
            return false;
        }
        layout1->blocks = blocks;
        layout1->block_room = room;
    }
    layout1->blocks[layout1->block_count++ - layout1->place_first] = place;
    return true;
}

/** Gives up the places of blocks whose maps are in the table, now and then. */
static void forget_places(lnf_layout1_t *layout1)
{
    uint64_t gone = layout1->mapped - layout1->place_first;
    uint64_t left = layout1->block_count - layout1->mapped;

    if (gone > PLACES_KEPT && gone > left) {
        memmove(layout1->blocks, layout1->blocks + gone, left * sizeof(layout1->blocks[0]));
        layout1->place_first = layout1->mapped;
    }
}

bool lnf_layout1_add_block(lnf_layout1_t *layout1, uint64_t number, uint64_t offset,
                           uint32_t stored_size)
{
    bool done = true;

    pthread_mutex_lock(&layout1->lock);
    if (layout1->maps == NULL) {
        layout1->maps = calloc(MAP_COUNT, sizeof(struct map *));
        done = layout1->maps != NULL;
    }
    while (done && layout1->block_count < number) {
        done = add_place(layout1, (struct place){0, 0});
    }
    if (done && number == layout1->block_count) {
        done = add_place(layout1, (struct place){offset, stored_size});
    }
    pthread_mutex_unlock(&layout1->lock);
    return done;
}

/* ---- extension maps -------------------------------------------------------------------------- */

/**
 * Adds the map in a record unless it says what its id already means. False without memory.
 *
 * Files have few maps. One made to waste memory gets as many definitions as there are ids, and one
 * more for each id that says that it is unknown from there on.
 */
static bool add_map(lnf_layout1_t *layout1, uint64_t block, size_t offset, const uint8_t *record,
                    size_t size)
{
    struct lnf_reader r = lnf_reader_init(record, size);
    struct map map = {.block = block, .offset = offset};

    lnf_read_skip(&r, 4);
    uint16_t id = lnf_read_u16_le(&r);
    lnf_read_skip(&r, 2);
    if (r.failed) {
        return true;
    }
    while (map.count < EXTENSION_COUNT) {
        uint16_t extension = lnf_read_u16_le(&r);
        if (r.failed || extension >= EXTENSION_COUNT || extension_size[extension] == 0) {
            break;
        }
        map.ids[map.count++] = (uint8_t)extension;
    }

    struct map **newest = &layout1->maps[id == MAP_UNASSIGNED ? 0 : id];
    if (*newest != NULL &&
        ((*newest)->unknown ||
         ((*newest)->count == map.count && memcmp((*newest)->ids, map.ids, map.count) == 0))) {
        return true;
    }
    map.age = *newest == NULL ? 0 : (*newest)->age + 1;
    map.unknown = map.age == MAP_REDEFINITIONS_MAX || layout1->map_count == MAP_DEFINITIONS_MAX;
    layout1->map_count += !map.unknown;
    layout1->overflow = layout1->overflow || map.unknown;
    struct map *added = malloc(sizeof(*added));
    if (added == NULL) {
        return false;
    }
    *added = map;
    added->older = *newest;
    *newest = added;
    return true;
}

/** Adds all maps of a block. */
static bool add_maps(lnf_layout1_t *layout1, uint64_t block, const uint8_t *records, size_t size)
{
    for (size_t at = 0; size - at >= 4;) {
        size_t record_size = lnf_load_u16(records + at + 2);
        if (record_size < 4 || record_size > size - at) {
            break;
        }
        if (lnf_load_u16(records + at) == RECORD_MAP &&
            !add_map(layout1, block, at, records + at, record_size)) {
            return false;
        }
        at += record_size;
    }
    return true;
}

/** Adds the maps of the next block nobody converted yet; a damaged one has none. False without
 * memory. */
static bool fetch_maps(lnf_layout1_t *layout1, struct lnf_block_buffer *buffer)
{
    const struct place *place = &layout1->blocks[layout1->mapped - layout1->place_first];
    const uint8_t *records = NULL;
    size_t size = 0;

    if (place->stored_size == 0) {
        return true;
    }
    int status =
        layout1->load(layout1->context, place->offset, place->stored_size, buffer, &records, &size);
    if (status == LNF_OK) {
        return add_maps(layout1, layout1->mapped, records, size);
    }
    return status != LNF_ERR_NOMEM;
}

/** Makes sure that the maps up to and including this block are in the table. */
static bool learn_maps(lnf_layout1_t *layout1, uint64_t number, const uint8_t *records, size_t size)
{
    struct lnf_block_buffer buffer = {0};
    bool done = true;

    pthread_mutex_lock(&layout1->lock);
    while (done && layout1->mapped < number && layout1->mapped < layout1->block_count) {
        done = fetch_maps(layout1, &buffer);
        layout1->mapped += done;
    }
    if (done && layout1->mapped == number) {
        done = add_maps(layout1, number, records, size);
        layout1->mapped += done;
    }
    forget_places(layout1);
    pthread_mutex_unlock(&layout1->lock);
    lnf_block_buffer_clear(&buffer);
    return done;
}

/** Definition of a map as seen from a place in the file, or NULL. */
static const struct map *find_map(lnf_layout1_t *layout1, uint16_t id, uint64_t block,
                                  size_t offset)
{
    pthread_mutex_lock(&layout1->lock);
    const struct map *map = layout1->maps[id == MAP_UNASSIGNED ? 0 : id];
    while (map != NULL && (map->block > block || (map->block == block && map->offset > offset))) {
        map = map->older;
    }
    pthread_mutex_unlock(&layout1->lock);
    return map != NULL && !map->unknown ? map : NULL;
}

bool lnf_layout1_overflowed(lnf_layout1_t *layout1)
{
    pthread_mutex_lock(&layout1->lock);
    bool first = layout1->overflow && !layout1->overflow_told;
    layout1->overflow_told = layout1->overflow_told || first;
    pthread_mutex_unlock(&layout1->lock);
    return first;
}

/* ---- flow records ---------------------------------------------------------------------------- */

/** Data of an element of the flow, zeros when it was absent. */
static uint8_t *element_data(struct flow *flow, unsigned id)
{
    if ((flow->present >> id & 1) == 0) {
        flow->present |= UINT64_C(1) << id;
        memset(flow->data[id], 0, ELEMENT_DATA_MAX);
    }
    return flow->data[id];
}

static void widen(uint8_t *to, unsigned to_width, const uint8_t *from, unsigned width)
{
    memset(to, 0, to_width);
    memcpy(to, from, width);
}

/** What the table of moves cannot say. */
static void finish_extension(struct flow *flow, unsigned extension, const uint8_t *from)
{
    uint8_t *data;

    switch (extension) {
    case EXTENSION_NSEL:
        flow->header[LNF_RECORD_OFFSET_FLAGS] |= LAYOUT2_EVENT;
        data = element_data(flow, LNF_ELEMENT_GENERIC);
        if (lnf_load_u16(from + 12) != 0 &&
            (data[44] == IPPROTO_ICMP || data[44] == IPPROTO_ICMPV6)) {
            memcpy(data + 42, from + 12, 2);
        }
        break;
    case EXTENSION_ACL:
        /* Layout 1 holds numbers, layout 2 the octets as the exporter sent them. */
        data = element_data(flow, ELEMENT_ACL);
        for (unsigned word = 0; word < 6; word++) {
            lnf_store_u32(data + word * 4, htobe32(le32toh(lnf_load_u32(data + word * 4))));
        }
        break;
    case EXTENSION_USER_LONG:
        element_data(flow, ELEMENT_USER)[65] = '\0';
        break;
    case EXTENSION_PORT_BLOCK: {
        data = element_data(flow, ELEMENT_PORT_BLOCK);
        uint16_t start = lnf_load_u16(data), count = lnf_load_u16(data + 6);
        if (lnf_load_u16(data + 2) == 0 && count != 0) {
            lnf_store_u16(data + 2, (uint16_t)(start + count - 1));
        }
        break;
    }
    default:
        break;
    }
}

static void take_extension(struct flow *flow, unsigned extension, const uint8_t *from)
{
    for (size_t i = 0; i < sizeof(move_table) / sizeof(move_table[0]); i++) {
        const struct move *move = &move_table[i];
        if (move->extension == extension) {
            uint8_t *to = move->element == 0 ? flow->header : element_data(flow, move->element);
            widen(to + move->to, move->to_width, from + move->from, move->width);
        }
    }
    finish_extension(flow, extension, from);
}

/** Reads the fixed part up to the ports, which both types of flow records share. */
static void take_fixed(struct flow *flow, struct lnf_reader *r, unsigned flags)
{
    uint8_t *generic = element_data(flow, LNF_ELEMENT_GENERIC);
    uint64_t first_ms = lnf_read_u16_le(r);
    uint64_t last_ms = lnf_read_u16_le(r);
    first_ms += (uint64_t)lnf_read_u32_le(r) * 1000;
    last_ms += (uint64_t)lnf_read_u32_le(r) * 1000;

    lnf_store_u64(generic, htole64(first_ms));
    lnf_store_u64(generic + 8, htole64(last_ms));
    generic[46] = lnf_read_u8(r);
    generic[45] = lnf_read_u8(r);
    generic[44] = lnf_read_u8(r);
    generic[47] = lnf_read_u8(r);
    const uint8_t *ports = lnf_read_bytes(r, 4);
    if (ports != NULL) {
        memcpy(generic + 40, ports, 4);
    }
    flow->header[LNF_RECORD_OFFSET_FLAGS] |= (flags & FLAG_EVENT) != 0 ? LAYOUT2_EVENT : 0;
    flow->header[LNF_RECORD_OFFSET_FLAGS] |= (flags & FLAG_SAMPLED) != 0 ? LAYOUT2_SAMPLED : 0;
}

/** Exporter and flow misc of type 10, or the exporter of type 1 read before. */
static void take_exporter(struct flow *flow, struct lnf_reader *r, bool old, uint8_t tag)
{
    uint8_t *header = flow->header;

    if (old) {
        header[LNF_RECORD_OFFSET_EXPORTER] = tag;
        return;
    }
    header[LNF_RECORD_OFFSET_VERSION] = tag;
    lnf_store_u16(header + LNF_RECORD_OFFSET_EXPORTER, htole16(lnf_read_u16_le(r)));
    uint8_t biflow = lnf_read_u8(r);
    uint8_t reason = lnf_read_u8(r);
    if (biflow != 0 || reason != 0) {
        uint8_t *misc = element_data(flow, LNF_ELEMENT_MISC);
        misc[12] = biflow;
        misc[13] = reason;
    }
}

/** Addresses and counters, whose widths the flags tell. */
static void take_variable(struct flow *flow, struct lnf_reader *r, unsigned flags)
{
    bool ipv6 = (flags & FLAG_IPV6) != 0;
    unsigned size = ipv6 ? 32 : 8;
    const uint8_t *addresses = lnf_read_bytes(r, size);
    uint8_t *generic = element_data(flow, LNF_ELEMENT_GENERIC);

    if (addresses != NULL) {
        memcpy(element_data(flow, ipv6 ? LNF_ELEMENT_IPV6 : LNF_ELEMENT_IPV4), addresses, size);
    }
    uint64_t packets = flags & FLAG_PACKETS_64 ? lnf_read_u64_le(r) : lnf_read_u32_le(r);
    uint64_t bytes = flags & FLAG_BYTES_64 ? lnf_read_u64_le(r) : lnf_read_u32_le(r);
    lnf_store_u64(generic + 24, htole64(packets));
    lnf_store_u64(generic + 32, htole64(bytes));
}

/** Octets before the extensions; false when the record is too short for them. */
static bool take_flow(struct flow *flow, struct lnf_reader *r, bool old, uint16_t *map_id)
{
    flow->present = 0;
    memset(flow->header, 0, sizeof(flow->header));
    lnf_read_skip(r, 4);
    unsigned flags = lnf_read_u8(r);
    uint8_t tag = lnf_read_u8(r);
    *map_id = lnf_read_u16_le(r);
    take_fixed(flow, r, flags);
    take_exporter(flow, r, old, tag);
    take_variable(flow, r, flags);
    return !r->failed;
}

static void write_flow(struct lnf_writer_bytes *w, struct flow *flow)
{
    uint8_t *record = lnf_write_reserve(w, LNF_RECORD_HEADER_SIZE);
    uint16_t count = 0;

    for (uint16_t id = 1; id < LNF_ELEMENT_COUNT; id++) {
        if ((flow->present >> id & 1) == 0) {
            continue;
        }
        uint16_t size = lnf_element_get(id)->size;
        lnf_write_u16_le(w, id);
        lnf_write_u16_le(w, (uint16_t)(size + LNF_ELEMENT_HEADER_SIZE));
        lnf_write_bytes(w, flow->data[id], size);
        count++;
    }
    if (w->failed) {
        return;
    }
    lnf_store_u16(flow->header, htole16(LNF_RECORD_FLOW));
    lnf_store_u16(flow->header + 2, htole16((uint16_t)(w->at - record)));
    lnf_store_u16(flow->header + 4, htole16(count));
    memcpy(record, flow->header, LNF_RECORD_HEADER_SIZE);
}

/** A record of layout 2 whose promise of one element is not kept, so that it counts as damaged. */
static void write_damaged(struct lnf_writer_bytes *w)
{
    lnf_write_u16_le(w, LNF_RECORD_FLOW);
    lnf_write_u16_le(w, LNF_RECORD_HEADER_SIZE);
    lnf_write_u16_le(w, 1);
    lnf_write_u16_le(w, 0);
    lnf_write_u32_le(w, 0);
}

/** Converts one flow record. */
static void convert_flow(lnf_layout1_t *layout1, uint64_t block, size_t offset,
                         const uint8_t *record, size_t size, struct flow *flow,
                         struct lnf_writer_bytes *w)
{
    struct lnf_reader r = lnf_reader_init(record, size);
    const struct map *map = NULL;
    uint16_t map_id;

    if (take_flow(flow, &r, lnf_load_u16(record) == RECORD_FLOW_OLD, &map_id)) {
        map = find_map(layout1, map_id, block, offset);
    }
    if (map == NULL) {
        write_damaged(w);
        return;
    }
    for (unsigned i = 0; i < map->count; i++) {
        const uint8_t *data = lnf_read_bytes(&r, extension_size[map->ids[i]]);
        if (data == NULL) {
            write_damaged(w);
            return;
        }
        take_extension(flow, map->ids[i], data);
    }
    if (layout1->anonymised) {
        flow->header[LNF_RECORD_OFFSET_FLAGS] |= LAYOUT2_ANONYMISED;
    }
    write_flow(w, flow);
}

int lnf_layout1_convert(lnf_layout1_t *layout1, uint64_t number, const uint8_t *records,
                        size_t size, struct lnf_block_buffer *buffer, const uint8_t **out,
                        size_t *out_size, const char **reason)
{
    struct flow flow;

    if (buffer->converted == NULL) {
        buffer->converted = malloc((size_t)LNF_BLOCK_LIMIT * GROWTH);
    }
    if (buffer->converted == NULL || !learn_maps(layout1, number, records, size)) {
        return LNF_ERR_NOMEM;
    }

    struct lnf_writer_bytes w =
        lnf_writer_bytes_init(buffer->converted, (size_t)LNF_BLOCK_LIMIT * GROWTH);
    for (size_t at = 0; at < size;) {
        size_t record_size = size - at >= 4 ? lnf_load_u16(records + at + 2) : 0;
        uint16_t type = size - at >= 4 ? lnf_load_u16(records + at) : 0;
        if (record_size < 4 || record_size > size - at) {
            /* A broken chain: the rest as it is, whoever reads the block notices. */
            type = 0;
            record_size = size - at;
        }
        if (type == LNF_LAYOUT1_RECORD_FLOW || type == RECORD_FLOW_OLD) {
            convert_flow(layout1, number, at, records + at, record_size, &flow, &w);
        } else {
            lnf_write_bytes(&w, records + at, record_size);
        }
        at += record_size;
    }
    if (w.failed) {
        *reason = "records of layout 1 grow beyond any limit";
        return LNF_ERR_CORRUPT;
    }
    *out = buffer->converted;
    *out_size = lnf_writer_bytes_used(&w);
    return LNF_OK;
}
