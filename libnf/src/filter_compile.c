/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Tree -> program: negations move into the leaves, constants disappear, alternatives on the same
 * fields become one set, and what is cheap and selective comes first.
 */
#include "filter.h"
#include "filter_program.h"
#include "filter_regex.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/** Steps to be joined by AND or OR. */
struct steps {
    struct lnf_filter_step *first, *last;
    size_t count;
};

static struct lnf_filter_step *lower(struct lnf_arena *arena, const struct lnf_filter_node *node,
                                     bool negate);

/* ---- estimates ------------------------------------------------------------------------------- */

/* Octets to copy out, roughly, and work to find them. */
static float column_cost(const struct lnf_field *field)
{
    float cost = field->source == LNF_SOURCE_COMPUTED ? 4.0f : 0.0f;

    switch (field->type) {
    case LNF_UINT8:
    case LNF_UINT16:
        return cost + 1.0f;
    case LNF_UINT32:
        return cost + 1.2f;
    case LNF_ADDR:
        return cost + 3.0f;
    default:
        return cost + 1.5f;
    }
}

static float test_cost(const struct lnf_filter_leaf *leaf)
{
    switch ((enum lnf_filter_test)leaf->test) {
    case LNF_TEST_NUMBERS:
    case LNF_TEST_ADDRESSES:
        return 3.0f;
    case LNF_TEST_NUMBER_RANGES:
    case LNF_TEST_NETS:
        return 6.0f;
    case LNF_TEST_STRING:
    case LNF_TEST_MPLS:
    case LNF_TEST_PORT_BLOCK:
        return 30.0f;
    case LNF_TEST_LABEL:
        return 30.0f;
    case LNF_TEST_COUNTRIES:
        return 60.0f;
    case LNF_TEST_PAYLOAD:
        return 100.0f;
    case LNF_TEST_JA3:
        return 300.0f;
    case LNF_TEST_REGEX:
        return 1000.0f;
    case LNF_TEST_IDENT:
    case LNF_TEST_COUNT:
        return 5.0f;
    case LNF_TEST_BITMAP:
        return 0.8f;
    default:
        return 0.5f;
    }
}

static float test_share(const struct lnf_filter_leaf *leaf)
{
    switch ((enum lnf_filter_test)leaf->test) {
    case LNF_TEST_RANGE:
        if (leaf->range.span != 0) {
            return 0.4f;
        }
        return leaf->field->type == LNF_UINT8 ? 0.3f : 0.03f;
    case LNF_TEST_NET:
        return (leaf->net.mask.hi & leaf->net.mask.lo) == UINT64_MAX ? 0.005f : 0.1f;
    case LNF_TEST_NUMBERS:
    case LNF_TEST_ADDRESSES:
    case LNF_TEST_STRING:
        return 0.05f;
    case LNF_TEST_BITMAP:
    case LNF_TEST_NUMBER_RANGES:
    case LNF_TEST_NETS:
    case LNF_TEST_COUNTRIES:
        return 0.2f;
    default:
        return 0.4f;
    }
}

static void estimate_leaf(struct lnf_filter_step *step)
{
    const struct lnf_filter_leaf *leaf = &step->leaf;
    float sides = leaf->field2 == NULL ? 1.0f : 2.0f;

    step->cost = sides * (column_cost(leaf->field) + test_cost(leaf));
    step->share = sides * test_share(leaf);
    if (leaf->negate) {
        step->share = 1.0f - step->share;
    }
}

/* AND: what rejects most for its cost comes first; OR: what accepts most. */
static float rank(const struct lnf_filter_step *step, enum lnf_step_kind kind)
{
    float useful = kind == LNF_STEP_AND ? 1.0f - step->share : step->share;

    return step->cost / (useful < 0.001f ? 0.001f : useful);
}

static int compare_for_and(const void *a, const void *b)
{
    float x = rank(*(struct lnf_filter_step *const *)a, LNF_STEP_AND);
    float y = rank(*(struct lnf_filter_step *const *)b, LNF_STEP_AND);

    return (x > y) - (x < y);
}

static int compare_for_or(const void *a, const void *b)
{
    float x = rank(*(struct lnf_filter_step *const *)a, LNF_STEP_OR);
    float y = rank(*(struct lnf_filter_step *const *)b, LNF_STEP_OR);

    return (x > y) - (x < y);
}

static void order_children(struct lnf_filter_step *step)
{
    float left = 1.0f; /* share of the rows that still have to be tested */

    qsort(step->children, step->child_count, sizeof(struct lnf_filter_step *),
          step->kind == LNF_STEP_AND ? compare_for_and : compare_for_or);
    for (size_t i = 0; i < step->child_count; i++) {
        const struct lnf_filter_step *child = step->children[i];
        step->cost += left * child->cost;
        left *= step->kind == LNF_STEP_AND ? child->share : 1.0f - child->share;
    }
    step->share = step->kind == LNF_STEP_AND ? left : 1.0f - left;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static struct lnf_filter_step *new_step(struct lnf_arena *arena, enum lnf_step_kind kind)
{
    struct lnf_filter_step *step = lnf_arena_get(arena, sizeof(*step));

    if (step != NULL) {
        step->kind = (uint8_t)kind;
    }
    return step;
}

static struct lnf_filter_step *constant(struct lnf_arena *arena, bool value)
{
    return new_step(arena, value ? LNF_STEP_TRUE : LNF_STEP_FALSE);
}

/* Adds a step; false without one, which means no memory. */
static bool add_step(struct steps *steps, struct lnf_filter_step *step)
{
    if (step == NULL) {
        return false;
    }
    step->next = NULL;
    if (steps->last == NULL) {
        steps->first = step;
    } else {
        steps->last->next = step;
    }
    steps->last = step;
    steps->count++;
    return true;
}

/* Children of the joined step: constants left out, those of the same kind taken over. */
static size_t count_children(const struct steps *steps, enum lnf_step_kind kind, bool *decided)
{
    enum lnf_step_kind deciding = kind == LNF_STEP_AND ? LNF_STEP_FALSE : LNF_STEP_TRUE;
    size_t count = 0;

    *decided = false;
    for (const struct lnf_filter_step *step = steps->first; step != NULL; step = step->next) {
        *decided = *decided || step->kind == deciding;
        if (step->kind == kind) {
            count += step->child_count;
        } else if (step->kind != LNF_STEP_TRUE && step->kind != LNF_STEP_FALSE) {
            count++;
        }
    }
    return count;
}

static struct lnf_filter_step *join(struct lnf_arena *arena, enum lnf_step_kind kind,
                                    const struct steps *steps)
{
    bool decided;
    size_t count = count_children(steps, kind, &decided);

    if (decided || count == 0) {
        return constant(arena, (kind == LNF_STEP_OR) == decided);
    }
    struct lnf_filter_step *joined = new_step(arena, kind);
    struct lnf_filter_step **children =
        lnf_arena_get(arena, count * sizeof(struct lnf_filter_step *));
    if (joined == NULL || children == NULL) {
        return NULL;
    }
    joined->children = children;
    for (struct lnf_filter_step *step = steps->first; step != NULL; step = step->next) {
        if (step->kind == kind) {
            memcpy(children + joined->child_count, step->children,
                   step->child_count * sizeof(struct lnf_filter_step *));
            joined->child_count += step->child_count;
        } else if (step->kind != LNF_STEP_TRUE && step->kind != LNF_STEP_FALSE) {
            children[joined->child_count++] = step;
        }
    }
    if (count == 1) {
        return children[0];
    }
    order_children(joined);
    return joined;
}

static enum lnf_step_kind opposite_if(bool negate, enum lnf_step_kind kind)
{
    if (!negate) {
        return kind;
    }
    return kind == LNF_STEP_AND ? LNF_STEP_OR : LNF_STEP_AND;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static struct lnf_filter_step *leaf_step(struct lnf_arena *arena,
                                         const struct lnf_filter_leaf *leaf, bool negate)
{
    struct lnf_filter_step *step = new_step(arena, LNF_STEP_LEAF);

    if (step != NULL) {
        step->leaf = *leaf;
        step->leaf.negate = negate;
        estimate_leaf(step);
    }
    return step;
}

/** The fields a term compares. */
struct fields {
    const struct lnf_field *row[LNF_TERM_FIELDS];
    unsigned count;
};

static struct fields selected_fields(const struct lnf_filter_node *node)
{
    struct fields fields = {.count = 0};
    unsigned select = node->term->select[node->direction];

    if (select == 0) {
        select = 1; /* presence of a field that cannot be compared */
    }
    for (unsigned i = 0; i < LNF_TERM_FIELDS; i++) {
        const struct lnf_field *field =
            (select >> i & 1) != 0 ? lnf_field_get(node->term->fields[i]) : NULL;
        if (field == NULL) {
            continue;
        }
        if (field->source == LNF_SOURCE_PAIR) { /* presence: either side */
            fields.row[fields.count++] = lnf_field_get(field->pair_src);
            field = lnf_field_get(field->pair_dst);
        }
        fields.row[fields.count++] = field;
    }
    return fields;
}

/*
 * Adds a leaf for the fields: one for each when all have to match, else one for two of a type.
 * `joint`: the leaves of one field of all, which get joined there.
 */
static bool add_leaves(struct lnf_arena *arena, struct steps *steps, struct lnf_filter_leaf *leaf,
                       const struct fields *fields, bool negate)
{
    for (unsigned i = 0; i < fields->count; i++) {
        leaf->field = fields->row[i];
        leaf->field2 = NULL;
        if (!lnf_filter_reads_record(leaf->test) && i + 1 < fields->count &&
            fields->row[i + 1]->type == leaf->field->type) {
            leaf->field2 = fields->row[++i];
        }
        if (!add_step(steps, leaf_step(arena, leaf, negate))) {
            return false;
        }
    }
    return true;
}

/* ---- items of a term ------------------------------------------------------------------------- */

static bool is_number_type(uint8_t type)
{
    return type == LNF_UINT8 || type == LNF_UINT16 || type == LNF_UINT32 || type == LNF_UINT64 ||
           type == LNF_MAC;
}

static bool add_number_set(struct lnf_arena *arena, struct steps *steps,
                           const struct lnf_filter_node *node, const struct fields *fields,
                           bool negate)
{
    struct lnf_filter_leaf leaf = {0};
    bool empty, full;

    /* The number of a record is none of its fields. */
    if (!is_number_type(fields->row[0]->type) || node->term->kind == LNF_KIND_COUNT) {
        return true;
    }
    if (!lnf_filter_set_numbers(arena, node->items, fields->row[0]->type, &leaf, &empty, &full)) {
        return false;
    }
    if (full) {
        return add_step(steps, constant(arena, !negate));
    }
    return empty || add_leaves(arena, steps, &leaf, fields, negate);
}

static bool add_net_set(struct lnf_arena *arena, struct steps *steps,
                        const struct lnf_filter_node *node, const struct fields *fields,
                        bool negate)
{
    const struct lnf_filter_item *only = node->items;
    struct lnf_filter_leaf leaf = {0};
    bool empty;

    if (fields->row[0]->type != LNF_ADDR || node->term->kind == LNF_KIND_COUNTRY) {
        return true;
    }
    /* One network is a mask and a comparison, unless it is of IPv6 and spans ::/96. */
    if (only != NULL && only->next == NULL && only->kind == LNF_ITEM_NET &&
        ((only->mask.lo >> 32) == UINT32_MAX || only->address.hi != 0)) {
        leaf.test = LNF_TEST_NET;
        leaf.net.address = only->address;
        leaf.net.mask = only->mask;
        return add_leaves(arena, steps, &leaf, fields, negate);
    }
    if (!lnf_filter_set_nets(arena, node->items, &leaf, &empty)) {
        return false;
    }
    if (!empty && !add_leaves(arena, steps, &leaf, fields, negate)) {
        return false;
    }
    for (const struct lnf_filter_item *item = node->items; item != NULL; item = item->next) {
        if (item->kind == LNF_ITEM_NET && !lnf_filter_is_prefix(item)) {
            leaf.test = LNF_TEST_NET;
            leaf.net.address = item->address;
            leaf.net.mask = item->mask;
            if (!add_leaves(arena, steps, &leaf, fields, negate)) {
                return false;
            }
        }
    }
    return true;
}

static bool add_country_set(struct lnf_arena *arena, struct steps *steps,
                            const struct lnf_filter_node *node, const struct fields *fields,
                            bool negate)
{
    struct lnf_filter_leaf leaf = {0};

    return node->term->kind != LNF_KIND_COUNTRY ||
           (lnf_filter_set_countries(arena, node->items, &leaf) &&
            add_leaves(arena, steps, &leaf, fields, negate));
}

/* All addresses of a version: for a flow's own addresses the version of the flow. */
static bool add_family(struct lnf_arena *arena, struct steps *steps, uint64_t version,
                       const struct fields *fields, bool negate)
{
    struct fields family = {{lnf_field_get(LNF_FLD_INET_FAMILY)}, 1};
    struct lnf_filter_leaf leaf = {.test = LNF_TEST_RANGE, .range = {version, 0}};
    int id = fields->row[0]->id;

    if (id == LNF_FLD_SRCADDR || id == LNF_FLD_DSTADDR) {
        return add_leaves(arena, steps, &leaf, &family, negate);
    }
    if (!lnf_filter_set_family(arena, version == AF_INET6, &leaf)) {
        return false;
    }
    return add_leaves(arena, steps, &leaf, fields, negate);
}

/* The tree with its texts dies before the program does. */
static const char *copy_text(struct lnf_arena *arena, const char *text, size_t length)
{
    char *copy = lnf_arena_get(arena, length + 1);

    if (copy != NULL) {
        memcpy(copy, text, length);
    }
    return copy;
}

static bool set_string_leaf(struct lnf_arena *arena, const struct lnf_filter_node *node,
                            const struct lnf_filter_item *item, struct lnf_filter_leaf *leaf)
{
    struct lnf_regex_error error;

    switch ((enum lnf_filter_kind)node->term->kind) {
    case LNF_KIND_REGEX:
        leaf->test = LNF_TEST_REGEX;
        leaf->regex = lnf_regex_compile(arena, item->text, item->length, item->flags, &error);
        return leaf->regex != NULL; /* it compiled before, so only memory can be missing */
    case LNF_KIND_PAYLOAD:
        leaf->test = LNF_TEST_PAYLOAD;
        break;
    case LNF_KIND_JA3:
        leaf->test = LNF_TEST_JA3;
        break;
    case LNF_KIND_IDENT:
        leaf->test = LNF_TEST_IDENT;
        break;
    case LNF_KIND_LABEL:
        leaf->test = LNF_TEST_LABEL;
        break;
    default:
        leaf->test = LNF_TEST_STRING;
        break;
    }
    leaf->string.text = copy_text(arena, item->text, item->length);
    leaf->string.length = item->length;
    leaf->string.contains = item->contains;
    return leaf->string.text != NULL;
}

/* Numbers that are in no column: the test of their kind, or false for other kinds. */
static bool set_number_leaf(uint8_t kind, struct lnf_filter_leaf *leaf)
{
    if (kind != LNF_KIND_MPLS && kind != LNF_KIND_COUNT) {
        return false;
    }
    leaf->test = kind == LNF_KIND_MPLS ? LNF_TEST_MPLS : LNF_TEST_COUNT;
    return true;
}

/* Leaves of items that are not part of a set. */
static bool add_item(struct lnf_arena *arena, struct steps *steps,
                     const struct lnf_filter_node *node, const struct lnf_filter_item *item,
                     const struct fields *fields, bool negate)
{
    struct lnf_filter_leaf leaf = {.part = node->term->part};

    switch ((enum lnf_filter_item_kind)item->kind) {
    case LNF_ITEM_MASK:
        if (set_number_leaf(node->term->kind, &leaf)) {
            leaf.part |= LNF_MPLS_BITS;
        } else {
            leaf.test = LNF_TEST_BITS;
        }
        leaf.bits.mask = item->max;
        leaf.bits.want = item->min;
        break;
    case LNF_ITEM_REAL:
        leaf.test = LNF_TEST_REAL;
        leaf.real.low = item->low;
        leaf.real.high = item->high;
        break;
    case LNF_ITEM_FAMILY:
        return add_family(arena, steps, item->min, fields, negate);
    case LNF_ITEM_STRING:
        if (!set_string_leaf(arena, node, item, &leaf)) {
            return false;
        }
        break;
    case LNF_ITEM_RANGE:
        if (!set_number_leaf(node->term->kind, &leaf)) {
            return true;
        }
        leaf.range.min = item->min;
        leaf.range.span = item->max - item->min;
        break;
    case LNF_ITEM_PORT_BLOCK:
        leaf.test = LNF_TEST_PORT_BLOCK;
        break;
    case LNF_ITEM_NET:
    case LNF_ITEM_NEVER:
        return true;
    }
    return add_leaves(arena, steps, &leaf, fields, negate);
}

/* Any of the fields equals any of the items; or, negated, none does. */
static struct lnf_filter_step *match_any(struct lnf_arena *arena,
                                         const struct lnf_filter_node *node,
                                         const struct fields *fields, bool negate)
{
    struct steps steps = {0};

    if (!add_number_set(arena, &steps, node, fields, negate) ||
        !add_net_set(arena, &steps, node, fields, negate) ||
        !add_country_set(arena, &steps, node, fields, negate)) {
        return NULL;
    }
    for (const struct lnf_filter_item *item = node->items; item != NULL; item = item->next) {
        if (!add_item(arena, &steps, node, item, fields, negate)) {
            return NULL;
        }
    }
    return join(arena, opposite_if(negate, LNF_STEP_OR), &steps);
}

/* The same for every one of the fields; or, negated, for one of them not. */
static struct lnf_filter_step *match_all(struct lnf_arena *arena,
                                         const struct lnf_filter_node *node,
                                         const struct fields *fields, bool negate)
{
    struct steps steps = {0};

    for (unsigned i = 0; i < fields->count; i++) {
        struct fields one = {{fields->row[i]}, 1};
        if (!add_step(&steps, match_any(arena, node, &one, negate))) {
            return NULL;
        }
    }
    return join(arena, opposite_if(negate, LNF_STEP_AND), &steps);
}

/* ---- terms ----------------------------------------------------------------------------------- */

/* What a term implies: `implied` is not LNF_IMPLIED_NONE. */
static struct lnf_filter_step *implied_step(struct lnf_arena *arena, uint8_t implied, bool negate)
{
    static struct lnf_filter_item icmp6 = {.kind = LNF_ITEM_RANGE, .min = 58, .max = 58};
    static struct lnf_filter_item icmp = {
        .next = &icmp6, .kind = LNF_ITEM_RANGE, .min = 1, .max = 1};
    static struct lnf_filter_item tcp = {.kind = LNF_ITEM_RANGE, .min = 6, .max = 6};
    static struct lnf_filter_item deny = {.kind = LNF_ITEM_RANGE, .min = 3, .max = 3};
    static const struct {
        struct lnf_filter_item *items;
        int field;
    } meanings[] = {
        [LNF_IMPLIED_TCP] = {&tcp, LNF_FLD_PROT},
        [LNF_IMPLIED_ICMP] = {&icmp, LNF_FLD_PROT},
        [LNF_IMPLIED_DENIED] = {&deny, LNF_FLD_FW_EVENT},
    };
    static const struct lnf_filter_term term = {.name = "implied", .kind = LNF_KIND_NUMBER};
    struct lnf_filter_node node = {
        .kind = LNF_NODE_TERM, .term = &term, .items = meanings[implied].items};
    struct fields fields = {{lnf_field_get(meanings[implied].field)}, 1};

    return match_any(arena, &node, &fields, negate);
}

/* None of the flags named is set, or the flow is not TCP. */
static struct lnf_filter_step *no_flags(struct lnf_arena *arena, const struct lnf_filter_node *node,
                                        bool negate)
{
    struct fields fields = {{lnf_field_get(LNF_FLD_TCP_FLAGS)}, 1};
    struct lnf_filter_leaf leaf = {.test = LNF_TEST_BITS, .bits = {node->items->min, 0}};
    struct steps steps = {0};

    if (!add_step(&steps, implied_step(arena, LNF_IMPLIED_TCP, !negate)) ||
        !add_leaves(arena, &steps, &leaf, &fields, negate)) {
        return NULL;
    }
    return join(arena, opposite_if(negate, LNF_STEP_OR), &steps);
}

static struct lnf_filter_step *lower_term(struct lnf_arena *arena,
                                          const struct lnf_filter_node *node, bool negate)
{
    struct fields fields = selected_fields(node);
    bool all = node->direction == LNF_DIR_SRC_AND_DST && !node->differs;
    bool differs = node->differs != negate;
    struct steps steps = {0};

    if (node->flags_none) {
        return no_flags(arena, node, negate);
    }
    struct lnf_filter_step *match =
        all ? match_all(arena, node, &fields, differs) : match_any(arena, node, &fields, differs);
    if (node->term->implied == LNF_IMPLIED_NONE) {
        return match;
    }
    if (!add_step(&steps, implied_step(arena, node->term->implied, negate)) ||
        !add_step(&steps, match)) {
        return NULL;
    }
    return join(arena, opposite_if(negate, LNF_STEP_AND), &steps);
}

static struct lnf_filter_step *lower_exist(struct lnf_arena *arena,
                                           const struct lnf_filter_node *node, bool negate)
{
    bool all = node->direction == LNF_DIR_SRC_AND_DST;
    struct fields fields = selected_fields(node);
    struct steps steps = {0};

    for (unsigned i = 0; i < fields.count; i++) {
        struct fields one = {{fields.row[i]}, 1};
        struct lnf_filter_leaf leaf = {.test = LNF_TEST_PRESENT};
        if (!add_leaves(arena, &steps, &leaf, &one, negate)) {
            return NULL;
        }
    }
    return join(arena, opposite_if(negate, all ? LNF_STEP_AND : LNF_STEP_OR), &steps);
}

/* ---- and, or, not ---------------------------------------------------------------------------- */

/** Terms on the same fields, whose items become one list. */
struct merged {
    struct merged *next;
    struct lnf_filter_node node;
};

static bool is_mergeable(const struct lnf_filter_node *node)
{
    return node->kind == LNF_NODE_TERM && node->term->implied == LNF_IMPLIED_NONE &&
           node->direction != LNF_DIR_SRC_AND_DST && node->items != NULL &&
           (node->term->kind == LNF_KIND_NUMBER || node->term->kind == LNF_KIND_ADDRESS ||
            node->term->kind == LNF_KIND_MAC || node->term->kind == LNF_KIND_COUNTRY);
}

static bool same_fields(const struct lnf_filter_node *a, const struct lnf_filter_node *b)
{
    return a->term->kind == b->term->kind &&
           a->term->select[a->direction] == b->term->select[b->direction] &&
           memcmp(a->term->fields, b->term->fields, sizeof(a->term->fields)) == 0;
}

/* Adds the items of a term to those of an earlier one on the same fields; false without memory. */
static bool merge_term(struct lnf_arena *arena, struct merged **list,
                       const struct lnf_filter_node *node)
{
    struct merged *m = *list;

    while (m != NULL && !same_fields(&m->node, node)) {
        m = m->next;
    }
    if (m != NULL) {
        m->node.last_item->next = node->items;
        m->node.last_item = node->last_item;
        return true;
    }
    m = lnf_arena_get(arena, sizeof(*m));
    if (m == NULL) {
        return false;
    }
    m->node = *node;
    m->node.differs = false;
    m->next = *list;
    *list = m;
    return true;
}

static struct lnf_filter_step *lower_join(struct lnf_arena *arena,
                                          const struct lnf_filter_node *node, bool negate)
{
    enum lnf_step_kind kind =
        opposite_if(negate, node->kind == LNF_NODE_AND ? LNF_STEP_AND : LNF_STEP_OR);
    struct merged *merged = NULL;
    struct steps steps = {0};

    for (const struct lnf_filter_node *child = node->children; child != NULL; child = child->next) {
        bool inverted = negate != (child->kind == LNF_NODE_NOT);
        const struct lnf_filter_node *inner = child->kind == LNF_NODE_NOT ? child->children : child;
        /* `a = 1 or a = 2` and `not a = 1 and not a = 2` are about one list. */
        if (is_mergeable(inner) && (inner->differs != inverted) == (kind == LNF_STEP_AND)) {
            if (!merge_term(arena, &merged, inner)) {
                return NULL;
            }
        } else if (!add_step(&steps, lower(arena, inner, inverted))) {
            return NULL;
        }
    }
    for (const struct merged *m = merged; m != NULL; m = m->next) {
        if (!add_step(&steps, lower(arena, &m->node, kind == LNF_STEP_AND))) {
            return NULL;
        }
    }
    return join(arena, kind, &steps);
}

static struct lnf_filter_step *lower(struct lnf_arena *arena, const struct lnf_filter_node *node,
                                     bool negate)
{
    switch ((enum lnf_filter_node_kind)node->kind) {
    case LNF_NODE_ANY:
        return constant(arena, !negate);
    case LNF_NODE_NOT:
        return lower(arena, node->children, !negate);
    case LNF_NODE_AND:
    case LNF_NODE_OR:
        return lower_join(arena, node, negate);
    case LNF_NODE_TERM:
        return lower_term(arena, node, negate);
    case LNF_NODE_EXIST:
        return lower_exist(arena, node, negate);
    case LNF_NODE_LABEL:
        return lower(arena, node->children, negate);
    }
    return NULL;
}

/* ---- labels ---------------------------------------------------------------------------------- */

static struct lnf_label_step *make_label(struct lnf_arena *arena,
                                         const struct lnf_filter_node *node);

static bool make_label_children(struct lnf_arena *arena, const struct lnf_filter_node *node,
                                struct lnf_label_step *step)
{
    struct lnf_label_step *last = NULL;

    for (const struct lnf_filter_node *n = node->children; n != NULL; n = n->next) {
        struct lnf_label_step *child = make_label(arena, n);
        if (child == NULL) {
            return false;
        }
        if (last == NULL) {
            step->first = child;
        } else {
            last->next = child;
        }
        last = child;
    }
    return true;
}

/* Has to come before the whole is lowered, which merges the lists of terms of its parts. */
static struct lnf_label_step *make_label(struct lnf_arena *arena,
                                         const struct lnf_filter_node *node)
{
    struct lnf_label_step *step = lnf_arena_get(arena, sizeof(*step));

    if (step == NULL) {
        return NULL;
    }
    step->any = node->kind == LNF_NODE_OR;
    if (node->labelled && node->kind != LNF_NODE_LABEL) {
        return make_label_children(arena, node, step) ? step : NULL;
    }
    if (node->kind == LNF_NODE_LABEL) {
        step->label = copy_text(arena, node->label, strlen(node->label));
        if (step->label == NULL) {
            return NULL;
        }
    }
    step->match = lower(arena, node, false);
    return step->match == NULL ? NULL : step;
}

/* Levels of OR inside OR. */
static unsigned count_levels(const struct lnf_filter_step *step)
{
    unsigned most = 0;

    for (size_t i = 0; i < step->child_count; i++) {
        unsigned levels = count_levels(step->children[i]);
        most = levels > most ? levels : most;
    }
    return most + (step->kind == LNF_STEP_OR);
}

static unsigned count_label_levels(const struct lnf_label_step *step)
{
    unsigned most = step->match == NULL ? 0 : count_levels(step->match);

    for (const struct lnf_label_step *child = step->first; child != NULL; child = child->next) {
        unsigned levels = count_label_levels(child);
        most = levels > most ? levels : most;
    }
    return most;
}

static bool asks_numbers(const struct lnf_filter_step *step)
{
    if (step->kind == LNF_STEP_LEAF) {
        return step->leaf.test == LNF_TEST_COUNT;
    }
    for (size_t i = 0; i < step->child_count; i++) {
        if (asks_numbers(step->children[i])) {
            return true;
        }
    }
    return false;
}

/* Makes the steps out of the tree; false without memory. */
static bool make_program(lnf_program_t *program, const struct lnf_filter_parse *parse)
{
    if (parse->root == NULL) {
        program->root = constant(&program->arena, true);
        return program->root != NULL;
    }
    if (parse->root->labelled) {
        program->labels = make_label(&program->arena, parse->root);
        if (program->labels == NULL) {
            return false;
        }
    }
    program->root = lower(&program->arena, parse->root, false);
    if (program->root == NULL) {
        return false;
    }
    program->numbers = asks_numbers(program->root);
    program->levels = count_levels(program->root);
    if (program->labels != NULL) {
        unsigned levels = count_label_levels(program->labels);
        program->levels = levels > program->levels ? levels : program->levels;
    }
    return true;
}

/* ---- the contract ---------------------------------------------------------------------------- */

int lnf_program_compile_geo(const char *text, const char *geo_database, lnf_program_t **program,
                            struct lnf_error *error)
{
    struct lnf_filter_parse parse = {
        .status = LNF_OK, .error = error, .geo_database = geo_database};
    lnf_program_t *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        lnf_filter_no_memory(&parse);
        return LNF_ERR_NOMEM;
    }
    if (text != NULL) {
        lnf_filter_parse_text(&parse, text, strlen(text));
    }
    p->geo = parse.geo;
    if (parse.status == LNF_OK) {
        /* The tree dies with its arena; steps point into the field table and their own arena. */
        if (!make_program(p, &parse)) {
            lnf_filter_no_memory(&parse);
        }
    }
    if (parse.status == LNF_OK) {
        *program = p;
        p = NULL;
    }
    lnf_program_destroy(p);
    lnf_arena_clear(&parse.arena);
    return parse.status;
}

int lnf_program_compile(const char *text, lnf_program_t **program, struct lnf_error *error)
{
    return lnf_program_compile_geo(text, NULL, program, error);
}

void lnf_program_destroy(lnf_program_t *program)
{
    if (program != NULL) {
        lnf_geo_close(program->geo);
        lnf_arena_clear(&program->arena);
        free(program);
    }
}

bool lnf_program_is_any(const lnf_program_t *program)
{
    return program->root->kind == LNF_STEP_TRUE;
}

bool lnf_program_asks_numbers(const lnf_program_t *program)
{
    return program->numbers;
}

const char *lnf_program_geo_database(const lnf_program_t *program)
{
    return program->geo == NULL ? NULL : lnf_geo_path(program->geo);
}

bool lnf_program_has_labels(const lnf_program_t *program)
{
    return program->labels != NULL;
}
