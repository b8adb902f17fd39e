/* SPDX-License-Identifier: BSD-3-Clause */
/** Lists as they come, tables when all is in; then summaries and what went wrong. */
#include "master.h"

#include "exchange.h"
#include "explain.h"
#include "interrupt.h"
#include "memory_limit.h"
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PRINT_ROWS 1024u

struct master {
    const struct master_job *job;
    transport_t *transport; /* NULL when alone */
    unsigned slaves;
    uint64_t left; /* rows of a list still to print */
    unsigned goals;
    unsigned ended;
    bool *has_goal, *has_ended; /* by slave */
    uint64_t files_done;        /* alone: as the progress shows it */
    bool cut_short;             /* somebody pressed Ctrl-C while rows were printed */
    struct slave_counts counts;
    struct slave_counts *slave_counts; /* by slave, as they end */
    struct explain_master explain;
    const struct exchange_master *exchange; /* while there is one */
};

static bool prints_records(const struct master *master)
{
    return (master->job->query->items & QUERY_RECORDS) != 0 &&
           master->job->query->mode != QUERY_METADATA;
}

/* ---- printing ------------------------------------------------------------------------------- */

/** Prints rows of a list; false once no more are wanted. */
static bool print_list(struct master *master, const uint8_t *rows, size_t count,
                       const struct lnf_totals *totals)
{
    size_t now = count < master->left ? count : (size_t)master->left;
    struct slave_counts part = {.totals = *totals};

    if (now == 0) {
        return false;
    }
    lnf_stat_init(&part.stat);
    slave_counts_add(&master->counts, &part);
    output_rows(master->job->output, rows, now);
    master->left -= now;
    int error;
    return master->left > 0 && output_status(master->job->output, &error) == OUTPUT_OPEN;
}

/** What there is to say when rows ended: nothing, unless they could not be read. */
static int end_of_rows(const lnf_table_t *table, struct failure *failure)
{
    int status = lnf_table_error(table, NULL);

    return status < 0 ? memory_limit_failure(table, status, failure) : REPORT_OK;
}

static int measure(const struct master_job *job, const lnf_table_t *table, uint8_t *rows,
                   struct failure *failure)
{
    size_t start = 0, count;

    while ((count = lnf_table_rows(table, start, PRINT_ROWS, rows)) > 0) {
        output_measure(job->output, rows, count);
        start += count;
    }
    return end_of_rows(table, failure);
}

static int print_rows(struct master *master, const lnf_table_t *table, uint8_t *rows,
                      struct failure *failure)
{
    const struct master_job *job = master->job;
    bool interrupted = interrupt_seen(); /* what was found until then is printed whole */
    size_t start = 0, count;
    int error;

    output_header(job->output);
    while ((count = lnf_table_rows(table, start, PRINT_ROWS, rows)) > 0 &&
           output_status(job->output, &error) == OUTPUT_OPEN) {
        output_rows(job->output, rows, count);
        start += count;
        if (!interrupted && interrupt_seen() && start < lnf_table_count(table)) {
            master->cut_short = true;
            break;
        }
    }
    return end_of_rows(table, failure);
}

/** Orders the table and prints it. */
static int print_table(struct master *master, lnf_table_t *table, struct failure *failure)
{
    const struct master_job *job = master->job;
    int status = lnf_table_finish(table, true);
    if (status < 0) {
        return memory_limit_failure(table, status, failure);
    }
    uint8_t *rows = malloc(PRINT_ROWS * lnf_query_row_size(job->compiled) + 1);
    if (rows == NULL) {
        return failure_no_memory(failure);
    }
    int class = measure(job, table, rows, failure);
    if (class == REPORT_OK) {
        class = print_rows(master, table, rows, failure);
    }
    free(rows);
    return class;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report_damage(const struct master *master)
{
    const struct slave_counts *counts = &master->counts;
    const uint64_t *problems = counts->problems;
    static const char *const texts[SLAVE_PROBLEMS] = {
        [LNF_PROBLEM_UNFINISHED] = "unfinished files",
        [LNF_PROBLEM_TRUNCATED] = "octets ignored at ends of files",
        [LNF_PROBLEM_BLOCK] = "damaged blocks skipped",
        [LNF_PROBLEM_RECORD] = "damaged records skipped",
        [LNF_PROBLEM_STATISTICS] = "wrong statistics",
        [LNF_PROBLEM_COUNTRY] = "addresses not looked up",
    };
    char line[512];
    size_t used = 0;

    if (counts->unreadable > 0) {
        report_warning(master->job->report, REPORT_LIBNF,
                       "%" PRIu64 " of %" PRIu64 " files could not be read", counts->unreadable,
                       counts->files);
    }
    for (unsigned i = 0; i < SLAVE_PROBLEMS; i++) {
        if (problems[i] > 0 && used < sizeof(line)) {
            int length = snprintf(line + used, sizeof(line) - used, "%s%" PRIu64 " %s",
                                  used > 0 ? ", " : "", problems[i], texts[i]);
            used += length < 0 ? 0 : (size_t)length;
        }
    }
    if (counts->skipped > 0) {
        report_warning(master->job->report, REPORT_PATH, "%" PRIu64 " paths could not be used",
                       counts->skipped);
    }
    if (used > 0) {
        report_warning(master->job->report, REPORT_LIBNF, "problems of files: %s", line);
    }
    if (counts->damaged_indexes > 0) {
        report_warning(master->job->report, REPORT_INDEX,
                       "%" PRIu64 " damaged indexes could not be used", counts->damaged_indexes);
    }
}

/** What happened, for people who asked. */
static void explain(struct master *master)
{
    const struct master_job *job = master->job;

    if (!job->explain) {
        return;
    }
    master->explain.slaves = master->slaves;
    master->explain.slave_counts =
        master->transport == NULL ? &master->counts : master->slave_counts;
    if (master->transport != NULL) {
        master->explain.octets_sent = transport_octets_sent(master->transport);
        master->explain.octets_received = transport_octets_received(master->transport);
    }
    if (job->memory != NULL) {
        master->explain.memory_peak = lnf_memory_peak(job->memory);
        master->explain.spilled = lnf_memory_spilled(job->memory);
    }
    explain_print(job->report->fd, job->query, job->compiled, &master->explain);
}

/** After report_damage(): the failure it is, if it is one. */
static int judge_damage(const struct master *master, struct failure *failure)
{
    const struct slave_counts *counts = &master->counts;
    uint64_t problems = 0;

    for (unsigned i = 0; i < SLAVE_PROBLEMS; i++) {
        problems += counts->problems[i];
    }
    if (!master->job->strict ||
        (counts->skipped == 0 && counts->unreadable == 0 && problems == 0)) {
        return REPORT_OK;
    }
    return failure_set(failure, counts->skipped > 0 ? REPORT_PATH : REPORT_LIBNF,
                       "--strict: %" PRIu64 " paths could not be used, %" PRIu64 " of %" PRIu64
                       " files could not be read%s",
                       counts->skipped, counts->unreadable, counts->files,
                       problems > 0 ? ", others have problems" : "");
}

/** Whether somebody pressed Ctrl-C before everything was read and printed. */
static bool is_incomplete(const struct master *master)
{
    const struct query *query = master->job->query;

    if (query->mode == QUERY_LIST && master->left == 0 &&
        (query->items & (QUERY_PROCESSED | QUERY_FILES)) == 0) {
        return false; /* all rows that were wanted are there */
    }
    return master->cut_short || master->counts.interrupted > 0;
}

/** Summaries, and the end of everything. */
static int finish(struct master *master, struct failure *failure)
{
    const struct master_job *job = master->job;
    int error;

    progress_finish(job->progress);
    if ((job->query->items & QUERY_PROCESSED) != 0) {
        output_processed(job->output, &master->counts.totals, now_s() - job->start_s);
    }
    if ((job->query->items & QUERY_FILES) != 0) {
        output_files(job->output, &master->counts.stat);
    }
    if (is_incomplete(master)) {
        output_incomplete(job->output);
    }
    (void)output_flush(job->output);
    report_damage(master);
    explain(master);
    if (output_status(job->output, &error) == OUTPUT_FAILED) {
        return failure_set(failure, REPORT_INTERNAL, "cannot write the output: %s",
                           strerror(error));
    }
    if (is_incomplete(master)) {
        return failure_set(failure, REPORT_INTERRUPTED, "the answer is not complete");
    }
    return judge_damage(master, failure);
}

/* ---- listening ------------------------------------------------------------------------------ */

/** Another process failed: its words become this job's last ones. */
static int take_failure(const struct transport_message *message, struct failure *failure)
{
    struct message_failure from;

    if (!message_unpack_failure(message->octets, message->size, &from)) {
        return exchange_malformed(message, failure);
    }
    return failure_set(failure, from.failure.class, "process %u on %s: %.900s", message->source + 1,
                       from.host, from.failure.text);
}

static int take_goal(struct master *master, unsigned slave, const struct transport_message *message,
                     struct failure *failure)
{
    uint64_t files;

    if (!message_unpack_number(message->octets, message->size, &files) || master->has_goal[slave]) {
        return exchange_malformed(message, failure);
    }
    master->has_goal[slave] = true;
    master->goals++;
    progress_goal(master->job->progress, slave, files);
    if (master->goals == master->slaves) {
        progress_show(master->job->progress);
    }
    return REPORT_OK;
}

static int take_progress(struct master *master, unsigned slave,
                         const struct transport_message *message, struct failure *failure)
{
    uint64_t files;

    if (!message_unpack_number(message->octets, message->size, &files)) {
        return exchange_malformed(message, failure);
    }
    progress_done(master->job->progress, slave, files);
    if (master->goals == master->slaves) {
        progress_show(master->job->progress);
    }
    return REPORT_OK;
}

static int take_end(struct master *master, unsigned slave, const struct transport_message *message,
                    struct failure *failure)
{
    struct slave_counts counts;

    if (master->has_ended[slave] ||
        !message_unpack_counts(message->octets, message->size, &counts)) {
        return exchange_malformed(message, failure);
    }
    master->has_ended[slave] = true;
    master->ended++;
    /* Its last progress travels on another channel and may not be here yet. */
    if (counts.interrupted == 0) {
        progress_done(master->job->progress, slave, counts.files);
    }
    slave_counts_add(&master->counts, &counts);
    master->slave_counts[slave] = counts;
    report_debug(master->job->report, "process %u is done: %" PRIu64 " files in %.6f s", slave + 2,
                 counts.files, (double)counts.scan_us / 1e6);
    return REPORT_OK;
}

/** Whether a kind of message is the caller's to deal with: that of lists and exchanges. */
static bool is_data(int kind)
{
    return kind == MESSAGE_ROWS || kind == MESSAGE_HOLDS || kind == MESSAGE_KEYS ||
           kind == MESSAGE_COUNT;
}

/**
 * Waits for the next message and deals with all kinds but data, which are the caller's.
 *
 * @param[out] message  data, or of a kind that is dealt with
 */
static int take_message(struct master *master, unsigned data_from,
                        struct transport_message *message, struct failure *failure)
{
    int class = transport_poll(master->transport, data_from, message, failure);
    if (class == REPORT_OK && message->kind == 0) {
        (void)output_flush(master->job->output); /* nothing to do: let people see what there is */
        class = transport_wait(master->transport, data_from, message, failure);
    }
    if (class != REPORT_OK) {
        return class;
    }
    if (message->source == TRANSPORT_MASTER || message->source > master->slaves) {
        return exchange_malformed(message, failure);
    }
    unsigned slave = message->source - 1;
    if (is_data(message->kind)) {
        return REPORT_OK;
    }
    switch (message->kind) {
    case MESSAGE_GOAL:
        return take_goal(master, slave, message, failure);
    case MESSAGE_PROGRESS:
        return take_progress(master, slave, message, failure);
    case MESSAGE_END:
        return take_end(master, slave, message, failure);
    case MESSAGE_FAILED:
        return take_failure(message, failure);
    default:
        return exchange_malformed(message, failure);
    }
}

/** Whether a slave has gone that is still needed. In the last round one may go before others. */
static bool has_ended_early(const struct master *master, unsigned data_from)
{
    if (!master->exchange->is_last_round) {
        return master->ended > 0;
    }
    return data_from == TRANSPORT_ANYBODY ? master->ended == master->slaves
                                          : master->has_ended[data_from - 1];
}

/** For exchanges: the next message with data. */
static int receive_data(void *context, unsigned data_from, struct transport_message *message,
                        struct failure *failure)
{
    struct master *master = context;

    for (;;) {
        if (has_ended_early(master, data_from)) {
            return failure_set(failure, REPORT_MPI, "a slave ended before its last rows");
        }
        int class = take_message(master, data_from, message, failure);
        if (class != REPORT_OK || is_data(message->kind)) {
            return class;
        }
    }
}

static int tell_all(struct master *master, int kind, struct failure *failure)
{
    const uint8_t nothing[1] = {0};
    int class = REPORT_OK;

    for (unsigned i = 1; i <= master->slaves && class == REPORT_OK; i++) {
        class = transport_send(master->transport, i, TRANSPORT_CONTROL, kind, nothing, 0, failure);
    }
    return class;
}

/* ---- answers -------------------------------------------------------------------------------- */

/** Slaves one after the other, in order of ranks; later ones wait with their first rows. */
static int run_list(struct master *master, struct failure *failure)
{
    size_t row_size = lnf_query_row_size(master->job->compiled);
    bool wanted = true;

    output_header(master->job->output);
    for (unsigned rank = 1; rank <= master->slaves; rank++) {
        while (!master->has_ended[rank - 1]) {
            struct transport_message message;
            struct message_rows rows;
            int class = take_message(master, rank, &message, failure);
            if (class != REPORT_OK) {
                return class;
            }
            if (!is_data(message.kind)) {
                continue;
            }
            if (message.kind != MESSAGE_ROWS ||
                !message_unpack_rows(message.octets, message.size, row_size, &rows)) {
                return exchange_malformed(&message, failure);
            }
            if (wanted && !print_list(master, rows.rows, rows.count, &rows.totals)) {
                wanted = false;
                class = tell_all(master, MESSAGE_STOP, failure);
                if (class != REPORT_OK) {
                    return class;
                }
            }
        }
    }
    return REPORT_OK;
}

static int run_table(struct master *master, struct failure *failure)
{
    struct exchange_master exchange = {
        .transport = master->transport,
        .query = master->job->query,
        .compiled = master->job->compiled,
        .report = master->job->report,
        .memory = master->job->memory,
        .slaves = master->slaves,
        .receive = receive_data,
        .context = master,
    };
    uint64_t start_us = slave_now_us();

    master->exchange = &exchange;
    int class = exchange_master_run(&exchange, failure);
    if (class == REPORT_OK) {
        uint64_t exchanged_us = slave_now_us();
        report_info(master->job->report, "exchange %s: %s", exchange.name, exchange.why);
        report_debug(master->job->report, "rows of the answer are here after %.6f s of exchange",
                     (double)(exchanged_us - exchange.started_us) / 1e6);
        class = print_table(master, exchange.table, failure);
        master->explain = (struct explain_master){
            .exchange = exchange.name,
            .wait_us = exchange.started_us - start_us,
            .exchange_us = exchanged_us - exchange.started_us,
            .output_us = slave_now_us() - exchanged_us,
        };
        memcpy(master->explain.why, exchange.why, sizeof(master->explain.why));
    }
    exchange_master_clear(&exchange);
    master->exchange = NULL;
    return class;
}

static int run_all(struct master *master, struct failure *failure)
{
    int class = REPORT_OK;

    if (prints_records(master)) {
        class = master->job->query->mode == QUERY_LIST ? run_list(master, failure)
                                                       : run_table(master, failure);
    }
    while (class == REPORT_OK && master->ended < master->slaves) {
        struct transport_message message;
        class = take_message(master, TRANSPORT_ANYBODY, &message, failure);
        if (class == REPORT_OK && is_data(message.kind)) {
            class = exchange_malformed(&message, failure);
        }
    }
    if (class == REPORT_OK) {
        class = finish(master, failure);
    }
    return class == REPORT_OK ? tell_all(master, MESSAGE_BYE, failure) : class;
}

static void init(struct master *master, const struct master_job *job)
{
    uint64_t limit = job->query->limit;

    *master = (struct master){.job = job, .left = limit == 0 ? UINT64_MAX : limit};
    lnf_stat_init(&master->counts.stat);
}

int master_run(const struct master_job *job, transport_t *transport, struct failure *failure)
{
    struct master master;
    int class;

    init(&master, job);
    master.transport = transport;
    master.slaves = transport_count(transport) - 1;
    master.has_goal = calloc(master.slaves, sizeof(*master.has_goal));
    master.has_ended = calloc(master.slaves, sizeof(*master.has_ended));
    master.slave_counts = calloc(master.slaves, sizeof(*master.slave_counts));
    if (master.has_goal == NULL || master.has_ended == NULL || master.slave_counts == NULL) {
        class = failure_no_memory(failure);
    } else {
        class = run_all(&master, failure);
    }
    free(master.has_goal);
    free(master.has_ended);
    free(master.slave_counts);
    return class;
}

/* ---- alone ---------------------------------------------------------------------------------- */

static bool alone_rows(void *context, const uint8_t *rows, size_t count,
                       const struct lnf_totals *totals)
{
    struct master *master = context;
    bool more = print_list(master, rows, count, totals);

    return output_flush(master->job->output) == OUTPUT_OPEN && more;
}

static bool alone_progress(void *context, uint64_t files_done)
{
    struct master *master = context;

    if (files_done != master->files_done) {
        master->files_done = files_done;
        progress_done(master->job->progress, 0, files_done);
        progress_show(master->job->progress);
    }
    return true;
}

int master_run_alone(const struct master_job *job, const struct slave_job *slave,
                     struct failure *failure)
{
    struct master master;
    struct slave_hooks hooks = {&master, alone_rows, alone_progress};
    struct slave_counts counts;
    lnf_table_t *table = NULL;

    init(&master, job);
    progress_goal(job->progress, 0, slave->path_count);
    progress_show(job->progress);
    if (prints_records(&master) && job->query->mode == QUERY_LIST) {
        output_header(job->output);
    }
    int class = slave_run(slave, &hooks, &table, &counts, failure);
    if (class == REPORT_OK) {
        slave_counts_add(&master.counts, &counts);
        if (table != NULL) {
            uint64_t start_us = slave_now_us();
            class = print_table(&master, table, failure);
            master.explain.output_us = slave_now_us() - start_us;
        }
    }
    lnf_table_destroy(table);
    return class == REPORT_OK ? finish(&master, failure) : class;
}
