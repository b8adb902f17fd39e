/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Information Elements: the dictionary read from ipfix-elements.xml.
 *
 * Source: RFC 7012; IANA "IPFIX Information Elements".
 */
#ifndef IPFIXCOL_ELEMENT_H
#define IPFIXCOL_ELEMENT_H

#include <ipfixcol/common.h>
#include <stdint.h>

/** Abstract data types (RFC 7012 section 3.1, RFC 6313). */
enum ipfix_type {
    IPFIX_TYPE_OCTET_ARRAY,
    IPFIX_TYPE_UNSIGNED8,
    IPFIX_TYPE_UNSIGNED16,
    IPFIX_TYPE_UNSIGNED32,
    IPFIX_TYPE_UNSIGNED64,
    IPFIX_TYPE_SIGNED8,
    IPFIX_TYPE_SIGNED16,
    IPFIX_TYPE_SIGNED32,
    IPFIX_TYPE_SIGNED64,
    IPFIX_TYPE_FLOAT32,
    IPFIX_TYPE_FLOAT64,
    IPFIX_TYPE_BOOLEAN,
    IPFIX_TYPE_MAC_ADDRESS,
    IPFIX_TYPE_STRING,
    IPFIX_TYPE_DATETIME_SECONDS,
    IPFIX_TYPE_DATETIME_MILLISECONDS,
    IPFIX_TYPE_DATETIME_MICROSECONDS,
    IPFIX_TYPE_DATETIME_NANOSECONDS,
    IPFIX_TYPE_IPV4_ADDRESS,
    IPFIX_TYPE_IPV6_ADDRESS,
    IPFIX_TYPE_BASIC_LIST,
    IPFIX_TYPE_SUB_TEMPLATE_LIST,
    IPFIX_TYPE_SUB_TEMPLATE_MULTI_LIST,
};

/** Data type semantics (RFC 7012 section 3.2). */
enum ipfix_semantic {
    IPFIX_SEMANTIC_DEFAULT,
    IPFIX_SEMANTIC_QUANTITY,
    IPFIX_SEMANTIC_TOTAL_COUNTER,
    IPFIX_SEMANTIC_DELTA_COUNTER,
    IPFIX_SEMANTIC_IDENTIFIER,
    IPFIX_SEMANTIC_FLAGS,
    IPFIX_SEMANTIC_LIST,
    IPFIX_SEMANTIC_SNMP_COUNTER,
    IPFIX_SEMANTIC_SNMP_GAUGE,
};

struct ipfix_element {
    uint32_t pen;
    uint16_t id;
    const char *name;
    enum ipfix_type type;
    enum ipfix_semantic semantic;
};

typedef struct ipfix_dictionary ipfix_dictionary_t;

/** Element by number, or NULL. Any thread; the result lives as long as the dictionary. */
COL_API const struct ipfix_element *ipfix_dictionary_find(const ipfix_dictionary_t *dictionary,
                                                          uint32_t pen, uint16_t id);

/**
 * Element by name, upper and lower case alike.
 *
 * @param[out] count  how many enterprises define the name; may be NULL
 * @return the first one in the file, or NULL
 */
COL_API const struct ipfix_element *
ipfix_dictionary_find_name(const ipfix_dictionary_t *dictionary, const char *name, unsigned *count);

#endif
