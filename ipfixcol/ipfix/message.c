/* SPDX-License-Identifier: BSD-3-Clause */
/* IPFIX Messages: checked, split into Sets, put together into one shared object. */
#include "message.h"

#include <libnf/bytes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct message_object {
    struct ipfix_message base; /* first member: the public part */
    atomic_uint references;
};

bool message_header_read(const uint8_t *octets, size_t length, struct message_header *header)
{
    struct lnf_reader r = lnf_reader_init(octets, length);
    header->version = lnf_read_u16_be(&r);
    header->length = lnf_read_u16_be(&r);
    header->export_time_s = lnf_read_u32_be(&r);
    header->sequence = lnf_read_u32_be(&r);
    header->domain_id = lnf_read_u32_be(&r);
    return !r.failed;
}

/* Items a list keeps room for when it is cleared. Every session has its lists: one message of 16000
 * sets must not hold half a mebibyte for as long as its session lasts. */
#define LIST_KEPT 256u

/* ---- sets ------------------------------------------------------------------------------------ */

/* Makes room for one more item of `size` octets. */
static void *grow(void *items, size_t *room, size_t count, size_t size)
{
    if (count < *room) {
        return items;
    }
    size_t wanted = *room == 0 ? 16 : *room * 2;
    void *grown = realloc(items, wanted * size);
    if (grown != NULL) {
        *room = wanted;
    }
    return grown;
}

static int set_list_add(struct set_list *sets, const struct ipfix_set *set)
{
    struct ipfix_set *items = grow(sets->items, &sets->room, sets->count, sizeof(*items));
    if (items == NULL) {
        return COL_ERR_NOMEM;
    }
    sets->items = items;
    sets->items[sets->count++] = *set;
    return COL_OK;
}

static bool only_zeros(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at == 0) {
        at++;
    }
    return at == end;
}

int message_split(const uint8_t *octets, const struct message_header *header,
                  const struct event_sink *sink, struct set_list *sets)
{
    const uint8_t *at = octets + IPFIX_MESSAGE_HEADER_LENGTH;
    const uint8_t *end = octets + header->length;

    sets->count = 0;
    /* One to three octets behind the last set can be nothing but padding. */
    while (end - at >= (ptrdiff_t)IPFIX_SET_HEADER_LENGTH) {
        struct ipfix_set set = {
            .id = be16toh(lnf_load_u16(at)),
            .length = be16toh(lnf_load_u16(at + 2)),
            .octets = at,
        };
        if (set.length < IPFIX_SET_HEADER_LENGTH || set.length > end - at) {
            if (set.length == 0 && only_zeros(at, end)) {
                break;
            }
            event_tell(sink, IPFIX_EVENT_BAD_SET, header->domain_id, set.id, set.length, NULL);
            if (set.length == 0) {
                break;
            }
            return COL_ERR_MALFORMED;
        }
        if (set_list_add(sets, &set) != COL_OK) {
            return COL_ERR_NOMEM;
        }
        at += set.length;
    }
    return COL_OK;
}

void set_list_clear(struct set_list *sets)
{
    for (size_t i = 0; i < sets->count; i++) {
        ipfix_template_unref(sets->items[i].tmplt);
    }
    sets->count = 0;
    if (sets->room > LIST_KEPT) {
        free(sets->items);
        *sets = (struct set_list){0};
    }
}

/* ---- template changes ------------------------------------------------------------------------ */

int change_list_add(struct change_list *changes, enum ipfix_template_change_kind kind, uint16_t set,
                    const struct ipfix_template *tmplt)
{
    struct ipfix_template_change *items =
        grow(changes->items, &changes->room, changes->count, sizeof(*items));
    if (items == NULL) {
        return COL_ERR_NOMEM;
    }
    changes->items = items;
    changes->items[changes->count++] =
        (struct ipfix_template_change){.kind = kind, .set = set, .tmplt = tmplt};
    return COL_OK;
}

void change_list_clear(struct change_list *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        ipfix_template_unref(changes->items[i].tmplt);
    }
    changes->count = 0;
    if (changes->room > LIST_KEPT) {
        free(changes->items);
        *changes = (struct change_list){0};
    }
}

/* ---- the shared object ----------------------------------------------------------------------- */

/* Moves the sets behind the object and lets them point into the copied octets. */
static void copy_sets(struct ipfix_set *to, const struct set_list *sets, const uint8_t *old_octets,
                      const uint8_t *new_octets)
{
    for (size_t i = 0; i < sets->count; i++) {
        to[i] = sets->items[i];
        to[i].octets = new_octets + (to[i].octets - old_octets);
    }
}

struct ipfix_message *message_create(const struct ipfix_message *model, struct set_list *sets,
                                     struct change_list *changes)
{
    size_t sets_size = sets->count * sizeof(*sets->items);
    size_t changes_size = changes->count * sizeof(*changes->items);

    struct message_object *object =
        malloc(sizeof(*object) + sets_size + changes_size + model->length);
    if (object == NULL) {
        return NULL;
    }
    uint8_t *at = (uint8_t *)(object + 1);
    struct ipfix_set *new_sets = (struct ipfix_set *)at;
    struct ipfix_template_change *new_changes = (struct ipfix_template_change *)(at + sets_size);
    uint8_t *octets = at + sets_size + changes_size;

    if (model->length > 0) {
        memcpy(octets, model->octets, model->length);
    }
    copy_sets(new_sets, sets, model->octets, octets);
    if (changes->count > 0) {
        memcpy(new_changes, changes->items, changes_size);
    }

    object->base = *model;
    object->base.session = ipfix_session_ref(model->session);
    object->base.octets = model->length > 0 ? octets : NULL;
    object->base.set_count = (uint32_t)sets->count;
    object->base.sets = new_sets;
    object->base.change_count = (uint32_t)changes->count;
    object->base.changes = new_changes;
    atomic_init(&object->references, 1);
    sets->count = 0;
    changes->count = 0;
    return &object->base;
}

static void message_free(struct message_object *object)
{
    for (uint32_t i = 0; i < object->base.set_count; i++) {
        ipfix_template_unref(object->base.sets[i].tmplt);
    }
    for (uint32_t i = 0; i < object->base.change_count; i++) {
        ipfix_template_unref(object->base.changes[i].tmplt);
    }
    ipfix_session_unref(object->base.session);
    free(object);
}

struct ipfix_message *ipfix_message_ref(struct ipfix_message *message)
{
    struct message_object *object = (struct message_object *)message;
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
    return message;
}

void ipfix_message_unref(struct ipfix_message *message)
{
    struct message_object *object = (struct message_object *)message;
    /* Release and acquire: the thread that frees sees what the others did before they let go. */
    if (object != NULL &&
        atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1) {
        message_free(object);
    }
}
