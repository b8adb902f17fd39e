/* SPDX-License-Identifier: BSD-3-Clause */
/* NetFlow v5 and v9 turned into IPFIX Messages. */
#include "netflow.h"

#include <stdlib.h>

#define V5_HEADER_LENGTH 24u
#define V5_RECORD_LENGTH 48u
#define V9_HEADER_LENGTH 20u
#define V9_SET_TEMPLATE 0u
#define V9_SET_OPTIONS_TEMPLATE 1u
#define ENTERPRISE_BIT 0x8000u
/* Enterprise number of v9 field types that no registry knows. */
#define V9_PEN 0xFFFFFFFFu
/* Exporters' clocks and counters differ a little: flows may end after they were exported. */
#define FUTURE_MAX_MS 3600000u

enum {
    IE_LAST_SWITCHED = 21,
    IE_FIRST_SWITCHED = 22,
    IE_FLOW_START_MILLISECONDS = 152,
    IE_FLOW_END_MILLISECONDS = 153,
};

/* ---- headers --------------------------------------------------------------------------------- */

static void read_v5_header(struct lnf_reader *r, struct netflow_header *header)
{
    uint32_t nanoseconds = lnf_read_u32_be(r);
    if (nanoseconds < 1000000000u) {
        header->export_time_ms += nanoseconds / 1000000u;
    }
    header->sequence = lnf_read_u32_be(r);
    header->domain_id = lnf_read_u16_be(r); /* engine type and engine id */
    header->sampling = lnf_read_u16_be(r);
}

const char *netflow_header_read(const uint8_t *octets, size_t length, struct netflow_header *header)
{
    struct lnf_reader r = lnf_reader_init(octets, length);

    *header = (struct netflow_header){.version = lnf_read_u16_be(&r)};
    header->count = lnf_read_u16_be(&r);
    header->uptime_ms = lnf_read_u32_be(&r);
    header->export_time_s = lnf_read_u32_be(&r);
    header->export_time_ms = (uint64_t)header->export_time_s * 1000;
    if (header->version == 5) {
        read_v5_header(&r, header);
    } else {
        header->sequence = lnf_read_u32_be(&r);
        header->domain_id = lnf_read_u32_be(&r);
    }
    return r.failed ? "header cut" : NULL;
}

/* Milliseconds since 1970 of a time counted from the exporter's start. The counter wraps after 49
 * days, so only the difference to the header's counter means anything. */
static uint64_t absolute_ms(const struct netflow_header *header, uint32_t uptime_ms)
{
    uint32_t ago = header->uptime_ms - uptime_ms;
    uint32_t ahead = uptime_ms - header->uptime_ms;
    if (ahead <= FUTURE_MAX_MS) {
        return header->export_time_ms + ahead;
    }
    return header->export_time_ms > ago ? header->export_time_ms - ago : 0;
}

static void write_message_header(struct lnf_writer_bytes *out, const struct netflow_header *header,
                                 uint32_t sequence)
{
    lnf_write_u16_be(out, IPFIX_VERSION);
    lnf_write_u16_be(out, 0); /* length, set at the end */
    lnf_write_u32_be(out, header->export_time_s);
    lnf_write_u32_be(out, sequence);
    lnf_write_u32_be(out, header->domain_id);
}

/* Starts a set: position of its header. */
static uint8_t *start_set(struct lnf_writer_bytes *out, uint16_t id)
{
    uint8_t *start = out->at;
    lnf_write_u16_be(out, id);
    lnf_write_u16_be(out, 0); /* length, set at the end */
    return start;
}

/* Sets the length of what started at `start`: a set, or the whole message. */
static void end_length(struct lnf_writer_bytes *out, uint8_t *start)
{
    if (!out->failed) {
        lnf_store_u16(start + 2, htobe16((uint16_t)(out->at - start)));
    }
}

/* ---- v5 -------------------------------------------------------------------------------------- */

#define FIELD(id, length) (id) >> 8, (id)&0xFF, 0, (length)

const uint8_t netflow_v5_definition[] = {
    FIELD(8, 4),   /* sourceIPv4Address */
    FIELD(12, 4),  /* destinationIPv4Address */
    FIELD(15, 4),  /* ipNextHopIPv4Address */
    FIELD(10, 2),  /* ingressInterface */
    FIELD(14, 2),  /* egressInterface */
    FIELD(2, 4),   /* packetDeltaCount */
    FIELD(1, 4),   /* octetDeltaCount */
    FIELD(152, 8), /* flowStartMilliseconds */
    FIELD(153, 8), /* flowEndMilliseconds */
    FIELD(7, 2),   /* sourceTransportPort */
    FIELD(11, 2),  /* destinationTransportPort */
    FIELD(210, 1), /* paddingOctets */
    FIELD(6, 1),   /* tcpControlBits */
    FIELD(4, 1),   /* protocolIdentifier */
    FIELD(5, 1),   /* ipClassOfService */
    FIELD(16, 2),  /* bgpSourceAsNumber */
    FIELD(17, 2),  /* bgpDestinationAsNumber */
    FIELD(9, 1),   /* sourceIPv4PrefixLength */
    FIELD(13, 1),  /* destinationIPv4PrefixLength */
    FIELD(34, 4),  /* samplingInterval */
    FIELD(35, 1),  /* samplingAlgorithm */
};
const uint16_t netflow_v5_definition_length = sizeof(netflow_v5_definition);

static void write_v5_template(struct lnf_writer_bytes *out)
{
    uint8_t *set = start_set(out, IPFIX_SET_TEMPLATE);
    lnf_write_u16_be(out, NETFLOW_V5_TEMPLATE_ID);
    lnf_write_u16_be(out, (uint16_t)(netflow_v5_definition_length / 4));
    lnf_write_bytes(out, netflow_v5_definition, netflow_v5_definition_length);
    end_length(out, set);
}

static void write_v5_record(struct lnf_writer_bytes *out, const struct netflow_header *header,
                            struct lnf_reader *r)
{
    lnf_write_bytes(out, lnf_read_bytes(r, 24), 24); /* addresses, interfaces, counters */
    lnf_write_u64_be(out, absolute_ms(header, lnf_read_u32_be(r)));
    lnf_write_u64_be(out, absolute_ms(header, lnf_read_u32_be(r)));
    lnf_write_bytes(out, lnf_read_bytes(r, 14), 14); /* ports to masks */
    lnf_read_skip(r, 2);
    lnf_write_u32_be(out, header->sampling & 0x3FFFu);
    lnf_write_u8(out, (uint8_t)(header->sampling >> 14));
}

int netflow_v5_convert(const struct netflow_header *header, const uint8_t *octets, size_t length,
                       bool with_template, struct lnf_writer_bytes *out, const char **why)
{
    size_t there = (length - V5_HEADER_LENGTH) / V5_RECORD_LENGTH;
    size_t count = header->count < there ? header->count : there;
    struct lnf_reader r = lnf_reader_init(octets + V5_HEADER_LENGTH, length - V5_HEADER_LENGTH);

    *why = header->count > there ? "fewer records than the header says" : NULL;
    if (count == 0) {
        *why = *why == NULL ? "no records" : *why;
        return COL_ERR_MALFORMED;
    }
    write_message_header(out, header, header->sequence);
    if (with_template) {
        write_v5_template(out);
    }
    uint8_t *set = start_set(out, NETFLOW_V5_TEMPLATE_ID);
    for (size_t i = 0; i < count && !out->failed; i++) {
        write_v5_record(out, header, &r);
    }
    end_length(out, set);
    end_length(out, out->start);
    if (out->failed) {
        *why = "too long after conversion";
        return COL_ERR_MALFORMED;
    }
    return COL_OK;
}

/* ---- v9: templates whose records change ------------------------------------------------------ */

/* Places of the times in a record. */
struct netflow_conversion {
    size_t memory_size;
    uint16_t record_length; /* before */
    uint16_t time_count;
    uint16_t time_offsets[]; /* before, ascending */
};

void netflow_templates_init(struct netflow_templates *templates, struct template_budget *budget)
{
    templates->budget = budget;
    id_table_init(&templates->conversions, budget, sizeof(struct netflow_conversion *));
}

static void *take_memory(struct template_budget *budget, size_t size)
{
    if (!template_budget_take(budget, size)) {
        return NULL;
    }
    void *memory = calloc(1, size);
    if (memory == NULL) {
        template_budget_give(budget, size);
    }
    return memory;
}

static void give_memory(struct template_budget *budget, void *memory, size_t size)
{
    if (memory != NULL) {
        template_budget_give(budget, size);
        free(memory);
    }
}

static void free_conversion(struct template_budget *budget, struct netflow_conversion *conversion)
{
    give_memory(budget, conversion, conversion == NULL ? 0 : conversion->memory_size);
}

void netflow_templates_clear(struct netflow_templates *templates)
{
    struct netflow_conversion **slot;
    uint32_t id = 0;

    while ((slot = id_table_next(&templates->conversions, &id)) != NULL) {
        free_conversion(templates->budget, *slot);
    }
    id_table_clear(&templates->conversions);
}

static const struct netflow_conversion *find_conversion(const struct netflow_templates *templates,
                                                        uint16_t id)
{
    struct netflow_conversion *const *slot = id_table_find(&templates->conversions, id);
    return slot == NULL ? NULL : *slot;
}

/* Place of an id's conversion; NULL when memory is missing or the bound is reached. */
static struct netflow_conversion **make_slot(struct netflow_templates *templates, uint16_t id)
{
    void *slot;
    return id_table_make(&templates->conversions, id, &slot) == COL_OK ? slot : NULL;
}

/* ---- v9: templates --------------------------------------------------------------------------- */

/* A conversion on its way. */
struct v9 {
    struct netflow_templates *templates;
    const struct event_sink *sink;
    const struct netflow_header *header;
    struct lnf_writer_bytes *out;
};

/* A template of the FlowSet that is being read. */
struct v9_template {
    uint16_t id;
    uint16_t scope_count; /* 0 in Template FlowSets */
    uint16_t field_count;
    struct lnf_reader fields;
};

static bool is_time(uint16_t type, uint16_t length)
{
    return (type == IE_LAST_SWITCHED || type == IE_FIRST_SWITCHED) && length == 4;
}

/* Reads the counts and cuts the fields out of the FlowSet. */
static const char *read_template(struct lnf_reader *r, bool options, struct v9_template *t)
{
    *t = (struct v9_template){.id = lnf_read_u16_be(r)};
    if (options) {
        uint16_t scope_octets = lnf_read_u16_be(r);
        uint16_t option_octets = lnf_read_u16_be(r);
        if (scope_octets % 4 != 0 || option_octets % 4 != 0) {
            return "lengths of options template are no multiples of 4";
        }
        t->scope_count = scope_octets / 4;
        t->field_count = (uint16_t)(t->scope_count + option_octets / 4);
    } else {
        t->field_count = lnf_read_u16_be(r);
    }
    if (r->failed) {
        return "template header cut";
    }
    if (t->id < IPFIX_SET_DATA_MIN) {
        return "reserved template id";
    }
    if (t->field_count == 0) {
        return "no fields";
    }
    const uint8_t *fields = lnf_read_bytes(r, t->field_count * 4u);
    if (fields == NULL) {
        return "bad template count";
    }
    t->fields = lnf_reader_init(fields, t->field_count * 4u);
    return NULL;
}

/* Lengths are checked here; what a conversion needs is counted. */
static const char *measure_template(const struct v9_template *t, uint16_t *record_length,
                                    uint16_t *time_count)
{
    struct lnf_reader r = t->fields;
    uint32_t length = 0;

    *time_count = 0;
    for (unsigned i = 0; i < t->field_count; i++) {
        uint16_t type = lnf_read_u16_be(&r);
        uint16_t field_length = lnf_read_u16_be(&r);
        if (i >= t->scope_count && is_time(type, field_length)) {
            ++*time_count;
        }
        length += field_length;
        if (length > TEMPLATE_RECORD_MAX_LENGTH) {
            return "records longer than a message";
        }
    }
    *record_length = (uint16_t)length;
    return NULL;
}

static struct netflow_conversion *create_conversion(struct template_budget *budget,
                                                    const struct v9_template *t,
                                                    uint16_t record_length, uint16_t time_count)
{
    size_t size = sizeof(struct netflow_conversion) + time_count * sizeof(uint16_t);
    struct netflow_conversion *conversion = take_memory(budget, size);
    if (conversion == NULL) {
        return NULL;
    }
    conversion->memory_size = size;
    conversion->record_length = record_length;

    struct lnf_reader r = t->fields;
    uint16_t offset = 0;
    for (unsigned i = 0; i < t->field_count; i++) {
        uint16_t type = lnf_read_u16_be(&r);
        uint16_t length = lnf_read_u16_be(&r);
        if (i >= t->scope_count && is_time(type, length)) {
            conversion->time_offsets[conversion->time_count++] = offset;
        }
        offset = (uint16_t)(offset + length);
    }
    return conversion;
}

/* Remembers how records of the template change; false when that is impossible. */
static bool remember_template(struct netflow_templates *templates, const struct v9_template *t,
                              uint16_t record_length, uint16_t time_count)
{
    struct netflow_conversion **slot = make_slot(templates, t->id);

    if (slot == NULL) {
        return false;
    }
    free_conversion(templates->budget, *slot); /* first: memory may be short */
    *slot = create_conversion(templates->budget, t, record_length, time_count);
    return *slot != NULL;
}

static void write_field(struct lnf_writer_bytes *out, uint16_t type, uint16_t length)
{
    lnf_write_u16_be(out, type);
    lnf_write_u16_be(out, length);
    if ((type & ENTERPRISE_BIT) != 0) {
        lnf_write_u32_be(out, V9_PEN);
    }
}

/* Scope types have numbers of their own (RFC 3954 section 6.1). */
static uint16_t map_scope(uint16_t type)
{
    switch (type) {
    case 1:
        return 144; /* System: exportingProcessId */
    case 2:
        return 10; /* Interface: ingressInterface */
    case 3:
        return 141; /* Line Card: lineCardId */
    case 5:
        return 145; /* Template: templateId */
    default:
        return type | ENTERPRISE_BIT; /* Cache, or one we do not know */
    }
}

static void write_template(struct lnf_writer_bytes *out, const struct v9_template *t, bool options)
{
    struct lnf_reader r = t->fields;

    lnf_write_u16_be(out, t->id);
    lnf_write_u16_be(out, t->field_count);
    if (options) {
        /* IPFIX wants a scope: the first option serves when there is none. */
        lnf_write_u16_be(out, t->scope_count == 0 ? 1 : t->scope_count);
    }
    for (unsigned i = 0; i < t->field_count; i++) {
        uint16_t type = lnf_read_u16_be(&r);
        uint16_t length = lnf_read_u16_be(&r);
        if (i < t->scope_count) {
            write_field(out, map_scope(type), length);
        } else if (is_time(type, length)) {
            write_field(out,
                        type == IE_FIRST_SWITCHED ? IE_FLOW_START_MILLISECONDS
                                                  : IE_FLOW_END_MILLISECONDS,
                        8);
        } else {
            write_field(out, type, length);
        }
    }
}

static const char *convert_template(const struct v9 *v9, struct lnf_reader *r, bool options,
                                    struct v9_template *t)
{
    uint16_t record_length;
    uint16_t time_count;

    const char *why = read_template(r, options, t);
    if (why == NULL) {
        why = measure_template(t, &record_length, &time_count);
    }
    if (why != NULL) {
        return why;
    }
    if (!remember_template(v9->templates, t, record_length, time_count)) {
        event_tell(v9->sink, IPFIX_EVENT_LIMIT, v9->header->domain_id, 0, 0,
                   "memory for templates of one session");
        return "no memory for it";
    }
    write_template(v9->out, t, options);
    return NULL;
}

/* Whether another template follows in a FlowSet; zeros fill it up. */
static bool has_template(const struct lnf_reader *r, bool options)
{
    return lnf_reader_left(r) >= (options ? 6u : 4u) && lnf_load_u32(r->at) != 0;
}

/* Remembers the templates of a FlowSet whose ids are new; what is wrong is told when it is
 * converted. */
static void learn_template_set(const struct v9 *v9, struct lnf_reader r, bool options)
{
    struct v9_template t;
    uint16_t record_length;
    uint16_t time_count;

    while (has_template(&r, options)) {
        if (read_template(&r, options, &t) != NULL ||
            measure_template(&t, &record_length, &time_count) != NULL) {
            return;
        }
        if (find_conversion(v9->templates, t.id) == NULL &&
            !remember_template(v9->templates, &t, record_length, time_count)) {
            return;
        }
    }
}

/* A Template FlowSet; without a good template nothing is written. */
static void convert_template_set(const struct v9 *v9, struct lnf_reader r, bool options)
{
    uint8_t *set = start_set(v9->out, options ? IPFIX_SET_OPTIONS_TEMPLATE : IPFIX_SET_TEMPLATE);
    bool empty = true;

    while (has_template(&r, options)) {
        struct v9_template t;
        const char *why = convert_template(v9, &r, options, &t);
        if (why != NULL) {
            event_tell(v9->sink, IPFIX_EVENT_BAD_TEMPLATE, v9->header->domain_id, t.id, 0, why);
            break;
        }
        empty = false;
    }
    if (empty && !v9->out->failed) {
        v9->out->at = set;
    }
    end_length(v9->out, set);
}

/* ---- v9: data -------------------------------------------------------------------------------- */

static void convert_record(const struct v9 *v9, const struct netflow_conversion *conversion,
                           const uint8_t *record)
{
    uint16_t done = 0;
    for (unsigned i = 0; i < conversion->time_count; i++) {
        uint16_t offset = conversion->time_offsets[i];
        lnf_write_bytes(v9->out, record + done, offset - done);
        uint32_t uptime_ms = be32toh(lnf_load_u32(record + offset));
        lnf_write_u64_be(v9->out, absolute_ms(v9->header, uptime_ms));
        done = (uint16_t)(offset + 4);
    }
    lnf_write_bytes(v9->out, record + done, conversion->record_length - done);
}

static void convert_data_set(const struct v9 *v9, uint16_t id, struct lnf_reader r)
{
    const struct netflow_conversion *conversion = find_conversion(v9->templates, id);
    uint8_t *set = start_set(v9->out, id);

    if (conversion == NULL || conversion->time_count == 0) { /* records stay as they are */
        size_t length = lnf_reader_left(&r);
        lnf_write_bytes(v9->out, r.at, length);
    } else {
        while (lnf_reader_left(&r) >= conversion->record_length && !v9->out->failed) {
            convert_record(v9, conversion, lnf_read_bytes(&r, conversion->record_length));
        }
    }
    end_length(v9->out, set);
}

/* ---- v9: datagrams --------------------------------------------------------------------------- */

/* Next FlowSet. The header's count is not used: exporters count records, FlowSets or nothing. */
static bool next_set(struct lnf_reader *r, uint16_t *id, struct lnf_reader *content)
{
    if (lnf_reader_left(r) < IPFIX_SET_HEADER_LENGTH || lnf_load_u32(r->at) == 0) {
        return false; /* the end, or it is filled up with zeros */
    }
    *id = lnf_read_u16_be(r);
    uint16_t length = lnf_read_u16_be(r);
    if (length < IPFIX_SET_HEADER_LENGTH) {
        r->failed = true;
        return false;
    }
    const uint8_t *octets = lnf_read_bytes(r, length - IPFIX_SET_HEADER_LENGTH);
    if (octets == NULL) {
        return false;
    }
    *content = lnf_reader_init(octets, length - IPFIX_SET_HEADER_LENGTH);
    return true;
}

/* A Data FlowSet may stand before the template it needs. */
static void learn_templates(const struct v9 *v9, struct lnf_reader r)
{
    uint16_t id;
    struct lnf_reader content;

    while (next_set(&r, &id, &content)) {
        if (id <= V9_SET_OPTIONS_TEMPLATE) {
            learn_template_set(v9, content, id == V9_SET_OPTIONS_TEMPLATE);
        }
    }
}

/* In their order: what stands before a template that replaces one is still of the old one. */
static bool convert_sets(const struct v9 *v9, struct lnf_reader r)
{
    uint16_t id;
    struct lnf_reader content;

    while (next_set(&r, &id, &content)) {
        if (id <= V9_SET_OPTIONS_TEMPLATE) {
            convert_template_set(v9, content, id == V9_SET_OPTIONS_TEMPLATE);
        } else if (id >= IPFIX_SET_DATA_MIN) {
            convert_data_set(v9, id, content);
        } else {
            event_tell(v9->sink, IPFIX_EVENT_UNKNOWN_SET, v9->header->domain_id, id, 0, NULL);
        }
    }
    return !r.failed;
}

int netflow_v9_convert(struct netflow_templates *templates, const struct event_sink *sink,
                       const struct netflow_header *header, const uint8_t *octets, size_t length,
                       uint32_t sequence, struct lnf_writer_bytes *out)
{
    struct v9 v9 = {templates, sink, header, out};
    struct lnf_reader r = lnf_reader_init(octets + V9_HEADER_LENGTH, length - V9_HEADER_LENGTH);

    write_message_header(out, header, sequence);
    learn_templates(&v9, r);
    bool good = convert_sets(&v9, r);
    end_length(out, out->start);
    if (!good) {
        event_tell(sink, IPFIX_EVENT_CONVERSION, header->domain_id, 9, 0,
                   "a FlowSet does not fit into the datagram; those before it are used");
    }
    if (out->failed) {
        event_tell(sink, IPFIX_EVENT_CONVERSION, header->domain_id, 9, 0,
                   "too long after conversion");
        return COL_ERR_MALFORMED;
    }
    return COL_OK;
}
