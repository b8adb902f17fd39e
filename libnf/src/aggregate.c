/* SPDX-License-Identifier: BSD-3-Clause */
/** Hash table of keys: rows of a batch find their groups in three sweeps and update them by column.
 */
#include "hash.h"
#include "pages.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_BITS_MIN 10u
#define INDEX_BITS_MAX 32u
/* The index is at most this full, in tenths: fewer than two slots are looked at on average. */
#define INDEX_LOAD 7u
#define CACHE_LINE 64u
#define SWEEP_SUMS 3u /* flows, packets, bytes */

/** Groups from the start of one to the next: in as few cache lines as they need, if that is cheap.
 */
static size_t group_stride(size_t group_size)
{
    size_t lines = (group_size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;

    return lines - group_size <= group_size / 7 ? lines : group_size;
}

void lnf_groups_init(struct lnf_groups *groups, const lnf_query_t *query)
{
    memset(groups, 0, sizeof(*groups));
    groups->query = query;
    groups->direct = query->key_bits != 0;
    lnf_store_init(&groups->store, group_stride(query->group_size));
}

size_t lnf_groups_memory(const struct lnf_groups *groups)
{
    size_t index = groups->index == NULL ? 0 : sizeof(uint64_t) << groups->index_bits;

    return lnf_store_memory(&groups->store) + index;
}

/* ---- index ----------------------------------------------------------------------------------- */

/** Zeroed slots. Large ones come from the kernel, which zeroes them once, on whole huge pages. */
static uint64_t *index_create(unsigned bits)
{
    size_t size = sizeof(uint64_t) << bits;

    return size < LNF_HUGE_PAGE ? calloc(1, size) : lnf_pages_create(size, 0);
}

static void index_destroy(uint64_t *index, unsigned bits)
{
    size_t size = sizeof(uint64_t) << bits;

    if (index == NULL || size < LNF_HUGE_PAGE) {
        free(index);
    } else {
        lnf_pages_destroy(index, size, 0);
    }
}

void lnf_groups_clear(struct lnf_groups *groups)
{
    lnf_store_clear(&groups->store);
    index_destroy(groups->index, groups->index_bits);
    groups->index = NULL;
    groups->index_bits = 0;
}

void lnf_groups_reset(struct lnf_groups *groups)
{
    groups->store.count = 0;
    if (groups->index != NULL) {
        memset(groups->index, 0, sizeof(uint64_t) << groups->index_bits);
    }
}

/** A slot's position comes from the high bits of the hash, so that all of it can be found in the
 * slot. */
static inline size_t index_position(const struct lnf_groups *groups, uint32_t hash)
{
    return (size_t)(((uint64_t)hash << groups->index_bits) >> 32);
}

static int index_grow(struct lnf_groups *groups, unsigned bits)
{
    if (bits > INDEX_BITS_MAX) {
        return LNF_ERR_NOMEM;
    }
    uint64_t *bigger = index_create(bits);
    if (bigger == NULL) {
        return LNF_ERR_NOMEM;
    }
    unsigned old_bits = groups->index_bits;
    size_t old_size = groups->index == NULL ? 0 : (size_t)1 << old_bits;
    size_t mask = ((size_t)1 << bits) - 1;
    groups->index_bits = bits;
    for (size_t i = 0; i < old_size; i++) {
        uint64_t slot = groups->index[i];
        if (slot != 0) {
            size_t position = index_position(groups, (uint32_t)(slot >> 32));
            while (bigger[position] != 0) {
                position = (position + 1) & mask;
            }
            bigger[position] = slot;
        }
    }
    index_destroy(groups->index, old_bits);
    groups->index = bigger;
    return LNF_OK;
}

/** Bits of an index for `count` more groups. */
static unsigned index_bits_for(const struct lnf_groups *groups, size_t count)
{
    if (groups->direct) {
        return groups->query->key_bits;
    }
    uint64_t wanted = (groups->store.count + (uint64_t)count) * 10;
    unsigned bits = groups->index_bits == 0 ? INDEX_BITS_MIN : groups->index_bits;

    while (((uint64_t)INDEX_LOAD << bits) < wanted) {
        bits++;
    }
    return bits;
}

size_t lnf_groups_growth(const struct lnf_groups *groups, size_t count)
{
    unsigned bits = index_bits_for(groups, count + LNF_CHUNK);
    size_t index = bits == groups->index_bits ? 0 : sizeof(uint64_t) << bits;

    return count * groups->store.stride + index;
}

/** Room for a chunk of new groups, in the index and in the store. */
static int make_room(struct lnf_groups *groups)
{
    if (groups->store.count + LNF_CHUNK >= UINT32_MAX) {
        return LNF_ERR_NOMEM;
    }
    unsigned bits = index_bits_for(groups, LNF_CHUNK);
    if (bits != groups->index_bits) {
        int status = index_grow(groups, bits);
        if (status != LNF_OK) {
            return status;
        }
    }
    return lnf_store_reserve(&groups->store, LNF_CHUNK);
}

/* ---- finding groups -------------------------------------------------------------------------- */

static inline uint32_t hash_key(const uint64_t *key, unsigned words, uint64_t seed)
{
    return (uint32_t)(lnf_hash_key(key, words, seed) >> 32);
}

static inline bool same_key(const uint8_t *group, const uint64_t *key, unsigned words)
{
    const uint64_t *other = (const uint64_t *)(const void *)group;
    uint64_t difference = 0;

    for (unsigned i = 0; i < words; i++) {
        difference |= other[i] ^ key[i];
    }
    return difference == 0;
}

static uint8_t *new_group(struct lnf_groups *groups, size_t position, uint32_t hash,
                          const uint64_t *key)
{
    const lnf_query_t *query = groups->query;
    size_t key_size = (size_t)query->key_words * 8;
    uint8_t *group = lnf_store_at(&groups->store, groups->store.count);

    groups->store.count++;
    groups->index[position] = ((uint64_t)hash << 32) | (uint32_t)groups->store.count;
    memcpy(group, key, key_size);
    memcpy(group + key_size, query->empty + key_size, query->group_size - key_size);
    return group;
}

/** Finds the group of a key or makes it; there is room. */
static inline uint8_t *find_group(struct lnf_groups *groups, uint32_t hash, const uint64_t *key,
                                  unsigned words)
{
    size_t mask = ((size_t)1 << groups->index_bits) - 1;
    size_t position = index_position(groups, hash);

    for (;; position = (position + 1) & mask) {
        uint64_t slot = groups->index[position];
        if (slot == 0) {
            return new_group(groups, position, hash, key);
        }
        if ((uint32_t)(slot >> 32) == hash) {
            uint8_t *group = lnf_store_at(&groups->store, (uint32_t)slot - 1);
            if (same_key(group, key, words)) {
                return group;
            }
        }
    }
}

/** First group with the hash, not made sure of; NULL when there is none yet. */
static inline uint8_t *guess_group(const struct lnf_groups *groups, uint32_t hash)
{
    size_t mask = ((size_t)1 << groups->index_bits) - 1;
    size_t position = index_position(groups, hash);

    for (;; position = (position + 1) & mask) {
        uint64_t slot = groups->index[position];
        if (slot == 0) {
            return NULL;
        }
        if ((uint32_t)(slot >> 32) == hash) {
            return lnf_store_at(&groups->store, (uint32_t)slot - 1);
        }
    }
}

/**
 * Three sweeps, so that the memory of many rows is fetched at once: hash and fetch the slots; read
 * the slots and fetch the groups; compare.
 */
static inline __attribute__((always_inline)) void find_groups(struct lnf_groups *groups,
                                                              const uint64_t *keys, unsigned words,
                                                              unsigned count, uint8_t **found)
{
    uint32_t hashes[LNF_CHUNK];
    uint64_t seed = groups->query->seed;
    size_t group_size = groups->query->group_size;

    for (unsigned i = 0; i < count; i++) {
        hashes[i] = hash_key(keys + (size_t)i * words, words, seed);
        __builtin_prefetch(&groups->index[index_position(groups, hashes[i])]);
    }
    for (unsigned i = 0; i < count; i++) {
        uint8_t *group = guess_group(groups, hashes[i]);
        found[i] = group;
        if (group != NULL) {
            __builtin_prefetch(group, 1);
            __builtin_prefetch(group + group_size - 1, 1);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        const uint64_t *key = keys + (size_t)i * words;
        if (found[i] == NULL || !same_key(found[i], key, words)) {
            found[i] = find_group(groups, hashes[i], key, words);
        }
    }
}

/** Every key has its slot: nothing to hash, and nothing to compare. */
static void find_groups_direct(struct lnf_groups *groups, const uint64_t *keys, unsigned count,
                               uint8_t **found)
{
    unsigned bits = groups->query->key_bits;

    for (unsigned i = 0; i < count; i++) {
        uint32_t value = lnf_key_value(keys + i, bits);
        size_t position = index_position(groups, value);
        uint32_t number = (uint32_t)groups->index[position];
        found[i] = number != 0 ? lnf_store_at(&groups->store, number - 1)
                               : new_group(groups, position, value, keys + i);
        __builtin_prefetch(found[i], 1);
    }
}

/** Key sizes that questions usually have get loops of their own. */
static void find_groups_any(struct lnf_groups *groups, const uint64_t *keys, unsigned count,
                            uint8_t **found)
{
    if (groups->direct) {
        find_groups_direct(groups, keys, count, found);
        return;
    }
    switch (groups->query->key_words) {
    case 1:
        find_groups(groups, keys, 1, count, found);
        break;
    case 2:
        find_groups(groups, keys, 2, count, found);
        break;
    case 3:
        find_groups(groups, keys, 3, count, found);
        break;
    case 4:
        find_groups(groups, keys, 4, count, found);
        break;
    case 5:
        find_groups(groups, keys, 5, count, found);
        break;
    default:
        find_groups(groups, keys, groups->query->key_words, count, found);
        break;
    }
}

/* ---- updating groups ------------------------------------------------------------------------- */

/** Values for groups: those of rows of a column, or those of other groups. */
struct update {
    uint8_t **groups;
    const uint8_t *const *others; /* NULL = rows */
    unsigned place;
    const uint16_t *selection;
    unsigned start;
    unsigned count;
};

static inline unsigned update_row(const struct update *u, unsigned i)
{
    return u->selection == NULL ? u->start + i : u->selection[u->start + i];
}

/* Values of a group are aligned to their width. Each combination gets loops of its own. */
#define UPDATE_DEFINE(bits)                                                                        \
    static inline __attribute__((always_inline)) void combine_##bits(                              \
        enum lnf_combine combine, uint##bits##_t *value, uint##bits##_t other)                     \
    {                                                                                              \
        if (combine == LNF_COMBINE_SUM) {                                                          \
            *value = (uint##bits##_t)(*value + other);                                             \
        } else if (combine == LNF_COMBINE_MIN) {                                                   \
            *value = other < *value ? other : *value;                                              \
        } else if (combine == LNF_COMBINE_MAX) {                                                   \
            *value = other > *value ? other : *value;                                              \
        } else if (combine == LNF_COMBINE_OR) {                                                    \
            *value = (uint##bits##_t)(*value | other);                                             \
        } else if (other != 0 && (*value == 0 || other < *value)) {                                \
            *value = other;                                                                        \
        }                                                                                          \
    }                                                                                              \
    static inline __attribute__((always_inline)) void update_by_##bits(                            \
        const struct update *u, enum lnf_combine combine, const uint##bits##_t *column)            \
    {                                                                                              \
        if (u->others != NULL) {                                                                   \
            for (unsigned i = 0; i < u->count; i++) {                                              \
                const uint##bits##_t *other = (const void *)(u->others[i] + u->place);             \
                combine_##bits(combine, (void *)(u->groups[i] + u->place), *other);                \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (unsigned i = 0; i < u->count; i++) {                                                  \
            combine_##bits(combine, (void *)(u->groups[i] + u->place), column[update_row(u, i)]);  \
        }                                                                                          \
    }                                                                                              \
    static void update_##bits(const struct update *u, enum lnf_combine combine,                    \
                              const uint##bits##_t *column)                                        \
    {                                                                                              \
        switch (combine) {                                                                         \
        case LNF_COMBINE_SUM:                                                                      \
            update_by_##bits(u, LNF_COMBINE_SUM, column);                                          \
            break;                                                                                 \
        case LNF_COMBINE_MIN:                                                                      \
            update_by_##bits(u, LNF_COMBINE_MIN, column);                                          \
            break;                                                                                 \
        case LNF_COMBINE_MAX:                                                                      \
            update_by_##bits(u, LNF_COMBINE_MAX, column);                                          \
            break;                                                                                 \
        case LNF_COMBINE_OR:                                                                       \
            update_by_##bits(u, LNF_COMBINE_OR, column);                                           \
            break;                                                                                 \
        case LNF_COMBINE_ANY:                                                                      \
            update_by_##bits(u, LNF_COMBINE_ANY, column);                                          \
            break;                                                                                 \
        case LNF_COMBINE_FIRST:                                                                    \
            break; /* see keep_first(), take_values() */                                           \
        }                                                                                          \
    }

UPDATE_DEFINE(8)
UPDATE_DEFINE(16)
UPDATE_DEFINE(32)
UPDATE_DEFINE(64)

#undef UPDATE_DEFINE

static bool address_is_zero(const struct lnf_addr *address)
{
    return (address->hi | address->lo) == 0;
}

static bool address_is_less(const struct lnf_addr *a, const struct lnf_addr *b)
{
    return a->hi != b->hi ? a->hi < b->hi : a->lo < b->lo;
}

static void update_addresses(const struct update *u, const struct lnf_addr *column)
{
    for (unsigned i = 0; i < u->count; i++) {
        struct lnf_addr *value = (void *)(u->groups[i] + u->place);
        const struct lnf_addr *other =
            u->others != NULL ? (const void *)(u->others[i] + u->place) : &column[update_row(u, i)];
        if (!address_is_zero(other) && (address_is_zero(value) || address_is_less(other, value))) {
            *value = *other;
        }
    }
}

/** One column of values into the groups; NULL = the same of other groups. */
static void update_column(struct update *u, const struct lnf_stored *stored, const void *column)
{
    u->place = stored->place;
    switch (lnf_stored_native(stored)) {
    case 1:
        update_8(u, stored->combine, column);
        break;
    case 2:
        update_16(u, stored->combine, column);
        break;
    case 4:
        update_32(u, stored->combine, column);
        break;
    case 8:
        update_64(u, stored->combine, column);
        break;
    default:
        update_addresses(u, column);
        break;
    }
}

/** 64-bit values that are updated in one sweep over the rows. */
struct sweep {
    unsigned sums;
    unsigned sum_place[SWEEP_SUMS];
    const uint64_t *sum_column[SWEEP_SUMS];
    unsigned min_place, max_place;
    const uint64_t *min_column, *max_column; /* both, or NULL */
};

/**
 * Many rows of a question for ports or protocols go to the group of the row before: column by
 * column each would wait for the value just written, here the values of a row wait at the same
 * time.
 */
static inline __attribute__((always_inline)) void
sweep_rows(const struct update *u, const struct sweep *sweep, unsigned sums, bool span)
{
    for (unsigned i = 0; i < u->count; i++) {
        uint8_t *group = u->groups[i];
        unsigned row = update_row(u, i);
        for (unsigned k = 0; k < sums; k++) {
            combine_64(LNF_COMBINE_SUM, (void *)(group + sweep->sum_place[k]),
                       sweep->sum_column[k][row]);
        }
        if (span) {
            combine_64(LNF_COMBINE_MIN, (void *)(group + sweep->min_place), sweep->min_column[row]);
            combine_64(LNF_COMBINE_MAX, (void *)(group + sweep->max_place), sweep->max_column[row]);
        }
    }
}

/** The usual numbers of values get loops of their own. */
static void sweep_groups(const struct update *u, const struct sweep *sweep)
{
    bool span = sweep->min_column != NULL;

    switch (sweep->sums) {
    case 0:
        if (span) {
            sweep_rows(u, sweep, 0, true);
        }
        break;
    case 1:
        span ? sweep_rows(u, sweep, 1, true) : sweep_rows(u, sweep, 1, false);
        break;
    case 2:
        span ? sweep_rows(u, sweep, 2, true) : sweep_rows(u, sweep, 2, false);
        break;
    default:
        span ? sweep_rows(u, sweep, SWEEP_SUMS, true) : sweep_rows(u, sweep, SWEEP_SUMS, false);
        break;
    }
}

/** Whether the sweep has taken the column over. */
static bool add_to_sweep(struct sweep *sweep, const struct lnf_stored *stored, const void *column)
{
    if (lnf_stored_native(stored) != 8) {
        return false;
    }
    if (stored->combine == LNF_COMBINE_SUM && sweep->sums < SWEEP_SUMS) {
        sweep->sum_place[sweep->sums] = stored->place;
        sweep->sum_column[sweep->sums++] = column;
    } else if (stored->combine == LNF_COMBINE_MIN && sweep->min_column == NULL) {
        sweep->min_place = stored->place;
        sweep->min_column = column;
    } else if (stored->combine == LNF_COMBINE_MAX && sweep->max_column == NULL) {
        sweep->max_place = stored->place;
        sweep->max_column = column;
    } else {
        return false;
    }
    return true;
}

/** A smallest or a largest value alone is no span: it is updated as a column. */
static void drop_half_span(struct sweep *sweep, struct update *u)
{
    if (sweep->min_column != NULL && sweep->max_column == NULL) {
        u->place = sweep->min_place;
        update_64(u, LNF_COMBINE_MIN, sweep->min_column);
        sweep->min_column = NULL;
    } else if (sweep->max_column != NULL && sweep->min_column == NULL) {
        u->place = sweep->max_place;
        update_64(u, LNF_COMBINE_MAX, sweep->max_column);
        sweep->max_column = NULL;
    }
}

static void update_groups(const lnf_query_t *query, struct update *u, const void *const *columns)
{
    struct sweep sweep = {0};

    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        if (!stored->key && stored->combine != LNF_COMBINE_FIRST &&
            !add_to_sweep(&sweep, stored, columns[c])) {
            update_column(u, stored, columns[c]);
        }
    }
    drop_half_span(&sweep, u);
    sweep_groups(u, &sweep);
}

/** Values of a row that made a group, for the columns that keep the first one. */
static void store_first(const lnf_query_t *query, const void *const *columns, unsigned row,
                        uint8_t *group)
{
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        size_t width = lnf_stored_native(stored);
        if (!stored->key && stored->combine == LNF_COMBINE_FIRST) {
            memcpy(group + stored->place, (const uint8_t *)columns[c] + row * width, width);
        }
    }
}

/** Groups from number `next` on are new, in the order of the rows that made them. */
static void keep_first(const struct lnf_groups *groups, const struct update *u, size_t next,
                       const void *const *columns)
{
    for (unsigned i = 0; i < u->count && next < groups->store.count; i++) {
        if (u->groups[i] == lnf_store_at(&groups->store, next)) {
            store_first(groups->query, columns, update_row(u, i), u->groups[i]);
            next++;
        }
    }
}

int lnf_groups_add(struct lnf_groups *groups, const uint64_t *keys, const void *const *columns,
                   const uint16_t *selection, unsigned start, unsigned count)
{
    uint8_t *found[LNF_CHUNK];
    size_t known = groups->store.count;

    int status = make_room(groups);
    if (status != LNF_OK) {
        return status;
    }
    find_groups_any(groups, keys, count, found);

    struct update u = {
        .groups = found,
        .selection = selection,
        .start = start,
        .count = count,
    };
    update_groups(groups->query, &u, columns);
    if (groups->query->first) {
        keep_first(groups, &u, known, columns);
    }
    return LNF_OK;
}

uint8_t *lnf_groups_find(const struct lnf_groups *groups, const uint64_t *key)
{
    unsigned words = groups->query->key_words;

    if (groups->index == NULL) {
        return NULL;
    }
    uint32_t hash = groups->direct ? lnf_key_value(key, groups->query->key_bits)
                                   : hash_key(key, words, groups->query->seed);
    size_t mask = ((size_t)1 << groups->index_bits) - 1;
    for (size_t at = index_position(groups, hash);; at = (at + 1) & mask) {
        uint64_t slot = groups->index[at];
        if (slot == 0) {
            return NULL;
        }
        if ((uint32_t)(slot >> 32) == hash) {
            uint8_t *group = lnf_store_at(&groups->store, (uint32_t)slot - 1);
            if (same_key(group, key, words)) {
                return group;
            }
        }
    }
}

/* ---- doors ----------------------------------------------------------------------------------- */

/** Keys of a chunk of batch rows; `destination` picks the other side of pair fields. */
static void pack_keys(const lnf_query_t *query, const void *const *columns,
                      const void *const *destinations, const uint16_t *selection, unsigned start,
                      unsigned count, uint64_t *keys)
{
    size_t stride = (size_t)query->key_words * 8;

    if (stride == 0) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        keys[(size_t)(i + 1) * query->key_words - 1] = 0; /* the octets that fill the last word */
    }
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        if (stored->key) {
            const void *column = destinations == NULL ? columns[c] : destinations[c];
            lnf_row_pack(stored, column, selection, start, count, (uint8_t *)keys + stored->place,
                         stride);
        }
    }
}

static int add_side(struct lnf_groups *groups, const void *const *columns,
                    const void *const *destinations, const uint16_t *selection, unsigned count,
                    uint64_t *keys)
{
    for (unsigned start = 0; start < count; start += LNF_CHUNK) {
        unsigned some = count - start < LNF_CHUNK ? count - start : LNF_CHUNK;
        pack_keys(groups->query, columns, destinations, selection, start, some, keys);
        int status = lnf_groups_add(groups, keys, columns, selection, start, some);
        if (status != LNF_OK) {
            return status;
        }
    }
    return LNF_OK;
}

/** Memory for the keys of a chunk: the stack for usual ones. */
#define KEYS_ON_STACK (LNF_CHUNK * 8u)

int lnf_groups_add_batch(struct lnf_groups *groups, lnf_batch_t *batch, const uint16_t *selection,
                         unsigned count)
{
    const lnf_query_t *query = groups->query;
    const void *columns[LNF_QUERY_COLUMNS];
    const void *destinations[LNF_QUERY_COLUMNS];
    uint64_t on_stack[KEYS_ON_STACK];
    uint64_t *keys = on_stack;
    int status;

    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        columns[c] = lnf_batch_column(batch, stored->field, selection, count);
        destinations[c] = stored->pair == stored->field
                              ? columns[c]
                              : lnf_batch_column(batch, stored->pair, selection, count);
    }
    if ((size_t)LNF_CHUNK * query->key_words > KEYS_ON_STACK) {
        keys = malloc((size_t)LNF_CHUNK * query->key_words * sizeof(*keys));
        if (keys == NULL) {
            return LNF_ERR_NOMEM;
        }
    }
    status = add_side(groups, columns, NULL, selection, count, keys);
    if (status == LNF_OK && query->pairs) {
        status = add_side(groups, columns, destinations, selection, count, keys);
    }
    if (keys != on_stack) {
        free(keys);
    }
    return status;
}

/** Columns of a chunk of rows in native form, and their keys. */
struct scratch {
    uint64_t *keys;
    uint8_t *values;
    const void *columns[LNF_QUERY_COLUMNS];
};

static int scratch_create(const lnf_query_t *query, struct scratch *scratch)
{
    size_t value_size = (size_t)LNF_CHUNK * sizeof(struct lnf_addr);

    scratch->keys = calloc((size_t)LNF_CHUNK * query->key_words + 1, sizeof(uint64_t));
    scratch->values = malloc(value_size * query->stored_count + 1);
    if (scratch->keys == NULL || scratch->values == NULL) {
        free(scratch->keys);
        free(scratch->values);
        return LNF_ERR_NOMEM;
    }
    for (unsigned c = 0; c < query->stored_count; c++) {
        scratch->columns[c] = scratch->values + c * value_size;
    }
    return LNF_OK;
}

static void scratch_destroy(struct scratch *scratch)
{
    free(scratch->keys);
    free(scratch->values);
}

static void *scratch_column(const struct scratch *scratch, unsigned number)
{
    return scratch->values + (size_t)number * LNF_CHUNK * sizeof(struct lnf_addr);
}

static void rows_to_scratch(const lnf_query_t *query, const uint8_t *rows, unsigned count,
                            struct scratch *scratch)
{
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        const uint8_t *from = rows + stored->row_offset;
        if (!stored->key) {
            lnf_row_unpack(stored, from, query->row_size, count, scratch_column(scratch, c));
            continue;
        }
        uint8_t *key = (uint8_t *)scratch->keys + stored->place;
        for (unsigned i = 0; i < count; i++) {
            lnf_value_copy(key + (size_t)i * query->key_words * 8, from + i * query->row_size,
                           stored->width);
        }
    }
}

int lnf_groups_add_rows(struct lnf_groups *groups, const uint8_t *rows, size_t count)
{
    struct scratch scratch;

    int status = scratch_create(groups->query, &scratch);
    if (status != LNF_OK) {
        return status;
    }
    while (count > 0 && status == LNF_OK) {
        unsigned some = count < LNF_CHUNK ? (unsigned)count : LNF_CHUNK;
        rows_to_scratch(groups->query, rows, some, &scratch);
        status = lnf_groups_add(groups, scratch.keys, scratch.columns, NULL, 0, some);
        rows += some * groups->query->row_size;
        count -= some;
    }
    scratch_destroy(&scratch);
    return status;
}

/** Keys of groups, whose memory has been asked for. */
static void gather_keys(const uint8_t *const *groups, unsigned words, unsigned count,
                        uint64_t *keys)
{
    for (unsigned i = 0; i < count; i++) {
        const uint64_t *key = (const void *)groups[i];
        for (unsigned word = 0; word < words; word++) {
            *keys++ = key[word];
        }
    }
}

/**
 * Values of other groups into those found for their keys. A group that is new, as those from number
 * `next` on are in the order of the keys, gets them as they are.
 */
static void take_values(struct lnf_groups *groups, uint8_t **found, const uint8_t **others,
                        unsigned count, size_t next)
{
    const lnf_query_t *query = groups->query;
    size_t key_size = (size_t)query->key_words * 8;
    struct update u = {.groups = found, .others = others};

    for (unsigned i = 0; i < count; i++) {
        if (next < groups->store.count && found[i] == lnf_store_at(&groups->store, next)) {
            memcpy(found[i] + key_size, others[i] + key_size, query->group_size - key_size);
            next++;
        } else {
            found[u.count] = found[i];
            others[u.count++] = others[i];
        }
    }
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        if (!stored->key && stored->combine != LNF_COMBINE_FIRST) {
            update_column(&u, stored, NULL);
        }
    }
}

/** A chunk of lnf_groups_merge_some(); `keys` has room for those of a chunk. */
static int merge_chunk(struct lnf_groups *groups, const struct lnf_groups *from,
                       const uint32_t *numbers, size_t start, unsigned count, uint64_t *keys)
{
    uint8_t *found[LNF_CHUNK];
    const uint8_t *others[LNF_CHUNK];
    size_t known = groups->store.count;

    int status = make_room(groups);
    if (status != LNF_OK) {
        return status;
    }
    for (unsigned i = 0; i < count; i++) {
        others[i] = lnf_store_at(&from->store, numbers == NULL ? start + i : numbers[start + i]);
        __builtin_prefetch(others[i]);
    }
    gather_keys(others, groups->query->key_words, count, keys);
    find_groups_any(groups, keys, count, found);
    take_values(groups, found, others, count, known);
    return LNF_OK;
}

int lnf_groups_merge_some(struct lnf_groups *groups, const struct lnf_groups *from,
                          const uint32_t *numbers, size_t start, size_t count)
{
    size_t end = start + count;
    int status = LNF_OK;

    uint64_t *keys = malloc((size_t)LNF_CHUNK * groups->query->key_words * sizeof(*keys) + 1);
    if (keys == NULL) {
        return LNF_ERR_NOMEM;
    }
    for (; start < end && status == LNF_OK; start += LNF_CHUNK) {
        size_t left = end - start;
        unsigned some = left < LNF_CHUNK ? (unsigned)left : LNF_CHUNK;
        status = merge_chunk(groups, from, numbers, start, some, keys);
    }
    free(keys);
    return status;
}

int lnf_groups_merge(struct lnf_groups *groups, const struct lnf_groups *from)
{
    return lnf_groups_merge_some(groups, from, NULL, 0, from->store.count);
}
