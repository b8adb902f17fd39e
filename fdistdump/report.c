/* SPDX-License-Identifier: BSD-3-Clause */
/** Lines on standard error: level, class, text, and which process wrote them. */
#include "report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_texts[] = {
    [REPORT_ERROR] = "Error",
    [REPORT_WARNING] = "Warning",
    [REPORT_INFO] = "Info",
    [REPORT_DEBUG] = "Debug",
};

static const char *const class_texts[] = {
    [REPORT_OK] = "no error",
    [REPORT_MEMORY] = "out of memory",
    [REPORT_MPI] = "MPI",
    [REPORT_LIBNF] = "libnf",
    [REPORT_INTERNAL] = "internal",
    [REPORT_ARGUMENTS] = "command line arguments",
    [REPORT_PATH] = "path",
    [REPORT_INDEX] = "bfindex",
    [REPORT_INTERRUPTED] = "interrupted",
};

void report_init(struct report *report, int fd, int verbosity, unsigned rank, unsigned count)
{
    *report = (struct report){.verbosity = verbosity, .rank = rank, .count = count, .fd = fd};
    if (gethostname(report->host, sizeof(report->host) - 1) != 0) {
        strcpy(report->host, "localhost");
    }
}

const char *report_class_text(int class)
{
    if (class < 0 || (size_t) class >= sizeof(class_texts) / sizeof(class_texts[0]) ||
        class_texts[class] == NULL) {
        return class_texts[REPORT_INTERNAL];
    }
    return class_texts[class];
}

int failure_set(struct failure *failure, enum report_class class, const char *format, ...)
{
    va_list args;

    failure->class = class;
    va_start(args, format);
    (void)vsnprintf(failure->text, sizeof(failure->text), format, args);
    va_end(args);
    return (int)class;
}

int failure_no_memory(struct failure *failure)
{
    return failure_set(failure, REPORT_MEMORY, "an allocation failed");
}

/** Names of files and filters come from outside: what would move the cursor becomes '?'. */
static void blank_controls(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = '?';
        }
    }
}

static void print_line(const struct report *report, enum report_level level, int class, char *text)
{
    char line[REPORT_LINE_SIZE];
    char tail[REPORT_HOST_SIZE + 48];

    blank_controls(text);
    int tail_length = snprintf(tail, sizeof(tail), "\t[MPI: %u/%u %s]\n", report->rank + 1,
                               report->count, report->host);
    bool classless = level == REPORT_INFO || level == REPORT_DEBUG;
    int length = snprintf(line, sizeof(line), "%s: %s%s%s", level_texts[level],
                          classless ? "" : report_class_text(class), classless ? "" : ": ", text);
    if (tail_length < 0 || length < 0) {
        return;
    }
    size_t room = sizeof(line) - (size_t)tail_length;
    size_t used = (size_t)length < room ? (size_t)length : room;
    memcpy(line + used, tail, (size_t)tail_length);
    ssize_t written = write(report->fd, line, used + (size_t)tail_length);
    (void)written; /* nowhere left to complain */
}

void report_failure(const struct report *report, const struct failure *failure)
{
    char text[sizeof(failure->text)];

    memcpy(text, failure->text, sizeof(text));
    print_line(report, REPORT_ERROR, (int)failure->class, text);
}

/** Prints a line if the verbosity is high enough for its level. */
static LNF_PRINTF(4, 0) void print_wanted(const struct report *report, enum report_level level,
                                          int class, const char *format, va_list args)
{
    char text[REPORT_LINE_SIZE];

    if (report->verbosity >= (int)level) {
        (void)vsnprintf(text, sizeof(text), format, args);
        print_line(report, level, class, text);
    }
}

void report_warning(const struct report *report, enum report_class class, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_wanted(report, REPORT_WARNING, (int)class, format, args);
    va_end(args);
}

void report_info(const struct report *report, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_wanted(report, REPORT_INFO, REPORT_OK, format, args);
    va_end(args);
}

void report_debug(const struct report *report, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_wanted(report, REPORT_DEBUG, REPORT_OK, format, args);
    va_end(args);
}
