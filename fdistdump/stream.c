/* SPDX-License-Identifier: BSD-3-Clause */
/** Sorted rows of slaves, merged piece by piece. */
#include "stream.h"

#include "memory_limit.h"
#include "message.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

/* Octets of a piece and of all of them; a limit of memory makes pieces smaller. */
#define PIECE_SIZE_MIN ((uint64_t)64 << 10)
#define PIECE_SIZE_LIMITED_MIN ((uint64_t)4 << 10)
#define PIECES_SIZE ((uint64_t)64 << 20)

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t greatest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

size_t stream_piece_size(const lnf_memory_t *memory, unsigned slaves)
{
    uint64_t limit = memory == NULL ? 0 : lnf_memory_limit(memory);
    uint64_t size = greatest(PIECES_SIZE / slaves, PIECE_SIZE_MIN);

    if (limit > 0) {
        size = least(size, greatest(limit / EXCHANGE_MEMORY_PART / slaves, PIECE_SIZE_LIMITED_MIN));
    }
    return (size_t)least(size, MESSAGE_ROWS_SIZE);
}

static size_t rows_per_piece(const lnf_query_t *query, size_t piece_size)
{
    size_t row_size = lnf_query_row_size(query);

    return row_size > piece_size ? 1 : piece_size / row_size;
}

/* ---- slave ---------------------------------------------------------------------------------- */

/** Looks whether the master has enough. */
static int look_for_stop(struct exchange_slave *slave, bool *stopped, struct failure *failure)
{
    struct transport_message message;
    int class = transport_poll(slave->transport, TRANSPORT_NOBODY, &message, failure);

    if (class == REPORT_OK && message.kind != 0 && message.kind != MESSAGE_STOP) {
        return exchange_malformed(&message, failure);
    }
    *stopped = class == REPORT_OK && message.kind == MESSAGE_STOP;
    return class;
}

static int send_pieces(struct exchange_slave *slave, uint8_t *rows, struct failure *failure)
{
    const struct lnf_totals none = {0};
    size_t row_size = lnf_query_row_size(slave->compiled);
    size_t room = rows_per_piece(slave->compiled, slave->piece_size), start = 0, count;
    bool stopped = false;

    do {
        count = stopped ? 0 : lnf_table_rows(slave->table, start, room, rows);
        int status = lnf_table_error(slave->table, NULL);
        if (status != LNF_OK) {
            return memory_limit_failure(slave->table, status, failure);
        }
        start += count;
        size_t size = message_pack_rows(&none, rows, count, row_size, slave->octets);
        int class = exchange_say(slave, MESSAGE_ROWS, size, SLAVE_ROWS, count, failure);
        if (class == REPORT_OK && count > 0) {
            class = look_for_stop(slave, &stopped, failure);
        }
        if (class != REPORT_OK) {
            return class;
        }
    } while (count > 0);
    return REPORT_OK;
}

int stream_slave(struct exchange_slave *slave, struct failure *failure)
{
    size_t size =
        rows_per_piece(slave->compiled, slave->piece_size) * lnf_query_row_size(slave->compiled);
    size_t held = 0;
    int class = REPORT_OK;

    lnf_memory_hold(slave->memory, &held, size);
    int status = lnf_table_finish(slave->table, true);
    uint8_t *rows = malloc(size);
    if (status < 0) {
        class = memory_limit_failure(slave->table, status, failure);
    } else {
        class = rows == NULL ? failure_no_memory(failure) : send_pieces(slave, rows, failure);
    }
    free(rows);
    lnf_memory_hold(slave->memory, &held, 0);
    return class;
}

/* ---- master --------------------------------------------------------------------------------- */

/** The rows of one slave that are here. */
struct stream {
    uint8_t *rows;
    size_t count, at; /* rows; the next one */
    bool ended;
};

struct merge {
    struct exchange_master *master;
    size_t row_size;
    size_t room;            /* rows of a piece */
    size_t held;            /* octets of all pieces */
    struct stream *streams; /* by slave */
    unsigned *heap;         /* slaves with rows, the one with the first row on top */
    unsigned heap_count;
    unsigned ended;
};

static const uint8_t *next_row(const struct merge *merge, unsigned slave)
{
    const struct stream *stream = &merge->streams[slave];

    return stream->rows + stream->at * merge->row_size;
}

static bool comes_before(const struct merge *merge, unsigned a, unsigned b)
{
    return lnf_query_row_compare(merge->master->compiled, next_row(merge, a), next_row(merge, b)) <
           0;
}

static void sink(struct merge *merge, unsigned place)
{
    unsigned *heap = merge->heap;

    for (;;) {
        unsigned child = 2 * place + 1;
        if (child >= merge->heap_count) {
            return;
        }
        if (child + 1 < merge->heap_count && comes_before(merge, heap[child + 1], heap[child])) {
            child++;
        }
        if (!comes_before(merge, heap[child], heap[place])) {
            return;
        }
        unsigned slave = heap[place];
        heap[place] = heap[child];
        heap[child] = slave;
        place = child;
    }
}

/** Takes rows of a message; `last` is the row before them, if there was one. */
static int take_piece(struct merge *merge, const struct transport_message *message,
                      struct message_rows *rows, struct failure *failure)
{
    struct stream *stream = &merge->streams[message->source - 1];

    if (stream->ended ||
        !message_unpack_rows(message->octets, message->size, merge->row_size, rows) ||
        rows->count > merge->room) {
        return exchange_malformed(message, failure);
    }
    stream->ended = rows->count == 0;
    merge->ended += stream->ended;
    return REPORT_OK;
}

/** The next piece of a slave, whose rows must go on in order. */
static int fill(struct merge *merge, unsigned slave, struct failure *failure)
{
    const lnf_query_t *query = merge->master->compiled;
    struct stream *stream = &merge->streams[slave];
    struct transport_message message;
    struct message_rows rows;

    int class = exchange_receive(merge->master, slave + 1, MESSAGE_ROWS, &message, failure);
    if (class == REPORT_OK) {
        class = take_piece(merge, &message, &rows, failure);
    }
    if (class != REPORT_OK || stream->ended) {
        return class;
    }
    const uint8_t *last =
        stream->count == 0 ? NULL : stream->rows + (stream->count - 1) * merge->row_size;
    for (size_t i = 0; i < rows.count; i++) {
        const uint8_t *row = rows.rows + i * merge->row_size;
        if (last != NULL && lnf_query_row_compare(query, last, row) > 0) {
            return exchange_malformed(&message, failure);
        }
        last = row;
    }
    memcpy(stream->rows, rows.rows, rows.count * merge->row_size);
    stream->count = rows.count;
    stream->at = 0;
    return REPORT_OK;
}

/** Moves the first row into the answer. */
static int take_first(struct merge *merge, struct failure *failure)
{
    unsigned slave = merge->heap[0];
    struct stream *stream = &merge->streams[slave];
    int class = REPORT_OK;

    int status = lnf_table_add(merge->master->table, next_row(merge, slave), 1);
    if (status != LNF_OK) {
        return memory_limit_failure(merge->master->table, status, failure);
    }
    if (++stream->at == stream->count) {
        class = fill(merge, slave, failure);
    }
    if (stream->ended) {
        merge->heap[0] = merge->heap[--merge->heap_count];
    }
    if (class == REPORT_OK) {
        sink(merge, 0);
    }
    return class;
}

/** Nothing more is wanted: rows on their way are dropped. */
static int drain(struct merge *merge, struct failure *failure)
{
    const uint8_t nothing[1] = {0};
    int class = REPORT_OK;

    if (merge->ended == merge->master->slaves) {
        return REPORT_OK;
    }
    class = exchange_tell(merge->master, MESSAGE_STOP, nothing, 0, failure);
    while (class == REPORT_OK && merge->ended < merge->master->slaves) {
        struct transport_message message;
        struct message_rows rows;
        class = exchange_receive(merge->master, TRANSPORT_ANYBODY, MESSAGE_ROWS, &message, failure);
        if (class == REPORT_OK) {
            class = take_piece(merge, &message, &rows, failure);
        }
    }
    return class;
}

static int merge_all(struct merge *merge, struct failure *failure)
{
    uint64_t limit = merge->master->query->limit;
    int class = REPORT_OK;

    for (unsigned i = 0; i < merge->master->slaves && class == REPORT_OK; i++) {
        class = fill(merge, i, failure);
        if (class == REPORT_OK && !merge->streams[i].ended) {
            merge->heap[merge->heap_count++] = i;
        }
    }
    if (class != REPORT_OK) {
        return class;
    }
    for (unsigned i = merge->heap_count; i > 0; i--) {
        sink(merge, i - 1);
    }
    for (uint64_t rows = 0; merge->heap_count > 0 && (limit == 0 || rows < limit); rows++) {
        class = take_first(merge, failure);
        if (class != REPORT_OK) {
            return class;
        }
    }
    return drain(merge, failure);
}

static bool create_streams(struct merge *merge)
{
    unsigned slaves = merge->master->slaves;

    merge->streams = calloc(slaves, sizeof(*merge->streams));
    merge->heap = calloc(slaves, sizeof(*merge->heap));
    if (merge->streams == NULL || merge->heap == NULL) {
        return false;
    }
    lnf_memory_hold(merge->master->memory, &merge->held, slaves * merge->room * merge->row_size);
    for (unsigned i = 0; i < slaves; i++) {
        merge->streams[i].rows = malloc(merge->room * merge->row_size);
        if (merge->streams[i].rows == NULL) {
            return false;
        }
    }
    return true;
}

static void destroy_streams(struct merge *merge)
{
    for (unsigned i = 0; merge->streams != NULL && i < merge->master->slaves; i++) {
        free(merge->streams[i].rows);
    }
    free(merge->streams);
    free(merge->heap);
    lnf_memory_hold(merge->master->memory, &merge->held, 0);
}

int stream_master(struct exchange_master *master, struct failure *failure)
{
    struct merge merge = {
        .master = master,
        .row_size = lnf_query_row_size(master->compiled),
        .room = rows_per_piece(master->compiled, master->piece_size),
    };

    master->is_last_round = true;
    if (lnf_query_create_answer(master->compiled, &master->answer) < 0 ||
        lnf_table_create_limited(master->answer, master->memory, &master->table) < 0) {
        return failure_no_memory(failure);
    }
    int class = create_streams(&merge) ? merge_all(&merge, failure) : failure_no_memory(failure);
    destroy_streams(&merge);
    return class;
}
