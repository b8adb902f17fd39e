/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Template ids of one destination.
 *
 * Sources that share an Observation Domain share its ids at the destination. A template keeps its
 * id when that is free; equal definitions share one id. A template is *used* by every source that
 * has it; without users it is idle: it may be withdrawn, or revived by an equal definition.
 */
#ifndef FORWARDING_TEMPLATE_MAPPER_H
#define FORWARDING_TEMPLATE_MAPPER_H

#include "table.h"

#include <ipfixcol/template.h>

/** A template as the destination knows it. */
struct mapped {
    const struct ipfix_template *tmplt; /* one reference */
    uint16_t id;                        /* at the destination */
    bool announced;                     /* the destination has been told */
    uint32_t users;
    uint64_t hash; /* of the definition */
    uint64_t idle_since_ms;
    struct mapped *next_equal; /* same hash */
    struct mapped *idle_previous, *idle_next;
};

/** An Observation Domain at the destination. Without templates it is little more than a number. */
struct mapper_domain {
    uint32_t domain_id;
    uint32_t sequence;      /* Data Records sent so far */
    uint32_t export_time_s; /* of the last message */
    bool remapped;          /* some template has another id than at its source */
    struct mapped ***pages; /* by id, 256 of 256 each; NULL without templates */
    struct table by_serial; /* templates in use, by their serial */
    struct table by_hash;   /* chains of all templates */
    uint64_t secret;        /* of the hashes */
    size_t count;
    uint16_t next_id;                      /* where the search for a free id goes on */
    struct mapped *idle_first, *idle_last; /* the one idle for longest first */
    uint64_t last_serial;                  /* last template found */
    struct mapped *last;
};

/** Zero it before first use. */
struct mapper {
    struct table domains;
    struct mapper_domain *last;
};

/** Forgets everything, as a new connection needs it. */
void mapper_clear(struct mapper *mapper);

/** Domain, created when it is new; NULL without memory. Lives until mapper_clear(). */
struct mapper_domain *mapper_domain(struct mapper *mapper, uint32_t domain_id);

/** What a template is mapped to, or NULL. */
struct mapped *mapper_find(struct mapper_domain *domain, const struct ipfix_template *tmplt);

/**
 * Maps a template without a user: for data whose source has given the template up already.
 *
 * @return NULL when all ids are taken or there is no memory
 */
struct mapped *mapper_map(struct mapper_domain *domain, const struct ipfix_template *tmplt,
                          uint64_t now_ms);

/**
 * Maps a template and makes it a user; one that is a user already stays one.
 *
 * @return NULL when all ids are taken or there is no memory: it is no user then
 */
struct mapped *mapper_use(struct mapper_domain *domain, const struct ipfix_template *tmplt,
                          uint64_t now_ms);

/** Takes away a user that mapper_use() added; one that it did not add changes nothing. */
void mapper_drop(struct mapper_domain *domain, const struct ipfix_template *tmplt, uint64_t now_ms);

/** Frees an idle template and its id. */
void mapper_forget(struct mapper_domain *domain, struct mapped *mapped);

/** Next template with an id of at least *id, which moves behind it; NULL at the end. */
struct mapped *mapper_next(const struct mapper_domain *domain, uint32_t *id);

#endif
