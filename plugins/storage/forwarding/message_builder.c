/* SPDX-License-Identifier: BSD-3-Clause */
/** Messages for one destination: copied whole where possible, else put together set by set. */
#include "message_builder.h"

#include <ipfixcol/record.h>
#include <libnf/bytes.h>

/** A longer template set is closed and a new one opened. */
#define TEMPLATE_SET_LENGTH 512u
/** Messages of more sets are put together set by set. */
#define WHOLE_MAX_SETS 64u

static void put_u16(struct builder *builder, size_t at, uint16_t value)
{
    lnf_store_u16(builder->out->start + at, htobe16(value));
}

static void put_u32(struct builder *builder, size_t at, uint32_t value)
{
    lnf_store_u32(builder->out->start + at, htobe32(value));
}

void builder_begin(struct builder *builder, struct mapper_domain *domain, uint32_t export_time_s)
{
    builder->domain = domain;
    builder->export_time_s = export_time_s;
    domain->export_time_s = export_time_s;
}

/** `size` octets at the tail, or false without memory. */
static bool append(struct builder *builder, const void *octets, size_t size)
{
    if (builder->failed || !octets_reserve(builder->out, size)) {
        builder->failed = true;
        return false;
    }
    if (octets != NULL) {
        memcpy(builder->out->start + builder->out->tail, octets, size);
    }
    builder->out->tail += size;
    return true;
}

static void open_message(struct builder *builder)
{
    builder->message = builder->out->tail;
    builder->set = 0;
    builder->records = 0;
    builder->open = append(builder, NULL, IPFIX_MESSAGE_HEADER_LENGTH);
}

static void complete(struct builder *builder, size_t at, uint32_t records)
{
    struct built built = {
        .from = builder->from, .records = records, .length = (uint32_t)(builder->out->tail - at)};

    put_u16(builder, at, IPFIX_VERSION);
    put_u16(builder, at + 2, (uint16_t)built.length);
    put_u32(builder, at + 4, builder->export_time_s);
    put_u32(builder, at + 8, builder->domain->sequence);
    put_u32(builder, at + 12, builder->domain->domain_id);
    builder->domain->sequence += records;
    builder->completed(builder->context, &built);
}

void builder_finish(struct builder *builder)
{
    if (builder->open && !builder->failed) {
        complete(builder, builder->message, builder->records);
    }
    builder->open = false;
}

/** Octets that still fit into the open message. */
static size_t room_left(const struct builder *builder)
{
    size_t used =
        builder->open ? builder->out->tail - builder->message : IPFIX_MESSAGE_HEADER_LENGTH;

    return used < builder->packet_size ? builder->packet_size - used : 0;
}

/** Sees to an open message with room for `size` octets: a new one if the open one has not. */
static bool make_room(struct builder *builder, size_t size)
{
    bool empty =
        builder->open && builder->out->tail - builder->message == IPFIX_MESSAGE_HEADER_LENGTH;

    if (builder->open && !empty && room_left(builder) < size) {
        builder_finish(builder);
    }
    if (!builder->open) {
        open_message(builder);
    }
    return !builder->failed;
}

/** Adds a Template Record of `size` octets to an open set of its kind, or to a new one. */
static size_t template_record(struct builder *builder, uint16_t set_id, size_t size)
{
    size_t in_set = builder->set == 0 ? 0 : builder->out->tail - builder->set;
    bool fits = builder->open && in_set > 0 && in_set + size <= TEMPLATE_SET_LENGTH &&
                room_left(builder) >= size &&
                be16toh(lnf_load_u16(builder->out->start + builder->set)) == set_id;

    if (!fits) {
        if (!make_room(builder, IPFIX_SET_HEADER_LENGTH + size)) {
            return 0;
        }
        builder->set = builder->out->tail;
        if (!append(builder, NULL, IPFIX_SET_HEADER_LENGTH)) {
            return 0;
        }
        put_u16(builder, builder->set, set_id);
    }
    size_t at = builder->out->tail;
    if (!append(builder, NULL, size)) {
        return 0;
    }
    put_u16(builder, builder->set + 2, (uint16_t)(builder->out->tail - builder->set));
    return at;
}

void builder_announce(struct builder *builder, struct mapped *mapped)
{
    const struct ipfix_template *tmplt = mapped->tmplt;
    size_t header = tmplt->set_id == IPFIX_SET_OPTIONS_TEMPLATE ? 6 : 4;
    size_t at = template_record(builder, tmplt->set_id, header + tmplt->definition_length);

    if (at == 0) {
        return;
    }
    put_u16(builder, at, mapped->id);
    put_u16(builder, at + 2, tmplt->field_count);
    if (header == 6) {
        put_u16(builder, at + 4, tmplt->scope_field_count);
    }
    memcpy(builder->out->start + at + header, tmplt->definition, tmplt->definition_length);
    mapped->announced = true;
}

void builder_withdraw(struct builder *builder, const struct mapped *mapped)
{
    size_t at = template_record(builder, mapped->tmplt->set_id, 4);

    if (at != 0) {
        put_u16(builder, at, mapped->id);
        put_u16(builder, at + 2, 0);
    }
}

/** Data Sets with records of a known template; the others are not forwarded. */
static bool has_records(const struct ipfix_set *set)
{
    return set->id >= IPFIX_SET_DATA_MIN && set->tmplt != NULL && set->record_count > 0;
}

/** Copies a message of nothing but Data Sets, patching header and set ids; false = not possible. */
static bool copy_whole(struct builder *builder, const struct ipfix_message *message)
{
    uint16_t ids[WHOLE_MAX_SETS];
    size_t length = IPFIX_MESSAGE_HEADER_LENGTH;

    if (message->length > builder->packet_size || message->set_count > WHOLE_MAX_SETS ||
        message->set_count == 0 || message->change_count > 0) {
        return false;
    }
    for (uint32_t i = 0; i < message->set_count; i++) {
        const struct ipfix_set *set = &message->sets[i];
        if (!has_records(set)) {
            return false;
        }
        const struct mapped *mapped = mapper_find(builder->domain, set->tmplt);
        if (mapped == NULL || !mapped->announced) {
            return false;
        }
        ids[i] = mapped->id;
        length += set->length;
    }
    size_t at = builder->out->tail;
    if (length != message->length || !append(builder, message->octets, length)) {
        return false;
    }
    for (uint32_t i = 0; i < message->set_count; i++) {
        put_u16(builder, at + (size_t)(message->sets[i].octets - message->octets), ids[i]);
    }
    builder->from = (struct cursor){0};
    complete(builder, at, message->data_record_count);
    return true;
}

/** Octets and number of the records from `iter` on that fit into `room`; at least one. */
static size_t take_records(struct ipfix_record_iter *iter, size_t room, uint32_t *count)
{
    size_t size = 0;
    struct ipfix_record record;
    struct ipfix_record_iter ahead = *iter;

    *count = 0;
    while (ipfix_record_next(&ahead, &record) && (*count == 0 || size + record.length <= room)) {
        size += record.length;
        (*count)++;
        *iter = ahead;
    }
    return size;
}

/** Adds records as one Data Set to the open message. */
static bool add_set(struct builder *builder, const struct mapped *mapped, const uint8_t *records,
                    size_t size)
{
    size_t at = builder->out->tail;

    if (!append(builder, NULL, IPFIX_SET_HEADER_LENGTH) || !append(builder, records, size)) {
        return false;
    }
    put_u16(builder, at, mapped->id);
    put_u16(builder, at + 2, (uint16_t)(IPFIX_SET_HEADER_LENGTH + size));
    builder->set = 0;
    return true;
}

/** Notes where the data of the open message start. */
static void note_start(struct builder *builder, const struct cursor *at)
{
    if (builder->records == 0) {
        builder->from = *at;
    }
}

/** Adds a set that is longer than a message may be, cut between records. */
static void cut_set(struct builder *builder, const struct ipfix_set *set,
                    const struct mapped *mapped, struct cursor *at)
{
    struct ipfix_record_iter iter;

    ipfix_record_iter_init(&iter, set);
    iter.at += at->offset;
    iter.left -= at->record;
    while (iter.left > 0) {
        const uint8_t *start = iter.at;
        struct ipfix_record_iter first = iter;
        struct ipfix_record record;
        uint32_t count;
        if (!ipfix_record_next(&first, &record) ||
            !make_room(builder, IPFIX_SET_HEADER_LENGTH + record.length)) {
            return;
        }
        size_t room = room_left(builder);
        size_t size = take_records(
            &iter, room > IPFIX_SET_HEADER_LENGTH ? room - IPFIX_SET_HEADER_LENGTH : 0, &count);
        note_start(builder, at);
        if (!add_set(builder, mapped, start, size)) {
            return;
        }
        builder->records += count;
        at->record += count;
        at->offset += (uint32_t)size;
    }
}

/** Adds one Data Set from a position in it on. */
static void add_data(struct builder *builder, const struct ipfix_set *set,
                     const struct mapped *mapped, struct cursor *at)
{
    size_t size = set->length - IPFIX_SET_HEADER_LENGTH - at->offset;

    if (IPFIX_MESSAGE_HEADER_LENGTH + IPFIX_SET_HEADER_LENGTH + size > builder->packet_size) {
        cut_set(builder, set, mapped, at);
        return;
    }
    if (!make_room(builder, IPFIX_SET_HEADER_LENGTH + size)) {
        return;
    }
    note_start(builder, at);
    if (add_set(builder, mapped, set->octets + IPFIX_SET_HEADER_LENGTH + at->offset, size)) {
        builder->records += set->record_count - at->record;
    }
}

/** Maps a template and sees to it that the destination knows it. */
static struct mapped *map_template(struct builder *builder, const struct ipfix_template *tmplt)
{
    struct mapped *mapped = mapper_map(builder->domain, tmplt, builder->now_ms);

    if (mapped != NULL && !mapped->announced) {
        builder_announce(builder, mapped);
    }
    return mapped;
}

void builder_message(struct builder *builder, const struct ipfix_message *message,
                     const struct cursor *from)
{
    struct cursor at = *from;

    if (!builder->open && at.set == 0 && at.record == 0 && copy_whole(builder, message)) {
        return;
    }
    for (uint32_t i = at.set; i < message->set_count && !builder->failed; i++) {
        if (has_records(&message->sets[i])) {
            (void)map_template(builder, message->sets[i].tmplt);
        }
    }
    for (; at.set < message->set_count && !builder->failed;
         at = (struct cursor){.set = at.set + 1}) {
        const struct ipfix_set *set = &message->sets[at.set];
        if (!has_records(set)) {
            builder->unknown_sets += set->id >= IPFIX_SET_DATA_MIN && set->tmplt == NULL;
            continue;
        }
        const struct mapped *mapped = mapper_find(builder->domain, set->tmplt);
        if (mapped == NULL) {
            builder->unmapped_records += set->record_count - at.record;
            continue;
        }
        add_data(builder, set, mapped, &at);
    }
}
