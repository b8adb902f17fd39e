/* SPDX-License-Identifier: BSD-3-Clause */
/** Statistics of flow files: adding them up. */
#include <libnf/common.h>

void lnf_stat_add(struct lnf_stat *stat, const struct lnf_stat *from)
{
    stat->flows += from->flows;
    stat->bytes += from->bytes;
    stat->packets += from->packets;
    for (unsigned i = 0; i < LNF_STAT_CLASSES; i++) {
        stat->class_flows[i] += from->class_flows[i];
        stat->class_bytes[i] += from->class_bytes[i];
        stat->class_packets[i] += from->class_packets[i];
    }
    if (from->first_ms < stat->first_ms) {
        stat->first_ms = from->first_ms;
    }
    if (from->last_ms > stat->last_ms) {
        stat->last_ms = from->last_ms;
    }
    stat->sequence_failures += from->sequence_failures;
}
