/* SPDX-License-Identifier: BSD-3-Clause */
/** Hash table of pointers: open addressing, linear probing, removal without tombstones. */
#include "table.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define TABLE_MIN_SIZE 8u

uint64_t table_secret(void)
{
    uint64_t secret;

    if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
        /* No such call in this kernel: worse than random, better than the same every time. */
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        secret = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uintptr_t)&now;
    }
    return secret;
}

static uint64_t mix(uint64_t hash)
{
    hash *= 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return hash ^ hash >> 32;
}

static size_t slot_home(const struct table *table, uint64_t key, uint32_t part)
{
    uint64_t hash = mix(table->secret ^ key);

    hash = mix(hash ^ table->secret >> 32 ^ part);
    return (size_t)(hash >> 32) & (table->size - 1);
}

/** Slot of the key, or the free slot where it belongs. The table has a free slot. */
static struct table_slot *slot_find(const struct table *table, uint64_t key, uint32_t part)
{
    size_t i = slot_home(table, key, part);

    while (table->slots[i].value != NULL &&
           (table->slots[i].key != key || table->slots[i].part != part)) {
        i = (i + 1) & (table->size - 1);
    }
    return &table->slots[i];
}

void *table_find(const struct table *table, uint64_t key, uint32_t part)
{
    return table->count == 0 ? NULL : slot_find(table, key, part)->value;
}

static bool table_grow(struct table *table)
{
    struct table bigger = {.size = table->size == 0 ? TABLE_MIN_SIZE : 2 * table->size,
                           .count = table->count,
                           .secret = table->size == 0 ? table_secret() : table->secret};

    bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
    if (bigger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->size; i++) {
        const struct table_slot *slot = &table->slots[i];
        if (slot->value != NULL) {
            *slot_find(&bigger, slot->key, slot->part) = *slot;
        }
    }
    free(table->slots);
    *table = bigger;
    return true;
}

bool table_put(struct table *table, uint64_t key, uint32_t part, void *value)
{
    struct table_slot *slot = table->count == 0 ? NULL : slot_find(table, key, part);

    if (slot == NULL || slot->value == NULL) {
        if (4 * (table->count + 1) > 3 * table->size && !table_grow(table)) {
            return false;
        }
        slot = slot_find(table, key, part);
        table->count++;
    }
    *slot = (struct table_slot){.key = key, .part = part, .value = value};
    return true;
}

void *table_remove(struct table *table, uint64_t key, uint32_t part)
{
    if (table->count == 0) {
        return NULL;
    }
    struct table_slot *slot = slot_find(table, key, part);
    void *value = slot->value;
    if (value == NULL) {
        return NULL;
    }
    /* Closes the gap: a follower moves back unless its home lies behind the gap. */
    size_t mask = table->size - 1;
    size_t gap = (size_t)(slot - table->slots);
    for (size_t i = (gap + 1) & mask; table->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t home = slot_home(table, table->slots[i].key, table->slots[i].part);
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            table->slots[gap] = table->slots[i];
            gap = i;
        }
    }
    table->slots[gap] = (struct table_slot){0};
    table->count--;
    return value;
}

void *table_next(const struct table *table, size_t *at)
{
    while (*at < table->size) {
        void *value = table->slots[(*at)++].value;
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

void table_clear(struct table *table, void (*destroy)(void *value))
{
    size_t at = 0;
    void *value;

    while (destroy != NULL && (value = table_next(table, &at)) != NULL) {
        destroy(value);
    }
    free(table->slots);
    *table = (struct table){0};
}
