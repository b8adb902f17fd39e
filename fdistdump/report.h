/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Lines on standard error, and failures on their way to one.
 *
 * A line is `LEVEL: CLASS: TEXT<TAB>[MPI: NUMBER/PROCESSES HOST]`, written at once so that lines of
 * several threads and processes never mix. A function that fails fills a struct failure and returns
 * its class, which is also the exit status of the job; only main.c prints failures.
 */
#ifndef FDISTDUMP_REPORT_H
#define FDISTDUMP_REPORT_H

#include <libnf/common.h>

/** What a failure or warning is about; the value is the exit status. */
enum report_class {
    REPORT_OK = 0,
    REPORT_MEMORY = 3,
    REPORT_MPI = 4,
    REPORT_LIBNF = 5,
    REPORT_INTERNAL = 6,
    REPORT_ARGUMENTS = 7,
    REPORT_PATH = 8,
    REPORT_INDEX = 9,         /* only of warnings */
    REPORT_INTERRUPTED = 130, /* as shells say it of a process that SIGINT ended */
};

/** Least verbosity that shows a line; failures are shown always. */
enum report_level {
    REPORT_ERROR = 1,
    REPORT_WARNING = 2,
    REPORT_INFO = 3,
    REPORT_DEBUG = 4,
};

#define REPORT_LINE_SIZE 1024u
#define REPORT_HOST_SIZE 65u

struct failure {
    enum report_class class;
    char text[REPORT_LINE_SIZE];
};

/** Who reports, and how much. Not changed once threads run. */
struct report {
    int verbosity;
    unsigned rank;  /* of this process, from 0 */
    unsigned count; /* of processes */
    char host[REPORT_HOST_SIZE];
    int fd;
};

/** Reports to `fd` with the name of this host. */
void report_init(struct report *report, int fd, int verbosity, unsigned rank, unsigned count);

/** Fills the failure, cutting what does not fit, and returns the class. */
int failure_set(struct failure *failure, enum report_class class, const char *format, ...)
    LNF_PRINTF(3, 4);

/** The same without memory. */
int failure_no_memory(struct failure *failure);

/** Text of a class as lines show it; "internal" for unknown numbers. */
const char *report_class_text(int class);

/** Prints a failure, whatever the verbosity. */
void report_failure(const struct report *report, const struct failure *failure);

/** Prints a warning. Threads: any. */
void report_warning(const struct report *report, enum report_class class, const char *format, ...)
    LNF_PRINTF(3, 4);

/** Prints an information. Threads: any. */
void report_info(const struct report *report, const char *format, ...) LNF_PRINTF(2, 3);

/** Prints a step of the work, for people who ask where time goes or what is done. Threads: any. */
void report_debug(const struct report *report, const char *format, ...) LNF_PRINTF(2, 3);

#endif
