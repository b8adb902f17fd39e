/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Regular expressions: pattern -> tree -> steps of a machine that is in many steps at a time.
 */
#include "filter_regex.h"

#include <ctype.h>
#include <string.h>

/** A set of octets, a bit each. */
struct octet_set {
    uint64_t bits[4];
};

enum step_kind {
    STEP_OCTET, /* one octet of the set, then the next step */
    STEP_SPLIT, /* go on with the next step and with `to` */
    STEP_JUMP,
    STEP_BEGIN, /* where the text, or a line, begins */
    STEP_END,
    STEP_MATCH,
};

struct step {
    uint8_t kind;
    uint16_t to;
    const struct octet_set *set;
};

struct lnf_regex {
    bool lines;
    unsigned count;
    struct step steps[];
};

enum node_kind { NODE_SET, NODE_BEGIN, NODE_END, NODE_THEN, NODE_OR, NODE_REPEAT };

#define NO_LIMIT UINT32_MAX

struct node {
    uint8_t kind;
    uint32_t least, most; /* repetitions */
    const struct octet_set *set;
    const struct node *left, *right;
};

/** A pattern being compiled. */
struct compiler {
    struct lnf_arena *arena;
    const char *pattern;
    size_t length, at;
    unsigned flags;
    struct lnf_regex_error *error;
    bool failed;

    struct step steps[LNF_REGEX_STEPS_MAX];
    unsigned count;
};

static const struct node *parse_alternatives(struct compiler *c);

static void *fail(struct compiler *c, size_t at, const char *text)
{
    if (!c->failed) {
        c->failed = true;
        *c->error = (struct lnf_regex_error){text, at};
    }
    return NULL;
}

static void *get_memory(struct compiler *c, size_t size)
{
    void *memory = lnf_arena_get(c->arena, size);

    return memory != NULL ? memory : fail(c, 0, NULL);
}

/* ---- sets of octets -------------------------------------------------------------------------- */

static bool set_has(const struct octet_set *set, unsigned octet)
{
    return (set->bits[octet >> 6] >> (octet & 63) & 1) != 0;
}

static void set_add(struct octet_set *set, unsigned octet)
{
    set->bits[octet >> 6] |= UINT64_C(1) << (octet & 63);
}

static void set_add_range(struct octet_set *set, unsigned first, unsigned last)
{
    for (unsigned octet = first; octet <= last; octet++) {
        set_add(set, octet);
    }
}

static void set_add_all(struct octet_set *set, const struct octet_set *other)
{
    for (unsigned i = 0; i < 4; i++) {
        set->bits[i] |= other->bits[i];
    }
}

static void set_invert(struct octet_set *set)
{
    for (unsigned i = 0; i < 4; i++) {
        set->bits[i] = ~set->bits[i];
    }
}

static void set_ignore_case(struct octet_set *set)
{
    for (unsigned upper = 'A'; upper <= 'Z'; upper++) {
        unsigned lower = upper - 'A' + 'a';
        if (set_has(set, upper) || set_has(set, lower)) {
            set_add(set, upper);
            set_add(set, lower);
        }
    }
}

/* ---- pattern -> tree ------------------------------------------------------------------------- */

/* The octet `i` places ahead, or -1 behind the end. */
static int peek(const struct compiler *c, size_t i)
{
    return c->at + i < c->length ? (unsigned char)c->pattern[c->at + i] : -1;
}

static bool take(struct compiler *c, int octet)
{
    bool taken = peek(c, 0) == octet;

    c->at += taken;
    return taken;
}

static struct node *new_node(struct compiler *c, enum node_kind kind, const struct node *left,
                             const struct node *right)
{
    struct node *node = get_memory(c, sizeof(*node));

    if (node != NULL) {
        node->kind = (uint8_t)kind;
        node->left = left;
        node->right = right;
    }
    return node;
}

static const struct node *set_node(struct compiler *c, const struct octet_set *set)
{
    struct node *node = new_node(c, NODE_SET, NULL, NULL);
    struct octet_set *copy = get_memory(c, sizeof(*copy));

    if (node == NULL || copy == NULL) {
        return NULL;
    }
    *copy = *set;
    node->set = copy;
    return node;
}

/* `\d`, `\w`, `\s`; upper case means all others. */
static bool class_of(char letter, struct octet_set *set)
{
    *set = (struct octet_set){{0}};
    switch (tolower((unsigned char)letter)) {
    case 'd':
        set_add_range(set, '0', '9');
        break;
    case 'w':
        set_add_range(set, '0', '9');
        set_add_range(set, 'A', 'Z');
        set_add_range(set, 'a', 'z');
        set_add(set, '_');
        break;
    case 's':
        set_add(set, ' ');
        set_add_range(set, '\t', '\r');
        break;
    default:
        return false;
    }
    if (isupper((unsigned char)letter)) {
        set_invert(set);
    }
    return true;
}

static unsigned hex_digit(int digit)
{
    return isdigit(digit) ? (unsigned)(digit - '0') : (unsigned)(tolower(digit) - 'a') + 10;
}

/*
 * What stands after a backslash: a class, or one octet as `*octet`, else -1.
 */
static bool parse_escape(struct compiler *c, struct octet_set *set, int *octet)
{
    int letter = peek(c, 0);

    *octet = -1;
    if (letter < 0) {
        (void)fail(c, c->at - 1, "nothing follows the backslash");
        return false;
    }
    if (class_of((char)letter, set)) {
        c->at++;
        return true;
    }
    if (letter == 'x' && isxdigit(peek(c, 1)) && isxdigit(peek(c, 2))) {
        *octet = (int)(hex_digit(peek(c, 1)) * 16 + hex_digit(peek(c, 2)));
        c->at += 3;
    } else {
        *octet = letter == 'n' ? '\n' : letter == 'r' ? '\r' : letter == 't' ? '\t' : letter;
        c->at++;
    }
    *set = (struct octet_set){{0}};
    set_add(set, (unsigned)*octet);
    return true;
}

/* An octet or a class inside brackets. */
static bool parse_member(struct compiler *c, struct octet_set *set, int *octet)
{
    if (take(c, '\\')) {
        return parse_escape(c, set, octet);
    }
    *octet = peek(c, 0);
    *set = (struct octet_set){{0}};
    set_add(set, (unsigned)*octet);
    c->at++;
    return true;
}

/* `[...]` behind its opening bracket. A bracket that closes comes first when it is meant. */
static const struct node *parse_brackets(struct compiler *c)
{
    size_t start = c->at - 1;
    bool others = take(c, '^'), first = true;
    struct octet_set all = {{0}}, member;
    int low, high;

    while (first || peek(c, 0) != ']') {
        size_t at = c->at;
        first = false;
        if (peek(c, 0) < 0) {
            return fail(c, start, "the bracket is not closed");
        }
        if (!parse_member(c, &member, &low)) {
            return NULL;
        }
        if (low >= 0 && peek(c, 0) == '-' && peek(c, 1) >= 0 && peek(c, 1) != ']') {
            c->at++;
            if (!parse_member(c, &member, &high)) {
                return NULL;
            }
            if (high < low) {
                return fail(c, at, "the range is empty");
            }
            set_add_range(&member, (unsigned)low, (unsigned)high);
        }
        set_add_all(&all, &member);
    }
    c->at++;
    if ((c->flags & LNF_REGEX_IGNORE_CASE) != 0) {
        set_ignore_case(&all);
    }
    if (others) {
        set_invert(&all);
    }
    return set_node(c, &all);
}

static const struct node *parse_group(struct compiler *c)
{
    size_t start = c->at - 1;
    const struct node *inner = parse_alternatives(c);

    if (inner != NULL && !take(c, ')')) {
        return fail(c, start, "the parenthesis is not closed");
    }
    return inner;
}

static const struct node *parse_dot(struct compiler *c)
{
    struct octet_set set = {{0}};

    if ((c->flags & LNF_REGEX_DOT_ALL) == 0) {
        set_add(&set, '\n');
    }
    set_invert(&set);
    return set_node(c, &set);
}

static const struct node *parse_octet(struct compiler *c)
{
    struct octet_set set;
    int octet;

    if (strchr("*+?{", peek(c, 0)) != NULL) {
        return fail(c, c->at, "there is nothing to repeat");
    }
    if (strchr("]})", peek(c, 0)) != NULL) {
        return fail(c, c->at, "what is closed here was not opened");
    }
    if (!parse_member(c, &set, &octet)) {
        return NULL;
    }
    if ((c->flags & LNF_REGEX_IGNORE_CASE) != 0 && octet >= 0) {
        set_ignore_case(&set);
    }
    return set_node(c, &set);
}

static bool parse_number(struct compiler *c, uint32_t *number)
{
    size_t start = c->at;

    *number = 0;
    while (isdigit(peek(c, 0))) {
        *number = *number * 10 + (unsigned)(peek(c, 0) - '0');
        c->at++;
        if (*number > LNF_REGEX_REPEAT_MAX) {
            (void)fail(c, start, "more than 1000 repetitions");
            return false;
        }
    }
    return c->at > start;
}

/* `{2}`, `{2,}`, `{2,5}` behind the opening brace. */
static bool parse_count(struct compiler *c, uint32_t *least, uint32_t *most)
{
    size_t start = c->at - 1;
    bool good = parse_number(c, least);

    *most = *least;
    if (good && take(c, ',')) {
        *most = NO_LIMIT;
        good = peek(c, 0) == '}' || parse_number(c, most);
    }
    if (!good || !take(c, '}') || *most < *least) {
        (void)fail(c, start, "expected repetitions such as {2}, {2,} or {2,5}");
        return false;
    }
    return true;
}

/* How often what was read last comes. Lazy or not (`*?`) decides what is matched, not whether. */
static const struct node *parse_repetition(struct compiler *c, const struct node *what)
{
    uint32_t least = 0, most = NO_LIMIT;

    switch (peek(c, 0)) {
    case '*':
        break;
    case '+':
        least = 1;
        break;
    case '?':
        most = 1;
        break;
    case '{':
        break;
    default:
        return what;
    }
    if (c->pattern[c->at++] == '{' && !parse_count(c, &least, &most)) {
        return NULL;
    }
    (void)take(c, '?');
    struct node *node = new_node(c, NODE_REPEAT, what, NULL);
    if (node != NULL) {
        node->least = least;
        node->most = most;
    }
    return node;
}

static const struct node *parse_piece(struct compiler *c)
{
    if (take(c, '^')) {
        return new_node(c, NODE_BEGIN, NULL, NULL);
    }
    if (take(c, '$')) {
        return new_node(c, NODE_END, NULL, NULL);
    }
    const struct node *what = take(c, '(')   ? parse_group(c)
                              : take(c, '[') ? parse_brackets(c)
                              : take(c, '.') ? parse_dot(c)
                                             : parse_octet(c);
    return what == NULL ? NULL : parse_repetition(c, what);
}

static bool at_end_of_row(const struct compiler *c, bool inside)
{
    return peek(c, 0) < 0 || peek(c, 0) == '|' || (inside && peek(c, 0) == ')');
}

static const struct node *parse_row(struct compiler *c, bool inside)
{
    const struct node *row = NULL;

    if (at_end_of_row(c, inside)) {
        return fail(c, c->at, "there is nothing to match");
    }
    while (!at_end_of_row(c, inside)) {
        const struct node *piece = parse_piece(c);
        if (piece == NULL) {
            return NULL;
        }
        row = row == NULL ? piece : new_node(c, NODE_THEN, row, piece);
        if (row == NULL) {
            return NULL;
        }
    }
    return row;
}

static const struct node *parse_alternatives(struct compiler *c)
{
    bool inside = c->at > 0; /* of parentheses: the pattern as a whole begins at 0 */
    const struct node *all = parse_row(c, inside);

    while (all != NULL && take(c, '|')) {
        const struct node *row = parse_row(c, inside);
        all = row == NULL ? NULL : new_node(c, NODE_OR, all, row);
    }
    return all;
}

/* ---- tree -> steps --------------------------------------------------------------------------- */

/* Adds a step; its number, or that of another one after a failure. */
static unsigned add_step(struct compiler *c, enum step_kind kind)
{
    if (c->count == LNF_REGEX_STEPS_MAX) {
        (void)fail(c, 0, "the pattern is too large with all its repetitions");
        return 0;
    }
    c->steps[c->count] = (struct step){.kind = (uint8_t)kind};
    return c->count++;
}

static void make_steps(struct compiler *c, const struct node *node);

static void make_or(struct compiler *c, const struct node *node)
{
    unsigned split = add_step(c, STEP_SPLIT);

    make_steps(c, node->left);
    unsigned jump = add_step(c, STEP_JUMP);
    c->steps[split].to = (uint16_t)c->count;
    make_steps(c, node->right);
    c->steps[jump].to = (uint16_t)c->count;
}

static void make_repeat(struct compiler *c, const struct node *node)
{
    unsigned start = c->count;

    for (uint32_t i = 0; i < node->least && !c->failed; i++) {
        unsigned before = c->count;
        make_steps(c, node->left);
        if (c->count == before) {
            return; /* made of nothing, however often */
        }
    }
    if (node->most == NO_LIMIT) {
        start = c->count;
        unsigned split = add_step(c, STEP_SPLIT);
        make_steps(c, node->left);
        unsigned jump = add_step(c, STEP_JUMP);
        c->steps[jump].to = (uint16_t)start;
        c->steps[split].to = (uint16_t)c->count;
        return;
    }
    for (uint32_t i = node->least; i < node->most && !c->failed; i++) {
        unsigned split = add_step(c, STEP_SPLIT);
        make_steps(c, node->left);
        c->steps[split].to = (uint16_t)c->count;
    }
}

static void make_steps(struct compiler *c, const struct node *node)
{
    if (c->failed) {
        return;
    }
    switch ((enum node_kind)node->kind) {
    case NODE_SET: {
        unsigned step = add_step(c, STEP_OCTET);
        c->steps[step].set = node->set;
        break;
    }
    case NODE_BEGIN:
        (void)add_step(c, STEP_BEGIN);
        break;
    case NODE_END:
        (void)add_step(c, STEP_END);
        break;
    case NODE_THEN:
        make_steps(c, node->left);
        make_steps(c, node->right);
        break;
    case NODE_OR:
        make_or(c, node);
        break;
    case NODE_REPEAT:
        make_repeat(c, node);
        break;
    }
}

const struct lnf_regex *lnf_regex_compile(struct lnf_arena *arena, const char *pattern,
                                          size_t length, unsigned flags,
                                          struct lnf_regex_error *error)
{
    struct compiler c = {
        .arena = arena, .pattern = pattern, .length = length, .flags = flags, .error = error};

    *error = (struct lnf_regex_error){0};
    if (length > LNF_REGEX_LENGTH_MAX) {
        return fail(&c, 0, "longer than 64 characters");
    }
    const struct node *tree = parse_alternatives(&c);
    if (tree != NULL) {
        make_steps(&c, tree);
        (void)add_step(&c, STEP_MATCH);
    }
    if (c.failed) {
        return NULL;
    }
    struct lnf_regex *regex = get_memory(&c, sizeof(*regex) + c.count * sizeof(regex->steps[0]));
    if (regex != NULL) {
        regex->lines = (flags & LNF_REGEX_LINES) != 0;
        regex->count = c.count;
        memcpy(regex->steps, c.steps, c.count * sizeof(regex->steps[0]));
    }
    return regex;
}

/* ---- searching ------------------------------------------------------------------------------- */

/** Steps the machine is in at one place of the text, each once. */
struct state_list {
    unsigned count;
    uint16_t steps[LNF_REGEX_STEPS_MAX];
};

/** A search: where it is in the text. */
struct search {
    const struct lnf_regex *regex;
    const uint8_t *data;
    size_t size, at;
    size_t seen[LNF_REGEX_STEPS_MAX]; /* place + 1 at which a step was entered last */
};

static bool at_begin(const struct search *s)
{
    return s->at == 0 || (s->regex->lines && s->data[s->at - 1] == '\n');
}

static bool at_end(const struct search *s)
{
    return s->at == s->size || (s->regex->lines && s->data[s->at] == '\n');
}

/* Enters a step and all that follow without an octet. True when the pattern has matched. */
static bool enter(struct search *s, struct state_list *list, unsigned first)
{
    uint16_t waiting[LNF_REGEX_STEPS_MAX + 1];
    unsigned count = 0;

    waiting[count++] = (uint16_t)first;
    while (count > 0) {
        unsigned number = waiting[--count];
        if (s->seen[number] == s->at + 1) {
            continue;
        }
        s->seen[number] = s->at + 1;
        const struct step *step = &s->regex->steps[number];
        switch ((enum step_kind)step->kind) {
        case STEP_MATCH:
            return true;
        case STEP_OCTET:
            list->steps[list->count++] = (uint16_t)number;
            break;
        case STEP_SPLIT:
            /* Of those waiting each was put there by another step: there is always room. */
            waiting[count++] = step->to;
            waiting[count++] = (uint16_t)(number + 1);
            break;
        case STEP_JUMP:
            waiting[count++] = step->to;
            break;
        case STEP_BEGIN:
        case STEP_END:
            if (step->kind == STEP_BEGIN ? at_begin(s) : at_end(s)) {
                waiting[count++] = (uint16_t)(number + 1);
            }
            break;
        }
    }
    return false;
}

bool lnf_regex_search(const struct lnf_regex *regex, const uint8_t *data, size_t size)
{
    struct search s = {.regex = regex, .data = data, .size = size};
    struct state_list lists[2], *now = &lists[0], *next = &lists[1];

    now->count = 0;
    if (enter(&s, now, 0)) {
        return true;
    }
    while (s.at < size) {
        unsigned octet = data[s.at++];
        next->count = 0;
        for (unsigned i = 0; i < now->count; i++) {
            if (set_has(regex->steps[now->steps[i]].set, octet) &&
                enter(&s, next, now->steps[i] + 1u)) {
                return true;
            }
        }
        /* A match may begin at every place. */
        if (enter(&s, next, 0)) {
            return true;
        }
        struct state_list *swap = now;
        now = next;
        next = swap;
    }
    return false;
}
