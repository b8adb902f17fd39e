/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The exchange for everything large: each slave becomes the owner of a part of the keys.
 *
 * Every slave deals its groups out to their owners in parcels, while it takes in what others deal
 * to it: nobody waits for somebody who waits. What an owner has then is complete, so it may order
 * and cut it, and the master merges sorted streams.
 */
#include "exchange.h"

#include "memory_limit.h"
#include "message.h"
#include "stream.h"

#include <inttypes.h>
#include <libnf.h>
#include <stdlib.h>
#include <string.h>

/* Octets of a parcel; all parcels of a slave together, unless its limit of memory is small. */
#define PARCEL_SIZE ((size_t)64 << 10)
#define PARCELS_SIZE ((size_t)16 << 20)

struct shuffle {
    struct exchange_slave *slave;
    unsigned self, slaves; /* partitions are slaves, from 0 */
    lnf_table_t *mine;     /* groups this process owns */
    size_t row_size;
    size_t room;      /* rows of a parcel */
    uint8_t *parcels; /* by owner */
    size_t held;      /* octets of them */
    size_t *counts;
    bool *has_ended; /* by slave: it deals no more */
    unsigned ended;
    int class;
    struct failure *failure;
};

/* ---- in ------------------------------------------------------------------------------------- */

static int take_parcel(struct shuffle *shuffle, const struct transport_message *message,
                       struct failure *failure)
{
    unsigned from = message->source - 1;
    struct message_rows rows;

    if (message->kind != MESSAGE_DEAL || message->source == TRANSPORT_MASTER ||
        from >= shuffle->slaves || from == shuffle->self || shuffle->has_ended[from] ||
        !message_unpack_rows(message->octets, message->size, shuffle->row_size, &rows)) {
        return exchange_malformed(message, failure);
    }
    if (rows.count == 0) {
        shuffle->has_ended[from] = true;
        shuffle->ended++;
    }
    int status = lnf_table_add_partition(shuffle->mine, shuffle->self, shuffle->slaves, rows.rows,
                                         rows.count * shuffle->row_size, rows.count);
    if (status == LNF_ERR_CORRUPT) {
        return exchange_malformed(message, failure);
    }
    return status == LNF_OK ? REPORT_OK : memory_limit_failure(shuffle->mine, status, failure);
}

static int hear(void *context, const struct transport_message *message, struct failure *failure)
{
    if (message->kind == MESSAGE_BYE) {
        return failure_set(failure, REPORT_MPI, "the master ended before the answer");
    }
    return take_parcel(context, message, failure);
}

static int take_the_rest(struct shuffle *shuffle)
{
    while (shuffle->class == REPORT_OK && shuffle->ended < shuffle->slaves - 1) {
        struct transport_message message;
        shuffle->class = transport_wait(shuffle->slave->transport, TRANSPORT_ANYBODY, &message,
                                        shuffle->failure);
        if (shuffle->class == REPORT_OK) {
            shuffle->class = hear(shuffle, &message, shuffle->failure);
        }
    }
    return shuffle->class;
}

/* ---- out ------------------------------------------------------------------------------------ */

/** Hands a parcel over; an empty one ends what this process deals to its owner. */
static int send_parcel(struct shuffle *shuffle, unsigned owner)
{
    struct exchange_slave *slave = shuffle->slave;
    const uint8_t *rows = shuffle->parcels + owner * shuffle->room * shuffle->row_size;
    const struct lnf_totals none = {0};
    size_t count = shuffle->counts[owner];

    shuffle->counts[owner] = 0;
    if (owner == shuffle->self) {
        int status = lnf_table_add(shuffle->mine, rows, count);
        if (status != LNF_OK) {
            shuffle->class = memory_limit_failure(shuffle->mine, status, shuffle->failure);
        }
        return shuffle->class;
    }
    size_t size = message_pack_rows(&none, rows, count, shuffle->row_size, slave->octets);
    slave->counts->sent[SLAVE_DEALT].rows += count;
    slave->counts->sent[SLAVE_DEALT].octets += size;
    shuffle->class =
        transport_send_and_hear(slave->transport, owner + 1, TRANSPORT_DATA, MESSAGE_DEAL,
                                slave->octets, size, hear, shuffle, shuffle->failure);
    return shuffle->class;
}

static int deal_row(void *context, unsigned owner, const uint8_t *row)
{
    struct shuffle *shuffle = context;
    size_t place = owner * shuffle->room + shuffle->counts[owner]++;

    memcpy(shuffle->parcels + place * shuffle->row_size, row, shuffle->row_size);
    if (shuffle->counts[owner] < shuffle->room) {
        return LNF_OK;
    }
    return send_parcel(shuffle, owner) == REPORT_OK ? LNF_OK : LNF_ERR_OTHER;
}

/** Deals everything out and says so to each owner, beginning with the next one. */
static int deal(struct shuffle *shuffle)
{
    struct exchange_slave *slave = shuffle->slave;

    int status = lnf_table_deal_rows(slave->table, shuffle->slaves, deal_row, shuffle);
    if (shuffle->class == REPORT_OK && status != LNF_OK) {
        shuffle->class = memory_limit_failure(slave->table, status, shuffle->failure);
    }
    lnf_table_destroy(slave->table); /* its memory is needed for what others deal */
    slave->table = NULL;
    for (unsigned i = 0; i < shuffle->slaves && shuffle->class == REPORT_OK; i++) {
        unsigned owner = (shuffle->self + i) % shuffle->slaves;
        if (shuffle->counts[owner] > 0) {
            (void)send_parcel(shuffle, owner);
        }
        if (owner != shuffle->self && shuffle->class == REPORT_OK) {
            (void)send_parcel(shuffle, owner);
        }
    }
    return shuffle->class;
}

/* ---- exchange ------------------------------------------------------------------------------- */

static size_t parcel_size(const struct shuffle *shuffle)
{
    const lnf_memory_t *memory = shuffle->slave->memory;
    uint64_t limit = memory == NULL ? 0 : lnf_memory_limit(memory);
    uint64_t part = limit == 0 ? PARCELS_SIZE : limit / EXCHANGE_MEMORY_PART;
    size_t all = part < PARCELS_SIZE ? (size_t)part : PARCELS_SIZE;

    return all / shuffle->slaves < PARCEL_SIZE ? all / shuffle->slaves : PARCEL_SIZE;
}

static int prepare(struct shuffle *shuffle)
{
    size_t rows = parcel_size(shuffle) / shuffle->row_size;

    shuffle->room = rows > 0 ? rows : 1;
    size_t size = shuffle->slaves * shuffle->room * shuffle->row_size;
    shuffle->parcels = malloc(size);
    lnf_memory_hold(shuffle->slave->memory, &shuffle->held, size);
    shuffle->counts = calloc(shuffle->slaves, sizeof(*shuffle->counts));
    shuffle->has_ended = calloc(shuffle->slaves, sizeof(*shuffle->has_ended));
    int status =
        lnf_table_create_limited(shuffle->slave->compiled, shuffle->slave->memory, &shuffle->mine);
    return status < 0 || shuffle->parcels == NULL || shuffle->counts == NULL ||
                   shuffle->has_ended == NULL
               ? failure_no_memory(shuffle->failure)
               : REPORT_OK;
}

static int shuffle_slave(struct exchange_slave *slave, struct failure *failure)
{
    struct shuffle shuffle = {
        .slave = slave,
        .self = transport_rank(slave->transport) - 1,
        .slaves = transport_count(slave->transport) - 1,
        .row_size = lnf_query_row_size(slave->compiled),
        .class = REPORT_OK,
        .failure = failure,
    };

    int class = prepare(&shuffle);
    if (class == REPORT_OK) {
        class = deal(&shuffle);
    }
    if (class == REPORT_OK) {
        class = take_the_rest(&shuffle);
    }
    free(shuffle.parcels);
    lnf_memory_hold(slave->memory, &shuffle.held, 0);
    if (class == REPORT_OK) {
        slave->table = shuffle.mine;
        shuffle.mine = NULL;
        slave->counts->held = lnf_table_count(slave->table);
        report_debug(slave->report,
                     "shuffle: %" PRIu64 " rows dealt to other slaves, %" PRIu64 " rows to finish",
                     slave->counts->sent[SLAVE_DEALT].rows, slave->counts->held);
        class = stream_slave(slave, failure);
    }
    lnf_table_destroy(shuffle.mine);
    free(shuffle.counts);
    free(shuffle.has_ended);
    return class;
}

const struct exchange exchange_shuffle = {
    .name = "shuffle",
    .slave = shuffle_slave,
    .master = stream_master,
};
