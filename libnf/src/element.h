/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Table of the elements (extensions) of flow records of layout 2, and the record header.
 *
 * Source: docs/flow-file-format.md.
 */
#ifndef LNF_ELEMENT_H
#define LNF_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LNF_RECORD_FLOW 11u        /* record type */
#define LNF_RECORD_EXPORTER 7u     /* record type */
#define LNF_RECORD_HEADER_SIZE 12u /* octets before the first element */
#define LNF_ELEMENT_HEADER_SIZE 4u /* type and length, u16 each; length includes them */
#define LNF_ELEMENT_COUNT 64u      /* ids are smaller than this; larger ones are unknown */

enum lnf_element_id {
    LNF_ELEMENT_GENERIC = 1,
    LNF_ELEMENT_IPV4 = 2,
    LNF_ELEMENT_IPV6 = 3,
    LNF_ELEMENT_MISC = 4,
    LNF_ELEMENT_COUNTERS = 5,
    LNF_ELEMENT_NSEL = 19,
    LNF_ELEMENT_NAT_EVENT = 25,
};

struct lnf_element {
    const char *name; /* NULL = unknown element */
    uint16_t size;    /* octets of data without the header; of variable elements the minimum */
    uint8_t variable; /* 1: may be longer */
};

/** Row of an element; `name` is NULL for unknown ids. */
const struct lnf_element *lnf_element_get(uint16_t id);

/**
 * Whether the fields of an element with `data_size` octets of data (without its header) can be
 * read: known, not shorter than the table says, not one of the old variants that differ by length.
 * Others are skipped by their length, as if absent.
 */
bool lnf_element_usable(uint16_t id, size_t data_size);

#endif
