/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The command line: one table of options, read into one struct.
 *
 * Reading it changes nothing and prints nothing, so that every process can do it before MPI starts
 * and one of them can complain for all.
 */
#ifndef FDISTDUMP_ARGS_H
#define FDISTDUMP_ARGS_H

#include "query.h"
#include "report.h"

#include <stddef.h>
#include <stdio.h>

enum args_format { ARGS_PRETTY, ARGS_CSV, ARGS_JSON };
enum args_volume { ARGS_VOLUME_NONE, ARGS_VOLUME_METRIC, ARGS_VOLUME_BINARY };
enum args_progress {
    ARGS_PROGRESS_NONE,
    ARGS_PROGRESS_TOTAL,
    ARGS_PROGRESS_SLAVES,
    ARGS_PROGRESS_JSON
};

#define ARGS_DEFAULT (-1) /* of choices: the default of the output format */
#define ARGS_THREADS_MAX 1024

/** Texts point into argv. Numbers of choices are ARGS_DEFAULT when the option was not given. */
struct args {
    int help, version;
    struct query_words words;
    const char *time_point, *time_range, *time_zone;
    const char *output_items;
    int verbosity;
    int format;
    int rich_header, no_ellipsize;
    int timestamps, flags, addresses, protocols, durations; /* 1 = for people, 0 = numbers */
    int volumes;                                            /* enum args_volume */
    int progress_type;                /* enum args_progress; ARGS_DEFAULT = not given */
    const char *progress_destination; /* NULL = standard error */
    int threads;                      /* 0 = not given */
    const char *memory_limit;         /* NULL = not given */
    const char *geo_database;         /* likewise */
    int no_tput, no_index;
    int strict;
    int exchange; /* enum query_exchange */
    int explain;

    const char **paths; /* owned array */
    size_t path_count;
};

/** A row of the option table. */
struct args_option {
    char letter; /* 0 = none */
    const char *name;
    const char *value; /* what the argument is called; NULL = takes none */
    const char *help;  /* NULL = an older spelling, accepted but not shown */
    size_t place;      /* in struct args */
    enum args_kind { ARGS_TEXT, ARGS_CHOICE, ARGS_NUMBER, ARGS_FLAG, ARGS_FIXED } kind;
    const char *const *choices; /* ARGS_CHOICE: names of 0, 1 ...; NULL ends */
    int low, high;              /* ARGS_NUMBER */
    const char *fixed;          /* ARGS_FIXED: the text stored */
};

/** The option table; a row without name ends it. */
extern const struct args_option args_table[];

/** A block of the output as --output-items calls it. */
struct args_item {
    const char *name;
    char letter;
    unsigned item; /* enum query_item */
};

/** All of them; a row without name ends it. */
extern const struct args_item args_item_table[];

/**
 * Reads the command line. Options may follow paths, long ones be shortened while unique.
 *
 * @param[out] args  the caller's to clear, also after a failure
 * @return REPORT_OK; REPORT_ARGUMENTS; REPORT_MEMORY
 */
int args_parse(int argc, char **argv, struct args *args, struct failure *failure);

/** Frees what args own. */
void args_clear(struct args *args);

/** Wanted blocks of the output (QUERY_RECORDS ...), defaults of the format included. */
int args_items(const struct args *args, unsigned *items, struct failure *failure);

/** Prints how the program is used. */
void args_print_help(FILE *stream);

#endif
