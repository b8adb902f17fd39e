/* SPDX-License-Identifier: BSD-3-Clause */
/** Columns of the output, and the calls that every form of it answers. */
#include "output_form.h"

#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((QUERY_COLUMNS + 1u) * OUTPUT_CELL_SIZE <= OUT_BUFFER_SIZE / 2, "room for a row");

static const struct output_form *const forms[OUTPUT_FORMATS] = {
    [OUTPUT_PRETTY] = &output_table_form,
    [OUTPUT_CSV] = &output_csv_form,
    [OUTPUT_JSON] = &output_json_form,
};

/** An empty line before every block but the first, where the form wants it. */
static void start_block(output_t *output)
{
    if (output->blocks++ > 0 && output->form->parted) {
        out_buffer_put(&output->buffer, "\n", 1);
    }
}

/* ---- columns -------------------------------------------------------------------------------- */

/** How a value of a group comes about. */
static const char *combination(int field)
{
    int aggr = LNF_AGGR_AUTO;

    switch (field) {
    case LNF_FLD_CALC_DURATION:
    case LNF_FLD_CALC_BPS:
    case LNF_FLD_CALC_PPS:
    case LNF_FLD_CALC_BPP:
        return "calc";
    default:
        break;
    }
    (void)lnf_fld_info(field, LNF_FLD_INFO_AGGR, &aggr, sizeof(aggr));
    switch (aggr) {
    case LNF_AGGR_MAX:
        return "max";
    case LNF_AGGR_SUM:
        return "sum";
    case LNF_AGGR_OR:
        return "or";
    default:
        return "min"; /* also addresses: of several values the smallest stays */
    }
}

/** What the rich header says behind the name: " (key){asc}", " {desc}", " [sum]" or nothing. */
static void describe(const output_t *output, const struct output_column *column, char *note)
{
    const struct query_shown *shown = column->shown;
    const char *direction = output->query->sort_descending ? "{desc}" : "{asc}";

    *note = '\0';
    if (!output->options.rich_header || output->query->mode == QUERY_LIST) {
        return;
    }
    if (shown->key || shown->order) {
        (void)snprintf(note, OUTPUT_NAME_SIZE, " %s%s", shown->key ? "(key)" : "",
                       shown->order ? direction : "");
    } else if (column->combined != NULL) {
        (void)snprintf(note, OUTPUT_NAME_SIZE, " [%s]", column->combined);
    }
}

static void make_header(const output_t *output, struct output_column *column)
{
    size_t length = strlen(column->name);

    memcpy(column->header, column->name, length);
    describe(output, column, column->header + length);
    column->header_length = strlen(column->header);
}

static void make_column(output_t *output, unsigned i)
{
    struct output_column *column = &output->columns[i];
    const struct query *query = output->query;

    column->shown = &query->shown[i];
    query_field_name(column->shown->field, column->name, sizeof(column->name));
    if (query->mode == QUERY_AGGREGATE && !column->shown->key) {
        column->combined = combination(column->shown->field);
    }
    for (unsigned p = 0; p < QUERY_BREC_PARTS; p++) {
        column->classes[p] = convert_class_of(query->columns[column->shown->parts[p]].field);
    }
    if (column->shown->field == LNF_FLD_BREC1) {
        column->width = output_table_brec_width();
    } else {
        struct convert_layout layout = convert_layout(&output->options.style, column->classes[0]);
        column->width = layout.width;
        column->right = layout.right;
    }
    make_header(output, column);
    if (column->header_length > column->width) {
        column->width = column->header_length;
    }
}

output_t *output_create(const struct query *query, const lnf_query_t *compiled,
                        const struct output_options *options, int fd)
{
    output_t *output = calloc(1, sizeof(*output));

    if (output == NULL) {
        return NULL;
    }
    output->query = query;
    output->compiled = compiled;
    output->options = *options;
    output->form = forms[options->format];
    output->convert.style = options->style;
    output->buffer.fd = fd;
    output->row_size = lnf_query_row_size(compiled);
    for (unsigned i = 0; i < query->shown_count; i++) {
        make_column(output, i);
    }
    return output;
}

void output_destroy(output_t *output)
{
    free(output);
}

void output_before_write(output_t *output, void (*function)(void *context), void *context)
{
    output->buffer.before_write = function;
    output->buffer.context = context;
}

/* ---- what forms share ----------------------------------------------------------------------- */

void output_put_volume(output_t *output, uint64_t value)
{
    char text[CONVERT_TEXT_SIZE];
    out_buffer_put(&output->buffer, text, convert_volume(&output->options.style, value, text));
}

void output_put_rate(output_t *output, double value)
{
    char text[CONVERT_TEXT_SIZE];
    out_buffer_put(&output->buffer, text, convert_rate(&output->options.style, value, text));
}

const char *const output_count_names[OUTPUT_COUNTS] = {
    "total",
    [1 + LNF_STAT_TCP] = "TCP",
    [1 + LNF_STAT_UDP] = "UDP",
    [1 + LNF_STAT_ICMP] = "ICMP",
    [1 + LNF_STAT_OTHER] = "other",
};

void output_arrange(const struct lnf_stat *stat, struct output_counts kinds[OUTPUT_KINDS])
{
    const uint64_t *const classes[OUTPUT_KINDS] = {stat->class_flows, stat->class_packets,
                                                   stat->class_bytes};

    kinds[0] = (struct output_counts){"flows", {stat->flows}};
    kinds[1] = (struct output_counts){"packets", {stat->packets}};
    kinds[2] = (struct output_counts){"bytes", {stat->bytes}};
    for (unsigned i = 0; i < OUTPUT_KINDS; i++) {
        memcpy(kinds[i].counts + 1, classes[i], LNF_STAT_CLASSES * sizeof(*classes[i]));
    }
}

/* ---- calls ---------------------------------------------------------------------------------- */

void output_measure(output_t *output, const uint8_t *rows, size_t count)
{
    if (output->options.ellipsize || output->options.format != OUTPUT_PRETTY) {
        return;
    }
    for (size_t r = 0; r < count; r++) {
        output_table_measure(output, rows + r * output->row_size);
    }
}

void output_header(output_t *output)
{
    start_block(output);
    output->form->header(output);
}

void output_rows(output_t *output, const uint8_t *rows, size_t count)
{
    for (size_t r = 0; r < count && output->buffer.status == OUTPUT_OPEN; r++) {
        output->form->row(output, rows + r * output->row_size);
        /* No row is cut in two: the other half of the buffer has room for the longest. */
        if (output->buffer.used > OUT_BUFFER_SIZE / 2) {
            (void)out_buffer_flush(&output->buffer);
        }
    }
}

void output_processed(output_t *output, const struct lnf_totals *totals, double seconds)
{
    start_block(output);
    output->form->processed(output, totals, seconds,
                            seconds > 0 ? (double)totals->flows / seconds : 0);
}

void output_files(output_t *output, const struct lnf_stat *stat)
{
    start_block(output);
    output->form->files(output, stat);
}

void output_incomplete(output_t *output)
{
    if (output->form->incomplete != NULL) {
        start_block(output);
        out_buffer_put_text(&output->buffer, output->form->incomplete);
    }
}

enum output_status output_flush(output_t *output)
{
    return out_buffer_flush(&output->buffer);
}

enum output_status output_status(const output_t *output, int *error)
{
    *error = output->buffer.error;
    return output->buffer.status;
}
