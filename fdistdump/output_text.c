/* SPDX-License-Identifier: BSD-3-Clause */
/** Texts from flow files, which may hold any octets, made safe to print. */
#include "output_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char hexadecimal[] = "0123456789abcdef";

/* ---- characters ----------------------------------------------------------------------------- */

/** A character, or an octet that is none. */
struct character {
    bool valid;
    uint32_t code;
    size_t octets;
};

static struct character ascii_or_invalid(uint8_t octet)
{
    return (struct character){octet < 0x80, octet, 1};
}

/** Reads the first character of at least one octet as RFC 3629 has it. */
static struct character read_character(const char *text, size_t length)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t octets = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = p[0] & (0xffu >> (octets + 1));

    if (octets == 1 || octets > length || p[0] > 0xf4) {
        return ascii_or_invalid(p[0]);
    }
    for (size_t i = 1; i < octets; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return ascii_or_invalid(p[0]);
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < smallest[octets] || code > 0x10ffff || surrogate) {
        return ascii_or_invalid(p[0]);
    }
    return (struct character){true, code, octets};
}

/** Controls, and format characters, which show nothing but change what is around them. */
static bool is_safe(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } unsafe[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        if (code <= unsafe[i].last) {
            return code < unsafe[i].first;
        }
    }
    return true;
}

static size_t shortened(size_t length)
{
    return length < OUTPUT_TEXT_OCTETS ? length : OUTPUT_TEXT_OCTETS;
}

/* ---- table and csv -------------------------------------------------------------------------- */

/** Every octet as \xNN. */
static size_t put_octets(const char *text, size_t octets, char *out)
{
    for (size_t i = 0; i < octets; i++) {
        uint8_t octet = (uint8_t)text[i];
        *out++ = '\\';
        *out++ = 'x';
        *out++ = hexadecimal[octet >> 4];
        *out++ = hexadecimal[octet & 0xf];
    }
    return 4 * octets;
}

size_t output_text_table(const char *text, size_t length, char *out)
{
    size_t used = 0;

    length = shortened(length);
    for (size_t at = 0; at < length;) {
        struct character c = read_character(text + at, length - at);
        if (c.valid && is_safe(c.code)) {
            memcpy(out + used, text + at, c.octets);
            used += c.octets;
        } else {
            used += put_octets(text + at, c.octets, out + used);
        }
        at += c.octets;
    }
    return used;
}

/** Whether a value has to be in quotes. */
static bool needs_quotes(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r') {
            return true;
        }
    }
    return false;
}

size_t output_text_csv(const char *text, size_t length, char *out)
{
    size_t used = 0;

    length = shortened(length);
    bool quotes = needs_quotes(text, length);
    if (quotes) {
        out[used++] = '"';
    }
    for (size_t at = 0; at < length; at++) {
        switch (text[at]) {
        case '"':
            out[used++] = '"';
            out[used++] = '"';
            break;
        case '\n':
        case '\r':
        case '\t':
            out[used++] = text[at];
            break;
        default: {
            size_t octets = read_character(text + at, length - at).octets;
            used += output_text_table(text + at, octets, out + used);
            at += octets - 1;
            break;
        }
        }
    }
    if (quotes) {
        out[used++] = '"';
    }
    return used;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/** A code unit of UTF-16. */
static size_t put_unit(uint32_t unit, char *out)
{
    out[0] = '\\';
    out[1] = 'u';
    for (unsigned i = 0; i < 4; i++) {
        out[2 + i] = hexadecimal[unit >> (12 - 4 * i) & 0xf];
    }
    return 6;
}

static size_t put_json_character(struct character c, char *out)
{
    if (!c.valid) {
        const char octet = (char)c.code;
        out[0] = '\\';
        return 1 + put_octets(&octet, 1, out + 1);
    }
    if (c.code == '"' || c.code == '\\') {
        out[0] = '\\';
        out[1] = (char)c.code;
        return 2;
    }
    if (c.code >= 0x20 && c.code < 0x7f) {
        out[0] = (char)c.code;
        return 1;
    }
    if (c.code < 0x10000) {
        return put_unit(c.code, out);
    }
    size_t used = put_unit(0xd800 + ((c.code - 0x10000) >> 10), out);
    return used + put_unit(0xdc00 + ((c.code - 0x10000) & 0x3ff), out + used);
}

size_t output_text_json(const char *text, size_t length, char *out)
{
    size_t used = 0;

    length = shortened(length);
    out[used++] = '"';
    for (size_t at = 0; at < length;) {
        struct character c = read_character(text + at, length - at);
        used += put_json_character(c, out + used);
        at += c.octets;
    }
    out[used++] = '"';
    return used;
}

/* ---- width of cells ------------------------------------------------------------------------- */

/** Whether an octet of a cell starts a character; cells are UTF-8. */
static bool starts_character(char octet)
{
    return ((uint8_t)octet & 0xc0) != 0x80;
}

size_t output_text_characters(const char *cell, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        count += starts_character(cell[i]);
    }
    return count;
}

size_t output_text_cut(const char *cell, size_t length, size_t characters)
{
    size_t i = 0;

    for (; i < length; i++) {
        if (starts_character(cell[i]) && characters-- == 0) {
            break;
        }
    }
    return i;
}
