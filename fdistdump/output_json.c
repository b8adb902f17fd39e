/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The answer as JSON (RFC 8259), one object per line.
 *
 * Records are objects of values by field name. What else there is, the rich header and the
 * summaries, is an object with a single member, whose name is no field's. Only texts need escaping,
 * which output_text.c does: field names, and values as convert.c writes them, have neither quotes,
 * backslashes nor controls.
 */
#include "output_form.h"

#include <libnf.h>
#include <math.h>
#include <string.h>

static size_t put_member_name(const char *name, bool first, char *out)
{
    size_t length = strlen(name), used = 0;

    if (!first) {
        out[used++] = ',';
    }
    out[used++] = '"';
    memcpy(out + used, name, length);
    used += length;
    out[used++] = '"';
    out[used++] = ':';
    return used;
}

/** A value: number, string, or null for what is no number. */
static size_t put_value(output_t *output, const struct output_column *column, unsigned part,
                        const uint8_t *row, char *out)
{
    enum convert_class class = column->classes[part];
    struct lnf_value value;

    lnf_query_row_value(output->compiled, row, column->shown->parts[part], &value);
    if (value.kind == LNF_VALUE_STRING) {
        return output_text_json(value.string.text, value.string.length, out);
    }
    if (value.kind == LNF_VALUE_NAN || (value.kind == LNF_VALUE_DOUBLE && !isfinite(value.real))) {
        memcpy(out, "null", 4);
        return 4;
    }
    if (convert_is_number(&output->options.style, class)) {
        return convert_value(&output->convert, class, &value, out);
    }
    out[0] = '"';
    size_t length = convert_value(&output->convert, class, &value, out + 1);
    length = 1 + convert_trim(out + 1, length);
    out[length++] = '"';
    return length;
}

/** The ten values of brec1 are an object of their own. */
static size_t put_brec(output_t *output, const struct output_column *column, const uint8_t *row,
                       char *out)
{
    size_t length = 0;

    out[length++] = '{';
    for (unsigned i = 0; i < QUERY_BREC_PARTS; i++) {
        char name[OUTPUT_NAME_SIZE];
        query_field_name(output->query->columns[column->shown->parts[i]].field, name, sizeof(name));
        length += put_member_name(name, i == 0, out + length);
        length += put_value(output, column, i, row, out + length);
    }
    out[length++] = '}';
    return length;
}

static void put_row(output_t *output, const uint8_t *row)
{
    unsigned count = output->query->shown_count;
    char *out = out_buffer_reserve(&output->buffer, (count + 1) * OUTPUT_CELL_SIZE);
    size_t length = 0;

    out[length++] = '{';
    for (unsigned i = 0; i < count; i++) {
        const struct output_column *column = &output->columns[i];
        length += put_member_name(column->name, i == 0, out + length);
        length += column->shown->field == LNF_FLD_BREC1
                      ? put_brec(output, column, row, out + length)
                      : put_value(output, column, 0, row, out + length);
    }
    out[length++] = '}';
    out[length++] = '\n';
    output->buffer.used += length;
}

/** What the rich header says about a column. */
static void put_column(output_t *output, const struct output_column *column)
{
    struct out_buffer *buffer = &output->buffer;

    out_buffer_put_format(buffer, "{\"field\":\"%s\"", column->name);
    if (column->shown->key) {
        out_buffer_put_text(buffer, ",\"key\":true");
    }
    if (column->combined != NULL) {
        out_buffer_put_format(buffer, ",\"value\":\"%s\"", column->combined);
    }
    if (column->shown->order) {
        out_buffer_put_format(buffer, ",\"order\":\"%s\"",
                              output->query->sort_descending ? "desc" : "asc");
    }
    out_buffer_put(buffer, "}", 1);
}

static void put_header(output_t *output)
{
    if (!output->options.rich_header) {
        return;
    }
    out_buffer_put_text(&output->buffer, "{\"header\":[");
    for (unsigned i = 0; i < output->query->shown_count; i++) {
        out_buffer_put(&output->buffer, ",", i > 0);
        put_column(output, &output->columns[i]);
    }
    out_buffer_put_text(&output->buffer, "]}\n");
}

/** `"` around a volume that has a unit. */
static void put_quote(output_t *output)
{
    out_buffer_put(&output->buffer, "\"", output->options.style.volumes != CONVERT_PLAIN);
}

static void put_count(output_t *output, const char *name, bool first, uint64_t value)
{
    out_buffer_put_format(&output->buffer, "%s\"%s\":", first ? "" : ",", name);
    put_quote(output);
    output_put_volume(output, value);
    put_quote(output);
}

static void put_processed(output_t *output, const struct lnf_totals *totals, double seconds,
                          double rate)
{
    out_buffer_put_text(&output->buffer, "{\"processed-records-summary\":{");
    put_count(output, "flows", true, totals->flows);
    put_count(output, "packets", false, totals->packets);
    put_count(output, "bytes", false, totals->bytes);
    out_buffer_put_format(&output->buffer, ",\"seconds\":%f,\"flows/second\":", seconds);
    put_quote(output);
    output_put_rate(output, rate);
    put_quote(output);
    out_buffer_put_text(&output->buffer, "}}\n");
}

static void put_files(output_t *output, const struct lnf_stat *stat)
{
    struct output_counts kinds[OUTPUT_KINDS];

    output_arrange(stat, kinds);
    out_buffer_put_text(&output->buffer, "{\"metadata-summary\":{");
    for (unsigned k = 0; k < OUTPUT_KINDS; k++) {
        out_buffer_put_format(&output->buffer, "%s\"%s\":{", k > 0 ? "," : "", kinds[k].kind);
        for (unsigned i = 0; i < OUTPUT_COUNTS; i++) {
            put_count(output, output_count_names[i], i == 0, kinds[k].counts[i]);
        }
        out_buffer_put(&output->buffer, "}", 1);
    }
    out_buffer_put_text(&output->buffer, "}}\n");
}

const struct output_form output_json_form = {
    false, "{\"incomplete\":\"interrupted\"}\n", put_header, put_row, put_processed, put_files};
