/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes tables of options as completion_common.bash reads them, for the programs of this folder.
 *
 * Used when they are built, by a small program for each: what Bash offers is what the program's own
 * table has.
 */
#ifndef FDISTDUMP_COMPLETION_TABLES_H
#define FDISTDUMP_COMPLETION_TABLES_H

#include <stdbool.h>

/** An option of a program. */
struct completion_option {
    int letter; /* none unless it is one of char */
    const char *name;
    bool has_argument;
    bool is_older;              /* a spelling that is understood, but not offered */
    const char *const *choices; /* names the argument may have, NULL ends them; NULL = not few */
    int low, high;              /* numbers it may have; none when both are the same */
};

/** Prints the comment at the top of the file for a program. */
void completion_print_top(const char *program);

/** Begins a variable that holds a list; words follow, then completion_end_list(). */
void completion_begin_list(const char *prefix, const char *name);
void completion_print_word(const char *word);
/** A long option in such a list; with "=" when an argument follows. */
void completion_print_option(const char *name, bool has_argument);
void completion_end_list(void);

/**
 * Prints the variables PREFIX_options, PREFIX_letters and PREFIX_values.
 *
 * @param options  a row without name ends them
 */
void completion_print_options(const char *prefix, const struct completion_option *options);

/** Ends the output; the exit status of the program. */
int completion_end(void);

#endif
