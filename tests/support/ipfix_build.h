/* SPDX-License-Identifier: BSD-3-Clause */
/** Builds IPFIX Messages in a few readable lines and reads back what a receiver got. */
#ifndef TEST_IPFIX_BUILD_H
#define TEST_IPFIX_BUILD_H

#include "ipfix/decoder.h"

#include <libnf/bytes.h>
#include <stdlib.h>
#include <unistd.h>

struct ipfix_build {
    uint8_t octets[65536];
    size_t length;
    size_t set; /* position of the last set */
};

static inline void build_u8(struct ipfix_build *b, uint8_t v)
{
    b->octets[b->length++] = v;
}

static inline void build_u16(struct ipfix_build *b, uint16_t v)
{
    lnf_store_u16(b->octets + b->length, htobe16(v));
    b->length += 2;
}

static inline void build_u32(struct ipfix_build *b, uint32_t v)
{
    lnf_store_u32(b->octets + b->length, htobe32(v));
    b->length += 4;
}

static inline void build_begin(struct ipfix_build *b, uint32_t domain_id, uint32_t time_s)
{
    b->length = 0;
    build_u16(b, IPFIX_VERSION);
    build_u16(b, 0);
    build_u32(b, time_s);
    build_u32(b, 0);
    build_u32(b, domain_id);
}

/** Patches the length of the message and of its last set; call it after every set. */
static inline void build_end(struct ipfix_build *b)
{
    lnf_store_u16(b->octets + 2, htobe16((uint16_t)b->length));
    lnf_store_u16(b->octets + b->set + 2, htobe16((uint16_t)(b->length - b->set)));
}

static inline void build_set(struct ipfix_build *b, uint16_t id)
{
    b->set = b->length;
    build_u16(b, id);
    build_u16(b, 0);
}

/** Template of one 4-octet element `element` and, when `padding` > 0, an octetArray of that size.
 */
static inline void build_template(struct ipfix_build *b, uint16_t id, uint16_t element,
                                  uint16_t padding)
{
    build_set(b, IPFIX_SET_TEMPLATE);
    build_u16(b, id);
    build_u16(b, padding > 0 ? 2 : 1);
    build_u16(b, element);
    build_u16(b, 4);
    if (padding > 0) {
        build_u16(b, 210);
        build_u16(b, padding);
    }
    build_end(b);
}

/** Data Set of `count` records numbered from `first` on, each followed by `padding` octets. */
static inline void build_data(struct ipfix_build *b, uint16_t id, uint32_t first, uint32_t count,
                              uint16_t padding)
{
    build_set(b, id);
    for (uint32_t i = 0; i < count; i++) {
        build_u32(b, first + i);
        memset(b->octets + b->length, 0, padding);
        b->length += padding;
    }
    build_end(b);
}

static inline void build_withdrawal(struct ipfix_build *b, uint16_t id)
{
    build_set(b, IPFIX_SET_TEMPLATE);
    build_u16(b, id);
    build_u16(b, 0);
    build_end(b);
}

static inline void build_no_event(void *context, const struct ipfix_event *event)
{
    (void)context;
    (void)event;
}

/** A dictionary of one element, as templates need no more; kept until build_forget_dictionary(). */
static ipfix_dictionary_t *build_dictionary;

static inline void build_forget_dictionary(void)
{
    ipfix_dictionary_destroy(build_dictionary);
    build_dictionary = NULL;
}

static inline void build_load_dictionary(void)
{
    static const char text[] =
        "<ipfix-elements><element><enterprise>0</enterprise><id>1</id><name>octetDeltaCount</name>"
        "<dataType>unsigned64</dataType><semantic>deltaCounter</semantic></element>"
        "</ipfix-elements>";
    char path[] = "/tmp/ipfix-elements-XXXXXX";
    char error[200];
    int fd = mkstemp(path);

    if (fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1) {
        build_dictionary = ipfix_dictionary_load(path, error, sizeof(error));
    }
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
}

static inline ipfix_decoder_t *build_decoder(enum ipfix_transport transport)
{
    struct ipfix_session_info info = {.transport = transport};

    if (build_dictionary == NULL) {
        build_load_dictionary();
    }
    return ipfix_decoder_create(ipfix_session_create(&info), build_dictionary, build_no_event,
                                NULL);
}

/** The message built, as the collector hands it to plugins. */
static inline struct ipfix_message *build_decode(struct ipfix_build *b, ipfix_decoder_t *decoder)
{
    struct ipfix_message *message = NULL;

    (void)ipfix_decoder_decode(decoder, b->octets, b->length, 0, &message);
    return message;
}

#endif
