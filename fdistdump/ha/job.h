/* SPDX-License-Identifier: BSD-3-Clause */
/** One try: runs mpiexec, looks after the cluster meanwhile, ends the job when it must. */
#ifndef FDISTDUMP_HA_JOB_H
#define FDISTDUMP_HA_JOB_H

#include "ha_args.h"
#include "hold.h"
#include "log.h"
#include "view.h"

enum job_outcome {
    JOB_ENDED,       /* by itself */
    JOB_CHANGED,     /* it was ended because the cluster changed */
    JOB_NODE_LOST,   /* it failed, and a node that was online is not any more */
    JOB_INTERRUPTED, /* a signal came */
    JOB_LOST,        /* it was to be ended and nothing helped */
};

struct job_end {
    enum job_outcome outcome;
    int status; /* as a shell has it: 128 + number of a signal */
};

/** What to run, and how to look after it. */
struct job_task {
    char *const *command;
    struct hold *hold;    /* takes the output of the command; NULL = it is that of this process */
    bool has_another_try; /* a failure is looked into longer */
    const struct ha_args *args;
    const struct log *log;
};

/**
 * Runs a command in a process group of its own and supervises it to its end.
 *
 * @param view  who was online when the command was put together; changes are written into it
 * @return REPORT_OK; REPORT_PATH, the command cannot be run; REPORT_INTERNAL, also when the
 *         output cannot be held; REPORT_MEMORY. After a failure no job runs
 */
int job_run(struct events *events, struct view *view, const struct job_task *task,
            struct job_end *end, struct failure *failure);

#endif
