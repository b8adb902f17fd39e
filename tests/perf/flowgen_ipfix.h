/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Flows as IPFIX Messages (RFC 7011).
 *
 * A message holds the records of some consecutive flows: those of IPv4 in one Data Set (Template
 * 256), those of IPv6 in another (257). Options Template 258 describes the sampling of the
 * exporter.
 */
#ifndef FLOWGEN_IPFIX_H
#define FLOWGEN_IPFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgen_model.h"

enum fg_profile {
    FG_PROFILE_FULL,    /**< 65 octets an IPv4 record, 89 an IPv6 record */
    FG_PROFILE_COMPACT, /**< 47 and 71: no AS numbers, interfaces, masks */
};

enum {
    FG_RECORDS_MAX = 700,       /**< records that surely fit a UDP datagram, templates included */
    FG_MESSAGE_MAX = 64 * 1024, /**< octets that surely hold one message */
};

/** Settings of one exporter, and its counter. */
struct fg_exporter {
    enum fg_profile profile;
    uint32_t domain_id;
    uint32_t template_interval; /**< messages from one refresh to the next; 0 = only the first */
    bool options;               /**< sends the Options Template and its record with the templates */
    uint32_t sequence;          /**< Data Records sent before the next message */
    uint64_t message_count;     /**< messages built so far */
};

/**
 * Builds the next message.
 *
 * @param exporter  settings; its counters move on
 * @param flows     what to export, in order of their export_ms
 * @param count     1 to FG_RECORDS_MAX
 * @param[out] out  FG_MESSAGE_MAX octets at least
 * @return octets of the message
 */
size_t fg_message_build(struct fg_exporter *exporter, const struct fg_flow *flows, uint32_t count,
                        uint8_t *out);

/** Sets what `profile` does not export to zero, so that the flow is what a collector can know. */
void fg_profile_reduce(enum fg_profile profile, struct fg_flow *flow);

#endif
