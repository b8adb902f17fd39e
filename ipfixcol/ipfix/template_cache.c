/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash table of plans by template serial, open addressing. */

#include "template.h"

#include <ipfixcol/template_cache.h>
#include <stdlib.h>

/* The fixed part of a plan, about. */
#define PLAN_OCTETS 512u

struct entry {
    const struct ipfix_template *tmplt; /* NULL = free place */
    void *plan;
};

struct ipfix_template_cache {
    void (*destroy)(void *plan);
    size_t max;
    size_t max_octets, field_octets;
    size_t octets;
    size_t size; /* power of two, at least twice the entries */
    size_t count;
    struct entry *entries;
};

static struct entry *place_of(struct entry *entries, size_t size, uint64_t serial)
{
    uint64_t hash = serial * UINT64_C(0x9E3779B97F4A7C15);
    size_t i = (size_t)(hash ^ (hash >> 29)) & (size - 1);

    while (entries[i].tmplt != NULL && entries[i].tmplt->serial != serial) {
        i = (i + 1) & (size - 1);
    }
    return &entries[i];
}

ipfix_template_cache_t *ipfix_template_cache_create(void (*destroy)(void *plan), size_t max,
                                                    size_t max_octets, size_t field_octets)
{
    ipfix_template_cache_t *cache = calloc(1, sizeof(*cache));

    if (cache != NULL) {
        cache->destroy = destroy;
        cache->max = max;
        cache->max_octets = max_octets;
        cache->field_octets = field_octets;
    }
    return cache;
}

static void forget(ipfix_template_cache_t *cache)
{
    for (size_t i = 0; i < cache->size; i++) {
        if (cache->entries[i].tmplt != NULL) {
            cache->destroy(cache->entries[i].plan);
            ipfix_template_unref(cache->entries[i].tmplt);
            cache->entries[i] = (struct entry){0};
        }
    }
    cache->count = 0;
    cache->octets = 0;
}

/* What an entry keeps alive: its template is ours alone once it has been redefined. */
static size_t entry_octets(const ipfix_template_cache_t *cache, const struct ipfix_template *tmplt)
{
    return template_memory(tmplt) + PLAN_OCTETS + tmplt->field_count * cache->field_octets;
}

void ipfix_template_cache_destroy(ipfix_template_cache_t *cache)
{
    if (cache != NULL) {
        forget(cache);
        free(cache->entries);
        free(cache);
    }
}

bool ipfix_template_cache_find(const ipfix_template_cache_t *cache,
                               const struct ipfix_template *tmplt, void **plan)
{
    if (cache->count == 0) {
        return false;
    }
    const struct entry *e = place_of(cache->entries, cache->size, tmplt->serial);
    if (e->tmplt == NULL) {
        return false;
    }
    *plan = e->plan;
    return true;
}

/** Room for one more entry; false without memory. */
static bool grow(ipfix_template_cache_t *cache, size_t octets)
{
    if (cache->count >= cache->max || cache->octets + octets > cache->max_octets) {
        forget(cache);
    }
    if ((cache->count + 1) * 2 <= cache->size) {
        return true;
    }
    size_t size = cache->size == 0 ? 64 : cache->size * 2;
    struct entry *entries = calloc(size, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < cache->size; i++) {
        if (cache->entries[i].tmplt != NULL) {
            *place_of(entries, size, cache->entries[i].tmplt->serial) = cache->entries[i];
        }
    }
    free(cache->entries);
    cache->entries = entries;
    cache->size = size;
    return true;
}

bool ipfix_template_cache_put(ipfix_template_cache_t *cache, const struct ipfix_template *tmplt,
                              void *plan)
{
    size_t octets = entry_octets(cache, tmplt);
    if (!grow(cache, octets)) {
        return false;
    }
    struct entry *e = place_of(cache->entries, cache->size, tmplt->serial);
    *e = (struct entry){ipfix_template_ref(tmplt), plan};
    cache->count++;
    cache->octets += octets;
    return true;
}
