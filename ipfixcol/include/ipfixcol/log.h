/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Log lines that name the instance: `LEVEL: module: text`.
 *
 * error: something asked for is not happening. warning: data was lost or is wrong, we go on.
 * info: start, stop, sessions come and go. debug: for developers.
 */
#ifndef IPFIXCOL_LOG_H
#define IPFIXCOL_LOG_H

#include <ipfixcol/common.h>
#include <stdint.h>

enum col_log_level { COL_LOG_ERROR, COL_LOG_WARNING, COL_LOG_INFO, COL_LOG_DEBUG };

typedef struct col_instance col_instance_t;

/** Writes one line in one go when the verbosity asks for it. `instance` names the module. */
COL_API void col_log(const col_instance_t *instance, enum col_log_level level, const char *format,
                     ...) COL_PRINTF(3, 4);

/**
 * Lets one line through, then at most one a minute. Whatever an exporter can cause per message is
 * logged through one of these per session and kind. Zero it before first use.
 */
struct col_log_limit {
    uint64_t next_ms;
    uint64_t suppressed;
};

/** Like col_log(); a line that comes after suppressed ones says how many they were. */
COL_API void col_log_limited(const col_instance_t *instance, struct col_log_limit *limit,
                             enum col_log_level level, const char *format, ...) COL_PRINTF(4, 5);

#endif
