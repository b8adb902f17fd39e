/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Records of libnf.h: one flow record of layout 2 with a table of where its elements are. Fields
 * are read and written in place; setting a field whose element is absent adds the element.
 */
#include "record.h"

#include "batch.h"
#include "element.h"
#include "field.h"
#include "stat.h"

#include <libnf/bytes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SIZE_MAX UINT16_MAX
#define RECORD_ROOM_FIRST 512u
#define STRING_FIELD_SIZE 256u
#define FLAG_EVENT 0x01u
#define IDENT_SIZE 128u
#define ELEMENT_LAYER2 38u
#define LAYER2_IP_VERSION 26u

#define SHAPES 2u /* that a record remembers; records of IPv4 and of IPv6 go to different ones */
#define SHAPE_CHECKS 12u /* elements of a shape that can be recognised again */
#define SHAPE_STEP 4u    /* compared at a time; divides SHAPE_CHECKS */

/** Where the elements are in records of one size and one sequence of element headers. */
struct shape {
    uint64_t head;             /* type, size and number of elements of its records; 0 = fits none */
    unsigned checks;           /* number of elements, rounded up to SHAPE_STEP */
    uint16_t at[SHAPE_CHECKS]; /* offset of each element header */
    uint32_t header[SHAPE_CHECKS];    /* type and length as stored */
    uint16_t data[LNF_ELEMENT_COUNT]; /* offset of the element's data; 0 = absent */
};

struct lnf_rec {
    uint8_t *raw;
    size_t size, room;
    const uint16_t *data; /* of the shape the record has */
    lnf_origin_t *origin; /* block this record is the first one of; NULL = none, or not known */
    uint64_t number;      /* in the file it was read from; 0 = not known, and `ident` neither */
    bool exporter_known;
    struct lnf_exporter exporter;
    char ident[IDENT_SIZE]; /* of that file */
    struct shape shapes[SHAPES];
};

/* ---- the octets ------------------------------------------------------------------------------ */

static bool grow(lnf_rec_t *rec, size_t size)
{
    if (size <= rec->room) {
        return true;
    }
    size_t room = size < RECORD_ROOM_FIRST ? RECORD_ROOM_FIRST : size * 2;
    uint8_t *raw = realloc(rec->raw, room);
    if (raw == NULL) {
        return false;
    }
    rec->raw = raw;
    rec->room = room;
    return true;
}

/** Type, size and number of elements: the first six octets of a record. */
static uint64_t load_head(const uint8_t *raw)
{
    return le64toh(lnf_load_u64(raw)) & UINT64_C(0xffffffffffff);
}

/** Whether the record has the elements of the shape; every length was checked when that was made.
 */
static bool shape_fits(const struct shape *shape, const uint8_t *raw)
{
    uint32_t different = 0;

    if (shape->head != load_head(raw)) {
        return false;
    }
    /* A loop that ends at another turn for each record costs more than comparing some twice. */
    for (unsigned i = 0; i < shape->checks; i += SHAPE_STEP) {
        for (unsigned j = i; j < i + SHAPE_STEP; j++) {
            different |= lnf_load_u32(raw + shape->at[j]) ^ shape->header[j];
        }
    }
    return different == 0;
}

/** Notes where the elements are; false when their lengths do not add up to the record. */
static bool shape_make(struct shape *shape, const uint8_t *raw, size_t size)
{
    struct lnf_reader r = lnf_reader_init(raw, size);

    memset(shape, 0, sizeof(*shape));
    lnf_read_skip(&r, 4);
    unsigned count = lnf_read_u16_le(&r);
    lnf_read_skip(&r, LNF_RECORD_HEADER_SIZE - 6);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *header = r.at;
        uint16_t id = lnf_read_u16_le(&r);
        uint16_t length = lnf_read_u16_le(&r);
        if (r.failed || length < LNF_ELEMENT_HEADER_SIZE) {
            return false;
        }
        const uint8_t *data = lnf_read_bytes(&r, length - LNF_ELEMENT_HEADER_SIZE);
        if (data == NULL) {
            return false;
        }
        if (i < SHAPE_CHECKS) {
            shape->at[i] = (uint16_t)(header - raw);
            shape->header[i] = lnf_load_u32(header);
        }
        /* Of an element that comes twice the first counts, as for columns. */
        if (lnf_element_usable(id, length - LNF_ELEMENT_HEADER_SIZE) && shape->data[id] == 0) {
            shape->data[id] = (uint16_t)(data - raw);
        }
    }
    /* One with too many elements to check serves this record only. */
    shape->head = count <= SHAPE_CHECKS ? load_head(raw) : 0;
    for (shape->checks = count; shape->checks % SHAPE_STEP != 0; shape->checks++) {
        if (shape->checks < SHAPE_CHECKS) {
            shape->at[shape->checks] = shape->at[0];
            shape->header[shape->checks] = shape->header[0];
        }
    }
    return !r.failed && lnf_reader_left(&r) == 0;
}

/** Gives the record the shape of its octets to be; false when lengths in them do not add up. */
static bool take_shape(lnf_rec_t *rec, const uint8_t *raw, size_t size)
{
    struct shape *shape = &rec->shapes[size / 8 % SHAPES];

    if (!shape_fits(shape, raw) && !shape_make(shape, raw, size)) {
        shape->head = 0;
        return false;
    }
    rec->data = shape->data;
    return true;
}

/** Finds the elements of a record whose octets were moved. */
static void index_elements(lnf_rec_t *rec)
{
    (void)take_shape(rec, rec->raw, rec->size);
}

static void store_sizes(lnf_rec_t *rec, unsigned elements)
{
    lnf_store_u16(rec->raw + 2, htole16((uint16_t)rec->size));
    lnf_store_u16(rec->raw + 4, htole16((uint16_t)elements));
}

static unsigned element_count(const lnf_rec_t *rec)
{
    return le16toh(lnf_load_u16(rec->raw + 4));
}

/** Offset of the first element with a larger id, where one with this id is put. */
static size_t place_of(const lnf_rec_t *rec, unsigned id)
{
    size_t at = LNF_RECORD_HEADER_SIZE;

    while (at < rec->size && le16toh(lnf_load_u16(rec->raw + at)) <= id) {
        at += le16toh(lnf_load_u16(rec->raw + at + 2));
    }
    return at;
}

/** Adds an element with zeros, behind those with smaller ids. */
static bool add_element(lnf_rec_t *rec, unsigned id)
{
    size_t length = LNF_ELEMENT_HEADER_SIZE + (size_t)lnf_element_get((uint16_t)id)->size;

    if (rec->size + length > RECORD_SIZE_MAX || !grow(rec, rec->size + length)) {
        return false;
    }
    size_t at = place_of(rec, id);
    memmove(rec->raw + at + length, rec->raw + at, rec->size - at);
    memset(rec->raw + at, 0, length);
    lnf_store_u16(rec->raw + at, htole16((uint16_t)id));
    lnf_store_u16(rec->raw + at + 2, htole16((uint16_t)length));
    rec->size += length;
    store_sizes(rec, element_count(rec) + 1);
    index_elements(rec);
    return true;
}

/** Removes an element, as often as a file has it in the record. */
static void remove_element(lnf_rec_t *rec, unsigned id)
{
    while (rec->data[id] != 0) {
        size_t at = rec->data[id] - (size_t)LNF_ELEMENT_HEADER_SIZE;
        size_t length = le16toh(lnf_load_u16(rec->raw + at + 2));

        memmove(rec->raw + at, rec->raw + at + length, rec->size - at - length);
        rec->size -= length;
        store_sizes(rec, element_count(rec) - 1);
        index_elements(rec);
    }
}

/** Data of an element, added when absent; NULL without room. */
static uint8_t *need_element(lnf_rec_t *rec, unsigned id)
{
    if (rec->data[id] == 0 && !add_element(rec, id)) {
        return NULL;
    }
    return rec->raw + rec->data[id];
}

int lnf_rec_init(lnf_rec_t **record)
{
    lnf_rec_t *rec = calloc(1, sizeof(*rec));

    if (rec == NULL || !grow(rec, LNF_RECORD_HEADER_SIZE)) {
        free(rec);
        return LNF_ERR_NOMEM;
    }
    lnf_rec_clear(rec);
    *record = rec;
    return LNF_OK;
}

void lnf_rec_clear(lnf_rec_t *record)
{
    static const uint16_t nothing[LNF_ELEMENT_COUNT];

    memset(record->raw, 0, LNF_RECORD_HEADER_SIZE);
    record->data = nothing;
    lnf_store_u16(record->raw, htole16(LNF_RECORD_FLOW));
    record->size = LNF_RECORD_HEADER_SIZE;
    store_sizes(record, 0);
    record->exporter_known = false;
    record->number = 0;
    lnf_rec_set_origin(record, NULL);
}

int lnf_rec_copy(lnf_rec_t *dst, lnf_rec_t *src)
{
    if (dst == src) {
        return LNF_OK;
    }
    if (!grow(dst, src->size)) {
        return LNF_ERR_OTHER;
    }
    memcpy(dst->raw, src->raw, src->size);
    dst->size = src->size;
    memcpy(dst->shapes, src->shapes, sizeof(dst->shapes));
    index_elements(dst);
    lnf_rec_set_origin(dst, NULL);
    dst->exporter_known = src->exporter_known;
    dst->exporter = src->exporter;
    lnf_rec_set_place(dst, src->ident, src->number);
    return LNF_OK;
}

void lnf_rec_free(lnf_rec_t *record)
{
    if (record != NULL) {
        lnf_origin_drop(record->origin);
        free(record->raw);
        free(record);
    }
}

const uint8_t *lnf_rec_raw(const lnf_rec_t *record, size_t *size)
{
    *size = record->size;
    return record->raw;
}

int lnf_rec_assign(lnf_rec_t *record, const uint8_t *raw, size_t size)
{
    int status = LNF_ERR_CORRUPT;

    if (size >= LNF_RECORD_HEADER_SIZE && size <= RECORD_SIZE_MAX &&
        le16toh(lnf_load_u16(raw)) == LNF_RECORD_FLOW && le16toh(lnf_load_u16(raw + 2)) == size) {
        status = !grow(record, size)             ? LNF_ERR_NOMEM
                 : take_shape(record, raw, size) ? LNF_OK
                                                 : LNF_ERR_CORRUPT;
    }
    if (status != LNF_OK) {
        lnf_rec_clear(record);
        return status;
    }
    memcpy(record->raw, raw, size);
    record->size = size;
    record->exporter_known = false;
    record->number = 0;
    lnf_rec_set_origin(record, NULL);
    return LNF_OK;
}

void lnf_rec_count(const lnf_rec_t *record, struct lnf_stat *stat)
{
    unsigned counters = record->data[LNF_ELEMENT_COUNTERS];

    lnf_stat_count_elements(stat, record->raw + record->data[LNF_ELEMENT_GENERIC],
                            counters == 0 ? NULL : record->raw + counters);
}

int lnf_rec_complete(lnf_rec_t *record)
{
    return need_element(record, LNF_ELEMENT_GENERIC) != NULL ? LNF_OK : LNF_ERR_NOMEM;
}

void lnf_rec_set_exporter(lnf_rec_t *record, const struct lnf_exporter *exporter)
{
    record->exporter_known = exporter != NULL;
    if (exporter != NULL) {
        record->exporter = *exporter;
    }
}

void lnf_rec_set_origin(lnf_rec_t *record, lnf_origin_t *origin)
{
    if (record->origin != NULL) {
        lnf_origin_drop(record->origin);
    }
    if (origin != NULL) {
        lnf_origin_hold(origin);
    }
    record->origin = origin;
}

void lnf_rec_set_place(lnf_rec_t *record, const char *ident, uint64_t number)
{
    size_t length = strnlen(ident, sizeof(record->ident) - 1);

    record->number = number;
    memcpy(record->ident, ident, length);
    record->ident[length] = '\0';
}

const char *lnf_rec_ident(const lnf_rec_t *record)
{
    return record->number == 0 ? NULL : record->ident;
}

uint64_t lnf_rec_number(const lnf_rec_t *record)
{
    return record->number;
}

lnf_origin_t *lnf_rec_origin(const lnf_rec_t *record)
{
    return record->origin;
}

const struct lnf_exporter *lnf_rec_exporter(const lnf_rec_t *record)
{
    return record->exporter_known ? &record->exporter : NULL;
}

/* ---- numbers and other values ---------------------------------------------------------------- */

static uint64_t load_uint(const uint8_t *from, unsigned width, bool network_order)
{
    uint64_t value = 0;

    /* A copy of a known size is one instruction, another one a loop. */
    switch (width) {
    case 1:
        return *from;
    case 2:
        memcpy(&value, from, 2);
        break;
    case 4:
        memcpy(&value, from, 4);
        break;
    case 8:
        memcpy(&value, from, 8);
        break;
    default:
        memcpy(&value, from, width);
        break;
    }
    return network_order ? be64toh(value) >> (64 - 8 * width) : le64toh(value);
}

static void store_uint(uint8_t *to, unsigned width, bool network_order, uint64_t value)
{
    value = network_order ? htobe64(value << (64 - 8 * width)) : htole64(value);
    memcpy(to, &value, width);
}

/** A number in the caller's memory, as its type says. */
static uint64_t get_host(const void *from, unsigned type)
{
    uint64_t u64 = 0;
    uint32_t u32;
    uint16_t u16;

    switch (type) {
    case LNF_UINT8:
        return *(const uint8_t *)from;
    case LNF_UINT16:
        memcpy(&u16, from, sizeof(u16));
        return u16;
    case LNF_UINT32:
        memcpy(&u32, from, sizeof(u32));
        return u32;
    default:
        memcpy(&u64, from, sizeof(u64));
        return u64;
    }
}

static void put_host(void *to, unsigned type, uint64_t value)
{
    uint32_t u32 = (uint32_t)value;
    uint16_t u16 = (uint16_t)value;

    switch (type) {
    case LNF_UINT8:
        *(uint8_t *)to = (uint8_t)value;
        break;
    case LNF_UINT16:
        memcpy(to, &u16, sizeof(u16));
        break;
    case LNF_UINT32:
        memcpy(to, &u32, sizeof(u32));
        break;
    default:
        memcpy(to, &value, sizeof(value));
        break;
    }
}

static void get_mac(const uint8_t *from, void *value)
{
    uint64_t mac = htobe64(le64toh(lnf_load_u64(from)) << 16);

    memcpy(value, &mac, sizeof(lnf_mac_t));
}

static void set_mac(uint8_t *to, const void *value)
{
    uint64_t mac = 0;

    memcpy(&mac, value, sizeof(lnf_mac_t));
    lnf_store_u64(to, htole64(be64toh(mac) >> 16));
}

static void copy_words(uint8_t *to, const uint8_t *from, unsigned count, bool network_order)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t word = lnf_load_u32(from + i * 4);
        lnf_store_u32(to + i * 4, network_order ? be32toh(word) : le32toh(word));
    }
}

static void get_string(const uint8_t *from, unsigned width, void *value)
{
    size_t length = strnlen((const char *)from, width);

    length = length < STRING_FIELD_SIZE ? length : STRING_FIELD_SIZE - 1;
    memcpy(value, from, length);
    ((char *)value)[length] = '\0';
}

static void set_string(uint8_t *to, unsigned width, const void *value)
{
    size_t length = strnlen(value, width - 1);

    memset(to, 0, width);
    memcpy(to, value, length);
}

static void get_stored(const struct lnf_field *field, const uint8_t *from, void *value)
{
    switch (field->type) {
    case LNF_MAC:
        get_mac(from, value);
        break;
    case LNF_MPLS:
    case LNF_ACL:
        copy_words(value, from, field->width / 4u, field->network_order);
        break;
    case LNF_STRING:
        get_string(from, field->width, value);
        break;
    default:
        put_host(value, field->type, load_uint(from, field->width, field->network_order));
        break;
    }
}

static void set_stored(const struct lnf_field *field, uint8_t *to, const void *value)
{
    switch (field->type) {
    case LNF_MAC:
        set_mac(to, value);
        break;
    case LNF_MPLS:
    case LNF_ACL:
        copy_words(to, value, field->width / 4u, field->network_order);
        break;
    case LNF_STRING:
        set_string(to, field->width, value);
        break;
    default:
        store_uint(to, field->width, field->network_order, get_host(value, field->type));
        break;
    }
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void get_ipv4(const uint8_t *from, uint8_t octets[16])
{
    memset(octets, 0, 12);
    lnf_store_u32(octets + 12, htobe32(le32toh(lnf_load_u32(from))));
}

static void get_ipv6(const uint8_t *from, uint8_t octets[16])
{
    lnf_store_u64(octets, htobe64(le64toh(lnf_load_u64(from))));
    lnf_store_u64(octets + 8, htobe64(le64toh(lnf_load_u64(from + 8))));
}

static void set_ipv6(uint8_t *to, const uint8_t octets[16])
{
    lnf_store_u64(to, htole64(be64toh(lnf_load_u64(octets))));
    lnf_store_u64(to + 8, htole64(be64toh(lnf_load_u64(octets + 8))));
}

/** Upper 96 bits zero, except ::1. The unset address counts as IPv4. */
static bool fits_ipv4(const uint8_t octets[16])
{
    static const uint8_t zeros[12] = {0};

    return memcmp(octets, zeros, sizeof(zeros)) == 0 && be32toh(lnf_load_u32(octets + 12)) != 1;
}

/** Which element of a record with both counts; the same rule as for columns. */
static bool uses_ipv6(const lnf_rec_t *rec, const struct lnf_field *field)
{
    unsigned at4 = rec->data[field->element], at6 = rec->data[field->element6];

    if (at4 == 0 || at6 == 0) {
        return at6 != 0;
    }
    if (field->element != LNF_ELEMENT_IPV4) {
        return lnf_load_u32(rec->raw + at4 + field->offset) == 0;
    }
    unsigned layer2 = rec->data[ELEMENT_LAYER2];
    uint8_t version = layer2 == 0 ? 0 : rec->raw[layer2 + LAYER2_IP_VERSION];
    if (version == 4 || version == 6) {
        return version == 6;
    }
    return lnf_load_u64(rec->raw + at4) == 0;
}

/** Reads the address at octets offset4 / offset6 of the field's elements; false when absent. */
static bool read_address(const lnf_rec_t *rec, const struct lnf_field *field, unsigned offset4,
                         unsigned offset6, uint8_t octets[16])
{
    bool ipv6 = uses_ipv6(rec, field);
    unsigned at = rec->data[ipv6 ? field->element6 : field->element];

    memset(octets, 0, 16);
    if (at == 0) {
        return false;
    }
    if (ipv6) {
        get_ipv6(rec->raw + at + offset6, octets);
    } else {
        get_ipv4(rec->raw + at + offset4, octets);
    }
    return true;
}

/**
 * Sets an address. Elements hold one address or a source and a destination; both are IPv6 as soon
 * as one of them needs it, and the element of the other family goes.
 */
static int set_address(lnf_rec_t *rec, const struct lnf_field *field, const uint8_t value[16])
{
    unsigned size = lnf_element_get(field->element)->size;
    bool pair = size >= 8;
    unsigned other4 = field->offset == 0 ? 4 : 0, other6 = field->offset6 == 0 ? 16 : 0;
    uint8_t other[16] = {0};

    if (pair) {
        (void)read_address(rec, field, other4, other6, other);
    }
    bool ipv6 = !fits_ipv4(value) || !fits_ipv4(other);
    uint8_t *data = need_element(rec, ipv6 ? field->element6 : field->element);
    if (data == NULL) {
        return LNF_ERR_NOMEM;
    }
    remove_element(rec, ipv6 ? field->element : field->element6);
    data = rec->raw + rec->data[ipv6 ? field->element6 : field->element];

    if (ipv6) {
        set_ipv6(data + field->offset6, value);
        if (pair) {
            set_ipv6(data + other6, other);
        }
    } else {
        lnf_store_u32(data + field->offset, htole32(be32toh(lnf_load_u32(value + 12))));
        if (pair) {
            lnf_store_u32(data + other4, htole32(be32toh(lnf_load_u32(other + 12))));
        }
    }
    return LNF_OK;
}

/* ---- exporter -------------------------------------------------------------------------------- */

static void get_exporter_address(const struct sockaddr_storage *address, uint8_t octets[16])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(octets, 0, 16);
    if (address->ss_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        memcpy(octets + 12, &v4.sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        memcpy(octets, &v6.sin6_addr, 16);
    }
}

/** Fields the record does not hold itself but the exporter record it refers to. */
static int get_from_exporter(const lnf_rec_t *rec, int field, void *value)
{
    if (!rec->exporter_known) {
        return LNF_ERR_NOTSET;
    }
    switch (field) {
    case LNF_FLD_EXPORTER_IP:
        get_exporter_address(&rec->exporter.address, value);
        return LNF_OK;
    case LNF_FLD_EXPORTER_ID:
        put_host(value, LNF_UINT32, rec->exporter.domain_id);
        return LNF_OK;
    case LNF_FLD_EXPORTER_VERSION:
        put_host(value, LNF_UINT32, rec->exporter.version);
        return LNF_OK;
    default:
        return LNF_ERR_NOTSET;
    }
}

/* ---- calculated and composite fields --------------------------------------------------------- */

static uint64_t get_number(const lnf_rec_t *rec, int field)
{
    const struct lnf_field *row = lnf_field_get(field);
    unsigned at = rec->data[row->element];

    return at == 0 ? 0 : load_uint(rec->raw + at + row->offset, row->width, row->network_order);
}

static int get_icmp(const lnf_rec_t *rec, int field, void *value)
{
    uint64_t proto = get_number(rec, LNF_FLD_PROT);
    uint64_t port = get_number(rec, LNF_FLD_DSTPORT);

    if (proto != IPPROTO_ICMP && proto != IPPROTO_ICMPV6) {
        return LNF_ERR_NOTSET;
    }
    put_host(value, LNF_UINT8, field == LNF_FLD_ICMP_TYPE ? port >> 8 : port & 0xff);
    return LNF_OK;
}

static int get_family(const lnf_rec_t *rec, void *value)
{
    const struct lnf_field *source = lnf_field_get(LNF_FLD_SRCADDR);

    if (rec->data[source->element] == 0 && rec->data[source->element6] == 0) {
        return LNF_ERR_NOTSET;
    }
    put_host(value, LNF_UINT32, uses_ipv6(rec, source) ? AF_INET6 : AF_INET);
    return LNF_OK;
}

static int get_ratio(const lnf_rec_t *rec, int field, uint64_t duration, void *value)
{
    double ratio = 0;
    bool number = lnf_calculate_ratio(field, duration, get_number(rec, LNF_FLD_DOCTETS),
                                      get_number(rec, LNF_FLD_DPKTS), &ratio);

    memcpy(value, &ratio, sizeof(ratio));
    return number ? LNF_OK : LNF_ERR_NAN;
}

static int get_brec1(lnf_rec_t *rec, void *value)
{
    lnf_brec1_t brec = {0};

    (void)lnf_rec_fget(rec, LNF_FLD_FIRST, &brec.first);
    (void)lnf_rec_fget(rec, LNF_FLD_LAST, &brec.last);
    (void)lnf_rec_fget(rec, LNF_FLD_SRCADDR, &brec.srcaddr);
    (void)lnf_rec_fget(rec, LNF_FLD_DSTADDR, &brec.dstaddr);
    (void)lnf_rec_fget(rec, LNF_FLD_PROT, &brec.prot);
    (void)lnf_rec_fget(rec, LNF_FLD_SRCPORT, &brec.srcport);
    (void)lnf_rec_fget(rec, LNF_FLD_DSTPORT, &brec.dstport);
    (void)lnf_rec_fget(rec, LNF_FLD_DOCTETS, &brec.bytes);
    (void)lnf_rec_fget(rec, LNF_FLD_DPKTS, &brec.pkts);
    (void)lnf_rec_fget(rec, LNF_FLD_AGGR_FLOWS, &brec.flows);
    memcpy(value, &brec, sizeof(brec));
    return LNF_OK;
}

static int set_brec1(lnf_rec_t *rec, const void *value)
{
    lnf_brec1_t brec;
    memcpy(&brec, value, sizeof(brec));
    const struct {
        int field;
        void *value;
    } parts[] = {
        {LNF_FLD_FIRST, &brec.first},     {LNF_FLD_LAST, &brec.last},
        {LNF_FLD_SRCADDR, &brec.srcaddr}, {LNF_FLD_DSTADDR, &brec.dstaddr},
        {LNF_FLD_PROT, &brec.prot},       {LNF_FLD_SRCPORT, &brec.srcport},
        {LNF_FLD_DSTPORT, &brec.dstport}, {LNF_FLD_DOCTETS, &brec.bytes},
        {LNF_FLD_DPKTS, &brec.pkts},      {LNF_FLD_AGGR_FLOWS, &brec.flows},
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        /* One flow is what a record without a count means. */
        if (parts[i].field == LNF_FLD_AGGR_FLOWS && brec.flows <= 1 &&
            rec->data[LNF_ELEMENT_COUNTERS] == 0) {
            continue;
        }
        int status = lnf_rec_fset(rec, parts[i].field, parts[i].value);
        if (status != LNF_OK) {
            return status;
        }
    }
    return LNF_OK;
}

static int get_computed(lnf_rec_t *rec, const struct lnf_field *field, void *value)
{
    uint64_t duration =
        lnf_calculate_duration(get_number(rec, LNF_FLD_FIRST), get_number(rec, LNF_FLD_LAST));

    switch (field->id) {
    case LNF_FLD_CALC_DURATION:
        put_host(value, LNF_UINT64, duration);
        return LNF_OK;
    case LNF_FLD_ICMP_TYPE:
    case LNF_FLD_ICMP_CODE:
        return get_icmp(rec, field->id, value);
    case LNF_FLD_INET_FAMILY:
        return get_family(rec, value);
    case LNF_FLD_EVENT_FLAG:
        put_host(value, LNF_UINT8, rec->raw[LNF_RECORD_OFFSET_FLAGS] & FLAG_EVENT);
        return LNF_OK;
    case LNF_FLD_BREC1:
        return get_brec1(rec, value);
    default:
        return get_ratio(rec, field->id, duration, value);
    }
}

static int set_computed(lnf_rec_t *rec, const struct lnf_field *field, const void *value)
{
    uint8_t *generic;

    switch (field->id) {
    case LNF_FLD_ICMP_TYPE:
    case LNF_FLD_ICMP_CODE:
        generic = need_element(rec, LNF_ELEMENT_GENERIC);
        if (generic == NULL) {
            return LNF_ERR_NOMEM;
        }
        generic[field->id == LNF_FLD_ICMP_TYPE ? 43 : 42] = *(const uint8_t *)value;
        return LNF_OK;
    case LNF_FLD_EVENT_FLAG:
        rec->raw[LNF_RECORD_OFFSET_FLAGS] &= (uint8_t)~FLAG_EVENT;
        rec->raw[LNF_RECORD_OFFSET_FLAGS] |= *(const uint8_t *)value != 0 ? FLAG_EVENT : 0;
        return LNF_OK;
    case LNF_FLD_BREC1:
        return set_brec1(rec, value);
    default:
        return LNF_OK;
    }
}

/* ---- get and set ----------------------------------------------------------------------------- */

/** Where the value of a field that is no address lies; NULL when absent. */
static const uint8_t *find_stored(const lnf_rec_t *rec, const struct lnf_field *field)
{
    if (field->source == LNF_SOURCE_HEADER) {
        return rec->raw + field->offset;
    }
    if (field->element != 0 && rec->data[field->element] != 0) {
        return rec->raw + rec->data[field->element] + field->offset;
    }
    if (field->element6 != 0 && rec->data[field->element6] != 0) {
        return rec->raw + rec->data[field->element6] + field->offset6;
    }
    return NULL;
}

static int get_element_field(const lnf_rec_t *rec, const struct lnf_field *field, void *value)
{
    if (field->type == LNF_ADDR) {
        return read_address(rec, field, field->offset, field->offset6, value)
                   ? LNF_OK
                   : get_from_exporter(rec, field->id, value);
    }
    const uint8_t *stored = find_stored(rec, field);
    if (stored == NULL || (field->id == LNF_FLD_EXPORTER_VERSION && *stored == 0)) {
        return get_from_exporter(rec, field->id, value);
    }
    get_stored(field, stored, value);
    return LNF_OK;
}

int lnf_rec_get(lnf_rec_t *record, const struct lnf_field *field, void *data)
{
    if (field->source == LNF_SOURCE_PAIR) {
        field = lnf_field_get(field->pair_src);
    }
    /* Of a string only its end: the caller's memory may be as short as the text. */
    memset(data, 0, field->type == LNF_STRING ? 1 : lnf_type_size(field->type));
    int status = field->source == LNF_SOURCE_COMPUTED ? get_computed(record, field, data)
                                                      : get_element_field(record, field, data);
    /* A record without a count of flows, or with 0, stands for one flow. */
    if (field->id == LNF_FLD_AGGR_FLOWS && get_host(data, LNF_UINT64) == 0) {
        put_host(data, LNF_UINT64, 1);
    }
    return status;
}

int lnf_rec_fget(lnf_rec_t *record, int field, void *data)
{
    const struct lnf_field *row = lnf_field_get(field);

    return row != NULL ? lnf_rec_get(record, row, data) : LNF_ERR_UNKFLD;
}

static int set_element_field(lnf_rec_t *rec, const struct lnf_field *field, const void *value)
{
    if (field->source == LNF_SOURCE_ELEMENT && field->element == 0) {
        return LNF_ERR_UNKFLD;
    }
    if (field->type == LNF_ADDR) {
        uint8_t octets[16];
        memcpy(octets, value, sizeof(octets));
        return set_address(rec, field, octets);
    }
    if (find_stored(rec, field) == NULL && need_element(rec, field->element) == NULL) {
        return LNF_ERR_NOMEM;
    }
    set_stored(field, rec->raw + (find_stored(rec, field) - rec->raw), value);
    return LNF_OK;
}

int lnf_rec_fset(lnf_rec_t *record, int field, void *data)
{
    const struct lnf_field *row = lnf_field_get(field);

    if (row == NULL || row->source == LNF_SOURCE_PAIR) {
        return LNF_ERR_UNKFLD;
    }
    if (row->source == LNF_SOURCE_COMPUTED) {
        return set_computed(record, row, data);
    }
    return set_element_field(record, row, data);
}

/* ---- making a record again ------------------------------------------------------------------- */

static void restore_exporter_address(struct lnf_exporter *exporter, const uint8_t octets[16])
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    memset(&exporter->address, 0, sizeof(exporter->address));
    if (fits_ipv4(octets)) {
        memcpy(&v4.sin_addr, octets + 12, 4);
        memcpy(&exporter->address, &v4, sizeof(v4));
    } else {
        memcpy(&v6.sin6_addr, octets, 16);
        memcpy(&exporter->address, &v6, sizeof(v6));
    }
}

/** The record's exporter, made when there is none yet. */
static struct lnf_exporter *need_exporter(lnf_rec_t *rec)
{
    uint8_t address[16];

    if (!rec->exporter_known) {
        uint32_t version;
        /* The record may hold its address and version itself; they are 0 otherwise. */
        (void)lnf_rec_fget(rec, LNF_FLD_EXPORTER_IP, address);
        (void)lnf_rec_fget(rec, LNF_FLD_EXPORTER_VERSION, &version);
        memset(&rec->exporter, 0, sizeof(rec->exporter));
        rec->exporter.version = version;
        restore_exporter_address(&rec->exporter, address);
        rec->exporter_known = true;
    }
    return &rec->exporter;
}

/** Makes addresses IPv6 ones that would also be IPv4 ones; IPv6 ones never become IPv4. */
static int restore_family(lnf_rec_t *rec, uint64_t family)
{
    const struct lnf_field *source = lnf_field_get(LNF_FLD_SRCADDR);
    const struct lnf_field *destination = lnf_field_get(LNF_FLD_DSTADDR);
    uint8_t src[16], dst[16];

    if (family == AF_INET && rec->data[LNF_ELEMENT_IPV6] == 0) {
        return need_element(rec, LNF_ELEMENT_IPV4) != NULL ? LNF_OK : LNF_ERR_NOMEM;
    }
    if (family != AF_INET6 || rec->data[LNF_ELEMENT_IPV6] != 0) {
        return LNF_OK;
    }
    (void)read_address(rec, source, source->offset, source->offset6, src);
    (void)read_address(rec, destination, destination->offset, destination->offset6, dst);
    if (need_element(rec, LNF_ELEMENT_IPV6) == NULL) {
        return LNF_ERR_NOMEM;
    }
    remove_element(rec, LNF_ELEMENT_IPV4);
    set_ipv6(rec->raw + rec->data[LNF_ELEMENT_IPV6] + source->offset6, src);
    set_ipv6(rec->raw + rec->data[LNF_ELEMENT_IPV6] + destination->offset6, dst);
    return LNF_OK;
}

/** The version has a place of one octet in the record; only others need an exporter for it. */
static int restore_version(lnf_rec_t *rec, void *data)
{
    uint32_t version = (uint32_t)get_host(data, LNF_UINT32);

    if (rec->exporter_known || version == 0 || version > UINT8_MAX) {
        need_exporter(rec)->version = version;
    }
    return lnf_rec_fset(rec, LNF_FLD_EXPORTER_VERSION, data);
}

/** Fields two elements can hold go to the one that is there, or to the second, which says less. */
static int restore_shared(lnf_rec_t *rec, const struct lnf_field *field, void *data)
{
    if (find_stored(rec, field) == NULL && need_element(rec, field->element6) == NULL) {
        return LNF_ERR_NOMEM;
    }
    return lnf_rec_fset(rec, field->id, data);
}

int lnf_rec_restore(lnf_rec_t *record, int field, void *data)
{
    const struct lnf_field *row = lnf_field_get(field);
    uint8_t address[16];

    if (row != NULL && row->type != LNF_ADDR && row->source == LNF_SOURCE_ELEMENT &&
        row->element6 != 0) {
        return restore_shared(record, row, data);
    }
    switch (field) {
    case LNF_FLD_EXPORTER_IP:
        if (lnf_rec_fget(record, field, address) != LNF_OK || memcmp(address, data, 16) != 0) {
            restore_exporter_address(need_exporter(record), data);
        }
        return LNF_OK;
    case LNF_FLD_EXPORTER_ID:
        need_exporter(record)->domain_id = (uint32_t)get_host(data, LNF_UINT32);
        return LNF_OK;
    case LNF_FLD_EXPORTER_VERSION:
        return restore_version(record, data);
    case LNF_FLD_INET_FAMILY:
        return restore_family(record, get_host(data, LNF_UINT32));
    default:
        return lnf_rec_fset(record, field, data);
    }
}
