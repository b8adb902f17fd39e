/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * NetFlow v5 and v9 turned into IPFIX Messages, so that nothing downstream needs to know them.
 *
 * FlowSets become Sets, the Source ID becomes the Observation Domain ID. Times relative to the
 * exporter's start (elements 21 and 22) become absolute (153 and 152), in templates and in records.
 *
 * Source: RFC 3954; Cisco "NetFlow Export Datagram Format" for v5.
 */
#ifndef IPFIX_NETFLOW_H
#define IPFIX_NETFLOW_H

#include "event.h"
#include "template_manager.h"

#include <libnf/bytes.h>

/** What both headers have in common. */
struct netflow_header {
    uint16_t version;
    uint16_t count;
    uint32_t uptime_ms;
    uint32_t export_time_s;
    uint64_t export_time_ms;
    uint32_t sequence; /* v5 counts flows, v9 messages */
    uint32_t domain_id;
    uint16_t sampling; /* v5: two bits of mode, 14 bits of interval */
};

struct netflow_conversion;

/** Templates of one v9 source: where their records change when they are converted. */
struct netflow_templates {
    struct template_budget *budget;
    struct id_table conversions; /* struct netflow_conversion * */
};

/** Starts with no templates. */
void netflow_templates_init(struct netflow_templates *templates, struct template_budget *budget);
/** Frees all of them. */
void netflow_templates_clear(struct netflow_templates *templates);

/**
 * Reads the header of a v5 or v9 datagram.
 *
 * @return NULL, or why the datagram is unusable
 */
const char *netflow_header_read(const uint8_t *octets, size_t length,
                                struct netflow_header *header);

/** Template of converted v5 records. */
#define NETFLOW_V5_TEMPLATE_ID 256u
extern const uint8_t netflow_v5_definition[];
extern const uint16_t netflow_v5_definition_length;

/**
 * Converts a v5 datagram.
 *
 * @param with_template  also write the template
 * @param[out] out       the message
 * @param[out] why       set also when the datagram is usable but not as its header says
 * @return COL_OK or COL_ERR_MALFORMED
 */
int netflow_v5_convert(const struct netflow_header *header, const uint8_t *octets, size_t length,
                       bool with_template, struct lnf_writer_bytes *out, const char **why);

/**
 * Converts a v9 datagram. FlowSets keep their order; data that stand before their template are
 * converted by the one that follows first. What is wrong inside is told; good FlowSets before it
 * are kept.
 *
 * @param sequence  of the message to write
 * @return COL_OK; COL_ERR_MALFORMED, told; COL_ERR_NOMEM
 */
int netflow_v9_convert(struct netflow_templates *templates, const struct event_sink *sink,
                       const struct netflow_header *header, const uint8_t *octets, size_t length,
                       uint32_t sequence, struct lnf_writer_bytes *out);

#endif
