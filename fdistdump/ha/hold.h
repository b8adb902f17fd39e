/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Output of a job that may have to be thrown away: a try that is ended by a change of the cluster
 * may have printed a part of its answer, and the next one prints all of it.
 */
#ifndef FDISTDUMP_HA_HOLD_H
#define FDISTDUMP_HA_HOLD_H

#include "report.h"

/** Opens a temporary file without a name in TMPDIR, else /var/tmp. */
int hold_open(int *fd, struct failure *failure);

/** Copies all of the file; a reader that went away is no failure. */
int hold_release(int fd, int to_fd, struct failure *failure);

#endif
