/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: a session's messages through its decoder. Input: one octet of flavour (bit 0: UDP,
 * else TCP), then messages, each as a length of 16 bits in network byte order and octets.
 */
#include "decoder.h"

#include <ipfixcol/record.h>
#include <libnf/bytes.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *context, const struct ipfix_event *event)
{
    unsigned *count = context;
    *count += event->kind <= IPFIX_EVENT_LIMIT;
}

static void require(bool what)
{
    if (!what) {
        abort();
    }
}

/* Fields lie one behind the other in the record, the record in its set. */
static void check_record(const struct ipfix_set *set, const struct ipfix_record *record)
{
    struct ipfix_field_iter iter;
    struct ipfix_field field;
    const uint8_t *at = record->octets;
    unsigned count = 0;

    require(record->octets >= set->octets + IPFIX_SET_HEADER_LENGTH);
    require(record->octets + record->length <= set->octets + set->length);
    ipfix_field_iter_init(&iter, record);
    while (ipfix_field_next(&iter, &field)) {
        require(field.octets >= at);
        require(field.spec->offset == IPFIX_OFFSET_UNKNOWN ||
                field.spec->length == IPFIX_VARIABLE_LENGTH ||
                field.octets == record->octets + field.spec->offset);
        at = field.octets + field.length;
        count++;
    }
    require(count == record->tmplt->field_count);
    require(at == record->octets + record->length);
}

static void check_message(const struct ipfix_message *message)
{
    uint32_t records = 0;
    for (uint32_t i = 0; i < message->set_count; i++) {
        const struct ipfix_set *set = &message->sets[i];
        struct ipfix_record_iter iter;
        struct ipfix_record record;
        uint32_t found = 0;
        require(set->octets >= message->octets + IPFIX_MESSAGE_HEADER_LENGTH);
        require(set->octets + set->length <= message->octets + message->length);
        if (set->id < IPFIX_SET_DATA_MIN) {
            continue;
        }
        ipfix_record_iter_init(&iter, set);
        while (ipfix_record_next(&iter, &record)) {
            found++;
            if (found < 100) { /* all of them are alike, and time is short */
                check_record(set, &record);
            }
        }
        require(found == set->record_count);
        records += found;
    }
    require(records == message->data_record_count);
    for (uint32_t i = 0; i < message->change_count; i++) {
        require(message->changes[i].set < message->set_count);
        require(message->changes[i].tmplt->id >= IPFIX_SET_DATA_MIN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lnf_reader r = lnf_reader_init(data, size);
    struct ipfix_session_info info = {
        .transport = (lnf_read_u8(&r) & 1) != 0 ? IPFIX_TRANSPORT_UDP : IPFIX_TRANSPORT_TCP,
        .lifetimes = {.template_s = 3, .options_template_messages = 5},
    };
    unsigned events = 0;
    uint64_t now_ms = 1000;
    struct ipfix_message *previous = NULL;
    ipfix_decoder_t *decoder =
        ipfix_decoder_create(ipfix_session_create(&info), NULL, on_event, &events);

    while (lnf_reader_left(&r) > 2) {
        size_t length = lnf_read_u16_be(&r);
        length = length < lnf_reader_left(&r) ? length : lnf_reader_left(&r);
        uint8_t *copy = malloc(length > 0 ? length : 1); /* its end is watched */
        memcpy(copy, lnf_read_bytes(&r, length), length);
        struct ipfix_message *message = NULL;
        int status = ipfix_decoder_decode(decoder, copy, length, now_ms, &message);
        free(copy);
        require((status == COL_OK) == (message != NULL));
        if (message != NULL) {
            check_message(message);
            if (previous != NULL) {
                check_message(previous); /* later templates must not change it */
            }
            ipfix_message_unref(previous);
            previous = message;
        }
        now_ms += 1000;
    }
    struct ipfix_message *notice;
    while ((notice = ipfix_decoder_close_next(decoder)) != NULL) {
        ipfix_message_unref(notice);
    }
    size_t count;
    (void)ipfix_decoder_accounts(decoder, &count);
    ipfix_decoder_destroy(decoder);
    if (previous != NULL) {
        check_message(previous);
    }
    ipfix_message_unref(previous);
    return 0;
}
