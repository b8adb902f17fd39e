/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A growing list of texts, ended by NULL as execvp() wants it.
 *
 * An allocation that fails is remembered, so that a command is put together first and checked once.
 */
#ifndef FDISTDUMP_HA_WORDS_H
#define FDISTDUMP_HA_WORDS_H

#include <libnf/common.h>
#include <stdbool.h>
#include <stddef.h>

/** Empty is {0}. Texts are owned. */
struct words {
    char **list; /* NULL while empty */
    size_t count;
    size_t capacity;
    bool failed; /* memory ran out; the list misses something */
};

/** Adds a copy of a text. */
void words_add(struct words *words, const char *text);

/** Adds a text like printf(). */
void words_format(struct words *words, const char *format, ...) LNF_PRINTF(2, 3);

/** Adds copies of all texts of another list. */
void words_append(struct words *words, const struct words *more);

/** Joins the texts with blanks; the caller's to free; NULL without memory. */
char *words_join(const struct words *words);

void words_clear(struct words *words);

#endif
