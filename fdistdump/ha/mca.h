/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * MCA parameters, by which Open MPI is told what its options say, too: on its command line
 * (`--mca NAME VALUE`) or in the environment (`OMPI_MCA_NAME=VALUE`).
 */
#ifndef FDISTDUMP_HA_MCA_H
#define FDISTDUMP_HA_MCA_H

#include <stdbool.h>

/** Whether a word of mpiexec's command line is followed by the name of a parameter and its value.
 */
bool mca_is_option(const char *word);

/**
 * Whether a mapping policy says on which nodes processes run, or how many; others only choose
 * processors, as long as the count is given. NULL is none.
 */
bool mca_is_refused_policy(const char *policy);

/** Whether a parameter says on which nodes processes run, or how many; `value` may be NULL. */
bool mca_is_refused(const char *name, const char *value);

/**
 * The first variable that gives such a parameter; one without a value gives none.
 *
 * @param environment  as of environ
 * @return "NAME=VALUE" from the list; NULL = there is none
 */
const char *mca_find_variable(char *const *environment);

#endif
