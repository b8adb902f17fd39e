/* SPDX-License-Identifier: BSD-3-Clause */
/** Layout cache; copies the named fields of the records of a block into columns. */
#include "batch.h"

#include "element.h"

#include <endian.h>
#include <libnf/bytes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LAYOUT_MAX 64u     /* layouts remembered; rows name them by octet, `used` by bit */
#define LAYOUT_KEEP 32u    /* with more than this a batch starts with an empty cache */
#define LAYOUT_INDEX 256u  /* places of the hash index; a power of two, at most a quarter taken */
#define LAYOUT_RECENT 64u  /* places of the index by size alone */
#define LAYOUT_WINDOWS 48u /* of a layout that can be recognised again */
#define LAYOUT_STEP 4u     /* windows compared at a time; divides LAYOUT_WINDOWS */
#define MAC_MASK 0xffffffffffffu
/* Not a power of two, or equal rows of all columns would compete for one set of the cache. */
#define COLUMN_OCTETS (LNF_BATCH_ROWS * sizeof(struct lnf_addr) + 320)

#define ELEMENT_LAYER2 38u
#define LAYER2_IP_VERSION 26u /* octet of its data */
#define RECORD_FLAGS 10u      /* octet of the record header */
#define RECORD_FLAG_EVENT 0x01u

/** Octets of a record that are compared at once. */
typedef uint64_t window_t __attribute__((vector_size(16)));

/** Where the elements are in records of one size and one sequence of element headers. */
struct layout {
    uint64_t head;   /* type, size and number of elements of its records, see load_head() */
    uint64_t bit;    /* in the set of layouts a batch uses */
    uint16_t number; /* place among the layouts */
    uint16_t size;
    /* Windows that together show the head and every element header: where they are in the record,
     * which of their bits belong to headers, and what those are. */
    uint16_t windows; /* rounded up to LAYOUT_STEP; 0 = its records are not recognised by them */
    uint16_t at[LAYOUT_WINDOWS];
    window_t mask[LAYOUT_WINDOWS];
    window_t wanted[LAYOUT_WINDOWS];
    uint16_t data[LNF_ELEMENT_COUNT]; /* offset of the element's data in the record; 0 = absent */
};

/** State of a column in the present batch. */
struct column {
    uint64_t filled;  /* batch all of whose rows have their value */
    uint64_t checked; /* the same of presence */
    bool absent;      /* whatever the batch: all values are those of records without the field */
};

struct lnf_batch {
    const uint8_t *records; /* the block */
    size_t size;
    size_t at; /* start of the next record */
    uint64_t seen;
    uint64_t damaged;
    size_t damaged_at;

    const char *ident;     /* of the file; NULL = not known */
    uint64_t first_number; /* of the first row in that file; 0 = not known */

    uint64_t number; /* of the batch; never 0 while it has rows */
    unsigned rows;
    uint64_t used;                   /* bit i: a row has layout i */
    uint32_t record[LNF_BATCH_ROWS]; /* offset of each row's record in the block */
    uint8_t row_layout[LNF_BATCH_ROWS];

    unsigned layout_count;
    struct layout layouts[LAYOUT_MAX];
    uint8_t index[LAYOUT_INDEX];                /* layout number + 1 by hash; 0 = free */
    const struct layout *recent[LAYOUT_RECENT]; /* met last, by size; never NULL */
    struct layout none;                         /* fits no record */

    struct column *columns; /* one per row of lnf_field_table */
    uint8_t *values;        /* COLUMN_OCTETS for each; pages are touched on first use only */
    uint8_t *presence;      /* LNF_BATCH_ROWS for each, likewise */
};

/** Where one element's value is in records of a layout: an absent one reads from zeros. */
struct place {
    const uint8_t *base;
    uint32_t mask; /* for the record's offset: all ones, or 0 when absent */
};

static const uint8_t zeros[sizeof(struct lnf_addr)];

static inline uint16_t load_u16(const uint8_t *p)
{
    return le16toh(lnf_load_u16(p));
}

static inline uint32_t load_u32(const uint8_t *p)
{
    return le32toh(lnf_load_u32(p));
}

static inline uint64_t load_u64(const uint8_t *p)
{
    return le64toh(lnf_load_u64(p));
}

/* ---- life ------------------------------------------------------------------------------------ */

static void layout_forget_all(lnf_batch_t *batch)
{
    batch->layout_count = 0;
    memset(batch->index, 0, sizeof(batch->index));
    for (unsigned i = 0; i < LAYOUT_RECENT; i++) {
        batch->recent[i] = &batch->none;
    }
}

lnf_batch_t *lnf_batch_create(void)
{
    lnf_batch_t *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    batch->columns = calloc(lnf_field_count, sizeof(*batch->columns));
    batch->values = calloc(lnf_field_count, COLUMN_OCTETS);
    batch->presence = calloc(lnf_field_count, LNF_BATCH_ROWS);
    if (batch->columns == NULL || batch->values == NULL || batch->presence == NULL) {
        lnf_batch_destroy(batch);
        return NULL;
    }
    batch->none.windows = LAYOUT_STEP;
    batch->none.wanted[0] = ~(window_t){0, 0}; /* bits that are not in the mask */
    layout_forget_all(batch);
    return batch;
}

void lnf_batch_destroy(lnf_batch_t *batch)
{
    if (batch == NULL) {
        return;
    }
    free(batch->columns);
    free(batch->values);
    free(batch->presence);
    free(batch);
}

void lnf_batch_open(lnf_batch_t *batch, const uint8_t *records, size_t size)
{
    batch->records = records;
    batch->size = size;
    batch->at = 0;
    batch->seen = 0;
    batch->damaged = 0;
    batch->damaged_at = 0;
    batch->rows = 0;
    batch->ident = NULL;
    batch->first_number = 0;
}

void lnf_batch_rewind(lnf_batch_t *batch)
{
    lnf_batch_open(batch, batch->records, batch->size);
}

void lnf_batch_set_origin(lnf_batch_t *batch, const char *ident, uint64_t number)
{
    batch->ident = ident;
    batch->first_number = number;
}

const char *lnf_batch_ident(const lnf_batch_t *batch)
{
    return batch->ident;
}

uint64_t lnf_batch_number(const lnf_batch_t *batch, unsigned row)
{
    return batch->first_number == 0 ? 0 : batch->first_number + row;
}

/* ---- layout cache ---------------------------------------------------------------------------- */

static inline unsigned layout_hash(uint32_t size_count, uint32_t first_header)
{
    uint64_t key = ((uint64_t)size_count << 32) | first_header;
    return (unsigned)((key * 0x9e3779b97f4a7c15u) >> 56) & (LAYOUT_INDEX - 1);
}

/* Type, size and number of elements. */
#define HEAD_SIZE 6u

/** The head of a record of at least eight octets. */
static inline uint64_t load_head(const uint8_t *record)
{
    return load_u64(record) & 0xffffffffffffu;
}

/**
 * Whether a record of the layout's size has its head and its element headers. Then every length has
 * been checked when the layout was made.
 *
 * Several windows at a time without a branch between them: their number differs from record to
 * record, and leaving a loop at another turn each time costs more than comparing some twice.
 */
static inline bool layout_fits(const struct layout *layout, const uint8_t *record)
{
    for (unsigned i = 0; i < layout->windows; i += LAYOUT_STEP) {
        window_t different = {0, 0};
        for (unsigned k = i; k < i + LAYOUT_STEP; k++) {
            window_t window;
            memcpy(&window, record + layout->at[k], sizeof(window));
            different |= (window & layout->mask[k]) ^ layout->wanted[k];
        }
        if ((different[0] | different[1]) != 0) {
            return false;
        }
    }
    return true;
}

/** Headers being put into windows. */
struct cover {
    uint16_t at[LAYOUT_WINDOWS];
    uint8_t mask[LAYOUT_WINDOWS][sizeof(window_t)];
    unsigned count;
    bool failed; /* there are too many */
};

/** Covers octets of a record that are behind those covered so far. */
static void cover_octets(struct cover *cover, unsigned record_size, unsigned at, unsigned size)
{
    unsigned last = cover->count == 0 ? 0 : cover->at[cover->count - 1];

    if (cover->count == 0 || at + size > last + sizeof(window_t)) {
        if (cover->count == LAYOUT_WINDOWS) {
            cover->failed = true;
            return;
        }
        unsigned end = record_size - (unsigned)sizeof(window_t);
        last = at < end ? at : end;
        cover->at[cover->count++] = (uint16_t)last;
    }
    memset(cover->mask[cover->count - 1] + (at - last), 0xff, size);
}

/** Makes the windows of a layout as `record` has it, and repeats the first to fill the last step.
 */
static void layout_watch(struct layout *layout, const uint8_t *record, const struct cover *cover)
{
    unsigned count = (cover->count + LAYOUT_STEP - 1) / LAYOUT_STEP * LAYOUT_STEP;

    for (unsigned i = 0; i < count; i++) {
        unsigned from = i < cover->count ? i : 0;
        window_t window;
        layout->at[i] = cover->at[from];
        memcpy(&layout->mask[i], cover->mask[from], sizeof(window_t));
        memcpy(&window, record + cover->at[from], sizeof(window));
        layout->wanted[i] = window & layout->mask[i];
    }
    layout->windows = (uint16_t)count;
}

/** Notes where an element is. */
static void layout_place(struct layout *layout, unsigned type, unsigned at, unsigned length)
{
    /* A type that comes twice counts once. */
    if (type < LNF_ELEMENT_COUNT && layout->data[type] == 0 &&
        lnf_element_usable((uint16_t)type, (uint16_t)(length - LNF_ELEMENT_HEADER_SIZE))) {
        layout->data[type] = (uint16_t)(at + LNF_ELEMENT_HEADER_SIZE);
    }
}

/** Walks the elements of a record one by one; false when a length is wrong. */
static bool layout_make(struct layout *layout, const uint8_t *record, uint16_t size)
{
    struct cover cover = {.failed = size < sizeof(window_t)};

    if (size < LNF_RECORD_HEADER_SIZE) {
        return false;
    }
    memset(layout->data, 0, sizeof(layout->data));
    layout->head = load_head(record);
    layout->size = size;
    layout->windows = 0;

    unsigned at = LNF_RECORD_HEADER_SIZE, count = load_u16(record + 4);
    if (!cover.failed) {
        cover_octets(&cover, size, 0, HEAD_SIZE);
    }
    for (unsigned i = 0; i < count; i++) {
        if (size - at < LNF_ELEMENT_HEADER_SIZE) {
            return false;
        }
        uint16_t type = load_u16(record + at);
        uint16_t length = load_u16(record + at + 2);
        if (length < LNF_ELEMENT_HEADER_SIZE || length > size - at) {
            return false;
        }
        if (!cover.failed) {
            cover_octets(&cover, size, at, LNF_ELEMENT_HEADER_SIZE);
        }
        layout_place(layout, type, at, length);
        at += length;
    }
    if (!cover.failed) {
        layout_watch(layout, record, &cover);
    }
    return at == size;
}

#define LAYOUT_DAMAGED (-1)
#define LAYOUT_FULL (-2)

/** Expects that the next record of the size has the same layout. */
static void remember(lnf_batch_t *batch, const struct layout *layout)
{
    if (layout->windows != 0) {
        batch->recent[layout->size % LAYOUT_RECENT] = layout;
    }
}

/** Makes a layout of a record the cache does not know; *status is LAYOUT_... on failure. */
static const struct layout *layout_add(lnf_batch_t *batch, const uint8_t *record, uint16_t size,
                                       unsigned slot, int *status)
{
    if (batch->layout_count == LAYOUT_MAX) {
        *status = LAYOUT_FULL;
        return NULL;
    }
    unsigned number = batch->layout_count;
    struct layout *layout = &batch->layouts[number];
    if (!layout_make(layout, record, size)) {
        *status = LAYOUT_DAMAGED;
        return NULL;
    }
    layout->number = (uint16_t)number;
    layout->bit = (uint64_t)1 << number;
    batch->layout_count++;
    /* One with too many elements to check is not found again; it serves this record only. A record
     * without elements is known by its head. */
    if (layout->windows != 0 || size == LNF_RECORD_HEADER_SIZE) {
        batch->index[slot] = (uint8_t)(number + 1);
        remember(batch, layout);
    }
    return layout;
}

/** Finds or makes the layout of a flow record; *status is LAYOUT_... when there is none. */
static const struct layout *layout_find(lnf_batch_t *batch, const uint8_t *record, uint16_t size,
                                        int *status)
{
    if (size < LNF_RECORD_HEADER_SIZE) {
        *status = LAYOUT_DAMAGED;
        return NULL;
    }
    uint32_t first = 0;
    if (size >= LNF_RECORD_HEADER_SIZE + LNF_ELEMENT_HEADER_SIZE) {
        first = lnf_load_u32(record + LNF_RECORD_HEADER_SIZE);
    }
    uint64_t head = load_head(record);
    unsigned slot = layout_hash(lnf_load_u32(record + 2), first);
    while (batch->index[slot] != 0) {
        const struct layout *layout = &batch->layouts[batch->index[slot] - 1u];
        if (layout->head == head && layout_fits(layout, record)) {
            remember(batch, layout);
            return layout;
        }
        slot = (slot + 1) & (LAYOUT_INDEX - 1);
    }
    return layout_add(batch, record, size, slot, status);
}

/* ---- records --------------------------------------------------------------------------------- */

static void count_damaged(lnf_batch_t *batch, size_t at)
{
    if (batch->damaged == 0) {
        batch->damaged_at = at;
    }
    batch->damaged++;
}

static void batch_begin(lnf_batch_t *batch)
{
    batch->number++;
    batch->first_number += batch->first_number == 0 ? 0 : batch->rows;
    batch->rows = 0;
    batch->used = 0;
    if (batch->layout_count > LAYOUT_KEEP) {
        layout_forget_all(batch);
    }
}

/** A row of the batch at `at`. */
static inline void set_row(lnf_batch_t *batch, unsigned row, size_t at, const struct layout *layout)
{
    batch->record[row] = (uint32_t)at;
    batch->row_layout[row] = (uint8_t)layout->number;
}

/**
 * Looks at the record at *at with every check and moves on to the next one.
 *
 * @return its layout when it is a flow record; NULL otherwise, and *full when the cache of layouts
 *         has no room: then *at stays
 */
static const struct layout *take_record(lnf_batch_t *batch, size_t *at, bool *full)
{
    const uint8_t *record = batch->records + *at;
    size_t left = batch->size - *at;
    uint16_t size = left < 4 ? 0 : load_u16(record + 2);
    const struct layout *layout = NULL;
    int status = 0;

    if (size < 4 || size > left) {
        /* Without a size there is no next record: the rest of the block is lost. */
        count_damaged(batch, *at);
        *at = batch->size;
        return NULL;
    }
    if (load_u16(record) == LNF_RECORD_FLOW) {
        layout = layout_find(batch, record, size, &status);
        if (status == LAYOUT_FULL) {
            *full = true;
            return NULL;
        }
        if (status == LAYOUT_DAMAGED) {
            count_damaged(batch, *at);
        }
    }
    batch->seen++;
    *at += size;
    return layout;
}

/**
 * Records of layouts met before, as nearly all are: goes on from *at as long as it can be sure.
 *
 * @return rows there are now
 */
static unsigned take_known_records(lnf_batch_t *batch, size_t *at, unsigned rows, uint64_t *used)
{
    const uint8_t *records = batch->records;
    size_t here = *at;
    unsigned before = rows;

    while (rows < LNF_BATCH_ROWS && batch->size - here >= sizeof(window_t)) {
        const uint8_t *record = records + here;
        unsigned size = load_u16(record + 2);
        const struct layout *layout = batch->recent[size % LAYOUT_RECENT];
        if (layout->size != size || size > batch->size - here || !layout_fits(layout, record)) {
            break;
        }
        set_row(batch, rows, here, layout);
        *used |= layout->bit;
        rows++;
        here += size;
    }
    batch->seen += rows - before;
    *at = here;
    return rows;
}

unsigned lnf_batch_next(lnf_batch_t *batch)
{
    size_t at = batch->at;
    unsigned rows = 0;
    uint64_t used = 0;
    bool full = false;

    batch_begin(batch);
    while (rows < LNF_BATCH_ROWS && at < batch->size && !full) {
        size_t here = at;
        /* With a full cache the next batch begins with this record and an empty one. */
        const struct layout *layout = take_record(batch, &at, &full);
        if (layout != NULL) {
            set_row(batch, rows, here, layout);
            used |= layout->bit;
            rows++;
        }
        rows = take_known_records(batch, &at, rows, &used);
    }
    batch->at = at;
    batch->rows = rows;
    batch->used = used;
    return rows;
}

unsigned lnf_batch_single(lnf_batch_t *batch, const uint8_t *record, size_t size)
{
    if (size < 4 || load_u16(record) != LNF_RECORD_FLOW || load_u16(record + 2) != size) {
        lnf_batch_open(batch, NULL, 0);
        return 0;
    }
    lnf_batch_open(batch, record, size);
    return lnf_batch_next(batch);
}

uint64_t lnf_batch_damaged(const lnf_batch_t *batch, size_t *offset)
{
    if (offset != NULL) {
        *offset = batch->damaged_at;
    }
    return batch->damaged;
}

uint64_t lnf_batch_seen(const lnf_batch_t *batch)
{
    return batch->seen;
}

unsigned lnf_batch_rows(const lnf_batch_t *batch)
{
    return batch->rows;
}

const uint8_t *lnf_batch_record(const lnf_batch_t *batch, unsigned row)
{
    return batch->records + batch->record[row];
}

const uint8_t *lnf_batch_element(const lnf_batch_t *batch, unsigned row, unsigned element,
                                 size_t *length)
{
    const uint8_t *record = lnf_batch_record(batch, row);
    uint16_t data =
        element < LNF_ELEMENT_COUNT ? batch->layouts[batch->row_layout[row]].data[element] : 0;

    if (data == 0) {
        *length = 0;
        return NULL;
    }
    *length = load_u16(record + data - 2) - (size_t)LNF_ELEMENT_HEADER_SIZE;
    return record + data;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/** One field of the rows: how to get from a row to its octets. */
struct view {
    const uint32_t *record;
    const uint8_t *row_layout;
    const uint8_t *base; /* it is at one place in all records: of one at offset 0; else NULL */
    struct place places[LAYOUT_MAX];
};

static inline unsigned next_bit(uint64_t *bits)
{
    unsigned bit = (unsigned)__builtin_ctzll(*bits);
    *bits &= *bits - 1;
    return bit;
}

/** Layouts of the batch's rows that have the element. */
static uint64_t layouts_with(const lnf_batch_t *batch, unsigned element)
{
    uint64_t with = 0;

    for (uint64_t left = batch->used; left != 0;) {
        unsigned i = next_bit(&left);
        with |= (uint64_t)(batch->layouts[i].data[element] != 0) << i;
    }
    return element == 0 ? 0 : with;
}

/** Prepares `view` of octets at `offset` of an element; false when no row has it. */
static bool view_element(const lnf_batch_t *batch, unsigned element, unsigned offset,
                         struct view *view)
{
    uint64_t with = layouts_with(batch, element);

    view->record = batch->record;
    view->row_layout = batch->row_layout;
    view->base = NULL;
    if (with == 0) {
        return false;
    }
    const uint8_t *first = batch->records + batch->layouts[__builtin_ctzll(with)].data[element];
    bool same = with == batch->used;
    for (uint64_t left = batch->used; left != 0;) {
        unsigned i = next_bit(&left);
        struct place *place = &view->places[i];
        place->base = zeros;
        place->mask = 0;
        if ((with >> i) & 1) {
            place->base = batch->records + batch->layouts[i].data[element] + offset;
            place->mask = UINT32_MAX;
            same = same && place->base == first + offset;
        }
    }
    view->base = same ? first + offset : NULL;
    return true;
}

/** Octets of a row through its layout. */
static inline const uint8_t *view_at(const struct view *view, unsigned row)
{
    const struct place *place = &view->places[view->row_layout[row]];
    return place->base + (view->record[row] & place->mask);
}

/* Loops over all rows and over a selection, with one offset and with an offset per layout. */
#define COPY_DEFINE(name, out_type, load)                                                          \
    static void copy_##name(const struct view *view, const uint16_t *selection, unsigned count,    \
                            out_type *out)                                                         \
    {                                                                                              \
        const uint8_t *base = view->base;                                                          \
        const uint32_t *record = view->record;                                                     \
        if (base != NULL && selection == NULL) {                                                   \
            for (unsigned i = 0; i < count; i++) {                                                 \
                out[i] = (out_type)load(base + record[i]);                                         \
            }                                                                                      \
        } else if (base != NULL) {                                                                 \
            for (unsigned i = 0; i < count; i++) {                                                 \
                out[selection[i]] = (out_type)load(base + record[selection[i]]);                   \
            }                                                                                      \
        } else if (selection == NULL) {                                                            \
            for (unsigned i = 0; i < count; i++) {                                                 \
                out[i] = (out_type)load(view_at(view, i));                                         \
            }                                                                                      \
        } else {                                                                                   \
            for (unsigned i = 0; i < count; i++) {                                                 \
                out[selection[i]] = (out_type)load(view_at(view, selection[i]));                   \
            }                                                                                      \
        }                                                                                          \
    }

static inline uint8_t load_u8(const uint8_t *p)
{
    return *p;
}

/** ACL ids are stored as received from the network. */
static inline uint32_t load_u32_be(const uint8_t *p)
{
    return be32toh(lnf_load_u32(p));
}

static inline uint64_t load_mac(const uint8_t *p)
{
    return load_u64(p) & MAC_MASK;
}

COPY_DEFINE(8_8, uint8_t, load_u8)
COPY_DEFINE(8_16, uint16_t, load_u8)
COPY_DEFINE(8_32, uint32_t, load_u8)
COPY_DEFINE(16_8, uint8_t, load_u16)
COPY_DEFINE(16_16, uint16_t, load_u16)
COPY_DEFINE(16_32, uint32_t, load_u16)
COPY_DEFINE(32_8, uint8_t, load_u32)
COPY_DEFINE(32_16, uint16_t, load_u32)
COPY_DEFINE(32_32, uint32_t, load_u32)
COPY_DEFINE(64_8, uint8_t, load_u64)
COPY_DEFINE(64_16, uint16_t, load_u64)
COPY_DEFINE(64_32, uint32_t, load_u64)
COPY_DEFINE(8_64, uint64_t, load_u8)
COPY_DEFINE(16_64, uint64_t, load_u16)
COPY_DEFINE(32_64, uint64_t, load_u32)
COPY_DEFINE(64_64, uint64_t, load_u64)
COPY_DEFINE(mac, uint64_t, load_mac)
COPY_DEFINE(be, uint32_t, load_u32_be)

#undef COPY_DEFINE

/* Copies to one type, by the width stored; wider values keep their low bits. */
#define COPY_BY_WIDTH(bits, out_type)                                                              \
    static void copy_to_##bits(const struct view *view, unsigned width, const uint16_t *selection, \
                               unsigned count, out_type *out)                                      \
    {                                                                                              \
        switch (width) {                                                                           \
        case 1:                                                                                    \
            copy_8_##bits(view, selection, count, out);                                            \
            break;                                                                                 \
        case 2:                                                                                    \
            copy_16_##bits(view, selection, count, out);                                           \
            break;                                                                                 \
        case 4:                                                                                    \
            copy_32_##bits(view, selection, count, out);                                           \
            break;                                                                                 \
        default:                                                                                   \
            copy_64_##bits(view, selection, count, out);                                           \
            break;                                                                                 \
        }                                                                                          \
    }

COPY_BY_WIDTH(8, uint8_t)
COPY_BY_WIDTH(16, uint16_t)
COPY_BY_WIDTH(32, uint32_t)
COPY_BY_WIDTH(64, uint64_t)

#undef COPY_BY_WIDTH

/** Strings, label stacks and composites do not fit a column: they read 0. */
static bool is_columnar(const struct lnf_field *field)
{
    switch (field->type) {
    case LNF_UINT8:
    case LNF_UINT16:
    case LNF_UINT32:
    case LNF_UINT64:
    case LNF_DOUBLE:
    case LNF_ADDR:
    case LNF_MAC:
        return true;
    default:
        return false;
    }
}

/** Octets of a value in its column. */
static size_t value_size(const struct lnf_field *field)
{
    switch (field->type) {
    case LNF_UINT8:
        return 1;
    case LNF_UINT16:
        return 2;
    case LNF_UINT32:
        return 4;
    case LNF_ADDR:
        return sizeof(struct lnf_addr);
    default:
        return 8;
    }
}

static void copy_numbers(const struct lnf_field *field, const struct view *view,
                         const uint16_t *selection, unsigned count, void *out)
{
    switch (field->type) {
    case LNF_UINT8:
        copy_to_8(view, field->width, selection, count, out);
        break;
    case LNF_UINT16:
        copy_to_16(view, field->width, selection, count, out);
        break;
    case LNF_UINT32:
        if (field->network_order) {
            copy_be(view, selection, count, out);
        } else {
            copy_to_32(view, field->width, selection, count, out);
        }
        break;
    case LNF_MAC:
        copy_mac(view, selection, count, out);
        break;
    default:
        copy_to_64(view, field->width, selection, count, out);
        break;
    }
}

/* ---- addresses ------------------------------------------------------------------------------- */

static inline struct lnf_addr address4(const uint8_t *p)
{
    return (struct lnf_addr){0, load_u32(p)};
}

static inline struct lnf_addr address6(const uint8_t *p)
{
    return (struct lnf_addr){load_u64(p), load_u64(p + 8)};
}

/**
 * Whether a record with both address elements is an IPv6 flow: layer 2 information decides when it
 * is there, else IPv4 addresses that are both zero mean that they were not observed.
 */
static bool flow_is_ipv6(const struct layout *layout, const uint8_t *record)
{
    unsigned layer2 = layout->data[ELEMENT_LAYER2];
    uint8_t version = layer2 == 0 ? 0 : record[layer2 + LAYER2_IP_VERSION];

    if (version == 4 || version == 6) {
        return version == 6;
    }
    return load_u64(record + layout->data[LNF_ELEMENT_IPV4]) == 0;
}

/** Address of a record that may have the field's IPv4 element, its IPv6 element, both, or none. */
static struct lnf_addr address_any(const lnf_batch_t *batch, const struct lnf_field *field,
                                   unsigned row)
{
    const struct layout *layout = &batch->layouts[batch->row_layout[row]];
    const uint8_t *record = lnf_batch_record(batch, row);
    unsigned at4 = field->element == 0 ? 0 : layout->data[field->element];
    unsigned at6 = field->element6 == 0 ? 0 : layout->data[field->element6];
    bool ipv6 = at6 != 0;

    if (at4 != 0 && at6 != 0) {
        ipv6 = field->element == LNF_ELEMENT_IPV4 ? flow_is_ipv6(layout, record)
                                                  : load_u32(record + at4 + field->offset) == 0;
    }
    if (ipv6) {
        return address6(record + at6 + field->offset6);
    }
    return at4 == 0 ? (struct lnf_addr){0, 0} : address4(record + at4 + field->offset);
}

/** Rows of one layout, or none with both elements: no decision per row is needed. */
static void copy_addresses(const struct view *view4, const struct view *view6,
                           const uint16_t *selection, unsigned count, struct lnf_addr *out)
{
    if (view4->base != NULL) {
        for (unsigned i = 0; i < count; i++) {
            unsigned row = selection == NULL ? i : selection[i];
            out[row] = address4(view4->base + view4->record[row]);
        }
    } else if (view6->base != NULL) {
        for (unsigned i = 0; i < count; i++) {
            unsigned row = selection == NULL ? i : selection[i];
            out[row] = address6(view6->base + view6->record[row]);
        }
    } else {
        /* The absent one reads zeros, so that their union is the address. */
        for (unsigned i = 0; i < count; i++) {
            unsigned row = selection == NULL ? i : selection[i];
            struct lnf_addr address = address6(view_at(view6, row));
            address.lo |= load_u32(view_at(view4, row));
            out[row] = address;
        }
    }
}

/** A view of rows none of which has the element. */
static void view_nothing(const lnf_batch_t *batch, struct view *view)
{
    view->record = batch->record;
    view->row_layout = batch->row_layout;
    view->base = NULL;
    for (uint64_t left = batch->used; left != 0;) {
        view->places[next_bit(&left)] = (struct place){zeros, 0};
    }
}

/** False when no row has the field. */
static bool fill_addresses(lnf_batch_t *batch, const struct lnf_field *field,
                           const uint16_t *selection, unsigned count, struct lnf_addr *out)
{
    uint64_t with4 = layouts_with(batch, field->element);
    uint64_t with6 = layouts_with(batch, field->element6);

    if ((with4 | with6) == 0) {
        return false;
    }
    if ((with4 & with6) != 0) {
        for (unsigned i = 0; i < count; i++) {
            unsigned row = selection == NULL ? i : selection[i];
            out[row] = address_any(batch, field, row);
        }
        return true;
    }
    struct view view4;
    struct view view6;
    if (!view_element(batch, field->element, field->offset, &view4)) {
        view_nothing(batch, &view4);
    }
    if (!view_element(batch, field->element6, field->offset6, &view6)) {
        view_nothing(batch, &view6);
    }
    copy_addresses(&view4, &view6, selection, count, out);
    return true;
}

/* ---- calculated fields ----------------------------------------------------------------------- */

static const void *column_of(lnf_batch_t *batch, int id, const uint16_t *selection, unsigned count)
{
    return lnf_batch_column(batch, lnf_field_get(id), selection, count);
}

static void fill_duration(lnf_batch_t *batch, const uint16_t *selection, unsigned count,
                          uint64_t *out)
{
    const uint64_t *first = column_of(batch, LNF_FLD_FIRST, selection, count);
    const uint64_t *last = column_of(batch, LNF_FLD_LAST, selection, count);

    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        out[row] = lnf_calculate_duration(first[row], last[row]);
    }
}

static void fill_ratio(lnf_batch_t *batch, int id, const uint16_t *selection, unsigned count,
                       double *out)
{
    const uint64_t *first = column_of(batch, LNF_FLD_FIRST, selection, count);
    const uint64_t *last = column_of(batch, LNF_FLD_LAST, selection, count);
    const uint64_t *bytes = column_of(batch, LNF_FLD_DOCTETS, selection, count);
    const uint64_t *packets = column_of(batch, LNF_FLD_DPKTS, selection, count);

    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        uint64_t duration = lnf_calculate_duration(first[row], last[row]);
        if (!lnf_calculate_ratio(id, duration, bytes[row], packets[row], &out[row])) {
            out[row] = 0;
        }
    }
}

static bool protocol_is_icmp(uint8_t protocol)
{
    return protocol == 1 || protocol == 58;
}

/** Flows of ICMP carry type and code in the destination port. */
static void fill_icmp(lnf_batch_t *batch, int id, const uint16_t *selection, unsigned count,
                      uint8_t *out)
{
    const uint8_t *protocol = column_of(batch, LNF_FLD_PROT, selection, count);
    const uint16_t *port = column_of(batch, LNF_FLD_DSTPORT, selection, count);
    unsigned shift = id == LNF_FLD_ICMP_TYPE ? 8 : 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        out[row] = protocol_is_icmp(protocol[row]) ? (uint8_t)(port[row] >> shift) : 0;
    }
}

static void fill_event_flag(const lnf_batch_t *batch, const uint16_t *selection, unsigned count,
                            uint8_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        out[row] = lnf_batch_record(batch, row)[RECORD_FLAGS] & RECORD_FLAG_EVENT;
    }
}

static void fill_family(lnf_batch_t *batch, const uint16_t *selection, unsigned count,
                        uint32_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        const struct layout *layout = &batch->layouts[batch->row_layout[row]];
        bool ipv4 = layout->data[LNF_ELEMENT_IPV4] != 0;
        bool ipv6 = layout->data[LNF_ELEMENT_IPV6] != 0;
        if (ipv4 && ipv6) {
            ipv4 = !flow_is_ipv6(layout, lnf_batch_record(batch, row));
        }
        out[row] = ipv4 ? AF_INET : ipv6 ? AF_INET6 : 0;
    }
}

/** False when records do not hold what the field is calculated from. */
static bool fill_computed(lnf_batch_t *batch, const struct lnf_field *field,
                          const uint16_t *selection, unsigned count, void *out)
{
    switch (field->id) {
    case LNF_FLD_CALC_DURATION:
        fill_duration(batch, selection, count, out);
        return true;
    case LNF_FLD_CALC_BPS:
    case LNF_FLD_CALC_PPS:
    case LNF_FLD_CALC_BPP:
        fill_ratio(batch, field->id, selection, count, out);
        return true;
    case LNF_FLD_ICMP_TYPE:
    case LNF_FLD_ICMP_CODE:
        fill_icmp(batch, field->id, selection, count, out);
        return true;
    case LNF_FLD_INET_FAMILY:
        fill_family(batch, selection, count, out);
        return true;
    case LNF_FLD_EVENT_FLAG:
        fill_event_flag(batch, selection, count, out);
        return true;
    default:
        return false;
    }
}

/* ---- columns --------------------------------------------------------------------------------- */

/** Places of header fields are the same in all records. */
static void view_header(const lnf_batch_t *batch, unsigned offset, struct view *view)
{
    view->record = batch->record;
    view->row_layout = batch->row_layout;
    view->base = batch->records + offset;
}

static bool fill_stored(lnf_batch_t *batch, const struct lnf_field *field,
                        const uint16_t *selection, unsigned count, void *out)
{
    struct view view;

    if (field->type == LNF_ADDR) {
        return fill_addresses(batch, field, selection, count, out);
    }
    if (field->source == LNF_SOURCE_HEADER) {
        view_header(batch, field->offset, &view);
    } else {
        /* Numbers that exist for both families, such as a tunnel's protocol, have two places too.
         */
        uint64_t with = layouts_with(batch, field->element);
        bool second = with == 0 && field->element6 != 0;
        if (!view_element(batch, second ? field->element6 : field->element,
                          second ? field->offset6 : field->offset, &view)) {
            return false;
        }
        if (field->element6 != 0 && !second && with != batch->used) {
            for (uint64_t left = layouts_with(batch, field->element6) & ~with; left != 0;) {
                unsigned i = next_bit(&left);
                view.places[i].base =
                    batch->records + batch->layouts[i].data[field->element6] + field->offset6;
                view.places[i].mask = UINT32_MAX;
            }
        }
    }
    copy_numbers(field, &view, selection, count, out);
    return true;
}

/** A flow record without a count of flows, or with 0, stands for one flow. */
static void default_flows(const uint16_t *selection, unsigned count, uint64_t *flows)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        flows[row] += flows[row] == 0;
    }
}

/** What records without the field read, for every row there may be: batch after batch needs it. */
static void fill_absent(const struct lnf_field *field, void *out)
{
    memset(out, 0, LNF_BATCH_ROWS * value_size(field));
    if (field->id == LNF_FLD_AGGR_FLOWS) {
        default_flows(NULL, LNF_BATCH_ROWS, out);
    }
}

const void *lnf_batch_column(lnf_batch_t *batch, const struct lnf_field *field,
                             const uint16_t *selection, unsigned count)
{
    if (field->source == LNF_SOURCE_PAIR) {
        field = lnf_field_get(field->pair_src);
    }
    size_t number = (size_t)(field - lnf_field_table);
    struct column *column = &batch->columns[number];
    void *out = batch->values + number * COLUMN_OCTETS;
    if (column->filled == batch->number) {
        return out;
    }
    if (selection == NULL) {
        count = batch->rows;
        column->filled = batch->number;
    }

    bool some = false;
    if (batch->rows > 0 && is_columnar(field)) {
        some = field->source == LNF_SOURCE_COMPUTED && field->id != LNF_FLD_AGGR_FLOWS
                   ? fill_computed(batch, field, selection, count, out)
                   : fill_stored(batch, field, selection, count, out);
    }
    if (some && field->id == LNF_FLD_AGGR_FLOWS) {
        default_flows(selection, count, out);
    }
    if (!some && !column->absent) {
        fill_absent(field, out);
    }
    column->absent = !some;
    return out;
}

/* ---- presence -------------------------------------------------------------------------------- */

/** Layouts whose records have what a calculated field is made of. */
static uint64_t layouts_with_computed(const lnf_batch_t *batch, const struct lnf_field *field)
{
    switch (field->id) {
    case LNF_FLD_CALC_DURATION:
    case LNF_FLD_CALC_BPS:
    case LNF_FLD_CALC_PPS:
    case LNF_FLD_CALC_BPP:
    case LNF_FLD_ICMP_TYPE:
    case LNF_FLD_ICMP_CODE:
        return layouts_with(batch, LNF_ELEMENT_GENERIC);
    case LNF_FLD_EVENT_FLAG:
        return batch->used;
    case LNF_FLD_INET_FAMILY:
        return layouts_with(batch, LNF_ELEMENT_IPV4) | layouts_with(batch, LNF_ELEMENT_IPV6);
    default:
        return 0;
    }
}

static uint64_t layouts_with_field(const lnf_batch_t *batch, const struct lnf_field *field)
{
    switch (field->source) {
    case LNF_SOURCE_HEADER:
        return batch->used;
    case LNF_SOURCE_COMPUTED:
        if (field->id != LNF_FLD_AGGR_FLOWS) {
            return layouts_with_computed(batch, field);
        }
        return layouts_with(batch, LNF_ELEMENT_COUNTERS);
    default:
        return layouts_with(batch, field->element) | layouts_with(batch, field->element6);
    }
}

const uint8_t *lnf_batch_present(lnf_batch_t *batch, const struct lnf_field *field,
                                 const uint16_t *selection, unsigned count)
{
    if (field->source == LNF_SOURCE_PAIR) {
        field = lnf_field_get(field->pair_src);
    }
    size_t number = (size_t)(field - lnf_field_table);
    uint8_t *out = batch->presence + number * LNF_BATCH_ROWS;
    if (batch->columns[number].checked != batch->number) {
        uint64_t with = layouts_with_field(batch, field);
        for (unsigned row = 0; row < batch->rows; row++) {
            out[row] = (uint8_t)((with >> batch->row_layout[row]) & 1);
        }
        batch->columns[number].checked = batch->number;
    }
    if (field->id == LNF_FLD_ICMP_TYPE || field->id == LNF_FLD_ICMP_CODE) {
        const uint8_t *protocol = column_of(batch, LNF_FLD_PROT, selection, count);
        count = selection == NULL ? batch->rows : count;
        for (unsigned i = 0; i < count; i++) {
            unsigned row = selection == NULL ? i : selection[i];
            out[row] &= protocol_is_icmp(protocol[row]);
        }
    }
    return out;
}
