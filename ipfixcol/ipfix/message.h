/* SPDX-License-Identifier: BSD-3-Clause */
/** IPFIX Messages: checked, split into Sets, put together into one shared object. */
#ifndef IPFIX_MESSAGE_PARSE_H
#define IPFIX_MESSAGE_PARSE_H

#include "event.h"

#include <ipfixcol/message.h>

/** Growing array of sets, reused for every message of a session; holds references on templates. */
struct set_list {
    struct ipfix_set *items;
    size_t count, room;
};

/** Growing array of template changes; each item holds a reference on its template. */
struct change_list {
    struct ipfix_template_change *items;
    size_t count, room;
};

/** The Message Header. */
struct message_header {
    uint16_t version;
    uint16_t length;
    uint32_t export_time_s;
    uint32_t sequence;
    uint32_t domain_id;
};

/** Reads a Message Header; false when fewer than 16 octets are there. */
bool message_header_read(const uint8_t *octets, size_t length, struct message_header *header);

/**
 * Splits a message into its sets. Only sizes are checked here.
 *
 * @param header      of the message; its length is not more than what `octets` has
 * @param[out] sets   filled; octets point into the message
 * @return COL_OK; COL_ERR_MALFORMED, a set does not fit and the event has been told; COL_ERR_NOMEM
 */
int message_split(const uint8_t *octets, const struct message_header *header,
                  const struct event_sink *sink, struct set_list *sets);

/** Drops what the list holds; memory for usual messages stays for the next one. */
void set_list_clear(struct set_list *sets);

/** Adds one change; the reference on the template is taken. */
int change_list_add(struct change_list *changes, enum ipfix_template_change_kind kind, uint16_t set,
                    const struct ipfix_template *tmplt);
/** Drops what the list holds; memory for usual messages stays for the next one. */
void change_list_clear(struct change_list *changes);

/**
 * New message: a copy of `model`, of its octets, of the sets and the changes, in one allocation.
 * Takes a reference on the session and takes over those that sets and changes hold; both lists are
 * empty then.
 *
 * @return message with one reference, or NULL without memory (lists untouched)
 */
struct ipfix_message *message_create(const struct ipfix_message *model, struct set_list *sets,
                                     struct change_list *changes);

#endif
