/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The exchange for the first N groups by a descending sum (TPUT): of most keys only few octets are
 * known when it is certain that they are not among them.
 *
 *   1. Every slave sends its first N keys with their values. The N-th largest sum of these, b, is
 *      a lower bound of the N-th largest total.
 *   2. A key whose value is below T = b / m (rounded up) on all m slaves has a total below b. So
 *      every slave sends the keys that reach T. What others may have of a key is bounded by T - 1
 *      and by the last value they sent before; keys whose sum with that is below the N-th largest
 *      known sum are out.
 *   3. Of the keys that remain every slave sends its whole group.
 *
 * Values are 64 bits wide and sums of groups modulo 2^64. The bounds hold only where sums of the
 * slaves' values do not exceed that, so the sum of the slaves' largest values is looked at first.
 */
#include "exchange.h"

#include "candidates.h"
#include "memory_limit.h"
#include "message.h"

#include <inttypes.h>
#include <libnf.h>
#include <libnf/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When more keys reach the threshold than this part of all groups, shuffling moves less. */
#define REACHING_PART 4u

static size_t entry_size(const lnf_query_t *query)
{
    return lnf_query_key_size(query) + sizeof(uint64_t);
}

static uint64_t entry_value(const uint8_t *entry, size_t key_size)
{
    struct lnf_reader r = lnf_reader_init(entry + key_size, sizeof(uint64_t));

    return lnf_read_u64_be(&r);
}

/* ---- slave ---------------------------------------------------------------------------------- */

struct tput_slave {
    struct exchange_slave *slave;
    size_t key_size, row_size;
    uint64_t best_count; /* keys sent in the first round ... */
    uint8_t *last;       /* ... and the row of the last of them */
    uint64_t threshold;
    uint64_t reaching;    /* other keys that reach it */
    candidates_t *wanted; /* keys of the third round; values are not used */
    size_t held;          /* octets they take */
    uint8_t *key, *row;   /* one */
    uint8_t *batch;       /* entries or rows of the next message */
    size_t batch_count;
    int class;
    struct failure *failure;
};

/** Value the question orders by. */
static uint64_t row_value(const struct tput_slave *tput, const uint8_t *row)
{
    const struct exchange_slave *slave = tput->slave;
    struct lnf_value value;

    lnf_query_row_value(slave->compiled, row, (unsigned)slave->query->sort_column, &value);
    return value.u64;
}

static int send_entries(struct tput_slave *tput, enum slave_phase phase)
{
    struct exchange_slave *slave = tput->slave;
    size_t count = tput->batch_count;
    size_t size =
        message_pack_entries(tput->batch, count, entry_size(slave->compiled), slave->octets);

    tput->batch_count = 0;
    tput->class = exchange_say(slave, MESSAGE_KEYS, size, phase, count, tput->failure);
    return tput->class;
}

static size_t entries_per_message(const struct tput_slave *tput)
{
    return message_rows_per_message(entry_size(tput->slave->compiled));
}

/** An entry of the next message, which has room for it. */
static void put_entry(struct tput_slave *tput, const uint8_t *row)
{
    uint8_t *entry = tput->batch + tput->batch_count++ * entry_size(tput->slave->compiled);
    struct lnf_writer_bytes w = lnf_writer_bytes_init(entry + tput->key_size, sizeof(uint64_t));

    lnf_query_row_key(tput->slave->compiled, row, entry);
    lnf_write_u64_be(&w, row_value(tput, row));
}

static int add_entry(struct tput_slave *tput, enum slave_phase phase, const uint8_t *row)
{
    put_entry(tput, row);
    return tput->batch_count < entries_per_message(tput) ? REPORT_OK : send_entries(tput, phase);
}

/** What remains of a list, and its end. */
static int end_entries(struct tput_slave *tput, enum slave_phase phase)
{
    if (tput->batch_count > 0 && send_entries(tput, phase) != REPORT_OK) {
        return tput->class;
    }
    return send_entries(tput, phase);
}

/** After a pass over the groups, whose status this is. */
static int passed(struct tput_slave *tput, int status)
{
    if (tput->class == REPORT_OK && status != LNF_OK) {
        tput->class = memory_limit_failure(tput->slave->table, status, tput->failure);
    }
    return tput->class;
}

/** The groups that reach the threshold in one pass, those of the first round among them. */
static int visit_reaching(struct tput_slave *tput, lnf_rows_fn *fn)
{
    return passed(tput, lnf_table_reaching_rows(tput->slave->table, tput->threshold, fn, tput));
}

static int send_best(struct tput_slave *tput)
{
    lnf_table_t *table = tput->slave->table;
    int status = lnf_table_finish(table, true);

    if (status < 0) {
        tput->class = memory_limit_failure(table, status, tput->failure);
    }
    while (tput->class == REPORT_OK &&
           lnf_table_rows(table, tput->best_count, 1, tput->last) == 1) {
        tput->best_count++;
        (void)add_entry(tput, SLAVE_BEST, tput->last);
    }
    status = lnf_table_error(table, NULL);
    if (tput->class == REPORT_OK && status != LNF_OK) {
        tput->class = memory_limit_failure(table, status, tput->failure);
    }
    return tput->class == REPORT_OK ? end_entries(tput, SLAVE_BEST) : tput->class;
}

/** Whether a row that reaches the threshold was not sent in the first round. */
static bool is_new(const struct tput_slave *tput, const uint8_t *row)
{
    return lnf_query_row_compare(tput->slave->compiled, tput->last, row) < 0;
}

/** Counts, and keeps what fits into one message: mostly that is all there is to send. */
static int count_reaching(void *context, const uint8_t *rows, size_t count)
{
    struct tput_slave *tput = context;

    for (size_t i = 0; i < count; i++) {
        const uint8_t *row = rows + i * tput->row_size;
        if (is_new(tput, row) && tput->reaching++ < entries_per_message(tput)) {
            put_entry(tput, row);
        }
    }
    return LNF_OK;
}

static int send_reaching(void *context, const uint8_t *rows, size_t count)
{
    struct tput_slave *tput = context;

    for (size_t i = 0; i < count && tput->class == REPORT_OK; i++) {
        const uint8_t *row = rows + i * tput->row_size;
        if (is_new(tput, row)) {
            (void)add_entry(tput, SLAVE_REACHING, row);
        }
    }
    return tput->class == REPORT_OK ? LNF_OK : LNF_ERR_OTHER;
}

/** How many more keys reach the threshold; none when the first round stopped below it already. */
static int say_count(struct tput_slave *tput)
{
    struct exchange_slave *slave = tput->slave;
    bool all_sent = tput->best_count < slave->query->limit;

    if (!all_sent && row_value(tput, tput->last) >= tput->threshold &&
        visit_reaching(tput, count_reaching) != REPORT_OK) {
        return tput->class;
    }
    size_t size = message_pack_number(tput->reaching, slave->octets);
    return exchange_say(slave, MESSAGE_COUNT, size, SLAVE_REACHING, 0, tput->failure);
}

/** Adds keys to those the master asks for. No master has memory for more than it may have. */
static int add_wanted(struct tput_slave *tput, const struct message_entries *keys,
                      const struct transport_message *message)
{
    for (size_t i = 0; i < keys->count; i++) {
        uint64_t count = candidates_count(tput->wanted);
        if (candidates_memory(tput->key_size, count) > EXCHANGE_CANDIDATES_MEMORY) {
            return exchange_malformed(message, tput->failure);
        }
        if (candidates_add(tput->wanted, keys->entries + i * tput->key_size) == NULL) {
            return failure_no_memory(tput->failure);
        }
    }
    lnf_memory_hold(tput->slave->memory, &tput->held, candidates_octets(tput->wanted));
    return REPORT_OK;
}

/** Takes the keys the master asks for. */
static int take_wanted(struct tput_slave *tput)
{
    struct message_entries keys = {.count = 1};

    while (tput->class == REPORT_OK && keys.count > 0) {
        struct transport_message message;
        tput->class = exchange_hear(tput->slave, &message, tput->failure);
        if (tput->class != REPORT_OK) {
            break;
        }
        if (message.kind != MESSAGE_KEYS ||
            !message_unpack_entries(message.octets, message.size, tput->key_size, &keys)) {
            tput->class = exchange_malformed(&message, tput->failure);
            break;
        }
        tput->class = add_wanted(tput, &keys, &message);
    }
    return tput->class;
}

static int send_groups(struct tput_slave *tput)
{
    struct exchange_slave *slave = tput->slave;
    const struct lnf_totals none = {0};
    size_t count = tput->batch_count;
    size_t size = message_pack_rows(&none, tput->batch, count, tput->row_size, slave->octets);

    tput->batch_count = 0;
    tput->class = exchange_say(slave, MESSAGE_ROWS, size, SLAVE_COMPLETE, count, tput->failure);
    return tput->class;
}

static int add_group(struct tput_slave *tput, const uint8_t *row)
{
    memcpy(tput->batch + tput->batch_count++ * tput->row_size, row, tput->row_size);
    return tput->batch_count < message_rows_per_message(tput->row_size) ? REPORT_OK
                                                                        : send_groups(tput);
}

static int send_wanted(void *context, unsigned partition, const uint8_t *row)
{
    struct tput_slave *tput = context;

    (void)partition;
    lnf_query_row_key(tput->slave->compiled, row, tput->key);
    if (candidates_find(tput->wanted, tput->key) == NULL) {
        return LNF_OK;
    }
    return add_group(tput, row) == REPORT_OK ? LNF_OK : LNF_ERR_OTHER;
}

/** Looks each key up; where groups are in files one pass over all of them is faster. */
static int find_wanted(struct tput_slave *tput)
{
    for (size_t i = 0; i < candidates_count(tput->wanted); i++) {
        int status = lnf_table_find(tput->slave->table, candidates_key(tput->wanted, i), tput->row);
        if (status == LNF_ERR_OTHER) {
            return passed(tput, lnf_table_deal_rows(tput->slave->table, 1, send_wanted, tput));
        }
        if (status == LNF_OK && add_group(tput, tput->row) != REPORT_OK) {
            return tput->class;
        }
    }
    return tput->class;
}

/** Second and third round. */
static int go_on(struct tput_slave *tput)
{
    if (tput->reaching > tput->batch_count) {
        tput->batch_count = 0;
        (void)visit_reaching(tput, send_reaching);
    }
    if (tput->class != REPORT_OK) {
        return tput->class;
    }
    if (end_entries(tput, SLAVE_REACHING) != REPORT_OK) {
        return tput->class;
    }
    report_debug(tput->slave->report,
                 "tput, round 2: %" PRIu64 " more keys reach the threshold of %" PRIu64,
                 tput->reaching, tput->threshold);
    if (take_wanted(tput) != REPORT_OK || find_wanted(tput) != REPORT_OK) {
        return tput->class;
    }
    if (tput->batch_count > 0 && send_groups(tput) != REPORT_OK) {
        return tput->class;
    }
    report_debug(tput->slave->report,
                 "tput, round 3: %zu keys asked for, %" PRIu64 " groups of them sent",
                 candidates_count(tput->wanted), tput->slave->counts->sent[SLAVE_COMPLETE].rows);
    return send_groups(tput);
}

/** The master's number after a list; what it says instead is another plan. */
static int hear_threshold(struct tput_slave *tput, struct transport_message *message,
                          bool *has_threshold)
{
    tput->class = exchange_hear(tput->slave, message, tput->failure);
    *has_threshold = tput->class == REPORT_OK && message->kind == MESSAGE_THRESHOLD;
    if (*has_threshold &&
        !message_unpack_number(message->octets, message->size, &tput->threshold)) {
        tput->class = exchange_malformed(message, tput->failure);
    }
    return tput->class;
}

/** The threshold comes, is answered with a count, and comes again when that is not too much. */
static int run_rounds(struct tput_slave *tput)
{
    struct transport_message message;
    bool has_threshold;

    if (send_best(tput) != REPORT_OK) {
        return tput->class;
    }
    report_debug(tput->slave->report, "tput, round 1: %" PRIu64 " keys sent", tput->best_count);
    if (hear_threshold(tput, &message, &has_threshold) != REPORT_OK) {
        return tput->class;
    }
    if (has_threshold) {
        if (say_count(tput) != REPORT_OK ||
            hear_threshold(tput, &message, &has_threshold) != REPORT_OK) {
            return tput->class;
        }
    }
    return has_threshold ? go_on(tput) : exchange_follow(tput->slave, &message, tput->failure);
}

static int tput_slave(struct exchange_slave *slave, struct failure *failure)
{
    struct tput_slave tput = {
        .slave = slave,
        .key_size = lnf_query_key_size(slave->compiled),
        .row_size = lnf_query_row_size(slave->compiled),
        .class = REPORT_OK,
        .failure = failure,
    };
    int class;

    tput.wanted = candidates_create(tput.key_size);
    tput.key = malloc(tput.key_size + 1);
    tput.row = malloc(tput.row_size + 1);
    tput.last = calloc(1, tput.row_size + 1);
    tput.batch = malloc(MESSAGE_ROWS_SIZE + tput.row_size);
    if (tput.wanted == NULL || tput.key == NULL || tput.row == NULL || tput.last == NULL ||
        tput.batch == NULL) {
        class = failure_no_memory(failure);
    } else {
        class = run_rounds(&tput);
    }
    candidates_destroy(tput.wanted);
    lnf_memory_hold(slave->memory, &tput.held, 0);
    free(tput.key);
    free(tput.row);
    free(tput.last);
    free(tput.batch);
    return class;
}

/* ---- master --------------------------------------------------------------------------------- */

/** What is known of a slave. */
struct tput_peer {
    uint8_t *best; /* entries of the first round */
    size_t best_count, best_room;
    uint64_t most, least; /* their first and last value */
    uint64_t bound;       /* of values it has not sent */
    uint64_t left;        /* entries or rows it may still send in this round */
    bool has_ended;
};

struct tput_master {
    struct exchange_master *master;
    size_t key_size, entry_size;
    struct tput_peer *peers; /* by slave */
    candidates_t *candidates;
    size_t held; /* octets of candidates and of what is kept of the first round */
    uint64_t threshold;
    uint64_t reaching;
    uint64_t bounds; /* of all slaves together */
};

static void begin_round(struct tput_master *tput)
{
    for (unsigned i = 0; i < tput->master->slaves; i++) {
        tput->peers[i].has_ended = false;
    }
}

/** Counts the memory of what is known, which has grown. */
static void count_memory(struct tput_master *tput)
{
    size_t octets = candidates_octets(tput->candidates);

    for (unsigned i = 0; i < tput->master->slaves; i++) {
        octets += tput->peers[i].best_room * tput->entry_size;
    }
    lnf_memory_hold(tput->master->memory, &tput->held, octets);
}

/** Takes entries or rows of a slave; which ones is the round's business. */
typedef int take_fn(struct tput_master *tput, unsigned slave,
                    const struct transport_message *message, size_t *count,
                    struct failure *failure);

/** Takes messages of all slaves until each said that it has no more. */
static int take_round(struct tput_master *tput, int kind, take_fn *take, struct failure *failure)
{
    unsigned ended = 0;

    begin_round(tput);
    while (ended < tput->master->slaves) {
        struct transport_message message;
        size_t count = 0;
        int class = exchange_receive(tput->master, TRANSPORT_ANYBODY, kind, &message, failure);
        if (class == REPORT_OK) {
            struct tput_peer *peer = &tput->peers[message.source - 1];
            class = peer->has_ended ? exchange_malformed(&message, failure)
                                    : take(tput, message.source - 1, &message, &count, failure);
            peer->has_ended = class == REPORT_OK && count == 0;
            ended += peer->has_ended;
            count_memory(tput);
        }
        if (class != REPORT_OK) {
            return class;
        }
    }
    return REPORT_OK;
}

static int add_known(struct tput_master *tput, const uint8_t *entry, uint64_t bound,
                     struct failure *failure)
{
    struct candidate *candidate = candidates_add(tput->candidates, entry);

    if (candidate == NULL) {
        return failure_no_memory(failure);
    }
    candidate->sum = exchange_add(candidate->sum, entry_value(entry, tput->key_size));
    candidate->heard = exchange_add(candidate->heard, bound);
    return REPORT_OK;
}

/** Unpacks entries, no more of them than the slave may send. */
static bool unpack_entries(const struct tput_master *tput, unsigned slave,
                           const struct transport_message *message, struct message_entries *entries)
{
    struct tput_peer *peer = &tput->peers[slave];

    if (!message_unpack_entries(message->octets, message->size, tput->entry_size, entries) ||
        entries->count > peer->left) {
        return false;
    }
    peer->left -= entries->count;
    return true;
}

/* -- first round -- */

/** The entries are needed again when the threshold is known. */
static bool keep_best(struct tput_master *tput, struct tput_peer *peer,
                      const struct message_entries *entries)
{
    size_t wanted = peer->best_count + entries->count;

    if (entries->count == 0) {
        return true;
    }
    if (wanted > peer->best_room) {
        size_t room = wanted > 2 * peer->best_room ? wanted : 2 * peer->best_room;
        uint8_t *best = realloc(peer->best, room * tput->entry_size);
        if (best == NULL) {
            return false;
        }
        peer->best = best;
        peer->best_room = room;
    }
    memcpy(peer->best + peer->best_count * tput->entry_size, entries->entries,
           entries->count * tput->entry_size);
    peer->best_count = wanted;
    return true;
}

static int take_best(struct tput_master *tput, unsigned slave,
                     const struct transport_message *message, size_t *count,
                     struct failure *failure)
{
    struct tput_peer *peer = &tput->peers[slave];
    struct message_entries entries;

    if (!unpack_entries(tput, slave, message, &entries)) {
        return exchange_malformed(message, failure);
    }
    for (size_t i = 0; i < entries.count; i++) {
        const uint8_t *entry = entries.entries + i * tput->entry_size;
        uint64_t value = entry_value(entry, tput->key_size);
        if (peer->best_count + i == 0) {
            peer->most = value;
        } else if (value > peer->least) {
            return exchange_malformed(message, failure);
        }
        peer->least = value;
        int class = add_known(tput, entry, 0, failure);
        if (class != REPORT_OK) {
            return class;
        }
    }
    *count = entries.count;
    return keep_best(tput, peer, &entries) ? REPORT_OK : failure_no_memory(failure);
}

/** Whether the total of some key might not fit into 64 bits. */
static bool may_wrap(const struct tput_master *tput)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < tput->master->slaves; i++) {
        if (__builtin_add_overflow(sum, tput->peers[i].most, &sum)) {
            return true;
        }
    }
    return false;
}

static int compare_descending(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? 1 : x > y ? -1 : 0;
}

/** The limit-th largest known sum, 0 when there are not so many. */
static int find_least_total(const struct tput_master *tput, uint64_t *total,
                            struct failure *failure)
{
    size_t count = candidates_count(tput->candidates);
    uint64_t limit = tput->master->query->limit;

    *total = 0;
    if (count < limit) {
        return REPORT_OK;
    }
    uint64_t *sums = malloc(count * sizeof(*sums));
    if (sums == NULL) {
        return failure_no_memory(failure);
    }
    for (size_t i = 0; i < count; i++) {
        sums[i] = candidates_at(tput->candidates, i)->sum;
    }
    qsort(sums, count, sizeof(*sums), compare_descending);
    *total = sums[limit - 1];
    free(sums);
    return REPORT_OK;
}

/** Threshold, and with it the bounds of what slaves have not sent when all that reach it are here.
 */
static int set_threshold(struct tput_master *tput, struct failure *failure)
{
    unsigned slaves = tput->master->slaves;
    uint64_t least_total;

    int class = find_least_total(tput, &least_total, failure);
    if (class != REPORT_OK) {
        return class;
    }
    tput->threshold = least_total / slaves + (least_total % slaves != 0);
    for (unsigned i = 0; i < slaves; i++) {
        struct tput_peer *peer = &tput->peers[i];
        bool all_sent = peer->best_count < tput->master->query->limit || tput->threshold == 0;
        uint64_t below = all_sent ? 0 : tput->threshold - 1;
        peer->bound = below < peer->least ? below : peer->least;
        tput->bounds += peer->bound;
    }
    for (unsigned i = 0; i < slaves; i++) {
        const struct tput_peer *peer = &tput->peers[i];
        for (size_t e = 0; e < peer->best_count; e++) {
            candidates_find(tput->candidates, peer->best + e * tput->entry_size)->heard +=
                peer->bound;
        }
    }
    report_debug(tput->master->report, "tput, round 1: %zu keys known, the threshold is %" PRIu64,
                 candidates_count(tput->candidates), tput->threshold);
    return REPORT_OK;
}

/* -- second round -- */

static int take_counts(struct tput_master *tput, struct failure *failure)
{
    for (unsigned rank = 1; rank <= tput->master->slaves; rank++) {
        struct transport_message message;
        uint64_t count;
        int class = exchange_receive(tput->master, rank, MESSAGE_COUNT, &message, failure);
        if (class != REPORT_OK) {
            return class;
        }
        struct tput_peer *peer = &tput->peers[rank - 1];
        if (!message_unpack_number(message.octets, message.size, &count) ||
            count > tput->master->holds[rank - 1] - peer->best_count) {
            return exchange_malformed(&message, failure);
        }
        peer->left = count;
        tput->reaching = exchange_add(tput->reaching, count);
    }
    report_debug(tput->master->report, "tput, round 2: %" PRIu64 " more keys reach the threshold",
                 tput->reaching);
    return REPORT_OK;
}

static bool is_too_much(const struct tput_master *tput)
{
    const struct exchange_master *master = tput->master;

    uint64_t keys = exchange_add(candidates_count(tput->candidates), tput->reaching);

    if (exchange_tput_memory(master->compiled, keys) > exchange_tput_room(master->memory)) {
        return true;
    }
    return master->query->exchange == QUERY_EXCHANGE_AUTO &&
           tput->reaching > master->groups / REACHING_PART;
}

static int take_reaching(struct tput_master *tput, unsigned slave,
                         const struct transport_message *message, size_t *count,
                         struct failure *failure)
{
    struct message_entries entries;

    if (!unpack_entries(tput, slave, message, &entries)) {
        return exchange_malformed(message, failure);
    }
    for (size_t i = 0; i < entries.count; i++) {
        int class = add_known(tput, entries.entries + i * tput->entry_size,
                              tput->peers[slave].bound, failure);
        if (class != REPORT_OK) {
            return class;
        }
    }
    *count = entries.count;
    return REPORT_OK;
}

/* -- third round -- */

/** Whether the total of a key can be that much. */
static bool can_reach(const struct tput_master *tput, const struct candidate *candidate,
                      uint64_t total)
{
    return exchange_add(candidate->sum, tput->bounds - candidate->heard) >= total;
}

/** Asks all slaves for the groups of the keys that may be in the answer. */
static int ask(struct tput_master *tput, uint8_t *keys, uint8_t *octets, size_t *asked,
               struct failure *failure)
{
    size_t room = message_rows_per_message(tput->key_size), count = 0;
    uint64_t total;

    *asked = 0;
    int class = find_least_total(tput, &total, failure);
    for (size_t i = 0; i < candidates_count(tput->candidates) && class == REPORT_OK; i++) {
        struct candidate *candidate = candidates_at(tput->candidates, i);
        if (!can_reach(tput, candidate, total)) {
            candidate->heard = UINT64_MAX; /* not asked for */
            continue;
        }
        memcpy(keys + count++ * tput->key_size, candidates_key(tput->candidates, i),
               tput->key_size);
        ++*asked;
        if (count == room) {
            size_t size = message_pack_entries(keys, count, tput->key_size, octets);
            class = exchange_tell(tput->master, MESSAGE_KEYS, octets, size, failure);
            count = 0;
        }
    }
    while (class == REPORT_OK) {
        size_t size = message_pack_entries(keys, count, tput->key_size, octets);
        class = exchange_tell(tput->master, MESSAGE_KEYS, octets, size, failure);
        if (count == 0) {
            break;
        }
        count = 0;
    }
    return class;
}

static int ask_for_groups(struct tput_master *tput, struct failure *failure)
{
    struct exchange_master *master = tput->master;
    uint8_t *keys = malloc(MESSAGE_MAX), *octets = malloc(MESSAGE_MAX);
    size_t asked = 0, used = strlen(master->why);
    int class = keys == NULL || octets == NULL ? failure_no_memory(failure)
                                               : ask(tput, keys, octets, &asked, failure);

    free(keys);
    free(octets);
    for (unsigned i = 0; i < master->slaves; i++) {
        tput->peers[i].left = asked;
    }
    (void)snprintf(master->why + used, sizeof(master->why) - used,
                   "; threshold %" PRIu64 ", %zu candidates, %zu asked for", tput->threshold,
                   candidates_count(tput->candidates), asked);
    report_debug(master->report, "tput, round 3: %zu of %zu keys asked for", asked,
                 candidates_count(tput->candidates));
    return class;
}

/** Whether a row is one that was asked for. */
static bool is_asked(const struct tput_master *tput, const uint8_t *row, uint8_t *key)
{
    lnf_query_row_key(tput->master->compiled, row, key);
    const struct candidate *candidate = candidates_find(tput->candidates, key);
    return candidate != NULL && candidate->heard != UINT64_MAX;
}

static int take_groups(struct tput_master *tput, unsigned slave,
                       const struct transport_message *message, size_t *count,
                       struct failure *failure)
{
    struct exchange_master *master = tput->master;
    struct tput_peer *peer = &tput->peers[slave];
    size_t row_size = lnf_query_row_size(master->compiled);
    uint8_t *key = malloc(tput->key_size + 1);
    struct message_rows rows;

    if (key == NULL) {
        return failure_no_memory(failure);
    }
    bool ok = message_unpack_rows(message->octets, message->size, row_size, &rows) &&
              rows.count <= peer->left;
    for (size_t i = 0; ok && i < rows.count; i++) {
        ok = is_asked(tput, rows.rows + i * row_size, key);
    }
    free(key);
    if (!ok) {
        return exchange_malformed(message, failure);
    }
    peer->left -= rows.count;
    *count = rows.count;
    int status = lnf_table_add(master->table, rows.rows, rows.count);
    return status == LNF_OK ? REPORT_OK : memory_limit_failure(master->table, status, failure);
}

/* -- rounds -- */

/** Groups are dealt out instead: the answer would be wrong, or cost more. */
static int give_up(struct tput_master *tput, const char *reason, struct failure *failure)
{
    struct exchange_master *master = tput->master;
    size_t used = strlen(master->why);

    (void)snprintf(master->why + used, sizeof(master->why) - used, "; but %s", reason);
    return exchange_change(master, &exchange_shuffle, failure);
}

static int tell_threshold(struct tput_master *tput, struct failure *failure)
{
    uint8_t octets[MESSAGE_NUMBER_SIZE];
    size_t size = message_pack_number(tput->threshold, octets);

    return exchange_tell(tput->master, MESSAGE_THRESHOLD, octets, size, failure);
}

static int run_master(struct tput_master *tput, struct failure *failure)
{
    for (unsigned i = 0; i < tput->master->slaves; i++) {
        uint64_t limit = tput->master->query->limit, holds = tput->master->holds[i];
        tput->peers[i].left = limit < holds ? limit : holds;
    }
    int class = take_round(tput, MESSAGE_KEYS, take_best, failure);
    if (class == REPORT_OK && may_wrap(tput)) {
        return give_up(tput, "sums may exceed 64 bits", failure);
    }
    if (class == REPORT_OK) {
        class = set_threshold(tput, failure);
    }
    if (class == REPORT_OK) {
        class = tell_threshold(tput, failure);
    }
    if (class == REPORT_OK) {
        class = take_counts(tput, failure);
    }
    if (class == REPORT_OK && is_too_much(tput)) {
        return give_up(tput, "too many keys reach the threshold", failure);
    }
    if (class == REPORT_OK) {
        class = tell_threshold(tput, failure);
    }
    if (class == REPORT_OK) {
        class = take_round(tput, MESSAGE_KEYS, take_reaching, failure);
    }
    if (class == REPORT_OK) {
        class = exchange_create_table(tput->master, failure);
    }
    if (class == REPORT_OK) {
        class = ask_for_groups(tput, failure);
    }
    tput->master->is_last_round = true;
    return class == REPORT_OK ? take_round(tput, MESSAGE_ROWS, take_groups, failure) : class;
}

static int tput_master(struct exchange_master *master, struct failure *failure)
{
    struct tput_master tput = {
        .master = master,
        .key_size = lnf_query_key_size(master->compiled),
        .entry_size = entry_size(master->compiled),
        .peers = calloc(master->slaves, sizeof(*tput.peers)),
    };
    int class;

    tput.candidates = candidates_create(tput.key_size);
    if (tput.peers == NULL || tput.candidates == NULL) {
        class = failure_no_memory(failure);
    } else {
        class = run_master(&tput, failure);
    }
    for (unsigned i = 0; tput.peers != NULL && i < master->slaves; i++) {
        free(tput.peers[i].best);
    }
    free(tput.peers);
    candidates_destroy(tput.candidates);
    lnf_memory_hold(master->memory, &tput.held, 0);
    return class;
}

const struct exchange exchange_tput = {
    .name = "tput",
    .slave = tput_slave,
    .master = tput_master,
};
