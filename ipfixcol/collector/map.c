/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash map from a 64-bit key to a pointer: open addressing, linear probing, no tombstones. */

#include "map.h"

#include <stdlib.h>

#define MAP_FIRST_CAPACITY 16u

/* Keys come from the network (Observation Domain IDs): all bits have to count. */
static size_t map_hash(uint64_t key)
{
    key ^= key >> 32;
    key *= 0x9e3779b97f4a7c15u;
    key ^= key >> 29;
    key *= 0xbf58476d1ce4e5b9u;
    return (size_t)(key ^ (key >> 32));
}

static struct map_slot *map_slot(const struct map *map, uint64_t key)
{
    size_t at = map_hash(key) & (map->capacity - 1);
    while (map->slots[at].value != NULL && map->slots[at].key != key) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->slots[at];
}

static bool map_grow(struct map *map)
{
    struct map larger = {.capacity = map->capacity ? map->capacity * 2 : MAP_FIRST_CAPACITY,
                         .count = map->count};
    larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != NULL) {
            *map_slot(&larger, map->slots[i].key) = map->slots[i];
        }
    }
    free(map->slots);
    *map = larger;
    return true;
}

void *map_find(const struct map *map, uint64_t key)
{
    return map->capacity == 0 ? NULL : map_slot(map, key)->value;
}

bool map_put(struct map *map, uint64_t key, void *value)
{
    if (map->count * 4 >= map->capacity * 3 && !map_grow(map)) {
        return false;
    }
    struct map_slot *slot = map_slot(map, key);
    if (slot->value == NULL) {
        map->count++;
    }
    *slot = (struct map_slot){key, value};
    return true;
}

/* Closes the hole at `at` by moving back entries whose probe sequence passed over it. */
static void map_close_hole(struct map *map, size_t at)
{
    size_t mask = map->capacity - 1;
    size_t next = (at + 1) & mask;

    while (map->slots[next].value != NULL) {
        size_t home = map_hash(map->slots[next].key) & mask;
        if (((next - home) & mask) >= ((next - at) & mask)) {
            map->slots[at] = map->slots[next];
            at = next;
        }
        next = (next + 1) & mask;
    }
    map->slots[at] = (struct map_slot){0};
}

void *map_remove(struct map *map, uint64_t key)
{
    if (map->capacity == 0) {
        return NULL;
    }
    struct map_slot *slot = map_slot(map, key);
    void *value = slot->value;
    if (value != NULL) {
        map->count--;
        map_close_hole(map, (size_t)(slot - map->slots));
    }
    return value;
}

void map_clear(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}
