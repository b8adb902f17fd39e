/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Writes what Bash has to know to complete command lines of fdistdump: options, their values,
 * fields.
 *
 * Runs when fdistdump is built. completion_common.bash and completion.bash, which work with what is
 * written here, follow it in the installed file.
 */
#include "args.h"
#include "completion_tables.h"

#include <libnf.h>
#include <stdio.h>

#define PREFIX "_fdistdump" /* of the variables */
#define OPTIONS_MAX 128
#define FIELDS_MAX 512
#define NAME_SIZE 64
#define FEW 9 /* numbers that are worth a list */

/** The table of options as Bash is to know it. */
static void print_options(void)
{
    struct completion_option rows[OPTIONS_MAX] = {{.name = NULL}};
    struct completion_option *row = rows;

    for (const struct args_option *option = args_table;
         option->name != NULL && row < rows + OPTIONS_MAX - 1; option++) {
        bool few = option->kind == ARGS_NUMBER && option->high - option->low <= FEW;
        *row++ = (struct completion_option){
            .letter = option->letter,
            .name = option->name,
            .has_argument = option->value != NULL || option->kind == ARGS_CHOICE,
            .is_older = option->help == NULL,
            .choices = option->kind == ARGS_CHOICE ? option->choices : NULL,
            .low = few ? option->low : 0,
            .high = few ? option->high : 0,
        };
    }
    completion_print_options(PREFIX, rows);
}

static void print_items(void)
{
    completion_begin_list(PREFIX, "items");
    for (const struct args_item *item = args_item_table; item->name != NULL; item++) {
        completion_print_word(item->name);
    }
    completion_end_list();
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

static void print_fields(const char *list, enum use use, const int *fields)
{
    completion_begin_list(PREFIX, list);
    for (const int *field = fields; *field != LNF_FLD_TERM_; field++) {
        char name[NAME_SIZE];
        query_field_name(*field, name, sizeof(name));
        int bits[2];
        /* Names that stand for another field are understood, but not offered. */
        if (lnf_fld_parse(name, &bits[0], &bits[1]) == *field && is_usable(name, use)) {
            completion_print_word(name);
        }
    }
    completion_end_list();
}

int main(void)
{
    int fields[FIELDS_MAX];

    if (lnf_fld_info(LNF_FLD_ZERO_, LNF_FLD_INFO_FIELDS, fields, sizeof(fields)) != LNF_OK) {
        fputs("print_completion: libnf does not list its fields\n", stderr);
        return 1;
    }
    completion_print_top("fdistdump");
    print_options();
    print_items();
    print_fields("keys", USE_KEY, fields);
    print_fields("orders", USE_ORDER, fields);
    print_fields("fields", USE_OUTPUT, fields);
    return completion_end();
}
