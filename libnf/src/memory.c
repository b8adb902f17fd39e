/* SPDX-License-Identifier: BSD-3-Clause */
/** Accounts of memory that tables share. */
#include "memory.h"

#include <libnf.h>
#include <stdlib.h>
#include <string.h>

#define BUFFERS_MAX ((size_t)8 << 20)
#define BUFFERS_MIN ((size_t)64 << 10)

static const char *default_directory(void)
{
    const char *directory = getenv("TMPDIR");

    return directory == NULL || directory[0] == '\0' ? "/var/tmp" : directory;
}

int lnf_memory_create(const struct lnf_memory_spec *spec, lnf_memory_t **memory)
{
    lnf_memory_t *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return LNF_ERR_NOMEM;
    }
    m->limit = spec->limit == 0 ? UINT64_MAX : spec->limit;
    m->spilling = spec->spilling;
    m->context = spec->context;
    m->directory = strdup(spec->directory == NULL ? default_directory() : spec->directory);
    if (m->directory == NULL) {
        free(m);
        return LNF_ERR_NOMEM;
    }
    atomic_init(&m->used, 0);
    atomic_init(&m->peak, 0);
    atomic_init(&m->spilled, 0);
    atomic_init(&m->tables, 0);
    atomic_flag_clear(&m->told);
    *memory = m;
    return LNF_OK;
}

void lnf_memory_destroy(lnf_memory_t *memory)
{
    if (memory != NULL) {
        free(memory->directory);
        free(memory);
    }
}

uint64_t lnf_memory_limit(const lnf_memory_t *memory)
{
    return memory->limit == UINT64_MAX ? 0 : memory->limit;
}

uint64_t lnf_memory_used(const lnf_memory_t *memory)
{
    return atomic_load_explicit(&memory->used, memory_order_relaxed);
}

uint64_t lnf_memory_peak(const lnf_memory_t *memory)
{
    return atomic_load_explicit(&memory->peak, memory_order_relaxed);
}

uint64_t lnf_memory_spilled(const lnf_memory_t *memory)
{
    return atomic_load_explicit(&memory->spilled, memory_order_relaxed);
}

static void raise_peak(lnf_memory_t *memory, uint64_t used)
{
    uint64_t peak = atomic_load_explicit(&memory->peak, memory_order_relaxed);

    while (used > peak &&
           !atomic_compare_exchange_weak_explicit(&memory->peak, &peak, used, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

void lnf_memory_charge(lnf_memory_t *memory, size_t *charged, size_t now)
{
    if (now > *charged) {
        uint64_t more = now - *charged;
        raise_peak(memory,
                   atomic_fetch_add_explicit(&memory->used, more, memory_order_relaxed) + more);
    } else if (now < *charged) {
        atomic_fetch_sub_explicit(&memory->used, *charged - now, memory_order_relaxed);
    }
    *charged = now;
}

void lnf_memory_hold(lnf_memory_t *memory, size_t *held, size_t now)
{
    if (memory != NULL) {
        lnf_memory_charge(memory, held, now);
    }
}

static unsigned table_count(const lnf_memory_t *memory)
{
    unsigned tables = atomic_load_explicit(&memory->tables, memory_order_relaxed);

    return tables == 0 ? 1 : tables;
}

size_t lnf_memory_buffers(const lnf_memory_t *memory)
{
    uint64_t share = memory->limit / 8 / table_count(memory);

    return share > BUFFERS_MAX ? BUFFERS_MAX : share < BUFFERS_MIN ? BUFFERS_MIN : (size_t)share;
}

bool lnf_memory_exceeds(const lnf_memory_t *memory, size_t more)
{
    uint64_t buffers = (uint64_t)lnf_memory_buffers(memory) * table_count(memory);
    uint64_t limit = memory->limit > buffers ? memory->limit - buffers : 0;
    uint64_t used = lnf_memory_used(memory);

    return used > limit || more > limit - used;
}

size_t lnf_memory_share(const lnf_memory_t *memory)
{
    uint64_t share = memory->limit / 4 / table_count(memory);

    return share > SIZE_MAX ? SIZE_MAX : (size_t)share;
}

void lnf_memory_spill(lnf_memory_t *memory, uint64_t octets)
{
    atomic_fetch_add_explicit(&memory->spilled, octets, memory_order_relaxed);
    if (memory->spilling != NULL &&
        !atomic_flag_test_and_set_explicit(&memory->told, memory_order_relaxed)) {
        memory->spilling(memory->context, memory->directory);
    }
}
