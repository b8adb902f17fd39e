/* SPDX-License-Identifier: BSD-3-Clause */
/** The answer as a table for people: columns of a width, shortened values, aligned numbers. */
#include "output_form.h"

#include <libnf.h>
#include <string.h>

#define GAP 4u
/* Bold, and back to what it was (ECMA-48, SGR); colours would depend on the terminal's. */
#define EMPHASIS "\033[1m"
#define NO_EMPHASIS "\033[0m"

/* brec1 as a cell: widths of its ten values. */
static const struct brec_layout {
    unsigned width;
    bool right;
    char after; /* 0 = nothing */
} brec_layout[QUERY_BREC_PARTS] = {
    {27, false, 0},  {27, false, 0}, {6, false, 0}, {17, true, ':'}, {7, false, 0},
    {17, true, ':'}, {7, false, 0},  {13, true, 0}, {13, true, 0},   {13, true, 0},
};

size_t output_table_brec_width(void)
{
    size_t width = 0;

    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        width += brec_layout[i].width + (brec_layout[i].after != 0);
    }
    return width;
}

static size_t brec_text(output_t *output, const struct output_column *column, const uint8_t *row,
                        char *out)
{
    size_t length = 0;

    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        const struct brec_layout *layout = &brec_layout[i];
        char text[CONVERT_TEXT_SIZE];
        size_t size = output_part(output, column, i, row, text);
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

/** Text of a column in a row; `out` has room for OUTPUT_CELL_SIZE characters. */
static size_t cell_text(output_t *output, const struct output_column *column, const uint8_t *row,
                        char *out)
{
    if (output_is_text(column)) {
        return output_text(output, column, row, output_text_table, out);
    }
    return column->shown->field == LNF_FLD_BREC1 ? brec_text(output, column, row, out)
                                                 : output_part(output, column, 0, row, out);
}

/** Characters of a cell: only texts have some of several octets. */
static size_t cell_width(const struct output_column *column, const char *text, size_t length)
{
    return output_is_text(column) ? output_text_characters(text, length) : length;
}

void output_table_measure(output_t *output, const uint8_t *row)
{
    char text[OUTPUT_CELL_SIZE];

    for (unsigned i = 0; i < output->query->shown_count; i++) {
        struct output_column *column = &output->columns[i];
        size_t length = cell_text(output, column, row, text);
        size_t width = cell_width(column, text, length);
        if (width > column->width) {
            column->width = width;
        }
    }
}

/** A cell with the gap behind it. */
static void put_cell(output_t *output, const struct output_column *column, const char *text,
                     size_t length, bool last)
{
    struct out_buffer *buffer = &output->buffer;
    size_t width = cell_width(column, text, length);

    if (width > column->width) {
        if (output->options.ellipsize) {
            size_t kept = column->width - 3;
            kept = output_is_text(column) ? output_text_cut(text, length, kept) : kept;
            out_buffer_put(buffer, text, kept);
            out_buffer_put(buffer, "...", 3);
            out_buffer_put_blanks(buffer, last ? 0 : GAP);
        } else {
            out_buffer_put(buffer, text, length);
            out_buffer_put_blanks(buffer, last ? 0 : 1);
        }
        return;
    }
    size_t pad = column->width - width;
    if (column->right) {
        out_buffer_put_blanks(buffer, pad);
        pad = 0;
    }
    out_buffer_put(buffer, text, length);
    out_buffer_put_blanks(buffer, last ? 0 : pad + GAP);
}

static void put_emphasis(output_t *output, const char *code)
{
    if (output->options.emphasis) {
        out_buffer_put_text(&output->buffer, code);
    }
}

static void put_heading(output_t *output, const char *text)
{
    put_emphasis(output, EMPHASIS);
    out_buffer_put_text(&output->buffer, text);
    put_emphasis(output, NO_EMPHASIS);
}

static void put_header(output_t *output)
{
    unsigned count = output->query->shown_count;

    put_emphasis(output, EMPHASIS);
    for (unsigned i = 0; i < count; i++) {
        const struct output_column *column = &output->columns[i];
        put_cell(output, column, column->header, column->header_length, i + 1 == count);
    }
    put_emphasis(output, NO_EMPHASIS);
    out_buffer_put(&output->buffer, "\n", 1);
}

static void put_row(output_t *output, const uint8_t *row)
{
    unsigned count = output->query->shown_count;
    char text[OUTPUT_CELL_SIZE];

    for (unsigned i = 0; i < count; i++) {
        size_t length = cell_text(output, &output->columns[i], row, text);
        put_cell(output, &output->columns[i], text, length, i + 1 == count);
    }
    out_buffer_put(&output->buffer, "\n", 1);
}

static void put_processed(output_t *output, const struct lnf_totals *totals, double seconds,
                          double rate)
{
    struct out_buffer *buffer = &output->buffer;

    put_heading(output, "processed records summary:");
    out_buffer_put_text(buffer, "\n\t");
    output_put_volume(output, totals->flows);
    out_buffer_put_text(buffer, " flows, ");
    output_put_volume(output, totals->packets);
    out_buffer_put_text(buffer, " packets, ");
    output_put_volume(output, totals->bytes);
    out_buffer_put_format(buffer, " bytes\n\t%f seconds, ", seconds);
    output_put_rate(output, rate);
    out_buffer_put_text(buffer, " flows/second\n");
}

static void put_files(output_t *output, const struct lnf_stat *stat)
{
    struct output_counts kinds[OUTPUT_KINDS];

    output_arrange(stat, kinds);
    put_heading(output, "metadata summary:");
    out_buffer_put(&output->buffer, "\n", 1);
    for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
        out_buffer_put_format(&output->buffer, "\t%s:\n", kinds[k].kind);
        for (unsigned i = 0; i < OUTPUT_COUNTS; i++) {
            size_t length = strlen(output_count_names[i]);
            out_buffer_put_format(&output->buffer, "\t\t%s:%*s", output_count_names[i],
                                  (int)(sizeof("total ") - 1 - length), "");
            output_put_volume(output, kinds[k].counts[i]);
            out_buffer_put(&output->buffer, "\n", 1);
        }
    }
}

const struct output_form output_table_form = {
    true, "incomplete: interrupted\n", put_header, put_row, put_processed, put_files};
