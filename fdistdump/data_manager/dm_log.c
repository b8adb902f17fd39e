/* SPDX-License-Identifier: BSD-3-Clause */
/** Lines in which no name of a file can move the cursor. */
#include "dm_log.h"

#include <stdarg.h>

/** Room for a path and what is said of it; more is cut. */
#define LINE_SIZE 8192
#define TROUBLE_LINES 100

static void print_line(FILE *stream, const char *prefix, const char *format, va_list args)
    LNF_PRINTF(3, 0);

static void print_line(FILE *stream, const char *prefix, const char *format, va_list args)
{
    char line[LINE_SIZE];

    if (vsnprintf(line, sizeof(line), format, args) < 0) {
        return;
    }
    for (char *c = line; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
    }
    (void)fprintf(stream, "%s%s\n", prefix, line);
}

void dm_log_line(struct dm_log *log, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(log->out, "", format, args);
    va_end(args);
}

void dm_log_step(struct dm_log *log, const char *format, ...)
{
    va_list args;

    if (!log->verbose) {
        return;
    }
    va_start(args, format);
    print_line(log->out, "", format, args);
    va_end(args);
}

void dm_log_warning(struct dm_log *log, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(log->err, "Warning: flow-data-manager: ", format, args);
    va_end(args);
}

void dm_log_trouble(struct dm_log *log, const char *format, ...)
{
    va_list args;

    if (log->troubles++ < TROUBLE_LINES) {
        va_start(args, format);
        print_line(log->err, "Error: flow-data-manager: ", format, args);
        va_end(args);
    } else if (log->troubles == TROUBLE_LINES + 1) {
        dm_log_error(log, "further errors are only counted");
    }
}

void dm_log_error(struct dm_log *log, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(log->err, "Error: flow-data-manager: ", format, args);
    va_end(args);
}
