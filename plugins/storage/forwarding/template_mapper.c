/* SPDX-License-Identifier: BSD-3-Clause */
/** Template ids of one destination: sharing, free ids, idle templates. */
#include "template_mapper.h"

#include <assert.h>
#include <ipfixcol/message.h>
#include <stdlib.h>

#define ID_MIN 256u
#define ID_MAX 65535u
#define ID_COUNT (ID_MAX - ID_MIN + 1)
#define PAGE_COUNT 256u
#define PAGE_IDS 256u

/** Starts from a secret: senders cannot choose definitions that make long chains. */
static uint64_t definition_hash(const struct mapper_domain *domain,
                                const struct ipfix_template *tmplt)
{
    uint64_t hash = domain->secret ^ tmplt->set_id ^ (uint64_t)tmplt->scope_field_count << 16;

    for (size_t i = 0; i < tmplt->definition_length; i++) {
        hash = (hash ^ tmplt->definition[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32; /* without it, what collides would not depend on the secret enough */
    }
    return hash;
}

static struct mapped *by_id(const struct mapper_domain *domain, uint32_t id)
{
    struct mapped **page = domain->pages == NULL ? NULL : domain->pages[id >> 8];

    return page == NULL ? NULL : page[id & 255];
}

static void mapped_free(struct mapped *mapped)
{
    ipfix_template_unref(mapped->tmplt);
    free(mapped);
}

/** Frees what a domain without templates does not need. */
static void domain_shrink(struct mapper_domain *domain)
{
    for (size_t i = 0; domain->pages != NULL && i < PAGE_COUNT; i++) {
        free(domain->pages[i]);
    }
    free(domain->pages);
    domain->pages = NULL;
    table_clear(&domain->by_serial, NULL);
    table_clear(&domain->by_hash, NULL);
}

static void domain_free(void *value)
{
    struct mapper_domain *domain = value;
    struct mapped *mapped;
    uint32_t id = 0;

    while ((mapped = mapper_next(domain, &id)) != NULL) {
        mapped_free(mapped);
    }
    domain_shrink(domain);
    free(domain);
}

void mapper_clear(struct mapper *mapper)
{
    table_clear(&mapper->domains, domain_free);
    mapper->last = NULL;
}

struct mapper_domain *mapper_domain(struct mapper *mapper, uint32_t domain_id)
{
    if (mapper->last != NULL && mapper->last->domain_id == domain_id) {
        return mapper->last;
    }
    struct mapper_domain *domain = table_find(&mapper->domains, domain_id, 0);
    if (domain == NULL) {
        domain = calloc(1, sizeof(*domain));
        if (domain == NULL || !table_put(&mapper->domains, domain_id, 0, domain)) {
            free(domain);
            return NULL;
        }
        domain->domain_id = domain_id;
        domain->next_id = ID_MIN;
        domain->secret = table_secret();
    }
    mapper->last = domain;
    return domain;
}

static struct mapped *find_equal(const struct mapper_domain *domain,
                                 const struct ipfix_template *tmplt, uint64_t hash)
{
    struct mapped *mapped = table_find(&domain->by_hash, hash, 0);

    while (mapped != NULL && !ipfix_template_equal(mapped->tmplt, tmplt)) {
        mapped = mapped->next_equal;
    }
    return mapped;
}

struct mapped *mapper_find(struct mapper_domain *domain, const struct ipfix_template *tmplt)
{
    if (domain->last != NULL && domain->last_serial == tmplt->serial) {
        return domain->last;
    }
    struct mapped *mapped = table_find(&domain->by_serial, tmplt->serial, 0);
    if (mapped == NULL && domain->count > 0) {
        mapped = find_equal(domain, tmplt, definition_hash(domain, tmplt));
    }
    if (mapped != NULL) {
        domain->last_serial = tmplt->serial;
        domain->last = mapped;
    }
    return mapped;
}

static void idle_add(struct mapper_domain *domain, struct mapped *mapped, uint64_t now_ms)
{
    mapped->idle_since_ms = now_ms;
    mapped->idle_next = NULL;
    mapped->idle_previous = domain->idle_last;
    if (domain->idle_last != NULL) {
        domain->idle_last->idle_next = mapped;
    } else {
        domain->idle_first = mapped;
    }
    domain->idle_last = mapped;
}

static void idle_remove(struct mapper_domain *domain, struct mapped *mapped)
{
    if (mapped->idle_previous != NULL) {
        mapped->idle_previous->idle_next = mapped->idle_next;
    } else {
        domain->idle_first = mapped->idle_next;
    }
    if (mapped->idle_next != NULL) {
        mapped->idle_next->idle_previous = mapped->idle_previous;
    } else {
        domain->idle_last = mapped->idle_previous;
    }
    mapped->idle_previous = mapped->idle_next = NULL;
}

/** The wanted id when it is free, else another one, else 0. */
static uint16_t choose_id(struct mapper_domain *domain, uint16_t wanted)
{
    if (wanted >= ID_MIN && by_id(domain, wanted) == NULL) {
        return wanted;
    }
    if (domain->count == ID_COUNT) {
        return 0;
    }
    while (by_id(domain, domain->next_id) != NULL) {
        domain->next_id = domain->next_id == ID_MAX ? ID_MIN : domain->next_id + 1u;
    }
    return domain->next_id;
}

/** Page of an id, made when it is new; NULL without memory. */
static struct mapped **page_get(struct mapper_domain *domain, uint16_t id)
{
    if (domain->pages == NULL) {
        domain->pages = calloc(PAGE_COUNT, sizeof(*domain->pages));
        if (domain->pages == NULL) {
            return NULL;
        }
    }
    struct mapped ***page = &domain->pages[id >> 8];
    if (*page == NULL) {
        *page = calloc(PAGE_IDS, sizeof(**page));
    }
    return *page;
}

/** Enters a new template under its id and its hash. */
static bool enter(struct mapper_domain *domain, struct mapped *mapped)
{
    struct mapped **page = page_get(domain, mapped->id);

    mapped->next_equal = table_find(&domain->by_hash, mapped->hash, 0);
    if (page == NULL || !table_put(&domain->by_hash, mapped->hash, 0, mapped)) {
        return false;
    }
    page[mapped->id & 255] = mapped;
    domain->count++;
    domain->remapped = domain->remapped || mapped->id != mapped->tmplt->id;
    return true;
}

struct mapped *mapper_map(struct mapper_domain *domain, const struct ipfix_template *tmplt,
                          uint64_t now_ms)
{
    struct mapped *mapped = mapper_find(domain, tmplt);

    if (mapped != NULL) {
        domain->remapped = domain->remapped || mapped->id != tmplt->id;
        return mapped;
    }
    uint16_t id = choose_id(domain, tmplt->id);
    mapped = id == 0 ? NULL : calloc(1, sizeof(*mapped));
    if (mapped == NULL) {
        return NULL;
    }
    mapped->id = id;
    mapped->hash = definition_hash(domain, tmplt);
    mapped->tmplt = ipfix_template_ref(tmplt);
    if (!enter(domain, mapped)) {
        mapped_free(mapped);
        return NULL;
    }
    idle_add(domain, mapped, now_ms);
    return mapped;
}

struct mapped *mapper_use(struct mapper_domain *domain, const struct ipfix_template *tmplt,
                          uint64_t now_ms)
{
    struct mapped *mapped = table_find(&domain->by_serial, tmplt->serial, 0);

    if (mapped != NULL) {
        return mapped;
    }
    mapped = mapper_map(domain, tmplt, now_ms);
    if (mapped == NULL || !table_put(&domain->by_serial, tmplt->serial, 0, mapped)) {
        return NULL;
    }
    if (mapped->users++ == 0) {
        idle_remove(domain, mapped);
    }
    return mapped;
}

void mapper_drop(struct mapper_domain *domain, const struct ipfix_template *tmplt, uint64_t now_ms)
{
    /*
     * Every user has an entry by serial and the other way round. A template without one was never
     * entered (no id was left): an equal definition belongs to other users and is not touched.
     */
    struct mapped *mapped = table_remove(&domain->by_serial, tmplt->serial, 0);

    if (mapped != NULL && --mapped->users == 0) {
        idle_add(domain, mapped, now_ms);
    }
}

void mapper_forget(struct mapper_domain *domain, struct mapped *mapped)
{
    struct mapped *first = table_find(&domain->by_hash, mapped->hash, 0);

    assert(mapped->users == 0);
    idle_remove(domain, mapped);
    if (first != mapped) {
        while (first->next_equal != mapped) {
            first = first->next_equal;
        }
        first->next_equal = mapped->next_equal;
    } else if (mapped->next_equal != NULL) {
        /* Never fails: the key is known. */
        (void)table_put(&domain->by_hash, mapped->hash, 0, mapped->next_equal);
    } else {
        (void)table_remove(&domain->by_hash, mapped->hash, 0);
    }
    domain->pages[mapped->id >> 8][mapped->id & 255] = NULL;
    domain->count--;
    domain->last = NULL;
    mapped_free(mapped);
    if (domain->count == 0) {
        domain_shrink(domain);
    }
}

struct mapped *mapper_next(const struct mapper_domain *domain, uint32_t *id)
{
    while (domain->pages != NULL && *id <= ID_MAX) {
        if (domain->pages[*id >> 8] == NULL) {
            *id = (*id | 255) + 1;
            continue;
        }
        struct mapped *mapped = by_id(domain, (*id)++);
        if (mapped != NULL) {
            return mapped;
        }
    }
    return NULL;
}
