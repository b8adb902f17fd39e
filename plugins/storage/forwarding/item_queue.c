/* SPDX-License-Identifier: BSD-3-Clause */
/** Double-ended queue of messages, a growing ring. */
#include "item_queue.h"

#include <stdlib.h>

#define QUEUE_MIN_ROOM 64u

static bool make_room(struct item_queue *queue)
{
    if (queue->count < queue->room) {
        return true;
    }
    size_t room = queue->room == 0 ? QUEUE_MIN_ROOM : 2 * queue->room;
    struct item *items = malloc(room * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    for (size_t i = 0; i < queue->count; i++) {
        items[i] = *item_queue_at(queue, i);
    }
    free(queue->items);
    queue->items = items;
    queue->room = room;
    queue->first = 0;
    return true;
}

struct item *item_queue_at(const struct item_queue *queue, size_t index)
{
    return &queue->items[(queue->first + index) & (queue->room - 1)];
}

bool item_queue_push(struct item_queue *queue, const struct item *item)
{
    if (!make_room(queue)) {
        return false;
    }
    queue->count++;
    *item_queue_at(queue, queue->count - 1) = *item;
    return true;
}

bool item_queue_push_front(struct item_queue *queue, const struct item *item)
{
    if (!make_room(queue)) {
        return false;
    }
    queue->first = (queue->first - 1) & (queue->room - 1);
    queue->count++;
    queue->items[queue->first] = *item;
    return true;
}

struct item item_queue_pop(struct item_queue *queue)
{
    struct item item = queue->items[queue->first];

    queue->first = (queue->first + 1) & (queue->room - 1);
    queue->count--;
    return item;
}

struct item item_queue_pop_back(struct item_queue *queue)
{
    queue->count--;
    return *item_queue_at(queue, queue->count);
}

void item_queue_clear(struct item_queue *queue)
{
    while (queue->count > 0) {
        ipfix_message_unref(item_queue_pop(queue).message);
    }
    free(queue->items);
    *queue = (struct item_queue){0};
}

size_t item_cost(const struct item *item)
{
    const struct ipfix_message *message = item->message;

    return sizeof(*item) + sizeof(*message) + message->length +
           message->set_count * sizeof(*message->sets) +
           message->change_count * sizeof(*message->changes);
}

uint64_t item_records(const struct item *item)
{
    uint64_t records = 0;

    for (uint32_t i = item->from.set; i < item->message->set_count; i++) {
        const struct ipfix_set *set = &item->message->sets[i];
        if (set->id >= IPFIX_SET_DATA_MIN && set->tmplt != NULL) {
            records += set->record_count;
        }
    }
    return records >= item->from.record ? records - item->from.record : 0;
}
