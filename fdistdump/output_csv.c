/* SPDX-License-Identifier: BSD-3-Clause */
/** The answer as comma separated values (RFC 4180, lines ended by LF). */
#include "output_form.h"

#include <libnf.h>
#include <string.h>

/** Blanks that stand for "no unit" align columns; csv has none to align. */
static size_t put_part(output_t *output, const struct output_column *column, unsigned part,
                       const uint8_t *row, char *out)
{
    return convert_trim(out, output_part(output, column, part, row, out));
}

/** The ten values of brec1 are one value here: only in quotes may it contain commas. Of all values
 * only texts may have a comma or a quote inside, too. */
static size_t brec_text(output_t *output, const struct output_column *column, const uint8_t *row,
                        char *out)
{
    size_t length = 0;

    out[length++] = '"';
    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        if (i > 0) {
            out[length++] = ',';
        }
        length += put_part(output, column, i, row, out + length);
    }
    out[length++] = '"';
    return length;
}

static size_t put_column(output_t *output, const struct output_column *column, const uint8_t *row,
                         char *out)
{
    if (output_is_text(column)) {
        size_t length = output_text(output, column, row, output_text_csv, out);
        if (length == 0 && output->query->shown_count == 1) {
            /* An empty line would be no record. */
            memcpy(out, "\"\"", 2);
            length = 2;
        }
        return length;
    }
    return column->shown->field == LNF_FLD_BREC1 ? brec_text(output, column, row, out)
                                                 : put_part(output, column, 0, row, out);
}

static void put_header(output_t *output)
{
    for (unsigned i = 0; i < output->query->shown_count; i++) {
        const struct output_column *column = &output->columns[i];
        out_buffer_put(&output->buffer, ",", i > 0);
        out_buffer_put(&output->buffer, column->header, column->header_length);
    }
    out_buffer_put(&output->buffer, "\n", 1);
}

static void put_row(output_t *output, const uint8_t *row)
{
    unsigned count = output->query->shown_count;
    char *out = out_buffer_reserve(&output->buffer, (count + 1) * OUTPUT_CELL_SIZE);
    size_t length = 0;

    for (unsigned i = 0; i < count; i++) {
        if (i > 0) {
            out[length++] = ',';
        }
        length += put_column(output, &output->columns[i], row, out + length);
    }
    out[length++] = '\n';
    output->buffer.used += length;
}

static void put_processed(output_t *output, const struct lnf_totals *totals, double seconds,
                          double rate)
{
    struct out_buffer *buffer = &output->buffer;

    out_buffer_put_text(buffer, "flows,packets,bytes,seconds,flows/second\n");
    output_put_volume(output, totals->flows);
    out_buffer_put(buffer, ",", 1);
    output_put_volume(output, totals->packets);
    out_buffer_put(buffer, ",", 1);
    output_put_volume(output, totals->bytes);
    out_buffer_put_format(buffer, ",%f,", seconds);
    output_put_rate(output, rate);
    out_buffer_put(buffer, "\n", 1);
}

static void put_files(output_t *output, const struct lnf_stat *stat)
{
    struct output_counts kinds[OUTPUT_KINDS];

    output_arrange(stat, kinds);
    out_buffer_put_text(&output->buffer, "field");
    for (unsigned i = 0; i < OUTPUT_COUNTS; i++) {
        out_buffer_put_format(&output->buffer, ",%s", output_count_names[i]);
    }
    out_buffer_put(&output->buffer, "\n", 1);
    for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
        out_buffer_put_text(&output->buffer, kinds[k].kind);
        for (unsigned i = 0; i < OUTPUT_COUNTS; i++) {
            out_buffer_put(&output->buffer, ",", 1);
            output_put_volume(output, kinds[k].counts[i]);
        }
        out_buffer_put(&output->buffer, "\n", 1);
    }
}

const struct output_form output_csv_form = {true,    NULL,          put_header,
                                            put_row, put_processed, put_files};
