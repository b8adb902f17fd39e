/* SPDX-License-Identifier: BSD-3-Clause */
/** Writes what Bash has to know of the options of fdistdump-ha, see print_completion.c. */
#include "completion_tables.h"
#include "ha_args.h"

#define PREFIX "_fdistdump_ha" /* of the variables */
#define OPTIONS_MAX 64

int main(void)
{
    struct completion_option rows[OPTIONS_MAX] = {{.name = NULL}};
    struct completion_option *row = rows;

    for (const struct ha_option *option = ha_option_table;
         option->name != NULL && row < rows + OPTIONS_MAX - 1; option++) {
        *row++ = (struct completion_option){
            .letter = option->letter,
            .name = option->name,
            .has_argument = option->value != NULL,
            .choices = option->kind == HA_CHOICE ? option->choices : NULL,
        };
    }
    completion_print_top("fdistdump-ha");
    completion_print_options(PREFIX, rows);
    return completion_end();
}
