/* SPDX-License-Identifier: BSD-3-Clause */
/** Starts programs, each in a process group of its own so that all of it can be ended. */
#ifndef FDISTDUMP_HA_SPAWN_H
#define FDISTDUMP_HA_SPAWN_H

#include "report.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * Starts a program with /dev/null as standard input and default signals.
 *
 * @param out_fd,err_fd  its standard output and error; -1 = those of this process
 * @param death_signal   what it gets should this process die
 * @param[out] pid       also the number of its process group; to be reaped by events_wait()
 * @return REPORT_OK; REPORT_PATH, it cannot be run, with the system's reason; REPORT_INTERNAL, no
 *         process or descriptor is left
 */
int spawn(char *const *argv, int out_fd, int err_fd, int death_signal, pid_t *pid,
          struct failure *failure);

/** Whether a program is there to be run, by path or in PATH. */
bool spawn_is_program(const char *name);

/**
 * Kills children, started or adopted, that were started with a variable in their environment: what
 * a launcher that was killed left behind. They may have children in turn, who are adopted when they
 * are dead.
 *
 * @return how many there were, and children that are about to be reaped
 */
size_t spawn_kill_orphans(const char *name, const char *value);

#endif
