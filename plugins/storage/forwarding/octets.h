/* SPDX-License-Identifier: BSD-3-Clause */
/** Octets that wait to be sent: appended at the tail, taken from the head. */
#ifndef FORWARDING_OCTETS_H
#define FORWARDING_OCTETS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct octets {
    uint8_t *start;
    size_t head, tail, room;
};

static inline size_t octets_used(const struct octets *o)
{
    return o->tail - o->head;
}

/** Makes room for `size` more at the tail; positions stay, pointers do not. False without memory.
 */
static inline bool octets_reserve(struct octets *o, size_t size)
{
    size_t room = o->room == 0 ? 128 * 1024 : o->room;

    if (o->room - o->tail >= size) {
        return true;
    }
    while (room - o->tail < size) {
        room *= 2;
    }
    uint8_t *start = (uint8_t *)realloc(o->start, room);
    if (start == NULL) {
        return false;
    }
    o->start = start;
    o->room = room;
    return true;
}

/** Takes `size` octets off the head; what is left may move. */
static inline void octets_take(struct octets *o, size_t size)
{
    o->head += size;
    if (o->head == o->tail) {
        o->head = o->tail = 0;
    } else if (o->head >= o->tail - o->head) {
        memmove(o->start, o->start + o->head, o->tail - o->head);
        o->tail -= o->head;
        o->head = 0;
    }
}

static inline void octets_clear(struct octets *o)
{
    free(o->start);
    *o = (struct octets){0};
}

#endif
