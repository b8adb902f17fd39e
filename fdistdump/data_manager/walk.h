/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Finds the flow files of profiles. Only names are read; symbolic links are not followed, and
 * mount points not entered.
 */
#ifndef DATA_MANAGER_WALK_H
#define DATA_MANAGER_WALK_H

#include "dm_log.h"
#include "report.h"
#include "tree.h"

/** Directories deeper than this are not entered. */
#define WALK_DEPTH_MAX 64

struct walk {
    struct tree *tree;
    struct dm_log *log;
    struct failure *failure;
    bool lock; /* profiles inside others are locked as well, see profiles.h */
    uint64_t profile_count, channel_count;
};

/**
 * Adds what is below a profile directory that the tree has, which is open. What cannot be read is a
 * trouble in the log.
 *
 * @return REPORT_OK; REPORT_MEMORY; REPORT_LOCKED, of profiles.h
 */
int walk_profile(struct walk *walk, uint32_t profile);

#endif
