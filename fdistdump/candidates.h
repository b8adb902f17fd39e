/* SPDX-License-Identifier: BSD-3-Clause */
/** Keys that may be in the answer, and what is known of their sums. */
#ifndef FDISTDUMP_CANDIDATES_H
#define FDISTDUMP_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

struct candidate {
    uint64_t sum;   /* of the values that are known */
    uint64_t heard; /* sum of the bounds of slaves whose value is known */
};

typedef struct candidates candidates_t;

/** New empty set of keys of `key_size` octets; NULL without memory. */
candidates_t *candidates_create(size_t key_size);

/** Frees the set; NULL is fine. */
void candidates_destroy(candidates_t *candidates);

/** The candidate of a key, a new one if there was none; NULL without memory. Valid until the next
 * one is added. */
struct candidate *candidates_add(candidates_t *candidates, const uint8_t *key);

/** The candidate of a key; NULL = there is none. */
struct candidate *candidates_find(const candidates_t *candidates, const uint8_t *key);

size_t candidates_count(const candidates_t *candidates);

/** Candidate and key number `i`, in the order they were added. */
struct candidate *candidates_at(const candidates_t *candidates, size_t i);
const uint8_t *candidates_key(const candidates_t *candidates, size_t i);

/** Octets of memory they take now. */
size_t candidates_octets(const candidates_t *candidates);

/** Octets of memory that `count` keys take at most. */
uint64_t candidates_memory(size_t key_size, uint64_t count);

#endif
