/* SPDX-License-Identifier: BSD-3-Clause */
/** Table of the elements (extensions) of flow records of layout 2. */
#include "element.h"

#include <stddef.h>

static const struct lnf_element element_table[LNF_ELEMENT_COUNT] = {
    [1] = {"generic flow", 48, 0},
    [2] = {"IPv4 addresses", 8, 0},
    [3] = {"IPv6 addresses", 32, 0},
    [4] = {"flow misc", 16, 0},
    [5] = {"counters", 24, 0},
    [6] = {"VLAN", 8, 0},
    [7] = {"AS", 8, 0},
    [8] = {"BGP next hop IPv4", 4, 0},
    [9] = {"BGP next hop IPv6", 16, 0},
    [10] = {"next hop IPv4", 4, 0},
    [11] = {"next hop IPv6", 16, 0},
    [12] = {"exporter IPv4", 4, 0},
    [13] = {"exporter IPv6", 16, 0},
    [14] = {"MPLS", 40, 0},
    [15] = {"MAC", 32, 0},
    [16] = {"BGP adjacent AS", 8, 0},
    [17] = {"latency", 24, 0},
    /* Sampler info: 12 octets of data in 1.7.1, 16 later, with other fields; nobody reads it. */
    [18] = {"sampler info", 12, 1},
    [19] = {"NSEL common", 16, 0},
    [20] = {"NAT IPv4", 8, 0},
    [21] = {"NAT IPv6", 32, 0},
    [22] = {"NAT ports", 4, 0},
    [23] = {"NSEL ACL", 24, 0},
    [24] = {"NSEL user", 68, 0},
    [25] = {"NAT event", 16, 0},
    [26] = {"NAT port block", 8, 0},
    [27] = {"NBAR application", 1, 1},
    [28] = {"label", 1, 1},
    [29] = {"in payload", 0, 1},
    [30] = {"out payload", 0, 1},
    [31] = {"tunnel IPv4", 12, 0},
    [32] = {"tunnel IPv6", 40, 0},
    [33] = {"observation", 16, 0},
    [34] = {"InMon meta", 4, 0},
    [35] = {"InMon frame", 0, 1},
    [36] = {"VRF", 8, 0},
    [37] = {"pf info", 20, 1},
    [38] = {"layer 2", 32, 0},
    [39] = {"flow id", 8, 0},
    [40] = {"Nokia NAT", 4, 0},
    [41] = {"Nokia NAT string", 4, 1},
    [42] = {"IP info", 4, 0},
};

/** Octets of data of NAT event elements in files of early 1.7 versions; their fields lie elsewhere.
 */
#define NAT_EVENT_OLD_SIZE 24u

const struct lnf_element *lnf_element_get(uint16_t id)
{
    static const struct lnf_element unknown = {NULL, 0, 1};

    return id < LNF_ELEMENT_COUNT ? &element_table[id] : &unknown;
}

bool lnf_element_usable(uint16_t id, size_t data_size)
{
    const struct lnf_element *element = lnf_element_get(id);

    return element->name != NULL && data_size >= element->size &&
           !(id == LNF_ELEMENT_NAT_EVENT && data_size == NAT_EVENT_OLD_SIZE);
}
