/* SPDX-License-Identifier: BSD-3-Clause */
/** Runs and supervises one job. */
#include "job.h"
#include "spawn.h"
#include "supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** Variable by which processes of a job are known from those that probes left running. */
#define JOB_MARK "FDISTDUMP_HA_JOB"
#define ORPHAN_PAUSE_MS 20 /* until those who were killed are gone */
#define MARK_SIZE 24

/** A job being supervised. */
struct watch {
    struct events *events;
    struct view *view;
    const struct ha_args *args;
    const struct log *log;
    bool has_another_try;
    struct hold *hold;           /* NULL = none */
    struct failure hold_failure; /* when it failed */
    struct supervisor supervisor;
    pid_t group;
    unsigned signals;     /* those that have been dealt with */
    struct commands look; /* running look at the cluster */
    bool is_looking;
    int64_t next_look_ms;
    bool is_blind;           /* the last look failed */
    bool *at_start, *before; /* who was online at the start, at the last look */
};

/** Value of JOB_MARK in the environment of the job, and nowhere else. */
static void print_mark(char *value, size_t size)
{
    (void)snprintf(value, size, "%ld", (long)getpid());
}

/* ---- signals to the job --------------------------------------------------------------------- */

static void act(struct watch *watch, enum supervisor_action action)
{
    switch (action) {
    case SUPERVISOR_PASS_ON:
        log_step(watch->log, "signal %d: passed on to the job", watch->events->signal);
        (void)kill(-watch->group, watch->events->signal);
        break;
    case SUPERVISOR_TERMINATE:
        log_step(watch->log, "the job is told to end");
        (void)kill(-watch->group, SIGTERM);
        break;
    case SUPERVISOR_KILL:
        log_warning("the job does not end when told to: it is killed");
        (void)kill(-watch->group, SIGKILL);
        break;
    default:
        break;
    }
}

static int start(struct watch *watch, char *const *command, struct failure *failure)
{
    struct events *events = watch->events;
    int out_fd = watch->hold == NULL ? -1 : watch->hold->write_fd;
    char mark[MARK_SIZE];

    events->job = (struct events_job){.pid = 0};
    print_mark(mark, sizeof(mark));
    if (setenv(JOB_MARK, mark, 1) != 0) {
        return failure_no_memory(failure);
    }
    int class = spawn(command, out_fd, -1, SIGTERM, &watch->group, failure);
    (void)unsetenv(JOB_MARK);
    if (watch->hold != NULL) {
        hold_close_writer(watch->hold);
    }
    if (class == REPORT_OK) {
        events->job.pid = watch->group;
        events->input_fd = watch->hold == NULL ? -1 : watch->hold->read_fd;
    }
    return class;
}

/* ---- looks at the cluster ------------------------------------------------------------------- */

static void remember(const struct watch *watch, bool *states)
{
    for (size_t i = 0; i < watch->view->cluster.count; i++) {
        states[i] = watch->view->cluster.nodes[i].online;
    }
}

static int start_look(struct watch *watch, int64_t now_ms, struct failure *failure)
{
    commands_clear(&watch->look);
    int class = view_look(watch->view, &watch->look, failure);
    if (class != REPORT_OK) {
        return class;
    }
    watch->is_looking = true;
    watch->next_look_ms = now_ms + watch->args->interval_ms;
    commands_step(&watch->look, now_ms);
    return REPORT_OK;
}

static void tell_changes(struct watch *watch)
{
    const struct cluster *cluster = &watch->view->cluster;

    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->nodes[i].online != watch->before[i]) {
            log_warning("node %s went %s", cluster->nodes[i].name,
                        cluster->nodes[i].online ? "online" : "offline");
        }
    }
}

/** A look that fails says nothing about the cluster: the last one holds. */
static bool take_look(struct watch *watch)
{
    struct failure reason;

    watch->is_looking = false;
    if (view_take(watch->view, &watch->look, &reason) != REPORT_OK) {
        if (!watch->is_blind) {
            log_warning("the state of the cluster is not known: %s", reason.text);
        }
        watch->is_blind = true;
        return false;
    }
    if (watch->is_blind) {
        log_warning("the state of the cluster is known again");
        watch->is_blind = false;
    }
    tell_changes(watch);
    remember(watch, watch->before);
    return true;
}

static void judge_look(struct watch *watch, int64_t now_ms)
{
    enum supervisor_phase phase = watch->supervisor.phase;

    if (!take_look(watch)) {
        return;
    }
    supervisor_observe(&watch->supervisor, cluster_compare(&watch->view->cluster, watch->at_start),
                       now_ms);
    if (watch->supervisor.phase != phase) {
        log_step(watch->log, "the state of the cluster is %s",
                 watch->supervisor.phase == SUPERVISOR_DENIED ? "not allowed" : "allowed again");
    }
}

/* ---- supervision ---------------------------------------------------------------------------- */

static int64_t next_event_ms(const struct watch *watch)
{
    bool is_waiting = !watch->is_looking && watch->next_look_ms < watch->supervisor.deadline_ms;

    return is_waiting ? watch->next_look_ms : watch->supervisor.deadline_ms;
}

/** Whether looks at the cluster can still change anything. */
static bool needs_looks(const struct watch *watch)
{
    return watch->supervisor.phase == SUPERVISOR_RUNNING ||
           watch->supervisor.phase == SUPERVISOR_DENIED;
}

/** An answer that cannot be kept whole is not worth the rest of the job. */
static void take_output(struct watch *watch)
{
    struct hold *hold = watch->hold;

    if (hold == NULL) {
        return;
    }
    if (hold_take(hold, &watch->hold_failure) != REPORT_OK && !watch->events->job.ended) {
        act(watch, supervisor_end(&watch->supervisor, events_now_ms()));
    }
    watch->events->input_fd = hold->read_fd;
}

static int supervise(struct watch *watch, struct failure *failure)
{
    struct events *events = watch->events;

    while (!events->job.ended && watch->supervisor.phase != SUPERVISOR_LOST) {
        int64_t now_ms = events_now_ms();
        if (!watch->is_looking && !needs_looks(watch)) {
            watch->next_look_ms = INT64_MAX;
        } else if (!watch->is_looking && now_ms >= watch->next_look_ms) {
            int class = start_look(watch, now_ms, failure);
            if (class != REPORT_OK) {
                return class;
            }
        }
        int class = events_wait(events, watch->is_looking ? &watch->look : NULL,
                                next_event_ms(watch), failure);
        if (class != REPORT_OK) {
            return class;
        }
        take_output(watch); /* the rest of it when the job has ended */
        now_ms = events_now_ms();
        while (events->signals != watch->signals && !events->job.ended) {
            watch->signals++;
            act(watch, supervisor_interrupt(&watch->supervisor, now_ms));
        }
        if (watch->is_looking && commands_done(&watch->look)) {
            judge_look(watch, now_ms);
        }
        if (!events->job.ended) {
            act(watch, supervisor_tick(&watch->supervisor, now_ms));
        }
    }
    return REPORT_OK;
}

/* ---- end ------------------------------------------------------------------------------------ */

/**
 * A launcher that crashed or was killed leaves its processes to this one; all of them are to end.
 * What probes left running, such as shared connections of ssh, stays.
 */
static int end_orphans(struct watch *watch, struct failure *failure)
{
    int64_t until_ms = events_now_ms() + SUPERVISOR_GRACE_MS;
    char mark[MARK_SIZE];
    int class = REPORT_OK;

    print_mark(mark, sizeof(mark));
    while (class == REPORT_OK && spawn_kill_orphans(JOB_MARK, mark) > 0 &&
           events_now_ms() < until_ms) {
        class = events_wait(watch->events, NULL, events_now_ms() + ORPHAN_PAUSE_MS, failure);
    }
    return class;
}

static int shell_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/** Failures fdistdump explains itself; what the launcher says of a lost node is none of these. */
static bool is_explained(int status)
{
    return status == REPORT_MEMORY || status == REPORT_LIBNF || status == REPORT_INTERNAL ||
           status == REPORT_ARGUMENTS || status == REPORT_PATH;
}

/** Waits for the time of the next look, or a signal. */
static int await_look(struct watch *watch, struct failure *failure)
{
    while (events_now_ms() < watch->next_look_ms && watch->events->signals == watch->signals) {
        int class = events_wait(watch->events, NULL, watch->next_look_ms, failure);
        if (class != REPORT_OK) {
            return class;
        }
    }
    return watch->events->signals == watch->signals
               ? REPORT_OK
               : failure_set(failure, REPORT_INTERNAL, "ended by signal %d", watch->events->signal);
}

/**
 * Whether a job that failed had lost a node. The launcher may notice before the cluster does: with
 * another try at hand that is given the time a denied change has.
 */
static int find_lost_node(struct watch *watch, int status, bool *lost, struct failure *failure)
{
    bool is_patient = watch->has_another_try && !is_explained(status);
    int64_t until_ms = events_now_ms() + (is_patient ? watch->args->termination_timeout_ms : 0);
    int class = REPORT_OK;

    *lost = false;
    watch->next_look_ms = events_now_ms();
    do {
        class = await_look(watch, failure);
        if (class == REPORT_OK) {
            class = start_look(watch, events_now_ms(), failure);
        }
        if (class == REPORT_OK) {
            class = events_run(watch->events, &watch->look, failure);
        }
        if (class == REPORT_OK && take_look(watch)) {
            *lost = (cluster_compare(&watch->view->cluster, watch->at_start) & CLUSTER_FEWER) != 0;
        }
    } while (class == REPORT_OK && !*lost && watch->next_look_ms < until_ms);
    return class;
}

static int conclude(struct watch *watch, struct job_end *end, struct failure *failure)
{
    bool lost = false;
    int class = REPORT_OK;

    if (!watch->events->job.ended) {
        *end = (struct job_end){.outcome = JOB_LOST};
        return REPORT_OK;
    }
    *end = (struct job_end){.status = shell_status(watch->events->job.status)};
    if (end->status != 0) {
        commands_clear(&watch->look);
        watch->is_looking = false;
        class = end_orphans(watch, failure);
    }
    if (class == REPORT_OK && watch->hold != NULL && watch->hold->failed) {
        *failure = watch->hold_failure;
        class = (int)failure->class;
    }
    if (class != REPORT_OK) {
        return class;
    }
    if (watch->supervisor.interrupted) {
        end->outcome = JOB_INTERRUPTED;
    } else if (supervisor_ended_by_change(&watch->supervisor) && end->status != 0) {
        end->outcome = JOB_CHANGED;
    } else if (end->status != 0) {
        class = find_lost_node(watch, end->status, &lost, failure);
        end->outcome = lost ? JOB_NODE_LOST : JOB_ENDED;
        if (watch->events->signals != watch->signals) {
            end->outcome = JOB_INTERRUPTED;
            class = REPORT_OK;
        }
    }
    return class;
}

/** Leaves no job behind when supervision itself fails; the program ends soon. */
static void abandon(struct watch *watch)
{
    if (watch->events->job.pid != 0) {
        (void)kill(-watch->group, SIGKILL);
        watch->events->job.pid = 0;
    }
}

int job_run(struct events *events, struct view *view, const struct job_task *task,
            struct job_end *end, struct failure *failure)
{
    size_t count = view->cluster.count;
    struct watch watch = {
        .events = events,
        .view = view,
        .args = task->args,
        .log = task->log,
        .has_another_try = task->has_another_try,
        .hold = task->hold,
        .signals = events->signals,
        .next_look_ms = events_now_ms() + task->args->interval_ms,
        .at_start = calloc(count + 1, sizeof(bool)),
        .before = calloc(count + 1, sizeof(bool)),
    };
    int class =
        watch.at_start == NULL || watch.before == NULL ? failure_no_memory(failure) : REPORT_OK;

    if (class == REPORT_OK) {
        remember(&watch, watch.at_start);
        remember(&watch, watch.before);
        supervisor_start(&watch.supervisor, task->args->allowed,
                         task->args->termination_timeout_ms);
        class = start(&watch, task->command, failure);
    }
    if (class == REPORT_OK) {
        class = supervise(&watch, failure);
        events->input_fd = -1;
        if (class == REPORT_OK) {
            class = conclude(&watch, end, failure);
        }
        if (class != REPORT_OK) {
            abandon(&watch);
        }
    }
    commands_clear(&watch.look);
    free(watch.at_start);
    free(watch.before);
    return class;
}
