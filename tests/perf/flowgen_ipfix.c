/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates and Data Records of the flow generator's IPFIX export. */

#include "flowgen_ipfix.h"

#include <endian.h>
#include <string.h>

enum { TEMPLATE_IPV4 = 256, TEMPLATE_IPV6 = 257, TEMPLATE_OPTIONS = 258 };
enum { SET_TEMPLATE = 2, SET_OPTIONS_TEMPLATE = 3 };
enum { MESSAGE_HEADER = 16, SET_HEADER = 4 };

/* A Field Specifier: Information Element number and length. */
struct field {
    uint16_t element;
    uint16_t length;
};

/* Both profiles begin alike; compact records end after the first FIELDS_COMPACT fields. */
static const struct field fields_ipv4[] = {
    {152, 8}, /* flowStartMilliseconds */
    {153, 8}, /* flowEndMilliseconds */
    {8, 4},   /* sourceIPv4Address */
    {12, 4},  /* destinationIPv4Address */
    {1, 8},   /* octetDeltaCount */
    {2, 8},   /* packetDeltaCount */
    {7, 2},   /* sourceTransportPort */
    {11, 2},  /* destinationTransportPort */
    {4, 1},   /* protocolIdentifier */
    {6, 1},   /* tcpControlBits, reduced size (RFC 7011 section 6.2) */
    {5, 1},   /* ipClassOfService */
    {10, 4},  /* ingressInterface */
    {14, 4},  /* egressInterface */
    {16, 4},  /* bgpSourceAsNumber */
    {17, 4},  /* bgpDestinationAsNumber */
    {9, 1},   /* sourceIPv4PrefixLength */
    {13, 1},  /* destinationIPv4PrefixLength */
};

static const struct field fields_ipv6[] = {
    {152, 8}, {153, 8}, {27, 16}, /* sourceIPv6Address */
    {28, 16},                     /* destinationIPv6Address */
    {1, 8},   {2, 8},   {7, 2},   {11, 2}, {4, 1},  {6, 1},
    {5, 1},   {10, 4},  {14, 4},  {16, 4}, {17, 4}, {29, 1}, /* sourceIPv6PrefixLength */
    {30, 1},                                                 /* destinationIPv6PrefixLength */
};

enum { FIELDS_FULL = 17, FIELDS_COMPACT = 11 };

_Static_assert(sizeof(fields_ipv4) / sizeof(fields_ipv4[0]) == FIELDS_FULL, "IPv4 Template");
_Static_assert(sizeof(fields_ipv6) / sizeof(fields_ipv6[0]) == FIELDS_FULL, "IPv6 Template");

/* The first field is the scope. */
static const struct field fields_options[] = {
    {149, 4}, /* observationDomainId */
    {34, 4},  /* samplingInterval */
    {35, 1},  /* samplingAlgorithm */
};

enum { FIELDS_OPTIONS = sizeof(fields_options) / sizeof(fields_options[0]) };

/* ---- octets ------------------------------------------------------------------------------- */

static uint8_t *put_u8(uint8_t *to, uint8_t value)
{
    *to = value;
    return to + 1;
}

static uint8_t *put_u16(uint8_t *to, uint16_t value)
{
    value = htobe16(value);
    memcpy(to, &value, sizeof(value));
    return to + sizeof(value);
}

static uint8_t *put_u32(uint8_t *to, uint32_t value)
{
    value = htobe32(value);
    memcpy(to, &value, sizeof(value));
    return to + sizeof(value);
}

static uint8_t *put_u64(uint8_t *to, uint64_t value)
{
    value = htobe64(value);
    memcpy(to, &value, sizeof(value));
    return to + sizeof(value);
}

/* Writes the header of the Set that lies from `set` to `end`. */
static void close_set(uint8_t *set, const uint8_t *end, uint16_t set_id)
{
    put_u16(set, set_id);
    put_u16(set + 2, (uint16_t)(end - set));
}

/* ---- templates ---------------------------------------------------------------------------- */

static uint8_t *put_fields(uint8_t *to, const struct field *fields, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        to = put_u16(to, fields[i].element);
        to = put_u16(to, fields[i].length);
    }
    return to;
}

static uint8_t *put_templates(uint8_t *to, enum fg_profile profile)
{
    uint16_t count = profile == FG_PROFILE_COMPACT ? FIELDS_COMPACT : FIELDS_FULL;
    uint8_t *set = to;

    to = put_u16(to + SET_HEADER, TEMPLATE_IPV4);
    to = put_u16(to, count);
    to = put_fields(to, fields_ipv4, count);
    to = put_u16(to, TEMPLATE_IPV6);
    to = put_u16(to, count);
    to = put_fields(to, fields_ipv6, count);
    close_set(set, to, SET_TEMPLATE);
    return to;
}

static uint8_t *put_options(uint8_t *to, uint32_t domain_id)
{
    uint8_t *set = to;

    to = put_u16(to + SET_HEADER, TEMPLATE_OPTIONS);
    to = put_u16(to, FIELDS_OPTIONS);
    to = put_u16(to, 1); /* scope fields */
    to = put_fields(to, fields_options, FIELDS_OPTIONS);
    close_set(set, to, SET_OPTIONS_TEMPLATE);

    set = to;
    to = put_u32(to + SET_HEADER, domain_id);
    to = put_u32(to, 1); /* every packet is looked at */
    to = put_u8(to, 1);  /* deterministic */
    close_set(set, to, TEMPLATE_OPTIONS);
    return to;
}

/* ---- records ------------------------------------------------------------------------------ */

static uint8_t *put_record(uint8_t *to, const struct fg_flow *f, enum fg_profile profile)
{
    size_t address_size = f->ipv6 ? 16 : 4;

    to = put_u64(to, f->first_ms);
    to = put_u64(to, f->last_ms);
    memcpy(to, f->src, address_size);
    memcpy(to + address_size, f->dst, address_size);
    to += 2 * address_size;
    to = put_u64(to, f->octets);
    to = put_u64(to, f->packets);
    to = put_u16(to, f->src_port);
    to = put_u16(to, f->dst_port);
    to = put_u8(to, f->protocol);
    to = put_u8(to, f->tcp_flags);
    to = put_u8(to, f->tos);
    if (profile == FG_PROFILE_COMPACT) {
        return to;
    }
    to = put_u32(to, f->in_if);
    to = put_u32(to, f->out_if);
    to = put_u32(to, f->src_as);
    to = put_u32(to, f->dst_as);
    to = put_u8(to, f->src_mask);
    return put_u8(to, f->dst_mask);
}

/* Puts a Data Set of the flows of one address family; nothing when there is none. */
static uint8_t *put_data_set(uint8_t *to, const struct fg_flow *flows, uint32_t count, bool ipv6,
                             enum fg_profile profile)
{
    uint8_t *set = to;

    to += SET_HEADER;
    for (uint32_t i = 0; i < count; i++) {
        if (flows[i].ipv6 == ipv6) {
            to = put_record(to, &flows[i], profile);
        }
    }
    if (to == set + SET_HEADER) {
        return set;
    }
    close_set(set, to, ipv6 ? TEMPLATE_IPV6 : TEMPLATE_IPV4);
    return to;
}

size_t fg_message_build(struct fg_exporter *exporter, const struct fg_flow *flows, uint32_t count,
                        uint8_t *out)
{
    uint64_t number = exporter->message_count++;
    bool refresh = exporter->template_interval != 0 && number % exporter->template_interval == 0;
    uint32_t sequence = exporter->sequence;
    uint8_t *to = out + MESSAGE_HEADER;

    if (number == 0 || refresh) {
        to = put_templates(to, exporter->profile);
        if (exporter->options) {
            to = put_options(to, exporter->domain_id);
            exporter->sequence++; /* counts records of Options Templates, too */
        }
    }
    to = put_data_set(to, flows, count, false, exporter->profile);
    to = put_data_set(to, flows, count, true, exporter->profile);
    exporter->sequence += count;

    put_u16(out, 10);
    put_u16(out + 2, (uint16_t)(to - out));
    put_u32(out + 4, (uint32_t)((flows[count - 1].export_ms + 999) / 1000));
    put_u32(out + 8, sequence);
    put_u32(out + 12, exporter->domain_id);
    return (size_t)(to - out);
}

void fg_profile_reduce(enum fg_profile profile, struct fg_flow *flow)
{
    if (profile == FG_PROFILE_COMPACT) {
        flow->in_if = 0;
        flow->out_if = 0;
        flow->src_as = 0;
        flow->dst_as = 0;
        flow->src_mask = 0;
        flow->dst_mask = 0;
    }
}
