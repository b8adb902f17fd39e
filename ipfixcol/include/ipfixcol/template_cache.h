/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What a plugin prepared for a template, found again by the template.
 *
 * Converting, printing or filtering records is fast when a plan is made once per template. The cache
 * holds a reference to each template it knows, so a plan may point into its template.
 */
#ifndef IPFIXCOL_TEMPLATE_CACHE_H
#define IPFIXCOL_TEMPLATE_CACHE_H

#include <ipfixcol/common.h>
#include <ipfixcol/template.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct ipfix_template_cache ipfix_template_cache_t;

/**
 * New empty cache, or NULL without memory.
 *
 * @param destroy       frees a plan; gets NULL plans, too
 * @param max           plans kept; exporters that invent templates without end make all be made
 *                      again
 * @param max_octets    the same for what plans and their templates occupy together
 * @param field_octets  what a plan needs for each field of its template, about
 */
COL_API ipfix_template_cache_t *ipfix_template_cache_create(void (*destroy)(void *plan), size_t max,
                                                            size_t max_octets, size_t field_octets);

/** Frees the cache with its plans; NULL is fine. */
COL_API void ipfix_template_cache_destroy(ipfix_template_cache_t *cache);

/** Whether a template is known; *plan is what was put for it, which may be NULL. */
COL_API bool ipfix_template_cache_find(const ipfix_template_cache_t *cache,
                                       const struct ipfix_template *tmplt, void **plan);

/** Remembers the plan of a template not known yet, taking it over; false without memory (not taken). */
COL_API bool ipfix_template_cache_put(ipfix_template_cache_t *cache,
                                      const struct ipfix_template *tmplt, void *plan);

#endif
