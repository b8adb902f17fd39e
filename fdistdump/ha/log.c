/* SPDX-License-Identifier: BSD-3-Clause */
/** Lines on standard error and output, each written at once. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/** Room for a command line; more is cut. */
#define LINE_SIZE 4096

static void print_line(int fd, const char *prefix, const char *format, va_list args)
    LNF_PRINTF(3, 0);

static void print_line(int fd, const char *prefix, const char *format, va_list args)
{
    char line[LINE_SIZE];

    int start = snprintf(line, sizeof(line), "%s", prefix);
    int length = vsnprintf(line + start, sizeof(line) - (size_t)start, format, args);
    if (length < 0) {
        return;
    }
    size_t size = (size_t)start + (size_t)length;
    size = size < sizeof(line) ? size : sizeof(line) - 1;
    /* Names and what tools say come from outside: nothing of it moves the cursor. */
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)line[i];
        line[i] = c < 0x20 || c == 0x7f ? '?' : line[i];
    }
    line[size++] = '\n';
    ssize_t written = write(fd, line, size);
    (void)written; /* nowhere left to complain */
}

static void print_error(const char *format, ...) LNF_PRINTF(1, 2);

static void print_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(STDERR_FILENO, "Error: fdistdump-ha: ", format, args);
    va_end(args);
}

void log_failure(const struct failure *failure)
{
    print_error("%s", failure->text);
}

void log_warning(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_line(STDERR_FILENO, "Warning: fdistdump-ha: ", format, args);
    va_end(args);
}

void log_step(const struct log *log, const char *format, ...)
{
    va_list args;

    if (!log->verbose) {
        return;
    }
    va_start(args, format);
    print_line(STDOUT_FILENO, "FDISTDUMP-HA VERBOSE: ", format, args);
    va_end(args);
}
