/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * JA3 of the ClientHello in a payload.
 *
 * Source: RFC 8446 section 4.1.2 and appendix B (ClientHello), RFC 8422 section 5.1 (groups, point
 * formats), RFC 8701 (GREASE).
 */
#include "filter_ja3.h"

#include <libnf/bytes.h>
#include <string.h>
#ifdef LNF_HAVE_MD5
#include <md5.h>
#endif

#define CONTENT_HANDSHAKE 22u
#define HANDSHAKE_CLIENT_HELLO 1u
#define RANDOM_SIZE 32u
#define EXTENSION_GROUPS 10u
#define EXTENSION_POINT_FORMATS 11u

/** The text as far as it is written; `length` grows beyond the room when it does not fit. */
struct ja3_text {
    char *at;
    size_t length;
};

static void put(struct ja3_text *text, char character)
{
    if (text->length < LNF_JA3_TEXT_MAX) {
        text->at[text->length] = character;
    }
    text->length++;
}

static void put_number(struct ja3_text *text, unsigned number)
{
    char digits[5];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        put(text, digits[--count]);
    }
}

static bool is_grease(unsigned number)
{
    return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

/* Numbers of one or two octets up to the end, with `-` between them. */
static void put_list(struct ja3_text *text, struct lnf_reader *numbers, unsigned octets)
{
    bool first = true;

    while (lnf_reader_left(numbers) >= octets) {
        unsigned number = octets == 1 ? lnf_read_u8(numbers) : lnf_read_u16_be(numbers);
        if (octets == 2 && is_grease(number)) {
            continue;
        }
        if (!first) {
            put(text, '-');
        }
        first = false;
        put_number(text, number);
    }
}

/* The next `size` octets as a text of their own; empty, and `r` failed, when there are less. */
static struct lnf_reader part(struct lnf_reader *r, size_t size)
{
    const uint8_t *octets = lnf_read_bytes(r, size);

    return octets == NULL ? (struct lnf_reader){0} : lnf_reader_init(octets, size);
}

/* Types of all extensions; the data of two of them is remembered. */
static void put_extensions(struct ja3_text *text, struct lnf_reader *r, struct lnf_reader *groups,
                           struct lnf_reader *formats)
{
    bool first = true;

    while (lnf_reader_left(r) > 0 && !r->failed) {
        unsigned type = lnf_read_u16_be(r);
        struct lnf_reader data = part(r, lnf_read_u16_be(r));
        if (is_grease(type)) {
            continue;
        }
        if (!first) {
            put(text, '-');
        }
        first = false;
        put_number(text, type);
        if (type == EXTENSION_GROUPS && lnf_reader_left(&data) > 0) {
            *groups = part(&data, lnf_read_u16_be(&data));
            r->failed = r->failed || data.failed;
        } else if (type == EXTENSION_POINT_FORMATS && lnf_reader_left(&data) > 0) {
            *formats = part(&data, lnf_read_u8(&data));
            r->failed = r->failed || data.failed;
        }
    }
}

/* The ClientHello of a record that a payload begins with; empty when there is none. */
static struct lnf_reader find_hello(const uint8_t *payload, size_t size)
{
    struct lnf_reader none = {0}, r = lnf_reader_init(payload, size);

    if (lnf_read_u8(&r) != CONTENT_HANDSHAKE || lnf_read_u8(&r) != 3) {
        return none;
    }
    lnf_read_skip(&r, 1); /* the second octet of the version, which says nothing any more */
    struct lnf_reader record = part(&r, lnf_read_u16_be(&r));
    if (lnf_read_u8(&record) != HANDSHAKE_CLIENT_HELLO) {
        return none;
    }
    size_t length = (size_t)lnf_read_u8(&record) << 16;
    length |= lnf_read_u16_be(&record);
    return part(&record, length);
}

size_t lnf_ja3_text(const uint8_t *payload, size_t size, char text[LNF_JA3_TEXT_MAX])
{
    struct ja3_text t = {.at = text};
    struct lnf_reader groups = {0}, formats = {0}, extensions = {0};
    struct lnf_reader r = find_hello(payload, size);

    unsigned version = lnf_read_u16_be(&r);
    lnf_read_skip(&r, RANDOM_SIZE);
    lnf_read_skip(&r, lnf_read_u8(&r)); /* session */
    struct lnf_reader ciphers = part(&r, lnf_read_u16_be(&r));
    lnf_read_skip(&r, lnf_read_u8(&r)); /* compression methods */
    if (lnf_reader_left(&r) > 0) {
        extensions = part(&r, lnf_read_u16_be(&r));
    }
    put_number(&t, version);
    put(&t, ',');
    put_list(&t, &ciphers, 2);
    put(&t, ',');
    put_extensions(&t, &extensions, &groups, &formats);
    put(&t, ',');
    put_list(&t, &groups, 2);
    put(&t, ',');
    put_list(&t, &formats, 1);
    return r.failed || extensions.failed || t.length > LNF_JA3_TEXT_MAX ? 0 : t.length;
}

#ifdef LNF_HAVE_MD5

static bool md5(const char *text, size_t length, uint8_t digest[LNF_JA3_SIZE])
{
    MD5_CTX context;

    MD5Init(&context);
    MD5Update(&context, (const uint8_t *)text, length);
    MD5Final(digest, &context);
    return true;
}

#else

static bool md5(const char *text, size_t length, uint8_t digest[LNF_JA3_SIZE])
{
    (void)text;
    (void)length;
    (void)digest;
    return false;
}

#endif

bool lnf_ja3_is_available(void)
{
    uint8_t digest[LNF_JA3_SIZE];

    return md5("", 0, digest);
}

bool lnf_ja3_compute(const uint8_t *payload, size_t size, uint8_t ja3[LNF_JA3_SIZE])
{
    char text[LNF_JA3_TEXT_MAX];
    size_t length = lnf_ja3_text(payload, size, text);

    return length > 0 && md5(text, length, ja3);
}
