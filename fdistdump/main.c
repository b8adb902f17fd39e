/* SPDX-License-Identifier: BSD-3-Clause */
/** Start and end of the program: command line, agreement with the other processes, master or slave.
 */
#include "args.h"
#include "descriptors.h"
#include "exchange.h"
#include "flow_files.h"
#include "interrupt.h"
#include "link.h"
#include "master.h"
#include "memory_limit.h"
#include "output.h"
#include "progress.h"
#include "time_spec.h"
#include "transport.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/** What the command line of this process says, understood. */
struct work {
    struct args args;
    struct query query;
    lnf_query_t *compiled;
    struct time_range range;
    bool has_range;
    struct flow_files files;
    struct report report;
    uint64_t memory_limit; /* octets; UINT64_MAX = not given */
    lnf_memory_t *memory;
    double start_s;
};

/* ---- command line --------------------------------------------------------------------------- */

static int read_times(struct work *work, struct failure *failure)
{
    const struct args *args = &work->args;
    int64_t now_s = (int64_t)time(NULL);
    int class = zone_select(args->time_zone, failure);

    if (class != REPORT_OK) {
        return class;
    }
    /* Scripts for older versions give ranges to -t; no point in time contains a '#'. */
    bool is_range = args->time_range != NULL ||
                    (args->time_point != NULL && strchr(args->time_point, '#') != NULL);
    const char *text = args->time_range != NULL ? args->time_range : args->time_point;
    work->has_range = text != NULL;
    if (text == NULL) {
        return REPORT_OK;
    }
    return is_range ? time_spec_range(text, now_s, &work->range, failure)
                    : time_spec_point(text, now_s, &work->range, failure);
}

/** From words to a compiled question. Nothing is printed yet: another process may be the one to. */
static int understand(struct work *work, int argc, char **argv, struct failure *failure)
{
    unsigned items = 0;

    int class = args_parse(argc, argv, &work->args, failure);
    if (class != REPORT_OK || work->args.help || work->args.version) {
        return class;
    }
    if (work->args.memory_limit != NULL) {
        class = memory_limit_read(work->args.memory_limit, &work->memory_limit, failure);
    }
    if (class == REPORT_OK) {
        class = args_items(&work->args, &items, failure);
    }
    if (class == REPORT_OK) {
        class = read_times(work, failure);
    }
    if (class == REPORT_OK) {
        class = query_build(&work->args.words, items, &work->query, failure);
    }
    if (class == REPORT_OK) {
        work->query.exchange = (enum query_exchange)work->args.exchange;
        work->query.no_tput = work->args.no_tput != 0;
        work->query.no_index = work->args.no_index != 0;
        work->query.geo_database = work->args.geo_database;
        class = query_compile(&work->query, &work->compiled, failure);
    }
    if (class == REPORT_OK) {
        class = exchange_check(&work->query, failure);
    }
    return class;
}

/* ---- agreement ------------------------------------------------------------------------------ */

/** Ends the job at once: the others may be in a call that this process never makes. */
static _Noreturn void give_up(const struct work *work, transport_t *transport,
                              const struct failure *failure)
{
    report_failure(&work->report, failure);
    transport_abort(transport, (int)failure->class);
}

/** What failed on the first process on which something did, and which one that is. */
static int first_class(const struct work *work, transport_t *transport, int class, unsigned *rank)
{
    struct failure failure;

    if (transport_agree(transport, &class, rank, &failure) != REPORT_OK) {
        give_up(work, transport, &failure);
    }
    return class;
}

/** Ends the job in order when a process cannot go on; the first of them says why. */
static int agree(const struct work *work, transport_t *transport, int class,
                 const struct failure *failure)
{
    unsigned rank;

    class = first_class(work, transport, class, &rank);
    if (class != REPORT_OK && rank == transport_rank(transport)) {
        report_failure(&work->report, failure);
    }
    return class;
}

/** Compares this process's question with the master's. */
static int compare_query(const struct work *work, transport_t *transport, struct failure *failure)
{
    size_t size = query_packed_size(&work->query), copy_size = 0;
    uint8_t *packed = malloc(size), *copy = NULL;
    struct query masters = {.filter = NULL};

    if (packed == NULL) {
        (void)failure_no_memory(failure);
        give_up(work, transport, failure);
    }
    query_pack(&work->query, packed);
    int class =
        transport_broadcast(transport, packed, size, QUERY_PACKED_MAX, &copy, &copy_size, failure);
    if (class != REPORT_OK) {
        give_up(work, transport, failure);
    }
    class = copy == NULL
                ? failure_set(failure, REPORT_MPI, "the master's question has a wrong size")
                : query_unpack(copy, copy_size, &masters, failure);
    if (class == REPORT_OK) {
        const char *difference = query_difference(&masters, &work->query);
        if (difference != NULL) {
            class = failure_set(failure, REPORT_ARGUMENTS,
                                "options of this process differ from those of the first: %s",
                                difference);
        }
    }
    query_clear(&masters);
    free(packed);
    free(copy);
    return class;
}

static int check_paths(const struct work *work, const transport_t *transport,
                       struct failure *failure)
{
    bool reads = transport_count(transport) == 1 || transport_rank(transport) != TRANSPORT_MASTER;

    if (reads && work->args.path_count == 0) {
        return failure_set(failure, REPORT_ARGUMENTS, "missing path");
    }
    return REPORT_OK;
}

/* ---- work ----------------------------------------------------------------------------------- */

static int find_files(struct work *work, unsigned rank, struct failure *failure)
{
    struct flow_files_context context = {
        .report = &work->report,
        .rank = rank,
        .host = work->report.host,
        .range = work->has_range ? &work->range : NULL,
    };

    if (work->query.items == 0) {
        return REPORT_OK; /* nothing will be printed */
    }
    for (size_t i = 0; i < work->args.path_count; i++) {
        size_t before = work->files.count;
        int class = flow_files_add(&work->files, work->args.paths[i], &context, failure);
        if (class != REPORT_OK) {
            return class;
        }
        report_debug(&work->report, "path `%s': %zu files to read", work->args.paths[i],
                     work->files.count - before);
    }
    return REPORT_OK;
}

static struct slave_job slave_job(const struct work *work)
{
    return (struct slave_job){
        .query = &work->query,
        .compiled = work->compiled,
        .paths = work->files.paths,
        .path_count = work->files.count,
        .skipped = work->files.skipped,
        .threads = work->args.threads > 0 ? (unsigned)work->args.threads : slave_default_threads(),
        .memory = work->memory,
        .report = &work->report,
    };
}

static int run_slave(struct work *work, transport_t *transport, struct failure *failure)
{
    int class = find_files(work, transport_rank(transport), failure);
    if (class != REPORT_OK) {
        link_tell_failure(transport, &work->report, failure);
        return class;
    }
    struct slave_job job = slave_job(work);
    return link_run(&job, transport, failure);
}

/** Whether a descriptor shows to a person. A launcher stands between its processes and any
 * terminal: what looks like one here may end in a file. */
static bool is_terminal(int fd, const transport_t *transport)
{
    return !transport_launched(transport) && isatty(fd) == 1;
}

/** See https://no-color.org for NO_COLOR. */
static bool wants_emphasis(const transport_t *transport)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return is_terminal(STDOUT_FILENO, transport) && (no_color == NULL || *no_color == '\0') &&
           terminal != NULL && *terminal != '\0' && strcmp(terminal, "dumb") != 0;
}

static struct output_options output_options(const struct args *args, const transport_t *transport)
{
    bool pretty = args->format == ARGS_PRETTY;

#define CHOICE(member, preset) (args->member == ARGS_DEFAULT ? (preset) : args->member)
    return (struct output_options){
        .format = (enum output_format)args->format,
        .rich_header = args->rich_header != 0,
        .ellipsize = args->no_ellipsize == 0,
        .emphasis = wants_emphasis(transport),
        .style =
            {
                .timestamps = CHOICE(timestamps, pretty) != 0,
                .flags = CHOICE(flags, pretty) != 0,
                .addresses = CHOICE(addresses, pretty || args->format == ARGS_JSON) != 0,
                .protocols = CHOICE(protocols, pretty) != 0,
                .durations = CHOICE(durations, pretty) != 0,
                .volumes = (enum convert_volume)CHOICE(volumes, pretty ? ARGS_VOLUME_METRIC
                                                                       : ARGS_VOLUME_NONE),
            },
    };
#undef CHOICE
}

/** The bar nobody asked for appears where lines can be drawn over, or may be: a launcher knows. */
static enum progress_type progress_type(const struct args *args, const transport_t *transport)
{
    if (args->progress_type != ARGS_DEFAULT) {
        return (enum progress_type)args->progress_type;
    }
    return args->progress_destination != NULL || transport_launched(transport) ||
                   is_terminal(STDERR_FILENO, transport)
               ? PROGRESS_TOTAL
               : PROGRESS_NONE;
}

static void hide_progress(void *progress)
{
    progress_hide(progress);
}

static int answer(struct work *work, transport_t *transport, struct master_job *job,
                  struct failure *failure)
{
    if (transport_count(transport) > 1) {
        return master_run(job, transport, failure);
    }
    int class = find_files(work, 1, failure); /* the only reader is the first slave */
    if (class != REPORT_OK) {
        return class;
    }
    struct slave_job slave = slave_job(work);
    return master_run_alone(job, &slave, failure);
}

static int run_master(struct work *work, transport_t *transport, struct failure *failure)
{
    unsigned count = transport_count(transport);
    struct output_options options = output_options(&work->args, transport);
    struct master_job job = {
        .query = &work->query,
        .compiled = work->compiled,
        .report = &work->report,
        .memory = work->memory,
        .strict = work->args.strict != 0,
        .start_s = work->start_s,
        .explain = work->args.explain != 0,
    };

    job.output = output_create(&work->query, work->compiled, &options, STDOUT_FILENO);
    job.progress =
        progress_create(progress_type(&work->args, transport), work->args.progress_destination,
                        count > 1 ? count - 1 : 1, &work->report);
    int class = REPORT_OK;
    if (job.output == NULL || job.progress == NULL) {
        class = failure_no_memory(failure);
    } else {
        if (is_terminal(STDOUT_FILENO, transport)) { /* the progress may be on the same one */
            output_before_write(job.output, hide_progress, job.progress);
        }
        class = answer(work, transport, &job, failure);
    }
    output_destroy(job.output);
    progress_destroy(job.progress);
    return class;
}

/** Half of the memory there is, shared by the processes of the job on this host, when nothing else
 * is said. */
static int start_memory(struct work *work, const transport_t *transport, struct failure *failure)
{
    uint64_t limit = work->memory_limit;

    if (limit == UINT64_MAX) {
        limit = memory_limit_available() / 2 / transport_neighbours(transport);
    }
    return memory_limit_start(limit, &work->report, &work->memory, failure);
}

/** All processes agree about the question; from here on a failure ends the job at once. */
static void run(struct work *work, transport_t *transport)
{
    struct failure failure = {.class = REPORT_OK};

    if (transport_count(transport) == 1 || transport_rank(transport) == TRANSPORT_MASTER) {
        if (run_master(work, transport, &failure) != REPORT_OK) {
            give_up(work, transport, &failure);
        }
        return;
    }
    if (run_slave(work, transport, &failure) != REPORT_OK) {
        /* The master has been told and ends the job; should it be gone, this process does. */
        interrupt_unwatch();
        (void)sleep(10);
        give_up(work, transport, &failure);
    }
}

enum information { INFORMATION_NONE, INFORMATION_HELP, INFORMATION_VERSION };

/** One process that asks for help or the version is enough: the others must not wait for it. */
static enum information wanted_information(const struct work *work, transport_t *transport)
{
    enum information mine = work->args.help      ? INFORMATION_HELP
                            : work->args.version ? INFORMATION_VERSION
                                                 : INFORMATION_NONE;
    unsigned rank;

    return (enum information)first_class(work, transport, (int)mine, &rank);
}

static int print_information(enum information information, const transport_t *transport,
                             struct failure *failure)
{
    if (transport_rank(transport) != TRANSPORT_MASTER) {
        return REPORT_OK;
    }
    if (information == INFORMATION_HELP) {
        args_print_help(stdout);
    } else {
        puts("fdistdump " FDISTDUMP_VERSION);
    }
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return failure_set(failure, REPORT_INTERNAL, "cannot write the output: %s",
                           strerror(errno != 0 ? errno : EIO));
    }
    return REPORT_OK;
}

static int run_job(struct work *work, transport_t *transport, int class, struct failure *failure)
{
    class = agree(work, transport, class, failure);
    if (class != REPORT_OK) {
        return class;
    }
    enum information information = wanted_information(work, transport);
    if (information != INFORMATION_NONE) {
        return agree(work, transport, print_information(information, transport, failure), failure);
    }
    class = check_paths(work, transport, failure);
    if (class == REPORT_OK) {
        class = start_memory(work, transport, failure);
    }
    class = agree(work, transport, class, failure);
    if (class != REPORT_OK) {
        return class;
    }
    if (transport_count(transport) > 1) {
        class = compare_query(work, transport, failure);
        class = agree(work, transport, class, failure);
    }
    if (class == REPORT_OK) {
        run(work, transport);
    }
    return class;
}

/** What a strict job fails for is told however quiet it is. */
static int verbosity(const struct args *args)
{
    return args->strict != 0 && args->verbosity < REPORT_WARNING ? REPORT_WARNING : args->verbosity;
}

int main(int argc, char **argv)
{
    struct work work = {.memory_limit = UINT64_MAX};
    struct failure failure = {.class = REPORT_OK};
    transport_t *transport = NULL;
    struct timespec now;

    descriptors_occupy();
    clock_gettime(CLOCK_MONOTONIC, &now);
    work.start_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    (void)setlocale(LC_TIME, "");
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is seen as EPIPE ... */
    (void)signal(SIGXFSZ, SIG_IGN); /* ... and a file that may not grow as EFBIG */
    interrupt_watch();

    /* The time zone is set here, before MPI may start threads. */
    int class = understand(&work, argc, argv, &failure);
    struct failure start_failure;
    int start_class = transport_start(&transport, &start_failure);
    report_init(&work.report, STDERR_FILENO, verbosity(&work.args),
                transport == NULL ? 0 : transport_rank(transport),
                transport == NULL ? 1 : transport_count(transport));
    if (start_class != REPORT_OK) {
        give_up(&work, transport, &start_failure);
    }
    class = run_job(&work, transport, class, &failure);

    if (transport_finish(transport, &failure) != REPORT_OK) {
        give_up(&work, transport, &failure);
    }
    lnf_memory_destroy(work.memory);
    lnf_query_destroy(work.compiled);
    query_clear(&work.query);
    flow_files_clear(&work.files);
    args_clear(&work.args);
    return class;
}
