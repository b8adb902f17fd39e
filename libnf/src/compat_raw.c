/* SPDX-License-Identifier: BSD-3-Clause */
/** Records of libnf.h as octets that mean the same on every machine: fields, lengths, values. */
#include "error.h"
#include "field.h"
#include "record.h"

#include <libnf/bytes.h>

#define TLV_VERSION 2u
#define TLV_HEADER_SIZE 4u

/** A value of any field in the caller's form. */
union value {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    lnf_ip_t address;
    lnf_mac_t mac;
    lnf_mpls_t mpls;
    lnf_acl_t acl;
    lnf_string_t text;
    uint32_t words[10];
    uint8_t octets[256];
};

/** Octets of a value, where all values of the type have the same; 0 = strings. */
static size_t fixed_size(unsigned type)
{
    return type == LNF_STRING ? 0 : lnf_type_size(type);
}

/** Whether the field has entries: it is a fact of its own, not computed from others. */
static bool has_entry(const struct lnf_field *field)
{
    switch (field->id) {
    case LNF_FLD_INET_FAMILY: /* addresses of 0 do not tell */
    case LNF_FLD_EVENT_FLAG:
        return true;
    default:
        return field->id < LNF_FLD_TERM_ &&
               (field->source == LNF_SOURCE_ELEMENT || field->source == LNF_SOURCE_HEADER);
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

/** Appends a value, the caller's form turned into octets. */
static void write_value(struct lnf_writer_bytes *w, unsigned type, const union value *value)
{
    switch (type) {
    case LNF_UINT8:
        lnf_write_u8(w, value->u8);
        break;
    case LNF_UINT16:
        lnf_write_u16_be(w, value->u16);
        break;
    case LNF_UINT32:
        lnf_write_u32_be(w, value->u32);
        break;
    case LNF_UINT64:
        lnf_write_u64_be(w, value->u64);
        break;
    case LNF_MPLS:
    case LNF_ACL:
        for (size_t i = 0; i < fixed_size(type) / 4; i++) {
            lnf_write_u32_be(w, value->words[i]);
        }
        break;
    default:
        lnf_write_bytes(w, value->octets, fixed_size(type));
        break;
    }
}

static void write_entry(struct lnf_writer_bytes *w, const struct lnf_field *field,
                        const union value *value)
{
    size_t size = fixed_size(field->type);

    lnf_write_u16_be(w, field->id);
    if (size == 0) {
        size = strnlen(value->text, sizeof(value->text) - 1);
        lnf_write_u16_be(w, (uint16_t)size);
        lnf_write_bytes(w, value->octets, size);
        return;
    }
    lnf_write_u16_be(w, (uint16_t)size);
    write_value(w, field->type, value);
}

static void write_entries(lnf_rec_t *record, struct lnf_writer_bytes *w)
{
    union value value;

    for (unsigned i = 0; i < lnf_field_count; i++) {
        const struct lnf_field *field = &lnf_field_table[i];
        if (!has_entry(field) || lnf_rec_fget(record, field->id, &value) != LNF_OK) {
            continue;
        }
        if (field->id == LNF_FLD_EVENT_FLAG && value.u8 == 0) {
            continue; /* every record has it */
        }
        write_entry(w, field, &value);
    }
}

int lnf_rec_get_raw(lnf_rec_t *record, int type, char *buf, size_t size, size_t *ret)
{
    uint8_t octets[4096]; /* all fields of the longest record take a third of it */

    if (type != LNF_REC_RAW_TLV) {
        lnf_error_remember("unknown form of a raw record");
        return LNF_ERR_OTHER;
    }
    struct lnf_writer_bytes w = lnf_writer_bytes_init(octets, sizeof(octets));
    lnf_write_u8(&w, TLV_VERSION);
    lnf_write_u8(&w, 0);
    lnf_write_u16_be(&w, 0);
    write_entries(record, &w);
    size_t used = lnf_writer_bytes_used(&w);
    lnf_store_u16(octets + 2, htobe16((uint16_t)(used - TLV_HEADER_SIZE)));
    if (ret != NULL) {
        *ret = used;
    }
    if (w.failed || used > size) {
        lnf_error_remember("the buffer is too small for the record");
        return LNF_ERR_NOMEM;
    }
    memcpy(buf, octets, used);
    return LNF_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/** Reads a value of the right length into the caller's form. */
static void read_value(struct lnf_reader *r, unsigned type, union value *value)
{
    size_t size = lnf_reader_left(r);

    memset(value, 0, sizeof(*value));
    switch (type) {
    case LNF_UINT8:
        value->u8 = lnf_read_u8(r);
        break;
    case LNF_UINT16:
        value->u16 = lnf_read_u16_be(r);
        break;
    case LNF_UINT32:
        value->u32 = lnf_read_u32_be(r);
        break;
    case LNF_UINT64:
        value->u64 = lnf_read_u64_be(r);
        break;
    case LNF_MPLS:
    case LNF_ACL:
        for (size_t i = 0; i < size / 4; i++) {
            value->words[i] = lnf_read_u32_be(r);
        }
        break;
    default:
        if (size > 0) {
            memcpy(value->octets, r->at, size);
        }
        break;
    }
}

static bool length_fits(unsigned type, size_t size)
{
    return fixed_size(type) == 0 ? size < sizeof(lnf_string_t) : size == fixed_size(type);
}

static int refuse(lnf_rec_t *record, const char *text)
{
    lnf_rec_clear(record);
    lnf_error_remember(text);
    return LNF_ERR_OTHER_MSG;
}

/** Whether the field has a place in two elements of a record, see lnf_rec_restore(). */
static bool is_shared(const struct lnf_field *field)
{
    return field->type != LNF_ADDR && field->source == LNF_SOURCE_ELEMENT && field->element6 != 0;
}

/**
 * Sets the field of the next entry if it has a place in two elements, or if it has not;
 * LNF_ERR_CORRUPT when its lengths are wrong.
 */
static int read_entry(lnf_rec_t *record, struct lnf_reader *entries, bool shared)
{
    union value value;
    uint16_t id = lnf_read_u16_be(entries);
    uint16_t size = lnf_read_u16_be(entries);
    const uint8_t *octets = lnf_read_bytes(entries, size);
    const struct lnf_field *field = lnf_field_get(id);

    if (octets == NULL) {
        return LNF_ERR_CORRUPT;
    }
    if (field == NULL || field->id != id || !has_entry(field)) {
        return LNF_OK; /* newer than we are */
    }
    if (!length_fits(field->type, size)) {
        return LNF_ERR_CORRUPT;
    }
    if (is_shared(field) != shared) {
        return LNF_OK;
    }
    struct lnf_reader r = lnf_reader_init(octets, size);
    read_value(&r, field->type, &value);
    return lnf_rec_restore(record, id, &value);
}

static int read_entries(lnf_rec_t *record, const uint8_t *octets, size_t size, bool shared)
{
    struct lnf_reader entries = lnf_reader_init(octets, size);

    while (lnf_reader_left(&entries) > 0) {
        int status = read_entry(record, &entries, shared);
        if (status == LNF_ERR_CORRUPT || status == LNF_ERR_NOMEM) {
            return status;
        }
    }
    return LNF_OK;
}

int lnf_rec_set_raw(lnf_rec_t *record, char *buf, size_t size)
{
    struct lnf_reader r = lnf_reader_init(buf, size);

    lnf_rec_clear(record);
    uint8_t version = lnf_read_u8(&r);
    lnf_read_skip(&r, 1);
    uint16_t length = lnf_read_u16_be(&r);
    const uint8_t *octets = lnf_read_bytes(&r, length);
    if (r.failed || octets == NULL) {
        return refuse(record, "a raw record is cut short");
    }
    if (version != TLV_VERSION) {
        return refuse(record, "a raw record is of another version");
    }
    int status = read_entries(record, octets, length, false);
    if (status == LNF_OK) {
        status = read_entries(record, octets, length, true);
    }
    if (status == LNF_ERR_CORRUPT) {
        return refuse(record, "an entry of a raw record has a wrong length");
    }
    if (status != LNF_OK) {
        lnf_rec_clear(record);
    }
    return status;
}
