/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Reads the country out of a record of a MaxMind DB, and looks at the metadata: maps, arrays and
 * texts, each of which may be a pointer to where it is. No recursion, and no record makes it read
 * more than RECORD_SIZE octets at a time.
 *
 * Source: "MaxMind DB File Format Specification" 2.0, "Output Data Section".
 */
#include "filter_geo.h"

#include <libnf/bytes.h>
#include <string.h>

/** Octets looked at behind the place of a value; records of real databases have a few thousand. */
#define RECORD_SIZE 65536u

enum data_type {
    TYPE_EXTENDED = 0,
    TYPE_POINTER = 1,
    TYPE_TEXT = 2,
    TYPE_MAP = 7,
    TYPE_ARRAY = 11,
    TYPE_CONTAINER = 12,
    TYPE_END = 13,
    TYPE_BOOLEAN = 14,
};

/** What a value begins with. */
struct control {
    unsigned type;
    uint32_t size; /* octets, members of maps and arrays; of a pointer the place it points to */
};

/** A data section. */
struct section {
    const uint8_t *octets;
    size_t size;
};

static uint32_t read_number(struct lnf_reader *r, unsigned octets)
{
    uint32_t number = 0;

    for (unsigned i = 0; i < octets; i++) {
        number = number << 8 | lnf_read_u8(r);
    }
    return number;
}

static uint32_t read_pointer(struct lnf_reader *r, unsigned control)
{
    static const uint32_t first[] = {0, 2048, 526336, 0};
    unsigned length = control >> 3 & 3;
    uint32_t high = length == 3 ? 0 : (control & 7) << (8 * (length + 1));

    return first[length] + (high | read_number(r, length + 1));
}

static struct control read_control(struct lnf_reader *r)
{
    unsigned octet = lnf_read_u8(r);
    struct control control = {.type = octet >> 5, .size = octet & 31};

    if (control.type == TYPE_POINTER) {
        control.size = read_pointer(r, octet);
        return control;
    }
    if (control.type == TYPE_EXTENDED) {
        control.type = 7u + lnf_read_u8(r);
    }
    if (control.size == 29) {
        control.size = 29 + read_number(r, 1);
    } else if (control.size == 30) {
        control.size = 285 + read_number(r, 2);
    } else if (control.size == 31) {
        control.size = 65821 + read_number(r, 3);
    }
    return control;
}

/* Skips a value with all that is in it. Every step takes an octet, so that it ends. */
static void skip_value(struct lnf_reader *r)
{
    for (uint64_t left = 1; left > 0 && !r->failed; left--) {
        struct control control = read_control(r);
        switch (control.type) {
        case TYPE_MAP:
            left += 2 * (uint64_t)control.size;
            break;
        case TYPE_ARRAY:
            left += control.size;
            break;
        case TYPE_POINTER:
        case TYPE_BOOLEAN: /* its size is its value */
            break;
        case TYPE_CONTAINER:
        case TYPE_END:
            r->failed = true; /* not inside of records */
            break;
        default:
            lnf_read_skip(r, control.size);
            break;
        }
    }
}

static struct lnf_reader read_at(const struct section *section, size_t offset)
{
    struct lnf_reader none = {.failed = true};

    if (offset >= section->size) {
        return none;
    }
    size_t left = section->size - offset;
    return lnf_reader_init(section->octets + offset, left < RECORD_SIZE ? left : RECORD_SIZE);
}

/* Control of a value that may be elsewhere; `inside` is then a reader there, else at the value. A
 * pointer to a pointer is none. */
static struct control follow(const struct section *section, const struct lnf_reader *value,
                             struct lnf_reader *inside)
{
    *inside = *value;
    struct control control = read_control(inside);
    if (control.type == TYPE_POINTER && !inside->failed) {
        *inside = read_at(section, control.size);
        control = read_control(inside);
        inside->failed = inside->failed || control.type == TYPE_POINTER;
    }
    return control;
}

/* Text of a value, or NULL: it is none, or `*failed`. */
static const char *text_of(const struct section *section, const struct lnf_reader *value,
                           size_t *length, bool *failed)
{
    struct lnf_reader inside;
    struct control control = follow(section, value, &inside);
    const uint8_t *text = control.type == TYPE_TEXT ? lnf_read_bytes(&inside, control.size) : NULL;

    *length = control.size;
    *failed = *failed || inside.failed;
    return inside.failed ? NULL : (const char *)text;
}

/* Moves from a map to the value of a key; false when it is no map, has no such key, or `*failed`.
 */
static bool enter(const struct section *section, struct lnf_reader *value, const char *key,
                  bool *failed)
{
    struct lnf_reader inside;
    struct control map = follow(section, value, &inside);

    for (uint32_t i = 0; map.type == TYPE_MAP && i < map.size && !inside.failed; i++) {
        size_t length;
        const char *name = text_of(section, &inside, &length, failed);
        skip_value(&inside);
        if (*failed) {
            return false;
        }
        if (name != NULL && length == strlen(key) && memcmp(name, key, length) == 0) {
            *value = inside;
            return !inside.failed;
        }
        skip_value(&inside);
    }
    *failed = *failed || inside.failed;
    return false;
}

uint16_t lnf_geo_record_country(const uint8_t *section, size_t size, size_t offset)
{
    const struct section whole = {section, size};
    struct lnf_reader value = read_at(&whole, offset);
    bool failed = value.failed;
    const char *code = NULL;
    size_t length = 0;

    if (!failed && enter(&whole, &value, "country", &failed) &&
        enter(&whole, &value, "iso_code", &failed)) {
        code = text_of(&whole, &value, &length, &failed);
    }
    if (failed) {
        return LNF_GEO_DAMAGED;
    }
    if (code == NULL || length != 2 || !lnf_geo_is_letter(code[0]) || !lnf_geo_is_letter(code[1])) {
        return LNF_GEO_NONE;
    }
    return lnf_geo_code(code);
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* Whether a value is a map of texts to texts or an array of texts, all of which are there. */
static bool holds_texts(const struct section *section, const struct lnf_reader *value,
                        unsigned type)
{
    struct lnf_reader inside;
    struct control control = follow(section, value, &inside);
    uint64_t count = control.type == TYPE_MAP ? 2 * (uint64_t)control.size : control.size;
    bool failed = inside.failed || control.type != type;

    for (uint64_t i = 0; i < count && !failed; i++) {
        size_t length;
        failed = text_of(section, &inside, &length, &failed) == NULL;
        skip_value(&inside);
    }
    return !failed;
}

bool lnf_geo_metadata_is_sound(const uint8_t *section, size_t size)
{
    const struct section whole = {section, size};
    struct lnf_reader all = read_at(&whole, 0), languages = all, description = all;
    bool failed = all.failed;

    skip_value(&all);
    return !failed && !all.failed && enter(&whole, &languages, "languages", &failed) &&
           enter(&whole, &description, "description", &failed) &&
           holds_texts(&whole, &languages, TYPE_ARRAY) &&
           holds_texts(&whole, &description, TYPE_MAP);
}
