/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What happens while decoding, as log lines.
 *
 * Threads: the input's.
 */
#ifndef COLLECTOR_EVENT_LOG_H
#define COLLECTOR_EVENT_LOG_H

#include "log.h"

#include "ipfix/decoder.h"

#define EVENT_KIND_COUNT (IPFIX_EVENT_LIMIT + 1)

/** Limits of one session; zeroed = fresh. */
struct event_limits {
    struct log_burst kinds[EVENT_KIND_COUNT];
};

/** Writes the line of an event, at most 20 a minute per session and kind. */
void event_log(const struct ipfix_event *event, const struct ipfix_session *session,
               struct event_limits *limits, bool ignore_sequence);

#endif
