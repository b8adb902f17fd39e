/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells the owner of a decoder what happened. */
#include "event.h"

void event_tell(const struct event_sink *sink, enum ipfix_event_kind kind, uint32_t domain_id,
                uint64_t value, uint64_t other, const char *text)
{
    if (sink->function == NULL) {
        return;
    }
    struct ipfix_event event = {
        .kind = kind,
        .domain_id = domain_id,
        .value = value,
        .other = other,
        .text = text,
    };
    sink->function(sink->context, &event);
}
