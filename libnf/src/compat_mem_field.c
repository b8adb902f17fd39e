/* SPDX-License-Identifier: BSD-3-Clause */
/** Declared fields of a memory: the query behind them, and records, raw records and groups. */
#include "compat_mem.h"
#include "error.h"

#include <libnf/bytes.h>
#include <netinet/in.h>

/* ---- declarations ---------------------------------------------------------------------------- */

static bool is_ratio(int id)
{
    return id == LNF_FLD_CALC_BPS || id == LNF_FLD_CALC_PPS || id == LNF_FLD_CALC_BPP;
}

static bool has_place(const struct lnf_field *field)
{
    switch (field->type) {
    case LNF_UINT8:
    case LNF_UINT16:
    case LNF_UINT32:
    case LNF_UINT64:
    case LNF_DOUBLE:
    case LNF_ADDR:
    case LNF_MAC:
        return true;
    default:
        return false;
    }
}

static int refuse(int status, const char *text)
{
    lnf_error_remember(text);
    return status;
}

/** Flags and numbers that mean something. */
static int check_flags(const struct lnf_field *field, int flags, int bits, int bits6, bool key)
{
    int aggr = flags & LNF_AGGR_FLAGS, sort = flags & LNF_SORT_FLAGS;

    if ((flags & ~(LNF_AGGR_FLAGS | LNF_SORT_FLAGS)) != 0 ||
        (aggr > LNF_AGGR_OR && aggr != LNF_AGGR_KEY) || sort > LNF_SORT_DESC) {
        return refuse(LNF_ERR_OTHER, "unknown flags of a field");
    }
    if (key && is_ratio(field->id)) {
        return refuse(LNF_ERR_UNKFLD, "a ratio cannot be a key");
    }
    bool address = field->type == LNF_ADDR;
    if (key && (bits < 0 || (address && (bits > 32 || bits6 < 0 || bits6 > 128)))) {
        return refuse(LNF_ERR_OTHER, "a prefix length or alignment is out of range");
    }
    return LNF_OK;
}

struct lnf_mem_field *lnf_mem_plan_find(struct lnf_mem_plan *plan, int field)
{
    for (unsigned i = 0; i < plan->field_count; i++) {
        if (plan->fields[i].field->id == field) {
            return &plan->fields[i];
        }
    }
    return NULL;
}

static void set_sort(struct lnf_mem_plan *plan, const struct lnf_field *field, int sort)
{
    if (sort != LNF_SORT_NONE) {
        plan->sort = field;
        plan->sort_descending = sort == LNF_SORT_DESC;
    } else if (plan->sort == field) {
        plan->sort = NULL;
    }
}

int lnf_mem_plan_add(struct lnf_mem_plan *plan, int id, int flags, int bits, int bits6)
{
    const struct lnf_field *field = lnf_field_get(id);
    if (field == NULL || field->id >= LNF_FLD_TERM_ || !has_place(field)) {
        return refuse(LNF_ERR_UNKFLD, "the field is unknown or cannot be in a memory");
    }
    int aggr = flags & LNF_AGGR_FLAGS;
    bool key =
        aggr == LNF_AGGR_KEY || (aggr == LNF_AGGR_AUTO && bits > 0 && field->type == LNF_UINT64);
    int status = check_flags(field, flags, bits, bits6, key);
    if (status != LNF_OK) {
        return status;
    }
    struct lnf_mem_field *declared = lnf_mem_plan_find(plan, field->id);
    if (declared == NULL) {
        declared = &plan->fields[plan->field_count++];
    }
    *declared = (struct lnf_mem_field){
        .field = field,
        .aggr = aggr,
        .key = key,
        .calculated = is_ratio(field->id) || (field->id == LNF_FLD_CALC_DURATION && !key),
        .bits = key ? bits : 0,
        .bits6 = key ? bits6 : 0,
    };
    set_sort(plan, field, flags & LNF_SORT_FLAGS);
    return LNF_OK;
}

/* ---- query ----------------------------------------------------------------------------------- */

static void imply(struct lnf_mem_plan *plan, int id)
{
    if (lnf_mem_plan_find(plan, id) == NULL) {
        plan->fields[plan->field_count++] =
            (struct lnf_mem_field){.field = lnf_field_get(id), .implied = true};
    }
}

/** Adds what calculated fields need and nobody declared. */
static void imply_needed(struct lnf_mem_plan *plan)
{
    unsigned declared = plan->field_count;

    for (unsigned i = 0; i < declared; i++) {
        int id = plan->fields[i].field->id;
        if (!plan->fields[i].calculated) {
            continue;
        }
        if (id != LNF_FLD_CALC_BPP) {
            imply(plan, LNF_FLD_FIRST);
            imply(plan, LNF_FLD_LAST);
        }
        if (id == LNF_FLD_CALC_BPS || id == LNF_FLD_CALC_BPP) {
            imply(plan, LNF_FLD_DOCTETS);
        }
        if (id == LNF_FLD_CALC_PPS || id == LNF_FLD_CALC_BPP) {
            imply(plan, LNF_FLD_DPKTS);
        }
    }
}

static enum lnf_column_role role_of(const struct lnf_mem_field *field)
{
    if (field->key) {
        return LNF_COLUMN_KEY;
    }
    if (field->field->type == LNF_ADDR || field->field->type == LNF_MAC) {
        return LNF_COLUMN_FIRST;
    }
    switch (field->aggr) {
    case LNF_AGGR_MIN:
        return LNF_COLUMN_MIN;
    case LNF_AGGR_MAX:
        return LNF_COLUMN_MAX;
    case LNF_AGGR_SUM:
        return LNF_COLUMN_SUM;
    case LNF_AGGR_OR:
        return LNF_COLUMN_OR;
    default:
        return LNF_COLUMN_VALUE;
    }
}

/**
 * Columns of the query: the fields that are stored, and what it is sorted by when that is not.
 * Numbers stored[i] of the columns, which are stored in this order.
 */
static unsigned list_columns(struct lnf_mem_plan *plan, struct lnf_query_column *columns, int *sort)
{
    unsigned count = 0;

    *sort = -1;
    for (unsigned i = 0; i < plan->field_count; i++) {
        struct lnf_mem_field *field = &plan->fields[i];
        if (!field->calculated) {
            *sort = field->field == plan->sort ? (int)count : *sort;
            field->stored = (uint16_t)count;
            columns[count++] = (struct lnf_query_column){field->field->id, role_of(field),
                                                         field->bits, field->bits6};
        }
    }
    if (plan->sort != NULL && *sort < 0) {
        *sort = (int)count;
        columns[count++] = (struct lnf_query_column){plan->sort->id, LNF_COLUMN_VALUE, 0, 0};
    }
    return count;
}

/** Calculated values come from the fields as declared, which is what readers see of them. */
static void use_declared(struct lnf_mem_plan *plan)
{
    const struct {
        int id;
        uint16_t *stored;
    } needs[] = {
        {LNF_FLD_FIRST, &plan->query->needs.first},
        {LNF_FLD_LAST, &plan->query->needs.last},
        {LNF_FLD_DOCTETS, &plan->query->needs.bytes},
        {LNF_FLD_DPKTS, &plan->query->needs.packets},
    };

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        const struct lnf_mem_field *field = lnf_mem_plan_find(plan, needs[i].id);
        if (field != NULL) {
            *needs[i].stored = field->stored;
        }
    }
}

/** Alignment is for every field of the type here, not only for times. */
static void set_alignment(struct lnf_mem_plan *plan)
{
    for (unsigned i = 0; i < plan->field_count; i++) {
        const struct lnf_mem_field *field = &plan->fields[i];
        if (field->key && field->field->type == LNF_UINT64) {
            plan->query->stored[field->stored].bucket_ms = (uint64_t)field->bits * 1000;
        }
    }
}

static void measure_raw(struct lnf_mem_plan *plan)
{
    plan->key_size = 0;
    plan->raw_size = 0;
    for (unsigned i = 0; i < plan->field_count; i++) {
        size_t size = lnf_type_size(plan->fields[i].field->type);
        plan->key_size += plan->fields[i].key ? size : 0;
        plan->raw_size += size;
    }
}

int lnf_mem_plan_build(struct lnf_mem_plan *plan)
{
    struct lnf_query_column columns[LNF_MEM_FIELDS + 1];
    struct lnf_error error;
    int sort;

    imply_needed(plan);
    const struct lnf_query_spec spec = {
        .mode = LNF_QUERY_AGGREGATE,
        .columns = columns,
        .column_count = list_columns(plan, columns, &sort),
        .sort_column = -1,
    };
    int status = lnf_query_create(&spec, &plan->query, &error);
    if (status != LNF_OK) {
        lnf_mem_plan_reset(plan);
        lnf_error_remember(error.text);
        return status;
    }
    /* Any field may be sorted by here, also those that questions refuse. */
    plan->query->sort_column = sort;
    plan->query->sort_descending = plan->sort_descending;
    use_declared(plan);
    set_alignment(plan);
    measure_raw(plan);
    return LNF_OK;
}

void lnf_mem_plan_reset(struct lnf_mem_plan *plan)
{
    lnf_query_destroy(plan->query);
    plan->query = NULL;
    while (plan->field_count > 0 && plan->fields[plan->field_count - 1].implied) {
        plan->field_count--;
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

/** A value as records have it, turned into one of a column. */
static void native_of_host(const struct lnf_stored *stored, const void *host,
                           union lnf_native *native)
{
    if (stored->width == 16 || stored->width == 6) {
        lnf_row_unpack(stored, host, 0, 1, native); /* packed and host form are the same */
    } else {
        lnf_value_copy(native->octets, host, stored->width);
    }
}

static void host_of_native(const struct lnf_stored *stored, const union lnf_native *native,
                           void *host)
{
    struct lnf_stored whole = *stored;

    if (stored->width == 16 || stored->width == 6) {
        whole.masked = false;
        lnf_row_pack(&whole, native, NULL, 0, 1, host, 0);
    } else {
        memcpy(host, native->octets, stored->width);
    }
}

static void native_of_group(const struct lnf_stored *stored, const uint8_t *group,
                            union lnf_native *native)
{
    if (stored->key) {
        lnf_row_unpack(stored, group + stored->place, 0, 1, native);
    } else {
        memcpy(native->octets, group + stored->place, lnf_stored_native(stored));
    }
}

static void native_of_record(const struct lnf_stored *stored, const struct lnf_field *field,
                             lnf_rec_t *record, union lnf_native *native)
{
    uint64_t host[sizeof(lnf_mpls_t) / 8 + 1];

    (void)lnf_rec_get(record, field, host); /* absent: the default, which is what counts */
    native_of_host(stored, host, native);
}

/** Cuts a key to its prefix or alignment and packs it. */
static void pack_key(const struct lnf_stored *stored, const union lnf_native *native, uint64_t *key)
{
    lnf_row_pack(stored, native, NULL, 0, 1, (uint8_t *)key + stored->place, 0);
}

/** The octets that fill the last word are part of the key, too. */
static void clear_key(const struct lnf_mem_plan *plan, uint64_t *key)
{
    if (plan->query->key_words > 0) {
        key[plan->query->key_words - 1] = 0;
    }
}

/* ---- records --------------------------------------------------------------------------------- */

void lnf_mem_key_of_record(const struct lnf_mem_plan *plan, lnf_rec_t *record, bool destination,
                           uint64_t *key)
{
    const lnf_query_t *query = plan->query;
    union lnf_native native;

    clear_key(plan, key);
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        if (stored->key) {
            native_of_record(stored, destination ? stored->pair : stored->field, record, &native);
            pack_key(stored, &native, key);
        }
    }
}

void lnf_mem_values_of_record(const struct lnf_mem_plan *plan, lnf_rec_t *record,
                              union lnf_native *values)
{
    const lnf_query_t *query = plan->query;

    for (unsigned c = 0; c < query->stored_count; c++) {
        if (!query->stored[c].key) {
            native_of_record(&query->stored[c], query->stored[c].field, record, &values[c]);
        }
    }
}

void lnf_mem_group_of_row(const struct lnf_mem_plan *plan, const struct lnf_mem_row *row,
                          uint8_t *group)
{
    const lnf_query_t *query = plan->query;

    memset(group, 0, query->group_size);
    memcpy(group, row->key, (size_t)query->key_words * 8);
    for (unsigned c = 0; c < query->stored_count; c++) {
        const struct lnf_stored *stored = &query->stored[c];
        if (!stored->key) {
            memcpy(group + stored->place, row->values[c].octets, lnf_stored_native(stored));
        }
    }
}

/** Number of a field of a group that is declared or implied; 0 when it is neither. */
static uint64_t group_number(const struct lnf_mem_plan *plan, const uint8_t *group, int id)
{
    union lnf_native native = {.u64 = 0};

    for (unsigned i = 0; i < plan->field_count; i++) {
        if (plan->fields[i].field->id == id) {
            native_of_group(&plan->query->stored[plan->fields[i].stored], group, &native);
        }
    }
    return native.u64;
}

static uint64_t group_duration(const struct lnf_mem_plan *plan, const uint8_t *group)
{
    return lnf_calculate_duration(group_number(plan, group, LNF_FLD_FIRST),
                                  group_number(plan, group, LNF_FLD_LAST));
}

/**
 * Sets a field of a record. ICMP types and codes are facts about the port of ICMP flows only:
 * without a protocol among the fields the record gets one, so that they can be read.
 */
static int set_field(struct lnf_mem_plan *plan, const struct lnf_mem_field *field,
                     const uint8_t *group, lnf_rec_t *record)
{
    const struct lnf_stored *stored = &plan->query->stored[field->stored];
    union lnf_native native;
    uint8_t host[16], icmp = IPPROTO_ICMP;
    int id = stored->field->id;

    native_of_group(stored, group, &native);
    host_of_native(stored, &native, host);
    if ((id == LNF_FLD_ICMP_TYPE || id == LNF_FLD_ICMP_CODE) && native.u8 != 0 &&
        lnf_mem_plan_find(plan, LNF_FLD_PROT) == NULL) {
        int status = lnf_rec_fset(record, LNF_FLD_PROT, &icmp);
        if (status != LNF_OK) {
            return status;
        }
    }
    return lnf_rec_restore(record, id, host);
}

/** A duration as key is what the record lasts, unless the fields say something else about it. */
static int set_duration_key(struct lnf_mem_plan *plan, const uint8_t *group, lnf_rec_t *record)
{
    const struct lnf_mem_field *duration = lnf_mem_plan_find(plan, LNF_FLD_CALC_DURATION);

    if (duration == NULL || !duration->key || lnf_mem_plan_find(plan, LNF_FLD_LAST) != NULL) {
        return LNF_OK;
    }
    uint64_t last =
        group_number(plan, group, LNF_FLD_FIRST) + group_number(plan, group, LNF_FLD_CALC_DURATION);
    return lnf_rec_fset(record, LNF_FLD_LAST, &last);
}

/** Sets the fields that are keys, or those that are not. */
static int set_fields(struct lnf_mem_plan *plan, const uint8_t *group, bool keys, lnf_rec_t *record)
{
    int status = LNF_OK;

    for (unsigned i = 0; i < plan->field_count && status != LNF_ERR_NOMEM; i++) {
        const struct lnf_mem_field *field = &plan->fields[i];
        if (!field->calculated && field->key == keys) {
            /* Fields no record can have are refused; they read as 0, which they are. */
            status = set_field(plan, field, group, record);
        }
    }
    return status == LNF_ERR_NOMEM ? status : LNF_OK;
}

int lnf_mem_record_of_group(struct lnf_mem_plan *plan, const uint8_t *group, lnf_rec_t *record)
{
    lnf_rec_clear(record);
    int status = set_fields(plan, group, false, record);
    if (status == LNF_OK) {
        status = set_fields(plan, group, true, record); /* where both use a place, keys win */
    }
    if (status == LNF_OK) {
        status = set_duration_key(plan, group, record);
    }
    return status;
}

/* ---- raw records ----------------------------------------------------------------------------- */

void lnf_mem_key_of_raw(const struct lnf_mem_plan *plan, const char *raw, uint64_t *key)
{
    union lnf_native native;

    clear_key(plan, key);
    for (unsigned i = 0; i < plan->field_count; i++) {
        const struct lnf_mem_field *field = &plan->fields[i];
        if (field->key) {
            const struct lnf_stored *stored = &plan->query->stored[field->stored];
            native_of_host(stored, raw, &native);
            pack_key(stored, &native, key);
            raw += lnf_type_size(field->field->type);
        }
    }
}

void lnf_mem_values_of_raw(const struct lnf_mem_plan *plan, const char *raw,
                           union lnf_native *values)
{
    raw += plan->key_size;
    memset(values, 0, plan->query->stored_count * sizeof(*values)); /* hidden ones stay 0 */
    for (unsigned i = 0; i < plan->field_count; i++) {
        const struct lnf_mem_field *field = &plan->fields[i];
        if (field->key) {
            continue;
        }
        if (!field->calculated) {
            native_of_host(&plan->query->stored[field->stored], raw, &values[field->stored]);
        }
        raw += lnf_type_size(field->field->type);
    }
}

/** A calculated value: u64 or double, 0 without a divisor. */
static void host_of_calculated(const struct lnf_mem_plan *plan, const uint8_t *group, int id,
                               char *host)
{
    uint64_t duration = group_duration(plan, group);
    double ratio = 0;

    if (id == LNF_FLD_CALC_DURATION) {
        memcpy(host, &duration, sizeof(duration));
        return;
    }
    (void)lnf_calculate_ratio(id, duration, group_number(plan, group, LNF_FLD_DOCTETS),
                              group_number(plan, group, LNF_FLD_DPKTS), &ratio);
    memcpy(host, &ratio, sizeof(ratio));
}

void lnf_mem_raw_of_group(const struct lnf_mem_plan *plan, const uint8_t *group, char *raw)
{
    char *value = raw + plan->key_size;
    union lnf_native native;

    for (unsigned i = 0; i < plan->field_count; i++) {
        const struct lnf_mem_field *field = &plan->fields[i];
        char **at = field->key ? &raw : &value;
        if (field->calculated) {
            host_of_calculated(plan, group, field->field->id, *at);
        } else {
            const struct lnf_stored *stored = &plan->query->stored[field->stored];
            native_of_group(stored, group, &native);
            host_of_native(stored, &native, *at);
        }
        *at += lnf_type_size(field->field->type);
    }
}

/* ---- order ----------------------------------------------------------------------------------- */

uint64_t lnf_mem_rank(const struct lnf_mem_plan *plan, const uint8_t *group)
{
    uint64_t rank = lnf_group_rank(plan->query, group);

    /* A ratio without a divisor has the last rank of all; here it counts as 0, which is how
     * records give it. */
    if (plan->sort != NULL && is_ratio(plan->sort->id) && rank == UINT64_MAX) {
        return plan->sort_descending ? (uint64_t)INT64_MAX : 0;
    }
    return rank;
}
