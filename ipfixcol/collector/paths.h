/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Where things are installed.
 *
 * The folders compiled in are used when they exist; else those of the tree the program itself lies
 * in, so that `cmake --install --prefix DIR` makes a tree that can be moved.
 *
 * Threads: paths_init() before threads start; afterwards any.
 */
#ifndef COLLECTOR_PATHS_H
#define COLLECTOR_PATHS_H

/** Finds the folders; `executable` is the program's file, NULL asks the system. */
void paths_init(const char *executable);

/** Default of -c, -i and -e: `name` in the folder of the configuration. Valid until called 8 times.
 */
const char *paths_config(const char *name);

/** Folder of the installed plugins. */
const char *paths_plugin_dir(void);

#endif
