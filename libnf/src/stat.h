/* SPDX-License-Identifier: BSD-3-Clause */
/** Statistics of flow files computed from records. */
#ifndef LNF_STAT_H
#define LNF_STAT_H

#include <libnf/common.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Counts one flow record of layout 2: flows of element 5 (1 when absent or 0), packets and octets
 * of both directions. Records that are no flows, have no generic element or whose elements do not
 * add up are not counted.
 *
 * @param record,size  one record, header included; any octets
 */
void lnf_stat_count_record(struct lnf_stat *stat, const uint8_t *record, size_t size);

/** The same of a record whose elements are known: data of the generic one, and of the counters or
 * NULL. */
void lnf_stat_count_elements(struct lnf_stat *stat, const uint8_t *generic,
                             const uint8_t *counters);

/**
 * Counts the flow records of a decompressed block.
 *
 * @return whether the chain of records is whole: sizes add up and there are `count` of them
 */
bool lnf_stat_count_block(struct lnf_stat *stat, const uint8_t *records, size_t size,
                          uint32_t count);

#endif
