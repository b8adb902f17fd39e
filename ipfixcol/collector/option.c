/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns a plugin's XML element into its options struct; every type has one row in option_types. */

#include "option.h"

#include "log.h"

#include <libxml/tree.h>

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OPTION_MAX_DEPTH 8
#define OPTION_MAX_ROWS 256

/* What is being read, for messages. */
struct option_context {
    const struct col_plugin *plugin;
    const struct option_source *source;
    struct config_error *err;
};

/* ---- one type each: text into the member ----------------------------------------------------- */

typedef bool option_set_fn(const struct col_option *row, const char *text, void *member,
                           const char **reason);

static bool text_to_uint(const char *text, uint64_t limit, uint64_t *value)
{
    char *end;

    if (!isdigit((unsigned char)*text)) {
        return false;
    }
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number > limit) {
        return false;
    }
    *value = number;
    return true;
}

static bool in_range(const struct col_option *row, uint64_t value)
{
    return (row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max);
}

static bool set_uint(const struct col_option *row, const char *text, uint64_t limit,
                     uint64_t *value, const char **reason)
{
    if (!text_to_uint(text, limit, value)) {
        *reason = "is not a number in range";
        return false;
    }
    if (!in_range(row, *value)) {
        *reason = "is out of range";
        return false;
    }
    return true;
}

static bool set_uint16(const struct col_option *row, const char *text, void *member,
                       const char **reason)
{
    uint64_t value;
    if (!set_uint(row, text, UINT16_MAX, &value, reason)) {
        return false;
    }
    *(uint16_t *)member = (uint16_t)value;
    return true;
}

static bool set_uint32(const struct col_option *row, const char *text, void *member,
                       const char **reason)
{
    uint64_t value;
    if (!set_uint(row, text, UINT32_MAX, &value, reason)) {
        return false;
    }
    *(uint32_t *)member = (uint32_t)value;
    return true;
}

static bool set_uint64(const struct col_option *row, const char *text, void *member,
                       const char **reason)
{
    return set_uint(row, text, UINT64_MAX, (uint64_t *)member, reason);
}

static bool set_double(const struct col_option *row, const char *text, void *member,
                       const char **reason)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || value != value || value - value != 0) {
        *reason = "is not a number";
        return false;
    }
    if ((row->min != 0 || row->max != 0) &&
        (value < (double)row->min || value > (double)row->max)) {
        *reason = "is out of range";
        return false;
    }
    *(double *)member = value;
    return true;
}

static bool set_bool(const struct col_option *row, const char *text, void *member,
                     const char **reason)
{
    static const char *const yes[] = {"yes", "true", "1"};
    static const char *const no[] = {"no", "false", "0"};

    (void)row;
    for (size_t i = 0; i < 3; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *(bool *)member = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    *reason = "is none of yes, no, true, false, 1, 0";
    return false;
}

static bool set_enum(const struct col_option *row, const char *text, void *member,
                     const char **reason)
{
    for (int i = 0; row->choices[i] != NULL; i++) {
        if (strcasecmp(text, row->choices[i]) == 0) {
            *(int *)member = i;
            return true;
        }
    }
    *reason = "is none of the names that are possible here";
    return false;
}

static bool set_string(const struct col_option *row, const char *text, void *member,
                       const char **reason)
{
    (void)row;
    char *copy = strdup(text);
    if (copy == NULL) {
        *reason = "does not fit into the memory";
        return false;
    }
    free(*(char **)member);
    *(char **)member = copy;
    return true;
}

static bool set_nothing(const struct col_option *row, const char *text, void *member,
                        const char **reason)
{
    (void)row;
    (void)text;
    (void)member;
    (void)reason;
    return true;
}

static const struct option_type {
    const char *name;
    size_t size;
    option_set_fn *set; /* NULL: has rows of its own */
} option_types[] = {
    [COL_STRING] = {"text", sizeof(char *), set_string},
    [COL_UINT16] = {"number", sizeof(uint16_t), set_uint16},
    [COL_UINT32] = {"number", sizeof(uint32_t), set_uint32},
    [COL_UINT64] = {"number", sizeof(uint64_t), set_uint64},
    [COL_DOUBLE] = {"decimal number", sizeof(double), set_double},
    [COL_BOOL] = {"yes or no", sizeof(bool), set_bool},
    [COL_ENUM] = {"name", sizeof(int), set_enum},
    [COL_GROUP] = {"group", 0, NULL},
    [COL_LIST] = {"list", sizeof(struct col_option_list), NULL},
    [COL_IGNORED] = {"ignored", 0, set_nothing},
};

#define OPTION_TYPE_COUNT (sizeof(option_types) / sizeof(option_types[0]))

static void *member_of(void *options, const struct col_option *row)
{
    return (char *)options + row->offset;
}

/* ---- freeing --------------------------------------------------------------------------------- */

static void free_members(const struct col_option *rows, void *options)
{
    for (const struct col_option *row = rows; row != NULL && row->name != NULL; row++) {
        if (row->type == COL_STRING) {
            free(*(char **)member_of(options, row));
        } else if (row->type == COL_GROUP) {
            free_members(row->rows, options);
        } else if (row->type == COL_LIST) {
            struct col_option_list *list = member_of(options, row);
            for (size_t i = 0; i < list->count; i++) {
                free_members(row->rows, (char *)list->items + i * row->item_size);
            }
            free(list->items);
        }
    }
}

void option_free(const struct col_option *rows, void *options)
{
    if (options != NULL) {
        free_members(rows, options);
        free(options);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static int option_fail(const struct option_context *context, const xmlNode *node, const char *name,
                       const char *reason)
{
    if (node != NULL) {
        (void)snprintf(context->err->text, sizeof(context->err->text), "%s:%ld: <%s>: %s",
                       context->source->file, xmlGetLineNo((xmlNode *)node), name, reason);
    } else {
        (void)snprintf(context->err->text, sizeof(context->err->text), "plugin %s: <%s>: %s",
                       context->plugin->name, name, reason);
    }
    return COL_ERR;
}

static void option_note(const struct option_context *context, enum col_log_level level,
                        const xmlNode *node, const char *text)
{
    if (!context->source->quiet) {
        log_line(context->plugin->name, level, "%s:%ld: <%s>: %s", context->source->file,
                 xmlGetLineNo((xmlNode *)node), (const char *)node->name, text);
    }
}

/* Text with blanks at both ends removed, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        text[--length] = '\0';
    }
    return text;
}

static int set_member(const struct option_context *context, const struct col_option *row,
                      const xmlNode *node, const char *text, void *options)
{
    const char *reason = "cannot be read";
    char why[256] = "cannot be read";
    char sentence[384];

    if (row->check != NULL && !row->check(text, why, sizeof(why))) {
        reason = why;
    } else if (option_types[row->type].set(row, text, member_of(options, row), &reason)) {
        return COL_OK;
    }
    if (row->max > 0 && row->type != COL_STRING) {
        (void)snprintf(sentence, sizeof(sentence), "'%.100s' %s (%llu to %llu)", text, reason,
                       (unsigned long long)row->min, (unsigned long long)row->max);
    } else {
        (void)snprintf(sentence, sizeof(sentence), "'%.100s' %s", text, reason);
    }
    return option_fail(context, node, row->name, sentence);
}

static int set_from_content(const struct option_context *context, const struct col_option *row,
                            const xmlNode *node, void *options)
{
    xmlChar *content = xmlNodeGetContent((xmlNode *)node);
    if (content == NULL) {
        return COL_ERR_NOMEM;
    }
    int status = set_member(context, row, node, trim((char *)content), options);
    xmlFree(content);
    return status;
}

static int set_presets(const struct option_context *context, const struct col_option *rows,
                       void *options)
{
    for (const struct col_option *row = rows; row != NULL && row->name != NULL; row++) {
        int status = COL_OK;
        if (row->type == COL_GROUP) {
            status = set_presets(context, row->rows, options);
        } else if (row->preset != NULL && row->type != COL_LIST) {
            status = set_member(context, row, NULL, row->preset, options);
        }
        if (status != COL_OK) {
            return status;
        }
    }
    return COL_OK;
}

static int parse_element(const struct option_context *context, const struct col_option *rows,
                         const xmlNode *node, void *options, bool top);

static int add_list_item(const struct option_context *context, const struct col_option *row,
                         const xmlNode *node, struct col_option_list *list)
{
    char *items = reallocarray(list->items, list->count + 1, row->item_size);
    if (items == NULL) {
        return COL_ERR_NOMEM;
    }
    list->items = items;
    void *item = items + list->count * row->item_size;
    memset(item, 0, row->item_size);
    list->count++; /* from here the destructor frees what the item holds */

    int status = set_presets(context, row->rows, item);
    return status != COL_OK ? status : parse_element(context, row->rows, node, item, false);
}

static int apply_row(const struct option_context *context, const struct col_option *row,
                     const xmlNode *node, void *options, bool seen)
{
    if (row->type == COL_LIST) {
        return add_list_item(context, row, node, member_of(options, row));
    }
    if (row->type == COL_IGNORED) {
        option_note(context, COL_LOG_INFO, node, "has no meaning any more; ignored");
        return COL_OK;
    }
    if (seen && row->first_wins) {
        option_note(context, COL_LOG_WARNING, node, "occurs again; the first one counts");
        return COL_OK;
    }
    if (row->type == COL_GROUP) {
        return parse_element(context, row->rows, node, options, false);
    }
    return set_from_content(context, row, node, options);
}

static bool is_skipped(const struct option_context *context, const char *name)
{
    for (const char *const *skip = context->source->skip; skip != NULL && *skip != NULL; skip++) {
        if (strcasecmp(*skip, name) == 0) {
            return true;
        }
    }
    return false;
}

static int unknown_child(const struct option_context *context, const xmlNode *node)
{
    if (context->plugin->unknown_option == COL_UNKNOWN_FATAL) {
        return option_fail(context, node, (const char *)node->name, "is not known here");
    }
    option_note(context, COL_LOG_WARNING, node, "is not known here; ignored");
    return COL_OK;
}

/* Index of the row of an element, or -1. Rows named "." and "@..." are no elements. */
static int find_row(const struct col_option *rows, const char *name)
{
    for (int i = 0; rows != NULL && rows[i].name != NULL; i++) {
        if (strcasecmp(rows[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Rows that read the element itself: "." its text, "@name" an attribute. */
static int parse_self(const struct option_context *context, const struct col_option *rows,
                      const xmlNode *node, void *options, bool *seen)
{
    for (int i = 0; rows != NULL && rows[i].name != NULL; i++) {
        int status = COL_OK;
        if (strcmp(rows[i].name, ".") == 0) {
            status = set_from_content(context, &rows[i], node, options);
            seen[i] = true;
        } else if (rows[i].name[0] == '@') {
            xmlChar *text = xmlGetNoNsProp((xmlNode *)node, (const xmlChar *)rows[i].name + 1);
            if (text != NULL) {
                status = set_member(context, &rows[i], node, trim((char *)text), options);
                xmlFree(text);
                seen[i] = true;
            }
        }
        if (status != COL_OK) {
            return status;
        }
    }
    return COL_OK;
}

static int check_required(const struct option_context *context, const struct col_option *rows,
                          const xmlNode *node, const bool *seen)
{
    for (int i = 0; rows != NULL && rows[i].name != NULL; i++) {
        if (rows[i].required && !seen[i]) {
            char reason[200];
            (void)snprintf(reason, sizeof(reason), "the setting <%.100s> is missing", rows[i].name);
            return option_fail(context, node, (const char *)node->name, reason);
        }
    }
    return COL_OK;
}

static int parse_element(const struct option_context *context, const struct col_option *rows,
                         const xmlNode *node, void *options, bool top)
{
    bool seen[OPTION_MAX_ROWS] = {false};

    int status = parse_self(context, rows, node, options, seen);
    for (const xmlNode *child = node->children; child != NULL && status == COL_OK;
         child = child->next) {
        if (child->type != XML_ELEMENT_NODE) {
            continue;
        }
        int i = find_row(rows, (const char *)child->name);
        if (top && is_skipped(context, (const char *)child->name) &&
            (i < 0 || rows[i].type == COL_IGNORED)) {
            continue;
        }
        if (i < 0) {
            status = unknown_child(context, child);
        } else {
            status = apply_row(context, &rows[i], child, options, seen[i]);
            seen[i] = true;
        }
    }
    return status != COL_OK ? status : check_required(context, rows, node, seen);
}

static int check_required_without_node(const struct option_context *context)
{
    for (const struct col_option *row = context->plugin->options; row != NULL && row->name != NULL;
         row++) {
        if (row->required) {
            return option_fail(context, NULL, row->name, "is missing");
        }
    }
    return COL_OK;
}

int option_parse(const struct col_plugin *plugin, const struct option_source *source,
                 void **options, struct config_error *err)
{
    struct option_context context = {plugin, source, err};

    /* One octet at least: a plugin without settings still gets a pointer it may compare. */
    void *values = calloc(1, plugin->options_size > 0 ? plugin->options_size : 1);
    if (values == NULL) {
        return COL_ERR_NOMEM;
    }
    int status = set_presets(&context, plugin->options, values);
    if (status == COL_OK) {
        status = source->node != NULL
                     ? parse_element(&context, plugin->options, source->node, values, true)
                     : check_required_without_node(&context);
    }
    if (status != COL_OK) {
        if (status == COL_ERR_NOMEM) {
            (void)snprintf(err->text, sizeof(err->text), "plugin %s: no memory", plugin->name);
        }
        option_free(plugin->options, values);
        return status;
    }
    *options = values;
    return COL_OK;
}

/* ---- checking rows --------------------------------------------------------------------------- */

static bool row_fail(struct config_error *err, const struct col_option *row, const char *reason)
{
    (void)snprintf(err->text, sizeof(err->text), "option row '%s': %s", row->name, reason);
    return false;
}

static bool check_preset(const struct col_option *row, struct config_error *err)
{
    union {
        uint64_t number;
        double decimal;
        char *text;
    } value = {0};
    const char *reason = "";

    if (row->preset == NULL || row->type == COL_STRING || option_types[row->type].set == NULL) {
        return true;
    }
    return option_types[row->type].set(row, row->preset, &value, &reason) ||
           row_fail(err, row, "its preset is not a value of its type");
}

static bool check_rows(const struct col_option *rows, size_t size, int depth,
                       struct config_error *err);

static bool check_row(const struct col_option *row, size_t size, int depth,
                      struct config_error *err)
{
    if (row->type <= COL_OPTION_END || (size_t)row->type >= OPTION_TYPE_COUNT) {
        return row_fail(err, row, "unknown type");
    }
    size_t need = option_types[row->type].size;
    if (row->offset > size || need > size - row->offset) {
        return row_fail(err, row, "its place is outside of the struct");
    }
    if (row->type == COL_ENUM && row->choices == NULL) {
        return row_fail(err, row, "has no choices");
    }
    if (row->check != NULL && row->type != COL_STRING) {
        return row_fail(err, row, "only texts can have a check of their own");
    }
    if (row->type == COL_GROUP) {
        return check_rows(row->rows, size, depth + 1, err);
    }
    if (row->type == COL_LIST) {
        if (row->item_size == 0 || row->rows == NULL) {
            return row_fail(err, row, "a list needs rows and the size of an item");
        }
        return check_rows(row->rows, row->item_size, depth + 1, err);
    }
    return check_preset(row, err);
}

static bool check_rows(const struct col_option *rows, size_t size, int depth,
                       struct config_error *err)
{
    for (size_t i = 0; rows != NULL && rows[i].name != NULL; i++) {
        if (depth > OPTION_MAX_DEPTH || i >= OPTION_MAX_ROWS) {
            return row_fail(err, &rows[i], "too many rows or levels");
        }
        if (!check_row(&rows[i], size, depth, err)) {
            return false;
        }
    }
    return true;
}

bool option_check_rows(const struct col_option *rows, size_t size, struct config_error *err)
{
    return check_rows(rows, size, 0, err);
}

/* ---- printing -------------------------------------------------------------------------------- */

static void print_type(const struct col_option *row, FILE *out)
{
    if (row->type == COL_ENUM) {
        for (int i = 0; row->choices[i] != NULL; i++) {
            (void)fprintf(out, "%s%s", i > 0 ? ", " : "", row->choices[i]);
        }
    } else if (row->min != 0 || row->max != 0) {
        (void)fprintf(out, "%llu to %llu", (unsigned long long)row->min,
                      (unsigned long long)row->max);
    } else {
        (void)fprintf(out, "%s", option_types[row->type].name);
    }
}

static void print_rows(const struct col_option *rows, const char *path, FILE *out)
{
    char name[256];

    for (const struct col_option *row = rows; row != NULL && row->name != NULL; row++) {
        (void)snprintf(name, sizeof(name), "%s%s%s", path, *path != '\0' ? "/" : "", row->name);
        (void)fprintf(out, "| `%s` | ", name);
        print_type(row, out);
        (void)fprintf(out, " | %s | %s%s%s |\n",
                      row->required         ? "required"
                      : row->preset != NULL ? row->preset
                                            : "-",
                      row->help != NULL ? row->help : "",
                      row->type == COL_LIST ? " (may be repeated)" : "",
                      row->first_wins ? " (the first one counts)" : "");
        if (row->type == COL_GROUP || row->type == COL_LIST) {
            print_rows(row->rows, name, out);
        }
    }
}

void option_print(const struct col_option *rows, FILE *out)
{
    (void)fprintf(out, "| setting | value | default | meaning |\n|---|---|---|---|\n");
    print_rows(rows, "", out);
}
