/* SPDX-License-Identifier: BSD-3-Clause */
/** Brings the rows of all slaves together and prints the answer. */
#ifndef FDISTDUMP_MASTER_H
#define FDISTDUMP_MASTER_H

#include "output.h"
#include "progress.h"
#include "query.h"
#include "report.h"
#include "slave.h"
#include "transport.h"

struct master_job {
    const struct query *query;
    const lnf_query_t *compiled;
    const struct report *report;
    output_t *output;
    progress_t *progress;
    lnf_memory_t *memory; /* of the table of all rows; NULL = as much as it needs */
    bool strict;          /* what could not be read is a failure */
    double start_s;       /* of the job, on the monotonic clock */
    bool explain;         /* say on standard error what was done */
};

/** Answers with what the slaves of the job find. */
int master_run(const struct master_job *job, transport_t *transport, struct failure *failure);

/** Answers in a single process, which reads the files itself. */
int master_run_alone(const struct master_job *job, const struct slave_job *slave,
                     struct failure *failure);

#endif
