/* SPDX-License-Identifier: BSD-3-Clause */
/** Goal, progress, rows, end: what a slave says, and the master's "stop" it listens for. */
#include "link.h"

#include "exchange.h"
#include "message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct link {
    transport_t *transport;
    size_t row_size;
    uint64_t files_done;             /* as the master knows it */
    bool stopped;                    /* the master wants no more rows */
    uint64_t sent_rows, sent_octets; /* of a list */
    uint8_t *octets;                 /* MESSAGE_MAX */
    struct failure failure;
};

static int say(struct link *link, enum transport_channel channel, int kind, size_t size)
{
    return transport_send(link->transport, TRANSPORT_MASTER, channel, kind, link->octets, size,
                          &link->failure);
}

/** Looks whether the master said something; false = stop. */
static bool listen(struct link *link)
{
    struct transport_message message;

    if (transport_poll(link->transport, TRANSPORT_NOBODY, &message, &link->failure) != REPORT_OK) {
        return false;
    }
    link->stopped = link->stopped || message.kind == MESSAGE_STOP;
    return !link->stopped;
}

/* ---- hooks ---------------------------------------------------------------------------------- */

static bool on_rows(void *context, const uint8_t *rows, size_t count,
                    const struct lnf_totals *totals)
{
    struct link *link = context;
    size_t room = message_rows_per_message(link->row_size);
    struct lnf_totals part = *totals;

    while (count > 0) {
        size_t now = count < room ? count : room;
        size_t size = message_pack_rows(&part, rows, now, link->row_size, link->octets);
        if (say(link, TRANSPORT_DATA, MESSAGE_ROWS, size) != REPORT_OK || !listen(link)) {
            return false;
        }
        link->sent_rows += now;
        link->sent_octets += size;
        part = (struct lnf_totals){0};
        rows += now * link->row_size;
        count -= now;
    }
    return true;
}

static bool on_progress(void *context, uint64_t files_done)
{
    struct link *link = context;

    if (files_done != link->files_done) {
        size_t size = message_pack_number(files_done, link->octets);
        link->files_done = files_done;
        if (say(link, TRANSPORT_CONTROL, MESSAGE_PROGRESS, size) != REPORT_OK) {
            return false;
        }
    }
    return listen(link);
}

/* ---- conversation --------------------------------------------------------------------------- */

/** What this process took for itself and sent. */
static void count_means(const struct link *link, const struct slave_job *job,
                        struct slave_counts *counts)
{
    if (job->memory != NULL) {
        counts->memory_peak = lnf_memory_peak(job->memory);
        counts->spilled = lnf_memory_spilled(job->memory);
    }
    if (link->sent_rows > 0) { /* of a list: its rows went the same way */
        counts->sent[SLAVE_ROWS].rows = link->sent_rows;
        counts->sent[SLAVE_ROWS].octets = link->sent_octets;
    }
    counts->octets_sent = transport_octets_sent(link->transport);
    counts->octets_received = transport_octets_received(link->transport);
}

/** Takes part in the exchange, then says how it all went. */
static int send_answer(struct link *link, const struct slave_job *job, lnf_table_t **table,
                       struct slave_counts *counts)
{
    struct exchange_slave slave = {
        .transport = link->transport,
        .query = job->query,
        .compiled = job->compiled,
        .report = job->report,
        .memory = job->memory,
        .table = *table,
        .counts = counts,
        .octets = link->octets,
    };
    uint64_t start_us = slave_now_us();
    int class = REPORT_OK;

    if (slave.table != NULL) {
        class = exchange_slave_run(&slave, &link->failure);
        *table = slave.table;
    }
    if (class == REPORT_OK) {
        counts->exchange_us = slave_now_us() - start_us;
        count_means(link, job, counts);
        report_debug(
            job->report, "all is sent after %.6f s: %" PRIu64 " octets sent, %" PRIu64 " received",
            (double)counts->exchange_us / 1e6, counts->octets_sent, counts->octets_received);
        class = say(link, TRANSPORT_DATA, MESSAGE_END, message_pack_counts(counts, link->octets));
    }
    return class;
}

static int wait_for_bye(struct link *link)
{
    struct transport_message message = {.kind = 0};

    while (message.kind != MESSAGE_BYE) {
        int class = transport_wait(link->transport, TRANSPORT_NOBODY, &message, &link->failure);
        if (class != REPORT_OK) {
            return class;
        }
    }
    return REPORT_OK;
}

static int converse(struct link *link, const struct slave_job *job)
{
    struct slave_hooks hooks = {.context = link, .rows = on_rows, .progress = on_progress};
    struct slave_counts counts;
    struct failure failure = {.class = REPORT_OK};
    lnf_table_t *table = NULL;

    int class = say(link, TRANSPORT_CONTROL, MESSAGE_GOAL,
                    message_pack_number(job->path_count, link->octets));
    if (class != REPORT_OK) {
        return class;
    }
    class = slave_run(job, &hooks, &table, &counts, &failure);
    if (class != REPORT_OK && link->failure.class == REPORT_OK) {
        link->failure = failure;
    }
    if (link->failure.class == REPORT_OK) {
        (void)send_answer(link, job, &table, &counts);
    }
    lnf_table_destroy(table);
    return link->failure.class == REPORT_OK ? wait_for_bye(link) : (int)link->failure.class;
}

void link_tell_failure(transport_t *transport, const struct report *report,
                       const struct failure *failure)
{
    /* Not allocated: memory may be what is missing. */
    uint8_t octets[sizeof(failure->text) + REPORT_HOST_SIZE + 2];
    struct failure ignored;
    size_t size = message_pack_failure(failure, report->host, octets);

    (void)transport_send(transport, TRANSPORT_MASTER, TRANSPORT_CONTROL, MESSAGE_FAILED, octets,
                         size, &ignored);
}

int link_run(const struct slave_job *job, transport_t *transport, struct failure *failure)
{
    struct link link = {.transport = transport, .row_size = lnf_query_row_size(job->compiled)};

    link.octets = malloc(MESSAGE_MAX);
    int class = link.octets == NULL ? failure_no_memory(&link.failure) : converse(&link, job);
    if (class != REPORT_OK) {
        link_tell_failure(transport, job->report, &link.failure);
    }
    free(link.octets);
    *failure = link.failure;
    return class;
}
