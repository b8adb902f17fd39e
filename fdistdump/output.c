/* SPDX-License-Identifier: BSD-3-Clause */
/** Tables and csv: columns, header, rows, summaries, and the buffer before write(). */
#include "output.h"

#include <errno.h>
#include <libnf.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (256u * 1024u)
#define GAP 4u
#define CELL_SIZE 1024u /* a value or a header */
#define NAME_SIZE 64u

/* brec1 as a table cell: widths of its ten values. */
static const struct brec_layout {
    unsigned width;
    bool right;
    char after; /* 0 = nothing */
} brec_layout[QUERY_BREC_PARTS] = {
    {27, false, 0},  {27, false, 0}, {6, false, 0}, {17, true, ':'}, {7, false, 0},
    {17, true, ':'}, {7, false, 0},  {13, true, 0}, {13, true, 0},   {13, true, 0},
};

struct column {
    char header[NAME_SIZE];
    size_t header_length;
    const struct query_shown *shown;
    enum convert_class classes[QUERY_BREC_PARTS];
    size_t width;
    bool right;
};

struct output {
    const struct query *query;
    const lnf_query_t *compiled;
    struct output_options options;
    size_t row_size;
    struct column columns[QUERY_COLUMNS];
    struct convert convert;
    unsigned blocks; /* printed so far */

    int fd;
    enum output_status status;
    int error;
    size_t used;
    char buffer[BUFFER_SIZE];
};

/* ---- buffer --------------------------------------------------------------------------------- */

static void fail(output_t *output, int error)
{
    output->status = error == EPIPE ? OUTPUT_CLOSED : OUTPUT_FAILED;
    output->error = error;
}

enum output_status output_flush(output_t *output)
{
    size_t done = 0;

    while (done < output->used && output->status == OUTPUT_OPEN) {
        ssize_t written = write(output->fd, output->buffer + done, output->used - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written < 0 && errno != EINTR) {
            fail(output, errno);
        }
    }
    output->used = 0;
    return output->status;
}

enum output_status output_status(const output_t *output, int *error)
{
    *error = output->error;
    return output->status;
}

/** Room for `size` characters, at most BUFFER_SIZE. */
static char *reserve(output_t *output, size_t size)
{
    if (BUFFER_SIZE - output->used < size) {
        (void)output_flush(output);
    }
    return output->buffer + output->used;
}

static void put(output_t *output, const char *text, size_t length)
{
    memcpy(reserve(output, length), text, length);
    output->used += length;
}

static void put_text(output_t *output, const char *text)
{
    put(output, text, strlen(text));
}

static void put_blanks(output_t *output, size_t count)
{
    memset(reserve(output, count), ' ', count);
    output->used += count;
}

static void put_format(output_t *output, const char *format, ...) LNF_PRINTF(2, 3);

static void put_format(output_t *output, const char *format, ...)
{
    char text[CELL_SIZE];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length > 0) {
        put(output, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
    }
}

/** An empty line before every block but the first. */
static void start_block(output_t *output)
{
    if (output->blocks++ > 0) {
        put(output, "\n", 1);
    }
}

/* ---- columns -------------------------------------------------------------------------------- */

/** How a value of a group came about, as the rich header shows it. */
static const char *combination_text(int field)
{
    int aggr = LNF_AGGR_AUTO;

    switch (field) {
    case LNF_FLD_CALC_DURATION:
    case LNF_FLD_CALC_BPS:
    case LNF_FLD_CALC_PPS:
    case LNF_FLD_CALC_BPP:
        return " [calc]";
    default:
        break;
    }
    if (lnf_fld_info(field, LNF_FLD_INFO_AGGR, &aggr, sizeof(aggr)) != LNF_OK) {
        return "";
    }
    switch (aggr) {
    case LNF_AGGR_MAX:
        return " [max]";
    case LNF_AGGR_SUM:
        return " [sum]";
    case LNF_AGGR_OR:
        return " [or]";
    default:
        return " [min]"; /* also addresses: of several values the smallest stays */
    }
}

static void make_header(const output_t *output, struct column *column)
{
    const struct query_shown *shown = column->shown;
    const char *direction = output->query->sort_descending ? "{desc}" : "{asc}";
    char name[NAME_SIZE / 2];

    query_field_name(shown->field, name, sizeof(name));
    const char *note = "", *order = "";
    if (output->options.rich_header && output->query->mode != QUERY_LIST) {
        if (shown->key) {
            note = " (key)";
        } else if (!shown->order && output->query->mode == QUERY_AGGREGATE) {
            note = combination_text(shown->field);
        } else if (shown->order) {
            note = " ";
        }
        order = shown->order ? direction : "";
    }
    int length = snprintf(column->header, sizeof(column->header), "%s%s%s", name, note, order);
    column->header_length = length < 0 ? 0 : (size_t)length;
}

static size_t brec_width(void)
{
    size_t width = 0;

    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        width += brec_layout[i].width + (brec_layout[i].after != 0);
    }
    return width;
}

static void make_column(output_t *output, unsigned i)
{
    struct column *column = &output->columns[i];
    const struct query *query = output->query;

    column->shown = &query->shown[i];
    for (unsigned p = 0; p < QUERY_BREC_PARTS; p++) {
        column->classes[p] = convert_class_of(query->columns[column->shown->parts[p]].field);
    }
    if (column->shown->field == LNF_FLD_BREC1) {
        column->width = brec_width();
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
    output->convert.style = options->style;
    output->fd = fd;
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

/* ---- cells ---------------------------------------------------------------------------------- */

/** Blanks that stand for "no unit" align columns; csv has none to align. */
static size_t trim_unit(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    return length;
}

static size_t put_part(output_t *output, const struct column *column, unsigned part,
                       const uint8_t *row, char *out)
{
    struct lnf_value value;

    lnf_query_row_value(output->compiled, row, column->shown->parts[part], &value);
    size_t length = convert_value(&output->convert, column->classes[part], &value, out);
    return output->options.csv ? trim_unit(out, length) : length;
}

static size_t brec_csv(output_t *output, const struct column *column, const uint8_t *row, char *out)
{
    size_t length = 0;

    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        if (i > 0) {
            out[length++] = ',';
        }
        length += put_part(output, column, i, row, out + length);
    }
    return length;
}

static size_t brec_table(output_t *output, const struct column *column, const uint8_t *row,
                         char *out)
{
    size_t length = 0;

    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        const struct brec_layout *layout = &brec_layout[i];
        char text[CONVERT_TEXT_SIZE];
        size_t size = put_part(output, column, i, row, text);
        size_t pad = size < layout->width ? layout->width - size : 0;
        memset(out + length, ' ', size + pad);
        memcpy(out + length + (layout->right ? pad : 0), text, size);
        length += size + pad;
        if (layout->after != 0) {
            out[length++] = layout->after;
        }
    }
    return length;
}

/** Text of a column in a row; `out` has room for CELL_SIZE characters. */
static size_t cell_text(output_t *output, const struct column *column, const uint8_t *row,
                        char *out)
{
    if (column->shown->field != LNF_FLD_BREC1) {
        return put_part(output, column, 0, row, out);
    }
    return output->options.csv ? brec_csv(output, column, row, out)
                               : brec_table(output, column, row, out);
}

/** A cell of a table with the gap behind it. */
static void put_cell(output_t *output, const struct column *column, const char *text, size_t length,
                     bool last)
{
    if (length > column->width) {
        if (output->options.ellipsize) {
            put(output, text, column->width - 3);
            put(output, "...", 3);
            put_blanks(output, last ? 0 : GAP);
        } else {
            put(output, text, length);
            put_blanks(output, last ? 0 : 1);
        }
        return;
    }
    size_t pad = column->width - length;
    if (column->right) {
        put_blanks(output, pad);
        pad = 0;
    }
    put(output, text, length);
    put_blanks(output, last ? 0 : pad + GAP);
}

/* ---- records -------------------------------------------------------------------------------- */

void output_measure(output_t *output, const uint8_t *rows, size_t count)
{
    char text[CELL_SIZE];

    if (output->options.ellipsize || output->options.csv) {
        return;
    }
    for (size_t r = 0; r < count; r++) {
        for (unsigned i = 0; i < output->query->shown_count; i++) {
            struct column *column = &output->columns[i];
            size_t length = cell_text(output, column, rows + r * output->row_size, text);
            if (length > column->width) {
                column->width = length;
            }
        }
    }
}

void output_header(output_t *output)
{
    unsigned count = output->query->shown_count;

    start_block(output);
    for (unsigned i = 0; i < count; i++) {
        const struct column *column = &output->columns[i];
        if (output->options.csv) {
            put(output, ",", i > 0);
            put(output, column->header, column->header_length);
        } else {
            put_cell(output, column, column->header, column->header_length, i + 1 == count);
        }
    }
    put(output, "\n", 1);
}

static void put_csv_row(output_t *output, const uint8_t *row)
{
    for (unsigned i = 0; i < output->query->shown_count; i++) {
        char *out = reserve(output, CELL_SIZE + 1);
        size_t length = 0;
        if (i > 0) {
            out[length++] = ',';
        }
        output->used += length + cell_text(output, &output->columns[i], row, out + length);
    }
    put(output, "\n", 1);
}

static void put_table_row(output_t *output, const uint8_t *row)
{
    unsigned count = output->query->shown_count;
    char text[CELL_SIZE];

    for (unsigned i = 0; i < count; i++) {
        size_t length = cell_text(output, &output->columns[i], row, text);
        put_cell(output, &output->columns[i], text, length, i + 1 == count);
    }
    put(output, "\n", 1);
}

void output_rows(output_t *output, const uint8_t *rows, size_t count)
{
    for (size_t r = 0; r < count && output->status == OUTPUT_OPEN; r++) {
        const uint8_t *row = rows + r * output->row_size;
        if (output->options.csv) {
            put_csv_row(output, row);
        } else {
            put_table_row(output, row);
        }
    }
}

/* ---- summaries ------------------------------------------------------------------------------ */

static void put_volume(output_t *output, uint64_t value)
{
    char text[CONVERT_TEXT_SIZE];
    put(output, text, convert_volume(&output->options.style, value, text));
}

static void put_rate(output_t *output, double value)
{
    char text[CONVERT_TEXT_SIZE];
    put(output, text, convert_rate(&output->options.style, value, text));
}

void output_processed(output_t *output, const struct lnf_totals *totals, double seconds)
{
    double rate = seconds > 0 ? (double)totals->flows / seconds : 0;
    bool csv = output->options.csv;

    start_block(output);
    put_text(output,
             csv ? "flows,packets,bytes,seconds,flows/second\n" : "processed records summary:\n\t");
    put_volume(output, totals->flows);
    put_text(output, csv ? "," : " flows, ");
    put_volume(output, totals->packets);
    put_text(output, csv ? "," : " packets, ");
    put_volume(output, totals->bytes);
    put_text(output, csv ? "," : " bytes\n\t");
    put_format(output, csv ? "%f," : "%f seconds, ", seconds);
    put_rate(output, rate);
    put_text(output, csv ? "\n" : " flows/second\n");
}

static void put_counts_csv(output_t *output, const char *name, uint64_t total,
                           const uint64_t *classes)
{
    put_text(output, name);
    put(output, ",", 1);
    put_volume(output, total);
    for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
        put(output, ",", 1);
        put_volume(output, classes[i]);
    }
    put(output, "\n", 1);
}

static void put_counts_table(output_t *output, const char *name, uint64_t total,
                             const uint64_t *classes)
{
    static const char *const names[LNF_STAT_CLASSES] = {
        [LNF_STAT_TCP] = "TCP:   ",
        [LNF_STAT_UDP] = "UDP:   ",
        [LNF_STAT_ICMP] = "ICMP:  ",
        [LNF_STAT_OTHER] = "other: ",
    };

    put_format(output, "\t%s:\n\t\ttotal: ", name);
    put_volume(output, total);
    for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
        put_format(output, "\n\t\t%s", names[i]);
        put_volume(output, classes[i]);
    }
    put(output, "\n", 1);
}

void output_files(output_t *output, const struct lnf_stat *stat)
{
    void (*put_counts)(output_t *, const char *, uint64_t, const uint64_t *) =
        output->options.csv ? put_counts_csv : put_counts_table;

    start_block(output);
    put_text(output,
             output->options.csv ? "field,total,TCP,UDP,ICMP,other\n" : "metadata summary:\n");
    put_counts(output, "flows", stat->flows, stat->class_flows);
    put_counts(output, "packets", stat->packets, stat->class_packets);
    put_counts(output, "bytes", stat->bytes, stat->class_bytes);
}
