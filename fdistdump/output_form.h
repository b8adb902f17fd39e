/* SPDX-License-Identifier: BSD-3-Clause */
/** What the forms of an output share; for output*.c only. */
#ifndef FDISTDUMP_OUTPUT_FORM_H
#define FDISTDUMP_OUTPUT_FORM_H

#include "output.h"
#include "output_text.h"

#define OUTPUT_CELL_SIZE 1024u /* a value or a header, in any form, with what is around it */
#define OUTPUT_NAME_SIZE 32u

struct output_column {
    const struct query_shown *shown;
    char name[OUTPUT_NAME_SIZE];
    const char *combined; /* how values of a group became one; NULL = it is a key, or no group */
    enum convert_class classes[QUERY_BREC_PARTS];
    char header[2 * OUTPUT_NAME_SIZE]; /* name and, with the rich header, what is said about it */
    size_t header_length;
    size_t width; /* of tables */
    bool right;
};

struct output {
    const struct query *query;
    const lnf_query_t *compiled;
    struct output_options options;
    const struct output_form *form;
    size_t row_size;
    struct output_column columns[QUERY_COLUMNS];
    struct convert convert;
    unsigned blocks; /* printed so far */
    struct out_buffer buffer;
};

/** A form of output: every function appends to the buffer. */
struct output_form {
    bool parted;            /* an empty line between blocks */
    const char *incomplete; /* line that marks an interrupted answer; NULL = none */
    void (*header)(output_t *output);
    void (*row)(output_t *output, const uint8_t *row);
    void (*processed)(output_t *output, const struct lnf_totals *totals, double seconds,
                      double rate);
    void (*files)(output_t *output, const struct lnf_stat *stat);
};

extern const struct output_form output_table_form, output_csv_form, output_json_form;

#define OUTPUT_KINDS 3u                       /* flows, packets, bytes */
#define OUTPUT_COUNTS (1u + LNF_STAT_CLASSES) /* total, then by protocol */

/** A line of the metadata summary. */
struct output_counts {
    const char *kind;
    uint64_t counts[OUTPUT_COUNTS];
};

/** What the counters of such a line are called: "total", "TCP" ... */
extern const char *const output_count_names[OUTPUT_COUNTS];

/** Arranges statistics as they are printed. */
void output_arrange(const struct lnf_stat *stat, struct output_counts kinds[OUTPUT_KINDS]);

/** Writes a volume, or a rate, without blanks around. */
void output_put_volume(output_t *output, uint64_t value);
void output_put_rate(output_t *output, double value);

/**
 * Writes a part of a column's value, not terminated.
 *
 * @param out  room for CONVERT_TEXT_SIZE characters
 * @return characters written
 */
static inline size_t output_part(output_t *output, const struct output_column *column,
                                 unsigned part, const uint8_t *row, char *out)
{
    struct lnf_value value;

    lnf_query_row_value(output->compiled, row, column->shown->parts[part], &value);
    return convert_value(&output->convert, column->classes[part], &value, out);
}

_Static_assert(OUTPUT_TEXT_SIZE + OUTPUT_NAME_SIZE + 8 <= OUTPUT_CELL_SIZE, "room for a text");

/** Whether a column has texts: they are written by output_text(), not by output_part(). */
static inline bool output_is_text(const struct output_column *column)
{
    return column->classes[0] == CONVERT_STRING;
}

/** A function of output_text.h. */
typedef size_t output_text_fn(const char *text, size_t length, char *out);

/** Writes a text in a form; `out` has room for OUTPUT_TEXT_SIZE characters. */
static inline size_t output_text(const output_t *output, const struct output_column *column,
                                 const uint8_t *row, output_text_fn *form, char *out)
{
    struct lnf_value value;

    lnf_query_row_value(output->compiled, row, column->shown->parts[0], &value);
    return value.kind == LNF_VALUE_STRING ? form(value.string.text, value.string.length, out) : 0;
}

/** output_table.c: widens columns to a row. */
void output_table_measure(output_t *output, const uint8_t *row);

/** output_table.c: width of a column of brec1. */
size_t output_table_brec_width(void);

#endif
