/* SPDX-License-Identifier: BSD-3-Clause */
/** Start and end of flow-data-manager, and what it tells. */
#include "descriptors.h"
#include "dm_args.h"
#include "dm_log.h"
#include "expire.h"
#include "profiles.h"
#include "walk.h"

#include <string.h>
#include <time.h>

#define STATUS_INCOMPLETE 1

/** The whole program. */
struct work {
    struct dm_args args;
    struct dm_log log;
    struct tree tree;
    bool is_short;
};

/* ---- scan ----------------------------------------------------------------------------------- */

static int walk_all(struct work *work, struct walk *walk, struct failure *failure)
{
    int class = REPORT_OK;

    *walk = (struct walk){.tree = &work->tree,
                          .log = &work->log,
                          .failure = failure,
                          .lock = work->args.mode == DM_DELETE};
    for (size_t i = 0; i < work->args.profile_count && class == REPORT_OK; i++) {
        class = walk_profile(walk, (uint32_t)i); /* they were the first to be added */
    }
    if (class == REPORT_OK) {
        tree_sort(&work->tree);
    }
    return class;
}

static uint64_t count_columns(const struct tree *tree)
{
    uint64_t columns = tree->file_count > 0;

    for (size_t i = 1; i < tree->file_count; i++) {
        columns += tree->files[i].time_s != tree->files[i - 1].time_s;
    }
    return columns;
}

static void format_time(int64_t time_s, char text[32])
{
    time_t time = (time_t)time_s;
    struct tm tm;

    if (gmtime_r(&time, &tm) == NULL || strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0) {
        text[0] = '\0';
    }
}

static void tell_found(struct work *work, const struct walk *walk)
{
    const struct tree *tree = &work->tree;
    char first[32], last[32];

    dm_log_step(&work->log, "found: %zu files in %llu columns, %llu channels, %llu profiles",
                tree->file_count, (unsigned long long)count_columns(tree),
                (unsigned long long)walk->channel_count, (unsigned long long)walk->profile_count);
    if (tree->file_count > 0) {
        format_time(tree->files[0].time_s, first);
        format_time(tree->files[tree->file_count - 1].time_s, last);
        dm_log_step(&work->log, "times: %s to %s UTC", first, last);
    }
}

static int run_scan(struct work *work, struct failure *failure)
{
    struct walk walk;

    int class = walk_all(work, &walk, failure);
    if (class == REPORT_OK) {
        tell_found(work, &walk);
    }
    return class;
}

/* ---- delete --------------------------------------------------------------------------------- */

static void tell_tally(struct work *work, const char *what, const struct plan_tally *tally)
{
    dm_log_line(&work->log, "%s: %llu files, %llu columns, %llu indexes, %llu bytes", what,
                (unsigned long long)tally->files, (unsigned long long)tally->columns,
                (unsigned long long)tally->indexes, (unsigned long long)tally->octets);
}

static void tell_summary(struct work *work, const struct expire *expire)
{
    tell_tally(work, "delete", &expire->deleted);
    tell_tally(work, "alignment", &expire->aligned);
    dm_log_line(&work->log, "cleanup: %llu directories, %llu indexes, %llu bytes",
                (unsigned long long)expire->directories,
                (unsigned long long)expire->directory_contents.indexes,
                (unsigned long long)expire->directory_contents.octets);
    dm_log_line(&work->log, "disk usage: %.3f %% before, %.3f %% after%s", expire->before,
                expire->after, work->args.dry_run ? " (dry run)" : "");
}

static int lock_all(struct work *work, struct failure *failure)
{
    int class = REPORT_OK;

    for (size_t i = 0; i < work->args.profile_count && class == REPORT_OK; i++) {
        class = profiles_lock(work->tree.directories[i].fd, work->args.profiles[i], &work->log,
                              failure);
    }
    return class;
}

static void tell_rest(struct work *work, const struct expire *expire)
{
    const struct remover *remover = expire->remover;

    if (remover->failed_count > 0) {
        dm_log_warning(&work->log, "%llu files could not be deleted",
                       (unsigned long long)remover->failed_count);
    }
    if (expire->is_short) {
        dm_log_warning(&work->log,
                       "usage is not as low as wanted, and there are no more files to delete");
    }
    work->is_short = expire->is_short;
}

static int expire_all(struct work *work, struct expire *expire, struct failure *failure)
{
    struct walk walk;

    int class = walk_all(work, &walk, failure);
    if (class != REPORT_OK) {
        return class;
    }
    tell_found(work, &walk);
    class = expire_run(expire, failure);
    tell_rest(work, expire);
    tell_summary(work, expire); /* also when it ended early: what was deleted is told */
    return class;
}

static int run_delete(struct work *work, struct failure *failure)
{
    int fd = work->tree.directories[0].fd;
    struct remover remover = {.tree = &work->tree,
                              .log = &work->log,
                              .dry_run = work->args.dry_run != 0,
                              .now_s = (int64_t)time(NULL)};
    struct expire expire = {.remover = &remover,
                            .limits = &work->args.limits,
                            .align = (enum plan_unit)work->args.align,
                            .cleanup = work->args.cleanup != 0,
                            .source = usage_source_of(&fd)};

    profiles_raise_limit();
    int class = lock_all(work, failure);
    if (class == REPORT_OK) {
        class = expire_usage(&expire.source, &expire.before, failure);
    }
    if (class != REPORT_OK) {
        return class;
    }
    expire.after = expire.before;
    if (expire.before >= work->args.boundary) {
        return expire_all(work, &expire, failure);
    }
    dm_log_step(&work->log, "usage is below %g %%, nothing to do", work->args.boundary);
    tell_summary(work, &expire);
    return REPORT_OK;
}

/* ---- program -------------------------------------------------------------------------------- */

static int run(struct work *work, struct failure *failure)
{
    if (work->args.help) {
        dm_args_print_help(work->log.out);
        return REPORT_OK;
    }
    if (work->args.version) {
        (void)fputs("flow-data-manager " FDISTDUMP_VERSION "\n", work->log.out);
        return REPORT_OK;
    }
    int class = profiles_open(&work->tree, work->args.profiles, work->args.profile_count, failure);
    if (class != REPORT_OK) {
        return class;
    }
    return work->args.mode == DM_SCAN ? run_scan(work, failure) : run_delete(work, failure);
}

int main(int argc, char **argv)
{
    struct work work = {.log = {.out = stdout, .err = stderr}};
    struct failure failure = {.class = REPORT_OK};

    descriptors_occupy();
    int class = dm_args_parse(argc, argv, &work.args, &failure);
    work.log.verbose = work.args.verbose != 0;
    if (class == REPORT_OK) {
        class = run(&work, &failure);
    }
    if (class != REPORT_OK) {
        dm_log_error(&work.log, "%s", failure.text);
    }
    tree_clear(&work.tree);
    if ((fflush(stdout) != 0 || ferror(stdout)) && class == REPORT_OK) {
        dm_log_error(&work.log, "the output cannot be written");
        class = REPORT_INTERNAL;
    }
    if (class == REPORT_OK && (work.log.troubles > 0 || work.is_short)) {
        return STATUS_INCOMPLETE;
    }
    return class;
}
