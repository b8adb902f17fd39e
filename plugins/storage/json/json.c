/* SPDX-License-Identifier: BSD-3-Clause */
/* Storage plugin: one line of JSON per Data Record. */

#include "output.h"
#include "record_text.h"

#include <ipfixcol/plugin.h>
#include <ipfixcol/template_cache.h>
#include <stdlib.h>

#define PLANS_MAX 4096u
/** The same for the memory of plans and their templates. */
#define PLANS_OCTETS_MAX (64u << 20)
/** A field's item with its key, and its place in a record. */
#define PLAN_FIELD_OCTETS 128u

struct json_options {
    bool metadata;
    bool odid;
    int tcp_flags;
    int timestamp;
    int protocol;
    bool ignore_unknown;
    bool non_printable;
    bool detailed;
    char *prefix;
    struct col_option_list outputs;
};

/* The operators' files have both spellings. */
static const char *const format_choices[] = {"raw", "unix", "formatted", "formated", NULL};

static const struct col_option json_option_table[] = {
    {.name = "metadata",
     .type = COL_BOOL,
     .offset = offsetof(struct json_options, metadata),
     .preset = "no",
     .help = "yes: refused, no plugin of this version adds metadata"},
    {.name = "odid",
     .type = COL_BOOL,
     .offset = offsetof(struct json_options, odid),
     .preset = "no",
     .help = "append the Observation Domain ID"},
    {.name = "tcpFlags",
     .type = COL_ENUM,
     .offset = offsetof(struct json_options, tcp_flags),
     .preset = "raw",
     .choices = format_choices,
     .help = "formatted: letters, \".AP.SF\""},
    {.name = "timestamp",
     .type = COL_ENUM,
     .offset = offsetof(struct json_options, timestamp),
     .preset = "unix",
     .choices = format_choices,
     .help = "formatted: local date and time, else a number in seconds or milliseconds"},
    {.name = "protocol",
     .type = COL_ENUM,
     .offset = offsetof(struct json_options, protocol),
     .preset = "formatted",
     .choices = format_choices,
     .help = "raw: number, else the name"},
    {.name = "ignoreUnknown",
     .type = COL_BOOL,
     .offset = offsetof(struct json_options, ignore_unknown),
     .preset = "yes",
     .help = "leave out elements the dictionary does not know; no: named eXidY"},
    {.name = "nonPrintableChar",
     .type = COL_BOOL,
     .offset = offsetof(struct json_options, non_printable),
     .preset = "yes",
     .help = "escape control characters of strings; no: leave them out"},
    {.name = "detailedInfo",
     .type = COL_BOOL,
     .offset = offsetof(struct json_options, detailed),
     .preset = "no",
     .help = "append fields about the message"},
    {.name = "prefix",
     .type = COL_STRING,
     .offset = offsetof(struct json_options, prefix),
     .preset = "ipfix.",
     .help = "begin of element names"},
    {.name = "output",
     .type = COL_LIST,
     .offset = offsetof(struct json_options, outputs),
     .required = true,
     .rows = output_option_table,
     .item_size = sizeof(struct output_options),
     .help = "where records go; may be repeated"},
    {0},
};

enum json_counter { COUNT_WRITTEN, COUNT_LOST, COUNT_NO_TEMPLATE };

static const char *const json_counters[] = {"records written", "records an output could not take",
                                            "data sets without template", NULL};

struct json {
    col_instance_t *instance;
    struct text_style style;
    ipfix_template_cache_t *plans; /* text_plan_t */
    struct text line;
    size_t output_count;
    struct output **outputs;
    uint64_t taken; /* records all outputs have taken, not counted yet */
};

static void destroy_plan(void *plan)
{
    text_plan_destroy(plan);
}

static text_plan_t *find_plan(struct json *j, const struct ipfix_template *tmplt)
{
    void *known;

    if (ipfix_template_cache_find(j->plans, tmplt, &known)) {
        return known;
    }
    text_plan_t *plan = text_plan_create(tmplt, &j->style);
    if (plan != NULL && !ipfix_template_cache_put(j->plans, tmplt, plan)) {
        text_plan_destroy(plan);
        plan = NULL;
    }
    return plan;
}

static void write_line(struct json *j)
{
    bool all = !j->line.failed;

    for (size_t i = 0; !j->line.failed && i < j->output_count; i++) {
        all = j->outputs[i]->write(j->outputs[i], j->line.data, j->line.length) && all;
    }
    if (all) {
        j->taken++;
    } else {
        col_count(j->instance, COUNT_LOST, 1);
    }
    j->line.failed = false;
}

static void write_set(struct json *j, const struct ipfix_message *message,
                      const struct ipfix_set *set)
{
    struct ipfix_record_iter iter;
    struct ipfix_record record;
    text_plan_t *plan = find_plan(j, set->tmplt);

    if (plan == NULL) {
        col_count(j->instance, COUNT_LOST, set->record_count);
        return;
    }
    ipfix_record_iter_init(&iter, set);
    while (ipfix_record_next(&iter, &record)) {
        text_record(plan, &j->style, message, &record, &j->line);
        write_line(j);
    }
}

static int json_process(void *state, struct ipfix_message *message)
{
    struct json *j = state;

    if (message->kind != IPFIX_MESSAGE_DATA) {
        return COL_OK;
    }
    for (uint32_t i = 0; i < message->set_count; i++) {
        const struct ipfix_set *set = &message->sets[i];
        if (set->id < IPFIX_SET_DATA_MIN) {
            continue;
        }
        if (set->tmplt == NULL) {
            col_count(j->instance, COUNT_NO_TEMPLATE, 1);
        } else {
            write_set(j, message, set);
        }
    }
    return COL_OK;
}

/** Outputs have delivered what they took, except the lines they have lost since. */
static void count_taken(struct json *j, uint64_t lost)
{
    lost = lost < j->taken ? lost : j->taken; /* a record may be lost in several outputs */
    col_count(j->instance, COUNT_LOST, lost);
    col_count(j->instance, COUNT_WRITTEN, j->taken - lost);
    j->taken = 0;
}

static int json_tick(void *state, uint64_t now_ms)
{
    struct json *j = state;
    uint64_t lost = 0;

    for (size_t i = 0; i < j->output_count; i++) {
        j->outputs[i]->tick(j->outputs[i], now_ms);
        lost += j->outputs[i]->lost;
        j->outputs[i]->lost = 0;
    }
    count_taken(j, lost);
    return COL_OK;
}

static void json_destroy(void *state)
{
    struct json *j = state;
    uint64_t lost = 0;

    if (j == NULL) {
        return;
    }
    for (size_t i = 0; i < j->output_count; i++) {
        lost += j->outputs[i]->destroy(j->outputs[i]);
    }
    count_taken(j, lost);
    free(j->outputs);
    ipfix_template_cache_destroy(j->plans);
    text_style_clear(&j->style);
    text_clear(&j->line);
    free(j);
}

static bool formatted(int choice)
{
    return choice >= 2;
}

static bool create_outputs(struct json *j, const struct col_option_list *list)
{
    const struct output_options *options = list->items;

    j->outputs = calloc(list->count + 1, sizeof(struct output *));
    for (size_t i = 0; j->outputs != NULL && i < list->count; i++) {
        j->outputs[i] = output_create(j->instance, &options[i]);
        if (j->outputs[i] == NULL) {
            return false;
        }
        j->output_count++;
    }
    return j->outputs != NULL;
}

static int json_check(col_instance_t *instance, const void *options)
{
    const struct json_options *o = options;
    const struct output_options *outputs = o->outputs.items;

    if (o->metadata) {
        col_log(instance, COL_LOG_ERROR,
                "metadata: no plugin of this version adds any; use "
                "<metadata>no</metadata>");
        return COL_ERR;
    }
    if (o->outputs.count == 0) {
        col_log(instance, COL_LOG_ERROR, "no <output> is given");
        return COL_ERR;
    }
    for (size_t i = 0; i < o->outputs.count; i++) {
        if (!output_check(instance, &outputs[i])) {
            return COL_ERR;
        }
    }
    return COL_OK;
}

static int json_create(col_instance_t *instance, const void *options, void **state)
{
    const struct json_options *o = options;

    if (json_check(instance, options) != COL_OK) {
        return COL_ERR;
    }
    struct json *j = calloc(1, sizeof(*j));
    if (j == NULL) {
        return COL_ERR_NOMEM;
    }
    j->instance = instance;
    j->style = (struct text_style){
        .tcp_flags_letters = formatted(o->tcp_flags),
        .time_text = formatted(o->timestamp),
        .protocol_name = o->protocol != 0,
        .ignore_unknown = o->ignore_unknown,
        .escape_controls = o->non_printable,
        .odid = o->odid,
        .detailed = o->detailed,
        .prefix = o->prefix != NULL ? o->prefix : "",
    };
    if (j->style.protocol_name) {
        text_style_load_protocols(&j->style);
    }
    j->plans =
        ipfix_template_cache_create(destroy_plan, PLANS_MAX, PLANS_OCTETS_MAX, PLAN_FIELD_OCTETS);
    if (j->plans == NULL || !create_outputs(j, &o->outputs)) {
        json_destroy(j);
        return COL_ERR;
    }
    *state = j;
    return COL_OK;
}

COL_EXPORT const struct col_plugin col_plugin = {
    .abi = COL_PLUGIN_ABI,
    .kind = COL_STORAGE,
    .name = "json",
    .summary = "writes one line of JSON per Data Record",
    .options = json_option_table,
    .options_size = sizeof(struct json_options),
    .unknown_option = COL_UNKNOWN_WARN,
    .counters = json_counters,
    .check = json_check,
    .create = json_create,
    .destroy = json_destroy,
    .process = json_process,
    .tick = json_tick,
    .tick_ms = 100,
};
