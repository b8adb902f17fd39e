/* SPDX-License-Identifier: BSD-3-Clause */
/** Stand-ins for the collector's services, so that a plugin runs without the collector. */
#ifndef TEST_COL_DOUBLE_H
#define TEST_COL_DOUBLE_H

#include <ipfixcol/plugin.h>
#include <stdbool.h>

#define COL_DOUBLE_COUNTERS 32

struct col_instance {
    uint64_t counters[COL_DOUBLE_COUNTERS];
    bool stopping;
    char log[65536]; /* every line of info and above, `LEVEL: text` */
    size_t log_length;
};

/** How often a text occurs in the log. */
unsigned col_double_logged(const struct col_instance *instance, const char *text);

#endif
