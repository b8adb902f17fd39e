/* SPDX-License-Identifier: BSD-3-Clause */
/** Writes what Bash has to know of the options of flow-data-manager, see print_completion.c. */
#include "completion_tables.h"
#include "dm_args.h"

#define PREFIX "_flow_data_manager" /* of the variables */
#define OPTIONS_MAX 64

/** Options that have a meaning with scan. */
static void print_scan_options(void)
{
    completion_begin_list(PREFIX, "scan_options");
    for (const struct dm_option *option = dm_option_table; option->name != NULL; option++) {
        if (!option->is_delete) {
            completion_print_option(option->name, option->value != NULL);
        }
    }
    completion_end_list();
}

int main(void)
{
    struct completion_option rows[OPTIONS_MAX] = {{.name = NULL}};
    struct completion_option *row = rows;

    for (const struct dm_option *option = dm_option_table;
         option->name != NULL && row < rows + OPTIONS_MAX - 1; option++) {
        *row++ = (struct completion_option){
            .letter = option->letter,
            .name = option->name,
            .has_argument = option->value != NULL,
            .choices = option->kind == DM_UNIT ? dm_unit_names : NULL,
        };
    }
    completion_print_top("flow-data-manager");
    completion_print_options(PREFIX, rows);
    print_scan_options();
    return completion_end();
}
