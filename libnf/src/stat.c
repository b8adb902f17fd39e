/* SPDX-License-Identifier: BSD-3-Clause */
/** Statistics of flow files: adding them up, computing them from records. */
#include "stat.h"

#include "element.h"

#include <libnf/bytes.h>

void lnf_stat_add(struct lnf_stat *stat, const struct lnf_stat *from)
{
    stat->flows += from->flows;
    stat->bytes += from->bytes;
    stat->packets += from->packets;
    for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
        stat->class_flows[i] += from->class_flows[i];
        stat->class_bytes[i] += from->class_bytes[i];
        stat->class_packets[i] += from->class_packets[i];
    }
    if (from->first_ms < stat->first_ms) {
        stat->first_ms = from->first_ms;
    }
    if (from->last_ms > stat->last_ms) {
        stat->last_ms = from->last_ms;
    }
    stat->sequence_failures += from->sequence_failures;
}

static uint64_t load_u64(const uint8_t *p)
{
    return le64toh(lnf_load_u64(p));
}

void lnf_stat_count_elements(struct lnf_stat *stat, const uint8_t *generic, const uint8_t *counters)
{
    uint64_t flows = counters == NULL ? 0 : load_u64(counters);
    uint64_t packets = load_u64(generic + 24);
    uint64_t bytes = load_u64(generic + 32);

    if (counters != NULL) {
        packets += load_u64(counters + 8);
        bytes += load_u64(counters + 16);
    }
    lnf_stat_count(stat, generic[44], flows == 0 ? 1 : flows, packets, bytes, load_u64(generic),
                   load_u64(generic + 8));
}

void lnf_stat_count_record(struct lnf_stat *stat, const uint8_t *record, size_t size)
{
    struct lnf_reader r = lnf_reader_init(record, size);
    const uint8_t *generic = NULL;
    const uint8_t *counters = NULL;

    uint16_t type = lnf_read_u16_le(&r);
    lnf_read_skip(&r, 2);
    unsigned elements = lnf_read_u16_le(&r);
    lnf_read_skip(&r, LNF_RECORD_HEADER_SIZE - 6);
    if (r.failed || type != LNF_RECORD_FLOW) {
        return;
    }

    for (unsigned i = 0; i < elements; i++) {
        uint16_t id = lnf_read_u16_le(&r);
        uint16_t length = lnf_read_u16_le(&r);
        if (r.failed || length < LNF_ELEMENT_HEADER_SIZE) {
            return;
        }
        const uint8_t *data = lnf_read_bytes(&r, length - LNF_ELEMENT_HEADER_SIZE);
        if (data == NULL) {
            return;
        }
        if (!lnf_element_usable(id, length - LNF_ELEMENT_HEADER_SIZE)) {
            continue;
        }
        /* Of an element that comes twice the first counts, as for columns. */
        if (id == LNF_ELEMENT_GENERIC && generic == NULL) {
            generic = data;
        } else if (id == LNF_ELEMENT_COUNTERS && counters == NULL) {
            counters = data;
        }
    }
    if (generic != NULL && lnf_reader_left(&r) == 0) {
        lnf_stat_count_elements(stat, generic, counters);
    }
}

bool lnf_stat_count_block(struct lnf_stat *stat, const uint8_t *records, size_t size,
                          uint32_t count)
{
    struct lnf_reader r = lnf_reader_init(records, size);
    uint32_t seen = 0;

    while (lnf_reader_left(&r) >= 4) {
        size_t record_size = le16toh(lnf_load_u16(r.at + 2));
        if (record_size < 4) {
            return false;
        }
        const uint8_t *record = lnf_read_bytes(&r, record_size);
        if (record == NULL) {
            return false;
        }
        lnf_stat_count_record(stat, record, record_size);
        seen++;
    }
    return lnf_reader_left(&r) == 0 && seen == count;
}
