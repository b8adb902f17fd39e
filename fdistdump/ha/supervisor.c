/* SPDX-License-Identifier: BSD-3-Clause */
/** When to end a job. */
#include "supervisor.h"

void supervisor_start(struct supervisor *supervisor, unsigned allowed,
                      int64_t termination_timeout_ms)
{
    *supervisor = (struct supervisor){
        .allowed = allowed,
        .termination_timeout_ms = termination_timeout_ms,
        .phase = SUPERVISOR_RUNNING,
        .deadline_ms = INT64_MAX,
    };
}

void supervisor_observe(struct supervisor *supervisor, unsigned change, int64_t now_ms)
{
    bool denied = (change & ~supervisor->allowed) != 0;

    if (supervisor->phase == SUPERVISOR_RUNNING && denied) {
        supervisor->phase = SUPERVISOR_DENIED;
        supervisor->deadline_ms = now_ms + supervisor->termination_timeout_ms;
    } else if (supervisor->phase == SUPERVISOR_DENIED && !denied) {
        supervisor->phase = SUPERVISOR_RUNNING;
        supervisor->deadline_ms = INT64_MAX;
    }
}

/** Goes on to the next phase. */
static enum supervisor_action escalate(struct supervisor *supervisor, int64_t now_ms)
{
    supervisor->deadline_ms = now_ms + SUPERVISOR_GRACE_MS;
    switch (supervisor->phase) {
    case SUPERVISOR_RUNNING:
    case SUPERVISOR_DENIED:
    case SUPERVISOR_INTERRUPTED:
        supervisor->phase = SUPERVISOR_TERMINATING;
        return SUPERVISOR_TERMINATE;
    case SUPERVISOR_TERMINATING:
        supervisor->phase = SUPERVISOR_KILLED;
        return SUPERVISOR_KILL;
    default:
        supervisor->phase = SUPERVISOR_LOST;
        supervisor->deadline_ms = INT64_MAX;
        return SUPERVISOR_GIVE_UP;
    }
}

enum supervisor_action supervisor_interrupt(struct supervisor *supervisor, int64_t now_ms)
{
    bool again = supervisor->interrupted;

    supervisor->interrupted = true;
    if (supervisor->phase == SUPERVISOR_RUNNING || supervisor->phase == SUPERVISOR_DENIED) {
        supervisor->phase = SUPERVISOR_INTERRUPTED;
        supervisor->deadline_ms = now_ms + SUPERVISOR_GRACE_MS;
        return SUPERVISOR_PASS_ON;
    }
    if (again && (supervisor->phase == SUPERVISOR_INTERRUPTED ||
                  supervisor->phase == SUPERVISOR_TERMINATING)) {
        return escalate(supervisor, now_ms);
    }
    return SUPERVISOR_NOTHING;
}

enum supervisor_action supervisor_end(struct supervisor *supervisor, int64_t now_ms)
{
    return supervisor->phase < SUPERVISOR_TERMINATING ? escalate(supervisor, now_ms)
                                                      : SUPERVISOR_NOTHING;
}

enum supervisor_action supervisor_tick(struct supervisor *supervisor, int64_t now_ms)
{
    return now_ms < supervisor->deadline_ms || supervisor->phase == SUPERVISOR_LOST
               ? SUPERVISOR_NOTHING
               : escalate(supervisor, now_ms);
}

bool supervisor_ended_by_change(const struct supervisor *supervisor)
{
    return supervisor->phase >= SUPERVISOR_TERMINATING && !supervisor->interrupted;
}
