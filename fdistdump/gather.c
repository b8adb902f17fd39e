/* SPDX-License-Identifier: BSD-3-Clause */
/** The exchange that needs no insight: all rows go to the master, which merges them. */
#include "exchange.h"

#include "memory_limit.h"
#include "message.h"

#include <libnf.h>
#include <stdlib.h>

static bool gather_suits(const struct query *query)
{
    (void)query;
    return true;
}

/* ---- slave ---------------------------------------------------------------------------------- */

/** Sends the rows in messages of up to a mebibyte, then one without rows. */
static int send_rows(const struct exchange_slave *slave, uint8_t *rows, uint8_t *octets,
                     struct failure *failure)
{
    size_t row_size = lnf_query_row_size(slave->compiled);
    size_t room = message_rows_per_message(row_size);
    size_t total = lnf_table_count(slave->table), start = 0, count;
    const struct lnf_totals none = {0};

    do {
        size_t wanted = total - start < room ? total - start : room;
        count = wanted == 0 ? 0 : lnf_table_rows(slave->table, start, wanted, rows);
        if (count < wanted) {
            return memory_limit_failure(slave->table, LNF_ERR_READ, failure);
        }
        start += count;
        size_t size = message_pack_rows(&none, rows, count, row_size, octets);
        int class = transport_send(slave->transport, TRANSPORT_MASTER, TRANSPORT_DATA, MESSAGE_ROWS,
                                   octets, size, failure);
        if (class != REPORT_OK) {
            return class;
        }
    } while (count > 0);
    return REPORT_OK;
}

static int gather_slave(const struct exchange_slave *slave, struct failure *failure)
{
    uint8_t *rows = malloc(MESSAGE_MAX);
    uint8_t *octets = malloc(MESSAGE_MAX);
    int class;

    if (rows == NULL || octets == NULL) {
        class = failure_no_memory(failure);
    } else {
        class = send_rows(slave, rows, octets, failure);
    }
    free(rows);
    free(octets);
    return class;
}

/* ---- master --------------------------------------------------------------------------------- */

static int gather_master(const struct exchange_master *master, struct failure *failure)
{
    size_t row_size = lnf_query_row_size(master->compiled);
    unsigned ended = 0;

    while (ended < master->slaves) {
        struct transport_message message;
        struct message_rows rows;
        int class = master->receive(master->context, &message, failure);
        if (class != REPORT_OK) {
            return class;
        }
        if (message.kind != MESSAGE_ROWS ||
            !message_unpack_rows(message.octets, message.size, row_size, &rows)) {
            return failure_set(failure, REPORT_MPI, "malformed rows from process %u",
                               message.source + 1);
        }
        if (rows.count == 0) {
            ended++;
            continue;
        }
        int status = lnf_table_add(master->table, rows.rows, rows.count);
        if (status != LNF_OK) {
            return memory_limit_failure(master->table, status, failure);
        }
    }
    return REPORT_OK;
}

const struct exchange exchange_gather = {
    .name = "gather",
    .suits = gather_suits,
    .slave = gather_slave,
    .master = gather_master,
};
