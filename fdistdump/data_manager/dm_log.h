/* SPDX-License-Identifier: BSD-3-Clause */
/** Lines of flow-data-manager: what it does on one stream, what is wrong on the other. */
#ifndef DATA_MANAGER_LOG_H
#define DATA_MANAGER_LOG_H

#include <libnf/api.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct dm_log {
    bool verbose;
    FILE *out, *err;
    uint64_t troubles; /* things that could not be read or deleted: the exit status tells them */
};

/** Prints a line of the result. */
void dm_log_line(struct dm_log *log, const char *format, ...) LNF_PRINTF(2, 3);

/** Prints a step, when that is wanted. */
void dm_log_step(struct dm_log *log, const char *format, ...) LNF_PRINTF(2, 3);

/** Prints a warning. */
void dm_log_warning(struct dm_log *log, const char *format, ...) LNF_PRINTF(2, 3);

/**
 * Counts what could not be done, and prints it while there are few: on a disk that is read-only now
 * every file of millions would be such a line.
 */
void dm_log_trouble(struct dm_log *log, const char *format, ...) LNF_PRINTF(2, 3);

/** Prints why the program ends. */
void dm_log_error(struct dm_log *log, const char *format, ...) LNF_PRINTF(2, 3);

#endif
