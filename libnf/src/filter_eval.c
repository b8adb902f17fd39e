/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Runs a program over a batch. Every test is one tight loop over a typed column; columns are asked
 * for with the rows still in question, so later terms cost nothing for rows that earlier ones
 * rejected.
 */
#include "filter.h"
#include "filter_geo.h"
#include "filter_ja3.h"
#include "filter_program.h"
#include "filter_regex.h"

#include <libnf/bytes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/** Memory of one level of OR. */
struct level {
    uint16_t rest[LNF_BATCH_ROWS];    /* rows nothing has accepted yet */
    uint16_t found[LNF_BATCH_ROWS];   /* rows the last child accepted */
    uint8_t accepted[LNF_BATCH_ROWS]; /* 1 for rows of the selection that some child accepted */
};

struct lnf_program_state {
    const lnf_geo_t *geo;
    struct lnf_geo_cache *countries; /* NULL = none are asked for */
    unsigned level_count;
    struct level levels[];
};

/** What a run needs everywhere. */
struct run {
    lnf_batch_t *batch;
    struct lnf_program_state *state;
};

static unsigned run_step(const struct run *run, const struct lnf_filter_step *step, unsigned level,
                         const uint16_t *selection, unsigned count, uint16_t *out);

/* ---- tests of one value ---------------------------------------------------------------------- */

/* Most values are in no list, and one bit tells for nearly all of them. */
static inline unsigned maybe_in(const struct lnf_hash_filter *filter, uint64_t hash)
{
    uint64_t bit = hash >> filter->shift;

    return filter->bits[bit >> 6] >> (bit & 63) & 1;
}

static inline unsigned in_numbers(const struct lnf_number_set *set, uint64_t number)
{
    uint64_t hash = lnf_filter_hash(number);

    if (!maybe_in(&set->filter, hash)) {
        return 0;
    }
    if (number == 0) {
        return set->zero;
    }
    uint64_t slot = hash >> set->shift;
    while (set->slots[slot] != 0) {
        if (set->slots[slot] == number) {
            return 1;
        }
        slot = (slot + 1) & set->last;
    }
    return 0;
}

static inline unsigned in_addresses(const struct lnf_address_set *set, struct lnf_addr address)
{
    uint64_t hash = lnf_filter_hash_address(address);

    if (!maybe_in(&set->filter, hash)) {
        return 0;
    }
    if ((address.hi | address.lo) == 0) {
        return set->zero;
    }
    uint64_t slot = hash >> set->shift;
    while ((set->slots[slot].hi | set->slots[slot].lo) != 0) {
        if (set->slots[slot].hi == address.hi && set->slots[slot].lo == address.lo) {
            return 1;
        }
        slot = (slot + 1) & set->last;
    }
    return 0;
}

/* Finds the last range that begins at or before the value, and asks whether it reaches that far. */
#define SEARCH_RANGES(low, high, from, to, value, less)                                            \
    size_t first = (from), length = (to)-first;                                                    \
    while (length > 0) {                                                                           \
        size_t half = length / 2;                                                                  \
        if (less((value), (low)[first + half])) {                                                  \
            length = half;                                                                         \
        } else {                                                                                   \
            first += half + 1;                                                                     \
            length -= half + 1;                                                                    \
        }                                                                                          \
    }                                                                                              \
    return first > 0 && !less((high)[first - 1], (value))

#define NUMBER_LESS(a, b) ((a) < (b))

static inline unsigned in_number_ranges(const struct lnf_number_ranges *set, uint64_t number)
{
    SEARCH_RANGES(set->low, set->high, 0, set->count, number, NUMBER_LESS);
}

static inline unsigned in_ranges4(const struct lnf_address_ranges *set, uint32_t address)
{
    const uint32_t *index = set->index4 + (address >> set->shift4);

    SEARCH_RANGES(set->low4, set->high4, index[0], index[1], address, NUMBER_LESS);
}

static inline unsigned in_ranges6(const struct lnf_address_ranges *set, struct lnf_addr address)
{
    SEARCH_RANGES(set->low6, set->high6, 0, set->count6, address, lnf_addr_less);
}

static inline unsigned in_nets(const struct lnf_address_ranges *set, struct lnf_addr address)
{
    return address.hi == 0 && address.lo >> 32 == 0 ? in_ranges4(set, (uint32_t)address.lo)
                                                    : in_ranges6(set, address);
}

static inline unsigned in_bitmap(const uint64_t *bitmap, unsigned number)
{
    return bitmap[number >> 6] >> (number & 63) & 1;
}

/* ---- loops over columns ---------------------------------------------------------------------- */

/*
 * A loop without branches: every row is written, and the place moves on only for rows that match.
 * `out` may be the selection itself, since a row is never written before it was read.
 */
#define SELECT_LOOP(row_of, matches)                                                               \
    for (unsigned i = 0; i < count; i++) {                                                         \
        unsigned row = (row_of);                                                                   \
        out[kept] = (uint16_t)row;                                                                 \
        kept += (unsigned)(matches) ^ negate;                                                      \
    }

#define DEFINE_SELECT(name, type, prepare, test)                                                   \
    static unsigned name(const struct lnf_filter_leaf *leaf, const void *column1,                  \
                         const void *column2, const uint16_t *selection, unsigned count,           \
                         uint16_t *out)                                                            \
    {                                                                                              \
        const type *a = column1, *b = column2;                                                     \
        const unsigned negate = leaf->negate;                                                      \
        unsigned kept = 0;                                                                         \
        prepare;                                                                                   \
        if (selection == NULL && b == NULL) {                                                      \
            SELECT_LOOP(i, test(a[row]))                                                           \
        } else if (selection == NULL) {                                                            \
            SELECT_LOOP(i, (unsigned)(test(a[row])) | (unsigned)(test(b[row])))                    \
        } else if (b == NULL) {                                                                    \
            SELECT_LOOP(selection[i], test(a[row]))                                                \
        } else {                                                                                   \
            SELECT_LOOP(selection[i], (unsigned)(test(a[row])) | (unsigned)(test(b[row])))         \
        }                                                                                          \
        return kept;                                                                               \
    }

/* Computed in the column's own type: what is above the range wraps around to above the span. */
#define PREPARE_RANGE(type) const type min = (type)leaf->range.min, span = (type)leaf->range.span
#define PREPARE_BITS(type) const type mask = (type)leaf->bits.mask, want = (type)leaf->bits.want
#define TEST_RANGE8(v) ((uint8_t)((v)-min) <= span)
#define TEST_RANGE16(v) ((uint16_t)((v)-min) <= span)
#define TEST_RANGE(v) ((v)-min <= span)
#define TEST_BITS(v) (((v)&mask) == want)

DEFINE_SELECT(select_range8, uint8_t, PREPARE_RANGE(uint8_t), TEST_RANGE8)
DEFINE_SELECT(select_range16, uint16_t, PREPARE_RANGE(uint16_t), TEST_RANGE16)
DEFINE_SELECT(select_range32, uint32_t, PREPARE_RANGE(uint32_t), TEST_RANGE)
DEFINE_SELECT(select_range64, uint64_t, PREPARE_RANGE(uint64_t), TEST_RANGE)
DEFINE_SELECT(select_bits8, uint8_t, PREPARE_BITS(uint8_t), TEST_BITS)
DEFINE_SELECT(select_bits16, uint16_t, PREPARE_BITS(uint16_t), TEST_BITS)
DEFINE_SELECT(select_bits32, uint32_t, PREPARE_BITS(uint32_t), TEST_BITS)
DEFINE_SELECT(select_bits64, uint64_t, PREPARE_BITS(uint64_t), TEST_BITS)

#define TEST_BITMAP(v) in_bitmap(bitmap, (v))
DEFINE_SELECT(select_bitmap8, uint8_t, const uint64_t *bitmap = leaf->bitmap, TEST_BITMAP)
DEFINE_SELECT(select_bitmap16, uint16_t, const uint64_t *bitmap = leaf->bitmap, TEST_BITMAP)

#define PREPARE_NUMBERS const struct lnf_number_set set = leaf->numbers
#define TEST_NUMBERS(v) in_numbers(&set, (v))
DEFINE_SELECT(select_numbers32, uint32_t, PREPARE_NUMBERS, TEST_NUMBERS)
DEFINE_SELECT(select_numbers64, uint64_t, PREPARE_NUMBERS, TEST_NUMBERS)

#define PREPARE_NUMBER_RANGES const struct lnf_number_ranges set = leaf->number_ranges
#define TEST_NUMBER_RANGES(v) in_number_ranges(&set, (v))
DEFINE_SELECT(select_ranges32, uint32_t, PREPARE_NUMBER_RANGES, TEST_NUMBER_RANGES)
DEFINE_SELECT(select_ranges64, uint64_t, PREPARE_NUMBER_RANGES, TEST_NUMBER_RANGES)

#define PREPARE_REAL const double low = leaf->real.low, high = leaf->real.high
#define TEST_REAL(v) (((v) >= low) & ((v) <= high))
DEFINE_SELECT(select_real, double, PREPARE_REAL, TEST_REAL)

#define PREPARE_NET const struct lnf_addr address = leaf->net.address, mask = leaf->net.mask
#define TEST_NET(v) (((((v).hi & mask.hi) ^ address.hi) | (((v).lo & mask.lo) ^ address.lo)) == 0)
DEFINE_SELECT(select_net, struct lnf_addr, PREPARE_NET, TEST_NET)

#define PREPARE_ADDRESSES const struct lnf_address_set set = leaf->addresses
#define TEST_ADDRESSES(v) in_addresses(&set, (v))
DEFINE_SELECT(select_addresses, struct lnf_addr, PREPARE_ADDRESSES, TEST_ADDRESSES)

#define PREPARE_NETS const struct lnf_address_ranges set = leaf->nets
#define TEST_NETS(v) in_nets(&set, (v))
DEFINE_SELECT(select_nets, struct lnf_addr, PREPARE_NETS, TEST_NETS)

#define TEST_PRESENT(v) ((v) != 0)
DEFINE_SELECT(select_present, uint8_t, (void)leaf, TEST_PRESENT)

typedef unsigned select_fn(const struct lnf_filter_leaf *leaf, const void *column1,
                           const void *column2, const uint16_t *selection, unsigned count,
                           uint16_t *out);

/* The loop of a test for columns of 8, 16, 32 and 64 bits. */
static select_fn *const number_loops[][4] = {
    [LNF_TEST_RANGE] = {select_range8, select_range16, select_range32, select_range64},
    [LNF_TEST_BITS] = {select_bits8, select_bits16, select_bits32, select_bits64},
    [LNF_TEST_BITMAP] = {select_bitmap8, select_bitmap16, NULL, NULL},
    [LNF_TEST_NUMBERS] = {NULL, NULL, select_numbers32, select_numbers64},
    [LNF_TEST_NUMBER_RANGES] = {NULL, NULL, select_ranges32, select_ranges64},
};

static select_fn *loop_of(const struct lnf_filter_leaf *leaf)
{
    switch ((enum lnf_filter_test)leaf->test) {
    case LNF_TEST_REAL:
        return select_real;
    case LNF_TEST_NET:
        return select_net;
    case LNF_TEST_ADDRESSES:
        return select_addresses;
    case LNF_TEST_NETS:
        return select_nets;
    case LNF_TEST_PRESENT:
        return select_present;
    default:
        break;
    }
    switch (leaf->field->type) {
    case LNF_UINT8:
        return number_loops[leaf->test][0];
    case LNF_UINT16:
        return number_loops[leaf->test][1];
    case LNF_UINT32:
        return number_loops[leaf->test][2];
    default:
        return number_loops[leaf->test][3];
    }
}

/* ---- tests of records, for what has no column ------------------------------------------------ */

static bool text_contains(const char *text, size_t text_length, const char *part, size_t length)
{
    for (size_t i = 0; i + length <= text_length; i++) {
        if (strncasecmp(text + i, part, length) == 0) {
            return true;
        }
    }
    return false;
}

/* A record without the text compares as an empty one. */
static bool matches_string(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    size_t size, offset = leaf->field->offset;
    const uint8_t *data = lnf_batch_element(batch, row, leaf->field->element, &size);
    const char *text = data == NULL || offset >= size ? "" : (const char *)data + offset;
    size_t room = data == NULL || offset >= size ? 0 : size - offset;

    room = room > leaf->field->width ? leaf->field->width : room;
    size_t length = strnlen(text, room);
    if (leaf->string.contains) {
        return text_contains(text, length, leaf->string.text, leaf->string.length);
    }
    return length == leaf->string.length &&
           strncasecmp(text, leaf->string.text, leaf->string.length) == 0;
}

#define MPLS_ENTRIES 10u

static bool matches_entry(const struct lnf_filter_leaf *leaf, uint64_t value)
{
    return (leaf->part & LNF_MPLS_BITS) != 0 ? (value & leaf->bits.mask) == leaf->bits.want
                                             : value - leaf->range.min <= leaf->range.span;
}

/*
 * Entries hold label << 4 | experimental bits << 1 | bottom of the stack. A record without a stack,
 * and entries below its bottom, compare as 0.
 */
static bool matches_mpls(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    size_t size;
    const uint8_t *data = lnf_batch_element(batch, row, leaf->field->element, &size);
    uint32_t entries[MPLS_ENTRIES] = {0};
    unsigned part = leaf->part & ~LNF_MPLS_BITS, depth = 0;

    if (data != NULL && size >= sizeof(entries)) {
        memcpy(entries, data, sizeof(entries));
    }
    while (depth + 1 < MPLS_ENTRIES && entries[depth] != 0 && (entries[depth] & 1) == 0) {
        depth++;
    }
    if (part == LNF_MPLS_ANY) {
        for (unsigned i = 0; i <= depth; i++) {
            if (matches_entry(leaf, entries[i] >> 4)) {
                return true;
            }
        }
        return false;
    }
    uint64_t value = part == LNF_MPLS_BOTTOM ? entries[depth] >> 4
                     : part > LNF_MPLS_EXP   ? entries[part - LNF_MPLS_EXP - 1] >> 1 & 7
                                             : entries[part - 1] >> 4;
    return matches_entry(leaf, value);
}

#define ELEMENT_PORT_BLOCK 26u
#define ELEMENT_LABEL 28u
#define ELEMENT_IN_PAYLOAD 29u

/* A record without a block has the one from 0 to 0. */
static bool matches_port_block(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    size_t size;
    uint16_t start = 0, end = 0, port = 0;
    const uint8_t *block = lnf_batch_element(batch, row, ELEMENT_PORT_BLOCK, &size);
    const uint8_t *generic = lnf_batch_element(batch, row, leaf->field->element, &size);

    if (block != NULL) {
        start = le16toh(lnf_load_u16(block));
        end = le16toh(lnf_load_u16(block + 2));
    }
    if (generic != NULL) {
        port = le16toh(lnf_load_u16(generic + leaf->field->offset));
    }
    return port >= start && port <= end;
}

static bool matches_payload(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    size_t size;
    const uint8_t *data = lnf_batch_element(batch, row, ELEMENT_IN_PAYLOAD, &size);

    return data != NULL && memmem(data, size, leaf->string.text, leaf->string.length) != NULL;
}

/* A record without payload matches no pattern, not even one that an empty text matches. */
static bool matches_regex(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    size_t size;
    const uint8_t *data = lnf_batch_element(batch, row, ELEMENT_IN_PAYLOAD, &size);

    return data != NULL && size > 0 && lnf_regex_search(leaf->regex, data, size);
}

static bool matches_ja3(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    size_t size;
    const uint8_t *data = lnf_batch_element(batch, row, ELEMENT_IN_PAYLOAD, &size);
    char text[LNF_JA3_TEXT_MAX];
    uint8_t ja3[LNF_JA3_SIZE];

    if (data == NULL) {
        return false;
    }
    if (leaf->string.length == 0) {
        return lnf_ja3_text(data, size, text) > 0;
    }
    return lnf_ja3_compute(data, size, ja3) && memcmp(ja3, leaf->string.text, sizeof(ja3)) == 0;
}

static bool matches_label(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    size_t size;
    const uint8_t *data = lnf_batch_element(batch, row, ELEMENT_LABEL, &size);

    return data != NULL && strnlen((const char *)data, size) == leaf->string.length &&
           strncasecmp((const char *)data, leaf->string.text, leaf->string.length) == 0;
}

static bool matches_ident(const struct lnf_filter_leaf *leaf, const lnf_batch_t *batch)
{
    const char *ident = lnf_batch_ident(batch);

    return ident != NULL && strcmp(ident, leaf->string.text) == 0;
}

static bool matches_record(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch, unsigned row)
{
    switch ((enum lnf_filter_test)leaf->test) {
    case LNF_TEST_STRING:
        return matches_string(leaf, batch, row);
    case LNF_TEST_MPLS:
        return matches_mpls(leaf, batch, row);
    case LNF_TEST_PORT_BLOCK:
        return matches_port_block(leaf, batch, row);
    case LNF_TEST_REGEX:
        return matches_regex(leaf, batch, row);
    case LNF_TEST_JA3:
        return matches_ja3(leaf, batch, row);
    case LNF_TEST_LABEL:
        return matches_label(leaf, batch, row);
    case LNF_TEST_IDENT:
        return matches_ident(leaf, batch);
    case LNF_TEST_COUNT:
        return matches_entry(leaf, lnf_batch_number(batch, row));
    default:
        return matches_payload(leaf, batch, row);
    }
}

static unsigned select_records(const struct lnf_filter_leaf *leaf, lnf_batch_t *batch,
                               const uint16_t *selection, unsigned count, uint16_t *out)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        out[kept] = (uint16_t)row;
        kept += (unsigned)matches_record(leaf, batch, row) ^ leaf->negate;
    }
    return kept;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static const void *column_of(const struct run *run, const struct lnf_filter_leaf *leaf,
                             const struct lnf_field *field, const uint16_t *selection,
                             unsigned count)
{
    if (field == NULL) {
        return NULL;
    }
    return leaf->test == LNF_TEST_PRESENT
               ? (const void *)lnf_batch_present(run->batch, field, selection, count)
               : lnf_batch_column(run->batch, field, selection, count);
}

static unsigned in_countries(const struct run *run, const struct lnf_filter_leaf *leaf,
                             struct lnf_addr address)
{
    return in_bitmap(leaf->bitmap, lnf_geo_find(run->state->geo, run->state->countries, address));
}

/* The second address is looked up only when the first one is not enough. */
static unsigned select_countries(const struct run *run, const struct lnf_filter_leaf *leaf,
                                 const struct lnf_addr *a, const struct lnf_addr *b,
                                 const uint16_t *selection, unsigned count, uint16_t *out)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned row = selection == NULL ? i : selection[i];
        unsigned found =
            in_countries(run, leaf, a[row]) || (b != NULL && in_countries(run, leaf, b[row]));
        out[kept] = (uint16_t)row;
        kept += found ^ leaf->negate;
    }
    return kept;
}

static unsigned run_leaf(const struct run *run, const struct lnf_filter_leaf *leaf,
                         const uint16_t *selection, unsigned count, uint16_t *out)
{
    if (lnf_filter_reads_record(leaf->test)) {
        return select_records(leaf, run->batch, selection, count, out);
    }
    const void *column1 = column_of(run, leaf, leaf->field, selection, count);
    const void *column2 = column_of(run, leaf, leaf->field2, selection, count);
    if (leaf->test == LNF_TEST_COUNTRIES) {
        return select_countries(run, leaf, column1, column2, selection, count, out);
    }
    return loop_of(leaf)(leaf, column1, column2, selection, count, out);
}

/* Every child sees only what the ones before left over. */
static unsigned run_and(const struct run *run, const struct lnf_filter_step *step, unsigned level,
                        const uint16_t *selection, unsigned count, uint16_t *out)
{
    for (size_t i = 0; i < step->child_count && count > 0; i++) {
        count = run_step(run, step->children[i], level, selection, count, out);
        selection = out;
    }
    return count;
}

/* Rows of the selection with or without a mark. `out` may be the selection. */
static unsigned select_marked(const uint8_t *marks, unsigned wanted, const uint16_t *selection,
                              unsigned count, uint16_t *out)
{
    const unsigned negate = wanted ^ 1;
    unsigned kept = 0;

    if (selection == NULL) {
        SELECT_LOOP(i, marks[row])
    } else {
        SELECT_LOOP(selection[i], marks[row])
    }
    return kept;
}

/* Every child sees only what the ones before did not accept. */
static unsigned run_or(const struct run *run, const struct lnf_filter_step *step, unsigned level,
                       const uint16_t *selection, unsigned count, uint16_t *out)
{
    struct level *own = &run->state->levels[level];
    const uint16_t *rest = selection;
    unsigned rest_count = count;

    memset(own->accepted, 0, lnf_batch_rows(run->batch));
    for (size_t i = 0; i < step->child_count && rest_count > 0; i++) {
        unsigned found = run_step(run, step->children[i], level + 1, rest, rest_count, own->found);
        for (unsigned j = 0; j < found; j++) {
            own->accepted[own->found[j]] = 1;
        }
        if (found > 0 && i + 1 < step->child_count) {
            rest_count = select_marked(own->accepted, 0, rest, rest_count, own->rest);
            rest = own->rest;
        }
    }
    return select_marked(own->accepted, 1, selection, count, out);
}

static unsigned run_step(const struct run *run, const struct lnf_filter_step *step, unsigned level,
                         const uint16_t *selection, unsigned count, uint16_t *out)
{
    switch ((enum lnf_step_kind)step->kind) {
    case LNF_STEP_LEAF:
        return run_leaf(run, &step->leaf, selection, count, out);
    case LNF_STEP_AND:
        return run_and(run, step, level, selection, count, out);
    case LNF_STEP_OR:
        return run_or(run, step, level, selection, count, out);
    case LNF_STEP_TRUE:
        for (unsigned i = 0; i < count; i++) {
            out[i] = selection == NULL ? (uint16_t)i : selection[i];
        }
        return count;
    case LNF_STEP_FALSE:
        break;
    }
    return 0;
}

/* ---- the contract ---------------------------------------------------------------------------- */

lnf_program_state_t *lnf_program_state_create(const lnf_program_t *program)
{
    lnf_program_state_t *state =
        malloc(sizeof(*state) + program->levels * sizeof(state->levels[0]));

    if (state == NULL) {
        return NULL;
    }
    state->level_count = program->levels;
    state->geo = program->geo;
    state->countries = program->geo == NULL ? NULL : calloc(1, sizeof(*state->countries));
    if (program->geo != NULL && state->countries == NULL) {
        free(state);
        return NULL;
    }
    return state;
}

void lnf_program_state_destroy(lnf_program_state_t *state)
{
    if (state != NULL) {
        free(state->countries);
        free(state);
    }
}

uint64_t lnf_program_take_damaged(lnf_program_state_t *state)
{
    uint64_t damaged = state->countries == NULL ? 0 : state->countries->damaged;

    if (damaged > 0) {
        state->countries->damaged = 0;
    }
    return damaged;
}

unsigned lnf_program_run(const lnf_program_t *program, lnf_program_state_t *state,
                         lnf_batch_t *batch, uint16_t *selection)
{
    struct run run = {batch, state};

    return run_step(&run, program->root, 0, NULL, lnf_batch_rows(batch), selection);
}

/* Whether a part matches the row, and the label it gives then. */
static bool find_label(const struct run *run, const struct lnf_label_step *step, uint16_t row,
                       const char **label)
{
    uint16_t out;
    const char *found = NULL;

    if (step->match != NULL) {
        *label = step->label;
        return run_step(run, step->match, 0, &row, 1, &out) == 1;
    }
    *label = NULL;
    for (const struct lnf_label_step *child = step->first; child != NULL; child = child->next) {
        bool matches = find_label(run, child, row, &found);
        if (matches && found != NULL) {
            *label = found;
        }
        if (matches == step->any) {
            return matches;
        }
    }
    return !step->any;
}

const char *lnf_program_label(const lnf_program_t *program, lnf_program_state_t *state,
                              lnf_batch_t *batch, uint16_t row)
{
    struct run run = {batch, state};
    const char *label;

    return program->labels != NULL && find_label(&run, program->labels, row, &label) ? label : NULL;
}
