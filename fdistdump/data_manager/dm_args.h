/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The command line of flow-data-manager:
 *
 *     flow-data-manager [OPTION]... PROFILE_DIR... {scan|delete} [OPTION]...
 */
#ifndef DATA_MANAGER_ARGS_H
#define DATA_MANAGER_ARGS_H

#include "plan.h"
#include "report.h"

#include <stddef.h>
#include <stdio.h>

enum dm_mode { DM_SCAN, DM_DELETE };

struct dm_args {
    int help, version, dry_run, verbose;
    int cleanup;
    enum dm_mode mode;
    double boundary; /* percent */
    int align;       /* enum plan_unit */
    struct plan_limits limits;
    char **profiles; /* part of argv */
    size_t profile_count;
};

/** A row of the option table. */
struct dm_option {
    int letter; /* above 255 = none, a number of its own */
    const char *name;
    const char *value; /* what the argument is called; NULL = takes none */
    const char *help;
    size_t place; /* in struct dm_args */
    enum dm_kind { DM_FLAG, DM_FLAG_OFF, DM_COUNT, DM_OCTETS, DM_PERCENT, DM_UNIT } kind;
    int is_delete; /* has a meaning with delete only */
};

/** The option table; a row without name ends it. */
extern const struct dm_option dm_option_table[];

/** Names of enum plan_unit; NULL ends them. */
extern const char *const dm_unit_names[];

/**
 * Reads the command line. Nothing is printed; argv is put in another order.
 *
 * @param[out] args  points into argv
 * @return REPORT_OK; REPORT_ARGUMENTS
 *
 * Threads: one in the process, as getopt_long() has it.
 */
int dm_args_parse(int argc, char **argv, struct dm_args *args, struct failure *failure);

/** Prints how the program is used. */
void dm_args_print_help(FILE *stream);

#endif
