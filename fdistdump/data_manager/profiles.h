/* SPDX-License-Identifier: BSD-3-Clause */
/** Profile directories of the command line: opened, compared and locked. */
#ifndef DATA_MANAGER_PROFILES_H
#define DATA_MANAGER_PROFILES_H

#include "dm_log.h"
#include "report.h"
#include "tree.h"

#include <stdbool.h>
#include <stddef.h>

/** Another run has a profile: a class beside those of report.h, and an exit status. */
#define REPORT_LOCKED 2

/**
 * Opens the directories, each of which must have channels/, and adds them to the tree. All must be
 * on one device, and none the same as another one or inside it. A path may be a symbolic link.
 *
 * @return REPORT_OK; REPORT_PATH; REPORT_MEMORY
 */
int profiles_open(struct tree *tree, char *const *paths, size_t count, struct failure *failure);

/**
 * Locks a profile directory (flock) until its descriptor is closed. A run locks every profile it
 * deletes in, those inside others too: two runs exclude each other also when they are called with
 * different directories of one tree. File systems without locks do without, with a warning.
 *
 * @return REPORT_OK; REPORT_LOCKED
 */
int profiles_lock(int fd, const char *path, struct dm_log *log, struct failure *failure);

/** Whether a directory has a directory channels, not as a link. */
bool profiles_has_channels(int fd);

/** Lets the process open as many files as it may: locked profiles stay open. */
void profiles_raise_limit(void);

#endif
