/* SPDX-License-Identifier: BSD-3-Clause */
/** Tells the owner of a decoder what happened. */
#ifndef IPFIX_EVENT_H
#define IPFIX_EVENT_H

#include "decoder.h"

/** Where events of a session go. */
struct event_sink {
    ipfix_event_fn *function; /* may be NULL */
    void *context;
};

/** Tells one event; `text` may be NULL and needs to live only during the call. */
void event_tell(const struct event_sink *sink, enum ipfix_event_kind kind, uint32_t domain_id,
                uint64_t value, uint64_t other, const char *text);

#endif
