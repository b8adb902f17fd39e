/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Table of the fields of a flow: name, type, where a record stores it, how it aggregates and sorts.
 *
 * Everything that knows fields (records, columns, filters, aggregation, fdistdump's names) asks
 * here.
 */
#ifndef LNF_FIELD_H
#define LNF_FIELD_H

#include <libnf.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Where the value of a field comes from.
 *
 * Computed fields: duration = last - first in ms (0 when last is smaller); bps = bytes * 8000 /
 * duration, pps = packets * 1000 / duration, bpp = bytes / packets in whole numbers (no number when
 * the divisor is 0); icmp-type, icmp-code = high and low octet of dstport when the protocol is 1 or
 * 58, else absent; inetfamily = AF_INET (2) when element 2 is present, AF_INET6 (10) when element 3
 * is, else absent; eventflag = bit 0x01 of the record flags; brec1 = a struct of other fields.
 */
enum lnf_field_source {
    LNF_SOURCE_ELEMENT,  /* octets of an element of the record; `element` 0 = never present */
    LNF_SOURCE_HEADER,   /* octets of the fixed record header */
    LNF_SOURCE_COMPUTED, /* from other fields, see above */
    LNF_SOURCE_PAIR,     /* stands for a source and a destination field */
};

/** Fields libnf.h has no number for; the filter language knows them. */
enum lnf_internal_field {
    LNF_FLD_NFVERSION_ = 0x200,  /* u8: protocol version of the exporter */
    LNF_FLD_RECORD_FLAGS_,       /* u8: flags of the record header */
    LNF_FLD_BIFLOW_DIR_,         /* u8 */
    LNF_FLD_END_REASON_,         /* u8 */
    LNF_FLD_EXPORTER_SYSID_,     /* u16 */
    LNF_FLD_TUN_SRCADDR_,        /* address */
    LNF_FLD_TUN_DSTADDR_,        /* address */
    LNF_FLD_TUN_PROTO_,          /* u32 */
    LNF_FLD_OBSERVATION_POINT_,  /* u64 */
    LNF_FLD_OBSERVATION_DOMAIN_, /* u32 */
    LNF_FLD_NAT_EVENT_,          /* u8 */
    LNF_FLD_NAT_POOL_,           /* u32 */
    LNF_FLD_MIN_TTL_,            /* u8 */
    LNF_FLD_MAX_TTL_,            /* u8 */
    LNF_FLD_FRAGMENT_FLAGS_,     /* u8 */
    LNF_FLD_ETHERTYPE_,          /* u16 */
};

struct lnf_field {
    uint16_t id;
    const char *name;
    const char *alias;                    /* NULL = none */
    const char *ipfix_name, *ipfix_name6; /* NULL = none */
    uint16_t ipfix_id, ipfix_id6;         /* IANA's numbers; 0 = none */
    uint16_t alias_id;                    /* number of the alias in lists of fields; 0 = none */
    const char *description;
    uint8_t type; /* LNF_UINT8 ... */
    uint8_t aggr; /* LNF_AGGR_MIN ... ; LNF_AGGR_AUTO = addresses of any kind: scan.h keeps
                     the smallest that is not 0, libnf.h the first one */
    uint8_t sort; /* LNF_SORT_ASC or _DESC; LNF_SORT_NONE = cannot be sorted by */
    bool key;     /* usable as aggregation key */
    bool time;    /* milliseconds; a key may be cut into buckets */

    enum lnf_field_source source;
    /* LNF_SOURCE_ELEMENT: id of the element; for addresses the IPv4 one, 0 = none. */
    uint8_t element;
    /* Addresses: id of the IPv6 element; other fields: where the value is when the first element is
     * absent (tunnel protocol, event, event time); 0 = none. */
    uint8_t element6;
    uint8_t offset;  /* octets into the element's data, or into the record for LNF_SOURCE_HEADER */
    uint8_t offset6; /* the same in element6 */
    uint8_t width;   /* octets stored: 1, 2, 4, 8; addresses 4 in element and 16 in element6; MAC 8;
                        structs and strings as they are. May be wider or narrower than the type */
    bool network_order;          /* stored most significant octet first (NSEL ACL words) */
    uint16_t pair_src, pair_dst; /* LNF_SOURCE_PAIR: the two fields */
};

/** Row of a field (also LNF_FLD_..._ above; the number of an alias gives its field), or NULL. */
const struct lnf_field *lnf_field_get(int id);

/** Row by native name, alias or IPFIX name, case-sensitive, or NULL. */
const struct lnf_field *lnf_field_find(const char *name, size_t length);

/** Octets a value of a type (LNF_UINT8 ...) takes in the memory of libnf.h's callers. */
size_t lnf_type_size(unsigned type);

/** Rows of the table, in order of ids, the internal ones last; for enumeration. */
extern const struct lnf_field lnf_field_table[];
extern const unsigned lnf_field_count;

#endif
