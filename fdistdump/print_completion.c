/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes what Bash has to know to complete command lines of fdistdump: options, their values,
 * fields.
 *
 * Runs when fdistdump is built. completion.bash, which works with what is written here, follows it
 * in the installed file.
 */
#include "args.h"

#include <libnf.h>
#include <stdio.h>

#define FIELDS_MAX 512
#define NAME_SIZE 64
#define FEW 9 /* numbers that are worth a list */

/** Options people are meant to use; with "=" when an argument follows. */
static void print_options(void)
{
    fputs("_fdistdump_options='", stdout);
    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        if (option->help != NULL) {
            printf("%s--%s%s", option == args_table ? "" : " ", option->name,
                   option->value == NULL ? "" : "=");
        }
    }
    fputs("'\n", stdout);
}

static void print_letters(void)
{
    fputs("declare -gA _fdistdump_letters=(", stdout);
    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        if (option->letter != 0) {
            printf(" [-%c]=--%s", option->letter, option->name);
        }
    }
    fputs(" )\n", stdout);
}

/** A row per option with few values, older spellings included. */
static void print_values(void)
{
    fputs("declare -gA _fdistdump_values=(\n", stdout);
    for (const struct args_option *option = args_table; option->name != NULL; option++) {
        bool few = option->kind == ARGS_NUMBER && option->high - option->low <= FEW;
        if (option->kind != ARGS_CHOICE && !few) {
            continue;
        }
        printf("    [--%s]='", option->name);
        for (int i = 0; !few && option->choices[i] != NULL; i++) {
            printf("%s%s", i == 0 ? "" : " ", option->choices[i]);
        }
        for (int i = option->low; few && i <= option->high; i++) {
            printf("%s%d", i == option->low ? "" : " ", i);
        }
        fputs("'\n", stdout);
    }
    fputs(")\n", stdout);
}

static void print_items(void)
{
    fputs("_fdistdump_items='", stdout);
    for (const struct args_item *item = args_item_table; item->name != NULL; item++) {
        printf("%s%s", item == args_item_table ? "" : " ", item->name);
    }
    fputs("'\n", stdout);
}

/** Whether the question is one fdistdump answers. */
static bool is_accepted(const struct query_words *words)
{
    struct query query;
    struct failure failure;
    lnf_query_t *compiled = NULL;

    int class = query_build(words, QUERY_RECORDS, &query, &failure);
    if (class == REPORT_OK) {
        class = query_compile(&query, &compiled, &failure);
        lnf_query_destroy(compiled);
    }
    query_clear(&query);
    return class == REPORT_OK;
}

enum use { USE_KEY, USE_ORDER, USE_OUTPUT };

static bool is_usable(const char *name, enum use use)
{
    switch (use) {
    case USE_KEY:
        return is_accepted(&(struct query_words){.aggregation = name, .fields = ""});
    case USE_ORDER:
        return is_accepted(&(struct query_words){.order = name, .fields = ""});
    default:
        return is_accepted(&(struct query_words){.fields = name});
    }
}

static void print_fields(const char *variable, enum use use, const int *fields)
{
    const char *separator = "";

    printf("%s='", variable);
    for (const int *field = fields; *field != LNF_FLD_TERM_; field++) {
        char name[NAME_SIZE];
        query_field_name(*field, name, sizeof(name));
        int bits[2];
        /* Names that stand for another field are understood, but not offered. */
        if (lnf_fld_parse(name, &bits[0], &bits[1]) == *field && is_usable(name, use)) {
            printf("%s%s", separator, name);
            separator = " ";
        }
    }
    fputs("'\n", stdout);
}

int main(void)
{
    int fields[FIELDS_MAX];

    if (lnf_fld_info(LNF_FLD_ZERO_, LNF_FLD_INFO_FIELDS, fields, sizeof(fields)) != LNF_OK) {
        fputs("print_completion: libnf does not list its fields\n", stderr);
        return 1;
    }
    puts("# SPDX-License-Identifier: BSD-3-Clause\n"
         "# Completes command lines of fdistdump in Bash; made of the program's own tables.");
    print_options();
    print_letters();
    print_values();
    print_items();
    print_fields("_fdistdump_keys", USE_KEY, fields);
    print_fields("_fdistdump_orders", USE_ORDER, fields);
    print_fields("_fdistdump_fields", USE_OUTPUT, fields);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
