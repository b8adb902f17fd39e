/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Hash map from a 64-bit key to a pointer: sessions, Observation Domains.
 *
 * Threads: the caller's business.
 */
#ifndef COLLECTOR_MAP_H
#define COLLECTOR_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    void *value; /* NULL: the slot is free */
};

/** Zeroed = empty. To walk it, look at slots[0..capacity) and skip those without a value. */
struct map {
    struct map_slot *slots;
    size_t capacity; /* power of two, or 0 */
    size_t count;
};

/** Value of a key, or NULL. */
void *map_find(const struct map *map, uint64_t key);

/** Sets a key's value, which must not be NULL. False without memory: the map is unchanged. */
bool map_put(struct map *map, uint64_t key, void *value);

/** Removes a key: its value, or NULL when it was not there. Slots may move. */
void *map_remove(struct map *map, uint64_t key);

/** Frees the slots (not the values); empty afterwards. */
void map_clear(struct map *map);

#endif
