/* SPDX-License-Identifier: BSD-3-Clause */
/** How much memory this process may use for rows, and what it says when that is not enough. */
#ifndef FDISTDUMP_MEMORY_LIMIT_H
#define FDISTDUMP_MEMORY_LIMIT_H

#include "report.h"

#include <libnf/scan.h>
#include <stdint.h>

/**
 * Reads a size: a whole number, with k, M, G or T of 1024, 1024^2 ... octets; 0 = no limit.
 *
 * @param[out] limit  untouched on failure
 * @return REPORT_OK; REPORT_ARGUMENTS, something else, or more than fits into 63 bits
 */
int memory_limit_read(const char *text, uint64_t *limit, struct failure *failure);

/** Octets of memory of this machine, or of the control group of this process if that has less. */
uint64_t memory_limit_available(void);

/**
 * The same with the group looked up elsewhere.
 *
 * @param root      stands for "/": where proc/self/cgroup and sys/fs/cgroup are
 * @param physical  octets of the machine
 */
uint64_t memory_limit_of_group(const char *root, uint64_t physical);

/**
 * Account for the tables of this process, the caller's to destroy with lnf_memory_destroy().
 *
 * @param limit   octets; 0 = none
 * @param report  where it is told that temporary files are needed; must live as long
 * @return REPORT_OK; REPORT_MEMORY
 */
int memory_limit_start(uint64_t limit, const struct report *report, lnf_memory_t **memory,
                       struct failure *failure);

/** Failure of a table: `status` is what its function returned. Returns the failure's class. */
int memory_limit_failure(const lnf_table_t *table, int status, struct failure *failure);

#endif
