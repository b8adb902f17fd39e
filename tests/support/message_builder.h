/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Builds IPFIX Messages and NetFlow datagrams for tests, in a few readable lines:
 *
 *     message_start(&b, 1234, 0);              domain 1234, sequence number 0
 *     message_set(&b, 2);
 *     message_u16s(&b, 4, 256, 1, 8, 4);       template 256 of one field: element 8, 4 octets
 *     message_set(&b, 256);
 *     message_u32(&b, 0xC0000201);             one record
 *     message_end(&b);                         b.octets, b.length
 */
#ifndef TEST_MESSAGE_BUILDER_H
#define TEST_MESSAGE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

struct message_builder {
    uint8_t octets[70000];
    size_t length;
    size_t set; /* where the open set starts, 0 = none */
    uint16_t version;
};

/** Starts an IPFIX Message of a domain; Export Time 1000. */
void message_start(struct message_builder *b, uint32_t domain_id, uint32_t sequence);
/** Starts a NetFlow v9 datagram: up for 100000 ms at Unix second 1000. */
void message_start_v9(struct message_builder *b, uint32_t source_id, uint32_t sequence);
/** Starts a NetFlow v5 datagram of engine 1/2 with the same times. */
void message_start_v5(struct message_builder *b, uint16_t count, uint32_t sequence);
/** Ends the open set and starts another. */
void message_set(struct message_builder *b, uint16_t id);
/** Appends `count` numbers of 16 bits, given as ints. */
void message_u16s(struct message_builder *b, unsigned count, ...);
/** Appends one number. */
void message_u8(struct message_builder *b, uint8_t value);
void message_u32(struct message_builder *b, uint32_t value);
/** Appends `count` octets of one value. */
void message_fill(struct message_builder *b, uint8_t value, size_t count);
/** Sets the lengths. */
const uint8_t *message_end(struct message_builder *b);
/** Overwrites a number of 16 bits. */
void message_patch_u16(struct message_builder *b, size_t at, uint16_t value);

#endif
