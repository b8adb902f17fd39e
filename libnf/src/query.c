/* SPDX-License-Identifier: BSD-3-Clause */
/** Turns a question into stored columns, places in rows and groups, and a filter program. */
#include "query.h"

#include "error.h"
#include "hash.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Octets of keys that an index has a slot for each of: 512 KiB of slots. */
#define DIRECT_KEY_SIZE 2u

static bool is_calculated(const struct lnf_field *field, bool key)
{
    switch (field->id) {
    case LNF_FLD_CALC_DURATION:
        return !key; /* as a key it is stored like any number */
    case LNF_FLD_CALC_BPS:
    case LNF_FLD_CALC_PPS:
    case LNF_FLD_CALC_BPP:
        return true;
    default:
        return false;
    }
}

/** Octets of a field's type in a packed row; 0 = it has no packed form. */
static uint8_t packed_width(const struct lnf_field *field)
{
    switch (field->type) {
    case LNF_UINT8:
        return 1;
    case LNF_UINT16:
        return 2;
    case LNF_UINT32:
        return 4;
    case LNF_UINT64:
        return 8;
    case LNF_ADDR:
        return 16;
    case LNF_MAC:
        return 6;
    case LNF_STRING:
        return (uint8_t)field->width;
    default:
        return 0;
    }
}

/** The field's own function. */
static enum lnf_combine default_combine(const struct lnf_field *field)
{
    switch (field->aggr) {
    case LNF_AGGR_MIN:
        return LNF_COMBINE_MIN;
    case LNF_AGGR_MAX:
        return LNF_COMBINE_MAX;
    case LNF_AGGR_SUM:
        return LNF_COMBINE_SUM;
    case LNF_AGGR_OR:
        return LNF_COMBINE_OR;
    default:
        return LNF_COMBINE_ANY;
    }
}

static enum lnf_combine combine_of(const struct lnf_field *field, enum lnf_column_role role)
{
    switch (role) {
    case LNF_COLUMN_SUM:
        return LNF_COMBINE_SUM;
    case LNF_COLUMN_MIN:
        return LNF_COMBINE_MIN;
    case LNF_COLUMN_MAX:
        return LNF_COMBINE_MAX;
    case LNF_COLUMN_OR:
        return LNF_COMBINE_OR;
    case LNF_COLUMN_FIRST:
        return LNF_COMBINE_FIRST;
    case LNF_COLUMN_ANY:
        return LNF_COMBINE_ANY;
    default:
        return default_combine(field);
    }
}

/* ---- checks ---------------------------------------------------------------------------------- */

static int refuse(struct lnf_error *error, const struct lnf_field *field, const char *why)
{
    lnf_error_set(error, 0, "field \"%s\" %s", field->name, why);
    return LNF_ERR_UNKFLD;
}

/** Whether values of the field can be combined as a role says. */
static int check_value(const struct lnf_field *field, enum lnf_column_role role,
                       struct lnf_error *error)
{
    if (role == LNF_COLUMN_VALUE) {
        return LNF_OK;
    }
    if ((unsigned)role > LNF_COLUMN_ANY) {
        return refuse(error, field, "has an unknown role");
    }
    if (is_calculated(field, false)) {
        return refuse(error, field, "is calculated and has no aggregation function of its own");
    }
    bool number = field->type != LNF_ADDR && field->type != LNF_MAC && field->type != LNF_STRING;
    if (!number && role != LNF_COLUMN_FIRST && role != LNF_COLUMN_ANY) {
        return refuse(error, field, "is no number, so only \"first\" and \"any\" aggregate it");
    }
    return LNF_OK;
}

static int check_column(const struct lnf_query_spec *spec, const struct lnf_query_column *column,
                        struct lnf_error *error)
{
    const struct lnf_field *field = lnf_field_get(column->field);
    if (field == NULL) {
        lnf_error_set(error, 0, "field number %d is unknown", column->field);
        return LNF_ERR_UNKFLD;
    }
    if (packed_width(field) == 0 && !is_calculated(field, false)) {
        return refuse(error, field, "cannot be a column");
    }
    if (column->role != LNF_COLUMN_KEY) {
        return spec->mode == LNF_QUERY_AGGREGATE && field->type == LNF_STRING
                   ? refuse(error, field, "is a text, which cannot be aggregated")
                   : check_value(field, column->role, error);
    }
    if (spec->mode != LNF_QUERY_AGGREGATE || !field->key) {
        return refuse(error, field, "cannot be an aggregation key");
    }
    if (field->type == LNF_ADDR && (column->bits4 < 0 || column->bits4 > 32)) {
        return refuse(error, field, "has an IPv4 prefix length outside 0..32");
    }
    if (field->type == LNF_ADDR && (column->bits6 < 0 || column->bits6 > 128)) {
        return refuse(error, field, "has an IPv6 prefix length outside 0..128");
    }
    if (field->time && column->bits4 < 0) {
        return refuse(error, field, "has a negative number of seconds");
    }
    return LNF_OK;
}

static int check_sort(const struct lnf_query_spec *spec, struct lnf_error *error)
{
    if (spec->mode == LNF_QUERY_SORT && spec->sort_column < 0) {
        lnf_error_set(error, 0, "no column to sort by");
        return LNF_ERR_UNKFLD;
    }
    if (spec->sort_column < 0 || spec->mode == LNF_QUERY_LIST || spec->mode == LNF_QUERY_COUNT) {
        return LNF_OK;
    }
    if ((unsigned)spec->sort_column >= spec->column_count) {
        lnf_error_set(error, 0, "column %d to sort by does not exist", spec->sort_column);
        return LNF_ERR_UNKFLD;
    }
    const struct lnf_field *field = lnf_field_get(spec->columns[spec->sort_column].field);
    if (field->sort == LNF_SORT_NONE || field->source == LNF_SOURCE_PAIR) {
        return refuse(error, field, "cannot be sorted by");
    }
    return LNF_OK;
}

static int check_spec(const struct lnf_query_spec *spec, struct lnf_error *error)
{
    if ((unsigned)spec->mode > LNF_QUERY_AGGREGATE) {
        lnf_error_set(error, 0, "unknown kind of question");
        return LNF_ERR_UNKFLD;
    }
    if (spec->mode == LNF_QUERY_COUNT) {
        return LNF_OK;
    }
    /* Four columns may be added for calculated ones. */
    if (spec->column_count > LNF_QUERY_COLUMNS - 4) {
        lnf_error_set(error, 0, "more than %u columns", LNF_QUERY_COLUMNS - 4);
        return LNF_ERR_UNKFLD;
    }
    for (unsigned i = 0; i < spec->column_count; i++) {
        int status = check_column(spec, &spec->columns[i], error);
        if (status != LNF_OK) {
            return status;
        }
    }
    return check_sort(spec, error);
}

/* ---- columns --------------------------------------------------------------------------------- */

static uint16_t add_stored(lnf_query_t *query, const struct lnf_field *field,
                           enum lnf_column_role role)
{
    bool key = role == LNF_COLUMN_KEY;
    struct lnf_stored *stored = &query->stored[query->stored_count];

    stored->field = field;
    stored->pair = field;
    if (field->source == LNF_SOURCE_PAIR) {
        stored->field = lnf_field_get(field->pair_src);
        stored->pair = lnf_field_get(field->pair_dst);
        query->pairs = query->pairs || key;
    }
    stored->key = key;
    stored->combine = combine_of(field, role);
    query->first = query->first || (!key && stored->combine == LNF_COMBINE_FIRST);
    stored->text = field->type == LNF_STRING;
    stored->width = packed_width(field);
    return (uint16_t)query->stored_count++;
}

/** A stored value column of a field, combined by the field's own function; a hidden one is added
 * when there is none. */
static uint16_t need_stored(lnf_query_t *query, int id)
{
    const struct lnf_field *field = lnf_field_get(id);

    for (unsigned i = 0; i < query->stored_count; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        if (stored->field == field && !stored->key && stored->combine == default_combine(field)) {
            return (uint16_t)i;
        }
    }
    return add_stored(query, field, LNF_COLUMN_VALUE);
}

static void add_needs(lnf_query_t *query, int id)
{
    if (id != LNF_FLD_CALC_BPP) {
        query->needs.first = need_stored(query, LNF_FLD_FIRST);
        query->needs.last = need_stored(query, LNF_FLD_LAST);
    }
    if (id == LNF_FLD_CALC_BPS || id == LNF_FLD_CALC_BPP) {
        query->needs.bytes = need_stored(query, LNF_FLD_DOCTETS);
    }
    if (id == LNF_FLD_CALC_PPS || id == LNF_FLD_CALC_BPP) {
        query->needs.packets = need_stored(query, LNF_FLD_DPKTS);
    }
}

static uint64_t high_bits(unsigned count)
{
    return count == 0 ? 0 : count >= 64 ? UINT64_MAX : ~(UINT64_MAX >> count);
}

static void set_key_limits(struct lnf_stored *stored, const struct lnf_query_column *column)
{
    if (stored->width == 16) {
        unsigned bits6 = (unsigned)column->bits6;
        stored->masked = column->bits4 < 32 || column->bits6 < 128;
        stored->mask4 = (uint32_t)(high_bits((unsigned)column->bits4) >> 32);
        stored->mask6.hi = high_bits(bits6);
        stored->mask6.lo = bits6 > 64 ? high_bits(bits6 - 64) : 0;
    } else if (stored->field->time) {
        stored->bucket_ms = (uint64_t)column->bits4 * 1000;
    }
}

static void add_columns(lnf_query_t *query, const struct lnf_query_spec *spec)
{
    for (unsigned i = 0; i < query->column_count; i++) {
        const struct lnf_query_column *wanted = &spec->columns[i];
        bool key = wanted->role == LNF_COLUMN_KEY;
        struct lnf_answer_column *column = &query->columns[i];
        column->field = lnf_field_get(wanted->field);
        column->calculated = is_calculated(column->field, key);
        if (!column->calculated) {
            column->stored = add_stored(query, column->field, wanted->role);
            if (key) {
                set_key_limits(&query->stored[column->stored], wanted);
            }
        }
    }
    for (unsigned i = 0; i < query->column_count; i++) {
        if (query->columns[i].calculated) {
            add_needs(query, query->columns[i].field->id);
        }
    }
}

/* ---- places ---------------------------------------------------------------------------------- */

static void place_in_row(lnf_query_t *query)
{
    for (unsigned i = 0; i < query->stored_count; i++) {
        query->stored[i].row_offset = (uint16_t)query->row_size;
        query->row_size += query->stored[i].width;
    }
}

/** Keys packed one after the other, then values by descending width so that each is aligned. Texts
 * have no place: questions with groups have none. */
static void place_in_group(lnf_query_t *query)
{
    size_t size = 0;

    for (unsigned i = 0; i < query->stored_count; i++) {
        if (query->stored[i].key) {
            query->stored[i].place = (uint16_t)size;
            size += query->stored[i].width;
        }
    }
    query->key_words = (unsigned)((size + 7) / 8);
    query->key_bits = size <= DIRECT_KEY_SIZE ? (unsigned)size * 8 : 0;
    size = (size_t)query->key_words * 8;
    for (size_t width = 16; width > 0; width /= 2) {
        for (unsigned i = 0; i < query->stored_count; i++) {
            struct lnf_stored *stored = &query->stored[i];
            if (!stored->key && lnf_stored_native(stored) == width) {
                stored->place = (uint16_t)size;
                size += width;
            }
        }
    }
    query->group_size = (size + 7) / 8 * 8;
    if (query->group_size == 0) {
        query->group_size = 8;
    }
}

/** Prototype of a group: minima start with all ones, everything else with 0. */
static int make_empty(lnf_query_t *query)
{
    query->empty = calloc(1, query->group_size);
    if (query->empty == NULL) {
        return LNF_ERR_NOMEM;
    }
    for (unsigned i = 0; i < query->stored_count; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        if (!stored->key && stored->combine == LNF_COMBINE_MIN) {
            memset(query->empty + stored->place, 0xff, lnf_stored_native(stored));
        }
    }
    return LNF_OK;
}

static uint64_t random_seed(const void *unique)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)unique;
    }
    return seed;
}

/** From what makes a key: equal questions have equal partitions, on every machine. */
static uint64_t partition_seed(const lnf_query_t *query)
{
    uint64_t seed = 0x2545f4914f6cdd1du;

    for (unsigned i = 0; i < query->stored_count; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        if (stored->key) {
            const uint64_t facts[] = {
                ((uint64_t)(uint32_t)stored->field->id << 32) | (uint32_t)stored->pair->id,
                ((uint64_t)stored->mask4 << 32) | stored->width,
                stored->mask6.hi,
                stored->mask6.lo,
                stored->bucket_ms,
            };
            for (size_t j = 0; j < sizeof(facts) / sizeof(facts[0]); j++) {
                seed = lnf_fold_multiply(seed ^ facts[j], 0x9e3779b97f4a7c15u) + j + 1;
            }
        }
    }
    return seed;
}

/* ---- door ------------------------------------------------------------------------------------ */

static int build(lnf_query_t *query, const struct lnf_query_spec *spec, struct lnf_error *error)
{
    int status = lnf_program_compile_geo(spec->filter, spec->geo_database, &query->program, error);
    if (status != LNF_OK) {
        return status;
    }
    /* Who leaves out blocks cannot number the records behind them. */
    if (!lnf_program_asks_numbers(query->program) &&
        !lnf_index_plan_create(query->program, &query->plan)) {
        return LNF_ERR_NOMEM;
    }
    query->mode = spec->mode;
    query->limit = spec->limit == 0 ? UINT64_MAX : spec->limit;
    query->sort_column = -1;
    query->seed = random_seed(query);
    if (spec->mode != LNF_QUERY_COUNT) {
        query->column_count = spec->column_count;
    }
    if (spec->mode == LNF_QUERY_SORT || spec->mode == LNF_QUERY_AGGREGATE) {
        query->sort_column = spec->sort_column < 0 ? -1 : spec->sort_column;
        query->sort_descending = spec->sort_descending;
    }
    query->columns = calloc(query->column_count + 1u, sizeof(*query->columns));
    query->stored = calloc(query->column_count + 4u, sizeof(*query->stored));
    if (query->columns == NULL || query->stored == NULL) {
        return LNF_ERR_NOMEM;
    }
    add_columns(query, spec);
    place_in_row(query);
    place_in_group(query);
    query->partition_seed = partition_seed(query);
    return make_empty(query);
}

int lnf_query_create(const struct lnf_query_spec *spec, lnf_query_t **query,
                     struct lnf_error *error)
{
    int status = check_spec(spec, error);
    if (status != LNF_OK) {
        return status;
    }
    lnf_query_t *q = calloc(1, sizeof(*q));
    status = q == NULL ? LNF_ERR_NOMEM : build(q, spec, error);
    if (status != LNF_OK) {
        if (status == LNF_ERR_NOMEM) {
            lnf_error_set(error, 0, "no memory");
        }
        lnf_query_destroy(q);
        return status;
    }
    *query = q;
    return LNF_OK;
}

int lnf_query_create_answer(const lnf_query_t *query, lnf_query_t **answer)
{
    lnf_query_t *q = calloc(1, sizeof(*q));
    if (q == NULL) {
        return LNF_ERR_NOMEM;
    }
    q->mode = LNF_QUERY_LIST;
    q->limit = query->limit;
    q->sort_column = -1;
    q->row_size = query->row_size;
    place_in_group(q);
    *answer = q;
    return LNF_OK;
}

void lnf_query_destroy(lnf_query_t *query)
{
    if (query == NULL) {
        return;
    }
    lnf_index_plan_destroy(query->plan);
    lnf_program_destroy(query->program);
    free(query->columns);
    free(query->stored);
    free(query->empty);
    free(query);
}

size_t lnf_query_row_size(const lnf_query_t *query)
{
    return query->row_size;
}

size_t lnf_query_key_size(const lnf_query_t *query)
{
    size_t size = 0;

    for (unsigned i = 0; i < query->stored_count; i++) {
        size += query->stored[i].key ? query->stored[i].width : 0;
    }
    return size;
}

void lnf_query_row_key(const lnf_query_t *query, const uint8_t *row, uint8_t *key)
{
    for (unsigned i = 0; i < query->stored_count; i++) {
        const struct lnf_stored *stored = &query->stored[i];
        if (stored->key) {
            memcpy(key, row + stored->row_offset, stored->width);
            key += stored->width;
        }
    }
}
