/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Lists of values -> the structure that answers fastest: a range, a bitmap, a hash table, or sorted
 * ranges without overlap. Never a row of comparisons.
 */
#include "filter_program.h"

#include <stdlib.h>

/** A range while a set is made. */
struct number_range {
    uint64_t low, high;
};

struct address_range {
    struct lnf_addr low, high;
};

/* Slots of a hash table that is at most half full, as a power of two. */
static unsigned slot_bits(size_t count)
{
    unsigned bits = 2;

    while (((size_t)1 << bits) < 2 * count) {
        bits++;
    }
    return bits;
}

static bool make_filter(struct lnf_arena *arena, unsigned slots, struct lnf_hash_filter *filter,
                        uint64_t **bits)
{
    unsigned number = slots + 3; /* the table has at least two slots for a value */

    *bits = lnf_arena_get(arena, (size_t)1 << (number > 6 ? number - 3 : 3));
    filter->bits = *bits;
    filter->shift = 64 - number;
    return *bits != NULL;
}

static void filter_add(const struct lnf_hash_filter *filter, uint64_t *bits, uint64_t hash)
{
    uint64_t bit = hash >> filter->shift;

    bits[bit >> 6] |= (uint64_t)1 << (bit & 63);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static uint64_t largest(uint8_t type)
{
    return type == LNF_UINT8    ? UINT8_MAX
           : type == LNF_UINT16 ? UINT16_MAX
           : type == LNF_UINT32 ? UINT32_MAX
                                : UINT64_MAX;
}

static int compare_number_ranges(const void *a, const void *b)
{
    uint64_t x = ((const struct number_range *)a)->low;
    uint64_t y = ((const struct number_range *)b)->low;

    return (x > y) - (x < y);
}

/* Sorts ranges and joins those that touch; how many are left. */
static size_t merge_number_ranges(struct number_range *ranges, size_t count)
{
    size_t kept = 0;

    qsort(ranges, count, sizeof(*ranges), compare_number_ranges);
    for (size_t i = 1; i < count; i++) {
        struct number_range *last = &ranges[kept];
        if (last->high == UINT64_MAX || ranges[i].low <= last->high + 1) {
            last->high = ranges[i].high > last->high ? ranges[i].high : last->high;
        } else {
            ranges[++kept] = ranges[i];
        }
    }
    return kept + 1;
}

static struct number_range *collect_numbers(const struct lnf_filter_item *items, uint64_t max,
                                            size_t *count)
{
    size_t n = 0;

    for (const struct lnf_filter_item *item = items; item != NULL; item = item->next) {
        n++;
    }
    struct number_range *ranges = malloc((n + 1) * sizeof(*ranges));
    if (ranges == NULL) {
        return NULL;
    }
    n = 0;
    for (const struct lnf_filter_item *item = items; item != NULL; item = item->next) {
        if (item->kind == LNF_ITEM_RANGE && item->min <= max) {
            ranges[n++] = (struct number_range){item->min, item->max < max ? item->max : max};
        }
    }
    *count = n;
    return ranges;
}

static bool make_bitmap(struct lnf_arena *arena, const struct number_range *ranges, size_t count,
                        uint64_t max, struct lnf_filter_leaf *leaf)
{
    uint64_t *bitmap = lnf_arena_get(arena, (size_t)max / 8 + 1);

    if (bitmap == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (uint64_t v = ranges[i].low; v <= ranges[i].high; v++) {
            bitmap[v >> 6] |= (uint64_t)1 << (v & 63);
        }
    }
    leaf->test = LNF_TEST_BITMAP;
    leaf->bitmap = bitmap;
    return true;
}

bool lnf_filter_set_countries(struct lnf_arena *arena, const struct lnf_filter_item *items,
                              struct lnf_filter_leaf *leaf)
{
    uint64_t *bitmap = lnf_arena_get(arena, UINT16_MAX / 8 + 1);

    if (bitmap == NULL) {
        return false;
    }
    for (const struct lnf_filter_item *item = items; item != NULL; item = item->next) {
        bitmap[item->min >> 6] |= (uint64_t)1 << (item->min & 63);
    }
    leaf->test = LNF_TEST_COUNTRIES;
    leaf->bitmap = bitmap;
    return true;
}

static bool make_number_hash(struct lnf_arena *arena, const struct number_range *ranges,
                             size_t count, struct lnf_filter_leaf *leaf)
{
    unsigned bits = slot_bits(count);
    uint64_t last = ((uint64_t)1 << bits) - 1;
    uint64_t *slots = lnf_arena_get(arena, (size_t)(last + 1) * sizeof(*slots));

    uint64_t *filter;

    leaf->test = LNF_TEST_NUMBERS;
    leaf->numbers = (struct lnf_number_set){.slots = slots, .shift = 64 - bits, .last = last};
    if (slots == NULL || !make_filter(arena, bits, &leaf->numbers.filter, &filter)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        filter_add(&leaf->numbers.filter, filter, lnf_filter_hash(ranges[i].low));
        if (ranges[i].low == 0) {
            leaf->numbers.zero = true;
            continue;
        }
        uint64_t slot = lnf_filter_hash(ranges[i].low) >> leaf->numbers.shift;
        while (slots[slot] != 0) {
            slot = (slot + 1) & last;
        }
        slots[slot] = ranges[i].low;
    }
    return true;
}

static bool make_number_ranges(struct lnf_arena *arena, const struct number_range *ranges,
                               size_t count, struct lnf_filter_leaf *leaf)
{
    uint64_t *low = lnf_arena_get(arena, count * sizeof(*low));
    uint64_t *high = lnf_arena_get(arena, count * sizeof(*high));

    if (low == NULL || high == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        low[i] = ranges[i].low;
        high[i] = ranges[i].high;
    }
    leaf->test = LNF_TEST_NUMBER_RANGES;
    leaf->number_ranges = (struct lnf_number_ranges){low, high, count};
    return true;
}

static bool all_points(const struct number_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].low != ranges[i].high) {
            return false;
        }
    }
    return true;
}

bool lnf_filter_set_numbers(struct lnf_arena *arena, const struct lnf_filter_item *items,
                            uint8_t type, struct lnf_filter_leaf *leaf, bool *empty, bool *full)
{
    uint64_t max = largest(type);
    size_t count;
    bool made = true;
    struct number_range *ranges = collect_numbers(items, max, &count);

    if (ranges == NULL) {
        return false;
    }
    *empty = count == 0;
    *full = false;
    if (count > 0) {
        count = merge_number_ranges(ranges, count);
    }
    if (count == 1) {
        *full = ranges[0].low == 0 && ranges[0].high == max;
        leaf->test = LNF_TEST_RANGE;
        leaf->range.min = ranges[0].low;
        leaf->range.span = ranges[0].high - ranges[0].low;
    } else if (count > 1 && (type == LNF_UINT8 || type == LNF_UINT16)) {
        made = make_bitmap(arena, ranges, count, max, leaf);
    } else if (count > 1 && all_points(ranges, count)) {
        made = make_number_hash(arena, ranges, count, leaf);
    } else if (count > 1) {
        made = make_number_ranges(arena, ranges, count, leaf);
    }
    free(ranges);
    return made;
}

/* ---- addresses ------------------------------------------------------------------------------- */

#define IPV4_END ((uint64_t)UINT32_MAX + 1)

static bool is_ipv4(struct lnf_addr address)
{
    return address.hi == 0 && address.lo < IPV4_END;
}

bool lnf_filter_is_prefix(const struct lnf_filter_item *net)
{
    uint64_t hi = ~net->mask.hi, lo = ~net->mask.lo;

    return (hi & (hi + 1)) == 0 && (lo & (lo + 1)) == 0 && (hi == 0 || lo == UINT64_MAX);
}

/* Range of a network; one of IPv6 does not contain the addresses of IPv4 (::/96) it spans. */
static struct address_range range_of_net(const struct lnf_filter_item *net)
{
    struct address_range range = {
        net->address, {net->address.hi | ~net->mask.hi, net->address.lo | ~net->mask.lo}};

    if (is_ipv4(range.low) && !is_ipv4(range.high)) {
        range.low.lo = IPV4_END;
    }
    return range;
}

static int compare_address_ranges(const void *a, const void *b)
{
    struct lnf_addr x = ((const struct address_range *)a)->low;
    struct lnf_addr y = ((const struct address_range *)b)->low;

    return (int)lnf_addr_less(y, x) - (int)lnf_addr_less(x, y);
}

/* Sorts ranges and joins overlapping ones; those of IPv4 and IPv6 never are. */
static size_t merge_address_ranges(struct address_range *ranges, size_t count)
{
    size_t kept = 0;

    qsort(ranges, count, sizeof(*ranges), compare_address_ranges);
    for (size_t i = 1; i < count; i++) {
        struct address_range *last = &ranges[kept];
        if (lnf_addr_less(last->high, ranges[i].low)) {
            ranges[++kept] = ranges[i];
        } else if (lnf_addr_less(last->high, ranges[i].high)) {
            last->high = ranges[i].high;
        }
    }
    return kept + 1;
}

static bool make_address_hash(struct lnf_arena *arena, const struct address_range *ranges,
                              size_t count, struct lnf_filter_leaf *leaf)
{
    unsigned bits = slot_bits(count);
    uint64_t last = ((uint64_t)1 << bits) - 1;
    struct lnf_addr *slots = lnf_arena_get(arena, (size_t)(last + 1) * sizeof(*slots));

    uint64_t *filter;

    leaf->test = LNF_TEST_ADDRESSES;
    leaf->addresses = (struct lnf_address_set){.slots = slots, .shift = 64 - bits, .last = last};
    if (slots == NULL || !make_filter(arena, bits, &leaf->addresses.filter, &filter)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct lnf_addr address = ranges[i].low;
        filter_add(&leaf->addresses.filter, filter, lnf_filter_hash_address(address));
        if ((address.hi | address.lo) == 0) {
            leaf->addresses.zero = true;
            continue;
        }
        uint64_t slot = lnf_filter_hash_address(address) >> leaf->addresses.shift;
        while ((slots[slot].hi | slots[slot].lo) != 0) {
            slot = (slot + 1) & last;
        }
        slots[slot] = address;
    }
    return true;
}

/* IPv4: an index by the leading bits leaves a range or two to search. */
static bool make_ranges4(struct lnf_arena *arena, const struct address_range *ranges, size_t count,
                         struct lnf_address_ranges *set)
{
    unsigned bits = slot_bits(count) < 16 ? slot_bits(count) : 16;
    size_t entries = (size_t)1 << bits, begun = 0;
    uint32_t *low = lnf_arena_get(arena, count * sizeof(*low) + 1);
    uint32_t *high = lnf_arena_get(arena, count * sizeof(*high) + 1);
    uint32_t *index = lnf_arena_get(arena, (entries + 1) * sizeof(*index));

    if (low == NULL || high == NULL || index == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        low[i] = (uint32_t)ranges[i].low.lo;
        high[i] = (uint32_t)ranges[i].high.lo;
    }
    set->shift4 = 32 - bits;
    for (size_t i = 0; i < entries; i++) {
        while (begun < count && low[begun] < (uint64_t)i << set->shift4) {
            begun++;
        }
        index[i] = (uint32_t)begun;
    }
    index[entries] = (uint32_t)count;
    set->low4 = low;
    set->high4 = high;
    set->index4 = index;
    return true;
}

static bool make_ranges6(struct lnf_arena *arena, const struct address_range *ranges, size_t count,
                         struct lnf_address_ranges *set)
{
    struct lnf_addr *low = lnf_arena_get(arena, count * sizeof(*low) + 1);
    struct lnf_addr *high = lnf_arena_get(arena, count * sizeof(*high) + 1);

    if (low == NULL || high == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        low[i] = ranges[i].low;
        high[i] = ranges[i].high;
    }
    set->low6 = low;
    set->high6 = high;
    set->count6 = count;
    return true;
}

static bool make_address_ranges(struct lnf_arena *arena, const struct address_range *ranges,
                                size_t count, struct lnf_filter_leaf *leaf)
{
    size_t count4 = 0;

    while (count4 < count && is_ipv4(ranges[count4].low)) {
        count4++;
    }
    leaf->test = LNF_TEST_NETS;
    return make_ranges4(arena, ranges, count4, &leaf->nets) &&
           make_ranges6(arena, ranges + count4, count - count4, &leaf->nets);
}

bool lnf_filter_set_family(struct lnf_arena *arena, bool ipv6, struct lnf_filter_leaf *leaf)
{
    struct address_range range = {{0, 0}, {0, UINT32_MAX}};

    if (ipv6) {
        range = (struct address_range){{0, IPV4_END}, {UINT64_MAX, UINT64_MAX}};
    }
    return make_address_ranges(arena, &range, 1, leaf);
}

bool lnf_filter_set_nets(struct lnf_arena *arena, const struct lnf_filter_item *items,
                         struct lnf_filter_leaf *leaf, bool *empty)
{
    size_t count = 0;
    bool single = true, made = true;

    for (const struct lnf_filter_item *item = items; item != NULL; item = item->next) {
        count++;
    }
    struct address_range *ranges = malloc((count + 1) * sizeof(*ranges));
    if (ranges == NULL) {
        return false;
    }
    count = 0;
    for (const struct lnf_filter_item *item = items; item != NULL; item = item->next) {
        if (item->kind == LNF_ITEM_NET && lnf_filter_is_prefix(item)) {
            single = single && (item->mask.hi & item->mask.lo) == UINT64_MAX;
            ranges[count++] = range_of_net(item);
        }
    }
    *empty = count == 0;
    if (count > 0) {
        count = merge_address_ranges(ranges, count);
        made = single && count > 1 ? make_address_hash(arena, ranges, count, leaf)
                                   : make_address_ranges(arena, ranges, count, leaf);
    }
    free(ranges);
    return made;
}
