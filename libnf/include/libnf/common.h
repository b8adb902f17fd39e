/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What the headers of the bulk door share: the error a call may fill in, and the statistics of a flow
 * file.
 */
#ifndef LIBNF_COMMON_H
#define LIBNF_COMMON_H

#include <libnf/api.h>
#include <stdint.h>

/** What went wrong and where. Filled only when a call fails; never read before that. */
struct lnf_error {
    char text[400];    /* one line, no newline; names the file, the token, the field ... */
    uint64_t offset;   /* octets from the start of the file; 0 when no file is concerned */
    unsigned line;     /* of a filter text, from 1; 0 when no text is concerned */
    unsigned column;   /* likewise, in characters from 1 */
};

/** Classes the statistics of a flow file count apart. Source: nfdump's stat record. */
enum lnf_stat_class {
    LNF_STAT_TCP,
    LNF_STAT_UDP,
    LNF_STAT_ICMP, /* ICMP and ICMPv6 */
    LNF_STAT_OTHER,
    LNF_STAT_CLASSES
};

/** Statistics of a flow file or block. Totals first, then by class. */
struct lnf_stat {
    uint64_t flows, bytes, packets;
    uint64_t class_flows[LNF_STAT_CLASSES];
    uint64_t class_bytes[LNF_STAT_CLASSES];
    uint64_t class_packets[LNF_STAT_CLASSES];
    uint64_t first_ms;          /* smallest flow start; UINT64_MAX before the first flow */
    uint64_t last_ms;           /* largest flow end; 0 before the first flow */
    uint64_t sequence_failures; /* as collectors count them; 0 when unknown */
};

static inline enum lnf_stat_class lnf_stat_class_of(uint8_t protocol)
{
    switch (protocol) {
    case 6:
        return LNF_STAT_TCP;
    case 17:
        return LNF_STAT_UDP;
    case 1:
    case 58:
        return LNF_STAT_ICMP;
    default:
        return LNF_STAT_OTHER;
    }
}

/** Empty statistics. */
static inline void lnf_stat_init(struct lnf_stat *stat)
{
    *stat = (struct lnf_stat){.first_ms = UINT64_MAX};
}

/** Counts one flow record; packets and bytes are the sums of both directions it carries. */
static inline void lnf_stat_count(struct lnf_stat *stat, uint8_t protocol, uint64_t flows,
                                  uint64_t packets, uint64_t bytes, uint64_t first_ms,
                                  uint64_t last_ms)
{
    enum lnf_stat_class c = lnf_stat_class_of(protocol);

    stat->flows += flows;
    stat->packets += packets;
    stat->bytes += bytes;
    stat->class_flows[c] += flows;
    stat->class_packets[c] += packets;
    stat->class_bytes[c] += bytes;
    if (first_ms < stat->first_ms) {
        stat->first_ms = first_ms;
    }
    if (last_ms > stat->last_ms) {
        stat->last_ms = last_ms;
    }
}

/** Adds the counters of `from`; first and last become the extremes of both. */
LNF_API void lnf_stat_add(struct lnf_stat *stat, const struct lnf_stat *from);

#endif
