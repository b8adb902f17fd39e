/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Template and Options Template, immutable once accepted.
 *
 * A message holds references to the templates it was parsed with, so a later redefinition or
 * withdrawal cannot change what its records mean.
 *
 * Source: RFC 7011 sections 3.4 and 8.
 */
#ifndef IPFIXCOL_TEMPLATE_H
#define IPFIXCOL_TEMPLATE_H

#include <ipfixcol/common.h>
#include <ipfixcol/element.h>
#include <stdbool.h>
#include <stdint.h>

#define IPFIX_VARIABLE_LENGTH 65535u
#define IPFIX_OFFSET_UNKNOWN 65535u
/** Information Elements of the reverse direction (RFC 5103). */
#define IPFIX_PEN_REVERSE 29305u

/** Field Specifier. */
struct ipfix_template_field {
    uint32_t pen;      /* Private Enterprise Number, 0 = IANA */
    uint16_t id;       /* Information Element identifier without the enterprise bit */
    uint16_t length;   /* octets, or IPFIX_VARIABLE_LENGTH */
    uint16_t offset;   /* octets from the record's start, IPFIX_OFFSET_UNKNOWN behind a variable one */
    bool scope;        /* scope field of an Options Template */
    bool repeated;     /* the same element occurs earlier in the template */
    const struct ipfix_element *element; /* NULL when the dictionary does not know it */
};

struct ipfix_template {
    uint64_t serial;              /* unique in this process; equal serial = same object */
    uint16_t id;                  /* Template ID, 256..65535 */
    uint16_t set_id;              /* IPFIX_SET_TEMPLATE or IPFIX_SET_OPTIONS_TEMPLATE */
    uint16_t field_count;
    uint16_t scope_field_count;   /* 0 for Templates */
    bool variable_length;         /* has at least one variable-length field */
    uint16_t record_length;       /* octets of every record, or the least octets of one */
    uint16_t definition_length;   /* octets */
    const uint8_t *definition;    /* the Field Specifiers as received, network byte order */
    const struct ipfix_template_field *fields;
};

/** Takes a reference. Any thread. */
COL_API const struct ipfix_template *ipfix_template_ref(const struct ipfix_template *tmplt);
/** Drops a reference; the last one frees. NULL is fine. Any thread. */
COL_API void ipfix_template_unref(const struct ipfix_template *tmplt);

/** Same kind, field specifiers and scope count; ids may differ. */
COL_API bool ipfix_template_equal(const struct ipfix_template *a, const struct ipfix_template *b);

/** First occurrence of an element, or NULL. */
COL_API const struct ipfix_template_field *
ipfix_template_find(const struct ipfix_template *tmplt, uint32_t pen, uint16_t id);

#endif
