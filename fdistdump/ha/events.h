/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The only place where fdistdump-ha waits: for signals, children, output of commands, and time.
 *
 * Signals arrive through a descriptor, so nothing happens behind anybody's back. Children that lose
 * their parent are adopted, so that all of a job can be found and none is left a zombie.
 */
#ifndef FDISTDUMP_HA_EVENTS_H
#define FDISTDUMP_HA_EVENTS_H

#include "commands.h"

#include <signal.h>

/** The job, or no job: {0}. */
struct events_job {
    pid_t pid; /* 0 = none runs */
    bool ended;
    int status; /* as waitpid() tells */
};

struct events {
    int signal_fd;
    sigset_t mask; /* of signals, before */
    int input_fd;  /* also waited for, its owner reads; -1 = none */
    struct events_job job;
    int signal;       /* last SIGINT, SIGTERM or SIGHUP; 0 = none yet */
    unsigned signals; /* how many came */
};

/** Blocks the signals and opens their descriptor. */
int events_open(struct events *events, struct failure *failure);

/** From then on signals do what they do to any program. */
void events_close(struct events *events);

/** Milliseconds of a clock that only goes forward. */
int64_t events_now_ms(void);

/**
 * Waits until something happened, and lets the commands have what concerns them.
 *
 * @param commands     what runs beside; NULL = nothing
 * @param deadline_ms  latest return; INT64_MAX = none
 */
int events_wait(struct events *events, struct commands *commands, int64_t deadline_ms,
                struct failure *failure);

/**
 * Runs commands to their end.
 *
 * @return REPORT_OK, whatever became of them; REPORT_INTERNAL, a signal came (events->signal) or
 * the system failed
 */
int events_run(struct events *events, struct commands *commands, struct failure *failure);

#endif
