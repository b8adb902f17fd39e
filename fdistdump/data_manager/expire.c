/* SPDX-License-Identifier: BSD-3-Clause */
/** The loop over columns. */
#include "expire.h"

#include <string.h>

/** State of a run. */
struct run {
    struct expire *expire;
    size_t next;     /* file to look at */
    uint64_t freed;  /* octets on the disk */
    int64_t last_s;  /* column deleted last */
    bool is_deleted; /* there is one */
};

/* ---- usage ---------------------------------------------------------------------------------- */

static int read_usage(const struct usage_source *source, struct usage *usage,
                      struct failure *failure)
{
    int reason = source->read(source->context, usage);

    return reason == 0 ? REPORT_OK
                       : failure_set(failure, REPORT_INTERNAL, "usage of the file system: %s",
                                     strerror(reason));
}

int expire_usage(const struct usage_source *source, double *percent, struct failure *failure)
{
    struct usage usage;

    int class = read_usage(source, &usage, failure);
    if (class == REPORT_OK) {
        *percent = usage_percent(&usage, 0);
    }
    return class;
}

/** Usage now; of a dry run, what it would be. */
static int usage_now(const struct run *run, double *percent, struct failure *failure)
{
    struct usage usage;

    int class = read_usage(&run->expire->source, &usage, failure);
    if (class == REPORT_OK) {
        *percent = usage_percent(&usage, run->expire->remover->dry_run ? run->freed : 0);
    }
    return class;
}

/** What usage must be by what was deleted since the start. */
static int usage_expected(const struct run *run, double *percent, struct failure *failure)
{
    struct usage usage;

    int class = read_usage(&run->expire->source, &usage, failure);
    if (class == REPORT_OK) {
        *percent = run->expire->before -
                   100 * (double)run->freed / ((double)usage.blocks * (double)usage.unit);
    }
    return class;
}

/** Whether usage is low enough. */
static int is_low(const struct run *run, bool *low, struct failure *failure)
{
    const struct expire *expire = run->expire;
    double target, now = 0, expected = 0;

    *low = false;
    if (!plan_has_target(expire->limits)) {
        return REPORT_OK;
    }
    target = plan_target(expire->limits, expire->before);
    int class = usage_now(run, &now, failure);
    if (class == REPORT_OK && now > target && !expire->remover->dry_run) {
        class = usage_expected(run, &expected, failure);
        if (class == REPORT_OK && expected <= target) {
            /* Deleted, and not counted as free yet: going on would delete far too much. */
            expire->source.settle(expire->source.context);
            class = usage_now(run, &now, failure);
        }
    }
    *low = now <= target;
    return class;
}

/* ---- columns -------------------------------------------------------------------------------- */

/** Deletes all files of the next point in time. */
static void delete_column(struct run *run, struct plan_tally *tally)
{
    struct remover *remover = run->expire->remover;
    const struct tree *tree = remover->tree;
    int64_t time_s = tree->files[run->next].time_s;
    struct removed removed = {0};
    uint64_t files = 0;

    for (; run->next < tree->file_count && tree->files[run->next].time_s == time_s; run->next++) {
        if (remove_file(remover, &tree->files[run->next], &removed) == REMOVE_DONE) {
            files++;
        }
    }
    tally->files += files;
    tally->columns += files > 0;
    tally->octets += removed.octets;
    tally->indexes += removed.indexes;
    run->freed += removed.freed;
    if (files > 0) {
        run->is_deleted = true;
        run->last_s = time_s;
    }
}

static int delete_columns(struct run *run, struct failure *failure)
{
    struct expire *expire = run->expire;

    for (;;) {
        bool low;
        int class = is_low(run, &low, failure);
        if (class != REPORT_OK || low || plan_is_enough(expire->limits, &expire->deleted)) {
            return class;
        }
        if (run->next == expire->remover->tree->file_count) {
            expire->is_short = plan_has_target(expire->limits);
            return REPORT_OK;
        }
        delete_column(run, &expire->deleted);
    }
}

static void align(struct run *run)
{
    struct expire *expire = run->expire;
    const struct tree *tree = expire->remover->tree;
    int64_t last_s = run->last_s;

    while (run->is_deleted && run->next < tree->file_count &&
           plan_same_unit(expire->align, last_s, tree->files[run->next].time_s)) {
        delete_column(run, &expire->aligned);
    }
}

int expire_run(struct expire *expire, struct failure *failure)
{
    struct run run = {.expire = expire};

    int class = delete_columns(&run, failure);
    if (class == REPORT_OK) {
        align(&run);
    }
    if (class == REPORT_OK && expire->cleanup) {
        expire->directories = remove_directories(expire->remover, &expire->directory_contents);
        run.freed += expire->directory_contents.freed;
    }
    return class == REPORT_OK ? usage_now(&run, &expire->after, failure) : class;
}
