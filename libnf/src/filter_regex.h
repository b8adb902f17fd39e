/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Regular expressions over octets, for `payload regex`. The dialect is nfdump's (docs/filter.md).
 *
 * Not regex(3): that searches in the locale of the process and ends at octets that are no
 * characters there, keeps what it has learnt about a pattern and its texts in memory without a
 * limit, lets one thread at a time use a pattern, and has no word for most of the dialect. Here the
 * steps of a pattern are limited when it is compiled, and each octet of a text is looked at once
 * for every step, so that neither a pattern nor a payload can make a search long or large.
 */
#ifndef LNF_FILTER_REGEX_H
#define LNF_FILTER_REGEX_H

#include "filter_tree.h"

#define LNF_REGEX_LENGTH_MAX 64u
#define LNF_REGEX_STEPS_MAX 1000u
#define LNF_REGEX_REPEAT_MAX 1000u

enum lnf_regex_flag {
    LNF_REGEX_IGNORE_CASE = 1, /* letters of ASCII */
    LNF_REGEX_LINES = 2,       /* `^` and `$` also match at the ends of lines */
    LNF_REGEX_DOT_ALL = 4,     /* `.` also matches the end of a line */
};

struct lnf_regex;

/** Why a pattern does not compile. */
struct lnf_regex_error {
    const char *text; /* NULL = no memory */
    size_t at;        /* octets into the pattern */
};

/** Compiles a pattern; it lives as long as the arena. NULL with *error. */
const struct lnf_regex *lnf_regex_compile(struct lnf_arena *arena, const char *pattern,
                                          size_t length, unsigned flags,
                                          struct lnf_regex_error *error);

/** Whether the pattern matches anywhere in the octets. Any thread. */
bool lnf_regex_search(const struct lnf_regex *regex, const uint8_t *data, size_t size);

#endif
