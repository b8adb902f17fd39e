/* SPDX-License-Identifier: BSD-3-Clause */
/* Template Records: checked, measured and turned into immutable templates. */
#include "template.h"

#include <ipfixcol/message.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ENTERPRISE_BIT 0x8000u

struct template_object {
    struct ipfix_template base; /* first member: the public part */
    atomic_uint references;
    const ipfix_dictionary_t *dictionary;
    size_t memory_size;
    /* A record is: runs[0] octets, a variable-length field, runs[1] octets, another one, ..., then
     * runs[variable_count] octets. So the walk over a record touches only variable fields. */
    const uint16_t *runs;
    uint16_t variable_count;
};

/* Only uniqueness matters, so relaxed order suffices. */
static atomic_uint_fast64_t next_serial = 1;

/* ---- reading --------------------------------------------------------------------------------- */

static const char *read_counts(struct lnf_reader *r, struct template_spec *spec)
{
    spec->id = lnf_read_u16_be(r);
    spec->field_count = lnf_read_u16_be(r);
    if (r->failed) {
        return "template header cut";
    }
    if (spec->field_count == 0) {
        return NULL; /* a withdrawal ends here, also of Options Templates (RFC 7011 section 8.1) */
    }
    if (spec->id < IPFIX_SET_DATA_MIN) {
        return "reserved template id";
    }
    if (spec->set_id == IPFIX_SET_OPTIONS_TEMPLATE) {
        spec->scope_field_count = lnf_read_u16_be(r);
        if (r->failed) {
            return "template header cut";
        }
        if (spec->scope_field_count == 0) {
            return "no scope field";
        }
        if (spec->scope_field_count > spec->field_count) {
            return "more scope fields than fields";
        }
    }
    return NULL;
}

const char *template_spec_read(struct lnf_reader *r, uint16_t set_id, struct template_spec *spec)
{
    *spec = (struct template_spec){.set_id = set_id};
    const char *why = read_counts(r, spec);
    if (why != NULL) {
        return why;
    }
    spec->definition = r->at;
    for (unsigned i = 0; i < spec->field_count && !r->failed; i++) {
        uint16_t id = lnf_read_u16_be(r);
        lnf_read_skip(r, (id & ENTERPRISE_BIT) != 0 ? 6 : 2);
    }
    if (r->failed) {
        return "bad template count";
    }
    spec->definition_length = (uint16_t)(r->at - spec->definition);
    return NULL;
}

bool template_matches(const struct ipfix_template *tmplt, const struct template_spec *spec)
{
    return tmplt->id == spec->id && tmplt->set_id == spec->set_id &&
           tmplt->field_count == spec->field_count &&
           tmplt->scope_field_count == spec->scope_field_count &&
           tmplt->definition_length == spec->definition_length &&
           memcmp(tmplt->definition, spec->definition, spec->definition_length) == 0;
}

/* ---- building -------------------------------------------------------------------------------- */

/* Field Specifiers into fields; offsets are set later. */
static void read_fields(const struct template_spec *spec, const ipfix_dictionary_t *dictionary,
                        struct ipfix_template_field *fields)
{
    struct lnf_reader r = lnf_reader_init(spec->definition, spec->definition_length);
    for (unsigned i = 0; i < spec->field_count; i++) {
        struct ipfix_template_field *field = &fields[i];
        uint16_t id = lnf_read_u16_be(&r);
        field->id = (uint16_t)(id & ~ENTERPRISE_BIT);
        field->length = lnf_read_u16_be(&r);
        field->pen = (id & ENTERPRISE_BIT) != 0 ? lnf_read_u32_be(&r) : 0;
        field->scope = i < spec->scope_field_count;
        field->element =
            dictionary == NULL ? NULL : ipfix_dictionary_find(dictionary, field->pen, field->id);
    }
}

static uint32_t element_hash(uint32_t pen, uint16_t id)
{
    uint64_t key = ((uint64_t)pen << 16 | id) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(key >> 32);
}

/* Marks later occurrences of an element. A table keeps hostile templates from costing n squared. */
static bool mark_repeated(struct ipfix_template_field *fields, unsigned count)
{
    unsigned slots = 16;
    while (slots < 2 * count) {
        slots *= 2;
    }
    uint16_t *table = calloc(slots, sizeof(*table)); /* field index + 1; 0 = free */
    if (table == NULL) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        uint32_t slot = element_hash(fields[i].pen, fields[i].id) & (slots - 1);
        while (table[slot] != 0) {
            const struct ipfix_template_field *other = &fields[table[slot] - 1];
            if (other->id == fields[i].id && other->pen == fields[i].pen) {
                fields[i].repeated = true;
                break;
            }
            slot = (slot + 1) & (slots - 1);
        }
        if (!fields[i].repeated) {
            table[slot] = (uint16_t)(i + 1);
        }
    }
    free(table);
    return true;
}

/* Sets offsets, record length and runs. */
static const char *measure(struct template_object *object, struct ipfix_template_field *fields,
                           uint16_t *runs)
{
    struct ipfix_template *t = &object->base;
    uint32_t length = 0;
    uint32_t run = 0;
    unsigned empty_count = 0;

    for (unsigned i = 0; i < t->field_count; i++) {
        struct ipfix_template_field *field = &fields[i];
        field->offset = t->variable_length ? IPFIX_OFFSET_UNKNOWN : (uint16_t)length;
        if (field->length == IPFIX_VARIABLE_LENGTH) {
            t->variable_length = true;
            runs[object->variable_count++] = (uint16_t)run;
            run = 0;
            length += 1; /* at least the length octet */
        } else {
            run += field->length;
            length += field->length;
            empty_count += field->length == 0;
        }
        if (length > TEMPLATE_RECORD_MAX_LENGTH) {
            return "records longer than a message";
        }
    }
    if (empty_count > TEMPLATE_EMPTY_FIELD_MAX) {
        return "too many fields without octets";
    }
    runs[object->variable_count] = (uint16_t)run;
    t->record_length = (uint16_t)length;
    return NULL;
}

static unsigned count_variable(const struct template_spec *spec)
{
    struct lnf_reader r = lnf_reader_init(spec->definition, spec->definition_length);
    unsigned count = 0;
    for (unsigned i = 0; i < spec->field_count; i++) {
        uint16_t id = lnf_read_u16_be(&r);
        count += lnf_read_u16_be(&r) == IPFIX_VARIABLE_LENGTH;
        lnf_read_skip(&r, (id & ENTERPRISE_BIT) != 0 ? 4 : 0);
    }
    return count;
}

/* One allocation: object, fields, runs, definition (in the order of their alignment). */
static struct template_object *allocate(const struct template_spec *spec,
                                        struct ipfix_template_field **fields, uint16_t **runs)
{
    size_t fields_size = spec->field_count * sizeof(**fields);
    size_t runs_size = (count_variable(spec) + 1) * sizeof(**runs);
    size_t size =
        sizeof(struct template_object) + fields_size + runs_size + spec->definition_length;

    struct template_object *object = calloc(1, size);
    if (object == NULL) {
        return NULL;
    }
    uint8_t *at = (uint8_t *)(object + 1);
    *fields = (struct ipfix_template_field *)at;
    *runs = (uint16_t *)(at + fields_size);
    uint8_t *definition = at + fields_size + runs_size;
    memcpy(definition, spec->definition, spec->definition_length);

    object->memory_size = size;
    object->runs = *runs;
    object->base = (struct ipfix_template){
        .id = spec->id,
        .set_id = spec->set_id,
        .field_count = spec->field_count,
        .scope_field_count = spec->scope_field_count,
        .definition_length = spec->definition_length,
        .definition = definition,
        .fields = *fields,
    };
    return object;
}

struct ipfix_template *template_create(const struct template_spec *spec,
                                       const ipfix_dictionary_t *dictionary, const char **why)
{
    struct ipfix_template_field *fields;
    uint16_t *runs;

    *why = NULL;
    struct template_object *object = allocate(spec, &fields, &runs);
    if (object == NULL) {
        return NULL;
    }
    atomic_init(&object->references, 1);
    object->dictionary = dictionary;
    object->base.serial = atomic_fetch_add_explicit(&next_serial, 1, memory_order_relaxed);
    read_fields(spec, dictionary, fields);
    *why = measure(object, fields, runs);
    if (*why != NULL || !mark_repeated(fields, spec->field_count)) {
        free(object);
        return NULL;
    }
    return &object->base;
}

size_t template_memory(const struct ipfix_template *tmplt)
{
    return ((const struct template_object *)tmplt)->memory_size;
}

const ipfix_dictionary_t *template_dictionary(const struct ipfix_template *tmplt)
{
    return ((const struct template_object *)tmplt)->dictionary;
}

/* ---- use ------------------------------------------------------------------------------------- */

size_t template_record_length(const struct ipfix_template *tmplt, const uint8_t *at,
                              const uint8_t *end)
{
    const struct template_object *object = (const struct template_object *)tmplt;
    size_t room = (size_t)(end - at);
    size_t length = object->runs[0];

    for (unsigned i = 1; i <= object->variable_count; i++) {
        if (length >= room) {
            return 0;
        }
        size_t value = at[length++];
        if (value == 255) { /* three octets: RFC 7011 section 7 */
            if (room - length < 2) {
                return 0;
            }
            value = be16toh(lnf_load_u16(at + length));
            length += 2;
        }
        length += value + object->runs[i];
    }
    return length <= room ? length : 0;
}

const struct ipfix_template *ipfix_template_ref(const struct ipfix_template *tmplt)
{
    struct template_object *object = (struct template_object *)tmplt;
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
    return tmplt;
}

void ipfix_template_unref(const struct ipfix_template *tmplt)
{
    struct template_object *object = (struct template_object *)tmplt;
    /* Release and acquire: the thread that frees sees what the others did before they let go. */
    if (object != NULL &&
        atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1) {
        free(object);
    }
}

bool ipfix_template_equal(const struct ipfix_template *a, const struct ipfix_template *b)
{
    return a == b || (a->set_id == b->set_id && a->field_count == b->field_count &&
                      a->scope_field_count == b->scope_field_count &&
                      a->definition_length == b->definition_length &&
                      memcmp(a->definition, b->definition, a->definition_length) == 0);
}

const struct ipfix_template_field *ipfix_template_find(const struct ipfix_template *tmplt,
                                                       uint32_t pen, uint16_t id)
{
    for (unsigned i = 0; i < tmplt->field_count; i++) {
        if (tmplt->fields[i].id == id && tmplt->fields[i].pen == pen) {
            return &tmplt->fields[i];
        }
    }
    return NULL;
}
