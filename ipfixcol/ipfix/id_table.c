/* SPDX-License-Identifier: BSD-3-Clause */
/* Items by Template ID. */
#include "id_table.h"

#include <stdlib.h>

#define PAGE_ITEMS 16u
#define GROUP_PAGES 64u
#define GROUP_COUNT 64u
#define GROUP_IDS (GROUP_PAGES * PAGE_ITEMS)
#define ID_COUNT (GROUP_COUNT * GROUP_IDS)

_Static_assert(ID_COUNT == 65536, "every Template ID has its place");

/* ---- budget ---------------------------------------------------------------------------------- */

bool template_budget_take(struct template_budget *budget, size_t size)
{
    struct template_budget *shared = budget->shared;

    if (size > budget->limit - budget->used ||
        (shared != NULL && size > shared->limit - shared->used)) {
        return false;
    }
    budget->used += size;
    if (shared != NULL) {
        shared->used += size;
    }
    return true;
}

void template_budget_give(struct template_budget *budget, size_t size)
{
    budget->used -= size;
    if (budget->shared != NULL) {
        budget->shared->used -= size;
    }
}

/* ---- table ----------------------------------------------------------------------------------- */

void id_table_init(struct id_table *table, struct template_budget *budget, size_t item_size)
{
    *table = (struct id_table){.budget = budget, .item_size = item_size, .groups = NULL};
}

static void give_memory(const struct id_table *table, void *memory, size_t size)
{
    if (memory != NULL) {
        template_budget_give(table->budget, size);
        free(memory);
    }
}

void id_table_clear(struct id_table *table)
{
    for (unsigned g = 0; table->groups != NULL && g < GROUP_COUNT; g++) {
        uint8_t **group = table->groups[g];
        for (unsigned p = 0; group != NULL && p < GROUP_PAGES; p++) {
            give_memory(table, group[p], PAGE_ITEMS * table->item_size);
        }
        give_memory(table, group, GROUP_PAGES * sizeof(*group));
    }
    give_memory(table, table->groups, GROUP_COUNT * sizeof(*table->groups));
    table->groups = NULL;
}

static uint8_t *find_page(const struct id_table *table, uint16_t id)
{
    if (table->groups == NULL || table->groups[id / GROUP_IDS] == NULL) {
        return NULL;
    }
    return table->groups[id / GROUP_IDS][id % GROUP_IDS / PAGE_ITEMS];
}

void *id_table_find(const struct id_table *table, uint16_t id)
{
    uint8_t *page = find_page(table, id);
    return page == NULL ? NULL : page + id % PAGE_ITEMS * table->item_size;
}

/* Zeroed memory on the account; the one that is there already is fine, too. */
static int take_memory(const struct id_table *table, void *present, size_t size, void **memory)
{
    *memory = present;
    if (present != NULL) {
        return COL_OK;
    }
    if (!template_budget_take(table->budget, size)) {
        return COL_ERR_MALFORMED;
    }
    *memory = calloc(1, size);
    if (*memory == NULL) {
        template_budget_give(table->budget, size);
        return COL_ERR_NOMEM;
    }
    return COL_OK;
}

int id_table_make(struct id_table *table, uint16_t id, void **item)
{
    void *memory;

    int status = take_memory(table, table->groups, GROUP_COUNT * sizeof(*table->groups), &memory);
    if (status != COL_OK) {
        return status;
    }
    table->groups = memory;
    uint8_t ***group = &table->groups[id / GROUP_IDS];
    status = take_memory(table, *group, GROUP_PAGES * sizeof(**group), &memory);
    if (status != COL_OK) {
        return status;
    }
    *group = memory;
    uint8_t **page = &(*group)[id % GROUP_IDS / PAGE_ITEMS];
    status = take_memory(table, *page, PAGE_ITEMS * table->item_size, &memory);
    if (status != COL_OK) {
        return status;
    }
    *page = memory;
    *item = *page + id % PAGE_ITEMS * table->item_size;
    return COL_OK;
}

void *id_table_next(const struct id_table *table, uint32_t *id)
{
    while (table->groups != NULL && *id < ID_COUNT) {
        if (table->groups[*id / GROUP_IDS] == NULL) {
            *id = (*id / GROUP_IDS + 1) * GROUP_IDS;
            continue;
        }
        void *item = id_table_find(table, (uint16_t)*id);
        if (item != NULL) {
            ++*id;
            return item;
        }
        *id = (*id / PAGE_ITEMS + 1) * PAGE_ITEMS;
    }
    return NULL;
}
