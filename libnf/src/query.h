/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A compiled question: which columns a row stores, where they are in packed rows and in groups, and
 * the order of rows.
 *
 * A *stored* column holds a value of every row; calculated columns are computed from stored ones,
 * hidden ones if the question does not name them. A *group* is how an aggregation keeps a row: the
 * packed keys, filled up with zeros to whole 64-bit words, then the other stored columns as native
 * numbers, widest first.
 */
#ifndef LNF_QUERY_H
#define LNF_QUERY_H

#include "batch.h"
#include "filter.h"
#include "index.h"

#include <libnf/scan.h>
#include <string.h>

#define LNF_QUERY_COLUMNS 256u /* columns of a question, and stored ones */
/** Words of the longest key: every column an address. */
#define LNF_QUERY_KEY_WORDS (LNF_QUERY_COLUMNS * 2u)

/** How values of one group combine. All but the last in any order and grouping. */
enum lnf_combine {
    LNF_COMBINE_SUM,
    LNF_COMBINE_MIN,
    LNF_COMBINE_MAX,
    LNF_COMBINE_OR,
    LNF_COMBINE_ANY, /* addresses: the smallest other than 0, so that it does not depend on order */
    LNF_COMBINE_FIRST, /* of the row that made the group */
};

struct lnf_stored {
    const struct lnf_field *field;
    const struct lnf_field *pair; /* keys that are pair fields: their other side; else = field */
    bool key;
    enum lnf_combine combine;
    bool text;           /* never in a batch's column or in a group */
    uint8_t width;       /* octets in a packed row: 1, 2, 4, 8; addresses 16; MAC 6; texts any */
    uint16_t row_offset; /* in a packed row */
    uint16_t place;      /* in a group */
    bool masked;         /* addresses: cut to a prefix */
    uint32_t mask4;
    struct lnf_addr mask6;
    uint64_t bucket_ms; /* times: cut to a multiple; 0 = exact */
};

/** Stored columns that calculated ones need. */
struct lnf_needs {
    uint16_t first, last, bytes, packets;
};

struct lnf_answer_column {
    const struct lnf_field *field;
    bool calculated;
    uint16_t stored; /* index of the stored column, when not calculated */
};

struct lnf_query {
    enum lnf_query_mode mode;
    lnf_program_t *program;
    lnf_index_plan_t *plan; /* what the filter asks indexes; NULL = nothing */
    uint64_t limit;         /* UINT64_MAX = none */

    unsigned column_count;
    struct lnf_answer_column *columns;
    unsigned stored_count;
    struct lnf_stored *stored;
    struct lnf_needs needs;
    bool pairs; /* a key is a pair field: every record counts for both sides */
    bool first; /* a value is LNF_COMBINE_FIRST: what is merged into what matters */

    int sort_column; /* -1 = none */
    bool sort_descending;

    size_t row_size;
    unsigned key_words;      /* 64-bit words of a group's key */
    unsigned key_bits;       /* of all of it, when they are so few that an index may have a slot for
                              * every key; else 0 */
    size_t group_size;       /* a multiple of 8 */
    uint8_t *empty;          /* group values before the first record */
    uint64_t seed;           /* of the hash, so that nobody outside can prepare collisions */
    uint64_t partition_seed; /* of partitions: the same wherever the same question is asked */
};

/** Octets of a stored column in native form: 1, 2, 4, 8, 16; texts have none. */
static inline size_t lnf_stored_native(const struct lnf_stored *stored)
{
    return stored->width == 6 ? 8 : stored->width;
}

/**
 * Copies a value of 1, 2, 4, 6, 8 or 16 octets: each size by itself. What a compiler makes of a
 * memcpy() of so few octets it does not know the number of takes longer than all else that is done
 * with a row.
 */
static inline void lnf_value_copy(uint8_t *to, const void *from, size_t width)
{
    switch (width) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 6:
        memcpy(to, from, 6);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    default:
        memcpy(to, from, 16);
        break;
    }
}

/* ---- packed rows (row.c) --------------------------------------------------------------------- */

/**
 * Packs a column: row i of `out` (rows `stride` octets apart, the column's first octet at `out`)
 * receives the value of row selection[i], or of row start + i when selection is NULL. Keys are cut
 * to their prefix or bucket.
 */
void lnf_row_pack(const struct lnf_stored *stored, const void *column, const uint16_t *selection,
                  unsigned start, unsigned count, uint8_t *out, size_t stride);

/** The same of a text, out of the records of the batch. */
void lnf_row_pack_text(const struct lnf_stored *stored, const lnf_batch_t *batch,
                       const uint16_t *selection, unsigned count, uint8_t *out, size_t stride);

/** Reads a column out of packed rows; `in` is the column's first octet in the first row. */
void lnf_row_unpack(const struct lnf_stored *stored, const uint8_t *in, size_t stride,
                    unsigned count, void *column);

/** Key of a packed row, as groups have it: query->key_words words. */
void lnf_row_key(const lnf_query_t *query, const uint8_t *row, uint64_t *key);

/**
 * Place of a row in the query's order by its sort column: a smaller rank comes first; equal ranks
 * are decided by lnf_row_tie().
 */
uint64_t lnf_row_rank(const lnf_query_t *query, const uint8_t *row);

/** Compares packed rows of equal rank. */
int lnf_row_tie(const lnf_query_t *query, const uint8_t *a, const uint8_t *b);

/** The same of groups. */
uint64_t lnf_group_rank(const lnf_query_t *query, const uint8_t *group);
int lnf_group_tie(const lnf_query_t *query, const uint8_t *a, const uint8_t *b);

/**
 * Rank of rows and groups with a number in the sort column; false unless the order is that of a
 * stored number, the largest first.
 */
bool lnf_query_number_rank(const lnf_query_t *query, uint64_t number, uint64_t *rank);

/** Compares groups of equal rank by the sort column alone. */
int lnf_group_tie_sort(const lnf_query_t *query, const uint8_t *a, const uint8_t *b);

/** Rank of groups by their first key, when lnf_group_tie() decides by the keys alone. */
bool lnf_group_has_second(const lnf_query_t *query);
uint64_t lnf_group_second(const lnf_query_t *query, const uint8_t *group);

/** Ranks of rows of a batch, for queries with a sort column. */
void lnf_batch_ranks(const lnf_query_t *query, lnf_batch_t *batch, const uint16_t *selection,
                     unsigned count, uint64_t *ranks);

/** Packs a group. */
void lnf_group_pack(const lnf_query_t *query, const uint8_t *group, uint8_t *row);

#endif
