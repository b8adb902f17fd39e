/* SPDX-License-Identifier: BSD-3-Clause */
/** Which Information Element goes into which field of a flow record. */
#ifndef LNFSTORE_MAPPING_H
#define LNFSTORE_MAPPING_H

#include <stdint.h>

/** How octets of a Data Record become a stored value. */
enum mapping_kind {
    MAPPING_UINT,    /* number of any length, widened or narrowed to its low octets */
    MAPPING_IPV4,    /* 4 octets */
    MAPPING_IPV6,    /* 16 octets */
    MAPPING_MAC,     /* 6 octets */
    MAPPING_SECONDS, /* since 1970, to milliseconds */
    MAPPING_NTP,     /* RFC 7011 section 6.1.9: seconds since 1900 and fraction, to milliseconds */
    MAPPING_UPTIME,  /* milliseconds since systemInitTimeMilliseconds of the same record */
    MAPPING_BEFORE_US,   /* microseconds before the Export Time */
    MAPPING_DURATION_MS, /* behind the flow's start, or before its end */
    MAPPING_DURATION_US, /* the same */
    MAPPING_ICMP, /* type * 256 + code, kept where nfdump keeps it: in the destination port */
    MAPPING_ICMP_TYPE,
    MAPPING_ICMP_CODE,
};

struct mapping {
    uint16_t element; /* IANA Information Element */
    uint16_t field;   /* LNF_FLD_* */
    enum mapping_kind kind;
    uint8_t rank; /* several elements for one field: the smallest rank counts */
};

/** systemInitTimeMilliseconds, what MAPPING_UPTIME counts from. */
#define MAPPING_ELEMENT_SYSTEM_INIT 160u

/** Row of an element, or NULL when flow files have no place for it. */
const struct mapping *mapping_find(uint32_t pen, uint16_t element);

#endif
