/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Messages for one destination: its template ids, its sequence numbers, its greatest length.
 *
 *     builder_begin(&builder, domain, export_time_s);
 *     builder_announce(&builder, mapped);        templates first
 *     builder_message(&builder, message, &from); then data
 *     builder_withdraw(&builder, mapped);        what is needed no more
 *     builder_finish(&builder);
 *
 * Source: RFC 7011 sections 3 and 8.1.
 */
#ifndef FORWARDING_MESSAGE_BUILDER_H
#define FORWARDING_MESSAGE_BUILDER_H

#include "item_queue.h"
#include "octets.h"
#include "template_mapper.h"

/** A message that was completed at the tail of the octets. */
struct built {
    struct cursor from; /* where its data start in the source message */
    uint32_t records;   /* Data Records in it */
    uint32_t length;    /* octets */
};

/** Zero it, then set the first four members; they may change between messages. */
struct builder {
    struct octets *out;
    uint32_t packet_size; /* octets of a message, exceeded only by what cannot be cut */
    void (*completed)(void *context, const struct built *built);
    void *context;

    uint64_t now_ms;
    struct mapper_domain *domain;
    uint32_t export_time_s;
    bool open;      /* a message is being built */
    bool failed;    /* no memory; stays set */
    size_t message; /* its position in `out` */
    size_t set;     /* position of the open template set, 0 = none */
    struct cursor from;
    uint32_t records;

    uint64_t unknown_sets;     /* Data Sets skipped because they have no template */
    uint64_t unmapped_records; /* Data Records skipped because all template ids are taken */
};

/** Starts on messages of a domain. */
void builder_begin(struct builder *builder, struct mapper_domain *domain, uint32_t export_time_s);

/** Adds a template; it counts as announced from now on. */
void builder_announce(struct builder *builder, struct mapped *mapped);

/** Adds the withdrawal of a template (RFC 7011 section 8.1). */
void builder_withdraw(struct builder *builder, const struct mapped *mapped);

/** Adds the Data Sets of a message from a position on; templates not announced yet come before. */
void builder_message(struct builder *builder, const struct ipfix_message *message,
                     const struct cursor *from);

/** Completes the open message, if there is one. */
void builder_finish(struct builder *builder);

#endif
