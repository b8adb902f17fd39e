/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Hash table of pointers by a number of two parts; for sessions, domains and templates.
 *
 * The numbers are chosen by senders: a secret of each table decides where they go, so that nobody
 * can choose numbers that collide. The order of a walk is different every time.
 */
#ifndef FORWARDING_TABLE_H
#define FORWARDING_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t key;
    uint32_t part;
    void *value; /* NULL = free slot */
};

/** Zero it before first use. */
struct table {
    struct table_slot *slots;
    size_t size; /* 0 or a power of two */
    size_t count;
    uint64_t secret; /* set with the first slots */
};

/** A number nobody outside of the process can guess. */
uint64_t table_secret(void);

/** Value of a key, or NULL. */
void *table_find(const struct table *table, uint64_t key, uint32_t part);

/** Sets the value (not NULL) of a key, new or known; false without memory: never for a known one.
 */
bool table_put(struct table *table, uint64_t key, uint32_t part, void *value);

/** Removes a key; its value, or NULL when it was not there. */
void *table_remove(struct table *table, uint64_t key, uint32_t part);

/** Next value from position `*at` on, which starts at 0; NULL at the end. No changes in between. */
void *table_next(const struct table *table, size_t *at);

/** Frees the table, and its values with `destroy` when it is not NULL. */
void table_clear(struct table *table, void (*destroy)(void *value));

#endif
