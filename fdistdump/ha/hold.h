/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Output of a job that may have to be thrown away: a try that is ended by a change of the cluster
 * may have printed a part of its answer, and the next one prints all of it.
 *
 * The job writes into a pipe and this program into the file: launchers do not tell when they could
 * not write, and the answer would be cut.
 */
#ifndef FDISTDUMP_HA_HOLD_H
#define FDISTDUMP_HA_HOLD_H

#include "report.h"

#include <stdbool.h>

struct hold {
    int file_fd;
    int write_fd; /* the job's end of the pipe; -1 = closed */
    int read_fd;  /* -1 = at its end */
    bool failed;  /* the file is not whole */
};

/** Closed. */
#define HOLD_NONE ((struct hold){.file_fd = -1, .write_fd = -1, .read_fd = -1})

/**
 * Opens a pipe, and a temporary file without a name in TMPDIR, else /var/tmp.
 *
 * @param[out] hold  the caller's to close, also after a failure
 */
int hold_open(struct hold *hold, struct failure *failure);

/** To be called when the job has its end of the pipe: nobody else keeps it open. */
void hold_close_writer(struct hold *hold);

/**
 * Puts what came through the pipe into the file; waits for nothing. A pipe nobody fills meanwhile
 * is empty afterwards. What comes after a failure is dropped, so that the job can go on to its end.
 *
 * @return REPORT_OK; REPORT_INTERNAL with the system's reason, once
 */
int hold_take(struct hold *hold, struct failure *failure);

/** Copies all of the file; waits for a slow reader; one that went away is no failure. */
int hold_release(const struct hold *hold, int to_fd, struct failure *failure);

void hold_close(struct hold *hold);

#endif
