/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The tree of a filter text, the arena it lives in, and the first failure of a compilation.
 */
#include "filter_tree.h"

#include <ctype.h>
#include <libnf.h>
#include <libnf/common.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- arena ----------------------------------------------------------------------------------- */

#define CHUNK_SIZE (64u << 10)
#define ALIGNMENT 16u

struct lnf_arena_chunk {
    struct lnf_arena_chunk *next;
    uint64_t unused; /* keeps what follows aligned */
};

void *lnf_arena_get(struct lnf_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->left) {
        size_t room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;
        struct lnf_arena_chunk *chunk = calloc(1, sizeof(*chunk) + room);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        if (room == size) {
            return chunk + 1; /* large pieces have a chunk of their own */
        }
        arena->at = (uint8_t *)(chunk + 1);
        arena->left = room;
    }
    void *memory = arena->at;
    arena->at += size;
    arena->left -= size;
    return memory;
}

void lnf_arena_clear(struct lnf_arena *arena)
{
    while (arena->chunks != NULL) {
        struct lnf_arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    *arena = (struct lnf_arena){0};
}

/* ---- failures -------------------------------------------------------------------------------- */

const char *lnf_filter_show(const char *text, size_t length, char shown[64])
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        if (used > 48) {
            memcpy(shown + used, "...", 3);
            used += 3;
            break;
        }
        if (isprint((unsigned char)text[i])) {
            shown[used++] = text[i];
        } else {
            used += (size_t)snprintf(shown + used, 64 - used, "\\x%02x", (unsigned char)text[i]);
        }
    }
    shown[used] = '\0';
    return shown;
}

bool lnf_filter_fail(struct lnf_filter_parse *parse, const struct lnf_filter_place *place,
                     const char *format, ...)
{
    if (parse->status != LNF_OK) {
        return false;
    }
    parse->status = LNF_ERR_FILTER;
    if (parse->error == NULL) {
        return false;
    }
    size_t used = 0, size = sizeof(parse->error->text);
    char *text = parse->error->text;
    *parse->error = (struct lnf_error){.line = place == NULL ? 0 : place->line,
                                       .column = place == NULL ? 0 : place->column};
    if (place != NULL && place->file != NULL) {
        int n = snprintf(text, size, "in %.200s: ", place->file);
        used = n < 0 ? 0 : (size_t)n;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    return false;
}

bool lnf_filter_no_memory(struct lnf_filter_parse *parse)
{
    if (parse->status == LNF_OK) {
        parse->status = LNF_ERR_NOMEM;
        if (parse->error != NULL) {
            *parse->error = (struct lnf_error){.text = "no memory for the filter"};
        }
    }
    return false;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

struct lnf_filter_node *lnf_filter_node_create(struct lnf_filter_parse *parse,
                                               enum lnf_filter_node_kind kind)
{
    struct lnf_filter_node *node = lnf_arena_get(&parse->arena, sizeof(*node));

    if (node == NULL) {
        lnf_filter_no_memory(parse);
        return NULL;
    }
    node->kind = (uint8_t)kind;
    return node;
}

static void append_child(struct lnf_filter_node *parent, struct lnf_filter_node *child)
{
    if (parent->last_child == NULL) {
        parent->children = child;
    } else {
        parent->last_child->next = child;
    }
    parent->last_child = child;
    parent->labelled = parent->labelled || (child->labelled && parent->kind != LNF_NODE_NOT);
}

/* Rows of the same operator become one node with many children, so that depth stays small. */
struct lnf_filter_node *lnf_filter_node_join(struct lnf_filter_parse *parse,
                                             enum lnf_filter_node_kind kind,
                                             struct lnf_filter_node *left,
                                             struct lnf_filter_node *right)
{
    if (left->kind == kind && right->kind == kind) {
        left->last_child->next = right->children;
        left->last_child = right->last_child;
        left->labelled = left->labelled || right->labelled;
        return left;
    }
    if (left->kind == kind) {
        append_child(left, right);
        return left;
    }
    struct lnf_filter_node *node = lnf_filter_node_create(parse, kind);
    if (node == NULL) {
        return NULL;
    }
    append_child(node, left);
    if (right->kind == kind) {
        node->last_child->next = right->children;
        node->last_child = right->last_child;
        node->labelled = node->labelled || right->labelled;
    } else {
        append_child(node, right);
    }
    return node;
}

struct lnf_filter_node *lnf_filter_node_not(struct lnf_filter_parse *parse,
                                            struct lnf_filter_node *node)
{
    if (node->kind == LNF_NODE_NOT) {
        return node->children;
    }
    if (node->flags_named) {
        node->flags_none = !node->flags_none; /* nothing else may use the node: it is replaced */
        return node;
    }
    struct lnf_filter_node *not = lnf_filter_node_create(parse, LNF_NODE_NOT);
    if (not != NULL) {
        append_child(not, node);
    }
    return not ;
}

struct lnf_filter_node *lnf_filter_node_label(struct lnf_filter_parse *parse,
                                              struct lnf_filter_node *node,
                                              const struct lnf_filter_word *word)
{
    char shown[64];

    if (word->length == 0 || word->length > LNF_FILTER_LABEL_LIMIT) {
        lnf_filter_fail(parse, &word->place, "'%s' is no label; expected 1 to %u characters",
                        lnf_filter_show(word->text, word->length, shown), LNF_FILTER_LABEL_LIMIT);
        return NULL;
    }
    struct lnf_filter_node *label = lnf_filter_node_create(parse, LNF_NODE_LABEL);
    if (label != NULL) {
        label->label = word->text;
        append_child(label, node);
        label->labelled = true;
    }
    return label;
}

struct lnf_filter_node *lnf_filter_node_term(struct lnf_filter_parse *parse,
                                             enum lnf_filter_node_kind kind,
                                             enum lnf_filter_direction direction,
                                             const struct lnf_filter_word *name)
{
    static const char *const words[LNF_DIR_COUNT] = {
        "",       "src",    "dst",     "src or dst", "src and dst", "in",  "out",
        "in src", "in dst", "out src", "out dst",    "prev",        "next"};
    struct lnf_filter_node *node = lnf_filter_node_create(parse, kind);

    if (node == NULL) {
        return NULL;
    }
    node->direction = (uint8_t)direction;
    node->term = name->term;
    if (kind == LNF_NODE_EXIST && name->term->kind == LNF_KIND_UNSUPPORTED &&
        direction == LNF_DIR_NONE) {
        return node; /* presence is all that can be asked of it */
    }
    if (name->term->select[direction] == 0) {
        lnf_filter_fail(parse, &name->place, "'%s' is not possible with '%s'", words[direction],
                        name->term->name);
        return NULL;
    }
    return node;
}
