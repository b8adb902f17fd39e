/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The collector and the system it runs in: daemon, PID file, service manager.
 *
 * Threads: the main thread.
 */
#ifndef COLLECTOR_DAEMON_H
#define COLLECTOR_DAEMON_H

#include <stdbool.h>

/** What has to be undone at the end. Zeroed = nothing. */
struct daemon {
    int ready_fd; /* tells the invoking process; 0 = there is none */
    const char *pid_path;
};

/**
 * Occupies standard descriptors that whoever started the program has closed, or a socket, a flow
 * file or the descriptor of signals would become what log lines are written to. Call it first in
 * main().
 */
void daemon_occupy_streams(void);

/**
 * Goes into the background. The invoking process waits until daemon_ready() or the end of the new
 * one, and exits 0 or 1; only the new process returns from here.
 *
 * @return true in the new process; false: could not fork, the reason has been logged
 */
bool daemon_fork(struct daemon *daemon);

/** Writes the PID file; an error line when it cannot. */
void daemon_write_pid(struct daemon *daemon, const char *path);

/** Everything runs: tells the invoking process and the service manager. */
void daemon_ready(struct daemon *daemon);

/** Tells the service manager what is going on. */
void daemon_notify_reloading(void);
void daemon_notify_running(void);
void daemon_notify_stopping(void);

/** Removes the PID file. */
void daemon_end(struct daemon *daemon);

#endif
