/* SPDX-License-Identifier: BSD-3-Clause */
/** Candidates one after the other, and an index of their numbers by hash of the key. */
#include "candidates.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define FIRST_SLOTS 64u

struct candidates {
    size_t key_size;
    size_t stride; /* octets of a candidate and its key, a multiple of 8 */
    uint8_t *items;
    size_t count, room;
    uint32_t *slots; /* number of the candidate + 1; at most half of them are in use */
    size_t slot_count;
    uint64_t seed; /* keys come from the network: nobody outside can prepare collisions */
};

candidates_t *candidates_create(size_t key_size)
{
    candidates_t *candidates = calloc(1, sizeof(*candidates));

    if (candidates == NULL) {
        return NULL;
    }
    candidates->key_size = key_size;
    candidates->stride = sizeof(struct candidate) + (key_size + 7) / 8 * 8;
    if (getrandom(&candidates->seed, sizeof(candidates->seed), GRND_NONBLOCK) !=
        (ssize_t)sizeof(candidates->seed)) {
        candidates->seed = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)candidates;
    }
    return candidates;
}

void candidates_destroy(candidates_t *candidates)
{
    if (candidates != NULL) {
        free(candidates->items);
        free(candidates->slots);
        free(candidates);
    }
}

static uint64_t fold_multiply(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static size_t hash_key(const candidates_t *candidates, const uint8_t *key)
{
    uint64_t hash = candidates->seed;

    for (size_t at = 0; at < candidates->key_size; at += sizeof(uint64_t)) {
        size_t left = candidates->key_size - at;
        uint64_t word = 0;
        memcpy(&word, key + at, left < sizeof(word) ? left : sizeof(word));
        hash = fold_multiply(hash ^ word, candidates->seed ^ 0x9e3779b97f4a7c15u) + word;
    }
    return (size_t)fold_multiply(hash ^ 0x8ebc6af09c88c6e3u, 0x589965cc75374cc3u);
}

/** The slot of a key, or the free one where it belongs. */
static uint32_t *find_slot(const candidates_t *candidates, const uint8_t *key)
{
    size_t mask = candidates->slot_count - 1;
    size_t slot = hash_key(candidates, key) & mask;

    while (candidates->slots[slot] != 0 &&
           memcmp(candidates_key(candidates, candidates->slots[slot] - 1), key,
                  candidates->key_size) != 0) {
        slot = (slot + 1) & mask;
    }
    return &candidates->slots[slot];
}

static bool grow_index(candidates_t *candidates)
{
    size_t count = candidates->slot_count == 0 ? FIRST_SLOTS : candidates->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof(*slots));

    if (slots == NULL) {
        return false;
    }
    free(candidates->slots);
    candidates->slots = slots;
    candidates->slot_count = count;
    for (size_t i = 0; i < candidates->count; i++) {
        *find_slot(candidates, candidates_key(candidates, i)) = (uint32_t)(i + 1);
    }
    return true;
}

static bool grow_items(candidates_t *candidates)
{
    size_t room = candidates->room == 0 ? FIRST_SLOTS / 2 : candidates->room * 2;
    uint8_t *items =
        room > UINT32_MAX - 1 ? NULL : realloc(candidates->items, room * candidates->stride);

    if (items == NULL) {
        return false;
    }
    candidates->items = items;
    candidates->room = room;
    return true;
}

struct candidate *candidates_add(candidates_t *candidates, const uint8_t *key)
{
    struct candidate *found = candidates_find(candidates, key);

    if (found != NULL) {
        return found;
    }
    if ((candidates->count + 1) * 2 > candidates->slot_count && !grow_index(candidates)) {
        return NULL;
    }
    if (candidates->count == candidates->room && !grow_items(candidates)) {
        return NULL;
    }
    *find_slot(candidates, key) = (uint32_t)(candidates->count + 1);
    uint8_t *item = candidates->items + candidates->count++ * candidates->stride;
    memset(item, 0, candidates->stride);
    memcpy(item + sizeof(struct candidate), key, candidates->key_size);
    return (struct candidate *)(void *)item;
}

struct candidate *candidates_find(const candidates_t *candidates, const uint8_t *key)
{
    if (candidates->count == 0) {
        return NULL;
    }
    uint32_t number = *find_slot(candidates, key);
    return number == 0 ? NULL : candidates_at(candidates, number - 1);
}

size_t candidates_count(const candidates_t *candidates)
{
    return candidates->count;
}

struct candidate *candidates_at(const candidates_t *candidates, size_t i)
{
    return (struct candidate *)(void *)(candidates->items + i * candidates->stride);
}

const uint8_t *candidates_key(const candidates_t *candidates, size_t i)
{
    return candidates->items + i * candidates->stride + sizeof(struct candidate);
}

size_t candidates_octets(const candidates_t *candidates)
{
    return candidates->room * candidates->stride +
           candidates->slot_count * sizeof(*candidates->slots);
}

uint64_t candidates_memory(size_t key_size, uint64_t count)
{
    uint64_t each = sizeof(struct candidate) + (key_size + 7) / 8 * 8 + 4 * sizeof(uint32_t);

    return count > UINT64_MAX / (2 * each) ? UINT64_MAX : 2 * each * count;
}
