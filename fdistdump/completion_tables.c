/* SPDX-License-Identifier: BSD-3-Clause */
/** Variables of Bash. */
#include "completion_tables.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>

void completion_print_top(const char *program)
{
    printf("# SPDX-License-Identifier: BSD-3-Clause\n"
           "# Completes command lines of %s in Bash; made of the program's own tables.\n",
           program);
}

/* ---- lists ---------------------------------------------------------------------------------- */

void completion_begin_list(const char *prefix, const char *name)
{
    printf("%s_%s='", prefix, name);
}

void completion_print_word(const char *word)
{
    printf(" %s", word);
}

void completion_print_option(const char *name, bool has_argument)
{
    printf(" --%s%s", name, has_argument ? "=" : "");
}

void completion_end_list(void)
{
    fputs(" '\n", stdout);
}

/* ---- options -------------------------------------------------------------------------------- */

/** Options people are meant to use. */
static void print_names(const char *prefix, const struct completion_option *options)
{
    completion_begin_list(prefix, "options");
    for (const struct completion_option *option = options; option->name != NULL; option++) {
        if (!option->is_older) {
            completion_print_option(option->name, option->has_argument);
        }
    }
    completion_end_list();
}

/** Older spellings that have an argument. */
static void print_older(const char *prefix, const struct completion_option *options)
{
    completion_begin_list(prefix, "older");
    for (const struct completion_option *option = options; option->name != NULL; option++) {
        if (option->is_older && option->has_argument) {
            completion_print_option(option->name, true);
        }
    }
    completion_end_list();
}

static void print_letters(const char *prefix, const struct completion_option *options)
{
    printf("declare -gA %s_letters=(", prefix);
    for (const struct completion_option *option = options; option->name != NULL; option++) {
        if (option->letter > 0 && option->letter <= CHAR_MAX) {
            printf(" [-%c]=--%s", option->letter, option->name);
        }
    }
    fputs(" )\n", stdout);
}

/** A row per option with few values, older spellings included. */
static void print_values(const char *prefix, const struct completion_option *options)
{
    printf("declare -gA %s_values=(\n", prefix);
    for (const struct completion_option *option = options; option->name != NULL; option++) {
        if (option->choices == NULL && option->low == option->high) {
            continue;
        }
        printf("    [--%s]='", option->name);
        for (size_t i = 0; option->choices != NULL && option->choices[i] != NULL; i++) {
            completion_print_word(option->choices[i]);
        }
        for (int i = option->low; option->low != option->high && i <= option->high; i++) {
            printf(" %d", i);
        }
        completion_end_list();
    }
    fputs(")\n", stdout);
}

void completion_print_options(const char *prefix, const struct completion_option *options)
{
    print_names(prefix, options);
    print_older(prefix, options);
    print_letters(prefix, options);
    print_values(prefix, options);
}

int completion_end(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
