/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The command line of fdistdump-ha: its own options and paths, then those of mpiexec and fdistdump.
 *
 *     fdistdump-ha [OPTION]... PATH... [-- FDISTDUMP_ARGUMENT...]
 *     fdistdump-ha [OPTION]... PATH... [MPIEXEC [ARGUMENT]...] [FDISTDUMP [ARGUMENT]...]
 *
 * In the second form the first word that contains "mpiexec" and the first that contains
 * "fdistdump", in either order, are the programs. With --mpiexec or --fdistdump before the paths no
 * word is taken for a program.
 */
#ifndef FDISTDUMP_HA_ARGS_H
#define FDISTDUMP_HA_ARGS_H

#include "report.h"
#include "words.h"

#include <stdint.h>
#include <stdio.h>

enum ha_priority { HA_PRIORITY_LOW, HA_PRIORITY_NORMAL, HA_PRIORITY_HIGH };

struct ha_args {
    int help, version, verbose, complete_only;
    unsigned allowed; /* enum cluster_change, a set */
    int64_t interval_ms, termination_timeout_ms;
    int64_t tries; /* 0 = no limit */
    int priority;
    const char *cluster_file; /* NULL = not given; texts point into argv */
    const char *mpiexec, *fdistdump;
    struct words paths;
    struct words mpiexec_args, fdistdump_args;
    struct words preset; /* holds the name of fdistdump when it was put together here */
};

/** A row of the option table. */
struct ha_option {
    char letter; /* 0 = none */
    const char *name;
    const char *value; /* what the argument is called; NULL = takes none */
    const char *help;
    size_t place; /* in struct ha_args */
    enum ha_kind { HA_TEXT, HA_FLAG, HA_SECONDS, HA_COUNT, HA_CHOICE, HA_CHANGES, HA_WORD } kind;
    const char *const *choices; /* HA_CHOICE: names of 0, 1 ...; NULL ends */
    int64_t low_ms, high_ms;    /* HA_SECONDS */
};

/** The option table; a row without name ends it. */
extern const struct ha_option ha_option_table[];

/**
 * Reads the command line. Nothing is printed.
 *
 * @param suffix  of fdistdump's preset name: the variable MPI_SUFFIX; NULL = none
 * @param[out] args  the caller's to clear, also after a failure
 * @return REPORT_OK; REPORT_ARGUMENTS; REPORT_MEMORY
 */
int ha_args_parse(int argc, char **argv, const char *suffix, struct ha_args *args,
                  struct failure *failure);

/**
 * Looks for variables that would tell mpiexec what options must not.
 *
 * @param environment  as of environ
 * @return REPORT_OK; REPORT_ARGUMENTS
 */
int ha_args_check_environment(char *const *environment, struct failure *failure);

void ha_args_clear(struct ha_args *args);

/** Prints how the program is used. */
void ha_args_print_help(FILE *stream);

#endif
