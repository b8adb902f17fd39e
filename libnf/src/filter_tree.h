/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Inside of the filter compiler: what the scanner, the parser and the compiler share.
 *
 *   filter.l          characters -> words and symbols, @include
 *   filter_word.c     words -> tokens: which word is a keyword, a name or a value depends on its
 * place filter.y          tokens -> tree of terms filter_name.c     tables of names: terms,
 * protocols, ports ... filter_value.c    texts of values -> numbers, addresses, flags
 *   filter_compile.c  tree -> program (filter_program.h)
 *
 * Everything of a compilation lives in one arena and dies with it.
 */
#ifndef LNF_FILTER_TREE_H
#define LNF_FILTER_TREE_H

#include "batch.h"
#include "filter_geo.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LNF_FILTER_TEXT_LIMIT (4u << 20) /* octets, included files counted */
#define LNF_FILTER_DEPTH_LIMIT 1000u     /* nested parentheses */
#define LNF_FILTER_NOT_LIMIT 16u         /* `not` in a row */
#define LNF_FILTER_INCLUDE_DEPTH 10u
#define LNF_FILTER_INCLUDE_COUNT 1000u
#define LNF_FILTER_LABEL_LIMIT 16u /* octets of a label */

/* ---- arena ----------------------------------------------------------------------------------- */

struct lnf_arena {
    struct lnf_arena_chunk *chunks;
    size_t left;
    uint8_t *at;
};

/** Zeroed memory that lives until lnf_arena_clear(), or NULL. */
void *lnf_arena_get(struct lnf_arena *arena, size_t size);

/** Frees everything. */
void lnf_arena_clear(struct lnf_arena *arena);

/* ---- words ----------------------------------------------------------------------------------- */

/** Where a word stands; `file` is NULL for the text itself. */
struct lnf_filter_place {
    const char *file;
    unsigned line, column;
};

/** A word or symbol of the text. */
struct lnf_filter_word {
    int token; /* token of filter.y */
    bool quoted;
    uint8_t op; /* enum lnf_filter_op of a comparison */
    struct lnf_filter_place place;
    const char *text;
    size_t length;
    const struct lnf_filter_term *term; /* of a name */
    struct lnf_filter_word *suffix;     /* of a value: unit, prefix length or mask */
    char suffix_kind; /* 'u' unit, '/' length or mask, 'm' mask in a second word, 'r' flags */
    struct lnf_filter_word *next; /* next value of a list */
};

/** Values of a list, in order. */
struct lnf_filter_list {
    struct lnf_filter_word *first, *last;
};

/* ---- terms ----------------------------------------------------------------------------------- */

enum lnf_filter_direction {
    LNF_DIR_NONE,
    LNF_DIR_SRC,
    LNF_DIR_DST,
    LNF_DIR_SRC_OR_DST,
    LNF_DIR_SRC_AND_DST,
    LNF_DIR_IN,
    LNF_DIR_OUT,
    LNF_DIR_IN_SRC,
    LNF_DIR_IN_DST,
    LNF_DIR_OUT_SRC,
    LNF_DIR_OUT_DST,
    LNF_DIR_PREV,
    LNF_DIR_NEXT,
    LNF_DIR_COUNT
};

enum lnf_filter_op {
    LNF_OP_NONE, /* no comparison written: equality; flags and strings: contains */
    LNF_OP_EQ,
    LNF_OP_NE,
    LNF_OP_GT,
    LNF_OP_LT,
    LNF_OP_GE,
    LNF_OP_LE,
    LNF_OP_LIKE,
};

/** Kinds of values a term compares with. */
enum lnf_filter_kind {
    LNF_KIND_NUMBER,
    LNF_KIND_REAL,
    LNF_KIND_ADDRESS,
    LNF_KIND_MAC,
    LNF_KIND_FLAGS,
    LNF_KIND_STRING,
    LNF_KIND_MPLS,
    LNF_KIND_PAYLOAD,     /* octets of the flow's first packets contain the value */
    LNF_KIND_REGEX,       /* the same match it */
    LNF_KIND_JA3,         /* the same begin with a ClientHello of that JA3 */
    LNF_KIND_IDENT,       /* text: ident of the file the record is from */
    LNF_KIND_COUNT,       /* number of the record in that file */
    LNF_KIND_LABEL,       /* text: label stored in the record */
    LNF_KIND_COUNTRY,     /* country an address is in, from a database beside the flows */
    LNF_KIND_FAMILY,      /* no value: inet, inet6 */
    LNF_KIND_UNSUPPORTED, /* a name of nfdump's language that cannot be answered; `why` says why */
};

/** What a comparison implies besides. */
enum lnf_filter_implied {
    LNF_IMPLIED_NONE,
    LNF_IMPLIED_TCP,
    LNF_IMPLIED_ICMP,
    LNF_IMPLIED_DENIED, /* the firewall event is `deny` */
};

#define LNF_TERM_FIELDS 4u

/* Parts of an MPLS label stack: labels are 1 to 10, experimental bits LNF_MPLS_EXP + 1 to 10. */
#define LNF_MPLS_EXP 16
#define LNF_MPLS_BOTTOM 32 /* label of the entry that is the bottom of the stack */
#define LNF_MPLS_ANY 33    /* label of any entry */
#define LNF_MPLS_BITS 64u  /* added in leaves that compare bits instead of a range */

/** A named value, e.g. a protocol. */
struct lnf_filter_symbol {
    const char *name;
    uint32_t value;
};

/** What a name means. */
struct lnf_filter_term {
    const char *name; /* lower case, words separated by one blank */
    uint8_t kind;     /* enum lnf_filter_kind */
    uint8_t implied;  /* enum lnf_filter_implied */

    uint64_t max;                            /* largest value; 0 = what the field can hold */
    const struct lnf_filter_symbol *symbols; /* names of values, ended by a NULL name */
    uint16_t fields[LNF_TERM_FIELDS];
    uint8_t select[LNF_DIR_COUNT]; /* which `fields` a direction means, a bit each; 0 = refused */
    uint8_t part;                  /* MPLS: LNF_MPLS_... */
    const char *why;
};

/**
 * The term of a name, case-insensitive: rows of the language's own table, or any field of the field
 * table. NULL when unknown, or `*no_memory` is set.
 */
const struct lnf_filter_term *lnf_filter_term_find(struct lnf_arena *arena, const char *name,
                                                   size_t length, bool *no_memory);

/** Whether a name of several words begins with these, e.g. "observation domain". */
bool lnf_filter_term_begins(const char *name, size_t length);

/** The name most like a misspelt one, or NULL. */
const char *lnf_filter_term_suggest(const char *name, size_t length);

/** Value of a symbol, case-insensitive. */
bool lnf_filter_symbol_find(const struct lnf_filter_symbol *symbols, const char *name,
                            size_t length, uint32_t *value);

/** Protocol names; bare ones get a hint in the message. */
extern const struct lnf_filter_symbol lnf_filter_protocols[];

/* ---- tree ------------------------------------------------------------------------------------ */

enum lnf_filter_item_kind {
    LNF_ITEM_RANGE,  /* min <= number <= max */
    LNF_ITEM_MASK,   /* (number & max) == min */
    LNF_ITEM_NEVER,  /* flags no record can have */
    LNF_ITEM_REAL,   /* low <= real <= high */
    LNF_ITEM_NET,    /* (address & mask) == address */
    LNF_ITEM_FAMILY, /* all addresses of a version (min = AF_INET or AF_INET6): prefix length 0 */
    LNF_ITEM_STRING,
    LNF_ITEM_PORT_BLOCK, /* a port inside the block of ports of the record */
};

/** One value of a term, ready to be compared with. */
struct lnf_filter_item {
    struct lnf_filter_item *next;
    uint8_t kind;
    bool contains; /* strings: anywhere in the value */
    uint8_t flags; /* regular expressions: enum lnf_regex_flag */
    union {
        struct {
            uint64_t min, max;
        };
        struct {
            double low, high;
        };
        struct {
            struct lnf_addr address, mask;
        };
        struct {
            const char *text;
            size_t length;
        };
    };
};

enum lnf_filter_node_kind {
    LNF_NODE_ANY,
    LNF_NODE_AND,
    LNF_NODE_OR,
    LNF_NODE_NOT,
    LNF_NODE_TERM,  /* fields compared with any of the items */
    LNF_NODE_EXIST, /* fields present */
    LNF_NODE_LABEL, /* what its child matches is given the label */
};

struct lnf_filter_node {
    uint8_t kind;
    uint8_t direction;
    bool differs;     /* term: no selected field equals an item (`!=`) */
    bool flags_named; /* `flags SA`: its direct negation means "none of these set" */
    bool flags_none;  /* that negation */
    const struct lnf_filter_term *term;
    bool labelled; /* it has a label, or a part of it that is not negated */
    const char *label;
    struct lnf_filter_item *items, *last_item;
    struct lnf_filter_node *children, *last_child; /* of AND, OR, NOT, LABEL */
    struct lnf_filter_node *next;
};

/* ---- one compilation ------------------------------------------------------------------------- */

/** Words the scanner has read ahead for names of several words. */
#define LNF_FILTER_AHEAD 4u

struct lnf_filter_parse {
    struct lnf_arena arena;
    struct lnf_filter_node *root; /* NULL = no term at all */

    void *scanner;
    jmp_buf panic; /* where the scanner goes without memory */
    struct lnf_filter_place at;
    struct lnf_filter_place include_places[LNF_FILTER_INCLUDE_DEPTH];
    unsigned include_depth, include_count;
    size_t text_size;

    struct lnf_filter_word *ahead[LNF_FILTER_AHEAD];
    unsigned ahead_count;
    uint8_t state;                /* see filter_word.c */
    unsigned nots;                /* in a row */
    unsigned depth;               /* open parentheses */
    struct lnf_filter_word *last; /* token handed to the parser last; NULL at the end */
    bool exist;                   /* the name after `exist` takes no value */
    bool unit_possible;           /* the last value was a plain number */
    bool mask_possible;           /* the last value was an IPv4 address */
    bool regex_possible;          /* the value to come, or the last one, is a regular expression */
    bool country_possible; /* the value to come is a country: some are named like comparisons */
    bool label_before;     /* the label stands before its parentheses */

    const char *geo_database; /* file of the database of countries; NULL = the usual one */
    lnf_geo_t *geo;           /* open since the first term that asks for a country */

    int status; /* LNF_OK until something failed */
    struct lnf_error *error;
};

/** Remembers the first failure: LNF_ERR_FILTER with text and place. Always returns false. */
bool lnf_filter_fail(struct lnf_filter_parse *parse, const struct lnf_filter_place *place,
                     const char *format, ...) LNF_PRINTF(3, 4);

/** Remembers that memory ran out. Always returns false. */
bool lnf_filter_no_memory(struct lnf_filter_parse *parse);

/** A word as it is shown in messages: cut, unprintable characters escaped. Room for 64 octets. */
const char *lnf_filter_show(const char *text, size_t length, char shown[64]);

/** Parses `text` into parse->root; parse->status tells how it went. */
void lnf_filter_parse_text(struct lnf_filter_parse *parse, const char *text, size_t length);

/** Next word or symbol as written (scanner). NULL at the end or after a failure. */
struct lnf_filter_word *lnf_filter_scan(struct lnf_filter_parse *parse);

/** Converts the values of a term into the node's items. */
bool lnf_filter_convert(struct lnf_filter_parse *parse, struct lnf_filter_node *node,
                        enum lnf_filter_op op, const struct lnf_filter_word *op_word,
                        const struct lnf_filter_list *values);

/** Compares ports with the record's block of ports; `word` is what stands for it. */
bool lnf_filter_convert_port_block(struct lnf_filter_parse *parse, struct lnf_filter_node *node,
                                   const struct lnf_filter_word *word);

/* Nodes of the tree; NULL without memory or when the term is wrong (parse->status tells). */
struct lnf_filter_node *lnf_filter_node_create(struct lnf_filter_parse *parse,
                                               enum lnf_filter_node_kind kind);
struct lnf_filter_node *lnf_filter_node_join(struct lnf_filter_parse *parse,
                                             enum lnf_filter_node_kind kind,
                                             struct lnf_filter_node *left,
                                             struct lnf_filter_node *right);
struct lnf_filter_node *lnf_filter_node_not(struct lnf_filter_parse *parse,
                                            struct lnf_filter_node *node);
/** `word` is the label's. */
struct lnf_filter_node *lnf_filter_node_label(struct lnf_filter_parse *parse,
                                              struct lnf_filter_node *node,
                                              const struct lnf_filter_word *word);
struct lnf_filter_node *lnf_filter_node_term(struct lnf_filter_parse *parse,
                                             enum lnf_filter_node_kind kind,
                                             enum lnf_filter_direction direction,
                                             const struct lnf_filter_word *name);

#endif
