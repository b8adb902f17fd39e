/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Where log lines go: stdout, and syslog once the collector is a daemon.
 *
 * Threads: every function may be called from any thread.
 */
#ifndef COLLECTOR_LOG_H
#define COLLECTOR_LOG_H

#include <ipfixcol/log.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/** Lines up to this level are written: -1 none, 0 errors, 1 warnings, 2 info, 3 debug. */
void log_set_verbosity(int verbosity);

/** True when a line of this level would be written. */
bool log_enabled(enum col_log_level level);

/** From now on lines go to syslog, too (ident ipfixcol, facility daemon, with the PID). */
void log_open_syslog(void);

/** Switches lines on stdout off, or on again. */
void log_use_stdout(bool use);

/** Writes `LEVEL: module: text` in one go. */
void log_line(const char *module, enum col_log_level level, const char *format, ...)
    COL_PRINTF(3, 4);

/** The same with the arguments of a caller. */
void log_vline(const char *module, enum col_log_level level, const char *format, va_list args)
    COL_PRINTF(3, 0);

/** Writes text without level and module, whatever the verbosity (signal notices). */
void log_common(const char *format, ...) COL_PRINTF(1, 2);

/** Writes lines of text without level and module: stdout in one go, syslog line by line. */
void log_block(const char *text);

/**
 * One step of a limit: does a line pass now?
 *
 * @param burst             lines that pass in one minute
 * @param[out] suppressed   lines held back since the last one that passed
 */
struct log_burst {
    uint64_t window_ms; /* start of the current minute, 0 = never used */
    uint32_t passed;
    uint64_t suppressed;
};
bool log_burst_pass(struct log_burst *limit, uint32_t burst, uint64_t now_ms, uint64_t *suppressed);

#endif
