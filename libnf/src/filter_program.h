/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A filter as a program over the columns of a batch: what filter_compile.c makes and filter_eval.c
 * runs. Negations are gone: they are inside the leaves.
 */
#ifndef LNF_FILTER_PROGRAM_H
#define LNF_FILTER_PROGRAM_H

#include "filter_tree.h"

/** How a leaf tests the value of a column. */
enum lnf_filter_test {
    LNF_TEST_RANGE,         /* integer, value - min <= span */
    LNF_TEST_BITS,          /* integer, (value & mask) == want */
    LNF_TEST_BITMAP,        /* u8 and u16, a bit for every value */
    LNF_TEST_NUMBERS,       /* u32, u64 and MAC addresses in a hash table */
    LNF_TEST_NUMBER_RANGES, /* the same in sorted ranges */
    LNF_TEST_REAL,
    LNF_TEST_NET,       /* address, (value & mask) == address */
    LNF_TEST_ADDRESSES, /* addresses in a hash table */
    LNF_TEST_NETS,      /* addresses in sorted ranges */
    LNF_TEST_COUNTRIES, /* addresses, whose country is one of a bitmap's */
    LNF_TEST_PRESENT,
    /* From the record, no column: see lnf_filter_reads_record(). */
    LNF_TEST_STRING,
    LNF_TEST_MPLS,
    LNF_TEST_PORT_BLOCK, /* a port of the generic element */
    /* The leaf's field means nothing: */
    LNF_TEST_PAYLOAD,
    LNF_TEST_REGEX,
    LNF_TEST_JA3,
    LNF_TEST_LABEL,
    LNF_TEST_IDENT,
    LNF_TEST_COUNT,
};

static inline bool lnf_filter_reads_record(unsigned test)
{
    return test >= LNF_TEST_STRING;
}

/** A bit for the hash of every value: 0 = not in the set. Sixteen times as many bits as values. */
struct lnf_hash_filter {
    const uint64_t *bits;
    unsigned shift;
};

/** Open addressing; slot 0 means empty, so zero is kept apart. */
struct lnf_number_set {
    struct lnf_hash_filter filter;
    const uint64_t *slots;
    unsigned shift; /* of the hash, so that it is a slot number */
    uint64_t last;  /* number of the last slot */
    bool zero;
};

struct lnf_address_set {
    struct lnf_hash_filter filter;
    const struct lnf_addr *slots;
    unsigned shift;
    uint64_t last;
    bool zero;
};

/** Disjoint ranges in ascending order. */
struct lnf_number_ranges {
    const uint64_t *low, *high;
    size_t count;
};

struct lnf_address_ranges {
    const uint32_t *low4, *high4;
    const uint32_t *index4; /* by leading bits: ranges that begin before; one more at the end */
    unsigned shift4;
    const struct lnf_addr *low6, *high6;
    size_t count6;
};

/** One test of one column, or of two of the same type: either one. */
struct lnf_filter_leaf {
    uint8_t test; /* enum lnf_filter_test */
    uint8_t negate;
    uint8_t part; /* MPLS: LNF_MPLS_...; count: LNF_MPLS_BITS or 0 */
    const struct lnf_field *field, *field2;
    union {
        struct {
            uint64_t min, span;
        } range;
        struct {
            uint64_t mask, want;
        } bits;
        const uint64_t *bitmap; /* of countries: by lnf_geo_find() */
        struct lnf_number_set numbers;
        struct lnf_number_ranges number_ranges;
        struct {
            double low, high;
        } real;
        struct {
            struct lnf_addr address, mask;
        } net;
        struct lnf_address_set addresses;
        struct lnf_address_ranges nets;
        struct {
            const char *text;
            size_t length;
            bool contains; /* anywhere in the value, else all of it */
        } string;          /* JA3: its octets; none = any */
        const struct lnf_regex *regex;
    };
};

enum lnf_step_kind { LNF_STEP_FALSE, LNF_STEP_TRUE, LNF_STEP_LEAF, LNF_STEP_AND, LNF_STEP_OR };

/** A step of the program; children are in the order in which they are run. */
struct lnf_filter_step {
    uint8_t kind;
    float cost;  /* estimated, for each row */
    float share; /* estimated, of the rows that match */
    struct lnf_filter_leaf leaf;
    struct lnf_filter_step **children;
    size_t child_count;
    struct lnf_filter_step *next; /* while the program is made */
};

/** A part of the filter as it was written, for telling labels: one without any is one step. */
struct lnf_label_step {
    const struct lnf_filter_step *match; /* NULL = what the parts of it say: */
    struct lnf_label_step *first;
    bool any;          /* one of them has to match, else all */
    const char *label; /* of what matches; NULL = none */
    struct lnf_label_step *next;
};

struct lnf_program {
    struct lnf_arena arena;
    const struct lnf_filter_step *root;
    const struct lnf_label_step *labels; /* NULL = none */
    bool numbers;                        /* it asks for the number of records in their file */
    lnf_geo_t *geo;                      /* database of countries; NULL = none is asked for */
    unsigned levels;                     /* of OR inside OR: each needs scratch memory */
};

static inline uint64_t lnf_filter_hash(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15u;
}

static inline uint64_t lnf_filter_hash_address(struct lnf_addr address)
{
    return lnf_filter_hash(address.lo ^ lnf_filter_hash(address.hi ^ (address.hi >> 32)));
}

static inline bool lnf_addr_less(struct lnf_addr a, struct lnf_addr b)
{
    return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/* Makes the leaf that tests for a set of values; false without memory. filter_set.c */

/** Ranges of numbers of a type with the largest value `max`. `*full`: everything matches. */
bool lnf_filter_set_numbers(struct lnf_arena *arena, const struct lnf_filter_item *items,
                            uint8_t type, struct lnf_filter_leaf *leaf, bool *empty, bool *full);

/** Countries; there is one at least. */
bool lnf_filter_set_countries(struct lnf_arena *arena, const struct lnf_filter_item *items,
                              struct lnf_filter_leaf *leaf);

/** Contiguous networks. */
bool lnf_filter_set_nets(struct lnf_arena *arena, const struct lnf_filter_item *items,
                         struct lnf_filter_leaf *leaf, bool *empty);

/** All addresses of IPv4 or of IPv6. */
bool lnf_filter_set_family(struct lnf_arena *arena, bool ipv6, struct lnf_filter_leaf *leaf);

/** Whether a network is described by a prefix length. */
bool lnf_filter_is_prefix(const struct lnf_filter_item *net);

#endif
