/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Data Records: walk the records of a Data Set, find and read their fields.
 *
 * Everything is bounds-checked when the message is parsed: the iterator yields only records that lie
 * completely in their set, and a record's fields lie completely in the record.
 *
 * Source: RFC 7011 sections 3.4.3, 6 (encodings, reduced size) and 7 (variable length).
 */
#ifndef IPFIXCOL_RECORD_H
#define IPFIXCOL_RECORD_H

#include <ipfixcol/message.h>
#include <stdbool.h>
#include <stdint.h>

/** One Data Record, inside its message. */
struct ipfix_record {
    const struct ipfix_template *tmplt;
    const uint8_t *octets;
    uint16_t length;
};

/** Position in a Data Set. */
struct ipfix_record_iter {
    const struct ipfix_template *tmplt;
    const uint8_t *at;
    const uint8_t *end;
    uint32_t left;
};

/** Starts on a set; sets without a template have no records. */
COL_API void ipfix_record_iter_init(struct ipfix_record_iter *iter, const struct ipfix_set *set);
/** Next record; false at the end (the rest of the set is padding). */
COL_API bool ipfix_record_next(struct ipfix_record_iter *iter, struct ipfix_record *record);

/** One field of a record. */
struct ipfix_field {
    const struct ipfix_template_field *spec;
    const uint8_t *octets;
    uint16_t length; /* octets without the length prefix */
};

/** Position in a record. */
struct ipfix_field_iter {
    const struct ipfix_record *record;
    const uint8_t *at;
    uint16_t index;
};

/** Starts on the fields of a record; the record must live as long as the iterator. */
COL_API void ipfix_field_iter_init(struct ipfix_field_iter *iter, const struct ipfix_record *record);
/** Next field in template order; false at the end. */
COL_API bool ipfix_field_next(struct ipfix_field_iter *iter, struct ipfix_field *field);

/** First occurrence of an element in a record; false when the template has none. */
COL_API bool ipfix_record_find(const struct ipfix_record *record, uint32_t pen, uint16_t id,
                               struct ipfix_field *field);

/** Unsigned number of 0 to 8 octets, network byte order; more than 8: the last 8. */
COL_API uint64_t ipfix_field_uint(const uint8_t *octets, uint16_t length);
/** The same with the sign of reduced-size encoding extended. */
COL_API int64_t ipfix_field_int(const uint8_t *octets, uint16_t length);

/**
 * Time in milliseconds since 1970 UTC of a dateTime* field by its type and length: seconds,
 * milliseconds, or NTP microseconds and nanoseconds (RFC 7011 section 6.1.7 to 6.1.10).
 *
 * @return false when type or length are no time
 */
COL_API bool ipfix_field_time_ms(enum ipfix_type type, const uint8_t *octets, uint16_t length,
                                 uint64_t *time_ms);

#endif
