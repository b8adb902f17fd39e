/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Turns a plugin's XML element into its options struct, by the rows of <ipfixcol/option.h>.
 *
 * Threads: any, each struct in one thread at a time.
 */
#ifndef COLLECTOR_OPTION_H
#define COLLECTOR_OPTION_H

#include <ipfixcol/option.h>
#include <ipfixcol/plugin.h>

#include <stdbool.h>
#include <stdio.h>

struct _xmlNode;

/** Text of what is wrong with a configuration: `FILE:LINE: <element>: reason`. */
struct config_error {
    char text[1024];
};

/** Where the options of a plugin come from. */
struct option_source {
    const char *file;            /* for errors */
    const struct _xmlNode *node; /* NULL: presets only */
    const char *const *skip;     /* child elements that are the collector's own, ended by NULL */
    bool quiet;                  /* no warnings: they were given before */
};

/**
 * Reads the settings of a plugin.
 *
 * @param[out] options  new struct of plugin->options_size octets, to be freed with option_free();
 *                      NULL when the plugin has none; untouched on failure
 * @return COL_OK; COL_ERR, the reason in err; COL_ERR_NOMEM
 */
int option_parse(const struct col_plugin *plugin, const struct option_source *source,
                 void **options, struct config_error *err);

/** Frees a struct filled by option_parse() with everything in it; NULL is fine. */
void option_free(const struct col_option *rows, void *options);

/**
 * Checks that rows make sense: types, places inside `size` octets, presets, choices.
 *
 * @return true, or false with the reason in err
 */
bool option_check_rows(const struct col_option *rows, size_t size, struct config_error *err);

/** Writes a table of the rows for people, Markdown at the same time. */
void option_print(const struct col_option *rows, FILE *out);

#endif
