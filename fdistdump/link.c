/* SPDX-License-Identifier: BSD-3-Clause */
/** Goal, progress, rows, end: what a slave says, and the master's "stop" it listens for. */
#include "link.h"

#include "exchange.h"
#include "memory_limit.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

struct link {
    transport_t *transport;
    size_t row_size;
    uint64_t files_done; /* as the master knows it */
    bool stopped;        /* the master wants no more rows */
    uint8_t *octets;     /* MESSAGE_MAX */
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

static int send_answer(struct link *link, const struct slave_job *job, lnf_table_t *table,
                       const struct slave_counts *counts)
{
    struct exchange_slave slave = {link->transport, job->compiled, table};
    int class = REPORT_OK;

    if (table != NULL) {
        class = exchange_choose(job->query)->slave(&slave, &link->failure);
    }
    if (class == REPORT_OK) {
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

/** Sorted lists are cut here already: what is not among the first of one slave is not of all. */
static int finish_table(const struct slave_job *job, lnf_table_t *table, struct failure *failure)
{
    if (table == NULL || job->query->mode != QUERY_SORT) {
        return REPORT_OK;
    }
    int status = lnf_table_finish(table, true);
    return status < 0 ? memory_limit_failure(table, status, failure) : REPORT_OK;
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
    if (class == REPORT_OK) {
        class = finish_table(job, table, &failure);
    }
    if (class != REPORT_OK && link->failure.class == REPORT_OK) {
        link->failure = failure;
    }
    if (link->failure.class == REPORT_OK) {
        (void)send_answer(link, job, table, &counts);
    }
    lnf_table_destroy(table);
    return link->failure.class == REPORT_OK ? wait_for_bye(link) : (int)link->failure.class;
}

void link_tell_failure(transport_t *transport, const struct report *report,
                       const struct failure *failure)
{
    uint8_t
        octets[sizeof(failure->text) + REPORT_HOST_SIZE + 2]; /* memory may be what is missing */
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
