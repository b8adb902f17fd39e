/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A receiver of IPFIX that checks the rules a sender must keep: framing, templates before data,
 * no redefinition without withdrawal, continuous sequence numbers. Records are numbered by their
 * first four octets; templates are of fixed length, or one number and one variable-length field.
 * A domain without templates makes room for another one: it may not come back in the session then.
 */
#ifndef TEST_IPFIX_WIRE_H
#define TEST_IPFIX_WIRE_H

#include <libnf/bytes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WIRE_DOMAINS 4
#define WIRE_NUMBERS (1u << 20)

struct wire_domain {
    bool used;
    uint32_t id;
    uint32_t sequence;
    uint32_t known; /* templates */
    uint32_t record_length[65536]; /* 0 = no template; top bit: the last field is variable */
    uint32_t definition[65536];    /* hash of the definition */
};

struct wire {
    struct wire_domain domains[WIRE_DOMAINS];
    uint8_t partial[1 << 17];
    size_t partial_length;
    uint32_t messages, records, templates, withdrawals, longest;
    char problem[200]; /* the first one */
};

static inline void wire_problem(struct wire *w, const char *text, unsigned a, unsigned b)
{
    if (w->problem[0] == '\0') {
        (void)snprintf(w->problem, sizeof(w->problem), "%s (%u, %u)", text, a, b);
    }
}

static inline struct wire_domain *wire_domain(struct wire *w, uint32_t id)
{
    for (unsigned i = 0; i < WIRE_DOMAINS; i++) {
        if (!w->domains[i].used) {
            w->domains[i].used = true;
            w->domains[i].id = id;
        }
        if (w->domains[i].id == id) {
            return &w->domains[i];
        }
    }
    for (unsigned i = 0; i < WIRE_DOMAINS; i++) {
        if (w->domains[i].known == 0) {
            w->domains[i].id = id;
            w->domains[i].sequence = 0;
            return &w->domains[i];
        }
    }
    wire_problem(w, "too many domains", id, 0);
    return &w->domains[0];
}

static inline void wire_templates(struct wire *w, struct wire_domain *d, struct lnf_reader *r)
{
    while (lnf_reader_left(r) >= 4) {
        uint16_t id = lnf_read_u16_be(r);
        uint16_t count = lnf_read_u16_be(r);
        uint32_t length = 0, hash = 2166136261u;
        if (count == 0) {
            w->withdrawals++;
            if (d->record_length[id] == 0) {
                wire_problem(w, "withdrawal of an unknown template", d->id, id);
            }
            d->known -= d->record_length[id] != 0;
            d->record_length[id] = 0;
            continue;
        }
        for (uint16_t i = 0; i < count; i++) {
            uint16_t element = lnf_read_u16_be(r);
            uint16_t size = lnf_read_u16_be(r);
            hash = ((hash ^ element) * 16777619u ^ size) * 16777619u;
            length = size == 65535 ? length | 1u << 31 : length + size;
        }
        if (d->record_length[id] != 0 && d->definition[id] != hash) {
            wire_problem(w, "redefinition without withdrawal", d->id, id);
        }
        d->known += d->record_length[id] == 0 && length != 0;
        d->record_length[id] = length;
        d->definition[id] = hash;
        w->templates++;
    }
}

/** Notes a record as seen; `seen` counts per number. */
static inline uint32_t wire_data(struct wire *w, struct wire_domain *d, uint16_t id,
                                 struct lnf_reader *r, uint8_t *seen)
{
    uint32_t length = d->record_length[id], count = 0;

    if (length == 0) {
        wire_problem(w, "data before its template", d->id, id);
        return 0;
    }
    while (lnf_reader_left(r) >= (length & ~(1u << 31))) {
        uint32_t number = lnf_read_u32_be(r);
        if (length >> 31) {
            lnf_read_skip(r, lnf_read_u8(r));
        } else {
            lnf_read_skip(r, length - 4);
        }
        if (r->failed || number >= WIRE_NUMBERS) {
            wire_problem(w, "broken record", id, number);
            return count;
        }
        seen[number]++;
        count++;
        if (length >> 31 && lnf_reader_left(r) < 5) {
            break;
        }
    }
    return count;
}

static inline void wire_message(struct wire *w, const uint8_t *octets, size_t length, uint8_t *seen)
{
    struct lnf_reader r = lnf_reader_init(octets, length);
    uint32_t count = 0;

    lnf_read_skip(&r, 8);
    uint32_t sequence = lnf_read_u32_be(&r);
    struct wire_domain *d = wire_domain(w, lnf_read_u32_be(&r));
    w->messages++;
    w->longest = length > w->longest ? (uint32_t)length : w->longest;
    if (sequence != d->sequence) {
        wire_problem(w, "sequence number, expected", sequence, d->sequence);
    }
    while (lnf_reader_left(&r) > 0) {
        uint16_t id = lnf_read_u16_be(&r);
        uint16_t set_length = lnf_read_u16_be(&r);
        const uint8_t *body = set_length < 4 ? NULL : lnf_read_bytes(&r, set_length - 4u);
        if (body == NULL) {
            wire_problem(w, "a set does not fit", id, set_length);
            return;
        }
        struct lnf_reader set = lnf_reader_init(body, set_length - 4u);
        if (id == 2) {
            wire_templates(w, d, &set);
        } else {
            count += wire_data(w, d, id, &set, seen);
        }
    }
    d->sequence += count;
    w->records += count;
}

/** Takes octets of a stream; whole messages are read, the rest waits. */
static inline void wire_feed(struct wire *w, const uint8_t *octets, size_t length, uint8_t *seen)
{
    size_t at = 0;

    memcpy(w->partial + w->partial_length, octets, length);
    w->partial_length += length;
    while (w->partial_length - at >= 16) {
        size_t size = be16toh(lnf_load_u16(w->partial + at + 2));
        if (be16toh(lnf_load_u16(w->partial + at)) != 10 || size < 16) {
            wire_problem(w, "broken framing", (unsigned)at, (unsigned)size);
            return;
        }
        if (w->partial_length - at < size) {
            break;
        }
        wire_message(w, w->partial + at, size, seen);
        at += size;
    }
    memmove(w->partial, w->partial + at, w->partial_length - at);
    w->partial_length -= at;
}

#endif
