/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Data Records into flow records, compiled once per template.
 *
 * A plan holds the prototype of the flow record, all headers in place, and a straight list of steps
 * (source offset, width, target offset). Each record is the prototype copied into the open block
 * and one run through the list.
 */
#ifndef LNFSTORE_CONVERT_H
#define LNFSTORE_CONVERT_H

#include <ipfixcol/record.h>
#include <libnf/writer.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct convert_plan convert_plan_t;

/** What the records of one message share. */
struct convert_message {
    uint64_t export_time_ms; /* of the Message Header */
    uint64_t received_ms;    /* by this collector's clock */
    uint32_t domain_id;
    uint16_t exporter_sysid; /* 0 = none */
    uint8_t version;         /* 5, 9 or 10 */
};

/**
 * Compiles the plan of a template.
 *
 * @param[out] plan  new plan; NULL when flow files can hold no field of the template
 * @return false without memory
 */
bool convert_plan_create(const struct ipfix_template *tmplt, convert_plan_t **plan);

/** Frees the plan; NULL is fine. */
void convert_plan_destroy(convert_plan_t *plan);

/**
 * Converts one record into the block and counts it in the block's statistics. The plan keeps
 * scratch memory, so one thread at a time.
 *
 * @return false when the block is too full for it
 */
bool convert_record(convert_plan_t *plan, const struct ipfix_record *record,
                    const struct convert_message *message, lnf_block_t *block);

#endif
