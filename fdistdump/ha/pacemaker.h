/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * A cluster as Pacemaker knows it: what its command line tools print, understood.
 *
 * Of the cluster the attributes `flow-original-path` and `flow-mirror-path` are read, of its nodes
 * `role` and, of subcollectors, `successor-id`.
 */
#ifndef FDISTDUMP_HA_PACEMAKER_H
#define FDISTDUMP_HA_PACEMAKER_H

#include "cluster.h"
#include "events.h"

#define PACEMAKER_TOOL_LIMIT_MS 5000u

/** How crm_mon is asked for XML, which depends on its version. */
enum pacemaker_dialect { PACEMAKER_OUTPUT_AS, PACEMAKER_AS_XML };

/** Tools that are missing, joined by ", ", the caller's to free; empty = all are there; NULL
 * without memory. */
char *pacemaker_missing_tools(void);

/**
 * Asks the tools for the whole cluster and checks it.
 *
 * @param[out] dialect  for pacemaker_add_status()
 * @return REPORT_OK; REPORT_ARGUMENTS, attributes make no cluster; REPORT_INTERNAL, a tool failed
 */
int pacemaker_read(struct events *events, struct cluster *cluster, enum pacemaker_dialect *dialect,
                   struct failure *failure);

/** Adds the command that tells who is online; NULL without memory. */
struct command *pacemaker_add_status(struct commands *commands, enum pacemaker_dialect dialect);

/**
 * Reads crm_mon's XML.
 *
 * Only a node crm_mon calls plainly "online" is: not one in standby, maintenance, pending, unclean.
 * Nodes that are no members of the cluster itself, such as remote ones, are left out.
 *
 * @param[in,out] cluster  without nodes: they are added; else their state is set
 */
int pacemaker_parse_status(const char *xml, size_t size, struct cluster *cluster,
                           struct failure *failure);

/** Compares `crm_node -l` with the nodes: names must agree. */
int pacemaker_parse_list(const char *text, const struct cluster *cluster, struct failure *failure);

#endif
