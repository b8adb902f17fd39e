/* SPDX-License-Identifier: BSD-3-Clause */
/** Data Records as lines of JSON. */
#ifndef JSON_RECORD_TEXT_H
#define JSON_RECORD_TEXT_H

#include <ipfixcol/record.h>
#include <stdbool.h>
#include <stddef.h>

/** How values look. */
struct text_style {
    bool tcp_flags_letters; /* ".AP.SF", else a number */
    bool time_text;         /* "2015-08-03T14:10:02.012" in local time, else a number */
    bool protocol_name;     /* "TCP", else a number */
    bool ignore_unknown;    /* leave out elements the dictionary does not know, else "e8057id123" */
    bool escape_controls;   /* control characters of strings as \n, \u0007, else left out */
    bool odid;
    bool detailed;        /* fields about the message */
    const char *prefix;   /* of element names */
    char *protocols[256]; /* names by number; NULL = none */
};

/** Fills in the protocol names of the system's table (/etc/protocols). */
void text_style_load_protocols(struct text_style *style);

/** Frees the protocol names. */
void text_style_clear(struct text_style *style);

/** A growing line; zero it before first use. `failed` stays set once memory ran out. */
struct text {
    char *data;
    size_t length, size;
    bool failed;
};

/** Frees the line's memory. */
void text_clear(struct text *text);

/** How the records of a template are printed: names ready, repeated elements together. */
typedef struct text_plan text_plan_t;

/** New plan for a template, which must live as long; NULL without memory. */
text_plan_t *text_plan_create(const struct ipfix_template *tmplt, const struct text_style *style);

/** Frees the plan; NULL is fine. */
void text_plan_destroy(text_plan_t *plan);

/** Writes a record as one line with newline into `text`, replacing what it held. */
void text_record(text_plan_t *plan, const struct text_style *style,
                 const struct ipfix_message *message, const struct ipfix_record *record,
                 struct text *text);

#endif
