/* SPDX-License-Identifier: BSD-3-Clause */
/** Deletes columns, the oldest first, until a stop condition is satisfied. */
#ifndef DATA_MANAGER_EXPIRE_H
#define DATA_MANAGER_EXPIRE_H

#include "plan.h"
#include "remove.h"
#include "usage.h"

/** What is wanted and what has come of it. */
struct expire {
    struct remover *remover; /* its tree is sorted */
    const struct plan_limits *limits;
    enum plan_unit align;
    bool cleanup;
    struct usage_source source;
    double before, after; /* percent; after: the caller sets it to before, in case it ends early */

    struct plan_tally deleted, aligned;
    uint64_t directories;
    struct removed directory_contents;
    bool is_short; /* a condition on usage was given, and everything deletable is deleted */
};

/** Reads usage in percent: REPORT_OK; REPORT_INTERNAL. */
int expire_usage(const struct usage_source *source, double *percent, struct failure *failure);

/**
 * Deletes, aligns and cleans up.
 *
 * @param expire  the first part filled in, the second one empty
 * @return REPORT_OK; REPORT_INTERNAL, usage cannot be read: what was deleted until then is counted
 */
int expire_run(struct expire *expire, struct failure *failure);

#endif
