/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats the values of Data Records. */

#include "record_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ELEMENT_PROTOCOL 4u
#define ELEMENT_TCP_FLAGS 6u

/** One key of the line: an element, with all its occurrences in the template. */
struct item {
    char *key; /* `"prefix.name": ` */
    uint16_t pen_is_zero;
    uint16_t id;
    int type;              /* enum ipfix_type */
    uint16_t first, count; /* into plan->order */
};

struct text_plan {
    uint16_t item_count;
    uint16_t field_count;
    struct item *items;
    uint16_t *order;            /* field indexes, grouped by item */
    struct ipfix_field *fields; /* scratch: the record's fields by index */
};

/* ---- text ------------------------------------------------------------------------------------ */

void text_clear(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

static char *text_room(struct text *t, size_t size)
{
    if (t->failed) {
        return NULL;
    }
    if (t->size - t->length < size) {
        size_t wanted = (t->length + size) * 2;
        char *data = realloc(t->data, wanted);
        if (data == NULL) {
            t->failed = true;
            return NULL;
        }
        t->data = data;
        t->size = wanted;
    }
    return t->data + t->length;
}

static void add(struct text *t, const char *bytes, size_t length)
{
    char *room = text_room(t, length);
    if (room != NULL) {
        memcpy(room, bytes, length);
        t->length += length;
    }
}

static void add_string(struct text *t, const char *string)
{
    add(t, string, strlen(string));
}

static void add_format(struct text *t, const char *format, ...) COL_PRINTF(2, 3);

static void add_format(struct text *t, const char *format, ...)
{
    char buffer[128];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(buffer, sizeof(buffer), format, args);
    va_end(args);
    if (length > 0) {
        add(t, buffer, (size_t)length < sizeof(buffer) ? (size_t)length : sizeof(buffer) - 1);
    }
}

static void add_u64(struct text *t, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    add(t, digits + at, sizeof(digits) - at);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void add_hex(struct text *t, const struct ipfix_field *f)
{
    static const char digits[] = "0123456789abcdef";
    char *room = text_room(t, (size_t)f->length * 2 + 4);

    if (room == NULL) {
        return;
    }
    memcpy(room, "\"0x", 3);
    for (uint16_t i = 0; i < f->length; i++) {
        room[3 + 2 * i] = digits[f->octets[i] >> 4];
        room[4 + 2 * i] = digits[f->octets[i] & 15];
    }
    room[3 + 2 * (size_t)f->length] = '"';
    t->length += (size_t)f->length * 2 + 4;
}

/** Octets nobody explained: small ones as a quoted number, others as hexadecimal digits. */
static void add_octets(struct text *t, const struct ipfix_field *f)
{
    if (f->length == 0) {
        add_string(t, "null");
    } else if (f->length == 1 || f->length == 2 || f->length == 4 || f->length == 8) {
        add_string(t, "\"");
        add_u64(t, ipfix_field_uint(f->octets, f->length));
        add_string(t, "\"");
    } else {
        add_hex(t, f);
    }
}

static void add_flags(struct text *t, uint64_t flags)
{
    static const char letters[] = "UAPRSF";
    char value[8] = "\"......\"";

    for (unsigned i = 0; i < 6; i++) {
        if (flags & (32u >> i)) {
            value[1 + i] = letters[i];
        }
    }
    add(t, value, sizeof(value));
}

/** Octets of the UTF-8 sequence at s, 0 when it is none (RFC 3629: shortest form, no surrogates).
 */
static size_t utf8_length(const uint8_t *s, size_t left)
{
    size_t length = s[0] < 0x80   ? 1
                    : s[0] < 0xC2 ? 0
                    : s[0] < 0xE0 ? 2
                    : s[0] < 0xF0 ? 3
                    : s[0] < 0xF5 ? 4
                                  : 0;

    if (length == 0 || length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool outside = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
    return length > 1 && (overlong || outside) ? 0 : length;
}

static void add_control(struct text *t, uint8_t c)
{
    switch (c) {
    case '\t':
        add_string(t, "\\t");
        break;
    case '\n':
        add_string(t, "\\n");
        break;
    case '\b':
        add_string(t, "\\b");
        break;
    case '\f':
        add_string(t, "\\f");
        break;
    case '\r':
        add_string(t, "\\r");
        break;
    default:
        add_format(t, "\\u%04x", c);
        break;
    }
}

/** A string value; valid UTF-8 stays, other octets above 0x7F become \u00XX. */
static void add_text(struct text *t, const struct ipfix_field *f, bool escape_controls)
{
    add_string(t, "\"");
    for (size_t i = 0; i < f->length;) {
        uint8_t c = f->octets[i];
        size_t length = utf8_length(f->octets + i, f->length - i);
        if (length == 0) {
            add_format(t, "\\u%04x", c);
            length = 1;
        } else if (c == '"' || c == '\\') {
            add(t, c == '"' ? "\\\"" : "\\\\", 2);
        } else if (c < 0x20 || c == 0x7F) {
            if (escape_controls) {
                add_control(t, c);
            }
        } else {
            add(t, (const char *)f->octets + i, length);
        }
        i += length;
    }
    add_string(t, "\"");
}

static void add_time(struct text *t, int type, const struct ipfix_field *f, bool as_text)
{
    uint64_t ms;

    if (!ipfix_field_time_ms((enum ipfix_type)type, f->octets, f->length, &ms)) {
        add_octets(t, f);
        return;
    }
    if (!as_text) {
        add_u64(t, type == IPFIX_TYPE_DATETIME_SECONDS ? ms / 1000 : ms);
        return;
    }
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL) {
        add_u64(t, ms);
        return;
    }
    add_format(t, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03u\"", tm.tm_year + 1900, tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(ms % 1000));
}

static void add_float(struct text *t, const struct ipfix_field *f)
{
    double value;

    if (f->length == 4) {
        uint32_t bits = (uint32_t)ipfix_field_uint(f->octets, 4);
        float single;
        memcpy(&single, &bits, sizeof(single));
        value = (double)single;
    } else if (f->length == 8) {
        uint64_t bits = ipfix_field_uint(f->octets, 8);
        memcpy(&value, &bits, sizeof(value));
    } else {
        add_octets(t, f);
        return;
    }
    if (isfinite(value)) {
        char buffer[400]; /* the largest double has 309 digits before the point */
        int length = snprintf(buffer, sizeof(buffer), "%f", value);
        add(t, buffer, (size_t)length);
    } else {
        add_string(t, "null"); /* JSON has no infinity and no NaN */
    }
}

static void add_address(struct text *t, const struct ipfix_field *f)
{
    char buffer[INET6_ADDRSTRLEN];

    if (f->length != 4 && f->length != 16) {
        add_octets(t, f);
        return;
    }
    inet_ntop(f->length == 4 ? AF_INET : AF_INET6, f->octets, buffer, sizeof(buffer));
    add_format(t, "\"%s\"", buffer);
}

static void add_mac(struct text *t, const struct ipfix_field *f)
{
    const uint8_t *m = f->octets;

    if (f->length != 6) {
        add_octets(t, f);
        return;
    }
    add_format(t, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void add_unsigned(struct text *t, const struct item *item, const struct ipfix_field *f,
                         const struct text_style *style)
{
    uint64_t value = ipfix_field_uint(f->octets, f->length);

    if (f->length == 0 || f->length > 8) {
        add_octets(t, f);
    } else if (item->pen_is_zero && item->id == ELEMENT_TCP_FLAGS && style->tcp_flags_letters) {
        add_flags(t, value);
    } else if (item->pen_is_zero && item->id == ELEMENT_PROTOCOL && style->protocol_name &&
               f->length == 1) {
        const char *name = style->protocols[value];
        if (name != NULL) {
            add_format(t, "\"%s\"", name);
        } else {
            add_format(t, "\"%u\"", (unsigned)value);
        }
    } else {
        add_u64(t, value);
    }
}

static void add_value(struct text *t, const struct item *item, const struct ipfix_field *f,
                      const struct text_style *style)
{
    switch (item->type) {
    case IPFIX_TYPE_UNSIGNED8:
    case IPFIX_TYPE_UNSIGNED16:
    case IPFIX_TYPE_UNSIGNED32:
    case IPFIX_TYPE_UNSIGNED64:
        add_unsigned(t, item, f, style);
        break;
    case IPFIX_TYPE_SIGNED8:
    case IPFIX_TYPE_SIGNED16:
    case IPFIX_TYPE_SIGNED32:
    case IPFIX_TYPE_SIGNED64:
        if (f->length >= 1 && f->length <= 8) {
            add_format(t, "%" PRId64, ipfix_field_int(f->octets, f->length));
        } else {
            add_octets(t, f);
        }
        break;
    case IPFIX_TYPE_FLOAT32:
    case IPFIX_TYPE_FLOAT64:
        add_float(t, f);
        break;
    case IPFIX_TYPE_IPV4_ADDRESS:
    case IPFIX_TYPE_IPV6_ADDRESS:
        add_address(t, f);
        break;
    case IPFIX_TYPE_MAC_ADDRESS:
        add_mac(t, f);
        break;
    case IPFIX_TYPE_STRING:
        add_text(t, f, style->escape_controls);
        break;
    case IPFIX_TYPE_DATETIME_SECONDS:
    case IPFIX_TYPE_DATETIME_MILLISECONDS:
    case IPFIX_TYPE_DATETIME_MICROSECONDS:
    case IPFIX_TYPE_DATETIME_NANOSECONDS:
        add_time(t, item->type, f, style->time_text);
        break;
    default:
        add_octets(t, f);
        break;
    }
}

/* ---- style ----------------------------------------------------------------------------------- */

void text_style_load_protocols(struct text_style *style)
{
    struct protoent entry, *found;
    char buffer[8192];

    setprotoent(1);
    while (getprotoent_r(&entry, buffer, sizeof(buffer), &found) == 0 && found != NULL) {
        if (found->p_proto >= 0 && found->p_proto < 256 &&
            style->protocols[found->p_proto] == NULL) {
            style->protocols[found->p_proto] =
                strdup(found->p_aliases[0] != NULL ? found->p_aliases[0] : found->p_name);
        }
    }
    endprotoent();
}

void text_style_clear(struct text_style *style)
{
    for (unsigned i = 0; i < 256; i++) {
        free(style->protocols[i]);
        style->protocols[i] = NULL;
    }
}

/* ---- plans ----------------------------------------------------------------------------------- */

static char *make_key(const struct ipfix_template_field *f, const struct text_style *style)
{
    struct text key = {0};

    if (f->element != NULL) {
        add_string(&key, "\"");
        add_string(&key, style->prefix);
        add_string(&key, f->element->name);
        add_string(&key, "\": ");
    } else {
        add_string(&key, "\"");
        add_string(&key, style->prefix);
        add_format(&key, "e%uid%u\": ", (unsigned)f->pen, (unsigned)f->id);
    }
    add(&key, "", 1);
    if (key.failed) {
        text_clear(&key);
    }
    return key.data;
}

/* A field of the template on its way into plan->order. */
struct place {
    uint64_t element; /* pen and id */
    uint16_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->element != y->element) {
        return x->element < y->element ? -1 : 1;
    }
    return (int)x->index - (int)y->index;
}

/* Groups the fields by element. `first` gets, at the index of the first field of each element,
 * where its group begins in plan->order. Sorted: templates may have very many fields. */
static bool group_fields(text_plan_t *plan, const struct ipfix_template *tmplt, uint16_t *first)
{
    struct place *places = calloc((size_t)tmplt->field_count + 1, sizeof(*places));
    if (places == NULL) {
        return false;
    }
    for (uint16_t i = 0; i < tmplt->field_count; i++) {
        const struct ipfix_template_field *f = &tmplt->fields[i];
        places[i] = (struct place){(uint64_t)f->pen << 16 | f->id, i};
    }
    qsort(places, tmplt->field_count, sizeof(*places), compare_places);
    for (uint16_t i = 0; i < tmplt->field_count; i++) {
        plan->order[i] = places[i].index;
        if (i == 0 || places[i].element != places[i - 1].element) {
            first[places[i].index] = i;
        }
    }
    free(places);
    return true;
}

/* How many fields from plan->order[at] on are of the element of the first of them. */
static uint16_t group_size(const text_plan_t *plan, const struct ipfix_template *tmplt, uint16_t at)
{
    const struct ipfix_template_field *f = &tmplt->fields[plan->order[at]];
    uint16_t end = at;

    while (end < tmplt->field_count) {
        const struct ipfix_template_field *other = &tmplt->fields[plan->order[end]];
        if (other->pen != f->pen || other->id != f->id) {
            break;
        }
        end++;
    }
    return (uint16_t)(end - at);
}

static bool plan_items(text_plan_t *plan, const struct ipfix_template *tmplt,
                       const struct text_style *style, const uint16_t *first)
{
    for (uint16_t i = 0; i < tmplt->field_count; i++) {
        const struct ipfix_template_field *f = &tmplt->fields[i];
        if (f->repeated || (f->element == NULL && style->ignore_unknown)) {
            continue;
        }
        struct item *item = &plan->items[plan->item_count++];
        item->key = make_key(f, style);
        if (item->key == NULL) {
            return false;
        }
        item->pen_is_zero = f->pen == 0;
        item->id = f->id;
        item->type = f->element != NULL ? (int)f->element->type : (int)IPFIX_TYPE_OCTET_ARRAY;
        item->first = first[i];
        item->count = group_size(plan, tmplt, first[i]);
    }
    return true;
}

text_plan_t *text_plan_create(const struct ipfix_template *tmplt, const struct text_style *style)
{
    text_plan_t *plan = calloc(1, sizeof(*plan));
    if (plan == NULL) {
        return NULL;
    }
    plan->field_count = tmplt->field_count;
    plan->items = calloc((size_t)tmplt->field_count + 1, sizeof(*plan->items));
    plan->order = calloc((size_t)tmplt->field_count + 1, sizeof(*plan->order));
    plan->fields = calloc((size_t)tmplt->field_count + 1, sizeof(*plan->fields));
    uint16_t *first = calloc((size_t)tmplt->field_count + 1, sizeof(*first));
    bool made = plan->items != NULL && plan->order != NULL && plan->fields != NULL &&
                first != NULL && group_fields(plan, tmplt, first) &&
                plan_items(plan, tmplt, style, first);
    free(first);
    if (!made) {
        text_plan_destroy(plan);
        return NULL;
    }
    return plan;
}

void text_plan_destroy(text_plan_t *plan)
{
    if (plan == NULL) {
        return;
    }
    for (uint16_t i = 0; plan->items != NULL && i < plan->item_count; i++) {
        free(plan->items[i].key);
    }
    free(plan->items);
    free(plan->order);
    free(plan->fields);
    free(plan);
}

/* ---- records --------------------------------------------------------------------------------- */

static void add_item(struct text *t, const text_plan_t *plan, const struct item *item,
                     const struct text_style *style)
{
    add_string(t, ", ");
    add_string(t, item->key);
    if (item->count == 1) {
        add_value(t, item, &plan->fields[plan->order[item->first]], style);
        return;
    }
    add_string(t, "[");
    for (uint16_t i = 0; i < item->count; i++) {
        if (i > 0) {
            add_string(t, ", ");
        }
        add_value(t, item, &plan->fields[plan->order[item->first + i]], style);
    }
    add_string(t, "]");
}

void text_record(text_plan_t *plan, const struct text_style *style,
                 const struct ipfix_message *message, const struct ipfix_record *record,
                 struct text *text)
{
    struct ipfix_field_iter iter;

    text->length = 0;
    ipfix_field_iter_init(&iter, record);
    for (uint16_t i = 0; i < plan->field_count; i++) {
        if (!ipfix_field_next(&iter, &plan->fields[i])) {
            plan->fields[i] = (struct ipfix_field){0};
        }
    }
    add_string(text, "{\"@type\": \"ipfix.entry\"");
    for (uint16_t i = 0; i < plan->item_count; i++) {
        add_item(text, plan, &plan->items[i], style);
    }
    if (style->odid) {
        add_string(text, ", \"");
        add_string(text, style->prefix);
        add_format(text, "odid\": %u", (unsigned)message->domain_id);
    }
    if (style->detailed) {
        add_format(text, ", \"ipfixcol.packet_length\": %u", (unsigned)message->length);
        add_format(text, ", \"ipfixcol.export_time\": %u", (unsigned)message->export_time_s);
        add_format(text, ", \"ipfixcol.sequence_number\": %u", (unsigned)message->sequence);
        add_format(text, ", \"ipfixcol.template_id\": %u", (unsigned)record->tmplt->id);
    }
    add_string(text, "}\n");
}
