/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What a filter asks an index. The filter's program has its negations in the leaves already, so
 * three values become two: a step is *false for the whole block* or it may match. A leaf nothing is
 * known about may match; AND may match when all of its parts may, OR when any may.
 */
#include "filter_program.h"
#include "index.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

/** Addresses and networks a term may name; with more of them an index rules out hardly anything. */
#define NETWORKS_MAX 1024u
/** A network without a key of its own size is cut into up to 2^4 smaller ones. */
#define PIECES_BITS_MAX 4u
#define KEYS_MAX 3u

/** A network, as the keys all of which have to be there. */
struct network {
    uint64_t keys[KEYS_MAX]; /* narrowest first */
    uint8_t count;
    uint8_t block_count; /* the first ones, which are in the filters of blocks, too */
};

enum ask_kind { ASK_MAYBE, ASK_NEVER, ASK_NETWORKS, ASK_ROW, ASK_AND, ASK_OR };

struct ask {
    enum ask_kind kind;
    const struct lnf_filter_leaf *leaf; /* ASK_ROW */
    struct network *networks;           /* ASK_NETWORKS: any of them */
    size_t network_count;
    struct ask *first, *next; /* children */
};

struct lnf_index_plan {
    struct lnf_arena arena;
    const struct ask *root;
};

/** Networks of one term while they are collected. */
struct collection {
    struct network *networks;
    size_t count;
    bool unknown; /* one of them has no keys: the index knows nothing */
};

/* ---- keys of networks ------------------------------------------------------------------------ */

struct level {
    enum lnf_index_level level;
    unsigned length; /* of the prefix */
    bool block;      /* also in the filters of blocks */
};

/* Narrowest first. */
static const struct level levels4[] = {
    {LNF_LEVEL_IPV4, 32, true}, {LNF_LEVEL_IPV4_24, 24, true}, {LNF_LEVEL_IPV4_16, 16, false}};
static const struct level levels6[] = {{LNF_LEVEL_IPV6, 128, true},
                                       {LNF_LEVEL_IPV6_64, 64, true},
                                       {LNF_LEVEL_IPV6_48, 48, false},
                                       {LNF_LEVEL_IPV6_32, 32, false}};

static uint64_t high_bits(unsigned count)
{
    return count == 0 ? 0 : count >= 64 ? UINT64_MAX : ~(UINT64_MAX >> count);
}

static struct lnf_addr cut(struct lnf_addr address, bool ipv6, unsigned length)
{
    length += ipv6 ? 0 : 96;
    address.hi &= high_bits(length);
    address.lo &= length > 64 ? high_bits(length - 64) : 0;
    return address;
}

/** Adds keys of a network no shorter than `length`. */
static void set_keys(struct network *network, struct lnf_addr address, bool ipv6, unsigned length)
{
    const struct level *levels = ipv6 ? levels6 : levels4;
    size_t count = ipv6 ? sizeof(levels6) / sizeof(*levels6) : sizeof(levels4) / sizeof(*levels4);

    *network = (struct network){.count = 0};
    for (size_t i = 0; i < count && network->count < KEYS_MAX; i++) {
        if (levels[i].length <= length) {
            network->keys[network->count++] =
                lnf_index_key(levels[i].level, cut(address, ipv6, levels[i].length));
            network->block_count += levels[i].block;
        }
    }
}

/** The shortest length of a key that is at least `length`. */
static unsigned key_length(bool ipv6, unsigned length)
{
    const struct level *levels = ipv6 ? levels6 : levels4;
    size_t count = ipv6 ? sizeof(levels6) / sizeof(*levels6) : sizeof(levels4) / sizeof(*levels4);

    while (count > 0 && levels[count - 1].length < length) {
        count--;
    }
    return count == 0 ? length : levels[count - 1].length;
}

/** The `number`th network of `length` bits inside the one that begins with `address`. */
static struct lnf_addr piece(struct lnf_addr address, bool ipv6, unsigned length, unsigned number)
{
    unsigned shift = (ipv6 ? 128 : 32) - length;

    if (shift >= 64) {
        address.hi |= (uint64_t)number << (shift - 64);
    } else {
        address.lo |= (uint64_t)number << shift;
    }
    return address;
}

static void add_network(struct collection *c, struct lnf_addr address, bool ipv6, unsigned length)
{
    unsigned longer = key_length(ipv6, length);
    unsigned pieces = longer - length <= PIECES_BITS_MAX ? 1u << (longer - length) : 1;

    if (pieces == 1) {
        longer = length; /* the keys around it have to do */
    }
    for (unsigned i = 0; i < pieces && !c->unknown; i++) {
        if (c->count == NETWORKS_MAX) {
            c->unknown = true;
            return;
        }
        struct network *network = &c->networks[c->count++];
        set_keys(network, piece(cut(address, ipv6, length), ipv6, longer, i), ipv6, longer);
        c->unknown = network->count == 0;
    }
}

/** Adds the smallest network around a range of addresses. */
static void add_range(struct collection *c, struct lnf_addr low, struct lnf_addr high)
{
    uint64_t hi = low.hi ^ high.hi, lo = low.lo ^ high.lo;
    unsigned length = hi != 0   ? (unsigned)__builtin_clzll(hi)
                      : lo != 0 ? 64 + (unsigned)__builtin_clzll(lo)
                                : 128;
    struct lnf_addr begin = cut(low, true, length);

    if (!lnf_index_is_ipv4(begin)) {
        add_network(c, low, true, length);
    } else if (length > 96) {
        add_network(c, low, false, length - 96);
    } else {
        c->unknown = true; /* holds every address of IPv4 */
    }
}

/* ---- terms on addresses ---------------------------------------------------------------------- */

static void add_net(struct collection *c, const struct lnf_filter_leaf *leaf)
{
    /* A mask with holes: the network of its leading ones holds all it matches. */
    uint64_t hi = leaf->net.mask.hi, lo = leaf->net.mask.lo;
    unsigned length = ~hi != 0   ? (unsigned)__builtin_clzll(~hi)
                      : ~lo != 0 ? 64 + (unsigned)__builtin_clzll(~lo)
                                 : 128;
    struct lnf_addr low = cut(leaf->net.address, true, length);
    struct lnf_addr high = low;

    high.hi |= ~high_bits(length);
    high.lo |= length > 64 ? ~high_bits(length - 64) : UINT64_MAX;
    add_range(c, low, high);
}

static void add_set(struct collection *c, const struct lnf_address_set *set)
{
    for (uint64_t i = 0; i <= set->last; i++) {
        if ((set->slots[i].hi | set->slots[i].lo) != 0) {
            add_range(c, set->slots[i], set->slots[i]);
        }
    }
    if (set->zero) {
        add_range(c, (struct lnf_addr){0, 0}, (struct lnf_addr){0, 0});
    }
}

static void add_ranges(struct collection *c, const struct lnf_address_ranges *set)
{
    size_t count4 = set->index4[(size_t)1 << (32 - set->shift4)];

    for (size_t i = 0; i < count4; i++) {
        add_range(c, (struct lnf_addr){0, set->low4[i]}, (struct lnf_addr){0, set->high4[i]});
    }
    for (size_t i = 0; i < set->count6; i++) {
        add_range(c, set->low6[i], set->high6[i]);
    }
}

static bool is_flow_address(const struct lnf_field *field)
{
    return field == NULL || field->id == LNF_FLD_SRCADDR || field->id == LNF_FLD_DSTADDR;
}

static int compare_networks(const void *a, const void *b)
{
    uint64_t x = ((const struct network *)a)->keys[0];
    uint64_t y = ((const struct network *)b)->keys[0];

    return (x > y) - (x < y);
}

/** Turns a term on addresses into networks; false without memory. */
static bool ask_networks(struct lnf_index_plan *plan, const struct lnf_filter_leaf *leaf,
                         struct ask *ask)
{
    struct collection c = {.unknown = leaf->negate || !is_flow_address(leaf->field) ||
                                      !is_flow_address(leaf->field2)};

    ask->kind = ASK_MAYBE;
    if (c.unknown) {
        return true;
    }
    c.networks = malloc(NETWORKS_MAX * sizeof(*c.networks));
    if (c.networks == NULL) {
        return false;
    }
    if (leaf->test == LNF_TEST_NET) {
        add_net(&c, leaf);
    } else if (leaf->test == LNF_TEST_ADDRESSES) {
        add_set(&c, &leaf->addresses);
    } else {
        add_ranges(&c, &leaf->nets);
    }
    if (!c.unknown) {
        /* In the order of buckets, so that each page is read once. */
        qsort(c.networks, c.count, sizeof(*c.networks), compare_networks);
        ask->networks = lnf_arena_get(&plan->arena, c.count * sizeof(*c.networks) + 1);
        if (ask->networks == NULL) {
            free(c.networks);
            return false;
        }
        memcpy(ask->networks, c.networks, c.count * sizeof(*c.networks));
        ask->network_count = c.count;
        ask->kind = ASK_NETWORKS;
    }
    free(c.networks);
    return true;
}

/* ---- other terms ----------------------------------------------------------------------------- */

/** Zone of a field, or LNF_ZONES. */
static enum lnf_index_zone zone_of(const struct lnf_field *field)
{
    switch (field->id) {
    case LNF_FLD_FIRST:
        return LNF_ZONE_FIRST;
    case LNF_FLD_LAST:
        return LNF_ZONE_LAST;
    case LNF_FLD_DPKTS:
        return LNF_ZONE_PACKETS;
    case LNF_FLD_DOCTETS:
        return LNF_ZONE_BYTES;
    case LNF_FLD_SRCPORT:
        return LNF_ZONE_SRCPORT;
    case LNF_FLD_DSTPORT:
        return LNF_ZONE_DSTPORT;
    default:
        return LNF_ZONES;
    }
}

/** Whether rows of blocks answer the test of a field. */
static bool is_in_row(const struct lnf_filter_leaf *leaf, const struct lnf_field *field)
{
    enum lnf_index_zone zone = zone_of(field);

    if (field->id == LNF_FLD_PROT) {
        return leaf->test == LNF_TEST_RANGE || leaf->test == LNF_TEST_BITS ||
               leaf->test == LNF_TEST_BITMAP;
    }
    if (zone == LNF_ZONES) {
        return false;
    }
    return leaf->test == LNF_TEST_RANGE || (leaf->test == LNF_TEST_BITMAP && !leaf->negate);
}

static bool has_bit(const uint8_t *bits, unsigned number)
{
    return (bits[number / 8] >> (number % 8) & 1) != 0;
}

/** Whether the value of a leaf's column of 8 or 16 bits passes, before the negation. */
static bool passes(const struct lnf_filter_leaf *leaf, unsigned value)
{
    switch ((enum lnf_filter_test)leaf->test) {
    case LNF_TEST_RANGE:
        return value >= leaf->range.min && value - leaf->range.min <= leaf->range.span;
    case LNF_TEST_BITS:
        return (value & leaf->bits.mask) == leaf->bits.want;
    default:
        return (leaf->bitmap[value >> 6] >> (value & 63) & 1) != 0;
    }
}

static bool protocol_maybe(const struct lnf_filter_leaf *leaf, const struct lnf_index_block *block)
{
    for (unsigned value = 0; value < 256; value++) {
        if (has_bit(block->protocols, value) && passes(leaf, value) != (leaf->negate != 0)) {
            return true;
        }
    }
    return false;
}

/** Whether a low port of the block, between two of them, passes. */
static bool low_port_maybe(const struct lnf_filter_leaf *leaf, const struct lnf_index_block *block,
                           unsigned first, unsigned last)
{
    for (unsigned port = first; port <= last && port < LNF_INDEX_LOW_PORTS; port++) {
        if (has_bit(block->ports, port) && passes(leaf, port)) {
            return true;
        }
    }
    return false;
}

/** Whether any of the ports from `first` to `last` passes. */
static bool high_port_maybe(const struct lnf_filter_leaf *leaf, unsigned first, unsigned last)
{
    if (leaf->test == LNF_TEST_RANGE) {
        return first <= last && leaf->range.min <= last &&
               leaf->range.min + leaf->range.span >= first;
    }
    for (unsigned port = first; port <= last; port++) {
        if (leaf->bitmap[port >> 6] == 0) {
            port |= 63; /* none of these */
        } else if (passes(leaf, port)) {
            return true;
        }
    }
    return false;
}

/** Whether a port of the block may pass: between its extremes, and low ones are known exactly. */
static bool port_maybe(const struct lnf_filter_leaf *leaf, const struct lnf_index_block *block,
                       enum lnf_index_zone zone)
{
    unsigned first = (unsigned)block->zones[zone].min, last = (unsigned)block->zones[zone].max;

    return low_port_maybe(leaf, block, first, last) ||
           high_port_maybe(leaf, first > LNF_INDEX_LOW_PORTS ? first : LNF_INDEX_LOW_PORTS, last);
}

static bool zone_maybe(const struct lnf_filter_leaf *leaf, const struct lnf_index_block *block,
                       enum lnf_index_zone zone)
{
    uint64_t min = block->zones[zone].min, max = block->zones[zone].max;
    uint64_t low = leaf->range.min, high = low + leaf->range.span;

    if (high < low) {
        return true;
    }
    if (leaf->negate) {
        return min < low || max > high;
    }
    return low <= max && high >= min;
}

static bool field_maybe(const struct lnf_filter_leaf *leaf, const struct lnf_field *field,
                        const struct lnf_index_block *block)
{
    enum lnf_index_zone zone = zone_of(field);

    if (!is_in_row(leaf, field)) {
        return true;
    }
    if (field->id == LNF_FLD_PROT) {
        return protocol_maybe(leaf, block);
    }
    bool port = zone >= LNF_ZONE_SRCPORT && !leaf->negate;
    return (leaf->test == LNF_TEST_BITMAP || zone_maybe(leaf, block, zone)) &&
           (!port || port_maybe(leaf, block, zone));
}

/** Either field passes; or, negated, none does. */
static bool row_maybe(const struct lnf_filter_leaf *leaf, const struct lnf_index_block *block)
{
    bool first = field_maybe(leaf, leaf->field, block);

    if (leaf->field2 == NULL) {
        return first;
    }
    bool second = field_maybe(leaf, leaf->field2, block);
    return leaf->negate ? first && second : first || second;
}

/* ---- plan ------------------------------------------------------------------------------------ */

static struct ask *make_ask(struct lnf_index_plan *plan, const struct lnf_filter_step *step);

static bool make_leaf(struct lnf_index_plan *plan, const struct lnf_filter_leaf *leaf,
                      struct ask *ask)
{
    switch ((enum lnf_filter_test)leaf->test) {
    case LNF_TEST_NET:
    case LNF_TEST_ADDRESSES:
    case LNF_TEST_NETS:
        return ask_networks(plan, leaf, ask);
    case LNF_TEST_RANGE:
    case LNF_TEST_BITS:
    case LNF_TEST_BITMAP: {
        bool one = is_in_row(leaf, leaf->field);
        bool two = leaf->field2 == NULL || is_in_row(leaf, leaf->field2);
        ask->kind = one && two ? ASK_ROW : ASK_MAYBE;
        ask->leaf = leaf;
        return true;
    }
    default:
        ask->kind = ASK_MAYBE;
        return true;
    }
}

/** AND drops what is not known; OR is not known when one of its parts is not. */
static bool make_join(struct lnf_index_plan *plan, const struct lnf_filter_step *step,
                      struct ask *ask)
{
    bool unknown = false;

    ask->kind = step->kind == LNF_STEP_AND ? ASK_AND : ASK_OR;
    for (size_t i = 0; i < step->child_count; i++) {
        struct ask *child = make_ask(plan, step->children[i]);
        if (child == NULL) {
            return false;
        }
        if (child->kind == ASK_MAYBE) {
            unknown = true;
        } else {
            child->next = ask->first;
            ask->first = child;
        }
    }
    if (ask->first == NULL || (ask->kind == ASK_OR && unknown)) {
        ask->kind = ASK_MAYBE;
    }
    return true;
}

static struct ask *make_ask(struct lnf_index_plan *plan, const struct lnf_filter_step *step)
{
    struct ask *ask = lnf_arena_get(&plan->arena, sizeof(*ask));
    bool made = true;

    if (ask == NULL) {
        return NULL;
    }
    switch ((enum lnf_step_kind)step->kind) {
    case LNF_STEP_FALSE:
        ask->kind = ASK_NEVER;
        break;
    case LNF_STEP_TRUE:
        ask->kind = ASK_MAYBE;
        break;
    case LNF_STEP_LEAF:
        made = make_leaf(plan, &step->leaf, ask);
        break;
    case LNF_STEP_AND:
    case LNF_STEP_OR:
        made = make_join(plan, step, ask);
        break;
    }
    return made ? ask : NULL;
}

bool lnf_index_plan_create(const lnf_program_t *program, lnf_index_plan_t **plan)
{
    lnf_index_plan_t *p = calloc(1, sizeof(*p));

    *plan = NULL;
    if (p == NULL) {
        return false;
    }
    p->root = make_ask(p, program->root);
    if (p->root == NULL) {
        lnf_index_plan_destroy(p);
        return false;
    }
    if (p->root->kind == ASK_MAYBE) {
        lnf_index_plan_destroy(p);
        return true;
    }
    *plan = p;
    return true;
}

void lnf_index_plan_destroy(lnf_index_plan_t *plan)
{
    if (plan != NULL) {
        lnf_arena_clear(&plan->arena);
        free(plan);
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

/** One question: about a block, or about a segment when `block` is NULL. */
struct question {
    lnf_index_t *index;
    const struct lnf_index_block *block;
    const struct lnf_index_filter *filter;
    bool damaged;
};

static bool network_maybe(struct question *q, const struct network *network)
{
    unsigned count = q->block == NULL ? network->count : network->block_count;

    for (unsigned i = 0; i < count && !q->damaged; i++) {
        if (!lnf_index_maybe(q->index, q->filter, network->keys[i], &q->damaged)) {
            return false;
        }
    }
    return true;
}

static bool maybe(struct question *q, const struct ask *ask)
{
    switch (ask->kind) {
    case ASK_NEVER:
        return false;
    case ASK_NETWORKS:
        for (size_t i = 0; i < ask->network_count; i++) {
            if (network_maybe(q, &ask->networks[i])) {
                return true;
            }
        }
        return false;
    case ASK_ROW:
        return q->block == NULL || row_maybe(ask->leaf, q->block);
    case ASK_AND:
        for (const struct ask *child = ask->first; child != NULL; child = child->next) {
            if (!maybe(q, child)) {
                return false;
            }
        }
        return true;
    case ASK_OR:
        for (const struct ask *child = ask->first; child != NULL; child = child->next) {
            if (maybe(q, child)) {
                return true;
            }
        }
        return false;
    case ASK_MAYBE:
        break;
    }
    return true;
}

static bool block_maybe(lnf_index_t *index, const lnf_index_plan_t *plan, uint32_t number,
                        bool segment, bool *damaged)
{
    const struct lnf_index_block *block = lnf_index_block(index, number);
    struct question q = {.index = index, .block = block, .filter = &block->filter};

    if (block->opaque) {
        return true;
    }
    if (!segment || block->zones[LNF_ZONE_FIRST].min > block->zones[LNF_ZONE_FIRST].max) {
        return false; /* or no flow at all */
    }
    bool answer = maybe(&q, plan->root);
    *damaged = *damaged || q.damaged;
    return answer;
}

/** Whether a segment may hold matching records; damaged blocks in it count apart. */
static bool segment_maybe(lnf_index_t *index, const lnf_index_plan_t *plan,
                          const struct lnf_index_segment *segment, bool *damaged)
{
    struct question q = {.index = index, .filter = &segment->filter};
    bool answer = maybe(&q, plan->root);

    *damaged = *damaged || q.damaged;
    return answer;
}

/** Asks about all segments; answers[i], and whether any may. */
static bool ask_segments(lnf_index_t *index, const lnf_index_plan_t *plan, bool *answers,
                         bool *damaged)
{
    uint32_t count = lnf_index_header(index)->segment_count;
    bool any = false;

    for (uint32_t i = 0; i < count && !*damaged; i++) {
        answers[i] = segment_maybe(index, plan, lnf_index_segment(index, i), damaged);
        any = any || answers[i];
    }
    return any;
}

static void ask_blocks(lnf_index_t *index, const lnf_index_plan_t *plan, const bool *answers,
                       struct lnf_block_pick *picks, size_t *count, bool *damaged)
{
    uint32_t segments = lnf_index_header(index)->segment_count;

    for (uint32_t s = 0; s < segments; s++) {
        const struct lnf_index_segment *segment = lnf_index_segment(index, s);
        for (uint32_t i = 0; i < segment->count && !*damaged; i++) {
            uint32_t number = segment->first + i;
            if (block_maybe(index, plan, number, answers[s], damaged)) {
                picks[(*count)++] =
                    (struct lnf_block_pick){number, lnf_index_block(index, number)->offset};
            }
        }
    }
}

enum lnf_index_state lnf_index_ask(lnf_index_t *index, const lnf_index_plan_t *plan,
                                   struct lnf_block_pick **picks, size_t *count)
{
    const struct lnf_index_header *header = lnf_index_header(index);
    struct lnf_block_pick *found = calloc((size_t)header->block_count + 1, sizeof(*found));
    bool *answers = calloc((size_t)header->segment_count + 1, sizeof(*answers));
    bool damaged = false;

    *count = 0;
    if (found == NULL || answers == NULL) {
        free(found);
        free(answers);
        return LNF_INDEX_UNREADABLE;
    }
    bool any = ask_segments(index, plan, answers, &damaged);
    if (!damaged && (any || header->opaque_count > 0)) {
        damaged = !lnf_index_load_blocks(index);
        if (!damaged) {
            ask_blocks(index, plan, answers, found, count, &damaged);
        }
    }
    free(answers);
    if (damaged) {
        free(found);
        return LNF_INDEX_DAMAGED;
    }
    *picks = found;
    return LNF_INDEX_GOOD;
}
