/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decodes messages from standard input and prints what they contain, for comparison with other
 * decoders. Input: transport (1 octet: 'u' UDP, 't' TCP), then messages, each as source (4 octets),
 * length (4 octets), octets; numbers in network byte order. Each source is a session.
 */
#include "decoder.h"

#include <ipfixcol/record.h>
#include <arpa/inet.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_MAX 64u

static void print_event(void *context, const struct ipfix_event *event)
{
    const unsigned *number = context;
    static const char *const names[] = {
        "BAD_VERSION",
        "BAD_LENGTH",
        "BAD_SET",
        "UNKNOWN_SET",
        "BAD_TEMPLATE",
        "NEW_TEMPLATE",
        "TEMPLATE_REDEFINED",
        "TEMPLATE_EXPIRED",
        "WITHDRAWAL",
        "UNKNOWN_WITHDRAWAL",
        "REFUSED_WITHDRAWAL",
        "NO_TEMPLATE",
        "BAD_DATA_SET",
        "SEQUENCE",
        "CONVERSION",
        "LIMIT",
    };
    printf("event %u %s %" PRIu32 " %" PRIu64 " %" PRIu64 " %s\n", *number, names[event->kind],
           event->domain_id, event->value, event->other, event->text == NULL ? "" : event->text);
}

/* First field of `ids` (ended by 0) a record has, as a number; false when it has none. */
static bool first_uint(const struct ipfix_record *record, const uint16_t *ids, uint64_t *value)
{
    struct ipfix_field field;
    for (; *ids != 0; ids++) {
        if (ipfix_record_find(record, 0, *ids, &field)) {
            *value = ipfix_field_uint(field.octets, field.length);
            return true;
        }
    }
    return false;
}

static void print_uint(const struct ipfix_record *record, const uint16_t *ids)
{
    uint64_t value;
    if (first_uint(record, ids, &value)) {
        printf(",%" PRIu64, value);
    } else {
        printf(",");
    }
}

static void print_address(const struct ipfix_record *record, uint16_t v4, uint16_t v6)
{
    struct ipfix_field field;
    char text[INET6_ADDRSTRLEN] = "";
    if (ipfix_record_find(record, 0, v4, &field) && field.length == 4) {
        inet_ntop(AF_INET, field.octets, text, sizeof(text));
    } else if (ipfix_record_find(record, 0, v6, &field) && field.length == 16) {
        inet_ntop(AF_INET6, field.octets, text, sizeof(text));
    }
    printf(",%s", text);
}

static void print_record(unsigned number, uint32_t domain_id, const struct ipfix_record *record)
{
    const struct ipfix_template *tmplt = record->tmplt;
    printf("record %u,%" PRIu32 ",%u,%s", number, domain_id, tmplt->id,
           tmplt->set_id == IPFIX_SET_TEMPLATE ? "tpl" : "opt");
    print_address(record, 8, 27);
    print_address(record, 12, 28);
    print_uint(record, (const uint16_t[]){7, 180, 182, 0});
    print_uint(record, (const uint16_t[]){11, 181, 183, 0});
    print_uint(record, (const uint16_t[]){4, 0});
    print_uint(record, (const uint16_t[]){2, 86, 298, 0});
    print_uint(record, (const uint16_t[]){1, 85, 231, 0});
    print_uint(record, (const uint16_t[]){152, 0});
    print_uint(record, (const uint16_t[]){153, 0});
    printf("\n");
}

/* All fields of a record as element=hex. */
static void print_fields(const struct ipfix_record *record)
{
    struct ipfix_field_iter iter;
    struct ipfix_field field;

    printf("fields ");
    ipfix_field_iter_init(&iter, record);
    while (ipfix_field_next(&iter, &field)) {
        if (field.spec->pen != 0) {
            printf("%" PRIu32 "/", field.spec->pen);
        }
        printf("%u=", field.spec->id);
        for (unsigned i = 0; i < field.length; i++) {
            printf("%02x", field.octets[i]);
        }
        printf(";");
    }
    printf("\n");
}

static void print_message(unsigned number, const struct ipfix_message *message)
{
    printf("message %u %" PRIu32 " %u %u\n", number, message->domain_id, message->set_count,
           message->original_version);
    for (uint32_t i = 0; i < message->change_count; i++) {
        const struct ipfix_template_change *change = &message->changes[i];
        static const char *const kinds[] = {"added", "refreshed", "withdrawn"};
        printf("template %u %s %u %" PRIu32 " %u\n", number, kinds[change->kind],
               change->tmplt->set_id, message->domain_id, change->tmplt->id);
    }
    for (uint32_t i = 0; i < message->set_count; i++) {
        const struct ipfix_set *set = &message->sets[i];
        struct ipfix_record_iter iter;
        struct ipfix_record record;
        uint32_t seen = 0;
        if (set->id < IPFIX_SET_DATA_MIN) {
            continue;
        }
        ipfix_record_iter_init(&iter, set);
        while (ipfix_record_next(&iter, &record)) {
            print_record(number, message->domain_id, &record);
            print_fields(&record);
            seen++;
        }
        if (set->tmplt != NULL && seen != set->record_count) {
            printf("BUG: %u records counted, %u found\n", set->record_count, seen);
        }
    }
}

static bool read_u32(uint32_t *value)
{
    uint32_t raw;
    if (fread(&raw, sizeof(raw), 1, stdin) != 1) {
        return false;
    }
    *value = be32toh(raw);
    return true;
}

int main(int argc, char **argv)
{
    ipfix_decoder_t *decoders[SOURCE_MAX] = {NULL};
    char error[256];
    unsigned number = 0;
    uint32_t source;
    uint32_t length;

    ipfix_dictionary_t *dictionary = NULL;
    if (argc > 1 && (dictionary = ipfix_dictionary_load(argv[1], error, sizeof(error))) == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    int transport = getchar();
    while (read_u32(&source) && read_u32(&length)) {
        uint8_t *octets = malloc(length > 0 ? length : 1);
        struct ipfix_message *message;
        if (octets == NULL || source >= SOURCE_MAX ||
            (length > 0 && fread(octets, length, 1, stdin) != 1)) {
            free(octets);
            return 1;
        }
        if (decoders[source] == NULL) {
            struct ipfix_session_info info = {.transport = transport == 'u' ? IPFIX_TRANSPORT_UDP
                                                                            : IPFIX_TRANSPORT_TCP};
            const struct ipfix_session *session = ipfix_session_create(&info);
            decoders[source] = ipfix_decoder_create(session, dictionary, print_event, &number);
        }
        if (ipfix_decoder_decode(decoders[source], octets, length, 1000, &message) == COL_OK) {
            free(octets); /* the message has its own copy */
            print_message(number, message);
            ipfix_message_unref(message);
        } else {
            free(octets);
        }
        number++;
    }
    for (unsigned i = 0; i < SOURCE_MAX; i++) {
        ipfix_decoder_destroy(decoders[i]);
    }
    ipfix_dictionary_destroy(dictionary);
    return 0;
}
