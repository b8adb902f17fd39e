/* SPDX-License-Identifier: BSD-3-Clause */
/** Fields of libnf.h: facts from the table of fields, and reading `name/bits/bits6`. */
#include "field.h"

#include <string.h>

#define IPV4_BITS 32
#define IPV6_BITS 128
/** Alignment of times in seconds; more than a hundred years makes no bucket. */
#define ALIGNMENT_MAX INT32_MAX

int lnf_fld_type(int field)
{
    const struct lnf_field *row = lnf_field_get(field);

    return row == NULL ? LNF_NONE : row->type;
}

static int give(void *data, size_t size, const void *value, size_t value_size)
{
    if (data == NULL || size < value_size) {
        return LNF_ERR_NOMEM;
    }
    memcpy(data, value, value_size);
    return LNF_OK;
}

static int give_int(void *data, size_t size, int value)
{
    return give(data, size, &value, sizeof(value));
}

static int give_text(void *data, size_t size, const char *text)
{
    return text == NULL ? LNF_ERR_NOTSET : give(data, size, text, strlen(text) + 1);
}

/** IANA's numbers of Information Elements are all in its own enterprise, 0. */
static int give_ipfix(void *data, size_t size, unsigned id, int value)
{
    return id == 0 ? LNF_ERR_NOTSET : give_int(data, size, value);
}

/** All public fields, then the numbers of aliases. */
static int give_fields(void *data, size_t size)
{
    int list[512];
    size_t count = 0;

    for (unsigned i = 0; i < lnf_field_count; i++) {
        if (lnf_field_table[i].id < LNF_FLD_TERM_) {
            list[count++] = lnf_field_table[i].id;
        }
    }
    for (unsigned i = 0; i < lnf_field_count; i++) {
        if (lnf_field_table[i].alias_id != 0) {
            list[count++] = lnf_field_table[i].alias_id;
        }
    }
    list[count++] = LNF_FLD_TERM_;
    return give(data, size, list, count * sizeof(list[0]));
}

int lnf_fld_info(int field, int info, void *data, size_t size)
{
    if (info == LNF_FLD_INFO_FIELDS) {
        return give_fields(data, size);
    }
    const struct lnf_field *row = lnf_field_get(field);
    if (row == NULL) {
        return LNF_ERR_UNKFLD;
    }

    switch (info) {
    case LNF_FLD_INFO_TYPE:
        return give_int(data, size, row->type);
    case LNF_FLD_INFO_NAME:
        return give_text(data, size, field == row->alias_id ? row->alias : row->name);
    case LNF_FLD_INFO_DESCR:
        return give_text(data, size, row->description);
    case LNF_FLD_INFO_AGGR:
        return give_int(data, size, row->aggr);
    case LNF_FLD_INFO_SORT:
        return give_int(data, size, row->sort);
    case LNF_FLD_INFO_SIZE:
        return give_int(data, size, (int)lnf_type_size(row->type));
    case LNF_FLD_INFO_IPFIX_NAME:
        return give_text(data, size, row->ipfix_name);
    case LNF_FLD_INFO_IPFIX_EID:
        return give_ipfix(data, size, row->ipfix_id, 0);
    case LNF_FLD_INFO_IPFIX_ID:
        return give_ipfix(data, size, row->ipfix_id, row->ipfix_id);
    case LNF_FLD_INFO_IPFIX_NAME6:
        return give_text(data, size, row->ipfix_name6);
    case LNF_FLD_INFO_IPFIX_EID6:
        return give_ipfix(data, size, row->ipfix_id6, 0);
    case LNF_FLD_INFO_IPFIX_ID6:
        return give_ipfix(data, size, row->ipfix_id6, row->ipfix_id6);
    default:
        return LNF_ERR_OTHER;
    }
}

/** Field by name; when there is none, by the name without a trailing 4 or 6. */
static const struct lnf_field *find_field(const char *name, size_t length, bool *six)
{
    const struct lnf_field *row = lnf_field_find(name, length);

    *six = false;
    if (row == NULL && length > 1 && (name[length - 1] == '4' || name[length - 1] == '6')) {
        row = lnf_field_find(name, length - 1);
        *six = name[length - 1] == '6';
    }
    return row != NULL && row->id < LNF_FLD_TERM_ ? row : NULL;
}

/** Reads `/number` at *text; true when there is none (*number untouched) or a valid one. */
static bool parse_number(const char **text, int max, int *number)
{
    long value = 0;

    if (**text == '\0') {
        return true;
    }
    const char *digit = *text + 1;
    if (**text != '/' || *digit < '0' || *digit > '9') {
        return false;
    }
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        value = value * 10 + (*digit - '0');
        if (value > max) {
            return false;
        }
    }
    *text = digit;
    *number = (int)value;
    return true;
}

int lnf_fld_parse(const char *text, int *bits, int *bits6)
{
    size_t length = strcspn(text, "/");
    bool six;
    const struct lnf_field *row = find_field(text, length, &six);
    if (row == NULL) {
        return LNF_FLD_ZERO_;
    }

    bool address = row->type == LNF_ADDR;
    int first = address ? IPV4_BITS : 0, second = address ? IPV6_BITS : 0;
    const char *rest = text + length;
    bool valid;
    if (address && six) {
        valid = parse_number(&rest, IPV6_BITS, &second);
    } else {
        valid = parse_number(&rest, address ? IPV4_BITS : ALIGNMENT_MAX, &first) &&
                parse_number(&rest, address ? IPV6_BITS : ALIGNMENT_MAX, &second);
    }
    if (!valid || *rest != '\0') {
        return LNF_FLD_ZERO_;
    }
    /* Numbers on other types say nothing, as in libnf 1.36. */
    if (!address) {
        first = row->type == LNF_UINT64 ? first : 0;
        second = 0;
    }
    if (bits != NULL) {
        *bits = first;
    }
    if (bits6 != NULL) {
        *bits6 = second;
    }
    return row->id;
}
