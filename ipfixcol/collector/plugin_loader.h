/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Finds, checks and loads plugins.
 *
 * A loaded plugin is shared by its instances and stays in memory until the last of them is gone.
 *
 * Threads: load in the main thread; references may be dropped in any.
 */
#ifndef COLLECTOR_PLUGIN_LOADER_H
#define COLLECTOR_PLUGIN_LOADER_H

#include "option.h"

#include <ipfixcol/plugin.h>

#include <stddef.h>

/** "input", "intermediate" or "storage". */
const char *plugin_kind_name(enum col_kind kind);

/**
 * Where a plugin's file is: in the folders of the environment's IPFIXCOL_PLUGIN_DIR, as written, or
 * under its base name in the folder where plugins are installed.
 *
 * @param[out] path  the file found, or `file` itself when there is none
 * @return true when it exists
 */
bool plugin_find(const char *file, char *path, size_t path_size);

/**
 * Loads a plugin and checks it: interface version, kind, hooks, option rows.
 *
 * @return the plugin's description, valid until the process ends; NULL with the reason in err
 */
const struct col_plugin *plugin_load(const char *file, enum col_kind kind,
                                     struct config_error *err);

/** Checks a description, whatever it came from. */
bool plugin_check(const struct col_plugin *plugin, enum col_kind kind, struct config_error *err);

#endif
