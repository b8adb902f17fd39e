/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A lane: messages in order, and the destinations they are dealt to in turn.
 *
 * Round robin is one lane with all destinations; "all" is one lane for each destination. A lane
 * knows the templates of every source as they are at the head of its queue, so a destination that
 * connects gets exactly those the next message may need.
 */
#ifndef FORWARDING_LANE_H
#define FORWARDING_LANE_H

#include "destination.h"

struct lane_totals {
    uint64_t dropped_records;  /* lost: no room, or no template id left */
    uint64_t repeated_records; /* sent again after a connection failed */
    uint64_t unknown_sets;     /* Data Sets without a template */
};

/** Zero it, then set the first three members. */
struct lane {
    col_instance_t *instance;
    struct destination *destinations;
    size_t count;

    size_t next; /* whose turn it is */
    struct item_queue pending;
    size_t cost;          /* memory of pending */
    struct table sources; /* by session and domain */
    struct source *last_source;
    struct table domains; /* by id: how many sources a domain has, a number in place of a pointer */
    const struct ipfix_template **added, **dropped; /* of the message being sent */
    size_t added_count, added_room, dropped_count, dropped_room;
    struct col_log_limit unknown_limit, ids_limit;
    struct lane_totals totals;
};

/** Frees everything but the destinations. */
void lane_clear(struct lane *lane);

/** Adds a message at the end, taking a reference; false without memory: it was counted as dropped.
 */
bool lane_push(struct lane *lane, struct ipfix_message *message);

/** Hands messages to destinations until there are none left, or no destination can take one. */
void lane_dispatch(struct lane *lane, uint64_t now_ms);

/** Lets every destination go on, then dispatches. */
void lane_run(struct lane *lane, uint64_t now_ms);

/** Drops the oldest message that waits; its Data Records are counted. */
uint64_t lane_drop_oldest(struct lane *lane);

/** How many destinations are connected, or about to be: those being renewed are not down. */
size_t lane_connected(const struct lane *lane);

/** Data Records that wait, or are not acknowledged. */
uint64_t lane_records_left(const struct lane *lane);

#endif
