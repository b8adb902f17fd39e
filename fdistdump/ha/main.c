/* SPDX-License-Identifier: BSD-3-Clause */
/** Start and end of fdistdump-ha, and the tries between. */
#include "descriptors.h"
#include "ha_args.h"
#include "hold.h"
#include "job.h"
#include "log.h"
#include "plan.h"
#include "spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES_USED_UP 255
#define VERSION_LIMIT_MS 10000

/** The whole program. */
struct work {
    struct ha_args args;
    struct words paths; /* relative ones */
    struct log log;
    struct events events;
    struct view view;
    int64_t tried;
};

/* ---- what is asked for ---------------------------------------------------------------------- */

static int choose_paths(struct work *work, struct failure *failure)
{
    for (size_t i = 0; i < work->args.paths.count; i++) {
        const char *path = work->args.paths.list[i];
        if (path[0] == '/' || path[0] == '\0') {
            log_warning("path `%s' is skipped: it must be relative to the path of flow files",
                        path);
        } else {
            words_add(&work->paths, path);
        }
    }
    if (work->paths.failed) {
        return failure_no_memory(failure);
    }
    if (work->paths.count == 0) {
        return failure_set(failure, REPORT_ARGUMENTS, "missing path");
    }
    return REPORT_OK;
}

/** The file that was named, else Pacemaker where it is installed, else the installed file. */
static int choose_source(struct work *work, struct failure *failure)
{
    work->view.file = work->args.cluster_file;
    if (work->view.file != NULL) {
        return REPORT_OK;
    }
    char *missing = pacemaker_missing_tools();
    if (missing == NULL) {
        return failure_no_memory(failure);
    }
    int class = REPORT_OK;
    if (missing[0] != '\0') {
        work->view.file = FDISTDUMP_HA_CLUSTER_FILE;
        if (access(work->view.file, F_OK) != 0) {
            class = failure_set(failure, REPORT_PATH,
                                "no cluster is known: neither Pacemaker's tools (%s missing) nor "
                                "the file %s are there; see --cluster-file",
                                missing, FDISTDUMP_HA_CLUSTER_FILE);
        }
    }
    free(missing);
    return class;
}

static bool is_open_mpi(const struct command *version)
{
    const char *said = version->out.text == NULL ? "" : version->out.text;

    return strstr(said, "OpenRTE") != NULL || strstr(said, "Open MPI") != NULL ||
           strstr(said, "open-mpi") != NULL;
}

/** Lists of hosts differ between launchers; Open MPI's are what is written here. */
static int check_launcher(struct work *work, struct failure *failure)
{
    struct commands commands = {.list = NULL};
    struct command *command = commands_add(&commands, VERSION_LIMIT_MS);

    if (command == NULL) {
        return failure_no_memory(failure);
    }
    words_add(&command->argv, work->args.mpiexec);
    words_add(&command->argv, "--version");
    int class = events_run(&work->events, &commands, failure);
    if (class == REPORT_OK && (command->end != COMMAND_ENDED || command->status != 0)) {
        class = command_judge(command, failure);
    } else if (class == REPORT_OK && !is_open_mpi(command)) {
        class = failure_set(failure, REPORT_PATH,
                            "%.256s is not Open MPI's; other launchers are not supported",
                            work->args.mpiexec);
    }
    commands_clear(&commands);
    return class;
}

static int check_programs(struct work *work, struct failure *failure)
{
    if (!spawn_is_program(work->args.mpiexec)) {
        return failure_set(failure, REPORT_PATH, "no program %.256s", work->args.mpiexec);
    }
    if (!spawn_is_program(work->args.fdistdump)) {
        log_warning("no program %s on this host; the nodes may have it", work->args.fdistdump);
    }
    return check_launcher(work, failure);
}

/* ---- tries ---------------------------------------------------------------------------------- */

static bool has_another_try(const struct work *work)
{
    return work->args.tries == 0 || work->tried < work->args.tries;
}

static void tell_plan(struct work *work, const struct plan *plan)
{
    char *command = work->log.verbose ? words_join(&plan->command) : NULL;

    for (size_t i = 0; i < plan->warnings.count; i++) {
        log_warning("%s", plan->warnings.list[i]);
    }
    log_step(&work->log, "try %lld, master %s: %s", (long long)work->tried,
             work->view.cluster.nodes[plan->master].name, command == NULL ? "" : command);
    free(command);
}

/** Once more, after whatever the job wrote: a number without this would be taken for the answer. */
static void tell_missing(const struct plan *plan)
{
    for (size_t i = 0; i < plan->missing.count; i++) {
        log_warning("the answer is incomplete: data of node %s are missing", plan->missing.list[i]);
    }
}

static int run_job(struct work *work, const struct plan *plan, struct job_end *end,
                   struct failure *failure)
{
    struct hold hold = HOLD_NONE;
    struct job_task task = {
        .command = plan->command.list,
        .has_another_try = has_another_try(work),
        .args = &work->args,
        .log = &work->log,
    };
    int class = REPORT_OK;

    if (task.has_another_try) {
        task.hold = &hold;
        class = hold_open(&hold, failure);
    }
    if (class == REPORT_OK) {
        class = job_run(&work->events, &work->view, &task, end, failure);
    }
    bool is_final =
        class == REPORT_OK && (end->outcome == JOB_ENDED || end->outcome == JOB_INTERRUPTED);
    if (is_final && task.hold != NULL) {
        /* Nothing is left to look after: a signal ends the program, also when nobody reads. */
        events_close(&work->events);
        class = hold_release(&hold, STDOUT_FILENO, failure);
    }
    if (is_final && class == REPORT_OK && end->outcome == JOB_ENDED) {
        tell_missing(plan);
    }
    hold_close(&hold);
    return class;
}

/** One try from a fresh view of the cluster. */
static int try_once(struct work *work, struct job_end *end, struct failure *failure)
{
    struct plan plan = {.master = 0};

    work->tried++;
    int class = view_read(&work->view, &work->events, failure);
    if (class == REPORT_OK) {
        class = plan_build(&work->view.cluster, &work->args, &work->paths, &plan, failure);
    }
    if (class == REPORT_OK) {
        tell_plan(work, &plan);
        class = run_job(work, &plan, end, failure);
    }
    plan_clear(&plan);
    return class;
}

/** Exit status of a try, or -1 for another one. */
static int judge_try(const struct work *work, const struct job_end *end)
{
    bool again = has_another_try(work);

    if (end->outcome != JOB_ENDED && end->outcome != JOB_INTERRUPTED && work->events.signal != 0) {
        return 128 + work->events.signal; /* it came when the job had ended */
    }
    switch (end->outcome) {
    case JOB_CHANGED:
        log_warning("the job was ended because the cluster changed: %s",
                    again ? "it is started again" : "no try is left");
        return again ? -1 : TRIES_USED_UP;
    case JOB_NODE_LOST:
        log_warning("the job failed with status %d, and a node went offline: %s", end->status,
                    again ? "it is started again" : "no try is left");
        return again ? -1 : end->status;
    case JOB_LOST:
        log_warning("the job cannot be killed and is left to itself");
        return TRIES_USED_UP;
    default:
        return end->status;
    }
}

static int run(struct work *work, int *status, struct failure *failure)
{
    int class = ha_args_check_environment(environ, failure);
    if (class == REPORT_OK) {
        class = choose_paths(work, failure);
    }
    if (class == REPORT_OK) {
        class = choose_source(work, failure);
    }
    if (class == REPORT_OK) {
        class = events_open(&work->events, failure);
    }
    if (class == REPORT_OK) {
        class = check_programs(work, failure);
    }
    for (*status = -1; class == REPORT_OK && *status == -1;) {
        struct job_end end = {.outcome = JOB_ENDED};
        class = try_once(work, &end, failure);
        if (class == REPORT_OK) {
            *status = judge_try(work, &end);
        }
    }
    return class;
}

/* ---- program -------------------------------------------------------------------------------- */

static int print_information(const struct work *work, struct failure *failure)
{
    if (work->args.help) {
        ha_args_print_help(stdout);
    } else {
        puts("fdistdump-ha " FDISTDUMP_VERSION);
    }
    return fflush(stdout) == 0 && !ferror(stdout)
               ? REPORT_OK
               : failure_set(failure, REPORT_INTERNAL, "cannot write the output: %s",
                             strerror(errno));
}

int main(int argc, char **argv)
{
    struct work work = {.events = {.signal_fd = -1}};
    struct failure failure = {.class = REPORT_OK};
    int status = 0;

    descriptors_occupy();
    int class = ha_args_parse(argc, argv, getenv("MPI_SUFFIX"), &work.args, &failure);
    work.log.verbose = work.args.verbose != 0;
    if (class == REPORT_OK) {
        class = work.args.help || work.args.version ? print_information(&work, &failure)
                                                    : run(&work, &status, &failure);
    }
    if (class != REPORT_OK && work.events.signal != 0) {
        status = 128 + work.events.signal; /* what failed was interrupted */
    } else if (class != REPORT_OK) {
        log_failure(&failure);
        status = class;
    }
    view_clear(&work.view);
    events_close(&work.events);
    words_clear(&work.paths);
    ha_args_clear(&work.args);
    return status;
}
