/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Decides when a running job is to be ended, and how hard.
 *
 * A state machine without clock or processes: it is told what happened and when, and says what to
 * do.
 *
 *     RUNNING <-> DENIED        the cluster changed in a way that is not allowed
 *     RUNNING, DENIED -> INTERRUPTED   this program got a signal; the job may end by itself
 *     RUNNING, DENIED, INTERRUPTED -> TERMINATING   the job is of no use any more
 *     DENIED, INTERRUPTED -> TERMINATING -> KILLED -> LOST     each after a time limit
 */
#ifndef FDISTDUMP_HA_SUPERVISOR_H
#define FDISTDUMP_HA_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#define SUPERVISOR_GRACE_MS 5000 /* between signals to the job */

enum supervisor_phase {
    SUPERVISOR_RUNNING,
    SUPERVISOR_DENIED,
    SUPERVISOR_INTERRUPTED,
    SUPERVISOR_TERMINATING,
    SUPERVISOR_KILLED,
    SUPERVISOR_LOST,
};

/** What to do with the job. */
enum supervisor_action {
    SUPERVISOR_NOTHING,
    SUPERVISOR_PASS_ON,   /* the signal that came */
    SUPERVISOR_TERMINATE, /* SIGTERM */
    SUPERVISOR_KILL,      /* SIGKILL */
    SUPERVISOR_GIVE_UP,   /* nothing ends it */
};

struct supervisor {
    unsigned allowed; /* enum cluster_change, a set */
    int64_t termination_timeout_ms;
    enum supervisor_phase phase;
    int64_t deadline_ms; /* of the phase; INT64_MAX = none */
    bool interrupted;    /* a signal came: no further try */
};

void supervisor_start(struct supervisor *supervisor, unsigned allowed,
                      int64_t termination_timeout_ms);

/** The cluster was looked at; `change` is relative to the start of the job. */
void supervisor_observe(struct supervisor *supervisor, unsigned change, int64_t now_ms);

/** A signal came; another one does not wait for the end of the phase. */
enum supervisor_action supervisor_interrupt(struct supervisor *supervisor, int64_t now_ms);

/** The job is of no use any more. */
enum supervisor_action supervisor_end(struct supervisor *supervisor, int64_t now_ms);

/** Time passed. */
enum supervisor_action supervisor_tick(struct supervisor *supervisor, int64_t now_ms);

/** Whether the job was ended because the cluster changed. */
bool supervisor_ended_by_change(const struct supervisor *supervisor);

#endif
