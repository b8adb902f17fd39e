/* SPDX-License-Identifier: BSD-3-Clause */
/** A decoder with its session, and the events it told: for tests of the protocol. */
#ifndef TEST_DECODER_FIXTURE_H
#define TEST_DECODER_FIXTURE_H

#include "decoder.h"
#include "message_builder.h"

#include <stdlib.h>
#include <string.h>

#define FIXTURE_EVENT_KINDS (IPFIX_EVENT_LIMIT + 1)

struct decoder_fixture {
    ipfix_decoder_t *decoder;
    unsigned events[FIXTURE_EVENT_KINDS]; /* how often each kind was told */
    struct ipfix_event last;
    uint64_t now_ms;
};

static inline void fixture_event(void *context, const struct ipfix_event *event)
{
    struct decoder_fixture *fixture = context;
    fixture->events[event->kind]++;
    fixture->last = *event;
}

static inline void fixture_init(struct decoder_fixture *fixture, enum ipfix_transport transport,
                                const struct ipfix_template_lifetimes *lifetimes)
{
    struct ipfix_session_info info = {.transport = transport};
    if (lifetimes != NULL) {
        info.lifetimes = *lifetimes;
    }
    memset(fixture, 0, sizeof(*fixture));
    fixture->now_ms = 1000;
    fixture->decoder =
        ipfix_decoder_create(ipfix_session_create(&info), NULL, fixture_event, fixture);
}

static inline void fixture_clear(struct decoder_fixture *fixture)
{
    ipfix_decoder_destroy(fixture->decoder);
}

/* Decodes from a block of exactly this size, so that sanitizers see every octet read beyond it. */
static inline struct ipfix_message *fixture_decode_octets(struct decoder_fixture *fixture,
                                                          const uint8_t *octets, size_t length)
{
    struct ipfix_message *message = NULL;
    uint8_t *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, octets, length);
    (void)ipfix_decoder_decode(fixture->decoder, copy, length, fixture->now_ms, &message);
    free(copy);
    return message;
}

static inline struct ipfix_message *fixture_decode(struct decoder_fixture *fixture,
                                                   struct message_builder *b)
{
    (void)message_end(b);
    return fixture_decode_octets(fixture, b->octets, b->length);
}

#endif
