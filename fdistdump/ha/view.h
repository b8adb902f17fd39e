/* SPDX-License-Identifier: BSD-3-Clause */
/** A cluster that can be looked at again and again, wherever its description comes from. */
#ifndef FDISTDUMP_HA_VIEW_H
#define FDISTDUMP_HA_VIEW_H

#include "cluster_file.h"
#include "pacemaker.h"

/** Empty is {0}. */
struct view {
    const char *file; /* cluster file; NULL = Pacemaker */
    struct cluster cluster;
    struct cluster_probe probe;     /* of a file */
    enum pacemaker_dialect dialect; /* of Pacemaker */
};

/**
 * Reads the whole cluster anew, and who is online.
 *
 * @return REPORT_OK; REPORT_ARGUMENTS, it is no cluster; REPORT_PATH, REPORT_INTERNAL, it cannot be
 *         read
 */
int view_read(struct view *view, struct events *events, struct failure *failure);

/** Adds the commands of a look at who is online now. */
int view_look(const struct view *view, struct commands *commands, struct failure *failure);

/** Takes in what they found, when all have ended; after a failure who is online is not known. */
int view_take(struct view *view, const struct commands *commands, struct failure *failure);

void view_clear(struct view *view);

#endif
