/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Texts from flow files, such as user names, in the forms of the output.
 *
 * Exporters send any octets: what comes out is UTF-8 all the same (JSON: ASCII), and nothing a
 * terminal obeys. Octets that are not UTF-8 become \xNN in every form, and so do those of control
 * characters and of invisible ones that rearrange the text around them, except where the form can
 * hold them: line breaks and tabulators in csv, all of them in JSON. A backslash stays one, so that
 * names like DOMAIN\user can be read.
 */
#ifndef FDISTDUMP_OUTPUT_TEXT_H
#define FDISTDUMP_OUTPUT_TEXT_H

#include <stddef.h>

#define OUTPUT_TEXT_OCTETS 128u /* what follows in a text is left out; no field has as many */
/** Room every form of a text fits in: JSON has six characters for a control character. */
#define OUTPUT_TEXT_SIZE (6u * OUTPUT_TEXT_OCTETS + 2u)

/**
 * Writes a text, not terminated, as a cell of a table.
 *
 * @param out  room for OUTPUT_TEXT_SIZE characters
 * @return octets written; likewise the other forms
 */
size_t output_text_table(const char *text, size_t length, char *out);

/** As a value of csv, in quotes where RFC 4180 asks for them. */
size_t output_text_csv(const char *text, size_t length, char *out);

/** As a string of JSON with its quotes. */
size_t output_text_json(const char *text, size_t length, char *out);

/** Characters of a cell of a table, which are as many columns of a terminal for most scripts. */
size_t output_text_characters(const char *cell, size_t length);

/** Octets that the first `characters` of a cell take. */
size_t output_text_cut(const char *cell, size_t length, size_t characters);

#endif
