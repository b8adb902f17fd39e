/* SPDX-License-Identifier: BSD-3-Clause */
/** Words of the command line into a question, and questions to and from octets. */
#include "query.h"

#include <errno.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKED_VERSION 2u
#define FIELD_TEXT_MAX 64u
#define STATISTIC_LIMIT 10u
#define STATISTIC_ORDER "flows"
#define LIST_FIELDS "first,packets,bytes,srcip,dstip,srcport,dstport,proto,flags"
#define AGGREGATE_FIELDS "duration,flows,packets,bytes,flags,bps,pps,bpp"

/* Fields brec1 is made of, in the order they are shown. */
static const int brec_parts[QUERY_BREC_PARTS] = {
    LNF_FLD_FIRST,   LNF_FLD_LAST,    LNF_FLD_PROT,    LNF_FLD_SRCADDR, LNF_FLD_SRCPORT,
    LNF_FLD_DSTADDR, LNF_FLD_DSTPORT, LNF_FLD_DOCTETS, LNF_FLD_DPKTS,   LNF_FLD_AGGR_FLOWS,
};

void query_field_name(int field, char *name, size_t size)
{
    if (lnf_fld_info(field, LNF_FLD_INFO_NAME, name, size) != LNF_OK) {
        (void)snprintf(name, size, "?");
    }
}

/* ---- fields --------------------------------------------------------------------------------- */

/** A piece of a text, not terminated. */
struct piece {
    const char *text;
    size_t length;
};

/** Cuts off the piece before the next `separator`; false at the end. */
static bool next_piece(const char **rest, char separator, struct piece *piece)
{
    if (*rest == NULL) {
        return false;
    }
    const char *end = strchr(*rest, separator);
    piece->text = *rest;
    piece->length = end == NULL ? strlen(*rest) : (size_t)(end - *rest);
    *rest = end == NULL ? NULL : end + 1;
    return true;
}

/** Up to two numbers after slashes: `/24/64`. */
static bool bits_well_formed(const char *text)
{
    unsigned parts = 0;

    while (*text == '/') {
        size_t digits = strspn(text + 1, "0123456789");
        if (digits == 0 || digits > 9) {
            return false;
        }
        parts++;
        text += 1 + digits;
    }
    return *text == '\0' && parts <= 2;
}

/** `place` and `whole` say in errors where the piece is: what it is a part of, and its text. */
static int parse_field(struct piece piece, const char *place, const char *whole,
                       struct lnf_query_column *column, struct failure *failure)
{
    char text[FIELD_TEXT_MAX];
    int bits4 = 0, bits6 = 0;

    if (piece.length == 0) {
        return failure_set(failure, REPORT_ARGUMENTS, "empty field name in %s `%.200s'", place,
                           whole);
    }
    if (piece.length >= sizeof(text)) {
        return failure_set(failure, REPORT_ARGUMENTS, "unknown libnf field `%.*s...'",
                           (int)sizeof(text), piece.text);
    }
    memcpy(text, piece.text, piece.length);
    text[piece.length] = '\0';

    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (lnf_fld_parse(text, &bits4, &bits6) == LNF_FLD_ZERO_) {
        return failure_set(failure, REPORT_ARGUMENTS, "unknown libnf field `%s'", text);
    }
    if (slash != NULL) {
        *slash = '/';
    }
    column->field = bits_well_formed(slash == NULL ? "" : slash)
                        ? lnf_fld_parse(text, &bits4, &bits6)
                        : LNF_FLD_ZERO_;
    if (column->field == LNF_FLD_ZERO_) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "invalid IPv4/IPv6 netmask length or alignment in `%s'", text);
    }
    column->bits4 = bits4;
    column->bits6 = bits6;
    return REPORT_OK;
}

static bool is_shown(const struct query *query, int field)
{
    for (unsigned i = 0; i < query->shown_count; i++) {
        if (query->shown[i].field == field) {
            return true;
        }
    }
    return false;
}

static uint8_t find_or_add_column(struct query *query, const struct lnf_query_column *column)
{
    for (unsigned i = 0; i < query->column_count; i++) {
        if (query->columns[i].field == column->field) {
            return (uint8_t)i;
        }
    }
    query->columns[query->column_count] = *column;
    return (uint8_t)query->column_count++;
}

/** Adds a column that is shown, unless it is there already. */
static struct query_shown *show_column(struct query *query, const struct lnf_query_column *column)
{
    if (is_shown(query, column->field)) {
        return NULL;
    }
    struct query_shown *shown = &query->shown[query->shown_count++];
    *shown = (struct query_shown){.field = column->field, .key = column->role == LNF_COLUMN_KEY};
    if (column->field != LNF_FLD_BREC1) {
        shown->parts[0] = find_or_add_column(query, column);
        return shown;
    }
    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        struct lnf_query_column part = {.field = brec_parts[i], .role = LNF_COLUMN_VALUE};
        shown->parts[i] = find_or_add_column(query, &part);
    }
    return shown;
}

/** Adds the columns of a list of fields; at most `limit` new ones. */
static int add_fields(struct query *query, const char *list, enum lnf_column_role role,
                      unsigned limit, struct failure *failure)
{
    const char *place = role == LNF_COLUMN_KEY ? "aggregation keys" : "output fields";
    const char *rest = list;
    struct piece piece;
    unsigned before = query->shown_count;

    while (next_piece(&rest, ',', &piece)) {
        struct lnf_query_column column = {.role = role};
        int class = parse_field(piece, place, list, &column, failure);
        if (class != REPORT_OK) {
            return class;
        }
        if (is_shown(query, column.field)) {
            continue;
        }
        if (query->shown_count - before == limit) {
            return failure_set(failure, REPORT_ARGUMENTS, "more than %u %s", limit, place);
        }
        (void)show_column(query, &column);
    }
    return REPORT_OK;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int parse_direction(struct piece piece, struct query *query, struct failure *failure)
{
    if (piece.length == 3 && memcmp(piece.text, "asc", 3) == 0) {
        query->sort_descending = false;
    } else if (piece.length == 4 && memcmp(piece.text, "desc", 4) == 0) {
        query->sort_descending = true;
    } else {
        return failure_set(failure, REPORT_ARGUMENTS, "invalid sort direction `%.*s'",
                           (int)piece.length, piece.text);
    }
    return REPORT_OK;
}

/** `FIELD[#asc|#desc]`: the sort key becomes a column. */
static int add_order(struct query *query, const char *text, struct failure *failure)
{
    const char *rest = text;
    struct piece piece;
    struct lnf_query_column column = {.role = LNF_COLUMN_VALUE};
    int direction = LNF_SORT_NONE;

    (void)next_piece(&rest, '#', &piece);
    int class = parse_field(piece, "order", text, &column, failure);
    if (class != REPORT_OK) {
        return class;
    }
    if (lnf_fld_info(column.field, LNF_FLD_INFO_SORT, &direction, sizeof(direction)) != LNF_OK ||
        direction == LNF_SORT_NONE) {
        return failure_set(failure, REPORT_ARGUMENTS, "field `%.*s' cannot be a sort key",
                           (int)piece.length, piece.text);
    }
    query->sort_descending = direction == LNF_SORT_DESC;
    if (rest != NULL) {
        struct piece word = {rest, strlen(rest)};
        class = parse_direction(word, query, failure);
        if (class != REPORT_OK) {
            return class;
        }
    }
    (void)show_column(query, &column);
    for (unsigned i = 0; i < query->shown_count; i++) {
        if (query->shown[i].field == column.field) {
            query->shown[i].order = true;
            query->sort_column = query->shown[i].parts[0];
        }
    }
    return REPORT_OK;
}

/* ---- words ---------------------------------------------------------------------------------- */

/** The parts of `AGGR[#ORDER]`, or of the older `AGGR/ORDER`. */
struct statistic {
    char *keys;
    const char *order; /* NULL = not given */
};

/** Where the order starts in the older form: after a slash no number follows. NULL = nowhere. */
static char *find_old_order(char *text)
{
    char *slash = strrchr(text, '/');

    if (slash == NULL || slash[1] == '\0' || strspn(slash + 1, "0123456789") == strlen(slash + 1)) {
        return NULL;
    }
    return strchr(slash, ',') == NULL ? slash : NULL;
}

static int split_statistic(const char *text, struct statistic *statistic, struct failure *failure)
{
    statistic->keys = strdup(text);
    statistic->order = NULL;
    if (statistic->keys == NULL) {
        return failure_no_memory(failure);
    }
    char *cut = strchr(statistic->keys, '#');
    if (cut == NULL) {
        cut = find_old_order(statistic->keys);
    }
    if (cut != NULL) {
        *cut = '\0';
        statistic->order = cut + 1;
    }
    return REPORT_OK;
}

static int bad_limit(const char *text, const char *reason, struct failure *failure)
{
    return failure_set(failure, REPORT_ARGUMENTS, "record limit `%.64s': %s", text, reason);
}

static int parse_limit(const char *text, uint64_t *limit, struct failure *failure)
{
    const char *digits = text + strspn(text, " \t\n\v\f\r");
    char *end;

    if (*digits == '-') {
        return bad_limit(text, "negative value", failure);
    }
    digits += *digits == '+';
    if (*digits < '0' || *digits > '9') {
        return bad_limit(text, "not a number", failure);
    }
    errno = 0;
    unsigned long long value = strtoull(digits, &end, 10);
    if (*end != '\0') {
        return bad_limit(text, "trailing characters", failure);
    }
    if (errno == ERANGE) {
        return bad_limit(text, "value too large", failure);
    }
    *limit = value;
    return REPORT_OK;
}

/** A filter of blanks only is none. */
static int copy_filter(const char *text, char **filter, struct failure *failure)
{
    if (text == NULL || text[strspn(text, " \t\n\v\f\r")] == '\0') {
        return REPORT_OK;
    }
    if (strlen(text) > QUERY_PACKED_MAX / 2) {
        return failure_set(failure, REPORT_ARGUMENTS, "filter is longer than %u characters",
                           QUERY_PACKED_MAX / 2);
    }
    *filter = strdup(text);
    return *filter == NULL ? failure_no_memory(failure) : REPORT_OK;
}

/** Keys, then the sort key, then output fields. */
static int build_columns(const char *keys, const char *order, const char *fields,
                         struct query *query, struct failure *failure)
{
    int class = REPORT_OK;

    query->sort_column = -1;
    query->mode = keys != NULL ? QUERY_AGGREGATE : order != NULL ? QUERY_SORT : QUERY_LIST;
    if (keys != NULL && *keys == '\0') {
        return failure_set(failure, REPORT_ARGUMENTS, "no aggregation key given");
    }
    if (keys != NULL) {
        class = add_fields(query, keys, LNF_COLUMN_KEY, QUERY_KEYS, failure);
    }
    if (class == REPORT_OK && order != NULL) {
        class = add_order(query, order, failure);
    }
    if (fields == NULL) {
        fields = keys != NULL ? AGGREGATE_FIELDS : LIST_FIELDS;
    }
    if (class == REPORT_OK && *fields != '\0') {
        class = add_fields(query, fields, LNF_COLUMN_VALUE, QUERY_FIELDS, failure);
    }
    if (class == REPORT_OK && query->mode == QUERY_AGGREGATE && is_shown(query, LNF_FLD_BREC1)) {
        class = failure_set(failure, REPORT_ARGUMENTS,
                            "field `brec1' cannot be aggregated: it describes one record");
    }
    return class;
}

int query_build(const struct query_words *words, unsigned items, struct query *query,
                struct failure *failure)
{
    struct statistic statistic = {NULL, STATISTIC_ORDER};
    const char *keys = words->aggregation;
    const char *order = words->order;

    *query = (struct query){.items = items, .sort_column = -1};
    int class = copy_filter(words->filter, &query->filter, failure);
    if (class == REPORT_OK && words->statistic != NULL) {
        class = split_statistic(words->statistic, &statistic, failure);
        query->limit = STATISTIC_LIMIT;
        keys = keys != NULL ? keys : statistic.keys;
        if (order == NULL) {
            order = statistic.order != NULL ? statistic.order : STATISTIC_ORDER;
        }
    }
    if (class == REPORT_OK && words->limit != NULL) {
        class = parse_limit(words->limit, &query->limit, failure);
    }
    if (class == REPORT_OK) {
        class = build_columns(keys, order, words->fields, query, failure);
    }
    if ((items & (QUERY_RECORDS | QUERY_PROCESSED)) == 0) {
        query->mode = QUERY_METADATA;
    }
    free(statistic.keys);
    return class;
}

void query_clear(struct query *query)
{
    free(query->filter);
    query->filter = NULL;
}

/* ---- libnf ---------------------------------------------------------------------------------- */

static enum lnf_query_mode libnf_mode(const struct query *query)
{
    if ((query->items & QUERY_RECORDS) == 0) {
        return LNF_QUERY_COUNT;
    }
    switch (query->mode) {
    case QUERY_LIST:
        return LNF_QUERY_LIST;
    case QUERY_SORT:
        return LNF_QUERY_SORT;
    case QUERY_AGGREGATE:
        return LNF_QUERY_AGGREGATE;
    default:
        return LNF_QUERY_COUNT;
    }
}

static int explain(int status, const struct query *query, const struct lnf_error *error,
                   struct failure *failure)
{
    switch (status) {
    case LNF_ERR_NOMEM:
        return failure_no_memory(failure);
    case LNF_ERR_FILTER:
        return failure_set(failure, REPORT_ARGUMENTS,
                           "cannot initialize filter `%.400s': line %u, column %u: %s",
                           query->filter, error->line, error->column, error->text);
    default:
        return failure_set(failure, REPORT_ARGUMENTS, "%s", error->text);
    }
}

int query_compile(const struct query *query, lnf_query_t **compiled, struct failure *failure)
{
    struct lnf_query_spec spec = {
        .mode = libnf_mode(query),
        .filter = query->filter,
        .columns = query->columns,
        .column_count = query->column_count,
        .sort_column = query->sort_column,
        .sort_descending = query->sort_descending,
        .limit = query->limit,
        .geo_database = query->geo_database,
    };
    struct lnf_error error = {.text = ""};
    enum lnf_query_mode wanted = spec.mode;

    /* Columns are checked although a mere count needs none: the command line is wrong anyway. */
    if (wanted == LNF_QUERY_COUNT) {
        spec.mode = spec.sort_column >= 0 ? LNF_QUERY_SORT : LNF_QUERY_LIST;
        for (unsigned i = 0; i < spec.column_count; i++) {
            if (spec.columns[i].role == LNF_COLUMN_KEY) {
                spec.mode = LNF_QUERY_AGGREGATE;
            }
        }
        int status = lnf_query_create(&spec, compiled, &error);
        if (status != LNF_OK) {
            return explain(status, query, &error, failure);
        }
        lnf_query_destroy(*compiled);
        *compiled = NULL; /* the caller destroys what is there even if the next one fails */
        spec.mode = LNF_QUERY_COUNT;
        spec.column_count = 0;
        spec.sort_column = -1;
    }
    int status = lnf_query_create(&spec, compiled, &error);
    return status == LNF_OK ? REPORT_OK : explain(status, query, &error, failure);
}

/* ---- packed form ---------------------------------------------------------------------------- */

#define PACKED_COLUMN_SIZE 11u
#define PACKED_SHOWN_SIZE (3u + QUERY_BREC_PARTS)
#define PACKED_FIXED_SIZE 26u

size_t query_packed_size(const struct query *query)
{
    size_t filter = query->filter == NULL ? 0 : strlen(query->filter);

    return PACKED_FIXED_SIZE + filter + query->column_count * PACKED_COLUMN_SIZE +
           query->shown_count * PACKED_SHOWN_SIZE;
}

static void pack_columns(const struct query *query, struct lnf_writer_bytes *w)
{
    lnf_write_u8(w, (uint8_t)query->column_count);
    for (unsigned i = 0; i < query->column_count; i++) {
        const struct lnf_query_column *column = &query->columns[i];
        lnf_write_u16_be(w, (uint16_t)column->field);
        lnf_write_u8(w, (uint8_t)column->role);
        lnf_write_u32_be(w, (uint32_t)column->bits4);
        lnf_write_u32_be(w, (uint32_t)column->bits6);
    }
    lnf_write_u8(w, (uint8_t)query->shown_count);
    for (unsigned i = 0; i < query->shown_count; i++) {
        const struct query_shown *shown = &query->shown[i];
        lnf_write_u16_be(w, (uint16_t)shown->field);
        lnf_write_u8(w, (uint8_t)((shown->key ? 1 : 0) | (shown->order ? 2 : 0)));
        lnf_write_bytes(w, shown->parts, sizeof(shown->parts));
    }
}

void query_pack(const struct query *query, uint8_t *octets)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, query_packed_size(query));
    size_t filter = query->filter == NULL ? 0 : strlen(query->filter);

    lnf_write_u16_be(&w, PACKED_VERSION);
    lnf_write_u8(&w, (uint8_t)query->mode);
    lnf_write_u8(&w, (uint8_t)query->items);
    lnf_write_u8(&w, (uint8_t)query->exchange);
    lnf_write_u8(&w, query->no_tput);
    lnf_write_u8(&w, query->no_index);
    lnf_write_u8(&w, query->sort_descending);
    lnf_write_u32_be(&w, (uint32_t)query->sort_column);
    lnf_write_u64_be(&w, query->limit);
    pack_columns(query, &w);
    lnf_write_u32_be(&w, (uint32_t)filter);
    lnf_write_bytes(&w, query->filter, filter);
}

static bool unpack_columns(struct lnf_reader *r, struct query *query)
{
    query->column_count = lnf_read_u8(r);
    if (query->column_count > QUERY_COLUMNS) {
        return false;
    }
    for (unsigned i = 0; i < query->column_count; i++) {
        struct lnf_query_column *column = &query->columns[i];
        column->field = lnf_read_u16_be(r);
        uint8_t role = lnf_read_u8(r);
        if (role != LNF_COLUMN_VALUE && role != LNF_COLUMN_KEY) {
            return false;
        }
        column->role = (enum lnf_column_role)role;
        column->bits4 = (int32_t)lnf_read_u32_be(r);
        column->bits6 = (int32_t)lnf_read_u32_be(r);
    }
    return !r->failed;
}

static bool unpack_shown(struct lnf_reader *r, struct query *query)
{
    query->shown_count = lnf_read_u8(r);
    if (query->shown_count > QUERY_COLUMNS) {
        return false;
    }
    for (unsigned i = 0; i < query->shown_count; i++) {
        struct query_shown *shown = &query->shown[i];
        shown->field = lnf_read_u16_be(r);
        uint8_t flags = lnf_read_u8(r);
        const uint8_t *parts = lnf_read_bytes(r, sizeof(shown->parts));
        if (parts == NULL || flags > 3) {
            return false;
        }
        shown->key = (flags & 1) != 0;
        shown->order = (flags & 2) != 0;
        memcpy(shown->parts, parts, sizeof(shown->parts));
        for (unsigned p = 0; p < QUERY_BREC_PARTS; p++) {
            if (parts[p] >= query->column_count) {
                return false;
            }
        }
    }
    return !r->failed;
}

static bool unpack_fixed(struct lnf_reader *r, struct query *query)
{
    uint16_t version = lnf_read_u16_be(r);
    uint8_t mode = lnf_read_u8(r);

    query->items = lnf_read_u8(r);
    uint8_t exchange = lnf_read_u8(r);
    query->no_tput = lnf_read_u8(r) != 0;
    query->no_index = lnf_read_u8(r) != 0;
    query->sort_descending = lnf_read_u8(r) != 0;
    query->sort_column = (int32_t)lnf_read_u32_be(r);
    query->limit = lnf_read_u64_be(r);
    if (r->failed || version != PACKED_VERSION || mode > QUERY_METADATA ||
        exchange > QUERY_EXCHANGE_SHUFFLE) {
        return false;
    }
    query->exchange = (enum query_exchange)exchange;
    query->mode = (enum query_mode)mode;
    return query->items <= (QUERY_RECORDS | QUERY_PROCESSED | QUERY_FILES);
}

/** REPORT_OK, REPORT_MPI for octets that are no filter, REPORT_MEMORY. */
static int unpack_filter(struct lnf_reader *r, struct query *query)
{
    uint32_t size = lnf_read_u32_be(r);
    const uint8_t *text = lnf_read_bytes(r, size);

    if (text == NULL || lnf_reader_left(r) != 0 || memchr(text, '\0', size) != NULL) {
        return REPORT_MPI;
    }
    if (size > 0) {
        query->filter = strndup((const char *)text, size);
        return query->filter == NULL ? REPORT_MEMORY : REPORT_OK;
    }
    return REPORT_OK;
}

int query_unpack(const uint8_t *octets, size_t size, struct query *query, struct failure *failure)
{
    struct lnf_reader r = lnf_reader_init(octets, size);
    int class = REPORT_MPI;

    *query = (struct query){.sort_column = -1};
    if (unpack_fixed(&r, query) && unpack_columns(&r, query) && unpack_shown(&r, query) &&
        query->sort_column >= -1 && query->sort_column < (int)query->column_count) {
        class = unpack_filter(&r, query);
    }
    if (class == REPORT_MEMORY) {
        return failure_no_memory(failure);
    }
    if (class != REPORT_OK) {
        query_clear(query);
        return failure_set(failure, REPORT_MPI,
                           "the question of another process cannot be read: is it the same version "
                           "of fdistdump?");
    }
    return REPORT_OK;
}

static bool same_columns(const struct query *a, const struct query *b)
{
    if (a->column_count != b->column_count || a->shown_count != b->shown_count) {
        return false;
    }
    for (unsigned i = 0; i < a->column_count; i++) {
        const struct lnf_query_column *x = &a->columns[i], *y = &b->columns[i];
        if (x->field != y->field || x->role != y->role || x->bits4 != y->bits4 ||
            x->bits6 != y->bits6) {
            return false;
        }
    }
    for (unsigned i = 0; i < a->shown_count; i++) {
        const struct query_shown *x = &a->shown[i], *y = &b->shown[i];
        if (x->field != y->field || memcmp(x->parts, y->parts, sizeof(x->parts)) != 0) {
            return false;
        }
    }
    return true;
}

const char *query_difference(const struct query *a, const struct query *b)
{
    const char *filter_a = a->filter == NULL ? "" : a->filter;
    const char *filter_b = b->filter == NULL ? "" : b->filter;

    if (a->mode != b->mode) {
        return "kind of question";
    }
    if (strcmp(filter_a, filter_b) != 0) {
        return "filter";
    }
    if (!same_columns(a, b)) {
        return "fields";
    }
    if (a->sort_column != b->sort_column || a->sort_descending != b->sort_descending) {
        return "order";
    }
    if (a->limit != b->limit) {
        return "limit";
    }
    if (a->items != b->items) {
        return "output items";
    }
    if (a->exchange != b->exchange || a->no_tput != b->no_tput) {
        return "--exchange or --no-tput";
    }
    return a->no_index != b->no_index ? "--no-bfindex" : NULL;
}
