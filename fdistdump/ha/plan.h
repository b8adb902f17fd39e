/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The decision: who is asked for what, as the command line of mpiexec.
 *
 * All subcollectors online: one program with the original path everywhere. Else every process gets
 * its own paths, and the successor of a node that is offline also reads the mirror it has of it.
 */
#ifndef FDISTDUMP_HA_PLAN_H
#define FDISTDUMP_HA_PLAN_H

#include "cluster.h"
#include "ha_args.h"

struct plan {
    struct words command;
    struct words warnings; /* what the user should know, a line each */
    struct words missing;  /* names of nodes whose data nobody has */
    size_t master;         /* place of the node the master runs on */
};

/**
 * Decides for a checked cluster.
 *
 * @param paths  relative to the paths of the cluster, at least one
 * @param[out] plan  the caller's to clear, also after a failure
 * @return REPORT_OK; REPORT_INTERNAL, no subcollector is online; REPORT_PATH, data are missing and
 *         args->complete_only is set; REPORT_MEMORY
 */
int plan_build(const struct cluster *cluster, const struct ha_args *args, const struct words *paths,
               struct plan *plan, struct failure *failure);

void plan_clear(struct plan *plan);

#endif
