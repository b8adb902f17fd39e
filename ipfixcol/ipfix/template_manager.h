/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Templates of one Observation Domain of a Transport Session (RFC 7011 section 8).
 *
 * Life of a template: an accepted Template Record puts it into the table; sent again it is
 * refreshed; another definition of the id replaces it; a withdrawal, over UDP the end of its
 * lifetime, removes it. Messages hold references, so what left the table lives as long as records
 * need it.
 */
#ifndef IPFIX_TEMPLATE_MANAGER_H
#define IPFIX_TEMPLATE_MANAGER_H

#include "event.h"
#include "id_table.h"
#include "message.h"
#include "template.h"

/** Bounds of one session against senders that only want our memory. */
#define TEMPLATE_MEMORY_MAX (16u << 20)

/** A template and when it was sent last. */
struct template_entry {
    const struct ipfix_template *tmplt; /* NULL = free */
    uint64_t seen_ms;
    uint64_t seen_message;
    size_t first_change; /* in that message: which of its changes the first of this id is */
};

/** Templates by their ids. */
struct template_table {
    uint32_t domain_id;
    struct template_budget *budget;
    struct id_table entries; /* struct template_entry */
};

/** The message that is being decoded, as far as templates depend on it. */
struct template_context {
    const struct event_sink *sink;
    const ipfix_dictionary_t *dictionary;
    struct ipfix_template_lifetimes lifetimes; /* all 0 when templates do not age */
    bool withdrawals;                          /* false over UDP (RFC 7011 section 8.4) */
    uint64_t now_ms;
    uint64_t message_number; /* counts messages of the domain */
};

/** Starts an empty table. */
void template_table_init(struct template_table *table, uint32_t domain_id,
                         struct template_budget *budget);
/** Frees all templates. */
void template_table_clear(struct template_table *table);

/** Entry of an id whether it has expired or not; NULL when there is none. */
const struct template_entry *template_table_peek(const struct template_table *table, uint16_t id);

/** True when the entry was sent longer ago than its lifetimes allow. */
bool template_entry_expired(const struct template_entry *entry,
                            const struct template_context *context);

/**
 * Template to decode a Data Set with.
 *
 * @return template, borrowed until the table changes; NULL when unknown or expired; the latter has
 *         been told
 */
const struct ipfix_template *template_table_find(struct template_table *table,
                                                 const struct template_context *context,
                                                 uint16_t id);

/**
 * Template to decode a Data Set with that stands before the template it needs: the first one that
 * follows in the same message, whatever replaces that one still.
 *
 * @param set_index  of the Data Set
 * @param changes    of the whole message
 * @return template, borrowed until the table or the changes change; NULL when none follows
 */
const struct ipfix_template *template_table_find_later(const struct template_table *table,
                                                       const struct template_context *context,
                                                       uint16_t id, uint16_t set_index,
                                                       const struct change_list *changes);

/**
 * Applies a Template Set or Options Template Set. What is wrong is told, and the rest of the set is
 * skipped.
 *
 * @param set              its record_count is set to the number of changes
 * @param set_index        for the changes
 * @param[in,out] changes  gets what happened
 * @return COL_OK or COL_ERR_NOMEM
 */
int template_table_apply(struct template_table *table, const struct template_context *context,
                         struct ipfix_set *set, uint16_t set_index, struct change_list *changes);

#endif
