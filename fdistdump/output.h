/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The answer on standard output: rows as a table, csv or JSON, then the summaries.
 *
 * A write that fails is remembered; output_status() tells, everything after it is dropped. A reader
 * that went away is no failure but the end of the work.
 */
#ifndef FDISTDUMP_OUTPUT_H
#define FDISTDUMP_OUTPUT_H

#include "convert.h"
#include "out_buffer.h"
#include "query.h"

#include <libnf/common.h>

enum output_format { OUTPUT_PRETTY, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_FORMATS };

struct output_options {
    enum output_format format;
    bool rich_header;
    bool ellipsize;
    bool emphasis; /* OUTPUT_PRETTY: headings stand out, as only terminals can show it */
    struct convert_style style;
};

typedef struct output output_t;

/**
 * New output to a descriptor, which stays the caller's.
 *
 * @param query,compiled  borrowed until output_destroy()
 * @return NULL without memory
 */
output_t *output_create(const struct query *query, const lnf_query_t *compiled,
                        const struct output_options *options, int fd);

/** Frees without writing what is buffered; NULL is fine. */
void output_destroy(output_t *output);

/** Has a function called before anything is written, which is always whole lines. */
void output_before_write(output_t *output, void (*function)(void *context), void *context);

/** Widens columns to the rows, for tables that are not to be shortened. Before output_header(). */
void output_measure(output_t *output, const uint8_t *rows, size_t count);

/** Writes the names of the columns; JSON only what the rich header adds to them. */
void output_header(output_t *output);

/** Writes packed rows. */
void output_rows(output_t *output, const uint8_t *rows, size_t count);

/** Writes the summary of processed records. */
void output_processed(output_t *output, const struct lnf_totals *totals, double seconds);

/** Writes the summary of the statistics in file headers. */
void output_files(output_t *output, const struct lnf_stat *stat);

/** Marks an answer that was interrupted; not in csv, whose readers would take it for a row. */
void output_incomplete(output_t *output);

/** Writes what is buffered. */
enum output_status output_flush(output_t *output);

/** Whether there is still a reader; errno value of the failure in *error. */
enum output_status output_status(const output_t *output, int *error);

#endif
