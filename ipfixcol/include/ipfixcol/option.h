/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Rows that describe a plugin's settings.
 *
 * From the rows come parsing of the XML element, type and range errors with line numbers, presets,
 * `ipfixcol --help-plugin NAME` and the reference page. Element names compare without case.
 *
 *     struct json_options {
 *         char *path;
 *         uint32_t window_s;
 *     };
 *     static const struct col_option json_option_table[] = {
 *         {.name = "path", .type = COL_STRING, .offset = offsetof(struct json_options, path),
 *          .required = true, .help = "file name pattern, see strftime(3)"},
 *         {.name = "window", .type = COL_UINT32, .offset = offsetof(struct json_options, window_s),
 *          .preset = "300", .min = 1, .max = 86400, .help = "seconds of flows in one file"},
 *         {0},
 *     };
 */
#ifndef IPFIXCOL_OPTION_H
#define IPFIXCOL_OPTION_H

#include <ipfixcol/common.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum col_option_type {
    COL_OPTION_END,
    COL_STRING,  /* char *; text with blanks at both ends removed; freed with the options */
    COL_UINT16,  /* uint16_t, decimal */
    COL_UINT32,  /* uint32_t, decimal */
    COL_UINT64,  /* uint64_t, decimal */
    COL_DOUBLE,  /* double */
    COL_BOOL,    /* bool; yes no true false 1 0, any case */
    COL_ENUM,    /* int; one of `choices`, any case: its index */
    COL_GROUP,   /* element with children: `rows` fill the same struct (offsets from its start) */
    COL_LIST,    /* element that may be repeated: struct col_option_list of structs filled by `rows` */
    COL_IGNORED, /* known from older configurations, has no meaning here; accepted with an info line */
};

/** Value of a COL_LIST row: `count` structs of `rows`' struct, in document order. */
struct col_option_list {
    void *items;
    size_t count;
};

struct col_option {
    const char *name; /* XML element */
    enum col_option_type type;
    size_t offset;      /* of the member */
    const char *preset; /* text as in the XML; NULL = 0, false, NULL. Of a COL_STRING it is copied */
    bool required;
    bool first_wins; /* repeated element: the first one counts (else the last) */
    uint64_t min, max; /* numbers, inclusive; both 0 = the type's whole range */
    const char *const *choices; /* COL_ENUM: names ended by NULL */
    const struct col_option *rows; /* COL_GROUP, COL_LIST */
    size_t item_size; /* COL_LIST: sizeof of one item */
    /* COL_STRING: whether the text is a good one; if not, `reason` gets what stands behind the quoted text
     * in the error. NULL = every text is. */
    bool (*check)(const char *text, char *reason, size_t reason_size);
    const char *help; /* one line, with the unit */
};

#endif
