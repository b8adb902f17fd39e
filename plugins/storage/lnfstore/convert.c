/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiles templates into plans and runs them over Data Records. */

#include "convert.h"
#include "mapping.h"

#include <libnf.h>
#include <libnf/bytes.h>
#include <stdlib.h>
#include <string.h>

/** Seconds from 1900 (NTP era 0) to 1970. */
#define NTP_TO_UNIX_S 2208988800u
#define ELEMENT_IP_VERSION 60u
#define ELEMENT_SOURCE_IPV4_PREFIX_LENGTH 9u
#define ELEMENT_DESTINATION_IPV4_PREFIX_LENGTH 13u
#define ELEMENT_SOURCE_IPV6_PREFIX_LENGTH 29u
#define ELEMENT_DESTINATION_IPV6_PREFIX_LENGTH 30u

/** One step of a plan; the plain moves first, they are most of every plan. */
enum step_kind {
    STEP_COPY1,
    STEP_SWAP2,
    STEP_SWAP4,
    STEP_SWAP8,
    STEP_SWAP2_TO4,
    STEP_SWAP4_TO8,
    STEP_UINT, /* any length and width */
    STEP_IPV6,
    STEP_MAC,
    STEP_SECONDS,
    STEP_NTP,
    STEP_UPTIME, /* `other` = where systemInitTimeMilliseconds is */
    STEP_BEFORE_US,
    STEP_DURATION,     /* `other` = where the record stores the start */
    STEP_START_BEFORE, /* the end, stored at `other`, less a duration */
    STEP_ICMP,
    STEP_ICMP_TYPE,
    STEP_ICMP_CODE,
    STEP_COPY_TIME,   /* `source` and `target` are places in the flow record */
    STEP_EXPORT_TIME, /* no time in the record: the message's */
    STEP_RECEIVED,    /* no such element: the collector's clock */
};

struct step {
    uint8_t kind;
    uint8_t width;   /* octets stored */
    uint16_t length; /* octets in the Data Record */
    uint16_t
        source; /* offset in the Data Record; index of the field behind a variable-length one */
    uint16_t target;  /* offset in the flow record */
    uint16_t other;   /* a second place; of ICMP steps where the record stores the protocol */
    uint16_t divisor; /* STEP_DURATION: units in a millisecond */
};

/** Places of the generic element that are needed again after the steps. */
enum known_slot {
    KNOWN_FIRST,
    KNOWN_LAST,
    KNOWN_RECEIVED,
    KNOWN_PACKETS,
    KNOWN_BYTES,
    KNOWN_PROTOCOL,
    KNOWN_DSTPORT,
    KNOWN_COUNT
};

static const uint16_t known_fields[KNOWN_COUNT] = {
    LNF_FLD_FIRST,   LNF_FLD_LAST, LNF_FLD_RECEIVED, LNF_FLD_DPKTS,
    LNF_FLD_DOCTETS, LNF_FLD_PROT, LNF_FLD_DSTPORT,
};

/** The steps for one address family. */
struct variant {
    struct lnf_layout layout;
    struct lnf_slot known[KNOWN_COUNT];
    uint16_t flows, out_packets, out_bytes; /* offsets, 0 = element not there */
    bool has_engine;
    unsigned step_count;
    struct step *steps;
};

struct convert_plan {
    const uint8_t **places; /* scratch for variable-length records: their fields */
    bool has_both;          /* addresses of both families: each record decides */
    struct step version;    /* has_both: ipVersion; length 0 = none */
    uint16_t v4_places[2];  /* has_both: IPv4 addresses, not all zero in an IPv4 record */
    unsigned v4_count;
    struct variant variants[2]; /* IPv4 and IPv6; without has_both only the first */
};

/* ---- compiling ------------------------------------------------------------------------------- */

/** Template being compiled: which field of it feeds which field of the flow record. */
struct selection {
    const struct mapping *mapping;
    uint16_t index; /* into the template's fields */
};

struct compiler {
    const struct ipfix_template *tmplt;
    struct selection *chosen;
    unsigned count;
    int system_init;           /* index of systemInitTimeMilliseconds, -1 = none */
    struct selection duration; /* of the flow; mapping NULL = none */
};

/** Whether a field of this length can be converted that way. */
static bool length_fits(enum mapping_kind kind, uint16_t length)
{
    switch (kind) {
    case MAPPING_IPV4:
        return length == 4;
    case MAPPING_IPV6:
        return length == 16;
    case MAPPING_MAC:
        return length == 6;
    case MAPPING_NTP:
        return length == 8;
    default:
        return length >= 1 && length <= 8;
    }
}

static bool is_address(enum mapping_kind kind)
{
    return kind == MAPPING_IPV4 || kind == MAPPING_IPV6;
}

/** The kind of addresses a row is about; any other one: of no family. */
static enum mapping_kind family_of(const struct mapping *m)
{
    switch (m->element) {
    case ELEMENT_SOURCE_IPV4_PREFIX_LENGTH:
    case ELEMENT_DESTINATION_IPV4_PREFIX_LENGTH:
        return MAPPING_IPV4;
    case ELEMENT_SOURCE_IPV6_PREFIX_LENGTH:
    case ELEMENT_DESTINATION_IPV6_PREFIX_LENGTH:
        return MAPPING_IPV6;
    default:
        return m->kind;
    }
}

/** Whether rows for one field are of the two families. */
static bool are_families(const struct mapping *a, const struct mapping *b)
{
    return family_of(a) != family_of(b) && is_address(family_of(a)) && is_address(family_of(b));
}

/** Two rows for one field that both stay: those of two families, and port and ICMP elements. */
static bool may_coexist(const struct mapping *a, const struct mapping *b)
{
    if (a->field == LNF_FLD_DSTPORT) {
        return true; /* each fills only what the ones before left 0 */
    }
    return are_families(a, b);
}

/** Adds a row unless a better one feeds the same field; replaces a worse one. */
static void choose(struct compiler *c, const struct mapping *mapping, uint16_t index)
{
    for (unsigned i = 0; i < c->count; i++) {
        const struct mapping *other = c->chosen[i].mapping;
        if (other->field != mapping->field || may_coexist(other, mapping)) {
            continue;
        }
        if (mapping->rank < other->rank) {
            c->chosen[i] = (struct selection){mapping, index};
        }
        return;
    }
    c->chosen[c->count++] = (struct selection){mapping, index};
}

static bool is_duration(enum mapping_kind kind)
{
    return kind == MAPPING_DURATION_MS || kind == MAPPING_DURATION_US;
}

static bool is_chosen(const struct compiler *c, uint16_t field)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (c->chosen[i].mapping->field == field) {
            return true;
        }
    }
    return false;
}

/** A duration gives the end where there is a start, else the start. */
static void choose_duration(struct compiler *c)
{
    static const struct mapping starts[] = {
        {161, LNF_FLD_FIRST, MAPPING_DURATION_MS, 0},
        {162, LNF_FLD_FIRST, MAPPING_DURATION_US, 0},
    };

    if (c->duration.mapping == NULL) {
        return;
    }
    if (!is_chosen(c, LNF_FLD_FIRST)) {
        choose(c, &starts[c->duration.mapping->kind == MAPPING_DURATION_US], c->duration.index);
    } else if (!is_chosen(c, LNF_FLD_LAST)) {
        choose(c, c->duration.mapping, c->duration.index);
    }
}

static void choose_fields(struct compiler *c)
{
    c->system_init = -1;
    for (uint16_t i = 0; i < c->tmplt->field_count; i++) {
        const struct ipfix_template_field *f = &c->tmplt->fields[i];
        if (f->pen == 0 && f->id == MAPPING_ELEMENT_SYSTEM_INIT && f->length == 8) {
            c->system_init = i;
        }
    }
    for (uint16_t i = 0; i < c->tmplt->field_count; i++) {
        const struct ipfix_template_field *f = &c->tmplt->fields[i];
        const struct mapping *m = mapping_find(f->pen, f->id);
        if (m == NULL || f->repeated || !length_fits(m->kind, f->length)) {
            continue;
        }
        if (m->kind == MAPPING_UPTIME && c->system_init < 0) {
            continue; /* nothing tells what the uptime counts from */
        }
        if (!is_duration(m->kind)) {
            choose(c, m, i);
        } else if (c->duration.mapping == NULL || m->rank < c->duration.mapping->rank) {
            c->duration = (struct selection){m, i};
        }
    }
    choose_duration(c);
}

static bool is_address_of(const struct mapping *m, enum mapping_kind kind)
{
    return m->kind == kind && (m->field == LNF_FLD_SRCADDR || m->field == LNF_FLD_DSTADDR);
}

/** Whether the template has the field in both families: a record means one of them. */
static bool is_double(const struct compiler *c, const struct mapping *m)
{
    for (unsigned i = 0; i < c->count; i++) {
        const struct mapping *other = c->chosen[i].mapping;
        if (other->field == m->field && are_families(m, other)) {
            return true;
        }
    }
    return false;
}

/** Whether addresses other than those of the flow are there in both families. */
static bool has_doubles(const struct compiler *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (is_address(c->chosen[i].mapping->kind) && is_double(c, c->chosen[i].mapping)) {
            return true;
        }
    }
    return false;
}

static bool has_addresses(const struct compiler *c, enum mapping_kind kind)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (is_address_of(c->chosen[i].mapping, kind)) {
            return true;
        }
    }
    return false;
}

/** The step that moves a number of `length` octets into `width`. */
static struct step step_uint(uint16_t length, uint8_t width)
{
    struct step s = {.kind = STEP_UINT, .width = width, .length = length};

    if (length == width) {
        s.kind = length == 1   ? STEP_COPY1
                 : length == 2 ? STEP_SWAP2
                 : length == 4 ? STEP_SWAP4
                 : length == 8 ? STEP_SWAP8
                               : STEP_UINT;
    } else if (length == 2 && width == 4) {
        s.kind = STEP_SWAP2_TO4;
    } else if (length == 4 && width == 8) {
        s.kind = STEP_SWAP4_TO8;
    }
    return s;
}

static struct step step_of_kind(enum mapping_kind kind, uint16_t length,
                                const struct lnf_slot *slot)
{
    struct step s = {.width = slot->width, .length = length};

    switch (kind) {
    case MAPPING_UINT:
        return step_uint(length, slot->width);
    case MAPPING_IPV4:
        return step_uint(4, 4);
    case MAPPING_IPV6:
        s.kind = STEP_IPV6;
        break;
    case MAPPING_MAC:
        s.kind = STEP_MAC;
        break;
    case MAPPING_SECONDS:
        s.kind = STEP_SECONDS;
        break;
    case MAPPING_NTP:
        s.kind = STEP_NTP;
        break;
    case MAPPING_UPTIME:
        s.kind = STEP_UPTIME;
        break;
    case MAPPING_BEFORE_US:
        s.kind = STEP_BEFORE_US;
        break;
    case MAPPING_DURATION_MS:
    case MAPPING_DURATION_US:
        s.kind = STEP_DURATION;
        s.divisor = kind == MAPPING_DURATION_MS ? 1 : 1000;
        break;
    case MAPPING_ICMP:
        s.kind = STEP_ICMP;
        break;
    case MAPPING_ICMP_TYPE:
        s.kind = STEP_ICMP_TYPE;
        break;
    case MAPPING_ICMP_CODE:
        s.kind = STEP_ICMP_CODE;
        break;
    }
    return s;
}

/** Where a step finds a field: its offset, or its index when records have variable length. */
static uint16_t source_of(const struct ipfix_template *tmplt, unsigned index)
{
    return tmplt->variable_length ? (uint16_t)index : tmplt->fields[index].offset;
}

static void add_step(struct variant *v, struct step s)
{
    v->steps[v->step_count++] = s;
}

/** Times no element of the template gives. */
static void add_missing_times(struct variant *v, bool first, bool last, bool received)
{
    uint16_t first_at = v->known[KNOWN_FIRST].offset;
    uint16_t last_at = v->known[KNOWN_LAST].offset;

    if (!first && !last) {
        add_step(v, (struct step){.kind = STEP_EXPORT_TIME, .target = first_at});
        first = true;
    }
    if (!last) {
        add_step(v, (struct step){.kind = STEP_COPY_TIME, .source = first_at, .target = last_at});
    } else if (!first) {
        add_step(v, (struct step){.kind = STEP_COPY_TIME, .source = last_at, .target = first_at});
    }
    if (!received) {
        add_step(v,
                 (struct step){.kind = STEP_RECEIVED, .target = v->known[KNOWN_RECEIVED].offset});
    }
}

/** Steps in an order in which later ones may rely on earlier ones: durations on starts. */
static void add_steps(const struct compiler *c, struct variant *v, const struct selection *used,
                      const struct lnf_slot *slots, unsigned count)
{
    bool first = false, last = false, received = false;

    for (int late = 0; late <= 1; late++) {
        for (unsigned i = 0; i < count; i++) {
            const struct mapping *m = used[i].mapping;
            struct step s =
                step_of_kind(m->kind, c->tmplt->fields[used[i].index].length, &slots[i]);
            bool is_late =
                s.kind == STEP_DURATION || (s.kind >= STEP_ICMP && s.kind <= STEP_ICMP_CODE);
            if (is_late != (late == 1)) {
                continue;
            }
            bool is_start = s.kind == STEP_DURATION && m->field == LNF_FLD_FIRST;
            if (is_start && !last) {
                add_step(v, (struct step){.kind = STEP_EXPORT_TIME,
                                          .target = v->known[KNOWN_LAST].offset});
                last = true;
            }
            s.source = source_of(c->tmplt, used[i].index);
            s.target = slots[i].offset;
            if (s.kind == STEP_UPTIME) {
                s.other = source_of(c->tmplt, (unsigned)c->system_init);
            } else if (is_start) {
                s.kind = STEP_START_BEFORE;
                s.other = v->known[KNOWN_LAST].offset;
            } else if (s.kind == STEP_DURATION) {
                s.other = v->known[KNOWN_FIRST].offset;
            } else if (is_late) {
                s.other = v->known[KNOWN_PROTOCOL].offset;
            }
            add_step(v, s);
            first = first || m->field == LNF_FLD_FIRST;
            last = last || m->field == LNF_FLD_LAST;
            received = received || m->field == LNF_FLD_RECEIVED;
        }
    }
    add_missing_times(v, first, last, received);
}

/** Offset of a field in the layout when its element is there, else 0. */
static uint16_t slot_if_used(const struct selection *used, const struct lnf_slot *slots,
                             unsigned count, uint16_t field)
{
    for (unsigned i = 0; i < count; i++) {
        if (used[i].mapping->field == field) {
            return slots[i].offset;
        }
    }
    return 0;
}

/** Compiles the variant of one family; addresses of the other one are left out. */
static bool compile_variant(const struct compiler *c, struct variant *v, enum mapping_kind drop)
{
    unsigned capacity = c->count + KNOWN_COUNT;
    struct lnf_layout_field *fields = calloc(capacity, sizeof(*fields));
    struct lnf_slot *slots = calloc(capacity, sizeof(*slots));
    struct selection *used = calloc(capacity, sizeof(*used));
    v->steps = calloc(capacity + 3, sizeof(*v->steps));
    bool ok = fields != NULL && slots != NULL && used != NULL && v->steps != NULL;

    unsigned count = 0;
    for (unsigned i = 0; ok && i < c->count; i++) {
        const struct mapping *m = c->chosen[i].mapping;
        if (is_address_of(m, drop) || (family_of(m) == drop && is_double(c, m))) {
            continue;
        }
        used[count] = c->chosen[i];
        fields[count++] = (struct lnf_layout_field){m->field, m->kind == MAPPING_IPV6};
    }
    for (unsigned i = 0; ok && i < KNOWN_COUNT; i++) {
        fields[count + i] = (struct lnf_layout_field){known_fields[i], false};
    }
    unsigned bad = 0;
    ok = ok && lnf_layout_build(fields, count + KNOWN_COUNT, &v->layout, slots, &bad) == LNF_OK;
    if (ok) {
        memcpy(v->known, slots + count, sizeof(v->known));
        v->flows = slot_if_used(used, slots, count, LNF_FLD_AGGR_FLOWS);
        v->out_packets = slot_if_used(used, slots, count, LNF_FLD_OUT_PKTS);
        v->out_bytes = slot_if_used(used, slots, count, LNF_FLD_OUT_BYTES);
        v->has_engine = slot_if_used(used, slots, count, LNF_FLD_ENGINE_TYPE) != 0 ||
                        slot_if_used(used, slots, count, LNF_FLD_ENGINE_ID) != 0;
        add_steps(c, v, used, slots, count);
    }
    free(fields);
    free(slots);
    free(used);
    return ok;
}

/** How a record with addresses of both families tells which one it means. */
static void compile_family(const struct compiler *c, convert_plan_t *plan)
{
    const struct ipfix_template_field *version =
        ipfix_template_find(c->tmplt, 0, ELEMENT_IP_VERSION);

    if (version != NULL && version->length == 1) {
        plan->version.length = 1;
        plan->version.source = source_of(c->tmplt, (unsigned)(version - c->tmplt->fields));
    }
    bool flow = has_addresses(c, MAPPING_IPV4);
    for (unsigned i = 0; i < c->count && plan->v4_count < 2; i++) {
        const struct mapping *m = c->chosen[i].mapping;
        if (flow ? is_address_of(m, MAPPING_IPV4) : m->kind == MAPPING_IPV4 && is_double(c, m)) {
            plan->v4_places[plan->v4_count++] = source_of(c->tmplt, c->chosen[i].index);
        }
    }
}

static bool compile(struct compiler *c, convert_plan_t *plan)
{
    bool v4 = has_addresses(c, MAPPING_IPV4);
    bool v6 = has_addresses(c, MAPPING_IPV6);

    if (c->tmplt->variable_length) {
        plan->places = calloc(c->tmplt->field_count, sizeof(*plan->places));
        if (plan->places == NULL) {
            return false;
        }
    }
    plan->has_both = v4 == v6 && (v4 || has_doubles(c));
    if (plan->has_both) {
        compile_family(c, plan);
        return compile_variant(c, &plan->variants[0], MAPPING_IPV6) &&
               compile_variant(c, &plan->variants[1], MAPPING_IPV4);
    }
    return compile_variant(c, &plan->variants[0], v4 ? MAPPING_IPV6 : MAPPING_IPV4);
}

bool convert_plan_create(const struct ipfix_template *tmplt, convert_plan_t **plan)
{
    struct compiler c = {.tmplt = tmplt};
    convert_plan_t *p = NULL;
    bool ok = false;

    *plan = NULL;
    c.chosen = calloc((size_t)tmplt->field_count + 1, sizeof(*c.chosen));
    if (c.chosen == NULL) {
        return false;
    }
    choose_fields(&c);
    if (c.count == 0) {
        ok = true;
        goto done;
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL || !compile(&c, p)) {
        convert_plan_destroy(p);
        goto done;
    }
    *plan = p;
    ok = true;
done:
    free(c.chosen);
    return ok;
}

void convert_plan_destroy(convert_plan_t *plan)
{
    if (plan != NULL) {
        free(plan->places);
        free(plan->variants[0].steps);
        free(plan->variants[1].steps);
        free(plan);
    }
}

/* ---- running --------------------------------------------------------------------------------- */

/** Where the fields of a variable-length record are; fixed ones need none of this. */
struct places {
    const uint8_t *octets;  /* of the record */
    const uint8_t **fields; /* by index, variable-length records only */
};

static inline const uint8_t *place_of(const struct places *p, uint16_t source)
{
    return p->fields != NULL ? p->fields[source] : p->octets + source;
}

static uint64_t ntp_to_ms(const uint8_t *octets)
{
    uint64_t ntp = be64toh(lnf_load_u64(octets));
    uint64_t seconds = ntp >> 32;

    /* Values below 1970 are of NTP era 1, which begins in 2036. */
    seconds = seconds >= NTP_TO_UNIX_S ? seconds - NTP_TO_UNIX_S
                                       : seconds + (UINT64_C(1) << 32) - NTP_TO_UNIX_S;
    return seconds * 1000 + (((ntp & 0xFFFFFFFFu) * 1000) >> 32);
}

static uint64_t load_mac(const uint8_t *p)
{
    return ((uint64_t)be16toh(lnf_load_u16(p)) << 32) | be32toh(lnf_load_u32(p + 2));
}

static void store_uint(uint8_t *to, uint64_t value, uint8_t width)
{
    for (uint8_t i = 0; i < width; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

/** Type (octet 1) or code (octet 0) of ICMP in the destination port, if nothing is there yet. */
static void fill_icmp(uint8_t *out, const struct step *s, unsigned octet, uint8_t value)
{
    uint8_t protocol = out[s->other];

    if ((protocol == 1 || protocol == 58 || protocol == 0) && out[s->target + octet] == 0) {
        out[s->target + octet] = value;
    }
}

/** The rarer steps, out of line so that the common ones stay tight. */
static void run_rare_step(const struct step *s, const uint8_t *from, const struct places *places,
                          const struct convert_message *message, uint8_t *out)
{
    uint8_t *to = out + s->target;
    uint64_t value;

    switch ((enum step_kind)s->kind) {
    case STEP_SECONDS:
        lnf_store_u64(to, htole64(ipfix_field_uint(from, s->length) * 1000));
        break;
    case STEP_NTP:
        lnf_store_u64(to, htole64(ntp_to_ms(from)));
        break;
    case STEP_UPTIME:
        value = be64toh(lnf_load_u64(place_of(places, s->other)));
        lnf_store_u64(to, htole64(value + ipfix_field_uint(from, s->length)));
        break;
    case STEP_BEFORE_US:
        value = ipfix_field_uint(from, s->length) / 1000;
        lnf_store_u64(
            to, htole64(message->export_time_ms > value ? message->export_time_ms - value : 0));
        break;
    case STEP_DURATION:
        value = ipfix_field_uint(from, s->length) / s->divisor;
        lnf_store_u64(to, htole64(le64toh(lnf_load_u64(out + s->other)) + value));
        break;
    case STEP_START_BEFORE: {
        uint64_t end_ms = le64toh(lnf_load_u64(out + s->other));
        value = ipfix_field_uint(from, s->length) / s->divisor;
        lnf_store_u64(to, htole64(end_ms > value ? end_ms - value : 0));
        break;
    }
    case STEP_ICMP:
        value = ipfix_field_uint(from, s->length);
        fill_icmp(out, s, 0, (uint8_t)value);
        fill_icmp(out, s, 1, (uint8_t)(value >> 8));
        break;
    case STEP_ICMP_TYPE:
        fill_icmp(out, s, 1, (uint8_t)ipfix_field_uint(from, s->length));
        break;
    case STEP_ICMP_CODE:
        fill_icmp(out, s, 0, (uint8_t)ipfix_field_uint(from, s->length));
        break;
    case STEP_COPY_TIME:
        memcpy(to, out + s->source, 8);
        break;
    case STEP_EXPORT_TIME:
        lnf_store_u64(to, htole64(message->export_time_ms));
        break;
    default:
        store_uint(to, ipfix_field_uint(from, s->length), s->width);
        break;
    }
}

static inline void run_step(const struct step *s, const struct places *places,
                            const struct convert_message *message, uint8_t *out)
{
    /* Times copied inside the record have no source field. */
    const uint8_t *from = s->kind < STEP_COPY_TIME ? place_of(places, s->source) : NULL;
    uint8_t *to = out + s->target;

    switch ((enum step_kind)s->kind) {
    case STEP_COPY1:
        *to = *from;
        break;
    case STEP_SWAP2:
        lnf_store_u16(to, htole16(be16toh(lnf_load_u16(from))));
        break;
    case STEP_SWAP4:
        lnf_store_u32(to, htole32(be32toh(lnf_load_u32(from))));
        break;
    case STEP_SWAP8:
        lnf_store_u64(to, htole64(be64toh(lnf_load_u64(from))));
        break;
    case STEP_SWAP2_TO4:
        lnf_store_u32(to, htole32(be16toh(lnf_load_u16(from))));
        break;
    case STEP_SWAP4_TO8:
        lnf_store_u64(to, htole64(be32toh(lnf_load_u32(from))));
        break;
    case STEP_IPV6:
        lnf_store_u64(to, htole64(be64toh(lnf_load_u64(from))));
        lnf_store_u64(to + 8, htole64(be64toh(lnf_load_u64(from + 8))));
        break;
    case STEP_MAC:
        lnf_store_u64(to, htole64(load_mac(from)));
        break;
    case STEP_RECEIVED:
        lnf_store_u64(to, htole64(message->received_ms));
        break;
    default:
        run_rare_step(s, from, places, message, out);
        break;
    }
}

/** Finds the fields of a record that has variable-length ones. */
static void locate_fields(const struct ipfix_record *record, const uint8_t **fields)
{
    struct ipfix_field_iter iter;
    struct ipfix_field field;

    ipfix_field_iter_init(&iter, record);
    for (uint16_t i = 0; ipfix_field_next(&iter, &field); i++) {
        fields[i] = field.octets;
    }
}

static const struct variant *pick_variant(const convert_plan_t *plan, const struct places *places)
{
    if (!plan->has_both) {
        return &plan->variants[0];
    }
    if (plan->version.length == 1) {
        uint8_t version = *place_of(places, plan->version.source);
        if (version == 4 || version == 6) {
            return &plan->variants[version == 6];
        }
    }
    /* Exporters that send both leave the family they do not mean empty. */
    for (unsigned i = 0; i < plan->v4_count; i++) {
        if (lnf_load_u32(place_of(places, plan->v4_places[i])) != 0) {
            return &plan->variants[0];
        }
    }
    return &plan->variants[1];
}

static inline uint64_t stored_u64(const uint8_t *out, uint16_t offset)
{
    return offset == 0 ? 0 : le64toh(lnf_load_u64(out + offset));
}

static void fill_header(const struct variant *v, const struct convert_message *message,
                        uint8_t *out)
{
    if (!v->has_engine) {
        out[LNF_RECORD_OFFSET_ENGINE_TYPE] = (uint8_t)(message->domain_id >> 8);
        out[LNF_RECORD_OFFSET_ENGINE_ID] = (uint8_t)message->domain_id;
    }
    lnf_store_u16(out + LNF_RECORD_OFFSET_EXPORTER, htole16(message->exporter_sysid));
    out[LNF_RECORD_OFFSET_VERSION] = message->version;
}

static void count_record(const struct variant *v, const uint8_t *out, struct lnf_stat *stat)
{
    uint64_t flows = stored_u64(out, v->flows);

    lnf_stat_count(stat, out[v->known[KNOWN_PROTOCOL].offset], flows == 0 ? 1 : flows,
                   stored_u64(out, v->known[KNOWN_PACKETS].offset) +
                       stored_u64(out, v->out_packets),
                   stored_u64(out, v->known[KNOWN_BYTES].offset) + stored_u64(out, v->out_bytes),
                   stored_u64(out, v->known[KNOWN_FIRST].offset),
                   stored_u64(out, v->known[KNOWN_LAST].offset));
}

bool convert_record(convert_plan_t *plan, const struct ipfix_record *record,
                    const struct convert_message *message, lnf_block_t *block)
{
    struct places places = {record->octets, plan->places};

    if (plan->places != NULL) {
        locate_fields(record, plan->places);
    }
    const struct variant *v = pick_variant(plan, &places);
    uint8_t *out = lnf_block_reserve(block, v->layout.size);
    if (out == NULL) {
        return false;
    }
    memcpy(out, v->layout.prototype, v->layout.size);
    fill_header(v, message, out);
    for (unsigned i = 0; i < v->step_count; i++) {
        run_step(&v->steps[i], &places, message, out);
    }
    count_record(v, out, lnf_block_stat(block));
    lnf_block_commit(block);
    return true;
}
