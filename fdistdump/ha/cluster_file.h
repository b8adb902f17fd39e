/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * The cluster file: a cluster described by hand, for machines without Pacemaker.
 *
 * A line is a keyword and its words; `#` starts a comment, double quotes keep blanks in a word.
 * docs/high-availability.md describes every keyword, config/cluster.conf.example is a whole file.
 */
#ifndef FDISTDUMP_HA_CLUSTER_FILE_H
#define FDISTDUMP_HA_CLUSTER_FILE_H

#include "cluster.h"
#include "words.h"

#define CLUSTER_FILE_SIZE_MAX (1u << 20)
#define CLUSTER_FILE_HOST "%h" /* in the words of the probe: name of the node */

/** How a node is asked whether it is alive. */
struct cluster_probe {
    struct words command; /* status 0 = alive */
    unsigned timeout_ms;  /* the command is killed after so long */
};

/**
 * Reads the text of a cluster file, checks the cluster.
 *
 * @param name  of the file, for errors: FILE:LINE: what is wrong and expected
 * @param[out] cluster,probe  the caller's to clear, also after a failure; nobody is online yet
 * @return REPORT_OK; REPORT_ARGUMENTS; REPORT_MEMORY
 *
 * Source: docs/high-availability.md, "Cluster file".
 */
int cluster_file_parse(const char *text, size_t size, const char *name, struct cluster *cluster,
                       struct cluster_probe *probe, struct failure *failure);

/** The same of a file; REPORT_PATH when it cannot be read. */
int cluster_file_read(const char *path, struct cluster *cluster, struct cluster_probe *probe,
                      struct failure *failure);

#endif
