/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Paths of the command line into the list of flow files this process reads.
 *
 * A path may start with `%RANK:` (only that process uses it) and contain `%h` (name of this host).
 * Directories are walked, sorted by name, or, with a time range, looked up as
 * DIR/YYYY/MM/DD/lnf.YYYYMMDDhhmmss in UTC. What cannot be used is a warning; a directory that the
 * same walk has read under another name is an information.
 */
#ifndef FDISTDUMP_FLOW_FILES_H
#define FDISTDUMP_FLOW_FILES_H

#include "report.h"
#include "time_spec.h"

#include <stddef.h>

struct flow_files {
    char **paths;
    size_t count;
    size_t capacity;
    size_t skipped; /* paths that were warned about */
};

/** What the expansion of paths depends on. */
struct flow_files_context {
    const struct report *report;
    unsigned rank;                  /* number paths with a rank prefix are compared with */
    const char *host;               /* what %h stands for */
    const struct time_range *range; /* NULL = whole directories */
};

/**
 * Adds the files of one path of the command line, in order.
 *
 * @return REPORT_OK, also when nothing was found; REPORT_MEMORY
 */
int flow_files_add(struct flow_files *files, const char *path,
                   const struct flow_files_context *context, struct failure *failure);

/** Frees the list; an empty one ({0}) is fine. */
void flow_files_clear(struct flow_files *files);

#endif
