/* SPDX-License-Identifier: BSD-3-Clause */
/** Messages in order, with both ends open: what a lost connection did not deliver comes back in
 * front. */
#ifndef FORWARDING_ITEM_QUEUE_H
#define FORWARDING_ITEM_QUEUE_H

#include <ipfixcol/message.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Position in a message's Data Sets: everything before it has been delivered. */
struct cursor {
    uint32_t set;    /* index into the sets */
    uint32_t record; /* Data Records of that set before the position */
    uint32_t offset; /* their octets */
};

/** A message, or the part of it from `from` on, that is to be sent or was sent. */
struct item {
    struct ipfix_message *message; /* one reference */
    struct cursor from;
    bool applied;     /* what it does to templates has been done */
    uint32_t records; /* sent items: Data Records of the part */
    uint64_t end;     /* sent items: octets of the connection up to and with the part */
};

/** Zero it before first use. */
struct item_queue {
    struct item *items;
    size_t room; /* 0 or a power of two */
    size_t first;
    size_t count;
};

/** Adds at the end or in front, taking over the item's reference; false without memory (not taken).
 */
bool item_queue_push(struct item_queue *queue, const struct item *item);
bool item_queue_push_front(struct item_queue *queue, const struct item *item);

/** The item at an index from the front; the queue is longer than that. */
struct item *item_queue_at(const struct item_queue *queue, size_t index);

/** Takes the first or the last item off, with its reference; the queue is not empty. */
struct item item_queue_pop(struct item_queue *queue);
struct item item_queue_pop_back(struct item_queue *queue);

/** Drops everything. */
void item_queue_clear(struct item_queue *queue);

/** About how much memory an item's message holds. */
size_t item_cost(const struct item *item);

/** Data Records of the item's message from its position on, as far as they have a template. */
uint64_t item_records(const struct item *item);

#endif
