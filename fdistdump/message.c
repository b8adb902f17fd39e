/* SPDX-License-Identifier: BSD-3-Clause */
/** Packing and checked unpacking of messages. */
#include "message.h"

#include <libnf/bytes.h>
#include <string.h>

#define ROWS_WITHOUT_SIZE_MAX 65536u /* rows without columns have no octets to count them by */

size_t message_rows_per_message(size_t row_size)
{
    if (row_size == 0) {
        return ROWS_WITHOUT_SIZE_MAX;
    }
    return row_size > MESSAGE_ROWS_SIZE ? 1 : MESSAGE_ROWS_SIZE / row_size;
}

/* ---- pack ----------------------------------------------------------------------------------- */

size_t message_pack_number(uint64_t number, uint8_t *octets)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, MESSAGE_NUMBER_SIZE);

    lnf_write_u64_be(&w, number);
    return lnf_writer_bytes_used(&w);
}

size_t message_pack_plan(const struct message_plan *plan, uint8_t *octets)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, MESSAGE_PLAN_SIZE);

    lnf_write_u64_be(&w, plan->exchange);
    lnf_write_u64_be(&w, plan->piece_size);
    return lnf_writer_bytes_used(&w);
}

static void write_totals(struct lnf_writer_bytes *w, const struct lnf_totals *totals)
{
    lnf_write_u64_be(w, totals->records);
    lnf_write_u64_be(w, totals->flows);
    lnf_write_u64_be(w, totals->packets);
    lnf_write_u64_be(w, totals->bytes);
}

size_t message_pack_rows(const struct lnf_totals *totals, const uint8_t *rows, size_t count,
                         size_t row_size, uint8_t *octets)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, MESSAGE_MAX);

    write_totals(&w, totals);
    lnf_write_u32_be(&w, (uint32_t)count);
    lnf_write_bytes(&w, rows, count * row_size);
    return lnf_writer_bytes_used(&w);
}

size_t message_pack_entries(const uint8_t *entries, size_t count, size_t entry_size,
                            uint8_t *octets)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, MESSAGE_MAX);

    lnf_write_u32_be(&w, (uint32_t)count);
    lnf_write_bytes(&w, entries, count * entry_size);
    return lnf_writer_bytes_used(&w);
}

static void write_classes(struct lnf_writer_bytes *w, const uint64_t *counts)
{
    for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
        lnf_write_u64_be(w, counts[i]);
    }
}

size_t message_pack_counts(const struct slave_counts *counts, uint8_t *octets)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, MESSAGE_MAX);
    const struct lnf_stat *stat = &counts->stat;

    write_totals(&w, &counts->totals);
    lnf_write_u64_be(&w, stat->flows);
    lnf_write_u64_be(&w, stat->bytes);
    lnf_write_u64_be(&w, stat->packets);
    write_classes(&w, stat->class_flows);
    write_classes(&w, stat->class_bytes);
    write_classes(&w, stat->class_packets);
    lnf_write_u64_be(&w, stat->first_ms);
    lnf_write_u64_be(&w, stat->last_ms);
    lnf_write_u64_be(&w, stat->sequence_failures);
    lnf_write_u64_be(&w, counts->skipped);
    lnf_write_u64_be(&w, counts->files);
    lnf_write_u64_be(&w, counts->unreadable);
    lnf_write_u64_be(&w, counts->interrupted);
    for (unsigned i = 0; i < SLAVE_PROBLEMS; i++) {
        lnf_write_u64_be(&w, counts->problems[i]);
    }
    lnf_write_u64_be(&w, counts->damaged_indexes);
    lnf_write_u64_be(&w, counts->indexed);
    lnf_write_u64_be(&w, counts->files_skipped);
    lnf_write_u64_be(&w, counts->indexed_blocks);
    lnf_write_u64_be(&w, counts->blocks_skipped);
    lnf_write_u64_be(&w, counts->groups);
    lnf_write_u64_be(&w, counts->held);
    for (unsigned i = 0; i < SLAVE_PHASES; i++) {
        lnf_write_u64_be(&w, counts->sent[i].rows);
        lnf_write_u64_be(&w, counts->sent[i].octets);
    }
    lnf_write_u64_be(&w, counts->octets_sent);
    lnf_write_u64_be(&w, counts->octets_received);
    lnf_write_u64_be(&w, counts->memory_peak);
    lnf_write_u64_be(&w, counts->spilled);
    lnf_write_u64_be(&w, counts->scan_us);
    lnf_write_u64_be(&w, counts->merge_us);
    lnf_write_u64_be(&w, counts->exchange_us);
    return lnf_writer_bytes_used(&w);
}

size_t message_pack_failure(const struct failure *failure, const char *host, uint8_t *octets)
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, MESSAGE_MAX);
    size_t host_size = strnlen(host, REPORT_HOST_SIZE - 1);

    lnf_write_u8(&w, (uint8_t)failure->class);
    lnf_write_u8(&w, (uint8_t)host_size);
    lnf_write_bytes(&w, host, host_size);
    lnf_write_bytes(&w, failure->text, strnlen(failure->text, sizeof(failure->text) - 1));
    return lnf_writer_bytes_used(&w);
}

/* ---- unpack --------------------------------------------------------------------------------- */

static bool is_whole(const struct lnf_reader *r)
{
    return !r->failed && lnf_reader_left(r) == 0;
}

bool message_unpack_number(const uint8_t *octets, size_t size, uint64_t *number)
{
    struct lnf_reader r = lnf_reader_init(octets, size);

    *number = lnf_read_u64_be(&r);
    return is_whole(&r);
}

bool message_unpack_plan(const uint8_t *octets, size_t size, struct message_plan *plan)
{
    struct lnf_reader r = lnf_reader_init(octets, size);

    plan->exchange = lnf_read_u64_be(&r);
    plan->piece_size = lnf_read_u64_be(&r);
    return is_whole(&r) && plan->piece_size > 0 && plan->piece_size <= MESSAGE_ROWS_SIZE;
}

static void read_totals(struct lnf_reader *r, struct lnf_totals *totals)
{
    totals->records = lnf_read_u64_be(r);
    totals->flows = lnf_read_u64_be(r);
    totals->packets = lnf_read_u64_be(r);
    totals->bytes = lnf_read_u64_be(r);
}

bool message_unpack_rows(const uint8_t *octets, size_t size, size_t row_size,
                         struct message_rows *rows)
{
    struct lnf_reader r = lnf_reader_init(octets, size);

    read_totals(&r, &rows->totals);
    uint32_t count = lnf_read_u32_be(&r);
    if (r.failed || count > message_rows_per_message(row_size)) {
        return false;
    }
    rows->count = count;
    rows->rows = lnf_read_bytes(&r, count * row_size);
    return is_whole(&r);
}

bool message_unpack_entries(const uint8_t *octets, size_t size, size_t entry_size,
                            struct message_entries *entries)
{
    struct lnf_reader r = lnf_reader_init(octets, size);

    uint32_t count = lnf_read_u32_be(&r);
    if (r.failed || count > message_rows_per_message(entry_size)) {
        return false;
    }
    entries->count = count;
    entries->entries = lnf_read_bytes(&r, count * entry_size);
    return is_whole(&r);
}

static void read_classes(struct lnf_reader *r, uint64_t *counts)
{
    for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
        counts[i] = lnf_read_u64_be(r);
    }
}

bool message_unpack_counts(const uint8_t *octets, size_t size, struct slave_counts *counts)
{
    struct lnf_reader r = lnf_reader_init(octets, size);
    struct lnf_stat *stat = &counts->stat;

    read_totals(&r, &counts->totals);
    stat->flows = lnf_read_u64_be(&r);
    stat->bytes = lnf_read_u64_be(&r);
    stat->packets = lnf_read_u64_be(&r);
    read_classes(&r, stat->class_flows);
    read_classes(&r, stat->class_bytes);
    read_classes(&r, stat->class_packets);
    stat->first_ms = lnf_read_u64_be(&r);
    stat->last_ms = lnf_read_u64_be(&r);
    stat->sequence_failures = lnf_read_u64_be(&r);
    counts->skipped = lnf_read_u64_be(&r);
    counts->files = lnf_read_u64_be(&r);
    counts->unreadable = lnf_read_u64_be(&r);
    counts->interrupted = lnf_read_u64_be(&r);
    for (unsigned i = 0; i < SLAVE_PROBLEMS; i++) {
        counts->problems[i] = lnf_read_u64_be(&r);
    }
    counts->damaged_indexes = lnf_read_u64_be(&r);
    counts->indexed = lnf_read_u64_be(&r);
    counts->files_skipped = lnf_read_u64_be(&r);
    counts->indexed_blocks = lnf_read_u64_be(&r);
    counts->blocks_skipped = lnf_read_u64_be(&r);
    counts->groups = lnf_read_u64_be(&r);
    counts->held = lnf_read_u64_be(&r);
    for (unsigned i = 0; i < SLAVE_PHASES; i++) {
        counts->sent[i].rows = lnf_read_u64_be(&r);
        counts->sent[i].octets = lnf_read_u64_be(&r);
    }
    counts->octets_sent = lnf_read_u64_be(&r);
    counts->octets_received = lnf_read_u64_be(&r);
    counts->memory_peak = lnf_read_u64_be(&r);
    counts->spilled = lnf_read_u64_be(&r);
    counts->scan_us = lnf_read_u64_be(&r);
    counts->merge_us = lnf_read_u64_be(&r);
    counts->exchange_us = lnf_read_u64_be(&r);
    return is_whole(&r);
}

static bool is_class(unsigned class)
{
    return class >= REPORT_MEMORY && class <= REPORT_PATH;
}

bool message_unpack_failure(const uint8_t *octets, size_t size, struct message_failure *failure)
{
    struct lnf_reader r = lnf_reader_init(octets, size);
    uint8_t class = lnf_read_u8(&r);
    uint8_t host_size = lnf_read_u8(&r);
    const uint8_t *host = lnf_read_bytes(&r, host_size);
    size_t text_size = lnf_reader_left(&r);

    if (host == NULL || !is_class(class) || host_size >= sizeof(failure->host) ||
        text_size >= sizeof(failure->failure.text)) {
        return false;
    }
    memcpy(failure->host, host, host_size);
    failure->host[host_size] = '\0';
    failure->failure.class = (enum report_class) class;
    memcpy(failure->failure.text, r.at, text_size);
    failure->failure.text[text_size] = '\0';
    return true;
}
