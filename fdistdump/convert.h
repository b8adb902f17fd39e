/* SPDX-License-Identifier: BSD-3-Clause */
/** Values of columns as text: numbers as they are, or written for people. */
#ifndef FDISTDUMP_CONVERT_H
#define FDISTDUMP_CONVERT_H

#include <libnf/scan.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room every conversion of one value fits in. */
#define CONVERT_TEXT_SIZE 64u
#define CONVERT_OFFSETS 256u

enum convert_class {
    CONVERT_TIMESTAMP,
    CONVERT_VOLUME,
    CONVERT_VOLUME_REAL,
    CONVERT_FLAGS,
    CONVERT_PROTOCOL,
    CONVERT_DURATION,
    CONVERT_ADDRESS,
    CONVERT_MAC,
    CONVERT_U8,
    CONVERT_U16,
    CONVERT_U32,
    CONVERT_U64,
    CONVERT_REAL,
    CONVERT_STRING,
    CONVERT_CLASSES,
};

enum convert_volume { CONVERT_PLAIN, CONVERT_METRIC, CONVERT_BINARY };

/** Which values are written for people. */
struct convert_style {
    bool timestamps, flags, addresses, protocols, durations;
    enum convert_volume volumes;
};

/** A style and what it remembers: distances of local time from UTC. One thread at a time. */
struct convert {
    struct convert_style style;
    struct {
        int64_t slot; /* which stretch of time; the first is number 0 */
        int32_t offset_s;
        bool known;
    } offsets[CONVERT_OFFSETS];
};

/** How a column of values is laid out. */
struct convert_layout {
    unsigned width;
    bool right;
};

/** Class of a field's values. */
enum convert_class convert_class_of(int field);

/** Width and alignment of a class in a style. */
struct convert_layout convert_layout(const struct convert_style *style, enum convert_class class);

/** Whether values of a class are written as numbers: decimal, maybe with a fraction. */
bool convert_is_number(const struct convert_style *style, enum convert_class class);

/**
 * Writes a value, not terminated. Not those of CONVERT_STRING, which are another thing in every
 * form of output: see output_text.h.
 *
 * @param out  room for CONVERT_TEXT_SIZE characters
 * @return characters written
 */
size_t convert_value(struct convert *convert, enum convert_class class,
                     const struct lnf_value *value, char *out);

/** Length of a value without the blanks that stand for "no unit" in columns. */
size_t convert_trim(const char *text, size_t length);

/** Writes a volume without the blanks that stand for "no unit" in columns. */
size_t convert_volume(const struct convert_style *style, uint64_t value, char *out);

/** The same of a rate, which has one decimal also in plain form. */
size_t convert_rate(const struct convert_style *style, double value, char *out);

/** Writes a number in decimal. */
size_t convert_decimal(uint64_t value, char *out);

/** IANA's keyword of a protocol. */
const char *convert_protocol_name(uint8_t protocol);

#endif
