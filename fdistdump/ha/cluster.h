/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * What fdistdump-ha knows of a cluster: its nodes, who mirrors whom, where flow files are.
 *
 * Subcollectors stand in one cycle: each keeps a mirror of the flow files of the one before it,
 * its predecessor, whose successor it is.
 */
#ifndef FDISTDUMP_HA_CLUSTER_H
#define FDISTDUMP_HA_CLUSTER_H

#include "report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTER_NODES_MAX 1024u
#define CLUSTER_NAME_MAX 253u /* of a host, RFC 1035 */

enum cluster_role { CLUSTER_NO_ROLE, CLUSTER_PROXY, CLUSTER_SUBCOLLECTOR };

struct cluster_node {
    char *name; /* of the host */
    uint32_t id;
    enum cluster_role role;
    uint32_t successor_id; /* 0 = none */
    unsigned line;         /* of the cluster file; 0 = from elsewhere */
    bool online;

    size_t successor, predecessor; /* places in nodes, set by cluster_check() */
};

/** Empty is {0}. */
struct cluster {
    char *source; /* what errors name: the cluster file or Pacemaker */
    char *original, *mirror;
    char *local; /* name of this node; NULL = this host is none */
    struct cluster_node *nodes;
    size_t count;
};

/** Changes relative to an earlier look, as a set. */
enum cluster_change { CLUSTER_SAME = 0, CLUSTER_MORE = 1, CLUSTER_FEWER = 2 };

/**
 * Adds a node; its name is checked and copied.
 *
 * @return REPORT_OK; REPORT_ARGUMENTS, not the name of a host, or too many nodes; REPORT_MEMORY
 */
int cluster_add(struct cluster *cluster, const struct cluster_node *node, struct failure *failure);

/** Reads the number of a node, 1 to UINT32_MAX, all of the text. */
bool cluster_read_id(const char *text, uint32_t *id);

/** Reads the name of a role. */
bool cluster_read_role(const char *text, enum cluster_role *role);

/** Node with that number; NULL = there is none. */
struct cluster_node *cluster_find_id(const struct cluster *cluster, uint32_t id);

/** Node with the name of a host, with or without its domain; NULL = there is none. */
struct cluster_node *cluster_find_host(const struct cluster *cluster, const char *host);

/**
 * Sorts the nodes by number and checks that they make a cluster: different numbers and names, both
 * paths absolute and not the same, all subcollectors in exactly one cycle.
 *
 * @return REPORT_OK; REPORT_ARGUMENTS, the text names source, line and node
 */
int cluster_check(struct cluster *cluster, struct failure *failure);

/** What changed from `before` (one flag per node) to now. */
unsigned cluster_compare(const struct cluster *cluster, const bool *before);

void cluster_clear(struct cluster *cluster);

#endif
