/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * How many files are done, and when all will be: one line on a terminal, or in a file that others
 * poll.
 *
 * Time left is told once a second has passed and a file is done, but not in JSON, whose members are
 * per cents only. It is what the slowest slave needs at its speed so far.
 */
#ifndef FDISTDUMP_PROGRESS_H
#define FDISTDUMP_PROGRESS_H

#include "report.h"

#include <stdint.h>

enum progress_type { PROGRESS_NONE, PROGRESS_TOTAL, PROGRESS_SLAVES, PROGRESS_JSON };

typedef struct progress progress_t;

/**
 * New progress of `slaves` slaves, which have read nothing yet.
 *
 * @param destination  NULL or "stderr", "stdout", or the name of a file. The file is replaced at
 * once, and by every line, such that readers find a complete line at any time; where the folder
 * does not allow that, or the name is a symbolic link to a missing file, it is overwritten. What
 * cannot be written, or looked at, is a warning, and nothing is shown
 * @return NULL without memory
 */
progress_t *progress_create(enum progress_type type, const char *destination, unsigned slaves,
                            const struct report *report);

/** Frees; NULL is fine. */
void progress_destroy(progress_t *progress);

/** A slave (from 0) has that many files to read. */
void progress_goal(progress_t *progress, unsigned slave, uint64_t files);

/** A slave has finished that many of its files. */
void progress_done(progress_t *progress, unsigned slave, uint64_t files);

/** Prints the present state; the goals of all slaves are known. */
void progress_show(progress_t *progress);

/** Takes the line off the terminal it is on, until the next one: something else will be written
 * there. */
void progress_hide(progress_t *progress);

/** Prints the last state and ends the line. */
void progress_finish(progress_t *progress);

#endif
