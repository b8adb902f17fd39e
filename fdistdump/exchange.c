/* SPDX-License-Identifier: BSD-3-Clause */
/** Choosing an exchange, and what all of them have in common. */
#include "exchange.h"

#include "candidates.h"
#include "message.h"
#include "stream.h"

#include <inttypes.h>
#include <libnf.h>
#include <stdio.h>
#include <stdlib.h>

/** By enum query_exchange; the numbers travel in MESSAGE_PLAN. */
static const struct exchange *const exchanges[] = {
    [QUERY_EXCHANGE_AUTO] = NULL,
    [QUERY_EXCHANGE_GATHER] = &exchange_gather,
    [QUERY_EXCHANGE_TPUT] = &exchange_tput,
    [QUERY_EXCHANGE_SHUFFLE] = &exchange_shuffle,
};

/* However small the limit of memory is, that much of keys is known. */
#define CANDIDATES_MEMORY_MIN ((uint64_t)64 << 10)

#define EXCHANGES (sizeof(exchanges) / sizeof(exchanges[0]))

/* ---- choice --------------------------------------------------------------------------------- */

/** Whether rows are ordered by a sum of 64 bits, the greatest first. */
static bool is_greatest_sum(const struct query *query)
{
    if (query->sort_column < 0 || !query->sort_descending ||
        query->columns[query->sort_column].role != LNF_COLUMN_VALUE) {
        return false;
    }
    int field = query->columns[query->sort_column].field;
    int type = LNF_NONE, aggregation = LNF_AGGR_KEY;
    return lnf_fld_info(field, LNF_FLD_INFO_TYPE, &type, sizeof(type)) == LNF_OK &&
           lnf_fld_info(field, LNF_FLD_INFO_AGGR, &aggregation, sizeof(aggregation)) == LNF_OK &&
           type == LNF_UINT64 && aggregation == LNF_AGGR_SUM && field != LNF_FLD_CALC_DURATION;
}

/** What a question without groups misses to have them; NULL = it has groups. */
static const char *groups_misses(const struct query *query)
{
    if (query->mode == QUERY_METADATA) { /* with or without --aggregation */
        return "records or their summary among --output-items";
    }
    return query->mode == QUERY_AGGREGATE ? NULL : "groups (--aggregation or --statistic)";
}

/** What TPUT misses in a question; NULL = nothing. */
static const char *tput_misses(const struct query *query)
{
    const char *misses = groups_misses(query);

    if (misses != NULL) {
        return misses;
    }
    if (query->limit == 0) {
        return "a limit";
    }
    return is_greatest_sum(query) ? NULL : "a descending order by a sum such as bytes or flows";
}

int exchange_check(const struct query *query, struct failure *failure)
{
    const char *misses = NULL;

    if (query->exchange == QUERY_EXCHANGE_TPUT) {
        if (query->no_tput) {
            return failure_set(failure, REPORT_ARGUMENTS,
                               "--exchange=tput and --no-tput exclude each other");
        }
        misses = tput_misses(query);
    } else if (query->exchange == QUERY_EXCHANGE_SHUFFLE) {
        misses = groups_misses(query);
    }
    if (misses != NULL) {
        return failure_set(failure, REPORT_ARGUMENTS,
                           "--exchange=%s cannot answer this question: it needs %s",
                           exchanges[query->exchange]->name, misses);
    }
    return REPORT_OK;
}

uint64_t exchange_tput_room(const lnf_memory_t *memory)
{
    uint64_t limit = memory == NULL ? 0 : lnf_memory_limit(memory);
    uint64_t part = limit / EXCHANGE_MEMORY_PART;

    if (limit == 0 || part > EXCHANGE_CANDIDATES_MEMORY) {
        return EXCHANGE_CANDIDATES_MEMORY;
    }
    return part > CANDIDATES_MEMORY_MIN ? part : CANDIDATES_MEMORY_MIN;
}

uint64_t exchange_tput_memory(const lnf_query_t *compiled, uint64_t entries)
{
    size_t key_size = lnf_query_key_size(compiled);
    /* A list that grows has up to twice the room it needs; sums are sorted in a list of their own.
     */
    uint64_t beside = 2 * (key_size + sizeof(uint64_t)) + sizeof(uint64_t);

    return entries > UINT64_MAX / beside
               ? UINT64_MAX
               : exchange_add(candidates_memory(key_size, entries), beside * entries);
}

/** Whether the master has memory for what slaves send in the first round of TPUT. */
static bool first_rows_fit(const struct query *query, const lnf_query_t *compiled, unsigned slaves,
                           uint64_t groups, uint64_t room)
{
    uint64_t rows = query->limit < groups / slaves ? query->limit * slaves : groups;

    return exchange_tput_memory(compiled, rows) <= room;
}

const struct exchange *exchange_choose(const struct query *query, const lnf_query_t *compiled,
                                       unsigned slaves, uint64_t groups, uint64_t room, char *why,
                                       size_t why_size)
{
    size_t row_size = lnf_query_row_size(compiled);

#define BECAUSE(...) (void)snprintf(why, why_size, __VA_ARGS__)
    if (query->exchange == QUERY_EXCHANGE_TPUT &&
        !first_rows_fit(query, compiled, slaves, groups, room)) {
        BECAUSE("the first %" PRIu64 " of each slave are too much for TPUT", query->limit);
        return &exchange_shuffle;
    }
    if (query->exchange != QUERY_EXCHANGE_AUTO) {
        BECAUSE("asked for");
        return exchanges[query->exchange];
    }
    if (query->mode != QUERY_AGGREGATE) {
        BECAUSE("records are merged as sorted streams");
        return &exchange_gather;
    }
    if (slaves == 1) {
        BECAUSE("one slave has all groups and sends finished rows");
        return &exchange_gather;
    }
    if (row_size == 0 || groups <= EXCHANGE_GATHER_OCTETS / row_size) {
        BECAUSE("%" PRIu64 " rows of %zu octets are little", groups, row_size);
        return &exchange_gather;
    }
    const char *misses = tput_misses(query);
    if (misses != NULL) {
        BECAUSE("TPUT needs %s", misses);
        return &exchange_shuffle;
    }
    if (query->no_tput) {
        BECAUSE("--no-tput");
        return &exchange_shuffle;
    }
    if (query->limit > groups / EXCHANGE_TPUT_PART / slaves ||
        !first_rows_fit(query, compiled, slaves, groups, room)) {
        BECAUSE("the first %" PRIu64 " of each slave are too much of %" PRIu64 " rows for TPUT",
                query->limit, groups);
        return &exchange_shuffle;
    }
    BECAUSE("a few of %" PRIu64 " rows are wanted, by a descending sum", groups);
    return &exchange_tput;
#undef BECAUSE
}

/* ---- slave ---------------------------------------------------------------------------------- */

int exchange_malformed(const struct transport_message *message, struct failure *failure)
{
    return failure_set(failure, REPORT_MPI, "malformed message %d of %zu octets from process %u",
                       message->kind, message->size, message->source + 1);
}

int exchange_say(struct exchange_slave *slave, int kind, size_t size, enum slave_phase phase,
                 size_t rows, struct failure *failure)
{
    slave->counts->sent[phase].rows += rows;
    slave->counts->sent[phase].octets += size;
    return transport_send(slave->transport, TRANSPORT_MASTER, TRANSPORT_DATA, kind, slave->octets,
                          size, failure);
}

int exchange_hear(struct exchange_slave *slave, struct transport_message *message,
                  struct failure *failure)
{
    int class = transport_wait(slave->transport, TRANSPORT_NOBODY, message, failure);

    if (class == REPORT_OK && message->kind == MESSAGE_BYE) {
        class = failure_set(failure, REPORT_MPI, "the master ended before the answer");
    }
    if (class == REPORT_OK && message->source != TRANSPORT_MASTER) {
        class = exchange_malformed(message, failure);
    }
    return class;
}

int exchange_follow(struct exchange_slave *slave, const struct transport_message *plan,
                    struct failure *failure)
{
    struct message_plan said;

    if (plan->kind != MESSAGE_PLAN || !message_unpack_plan(plan->octets, plan->size, &said) ||
        said.exchange >= EXCHANGES || exchanges[said.exchange] == NULL) {
        return exchange_malformed(plan, failure);
    }
    if (slave->query->mode != QUERY_AGGREGATE && exchanges[said.exchange] != &exchange_gather) {
        return exchange_malformed(plan, failure);
    }
    slave->piece_size = (size_t)said.piece_size;
    report_debug(slave->report, "exchange %s begins", exchanges[said.exchange]->name);
    return exchanges[said.exchange]->slave(slave, failure);
}

int exchange_slave_run(struct exchange_slave *slave, struct failure *failure)
{
    struct transport_message plan;
    size_t size = message_pack_number(lnf_table_count(slave->table), slave->octets);

    int class = transport_send(slave->transport, TRANSPORT_MASTER, TRANSPORT_DATA, MESSAGE_HOLDS,
                               slave->octets, size, failure);
    if (class == REPORT_OK) {
        class = exchange_hear(slave, &plan, failure);
    }
    return class == REPORT_OK ? exchange_follow(slave, &plan, failure) : class;
}

/* ---- master --------------------------------------------------------------------------------- */

uint64_t exchange_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

int exchange_tell(struct exchange_master *master, int kind, const uint8_t *octets, size_t size,
                  struct failure *failure)
{
    int class = REPORT_OK;

    for (unsigned i = 1; i <= master->slaves && class == REPORT_OK; i++) {
        class =
            transport_send(master->transport, i, TRANSPORT_CONTROL, kind, octets, size, failure);
    }
    return class;
}

int exchange_plan(struct exchange_master *master, const struct exchange *exchange,
                  struct failure *failure)
{
    uint8_t octets[MESSAGE_PLAN_SIZE];
    struct message_plan plan = {.exchange = 0};

    while (exchanges[plan.exchange] != exchange) {
        plan.exchange++;
    }
    master->name = exchange->name;
    master->piece_size = stream_piece_size(master->memory, master->slaves);
    plan.piece_size = master->piece_size;
    size_t size = message_pack_plan(&plan, octets);
    return exchange_tell(master, MESSAGE_PLAN, octets, size, failure);
}

int exchange_change(struct exchange_master *master, const struct exchange *exchange,
                    struct failure *failure)
{
    int class = exchange_plan(master, exchange, failure);

    report_debug(master->report, "exchange %s begins: %s", exchange->name, master->why);
    return class == REPORT_OK ? exchange->master(master, failure) : class;
}

int exchange_receive(struct exchange_master *master, unsigned data_from, int kind,
                     struct transport_message *message, struct failure *failure)
{
    int class = master->receive(master->context, data_from, message, failure);

    if (class == REPORT_OK && message->kind != kind) {
        class = exchange_malformed(message, failure);
    }
    return class;
}

int exchange_create_table(struct exchange_master *master, struct failure *failure)
{
    int status = lnf_table_create_limited(master->compiled, master->memory, &master->table);

    return status < 0 ? failure_no_memory(failure) : REPORT_OK;
}

/** What each slave holds; they are asked in order, and those that are ready earlier wait. */
static int take_holds(struct exchange_master *master, struct failure *failure)
{
    for (unsigned rank = 1; rank <= master->slaves; rank++) {
        struct transport_message message;
        uint64_t groups;
        int class = exchange_receive(master, rank, MESSAGE_HOLDS, &message, failure);
        if (class != REPORT_OK) {
            return class;
        }
        if (!message_unpack_number(message.octets, message.size, &groups)) {
            return exchange_malformed(&message, failure);
        }
        report_debug(master->report, "process %u holds %" PRIu64 " rows", rank + 1, groups);
        master->holds[rank - 1] = groups;
        master->groups = exchange_add(master->groups, groups);
    }
    return REPORT_OK;
}

int exchange_master_run(struct exchange_master *master, struct failure *failure)
{
    master->holds = calloc(master->slaves, sizeof(*master->holds));
    int class = master->holds == NULL ? failure_no_memory(failure) : take_holds(master, failure);

    if (class != REPORT_OK) {
        return class;
    }
    master->started_us = slave_now_us();
    const struct exchange *exchange =
        exchange_choose(master->query, master->compiled, master->slaves, master->groups,
                        exchange_tput_room(master->memory), master->why, sizeof(master->why));
    return exchange_change(master, exchange, failure);
}

void exchange_master_clear(struct exchange_master *master)
{
    lnf_table_destroy(master->table);
    lnf_query_destroy(master->answer);
    free(master->holds);
    master->holds = NULL;
    master->table = NULL;
    master->answer = NULL;
}
