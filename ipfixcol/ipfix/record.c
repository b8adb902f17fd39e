/* SPDX-License-Identifier: BSD-3-Clause */
/* Data Records: walk the records of a Data Set, find and read their fields. */
#include "template.h"

#include <ipfixcol/record.h>

/* ---- records of a set ------------------------------------------------------------------------ */

void ipfix_record_iter_init(struct ipfix_record_iter *iter, const struct ipfix_set *set)
{
    *iter = (struct ipfix_record_iter){
        .tmplt = set->tmplt,
        .at = set->octets + IPFIX_SET_HEADER_LENGTH,
        .end = set->octets + set->length,
        .left = set->tmplt == NULL ? 0 : set->record_count,
    };
}

bool ipfix_record_next(struct ipfix_record_iter *iter, struct ipfix_record *record)
{
    if (iter->left == 0) {
        return false;
    }
    const struct ipfix_template *tmplt = iter->tmplt;
    size_t length = tmplt->variable_length ? template_record_length(tmplt, iter->at, iter->end)
                                           : tmplt->record_length;
    if (length == 0 || length > (size_t)(iter->end - iter->at)) {
        iter->left = 0;
        return false;
    }
    *record = (struct ipfix_record){
        .tmplt = tmplt,
        .octets = iter->at,
        .length = (uint16_t)length,
    };
    iter->at += length;
    iter->left--;
    return true;
}

/* ---- fields of a record ---------------------------------------------------------------------- */

void ipfix_field_iter_init(struct ipfix_field_iter *iter, const struct ipfix_record *record)
{
    *iter = (struct ipfix_field_iter){.record = record, .at = record->octets, .index = 0};
}

/* Reads a length prefix (RFC 7011 section 7); false when it does not fit. */
static bool read_prefix(const uint8_t **at, const uint8_t *end, uint16_t *length)
{
    if (end - *at < 1) {
        return false;
    }
    *length = *(*at)++;
    if (*length == 255) {
        if (end - *at < 2) {
            return false;
        }
        *length = be16toh(lnf_load_u16(*at));
        *at += 2;
    }
    return true;
}

bool ipfix_field_next(struct ipfix_field_iter *iter, struct ipfix_field *field)
{
    const struct ipfix_record *record = iter->record;
    const uint8_t *end = record->octets + record->length;

    if (iter->index >= record->tmplt->field_count) {
        return false;
    }
    const struct ipfix_template_field *spec = &record->tmplt->fields[iter->index];
    uint16_t length = spec->length;
    if (length == IPFIX_VARIABLE_LENGTH && !read_prefix(&iter->at, end, &length)) {
        return false;
    }
    if (length > end - iter->at) {
        return false;
    }
    *field = (struct ipfix_field){.spec = spec, .octets = iter->at, .length = length};
    iter->at += length;
    iter->index++;
    return true;
}

bool ipfix_record_find(const struct ipfix_record *record, uint32_t pen, uint16_t id,
                       struct ipfix_field *field)
{
    const struct ipfix_template_field *spec = ipfix_template_find(record->tmplt, pen, id);
    if (spec == NULL) {
        return false;
    }
    if (spec->offset != IPFIX_OFFSET_UNKNOWN && spec->length != IPFIX_VARIABLE_LENGTH) {
        *field = (struct ipfix_field){
            .spec = spec, .octets = record->octets + spec->offset, .length = spec->length};
        return true;
    }
    struct ipfix_field_iter iter;
    ipfix_field_iter_init(&iter, record);
    while (ipfix_field_next(&iter, field)) {
        if (field->spec == spec) {
            return true;
        }
    }
    return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

uint64_t ipfix_field_uint(const uint8_t *octets, uint16_t length)
{
    switch (length) {
    case 1:
        return octets[0];
    case 2:
        return be16toh(lnf_load_u16(octets));
    case 4:
        return be32toh(lnf_load_u32(octets));
    case 8:
        return be64toh(lnf_load_u64(octets));
    default:
        break;
    }
    uint64_t value = 0; /* longer ones: octets beyond the last 8 are shifted out */
    for (unsigned i = 0; i < length; i++) {
        value = value << 8 | octets[i];
    }
    return value;
}

int64_t ipfix_field_int(const uint8_t *octets, uint16_t length)
{
    uint64_t value = ipfix_field_uint(octets, length);
    if (length > 0 && length < 8 && (octets[0] & 0x80) != 0) {
        value |= UINT64_MAX << (8 * length);
    }
    return (int64_t)value;
}

/* Seconds between 1900 (NTP era 0) and 1970. */
#define NTP_TO_UNIX_S 2208988800u

/* NTP format: seconds since 1900 and a fraction of 2^-32 s. Seconds before 1970 belong to era 1,
 * which starts in 2036 (RFC 7011 section 6.1.9 leaves the era to the reader). */
static uint64_t ntp_to_ms(uint64_t ntp, uint32_t fraction_mask)
{
    uint64_t seconds = ntp >> 32;
    uint64_t fraction = ntp & fraction_mask;
    uint64_t unix_s = seconds >= NTP_TO_UNIX_S ? seconds - NTP_TO_UNIX_S
                                               : seconds + (UINT64_C(1) << 32) - NTP_TO_UNIX_S;
    return unix_s * 1000 + (fraction * 1000 >> 32);
}

bool ipfix_field_time_ms(enum ipfix_type type, const uint8_t *octets, uint16_t length,
                         uint64_t *time_ms)
{
    if (length == 0 || length > 8) {
        return false;
    }
    uint64_t value = ipfix_field_uint(octets, length);
    switch (type) {
    case IPFIX_TYPE_DATETIME_SECONDS:
        if (length > 4) {
            return false;
        }
        *time_ms = value * 1000;
        return true;
    case IPFIX_TYPE_DATETIME_MILLISECONDS:
        *time_ms = value;
        return true;
    case IPFIX_TYPE_DATETIME_MICROSECONDS:
        if (length != 8) {
            return false;
        }
        /* The low 11 bits carry no information (RFC 7011 section 6.1.9). */
        *time_ms = ntp_to_ms(value, 0xFFFFF800u);
        return true;
    case IPFIX_TYPE_DATETIME_NANOSECONDS:
        if (length != 8) {
            return false;
        }
        *time_ms = ntp_to_ms(value, 0xFFFFFFFFu);
        return true;
    default:
        return false;
    }
}
