/* SPDX-License-Identifier: BSD-3-Clause */
/** Template Records: checked, measured and turned into immutable templates. */
#ifndef IPFIX_TEMPLATE_PARSE_H
#define IPFIX_TEMPLATE_PARSE_H

#include <ipfixcol/element.h>
#include <ipfixcol/template.h>
#include <libnf/bytes.h>

/** Room for a record: the longest message without Message Header and Set Header. */
#define TEMPLATE_RECORD_MAX_LENGTH (65535u - 16u - 4u)
/** Fields without octets are only harmless while they are few: they cost time but no bytes. */
#define TEMPLATE_EMPTY_FIELD_MAX 64u

/** A Template Record as it lies in its set. */
struct template_spec {
    uint16_t id;
    uint16_t set_id;      /* IPFIX_SET_TEMPLATE or IPFIX_SET_OPTIONS_TEMPLATE */
    uint16_t field_count; /* 0 = withdrawal */
    uint16_t scope_field_count;
    uint16_t definition_length;
    const uint8_t *definition; /* Field Specifiers, inside the set */
};

/**
 * Reads one Template Record.
 *
 * @param set_id     kind of the set it is in
 * @param[out] spec  id is set even when the rest is bad
 * @return NULL, or why the record and with it the rest of the set is unusable
 */
const char *template_spec_read(struct lnf_reader *r, uint16_t set_id, struct template_spec *spec);

/** True when the template was made of the same kind, id and octets. */
bool template_matches(const struct ipfix_template *tmplt, const struct template_spec *spec);

/**
 * New template with one reference.
 *
 * @param[out] why  set when the definition cannot be used; NULL when memory is missing
 * @return template, or NULL
 */
struct ipfix_template *template_create(const struct template_spec *spec,
                                       const ipfix_dictionary_t *dictionary, const char **why);

/** Octets a template occupies in memory. */
size_t template_memory(const struct ipfix_template *tmplt);
/** The dictionary a template was made with. */
const ipfix_dictionary_t *template_dictionary(const struct ipfix_template *tmplt);

/**
 * Length of the Data Record that starts at `at`, not before `end` is reached.
 *
 * @return octets, or 0 when it runs past `end` or has no octets at all
 */
size_t template_record_length(const struct ipfix_template *tmplt, const uint8_t *at,
                              const uint8_t *end);

#endif
