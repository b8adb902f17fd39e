/* SPDX-License-Identifier: BSD-3-Clause */
/** Record prototypes: which elements a set of fields needs and where each field goes. */
#include "element.h"
#include "field.h"

#include <libnf/bytes.h>
#include <libnf/writer.h>
#include <string.h>

/** Place of the generic element's destination port, which also holds ICMP type and code. */
#define GENERIC_OFFSET_DSTPORT 42u
#define ELEMENT_TUNNEL_IPV4 31u

/** Where a field goes: its element (0 = the record header), octets into its data, and how. */
struct place {
    unsigned element;
    unsigned offset;
    enum lnf_slot_kind kind;
    uint8_t width;
};

static bool kind_of(const struct lnf_field *field, bool second, enum lnf_slot_kind *kind)
{
    switch (field->type) {
    case LNF_UINT8:
    case LNF_UINT16:
    case LNF_UINT32:
    case LNF_UINT64:
        *kind = LNF_SLOT_UINT;
        return !field->network_order;
    case LNF_ADDR:
        *kind = second ? LNF_SLOT_IPV6 : LNF_SLOT_IPV4;
        return true;
    case LNF_MAC:
        *kind = LNF_SLOT_MAC;
        return true;
    default:
        return false;
    }
}

/** Places of computed fields that still lie somewhere; the others have none. */
static bool find_computed_place(const struct lnf_field *field, struct place *place)
{
    switch (field->id) {
    case LNF_FLD_ICMP_CODE:
        *place = (struct place){LNF_ELEMENT_GENERIC, GENERIC_OFFSET_DSTPORT, LNF_SLOT_UINT, 1};
        return true;
    case LNF_FLD_ICMP_TYPE:
        *place = (struct place){LNF_ELEMENT_GENERIC, GENERIC_OFFSET_DSTPORT + 1, LNF_SLOT_UINT, 1};
        return true;
    case LNF_FLD_EVENT_FLAG:
        *place = (struct place){0, LNF_RECORD_OFFSET_FLAGS, LNF_SLOT_UINT, 1};
        return true;
    default:
        return false;
    }
}

static bool find_place(const struct lnf_layout_field *wanted, struct place *place)
{
    const struct lnf_field *field = lnf_field_get(wanted->field);

    if (field == NULL) {
        return false;
    }
    if (field->source == LNF_SOURCE_COMPUTED) {
        return find_computed_place(field, place);
    }

    /* Events have a second element, too, but that is no matter of the address family. */
    bool family = field->type == LNF_ADDR || field->element == ELEMENT_TUNNEL_IPV4;
    bool second = wanted->ipv6 && family && field->element6 != 0;
    place->element = second ? field->element6 : field->element;
    place->offset = second ? field->offset6 : field->offset;
    place->width = second && field->type == LNF_ADDR ? 16 : field->width;
    if (field->source == LNF_SOURCE_ELEMENT) {
        return place->element != 0 && kind_of(field, second, &place->kind);
    }
    return field->source == LNF_SOURCE_HEADER && kind_of(field, second, &place->kind);
}

/** Writes record header and element headers; *data: where each element's data starts. */
static bool build_prototype(uint64_t elements, struct lnf_layout *layout,
                            uint16_t data[LNF_ELEMENT_COUNT])
{
    struct lnf_writer_bytes w = lnf_writer_bytes_init(layout->prototype, LNF_LAYOUT_MAX_SIZE);
    uint16_t count = 0;

    lnf_write_reserve(&w, LNF_RECORD_HEADER_SIZE);
    for (uint16_t id = 1; id < LNF_ELEMENT_COUNT; id++) {
        if ((elements >> id & 1) == 0) {
            continue;
        }
        uint16_t size = lnf_element_get(id)->size;
        lnf_write_u16_le(&w, id);
        lnf_write_u16_le(&w, (uint16_t)(size + LNF_ELEMENT_HEADER_SIZE));
        data[id] = (uint16_t)lnf_writer_bytes_used(&w);
        lnf_write_reserve(&w, size);
        count++;
    }
    if (w.failed) {
        return false;
    }

    layout->size = (uint16_t)lnf_writer_bytes_used(&w);
    lnf_store_u16(layout->prototype, htole16(LNF_RECORD_FLOW));
    lnf_store_u16(layout->prototype + 2, htole16(layout->size));
    lnf_store_u16(layout->prototype + 4, htole16(count));
    return true;
}

int lnf_layout_build(const struct lnf_layout_field *fields, unsigned count,
                     struct lnf_layout *layout, struct lnf_slot *slots, unsigned *bad)
{
    uint64_t elements = UINT64_C(1) << LNF_ELEMENT_GENERIC;
    uint16_t data[LNF_ELEMENT_COUNT] = {0};
    struct place place;

    for (unsigned i = 0; i < count; i++) {
        if (!find_place(&fields[i], &place)) {
            if (bad != NULL) {
                *bad = i;
            }
            return LNF_ERR_UNKFLD;
        }
        if (place.element != 0) {
            elements |= UINT64_C(1) << place.element;
        }
    }

    memset(layout, 0, sizeof(*layout));
    if (!build_prototype(elements, layout, data)) {
        return LNF_ERR_NOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        (void)find_place(&fields[i], &place);
        slots[i].kind = place.kind;
        slots[i].offset = (uint16_t)(data[place.element] + place.offset);
        slots[i].width = place.width;
    }
    return LNF_OK;
}
