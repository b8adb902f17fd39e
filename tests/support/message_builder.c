/* SPDX-License-Identifier: BSD-3-Clause */
/* Builds IPFIX Messages and NetFlow datagrams for tests. */
#include "message_builder.h"

#include <assert.h>
#include <stdarg.h>

void message_u8(struct message_builder *b, uint8_t value)
{
    assert(b->length < sizeof(b->octets));
    b->octets[b->length++] = value;
}

static void put_u16(struct message_builder *b, uint16_t value)
{
    message_u8(b, (uint8_t)(value >> 8));
    message_u8(b, (uint8_t)value);
}

void message_u32(struct message_builder *b, uint32_t value)
{
    put_u16(b, (uint16_t)(value >> 16));
    put_u16(b, (uint16_t)value);
}

static void clear(struct message_builder *b, uint16_t version)
{
    b->length = 0;
    b->set = 0;
    b->version = version;
    put_u16(b, version);
}

void message_start(struct message_builder *b, uint32_t domain_id, uint32_t sequence)
{
    clear(b, 10);
    put_u16(b, 0);
    message_u32(b, 1000);
    message_u32(b, sequence);
    message_u32(b, domain_id);
}

void message_start_v9(struct message_builder *b, uint32_t source_id, uint32_t sequence)
{
    clear(b, 9);
    put_u16(b, 1);
    message_u32(b, 100000);
    message_u32(b, 1000);
    message_u32(b, sequence);
    message_u32(b, source_id);
}

void message_start_v5(struct message_builder *b, uint16_t count, uint32_t sequence)
{
    clear(b, 5);
    put_u16(b, count);
    message_u32(b, 100000);
    message_u32(b, 1000);
    message_u32(b, 500000000); /* nanoseconds */
    message_u32(b, sequence);
    put_u16(b, 0x0102);
    put_u16(b, 0x4064); /* mode 1, one of 100 */
}

static void end_set(struct message_builder *b)
{
    if (b->set != 0) {
        message_patch_u16(b, b->set + 2, (uint16_t)(b->length - b->set));
    }
}

void message_set(struct message_builder *b, uint16_t id)
{
    end_set(b);
    b->set = b->length;
    put_u16(b, id);
    put_u16(b, 0);
}

void message_u16s(struct message_builder *b, unsigned count, ...)
{
    va_list values;
    va_start(values, count);
    for (unsigned i = 0; i < count; i++) {
        put_u16(b, (uint16_t)va_arg(values, int));
    }
    va_end(values);
}

void message_fill(struct message_builder *b, uint8_t value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        message_u8(b, value);
    }
}

void message_patch_u16(struct message_builder *b, size_t at, uint16_t value)
{
    b->octets[at] = (uint8_t)(value >> 8);
    b->octets[at + 1] = (uint8_t)value;
}

const uint8_t *message_end(struct message_builder *b)
{
    end_set(b);
    if (b->version == 10) {
        message_patch_u16(b, 2, (uint16_t)b->length);
    }
    return b->octets;
}
