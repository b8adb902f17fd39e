/* SPDX-License-Identifier: BSD-3-Clause */
/** Lines of fdistdump-ha, which stand among those of fdistdump and mpiexec. */
#ifndef FDISTDUMP_HA_LOG_H
#define FDISTDUMP_HA_LOG_H

#include "report.h"

#include <stdbool.h>

struct log {
    bool verbose;
};

/** Prints why the program ends. */
void log_failure(const struct failure *failure);

/** Prints a warning on standard error. */
void log_warning(const char *format, ...) LNF_PRINTF(1, 2);

/** Prints a step on standard output, when that is wanted. */
void log_step(const struct log *log, const char *format, ...) LNF_PRINTF(2, 3);

#endif
