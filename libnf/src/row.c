/* SPDX-License-Identifier: BSD-3-Clause */
/** Packed rows: columns in and out, values, order. */
#include "query.h"

#include <libnf/bytes.h>
#include <math.h>
#include <string.h>

/* ---- columns in and out ---------------------------------------------------------------------- */

static inline uint16_t swap_u16(uint16_t v)
{
    return htobe16(v);
}

static inline uint32_t swap_u32(uint32_t v)
{
    return htobe32(v);
}

static inline uint64_t swap_u64(uint64_t v)
{
    return htobe64(v);
}

#define PACK_DEFINE(bits)                                                                          \
    static void pack_##bits(const uint##bits##_t *column, const uint16_t *selection,               \
                            unsigned start, unsigned count, uint8_t *out, size_t stride)           \
    {                                                                                              \
        for (unsigned i = 0; i < count; i++, out += stride) {                                      \
            unsigned row = start + i;                                                              \
            lnf_store_u##bits(out,                                                                 \
                              swap_u##bits(column[selection == NULL ? row : selection[row]]));     \
        }                                                                                          \
    }                                                                                              \
    static void unpack_##bits(const uint8_t *in, size_t stride, unsigned count,                    \
                              uint##bits##_t *column)                                              \
    {                                                                                              \
        for (unsigned i = 0; i < count; i++, in += stride) {                                       \
            column[i] = swap_u##bits(lnf_load_u##bits(in));                                        \
        }                                                                                          \
    }

PACK_DEFINE(16)
PACK_DEFINE(32)
PACK_DEFINE(64)

#undef PACK_DEFINE

static void pack_8(const uint8_t *column, const uint16_t *selection, unsigned start, unsigned count,
                   uint8_t *out, size_t stride)
{
    for (unsigned i = 0; i < count; i++, out += stride) {
        unsigned row = start + i;
        *out = column[selection == NULL ? row : selection[row]];
    }
}

static void pack_address(const struct lnf_addr *column, const uint16_t *selection, unsigned start,
                         unsigned count, uint8_t *out, size_t stride)
{
    for (unsigned i = 0; i < count; i++, out += stride) {
        unsigned row = start + i;
        const struct lnf_addr *address = &column[selection == NULL ? row : selection[row]];
        lnf_store_u64(out, htobe64(address->hi));
        lnf_store_u64(out + 8, htobe64(address->lo));
    }
}

static void store_mac(uint8_t *out, uint64_t mac)
{
    lnf_store_u16(out, htobe16((uint16_t)(mac >> 32)));
    lnf_store_u32(out + 2, htobe32((uint32_t)mac));
}

static uint64_t load_mac(const uint8_t *in)
{
    return ((uint64_t)be16toh(lnf_load_u16(in)) << 32) | be32toh(lnf_load_u32(in + 2));
}

static struct lnf_addr load_address(const uint8_t *in)
{
    return (struct lnf_addr){be64toh(lnf_load_u64(in)), be64toh(lnf_load_u64(in + 8))};
}

static void pack_mac(const uint64_t *column, const uint16_t *selection, unsigned start,
                     unsigned count, uint8_t *out, size_t stride)
{
    for (unsigned i = 0; i < count; i++, out += stride) {
        unsigned row = start + i;
        store_mac(out, column[selection == NULL ? row : selection[row]]);
    }
}

/** Prefix of an address. IPv4: the high 96 bits are 0 and the number is larger than 1. */
static inline struct lnf_addr cut_address(const struct lnf_stored *stored, struct lnf_addr address)
{
    if (address.hi == 0 && address.lo <= UINT32_MAX && address.lo > 1) {
        address.lo &= stored->mask4;
        return address;
    }
    address.hi &= stored->mask6.hi;
    address.lo &= stored->mask6.lo;
    return address;
}

static void pack_prefix(const struct lnf_stored *stored, const struct lnf_addr *column,
                        const uint16_t *selection, unsigned start, unsigned count, uint8_t *out,
                        size_t stride)
{
    for (unsigned i = 0; i < count; i++, out += stride) {
        unsigned row = start + i;
        struct lnf_addr address =
            cut_address(stored, column[selection == NULL ? row : selection[row]]);
        lnf_store_u64(out, htobe64(address.hi));
        lnf_store_u64(out + 8, htobe64(address.lo));
    }
}

static void pack_bucket(const struct lnf_stored *stored, const uint64_t *column,
                        const uint16_t *selection, unsigned start, unsigned count, uint8_t *out,
                        size_t stride)
{
    for (unsigned i = 0; i < count; i++, out += stride) {
        unsigned row = start + i;
        uint64_t value = column[selection == NULL ? row : selection[row]];
        lnf_store_u64(out, htobe64(value - value % stored->bucket_ms));
    }
}

void lnf_row_pack(const struct lnf_stored *stored, const void *column, const uint16_t *selection,
                  unsigned start, unsigned count, uint8_t *out, size_t stride)
{
    switch (stored->width) {
    case 1:
        pack_8(column, selection, start, count, out, stride);
        break;
    case 2:
        pack_16(column, selection, start, count, out, stride);
        break;
    case 4:
        pack_32(column, selection, start, count, out, stride);
        break;
    case 6:
        pack_mac(column, selection, start, count, out, stride);
        break;
    case 8:
        if (stored->bucket_ms != 0) {
            pack_bucket(stored, column, selection, start, count, out, stride);
        } else {
            pack_64(column, selection, start, count, out, stride);
        }
        break;
    default:
        if (stored->masked) {
            pack_prefix(stored, column, selection, start, count, out, stride);
        } else {
            pack_address(column, selection, start, count, out, stride);
        }
        break;
    }
}

void lnf_row_pack_text(const struct lnf_stored *stored, const lnf_batch_t *batch,
                       const uint16_t *selection, unsigned count, uint8_t *out, size_t stride)
{
    const struct lnf_field *field = stored->field;

    for (unsigned i = 0; i < count; i++, out += stride) {
        size_t size, length = 0;
        const uint8_t *data =
            lnf_batch_element(batch, selection == NULL ? i : selection[i], field->element, &size);
        if (data != NULL) { /* then it has the field's octets, see element.h */
            length = strnlen((const char *)data + field->offset, stored->width);
            memcpy(out, data + field->offset, length);
        }
        memset(out + length, 0, stored->width - length);
    }
}

void lnf_row_unpack(const struct lnf_stored *stored, const uint8_t *in, size_t stride,
                    unsigned count, void *column)
{
    switch (stored->width) {
    case 1:
        for (unsigned i = 0; i < count; i++, in += stride) {
            ((uint8_t *)column)[i] = *in;
        }
        break;
    case 2:
        unpack_16(in, stride, count, column);
        break;
    case 4:
        unpack_32(in, stride, count, column);
        break;
    case 6:
        for (unsigned i = 0; i < count; i++, in += stride) {
            ((uint64_t *)column)[i] = load_mac(in);
        }
        break;
    case 8:
        unpack_64(in, stride, count, column);
        break;
    default:
        for (unsigned i = 0; i < count; i++, in += stride) {
            ((struct lnf_addr *)column)[i] = load_address(in);
        }
        break;
    }
}

/* ---- single values --------------------------------------------------------------------------- */

static uint64_t row_number(const struct lnf_stored *stored, const uint8_t *at)
{
    switch (stored->width) {
    case 1:
        return *at;
    case 2:
        return be16toh(lnf_load_u16(at));
    case 4:
        return be32toh(lnf_load_u32(at));
    case 6:
        return load_mac(at);
    default:
        return be64toh(lnf_load_u64(at));
    }
}

static uint64_t native_number(size_t width, const void *value)
{
    switch (width) {
    case 1:
        return *(const uint8_t *)value;
    case 2:
        return lnf_load_u16(value);
    case 4:
        return lnf_load_u32(value);
    default:
        return lnf_load_u64(value);
    }
}

/** A row to take values from, whatever form it is in. */
struct source {
    const uint8_t *row; /* a packed row, or a group */
    bool group;
    const void *const *columns; /* or columns of a batch by stored column ... */
    unsigned index;             /* ... and the row in them */
};

static uint64_t source_number(const lnf_query_t *query, const struct source *from, unsigned number)
{
    const struct lnf_stored *stored = &query->stored[number];

    if (from->row == NULL) {
        size_t width = lnf_stored_native(stored);
        const uint8_t *column = from->columns[number];
        return native_number(width, column + from->index * width);
    }
    if (!from->group) {
        return row_number(stored, from->row + stored->row_offset);
    }
    return stored->key ? row_number(stored, from->row + stored->place)
                       : native_number(lnf_stored_native(stored), from->row + stored->place);
}

static struct lnf_addr source_address(const lnf_query_t *query, const struct source *from,
                                      unsigned number)
{
    const struct lnf_stored *stored = &query->stored[number];
    struct lnf_addr address;

    if (from->row == NULL) {
        return ((const struct lnf_addr *)from->columns[number])[from->index];
    }
    if (!from->group) {
        return load_address(from->row + stored->row_offset);
    }
    if (stored->key) {
        return load_address(from->row + stored->place);
    }
    memcpy(&address, from->row + stored->place, sizeof(address));
    return address;
}

static uint64_t source_duration(const lnf_query_t *query, const struct source *from)
{
    return lnf_calculate_duration(source_number(query, from, query->needs.first),
                                  source_number(query, from, query->needs.last));
}

/** False when the divisor is 0. */
static bool source_ratio(const lnf_query_t *query, const struct source *from, int id, double *ratio)
{
    uint64_t duration = id == LNF_FLD_CALC_BPP ? 0 : source_duration(query, from);
    uint64_t bytes = id == LNF_FLD_CALC_PPS ? 0 : source_number(query, from, query->needs.bytes);
    uint64_t packets =
        id == LNF_FLD_CALC_BPS ? 0 : source_number(query, from, query->needs.packets);

    return lnf_calculate_ratio(id, duration, bytes, packets, ratio);
}

static void calculated_value(const lnf_query_t *query, const struct source *from, int id,
                             struct lnf_value *value)
{
    if (id == LNF_FLD_CALC_DURATION) {
        value->kind = LNF_VALUE_UINT;
        value->u64 = source_duration(query, from);
    } else if (source_ratio(query, from, id, &value->real)) {
        value->kind = LNF_VALUE_DOUBLE;
    } else {
        value->kind = LNF_VALUE_NAN;
        value->real = (double)NAN;
    }
}

void lnf_query_row_value(const lnf_query_t *query, const uint8_t *row, unsigned column,
                         struct lnf_value *value)
{
    const struct lnf_answer_column *answer = &query->columns[column];
    struct source from = {.row = row};

    memset(value, 0, sizeof(*value));
    if (answer->calculated) {
        calculated_value(query, &from, answer->field->id, value);
        return;
    }
    const struct lnf_stored *stored = &query->stored[answer->stored];
    const uint8_t *at = row + stored->row_offset;
    if (stored->text) {
        value->kind = LNF_VALUE_STRING;
        value->string.text = (const char *)at;
        value->string.length = strnlen(value->string.text, stored->width);
        return;
    }
    switch (stored->width) {
    case 16:
        value->kind = LNF_VALUE_ADDRESS;
        memcpy(value->octets, at, 16);
        break;
    case 6:
        value->kind = LNF_VALUE_MAC;
        memcpy(value->octets, at, 6);
        break;
    default:
        value->kind = LNF_VALUE_UINT;
        value->u64 = row_number(stored, at);
        break;
    }
}

void lnf_group_pack(const lnf_query_t *query, const uint8_t *group, uint8_t *row)
{
    for (unsigned i = 0; i < query->stored_count; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        const uint8_t *from = group + stored->place;
        uint8_t *to = row + stored->row_offset;
        if (stored->key) {
            lnf_value_copy(to, from, stored->width);
        } else {
            lnf_row_pack(stored, from, NULL, 0, 1, to, 0);
        }
    }
}

/* ---- order ----------------------------------------------------------------------------------- */

/**
 * An address in 64 bits without changing the order: IPv4 as it is, of IPv6 the high half. Equal
 * ranks do not mean equal addresses.
 */
static uint64_t squeeze_address(struct lnf_addr address)
{
    const uint64_t top = (uint64_t)1 << 63;

    if (address.hi != 0) {
        return top | (address.hi >> 1);
    }
    return address.lo < top ? address.lo : top - 1;
}

/** Ratios are never negative: then their bits order them. Not-a-number comes last either way. */
static uint64_t rank_ratio(double ratio, bool descending)
{
    uint64_t bits;

    memcpy(&bits, &ratio, sizeof(bits));
    return descending ? (uint64_t)INT64_MAX - bits : bits;
}

/** Stored column that orders rows of a query without a sort column: the first key. */
static int first_key(const lnf_query_t *query)
{
    for (unsigned i = 0; i < query->stored_count; i++) {
        if (query->stored[i].key) {
            return (int)i;
        }
    }
    return -1;
}

static uint64_t rank_of_column(const lnf_query_t *query, const struct source *from, unsigned number)
{
    return query->stored[number].width == 16 ? squeeze_address(source_address(query, from, number))
                                             : source_number(query, from, number);
}

static uint64_t rank_of(const lnf_query_t *query, const struct source *from)
{
    bool descending = query->sort_descending;
    uint64_t rank;
    int number;

    if (query->sort_column < 0) {
        number = first_key(query);
        descending = false;
        if (number < 0) {
            return 0;
        }
    } else {
        const struct lnf_answer_column *column = &query->columns[query->sort_column];
        if (column->calculated && column->field->id != LNF_FLD_CALC_DURATION) {
            double ratio;
            return source_ratio(query, from, column->field->id, &ratio)
                       ? rank_ratio(ratio, descending)
                       : UINT64_MAX;
        }
        if (column->calculated) {
            rank = source_duration(query, from);
            return descending ? ~rank : rank;
        }
        number = column->stored;
    }
    rank = rank_of_column(query, from, (unsigned)number);
    return descending ? ~rank : rank;
}

void lnf_row_key(const lnf_query_t *query, const uint8_t *row, uint64_t *key)
{
    if (query->key_words == 0) {
        return;
    }
    key[query->key_words - 1] = 0; /* the octets that fill the last word */
    for (unsigned i = 0; i < query->stored_count; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        if (stored->key) {
            lnf_value_copy((uint8_t *)key + stored->place, row + stored->row_offset, stored->width);
        }
    }
}

uint64_t lnf_row_rank(const lnf_query_t *query, const uint8_t *row)
{
    return rank_of(query, &(struct source){.row = row});
}

uint64_t lnf_group_rank(const lnf_query_t *query, const uint8_t *group)
{
    return rank_of(query, &(struct source){.row = group, .group = true});
}

bool lnf_query_number_rank(const lnf_query_t *query, uint64_t number, uint64_t *rank)
{
    if (query->sort_column < 0 || !query->sort_descending) {
        return false;
    }
    const struct lnf_answer_column *column = &query->columns[query->sort_column];
    *rank = ~number;
    return !column->calculated && query->stored[column->stored].width <= sizeof(number);
}

static int compare_addresses(struct lnf_addr a, struct lnf_addr b)
{
    if (a.hi != b.hi) {
        return a.hi < b.hi ? -1 : 1;
    }
    return a.lo == b.lo ? 0 : a.lo < b.lo ? -1 : 1;
}

/** Addresses to sort by whose ranks are equal; 0 when the query sorts by something else. */
static int compare_sort_addresses(const lnf_query_t *query, const uint8_t *a, const uint8_t *b,
                                  bool group)
{
    if (query->sort_column < 0 || query->columns[query->sort_column].calculated) {
        return 0;
    }
    unsigned number = query->columns[query->sort_column].stored;
    if (query->stored[number].width != 16) {
        return 0;
    }
    int order = compare_addresses(
        source_address(query, &(struct source){.row = a, .group = group}, number),
        source_address(query, &(struct source){.row = b, .group = group}, number));
    return query->sort_descending ? -order : order;
}

int lnf_group_tie_sort(const lnf_query_t *query, const uint8_t *a, const uint8_t *b)
{
    return compare_sort_addresses(query, a, b, true);
}

int lnf_group_tie(const lnf_query_t *query, const uint8_t *a, const uint8_t *b)
{
    int order = compare_sort_addresses(query, a, b, true);

    return order != 0 ? order : memcmp(a, b, (size_t)query->key_words * 8);
}

bool lnf_group_has_second(const lnf_query_t *query)
{
    if (first_key(query) < 0 || query->sort_column < 0) {
        return false;
    }
    const struct lnf_answer_column *column = &query->columns[query->sort_column];
    return column->calculated || query->stored[column->stored].width != 16;
}

uint64_t lnf_group_second(const lnf_query_t *query, const uint8_t *group)
{
    return rank_of_column(query, &(struct source){.row = group, .group = true},
                          (unsigned)first_key(query));
}

int lnf_row_tie(const lnf_query_t *query, const uint8_t *a, const uint8_t *b)
{
    int order = compare_sort_addresses(query, a, b, false);

    for (unsigned i = 0; i < query->stored_count && order == 0; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        if (stored->key) {
            order = memcmp(a + stored->row_offset, b + stored->row_offset, stored->width);
        }
    }
    return order != 0 ? order : memcmp(a, b, query->row_size);
}

int lnf_query_row_compare(const lnf_query_t *query, const uint8_t *a, const uint8_t *b)
{
    uint64_t rank_a = lnf_row_rank(query, a);
    uint64_t rank_b = lnf_row_rank(query, b);

    if (rank_a != rank_b) {
        return rank_a < rank_b ? -1 : 1;
    }
    return lnf_row_tie(query, a, b);
}

void lnf_batch_ranks(const lnf_query_t *query, lnf_batch_t *batch, const uint16_t *selection,
                     unsigned count, uint64_t *ranks)
{
    const void *columns[LNF_QUERY_COLUMNS];
    const struct lnf_answer_column *column = &query->columns[query->sort_column];
    uint16_t wanted[4];
    unsigned wanted_count = 0;

    if (!column->calculated) {
        wanted[wanted_count++] = column->stored;
    } else {
        if (column->field->id != LNF_FLD_CALC_BPP) {
            wanted[wanted_count++] = query->needs.first;
            wanted[wanted_count++] = query->needs.last;
        }
        if (column->field->id == LNF_FLD_CALC_BPS || column->field->id == LNF_FLD_CALC_BPP) {
            wanted[wanted_count++] = query->needs.bytes;
        }
        if (column->field->id == LNF_FLD_CALC_PPS || column->field->id == LNF_FLD_CALC_BPP) {
            wanted[wanted_count++] = query->needs.packets;
        }
    }
    for (unsigned i = 0; i < wanted_count; i++) {
        columns[wanted[i]] =
            lnf_batch_column(batch, query->stored[wanted[i]].field, selection, count);
    }
    struct source from = {.columns = columns};
    for (unsigned i = 0; i < count; i++) {
        from.index = selection == NULL ? i : selection[i];
        ranks[i] = rank_of(query, &from);
    }
}
