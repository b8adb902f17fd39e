/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What a memory of libnf.h keeps of every record: declared fields, the query that stores them in
 * groups, and their forms outside: values of records and raw records.
 */
#ifndef LNF_COMPAT_MEM_H
#define LNF_COMPAT_MEM_H

#include "query.h"
#include "record.h"

#include <string.h>

#define LNF_MEM_FIELDS 256u /* more than there are numbers of public fields */

struct lnf_mem_field {
    const struct lnf_field *field;
    int aggr; /* LNF_AGGR_... */
    bool key;
    bool calculated; /* a value that is computed from others, not stored */
    bool implied;    /* only needed by calculated ones */
    int bits, bits6;
    uint16_t stored; /* stored column of the query, when not calculated */
};

/** Declarations, and once there is a query what follows from them. */
struct lnf_mem_plan {
    struct lnf_mem_field fields[LNF_MEM_FIELDS]; /* in order of declaration; implied ones last */
    unsigned field_count;
    const struct lnf_field *sort; /* NULL = none */
    bool sort_descending;

    lnf_query_t *query;        /* NULL = declarations may still change */
    size_t key_size, raw_size; /* octets of raw records */
};

/** A value as columns hold it. */
union lnf_native {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    struct lnf_addr address;
    uint8_t octets[16];
};

/** A record on its way into a group: the packed key and the values by stored column. */
struct lnf_mem_row {
    uint64_t key[LNF_MEM_FIELDS * 2];
    union lnf_native values[LNF_MEM_FIELDS];
};

/** See lnf_mem_fadd(). */
int lnf_mem_plan_add(struct lnf_mem_plan *plan, int field, int flags, int bits, int bits6);

/** Whether a field was declared, or is needed by a declared one. */
struct lnf_mem_field *lnf_mem_plan_find(struct lnf_mem_plan *plan, int field);

/** Makes the query; LNF_OK or LNF_ERR_NOMEM. */
int lnf_mem_plan_build(struct lnf_mem_plan *plan);

/** Forgets the query, so that declarations can change. */
void lnf_mem_plan_reset(struct lnf_mem_plan *plan);

/** Key of a record; `destination` picks the other side of pair fields. */
void lnf_mem_key_of_record(const struct lnf_mem_plan *plan, lnf_rec_t *record, bool destination,
                           uint64_t *key);

/** Values of a record. */
void lnf_mem_values_of_record(const struct lnf_mem_plan *plan, lnf_rec_t *record,
                              union lnf_native *values);

/** Key of a raw record, which has at least plan->key_size octets. */
void lnf_mem_key_of_raw(const struct lnf_mem_plan *plan, const char *raw, uint64_t *key);

/** Values of a raw record of plan->raw_size octets. */
void lnf_mem_values_of_raw(const struct lnf_mem_plan *plan, const char *raw,
                           union lnf_native *values);

/** Makes a group of plan->query->group_size octets of a row. */
void lnf_mem_group_of_row(const struct lnf_mem_plan *plan, const struct lnf_mem_row *row,
                          uint8_t *group);

/** Makes a raw record of a group. */
void lnf_mem_raw_of_group(const struct lnf_mem_plan *plan, const uint8_t *group, char *raw);

/** Makes a record of a group; LNF_OK or LNF_ERR_NOMEM. */
int lnf_mem_record_of_group(struct lnf_mem_plan *plan, const uint8_t *group, lnf_rec_t *record);

/** Rank of a group by the sort field, see lnf_sort_ranked(). */
uint64_t lnf_mem_rank(const struct lnf_mem_plan *plan, const uint8_t *group);

#endif
