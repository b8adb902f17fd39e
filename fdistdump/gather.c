/* SPDX-License-Identifier: BSD-3-Clause */
/** The exchange that needs no insight: all groups go to the master, which merges them. */
#include "exchange.h"

#include "memory_limit.h"
#include "message.h"
#include "stream.h"

#include <libnf.h>
#include <stdlib.h>

/** Whether rows of slaves need no merging by key, so that each may cut and order its own. */
static bool has_complete_rows(const struct query *query, unsigned slaves)
{
    return query->mode != QUERY_AGGREGATE || slaves == 1;
}

/* ---- slave ---------------------------------------------------------------------------------- */

/** Sends the rows in messages of up to a mebibyte, then one without rows. */
static int send_rows(struct exchange_slave *slave, uint8_t *rows, struct failure *failure)
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
        size_t size = message_pack_rows(&none, rows, count, row_size, slave->octets);
        int class = exchange_say(slave, MESSAGE_ROWS, size, SLAVE_ROWS, count, failure);
        if (class != REPORT_OK) {
            return class;
        }
    } while (count > 0);
    return REPORT_OK;
}

static int gather_slave(struct exchange_slave *slave, struct failure *failure)
{
    if (has_complete_rows(slave->query, transport_count(slave->transport) - 1)) {
        return stream_slave(slave, failure);
    }
    uint8_t *rows = malloc(MESSAGE_MAX);
    int class = rows == NULL ? failure_no_memory(failure) : send_rows(slave, rows, failure);
    free(rows);
    return class;
}

/* ---- master --------------------------------------------------------------------------------- */

/** Adds the rows of all slaves as they come. */
static int take_rows(struct exchange_master *master, bool *has_ended, struct failure *failure)
{
    size_t row_size = lnf_query_row_size(master->compiled);
    unsigned ended = 0;

    master->is_last_round = true;
    while (ended < master->slaves) {
        struct transport_message message;
        struct message_rows rows;
        int class = exchange_receive(master, TRANSPORT_ANYBODY, MESSAGE_ROWS, &message, failure);
        if (class != REPORT_OK) {
            return class;
        }
        if (has_ended[message.source - 1] ||
            !message_unpack_rows(message.octets, message.size, row_size, &rows)) {
            return exchange_malformed(&message, failure);
        }
        if (rows.count == 0) {
            has_ended[message.source - 1] = true;
            ended++;
        }
        int status = lnf_table_add(master->table, rows.rows, rows.count);
        if (status != LNF_OK) {
            return memory_limit_failure(master->table, status, failure);
        }
    }
    return REPORT_OK;
}

static int gather_master(struct exchange_master *master, struct failure *failure)
{
    if (has_complete_rows(master->query, master->slaves)) {
        return stream_master(master, failure);
    }
    bool *has_ended = calloc(master->slaves, sizeof(*has_ended));
    int class =
        has_ended == NULL ? failure_no_memory(failure) : exchange_create_table(master, failure);
    if (class == REPORT_OK) {
        class = take_rows(master, has_ended, failure);
    }
    free(has_ended);
    return class;
}

const struct exchange exchange_gather = {
    .name = "gather",
    .slave = gather_slave,
    .master = gather_master,
};
